/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A start with a supervisor that stays. */
#include "run/start/detached.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/cgroup/state.h"
#include "base/fd.h"
#include "run/child/control.h"
#include "run/state/undo.h"
#include "run/start/launch.h"
#include "run/start/start.h"

/* Opens the container directory, which the supervisor of an ephemeral container removes. Of a
 * container that is not defined only the state goes, and it always does. */
static int open_home(struct ct_container *c, const struct ct_spec *s, struct ct_detached *d,
		     struct ct_err *e)
{
	char *config = ct_container_path(c, "config");

	if (!config)
		return ct_oom(e);
	d->defined = access(config, F_OK) == 0;
	free(config);
	if (!s->ephemeral || !d->defined)
		return 0;
	d->home = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->home >= 0)
		return 0;
	ct_err_origin(e, ct_spec_origin(s, "ephemeral"));
	ct_err_object(e, c->dir);
	return ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "start", "open",
			   "the container directory cannot be opened");
}

/* Takes the state directory, unless the container is running; what a killed supervisor left is
 * cleared. */
static int claim_state(struct ct_container *c, struct ct_detached *d, struct ct_err *e)
{
	int r = ct_state_enter(c->base, c->dir, c->name, CT_STATE_LOCK_MS, &d->dir, &d->lock, e),
	    life;

	if (r < 0)
		return r;
	life = ct_state_sweep(d->dir, d->lock, NULL, NULL, e);
	if (life < 0)
		return life;
	ct_err_object(e, c->name);
	if (life == CT_LIFE_ORPHAN) {
		ct_err_hint(e, "its supervisor was killed: ct_stop() (ct-stop -k) ends it");
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "start", "the container still runs");
	}
	if (life == CT_LIFE_SUPERVISED) {
		ct_err_hint(e, "ct_attach() enters it, ct_stop() ends it");
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "start",
			       "the container is already running");
	}
	ct_err_clear(e);
	r = ct_state_undo(d->dir, e);
	if (r >= 0)
		r = ct_state_clear(d->dir, e);
	if (r >= 0)
		r = ct_state_take_alive(d->dir, &d->alive, e);
	return r;
}

/* Stores the config that runs, for attaches by any process. */
static int save_running(struct ct_container *c, const struct ct_prepared *p, int dirfd,
			struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_CONFIG struct ct_config *config = ct_start_config(c, p, e);
	int r;

	if (!config)
		return e->err;
	r = ct_config_print(config, false, &text);
	if (r >= 0)
		r = ct_write_file_at(dirfd, CT_STATE_CONFIG, ct_buf_text(&text), text.len, 0600);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "start", "openat",
				   "the running config cannot be written");
	return 0;
}

/* Slots of the supervisor's own inputs, in the order of `extra`. */
enum {
	IN_DIR,
	IN_ALIVE,
	IN_LOG,
	IN_LOG_DIR,
	IN_HOME,
	IN_WATCH,
	IN_CONSOLE,
	IN_DEVICE,
	IN_RUN_LOG,
	N_EXTRA
};

/* Carries out phase SETUP, with the journal in the state directory. */
static int set_up(struct ct_launch *l, struct ct_err *e)
{
	struct ct_detached *d = &l->detached;
	int r = 0;

	if (l->prepared.plan->n_setup)
		r = ct_state_undo_begin(d->dir, &d->undo, e);
	if (r >= 0)
		r = ct_start_setup(l, &d->undo, &d->holder, e);
	return r;
}

/* The input that a descriptor is; CT_SLOT_NONE for -1. */
static int slot_of(const struct ct_plan *plan, int fd)
{
	for (int i = 0; fd >= 0 && i < plan->n_inputs; i++)
		if (plan->input_fd[i] == fd)
			return i;
	return CT_SLOT_NONE;
}

/* The cgroups, which the supervisor ends and removes with the container. */
static void fill_cgroups(const struct ct_prepared *p, struct ct_plan_super *s)
{
	const struct ct_cgroup_state *st = ct_cgroup_state(&p->backends);

	/* a limit that is best effort may have no cgroup that counts CPU time */
	if (ct_cg_group_of(&st->held, CT_CG_CPUACCT))
		s->wire.limit_cputime_us = p->spec->limit_cputime_us;
	if (s->wire.limit_cputime_us)
		s->wire.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	for (uint32_t i = 0; i < st->held.n; i++) {
		const struct ct_cg_group *g = &st->held.v[i];

		s->group_path[i] = g->path;
		s->wire.group[i] =
			(struct ct_wire_group){ .dir = (int16_t)slot_of(p->plan, g->fd),
						.version = g->version,
						.monitor = st->want.v[i].monitor,
						.controllers = g->controllers,
						.keep = g->keep,
						.inner = (int16_t)slot_of(p->plan, g->inner_fd) };
	}
	s->wire.n_groups = st->held.n;
}

