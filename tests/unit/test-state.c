/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: who may make it, who holds it, what is read from it and what is cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <contain/contain.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run.h"
#include "run/child/verdict.h"
#include "run/state/dir.h"

#define HEAD "libcontain-state 1\n"
#define N64 "0123456789012345678901234567890123456789012345678901234567890123"
#define WHO "boot_id 0f-1\nsupervisor 12 34\n"

static char top[64]; /* of the test that runs */
static struct ct_err err;

static int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/ct-test-state-XXXXXX");
	ct_err_clear(&err);
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	const char *const argv[] = { "rm", "-rf", top, NULL };
	struct run_result r;
	int e = run_tool(argv, NULL, 5000, &r);

	(void)state;
	run_free(&r);
	return e;
}

static const char *below(const char *name)
{
	static char path[4][512];
	static unsigned n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", top, name);
	return p;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int parse(const char *text, struct ct_state_file *st)
{
	return ct_state_parse(text, strlen(text), st);
}

static void a_whole_file(void **state)
{
	struct ct_state_file st;

	(void)state;
	assert_int_equal(parse(HEAD "name web\n" WHO "init 56 18446744073709551615\nboots 3\n"
				    "pdeath 9\nephemeral 1\n"
				    "verdict 2 137 9 1 1 2 3 "
				    "18446744073709551615\nuse 11 12 13 14 15 16 "
				    "18446744073709551615\n"
				    "error stop hook failed: it  did\n"
				    "later 1 2 3 4 5 6 7 8 9 x\n"
				    "state 1\n",
			       &st),
			 0);
	assert_string_equal(st.name, "web");
	assert_string_equal(st.boot_id, "0f-1");
	assert_int_equal(st.supervisor, 12);
	assert_int_equal(st.supervisor_start, 34);
	assert_int_equal(st.init, 56);
	assert_true(st.init_start == UINT64_MAX);
	assert_int_equal(st.boots, 3);
	assert_int_equal(st.pdeath, 9);
	assert_int_equal(st.ephemeral, 1);
	assert_int_equal(st.verdict.reason, CT_EXIT_SIGNALED);
	assert_int_equal(st.verdict.code, 137);
	assert_int_equal(st.verdict.signal, 9);
	assert_int_equal(st.verdict.core, 1);
	assert_int_equal(st.verdict.wall_us, 1);
	assert_int_equal(st.verdict.user_us, 2);
	assert_int_equal(st.verdict.system_us, 3);
	assert_true(st.verdict.max_rss == UINT64_MAX);
	assert_int_equal(st.verdict.tree.cpu_us, 11);
	assert_int_equal(st.verdict.tree.memory_peak, 12);
	assert_int_equal(st.verdict.tree.io_read, 13);
	assert_int_equal(st.verdict.tree.io_written, 14);
	assert_int_equal(st.verdict.tree.pids_peak, 15);
	assert_int_equal(st.verdict.tree.oom_kills, 16);
	assert_true(st.verdict.tree.pids_refused == CT_ABSENT);
	assert_string_equal(st.error, "stop hook failed: it  did");
	assert_int_equal(st.state, CT_STATE_STOPPED);
}

static void check_known(const ct_exit *got, const ct_exit *want, size_t known)
{
	const size_t pad = offsetof(ct_exit, output_error) + sizeof(want->output_error);

	for (size_t at = offsetof(ct_exit, reason); at < known; at++) {
		/* padding has no value */
		if (at < pad || at >= offsetof(ct_exit, output_lost))
			assert_int_equal(((const char *)got)[at], ((const char *)want)[at]);
	}
}

/* The caller's ct_exit may be an older one, or one that is newer than the library. */
static void exits_of_all_sizes(void **state)
{
	const struct ct_verdict v = {
		1, 2, 3, 1, 5, 6, 7, 8, { 9, 10, 11, 12, 13, 14, CT_ABSENT }, 15, -32, 0
	};
	const ct_exit want = { 0,  1,  2,  3,  1,  5,	      6,   7,  8,      9,
			       10, 11, 12, 13, 14, CT_ABSENT, -32, 15, "mkdir" };
	struct {
		ct_exit known;
		char more[64];
	} out;
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_exit_check(NULL, "state", &e), -EINVAL);
	for (size_t size = 0; size <= sizeof(out); size++) {
		size_t known = size < sizeof(ct_exit) ? size : sizeof(ct_exit);
		const char *end = (const char *)&out + size;

		memset(&out, 0x55, sizeof(out));
		out.known.size = size;
		assert_int_equal(ct_exit_check(&out.known, "state", &e),
				 size < offsetof(ct_exit, core) ? -EINVAL : 0);
		if (size < offsetof(ct_exit, core))
			continue;
		ct_exit_fill(&v, "mkdir", &out.known);
		assert_int_equal(out.known.size, size);
		check_known(&out.known, &want, known);
		for (const char *p = (const char *)&out + known; p < (const char *)(&out + 1); p++)
			assert_int_equal(*p, p < end ? 0 : 0x55);
	}
	out.known.size = 4097;
	assert_int_equal(ct_exit_check(&out.known, "state", &e), -EINVAL);
}

