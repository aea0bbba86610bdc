/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a handle and its options to a request for a plan: opens what the plan needs, and refuses
 * options that do not go together. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <termios.h>
#include <unistd.h>

#include "backend/cgroup/owner.h"
#include "backend/seccomp/ops.h"
#include "base/namespaces.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "shared/weak.h"

extern char **environ;

void ct_prepared_free(struct ct_prepared *p)
{
	ct_close(&p->rootfs);
	ct_close(&p->output);
	for (int i = 0; i < CT_NAMESPACES; i++)
		ct_close(&p->share[i]);
	ct_backends_close(&p->backends);
	ct_arena_free(p->arena);
	p->arena = NULL;
}

#define MAX_KEEP 253 /* they become the descriptors 3 to 255 */

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Whether a member of an option struct is valid: 0, which is none or the caller's own, or a
 * descriptor that is open. */
static int is_valid(int fd)
{
	return !fd || (ct_given_fd(fd) >= 0 && is_open(ct_given_fd(fd)));
}

int ct_check_descriptors(const int stdio[3], const int *keep, size_t n_keep, int exec_fd,
			 const char *where, struct ct_err *e)
{
	for (int i = 0; i < 3; i++)
		if (!is_valid(stdio[i]) && stdio[i] != -1)
			return ct_fail(e, -EBADF, CT_ERR_DESCRIPTOR, where,
				       "stdio[%d] = %d is not an open descriptor", i, stdio[i]);
	if (n_keep > MAX_KEEP)
		return ct_fail(e, -EINVAL, CT_ERR_DESCRIPTOR, where,
			       "%zu descriptors to keep are more than the %d that can be", n_keep,
			       MAX_KEEP);
	for (size_t i = 0; i < n_keep; i++)
		if (!keep || !is_open(keep[i]))
			return ct_fail(e, -EBADF, CT_ERR_DESCRIPTOR, where,
				       "keep_fds[%zu] is not an open descriptor", i);
	if (!is_valid(exec_fd))
		return ct_fail(e, -EBADF, CT_ERR_DESCRIPTOR, where,
			       "exec_fd = %d is not an open descriptor", exec_fd);
	return 0;
}

/* The kernel has fewer control characters than the C library may have room for. */
int ct_terminal_modes(int given, struct ct_arena *arena, const char **out, const char *where,
		      struct ct_err *e)
{
	int fd = ct_given_fd(given);
	struct termios t;
	const char *text;

	*out = NULL;
	if (fd < 0)
		return 0;
	if (tcgetattr(fd, &t) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_DESCRIPTOR, where, "ioctl",
				   "modes_fd = %d is not a terminal", fd);
	text = ct_arena_printf(arena, "%x:%x:%x:%x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	for (int i = 0; i < CT_TERMINAL_CHARS && text; i++)
		text = ct_arena_printf(arena, "%s:%x", text, t.c_cc[i]);
	*out = text;
	if (!text)
		return ct_oom(e);
	return 0;
}

static const struct {
	uint64_t flag, attr, propagation;
} mount_flags[] = {
	{ CT_MOUNT_READONLY, MOUNT_ATTR_RDONLY, 0 }, { CT_MOUNT_NOSUID, MOUNT_ATTR_NOSUID, 0 },
	{ CT_MOUNT_NODEV, MOUNT_ATTR_NODEV, 0 },     { CT_MOUNT_NOEXEC, MOUNT_ATTR_NOEXEC, 0 },
	{ CT_MOUNT_PRIVATE, 0, MS_PRIVATE },	     { CT_MOUNT_SLAVE, 0, MS_SLAVE },
	{ CT_MOUNT_SHARED, 0, MS_SHARED },	     { CT_MOUNT_UNBINDABLE, 0, MS_UNBINDABLE },
};

static const char *strip_slashes(const char *s)
{
	return s + strspn(s, "/");
}

/* How a missing target is made. */
static uint8_t create_mode(const struct ct_extra_mount *x)
{
	if (!(x->flags & CT_MOUNT_CREATE))
		return CT_CREATE_NO;
	if (x->fstype)
		return CT_CREATE_DIR;
	return CT_CREATE_LIKE_SOURCE;
}

static struct ct_mount_item extra_mount(const struct ct_extra_mount *x)
{
	struct ct_mount_item m = { .at = { .key = "ct_add_mount" },
				   .source = x->source,
				   .target = strip_slashes(x->target),
				   .fstype = x->fstype,
				   .data = x->options,
				   .source_fd = x->fd,
				   .bind = !x->fstype,
				   .recursive = x->flags & CT_MOUNT_RECURSIVE,
				   .optional = x->flags & CT_MOUNT_OPTIONAL,
				   .create = create_mode(x) };

