/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A config with limits: what the spec takes of it can be written for either version, or is refused
 * with a reason; no file has a way out of its group and no value a second line. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/limit.h"
#include "base/num.h"
#include "model/config.h"

#include "must.h"

#define ALL 0xffffu

static void check_file(const char *file)
{
	size_t n = strlen(file);

	MUST(n > 4 && n < 64 && strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789._KMGB") == n &&
	     *file != '.');
}

static void check_value(const char *value)
{
	MUST(*value);
	for (; *value; value++)
		MUST((unsigned char)*value >= ' ' && *value != 0x7f);
}

/* The number that a file gets; 0 when it gets none, or no number. */
static uint64_t number_of(const struct ct_cg_writes *w, const char *file)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		if (!strcmp(w->v[i].file, file) && w->v[i].value)
			ct_parse_u64(w->v[i].value, &v);
	}
	return v;
}

static void check_writes(const struct ct_cg_writes *w, int version)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct ct_cg_write *one = &w->v[i];

		MUST(one->at && !strncmp(one->at->key, "limit.", 6));
		check_file(one->file);
		MUST(one->value ||
		     (version == 1 && !strncmp(one->file, "cpuset.", 7) && !one->optional));
		if (one->value)
			check_value(one->value);
		if (one->file2)
			check_file(one->file2);
		MUST(one->file2 || !one->value2);
		if (one->value2)
			check_value(one->value2);
	}
	/* what the kernel would refuse */
	if (version == 1 && number_of(w, "memory.memsw.limit_in_bytes"))
		MUST(number_of(w, "memory.memsw.limit_in_bytes") >=
		     number_of(w, "memory.limit_in_bytes"));
	if (version == 1 && number_of(w, "cpu.cfs_quota_us"))
		MUST(number_of(w, "cpu.cfs_quota_us") >= 1000 &&
		     number_of(w, "cpu.cfs_quota_us") >= number_of(w, "cpu.cfs_burst_us"));
	if (version == 1 && number_of(w, "cpu.shares"))
		MUST(number_of(w, "cpu.shares") >= 2 && number_of(w, "cpu.shares") <= 262144);
}

static void check_version(const struct ct_spec *s, int version, struct ct_arena *a)
{
	struct ct_cg_writes all = { NULL, 0 }, parts = { NULL, 0 };
	bool all_tried = true;
	struct ct_err e;
	int r;

	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		all_tried &= s->cglimits.v[i].tried;
		MUST(ct_limit_bit(s->cglimits.v[i].key) & ct_limit_controllers(s, true));
		MUST(s->cglimits.v[i].tried || ct_cglimit_idle(&s->cglimits.v[i]) ||
		     ct_limit_bit(s->cglimits.v[i].key) & ct_limit_controllers(s, false));
	}
	ct_err_clear(&e);
	r = ct_limit_writes(s, version, ALL, a, &all, &e);
	check_writes(&all, version);
	MUST(e.err == r && (r == 0 || (*e.message && e.key[0])));
	MUST(!all_tried || r == 0);
	/* by controller: the same writes */
	for (uint32_t bit = 1; r == 0 && bit <= ALL; bit <<= 1)
		MUST(ct_limit_writes(s, version, bit, a, &parts, NULL) == 0);
	MUST(r < 0 || parts.n == all.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct ct_config *c = ct_config_new();
	struct ct_arena *a = ct_arena_new();
	struct ct_err e;

	MUST(text && c && a);
	ct_err_clear(&e);
	/* no files of this machine but the devices that a path names */
	if (!strstr(text, "include") && !strstr(text, "fstab") &&
	    ct_config_load_text(c, text, strlen(text), "c", &e) == 0) {
		const struct ct_spec *s = ct_spec_read(c, a, &e);

		MUST(s || (e.err < 0 && *e.message));
		for (int version = 1; s && version <= 2; version++)
			check_version(s, version, a);
	}
	ct_arena_free(a);
	ct_config_free(c);
	free(text);
	return 0;
}
