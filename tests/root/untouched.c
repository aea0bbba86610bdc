/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller is untouched: whatever state a process is in, after a thousand containers from several
 * threads it is as it was, nothing was signalled, and no payload saw a descriptor of it. Each state
 * is tried in a process of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits.h>

#include "leak.h"
#include "run.h"
#include "setup.h"

#define STARTS 1000
#define THREADS 8
#define TIME_LIMIT_S 120 /* between two starts */

static atomic_int handler_calls, failed_calls, reaped;
static atomic_bool threads_stop;

/* One state a caller can be in. */
struct state {
	const char *name;
	void (*enter)(void);
	int starts, threads;
};

static int fail_with(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static int fail_with(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* ---- what the threads do --------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	int starts;
	char why[512];
};

/* One container whose payload lists its descriptors. */
static int one_start(ct_container *c, char *why, size_t size)
{
	static const char *const argv[] = { "/bin/probe", "fds", NULL };
	ct_exit ex = CT_EXIT_INIT;
	char *out = NULL;
	int err = box_run(c, NULL, argv, &out, &ex);

	if (err)
		snprintf(why, size, "start failed with %d: %s", err, ct_last_error(c)->message);
	else if (ex.reason != CT_EXIT_EXITED || ex.code)
		snprintf(why, size, "the payload ended with reason %d code %d", ex.reason, ex.code);
	else if (strcmp(out, "{\"fds\": [0, 1, 2]}\n") != 0)
		snprintf(why, size, "the payload saw %s", out);
	free(out);
	return why[0] ? -1 : 0;
}

static void *work(void *data)
{
	struct worker *w = data;
	ct_container *c = box_handle(&box, NULL);
	int i;

	if (!c)
		snprintf(w->why, sizeof(w->why), "no handle");
	for (i = 0; c && i < w->starts && !w->why[0]; i++) {
		one_start(c, w->why, sizeof(w->why));
		alarm(TIME_LIMIT_S);
	}
	ct_unref(c);
	return NULL;
}

/* A caller's own habit of waiting for any child: it must never find one of ours. */
static void *wait_for_any(void *data)
{
	(void)data;
	while (!threads_stop) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			reaped++;
		else if (errno != ECHILD)
			failed_calls++;
		sleep_ms(1);
	}
	return NULL;
}

/* How many threads there are, and two. */
static nlink_t tasks(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 ? st.st_nlink : 0;
}

static void run_threads(int starts, int threads)
{
	struct worker w[THREADS];
	nlink_t before = tasks();
	pthread_t waiter;
	int i;

	memset(w, 0, sizeof(w));
	threads_stop = false;
	pthread_create(&waiter, NULL, wait_for_any, NULL);
	for (i = 0; i < threads; i++) {
		w[i].starts = starts / threads;
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (i = 0; i < threads; i++)
		pthread_join(w[i].thread, NULL);
	threads_stop = true;
	pthread_join(waiter, NULL);
	for (i = 0; i < threads; i++) {
		if (w[i].why[0])
			fail_with("thread %d: %s", i, w[i].why);
	}
	/* who has been joined is still to be seen for a moment; a sanitizer's own thread stays */
	for (long long end = now_ms() + 500; tasks() > before && now_ms() < end;)
		sleep_ms(1);
}

/* ---- the states ------------------------------------------------------------------------------ */

static void enter_plain(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), lock;
	char path[PATH_MAX + 16];

	/* locks of both kinds, held through all of it */
	snprintf(path, sizeof(path), "%s/lock-%d", box.root.base, getpid());
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || fcntl(lock, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_len = 10 }) ||
	    fcntl(lock, F_OFD_SETLK,
		  &(struct flock){ .l_type = F_WRLCK, .l_start = 20, .l_len = 10 }))
		fail_with("lock: %s", strerror(errno));
	(void)fd;
}

static void enter_cwd(void)
{
	if (mkdir("/tmp/ct-untouched-cwd", 0700) || chdir("/tmp/ct-untouched-cwd") ||
	    rmdir("/tmp/ct-untouched-cwd"))
		fail_with("directory: %s", strerror(errno));
	umask(0777);
	setenv("CT_CANARY", "seen", 1);
	setpriority(PRIO_PROCESS, 0, 5);
}

static void enter_descriptors(void)
{
	struct rlimit r = { 4096, 4096 };
	int i, pair[2];

	setrlimit(RLIMIT_NOFILE, &r);
	for (i = 0; i < 125; i++) {
		if (open("/", O_RDONLY | O_DIRECTORY) < 0 || open("/etc/passwd", O_RDWR) < 0 ||
		    socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			fail_with("descriptors: %s", strerror(errno));
	}
	if (dup2(pair[0], 1023) < 0 || dup2(pair[1], 4095) < 0)
		fail_with("high descriptors: %s", strerror(errno));
}

static void enter_no_stdio(void)
{
	close(0); /* our own pipes and handles may then get the number 0 */
}

static void enter_ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
}

static void on_child(int sig)
{
	(void)sig;
	handler_calls++;
}

static void enter_handler(void)
{
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	int sig;

	for (sig = 1; sig < 32; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP && sig != SIGSEGV && sig != SIGABRT &&
		    sig != SIGALRM && sig != SIGBUS && sig != SIGFPE)
			sigaction(sig, &sa, NULL);
	}
}

