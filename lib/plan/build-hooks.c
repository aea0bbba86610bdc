/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hooks: programs of the config, executed directly, with an empty environment plus
 * LXC's variables. */
#include <errno.h>
#include <string.h>

#include "model/type.h"
#include "plan/builder.h"
#include "shared/weak.h"

static const struct {
	enum ct_hook_when when;
	const char *type;    /* LXC_HOOK_TYPE */
	enum ct_phase phase; /* of DESTROY: in a plan of its own */
} rows[] = {
	{ CT_HOOK_PRE_START, "pre-start", CT_PHASE_HOST },
	{ CT_HOOK_PRE_MOUNT, "pre-mount", CT_PHASE_NEW },
	{ CT_HOOK_MOUNT, "mount", CT_PHASE_MASK },
	{ CT_HOOK_AUTODEV, "autodev", CT_PHASE_MASK },
	{ CT_HOOK_START_HOST, "start-host", CT_PHASE_READY },
	{ CT_HOOK_START, "start", CT_PHASE_IDENTITY },
	{ CT_HOOK_STOP, "stop", CT_PHASE_STOP },
	{ CT_HOOK_POST_STOP, "post-stop", CT_PHASE_END },
	{ CT_HOOK_DESTROY, "destroy", CT_PHASE_HOST },
};

#define OWN_VARIABLES 16

/* The variables of LXC that depend on the config. */
static void config_variables(struct ct_builder *b, const char **env, uint32_t *n)
{
	const struct ct_spec *sp = b->spec;
	const char *root = "/", *mount;

	if (sp->rootfs_path)
		root = sp->rootfs_path;
	mount = root;
	if (sp->rootfs_mount)
		mount = sp->rootfs_mount;
	env[(*n)++] = ct_arena_printf(b->arena, "LXC_ROOTFS_PATH=%s", root);
	env[(*n)++] = ct_arena_printf(b->arena, "LXC_ROOTFS_MOUNT=%s", mount);
	env[(*n)++] = ct_arena_printf(b->arena, "LXC_HOOK_VERSION=%u", sp->hook_version);
	env[(*n)++] = ct_arena_printf(b->arena, "LXC_LOG_LEVEL=%s",
				      ct_log_level_name(sp->log_level));
	if (sp->console_path)
		env[(*n)++] = ct_arena_printf(b->arena, "LXC_CONSOLE=%s", sp->console_path);
	if (sp->console_logfile)
		env[(*n)++] = ct_arena_printf(b->arena, "LXC_CONSOLE_LOGPATH=%s",
					      sp->console_logfile);
	if (b->req->config_file)
		env[(*n)++] = ct_arena_printf(b->arena, "LXC_CONFIG_FILE=%s", b->req->config_file);
}

static const char *const *hook_env(struct ct_builder *b, const char *type, uint32_t *n)
{
	const struct ct_pairs *more = &b->spec->environment_hooks;
	const char **env =
		ct_arena_alloc(b->arena,
			       (OWN_VARIABLES + more->n + b->spec->environment.n) * sizeof(*env));

	*n = 0;
	if (!env)
		return NULL;
	env[(*n)++] = "PATH=" CT_DEFAULT_PATH;
	env[(*n)++] = ct_arena_printf(b->arena, "LXC_NAME=%s", b->req->name);
	env[(*n)++] = "LXC_CGNS_AWARE=1";
	if (b->spec->hook_version == 1) {
		env[(*n)++] = ct_arena_printf(b->arena, "LXC_HOOK_TYPE=%s", type);
		env[(*n)++] = "LXC_HOOK_SECTION=lxc";
	}
	config_variables(b, env, n);
	for (uint32_t i = 0; i < more->n; i++)
		env[(*n)++] = ct_build_variable(b, &more->v[i]);
	for (uint32_t i = 0; ct_weak(CT_WEAK_HOOK_ENV) && i < b->spec->environment.n; i++)
		env[(*n)++] = ct_build_variable(b, &b->spec->environment.v[i]);
	for (uint32_t i = 0; i < *n; i++)
		if (!env[i])
			return NULL;
	return env;
}

