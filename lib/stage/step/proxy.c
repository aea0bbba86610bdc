/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seccomp.notify.proxy: a process of our own, a child of the keeper or the supervisor, receives the
 * requests of the filter and asks a proxy for the answers, by LXC's protocol: a SOCK_SEQPACKET
 * socket, a packet for each request and one back. It is in the caller's namespaces and has the
 * caller's rights, for it opens the memory of processes that wait, for the proxy. It never keeps
 * them waiting for ever: without an answer in time, as without a proxy, the call gives ENOSYS. It
 * ends with init, or when no process has the filter any more.
 *
 * Init's own calls, up to the exec, are let through: those of a process that executes this very
 * image, while init has the other end of the socket. The exec closes that, a reaper just after it;
 * until then a program cannot execute the reaper's image, which is not dumpable.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "shared/rights.h"
#include "stage/step/steps.h"

#define ANSWER_MS 30000 /* that an answer is waited for, as LXC does */
#define TURN_MS 500	/* of it that one call may block */
#define ROOM 512	/* for the kernel's structs; they are smaller, but may grow */

/* What a packet begins with; the request, the answer and the cookie follow. The answer's packet is
 * the same without a cookie. */
struct head {
	uint64_t reserved;
	int32_t monitor, init;
	struct k_notif_sizes sizes;
	uint64_t cookie;
};

struct proxy {
	const char *path, *cookie;
	int init; /* pidfd */
	int32_t init_pid;
	int from; /* socket of init's until its exec; -1 then */
	int listener;
	int to; /* the proxy's socket; -1: not connected */
	struct head head;
	union {
		struct k_notif known;
		char room[ROOM];
	} request;
	union {
		struct k_notif_resp known;
		char room[ROOM];
	} answer;
};

/* ---- the kernel's side ----------------------------------------------------------------------- */

static int send_answer(struct proxy *p)
{
	return (int)sys3(SYS_ioctl, p->listener, K_NOTIF_SEND, &p->answer);
}

/* An answer of our own: an errno, or where it is 0 "go on". */
static void answer_with(struct proxy *p, int error)
{
	memset(&p->answer, 0, sizeof(p->answer));
	p->answer.known.id = p->request.known.id;
	p->answer.known.error = error;
	if (!error)
		p->answer.known.flags = K_NOTIF_CONTINUE;
	send_answer(p);
}

static int is_over(const struct proxy *p)
{
	return sys3(SYS_ioctl, p->listener, K_NOTIF_ID_VALID, &p->request.known.id) < 0;
}

/* Waits for an event, of the listener or where `fd` is not negative of that descriptor. 1: there is
 * one; 0: the time is up; -1: the container has ended. */
static int wait_for(const struct proxy *p, int fd, int ms)
{
	struct pollfd fds[3] = { { .fd = p->init, .events = POLLIN },
				 { .fd = p->listener },
				 { .fd = fd, .events = POLLIN } };
	int n;

	if (fd < 0)
		fds[1].events = POLLIN;
	n = poll(fds, 3, ms);
	if (n > 0 && (fds[0].revents || (fds[1].revents & ~POLLIN)))
		return -1;
	return n > 0;
}

/* ---- the proxy's side ------------------------------------------------------------------------ */

static void hang_up(struct proxy *p)
{
	sys_close(p->to);
	p->to = -1;
}

/* 0 or a negative errno; -EAGAIN: the proxy takes no more connections now. */
static int connect_once(struct proxy *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval turn = { .tv_usec = TURN_MS * 1000 };
	size_t n = strlen(p->path);
	int err;

	if (n > sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, p->path, n);
	if (*p->path == '@')
		at.sun_path[0] = '\0';
	p->to = (int)sys3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (p->to < 0)
		return p->to;
	sys5(SYS_setsockopt, p->to, SOL_SOCKET, SO_SNDTIMEO, &turn, sizeof(turn));
	err = (int)sys3(SYS_connect, p->to, &at, offsetof(struct sockaddr_un, sun_path) + n);
	if (err)
		hang_up(p);
	return err;
}

/* A number in a path below /proc. */
static int open_proc_file(int pid, const char *name, int flags)
{
	char path[64] = "/proc/";

	str_add_u64(path, sizeof(path), (uint64_t)pid);
	return sys_openat(AT_FDCWD, str_add(path, sizeof(path), name), flags, 0);
}

