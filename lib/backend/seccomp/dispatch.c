/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program is made from its end to its beginning, so that wherever a jump leads is known when the
 * jump is made. Calls are found by halving the ranges of their numbers: neighbours with the same
 * action need one comparison, which keeps the program of an allow-list at a fifth of what one
 * comparison for each call would take. The kernel's time to load it goes with that.
 */
#include <stddef.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "backend/seccomp/compare.h"
#include "backend/seccomp/dispatch.h"

#define RETURN (BPF_RET | BPF_K)
#define SINGLES 3
#define FAR 250 /* a conditional jump reaches 255 instructions; one or two may still come between */

struct writer {
	struct ct_buf code;    /* struct sock_filter, the last one first */
	struct ct_buf returns; /* for each value that is returned, where that was done last */
	const struct ct_filter_range *range;
	uint32_t n_blocks; /* instructions of all blocks */
};

struct place {
	uint32_t value, at;
};

/* Places are counted from the end of the program. */
static uint32_t length(const struct writer *w)
{
	return (uint32_t)(w->code.len / sizeof(struct sock_filter));
}

static uint32_t put(struct writer *w, unsigned code, uint32_t k, uint32_t jt, uint32_t jf)
{
	ct_filter_emit(&w->code, code, k, jt, jf);
	return length(w) - 1;
}

static struct place *find_return(const struct writer *w, uint32_t value)
{
	struct place *p = (struct place *)w->returns.data;

	for (size_t i = 0; i < w->returns.len / sizeof(*p); i++)
		if (p[i].value == value)
			return &p[i];
	return NULL;
}

static uint32_t put_return(struct writer *w, uint32_t value)
{
	struct place *old = find_return(w, value), new = { value, put(w, RETURN, value, 0, 0) };

	if (old)
		*old = new;
	else
		ct_buf_add(&w->returns, &new, sizeof(new));
	return new.at;
}

/* Where a target is, which may be far. */
static uint32_t place_of(struct writer *w, struct ct_filter_target target)
{
	const struct place *p;

	if (target.is_block)
		return w->n_blocks - 1 - target.value;
	p = find_return(w, target.value);
	return p ? p->at : put_return(w, target.value);
}

/* A place that conditional jumps reach, and where the same happens as at `at`. */
static uint32_t near(struct writer *w, uint32_t at)
{
	struct sock_filter there;

	if (length(w) - at <= FAR || ct_buf_error(&w->code))
		return at;
	memcpy(&there, w->code.data + at * sizeof(there), sizeof(there));
	if (there.code == RETURN)
		return put_return(w, there.k);
	return put(w, BPF_JMP | BPF_JA, length(w) - 1 - at, 0, 0);
}

static uint32_t put_jump(struct writer *w, unsigned code, uint32_t k, uint32_t yes, uint32_t no)
{
	yes = near(w, yes);
	no = near(w, no);
	return put(w, code, k, length(w) - 1 - yes, length(w) - 1 - no);
}

/* Single numbers within a range that is otherwise of one action, at most SINGLES of them, are told
 * by one comparison each. The end of the ranges that belong together so, from `first` on. */
static uint32_t end_of_group(const struct ct_filter_table *table, uint32_t first)
{
	const struct ct_filter_range *r = table->range;
	uint32_t end = first + 1;

	while (end + 1 < table->n && end < first + 2 * SINGLES && !r[first].target.is_block &&
	       !r[end + 1].target.is_block && r[end + 1].target.value == r[first].target.value &&
	       r[end + 1].first - r[end].first == 1)
		end += 2;
	return end;
}

static uint32_t put_group(struct writer *w, uint32_t first, uint32_t end)
{
	uint32_t at = place_of(w, w->range[first].target);

	for (uint32_t i = end - 1; i > first; i -= 2)
		at = put_jump(w, BPF_JMP | BPF_JEQ | BPF_K, w->range[i - 1].first,
			      place_of(w, w->range[i - 1].target), at);
	return at;
}

/* Decides among the groups from `first` to before `end`. */
static uint32_t put_groups(struct writer *w, const uint32_t *start, uint32_t first, uint32_t end)
{
	uint32_t middle = first + (end - first) / 2, above, below;

	if (middle == first)
		return put_group(w, start[first], start[end]);
	above = put_groups(w, start, middle, end);
	below = put_groups(w, start, first, middle);
	return put_jump(w, BPF_JMP | BPF_JGE | BPF_K, w->range[start[middle]].first, above, below);
}

static uint32_t put_table(struct writer *w, const struct ct_filter_table *table)
{
	CT_CLEAN_BUF struct ct_buf starts = CT_BUF_INIT;
	uint32_t at = 0, n = 0;

	w->range = table->range;
	for (uint32_t i = 0; i <= table->n; n++) {
		ct_buf_add(&starts, &i, sizeof(i));
		i = i < table->n ? end_of_group(table, i) : i + 1;
	}
	if (ct_buf_error(&starts))
		w->code.err = ct_buf_error(&starts);
	else
		at = put_groups(w, (const uint32_t *)starts.data, 0, n - 1);
	/* what follows a load is what it loads for */
	if (at != length(w) - 1)
		put(w, BPF_JMP | BPF_JA, length(w) - 1 - at, 0, 0);
	return put(w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

static void append_reversed(struct ct_buf *to, const struct ct_buf *from)
{
	for (size_t at = from->len; at; at -= sizeof(struct sock_filter))
		ct_buf_add(to, from->data + at - sizeof(struct sock_filter),
			   sizeof(struct sock_filter));
}

/* Makes the whole program. */
void ct_filter_dispatch(const struct ct_filter_table *table, uint32_t n, uint32_t foreign,
			const struct ct_buf *blocks, struct ct_buf *out)
{
	CT_CLEAN_BUF struct ct_buf starts = CT_BUF_INIT;
	struct writer w = { .code = CT_BUF_INIT, .returns = CT_BUF_INIT };
	uint32_t next;

	append_reversed(&w.code, blocks);
	w.n_blocks = length(&w);
	for (uint32_t i = n; i-- > 0;) {
		uint32_t at = put_table(&w, &table[i]);

		ct_buf_add(&starts, &at, sizeof(at));
	}
	next = place_of(&w, (struct ct_filter_target){ .value = foreign });
	for (uint32_t i = n; i-- > 0 && !ct_buf_error(&starts);) {
		uint32_t at;

		memcpy(&at, starts.data + (n - 1 - i) * sizeof(at), sizeof(at));
		next = put_jump(&w, BPF_JMP | BPF_JEQ | BPF_K, table[i].arch, at, next);
	}
	put(&w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	append_reversed(out, &w.code);
	if (ct_buf_error(&w.code) || ct_buf_error(&w.returns) || ct_buf_error(&starts))
		out->err = ct_buf_error(&w.code) | ct_buf_error(&w.returns) | ct_buf_error(&starts);
	ct_buf_free(&w.code);
	ct_buf_free(&w.returns);
}
