/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of chunks, of which the first is filled. Each new chunk is twice as big as the one before
 * it, up to CHUNK_MAX; a request that is bigger gets a chunk of its own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 4096u
#define CHUNK_MAX 65536u

struct chunk {
	struct chunk *next;
	size_t used, size; /* of data */
	max_align_t data[];
};

struct ct_arena {
	struct chunk *chunks;
	size_t next_size;
};

struct ct_arena *ct_arena_new(void)
{
	struct ct_arena *a = calloc(1, sizeof(*a));

	if (a)
		a->next_size = CHUNK_MIN;
	return a;
}

void ct_arena_free(struct ct_arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

/* A new chunk with room for `size` bytes. One that holds a single big request goes behind the chunk
 * that is being filled, which stays the newest. */
static struct chunk *new_chunk(struct ct_arena *a, size_t size)
{
	size_t room = a->next_size;
	struct chunk *c;

	if (size > room)
		room = size;
	c = calloc(1, sizeof(*c) + room);
	if (!c)
		return NULL;
	c->size = room;
	if (room > a->next_size && a->chunks) {
		c->next = a->chunks->next;
		a->chunks->next = c;
		return c;
	}
	c->next = a->chunks;
	a->chunks = c;
	if (a->next_size < CHUNK_MAX)
		a->next_size *= 2;
	return c;
}

void *ct_arena_alloc(struct ct_arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct chunk *c = a->chunks;
	char *p;

	if (size > SIZE_MAX / 4)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!size)
		size = align;
	if (!c || c->size - c->used < size) {
		c = new_chunk(a, size);
		if (!c)
			return NULL;
	}
	p = (char *)c->data + c->used;
	c->used += size;
	return p;
}

/* A copy of the n bytes at s; the arena's memory is zero, so a NUL follows them. */
static char *copy(struct ct_arena *a, const char *s, size_t n)
{
	char *p = ct_arena_alloc(a, n + 1);

	if (!p)
		return NULL;
	return memcpy(p, s, n);
}

char *ct_arena_strdup(struct ct_arena *a, const char *s)
{
	return copy(a, s, strlen(s));
}

char *ct_arena_strndup(struct ct_arena *a, const char *s, size_t n)
{
	return copy(a, s, strnlen(s, n));
}

char *ct_arena_printf(struct ct_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	p = ct_arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void *ct_arena_grow(struct ct_arena *a, const void *old, size_t n_old, size_t n_new, size_t element)
{
	size_t size;
	void *p;

	if (__builtin_mul_overflow(n_new, element, &size))
		return NULL;
	p = ct_arena_alloc(a, size);
	if (!p || !old)
		return p;
	if (n_old > n_new)
		n_old = n_new;
	return memcpy(p, old, n_old * element);
}