static void files_that_lie(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		HEAD,
		HEAD WHO,
		"libcontain-state 2\n" WHO "state 1\n",
		"libcontain-state 1 \n" WHO "state 1\n",
		HEAD WHO "state 1",
		HEAD WHO "state\n",
		HEAD WHO "state 3\n",
		HEAD WHO "state 0\n",
		HEAD WHO "state 64\n",
		HEAD WHO "state -1\n",
		HEAD WHO "state 1 1\n",
		HEAD WHO "state 1\nstate 1\n",
		HEAD WHO "state 1\nboots 1\n",
		HEAD "boot_id 1\nstate 1\n",
		HEAD "supervisor 1 1\nstate 1\n",
		HEAD "boot_id \nsupervisor 1 1\nstate 1\n",
		HEAD WHO "init 0 1\nstate 1\n",
		HEAD WHO "init 1\nstate 1\n",
		HEAD WHO "init 1 2 3\nstate 1\n",
		HEAD WHO "init 2147483648 1\nstate 1\n",
		HEAD WHO "init 1 18446744073709551616\nstate 1\n",
		HEAD WHO "init  1 2\nstate 1\n",
		HEAD WHO "init 1 2 \nstate 1\n",
		HEAD WHO "init 0x1 2\nstate 1\n",
		HEAD WHO "verdict 1 2 3 4 5 6 7\nstate 1\n",
		HEAD WHO "verdict 1 256 0 0 1 1 1 1\nstate 1\n",
		HEAD WHO "verdict 1 2 3 4 5 6 7 8 9\nstate 1\n",
		HEAD WHO "use 1 2 3 4 5 6\nstate 1\n",
		HEAD WHO "use 1 2 3 4 5 6 7 8\nstate 1\n",
		HEAD WHO "use 1 2 3 4 5 6 -1\nstate 1\n",
		HEAD WHO "pdeath 65\nstate 1\n",
		HEAD WHO "ephemeral 2\nstate 1\n",
		HEAD WHO "\nstate 1\n",
		HEAD WHO " 1\nstate 1\n",
		HEAD WHO "error \001\nstate 1\n",
		HEAD WHO "key\nstate 1\n",
		HEAD WHO "name " N64 N64 N64 N64 "\nstate 1\n",
		HEAD WHO "boot_id 0123456789012345678901234567890123456789\nstate 1\n",
	};
	struct ct_state_file st = { .boots = 77 };
	static char large[CT_STATE_FILE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &st) != -EINVAL)
			fail_msg("row %zu was taken: %s", i, bad[i]);
	}
	assert_int_equal(ct_state_parse(HEAD WHO "state 1\0\n", strlen(HEAD WHO) + 9, &st),
			 -EINVAL);
	memset(large, '\n', sizeof(large));
	assert_int_equal(ct_state_parse(large, sizeof(large), &st), -EINVAL);
	assert_int_equal(st.boots, 77);
	assert_int_equal(parse(HEAD WHO "state 1\n", &st), 0);
}

/* ---- the directory --------------------------------------------------------------------------- */

static int open_there(const char *base, int create)
{
	int fd = -1, r = ct_state_open(base, top, "web", create, &fd, &err);

	return r ? r : fd;
}

