/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A payload with all capabilities of a root container turns to its cgroups: it cannot raise its
 * limits, leave its groups or have the host's kernel run a program for it; and whatever it makes of
 * the groups that it may change, the container can be ended and nothing is left. (CVE-2022-0492,
 * CVE-2023-25809, CVE-2021-4197 and others: shared/reference/escapes.md, 1.7.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-ways.h"
#include "leak.h"

static struct talk talk;

/* "All" but one that is of no use. */
static int configure(ct_container *c)
{
	return box_config(c, "cgroup.pattern", box.pattern, "cap.drop", "wake_alarm", NULL) ||
	       way_config(c);
}

static int setup(void **state)
{
	return way_setup(state, "esc", "escape") ||
	       box_config(box.c, "cap.drop", "wake_alarm", NULL);
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static const struct form {
	const char *word; /* NULL: nothing is asked for */
	bool writable;	  /* its own groups are */
} forms[] = {
	{ NULL, false },
	{ "cgroup:ro", false },
	{ "cgroup:mixed", true },
	{ "cgroup:rw", true },
	{ "cgroup", true },
	{ "cgroup-full:ro", false },
	{ "cgroup-full:mixed", true },
	{ "cgroup-full:rw", true },
	{ "cgroup2:ro", false },
	{ "cgroup2:rw", true },
	{ "cgroup2", true },
};

/* Of what the probe could open for writing. */
static void check_writable(const struct form *f, bool keep, char *out)
{
	char *line, *save = NULL;

	for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "writable ", 9))
			continue;
		/* where all of the host's cgroups are delegated, the form's name says so */
		if (strstr(line, "/release_agent") || !f->writable ||
		    (keep && strcmp(f->word, "cgroup-full:rw") && strcmp(f->word, "cgroup-full") &&
		     !strstr(line, box.word)))
			fail_msg("%s%s: %s", f->word ? f->word : "nothing",
				 keep ? ", the host's namespace" : "", line);
	}
}

/* Nothing that has the host's kernel run a program, or that opens devices, can be opened for
 * writing but in the payload's own groups, and release_agent not even there. */
static void agents(void **state)
{
	char text[4096];
	size_t i;
	int keep, tried = 0;

	(void)state;
	for (i = 0; i < 2 * sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i / 2];
		char *out = NULL;
		ct_container *c = box_handle(&box, NULL);
		int r;

		keep = i % 2;
		assert_int_equal(configure(c), 0);
		if (f->word)
			assert_ok(c, ct_set_config(c, "mount.auto", f->word));
		if (keep)
			assert_ok(c, ct_set_config(c, "namespace.keep", "cgroup"));
		r = box_run(c, NULL, ARGV("/bin/probe", "agents", "/sys/fs/cgroup"), &out, NULL);
		snprintf(text, sizeof(text), "%s", ct_last_error(c)->message);
		ct_unref(c);
		if (r == -EOPNOTSUPP || r == -EINVAL) {
			print_message("# %s%s: %s\n", f->word ? f->word : "nothing",
				      keep ? ", the host's namespace" : "", text);
			free(out);
			continue;
		}
		if (r)
			fail_msg("%s%s: %d %s", f->word ? f->word : "nothing",
				 keep ? ", the host's namespace" : "", r, text);
		tried++;
		check_writable(f, keep, out);
		free(out);
	}
	print_message("# %d forms tried\n", tried);
	assert_true(tried >= 2);
}

/* Without being asked the payload has no cgroup file system that it can write to, and cannot make
 * the one that it sees writable. */
static void not_asked(void **state)
{
	char *out = NULL;

	(void)state;
	assert_ok(box.c, box_run(box.c, NULL,
				 ARGV("/bin/sh", "-c",
				      "for d in $(probe roots); do echo root $d; "
				      "for f in $d/*; do [ -f $f ] && "
				      "probe write $f=1; done; done;"
				      "mkdir /sys/fs/cgroup/x 2>&1; echo done"),
				 &out, NULL));
	if (strstr(out, "write done") || !strstr(out, "done"))
		fail_msg("%s", out);
	free(out);
}

