/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "leak.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* One aspect of a process: its name and how it is written down, one fact a line. */
struct aspect {
	const char *name;
	void (*write)(FILE *out);
	unsigned skip; /* LEAK_NO_* that leaves it out */
	int more_only; /* what is gone is none of our business */
};

static int by_number(const struct dirent **a, const struct dirent **b)
{
	size_t la = strlen((*a)->d_name), lb = strlen((*b)->d_name);

	return la != lb ? (la < lb ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

static int numeric(const struct dirent *e)
{
	return e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

static void write_fds(FILE *out)
{
	struct dirent **list = NULL;
	int i, n = scandir("/proc/self/fd", &list, numeric, by_number);

	for (i = 0; i < n; i++) {
		char path[300], target[300];
		int fd = atoi(list[i]->d_name);
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		free(list[i]);
		/* the directory that was listed is closed again */
		if (len < 0 || fd == fileno(out))
			continue;
		target[len] = 0;
		fprintf(out, "%d -> %s, flags %d\n", fd, target, fcntl(fd, F_GETFD));
	}
	free(list);
}

static void copy_file(FILE *out, const char *path)
{
	char buf[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, out);
	if (f)
		fclose(f);
}

static void write_tasks(FILE *out, const char *what)
{
	struct dirent **list = NULL;
	int i, n = scandir("/proc/self/task", &list, numeric, by_number);

	for (i = 0; i < n; i++) {
		char path[300];

		if (what) {
			snprintf(path, sizeof(path), "/proc/self/task/%s/%s", list[i]->d_name,
				 what);
			copy_file(out, path);
		} else {
			fprintf(out, "%s\n", list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
}

static void write_children(FILE *out)
{
	write_tasks(out, "children");
}

static void write_threads(FILE *out)
{
	write_tasks(out, NULL);
}

static void write_signals(FILE *out)
{
	struct sigaction sa;
	int sig;

	for (sig = 1; sig <= 64; sig++) {
		if (sigaction(sig, NULL, &sa) == 0)
			fprintf(out, "%d: %p flags %x\n", sig, (void *)sa.sa_handler,
				(unsigned)sa.sa_flags);
	}
}

/* The lines of /proc/thread-self/status that say how we stand, not what we used. */
static void write_status(FILE *out)
{
	static const char *const keep[] = { "Name:",
					    "Umask:",
					    "Uid:",
					    "Gid:",
					    "Groups:",
					    "SigQ:",
					    "SigPnd:",
					    "ShdPnd:",
					    "SigBlk:",
					    "SigIgn:",
					    "SigCgt:",
					    "CapInh:",
					    "CapPrm:",
					    "CapEff:",
					    "CapBnd:",
					    "CapAmb:",
					    "NoNewPrivs:",
					    "Seccomp:",
					    "Seccomp_filters:",
					    "Cpus_allowed:",
					    "TracerPid:",
					    "NSpid:" };
	char line[1024];
	FILE *f = fopen("/proc/thread-self/status", "re");
	size_t i;

	while (f && fgets(line, sizeof(line), f)) {
		for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
			if (!strncmp(line, keep[i], strlen(keep[i])) &&
			    strcmp(keep[i], "SigQ:") != 0)
				fputs(line, out);
		}
	}
	if (f)
		fclose(f);
}

static void write_place(FILE *out)
{
	static const char *const names[] = { "cwd",
					     "root",
					     "exe",
					     "ns/mnt",
					     "ns/pid",
					     "ns/pid_for_children",
					     "ns/uts",
					     "ns/ipc",
					     "ns/user",
					     "ns/net",
					     "ns/cgroup",
					     "ns/time",
					     "ns/time_for_children" };
	char path[64], target[4096];
	ssize_t len;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/thread-self/%s", names[i]);
		len = readlink(path, target, sizeof(target) - 1);
		fprintf(out, "%s: %.*s\n", names[i], len < 0 ? 0 : (int)len, target);
	}
}

static void write_environ(FILE *out)
{
	char **e;

	fprintf(out, "environ at %p\n", (void *)environ);
	for (e = environ; e && *e; e++)
		fprintf(out, "%p %s\n", (void *)*e, *e);
}

static void write_limits(FILE *out)
{
	struct rlimit r;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		if (getrlimit((__rlimit_resource_t)i, &r) == 0)
			fprintf(out, "%d: %llu %llu\n", i, (unsigned long long)r.rlim_cur,
				(unsigned long long)r.rlim_max);
	}
}

static void write_flags(FILE *out)
{
	int subreaper = -1, death = -1;

	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	fprintf(out, "subreaper %d\ndeath signal %d\ndumpable %d\nkeepcaps %d\ntimerslack %d\n",
		subreaper, death, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
		prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	fprintf(out, "session %d, group %d, nice %d\n", (int)getsid(0), (int)getpgrp(),
		getpriority(PRIO_PROCESS, 0));
	fputs("oom_score_adj ", out);
	copy_file(out, "/proc/self/oom_score_adj");
	fputs("personality ", out);
	copy_file(out, "/proc/self/personality");
}

/* See leak.h. */
char *leak_places(pid_t pid)
{
	char path[64], line[4352], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size), *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "re");
	while (out && f && fgets(line, sizeof(line), f))
		if (strcmp(line, "0::/\n") != 0)
			fputs(line, out);
	if (f)
		fclose(f);
	if (!out || fclose(out) || !f) {
		free(text);
		return NULL;
	}
	return text;
}

static void write_cgroup(FILE *out)
{
	char *places = leak_places(getpid());

	fputs(places ? places : "unknown\n", out);
	free(places);
}

/* ---- groups of containers, in any hierarchy -------------------------------------------------- */

#define GROUP_DEPTH 4

/* Those that say whose they are: other tests run beside this one, and what detached containers of
 * any of them leave is looked for at the end of the whole run (runner/leaks.py). */
static void write_groups_below(FILE *out, const char *dir, const char *mine, int depth)
{
	char path[2048];
	struct dirent *e;
	DIR *d = depth ? opendir(dir) : NULL;

	while (d && (e = readdir(d))) {
		struct stat st;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.1700s/%.255s", dir, e->d_name);
		if (strstr(e->d_name, mine))
			fprintf(out, "%s, inode %llu\n", path,
				stat(path, &st) ? 0ull : (unsigned long long)st.st_ino);
		else
			write_groups_below(out, path, mine, depth - 1);
	}
	if (d)
		closedir(d);
}

static void write_groups(FILE *out)
{
	char line[2048], mount[1024], mine[64];
	struct stat st;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	/* the mark of groups that belong to a caller: lib/backend/cgroup/owner.c */
	snprintf(mine, sizeof(mine), "@%llx.%x.",
		 stat("/proc/self/ns/pid", &st) ? 0ull : (unsigned long long)st.st_ino,
		 (unsigned)getpid());
	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, " - cgroup") && sscanf(line, "%*s %*s %*s %*s %1023s", mount) == 1)
			write_groups_below(out, mount, mine, GROUP_DEPTH);
	}
	if (f)
		fclose(f);
}
static void write_mounts(FILE *out)
{
	copy_file(out, "/proc/self/mountinfo");
}