/* The hook's own arguments, and for version 0 the arguments LXC adds: name, section, type. */
static const char *const *hook_argv(struct ct_builder *b, const struct ct_cmd_item *cmd,
				    const char *type, uint32_t *n)
{
	const char **argv = ct_arena_alloc(b->arena, (cmd->argv.n + 4) * sizeof(*argv));

	*n = 0;
	if (!argv)
		return NULL;
	for (; *n < cmd->argv.n; (*n)++)
		argv[*n] = cmd->argv.v[*n];
	if (b->spec->hook_version == 0) {
		argv[(*n)++] = b->req->name;
		argv[(*n)++] = "lxc";
		argv[(*n)++] = type;
	}
	return argv;
}

/* Whether `path` is `dir` or lies below it. Never below "/", where the root file system is the
 * host's own. */
static bool lies_below(const char *path, const char *dir)
{
	size_t n;

	if (!dir)
		return false;
	n = strlen(dir);
	while (n && dir[n - 1] == '/')
		n--;
	return n && !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

/* Before the root is pivoted into, hooks run in the container's namespaces with the rights of the
 * set-up: they must be programs of the host. */
static int check_program(struct ct_builder *b, enum ct_phase phase, const struct ct_cmd_item *cmd)
{
	if (phase < CT_PHASE_NEW || phase > CT_PHASE_PIVOT)
		return 0;
	if (!lies_below(cmd->argv.v[0], b->spec->rootfs_path) &&
	    !lies_below(cmd->argv.v[0], b->spec->rootfs_mount))
		return 0;
	ct_err_origin(b->err, &cmd->at);
	ct_err_object(b->err, cmd->argv.v[0]);
	ct_err_hint(b->err, "name a program of the host, or use hook.start");
	return ct_fail(b->err, -EINVAL, CT_ERR_HOOK, "plan",
		       "the hook would be a program of the root file system with the rights of the "
		       "host");
}

/* In the stage's milliseconds: 0 would be for ever, so 1 at least, and 24 days at most. */
static uint64_t timeout_ms(const struct ct_spec *s)
{
	uint64_t ms = s->hook_timeout_us / 1000;

	if (ms < 1)
		return 1;
	if (ms > INT32_MAX)
		return INT32_MAX;
	return ms;
}

static int add_hooks(struct ct_builder *b, unsigned row, uint64_t caps)
{
	const struct ct_cmds *cmds = &b->spec->hook[rows[row].when];
	int r = 0;

	for (uint32_t k = 0; k < cmds->n && r >= 0; k++) {
		struct ct_step *s = ct_plan_add(b->plan, rows[row].phase, CT_OP_HOOK,
						&cmds->v[k].at);

		s->s[0] = rows[row].type;
		s->list[0] = hook_argv(b, &cmds->v[k], rows[row].type, &s->n_list[0]);
		s->list[1] = hook_env(b, rows[row].type, &s->n_list[1]);
		/* a variable that the caller does not have is recorded already, and stays */
		if (!s->list[0] || !s->list[1]) {
			ct_oom(b->err);
			return b->err->err;
		}
		s->n[0] = timeout_ms(b->spec);
		s->n[1] = caps;
		r = ct_err_go_on(b->err, check_program(b, rows[row].phase, &cmds->v[k]));
	}
	return r;
}

static unsigned row_of(enum ct_hook_when when)
{
	unsigned i = 0;

	while (rows[i].when != when)
		i++;
	return i;
}

int ct_build_hooks(struct ct_builder *b)
{
	int r = 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows) && r >= 0; i++) {
		if (rows[i].when == CT_HOOK_PRE_START || rows[i].when == CT_HOOK_START ||
		    rows[i].when == CT_HOOK_DESTROY)
			continue;
		/* no supervisor: it has been refused by name */
		if (rows[i].phase > CT_PHASE_EXEC && !b->req->detached)
			continue;
		r = add_hooks(b, i, 0);
	}
	if (b->lifted)
		ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_CGROUP_HOLD, b->lifted);
	return r;
}

int ct_build_pre_start_hooks(struct ct_builder *b)
{
	return add_hooks(b, row_of(CT_HOOK_PRE_START), 0);
}

int ct_build_start_hooks(struct ct_builder *b, uint64_t caps)
{
	return add_hooks(b, row_of(CT_HOOK_START), caps);
}

int ct_build_destroy(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		     struct ct_err *e)
{
	struct ct_builder b;
	int rc = ct_builder_init(&b, r, arena, e);

	if (rc >= 0)
		rc = add_hooks(&b, row_of(CT_HOOK_DESTROY), 0);
	if (rc >= 0)
		rc = ct_plan_freeze(b.plan, e);
	if (rc < 0)
		return rc;
	b.plan->hooks = true;
	*out = b.plan;
	return 0;
}
