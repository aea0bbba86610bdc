/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What killed callers have left. A group says whose it is twice: in its name, which is quickly
 * looked through, and by an attribute, which nobody gives to a directory by chance: only what has
 * the attribute is ended. A name alone is no proof: it is the user's.
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
#define DEPTH 64      /* levels that are looked through */
#define GROUPS 100000 /* groups, in all */

/* ---- what is found --------------------------------------------------------------------------- */

struct stale {
	char mark[CT_OWNER_MARK + 2]; /* "": of the name alone, or it was made on the way */
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
		uint32_t room = s->room ? 2 * s->room : 64;
		struct stale *more = realloc(s->v, room * sizeof(*more));

		/* the next sweep finds it */
		if (!more)
			return;
		s->v = more;
		s->room = room;
	}
	snprintf(s->v[s->n].mark, sizeof(s->v[s->n].mark), "%s", mark);
	s->v[s->n].path = strdup(s->path);
	s->n += s->v[s->n].path != NULL;
}

/* Notes s->path when its owner is dead. Whether to look below it: not in a container's own. */
static bool look_at(struct sweep *s, const char *name)
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
	/* its owner was killed before it could give it the attribute, and nobody is in it:
	 * then it can be removed */
	if (ct_owner_is_dead(name, &s->cache))
		note(s, "");
	return true;
}

static void look_below(struct sweep *s, unsigned depth)
{
	size_t len = strlen(s->path);
	DIR *dir = opendir(s->path);
	struct dirent *d;
	struct stat st;

	/* another file system that is mounted there is another's */
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
		    look_at(s, d->d_name) && depth)
			look_below(s, depth - 1);
		s->path[len] = '\0';
	}
	if (dir)
		closedir(dir);
}

static void look_through(struct sweep *s, const char *top)
{
	struct stat st;

	if (stat(top, &st) < 0 ||
	    (size_t)snprintf(s->path, sizeof(s->path), "%s", top) >= sizeof(s->path))
		return;
	s->dev = st.st_dev;
	s->left = GROUPS;
	look_below(s, DEPTH);
}

/* ---- its end --------------------------------------------------------------------------------- */

/* One directory of a container whose owner is dead. */
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
	/* somebody may have removed it meanwhile, and another have made one */
	if (g->fd < 0 || strcmp(ct_cg_mark_read(f->path, mark), f->mark)) {
		ct_close(&g->fd);
		return;
	}
	g->version = faccessat(g->fd, "cgroup.events", F_OK, 0) == 0 ? 2 : 1;
	if (g->version == 2 || faccessat(g->fd, "freezer.state", F_OK, 0) == 0)
		g->controllers = CT_CG_FREEZER;
	g->id = fstat(g->fd, &st) == 0 ? st.st_ino : 0;
	g->path = strdup(f->path);
	if (g->id && g->path)
		h->n++;
	else
		ct_cg_forget_one(g);
}

/* A container's groups have one mark in all hierarchies, and are ended together: what one of them
 * holds frozen does not die in another. */
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

/* Looks through all groups below the n tops of hierarchies, ends the containers whose owner is dead
 * by its attribute, and removes their groups in all of them. Their number. */
static int sweep_all(const char *const *tops, uint32_t n)
{
	struct sweep s = { .n = 0 };
	int ended;

	for (uint32_t i = 0; i < n; i++)
		look_through(&s, tops[i]);
	ended = end_containers(&s);
	/* from the deepest on; one in which somebody lives, or is another's, stays */
	for (uint32_t i = s.n; i > 0; i--) {
		ended += rmdir(s.v[i - 1].path) == 0;
		free(s.v[i - 1].path);
	}
	free(s.v);
	return ended;
}

/* Whether a directory is, or has right in it, what may be one of those: a quick look, by name. */
static bool has_stale(const char *dir)
{
	struct ct_owner_cache cache = { 0 };
	char mark[CT_OWNER_MARK + 2];
	struct dirent *d;
	bool found = ct_owner_is_dead(ct_cg_mark_read(dir, mark), &cache);
	DIR *list = found ? NULL : opendir(dir);

	while (list && !found && (d = readdir(list)))
		found = d->d_type == DT_DIR && ct_owner_is_dead(d->d_name, &cache);
	if (list)
		closedir(list);
	return found;
}

/* Whether there may be something to clear in the places where this start is going to make its first
 * group, or others have theirs. */
static bool may_be_stale(const struct ct_cgroups *trees, const struct ct_cg_dir *d)
{
	char path[4096];

	if (has_stale(d->mount))
		return true;
	for (uint32_t i = 0; i < trees->n; i++) {
		const struct ct_cg_tree *t = &trees->v[i];

		snprintf(path, sizeof(path), "%s%s", t->mount, t->self ? t->self : "");
		if (!strcmp(t->mount, d->mount) && t->self && *t->self && has_stale(path))
			return true;
	}
	/* from the group itself, which a killed caller may have named alike, up to
	 * where the path begins */
	snprintf(path, sizeof(path), "%s%s/%s", d->mount, d->base, d->path);
	for (size_t least = strlen(d->mount) + strlen(d->base); strlen(path) > least;
	     *strrchr(path, '/') = '\0')
		if (has_stale(path))
			return true;
	return false;
}

void ct_cgroup_sweep(const struct ct_cgroups *trees, const struct ct_cg_plan *want)
{
	const struct ct_cg_tree *freezer = ct_cg_serving(trees, CT_CG_FREEZER, 1);
	const char *few[2], *all[CT_CG_TREES];
	uint32_t n = 0;

	if (want && (!want->n || !may_be_stale(trees, &want->v[0])))
		return;
	for (uint32_t i = 0; i < trees->n; i++) {
		all[i] = trees->v[i].mount;
		if (trees->v[i].version == 2 || &trees->v[i] == freezer)
			few[n < 2 ? n++ : 1] = all[i];
	}
	/* every container is in one of these two */
	if (want || sweep_all(few, n))
		sweep_all(all, trees->n);
}
