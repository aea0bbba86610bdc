/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "freezer.h"
#include "quantity.h"

int freezer_main(int argc, char **argv, const struct tool *tool, const char *const *timeout,
		 int (*act)(ct_container *c, int timeout_ms))
{
	CLEAN_CONTAINER ct_container *c = NULL;
	static struct args a;
	int err, ms;

	tool_begin();
	err = args_parse(&a, tool, argc, argv);
	if (err >= 0)
		return err;
	if (parse_timeout(*timeout, &ms) < 0)
		return fail(&a, "-t %s: a number of seconds, or -1", *timeout);
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	if (act(c, ms) < 0)
		return fail_container(&a, c);
	return 0;
}
