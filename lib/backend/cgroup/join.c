/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups that an attach joins, and whether it may. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "backend/cgroup/devices-cells.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/state.h"
#include "base/fd.h"
#include "base/sys.h"

#define LIST_MAX (256u << 10)

/* A process that joins a frozen cgroup (`fd`: g, or one below it) never comes to the exec that the
 * attach waits for: -EBUSY, recorded, with the name of the frozen one. */
static int check_join(const struct ct_cg_group *g, int fd, struct ct_err *e)
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

/* Whether the text of devices.list allows all devices of the type, and the policy does not. */
static bool allows_more(const char *text, const char *all, char type, const struct ct_dev_list *l)
{
	return strstr(text, all) && ct_dev_decide(l, type, CT_DEV_ANY, CT_DEV_ANY) != CT_DEV_ALL;
}

/* For hooks of the host the launcher lifts the list for a while (lib/stage/step/devices.c). */
static bool is_lifted(const struct ct_cg_group *g, const struct ct_dev_list *l)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	if (g->version == 2)
		return ct_dev_programs(g->fd) == 0;
	if (ct_buf_read_at(&text, g->fd, "devices.list", LIST_MAX) < 0)
		return false;
	return allows_more(ct_buf_text(&text), "c *:* rwm", 'c', l) ||
	       allows_more(ct_buf_text(&text), "b *:* rwm", 'b', l);
}

/* -EBUSY, recorded, while the cgroup's list of devices is lifted for a hook of the start: the
 * attached process would be without it. */
static int check_list(const struct ct_cg_group *g, const struct ct_spec *s, struct ct_arena *a,
		      struct ct_err *e)
{
	struct ct_dev_list list;
	int r;

	if (!(g->controllers & CT_CG_DEVICES) || s->devices_tried || !ct_spec_hooks_inside(s))
		return 0;
	r = ct_dev_from_spec(s, g->version, a, &list, e);
	if (r < 0 || !is_lifted(g, &list))
		return r;
	ct_err_hint(e, "ct_wait() (ct-wait) for CT_STATE_RUNNING first");
	return ct_fail(e, -EBUSY, CT_ERR_DEVICES, "attach",
		       "the container is being set up: a hook "
		       "runs, for which its list of devices "
		       "is lifted");
}

/* The cgroup of version 2 that init is in now, when it has left the one that it was started in: a
 * system that enables controllers has no process in the topmost one. Never outside of the
 * container's. -1: init is where it was started. */
static int inits_group(const struct ct_cg_group *g, pid_t pid)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	const char *at, *own = strrchr(g->path, '/');
	char path[64], rel[2048];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (ct_buf_read_at(&text, AT_FDCWD, path, 1 << 20) < 0)
		return -1;
	at = ct_cg_v2_path(ct_buf_text(&text));
	if (at)
		at = strstr(at, own);
	if (!at)
		return -1;
	at += strlen(own);
	n = strcspn(at, "\n");
	if (*at != '/' || n < 2 || n >= sizeof(rel))
		return -1;
	memcpy(rel, at + 1, n - 1);
	rel[n - 1] = 0;
	return ct_openat2(g->fd, rel, O_PATH | O_DIRECTORY, 0,
			  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/* A container whose payload had no mknod needed no list of devices. Fails when the attached process
 * would have it. */
static int check_devices(const struct ct_backend_input *in, struct ct_err *e)
{
	const struct ct_request *q = in->req;
	struct ct_cg_ask ask = { .spec = q->spec,
				 .host = in->host,
				 .userns = ct_build_userns(q->spec),
				 .mknod = q->elevated ||
					  (q->set_caps && (q->caps & UINT64_C(1) << CAP_MKNOD)) };

	return ct_cg_check_none(&ask, "attach", e);
}

/* One cgroup that the payload is in. */
static int add_join(struct ct_cgroup_state *st, const struct ct_cg_group *g,
		    const struct ct_backend_input *in, struct ct_err *e)
{
	int fd = g->fd, r;

	if (g->fd < 0) {
		ct_err_object(e, g->path);
		return ct_fail(e, -ENOENT, CT_ERR_CGROUP, "attach",
			       "a group of the container has been removed");
	}
	if (g->inner_fd >= 0)
		fd = g->inner_fd;
	if (g->version == 2)
		st->extra = inits_group(g, in->init);
	if (g->version == 2 && st->extra >= 0)
		fd = st->extra;
	r = check_join(g, fd, e);
	if (r >= 0)
		r = check_list(g, in->req->spec, in->arena, e);
	if (r >= 0)
		st->join[st->n_join++] =
			(struct ct_cg_join){ .version = g->version, .fd = fd, .tree = g->tree };
	return r;
}

int ct_cg_open_attach(struct ct_cgroup_state *st, const struct ct_backend_input *in,
		      struct ct_err *e)
{
	const struct ct_cgroups_held *held = in->running;
	int r = check_devices(in, e);

	if (r < 0)
		return r;
	st->join = ct_arena_alloc(in->arena, (held->n + 1) * sizeof(*st->join));
	if (!st->join)
		return ct_oom(e);
	for (uint32_t i = 0; r >= 0 && i < held->n; i++)
		if (ct_cg_is_payloads(&held->v[i]))
			r = add_join(st, &held->v[i], in, e);
	return r;
}
