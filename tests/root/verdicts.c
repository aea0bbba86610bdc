/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the filter that a program runs under says to system calls. Static, x86-64; run in a
 * container by tests/root/filter-table.c and tests/peers/filters.py.
 *
 *   verdicts               all calls 0..1023, without arguments: of x86-64, of x32 and, by int
 *                          0x80, of i386
 *   verdicts ABI:NR[:ARG]...       these; arguments in hexadecimal digits
 *
 * Prints "ABI:NR[:ARG]... allow", "... errno N" or "... signal N".
 *
 * No call that the filter allows is carried out, so none does harm, blocks or ends anything, and
 * an errno of the kernel's is not taken for one of the filter's. A child puts a second filter above
 * the first that asks about every call; the strictest answer counts, and to ask is less strict than
 * all that refuses. So a question that arrives says "allow", and is answered with an errno that
 * nobody else gives. The child shares memory and descriptors, and once it has its filter makes no
 * call but by the instruction; the calls that it needs have a mark as their last argument.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#define NUMBERS 1024
#define X32 0x40000000
#define MARK 0x5eccu /* of the calls that are not asked about */
#define ALLOWED 1234 /* an errno that no kernel has */
#define STACK 65536
#define PATIENCE_MS 120000

static const char *const abis[] = { "x86_64", "x32", "i386" };
enum { X86_64, IN_X32, I386, N_ABIS };

struct probe {
	unsigned abi;
	long nr;
	unsigned long arg[5];
	const char *word; /* NULL: without arguments */
	long result;
	int signal;
};

static struct probe *probes;
static int n_probes;
static volatile int at; /* the probe that the child is at */
static int told[2];	/* the child writes its listener there */

static void die(const char *what)
{
	fprintf(stderr, "verdicts: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the child ------------------------------------------------------------------------------- */

static long native(long nr, const unsigned long a[5], unsigned long mark)
{
	register unsigned long r10 __asm__("r10") = a[3];
	register unsigned long r8 __asm__("r8") = a[4];
	register unsigned long r9 __asm__("r9") = mark;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static long foreign(long nr, const unsigned long a[5])
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
			 : "r8", "r9", "r10", "r11", "memory");
	return result;
}

static long own(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	const unsigned long args[5] = { a, b, c, d, 0 };

	return native(nr, args, MARK);
}

static long load(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	own(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0);
	return own(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		   (unsigned long)&program, 0);
}

static int child(void *unused)
{
	long fd = load();

	(void)unused;
	own(SYS_write, (unsigned long)told[1], (unsigned long)&fd, sizeof(fd), 0);
	for (; fd >= 0 && at < n_probes; at++) {
		struct probe *p = &probes[at];

		if (p->abi == I386)
			p->result = foreign(p->nr, p->arg);
		else
			p->result = native(p->nr, p->arg, 0);
	}
	own(SYS_exit, 0, 0, 0, 0);
	return 0;
}

/* ---- who answers ----------------------------------------------------------------------------- */

/* Answers until the child has ended. Before Linux 6.11 the listener tells that only once it has
 * been waited for. */
static void answer(int listener, int child)
{
	struct pollfd p[2] = { { listener, POLLIN, 0 }, { child, POLLIN, 0 } };
	struct seccomp_notif ask;
	struct seccomp_notif_resp say;

	for (;;) {
		if (poll(p, 2, PATIENCE_MS) < 1)
			die("nobody asks");
		if (!(p[0].revents & POLLIN))
			return;
		memset(&ask, 0, sizeof(ask));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
			continue;
		say = (struct seccomp_notif_resp){ .id = ask.id, .error = -ALLOWED };
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &say);
	}
}

/* The probes from `at` on, as far as a child comes. */
static void some(void)
{
	static char stack[STACK] __attribute__((aligned(16)));
	int status, first = at, pidfd;
	long listener;
	pid_t pid = clone(child, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);

	if (pid < 0 || read(told[0], &listener, sizeof(listener)) != sizeof(listener))
		die("clone");
	if (listener < 0) {
		errno = (int)-listener;
		die("seccomp");
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		die("pidfd_open");
	answer((int)listener, pidfd);
	close(pidfd);
	close((int)listener);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (WIFSIGNALED(status))
		probes[at++].signal = WTERMSIG(status);
	if (at == first)
		die("no probe was made");
}

/* ---- the probes ------------------------------------------------------------------------------ */

static void all(void)
{
	for (unsigned abi = 0; abi < N_ABIS; abi++)
		for (long nr = 0; nr < NUMBERS; nr++)
			probes[n_probes++] = (struct probe){ .abi = abi, .nr = nr };
}

static void one(const char *word)
{
	struct probe *p = &probes[n_probes++];
	const char *s = strchr(word, ':');
	char *end;

	for (p->abi = 0; s && p->abi < N_ABIS; p->abi++)
		if (!strncmp(word, abis[p->abi], (size_t)(s - word)))
			break;
	if (!s || p->abi == N_ABIS) {
		errno = EINVAL;
		die(word);
	}
	p->word = word;
	p->nr = strtol(s + 1, &end, 10);
	for (int i = 0; i < 5 && *end == ':'; i++)
		p->arg[i] = strtoul(end + 1, &end, 16);
}

static void print(const struct probe *p)
{
	if (p->word)
		printf("%s ", p->word);
	else
		printf("%s:%ld ", abis[p->abi], p->nr);
	if (p->signal)
		printf("signal %d\n", p->signal);
	else if (p->result == -ALLOWED)
		printf("allow\n");
	else
		printf("errno %ld\n", -p->result);
}

int main(int argc, char **argv)
{
	probes = calloc((size_t)argc + (size_t)N_ABIS * NUMBERS, sizeof(*probes));
	if (!probes || pipe(told) < 0)
		die("no memory");
	if (argc < 2)
		all();
	for (int i = 1; i < argc; i++)
		one(argv[i]);
	for (int i = 0; i < n_probes; i++)
		if (probes[i].abi == IN_X32)
			probes[i].nr |= X32;
	while (at < n_probes)
		some();
	for (int i = 0; i < n_probes; i++) {
		probes[i].nr &= ~(long)X32;
		print(&probes[i]);
	}
	return 0;
}
