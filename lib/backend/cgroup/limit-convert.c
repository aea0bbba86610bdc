/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a limit is in the kernel's files. Sources: Documentation/admin-guide/cgroup-v2.rst and
 * cgroup-v1/ of the kernel, its code where these are silent, and the OCI runtime specification with
 * the table of its runtimes (crun(1), "cgroup v2") where the versions differ in scale.
 */
#include "backend/cgroup/limit-convert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/num.h"
#include "model/type.h"

#define PERIOD_US 100000u /* the kernel's default for cpu.max and cpu.cfs_period_us */

const char *ct_limit_name(const struct ct_limit_row *row, const char *sub, int version, char *buf,
			  size_t n)
{
	const char *file = version == 1 ? row->file1 : row->file2,
		   *hole = file ? strstr(file, "%s") : NULL;
	int len;

	if (!file)
		return NULL;
	len = hole ? snprintf(buf, n, "%.*s%s%s", (int)(hole - file), file, sub, hole + 2)
		   : snprintf(buf, n, "%s", file);
	return len < 0 || (size_t)len >= n ? NULL : buf;
}

/* Adds one write of the item; `value` is copied, NULL is the parent's. NULL without
 * memory, recorded. */
static struct ct_cg_write *add(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
			       const char *file, const char *value)
{
	const char *name = ct_arena_strdup(j->a, file),
		   *text = value ? ct_arena_strdup(j->a, value) : NULL;
	struct ct_cg_write *w = name && (text || !value) ? CT_LIST_ADD(j->a, j->out) : NULL;

	if (!w) {
		ct_oom(j->e);
		return NULL;
	}
	*w = (struct ct_cg_write){ .at = &item->at,
				   .file = name,
				   .value = text,
				   .optional = item->tried,
				   .if_there = ct_cglimit_idle(item) };
	return w;
}

/* The same with the value printed; the write, or NULL without memory. */
static struct ct_cg_write *addf(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
				const char *file, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static struct ct_cg_write *addf(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
				const char *file, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return add(j, item, file, value);
}

/* Into the row's own file. */
static int add_main(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item, const char *value)
{
	char file[64];
	const char *name = ct_limit_name(row, item->sub, j->version, file, sizeof(file));

	if (!name) {
		ct_err_origin(j->e, &item->at);
		ct_err_hint(j->e,
			    "%s, or write \"try:\" in front of the value to do without where "
			    "it is not possible",
			    row->remedy);
		return ct_fail(j->e, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "version 1 of cgroups has no %s", row->lack);
	}
	return add(j, item, name, value) ? 0 : -ENOMEM;
}

/*
 * Bytes and counts are the same in both versions. No limit is "max", but -1 for what version 1
 * counts in bytes: its page counters know no other word (page_counter_memparse(),
 * hugetlb_cgroup_write_legacy()).
 */
int ct_limit_number(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)item->n);
	if (!item->max)
		return add_main(j, row, item, number);
	return add_main(j, row, item, j->version == 1 ? row->max1 : "max");
}

/* The kernel takes no more than its greatest number of processes (pids_max_write()), which cannot
 * be reached anyway. */
int ct_limit_pids(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	uint64_t n = item->n + (j->s->init_reaper && item->n < CT_LIMIT_PIDS_GREATEST);
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	return add_main(j, row, item, item->max ? "max" : number);
}

static const struct ct_cglimit_item *find_item(const struct ct_spec *s, const char *key)
{
	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		if (!strcmp(s->cglimits.v[i].key, key))
			return &s->cglimits.v[i];
	}
	return NULL;
}

/*
 * A limit on memory alone would only move the container into swap, so no swap is the default;
 * with no limit on memory there is none on swap, which a running container needs to be told.
 * Version 1's second file counts both together and must not be below the first, which is
 * therefore written before it.
 */
int ct_limit_memory(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	const char *file = j->version == 1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max";
	int r = ct_limit_number(j, row, item);
	struct ct_cg_write *w;

	if (r < 0 || find_item(j->s, "limit.swap"))
		return r;
	if (item->max)
		w = add(j, item, file, j->version == 1 ? "-1" : "max");
	else
		w = addf(j, item, file, "%llu", j->version == 1 ? (unsigned long long)item->n : 0);
	if (!w)
		return -ENOMEM;
	w->if_there = true;
	return 0;
}

