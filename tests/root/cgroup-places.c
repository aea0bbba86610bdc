/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where groups are made: below the caller's own, whatever is mounted over the hierarchies, from
 * within a cgroup namespace; not in a frozen one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "places-help.h"

/* All groups of a container that was just started are below the caller's own; at its
 * end none is left. */
static void expect_below(ct_container *c, bool all)
{
	ct_process *p = start(c, 0);
	char text[16384];
	int below, n = find_groups(text, sizeof(text), &below);

	CHECK(n > 0 && (all ? below == n : below > 0), "%d of %d are below: %s (%s)", below, n,
	      text, told);
	end(c, p);
	n = find_groups(text, sizeof(text), &below);
	CHECK(n == 0, "left: %s", text);
}

static void below_own(void)
{
	enter_own();
	expect_below(make(NULL), true);
	CHECK(!told[0], "said: %s", told);
}

/* The limit of the caller's group covers the container. */
static void covered(void)
{
	const struct tree *t = tree_with("memory");
	ct_container *c = make(NULL);
	char dir[1024], path[2048], text[16384];
	ct_process *p;
	int below, n;

	enter_own();
	WORKS(c, ct_set_config(c, "limit.memory", "16M"));
	if (!t) {
		/* version 2 gives nothing on from where a process lives: then it is at the
		 * top, and that is said */
		p = start(c, 0);
		CHECK(strstr(told, "which does not give memory on") && strstr(told, own),
		      "said: %s", told);
		end(c, p);
		return;
	}
	place_in(t, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, own);
	CHECK(put(path, "memory.limit_in_bytes", "1G"), "%s", strerror(errno));
	p = start(c, 0);
	n = groups_below(path, pattern, 2, text, sizeof(text));
	CHECK(n == 1, "%d groups below %s", n, path);
	n = find_groups(text, sizeof(text), &below);
	CHECK(n == below, "not below: %s", text);
	end(c, p);
}

/* A controller that is to be had at the top alone: on a hybrid host version 2's are few,
 * but the same holds. */
static void at_top_and_told(void)
{
	const struct tree *t = tree_v2();
	char list[256] = "", text[16384], dir[1024];
	const char *key, *value;
	ct_container *c;
	ct_process *p;
	int below, n;

	if (t)
		get(t->mount, "cgroup.controllers", list, sizeof(list));
	key = strstr(list, "pids") ? "limit.pids" : "limit.hugetlb.2MB";
	value = strstr(list, "pids") ? "100" : "4M";
	if (!strstr(list, "pids") && !strstr(list, "hugetlb"))
		_exit(ELSEWHERE);
	enter_own();
	c = make(NULL);
	WORKS(c, ct_set_config(c, key, value));
	p = start(c, 0);
	n = find_groups(text, sizeof(text), &below);
	place_in(t, dir);
	CHECK(n > below && n - below == 1, "%d of %d are below: %s", below, n, text);
	CHECK(strstr(told, t->mount) && strstr(told, own) && strstr(told, "does not give"),
	      "said: %s", told);
	end(c, p);
}

/* A caller that has moved itself into a leaf of what systemd has delegated: beside that leaf, where
 * the service's limits hold. */
static void delegated(void)
{
	const struct tree *t = tree_v2();
	char list[256] = "", dir[1024], unit[2048], leaf[2048], pid[16];
	ct_container *c = make(NULL);
	ct_process *p;
	bool pids;

	if (t)
		get(t->mount, "cgroup.controllers", list, sizeof(list));
	pids = strstr(list, "pids") != NULL;
	if (!pids && !strstr(list, "hugetlb"))
		_exit(ELSEWHERE);
	place_in(t, dir);
	make_group(dir, own, unit);
	make_group(unit, own, leaf);
	CHECK(setxattr(unit, "trusted.delegate", "1", 1, 0) == 0, "%s", strerror(errno));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	CHECK(put(dir, "cgroup.subtree_control", pids ? "+pids" : "+hugetlb"), "%s",
	      strerror(errno));
	CHECK(put(leaf, "cgroup.procs", pid), "%s", strerror(errno));
	WORKS(c, ct_set_config(c, pids ? "limit.pids" : "limit.hugetlb.2MB", pids ? "100" : "4M"));
	p = start(c, 0);
	CHECK(groups_below(leaf, pattern, 4, NULL, 0) == 0 &&
		      groups_below(unit, pattern, 1, NULL, 0) == 1,
	      "said: %s", told);
	CHECK(!strstr(told, t->mount), "said: %s", told);
	end(c, p);
}

