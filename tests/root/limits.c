/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits limit: memory, processes, processor time, processors, block devices, devices; the verdict
 * names the limit that ended a container, and the figures are what was used. What this host's
 * layout has not is seen where it has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup-help.h"

#define LIMIT "32M"
#define LIMIT_BYTES (32 * MIB)
#define SLACK (MIB / 2) /* what the kernel takes for itself when it must not fail */
#define EACH "2600000"	/* twenty of these pass the limit, none does by itself */

static int setup(void **state)
{
	(void)state;
	return cgroup_case_setup("lim", NULL);
}

static void set(const char *key, const char *value)
{
	assert_ok(box.c, ct_set_config(box.c, key, value));
}

/* Runs it, where the limit is to be had. */
static ct_exit run_here(const char *const argv[], char **out)
{
	ct_exit ex = CT_EXIT_INIT;
	int r = box_run(box.c, NULL, argv, out, &ex);

	if (r == -EOPNOTSUPP)
		elsewhere_because("%s", ct_last_error(box.c)->message);
	assert_ok(box.c, r);
	return ex;
}

static ct_usage stats(void)
{
	ct_usage u = CT_USAGE_INIT;

	assert_ok(box.c, ct_stats(box.c, &u));
	return u;
}

static void assert_reason(const ct_exit *ex, int reason, const char *out)
{
	if (ex->reason != reason)
		fail_msg("reason %d, not %d: code %d, signal %d, %llu oom kills, pids peak %llu; "
			 "it said: %s",
			 ex->reason, reason, ex->code, ex->signal,
			 (unsigned long long)ex->oom_kills, (unsigned long long)ex->pids_peak,
			 out ? out : "");
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_tree(void **state)
{
	char *out = NULL;
	ct_exit ex;

	(void)state;
	set("limit.memory", LIMIT);
	ex = run_here(ARGV("/bin/probe", "tree", "20", EACH, "0"), &out);
	assert_reason(&ex, CT_EXIT_MEMORY, out);
	assert_int_equal(ex.code, 0);
	assert_true(ex.oom_kills >= 1 && ex.oom_kills <= 20);
	if (ex.memory_peak != CT_ABSENT)
		assert_in_range(ex.memory_peak, LIMIT_BYTES / 2, LIMIT_BYTES + SLACK);
	free(out);
	/* one that stays below is not harmed */
	ex = run_here(ARGV("/bin/probe", "tree", "4", EACH, "7"), &out);
	assert_reason(&ex, CT_EXIT_EXITED, out);
	assert_int_equal(ex.code, 7);
	assert_int_equal(ex.oom_kills, 0);
	free(out);
}

static void memory_tmpfs(void **state)
{
	char *out = NULL;
	ct_exit ex;

	(void)state;
	set("limit.memory", LIMIT);
	set("mount.entry", "tmpfs mnt tmpfs size=200m 0 0");
	ex = run_here(ARGV("/bin/probe", "fill", "/mnt/file", "80000000"), &out);
	assert_reason(&ex, CT_EXIT_MEMORY, out);
	assert_int_equal(ex.signal, SIGKILL);
	free(out);
	ex = run_here(ARGV("/bin/probe", "map", "/mnt/shared", "80000000"), &out);
	assert_reason(&ex, CT_EXIT_MEMORY, out);
	free(out);
}

/* The pages of a file on a disk count, and go when there is no more room. */
static void memory_cache(void **state)
{
	struct talk t;
	struct statfs fs;
	ct_usage u;
	ct_exit ex;

	(void)state;
	assert_int_equal(statfs(box.root.path, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		elsewhere_because("$TMPDIR is in memory: its pages do not go");
	set("limit.memory", "64M");
	talk_start(box.c, 0,
		   ARGV("/bin/sh", "-c",
			"probe fill /tmp/big 200000000; echo ready; read x; rm /tmp/big"),
		   &t);
	assert_non_null(strstr(t.text, "wrote 2000"));
	u = stats();
	ex = talk_end(&t);
	print_message("# page cache after 200 MB: memory %llu, file %llu, peak %llu\n",
		      (unsigned long long)u.memory, (unsigned long long)u.memory_file,
		      (unsigned long long)u.memory_peak);
	assert_reason(&ex, CT_EXIT_EXITED, t.text);
	assert_true(u.memory <= 64 * MIB + SLACK && u.memory_file > 4 * MIB &&
		    u.memory_file <= 64 * MIB + SLACK);
	assert_true(u.memory_limit == 64 * MIB);
}

static bool swap_is_on(void)
{
	char text[256];
	int lines = 0;
	FILE *f = fopen("/proc/swaps", "re");

	while (f && fgets(text, sizeof(text), f))
		lines += !!strchr(text, '\n');
	if (f)
		fclose(f);
	return lines >= 2;
}

/* No swap unless it is asked for. */
static void memory_swap(void **state)
{
	char *out = NULL;
	long long both, alone;
	struct talk t;
	ct_exit ex;

	(void)state;
	set("limit.memory", LIMIT);
	talk_start(box.c, 0, ARGV("/bin/probe", "hold", "0", "1000000"), &t);
	both = group_number(box.c, NULL, "memory.memsw.limit_in_bytes");
	alone = group_number(box.c, "memory.swap.max", NULL);
	talk_end(&t);
	if (both < 0 && alone < 0)
		elsewhere_because("this kernel has no limit of swap");
	assert_true(both < 0 ? alone == 0 : both == (long long)LIMIT_BYTES);
	set("limit.swap", "48M");
	talk_start(box.c, 0, ARGV("/bin/probe", "hold", "0", "1000000"), &t);
	both = group_number(box.c, NULL, "memory.memsw.limit_in_bytes");
	alone = group_number(box.c, "memory.swap.max", NULL);
	assert_true(stats().swap_limit == 48 * MIB);
	talk_end(&t);
	assert_true(both < 0 ? alone == 48 * (long long)MIB
			     : both == (long long)(LIMIT_BYTES + 48 * MIB));
	if (!swap_is_on()) {
		print_message(
			"# no swap is on here: the values are right, their use is not seen\n");
		return;
	}
	ex = run_here(ARGV("/bin/probe", "tree", "20", EACH, "0"), &out);
	assert_reason(&ex, CT_EXIT_EXITED, out);
	free(out);
	set("limit.swap", "");
	ex = run_here(ARGV("/bin/probe", "tree", "20", EACH, "0"), &out);
	assert_reason(&ex, CT_EXIT_MEMORY, out);
	free(out);
}

/* ---- processes ------------------------------------------------------------------------------- */

static void pids(void **state)
{
	char *out = NULL;
	ct_exit ex;

	(void)state;
	set("limit.pids", "10");
	ex = run_here(ARGV("/bin/probe", "forks", "50", "3"), &out);
	assert_non_null(strstr(out, "forked 9, "));
	assert_reason(&ex, CT_EXIT_PIDS, out);
	assert_int_equal(ex.code, 3);
	if (ex.pids_peak != CT_ABSENT)
		assert_int_equal(ex.pids_peak, 10);
	free(out);
	ex = run_here(ARGV("/bin/probe", "forks", "9", "3"), &out);
	assert_reason(&ex, CT_EXIT_EXITED, out);
	if (ex.pids_peak != CT_ABSENT)
		assert_int_equal(ex.pids_peak, 10);
	free(out);
}

static void fork_bomb(void **state)
{
	long long began;
	struct talk t;
	ct_usage u;
	ct_exit ex;
	int i, status;
	pid_t pid;

	(void)state;
	set("limit.pids", "100");
	set("limit.cpu", "try:0.5");
	talk_start(box.c, 0, ARGV("/bin/probe", "bomb"), &t);
	for (i = 0; i < 20; i++) {
		pid = fork();
		if (pid == 0)
			_exit(7);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		sleep_ms(50);
	}
	u = stats();
	assert_true(u.pids == 100 && u.pids_limit == 100);
	assert_true(u.pids_refused > 0);
	began = now_ms();
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	assert_true(now_ms() - began < 20000);
	print_message("# the end of a fork bomb of 100 took %lld ms\n", now_ms() - began);
	ex = talk_end(&t);
	assert_reason(&ex, CT_EXIT_STOPPED, "");
}

/* ---- processor time -------------------------------------------------------------------------- */

static void cpu(void **state)
{
	int ms = quick() ? 2000 : 4000;
	long long began, took, share;
	ct_usage a, b;
	struct talk t;

	(void)state;
	set("limit.cpu", "0.25");
	talk_start(box.c, 0, ARGV("/bin/probe", "spinners", "2"), &t);
	sleep_ms(300);
	a = stats();
	began = now_ms();
	if (a.cpu_us == CT_ABSENT) {
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		talk_end(&t);
		elsewhere_because("no group tells the CPU time");
	}
	/* on a host that is busy it may be long until it has used all that it may have
	 * in one period */
	do {
		sleep_ms(ms);
		b = stats();
		took = now_ms() - began;
	} while (b.cpu_throttled_us == a.cpu_throttled_us && took < PATIENCE_MS);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	talk_end(&t);
	share = (long long)(b.cpu_us - a.cpu_us) / took; /* thousandths of a core */
	print_message("# limit.cpu = 0.25: 0.%03lld over %lld ms, held back in %lld of %lld "
		      "periods\n",
		      share, took, (long long)(b.cpu_throttled_periods - a.cpu_throttled_periods),
		      (long long)(b.cpu_periods - a.cpu_periods));
	assert_true(share <= 300);
	/* who was held back nearly always has had what it may have, also on a host that is busy */
	if ((b.cpu_throttled_periods - a.cpu_throttled_periods) * 10 >=
	    (b.cpu_periods - a.cpu_periods) * 9)
		assert_true(share >= 200);
	assert_true(b.cpu_throttled_us > a.cpu_throttled_us);
	assert_true(b.cpu_user_us + b.cpu_system_us > a.cpu_user_us + a.cpu_system_us);
}

static void cpuset(void **state)
{
	char *out = NULL, want[64], number[16];
	cpu_set_t set_of;
	int last = -1, i;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set_of), &set_of), 0);
	for (i = 0; i < CPU_SETSIZE; i++)
		last = CPU_ISSET(i, &set_of) ? i : last;
	snprintf(number, sizeof(number), "%d", last);
	snprintf(want, sizeof(want), "Cpus_allowed_list:\t%d\n", last);
	set("limit.cpuset.cpus", number);
	run_here(ARGV("/bin/grep", "Cpus_allowed_list", "/proc/self/status"), &out);
	assert_string_equal(out, want);
	free(out);
	set("limit.cpuset.mems", "0");
	run_here(ARGV("/bin/grep", "Mems_allowed_list", "/proc/self/status"), &out);
	assert_string_equal(out, "Mems_allowed_list:\t0\n");
	free(out);
}

