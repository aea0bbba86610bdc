/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_check(): the faults that can be known before anything is changed: of the config's values and
 * relations, of the plan, and of everything on the host that the plan names. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/start/detached.h"
#include "run/start/look.h"

struct check {
	struct ct_prepared *p;
	struct ct_err *e;
};

/* Takes in a fault that e holds. Returns true when the check goes on. */
static bool go_on(struct check *l)
{
	return ct_err_next(l->e);
}

static bool check_keys(struct check *l, bool detached)
{
	for (uint32_t i = 0; ct_build_refuse(l->p->spec, detached, i, l->e) < 0; i++) {
		if (!go_on(l))
			return false;
	}
	return true;
}

/* The result of opening a file that a start would make: that it does not exist is no fault when its
 * directory can be written to. */
static bool check_made(struct check *l, int r)
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

static bool check_console(struct check *l)
{
	struct ct_detached d = CT_DETACHED_INIT;
	const char *name;
	bool good = check_made(l, ct_detached_open_log(l->p->spec, &d, false, &name, l->e)) &&
		    check_made(l, ct_detached_open_device(l->p->spec, &d, false, l->e));

	ct_detached_close(&d);
	return good;
}

/* Makes a setting best effort, if it is the one that the failure in e is about; false: it is not,
 * or was best effort already. */
static bool relax(const struct ct_err *e, const struct ct_origin *at, bool *best_effort)
{
	struct ct_err same = { 0 };

	ct_err_origin(&same, at);
	if (!at || *best_effort || same.line != e->line || strcmp(same.key, e->key) != 0 ||
	    strcmp(same.file, e->file) != 0)
		return false;
	*best_effort = true;
	return true;
}

/* Makes the setting that failed best effort, so that those behind it can be checked. False: it is
 * none that can be. */
static bool relax_failed(struct ct_spec *s, const struct ct_err *e)
{
	struct ct_cgfiles *const files[] = { &s->cgroup1, &s->cgroup2 };
	bool any = false;

	for (uint32_t i = 0; i < s->cglimits.n; i++)
		any |= relax(e, &s->cglimits.v[i].at, &s->cglimits.v[i].tried);
	for (unsigned k = 0; k < 2; k++)
		for (uint32_t i = 0; i < files[k]->n; i++)
			any |= relax(e, &files[k]->v[i].at, &files[k]->v[i].tried);
	any |= relax(e, ct_spec_origin(s, "limit.cputime"), &s->limit_cputime_tried);
	return any | relax(e, ct_spec_origin(s, "limit.devices"), &s->devices_tried);
}

/* Records each limit that is not available, up to a failure that cannot be made best effort and
 * hides those behind it. */
static void check_limits(struct ct_container *c, const ct_start_opts *o, struct check *l)
{
	bool more = true;

	l->p->req = (struct ct_request){ .spec = l->p->spec,
					 .host = &l->p->host,
					 .name = c->name,
					 .detached = o->flags & CT_START_DETACH };
	while (more && ct_open_backends(c, l->p, NULL, l->e) < 0) {
		more = relax_failed(l->p->spec, l->e);
		go_on(l);
	}
}

/* The hooks that run before the container is destroyed. */
static bool check_hooks(struct check *l)
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
	struct check l = { .p = &p, .e = e };
	int r = ct_prepare(c, c->config, &p, e);

	if (r < 0)
		return r;
	if (!check_keys(&l, o->flags & CT_START_DETACH) ||
	    !check_made(&l, ct_log_check(&c->log, false, e)))
		return e->err;
	if ((o->flags & CT_START_DETACH) && !check_console(&l))
		return e->err;
	if (e->all)
		check_limits(c, o, &l);
	r = ct_prepare_start(c, o, &p, e);
	if (r < 0)
		return r;
	p.req.keys_told = true;
	r = ct_build_start(&p.req, p.arena, &p.plan, e);
	/* faults of the host do not follow from those of the config */
	if (e->all)
		e->all->derived = false;
	if (r < 0)
		return e->err;
	if (!ct_look_steps(&p, p.plan, e) || !check_hooks(&l))
		return e->err;
	return 0;
}
