/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's socket. One request for each connection. A request that cannot be answered at
 * once waits; nothing is sent that would block: a client that does not take its reply is
 * disconnected.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/rights.h"

#define PENDING 1 /* returned by a handler: no reply now */

int sup_listen(struct super *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/proc/self/fd/" };

	str_add_u64(a.sun_path, sizeof(a.sun_path), (uint64_t)s->state_dir);
	str_add(a.sun_path, sizeof(a.sun_path), "/control");
	unlinkat(s->state_dir, "control", 0);
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listener < 0)
		return -errno;
	if (bind(s->listener, (struct sockaddr *)&a, sizeof(a)) || listen(s->listener, SUP_CLIENTS))
		return -errno;
	return 0;
}

static void fill_reply(const struct super *s, struct ct_ctl_reply *r, uint32_t type, int err)
{
	memset(r, 0, sizeof(*r));
	r->magic = CT_CTL_MAGIC;
	r->type = type;
	r->err = err;
	r->state = s->state;
	r->init_pid = s->init;
	r->supervisor_pid = getpid();
	r->boots = s->boots;
	r->num = s->phase == SUP_PHASE_DONE && s->left;
	r->verdict = s->verdict;
}

/* Sends without waiting; fd >= 0 goes along. 0 or negative errno. */
static int send_reply(int sock, const struct ct_ctl_reply *r, int fd)
{
	union ct_rights room;
	struct iovec iov = { (void *)(uintptr_t)r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	ct_rights_add(&m, &room, fd);
	if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(*r))
		return -errno;
	return 0;
}

static int waits_for_stop(const struct sup_client *c)
{
	return c->is == SUP_CLIENT_WAITING && c->rq.type == CT_CTL_STOP;
}

/* Whether a client waits for a stop. */
static int stop_waited_for(const struct super *s)
{
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		if (waits_for_stop(&s->client[i]))
			return 1;
	}
	return 0;
}

void sup_drop_client(struct super *s, struct sup_client *c)
{
	int stop = waits_for_stop(c);
	uint64_t kill_at = SUP_NEVER;

	if (stop && !(c->rq.arg0 & CT_STOP_NO_KILL))
		kill_at = c->deadline;
	sup_close(&c->fd);
	if (c->data)
		munmap(c->data, c->len);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (!stop || s->phase != SUP_PHASE_RUN || s->killed)
		return;
	/* a stop goes on without its client: the container is killed at the client's deadline; with
	 * CT_STOP_NO_KILL it counts as stopping for a bounded time only */
	s->kill_at = u64_min(s->kill_at, kill_at);
	if (s->kill_at == SUP_NEVER && !s->terminated && !stop_waited_for(s))
		s->stop_until = s->now + SUP_TERM_MS;
}

static void answer(struct super *s, struct sup_client *c, int err, int fd)
{
	struct ct_ctl_reply r;

	fill_reply(s, &r, c->rq.type, err);
	send_reply(c->fd, &r, fd);
	sup_drop_client(s, c);
}

static uint64_t deadline_of(const struct super *s, uint64_t ms)
{
	if (ms >= INT64_MAX)
		return SUP_NEVER;
	return s->now + ms;
}

static int on_status(struct super *s, struct sup_client *c, int *fd)
{
	(void)c;
	if (s->pidfd < 0)
		return 0;
	*fd = sys_dup_min(s->pidfd, 3);
	if (*fd < 0)
		return *fd;
	return 0;
}

/* 0 or a negative errno. */
static int send_signal(const struct super *s, int sig, const siginfo_t *si)
{
	return (int)sys4(SYS_pidfd_send_signal, s->pidfd, sig, si, 0);
}

/* SIGSTOP would stop the reaper alone: asks it to stop the program. */
static int stop_program(const struct super *s)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_signo = CT_STOP_SIGNAL;
	si.si_code = CT_SI_STOP;
	return send_signal(s, CT_STOP_SIGNAL, &si);
}

