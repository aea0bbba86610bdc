/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's programs and libraries, first of all this one and those it has mapped, are the prize
 * of an attacker inside who looks at each process that enters.
 */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROUNDS 2000
#define FEWER 300 /* of most of them, without --long */

/* ---- an attacker at work --------------------------------------------------------------------- */

struct attacker {
	ct_container *c;
	ct_process *p;
	int in, out;
};

enum rights {
	DEFAULT, /* root of the host, with the default's capabilities */
	ALL,	 /* with all of them */
	USERNS	 /* all of them in a user namespace */
};

/* Starts it, and waits until it looks. */
static void attacker_start(struct attacker *a, const char *const argv[], enum rights rights)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int in[2], out[2];
	char ready[16];

	a->c = must_open(NULL);
	assert_ok(a->c, ct_set_config(a->c, "mount.auto", "proc:rw"));
	if (rights != DEFAULT)
		assert_ok(a->c, ct_set_config(a->c, "cap.drop", "wake_alarm"));
	if (rights == USERNS)
		assert_int_equal(box_config(a->c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	o.argv = argv;
	o.stdio[0] = in[0];
	o.stdio[1] = o.stdio[2] = out[1];
	assert_ok(a->c, ct_start(a->c, &o, &a->p));
	close(in[0]);
	close(out[1]);
	a->in = in[1];
	a->out = out[0];
	assert_int_equal(read(a->out, ready, 6), 6);
}

/* Ends it. Its report, to be freed. */
static char *attacker_end(struct attacker *a)
{
	char *report;

	close(a->in);
	report = read_all(a->out, PATIENCE_MS);
	close(a->out);
	ct_process_unref(a->p);
	ct_unref(a->c);
	assert_non_null(report);
	return report;
}

/* It has looked, and none of the files that this process runs from or has mapped is in the report.
 */
static void check_prize(const char *report)
{
	char line[1024], want[128], path[512];
	unsigned major, minor;
	unsigned long long ino;
	unsigned long looks = 0;
	const char *tail = strstr(report, "looks ");
	FILE *f = fopen("/proc/self/maps", "re");

	assert_non_null(f);
	assert_non_null(tail);
	assert_int_equal(sscanf(tail, "looks %lu", &looks), 1);
	print_message("# %lu looks at others\n", looks);
	assert_true(looks > 10);
	while (fgets(line, sizeof(line), f)) {
		path[0] = 0;
		if (sscanf(line, "%*s %*s %*s %x:%x %llu %511s", &major, &minor, &ino, path) < 3 ||
		    !ino)
			continue;
		snprintf(want, sizeof(want), " %u:%u:%llu\n", major, minor, ino);
		if (strstr(report, want))
			escape("the attacker got hold of %s (%s)", path, want);
	}
	fclose(f);
}

/* Nor any descriptor of the host. */
static void check_loot(const char *report)
{
	check_prize(report);
	if (strstr(report, "reached"))
		escape("the attacker reached the host:\n%s", report);
}

/* ---- CVE-2019-5736 --------------------------------------------------------------------------- */

/* Programs attached again and again. */
static void attach_often(ct_container *c, int ci)
{
	int n = rounds(ci, ROUNDS);

	for (int i = 0; i < n; i++) {
		ct_process *p = NULL;

		assert_ok(c, box_enter(c, ARGV("/bin/true"), &p));
		assert_int_equal(must_end(p).reason, CT_EXIT_EXITED);
	}
}

/* Containers started again and again that share the attacker's pid namespace. */
static void start_often(const struct attacker *a, enum rights rights, int ci)
{
	ct_container *c = cve_quick();
	int n = rounds(ci, ROUNDS), failed = 0;
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", (int)ct_process_pid(a->p));
	assert_ok(c, ct_set_config(c, "namespace.share.pid", pid));
	if (rights == USERNS)
		assert_ok(c, ct_set_config(c, "namespace.share.user", pid));
	for (int i = 0; i < n; i++) {
		ct_process *p = NULL;

		/* who may trace can hold a file of what starts for a moment: it fails, then */
		if (rights == ALL && box_start(c, 0, ARGV("/bin/true"), &p) == -EBUSY)
			failed++;
		else
			must_end(p ? p : must_start(c, 0, ARGV("/bin/true")));
	}
	ct_unref(c);
	assert_true(failed < n / 2);
}

struct way {
	enum rights rights;
	bool starts;
	int ci; /* rounds without --long */
	void (*check)(const char *report);
};

/* The attacker opens all that it sees of what comes. */
static void loots(const void *data)
{
	const struct way *way = data;
	char secret[PATH_MAX + 16];
	const char *const argv[] = { "/bin/intruder", "loot", secret, NULL };
	struct attacker a;
	char *report;

	/* who could trace it, can reach what it has: no boundary, so the attempt is left out */
	snprintf(secret, sizeof(secret), "%s/%s", decoy.path,
		 way->check == check_loot ? "secret" : "nothing");
	attacker_start(&a, argv, way->rights);
	if (way->starts)
		start_often(&a, way->rights, way->ci);
	else
		attach_often(a.c, way->ci);
	report = attacker_end(&a);
	way->check(report);
	free(report);
}

static const struct way attached = { DEFAULT, false, ROUNDS, check_loot },
			attached_userns = { USERNS, false, FEWER, check_loot },
			attached_all = { ALL, false, FEWER, check_prize },
			started = { DEFAULT, true, FEWER, check_loot },
			started_all = { ALL, true, FEWER, check_prize };

/* ---- CVE-2016-9962 --------------------------------------------------------------------------- */

/* What was seized, or whose memory was opened, ran a program of the rootfs by then. */
static void check_traced(const char *report)
{
	static const char *const own[] = { "bin/busybox", "bin/intruder", "bin/probe" };
	char path[2 * PATH_MAX], want[3][64], line[256];
	const char *p = report;
	struct stat st;

	assert_non_null(strstr(report, "looks "));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", box.root.path, own[i]);
		assert_int_equal(stat(path, &st), 0);
		snprintf(want[i], sizeof(want[i]), " %u:%u:%llu", major(st.st_dev),
			 minor(st.st_dev), (unsigned long long)st.st_ino);
	}
	for (; sscanf(p, "%255[^\n]", line) == 1; p += strlen(line) + 1) {
		if (strncmp(line, "seized", 6) != 0 && strncmp(line, "memory", 6) != 0)
			continue;
		if (!strstr(line, want[0]) && !strstr(line, want[1]) && !strstr(line, want[2]))
			escape("traced before its exec: %s", line);
	}
}

