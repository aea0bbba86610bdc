/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is hidden and read-only in /proc and /sys, what is written there, and by which way. */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROUNDS 2000

/* ---- a false /proc --------------------------------------------------------------------------- */

static const char *const fakes[] = { "self/attr/exec",
				     "self/attr/current",
				     "thread-self/attr/exec",
				     "1/attr/exec",
				     "1/oom_score_adj",
				     "self/oom_score_adj",
				     "self/status",
				     "self/fd",
				     "sys/kernel/msgmax",
				     "sys/kernel/shm_rmid_forced",
				     "sys/net/ipv4/ip_forward",
				     "kernel/msgmax",
				     "kernel/shm_rmid_forced",
				     "ipv4/ip_forward" };
static unsigned long long fake_digest;

static const char *fake(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/fake", box.root.base);
	return path;
}

/* A directory that looks like /proc, and like some of its own directories. */
static void make_fake(void)
{
	struct rootfs r = box.root;

	memcpy(r.path, fake(), strlen(fake()) + 1);
	assert_int_equal(mkdir(r.path, 0755), 0);
	for (size_t i = 0; i < sizeof(fakes) / sizeof(*fakes); i++)
		assert_int_equal(rootfs_file(&r, fakes[i], "as it was\n", 0666), 0);
	fake_digest = tree_digest(r.path);
}

static void check_fake(const char *what)
{
	if (tree_digest(fake()) != fake_digest)
		escape("%s: a file was written that only looks like one of procfs", what);
}

/* ---- CVE-2015-1334 --------------------------------------------------------------------------- */

/* Attaches to a container whose /proc, or a part of it, is another directory: nothing there is
 * opened, and what attaches has what was asked for. */
static void attach_with_false_proc(const void *data)
{
	static const char *const targets[] = { "proc", "proc/sys", "proc/1", "proc/self/attr" };
	char value[3 * PATH_MAX], got[64];

	(void)data;
	make_fake();
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		ct_container *c = must_open(NULL);
		ct_process *init = NULL;
		char *out = NULL;

		snprintf(value, sizeof(value), "%s %s none bind 0 0", decoy.path, targets[i]);
		assert_int_equal(box_config(c, "mount.entry", value, "no_new_privs", "1", NULL), 0);
		assert_ok(c, box_start(c, 0, ARGV("/bin/sleep", "1000"), &init));
		assert_ok(c, box_attach(c, NULL, ARGV("/bin/probe"), &out, NULL));
		if (strcmp(probe_get(out, "no_new_privs", got, sizeof(got)), "1") != 0 ||
		    strcmp(probe_get(out, "cap_inheritable", got, sizeof(got)),
			   "\"0000000000000000\"") != 0)
			escape("%s: what attached is not confined: %s", targets[i], out);
		free(out);
		ct_process_unref(init);
		ct_unref(c);
	}
	tree_remove(fake());
}

/* ---- CVE-2025-52881 -------------------------------------------------------------------------- */

/* The value of a sysctl in the namespaces of a process, as a child with them reads it. */
struct look {
	pid_t pid;
	const char *file, *want;
};

static int reads(void *data)
{
	const struct look *l = data;
	char path[64], text[64] = "";
	int ns;

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)l->pid, i ? "net" : "ipc");
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns < 0 || setns(ns, 0))
			return 1;
	}
	ns = open(l->file, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || read(ns, text, sizeof(text) - 1) <= 0)
		return 2;
	return strcmp(text, l->want) ? 3 : 0;
}

/* Sysctls, while the config mounts something else over their files: they are written all the same,
 * and nothing else is. */
