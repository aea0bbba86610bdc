/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carries out the deeds of landlock.def, each in a process of its own, and writes a line "NAME
 * ERRNO" for each.
 *   deeds DIR FIRST-PORT OUTSIDE ABSTRACT OUT
 *   deeds wait
 * OUTSIDE: a process of the same user, which is under no rules, and listens on the third and fourth
 * port, the abstract socket and DIR/none/sock. OUT: the file to write, "-" is standard output.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir, *abstract;
static int first_port;
static pid_t outside;

/* A path below the directory; the last few stay valid. */
static const char *in(const char *path)
{
	static char text[4][512];
	static unsigned n;
	char *buf = text[n++ % 4];

	snprintf(buf, sizeof(text[0]), "%s/%s", dir, path);
	return buf;
}

/* A file of the outside process. */
static const char *of(const char *file)
{
	static char text[64];

	snprintf(text, sizeof(text), "/proc/%d/%s", (int)outside, file);
	return text;
}

static int result(int r)
{
	return r < 0 ? errno : 0;
}

static int opens(const char *path, int flags)
{
	return result(open(path, flags, 0600));
}

static int then_gone(int r, const char *path)
{
	int err = result(r);

	if (!err)
		err = result(unlink(path));
	return err;
}

static int creates(const char *path)
{
	return then_gone(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600), path);
}

/* There and back. */
static int moves(const char *from, const char *to)
{
	int err = result(rename(from, to));

	/* the way back may be refused: the file is made anew */
	if (!err && rename(to, from) < 0) {
		unlink(to);
		err = result(mknod(from, S_IFREG | 0600, 0));
	}
	return err;
}

static int links(const char *from, const char *to)
{
	return then_gone(link(from, to), to);
}

static int executes(const char *path)
{
	execl(path, path, NULL);
	return errno;
}

static int executes_fd(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 255;
	fexecve(fd, (char *[]){ "prog", NULL }, (char *[]){ NULL });
	return errno;
}

static int maps(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 255;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno
											 : 0;
}

static int controls(const char *path, unsigned long request)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 255;
	return result(ioctl(fd, (int)request, (char[256]){ 0 }));
}

static socklen_t unix_name(struct sockaddr_un *un, const char *name, int is_abstract)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strncpy(un->sun_path + is_abstract, name, sizeof(un->sun_path) - 2);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
}

static int binds_path(const char *path)
{
	struct sockaddr_un un;
	socklen_t n = unix_name(&un, path, 0);

	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, n);
}

static int connects_path(const char *path)
{
	struct sockaddr_un un;
	socklen_t n = unix_name(&un, path, 0);

	return result(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, n));
}

static int connects_abstract(int own)
{
	struct sockaddr_un un;
	char name[64];
	socklen_t n;
	int fd;

	snprintf(name, sizeof(name), "%s%s", abstract, own ? ".own" : "");
	n = unix_name(&un, name, 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (own && (bind(fd, (struct sockaddr *)&un, n) < 0 || listen(fd, 1) < 0))
		return 255;
	return result(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, n));
}

static struct sockaddr_in port(int i)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)(first_port + i)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int binds_port(int type, int i)
{
	struct sockaddr_in at = port(i);
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return result(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int connects_port(int i)
{
	struct sockaddr_in at = port(i);

	return result(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof(at)));
}

/* 0: a child of its own. */
static int traces(pid_t pid)
{
	pid_t child = 0;
	int err;

	if (!pid) {
		pid = child = fork();
		if (!child) {
			pause();
			_exit(0);
		}
	}
	err = result((int)ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return err;
}

static int mounts(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 254;
	return result(mount("none", "/proc", "tmpfs", 0, NULL));
}

static int run(const char *name, int (*deed)(void), FILE *out)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(deed());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status))
		fprintf(out, "%s %d\n", name, WEXITSTATUS(status));
	else
		fprintf(out, "%s signal %d\n", name, WTERMSIG(status));
	return fflush(out);
}

#define DEED(name, want, since, before, deed) \
	static int deed_##name(void)          \
	{                                     \
		return deed;                  \
	}
#include "landlock.def"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*deed)(void);
	} rows[] = {
#define DEED(name, ...) { #name, deed_##name },
#include "landlock.def"
	};
	FILE *out = stdout;

	/* to be attached to; executed by a deed */
	if (argc == 2)
		pause();
	if (argc < 6)
		return 0;
	dir = argv[1];
	first_port = atoi(argv[2]);
	outside = (pid_t)atoi(argv[3]);
	abstract = argv[4];
	if (strcmp(argv[5], "-") != 0)
		out = fopen(argv[5], "we");
	if (!out)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (run(rows[i].name, rows[i].deed, out) < 0)
			return 1;
	return 0;
}
