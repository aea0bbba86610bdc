/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "run/start/launch.h"
#include "run/start/start.h"

void ct_start_stdio(const int given[3], int out[3])
{
	for (int i = 0; i < 3; i++)
		out[i] = given[i] == 0 ? i : ct_given_fd(given[i]);
}

int ct_start_build(struct ct_prepared *p, struct ct_output *output, struct ct_err *e)
{
	int r = ct_build_pumps(&p->req) ? ct_output_begin(output, &p->output, e) : 0;

	p->req.output_fd = p->output;
	return r < 0 ? r : ct_build_start(&p->req, p->arena, &p->plan, e);
}

struct ct_config *ct_start_config(const struct ct_container *c, const struct ct_prepared *p,
				  struct ct_err *e)
{
	struct ct_config *copy = ct_config_copy(c->config);

	if (!copy)
		ct_oom(e);
	else if (ct_config_set(copy, "init.reaper", p->spec->init_reaper ? "1" : "0", e) >= 0)
		return copy;
	ct_config_free(copy);
	return NULL;
}

/* Of systemd's scope, for backends. */
static pid_t begin_placeholder(void *arg, char ***group, struct ct_err *e)
{
	struct ct_placeholder *holder = arg;
	int r = ct_placeholder_begin(holder, e);

	*group = &holder->group;
	return r < 0 ? r : holder->pid;
}

int ct_start_setup(struct ct_launch *l, struct ct_undo *undo, struct ct_placeholder *holder,
		   struct ct_err *e)
{
	struct ct_setup context = { .plan = l->prepared.plan,
				    .undo = undo,
				    .log = &l->log,
				    .placeholder = begin_placeholder,
				    .arg = holder };
	int r = ct_backends_setup(&l->prepared.backends, &context, e);

	if (r < 0)
		ct_placeholder_end(holder);
	return r;
}
