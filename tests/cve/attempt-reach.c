/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts at other processes: those of the caller, of the library, and the first of the
 * container; their memory, descriptors, keys, sockets, terminals. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "attempt.h"

#define NR_PIDFD_OPEN 434
#define NR_PIDFD_GETFD 438
#define KEYCTL_GET_KEYRING_ID 0
#define KEYCTL_SEARCH 10
#define KEYCTL_GET_PERSISTENT 22
#define SPEC_SESSION (-3L)
#define SPEC_USER (-4L)
#define SPEC_USER_SESSION (-5L)
#define KEY "ct-cve-key" /* of the caller's: tests/cve/hostile-root.c */
#define PASTE 3

/* ---- the first process ----------------------------------------------------------------------- */

static int trace_init(void)
{
	int r = (int)ptrace(PTRACE_SEIZE, 1, 0, 0);

	return attempt_errno(r);
}

static int memory_of_init(void)
{
	return attempt_writable("/proc/1/mem");
}

/* What pid 1 executes can be no file of the host's: nothing that opens for writing. */
static int program_of_init(void)
{
	int err = attempt_writable("/proc/1/exe");

	/* the payload itself, where that is pid 1, is busy */
	return err;
}

/* A descriptor of pid 1 that is a file or a directory, or on anything but the container's own. */
static int files_of_init(void)
{
	int pidfd = (int)syscall(NR_PIDFD_OPEN, 1, 0), err = ENOENT;
	struct stat st;

	if (pidfd < 0)
		return errno;
	for (int fd = 3; fd < 256; fd++) {
		int got = (int)syscall(NR_PIDFD_GETFD, pidfd, fd, 0);

		if (got < 0 && errno != EBADF)
			err = errno;
		if (got >= 0 && (fstat(got, &st) || !S_ISSOCK(st.st_mode)))
			return 0;
	}
	return err;
}

/* Its sockets: the small init keeps that to the keeper. */
static int sockets_of_init(void)
{
	int pidfd = (int)syscall(NR_PIDFD_OPEN, 1, 0), err = ENOENT;

	if (pidfd < 0)
		return errno;
	for (int fd = 3; fd < 256; fd++) {
		int got = (int)syscall(NR_PIDFD_GETFD, pidfd, fd, 0);

		if (got >= 0)
			return 0;
		if (errno != EBADF)
			err = errno;
	}
	return err;
}

/* ---- everybody ------------------------------------------------------------------------------- */

/* Whether the file holds the word that the caller has in its memory and environment. */
static int holds(const char *path, const char *word)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(text, (size_t)n, word, strlen(word));
}

/* Of all processes that are shown, whether `test` says of /proc/PID that it is the caller's. */
static int any_process(int (*test)(const char *dir))
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300];
	int seen = 0;

	if (!d)
		return errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		seen++;
		snprintf(path, sizeof(path), "/proc/%s", e->d_name);
		if (test(path))
			return 0;
	}
	closedir(d);
	return seen ? ESRCH : ENOENT;
}

static int in_environment(const char *dir)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/environ", dir);
	return holds(path, "CT_CVE_SECRET");
}

static int callers_environment(void)
{
	return any_process(in_environment);
}

/* A program or library of another file system than those of the container: its mounts are "/", and
 * what is mounted below. The stage is a file without a name. */
static int from_outside(const char *dir)
{
	static char text[1 << 20];
	char path[320];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/maps", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strstr(text, "libcontain") || strstr(text, "cve-") || strstr(text, "libc.so");
}

static int callers_memory(void)
{
	return any_process(from_outside);
}

static int root_outside(const char *dir)
{
	char path[320], to[512];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "%s/root", dir);
	if (stat("/", &ours) || stat(path, &theirs))
		return 0;
	if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		return 1;
	snprintf(path, sizeof(path), "%s/cwd", dir);
	return readlink(path, to, sizeof(to)) > 0 && !strncmp(to, "(unreachable)", 13);
}

static int others_root(void)
{
	return any_process(root_outside);
}

/* A descriptor of any process, ours too, that is a directory or file outside of the mounts that we
 * have: the kernel names it "(unreachable)", or its device is none of ours. */
static int fd_outside(const char *dir)
{
	char path[320], link[600], to[512];
	struct dirent *e;
	int found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/fd", dir);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		ssize_t n;

		snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		found = strstr(to, "/outside") || !strncmp(to, "(unreachable)", 13);
	}
	if (d)
		closedir(d);
	return found;
}

static int others_files(void)
{
	return any_process(fd_outside);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int key_in(long ring)
{
	return attempt_errno(syscall(SYS_keyctl, KEYCTL_SEARCH, ring, "user", KEY, 0));
}

static int key_session(void)
{
	return key_in(SPEC_SESSION);
}

static int key_user(void)
{
	return key_in(SPEC_USER);
}

static int key_user_session(void)
{
	return key_in(SPEC_USER_SESSION);
}

static int key_persistent(void)
{
	/* who has it has what all processes of this user keep there */
	return attempt_errno(syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1L, SPEC_SESSION));
}

static int key_list(void)
{
	return holds("/proc/keys", KEY) ? 0 : ENOENT;
}

/* ---- files by events ------------------------------------------------------------------------- */

