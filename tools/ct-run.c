/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-run: a sandbox in one line. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common.h"
#include "launch.h"
#include "run-caps.h"
#include "run-limits.h"
#include "run-mount.h"
#include "terminal.h"

#define MAX_KEEP 64

static struct args a;
static struct {
	const char *rootfs, *time, *output, *cwd, *user, *hostname, *seccomp, *net, *verdict;
	bool readonly, clear_env, new_privs, pty, no_pty, dry_run;
	struct strings defines, env, share, unshare;
	struct run_mounts mounts;
	struct run_limits limits;
	struct run_caps caps;
	int keep[MAX_KEEP];
	size_t n_keep;
} o;

static int add_mount_row(const struct opt *row, const char *value)
{
	if (run_mounts_add(&o.mounts, row->name, value) < 0)
		return fail_tool("ct-run", "out of memory");
	return 0;
}

/* A variable that is named without a value, and that the tool does not have, is left out. */
static int add_variable(const struct opt *row, const char *text)
{
	const char *value;
	char *whole;

	(void)row;
	if (!strchr(text, '=')) {
		value = getenv(text);
		if (!value)
			return 0;
		if (asprintf(&whole, "%s=%s", text, value) < 0)
			return fail_tool("ct-run", "out of memory");
		text = whole;
	}
	if (strings_add(&o.env, text) < 0)
		return fail_tool("ct-run", "out of memory");
	return 0;
}

static int keep_fd(const struct opt *row, const char *value)
{
	unsigned long fd;

	if (number(value, INT_MAX, &fd) || fcntl((int)fd, F_GETFD) < 0)
		return fail_tool("ct-run", "--%s %s: no such open descriptor", row->name, value);
	if (o.n_keep == MAX_KEEP)
		return fail_tool("ct-run", "--%s: at most %d of them", row->name, MAX_KEEP);
	o.keep[o.n_keep++] = (int)fd;
	return 0;
}

static const struct opt opts[] = {
	{ 'r', "rootfs", "DIR", OPT_PATH, &o.rootfs, "root file system; / is the host's own",
	  NULL },
	{ 0, "ro", NULL, OPT_FLAG, &o.readonly, "read-only root file system", NULL },
	{ 0, "tmpfs", "PATH[:OPTIONS]", OPT_CALL, NULL,
	  "empty writable directory (size=64m,mode=755,noexec)", add_mount_row },
	{ 0, "bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, NULL,
	  "file or directory of the host (ro,noexec,norec,create,...)", add_mount_row },
	{ 'v', "volume", "SRC:DST[:OPTIONS]", OPT_CALL, NULL, "the same, and a missing DST is made",
	  add_mount_row },
	{ 0, "ro-bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, NULL, "the same, read-only",
	  add_mount_row },
	{ 0, "dev-bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, NULL, "the same, device files work",
	  add_mount_row },
	{ 't', "time", "TIME", OPT_STRING, &o.time, "wall clock limit: 1s, 500ms, 2m (limit.time)",
	  NULL },
	{ 0, "output", "SIZE", OPT_STRING, &o.output,
	  "limit of what it prints, with units (limit.output)", NULL },
	LIMIT_ROWS(o.limits),
	{ 0, "cwd", "PATH", OPT_STRING, &o.cwd, "working directory (init.cwd)", NULL },
	{ 'u', "user", "UID[:GID]", OPT_STRING, &o.user,
	  "numeric user and group; GID is UID when left out", NULL },
	{ 'e', "env", "NAME[=VALUE]", OPT_CALL, NULL,
	  "set a variable; without a value, as it is here", add_variable },
	{ 0, "clear-env", NULL, OPT_FLAG, &o.clear_env, "no variables but those of --env", NULL },
	{ 0, "hostname", "NAME", OPT_STRING, &o.hostname, "host name inside (uts.name)", NULL },
	{ 0, "net", "KIND", OPT_STRING, &o.net,
	  "empty: loopback only (default); host: the host's network", NULL },
	{ 0, "share", "NS", OPT_LIST, &o.share,
	  "keep this namespace of the host: pid, uts, ipc, net, cgroup", NULL },
	{ 0, "unshare", "NS", OPT_LIST, &o.unshare, "make this one new, too: user, time", NULL },
	CAP_ROWS(o.caps),
	{ 0, "seccomp", "PROFILE", OPT_STRING, &o.seccomp,
	  "filter of system calls: default, none, or a file of LXC's or Docker's form "
	  "(seccomp.profile); without this option: default",
	  NULL },
	{ 0, "new-privs", NULL, OPT_FLAG, &o.new_privs,
	  "let setuid programs work (no_new_privs is on otherwise)", NULL },
	{ 0, "keep-fd", "N", OPT_CALL, NULL,
	  "hand over descriptor N; they become 3, 4, ... in this order", keep_fd },
	{ 0, "pty", NULL, OPT_FLAG, &o.pty,
	  "a pseudo terminal (default when standard input and output are terminals)", NULL },
	{ 0, "no-pty", NULL, OPT_FLAG, &o.no_pty, "never a pseudo terminal", NULL },
	{ 0, "verdict", "FILE", OPT_STRING, &o.verdict,
	  "write how it ended and what it used as JSON; -: standard error", NULL },
	{ 'f', "config", "FILE", OPT_PATH, &a.rcfile, "begin with this config file", NULL },
	{ 's', "define", "KEY=VALUE", OPT_LIST, &o.defines, "set a config key", NULL },
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

static const char *const own_by_default[] = { "mnt", "pid", "uts", "ipc", "net", "cgroup" };
static const char *const on_request[] = { "user", "time" };
#define N_OWN (sizeof(own_by_default) / sizeof(*own_by_default))
#define N_REQUEST (sizeof(on_request) / sizeof(*on_request))

static bool named(const struct strings *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcasecmp(list->v[i], name))
			return true;
	return false;
}

