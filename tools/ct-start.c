/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-start: starts a container, detached or on this terminal, or prints what a start would do. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "common.h"
#include "foreground.h"
#include "launch.h"

static struct args a;
static struct {
	bool foreground, daemon, dry_run;
	const char *pidfile, *console, *console_log;
	struct strings defines;
	struct shares shares;
} o;

static const struct opt opts[] = {
	{ 'd', "daemon", NULL, OPT_FLAG, &o.daemon, "leave it running under a supervisor (default)",
	  NULL },
	{ 'F', "foreground", NULL, OPT_FLAG, &o.foreground,
	  "stay, with this terminal as its console, until it ends", NULL },
	{ 'f', "rcfile", "FILE", OPT_PATH, &a.rcfile, "read FILE instead of the container's config",
	  NULL },
	{ 's', "define", "KEY=VAL", OPT_LIST, &o.defines, "set a config key for this start", NULL },
	{ 'p', "pidfile", "FILE", OPT_STRING, &o.pidfile, "write the process id of init to FILE",
	  NULL },
	{ 'c', "console", "FILE", OPT_STRING, &o.console,
	  "show the console on FILE, a terminal or a file, too; none: no console (console.path)",
	  NULL },
	{ 'L', "console-log", "FILE", OPT_PATH, &o.console_log,
	  "log the console to FILE (console.logfile)", NULL },
	{ 'C', "close-all-fds", NULL, OPT_IGNORED, NULL,
	  "accepted: no descriptor is ever inherited", NULL },
	SHARE_ROWS(o.shares),
	{ 0, "dry-run", NULL, OPT_FLAG, &o.dry_run, "print the plan and change nothing", NULL },
};
static const struct tool tool = {
	"ct-start",
	"NAME [OPTION...] [-- COMMAND [ARGUMENT...]]",
	"Starts a container: its init.cmd, or COMMAND in its place.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_COMMAND | TOOL_JSON | TOOL_NO_RCFILE,
};

static int configure(ct_container *c)
{
	const char *console = o.console;
	int err = load_config(&a, c, &o.defines, false);

	if (console && *console && strcmp(console, "none")) {
		console = absolute(console);
		if (!console)
			return fail(&a,
				    "--console: the path of the working directory cannot be found "
				    "out: %s",
				    strerror(errno));
	}
	if (!err)
		err = define(&a, c, "console.path", console);
	if (!err)
		err = define(&a, c, "console.logfile", o.console_log);
	if (err)
		return err;
	return define_shares(&a, c, &o.shares);
}

/* A signal for the tool asks the system inside to shut down; a second one kills it. */
static int stop_it(struct session *s, int sig, bool again)
{
	unsigned flags = CT_STOP_NO_WAIT;

	(void)sig;
	if (again)
		flags |= CT_STOP_KILL;
	return ct_stop(s->container, flags, 0);
}

static int foreground(ct_container *c, ct_start_opts *so)
{
	struct session s = { .on_signal = stop_it };
	ct_exit x = CT_EXIT_INIT;
	int err = run_foreground(&a, c, so, &s, o.pidfile, &x);

	/* it was asked to shut down, and has: init ends by SIGINT at a power-off */
	if (!err && x.reason == CT_EXIT_STOPPED && x.signal == SIGINT)
		return 0;
	if (err)
		return err;
	return session_code(&a, &s, &x);
}

static int detached(ct_container *c, ct_start_opts *so)
{
	CLEAN_PROCESS ct_process *p = NULL;
	pid_t pid;
	int code;

	so->flags = CT_START_DETACH;
	code = launch_start(&a, c, so, &p);
	if (code || !o.pidfile)
		return code;
	pid = ct_init_pid(c);
	if (pid < 0)
		return fail(&a, "it has ended already, %s is not written", o.pidfile);
	return write_pidfile(&a, o.pidfile, pid);
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	ct_start_opts so = CT_START_OPTS_INIT;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (o.foreground && o.daemon)
		return fail(&a, "-d and -F exclude each other");
	err = open_container(&a, &c);
	if (!err)
		err = configure(c);
	if (err)
		return err;
	so.argv = command_of(&a);
	if (o.dry_run) {
		so.flags = CT_START_DETACH;
		if (o.foreground)
			plan_foreground(&so);
		return print_plan(&a, c, &so);
	}
	if (o.foreground)
		return foreground(c, &so);
	return detached(c, &so);
}
