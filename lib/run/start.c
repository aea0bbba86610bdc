/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_start(): in process, or with a supervisor that stays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/container.h"
#include "run/control.h"
#include "run/groups.h"
#include "run/image.h"

/* What must hold of the options, whatever the config. */
static int check_opts(struct ct_container *c, const ct_start_opts *o, struct ct_err *e)
{
	if ((o->flags & CT_START_DETACH) && !c->name[0]) {
		ct_err_hint(e, "give ct_new() a name");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "start", "an anonymous container cannot be detached");
	}
	return ct_check_descriptors(o->stdio, o->keep_fds, o->n_keep_fds, o->exec_fd, "start", e);
}

static void real_stdio(const int given[3], int out[3])
{
	for (int i = 0; i < 3; i++)
		out[i] = given[i] == 0 ? i : given[i];
}

static int build(struct ct_prepared *p, struct ct_err *e)
{
	return ct_build_start(&p->req, p->arena, &p->plan, &p->stop, e);
}

int ct_need_image(struct ct_container *c, struct ct_err *e)
{
	int fd;

	if (c->image >= 0 && ct_image_valid(c->image))
		return 0;
	if (c->image >= 0)
		ct_image_put();
	c->image = -1;
	fd = ct_image_get(e);
	if (fd < 0)
		return fd;
	c->image = fd;
	return 0;
}

/* Remembers what runs and with which config, for attach, stop and kill. */
static int remember(struct ct_container *c, struct ct_process *p, struct ct_err *e)
{
	struct ct_config *copy = ct_config_copy(c->config), *old_config;
	struct ct_process *old;

	if (!copy)
		return ct_oom(e);
	pthread_mutex_lock(&c->lock);
	old = c->init;
	old_config = c->running;
	c->init = p ? ct_process_get(p) : NULL;
	c->running = copy;
	pthread_mutex_unlock(&c->lock);
	ct_process_put(old);
	ct_config_free(old_config);
	return 0;
}

/* The file that tells the CPU time of the whole tree, for limit.cputime. */
static int open_cpu_time(const struct ct_cg_held *held, const struct ct_spec *s, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_CPUACCT);
	int fd = g ? openat(g->fd, g->version == 2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		return fd;
	ct_err_origin(e, ct_spec_origin(s, "limit.cputime"));
	return ct_fail_sys(e, g ? -errno : -EOPNOTSUPP, CT_ERR_LIMIT, "start", "openat", "the CPU time of the container cannot be read");
}

/* What version 1's freezer holds dies only when it is let go. -1 where there is no such thing. */
static int open_thaw(const struct ct_cg_held *held, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_FREEZER);
	int fd = g && g->version == 1 ? openat(g->fd, "freezer.state", O_WRONLY | O_CLOEXEC) : -1;

	if (!g || g->version != 1 || fd >= 0)
		return fd;
	return ct_fail_sys(e, -errno, CT_ERR_CGROUP, "start", "openat", "the freezer of the container cannot be reached");
}

/* Groups first, then the stage; nothing of either when it fails. */
static int spawn_in_groups(struct ct_prepared *p, struct ct_spawn *spawn, struct ct_cg_held *held, struct ct_placeholder *holder,
			   struct ct_child *child, struct ct_err *e)
{
	CT_CLEAN_FD int cpu = -1, thaw = -1;
	int r = ct_groups_setup(p->plan, &p->groups, -1, held, holder, e);

	if (r >= 0 && p->spec->limit_cputime_us) {
		cpu = open_cpu_time(held, p->spec, p->spec->limit_cputime_tried ? NULL : e);
		r = cpu < 0 && !p->spec->limit_cputime_tried ? cpu : 0;
		spawn->cpu_fd = cpu;
		spawn->limit_cputime_us = cpu < 0 ? 0 : p->spec->limit_cputime_us;
	}
	if (r >= 0 && (spawn->limit_time_us || spawn->limit_cputime_us)) {
		spawn->thaw_fd = thaw = open_thaw(held, e);
		r = thaw < -1 ? thaw : 0;
	}
	if (r >= 0)
		r = ct_spawn(spawn, child, e);
	if (r < 0) {
		ct_cg_undo(held, NULL);
		ct_placeholder_end(holder);
	}
	return r;
}

