/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process 1 of a container that runs a program. The kernel protects the first process of a pid
 * namespace from most signals, its own included, and makes it the parent of all orphans; most
 * programs are made for neither. So init stays process 1, with the payload's identity. A child
 * carries out the rest of the plan and becomes the program. Init passes signals on, reaps, reports
 * how the child has ended, and ends with the same status; the kernel kills what is left.
 *
 * The payload may inspect a process of its own identity. So this one keeps no descriptor but the
 * keeper's socket, where it can report only the payload's status, and no memory of the set-up; and
 * where the payload has a filter, one of its own: a payload's need not allow what this one does.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/step/steps.h"

#define CHILD_STACK 32768
/* stack below the frame that stays mapped, zeroed; a multiple of any page */
#define KEPT_STACK (1u << 18)

/* Both share the memory until the child has executed the program, or ended. */
struct program {
	struct stage *st;
	int tty;
	uint32_t go;	/* futex: 1 when the child may go on */
	uint32_t child; /* futex, which the kernel sets to 0 when the child leaves the memory */
	int failed;	/* set by the child */
};

/* The steps after run.reaper: limits, filters, the exec. Returns only when one has failed, which is
 * reported. */
static void run_rest(struct stage *st)
{
	step_done(st);
	init_steps(st, st->current + 1u);
}

/* Waits as long as the word has this value. */
static void wait_while(const uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		sys4(SYS_futex, word, K_FUTEX_WAIT, value, NULL);
}

/* The child, on a stack of its own in the parent's memory. */
static int child(void *arg)
{
	struct program *p = arg;
	int err;

	wait_while(&p->go, 0);
	err = (int)sys0(SYS_setsid);
	/* As process 1 would be, it is leader of its session and of the foreground process group.
	 * That group is orphaned, so ^Z does not stop it. */
	if (step_result(p->st, err, SYS_setsid, NULL) == 0) {
		err = 0;
		if (p->tty)
			err = (int)sys3(SYS_ioctl, 0, K_TIOCSCTTY, 0);
		if (step_result(p->st, err, SYS_ioctl, "TIOCSCTTY") == 0)
			run_rest(p->st);
	}
	p->failed = 1;
	sys_exit(127);
}

/* Closes all descriptors but two. The standard ones are not replaced, so that their readers see
 * their end. */
static void keep_only(int low, int high)
{
	if (low > 0)
		sys_close_range(0, (unsigned)low - 1, 0);
	if (high - low > 1)
		sys_close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	sys_close_range((unsigned)high + 1, ~0u, 0);
}

/* The name in the container's list of processes: /proc/PID/comm, and cmdline, whose memory `title`
 * is; NULL: unknown. */
static void set_name(char *title)
{
	static const char name[] = "ct-init";
	size_t n;

	sys_prctl(K_PR_SET_NAME, (unsigned long)name, 0, 0);
	if (!title)
		return;
	n = strlen(title);
	if (n < sizeof(name))
		return;
	memset(title + n + 1, 0, strlen(title + n + 1));
	memset(title, 0, n);
	memcpy(title, name, sizeof(name));
}

/* Zeroes n bytes of stack below the frame, which the following calls need mapped. */
__attribute__((noinline)) static void wipe_near(size_t n)
{
	char near[n];

	memset(near, 0, n);
	__asm__ volatile("" : : "r"(near) : "memory");
}

/* Zeroes anonymous memory. Whole pages are given back to the kernel instead of being written. */
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

/* Removes what the set-up has left in memory: the message with paths of the host, all mappings, and
 * the stack below the frame. The program's own segments and its break stay. */
__attribute__((noinline)) static void clear_memory(struct stage *st)
{
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ),
		  here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);
	uintptr_t low = ((uintptr_t)sys1(SYS_brk, 0) + page - 1) & ~(page - 1);

	if (low < here - KEPT_STACK)
		sys2(SYS_munmap, low, here - KEPT_STACK - low);
	sys3(SYS_madvise, here - KEPT_STACK, KEPT_STACK - page, MADV_DONTNEED);
	if (st->packet)
		wipe(st->packet, CT_WIRE_PACKET, page);
	wipe(st, sizeof(*st), page);
	wipe_near(page);
}

