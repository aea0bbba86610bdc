/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a container's cgroups can be joined by who attaches. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/devices-cells.h"
#include "backend/cgroup/devices.h"
#include "base/fd.h"

#define LIST_MAX (256u << 10)

int ct_cg_check_join(const struct ct_cg_group *g, int fd, struct ct_err *e)
{
	char link[64], path[4096], which[4096];
	ssize_t n;

	if (!(g->controllers & CT_CG_FREEZER) || !ct_cg_freezes(g->version, fd))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	if (!ct_cg_frozen_at(g->version, path, which, sizeof(which)))
		return 0;
	if (strcmp(which, g->path))
		return ct_cg_refuse_frozen(g->version, path, "attach", e);
	ct_err_hint(e, "ct_unfreeze() (ct-unfreeze) lets it go on");
	return ct_fail(e, -EBUSY, CT_ERR_CGROUP, "attach", "the container is frozen");
}

/* For hooks of the host the launcher lifts the list for a while (lib/stage/step-devices.c). */
static bool is_lifted(const struct ct_cg_group *g, const struct ct_dev_list *l)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;

	if (g->version == 2)
		return ct_dev_programs(g->fd) == 0;
	fd = openat(g->fd, "devices.list", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_buf_read_fd(&text, fd, LIST_MAX) < 0)
		return false;
	return (strstr(ct_buf_text(&text), "c *:* rwm") && ct_dev_decide(l, 'c', CT_DEV_ANY, CT_DEV_ANY) != CT_DEV_ALL) ||
	       (strstr(ct_buf_text(&text), "b *:* rwm") && ct_dev_decide(l, 'b', CT_DEV_ANY, CT_DEV_ANY) != CT_DEV_ALL);
}

int ct_cg_check_list(const struct ct_cg_group *g, const struct ct_spec *s, struct ct_arena *a, struct ct_err *e)
{
	struct ct_dev_list list;
	int r;

	if (!(g->controllers & CT_CG_DEVICES) || s->devices_tried || !ct_spec_hooks_inside(s))
		return 0;
	r = ct_dev_from_spec(s, g->version, a, &list, e);
	if (r < 0 || !is_lifted(g, &list))
		return r;
	ct_err_hint(e, "ct_wait() (ct-wait) for CT_STATE_RUNNING first");
	return ct_fail(e, -EBUSY, CT_ERR_DEVICES, "attach", "the container is being set up: a hook runs, for which its list of devices is lifted");
}
