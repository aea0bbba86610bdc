/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of ct_protections() for devices: which the container may use, and what enforces it. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "backend/cgroup/state.h"

#define LIST_MAX 65536

/* "default", "try:none and 3 rules". */
static const char *asked_for(struct ct_protections *r)
{
	const struct ct_spec *s = r->spec;
	const char *preset = s->devices_preset;

	if (s->devrules.n && !s->devices_set)
		return CT_ROW_TEXT(r, "%u rules", s->devrules.n);
	if (!preset)
		preset = "default";
	if (s->devices_tried)
		preset = CT_ROW_TEXT(r, "try:%s", preset);
	if (!preset || !s->devrules.n)
		return preset;
	return CT_ROW_TEXT(r, "%s and %u rules", preset, s->devrules.n);
}

/* Version 1: the kernel's own list, which is "a *:* rwm" where nothing is restricted. */
static void add_list(struct ct_protections *r, const char *asked, const struct ct_cg_group *g)
{
	const char *how = CT_ROW_TEXT(r, "devices controller, devices.list of %s (version 1)",
				      g->path);
	char *text = ct_arena_alloc(r->arena, LIST_MAX);
	ssize_t got = -ENOMEM;
	unsigned n = 0;
	bool all = false;

	if (text)
		got = ct_cg_read(g->fd, "devices.list", text, LIST_MAX);
	if (got < 0) {
		ct_protections_add(r, false, "devices", asked,
				   CT_ROW_TEXT(r, "cannot be told: %s", ct_errno_text((int)-got)),
				   how);
		return;
	}
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		all |= *p == 'a' && !strncmp(p, "a *:* rwm", 9);
		n++;
	}
	if (all)
		ct_protections_add(r, false, "devices", asked, "not restricted", how);
	else
		ct_protections_add(r, true, "devices", asked,
				   CT_ROW_TEXT(r, "allow list of %u rules", n), how);
}

/* Version 2: the kernel only reports that there is a program; its rules are those of the config. */
static void add_program(struct ct_protections *r, const char *asked, const struct ct_cg_group *g,
			const struct ct_cg_dir *d)
{
	const char *how = CT_ROW_TEXT(r, "BPF program on %s (version 2)", g->path);
	const char *got = "restricted";
	int programs = ct_dev_programs(g->fd);
	unsigned n = 0;

	if (programs < 0) {
		ct_protections_add(r, false, "devices", asked,
				   CT_ROW_TEXT(r, "cannot be told: %s", ct_errno_text(-programs)),
				   how);
		return;
	}
	if (!programs) {
		ct_protections_add(r, false, "devices", asked, "not restricted",
				   CT_ROW_TEXT(r, "no BPF program on %s", g->path));
		return;
	}
	for (uint32_t i = 0; d && i < d->n_rules; i++)
		n += !strncmp(d->rules[i], "allow", 5);
	if (d)
		got = CT_ROW_TEXT(r, "allow list of %u rules", n);
	ct_protections_add(r, true, "devices", asked, got, how);
}

/* No cgroup restricts them: the reason. */
static void add_unrestricted(const struct ct_cgroup_state *st, struct ct_protections *r,
			     const char *asked, bool wanted)
{
	const char *why = NULL;

	if (wanted && ct_cg_serving(&st->trees, CT_CG_DEVICES, 0) && r->running->n &&
	    ct_dev_bpf_usable(&why))
		why = NULL;
	if (!why)
		why = ct_cg_lack(st, r, CT_CG_DEVICES, 0);
	ct_protections_add(r, false, "devices", asked, "not restricted", why);
}

void ct_cg_protect_devices(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	const struct ct_spec *s = r->spec;
	const struct ct_cg_group *g = ct_cg_group_of(r->running, CT_CG_DEVICES);
	bool asked = s->devices_set || s->devrules.n, userns = ct_build_namespaces(s) & CT_NS_USER;
	const struct ct_cg_dir *dir = NULL;
	const char *text = asked_for(r);

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		userns |= s->ns_share.v[i].ns == CT_NS_USER;
	if (s->devices_preset && !strcmp(s->devices_preset, "all") && !s->devrules.n) {
		ct_protections_add(r, true, "devices", text, "not restricted", "-");
		return;
	}
	for (uint32_t i = 0; i < st->want.n; i++)
		if (st->want.v[i].rules)
			dir = &st->want.v[i];
	if (!asked && userns && (!g || g->version == 1 || !dir))
		ct_protections_add(r, true, "devices", text, "not restricted",
				   "user namespace: no rights over devices");
	else if (!asked && !g && !(r->host->cap_permitted & UINT64_C(1) << CAP_MKNOD))
		ct_protections_add(r, true, "devices", text, "not restricted",
				   "no CAP_MKNOD here: no rights over devices");
	else if (!g)
		add_unrestricted(st, r, text, asked);
	else if (g->version == 1)
		add_list(r, text, g);
	else
		add_program(r, text, g, dir);
}
