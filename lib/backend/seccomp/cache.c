/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES CT_FILTER_CACHE_ENTRIES

struct entry {
	size_t n_key, n;
	uint64_t used; /* by what `uses` was */
	char data[];   /* the key, then the program */
};

/*
 * Process-wide state, as a process that starts one container after the other makes a handle for
 * each. A fork takes the lock first, so that the child finds the cache whole and the lock free.
 * Nobody takes the lock before forks do that: READY, from the first program on. A child that is
 * forked while another thread arranges for it has no cache.
 */
enum { NEW, ARRANGING, READY };
static int state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct entry *entry[ENTRIES]; /* NULL: free */
	size_t bytes;
	uint64_t uses;
	bool closed; /* the library is being unloaded */
} cache;

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
	pthread_mutex_unlock(&lock);
}

static bool is_ready(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == READY;
}

/* Whether the cache can be used, which the first call arranges for. */
static bool get_ready(void)
{
	int old = NEW;

	if (is_ready())
		return true;
	if (!__atomic_compare_exchange_n(&state, &old, ARRANGING, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return old == READY;
	if (pthread_atfork(take_lock, give_lock, give_lock) != 0)
		return false;
	__atomic_store_n(&state, READY, __ATOMIC_RELEASE);
	return true;
}

static size_t size_of(const struct entry *entry)
{
	return entry->n_key + entry->n;
}

/* The entry of a key, NULL when there is none. With the lock. */
static struct entry *find(const char *key, size_t n_key)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = cache.entry[i];

		if (entry && entry->n_key == n_key && !memcmp(entry->data, key, n_key)) {
			entry->used = ++cache.uses;
			return entry;
		}
	}
	return NULL;
}

/* A place for an entry of this size, without which what was used longest ago goes: into gone[],
 * which has room for all. With the lock. */
static struct entry **place(size_t size, struct entry **gone)
{
	for (;;) {
		struct entry **oldest = NULL, **empty = NULL;

		for (size_t i = 0; i < ENTRIES; i++) {
			struct entry **at = &cache.entry[i];

			if (!*at)
				empty = at;
			else if (!oldest || (*at)->used < (*oldest)->used)
				oldest = at;
		}
		if (empty && cache.bytes + size <= CT_FILTER_CACHE_BYTES)
			return empty;
		cache.bytes -= size_of(*oldest);
		*gone++ = *oldest;
		*oldest = NULL;
	}
}

static void free_all(struct entry *const gone[ENTRIES])
{
	for (size_t i = 0; i < ENTRIES; i++)
		free(gone[i]);
}

int ct_filter_cached(const char *key, size_t n_key, struct ct_buf *program)
{
	struct entry *entry;
	int found;

	if (!is_ready())
		return 0;
	take_lock();
	entry = find(key, n_key);
	found = entry != NULL;
	if (found)
		ct_buf_add(program, entry->data + n_key, entry->n);
	give_lock();
	if (found && ct_buf_error(program))
		return -ENOMEM;
	return found;
}

void ct_filter_keep(const char *key, size_t n_key, const void *program, size_t n)
{
	struct entry *gone[ENTRIES] = { NULL }, *entry;

	if (n_key > CT_FILTER_CACHE_BYTES || n > CT_FILTER_CACHE_BYTES - n_key || !get_ready())
		return;
	entry = malloc(sizeof(*entry) + n_key + n);
	if (!entry)
		return;
	entry->n_key = n_key;
	entry->n = n;
	memcpy(entry->data, key, n_key);
	memcpy(entry->data + n_key, program, n);
	take_lock();
	if (!cache.closed && !find(key, n_key)) {
		*place(n_key + n, gone) = entry;
		entry->used = ++cache.uses;
		cache.bytes += n_key + n;
		entry = NULL;
	}
	give_lock();
	free(entry);
	free_all(gone);
}

/* Other threads may still be in the library when the process ends. */
__attribute__((destructor)) static void release(void)
{
	struct entry *gone[ENTRIES];

	if (!is_ready())
		return;
	take_lock();
	cache.closed = true;
	memcpy(gone, cache.entry, sizeof(gone));
	memset(cache.entry, 0, sizeof(cache.entry));
	cache.bytes = 0;
	give_lock();
	free_all(gone);
}
