/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who a payload is: user, groups, the five capability sets, no_new_privs, signals, umask,
 * environment; the same by start and by attach, for every combination.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define CAP_CHOWN 0
#define CAP_NET_BIND 10
#define DEFAULT_CAPS 0xa80425fbull

/* ---- the matrix ------------------------------------------------------------------------------ */

static const char *const cap_kinds[] = { "nothing said", "cap.keep", "cap.keep none", "cap.drop" };

struct person {
	unsigned uid;
	int groups, caps, nnp;
	char name[96];
};

/* Capabilities that this process has in its bounding set. */
static unsigned long long bounding(void)
{
	unsigned long long set = 0;
	unsigned long cap;

	for (cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= 1ull << cap;
	return set;
}

static unsigned long long expected_caps(const struct person *p)
{
	switch (p->caps) {
	case 0:
		return DEFAULT_CAPS & bounding();
	case 1:
		return 1ull << CAP_CHOWN | 1ull << CAP_NET_BIND;
	case 2:
		return 0;
	default:
		return bounding() & ~(1ull << CAP_CHOWN | 1ull << CAP_NET_BIND);
	}
}

static ct_container *person_container(const struct person *p)
{
	ct_container *c = must_open(NULL);
	char id[16];

	snprintf(id, sizeof(id), "%u", p->uid);
	assert_int_equal(box_config(c, "init.uid", id, "init.gid", id, NULL), 0);
	if (p->groups)
		assert_ok(c, ct_set_config(c, "init.groups", "2000,3000"));
	if (p->caps == 1)
		assert_ok(c, ct_set_config(c, "cap.keep", "chown net_bind_service"));
	if (p->caps == 2)
		assert_ok(c, ct_set_config(c, "cap.keep", "none"));
	if (p->caps == 3)
		assert_ok(c, ct_set_config(c, "cap.drop", "chown net_bind_service"));
	if (p->nnp)
		assert_ok(c, ct_set_config(c, "no_new_privs", "1"));
	return c;
}

static void expect(const char *report, const char *who, const char *key, const char *want)
{
	char got[512];

	if (strcmp(probe_get(report, key, got, sizeof(got)), want) != 0)
		fail_msg("%s: %s is %s, not %s", who, key, got, want);
}

static void check_person(const struct person *p, const char *report, const char *who)
{
	unsigned long long caps = expected_caps(p);
	char want[96];

	snprintf(want, sizeof(want), "[%u, %u, %u]", p->uid, p->uid, p->uid);
	expect(report, who, "uid", want);
	expect(report, who, "gid", want);
	/* the primary group is one of them, unless it is root's */
	snprintf(want, sizeof(want), "[%s%s%s]", p->uid ? "1000" : "",
		 p->uid && p->groups ? ", " : "", p->groups ? "2000, 3000" : "");
	expect(report, who, "groups", want);
	expect(report, who, "cap_inheritable", "\"0000000000000000\"");
	expect(report, who, "cap_ambient", "\"0000000000000000\"");
	snprintf(want, sizeof(want), "\"%016llx\"", caps);
	expect(report, who, "cap_bounding", want);
	/* who is not root has none of them in force: none is ambient */
	snprintf(want, sizeof(want), "\"%016llx\"", p->uid ? 0 : caps);
	expect(report, who, "cap_permitted", want);
	expect(report, who, "cap_effective", want);
	expect(report, who, "no_new_privs", p->nnp ? "1" : "0");
	expect(report, who, "securebits", "0");
	expect(report, who, "blocked", "\"0000000000000000\"");
	expect(report, who, "ignored", "[]");
	expect(report, who, "pending", "0");
	expect(report, who, "umask", "\"022\"");
	expect(report, who, "cwd", "\"/\"");
	expect(report, who, "fds", "[0, 1, 2]");
}

static void try_person(void **state)
{
	const struct person *p = *state;
	ct_container *c = person_container(p);
	ct_process *init = NULL;
	char *out = NULL;

	assert_ok(c, box_run(c, NULL, ARGV("/bin/probe"), &out, NULL));
	check_person(p, out, "start");
	free(out);
	out = NULL;
	init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/probe"), &out, NULL));
	check_person(p, out, "attach");
	free(out);
	ct_process_unref(init);
	ct_unref(c);
}

/* ---- attach as someone else ------------------------------------------------------------------ */

static struct {
	ct_container *c;
	ct_process *p;
} running;

static int run_one(void **state)
{

	(void)state;
	running.c = box_handle(&box, NULL);
	box_config(running.c, "cap.keep", "chown setuid setgid net_bind_service", "init.groups",
		   "7", "environment", "FROM_CONFIG=1", NULL);
	return box_start(running.c, 0, ARGV("/bin/sleep", "1000"), &running.p);
}

static int end_one(void **state)
{
	(void)state;
	running.p = ct_process_unref(running.p);
	running.c = ct_unref(running.c);
	return 0;
}

static char *enter(const ct_attach_opts *o)
{
	char *out = NULL;

	assert_ok(running.c, box_attach(running.c, o, ARGV("/bin/probe"), &out, NULL));
	return out;
}

static void by_ids(void **state)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	const uint32_t groups[] = { 5, 6 };
	char *out;

	(void)state;
	o.flags = CT_ATTACH_SET_UID | CT_ATTACH_SET_GID | CT_ATTACH_SET_GROUPS;
	o.uid = 1000;
	o.gid = 1001;
	o.groups = groups;
	o.n_groups = 2;
	out = enter(&o);
	expect(out, "ids", "uid", "[1000, 1000, 1000]");
	expect(out, "ids", "gid", "[1001, 1001, 1001]");
	expect(out, "ids", "groups", "[5, 6]");
	expect(out, "ids", "cap_effective", "\"0000000000000000\"");
	free(out);
	/* an empty list is no group at all; without the flag, none of init's go to another user */
	o.n_groups = 0;
	out = enter(&o);
	expect(out, "no groups", "groups", "[]");
	free(out);
	o.flags = CT_ATTACH_SET_UID | CT_ATTACH_SET_GID;
	out = enter(&o);
	expect(out, "not said", "groups", "[1001]");
	free(out);
	o.gid = 0;
	out = enter(&o);
	expect(out, "root's group", "groups", "[]");
	free(out);
	o = (ct_attach_opts)CT_ATTACH_OPTS_INIT;
	out = enter(&o);
	expect(out, "same", "groups", "[7]");
	free(out);
}