static void cputime(void **state)
{
	struct {
		const char *limit;
		uint64_t us;
		const char *const *argv;
		bool all;
	} rows[] = {
		{ "100ms", 100000, ARGV("/bin/probe", "spin"), false },
		{ "400ms", 400000, ARGV("/bin/probe", "spinners", "4"), false },
		{ "400ms", 400000, ARGV("/bin/probe", "spinners", "4"), true },
	};
	char *out;
	ct_exit ex;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set("limit.cputime", rows[i].limit);
		if (rows[i].all)
			set("limit.cpu", "try:0.5");
		out = NULL;
		ex = run_here(rows[i].argv, &out);
		free(out);
		assert_reason(&ex, CT_EXIT_CPUTIME, "");
		assert_int_equal(ex.signal, SIGKILL);
		if (ex.cpu_us < rows[i].us)
			fail_msg("ended after %llu us, before the limit",
				 (unsigned long long)ex.cpu_us);
		print_message("# limit.cputime = %s%s: ended at %llu us\n", rows[i].limit,
			      rows[i].all ? " with limit.cpu = 0.5" : "",
			      (unsigned long long)ex.cpu_us);
	}
	/* sleep is free */
	set("limit.cputime", "5s");
	set("limit.cpu", "");
	ex = run_here(ARGV("/bin/sh", "-c", "probe burn 200; sleep 0.2; exit 4"), NULL);
	assert_reason(&ex, CT_EXIT_EXITED, "");
	assert_int_equal(ex.code, 4);
	assert_true(ex.cpu_us >= 200000 && ex.cpu_us < 5000000);
}

