/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits of ct-run's command line: rows of its table, each of which is a config key. */
#ifndef CT_TOOLS_RUN_LIMITS_H
#define CT_TOOLS_RUN_LIMITS_H

#include "common.h"

struct run_limits {
	const char *memory, *swap, *cpus, *cpu_weight, *pids, *cputime, *cpuset, *devices;
	struct strings io_max, device;
};
/* clang-format off */
#define LIMIT_ROWS(to) \
	{ 'm', "memory", "SIZE", OPT_STRING, &(to).memory, \
	  "limit of memory: 64M (limit.memory)", NULL }, \
	{ 0, "swap", "SIZE", OPT_STRING, &(to).swap, \
	  "limit of swap, on top of it (limit.swap)", NULL }, \
	{ 0, "cpus", "N", OPT_STRING, &(to).cpus, \
	  "processor cores worth of time: 0.5, 2 (limit.cpu)", NULL }, \
	{ 0, "cpu-weight", "N", OPT_STRING, &(to).cpu_weight, \
	  "share when others want time, too (limit.cpu.weight)", NULL }, \
	{ 0, "cputime", "TIME", OPT_STRING, &(to).cputime, \
	  "limit of CPU time: 1s, 500ms (limit.cputime)", NULL }, \
	{ 0, "cpuset", "LIST", OPT_STRING, &(to).cpuset, \
	  "the only processors: 0-3,5 (limit.cpuset.cpus)", NULL }, \
	{ 0, "cpuset-cpus", "LIST", OPT_STRING, &(to).cpuset, "the same as --cpuset", NULL }, \
	{ 0, "pids", "N", OPT_STRING, &(to).pids, \
	  "limit of processes and threads (limit.pids)", NULL }, \
	{ 0, "pids-limit", "N", OPT_STRING, &(to).pids, "the same as --pids", NULL }, \
	{ 0, "io-max", "SPEC", OPT_LIST, &(to).io_max, \
	  "rate of a block device: /dev/sda rbps=1M wiops=100 (limit.io.max)", NULL }, \
	{ 0, "devices", "SET", OPT_STRING, &(to).devices, \
	  "device files that work: default, none or all (limit.devices)", NULL }, \
	{ 0, "device", "RULE", OPT_LIST, &(to).device, \
	  "one more that works: \"c 10:229 rw\" (cgroup2.devices.allow)", NULL }
/* clang-format on */

/* Sets their keys. Returns as load_config(). */
int run_limits_apply(const struct args *a, ct_container *c, const struct run_limits *l);

#endif
