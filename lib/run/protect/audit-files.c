/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of ct_audit() look at of the host: where mounts come from, and who may change the
 * files that a start reads or runs. Nothing is opened. */
#include <limits.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "model/config.h"
#include "run/protect/audit.h"

/* ---- paths ----------------------------------------------------------------------------------- */

/* Whether a path is, or lies below, the directory `top`; neither has links. */
static bool lies_in(const char *path, const char *top)
{
	size_t n = strlen(top);

	if (n == 1)
		return true;
	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

/* Whether one of the words of `list`, divided by blanks, is `word`. */
static bool is_one_of(const char *word, const char *list)
{
	size_t n = strlen(word);

	for (; n && *list; list += strcspn(list, " "), list += *list == ' ')
		if (!strncmp(list, word, n) && (list[n] == ' ' || !list[n]))
			return true;
	return false;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		return slash + 1;
	return path;
}

/* A path without links; NULL: it is not there. */
static const char *without_links(struct ct_audit *a, const char *path)
{
	char text[PATH_MAX];

	if (!path || !realpath(path, text))
		return NULL;
	return ct_arena_strdup(a->arena, text);
}

/* The user that may own a file beside root and this user. */
#define NOBODY_ELSE UINT32_MAX

/* Why others may change the file or directory, as what mends it; NULL: only root and this user, and
 * `owner`, may. */
static const char *why_open(struct ct_audit *a, const char *path, const struct stat *st,
			    uint32_t owner)
{
	mode_t others = S_IWOTH;

	if (st->st_uid && st->st_uid != a->host->uid && st->st_uid != owner)
		return ct_arena_printf(a->arena, "chown root %s", path);
	/* the group of a file that the container's root owns is that root's, too */
	if (st->st_gid && st->st_gid != a->host->gid && st->st_uid != owner)
		others |= S_IWGRP;
	/* in a sticky directory others cannot replace what is not theirs */
	if (!(st->st_mode & others) || (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		return NULL;
	return ct_arena_printf(a->arena, "chmod go-w %s", path);
}

/* The same for an absolute path and all that leads to it, each as it is written. */
static const char *open_on_way(struct ct_audit *a, const char *path, uint32_t owner)
{
	char part[PATH_MAX];
	const char *why = NULL;
	uint32_t may = NOBODY_ELSE;
	struct stat st;
	size_t n = strlen(path);

	if (*path != '/' || n >= sizeof(part))
		return NULL;
	for (size_t i = 1; i <= n && !why; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		/* the owner that may be another's is that of the last part */
		if (i == n)
			may = owner;
		if (stat(part, &st) == 0)
			why = why_open(a, part, &st, may);
	}
	return why;
}

/* The same for the path as written and for the one that it leads to by links. */
static const char *open_to_others(struct ct_audit *a, const char *path, uint32_t owner)
{
	const char *why = open_on_way(a, path, owner), *real = without_links(a, path);

	if (!why && real && strcmp(real, path) != 0)
		why = open_on_way(a, real, owner);
	return why;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static bool find_source(struct ct_audit *a, const struct ct_mount_item *m, struct stat *st)
{
	const char *path;

	if (m->source_fd >= 0)
		return fstat(m->source_fd, st) == 0;
	path = ct_audit_source(a, m);
	return path && stat(path, st) == 0;
}

void ct_look_mount_options(struct ct_audit *a, const struct ct_rule *r)
{
	const uint64_t want = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	for (uint32_t i = 0; i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];
		const char *value = "nosuid,nodev", *path = ct_audit_source(a, m);
		struct stat st;

		if (ct_audit_readonly(m) || (m->attr_set & want) == want ||
		    !find_source(a, m, &st) || !S_ISDIR(st.st_mode) || !path)
			continue;
		if (m->attr_set & MOUNT_ATTR_NOSUID)
			value = "nodev";
		else if (m->attr_set & MOUNT_ATTR_NODEV)
			value = "nosuid";
		ct_audit_hit(a, r, &m->at, path, value);
	}
}

/* A file system of one of the types r->word. r->n: only where it can be written to. */
void ct_look_mount_type(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];

		if (!m->bind && m->fstype && is_one_of(m->fstype, r->word) &&
		    !(r->n && ct_audit_readonly(m)))
			ct_audit_hit(a, r, &m->at, m->fstype, NULL);
	}
}

/* Sockets of those who do anything for who may speak with them. */
#define MASTERS                                                                              \
	"docker.sock containerd.sock crio.sock podman.sock buildkitd.sock cri-dockerd.sock " \
	"libvirt-sock unix.socket system_bus_socket private io.systemd.Manager"

/* One that is not there is known by its name. */
static bool is_memory(const char *path, const struct stat *st)
{
	unsigned nr = minor(st->st_rdev);

	if (is_one_of(path, "/dev/mem /dev/kmem /dev/port"))
		return true;
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == 1 && (nr == 1 || nr == 2 || nr == 4);
}

/* Whether the file is of the kind that the row is about: a socket of those (with a word), any other
 * one, a device of memory, or a block device. */
static bool is_kind(const struct ct_rule *r, const char *path, const struct stat *st)
{
	bool master = is_one_of(last_part(path), MASTERS);

	if (r->word || master)
		return r->word && master;
	if (r->n == S_IFCHR)
		return is_memory(path, st);
	return (st->st_mode & S_IFMT) == r->n;
}

void ct_look_mount_file(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];
		const char *path = ct_audit_source(a, m);
		struct stat st = { .st_mode = 0 };

		if (!m->bind)
			continue;
		/* one that is not there yet is known by its name */
		if (!path)
			path = m->source;
		find_source(a, m, &st);
		if (path && is_kind(r, path, &st))
			ct_audit_hit(a, r, &m->at, path, NULL);
	}
}

