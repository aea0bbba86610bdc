/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs of the config that run while a container is made or ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "stage/step/steps.h"

#define LINE 90	       /* of the hook's last line, in an error */
#define PIECE 190      /* of a line: longer ones are reported in pieces */
#define KILLED_MS 5000 /* how long a hook that was killed may take to end */

/* The hook's output: the line that is being read, and the beginning of the last one that was not
 * empty. */
struct output {
	struct stage *st;
	char now[PIECE + 1], last[LINE + 1];
	size_t n;
	int continued; /* a piece of the line has been reported */
};

/* Reports the line, or, where it is `continued`, a piece of it. */
static void end_line(struct output *out, int continued)
{
	size_t n = u64_min(out->n, LINE);

	out->now[out->n] = '\0';
	if (out->n && !out->continued) {
		memcpy(out->last, out->now, n);
		out->last[n] = '\0';
	}
	if (out->n && out->st->on_line)
		out->st->on_line(out->st->on_line_data, out->now);
	else if (out->n)
		report_said(out->st, out->now);
	out->continued = continued;
	out->n = 0;
}

static char printable(unsigned char c)
{
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return '?';
	return (char)c;
}

static void take_output(struct output *out, const char *p, size_t n)
{
	for (; n; n--, p++) {
		unsigned char c = (unsigned char)*p;

		if (c != '\n' && out->n == PIECE)
			end_line(out, 1);
		if (c == '\n')
			end_line(out, 0);
		else if (out->n || out->continued || c > ' ')
			out->now[out->n++] = printable(c);
	}
}

/* Reads what is in the pipe now, and no more: a process that goes on writing must not keep this one
 * here. */
static void drain(struct output *out, int fd)
{
	char buf[512];
	int there = 0;
	long n = sys3(SYS_ioctl, fd, FIONREAD, &there);

	while (n >= 0 && there > 0) {
		n = sys3(SYS_read, fd, buf, sizeof(buf));
		if (n <= 0)
			return;
		take_output(out, buf, (size_t)n);
		there -= (int)n;
	}
}

/* Why a hook's process could not execute it. */
struct failure {
	int err, sys;
};

/* The step that loads the payload's filter; NULL: it has none. */
static const struct ct_wire_step *filter_of(const struct stage *st)
{
	for (uint32_t i = 0; i < st->n_steps; i++)
		if (st->steps[i].op == CT_OP_FILTER)
			return &st->steps[i];
	return NULL;
}

/* The sets of a start hook: the payload's. One that stands before init has the payload's user runs
 * as root, with what its step leaves in the bounding set. */
static void hook_caps(const struct stage *st, const struct ct_wire_step *s, uint64_t sets[4])
{
	const uint64_t *payload = NULL;

	for (const struct ct_wire_step *at = st->steps; at < s; at++)
		if (at->op == CT_OP_CAPS)
			payload = caps_of_payload(st);
	for (int i = 0; i < 4; i++)
		sets[i] = i < 2 ? s->n[1] : 0;
	if (payload)
		memcpy(sets, payload, 4 * sizeof(*sets));
}

/* A hook of the phase IDENTITY is a program of the rootfs. It and the processes that it leaves
 * behind get the payload's limits, filter and capabilities; the other restrictions are init's own,
 * set by earlier steps. 0 or a negative errno. */
static int confine(struct stage *st, const struct ct_wire_step *s, int proc, struct failure *why)
{
	const struct ct_wire_step *filter = filter_of(st);
	uint64_t sets[4];
	uint32_t bad;
	int err = labels_write(st, proc, 0, &why->sys), early;

	if (err)
		return err;
	why->sys = SYS_prlimit64;
	err = limits_set(st, &bad);
	if (err)
		return err;
	why->sys = SYS_prctl;
	err = caps_bound(s->n[1]);
	if (err)
		return err;
	err = landlock_confine(st, &why->sys);
	if (err)
		return err;
	/* with no_new_privs it needs no capability: then it need not allow capset(2) */
	early = sys_prctl(K_PR_GET_NO_NEW_PRIVS, 0, 0, 0) != 1;
	if (filter && early)
		err = filter_load(st, filter, &why->sys);
	if (err)
		return err;
	why->sys = SYS_capset;
	hook_caps(st, s, sets);
	err = caps_set(sets, &why->sys);
	if (err || !filter || early)
		return err;
	return filter_load(st, filter, &why->sys);
}

