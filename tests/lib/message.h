/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds messages for the stage by hand, right ones and wrong ones; and walks all of what a message
 * that was found good points to, so that a sanitizer sees what the stage would touch.
 */
#ifndef CT_TEST_MESSAGE_H
#define CT_TEST_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "stage/stage.h"
#include "wire/wire.h"

struct message {
	struct ct_wire_head head;
	struct ct_wire_step steps[64];
	struct ct_wire_super super;
	char pool[8192];
	uint32_t n_pool;
	uint64_t out[2048]; /* what message_encode() made */
	size_t len;
};

/* An empty one, of a run. */
void message_init(struct message *m, uint32_t inputs, uint32_t slots);
/* Adds a string to the pool: where it is, 0 for "". */
uint32_t message_string(struct message *m, const char *s);
/* A step without slots. */
struct ct_wire_step *message_step(struct message *m, uint8_t phase, uint16_t op);
/* The same where its phase and its row have it: before the clone, in order among those that end
 * a plan. */
struct ct_wire_step *message_insert(struct message *m, uint8_t phase, uint16_t op);
/* A step with one string. */
struct ct_wire_step *message_text(struct message *m, uint8_t phase, uint16_t op, const char *text);
/* List i of a step; NULL ends the strings. */
void message_list(struct message *m, struct ct_wire_step *s, int i, const char *const *list);
/* The end of every plan. */
struct ct_wire_step *message_exec(struct message *m);
/* Puts the parts together; m->out and m->len are the message. */
void message_encode(struct message *m);
/* As much of a plan as there are kinds of fields: slots of all sorts, strings, lists, numbers. */
void message_whole(struct message *m);
/* Makes it one for a supervisor. */
void message_supervise(struct message *m);
/* The whole one for a supervisor, with a hook for the end. */
void message_super(struct message *m);
/* Touches everything that a decoded message points to. Any number. */
size_t message_walk(const struct stage *st);

#endif
