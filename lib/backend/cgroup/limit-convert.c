/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts limits to what is written into the kernel's files. Sources: the kernel's
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, its code for what they leave out, and the
 * OCI runtime specification with crun(1), "cgroup v2", where the versions have different ranges.
 */
#include "backend/cgroup/limit-convert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "model/type.h"

#define PERIOD_US 100000u /* the kernel's default for cpu.max and cpu.cfs_period_us */

const char *ct_limit_name(const struct ct_limit_row *row, const char *sub, int version, char *buf,
			  size_t n)
{
	const char *file = row->file2, *hole;
	int len;

	if (version == 1)
		file = row->file1;
	if (!file)
		return NULL;
	hole = strstr(file, "%s");
	if (hole)
		len = snprintf(buf, n, "%.*s%s%s", (int)(hole - file), file, sub, hole + 2);
	else
		len = snprintf(buf, n, "%s", file);
	if (len < 0 || (size_t)len >= n)
		return NULL;
	return buf;
}

/* Adds a write for the item. `value` is copied; NULL is the parent's value. The write, or NULL
 * without memory, recorded. */
static struct ct_cg_write *add(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
			       const char *file, const char *value)
{
	const char *name = ct_arena_strdup(j->a, file), *text = NULL;
	struct ct_cg_write *w = NULL;

	if (value)
		text = ct_arena_strdup(j->a, value);
	if (name && (text || !value))
		w = CT_LIST_ADD(j->a, j->out);
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

/* The same. 0 or -ENOMEM, recorded. */
static int put(const struct ct_limit_job *j, const struct ct_cglimit_item *item, const char *file,
	       const char *value)
{
	if (!add(j, item, file, value))
		return -ENOMEM;
	return 0;
}

/* The same with the value printed. */
static int putf(const struct ct_limit_job *j, const struct ct_cglimit_item *item, const char *file,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int putf(const struct ct_limit_job *j, const struct ct_cglimit_item *item, const char *file,
		const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return put(j, item, file, value);
}

/* The word for no limit. Version 1's files of bytes only know -1 (page_counter_memparse(),
 * hugetlb_cgroup_write_legacy()). */
static const char *no_limit(const struct ct_limit_job *j, const struct ct_limit_row *row)
{
	if (j->version == 1)
		return row->max1;
	return "max";
}

/* A write into the row's own file. */
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
	return put(j, item, name, value);
}

/* Bytes and counts are the same in both versions. */
int ct_limit_number(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	char number[24];

	if (item->max)
		return add_main(j, row, item, no_limit(j, row));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)item->n);
	return add_main(j, row, item, number);
}

/* A reaper is one process more. The kernel takes no more than its greatest number of processes
 * (pids_max_write()), which cannot be reached anyway. */
int ct_limit_pids(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	uint64_t n = item->n + (j->s->init_reaper && item->n < CT_LIMIT_PIDS_GREATEST);
	char number[24];

	if (item->max)
		return add_main(j, row, item, "max");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	return add_main(j, row, item, number);
}

static const struct ct_cglimit_item *find_item(const struct ct_spec *s, const char *key)
{
	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		if (!strcmp(s->cglimits.v[i].key, key))
			return &s->cglimits.v[i];
	}
	return NULL;
}

/* The write of the file for swap that limit.memory makes where limit.swap is not set. */
static struct ct_cg_write *add_no_swap(const struct ct_limit_job *j,
				       const struct ct_cglimit_item *item)
{
	char sum[24];

	if (j->version == 2 && item->max)
		return add(j, item, "memory.swap.max", "max");
	if (j->version == 2)
		return add(j, item, "memory.swap.max", "0");
	if (item->max)
		return add(j, item, "memory.memsw.limit_in_bytes", "-1");
	snprintf(sum, sizeof(sum), "%llu", (unsigned long long)item->n);
	return add(j, item, "memory.memsw.limit_in_bytes", sum);
}

/*
 * A limit on memory alone would only move the container into swap, so no swap is the default;
 * without a limit on memory there is none on swap, which must be written for a change while the
 * container runs. Version 1's second file counts both together and must not be below the first,
 * which is therefore written before it.
 */
int ct_limit_memory(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	int r = ct_limit_number(j, row, item);
	struct ct_cg_write *w;

	if (r < 0 || find_item(j->s, "limit.swap"))
		return r;
	w = add_no_swap(j, item);
	if (!w)
		return -ENOMEM;
	w->if_there = true;
	return 0;
}