static void traces(const void *data)
{
	const struct way *way = data;
	struct attacker a;
	char *report;

	attacker_start(&a, ARGV("/bin/intruder", "trace"), way->rights);
	attach_often(a.c, way->ci);
	report = attacker_end(&a);
	check_traced(report);
	free(report);
}

/* ---- what is executed ------------------------------------------------------------------------ */

/* The program of what stays with a detached container is sealed, and nobody can write it. */
static void sealed(const void *data)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	ct_container *c = cve_named("sealed");
	char path[64];
	int fd, seals;

	(void)data;
	assert_ok(c, box_detach(c, ARGV("/bin/sleep", "1000")));
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)parent_of(ct_init_pid(c)));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	seals = fcntl(fd, F_GET_SEALS);
	if ((seals & all) != all)
		escape("the program of the supervisor has the seals %d", seals);
	close(fd);
	assert_int_equal(open(path, O_RDWR | O_CLOEXEC), -1);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(c);
}

/* A script whose interpreter is who executes it. */
static void interpreter(const void *data)
{
	static const char *const scripts[] = { "#!/proc/self/exe\n", "#!/proc/1/exe\n",
					       "#!/proc/self/fd/3\n", "#!/dev/fd/4\n",
					       "#!/proc/self/map_files/400000-401000\n" };
	ct_exit ex = CT_EXIT_INIT;
	ct_container *c = must_open(NULL);

	(void)data;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		assert_int_equal(rootfs_file(&box.root, "bin/trap", scripts[i], 0755), 0);
		if (!box_run(c, NULL, ARGV("/bin/trap"), NULL, &ex) && ex.code == 0)
			escape("%s was executed", scripts[i]);
	}
	rootfs_drop(&box.root, "bin/trap");
	ct_unref(c);
}

/* ---- CVE-2019-14271 -------------------------------------------------------------------------- */