	for (unsigned k = 0; k < sizeof(mount_flags) / sizeof(*mount_flags); k++)
		if (x->flags & mount_flags[k].flag) {
			m.attr_set |= mount_flags[k].attr;
			m.propagation |= mount_flags[k].propagation;
		}
	return m;
}

/* The mounts of ct_add_mount() come after those of the config. */
static int add_extra_mounts(struct ct_container *c, struct ct_prepared *p, struct ct_err *e)
{
	struct ct_mounts *list = &p->spec->mounts;
	struct ct_mount_item *v;

	if (!c->n_mounts)
		return 0;
	v = ct_arena_grow(p->arena, list->v, list->n, list->n + c->n_mounts, sizeof(*v));
	if (!v)
		return ct_oom(e);
	for (uint32_t i = 0; i < c->n_mounts; i++)
		v[list->n + i] = extra_mount(&c->mounts[i]);
	list->v = v;
	list->n += c->n_mounts;
	return 0;
}

/* The kernel is probed once for a handle; the caller's rights, which may change, each time. */
static int probe_host(struct ct_container *c, struct ct_err *e)
{
	int r;

	if (c->host_known)
		r = ct_host_refresh(&c->host, e);
	else
		r = ct_host_probe(&c->host, e);
	if (r >= 0)
		r = ct_host_check(&c->host, e);
	c->host_known = r >= 0;
	return r;
}

/* Probes the cgroup hierarchies, unless `holds` finds the result of the last probe still valid. */
static int probe_cgroups(struct ct_container *c, bool (*holds)(const struct ct_cgroups *),
			 struct ct_cgroups *out, struct ct_err *e)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	if (!c->trees_arena)
		c->trees_arena = ct_arena_new();
	/* earlier results stay in the arena: another thread may still use them */
	if (!c->trees_arena)
		r = ct_oom(e);
	else if (!holds(&c->trees))
		r = ct_cgroups_probe(&c->trees, c->trees_arena, e);
	if (r < 0)
		c->trees = (struct ct_cgroups){ .n = 0 };
	*out = c->trees;
	pthread_mutex_unlock(&c->lock);
	return r;
}

int ct_look_at_cgroups(struct ct_container *c, struct ct_cgroups *out, struct ct_err *e)
{
	return probe_cgroups(c, ct_cgroups_still, out, e);
}

int ct_prepare(struct ct_container *c, const struct ct_config *config, struct ct_prepared *p,
	       struct ct_err *e)
{
	int r;

	p->arena = ct_arena_new();
	if (!p->arena)
		return ct_oom(e);
	r = probe_host(c, e);
	if (r < 0)
		return r;
	p->host = c->host;
	p->spec = ct_spec_read(config, p->arena, e);
	if (!p->spec)
		return e->err;
	p->spec->rootfs_fd = c->rootfs_fd;
	return add_extra_mounts(c, p, e);
}