/* Version 1 limits only the sum, so a limit of swap needs one of memory. */
int ct_limit_swap(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	const struct ct_cglimit_item *memory = find_item(j->s, "limit.memory");
	uint64_t sum = INT64_MAX;

	if (j->version == 2 || item->max)
		return ct_limit_number(j, row, item);
	if (!memory || memory->max) {
		ct_err_origin(j->e, &item->at);
		ct_err_hint(j->e, "set limit.memory");
		return ct_fail(j->e, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "version 1 of cgroups limits swap only together with memory, and "
			       "there is no limit.memory");
	}
	if (memory->n <= INT64_MAX - item->n)
		sum = memory->n + item->n;
	return putf(j, item, row->file1, "%llu", (unsigned long long)sum);
}

int ct_limit_oom_group(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item)
{
	if (j->version == 1 && !item->n)
		return 0;
	return ct_limit_number(j, row, item);
}

/*
 * The quota is for each period of 100 ms, the kernel's default. The smallest limit, 0.01 cores, is
 * the smallest quota that the kernel takes (min_cfs_quota_period, 1 ms), so a longer period is
 * never needed. Fractions of a microsecond are cut off, so that the limit is never more than asked.
 * Version 1 checks the quota against the period, so the period is written first.
 */
int ct_limit_cpu(const struct ct_limit_job *j, const struct ct_limit_row *row,
		 const struct ct_cglimit_item *item)
{
	char number[24];
	const char *quota = number;
	int r;

	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)(item->n / (1000000 / PERIOD_US)));
	if (item->max)
		quota = no_limit(j, row);
	if (j->version == 2)
		return putf(j, item, row->file2, "%s %u", quota, PERIOD_US);
	r = putf(j, item, "cpu.cfs_period_us", "%u", PERIOD_US);
	if (r < 0)
		return r;
	return put(j, item, row->file1, quota);
}

/* A weight of 100 is 1024 shares, rounded, as the kernel converts (sched_weight_from_cgroup()); it
 * takes no less than two shares (MIN_SHARES). */
int ct_limit_cpu_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
			const struct ct_cglimit_item *item)
{
	uint64_t shares = (item->n * 1024 + 50) / 100;

	if (j->version == 2)
		return ct_limit_number(j, row, item);
	if (shares < 2)
		shares = 2;
	return putf(j, item, row->file1, "%llu", (unsigned long long)shares);
}

/* The parent's value, without which no process can enter the cgroup: required also with "try:". */
static int add_parents(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
		       const char *file)
{
	struct ct_cg_write *w = add(j, item, file, NULL);

	if (!w)
		return -ENOMEM;
	w->optional = false;
	return 0;
}

/* A new cgroup of version 1 has neither processors nor memory nodes, so that no process can enter
 * it. A list that the config does not set, or that may not be possible, is first taken from the
 * cgroup above. */
int ct_limit_cpuset(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	const char *other_key = "limit.cpuset.cpus", *other_file = "cpuset.cpus";
	int r = 0;

	if (!strcmp(item->key, other_key)) {
		other_key = "limit.cpuset.mems";
		other_file = "cpuset.mems";
	}
	if (j->version == 1 && !find_item(j->s, other_key))
		r = add_parents(j, item, other_file);
	if (r == 0 && j->version == 1 && item->tried)
		r = add_parents(j, item, row->file1);
	if (r < 0)
		return r;
	return add_main(j, row, item, item->text);
}

