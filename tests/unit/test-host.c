/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/host: the probe against what is true here, the check against hosts made up, the
 * report's two forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <contain/contain.h>

#include "host/host.h"

#define ALL_FEATURES                                                                            \
	(CT_HOST_F_OPENAT2 | CT_HOST_F_MOUNT_API | CT_HOST_F_MOUNT_SETATTR | CT_HOST_F_CLONE3 | \
	 CT_HOST_F_PIDFD | CT_HOST_F_CLOSE_RANGE)

/* A host that has everything. */
static struct ct_host good_host(void)
{
	struct ct_host h = { 0 };

	h.kernel_major = 6;
	h.kernel_minor = 1;
	strcpy(h.kernel_release, "6.1.0-test");
	h.cap_permitted = h.cap_bounding = ~UINT64_C(0);
	h.cap_last = 40;
	h.namespaces = CT_NS_ALL;
	h.initial_userns = true;
	h.openat2 = h.mount_api = h.mount_setattr = h.clone3 = h.pidfd = h.close_range = true;
	return h;
}

/* The sentence that ct_host_check() has for h; "" when it is content. */
static const char *refusal(const struct ct_host *h, int want, struct ct_err *e)
{
	ct_err_clear(e);
	assert_int_equal(ct_host_check(h, e), want);
	assert_int_equal(e->err, want);
	return e->message;
}

static void probe_is_true(void **state)
{
	struct ct_host h;
	struct ct_err e;
	struct utsname u;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_host_probe(&h, &e), 0);
	assert_int_equal(uname(&u), 0);
	assert_string_equal(h.kernel_release, u.release);
	assert_true(h.kernel_major > 4);
	assert_int_equal(h.uid, geteuid());
	assert_int_equal(strlen(h.boot_id), 36);
	assert_true(h.cap_last >= CAP_CHECKPOINT_RESTORE);
	assert_true(h.namespaces & CT_NS_MNT);
	for (uint32_t bit = 1; bit & ALL_FEATURES; bit <<= 1) {
		const char *name = NULL;

		assert_true(ct_host_feature(&h, bit, &name));
		assert_non_null(name);
	}
	assert_int_equal(h.filtered, 0);
	assert_int_equal(ct_host_check(&h, &e), 0);
}

static void old_kernel_refused(void **state)
{
	static const struct {
		uint32_t major, minor;
		int want;
	} rows[] = { { 4, 18, -ENOSYS }, { 5, 13, -ENOSYS }, { 5, 14, 0 },
		     { 5, 100, 0 },	 { 6, 0, 0 },	     { 10, 2, 0 } };
	struct ct_err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ct_host h = good_host();

		h.kernel_major = rows[i].major;
		h.kernel_minor = rows[i].minor;
		strcpy(h.kernel_release, "5.4.0-el");
		if (rows[i].want)
			assert_string_equal(refusal(&h, rows[i].want, &e),
					    "Linux 5.14 or newer is needed, this is 5.4.0-el");
		else
			assert_int_equal(ct_host_check(&h, NULL), 0);
	}
}

static void missing_feature_named(void **state)
{
	struct ct_host h;
	struct ct_err e;

	(void)state;
	h = good_host();
	h.mount_setattr = false;
	assert_string_equal(refusal(&h, -ENOSYS, &e), "the kernel lacks mount_setattr");
	assert_int_equal(e.id, CT_ERR_KERNEL);
	h.filtered = CT_HOST_F_MOUNT_SETATTR;
	assert_non_null(strstr(refusal(&h, -EPERM, &e),
			       "a seccomp filter on this process refuses mount_setattr"));
	assert_true(e.hint[0]);
	h = good_host();
	h.namespaces &= ~CT_NS_PID;
	assert_non_null(strstr(refusal(&h, -ENOSYS, &e), "without pid namespaces"));
	h = good_host();
	h.cap_permitted = 0;
	h.uid = 1000;
	assert_int_equal(ct_host_check(&h, NULL), 0);
	h.namespaces &= ~CT_NS_USER;
	assert_non_null(strstr(refusal(&h, -EPERM, &e), "uid 1000 has no CAP_SYS_ADMIN"));
	assert_int_equal(e.id, CT_ERR_PRIVILEGE);
}

/* In a child: probes with system call `nr` answered by `err`. Returns bool << 8 |
 * filtered, or -1. */
static int probe_filtered(long nr, int err, bool (*ask)(const struct ct_host *))
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	struct ct_host h;
	int fds[2], answer = -1, status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0 &&
		    ct_host_probe(&h, NULL) == 0)
			answer = ask(&h) << 8 | (int)h.filtered;
		_exit(write(fds[1], &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &answer, sizeof(answer)), sizeof(answer));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return answer;
}