static int on_kill(struct super *s, struct sup_client *c, int *fd)
{
	int sig = (int)c->rq.arg0, r;

	(void)fd;
	if (s->pidfd < 0)
		return -ESRCH;
	if (sig == SIGSTOP && (s->w->flags & CT_SUPER_REAPER))
		r = stop_program(s);
	else
		r = send_signal(s, sig, NULL);
	if (r)
		return r;
	if (sig)
		s->signals_asked |= 1ull << (sig - 1);
	return 0;
}

static int on_stop(struct super *s, struct sup_client *c, int *fd)
{
	uint64_t flags = c->rq.arg0;

	(void)fd;
	/* during a boot there is no program that could end by itself */
	if ((flags & CT_STOP_KILL) || s->phase == SUP_PHASE_BOOT)
		sup_kill(s, 0);
	else
		sup_halt(s);
	if (flags & CT_STOP_NO_WAIT) {
		if (s->phase == SUP_PHASE_RUN && !s->killed && !s->terminated &&
		    !stop_waited_for(s))
			s->stop_until = s->now + SUP_TERM_MS;
		return 0;
	}
	s->stop_until = SUP_NEVER;
	if (!s->killed)
		c->deadline = deadline_of(s, c->rq.arg1);
	return PENDING;
}

static int on_reboot(struct super *s, struct sup_client *c, int *fd)
{
	uint64_t until = s->now + SUP_TERM_MS;
	int sig = SIGINT, r;

	(void)fd;
	if (s->phase != SUP_PHASE_RUN || s->stop_asked)
		return -EBUSY;
	if (s->w->signal_reboot)
		sig = (int)s->w->signal_reboot;
	r = send_signal(s, sig, NULL);
	if (r)
		return r;
	if (c->rq.arg1)
		until = deadline_of(s, c->rq.arg1);
	s->reboot_until = u64_max(s->reboot_until, until);
	if (!c->rq.arg1)
		return 0;
	c->boots = s->boots;
	c->deadline = until;
	return PENDING;
}

static int on_wait(struct super *s, struct sup_client *c, int *fd)
{
	int n = 0;

	(void)fd;
	if (s->state & c->rq.arg0)
		return 0;
	if (!c->rq.arg1)
		return -ETIMEDOUT;
	for (uint32_t i = 0; i < SUP_CLIENTS; i++)
		n += s->client[i].is == SUP_CLIENT_WAITING && s->client[i].rq.type == CT_CTL_WAIT;
	if (n >= SUP_WAITERS)
		return -EAGAIN;
	c->deadline = deadline_of(s, c->rq.arg1);
	return PENDING;
}

static int on_console(struct super *s, struct sup_client *c, int *fd)
{
	struct ct_ctl_reply r;
	uint32_t number = 0;
	int err = sup_tty_open(s, c->rq.arg0, &number, fd);

	if (err)
		return err;
	fill_reply(s, &r, c->rq.type, 0);
	r.num = number;
	send_reply(c->fd, &r, *fd);
	close(*fd);
	*fd = -1;
	sup_drop_client(s, c);
	return PENDING;
}

