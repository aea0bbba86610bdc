/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ct_process is. */
#ifndef CT_RUN_PROCESS_H
#define CT_RUN_PROCESS_H

#include <pthread.h>

#include <contain/contain.h>

#include "base/error.h"
#include "backend/backend.h"
#include "run/output.h"
#include "run/placeholder.h"
#include "run/spawn.h"

#define CT_ASKED 0x100	/* it was asked to go: how it ends then is its answer, be it an exit */

struct ct_process {
	unsigned refs;		/* atomic */
	pid_t owner;		/* process that made the handle */
	pthread_mutex_t lock;	/* guards all below but `stop`; never held while waiting or cloning */
	struct ct_child child;
	int watch;		/* of a detached container: its supervisor tells the end here; -1 in process */
	int state;		/* ... and is to be found in this state directory; -1 in process */
	int attached;		/* entered by ct_attach(): its pid is not the container's init */
	int reboots;		/* a pid namespace's init: its death by SIGHUP is a reboot */
	int done;		/* verdict is final */
	ct_exit verdict;
	int stop;		/* atomic, CT_EXIT_*: why the caller had it killed, 0: it did not; perhaps with CT_ASKED */
	struct ct_output output; /* limit.output */
	struct ct_cg_held groups; /* of an in-process container, ended with it */
	struct ct_placeholder holder; /* keeps systemd's scope, if they are in one */
	struct ct_err err;
	ct_error view;
};

/* Wraps a child, all taken over, also on failure; watch and state as above. NULL without memory. */
struct ct_process *ct_process_make(struct ct_child *child, int watch, int state);
/* One owner more (returns p), one less (NULL is fine). */
struct ct_process *ct_process_get(struct ct_process *p);
void ct_process_put(struct ct_process *p);
/* A copy of its groups; n is 0 when it has ended. 0, -ENOMEM or -EMFILE. */
int ct_process_groups(struct ct_process *p, struct ct_cg_held *out);
/* Figures of its groups without copying them, which would cost as much as two of the files. Their number; 0: it has none, or has ended. */
uint32_t ct_process_usage(struct ct_process *p, ct_usage *out);
/* Sends a signal and remembers that the caller asked for it. 0 or negative errno, recorded in e. */
int ct_process_signal(struct ct_process *p, int sig, struct ct_err *e);
/* As ct_process_wait(), with the error recorded in e. */
int ct_process_await(struct ct_process *p, ct_exit *out, int timeout_ms, struct ct_err *e);
/* 1 while it runs. */
int ct_process_running(struct ct_process *p);

#endif
