/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stopping, the verdict, and what is done after init's end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/ask.h"

static uint64_t bit(unsigned sig)
{
	return 1ull << (sig - 1);
}

static void signal_init(const struct super *s, unsigned sig)
{
	long r = 0;

	if (s->pidfd >= 0)
		r = sys4(SYS_pidfd_send_signal, s->pidfd, sig, NULL, 0);
	/* the pid is safe, too: init is a child that has not been reaped */
	if (r && r != -ESRCH && s->init > 0)
		kill(s->init, (int)sig);
}

static int is_reaped(const struct super *s)
{
	return !!(s->w->flags & CT_SUPER_REAPER);
}

static unsigned halt_signal(const struct super *s)
{
	return (unsigned)ct_halt_signal(s->init, s->w->signal_halt,
					!!(s->w->flags & (CT_SUPER_PROGRAM | CT_SUPER_REAPER)));
}

void sup_halt(struct super *s)
{
	s->stop_asked = 1;
	/* ends a pause between two boots */
	s->boot_at = s->now;
	if (s->phase != SUP_PHASE_RUN)
		return;
	signal_init(s, halt_signal(s));
	if (s->state != CT_STATE_STOPPING)
		sup_set_state(s, CT_STATE_STOPPING);
}

void sup_kill(struct super *s, int hard)
{
	unsigned sig = SIGKILL;

	if (s->w->signal_stop && !hard)
		sig = s->w->signal_stop;
	s->stop_asked = 1;
	s->stop_until = SUP_NEVER;
	if (s->phase == SUP_PHASE_BOOT) {
		sup_abort_boot(s);
		return;
	}
	/* the output is not waited for any longer */
	if (s->phase == SUP_PHASE_OUTPUT && hard)
		sup_output_end(s, CT_OUTPUT_NOW);
	s->boot_at = s->now;
	if (s->phase != SUP_PHASE_RUN)
		return;
	s->kill_at = s->now + SUP_LAST_MS;
	if (sig == SIGKILL)
		s->kill_at = s->now + SUP_AGAIN_MS;
	signal_init(s, sig);
	/* a payload that may write to its cgroups can freeze init again as soon as it is thawed */
	if (s->killed)
		sup_groups_kill(s);
	else
		sup_groups_thaw(s);
	s->killed = 1;
	s->kill_hard = 1;
	if (s->state != CT_STATE_STOPPING)
		sup_set_state(s, CT_STATE_STOPPING);
}

/* Why init has ended, CT_EXIT_*. A process 1 that calls reboot(2) dies of SIGHUP or SIGINT. `own`:
 * the signal is the program's, which is not process 1. */
static int reason_of(const struct super *s, unsigned sig, int own)
{
	if (s->limit)
		return s->limit;
	if (s->stop_asked)
		return CT_EXIT_STOPPED;
	if (s->reboot_until || (s->pid_ns && !own && sig == SIGHUP))
		return CT_EXIT_REBOOT;
	if (sig && (s->signals_asked & bit(sig)))
		return CT_EXIT_STOPPED;
	if (s->pid_ns && !own && sig == SIGINT)
		return CT_EXIT_HALT;
	if (sig == SIGSYS && (s->w->flags & CT_SUPER_FILTER_KILLS))
		return CT_EXIT_FILTER;
	if (sig)
		return CT_EXIT_SIGNALED;
	return CT_EXIT_EXITED;
}

