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
#define PIECE 4096u    /* PIPE_BUF: with room for it at hand such a write does not wait */
#define ALARM_US 10000 /* how long a write may wait that cannot be asked not to */

static void add(uint64_t *figure, uint64_t n)
{
	__atomic_add_fetch(figure, n, __ATOMIC_RELAXED);
}

static void shut(int *fd)
{
	sys_close(*fd);
	*fd = -1;
}

/* Bytes in its pipe. */
static uint64_t in_pipe(const struct pump_way *w)
{
	int n = 0;

	if (w->from < 0 || sys3(SYS_ioctl, w->from, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

static uint64_t room(const struct pump *p)
{
	uint64_t taken = __atomic_load_n(&p->told->taken, __ATOMIC_RELAXED);

	if (!p->limit)
		return UINT64_MAX;
	return taken < p->limit ? p->limit - taken : 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* No more is waited for: what is there by now is the last. */
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

/* How long it may stand still once it is ending, milliseconds. */
static int64_t patience(const struct pump *p)
{
	uint32_t how = __atomic_load_n(&p->told->ended, __ATOMIC_ACQUIRE);

	if (how == CT_OUTPUT_NOW)
		return 0;
	return how == CT_OUTPUT_KILLED || p->over ? CT_OUTPUT_KILLED_MS : CT_OUTPUT_GRACE_MS;
}

/* The sink is done with: the payload learns it by its pipe. err 0: it has only said that nobody
 * is there any more. */
static void lose(struct pump *p, struct pump_way *w, int err)
{
	uint64_t lost = w->len - w->at, left = in_pipe(w), most = room(p);

	lost += left < most ? left : most;
	shut(&w->from);
	shut(&w->to);
	w->at = w->len = 0;
	add(&p->told->lost, lost);
	if (!lost)
		return;
	if (!p->told->error)
		__atomic_store_n(&p->told->error, err ? err : -EPIPE, __ATOMIC_RELEASE);
}

/* The limit is passed: whoever ends the container is told at once, whatever the sinks
 * take of what is left. */
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
	uint64_t most = w->rest >= 0 && w->rest < (int64_t)PUMP_BYTES ? (uint64_t)w->rest
								      : PUMP_BYTES,
		 before, left;
	long n = sys3(SYS_read, w->from, w->buf, most);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n < 0 && !p->told->error)
		__atomic_store_n(&p->told->error, (int)n, __ATOMIC_RELEASE);
	if (n <= 0) {
		shut(&w->from);
		return;
	}
	/* of all boots, which may overlap */
	before = __atomic_fetch_add(&p->told->taken, (uint64_t)n, __ATOMIC_RELAXED);
	left = before < p->limit ? p->limit - before : 0;
	w->at = 0;
	w->len = p->limit && (uint64_t)n > left ? (uint32_t)left : (uint32_t)n;
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

/* Interrupted again and again, for the first time may have come before the call. */
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

/* What the sink takes now: bytes, or a negative errno. */
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
		v.iov_len = v.iov_len > PIECE ? PIECE : v.iov_len;
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

static void look_at(struct pump_way *w)
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
	/* a packet has a size that it cannot pass */
	w->piece = type == SOCK_STREAM ? 0 : PIECE;
}

static int is_open(const struct pump_way *w)
{
	return w->to >= 0 && (w->from >= 0 || w->at < w->len);
}

/* What it waits for; a sink with nothing to take is asked only whether it is still there. */
static void watch(const struct pump_way *w, struct pollfd *from, struct pollfd *to)
{
	int full = w->at < w->len;

	*from = (struct pollfd){ .fd = full ? -1 : w->from, .events = POLLIN };
	*to = (struct pollfd){ .fd = w->to, .events = full ? POLLOUT : 0 };
	if (!full && (!w->one_way || w->to < 0))
		to->fd = -1;
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
	/* before it is taken from the payload */
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

/* Whoever wants to know how much there is must not have to ask. */
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
		look_at(&p->way[i]);
	while (any_open(p)) {
		fds[0] = (struct pollfd){ .fd = p->ending ? -1 : p->keeper, .events = POLLRDHUP };
		for (uint32_t i = 0; i < p->n; i++)
			watch(&p->way[i], &fds[1 + 2 * i], &fds[2 + 2 * i]);
		if (p->ending)
			tell_waiting(p);
		if (poll(fds, 1 + 2 * p->n, p->ending ? PUMP_TICK_MS : -1) > 0) {
			for (uint32_t i = 0; i < p->n; i++)
				turn(p, &p->way[i], fds[1 + 2 * i].revents, fds[2 + 2 * i].revents);
			if (fds[0].revents)
				begin_end(p);
		}
		if (p->ending && clock_ms() - p->moved_at >= patience(p))
			give_up(p);
	}
	tell_waiting(p);
	return p->over ? CT_PUMP_OVER : CT_PUMP_DONE;
}