static int start_in_process(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p, struct ct_process **out, struct ct_err *e)
{
	struct ct_output output = CT_OUTPUT_INIT;
	struct ct_cg_held held = CT_CG_HELD_INIT;
	struct ct_placeholder holder = CT_PLACEHOLDER_INIT;
	struct ct_child child = CT_CHILD_INIT;
	struct ct_spawn spawn = {.plan = p->plan, .image = c->image, .limit_time_us = p->spec->limit_time_us, .cpu_fd = -1, .thaw_fd = -1, .log = &c->log};
	int ends[2] = {-1, -1}, r = 0;
	struct ct_process *proc;

	real_stdio(o->stdio, spawn.stdio);
	if (p->stop->n_steps) {
		ct_err_origin(e, p->stop->steps[0].at);
		ct_err_hint(e, "start it detached, or do after ct_process_wait() what the hook would do");
		return ct_fail(e, -EOPNOTSUPP, CT_ERR_HOOK, "start", "a hook for the end needs a supervisor");
	}
	if (p->spec->limit_output && (o->flags & CT_START_PTY)) {
		ct_err_origin(e, ct_spec_origin(p->spec, "limit.output"));
		ct_err_hint(e, "start without a terminal, or count what you read from it");
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "start", "what a terminal says cannot be limited in process");
	}
	if (p->spec->limit_output)
		r = ct_output_begin(&output, p->spec->limit_output, spawn.stdio, ends, e);
	if (r >= 0)
		r = spawn_in_groups(p, &spawn, &held, &holder, &child, e);
	ct_close(&ends[0]);
	ct_close(&ends[1]);
	if (r < 0) {
		ct_output_end(&output);
		return r;
	}
	proc = ct_process_make(&child, -1, -1);
	if (!proc) {
		ct_output_end(&output);
		ct_cg_undo(&held, NULL);
		ct_placeholder_end(&holder);
		return ct_oom(e);
	}
	proc->output = output;
	proc->groups = held;
	proc->holder = holder;
	proc->reboots = !!(ct_build_namespaces(p->spec) & CT_NS_PID);
	r = remember(c, proc, e);
	if (r < 0 || !out)
		ct_process_put(proc);
	else
		*out = proc;
	return r;
}

/* Descriptors of a detached start, closed in the caller once the supervisor has its own. */
struct detached {
	int dir, lock, alive, log, log_dir;
	int home;	/* of an ephemeral container: the directory that has its own; -1 */
	int defined;
	int console, consoled;	/* CT_START_PTY: the console's first client, from its first byte on */
	int watch, watched;	/* tells of the end: ours, the supervisor's end */
	int ends[2];		/* for the payload's output, when it is counted */
	int journal;		/* of the groups, in dir */
	struct ct_cg_held groups;
	struct ct_placeholder holder;
};

static void detached_close(struct detached *d)
{
	ct_close(&d->alive);
	ct_close(&d->log);
	ct_close(&d->log_dir);
	ct_close(&d->home);
	ct_close(&d->watch);
	ct_close(&d->watched);
	ct_close(&d->console);
	ct_close(&d->consoled);
	ct_close(&d->ends[0]);
	ct_close(&d->ends[1]);
	ct_placeholder_end(&d->holder);
	ct_close(&d->journal);
	ct_cg_forget(&d->groups);
	ct_close(&d->lock);
	ct_close(&d->dir);
}

static int open_console_log(const struct ct_spec *s, struct detached *d, const char **name, struct ct_err *e)
{
	const char *path = s->console_logfile, *slash = path ? strrchr(path, '/') : NULL;
	char dir[4096];

	if (!path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	*name = slash ? slash + 1 : path;
	d->log_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->log_dir >= 0)
		d->log = openat(d->log_dir, *name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
	if (d->log >= 0)
		return 0;
	ct_err_origin(e, ct_spec_origin(s, "console.logfile"));
	ct_err_object(e, path);
	return ct_fail_sys(e, -errno, CT_ERR_CONSOLE, "start", "openat", "the console's log cannot be opened");
}

/* What an ephemeral container takes with it, when it is defined at all; of one that is not, no state stays either. */
static int open_home(struct ct_container *c, const struct ct_spec *s, struct detached *d, struct ct_err *e)
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
	return ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "start", "open", "the container directory cannot be opened");
}

/* The container must not run; what a killed supervisor left is cleared. */
static int claim_state(struct ct_container *c, struct detached *d, struct ct_err *e)
{
	int r = ct_state_enter(c->base, c->dir, c->name, CT_STATE_LOCK_MS, &d->dir, &d->lock, e), life;

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
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "start", "the container runs already");
	}
	ct_err_clear(e);
	r = ct_groups_clear(d->dir, e);
	if (r >= 0)
		r = ct_state_clear(d->dir, e);
	return r < 0 ? r : ct_state_take_alive(d->dir, &d->alive, e);
}

