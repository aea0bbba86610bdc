/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a hostile process in a container tries. Static, and needs nothing of the rootfs but /tmp.
 *
 *   attempt all            carries out all but those at terminals; "NAME: done", "NAME: errno N" or
 *                          "NAME: signal N"
 *   attempt NAME...        these
 *
 * Each is made by a child, so that none has what another got. Outside of a container it would hit
 * the machine, so it does nothing without the environment's word for it, which only a container
 * has.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

#define PATIENCE_S 100

static const struct attempt *const groups[] = { attempt_mounts, attempt_kernel, attempt_reach,
						attempt_terminal };
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

int attempt_errno(long result)
{
	return result < 0 ? errno : 0;
}

int attempt_writable(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return attempt_errno(fd);
}

int attempt_device(unsigned type, unsigned major, unsigned minor)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/node.%u.%u.%d", major, minor, getpid());
	if (mknod(path, type | 0600, makedev(major, minor)))
		return errno;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	err = attempt_errno(fd);
	unlink(path);
	return err;
}

static void carry_out(const struct attempt *a)
{
	int status, told[2], err = -1;
	pid_t pid;

	fflush(stdout);
	if (pipe2(told, O_CLOEXEC) || (pid = fork()) < 0) {
		printf("%s: cannot be tried: %s\n", a->name, strerror(errno));
		return;
	}
	if (pid == 0) {
		/* mounts are for this attempt alone, where that can be had */
		unshare(CLONE_NEWNS);
		alarm(PATIENCE_S);
		err = a->try();
		_exit(write(told[1], &err, sizeof(err)) != sizeof(err));
	}
	close(told[1]);
	if (read(told[0], &err, sizeof(err)) != sizeof(err))
		err = -1;
	close(told[0]);
	waitpid(pid, &status, 0);
	if (err < 0)
		printf("%s: signal %d\n", a->name, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	else if (err)
		printf("%s: errno %d\n", a->name, err);
	else
		printf("%s: done\n", a->name);
}

static int one(const char *name)
{
	int n = 0;

	for (size_t g = 0; g < N_GROUPS; g++)
		for (const struct attempt *a = groups[g]; a->name; a++) {
			bool of_all = !strcmp(name, "all") && groups[g] != attempt_terminal;

			if (!of_all && strcmp(name, a->name))
				continue;
			carry_out(a);
			n++;
		}
	return n;
}

int main(int argc, char **argv)
{
	const char *where = getenv("CT_ATTEMPT");
	int missing = argc < 2;

	if (!where || strcmp(where, "inside") || access("/bin/attempt", X_OK)) {
		fprintf(stderr, "attempt: this is for the inside of a test's container\n");
		return 3;
	}
	for (int i = 1; i < argc; i++) {
		if (one(argv[i]))
			continue;
		printf("%s: there is no such attempt\n", argv[i]);
		missing = 1;
	}
	return missing ? 2 : 0;
}
