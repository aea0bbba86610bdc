/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-run: a sandbox in one line. */
#include <errno.h>
#include <string.h>

#include "common.h"
#include "launch.h"
#include "run-allow.h"
#include "sandbox.h"
#include "terminal.h"

static struct args a;
static struct {
	struct sandbox box;
	struct run_allow allow;
	const char *seccomp, *verdict;
	bool dry_run;
} o = { .box.args = &a };

static const struct opt opts[] = {
	SANDBOX_ROWS(o.box),
	LIMIT_ROWS(o.box.limits),
	CAP_ROWS(o.box.caps),
	ALLOW_ROWS(o.allow),
	{ 0, "seccomp", "PROFILE", OPT_STRING, &o.seccomp,
	  "filter of system calls: default, none, or a file of LXC's or Docker's form "
	  "(seccomp.profile); without this option: default",
	  NULL },
	{ 0, "verdict", "FILE", OPT_STRING, &o.verdict,
	  "write how it ended and what it used as JSON; -: standard error", NULL },
	{ 'f', "config", "FILE", OPT_PATH, &a.rcfile, "begin with this config file", NULL },
	{ 0, "dry-run", NULL, OPT_FLAG, &o.dry_run, "print the plan and change nothing", NULL },
};
static const struct tool tool = {
	"ct-run",
	"--rootfs DIR [OPTION...] [--] COMMAND [ARGUMENT...]",
	"Runs COMMAND in a sandbox that is gone when it ends. Exits as COMMAND does.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_COMMAND | TOOL_JSON | TOOL_NO_RCFILE,
};

/* ---- from options to keys -------------------------------------------------------------------- */

static int set_filter(ct_container *c)
{
	const char *profile = o.seccomp;

	if (!profile)
		return 0;
	if (strcmp(profile, "default") != 0 && strcmp(profile, "none") != 0)
		profile = absolute(profile);
	return define(&a, c, "seccomp.profile", profile);
}

static int configure(ct_container *c)
{
	int err = 0;

	if (a.rcfile)
		err = load_config(&a, c, NULL, false);
	if (!err)
		err = set_filter(c);
	if (!err)
		err = run_allow_apply(&a, c, &o.allow);
	if (!err)
		err = sandbox_apply(c, &o.box);
	if (err)
		return err;
	o.box.no_pty |= o.allow.bare && !o.box.pty;
	if (!o.allow.bare && !config_is_set(c, "rootfs.path"))
		return fail(&a, "no root file system is given: use --rootfs DIR, or --rootfs / "
				"--ro for the host's own, read-only");
	return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

static FILE *open_verdict(void)
{
	if (!strcmp(o.verdict, "-"))
		return stderr;
	return fopen(o.verdict, "we");
}

/* Why it did not start. The library has no error for a command line that is not valid. */
static void json_error(struct json *j, const ct_error *e)
{
	static const ct_error invalid = { .err = -EINVAL,
					  .id = CT_ERR_ARGUMENT,
					  .message = "the command line is not valid",
					  .hint = "" };
	const char *hint = e->hint;

	if (!*hint)
		hint = NULL;
	if (!e->err)
		e = &invalid;
	json_string(j, "reason", "error");
	json_string(j, "error", ct_error_name(e->id));
	json_number(j, "errno", -(int64_t)e->err);
	json_string(j, "message", e->message);
	json_string(j, "hint", hint);
}

/* Writes how it has ended, or, with `e`, why it did not start. */
static int write_verdict(FILE *out, const ct_exit *x, const ct_error *e)
{
	struct json j = { .out = out };

	if (!out)
		return 0;
	json_open(&j, NULL, '{');
	if (e)
		json_error(&j, e);
	else
		json_exit(&j, x);
	json_close(&j, '}');
	if (json_end(&j) < 0)
		return fail(&a, "--verdict %s: %s", o.verdict, strerror(errno));
	return 0;
}

static int run(ct_container *c, ct_start_opts *so, FILE *verdict)
{
	CLEAN_PROCESS ct_process *p = NULL;
	struct session s = { .pty = so->flags & CT_START_PTY, .program = true };
	ct_exit x = CT_EXIT_INIT;
	int code, err = session_begin(&s);

	if (err < 0)
		return fail(&a, "the terminal cannot be used: %s", strerror(-err));
	memcpy(so->stdio, s.stdio, sizeof(so->stdio));
	so->rows = s.rows;
	so->cols = s.cols;
	so->modes_fd = s.modes_fd;
	code = launch_start(&a, c, so, &p);
	if (code) {
		session_end(&s);
		write_verdict(verdict, NULL, launch_error(c, p));
		return code;
	}
	err = session_run(&s, p, &x);
	session_end(&s);
	if (err < 0)
		return fail(&a, "%s", ct_process_last_error(p)->message);
	code = session_code(&a, &s, &x);
	err = write_verdict(verdict, &x, NULL);
	if (err)
		return err;
	return code;
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	ct_start_opts so = CT_START_OPTS_INIT;
	FILE *verdict = NULL;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (!a.n_rest)
		return fail(&a, "no command is given (see --help)");
	err = sandbox_check(&o.box);
	if (err)
		return err;
	err = open_container(&a, &c);
	if (err)
		return err;
	if (o.verdict && !o.dry_run) {
		verdict = open_verdict();
		if (!verdict)
			return fail(&a, "--verdict %s: %s", o.verdict, strerror(errno));
	}
	err = configure(c);
	if (err) {
		write_verdict(verdict, NULL, ct_last_error(c));
		return err;
	}
	so.argv = (const char *const *)a.rest;
	sandbox_start(c, &o.box, &so);
	if (o.dry_run)
		return print_plan(&a, c, &so);
	return run(c, &so, verdict);
}
