/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container uses: a table with a row for each counter and version, which is read as
 * shared/figure.h and shared/keyed.h say. */
#include <stddef.h>
#include <string.h>

#include "backend/cgroup/usage.h"
#include "shared/figure.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* Of several rows for one counter and version, the first that has a value counts. */
static const struct ct_figure usage_rows[] = {
/* the counters that are reported also when a container has ended */
#define CT_VERDICT(field, version, controller, file, how, key, divisor) \
	CT_FIGURE(ct_usage, field, version, controller, file, how, key, divisor),
#include "shared/verdict.def"
#define V1(field, controller, file, how, key, divisor) \
	CT_FIGURE(ct_usage, field, 1, CT_CG_##controller, file, how, key, divisor)
#define V2(field, controller, file, how, key) \
	CT_FIGURE(ct_usage, field, 2, CT_CG_##controller, file, how, key, 1)
	V1(memory, MEMORY, "memory.usage_in_bytes", NUMBER, "", 1),
	V1(memory_limit, MEMORY, "memory.limit_in_bytes", NUMBER, "", 1),
	V1(memory_anon, MEMORY, "memory.stat", LINE, "total_rss", 1),
	V1(memory_file, MEMORY, "memory.stat", LINE, "total_cache", 1),
	V1(memory_kernel, MEMORY, "memory.kmem.usage_in_bytes", NUMBER, "", 1),
	V1(memory_max_events, MEMORY, "memory.failcnt", NUMBER, "", 1),
	/* not memory.memsw.usage_in_bytes without memory.usage_in_bytes: both change between the
	 * reads, so their difference is not 0 without swap */
	V1(swap, MEMORY, "memory.stat", LINE, "total_swap", 1),
	V1(cpu_user_us, CPUACCT, "cpuacct.usage_user", NUMBER, "", 1000),
	V1(cpu_system_us, CPUACCT, "cpuacct.usage_sys", NUMBER, "", 1000),
	V1(cpu_periods, CPU, "cpu.stat", LINE, "nr_periods", 1),
	V1(cpu_throttled_periods, CPU, "cpu.stat", LINE, "nr_throttled", 1),
	V1(cpu_throttled_us, CPU, "cpu.stat", LINE, "throttled_time", 1000),
	V1(io_reads, IO, "blkio.throttle.io_serviced_recursive", OPERATION, "Read", 1),
	V1(io_writes, IO, "blkio.throttle.io_serviced_recursive", OPERATION, "Write", 1),
	V1(io_reads, IO, "blkio.bfq.io_serviced_recursive", OPERATION, "Read", 1),
	V1(io_writes, IO, "blkio.bfq.io_serviced_recursive", OPERATION, "Write", 1),
	V1(pids, PIDS, "pids.current", NUMBER, "", 1),
	V1(pids_limit, PIDS, "pids.max", NUMBER, "", 1),

	V2(memory, MEMORY, "memory.current", NUMBER, ""),
	V2(memory_limit, MEMORY, "memory.max", NUMBER, ""),
	V2(memory_anon, MEMORY, "memory.stat", LINE, "anon"),
	V2(memory_file, MEMORY, "memory.stat", LINE, "file"),
	V2(memory_kernel, MEMORY, "memory.stat", LINE, "kernel"), /* 5.18 */
	V2(memory_kernel, MEMORY, "memory.stat", LINES, "slab kernel_stack pagetables"),
	V2(swap, MEMORY, "memory.swap.current", NUMBER, ""),
	V2(swap_limit, MEMORY, "memory.swap.max", NUMBER, ""),
	V2(memory_high_events, MEMORY, "memory.events", LINE, "high"),
	V2(memory_max_events, MEMORY, "memory.events", LINE, "max"),
	V2(oom_events, MEMORY, "memory.events", LINE, "oom"),
	V2(cpu_user_us, CPUACCT, "cpu.stat", LINE, "user_usec"),
	V2(cpu_system_us, CPUACCT, "cpu.stat", LINE, "system_usec"),
	V2(cpu_periods, CPU, "cpu.stat", LINE, "nr_periods"),
	V2(cpu_throttled_periods, CPU, "cpu.stat", LINE, "nr_throttled"),
	V2(cpu_throttled_us, CPU, "cpu.stat", LINE, "throttled_usec"),
	V2(io_reads, IO, "io.stat", DEVICES, "rios"),
	V2(io_writes, IO, "io.stat", DEVICES, "wios"),
	V2(pids, PIDS, "pids.current", NUMBER, ""),
	V2(pids_limit, PIDS, "pids.max", NUMBER, ""),
/* pressure: any cgroup of version 2 has it */
#define PRESSURE(field, file, kind)                                              \
	V2(field.kind##_avg10, ANY, file, HUNDREDTHS, #kind " avg10"),           \
		V2(field.kind##_avg60, ANY, file, HUNDREDTHS, #kind " avg60"),   \
		V2(field.kind##_avg300, ANY, file, HUNDREDTHS, #kind " avg300"), \
		V2(field.kind##_total_us, ANY, file, TOKEN, #kind " total")
	PRESSURE(cpu_pressure, "cpu.pressure", some),
	PRESSURE(cpu_pressure, "cpu.pressure", full),
	PRESSURE(memory_pressure, "memory.pressure", some),
	PRESSURE(memory_pressure, "memory.pressure", full),
	PRESSURE(io_pressure, "io.pressure", some),
	PRESSURE(io_pressure, "io.pressure", full),
#undef PRESSURE
};
_Static_assert(COUNT(usage_rows) <= CT_FIGURE_ROWS, "ct_figures_add() takes no more");

/* The limit of memory and swap together, from which that of swap follows where memory has a
 * limit. */
static const struct ct_figure both_rows[] = { V1(swap_limit, MEMORY, "memory.memsw.limit_in_bytes",
						 NUMBER, "", 1) };
#undef V1
#undef V2

/* Version 1's limit of swap alone. */
static void read_swap_limit(const struct ct_cg_place *v, uint32_t n, ct_usage *out)
{
	struct ct_figures s = { both_rows, COUNT(both_rows), CT_CG_MEMORY, out };

	if (out->memory_limit == CT_ABSENT)
		return;
	ct_figures_add_places(&s, 1, v, n);
	if (out->swap_limit == CT_ABSENT)
		return;
	if (out->swap_limit > out->memory_limit)
		out->swap_limit -= out->memory_limit;
	else
		out->swap_limit = 0;
}

void ct_usage_read(const struct ct_cg_place *v, uint32_t n, ct_usage *out)
{
	struct ct_figures s = { usage_rows, COUNT(usage_rows), ~(uint32_t)0, out };
	size_t size = out->size;

	memset(out, 0xff, sizeof(*out));
	out->size = size;
	ct_figures_add_places(&s, 1, v, n);
	read_swap_limit(v, n, out);
	ct_figures_add_places(&s, 2, v, n);
}
