/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the run of the container that there is, without asking a process that might not answer, and
 * without clearing what a killed supervisor left: calls on the container do that. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/watch/events.h"
#include "run/state/undo.h"
#include "run/state/dir.h"

/* "state" is replaced by renaming. Not IN_CLOSE: each poll opens and closes "alive", and would be
 * the reason for the next one. */
#define STATE_MASK (IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR)
#define ABOVE_MASK (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR)

void ct_ev_snapshot_free(struct ct_ev_snapshot *s)
{
	ct_process_put(s->p);
	s->p = NULL;
	ct_close(&s->dir);
}

static bool same(const struct ct_ev_id *a, const struct ct_ev_id *b)
{
	return a->pid == b->pid && a->start == b->start;
}

bool ct_ev_ended(int pidfd)
{
	return ct_pidfd_ended(pidfd, 0);
}

/* A pidfd of the process that had this number and start time; -1: it has ended, or cannot be seen
 * from here (the numbers are those of the supervisor's pid namespace). */
static int open_process(pid_t pid, uint64_t start)
{
	CT_CLEAN_FD int fd = -1;

	if (pid > 0 && start)
		fd = ct_pidfd_open(pid);
	/* the start time is that of the pidfd's process if this lives after it was read */
	if (fd < 0 || ct_proc_start_time(pid) != start || ct_ev_ended(fd))
		return -1;
	return ct_take_fd(&fd);
}

/* ---- finding it ------------------------------------------------------------------------------ */

/* This handle's in-process container, once it is started; a reference, or NULL. */
static struct ct_process *started_in_process(struct ct_container *c)
{
	struct ct_process *p;

	pthread_mutex_lock(&c->lock);
	p = c->init;
	if (p && !ct_process_starting(p) && p->state < 0 && !p->failed.err)
		p = ct_process_get(p);
	else
		p = NULL;
	pthread_mutex_unlock(&c->lock);
	return p;
}

static void find_in_process(struct ct_container *c, const struct ct_events *ev,
			    struct ct_ev_snapshot *s)
{
	struct ct_process *p = started_in_process(c);
	struct ct_ev_id id;

	if (!p)
		return;
	id = (struct ct_ev_id){ (uint64_t)p->child.pid, p->child.exec_ns };
	if (same(&id, &ev->past[CT_EV_IN_PROCESS])) {
		ct_process_put(p);
		return;
	}
	s->kind = CT_EV_IN_PROCESS;
	s->id = id;
	s->boots = 1;
	s->over = !ct_process_running(p);
	s->p = p;
}

/* Watches the nearest directory above the state directory that exists, in which it would appear.
 * Without a watch it is found by the next call. */
static void watch_above(struct ct_container *c, struct ct_events *ev)
{
	CT_CLEAN_FD int fd = ct_state_open_all(c->base, c->dir, 0, NULL);

	if (fd < 0)
		fd = open(c->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ct_ev_watch(ev, &ev->wd_state, fd, NULL, ABOVE_MASK) < 0)
		ct_ev_unwatch(ev, &ev->wd_state);
}

/* The state directory, watched; -ENOENT: there is none, and a directory above it is watched. */
static int watched_dir(struct ct_container *c, struct ct_events *ev, struct ct_err *e)
{
	for (;;) {
		CT_CLEAN_FD int dir = ct_state_dir(c, e);
		int before = ev->wd_state, r;

		if (dir >= 0) {
			r = ct_ev_watch(ev, &ev->wd_state, dir, NULL, STATE_MASK);
			if (r == 0)
				return ct_take_fd(&dir);
			ct_err_hint(e, "fs.inotify.max_user_instances and max_user_watches are the "
				       "limits of a user, RLIMIT_NOFILE is the process'");
			return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", "inotify_add_watch",
					   "the state directory cannot be watched");
		}
		if (dir != -ENOENT)
			return dir;
		watch_above(c, ev);
		/* once more if the watch is new: it may have been made before that */
		if (ev->wd_state == before)
			return -ENOENT;
	}
}

static int find_detached(struct ct_container *c, struct ct_events *ev, struct ct_ev_snapshot *s,
			 struct ct_err *e)
{
	CT_CLEAN_FD int init = -1;
	struct ct_ev_id id;
	int r;

	if (!c->name[0])
		return 0;
	s->dir = watched_dir(c, ev, e);
	if (s->dir == -ENOENT)
		return 0;
	if (s->dir < 0)
		return s->dir;
	/* before "state" is read: a supervisor unlocks "alive" after it has written that */
	r = ct_state_alive(s->dir);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "events", "openat",
				   "whether a supervisor lives cannot be seen");
	s->alive = r;
	r = ct_state_read(s->dir, &s->st, e);
	/* a corrupt file is cleared by a call on the container */
	if (r == -ENOENT || r == -EBADMSG) {
		ct_err_clear(e);
		return 0;
	}
	if (r < 0)
		return r;
	id = (struct ct_ev_id){ (uint64_t)s->st.supervisor, s->st.supervisor_start };
	if (!s->st.boots || same(&id, &ev->past[CT_EV_DETACHED]))
		return 0;
	s->kind = CT_EV_DETACHED;
	s->id = id;
	s->boots = s->st.boots;
	if (!s->alive && s->st.state != CT_STATE_STOPPED)
		init = open_process(s->st.init, s->st.init_start);
	s->over = !s->alive && init < 0;
	return 0;
}

