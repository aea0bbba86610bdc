/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's side of its socket: clients come, send packets, go, time passes, the container
 * changes its state. The input is a list of such moves. No process is signalled: there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage/super/supervisor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

/* ---- the parts of the supervisor that act on processes and files ----------------------------- */

void sup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sup_watch(struct super *s, int fd, short events, enum sup_watch_is is, uint32_t index)
{
	(void)s, (void)fd, (void)events, (void)is, (void)index;
}

int sup_set_state(struct super *s, uint32_t state)
{
	s->state = state;
	sup_tell_waiters(s);
	return 0;
}

void sup_halt(struct super *s)
{
	s->stop_asked = 1;
	sup_set_state(s, CT_STATE_STOPPING);
}

void sup_kill(struct super *s, int hard)
{
	(void)hard;
	s->stop_asked = s->killed = 1;
	sup_set_state(s, CT_STATE_STOPPING);
}

void sup_output_over(struct super *s)
{
	(void)s;
}

uint64_t sup_caught(pid_t pid)
{
	(void)pid;
	return 0;
}

uint64_t sup_ignored(pid_t pid)
{
	(void)pid;
	return 0;
}

/* ---- moves ----------------------------------------------------------------------------------- */

#define PEERS 8

struct world {
	struct super s;
	struct sup_tty tty[3];
	char ring[64];
	int peer[PEERS];
};

static void begin(struct world *w)
{
	static const struct ct_wire_super super = { .limit_output = 0 };
	int pair[2];

	memset(w, 0, sizeof(*w));
	for (int i = 0; i < PEERS; i++)
		w->peer[i] = -1;
	for (int i = 0; i < 3; i++)
		w->tty[i].master = w->tty[i].peer = w->tty[i].stream = -1;
	w->s.w = &super;
	w->s.tty = w->tty;
	w->s.n_ttys = 2;
	w->s.ring = (struct sup_ring){ w->ring, sizeof(w->ring), 0, 0 };
	w->s.log.fd = w->s.pidfd = w->s.listener = -1;
	w->s.phase = SUP_PHASE_RUN;
	w->s.state = CT_STATE_RUNNING;
	w->s.stop_until = w->s.kill_at = w->s.time_at = SUP_NEVER;
	w->s.now = 1000;
	if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)) {
		w->tty[1].master = pair[0];
		w->tty[1].peer = pair[1];
	}
}

static void come(struct world *w, int who)
{
	int pair[2];

	if (w->peer[who] >= 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return;
	for (int i = 0; i < SUP_CLIENTS; i++) {
		if (w->s.client[i].is != SUP_CLIENT_FREE)
			continue;
		w->s.client[i] = (struct sup_client){ .fd = pair[1],
						      .is = SUP_CLIENT_ASKED,
						      .deadline = w->s.now + SUP_CLIENT_MS };
		w->peer[who] = pair[0];
		return;
	}
	close(pair[0]);
	close(pair[1]);
}

static void leave(struct world *w, int who)
{
	char buf[256];

	if (w->peer[who] < 0)
		return;
	/* descriptors that came along are closed with the packets */
	while (recv(w->peer[who], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	sup_close(&w->peer[who]);
}

static void turn(struct world *w)
{
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		if (w->s.client[i].is != SUP_CLIENT_FREE)
			sup_on_client(&w->s, i, POLLIN);
	}
	for (uint32_t i = 0; i < 3; i++) {
		if (w->tty[i].stream >= 0)
			sup_on_stream(&w->s, i, POLLIN);
		if (w->tty[i].master >= 0)
			sup_on_master(&w->s, i, POLLIN);
	}
	sup_client_timers(&w->s);
}

/* A packet: a request with mostly good numbers, or the bytes as they are. */
static size_t say(struct world *w, int who, const uint8_t *p, size_t n)
{
	struct ct_ctl_request rq = { .magic = CT_CTL_MAGIC };
	size_t len = n && p[0] < 64 ? p[0] : sizeof(rq);

	if (n && p[0] >= 64) {
		if (n > 3) {
			rq.type = p[1] % 10;
			rq.arg0 = p[2] == 255 ? UINT64_MAX : p[2];
			rq.arg1 = p[3] == 255 ? UINT64_MAX : p[3] * 40u;
		}
		(void)!send(w->peer[who], &rq, sizeof(rq), MSG_NOSIGNAL);
		return n > 4 ? 4 : n;
	}
	if (len > n)
		len = n;
	(void)!send(w->peer[who], p, len, MSG_NOSIGNAL);
	return len + 1 > n ? n : len + 1;
}

static void end(struct world *w)
{
	w->s.phase = SUP_PHASE_DONE;
	w->s.state = CT_STATE_STOPPED;
	sup_tell_waiters(&w->s);
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		must(w->s.client[i].is != SUP_CLIENT_WAITING);
		if (w->s.client[i].is != SUP_CLIENT_FREE)
			sup_drop_client(&w->s, &w->s.client[i]);
	}
	sup_ttys_close(&w->s, 1);
	for (int i = 0; i < PEERS; i++)
		leave(w, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct ct_ctl_request rq;

	if (!ctl_decode(data, size, &rq))
		must(rq.magic == CT_CTL_MAGIC && rq.type >= CT_CTL_STATUS &&
		     rq.type <= CT_CTL_RESIZE);
	begin(&w);
	for (size_t i = 0; i < size && i < 400;) {
		int who = data[i] % PEERS;

		switch (data[i++] / PEERS % 8) {
		case 0:
		case 1:
			come(&w, who);
			break;
		case 2:
		case 3:
			if (w.peer[who] >= 0)
				i += say(&w, who, data + i, size - i);
			break;
		case 4:
			leave(&w, who);
			break;
		case 5:
			w.s.now += 100u << who;
			break;
		case 6:
			w.s.boots += who == 1;
			w.s.phase = who == 2 ? SUP_PHASE_HOOKS : SUP_PHASE_RUN;
			sup_set_state(&w.s, who & 1 ? CT_STATE_RUNNING : CT_STATE_STOPPING);
			break;
		case 7:
			sup_ring_add(&w.s.ring, (const char *)data, size < 200 ? size : 200);
			break;
		}
		turn(&w);
	}
	end(&w);
	return 0;
}
