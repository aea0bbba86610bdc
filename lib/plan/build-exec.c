/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of every plan: death signal, signals, descriptors to keep, environment, program. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "plan/builder.h"
#include "shared/weak.h"

struct env {
	const char **v;
	uint32_t n, cap;
	/* hash table by name, of index + 1 in v; mask + 1 places, twice cap */
	uint32_t *table, mask;
	struct ct_builder *b;
};

/* The place in the table of a name: where it is, or where it would be. */
static uint32_t *env_place(const struct env *env, const char *kv)
{
	size_t len = strcspn(kv, "=");
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)kv[i]) * 16777619u;
	for (h &= env->mask; env->table[h]; h = (h + 1) & env->mask)
		if (!strncmp(env->v[env->table[h] - 1], kv, len + 1))
			break;
	return &env->table[h];
}

/* Room for one more. False without memory. */
static bool env_grow(struct env *env)
{
	uint32_t cap = env->cap ? env->cap * 2 : 32;
	const char **bigger = ct_arena_grow(env->b->arena, env->v, env->n, cap, sizeof(*bigger));
	uint32_t *table = ct_arena_alloc(env->b->arena, (size_t)cap * 2 * sizeof(*table));

	if (!bigger || !table)
		return false;
	env->v = bigger;
	env->cap = cap;
	env->table = table;
	env->mask = cap * 2 - 1;
	for (uint32_t i = 0; i < env->n; i++)
		*env_place(env, env->v[i]) = i + 1;
	return true;
}

/* Adds "K=V" and replaces one of the same name; NULL: there was no memory for it. */
static void env_put(struct env *env, const char *kv)
{
	uint32_t *at;

	if (kv && !strchr(kv, '='))
		return;
	if (!kv || (env->n == env->cap && !env_grow(env))) {
		env->b->plan->err = -ENOMEM;
		return;
	}
	at = env_place(env, kv);
	if (*at) {
		env->v[*at - 1] = kv;
		return;
	}
	env->v[env->n++] = kv;
	*at = env->n;
}

static int config_env(struct env *env)
{
	struct ct_builder *b = env->b;

	for (uint32_t i = 0; i < b->spec->environment.n; i++) {
		const char *kv = ct_build_variable(b, &b->spec->environment.v[i]);

		if (!kv && ct_err_go_on(b->err, b->err->err) < 0)
			return b->err->err;
		if (kv)
			env_put(env, kv);
	}
	return 0;
}

/* What the payload gets before the variables of the config. */
static void default_env(struct env *env)
{
	struct ct_builder *b = env->b;
	const char *term = ct_build_caller_var(b->req, "TERM");

	env_put(env, "PATH=" CT_DEFAULT_PATH);
	/* OpenRC, and tools of administration, know no other word in systems that LXC has made */
	if (b->spec->lxc)
		env_put(env, "container=lxc");
	else
		env_put(env, "container=libcontain");
	if (!term)
		term = "TERM=linux";
	if (b->req->pty || b->req->detached)
		env_put(env, term);
	if (b->ttys)
		env_put(env, b->ttys);
	if (!b->req->keep_env && !ct_weak(CT_WEAK_CALLER_ENV))
		return;
	for (const char *const *e = b->req->caller_env; e && *e; e++)
		env_put(env, *e);
}

int ct_build_env(struct ct_builder *b, const char *const **out, uint32_t *n)
{
	struct env env = { .b = b };
	int r = 0;

	if (!b->req->clear_env) {
		default_env(&env);
		r = config_env(&env);
	}
	for (const char *const *e = b->req->envp; e && *e && r >= 0; e++) {
		if (!strchr(*e, '=') || **e == '=') {
			ct_err_object(b->err, *e);
			r = ct_fail(b->err, -EINVAL, CT_ERR_ARGUMENT, "plan",
				    "an environment entry must have the form NAME=VALUE");
			break;
		}
		env_put(&env, *e);
	}
	*out = env.v;
	*n = env.n;
	return r;
}

/* The program and its arguments: the caller's, or the config's, or /sbin/init. */
static int program(struct ct_builder *b, const char *const **argv, uint32_t *n,
		   const struct ct_origin **at)
{
	static const char *const init[] = { "/sbin/init" };
	static const struct ct_origin asked = { .key = "" };
	const struct ct_words *words = &b->spec->init_cmd;
	const char *key = "init.cmd";

	if (b->req->execute) {
		words = &b->spec->execute_cmd;
		key = "execute.cmd";
	}
	*at = ct_build_at(b, key);
	if (b->req->argv) {
		*argv = b->req->argv;
		for (*n = 0; b->req->argv[*n];)
			(*n)++;
		*at = &asked;
	} else if (words->n) {
		*argv = (const char *const *)words->v;
		*n = words->n;
	} else if (!b->req->execute) {
		*argv = init;
		*n = 1;
	} else {
		ct_err_hint(b->err, "give a command, or set execute.cmd");
		return ct_fail(b->err, -EINVAL, CT_ERR_ARGUMENT, "plan", "nothing to execute");
	}
	if (!*n) {
		ct_err_hint(b->err, "give at least the program's name");
		return ct_fail(b->err, -EINVAL, CT_ERR_ARGUMENT, "plan",
			       "the argument list is empty");
	}
	return 0;
}

