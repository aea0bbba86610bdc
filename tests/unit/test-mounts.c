/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of mounts, made up and this host's: which of the mounts are seen, and what becomes of the
 * hierarchies among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/cgroup.h"
#include "host/mounts.h"

/* ---- lines ----------------------------------------------------------------------------------- */

struct line {
	const char *text, *point, *super; /* point NULL: no line of a mount table */
	uint64_t id, parent;
};

static const struct line lines[] = {
	{ "22 1 0:21 / / rw - ext4 /dev/a rw", "/", "rw", 22, 1 },
	{ "23 22 0:22 / /mnt rw shared:1 master:2 - tmpfs none rw,size=1k", "/mnt", "rw,size=1k",
	  23, 22 },
	/* every escape that the kernel has, and what looks like one */
	{ "24 22 0:23 / /a\\040b\\011c\\012d\\134e\\043f rw - tmpfs none rw", "/a b\tc\nd\\e#f",
	  "rw", 24, 22 },
	{ "25 22 0:24 / /\\134040 rw - tmpfs none rw", "/\\040", "rw", 25, 22 },
	{ "26 22 0:25 / /\\08\\400\\04 rw - tmpfs none rw", "/\\08\\400\\04", "rw", 26, 22 },
	/* a source may be empty, and a field hold the mark in the middle */
	{ "27 22 0:26 / /x rw - tmpfs  rw", "/x", "rw", 27, 22 },
	{ "28 22 0:27 / /a-b rw - fuse.x-y none rw", "/a-b", "rw", 28, 22 },
	{ "", NULL, NULL, 0, 0 },
	{ "29 22 0:28 / /x rw", NULL, NULL, 0, 0 },
	{ "29 22 0:28 / /x - tmpfs none rw", NULL, NULL, 0, 0 },
	{ "29 22 0:28 / /x rw - tmpfs none", NULL, NULL, 0, 0 },
	{ "x 22 0:28 / /x rw - tmpfs none rw", NULL, NULL, 0, 0 },
	{ "99999999999999999999999 22 0:28 / /x rw - tmpfs none rw", NULL, NULL, 0, 0 },
	{ "29 -1 0:28 / /x rw - tmpfs none rw", NULL, NULL, 0, 0 },
	{ " - ", NULL, NULL, 0, 0 },
};

static void lines_are_read(void **state)
{
	struct ct_arena *a = ct_arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct ct_mount_row m = { 0 };

		assert_int_equal(ct_mount_row_read(lines[i].text, strlen(lines[i].text), &m, a),
				 lines[i].point != NULL);
		if (!lines[i].point)
			continue;
		assert_string_equal(m.point, lines[i].point);
		assert_string_equal(m.super, lines[i].super);
		assert_int_equal(m.id, lines[i].id);
		assert_int_equal(m.parent, lines[i].parent);
	}
	ct_arena_free(a);
}

/* ---- what covers what ------------------------------------------------------------------------ */

struct view {
	const char *name, *table, *path;
	uint64_t id; /* of the mount that is seen there; 0: none is */
};

#define M(id, on, point) id " " on " 0:1 / " point " rw - tmpfs none rw\n"
#define ROOT M("1", "9", "/")

static const struct view views[] = {
	{ "alone", ROOT M("2", "1", "/proc"), "/proc", 2 },
	{ "none", ROOT, "/proc", 0 },
	{ "the root", ROOT M("2", "1", "/proc"), "/", 1 },
	{ "one upon the other", ROOT M("2", "1", "/proc") M("3", "2", "/proc"), "/proc", 3 },
	{ "the upper first in the table", ROOT M("3", "2", "/proc") M("2", "1", "/proc"), "/proc",
	  3 },
	{ "one in the other", ROOT M("2", "1", "/proc") M("3", "2", "/proc/sys"), "/proc/sys", 3 },
	{ "one in what is covered",
	  ROOT M("2", "1", "/proc") M("3", "2", "/proc/sys") M("4", "2", "/proc"), "/proc/sys", 0 },
	{ "in the cover", ROOT M("2", "1", "/proc") M("4", "2", "/proc") M("3", "4", "/proc/sys"),
	  "/proc/sys", 3 },
	{ "in both",
	  ROOT M("2", "1", "/proc") M("3", "2", "/proc/sys") M("4", "2", "/proc")
		  M("5", "4", "/proc/sys"),
	  "/proc/sys", 5 },
	{ "before its place was one", ROOT M("2", "1", "/a/b") M("3", "1", "/a"), "/a/b", 0 },
	{ "beside a name that begins alike", ROOT M("2", "1", "/a-b") M("3", "1", "/a"), "/a-b",
	  2 },
	{ "all covered by another root", ROOT M("2", "1", "/proc") M("3", "1", "/"), "/proc", 0 },
	{ "on the other root", ROOT M("2", "1", "/proc") M("3", "1", "/") M("4", "3", "/proc"),
	  "/proc", 4 },
	{ "the folder of hierarchies",
	  ROOT M("2", "1", "/sys") M("3", "2", "/sys/fs/cgroup")
		  M("4", "3", "/sys/fs/cgroup/unified") M("5", "3", "/sys/fs/cgroup"),
	  "/sys/fs/cgroup/unified", 0 },
	{ "a blank", ROOT M("2", "1", "/a\\040b") M("3", "1", "/a"), "/a b", 2 },
	{ "a ring", M("1", "2", "/x") M("2", "1", "/x"), "/x", 0 },
	{ "its own parent", M("1", "1", "/") M("2", "1", "/proc"), "/proc", 2 },
};

