/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "run/start/launch.h"
#include "run/start/start.h"

#define RUN_MS 60000 /* for a program that a backend runs */

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

/* For backends: runs a program of the host. */
static int run_program(void *arg, const char *const *argv, struct ct_err *e)
{
	static const char *const env[] = { "PATH=" CT_DEFAULT_PATH, "LC_ALL=C" };
	struct ct_launch *l = arg;
	struct ct_plan *plan = ct_plan_new(l->prepared.arena);
	struct ct_step *s;
	int r;

	if (!plan)
		return ct_oom(e);
	s = ct_plan_add(plan, CT_PHASE_HOST, CT_OP_HOOK, NULL);
	s->s[0] = "host";
	s->list[0] = argv;
	while (argv[s->n_list[0]])
		s->n_list[0]++;
	s->list[1] = env;
	s->n_list[1] = sizeof(env) / sizeof(*env);
	s->n[0] = RUN_MS;
	plan->hooks = true;
	r = ct_plan_freeze(plan, e);
	if (r < 0)
		return r;
	return ct_run_host_programs(plan, l->spawn.image, &l->log, e);
}

int ct_start_setup(struct ct_launch *l, struct ct_undo *undo, struct ct_placeholder *holder,
		   struct ct_err *e)
{
	struct ct_setup context = { .plan = l->prepared.plan,
				    .undo = undo,
				    .log = &l->log,
				    .placeholder = begin_placeholder,
				    .arg = holder,
				    .run = run_program,
				    .run_arg = l,
				    .program = l->program };
	int r = ct_backends_setup(&l->prepared.backends, &context, e);

	if (r < 0)
		ct_placeholder_end(holder);
	return r;
}