/* What a hierarchy of version 1 is mounted with, without ",rw,xattr" and the like. */
static void options_of(const struct tree *t, char *host, size_t size)
{
	char options[300] = "";

	/* ",rw,cpu," and ",rw,xattr,name=systemd," */
	if (t->version == 1)
		snprintf(options, sizeof(options), "%s",
			 strstr(t->words, "name=") ? strstr(t->words, "name=") : t->words + 4);
	options[strcspn(options, strstr(options, "name=") ? "," : "")] = 0;
	if (options[0] && options[strlen(options) - 1] == ',')
		options[strlen(options) - 1] = 0;
	if (strstr(options, "name=") == options)
		snprintf(host, size, "none,%s", options);
	else
		snprintf(host, size, "%s", options);
}

/* A new instance of one hierarchy, mounted from inside: it begins at the payload's own group, not
 * at the host's. Nothing is changed in it: release_agent is written with what it says. */
static bool fresh_mount(const struct tree *t, pid_t init, char *bad, size_t size)
{
	static const char look[] = "probe mount $0 /mnt \"$1\" || exit; stat -c 'inode %i' /mnt; "
				   "[ -e /mnt/release_agent ] && probe write "
				   "/mnt/release_agent=\"$(cat /mnt/release_agent)\"; umount /mnt";
	const ct_attach_opts elevated = { .size = sizeof(elevated), .flags = CT_ATTACH_ELEVATED };
	char host[1024], place[512] = "", *out = NULL;
	unsigned long long inode = 0;
	struct stat st;
	bool mounted;

	options_of(t, host, sizeof(host));
	assert_ok(box.c, box_attach(box.c, &elevated,
				    ARGV("/bin/sh", "-c", look,
					 t->version == 2 ? "cgroup2" : "cgroup", host),
				    &out, NULL));
	mounted = strstr(out, ": done\n");
	if (mounted && tree_place(t, init, place, sizeof(place))) {
		snprintf(host, sizeof(host), "%s%s", t->mount, place);
		assert_int_equal(stat(host, &st), 0);
		sscanf(strstr(out, "inode ") ? strstr(out, "inode ") : "", "inode %llu", &inode);
		if (inode != st.st_ino || !strstr(place, box.word) ||
		    strstr(out, "release_agent: write done"))
			snprintf(bad + strlen(bad), size - strlen(bad), "%s: begins at %s%s; ",
				 t->mount, place,
				 strstr(out, "release_agent: write done")
					 ? ", release_agent can be written"
					 : "");
	}
	free(out);
	return mounted;
}

