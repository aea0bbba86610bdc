/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * orphans COMMAND...: runs a test as subreaper. What the test leaves running comes to us and is a
 * failure (exit 97): it is named, and ended. On SIGTERM, and when who called us is gone, everything
 * below us is ended.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CT_LEFT 97
#define CT_MAX 4096

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* Adds the children of pid's threads to list; returns the new count. */
static int add_children(pid_t pid, pid_t *list, int n)
{
	char path[64];
	struct dirent *e;
	DIR *d;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		char file[352];
		FILE *f;

		snprintf(file, sizeof(file), "%s/%s/children", path, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(file, "re");
		while (f && n < CT_MAX && fscanf(f, "%d", &child) == 1)
			list[n++] = child;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

static void describe(pid_t pid)
{
	char path[64], text[256] = "";
	size_t n, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	for (i = 0; i + 1 < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	if (f)
		fclose(f);
	fprintf(stderr, "orphans: left behind: process %d: %s\n", (int)pid, text);
}

/* Ends all that is below us; gives up on what does not go within 5 s. */
static void end_all(void)
{
	pid_t list[CT_MAX];
	int round, i, n;

	for (round = 0; round < 500; round++) {
		n = add_children(getpid(), list, 0);
		for (i = 0; i < n && i < CT_MAX; i++)
			n = add_children(list[i], list, n);
		if (!n)
			return;
		for (i = 0; i < n; i++)
			kill(list[i], SIGKILL);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

/* Waits up to 30 s for orphans that are about to end; returns how many do not. */
static int count_left(void)
{
	pid_t list[CT_MAX];
	int round, n = 0;

	for (round = 0; round < 3000 && !stop; round++) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		n = add_children(getpid(), list, 0);
		if (!n)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	while (n > 0)
		describe(list[--n]);
	return 1;
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t child, got, parent = getppid();

	if (argc < 2)
		return 125;
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent)
		return 124;
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "orphans: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	for (;;) {
		got = waitpid(-1, &status, __WALL);
		if (stop || got == child || (got < 0 && errno != EINTR))
			break;
	}
	if (stop) {
		end_all();
		return 124;
	}
	if (count_left()) {
		end_all();
		return CT_LEFT;
	}
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "orphans: the test was killed by signal %d (%s)\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}