/* What is asked for is had: at the top, or below; a supervisor outlives the caller's group. */
static void asked(void)
{
	ct_container *c = make(NULL);
	char text[16384];
	ct_process *p;
	int below, n;

	enter_own();
	WORKS(c, ct_set_config(c, "cgroup.relative", "0"));
	p = start(c, 0);
	n = find_groups(text, sizeof(text), &below);
	CHECK(n > 0 && below == 0 && !told[0], "cgroup.relative = 0: %s (%s)", text, told);
	end(c, p);
	c = make(NULL);
	WORKS(c, ct_set_config(c, "cgroup.relative", "1"));
	expect_below(c, true);
	c = make("places");
	p = start(c, CT_START_DETACH);
	n = find_groups(text, sizeof(text), &below);
	ct_stop(c, CT_STOP_KILL, 20000);
	CHECK(n > 0 && below == 0, "detached: %s", text);
	ct_process_unref(p);
	ct_unref(c);
}

/* A handle looks again when its caller has been moved. */
static void moved(void)
{
	ct_container *c = make(NULL);
	char text[16384];
	int below, n;
	ct_process *p = start(c, 0);

	n = find_groups(text, sizeof(text), &below);
	CHECK(n > 0 && below == 0, "%s", text);
	ct_process_kill(p, SIGKILL);
	CHECK(ct_process_wait(p, NULL, 60000) == 0, "wait");
	ct_process_unref(p);
	enter_own();
	expect_below(c, true);
}

/* From within a cgroup namespace, with the mounts from outside: the names of the groups between
 * are told by nobody. */
static void in_namespace(void)
{
	ct_container *c = make(NULL);

	enter_own();
	CHECK(unshare(CLONE_NEWCGROUP) == 0, "%s", strerror(errno));
	expect_below(c, true);
	CHECK(!told[0], "said: %s", told);
}

/* ... and in a group below that namespace's top. */
static void in_namespace_deeper(void)
{
	char dir[1024], path[2048], deeper[2048], pid[16], text[16384];
	ct_container *c;
	ct_process *p;
	int below;

	enter_own();
	CHECK(unshare(CLONE_NEWCGROUP) == 0, "%s", strerror(errno));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (int i = 0; i < trees.n; i++) {
		place_in(&trees.v[i], dir);
		make_group(dir, own, path);
		make_group(path, own, deeper);
		CHECK(put(deeper, "cgroup.procs", pid), "%s: %s", deeper, strerror(errno));
	}
	c = make(NULL);
	p = start(c, 0);
	snprintf(dir, sizeof(dir), "/%s/%s/", own, own);
	CHECK(find_groups(text, sizeof(text), &below) > 0, "no groups");
	for (char *save = NULL, *each = strtok_r(text, " ", &save); each;
	     each = strtok_r(NULL, " ", &save))
		CHECK(strstr(each, dir), "%s", each);
	end(c, p);
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static void mount_on(const char *from, const char *to, const char *type, unsigned long flags)
{
	CHECK(mount(from, to, type, flags, NULL) == 0, "mount %s on %s: %s", from ? from : "itself",
	      to, strerror(errno));
}

/* The directory that all hierarchies are mounted below; false: there is none. */
static bool common(char dir[256])
{
	snprintf(dir, 256, "/sys/fs/cgroup");
	for (int i = 0; i < trees.n; i++)
		if (strncmp(trees.v[i].mount, dir, strlen(dir)))
			return false;
	return trees.n > 0;
}

/* Everything elsewhere, where it stays reachable, and the usual place covered. */
static void cover_all(void)
{
	char dir[256];

	if (!common(dir))
		_exit(ELSEWHERE);
	mount_on(dir, spare, NULL, MS_BIND | MS_REC);
	mount_on("none", dir, "tmpfs", 0);
}

/* Twice on one place: what is below cannot be reached, what is above is the same hierarchy. */
static void stack_each(void)
{
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < trees.n; i++)
			mount_on(trees.v[i].mount, trees.v[i].mount, NULL, MS_BIND);
}