static void fresh_mounts(void **state)
{
	char bad[2048] = "";
	struct trees t;
	int n = 0;

	(void)state;
	trees_find(&t);
	assert_ok(box.c, ct_set_config(box.c, "limit.pids", "try:200"));
	talk_start(box.c, way_flags(), ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	for (int i = 0; i < t.n; i++)
		n += fresh_mount(&t.v[i], ct_process_pid(talk.p), bad, sizeof(bad));
	talk_end(&talk);
	print_message("# %d of %d hierarchies can be mounted inside\n", n, t.n);
	if (bad[0])
		fail_msg("%s", bad);
}

/* ---- its own limits, its own place ----------------------------------------------------------- */

/* Writes at what limits it by every way there is, then uses up what it is given. */
static const char tries[] =
	"try() { for d in $1 $1/.. $1/../.. /proc/1/root$1 /proc/1/root$1/.. "
	"/proc/self/root$1/../..; do   probe write $d/memory.max=max $d/memory.limit_in_bytes=-1 "
	"$d/memory.memsw.limit_in_bytes=-1 $d/pids.max=max $d/cpu.max=max"
	"     $d/cpu.cfs_quota_us=-1 $d/devices.allow=a $d/cgroup.max.descendants=max "
	"$d/cgroup.procs=1 $d/cgroup.procs=0 $d/tasks=1;"
	"   done; };"
	"for d in $(probe roots) /sys/fs/cgroup; do try $d; done >/dev/null;"
	"mount -o remount,rw /sys/fs/cgroup 2>/dev/null; for d in $(probe roots); "
	"do mount -o remount,rw $d 2>/dev/null; try $d; done >/dev/null;"
	"for t in memory pids cpu devices; do probe mount cgroup /mnt $t && try /mnt; "
	"umount /mnt 2>/dev/null; done >/dev/null;"
	"probe mount cgroup2 /mnt '' >/dev/null && try /mnt >/dev/null; umount /mnt 2>/dev/null;"
	"echo tried; probe forks 200 0; probe node c 10 237; echo ready; read x; "
	"exec probe hold 0 100000000";

/* "4:memory:/ct.x": where it was among ours in the beginning, it is still. */
static void check_places(const char *was, char *is)
{
	char *save = NULL, head[256];

	for (char *line = strtok_r(is, "\n", &save), *w; line; line = strtok_r(NULL, "\n", &save)) {
		snprintf(head, sizeof(head), "%.*s",
			 (int)(strchr(strchr(line, ':') + 1, ':') - line), line);
		w = strstr(was, head);
		if (w && memmem(w, strcspn(w, "\n"), box.word, strlen(box.word)) &&
		    !strstr(line, box.word))
			fail_msg("it is in a group outside now: %s", line);
	}
}

/* Where a program is that tries nothing. */
static char *first_places(void)
{
	char *was;

	talk_start(box.c, way_flags(), ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	was = leak_places(ct_process_pid(talk.p));
	talk_end(&talk);
	if (way->detached)
		ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS);
	return was;
}

/* With `mounts` as mount.auto. */
static void limits_hold(const char *mounts)
{
	long long memory, pids, memory_after, pids_after;
	char *was, *is;
	ct_exit ex;

	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.pids", "60", "limit.cpu",
				    "try:1.5", "mount.auto", mounts, NULL),
			 0);
	was = first_places();
	talk_start(box.c, way_flags(), ARGV("/bin/sh", "-c", tries), &talk);
	memory = 64 * (long long)MIB;
	/* a program's pid 1 is counted by the kernel, too */
	pids = way->detached ? 60 : 61;
	memory_after = group_number(box.c, "memory.max", "memory.limit_in_bytes");
	pids_after = group_number(box.c, "pids.max", NULL);
	is = leak_places(ct_process_pid(talk.p));
	ex = talk_end(&talk);
	if (!strstr(talk.text, "forked 5") ||
	    !strstr(talk.text, "Resource temporarily unavailable"))
		fail_msg("it has more than 60 processes: %s", talk.text);
	if (!strstr(talk.text, "c 10:237 mknod done, open Operation not permitted"))
		fail_msg("it has a device: %s", talk.text);
	if (memory_after != memory || pids_after != pids)
		fail_msg("memory is limited to %lld, pids to %lld", memory_after, pids_after);
	check_places(was, is);
	free(was);
	free(is);
	if (ex.reason != CT_EXIT_MEMORY)
		fail_msg("100 MB under a limit of 64: reason %d; %s", ex.reason, talk.text);
}

static void own_limits(void **state)
{
	(void)state;
	limits_hold("proc sys cgroup:rw");
}

/* Who may mount has cgroup file systems without being given any. */
static void limits_of_a_mounter(void **state)
{
	(void)state;
	limits_hold("proc sys");
}

/* No descriptor of a cgroup directory comes in, neither with a start nor with an attach. */
static void descriptors(void **state)
{
	char *out = NULL;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.pids", "try:60", "mount.auto",
				    "proc sys cgroup:rw", NULL),
			 0);
	talk_start(box.c, way_flags(),
		   ARGV("/bin/sh", "-c", "probe on-cgroups; probe fds; echo ready; read x"), &talk);
	assert_non_null(strstr(talk.text, "0 descriptors on cgroups"));
	assert_ok(box.c, box_attach(box.c, NULL, ARGV("/bin/probe", "on-cgroups"), &out, NULL));
	assert_non_null(strstr(out, "0 descriptors on cgroups"));
	free(out);
	talk_end(&talk);
}

/* ---- what it makes of its groups ------------------------------------------------------------- */

