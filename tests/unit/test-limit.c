/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.*: what the spec holds, and what each key is in the files of either version. (Refused
 * values are in mistakes.def.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backend/cgroup/cpulist.h"
#include "backend/cgroup/limit-convert.h"
#include "backend/cgroup/limit.h"
#include "base/fd.h"
#include "model.h"

#define ALL 0xffffu

/* "FILE=VALUE" a line; "?" behind it: optional; "~": only where it is there; " or
 * FILE=VALUE": the other name. */
static void print_writes(const struct ct_cg_writes *w, struct ct_buf *out)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct ct_cg_write *one = &w->v[i];

		ct_buf_printf(out, "%s=%s", one->file, one->value ? one->value : "PARENT");
		if (one->file2)
			ct_buf_printf(out, " or %s", one->file2);
		if (one->value2)
			ct_buf_printf(out, "=%s", one->value2);
		ct_buf_printf(out, "%s%s\n", one->optional ? "?" : "", one->if_there ? "~" : "");
	}
}

/* One config and its files. */
struct row {
	const char *config, *v2, *v1; /* v1 NULL: as v2 */
};

static const struct row rows[] = {
	{ "", "", NULL },
	{ "limit.memory = 512M\n", "memory.max=536870912\nmemory.swap.max=0~\n",
	  "memory.limit_in_bytes=536870912\nmemory.memsw.limit_in_bytes=536870912~\n" },
	{ "limit.memory = 64K\n", "memory.max=65536\nmemory.swap.max=0~\n",
	  "memory.limit_in_bytes=65536\nmemory.memsw.limit_in_bytes=65536~\n" },
	/* of a running container both may be in force */
	{ "limit.memory = max\n", "memory.max=max~\nmemory.swap.max=max~\n",
	  "memory.limit_in_bytes=-1~\nmemory.memsw.limit_in_bytes=-1~\n" },
	{ "limit.memory = try:1 GiB\n", "memory.max=1073741824?\nmemory.swap.max=0?~\n",
	  "memory.limit_in_bytes=1073741824?\nmemory.memsw.limit_in_bytes=1073741824?~\n" },
	/* the order of lines does not matter: memory comes before what may not be below it */
	{ "limit.swap = 1K\nlimit.memory = 1M\n", "memory.max=1048576\nmemory.swap.max=1024\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=1049600\n" },
	{ "limit.memory = 1M\nlimit.swap = 0\n", "memory.max=1048576\nmemory.swap.max=0\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=1048576\n" },
	{ "limit.memory = 1M\nlimit.swap = max\n", "memory.max=1048576\nmemory.swap.max=max~\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=-1~\n" },
	{ "limit.memory = 1M\nlimit.swap = try:1M\n",
	  "memory.max=1048576\nmemory.swap.max=1048576?\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=2097152?\n" },
	{ "limit.memory = 9223372036854775807\nlimit.swap = 9223372036854775807\n",
	  "memory.max=9223372036854775807\nmemory.swap.max=9223372036854775807\n",
	  "memory.limit_in_bytes=9223372036854775807\n"
	  "memory.memsw.limit_in_bytes=9223372036854775807\n" },
	{ "limit.swap = max\n", "memory.swap.max=max~\n", "memory.memsw.limit_in_bytes=-1~\n" },
	/* only tried, and version 1 cannot: nothing is left of it */
	{ "limit.swap = try:1M\nlimit.memory.high = try:1M\nlimit.pids = 5\n",
	  "memory.swap.max=1048576?\nmemory.high=1048576?\npids.max=5\n", "pids.max=5\n" },
	{ "limit.memory.high = max\n", "memory.high=max~\n", "" },
	{ "limit.memory.low = 1M\n", "memory.low=1048576\n",
	  "memory.soft_limit_in_bytes=1048576\n" },
	{ "limit.memory.low = max\n", "memory.low=max\n", "memory.soft_limit_in_bytes=-1\n" },
	{ "limit.memory = 1M\nlimit.oom.group = 0\n",
	  "memory.max=1048576\nmemory.swap.max=0~\nmemory.oom.group=0~\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=1048576~\n" },
	{ "limit.memory = 1M\nlimit.oom.group = try:yes\n",
	  "memory.max=1048576\nmemory.swap.max=0~\nmemory.oom.group=1?\n",
	  "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=1048576~\n" },
	{ "limit.pids = 1\n", "pids.max=1\n", NULL },
	{ "limit.pids = 10\nlimit.pids = 4194304\n", "pids.max=4194304\n", NULL },
	{ "limit.pids = max\n", "pids.max=max~\n", NULL },
	{ "limit.cpu = 0.5\n", "cpu.max=50000 100000\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=50000\n" },
	{ "limit.cpu = 0.01\n", "cpu.max=1000 100000\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=1000\n" },
	{ "limit.cpu = 1.999999\n", "cpu.max=199999 100000\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=199999\n" },
	{ "limit.cpu = 65536\n", "cpu.max=6553600000 100000\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=6553600000\n" },
	{ "limit.cpu = max\n", "cpu.max=max 100000~\n",
	  "cpu.cfs_period_us=100000~\ncpu.cfs_quota_us=-1~\n" },
	{ "limit.cpu = try:2\n", "cpu.max=200000 100000?\n",
	  "cpu.cfs_period_us=100000?\ncpu.cfs_quota_us=200000?\n" },
	{ "limit.cpu.burst = 20ms\nlimit.cpu = 1\n", "cpu.max=100000 100000\ncpu.max.burst=20000\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=100000\ncpu.cfs_burst_us=20000\n" },
	{ "limit.cpu.burst = 100ms\nlimit.cpu = 1\nlimit.cpu.burst = 0\n",
	  "cpu.max=100000 100000\ncpu.max.burst=0\n",
	  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=100000\ncpu.cfs_burst_us=0\n" },
	{ "limit.cpu.weight = 1\n", "cpu.weight=1\n", "cpu.shares=10\n" },
	{ "limit.cpu.weight = 100\n", "cpu.weight=100\n", "cpu.shares=1024\n" },
	{ "limit.cpu.weight = 59\n", "cpu.weight=59\n", "cpu.shares=604\n" },
	{ "limit.cpu.weight = try:10000\n", "cpu.weight=10000?\n", "cpu.shares=102400?\n" },
	{ "limit.cpuset.cpus = 0-3 , 5\n", "cpuset.cpus=0-3,5\n",
	  "cpuset.mems=PARENT\ncpuset.cpus=0-3,5\n" },
	{ "limit.cpuset.mems = 0\n", "cpuset.mems=0\n", "cpuset.cpus=PARENT\ncpuset.mems=0\n" },
	{ "limit.cpuset.mems = 0\nlimit.cpuset.cpus = 1\n", "cpuset.cpus=1\ncpuset.mems=0\n",
	  NULL },
	/* what may fail must not leave the file empty */
	{ "limit.cpuset.cpus = try:7\n", "cpuset.cpus=7?\n",
	  "cpuset.mems=PARENT\ncpuset.cpus=PARENT\ncpuset.cpus=7?\n" },
	{ "limit.cpuset.cpus = 1\nlimit.cpuset.mems = try:0\n", "cpuset.cpus=1\ncpuset.mems=0?\n",
	  "cpuset.cpus=1\ncpuset.mems=PARENT\ncpuset.mems=0?\n" },
	{ "limit.io.weight = 1\n", "io.weight=default 1 or io.bfq.weight=default 1\n",
	  "blkio.bfq.weight=1 or blkio.weight=10\n" },
	{ "limit.io.weight = 100\n", "io.weight=default 100 or io.bfq.weight=default 100\n",
	  "blkio.bfq.weight=100 or blkio.weight=20\n" },
	{ "limit.io.weight = 100\nlimit.io.weight = 8:0  500\nlimit.io.weight = try:10000\n"
	  "limit.io.weight = 8:16 1\n",
	  "io.weight=default 10000 or io.bfq.weight=default 1000?\n"
	  "io.weight=8:0 500 or io.bfq.weight=8:0 136\n"
	  "io.weight=8:16 1 or io.bfq.weight=8:16 1\n",
	  "blkio.bfq.weight=1000 or "
	  "blkio.weight=1000?\n"
	  "blkio.bfq.weight_device=8:0 136 or "
	  "blkio.weight_device=8:0 59\n"
	  "blkio.bfq.weight_device=8:16 1 or "
	  "blkio.weight_device=8:16 10\n" },
	{ "limit.io.max = 8:0 rbps=10M wbps=max riops=100 wiops=50\n",
	  "io.max=8:0 rbps=10485760 wbps=max riops=100 wiops=50\n",
	  "blkio.throttle.read_bps_device=8:0 10485760\nblkio.throttle.write_bps_device=8:0 0\n"
	  "blkio.throttle.read_iops_device=8:0 100\nblkio.throttle.write_iops_device=8:0 50\n" },
	{ "limit.io.max = 8:0 wiops=4294967294\nlimit.io.max = try:259:1048575 wbps=1\n",
	  "io.max=8:0 wiops=4294967294\nio.max=259:1048575 wbps=1?\n",
	  "blkio.throttle.write_iops_device=8:0 4294967294\n"
	  "blkio.throttle.write_bps_device=259:1048575 1?\n" },
	{ "limit.io.max = try:/no/such/path rbps=1\nlimit.io.weight = try:/no/such/path 5\n", "",
	  NULL },
	{ "limit.hugetlb.2MB = 64M\nlimit.hugetlb.1GB = max\nlimit.hugetlb.2MB = 4M\n",
	  "hugetlb.1GB.max=max~\nhugetlb.2MB.max=4194304\n",
	  "hugetlb.1GB.limit_in_bytes=-1~\nhugetlb.2MB.limit_in_bytes=4194304\n" },
	{ "limit.rdma = mlx4_0  hca_handle=2 hca_object=2000\n"
	  "limit.rdma = try:ocrdma1 hca_handle=max\n",
	  "rdma.max=mlx4_0 hca_handle=2 hca_object=2000\nrdma.max=ocrdma1 hca_handle=max?\n",
	  NULL },
	{ "limit.misc = sev   2\nlimit.misc = sev_es max\n",
	  "misc.max=sev 2\nmisc.max=sev_es max~\n", NULL },
	{ "limit.cputime = 90s\nlimit.devices = none\n", "", NULL },
};

static void check_row(const char *config, int version, uint32_t bits, const char *want)
{
	CLEAN_BOX struct box b = box_of(config);
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_err e;

	ct_err_clear(&e);
	if (ct_limit_writes(b.spec, version, bits, b.arena, &writes, &e) < 0)
		fail_msg("version %d\n%s\n%s", version, config, e.message);
	assert_int_equal(e.err, 0);
	print_writes(&writes, &got);
	if (strcmp(ct_buf_text(&got), want))
		fail_msg("version %d\n%s\ngot:\n%s\nwant:\n%s", version, config, ct_buf_text(&got),
			 want);
	for (uint32_t i = 0; i < writes.n; i++)
		assert_true(!strncmp(writes.v[i].at->key, "limit.", 6) && writes.v[i].at->line > 0);
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check_row(rows[i].config, 2, ALL, rows[i].v2);
		check_row(rows[i].config, 1, ALL, rows[i].v1 ? rows[i].v1 : rows[i].v2);
	}
}