static void write_locks(FILE *out)
{
	char line[512], mine[32];
	FILE *f = fopen("/proc/locks", "re");

	snprintf(mine, sizeof(mine), " %d ", (int)getpid());
	while (f && fgets(line, sizeof(line), f)) {
		char *from = strchr(line, ':'); /* the number before it is only the line's */

		if (from && strstr(line, mine))
			fputs(from + 1, out);
	}
	if (f)
		fclose(f);
}

static const struct aspect aspects[] = {
	{ "descriptors", write_fds, LEAK_NO_FDS },
	{ "children", write_children, 0 },
	{ "threads", write_threads, 0 },
	{ "signal dispositions", write_signals, 0 },
	{ "status", write_status, 0 },
	{ "place", write_place, 0 },
	{ "environment", write_environ, 0 },
	{ "limits", write_limits, 0 },
	{ "flags", write_flags, 0 },
	{ "cgroup", write_cgroup, 0 },
	{ "groups", write_groups, 0, 1 },
	{ "locks", write_locks, 0 },
	{ "mounts", write_mounts, LEAK_NO_MOUNTS },
};
#define N_ASPECTS (sizeof(aspects) / sizeof(aspects[0]))
#define RSS_ALLOWED_KIB 1024

struct leak {
	char *text[N_ASPECTS];
	long rss_kib;
};

