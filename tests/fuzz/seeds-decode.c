/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes seeds for fuzz-decode into a directory: messages that are right, each of them with one
 * thing wrong, and one for each row of steps.def. Fails when the decoder takes one that is wrong,
 * or refuses one that is right.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

struct row {
	const char *name, *schema;
	uint32_t phases;
};

static const struct row rows[CT_OP_COUNT] = {
#define CT_STEP(op, function, phases, name, schema, calls) [CT_OP_##op] = { name, schema, phases },
#include "wire/steps.def"
};

static struct message m;

/* The message as it stands, which the decoder is to take, or to refuse. */
static int put(const char *dir, const char *name, int want)
{
	static struct stage st;
	char path[4096];
	FILE *f;
	int ok, got;

	message_encode(&m);
	got = stage_decode(m.out, m.len, &st);
	if (got != want) {
		fprintf(stderr, "%s: the decoder says %d instead of %d\n", name, got, want);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		return 0;
	}
	ok = fwrite(m.out, 1, m.len, f) == m.len;
	return fclose(f) == 0 && ok;
}

/* All fields of the schema, as far as they are no numbers. */
static void fill(struct ct_wire_step *s, const char *schema)
{
	static const char *const list[] = { "1", NULL };

	for (const char *p = schema; *p; p += strcspn(p, " "), p += *p == ' ') {
		switch (*p) {
		case 'a':
			s->a = 0;
			break;
		case 'b':
			s->b = 1;
			break;
		case 'o':
			s->o = 2;
			break;
		case 'p':
			s->p = 3;
			break;
		case 's':
			s->s[p[1] - '0'] = message_string(&m, "name");
			break;
		case 'h':
			s->s[p[1] - '0'] = message_string(&m, "060000000000ff7f");
			break;
		case 'l':
		case 'e':
			s->n[2 + p[1] - '0'] = 0;
			message_list(&m, s, p[1] - '0', list);
			break;
		}
	}
}

/* The step of that op which the message has already; NULL: none. */
static struct ct_wire_step *find(uint16_t op)
{
	for (uint32_t i = 0; i < m.head.n_steps; i++)
		if (m.steps[i].op == op)
			return &m.steps[i];
	return NULL;
}

/* A plan with one step of the row, in the first of its phases. */
static int put_row(const char *dir, uint16_t op)
{
	uint8_t phase = (uint8_t)__builtin_ctz(rows[op].phases);
	struct ct_wire_step *s;
	char name[64];

	message_init(&m, 2, 4);
	message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
	message_exec(&m);
	if (phase > CT_PHASE_EXEC)
		message_supervise(&m);
	s = find(op);
	fill(s ? s : message_insert(&m, phase, op), rows[op].schema);
	snprintf(name, sizeof(name), "op-%s", rows[op].name);
	return put(dir, name, phase == CT_PHASE_SETUP ? -EBADMSG : 0);
}

int main(int argc, char **argv)
{
	int ok;

	if (argc != 2) {
		fprintf(stderr, "usage: seeds-decode DIRECTORY\n");
		return 2;
	}
	message_whole(&m);
	ok = put(argv[1], "whole", 0);
	message_super(&m);
	ok &= put(argv[1], "super", 0);
	message_whole(&m);
	find(CT_OP_EXEC)->n[2] = 1u << 16;
	ok &= put(argv[1], "list", -EBADMSG);
	message_whole(&m);
	find(CT_OP_ATTACH)->b = 5;
	ok &= put(argv[1], "slot", -EBADMSG);
	for (uint16_t op = 1; op < CT_OP_COUNT; op++)
		ok &= put_row(argv[1], op);
	return ok ? 0 : 1;
}