/* Covered one by one with something else, and mounted anew at another place. */
static void cover_each(void)
{
	for (int i = 0; i < trees.n; i++) {
		char path[PATH_MAX + 32];

		snprintf(path, sizeof(path), "%s/a b%d", spare, i);
		CHECK(mkdir(path, 0755) == 0, "%s", strerror(errno));
		mount_on(trees.v[i].mount, path, NULL, MS_BIND);
		mount_on("/tmp", trees.v[i].mount, NULL, MS_BIND);
	}
}

/* A read-only one first, one that can be written to behind it. */
static void readonly_first(void)
{
	for (int i = 0; i < trees.n; i++) {
		char path[PATH_MAX + 32];

		snprintf(path, sizeof(path), "%s/rw%d", spare, i);
		CHECK(mkdir(path, 0755) == 0, "%s", strerror(errno));
		mount_on(trees.v[i].mount, path, NULL, MS_BIND);
		mount_on(NULL, trees.v[i].mount, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY);
	}
}

static void (*const overs[])(void) = { cover_all, stack_each, cover_each, readonly_first };

static void over(unsigned i)
{
	ct_container *c = make(NULL);

	enter_own();
	mount_on("none", spare, "tmpfs", 0);
	overs[i]();
	if (i == 0) {
		/* find_groups() looks at the outer paths */
		for (int k = 0; k < trees.n; k++) {
			char path[PATH_MAX + 256];

			snprintf(path, sizeof(path), "%s%s", spare,
				 trees.v[k].mount + strlen("/sys/fs/cgroup"));
			CHECK(strlen(path) < sizeof(trees.v[k].mount), "%s", path);
			snprintf(trees.v[k].mount, sizeof(trees.v[k].mount), "%.255s", path);
		}
	}
	if (i == 2) {
		for (int k = 0; k < trees.n; k++)
			snprintf(trees.v[k].mount, sizeof(trees.v[k].mount), "%.200s/a b%d", spare,
				 k);
	}
	expect_below(c, true);
}

static void all_covered(void)
{
	over(0);
}

static void stacked_twice(void)
{
	over(1);
}

static void each_covered(void)
{
	over(2);
}

static void behind_readonly(void)
{
	over(3);
}

/* The caller's own directory is covered: what is mounted there is no group. */
static void own_covered(void)
{
	ct_container *c = make(NULL);
	char text[16384];
	ct_process *p;
	int below, n;

	enter_own();
	for (int i = 0; i < trees.n; i++) {
		char dir[1024], path[2048];

		place_in(&trees.v[i], dir);
		snprintf(path, sizeof(path), "%s/%s", dir, own);
		mount_on("none", path, "tmpfs", 0);
	}
	p = start(c, 0);
	n = find_groups(text, sizeof(text), &below);
	CHECK(n > 0 && below == 0, "%s", text);
	end(c, p);
}

/* ---- frozen ---------------------------------------------------------------------------------- */

static bool freeze_group(const struct tree *t, const char *path, bool on)
{
	return t->version == 2 ? put(path, "cgroup.freeze", on ? "1" : "0")
			       : put(path, "freezer.state", on ? "FROZEN" : "THAWED");
}

/* Refused by the frozen cgroup's name, with nothing made; started once that is thawed. */
static void start_frozen(ct_container *c, const struct tree *t, const char *path)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	const struct ct_error *e;
	ct_process *p = NULL;
	char text[16384];
	int below, r;

	o.argv = ARGV("/bin/true");
	r = ct_start(c, &o, &p);
	e = ct_last_error(c);
	CHECK(r == -EBUSY && strstr(e->message, path) && strstr(e->hint, "thaw"), "%d: %s", r,
	      e->message);
	CHECK(find_groups(text, sizeof(text), &below) == 0, "%s", text);
	CHECK(freeze_group(t, path, false), "%s", strerror(errno));
	CHECK(ct_start(c, &o, &p) == 0, "thawed: %s", ct_last_error(c)->message);
	CHECK(ct_process_wait(p, NULL, 60000) == 0, "wait");
	ct_process_unref(p);
}

/* A start in or below a frozen group, by each version, is refused by its name before
 * anything is made. */
static void frozen_with(const char *backend, const struct tree *t, bool deep)
{
	char path[2048], sub[2048], dir[128];
	ct_container *c;

	snprintf(dir, sizeof(dir), "%s.ice", word);
	make_group(t->mount, dir, path);
	if (deep)
		make_group(path, "sub", sub);
	if (deep)
		snprintf(dir, sizeof(dir), "%s.ice/sub/x", word);
	CHECK(freeze_group(t, path, true), "%s", strerror(errno));
	c = make(NULL);
	WORKS(c, ct_set_config(c, "cgroup.backend", backend));
	WORKS(c, ct_set_config(c, "cgroup.dir", dir));
	start_frozen(c, t, path);
	ct_unref(c);
	if (deep)
		CHECK(rmdir(sub) == 0, "%s", strerror(errno));
	CHECK(rmdir(path) == 0, "%s", strerror(errno));
}

