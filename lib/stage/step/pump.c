/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage/step/pump.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "stage/stage.h"
#include "stage/sys.h"

#define RWF_NOWAIT_ 0x8 /* RWF_NOWAIT of linux/fs.h */
#define PIPEFS_MAGIC 0x50495045
#define PIECE 4096u    /* PIPE_BUF: a write of that size does not block in a pipe that has room */
#define ALARM_US 10000 /* after that time a write without RWF_NOWAIT is interrupted */

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

static void shut(int *fd)
{
	sys_close(*fd);
	*fd = -1;
}

/* Bytes that are in the pipe. */
static uint64_t in_pipe(const struct pump_way *w)
{
	int n = 0;

	if (w->from < 0 || sys3(SYS_ioctl, w->from, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

/* Bytes left to the limit when `taken` have been read. */
static uint64_t room_after(const struct pump *p, uint64_t taken)
{
	if (!p->limit)
		return UINT64_MAX;
	if (taken >= p->limit)
		return 0;
	return p->limit - taken;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The payload has ended: notes how much is in the pipes, which is the last to be copied. */
static void begin_end(struct pump *p)
{
	if (p->ending)
		return;
	p->ending = 1;
	p->moved_at = clock_ms();
	for (uint32_t i = 0; i < p->n; i++) {
		p->way[i].rest = (int64_t)in_pipe(&p->way[i]);
		if (!p->way[i].rest)
			shut(&p->way[i].from);
	}
}

/* For how long, after the payload's end, all writes may fail; milliseconds. */
static int64_t patience(const struct pump *p)
{
	uint32_t how = __atomic_load_n(&p->told->ended, __ATOMIC_ACQUIRE);

	if (how == CT_OUTPUT_NOW)
		return 0;
	if (how == CT_OUTPUT_KILLED || p->over)
		return CT_OUTPUT_KILLED_MS;
	return CT_OUTPUT_GRACE_MS;
}

/* Gives a sink up: counts what is lost, and closes the payload's pipe, by which it learns of it.
 * err: a negative errno, or 0 for a sink whose reader has gone. */
static void lose(struct pump *p, struct pump_way *w, int err)
{
	uint64_t taken = __atomic_load_n(&p->told->taken, __ATOMIC_RELAXED);
	uint64_t lost = w->len - w->at;

	lost += u64_min(in_pipe(w), room_after(p, taken));
	if (!err)
		err = -EPIPE;
	shut(&w->from);
	shut(&w->to);
	w->at = w->len = 0;
	add(&p->told->lost, lost);
	if (!lost)
		return;
	if (!p->told->error)
		__atomic_store_n(&p->told->error, err, __ATOMIC_RELEASE);
}

/* The limit is passed: tells the keeper or supervisor, which ends the container, at once. What was
 * read before is still written. */
static void pass_limit(struct pump *p)
{
	struct ct_keep r = { .type = CT_KEEP_OUTPUT };

	p->over = 1;
	__atomic_store_n(&p->told->over, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < p->n; i++)
		shut(&p->way[i].from);
	if (p->keeper >= 0)
		sys_call(SYS_sendto, p->keeper, (long)&r, sizeof(r), MSG_DONTWAIT | MSG_NOSIGNAL, 0,
			 0);
	begin_end(p);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static void fill(struct pump *p, struct pump_way *w)
{
	uint64_t most = PUMP_BYTES, before, left;
	long n;

	if (w->rest >= 0)
		most = u64_min(most, (uint64_t)w->rest);
	n = sys3(SYS_read, w->from, w->buf, most);
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n < 0 && !p->told->error)
		__atomic_store_n(&p->told->error, (int)n, __ATOMIC_RELEASE);
	if (n <= 0) {
		shut(&w->from);
		return;
	}
	/* the counter is of all boots, whose pumps may overlap */
	before = __atomic_fetch_add(&p->told->taken, (uint64_t)n, __ATOMIC_RELAXED);
	left = room_after(p, before);
	w->at = 0;
	w->len = (uint32_t)u64_min((uint64_t)n, left);
	if (w->rest >= 0) {
		w->rest -= n;
		if (!w->rest)
			shut(&w->from);
	}
	if (w->len < (uint32_t)n)
		pass_limit(p);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A write that a timer interrupts; repeatedly, for its first signal may come before the call. */
static long write_for_a_while(int fd, const char *at, size_t n)
{
	struct itimerval t = { .it_interval = { .tv_usec = ALARM_US },
			       .it_value = { .tv_usec = ALARM_US } };
	long r;

	sys3(SYS_setitimer, ITIMER_REAL, &t, NULL);
	r = sys3(SYS_write, fd, at, n);
	memset(&t, 0, sizeof(t));
	sys3(SYS_setitimer, ITIMER_REAL, &t, NULL);
	return r;
}

/* Writes as much as the sink takes without blocking: bytes, or a negative errno. */
static long put(struct pump_way *w)
{
	struct iovec v = { w->buf + w->at, w->len - w->at };
	long r;

	if (w->piece && v.iov_len > w->piece)
		v.iov_len = w->piece;
	if (w->kind == PUMP_FILE)
		return sys3(SYS_write, w->to, v.iov_base, v.iov_len);
	if (w->kind == PUMP_SOCKET)
		return sys_call(SYS_sendto, w->to, (long)v.iov_base, (long)v.iov_len,
				MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	if (!w->plain) {
		r = sys_call(SYS_pwritev2, w->to, (long)&v, 1, -1, -1, RWF_NOWAIT_);
		if (r != -EOPNOTSUPP && r != -ENOSYS && r != -EINVAL)
			return r;
		w->plain = 1;
		w->piece = PIECE;
		v.iov_len = u64_min(v.iov_len, PIECE);
	}
	return write_for_a_while(w->to, v.iov_base, v.iov_len);
}

static void drain(struct pump *p, struct pump_way *w)
{
	long n = put(w);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n < 0) {
		lose(p, w, (int)n);
		return;
	}
	w->at += (uint32_t)n;
	add(&p->told->delivered, (uint64_t)n);
	if (n)
		p->moved_at = clock_ms();
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Finds out what kind of file the sink is. */
static void probe_sink(struct pump_way *w)
{
	struct stat sb;
	int type = 0;
	uint32_t len = sizeof(type);

	w->kind = PUMP_STREAM;
	w->rest = -1;
	if (sys_fstat(w->to, &sb))
		return;
	if (S_ISREG(sb.st_mode) || S_ISBLK(sb.st_mode))
		w->kind = PUMP_FILE;
	if (S_ISFIFO(sb.st_mode) && sys_fs_magic(w->to) == PIPEFS_MAGIC)
		w->one_way = 1;
	if (!S_ISSOCK(sb.st_mode))
		return;
	w->kind = PUMP_SOCKET;
	sys5(SYS_getsockopt, w->to, SOL_SOCKET, SO_TYPE, &type, &len);
	w->one_way = type == SOCK_STREAM;
	/* packets have a maximum size */
	if (!w->one_way)
		w->piece = PIECE;
}

static int is_open(const struct pump_way *w)
{
	return w->to >= 0 && (w->from >= 0 || w->at < w->len);
}

/* What to poll: the sink while the buffer has something for it, else the pipe, and of the sink only
 * whether its reader has gone. */
static void watch(const struct pump_way *w, struct pollfd *from, struct pollfd *to)
{
	*from = (struct pollfd){ .fd = -1, .events = POLLIN };
	*to = (struct pollfd){ .fd = -1 };
	if (w->at < w->len) {
		to->fd = w->to;
		to->events = POLLOUT;
		return;
	}
	from->fd = w->from;
	if (w->one_way)
		to->fd = w->to;
}

static void turn(struct pump *p, struct pump_way *w, short from, short to)
{
	if (w->to < 0)
		return;
	if (w->at < w->len) {
		if (to)
			drain(p, w);
		return;
	}
	/* checked first: what is read after the reader has gone would be lost */
	if (to & (POLLERR | POLLHUP)) {
		lose(p, w, 0);
		return;
	}
	if (!from || w->from < 0)
		return;
	fill(p, w);
	if (w->at < w->len)
		drain(p, w);
}

/* Updates the counter of bytes that are still to be written, which the caller reads. */
static void tell_waiting(struct pump *p)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < p->n; i++)
		n += p->way[i].len - p->way[i].at + in_pipe(&p->way[i]);
	__atomic_store_n(&p->told->waiting, n, __ATOMIC_RELAXED);
}

static void give_up(struct pump *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (is_open(&p->way[i]))
			lose(p, &p->way[i], -ETIMEDOUT);
}

/* Whether there is a way left; closes the descriptors of those that are finished. */
static int any_open(struct pump *p)
{
	int open = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		struct pump_way *w = &p->way[i];

		if (is_open(w)) {
			open = 1;
			continue;
		}
		shut(&w->from);
		shut(&w->to);
	}
	return open;
}

int pump_run(struct pump *p)
{
	struct pollfd fds[1 + 2 * PUMP_WAYS];
	struct sigaction alarm;

	memset(&alarm, 0, sizeof(alarm));
	alarm.sa_handler = on_alarm;
	sigaction(SIGALRM, &alarm, NULL);
	p->moved_at = clock_ms();
	for (uint32_t i = 0; i < p->n; i++)
		probe_sink(&p->way[i]);
	while (any_open(p)) {
		int keeper = p->keeper, timeout = -1;

		if (p->ending) {
			keeper = -1;
			timeout = PUMP_TICK_MS;
			tell_waiting(p);
		}
		fds[0] = (struct pollfd){ .fd = keeper, .events = POLLRDHUP };
		for (uint32_t i = 0; i < p->n; i++)
			watch(&p->way[i], &fds[1 + 2 * i], &fds[2 + 2 * i]);
		if (poll(fds, 1 + 2 * p->n, timeout) > 0) {
			for (uint32_t i = 0; i < p->n; i++)
				turn(p, &p->way[i], fds[1 + 2 * i].revents, fds[2 + 2 * i].revents);
			if (fds[0].revents)
				begin_end(p);
		}
		if (p->ending && clock_ms() - p->moved_at >= patience(p))
			give_up(p);
	}
	tell_waiting(p);
	if (p->over)
		return CT_PUMP_OVER;
	return CT_PUMP_DONE;
}
