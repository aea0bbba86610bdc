/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-stop: asks a container to shut down or to reboot, and ends it when it does not. */
#include <errno.h>
#include <limits.h>

#include "common.h"

#define EXIT_NOT_RUNNING 2 /* as LXC's tool */

static struct args a;
static struct {
	bool reboot, nowait, kill, nokill;
	unsigned timeout;
} o = { .timeout = 60 };

static const struct opt opts[] = {
	{ 'r', "reboot", NULL, OPT_FLAG, &o.reboot, "reboot instead", NULL },
	{ 'W', "nowait", NULL, OPT_FLAG, &o.nowait, "only ask, do not wait", NULL },
	{ 't', "timeout", "SECONDS", OPT_NUMBER, &o.timeout,
	  "wait so long before it is killed (60)", NULL },
	{ 'k', "kill", NULL, OPT_FLAG, &o.kill, "kill it without asking", NULL },
	{ 0, "nokill", NULL, OPT_FLAG, &o.nokill, "do not kill it when it does not go in time",
	  NULL },
	{ 0, "nolock", NULL, OPT_IGNORED, NULL, "accepted: a stop never waits for a lock", NULL },
};
static const struct tool tool = {
	"ct-stop", "NAME [OPTION...]",		 "Shuts a running container down.",
	opts,	   sizeof(opts) / sizeof(*opts), TOOL_NAME,
};

static int stop(ct_container *c)
{
	unsigned flags = 0;
	int err, ms = INT_MAX;

	if (o.timeout <= INT_MAX / 1000)
		ms = (int)o.timeout * 1000;
	if (o.kill)
		flags |= CT_STOP_KILL;
	if (o.nokill)
		flags |= CT_STOP_NO_KILL;
	if (o.nowait)
		flags |= CT_STOP_NO_WAIT;
	if (o.reboot && o.nowait)
		ms = 0;
	if (o.reboot)
		err = ct_reboot(c, ms);
	else
		err = ct_stop(c, flags, ms);
	if (err >= 0)
		return 0;
	fail_container(&a, c);
	if (err == -ESRCH)
		return EXIT_NOT_RUNNING;
	return EXIT_OWN;
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (o.kill && o.reboot)
		return fail(&a, "-k excludes -r");
	if (o.kill && o.nokill)
		return fail(&a, "-k excludes --nokill");
	if (o.nokill && o.nowait)
		return fail(
			&a,
			"--nokill and -W exclude each other: without waiting nothing is killed");
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	return stop(c);
}
