/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that tests/root/protections*.c run inside a container; static, and it needs
 * nothing of the rootfs.
 *
 *   inside walk DIR    every file below DIR (no links, no process directories) that opens
 *                      for writing: "w PATH"
 *   inside read F...   "PATH: data", "PATH: empty" or "PATH: errno N"; of a directory: whether it
 *   has entries inside write F... "PATH: opens" or "PATH: errno N" (nothing is written)
 *   inside push        TIOCSTI and TIOCLINUX into descriptors 0-2, after trying to make them the
 *                      controlling terminal, also by stealing them; with bits above the lower
 *                      32 of the request, too, which the kernel does not look at
 *   inside key NAME    id of the session keyring; whether a user key of that name is found
 *   inside userkey NAME  by each way to the user's keyrings: "WAY: ok" or "WAY: errno N"
 *   inside abstract NAME       tries to connect to the abstract socket NAME
 *   inside filter      "MODE FILTERS NO_NEW_PRIVS ERRNO" in one line: of /proc/self/status, and the
 *                      errno of mkdir("/")
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define KEYCTL_GET_KEYRING_ID 0
#define KEYCTL_LINK 8
#define KEYCTL_SEARCH 10
#define KEYCTL_READ 11
#define KEYCTL_GET_PERSISTENT 22
#define KEY_SPEC_PROCESS_KEYRING (-2)
#define KEY_SPEC_SESSION_KEYRING (-3)
#define KEY_SPEC_USER_KEYRING (-4)
#define KEY_SPEC_USER_SESSION_KEYRING (-5)
#define TIOCLINUX_PASTE 3

static unsigned long n_files;

static void walk(const char *dir, int depth)
{
	DIR *d = depth < 24 ? opendir(dir) : NULL;
	struct dirent *e;
	char path[4096];
	struct stat st;
	int fd;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (depth == 0 && isdigit((unsigned char)e->d_name[0]))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path) ||
		    lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			walk(path, depth + 1);
			continue;
		}
		if (!S_ISREG(st.st_mode))
			continue;
		n_files++;
		/* no handler behind it; it opens only for those who override modes */
		if (!(st.st_mode & 0222))
			continue;
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		printf("w %s\n", path);
		close(fd);
	}
	if (d)
		closedir(d);
}

static void read_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!d) {
		printf("%s: errno %d\n", path, errno);
		return;
	}
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	printf("%s: %s\n", path, n ? "data" : "empty");
}

static void read_path(const char *path)
{
	struct stat st;
	char byte;
	ssize_t n;
	int fd;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		read_dir(path);
		return;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, &byte, 1);
	if (n < 0 && errno != EAGAIN)
		printf("%s: errno %d\n", path, errno);
	else
		printf("%s: %s\n", path, n ? "data" : "empty");
	close(fd);
}

static void write_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		printf("%s: errno %d\n", path, errno);
	else
		printf("%s: opens\n", path);
	close(fd);
}

/* "fd N: sti ERRNO linux ERRNO", 0 for a call that succeeded. */
static void push(void)
{
	for (int fd = 0; fd < 3; fd++) {
		char paste = TIOCLINUX_PASTE;
		int sti, lin;

		ioctl(fd, TIOCSCTTY, 0);
		ioctl(fd, TIOCSCTTY, 1);
		sti = ioctl(fd, TIOCSTI, "x") ? errno : 0;
		lin = ioctl(fd, TIOCLINUX, &paste) ? errno : 0;
		printf("fd %d: sti %d linux %d\n", fd, sti, lin);
		for (int bit = 32; bit < 64; bit += 31) {
			unsigned long high = 1ul << bit;

			sti = syscall(SYS_ioctl, fd, high | TIOCSTI, "x") ? errno : 0;
			lin = syscall(SYS_ioctl, fd, high | TIOCLINUX, &paste) ? errno : 0;
			printf("bit %d of fd %d: sti %d linux %d\n", bit, fd, sti, lin);
		}
	}
}

static void key(const char *name)
{
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	long found = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);

	printf("session %ld\nkey %s\n", id, found >= 0 ? "found" : "not found");
}

static void said(const char *way, long r)
{
	if (r < 0)
		printf("%s: errno %d\n", way, errno);
	else
		printf("%s: ok\n", way);
}

static void userkey(const char *name)
{
	static const struct {
		const char *way;
		long keyring;
	} rings[] = { { "user", KEY_SPEC_USER_KEYRING },
		      { "user session", KEY_SPEC_USER_SESSION_KEYRING } };
	long found;
	char text[64];

	for (int i = 0; i < 2; i++) {
		printf("%s ", rings[i].way);
		said("id", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, rings[i].keyring, 0));
		printf("%s ", rings[i].way);
		found = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i].keyring, "user", name, 0);
		said("search", found);
		printf("%s ", rings[i].way);
		said("read", syscall(SYS_keyctl, KEYCTL_READ, found, text, sizeof(text)));
		printf("%s ", rings[i].way);
		said("link",
		     syscall(SYS_keyctl, KEYCTL_LINK, rings[i].keyring, KEY_SPEC_PROCESS_KEYRING));
		printf("%s ", rings[i].way);
		said("add", syscall(SYS_add_key, "user", "ct-test-from-inside", "x", 1L,
				    rings[i].keyring));
	}
	said("request", syscall(SYS_request_key, "user", name, NULL, 0L));
	said("persistent",
	     syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_PROCESS_KEYRING));
}

static void abstract(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));

	memcpy(a.sun_path + 1, name, strlen(name));
	printf("connect %d\n", connect(s, (struct sockaddr *)&a, len) ? errno : 0);
}

static void filter(void)
{
	int mode = -1, filters = -1, no_new_privs = -1;
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Seccomp: %d", &mode);
		sscanf(line, "Seccomp_filters: %d", &filters);
		sscanf(line, "NoNewPrivs: %d", &no_new_privs);
	}
	if (f)
		fclose(f);
	mkdir("/", 0755);
	printf("%d %d %d %d\n", mode, filters, no_new_privs, errno);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "filter")) {
		filter();
		return 0;
	}
	if (!strcmp(what, "push")) {
		push();
		return 0;
	}
	for (int i = 2; i < argc; i++) {
		if (!strcmp(what, "walk"))
			walk(argv[i], 0);
		else if (!strcmp(what, "read"))
			read_path(argv[i]);
		else if (!strcmp(what, "write"))
			write_path(argv[i]);
		else if (!strcmp(what, "key"))
			key(argv[i]);
		else if (!strcmp(what, "userkey"))
			userkey(argv[i]);
		else if (!strcmp(what, "abstract"))
			abstract(argv[i]);
		else
			return 2;
	}
	if (!strcmp(what, "walk"))
		printf("walked %lu files\n", n_files);
	return argc > 2 ? 0 : 2;
}