static int rootfs_failed(struct ct_prepared *p, int err, const char *path, struct ct_err *e)
{
	ct_err_origin(e, ct_spec_origin(p->spec, "rootfs.path"));
	ct_err_object(e, path);
	if (err == -ENOTDIR || err == -ELOOP) {
		ct_err_hint(e, "give the path of a real directory; a link in its last component is "
			       "not followed");
		return ct_fail_sys(e, err, CT_ERR_ROOTFS, "start", "open",
				   "the root file system is not a directory");
	}
	ct_err_hint(e, "make the root file system first (ct-create does), or mend rootfs.path");
	return ct_fail_sys(e, err, CT_ERR_ROOTFS, "start", "open",
			   "the root file system cannot be opened");
}

static int open_rootfs(struct ct_container *c, struct ct_prepared *p, struct ct_err *e)
{
	const char *path = p->spec->rootfs_path;
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	char *plain;
	size_t n;

	if (c->rootfs_fd >= 0) {
		p->rootfs = ct_dup(c->rootfs_fd);
		if (p->rootfs >= 0)
			return 0;
		return ct_fail_sys(e, p->rootfs, CT_ERR_DESCRIPTOR, "start", "fcntl",
				   "the root directory's descriptor cannot be duplicated");
	}
	/* the plan's builder refuses it with its name */
	if (p->spec->rootfs_backend)
		return 0;
	if (!path) {
		ct_err_hint(e, "set rootfs.path, or hand over a directory with ct_set_rootfs_fd(); "
			       "rootfs.path = / is the host's own");
		return ct_fail(e, -EINVAL, CT_ERR_ROOTFS, "start", "no root file system is given");
	}
	/* A slash at the end would make the kernel follow a link in its place. */
	plain = ct_arena_strdup(p->arena, path);
	if (!plain)
		return ct_oom(e);
	for (n = strlen(plain); n > 1 && plain[n - 1] == '/'; n--)
		plain[n - 1] = 0;
	if (!ct_weak(CT_WEAK_ROOTFS_LINK))
		flags |= O_NOFOLLOW;
	p->rootfs = open(plain, flags);
	if (p->rootfs >= 0)
		return 0;
	return rootfs_failed(p, -errno, plain, e);
}

/* The process that `namespace.share` names: by a process id, a container's name, or a path to a
 * container. */
static pid_t share_pid(struct ct_container *c, const struct ct_share_item *s, struct ct_err *e)
{
	CT_CLEAN_FD int dirfd = -1, pidfd = -1;
	struct ct_ctl_reply reply;
	const char *slash = strrchr(s->with, '/'), *name = s->with;
	char dir[4096];
	uint32_t pid;
	int r;

	if (ct_parse_u32(s->with, &pid) == 0)
		return (pid_t)pid;
	snprintf(dir, sizeof(dir), "%s", c->dir);
	if (slash) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - s->with), s->with);
		name = slash + 1;
	}
	r = ct_state_open(c->base, dir, name, 0, &dirfd, e);
	if (r >= 0)
		r = ct_ctl_status(dirfd, &reply, &pidfd, e);
	if (r == -ECONNRESET)
		r = -ESRCH;
	if (r < 0)
		return r;
	return reply.init_pid;
}

static int share_failed(struct ct_err *e, int err, const char *why)
{
	ct_err_hint(e, "give the process id, the name, or the path of a container that runs");
	return ct_fail(e, err, CT_ERR_NAMESPACE, "start", "%s", why);
}

static int open_one(struct ct_container *c, struct ct_prepared *p, const struct ct_share_item *s,
		    struct ct_err *e)
{
	int kind = __builtin_ctz(s->ns);
	char path[64];
	pid_t pid;

	ct_err_origin(e, &s->at);
	ct_err_object(e, s->with);
	pid = share_pid(c, s, e);
	if (pid == 0)
		pid = -ESRCH;
	if (pid < 0)
		return share_failed(e, (int)pid, "there is no such running container");
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ct_namespaces[kind].name);
	ct_close(&p->share[kind]);
	p->share[kind] = open(path, O_RDONLY | O_CLOEXEC);
	if (p->share[kind] < 0)
		return share_failed(e, -errno, "its namespace cannot be opened");
	ct_err_reset(e);
	return 0;
}

