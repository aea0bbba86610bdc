/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A session connects the tool's terminal with a process in a container. With a pseudo terminal the
 * tool's own is put in raw mode and bytes are copied; without, descriptors that are no terminals
 * are passed on as they are, and terminals are replaced by pipes: the user's terminal never gets
 * into a container.
 */
#ifndef CT_TOOLS_TERMINAL_H
#define CT_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include <signal.h>

#include <contain/contain.h>

#include "common.h"

struct pump;
struct session {
	/* set by the tool before session_begin(); all 0 is fine */
	bool pty;     /* use a pseudo terminal */
	bool program; /* the payload is a program, not a system: ^C ends it even when it is pid 1 */
	/* it is started detached, and the session goes on over reboots; NULL: in process */
	ct_container *container;
	int log_fd; /* > 0: gets a copy of the pseudo terminal's output */
	/* A signal for the tool, again: it was asked to end before. NULL: it is passed on to the
	 * process, the second ends it. */
	int (*on_signal)(struct session *s, int sig, bool again);
	/* > 0: a descriptor that is polled, too, and what is called when it can be read; a result
	 * below 0 ends that. It must not block */
	int watch_fd;
	int (*on_watch)(struct session *s);
	void *data;
	/* console: control character that begins a command ('q' ends, itself is itself); 0: none */
	int escape;
	int (*resize)(struct session *s, unsigned rows, unsigned cols); /* console only */

	/* for ct_start_opts, ct_attach_opts */
	int stdio[3];
	int modes_fd; /* the user's terminal, whose modes the new one gets */
	uint16_t rows, cols;

	/* the session's own */
	ct_process *process;
	ct_exit *result;
	struct pump *pump;	  /* while it copies */
	uint64_t in_before[3];	  /* bytes that each pump had read at the payload's end */
	sigset_t signals, before; /* those that are read from signal_fd, and the mask before */
	int ours[3];
	int signal_fd;
	int tty; /* our terminal, polled for its hang-up; -1: none */
	/* the payload's side of the pseudo terminal, so that it does not hang up; -1: not open */
	int peer;
	int asked; /* SIGTERM and SIGHUP passed on so far: the second one kills */
	/* signal for which we killed the process, or did not wait for a reader; 0: none */
	int ended_for;
	/* errno: not all of the output could be written; 0: it was, or it has no reader any more */
	int lost, log_lost;
	/* of the init that runs now; init_fd -1: not known */
	int pid, init_fd;
	char last; /* of what was read */
	/* standard input is copied, and is a terminal */
	bool from_terminal;
	bool behind; /* ... and we are in its background */
	bool stream; /* the supervisor's: it ends when all has been sent */
	bool deaf;   /* SIGHUP was ignored when we began */
	/* the terminal has hung up; the payload has got SIGHUP */
	bool gone, told;
	bool input_ended, ended, escaped, leave;
};

/* True when standard input and output are both terminals. */
bool terminal_here(void);
/* Blocks the signals that end, stop, resize or are to be passed on, but none that is ignored, until
 * session_end(): the session reads them. Measures the window or makes the pipes, and fills
 * s->stdio, rows, cols. 0 or a negative errno. */
int session_begin(struct session *s);
/* Copies until the process has ended and its output is written, however slowly it is read; a signal
 * ends that wait. No write blocks. Fills *x. 0 or a negative errno. */
int session_run(struct session *s, ct_process *p, ct_exit *x);
/* Copies between the terminal and a console descriptor until one end closes or the
 * escape is typed. */
int session_console(struct session *s, int console);
/* The tool's exit code after session_run(). Prints how the process ended unless it just exited, and
 * that output was lost. */
int session_code(const struct args *a, const struct session *s, const ct_exit *x);
/* Closes descriptors and restores signals and the terminal's mode. Safe to call twice. */
void session_end(struct session *s);

#endif
