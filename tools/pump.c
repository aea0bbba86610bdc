/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pump.h"

#include <errno.h>
#include <string.h>

#include "quantity.h"

#define AGAIN_MS 10 /* a terminal may poll writable and yet have no room for "\r\n" */

void pump_init(struct pump *p)
{
	*p = (struct pump){ .from.fd = -1 };
	for (int i = 0; i < PUMP_OUTLETS; i++)
		p->to[i].sink.fd = -1;
}

void pump_close(struct pump *p)
{
	source_close(&p->from);
	for (int i = 0; i < PUMP_OUTLETS; i++)
		sink_close(&p->to[i].sink);
}

static bool is_open(const struct outlet *o)
{
	return o->sink.fd >= 0 && !o->reader_gone;
}

bool pump_pending(const struct pump *p)
{
	for (int i = 0; i < PUMP_OUTLETS; i++)
		if (is_open(&p->to[i]) && p->to[i].at < p->end)
			return true;
	return false;
}

/* Moves what an outlet has still to get to the beginning of the buffer. */
static void make_room(struct pump *p)
{
	size_t gone = p->end;

	for (int i = 0; i < PUMP_OUTLETS; i++)
		if (is_open(&p->to[i]) && p->to[i].at < gone)
			gone = p->to[i].at;
	if (!gone)
		return;
	memmove(p->buf, p->buf + gone, p->end - gone);
	p->end -= gone;
	for (int i = 0; i < PUMP_OUTLETS; i++) {
		/* one that is closed may be behind */
		if (p->to[i].at < gone)
			p->to[i].at = 0;
		else
			p->to[i].at -= gone;
	}
}

bool pump_wants(const struct pump *p)
{
	return p->from.fd >= 0 && !p->eof && !p->hold && p->end < sizeof(p->buf);
}

ssize_t pump_read(struct pump *p)
{
	ssize_t n = source_read(&p->from, p->buf + p->end, sizeof(p->buf) - p->end);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return -EAGAIN;
	if (n <= 0) {
		p->eof = true;
		if (n < 0)
			return -errno;
		return 0;
	}
	p->end += (size_t)n;
	p->in += (uint64_t)n;
	return n;
}

/* Bytes that cannot be written are lost, which is an error at the end; later writes may succeed. */
static void failed(struct pump *p, struct outlet *o)
{
	if (errno == EPIPE || errno == ECONNRESET ||
	    (o->terminal && (errno == EIO || errno == ENXIO))) {
		o->reader_gone = true;
		return;
	}
	o->err = errno;
	o->at = p->end;
}

static void write_outlet(struct pump *p, struct outlet *o)
{
	bool was_blocked = o->blocked;

	while (is_open(o) && o->at < p->end) {
		ssize_t n = sink_write(&o->sink, p->buf + o->at, p->end - o->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			o->blocked = true;
			o->wait_until = 0;
			if (was_blocked && !o->sink.helper)
				o->wait_until = clock_ms() + AGAIN_MS;
			return;
		}
		was_blocked = o->blocked = false;
		if (n < 0)
			failed(p, o);
		else
			o->at += (size_t)n;
	}
}

void pump_write(struct pump *p)
{
	for (int i = 0; i < PUMP_OUTLETS; i++)
		if (!p->to[i].blocked)
			write_outlet(p, &p->to[i]);
	make_room(p);
}

void pump_cut(struct pump *p, int outlet)
{
	p->to[outlet].reader_gone = true;
	make_room(p);
}

unsigned pump_polls(const struct pump *p, struct pollfd *fds, int *wait_ms)
{
	int64_t now = clock_ms();
	unsigned n = 0;

	if (pump_wants(p))
		fds[n++] = (struct pollfd){ p->from.fd, POLLIN, 0 };
	for (int i = 0; i < PUMP_OUTLETS; i++) {
		const struct outlet *o = &p->to[i];
		short events;

		if (!is_open(o) || o->at == p->end || !o->blocked)
			continue;
		if (o->wait_until > now) {
			int left = (int)(o->wait_until - now);

			if (*wait_ms < 0 || left < *wait_ms)
				*wait_ms = left;
			continue;
		}
		fds[n].fd = sink_poll(&o->sink, &events);
		fds[n++].events = events;
	}
	return n;
}

bool pump_polled(struct pump *p, const struct pollfd *fds, unsigned n)
{
	bool readable = false;

	for (unsigned i = 0; i < n; i++) {
		if (!fds[i].revents)
			continue;
		if (pump_wants(p) && fds[i].fd == p->from.fd && fds[i].events == POLLIN) {
			readable = true;
			continue;
		}
		for (int k = 0; k < PUMP_OUTLETS; k++) {
			struct outlet *o = &p->to[k];
			short events;

			if (is_open(o) && o->blocked && sink_poll(&o->sink, &events) == fds[i].fd &&
			    o->at < p->end)
				write_outlet(p, o);
		}
	}
	make_room(p);
	return readable;
}
