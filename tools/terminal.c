/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "mode.h"
#include "pump.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
/* how often to check for the next init, or for the end, when one init has ended */
#define BETWEEN_MS 50
#define CHECK_MS 1000 /* in the background: how often to check whether we still are */
#define RETRY_MS 200  /* how often to read a terminal of the payload's that no process has open */

/* more than can be queued at the end: then a process goes on writing */
#define MOST_LEFT (1 << 20)

enum { IN, OUT, ERR, N_PUMPS };

bool terminal_here(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool window_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0)
		return false;
	*rows = w.ws_row;
	*cols = w.ws_col;
	return w.ws_row && w.ws_col;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static int take_signals(struct session *s)
{
	static const int taken[] = { SIGWINCH, SIGTERM, SIGHUP,	 SIGINT, SIGQUIT,
				     SIGCONT,  SIGTSTP, SIGUSR1, SIGUSR2 };
	int fd;

	s->deaf = is_ignored(SIGHUP);
	sigemptyset(&s->signals);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!is_ignored(taken[i]))
			sigaddset(&s->signals, taken[i]);
	fd = signalfd(-1, &s->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* the calls return what these signals mean, EPIPE and EIO, as errors */
	sigaddset(&s->signals, SIGPIPE);
	sigaddset(&s->signals, SIGTTIN);
	sigaddset(&s->signals, SIGTTOU);
	sigprocmask(SIG_BLOCK, &s->signals, &s->before);
	return fd;
}

/* A pipe that the payload may open again as /dev/stdout, as it may a terminal. By the mode and not
 * by the owner: the payload's user may be known inside only, or change. A pipe has no name by which
 * other users could reach it. 0 or a negative errno. */
static int open_pipe(int end[2])
{
	if (pipe2(end, O_CLOEXEC) < 0)
		return -errno;
	if (fchmod(end[0], 0666) < 0)
		return -errno;
	return 0;
}

/* Replaces each of 0 to 2 that is a terminal by a pipe. The others are passed on as they are; a
 * detached start needs copies, because zeros mean the console there. */
static int pipes_for_terminals(struct session *s)
{
	for (int fd = 0; fd < 3; fd++) {
		const int writes = fd != STDIN_FILENO; /* the payload has the writing end */
		int end[2] = { -1, -1 }, err;

		if (!isatty(fd) && !s->container) {
			s->stdio[fd] = 0;
			continue;
		}
		if (!isatty(fd)) {
			s->stdio[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
			if (s->stdio[fd] < 0)
				return -errno;
			continue;
		}
		err = open_pipe(end);
		s->stdio[fd] = end[writes];
		s->ours[fd] = end[!writes];
		if (err < 0)
			return err;
	}
	return 0;
}

int session_begin(struct session *s)
{
	int err = 0;

	for (int i = 0; i < 3; i++) {
		s->stdio[i] = 0;
		s->ours[i] = -1;
	}
	s->process = NULL;
	s->pump = NULL;
	s->init_fd = s->peer = s->tty = -1;
	s->ended_for = s->asked = s->lost = s->log_lost = 0;
	s->escaped = s->leave = s->ended = s->gone = s->told = s->input_ended = s->behind = false;
	s->last = '\n';
	s->signal_fd = take_signals(s);
	if (s->signal_fd < 0)
		return s->signal_fd;
	s->modes_fd = 0;
	if (s->pty && isatty(STDIN_FILENO))
		s->modes_fd = CT_FD_ZERO;
	if (s->pty)
		window_size(&s->rows, &s->cols);
	else
		err = pipes_for_terminals(s);
	if (err < 0)
		session_end(s);
	return err;
}

static void drop(int *fd)
{
	if (*fd > 2)
		close(*fd);
	*fd = -1;
}

void session_end(struct session *s)
{
	const struct timespec now = { 0, 0 };

	for (int i = 0; i < 3; i++) {
		drop(&s->ours[i]);
		drop(&s->stdio[i]);
	}
	drop(&s->init_fd);
	drop(&s->peer);
	mode_restore();
	if (s->signal_fd < 0)
		return;
	drop(&s->signal_fd);
	while (sigtimedwait(&s->signals, NULL, &now) > 0)
		; /* they were for the process that has ended */
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

int session_code(const struct args *a, const struct session *s, const ct_exit *x)
{
	int code;

	if (s->ended_for)
		code = 128 + s->ended_for;
	else
		code = report_exit(a, x);
	if (s->lost)
		fail(a, "not all that it printed could be written: %s", strerror(s->lost));
	if (s->log_lost)
		fail(a, "not all that it printed could be written to the log: %s",
		     strerror(s->log_lost));
	if (!code && (s->lost || s->log_lost))
		return EXIT_OWN;
	return code;
}

/* ---- signals --------------------------------------------------------------------------------- */

static uint64_t hex_of(const char *s)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	uint64_t v = 0;

	for (s += strspn(s, " \t"); *s && (digit = strchr(digits, *s)); s++)
		v = v << 4 | (uint64_t)(digit - digits);
	return v;
}

/* True when the kernel would discard `sig`: the process is pid 1 of its namespace and neither
 * handles nor blocks it. The library's own pid 1, the reaper, passes it on. */
static bool signal_is_lost(int pid, int sig)
{
	char line[256];
	uint64_t handled = 0;
	bool init = false, reaper = false;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	f = fopen(line, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "SigIgn:", 7) || !strncmp(line, "SigCgt:", 7) ||
		    !strncmp(line, "SigBlk:", 7))
			handled |= hex_of(line + 7);
		else if (!strcmp(line, "Name:\tct-init\n"))
			reaper = true;
		else if (!strncmp(line, "NSpid:", 6))
			init = strlen(line) > 3 && !strcmp(line + strlen(line) - 3, "\t1\n");
	}
	fclose(f);
	return init && !reaper && !(handled >> (sig - 1) & 1);
}

