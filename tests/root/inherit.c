/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a payload does not have from its caller: secure bits, personality, scheduling, timer slack,
 * protection from the out of memory killer; and what it has: the umask. By start, in the caller's
 * process and detached, and by attach. Callers whose rights are file capabilities. Users of the
 * container are looked up with the payload's rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <limits.h>

#include "run.h"
#include "setup.h"

/* ---- a caller with odd habits, in a process of its own --------------------------------------- */

#define HARD_BITS (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS)

static int with_nothing(void)
{
	return 0;
}

static int with_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, HARD_BITS, 0, 0, 0);
}

/* An exec of root gives nothing then: all the caller has must be raised on its way. */
static int with_noroot(void)
{
	return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0);
}

static int with_personality(void)
{
	return personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | PER_LINUX32) < 0;
}

static int with_fifo(void)
{
	struct sched_param p = { .sched_priority = 3 };

	return sched_setscheduler(0, SCHED_FIFO, &p);
}

static int with_batch(void)
{
	struct sched_param p = { 0 };

	return sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &p);
}

static int with_idle(void)
{
	struct sched_param p = { 0 };

	return sched_setscheduler(0, SCHED_IDLE, &p);
}

static int with_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, 11);
}

/* Who may not lower it hands it on: it is no right. */
static int with_nice_only(void)
{
	return setpriority(PRIO_PROCESS, 0, 11) ||
	       prctl(PR_CAPBSET_DROP, 23 /* CAP_SYS_NICE */, 0, 0, 0);
}

static int with_high_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -7);
}

static int with_ioprio(void)
{
	return (int)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
}

static int with_slack(void)
{
	return prctl(PR_SET_TIMERSLACK, 7000000, 0, 0, 0);
}

