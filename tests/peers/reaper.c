/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callers to whom orphans come: a subreaper, and process 1 of a pid namespace. A start or attach
 * that fails, at whatever step, leaves them no child, dead or alive: not one of the library's
 * processes may ever be theirs to reap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"
#include "setup.h"

#define LATER_MS 300 /* for a child that comes when the call is over */

/* ---- starts and attaches that fail ----------------------------------------------------------- */

/* A config of one key and a program, and where it fails. */
struct failure {
	const char *name, *key, *value, *program;
	const char *key2, *value2;
};

static const struct failure failures[] = {
	/* before there is a process */
	{ "rootfs missing", "rootfs.path", "/no/such/rootfs", NULL, NULL, NULL },
	{ "namespace of nobody", "namespace.share.net", "4194303", NULL, NULL, NULL },
	{ "no such controller", "cgroup2.speed.max", "5", NULL, NULL, NULL },
	{ "limit without a group", "cgroup.backend", "none", NULL, "limit.pids", "50" },
	/* the launcher: host, spawn, enter */
	{ "mount source missing", "mount.entry", "/no/such/source mnt none bind 0 0", NULL, NULL,
	  NULL },
	{ "hook before it fails", "hook.pre-start", "/bin/false", NULL, NULL, NULL },
	{ "hook before it is killed", "hook.pre-start", "/bin/sh -c \"kill -9 $$\"", NULL, NULL,
	  NULL },
	{ "hook of the host fails", "hook.start-host", "/bin/false", NULL, NULL, NULL },
	{ "limit that cannot be set", "prlimit.nofile", "4000000000", NULL, NULL, NULL },
	{ "score out of range", "proc.oom_score_adj", "5000", NULL, NULL, NULL },
	{ "no such file in proc", "proc.no_such_file", "1", NULL, NULL, NULL },
	/* init */
	{ "hook before the mounts fails", "hook.pre-mount", "/bin/false", NULL, NULL, NULL },
	{ "hook of the mounts fails", "hook.mount", "/bin/false", NULL, NULL, NULL },
	{ "hook of devices fails", "hook.autodev", "/bin/false", NULL, NULL, NULL },
	{ "hook of the devices leaves a child", "hook.autodev",
	  "/bin/sh -c \"sleep 0.05 & exit 3\"", NULL, NULL, NULL },
	{ "hook inside fails", "hook.start", "/bin/false", NULL, NULL, NULL },
	{ "hook inside is killed", "hook.start", "/bin/sh -c \"kill -9 $$\"", NULL, NULL, NULL },
	{ "unknown file system", "mount.entry", "none mnt nosuchfs defaults 0 0", NULL, NULL,
	  NULL },
	{ "bad mount option", "mount.entry", "none mnt tmpfs size=lots 0 0", NULL, NULL, NULL },
	{ "mount target missing", "mount.entry", "/etc no/such/target none bind 0 0", NULL, NULL,
	  NULL },
	{ "no such sysctl", "sysctl.net.ipv4.no_such", "1", NULL, NULL, NULL },
	{ "value of a sysctl", "sysctl.kernel.msgmax", "many", NULL, NULL, NULL },
	{ "working directory missing", "init.cwd", "/no/such/place", NULL, NULL, NULL },
	/* the exec, with what else there may be by then */
	{ "program missing", NULL, NULL, "/bin/is-not-there", NULL, NULL },
	{ "program is a directory", NULL, NULL, "/etc", NULL, NULL },
	{ "program missing, pid 1 itself", "init.reaper", "0", "/bin/is-not-there", NULL, NULL },
	{ "program missing, counted", "limit.output", "1M", "/bin/is-not-there", NULL, NULL },
	{ "program missing, with a limit of time", "limit.time", "100s", "/bin/is-not-there", NULL,
	  NULL },
	{ "program missing, with a limit of processor time", "limit.cputime", "100s",
	  "/bin/is-not-there", NULL, NULL },
	{ "program missing, in a user namespace", "idmap", "u 0 100000 1000", "/bin/is-not-there",
	  "idmap", "g 0 100000 1000" },
	{ "program missing, in the host's pid namespace", "namespace.keep", "pid",
	  "/bin/is-not-there", NULL, NULL },
	{ "program missing, a hook for the end", "hook.stop", "/bin/true", "/bin/is-not-there",
	  NULL, NULL },
};
#define FAILURES (sizeof(failures) / sizeof(*failures))

struct attach_failure {
	const char *name, *program, *user, *cwd, *caps;
};

