/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program attached has what the payload has: /proc/self of both is held against each other line
 * by line, for several configs and for what was asked for by the start alone, with a caller that
 * has changed meanwhile. What may differ is listed here, and nothing else. What asks for more than
 * the payload has gets past no list of devices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define TELL                                                                                     \
	"for f in status limits oom_score_adj personality coredump_filter timerslack_ns cgroup " \
	"loginuid attr/current uid_map setgroups; do "                                           \
	"echo == $f; cat /proc/self/$f 2>&1; done; for n in /proc/self/ns/*; do echo $n; "       \
	"readlink $n; done; nice; "                                                              \
	"/bin/probe | grep -E '\"(securebits|personality|policy|nice|ioprio|timerslack|thp|"     \
	"memory_merge|limit_|groups|uid|gid|umask|hostname)'"

struct row {
	const char *name;
	uint64_t flags;
	const char *config[12];
};

static const struct row rows[] = {
	{ "nothing said", 0, { NULL } },
	{ "no_new_privs by the start", CT_START_NO_NEW_PRIVS, { NULL } },
	{ "no capability", 0, { "cap.keep", "none" } },
	{ "a user",
	  CT_START_NO_NEW_PRIVS,
	  { "init.uid", "1000", "init.gid", "1000", "init.groups", "5,6", "cap.keep", "none" } },
	{ "limits",
	  0,
	  { "prlimit.nofile", "50:60", "prlimit.core", "0", "prlimit.nproc", "30:40",
	    "prlimit.stack", "1048576" } },
	{ "files",
	  0,
	  { "proc.oom_score_adj", "900", "proc.coredump_filter", "0x7f", "proc.timerslack_ns",
	    "123456" } },
	{ "another machine", 0, { "arch", "i686", "init.nice", "9", "init.umask", "077" } },
	{ "mapped",
	  CT_START_NO_NEW_PRIVS,
	  { "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536", "prlimit.nofile", "50:60",
	    "proc.oom_score_adj", "800" } },
	{ "host's namespaces", 0, { "namespace.keep", "net ipc uts", "prlimit.memlock", "0" } },
};

/* Lines of /proc that are of the one process or the moment; the shell ignores SIGQUIT
 * as it likes. */
static int may_differ(const char *line)
{
	static const char *const begins[] = {
		"Pid:",	    "Tgid:",	     "Ngid:",  "PPid:",		 "NStgid:",
		"NSpid:",   "NSpgid:",	     "NSsid:", "FDSize:",	 "Vm",
		"Rss",	    "HugetlbPages:", "SigQ:",  "voluntary_ctxt", "nonvoluntary_ctxt",
		"Threads:", "Kthread:",	     "x86_",   "SigIgn:"
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (!strncmp(line, begins[i], strlen(begins[i])))
			return 1;
	return 0;
}

static char *next_line(char **at)
{
	char *line = *at, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end = 0;
	*at = end ? end + 1 : NULL;
	return line;
}

/* The number of lines that differ and must not. */
static int compare(const char *name, char *start, char *attach)
{
	int bad = 0, n = 0;

	for (;;) {
		char *a = next_line(&start), *b = next_line(&attach);

		if (!a && !b)
			break;
		n++;
		if (!a || !b)
			return printf("# %s: one has more lines: %s\n", name, a ? a : b);
		if (strcmp(a, b) != 0 && !may_differ(a))
			bad += printf("# %s: start \"%s\", attach \"%s\"\n", name, a, b) > 0;
	}
	if (n < 100)
		bad += printf("# %s: only %d lines\n", name, n);
	return bad;
}

/* All that a caller may do between its start and its attach. Limits go down only, as root here may
 * not raise them: those of init do not. */
static int change(void)
{
	struct rlimit r;
	int bad = write_to("/proc/self/coredump_filter", "0x21");

	bad += personality(ADDR_NO_RANDOMIZE) < 0;
	bad += prctl(PR_SET_TIMERSLACK, 999000, 0, 0, 0) != 0;
	bad += setpriority(PRIO_PROCESS, 0, 4) != 0;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_cur > 300 ? 300 : r.rlim_cur;
	bad += setrlimit(RLIMIT_NOFILE, &r) != 0;
	getrlimit(RLIMIT_CORE, &r);
	r.rlim_cur = r.rlim_max ? r.rlim_max / 2 : 0;
	bad += setrlimit(RLIMIT_CORE, &r) != 0;
	return bad ? printf("# the caller cannot change: %s\n", strerror(errno)) : 0;
}

/* What init says once it is there. */
static char *of_init(int fd)
{
	return read_all(fd, 60000);
}

/* What the container's program says of itself, *init being the one that stays. */
static char *started(ct_container *c, const struct row *row, ct_process **init)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	char *start;
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC))
		return NULL;
	o.flags = row->flags;
	/* init answers, then keeps nothing of the pipe */
	o.argv = ARGV("/bin/sh", "-c", "sh -c \"$0\"; exec sleep 1000 > /dev/null 2>&1", TELL);
	o.stdio[0] = -1;
	o.stdio[1] = o.stdio[2] = pipe[1];
	if (ct_start(c, &o, init) < 0)
		return NULL;
	close(pipe[1]);
	start = of_init(pipe[0]);
	close(pipe[0]);
	return start;
}

