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
/* The initial time namespace has had this number since there are any (5.6). */
#define INIT_TIME_NS "time:[4026531834]"

static uint64_t own_pidns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* Start times are shifted in a time namespace: they mean nothing to others then. */
static bool usual_clock(void)
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
	/* start 0: nobody clears it by its name */
	snprintf(buf, CT_OWNER_PROCESS, "@%" PRIx64 ".%x.%" PRIx64, own_pidns(), (unsigned)getpid(),
		 usual_clock() ? ct_proc_start_time(getpid()) : 0);
}

void ct_owner_mark(char buf[CT_OWNER_MARK], const char *process)
{
	/* two threads may look at the clock in the same nanosecond */
	snprintf(buf, CT_OWNER_MARK, "%s.%" PRIx64 ".%x", process, ct_now_ns(CLOCK_MONOTONIC),
		 (unsigned)syscall(SYS_gettid));
}

/* The mark's numbers. */
static bool read_mark(const char *name, uint64_t part[PARTS])
{
	const char *p = strrchr(name, '@');

	for (int i = 0; i < PARTS; i++) {
		size_t n = p ? strspn(p + 1, "0123456789abcdef") : 0;

		if (!n || n > 16 || p[n + 1] != (i < PARTS - 1 ? '.' : '\0') ||
		    ct_parse_hex(p + 1, (unsigned)n, &part[i]))
			return false;
		p += n + 1;
	}
	return true;
}

bool ct_owner_is_dead(const char *name, struct ct_owner_cache *cache)
{
	uint64_t part[PARTS], start;

	if (!read_mark(name, part) || !part[1] || !part[2] || part[1] > INT32_MAX)
		return false;
	if (!cache->pidns)
		cache->pidns = usual_clock() ? own_pidns() : UINT64_MAX;
	if (part[0] != cache->pidns)
		return false;
	if (part[1] == cache->pid && part[2] == cache->start)
		return cache->dead;
	cache->pid = part[1];
	cache->start = part[2];
	start = ct_proc_start_time((pid_t)part[1]);
	/* one that cannot be read, for want of a descriptor, say, is not gone for that */
	cache->dead = start ? start != part[2] : kill((pid_t)part[1], 0) < 0 && errno == ESRCH;
	return cache->dead;
}