static void enter_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void enter_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_swapon, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		fail_with("filter: %s", strerror(errno));
}

static void enter_subreaper(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void enter_first(void)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail_with("proc: %s", strerror(errno));
	if (getpid() != 1)
		fail_with("not pid 1");
}

static void enter_few_descriptors(void)
{
	struct rlimit r = { 64, 64 };

	if (setrlimit(RLIMIT_NOFILE, &r))
		fail_with("limit: %s", strerror(errno));
}

static void enter_big(void)
{
	size_t size = (size_t)4 << 30, free_kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");
	void *p;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "MemAvailable: %zu", &free_kib);
	if (f)
		fclose(f);
	if (free_kib && free_kib / 2 < size >> 10) {
		size = free_kib / 2 << 10;
		printf("only %zu MiB: the machine has no more\n", size >> 20);
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		 0);
	if (p == MAP_FAILED)
		fail_with("memory: %s", strerror(errno));
}

static const struct state states[] = {
	{ "eight threads", enter_plain, STARTS, THREADS },
	{ "removed cwd, odd umask and priority", enter_cwd, STARTS / 10, THREADS },
	{ "500 open descriptors", enter_descriptors, STARTS, THREADS },
	{ "descriptor 0 closed", enter_no_stdio, STARTS / 10, THREADS },
	{ "SIGCHLD ignored", enter_ignored, STARTS, THREADS },
	{ "handlers for all signals", enter_handler, STARTS, THREADS },
	{ "all signals blocked", enter_blocked, STARTS / 5, THREADS },
	{ "under a seccomp filter", enter_filter, STARTS, THREADS },
	{ "as a subreaper", enter_subreaper, STARTS, THREADS },
	{ "as pid 1 of a pid namespace", enter_first, STARTS, THREADS },
	{ "with RLIMIT_NOFILE 64", enter_few_descriptors, STARTS, 2 },
	{ "with 4 GiB resident", enter_big, STARTS, THREADS },
};

/* ---- one state in one process ---------------------------------------------------------------- */

static void in_state(const struct state *s)
{
	int starts = rounds(s->starts * 3 / 10, s->starts);
	struct leak *before;
	char text[8192];
	sigset_t pending;

	alarm(TIME_LIMIT_S);
	if (leak_own_mounts())
		fail_with("no mount namespace of our own");
	s->enter();
	/* the memory for threads' stacks and the stage's descriptor are taken once, by
	 * the first starts */
	run_threads(8 * s->threads, s->threads);
	before = leak_take();
	run_threads(starts, s->threads);
	if (leak_compare(before, 0, text, sizeof(text)))
		fail_with("the caller was touched:\n%s", text);
	leak_free(before);
	sigpending(&pending);
	if (sigismember(&pending, SIGCHLD) || handler_calls || reaped || failed_calls)
		fail_with("SIGCHLD pending %d, handler calls %d, children found by waitpid(-1) %d, "
			  "other answers %d",
			  sigismember(&pending, SIGCHLD), handler_calls, reaped, failed_calls);
}

/* The calling process' child is pid 1 of a namespace; this one only passes on how it ended. */
static void become_first(void)
{
	int status = -1;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS))
		fail_with("unshare: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		return;
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Runs it in a child and says what came of it. */
static void try_state(void **state)
{
	const struct state *s = *state;
	int fd[2], status = -1;
	char *text;
	pid_t pid;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd[0]);
		dup2(fd[1], 1);
		close(fd[1]);
		if (s->enter == enter_first)
			become_first();
		in_state(s);
		fflush(stdout);
		_exit(0);
	}
	close(fd[1]);
	text = read_all(fd[0], 3600 * 1000);
	close(fd[0]);
	if (!text)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (status)
		fail_msg("status %x: %s", (unsigned)status, text ? text : "it hung");
	free(text);
}

/* The very first start of a process adds one descriptor, the sealed stage, closed on
 * exec; nothing else. */
static void first_start(void **state)
{
	int before[1024], n = 0, fd, more = 0, flags;
	char path[64], target[256], why[512] = "";
	ssize_t len;
	ct_container *c;

	(void)state;
	for (fd = 0; fd < 1024; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	c = must_open(NULL);
	if (one_start(c, why, sizeof(why)))
		fail_msg("%s", why);
	ct_unref(c);
	for (fd = 0; fd < 1024; fd++) {
		flags = fcntl(fd, F_GETFD);
		if ((flags >= 0) == before[fd])
			continue;
		assert_true(flags & FD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		assert_true(len > 0);
		target[len] = 0;
		assert_non_null(strstr(target, "memfd:"));
		n = fcntl(fd, F_GET_SEALS);
		assert_int_equal(n & (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
				 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
		more++;
	}
	assert_true(more <= 1);
}

int main(void)
{
	enum { N = sizeof(states) / sizeof(states[0]) };
	struct CMUnitTest tests[N + 1];
	int i;

	memset(tests, 0, sizeof(tests));
	tests[0] = (struct CMUnitTest)cmocka_unit_test(first_start);
	for (i = 0; i < N; i++) {
		tests[i + 1].name = states[i].name;
		tests[i + 1].test_func = try_state;
		tests[i + 1].initial_state = (void *)(uintptr_t)&states[i];
	}
	return cmocka_run_group_tests_name("untouched", tests, box_setup, box_teardown);
}