static int same_child(void *data)
{
	const struct row *row = data;
	ct_container *c = box_handle(&box, NULL);
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *init = NULL;
	char *start, *attach = NULL;
	int bad;

	for (size_t i = 0; i < 12 && row->config[i]; i += 2)
		if (ct_set_config(c, row->config[i], row->config[i + 1]) < 0)
			return box_failed(c, "config");
	start = started(c, row, &init);
	if (!init)
		return box_failed(c, "start");
	if (!start || change())
		return 1;
	if (box_attach(c, &a, ARGV("/bin/sh", "-c", "sh -c \"$0\"", TELL), &attach, NULL) < 0)
		return box_failed(c, "attach");
	bad = compare(row->name, start, attach);
	free(start);
	free(attach);
	attach = NULL;
	/* elevated: none of it */
	a.flags = CT_ATTACH_ELEVATED;
	if (box_attach(c, &a, ARGV("/bin/probe"), &attach, NULL) < 0)
		return box_failed(c, "elevated");
	if (!strstr(attach, "\"no_new_privs\": 0"))
		bad += printf("# %s: elevated has no_new_privs\n", row->name);
	free(attach);
	ct_process_unref(init);
	ct_unref(c);
	return bad;
}

static void same(void **state)
{
	assert_int_equal(in_process_of_its_own(same_child, *state), 0);
}

/* What init has dropped by itself is not given to who comes later, nor refused to who
 * asks for all. */
static void dropped(void **state)
{
	ct_container *c = box_handle(&box, NULL);
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *init = NULL;
	char *out = NULL, got[64];

	(void)state;
	/* of a program below a small init it is the small init that counts */
	assert_ok(c, ct_set_config(c, "init.reaper", "0"));
	assert_ok(c, box_start(c, 0, ARGV("/bin/busybox", "setpriv", "--nnp", "/bin/sleep", "1000"),
			       &init));
	/* until init has done so: it says by its name */
	for (int i = 0; i < 3000; i++) {
		free(out);
		out = NULL;
		assert_ok(c, box_attach(c, &a, ARGV("/bin/cat", "/proc/1/comm"), &out, NULL));
		if (strstr(out, "sleep"))
			break;
		sleep_ms(10);
	}
	assert_non_null(strstr(out, "sleep"));
	free(out);
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/probe"), &out, NULL));
	assert_string_equal(probe_get(out, "no_new_privs", got, sizeof(got)), "1");
	free(out);
	ct_process_unref(init);
	ct_unref(c);
}

