/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "run/start/launch.h"
#include "run/start/start.h"

void ct_start_stdio(const int given[3], int out[3])
{
	for (int i = 0; i < 3; i++) {
		out[i] = i;
		if (given[i] != 0)
			out[i] = ct_given_fd(given[i]);
	}
}

int ct_start_build(struct ct_prepared *p, struct ct_output *output, struct ct_err *e)
{
	int r = 0;

	if (ct_build_pumps(&p->req))
		r = ct_output_begin(output, &p->output, e);
	if (r < 0)
		return r;
	p->req.output_fd = p->output;
	return ct_build_start(&p->req, p->arena, &p->plan, e);
}

struct ct_config *ct_start_config(const struct ct_container *c, const struct ct_prepared *p,
				  struct ct_err *e)
{
	struct ct_config *copy = ct_config_copy(c->config);
	const char *reaper = "0";
	int r;

	if (!copy) {
		ct_oom(e);
		return NULL;
	}
	if (p->spec->init_reaper)
		reaper = "1";
	r = ct_config_set(copy, "init.reaper", reaper, e);
	if (r >= 0 && p->spec->seccomp_profile)
		r = ct_config_set(copy, "seccomp.profile", p->spec->seccomp_profile, e);
	if (r >= 0)
		r = ct_config_set(copy, "keyring.user", p->spec->keyring_user ? "1" : "0", e);
	if (r >= 0)
		return copy;
	ct_config_free(copy);
	return NULL;
}

/* For backends: makes the process that a scope of systemd begins with; *cgroup gets where to keep
 * the path of its cgroup. */
static pid_t begin_placeholder(void *arg, char ***cgroup, struct ct_err *e)
{
	struct ct_placeholder *holder = arg;
	int r = ct_placeholder_begin(holder, e);

	*cgroup = &holder->group;
	if (r < 0)
		return r;
	return holder->pid;
}

int ct_start_setup(struct ct_launch *l, struct ct_undo *undo, struct ct_placeholder *holder,
		   struct ct_err *e)
{
	struct ct_setup context = { .plan = l->prepared.plan,
				    .undo = undo,
				    .log = &l->log,
				    .placeholder = begin_placeholder,
				    .arg = holder,
				    .program = l->program };
	int r = ct_backends_setup(&l->prepared.backends, &context, e);

	if (r < 0)
		ct_placeholder_end(holder);
	return r;
}
