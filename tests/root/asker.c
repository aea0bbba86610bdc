/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that tests/root/notify.c runs in a container whose filter notifies; static, and it
 * needs nothing of the rootfs.
 *
 *   asker three        mknod(2), mount(2) and connect(2), each with the number 1000 + N as last
 *                      argument but one; 0 if they gave 1000, EXDEV and 1002
 *   asker errno        the errno of mknod(2), 0 where it was let through
 *   asker value        what mknod(2) returned, as exit code
 *   asker fork         a child that calls mknod(2), and the same in the parent, at once; 0 if both
 *                      gave their own number
 *   asker twice        mknod(2), and once more after SIGUSR1; 0 if both gave their own number
 *   asker again        mknod(2), again while it is interrupted by SIGALRM: how often it was
 *   asker path TEXT    open(2) of the path TEXT; what read(2) of it gives is written to stdout
 *   asker edge         open(2) of a path of 10 characters behind which memory ends; the errno
 *   asker cwd          getcwd(2); 0 if it gave "/here"
 *   asker system       mknod(2); then waits for SIGTERM, which ends it, or SIGINT: a reboot
 *   asker none         ends at once
 */
#include <errno.h>
#include <fcntl.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static long ask_node(long number)
{
	return syscall(SYS_mknodat, AT_FDCWD, "/node", S_IFCHR | 0600, number);
}

static int three(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (ask_node(1000) != 1000)
		return 1;
	errno = 0;
	if (mount("none", "/", "tmpfs", 0, NULL) != -1 || errno != EXDEV)
		return 2;
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 1002 ? 0 : 3;
}

static int both(void)
{
	int status, child = fork();

	if (child == 0)
		_exit(ask_node(1) == 1 ? 0 : 1);
	if (ask_node(2) != 2 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static int twice(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ask_node(1) != 1 || sigwait(&set, &sig) != 0)
		return 1;
	return ask_node(2) == 2 ? 0 : 2;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static int interrupted(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	int n = 0;

	sigaction(SIGALRM, &act, NULL);
	while (ask_node(3) < 0 && errno == EINTR)
		n++;
	return n;
}

static void on_end(int sig)
{
	if (sig == SIGINT)
		reboot(RB_AUTOBOOT);
	_exit(0);
}

_Noreturn static void run_system(void)
{
	const struct sigaction act = { .sa_handler = on_end };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	ask_node(0);
	for (;;)
		pause();
}

/* A text that ends where memory ends, at the end of a page. */
static int edge(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || munmap(page + 4096, 4096) < 0)
		return 255;
	memset(page, 'x', 4096);
	return syscall(SYS_openat, AT_FDCWD, page + 4096 - 10, O_RDONLY) < 0 ? errno : 0;
}

static int get_directory(void)
{
	char text[64] = "";

	if (syscall(SYS_getcwd, text, sizeof(text)) != 6)
		return 1;
	return strcmp(text, "/here") != 0;
}

static int read_path(const char *path)
{
	char text[64];
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd < 0)
		return errno;
	if (n < 0 || write(1, text, (size_t)n) != n)
		return 255;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "none";

	if (!strcmp(what, "three"))
		return three();
	if (!strcmp(what, "errno"))
		return ask_node(0) < 0 ? errno : 0;
	if (!strcmp(what, "value"))
		return (int)ask_node(0);
	if (!strcmp(what, "fork"))
		return both();
	if (!strcmp(what, "twice"))
		return twice();
	if (!strcmp(what, "again"))
		return interrupted();
	if (!strcmp(what, "system"))
		run_system();
	if (!strcmp(what, "edge"))
		return edge();
	if (!strcmp(what, "cwd"))
		return get_directory();
	if (!strcmp(what, "path") && argc > 2)
		return read_path(argv[2]);
	return 0;
}