static int open_shared(struct ct_container *c, struct ct_prepared *p, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; i < p->spec->ns_share.n && r >= 0; i++)
		r = ct_err_go_on(e, open_one(c, p, &p->spec->ns_share.v[i], e));
	return r;
}

/* The cgroup hierarchies that the handle has probed, for backends. */
static int hierarchies(void *arg, bool anew, struct ct_cgroups *out, struct ct_err *e)
{
	if (anew)
		return probe_cgroups(arg, ct_cgroups_still, out, e);
	return probe_cgroups(arg, ct_cgroups_of_caller, out, e);
}

int ct_open_backends(struct ct_container *c, struct ct_prepared *p, const char *mark,
		     struct ct_err *e)
{
	struct ct_backend_input in = { .req = &p->req,
				       .host = &p->host,
				       .arena = p->arena,
				       .mark = mark,
				       .hierarchies = hierarchies,
				       .arg = c };

	ct_backends_close(&p->backends);
	return ct_backends_open(&p->backends, &in, e);
}

/* The cgroups of a container in process have its owner's mark in their names. Those of a detached
 * one are found by its state directory. */
static int open_for_start(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p,
			  struct ct_err *e)
{
	bool detached = o->flags & CT_START_DETACH;
	char *mark = ct_arena_alloc(p->arena, CT_OWNER_MARK);

	if (!mark)
		return ct_oom(e);
	if (!detached && !c->process[0])
		ct_owner_process(c->process);
	if (!detached)
		ct_owner_mark(mark, c->process);
	return ct_open_backends(c, p, mark, e);
}

/* `path` relative to the directory `top`, both without links: "" for the directory itself, NULL: it
 * is elsewhere. */
