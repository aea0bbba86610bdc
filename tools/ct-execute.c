/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-execute: runs one command as a container, with the container's config when it is defined. */
#include "common.h"
#include "foreground.h"
#include "launch.h"

static struct args a;
static struct {
	bool daemon, dry_run;
	const char *uid, *gid;
	struct strings defines;
	struct shares shares;
} o;

static const struct opt opts[] = {
	{ 'd', "daemon", NULL, OPT_FLAG, &o.daemon, "leave it running under a supervisor", NULL },
	{ 'f', "rcfile", "FILE", OPT_PATH, &a.rcfile, "read FILE instead of the container's config",
	  NULL },
	{ 's', "define", "KEY=VAL", OPT_LIST, &o.defines, "set a config key", NULL },
	{ 'u', "uid", "UID", OPT_STRING, &o.uid, "run as this user (init.uid)", NULL },
	{ 'g', "gid", "GID", OPT_STRING, &o.gid, "run as this group (init.gid)", NULL },
	SHARE_ROWS(o.shares),
	{ 0, "dry-run", NULL, OPT_FLAG, &o.dry_run, "print the plan and change nothing", NULL },
};
static const struct tool tool = {
	"ct-execute",
	"NAME [OPTION...] [-- COMMAND [ARGUMENT...]]",
	"Runs COMMAND, or execute.cmd, as the only program of a container. "
	"NAME need not be defined.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_COMMAND | TOOL_JSON | TOOL_NO_RCFILE,
};

static int configure(ct_container *c)
{
	int err = load_config(&a, c, &o.defines, true);

	if (!err)
		err = define(&a, c, "init.uid", o.uid);
	if (!err)
		err = define(&a, c, "init.gid", o.gid);
	if (err)
		return err;
	return define_shares(&a, c, &o.shares);
}

static int run(ct_container *c, ct_start_opts *so)
{
	struct session s = { .program = true };
	ct_exit x = CT_EXIT_INIT;
	int err = run_foreground(&a, c, so, &s, NULL, &x);

	if (err)
		return err;
	return session_code(&a, &s, &x);
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_PROCESS ct_process *p = NULL;
	ct_start_opts so = CT_START_OPTS_INIT;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = open_container(&a, &c);
	if (!err)
		err = configure(c);
	if (err)
		return err;
	so.argv = command_of(&a);
	so.flags = CT_START_EXECUTE | CT_START_DETACH;
	if (o.dry_run) {
		if (!o.daemon)
			plan_foreground(&so);
		return print_plan(&a, c, &so);
	}
	if (!o.daemon)
		return run(c, &so);
	return launch_start(&a, c, &so, &p);
}
