/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inside.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters.h"
#include "options.h"

#define MAX_ADDRESSES 4096

/* ---- addresses ------------------------------------------------------------------------------- */

static bool fill_address(const struct ifaddrs *i, struct address *a)
{
	const struct sockaddr_in *v4 = (const void *)i->ifa_addr;
	const struct sockaddr_in6 *v6 = (const void *)i->ifa_addr;

	*a = (struct address){ 0 };
	snprintf(a->name, sizeof(a->name), "%s", i->ifa_name);
	if (!i->ifa_addr)
		return false;
	/* every interface has one of these */
	if (i->ifa_addr->sa_family == AF_PACKET)
		return true;
	a->family = i->ifa_addr->sa_family;
	if (a->family == AF_INET)
		return inet_ntop(AF_INET, &v4->sin_addr, a->text, sizeof(a->text));
	if (a->family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		return inet_ntop(AF_INET6, &v6->sin6_addr, a->text, sizeof(a->text));
	return false;
}

/* Body of the child: enters the namespace and writes one record per interface and address. */
static int write_addresses(int pidfd, int out)
{
	struct ifaddrs *list;
	struct address a;

	if (setns(pidfd, CLONE_NEWNET) < 0 && setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return errno;
	if (getifaddrs(&list) < 0)
		return errno;
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		if (fill_address(i, &a) && write(out, &a, sizeof(a)) != (ssize_t)sizeof(a))
			return EIO;
	freeifaddrs(list);
	return 0;
}

static int read_addresses(int in, struct addresses *out)
{
	struct address a;
	ssize_t n;

	/* a record is smaller than PIPE_BUF, so it is read as a whole */
	while ((n = read(in, &a, sizeof(a))) > 0) {
		struct address *v;

		if (n != (ssize_t)sizeof(a) || out->n == MAX_ADDRESSES)
			return -EPROTO;
		v = reallocarray(out->v, out->n + 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		out->v = v;
		v[out->n++] = a;
	}
	if (n < 0)
		return -errno;
	return 0;
}

int addresses_of(int pidfd, struct addresses *out)
{
	int end[2], err, status;
	pid_t child;

	*out = (struct addresses){ 0 };
	if (pipe2(end, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		close(end[0]);
		_exit(write_addresses(pidfd, end[1]));
	}
	close(end[1]);
	if (child < 0)
		err = -errno;
	else
		err = read_addresses(end[0], out);
	close(end[0]);
	if (child > 0 && waitpid(child, &status, 0) == child && !err) {
		err = -ECHILD;
		if (WIFEXITED(status))
			err = -WEXITSTATUS(status);
	}
	if (err) {
		free(out->v);
		*out = (struct addresses){ 0 };
	}
	return err;
}

/* ---- usage ----------------------------------------------------------------------------------- */

struct sum {
	uint64_t tasks;
	uint64_t cpu_us;    /* of living processes and of those that they have waited for */
	uint64_t ram, swap; /* proportional set size, bytes */
};

/* First number of the line that begins with `key`; 0 when there is none. */
static uint64_t field(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (p += strlen(key); *p == ' ' || *p == '\t';)
		p++;
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

static bool read_file(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* utime, stime, cutime and cstime, fields 14 to 17 of /proc/PID/stat, and the number of threads,
 * field 20, counted after the name in parentheses. */
static void add_stat(const char *stat, struct sum *u)
{
	const char *p = strrchr(stat, ')');
	uint64_t ticks = 0, threads = 1;

	for (int i = 2; p && i < 20; i++) {
		p = strchr(p + 1, ' ');
		if (p && i >= 13 && i < 17)
			ticks += field(p, " ");
		else if (p && i == 19)
			threads = field(p, " ");
	}
	u->cpu_us += ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	u->tasks += threads;
}

static void add_process(int dir, struct sum *u)
{
	char buf[4096];

	if (read_file(dir, "stat", buf, sizeof(buf)))
		add_stat(buf, u);
	if (read_file(dir, "smaps_rollup", buf, sizeof(buf))) {
		u->ram += field(buf, "\nPss:") * 1024;
		u->swap += field(buf, "\nSwapPss:") * 1024;
	}
}

static bool same_namespace(int proc, const char *pid, const char *ns)
{
	char path[280], link[64]; /* a name of a directory and the rest */
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ns/pid", pid);
	n = readlinkat(proc, path, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = '\0';
	return !strcmp(link, ns);
}

/* Sums over the processes in the pid namespace of `init`. 0 or a negative errno. */
static int sum_processes(pid_t init, struct sum *out)
{
	char ns[64], path[64];
	struct dirent *e;
	struct sum u = { 0 };
	unsigned long pid;
	ssize_t n;
	DIR *proc;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	n = readlink(path, ns, sizeof(ns) - 1);
	if (n < 0)
		return -errno;
	ns[n] = '\0';
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	/* it is ours, too: which processes are the container's is not known */
	if (same_namespace(dirfd(proc), "self", ns)) {
		closedir(proc);
		return -EXDEV;
	}
	while ((e = readdir(proc))) {
		int dir;

		if (number(e->d_name, 1u << 30, &pid) ||
		    !same_namespace(dirfd(proc), e->d_name, ns))
			continue;
		dir = openat(dirfd(proc), e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			continue;
		add_process(dir, &u);
		close(dir);
	}
	closedir(proc);
	*out = u;
	return 0;
}

int use_of(ct_container *c, pid_t init, ct_usage *out)
{
	ct_usage u = CT_USAGE_INIT;
	struct sum sum = { 0 };
	int none, err;

	none = ct_stats(c, &u);
	if (none == -EOPNOTSUPP)
		counters_clear(&u);
	else if (none < 0)
		return none;
	if (u.memory == CT_ABSENT || u.cpu_us == CT_ABSENT || u.pids == CT_ABSENT) {
		err = sum_processes(init, &sum);
		if (err < 0 && none < 0)
			return err;
		if (!err && u.memory == CT_ABSENT) {
			u.memory = sum.ram;
			u.swap = sum.swap;
		}
		if (!err && u.cpu_us == CT_ABSENT)
			u.cpu_us = sum.cpu_us;
		if (!err && u.pids == CT_ABSENT)
			u.pids = sum.tasks;
	}
	*out = u;
	return 0;
}