static void send_more(struct super *s, struct sup_client *c)
{
	while (c->off < c->len) {
		size_t n = u64_min(c->len - c->off, SUP_PACKET);
		ssize_t w = send(c->fd, c->data + c->off, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (w < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (w < 0)
			break;
		c->off += (size_t)w;
	}
	sup_drop_client(s, c);
}

static int on_console_log(struct super *s, struct sup_client *c, int *fd)
{
	struct ct_ctl_reply r;
	int err, n = 0;

	(void)fd;
	for (uint32_t i = 0; i < SUP_CLIENTS; i++)
		n += s->client[i].is == SUP_CLIENT_SENDING;
	if (n >= SUP_SNAPSHOTS)
		return -EAGAIN;
	err = sup_ring_copy(s, &c->data, &c->len, c->rq.arg0 == 1);
	if (err)
		return err;
	fill_reply(s, &r, c->rq.type, 0);
	r.num = (uint32_t)c->len;
	c->is = SUP_CLIENT_SENDING;
	c->deadline = s->now + SUP_CLIENT_MS;
	if (send_reply(c->fd, &r, -1))
		sup_drop_client(s, c);
	else
		send_more(s, c);
	return PENDING;
}

static int on_resize(struct super *s, struct sup_client *c, int *fd)
{
	(void)fd;
	return sup_tty_resize(s, c->rq.arg0, c->rq.arg1);
}

static int (*const handlers[])(struct super *s, struct sup_client *c, int *fd) = {
	[CT_CTL_STATUS] = on_status,
	[CT_CTL_KILL] = on_kill,
	[CT_CTL_STOP] = on_stop,
	[CT_CTL_REBOOT] = on_reboot,
	[CT_CTL_WAIT] = on_wait,
	[CT_CTL_CONSOLE] = on_console,
	[CT_CTL_CONSOLE_LOG] = on_console_log,
	[CT_CTL_RESIZE] = on_resize,
};

static void on_request(struct super *s, struct sup_client *c)
{
	char buf[sizeof(struct ct_ctl_request) + 1];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
	int r, fd = -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sup_drop_client(s, c);
		return;
	}
	r = ctl_decode(buf, (size_t)n, &c->rq);
	if (!r) {
		c->deadline = SUP_NEVER;
		r = handlers[c->rq.type](s, c, &fd);
	}
	if (r == PENDING) {
		/* unless the handler has disconnected it, or has begun to send */
		if (c->is == SUP_CLIENT_ASKED)
			c->is = SUP_CLIENT_WAITING;
		return;
	}
	answer(s, c, r, fd);
	sup_close(&fd);
}

/* A client has sent something, takes more data, or has gone. */
void sup_on_client(struct super *s, uint32_t index, short events)
{
	struct sup_client *c = &s->client[index];
	char byte;

	(void)events;
	switch (c->is) {
	case SUP_CLIENT_ASKED:
		on_request(s, c);
		break;
	case SUP_CLIENT_WAITING:
		/* a waiting client sends nothing: it has gone, or violates the protocol */
		if (recv(c->fd, &byte, 1, MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR))
			sup_drop_client(s, c);
		break;
	case SUP_CLIENT_SENDING:
		send_more(s, c);
		break;
	}
}

/* ---- new clients ----------------------------------------------------------------------------- */

/* Whether the client's user is allowed: root, or the supervisor's own. */
static int is_allowed(int sock, pid_t *pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &n) || n != sizeof(peer))
		return 0;
	*pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid();
}

/* 1: the process is in the supervisor's namespace of this kind; 0: it is not; a negative errno: its
 * namespace cannot be read. */
static int same_namespace(pid_t pid, const char *kind)
{
	char path[64] = "/proc/", own[32] = "/proc/self/ns/";
	struct stat theirs, ours;

	str_add(str_add(str_add_u64(path, sizeof(path), (uint64_t)pid), sizeof(path), "/ns/"),
		sizeof(path), kind);
	str_add(own, sizeof(own), kind);
	if (stat(path, &theirs) || stat(own, &ours))
		return -errno;
	return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* Whether the client is outside of the supervisor's namespaces. The uid alone does not tell: root
 * in a container without an id map has it, too. 0, or an enum ct_ctl_stranger. */
static uint32_t stranger(int sock, pid_t pid)
{
	static const struct {
		const char *kind;
		uint32_t is;
	} rows[] = { { "pid", CT_CTL_OTHER_PID },
		     { "user", CT_CTL_OTHER_USER },
		     { "mnt", CT_CTL_OTHER_MNT } };
	struct pollfd alive = { .fd = -1, .events = POLLIN };
	socklen_t n = sizeof(alive.fd);
	uint32_t is = 0;

	/* in a pid namespace that is not below the supervisor's */
	if (pid <= 0)
		return CT_CTL_OTHER_PID;
	/* before Linux 6.5 there is no pidfd of the peer: its number is taken to be valid */
	if (getsockopt(sock, SOL_SOCKET, K_SO_PEERPIDFD, &alive.fd, &n))
		alive.fd = -1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !is; i++) {
		int same = same_namespace(pid, rows[i].kind);

		if (same < 0)
			is = CT_CTL_UNSEEN;
		if (same == 0)
			is = rows[i].is;
	}
	/* the peer has ended: its number may belong to another process by now */
	if (!is && alive.fd >= 0 && poll(&alive, 1, 0) > 0)
		is = CT_CTL_UNSEEN;
	sup_close(&alive.fd);
	return is;
}