/* ---- block devices --------------------------------------------------------------------------- */

struct loop {
	char node[64];
	int fd;
};

/* A block device made of a file. -1: not to be had here. */
static int loop_make(struct loop *l, off_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), file,
	    nr = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	char path[PATH_MAX + 32];

	l->fd = -1;
	if (control >= 0)
		close(control);
	snprintf(l->node, sizeof(l->node), "/dev/loop%d", nr);
	snprintf(path, sizeof(path), "%s/disk", box.root.base);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (nr >= 0 && file >= 0 && !posix_fallocate(file, 0, size))
		l->fd = open(l->node, O_RDWR | O_CLOEXEC);
	if (l->fd >= 0 && ioctl(l->fd, LOOP_SET_FD, file)) {
		close(l->fd);
		l->fd = -1;
	}
	if (file >= 0)
		close(file);
	return l->fd < 0 ? -1 : 0;
}

static void loop_drop(struct loop *l)
{
	char path[PATH_MAX + 32];

	if (l->fd >= 0) {
		ioctl(l->fd, LOOP_CLR_FD);
		close(l->fd);
	}
	snprintf(path, sizeof(path), "%s/disk", box.root.base);
	unlink(path);
}

/* Bytes a second that the payload says it had. */
static long long rate_of(const char *out)
{
	unsigned long bytes = 0;
	unsigned long long us = 0;

	if (!out || sscanf(out, "%lu bytes in %llu us", &bytes, &us) != 2 || !us)
		return -1;
	return (long long)((double)bytes * 1000000 / (double)us);
}

