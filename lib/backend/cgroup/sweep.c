/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes the cgroups that killed callers have left. A cgroup has its owner's mark twice: in its
 * name, by which it is found quickly, and in an attribute, which no directory has by chance.
 * Processes are killed only in a cgroup with the attribute: a name may be chosen by a user.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/owner.h"
#include "base/buf.h"
#include "base/fd.h"

#define PATH_SIZE 4096
#define DEPTH 64      /* levels that are searched */
#define GROUPS 100000 /* cgroups that are searched, in all */

/* ---- finding them ---------------------------------------------------------------------------- */

struct stale {
	/* of its attribute; "": it has the mark in its name alone, or only holds other cgroups, and
	 * is removed if it is empty */
	char mark[CT_OWNER_MARK + 2];
	char *path;
};

struct sweep {
	struct stale *v;
	uint32_t n, room, left;
	struct ct_owner_cache cache;
	dev_t dev;
	char path[PATH_SIZE];
};

static void note(struct sweep *s, const char *mark)
{
	if (s->n == s->room) {
		uint32_t room = 2 * s->room + 64;
		struct stale *more = realloc(s->v, room * sizeof(*more));

		/* it is left for the next sweep */
		if (!more)
			return;
		s->v = more;
		s->room = room;
	}
	snprintf(s->v[s->n].mark, sizeof(s->v[s->n].mark), "%s", mark);
	s->v[s->n].path = strdup(s->path);
	s->n += s->v[s->n].path != NULL;
}

/* Notes the cgroup s->path when its owner is dead. Whether to search below it, too: not in a
 * container's own. */
static bool check_group(struct sweep *s, const char *name)
{
	char mark[CT_OWNER_MARK + 2];

	ct_cg_mark_read(s->path, mark);
	if (*mark == CT_CG_ON_THE_WAY) {
		if (ct_owner_is_dead(mark, &s->cache))
			note(s, "");
		return true;
	}
	if (*mark) {
		if (ct_owner_is_dead(mark, &s->cache))
			note(s, mark);
		return false;
	}
	/* the owner may have been killed before it set the attribute: then the cgroup is empty */
	if (ct_owner_is_dead(name, &s->cache))
		note(s, "");
	return true;
}

static void search_below(struct sweep *s, unsigned depth)
{
	size_t len = strlen(s->path);
	DIR *dir = opendir(s->path);
	struct dirent *d;
	struct stat st;

	/* another file system may be mounted there */
	if (dir && (fstat(dirfd(dir), &st) < 0 || st.st_dev != s->dev)) {
		closedir(dir);
		return;
	}
	while (dir && s->left && (d = readdir(dir))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		s->left--;
		if ((size_t)snprintf(s->path + len, sizeof(s->path) - len, "/%s", d->d_name) <
			    sizeof(s->path) - len &&
		    check_group(s, d->d_name) && depth)
			search_below(s, depth - 1);
		s->path[len] = '\0';
	}
	if (dir)
		closedir(dir);
}

static void search(struct sweep *s, const char *top)
{
	struct stat st;

	if (stat(top, &st) < 0 ||
	    (size_t)snprintf(s->path, sizeof(s->path), "%s", top) >= sizeof(s->path))
		return;
	s->dev = st.st_dev;
	s->left = GROUPS;
	search_below(s, DEPTH);
}

/* ---- ending and removing them ---------------------------------------------------------------- */

