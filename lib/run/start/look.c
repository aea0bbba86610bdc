/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_check(): what can be known before anything is changed. The config's values and relations, the
 * plan, and then each thing of the host that the plan names. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/start/detached.h"
#include "run/start/look.h"

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

/* A file that a start would make is looked for no further than its directory. */
static bool look_made(struct look *l, int r)
{
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

static bool look_console(struct look *l)
{
	struct ct_detached d = CT_DETACHED_INIT;
	const char *name;
	bool good = look_made(l, ct_detached_open_log(l->p->spec, &d, false, &name, l->e)) &&
		    look_made(l, ct_detached_open_device(l->p->spec, &d, false, l->e));

	ct_detached_close(&d);
	return good;
}

/* Was this asked for where the failure in e says? Then a start may do without it from now on; false
 * when it might already. */
static bool spare(const struct ct_err *e, const struct ct_origin *at, bool *tried)
{
	struct ct_err same = { 0 };
	bool before = *tried;

	ct_err_origin(&same, at);
	if (at && same.line == e->line && !strcmp(same.key, e->key) && !strcmp(same.file, e->file))
		*tried = true;
	return *tried != before;
}

/* Lets a start do without whatever of the spec failed. False when that is nothing it
 * could do without. */
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

/* Tells of each limit that is not to be had, up to one that hides others, and cannot
 * be done without. */
static void look_limits(struct ct_container *c, const ct_start_opts *o, struct look *l)
{
	bool more = true;

	l->p->req = (struct ct_request){ .spec = l->p->spec,
					 .host = &l->p->host,
					 .name = c->name,
					 .detached = o->flags & CT_START_DETACH };
	while (more && ct_open_backends(c, l->p, NULL, l->e) < 0) {
		more = spare_failed(l->p->spec, l->e);
		go_on(l);
	}
}

/* The plan of hooks for a time when there is no container any more. */
static bool look_later(struct look *l)
{
	struct ct_prepared *p = l->p;
	struct ct_plan *destroy = NULL;

	if (ct_build_destroy(&p->req, p->arena, &destroy, l->e) < 0)
		return go_on(l);
	return ct_look_steps(p, destroy, l->e);
}

int ct_look_ahead(struct ct_container *c, const ct_start_opts *o, struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	struct look l = { .p = &p, .e = e };
	int r = ct_prepare(c, c->config, &p, e);

	if (r < 0)
		return r;
	if (!look_keys(&l, o->flags & CT_START_DETACH) ||
	    !look_made(&l, ct_log_check(&c->log, false, e)))
		return e->err;
	if ((o->flags & CT_START_DETACH) && !look_console(&l))
		return e->err;
	if (e->all)
		look_limits(c, o, &l);
	r = ct_prepare_start(c, o, &p, e);
	if (r < 0)
		return r;
	p.req.keys_told = true;
	r = ct_build_start(&p.req, p.arena, &p.plan, e);
	/* what the steps meet is there, whatever else is wrong with the config */
	if (e->all)
		e->all->derived = false;
	if (r < 0)
		return e->err;
	return ct_look_steps(&p, p.plan, e) && look_later(&l) ? 0 : e->err;
}
