/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"

#define WAIT_MS (PATIENCE_MS / 2)
#define STOP_MS 30
#define BIT(role) (1u << (role))
#define IN_PROCESS \
	(BIT(INJECT_CALLER) | BIT(INJECT_KEEPER) | BIT(INJECT_LAUNCHER) | BIT(INJECT_INIT))
#define ALL_ROLES (IN_PROCESS | BIT(INJECT_SUPERVISOR) | BIT(INJECT_HOOK))

static const char *const plain[] = { NULL };
static const char *const userns[] = { "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536",
				      NULL };
/* one of everything */
static const char *const rich[] = { "uts.name",
				    "rich",
				    "mount.entry",
				    "none var/log tmpfs size=1m 0 0",
				    "mount.entry",
				    "/etc mnt none bind,ro,create=dir 0 0",
				    "mount.entry",
				    "/etc/hostname var/log/name none bind,create=file 0 0",
				    "mount.tmpfs",
				    "/run size=1m",
				    "mask.path",
				    "/etc/hostname",
				    "readonly.path",
				    "/run",
				    "rootfs.readonly",
				    "1",
				    "prlimit.core",
				    "0",
				    "sysctl.kernel.domainname",
				    "fault",
				    "proc.oom_score_adj",
				    "10",
				    "init.uid",
				    "1000",
				    "init.gid",
				    "1000",
				    "init.groups",
				    "2000",
				    "init.cwd",
				    "/tmp",
				    "cap.keep",
				    "net_raw",
				    "cap.ambient",
				    "net_raw",
				    "no_new_privs",
				    "1",
				    "seccomp.profile",
				    "default",
				    "seccomp.notify",
				    "mknod",
				    "seccomp.notify.proxy",
				    "unix:/no-such-proxy",
				    "environment",
				    "A=b",
				    "net.0.type",
				    "empty",
				    "hook.pre-start",
				    "/bin/true",
				    "hook.mount",
				    "/bin/true",
				    "hook.start-host",
				    "/bin/true",
				    "hook.start",
				    "/bin/true",
				    "limit.time",
				    "20s",
				    "limit.output",
				    "1m",
				    NULL };
static const char *const console[] = { "tty.max",   "2", "console.buffer.size", "64k", "hook.stop",
				       "/bin/true", NULL };

static const struct scenario table[] = {
	{ "default",
	  "ct_start() in process",
	  WHAT_START,
	  0,
	  0,
	  plain,
	  IN_PROCESS,
	  INJECT_NEW,
	  { 0, 0 } },
	{ "userns",
	  "ct_start() with a user namespace",
	  WHAT_START,
	  0,
	  0,
	  userns,
	  IN_PROCESS,
	  INJECT_NEW,
	  { 0, 0 } },
	{ "rich",
	  "ct_start() with one of everything",
	  WHAT_START,
	  0,
	  0,
	  rich,
	  IN_PROCESS | BIT(INJECT_HOOK),
	  INJECT_NEW,
	  { 0, 0 } },
	{ "pty",
	  "ct_start() with a terminal",
	  WHAT_START,
	  0,
	  CT_START_PTY,
	  plain,
	  IN_PROCESS,
	  INJECT_NEW,
	  { 0, 0 } },
	{ "detached",
	  "ct_start() with a supervisor",
	  WHAT_START,
	  1,
	  CT_START_DETACH,
	  console,
	  ALL_ROLES,
	  INJECT_NEW,
	  { 0, 1 } },
	{ "attach", "ct_attach()", WHAT_ATTACH, 0, 0, plain, IN_PROCESS, INJECT_NEW, { 0, 0 } },
	{ "attach-userns",
	  "ct_attach() to a user namespace",
	  WHAT_ATTACH,
	  0,
	  0,
	  userns,
	  IN_PROCESS,
	  INJECT_NEW,
	  { 0, 0 } },
	{ "attach-pty",
	  "ct_attach() with a terminal",
	  WHAT_ATTACH,
	  0,
	  CT_ATTACH_PTY,
	  plain,
	  IN_PROCESS,
	  INJECT_NEW,
	  { 0, 0 } },
	{ "attach-detached",
	  "ct_attach() to a detached container",
	  WHAT_ATTACH,
	  1,
	  0,
	  plain,
	  IN_PROCESS | BIT(INJECT_SUPERVISOR),
	  INJECT_OLD | INJECT_NEW,
	  { 1, 0 } },
	{ "stop",
	  "ct_stop() in process",
	  WHAT_STOP,
	  0,
	  0,
	  plain,
	  BIT(INJECT_CALLER) | BIT(INJECT_KEEPER),
	  INJECT_OLD,
	  { 0, 0 } },
	{ "stop-detached",
	  "ct_stop() of a detached container",
	  WHAT_STOP,
	  1,
	  0,
	  console,
	  BIT(INJECT_CALLER) | BIT(INJECT_SUPERVISOR) | BIT(INJECT_HOOK),
	  INJECT_OLD | INJECT_NEW,
	  { 1, 1 } },
};