static void check_rates(const char *const out[2], const ct_exit *ex)
{
	print_message("# io.max rbps=%llu: %lld; wbps=%llu: %lld bytes a second; "
		      "counted as read %lld, written %lld\n",
		      2 * MIB, rate_of(out[0]), MIB, rate_of(out[1]), (long long)ex->io_read,
		      (long long)ex->io_written);
	if (rate_of(out[0]) <= 0 || rate_of(out[0]) > (long long)(2 * MIB) * 130 / 100)
		fail_msg("reads were not slowed down: %s", out[0]);
	if (rate_of(out[1]) <= 0 || rate_of(out[1]) > (long long)MIB * 130 / 100)
		fail_msg("writes were not slowed down: %s", out[1]);
	/* the second one only wrote */
	if (ex->io_written != CT_ABSENT)
		assert_true(ex->io_written >= 3000000);
}

static int configure_disk(const struct loop *l)
{
	char limit[128], rule[64], entry[128];
	struct stat st;

	fstat(l->fd, &st);
	snprintf(limit, sizeof(limit), "%s rbps=2M wbps=1M", l->node);
	snprintf(rule, sizeof(rule), "b %u:%u rw", major(st.st_rdev), minor(st.st_rdev));
	snprintf(entry, sizeof(entry), "%s dev/disk none bind,create=file 0 0", l->node);
	if (box_config(box.c, "limit.io.max", limit, "cgroup2.devices.allow", rule, "mount.entry",
		       entry, NULL))
		return -EINVAL;
	return 0;
}

static void io_max(void **state)
{
	const char *const dirs[] = { "r", "w" };
	char *out[2] = { NULL, NULL };
	struct loop l;
	ct_exit ex = CT_EXIT_INIT;
	char why[512] = "";
	int r, i;

	(void)state;
	if (loop_make(&l, 16 * (off_t)MIB)) {
		loop_drop(&l);
		elsewhere_because("no loop device is to be had here");
	}
	r = configure_disk(&l);
	for (i = 0; i < 2 && r == 0; i++)
		r = box_run(box.c, NULL,
			    ARGV("/bin/probe", "direct", "/dev/disk", dirs[i],
				 i ? "3000000" : "6000000"),
			    &out[i], &ex);
	snprintf(why, sizeof(why), "%s", ct_last_error(box.c)->message);
	loop_drop(&l);
	if (r == -EOPNOTSUPP || (r == -ENOENT && strstr(why, "io.max")) ||
	    (r == -ENOENT && strstr(why, "blkio.throttle")))
		elsewhere_because("%s", why);
	if (r)
		fail_msg("%d %s", r, why);
	check_rates((const char *const *)out, &ex);
	free(out[0]);
	free(out[1]);
}

