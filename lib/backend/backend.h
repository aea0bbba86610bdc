/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a backend is: one kind of thing that a container asks for, from the check before a start to
 * its removal after the end. One const struct each, listed in list.c, whose order is that of their
 * parts of a plan. The loops over them are in backend.c. A backend that is not built is replaced by
 * its twin, whose probe says so. No function of a backend runs in a child.
 */
#ifndef CT_BACKEND_BACKEND_H
#define CT_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/protections.h"
#include "backend/undo.h"
#include "base/arena.h"
#include "base/error.h"
#include "host/cgroup.h"
#include "host/host.h"
#include "model/log.h"
#include "model/spec.h"
#include "plan/build.h"
#include "plan/plan.h"

#define CT_BACKENDS_MAX 16

/* What backends are opened with. All borrowed, and there for as long as they are open. */
struct ct_backend_input {
	/* spec, host, name, detached; of an attach also who comes with which rights */
	struct ct_request *req;
	struct ct_host *host; /* the request's */
	struct ct_arena *arena;
	bool attach; /* to what runs; else: a start, or the look before one */
	/* start: whose its records are (cgroup/owner.h); "": the state directory tells; NULL: it is
	 * only a look at what a start would be */
	const char *mark;
	/* The cgroup hierarchies as the handle knows them; `anew`: looked at again if anything has
	 * changed. 0 or a negative errno. */
	int (*hierarchies)(void *arg, bool anew, struct ct_cgroups *out, struct ct_err *e);
	void *arg;
	/* attach: the cgroups of what runs; the journal of its start, in which a backend finds what
	 * it has made (ct_undo_read(); only while it is opened); the init that is joined */
	const struct ct_cgroups_held *running;
	const char *records;
	pid_t init;
};

/* A phase SETUP that is carried out: by the caller, before there is a stage. */
struct ct_setup {
	struct ct_plan *plan;
	struct ct_undo *undo;	  /* gets a record before each deed, and after it */
	const struct ct_log *log; /* is told of each step */
	/* Begins a process of ours that does nothing, for what must begin with one: its pid, or
	 * a negative errno, recorded. *group, the caller's, is the directory it was put into, to
	 * be removed with it. */
	pid_t (*placeholder)(void *arg, char ***group, struct ct_err *e);
	void *arg;
};

struct ct_backend {
	/* "cgroup": in front of its steps' names, in the journal, in reports, ct_error.backend */
	const char *name;
	size_t state; /* bytes of its state for one start or attach, zeroed */
	/* Whether the config asks for it at all. Pure. */
	bool (*wanted)(const struct ct_spec *spec);
	/* 1: this host can do it; 0, and *why a sentence: it cannot. No side effects.
	 * NULL: open tells. */
	int (*probe)(const struct ct_host *host, const char **why);
	/* Reads and opens what the plan needs; changes nothing on the host. 0 or a
	 * negative errno, recorded. */
	int (*open)(void *state, const struct ct_backend_input *in, struct ct_err *e);
	/* Its parts of the plan, of a start and an attach alike (see struct ct_area). */
	void (*inputs)(void *state, struct ct_builder *b);
	int (*plan)(void *state, struct ct_builder *b);
	void (*mounts)(void *state, struct ct_builder *b);
	/* Carries out one step of phase SETUP. 0 or a negative errno, recorded. */
	int (*setup)(void *state, const struct ct_setup *context, const struct ct_step *step,
		     struct ct_err *e);
	/* Takes back what n of its records tell of, in the order they were written, however much of
	 * it was done; records are parsed as hostile. The only way anything is taken back. 0, also
	 * when nothing is left of them, or a negative errno, recorded. NULL: its records tell of
	 * nothing that stays; they are for attach and protections. */
	int (*undo)(const struct ct_undo_record *records, uint32_t n, struct ct_err *e);
	/* Adds its rows of ct_protections(): asked, got, how, ok; compared with what the kernel
	 * has, never assumed. The state is one opened as for a start of today. */
	void (*protect)(const void *state, struct ct_protections *r);
	/* Clears what killed callers have left where this start is going to make its own. NULL:
	 * there is nothing like it. */
	void (*sweep)(void *state);
	/* What the log is told of before the start; NULL: nothing. */
	const char *(*notice)(const void *state);
	/* Closes what open and setup have opened. */
	void (*close)(void *state);
};

/* All there are, in their order, ended by NULL. */
extern const struct ct_backend *const ct_backends[];

/* The backends that one start or attach needs. All zero before ct_backends_open(). */
struct ct_backend_set {
	const struct ct_backend *v[CT_BACKENDS_MAX];
	void *state[CT_BACKENDS_MAX];
	struct ct_area area[CT_BACKENDS_MAX];
	uint32_t n;
};

/* Opens those that the spec asks for, and gives their parts to the request. 0 or a negative errno,
 * recorded: the parts are those up to the one that failed. */
int ct_backends_open(struct ct_backend_set *set, const struct ct_backend_input *in,
		     struct ct_err *e);
/* Closes them. */
void ct_backends_close(struct ct_backend_set *set);
/* The rows of all of them. */
void ct_backends_protect(const struct ct_backend_set *set, struct ct_protections *r);
/* Clears what killed callers have left. */
void ct_backends_sweep(const struct ct_backend_set *set);
/* Tells the log what there is to tell before a start. */
void ct_backends_notice(const struct ct_backend_set *set, const struct ct_log *log);
/* The state of one of them, NULL: it is not in the set. */
void *ct_backend_state(const struct ct_backend_set *set, const struct ct_backend *backend);
/* Carries out the steps of phase SETUP. On failure all that the journal tells of has been taken
 * back. 0 or a negative errno; the record has step, key, backend. */
int ct_backends_setup(struct ct_backend_set *set, const struct ct_setup *context, struct ct_err *e);

#endif
