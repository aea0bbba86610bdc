/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of a container. ct_event_fd() takes a snapshot of what there is; each poll by
 * ct_next_event() drains the notifications of the kernel, reads a few small files and reports what
 * has changed since the poll before. A notification only says that it is time to poll, so no event
 * is missed or reported twice. No process is asked that might not answer, and nothing runs in
 * between.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/watch/events.h"

/* ---- the queue ------------------------------------------------------------------------------- */

static void push(struct ct_events *ev, int type, int resource, uint64_t count)
{
	if (!count || ev->n == CT_EV_QUEUE)
		return;
	ev->queue[(ev->first + ev->n++) % CT_EV_QUEUE] = (ct_event){ sizeof(ct_event), type,
								     resource, count };
}

static void queue_changes(struct ct_events *ev, const struct ct_ev_changes *n)
{
	push(ev, CT_EVENT_STARTED, CT_RESOURCE_NONE, n->started);
	for (int i = 0; i < CT_EV_RESOURCES; i++)
		push(ev, CT_EVENT_PRESSURE, CT_RESOURCE_CPU + i, n->pressure[i]);
	push(ev, CT_EVENT_MEMORY_HIGH, CT_RESOURCE_NONE, n->high);
	push(ev, CT_EVENT_PIDS_LIMIT, CT_RESOURCE_NONE, n->refused);
	push(ev, CT_EVENT_OOM, CT_RESOURCE_NONE, n->oom);
	push(ev, CT_EVENT_OOM_KILL, CT_RESOURCE_NONE, n->kills);
	push(ev, n->freezer, CT_RESOURCE_NONE, n->freezer != 0);
	push(ev, CT_EVENT_EMPTY, CT_RESOURCE_NONE, n->empty);
	push(ev, CT_EVENT_EXITED, CT_RESOURCE_NONE, n->exited);
}

/* Keeps the descriptor readable as long as the queue is not empty. */
static void show_more(struct ct_events *ev, bool before)
{
	uint64_t one = 1;

	if (ev->n && !before)
		(void)!write(ev->more, &one, sizeof(one));
	else if (!ev->n && before)
		(void)!read(ev->more, &one, sizeof(one));
}

/* ---- a poll ---------------------------------------------------------------------------------- */

static const struct ct_state_file *state_of(const struct ct_ev_snapshot *s)
{
	if (s->kind == CT_EV_DETACHED)
		return &s->st;
	return NULL;
}

/* The watched run has ended, and perhaps another one has begun since. -EBUSY. */
static int poll_last_run(struct ct_events *ev)
{
	struct ct_ev_changes n = { 0 };
	int r;

	ct_ev_read_changes(ev, NULL, &n);
	r = ct_ev_end_run(ev, NULL, &n);
	queue_changes(ev, &n);
	return r;
}

/* Removes pidfds of processes that have ended, which would stay readable for ever. The init of the
 * next boot takes the place of the one before. */
static int poll_processes(struct ct_events *ev, const struct ct_ev_snapshot *now,
			  struct ct_ev_changes *n, struct ct_err *e)
{
	struct ct_ev_run *run = &ev->run;
	int r = 0;

	if (run->boots && now->boots != run->boots && now->kind == CT_EV_DETACHED)
		r = ct_ev_attach_init(ev, now, e);
	if (r < 0)
		return r;
	n->started = ct_since(now->boots, run->boots);
	run->boots = now->boots;
	if (now->kind != CT_EV_DETACHED || now->over)
		return 0;
	if (run->init >= 0 && ct_ev_ended(run->init))
		ct_ev_drop(ev, &run->init);
	if (run->super >= 0 && ct_ev_ended(run->super))
		ct_ev_drop(ev, &run->super);
	/* the supervisor is about to end, and without its pidfd there is no notification of that */
	n->again |= now->st.state == CT_STATE_STOPPED && run->super < 0;
	return 0;
}

static int poll_run(struct ct_events *ev, const struct ct_ev_snapshot *now, struct ct_err *e)
{
	struct ct_ev_changes n = { 0 };
	int r = poll_processes(ev, now, &n, e);

	if (r < 0)
		return r;
	ct_ev_read_changes(ev, state_of(now), &n);
	if (now->over)
		ct_ev_end_run(ev, state_of(now), &n);
	queue_changes(ev, &n);
	if (n.oom || !n.again)
		ev->tries = 0;
	ct_ev_again(ev, n.again);
	return 0;
}

static int poll_once(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	CT_CLEAN_SNAPSHOT struct ct_ev_snapshot now = CT_EV_SNAPSHOT_INIT;
	bool fresh;
	int r;

	ct_ev_drain(ev);
	r = ct_ev_take_snapshot(c, ev, &now, e);
	if (r < 0)
		return r;
	if (ev->run.kind &&
	    (ev->run.kind != now.kind || ev->run.id.pid != now.id.pid ||
	     ev->run.id.start != now.id.start) &&
	    poll_last_run(ev) < 0)
		return 0;
	fresh = now.kind && !ev->run.kind;
	if (fresh)
		r = ct_ev_attach(ev, &now, e);
	if (r >= 0 && now.kind)
		r = poll_run(ev, &now, e);
	/* that thresholds cannot be set is reported once, and all else is reported all the same */
	if (r >= 0 && fresh && ev->run.kind)
		r = ct_ev_set_triggers(ev, &ev->want, e);
	return r;
}

