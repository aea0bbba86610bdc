/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process that did not start the container gets: how a detached container has ended, and a
 * process handle for one that runs. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "run/child/verdict.h"

static int no_record(struct ct_container *c, const char *why, struct ct_err *e)
{
	ct_err_object(e, c->name);
	return ct_fail(e, -ENODATA, CT_ERR_NOT_RUNNING, "state", "%s", why);
}

int ct_run_last_exit(struct ct_container *c, ct_exit *out, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1;
	struct ct_state_file st = { 0 };
	int r;

	r = ct_exit_check(out, "state", e);
	if (r < 0)
		return r;
	r = dir = ct_state_dir(c, e);
	if (r == -ENOENT)
		return no_record(c, "no end of the container is recorded", e);
	if (r >= 0)
		r = ct_state_sweep(dir, -1, &st, NULL, e);
	if (r < 0)
		return r;
	/* another call clears it, or begins a start: the file is complete as long as it exists */
	if (r == CT_LIFE_BUSY && ct_state_read(dir, &st, NULL) >= 0 && st.state == CT_STATE_STOPPED)
		r = CT_LIFE_ENDED;
	if (r == CT_LIFE_SUPERVISED || r == CT_LIFE_ORPHAN || r == CT_LIFE_BUSY)
		return no_record(c, "the container runs", e);
	if ((r != CT_LIFE_ENDED && r != CT_LIFE_LOST) || !st.verdict.reason)
		return no_record(c, "no end of the container is recorded", e);
	ct_exit_fill(&st.verdict, "", out);
	return 0;
}

/* A connection on which the supervisor will report the end. Descriptor or negative errno. */
static int open_watch(int dir, struct ct_err *e)
{
	CT_CLEAN_FD int sock = -1;
	int r = ct_ctl_connect(dir, &sock, e);

	if (!r)
		r = ct_ctl_ask_end(sock, e);
	if (r < 0)
		return r;
	return ct_take_fd(&sock);
}

/* The supervisor has refused the watch: its answer is there already. */
static int was_refused(int watch)
{
	struct ct_ctl_reply reply;

	return recv(watch, &reply, sizeof(reply), MSG_PEEK | MSG_DONTWAIT) == sizeof(reply) &&
	       reply.err;
}

static int no_supervisor(struct ct_container *c, struct ct_err *e)
{
	ct_err_object(e, c->name);
	ct_err_hint(e, "ct_last_exit() (ct-info) tells how it has ended");
	return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, "state",
		       "the container has no supervisor that runs");
}

int ct_run_open_process(struct ct_container *c, struct ct_process **out, struct ct_err *e)
{
	struct ct_process *running = ct_running_init(c);
	CT_CLEAN_FD int dir = -1, watch = -1, pidfd = -1;
	struct ct_ctl_reply reply = { 0 };
	int r;

	if (running) {
		*out = running;
		return 0;
	}
	dir = ct_state_dir(c, e);
	if (dir == -ENOENT)
		return no_supervisor(c, e);
	if (dir < 0)
		return dir;
	r = ct_state_alive(dir);
	if (r == 0)
		return no_supervisor(c, e);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
				   "whether a supervisor lives cannot be seen");
	r = watch = open_watch(dir, e);
	/* requests are answered in their order: a refusal of the watch comes before this answer */
	if (r >= 0)
		r = ct_ctl_status(dir, &reply, &pidfd, e);
	if (r == -ECONNRESET) {
		ct_err_clear(e);
		return no_supervisor(c, e);
	}
	if (r >= 0 && pidfd < 0) {
		ct_err_object(e, c->name);
		ct_err_hint(e, "it is between two boots, or about to end: ct_wait() tells which");
		return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, "state",
			       "the container has no init at this moment");
	}
	if (r >= 0 && was_refused(watch)) {
		ct_err_object(e, c->name);
		r = ct_fail(e, -EAGAIN, CT_ERR_SUPERVISOR, "state",
			    "too many callers wait for the supervisor");
	}
	if (r < 0)
		return r;
	*out = ct_process_new(NULL, NULL);
	if (!*out)
		return ct_oom(e);
	(*out)->child.pid = reply.init_pid;
	(*out)->child.pidfd = ct_take_fd(&pidfd);
	(*out)->watch = ct_take_fd(&watch);
	(*out)->state = ct_take_fd(&dir);
	(*out)->reaper = ct_running_reaper(c, NULL) > 0;
	return 0;
}