static const char *const markers[] = { "etc/nsswitch.conf",
				       "etc/ld.so.preload",
				       "etc/ld.so.cache",
				       "lib/libnss_files.so.2",
				       "lib/libnss_compat.so.2",
				       "lib/x86_64-linux-gnu/libnss_files.so.2",
				       "usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
				       "usr/lib/locale/locale-archive",
				       "etc/pam.conf",
				       "bin/getent",
				       "usr/bin/nsenter",
				       "bin/tar",
				       "usr/sbin/ldconfig",
				       "usr/bin/newuidmap" };

/* All calls that look into a container, or work on one. */
static void use_everything(ct_container *c)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_usage usage = CT_USAGE_INIT;
	char *text = NULL;

	assert_ok(c, box_detach(c, ARGV("/bin/sleep", "1000")));
	o.user = "tester";
	assert_ok(c, box_attach(c, &o, ARGV("/bin/true"), NULL, NULL));
	o.user = "1000:1000";
	assert_ok(c, box_attach(c, &o, ARGV("/bin/true"), NULL, NULL));
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_ok(c, ct_stats(c, &usage));
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	ct_free(text);
	assert_ok(c, ct_freeze(c, PATIENCE_MS));
	assert_ok(c, ct_unfreeze(c, PATIENCE_MS));
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
}

static void code_of_the_rootfs(const void *data)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[2 * PATH_MAX], events[4096];
	ct_container *c = cve_named("markers");
	const size_t n = sizeof(markers) / sizeof(*markers);

	(void)data;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rootfs_file(&box.root, markers[i], "#!/bin/false\n", 0755), 0);
		snprintf(path, sizeof(path), "%s/%s", box.root.path, markers[i]);
		assert_true(inotify_add_watch(watch, path, IN_OPEN | IN_ACCESS) >= 0);
	}
	use_everything(c);
	if (read(watch, events, sizeof(events)) > 0)
		escape("%s, and perhaps others, was opened",
		       markers[((struct inotify_event *)(void *)events)->wd - 1]);
	close(watch);
	for (size_t i = 0; i < n; i++)
		rootfs_drop(&box.root, markers[i]);
	ct_unref(c);
}

/* ---- CVE-2025-23266 -------------------------------------------------------------------------- */

/* Hooks of the host do not have the payload's environment. */
static void hook_environment(const void *data)
{
	static const char *const hooks[] = { "hook.pre-start", "hook.pre-mount", "hook.mount",
					     "hook.start-host" };
	char script[2 * PATH_MAX], out[2 * PATH_MAX], text[256], got[8192];
	ct_container *c = must_open(NULL);
	ssize_t n;
	int fd;

	(void)data;
	snprintf(script, sizeof(script), "%s/hook", box.root.base);
	snprintf(out, sizeof(out), "%s/hook.out", box.root.base);
	fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	n = snprintf(text, sizeof(text), "#!/bin/sh\n/usr/bin/env >>%.200s\n", out);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	assert_int_equal(box_config(c, "environment", "LD_PRELOAD=/evil.so", "environment",
				    "LD_LIBRARY_PATH=/evil", "environment", "BASH_ENV=/evil.sh",
				    NULL),
			 0);
	for (int i = 0; i < 4; i++)
		assert_ok(c, ct_set_config(c, hooks[i], script));
	assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
	fd = open(out, O_RDONLY | O_CLOEXEC);
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	assert_true(n > 0);
	got[n] = 0;
	assert_non_null(strstr(got, "LXC_NAME"));
	if (strstr(got, "evil"))
		escape("a hook has the payload's environment:\n%s", got);
	unlink(script);
	unlink(out);
	ct_unref(c);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2019-5736-host-binary-attach", loots, &attached },
		{ "cve-2019-5736-host-binary-attach-userns", loots, &attached_userns },
		{ "cve-2019-5736-host-binary-attach-all-caps", loots, &attached_all },
		{ "cve-2019-5736-host-binary-start", loots, &started },
		{ "cve-2019-5736-host-binary-start-all-caps", loots, &started_all },
		{ "cve-2019-5736-stage-sealed", sealed, NULL },
		{ "cve-2019-5736-interpreter", interpreter, NULL },
		{ "cve-2016-9962-trace", traces, &attached },
		{ "cve-2016-9962-trace-userns", traces, &attached_userns },
		{ "cve-2019-14271-code-of-the-rootfs", code_of_the_rootfs, NULL },
		{ "cve-2025-23266-hook-environment", hook_environment, NULL },
	};

	return cve_main("host-code", cases, sizeof(cases) / sizeof(*cases));
}
