/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of every plan: death signal, signals, descriptors to keep, environment, program. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "plan/builder.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct env {
	const char **v;
	uint32_t n, cap;
	struct ct_builder *b;
};

/* Adds "K=V"; one of the same name is replaced. */
static void env_put(struct env *env, const char *kv)
{
	size_t len = kv ? strcspn(kv, "=") : 0;

	if (!kv || !kv[len]) {
		env->b->plan->err = kv ? env->b->plan->err : -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], kv, len + 1)) {
			env->v[i] = kv;
			return;
		}
	if (env->n == env->cap) {
		uint32_t cap = env->cap ? env->cap * 2 : 32;
		const char **bigger = ct_arena_grow(env->b->arena, env->v, env->n, cap, sizeof(*bigger));

		if (!bigger) {
			env->b->plan->err = -ENOMEM;
			return;
		}
		env->v = bigger;
		env->cap = cap;
	}
	env->v[env->n++] = kv;
}

/* "NAME=value" of the caller, NULL when it has none. */
static const char *caller_var(const struct ct_request *r, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *e = r->caller_env; e && *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e;
	return NULL;
}

static int config_env(struct env *env)
{
	struct ct_builder *b = env->b;

	for (uint32_t i = 0; i < b->spec->environment.n; i++) {
		const struct ct_pair_item *item = &b->spec->environment.v[i];
		const char *kv = item->value ? ct_arena_printf(b->arena, "%s=%s", item->name, item->value) : caller_var(b->req, item->name);

		if (!kv && !item->value) {
			ct_err_origin(b->err, &item->at);
			ct_err_object(b->err, item->name);
			ct_err_hint(b->err, "set the variable, or give a value: environment = %s=VALUE", item->name);
			return ct_fail(b->err, -ENOENT, CT_ERR_ENVIRONMENT, "plan", "the caller's environment has no such variable");
		}
		env_put(env, kv);
	}
	return 0;
}

int ct_build_env(struct ct_builder *b, const char *const **out, uint32_t *n)
{
	struct env env = {.b = b};
	int r = 0;

	if (!b->req->clear_env) {
		env_put(&env, DEFAULT_PATH);
		env_put(&env, "container=libcontain");
		if (b->req->pty || b->req->detached)
			env_put(&env, caller_var(b->req, "TERM") ? caller_var(b->req, "TERM") : "TERM=linux");
		if (b->ttys)
			env_put(&env, b->ttys);
		for (const char *const *e = b->req->keep_env ? b->req->caller_env : NULL; e && *e; e++)
			env_put(&env, *e);
		r = config_env(&env);
	}
	for (const char *const *e = b->req->envp; e && *e && r >= 0; e++) {
		if (!strchr(*e, '=') || **e == '=') {
			ct_err_object(b->err, *e);
			r = ct_fail(b->err, -EINVAL, CT_ERR_ARGUMENT, "plan", "an environment entry must have the form NAME=VALUE");
			break;
		}
		env_put(&env, *e);
	}
	*out = env.v;
	*n = env.n;
	return r;
}

/* The program's words: the caller's, or the config's, or /sbin/init. */
static int program(struct ct_builder *b, const char *const **argv, uint32_t *n, const struct ct_origin **at)
{
	static const char *const init[] = {"/sbin/init"};
	const struct ct_words *words = b->req->execute ? &b->spec->execute_cmd : &b->spec->init_cmd;

	*at = ct_build_at(b, b->req->execute ? "execute.cmd" : "init.cmd");
	if (b->req->argv) {
		static const struct ct_origin asked = {.key = ""};

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
		return ct_fail(b->err, -EINVAL, CT_ERR_ARGUMENT, "plan", "the argument list is empty");
	}
	return 0;
}

int ct_build_finish(struct ct_builder *b, const char *const *argv, uint32_t n_argv, const struct ct_origin *at)
{
	const char **keep = ct_arena_alloc(b->arena, (b->req->n_keep_fds + 1) * sizeof(*keep));
	/* In process the keeper always takes init with it; a supervisor may be told to leave it. */
	uint32_t pdeath = b->req->detached && b->spec->pdeath_set ? b->spec->pdeath : SIGKILL;
	struct ct_step *s;

	if (!keep)
		return ct_oom(b->err);
	/* 0 takes back what the stage has set for the time of the set-up */
	ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_PDEATHSIG, ct_build_at(b, "monitor.signal.pdeath"))->n[0] = pdeath;
	for (uint32_t i = 0; i < b->req->n_keep_fds; i++)
		keep[i] = ct_build_num(b, (uint64_t)b->in_keep[i]);
	s = ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_FDS, NULL);
	s->list[0] = keep;
	s->n_list[0] = b->req->n_keep_fds;
	ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_SIGNALS, NULL);
	s = ct_plan_add(b->plan, CT_PHASE_EXEC, CT_OP_EXEC, at);
	s->a = (int16_t)b->in_exec;
	s->s[0] = n_argv ? argv[0] : NULL;
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

	return r < 0 ? r : ct_build_finish(b, argv, n, at);
}
