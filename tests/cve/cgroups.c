/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cgroups and devices of a payload: it leaves neither its groups nor its limits, from its first
 * instruction on, writes to none above them, has the host run no program, and opens no device that
 * it was not given. What cannot be limited is refused; what fails does not stay frozen.
 */
#include "help.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../root/cgroup-help.h"

#define ALL_CAPS "cap.drop", "wake_alarm"
#define MAPPED "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536"

/* ---- release agents and files of groups ------------------------------------------------------ */

static const char *const release[] = { "release-agent", NULL };
static const char *const outside[] = { "cgroup2-outside", NULL };

static const struct kind {
	const char *config[12];
} kinds[] = {
	{ { NULL } },
	{ { ALL_CAPS, "seccomp.profile", "none", NULL } },
	{ { ALL_CAPS, "seccomp.profile", "none", MAPPED, NULL } },
	{ { ALL_CAPS, "seccomp.profile", "none", "mount.auto", "cgroup:rw", NULL } },
	{ { "namespace.keep", "cgroup", NULL } },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* NULL where this host cannot have it. */
static ct_container *of_kind(size_t i)
{
	ct_container *c = must_open(NULL);
	ct_start_opts o = CT_START_OPTS_INIT;

	for (const char *const *p = kinds[i].config; *p; p += 2)
		assert_ok(c, ct_set_config(c, p[0], p[1]));
	o.argv = ARGV("/bin/true");
	if (ct_check(c, &o) == -EOPNOTSUPP) {
		print_message("# %s\n", ct_last_error(c)->message);
		return ct_unref(c);
	}
	return c;
}

static void in_no_kind(const void *data)
{
	int tried = 0;

	for (size_t i = 0; i < N_KINDS; i++) {
		ct_container *c = of_kind(i);

		if (c)
			none_can(c, data);
		tried += c != NULL;
	}
	assert_true(tried >= 3);
}

/* Files of groups that open for writing are below the payload's own group; where the host's sysfs
 * is bound with all that is mounted in it, none is. */
static void foreign_files(const void *data)
{
	static const char walk[] =
		"for d in /sys/fs/cgroup $(probe roots); do inside walk $d; done";
	static const char *const binds[] = { NULL, "/sys sys none rbind,ro 0 0" };
	char *out;

	(void)data;
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_INSIDE"), "bin/inside", 0755), 0);
	for (int i = 0; i < 4; i++) {
		ct_container *c = must_open(NULL);

		if (i / 2)
			assert_int_equal(box_config(c, MAPPED, NULL), 0);
		if (binds[i % 2])
			assert_int_equal(box_config(c, "mount.auto", "proc", "mount.entry",
						    binds[i % 2], NULL),
					 0);
		out = said(c, NULL, ARGV("/bin/sh", "-c", walk));
		if (!strncmp(out, "w ", 2) || strstr(out, "\nw "))
			escape("a file of a group can be written: %s", out);
		assert_non_null(strstr(out, "walked "));
		free(out);
		ct_unref(c);
	}
}

static void no_descriptors(const void *data)
{
	ct_container *c = must_open(NULL), *d = must_open("grouped");
	char *out = said(c, NULL, ARGV("/bin/probe", "on-cgroups"));
	ct_process *p;

	(void)data;
	if (!strstr(out, "0 descriptors on cgroups"))
		escape("a start hands over %s", out);
	free(out);
	ct_unref(c);
	assert_int_equal(box_config(d, "limit.pids", "try:50", NULL), 0);
	assert_ok(d, box_start(d, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	out = said_attached(d, NULL, ARGV("/bin/probe", "on-cgroups"));
	if (!strstr(out, "0 descriptors on cgroups"))
		escape("an attach hands over %s", out);
	free(out);
	assert_ok(d, ct_stop(d, CT_STOP_KILL, PATIENCE_MS));
	let_go(d, p);
}

/* ---- its place ------------------------------------------------------------------------------- */

/* It is in a group of ours. */
static void check_place(const char *places, const char *how)
{
	int found = 0;

	for (const char *line = places; *line; line = strchrnul(line, '\n') + 1) {
		found += memmem(line, strcspn(line, "\n"), box.word, strlen(box.word)) != NULL;
		if (!strchr(line, '\n'))
			break;
	}
	if (!found)
		escape("%s is in no group of its own: %s", how, places);
}

/* What is executed first finds itself in the group already, by a start and by an attach; the
 * namespace of groups is the caller's, so that it tells its true place. */
static void first_instruction(const void *data)
{
	static const char *const tell[] = { "/bin/cat", "/proc/self/cgroup", NULL };
	int n = rounds(30, 300);

	(void)data;
	box_word(&box, "first");
	for (int i = 0; i < n; i++) {
		ct_container *c = must_open(NULL);
		ct_process *p;
		char *out;

		assert_int_equal(box_config(c, "cgroup.pattern", box.pattern, "limit.pids", "50",
					    "namespace.keep", "cgroup", NULL),
				 0);
		out = said(c, NULL, tell);
		check_place(out, "a start");
		free(out);
		p = waiting(c);
		out = said_attached(c, NULL, tell);
		check_place(out, "an attach");
		free(out);
		let_go(c, p);
	}
}

/* An attach counts for the limit, too, and is bound by it. */
static void attach_is_limited(const void *data)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *out;
	int n = 0;

	(void)data;
	assert_int_equal(box_config(c, "limit.pids", "20", NULL), 0);
	p = waiting(c);
	out = said_attached(c, NULL, ARGV("/bin/probe", "forks", "100", "0"));
	sscanf(out, "forked %d", &n);
	if (n < 1 || n >= 20)
		escape("what is attached has %d processes under a limit of 20: %s", n, out);
	free(out);
	let_go(c, p);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void names(const void *data)
{
	static const char *const keys[] = { "cgroup.dir", "cgroup.dir.container",
					    "cgroup.dir.container.inner", "cgroup.pattern" };
	static const char *const bad[] = { "..",	"../x",	  "a/..",
					   "a/../../b", "/",	  "/etc",
					   ".",		"a/./b",  "a\nb",
					   "a\033[2J",	"a\177b", "../../../../../../../tmp/x" };

	(void)data;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			ct_container *c = must_open(NULL);

			if (!strcmp(keys[k], "cgroup.dir.container.inner"))
				box_config(c, "cgroup.dir.container", "ct.x", NULL);
			if (ct_set_config(c, keys[k], bad[i]) == 0 &&
			    box_run(c, NULL, ARGV("/bin/true"), NULL, NULL) == 0)
				escape("%s = \"%s\" starts", keys[k], bad[i]);
			assert_true(ct_last_error(c)->message[0]);
			ct_unref(c);
		}
	}
}

/* ---- devices --------------------------------------------------------------------------------- */

static const char *const devices[] = { "dev-mem",  "dev-port", "dev-kmsg",  "dev-loop-control",
				       "dev-loop", "dev-sda",  "dev-disk",  "dev-kvm",
				       "dev-fuse", "dev-tun",  "dev-hwrng", "dev-tty1",
				       NULL };
static const char *const there[] = { "dev-kmsg", "dev-null", NULL };

/* It may make nodes and has all capabilities; those that it was given open. */
static void device_list(const void *data)
{
	ct_container *c = must_open(NULL);
	char *report;

	(void)data;
	all_can(there);
	assert_int_equal(box_config(c, ALL_CAPS, "seccomp.profile", "none", NULL), 0);
	report = attempted(c, NAMES("dev-null"), -1);
	assert_int_equal(outcome(report, "dev-null"), 0);
	free(report);
	none_can(c, devices);
	none_can(must_open(NULL), devices);
}

/* Over a file system of its own, and with one device allowed no other is. */
static void device_rules(const void *data)
{
	ct_container *c = must_open(NULL);
	char *report;

	(void)data;
	assert_int_equal(box_config(c, "limit.devices", "none", "cgroup.devices.allow", "c 1:3 rwm",
				    "cgroup2.devices.allow", "c 1:3 rwm", ALL_CAPS,
				    "seccomp.profile", "none", NULL),
			 0);
	report = attempted(c, NAMES("dev-null", "dev-kmsg", "dev-mem"), -1);
	if (outcome(report, "dev-null"))
		fail_msg("the one device is refused: %s", report);
	none_done(report, "a list of one device", NAMES("dev-kmsg", "dev-mem"));
	free(report);
	ct_unref(c);
}

static void host_terminals(const void *data)
{
	ct_container *c = must_open(NULL);
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)data;
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	assert_int_equal(box_config(c, ALL_CAPS, "seccomp.profile", "none", NULL), 0);
	none_can(c, NAMES("pts-of-host"));
	close(master);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct limit {
	const char *key, *value;
} limits[] = {
	{ "limit.memory", "64M" },	 { "limit.memory.high", "32M" },
	{ "limit.memory.low", "1M" },	 { "limit.swap", "1M" },
	{ "limit.oom.group", "1" },	 { "limit.pids", "50" },
	{ "limit.cpu", "0.5" },		 { "limit.cpu.weight", "50" },
	{ "limit.cpu.burst", "10ms" },	 { "limit.cpuset.cpus", "0" },
	{ "limit.cpuset.mems", "0" },	 { "limit.io.weight", "50" },
	{ "limit.hugetlb.2MB", "2M" },	 { "limit.rdma", "mlx4_0 hca_handle=2" },
	{ "limit.misc", "sev 2" },	 { "cgroup.no.such.file", "1" },
	{ "cgroup2.no.such.file", "1" }, { "limit.cputime", "5s" },
};

/* A limit that this host cannot set is an error that names it; one that it says to have set can be
 * read back from what protects the container. */
static void no_limit_is_ignored(const void *data)
{
	int refused = 0, held = 0;

	(void)data;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		ct_container *c = must_open(NULL);
		ct_process *p = NULL;
		char *text = NULL;
		int r = ct_set_config(c, limits[i].key, limits[i].value);

		if (r == 0)
			r = box_start(c, 0, ARGV("/bin/sleep", "1000"), &p);
		if (r < 0) {
			refused++;
			print_message("# %s: %s\n", limits[i].key, ct_last_error(c)->message);
			if (!strstr(ct_last_error(c)->message, limits[i].key))
				fail_msg("the error does not name %s: %s", limits[i].key,
					 ct_last_error(c)->message);
			ct_unref(c);
			continue;
		}
		held++;
		assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
		if (!strstr(text, limits[i].key))
			escape("%s was taken and is not there: %s", limits[i].key, text);
		ct_free(text);
		let_go(c, p);
	}
	print_message("# %d refused, %d held\n", refused, held);
	assert_true(refused + held == sizeof(limits) / sizeof(limits[0]) && held > 0);
}