const struct scenario *scenario_at(size_t n)
{
	return n < sizeof(table) / sizeof(table[0]) ? &table[n] : NULL;
}

const struct scenario *scenario_find(const char *name)
{
	for (size_t i = 0; scenario_at(i); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static void wrong(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct report *r, const char *fmt, ...)
{
	size_t n = strlen(r->wrong);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->wrong + n, sizeof(r->wrong) - n, fmt, ap);
	va_end(ap);
}

/* ---- the worker ------------------------------------------------------------------------------ */

struct worker {
	struct arena *a;
	const struct scenario *s;
	struct report *r;
	ct_container *c;
	ct_process *base, *p; /* the container of an attach or a stop; what the call has made */
	int in;		      /* the view comes from here */
};

/* A pipe whose ends are never 0-2. */
static int new_pipe(int fd[2])
{
	int low[2], i;

	if (pipe2(low, O_CLOEXEC))
		return -errno;
	for (i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		close(low[i]);
	}
	return 0;
}

static int make_handle(struct worker *w)
{
	w->c = box_handle(&w->a->box, w->s->detached ? w->a->name : NULL);
	for (const char *const *k = w->s->config; w->c && *k; k += 2)
		if (box_config(w->c, k[0], k[1], NULL))
			return -1;
	return w->c ? 0 : -1;
}

/* The container that is entered or stopped. */
static int start_base(struct worker *w)
{
	static const char *const sleeper[] = { "/bin/probe", "sleep", "30", NULL };
	ct_start_opts o = CT_START_OPTS_INIT;

	o.argv = sleeper;
	o.flags = w->s->detached ? CT_START_DETACH : 0;
	if (!w->s->detached)
		o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	return ct_start(w->c, &o, &w->base);
}

static int has_pty(const struct scenario *s)
{
	return !!(s->flags & (s->what == WHAT_START ? CT_START_PTY : CT_ATTACH_PTY));
}

static int call_start(struct worker *w, int out)
{
	static const char *const view[] = { "/bin/probe", "view", NULL };
	ct_start_opts o = CT_START_OPTS_INIT;

	o.argv = view;
	o.flags = w->s->flags;
	o.stdio[0] = has_pty(w->s) ? 0 : -1;
	o.stdio[1] = o.stdio[2] = has_pty(w->s) ? 0 : out;
	return ct_start(w->c, &o, &w->p);
}

static int call_attach(struct worker *w, int out)
{
	static const char *const view[] = { "/bin/probe", "view", NULL };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;

	o.argv = view;
	o.flags = w->s->flags;
	o.stdio[0] = has_pty(w->s) ? 0 : -1;
	o.stdio[1] = o.stdio[2] = has_pty(w->s) ? 0 : out;
	return ct_attach(w->c, &o, &w->p);
}

/* The call that is looked at, between the marks. */
static void call(struct worker *w)
{
	const ct_error *e;
	int fd[2] = { -1, -1 };

	if (w->s->what != WHAT_STOP && !has_pty(w->s) && new_pipe(fd)) {
		wrong(w->r, "no pipe; ");
		return;
	}
	inject_mark(1);
	if (w->s->what == WHAT_START)
		w->r->ret = call_start(w, fd[1]);
	else if (w->s->what == WHAT_ATTACH)
		w->r->ret = call_attach(w, fd[1]);
	else
		w->r->ret = ct_stop(w->c, 0, STOP_MS);
	inject_mark(2);
	if (fd[1] >= 0)
		close(fd[1]);
	w->in = fd[0];
	e = ct_last_error(w->c);
	w->r->err = e->err;
	w->r->step = e->step;
	snprintf(w->r->message, sizeof(w->r->message), "%s", e->message);
	snprintf(w->r->step_name, sizeof(w->r->step_name), "%s", e->step_name);
	snprintf(w->r->call_name, sizeof(w->r->call_name), "%s", e->syscall_name);
	snprintf(w->r->where, sizeof(w->r->where), "%s", e->where);
}

/* A terminal whose other end has gone, with a supervisor that was killed meanwhile, is another one
 * in the table of mounts alone. */
static void cut_out(char *text, const char *word)
{
	char *p = strstr(text, word);

	if (p)
		memmove(p, p + strlen(word), strlen(p + strlen(word)) + 1);
}

/* "{"ns_NAME": ..." as the caller's namespace, or another one. */
static void put_namespace(char *copy, size_t size)
{
	char own[256], path[64], *p;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/ns/%.*s", (int)strcspn(copy + 5, "\""), copy + 5);
	got = readlink(path, own, sizeof(own) - 1);
	own[got < 0 ? 0 : got] = 0;
	p = strchr(copy + 5, ':');
	if (p)
		snprintf(p, size - (size_t)(p - copy), ": %s",
			 got > 0 && strstr(p, own) ? "caller's" : "another");
}

