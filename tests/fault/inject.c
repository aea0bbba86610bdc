/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regs.h"
#include "run.h"

#define MARK_SIGNAL SIGUSR1
#define TASKS 64
#define NUMBERS 1024 /* system call numbers counted */
#define LEFT_MS 30000
#define UNKNOWN_MS 200 /* a child whose parent could not say who it is */
#define TICK_US 20000

struct task {
	pid_t pid; /* 0: free */
	int known; /* its role is */
	int held;  /* stopped, waits for its role */
	int fix;   /* its call is being failed */
	int old;   /* from before the first mark */
	long long since;
	enum inject_role role;
};

struct run {
	const struct inject_order *order;
	struct inject_outcome *out;
	struct task task[TASKS];
	unsigned count[INJECT_ROLES][NUMBERS];
	int phase;
	int has_init; /* the launcher has made it: its other children are hooks */
	pid_t worker, after;
	long long deadline, ended;
};

static const struct {
	long nr;
	const char *name;
} names[] = {
#include "syscall-names.h"
};

const char *inject_role_name(enum inject_role role)
{
	static const char *const text[] = { "caller",	"keeper", "supervisor",
					    "launcher", "init",	  "hook" };

	return role < INJECT_ROLES ? text[role] : "?";
}

const char *inject_call_name(long nr)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == nr)
			return names[i].name;
	return "?";
}

long inject_call_number(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return names[i].nr;
	return -1;
}

void inject_mark(int phase)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = phase;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), MARK_SIGNAL, &info);
}

/* ---- what is said of it ---------------------------------------------------------------------- */

static void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct run *r, const char *fmt, ...)
{
	size_t n = strlen(r->out->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->out->text + n, sizeof(r->out->text) - n, fmt, ap);
	va_end(ap);
}

