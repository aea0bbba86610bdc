/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-limits.h"

static int define_each(const struct args *a, ct_container *c, const char *key,
		       const struct strings *values)
{
	int err = 0;

	for (size_t i = 0; i < values->n && !err; i++)
		err = define(a, c, key, values->v[i]);
	return err;
}

int run_limits_apply(const struct args *a, ct_container *c, const struct run_limits *l)
{
	const struct {
		const char *key, *value;
	} rows[] = {
		{ "limit.memory", l->memory },	 { "limit.swap", l->swap },
		{ "limit.cpu", l->cpus },	 { "limit.cpu.weight", l->cpu_weight },
		{ "limit.cputime", l->cputime }, { "limit.cpuset.cpus", l->cpuset },
		{ "limit.pids", l->pids },	 { "limit.devices", l->devices },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && !err; i++)
		err = define(a, c, rows[i].key, rows[i].value);
	if (!err)
		err = define_each(a, c, "limit.io.max", &l->io_max);
	/* for both cgroup versions: the host decides which one is used */
	if (!err)
		err = define_each(a, c, "cgroup2.devices.allow", &l->device);
	if (err)
		return err;
	return define_each(a, c, "cgroup.devices.allow", &l->device);
}
