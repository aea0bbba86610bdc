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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROUNDS 1000

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
static void attach_often(ct_container *c)
{
	int n = rounds(ROUNDS, ROUNDS);

	for (int i = 0; i < n; i++) {
		ct_process *p = NULL;

		assert_ok(c, box_enter(c, ARGV("/bin/true"), &p));
		assert_int_equal(must_end(p).reason, CT_EXIT_EXITED);
	}
}

/* Containers started again and again that share the attacker's pid namespace. */
static void start_often(const struct attacker *a, enum rights rights)
{
	ct_container *c = cve_quick();
	int n = rounds(ROUNDS, ROUNDS), failed = 0;
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
		start_often(&a, way->rights);
	else
		attach_often(a.c);
	report = attacker_end(&a);
	way->check(report);
	free(report);
}

static const struct way attached = { DEFAULT, false, check_loot },
			attached_userns = { USERNS, false, check_loot },
			attached_all = { ALL, false, check_prize },
			started = { DEFAULT, true, check_loot },
			started_all = { ALL, true, check_prize };

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2019-5736-host-binary-attach", loots, &attached },
		{ "cve-2019-5736-host-binary-attach-userns", loots, &attached_userns },
		{ "cve-2019-5736-host-binary-attach-all-caps", loots, &attached_all },
		{ "cve-2019-5736-host-binary-start", loots, &started },
		{ "cve-2019-5736-host-binary-start-all-caps", loots, &started_all },
	};

	return cve_main("host-code", cases, sizeof(cases) / sizeof(*cases));
}
