/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel says of cgroups: the texts of a group's files, in every form, and the layout of
 * the hierarchies. For the latter the input is mountinfo, a NUL and /proc/self/cgroup.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/usage.h"
#include "base/num.h"
#include "host/cgroup.h"
#include "shared/keyed.h"

#include "must.h"

static const struct {
	enum ct_keyed_how how;
	const char *key;
} figures[] = {
	{ CT_KEYED_NUMBER, "" },
	{ CT_KEYED_LINE, "oom_kill" },
	{ CT_KEYED_TREE, "max" },
	{ CT_KEYED_LINE, "usage_usec" },
	{ CT_KEYED_LINES, "slab kernel_stack pagetables" },
	{ CT_KEYED_DEVICES, "rbytes" },
	{ CT_KEYED_DEVICES, "wios" },
	{ CT_KEYED_OPERATION, "Read" },
	{ CT_KEYED_OPERATION, "Write" },
	{ CT_KEYED_TOKEN, "some total" },
	{ CT_KEYED_HUNDREDTHS, "full avg10" },
};

/* In pieces of whole lines, the first of them at least `first` bytes long, a text says
 * the same as at once. */
static void check_pieces(const char *text, size_t n, size_t first)
{
	size_t at = first % (n + 1);

	while (at < n && at && text[at - 1] != '\n')
		at++;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		struct ct_keyed k = { .key = figures[i].key, .how = (uint8_t)figures[i].how };
		uint64_t at_once = ct_keyed_in(figures[i].how, text, n, figures[i].key);

		ct_keyed_feed(&k, text, at);
		ct_keyed_feed(&k, text + at, n - at);
		MUST(ct_keyed_value(&k) == at_once);
		MUST(!ct_keyed_unsaid(&k) || at_once == CT_ABSENT);
		/* what says nothing takes nothing away */
		if (figures[i].how != CT_KEYED_NUMBER) {
			ct_keyed_feed(&k, "\nx\n", 3);
			MUST(ct_keyed_value(&k) == at_once);
		}
	}
}

/* The library's own number parser is the judge. */
static void check_number(const char *text, size_t n)
{
	char s[64];
	uint64_t v = 0, got = ct_usage_number(text, n);
	int r;

	if (n >= sizeof(s) || memchr(text, 0, n))
		return;
	memcpy(s, text, n);
	s[n] = '\0';
	if (n && s[n - 1] == '\n')
		s[n - 1] = '\0';
	r = ct_parse_u64(s, &v);
	MUST(got == CT_ABSENT || (r == 0 && got == v));
	MUST(r != 0 || got == v || (got == CT_ABSENT && v % 4096 == 0 && v >> 62 == 1));
}

static void check_text(const char *text, size_t n)
{
	ct_pressure p;
	int frozen = ct_keyed_frozen(text, n);
	uint64_t v = ct_usage_keyed(text, n, "frozen");

	check_pieces(text, n, n / 2);
	check_pieces(text, n, 1);
	check_number(text, n);
	MUST(frozen == (v <= 1 ? (int)v : -1));
	MUST(ct_keyed_populated(text, n) >= -1);
	MUST(ct_keyed_freezer(text, n) <= CT_KEYED_FROZEN);
	MUST(ct_keyed_whole(text, n) <= n);
	MUST(ct_usage_io(text, n, "rbytes") == ct_keyed_in(CT_KEYED_DEVICES, text, n, "rbytes"));
	MUST(ct_usage_blkio(text, n, "Read") == ct_keyed_in(CT_KEYED_OPERATION, text, n, "Read"));
	ct_usage_pressure(text, n, &p);
	MUST(p.full_avg10 == ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "full avg10"));
}

static void check_layout(const char *mountinfo, const char *self)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_cgroups c = { .n = 0 };

	MUST(a);
	MUST(ct_cgroups_parse(mountinfo, self, &c, a) == 0);
	MUST(c.n <= CT_CG_TREES);
	MUST((strcmp(ct_cg_layout(&c), "none") == 0) == (c.n == 0));
	for (uint32_t i = 0; i < c.n; i++) {
		const struct ct_cg_tree *t = &c.v[i];

		MUST(t->version == 1 || (t->version == 2 && t->controllers == 0));
		MUST(t->name && t->mount);
		MUST(!t->self || !*t->self || *t->self == '/');
		for (uint32_t bit = 1; bit <= CT_CG_PERF; bit <<= 1)
			MUST(!(t->controllers & bit) || ct_cg_serving(&c, bit, 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* terminated twice: a mountinfo without a NUL is followed by an empty second text */
	char *copy = malloc(size + 2);

	MUST(copy);
	if (size)
		memcpy(copy, data, size);
	copy[size] = copy[size + 1] = '\0';
	check_text((const char *)data, size);
	check_layout(copy, copy + strlen(copy) + 1);
	free(copy);
	return 0;
}
