/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/state/undo.h"

int ct_groups_of(struct ct_container *c, struct ct_cgroups_held *held, struct ct_err *e)
{
	struct ct_process *init = ct_running_init(c);
	CT_CLEAN_FD int dir = -1;
	int r;

	held->n = 0;
	if (init) {
		r = ct_process_groups(init, held);
		ct_process_put(init);
		return r < 0 ? ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "cgroup", "fcntl",
					   "no descriptors for the container's groups")
			     : 0;
	}
	dir = r = ct_running_dir(c, e);
	return r < 0 ? r : ct_groups_load(dir, held, e);
}
