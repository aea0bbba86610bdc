/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hooks that belong to no start: they run on the host, below a keeper, as those of a start do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "run/start/launch.h"
#include "plan/trace.h"

int ct_run_host_programs(const struct ct_plan *plan, int image, const struct ct_log *log,
			 struct ct_err *e)
{
	struct ct_spawn s = { .plan = plan,
			      .image = image,
			      .stdio = { -1, -1, -1 },
			      .cpu_fd = -1,
			      .thaw_fd = -1,
			      .log = log,
			      .trace = ct_trace_wanted(log) };
	struct ct_child child = CT_CHILD_INIT;
	int64_t ms = CT_LAUNCH_MS;
	int r;

	for (uint32_t i = 0; i < plan->n_steps; i++)
		ms += (int64_t)plan->steps[i].n[0];
	r = ct_spawn(&s, &child, e);
	if (r >= 0)
		r = ct_spawn_follow(&s, &child, ct_now_ms() + ms, e);
	if (r != -EINPROGRESS)
		return r;
	ct_child_drop(&child, NULL);
	return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "define", "the hooks do not end");
}

static bool has_hook(const struct ct_config *config)
{
	for (uint32_t i = 0; i < ct_config_count(config); i++)
		if (!strcmp(ct_config_entry(config, i)->name, "hook.destroy"))
			return true;
	return false;
}

/* Makes the plan of this config's hook.destroy, p->plan; NULL when it has none. */
static int build(struct ct_container *c, const struct ct_config *config, const char *file,
		 struct ct_prepared *p, struct ct_err *e)
{
	int r;

	if (!has_hook(config))
		return 0;
	r = ct_need_image(c, e);
	if (r >= 0)
		r = ct_prepare(c, config, p, e);
	if (r < 0)
		return r;
	p->req = (struct ct_request){
		.spec = p->spec, .host = &p->host, .name = c->name, .config_file = file
	};
	return ct_build_destroy(&p->req, p->arena, &p->plan, e);
}

/* The hooks of the handle's config, else of the stored one. A stored config that cannot be read has
 * none: the container must still be destroyed. */
int ct_run_destroy_hooks(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_CONFIG struct ct_config *stored = ct_config_new();
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	char *file = ct_container_path(c, "config");
	const struct ct_config *config = stored;
	int r = 0;

	if (has_hook(c->config))
		config = c->config;
	if (!stored || !file)
		r = ct_oom(e);
	else if (config == stored && ct_config_load(stored, file, NULL) < 0)
		ct_log(&c->log, CT_LOG_WARN,
		       "%s cannot be read: its hook.destroy, if it has one, does not run", file);
	if (r >= 0)
		r = build(c, config, file, &p, e);
	if (r >= 0 && p.plan)
		r = ct_run_host_programs(p.plan, c->image, &c->log, e);
	free(file);
	return r;
}