/* "{"fd_objects": ..." without device and inode, the words with a ':' in their midst. */
static void put_objects(char *copy)
{
	char *to = copy + 12, *p;
	size_t n;

	for (p = copy + 12; *p; p += n) {
		n = strcspn(p, " ") + 1;
		n -= !p[n - 1];
		if (p[strcspn(p, ": ")] == ':' && p[strcspn(p, ": ") + 1] != ' ')
			continue;
		memmove(to, p, n);
		to += n;
	}
	*to = 0;
}

/* One line of the probe's report without what differs from run to run. */
static void put_line(char *out, const char *line, size_t len)
{
	size_t at = strlen(out);
	char copy[4096], *p;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
	if (!strncmp(copy, "{\"ns_", 5)) {
		put_namespace(copy, sizeof(copy));
	} else if (!strncmp(copy, "{\"session_keyring", 17) && (p = strchr(copy, ':'))) {
		/* KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING */
		long mine = syscall(SYS_keyctl, 0, -3, 0);

		snprintf(p, sizeof(copy) - (size_t)(p - copy), ": %s",
			 strtol(p + 2, NULL, 10) == mine ? "caller's" : "another");
	} else if (!strncmp(copy, "{\"fd_objects", 12)) {
		put_objects(copy);
	}
	cut_out(copy, "//deleted");
	snprintf(out + at, VIEW_SIZE - at, "%s\n", copy);
}

static void wait_for_end(struct worker *w)
{
	w->r->waited = ct_process_wait(w->p, &w->r->verdict, WAIT_MS);
	if (w->r->waited)
		wrong(w->r, "ct_process_wait: %d %s; ", w->r->waited,
		      ct_process_last_error(w->p)->message);
}

/* What it says must be read for its writer to go on. */
static void take_view(struct worker *w)
{
	char *text = read_all(has_pty(w->s) ? ct_process_pty(w->p) : w->in, WAIT_MS), *line, *end;

	if (!text)
		wrong(w->r, "the payload's output did not end; ");
	for (line = text; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		put_line(w->r->view, line, (size_t)(end - line));
	}
	free(text);
	wait_for_end(w);
}

