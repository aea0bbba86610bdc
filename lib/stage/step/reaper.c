/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pid 1 of a container that runs a program. The kernel protects the first process of a pid
 * namespace from most signals, its own included, and hands it all orphans; a program is made for
 * neither. So init stays what it is, with the payload's identity, has a child carry out the rest of
 * the plan, which ends with the program, and from then on hands signals on, reaps, tells how the
 * child ended, and ends as it did. The kernel kills what is left.
 *
 * It is in the payload's hands as far as the kernel lets the payload look at a process of its own
 * identity; so there is nothing in it to be had: no descriptor but the keeper's socket, on which
 * only the payload's own status can be told, and no memory of the set-up.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/step/steps.h"

#define CHILD_STACK 32768
/* below our frame: that much stays mapped, empty; a multiple of any page */
#define KEPT_STACK (1u << 18)

struct program {
	struct stage *st;
	int tty;
	/* set by the child, whose memory this is, too, until it has executed the program */
	int failed;
};

/* What the plan has for the program's process: limits, filters, the exec. Returns only when a step
 * has failed, which is reported. */
static void go_on(struct stage *st)
{
	step_done(st);
	init_steps(st, st->current + 1u);
}

/* The child, on a stack of its own in our memory, while we are suspended. */
static int child(void *arg)
{
	struct program *p = arg;
	int err = (int)sys0(SYS_setsid);

	/* As pid 1 would have been: the leader of a session and of its foreground. Nobody outside
	 * of the session could let it go on, so that a ^Z does not stop it. */
	if (err < 0) {
		step_fail(p->st, err, SYS_setsid, NULL);
	} else {
		err = p->tty ? (int)sys3(SYS_ioctl, 0, K_TIOCSCTTY, 0) : 0;
		if (err)
			step_fail(p->st, err, SYS_ioctl, "TIOCSCTTY");
		else
			go_on(p->st);
	}
	p->failed = 1;
	sys_exit(127);
}

/* All descriptors but one. Nothing stands in the place of the standard ones: who reads them
 * is to see their end. */
static void keep_only(int fd)
{
	if (fd > 0)
		sys_close_range(0, (unsigned)fd - 1, 0);
	sys_close_range((unsigned)(fd + 1), ~0u, 0);
}

/* As the list of processes inside shows it, in both of its forms. */
static void set_name(char *title)
{
	static const char name[] = "ct-init";
	size_t n = title ? strlen(title) : 0;

	sys_prctl(K_PR_SET_NAME, (unsigned long)name, 0, 0);
	if (n < sizeof(name))
		return;
	memset(title + n + 1, 0, strlen(title + n + 1));
	memset(title, 0, n);
	memcpy(title, name, sizeof(name));
}

/* What is left of earlier calls just below our frame, where system calls are made from. */
__attribute__((noinline)) static void wipe_near(size_t n)
{
	char near[n];

	memset(near, 0, n);
	__asm__ volatile("" : : "r"(near) : "memory");
}

/* Zeroes memory of ours that nothing maps from a file, without touching a page that it fills. */
static void wipe(void *memory, size_t n, uintptr_t page)
{
	uintptr_t begin = (uintptr_t)memory, end = begin + n,
		  from = (begin + page - 1) & ~(page - 1), to = end & ~(page - 1);

	if (from >= to || sys3(SYS_madvise, from, to - from, MADV_DONTNEED)) {
		memset(memory, 0, n);
		return;
	}
	memset(memory, 0, from - begin);
	memset((void *)to, 0, end - to);
}

/* Gives back what the set-up has left in our memory: the message, which names paths of the host,
 * all mappings, the stack below our frame. What stays is the program itself and its break. */
__attribute__((noinline)) static void forget(struct stage *st)
{
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ),
		  here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);
	uintptr_t low = ((uintptr_t)sys1(SYS_brk, 0) + page - 1) & ~(page - 1);

	if (low < here - KEPT_STACK)
		sys2(SYS_munmap, low, here - KEPT_STACK - low);
	sys3(SYS_madvise, here - KEPT_STACK, KEPT_STACK - page, MADV_DONTNEED);
	wipe(st, sizeof(*st), page);
	wipe_near(page);
}

static long send_signal(pid_t pid, int sig, siginfo_t *si)
{
	if (si->si_code == SI_QUEUE && sys3(SYS_rt_sigqueueinfo, pid, sig, si) == 0)
		return 0;
	return sys2(SYS_kill, pid, sig);
}

/* Hands on what a process has sent. What the kernel sends by itself it sends to the program, too,
 * where that is meant. */
static void hand_on(pid_t pid, int sig, siginfo_t *si)
{
	if (sig == CT_STOP_SIGNAL && si->si_code == CT_SI_STOP)
		sys2(SYS_kill, pid, SIGSTOP);
	else if (si->si_code == SI_USER || si->si_code == SI_QUEUE || si->si_code == SI_TKILL)
		send_signal(pid, sig, si);
}

/* Until the program has ended: its wait status. */
static int serve(pid_t program)
{
	const uint64_t all = ~(uint64_t)0;
	siginfo_t si;

	for (;;) {
		int status, sig;
		long pid;

		while ((pid = sys4(SYS_wait4, -1, &status, WNOHANG | K_WALL, NULL)) > 0)
			if (pid == program)
				return status;
		sig = (int)sys4(SYS_rt_sigtimedwait, &all, &si, NULL, sizeof(all));
		if (sig > 0)
			hand_on(program, sig, &si);
	}
}

/* A child carries out the steps to come; with n0 its standard input becomes its controlling
 * terminal. This process becomes the reaper. Returns only when there is no child: -1, reported. */
int step_reaper(struct stage *st, const struct ct_wire_step *s)
{
	static char stack[CHILD_STACK] __attribute__((aligned(16)));
	static struct program p;
	struct ct_keep end = { .type = CT_KEEP_STATUS };
	int keep = st->keep_fd, pid;

	set_name(st->title);
	usage_note(st);
	p = (struct program){ .st = st, .tty = s->n[0] != 0 };
	pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &p);
	if (pid < 0)
		return report_error(st, -errno, SYS_clone, NULL,
				    errno == EAGAIN ? "a limit of processes leaves none for the "
						      "program beside pid 1"
						    : NULL);
	if (p.failed)
		sys_exit(127);
	keep_only(keep);
	forget(st);
	sys1(SYS_chdir, "/");
	/* who may look at the program may look at this: there is nothing left to see */
	sys_prctl(K_PR_SET_DUMPABLE, 1, 0, 0);
	end.num = serve(pid);
	st->keep_fd = keep;
	keep_send(st, &end, -1);
	sys_exit(WIFEXITED(end.num) ? WEXITSTATUS(end.num) : 128 + WTERMSIG(end.num));
}