static void pass_on(struct session *s, int sig, bool again)
{
	bool lost = s->program && sig != SIGUSR1 && sig != SIGUSR2 && signal_is_lost(s->pid, sig);

	if (s->on_signal) {
		s->on_signal(s, sig, again);
	} else if (again || lost) {
		s->ended_for = sig;
		ct_process_kill(s->process, SIGKILL);
	} else {
		ct_process_kill(s->process, sig);
	}
}

/* A signal that asks us to end, or is to be passed on. The second one that asks to end kills. */
static void ask(struct session *s, int sig)
{
	bool final = sig == SIGTERM || sig == SIGHUP ||
		     (s->on_signal && (sig == SIGINT || sig == SIGQUIT));

	pass_on(s, sig, final && s->asked++);
}

/* The output has no reader any more, or the terminal has hung up. The payload gets one SIGHUP,
 * however often that is noticed. */
static void pass_hangup(struct session *s)
{
	if (s->told)
		return;
	s->told = true;
	if (!s->process) {
		s->leave = true;
	} else if (!s->ended && !s->deaf) {
		pass_on(s, SIGHUP, false);
		/* its output would be discarded: reading on at once might let it complete before
		 * the signal ends it */
		if (s->pump)
			s->pump[OUT].hold = true;
	}
}

