/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "backend/cgroup/usage.h"
#include "base/sys.h"
#include "run/child/control.h"
#include "run/child/filter-log.h"
#include "run/state/undo.h"
#include "run/child/keeper.h"
#include "run/child/verdict.h"
#include "run/state/state.h"

struct ct_process *ct_process_new(struct ct_launch *launch, const struct ct_launch_ops *ops)
{
	struct ct_process *p = calloc(1, sizeof(*p));

	if (!p) {
		if (launch)
			ops->release(launch);
		return NULL;
	}
	p->refs = 1;
	p->owner = getpid();
	pthread_mutex_init(&p->lock, NULL);
	p->launch = launch;
	p->launch_ops = ops;
	p->starting = !!launch;
	p->child = CT_CHILD_INIT;
	p->watch = p->state = -1;
	p->output = CT_OUTPUT_INIT;
	p->undo = (struct ct_undo)CT_UNDO_INIT;
	p->groups = (struct ct_cgroups_held)CT_CGROUPS_NONE;
	p->holder = CT_PLACEHOLDER_INIT;
	ct_err_clear(&p->failed);
	ct_records_init(&p->errors);
	return p;
}

/* Fills in how it ended, by its wait status. `asked` is the reason if the caller or a limit has
 * caused the end, else 0. `own`: the status is the payload's, whose reaper was pid 1. */
static void judge(const struct ct_process *p, int status, int own, int asked, struct ct_verdict *v)
{
	v->reason = CT_EXIT_EXITED;
	/* an exit is no answer to SIGKILL, but may be one to a signal that asks */
	if (asked & CT_ASKED)
		v->reason = asked & ~CT_ASKED;
	v->code = WEXITSTATUS(status);
	if (WIFEXITED(status))
		return;
	asked &= ~CT_ASKED;
	v->signal = WTERMSIG(status);
	v->core = !!WCOREDUMP(status);
	v->code = 128 + v->signal;
	v->reason = CT_EXIT_SIGNALED;
	if (v->signal == SIGSYS && p->filter_kills)
		v->reason = CT_EXIT_FILTER;
	if (asked)
		v->reason = asked;
	/* reboot(2) in a pid namespace: its init dies of SIGHUP (restart) or SIGINT (halt) */
	if (!asked && !own && p->reboots && v->signal == SIGHUP)
		v->reason = CT_EXIT_REBOOT;
	if (!asked && !own && p->reboots && v->signal == SIGINT)
		v->reason = CT_EXIT_HALT;
}

/* Whether the status that the reaper has sent is the payload's: it comes from inside the container,
 * and counts only if it fits init's own end. */
static int is_payload_status(const struct ct_process *p, const struct ct_keeper *k)
{
	return p->reaper && k->have_payload_status && ct_keep_fits(k->payload_status, k->status);
}

static void take_keeper_verdict(struct ct_process *p)
{
	static const int limits[] = {
		[CT_KEEPER_TIME] = CT_EXIT_TIME, [CT_KEEPER_CPU] = CT_EXIT_CPUTIME
	};
	struct ct_keeper k = { 0 };
	int asked = __atomic_load_n(&p->stop, __ATOMIC_ACQUIRE);
	int broken, own, status;

	ct_child_reap(&p->child, &k);
	broken = !k.have_pump_status || !WIFEXITED(k.pump_status) ||
		 (WEXITSTATUS(k.pump_status) != CT_PUMP_DONE &&
		  WEXITSTATUS(k.pump_status) != CT_PUMP_OVER);
	ct_output_judge(&p->output, broken, &p->verdict);
	if (!k.have_status) {
		p->verdict.reason = CT_EXIT_LOST;
		return;
	}
	own = is_payload_status(p, &k);
	status = k.status;
	if (own)
		status = k.payload_status;
	if (k.timed_out)
		asked = limits[k.timed_out];
	judge(p, status, own, asked, &p->verdict);
	p->verdict.wall_us = ct_since(k.end_ns, p->child.exec_ns) / 1000;
	p->verdict.user_us = ct_since(k.user_us, k.exec_user_us);
	p->verdict.system_us = ct_since(k.system_us, k.exec_system_us);
	p->verdict.max_rss = k.max_rss;
	if (p->verdict.reason == CT_EXIT_FILTER)
		ct_filter_log_call(p->child.program, p->child.exec_ns, p->filter_call,
				   sizeof(p->filter_call));
	p->before_us = k.exec_cpu_us;
	/* it may have passed limit.output and ended before the keeper could end it */
	if (k.output_over && !k.timed_out)
		p->verdict.reason = CT_EXIT_OUTPUT;
}

