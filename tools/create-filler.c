/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "create.h"

#define GRACE_MS 15000 /* for a filler to clean up after a signal */

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void ending_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaddset(set, ending[i]);
}

/* Becomes the program. Its output goes to our standard error, so that ours has only our own. */
static void __attribute__((noreturn)) become(char *const argv[], int why)
{
	sigset_t none;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), err;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(fd, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	err = errno;
	if (write(why, &err, sizeof(err)) < 0)
		_exit(EXIT_OWN);
	_exit(EXIT_NOT_FOUND);
}

/* Waits for a child. A signal for us is passed on to `target`, a process or (negative) a process
 * group; a group that does not end then is killed. Returns the signal, or 0. */
static int wait_child(pid_t child, pid_t target, int signals)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0), asked = 0;
	struct pollfd fds[2] = { { pidfd, POLLIN, 0 }, { signals, POLLIN, 0 } };

	for (;;) {
		struct signalfd_siginfo si;
		int n, wait = -1;

		if (asked && target < 0)
			wait = GRACE_MS;
		n = poll(fds, 2, wait);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			kill(target, SIGKILL);
		if (n > 0 && fds[1].revents &&
		    read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			if (asked && target < 0)
				kill(target, SIGKILL);
			else
				kill(target, (int)si.ssi_signo);
			asked = (int)si.ssi_signo;
		}
		if (n < 0 || fds[0].revents) {
			close(pidfd);
			return asked;
		}
	}
}

static int verdict(const struct args *a, const char *what, int status, int exec_errno, int asked)
{
	if (asked) {
		fail(a, "%s was interrupted by signal %d (%s)", what, asked, strsignal(asked));
		return 128 + asked;
	}
	if (exec_errno)
		return fail(a, "%s cannot be run: %s", what, strerror(exec_errno));
	if (WIFSIGNALED(status))
		return fail(a, "%s was killed by signal %d", what, WTERMSIG(status));
	if (WEXITSTATUS(status))
		return fail(a, "%s failed with exit code %d; what it said is above", what,
			    WEXITSTATUS(status));
	return 0;
}

/* The guard: starts the program, and ends it and removes the directory if the tool is killed.
 * Returns the exit code. */
static int guard(const struct args *a, const struct partial *p, const char *what,
		 char *const argv[], pid_t tool, int signals)
{
	int why[2], status = 0, exec_errno = 0, asked;
	pid_t child;

	setpgid(0, 0); /* the terminal's ^C is for the tool, which passes it on */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != tool || pipe2(why, O_CLOEXEC) < 0)
		return EXIT_OWN;
	child = fork();
	if (child == 0)
		become(argv, why[1]);
	close(why[1]);
	if (child < 0)
		return fail(a, "fork: %s", strerror(errno));
	setpgid(child, child);
	if (read(why[0], &exec_errno, sizeof(exec_errno)) != (ssize_t)sizeof(exec_errno))
		exec_errno = 0;
	asked = wait_child(child, -child, signals);
	kill(-child, SIGKILL); /* what it left running, before it is reaped and its pid free */
	waitpid(child, &status, 0);
	if (getppid() != tool)
		remove_partial(a, p->path);
	return verdict(a, what, status, exec_errno, asked);
}

int run_filler(const struct args *a, const struct partial *p, const char *what, char *const argv[])
{
	int signals, status = 0;
	pid_t me = getpid(), child;
	sigset_t set;

	ending_set(&set);
	/* until the tool ends: it removes what was begun first */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return fail(a, "%s", strerror(errno));
	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(guard(a, p, what, argv, me, signals));
	if (child < 0)
		return fail(a, "fork: %s", strerror(errno));
	wait_child(child, child, signals);
	waitpid(child, &status, 0);
	close(signals);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return fail(a, "%s: its guard was killed", what);
}
