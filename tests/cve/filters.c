/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that a program of a default container must not get: those that were newer than the
 * filter, those of other ABIs, those that reach other calls, those whose arguments were compared
 * with too many bits. Each is tried by what is started and by what is attached. */
#include "help.h"

#include <errno.h>
#include <stdlib.h>

/* What `data` names fails, and could be done without capabilities taken and a filter. */
static void refused(const void *data)
{
	const char *const *names = data;

	all_can(names);
	none_can(must_open(NULL), names);
}

/* The same where the kernel of this host may not have it at all. */
static void refused_if_any(const void *data)
{
	none_can(must_open(NULL), data);
}

/* ... where CAP_SYS_ADMIN is kept, too, so that the filter alone stands in the way. */
static void refused_to_admin(const void *data)
{
	ct_container *c = must_open(NULL);

	assert_int_equal(box_config(c, "cap.keep", "sys_admin mknod", NULL), 0);
	all_can(data);
	none_can(c, data);
}

/* ENOSYS, so that C libraries take another way. */
static void missing(const void *data)
{
	const char *const *names = data;
	ct_container *c = must_open(NULL);
	char *report = attempted(c, names, -1);

	for (int i = 0; names[i]; i++)
		if (outcome(report, names[i]) != ENOSYS)
			escape("%s is not ENOSYS: %s", names[i], report);
	free(report);
	none_can(c, names);
}

static const char *const mount_calls[] = { "fsopen",	      "fspick",
					   "open-tree",	      "move-mount",
					   "setattr-sysctls", "mount-tmpfs",
					   "unshare-mount",   NULL };
static const char *const clone3[] = { "clone3-user", NULL };
static const char *const unknown[] = { "number-1023", "next-numbers", NULL };
static const char *const x32[] = { "x32-getpid", NULL };
static const char *const int80[] = { "int80-unshare", NULL };
static const char *const ring[] = { "io-uring", NULL };
static const char *const vsock[] = { "vsock", NULL };
static const char *const vsock_high[] = { "vsock-high-bits", NULL };
static const char *const families[] = { "socket-families", NULL };
static const char *const user_ns[] = { "unshare-user", "clone-user", NULL };
static const char *const user_ns_high[] = { "clone-user-high-bits", "unshare-user-high-bits",
					    NULL };
static const char *const surface[] = { "bpf-load", "perf-events", NULL };
static const char *const modules[] = { "init-module", "finit-module", "delete-module",
				       "kexec",	      "iopl",	      NULL };
static const char *const handler[] = { "userfaultfd", NULL };
static const char *const handle[] = { "file-handle", NULL };
static const char *const log_read[] = { "syslog", "read-kmsg", "dev-kmsg", NULL };
static const char *const traced[] = { "traced-unshare", NULL };
static const char *const clock_set[] = { "set-clock", "acct", "swapon", NULL };

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2021-41133-new-mount-calls", refused, mount_calls },
		{ "cve-2021-41133-clone3", missing, clone3 },
		{ "cve-2021-41133-unknown-numbers", missing, unknown },
		{ "x32-calls", refused_if_any, x32 },
		{ "int80-calls", refused_if_any, int80 },
		{ "io-uring", refused_to_admin, ring },
		{ "vsock", refused_to_admin, vsock },
		{ "vsock-high-bits", refused_to_admin, vsock_high },
		{ "socket-families", refused_if_any, families },
		{ "cve-2022-0185-nested-user-namespace", refused, user_ns },
		{ "cve-2022-0185-nested-high-bits", refused_if_any, user_ns_high },
		{ "cve-2017-5206-tracer-changes-call", refused, traced },
		{ "bpf-and-perf", refused, surface },
		{ "modules-and-ports", refused_if_any, modules },
		{ "userfaultfd", refused_to_admin, handler },
		{ "shocker-file-handle", refused, handle },
		{ "kernel-log", refused_if_any, log_read },
		{ "clock-and-accounting", refused, clock_set },
	};

	return cve_main("filters", cases, sizeof(cases) / sizeof(*cases));
}