#define EACH_ROOT "for d in $(probe roots); do "
static const char *const mischief[][2] = {
	{ "many groups", "set -- $(probe roots); exec probe groups $1 " },
	{ "deep groups", "set -- $(probe roots); exec probe deep $1 " },
	{ "freezes itself",
	  "echo ready; " EACH_ROOT
	  "echo 1 >$d/cgroup.freeze; echo FROZEN >$d/freezer.state; done 2>/dev/null; read x" },
	{ "hides and freezes itself",
	  EACH_ROOT "(cd $d || exit; i=0; while [ $i -lt 100 ]; do mkdir .h || exit; cd .h; "
		    "i=$((i + 1)); done; exec 9>cgroup.freeze || exec 9>freezer.state;"
		    " echo 0 >cgroup.procs; echo 1 >&9; echo FROZEN >&9; "
		    "exec sleep 1000) 2>/dev/null & done; sleep 1; echo ready; read x" },
	{ "freezes init again and again",
	  EACH_ROOT "[ -e $d/cgroup.freeze -o -e $d/freezer.state ] || continue; "
		    "mkdir $d/a $d/b || continue; echo 1 >$d/a/cgroup.procs;"
		    " (echo 0 >$d/b/cgroup.procs; exec probe refreeze $d/a) & done; echo ready; "
		    "while :; do sleep 0.1; done" },
	{ "is threaded",
	  EACH_ROOT "mkdir $d/t; echo threaded >$d/t/cgroup.type; echo threaded >$d/cgroup.type; "
		    "echo 0 >$d/t/cgroup.threads; done 2>/dev/null;"
		    "sleep 1000 & echo ready; wait" },
	{ "gives controllers on",
	  EACH_ROOT "mkdir $d/k; echo 1 >$d/k/cgroup.procs; for c in memory pids cpu io hugetlb; "
		    "do echo +$c >$d/cgroup.subtree_control;"
		    " echo +$c >$d/k/cgroup.subtree_control; done; mkdir $d/k/l; "
		    "echo 0 >$d/k/l/cgroup.procs; done 2>/dev/null;"
		    "sleep 1000 & echo ready; wait" },
	{ "sits in many",
	  EACH_ROOT "for i in 1 2 3 4 5; do mkdir -p $d/s$i/s/s; (echo 0 >$d/s$i/s/s/cgroup.procs; "
		    "exec sleep 1000) & done; done 2>/dev/null; sleep 1; echo ready; wait" },
	{ "limits itself to nothing",
	  EACH_ROOT "echo 1 >$d/pids.max; echo 0 >$d/cgroup.max.descendants; "
		    "echo 4096 >$d/memory.max; done 2>/dev/null; echo ready; read x" },
};

static void start_mischief(const char *name, const char *script)
{
	const char *number = "";
	char *whole = NULL;
	int r;

	if (strstr(script, "exec probe groups") || strstr(script, "exec probe deep"))
		number = quick() ? "1000" : "10000";
	if (!strcmp(name, "deep groups"))
		number = "300";
	assert_true(asprintf(&whole, "%s%s", script, number) > 0);
	r = talk_try(box.c, way_flags(), ARGV("/bin/sh", "-c", whole), &talk);
	free(whole);
	if (r == -EOPNOTSUPP)
		elsewhere_because("%s", ct_last_error(box.c)->message);
	assert_ok(box.c, r);
}

static void end_of(const char *name, const char *script)
{
	long long began;
	ct_exit ex = CT_EXIT_INIT;
	int r;

	start_mischief(name, script);
	/* who limits itself to nothing may not come to say so */
	if (!read_until(talk.out, "ready",
			strcmp(name, "limits itself to nothing") ? PATIENCE_MS : 2000, talk.text,
			sizeof(talk.text)) &&
	    strcmp(name, "limits itself to nothing"))
		fail_msg("%s: it said: %s", name, talk.text);
	nothing_happens_for(100);
	if (strstr(talk.text, "made ") || strstr(talk.text, "deep "))
		print_message("# %.*s\n", (int)strcspn(talk.text, "\n"), talk.text);
	began = now_ms();
	r = ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
	if (r)
		fail_msg("%s: %d %s", name, r, ct_last_error(box.c)->message);
	r = ct_process_wait(talk.p, &ex, PATIENCE_MS);
	if (r)
		fail_msg("%s: after the stop: %d", name, r);
	print_message("# %s, %s, %s: its end took %lld ms\n", name, way->backend,
		      way->detached ? "detached" : "in process", now_ms() - began);
	talk_end(&talk);
	/* what the supervisor could not do in its time, the next call does */
	if (way->detached)
		assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_no_groups(box.word);
}

