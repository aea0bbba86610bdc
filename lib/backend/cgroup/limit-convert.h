/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conversion of limits into writes, for limit.c alone. */
#ifndef CT_BACKEND_CGROUP_LIMIT_CONVERT_H
#define CT_BACKEND_CGROUP_LIMIT_CONVERT_H

#include "backend/cgroup/limit.h"

struct ct_limit_row;

/* The arguments that all conversions of one call share. */
struct ct_limit_job {
	const struct ct_spec *s;
	int version;
	struct ct_arena *a;
	struct ct_cg_writes *out;
	struct ct_err *e;
};

/* Adds the writes of one item. 0; -EOPNOTSUPP, recorded, for what this version cannot express;
 * other negative errnos, recorded. */
typedef int (*ct_limit_fn)(const struct ct_limit_job *j, const struct ct_limit_row *row,
			   const struct ct_cglimit_item *item);

/* One key. */
struct ct_limit_row {
	const char *key;
	uint32_t bit; /* CT_CG_* */
	/* main file of version 2, and 1; "%s" is the key's free part; NULL: there is none */
	const char *file2, *file1;
	const char *max1;    /* version 1's word for no limit */
	ct_limit_fn convert; /* NULL: there is no file for it */
	const char *lack;    /* without file1: what version 1 lacks, for messages, and */
	const char *remedy;  /* what to do */
};

/* The file's name with `sub` in place of "%s"; NULL: there is none on this version, or buf is too
 * small. */
const char *ct_limit_name(const struct ct_limit_row *row, const char *sub, int version, char *buf,
			  size_t n);

/* One value into one file: bytes, a count. */
int ct_limit_number(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item);
/* limit.pids does not count the reaper, the kernel does. */
int ct_limit_pids(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item);
/* limit.memory, and no swap where limit.swap is not set. */
int ct_limit_memory(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item);
/* limit.swap: version 2 counts swap alone, version 1 the sum. */
int ct_limit_swap(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item);
/* limit.oom.group; version 1 has no file, and needs none for 0. */
int ct_limit_oom_group(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item);
/* limit.cpu: quota and period. */
int ct_limit_cpu(const struct ct_limit_job *j, const struct ct_limit_row *row,
		 const struct ct_cglimit_item *item);
/* limit.cpu.weight. */
int ct_limit_cpu_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
			const struct ct_cglimit_item *item);
/* limit.cpuset.*: in version 1 both files must be filled. */
int ct_limit_cpuset(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item);
/* limit.io.weight, for all devices or one. */
int ct_limit_io_weight(const struct ct_limit_job *j, const struct ct_limit_row *row,
		       const struct ct_cglimit_item *item);
/* limit.io.max: one line of version 2, up to four files of version 1. */
int ct_limit_io_max(const struct ct_limit_job *j, const struct ct_limit_row *row,
		    const struct ct_cglimit_item *item);
/* limit.rdma, limit.misc: the text is the kernel's own. */
int ct_limit_text(const struct ct_limit_job *j, const struct ct_limit_row *row,
		  const struct ct_cglimit_item *item);

/* The numbers of a device: of MAJOR:MINOR as they are; of a block device, or else of the device
 * below the path's file system, those of the whole disk. `sysfd` is /sys/dev/block. -ENODEV and
 * others, recorded without origin. */
int ct_limit_device(int sysfd, const char *device, unsigned *major, unsigned *minor,
		    struct ct_err *e);

#endif
