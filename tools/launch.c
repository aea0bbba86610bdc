/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct launch {
	const struct args *a;
	ct_container *c;
	bool detached;
	int fd;		    /* signalfd */
	int sig;	    /* that cancelled it; 0: none */
	sigset_t before;    /* mask that the tool had */
	sigset_t meanwhile; /* mask while it waits: without SIGTSTP, so that ^Z stops the tool */
};

/* Takes the signals that cancel the start. Others of a session wait in the session's descriptor
 * until that runs. */
static int take_signals(struct launch *l)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!is_ignored(taken[i]))
			sigaddset(&set, taken[i]);
	l->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->fd < 0)
		return fail(l->a, "signals cannot be read: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &set, &l->before);
	sigprocmask(SIG_BLOCK, NULL, &l->meanwhile);
	sigdelset(&l->meanwhile, SIGTSTP);
	return 0;
}

static void give_signals_back(struct launch *l)
{
	close(l->fd);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
}

/* True when a signal has come that cancels the start; the first one is kept. */
static bool called_off(struct launch *l)
{
	struct signalfd_siginfo si;

	while (read(l->fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (!l->sig)
			l->sig = (int)si.ssi_signo;
	return l->sig;
}

/* Waits for the end of the start. 0, or a negative errno. */
static int follow(struct launch *l, ct_process *p)
{
	for (;;) {
		int r = ct_process_started(p, 0);
		struct pollfd fds[] = { { l->fd, POLLIN, 0 },
					{ ct_process_start_fd(p), POLLIN, 0 } };

		if (r != -EINPROGRESS)
			return r;
		if (called_off(l))
			break;
		if (ppoll(fds, 2, NULL, &l->meanwhile) < 0 && errno != EINTR)
			break;
	}
	ct_process_kill(p, SIGKILL);
	return ct_process_started(p, -1);
}

/* Ends a start that was cancelled. It may have succeeded or failed before the signal came. */
static int end(struct launch *l, ct_process *p, int r)
{
	if (!r && l->detached)
		ct_stop(l->c, CT_STOP_KILL, 0);
	else if (!r)
		ct_process_kill(p, SIGKILL);
	if (!r)
		ct_process_wait(p, NULL, -1);
	fail(l->a, "called off by signal %d (%s)", l->sig, strsignal(l->sig));
	return 128 + l->sig;
}

/* From the result of ct_start() or ct_attach() to the tool's exit code. */
static int finish(struct launch *l, ct_process *p, int r)
{
	if (r >= 0)
		r = follow(l, p);
	/* a signal that comes at the same moment may be why it failed: ^C goes to all processes of
	 * the terminal's foreground, hooks among them */
	if (l->sig || (r < 0 && called_off(l)))
		return end(l, p, r);
	if (r < 0)
		return fail_error(l->a, launch_error(l->c, p));
	return 0;
}

int launch_start(const struct args *a, ct_container *c, const ct_start_opts *so, ct_process **out)
{
	struct launch l = { .a = a, .c = c, .detached = so->flags & CT_START_DETACH };
	ct_start_opts opts = *so;
	int code = take_signals(&l);

	if (code)
		return code;
	opts.flags |= CT_START_NOWAIT;
	code = ct_start(c, &opts, out);
	code = finish(&l, *out, code);
	give_signals_back(&l);
	return code;
}

int launch_attach(const struct args *a, ct_container *c, const ct_attach_opts *ao, ct_process **out)
{
	struct launch l = { .a = a, .c = c };
	ct_attach_opts opts = *ao;
	int code = take_signals(&l);

	if (code)
		return code;
	opts.flags |= CT_ATTACH_NOWAIT;
	code = ct_attach(c, &opts, out);
	code = finish(&l, *out, code);
	give_signals_back(&l);
	return code;
}

const ct_error *launch_error(ct_container *c, ct_process *p)
{
	if (!p)
		return ct_last_error(c);
	ct_process_started(p, 0); /* records the error again */
	return ct_process_last_error(p);
}