static void covered_are_not_seen(void **state)
{
	struct ct_arena *a = ct_arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		const struct ct_mount_row *m;
		struct ct_mount_rows all;

		assert_int_equal(ct_mount_rows_read(views[i].table, &all, a), 0);
		m = ct_mount_rows_at(&all, views[i].path);
		if ((m ? m->id : 0) != views[i].id)
			fail_msg("%s: %s is %d", views[i].name, views[i].path, m ? (int)m->id : 0);
	}
	ct_arena_free(a);
}

/* ---- hierarchies ----------------------------------------------------------------------------- */

/* Which mount a path leads to on the host that is made up. */
struct leads {
	const char *path;
	uint64_t id;
};

struct hierarchies {
	const char *name, *table;
	struct leads leads[4];
	const char *found[3]; /* their mount points */
};

static const struct leads *host_leads;

static bool made_up(const char *path, uint64_t id)
{
	for (size_t i = 0; i < 4 && host_leads[i].path; i++)
		if (!strcmp(host_leads[i].path, path))
			return host_leads[i].id == id;
	return false;
}

#define V2(id, point) id " 1 0:5 / " point " rw - cgroup2 none rw\n"
#define V1(id, point, mode, list) id " 1 0:6 / " point " " mode " - cgroup none rw," list "\n"

static const struct hierarchies hosts[] = {
	{ "plain", V2("30", "/sys/fs/cgroup"), { { "/sys/fs/cgroup", 30 } }, { "/sys/fs/cgroup" } },
	{ "another mount over it",
	  V2("30", "/sys/fs/cgroup") M("40", "30", "/sys/fs/cgroup"),
	  { { "/sys/fs/cgroup", 40 } },
	  { NULL } },
	{ "its own over it",
	  V2("30", "/sys/fs/cgroup") V2("40", "/sys/fs/cgroup"),
	  { { "/sys/fs/cgroup", 40 } },
	  { "/sys/fs/cgroup" } },
	{ "over it, and elsewhere",
	  V2("30", "/sys/fs/cgroup") M("40", "30", "/sys/fs/cgroup") V2("50", "/run/groups"),
	  { { "/sys/fs/cgroup", 40 }, { "/run/groups", 50 } },
	  { "/run/groups" } },
	{ "the folder above it covered",
	  V1("30", "/sys/fs/cgroup/pids", "rw", "pids") M("40", "1", "/sys/fs"),
	  { { NULL, 0 } },
	  { NULL } },
	{ "one of two hidden",
	  V1("30", "/c/pids", "rw", "pids") V1("31", "/c/memory", "rw", "memory"),
	  { { "/c/pids", 99 }, { "/c/memory", 31 } },
	  { "/c/memory" } },
	{ "the writable one hidden",
	  V1("30", "/c/ro", "ro", "pids") V1("31", "/c/rw", "rw", "pids"),
	  { { "/c/ro", 30 }, { "/c/rw", 99 } },
	  { "/c/ro" } },
	{ "a name with a blank", V2("30", "/a\\040b\\134c"), { { "/a b\\c", 30 } }, { "/a b\\c" } },
	{ "no id", "x 1 0:5 / /c rw - cgroup2 none rw\n", { { "/c", 0 } }, { NULL } },
};

static void hidden_hierarchies_do_not_count(void **state)
{
	struct ct_arena *a = ct_arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		const struct hierarchies *h = &hosts[i];
		struct ct_cgroups c;
		uint32_t n = 0;

		host_leads = h->leads;
		assert_int_equal(ct_cgroups_read(h->table, "0::/\n1:pids:/\n2:memory:/\n", made_up,
						 &c, a),
				 0);
		while (n < 3 && h->found[n])
			n++;
		if (c.n != n)
			fail_msg("%s: %u hierarchies, not %u", h->name, c.n, n);
		for (uint32_t k = 0; k < n; k++)
			assert_string_equal(c.v[k].mount, h->found[k]);
	}
	ct_arena_free(a);
}

/* ---- this host ------------------------------------------------------------------------------- */

static void read_own(struct ct_buf *text)
{
	CT_CLEAN_FD int fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(ct_buf_read_fd(text, fd, 16u << 20) >= 0);
}

/* What the table says by itself is what opening says, of each mount here that a path
 * can be looked at. */
static void both_ways_agree(void **state)
{
	CT_CLEAN_BUF struct ct_buf before = CT_BUF_INIT, after = CT_BUF_INIT;
	struct ct_arena *a = ct_arena_new();
	struct ct_mount_rows all;
	char wrong[512] = "";

	(void)state;
	read_own(&before);
	assert_int_equal(ct_mount_rows_read(ct_buf_text(&before), &all, a), 0);
	assert_true(all.n > 0);
	for (uint32_t i = 0; i < all.n; i++) {
		const struct ct_mount_row *m = &all.v[i];
		uint64_t id = ct_mount_id(m->point);

		if (id && (id == m->id) != ct_mount_rows_show(&all, m))
			snprintf(wrong, sizeof(wrong), "%llu at %s: it leads to %llu",
				 (unsigned long long)m->id, m->point, (unsigned long long)id);
	}
	read_own(&after);
	/* somebody else may mount meanwhile */
	if (wrong[0] && !strcmp(ct_buf_text(&before), ct_buf_text(&after)))
		fail_msg("%s", wrong);
	ct_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(covered_are_not_seen),
		cmocka_unit_test(hidden_hierarchies_do_not_count),
		cmocka_unit_test(both_ways_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
