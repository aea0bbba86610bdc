/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "top.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "counters.h"
#include "quantity.h"

#define HEAD "\033[7m\033[1m"
#define MIN_NAME 18

enum kind { SECONDS, PERCENT, SIZE, COUNT, IO, IO_FULL, MEMORY_AND_SWAP };

#define AT(member) offsetof(ct_usage, member)
/* In the order of the screen. On a narrow one the columns with the greatest rank are left out. */
static const struct column {
	const char *head[2];
	unsigned width, rank;
	enum kind kind;
	size_t offset;
	bool if_used; /* only if a container uses any */
} columns[] = {
	{ { "CPU", "Used" }, 12, 3, SECONDS, AT(cpu_us), false },
	{ { "CPU", "Sys" }, 12, 7, SECONDS, AT(cpu_system_us), false },
	{ { "CPU", "User" }, 12, 8, SECONDS, AT(cpu_user_us), false },
	{ { "CPU", "%" }, 8, 1, PERCENT, 0, false },
	{ { "BlkIO", "Total(Read/Write)" }, 36, 10, IO_FULL, 0, false },
	{ { "BlkIO", "Total" }, 11, 5, IO, 0, false },
	{ { "Mem", "Used" }, 11, 2, SIZE, AT(memory), false },
	{ { "MemSw", "Used" }, 11, 9, MEMORY_AND_SWAP, AT(swap), true },
	{ { "KMem", "Used" }, 11, 6, SIZE, AT(memory_kernel), true },
	{ { "Pids", "" }, 7, 4, COUNT, AT(pids), false },
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))
#define N_RANKS 11

/* The columns that fit. */
struct layout {
	bool shown[N_COLUMNS];
	unsigned name; /* width of the first column */
};

static uint64_t counter(const ct_usage *u, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const char *)u + offset, sizeof(v));
	return v;
}

/* ---- cells ----------------------------------------------------------------------------------- */

static void put_size(char *out, size_t size, uint64_t bytes)
{
	if (bytes == CT_ABSENT)
		snprintf(out, size, "-");
	else
		size_text(out, size, bytes, false);
}

static void put_io(char *out, size_t size, const ct_usage *u)
{
	char total[24], read[24], written[24];

	put_size(total, sizeof(total), top_plus(u->io_read, u->io_written));
	put_size(read, sizeof(read), u->io_read);
	put_size(written, sizeof(written), u->io_written);
	snprintf(out, size, "%s(%s/%s)", total, read, written);
}

static void cell(char *out, size_t size, const struct column *col, const ct_usage *u,
		 double percent)
{
	uint64_t v = counter(u, col->offset);

	snprintf(out, size, "-");
	switch (col->kind) {
	case SECONDS:
		if (v != CT_ABSENT)
			snprintf(out, size, "%.2f", (double)v / 1e6);
		break;
	case PERCENT:
		if (percent >= 0)
			snprintf(out, size, "%.1f", percent);
		break;
	case COUNT:
		if (v != CT_ABSENT)
			snprintf(out, size, "%" PRIu64, v);
		break;
	case SIZE:
		put_size(out, size, v);
		break;
	case IO:
		put_size(out, size, top_plus(u->io_read, u->io_written));
		break;
	case IO_FULL:
		put_io(out, size, u);
		break;
	case MEMORY_AND_SWAP:
		put_size(out, size, top_plus(u->memory, u->swap));
		break;
	}
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Adds a row without its newline to out, cut at cols. */
static void put_row(FILE *out, const struct layout *l, unsigned cols, const char *name,
		    const ct_usage *u, double percent)
{
	char line[512], text[96];
	int n = snprintf(line, sizeof(line), "%-*.*s", (int)l->name, (int)l->name, name);

	for (size_t i = 0; i < N_COLUMNS; i++) {
		if (!l->shown[i])
			continue;
		cell(text, sizeof(text), &columns[i], u, percent);
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %*s", (int)columns[i].width,
			      text);
	}
	fprintf(out, "%.*s", (int)cols, line);
}