/* The config that runs, for those who attach later, from whatever process. */
static int save_running(struct ct_container *c, int dirfd, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = ct_config_print(c->config, &text);

	if (r >= 0)
		r = ct_write_file_at(dirfd, CT_STATE_CONFIG, ct_buf_text(&text), text.len, 0600);
	return r < 0 ? ct_fail_sys(e, r, CT_ERR_STATE, "start", "openat", "the running config cannot be written") : 0;
}

/* Slots of the supervisor's own inputs, in the order of `extra`. */
enum { IN_DIR, IN_ALIVE, IN_LOG, IN_LOG_DIR, IN_HOME, IN_WATCH, IN_CONSOLE, N_EXTRA };

static int make_groups(struct ct_prepared *p, struct detached *d, struct ct_err *e)
{
	if (!p->groups.n)
		return 0;
	d->journal = ct_groups_journal(d->dir, e);
	return d->journal < 0 ? d->journal : ct_groups_setup(p->plan, &p->groups, d->journal, &d->groups, &d->holder, e);
}

static int slot_of(const struct ct_plan *plan, int fd)
{
	for (int i = 0; i < plan->n_inputs; i++)
		if (plan->input_fd[i] == fd)
			return i;
	return CT_SLOT_NONE;
}

/* What the supervisor ends and removes with the container. */
static void fill_groups(const struct ct_prepared *p, const struct detached *d, struct ct_plan_super *s)
{
	/* without a group that tells it there is none only where "try:" was written */
	s->wire.limit_cputime_us = ct_cg_group_of(&d->groups, CT_CG_CPUACCT) ? p->spec->limit_cputime_us : 0;
	for (uint32_t i = 0; i < d->groups.n; i++) {
		const struct ct_cg_group *g = &d->groups.v[i];

		s->group_path[i] = g->path;
		s->wire.group[i] = (struct ct_wire_group){.dir = (int16_t)slot_of(p->plan, g->fd), .version = g->version,
							  .monitor = p->groups.v[i].monitor, .controllers = g->controllers,
							  .keep = g->keep,
							  .inner = g->inner_fd < 0 ? CT_SLOT_NONE : (int16_t)slot_of(p->plan, g->inner_fd)};
	}
	s->wire.n_groups = d->groups.n;
}

static void fill_super(const struct ct_prepared *p, const struct detached *d, struct ct_plan_super *s)
{
	const struct ct_spec *sp = p->spec;

	s->wire = (struct ct_wire_super){.signal_halt = sp->signal_halt, .signal_stop = sp->signal_stop, .signal_reboot = sp->signal_reboot,
					 .pdeath = sp->pdeath_set ? sp->pdeath : SIGKILL, .state_dir = IN_DIR, .alive = IN_ALIVE,
					 .console_log = d->log >= 0 ? IN_LOG : CT_SLOT_NONE,
					 .console_log_dir = d->log >= 0 ? IN_LOG_DIR : CT_SLOT_NONE,
					 .console_log_size = sp->console_size, .console_buffer = sp->console_buffer_size,
					 .console_rotate = sp->console_rotate, .n_ttys = sp->tty_max,
					 .limit_time_us = sp->limit_time_us, .limit_output = sp->limit_output,
					 .watch = IN_WATCH, .console = d->consoled >= 0 ? IN_CONSOLE : CT_SLOT_NONE,
					 .home = d->home >= 0 ? IN_HOME : CT_SLOT_NONE,
					 .flags = (sp->ephemeral || !d->defined ? CT_SUPER_EPHEMERAL : 0) |
						  (p->req.execute ? CT_SUPER_PROGRAM : 0)};
	fill_groups(p, d, s);
	memcpy(s->wire.boot_id, p->host.boot_id, sizeof(s->wire.boot_id));
	s->wire.boot_id[sizeof(s->wire.boot_id) - 1] = 0;
}

static int spawn_supervisor(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p, struct detached *d,
			    struct ct_output *output, struct ct_child *child, struct ct_err *e)
{
	struct ct_plan_super super = {.name = c->name};
	struct ct_spawn spawn = {.super = &super, .image = c->image, .log = &c->log, .cpu_fd = -1, .thaw_fd = -1, .stdio = {-1, -1, -1}};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r;
	int extra[N_EXTRA] = {d->dir, d->alive, null, null, null, d->watched, null};

