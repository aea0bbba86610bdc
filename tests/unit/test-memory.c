/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model without memory: every allocation of a load, of changes, of a save, of a spec and of its
 * limits fails once. The answer is -ENOMEM and the config is as it was. Linked with --wrap for the
 * allocating functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/cgroup/limit.h"
#include "model.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static long countdown = -1; /* allocations that still succeed; -1: all */

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

static const char text[] = "# comment\nrootfs.path = /srv/x\ninit.cmd = /bin/a 'b c'\n"
			   "cap.drop = chown\nenvironment = A=1\n"
			   "mount.entry = /a b none bind,create=dir\nmount.tmpfs = /tmp size=1m\n"
			   "mount.auto = proc cgroup shmounts:/a\n"
			   "idmap = u 0 100000 10\nidmap = g 0 100000 10\ninit.groups = 1,2\n"
			   "group = a b\nhook.start = /bin/x\n"
			   "prlimit.core = 1\nsysctl.kernel.sem = 1\nproc.oom_score_adj = 1\n"
			   "namespace.share.net = 5\n"
			   "net.0.type = empty\ncgroup2.memory.max = 1\ncgroup.dir = a/b\n"
			   "cgroup.pattern = %n\nlimit.memory = 1G\n"
			   "limit.cpuset.cpus = 1 ,2\nlimit.io.max = 8:0 rbps=1\n"
			   "limit.rdma = a  hca_handle=1\nlimit.io.weight = 8:0 5\n"
			   "limit.hugetlb.2MB = 0\ncgroup2.devices.deny = a\n"
			   "rootfs.options = idmap=container\ncap.drop =\n";

/* One thing to do with a config; 0 or negative errno. */
typedef int (*action)(struct ct_config *c, struct ct_err *e);

static int do_load(struct ct_config *c, struct ct_err *e)
{
	return ct_config_load_text(c, text, sizeof(text) - 1, "another name", e);
}

static int do_append(struct ct_config *c, struct ct_err *e)
{
	return ct_config_set(c, "cap.drop", "kill", e);
}

static int do_replace(struct ct_config *c, struct ct_err *e)
{
	return ct_config_set(c, "init.cmd", "/bin/z 'y'", e);
}

static int do_clear(struct ct_config *c, struct ct_err *e)
{
	return ct_config_clear(c, "environment", e);
}

static int do_include(struct ct_config *c, struct ct_err *e)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/tests/data/lxc/userns.conf", getenv("CT_SOURCE"));
	return ct_config_set(c, "include", path, e);
}

static int do_print(struct ct_config *c, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
	int r = ct_config_print(c, true, &b);

	return r < 0 ? ct_oom(e) : 0;
}

static int do_get(struct ct_config *c, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	return ct_config_get(c, "mount.entry", &b, e);
}

static int do_copy(struct ct_config *c, struct ct_err *e)
{
	CT_CLEAN_CONFIG struct ct_config *copy = ct_config_copy(c);

	return copy ? 0 : ct_oom(e);
}

static int do_spec(struct ct_config *c, struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();

	if (!a)
		return ct_oom(e);
	return ct_spec_read(c, a, e) ? 0 : e->err;
}

/* One version's files, in an arena of their own so that more than one piece of memory
 * is asked for. */
static int write_limits(const struct ct_spec *s, int version, struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_cg_writes writes = { NULL, 0 };

	if (!a)
		return ct_oom(e);
	return ct_limit_writes(s, version, UINT32_MAX, a, &writes, e);
}

static int do_limits(struct ct_config *c, struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	const struct ct_spec *s = a ? ct_spec_read(c, a, e) : NULL;
	int r;

	if (!s)
		return a ? e->err : ct_oom(e);
	r = write_limits(s, 1, e);
	return r < 0 ? r : write_limits(s, 2, e);
}

/* The config as text and in effect, for comparing. */
static void snapshot(const struct ct_config *c, struct ct_buf *out)
{
	assert_int_equal(ct_config_print(c, true, out), 0);
	effect_of(c, out);
}

/* Lets the first allocation fail, then the second, until it succeeds. */
static void starve(action act)
{
	for (long n = 0;; n++) {
		CT_CLEAN_CONFIG struct ct_config *c = config_of(text);
		CT_CLEAN_BUF struct ct_buf before = CT_BUF_INIT, after = CT_BUF_INIT;
		struct ct_err e;
		int r;

		snapshot(c, &before);
		ct_err_clear(&e);
		countdown = n;
		r = act(c, &e);
		if (countdown >= 0 && r == 0) {
			countdown = -1;
			assert_in_range(n, 1, 100000);
			return;
		}
		countdown = -1;
		if (r != -ENOMEM || e.id != CT_ERR_MEMORY)
			fail_msg("allocation %ld: %d, \"%s\"", n, r, e.message);
		snapshot(c, &after);
		assert_string_equal(ct_buf_text(&before), ct_buf_text(&after));
	}
}

#define STARVE(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		starve(do_##name);            \
	}
STARVE(load)
STARVE(append)
STARVE(replace)
STARVE(clear)
STARVE(include)
STARVE(print)
STARVE(get)
STARVE(copy)
STARVE(spec)
STARVE(limits)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),	cmocka_unit_test(test_append),
		cmocka_unit_test(test_replace), cmocka_unit_test(test_clear),
		cmocka_unit_test(test_include), cmocka_unit_test(test_print),
		cmocka_unit_test(test_get),	cmocka_unit_test(test_copy),
		cmocka_unit_test(test_spec),	cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