static uint64_t microseconds(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

void sup_judge(struct super *s, int status, const struct rusage *ru, int gone)
{
	struct ct_verdict *v = &s->verdict;
	struct ct_counters c;
	int own = is_reaped(s) && s->payload_told && ct_keep_fits(s->payload, status);
	unsigned sig = 0;

	if (own)
		status = s->payload;
	if (WIFSIGNALED(status))
		sig = (unsigned)WTERMSIG(status);
	memset(v, 0, sizeof(*v));
	sup_groups_usage(s, &c);
	v->wall_us = sup_now_us() - s->exec_us;
	v->reason = CT_EXIT_LOST;
	if (!gone)
		v->reason = reason_of(s, sig, own);
	ct_verdict_add(v, &c, s->cpu_before, is_reaped(s));
	if (gone)
		return;
	if (s->interrupted && sig == SIGKILL)
		sig = SIGINT;
	v->code = WEXITSTATUS(status);
	if (sig) {
		v->signal = (int32_t)sig;
		v->code = 128 + (int32_t)sig;
		v->core = !!WCOREDUMP(status);
	}
	v->user_us = ct_since(microseconds(&ru->ru_utime), s->exec.user_us);
	v->system_us = ct_since(microseconds(&ru->ru_stime), s->exec.system_us);
	v->max_rss = (uint64_t)ru->ru_maxrss * 1024;
}

void sup_kill_listed(int fd)
{
	uint64_t pid = 0;
	char buf[1024];
	ssize_t n;

	while ((n = read_full(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (uint64_t)(buf[i] - '0');
				continue;
			}
			if (pid > 0 && pid < INT32_MAX)
				kill((pid_t)pid, SIGKILL);
			pid = 0;
		}
}

/* The pids in the list are not reused: only this process reaps its children. */
static void kill_children(void)
{
	SYS_CLOSEP int fd = sys_openat(AT_FDCWD, "/proc/thread-self/children", O_RDONLY, 0);

	if (fd >= 0)
		sup_kill_listed(fd);
}

void sup_reap_all(struct super *s)
{
	uint64_t until = sup_now_ms() + SUP_REAP_MS;

	sup_kill_launcher(s);
	signal_init(s, SIGKILL);
	for (;;) {
		pid_t r = waitpid(-1, NULL, __WALL | WNOHANG);

		if (r > 0)
			continue;
		if (r < 0 || sup_now_ms() > until)
			break;
		kill_children();
		poll(NULL, 0, 2);
	}
	s->launcher = s->init = 0;
	sup_close(&s->pidfd);
}

/* ---- phase END ------------------------------------------------------------------------------- */

#define REMOVE_MS 2000 /* for what is removed to let itself be: processes may still be ending */

static end_fn *const ends[CT_OP_COUNT] = {
#define CT_STEP(...)
#define CT_SETUP_STEP(...)
#define CT_END_STEP(op, function, ...) [CT_OP_##op] = function,
#include "wire/steps.def"
};

/* Tries at least once. */
static int carry_out(const struct super *s, const struct ct_wire_step *step, uint64_t until)
{
	int err = ends[step->op](s, step);

	for (uint64_t pause = 1; err && sup_now_ms() < until; pause = u64_min(pause * 2, 32)) {
		poll(NULL, 0, (int)pause);
		err = ends[step->op](s, step);
	}
	return err;
}

/* Carries out what phase END removes. The journal goes with it, unless something has stayed or
 * the journal tells of more: then the next call of the library takes that back. */
static void run_removals(struct super *s)
{
	uint64_t until = sup_now_ms() + REMOVE_MS;
	uint32_t left = 0;

	if (s->removed)
		return;
	sup_groups_end(s);
	for (uint32_t i = 0; i < s->st->n_last; i++) {
		const struct ct_wire_step *step = &s->st->steps[s->st->n_steps + i];

		if (!ends[step->op])
			continue;
		left += carry_out(s, step, until) != 0;
	}
	s->removed = !left;
	if (!left && !(s->w->flags & CT_SUPER_KEEP_UNDO))
		unlinkat(s->state_dir, "undo", 0);
}

void sup_finish(struct super *s)
{
	int first_failed = s->failed && s->boots == 0;

	/* the pumps end when their sinks take no more for a while */
	s->phase = SUP_PHASE_OUTPUT;
	if (s->n_pumps && !first_failed)
		return;
	sup_output_judge(s);
	s->phase = SUP_PHASE_DONE;
	sup_reap_all(s);
	sup_ttys_close(s, 1);
	run_removals(s);
	s->state = CT_STATE_STOPPED;
	if (first_failed) {
		unlinkat(s->state_dir, "state", 0);
		sup_remove_files(s, 0);
	} else {
		sup_remove_home(s);
		/* the file first: a client that finds no socket must find the verdict */
		sup_write_state(s);
		sup_remove_files(s, (s->w->flags & CT_SUPER_EPHEMERAL) && !s->left);
	}
	sup_close(&s->listener);
	/* before clients are told: they may start the container again at once */
	sup_close(&s->alive);
	sup_tell_waiters(s);
}

void sup_close_namespaces(struct super *s)
{
	for (int i = 0; i < STAGE_NS; i++)
		sup_close(&s->ns[i]);
}

/* What stop hooks get in addition to their own arguments and variables: variables, and for
 * hook.version 0 the namespaces as arguments, as LXC does it. The paths lead to descriptors of this
 * process. */
struct context {
	char text[2][STAGE_NS][64], pid[32];
	const char *argv[STAGE_NS + 1], *env[STAGE_NS + 3];
};

static void fill_context(const struct super *s, struct context *t)
{
	size_t n_argv = 0, n_env = 0;

	memset(t, 0, sizeof(*t));
	t->env[n_env++] = s->again ? "LXC_TARGET=reboot" : "LXC_TARGET=stop";
	if (s->ended > 0)
		t->env[n_env++] = str_add_u64(str_add(t->pid, sizeof(t->pid), "LXC_PID="),
					      sizeof(t->pid), (uint64_t)s->ended);
	for (int i = 0; i < STAGE_NS; i++) {
		const char *const begin[] = { stage_ns[i].name, stage_ns[i].variable };
		const char *const between[] = { ":/proc/", "=/proc/" };

		if (s->ns[i] < 0)
			continue;
		for (int k = 0; k < 2; k++) {
			char *text = t->text[k][i];
			size_t size = sizeof(t->text[k][i]);

			str_add_u64(str_add(str_add(text, size, begin[k]), size, between[k]), size,
				    (uint64_t)getpid());
			str_add_u64(str_add(text, size, "/fd/"), size, (uint64_t)s->ns[i]);
		}
		t->argv[n_argv++] = t->text[0][i];
		t->env[n_env++] = t->text[1][i];
	}
}

/* Whose output is logged. */
struct listener {
	struct super *s;
	const struct ct_wire_step *hook;
};

static void log_line(void *data, const char *line)
{
	const struct listener *l = data;

	sup_log_hook(l->s, CT_LOG_INFO, l->hook, ": ", line);
}

/* Whether the step is a hook whose turn it is: first stop hooks, then post-stop hooks. */
static int runs_now(const struct super *s, const struct ct_wire_step *step)
{
	uint8_t phase = CT_PHASE_STOP;

	if (s->post)
		phase = CT_PHASE_END;
	return step->op == CT_OP_HOOK && step->phase == phase;
}

static int some_run_now(const struct super *s)
{
	for (uint32_t i = 0; i < s->st->n_last; i++)
		if (runs_now(s, &s->st->steps[s->st->n_steps + i]))
			return 1;
	return 0;
}

static _Noreturn void be_hooks(struct super *s, int out)
{
	struct listener l = { s, NULL };
	struct context t;
	char why[160];
	int sys, err, failed = 0;

	sup_in_fork(s, -1);
	fill_context(s, &t);
	s->st->on_line = log_line;
	s->st->on_line_data = &l;
	for (uint32_t i = 0; i < s->st->n_last; i++) {
		struct stage_more more = { NULL, t.env };

		l.hook = &s->st->steps[s->st->n_steps + i];
		if (!runs_now(s, l.hook))
			continue;
		if ((s->w->flags & CT_SUPER_HOOK_ARGS) && !s->post)
			more.argv = t.argv;
		err = stage_hook(s->st, l.hook, &more, why, sizeof(why), &sys);
		if (err && !why[0])
			str_add_u64(str_add(why, sizeof(why), "errno "), sizeof(why),
				    (uint64_t)-err);
		if (err)
			sup_log_hook(s, CT_LOG_ERROR, l.hook, " failed: ", why);
		if (err && !failed++)
			write_all(out, why, strlen(why));
	}
	_exit(failed != 0);
}

/* What follows the hooks. */
static void after_hooks(struct super *s)
{
	sup_close_namespaces(s);
	if (!s->again) {
		sup_finish(s);
		return;
	}
	s->again = 0;
	/* a stop was asked for meanwhile, and the stop hooks have run */
	if (s->stop_asked) {
		s->verdict.reason = CT_EXIT_STOPPED;
		sup_finish(s);
		return;
	}
	s->phase = SUP_PHASE_PAUSE;
	s->boot_at = s->now + s->pause_ms;
	if (!s->pause_ms)
		sup_boot_again(s);
	else
		sup_set_state(s, CT_STATE_STARTING);
}

/* Forks a process for the hooks whose turn it is. 0; -1 when there are none, or no process. */
static int fork_hooks(struct super *s)
{
	int out[2];

	if (!some_run_now(s))
		return -1;
	sup_set_state(s, CT_STATE_STOPPING);
	if (sys2(SYS_pipe2, out, O_CLOEXEC | O_NONBLOCK)) {
		str_cut(s->error, sizeof(s->error), "stop hooks: no pipe for them");
		return -1;
	}
	s->hooks = sys_fork();
	if (s->hooks == 0) {
		close(out[0]);
		be_hooks(s, out[1]);
	}
	close(out[1]);
	s->hooks_why = out[0];
	if (s->hooks > 0)
		return 0;
	str_cut(s->error, sizeof(s->error), "stop hooks: no process for them");
	s->hooks = 0;
	sup_close(&s->hooks_why);
	return -1;
}

/* The stop hooks have ended: runs the post-stop hooks. Unless the container boots again, what was
 * made for it is removed before. */
static void run_post_hooks(struct super *s)
{
	s->post = 1;
	if (!s->again && some_run_now(s))
		run_removals(s);
	if (fork_hooks(s))
		after_hooks(s);
}

/* Starts the hooks, or does what follows them when there are none. */
static void run_hooks(struct super *s)
{
	s->phase = SUP_PHASE_HOOKS;
	s->stop_until = s->kill_at = SUP_NEVER;
	s->post = 0;
	if (fork_hooks(s))
		run_post_hooks(s);
}

void sup_begin_end(struct super *s)
{
	s->again = 0;
	s->reboot_until = 0;
	sup_ttys_close(s, 1);
	run_hooks(s);
}

void sup_begin_again(struct super *s)
{
	if (s->verdict.wall_us >= SUP_BRIEF_MS * 1000)
		s->pause_ms = 0;
	else if (s->pause_ms)
		s->pause_ms = u64_min(s->pause_ms * 2, SUP_PAUSE_MAX_MS);
	else
		s->pause_ms = SUP_PAUSE_MS;
	s->again = 1;
	sup_write_state(s);
	run_hooks(s);
}

void sup_on_hooks(struct super *s)
{
	char why[160];
	ssize_t n;
	int status;

	if (waitpid(s->hooks, &status, WNOHANG) != s->hooks)
		return;
	s->hooks = 0;
	n = read(s->hooks_why, why, sizeof(why) - 1);
	if (status && !s->error[0]) {
		if (n < 0)
			n = 0;
		why[n] = 0;
		sup_clean_text(why);
		str_cut(s->error, sizeof(s->error), "stop hook failed: ");
		str_add(s->error, sizeof(s->error), why);
	}
	sup_close(&s->hooks_why);
	if (s->post)
		after_hooks(s);
	else
		run_post_hooks(s);
}
