/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the cgroups that keeper and launcher hold open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "backend/cgroup/ops.h"
#include "base/sys.h"

int ct_cgroup_open_cpu_time(const struct ct_cgroups_held *held, const struct ct_spec *s,
			    struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_CPUACCT);
	int r = -EOPNOTSUPP;

	if (g)
		r = ct_or_errno(openat(g->fd, ct_cg_cpu_time_file(g), O_RDONLY | O_CLOEXEC));
	if (r >= 0)
		return r;
	ct_err_origin(e, ct_spec_origin(s, "limit.cputime"));
	return ct_fail_sys(e, r, CT_ERR_LIMIT, "start", "openat",
			   "the CPU time of the container cannot be read");
}

int ct_cgroup_open_thaw(const struct ct_cgroups_held *held, int *fd, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_FREEZER);

	*fd = -1;
	if (!g || g->version != 1)
		return 0;
	*fd = openat(g->fd, "freezer.state", O_WRONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	return ct_fail_sys(e, -errno, CT_ERR_CGROUP, "start", "openat",
			   "the freezer of the container cannot be reached");
}

char *ct_cgroup_way_out(const struct ct_cgroups_held *held)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_FREEZER);
	char *path = NULL;

	if (g && g->version == 1 && asprintf(&path, "%.*s/cgroup.procs", (int)g->keep, g->path) < 0)
		path = NULL;
	return path;
}