/* Refuses a client. why: an enum ct_ctl_stranger; such a client learns nothing of the container. */
static void refuse(const struct super *s, int sock, int err, uint32_t why)
{
	struct ct_ctl_reply r;

	fill_reply(s, &r, 0, err);
	if (why) {
		memset(&r, 0, sizeof(r));
		r.magic = CT_CTL_MAGIC;
		r.err = err;
		r.num = why;
	}
	send_reply(sock, &r, -1);
	close(sock);
}

/* `ours`: the connection was made by the starter, before the socket had a name. */
static void take_client(struct super *s, int sock, int ours)
{
	uint32_t why = 0;
	pid_t pid = 0;

	if (!is_allowed(sock, &pid)) {
		close(sock);
		return;
	}
	if (!ours)
		why = stranger(sock, pid);
	if (why) {
		refuse(s, sock, -EPERM, why);
		return;
	}
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		struct sup_client *c = &s->client[i];

		if (c->is != SUP_CLIENT_FREE)
			continue;
		memset(c, 0, sizeof(*c));
		c->fd = sock;
		c->is = SUP_CLIENT_ASKED;
		c->deadline = s->now + SUP_CLIENT_MS;
		return;
	}
	refuse(s, sock, -EAGAIN, 0);
}

void sup_take_watch(struct super *s)
{
	int slot = s->w->watch;

	if (slot < 0)
		return;
	take_client(s, s->st->slot[slot], 1);
	s->st->slot[slot] = -1;
}

/* Accepts new clients. */
void sup_on_listener(struct super *s)
{
	for (int turn = 0; turn < SUP_CLIENTS; turn++) {
		int sock = (int)sys4(SYS_accept4, s->listener, NULL, NULL,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (sock < 0) {
			/* without descriptors or memory: the loop must not spin */
			if (sock == -EMFILE || sock == -ENFILE || sock == -ENOBUFS ||
			    sock == -ENOMEM)
				s->listen_at = s->now + 100;
			return;
		}
		take_client(s, sock, 0);
	}
}

/* Whether what a waiting client waits for has happened. */
static int has_happened(const struct super *s, const struct sup_client *c)
{
	switch (c->rq.type) {
	case CT_CTL_WAIT:
		return (s->state & c->rq.arg0) != 0;
	case CT_CTL_REBOOT:
		return s->phase == SUP_PHASE_RUN && s->boots > c->boots;
	case CT_CTL_STOP:
		return s->phase == SUP_PHASE_DONE;
	}
	return 0;
}

void sup_tell_waiters(struct super *s)
{
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		struct sup_client *c = &s->client[i];

		if (c->is != SUP_CLIENT_WAITING)
			continue;
		if (has_happened(s, c))
			answer(s, c, 0, -1);
		else if (s->phase == SUP_PHASE_DONE)
			answer(s, c, -ESRCH, -1);
	}
}

/* A client's deadline has passed. */
static void on_deadline(struct super *s, struct sup_client *c)
{
	int stop = c->rq.type == CT_CTL_STOP;

	if (c->is != SUP_CLIENT_WAITING) {
		sup_drop_client(s, c);
		return;
	}
	if (stop && !(c->rq.arg0 & CT_STOP_NO_KILL)) {
		c->deadline = SUP_NEVER;
		if (!s->killed)
			sup_kill(s, 0);
		return;
	}
	answer(s, c, -ETIMEDOUT, -1);
	/* a stop without a kill is over, unless other clients wait for one */
	if (stop && s->stop_until != SUP_NEVER)
		s->stop_until = s->now;
}

void sup_client_timers(struct super *s)
{
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		struct sup_client *c = &s->client[i];

		if (c->is != SUP_CLIENT_FREE && s->now >= c->deadline)
			on_deadline(s, c);
	}
}