/* The hook's process: only its own descriptors, default signals, its own session. Writes a struct
 * failure to `status` when it cannot execute the hook. */
_Noreturn static void child(struct stage *st, const struct ct_wire_step *s, int parent, int in,
			    int out, int status, const char *const *argv, const char *const *env)
{
	struct failure why = { .sys = SYS_execve };
	int err = sys_prctl(K_PR_SET_PDEATHSIG, SIGKILL, 0, 0), own = 4, proc = -1;
	long now = sys0(SYS_getppid);

	/* the parent may have died before; 0: it is in another pid namespace */
	if (now && now != parent)
		sys_exit(127);
	sys0(SYS_setsid);
	/* high first: each may be any descriptor */
	if (s->phase == CT_PHASE_IDENTITY)
		proc = labels_slot(st);
	if (proc >= 0)
		proc = sys_dup_min(proc, 10);
	in = sys_dup_min(in, 10);
	out = sys_dup_min(out, 10);
	status = sys_dup_min(status, 10);
	if (err >= 0)
		err = (int)sys3(SYS_dup3, in, 0, 0);
	if (err >= 0)
		err = (int)sys3(SYS_dup3, out, 1, 0);
	if (err >= 0)
		err = (int)sys3(SYS_dup3, out, 2, 0);
	if (err >= 0)
		err = (int)sys3(SYS_dup3, status, 3, O_CLOEXEC);
	if (err >= 0 && proc >= 0) {
		proc = (int)sys3(SYS_dup3, proc, own++, O_CLOEXEC);
		err = proc;
	}
	sys_close_range((unsigned)own, ~0u, 0);
	sys1(SYS_umask, 022);
	if (err >= 0 && s->phase == CT_PHASE_IDENTITY)
		err = confine(st, s, proc, &why);
	if (err >= 0) {
		why.sys = SYS_execve;
		signals_default();
		err = (int)sys3(SYS_execve, argv[0], argv, env);
	}
	why.err = err;
	write_all(3, &why, sizeof(why));
	sys_exit(127);
}

struct hook {
	int in[2], out[2], status[2]; /* pipes */
	int pidfd;
	pid_t pid;
};

static void hook_close(struct hook *h)
{
	for (int i = 0; i < 2; i++) {
		sys_close(h->in[i]);
		sys_close(h->out[i]);
		sys_close(h->status[i]);
	}
	sys_close(h->pidfd);
}

static void shut(int *fd)
{
	sys_close(*fd);
	*fd = -1;
}