/* The packet's parts; all of them, or those of an answer. */
static int list_parts(struct proxy *p, struct iovec *part, int with_cookie)
{
	part[0] = (struct iovec){ &p->head, sizeof(p->head) };
	part[1] = (struct iovec){ &p->request, p->head.sizes.notif };
	part[2] = (struct iovec){ &p->answer, p->head.sizes.resp };
	part[3] = (struct iovec){ (void *)(uintptr_t)p->cookie, p->head.cookie };
	return with_cookie && p->head.cookie ? 4 : 3;
}

#define FDS 3

/* Sends the request with the descriptors. 0 or a negative errno. */
static int ask_once(struct proxy *p, const int *fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(FDS * sizeof(int))];
	} rights;
	struct iovec part[4];
	struct msghdr m;
	long n;

	memset(&m, 0, sizeof(m));
	memset(&rights, 0, sizeof(rights));
	rights.head.cmsg_len = CMSG_LEN(FDS * sizeof(int));
	rights.head.cmsg_level = SOL_SOCKET;
	rights.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&rights.head), fd, FDS * sizeof(int));
	m.msg_iov = part;
	m.msg_iovlen = list_parts(p, part, 1);
	m.msg_control = rights.space;
	m.msg_controllen = sizeof(rights.space);
	n = sys3(SYS_sendmsg, p->to, &m, MSG_NOSIGNAL);
	return n < 0 ? (int)n : 0;
}

/* Connects where that is needed, and sends. A proxy that was started anew is connected to once
 * more. 0, or a negative errno: it is away, or the time is up. */
static int ask(struct proxy *p, const int *fd, int64_t until)
{
	int tries = p->to >= 0 ? 2 : 1, err = 0;

	while (tries > 0) {
		err = p->to < 0 ? connect_once(p) : 0;
		if (!err)
			err = ask_once(p, fd);
		if (!err)
			return 0;
		if (err == -EINTR)
			continue;
		if (err == -EAGAIN && clock_ms() < until && wait_for(p, p->init, 0) >= 0)
			continue;
		hang_up(p);
		tries--;
	}
	return err;
}

