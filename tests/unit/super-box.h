/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor compiled for the host, with a launcher and hooks that only play their parts: its
 * whole life can be tried without root, without namespaces and under the sanitizers.
 */
#ifndef CT_TEST_SUPER_BOX_H
#define CT_TEST_SUPER_BOX_H

#include <stdint.h>
#include <sys/types.h>

#include "run/child/control.h"
#include "run/state/state.h"
#include "wire/wire.h"

/* What a boot does. */
enum play {
	/* for ever; SIGPWR and SIGTERM are not caught and ignored, as in a pid namespace */
	PLAY_SLEEP = 0,
	PLAY_EXIT,	  /* with code `arg` after 20 ms */
	PLAY_HALT_ON_PWR, /* exit 0 on SIGPWR */
	PLAY_RTMIN_3,	  /* exit 5 on signal 37, 6 on SIGPWR */
	PLAY_DIE,	  /* by signal `arg` after 20 ms */
	PLAY_ECHO,	  /* copies its terminal's input to its output, with ">" before */
	PLAY_FLOOD,	  /* writes to its terminal without an end */
	PLAY_FAIL,	  /* reports an error and gives up */
	PLAY_LOST,	  /* the launcher kills itself before init is there */
	PLAY_STUCK,	  /* the launcher never ends */
	PLAY_FORGET,	  /* init is made, but nobody is told; it does not end */
};

#define PLAY_BOOTS 4

struct shared {						      /* seen by all of them */
	volatile int boots, hooks, again, hook_fails, echoes; /* again: hooks of a reboot */
	volatile pid_t init, launcher;
};

struct super_box {
	/* set before super_start(); zero is fine */
	struct ct_wire_super w;
	enum play play[PLAY_BOOTS]; /* of each boot, the last goes on */
	int arg[PLAY_BOOTS];
	int status; /* what PLAY_EXIT tells of a child before; 0: nothing */
	int hooks;  /* number of stop hooks */
	int pid_ns; /* pretend that init has its own */
	int console, ttys;
	int early;	      /* a client has the console from the beginning */
	const char *log_path; /* below the base */

	/* filled in */
	char base[64];
	int dirfd, report;
	int stream; /* that client's end, the test's to close */
	pid_t pid;
	struct shared *shared;
	struct ct_err e;
};

/* Prepares an empty box with its own directory. */
void super_new(struct super_box *b);
/* Starts the supervisor. */
void super_start(struct super_box *b);
/* The next record of the first boot; returns its type, 0 at the end, and the descriptor
 * (closed when fd is NULL). */
int super_report(struct super_box *b, struct ct_report *r, int *fd);
/* Starts and expects CLONED, EXEC_NEXT, SUPERVISOR and the end. */
void super_run(struct super_box *b);
/* Waits for the supervisor's end; its wait status, -1: did not end within 10 s. */
int super_reap(struct super_box *b);
/* Kills what is left, checks that no process is, removes the directory. */
void super_free(struct super_box *b);
/* 1 when the pid exists and is no zombie. */
int lives(pid_t pid);

#endif