static void sysctl_redirected(const void *data)
{
	static const struct {
		const char *from, *to;
	} mounts[] = { { "", "proc" },
		       { "/sys", "proc/sys" },
		       { "/sys/net", "proc/sys/net" },
		       { "/sys/kernel", "proc/sys/kernel" } };
	char value[3 * PATH_MAX];

	(void)data;
	make_fake();
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		ct_container *c = must_open(NULL);
		ct_process *p = NULL;
		struct look look = { 0, "/proc/sys/kernel/msgmax", "9001\n" };

		snprintf(value, sizeof(value), "%s%s %s none bind 0 0", fake(), mounts[i].from,
			 mounts[i].to);
		assert_int_equal(box_config(c, "mount.entry", value, "sysctl.kernel.msgmax", "9001",
					    "sysctl.net.ipv4.ip_forward", "1", NULL),
				 0);
		assert_ok(c, box_start(c, 0, ARGV("/bin/sleep", "1000"), &p));
		check_fake(mounts[i].to);
		look.pid = ct_process_pid(p);
		if (in_process_of_its_own(reads, &look))
			escape("%s: the sysctl of the container is not written", mounts[i].to);
		look.file = "/proc/sys/net/ipv4/ip_forward";
		look.want = "1\n";
		if (in_process_of_its_own(reads, &look))
			escape("%s: ip_forward of the container is not written", mounts[i].to);
		ct_process_unref(p);
		ct_unref(c);
	}
	tree_remove(fake());
}

/* The same while the file that lies over it is exchanged with a link to the host. */
static void sysctl_race(const void *data)
{
	char value[3 * PATH_MAX], link[2 * PATH_MAX], to[2 * PATH_MAX];
	int n = rounds(ROUNDS, ROUNDS), started = 0;
	ct_container *c = must_open(NULL);

	(void)data;
	make_fake();
	snprintf(link, sizeof(link), "%s/flip-side", box.root.base);
	snprintf(to, sizeof(to), "%s/secret", decoy.path);
	assert_int_equal(symlink(to, link), 0);
	snprintf(value, sizeof(value), "%s proc none bind 0 0", fake());
	assert_int_equal(box_config(c, "namespace.keep", "net uts cgroup", "cgroup.backend", "none",
				    "limit.devices", "all", "seccomp.profile", "none",
				    "mount.entry", value, "sysctl.kernel.shm_rmid_forced", "1",
				    NULL),
			 0);
	flipper_start("fake/sys/kernel/shm_rmid_forced", "flip-side", false);
	for (int i = 0; i < n; i++)
		started += box_run(c, NULL, ARGV("/bin/true"), NULL, NULL) >= 0;
	flipper_stop();
	assert_int_equal(started, n);
	snprintf(to, sizeof(to), "%s/sys/kernel/shm_rmid_forced", fake());
	for (int i = 0; i < 2; i++) {
		char text[32] = "";
		int fd = open(i ? link : to, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 &&
		    (read(fd, text, sizeof(text) - 1) < 0 || strcmp(text, "as it was\n") != 0))
			escape("the other file has %s", text);
		close(fd);
	}
	ct_unref(c);
	unlink(link);
	tree_remove(fake());
}