/* Receives the answer. 0, or a negative errno. */
static int take_answer(struct proxy *p, int64_t until)
{
	struct iovec part[4];
	struct msghdr m;
	const uint64_t id = p->request.known.id;
	size_t size;
	long n;
	int left = (int)(until - clock_ms());

	if (left < 0 || wait_for(p, p->to, left) <= 0)
		return -ETIMEDOUT;
	memset(&m, 0, sizeof(m));
	m.msg_iov = part;
	m.msg_iovlen = list_parts(p, part, 0);
	size = sizeof(p->head) + p->head.sizes.notif + p->head.sizes.resp;
	n = sys3(SYS_recvmsg, p->to, &m, MSG_DONTWAIT | MSG_TRUNC);
	p->request.known.id = id;
	if (n < 0)
		return (int)n;
	if ((size_t)n != size && (size_t)n != size + strlen(p->cookie))
		return -EPROTO;
	if (p->head.reserved || p->answer.known.id != id)
		return -EPROTO;
	return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void fill_head(struct proxy *p)
{
	memset(&p->head, 0, sizeof(p->head));
	p->head.monitor = (int32_t)sys0(SYS_getppid);
	p->head.init = p->init_pid;
	p->head.cookie = strlen(p->cookie);
	if (sys3(SYS_seccomp, K_SECCOMP_GET_NOTIF_SIZES, 0, &p->head.sizes) == 0)
		return;
	p->head.sizes = (struct k_notif_sizes){ sizeof(struct k_notif), sizeof(struct k_notif_resp),
						64 };
}

/* Asks for the answer to a request, and gives it. */
static void serve(struct proxy *p)
{
	const int64_t until = clock_ms() + ANSWER_MS;
	const int pid = (int)p->request.known.pid;
	int fd[FDS] = { open_proc_file(pid, "", O_RDONLY | O_DIRECTORY),
			open_proc_file(pid, "/mem", O_RDWR), p->listener };
	int err = -ESRCH;

	fill_head(p);
	memset(&p->answer, 0, sizeof(p->answer));
	p->answer.known.id = p->request.known.id;
	/* after they were opened: they are of the process that waits */
	if (pid > 0 && fd[0] >= 0 && fd[1] >= 0 && p->head.sizes.notif <= ROOM &&
	    p->head.sizes.resp <= ROOM && !is_over(p))
		err = ask(p, fd, until);
	sys_close(fd[0]);
	sys_close(fd[1]);
	if (!err) {
		err = take_answer(p, until);
		/* an answer that comes later would be taken for that to another request */
		if (err)
			hang_up(p);
	}
	if (!err)
		err = send_answer(p) == -EINVAL ? -EINVAL : 0;
	if (err)
		answer_with(p, -ENOSYS);
}

/* Whether the process that waits executes the stage. One that may not be looked at does not. */
static int is_stage(const struct proxy *p)
{
	char path[64] = "/proc/";
	struct stat its, own;

	str_add_u64(path, sizeof(path), p->request.known.pid);
	if (stat(str_add(path, sizeof(path), "/exe"), &its) || stat("/proc/self/exe", &own))
		return 0;
	return its.st_dev == own.st_dev && its.st_ino == own.st_ino && !is_over(p);
}

/* Whether init may not have executed its program yet. */
static int is_setting_up(struct proxy *p)
{
	struct pollfd from = { .fd = p->from, .events = POLLIN };

	if (p->from < 0)
		return 0;
	if (poll(&from, 1, 0) == 0)
		return 1;
	sys_close(p->from);
	p->from = -1;
	return 0;
}

static void serve_all(struct proxy *p)
{
	for (;;) {
		int own;

		if (wait_for(p, -1, -1) < 0)
			return;
		/* looked at when the request is there, and before it is received */
		own = is_setting_up(p);
		memset(&p->request, 0, sizeof(p->request));
		if (sys3(SYS_ioctl, p->listener, K_NOTIF_RECV, &p->request) < 0)
			continue;
		if (own && is_stage(p))
			answer_with(p, 0);
		else
			serve(p);
	}
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Receives a number and a descriptor. The descriptor, -1 at the end. */
static int receive(int sock, int32_t *num)
{
	union ct_rights room;
	struct iovec iov = { num, sizeof(*num) };
	struct msghdr m;
	long n;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	ct_rights_room(&m, &room);
	do
		n = sys3(SYS_recvmsg, sock, &m, MSG_CMSG_CLOEXEC);
	while (n == -EINTR);
	if (n != (long)sizeof(*num))
		return -1;
	return ct_rights_take(&m);
}

_Noreturn static void be_proxy(struct stage *st, const struct ct_wire_step *s, int sock, int parent)
{
	static struct proxy p;
	int32_t none;

	sys_prctl(K_PR_SET_NAME, (unsigned long)"ct-notify", 0, 0);
	/* init's start fails when it has nobody to send the listener to */
	if (sys_prctl(K_PR_SET_PDEATHSIG, SIGKILL, 0, 0) || (int)sys0(SYS_getppid) != parent)
		sys_exit(1);
	sys0(SYS_setsid);
	sys1(SYS_chdir, "/");
	if (sys3(SYS_dup3, sock, 0, O_CLOEXEC) < 0 || sys_close_range(1, ~0u, 0))
		sys_exit(1);
	p.path = step_str(st, s, 0);
	p.cookie = step_str(st, s, 1);
	p.from = 0;
	p.to = -1;
	p.init = receive(0, &p.init_pid);
	p.listener = receive(0, &none);
	if (p.init >= 0 && p.listener >= 0)
		serve_all(&p);
	sys_exit(0);
}

/* Makes the process, and the socket by which init sends it the listener. */
int step_proxy(struct stage *st, const struct ct_wire_step *s)
{
	struct k_clone_args args = { .flags = K_CLONE_PARENT };
	int pair[2], parent = (int)sys0(SYS_getppid), err;
	struct ct_keep told = { .type = CT_KEEP_PROXY };
	long pid;

	err = (int)sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (err)
		return step_fail(st, err, SYS_socketpair, NULL);
	pid = sys2(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		be_proxy(st, s, pair[0], parent);
	sys_close(pair[0]);
	step_fill(st, s->o, pair[1]);
	if (pid < 0)
		return step_fail(st, (int)pid, SYS_clone3, NULL);
	told.num = (int32_t)pid;
	return step_result(st, keep_send(st, &told, -1), SYS_sendmsg, NULL);
}

int proxy_tell(struct stage *st)
{
	for (uint32_t i = 0; i < st->n_steps; i++) {
		int slot = st->steps[i].o, err;

		if (st->steps[i].op != CT_OP_PROXY)
			continue;
		err = send_number(st->slot[slot], st->init_pid, st->init_pidfd);
		sys_close(st->slot[slot]);
		st->slot[slot] = -1;
		return err;
	}
	return 0;
}
