/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The groups of a container as records of the journal, so that other processes find and clear them.
 * Fields are divided by tabs, the path is the last of them:
 *   VERSION CONTROLLERS(hex) ID KEEP TREE INNER|- PATH
 *   PATH                                                  about to be made
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "backend/cgroup/cgroup.h"
#include "base/fd.h"
#include "base/num.h"

#define FIELDS 7

int ct_cg_save(const struct ct_cg_group *g, struct ct_buf *out)
{
	ct_buf_printf(out, "%u\t%" PRIx32 "\t%" PRIu64 "\t%" PRIu32 "\t%s\t%s\t%s", g->version,
		      g->controllers, g->id, g->keep, g->tree && *g->tree ? g->tree : "-",
		      g->inner ? g->inner : "-", g->path);
	return ct_buf_error(out);
}

static bool is_name(const char *s)
{
	return *s && strlen(s) < 256 && !strchr(s, '/') && strcmp(s, ".") && strcmp(s, "..");
}

/* Is somebody about to start a container in it? Then it is locked. Otherwise we lock it,
 * until it is removed. */
static bool is_claimed(struct ct_cg_group *g)
{
	g->claim = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->claim >= 0 && flock(g->claim, LOCK_EX | LOCK_NB) == 0)
		return ct_cg_version_of(g->version)->populated(g);
	ct_close(&g->claim);
	return true;
}

/* What was only intended may be somebody else's by now: it counts while nobody is in it, nor about
 * to be. 1, 0, or a negative errno: it cannot be told. */
static int is_the_one(struct ct_cg_group *g)
{
	struct statfs fs;
	struct stat st;

	if (fstat(g->fd, &st) < 0 || fstatfs(g->fd, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	if (g->id)
		return st.st_ino == g->id;
	g->version = fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : 1;
	g->id = st.st_ino;
	return !ct_cg_version_of(g->version)->populated(g) && !is_claimed(g);
}

/* Opens the directory where it is still the same one, on a cgroup file system; where it
 * is not, fd stays -1. */
static int open_group(struct ct_cg_group *g)
{
	int r;

	g->fd = open(g->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	r = is_the_one(g);
	if (r == 1 && g->inner) {
		g->inner_fd = openat(g->fd, g->inner,
				     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* the payload may have removed it */
		r = g->inner_fd >= 0 || errno == ENOENT ? 1 : -errno;
	}
	if (r != 1)
		ct_close(&g->fd);
	return r < 0 ? r : 0;
}

static int load_fields(char *line, struct ct_cg_group *g)
{
	char *f[FIELDS];
	uint64_t bits;
	uint32_t version;

	for (int i = 0; i < FIELDS; i++) {
		f[i] = strsep(&line, i < FIELDS - 1 ? "\t" : "");
		if (!f[i] || !*f[i])
			return -EINVAL;
	}
	*g = (struct ct_cg_group){ .fd = -1, .inner_fd = -1, .claim = -1 };
	if (ct_parse_u32(f[0], &version) || version < 1 || version > 2 || strlen(f[1]) > 8 ||
	    ct_parse_hex(f[1], 8, &bits) || ct_parse_u64(f[2], &g->id) ||
	    ct_parse_u32(f[3], &g->keep))
		return -EINVAL;
	if (f[6][0] != '/' || g->keep > strlen(f[6]) || (strcmp(f[5], "-") && !is_name(f[5])))
		return -EINVAL;
	g->version = (uint8_t)version;
	g->controllers = (uint32_t)bits;
	g->tree = strdup(f[4]);
	g->inner = strcmp(f[5], "-") ? strdup(f[5]) : NULL;
	g->path = strdup(f[6]);
	if (!g->tree || !g->path || (strcmp(f[5], "-") && !g->inner)) {
		free(g->tree);
		free(g->inner);
		free(g->path);
		return -ENOMEM;
	}
	return 0;
}

/* A path. */
static int load_intent(const char *path, struct ct_cg_group *g)
{
	if (*path != '/')
		return -EINVAL;
	*g = (struct ct_cg_group){ .version = 1,
				   .fd = -1,
				   .inner_fd = -1,
				   .claim = -1,
				   .path = strdup(path),
				   .keep = (uint32_t)(strrchr(path, '/') - path) };
	return g->path ? 0 : -ENOMEM;
}

/* A group is told of again when it has been made, and when it has its inner directory. */
static void replace_older(struct ct_cgroups_held *h)
{
	const struct ct_cg_group *last = &h->v[h->n - 1];

	for (uint32_t i = 0; i < h->n - 1; i++) {
		if (strcmp(h->v[i].path, last->path))
			continue;
		ct_cg_forget_one(&h->v[i]);
		h->v[i] = *last;
		h->n--;
		return;
	}
}

static int load_record(const struct ct_undo_record *record, struct ct_cg_group *g)
{
	char *copy;
	int r;

	if (record->before)
		return load_intent(record->text, g);
	copy = strdup(record->text);
	r = copy ? load_fields(copy, g) : -ENOMEM;
	free(copy);
	return r;
}

static int load(const struct ct_undo_record *records, uint32_t n, struct ct_cgroups_held *h,
		int (*open_one)(struct ct_cg_group *g))
{
	int r = 0;

	h->n = 0;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		r = h->n == CT_CG_TREES ? -EINVAL : load_record(&records[i], &h->v[h->n]);
		h->n += r == 0;
		if (r == 0)
			replace_older(h);
	}
	for (uint32_t i = 0; r == 0 && i < h->n; i++)
		r = open_one(&h->v[i]);
	if (r < 0)
		ct_cgroup_forget(h);
	return r;
}

/* What was only intended has no number yet: it must be looked at. */
static int open_or_mark(struct ct_cg_group *g)
{
	bool is_known = g->id;
	int r = open_group(g);
	struct statfs fs;

	if (r == 0 || !is_known)
		return r;
	if (statfs(g->path, &fs) < 0)
		return errno == ENOENT ? 0 : -errno;
	g->by_path = fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
	return 0;
}

int ct_cg_load_to_remove(const struct ct_undo_record *records, uint32_t n,
			 struct ct_cgroups_held *h)
{
	return load(records, n, h, open_or_mark);
}

int ct_cgroup_load(const char *text, size_t len, struct ct_cgroups_held *h)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;
	int r = ct_undo_read(text, len, CT_CG_NAME, &records);

	h->n = 0;
	return r < 0 ? r : load(records.v, records.n, h, open_group);
}
