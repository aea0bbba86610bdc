/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running container's cgroup files, read and written. */
#include <errno.h>
#include <string.h>

#include "backend/cgroup/ops.h"
#include "run/handle/container.h"

ssize_t ct_run_cgroup_get(struct ct_container *c, const char *file, struct ct_buf *out,
			  struct ct_err *e)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;
	/* a wrong name is reported whether or not the container runs */
	int r = ct_cgroup_check_name(file, e);

	if (r >= 0)
		r = ct_groups_of(c, &held, e);
	if (r < 0)
		return r;
	return ct_cgroup_read_file(&held, file, out, e);
}

int ct_run_cgroup_set(struct ct_container *c, const char *file, const char *value, struct ct_err *e)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;
	int r;

	if (!value) {
		ct_err_hint(e, "give the text that the file is to have, such as 64M or max");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "no value");
	}
	if (ct_cgroup_is_rule(file))
		return ct_run_devices_set(c, !strcmp(file, "devices.allow"), value, e);
	r = ct_cgroup_check_name(file, e);
	if (r >= 0)
		r = ct_groups_of(c, &held, e);
	if (r >= 0)
		r = ct_cgroup_write_file(&held, file, value, e);
	return r;
}