/* Whether phase END takes back all that the journal tells of. */
static bool is_all_taken_back(const struct ct_prepared *p, const struct ct_undo *undo)
{
	const struct ct_cgroup_state *st = ct_cgroup_state(&p->backends);

	for (uint32_t i = 0; i < p->backends.n; i++) {
		const struct ct_backend *b = p->backends.v[i];

		if (b->undo && ct_undo_names(undo, b->name) && !ct_plan_removes(p->plan, b->name))
			return false;
	}
	for (uint32_t i = 0; i < st->held.n; i++)
		if (st->want.v[i].monitor)
			return false;
	return true;
}

/* With rootfs.managed = 0 the supervisor must not remove the root file system with the container:
 * it recognizes it by device and inode. */
static void keep_rootfs(const struct ct_prepared *p, struct ct_plan_super *s)
{
	struct stat st;

	if (p->spec->rootfs_managed || p->rootfs < 0 || fstat(p->rootfs, &st) < 0)
		return;
	s->wire.flags |= CT_SUPER_KEEP_ROOTFS;
	s->wire.keep_dev = st.st_dev;
	s->wire.keep_ino = st.st_ino;
}

/* The log for what happens after the start: stop hooks, boots that fail. */
static void fill_log(const struct ct_detached *d, struct ct_plan_super *s)
{
	time_t now = time(NULL);
	struct tm tm;

	s->wire.log = CT_SLOT_NONE;
	if (d->run_log < 0)
		return;
	s->wire.log = IN_RUN_LOG;
	s->wire.log_level = (uint16_t)d->run_log_level;
	if (localtime_r(&now, &tm))
		s->wire.utc_offset = (int32_t)tm.tm_gmtoff;
}

static uint32_t super_flags(const struct ct_prepared *p, const struct ct_detached *d)
{
	uint32_t flags = 0;

	if (p->spec->ephemeral || !d->defined)
		flags |= CT_SUPER_EPHEMERAL;
	if (p->req.execute)
		flags |= CT_SUPER_PROGRAM;
	if (p->spec->init_reaper)
		flags |= CT_SUPER_REAPER;
	if (p->plan->filter_kills)
		flags |= CT_SUPER_FILTER_KILLS;
	if (p->spec->hook_version == 0)
		flags |= CT_SUPER_HOOK_ARGS;
	return flags;
}

/* The slot of an input that there may not be. */
static int16_t slot_if(int fd, int slot)
{
	if (fd < 0)
		return CT_SLOT_NONE;
	return (int16_t)slot;
}

static void fill_super(const struct ct_prepared *p, const struct ct_detached *d,
		       struct ct_plan_super *s)
{
	const struct ct_spec *sp = p->spec;

	s->wire = (struct ct_wire_super){ .signal_halt = sp->signal_halt,
					  .signal_stop = sp->signal_stop,
					  .signal_reboot = sp->signal_reboot,
					  .pdeath = SIGKILL,
					  .state_dir = IN_DIR,
					  .alive = IN_ALIVE,
					  .console_log = slot_if(d->log, IN_LOG),
					  .console_log_dir = slot_if(d->log, IN_LOG_DIR),
					  .console_log_size = sp->console_size,
					  .console_buffer = sp->console_buffer_size,
					  .console_rotate = sp->console_rotate,
					  .n_ttys = sp->tty_max,
					  .limit_time_us = sp->limit_time_us,
					  .limit_output = sp->limit_output,
					  .watch = IN_WATCH,
					  .console = slot_if(d->consoled, IN_CONSOLE),
					  .console_device = slot_if(d->device, IN_DEVICE),
					  .home = slot_if(d->home, IN_HOME),
					  .flags = super_flags(p, d) };
	if (sp->pdeath_set)
		s->wire.pdeath = sp->pdeath;
	fill_log(d, s);
	keep_rootfs(p, s);
	fill_cgroups(p, s);
	if (!is_all_taken_back(p, &d->undo))
		s->wire.flags |= CT_SUPER_KEEP_UNDO;
	memcpy(s->wire.boot_id, p->host.boot_id, sizeof(s->wire.boot_id));
	s->wire.boot_id[sizeof(s->wire.boot_id) - 1] = 0;
}

