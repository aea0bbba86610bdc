/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's side of the supervisor's socket. */
#include "run/child/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <contain/contain.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/state/state.h"
#include "shared/ask.h"
#include "shared/rights.h"

#define WHERE "supervisor"
#define PACKET_MAX 65536
#define CHECK_MS 250 /* how often to check whether a supervisor that does not answer is stopped */

/* Waits for events until the deadline. 1: there; 0: too late; negative errno. */
static int wait_for(int sock, short events, int64_t until)
{
	for (;;) {
		struct pollfd p = { .fd = sock, .events = events };
		int r = poll(&p, 1, ct_left_ms(until));

		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (ct_left_ms(until) == 0)
			return 0;
	}
}

/* The pid of the process that listens at the other end; 0: it is not in our pid namespace. */
static pid_t peer_of(int sock)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return 0;
	return peer.pid;
}

int ct_ctl_is_stopped(pid_t pid)
{
	uint64_t start;
	char state;

	return pid > 0 && pid != getpid() && !ct_proc_stat(pid, &state, &start) &&
	       (state == 'T' || state == 't');
}

/* As wait_for(), but gives up on a supervisor that is found stopped at two checks in a row. */
static int wait_answer(int sock, int64_t until)
{
	const pid_t pid = peer_of(sock);
	int seen = 0, r;

	for (;;) {
		int64_t next = ct_now_ms() + CHECK_MS;

		if (next > until)
			next = until;
		r = wait_for(sock, POLLIN, next);
		if (r || ct_now_ms() >= until)
			return r;
		if (!ct_ctl_is_stopped(pid))
			seen = 0;
		else if (++seen == 2)
			return 0;
	}
}

int ct_ctl_not_running(struct ct_err *e, const char *where)
{
	return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, where, "the container is not running");
}

static int refused(struct ct_err *e, int err, const char *call)
{
	ct_err_syscall(e, call);
	return ct_fail(e, err, CT_ERR_SUPERVISOR, WHERE, "the supervisor cannot be reached");
}

/* The peer must be root's or our own user's. Others cannot make a socket in the state directory,
 * but this does not depend on that. */
static int check_peer(int sock, struct ct_err *e)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return refused(e, -errno, "getsockopt");
	if (peer.uid != 0 && peer.uid != geteuid())
		return ct_fail(e, -EPERM, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor belongs to another user");
	return 0;
}

int ct_ctl_connect(int dirfd, int *sock, struct ct_err *e)
{
	CT_CLEAN_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int64_t until = ct_deadline(CT_CTL_PATIENCE_MS);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int r;

	if (fd < 0)
		return refused(e, -errno, "socket");
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" CT_STATE_CONTROL, dirfd);
	while (connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		struct timespec pause = { 0, 5000000 };

		if (errno == ENOENT || errno == ECONNREFUSED)
			return ct_ctl_not_running(e, WHERE);
		if ((errno != EAGAIN && errno != EINTR) || ct_now_ms() >= until)
			return refused(e, -errno, "connect");
		/* its queue is full */
		nanosleep(&pause, NULL);
	}
	r = check_peer(fd, e);
	if (r)
		return r;
	*sock = ct_take_fd(&fd);
	return 0;
}

/* Records the error of a reply. */
static int reply_error(int err, struct ct_err *e)
{
	static const struct {
		int err, id;
		const char *text;
	} means[] = {
		{ -ETIMEDOUT, CT_ERR_TIMEOUT, "the time given was up" },
		{ -EAGAIN, CT_ERR_SUPERVISOR, "too many callers wait for the supervisor" },
		{ -EINVAL, CT_ERR_ARGUMENT, "the supervisor does not take that value" },
		{ -EPERM, CT_ERR_PRIVILEGE, "the supervisor may not do that" },
		{ -ENOTTY, CT_ERR_CONSOLE, "the container has no such terminal" },
		{ -ENODATA, CT_ERR_CONSOLE, "the container keeps no console output" },
		{ -EBUSY, CT_ERR_SUPERVISOR, "it is in use, or on its way down" },
	};

	if (err == -ESRCH)
		return ct_ctl_not_running(e, WHERE);
	if (err == -ENODATA)
		ct_err_hint(e, "set console.buffer.size");
	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
		if (means[i].err == err)
			return ct_fail(e, err, means[i].id, WHERE, "%s", means[i].text);
	}
	return ct_fail(e, err, CT_ERR_SUPERVISOR, WHERE, "the supervisor refuses: %s",
		       ct_errno_text(-err));
}