/* ---- devices --------------------------------------------------------------------------------- */

static void devices(void **state)
{
	static const struct {
		const char *from, *to;
	} masked[] = {
		{ "b 8:0 mknod ", "done, open Operation not permitted" },
		{ "c 10:237 mknod ", "done, open Operation not permitted" },
		{ "c 1:1 mknod ", "done, open Operation not permitted" },
		{ "c 1:3 mknod ", "done, open done" },
		{ "c 1:9 mknod ", "done, open done" },
		{ "c 4:1 mknod ", "done, open Operation not permitted" },
	};
	char *out = NULL, line[128];

	(void)state;
	run_here(ARGV("/bin/probe", "node", "b", "8", "0", "c", "10", "237", "c", "1", "1", "c",
		      "1", "3", "c", "1", "9", "c", "4", "1"),
		 &out);
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		snprintf(line, sizeof(line), "%s%s", masked[i].from, masked[i].to);
		if (!strstr(out, line))
			fail_msg("no \"%s\" in: %s", line, out);
	}
	free(out);
	/* also with every capability that there is */
	set("cap.drop", "wake_alarm");
	run_here(ARGV("/bin/probe", "node", "b", "8", "0", "c", "10", "237"), &out);
	assert_non_null(strstr(out, "b 8:0 mknod done, open Operation not permitted"));
	assert_non_null(strstr(out, "c 10:237 mknod done, open Operation not permitted"));
	free(out);
}

static void live_rules(void **state)
{
	char *out = NULL, want[64];
	struct talk t;
	const char *const steps[][3] = {
		{ NULL, NULL, "Operation not permitted" },
		/* what was not allowed is not for that */
		{ "devices.deny", "c 1:7 rw", "Operation not permitted" },
		{ "devices.allow", "c 1:8 rw", NULL }, /* there already: no harm */
		{ "devices.allow", "c 10:237 rw", "opens" },
		{ "devices.deny", "c 10:237 rw", "Operation not permitted" },
		{ "devices.allow", "c 10:* r", "Operation not permitted" }, /* reading alone */
	};

	(void)state;
	talk_start(box.c, 0,
		   ARGV("/bin/sh", "-c",
			"mknod /tmp/ctl c 10 237; mknod /tmp/other c 10 "
			"236; echo ready; read x"),
		   &t);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i][0])
			assert_ok(box.c, ct_cgroup_set(box.c, steps[i][0], steps[i][1]));
		out = NULL;
		assert_ok(box.c, box_attach(box.c, NULL,
					    ARGV("/bin/probe", "open", "/tmp/ctl", "/dev/null",
						 "/tmp/other"),
					    &out, NULL));
		snprintf(want, sizeof(want), "/tmp/ctl: %s", steps[i][2] ? steps[i][2] : "");
		if (!strstr(out, want) || !strstr(out, "/dev/null: opens") ||
		    !strstr(out, "/tmp/other: Operation not permitted"))
			fail_msg("after step %zu: %s", i, out);
		free(out);
	}
	assert_refused(box.c, ct_cgroup_set(box.c, "devices.allow", "c 10:x rw"), -EINVAL);
	assert_refused(box.c, ct_cgroup_set(box.c, "devices.allow", ""), -EINVAL);
	talk_end(&t);
	rootfs_drop(&box.root, "tmp/ctl");
	rootfs_drop(&box.root, "tmp/other");
}

/* ---- values as the kernel keeps them --------------------------------------------------------- */

struct value {
	const char *key, *value, *key2, *value2; /* key2: what it cannot be without */
	const char *v2, *text2, *v1, *text1;
};

