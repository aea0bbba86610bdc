/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hooks of the host: where they stand in a start and an end, what they are told, and what becomes
 * of what they say. That order, namespaces, arguments and variables are LXC's is held against LXC's
 * own result by tests/scenario/hooks.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"
#include "setup.h"

#define WAIT_MS 60000

/* A script of the host, in the box; its path. */
static const char *script(const char *name, const char *text, char path[2 * PATH_MAX])
{
	int fd;

	snprintf(path, 2 * PATH_MAX, "%s/%s", box.root.base, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "#!/bin/sh\ncd %s\n%s\n", box.root.base, text) > 0);
	close(fd);
	return path;
}

/* A file of the box, whole, the caller's to free. */
static char *text_of(const char *name)
{
	char path[2 * PATH_MAX], *text;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", box.root.base, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strdup("");
	text = read_all(fd, PATIENCE_MS);
	close(fd);
	assert_non_null(text);
	return text;
}

static void drop(const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", box.root.base, name);
	unlink(path);
}

/* Each must stand in the text, behind the one before. */
static void in_order(const char *text, const char *const words[])
{
	const char *at = text;

	for (; *words; words++) {
		const char *found = strstr(at, *words);

		if (!found)
			fail_msg("\"%s\" is missing, or not in its place, in:\n%s", *words, text);
		else
			at = found + 1;
	}
}

/* Starts a program detached and waits for its end, and that of all hooks. */
static int run_detached(ct_container *c, const char *command)
{
	ct_process *p = NULL;
	int r;

	r = box_start(c, CT_START_DETACH, ARGV("/bin/sh", "-c", command), &p);
	if (r >= 0)
		assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	ct_process_unref(p);
	return r;
}

/* ---- start-host ------------------------------------------------------------------------------ */

struct place {
	const char *name;
	int detached, mapped, uid;
};

/* All is set up, and nothing of the rootfs is executed but the start hook, which has
 * been before. */
static void place(void **state)
{
	static const char look[] = "exec >seen 2>&1\nreadlink /proc/$LXC_PID/exe; "
				   "ls /proc/$LXC_PID/root/proc/self/ns | head -n 1\n"
				   "cat /proc/$LXC_PID/root/tmp/started; grep -c ' /dev/pts ' "
				   "/proc/$LXC_PID/mountinfo\n"
				   "[ /proc/$LXC_PID/ns/mnt -ef /proc/self/ns/mnt ] || echo apart\n"
				   "grep NoNewPrivs /proc/$LXC_PID/status; echo $#";
	static const char *const want[] = { "/memfd:ct-stage",
					    "\nhook\n1\napart\nNoNewPrivs:\t1\n3\n", NULL };
	const struct place *p = *state;
	char path[2 * PATH_MAX], *seen;
	ct_container *c = box_handle(&box, p->detached ? p->name : NULL);

	rootfs_drop(&box.root, "tmp/started");
	assert_int_equal(box_config(c, "rootfs.path", box.root.path, "no_new_privs", "1",
				    "hook.start", "/bin/sh -c \"echo hook >/tmp/started\"",
				    "hook.start-host", script("host", look, path), NULL),
			 0);
	if (p->mapped)
		assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	if (p->uid)
		assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", NULL), 0);
	if (p->detached)
		assert_ok(c, run_detached(c, "exit 0"));
	else
		assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
	seen = text_of("seen");
	in_order(seen, want);
	free(seen);
	drop("seen");
	ct_unref(c);
}

static const struct {
	const char *text;
	int err;
	const char *why;
} failures[] = {
	{ "echo not today >&2; exit 3", -ECANCELED, "exit code 3: not today" },
	{ "sleep 1000", -ETIMEDOUT, "too long" },
	{ "kill -9 $LXC_PID; while grep -q 'State:.[^Z]' /proc/$LXC_PID/status; do :; "
	  "done; exit 1",
	  -ECHILD, "init" },
};