static void made_for_us_alone(void **state)
{
	CT_CLEAN_FD int fd = -1, again = -1;
	mode_t mask = umask(0);
	char path[100], hex[17];

	(void)state;
	assert_int_equal(open_there(below("a/b/base"), 0), -ENOENT);
	assert_int_equal(err.err, 0);
	fd = open_there(below("a/b/base"), 1);
	umask(mask);
	assert_true(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	assert_int_equal(ct_state_hash(top, hex), 0);
	assert_int_equal(mode_of(below("a")), 0700);
	assert_int_equal(mode_of(below("a/b/base")), 0700);
	snprintf(path, sizeof(path), "a/b/base/%s/web", hex);
	assert_int_equal(mode_of(below(path)), 0700);
	again = open_there(below("a/b/base/"), 0);
	assert_true(again >= 0);
	assert_int_equal(ct_state_remove(again, "web", &err), 0);
	/* nothing of it stays but the base */
	snprintf(path, sizeof(path), "a/b/base/%s", hex);
	assert_int_equal(access(below(path), F_OK), -1);
	assert_int_equal(access(below("a/b/base"), F_OK), 0);
}

/* What is no directory, or no name. */
static void refused_places(void)
{
	static const char *const names[] = { "", ".", "..", ".x", "a/b" };
	int fd;

	assert_int_equal(close(open(below("file"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(open_there(below("file"), 1), -ENOTDIR);
	ct_err_clear(&err);
	assert_int_equal(open_there(below("file/x"), 1), -ENOTDIR);
	ct_err_clear(&err);
	assert_int_equal(open_there("relative", 1), -EINVAL);
	ct_err_clear(&err);
	assert_int_equal(open_there("/", 1), -EINVAL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ct_err_clear(&err);
		assert_int_equal(ct_state_open(below("base"), top, names[i], 1, &fd, &err),
				 -EINVAL);
	}
}

static void refused(void **state)
{

	(void)state;
	assert_int_equal(mkdir(below("open"), 0700), 0);
	for (unsigned mode = 0720; mode; mode = mode == 0720 ? 0702 : 0) {
		assert_int_equal(chmod(below("open"), mode), 0);
		assert_int_equal(open_there(below("open"), 1), -EPERM);
		assert_int_equal(err.id, CT_ERR_STATE);
		assert_non_null(strstr(err.message, "others can write into the state directory"));
		ct_err_clear(&err);
	}
	assert_int_equal(mkdir(below("real"), 0700), 0);
	assert_int_equal(symlink(below("real"), below("link")), 0);
	assert_int_equal(open_there(below("link"), 1), -ELOOP);
	assert_non_null(strstr(err.message, "is a symbolic link"));
	ct_err_clear(&err);
	refused_places();
	if (geteuid() == 0) {
		assert_int_equal(chown(below("real"), 12345, 0), 0);
		ct_err_clear(&err);
		assert_int_equal(open_there(below("real"), 1), -EPERM);
		assert_non_null(strstr(err.message, "belongs to another user"));
	}
}

static void assert_same_hash(const char *path, const char *want)
{
	char got[17];

	assert_int_equal(ct_state_hash(path, got), 0);
	assert_string_equal(got, want);
}

/* A directory has one place, whatever it is called; others have others. */
static void one_place_for_one_directory(void **state)
{
	char a[17], b[17], dotted[128];

	(void)state;
	assert_int_equal(mkdir(below("dir"), 0700), 0);
	assert_int_equal(symlink("dir", below("link")), 0);
	assert_int_equal(ct_state_hash(below("dir"), a), 0);
	snprintf(dotted, sizeof(dotted), "%s/./dir/../dir//", top);
	assert_same_hash(below("link"), a);
	assert_same_hash(below("dir///"), a);
	assert_same_hash(dotted, a);
	assert_int_equal(ct_state_hash(below("not/yet"), a), 0);
	assert_same_hash(below("not/yet/"), a);
	assert_int_equal(ct_state_hash(below("link/x"), a), 0);
	assert_same_hash(below("dir/x"), a);
	assert_int_equal(ct_state_hash(below("dir/y"), b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(ct_state_hash("/", a), 0);
	assert_same_hash("///", a);
	/* FNV-1a of "/" */
	assert_string_equal(a, "af63a24c860189fe");
}

static void the_default_place(void **state)
{
	char buf[128];

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(ct_state_default_base(buf, sizeof(buf), &err), 0);
		assert_string_equal(buf, "/run/libcontain");
		assert_int_equal(ct_state_default_base(buf, 5, &err), -ENAMETOOLONG);
	}
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void locks_exclude(void **state)
{
	int dir, lock, other, alive, second;
	long long t;

	(void)state;
	assert_int_equal(ct_state_enter(below("base"), top, "web", 0, &dir, &lock, &err), 0);
	t = now_ms();
	assert_int_equal(ct_state_lock(dir, 100, &other, &err), -EBUSY);
	assert_in_range(now_ms() - t, 100, 2000);
	assert_int_equal(err.id, CT_ERR_STATE);
	{
		char text[64];

		snprintf(text, sizeof(text), "another call works on this container (process %d)",
			 (int)getpid());
		assert_non_null(strstr(err.message, text));
	}
	ct_err_clear(&err);
	assert_int_equal(ct_state_sweep(dir, -1, NULL, NULL, &err), CT_LIFE_BUSY);
	assert_int_equal(ct_state_alive(dir), 0);
	assert_int_equal(ct_state_take_alive(dir, &alive, &err), 0);
	assert_int_equal(ct_state_alive(dir), 1);
	assert_int_equal(ct_state_take_alive(dir, &second, &err), -EBUSY);
	assert_int_equal(err.id, CT_ERR_RUNNING);
	ct_err_clear(&err);
	assert_int_equal(ct_state_sweep(dir, -1, NULL, NULL, &err), CT_LIFE_SUPERVISED);
	close(lock);
	assert_int_equal(ct_state_lock(dir, 0, &lock, &err), 0);
	close(alive);
	assert_int_equal(ct_state_alive(dir), 0);
	assert_int_equal(ct_state_remove(dir, "web", &err), 0);
	close(lock);
	/* the directory of another life */
	assert_int_equal(ct_state_lock(dir, 0, &lock, &err), -ESTALE);
	close(dir);
}

/* What the threads below share. */
static struct {
	const char *base;
	atomic_int inside; /* the lock of the state directory is none that TSan knows */
} many;

static void *come_and_go(void *data)
{
	(void)data;
	for (int i = 0; i < 50; i++) {
		struct ct_err e;
		int dir, lock;

		ct_err_clear(&e);
		if (ct_state_enter(many.base, top, "web", 20000, &dir, &lock, &e))
			return strdup(e.message);
		if (many.inside++)
			return strdup("not alone");
		many.inside--;
		if (ct_state_remove(dir, "web", &e))
			return strdup(e.message);
		close(lock);
		close(dir);
	}
	return NULL;
}

static void many_come_and_go(void **state)
{
	pthread_t thread[4];
	void *why;

	(void)state;
	/* below() is not for several threads at once */
	many.base = below("base");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &why);
		if (why)
			fail_msg("%s", (char *)why);
	}
}

/* ---- sweeping -------------------------------------------------------------------------------- */

static void write_state(int dir, const char *boot_id, pid_t init, uint64_t start, int pdeath,
			int boots, int state)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 HEAD "name web\nboot_id %s\nsupervisor 1 1\n"
			      "init %d %llu\nboots %d\npdeath %d\n"
			      "verdict 1 3 0 0 1 1 1 1\nstate %d\n",
			 boot_id, (int)init, (unsigned long long)start, boots, pdeath, state);

	assert_int_equal(ct_write_file_at(dir, "state", text, (size_t)n, 0600), 0);
	assert_int_equal(ct_write_file_at(dir, "config", "x", 1, 0600), 0);
}

static const char *this_boot(void)
{
	static char id[40];
	CT_CLEAN_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, id, 36), 36);
	return id;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static int sweep_once(int dir)
{
	struct ct_state_file st;
	int pidfd, r = ct_state_sweep(dir, -1, &st, &pidfd, &err);

	if (pidfd >= 0)
		close(pidfd);
	return r;
}

struct left {
	const char *boot_id;
	pid_t init;
	uint64_t start;
	int pdeath, boots, state, want, lives;
};

/* Writes it as a supervisor that was killed leaves it: its directory. */
static int leave(const struct left *l)
{
	int dir, lock;

	assert_int_equal(ct_state_enter(below("base"), top, "web", 0, &dir, &lock, &err), 0);
	write_state(dir, l->boot_id, l->init, l->start, l->pdeath, l->boots, l->state);
	close(lock);
	return dir;
}

static void what_is_left_is_cleared(void **state)
{
	pid_t pid = sleeper();
	uint64_t start = ct_proc_start_time(pid);
	const struct left rows[] = {
		/* ended in order: stays to be looked at */
		{ this_boot(), 1, 1, 9, 1, CT_STATE_STOPPED, CT_LIFE_ENDED, 1 },
		/* the pid is somebody else's, of another time or of another boot of the host */
		{ this_boot(), pid, start + 1, 9, 1, CT_STATE_RUNNING, CT_LIFE_LOST, 1 },
		{ this_boot(), pid, 0, 9, 1, CT_STATE_RUNNING, CT_LIFE_LOST, 1 },
		{ "another", pid, start, 9, 1, CT_STATE_RUNNING, CT_LIFE_LOST, 1 },
		{ this_boot(), pid, start + 1, 0, 1, CT_STATE_RUNNING, CT_LIFE_LOST, 1 },
		/* it may survive */
		{ this_boot(), pid, start, 0, 1, CT_STATE_RUNNING, CT_LIFE_ORPHAN, 1 },
		/* but not half made */
		{ this_boot(), pid, start, 0, 0, CT_STATE_STARTING, CT_LIFE_LOST, 0 },
	};

	(void)state;
	assert_true(start > 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir, gone,
			kept = rows[i].want == CT_LIFE_ENDED || rows[i].want == CT_LIFE_ORPHAN, r;

		dir = leave(&rows[i]);
		r = sweep_once(dir);
		if (r != rows[i].want)
			fail_msg("row %zu: %d, not %d: %s", i, r, rows[i].want, err.message);
		gone = faccessat(dir, "config", F_OK, 0) != 0;
		assert_int_equal(gone, !kept);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), rows[i].lives ? 0 : pid);
		assert_int_equal(ct_state_clear(dir, &err), 0);
		close(dir);
	}
}