/* Each hierarchy gets the files of its own controllers, behind what is in the list already. */
static void test_bits(void **state)
{
	static const char text[] =
		"limit.memory = 1M\nlimit.pids = 5\nlimit.cpu = 1\nlimit.swap = 1M\n";

	(void)state;
	check_row(text, 1, 0, "");
	check_row(text, 1, CT_CG_PIDS, "pids.max=5\n");
	check_row(text, 1, CT_CG_CPU | CT_CG_CPUACCT,
		  "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=100000\n");
	check_row(text, 2, CT_CG_PIDS | CT_CG_MEMORY,
		  "memory.max=1048576\nmemory.swap.max=1048576\npids.max=5\n");
	{
		CLEAN_BOX struct box b = box_of(text);
		struct ct_cg_writes writes = { NULL, 0 };

		assert_int_equal(ct_limit_writes(b.spec, 1, CT_CG_PIDS, b.arena, &writes, NULL), 0);
		assert_int_equal(ct_limit_writes(b.spec, 1, ALL & ~CT_CG_PIDS, b.arena, &writes,
						 NULL),
				 0);
		assert_int_equal(writes.n, 5);
		assert_string_equal(writes.v[0].file, "pids.max");
		assert_string_equal(writes.v[1].file, "memory.limit_in_bytes");
	}
}

