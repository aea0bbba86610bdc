/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of compiled programs: what it finds, what goes first, many threads, forks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/seccomp/cache.h"

/* Whether exactly this program is found. */
static bool kept(const char *key, size_t n_key, const char *program, size_t n)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	if (ct_filter_cached(key, n_key, &b) != 1)
		return false;
	return b.len == n && !memcmp(ct_buf_text(&b), program, n);
}

static bool missing(const char *key, size_t n_key)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	return ct_filter_cached(key, n_key, &b) == 0 && b.len == 0;
}

/* Key and program of a number. The program says which key it belongs to. */
static void make(unsigned nr, char key[32], char program[64])
{
	snprintf(key, 32, "key %u", nr);
	snprintf(program, 64, "program of key %u", nr);
}

static bool has(unsigned nr)
{
	char key[32], program[64];

	make(nr, key, program);
	if (missing(key, strlen(key)))
		return false;
	assert_true(kept(key, strlen(key), program, strlen(program)));
	return true;
}

static void keep(unsigned nr)
{
	char key[32], program[64];

	make(nr, key, program);
	ct_filter_keep(key, strlen(key), program, strlen(program));
}

static void whole_keys(void **state)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	(void)state;
	assert_true(missing("ab\0c", 4));
	ct_filter_keep("ab\0c", 4, "one", 3);
	ct_filter_keep("ab\0d", 4, "two\0", 4);
	assert_true(kept("ab\0c", 4, "one", 3));
	assert_true(kept("ab\0d", 4, "two\0", 4));
	assert_true(missing("ab", 2));
	assert_true(missing("ab\0cd", 5));
	assert_true(missing("", 0));
	ct_filter_keep("", 0, "", 0);
	assert_true(kept("", 0, "", 0));
	/* what is there stays, and is appended to what the buffer has */
	ct_filter_keep("ab\0c", 4, "other", 5);
	ct_buf_str(&b, "x");
	assert_int_equal(ct_filter_cached("ab\0c", 4, &b), 1);
	assert_string_equal(ct_buf_text(&b), "xone");
}

static void least_recently_used(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CT_FILTER_CACHE_ENTRIES; i++)
		keep(i);
	for (unsigned i = 0; i < CT_FILTER_CACHE_ENTRIES; i++)
		assert_true(has(i));
	/* 0 is asked for, and 1 is kept once more: 2 is the one to go */
	assert_true(has(0));
	keep(1);
	keep(100);
	assert_false(has(2));
	for (unsigned i = 0; i < CT_FILTER_CACHE_ENTRIES; i++)
		assert_int_equal(has(i), i != 2);
	assert_true(has(100));
}

static void at_most_a_mebibyte(void **state)
{
	char *big = calloc(1, CT_FILTER_CACHE_BYTES);

	(void)state;
	assert_non_null(big);
	for (unsigned i = 0; i < 4; i++)
		keep(i);
	/* too big by one: nothing is given up for it */
	ct_filter_keep("b", 1, big, CT_FILTER_CACHE_BYTES);
	assert_true(missing("b", 1));
	ct_filter_keep(big, CT_FILTER_CACHE_BYTES, "b", 1);
	assert_true(missing(big, CT_FILTER_CACHE_BYTES));
	ct_filter_keep("b", 1, big, SIZE_MAX);
	assert_true(has(0) && has(1) && has(2) && has(3));
	/* half of it, twice: what was used before the first half goes, and the first half */
	ct_filter_keep("h1", 2, big, CT_FILTER_CACHE_BYTES / 2);
	assert_true(has(0) && has(1) && has(2) && has(3));
	ct_filter_keep("h2", 2, big, CT_FILTER_CACHE_BYTES / 2);
	assert_true(missing("h1", 2));
	assert_true(kept("h2", 2, big, CT_FILTER_CACHE_BYTES / 2));
	assert_true(has(0) && has(1) && has(2) && has(3));
	/* all of it */
	ct_filter_keep("b", 1, big, CT_FILTER_CACHE_BYTES - 1);
	assert_true(kept("b", 1, big, CT_FILTER_CACHE_BYTES - 1));
	assert_false(has(0));
	keep(0);
	assert_true(has(0));
	assert_true(missing("b", 1));
	free(big);
}

/* ---- threads --------------------------------------------------------------------------------- */

static atomic_bool enough;

/* Asks for and keeps more keys than there is room for, in an order of its own; returns what it
 * has seen wrong. */
static void *use(void *data)
{
	unsigned x = (unsigned)(uintptr_t)data;
	char key[32], program[64];

	for (unsigned i = 0; i < 20000 && !enough; i++) {
		CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

		x = x * 1103515245u + 12345u;
		make((x >> 16) % 24, key, program);
		if (ct_filter_cached(key, strlen(key), &b) == 0)
			ct_filter_keep(key, strlen(key), program, strlen(program));
		else if (strcmp(ct_buf_text(&b), program) != 0)
			return strdup(ct_buf_text(&b));
	}
	return NULL;
}

static void many_threads(void **state)
{
	pthread_t thread[4];
	void *wrong;

	(void)state;
	enough = false;
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, use, (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &wrong);
		if (wrong)
			fail_msg("%s", (char *)wrong);
	}
}

/* Uses it for as long as it is asked to. */
static void *use_on(void *data)
{
	void *wrong = NULL;

	while (!enough && !wrong)
		wrong = use(data);
	return wrong;
}

/* A child that was forked while other threads were in the cache can use it. One that waits for a
 * lock that nobody will give is ended by its alarm. */
static void forks(void **state)
{
	pthread_t thread[2];
	void *wrong;
	int status;

	(void)state;
	enough = false;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, use_on, (void *)(i + 1)), 0);
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(20);
			keep(1000);
			_exit(has(1000) ? 0 : 1);
		}
		assert_true(child > 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	enough = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], &wrong);
		if (wrong)
			fail_msg("%s", (char *)wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_keys),
		cmocka_unit_test(least_recently_used),
		cmocka_unit_test(at_most_a_mebibyte),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(forks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
