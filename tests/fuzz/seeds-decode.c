/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes seeds for fuzz-decode into a directory: messages that are right, and each of them with one thing wrong. */
#include <stdio.h>

#include "message.h"

static struct message m;

static int put(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;
	int ok;

	message_encode(&m);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		return 0;
	}
	ok = fwrite(m.out, 1, m.len, f) == m.len;
	return fclose(f) == 0 && ok;
}

/* One step of an op, with whatever slots there are. */
static int put_op(const char *dir, uint16_t op)
{
	char name[32];
	struct ct_wire_step *s;
	int enter = op == CT_OP_ID_MAP || op == CT_OP_PROC_WRITE, spawn = op == CT_OP_OUTPUT_PUMP;

	message_init(&m, 2, 4);
	if (!spawn)
		message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
	s = message_text(&m, spawn ? CT_PHASE_SPAWN : enter ? CT_PHASE_ENTER : CT_PHASE_MOUNT, op, "name");
	if (spawn)
		message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
	s->a = 0;
	s->b = 1;
	s->o = 2;
	s->p = 3;
	message_exec(&m);
	snprintf(name, sizeof(name), "op-%u", op);
	return put(dir, name);
}

int main(int argc, char **argv)
{
	int ok;

	if (argc != 2) {
		fprintf(stderr, "usage: seeds-decode DIRECTORY\n");
		return 2;
	}
	message_whole(&m);
	ok = put(argv[1], "whole");
	message_super(&m);
	ok &= put(argv[1], "super");
	message_whole(&m);
	m.steps[12].n[2] = 40;
	ok &= put(argv[1], "list");
	message_whole(&m);
	m.steps[6].b = 5;
	ok &= put(argv[1], "slot");
	for (uint16_t op = 1; op < CT_OP_COUNT; op++)
		ok &= put_op(argv[1], op);
	return ok ? 0 : 1;
}