/* The write that nobody asked for names the limit of memory as its reason. */
static void test_implicit_swap(void **state)
{
	CLEAN_BOX struct box b = box_of("\n\nlimit.memory = 1M\n");
	struct ct_cg_writes writes = { NULL, 0 };

	(void)state;
	assert_int_equal(ct_limit_writes(b.spec, 2, ALL, b.arena, &writes, NULL), 0);
	assert_int_equal(writes.n, 2);
	assert_string_equal(writes.v[1].at->key, "limit.memory");
	assert_int_equal(writes.v[1].at->line, 3);
	assert_true(writes.v[1].if_there && !writes.v[1].optional);
}

/* What version 1 cannot do, and devices that are not there. */
struct refusal {
	const char *config;
	int version, err, id;
	const char *message;
};

static const struct refusal refusals[] = {
	{ "limit.memory.high = 1M\n", 1, EOPNOTSUPP, CT_ERR_LIMIT,
	  "limit.memory.high (c:1): version 1 of cgroups has no mark above which memory is "
	  "reclaimed. Hint: set limit.memory, or write "
	  "\"try:\" in front of the value to do without where it is not possible" },
	{ "limit.memory = 1M\nlimit.oom.group = 1\n", 1, EOPNOTSUPP, CT_ERR_LIMIT,
	  "limit.oom.group (c:2): version 1 of cgroups has no killing of all processes together. "
	  "Hint: set limit.oom.group = 0, or write "
	  "\"try:\" in front of the value to do without where it is not possible" },
	{ "limit.swap = 1M\n", 1, EOPNOTSUPP, CT_ERR_LIMIT,
	  "limit.swap (c:1): version 1 of cgroups limits swap only together with memory, and there "
	  "is no limit.memory. Hint: set limit.memory" },
	{ "limit.swap = 0\nlimit.memory = max\n", 1, EOPNOTSUPP, CT_ERR_LIMIT,
	  "limit.swap (c:1): version 1 of cgroups limits swap only together with memory, and there "
	  "is no limit.memory. Hint: set limit.memory" },
	{ "limit.io.max = /no/such/path rbps=1\n", 2, ENOENT, CT_ERR_LIMIT,
	  "limit.io.max (c:1): stat \"/no/such/path\": the device cannot be looked up: "
	  "No such file or directory" },
	{ "limit.io.weight = /no/such/path 5\n", 1, ENOENT, CT_ERR_LIMIT,
	  "limit.io.weight (c:1): stat \"/no/such/path\": the device cannot be looked up: "
	  "No such file or directory" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		CLEAN_BOX struct box b = box_of(refusals[i].config);
		struct ct_cg_writes writes = { NULL, 0 };
		struct ct_err e;

		ct_err_clear(&e);
		assert_int_equal(ct_limit_writes(b.spec, refusals[i].version, ALL, b.arena, &writes,
						 &e),
				 -refusals[i].err);
		assert_int_equal(e.err, -refusals[i].err);
		assert_int_equal(e.id, refusals[i].id);
		assert_string_equal(e.message, refusals[i].message);
	}
}

