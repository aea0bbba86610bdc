/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Probes the cgroup hierarchies of this host. The mount table alone is not enough, for one mount
 * may cover another: a path must lead to the mount. */
#include "host/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "host/look.h"

#define MOUNTINFO_MAX (16u << 20)
#define SELF_MAX (64u << 10)
#define PATH_SIZE 4096
#define SELF "/proc/thread-self/cgroup"
#define UNSEEN "the cgroups of this host cannot be looked at"
#define NAMESPACE_DEPTH 64     /* levels that a cgroup namespace may begin below a mount */
#define NAMESPACE_GROUPS 20000 /* cgroups that are searched for the caller's own */

/* ---- what the directories allow -------------------------------------------------------------- */

/* A file of a hierarchy, at its top or in the caller's directory. False: the path is too long. */
static bool path_of(const struct ct_cg_tree *t, const char *dir, const char *file,
		    char path[PATH_SIZE])
{
	return *ct_look_path(t, dir, file, path, PATH_SIZE);
}

/* The controllers named in a file of version 2. 0, also when there is no such file, or an errno of
 * reading it. */
static int controllers_in(const char *path, uint32_t *bits)
{
	char text[512];
	const char *s = text;
	ssize_t r = ct_host_read(path, text, sizeof(text));

	*bits = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return (int)r;
	while (*s) {
		size_t n = strcspn(s, " ");

		*bits |= ct_cg_bit(s, n);
		s += n + (s[n] == ' ');
	}
	return 0;
}

/* Whether the caller may make no cgroup in a directory. */
static bool closed(const struct ct_cg_tree *t, const char *dir)
{
	char path[PATH_SIZE];

	if (!path_of(t, dir, "", path))
		return false;
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 &&
	       (errno == EACCES || errno == EPERM || errno == EROFS);
}

/* systemd sets an attribute of a cgroup that it has delegated ("Delegate=" in
 * systemd.resource-control(5)); user.* since 251. */