bool ct_build_reaper(const struct ct_request *r)
{
	bool program = r->argv || r->has_exec_fd || (r->execute && r->spec->execute_cmd.n);

	if (r->reaper || r->no_reaper)
		return r->reaper;
	if (r->spec->init_reaper_set)
		return r->spec->init_reaper;
	return program && (r->execute || !r->name[0]) && (ct_build_namespaces(r->spec) & CT_NS_PID);
}

/* Only the first process of a pid namespace becomes the parent of its orphans. */
static int add_reaper(struct ct_builder *b, enum ct_phase phase)
{
	struct ct_step *s;

	if (b->in_pidfd != CT_SLOT_NONE || !b->spec->init_reaper)
		return 0;
	if (!(b->own & CT_NS_PID)) {
		if (!b->req->reaper)
			ct_err_origin(b->err, ct_build_at(b, "init.reaper"));
		ct_err_hint(b->err, "leave the pid namespace out of namespace.keep and "
				    "namespace.share, or set init.reaper = 0");
		return ct_fail(b->err, -EINVAL, CT_ERR_CONFLICT, "plan",
			       "a reaper needs a pid namespace of the container's own");
	}
	s = ct_plan_add(b->plan, phase, CT_OP_REAPER, ct_build_at(b, "init.reaper"));
	s->n[0] = b->own_tty;
	if (phase == CT_PHASE_CLOSE) {
		s->n[1] = b->filter_arch;
		s->n[2] = b->until_filter;
	}
	return 0;
}

/* The signal that init gets when its parent ends; 0: none. In process the keeper always ends init,
 * a supervisor may be told to leave it. */
static uint32_t death_signal(const struct ct_builder *b)
{
	if (b->req->detached && b->spec->pdeath_set)
		return b->spec->pdeath;
	return SIGKILL;
}

/* Whether the reaper begins the program under the filter of both, and with the capabilities that
 * are left when it is loaded. Labels and rules of Landlock are the program's alone. */
static bool shares_filter(const struct ct_builder *b)
{
	for (uint32_t i = 0; i < b->plan->n_steps; i++) {
		const struct ct_step *s = &b->plan->steps[i];

		if (s->phase == CT_PHASE_CONFINE && s->op != CT_OP_FILTER && s->op != CT_OP_CAPS &&
		    s->op != CT_OP_USER_CAPS)
			return false;
	}
	return b->filter_shared && b->spec->init_reaper && b->in_pidfd == CT_SLOT_NONE;
}

/* Leaves the program what it is to inherit, and nothing else. */
static int close_all(struct ct_builder *b)
{
	const char **keep = ct_arena_alloc(b->arena, (b->req->n_keep_fds + 1) * sizeof(*keep));
	const struct ct_origin *pdeath_at = ct_build_at(b, "monitor.signal.pdeath");
	enum ct_phase phase = CT_PHASE_CLOSE;
	struct ct_plan *p = b->plan;
	struct ct_step *s;

	if (!keep)
		return ct_oom(b->err);
	/* with 0, too: the stage has set one for the time of the set-up */
	ct_plan_add(p, CT_PHASE_CLOSE, CT_OP_PDEATHSIG, pdeath_at)->n[0] = death_signal(b);
	for (uint32_t i = 0; i < b->req->n_keep_fds; i++)
		keep[i] = ct_build_num(b, (uint64_t)b->in_keep[i]);
	s = ct_plan_add(p, CT_PHASE_CLOSE, CT_OP_FDS, NULL);
	s->list[0] = keep;
	s->n_list[0] = b->req->n_keep_fds;
	if (b->spec->init_umask_set) {
		s = ct_plan_add(p, CT_PHASE_CLOSE, CT_OP_UMASK, ct_build_at(b, "init.umask"));
		s->n[0] = b->spec->init_umask;
	}
	ct_plan_add(p, CT_PHASE_CLOSE, CT_OP_SIGNALS, NULL);
	ct_plan_add(p, CT_PHASE_CLOSE, CT_OP_CLOSE, NULL);
	/* The steps behind it are the program's, which the reaper starts. One filter for both is
	 * loaded once, and the reaper loads none while the program waits. */
	if (shares_filter(b))
		phase = CT_PHASE_CONFINE;
	if (add_reaper(b, phase) < 0)
		return b->err->err;
	ct_plan_add(p, phase, CT_OP_LIMITS, NULL);
	return 0;
}

int ct_build_finish(struct ct_builder *b, const char *const *argv, uint32_t n_argv,
		    const struct ct_origin *at)
{
	struct ct_step *s;
	int r = close_all(b);

	if (r < 0)
		return r;
	ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_READY, NULL);
	s = ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_EXEC, at);
	s->a = (int16_t)b->in_exec;
	/* copied: its failure may be reported when the caller's arguments have been freed */
	if (n_argv) {
		s->s[0] = ct_arena_strdup(b->arena, argv[0]);
		if (!s->s[0])
			return ct_oom(b->err);
	}
	s->list[0] = argv;
	s->n_list[0] = n_argv;
	s->flags = CT_SF_ENV_PATH;
	return ct_build_env(b, &s->list[1], &s->n_list[1]);
}

int ct_build_exec(struct ct_builder *b)
{
	const struct ct_origin *at;
	const char *const *argv = NULL;
	uint32_t n = 0;
	int r = program(b, &argv, &n, &at);

	if (r < 0)
		return r;
	return ct_build_finish(b, argv, n, at);
}
