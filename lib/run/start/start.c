/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_start(): in process, or with a supervisor that stays. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/backend.h"
#include "backend/cgroup/ops.h"
#include "base/fd.h"
#include "base/num.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "run/handle/image.h"
#include "run/start/launch.h"
#include "run/start/start.h"

/* Checks the options by themselves. `takes`: the caller takes the process. */
static int check_opts(struct ct_container *c, const ct_start_opts *o, bool takes, struct ct_err *e)
{
	if ((o->flags & CT_START_NOWAIT) && !takes) {
		ct_err_hint(e, "take the process: ct_process_started() tells what came of it");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "start",
			       "no place for the process of a start that is not waited for");
	}
	if ((o->flags & CT_START_DETACH) && !c->name[0]) {
		ct_err_hint(e, "give ct_new() a name");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "start",
			       "an anonymous container cannot be detached");
	}
	if ((o->flags & CT_START_DETACH) && (o->flags & CT_START_NOTIFY)) {
		ct_err_hint(e, "let a proxy serve it: seccomp.notify.proxy");
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "start",
			       "a detached container outlives a caller that serves its filter");
	}
	return ct_check_descriptors(o->stdio, o->keep_fds, o->n_keep_fds, o->exec_fd, "start", e);
}

/* -EBUSY, recorded. */
static int running_already(const struct ct_container *c, struct ct_err *e)
{
	ct_err_object(e, c->name);
	ct_err_hint(e, "wait for its end or stop it first");
	return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "start", "the container is already running");
}

/* Under the lock: 1 when this handle has started one already. */
static int is_busy(const struct ct_container *c)
{
	if (c->starting && ct_process_starting(c->starting))
		return 1;
	return c->init && (ct_process_starting(c->init) || ct_process_in_process(c->init));
}

static int check_running(struct ct_container *c, struct ct_err *e)
{
	int busy;

	pthread_mutex_lock(&c->lock);
	busy = is_busy(c);
	pthread_mutex_unlock(&c->lock);
	if (busy)
		return running_already(c, e);
	return 0;
}

/* How many filters of system calls this thread has, which init inherits; UINT32_MAX: not known. */
static uint32_t own_filters(void)
{
	CT_CLEAN_FD int fd = -1;
	char text[8192], *line;
	uint32_t n = UINT32_MAX;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		return 0;
	fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) < 0)
		return UINT32_MAX;
	line = strstr(text, "\nSeccomp_filters:\t");
	if (!line)
		return UINT32_MAX;
	line += strlen("\nSeccomp_filters:\t");
	line[strcspn(line, "\n")] = '\0';
	if (ct_parse_u32(line, &n) < 0)
		return UINT32_MAX;
	return n;
}

/* Puts the process and its config into the handle, for attach, stop and kill from other threads.
 * -EBUSY: another thread has started one meanwhile. */
static int remember(struct ct_container *c, struct ct_process *p, bool detached, struct ct_err *e)
{
	struct ct_config *copy = NULL, *old_config = NULL;
	struct ct_process **place = &c->starting, *old = NULL;
	uint32_t filters = own_filters();
	int busy;

	if (!detached) {
		place = &c->init;
		copy = ct_start_config(c, &p->launch->prepared, e);
		if (!copy)
			return e->err;
	}
	pthread_mutex_lock(&c->lock);
	busy = is_busy(c);
	if (!busy) {
		old = *place;
		*place = ct_process_get(p);
	}
	if (!busy && copy) {
		old_config = c->running;
		c->running = copy;
		c->filters_before = filters;
	}
	pthread_mutex_unlock(&c->lock);
	if (busy) {
		ct_config_free(copy);
		return running_already(c, e);
	}
	ct_process_put(old);
	ct_config_free(old_config);
	return 0;
}

/* Opens the counter of CPU time, which the keeper polls for limit.cputime. Where that limit is best
 * effort and there is no counter, there is no limit. */