static void frozen(void)
{
	const struct tree *one = tree_with("freezer"), *two = tree_v2();

	if (!one && !two)
		_exit(ELSEWHERE);
	for (int deep = 0; deep < 2; deep++) {
		if (two)
			frozen_with("auto", two, deep);
		if (one)
			frozen_with("cgroup1", one, deep);
	}
}

/* An attach to a container below a group that was frozen meanwhile. */
static void frozen_attach(void)
{
	const struct tree *t = tree_v2() ? tree_v2() : tree_with("freezer");
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	const struct ct_error *e;
	ct_process *p, *a = NULL;
	char dir[64], path[2048];
	ct_container *c = make(NULL);
	int r;

	if (!t)
		_exit(ELSEWHERE);
	snprintf(dir, sizeof(dir), "%s.ice", word);
	make_group(t->mount, dir, path);
	WORKS(c, ct_set_config(c, "cgroup.dir", dir));
	p = start(c, 0);
	CHECK(freeze_group(t, path, true), "%s", strerror(errno));
	o.argv = ARGV("/bin/true");
	r = ct_attach(c, &o, &a);
	e = ct_last_error(c);
	CHECK(r == -EBUSY && strstr(e->message, path) && strstr(e->hint, "thaw"), "%d: %s", r,
	      e->message);
	CHECK(freeze_group(t, path, false), "%s", strerror(errno));
	r = ct_attach(c, &o, &a);
	WORKS(c, r);
	CHECK(ct_process_wait(a, NULL, 60000) == 0, "wait");
	ct_process_unref(a);
	WORKS(c, ct_freeze(c, 20000));
	r = ct_attach(c, &o, &a);
	CHECK(r == -EBUSY && strstr(ct_last_error(c)->message, "the container is frozen"), "%d: %s",
	      r, ct_last_error(c)->message);
	WORKS(c, ct_unfreeze(c, 20000));
	end(c, p);
	CHECK(rmdir(path) == 0, "%s", strerror(errno));
}

/* One of the same name, in other directories, is frozen: its group is not the one that
 * this start makes. */
static void frozen_namesake(void)
{
	static struct box other;
	ct_container *c = make("same"), *d;
	ct_process *p = start(c, CT_START_DETACH), *q;
	char text[80];
	int r = ct_freeze(c, 60000);

	if (r == -EOPNOTSUPP)
		_exit(ELSEWHERE);
	WORKS(c, r);
	other = box;
	snprintf(other.dir, sizeof(other.dir), "%.4000s/others", box.dir);
	snprintf(other.state, sizeof(other.state), "%.4000s/others", box.state);
	CHECK(mkdir(other.dir, 0755) == 0 && mkdir(other.state, 0700) == 0, "%s", strerror(errno));
	other.where.dir = other.dir;
	other.where.state_dir = other.state;
	d = box_handle(&other, "same");
	CHECK(d, "no handle");
	snprintf(text, sizeof(text), "%s%%n", pattern);
	WORKS(d, ct_set_config(d, "cgroup.pattern", text));
	q = start(d, CT_START_DETACH);
	CHECK(ct_state(c) == CT_STATE_FROZEN && ct_state(d) == CT_STATE_RUNNING, "%d, %d",
	      ct_state(c), ct_state(d));
	end(d, q);
	end(c, p);
	CHECK(rmdir(other.dir) == 0 && rmdir(other.state) == 0, "%s", strerror(errno));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(below_own),     CASE(covered),
		CASE(delegated),     CASE(at_top_and_told),
		CASE(asked),	     CASE(moved),
		CASE(in_namespace),  CASE(in_namespace_deeper),
		CASE(all_covered),   CASE(stacked_twice),
		CASE(each_covered),  CASE(behind_readonly),
		CASE(own_covered),   CASE(frozen),
		CASE(frozen_attach), CASE(frozen_namesake),
	};

	return cmocka_run_group_tests_name("cgroup-places", tests, group_setup, group_teardown);
}