/* Marks the whole file system that the root is of; who touches a file of it, also outside of the
 * container, has it given to us as a descriptor. The caller touches one until we say so. */
static int watch_file_system(void)
{
	int fd = (int)syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	struct fanotify_event_metadata event;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char link[64], to[512] = "";

	if (fd < 0)
		return errno;
	if (syscall(SYS_fanotify_mark, fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, (uint64_t)FAN_OPEN,
		    AT_FDCWD, "/"))
		return errno;
	for (int i = 0; i < 200 && poll(&wait, 1, 1000) == 1; i++) {
		if (read(fd, &event, sizeof(event)) != sizeof(event))
			return errno;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", event.fd);
		if (readlink(link, to, sizeof(to) - 1) > 0 && strstr(to, "touched-by-the-caller"))
			return 0;
		close(event.fd);
	}
	return ENOENT;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int families(void)
{
	/* unix, inet, inet6, netlink, packet and xdp are the container's own network's */
	static const int harmless[] = { 0, 1, 2, 10, 16, 17, 44 };
	int opened = 0;

	for (int family = 0; family < 64; family++) {
		int own = 0;

		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			own |= family == harmless[i];
		for (int type = 1; type <= 5 && !own; type++) {
			int fd = socket(family, type, 0);

			if (fd < 0)
				continue;
			close(fd);
			opened = family;
		}
	}
	return opened ? 0 : EAFNOSUPPORT;
}

static int vsock(void)
{
	return attempt_errno(socket(40, SOCK_STREAM, 0));
}

static int vsock_high(void)
{
	return attempt_errno(syscall(SYS_socket, 0x100000028ul, SOCK_STREAM, 0));
}

static int audit(void)
{
	/* AUDIT_GET; the kernel answers who may ask */
	struct {
		uint32_t len;
		uint16_t type, flags;
		uint32_t seq, pid;
	} get = { 16, 1000, 5, 1, 0 };
	char answer[256];
	int fd = socket(AF_NETLINK, SOCK_RAW, 9), err;

	if (fd < 0)
		return errno;
	if (send(fd, &get, sizeof(get), 0) < 0)
		return errno;
	if (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 20)
		return errno ? errno : EPROTO;
	memcpy(&err, answer + 16, sizeof(err));
	return answer[4] == 2 && err ? -err : 0;
}

/* ---- terminals, on descriptor 0 -------------------------------------------------------------- */

static int push(void)
{
	return attempt_errno(ioctl(0, TIOCSTI, "x"));
}

static int push_high(void)
{
	return attempt_errno(syscall(SYS_ioctl, 0, 0x100000000ul | TIOCSTI, "x"));
}

static int push_higher(void)
{
	return attempt_errno(syscall(SYS_ioctl, 0, 0xffffffff00000000ul | TIOCSTI, "x"));
}

static int paste(void)
{
	char what = PASTE;

	return attempt_errno(ioctl(0, TIOCLINUX, &what));
}

static int paste_high(void)
{
	char what = PASTE;

	return attempt_errno(syscall(SYS_ioctl, 0, 0x7fffffff00000000ul | TIOCLINUX, &what));
}

/* Makes it our controlling terminal, taken from another session if need be. */
static int steal(void)
{
	setsid();
	return attempt_errno(ioctl(0, TIOCSCTTY, 1));
}

/* As steal(), then a push into what is ours by now. */
static int steal_and_push(void)
{
	setsid();
	if (ioctl(0, TIOCSCTTY, 1) && ioctl(0, TIOCSCTTY, 0))
		return errno;
	return push();
}

/* The machine's console messages go to this terminal. */
static int console_to(void)
{
	return attempt_errno(ioctl(0, TIOCCONS));
}

/* Terminal 0 of the host, by its number: lies in another devpts. */
static int host_pts(void)
{
	return attempt_device(S_IFCHR, 136, 0);
}

const struct attempt attempt_reach[] = {
	{ "ptrace-init", trace_init },
	{ "write-memory-of-init", memory_of_init },
	{ "write-program-of-init", program_of_init },
	{ "take-files-of-init", files_of_init },
	{ "take-sockets-of-init", sockets_of_init },
	{ "callers-environment", callers_environment },
	{ "callers-memory", callers_memory },
	{ "root-outside", others_root },
	{ "descriptor-outside", others_files },
	{ "key-of-session", key_session },
	{ "key-of-user", key_user },
	{ "key-of-user-session", key_user_session },
	{ "key-persistent", key_persistent },
	{ "key-in-proc", key_list },
	{ "fanotify-file-system", watch_file_system },
	{ "socket-families", families },
	{ "vsock", vsock },
	{ "vsock-high-bits", vsock_high },
	{ "audit", audit },
	{ NULL, NULL },
};

const struct attempt attempt_terminal[] = {
	{ "tiocsti", push },
	{ "tiocsti-high-bits", push_high },
	{ "tiocsti-highest-bits", push_higher },
	{ "tioclinux", paste },
	{ "tioclinux-high-bits", paste_high },
	{ "steal-terminal", steal },
	{ "steal-and-push", steal_and_push },
	{ "tioccons", console_to },
	{ "pts-of-host", host_pts },
	{ NULL, NULL },
};