/* After the call that was looked at nothing fails any more: what it has left must be in order. */
static void end_call(struct worker *w)
{
	int r;

	if (w->s->what != WHAT_STOP && !w->r->ret)
		take_view(w);
	if (w->s->what == WHAT_START && w->r->ret && ct_state(w->c) != CT_STATE_STOPPED)
		wrong(w->r, "after a failed start its state is %s; ",
		      ct_state_name(ct_state(w->c)));
	if (w->s->what == WHAT_STOP && !w->r->ret && ct_state(w->c) != CT_STATE_STOPPED)
		wrong(w->r, "after a stop its state is %s; ", ct_state_name(ct_state(w->c)));
	w->p = ct_process_unref(w->p);
	r = ct_stop(w->c, CT_STOP_KILL, WAIT_MS);
	/* its supervisor may be the one whose call fails, while it looks who asks; the
	 * next one is heard */
	if (r == -EPERM)
		r = ct_stop(w->c, CT_STOP_KILL, WAIT_MS);
	if (r && r != -ESRCH)
		wrong(w->r, "ct_stop: %s; ", ct_last_error(w->c)->message);
	if (w->base && w->s->what == WHAT_STOP && (r = ct_process_wait(w->base, NULL, WAIT_MS)))
		wrong(w->r, "ct_process_wait of what was stopped: %d; ", r);
	w->base = ct_process_unref(w->base);
}

int scenario_work(void *data)
{
	struct arena *a = data;
	struct worker w = { a, a->scenario, a->report, NULL, NULL, NULL, -1 };
	struct leak *before = leak_take();

	w.r->verdict = (ct_exit)CT_EXIT_INIT;
	if (make_handle(&w) || (w.s->what != WHAT_START && start_base(&w))) {
		wrong(w.r, "cannot begin: %s; ", ct_last_error(w.c)->message);
	} else {
		call(&w);
		end_call(&w);
	}
	w.c = ct_unref(w.c);
	if (w.in >= 0)
		close(w.in);
	leak_compare(before, LEAK_NO_RSS | LEAK_NO_MOUNTS, w.r->leak, sizeof(w.r->leak));
	leak_free(before);
	w.r->done = 1;
	return 0;
}

/* ---- after a kill ---------------------------------------------------------------------------- */

/* What the next call sees: a container that runs and can be stopped, or none. */
static void clear_one(struct worker *w)
{
	char *names = NULL;
	int r, n = ct_list(&w->a->box.where, CT_LIST_RUNNING, &names);

	if (n < 0)
		wrong(w->r, "ct_list: %d; ", n);
	ct_free(names);
	r = ct_stop(w->c, CT_STOP_KILL, WAIT_MS);
	if (r && r != -ESRCH)
		wrong(w->r, "ct_stop after a kill: %s; ", ct_last_error(w->c)->message);
	r = ct_wait(w->c, CT_STATE_STOPPED, WAIT_MS);
	if (r != CT_STATE_STOPPED)
		wrong(w->r, "ct_wait after a kill: %d %s; ", r, ct_last_error(w->c)->message);
	r = start_base(w);
	if (r)
		wrong(w->r, "ct_start after a kill: %s; ", ct_last_error(w->c)->message);
	else if (ct_state(w->c) != CT_STATE_RUNNING)
		wrong(w->r, "started after a kill, its state is %s; ",
		      ct_state_name(ct_state(w->c)));
	if (!r && (r = ct_stop(w->c, CT_STOP_KILL, WAIT_MS)))
		wrong(w->r, "ct_stop of the next one: %s; ", ct_last_error(w->c)->message);
}

int scenario_clear(void *data)
{
	struct arena *a = data;
	struct worker w = { a, a->scenario, a->report, NULL, NULL, NULL, -1 };

	if (make_handle(&w))
		return 1;
	clear_one(&w);
	ct_process_unref(w.base);
	ct_unref(w.c);
	return 0;
}

char *scenario_plan(struct arena *a)
{
	struct worker w = { a, a->scenario, a->report, NULL, NULL, NULL, -1 };
	ct_start_opts o = CT_START_OPTS_INIT;
	static const char *const view[] = { "/bin/probe", "view", NULL };
	char *text = NULL;

	if (a->scenario->what != WHAT_START || make_handle(&w))
		return NULL;
	o.argv = view;
	o.flags = a->scenario->flags;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = has_pty(a->scenario) ? 0 : -1;
	if (ct_dump_plan(w.c, &o, CT_FORMAT_JSON, &text))
		fprintf(stderr, "ct_dump_plan: %s\n", ct_last_error(w.c)->message);
	ct_unref(w.c);
	return text;
}
