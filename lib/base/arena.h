/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is freed all at once. Everything handed out is zeroed and aligned for any type. */
#ifndef CT_BASE_ARENA_H
#define CT_BASE_ARENA_H

#include <stddef.h>

struct ct_arena;
/* NULL without memory. */
struct ct_arena *ct_arena_new(void);
void ct_arena_free(struct ct_arena *a);
static inline void ct_arena_freep(struct ct_arena **a)
{
	ct_arena_free(*a);
}

#define CT_CLEAN_ARENA __attribute__((cleanup(ct_arena_freep)))
/* All return NULL without memory. The memory belongs to the arena. */
void *ct_arena_alloc(struct ct_arena *a, size_t size);
char *ct_arena_strdup(struct ct_arena *a, const char *s);
char *ct_arena_strndup(struct ct_arena *a, const char *s, size_t n);
char *ct_arena_printf(struct ct_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A copy of an array with room for n_new elements. The old array stays until the arena is freed. */
void *ct_arena_grow(struct ct_arena *a, const void *old, size_t n_old, size_t n_new,
		    size_t element);

#endif
