/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done once for each injected failure, and what came of it. */
#ifndef CT_FAULT_SCENARIO_H
#define CT_FAULT_SCENARIO_H

#include "box.h"
#include "inject.h"

enum scenario_what {
	WHAT_START,
	WHAT_ATTACH, /* to a container started before */
	WHAT_STOP    /* of one */
};

struct scenario {
	const char *name, *about;
	enum scenario_what what;
	int detached;		   /* the container has a supervisor */
	uint64_t flags;		   /* CT_START_* or CT_ATTACH_* of the call looked at */
	const char *const *config; /* key, value, ..., NULL */
	unsigned roles;		   /* bits of enum inject_role that take part */
	unsigned ages;		   /* INJECT_* */
	int supervised[2];
};

#define VIEW_SIZE 32768

/* Filled by the worker, in shared memory. */
struct report {
	int done;      /* the worker came to its end */
	int ret;       /* of the call looked at */
	int err, step; /* its error */
	char message[1024], step_name[64], call_name[64], where[32];
	char view[VIEW_SIZE]; /* what the payload saw, "" when there was none */
	int waited;	      /* of ct_process_wait() */
	ct_exit verdict;
	char leak[4096];  /* how the caller was changed */
	char wrong[1024]; /* anything else that should not be */
};

struct arena {
	struct box box;
	const struct scenario *scenario;
	struct report *report;
	char name[32]; /* of a detached container; nobody else's on the machine */
};

/* By name; NULL. The n-th; NULL behind the last. */
const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_at(size_t n);
/* The worker for inject_run(); data is a struct arena. */
int scenario_work(void *data);
/* For after a kill: lists, stops what lives, starts it once more, stops it. Its exit code; what is
 * wrong in the report. */
int scenario_clear(void *data);
/* Steps of the scenario's plan, one a line; to be freed. NULL for a stop. */
char *scenario_plan(struct arena *a);

#endif