/* ---- devices --------------------------------------------------------------------------------- */

/* What an attach asks for, and what it gets: an error, or the probe's line for a device that is not
 * on the usual list. */
struct device_row {
	const char *name;
	const char *config[6];
	uint64_t flags;
	const char *caps;
	int refused;
	const char *line, *without;
};

#define NO_GROUP "cgroup.backend", "none"
#define LISTED "c 10:237 mknod done, open Operation not permitted"
#define NO_NODE "c 10:237 mknod Operation not permitted"

static const struct device_row device_rows[] = {
	{ "the list, every capability", { NULL }, CT_ATTACH_ELEVATED, NULL, 0, LISTED, NULL },
	{ "the list, mknod", { NULL }, CT_ATTACH_SET_CAPS, "mknod dac_override", 0, LISTED, NULL },
	{ "no list, as the payload", { NO_GROUP, "cap.drop", "mknod" }, 0, NULL, 0, NO_NODE, NULL },
	{ "no list, other capabilities",
	  { NO_GROUP, "cap.drop", "mknod" },
	  CT_ATTACH_SET_CAPS,
	  "chown dac_override",
	  0,
	  NO_NODE,
	  NULL },
	{ "no list, mknod",
	  { NO_GROUP, "cap.drop", "mknod" },
	  CT_ATTACH_SET_CAPS,
	  "chown mknod",
	  -EINVAL,
	  NULL,
	  NULL },
	{ "no list, every capability",
	  { NO_GROUP, "cap.drop", "mknod" },
	  CT_ATTACH_ELEVATED,
	  NULL,
	  -EINVAL,
	  NULL,
	  NULL },
	{ "no list wanted",
	  { NO_GROUP, "limit.devices", "all" },
	  CT_ATTACH_ELEVATED,
	  NULL,
	  0,
	  "c 10:237 mknod done",
	  "not permitted" },
	{ "no list needed",
	  { NO_GROUP, "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536" },
	  CT_ATTACH_ELEVATED,
	  NULL,
	  0,
	  NO_NODE,
	  NULL },
};

static void devices(void **state)
{
	const struct device_row *row = *state;
	ct_container *c = box_handle(&box, NULL);
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *init = NULL;
	char *out = NULL;
	int r;

	for (size_t i = 0; i + 1 < sizeof(row->config) / sizeof(*row->config) && row->config[i];
	     i += 2)
		assert_ok(c, ct_set_config(c, row->config[i], row->config[i + 1]));
	init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	a.flags = row->flags;
	a.caps = row->caps;
	r = box_attach(c, &a, ARGV("/bin/probe", "node", "c", "10", "237"), &out, NULL);
	/* one that a mapped root cannot remove */
	rootfs_drop(&box.root, "tmp/c-10-237");
	if (r != row->refused || (row->line && !strstr(out, row->line)) ||
	    (row->without && strstr(out, row->without)))
		fail_msg("%d, %s (%s)", r, out ? out : "", ct_last_error(c)->message);
	if (row->refused)
		assert_int_equal(ct_last_error(c)->id, CT_ERR_CONFLICT);
	free(out);
	ct_process_unref(init);
	ct_unref(c);
}

int main(void)
{
	enum {
		N = sizeof(rows) / sizeof(rows[0]),
		D = sizeof(device_rows) / sizeof(device_rows[0])
	};
	static struct CMUnitTest tests[N + D + 1];
	size_t i;

	for (i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, same, NULL, NULL, (void *)&rows[i] };
	for (i = 0; i < D; i++)
		tests[N + i] = (struct CMUnitTest){ device_rows[i].name, devices, NULL, NULL,
						    (void *)&device_rows[i] };
	tests[N + D] = (struct CMUnitTest)cmocka_unit_test(dropped);
	return _cmocka_run_group_tests("attach-same", tests, N + D + 1, box_setup, box_teardown);
}
