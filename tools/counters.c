/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counters.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "quantity.h"

enum unit { BYTES, MICROSECONDS, COUNT };

#define AT(member) #member, offsetof(ct_usage, member)
static const struct counter {
	const char *key;
	size_t offset;
	enum unit unit;
	const char *label;
} counters[] = {
	{ AT(memory), BYTES, "Memory use:" },
	{ AT(memory_peak), BYTES, "Memory peak:" },
	{ AT(memory_limit), BYTES, "Memory limit:" },
	{ AT(memory_anon), BYTES, "Memory anonymous:" },
	{ AT(memory_file), BYTES, "Memory of files:" },
	{ AT(memory_kernel), BYTES, "KMem use:" },
	{ AT(swap), BYTES, "Swap use:" },
	{ AT(swap_limit), BYTES, "Swap limit:" },
	{ AT(memory_high_events), COUNT, "Times slowed down:" },
	{ AT(memory_max_events), COUNT, "Times at limit:" },
	{ AT(oom_events), COUNT, "Out of memory:" },
	{ AT(oom_kills), COUNT, "Killed for memory:" },
	{ AT(cpu_us), MICROSECONDS, "CPU use:" },
	{ AT(cpu_user_us), MICROSECONDS, "CPU use, user:" },
	{ AT(cpu_system_us), MICROSECONDS, "CPU use, system:" },
	{ AT(cpu_periods), COUNT, "CPU periods:" },
	{ AT(cpu_throttled_periods), COUNT, "CPU throttled:" },
	{ AT(cpu_throttled_us), MICROSECONDS, "CPU throttled for:" },
	{ AT(io_read), BYTES, "BlkIO read:" },
	{ AT(io_written), BYTES, "BlkIO written:" },
	{ AT(io_reads), COUNT, "BlkIO reads:" },
	{ AT(io_writes), COUNT, "BlkIO writes:" },
	{ AT(pids), COUNT, "Processes:" },
	{ AT(pids_peak), COUNT, "Processes, peak:" },
	{ AT(pids_limit), COUNT, "Process limit:" },
	{ AT(pids_refused), COUNT, "Processes refused:" },
};
#define N_COUNTERS (sizeof(counters) / sizeof(*counters))

static const struct pressure {
	const char *key;
	size_t offset;
	const char *label;
} pressures[] = {
	{ AT(cpu_pressure), "CPU pressure" },
	{ AT(memory_pressure), "Memory pressure" },
	{ AT(io_pressure), "BlkIO pressure" },
};
#define N_PRESSURES (sizeof(pressures) / sizeof(*pressures))

#define IN(member) #member, offsetof(ct_pressure, member)
static const struct stall {
	const char *key;
	size_t offset;
} stalls[] = {
	{ IN(some_avg10) }, { IN(some_avg60) }, { IN(some_avg300) }, { IN(some_total_us) },
	{ IN(full_avg10) }, { IN(full_avg60) }, { IN(full_avg300) }, { IN(full_total_us) },
};
#define N_STALLS (sizeof(stalls) / sizeof(*stalls))

static uint64_t at(const void *base, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const char *)base + offset, sizeof(v));
	return v;
}

void counters_clear(ct_usage *u)
{
	memset(u, 0xff, sizeof(*u)); /* CT_ABSENT */
	u->size = sizeof(*u);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Averages as the kernel writes them, in percent. */
static void stall_text(char *out, size_t size, const struct stall *s, uint64_t v)
{
	if (strstr(s->key, "total"))
		snprintf(out, size, "%" PRIu64, v);
	else
		snprintf(out, size, "%" PRIu64 ".%02u", v / 100, (unsigned)(v % 100));
}

static void json_pressure(struct json *j, const char *key, const void *p)
{
	bool open = false;

	for (size_t i = 0; i < N_STALLS; i++) {
		uint64_t v = at(p, stalls[i].offset);
		char text[40];

		if (v == CT_ABSENT)
			continue;
		if (!open)
			json_open(j, key, '{');
		open = true;
		stall_text(text, sizeof(text), &stalls[i], v);
		json_raw(j, stalls[i].key, text);
	}
	if (open)
		json_close(j, '}');
}

void json_counters(struct json *j, const ct_usage *u)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		uint64_t v = at(u, counters[i].offset);

		if (v != CT_ABSENT)
			json_number(j, counters[i].key, (int64_t)v);
	}
	for (size_t i = 0; i < N_PRESSURES; i++)
		json_pressure(j, pressures[i].key, (const char *)u + pressures[i].offset);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void value_text(char *out, size_t size, uint64_t v, enum unit unit, bool raw)
{
	if (v == CT_ABSENT)
		snprintf(out, size, "-");
	else if (unit == BYTES)
		size_text(out, size, v, raw);
	else if (unit == MICROSECONDS && !raw)
		snprintf(out, size, "%.2f seconds", (double)v / 1e6);
	else
		snprintf(out, size, "%" PRIu64, v);
}

void counter_text(char *out, size_t size, const ct_usage *u, const char *key, bool raw)
{
	for (size_t i = 0; i < N_COUNTERS; i++)
		if (!strcmp(counters[i].key, key))
			value_text(out, size, at(u, counters[i].offset), counters[i].unit, raw);
}

/* One line for "some" and one for "full": the averages, and the time in sum. */
static void print_pressure(const struct pressure *p, const ct_usage *u)
{
	static const char *const kinds[] = { "some", "full" };

	for (size_t k = 0; k < 2; k++) {
		uint64_t v[N_STALLS / 2];
		char label[40];

		for (size_t i = 0; i < N_STALLS / 2; i++)
			v[i] = at((const char *)u + p->offset, stalls[k * N_STALLS / 2 + i].offset);
		if (v[0] == CT_ABSENT || v[1] == CT_ABSENT || v[2] == CT_ABSENT ||
		    v[3] == CT_ABSENT)
			continue;
		snprintf(label, sizeof(label), "%s, %s:", p->label, kinds[k]);
		printf("%-24s%.2f%% %.2f%% %.2f%%, %.2f seconds\n", label, (double)v[0] / 100,
		       (double)v[1] / 100, (double)v[2] / 100, (double)v[3] / 1e6);
	}
}

static void print_pressure_raw(const struct pressure *p, const ct_usage *u)
{
	for (size_t i = 0; i < N_STALLS; i++) {
		uint64_t v = at((const char *)u + p->offset, stalls[i].offset);
		char text[40];

		if (v == CT_ABSENT)
			continue;
		stall_text(text, sizeof(text), &stalls[i], v);
		printf("%s.%s %s\n", p->key, stalls[i].key, text);
	}
}

void print_counters(const ct_usage *u, bool raw)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		uint64_t v = at(u, counters[i].offset);
		char text[40];

		if (v == CT_ABSENT)
			continue;
		value_text(text, sizeof(text), v, counters[i].unit, raw);
		if (raw)
			printf("%s %s\n", counters[i].key, text);
		else
			printf("%-24s%s\n", counters[i].label, text);
	}
	for (size_t i = 0; i < N_PRESSURES; i++) {
		if (raw)
			print_pressure_raw(&pressures[i], u);
		else
			print_pressure(&pressures[i], u);
	}
}