/* Reads why the supervisor could not remove all of an ephemeral container's directory. */
static void take_left(struct ct_process *p)
{
	struct ct_state_file st = { 0 };
	const char *why = st.error;

	p->left = 1;
	(void)ct_state_read(p->state, &st, NULL);
	if (!*why)
		why = "something of its directory stays";
	ct_err_clear(&p->left_err);
	ct_err_hint(&p->left_err,
		    "the next ct_destroy(), ct_create() or ct_list() (ct-ls) tries again");
	ct_fail(&p->left_err, -EBUSY, CT_ERR_ROOTFS, "supervisor", "%s", why);
}

/* The supervisor sends the verdict at the end of the last boot, unless it was killed. */
static void take_supervisor_verdict(struct ct_process *p)
{
	struct ct_ctl_reply r = { 0 };
	int err = ct_ctl_watched(p->watch, &r, NULL);

	p->verdict.reason = CT_EXIT_LOST;
	if (err == 0 && r.num)
		take_left(p);
	if (err == 0 && r.verdict.reason)
		p->verdict = r.verdict;
}

/* Reads the last counters of the cgroups, and takes back what the start has made. */
static void end_of_backends(struct ct_process *p)
{
	struct ct_cg_place places[CT_CG_TREES];
	struct ct_counters c;

	if (p->groups.n)
		ct_counters_read(places, ct_cg_places(&p->groups, places), &c);
	if (p->groups.n && p->verdict.reason != CT_EXIT_LOST)
		ct_verdict_add(&p->verdict, &c, p->before_us, p->reaper);
	/* undo may need the descriptors that these take up */
	ct_cgroup_forget(&p->groups);
	ct_undo_all(&p->undo, NULL);
	ct_placeholder_end(&p->holder);
}

int ct_process_groups(struct ct_process *p, struct ct_cgroups_held *out)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = ct_cgroup_copy(&p->groups, out);
	pthread_mutex_unlock(&p->lock);
	return r;
}

void ct_process_records(struct ct_process *p, struct ct_buf *out)
{
	pthread_mutex_lock(&p->lock);
	ct_buf_str(out, ct_buf_text(&p->undo.text));
	pthread_mutex_unlock(&p->lock);
}

uint32_t ct_process_usage(struct ct_process *p, ct_usage *out)
{
	struct ct_cg_place places[CT_CG_TREES];
	uint32_t n;

	pthread_mutex_lock(&p->lock);
	n = ct_cg_places(&p->groups, places);
	if (n)
		ct_usage_read(places, n, out);
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* Makes the verdict final, once, after the end. */
static void finish(struct ct_process *p)
{
	pthread_mutex_lock(&p->lock);
	if (!ct_process_done(p)) {
		p->verdict = (struct ct_verdict){ 0 };
		memset(&p->verdict.tree, 0xff, sizeof(p->verdict.tree)); /* CT_ABSENT */
		if (p->child.keeper)
			take_keeper_verdict(p);
		else
			take_supervisor_verdict(p);
		end_of_backends(p);
		__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&p->lock);
}

int ct_process_ends(const struct ct_process *p)
{
	if (p->watch >= 0)
		return p->watch;
	if (p->child.end >= 0)
		return p->child.end;
	return p->child.pidfd;
}

int ct_process_running(struct ct_process *p)
{
	if (ct_process_starting(p))
		return 0;
	return !ct_process_done(p) && p->child.pidfd >= 0 && !ct_pidfd_ended(p->child.pidfd, 0);
}

int ct_process_in_process(struct ct_process *p)
{
	return !ct_process_starting(p) && p->state < 0 && ct_process_running(p);
}

static int not_yet(struct ct_process *p, struct ct_err *e)
{
	if (p->watch >= 0 || ct_process_running(p))
		return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait", "the process still runs");
	ct_err_hint(e, "read what it has printed; what nobody takes is given up after a while");
	return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait",
		       "the process has ended, %llu bytes of its output still wait to be read",
		       (unsigned long long)ct_output_waiting(&p->output));
}

int ct_process_await(struct ct_process *p, ct_exit *out, int timeout_ms, struct ct_err *e)
{
	int r;

	if (getpid() != p->owner)
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "wait",
			       "the handle belongs to another process");
	if (out && (r = ct_exit_check(out, "wait", e)) < 0)
		return r;
	if (ct_process_starting(p) || p->failed.err) {
		int64_t until = ct_deadline(timeout_ms);

		r = p->launch_ops->follow(p, timeout_ms, e);
		if (r == -EINPROGRESS) {
			ct_err_clear(e);
			return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait",
				       "the program is not executed yet");
		}
		if (r < 0)
			return r;
		timeout_ms = ct_left_ms(until);
	}
	if (!ct_process_done(p)) {
		if (!ct_fd_readable(ct_process_ends(p), timeout_ms))
			return not_yet(p, e);
		finish(p);
	}
	if (out)
		ct_exit_fill(&p->verdict, p->filter_call, out);
	if (p->left && e)
		*e = p->left_err;
	return p->left;
}