static int open_cpu_time(struct ct_process *proc, struct ct_err *e)
{
	struct ct_spawn *spawn = &proc->launch->spawn;
	const struct ct_spec *spec = proc->launch->prepared.spec;

	if (!spec->limit_cputime_us)
		return 0;
	if (spec->limit_cputime_tried)
		e = NULL;
	spawn->cpu_fd = ct_cgroup_open_cpu_time(&proc->groups, spec, e);
	if (spawn->cpu_fd >= 0)
		spawn->limit_cputime_us = spec->limit_cputime_us;
	else if (!spec->limit_cputime_tried)
		return spawn->cpu_fd;
	return 0;
}

/* The cgroups, and what the keeper needs of them; nothing is left of them when it fails. */
static int setup_cgroups(struct ct_process *proc, struct ct_err *e)
{
	struct ct_launch *l = proc->launch;
	int r = ct_start_setup(l, &proc->undo, &proc->holder, e);

	if (r < 0)
		return r;
	proc->groups = ct_cgroup_take(&l->prepared.backends);
	r = open_cpu_time(proc, e);
	if (r < 0)
		return r;
	return ct_cgroup_open_thaw(&proc->groups, &l->spawn.thaw_fd, e);
}

static int start_in_process(struct ct_container *c, const ct_start_opts *o, struct ct_process *proc,
			    struct ct_err *e)
{
	struct ct_launch *l = proc->launch;
	struct ct_prepared *p = &l->prepared;
	int r;

	l->spawn.plan = p->plan;
	l->spawn.image = c->image;
	l->spawn.limit_time_us = p->spec->limit_time_us;
	ct_start_stdio(o->stdio, l->spawn.stdio);
	proc->reaper = p->spec->init_reaper;
	proc->filter_kills = p->plan->filter_kills;
	proc->program = p->req.execute;
	proc->reboots = !!(ct_build_namespaces(p->spec) & CT_NS_PID);
	l->spawn.output = proc->output.told;
	r = setup_cgroups(proc, e);
	if (r >= 0) {
		ct_launch_deadline(l, o->timeout_ms);
		r = ct_launch_begin(proc, !(o->flags & CT_START_NOWAIT), e);
	} else {
		r = ct_launch_fail(proc, r, e);
	}
	return r;
}

/* Everything that changes nothing on the host. */
static int prepare_launch(struct ct_container *c, const ct_start_opts *o, struct ct_process *proc,
			  struct ct_err *e)
{
	struct ct_prepared *p = &proc->launch->prepared;
	int r = ct_log_check(&c->log, true, e);

	if (r >= 0)
		r = ct_need_image(c, e);
	if (r >= 0)
		r = ct_prepare(c, c->config, p, e);
	if (r >= 0)
		r = ct_prepare_start(c, o, p, e);
	if (r < 0)
		return r;
	if (!c->swept)
		ct_backends_sweep(&p->backends);
	c->swept = 1;
	ct_backends_notice(&p->backends, &c->log);
	/* the plan of a detached start needs the supervisor's inputs, which are opened later */
	if (o->flags & CT_START_DETACH)
		return 0;
	return ct_start_build(p, &proc->output, e);
}

int ct_run_start(struct ct_container *c, const ct_start_opts *o, struct ct_process **out,
		 struct ct_err *e)
{
	struct ct_launch *l;
	struct ct_process *proc;
	int r = check_opts(c, o, out != NULL, e);

	if (r >= 0)
		r = check_running(c, e);
	if (r < 0)
		return r;
	l = ct_launch_new("start", &c->log);
	if (!l)
		return ct_oom(e);
	l->program = &c->program;
	proc = ct_process_new(l, &ct_launch_ops);
	if (!proc)
		return ct_oom(e);
	r = prepare_launch(c, o, proc, e);
	if (r >= 0)
		r = remember(c, proc, o->flags & CT_START_DETACH, e);
	if (r < 0)
		r = ct_launch_fail(proc, r, e);
	else if (o->flags & CT_START_DETACH)
		r = ct_start_detached(c, o, proc, e);
	else
		r = start_in_process(c, o, proc, e);
	/* releases the handle's reference to a detached start that is no longer under way */
	ct_process_put(ct_starting_init(c));
	if (r < 0 || !out)
		ct_process_put(proc);
	else
		*out = proc;
	return r;
}