static const char *below(const char *path, const char *top)
{
	size_t n = strlen(top);

	while (n > 0 && top[n - 1] == '/')
		n--;
	if (strncmp(path, top, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

/* Adds a path where the payload would see the state directory: `rest`, below `under`. */
static int hide(struct ct_prepared *p, const char *under, const char *rest)
{
	const char **v = ct_arena_alloc(p->arena, (p->req.n_hidden + 1) * sizeof(*v));
	char *path;

	if (*under)
		path = ct_arena_printf(p->arena, "%s/%s", under, rest);
	else
		path = ct_arena_strdup(p->arena, rest);
	if (!v || !path)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->req.n_hidden; i++)
		v[i] = p->req.hidden[i];
	v[p->req.n_hidden++] = path;
	p->req.hidden = v;
	return 0;
}

/* Hides the state directory `base` where the host's directory `top`, without links, brings it into
 * the container, at `under` below the root. One that is bound itself is meant to be seen. */
static int hide_below(struct ct_prepared *p, const char *base, const char *top, const char *under)
{
	const char *rest = below(base, top);

	if (!rest || !*rest)
		return 0;
	return hide(p, under, rest);
}

/* The state directory and its sockets are on the host: a root or a bind mount that contains them
 * would show them. */
static int hide_state(struct ct_container *c, struct ct_prepared *p, struct ct_err *e)
{
	char base[PATH_MAX], top[PATH_MAX], link[40];
	ssize_t n = -1;
	int r = 0;

	if (!c->base || !realpath(c->base, base))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", p->rootfs);
	if (p->rootfs >= 0)
		n = readlink(link, top, sizeof(top) - 1);
	if (n > 0) {
		top[n] = 0;
		r = hide_below(p, base, top, "");
	}
	for (uint32_t i = 0; i < p->spec->mounts.n && r >= 0; i++) {
		const struct ct_mount_item *m = &p->spec->mounts.v[i];

		if (m->bind && m->source_fd < 0 && m->source && !m->relative &&
		    realpath(m->source, top))
			r = hide_below(p, base, top, m->target);
	}
	if (r < 0)
		return ct_oom(e);
	return 0;
}

/* Whether this process has a negative oom_score_adj. */
static bool oom_protected(void)
{
	CT_CLEAN_FD int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read(fd, &c, 1) == 1 && c == '-';
}

/* A container whose config lacks a setting, such as a limit, because of a typo must not start: a
 * failed call that the caller has not asked the error of makes the start fail. */
static int refuse_unread(struct ct_container *c, struct ct_err *e)
{
	struct ct_err held;
	int r = ct_records_held(&c->errors, &held);

	if (r == 0)
		return 0;
	ct_err_hint(e, "ask ct_last_error() when a call has failed, or set the key again");
	return ct_fail(e, r, held.id, "config",
		       "an earlier call failed, and nobody has asked why: %s", held.message);
}

/* What a program is kept from when its config does not say: by our filter, and without any profile
 * by one for keys alone. */
static void keep_from_host(struct ct_spec *s)
{
	const char *usual = ct_filter_usual();
	bool named = s->seccomp_profile && strcmp(s->seccomp_profile, "none") != 0;

	if (!s->seccomp_profile)
		s->seccomp_profile = usual;
	if (!s->keyring_user_set && usual && !named)
		s->keyring_user = false;
}

int ct_prepare_start(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p,
		     struct ct_err *e)
{
	int r = ct_err_go_on(e, refuse_unread(c, e));

	if (r >= 0)
		r = ct_err_go_on(e, open_rootfs(c, p, e));
	if (r >= 0)
		r = open_shared(c, p, e);
	if (r < 0)
		return r;
	p->req = (struct ct_request){ .spec = p->spec,
				      .host = &p->host,
				      .name = c->name,
				      .config_file = c->config_file,
				      .argv = o->argv,
				      .envp = o->envp,
				      .caller_env = (const char *const *)environ,
				      .pty = o->flags & CT_START_PTY,
				      .clear_env = o->flags & CT_START_CLEAR_ENV,
				      .execute = o->flags & CT_START_EXECUTE,
				      .no_new_privs = o->flags & CT_START_NO_NEW_PRIVS,
				      .reaper = o->flags & CT_START_REAPER,
				      .no_reaper = o->flags & CT_START_NO_REAPER,
				      .detached = o->flags & CT_START_DETACH,
				      .notify = o->flags & CT_START_NOTIFY,
				      .oom_protected = oom_protected(),
				      .stdio_given = (o->flags & CT_START_DETACH) &&
						     (o->stdio[0] || o->stdio[1] || o->stdio[2]),
				      .rows = 24,
				      .cols = 80,
				      .has_exec_fd = ct_given_fd(o->exec_fd) >= 0,
				      .exec_fd = ct_given_fd(o->exec_fd),
				      .keep_fds = o->keep_fds,
				      .n_keep_fds = (uint32_t)o->n_keep_fds,
				      .rootfs_fd = p->rootfs,
				      .output_fd = -1 };
	if (o->rows)
		p->req.rows = o->rows;
	if (o->cols)
		p->req.cols = o->cols;
	for (int i = 0; i < CT_NAMESPACES; i++)
		p->req.share_fd[i] = p->share[i];
	if (p->req.pty)
		r = ct_terminal_modes(o->modes_fd, p->arena, &p->req.modes, "start", e);
	if (r < 0)
		return r;
	/* before the backends: the reaper is one process more under limit.pids */
	p->spec->init_reaper = ct_build_reaper(&p->req);
	if (p->req.execute || !c->name[0])
		keep_from_host(p->spec);
	r = ct_err_go_on(e, open_for_start(c, o, p, e));
	if (r < 0)
		return r;
	return hide_state(c, p, e);
}