/* Opens the supervisor's own inputs into `extra`; those that there are not are `null`. */
static int open_inputs(struct ct_container *c, struct ct_launch *l, int null, int extra[N_EXTRA],
		       struct ct_err *e)
{
	struct ct_detached *d = &l->detached;
	int r = open_home(c, l->prepared.spec, d, e);

	for (int i = 0; i < N_EXTRA; i++)
		extra[i] = null;
	if (r >= 0)
		r = ct_detached_open_log(l->prepared.spec, d, true, &l->super.log_path, e);
	if (r >= 0)
		r = ct_detached_open_device(l->prepared.spec, d, true, e);
	extra[IN_DIR] = d->dir;
	extra[IN_ALIVE] = d->alive;
	extra[IN_WATCH] = d->watched;
	if (d->log >= 0) {
		extra[IN_LOG] = d->log;
		extra[IN_LOG_DIR] = d->log_dir;
	}
	d->run_log = ct_log_open(&l->log, &d->run_log_level);
	if (d->run_log >= 0)
		extra[IN_RUN_LOG] = d->run_log;
	if (d->home >= 0)
		extra[IN_HOME] = d->home;
	if (d->device >= 0)
		extra[IN_DEVICE] = d->device;
	if (d->consoled >= 0)
		extra[IN_CONSOLE] = d->consoled;
	return r;
}

/* Makes the console as large as the terminal that it goes to, before init runs and may ask for its
 * size. */
static void size_console(struct ct_request *q, int device)
{
	struct winsize size;

	if (device < 0 || ioctl(device, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return;
	q->rows = size.ws_row;
	q->cols = size.ws_col;
}

/* Inputs, plan, state, cgroups, message: everything up to the spawn itself. */
static int prepare_supervisor(struct ct_container *c, const ct_start_opts *o,
			      struct ct_process *proc, int null, struct ct_err *e)
{
	struct ct_launch *l = proc->launch;
	struct ct_prepared *p = &l->prepared;
	struct ct_detached *d = &l->detached;
	struct ct_output output = CT_OUTPUT_INIT;
	int extra[N_EXTRA], r = open_inputs(c, l, null, extra, e);

	size_console(&p->req, d->device);
	p->req.extra_fds = extra;
	p->req.n_extra_fds = N_EXTRA;
	if (r >= 0)
		r = ct_start_build(p, &output, e);
	ct_output_end(&output);
	p->req.extra_fds = NULL;
	if (r >= 0)
		r = save_running(c, p, d->dir, e);
	l->spawn.image = c->image;
	if (r >= 0)
		r = set_up(l, e);
	if (r < 0)
		return r;
	fill_super(p, d, &l->super);
	l->spawn.super = &l->super;
	l->spawn.plan = p->plan;
	for (int i = 0; i < 3; i++)
		l->spawn.stdio[i] = -1;
	if (p->req.stdio_given)
		ct_start_stdio(o->stdio, l->spawn.stdio);
	return r;
}

static int open_console(struct ct_detached *d, struct ct_err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_CONSOLE, "start", "socketpair",
				   "no stream for the console");
	d->console = pair[0];
	d->consoled = pair[1];
	return 0;
}

int ct_start_detached(struct ct_container *c, const ct_start_opts *o, struct ct_process *proc,
		      struct ct_err *e)
{
	struct ct_launch *l = proc->launch;
	struct ct_detached *d = &l->detached;
	CT_CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = 0;

	if (null < 0)
		r = ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "open",
				"/dev/null cannot be opened");
	if (r >= 0)
		r = ct_ctl_watch(&d->watch, &d->watched, e);
	/* without it later calls could not tell whether the state is of this boot of the host */
	if (r >= 0 && !l->prepared.host.boot_id[0]) {
		ct_err_object(e, "/proc/sys/kernel/random/boot_id");
		r = ct_fail_sys(e, -EIO, CT_ERR_STATE, "start", "openat",
				"the host's boot id cannot be read");
	}
	if (r >= 0 && (o->flags & CT_START_PTY))
		r = open_console(d, e);
	if (r >= 0)
		r = claim_state(c, d, e);
	/* from here on a failure has to remove the state: super.name says so */
	if (r >= 0) {
		snprintf(l->name, sizeof(l->name), "%s", c->name);
		l->super.name = l->name;
		r = prepare_supervisor(c, o, proc, null, e);
	}
	if (r < 0)
		return ct_launch_fail(proc, r, e);
	ct_launch_deadline(l, o->timeout_ms);
	return ct_launch_begin(proc, !(o->flags & CT_START_NOWAIT), e);
}
