/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the relations between the keys of cgroups and limits. */
#include "model/check.h"

#include <string.h>

#include "base/error.h"

#define DEFAULT_HINT "clear one of them with an empty value"

static const struct ct_cglimit_item *find_limit(const struct ct_spec *s, const char *key)
{
	for (uint32_t i = 0; i < s->cglimits.n; i++) {
		if (!strcmp(s->cglimits.v[i].key, key))
			return &s->cglimits.v[i];
	}
	return NULL;
}

/* limit.memory.high and limit.memory.low have no effect above limit.memory. */
static int check_marks(const struct ct_spec *s, struct ct_err *e)
{
	static const char *const marks[] = { "limit.memory.high", "limit.memory.low" };
	const struct ct_cglimit_item *limit = find_limit(s, "limit.memory");
	int r = 0;

	for (size_t i = 0; limit && !limit->max && i < sizeof(marks) / sizeof(*marks) && r >= 0;
	     i++) {
		const struct ct_cglimit_item *mark = find_limit(s, marks[i]);

		if (!mark || mark->max || mark->n <= limit->n)
			continue;
		ct_err_hint(e, "it counts only below limit.memory");
		r = ct_err_go_on(e, ct_check_conflict(e, &mark->at,
						      "%s is above limit.memory, which is %s",
						      mark->text, limit->text));
	}
	return r;
}

/* Limits that have no effect without another one. */
static int check_companions(const struct ct_spec *s, struct ct_err *e)
{
	static const struct {
		const char *key, *needs;
	} rows[] = {
		{ "limit.cpu.burst", "limit.cpu" },
		{ "limit.oom.group", "limit.memory" },
	};

	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && r >= 0; i++) {
		const struct ct_cglimit_item *item = find_limit(s, rows[i].key),
					     *other = find_limit(s, rows[i].needs);

		if (!item || !item->n || (other && !other->max))
			continue;
		ct_err_hint(e, "set %s", rows[i].needs);
		r = ct_err_go_on(e, ct_check_conflict(e, &item->at,
						      "there is no %s that it could be for",
						      rows[i].needs));
	}
	return r;
}

/* The kernel takes no burst above what a period of 100 ms allows, which is a tenth of the
 * millionths of a core in microseconds. */
static int check_burst(const struct ct_spec *s, struct ct_err *e)
{
	const struct ct_cglimit_item *burst = find_limit(s, "limit.cpu.burst"),
				     *cpu = find_limit(s, "limit.cpu");

	if (!burst || !cpu || cpu->max || burst->n <= cpu->n / 10)
		return 0;
	ct_err_hint(e, "the burst may be at most as long again as the time in one period of 100ms");
	return ct_check_conflict(e, &burst->at,
				 "%s is more than the %lluus of one period that "
				 "limit.cpu = %s allows",
				 burst->text, (unsigned long long)(cpu->n / 10), cpu->text);
}

/* Records that `at` needs the cgroup that cgroup.backend = none does not make. */
static int no_cgroup(struct ct_err *e, const struct ct_origin *at, bool may_try)
{
	if (may_try)
		ct_err_hint(e, "take one of them out, or write \"try:\" in front of the value");
	else
		ct_err_hint(e, "take one of them out");
	return ct_err_go_on(e, ct_check_conflict(e, at,
						 "it needs a cgroup, and cgroup.backend = "
						 "none makes none"));
}

/* Keys for the directories of cgroups, where none are made. */
static int check_none_dirs(const struct ct_spec *s, struct ct_err *e)
{
	static const char *const keys[] = { "cgroup.dir", "cgroup.dir.container",
					    "cgroup.dir.container.inner", "cgroup.dir.monitor" };

	int r = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && r >= 0; i++) {
		const struct ct_origin *at = ct_spec_origin(s, keys[i]);

		if (at)
			r = no_cgroup(e, at, false);
	}
	return r;
}

static int check_none_files(const struct ct_cgfiles *files, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; i < files->n && r >= 0; i++) {
		if (!files->v[i].tried)
			r = no_cgroup(e, &files->v[i].at, true);
	}
	return r;
}

/* Keys that cannot be honoured without a cgroup. */
static int check_none(const struct ct_spec *s, struct ct_err *e)
{
	int r = 0;

	if (s->cgroup_backend != CT_CGB_NONE)
		return 0;
	for (uint32_t i = 0; i < s->cglimits.n && r >= 0; i++) {
		const struct ct_cglimit_item *item = &s->cglimits.v[i];

		if (!item->tried && !ct_cglimit_idle(item))
			r = no_cgroup(e, &item->at, true);
	}
	if (r == 0 && s->limit_cputime_us && !s->limit_cputime_tried)
		r = no_cgroup(e, ct_spec_origin(s, "limit.cputime"), true);
	if (r == 0 && s->devices_set && !s->devices_tried && strcmp(s->devices_preset, "all"))
		r = no_cgroup(e, ct_spec_origin(s, "limit.devices"), true);
	if (r == 0 && s->devrules.n && !s->devices_tried)
		r = no_cgroup(e, &s->devrules.v[0].at, false);
	if (r == 0)
		r = check_none_files(&s->cgroup1, e);
	if (r == 0)
		r = check_none_files(&s->cgroup2, e);
	if (r < 0)
		return r;
	return check_none_dirs(s, e);
}

/* As in LXC: either one directory for all, or one for the payload, and beside it perhaps one for
 * the supervisor and one within the payload's. */
static int check_dirs(const struct ct_spec *s, struct ct_err *e)
{
	static const struct {
		const char *key, *other;
		bool excludes; /* or needs */
	} rows[] = {
		{ "cgroup.dir.container", "cgroup.dir", true },
		{ "cgroup.dir.monitor", "cgroup.dir", true },
		{ "cgroup.dir.container.inner", "cgroup.dir", true },
		{ "cgroup.dir.container.inner", "cgroup.dir.container", false },
		{ "cgroup.dir.monitor", "cgroup.dir.container", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct ct_origin *at = ct_spec_origin(s, rows[i].key),
				       *other = ct_spec_origin(s, rows[i].other);

		if (!at || !other == rows[i].excludes)
			continue;
		if (rows[i].excludes) {
			ct_err_hint(e, DEFAULT_HINT);
			return ct_check_conflict(e, at, "%s and %s exclude each other", rows[i].key,
						 rows[i].other);
		}
		ct_err_hint(e, "set %s", rows[i].other);
		return ct_check_conflict(e, at, "it needs %s", rows[i].other);
	}
	return 0;
}

/* Whether `path` is `dir` or below it. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n && !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* The directories of payload and supervisor must not contain each other. */
static int check_places(const struct ct_spec *s, struct ct_err *e)
{
	if (s->cgroup_dir_container && s->cgroup_dir_monitor &&
	    (is_below(s->cgroup_dir_monitor, s->cgroup_dir_container) ||
	     is_below(s->cgroup_dir_container, s->cgroup_dir_monitor))) {
		ct_err_hint(e, "choose two directories neither of which is within the other");
		return ct_check_conflict(e, ct_spec_origin(s, "cgroup.dir.monitor"),
					 "cgroup.dir.monitor and cgroup.dir.container are within "
					 "each other");
	}
	return 0;
}

int ct_spec_check_cgroup(const struct ct_spec *s, struct ct_err *e)
{
	static int (*const checks[])(const struct ct_spec *s, struct ct_err *e) = {
		check_marks, check_companions, check_burst, check_none, check_dirs, check_places,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		int r = checks[i](s, e);

		if (r < 0 && !ct_err_next(e))
			return r;
	}
	return 0;
}