static int with_thp(void)
{
	return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* None is lower than what it has had: an administrator may raise it only. */
static int with_oom(void)
{
	return write_to("/proc/self/oom_score_adj", "321");
}

static const struct habit {
	const char *name;
	int (*take)(void);
	const char *key, *want; /* of the probe's report; NULL: all as usual */
} habits[] = {
	{ "none", with_nothing, NULL, NULL },
	{ "securebits", with_securebits, "securebits", "0" },
	{ "noroot", with_noroot, "securebits", "0" },
	{ "personality", with_personality, "personality", "0" },
	{ "fifo", with_fifo, "policy", "0" },
	{ "batch", with_batch, "policy", "0" },
	{ "idle", with_idle, "policy", "0" },
	{ "nice", with_nice, "nice", "0" },
	{ "nice, without the right to lower it", with_nice_only, "nice", "11" },
	{ "high", with_high_nice, "nice", "0" },
	{ "ioprio", with_ioprio, "ioprio", "0" },
	{ "slack", with_slack, "timerslack", "50000" },
	{ "thp", with_thp, "thp_disabled", "0" },
	{ "oom", with_oom, "oom_score_adj", "\"321\"" },
};
enum { N_HABITS = sizeof(habits) / sizeof(habits[0]) };

/* What is the same for each of them. */
static const struct {
	const char *key, *want;
} usual[] = {
	{ "securebits", "0" },
	{ "personality", "0" },
	{ "policy", "0" },
	{ "nice", "0" },
	{ "ioprio", "0" },
	{ "timerslack", "50000" },
	{ "thp_disabled", "0" },
	{ "cap_ambient", "\"0000000000000000\"" },
	{ "cap_inheritable", "\"0000000000000000\"" },
	{ "umask", "\"037\"" },
	{ "memory_merge", "0" },
};

static int check_report(const struct habit *h, const char *how, const char *report)
{
	int bad = 0;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		/* this kernel may not know memory merging, and says so */
		if ((!h->key || strcmp(usual[i].key, h->key) != 0) &&
		    (strcmp(usual[i].key, "memory_merge") != 0 ||
		     !strstr(report, "\"memory_merge\": -1")))
			bad += probe_expect(report, h->name, how, usual[i].key, usual[i].want);
	if (h->key)
		bad += probe_expect(report, h->name, how, h->key, h->want);
	return bad;
}

/* Runs a probe by start and by attach with that habit. For a child process: the number
 * of what is wrong. */
static int with_habit(const struct habit *h)
{
	ct_container *c = box_handle(&box, NULL);
	char *out = NULL;
	int bad = 0;

	umask(037);
	if (!c || h->take()) {
		printf("# %s: the habit cannot be taken: %s\n", h->name, strerror(errno));
		return 1;
	}
	if (box_run(c, NULL, ARGV("/bin/probe"), &out, NULL) < 0)
		return box_failed(c, "start");
	bad += check_report(h, "start", out);
	free(out);
	out = NULL;
	if (box_attach_probe(c, &out))
		return 1;
	bad += check_report(h, "attach", out);
	free(out);
	ct_unref(c);
	return bad;
}

static int habit_child(void *arg)
{
	return with_habit(arg);
}

/* Whether a process of ours could take it: the cpu cgroup that we are in may have no budget of real
 * time, for which no right helps. */
static int can_take(const struct habit *h)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(h->take() && errno == EPERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !status;
}

static void habit(void **state)
{
	const struct habit *h = *state;

	if (h->take == with_fifo && !can_take(h))
		elsewhere_because("the cpu cgroup of the tests gives no budget of real time");
	assert_int_equal(in_process_of_its_own(habit_child, *state), 0);
}

/* ---- what a key says otherwise --------------------------------------------------------------- */

static int keys_child(void *arg)
{
	ct_container *c = box_handle(&box, NULL);
	char *out = NULL;
	int bad = 0;

	(void)arg;
	umask(0);
	if (box_config(c, "init.umask", "0027", "init.nice", "7", "arch", "i686",
		       "proc.timerslack_ns", "70000", NULL))
		return box_failed(c, "config");
	if (box_run(c, NULL, ARGV("/bin/probe"), &out, NULL) < 0)
		return box_failed(c, "start");
	bad += probe_expect(out, "keys", "start", "umask", "\"027\"") +
	       probe_expect(out, "keys", "start", "nice", "7") +
	       probe_expect(out, "keys", "start", "personality", "8") +
	       probe_expect(out, "keys", "start", "timerslack", "70000");
	free(out);
	out = NULL;
	if (box_attach_probe(c, &out))
		return 1;
	bad += probe_expect(out, "keys", "attach", "umask", "\"027\"") +
	       probe_expect(out, "keys", "attach", "nice", "7") +
	       probe_expect(out, "keys", "attach", "personality", "8");
	free(out);
	ct_unref(c);
	return bad;
}

static void keys(void **state)
{
	const char *const bad[][2] = { { "init.umask", "8" },  { "init.umask", "1000" },
				       { "init.umask", "-1" }, { "init.umask", "rwx" },
				       { "init.nice", "20" },  { "init.nice", "-21" },
				       { "init.nice", "low" } };
	ct_container *c = box_handle(&box, NULL);
	size_t i;

	(void)state;
	assert_int_equal(in_process_of_its_own(keys_child, NULL), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ct_set_config(c, bad[i][0], bad[i][1]) >= 0)
			fail_msg("%s = %s was taken", bad[i][0], bad[i][1]);
	ct_unref(c);
}

/* A detached container has the umask of who starts it, also after a reboot of its own; a program
 * attached has the attacher's. */
static int detached_child(void *arg)
{
	ct_container *c = box_handle(&box, "umask");
	char *out = NULL;
	int bad = 0, i;

	(void)arg;
	umask(0137);
	rootfs_drop(&box.root, "tmp/umask");
	if (box_detach(c, ARGV("/bin/sh", "-c", "umask > /tmp/umask; exec sleep 1000")) < 0)
		return box_failed(c, "detached start");
	umask(0);
	for (i = 0; i < 6000 && !bad; i++) {
		char path[PATH_MAX + 16], text[16] = "";
		int fd;

		snprintf(path, sizeof(path), "%s/tmp/umask", box.root.path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 3) {
			bad = strcmp(text, "0137\n") ? printf("# detached: %s", text) : 0;
			close(fd);
			break;
		}
		close(fd);
		sleep_ms(10);
	}
	umask(0111);
	if (box_attach(c, NULL, ARGV("/bin/probe"), &out, NULL) < 0)
		bad += box_failed(c, "attach");
	else
		bad += probe_expect(out, "detached", "attach", "umask", "\"111\"");
	free(out);
	if (ct_stop(c, CT_STOP_KILL, 30000) < 0)
		bad += box_failed(c, "stop");
	ct_unref(c);
	return bad;
}

static void detached(void **state)
{
	(void)state;
	assert_int_equal(in_process_of_its_own(detached_child, NULL), 0);
}

/* Locked bits cannot be taken back: that is told, and nothing is started with them. */
static int locked_child(void *arg)
{
	ct_container *c = box_handle(&box, NULL);

	(void)arg;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED, 0, 0,
		  0))
		return 1;
	if (box_run(c, NULL, ARGV("/bin/true"), NULL, NULL) >= 0)
		return printf("# it was started with locked bits\n");
	if (!strstr(ct_last_error(c)->message, "secure bits"))
		return box_failed(c, "the message");
	ct_unref(c);
	return 0;
}