	if (null < 0)
		return ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "open", "/dev/null cannot be opened");
	r = open_home(c, p->spec, d, e);
	if (r >= 0)
		r = open_console_log(p->spec, d, &super.log_path, e);
	if (d->log >= 0) {
		extra[IN_LOG] = d->log;
		extra[IN_LOG_DIR] = d->log_dir;
	}
	if (d->home >= 0)
		extra[IN_HOME] = d->home;
	if (d->consoled >= 0)
		extra[IN_CONSOLE] = d->consoled;
	p->req.extra_fds = extra;
	p->req.n_extra_fds = N_EXTRA;
	if (r >= 0)
		r = build(p, e);
	if (r >= 0)
		r = save_running(c, d->dir, e);
	if (r >= 0)
		r = make_groups(p, d, e);
	if (r >= 0) {
		fill_super(p, d, &super);
		super.stop = p->stop;
		spawn.plan = p->plan;
		if (p->req.stdio_given)
			real_stdio(o->stdio, spawn.stdio);
		if (p->req.stdio_given && p->spec->limit_output)
			r = ct_output_begin(output, p->spec->limit_output, spawn.stdio, d->ends, e);
	}
	if (r >= 0)
		r = ct_spawn(&spawn, child, e);
	close(null);
	return r;
}

static int open_console(struct detached *d, struct ct_err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_CONSOLE, "start", "socketpair", "no stream for the console");
	d->console = pair[0];
	d->consoled = pair[1];
	return 0;
}

/* The supervisor counts what the console prints. What goes to descriptors of the caller's is counted by who waits. */
static int check_output_limit(const struct ct_prepared *p, int somebody, struct ct_err *e)
{
	if (!p->spec->limit_output || !p->req.stdio_given || somebody)
		return 0;
	ct_err_origin(e, ct_spec_origin(p->spec, "limit.output"));
	ct_err_hint(e, "take the process and wait for it, or leave stdio to the console");
	return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "start", "nobody would count what goes to the descriptors handed over");
}

static int start_detached(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p, struct ct_process **out, struct ct_err *e)
{
	struct detached d = {-1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, {-1, -1}, -1, CT_CG_HELD_INIT, CT_PLACEHOLDER_INIT};
	struct ct_output output = CT_OUTPUT_INIT;
	struct ct_child child = CT_CHILD_INIT;
	struct ct_process *proc;
	int r = check_output_limit(p, out != NULL, e);

	if (r >= 0)
		r = ct_ctl_watch(&d.watch, &d.watched, e);

	/* without it nobody could tell later whether the state is of this boot of the host */
	if (r >= 0 && !p->host.boot_id[0]) {
		ct_err_object(e, "/proc/sys/kernel/random/boot_id");
		r = ct_fail_sys(e, -EIO, CT_ERR_STATE, "start", "openat", "the host's boot id cannot be read");
	}
	if (r >= 0 && (o->flags & CT_START_PTY))
		r = open_console(&d, e);
	if (r >= 0)
		r = claim_state(c, &d, e);
	if (r < 0) {
		detached_close(&d);
		return r;
	}
	r = spawn_supervisor(c, o, p, &d, &output, &child, e);
	ct_placeholder_end(&d.holder);
	if (r < 0) {
		ct_groups_clear(d.dir, NULL);
		ct_state_remove(d.dir, c->name, NULL);
		ct_output_end(&output);
		detached_close(&d);
		return r;
	}
	ct_cg_settle(&d.groups);
	child.pty = ct_take_fd(&d.console);
	proc = ct_process_make(&child, ct_take_fd(&d.watch), ct_take_fd(&d.dir));
	detached_close(&d);
	if (proc)
		proc->output = output;
	else
		ct_output_end(&output);
	if (!proc || !out)
		ct_process_put(proc);
	else
		*out = proc;
	return proc ? 0 : ct_oom(e);
}

int ct_run_start(struct ct_container *c, const ct_start_opts *o, struct ct_process **out, struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	struct ct_process *running = ct_running_init(c);
	int r = check_opts(c, o, e);

	ct_process_put(running);
	if (r >= 0 && running) {
		ct_err_object(e, c->name);
		ct_err_hint(e, "wait for its end or stop it first");
		r = ct_fail(e, -EBUSY, CT_ERR_RUNNING, "start", "the container runs already");
	}
	if (r >= 0)
		r = ct_need_image(c, e);
	if (r >= 0)
		r = ct_prepare(c, c->config, &p, e);
	if (r >= 0)
		r = ct_prepare_start(c, o, &p, e);
	if (r < 0)
		return r;
	if (p.groups.n && !c->swept)
		ct_groups_sweep(&c->trees, &p.groups);
	c->swept = 1;
	if (o->flags & CT_START_DETACH)
		return start_detached(c, o, &p, out, e);
	r = build(&p, e);
	return r < 0 ? r : start_in_process(c, o, &p, out, e);
}