/* Version 1 has a limit for the sum only, so it takes a limit of memory to make one of swap. */
int ct_limit_swap(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	const struct ct_cglimit_item *memory = find_item(j->s, "limit.memory");
	uint64_t sum;

	if (j->version == 2 || item->max)
		return ct_limit_number(j, row, item);
	if (!memory || memory->max) {
		ct_err_origin(j->e, &item->at);
		ct_err_hint(j->e, "set limit.memory");
		return ct_fail(j->e, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "version 1 of cgroups limits swap only together with memory, and "
			       "there is no limit.memory");
	}
	sum = memory->n > INT64_MAX - item->n ? INT64_MAX : memory->n + item->n;
	return addf(j, item, row->file1, "%llu", (unsigned long long)sum) ? 0 : -ENOMEM;
}

int ct_limit_oom_group(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item)
{
	return j->version == 1 && !item->n ? 0 : ct_limit_number(j, row, item);
}

/*
 * So much time in each period of 100 ms, the kernel's default. The smallest limit, 0.01 cores, is
 * the smallest quota that the kernel takes (min_cfs_quota_period, 1 ms), so a longer period is
 * never needed. A fraction of a microsecond is dropped: never more than asked. Version 1: the
 * period is written first, for the quota is checked against it.
 */
int ct_limit_cpu(const struct ct_limit_job *j, const struct ct_limit_row *row,
		 const struct ct_cglimit_item *item)
{
	char quota[24];

	snprintf(quota, sizeof(quota), "%llu",
		 (unsigned long long)(item->n / (1000000 / PERIOD_US)));
	if (j->version == 2)
		return addf(j, item, row->file2, "%s %u", item->max ? "max" : quota, PERIOD_US)
			       ? 0
			       : -ENOMEM;
	if (!addf(j, item, "cpu.cfs_period_us", "%u", PERIOD_US))
		return -ENOMEM;
	return add(j, item, row->file1, item->max ? "-1" : quota) ? 0 : -ENOMEM;
}

/* 100 is 1024 shares, rounded, as the kernel itself converts (sched_weight_from_cgroup()); it takes
 * no less than two (MIN_SHARES). */
int ct_limit_cpu_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
			const struct ct_cglimit_item *item)
{
	uint64_t shares = (item->n * 1024 + 50) / 100;

	if (j->version == 2)
		return ct_limit_number(j, row, item);
	return addf(j, item, row->file1, "%llu", (unsigned long long)(shares < 2 ? 2 : shares))
		       ? 0
		       : -ENOMEM;
}

/* The parent's value, without which nothing can enter the group: never optional. */
static int add_parents(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
		       const char *file)
{
	struct ct_cg_write *w = add(j, item, file, NULL);

	if (!w)
		return -ENOMEM;
	w->optional = false;
	return 0;
}

/* A new group of version 1 has neither processors nor memory nodes, and nothing may enter it. What
 * the config does not say, or what may not be possible, is first taken from the group above. */
int ct_limit_cpuset(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	bool cpus = !strcmp(item->key, "limit.cpuset.cpus");
	int r = 0;

	if (j->version == 1 && !find_item(j->s, cpus ? "limit.cpuset.mems" : "limit.cpuset.cpus"))
		r = add_parents(j, item, cpus ? "cpuset.mems" : "cpuset.cpus");
	if (r == 0 && j->version == 1 && item->tried)
		r = add_parents(j, item, row->file1);
	return r < 0 ? r : add_main(j, row, item, item->text);
}

/* "8:0", perhaps with a line end, as numbers. */
static int read_numbers(char *text, unsigned *major, unsigned *minor)
{
	char *colon = strchr(text, ':');
	uint32_t first, second;

	text[strcspn(text, "\n")] = 0;
	if (!colon)
		return -EINVAL;
	*colon = 0;
	if (ct_parse_u32(text, &first) < 0 || ct_parse_u32(colon + 1, &second) < 0)
		return -EINVAL;
	*major = first;
	*minor = second;
	return 0;
}

/* A partition's number becomes that of its disk, the directory above it in sysfs: the kernel
 * throttles whole disks and refuses others. */
static int whole_disk(int sysfd, unsigned *major, unsigned *minor)
{
	char path[64], text[32] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "%u:%u/partition", *major, *minor);
	if (faccessat(sysfd, path, F_OK, 0) < 0)
		return 0;
	snprintf(path, sizeof(path), "%u:%u/../dev", *major, *minor);
	CT_CLEAN_FD int fd = openat(sysfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	return read_numbers(text, major, minor) < 0 ? -ENODEV : 0;
}

int ct_limit_device(int sysfd, const char *device, unsigned *major, unsigned *minor,
		    struct ct_err *e)
{
	char text[32] = "";
	struct stat st;
	dev_t number;
	int r;