/* The two numbers of "8:0", with or without a newline at the end. */
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

	snprintf(path, sizeof(path), "%u:%u/partition", *major, *minor);
	if (faccessat(sysfd, path, F_OK, 0) < 0)
		return 0;
	snprintf(path, sizeof(path), "%u:%u/../dev", *major, *minor);
	CT_CLEAN_FD int fd = openat(sysfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	if (read_numbers(text, major, minor) < 0)
		return -ENODEV;
	return 0;
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
		if (read_numbers(text, major, minor) < 0)
			return ct_fail(e, -EINVAL, CT_ERR_BAD_VALUE, "plan",
				       "\"%s\" is not a device", device);
		return 0;
	}
	ct_err_object(e, device);
	if (stat(device, &st) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_LIMIT, "plan", "stat",
				   "the device cannot be looked up");
	number = st.st_dev;
	if (S_ISBLK(st.st_mode))
		number = st.st_rdev;
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
static int device_text(const struct ct_limit_job *j, const struct ct_cglimit_item *item, char *buf,
		       size_t n)
{
	CT_CLEAN_FD int sysfd = -1;
	unsigned major = 0, minor = 0;
	int r;

	if (*item->device == '/')
		sysfd = open("/sys/dev/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = ct_limit_device(sysfd, item->device, &major, &minor, j->e);
	if (r < 0)
		ct_err_origin(j->e, &item->at);
	snprintf(buf, n, "%u:%u", major, minor);
	return r;
}

/* BFQ has weights from 1 to 1000 and version 2 from 1 to 10000, both with 100 as the default, which
 * stays 100, as with systemd (systemd.resource-control(5), IOWeight=). */
static unsigned long long bfq_weight(unsigned long long weight)
{
	if (weight <= 100)
		return weight;
	return 100 + (weight - 100) * (1000 - 100) / (10000 - 100);
}

/* blkio.weight of older kernels has 10 to 1000; converted as OCI's runtime-spec says
 * (config-linux.md, "Block IO"). */
static unsigned long long blkio_weight(unsigned long long weight)
{
	return 10 + ((weight - 1) * 990 + 9999 / 2) / 9999;
}

/* A write of `first`, or of `second` into the file's other name, which has another range. */
static int add_weight(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
		      const char *prefix, const char *const file[2], unsigned long long first,
		      unsigned long long second)
{
	struct ct_cg_write *w;
	char value[64];

	snprintf(value, sizeof(value), "%s%llu", prefix, first);
	w = add(j, item, file[0], value);
	if (!w)
		return -ENOMEM;
	w->file2 = file[1];
	w->value2 = ct_arena_printf(j->a, "%s%llu", prefix, second);
	if (!w->value2)
		return ct_oom(j->e);
	return 0;
}

int ct_limit_io_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item)
{
	static const char *const all[2] = { "blkio.bfq.weight", "blkio.weight" };
	static const char *const one[2] = { "blkio.bfq.weight_device", "blkio.weight_device" };
	const char *const v2[2] = { row->file2, "io.bfq.weight" };
	unsigned long long weight = item->n, bfq = bfq_weight(weight);
	char device[32] = "default", prefix[40];

	if (item->device) {
		int r = device_text(j, item, device, sizeof(device));

		if (r < 0)
			return r;
	}
	snprintf(prefix, sizeof(prefix), "%s ", device);
	if (j->version == 2)
		return add_weight(j, item, prefix, v2, weight, bfq);
	if (item->device)
		return add_weight(j, item, prefix, one, bfq, blkio_weight(weight));
	return add_weight(j, item, "", all, bfq, blkio_weight(weight));
}

/* Version 1's four files, in the order of rate[]. */
static const char *const throttle[4] = { "blkio.throttle.read_bps_device",
					 "blkio.throttle.write_bps_device",
					 "blkio.throttle.read_iops_device",
					 "blkio.throttle.write_iops_device" };

/* Version 1 has a file for each rate, and 0 takes a limit away. */
static int throttle_v1(const struct ct_limit_job *j, const struct ct_cglimit_item *item,
		       const char *device)
{
	int r = 0;

	for (int i = 0; i < 4 && r == 0; i++) {
		unsigned long long rate = item->rate[i];

		if (item->rate[i] == CT_RATE_UNSET)
			continue;
		if (item->rate[i] == CT_RATE_MAX)
			rate = 0;
		r = putf(j, item, throttle[i], "%s %llu", device, rate);
	}
	return r;
}

int ct_limit_io_max(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item)
{
	static const char *const names[4] = { "rbps", "wbps", "riops", "wiops" };
	CT_CLEAN_BUF struct ct_buf line = CT_BUF_INIT;
	char device[32];
	int r = device_text(j, item, device, sizeof(device));

	if (r < 0)
		return r;
	if (j->version == 1)
		return throttle_v1(j, item, device);
	ct_buf_str(&line, device);
	for (int i = 0; i < 4; i++) {
		if (item->rate[i] == CT_RATE_MAX)
			ct_buf_printf(&line, " %s=max", names[i]);
		else if (item->rate[i] != CT_RATE_UNSET)
			ct_buf_printf(&line, " %s=%llu", names[i],
				      (unsigned long long)item->rate[i]);
	}
	if (ct_buf_error(&line))
		return ct_oom(j->e);
	return put(j, item, row->file2, ct_buf_text(&line));
}

int ct_limit_text(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item)
{
	return add_main(j, row, item, item->text);
}