static const struct value values[] = {
	{ "limit.memory.high", "24M", "limit.memory", "64M", "memory.high", "25165824", NULL,
	  NULL },
	{ "limit.memory.low", "8M", "limit.memory", "64M", "memory.low", "8388608",
	  "memory.soft_limit_in_bytes", "8388608" },
	{ "limit.oom.group", "1", "limit.memory", "64M", "memory.oom.group", "1", NULL, NULL },
	{ "limit.cpu.weight", "50", NULL, NULL, "cpu.weight", "50", "cpu.shares", "512" },
	{ "limit.cpu.weight", "10000", NULL, NULL, "cpu.weight", "10000", "cpu.shares", "102400" },
	{ "limit.cpu", "1.5", NULL, NULL, "cpu.max", "150000 100000", "cpu.cfs_quota_us",
	  "150000" },
	{ "limit.cpu.burst", "20ms", "limit.cpu", "0.5", "cpu.max.burst", "20000",
	  "cpu.cfs_burst_us", "20000" },
	{ "limit.io.weight", "300", NULL, NULL, "io.weight", "default 300", "blkio.bfq.weight",
	  NULL },
	{ "limit.hugetlb.2MB", "4M", NULL, NULL, "hugetlb.2MB.max", "4194304",
	  "hugetlb.2MB.limit_in_bytes", "4194304" },
	/* and pid 1 */
	{ "limit.pids", "77", NULL, NULL, "pids.max", "78", "pids.max", "78" },
	{ "limit.pids", "max", NULL, NULL, "pids.max", "max", "pids.max", "max" },
	{ "limit.memory", "max", NULL, NULL, "memory.max", "max", "memory.limit_in_bytes",
	  "9223372036854771712" },
};