static void put_head(FILE *out, const struct layout *l, unsigned cols, unsigned which)
{
	static const char *const first[2] = { "Container", "Name" };
	char line[512];
	int n = snprintf(line, sizeof(line), "%-*.*s", (int)l->name, (int)l->name, first[which]);

	for (size_t i = 0; i < N_COLUMNS; i++)
		if (l->shown[i])
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %*s",
				      (int)columns[i].width, columns[i].head[which]);
	fprintf(out, HEAD "%.*s", (int)cols, line);
}

static void add_up(const struct top *t, ct_usage *sum, double *percent)
{
	static const size_t added[] = { AT(cpu_us),  AT(cpu_system_us), AT(cpu_user_us),
					AT(io_read), AT(io_written),	AT(memory),
					AT(swap),    AT(memory_kernel), AT(pids) };

	counters_clear(sum);
	*percent = -1;
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k < sizeof(added) / sizeof(*added); k++) {
			uint64_t v = top_plus(counter(sum, added[k]),
					      counter(&t->v[i].usage, added[k]));

			memcpy((char *)sum + added[k], &v, sizeof(v));
		}
		if (t->v[i].percent < 0)
			continue;
		if (*percent < 0)
			*percent = 0;
		*percent += t->v[i].percent;
	}
}

/* How much wider than MIN_NAME the names are. */
static unsigned more_for_names(const struct top *t)
{
	size_t longest = MIN_NAME;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(t->v[i].name);

		if (n > longest)
			longest = n;
	}
	return (unsigned)(longest - MIN_NAME);
}

/* Chooses columns by rank, as long as there is room; what is left of it goes to the longer form of
 * block I/O, and then to long names. */
static void choose(struct layout *l, const struct top *t, const ct_usage *sum, unsigned cols)
{
	unsigned left = 0, more = more_for_names(t);
	size_t io = 0;

	if (cols > MIN_NAME)
		left = cols - MIN_NAME;
	*l = (struct layout){ .name = MIN_NAME };
	for (unsigned rank = 1; rank < N_RANKS; rank++) {
		for (size_t i = 0; i < N_COLUMNS; i++) {
			uint64_t used = counter(sum, columns[i].offset);
			unsigned width = columns[i].width + 1;

			if (columns[i].rank != rank ||
			    (columns[i].if_used && (!used || used == CT_ABSENT)))
				continue;
			if (columns[i].kind == IO_FULL && l->shown[io])
				width -= columns[io].width + 1;
			if (width > left)
				continue;
			left -= width;
			l->shown[i] = true;
			if (columns[i].kind == IO_FULL)
				l->shown[io] = false;
			if (columns[i].kind == IO)
				io = i;
		}
	}
	if (more > left)
		more = left;
	l->name += more;
}

void top_view(const struct top *t, unsigned rows, unsigned cols, FILE *out)
{
	/* a small window has room for containers alone */
	unsigned heads = (rows > 2) + (rows > 4), total = rows > 2;
	size_t room = rows - heads - total, n = t->n;
	struct layout l;
	double percent;
	ct_usage sum;
	char name[64];

	if (n > room)
		n = room;
	add_up(t, &sum, &percent);
	choose(&l, t, &sum, cols);
	for (unsigned i = 0; i < heads; i++) {
		put_head(out, &l, cols, i);
		fputc('\n', out);
	}
	for (size_t i = 0; i < n; i++) {
		put_row(out, &l, cols, t->v[i].name, &t->v[i].usage, t->v[i].percent);
		fputc('\n', out);
	}
	if (!total)
		return;
	snprintf(name, sizeof(name), "TOTAL %zu of %zu", n, t->n);
	put_row(out, &l, cols, name, &sum, percent);
	fputc('\n', out);
}
