/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of Landlock that the payload runs under. */
#include <errno.h>

#include "shared/landlock.h"
#include "stage/step/steps.h"

static int loaded;

/* Whether this process has loaded them. */
int landlock_is_loaded(void)
{
	return loaded;
}

/* A rule for a path, which is opened within the container. One for something else than a directory
 * has no rights of directories. */
static int allow(struct stage *st, const struct ct_wire_step *s, int rules, struct path_error *e)
{
	struct k_landlock_path rule = { s->n[0], path_open(-1, step_str(st, s, 0), 0, 0, e) };
	int err = rule.fd;

	if (err == -ENOENT && step_optional(s))
		return 0;
	if (err < 0)
		return err;
	e->sys = SYS_landlock_add_rule;
	err = (int)sys4(e->sys, rules, CT_LL_RULE_PATH, &rule, 0);
	if (err == -EINVAL) {
		rule.access &= CT_LL_OF_FILES;
		err = (int)sys4(e->sys, rules, CT_LL_RULE_PATH, &rule, 0);
		if (err == -ENOMSG)
			err = -ENOTDIR;
	}
	sys_close(rule.fd);
	return err;
}

/* One of the steps. The numbers of NEW and PORT are the kernel's own structs. */
static int carry_out(struct stage *st, const struct ct_wire_step *s, struct path_error *e)
{
	int rules = step_fd(st, s->a), err;

	e->text = NULL;
	switch (s->op) {
	case CT_OP_LANDLOCK_NEW:
		e->sys = SYS_landlock_create_ruleset;
		err = (int)sys3(e->sys, s->n, 3 * sizeof(*s->n), 0);
		if (err < 0)
			return err;
		step_fill(st, s->o, err);
		return 0;
	case CT_OP_LANDLOCK_ALLOW:
		return allow(st, s, rules, e);
	case CT_OP_LANDLOCK_PORT:
		e->sys = SYS_landlock_add_rule;
		return (int)sys4(e->sys, rules, CT_LL_RULE_PORT, s->n, 0);
	default:
		e->sys = SYS_landlock_restrict_self;
		err = (int)sys3(e->sys, rules, 0, 0);
		loaded = !err;
		return err;
	}
}

/* A step of the rules. */
int step_landlock(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	int err = carry_out(st, s, &e);

	if (!err)
		return 0;
	return report_error(st, err, e.sys, NULL, e.text);
}

/* All of its steps, for a start hook. 0 or a negative errno, *sys the call. */
int landlock_confine(struct stage *st, int *sys)
{
	struct path_error e;

	for (uint32_t i = 0; i < st->n_steps; i++) {
		const struct ct_wire_step *s = &st->steps[i];
		int err = 0;

		if (s->op >= CT_OP_LANDLOCK_NEW && s->op <= CT_OP_LANDLOCK_LOAD)
			err = carry_out(st, s, &e);
		if (err) {
			*sys = e.sys;
			return err;
		}
	}
	return 0;
}