/* Adds a directory of a container whose owner is dead. */
static void add_group(struct ct_cgroups_held *h, const struct stale *f)
{
	struct ct_cg_group *g = &h->v[h->n];
	char mark[CT_OWNER_MARK + 2];
	struct stat st;

	if (h->n == CT_CG_TREES)
		return;
	*g = (struct ct_cg_group){ .keep = (uint32_t)(strrchr(f->path, '/') - f->path),
				   .inner_fd = -1,
				   .claim = -1 };
	g->fd = open(f->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* it may have been removed meanwhile, and a new one made under its name */
	if (g->fd < 0 || strcmp(ct_cg_mark_read(f->path, mark), f->mark)) {
		ct_close(&g->fd);
		return;
	}
	g->version = 1;
	if (faccessat(g->fd, "cgroup.events", F_OK, 0) == 0)
		g->version = 2;
	if (g->version == 2 || faccessat(g->fd, "freezer.state", F_OK, 0) == 0)
		g->controllers = CT_CG_FREEZER;
	if (fstat(g->fd, &st) == 0)
		g->id = st.st_ino;
	g->path = strdup(f->path);
	if (g->id && g->path)
		h->n++;
	else
		ct_cg_forget_one(g);
}

/* A container's cgroups have the same mark in all hierarchies. They are ended together, because a
 * process that is frozen in one hierarchy does not die when it is killed through another. */
static int end_containers(struct sweep *s)
{
	int ended = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct ct_cgroups_held h = CT_CGROUPS_NONE;
		char mark[CT_OWNER_MARK + 2];

		snprintf(mark, sizeof(mark), "%s", s->v[i].mark);
		for (uint32_t k = i; *mark && k < s->n; k++) {
			if (strcmp(s->v[k].mark, mark))
				continue;
			add_group(&h, &s->v[k]);
			if (k > i)
				s->v[k].mark[0] = '\0';
		}
		ended += h.n > 0;
		ct_cg_undo(&h, NULL);
	}
	return ended;
}

/* Searches all cgroups below the n tops of hierarchies, ends the containers whose owner is dead by
 * the attribute, and removes their cgroups. Returns how many it has ended and removed. */
static int sweep_all(const char *const *tops, uint32_t n)
{
	struct sweep s = { .n = 0 };
	int ended;

	for (uint32_t i = 0; i < n; i++)
		search(&s, tops[i]);
	ended = end_containers(&s);
	/* the deepest first; one that has a process, or a cgroup of another container, stays */
	for (uint32_t i = s.n; i > 0; i--) {
		ended += rmdir(s.v[i - 1].path) == 0;
		free(s.v[i - 1].path);
	}
	free(s.v);
	return ended;
}

/* Whether a directory has a mark of a dead owner, or one right below it in its name. This is cheap:
 * no attribute is read there. */
static bool has_stale(const char *dir)
{
	struct ct_owner_cache cache = { 0 };
	char mark[CT_OWNER_MARK + 2];
	struct dirent *d;
	bool found = false;
	DIR *list;

	if (ct_owner_is_dead(ct_cg_mark_read(dir, mark), &cache))
		return true;
	list = opendir(dir);
	while (list && !found && (d = readdir(list)))
		found = d->d_type == DT_DIR && ct_owner_is_dead(d->d_name, &cache);
	if (list)
		closedir(list);
	return found;
}

/* Whether there may be something to remove in the places where this start is going to make its
 * first cgroup, and where other callers make theirs. */
static bool may_be_stale(const struct ct_cgroups *cgroups, const struct ct_cg_dir *d)
{
	char path[4096];

	if (has_stale(d->mount))
		return true;
	for (uint32_t i = 0; i < cgroups->n; i++) {
		const struct ct_cg_tree *t = &cgroups->v[i];

		if (strcmp(t->mount, d->mount) || !t->self || !*t->self)
			continue;
		snprintf(path, sizeof(path), "%s%s", t->mount, t->self);
		if (has_stale(path))
			return true;
	}
	/* the cgroup itself, which a killed caller may have given the same name, and those above it
	 * up to the base */
	snprintf(path, sizeof(path), "%s%s/%s", d->mount, d->base, d->path);
	for (size_t least = strlen(d->mount) + strlen(d->base); strlen(path) > least;
	     *strrchr(path, '/') = '\0')
		if (has_stale(path))
			return true;
	return false;
}

void ct_cgroup_sweep(const struct ct_cgroups *cgroups, const struct ct_cg_plan *want)
{
	const struct ct_cg_tree *freezer = ct_cg_serving(cgroups, CT_CG_FREEZER, 1);
	const char *few[2], *all[CT_CG_TREES];
	uint32_t n = 0;

	if (want && (!want->n || !may_be_stale(cgroups, &want->v[0])))
		return;
	for (uint32_t i = 0; i < cgroups->n; i++) {
		const struct ct_cg_tree *t = &cgroups->v[i];

		all[i] = t->mount;
		if (n < 2 && (t->version == 2 || t == freezer))
			few[n++] = t->mount;
	}
	/* every container has a cgroup in version 2's hierarchy or in the freezer's */
	if (want || sweep_all(few, n))
		sweep_all(all, cgroups->n);
}
