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
#include <termios.h>
#include <unistd.h>

#define PUMP_SIZE 8192
#define PUMP_WRITE 4096		/* at most, so that a pipe that polls writable does not block */
#define LIMITED_MS 20		/* how long the library may copy before we look at our own descriptors again */
#define BETWEEN_MS 50		/* how often to look for the next init, or for the end, when one init has ended */
#define DRAIN_MS 100		/* how long to wait for more after the end, when someone still holds the other side */

/* One direction: a full buffer stops the reading. */
struct pump {
	int from, to;		/* from < 0: not used */
	size_t head, fill;
	bool eof;
	char buf[PUMP_SIZE];
};

enum { IN, OUT, ERR, N_PUMPS };

/* ---- the terminal's mode ------------------------------------------------------------------------------------------ */

static struct termios saved_mode;
static bool mode_is_saved;

static void restore_mode(void)
{
	if (mode_is_saved)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_mode);
	mode_is_saved = false;
}

static int raw_mode(void)
{
	static bool registered;
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, mode_is_saved ? &raw : &saved_mode) < 0)
		return errno == ENOTTY ? 0 : -errno;
	if (!registered && atexit(restore_mode))
		return -ENOMEM;
	registered = true;
	mode_is_saved = true;
	raw = saved_mode;
	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

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

/* ---- begin and end ------------------------------------------------------------------------------------------------ */

static int take_signals(void)
{
	static const int taken[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCONT, SIGUSR1, SIGUSR2 };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaddset(&set, taken[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return fd;
}

/* Replaces each of 0 to 2 that is a terminal by a pipe. The others are handed over as they are; a detached start wants
 * copies, because zeros mean the console there. */
static int pipes_for_terminals(struct session *s)
{
	for (int fd = 0; fd < 3; fd++) {
		int end[2];

		if (!isatty(fd)) {
			s->stdio[fd] = s->container ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : 0;
			if (s->stdio[fd] < 0)
				return -errno;
			continue;
		}
		if (pipe2(end, O_CLOEXEC) < 0)
			return -errno;
		s->stdio[fd] = end[fd ? 1 : 0];
		s->ours[fd] = end[fd ? 0 : 1];
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
	s->init_fd = -1;
	s->ended_for = s->asked = 0;
	s->escaped = s->leave = false;
	s->signal_fd = take_signals();
	if (s->signal_fd < 0)
		return s->signal_fd;
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
	for (int i = 0; i < 3; i++) {
		drop(&s->ours[i]);
		drop(&s->stdio[i]);
	}
	drop(&s->init_fd);
	drop(&s->signal_fd);
	restore_mode();
}

/* ---- signals ------------------------------------------------------------------------------------------------------- */

static uint64_t hex_of(const char *s)
{
	uint64_t v = 0;

	for (s += strspn(s, " \t"); *s && strchr("0123456789abcdef", *s); s++)
		v = v << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
	return v;
}

/* True when the kernel would throw `sig` away: the process is pid 1 of its namespace and has no handler for it. */
static bool signal_is_lost(int pid, int sig)
{
	char line[256];
	uint64_t handled = 0;
	bool init = false;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	f = fopen(line, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "SigIgn:", 7) || !strncmp(line, "SigCgt:", 7))
			handled |= hex_of(line + 7);
		else if (!strncmp(line, "NSpid:", 6))
			init = strlen(line) > 3 && !strcmp(line + strlen(line) - 3, "\t1\n");
	}
	fclose(f);
	return init && !(handled >> (sig - 1) & 1);
}

static void pass_on(struct session *s, int sig)
{
	bool final = sig == SIGTERM || sig == SIGHUP;

	if (s->on_signal) {
		s->on_signal(s, sig);
	} else if (final && s->asked++) {
		s->ended_for = sig;
		ct_process_kill(s->process, SIGKILL);	/* it was told before */
	} else if (s->program && sig != SIGUSR1 && sig != SIGUSR2 && signal_is_lost(s->pid, sig)) {
		s->ended_for = sig;
		ct_process_kill(s->process, SIGKILL);
	} else {
		ct_process_kill(s->process, sig);
	}
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

static void read_signals(struct session *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if (sig == SIGWINCH) {
			new_size(s);
		} else if (sig == SIGCONT) {
			if (mode_is_saved)
				raw_mode();
			new_size(s);
		} else if (s->process) {
			pass_on(s, sig);
		} else {
			s->leave = true;
		}
	}
}

/* ---- pumps ------------------------------------------------------------------------------------------------------- */

/* A ^C that the pseudo terminal would send to a pid 1 that does not care for it. */
static void catch_interrupt(struct session *s, const struct pump *p)
{
	struct termios t;
	pid_t foreground;

	if (!s->program || !s->pty || !memchr(p->buf, 3, p->fill))
		return;
	if (tcgetattr(p->to, &t) < 0 || !(t.c_lflag & ISIG) || t.c_cc[VINTR] != 3)
		return;
	if (ioctl(p->to, TIOCGPGRP, &foreground) == 0 && foreground == s->pid && signal_is_lost(s->pid, SIGINT))
		pass_on(s, SIGINT);
}

/* Takes the console's escape sequences out of what was typed. */
static void catch_escape(struct session *s, struct pump *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->fill && !s->leave; i++) {
		char ch = p->buf[i];

		if (!s->escaped && ch == s->escape) {
			s->escaped = true;
			continue;
		}
		if (s->escaped && ch == 'q')
			s->leave = true;
		else
			p->buf[kept++] = ch;	/* the escape before an other character is swallowed */
		s->escaped = false;
	}
	p->fill = kept;
}

