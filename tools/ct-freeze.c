/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-freeze: stops every process of a container where it is. */
#include "common.h"
#include "quantity.h"

static struct args a;
static const char *timeout = "60";

static const struct opt opts[] = {
	{ 't', "timeout", "SECONDS", OPT_STRING, &timeout, "give up, and let it go on, after so long (60); -1: never", NULL },
};
static const struct tool tool = {
	"ct-freeze", "NAME [-t SECONDS]", "Stops all processes of a container where they are, until ct-unfreeze.",
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
	return ct_freeze(c, ms) < 0 ? fail_container(&a, c) : 0;
}
