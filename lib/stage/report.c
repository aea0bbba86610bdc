/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stage reports to the library: fixed-size records on a SOCK_SEQPACKET socket. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "stage/stage.h"
#include "stage/sys.h"
#include "shared/rights.h"

/* One packet, with fd when it is >= 0. 0 or a negative errno (-EPIPE: the peer is gone). */
static int send_packet(int sock, const void *data, size_t size, int fd, int flags)
{
	union ct_rights room;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr m;
	long n;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	ct_rights_add(&m, &room, fd);
	do
		n = sys3(SYS_sendmsg, sock, &m, MSG_NOSIGNAL | flags);
	while (n == -EINTR);
	if (n < 0)
		return (int)n;
	return 0;
}

/* Sends one record, with fd when it is >= 0. 0 or a negative errno (-EPIPE: the peer is gone).
 * Records for the log do not block: a caller that does not read loses CT_REPORT_STEP and
 * CT_REPORT_SAID. */
int report_send(struct stage *st, struct ct_report *r, int fd)
{
	int flags = 0;

	if (r->type == CT_REPORT_STEP || r->type == CT_REPORT_SAID)
		flags = MSG_DONTWAIT;
	return send_packet(st->report_fd, r, sizeof(*r), fd, flags);
}

int send_number(int sock, int32_t num, int fd)
{
	return send_packet(sock, &num, sizeof(num), fd, 0);
}

int keep_send(struct stage *st, const struct ct_keep *k, int fd)
{
	if (st->keep_fd < 0)
		return 0;
	return send_packet(st->keep_fd, k, sizeof(*k), fd, MSG_DONTWAIT);
}

static uint64_t microseconds(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000u + (uint64_t)t->tv_usec;
}

void usage_note(struct stage *st)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage ru;

	for (int i = 0; i < 2; i++) {
		if (getrusage(whose[i], &ru))
			continue;
		st->user_us += microseconds(&ru.ru_utime);
		st->system_us += microseconds(&ru.ru_stime);
	}
}

void usage_note_outside(struct stage *st)
{
	struct rusage ru;

	if (getrusage(RUSAGE_SELF, &ru) == 0)
		st->outside_us = microseconds(&ru.ru_utime) + microseconds(&ru.ru_stime);
}

/* Tells the keeper that the time limits begin. */
static int keep_exec(struct stage *st, uint64_t at_ns)
{
	const struct ct_keep k = { .type = CT_KEEP_EXEC,
				   .at_ns = at_ns,
				   .user_us = st->user_us,
				   .system_us = st->system_us,
				   .outside_us = st->outside_us };

	return keep_send(st, &k, -1);
}

/* Whether this is the launcher of an init that has ended: whatever errno the launcher's next call
 * gives, that is the reason. */
static int has_lost_init(const struct stage *st)
{
	struct pollfd p = { .fd = st->init_pidfd, .events = POLLIN };

	return !st->in_init && st->init_pidfd >= 0 && poll(&p, 1, 0) > 0;
}

/* CT_REPORT_ERROR of the current step, the first of this process only. Returns -1. */
int report_error(struct stage *st, int err, int sys, const char *object, const char *kernel)
{
	struct ct_report r;

	if (st->reported)
		return -1;
	st->reported = 1;
	if (has_lost_init(st)) {
		err = -ECHILD;
		kernel = "init was killed before it was let go";
	}
	memset(&r, 0, sizeof(r));
	r.type = CT_REPORT_ERROR;
	r.step = st->current;
	r.sys = (uint16_t)sys;
	r.err = -err;
	if (object)
		str_cut(r.object, sizeof(r.object), object);
	if (kernel)
		str_cut(r.kernel, sizeof(r.kernel), kernel);
	report_send(st, &r, -1);
	return -1;
}

/* CT_REPORT_FD: a descriptor with its tag. 0 or a negative errno. */
int report_fd(struct stage *st, int tag, int index, int fd)
{
	struct ct_report r;

	memset(&r, 0, sizeof(r));
	r.type = CT_REPORT_FD;
	r.step = st->current;
	r.num = tag;
	r.err = index;
	return report_send(st, &r, fd);
}

/* A record of a type that has only a number. 0 or a negative errno. */
int report_num(struct stage *st, uint32_t type, int num, int fd)
{
	struct ct_report r;

	memset(&r, 0, sizeof(r));
	r.type = type;
	r.step = st->current;
	r.num = num;
	return report_send(st, &r, fd);
}

/* CT_REPORT_EXEC_NEXT, with the time, for the record may be read late. 0 or a negative errno. */
int report_exec_next(struct stage *st)
{
	struct ct_report r;
	int err;

	memset(&r, 0, sizeof(r));
	r.type = CT_REPORT_EXEC_NEXT;
	r.step = st->current;
	r.at_ns = clock_ns(CLOCK_REALTIME);
	err = keep_exec(st, r.at_ns);
	if (err)
		return err;
	return report_send(st, &r, -1);
}

static void report_text(struct stage *st, uint32_t type, const char *text)
{
	struct ct_report r;

	memset(&r, 0, sizeof(r));
	r.type = type;
	r.step = st->current;
	str_cut(r.object, sizeof(r.object), text);
	report_send(st, &r, -1);
}

/* CT_REPORT_WARN: a line for the log. */
void report_warn(struct stage *st, const char *text)
{
	report_text(st, CT_REPORT_WARN, text);
}

/* CT_REPORT_SAID: what the hook of the current step has printed. */
void report_said(struct stage *st, const char *line)
{
	if (st->head->flags & CT_WIRE_SAY)
		report_text(st, CT_REPORT_SAID, line);
}

/* CT_REPORT_STEP of the current step. */
void report_step(struct stage *st, uint64_t took_ns)
{
	struct ct_report r;

	memset(&r, 0, sizeof(r));
	r.type = CT_REPORT_STEP;
	r.step = st->current;
	r.at_ns = took_ns;
	report_send(st, &r, -1);
}