static void by_name(void **state)
{
	const struct {
		const char *user, *uid, *gid, *groups;
	} rows[] = {
		{ "tester", "[1000, 1000, 1000]", "[1000, 1000, 1000]", "[1000, 2000]" },
		{ "root", "[0, 0, 0]", "[0, 0, 0]", "[0]" },
		{ "1001", "[1001, 1001, 1001]", "[1001, 1001, 1001]", "[1001]" },
		{ "1234:99", "[1234, 1234, 1234]", "[99, 99, 99]", "[99]" },
	};
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	char groups[128], *out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o.user = rows[i].user;
		out = enter(&o);
		expect(out, rows[i].user, "uid", rows[i].uid);
		expect(out, rows[i].user, "gid", rows[i].gid);
		probe_get(out, "groups", groups, sizeof(groups));
		/* the primary group may or may not be told again among the supplementary ones;
		 * init's group 7 never */
		if (strstr(groups, "7") || (i == 0 && !strstr(groups, "2000")))
			fail_msg("%s: groups %s", rows[i].user, groups);
		free(out);
	}
}

/* A name is never a number and a number never a name. */
static void odd_names(void **state)
{
	const char *const names[] = { "+1",	 " 1",	       "1 ",	     "0x0",
				      "-1",	 "4294967295", "4294967296", "1:",
				      ":1",	 "",	       "1:2:3",	     "1e3",
				      "tester:", "no\nline",   "root:x",     "../etc" };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	size_t i;

	(void)state;
	rootfs_file(&box.root, "etc/passwd",
		    "root:x:0:0::/:/bin/sh\n+1:x:0:0::/:/bin/sh\n"
		    " 1:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n"
		    "tester:x:1000:1000::/:/bin/sh\n",
		    0644);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char uid[64], *out = NULL;
		int err;

		o.user = names[i];
		err = box_attach(running.c, &o, ARGV("/bin/probe"), &out, NULL);
		if (!err && strcmp(names[i], "+1") != 0 && strcmp(names[i], " 1") != 0)
			fail_msg("\"%s\" was entered as %s", names[i],
				 probe_get(out, "uid", uid, sizeof(uid)));
		free(out);
	}
	o.user = "1000";
	char *out = enter(&o);

	expect(out, "a row named 1000", "uid", "[1000, 1000, 1000]");
	free(out);
	rootfs_file(&box.root, "etc/passwd",
		    "root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/home:/bin/sh\n", 0644);
}