static void test_proc_has_no_device(void **state)
{
	CLEAN_BOX struct box b = box_of("limit.io.max = /proc/self/status rbps=1\n");
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_limit_writes(b.spec, 2, ALL, b.arena, &writes, &e), -ENODEV);
	assert_int_equal(e.id, CT_ERR_LIMIT);
	assert_string_equal(e.key, "limit.io.max");
	assert_string_equal(e.object, "/proc/self/status");
	assert_non_null(strstr(e.message, "is not on one block device of its own. "
					  "Hint: name the block device below it"));
}

static void put_text(const char *dir, const char *name, const char *text)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A partition stands for its disk: a made-up /sys/dev/block. */
static void test_partition(void **state)
{
	char dir[] = "/tmp/ct-test-block.XXXXXX", path[100];
	unsigned major = 0, minor = 0, want_major, want_minor;
	struct stat st;
	struct ct_err e;

	(void)state;
	assert_int_equal(stat("/tmp", &st), 0);
	want_major = major(st.st_dev);
	want_minor = minor(st.st_dev);
	if (!want_major)
		skip();
	assert_non_null(mkdtemp(dir));
	CT_CLEAN_FD int sysfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ct_err_clear(&e);
	assert_int_equal(ct_limit_device(sysfd, "/tmp", &major, &minor, &e), 0);
	assert_true(major == want_major && minor == want_minor);
	/* sda/sda1/partition, sda/dev */
	assert_int_equal(mkdirat(sysfd, "sda", 0700), 0);
	assert_int_equal(mkdirat(sysfd, "sda/sda1", 0700), 0);
	snprintf(path, sizeof(path), "%u:%u", want_major, want_minor);
	assert_int_equal(symlinkat("sda/sda1", sysfd, path), 0);
	put_text(dir, "sda/sda1/partition", "1\n");
	assert_int_equal(ct_limit_device(sysfd, "/tmp", &major, &minor, &e), -ENOENT);
	assert_non_null(strstr(e.message, "the disk of the partition"));
	ct_err_clear(&e);
	put_text(dir, "sda/dev", "77:16\n");
	assert_int_equal(ct_limit_device(sysfd, "/tmp", &major, &minor, &e), 0);
	assert_true(major == 77 && minor == 16);
	/* a number is taken as it is: who writes one means it */
	assert_int_equal(ct_limit_device(sysfd, "8:1", &major, &minor, &e), 0);
	assert_true(major == 8 && minor == 1);
	unlinkat(sysfd, "sda/dev", 0);
	unlinkat(sysfd, "sda/sda1/partition", 0);
	unlinkat(sysfd, "sda/sda1", AT_REMOVEDIR);
	unlinkat(sysfd, "sda", AT_REMOVEDIR);
	snprintf(path, sizeof(path), "%u:%u", want_major, want_minor);
	unlinkat(sysfd, path, 0);
	rmdir(dir);
}