static void a_corrupt_file_is_cleared(void **state)
{
	struct ct_state_file st;
	int dir, lock;

	(void)state;
	assert_int_equal(ct_state_enter(below("base"), top, "web", 0, &dir, &lock, &err), 0);
	assert_int_equal(ct_state_read(dir, &st, &err), -ENOENT);
	assert_int_equal(err.err, 0);
	assert_int_equal(ct_write_file_at(dir, "state", "nonsense", 8, 0600), 0);
	assert_int_equal(ct_state_read(dir, &st, &err), -EBADMSG);
	assert_int_equal(err.id, CT_ERR_STATE);
	ct_err_clear(&err);
	/* under the caller's lock the directory stays */
	assert_int_equal(ct_state_sweep(dir, lock, &st, NULL, &err), CT_LIFE_LOST);
	assert_int_equal(faccessat(dir, "state", F_OK, 0), -1);
	assert_int_equal(faccessat(dir, "lock", F_OK, 0), 0);
	assert_int_equal(mkfifoat(dir, "state", 0600), 0);
	assert_int_equal(ct_state_sweep(dir, lock, &st, NULL, &err), CT_LIFE_LOST);
	assert_int_equal(symlinkat("/dev/zero", dir, "state"), 0);
	assert_int_not_equal(ct_state_read(dir, &st, NULL), 0);
	assert_int_equal(ct_state_sweep(dir, lock, &st, NULL, &err), CT_LIFE_LOST);
	close(lock);
	close(dir);
}