static void by_caps(void **state)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	char *out, want[64];

	(void)state;
	o.flags = CT_ATTACH_SET_CAPS;
	o.caps = "net_bind_service";
	out = enter(&o);
	expect(out, "one cap", "cap_effective", "\"0000000000000400\"");
	expect(out, "one cap", "cap_bounding", "\"0000000000000400\"");
	free(out);
	o.caps = "";
	out = enter(&o);
	expect(out, "no cap", "cap_permitted", "\"0000000000000000\"");
	expect(out, "no cap", "cap_bounding", "\"0000000000000000\"");
	free(out);
	o.caps = "sys_admin";
	assert_refused(running.c, box_attach(running.c, &o, ARGV("/bin/true"), NULL, NULL), -EPERM);
	o = (ct_attach_opts)CT_ATTACH_OPTS_INIT;
	o.flags = CT_ATTACH_ELEVATED;
	out = enter(&o);
	snprintf(want, sizeof(want), "\"%016llx\"", bounding());
	expect(out, "elevated", "cap_effective", want);
	expect(out, "elevated", "cap_inheritable", "\"0000000000000000\"");
	free(out);
	o.flags = CT_ATTACH_NO_NEW_PRIVS;
	out = enter(&o);
	expect(out, "no new privs", "no_new_privs", "1");
	free(out);
}

/* ---- environment and place ------------------------------------------------------------------- */

static int has(const char *report, const char *entry)
{
	char env[8192], want[256];

	probe_get(report, "env", env, sizeof(env));
	snprintf(want, sizeof(want), "\"%s\"", entry);
	return strstr(env, want) != NULL;
}

/* The config's, nothing of the caller's. */
static void environment_attached(void)
{
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	char *out = enter(&a);

	assert_true(has(out, "FROM_CONFIG=1") && !has(out, "CT_SECRET=canary"));
	free(out);
	a.flags = CT_ATTACH_KEEP_ENV;
	a.envp = ARGV("D=4");
	out = enter(&a);
	assert_true(has(out, "CT_SECRET=canary") && has(out, "D=4"));
	free(out);
	a.flags = CT_ATTACH_CLEAR_ENV;
	out = enter(&a);
	expect(out, "attach clear", "env", "[\"D=4\"]");
	free(out);
	a.flags = CT_ATTACH_CLEAR_ENV | CT_ATTACH_KEEP_ENV;
	assert_refused(running.c, box_attach(running.c, &a, ARGV("/bin/true"), NULL, NULL),
		       -EINVAL);
}

/* The caller's environment never goes in unless asked for; what is asked for replaces by name. */
static void environment(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = box_handle(&box, NULL);
	char *out = NULL;

	(void)state;
	setenv("CT_SECRET", "canary", 1);
	setenv("LD_PRELOAD_X", "canary", 1);
	assert_int_equal(box_config(c, "environment", "A=1", "environment", "B=two words",
				    "environment", "CT_SECRET", NULL),
			 0);
	o.envp = ARGV("A=replaced", "C=3");
	assert_ok(c, box_run(c, &o, ARGV("/bin/probe"), &out, NULL));
	assert_true(has(out, "A=replaced") && has(out, "B=two words") && has(out, "C=3") &&
		    has(out, "CT_SECRET=canary"));
	assert_true(!has(out, "A=1") && !has(out, "LD_PRELOAD_X=canary"));
	assert_true(has(out, "container=libcontain"));
	free(out);
	o.flags = CT_START_CLEAR_ENV;
	assert_ok(c, box_run(c, &o, ARGV("/bin/probe"), &out, NULL));
	expect(out, "clear", "env", "[\"A=replaced\", \"C=3\"]");
	free(out);
	environment_attached();
	unsetenv("CT_SECRET");
	unsetenv("LD_PRELOAD_X");
	ct_unref(c);
}