/* 0 or a negative errno, *sys the call. */
static int hook_start(struct hook *h, struct stage *st, const struct ct_wire_step *s,
		      const char *const *argv, const char *const *env, int *sys)
{
	struct k_clone_args args;
	int parent;
	int err = (int)sys2(SYS_pipe2, h->in, O_CLOEXEC);
	long pid;

	*sys = SYS_pipe2;
	if (!err)
		err = (int)sys2(SYS_pipe2, h->out, O_CLOEXEC);
	if (!err)
		err = (int)sys2(SYS_pipe2, h->status, O_CLOEXEC);
	if (err)
		return err;
	/* its input is at its end from the start */
	shut(&h->in[1]);
	memset(&args, 0, sizeof(args));
	args.flags = K_CLONE_PIDFD;
	args.pidfd = (uintptr_t)&h->pidfd;
	args.exit_signal = SIGCHLD;
	*sys = SYS_clone3;
	parent = sys_getpid();
	pid = sys2(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child(st, s, parent, h->in[0], h->out[1], h->status[1], argv, env);
	if (pid < 0)
		return (int)pid;
	h->pid = (pid_t)pid;
	shut(&h->in[0]);
	shut(&h->out[1]);
	shut(&h->status[1]);
	sys3(SYS_fcntl, h->out[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* Reads the output until the hook has ended, even if other processes still write to it. 0;
 * -ETIMEDOUT when it was killed for being late; -EBUSY when it was, and did not end, as a frozen
 * one. */
static int hook_listen(struct hook *h, struct output *out, uint64_t timeout_ms)
{
	int64_t end = clock_ms() + (int64_t)timeout_ms;
	struct pollfd p[2] = { { .fd = h->pidfd, .events = POLLIN },
			       { .fd = h->out[0], .events = POLLIN } };
	int late = 0;

	while (!(p[0].revents & POLLIN)) {
		int64_t left = -1;

		if (timeout_ms)
			left = end - clock_ms();
		if (timeout_ms && left <= 0) {
			if (late)
				return -EBUSY;
			late = 1;
			end = clock_ms() + KILLED_MS;
			left = KILLED_MS;
			sys2(SYS_kill, -h->pid, SIGKILL);
			sys4(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
		}
		poll(p, 2, (int)left);
		if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
			drain(out, h->out[0]);
		if ((p[1].revents & POLLHUP) && !(p[1].revents & POLLIN))
			p[1].fd = -1;
	}
	drain(out, h->out[0]);
	end_line(out, 0);
	if (late)
		return -ETIMEDOUT;
	return 0;
}

/* 0 where the hook has succeeded, else -ECANCELED with its wait status and last line in `why`. */
static int hook_verdict(int status, const struct output *out, char *why, size_t n)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		str_add_u64(str_add(why, n, "exit code "), n, (uint64_t)WEXITSTATUS(status));
	else
		str_add_u64(str_add(why, n, "killed by signal "), n, (uint64_t)WTERMSIG(status));
	if (out->last[0])
		str_add(str_add(why, n, ": "), n, out->last);
	return -ECANCELED;
}

/* List i of the step, and behind it the strings of `more`. NULL without memory. */
static const char **with_more(struct stage *st, const struct ct_wire_step *s, int i,
			      const char *const *more)
{
	uint32_t n = step_list_n(s, i), k = 0;
	const char **v;

	while (more && more[k])
		k++;
	v = str_vector(step_list(st, s, i), n, k);
	for (; v && k; k--)
		v[n + k - 1] = more[k - 1];
	return v;
}

int stage_hook(struct stage *st, const struct ct_wire_step *s, const struct stage_more *more,
	       char *why, size_t n_why, int *sys)
{
	__attribute__((
		cleanup(hook_close))) struct hook h = { { -1, -1 }, { -1, -1 }, { -1, -1 }, -1, 0 };
	struct output out;
	const char **argv, **env;
	struct failure failed;
	int err, waited, status = 0;

	*why = '\0';
	memset(&out, 0, sizeof(out));
	out.st = st;
	argv = with_more(st, s, 0, more->argv);
	env = with_more(st, s, 1, more->env);
	*sys = SYS_mmap;
	if (!argv || !env)
		return -ENOMEM;
	*sys = SYS_execve;
	if (!argv[0])
		return -EINVAL;
	err = hook_start(&h, st, s, argv, env, sys);
	if (err)
		return err;
	err = hook_listen(&h, &out, s->n[0]);
	*sys = SYS_wait4;
	if (err == -EBUSY) {
		str_cut(why, n_why,
			"it took too long and did not end when it was killed: is it frozen?");
		return -ETIMEDOUT;
	}
	do
		waited = (int)sys4(SYS_wait4, h.pid, &status, K_WALL, NULL);
	while (waited == -EINTR);
	if (waited < 0)
		return waited;
	if (err) {
		str_cut(why, n_why, "it took too long and was killed");
		return err;
	}
	if (read_full(h.status[0], &failed, sizeof(failed)) == sizeof(failed)) {
		*sys = failed.sys;
		return failed.err;
	}
	return hook_verdict(status, &out, why, n_why);
}

/* Runs a hook; one that fails, or is late, fails the step. */
int step_hook(struct stage *st, const struct ct_wire_step *s)
{
	char why[sizeof(((struct ct_report *)NULL)->kernel)], pid[32] = "LXC_PID=";
	const char *env[2] = { NULL, NULL }, *hook = step_str(st, s, 0);
	const struct stage_more more = { NULL, env };
	int sys, err;

	if (s->phase == CT_PHASE_READY)
		env[0] = str_add_u64(pid, sizeof(pid), (uint64_t)st->init_pid);
	err = stage_hook(st, s, &more, why, sizeof(why), &sys);
	if (!err)
		return 0;
	if (step_list_n(s, 0))
		hook = step_list(st, s, 0);
	return report_error(st, err, sys, hook, *why ? why : NULL);
}