static long send_signal(pid_t pid, int sig, siginfo_t *si)
{
	if (si->si_code == SI_QUEUE && sys3(SYS_rt_sigqueueinfo, pid, sig, si) == 0)
		return 0;
	return sys2(SYS_kill, pid, sig);
}

/* Passes on what a process has sent. Signals of the kernel, as those of a terminal, reach the
 * program without it. */
static void pass_on(pid_t pid, int sig, siginfo_t *si)
{
	if (sig == CT_STOP_SIGNAL && si->si_code == CT_SI_STOP)
		sys2(SYS_kill, pid, SIGSTOP);
	else if (si->si_code == SI_USER || si->si_code == SI_QUEUE || si->si_code == SI_TKILL)
		send_signal(pid, sig, si);
}

/* Reaps and passes signals on until the program has ended. Its wait status. */
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
			pass_on(program, sig, &si);
	}
}

/* Leaves this process the calls that it makes from here on, and takes away the capabilities that
 * loading a filter has needed. 0, or -1 when reported. */
static int confine(struct stage *st, uint32_t arch, uint64_t until_filter)
{
	static const struct filter_call calls[] = {
#define CT_INIT_CALL(call, arg) { SYS_##call, arg },
#include "shared/init-calls.def"
	};
	int sys = SYS_seccomp;
	int err = filter_confine(arch, calls, sizeof(calls) / sizeof(*calls));

	if (!err && until_filter) {
		sys = SYS_capset;
		err = caps_drop(until_filter);
	}
	return step_result(st, err, sys, "pid 1");
}

/* Begins the child, which waits. Its process id, or -1 when reported. */
static int begin(struct program *p)
{
	static STAGE_LARGE char stack[CHILD_STACK] __attribute__((aligned(16)));
	int pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, p,
			NULL, NULL, &p->child);

	if (pid < 0)
		return report_error(p->st, -errno, SYS_clone, NULL,
				    text_for(errno, EAGAIN,
					     "a limit of processes leaves none for the program "
					     "beside pid 1"));
	return pid;
}

/* A child carries out the steps to come; with n0 its standard input becomes its controlling
 * terminal. This process becomes the reaper, before the child goes on: what the program finds as
 * process 1 is of no use to it. With x1 it is confined, to calls of that architecture. Returns only
 * when there is no child: -1, reported. */
int step_reaper(struct stage *st, const struct ct_wire_step *s)
{
	static struct program p;
	struct ct_keep end = { .type = CT_KEEP_STATUS };
	int keep = st->keep_fd, pid, sys, err;

	set_name(st->title);
	usage_note(st);
	p = (struct program){ .st = st, .tty = s->n[0] != 0, .child = 1 };
	pid = begin(&p);
	if (pid < 0)
		return -1;
	err = labels_write(st, labels_slot(st), 1, &sys);
	if (err) {
		label_failed(st, err, sys);
		sys_exit(127);
	}
	keep_only(CT_STAGE_REPORT_FD, keep);
	if (s->n[1] && confine(st, (uint32_t)s->n[1], s->n[2]) < 0)
		sys_exit(127);
	__atomic_store_n(&p.go, 1, __ATOMIC_RELEASE);
	if (step_result(st, (int)sys3(SYS_futex, &p.go, K_FUTEX_WAKE, 1), SYS_futex, "pid 1") < 0)
		sys_exit(127);
	wait_while(&p.child, 1);
	if (p.failed)
		sys_exit(127);
	sys_close(CT_STAGE_REPORT_FD);
	clear_memory(st);
	sys1(SYS_chdir, "/");
	/* as accessible as the program: /proc files belong to the payload's user */
	sys_prctl(K_PR_SET_DUMPABLE, 1, 0, 0);
	end.num = serve(pid);
	st->keep_fd = keep;
	keep_send(st, &end, -1);
	sys_exit(WIFEXITED(end.num) ? WEXITSTATUS(end.num) : 128 + WTERMSIG(end.num));
}
