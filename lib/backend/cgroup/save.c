/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups of a container as records of the journal, by which other processes can remove them.
 * A record has its fields separated by tabs:
 *   VERSION CONTROLLERS(hex) ID KEEP TREE|- INNER|- PATH
 * One that is written before the cgroup is made has only the path:
 *   PATH
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

/* A field, or "-" for an empty one. */
static const char *field(const char *text)
{
	if (!text || !*text)
		return "-";
	return text;
}

int ct_cg_save(const struct ct_cg_group *g, struct ct_buf *out)
{
	ct_buf_printf(out, "%u\t%" PRIx32 "\t%" PRIu64 "\t%" PRIu32 "\t%s\t%s\t%s", g->version,
		      g->controllers, g->id, g->keep, field(g->tree), field(g->inner), g->path);
	return ct_buf_error(out);
}

static bool is_name(const char *s)
{
	return *s && strlen(s) < 256 && !strchr(s, '/') && strcmp(s, ".") && strcmp(s, "..");
}

/* Whether a start is about to use the cgroup: it holds a lock on it. Otherwise takes the lock,
 * which is held until the cgroup is removed. */
static bool is_claimed(struct ct_cg_group *g)
{
	g->claim = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->claim >= 0 && flock(g->claim, LOCK_EX | LOCK_NB) == 0)
		return ct_cg_version_of(g->version)->populated(g);
	ct_close(&g->claim);
	return true;
}

static bool is_cgroup(const struct statfs *fs)
{
	return fs->f_type == CGROUP_SUPER_MAGIC || fs->f_type == CGROUP2_SUPER_MAGIC;
}

/* Whether the open directory is the recorded cgroup: 1, 0, or a negative errno. Without an id, from
 * a record written before it was made, it may be another container's by now: then it must have no
 * process, and no start may have claimed it. */
static int is_recorded(struct ct_cg_group *g)
{
	struct statfs fs;
	struct stat st;

	if (fstat(g->fd, &st) < 0 || fstatfs(g->fd, &fs) < 0)
		return -errno;
	if (!is_cgroup(&fs))
		return 0;
	if (g->id)
		return st.st_ino == g->id;
	g->version = 1;
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		g->version = 2;
	g->id = st.st_ino;
	return !ct_cg_version_of(g->version)->populated(g) && !is_claimed(g);
}

/* Opens the payload's directory, which it may have removed. */
static int open_inner(struct ct_cg_group *g)
{
	if (!g->inner)
		return 0;
	g->inner_fd = openat(g->fd, g->inner, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->inner_fd >= 0 || errno == ENOENT)
		return 0;
	return -errno;
}

/* Opens the directory if it is still the recorded cgroup. Otherwise fd stays -1. */
static int open_group(struct ct_cg_group *g)
{
	int r;

	g->fd = open(g->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (g->fd < 0)
		return -errno;
	r = is_recorded(g);
	if (r == 1) {
		r = open_inner(g);
		if (r == 0)
			return 0;
	}
	ct_close(&g->fd);
	return r;
}

static int load_fields(char *line, struct ct_cg_group *g)
{
	char *f[FIELDS];
	uint64_t bits;
	uint32_t version;
	bool has_inner;

	for (int i = 0; i < FIELDS - 1; i++)
		f[i] = strsep(&line, "\t");
	f[FIELDS - 1] = line;
	for (int i = 0; i < FIELDS; i++)
		if (!f[i] || !*f[i])
			return -EINVAL;
	*g = (struct ct_cg_group){ .fd = -1, .inner_fd = -1, .claim = -1 };
	has_inner = strcmp(f[5], "-");
	if (ct_parse_u32(f[0], &version) || version < 1 || version > 2 || strlen(f[1]) > 8 ||
	    ct_parse_hex(f[1], 8, &bits) || ct_parse_u64(f[2], &g->id) ||
	    ct_parse_u32(f[3], &g->keep))
		return -EINVAL;
	if (f[6][0] != '/' || g->keep > strlen(f[6]) || (has_inner && !is_name(f[5])))
		return -EINVAL;
	g->version = (uint8_t)version;
	g->controllers = (uint32_t)bits;
	g->tree = strdup(f[4]);
	if (has_inner)
		g->inner = strdup(f[5]);
	g->path = strdup(f[6]);
	if (!g->tree || !g->path || (has_inner && !g->inner)) {
		free(g->tree);
		free(g->inner);
		free(g->path);
		return -ENOMEM;
	}
	return 0;
}

/* A record that was written before the cgroup was made: a path. */
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
	if (!g->path)
		return -ENOMEM;
	return 0;
}

/* A cgroup has several records: before it is made, afterwards, and when it has its inner directory.
 * The last one counts. */
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
	if (!copy)
		return -ENOMEM;
	r = load_fields(copy, g);
	free(copy);
	return r;
}

static int load_all(const struct ct_undo_record *records, uint32_t n, struct ct_cgroups_held *h)
{
	for (uint32_t i = 0; i < n; i++) {
		int r;

		if (h->n == CT_CG_TREES)
			return -EINVAL;
		r = load_record(&records[i], &h->v[h->n]);
		if (r < 0)
			return r;
		h->n++;
		replace_older(h);
	}
	return 0;
}

static int load(const struct ct_undo_record *records, uint32_t n, struct ct_cgroups_held *h,
		int (*open_one)(struct ct_cg_group *g))
{
	int r;

	h->n = 0;
	r = load_all(records, n, h);
	for (uint32_t i = 0; r == 0 && i < h->n; i++)
		r = open_one(&h->v[i]);
	if (r < 0)
		ct_cgroup_forget(h);
	return r;
}

/* Opens it, or marks it as one to be removed by path; without an id it must be opened. */
static int open_or_mark(struct ct_cg_group *g)
{
	bool has_id = g->id;
	int r = open_group(g);
	struct statfs fs;

	if (r == 0 || !has_id)
		return r;
	if (statfs(g->path, &fs) < 0) {
		if (errno == ENOENT)
			return 0;
		return -errno;
	}
	g->by_path = is_cgroup(&fs);
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
	if (r < 0)
		return r;
	return load(records.v, records.n, h, open_group);
}
