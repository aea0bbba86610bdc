/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-top: what the running containers use, again and again. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "out.h"
#include "counters.h"
#include "quantity.h"
#include "screen.h"
#include "top.h"

#define CTRL_D 4 /* a key, since the terminal is not in canonical mode */

static struct args a;
static struct {
	const char *delay, *sort;
	bool batch, reverse;
	unsigned rounds;
} o = { .delay = "3", .sort = "n" };

static const struct opt opts[] = {
	{ 'd', "delay", "SECONDS", OPT_STRING, &o.delay,
	  "time between two rounds (3): 0.5, 500ms, 1m", NULL },
	{ 'b', "batch", NULL, OPT_FLAG, &o.batch,
	  "a line of numbers for each container and round, for a file", NULL },
	{ 's', "sort", "LETTER", OPT_STRING, &o.sort,
	  "n name, c CPU, b block I/O, m memory, s memory and swap, k kernel memory", NULL },
	{ 'r', "reverse", NULL, OPT_FLAG, &o.reverse, "the other way round", NULL },
	{ 0, "rounds", "N", OPT_NUMBER, &o.rounds, "end after N rounds", NULL },
};
static const struct tool tool = {
	"ct-top",
	"[OPTION...]",
	"Shows what the running containers use, again and again.\n"
	"Keys: q ends; n, c, b, m, s, k sort, twice the other way; r reverses; space looks again.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_JSON | TOOL_NO_RCFILE,
};

/* ---- for programs ---------------------------------------------------------------------------- */

static int64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is absent is an empty field. */
static void put_field(uint64_t v, uint64_t times, uint64_t over)
{
	putchar(',');
	if (v != CT_ABSENT)
		printf("%" PRIu64, v * times / over);
}

/* lxc-top's ten fields and their units: CPU time in nanoseconds, its two parts in hundredths of a
 * second. Ours come after. */
static void print_batch(const struct top *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const ct_usage *u = &t->v[i].usage;

		printf("%" PRId64 ",%s", wall_ms(), t->v[i].name);
		put_field(u->cpu_us, 1000, 1);
		put_field(u->cpu_system_us, 1, 10000);
		put_field(u->cpu_user_us, 1, 10000);
		put_field(top_plus(u->io_read, u->io_written), 1, 1);
		put_field(top_plus(u->io_reads, u->io_writes), 1, 1);
		put_field(u->memory, 1, 1);
		put_field(top_plus(u->memory, u->swap), 1, 1);
		put_field(u->memory_kernel, 1, 1);
		put_field(u->pids, 1, 1);
		putchar('\n');
	}
}

static void print_json(const struct top *t)
{
	struct json j = { .out = stdout };
	char percent[40];

	json_open(&j, NULL, '{');
	json_number(&j, "time_ms", wall_ms());
	json_open(&j, "containers", '[');
	for (size_t i = 0; i < t->n; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "name", t->v[i].name);
		json_string(&j, "state", state_text(t->v[i].state));
		if (t->v[i].percent >= 0) {
			snprintf(percent, sizeof(percent), "%.2f", t->v[i].percent);
			json_raw(&j, "cpu_percent", percent);
		}
		json_counters(&j, &t->v[i].usage);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', stdout);
}

static void sleep_until(int64_t until)
{
	struct timespec t = { until / 1000, until % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int print_rounds(struct top *t, int64_t delay)
{
	int64_t next = clock_ms();

	for (unsigned round = 1;; round++) {
		int err = top_read(&a, t);

		if (err)
			return err;
		if (a.json)
			print_json(t);
		else
			print_batch(t);
		err = out_flush(&a);
		if (err)
			return err;
		if (round == o.rounds)
			return 0;
		next += delay;
		/* it took longer, or we were stopped: rounds that were missed are left out */
		if (next < clock_ms())
			next = clock_ms();
		sleep_until(next);
	}
}

/* ---- for people ------------------------------------------------------------------------------ */

static int draw(const struct top *t)
{
	unsigned rows, cols;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int err = -ENOMEM;

	if (f) {
		screen_size(&rows, &cols);
		top_view(t, rows, cols, f);
		if (fclose(f) == 0)
			err = screen_draw(text);
	}
	free(text);
	return err;
}

static void press(struct top *t, int key)
{
	if (key == 'r' || key == t->sort)
		t->reverse = !t->reverse;
	else if (key && strchr(TOP_SORTS, key))
		*t = (struct top){ t->v, t->n, (char)key, false };
	top_order(t);
}

/* Draws until it is time for the next round, or a key or signal ends the tool (*done). Returns 0,
 * or an exit code. */
static int show_until(struct top *t, int64_t until, bool *done)
{
	for (;;) {
		int sig = 0, key;

		if (draw(t) < 0)
			return fail(&a, "cannot draw the screen");
		key = screen_wait(until, &sig);
		if (key == SCREEN_TIME_UP || key == ' ')
			return 0;
		if (key == 'q' || key == 'Q' || key == CTRL_D || key == SCREEN_CLOSED) {
			*done = true;
			if (sig && sig != SIGINT)
				return 128 + sig;
			return 0;
		}
		if (key > 0)
			press(t, key);
	}
}

static int show_rounds(struct top *t, int64_t delay)
{
	bool done = false;
	int err;

	err = screen_begin();
	if (err < 0)
		return fail(&a, "the terminal cannot be used: %s", strerror(-err));
	err = 0;
	for (unsigned round = 1; !done && !err; round++) {
		int64_t until = clock_ms() + delay;

		err = top_read(&a, t);
		if (!err)
			err = show_until(t, until, &done);
		done = done || round == o.rounds;
	}
	screen_end();
	return err;
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(top_free))) struct top t = { 0 };
	uint64_t delay;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (parse_time(o.delay, &delay) < 0 || delay < 100000)
		return fail(&a, "-d %s: a number of seconds, at least 0.1", o.delay);
	if (!*o.sort || o.sort[1] || !strchr(TOP_SORTS, *o.sort))
		return fail(&a, "-s %s: there are n, c, b, m, s and k (see --help)", o.sort);
	t.sort = *o.sort;
	t.reverse = o.reverse;
	if (a.json || o.batch)
		return print_rounds(&t, (int64_t)(delay / 1000));
	if (!screen_here())
		return fail(&a, "this is no terminal that it could draw on: use -b, or --json");
	return show_rounds(&t, (int64_t)(delay / 1000));
}
