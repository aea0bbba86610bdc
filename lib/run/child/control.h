/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of the supervisor of a detached container: each function makes one connection to
 * "control" in the state directory `dirfd`. All return 0 or a negative errno recorded in e: -ESRCH
 * (CT_ERR_NOT_RUNNING: no process listens), -ETIMEDOUT (CT_ERR_TIMEOUT: the time given was up;
 * CT_ERR_SUPERVISOR: no answer), -EPROTO, -EPERM; else the error of the supervisor's reply. `reply`
 * may be NULL. Nothing blocks longer than its timeout and CT_CTL_PATIENCE_MS (a stop that kills:
 * CT_CTL_END_MS, as long as the supervisor answers status requests).
 */
#ifndef CT_RUN_CHILD_CONTROL_H
#define CT_RUN_CHILD_CONTROL_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/wire.h"

/* for an answer that should come at once; the wait ends sooner if the supervisor is stopped */
#define CT_CTL_PATIENCE_MS 3000
#define CT_CTL_LATE_MS 500  /* for an answer after the timeout that the request has */
#define CT_CTL_PING_MS 1000 /* for a status, before a caller does without the supervisor */
#define CT_CTL_END_MS 65000 /* for an end: from signal.stop over SIGKILL to the last stop hook */

/* Connects; *sock is the caller's. */
int ct_ctl_connect(int dirfd, int *sock, struct ct_err *e);
/* Sends one request and waits for its reply (timeout_ms -1: for ever). *fd (may be NULL) takes a
 * descriptor that came along, -1 when none did; the caller's. The reply's own error is returned and
 * recorded, with *reply filled. */
int ct_ctl_call(int sock, const struct ct_ctl_request *rq, int timeout_ms,
		struct ct_ctl_reply *reply, int *fd, struct ct_err *e);

/* State, pids, boots, verdict, within CT_CTL_PATIENCE_MS or another time. *pidfd (may be NULL):
 * init's, the caller's, -1 when it does not run. */
int ct_ctl_status(int dirfd, struct ct_ctl_reply *reply, int *pidfd, struct ct_err *e);
int ct_ctl_status_in(int dirfd, int timeout_ms, struct ct_ctl_reply *reply, int *pidfd,
		     struct ct_err *e);
/* 1 when an error says that the supervisor does not answer. */
static inline int ct_ctl_is_mute(const struct ct_err *e)
{
	return e->err == -ETIMEDOUT && e->id == CT_ERR_SUPERVISOR;
}
/* -ESRCH, recorded: the container is not running; `where` asks. */
int ct_ctl_not_running(struct ct_err *e, const char *where);
/* 1: the supervisor with this pid is stopped (SIGSTOP), or traced and stopped. */
int ct_ctl_is_stopped(pid_t pid);
/* When the supervisor ends before it has answered, a status, a stop and a wait return -ECONNRESET;
 * the other calls -ESRCH, since the container has ended with it. */
/* Sends a signal to init; 0 only checks that there is one. -EINVAL, -ESRCH. */
int ct_ctl_kill(int dirfd, int sig, struct ct_err *e);
/* flags: CT_STOP_*. timeout_ms -1: waits for ever before signal.stop. Returns when the supervisor
 * has ended (not with NO_WAIT): a new start may follow at once. */
int ct_ctl_stop(int dirfd, unsigned flags, int timeout_ms, struct ct_ctl_reply *reply,
		struct ct_err *e);
/* timeout_ms 0: asks and returns; -1: waits for ever. */
int ct_ctl_reboot(int dirfd, int timeout_ms, struct ct_ctl_reply *reply, struct ct_err *e);
/* Waits until the state is in mask (CT_STATE_*); reply->state has it. -1: for ever. When STOPPED
 * is reached the supervisor has ended on return. A supervisor that is killed meanwhile:
 * -ECONNRESET, sweep then. */
int ct_ctl_wait(int dirfd, unsigned mask, int timeout_ms, struct ct_ctl_reply *reply,
		struct ct_err *e);

/* A connection made before there is a supervisor, which is to get *theirs: asks already
 * to be told of the end. *mine polls readable then, also when the supervisor was killed.
 * Both are the caller's. */
int ct_ctl_watch(int *mine, int *theirs, struct ct_err *e);
/* Asks on a connection to be told of the end, as ct_ctl_watched() takes it. */
int ct_ctl_ask_end(int sock, struct ct_err *e);
/* What a watch receives: reply with the verdict, -ECONNRESET when the supervisor was killed.
 * Returns when it has ended. */
int ct_ctl_watched(int sock, struct ct_ctl_reply *reply, struct ct_err *e);

#define CT_CTL_TTY_ANY (~0u)
/* Opens tty number `tty` (0: the console; CT_CTL_TTY_ANY: the first free one from 1 on). *fd is a
 * stream socket, the caller's, that speaks to the terminal; closing it gives the terminal back.
 * *got (may be NULL) is the number.
 * -EBUSY: taken; -ENOTTY: no such tty. */
int ct_ctl_console(int dirfd, unsigned tty, int *fd, unsigned *got, struct ct_err *e);
/* Appends the console's ring buffer to out; clear: and empties it. -ENODATA: the
 * container has none. */
int ct_ctl_console_log(int dirfd, int clear, struct ct_buf *out, struct ct_err *e);
/* New window size. -ENOTTY. */
int ct_ctl_resize(int dirfd, unsigned tty, unsigned rows, unsigned cols, struct ct_err *e);

#endif