/* The start fails with the hook's words, or with what it has done to init; the program does not
 * run, nothing is left. */
static void start_host_fails(void **state)
{
	char path[2 * PATH_MAX], text[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(failures) / sizeof(failures[0]); i++) {
		struct leak *w = leak_take();
		ct_container *c = box_handle(&box, i & 1 ? "host-fails" : NULL);

		rootfs_drop(&box.root, "tmp/ran");
		snprintf(text, sizeof(text), "%s", failures[i / 2].text);
		assert_int_equal(box_config(c, "rootfs.path", box.root.path, "hook.timeout",
					    failures[i / 2].err == -ETIMEDOUT ? "1s" : "60s",
					    "hook.start-host", script("host", text, path), NULL),
				 0);
		if (i & 1)
			assert_refused(c, run_detached(c, "echo >/tmp/ran"), failures[i / 2].err);
		else
			assert_refused(c,
				       box_run(c, NULL, ARGV("/bin/touch", "/tmp/ran"), NULL, NULL),
				       failures[i / 2].err);
		if (!strstr(ct_last_error(c)->message, failures[i / 2].why))
			fail_msg("%s: %s", text, ct_last_error(c)->message);
		ct_unref(c);
		assert_int_equal(leak_end(w, LEAK_NO_RSS), 0);
		snprintf(path, sizeof(path), "%s/tmp/ran", box.root.path);
		assert_int_equal(access(path, F_OK), -1);
	}
}

/* ---- stop ------------------------------------------------------------------------------------ */

/* Init writes down its namespaces; the hook finds the same behind what it is told, and init
 * has ended by then. */
static void namespaces(void **state)
{
	static const char look[] = "exec >>seen 2>&1\necho \"$LXC_TARGET $#\"; "
				   "[ -d /proc/$LXC_PID ] || echo ended\n"
				   "for n in user mnt pid uts ipc net cgroup time; do\n"
				   "eval v=\\$LXC_$(echo $n | tr a-z A-Z)_NS; "
				   "[ -z \"$v\" ] || readlink $v\ndone\n"
				   "for a; do case $a in *:/proc/*/fd/*) readlink ${a#*:}; esac; "
				   "done";
	static const char inside[] =
		"for n in %s; do readlink /proc/self/ns/$n; done >/tmp/ns; exit 0";
	char path[2 * PATH_MAX], command[256], *seen, *ns, *want;
	const struct place *p = *state;
	int version = p->uid, words = 0;
	ct_container *c = box_handle(&box, p->name);

	rootfs_drop(&box.root, "tmp/ns");
	snprintf(command, sizeof(command), inside,
		 p->mapped ? "user mnt pid uts ipc net cgroup" : "mnt pid uts ipc net cgroup");
	assert_int_equal(box_config(c, "rootfs.path", box.root.path, "hook.version",
				    version ? "1" : "0", "hook.stop", script("stop", look, path),
				    NULL),
			 0);
	if (p->mapped)
		assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	assert_ok(c, run_detached(c, command));
	seen = text_of("seen");
	ns = text_of("rootfs/tmp/ns");
	assert_true(strlen(ns) > 50);
	if (!version)
		words = p->mapped ? 10 : 9;
	assert_true(asprintf(&want, "stop %d\nended\n%s%s", words, ns, version ? "" : ns) > 0);
	assert_string_equal(seen, want);
	free(seen);
	free(ns);
	free(want);
	drop("seen");
	ct_unref(c);
}

/* The groups are there for the stop hooks, and for the post-stop hooks gone, but at a reboot,
 * which goes on in them. */