static void pump_read(struct session *s, struct pump *p, bool input)
{
	ssize_t n = read(p->from, p->buf, sizeof(p->buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		p->eof = true;
		return;
	}
	p->head = 0;
	p->fill = (size_t)n;
	if (input && s->escape)
		catch_escape(s, p);
	else if (input)
		catch_interrupt(s, p);
	else if (s->log_fd > 0 && write(s->log_fd, p->buf, p->fill) < 0)
		s->log_fd = 0;
}

/* Writes what is there. False when the other side is gone. */
static bool pump_write(struct pump *p)
{
	ssize_t n = write(p->to, p->buf + p->head, p->fill < PUMP_WRITE ? p->fill : PUMP_WRITE);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n < 0) {
		p->fill = 0;
		p->eof = true;
		return false;
	}
	p->head += (size_t)n;
	p->fill -= (size_t)n;
	return true;
}

/* The input has ended: a pipe is closed, a pseudo terminal gets its end-of-file character. */
static void end_input(struct session *s, struct pump *p)
{
	struct termios t;

	p->from = -1;
	if (!s->pty) {
		drop(&s->ours[IN]);
	} else if (s->process && tcgetattr(p->to, &t) == 0 && t.c_lflag & ICANON) {
		p->buf[0] = (char)t.c_cc[VEOF];
		p->head = 0;
		p->fill = 1;
	}
}