static void what_runs_is_listed(void **state)
{
	CT_CLEAN_BUF struct ct_buf out = CT_BUF_INIT;
	static const char *const names[] = { "zeta", "alpha", "stopped", "killed", "empty" };
	int dir[5], lock, alive[2];

	(void)state;
	assert_int_equal(ct_state_list(below("base"), top, &out, &err), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ct_state_enter(below("base"), top, names[i], 0, &dir[i], &lock,
						&err),
				 0);
		if (i < 2)
			assert_int_equal(ct_state_take_alive(dir[i], &alive[i], &err), 0);
		if (i < 4)
			write_state(dir[i], this_boot(), 1, 1, 9, 1,
				    i == 2 ? CT_STATE_STOPPED : CT_STATE_RUNNING);
		close(lock);
	}
	assert_int_equal(ct_state_list(below("base"), top, &out, &err), 2);
	assert_string_equal(ct_buf_text(&out), "alpha\nzeta\n");
	/* those of which nothing is left are gone */
	for (int i = 0; i < 5; i++) {
		struct stat st;

		assert_int_equal(fstat(dir[i], &st), 0);
		assert_int_equal(st.st_nlink != 0, i < 3);
		close(dir[i]);
	}
	close(alive[0]);
	close(alive[1]);
	assert_int_equal(ct_state_list(below("base"), top, &out, &err), 0);
	assert_int_equal(ct_state_list(below("base"), below("elsewhere"), &out, &err), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exits_of_all_sizes),
		cmocka_unit_test(a_whole_file),
		cmocka_unit_test(files_that_lie),
		T(made_for_us_alone),
		T(refused),
		T(one_place_for_one_directory),
		cmocka_unit_test(the_default_place),
		T(locks_exclude),
		T(many_come_and_go),
		T(what_is_left_is_cleared),
		T(a_corrupt_file_is_cleared),
		T(what_runs_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