static void read_back(void **state)
{
	const struct value *v = *state;
	char text[4096] = "";
	const char *want = v->text2;
	struct talk t;
	ssize_t n;

	set(v->key, v->value);
	if (v->key2)
		set(v->key2, v->value2);
	/* not every kernel has each file */
	if (talk_try(box.c, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &t))
		elsewhere_because("%s", ct_last_error(box.c)->message);
	n = ct_cgroup_get(box.c, v->v2, text, sizeof(text));
	if (n < 0 && v->v1) {
		n = ct_cgroup_get(box.c, v->v1, text, sizeof(text));
		want = v->text1;
	}
	/* without iocost, its scheduler's own */
	if (n < 0 && !strcmp(v->key, "limit.io.weight")) {
		n = ct_cgroup_get(box.c, "io.bfq.weight", text, sizeof(text));
		want = NULL;
	}
	talk_end(&t);
	if (n < 0 && !strcmp(v->value, "max"))
		elsewhere_because("no group here has the file, and none is needed");
	if (n < 0)
		fail_msg("%s = %s: neither %s nor %s", v->key, v->value, v->v2,
			 v->v1 ? v->v1 : "-");
	if (want && strcmp(text, want))
		fail_msg("%s = %s: %s", v->key, v->value, text);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static const struct verdict {
	const char *name, *key, *value;
	const char *const argv[6];
	int reason, code; /* code -1: whatever */
} verdicts[] = {
	{ "init itself",
	  "limit.memory",
	  LIMIT,
	  { "/bin/probe", "hold", "0", "64000000" },
	  CT_EXIT_MEMORY,
	  128 + SIGKILL },
	{ "a child, init exits with 0",
	  "limit.memory",
	  LIMIT,
	  { "/bin/probe", "tree", "20", EACH, "0" },
	  CT_EXIT_MEMORY,
	  0 },
	{ "a child, init exits with 7",
	  "limit.memory",
	  LIMIT,
	  { "/bin/probe", "tree", "20", EACH, "7" },
	  CT_EXIT_MEMORY,
	  7 },
	{ "a grandchild",
	  "limit.memory",
	  LIMIT,
	  { "/bin/sh", "-c", "(probe hold 0 64000000; true); exit 0" },
	  CT_EXIT_MEMORY,
	  0 },
	{ "a grandchild in a session of its own",
	  "limit.memory",
	  LIMIT,
	  { "/bin/sh", "-c", "setsid sh -c 'probe hold 0 64000000; true'; exit 7" },
	  CT_EXIT_MEMORY,
	  7 },
	{ "pids, exits with 0",
	  "limit.pids",
	  "10",
	  { "/bin/probe", "forks", "20", "0" },
	  CT_EXIT_PIDS,
	  0 },
	{ "pids, exits with 7",
	  "limit.pids",
	  "10",
	  { "/bin/probe", "forks", "20", "7" },
	  CT_EXIT_PIDS,
	  7 },
	{ "cputime",
	  "limit.cputime",
	  "50ms",
	  { "/bin/probe", "spin" },
	  CT_EXIT_CPUTIME,
	  128 + SIGKILL },
	{ "cputime of children",
	  "limit.cputime",
	  "50ms",
	  { "/bin/probe", "spinners", "2" },
	  CT_EXIT_CPUTIME,
	  128 + SIGKILL },
};

static void verdict(void **state)
{
	const struct verdict *v = *state;
	int n = v->reason == CT_EXIT_MEMORY ? rounds(10, 20) : rounds(5, 10), i;

	set(v->key, v->value);
	for (i = 0; i < n; i++) {
		char *out = NULL;
		ct_exit ex = run_here(v->argv, &out);

		assert_reason(&ex, v->reason, out);
		if (ex.code != v->code)
			fail_msg("round %d: code %d, not %d", i, ex.code, v->code);
		if (v->reason == CT_EXIT_MEMORY)
			assert_true(ex.oom_kills >= 1 && ex.oom_kills != CT_ABSENT);
		free(out);
	}
}

/* The same verdicts from a supervisor. */
static void verdict_detached(void **state)
{
	ct_container *c;
	ct_start_opts o = CT_START_OPTS_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		const struct verdict *v = &verdicts[i];
		ct_exit ex = CT_EXIT_INIT;
		ct_process *p = NULL;
		int r;

		c = box_handle(&box, "verdict");
		assert_int_equal(box_config(c, v->key, v->value, "cgroup.pattern", box.pattern,
					    NULL),
				 0);
		o.flags = CT_START_DETACH;
		o.argv = v->argv;
		r = ct_start(c, &o, &p);
		if (r == -EOPNOTSUPP) {
			print_message("# %s: %s\n", v->name, ct_last_error(c)->message);
			ct_unref(c);
			continue;
		}
		assert_ok(c, r);
		r = ct_process_wait(p, &ex, PATIENCE_MS);
		if (r) {
			ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
			ct_unref(c);
		}
		ct_process_unref(p);
		if (r)
			fail_msg("%s: it does not end", v->name);
		ct_unref(c);
		if (ex.reason != v->reason || ex.code != v->code)
			fail_msg("%s: reason %d code %d, not %d %d", v->name, ex.reason, ex.code,
				 v->reason, v->code);
		if (ex.cpu_us == 0)
			fail_msg("%s: no CPU time; init itself %llu + %llu us", v->name,
				 (unsigned long long)ex.user_us, (unsigned long long)ex.system_us);
	}
}

/* Who asked for the end gets that as the reason, whatever went before. */
static void stopped_wins(void **state)
{
	static const struct {
		const char *key, *value, *script;
	} rows[] = {
		{ "limit.memory", LIMIT, "probe tree 20 " EACH " 0; echo ready; read x" },
		{ "limit.pids", "10", "setsid probe forks 20 0; echo ready; read x" },
	};
	int done = 0;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk t;
		ct_exit ex;
		int r;

		set("limit.memory", "");
		set("limit.pids", "");
		set(rows[i / 2].key, rows[i / 2].value);
		r = talk_try(box.c, 0, ARGV("/bin/sh", "-c", rows[i / 2].script), &t);
		if (r == -EOPNOTSUPP)
			continue;
		assert_ok(box.c, r);
		assert_true(read_until(t.out, "ready", PATIENCE_MS, t.text, sizeof(t.text)));
		if (i % 2)
			assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
		else
			assert_int_equal(ct_process_kill(t.p, SIGKILL), 0);
		ex = talk_end(&t);
		assert_reason(&ex, CT_EXIT_STOPPED, t.text);
		if (i / 2 == 0)
			assert_true(ex.oom_kills >= 1);
		done++;
	}
	if (!done)
		elsewhere_because("neither memory nor pids can be limited here");
}