static bool is_hung_up(int fd)
{
	struct pollfd p = { fd, 0, 0 };

	return fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void hang_up(struct session *s)
{
	if (s->gone)
		return;
	s->gone = true;
	for (int i = OUT; s->pump && i < N_PUMPS; i++)
		if (s->pump[i].to[PUMP_OUT].terminal)
			pump_cut(&s->pump[i], PUMP_OUT);
	if (s->pump && s->from_terminal)
		s->pump[IN].eof = true;
	pass_hangup(s);
}

static void new_size(struct session *s)
{
	uint16_t rows, cols;

	if (!window_size(&rows, &cols))
		return;
	if (s->resize)
		s->resize(s, rows, cols);
	else if (s->process && s->pty)
		ct_process_resize(s->process, rows, cols);
}

/* SIGTSTP: stops the tool with the terminal in its own mode, as any such program does. */
static void stop_here(struct session *s)
{
	mode_pause();
	stop_self();
	mode_check();
	new_size(s);
}

static void take_signal(struct session *s, const struct signalfd_siginfo *si)
{
	int sig = (int)si->ssi_signo;

	if (sig == SIGWINCH) {
		new_size(s);
	} else if (sig == SIGCONT) {
		mode_check();
		new_size(s);
	} else if (sig == SIGTSTP) {
		stop_here(s);
	} else if (sig == SIGHUP && (s->gone || is_hung_up(s->tty))) {
		hang_up(s);
	} else if (sig == SIGHUP && si->ssi_code == SI_KERNEL) {
		pass_hangup(s);
	} else if (!s->process) {
		s->leave = true;
	} else if (!s->ended) {
		ask(s, sig);
	} else if (sig != SIGUSR1 && sig != SIGUSR2) {
		s->ended_for = sig; /* it has ended, but not all of its output has been read */
		s->leave = true;
	}
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		take_signal(s, &si);
}

/* ---- input ----------------------------------------------------------------------------------- */

/* A ^C (or another VINTR) by which the pseudo terminal sends a signal that the kernel discards,
 * since its only receiver is a pid 1. */
static void catch_interrupt(struct session *s, const struct pump *p, const char *typed, size_t n)
{
	int master = p->to[PUMP_OUT].sink.fd;
	struct termios t;
	pid_t foreground;

	if (!s->program || !s->pty || tcgetattr(master, &t) < 0 || !(t.c_lflag & ISIG))
		return;
	if (t.c_cc[VINTR] == _POSIX_VDISABLE || !memchr(typed, t.c_cc[VINTR], n))
		return;
	if (ioctl(master, TIOCGPGRP, &foreground) == 0 && foreground == s->pid &&
	    signal_is_lost(s->pid, SIGINT))
		ask(s, SIGINT);
}

/* Removes the console's escape sequences from what was typed. Returns the length that is left. */
static size_t catch_escape(struct session *s, char *typed, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n && !s->leave; i++) {
		char ch = typed[i];

		if (!s->escaped && ch == s->escape) {
			s->escaped = true;
			continue;
		}
		if (s->escaped && ch == 'q')
			s->leave = true;
		else
			typed[kept++] = ch; /* without the escape before it */
		s->escaped = false;
	}
	return kept;
}

/* Reads standard input. An end or an error of a terminal may mean that it has hung up, or that we
 * are in the background. */
static void take_input(struct session *s)
{
	struct pump *p = &s->pump[IN];
	size_t before = p->end;
	ssize_t n = pump_read(p);
	char *typed = p->buf + before;

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		if (s->from_terminal && is_hung_up(s->tty))
			hang_up(s);
		else if (n == -EIO && s->from_terminal)
			p->eof = !(p->hold = true);
		return;
	}
	if (s->escape) {
		p->end = before + catch_escape(s, typed, (size_t)n);
		return;
	}
	s->last = typed[n - 1];
	catch_interrupt(s, p, typed, (size_t)n);
}

/* The input has ended: a pipe is closed, a pseudo terminal gets its end-of-file character, twice
 * when a line has begun. */
static void end_input(struct session *s)
{
	struct pump *p = &s->pump[IN];
	int to = p->to[PUMP_OUT].sink.fd;
	struct termios t;

	s->input_ended = true;
	source_close(&p->from);
	if (!s->pty) {
		sink_close(&p->to[PUMP_OUT].sink);
		drop(&s->ours[IN]);
	} else if (s->process && !s->stream && tcgetattr(to, &t) == 0 && t.c_lflag & ICANON) {
		p->buf[0] = p->buf[1] = (char)t.c_cc[VEOF];
		p->to[PUMP_OUT].at = 0;
		p->end = 2;
		if (s->last == '\n')
			p->end = 1;
	}
}

