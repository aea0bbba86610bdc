/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of a container. ct_event_fd() remembers what there is; each look of ct_next_event() takes
 * all notices, reads the few small files and tells what has changed since the look before. Notices
 * say when to look, never what to tell: so none can be missed or told twice. Nobody is asked who
 * might not answer, and nothing runs in between.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/watch/events.h"

/* ---- the queue ------------------------------------------------------------------------------- */

static void push(struct ct_events *ev, int type, int resource, uint64_t count)
{
	if (!count || ev->n == CT_EV_QUEUE)
		return;
	ev->queue[(ev->first + ev->n++) % CT_EV_QUEUE] = (ct_event){ sizeof(ct_event), type,
								     resource, count };
}

static void tell(struct ct_events *ev, const struct ct_ev_news *n)
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

/* Readable as long as something is left in it. */
static void show_more(struct ct_events *ev, bool before)
{
	uint64_t one = 1;

	if (ev->n && !before)
		(void)!write(ev->more, &one, sizeof(one));
	else if (!ev->n && before)
		(void)!read(ev->more, &one, sizeof(one));
}

/* ---- a look ---------------------------------------------------------------------------------- */

static const struct ct_state_file *state_of(const struct ct_ev_sight *s)
{
	return s->kind == CT_EV_DETACHED ? &s->st : NULL;
}

/* The watched one is no longer what is there: it has ended, and perhaps another one was
 * started since. -EBUSY. */
static int look_at_the_last(struct ct_events *ev)
{
	struct ct_ev_news n = { 0 };
	int r;

	ct_ev_read_news(ev, NULL, &n);
	r = ct_ev_end_run(ev, NULL, &n);
	tell(ev, &n);
	return r;
}

/* Pidfds that have said what they can would say so for ever. An init whose run is not over makes
 * room for the next boot's. */
static int look_at_processes(struct ct_events *ev, const struct ct_ev_sight *now,
			     struct ct_ev_news *n, struct ct_err *e)
{
	struct ct_ev_run *run = &ev->run;
	int r = 0;

	if (run->boots && now->boots != run->boots && now->kind == CT_EV_DETACHED)
		r = ct_ev_attach_init(ev, now, e);
	if (r < 0)
		return r;
	n->started = now->boots > run->boots ? now->boots - run->boots : 0;
	run->boots = now->boots;
	if (now->kind != CT_EV_DETACHED || now->over)
		return 0;
	if (run->init >= 0 && ct_ev_ended(run->init))
		ct_ev_drop(ev, &run->init);
	if (run->super >= 0 && ct_ev_ended(run->super))
		ct_ev_drop(ev, &run->super);
	/* all is written, and it lets go of the rest; that would be told by its pidfd */
	n->again |= now->st.state == CT_STATE_STOPPED && run->super < 0;
	return 0;
}

static int look_at_this(struct ct_events *ev, const struct ct_ev_sight *now, struct ct_err *e)
{
	struct ct_ev_news n = { 0 };
	int r = look_at_processes(ev, now, &n, e);

	if (r < 0)
		return r;
	ct_ev_read_news(ev, state_of(now), &n);
	if (now->over)
		ct_ev_end_run(ev, state_of(now), &n);
	tell(ev, &n);
	if (n.oom || !n.again)
		ev->tries = 0;
	ct_ev_again(ev, n.again);
	return 0;
}

static int look_once(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	CT_CLEAN_SIGHT struct ct_ev_sight now = CT_EV_SIGHT_INIT;
	bool fresh;
	int r;

	ct_ev_drain(ev);
	r = ct_ev_see(c, ev, &now, e);
	if (r < 0)
		return r;
	if (ev->run.kind &&
	    (ev->run.kind != now.kind || ev->run.id.pid != now.id.pid ||
	     ev->run.id.start != now.id.start) &&
	    look_at_the_last(ev) < 0)
		return 0;
	fresh = now.kind && !ev->run.kind;
	if (fresh)
		r = ct_ev_attach(ev, &now, e);
	if (r >= 0 && now.kind)
		r = look_at_this(ev, &now, e);
	/* that it cannot have them is said once, and all the rest is told */
	if (r >= 0 && fresh && ev->run.kind)
		r = ct_ev_set_triggers(ev, &ev->want, e);
	return r;
}

/* That a watch was ended is a notice that nobody waits for; another one that came with it is a
 * reason to look again. */
static int look(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	int r;

	do
		r = look_once(c, ev, e);
	while (r >= 0 && ev->unwatched && ct_ev_notes(ev));
	return r;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static struct ct_events *events_new(struct ct_err *e)
{
	struct ct_events *ev = calloc(1, sizeof(*ev));
	int r;

	if (!ev) {
		ct_oom(e);
		return NULL;
	}
	ev->owner = getpid();
	ev->inotify = ev->timer = ev->wd_state = ev->more = -1;
	ct_ev_run_clear(&ev->run);
	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epoll >= 0)
		ev->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = ev->more < 0 ? -errno : ct_ev_add(ev, ev->more, EPOLLIN);
	if (r == 0)
		return ev;
	ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", ev->epoll < 0 ? "epoll_create1" : "eventfd",
		    "no descriptor for events");
	ct_events_free(ev);
	return NULL;
}

/* What there is now is where it begins. */
static int begin(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	CT_CLEAN_SIGHT struct ct_ev_sight now = CT_EV_SIGHT_INIT;
	int r = ct_ev_see(c, ev, &now, e);

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
	ct_ev_read_news(ev, state_of(&now), &(struct ct_ev_news){ 0 });
	/* what it has not told yet, it will not be asked for again */
	ev->run.empty = ev->run.kill_due = false;
	return ct_ev_set_triggers(ev, &ev->want, e);
}

static int first_call(struct ct_container *c, const struct ct_ev_want *want, struct ct_err *e)
{
	struct ct_events *ev = events_new(e);
	int r;

	if (!ev)
		return e ? e->err : -ENOMEM;
	ev->want = *want;
	r = begin(c, ev, e);
	if (r < 0)
		ct_events_free(ev);
	else
		c->events = ev;
	return r;
}

/* Counters and what waits to be told stay. */
static int replace(struct ct_events *ev, const struct ct_ev_want *want, struct ct_err *e)
{
	int r = ev->run.kind ? ct_ev_set_triggers(ev, want, e) : 0;

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
	return r < 0 ? r : c->events->epoll;
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
		r = look(c, ev, e);
	if (r >= 0 && ev->n) {
		size_t size = out->size;

		memcpy(out, &ev->queue[ev->first], size < sizeof(*out) ? size : sizeof(*out));
		out->size = size;
		if (size > sizeof(*out))
			memset((char *)out + sizeof(*out), 0, size - sizeof(*out));
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
