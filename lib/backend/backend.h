/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interface of backends. A backend is one kind of thing that a container needs of the host,
 * from the check before a start to its removal after the end: one const struct, listed in list.c in
 * the order of their parts of a plan. A backend that is not built is replaced by its twin, whose
 * probe reports that. No function of a backend runs in a child process.
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

/* What backends are opened with. All is borrowed, and valid as long as they are open. */
struct ct_backend_input {
	/* spec, host, name, detached; of an attach also the ids and rights of the process */
	struct ct_request *req;
	struct ct_host *host; /* the request's */
	struct ct_arena *arena;
	bool attach; /* else: a start, or the check before one */
	/* start: the mark of the owner (cgroup/owner.h); "": the state directory has the journal;
	 * NULL: it is only a check */
	const char *mark;
	/* start: the directory of the state directories; NULL: none */
	const char *base;
	/* The cgroup hierarchies as the handle knows them; `anew`: probed again if anything has
	 * changed. 0 or a negative errno. */
	int (*hierarchies)(void *arg, bool anew, struct ct_cgroups *out, struct ct_err *e);
	void *arg;
	/* attach: the cgroups of the container; the journal of its start, in which a backend finds
	 * what it has made (ct_undo_read(); only valid during open); the init that is joined */
	const struct ct_cgroups_held *running;
	const char *records;
	pid_t init;
};

struct ct_dev_program;

/* What phase SETUP is carried out with, by the caller, before there is a stage. */
struct ct_setup {
	struct ct_plan *plan;
	struct ct_undo *undo;	  /* gets a record before each action, and after it */
	const struct ct_log *log; /* gets a line for each step */
	/* Starts the placeholder: its pid, or a negative errno, recorded. **group is to be set to
	 * the path of the cgroup that it is moved into, which is removed with it. */
	pid_t (*placeholder)(void *arg, char ***group, struct ct_err *e);
	void *arg;
	/* Runs a program of the host, argv[0] by its path, below a keeper as a hook is run, and
	 * waits for its end. 0, or a negative errno, recorded with its last line. */
	int (*run)(void *run_arg, const char *const *argv, struct ct_err *e);
	void *run_arg;
	/* what the container's handle keeps of a start for its next one (see devices.h); NULL */
	struct ct_dev_program **program;
};

struct ct_backend {
	/* "cgroup": the beginning of its steps' names; in the journal, in reports, in
	 * ct_error.backend */
	const char *name;
	/* that asks for it, or what those that do begin with, up to a dot; NULL: none does */
	const char *key;
	size_t state; /* bytes of its state for one start or attach, zeroed */
	/* Whether the config asks for it at all. Pure. NULL: always. */
	bool (*wanted)(const struct ct_spec *spec);
	/* 1: this host supports it; 0: it does not, and *why is a sentence. No side effects. NULL:
	 * `open` finds out. */
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
	/* Undoes n of its records, given in the order in which they were written, however much of
	 * each was done. Records are not trusted. Nothing is undone in another way. 0, also when
	 * nothing is left of them, or a negative errno, recorded. NULL: its records tell of nothing
	 * that stays; they are for attach. */
	int (*undo)(const struct ct_undo_record *records, uint32_t n, struct ct_err *e);
	/* Adds its rows of ct_protections(), by comparison with what the kernel has. The state was
	 * opened as for a start now. */
	void (*protect)(const void *state, struct ct_protections *r);
	/* Removes what killed callers have left where this start is going to make its own. NULL:
	 * they leave nothing. */
	void (*sweep)(void *state);
	/* A text for the log before the start; NULL: none. */
	const char *(*notice)(const void *state);
	/* Releases the state. */
	void (*close)(void *state);
};

/* All backends, ended by NULL. */
extern const struct ct_backend *const ct_backends[];

/* The backends that one start or attach needs. All zero before ct_backends_open(). */
struct ct_backend_set {
	const struct ct_backend *v[CT_BACKENDS_MAX];
	void *state[CT_BACKENDS_MAX];
	struct ct_area area[CT_BACKENDS_MAX];
	uint32_t n;
};

/* Opens those that the spec asks for, and adds their parts of a plan to the request. 0 or a
 * negative errno, recorded: then the set has those up to the one that failed. */
int ct_backends_open(struct ct_backend_set *set, const struct ct_backend_input *in,
		     struct ct_err *e);
/* Closes them. */
void ct_backends_close(struct ct_backend_set *set);
/* Adds their rows of ct_protections(). */
void ct_backends_protect(const struct ct_backend_set *set, struct ct_protections *r);
/* Removes what killed callers have left. */
void ct_backends_sweep(const struct ct_backend_set *set);
/* Writes their texts into the log before a start. */
void ct_backends_notice(const struct ct_backend_set *set, const struct ct_log *log);
/* The state of one of them; NULL: it is not in the set. */
void *ct_backend_state(const struct ct_backend_set *set, const struct ct_backend *backend);
/* Carries out the steps of phase SETUP. On failure the whole journal is undone. 0 or a negative
 * errno; the record has step, key, backend. */
int ct_backends_setup(struct ct_backend_set *set, const struct ct_setup *context, struct ct_err *e);

#endif
