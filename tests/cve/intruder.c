/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attacker inside, for tests/cve; static, and it needs nothing of the rootfs but /proc. Until
 * end of input it takes each process that it sees for one that comes from outside:
 *
 *   intruder loot FILE   opens what /proc/PID/{exe,cwd,root,fd/...} lead to: "w MAJ:MIN:INO" for
 *                        a program that opens for writing, "x MAJ:MIN:INO" for reading; "reached
 *                        WAY" where FILE, a path of the host, opens from there
 *   intruder trace       seizes it as a debugger; "seized MAJ:MIN:INO" with its program at that
 *                        moment, "memory" where its memory opens for writing
 *
 * "ready" comes first, "looks N" last. And without waiting:
 *
 *   intruder reach FILE  whether FILE opens from any of its own descriptors, its working directory
 *                        and its root, and whether the directory is one of the root's; and how
 *                        many descriptors it has: "fds N"
 *   intruder cwd         where it is, as the kernel tells it
 *   intruder abstract NAME   whether a socket of that abstract name can be connected to
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long looks;

/* ---- what was found, each once --------------------------------------------------------------- */

static char said[512][160];
static int n_said;

static void say(const char *text)
{
	for (int i = 0; i < n_said; i++)
		if (!strcmp(said[i], text))
			return;
	if (n_said == 512)
		return;
	snprintf(said[n_said++], sizeof(said[0]), "%s", text);
	printf("%s\n", text);
	fflush(stdout);
}

static void say_file(const char *how, int fd)
{
	char text[128];
	struct stat st;

	if (fstat(fd, &st))
		return;
	snprintf(text, sizeof(text), "%s %u:%u:%llu", how, major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	say(text);
}

/* Whether FILE opens from this directory: below it, and above it. */
static void try_from(int dir, const char *file, const char *way)
{
	char up[4200], text[400];
	int fd = openat(dir, file + 1, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		snprintf(up, sizeof(up), "../../../../../../../../../../../..%s", file);
		fd = openat(dir, up, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return;
	close(fd);
	snprintf(text, sizeof(text), "reached %s", way);
	say(text);
}

static void loot_link(const char *pid, const char *name, const char *file)
{
	char path[700];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	try_from(fd, file, name);
	close(fd);
}

static void loot_descriptors(const char *pid, const char *file)
{
	char path[300], name[320];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(name, sizeof(name), "fd/%s", e->d_name);
		loot_link(pid, name, file);
	}
	if (d)
		closedir(d);
}

static void loot(const char *pid, const char *file)
{
	char path[300];
	int fd, again;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		say_file("w", fd);
	close(fd);
	/* held by a path, and opened when nobody executes it any more */
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		say_file("x", fd);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = open(path, O_WRONLY | O_CLOEXEC);
		if (again >= 0)
			say_file("w", again);
		close(again);
	}
	close(fd);
	loot_link(pid, "cwd", file);
	loot_link(pid, "root", file);
	loot_descriptors(pid, file);
}

static void trace(const char *pid)
{
	char path[300];
	int fd;

	if (ptrace(PTRACE_SEIZE, atoi(pid), 0, 0) == 0) {
		snprintf(path, sizeof(path), "/proc/%s/exe", pid);
		fd = open(path, O_PATH | O_CLOEXEC);
		say_file("seized", fd);
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	close(fd);
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	say_file("memory", fd);
	close(fd);
}

/* Each process but this one and its parents, again and again. */
static int watch(const char *file)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	DIR *d = opendir("/proc");
	pid_t parent = getppid();
	struct dirent *e;
	char byte;

	if (!d)
		return 1;
	say("ready");
	for (;;) {
		if (poll(&p, 1, 0) > 0 && read(0, &byte, 1) <= 0)
			break;
		rewinddir(d);
		while ((e = readdir(d))) {
			int pid = atoi(e->d_name);

			if (pid <= 1 || pid == getpid() || pid == parent)
				continue;
			if (file)
				loot(e->d_name, file);
			else
				trace(e->d_name);
			looks++;
		}
		/* what was traced and has ended is to be reaped by its tracer, too */
		while (!file && waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
	printf("looks %lu\n", looks);
	return 0;
}

static int reach(const char *file)
{
	char cwd[4096] = "";
	int fd, n = 0;

	if (!getcwd(cwd, sizeof(cwd)) || cwd[0] != '/')
		say("reached a directory outside");
	try_from(AT_FDCWD, file, "the working directory");
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	try_from(fd, file, "the root");
	close(fd);
	loot_link("self", "cwd", file);
	loot_link("self", "root", file);
	loot_descriptors("self", file);
	for (fd = 0; fd < 65536; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	printf("fds %d\n", n);
	return 0;
}

static int cwd(void)
{
	char path[4096];

	printf("cwd %s\n", getcwd(path, sizeof(path)) ? path : strerror(errno));
	return 0;
}

static int abstract(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || len > sizeof(un.sun_path) - 1)
		return 2;
	memcpy(un.sun_path + 1, name, len);
	if (connect(fd, (struct sockaddr *)&un,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)))
		printf("abstract: %s\n", strerror(errno));
	else
		printf("abstract: connected\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "loot"))
		return watch(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "trace"))
		return watch(NULL);
	if (argc == 3 && !strcmp(argv[1], "reach"))
		return reach(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "cwd"))
		return cwd();
	if (argc == 3 && !strcmp(argv[1], "abstract"))
		return abstract(argv[2]);
	return 2;
}