void ct_look_mount_shared(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];

		if (m->bind && (m->propagation & MS_SHARED))
			ct_audit_hit(a, r, &m->at, m->source, NULL);
	}
}

/* Whether a path is the place, or lies below it where that counts. */
static bool is_place(const struct ct_place *p, const char *path)
{
	if (*p->path != '/')
		return !strcmp(last_part(path), p->path);
	return !strcmp(path, p->path) || (p->below && lies_in(path, p->path));
}

/* The first of them. */
static const struct ct_place *place_of(const char *path, const struct ct_place *places, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (is_place(&places[i], path))
			return &places[i];
	return NULL;
}

/* The place as a row, for a mount of it. What makes it less when it is read-only is to be so. */
static struct ct_rule rule_of(const struct ct_audit *a, const struct ct_place *p, bool readonly)
{
	struct ct_rule r = { .name = p->name,
			     .plain = p->read_plain,
			     .mapped = p->read_mapped,
			     .text = p->text,
			     .mend = CT_MEND_REMOVE };
	bool less = p->read_plain < p->plain;

	if (a->apart)
		less = p->read_mapped < p->mapped;
	if (readonly)
		return r;
	r.plain = p->plain;
	r.mapped = p->mapped;
	if (less) {
		r.mend = CT_MEND_OPTION;
		r.value = "ro";
	}
	return r;
}

void ct_look_places(struct ct_audit *a, const struct ct_place *places, uint32_t n)
{
	for (uint32_t i = 0; i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];
		const char *path = ct_audit_source(a, m);
		const struct ct_place *p = NULL;
		struct ct_rule r;
		struct stat st;

		if (path && find_source(a, m, &st) && S_ISDIR(st.st_mode))
			p = place_of(path, places, n);
		if (!p)
			continue;
		r = rule_of(a, p, ct_audit_readonly(m));
		ct_audit_hit(a, &r, &m->at, path, NULL);
	}
}

/* ---- the root -------------------------------------------------------------------------------- */

/* The root directory on the host, without links; NULL: there is none. */
static const char *root_of(struct ct_audit *a)
{
	struct ct_mount_item m = { .bind = true, .source_fd = a->spec->rootfs_fd };

	m.source = a->spec->rootfs_path;
	return ct_audit_source(a, &m);
}

static bool root_readonly(const struct ct_spec *s)
{
	return s->rootfs_readonly || (s->rootfs_options.attr_set & MOUNT_ATTR_RDONLY);
}

/* r->n: 1 where it can be written to, else 0. */
void ct_look_host_root(struct ct_audit *a, const struct ct_rule *r)
{
	const char *path = root_of(a);
	struct stat mine, host;

	if (path && root_readonly(a->spec) == !r->n && stat(path, &mine) == 0 &&
	    stat("/", &host) == 0 && mine.st_dev == host.st_dev && mine.st_ino == host.st_ino)
		ct_audit_hit(a, r, ct_spec_origin(a->spec, "rootfs.path"), path, NULL);
}

/* What root of the container leaves there with a set-user-ID bit is within reach of all users. */
void ct_look_root_files(struct ct_audit *a, const struct ct_rule *r)
{
	const char *path = root_of(a), *parent = path;
	struct stat st;

	if (!path || !path[1] || root_readonly(a->spec))
		return;
	for (const char *p = path; p; p = strchr(p + 1, '/')) {
		char *part = ct_arena_strndup(a->arena, path, (size_t)(p - path));

		if (!part || !*part)
			continue;
		if (stat(part, &st) < 0 || !(st.st_mode & S_IXOTH))
			return;
		parent = part;
	}
	if (stat(path, &st) == 0 && (st.st_mode & S_IXOTH))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, "rootfs.path"), path,
			     ct_arena_printf(a->arena, "chmod 0700 %s", parent));
}

