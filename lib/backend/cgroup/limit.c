/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits in one table, in the order in which their files must be written. */
#include "backend/cgroup/limit.h"

#include <errno.h>
#include <string.h>

#include "backend/cgroup/limit-convert.h"

static const struct ct_limit_row rows[] = {
	{ "limit.memory", CT_CG_MEMORY, "memory.max", "memory.limit_in_bytes", "-1",
	  ct_limit_memory, NULL, NULL },
	{ "limit.swap", CT_CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes", "-1",
	  ct_limit_swap, NULL, NULL },
	{ "limit.memory.high", CT_CG_MEMORY, "memory.high", NULL, NULL, ct_limit_number,
	  "mark above which memory is reclaimed", "set limit.memory" },
	/* as the OCI specification's memory.reservation */
	{ "limit.memory.low", CT_CG_MEMORY, "memory.low", "memory.soft_limit_in_bytes", "-1",
	  ct_limit_number, NULL, NULL },
	{ "limit.oom.group", CT_CG_MEMORY, "memory.oom.group", NULL, NULL, ct_limit_oom_group,
	  "killing of all processes together", "set limit.oom.group = 0" },
	{ "limit.pids", CT_CG_PIDS, "pids.max", "pids.max", "max", ct_limit_pids, NULL, NULL },
	{ "limit.cpu", CT_CG_CPU, "cpu.max", "cpu.cfs_quota_us", "-1", ct_limit_cpu, NULL, NULL },
	{ "limit.cpu.burst", CT_CG_CPU, "cpu.max.burst", "cpu.cfs_burst_us", NULL, ct_limit_number,
	  NULL, NULL },
	{ "limit.cpu.weight", CT_CG_CPU, "cpu.weight", "cpu.shares", NULL, ct_limit_cpu_weight,
	  NULL, NULL },
	{ "limit.cpuset.cpus", CT_CG_CPUSET, "cpuset.cpus", "cpuset.cpus", NULL, ct_limit_cpuset,
	  NULL, NULL },
	{ "limit.cpuset.mems", CT_CG_CPUSET, "cpuset.mems", "cpuset.mems", NULL, ct_limit_cpuset,
	  NULL, NULL },
	{ "limit.io.weight", CT_CG_IO, "io.weight", "blkio.bfq.weight", NULL, ct_limit_io_weight,
	  NULL, NULL },
	{ "limit.io.max", CT_CG_IO, "io.max", "blkio.throttle.read_bps_device", NULL,
	  ct_limit_io_max, NULL, NULL },
	{ "limit.hugetlb", CT_CG_HUGETLB, "hugetlb.%s.max", "hugetlb.%s.limit_in_bytes", "-1",
	  ct_limit_number, NULL, NULL },
	{ "limit.rdma", CT_CG_RDMA, "rdma.max", "rdma.max", NULL, ct_limit_text, NULL, NULL },
	{ "limit.misc", CT_CG_MISC, "misc.max", "misc.max", NULL, ct_limit_text, NULL, NULL },
	/* enforced by the keeper or supervisor, which polls the CPU time of the cgroup */
	{ "limit.cputime", CT_CG_CPUACCT, NULL, NULL, NULL, NULL, NULL, NULL },
	/* devices.c */
	{ "limit.devices", CT_CG_DEVICES, NULL, NULL, NULL, NULL, NULL, NULL },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

/* The row of a key; *sub is what follows the row's key and a dot, where the row allows that. NULL:
 * there is none. */
static const struct ct_limit_row *find_row(const char *key, const char **sub)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		size_t n = strlen(rows[i].key);
		bool open = rows[i].file2 && strchr(rows[i].file2, '%');

		if (strncmp(key, rows[i].key, n))
			continue;
		if (!key[n]) {
			*sub = "";
			return &rows[i];
		}
		if (open && key[n] == '.' && key[n + 1]) {
			*sub = key + n + 1;
			return &rows[i];
		}
	}
	return NULL;
}

uint32_t ct_limit_bit(const char *key)
{
	const char *sub;
	const struct ct_limit_row *row = find_row(key, &sub);

	if (!row)
		return 0;
	return row->bit;
}

const char *ct_limit_file(const char *key, const char *sub, int version, char *buf, size_t n)
{
	const char *in_key = "";
	const struct ct_limit_row *row = find_row(key, &in_key);

	if (!row)
		return NULL;
	if (*in_key)
		sub = in_key;
	return ct_limit_name(row, sub, version, buf, n);
}

/* Whether a start goes on without this limit: one with "try:", or one that limits nothing. */
static bool is_best_effort(const struct ct_cglimit_item *item)
{
	return item->tried || ct_cglimit_idle(item);
}

uint32_t ct_limit_controllers(const struct ct_spec *s, bool best_effort)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		if (best_effort || !is_best_effort(&s->cglimits.v[i]))
			bits |= ct_limit_bit(s->cglimits.v[i].key);
	}
	if (s->limit_cputime_us && (best_effort || !s->limit_cputime_tried))
		bits |= CT_CG_CPUACCT;
	return bits;
}

const struct ct_origin *ct_limit_asking(const struct ct_spec *s, uint32_t bit, bool *best_effort)
{
	const struct ct_origin *first = NULL;

	*best_effort = false;
	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		const struct ct_cglimit_item *item = &s->cglimits.v[i];

		if (ct_limit_bit(item->key) != bit)
			continue;
		if (!is_best_effort(item))
			return &item->at;
		if (!first)
			first = &item->at;
	}
	if (!first && bit == CT_CG_CPUACCT && s->limit_cputime_us) {
		*best_effort = s->limit_cputime_tried;
		return ct_spec_origin(s, "limit.cputime");
	}
	*best_effort = first;
	return first;
}

/* Adds the writes of one item. A best-effort one that cannot be expressed adds nothing, and is no
 * failure. */
static int convert(const struct ct_limit_job *j, const struct ct_limit_row *row,
		   const struct ct_cglimit_item *item)
{
	struct ct_limit_job quiet = *j;
	struct ct_err ignored;
	uint32_t before = j->out->n;
	int r;

	if (!is_best_effort(item))
		return row->convert(j, row, item);
	ct_err_clear(&ignored);
	quiet.e = &ignored;
	r = row->convert(&quiet, row, item);
	if (r == -ENOMEM)
		return ct_oom(j->e);
	if (r < 0)
		j->out->n = before;
	return 0;
}

int ct_limit_writes(const struct ct_spec *s, int version, uint32_t bits, struct ct_arena *a,
		    struct ct_cg_writes *out, struct ct_err *e)
{
	const struct ct_limit_job job = { s, version, a, out, e };

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct ct_limit_row *row = &rows[i];

		for (uint32_t k = 0; row->convert && row->bit & bits && k < s->cglimits.n; k++) {
			const struct ct_cglimit_item *item = &s->cglimits.v[k];
			int r = 0;

			if (!strcmp(item->key, row->key))
				r = convert(&job, row, item);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
