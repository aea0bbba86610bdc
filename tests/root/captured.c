/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper is in the caller's memory: a caller that has given up root, and is then under somebody
 * else's control, must not gain anything by it. And it keeps its word whatever the caller does:
 * stopped, gone, or another program.
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
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define SOON_MS 20000 /* what must happen; how fast is no business of a test */
#define NOBODY 65534
#define KEEPER_STACK 28672 /* what follows the guard page */

/* ---- helpers --------------------------------------------------------------------------------- */

static ct_process *start_in(ct_container *c, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	o.argv = argv;
	o.stdio[0] = -1;
	if (ct_start(c, &o, &p) < 0)
		printf("# %s\n", ct_last_error(c)->message);
	return p;
}

static ct_container *handle(void)
{
	ct_container *c = box_handle(&box, NULL);

	if (c && box_config(c, "limit.devices", "all", NULL) < 0)
		return NULL;
	return c;
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(90);
	prctl(PR_SET_DUMPABLE, 1);
}

static int ends_by(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

#ifdef __x86_64__
/* ---- an attack on the keeper's stack --------------------------------------------------------- */

static char target[4200];
static volatile pid_t sentinel;
static volatile int evil_ran;
static volatile long evil_got[4];
enum { MADE_A_FILE, KILLED, BECAME_ROOT, TRACED };

static long raw4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return r;
}

/* Runs as the keeper. Naked of everything that it would need of its own. */
static void __attribute__((noinline, no_stack_protector)) evil(void)
{
	evil_got[MADE_A_FILE] = raw4(SYS_openat, AT_FDCWD, (long)target, O_CREAT | O_WRONLY, 0644);
	evil_got[KILLED] = raw4(SYS_kill, sentinel, SIGKILL, 0, 0);
	evil_got[BECAME_ROOT] = raw4(SYS_setresuid, 0, 0, 0, 0);
	evil_got[TRACED] = raw4(SYS_ptrace, PTRACE_ATTACH, sentinel, 0, 0);
	evil_ran = 1;
	for (;;)
		raw4(SYS_exit, 0, 0, 0, 0);
}

struct range {
	uintptr_t from, to;
};

/* The keeper's stack (after its guard page), or the library's code, in our own memory map. */
static struct range find_range(bool stack)
{
	FILE *f = fopen("/proc/self/maps", "re");
	struct range found = { 0, 0 };
	unsigned long from, to, guard_end = 0;
	char line[600], perms[8];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3)
			continue;
		if (stack && guard_end == from && !strncmp(perms, "rw", 2) &&
		    to - from >= KEEPER_STACK)
			found = (struct range){ from, from + KEEPER_STACK };
		if (!stack && perms[2] == 'x' && strstr(line, "libcontain"))
			found = (struct range){ from, to };
		guard_end = !strncmp(perms, "---", 3) && to - from == 4096 ? to : 0;
	}
	if (f)
		fclose(f);
	return found;
}

/* Every return address of the library's on that stack becomes the attack's. Their number. */
static int smash(void)
{
	struct range stack = find_range(true), code = find_range(false);
	int n = 0;

	for (uintptr_t at = stack.from; at + sizeof(uintptr_t) <= stack.to;
	     at += sizeof(uintptr_t)) {
		uintptr_t *word = (uintptr_t *)at;

		if (*word < code.from || *word >= code.to)
			continue;
		*word = (uintptr_t)evil;
		n++;
	}
	return n;
}

static int attacked(void *data)
{
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	ct_container *c = handle();
	ct_process *p = c ? start_in(c, argv) : NULL;
	int ended;

	(void)data;
	if (!p)
		return 91;
	become_nobody();
	if (!smash())
		return 92;
	/* wakes the keeper, by the one word that is left to us */
	ct_process_kill(p, SIGKILL);
	for (ended = 0; ended < SOON_MS && !evil_ran; ended += 10)
		sleep_ms(10);
	if (!evil_ran)
		return 93;
	for (int i = 0; i < 4; i++)
		if (evil_got[i] != -EPERM) {
			printf("# attack %d got %ld\n", i, evil_got[i]);
			return 94;
		}
	return 0;
}

