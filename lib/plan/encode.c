/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as the message that the stage decodes: head, steps, supervisor part, string pool. */
#include <errno.h>
#include <string.h>

#include "plan/plan.h"

/* Adds a string to the pool; 0, the empty string, for NULL and "". */
static uint32_t put_string(struct ct_buf *pool, const char *s)
{
	uint32_t at = (uint32_t)pool->len;

	if (!s || !*s)
		return 0;
	ct_buf_add(pool, s, strlen(s) + 1);
	return at;
}

/* Adds a list; its strings stand one after another, the empty ones, too. */
static uint32_t put_list(struct ct_buf *pool, const char *const *list, uint32_t n)
{
	uint32_t at = (uint32_t)pool->len;

	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		ct_buf_add(pool, list[i], strlen(list[i]) + 1);
	return at;
}

static void put_steps(const struct ct_plan *p, struct ct_buf *steps, struct ct_buf *pool)
{
	for (uint32_t i = p->n_setup; i < p->n_steps; i++) {
		const struct ct_step *s = &p->steps[i];
		struct ct_wire_step w = { .op = s->op,
					  .phase = s->phase,
					  .flags = s->flags,
					  .a = s->a,
					  .b = s->b,
					  .o = s->o,
					  .p = s->p };

		for (int k = 0; k < 4; k++) {
			w.n[k] = s->n[k];
			w.s[k] = put_string(pool, s->s[k]);
		}
		for (int k = 0; k < 2; k++) {
			if (!s->list[k])
				continue;
			w.s[2 + k] = put_list(pool, s->list[k], s->n_list[k]);
			w.n[2 + k] = s->n_list[k];
		}
		ct_buf_add(steps, &w, sizeof(w));
	}
}

int ct_plan_encode(const struct ct_plan *p, const struct ct_plan_super *super, uint32_t flags,
		   struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf steps = CT_BUF_INIT;
	CT_CLEAN_BUF struct ct_buf pool = CT_BUF_INIT;
	struct ct_wire_head head = { .magic = CT_WIRE_MAGIC,
				     .version = CT_WIRE_VERSION,
				     .mode = CT_MODE_RUN };
	struct ct_wire_super wire = { 0 };

	ct_buf_char(&pool, 0);
	put_steps(p, &steps, &pool);
	head.n_steps = p->n_steps - p->n_setup;
	if (super) {
		wire = super->wire;
		wire.name = put_string(&pool, super->name);
		wire.console_log_path = put_string(&pool, super->log_path);
		for (uint32_t i = 0; i < wire.n_groups; i++)
			wire.group[i].path = put_string(&pool, super->group_path[i]);
		head.mode = CT_MODE_SUPERVISE;
		head.super = sizeof(wire);
	}
	ct_buf_char(&pool, 0);
	if (ct_buf_error(&steps) || ct_buf_error(&pool))
		return ct_oom(e);
	if (steps.len + pool.len > CT_WIRE_MAX - sizeof(head) - sizeof(wire))
		return ct_fail(e, -E2BIG, CT_ERR_PLAN, "plan",
			       "arguments and environment are larger than %u MiB",
			       CT_WIRE_MAX >> 20);
	if (p->hooks)
		head.mode = CT_MODE_HOOKS;
	head.flags = flags;
	head.n_inputs = (uint32_t)p->n_inputs;
	head.n_slots = (uint32_t)p->n_slots;
	head.pool = (uint32_t)pool.len;
	head.total = (uint32_t)(sizeof(head) + steps.len + head.super + pool.len);
	ct_buf_add(out, &head, sizeof(head));
	ct_buf_add(out, steps.data, steps.len);
	ct_buf_add(out, &wire, head.super);
	ct_buf_add(out, pool.data, pool.len);
	if (ct_buf_error(out))
		return ct_oom(e);
	return 0;
}