/* A process in the background does not read from its terminal, nor change its mode. */
static void check_foreground(struct session *s)
{
	bool here = !s->from_terminal || s->gone || mode_foreground(STDIN_FILENO);

	if (here && s->behind)
		mode_check();
	s->behind = !here;
	s->pump[IN].hold = !here;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* As long as we have the payload's side open, too, it does not hang up when the payload closes it,
 * and may be opened again. */
static void open_peer(struct session *s, int master)
{
	drop(&s->peer);
	s->peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static ssize_t take_output(struct session *s, struct pump *p)
{
	ssize_t n = pump_read(p);

	if (n < 0 && n != -EAGAIN && !s->ended && s->pty && !s->stream && s->process) {
		p->eof = false;
		open_peer(s, p->from.fd);
		p->hold = s->peer < 0;
	}
	return n;
}

/* Reads what the payload has left in the pipe or terminal. If another process still has the other
 * side open, it does not wait for more. */
static void take_rest(struct session *s, struct pump *p)
{
	p->hold = false;
	while (pump_wants(p)) {
		ssize_t n = take_output(s, p);

		if (n == -EAGAIN) {
			p->eof = !s->stream;
			return;
		}
		if (p->in - s->in_before[p - s->pump] > MOST_LEFT && !s->stream)
			p->eof = true;
		pump_write(p);
	}
}

static void begin_rest(struct session *s)
{
	s->ended = true;
	drop(&s->init_fd);
	drop(&s->peer);
	for (int i = 0; i < N_PUMPS; i++)
		s->in_before[i] = s->pump[i].in;
}

/* Handles outlets whose reader has gone. */
static void check_readers(struct session *s)
{
	struct pump *in = &s->pump[IN];

	for (int i = OUT; i < N_PUMPS; i++) {
		const struct outlet *o = &s->pump[i].to[PUMP_OUT];

		if (o->reader_gone && o->terminal)
			hang_up(s);
		else if (o->reader_gone)
			pass_hangup(s);
	}
	if (in->to[PUMP_OUT].reader_gone)
		in->eof = true;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* An init has ended: was it the end? The system may reboot, its stop hooks may still run, or its
 * output may be on its way. */
static bool is_the_end(struct session *s)
{
	struct pollfd p = { .events = POLLIN };

	if (ct_process_wait(s->process, s->result, 0) != -ETIMEDOUT)
		return true;
	drop(&s->init_fd);
	if (!s->container)
		return false;
	p.fd = ct_init_pidfd(s->container);
	if (p.fd < 0)
		return false;
	if (poll(&p, 1, 0) > 0) {
		close(p.fd);
		return false;
	}
	s->init_fd = p.fd;
	s->pid = ct_init_pid(s->container);
	return false;
}

static int wait_time(const struct session *s)
{
	int ms = -1;

	if (s->behind && s->pump[IN].from.fd >= 0)
		ms = CHECK_MS;
	if (s->pump[OUT].hold)
		ms = RETRY_MS;
	if (!s->ended && s->process && s->init_fd < 0)
		ms = BETWEEN_MS;
	return ms;
}

static int poll_round(struct session *s)
{
	struct pollfd fds[N_PUMPS * PUMP_POLLS + 4] = {
		{ s->signal_fd, POLLIN, 0 },
		{ s->init_fd, POLLIN, 0 },
		{ s->tty, 0, 0 },
		{ s->watch_fd, POLLIN, 0 },
	};
	unsigned n = 4, first[N_PUMPS + 1];
	int wait_ms = wait_time(s);

	if (s->ended)
		fds[1].fd = -1;
	if (s->gone)
		fds[2].fd = -1;
	if (s->watch_fd <= 0)
		fds[3].fd = -1;
	for (int i = 0; i < N_PUMPS; i++) {
		first[i] = n;
		n += pump_polls(&s->pump[i], fds + n, &wait_ms);
	}
	first[N_PUMPS] = n;
	if (poll(fds, n, wait_ms) < 0) {
		if (errno == EINTR)
			return 0;
		return -errno;
	}
	if (fds[0].revents)
		read_signals(s);
	if (fds[2].revents & (POLLHUP | POLLERR))
		hang_up(s);
	if (fds[3].revents && s->on_watch(s) < 0)
		s->watch_fd = -1;
	s->pump[OUT].hold = false;
	for (int i = 0; i < N_PUMPS; i++) {
		if (!pump_polled(&s->pump[i], fds + first[i], first[i + 1] - first[i]))
			continue;
		if (i == IN)
			take_input(s);
		else
			take_output(s, &s->pump[i]);
	}
	return !s->ended && s->process && (s->init_fd < 0 || fds[1].revents) && is_the_end(s);
}

static bool is_drained(const struct pump *p)
{
	return (p->from.fd < 0 || p->eof) && !pump_pending(p);
}

static bool is_done(const struct session *s)
{
	bool out = is_drained(&s->pump[OUT]) && is_drained(&s->pump[ERR]);

	if (s->leave || (s->ended && out))
		return true;
	if (s->process)
		return false;
	return out || (is_drained(&s->pump[IN]) && !s->pump[IN].to[PUMP_OUT].reader_gone &&
		       !pump_pending(&s->pump[OUT]));
}

static int copy_loop(struct session *s)
{
	for (;;) {
		int err;

		check_foreground(s);
		for (int i = OUT; s->ended && i < N_PUMPS; i++)
			take_rest(s, &s->pump[i]);
		for (int i = 0; i < N_PUMPS; i++)
			pump_write(&s->pump[i]);
		check_readers(s);
		if (is_done(s))
			return 0;
		if (!s->input_ended && s->pump[IN].from.fd >= 0 && is_drained(&s->pump[IN])) {
			end_input(s);
			continue;
		}
		err = poll_round(s);
		if (err < 0)
			return err;
		if (err)
			begin_rest(s);
	}
}

static int open_outlet(struct pump *p, int outlet, int fd)
{
	struct outlet *o = &p->to[outlet];
	int err = sink_open(&o->sink, fd);

	o->terminal = fd >= 0 && isatty(fd);
	o->reader_gone = err == -EPIPE;
	if (err == -EPIPE)
		return 0;
	return err;
}

/* One direction of output: `from` is the payload's, -1: not used; `fd` is ours. */
static int open_output(struct pump *p, int from, int fd)
{
	int err = source_own(&p->from, from);

	if (err)
		return err;
	if (from < 0)
		fd = -1;
	return open_outlet(p, PUMP_OUT, fd);
}

/* The payload's descriptors are ours alone; those of the tool are shared with other processes. */
static int open_pumps(struct session *s, int in_to, int out_from, int err_from)
{
	struct pump *p = s->pump;
	int err = sink_own(&p[IN].to[PUMP_OUT].sink, in_to);

	if (in_to >= 0)
		source_open(&p[IN].from, STDIN_FILENO);
	s->from_terminal = in_to >= 0 && isatty(STDIN_FILENO);
	if (!err)
		err = open_output(&p[OUT], out_from, STDOUT_FILENO);
	if (!err)
		err = open_output(&p[ERR], err_from, STDERR_FILENO);
	if (!err && s->log_fd > 0)
		err = open_outlet(&p[OUT], PUMP_LOG, s->log_fd);
	s->tty = -1;
	if (s->from_terminal)
		s->tty = p[IN].from.fd;
	for (int i = OUT; i < N_PUMPS && s->tty < 0; i++)
		if (p[i].to[PUMP_OUT].terminal)
			s->tty = p[i].to[PUMP_OUT].sink.fd;
	return err;
}

static int run_pumps(struct session *s, int in_to, int out_from, int err_from)
{
	int err;

	s->pump = calloc(N_PUMPS, sizeof(*s->pump));
	if (!s->pump)
		return -ENOMEM;
	for (int i = 0; i < N_PUMPS; i++)
		pump_init(&s->pump[i]);
	err = open_pumps(s, in_to, out_from, err_from);
	if (!err)
		err = copy_loop(s);
	s->lost = s->pump[OUT].to[PUMP_OUT].err;
	if (!s->lost)
		s->lost = s->pump[ERR].to[PUMP_OUT].err;
	s->log_lost = s->pump[OUT].to[PUMP_LOG].err;
	if (!s->log_lost && s->pump[OUT].to[PUMP_LOG].reader_gone)
		s->log_lost = EPIPE;
	s->tty = -1;
	for (int i = 0; i < N_PUMPS; i++)
		pump_close(&s->pump[i]);
	free(s->pump);
	s->pump = NULL;
	return err;
}

/* That the terminal has hung up (EIO) is noticed later. */
static int begin_raw(void)
{
	int err = mode_raw();

	if (err == -EIO)
		return 0;
	return err;
}

int session_run(struct session *s, ct_process *p, ct_exit *x)
{
	int err, pty = -1;

	if (s->pty)
		pty = ct_process_pty(p);
	s->process = p;
	s->result = x;
	s->pid = ct_process_pid(p);
	s->stream = s->pty && s->container;
	s->init_fd = fcntl(ct_process_pidfd(p), F_DUPFD_CLOEXEC, 3);
	if (s->init_fd < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		drop(&s->stdio[i]);
	if (s->pty && pty < 0)
		return pty;
	if (s->pty && !s->stream)
		open_peer(s, pty);
	if (s->pty) {
		err = begin_raw();
		if (!err)
			err = run_pumps(s, pty, pty, -1);
	} else {
		err = run_pumps(s, s->ours[0], s->ours[1], s->ours[2]);
	}
	mode_restore();
	if (err)
		return err;
	return ct_process_wait(p, x, -1);
}

int session_console(struct session *s, int console)
{
	int err = begin_raw();

	s->stream = true;
	if (!err)
		new_size(s);
	if (!err)
		err = run_pumps(s, console, console, -1);
	mode_restore();
	return err;
}
