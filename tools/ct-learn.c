/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-learn: runs a command, or a system, and writes a profile of the system calls that it used. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "launch.h"
#include "learn.h"
#include "sandbox.h"
#include "terminal.h"

#define TOLD 8		   /* numbers without a name that are told of on standard error */
#define SERVED_AT_ONCE 64  /* calls, before the terminal has its turn */
#define COMMAND_BYTES 200u /* that a header shows */

static struct args a;
static struct {
	struct sandbox box;
	const char *profile, *format, *deny;
	bool merge;
} o = { .box.args = &a };

static const struct opt opts[] = {
	{ 'p', "profile", "FILE", OPT_STRING, &o.profile,
	  "write the profile to FILE; -, the default: to standard output", NULL },
	{ 0, "format", "FORM", OPT_STRING, &o.format,
	  "lxc (default): a policy of LXC's version 2; oci: JSON", NULL },
	{ 0, "merge", NULL, OPT_FLAG, &o.merge, "add to what FILE allows already", NULL },
	{ 0, "deny", "ACTION", OPT_STRING, &o.deny,
	  "what becomes of other calls: \"errno N\" (default: errno 1), kill, log", NULL },
	{ 'f', "config", "FILE", OPT_PATH, &a.rcfile, "begin with this config file", NULL },
	SANDBOX_ROWS(o.box),
	LIMIT_ROWS(o.box.limits),
	CAP_ROWS(o.box.caps),
};
static const struct tool tool = {
	"ct-learn",
	"[--profile FILE] {--rootfs DIR | -n NAME} [OPTION...] [--] [COMMAND [ARGUMENT...]]",
	"Runs COMMAND in a sandbox, or in the container NAME, or all of NAME, and writes a filter "
	"that allows the system calls it has used. Exits as COMMAND does.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME_OPTIONAL | TOOL_NO_NAME_WORD | TOOL_COMMAND | TOOL_NO_RCFILE,
};

struct lesson {
	ct_container *c;
	struct learn_seen *seen;
	bool ran; /* the program was executed */
};

/* ---- before ---------------------------------------------------------------------------------- */

static int check_options(void)
{
	if (!a.n_rest && !a.name)
		return fail(&a, "no command is given, and no container (see --help)");
	if (o.format && strcmp(o.format, "lxc") != 0 && strcmp(o.format, "oci") != 0)
		return fail(&a, "--format %s: there are \"lxc\" and \"oci\"", o.format);
	if (!o.profile)
		o.profile = "-";
	return sandbox_check(&o.box);
}

/* What was learned before, and how the profile is to be written. */
static int begin_profile(struct learn_profile *p)
{
	int err = learn_read_deny(p, "errno 1");

	if (!err && o.merge)
		err = learn_load(&a, o.profile, p);
	if (err)
		return err;
	if (o.format && !strcmp(o.format, "oci"))
		p->form = LEARN_OCI;
	else if (o.format)
		p->form = LEARN_LXC;
	if (o.deny && learn_read_deny(p, o.deny) < 0)
		return fail(&a,
			    "--deny \"%s\": there are \"errno N\" (N up to 4095), \"kill\" and "
			    "\"log\"",
			    o.deny);
	return learn_check_file(&a, o.profile);
}

/* The filter to learn under, in a file that goes with the tool, in place of the config's own and of
 * who answers for it. */
static int set_filter(ct_container *c)
{
	static const char *const others[] = { "seccomp.notify", "seccomp.notify.proxy",
					      "seccomp.notify.cookie" };
	int fd = memfd_create("ct-learn", MFD_CLOEXEC);
	char path[64];
	FILE *out = NULL;

	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out)
		learn_write_filter(out);
	if (!out || fflush(out) || ferror(out))
		return fail(&a, "there is no memory for the filter: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (ct_clear_config(c, others[i]) < 0)
			return fail_container(&a, c);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return define(&a, c, "seccomp.profile", path);
}

static int configure(ct_container *c)
{
	int err = 0;

	if (a.name)
		err = load_config(&a, c, NULL, a.n_rest > 0);
	else if (a.rcfile)
		err = load_config(&a, c, NULL, false);
	if (!err)
		err = sandbox_apply(c, &o.box);
	if (err)
		return err;
	if (!config_is_set(c, "rootfs.path"))
		return fail(&a, "no root file system is given: use --rootfs DIR, or --rootfs / "
				"--ro for the host's own, read-only, or -n NAME");
	if (config_is_set(c, "hook.start"))
		return fail(&a, "hook.start: such a hook is under the filter, too, and nobody is "
				"there yet to let its calls go on; learn without it (-s "
				"hook.start=)");
	if (a.name && ct_state(c) != CT_STATE_STOPPED)
		return fail(&a, "it is running: stop it first");
	return set_filter(c);
}

/* ---- the run --------------------------------------------------------------------------------- */