static bool ask_clone3(const struct ct_host *h)
{
	return h->clone3;
}

static bool ask_openat2(const struct ct_host *h)
{
	return h->openat2;
}

static void filter_told_apart(void **state)
{
	(void)state;
	assert_int_equal(probe_filtered(SYS_clone3, ENOSYS, ask_clone3), 0);
	assert_int_equal(probe_filtered(SYS_clone3, EPERM, ask_clone3), CT_HOST_F_CLONE3);
	assert_int_equal(probe_filtered(SYS_openat2, EPERM, ask_openat2), CT_HOST_F_OPENAT2);
	assert_int_equal(probe_filtered(SYS_openat2, EPERM, ask_clone3),
			 1 << 8 | CT_HOST_F_OPENAT2);
}

/* A thread that gave its capabilities away is told so, the others are not. */
static void *thread_without_rights(void *arg)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	syscall(SYS_capset, &head, none);
	ct_host_refresh(arg, NULL);
	return NULL;
}

static void rights_are_the_threads(void **state)
{
	struct ct_host before, thread, after;
	pthread_t t;

	(void)state;
	assert_int_equal(ct_host_probe(&before, NULL), 0);
	thread = before;
	assert_int_equal(pthread_create(&t, NULL, thread_without_rights, &thread), 0);
	pthread_join(t, NULL);
	assert_int_equal(ct_host_probe(&after, NULL), 0);
	assert_int_equal(thread.cap_permitted, 0);
	assert_int_equal(thread.cap_bounding, before.cap_bounding);
	assert_int_equal(thread.namespaces, before.namespaces);
	assert_int_equal(after.cap_permitted, before.cap_permitted);
}

static void report_is_whole(void **state)
{
	static const char *const rows[] = {
		"version",	  "openat2",	   "mount api",	 "programs in memory",
		"capabilities",	  "subuid",	   "newuidmap",	 "overlay",
		"veth",		  "landlock",	   "seccomp",	 "controllers",
		"state",	  "time",	   "layout",	 "groups",
		"own group",	  "limit.memory",  "limit.pids", "limit.io.weight",
		"limit.devices",  "limit.cputime", "freeze",	 "kill of a whole tree",
		"user namespaces"
	};
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, json = CT_BUF_INIT;
	int missing;

	(void)state;
	missing = ct_host_report(CT_FORMAT_TEXT, &text);
	assert_true(missing >= 0);
	assert_int_equal(ct_host_report(CT_FORMAT_JSON, &json), missing);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strstr(ct_buf_text(&text), rows[i]) || !strstr(ct_buf_text(&json), rows[i]))
			fail_msg("the report has no row \"%s\"", rows[i]);
	}
	assert_int_equal(!strncmp(ct_buf_text(&text), "A default container can run here", 32),
			 missing == 0);
	assert_int_equal(ct_host_report(77, &text), -EINVAL);
}

/* Each "no" has a reason; each one of a needed thing a remedy as well. */
static void every_no_has_a_reason(void **state)
{
	CT_CLEAN_BUF struct ct_buf json = CT_BUF_INIT;
	char *line, *save;

	(void)state;
	assert_true(ct_host_report(CT_FORMAT_JSON, &json) >= 0);
	for (line = strtok_r(json.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, "\"state\": \"no\"") && strstr(line, "\"reason\": \"\""))
			fail_msg("no reason: %s", line);
}

/* The best of some calls, in microseconds. */
static double cost(int (*call)(struct ct_host *h, struct ct_err *e), struct ct_host *h)
{
	struct timespec a, b;
	double us, best = 1e9;

	for (int i = 0; i < 50; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		assert_int_equal(call(h, NULL), 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		us = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
		best = us < best ? us : best;
	}
	return best;
}

static void probe_is_cheap(void **state)
{
	struct ct_host h;
	double probe = cost(ct_host_probe, &h), refresh = cost(ct_host_refresh, &h);

	(void)state;
	print_message("ct_host_probe: %.1f us, ct_host_refresh: %.1f us\n", probe, refresh);
	/* a sanitizer or an emulator may be slow; a parse of the mount table would show */
	assert_true(probe < 2000);
	assert_true(refresh < probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_is_true),	  cmocka_unit_test(old_kernel_refused),
		cmocka_unit_test(missing_feature_named),  cmocka_unit_test(filter_told_apart),
		cmocka_unit_test(rights_are_the_threads), cmocka_unit_test(report_is_whole),
		cmocka_unit_test(every_no_has_a_reason),  cmocka_unit_test(probe_is_cheap),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