static void test_controllers(void **state)
{
	CLEAN_BOX struct box b = box_of("limit.pids = try:5\nlimit.memory = max\nlimit.cpu = 1\n"
					"limit.cpu.weight = try:5\nlimit.cputime = try:5s\n"
					"limit.memory.high = 1M\nlimit.hugetlb.2MB = 0\n"
					"limit.devices = none\n");
	CLEAN_BOX struct box none = box_of("limit.memory = max\nlimit.pids = try:5\n"
					   "limit.pids = try:6\nlimit.cputime = 5s\n");
	CLEAN_BOX struct box free_time = box_of("limit.cputime = max\n");
	const struct ct_origin *at;
	bool tried;

	(void)state;
	assert_int_equal(ct_limit_controllers(b.spec, false),
			 CT_CG_CPU | CT_CG_MEMORY | CT_CG_HUGETLB);
	assert_int_equal(ct_limit_controllers(b.spec, true),
			 CT_CG_CPU | CT_CG_MEMORY | CT_CG_HUGETLB | CT_CG_PIDS | CT_CG_CPUACCT);
	assert_int_equal(ct_limit_controllers(none.spec, false), CT_CG_CPUACCT);
	assert_int_equal(ct_limit_controllers(none.spec, true),
			 CT_CG_CPUACCT | CT_CG_MEMORY | CT_CG_PIDS);
	assert_int_equal(ct_limit_controllers(free_time.spec, true), 0);
	at = ct_limit_asking(b.spec, CT_CG_MEMORY, &tried);
	assert_string_equal(at->key, "limit.memory.high");
	assert_false(tried);
	at = ct_limit_asking(b.spec, CT_CG_HUGETLB, &tried);
	assert_string_equal(at->key, "limit.hugetlb.2MB");
	at = ct_limit_asking(b.spec, CT_CG_CPUACCT, &tried);
	assert_string_equal(at->key, "limit.cputime");
	assert_true(tried);
	at = ct_limit_asking(none.spec, CT_CG_PIDS, &tried);
	assert_int_equal(at->line, 3);
	assert_true(tried);
	at = ct_limit_asking(none.spec, CT_CG_MEMORY, &tried);
	assert_true(at && tried);
	at = ct_limit_asking(none.spec, CT_CG_CPUACCT, &tried);
	assert_true(at && !tried);
	assert_null(ct_limit_asking(none.spec, CT_CG_IO, &tried));
	assert_null(ct_limit_asking(free_time.spec, CT_CG_CPUACCT, &tried));
}