static void plausible(void **state)
{
	struct talk t;
	ct_usage u;
	ct_exit ex;

	(void)state;
	set("limit.memory", "try:64M");
	set("limit.pids", "try:40");
	set("limit.cpu", "try:2");
	talk_start(box.c, 0, ARGV("/bin/sh", "-c", "probe burn 300; exec probe hold 4 4000000"),
		   &t);
	u = stats();
	ex = talk_end(&t);
	assert_reason(&ex, CT_EXIT_EXITED, t.text);
	print_message("# cpu %lld us, memory peak %lld, pids peak %lld, wall %llu us\n",
		      (long long)ex.cpu_us, (long long)ex.memory_peak, (long long)ex.pids_peak,
		      (unsigned long long)ex.wall_us);
	if (u.memory != CT_ABSENT) {
		assert_true(u.memory >= 16000000 && u.memory_anon >= 16000000 &&
			    u.memory_peak >= u.memory);
		assert_true(ex.memory_peak == CT_ABSENT ||
			    (ex.memory_peak >= 16000000 && ex.memory_peak <= 64 * MIB + SLACK));
		assert_true(u.oom_kills == 0 && ex.oom_kills == 0);
	}
	if (u.pids != CT_ABSENT)
		assert_true(u.pids == 5 && u.pids_limit == 40 && u.pids_refused == 0);
	if (ex.pids_peak != CT_ABSENT)
		assert_int_equal(ex.pids_peak, 5);
	if (ex.cpu_us != CT_ABSENT) {
		/* while it runs the figure is the groups', at the end what the set-up
		 * used is taken off */
		if (u.cpu_us < 270000 || ex.cpu_us < 270000)
			fail_msg("%llu us while it ran, %llu us at its end",
				 (unsigned long long)u.cpu_us, (unsigned long long)ex.cpu_us);
		/* not more than all processors could have given */
		assert_true(ex.cpu_us <
			    (ex.wall_us + 100000) * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) * 2);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

#define CASE(name, f)                                      \
	{                                                  \
		name, f, setup, cgroup_case_teardown, NULL \
	}

static const struct CMUnitTest cases[] = {
	CASE("memory: a tree of processes", memory_tree),
	CASE("memory: tmpfs and shared pages", memory_tmpfs),
	CASE("memory: page cache", memory_cache),
	CASE("memory: swap", memory_swap),
	CASE("pids", pids),
	CASE("pids: a fork bomb", fork_bomb),
	CASE("cpu", cpu),
	CASE("cpuset", cpuset),
	CASE("cputime", cputime),
	CASE("io.max", io_max),
	CASE("devices", devices),
	CASE("devices: rules while it runs", live_rules),
	CASE("figures", plausible),
	CASE("stopped wins", stopped_wins),
	CASE("verdicts of a supervisor", verdict_detached),
};

int main(void)
{
	const size_t n_first = sizeof(cases) / sizeof(cases[0]),
		     n_values = sizeof(values) / sizeof(values[0]);
	const size_t n_verdicts = sizeof(verdicts) / sizeof(verdicts[0]),
		     n = n_first + n_values + n_verdicts;
	static char names[64][96];
	struct CMUnitTest tests[64];

	memcpy(tests, cases, sizeof(cases));
	for (size_t i = n_first; i < n; i++) {
		const bool value = i < n_first + n_values;
		const struct value *v = &values[value ? i - n_first : 0];
		const struct verdict *w = &verdicts[value ? 0 : i - n_first - n_values];

		snprintf(names[i], sizeof(names[i]), value ? "%s = %s" : "verdict: %s%s",
			 value ? v->key : w->name, value ? v->value : "");
		tests[i] = (struct CMUnitTest){
			names[i], value ? read_back : verdict, setup, cgroup_case_teardown,
			(void *)(uintptr_t)(value ? (const void *)v : (const void *)w)
		};
	}
	return _cmocka_run_group_tests("limits", tests, n, box_setup_bare, box_teardown);
}
