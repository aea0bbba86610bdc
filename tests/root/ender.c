/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that tests/root/reaper.c runs inside a container; static, and it needs nothing of
 * the rootfs but /proc.
 *
 *   ender exit N | raise N | kill N | tell N   ends: by _exit, raise(3), kill(2) or sigqueue(3) of
 *   itself ender abort | alarm | pipe | fault | spin ... by abort(3), SIGALRM, a closed pipe, a bad
 *   address, the time limit of the processor
 *   ender write FILE           ... by writing more than the file may have
 *   ender orphans N            N grandchildren that end; waits until nobody but pid 1 and it is
 *                              left: "left", else who is
 *   ender catch                "ready"; then "got N CODE VALUE" for each signal but SIGUSR2,
 *                              which ends it with 0
 *   ender group                "ready"; a child of the same group does the same: "child N", "ready"
 *                              is said when both are
 *   ender background N         a child that lives on, in a session of its own, and holds no
 *                              descriptor; exits with N
 *   ender close                closes its standard descriptors and goes on until it is killed
 *   ender forks N              as many children as can be had, at most N: "forks M"; exits with M
 *   ender burn MS              uses that much CPU time
 *   ender who                  "pid ppid session group foreground first", and what pid 1 may be
 *                              seen to have open and mapped
 *   ender loop                 "ready", then goes on
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

static void queue_self(int sig)
{
	union sigval v = { .sival_int = 1 };

	sigqueue(getpid(), sig, v);
}

/* Ways to end; they return when they have not. */
static void end(const char *how, const char *arg)
{
	int n = arg ? atoi(arg) : 0, p[2];
	char block[4096] = "";

	if (!strcmp(how, "exit"))
		_exit(n);
	if (!strcmp(how, "raise"))
		raise(n);
	if (!strcmp(how, "kill"))
		kill(getpid(), n);
	if (!strcmp(how, "tell"))
		queue_self(n);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "alarm")) {
		alarm(1);
		pause();
	}
	if (!strcmp(how, "pipe") && pipe(p) == 0) {
		close(p[0]);
		if (write(p[1], "x", 1) < 0)
			return;
	}
	if (!strcmp(how, "fault"))
		*(volatile char *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				       0) = 1;
	while (!strcmp(how, "spin"))
		;
	if (!strcmp(how, "write"))
		for (int fd = open(arg, O_WRONLY | O_CREAT, 0600);
		     fd >= 0 && write(fd, block, sizeof(block)) > 0;)
			;
}

/* Processes in /proc; those but pid 1 and us are named in buf. */
static int others(char *buf, size_t size)
{
	struct dirent *e;
	DIR *d = opendir("/proc");
	int n = 0;

	buf[0] = '\0';
	while (d && (e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (pid <= 1 || pid == getpid())
			continue;
		n++;
		snprintf(buf + strlen(buf), size - strlen(buf), " %d", pid);
	}
	if (d)
		closedir(d);
	return d ? n : -1;
}

static int orphans(int n)
{
	char who[512];

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0)
			_exit(fork() < 0);
		if (waitpid(pid, NULL, 0) != pid)
			return 2;
	}
	for (int i = 0; i < 3000 && others(who, sizeof(who)); i++)
		poll(NULL, 0, 10);
	printf("left%s\n", who);
	return 0;
}

static int catch_all(const char *what)
{
	siginfo_t si;
	sigset_t all;
	int sig;

	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (!strcmp(what, "group")) {
		int up[2];
		char c;

		if (pipe(up) || fork() == 0) {
			what = "child";
			close(up[0]);
			close(up[1]);
		} else {
			what = "got";
			close(up[1]);
			if (read(up[0], &c, 1) == 0)
				say("ready");
		}
	} else {
		what = "got";
		say("ready");
	}
	while ((sig = sigwaitinfo(&all, &si)) != SIGUSR2)
		if (sig > 0) {
			printf("%s %d %d %d\n", what, sig, si.si_code,
			       si.si_code == SI_QUEUE ? si.si_value.sival_int : 0);
			fflush(stdout);
		}
	return 0;
}

static int background(int code)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		for (int fd = 0; fd < 64; fd++)
			close(fd);
		for (;;)
			pause();
	}
	printf("child %d\n", pid);
	fflush(stdout);
	return pid < 0 ? 99 : code;
}

static int forks(int max)
{
	int n = 0;

	while (n < max) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
		n++;
	}
	printf("forks %d\n", n);
	return n;
}

static int burn(long ms)
{
	struct timespec t;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
	return 0;
}

static void show(const char *path)
{
	char line[512], target[256];
	struct dirent *e;
	FILE *f;
	DIR *d = opendir(path);

	if (!d) {
		for (f = fopen(path, "re"); f && fgets(line, sizeof(line), f);)
			printf("%s: %s", path, line);
		if (!f)
			printf("%s: errno %d\n", path, errno);
		return;
	}
	while ((e = readdir(d))) {
		ssize_t n;

		snprintf(line, sizeof(line), "%s/%s", path, e->d_name);
		n = readlink(line, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (e->d_name[0] != '.')
			printf("%s -> %.12s\n", line, target);
	}
	closedir(d);
}

static int who(void)
{
	pid_t foreground = -1;
	int fd;

	/* pid 1 may not have put the set-up away yet */
	for (int i = 0; i < 3000 && (fd = open("/proc/1/maps", O_RDONLY)) < 0; i++)
		poll(NULL, 0, 10);
	close(fd);

	ioctl(0, TIOCGPGRP, &foreground);
	printf("%d %d %d %d %d\n", getpid(), getppid(), getsid(0), getpgrp(), foreground);
	show("/proc/1/comm");
	show("/proc/1/fd");
	show("/proc/1/maps");
	show("/proc/1/environ");
	show("/proc/1/status");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : NULL;
	int n = arg ? atoi(arg) : 0;

	if (!strcmp(what, "orphans"))
		return orphans(n);
	if (!strcmp(what, "catch") || !strcmp(what, "group"))
		return catch_all(what);
	if (!strcmp(what, "background"))
		return background(n);
	if (!strcmp(what, "forks"))
		return forks(n);
	if (!strcmp(what, "burn"))
		return burn(n);
	if (!strcmp(what, "who"))
		return who();
	if (!strcmp(what, "loop") || !strcmp(what, "close")) {
		say("ready");
		for (int fd = 0; *what == 'c' && fd < 3; fd++)
			close(fd);
		for (;;)
			pause();
	}
	end(what, arg);
	return 77;
}