static bool is_delegated(const char *path)
{
	static const char *const names[] = { "user.delegate", "trusted.delegate" };
	char value[4];

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (getxattr(path, names[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	return false;
}

/* Finds the nearest cgroup above the caller's that was delegated. A service may have moved itself
 * into a cgroup below the delegated one, which then has no process and can enable controllers. */
static int find_granted(struct ct_cg_tree *t, struct ct_arena *a)
{
	size_t top = strlen(t->mount);
	char path[PATH_SIZE], below[PATH_SIZE], text[8];

	if (!path_of(t, t->self, "", path))
		return 0;
	for (*strrchr(path, '/') = '\0'; strlen(path) > top && !is_delegated(path);
	     *strrchr(path, '/') = '\0')
		;
	if (strlen(path) <= top || closed(t, path + top))
		return 0;
	t->granted = ct_arena_strdup(a, path + top);
	if (!t->granted)
		return -ENOMEM;
	/* without a process of its own it can enable all that it has; else only what is enabled
	 * already can be used */
	if (path_of(t, t->granted, "cgroup.procs", below) &&
	    ct_host_read(below, text, sizeof(text)) == 0)
		path_of(t, t->granted, "cgroup.controllers", below);
	else
		path_of(t, t->granted, "cgroup.subtree_control", below);
	if (controllers_in(below, &t->granted_gives) < 0)
		t->granted_gives = 0;
	return 0;
}

/* What is possible below the caller's own directory. A read that fails is no failure of the
 * probe. */
static int probe_own(struct ct_cg_tree *t, struct ct_arena *a)
{
	char path[PATH_SIZE], text[64];

	if (t->version == 2) {
		if (path_of(t, t->self, "cgroup.subtree_control", path) &&
		    controllers_in(path, &t->self_gives) < 0)
			t->self_gives = 0;
		/* the top of the hierarchy has no cgroup.type */
		t->self_bars = path_of(t, t->self, "cgroup.type", path) &&
			       ct_host_read(path, text, sizeof(text)) > 0 && strcmp(text, "domain");
		return find_granted(t, a);
	}
	if (t->controllers & CT_CG_DEVICES)
		t->self_narrow = path_of(t, t->self, "devices.list", path) &&
				 ct_host_read(path, text, sizeof(text)) >= 0 &&
				 strcmp(text, "a *:* rwm");
	return 0;
}

/* ---- the caller's directory from outside its cgroup namespace -------------------------------- */

struct search {
	char path[PATH_SIZE]; /* the directory that is searched, below the mount */
	const char *rest;     /* from the namespace's top to the caller */
	const char *mount;
	unsigned left; /* cgroups that may still be searched */
};

/* Whether the calling process is in the cgroup. */
static bool is_in(const char *procs)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	const char *s, *line;
	char own[16];
	size_t n;

	ct_look_slurp(procs, 8u << 20, &text);
	snprintf(own, sizeof(own), "%d", (int)getpid());
	s = ct_buf_text(&text);
	while ((line = ct_look_line(&s, &n)))
		if (n == strlen(own) && !memcmp(line, own, n))
			return true;
	return false;
}

/* Searches so many levels below s->path, with one open directory for each, for the top of the
 * namespace: the caller is in the cgroup `rest` below it. */
static bool find_down(struct search *s, unsigned levels)
{
	char path[2 * PATH_SIZE];
	size_t len = strlen(s->path);
	bool found = false;
	struct dirent *d;
	DIR *dir;

	if (!levels) {
		snprintf(path, sizeof(path), "%s%s%s/cgroup.procs", s->mount, s->path, s->rest);
		return is_in(path);
	}
	snprintf(path, sizeof(path), "%s%s", s->mount, s->path);
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.' || !s->left)
			continue;
		s->left--;
		if ((size_t)snprintf(s->path + len, sizeof(s->path) - len, "/%s", d->d_name) <
		    sizeof(s->path) - len)
			found = find_down(s, levels - 1);
		if (!found)
			s->path[len] = '\0';
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A mount that is older than the caller's cgroup namespace begins above its top. The kernel does
 * not report the names in between, so the caller's directory has to be searched. */
static void find_outside(struct ct_cg_tree *t, const char *in_namespace, struct ct_arena *a)
{
	struct search s = { .rest = in_namespace, .mount = t->mount, .left = NAMESPACE_GROUPS };
	unsigned levels = 0;

	if (!strcmp(in_namespace, "/"))
		s.rest = "";
	for (const char *p = t->above; *p; p += 3, levels++)
		if (strncmp(p, "/..", 3) || levels == NAMESPACE_DEPTH)
			return;
	if (strlen(s.rest) + 64 < PATH_SIZE && find_down(&s, levels))
		t->self = ct_arena_printf(a, "%s%s", s.path, s.rest);
}

/* ---- the probe ------------------------------------------------------------------------------- */

static int read_proc(const char *path, size_t max, struct ct_buf *out, struct ct_err *e)
{
	int r = ct_buf_read_at(out, AT_FDCWD, path, max);

	if (r >= 0)
		return 0;
	ct_err_object(e, path);
	return ct_fail_sys(e, r, CT_ERR_CGROUP, "host", "open", UNSEEN);
}

/* Another mount may cover the caller's directory: then it is not reached by this one. */
static void check_own(struct ct_cg_tree *t)
{
	char path[PATH_SIZE];

	if (t->self && *t->self &&
	    (!path_of(t, t->self, "", path) || ct_mount_id(path) != t->mount_id))
		t->self = NULL;
}

static int probe_hierarchy(struct ct_cg_tree *t, const struct ct_cgroups *c, struct ct_arena *a,
			   struct ct_err *e)
{
	char path[PATH_SIZE], own[PATH_SIZE];
	int r = 0;

	if (t->version == 2 && path_of(t, "", "cgroup.controllers", path))
		r = controllers_in(path, &t->controllers);
	if (r < 0) {
		ct_err_object(e, path);
		return ct_fail_sys(e, r, CT_ERR_CGROUP, "host", "read", UNSEEN);
	}
	if (!t->self && t->above && ct_cg_own_path(t, c->self, own, sizeof(own)))
		find_outside(t, own, a);
	check_own(t);
	t->top_closed = closed(t, "");
	t->self_closed = !t->self || closed(t, t->self);
	if (t->self && *t->self && probe_own(t, a) < 0)
		return ct_oom(e);
	return 0;
}

int ct_cgroups_fill(const char *mountinfo, struct ct_cgroups *out, struct ct_arena *arena,
		    struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf self = CT_BUF_INIT;
	char *copy;
	int r = read_proc(SELF, SELF_MAX, &self, e);

	out->n = 0;
	if (r < 0)
		return r;
	copy = ct_arena_strdup(arena, ct_buf_text(&self));
	if (!copy || ct_cgroups_read(mountinfo, copy, ct_mount_is_seen, out, arena) < 0)
		return ct_oom(e);
	for (uint32_t i = 0; r >= 0 && i < out->n; i++)
		r = probe_hierarchy(&out->v[i], out, arena, e);
	return r;
}

int ct_cgroups_probe(struct ct_cgroups *out, struct ct_arena *arena, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf mounts = CT_BUF_INIT;
	int r = read_proc("/proc/thread-self/mountinfo", MOUNTINFO_MAX, &mounts, e);

	out->n = 0;
	if (r < 0)
		return r;
	return ct_cgroups_fill(ct_buf_text(&mounts), out, arena, e);
}

bool ct_cgroups_of_caller(const struct ct_cgroups *c)
{
	CT_CLEAN_BUF struct ct_buf self = CT_BUF_INIT;

	/* with n 0 there is nothing to compare: one may have been mounted since */
	return c->n && c->self && read_proc(SELF, SELF_MAX, &self, NULL) >= 0 &&
	       !strcmp(ct_buf_text(&self), c->self);
}

bool ct_cgroups_still(const struct ct_cgroups *c)
{
	if (!ct_cgroups_of_caller(c))
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (!ct_mount_is_seen(c->v[i].mount, c->v[i].mount_id))
			return false;
	return true;
}
