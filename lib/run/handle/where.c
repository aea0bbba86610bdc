/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds a container: in this process, with a supervisor, or left by one. */
#include <errno.h>
#include <poll.h>

#include "base/fd.h"
#include "run/child/control.h"
#include "run/handle/where.h"

void ct_where_free(struct ct_where *w)
{
	ct_process_put(w->init);
	ct_close(&w->pidfd);
	ct_close(&w->dir);
}

struct ct_process *ct_running_init(struct ct_container *c)
{
	struct ct_process *p = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->init)
		p = ct_process_get(c->init);
	pthread_mutex_unlock(&c->lock);
	if (p && !ct_process_in_process(p)) {
		ct_process_put(p);
		p = NULL;
	}
	return p;
}

struct ct_process *ct_starting_init(struct ct_container *c)
{
	struct ct_process *p = NULL, *over = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->init && ct_process_starting(c->init)) {
		p = ct_process_get(c->init);
	} else if (c->starting && ct_process_starting(c->starting)) {
		p = ct_process_get(c->starting);
	} else {
		over = c->starting;
		c->starting = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	ct_process_put(over);
	return p;
}

int ct_state_dir(struct ct_container *c, struct ct_err *e)
{
	int dir = -1, r;

	if (!c->name[0])
		return -ENOENT;
	r = ct_state_open(c->base, c->dir, c->name, 0, &dir, e);
	if (r < 0)
		return r;
	return dir;
}

int ct_where_find(struct ct_container *c, struct ct_where *w, struct ct_err *e)
{
	int r;

	w->init = ct_running_init(c);
	if (w->init)
		return 0;
	w->dir = ct_state_dir(c, e);
	if (w->dir == -ENOENT)
		return 0;
	if (w->dir < 0)
		return w->dir;
	r = ct_state_sweep(w->dir, -1, &w->st, &w->pidfd, e);
	if (r < 0)
		return r;
	w->life = r;
	return 0;
}

int ct_not_running_for(struct ct_container *c, const char *where, struct ct_err *e)
{
	ct_err_object(e, c->name);
	ct_err_hint(e, "start it first: ct_start() (ct-start)");
	return ct_ctl_not_running(e, where);
}

int ct_not_running(struct ct_container *c, struct ct_err *e)
{
	return ct_not_running_for(c, "state", e);
}

/* A supervisor that ends closes its connections a moment before its lock is released. One that
 * begins (-ESRCH) has the lock, but no socket yet. */
int ct_where_gone(int dir, int err)
{
	for (int pause = 1; err == -ECONNRESET && pause < 4096 && ct_state_alive(dir) > 0;
	     pause *= 2)
		poll(NULL, 0, pause);
	return (err == -ECONNRESET || err == -ESRCH) && ct_state_alive(dir) == 0;
}

int ct_where_init(struct ct_container *c, struct ct_where *w, pid_t *pid, struct ct_err *e)
{
	struct ct_ctl_reply reply = { 0 };
	struct ct_err own;
	int fd = -1, r;

	if (w->init) {
		reply.init_pid = w->init->child.pid;
		fd = ct_dup(w->init->child.pidfd);
		if (fd < 0)
			return ct_fail_sys(e, fd, CT_ERR_DESCRIPTOR, "state", "fcntl",
					   "no descriptor for init");
	} else if (w->life == CT_LIFE_ORPHAN) {
		reply.init_pid = w->st.init;
		fd = ct_take_fd(&w->pidfd);
	} else if (w->life == CT_LIFE_SUPERVISED) {
		ct_err_clear(&own);
		r = ct_ctl_status_in(w->dir, CT_CTL_PING_MS, &reply, &fd, &own);
		/* its state file has init's pid */
		if (r < 0 && ct_ctl_is_mute(&own)) {
			r = fd = ct_state_init(&w->st);
			reply.init_pid = w->st.init;
		}
		if (r < 0 && !ct_where_gone(w->dir, r)) {
			if (e)
				*e = own;
			return r;
		}
	}
	if (fd < 0)
		return ct_not_running(c, e);
	if (pid)
		*pid = reply.init_pid;
	return fd;
}

int ct_run_init(struct ct_container *c, pid_t *pid, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	int r = ct_where_find(c, &w, e);

	if (r < 0)
		return r;
	return ct_where_init(c, &w, pid, e);
}

int ct_unless_ended(struct ct_container *c, int r, struct ct_err *e)
{
	CT_CLEAN_FD int init = -1;

	/* calls on removed cgroups fail with these */
	if ((r != -ENODEV && r != -ENOENT && r != -EOPNOTSUPP) || e->id == CT_ERR_UNKNOWN_KEY)
		return r;
	init = ct_run_init(c, NULL, NULL);
	if (init != -ESRCH && (init < 0 || !ct_pidfd_ended(init, 0)))
		return r;
	ct_err_clear(e);
	return ct_not_running(c, e);
}

int ct_running_dir(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	CT_CLEAN_FD int init = -1;
	int r = ct_where_find(c, &w, e);

	if (r >= 0)
		r = init = ct_where_init(c, &w, NULL, e);
	if (r < 0)
		return r;
	/* another thread has started it in process meanwhile */
	if (w.dir < 0)
		return ct_not_running(c, e);
	return ct_take_fd(&w.dir);
}