static void cleared(void **state)
{
	static const char look[] = "echo $1:$LXC_TARGET $(find /sys/fs/cgroup -type d -name "
				   "'ct.*cleared*' | grep -c .) >>seen";
	char path[2 * PATH_MAX], stop[2 * PATH_MAX + 16], post[2 * PATH_MAX + 16], *seen;
	ct_container *c = box_handle(&box, "cleared");
	int before, there, gone;

	(void)state;
	script("look", look, path);
	snprintf(stop, sizeof(stop), "%s stop", path);
	snprintf(post, sizeof(post), "%s post", path);
	/* an init that reboots once */
	rootfs_drop(&box.root, "tmp/again");
	assert_int_equal(box_config(c, "rootfs.path", box.root.path, "cap.drop", "sys_module",
				    "hook.stop", stop, "hook.post-stop", post, NULL),
			 0);
	assert_ok(c, run_detached(c, "[ -e /tmp/again ] && exit 0; echo >/tmp/again; reboot -f; "
				     "sleep 1000"));
	seen = text_of("seen");
	if (sscanf(seen, "stop:reboot %d post:reboot %d stop:stop %d post:stop %d", &before, &there,
		   &before, &gone) != 4)
		fail_msg("the hooks were: %s", seen);
	assert_int_equal(there, before);
	assert_int_equal(gone, 0);
	/* a host that has no cgroups mounted */
	if (!before && access("/sys/fs/cgroup/cgroup.procs", F_OK) &&
	    access("/sys/fs/cgroup/pids", F_OK))
		print_message("# no cgroups here\n");
	else
		assert_true(before > 0);
	free(seen);
	drop("seen");
	ct_unref(c);
}

/* ---- the log --------------------------------------------------------------------------------- */

struct said {
	char text[32768];
	size_t n;
};

static void listen_to(void *data, int level, const char *line)
{
	struct said *s = data;
	int n = snprintf(s->text + s->n, sizeof(s->text) - s->n, "%d %s\n", level, line);

	s->n += n > 0 && s->n + (size_t)n < sizeof(s->text) ? (size_t)n : 0;
}

static const char talk[] = "echo out of $1; echo err of $1 >&2; head -c 500 /dev/zero | tr '\\0' "
			   "x; printf '\\na\\033[2Jno end'";

/* Of the stop hooks, too, where they have run by then. */
static void check_printed(const char *text, int stopped)
{
	in_order(text,
		 ARGV("hook pre-start ", ": out of pre-start\n", ": err of pre-start\n", ": xxx",
		      ": a?[2Jno end\n", "hook pre-mount ", "hook mount ", ": err of mount\n",
		      ": out of autodev\n", "hook start /bin/echo: out of start ",
		      ": out of start-host\n", ": err of start-host\n"));
	if (stopped)
		in_order(text, ARGV(": err of start-host\n", "INFO   hook stop ", ": out of stop\n",
				    ": err of stop\n", "hook post-stop "));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_true(strchr(line, '\n') - line < 5000);
}

/* Both streams of each hook, line by line, with its name; control characters and long lines
 * do no harm. By the caller's function and by the file, in process and detached, also when
 * the caller has gone. */
static void printed(void **state)
{
	static const char *const hooks[] = { "pre-start",  "pre-mount", "mount",    "autodev",
					     "start-host", "stop",	"post-stop" };
	char path[2 * PATH_MAX], key[32], command[3 * PATH_MAX], log[2 * PATH_MAX], *text;
	int detached = !strcmp(*state, "detached");
	ct_container *c = box_handle(&box, detached ? "says" : NULL);
	struct said s = { "", 0 };

	script("talk", talk, path);
	snprintf(log, sizeof(log), "%s/log", box.root.base);
	assert_ok(c, ct_set_config(c, "rootfs.path", box.root.path));
	for (size_t i = 0; i < (detached ? 7 : 5); i++) {
		snprintf(key, sizeof(key), "hook.%s", hooks[i]);
		snprintf(command, sizeof(command), "%s %s", path, hooks[i]);
		assert_ok(c, ct_set_config(c, key, command));
	}
	assert_ok(c, ct_set_config(c, "hook.start", "/bin/echo out of start"));
	for (int k = 0; k < 2; k++) {
		s.n = 0;
		if (k)
			assert_int_equal(box_config(c, "log.file", log, "log.level", "INFO", NULL),
					 0);
		ct_set_log(c, CT_LOG_INFO, k ? NULL : listen_to, &s);
		if (detached)
			assert_ok(c, run_detached(c, "exit 0"));
		else
			assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
		text = k ? text_of("log") : strdup(s.text);
		check_printed(text, k && detached);
		free(text);
	}
	drop("log");
	ct_unref(c);
}