/* First line of a file of /proc/PID, without its newline. */
static const char *proc_line(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[n < 0 ? 0 : n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return buf;
}

static void describe(struct run *r, pid_t pid, const char *what)
{
	char comm[64], call[128], state[128];

	proc_line(pid, "comm", comm, sizeof(comm));
	proc_line(pid, "syscall", call, sizeof(call));
	proc_line(pid, "stat", state, sizeof(state));
	say(r, "%s %d (%s, %.40s, %.60s); ", what, (int)pid, comm, call, state);
}

/* ---- the table of processes ------------------------------------------------------------------ */

static struct task *find(struct run *r, pid_t pid)
{
	for (int i = 0; i < TASKS; i++)
		if (r->task[i].pid == pid)
			return &r->task[i];
	return NULL;
}

static struct task *add(struct run *r, pid_t pid)
{
	struct task *t = find(r, pid);

	if (!t)
		t = find(r, 0);
	if (t && !t->pid)
		*t = (struct task){ .pid = pid, .since = now_ms() };
	return t;
}

static bool same_memory(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

static enum inject_role role_of_child(struct run *r, const struct task *parent, int event,
				      pid_t child)
{
	switch (parent->role) {
	case INJECT_CALLER:
		return INJECT_KEEPER;
	case INJECT_KEEPER:
		return r->order->supervised[r->phase > 0] ? INJECT_SUPERVISOR : INJECT_LAUNCHER;
	case INJECT_SUPERVISOR:
		/* the launcher of a boot is the first, the hooks of the end come later */
		return r->has_init ? INJECT_HOOK : INJECT_LAUNCHER;
	case INJECT_LAUNCHER:
		/* init alone has no exit signal */
		if (event == PTRACE_EVENT_CLONE)
			r->has_init = 1;
		return event == PTRACE_EVENT_CLONE ? INJECT_INIT : INJECT_HOOK;
	case INJECT_INIT:
		/* a small init's child, in the same memory, carries out the rest of the plan */
		return same_memory(parent->pid, child) ? INJECT_INIT : INJECT_HOOK;
	default:
		return INJECT_HOOK;
	}
}

/* Are the calls of this process looked at now? */
static int counts(const struct run *r, const struct task *t)
{
	if (!t->known || !r->phase)
		return 0;
	if (t->role == INJECT_CALLER)
		return r->phase == 1;
	return !!(r->order->ages & (t->old ? INJECT_OLD : INJECT_NEW));
}

static int wanted(const struct run *r, const struct task *t)
{
	if (t->fix)
		return 1;
	if (!counts(r, t))
		return 0;
	return r->order->how == INJECT_COUNT || (!r->out->hit && t->role == r->order->call.role);
}

static void resume(const struct run *r, struct task *t, int sig)
{
	t->held = 0;
	ptrace(wanted(r, t) ? PTRACE_SYSCALL : PTRACE_CONT, t->pid, NULL, (void *)(long)sig);
}

/* ---- one system call ------------------------------------------------------------------------- */

static void fail_call(struct task *t, long nr)
{
	t->fix = 1;
	/* brk has no errors: it says where the end is, and has not moved it. A close that fails has
	 * closed all the same. */
	if (nr == SYS_brk)
		regs_first(t->pid, 0);
	else if (nr != SYS_close)
		regs_skip(t->pid);
}

static void at_entry(struct run *r, struct task *t, const struct __ptrace_syscall_info *info)
{
	const struct inject_order *o = r->order;
	long nr = (long)info->entry.nr;
	unsigned n;

	/* these cannot fail; the marks are ours */
	if (nr < 0 || nr >= NUMBERS || nr == SYS_exit || nr == SYS_exit_group ||
	    nr == SYS_rt_sigreturn || nr == SYS_rt_tgsigqueueinfo)
		return;
	n = r->count[t->role][nr]++;
	if (o->how == INJECT_COUNT) {
		if (r->out->calls && r->out->n_calls < INJECT_CALLS) {
			struct inject_call *c = &r->out->calls[r->out->n_calls++];

			*c = (struct inject_call){ .role = t->role, .nr = nr, .occurrence = n };
			memcpy(c->args, info->entry.args, sizeof(c->args));
		}
		return;
	}
	if (r->out->hit || t->role != o->call.role || nr != o->call.nr || n != o->call.occurrence)
		return;
	r->out->hit = 1;
	r->out->phase = r->phase;
	memcpy(r->out->args, info->entry.args, sizeof(r->out->args));
	if (o->how == INJECT_KILL)
		kill(t->pid, SIGKILL);
	else
		fail_call(t, nr);
}

static void at_syscall(struct run *r, struct task *t)
{
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->fix) {
		t->fix = 0;
		if (r->order->call.nr != SYS_brk)
			regs_result(t->pid, -r->order->err);
	} else if (info.op == PTRACE_SYSCALL_INFO_ENTRY && counts(r, t)) {
		at_entry(r, t, &info);
	}
}

/* ---- stops ----------------------------------------------------------------------------------- */

static void on_child(struct run *r, struct task *parent, int event)
{
	unsigned long pid = 0;
	struct task *t;
	int held;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) || !pid)
		return;
	t = add(r, (pid_t)pid);
	if (!t)
		return;
	held = t->held;
	t->role = role_of_child(r, parent, event, t->pid);
	t->old = !r->phase;
	t->known = 1;
	if (held)
		resume(r, t, 0);
}

static void let_go(struct task *t)
{
	ptrace(PTRACE_DETACH, t->pid, NULL, NULL);
	t->pid = 0;
}

static void on_mark(struct run *r)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GETSIGINFO, r->worker, NULL, &info))
		return;
	r->phase = info.si_value.sival_int;
	/* whoever is looked at from now on and runs without stopping */
	for (int i = 0; i < TASKS; i++)
		if (r->task[i].pid && r->task[i].pid != r->worker && !r->task[i].held &&
		    wanted(r, &r->task[i]))
			ptrace(PTRACE_INTERRUPT, r->task[i].pid, NULL, NULL);
}

static int is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
	       sig == SIGABRT || sig == SIGTRAP || sig == SIGSYS;
}

static void on_signal(struct run *r, struct task *t, int sig)
{
	if (sig == MARK_SIGNAL && t->pid == r->worker) {
		on_mark(r);
		sig = 0;
	}
	if (is_crash(sig) && t->known && !r->out->crash) {
		r->out->crash = sig;
		r->out->crash_role = t->role;
		describe(r, t->pid, "crashed:");
	}
	resume(r, t, sig);
}

static void on_stop(struct run *r, pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	struct task *t = add(r, pid);

	if (!t) {
		kill(pid, SIGKILL);
		return;
	}
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_child(r, t, event);
		break;
	case PTRACE_EVENT_EXEC:
		if (t->role == INJECT_INIT || t->role == INJECT_HOOK) {
			let_go(t);
			return;
		}
		break;
	case PTRACE_EVENT_STOP:
		if (sig != SIGTRAP) {
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
			return;
		}
		t->held = !t->known;
		if (t->held)
			return;
		break;
	default:
		if (sig != (SIGTRAP | 0x80)) {
			on_signal(r, t, sig);
			return;
		}
		at_syscall(r, t);
	}
	resume(r, t, 0);
}