/* Receives one packet, and the descriptor that came with it. Its length or a negative errno. A
 * descriptor that was cut off is an error. */
static ssize_t take_packet(int sock, void *p, size_t n, int *fd)
{
	union ct_rights room;
	struct iovec iov = { p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int reset = 0;
	ssize_t r;

	*fd = -1;
	ct_rights_room(&m, &room);
	/* a peer that closes before it has read all resets the connection: what it had sent before
	 * can be received after that error */
	do {
		r = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (r < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (r < 0)
		return -errno;
	*fd = ct_rights_take(&m);
	/* a descriptor was sent, but no number is free for it */
	if (m.msg_flags & MSG_CTRUNC) {
		ct_close(fd);
		return -EMFILE;
	}
	if (m.msg_flags & MSG_TRUNC)
		return -EPROTO;
	return r;
}

static int timed_out(int sock, struct ct_err *e)
{
	const pid_t pid = peer_of(sock);

	if (ct_ctl_is_stopped(pid)) {
		ct_err_hint(e,
			    "kill -CONT %d lets it go on; ct_stop() with CT_STOP_KILL (ct-stop "
			    "-k) goes round it",
			    (int)pid);
		return ct_fail(e, -ETIMEDOUT, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor does not answer: process %d (ct-supervisor) is "
			       "stopped",
			       (int)pid);
	}
	if (pid > 0)
		ct_err_hint(e,
			    "look at process %d (ct-supervisor): it may be frozen; ct_stop() with "
			    "CT_STOP_KILL (ct-stop -k) goes round it",
			    (int)pid);
	return ct_fail(e, -ETIMEDOUT, CT_ERR_SUPERVISOR, WHERE, "the supervisor does not answer");
}

/* Records why there is no answer: r is 0 for a timeout, or a negative errno. */
static int no_answer(int sock, int r, struct ct_err *e)
{
	if (r == 0)
		return timed_out(sock, e);
	if (r == -ECONNRESET || r == -EPIPE)
		return ct_fail(e, -ECONNRESET, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor ended before it answered");
	return refused(e, r, "recvmsg");
}

/* A process in other namespaces than the supervisor's may be one of a container. */
static int turned_away(uint32_t why, struct ct_err *e)
{
	static const char *const what[] = {
		[CT_CTL_OTHER_USER] = "the caller is in another user namespace than the supervisor",
		[CT_CTL_OTHER_MNT] = "the caller is in another mount namespace than the supervisor",
		[CT_CTL_OTHER_PID] = "the caller is in another pid namespace than the supervisor",
	};

	ct_err_hint(e, "call from where the container was started, say by nsenter(1) into the "
		       "supervisor's namespaces");
	if (why < sizeof(what) / sizeof(what[0]) && what[why])
		return ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, WHERE,
			       "%s, which takes no orders from there", what[why]);
	return ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, WHERE,
		       "the supervisor may not look at the "
		       "caller, and takes no orders from whom "
		       "it does not know");
}

/* Waits for the reply. 0, or a negative errno that is recorded. */
static int take_reply(int sock, uint32_t type, int64_t until, struct ct_ctl_reply *reply, int *fd,
		      struct ct_err *e)
{
	struct ct_ctl_reply got;
	ssize_t n;
	int r;

	do {
		if (until == CT_NEVER)
			r = wait_for(sock, POLLIN, until);
		else
			r = wait_answer(sock, until);
		if (r <= 0)
			return no_answer(sock, r, e);
		n = take_packet(sock, &got, sizeof(got), fd);
	} while (n == -EAGAIN);
	if (n == 0)
		n = -ECONNRESET;
	if (n == -EMFILE)
		return ct_fail_sys(e, -EMFILE, CT_ERR_DESCRIPTOR, WHERE, "recvmsg",
				   "no descriptor is free for what the supervisor hands over");
	if (n < 0 && n != -EPROTO)
		return no_answer(sock, (int)n, e);
	/* type 0: turned away before the request was read */
	if (n != sizeof(got) || got.magic != CT_CTL_MAGIC || (got.type != type && got.type != 0) ||
	    got.err > 0 || (got.type == 0 && !got.err)) {
		ct_close(fd);
		return ct_fail(e, -EPROTO, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor's answer makes no sense");
	}
	*reply = got;
	if (!got.err)
		return 0;
	ct_close(fd);
	if (got.type == 0 && got.err == -EPERM)
		return turned_away(got.num, e);
	return reply_error(got.err, e);
}

static int send_request(int sock, const struct ct_ctl_request *rq, struct ct_err *e)
{
	while (send(sock, rq, sizeof(*rq), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* turned away already: the reply tells why */
		if (errno == EPIPE)
			break;
		if (errno != EINTR)
			return no_answer(sock, -errno, e);
	}
	return 0;
}

int ct_ctl_call(int sock, const struct ct_ctl_request *rq, int timeout_ms,
		struct ct_ctl_reply *reply, int *fd, struct ct_err *e)
{
	CT_CLEAN_FD int got = -1;
	struct ct_ctl_reply r;
	int err = send_request(sock, rq, e);

	if (err)
		return err;
	memset(&r, 0, sizeof(r));
	err = take_reply(sock, rq->type, ct_deadline(timeout_ms), &r, &got, e);
	if (reply && r.magic)
		*reply = r;
	if (!err && fd)
		*fd = ct_take_fd(&got);
	return err;
}

/* One connection, one request. */
static int ask(int dirfd, uint32_t type, uint64_t arg0, uint64_t arg1, int timeout_ms,
	       struct ct_ctl_reply *reply, int *fd, int *sock, struct ct_err *e)
{
	const struct ct_ctl_request rq = {
		.magic = CT_CTL_MAGIC, .type = type, .arg0 = arg0, .arg1 = arg1
	};
	CT_CLEAN_FD int s = -1;
	int r;

	r = ct_ctl_connect(dirfd, &s, e);
	if (!r)
		r = ct_ctl_call(s, &rq, timeout_ms, reply, fd, e);
	if (sock)
		*sock = ct_take_fd(&s);
	return r;
}

/* The supervisor's timeout and `more` for its answer. */
static int with_patience(int timeout_ms, int more)
{
	if (timeout_ms < 0)
		return -1;
	if (timeout_ms > INT32_MAX - more)
		return INT32_MAX;
	return timeout_ms + more;
}

static uint64_t wire_timeout(int timeout_ms)
{
	if (timeout_ms < 0)
		return CT_CTL_FOREVER;
	return (uint64_t)timeout_ms;
}

/* Waits until the supervisor has ended: it closes the connection by that. */
static void wait_for_end(int sock)
{
	char byte;

	if (wait_for(sock, POLLIN, ct_deadline(CT_CTL_PATIENCE_MS)) > 0)
		(void)!recv(sock, &byte, 1, MSG_DONTWAIT);
}

int ct_ctl_status_in(int dirfd, int timeout_ms, struct ct_ctl_reply *reply, int *pidfd,
		     struct ct_err *e)
{
	return ask(dirfd, CT_CTL_STATUS, 0, 0, timeout_ms, reply, pidfd, NULL, e);
}

int ct_ctl_status(int dirfd, struct ct_ctl_reply *reply, int *pidfd, struct ct_err *e)
{
	return ct_ctl_status_in(dirfd, CT_CTL_PATIENCE_MS, reply, pidfd, e);
}

/* Of a request that concerns the container: if the supervisor has ended, so has the container. */
static int has_ended(int r, struct ct_err *e)
{
	if (r != -ECONNRESET)
		return r;
	if (e)
		ct_err_reset(e);
	return ct_ctl_not_running(e, WHERE);
}

static int ask_container(int dirfd, uint32_t type, uint64_t arg0, uint64_t arg1, int timeout_ms,
			 struct ct_ctl_reply *reply, int *fd, struct ct_err *e)
{
	return has_ended(ask(dirfd, type, arg0, arg1, timeout_ms, reply, fd, NULL, e), e);
}

int ct_ctl_kill(int dirfd, int sig, struct ct_err *e)
{
	if (sig < 0 || sig > 64)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, WHERE, "there is no signal %d", sig);
	return ask_container(dirfd, CT_CTL_KILL, (uint64_t)sig, 0, CT_CTL_PING_MS, NULL, NULL, e);
}

/* Waits for a reply that may take long. From `soon` on the supervisor must answer a status request
 * on another connection every now and then. */
static int take_late_reply(int dirfd, int sock, uint32_t type, int64_t soon, int64_t until,
			   struct ct_ctl_reply *reply, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	struct ct_ctl_reply own;
	struct ct_err mute;

	while (soon < until && wait_answer(sock, soon) == 0) {
		ct_err_clear(&mute);
		if (ct_ctl_status_in(dirfd, CT_CTL_PING_MS, &own, NULL, &mute) < 0 &&
		    ct_ctl_is_mute(&mute)) {
			if (e)
				*e = mute;
			return mute.err;
		}
		soon = ct_now_ms() + CT_CTL_PATIENCE_MS;
	}
	return take_reply(sock, type, until, reply, &fd, e);
}

int ct_ctl_stop(int dirfd, unsigned flags, int timeout_ms, struct ct_ctl_reply *reply,
		struct ct_err *e)
{
	const struct ct_ctl_request rq = { .magic = CT_CTL_MAGIC,
					   .type = CT_CTL_STOP,
					   .arg0 = flags,
					   .arg1 = wire_timeout(timeout_ms) };
	struct ct_ctl_reply own;
	CT_CLEAN_FD int sock = -1;
	int r, wait = timeout_ms, soon = CT_CTL_PATIENCE_MS, more = CT_CTL_END_MS;

	if (!reply)
		reply = &own;
	if (flags & (CT_STOP_NO_WAIT | CT_STOP_KILL))
		wait = 0;
	if (wait >= 0)
		soon = with_patience(wait, CT_CTL_LATE_MS);
	if (flags & CT_STOP_NO_KILL)
		more = CT_CTL_LATE_MS;
	if (flags & CT_STOP_NO_WAIT)
		more = CT_CTL_PING_MS;
	r = ct_ctl_connect(dirfd, &sock, e);
	if (!r)
		r = send_request(sock, &rq, e);
	if (!r)
		r = take_late_reply(dirfd, sock, CT_CTL_STOP, ct_deadline(soon),
				    ct_deadline(with_patience(wait, more)), reply, e);
	if (!r && !(flags & CT_STOP_NO_WAIT))
		wait_for_end(sock);
	return r;
}

int ct_ctl_reboot(int dirfd, int timeout_ms, struct ct_ctl_reply *reply, struct ct_err *e)
{
	int patience = CT_CTL_PING_MS;

	if (timeout_ms)
		patience = with_patience(timeout_ms, CT_CTL_LATE_MS);
	return ask_container(dirfd, CT_CTL_REBOOT, 0, wire_timeout(timeout_ms), patience, reply,
			     NULL, e);
}

int ct_ctl_wait(int dirfd, unsigned mask, int timeout_ms, struct ct_ctl_reply *reply,
		struct ct_err *e)
{
	struct ct_ctl_reply got = { 0 };
	CT_CLEAN_FD int sock = -1;
	int r;

	r = ask(dirfd, CT_CTL_WAIT, mask, wire_timeout(timeout_ms),
		with_patience(timeout_ms, CT_CTL_LATE_MS), &got, NULL, &sock, e);
	if (!r && got.state == CT_STATE_STOPPED)
		wait_for_end(sock);
	if (reply && got.magic)
		*reply = got;
	return r;
}

int ct_ctl_ask_end(int sock, struct ct_err *e)
{
	const struct ct_ctl_request rq = { .magic = CT_CTL_MAGIC,
					   .type = CT_CTL_WAIT,
					   .arg0 = CT_STATE_STOPPED,
					   .arg1 = CT_CTL_FOREVER };

	return send_request(sock, &rq, e);
}

int ct_ctl_watch(int *mine, int *theirs, struct ct_err *e)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return refused(e, -errno, "socketpair");
	r = ct_ctl_ask_end(pair[0], e);
	*mine = pair[0];
	*theirs = pair[1];
	return r;
}

int ct_ctl_watched(int sock, struct ct_ctl_reply *reply, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	int r = take_reply(sock, CT_CTL_WAIT, ct_deadline(CT_CTL_PATIENCE_MS), reply, &fd, e);

	if (!r)
		wait_for_end(sock);
	return r;
}

int ct_ctl_console(int dirfd, unsigned tty, int *fd, unsigned *got, struct ct_err *e)
{
	struct ct_ctl_reply reply = { 0 };
	CT_CLEAN_FD int stream = -1;
	uint64_t wanted = tty;
	int r;

	if (tty == CT_CTL_TTY_ANY)
		wanted = CT_CTL_TTY_FREE;
	r = ask_container(dirfd, CT_CTL_CONSOLE, wanted, 0, CT_CTL_PATIENCE_MS, &reply, &stream, e);
	if (r)
		return r;
	if (stream < 0)
		return ct_fail(e, -EPROTO, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor sent no terminal");
	if (got)
		*got = reply.num;
	*fd = ct_take_fd(&stream);
	return 0;
}

static int take_log(int sock, uint32_t len, struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf buf = CT_BUF_INIT;
	int64_t until = ct_deadline(CT_CTL_PATIENCE_MS);

	while (buf.len < len) {
		char packet[PACKET_MAX];
		int fd = -1, r = wait_for(sock, POLLIN, until);
		ssize_t n;

		if (r <= 0)
			return no_answer(sock, r, e);
		n = take_packet(sock, packet, sizeof(packet), &fd);
		ct_close(&fd);
		if (n == -EAGAIN)
			continue;
		if (n == 0)
			n = -ECONNRESET;
		if (n < 0)
			return no_answer(sock, (int)n, e);
		ct_buf_add(&buf, packet, (size_t)n);
		if (ct_buf_error(&buf))
			return ct_oom(e);
	}
	if (buf.len != len)
		return ct_fail(e, -EPROTO, CT_ERR_SUPERVISOR, WHERE,
			       "the supervisor sent more than it said");
	ct_buf_add(out, ct_buf_text(&buf), buf.len);
	if (ct_buf_error(out))
		return ct_oom(e);
	return 0;
}

int ct_ctl_console_log(int dirfd, int clear, struct ct_buf *out, struct ct_err *e)
{
	struct ct_ctl_reply reply = { 0 };
	CT_CLEAN_FD int sock = -1;
	int r;

	r = ask(dirfd, CT_CTL_CONSOLE_LOG, !!clear, 0, CT_CTL_PATIENCE_MS, &reply, NULL, &sock, e);
	if (!r)
		r = take_log(sock, reply.num, out, e);
	return has_ended(r, e);
}

int ct_ctl_resize(int dirfd, unsigned tty, unsigned rows, unsigned cols, struct ct_err *e)
{
	if (rows > UINT16_MAX || cols > UINT16_MAX)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, WHERE,
			       "a window has at most 65535 rows and columns");
	return ask_container(dirfd, CT_CTL_RESIZE, tty, (uint64_t)rows << 16 | cols,
			     CT_CTL_PATIENCE_MS, NULL, NULL, e);
}
