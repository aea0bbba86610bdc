/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counters.h"

static void free_item(struct top_item *it)
{
	free(it->name);
	ct_unref(it->c);
}

void top_free(struct top *t)
{
	for (size_t i = 0; i < t->n; i++)
		free_item(&t->v[i]);
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

uint64_t top_plus(uint64_t x, uint64_t y)
{
	if (x == CT_ABSENT)
		return y;
	if (y == CT_ABSENT)
		return x;
	return x + y;
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Takes new counters. If a container was started again meanwhile it may have used less than before:
 * then its share is not known. */
static void take(struct top_item *it, const ct_usage *u)
{
	uint64_t before = it->usage.cpu_us, now = clock_us();

	it->percent = -1;
	if (it->read && before != CT_ABSENT && u->cpu_us != CT_ABSENT && u->cpu_us >= before &&
	    now > it->at_us)
		it->percent = (double)(u->cpu_us - before) * 100 / (double)(now - it->at_us);
	it->usage = *u;
	it->at_us = now;
	it->read = true;
}

/* Returns 0, -1 if it is not running any more, or the exit code after an error message. */
static int read_item(const struct args *a, struct top_item *it)
{
	ct_usage u = CT_USAGE_INIT;
	struct args one = *a;
	int err = ct_stats(it->c, &u);

	one.name = it->name;
	if (err == -ESRCH)
		return -1;
	if (err == -EOPNOTSUPP) /* it has no cgroup: shown without counters */
		counters_clear(&u);
	else if (err < 0)
		return fail_container(&one, it->c);
	/* < 0: its supervisor does not answer, but its counters are known */
	it->state = ct_state(it->c);
	take(it, &u);
	if (it->state == CT_STATE_STOPPED)
		return -1;
	return 0;
}

static struct top_item *find(struct top *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

static int add(const struct args *a, struct top *t, const char *name)
{
	struct top_item *v = reallocarray(t->v, t->n + 1, sizeof(*v)), *it;
	struct args one = *a;
	int err;

	if (!v)
		return fail(a, "out of memory");
	t->v = v;
	it = &v[t->n];
	*it = (struct top_item){ .name = strdup(name), .listed = true };
	if (!it->name)
		return fail(a, "out of memory");
	one.name = name;
	err = open_container(&one, &it->c);
	if (err)
		free_item(it);
	else
		t->n++;
	return err;
}

int top_read(const struct args *a, struct top *t)
{
	CLEAN_TEXT char *names = NULL;
	const ct_error *e = NULL;
	ct_new_opts where = where_of(a, &e);
	size_t kept = 0;
	char *rest, *name;
	int err = 0;

	if (ct_list(&where, CT_LIST_RUNNING, &names) < 0)
		return fail_error(a, e);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].listed = false;
	rest = names;
	while (!err && (name = strsep(&rest, "\n"))) {
		struct top_item *it = find(t, name);

		if (it)
			it->listed = true;
		else if (*name)
			err = add(a, t, name);
	}
	for (size_t i = 0; i < t->n; i++) {
		int gone = -1;

		if (err)
			gone = 0;
		else if (t->v[i].listed)
			gone = read_item(a, &t->v[i]);

		if (gone < 0)
			free_item(&t->v[i]);
		else
			t->v[kept++] = t->v[i];
		if (gone > 0)
			err = gone;
	}
	t->n = kept;
	top_order(t);
	return err;
}

/* ---- order ----------------------------------------------------------------------------------- */

static uint64_t sort_value(const struct top_item *it, char by)
{
	const ct_usage *u = &it->usage;

	switch (by) {
	case 'c':
		return u->cpu_us;
	case 'b':
		return top_plus(u->io_read, u->io_written);
	case 'm':
		return u->memory;
	case 's':
		return top_plus(u->memory, u->swap);
	case 'k':
		return u->memory_kernel;
	default:
		return CT_ABSENT;
	}
}

/* Names in ascending order, values in descending order, absent ones last; or all reversed. */
static int compare(const void *left, const void *right, void *data)
{
	const struct top *t = data;
	const struct top_item *l = left, *r = right;
	/* absent becomes 0 */
	uint64_t x = sort_value(l, t->sort) + 1, y = sort_value(r, t->sort) + 1;
	int way = (x < y) - (x > y);

	if (!way)
		way = strcmp(l->name, r->name);

	if (t->reverse)
		return -way;
	return way;
}

void top_order(struct top *t)
{
	if (t->n)
		qsort_r(t->v, t->n, sizeof(*t->v), compare, t);
}