static void locked(void **state)
{
	(void)state;
	assert_int_equal(in_process_of_its_own(locked_child, NULL), 0);
}

/* ---- file capabilities ----------------------------------------------------------------------- */

/* Every capability that can be had here, permitted and effective, in the form of the file
 * system (capability.h). */
static int give_caps(const char *path)
{
	uint32_t caps[5] = { 0x02000001, 0, 0, 0, 0 };

	for (int i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			caps[i < 32 ? 1 : 3] |= 1u << i % 32;
	return setxattr(path, "security.capability", caps, sizeof(caps), 0);
}

/* A hook of the host has what an exec of the caller's would have had: nothing. */
static void check_hook(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	assert_true(fd >= 0);
	text = read_all(fd, 10000);
	close(fd);
	assert_non_null(strstr(text, "CapInh:\t0000000000000000"));
	assert_non_null(strstr(text, "CapPrm:\t0000000000000000"));
	assert_non_null(strstr(text, "CapAmb:\t0000000000000000"));
	free(text);
}

static void file_capabilities(void **state)
{
	char copy[PATH_MAX + 16], path[PATH_MAX + 32];
	struct run_result r;
	struct statvfs fs;
	int status, fd;
	pid_t pid;

	(void)state;
	snprintf(copy, sizeof(copy), "%s/copy", box.root.base);
	assert_int_equal(run_tool(ARGV("cp", getenv("CT_FILE_CAPS"), copy), NULL, 30000, &r), 0);
	assert_int_equal(r.status, 0);
	run_free(&r);
	chmod(copy, 0755);
	chmod(box.root.base, 0755);
	if (statvfs(copy, &fs) == 0 && fs.f_flag & ST_NOSUID)
		skip_because("%s is mounted nosuid: no file gives capabilities there",
			     box.root.base);
	if (give_caps(copy))
		skip_because("this file system keeps no file capabilities: %s", strerror(errno));
	/* the hook is nobody special: it must be let write there */
	snprintf(path, sizeof(path), "%s/hook", box.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_true(fd >= 0 && fchmod(fd, 0666) == 0);
	close(fd);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) ||
		    setresuid(1000, 1000, 1000))
			_exit(99);
		execl(copy, copy, box.root.path, box.dir, box.state, NULL);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_hook(path);
	unlink(copy);
}

/* ---- users are looked up with the payload's rights ------------------------------------------- */

static int attach_by_name(const char *keep, int mapped, char **out)
{
	ct_container *c = box_handle(&box, NULL);
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *init = NULL;
	int err;

	if (keep)
		assert_ok(c, ct_set_config(c, "cap.keep", keep));
	if (mapped)
		assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	a.user = "tester";
	err = box_attach(c, &a, ARGV("/bin/probe"), out, NULL);
	ct_process_unref(init);
	ct_unref(c);
	return err;
}

static void lookup(void **state)
{
	char path[PATH_MAX + 32], *out = NULL, got[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/etc/passwd", box.root.path);
	/* another's, closed to all others: root reads it by its capability, and without it not */
	assert_int_equal(chown(path, 4321, 4321), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(attach_by_name("setuid setgid dac_override", 0, &out), 0);
	assert_string_equal(probe_get(out, "uid", got, sizeof(got)), "[1000, 1000, 1000]");
	free(out);
	out = NULL;
	assert_int_equal(attach_by_name("setuid setgid", 0, &out), -EACCES);
	free(out);
	out = NULL;
	/* the host's root is nobody in the container: closed files of the host's are not read for
	 * it, mapped ones are */
	assert_int_equal(attach_by_name(NULL, 1, &out), -EACCES);
	free(out);
	out = NULL;
	assert_int_equal(chown(path, 100000, 100000), 0);
	assert_int_equal(attach_by_name(NULL, 1, &out), 0);
	assert_string_equal(probe_get(out, "uid", got, sizeof(got)), "[1000, 1000, 1000]");
	free(out);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

int main(void)
{
	const struct CMUnitTest single[] = { cmocka_unit_test(keys), cmocka_unit_test(detached),
					     cmocka_unit_test(locked),
					     cmocka_unit_test(file_capabilities),
					     cmocka_unit_test(lookup) };
	enum { SINGLE = sizeof(single) / sizeof(single[0]) };
	static struct CMUnitTest tests[N_HABITS + SINGLE];
	size_t i;

	for (i = 0; i < N_HABITS; i++)
		tests[i] = (struct CMUnitTest){ habits[i].name, habit, NULL, NULL,
						(void *)&habits[i] };
	memcpy(tests + N_HABITS, single, sizeof(single));
	return _cmocka_run_group_tests("inherit", tests, N_HABITS + SINGLE, box_setup,
				       box_teardown);
}