static const struct attach_failure attach_failures[] = {
	{ "program missing", "/bin/is-not-there", NULL, NULL, NULL },
	{ "program is a directory", "/etc", NULL, NULL, NULL },
	{ "user missing", "/bin/true", "nobody-of-this-name", NULL, NULL },
	{ "working directory missing", "/bin/true", NULL, "/no/such/place", NULL },
	{ "capability missing", "/bin/true", NULL, NULL, "no_such" },
};
#define ATTACH_FAILURES (sizeof(attach_failures) / sizeof(*attach_failures))

/* ---- whose children there are ---------------------------------------------------------------- */

static char mistake[1024];

/* The first mistake is told. */
#define WRONG(...) (mistake[0] ? 0 : snprintf(mistake, sizeof(mistake), __VA_ARGS__))

/* The name of a process, and its state, as far as they can be seen. */
static const char *who(pid_t pid, char *text, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || !fgets(text, (int)size, f))
		snprintf(text, size, "%d", (int)pid);
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* No child of ours, neither one that lives nor one that has ended. */
static void no_child(const char *kind, const char *name)
{
	char text[256];
	siginfo_t si = { 0 };
	int r;

	r = waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT);
	if (r < 0 && errno == ECHILD)
		return;
	WRONG("%s, %s: the caller has a child: %s", kind, name,
	      si.si_pid ? who(si.si_pid, text, sizeof(text)) : "one that lives");
	/* the next row begins without it */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* ---- the calls ------------------------------------------------------------------------------- */

struct kind {
	const char *name;
	uint64_t flags;
};

static const struct kind kinds[] = {
	{ "in process", 0 },
	{ "in process, on a terminal", CT_START_PTY },
	{ "detached", CT_START_DETACH },
#ifdef CT_START_NOWAIT
	{ "in process, not waited for", CT_START_NOWAIT },
	{ "detached, not waited for", CT_START_NOWAIT | CT_START_DETACH },
#endif
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static int configure(ct_container *c, const struct failure *f)
{
	int r = f->key ? ct_set_config(c, f->key, f->value) : 0;

	return r < 0 || !f->key2 ? r : ct_set_config(c, f->key2, f->value2);
}

/* Starts, and follows a start that does not wait; its result. */
static int start(ct_container *c, uint64_t flags, const char *program, ct_process **out)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int r;

	o.argv = ARGV(program, "1000");
	o.flags = flags;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = flags & CT_START_PTY ? 0 : -1;
	r = ct_start(c, &o, out);
#ifdef CT_START_NOWAIT
	if (r >= 0 && flags & CT_START_NOWAIT)
		r = ct_process_started(*out, -1);
#endif
	return r;
}

static void failing_start(const struct kind *k, const struct failure *f)
{
	ct_container *c = box_handle(&box, box.word);
	ct_process *p = NULL;

	if (configure(c, f) < 0)
		WRONG("%s: %s", f->name, ct_last_error(c)->message);
	if (start(c, k->flags, f->program ? f->program : "/bin/sleep", &p) >= 0)
		WRONG("%s, %s: it does not fail", k->name, f->name);
	no_child(k->name, f->name);
	ct_process_unref(p);
	no_child(k->name, f->name);
	ct_unref(c);
	no_child(k->name, f->name);
}

static void failing_attach(ct_container *c, const struct attach_failure *f)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;

	o.argv = ARGV(f->program);
	o.user = f->user;
	o.cwd = f->cwd;
	o.caps = f->caps;
	o.flags = f->caps ? CT_ATTACH_SET_CAPS : 0;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	if (ct_attach(c, &o, &p) >= 0)
		WRONG("attach, %s: it does not fail", f->name);
	ct_process_unref(p);
	no_child("attach", f->name);
}

/* ---- one caller ------------------------------------------------------------------------------ */

static void all_failures(void)
{
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < FAILURES; i++)
			failing_start(&kinds[k], &failures[i]);
}

static void attaches(int often)
{
	ct_container *c = box_handle(&box, NULL);
	ct_process *p = NULL;

	if (start(c, 0, "/bin/sleep", &p) < 0)
		WRONG("attach: %s", ct_last_error(c)->message);
	for (int n = 0; n < often; n++)
		for (size_t i = 0; i < ATTACH_FAILURES; i++)
			failing_attach(c, &attach_failures[i]);
	ct_process_unref(p);
	ct_unref(c);
	no_child("attach", "the end");
}

/* Quickly one after the other: what comes late comes into the next. */
static void many_starts(void)
{
	static const struct failure missing = { "one of many",	     NULL, NULL,
						"/bin/is-not-there", NULL, NULL };
	ct_container *c = box_handle(&box, NULL);

	for (int n = rounds(100, 1000); n; n--)
		failing_start(&kinds[(size_t)n % KINDS], &missing);
	for (int n = rounds(100, 1000); n; n--) {
		ct_process *p = NULL;

		if (start(c, 0, "/bin/true", &p) < 0 || ct_process_wait(p, NULL, PATIENCE_MS))
			WRONG("a start: %s", ct_last_error(c)->message);
		ct_process_unref(p);
		no_child("in process", "a start that does not fail");
	}
	ct_unref(c);
}