long leak_rss_kib(void)
{
	static const char *const counted[] = { "RssAnon:", "RssShmem:", "VmSwap:" };
	long total = 0, kib;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
			if (!strncmp(line, counted[i], strlen(counted[i])) &&
			    sscanf(strchr(line, ':'), ": %ld", &kib) == 1)
				total += kib;
	if (f)
		fclose(f);
	return total;
}

static char *take_one(const struct aspect *a)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	a->write(out);
	if (fclose(out))
		abort();
	return text;
}

struct leak *leak_take(void)
{
	struct leak *l = calloc(1, sizeof(*l));
	size_t i;

	if (!l)
		abort();
	for (i = 0; i < N_ASPECTS; i++)
		l->text[i] = take_one(&aspects[i]);
	l->rss_kib = leak_rss_kib();
	return l;
}

void leak_free(struct leak *l)
{
	size_t i;

	for (i = 0; l && i < N_ASPECTS; i++)
		free(l->text[i]);
	free(l);
}

/* Prints the lines of `text` that `other` has not. */
static void print_missing(FILE *out, const char *sign, const char *text, const char *other)
{
	const char *line, *end, *at;
	size_t len;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		len = (size_t)(end - line);
		for (at = other; *at; at = strchrnul(at, '\n'), at += *at == '\n') {
			if (!strncmp(at, line, len) && (at[len] == '\n' || !at[len]))
				break;
		}
		if (!*at)
			fprintf(out, "  %s %.*s\n", sign, (int)len, line);
	}
}

/* Is a line in `text` that `other` has not? */
static int has_more(const char *text, const char *other)
{
	char *missing = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&missing, &size);

	if (!out)
		abort();
	print_missing(out, "+", text, other);
	fclose(out);
	free(missing);
	return size != 0;
}

static int compare_once(const struct leak *before, unsigned flags, char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");
	int n = 0;
	long grown;
	size_t i;

	if (!out)
		abort();
	for (i = 0; i < N_ASPECTS; i++) {
		char *now;

		if (aspects[i].skip & flags)
			continue;
		/* the report's own stream is a memory stream: no descriptor */
		now = take_one(&aspects[i]);
		if (aspects[i].more_only ? has_more(now, before->text[i])
					 : strcmp(now, before->text[i]) != 0) {
			n++;
			fprintf(out, " %s:\n", aspects[i].name);
			print_missing(out, "-", before->text[i], now);
			print_missing(out, "+", now, before->text[i]);
		}
		free(now);
	}
	grown = leak_rss_kib() - before->rss_kib;
	if (!(flags & LEAK_NO_RSS) && grown > RSS_ALLOWED_KIB && !getenv("CT_SANITIZED")) {
		n++;
		fprintf(out, " resident memory grew by %ld KiB\n", grown);
	}
	fclose(out);
	if (size)
		buf[size - 1] = 0;
	return n;
}

int leak_compare(const struct leak *before, unsigned flags, char *buf, size_t size)
{
	int i, n = 0;

	for (i = 0; i < 20; i++) {
		memset(buf, 0, size);
		n = compare_once(before, flags, buf, size);
		if (!n)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return n;
}

int leak_own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	return 0;
}

int leak_end(struct leak *before, unsigned flags)
{
	char text[4096];
	int n = leak_compare(before, flags, text, sizeof(text));

	leak_free(before);
	if (n)
		fprintf(stderr, "# the caller was touched:\n%s\n", text);
	return n;
}