/* A stop hook that fails is told at the level that a log has by default: by the file, with its
 * program and words; to who stops it. */
static void stop_fails(void **state)
{
	char path[2 * PATH_MAX], log[2 * PATH_MAX], want[3 * PATH_MAX], *text;
	ct_container *c = box_handle(&box, "stop-fails");
	struct said s = { "", 0 };
	ct_process *p = NULL;

	(void)state;
	snprintf(log, sizeof(log), "%s/log", box.root.base);
	script("stop", "echo quiet; echo the reason; exit 7", path);
	assert_int_equal(box_config(c, "rootfs.path", box.root.path, "log.file", log, "hook.stop",
				    path, "hook.post-stop", "/bin/false", "signal.halt", "SIGTERM",
				    NULL),
			 0);
	assert_ok(c, ct_create(c, NULL));
	assert_ok(c, box_start(c, CT_START_DETACH,
			       ARGV("/bin/sh", "-c",
				    "trap 'exit 0' TERM; while :; do sleep 0.02; done"),
			       &p));
	assert_ok(c, ct_set_log(c, CT_LOG_ERROR, listen_to, &s));
	assert_ok(c, ct_stop(c, 0, WAIT_MS));
	ct_process_unref(p);
	text = text_of("log");
	snprintf(want, sizeof(want), "ERROR  hook stop %s failed: exit code 7: the reason\n", path);
	in_order(text, ARGV("stop-fails 20", want,
			    "ERROR  hook post-stop /bin/false failed: exit code 1\n"));
	assert_null(strstr(text, "quiet"));
	assert_non_null(strstr(s.text, "stop hook failed: exit code 7: the reason"));
	free(text);
	drop("log");
	assert_ok(c, ct_destroy(c, 0));
	ct_unref(c);
}

int main(void)
{
	static const struct place places[] = { { "in process", 0, 0, 0 },
					       { "placed", 1, 0, 0 },
					       { "placed-mapped", 1, 1, 0 },
					       { "in process, mapped, a user", 0, 1, 1 } };
	static const struct place stops[] = { { "ends", 1, 0, 0 },
					      { "ends-mapped", 1, 1, 0 },
					      { "ends-v1", 1, 0, 1 } };
	const struct CMUnitTest tests[] = {
		{ "start-host: in process", place, NULL, NULL, (void *)&places[0] },
		{ "start-host: detached", place, NULL, NULL, (void *)&places[1] },
		{ "start-host: detached, mapped", place, NULL, NULL, (void *)&places[2] },
		{ "start-host: in process, mapped, a user", place, NULL, NULL, (void *)&places[3] },
		cmocka_unit_test(start_host_fails),
		{ "stop: namespaces, version 0", namespaces, NULL, NULL, (void *)&stops[0] },
		{ "stop: namespaces, mapped", namespaces, NULL, NULL, (void *)&stops[1] },
		{ "stop: namespaces, version 1", namespaces, NULL, NULL, (void *)&stops[2] },
		cmocka_unit_test(cleared),
		{ "printed, in process", printed, NULL, NULL, (void *)"in process" },
		{ "printed, detached", printed, NULL, NULL, (void *)"detached" },
		cmocka_unit_test(stop_fails),
	};

	return cmocka_run_group_tests_name("host-hooks", tests, box_setup_bare, box_teardown);
}