int ct_ev_take_snapshot(struct ct_container *c, struct ct_events *ev, struct ct_ev_snapshot *s,
			struct ct_err *e)
{
	/* a detached run that is watched goes on when this handle starts a container in process */
	if (ev->run.kind != CT_EV_DETACHED)
		find_in_process(c, ev, s);
	if (s->kind) {
		ct_ev_unwatch(ev, &ev->wd_state);
		return 0;
	}
	return find_detached(c, ev, s, e);
}

/* ---- holding it ------------------------------------------------------------------------------ */

void ct_ev_run_clear(struct ct_ev_run *run)
{
	*run = (struct ct_ev_run){ .init = -1, .super = -1, .oom = -1, .wd_freezer = -1 };
	for (int i = 0; i < CT_EV_RESOURCES; i++)
		run->trigger[i] = run->wd_pressure[i] = -1;
}

/* Keeps the cgroups that report something: not the supervisor's own, nor removed ones. */
static void keep_reporting(struct ct_cgroups_held *h)
{
	const struct ct_cg_group *freezes = ct_cg_group_of(h, CT_CG_FREEZER);
	uint32_t kept = 0, of_version1 = CT_CG_MEMORY | CT_CG_PIDS;

	if (!freezes || freezes->version == 1)
		of_version1 |= CT_CG_FREEZER;
	for (uint32_t i = 0; i < h->n; i++) {
		struct ct_cg_group *g = &h->v[i];
		uint32_t wanted = of_version1;

		if (g->version == 2)
			wanted = ~(uint32_t)0;
		if (g->fd >= 0 && (g->controllers & wanted))
			h->v[kept++] = *g;
		else
			ct_cg_forget_one(g);
	}
	h->n = kept;
}

static int take_in_process(struct ct_ev_run *run, struct ct_ev_snapshot *s)
{
	int r = ct_process_groups(s->p, &run->groups);

	if (r < 0)
		return r;
	run->p = s->p;
	s->p = NULL;
	run->init = ct_dup(run->p->child.pidfd);
	if (run->init < 0)
		return run->init;
	return 0;
}

int ct_ev_attach_init(struct ct_events *ev, const struct ct_ev_snapshot *s, struct ct_err *e)
{
	int r = 0;

	ct_ev_drop(ev, &ev->run.init);
	ev->run.init = open_process(s->st.init, s->st.init_start);
	if (ev->run.init >= 0)
		r = ct_ev_add(ev, ev->run.init, EPOLLIN);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", "epoll_ctl",
				   "the end of init cannot be watched");
	return 0;
}

static int take_detached(struct ct_events *ev, struct ct_ev_snapshot *s, struct ct_err *e)
{
	struct ct_ev_run *run = &ev->run;
	int r = ct_groups_load(s->dir, &run->groups, e);

	if (r < 0)
		return r;
	run->super = open_process(s->st.supervisor, s->st.supervisor_start);
	if (run->super >= 0)
		r = ct_ev_add(ev, run->super, EPOLLIN);
	return r < 0 ? r : ct_ev_attach_init(ev, s, e);
}

int ct_ev_attach(struct ct_events *ev, struct ct_ev_snapshot *s, struct ct_err *e)
{
	struct ct_ev_run *run = &ev->run;
	int r;

	ct_ev_run_clear(run);
	run->kind = s->kind;
	run->id = s->id;
	if (s->kind == CT_EV_IN_PROCESS) {
		r = take_in_process(run, s);
		if (r == 0)
			r = ct_ev_add(ev, run->init, EPOLLIN);
	} else {
		r = take_detached(ev, s, e);
	}
	if (r == 0) {
		keep_reporting(&run->groups);
		r = ct_ev_watch_groups(ev);
	}
	if (r == 0)
		return 0;
	ct_ev_release(ev);
	ct_err_hint(e, "RLIMIT_NOFILE is the limit of the process' descriptors, "
		       "fs.epoll.max_user_watches one of the user");
	return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", "",
			   "the container cannot be watched");
}

void ct_ev_release(struct ct_events *ev)
{
	struct ct_ev_run *run = &ev->run;

	ct_ev_drop(ev, &run->init);
	ct_ev_drop(ev, &run->super);
	ct_ev_drop(ev, &run->oom);
	for (uint32_t i = 0; i < run->n_files; i++)
		ct_ev_drop(ev, &run->file[i]);
	ct_ev_unwatch(ev, &run->wd_freezer);
	for (int i = 0; i < CT_EV_RESOURCES; i++) {
		ct_close(&run->trigger[i]);
		ct_ev_unwatch(ev, &run->wd_pressure[i]);
	}
	ct_cgroup_forget(&run->groups);
	ct_process_put(run->p);
	ct_ev_run_clear(run);
}