static void on_end(struct run *r, pid_t pid, int status)
{
	struct task *t = find(r, pid);

	if (t)
		t->pid = 0;
	if (pid == r->worker) {
		r->out->worker = status;
		r->worker = 0;
	} else if (pid == r->after) {
		r->out->after = status;
		r->after = 0;
	}
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static void on_alarm(int sig)
{
	(void)sig;
}

/* Beats while a run lasts, so that no wait lasts for ever. */
static void ticks(int on)
{
	struct itimerval t = { { 0, on ? TICK_US : 0 }, { 0, on ? TICK_US : 0 } };
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on ? on_alarm : SIG_IGN;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static int start_worker(struct run *r)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	struct task *t;
	int go[2];
	char c = 0;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	r->worker = fork();
	if (r->worker == 0) {
		signal(SIGALRM, SIG_DFL);
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(125);
		close(go[0]);
		_exit(r->order->work(r->order->data));
	}
	close(go[0]);
	if (r->worker < 0 || ptrace(PTRACE_SEIZE, r->worker, NULL, (void *)options)) {
		int err = -errno;

		close(go[1]);
		if (r->worker > 0)
			waitpid(r->worker, NULL, 0);
		return err;
	}
	t = add(r, r->worker);
	t->known = 1;
	t->old = 1;
	t->role = INJECT_CALLER;
	if (write(go[1], &c, 1) != 1)
		kill(r->worker, SIGKILL);
	close(go[1]);
	return 0;
}

static void start_after(struct run *r)
{
	r->after = fork();
	if (r->after == 0) {
		signal(SIGALRM, SIG_DFL);
		_exit(r->order->after(r->order->data));
	}
}

/* All children of ours: signals them, or with 0 says who they are. Their number. */
static unsigned children(struct run *r, int sig)
{
	char file[64], buf[4096], *p = buf, *end;
	unsigned n = 0;
	long pid;

	snprintf(file, sizeof(file), "task/%d/children", (int)getpid());
	proc_line(getpid(), file, buf, sizeof(buf));
	while ((pid = strtol(p, &end, 10)) > 0 && end != p) {
		p = end;
		n++;
		if (sig)
			kill((pid_t)pid, sig);
		else
			describe(r, (pid_t)pid, "left:");
	}
	return n;
}

static void kill_all(struct run *r)
{
	children(r, SIGKILL);
	for (int i = 0; i < TASKS; i++)
		if (r->task[i].pid)
			kill(r->task[i].pid, SIGKILL);
}

static void tick(struct run *r)
{
	long long now = now_ms();

	for (int i = 0; i < TASKS; i++) {
		struct task *t = &r->task[i];

		if (t->pid && t->held && now > t->since + UNKNOWN_MS) {
			/* its parent was killed before it could tell */
			t->known = 1;
			t->role = INJECT_HOOK;
			resume(r, t, 0);
		}
	}
	if (now > r->deadline) {
		for (int i = 0; i < TASKS && !r->out->hung; i++)
			if (r->task[i].pid)
				describe(r, r->task[i].pid, inject_role_name(r->task[i].role));
		r->out->hung = 1;
		r->deadline = now + LEFT_MS;
		kill_all(r);
	} else if (r->ended && now > r->ended + LEFT_MS) {
		if (!r->out->n_left)
			r->out->n_left = children(r, 0);
		kill_all(r);
	}
}

static void follow(struct run *r)
{
	int ran_after = !r->order->after, status;
	pid_t pid;

	for (;;) {
		if (!r->worker && !ran_after) {
			ran_after = 1;
			start_after(r);
		}
		if (!r->worker && !r->after && !r->ended)
			r->ended = now_ms();
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == ECHILD)
			return;
		tick(r);
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status))
			on_stop(r, pid, status);
		else
			on_end(r, pid, status);
	}
}

int inject_run(const struct inject_order *order, struct inject_outcome *out)
{
	static struct run r;
	struct inject_call *calls = out->calls;
	int err;

	memset(&r, 0, sizeof(r));
	memset(out, 0, sizeof(*out));
	out->calls = calls;
	r.order = order;
	r.out = out;
	r.deadline = now_ms() + order->limit_ms;
	err = start_worker(&r);
	if (err)
		return err;
	ticks(1);
	follow(&r);
	ticks(0);
	return 0;
}
