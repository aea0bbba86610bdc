/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directories of one container, as they are held open. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "base/fd.h"

void ct_cg_forget_one(struct ct_cg_group *g)
{
	ct_close(&g->claim);
	ct_close(&g->inner_fd);
	ct_close(&g->fd);
	free(g->tree);
	free(g->path);
	free(g->inner);
}

void ct_cgroup_forget(struct ct_cgroups_held *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		ct_cg_forget_one(&h->v[i]);
	h->n = 0;
}

uint32_t ct_cg_places(const struct ct_cgroups_held *h, struct ct_cg_place out[CT_CG_TREES])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++)
		if (h->v[i].fd >= 0)
			out[n++] = (struct ct_cg_place){ h->v[i].version, h->v[i].controllers,
							 h->v[i].fd };
	return n;
}

/* Replaces *s, if it is not NULL, by a copy. */
static int copy_text(char **s)
{
	if (!*s)
		return 0;
	*s = strdup(*s);
	if (!*s)
		return -ENOMEM;
	return 0;
}

/* Replaces *fd, if it is open, by a copy. */
static int copy_fd(int *fd)
{
	if (*fd < 0)
		return 0;
	*fd = ct_dup(*fd);
	return *fd;
}

int ct_cgroup_copy(const struct ct_cgroups_held *from, struct ct_cgroups_held *to)
{
	int r = 0;

	*to = (struct ct_cgroups_held){ 0 };
	for (uint32_t i = 0; r >= 0 && i < from->n; i++) {
		struct ct_cg_group *g = &to->v[to->n++];
		int results[5];

		*g = from->v[i];
		g->claim = -1;
		/* all of them, so that *g holds nothing of the other when it is released */
		results[0] = copy_fd(&g->fd);
		results[1] = copy_fd(&g->inner_fd);
		results[2] = copy_text(&g->tree);
		results[3] = copy_text(&g->path);
		results[4] = copy_text(&g->inner);
		for (int k = 0; r >= 0 && k < 5; k++)
			r = results[k];
	}
	if (r < 0)
		ct_cgroup_forget(to);
	return r;
}

bool ct_cg_is_payloads(const struct ct_cg_group *g)
{
	return g->tree && strncmp(g->tree, CT_CG_MONITOR, strlen(CT_CG_MONITOR));
}

const struct ct_cg_group *ct_cg_group_of(const struct ct_cgroups_held *h, uint32_t bit)
{
	/* version 2 counts CPU time and freezes for all cgroups below, too */
	for (uint32_t i = 0; i < h->n && (bit & (CT_CG_FREEZER | CT_CG_CPUACCT)); i++)
		if (h->v[i].fd >= 0 && h->v[i].version == 2 && (h->v[i].controllers & bit))
			return &h->v[i];
	for (uint32_t i = 0; i < h->n; i++)
		if (h->v[i].fd >= 0 && (h->v[i].controllers & bit))
			return &h->v[i];
	return NULL;
}

const char *ct_cg_cpu_time_file(const struct ct_cg_group *g)
{
	if (g->version == 2)
		return "cpu.stat";
	return "cpuacct.usage";
}

const struct ct_cg_group *ct_cg_whole(const struct ct_cgroups_held *h)
{
	const struct ct_cg_group *any = NULL;

	for (uint32_t i = 0; i < h->n; i++) {
		if (h->v[i].fd < 0)
			continue;
		if (h->v[i].version == 2 && (h->v[i].controllers & CT_CG_FREEZER))
			return &h->v[i];
		if (!any || (h->v[i].controllers & CT_CG_FREEZER))
			any = &h->v[i];
	}
	return any;
}
