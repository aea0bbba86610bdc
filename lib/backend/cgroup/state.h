/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of cgroups for one start or attach, and the parts of the backend's row. */
#ifndef CT_BACKEND_CGROUP_STATE_H
#define CT_BACKEND_CGROUP_STATE_H

#include "backend/cgroup/backend.h"
#include "backend/cgroup/cgroup.h"
#include "plan/builder.h"

struct ct_cgroup_state {
	struct ct_cgroups trees; /* the host's hierarchies, as probed */
	/* start: what is to be made, and what has been. The directories in held are the plan's
	 * inputs, so they stay open until the state is closed */
	struct ct_cg_plan want;
	struct ct_cgroups_held held;
	/* attach: what is to be joined */
	struct ct_cg_join *join;
	uint32_t n_join;
	/* the one descriptor in `join` that is not borrowed; -1: none */
	int extra;
	int in_group[CT_CG_TREES], in_inner[CT_CG_TREES]; /* slots, by index of want or join */
	/* while steps are carried out */
	bool begun;
	int file;		      /* the file written to last, still open; -1: none */
	const struct ct_cg_group *of; /* its cgroup */
	const char *name;	      /* its name */
	char *scope;		      /* absolute path of the scope's cgroup; NULL: none */
};

/* The parts of the row (backend/backend.h) that have files of their own. */
void ct_cg_inputs(void *state, struct ct_builder *b);
int ct_cg_plan(void *state, struct ct_builder *b);
void ct_cg_mounts(void *state, struct ct_builder *b);
int ct_cg_setup(void *state, const struct ct_setup *context, const struct ct_step *step,
		struct ct_err *e);

void ct_cg_protect(const void *state, struct ct_protections *r);

/* Slot of the directory that the payload lives in. */
int ct_cg_payload_slot(const struct ct_cgroup_state *st, uint32_t i);

/* Rows of the limits. */
void ct_cg_protect_limits(const struct ct_cgroup_state *st, struct ct_protections *r);
/* The row of the devices that may be used. */
void ct_cg_protect_devices(const struct ct_cgroup_state *st, struct ct_protections *r);
/* A sentence why no cgroup serves a controller (CT_CG_*); `only` 1 or 2: one of that version, 0: of
 * either. */
const char *ct_cg_lack(const struct ct_cgroup_state *st, struct ct_protections *r, uint32_t bit,
		       int only);

/* ---- join.c ---------------------------------------------------------------------------------- */

/* The cgroups that an attach joins. */
int ct_cg_open_attach(struct ct_cgroup_state *st, const struct ct_backend_input *in,
		      struct ct_err *e);

#endif