void ct_look_root_owner(struct ct_audit *a, const struct ct_rule *r)
{
	const char *path = root_of(a), *why;
	uint32_t owner = NOBODY_ELSE;

	for (uint32_t i = 0; i < a->spec->idmap.n; i++)
		if (!a->spec->idmap.v[i].group && !a->spec->idmap.v[i].inside)
			owner = a->spec->idmap.v[i].outside;
	/* a descriptor leads to the same directory whatever happens to the path */
	if (!path || a->spec->rootfs_fd >= 0)
		return;
	why = open_to_others(a, path, owner);
	if (why)
		ct_audit_hit(a, r, ct_spec_origin(a->spec, "rootfs.path"), path, why);
}

/* ---- programs and files ---------------------------------------------------------------------- */

/* Calls `look` for each hook whose program is of the host. */
static void each_hook(struct ct_audit *a, const struct ct_rule *r,
		      void (*look)(struct ct_audit *a, const struct ct_rule *r,
				   const struct ct_cmd_item *hook))
{
	for (int when = 0; when < CT_HOOK_N; when++)
		for (uint32_t i = 0; when != CT_HOOK_START && i < a->spec->hook[when].n; i++)
			if (a->spec->hook[when].v[i].argv.n)
				look(a, r, &a->spec->hook[when].v[i]);
}

static void look_hook(struct ct_audit *a, const struct ct_rule *r, const struct ct_cmd_item *hook)
{
	ct_audit_hit(a, r, &hook->at, hook->argv.v[0], NULL);
}

void ct_look_hooks(struct ct_audit *a, const struct ct_rule *r)
{
	each_hook(a, r, look_hook);
}

/* The program, and what it is given by its path, such as a script. */
static void look_hook_file(struct ct_audit *a, const struct ct_rule *r,
			   const struct ct_cmd_item *hook)
{
	for (uint32_t i = 0; i < hook->argv.n; i++) {
		const char *why = open_to_others(a, hook->argv.v[i], NOBODY_ELSE);
		struct stat st;

		/* a program that is not there yet can be put there; another word may be no file */
		if (why && (!i || stat(hook->argv.v[i], &st) == 0))
			ct_audit_hit(a, r, &hook->at, hook->argv.v[i], why);
	}
}

void ct_look_hook_files(struct ct_audit *a, const struct ct_rule *r)
{
	each_hook(a, r, look_hook_file);
}

/* Whether the payload may write the file. */
static bool is_inside(struct ct_audit *a, const char *file)
{
	const char *path = without_links(a, file), *top = root_of(a);
	bool inside = path && top && top[1] && lies_in(path, top);

	for (uint32_t i = 0; path && i < a->spec->mounts.n; i++) {
		const struct ct_mount_item *m = &a->spec->mounts.v[i];

		top = ct_audit_source(a, m);
		inside |= top && !ct_audit_readonly(m) && lies_in(path, top);
	}
	return inside;
}

static void look_hook_inside(struct ct_audit *a, const struct ct_rule *r,
			     const struct ct_cmd_item *hook)
{
	for (uint32_t i = 0; i < hook->argv.n; i++)
		if (hook->argv.v[i][0] == '/' && is_inside(a, hook->argv.v[i]))
			ct_audit_hit(a, r, &hook->at, hook->argv.v[i], NULL);
}

void ct_look_hook_inside(struct ct_audit *a, const struct ct_rule *r)
{
	each_hook(a, r, look_hook_inside);
}

static void look_file(struct ct_audit *a, const struct ct_rule *r, const struct ct_origin *at,
		      const char *path)
{
	const char *why = NULL;

	/* each once */
	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].name == r->name && !strcmp(a->v[i].object, path))
			return;
	if (*path == '/')
		why = open_to_others(a, path, NOBODY_ELSE);
	if (why)
		ct_audit_hit(a, r, at, path, why);
}

void ct_look_config_files(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_spec *s = a->spec;
	const char *last = NULL;

	if (a->dir)
		look_file(a, r, NULL, a->dir);
	for (uint32_t i = 0; i < s->n_entries; i++) {
		const struct ct_origin *at = &s->entries[i].at;

		if (at->file && at->file != last)
			look_file(a, r, at, at->file);
		last = at->file;
	}
	for (uint32_t i = 0; i < s->mount_fstab.n; i++)
		look_file(a, r, &s->mount_fstab.v[i].at, s->mount_fstab.v[i].value);
	if (s->seccomp_profile)
		look_file(a, r, ct_spec_origin(s, "seccomp.profile"), s->seccomp_profile);
}