static int known_namespaces(const struct strings *list, const char *option)
{
	for (size_t i = 0; i < list->n; i++) {
		bool found = false;

		for (size_t k = 0; k < N_OWN; k++)
			found = found || !strcasecmp(list->v[i], own_by_default[k]);
		for (size_t k = 0; k < N_REQUEST; k++)
			found = found || !strcasecmp(list->v[i], on_request[k]);
		if (!found)
			return fail(&a,
				    "--%s %s: there are mnt, pid, uts, ipc, net, cgroup, user, "
				    "time",
				    option, list->v[i]);
	}
	return 0;
}

static void add_word(char *text, size_t size, const char *word)
{
	size_t n = strlen(text);

	if (n)
		snprintf(text + n, size - n, " %s", word);
	else
		snprintf(text, size, "%s", word);
}

static int set_namespaces(ct_container *c)
{
	char text[128] = "";
	int err = known_namespaces(&o.share, "share");

	if (!err)
		err = known_namespaces(&o.unshare, "unshare");
	if (err || !(o.share.n || o.unshare.n))
		return err;
	if (named(&o.share, "mnt"))
		return fail(&a, "--share mnt: a sandbox always has mounts of its own");
	for (size_t i = 0; i < N_OWN; i++)
		if (!named(&o.share, own_by_default[i]))
			add_word(text, sizeof(text), own_by_default[i]);
	for (size_t i = 0; i < N_REQUEST; i++)
		if (named(&o.unshare, on_request[i]))
			add_word(text, sizeof(text), on_request[i]);
	return define(&a, c, "namespace.clone", text);
}

static int set_net(ct_container *c)
{
	if (!o.net)
		return 0;
	if (!strcmp(o.net, "empty"))
		return define(&a, c, "net.0.type", "empty");
	if (!strcmp(o.net, "host"))
		return define(&a, c, "net.0.type", "none");
	if (!strcmp(o.net, "none"))
		return fail(&a, "--net none: say \"empty\" for no network, or \"host\" for the "
				"host's (LXC calls that none)");
	return fail(&a, "--net %s: there are \"empty\" and \"host\"", o.net);
}

static int set_user(ct_container *c)
{
	const char *gid;
	char uid[32];
	size_t n;
	int err;

	if (!o.user)
		return 0;
	n = strcspn(o.user, ":");
	snprintf(uid, sizeof(uid), "%.*s", (int)n, o.user);
	gid = uid;
	if (o.user[n])
		gid = o.user + n + 1;
	if (!*uid || !*gid)
		return fail(&a, "--user %s: expected UID or UID:GID", o.user);
	err = define(&a, c, "init.uid", uid);
	if (err)
		return err;
	return define(&a, c, "init.gid", gid);
}

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
		err = define(&a, c, "rootfs.path", o.rootfs);
	if (!err && o.readonly)
		err = define(&a, c, "rootfs.readonly", "1");
	if (!err)
		err = define(&a, c, "limit.time", o.time);
	if (!err)
		err = define(&a, c, "limit.output", o.output);
	if (!err)
		err = run_limits_apply(&a, c, &o.limits);
	if (!err)
		err = define(&a, c, "init.cwd", o.cwd);
	if (!err)
		err = define(&a, c, "uts.name", o.hostname);
	if (!err)
		err = run_caps_apply(&a, c, &o.caps);
	if (!err)
		err = set_net(c);
	if (!err)
		err = set_user(c);
	if (!err)
		err = set_namespaces(c);
	if (!err)
		err = set_filter(c);
	if (!err)
		err = define_all(&a, c, &o.defines);
	if (!err)
		err = run_mounts_apply(&a, c, &o.mounts);
	if (err)
		return err;
	if (!config_is_set(c, "rootfs.path"))
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

static uint64_t start_flags(ct_container *c)
{
	uint64_t flags = 0;

	if (o.clear_env)
		flags |= CT_START_CLEAR_ENV;
	if (!o.new_privs)
		flags |= CT_START_NO_NEW_PRIVS;
	if (o.pty || (!o.no_pty && terminal_here() && !config_is_set(c, "limit.output")))
		flags |= CT_START_PTY;
	return flags;
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
	if (o.pty && o.no_pty)
		return fail(&a, "--pty and --no-pty exclude each other");
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
	so.envp = o.env.v;
	so.keep_fds = o.keep;
	so.n_keep_fds = o.n_keep;
	so.flags = start_flags(c);
	if (o.dry_run)
		return print_plan(&a, c, &so);
	return run(c, &so, verdict);
}
