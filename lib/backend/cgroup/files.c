/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroup files of a container, read and written by name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/ops.h"
#include "base/fd.h"

#define FILE_MAX (1u << 20)

static int bad_name(const char *file, struct ct_err *e)
{
	ct_err_object(e, file);
	ct_err_hint(e, "give a file of a controller, such as memory.max or pids.current");
	return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "this is no name of a cgroup file");
}

/* The cgroup that has the file: that of its controller, or else any. */
static const struct ct_cg_group *group_with(const struct ct_cgroups_held *held, const char *file)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, ct_cg_bit(file, strcspn(file, ".")));

	if (g && faccessat(g->fd, file, F_OK, 0) == 0)
		return g;
	for (uint32_t i = 0; i < held->n; i++)
		if (held->v[i].fd >= 0 && faccessat(held->v[i].fd, file, F_OK, 0) == 0)
			return &held->v[i];
	return NULL;
}

bool ct_cgroup_is_rule(const char *file)
{
	return file && (!strcmp(file, "devices.allow") || !strcmp(file, "devices.deny"));
}

int ct_cgroup_check_name(const char *file, struct ct_err *e)
{
	if (!file || !*file || strchr(file, '/') || *file == '.' || strlen(file) > 255)
		return bad_name(file ? file : "", e);
	for (const char *p = file; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return bad_name("", e);
	if (!ct_cgroup_is_rule(file))
		return 0;
	ct_err_object(e, file);
	ct_err_hint(e, "ct_protections() (ct-info --protections) tells what is allowed");
	return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup",
		       "rules are written there, none can be read");
}

static int no_file(const struct ct_cgroups_held *held, const char *file, struct ct_err *e)
{
	const struct ct_cg_group *other = ct_cg_group_of(held, ct_cg_bit(file, strcspn(file, ".")));

	ct_err_object(e, file);
	if (other)
		ct_err_hint(e,
			    "the files of version %d are in %s; limit.* keys mean the same on "
			    "both versions",
			    other->version, other->path);
	else
		ct_err_hint(e, "ct_protections() (ct-info --protections) tells which controllers "
			       "the container has");
	if (!held->n)
		return ct_fail(e, -ENOENT, CT_ERR_CGROUP, "cgroup", "the container has no cgroup");
	return ct_fail(e, -ENOENT, CT_ERR_CGROUP, "cgroup",
		       "no group of the container has this file");
}

static int find_file(const struct ct_cgroups_held *held, const char *file,
		     const struct ct_cg_group **g, struct ct_err *e)
{
	*g = group_with(held, file);
	if (!*g)
		return no_file(held, file, e);
	return 0;
}

/* The directory to read or write a file in. The files of processes are those of the payload's own
 * cgroup: the one with the limits may have no process. */
static int dir_of(const struct ct_cg_group *g, const char *file)
{
	static const char *const members[] = { "cgroup.procs", "cgroup.threads", "tasks" };

	for (unsigned i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (g->inner_fd >= 0 && !strcmp(file, members[i]))
			return g->inner_fd;
	return g->fd;
}

ssize_t ct_cgroup_read_file(const struct ct_cgroups_held *held, const char *file,
			    struct ct_buf *out, struct ct_err *e)
{
	const struct ct_cg_group *g = NULL;
	CT_CLEAN_FD int fd = -1;
	const char *call = "openat";
	int r = find_file(held, file, &g, e);

	if (r < 0)
		return r;
	fd = openat(dir_of(g, file), file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
	} else {
		call = "read";
		r = ct_buf_read_fd(out, fd, FILE_MAX);
	}
	if (r < 0) {
		ct_err_object(e, file);
		return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", call, "the file cannot be read");
	}
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return (ssize_t)out->len;
}

int ct_cgroup_write_file(const struct ct_cgroups_held *held, const char *file, const char *value,
			 struct ct_err *e)
{
	const struct ct_cg_group *g = NULL;
	int r = find_file(held, file, &g, e), dir;

	if (r < 0)
		return r;
	/* a write of nothing does nothing; an empty line takes a value away */
	if (!*value)
		value = "\n";
	dir = dir_of(g, file);
	if (dir == g->fd)
		r = ct_cg_write_all(g, file, value);
	else
		r = ct_cg_write(dir, file, value);
	if (r < 0)
		return ct_cg_set_failed(g, file, value, r, e);
	return 0;
}
