/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_check(): what can be known before anything is changed. The config's values and relations, the plan, and then each thing of
 * the host that the plan names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/container.h"

struct look {
	struct ct_prepared *p;
	struct ct_err *e;
};

/* Takes in a problem that e holds. Returns true when the look goes on. */
static bool go_on(struct look *l)
{
	return ct_err_next(l->e);
}

static bool look_keys(struct look *l, bool detached)
{
	for (uint32_t i = 0; ct_build_refuse(l->p->spec, detached, i, l->e) < 0; i++) {
		if (!go_on(l))
			return false;
	}
	return true;
}

/* A log that a start would make is looked for no further than its directory. */
static bool look_log(struct ct_container *c, struct look *l)
{
	int r = ct_log_check(&c->log, false, l->e);
	char dir[4096];

	if (r == 0)
		return true;
	if (r != -ENOENT)
		return go_on(l);
	ct_parent(dir, sizeof(dir), l->e->object);
	if (access(dir, W_OK | X_OK) < 0)
		return go_on(l);
	ct_err_reset(l->e);
	return true;
}

static bool look_mounts(struct look *l)
{
	const struct ct_mounts *m = &l->p->spec->mounts;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct ct_mount_item *item = &m->v[i];

		if (!item->bind || item->relative || item->optional || item->source_fd >= 0 || access(item->source, F_OK) == 0)
			continue;
		ct_err_origin(l->e, &item->at);
		ct_err_object(l->e, item->source);
		ct_err_hint(l->e, "the source must exist on the host; add optional to go on without it");
		ct_fail(l->e, -errno, CT_ERR_SOURCE, "config", "%s", "");
		if (!go_on(l))
			return false;
	}
	return true;
}

static bool look_hooks(struct look *l)
{
	for (unsigned when = 0; when < CT_HOOK_N; when++) {
		const struct ct_cmds *h = &l->p->spec->hook[when];

		for (uint32_t i = 0; i < h->n; i++) {
			if (when == CT_HOOK_START || !h->v[i].argv.n || access(h->v[i].argv.v[0], X_OK) == 0)
				continue;
			ct_err_origin(l->e, &h->v[i].at);
			ct_err_object(l->e, h->v[i].argv.v[0]);
			ct_fail(l->e, -errno, CT_ERR_HOOK, "config", "the hook cannot be executed");
			if (!go_on(l))
				return false;
		}
	}
	return true;
}

/* Is the program there, as seen from the rootfs? Mounts of the config may bring it: only without them it is certain. */
static bool look_program(struct look *l)
{
	const struct ct_plan *plan = l->p->plan;
	const struct ct_step *s = plan->n_steps ? &plan->steps[plan->n_steps - 1] : NULL;
	struct stat st;
	CT_CLEAN_FD int fd = -1;
	int r;

	if (!s || s->op != CT_OP_EXEC || s->a != CT_SLOT_NONE || !s->s[0] || s->s[0][0] != '/' || l->p->spec->mounts.n)
		return true;
	r = fd = ct_openat2(l->p->rootfs, s->s[0], O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 && fstat(fd, &st) == 0)
		r = S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : -EACCES;
	if (r >= 0)
		return true;
	if (s->at->key[0])
		ct_err_origin(l->e, s->at);
	ct_err_object(l->e, s->s[0]);
	ct_err_hint(l->e, r == -ENOENT ? "look at init.cmd, and whether the rootfs is complete" : "the file must be executable");
	ct_fail(l->e, r, CT_ERR_EXEC, "config", "the program cannot be executed in the rootfs");
	return go_on(l);
}

/* Was this asked for where the failure in e says? Then a start may do without it from now on; false when it might already. */
static bool spare(const struct ct_err *e, const struct ct_origin *at, bool *tried)
{
	struct ct_err same = { 0 };
	bool before = *tried;

	ct_err_origin(&same, at);
	if (at && same.line == e->line && !strcmp(same.key, e->key) && !strcmp(same.file, e->file))
		*tried = true;
	return *tried != before;
}

/* Lets a start do without whatever of the spec failed. False when that is nothing it could do without. */
static bool spare_failed(struct ct_spec *s, const struct ct_err *e)
{
	struct ct_cgfiles *const files[] = { &s->cgroup1, &s->cgroup2 };
	bool any = false;

	for (uint32_t i = 0; i < s->cglimits.n; i++)
		any |= spare(e, &s->cglimits.v[i].at, &s->cglimits.v[i].tried);
	for (unsigned k = 0; k < 2; k++)
		for (uint32_t i = 0; i < files[k]->n; i++)
			any |= spare(e, &files[k]->v[i].at, &files[k]->v[i].tried);
	any |= spare(e, ct_spec_origin(s, "limit.cputime"), &s->limit_cputime_tried);
	return any | spare(e, ct_spec_origin(s, "limit.devices"), &s->devices_tried);
}

/* Tells of each limit that is not to be had. False when one has been told of that hides others, and cannot be done without. */
static bool look_limits(struct ct_container *c, const ct_start_opts *o, struct look *l)
{
	while (ct_decide_groups(c, l->p, "", o->flags & CT_START_DETACH, l->e) < 0) {
		bool more = spare_failed(l->p->spec, l->e);

		go_on(l);
		if (!more)
			return false;
	}
	return true;
}

int ct_look_ahead(struct ct_container *c, const ct_start_opts *o, struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	struct look l = {.p = &p, .e = e};
	int r = ct_prepare(c, c->config, &p, e);
	bool whole = !e->all || !e->all->n;

	if (r < 0)
		return r;
	if (!look_keys(&l, o->flags & CT_START_DETACH) || !look_log(c, &l))
		return e->err;
	if (whole && e->all && !look_limits(c, o, &l))
		return 0;
	if (whole)
		r = ct_prepare_start(c, o, &p, e);
	p.req.keys_told = true;
	if (whole && r >= 0)
		r = ct_build_start(&p.req, p.arena, &p.plan, &p.stop, e);
	if (r < 0 && !go_on(&l))
		return r;
	if (!look_mounts(&l) || !look_hooks(&l) || (whole && r >= 0 && !look_program(&l)))
		return e->err;
	return 0;
}