static void a_captured_caller_gains_nothing(void **state)
{
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	sentinel = pid;
	snprintf(target, sizeof(target), "%s/owned", box.dir);
	assert_int_equal(in_process_of_its_own(attacked, NULL), 0);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(kill(pid, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif

/* ---- after the drop -------------------------------------------------------------------------- */

static int ends_what_it_started(void *data)
{
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	int way = *(int *)data, pidfd, r = 0;
	ct_exit x = CT_EXIT_INIT;
	ct_container *c = handle();
	ct_process *p = c ? start_in(c, argv) : NULL;

	if (!p)
		return 91;
	pidfd = fcntl(ct_process_pidfd(p), F_DUPFD_CLOEXEC, 3);
	become_nobody();
	if (way == 0) {
		r = ct_process_kill(p, SIGKILL);
		r = r ? r : ct_process_wait(p, &x, SOON_MS);
		if (r || x.code != 128 + SIGKILL || x.reason != CT_EXIT_STOPPED)
			return 92;
	}
	if (way == 1 && ct_stop(c, CT_STOP_KILL, SOON_MS))
		return 93;
	ct_process_unref(p);
	ct_unref(c);
	return ends_by(pidfd, SOON_MS) ? 0 : 94;
}

static void a_caller_without_rights_ends_what_it_started(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		int code = in_process_of_its_own(ends_what_it_started, &way);

		if (code)
			fail_msg("way %d: exit code %d", way, code);
	}
}

/* ---- an exec of the caller's ----------------------------------------------------------------- */

static int execs(void *data)
{
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	int out = *(int *)data;
	ct_container *c = handle();
	ct_process *p = c ? start_in(c, argv) : NULL;
	pid_t pid = p ? ct_process_pid(p) : -1;

	if (write(out, &pid, sizeof(pid)) != (ssize_t)sizeof(pid) || !p)
		return 91;
	execl("/bin/cat", "cat", (char *)NULL);
	return 92;
}

/* The other program waits on its input: it is there when the container has ended. */
static void an_exec_of_the_caller_ends_the_container(void **state)
{
	int said[2], hold[2], pidfd;
	pid_t init = 0, pid;

	(void)state;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(hold[0], 0);
		close(hold[1]);
		_exit(execs(&said[1]));
	}
	close(said[1]);
	assert_int_equal(read(said[0], &init, sizeof(init)), sizeof(init));
	assert_true(init > 0);
	pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	/* it may have ended already */
	if (pidfd >= 0 && !ends_by(pidfd, SOON_MS))
		fail_msg("the payload lives on after its owner's exec");
	assert_int_equal(kill(pid, 0), 0);
	close(hold[1]);
	close(hold[0]);
	close(said[0]);
	close(pidfd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- limits, and who watches ----------------------------------------------------------------- */

struct limited {
	const char *key, *value;
	int reason;
	const char *const *argv;
};

static const char *const sleeps[] = { "/bin/sleep", "1000", NULL };
static const char *const burns[] = { "/bin/sh", "-c", "while :; do :; done", NULL };
static const struct limited limited[] = {
	{ "limit.time", "200ms", CT_EXIT_TIME, sleeps },
	{ "limit.time", "1ms", CT_EXIT_TIME, sleeps },
	{ "limit.cputime", "20ms", CT_EXIT_CPUTIME, burns },
	{ "limit.cputime", "1ms", CT_EXIT_CPUTIME, burns },
};

/* Stopped right after its call, or not; the verdict is read when somebody lets it go on. */
static int runs_limited(void *data)
{
	const struct limited *l = data;
	ct_exit x = CT_EXIT_INIT;
	ct_container *c = handle();
	ct_process *p;

	if (!c || box_config(c, l->key, l->value, NULL) < 0)
		return 91;
	p = start_in(c, l->argv);
	if (!p) {
		fflush(stdout);
		return 92;
	}
	raise(SIGSTOP);
	if (ct_process_wait(p, &x, SOON_MS * 3))
		return 93;
	ct_process_unref(p);
	ct_unref(c);
	return x.reason == l->reason ? 0 : 100 + x.reason;
}

/* Many at once. Each caller is stopped for a second. */
static void limits_hold_while_the_caller_is_stopped(void **state)
{
	const int all = getenv("CT_LONG") ? 1000 : 24, at_once = getenv("CT_LONG") ? 60 : 12;
	int begun = 0, wrong = 0;
	pid_t pid[60];

	(void)state;
	while (begun < all) {
		int n = 0;

		for (; n < at_once && begun < all; n++, begun++) {
			fflush(stdout);
			pid[n] = fork();
			if (pid[n] == 0)
				_exit(runs_limited((void *)&limited[begun % 4]));
		}
		for (int i = 0; i < n; i++) {
			int status;

			assert_int_equal(waitpid(pid[i], &status, WUNTRACED), pid[i]);
			if (!WIFSTOPPED(status)) {
				printf("# %s: ended before it was stopped: %x\n",
				       limited[i % 4].key, status);
				wrong++;
				pid[i] = 0;
			}
		}
		/* the second is the point: nobody watches, and the limit holds all the same */
		sleep_ms(1000);
		for (int i = 0; i < n; i++) {
			int status;

			if (!pid[i])
				continue;
			kill(pid[i], SIGCONT);
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			if (status) {
				printf("# %s: status %x\n", limited[i % 4].key, status);
				wrong++;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(a_captured_caller_gains_nothing),
#endif
		cmocka_unit_test(a_caller_without_rights_ends_what_it_started),
		cmocka_unit_test(an_exec_of_the_caller_ends_the_container),
		cmocka_unit_test(limits_hold_while_the_caller_is_stopped),
	};

	return cmocka_run_group_tests(tests, box_setup_bare, box_teardown);
}