	if (*device != '/') {
		memcpy(text, device, strnlen(device, sizeof(text) - 1));
		return read_numbers(text, major, minor) < 0
			       ? ct_fail(e, -EINVAL, CT_ERR_BAD_VALUE, "plan",
					 "\"%s\" is not a device", device)
			       : 0;
	}
	ct_err_object(e, device);
	if (stat(device, &st) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_LIMIT, "plan", "stat",
				   "the device cannot be looked up");
	number = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	*major = major(number);
	*minor = minor(number);
	if (!*major) {
		ct_err_hint(e, "name the block device below it: /dev/sda, or 8:0");
		return ct_fail(e, -ENODEV, CT_ERR_LIMIT, "plan",
			       "the file system that the path is on (%u:%u) is not on one block "
			       "device of its own",
			       *major, *minor);
	}
	r = whole_disk(sysfd, major, minor);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_LIMIT, "plan", "read",
				   "the disk of the partition %u:%u is not known", major(number),
				   minor(number));
	return 0;
}

/* The device's number as text. */
static int look_up(const struct ct_limit_job *j, const struct ct_cglimit_item *item, char *buf,
		   size_t n)
{
	CT_CLEAN_FD int sysfd = *item->device == '/'
					? open("/sys/dev/block", O_PATH | O_DIRECTORY | O_CLOEXEC)
					: -1;
	unsigned major = 0, minor = 0;
	int r = ct_limit_device(sysfd, item->device, &major, &minor, j->e);

	if (r < 0)
		ct_err_origin(j->e, &item->at);
	snprintf(buf, n, "%u:%u", major, minor);
	return r;
}

/* BFQ has 1 to 1000 with 100 in the middle, as version 2 has 1 to 10000: everyone's share stays
 * everyone's share, as with systemd (systemd.resource-control(5), IOWeight=). */
static unsigned long long bfq_weight(unsigned long long weight)
{
	return weight <= 100 ? weight : 100 + (weight - 100) * (1000 - 100) / (10000 - 100);
}

/* blkio.weight of older kernels: 10 to 1000, by the relation of OCI's runtime-spec
 * (config-linux.md, "Block IO"). */
static unsigned long long blkio_weight(unsigned long long weight)
{
	return 10 + ((weight - 1) * 990 + 9999 / 2) / 9999;
}

/* One write; the file may have another name, and then another range. */
static int add_weight(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
		      const char *prefix, const char *const file[2], unsigned long long first,
		      unsigned long long second)
{
	struct ct_cg_write *w = addf(j, item, file[0], "%s%llu", prefix, first);

	if (!w)
		return -ENOMEM;
	w->file2 = file[1];
	w->value2 = ct_arena_printf(j->a, "%s%llu", prefix, second);
	return w->value2 ? 0 : ct_oom(j->e);
}

int ct_limit_io_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item)
{
	static const char *const all[2] = { "blkio.bfq.weight", "blkio.weight" };
	static const char *const one[2] = { "blkio.bfq.weight_device", "blkio.weight_device" };
	const char *const v2[2] = { row->file2, "io.bfq.weight" };
	unsigned long long weight = item->n;
	char device[32] = "default", prefix[40];
	int r = item->device ? look_up(j, item, device, sizeof(device)) : 0;

	if (r < 0)
		return r;
	snprintf(prefix, sizeof(prefix), "%s ", device);
	if (j->version == 2)
		return add_weight(j, item, prefix, v2, weight, bfq_weight(weight));
	return add_weight(j, item, item->device ? prefix : "", item->device ? one : all,
			  bfq_weight(weight), blkio_weight(weight));
}

/* Version 1's four files, in the order of rate[]. */
static const char *const throttle[4] = { "blkio.throttle.read_bps_device",
					 "blkio.throttle.write_bps_device",
					 "blkio.throttle.read_iops_device",
					 "blkio.throttle.write_iops_device" };

int ct_limit_io_max(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	static const char *const names[4] = { "rbps", "wbps", "riops", "wiops" };
	char device[32], line[160];
	int used, r = look_up(j, item, device, sizeof(device));

	if (r < 0)
		return r;
	used = snprintf(line, sizeof(line), "%s", device);
	for (int i = 0; i < 4; i++) {
		bool max = item->rate[i] == CT_RATE_MAX;

		if (item->rate[i] == CT_RATE_UNSET)
			continue;
		if (j->version == 1) {
			/* there 0 takes the rule away */
			if (!addf(j, item, throttle[i], "%s %llu", device,
				  max ? 0 : (unsigned long long)item->rate[i]))
				return -ENOMEM;
			continue;
		}
		used += max ? snprintf(line + used, sizeof(line) - (size_t)used, " %s=max",
				       names[i])
			    : snprintf(line + used, sizeof(line) - (size_t)used, " %s=%llu",
				       names[i], (unsigned long long)item->rate[i]);
	}
	return j->version == 1 || add(j, item, row->file2, line) ? 0 : -ENOMEM;
}

int ct_limit_text(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	return add_main(j, row, item, item->text);
}