/* An init has ended: was it the end? The system may reboot, or its stop hooks may still run. */
static bool is_the_end(struct session *s)
{
	struct pollfd p = { .events = POLLIN };

	if (!s->container || ct_process_wait(s->process, NULL, 0) >= 0)
		return true;
	drop(&s->init_fd);
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

/* One poll() round: 0, or -errno, or 1 when the process has ended; *idle is set when the time was up. */
static int poll_round(struct session *s, struct pump *pump, bool ended, bool *idle)
{
	struct pollfd fds[N_PUMPS + 2];
	int n, wait_ms = ended ? DRAIN_MS : s->limited ? 0 : s->process && s->init_fd < 0 ? BETWEEN_MS : -1;

	for (int i = 0; i < N_PUMPS; i++) {
		struct pump *p = &pump[i];

		fds[i].fd = p->fill ? p->to : p->eof ? -1 : p->from;
		fds[i].events = p->fill ? POLLOUT : POLLIN;
	}
	fds[N_PUMPS] = (struct pollfd){ s->signal_fd, POLLIN, 0 };
	fds[N_PUMPS + 1] = (struct pollfd){ ended ? -1 : s->init_fd, POLLIN, 0 };
	n = poll(fds, N_PUMPS + 2, wait_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	*idle = ended && n == 0;
	if (fds[N_PUMPS].revents)
		read_signals(s);
	for (int i = 0; i < N_PUMPS; i++) {
		if (!fds[i].revents)
			continue;
		if (!pump[i].fill)
			pump_read(s, &pump[i], i == IN);
		else if (!pump_write(&pump[i]) && i != IN && s->process && !ended)
			pass_on(s, SIGHUP);	/* nobody reads the terminal any more */
	}
	if (s->limited && !ended)
		return ct_process_wait(s->process, NULL, LIMITED_MS) >= 0;
	return !ended && s->process && (s->init_fd < 0 || fds[N_PUMPS + 1].revents) && is_the_end(s);
}

static bool outputs_done(const struct pump *pump)
{
	for (int i = OUT; i < N_PUMPS; i++)
		if (pump[i].from >= 0 && (!pump[i].eof || pump[i].fill))
			return false;
	return true;
}

static int copy_loop(struct session *s, struct pump *pump)
{
	bool ended = false, idle = false;

	for (;;) {
		int err;

		if (s->leave || (ended && (idle || outputs_done(pump))))
			return 0;
		if (!s->process && (pump[OUT].eof || pump[IN].eof))
			return 0;
		if (pump[IN].eof && !pump[IN].fill && pump[IN].from >= 0)
			end_input(s, &pump[IN]);
		err = poll_round(s, pump, ended, &idle);
		if (err < 0)
			return err;
		ended = ended || err == 1;
	}
}

/* An own open file of a terminal, so that O_NONBLOCK stays ours; the descriptor itself when there is no /proc. */
static int own_terminal(int fd, int mode)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = isatty(fd) ? open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	return own < 0 ? fd : own;
}

static int run_pumps(struct session *s, int in_to, int out_from, int err_from)
{
	struct pump *pump = calloc(N_PUMPS, sizeof(*pump));
	int err;

	if (!pump)
		return -ENOMEM;
	pump[IN].from = in_to < 0 ? -1 : own_terminal(STDIN_FILENO, O_RDONLY);
	pump[IN].to = in_to;
	pump[OUT].from = out_from;
	pump[OUT].to = out_from < 0 ? -1 : own_terminal(STDOUT_FILENO, O_WRONLY);
	pump[ERR].from = err_from;
	pump[ERR].to = err_from < 0 ? -1 : own_terminal(STDERR_FILENO, O_WRONLY);
	int in = pump[IN].from;
	err = copy_loop(s, pump);
	drop(&in);
	drop(&pump[OUT].to);
	drop(&pump[ERR].to);
	free(pump);
	return err;
}

int session_run(struct session *s, ct_process *p, ct_exit *x)
{
	int err, pty = s->pty ? ct_process_pty(p) : -1;

	s->process = p;
	s->pid = ct_process_pid(p);
	s->init_fd = fcntl(ct_process_pidfd(p), F_DUPFD_CLOEXEC, 3);
	if (s->init_fd < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		drop(&s->stdio[i]);
	if (s->pty && pty < 0)
		return pty;
	err = s->pty ? raw_mode() : 0;
	if (!err)
		err = s->pty ? run_pumps(s, pty, pty, -1) : run_pumps(s, s->ours[0], s->ours[1], s->ours[2]);
	restore_mode();
	return err ? err : ct_process_wait(p, x, -1);
}

int session_console(struct session *s, int console)
{
	int err = raw_mode();

	if (!err)
		new_size(s);
	if (!err)
		err = run_pumps(s, console, console, -1);
	restore_mode();
	return err;
}
