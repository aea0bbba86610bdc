/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-kill: sends a signal to a container's init, or to all its processes. */
#include <signal.h>

#include "common.h"

static struct args a;
static bool all;

static const struct opt opts[] = {
	{ 'a', "all", NULL, OPT_FLAG, &all, "to every process of the container, not only to init",
	  NULL },
};
static const struct tool tool = {
	"ct-kill",
	"NAME [-a] [SIGNAL]",
	"Sends SIGNAL (a name or number, KILL when left out) to "
	"the container's init, or to all its processes.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_WORDS,
};

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int sig = SIGKILL, err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (a.n_rest > 1)
		return fail(&a, "\"%s\" is one word too many (see --help)", a.rest[1]);
	if (a.n_rest)
		sig = signal_number(a.rest[0]);
	if (sig < 0)
		return fail(&a, "%s: no such signal", a.rest[0]);
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	if (all)
		err = ct_kill_all(c, sig);
	else
		err = ct_kill(c, sig);
	if (err < 0)
		return fail_container(&a, c);
	return 0;
}
