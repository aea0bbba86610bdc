/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The remover of trees: of any depth, with few descriptors, never out of the tree; and
 * hidden names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/remove.h"

static char base[64];
static int top; /* descriptor of base */

static int setup(void **state)
{
	(void)state;
	/* in memory where that is possible: many thousand directories are made */
	snprintf(base, sizeof(base), "%s/ct-test-remove-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(base))
		return -1;
	top = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(top);
	return rmdir(base);
}

/* A chain of directories of this name, with a file in each; the descriptor of the deepest. */
static int chain(const char *name, int depth)
{
	int at = dup(top), next, fd;

	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
		fd = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	return at;
}

static void remove_chain(const char *name, int depth)
{
	struct rlimit few = { 64, 64 }, many;
	struct ct_left left;
	int r;

	close(chain(name, depth));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &many), 0);
	few.rlim_max = many.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = ct_remove(top, name, NULL, &left);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
	assert_int_equal(r, 0);
	assert_int_equal(left.n, 0);
	assert_int_equal(faccessat(top, name, F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void deep(void **state)
{
	char name[201];

	(void)state;
	remove_chain("d", 1000);
	remove_chain("d", 5000);
	/* a path of 600,000 bytes */
	memset(name, 'n', 200);
	name[200] = 0;
	remove_chain(name, 3000);
}

static void wide(void **state)
{
	struct ct_left left;
	char name[32];

	(void)state;
	assert_int_equal(mkdirat(top, "wide", 0755), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "wide/%d", i);
		assert_int_equal(mkdirat(top, name, 0755), 0);
		snprintf(name, sizeof(name), "wide/%d/in", i);
		assert_int_equal(mkdirat(top, name, 0755), 0);
	}
	assert_int_equal(ct_remove(top, "wide", NULL, &left), 0);
	assert_int_equal(faccessat(top, "wide", F_OK, 0), -1);
}

static void missing_and_simple(void **state)
{
	struct ct_left left;

	(void)state;
	assert_int_equal(ct_remove(top, "nothing", NULL, &left), 0);
	close(openat(top, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(ct_remove(top, "file", NULL, &left), 0);
	assert_int_equal(mkdirat(top, "closed", 0), 0);
	assert_int_equal(ct_remove(top, "closed", NULL, &left), 0);
}

static void links(void **state)
{
	struct ct_left left;

	(void)state;
	assert_int_equal(mkdirat(top, "outside", 0755), 0);
	close(openat(top, "outside/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(mkdirat(top, "tree", 0755), 0);
	assert_int_equal(symlinkat("../outside", top, "tree/link"), 0);
	assert_int_equal(symlinkat(base, top, "tree/absolute"), 0);
	assert_int_equal(symlinkat("outside", top, "link"), 0);
	assert_int_equal(ct_remove(top, "tree", NULL, &left), 0);
	assert_int_equal(ct_remove(top, "link", NULL, &left), 0);
	assert_int_equal(faccessat(top, "outside/file", F_OK, 0), 0);
	assert_int_equal(ct_remove(top, "outside", NULL, &left), 0);
}

static void kept(void **state)
{
	struct ct_left left;
	struct ct_spare keep;
	struct stat st;

	(void)state;
	assert_int_equal(mkdirat(top, "tree", 0755), 0);
	assert_int_equal(mkdirat(top, "tree/a", 0755), 0);
	assert_int_equal(mkdirat(top, "tree/a/root", 0755), 0);
	assert_int_equal(mkdirat(top, "tree/a/other", 0755), 0);
	assert_int_equal(mkdirat(top, "tree/b", 0755), 0);
	close(openat(top, "tree/a/root/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(top, "tree/config", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(fstatat(top, "tree/a/root", &st, 0), 0);
	keep = (struct ct_spare){ st.st_dev, st.st_ino };
	assert_int_equal(ct_remove(top, "tree", &keep, &left), 0);
	assert_int_equal(left.n, 0);
	assert_int_equal(faccessat(top, "tree/a/root/file", F_OK, 0), 0);
	assert_int_equal(faccessat(top, "tree/a/other", F_OK, 0), -1);
	assert_int_equal(faccessat(top, "tree/b", F_OK, 0), -1);
	assert_int_equal(faccessat(top, "tree/config", F_OK, 0), -1);
	assert_int_equal(ct_remove(top, "tree", NULL, &left), 0);
}

static int stop_moving;

/* Moves a directory in and out of the tree that is being removed. */
static void *mover(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop_moving, __ATOMIC_ACQUIRE)) {
		mkdirat(top, "tree/a", 0755);
		mkdirat(top, "tree/a/b", 0755);
		mkdirat(top, "tree/a/b/c", 0755);
		renameat(top, "tree/a/b", top, "outside/b");
		renameat(top, "outside/b", top, "tree/b");
		renameat(top, "tree/b", top, "outside/b");
	}
	return NULL;
}

static void moved_meanwhile(void **state)
{
	struct ct_left left;
	pthread_t t;

	(void)state;
	assert_int_equal(mkdirat(top, "outside", 0755), 0);
	assert_int_equal(mkdirat(top, "outside/dear", 0755), 0);
	close(openat(top, "outside/dear/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(mkdirat(top, "tree", 0755), 0);
	stop_moving = 0;
	assert_int_equal(pthread_create(&t, NULL, mover, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		mkdirat(top, "tree", 0755);
		ct_remove(top, "tree", NULL, &left);
	}
	__atomic_store_n(&stop_moving, 1, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	/* nothing led out of the tree */
	assert_int_equal(faccessat(top, "outside/dear/file", F_OK, 0), 0);
	assert_int_equal(ct_remove(top, "tree", NULL, &left), 0);
	assert_int_equal(ct_remove(top, "outside", NULL, &left), 0);
}

static void hidden(void **state)
{
	char at[256], name[256];

	(void)state;
	ct_hidden_name(at, "web", 17, 0);
	assert_string_equal(at, ".new-web-17");
	assert_true(ct_hidden_is(at, "web"));
	assert_true(ct_hidden_is(at, NULL));
	assert_false(ct_hidden_is(at, "we"));
	ct_hidden_name(at, "web-1", 17, 1);
	assert_string_equal(at, ".new-web-1-17.gone");
	assert_true(ct_hidden_is(at, "web-1"));
	/* of web-1, not of web */
	assert_false(ct_hidden_is(at, "web"));
	assert_false(ct_hidden_is(".new-web-17.other", "web"));
	assert_false(ct_hidden_is(".new-web-", "web"));
	assert_false(ct_hidden_is(".new-17", NULL));
	assert_false(ct_hidden_is("web", NULL));
	memset(name, 'x', 255);
	name[255] = 0;
	ct_hidden_name(at, name, UINT32_MAX, 1);
	assert_true(strlen(at) <= 255);
	assert_true(ct_hidden_is(at, name));
	name[254] = 'y';
	assert_false(ct_hidden_is(at, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(deep, setup, teardown),
		cmocka_unit_test_setup_teardown(wide, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_and_simple, setup, teardown),
		cmocka_unit_test_setup_teardown(links, setup, teardown),
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
		cmocka_unit_test_setup_teardown(moved_meanwhile, setup, teardown),
		cmocka_unit_test(hidden),
	};

	return cmocka_run_group_tests_name("remove", tests, NULL, NULL);
}