struct name_row {
	const char *key, *sub, *v2, *v1;
	uint32_t bit;
};

static const struct name_row names[] = {
	{ "limit.memory", "", "memory.max", "memory.limit_in_bytes", CT_CG_MEMORY },
	{ "limit.memory.high", "", "memory.high", NULL, CT_CG_MEMORY },
	{ "limit.memory.low", "", "memory.low", "memory.soft_limit_in_bytes", CT_CG_MEMORY },
	{ "limit.swap", "", "memory.swap.max", "memory.memsw.limit_in_bytes", CT_CG_MEMORY },
	{ "limit.oom.group", "", "memory.oom.group", NULL, CT_CG_MEMORY },
	{ "limit.pids", "", "pids.max", "pids.max", CT_CG_PIDS },
	{ "limit.cpu", "", "cpu.max", "cpu.cfs_quota_us", CT_CG_CPU },
	{ "limit.cpu.weight", "", "cpu.weight", "cpu.shares", CT_CG_CPU },
	{ "limit.cpu.burst", "", "cpu.max.burst", "cpu.cfs_burst_us", CT_CG_CPU },
	{ "limit.cpuset.cpus", "", "cpuset.cpus", "cpuset.cpus", CT_CG_CPUSET },
	{ "limit.cpuset.mems", "", "cpuset.mems", "cpuset.mems", CT_CG_CPUSET },
	{ "limit.io.weight", "", "io.weight", "blkio.bfq.weight", CT_CG_IO },
	{ "limit.io.max", "", "io.max", "blkio.throttle.read_bps_device", CT_CG_IO },
	{ "limit.hugetlb", "2MB", "hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes", CT_CG_HUGETLB },
	{ "limit.hugetlb.1GB", "", "hugetlb.1GB.max", "hugetlb.1GB.limit_in_bytes", CT_CG_HUGETLB },
	{ "limit.rdma", "", "rdma.max", "rdma.max", CT_CG_RDMA },
	{ "limit.misc", "", "misc.max", "misc.max", CT_CG_MISC },
	{ "limit.cputime", "", NULL, NULL, CT_CG_CPUACCT },
	{ "limit.devices", "", NULL, NULL, CT_CG_DEVICES },
	{ "limit.time", "", NULL, NULL, 0 },
	{ "limit.memory.x", "", NULL, NULL, 0 },
	{ "limit.mem", "", NULL, NULL, 0 },
	{ "limit.hugetlb.", "", NULL, NULL, 0 },
	{ "limit", "", NULL, NULL, 0 },
	{ "", "", NULL, NULL, 0 },
};

static void test_names(void **state)
{
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct name_row *n = &names[i];
		const char *v2 = ct_limit_file(n->key, n->sub, 2, buf, sizeof(buf));

		assert_true(!v2 == !n->v2 && (!v2 || !strcmp(v2, n->v2)));
		v2 = ct_limit_file(n->key, n->sub, 1, buf, sizeof(buf));
		assert_true(!v2 == !n->v1 && (!v2 || !strcmp(v2, n->v1)));
		assert_int_equal(ct_limit_bit(n->key), n->bit);
	}
	assert_null(ct_limit_file("limit.memory", "", 2, buf, strlen("memory.max")));
	assert_null(ct_limit_file("limit.hugetlb", "2MB", 2, buf, 5));
}

