/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the header and the manual say that a call does, or tells: each of it is so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define WAIT_MS 60000
#define SECRET "correct-horse"

/* A small file's text, the caller's to free; NULL: there is none. */
static char *text_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd, 1000);

	if (fd >= 0)
		close(fd);
	return text;
}

static int run_true(ct_container *c, uint64_t flags)
{
	ct_process *p = NULL;
	int r;

	r = box_start(c, flags, ARGV("/bin/true"), &p);
	if (r >= 0)
		assert_int_equal(ct_process_wait(p, NULL, WAIT_MS), 0);
	ct_process_unref(p);
	return r;
}

/* ---- a mistake that nobody has looked at ----------------------------------------------------- */

static void unseen_mistake(void **state)
{
	char file[PATH_MAX + 16];
	ct_container *c = must_open(NULL);
	ct_mount m = CT_MOUNT_INIT;

	(void)state;
	/* a typo in a limit, and the caller goes on as if nothing was: no container
	 * without its limit */
	assert_int_equal(ct_set_config(c, "limit.memori", "64M"), -ENOENT);
	assert_int_equal(run_true(c, 0), -ENOENT);
	assert_non_null(strstr(ct_last_error(c)->message, "limit.memori"));
	/* the message has been asked for: the caller knows */
	assert_ok(c, run_true(c, 0));
	/* nor does a check, or a plan, say that all is well */
	assert_int_equal(ct_set_config(c, "limit.pids", "lots"), -EINVAL);
	assert_int_equal(ct_check(c, NULL), -EINVAL);
	assert_non_null(strstr(ct_last_error(c)->message, "lots"));
	/* the same key, set again: a fallback of the caller's */
	assert_int_equal(ct_set_config(c, "lxc.init.cwd", "not absolute"), -EINVAL);
	assert_ok(c, ct_set_config(c, "init.cwd", "/"));
	assert_ok(c, run_true(c, 0));
	/* another key does not make it good */
	assert_int_equal(ct_set_config(c, "init.cwd", "not absolute"), -EINVAL);
	assert_ok(c, ct_set_config(c, "init.uid", "0"));
	assert_int_equal(run_true(c, 0), -EINVAL);
	assert_int_equal(ct_last_error(c)->err, -EINVAL);
	/* files and mounts, too; of several the first is told */
	snprintf(file, sizeof(file), "%s/none.conf", box.dir);
	assert_int_equal(ct_load_config(c, file), -ENOENT);
	m.target = "../x";
	assert_int_equal(ct_add_mount(c, &m), -EINVAL);
	assert_int_equal(run_true(c, 0), -ENOENT);
	assert_non_null(strstr(ct_last_error(c)->message, "none.conf"));
	assert_ok(c, run_true(c, 0));
	ct_unref(c);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void forked_child(void **state)
{
	ct_container *c = must_open(NULL);
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		if (ct_check(c, NULL) != -ECHILD || ct_last_error(c)->err != -ECHILD ||
		    ct_last_error(c)->id != CT_ERR_FORKED)
			_exit(1);
		_exit(!strstr(ct_last_error(c)->message, "forked") || !*ct_last_error(c)->hint);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(ct_last_error(c)->err, 0);
	ct_unref(c);
}

/* Also where there is no handle to ask, all strings of an error are there. */
static void no_string_is_null(void **state)
{
	ct_new_opts where = CT_NEW_OPTS_INIT;
	const ct_error *of_new = NULL, *of_list = NULL;
	ct_container *c;
	ct_error *copy;

	(void)state;
	where.error = &of_new;
	assert_int_equal(ct_new(&c, "-bad", &where), -EINVAL);
	where.error = &of_list;
	assert_int_equal(ct_list(&where, 0, NULL), -EINVAL);
	for (const ct_error *const *e =
		     (const ct_error *const[]){ of_new, of_list, ct_last_error(NULL),
						ct_process_last_error(NULL), NULL };
	     *e; e++) {
		assert_true((*e)->message && (*e)->where && (*e)->step_name && (*e)->backend &&
			    (*e)->key && (*e)->file && (*e)->syscall_name && (*e)->object &&
			    (*e)->kernel && (*e)->hint && (*e)->more);
		assert_int_equal(ct_error_copy(*e, &copy), 0);
		assert_string_equal(copy->message, (*e)->message);
		ct_free(copy);
	}
}

/* Which of the backends it was. */
static void backend_named(void **state)
{
	ct_container *c = must_open(NULL);
	const char *backend;

	(void)state;
	assert_ok(c, ct_set_config(c, "limit.cpuset.cpus", "100-101"));
	assert_true(run_true(c, 0) < 0);
	backend = ct_last_error(c)->backend;
	if (strcmp(backend, "cgroup1") && strcmp(backend, "cgroup2"))
		fail_msg("\"%s\" of %s", backend, ct_last_error(c)->message);
	assert_int_equal(ct_set_config(c, "init.uid", "x"), -EINVAL);
	assert_string_equal(ct_last_error(c)->backend, "");
	ct_unref(c);
}

static void faults_of_a_file(ct_container *c, const char *file)
{
	const ct_error *e;
	ct_error *copy;
	int lines = 1;

	assert_true(ct_load_config(c, file) < 0);
	e = ct_last_error(c);
	assert_int_equal(e->line, 1);
	for (const char *p = e->more; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 10);
	assert_non_null(strstr(e->more, "ten.conf:10)"));
	assert_int_equal(ct_error_copy(e, &copy), 0);
	assert_string_equal(copy->more, e->more);
	ct_free(copy);
}

/* Ten faults of a file are ten lines: those of ct_error.more, and of a check. */
static void all_faults(void **state)
{
	static const char text[] = "utsname = a\nnetwork.type = veth\ntty = 4\nno equals\n"
				   "init.uid = x\nlimit.memory = lots\n"
				   "cap.drop = nonsense\nmount.entry = one\nidmap = x\n"
				   "limit.pids = -1\nrootfs.path = /\n";
	char file[PATH_MAX + 16], *all = NULL;
	ct_container *c = must_open(NULL);
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s/ten.conf", box.dir);
	f = fopen(file, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	faults_of_a_file(c, file);
	unlink(file);
	/* of a config that can be read: relations, sources, hooks, keys that cannot be honoured */
	assert_int_equal(box_config(c, "cap.drop", "chown", "cap.keep", "kill", "mount.entry",
				    "/no/such/source mnt none bind 0 0", "hook.pre-start",
				    "/no/such/hook", "log.file", "/no/such/dir/log", "tty.max", "2",
				    NULL),
			 0);
	assert_int_equal(ct_check_all(c, NULL, &all), 5);
	for (const char *const *p =
		     (const char *const[]){ "cap.drop", "/no/such/source", "/no/such/hook",
					    "/no/such/dir/log", "tty.max", NULL };
	     *p; p++)
		if (!strstr(all, *p))
			fail_msg("%s is not in\n%s", *p, all);
	ct_free(all);
	assert_ok(c, ct_clear_config(c, "cap"));
	assert_ok(c, ct_clear_config(c, "mount"));
	assert_ok(c, ct_clear_config(c, "hook"));
	assert_ok(c, ct_clear_config(c, "log"));
	assert_ok(c, ct_clear_config(c, "tty"));
	assert_int_equal(ct_check_all(c, NULL, &all), 0);
	assert_string_equal(all, "");
	ct_free(all);
	ct_unref(c);
}

/* ---- clearing -------------------------------------------------------------------------------- */

static void everything_cleared(void **state)
{
	ct_container *c = must_open(NULL);
	ct_mount m = CT_MOUNT_INIT;
	char *plan;

	(void)state;
	m.source = "/etc";
	m.target = "added-by-hand";
	m.flags = CT_MOUNT_CREATE;
	assert_ok(c, ct_add_mount(c, &m));
	assert_ok(c, ct_dump_plan(c, NULL, CT_FORMAT_TEXT, &plan));
	assert_non_null(strstr(plan, "added-by-hand"));
	ct_free(plan);
	assert_ok(c, ct_clear_config(c, NULL));
	assert_ok(c, ct_set_config(c, "rootfs.path", box.root.path));
	assert_ok(c, ct_dump_plan(c, NULL, CT_FORMAT_TEXT, &plan));
	assert_null(strstr(plan, "added-by-hand"));
	ct_free(plan);
	ct_unref(c);
}

/* ---- secrets, and the story of a start ------------------------------------------------------- */

static void plan_without_secrets(void **state)
{
	ct_container *c = must_open(NULL);
	ct_start_opts o = CT_START_OPTS_INIT;
	char *plan;

	(void)state;
	o.envp = ARGV("GIVEN=" SECRET, "PATH=/bin");
	assert_ok(c, ct_set_config(c, "environment", "CONFIGURED=" SECRET));
	for (int format = CT_FORMAT_TEXT; format <= CT_FORMAT_JSON; format++) {
		assert_ok(c, ct_dump_plan(c, &o, format, &plan));
		assert_null(strstr(plan, SECRET));
		assert_non_null(strstr(plan, "CONFIGURED=..."));
		assert_non_null(strstr(plan, "GIVEN=..."));
		assert_non_null(strstr(plan, "PATH=/bin"));
		ct_free(plan);
	}
	ct_unref(c);
}

struct story {
	int steps, last, wrong, runs;
	char text[65536];
};

static void listen(void *data, int level, const char *line)
{
	struct story *s = data;
	unsigned step, us;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s\n", line);
	if (level == CT_LOG_INFO)
		s->runs += !strncmp(line, "it runs", 7);
	if (sscanf(line, "step %u, %u us, ", &step, &us) != 2)
		return;
	s->wrong += (int)step <= s->last;
	s->last = (int)step;
	s->steps++;
}

/* At DEBUG the names of the steps, at INFO that it runs. */
static void told_less(ct_container *c, uint64_t flags, int steps)
{
	static struct story s;

	s = (struct story){ .last = -1 };
	assert_ok(c, ct_set_log(c, CT_LOG_DEBUG, listen, &s));
	assert_ok(c, run_true(c, flags));
	assert_true(s.steps >= steps - 2 && !strstr(s.text, "tree="));
	s = (struct story){ .last = -1 };
	assert_ok(c, ct_set_log(c, CT_LOG_INFO, listen, &s));
	assert_ok(c, run_true(c, flags));
	assert_true(s.steps == 0 && s.runs == 1);
}

/* Each step of the plan in its order, with its time, and none of the payload's secrets. */
static void told(uint64_t flags)
{
	static struct story s;
	ct_container *c = must_open(flags & CT_START_DETACH ? "promises-told" : NULL);
	ct_start_opts o = CT_START_OPTS_INIT;
	char *plan;
	int steps = 0, last = 0;

	s = (struct story){ .last = -1 };
	o.flags = flags;
	o.argv = ARGV("/bin/true");
	assert_ok(c, ct_set_config(c, "environment", "TOKEN=" SECRET));
	assert_ok(c, ct_dump_plan(c, &o, CT_FORMAT_TEXT, &plan));
	for (const char *p = plan; !last && (p = strchr(p, '\n')); p++) {
		char name[32] = "";

		steps += sscanf(p + 1, " %*d %31s", name) == 1;
		/* what comes behind it is carried out at the end */
		last = !strcmp(name, "run.exec");
	}
	ct_free(plan);
	assert_ok(c, ct_set_log(c, CT_LOG_TRACE, listen, &s));
	assert_ok(c, run_true(c, flags));
	/* the last one is the exec, from which nobody comes back */
	if (s.steps < steps - 2 || s.wrong || s.runs != 1 || s.last >= steps)
		fail_msg("%d of %d steps, %d not in order, %d runs:\n%s", s.steps, steps, s.wrong,
			 s.runs, s.text);
	assert_null(strstr(s.text, SECRET));
	assert_non_null(strstr(s.text, "mount.pivot"));
	/* a small init's own step, after which its child goes on */
	if (!(flags & CT_START_DETACH))
		assert_non_null(strstr(s.text, "by init: run.reaper"));
	assert_non_null(strstr(s.text, "exec by init: run.ready"));
	assert_non_null(strstr(s.text, "rootfs.path"));
	told_less(c, flags, steps);
	ct_unref(c);
}

static void told_in_process(void **state)
{
	(void)state;
	told(0);
}

static void told_nowait(void **state)
{
	(void)state;
	told(CT_START_NOWAIT);
}

static void told_detached(void **state)
{
	(void)state;
	told(CT_START_DETACH);
}

/* Who listens gets it, and the file nothing. */
static void log_of_a_listener(ct_container *c, const char *file, uint64_t flags)
{
	static struct story s;
	char *text;

	assert_int_equal(truncate(file, 0), 0);
	s = (struct story){ .last = -1 };
	assert_ok(c, ct_set_log(c, CT_LOG_TRACE, listen, &s));
	assert_ok(c, run_true(c, flags));
	text = text_of(file);
	assert_true(s.steps > 0 && text && !*text);
	free(text);
	ct_set_log(c, 0, NULL, NULL);
}

/* The config's own log, where nobody listens; at its level. */
static void log_file(void **state)
{
	static const uint64_t modes[] = { 0, CT_START_DETACH };
	char file[PATH_MAX + 16], *text;

	(void)state;
	snprintf(file, sizeof(file), "%s/the.log", box.dir);
	for (int i = 0; i < 2; i++) {
		ct_container *c = must_open(i ? "promises-log" : NULL);

		assert_int_equal(box_config(c, "log.file", file, "environment", "TOKEN=" SECRET,
					    NULL),
				 0);
		assert_ok(c, run_true(c, modes[i]));
		text = text_of(file);
		assert_true(text && !*text);
		free(text);
		assert_ok(c, ct_set_config(c, "log.level", "trace"));
		assert_ok(c, run_true(c, modes[i]));
		text = text_of(file);
		assert_non_null(strstr(text, "TRACE  step 0, "));
		assert_non_null(strstr(text, "INFO   it runs"));
		assert_null(strstr(text, SECRET));
		free(text);
		log_of_a_listener(c, file, modes[i]);
		/* errors of other calls, too */
		assert_int_equal(ct_kill(c, SIGTERM), -ESRCH);
		text = text_of(file);
		assert_non_null(strstr(text, "ERROR  "));
		free(text);
		assert_ok(c, ct_set_config(c, "log.file", "/no/such/dir/log"));
		assert_refused(c, run_true(c, modes[i]), -ENOENT);
		assert_string_equal(ct_last_error(c)->key, "log.file");
		assert_ok(c, ct_set_config(c, "log.file", box.dir));
		assert_refused(c, run_true(c, modes[i]), -EISDIR);
		ct_unref(c);
		unlink(file);
	}
}

/* A pipe that nobody reads is no log: it would hold the caller up, or kill it. */
static void log_is_no_pipe(void **state)
{
	char file[PATH_MAX + 16];
	ct_container *c = must_open(NULL);
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/fifo", box.dir);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_ok(c, ct_set_config(c, "log.file", file));
	assert_refused(c, run_true(c, 0), -ENXIO);
	fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_refused(c, run_true(c, 0), -EINVAL);
	close(fd);
	unlink(file);
	assert_ok(c, ct_set_config(c, "log.file", "/dev/null"));
	assert_ok(c, run_true(c, 0));
	ct_unref(c);
}

/* ---- a caller whose files may not grow ------------------------------------------------------- */

/* It gets an error, and no signal, wherever the limit stands; one that it had blocked and
 * pending before stays so. */
static void small_files(void **state)
{
	static const rlim_t limits[] = { 0, 1, 4095, 50000, 200000, 10000000 };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		ct_container *c = box_handle(&box, NULL);
		int failed = 0, went = 0;

		for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
			ct_process *p = NULL;
			int r;

			if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limits[i], RLIM_INFINITY }))
				_exit(1);
			if (ct_set_config(c, "rootfs.path", box.root.path) ||
			    ct_set_config(c, "limit.output", "1M"))
				_exit(2);
			r = box_start(c, 0, ARGV("/bin/true"), &p);
			if (r < 0 &&
			    (r != -EFBIG || !strstr(ct_last_error(c)->message, "RLIMIT_FSIZE"))) {
				fprintf(stderr, "# with a limit of %llu: %s\n",
					(unsigned long long)limits[i], ct_last_error(c)->message);
				_exit(3);
			}
			failed += r < 0;
			went += r >= 0;
			if (r >= 0 && ct_process_wait(p, NULL, WAIT_MS))
				_exit(4);
			ct_process_unref(p);
		}
		ct_unref(c);
		_exit(failed && went ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- hook.destroy ---------------------------------------------------------------------------- */

static void hook_destroy(void **state)
{
	char file[PATH_MAX + 16], hook[3 * PATH_MAX], *text;
	ct_container *c = must_open("promises-hook"), *other = box_handle(&box, "promises-hook");
	struct stat st;

	(void)state;
	snprintf(file, sizeof(file), "%s/told", box.dir);
	/* it sees the container as it is, before anything is gone */
	snprintf(hook, sizeof(hook),
		 "/bin/sh -c \"ls %s >%s; echo $0 $@ $LXC_NAME $LXC_HOOK_TYPE >>%s\"", ct_path(c),
		 file, file);
	assert_ok(c, ct_set_config(c, "hook.destroy", hook));
	assert_ok(c, ct_create(c, NULL));
	/* another handle, that has not read the config, reads it for this */
	assert_ok(other, ct_destroy(other, 0));
	text = text_of(file);
	assert_non_null(text);
	assert_string_equal(text, "config\npromises-hook lxc destroy promises-hook\n");
	free(text);
	unlink(file);
	assert_true(stat(ct_path(c), &st) < 0 && errno == ENOENT);
	/* one that fails keeps it, and says why */
	assert_ok(c, ct_clear_config(c, "hook"));
	assert_ok(c, ct_set_config(c, "hook.destroy", "/bin/sh -c \"echo not yet; exit 3\""));
	assert_ok(c, ct_create(c, NULL));
	assert_refused(other, ct_destroy(other, CT_DESTROY_FORCE), -ECANCELED);
	assert_non_null(strstr(ct_last_error(other)->message, "not yet"));
	assert_string_equal(ct_last_error(other)->key, "hook.destroy");
	assert_int_equal(stat(ct_path(c), &st), 0);
	assert_ok(c, ct_clear_config(c, "hook"));
	assert_ok(c, ct_save_config(c, NULL));
	assert_ok(other, ct_destroy(other, 0));
	ct_unref(other);
	ct_unref(c);
}

/* ---- hooks that provide the root ------------------------------------------------------------- */

/* The directory of rootfs.path is empty until the hook mounts the root on it. */
static void hooks_provide_the_root(void **state)
{
	static const char *const hooks[] = { "hook.pre-start", "hook.pre-mount" };
	char empty[PATH_MAX + 16], hook[3 * PATH_MAX], *out;

	(void)state;
	snprintf(empty, sizeof(empty), "%s/empty", box.dir);
	assert_int_equal(mkdir(empty, 0755), 0);
	snprintf(hook, sizeof(hook), "/bin/sh -c \"mount --bind %s %s\"", box.root.path, empty);
	for (int i = 0; i < 2; i++) {
		for (int readonly = 0; readonly < 2; readonly++) {
			ct_container *c = must_open(NULL);
			ct_exit x = CT_EXIT_INIT;

			assert_int_equal(box_config(c, "rootfs.path", empty, hooks[i], hook,
						    "rootfs.readonly", readonly ? "1" : "0",
						    "mount.tmpfs", "/made-for-this", NULL),
					 0);
			assert_ok(c, box_run(c, NULL,
					     ARGV("/bin/sh", "-c",
						  "ls -d /bin/sh; : >/made-for-this/x && echo made;"
						  "(: >/y) 2>/dev/null && echo wrote"),
					     &out, &x));
			assert_int_equal(x.reason, CT_EXIT_EXITED);
			assert_string_equal(out, readonly ? "/bin/sh\nmade\n"
							  : "/bin/sh\nmade\nwrote\n");
			free(out);
			ct_unref(c);
			/* what pre-start has mounted is the host's; what pre-mount has was
			 * the container's alone */
			assert_int_equal(umount2(empty, MNT_DETACH), i ? -1 : 0);
		}
	}
	assert_int_equal(rmdir(empty), 0);
	snprintf(empty, sizeof(empty), "%s/y", box.root.path);
	assert_int_equal(unlink(empty), 0);
}

/* ---- signal.stop ----------------------------------------------------------------------------- */

/* An init that hears neither signal.halt nor any other request ends by signal.stop, its own way;
 * without the key it is killed. */
static void ended_by(uint64_t flags, const char *signal_stop, int reason, int code)
{
	ct_container *c = must_open("promises-stop");
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit x = CT_EXIT_INIT;
	ct_process *p = NULL;
	char word[8] = "";
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	o.flags = flags | CT_START_NO_REAPER;
	o.argv = ARGV("/bin/sh", "-c",
		      "trap '' TERM PWR; trap 'exit 7' USR1; echo ready; while :; "
		      "do sleep 0.02; done");
	o.stdio[0] = o.stdio[2] = -1;
	o.stdio[1] = fd[1];
	assert_ok(c, ct_set_config(c, "signal.halt", "SIGTERM"));
	if (signal_stop)
		assert_ok(c, ct_set_config(c, "signal.stop", signal_stop));
	assert_ok(c, ct_start(c, &o, &p));
	assert_int_equal(read(fd[0], word, 6), 6);
	close(fd[0]);
	close(fd[1]);
	assert_ok(c, ct_stop(c, 0, 100));
	assert_int_equal(ct_process_wait(p, &x, WAIT_MS), 0);
	assert_int_equal(x.reason, reason);
	assert_int_equal(x.code, code);
	ct_process_unref(p);
	ct_unref(c);
}

static void signal_stop(void **state)
{
	static const uint64_t modes[] = { 0, CT_START_DETACH };

	(void)state;
	for (int i = 0; i < 2; i++) {
		ended_by(modes[i], "SIGUSR1", CT_EXIT_STOPPED, 7);
		ended_by(modes[i], NULL, CT_EXIT_STOPPED, 128 + SIGKILL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unseen_mistake),
		cmocka_unit_test(forked_child),
		cmocka_unit_test(no_string_is_null),
		cmocka_unit_test(backend_named),
		cmocka_unit_test(all_faults),
		cmocka_unit_test(everything_cleared),
		cmocka_unit_test(plan_without_secrets),
		cmocka_unit_test(told_in_process),
		cmocka_unit_test(told_nowait),
		cmocka_unit_test(told_detached),
		cmocka_unit_test(log_file),
		cmocka_unit_test(log_is_no_pipe),
		cmocka_unit_test(small_files),
		cmocka_unit_test(hook_destroy),
		cmocka_unit_test(hooks_provide_the_root),
		cmocka_unit_test(signal_stop),
	};

	return cmocka_run_group_tests(tests, box_setup_bare, box_teardown);
}