static void place(void **state)
{
	ct_container *c = box_handle(&box, NULL);
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	char *out = NULL;

	(void)state;
	assert_int_equal(box_config(c, "init.cwd", "/var/log", "uts.name", "inside-it", NULL), 0);
	assert_ok(c, box_run(c, NULL, ARGV("/bin/probe"), &out, NULL));
	expect(out, "place", "cwd", "\"/var/log\"");
	expect(out, "place", "hostname", "\"inside-it\"");
	expect(out, "place", "pid", "2");
	expect(out, "place", "ppid", "1");
	expect(out, "place", "exe", "\"/bin/probe\"");
	expect(out, "place", "dumpable", "1");
	free(out);
	a.cwd = "/tmp";
	out = enter(&a);
	expect(out, "attach", "cwd", "\"/tmp\"");
	free(out);
	ct_unref(c);
}

/* Neither the caller's ignored signals nor its mask of signals reach a payload; its umask does. */
static void signals_reset(void **state)
{
	sigset_t some, old;
	char *out = NULL;
	ct_container *c = box_handle(&box, NULL);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &some, &old);
	umask(0267);
	assert_ok(c, box_run(c, NULL, ARGV("/bin/probe"), &out, NULL));
	umask(022);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	expect(out, "signals", "ignored", "[]");
	expect(out, "signals", "blocked", "\"0000000000000000\"");
	expect(out, "signals", "umask", "\"267\"");
	free(out);
	ct_unref(c);
}

static void user_namespace(void **state)
{
	ct_container *c = box_handle(&box, NULL);
	char *out = NULL;
	int err;

	(void)state;
	assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536",
				    NULL),
			 0);
	/* the rootfs belongs to the mapped root, or nothing in it may be changed:
	 * reading is enough here */
	err = box_run(c, NULL, ARGV("/bin/probe"), &out, NULL);
	if (err)
		fail_msg("%s", ct_last_error(c)->message);
	expect(out, "user namespace", "uid", "[0, 0, 0]");
	expect(out, "user namespace", "groups", "[]");
	expect(out, "user namespace", "cap_inheritable", "\"0000000000000000\"");
	expect(out, "user namespace", "cap_ambient", "\"0000000000000000\"");
	expect(out, "user namespace", "fds", "[0, 1, 2]");
	free(out);
	ct_unref(c);
}

#define CASE(f)                               \
	{                                     \
#f, f, run_one, end_one, NULL \
	}

int main(void)
{
	static struct person people[32];
	const struct CMUnitTest single[] = { CASE(by_ids),	  CASE(by_name),
					     CASE(odd_names),	  CASE(by_caps),
					     CASE(environment),	  CASE(place),
					     CASE(signals_reset), CASE(user_namespace) };
	enum { SINGLE = sizeof(single) / sizeof(single[0]) };
	static struct CMUnitTest tests[32 + SINGLE];
	unsigned i;

	for (i = 0; i < 32; i++) {
		struct person *p = &people[i];

		*p = (struct person){ .uid = i & 1 ? 1000 : 0,
				      .groups = i >> 1 & 1,
				      .nnp = i >> 2 & 1,
				      .caps = (int)(i >> 3) };
		snprintf(p->name, sizeof(p->name), "uid %u, %s, %s%s", p->uid,
			 p->groups ? "groups" : "no groups", cap_kinds[p->caps],
			 p->nnp ? ", no_new_privs" : "");
		tests[i] = (struct CMUnitTest){ p->name, try_person, NULL, NULL, p };
	}
	memcpy(tests + 32, single, sizeof(single));
	return _cmocka_run_group_tests("identity", tests, 32 + SINGLE, box_setup, box_teardown);
}