/* Neither a freeze that fails, nor a call that fails while it is frozen, leaves it so. */
static void not_left_frozen(const void *data)
{
	static const char *const bad_key[] = { "limit.no.such" }, *const value[] = { "1" };
	ct_container *c = must_open("thawed");
	ct_process *p = NULL, *q = NULL;
	ct_exit ex = CT_EXIT_INIT;
	struct talk t;
	int r;

	(void)data;
	assert_int_equal(box_config(c, "limit.pids", "try:50", NULL), 0);
	talk_start(c, CT_START_DETACH, ARGV("/bin/sh", "-c", "echo ready; read x; exit 7"), &t);
	r = ct_freeze(c, 0);
	if (r == -EOPNOTSUPP)
		elsewhere_because("%s", ct_last_error(c)->message);
	if (r == 0)
		assert_ok(c, ct_unfreeze(c, PATIENCE_MS));
	assert_int_equal(ct_state(c), CT_STATE_RUNNING);
	assert_ok(c, ct_freeze(c, PATIENCE_MS));
	assert_int_equal(box_enter(c, ARGV("/bin/true"), &q), -EBUSY);
	assert_true(ct_set_limits(c, bad_key, value, 1) < 0);
	assert_true(ct_cgroup_set(c, "no.such.file", "1") < 0);
	assert_int_equal(ct_state(c), CT_STATE_FROZEN);
	assert_ok(c, ct_unfreeze(c, PATIENCE_MS));
	assert_ok(c, box_enter(c, ARGV("/bin/true"), &q));
	assert_int_equal(must_end(q).reason, CT_EXIT_EXITED);
	ex = talk_end(&t);
	if (ex.code != 7)
		escape("it did not go on: %d", ex.code);
	/* frozen when it is killed: it ends all the same */
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	assert_ok(c, ct_freeze(c, PATIENCE_MS));
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	let_go(c, p);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2022-0492-release-agent", in_no_kind, release },
		{ "cgroup2-outside", in_no_kind, outside },
		{ "cve-2023-25809-foreign-files", foreign_files, NULL },
		{ "cve-2021-4197-no-descriptors", no_descriptors, NULL },
		{ "cve-2023-6476-first-instruction", first_instruction, NULL },
		{ "cve-2025-47291-attach-is-limited", attach_is_limited, NULL },
		{ "names-of-groups", names, NULL },
		{ "device-list", device_list, NULL },
		{ "device-rules", device_rules, NULL },
		{ "terminals-of-the-host-by-number", host_terminals, NULL },
		{ "no-limit-is-ignored", no_limit_is_ignored, NULL },
		{ "not-left-frozen", not_left_frozen, NULL },
	};

	return cve_main("cgroups", cases, sizeof(cases) / sizeof(*cases));
}
