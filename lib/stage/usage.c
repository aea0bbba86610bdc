/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the container has used. The table is the library's, too: shared/verdict.def. */
#include <stddef.h>
#include <string.h>

#include "stage/usage.h"
#include "shared/figure.h"

static const struct ct_figure rows[] = {
#define CT_VERDICT(field, version, controller, file, how, key, divisor) \
	CT_FIGURE(struct usage, field, version, controller, file, how, key, divisor),
#include "shared/verdict.def"
#undef CT_VERDICT
};

static void read_wanted(const struct usage_place *v, uint32_t n, uint32_t wanted, struct usage *out)
{
	struct ct_figures s = { rows, sizeof(rows) / sizeof(rows[0]), wanted, out };

	memset(out, 0xff, sizeof(*out));
	for (unsigned version = 1; version <= 2; version++) {
		for (uint32_t i = 0; i < n; i++) {
			if (v[i].version == version)
				ct_figures_add(&s, version, v[i].controllers, v[i].fd);
		}
	}
}

void usage_read(const struct usage_place *v, uint32_t n, struct usage *out)
{
	read_wanted(v, n, ~(uint32_t)0, out);
}

uint64_t usage_cpu_us(const struct usage_place *v, uint32_t n)
{
	struct usage u;

	read_wanted(v, n, CT_FIGURE_CPUACCT, &u);
	return u.cpu_us;
}
