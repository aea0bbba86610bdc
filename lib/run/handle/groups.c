/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/state/undo.h"

static int made_here(struct ct_process *init, struct ct_cgroups_held *held, struct ct_buf *records,
		     struct ct_err *e)
{
	int r = ct_process_groups(init, held);

	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "cgroup", "fcntl",
				   "no descriptors for the container's groups");
	if (records)
		ct_process_records(init, records);
	return 0;
}

int ct_made_of(struct ct_container *c, struct ct_cgroups_held *held, struct ct_buf *records,
	       struct ct_err *e)
{
	struct ct_process *init = ct_running_init(c);
	CT_CLEAN_FD int dir = -1;
	int r;

	held->n = 0;
	if (init) {
		r = made_here(init, held, records, e);
		ct_process_put(init);
		return r;
	}
	dir = r = ct_running_dir(c, e);
	if (r < 0)
		return r;
	return ct_made_load(dir, held, records, e);
}

int ct_groups_of(struct ct_container *c, struct ct_cgroups_held *held, struct ct_err *e)
{
	return ct_made_of(c, held, NULL, e);
}