static int serve(struct session *s)
{
	const struct lesson *l = s->data;

	return learn_serve(l->seen, s->watch_fd, SERVED_AT_ONCE);
}

/* A signal for the tool asks a system to shut down; a second one kills it. */
static int stop_system(struct session *s, int sig, bool again)
{
	const struct lesson *l = s->data;
	unsigned flags = CT_STOP_NO_WAIT;

	(void)sig;
	if (again)
		flags |= CT_STOP_KILL;
	return ct_stop(l->c, flags, 0);
}

static void describe_start(ct_container *c, ct_start_opts *so)
{
	so->argv = command_of(&a);
	sandbox_start(c, &o.box, so);
	so->flags |= CT_START_NOTIFY;
	/* the container's own config says whether it may gain privileges */
	if (a.name)
		so->flags &= ~(uint64_t)CT_START_NO_NEW_PRIVS;
	if (a.name && a.n_rest)
		so->flags |= CT_START_EXECUTE;
	/* a system has a terminal as its console, as when a supervisor keeps it */
	else if (a.name && !o.box.no_pty)
		so->flags |= CT_START_PTY;
}

static int run(struct lesson *l)
{
	CLEAN_PROCESS ct_process *p = NULL;
	struct session s = { .program = a.n_rest > 0, .on_watch = serve, .data = l };
	ct_start_opts so = CT_START_OPTS_INIT;
	ct_exit x = CT_EXIT_INIT;
	int code, err;

	describe_start(l->c, &so);
	if (!s.program)
		s.on_signal = stop_system;
	s.pty = so.flags & CT_START_PTY;
	err = session_begin(&s);
	if (err < 0)
		return fail(&a, "the terminal cannot be used: %s", strerror(-err));
	memcpy(so.stdio, s.stdio, sizeof(so.stdio));
	so.rows = s.rows;
	so.cols = s.cols;
	so.modes_fd = s.modes_fd;
	code = launch_start(&a, l->c, &so, &p);
	if (code) {
		session_end(&s);
		return code;
	}
	l->ran = true;
	s.watch_fd = ct_process_notify_fd(p);
	learn_hurry(s.watch_fd);
	err = session_run(&s, p, &x);
	session_end(&s);
	if (err < 0)
		return fail(&a, "%s", ct_process_last_error(p)->message);
	/* it was asked to shut down, and has: init ends by SIGINT at a power-off */
	if (!s.program && x.reason == CT_EXIT_STOPPED && x.signal == SIGINT)
		return 0;
	return session_code(&a, &s, &x);
}

/* ---- behind it ------------------------------------------------------------------------------- */

/* What was run, on one line: when, where, which command. */
static int note_run(struct learn_profile *p)
{
	char text[COMMAND_BYTES + 256], *command = text;
	struct utsname u = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	size_t n, room;

	gmtime_r(&now, &tm);
	uname(&u);
	n = strftime(text, 64, "%Y-%m-%d %H:%M:%S UTC, ", &tm);
	n += (size_t)snprintf(text + n, 180, "Linux %.64s %.64s:", u.release, u.machine);
	command += n;
	room = COMMAND_BYTES;
	if (!a.n_rest)
		snprintf(command, room, " the system of %s", a.name);
	for (int i = 0; i < a.n_rest; i++) {
		n = strlen(command);
		snprintf(command + n, room - n, " %s", a.rest[i]);
	}
	for (char *c = command; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (strlen(command) + 1 == room)
		memcpy(command + room - 4, "...", 4);
	p->runs++;
	return learn_add_run(p, text, strlen(text));
}

/* The profile, also of a run that has failed: it has used what it has used. */
static int finish(struct learn_profile *p, const struct learn_seen *seen)
{
	if (learn_seen_failed(seen) || learn_add_always(p) < 0 || note_run(p) < 0)
		return fail(&a, "out of memory: no profile is written");
	for (size_t i = 0; i < p->n_unnamed && i < TOLD; i++)
		fail(&a, "system call %d of %s has no name here: the profile cannot allow it",
		     p->unnamed[i].nr, learn_archs[p->unnamed[i].arch].section);
	if (p->n_unnamed > TOLD)
		fail(&a, "... and others: see the profile");
	return learn_save(&a, o.profile, p);
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_PROFILE struct learn_profile profile = { 0 };
	struct lesson l = { 0 };
	int code, err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = check_options();
	if (!err)
		err = begin_profile(&profile);
	if (!err)
		err = open_container(&a, &c);
	if (!err)
		err = configure(c);
	if (err)
		return err;
	l.c = c;
	l.seen = learn_seen_new(&profile);
	if (!l.seen)
		return fail(&a, "out of memory");
	code = run(&l);
	if (l.ran)
		err = finish(&profile, l.seen);
	free(l.seen);
	if (err)
		return err;
	return code;
}
