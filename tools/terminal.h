/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A session: what stands between the tool's terminal and a process in a container. With a pseudo terminal the tool's own
 * is put in raw mode and bytes are copied; without, descriptors that are no terminals are handed over as they are, and
 * terminals are replaced by pipes: the terminal of the person who typed the command never gets into a container.
 */
#ifndef CT_TOOLS_TERMINAL_H
#define CT_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include <contain/contain.h>

struct session {
	/* set by the tool before session_begin(); all 0 is fine, log_fd is only looked at when > 0 */
	bool pty;		/* use a pseudo terminal */
	bool program;		/* the payload is a program, not a system: ^C ends it even when it is pid 1 */
	ct_container *container; /* it is started detached, and comes through reboots; NULL: in process */
	bool limited;		/* limit.output is set: the library copies the output, as long as someone waits */
	int log_fd;		/* > 0: gets a copy of what the pseudo terminal prints */
	int (*on_signal)(struct session *s, int sig);	/* NULL: the signal is passed on to the process */
	void *data;
	int escape;		/* console: control character that begins a command ('q' ends, itself is itself); 0: none */
	int (*resize)(struct session *s, unsigned rows, unsigned cols);	/* console only */

	/* for ct_start_opts, ct_attach_opts */
	int stdio[3];
	uint16_t rows, cols;

	/* the session's own */
	ct_process *process;
	int ours[3];
	int signal_fd;
	int asked;		/* SIGTERM and SIGHUP passed on so far: the second one kills */
	int ended_for;		/* signal that made us kill the process; 0: none */
	int pid, init_fd;	/* of the init that runs now; init_fd -1: nobody knows one */
	bool escaped, leave;
};

/* True when standard input and output are both terminals. */
bool terminal_here(void);
/* Takes the signals that end, resize or are to be passed on (blocked for the rest of the tool's life, read by the
 * session), measures the window or makes the pipes, and fills s->stdio, rows, cols. 0 or a negative errno. */
int session_begin(struct session *s);
/* Copies until the process has ended and what it wrote is printed; fills *x. 0 or a negative errno. */
int session_run(struct session *s, ct_process *p, ct_exit *x);
/* Copies between the terminal and a console descriptor until one end closes or the escape is typed. */
int session_console(struct session *s, int console);
/* Gives back descriptors and the terminal's mode. Safe to call twice. */
void session_end(struct session *s);

#endif