#define SETTLE_MS 500 /* for output that a reader takes */

int ct_process_await_end(struct ct_process *p, int timeout_ms, struct ct_err *e)
{
	if (ct_process_done(p) || p->watch >= 0 || !p->output.told)
		return ct_process_await(p, NULL, timeout_ms, e);
	if (!ct_pidfd_ended(p->child.pidfd, timeout_ms))
		return not_yet(p, e);
	ct_process_await(p, NULL, SETTLE_MS, NULL);
	return 0;
}

/* Before SIGKILL: with version 1 a frozen process does not end by it. */
static void thaw(struct ct_process *p)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	int r;

	if (p->state >= 0)
		r = ct_groups_load(p->state, &held, NULL);
	else
		r = ct_process_groups(p, &held);
	if (r >= 0)
		ct_cgroup_thaw(&held);
	ct_cgroup_forget(&held);
}

int ct_init_signal(int pidfd, int sig, int reaper)
{
	if (reaper && sig == SIGSTOP)
		return ct_pidfd_queue_signal(pidfd, CT_STOP_SIGNAL, CT_SI_STOP);
	return ct_pidfd_send_signal(pidfd, sig);
}

/* A signal that would end the program cancels its start; for another there is no process yet. */
static int signal_launch(struct ct_process *p, int sig, struct ct_err *e)
{
	static const int ends[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (sig != ends[i])
			continue;
		p->launch_ops->cancel(p);
		return 0;
	}
	return ct_fail(e, -ESRCH, CT_ERR_PROCESS, "kill", "the program is not executed yet");
}

int ct_process_signal(struct ct_process *p, int sig, struct ct_err *e)
{
	int r;

	if (getpid() != p->owner)
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "kill",
			       "the handle belongs to another process");
	if (sig < 0 || sig > SIGRTMAX)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "kill", "there is no signal %d", sig);
	if (ct_process_starting(p))
		return signal_launch(p, sig, e);
	if (sig == SIGKILL) {
		__atomic_store_n(&p->stop, CT_EXIT_STOPPED, __ATOMIC_RELEASE);
		thaw(p);
	}
	r = -ESRCH;
	/* after a reboot only the supervisor knows the present init */
	if (!ct_process_done(p) && p->state >= 0)
		r = ct_ctl_kill(p->state, sig, NULL);
	if ((r == -ESRCH || r == -ETIMEDOUT) && !ct_process_done(p))
		r = ct_init_signal(p->child.pidfd, sig, p->reaper);
	/* a caller that has dropped its privileges still has the keeper's leash */
	if (r == -EPERM && sig == SIGKILL && p->state < 0) {
		ct_child_end(&p->child);
		r = 0;
	}
	if (r == -ESRCH)
		return ct_fail(e, r, CT_ERR_PROCESS, "kill", "the process has ended");
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "kill", "pidfd_send_signal",
				   "signal %d cannot be sent", sig);
	return 0;
}

/* Kills init, also if processes of the container keep freezing it. */
static void kill_init(struct ct_process *p)
{
	thaw(p);
	ct_child_kill(&p->child);
	if (p->groups.n && !ct_pidfd_ended(p->child.pidfd, 1000))
		ct_cgroup_kill(&p->groups, 20000, NULL);
}

static void process_free(struct ct_process *p)
{
	if (p->owner == getpid() && p->launch_ops)
		p->launch_ops->drop(p);
	if (p->owner == getpid() && p->child.keeper) {
		kill_init(p);
		ct_child_end(&p->child);
		ct_child_reap(&p->child, NULL);
	}
	ct_output_end(&p->output);
	ct_cgroup_forget(&p->groups);
	/* a forked child's copy is not the owner */
	if (p->owner == getpid()) {
		ct_undo_all(&p->undo, NULL);
		ct_placeholder_end(&p->holder);
	}
	ct_undo_free(&p->undo);
	ct_close(&p->child.pidfd);
	ct_close(&p->child.leash);
	ct_close(&p->child.report);
	ct_close(&p->child.end);
	ct_close(&p->child.pty);
	ct_close(&p->child.notify);
	ct_close(&p->watch);
	ct_close(&p->state);
	pthread_mutex_destroy(&p->lock);
	ct_records_free(&p->errors);
	free(p);
}

struct ct_process *ct_process_get(struct ct_process *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

void ct_process_put(struct ct_process *p)
{
	if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
		process_free(p);
}