/* The end of a watch is a notification, too, and none that needs another poll; but one that came
 * together with it does. */
static int poll_changes(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	int r;

	do
		r = poll_once(c, ev, e);
	while (r >= 0 && ev->unwatched && ct_ev_drain_inotify(ev));
	return r;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static struct ct_events *events_new(struct ct_err *e)
{
	struct ct_events *ev = calloc(1, sizeof(*ev));
	const char *call = "epoll_create1";
	int r;

	if (!ev) {
		ct_oom(e);
		return NULL;
	}
	ev->owner = getpid();
	ev->inotify = ev->timer = ev->wd_state = ev->more = -1;
	ct_ev_run_clear(&ev->run);
	r = ev->epoll = ct_or_errno(epoll_create1(EPOLL_CLOEXEC));
	if (r >= 0) {
		call = "eventfd";
		r = ev->more = ct_or_errno(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	}
	if (r >= 0)
		r = ct_ev_add(ev, ev->more, EPOLLIN);
	if (r == 0)
		return ev;
	ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", call, "no descriptor for events");
	ct_events_free(ev);
	return NULL;
}

/* Takes the first snapshot: changes are reported from then on. */
static int begin(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	CT_CLEAN_SNAPSHOT struct ct_ev_snapshot now = CT_EV_SNAPSHOT_INIT;
	int r = ct_ev_take_snapshot(c, ev, &now, e);

	if (r < 0 || !now.kind)
		return r;
	if (now.over) {
		ev->past[now.kind] = now.id;
		return 0;
	}
	r = ct_ev_attach(ev, &now, e);
	if (r < 0)
		return r;
	ev->run.boots = now.boots;
	ct_ev_read_changes(ev, state_of(&now), &(struct ct_ev_changes){ 0 });
	/* what was so before the first call is not reported */
	ev->run.empty = ev->run.kill_due = false;
	return ct_ev_set_triggers(ev, &ev->want, e);
}

static int first_call(struct ct_container *c, const struct ct_ev_want *want, struct ct_err *e)
{
	struct ct_events *ev = events_new(e);
	int r;

	if (!ev && e)
		return e->err;
	if (!ev)
		return -ENOMEM;
	ev->want = *want;
	r = begin(c, ev, e);
	if (r < 0)
		ct_events_free(ev);
	else
		c->events = ev;
	return r;
}

/* Replaces the thresholds; counters and queue stay. */
static int replace(struct ct_events *ev, const struct ct_ev_want *want, struct ct_err *e)
{
	int r = 0;

	if (ev->run.kind)
		r = ct_ev_set_triggers(ev, want, e);
	if (r >= 0)
		ev->want = *want;
	return r;
}

int ct_run_event_fd(struct ct_container *c, const ct_event_opts *o, struct ct_err *e)
{
	struct ct_ev_want want;
	int r = ct_ev_read_opts(o, &want, e);

	if (r >= 0)
		r = ct_ev_check_pressure(c, &want, e);
	if (r >= 0 && !c->events)
		r = first_call(c, &want, e);
	else if (r >= 0 && o)
		r = replace(c->events, &want, e);
	if (r < 0)
		return r;
	return c->events->epoll;
}

/* Copies as much as the caller's struct has room for, which may be an older or a newer one. */
static void copy_event(const ct_event *event, ct_event *out)
{
	size_t size = out->size, n = sizeof(*out);

	if (n > size)
		n = size;
	memcpy(out, event, n);
	out->size = size;
	if (size > n)
		memset((char *)out + n, 0, size - n);
}

int ct_run_next_event(struct ct_container *c, ct_event *out, struct ct_err *e)
{
	struct ct_events *ev = c->events;
	bool before = ev && ev->n;
	int r = 0;

	if (!ev) {
		ct_err_hint(e, "call ct_event_fd() first: events are told from then on");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "events",
			       "nobody has asked for events");
	}
	if (!ev->n)
		r = poll_changes(c, ev, e);
	if (r >= 0 && ev->n) {
		copy_event(&ev->queue[ev->first], out);
		ev->first = (ev->first + 1) % CT_EV_QUEUE;
		ev->n--;
		r = 1;
	}
	show_more(ev, before);
	return r;
}

void ct_events_free(struct ct_events *ev)
{
	if (!ev)
		return;
	ct_ev_release(ev);
	ct_close(&ev->inotify);
	ct_close(&ev->timer);
	ct_close(&ev->more);
	ct_close(&ev->epoll);
	free(ev);
}
