/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include <stdlib.h>
#include <string.h>

void message_init(struct message *m, uint32_t inputs, uint32_t slots)
{
	memset(m, 0, sizeof(*m));
	m->head.magic = CT_WIRE_MAGIC;
	m->head.version = CT_WIRE_VERSION;
	m->head.mode = CT_MODE_RUN;
	m->head.n_inputs = inputs;
	m->head.n_slots = slots;
	m->n_pool = 1;
}

uint32_t message_string(struct message *m, const char *s)
{
	uint32_t at = m->n_pool;

	memcpy(m->pool + at, s, strlen(s) + 1);
	m->n_pool += (uint32_t)strlen(s) + 1;
	return *s ? at : 0;
}

struct ct_wire_step *message_step(struct message *m, uint8_t phase, uint16_t op)
{
	struct ct_wire_step *s = &m->steps[m->head.n_steps++];

	s->op = op;
	s->phase = phase;
	s->a = s->b = s->o = s->p = CT_SLOT_NONE;
	return s;
}

struct ct_wire_step *message_insert(struct message *m, uint8_t phase, uint16_t op)
{
	struct ct_wire_step *s = m->steps, *end = m->steps + m->head.n_steps++;

	while (s < end && s->phase < phase)
		s++;
	while (s < end && s->phase == phase && s->op != CT_OP_CLONE && s->op < op)
		s++;
	memmove(s + 1, s, (size_t)((char *)end - (char *)s));
	*s = (struct ct_wire_step){ .op = op,
				    .phase = phase,
				    .a = CT_SLOT_NONE,
				    .b = CT_SLOT_NONE,
				    .o = CT_SLOT_NONE,
				    .p = CT_SLOT_NONE };
	return s;
}

struct ct_wire_step *message_text(struct message *m, uint8_t phase, uint16_t op, const char *text)
{
	struct ct_wire_step *s = message_step(m, phase, op);

	s->s[0] = message_string(m, text);
	return s;
}

void message_list(struct message *m, struct ct_wire_step *s, int i, const char *const *list)
{
	s->s[2 + i] = m->n_pool;
	for (; *list; list++, s->n[2 + i]++)
		message_string(m, *list);
}

struct ct_wire_step *message_exec(struct message *m)
{
	static const char *const argv[] = { "sh", "-c", "true", NULL }, *const env[] = {
		"PATH=/bin", "A=", NULL
	};
	struct ct_wire_step *s;

	message_step(m, CT_PHASE_CLOSE, CT_OP_CLOSE);
	message_step(m, CT_PHASE_CLOSE, CT_OP_LIMITS);
	message_step(m, CT_PHASE_EXEC, CT_OP_READY);
	s = message_text(m, CT_PHASE_EXEC, CT_OP_EXEC, "sh");
	s->flags = CT_SF_ENV_PATH;
	message_list(m, s, 0, argv);
	message_list(m, s, 1, env);
	return s;
}

void message_encode(struct message *m)
{
	char *p = (char *)m->out;
	size_t steps = m->head.n_steps * sizeof(m->steps[0]);

	m->head.super = m->head.mode == CT_MODE_SUPERVISE ? sizeof(m->super) : 0;
	m->head.pool = m->n_pool + 1;
	m->len = sizeof(m->head) + steps + m->head.super + m->head.pool;
	m->head.total = (uint32_t)m->len;
	memset(m->out, 0, sizeof(m->out));
	memcpy(p, &m->head, sizeof(m->head));
	memcpy(p + sizeof(m->head), m->steps, steps);
	memcpy(p + sizeof(m->head) + steps, &m->super, m->head.super);
	memcpy(p + sizeof(m->head) + steps + m->head.super, m->pool, m->n_pool);
}