/* Where a label is written (attr/exec) the container's /proc is not asked, whatever it shows. */
static void label_redirected(const void *data)
{
	char value[3 * PATH_MAX];
	ct_process *p = NULL;
	ct_container *c = must_open(NULL);

	(void)data;
	snprintf(value, sizeof(value), "%s/proc proc none bind 0 0", decoy.path);
	assert_ok(c, ct_set_config(c, "mount.entry", value));
	assert_ok(c, box_start(c, 0, ARGV("/bin/sleep", "1000"), &p));
	for (int i = 0; i < 20; i++)
		assert_ok(c, box_attach(c, NULL, ARGV("/bin/true"), NULL, NULL));
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- what is hidden and read-only ------------------------------------------------------------ */

/* What the program `inside` says of these files in a container of root without a user namespace. */
static char *look_inside(const char *what, const char *const files[], bool all_caps)
{
	const char *argv[64] = { "/bin/inside", what };
	ct_container *c = must_open(NULL);
	char *out = NULL;

	for (int i = 0; files[i]; i++)
		argv[2 + i] = files[i];
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_INSIDE"), "bin/inside", 0755), 0);
	if (all_caps)
		assert_ok(c, ct_set_config(c, "cap.drop", "sys_admin sys_ptrace sys_module"));
	assert_ok(c, box_run(c, NULL, argv, &out, NULL));
	ct_unref(c);
	rootfs_drop(&box.root, "bin/inside");
	return out;
}

static const char *const secrets[] = {
	"/proc/kcore",	       "/proc/keys",	    "/proc/key-users",
	"/proc/timer_list",    "/proc/sched_debug", "/proc/interrupts",
	"/proc/acpi",	       "/proc/scsi",	    "/proc/asound",
	"/sys/firmware",       "/sys/kernel/debug", "/sys/kernel/security",
	"/sys/kernel/tracing", "/sys/fs/bpf",	    NULL
};
static const char *const power[] = {
	"/sys/devices/virtual/powercap", "/sys/class/powercap/intel-rapl/intel-rapl:0/energy_uj",
	"/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj", NULL
};

/* Nothing of these can be read. */
static void hidden(const void *files)
{
	for (int all_caps = 0; all_caps < 2; all_caps++) {
		char *out = look_inside("read", files, all_caps);

		if (strstr(out, ": data"))
			escape("what is hidden can be read:\n%s", out);
		free(out);
	}
}

/* No file outside of the directories of processes opens for writing. */
static void nothing_writable(const void *data)
{
	static const char *const trees[] = { "/proc", "/sys", NULL };

	(void)data;
	for (int i = 0; trees[i]; i++) {
		const char *const one[] = { trees[i], NULL };
		char *out = look_inside("walk", one, false), *at = strstr(out, "w /");

		if (at)
			escape("%.*s opens for writing", (int)strcspn(at, "\n"), at + 2);
		free(out);
	}
}

/* ---- CVE-2025-31133 -------------------------------------------------------------------------- */

/* With /dev from a directory in which "null" is something else, what is hidden is hidden all the
 * same, and nothing else takes its place. */
static void mask_source(const void *data)
{
	static const char *const files[] = { "/bin/probe",	 "try-files",  "/proc/kcore",
					     "/proc/timer_list", "/proc/keys", "/proc/interrupts",
					     "/proc/key-users",	 NULL };
	char dir[2 * PATH_MAX], entry[3 * PATH_MAX], null[2 * PATH_MAX + 16];

	(void)data;
	snprintf(dir, sizeof(dir), "%s/hostile-dev", box.root.base);
	snprintf(null, sizeof(null), "%s/null", dir);
	snprintf(entry, sizeof(entry), "%s dev none bind 0 0", dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	for (int shape = 0; shape < 3; shape++) {
		ct_container *c = must_open(NULL);
		char *out = NULL;
		int fd;

		unlink(null);
		if (shape == 0)
			assert_int_equal(symlink("/proc/uptime", null), 0);
		if (shape == 1)
			assert_int_equal(mknod(null, S_IFCHR | 0666, makedev(1, 5)), 0);
		if (shape == 2) {
			fd = open(null, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
			assert_int_equal(write(fd, "mine\n", 5), 5);
			close(fd);
		}
		assert_int_equal(box_config(c, "autodev", "0", "mount.entry", entry, NULL), 0);
		assert_ok(c, box_run(c, NULL, files, &out, NULL));
		if (strstr(out, "read data") || strstr(out, "write opens"))
			escape("with another null a hidden file opens:\n%s", out);
		free(out);
		ct_unref(c);
	}
	unlink(null);
	rmdir(dir);
}

/* ---- sysctls --------------------------------------------------------------------------------- */

static char *host_value(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? strdup("") : read_all(fd, PATIENCE_MS);

	close(fd);
	assert_non_null(text);
	return text;
}

/* Names and values that would set something else as well, or something of the host's. */
static void sysctl_names(const void *data)
{
	static const struct {
		const char *key, *value;
	} bad[] = {
		{ "sysctl.kernel.shm_rmid_forced", "1+kernel.core_pattern=|/evil" },
		{ "sysctl.kernel.shm_rmid_forced", "1\nkernel.core_pattern=|/evil" },
		{ "sysctl.kernel.shm_rmid_forced", "1;kernel.core_pattern=|/evil" },
		{ "sysctl.kernel.shm_rmid_forced", "1,kernel.core_pattern=|/evil" },
		{ "sysctl.kernel.core_pattern", "|/evil" },
		{ "sysctl.kernel/core_pattern", "|/evil" },
		{ "sysctl.kernel..core_pattern", "|/evil" },
		{ "sysctl.net/../kernel/core_pattern", "|/evil" },
		{ "sysctl.net.../kernel.core_pattern", "|/evil" },
		{ "sysctl../../sysrq-trigger", "x" },
		{ "sysctl.kernel.modprobe", "/evil" },
		{ "sysctl.vm.panic_on_oom", "0" },
		{ "sysctl.fs.suid_dumpable", "1" },
	};
	char *before = host_value("/proc/sys/kernel/core_pattern"),
	     *modprobe = host_value("/proc/sys/kernel/modprobe"), *after;

	(void)data;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ct_container *c = must_open(NULL);
		int r = ct_set_config(c, bad[i].key, bad[i].value);

		if (r >= 0)
			r = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		ct_unref(c);
		if (r >= 0)
			escape("%s = %s was taken", bad[i].key, bad[i].value);
	}
	after = host_value("/proc/sys/kernel/core_pattern");
	if (strcmp(before, after) != 0)
		escape("core_pattern of the host is %s", after);
	free(after);
	after = host_value("/proc/sys/kernel/modprobe");
	if (strcmp(modprobe, after) != 0)
		escape("modprobe of the host is %s", after);
	free(after);
	free(before);
	free(modprobe);
}

/* A sysctl whose namespace is the host's, or another container's, is refused. */
static void sysctl_of_another(const void *data)
{
	static const struct {
		const char *keep, *key, *file;
	} rows[] = {
		{ "net", "sysctl.net.ipv4.ip_default_ttl", "/proc/sys/net/ipv4/ip_default_ttl" },
		{ "ipc", "sysctl.kernel.msgmax", "/proc/sys/kernel/msgmax" },
		{ "uts", "sysctl.kernel.domainname", "/proc/sys/kernel/domainname" },
	};

	(void)data;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *before = host_value(rows[i].file), *after;
		ct_container *c = must_open(NULL);
		int r;

		assert_ok(c, ct_set_config(c, "namespace.keep", rows[i].keep));
		r = ct_set_config(c, rows[i].key, "77");
		if (r >= 0)
			r = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		ct_unref(c);
		after = host_value(rows[i].file);
		if (strcmp(before, after) != 0) {
			before[strcspn(before, "\n")] = 0;
			write_to(rows[i].file, before);
			escape("%s wrote to the host's", rows[i].key);
		}
		if (r >= 0)
			escape("%s was taken with the host's namespace", rows[i].key);
		free(before);
		free(after);
	}
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2015-1334-false-proc-attach", attach_with_false_proc, NULL },
		{ "cve-2025-52881-sysctl-redirected", sysctl_redirected, NULL },
		{ "cve-2025-52881-sysctl-race", sysctl_race, NULL },
		{ "cve-2025-52881-label-redirected", label_redirected, NULL },
		{ "cve-2025-31133-mask-source", mask_source, NULL },
		{ "systemd-40501-hidden", hidden, secrets },
		{ "ghsa-7ww5-powercap", hidden, power },
		{ "runc-mask-nothing-writable", nothing_writable, NULL },
		{ "cve-2022-0811-sysctl-names", sysctl_names, NULL },
		{ "ghsa-w2j5-sysctl-of-another", sysctl_of_another, NULL },
	};

	return cve_main("procfs", cases, sizeof(cases) / sizeof(*cases));
}