/* The index of the mischief stands behind that of the way. */
static void do_mischief(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	assert_int_equal(box_config(box.c, "limit.memory", "try:128M", "limit.pids", "try:100",
				    "mount.auto", "proc sys cgroup:rw", NULL),
			 0);
	end_of(mischief[i][0], mischief[i][1]);
}

static int mischief_setup(void **state)
{
	uintptr_t at = (uintptr_t)*state;
	void *w = (void *)(uintptr_t)&ways[at % 16];

	*state = (void *)(at / 16);
	return setup(&w);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* No start takes that name, and the reason is told. */
static void check_name(const char *key, const char *bad)
{
	ct_container *c = box_handle(&box, "name");
	ct_start_opts o = CT_START_OPTS_INIT;
	int r;

	assert_int_equal(box_config(c, "limit.pids", "try:50", NULL), 0);
	if (!strcmp(key, "cgroup.dir.container") || !strcmp(key, "cgroup.dir.monitor") ||
	    !strcmp(key, "cgroup.dir.container.inner"))
		assert_int_equal(box_config(c, "cgroup.dir.container", "ct.x", "cgroup.dir.monitor",
					    "ct.y", NULL),
				 0);
	o.argv = ARGV("/bin/true");
	r = ct_set_config(c, key, bad);
	if (r == 0)
		r = ct_check(c, &o);
	/* a format means nothing in a name but %n, and stays within it */
	if (r == 0 && !strchr(bad, '%') && strcmp(bad, "a/") && strcmp(bad, "a//b"))
		fail_msg("%s = \"%s\" is taken", key, bad);
	if (r == 0)
		print_message("# %s = \"%s\" is taken\n", key, bad);
	if (r < 0 && !ct_last_error(c)->message[0])
		fail_msg("%s = \"%s\" is refused without a word", key, bad);
	ct_unref(c);
}

static void names(void **state)
{
	static char longest[300], deep_path[300];
	static const char *const keys[] = { "cgroup.dir", "cgroup.dir.container",
					    "cgroup.dir.container.inner", "cgroup.dir.monitor",
					    "cgroup.pattern" };
	static const char *const bad[] = { "..",   "../x",  "a/../b",  "a/..", "/a",	 "/",
					   ".",	   "./a",   "a/./b",   "a\nb", "a\001",	 "a\177b",
					   "a//b", longest, deep_path, "a/",   "%s%s%n", "a\tb" };
	size_t i, k;

	(void)state;
	memset(longest, 'x', 256);
	memset(deep_path, 'x', 260);
	memcpy(deep_path, "a/", 2);
	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			check_name(keys[k], bad[i]);
		}
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

#define CASE(name, f, w)                                                          \
	{                                                                         \
		name, f, setup, cgroup_case_teardown, (void *)(uintptr_t)&ways[w] \
	}

static const struct CMUnitTest cases[] = {
	CASE("release agents and rules", agents, 0),
	CASE("nothing asked for", not_asked, 0),
	CASE("fresh mounts", fresh_mounts, 0),
	CASE("fresh mounts, detached", fresh_mounts, 1),
	CASE("own limits", own_limits, 0),
	CASE("own limits, detached", own_limits, 1),
	CASE("limits of who may mount", limits_of_a_mounter, 0),
	CASE("limits of who may mount, detached", limits_of_a_mounter, 1),
	CASE("descriptors", descriptors, 0),
	CASE("descriptors, detached", descriptors, 1),
	CASE("names", names, 0),
};

int main(void)
{
	static struct CMUnitTest tests[128];
	static char names_of[128][96];
	const char *only = getenv("CT_ONLY");
	size_t n = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!only || strstr(cases[i].name, only))
			tests[n++] = cases[i];
	for (size_t i = 0; i < sizeof(mischief) / sizeof(mischief[0]); i++) {
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
			snprintf(names_of[n], sizeof(names_of[n]), "%s, %s, %s", mischief[i][0],
				 ways[w].backend, ways[w].detached ? "detached" : "in process");
			if (only && !strstr(names_of[n], only))
				continue;
			tests[n] = (struct CMUnitTest){ names_of[n], do_mischief, mischief_setup,
							cgroup_case_teardown,
							(void *)(uintptr_t)(i * 16 + w) };
			n++;
		}
	}
	return _cmocka_run_group_tests("cgroup-escape", tests, n, box_setup_bare, box_teardown);
}
