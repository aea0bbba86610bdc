/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): which devices the container may use, and who sees to it. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "run/protect/protections.h"

#define LIST_MAX 65536

/* "default", "none and 3 rules". */
static const char *asked_for(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	const char *preset = s->devices_preset ? s->devices_preset : "default";

	if (!s->devrules.n)
		return CT_SAY(t, "%s%s", s->devices_tried ? "try:" : "", preset);
	if (!s->devices_set)
		return CT_SAY(t, "%u rules", s->devrules.n);
	return CT_SAY(t, "%s%s and %u rules", s->devices_tried ? "try:" : "", preset, s->devrules.n);
}

/* Version 1: the kernel's own list, which is "a *:* rwm" where nothing is restricted. */
static void add_list(struct ct_protect *t, const char *asked, const struct ct_cg_group *g)
{
	const char *how = CT_SAY(t, "devices controller, devices.list of %s (version 1)", g->path);
	char *text = ct_arena_alloc(t->p.arena, LIST_MAX);
	ssize_t r = text ? ct_cg_read(g->fd, "devices.list", text, LIST_MAX) : -ENOMEM;
	unsigned n = 0;
	bool all = false;

	if (r < 0) {
		ct_protect_add(t, false, "devices", asked, CT_SAY(t, "cannot be told: %s", ct_errno_text((int)-r)), how);
		return;
	}
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		all |= *p == 'a' && !strncmp(p, "a *:* rwm", 9);
		n++;
	}
	ct_protect_add(t, !all, "devices", asked, all ? "not restricted" : CT_SAY(t, "allow list of %u rules", n), how);
}

/* Version 2: a program says nothing of itself, but that it is there. */
static void add_program(struct ct_protect *t, const char *asked, const struct ct_cg_group *g, const struct ct_cg_dir *d)
{
	const char *how = CT_SAY(t, "BPF program on %s (version 2)", g->path);
	int programs = ct_dev_programs(g->fd);
	unsigned n = 0;

	for (uint32_t i = 0; d && i < d->n_rules; i++)
		n += !strncmp(d->rules[i], "allow", 5);
	if (programs < 0)
		ct_protect_add(t, false, "devices", asked, CT_SAY(t, "cannot be told: %s", ct_errno_text(-programs)), how);
	else if (!programs)
		ct_protect_add(t, false, "devices", asked, "not restricted", CT_SAY(t, "no BPF program on %s", g->path));
	else
		ct_protect_add(t, true, "devices", asked, d ? CT_SAY(t, "allow list of %u rules", n) : "restricted", how);
}

/* Why nothing restricts them; what was asked for then is not had. */
static void add_unrestricted(struct ct_protect *t, const char *asked, bool wanted)
{
	const char *why = NULL;

	if (wanted && ct_cg_serving(&ct_cgroup_state(&t->p.backends)->trees, CT_CG_DEVICES, 0) && t->held.n && ct_dev_bpf_usable(&why))
		why = NULL;
	ct_protect_add(t, false, "devices", asked, "not restricted", why ? why : ct_protect_lack(t, CT_CG_DEVICES, 0));
}

void ct_protect_devices(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	const struct ct_cg_group *g = ct_cg_group_of(&t->held, CT_CG_DEVICES);
	bool asked = s->devices_set || s->devrules.n, userns = ct_build_namespaces(s) & CT_NS_USER;
	const struct ct_cg_dir *dir = NULL;
	const char *text = asked_for(t);

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		userns |= s->ns_share.v[i].ns == CT_NS_USER;
	if (s->devices_preset && !strcmp(s->devices_preset, "all") && !s->devrules.n) {
		ct_protect_add(t, true, "devices", text, "not restricted", "-");
		return;
	}
	for (uint32_t i = 0; i < ct_cgroup_state(&t->p.backends)->want.n; i++)
		if (ct_cgroup_state(&t->p.backends)->want.v[i].rules)
			dir = &ct_cgroup_state(&t->p.backends)->want.v[i];
	if (!asked && userns && (!g || g->version == 1 || !dir))
		ct_protect_add(t, true, "devices", text, "not restricted", "user namespace: no rights over devices");
	else if (!asked && !g && !(t->p.host.cap_permitted & UINT64_C(1) << CAP_MKNOD))
		ct_protect_add(t, true, "devices", text, "not restricted", "no CAP_MKNOD here: no rights over devices");
	else if (!g)
		add_unrestricted(t, text, asked);
	else if (g->version == 1)
		add_list(t, text, g);
	else
		add_program(t, text, g, dir);
}