#ifdef CT_START_NOWAIT
/* Nobody follows them to their end: they are given up at whatever step they have come to,
 * every third in a hook. */
static void called_off(void)
{
	for (int n = rounds(40, 400); n; n--) {
		ct_container *c = box_handle(&box, box.word);
		ct_process *p = NULL;

		if (n % 3 == 0 &&
		    ct_set_config(c, "hook.pre-start", "/bin/sh -c \"exec sleep 50\"") < 0)
			WRONG("called off: %s", ct_last_error(c)->message);
		if (box_start(c, CT_START_NOWAIT | (n % 2 ? CT_START_DETACH : 0),
			      ARGV("/bin/sleep", "1000"), &p) < 0)
			WRONG("called off: %s", ct_last_error(c)->message);
		/* that one which is executed and detached has a supervisor that comes
		 * to us, is no secret */
		if (p && ct_process_started(p, n / 2 % 8) >= 0 &&
		    ct_stop(c, CT_STOP_KILL, PATIENCE_MS) >= 0)
			while (waitpid(-1, NULL, 0) > 0)
				continue;
		ct_process_unref(p);
		ct_unref(c);
		no_child(n % 2 ? "detached" : "in process", "called off");
	}
}
#endif

#ifdef CT_START_NOWAIT
/* First child of a process; 0: none. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

/* Its supervisor is stopped: the caller does not wait for its end for ever. When it goes on and
 * ends, that is not to us either. */
static void called_off_and_stopped(void)
{
	ct_container *c = box_handle(&box, box.word);
	ct_process *p = NULL;
	struct pollfd end = { .fd = -1, .events = POLLIN };
	pid_t supervisor = 0;

	if (ct_set_config(c, "hook.pre-start", "/bin/sh -c \"exec sleep 50\"") < 0 ||
	    box_start(c, CT_START_NOWAIT | CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p) < 0)
		WRONG("stopped: %s", ct_last_error(c)->message);
	/* the keeper's child; that one's child is the launcher, which is there when the supervisor
	 * is ready for signals */
	for (int n = 0; n < 5000 && !(supervisor && child_of(supervisor)); n++) {
		nothing_happens_for(1);
		supervisor = child_of(child_of(getpid()));
	}
	end.fd = supervisor ? (int)syscall(SYS_pidfd_open, supervisor, 0) : -1;
	if (end.fd < 0 || kill(supervisor, SIGSTOP))
		WRONG("stopped: there is no supervisor");
	ct_process_unref(p);
	ct_unref(c);
	no_child("detached", "called off, its supervisor is stopped");
	kill(supervisor, SIGCONT);
	if (poll(&end, 1, PATIENCE_MS) != 1)
		WRONG("stopped: the supervisor does not end");
	close(end.fd);
	nothing_happens_for(100);
	no_child("detached", "called off, its supervisor was stopped");
}
#endif

static void live(void)
{
	all_failures();
	attaches(5);
	many_starts();
#ifdef CT_START_NOWAIT
	called_off();
	called_off_and_stopped();
#endif
	nothing_happens_for(LATER_MS);
	no_child("all", "after a while");
}

/* ---- the callers ----------------------------------------------------------------------------- */

/* A subreaper is one before it starts anything; a namespace's first process is made, with
 * a /proc of its own. */
static void become(int first)
{
	int status;
	pid_t pid;

	if (!first) {
		if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
			_exit(2);
		return;
	}
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(3);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
		    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
			_exit(4);
		return;
	}
	if (waitpid(pid, &status, 0) != pid)
		_exit(5);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 6);
}

static void as(int first)
{
	int fd[2], status = -1;
	char *text;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd[0]);
		become(first);
		live();
		if (mistake[0] && write(fd[1], mistake, strlen(mistake)) < 0)
			_exit(7);
		_exit(!!mistake[0]);
	}
	close(fd[1]);
	text = read_all(fd[0], 3600 * 1000);
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("status %x: %s", (unsigned)status, text ? text : "");
	free(text);
}

static void a_subreaper(void **state)
{
	(void)state;
	as(0);
}

static void process_1(void **state)
{
	(void)state;
	as(1);
}

static int open_box(void **state)
{
	int r = box_setup_bare(state);

	box_word(&box, "reaper");
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subreaper),
		cmocka_unit_test(process_1),
	};

	return cmocka_run_group_tests(tests, open_box, box_teardown);
}
