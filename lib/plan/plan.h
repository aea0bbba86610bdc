/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan: a complete list of typed steps in one arena. Plain data; making one changes
 * nothing on the host. */
#ifndef CT_PLAN_H
#define CT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/origin.h"
#include "plan/phase.h"
#include "wire/wire.h"

struct ct_step {
	uint16_t op;
	uint8_t phase;
	uint8_t flags;
	int16_t a, b, o, p;
	uint64_t n[4];
	const char *s[4];
	const char *const *list[2]; /* go out as s[2]/n[2] and s[3]/n[3] */
	uint32_t n_list[2];
	const struct ct_origin *at; /* the key that asked for it, never NULL */
	uint32_t order;		    /* order of adding, for a stable sort */
};

struct ct_plan {
	struct ct_arena *arena;
	struct ct_step *steps;
	uint32_t n_steps, cap_steps;
	uint32_t n_setup; /* so many of phase SETUP come first: not part of the message */
	const char **slot_name;
	int cap_slots;
	/* borrowed; of the first n_inputs slots; -1 in a plan that is only printed */
	int input_fd[CT_WIRE_INPUTS];
	int n_inputs, n_slots;
	int err; /* sticky: -ENOMEM, -E2BIG; ct_plan_freeze() returns it */
	bool frozen;
	bool filter_kills;	  /* a filter that it loads ends processes by SIGSYS */
	bool hooks;		  /* hooks on the host and nothing else: no container is made */
	struct ct_step discarded; /* what ct_plan_add() hands out without memory */
};

/* New empty plan in `arena`; NULL without memory. */
struct ct_plan *ct_plan_new(struct ct_arena *arena);
/* Adds a step to a phase, asked for by `at` (NULL: by default). Never NULL: without memory it hands
 * out a step that is thrown away and ct_plan_freeze() says -ENOMEM. Slots start as CT_SLOT_NONE. */
struct ct_step *ct_plan_add(struct ct_plan *p, enum ct_phase phase, enum ct_op op,
			    const struct ct_origin *at);
/* New slot called `name` ("root", "proc", "mount 3"); inputs (a descriptor of the caller's,
 * borrowed, -1 when the plan is only printed) must all be made before the first other slot. */
int ct_plan_input(struct ct_plan *p, const char *name, int fd);
int ct_plan_slot(struct ct_plan *p, const char *name);
/* Sorts by phase (stable), checks slots (written before read) and bounds. -EINVAL is a
 * bug of a builder. */
int ct_plan_freeze(struct ct_plan *p, struct ct_err *e);

/* The plan as text and JSON, stable enough for golden files. `secrets` false: values of the
 * program's environment are left out ("TOKEN=..."), but for variables that hold no secret, such as
 * PATH. */
int ct_plan_text(const struct ct_plan *p, bool secrets, struct ct_buf *out);
int ct_plan_json(const struct ct_plan *p, bool secrets, struct ct_buf *out);
/* One step as in the text dump, without number and newline. */
int ct_plan_step_text(const struct ct_plan *p, const struct ct_step *s, bool secrets,
		      struct ct_buf *out);
/* What the supervisor gets beside the plan. */
struct ct_plan_super {
	struct ct_wire_super wire; /* but for its strings, which are given as text below */
	const char *name, *log_path;
	const char *group_path[CT_WIRE_GROUPS]; /* of wire.group */
};
/* The message for the stage. `super` may be NULL. -E2BIG when it would pass CT_WIRE_MAX. */
int ct_plan_encode(const struct ct_plan *p, const struct ct_plan_super *super, uint32_t flags,
		   struct ct_buf *out, struct ct_err *e);

/* Whether the supervisor has steps of this backend in phase END. */
bool ct_plan_removes(const struct ct_plan *p, const char *backend);
/* Step's printed name ("mount.attach"); "?" when unknown. */
const char *ct_op_name(unsigned op);

#endif
