/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-unfreeze: lets the processes of a frozen container go on. */
#include "common.h"
#include "quantity.h"

static struct args a;
static const char *timeout = "60";

static const struct opt opts[] = {
	{ 't', "timeout", "SECONDS", OPT_STRING, &timeout, "give up after so long (60); -1: never", NULL },
};
static const struct tool tool = {
	"ct-unfreeze", "NAME [-t SECONDS]", "Lets the processes of a frozen container go on.",
	opts, sizeof(opts) / sizeof(*opts), TOOL_NAME,
};

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int err, ms;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (parse_timeout(timeout, &ms) < 0)
		return fail(&a, "-t %s: a number of seconds, or -1", timeout);
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return err ? err : EXIT_OWN;
	return ct_unfreeze(c, ms) < 0 ? fail_container(&a, c) : 0;
}
