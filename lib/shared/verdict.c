/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counters of a verdict, read and judged alike by the library and by the supervisor. */
#include <stddef.h>
#include <string.h>

#include <contain/contain.h>

#include "shared/verdict.h"

static const struct ct_figure rows[] = {
#define CT_VERDICT(field, version, controller, file, how, key, divisor) \
	CT_FIGURE(struct ct_counters, field, version, controller, file, how, key, divisor),
#include "shared/verdict.def"
};

static void read_wanted(const struct ct_cg_place *v, uint32_t n, uint32_t wanted,
			struct ct_counters *out)
{
	struct ct_figures s = { rows, sizeof(rows) / sizeof(rows[0]), wanted, out };

	memset(out, 0xff, sizeof(*out));
	for (unsigned version = 1; version <= 2; version++)
		ct_figures_add_places(&s, version, v, n);
}

void ct_counters_read(const struct ct_cg_place *v, uint32_t n, struct ct_counters *out)
{
	read_wanted(v, n, ~(uint32_t)0, out);
}

uint64_t ct_counters_cpu_us(const struct ct_cg_place *v, uint32_t n)
{
	struct ct_counters c;

	read_wanted(v, n, CT_CG_CPUACCT, &c);
	return c.cpu_us;
}

static int some(uint64_t v)
{
	return v && v != CT_ABSENT;
}

void ct_verdict_add(struct ct_verdict *v, const struct ct_counters *c, uint64_t before_us,
		    int reaper)
{
	v->tree = *c;
	if (c->cpu_us != CT_ABSENT)
		v->tree.cpu_us = ct_since(c->cpu_us, before_us);
	if (reaper && c->pids_peak != CT_ABSENT && c->pids_peak > 1)
		v->tree.pids_peak--;
	if (v->reason != CT_EXIT_EXITED && v->reason != CT_EXIT_SIGNALED)
		return;
	if (some(c->oom_kills))
		v->reason = CT_EXIT_MEMORY;
	else if (some(c->pids_refused))
		v->reason = CT_EXIT_PIDS;
}
