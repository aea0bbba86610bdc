/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-stats: the counters of containers' cgroups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "out.h"
#include "counters.h"

static struct args a;
static struct {
	bool raw;
} o;

static const struct opt opts[] = {
	{ 'H', "no-humanize", NULL, OPT_FLAG, &o.raw,
	  "plain numbers, with the names that --json uses", NULL },
};
static const struct tool tool = {
	"ct-stats",
	"[NAME...] [OPTION...]",
	"Prints what containers use: all figures of those named, or a row for each that runs.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME_OPTIONAL | TOOL_WORDS | TOOL_JSON | TOOL_NO_RCFILE,
};

static const struct column {
	const char *title, *key;
	int width;
} columns[] = {
	{ "CPU", "cpu_us", 16 },	 { "MEMORY", "memory", 11 },
	{ "LIMIT", "memory_limit", 11 }, { "SWAP", "swap", 11 },
	{ "PIDS", "pids", 6 },		 { "READ", "io_read", 11 },
	{ "WRITTEN", "io_written", 11 }, { "KILLED", "oom_kills", 6 },
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

struct row {
	const char *name; /* borrowed */
	int state;
	ct_usage usage;
};

struct table {
	struct row *v;
	size_t n;
};

static void free_table(struct table *t)
{
	free(t->v);
}

/* Reads one container into *r. With `running`, one that has ended meanwhile is no failure, nor is
 * one without cgroups. Returns 0, -1 for one to leave out, or the exit code after an error
 * message. */
static int fill_row(struct row *r, const char *name, bool running)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	ct_usage u = CT_USAGE_INIT;
	struct args one = a;
	int err;

	one.name = name;
	err = open_container(&one, &c);
	if (err || (!running && !is_known(&one, c)))
		return exit_code(err);
	err = ct_stats(c, &u);
	if (running && err == -EOPNOTSUPP)
		counters_clear(&u);
	else if (running && err == -ESRCH)
		return -1;
	else if (err < 0)
		return fail_container(&one, c);
	*r = (struct row){ .name = name, .state = ct_state(c), .usage = u };
	if (r->state < 0) /* the counters are known all the same */
		fail_container(&one, c);
	return 0;
}

static int add_row(struct table *t, const char *name, bool running)
{
	struct row *v = reallocarray(t->v, t->n + 1, sizeof(*v));
	int err;

	if (!v)
		return fail(&a, "out of memory");
	t->v = v;
	err = fill_row(&v[t->n], name, running);
	t->n += !err;
	if (err > 0)
		return err;
	return 0;
}

/* Names point into `names`, which is written to. */
static int add_running(struct table *t, char *names)
{
	int err = 0;
	char *name;

	while (!err && (name = strsep(&names, "\n")))
		if (*name)
			err = add_row(t, name, true);
	return err;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_blocks(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			putchar('\n');
		if (o.raw) {
			printf("name %s\nstate %s\n", t->v[i].name, state_text(t->v[i].state));
		} else {
			printf("%-24s%s\n", "Name:", t->v[i].name);
			printf("%-24s%s\n", "State:", state_text(t->v[i].state));
		}
		print_counters(&t->v[i].usage, o.raw);
	}
}

static void print_table(const struct table *t)
{
	size_t width = strlen("NAME");
	char text[40];

	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->v[i].name) > width)
			width = strlen(t->v[i].name);
	printf("%-*s %-8s", (int)width, "NAME", "STATE");
	for (size_t k = 0; k < N_COLUMNS; k++)
		printf(" %*s", columns[k].width, columns[k].title);
	putchar('\n');
	for (size_t i = 0; i < t->n; i++) {
		printf("%-*s %-8s", (int)width, t->v[i].name, state_text(t->v[i].state));
		for (size_t k = 0; k < N_COLUMNS; k++) {
			counter_text(text, sizeof(text), &t->v[i].usage, columns[k].key, o.raw);
			printf(" %*s", columns[k].width, text);
		}
		putchar('\n');
	}
}

static void print_json(const struct table *t)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < t->n; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "name", t->v[i].name);
		json_string(&j, "state", state_text(t->v[i].state));
		json_counters(&j, &t->v[i].usage);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_end(&j);
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(free_table))) struct table t = { 0 };
	CLEAN_TEXT char *names = NULL;
	const ct_error *e = NULL;
	const char *first;
	ct_new_opts where;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	first = a.name;
	a.name = NULL; /* a failure is of one of them, or of all */
	where = where_of(&a, &e);
	if (!first && ct_list(&where, CT_LIST_RUNNING, &names) < 0)
		return fail_error(&a, e);
	if (first)
		err = add_row(&t, first, false);
	else
		err = add_running(&t, names);
	for (int i = 0; i < a.n_rest && !err; i++)
		err = add_row(&t, a.rest[i], false);
	if (err)
		return err;
	if (a.json)
		print_json(&t);
	else if (first)
		print_blocks(&t);
	else
		print_table(&t);
	return out_flush(&a);
}
