/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/cgroup/owner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"

#define PARTS 5 /* PIDNS, PID, START, TIME, TID */
/* The inode number of the initial time namespace, the same on all kernels (since 5.6). */
#define INIT_TIME_NS "time:[4026531834]"

/* The number of the caller's pid namespace; 0: it is not known. */
static uint64_t own_pidns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return 0;
	return st.st_ino;
}

/* Whether the caller is in the initial time namespace. In another one start times are shifted, and
 * processes outside of it cannot compare them. */
static bool has_initial_clock(void)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/time", link, sizeof(link) - 1);

	if (n < 0)
		return errno == ENOENT;
	link[n] = '\0';
	return !strcmp(link, INIT_TIME_NS);
}

void ct_owner_process(char buf[CT_OWNER_PROCESS])
{
	uint64_t start = 0;

	/* with 0 no process removes the cgroup because of its mark */
	if (has_initial_clock())
		start = ct_proc_start_time(getpid());
	snprintf(buf, CT_OWNER_PROCESS, "@%" PRIx64 ".%x.%" PRIx64, own_pidns(), (unsigned)getpid(),
		 start);
}

void ct_owner_mark(char buf[CT_OWNER_MARK], const char *process)
{
	/* two threads may read the clock in the same nanosecond */
	snprintf(buf, CT_OWNER_MARK, "%s.%" PRIx64 ".%x", process, ct_now_ns(CLOCK_MONOTONIC),
		 (unsigned)syscall(SYS_gettid));
}

/* The numbers of the mark at the end of a name. False: it has no mark. */
static bool read_mark(const char *name, uint64_t part[PARTS])
{
	const char *p = strrchr(name, '@');

	if (!p)
		return false;
	for (int i = 0; i < PARTS; i++) {
		size_t n = strspn(p + 1, "0123456789abcdef");
		char end = '.';

		if (i == PARTS - 1)
			end = '\0';
		if (!n || n > 16 || p[n + 1] != end || ct_parse_hex(p + 1, (unsigned)n, &part[i]))
			return false;
		p += n + 1;
	}
	return true;
}

/* Whether the process with this start time has ended. */
static bool has_ended(pid_t pid, uint64_t start)
{
	uint64_t now = ct_proc_start_time(pid);

	if (now)
		return now != start;
	/* its file could not be read, perhaps only because there are no descriptors left */
	return kill(pid, 0) < 0 && errno == ESRCH;
}

bool ct_owner_is_dead(const char *name, struct ct_owner_cache *cache)
{
	uint64_t part[PARTS];

	if (!read_mark(name, part) || !part[1] || !part[2] || part[1] > INT32_MAX)
		return false;
	if (!cache->pidns) {
		cache->pidns = UINT64_MAX;
		if (has_initial_clock())
			cache->pidns = own_pidns();
	}
	if (part[0] != cache->pidns)
		return false;
	if (part[1] == cache->pid && part[2] == cache->start)
		return cache->dead;
	cache->pid = part[1];
	cache->start = part[2];
	cache->dead = has_ended((pid_t)part[1], part[2]);
	return cache->dead;
}