static void message_dev(struct message *m)
{
	struct ct_wire_step *s;

	s = message_text(m, CT_PHASE_DEV, CT_OP_FS_NEW, "devpts");
	s->o = 3;
	s->s[1] = message_string(m, "gid=5,mode=620");
	s = message_text(m, CT_PHASE_DEV, CT_OP_ATTACH, "dev/pts");
	s->a = 3;
	s->b = 2;
	s = message_step(m, CT_PHASE_DEV, CT_OP_PTY_NEW);
	s->a = 3;
	s->o = 4;
	s->p = 5;
	message_step(m, CT_PHASE_DEV, CT_OP_SEND_FD)->a = 4;
}

void message_whole(struct message *m)
{
	static const char *const gids[] = { "5", "44", NULL }, *const keep[] = { "1", NULL };
	static const char *const hook[] = { "/bin/hook", "name", NULL }, *const env[] = {
		"LXC_NAME=x", NULL
	};
	struct ct_wire_step *s;

	message_init(m, 2, 6);
	s = message_step(m, CT_PHASE_HOST, CT_OP_TREE_CLONE);
	s->a = 0;
	s->o = 2;
	s->flags = CT_SF_RECURSIVE;
	s = message_text(m, CT_PHASE_HOST, CT_OP_HOOK, "pre-start");
	message_list(m, s, 0, hook);
	message_list(m, s, 1, env);
	message_step(m, CT_PHASE_SPAWN, CT_OP_CLONE)->n[0] = 0x20000;
	s = message_text(m, CT_PHASE_ENTER, CT_OP_ID_MAP, "uid_map");
	s->s[1] = message_string(m, "0 100000 65536\n");
	message_step(m, CT_PHASE_ROOT, CT_OP_STACK)->a = 2;
	message_dev(m);
	message_step(m, CT_PHASE_PIVOT, CT_OP_PIVOT)->a = 2;
	message_list(m, message_step(m, CT_PHASE_IDENTITY, CT_OP_GROUPS), 0, gids);
	message_list(m, message_step(m, CT_PHASE_CLOSE, CT_OP_FDS), 0, keep);
	message_exec(m);
}

void message_supervise(struct message *m)
{
	m->head.mode = CT_MODE_SUPERVISE;
	m->super.name = message_string(m, "box");
	m->super.state_dir = 0;
	m->super.alive = 1;
	m->super.console_log = m->super.console_log_dir = m->super.console =
		m->super.console_device = CT_SLOT_NONE;
}

void message_super(struct message *m)
{
	static const char *const hook[] = { "/bin/post-stop", NULL };

	message_whole(m);
	message_supervise(m);
	message_list(m, message_text(m, CT_PHASE_END, CT_OP_HOOK, "post-stop"), 0, hook);
}

static size_t message_walk_list(const char *p, uint32_t n)
{
	size_t sum = 0;

	for (; n; n--) {
		sum += strlen(p);
		p += strlen(p) + 1;
	}
	return sum;
}

/* Whether the step's row has list k: a field "l0=" or "e0=". */
static int message_has_list(const struct ct_wire_step *s, int k)
{
	const char l[] = { 'l', (char)('0' + k), '=', '\0' },
		   e[] = { 'e', (char)('0' + k), '=', '\0' };

	return strstr(stage_schemas[s->op], l) || strstr(stage_schemas[s->op], e);
}

size_t message_walk(const struct stage *st)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < st->n_steps + st->n_last; i++) {
		const struct ct_wire_step *s = &st->steps[i];
		const int16_t slots[] = { s->a, s->b, s->o, s->p };

		for (int k = 0; k < 4; k++) {
			sum += strlen(step_str(st, s, k));
			if (slots[k] >= (int)st->head->n_slots || slots[k] >= CT_WIRE_SLOTS ||
			    slots[k] < CT_SLOT_NONE)
				abort();
		}
		for (int k = 0; k < 2; k++)
			if (message_has_list(s, k))
				sum += message_walk_list(step_list(st, s, k), step_list_n(s, k));
	}
	if (st->super)
		sum += strlen(pool_str(st, st->super->name)) +
		       strlen(pool_str(st, st->super->console_log_path));
	return sum;
}