/* What the spec holds of each kind of value. */
static void test_items(void **state)
{
	CLEAN_BOX struct box b = box_of("limit.memory = try:1M\nlimit.memory = 2M\n"
					"limit.cpu = 1.5\nlimit.hugetlb.2MB = 1\n"
					"limit.io.max = /dev/x rbps=1 wiops=max\n"
					"limit.cpuset.cpus = try: 1 ,2-3\n"
					"limit.io.max = 8:0 wbps=1K\nlimit.memory.high = max\n");
	const struct ct_cglimit_item *v = b.spec->cglimits.v;

	(void)state;
	assert_int_equal(b.spec->cglimits.n, 7);
	assert_true(!v[0].tried && v[0].n == 2 << 20 && !v[0].max && v[0].at.line == 2);
	assert_string_equal(v[0].text, "2M");
	assert_int_equal(v[1].n, 1500000);
	assert_string_equal(v[2].key, "limit.hugetlb");
	assert_string_equal(v[2].sub, "2MB");
	assert_string_equal(v[2].at.key, "limit.hugetlb.2MB");
	assert_string_equal(v[3].device, "/dev/x");
	assert_true(v[3].rate[0] == 1 && v[3].rate[1] == CT_RATE_UNSET &&
		    v[3].rate[2] == CT_RATE_UNSET && v[3].rate[3] == CT_RATE_MAX);
	assert_string_equal(v[4].text, "1,2-3");
	assert_true(v[4].tried);
	assert_true(v[5].rate[1] == 1024 && !strcmp(v[5].device, "8:0"));
	assert_true(v[6].max && !v[6].tried);
}

/* A key of the table that no row here carries out would be passed over in silence. */
static void test_every_key_has_a_file(void **state)
{
	char buf[64];

	(void)state;
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const char *name = ct_keys[i].name;

		if (strncmp(name, "limit.", 6) || !strcmp(name, "limit.time") ||
		    !strcmp(name, "limit.output"))
			continue;
		assert_true(ct_limit_bit(name));
		if (strcmp(name, "limit.devices") && strcmp(name, "limit.cputime"))
			assert_non_null(ct_limit_file(name, "", 2, buf, sizeof(buf)));
	}
}

/* The kernel's lists as sets. */
static void test_lists(void **state)
{
	static const struct {
		const char *text, *printed;
		bool good;
	} lists[] = {
		{ "0-3,5", "0-3,5", true }, { "5,0-1,2,3\n", "0-3,5", true },
		{ "", "", true },	    { "\n", "", true },
		{ "63-64", "63-64", true }, { "8191", "8191", true },
		{ "8192", "", false },	    { "0,8190-9000", "0,8190-8191", false },
		{ "3-1", "", false },	    { "a", "", false },
		{ "1,x,2", "1-2", false },  { "1-", "", false },
		{ "-1", "", false },	    { "0-3:1/2", "", false },
	};
	struct ct_cpulist a, b, c;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

		assert_int_equal(ct_cpulist_read(lists[i].text, &a), lists[i].good);
		ct_cpulist_print(&a, &text);
		assert_string_equal(ct_buf_text(&text), lists[i].printed);
		assert_int_equal(ct_cpulist_is_empty(&a), !*lists[i].printed);
	}
	ct_cpulist_read("0-3", &a);
	ct_cpulist_read("2-5", &b);
	ct_cpulist_both(&a, &b, &c);
	ct_cpulist_either(&a, &b, &b);
	ct_cpulist_read("2-3", &a);
	assert_true(ct_cpulist_equal(&a, &c));
	ct_cpulist_read("0-5", &a);
	assert_true(ct_cpulist_equal(&a, &b));
	assert_false(ct_cpulist_equal(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_implicit_swap),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_proc_has_no_device),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_every_key_has_a_file),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
