/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts at the kernel itself: files, devices and calls that act on the whole machine. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>

#include "attempt.h"

#define NR_CLONE3 435
#define X32 0x40000000

/* ---- files ----------------------------------------------------------------------------------- */

static int core_pattern(void)
{
	return attempt_writable("/proc/sys/kernel/core_pattern");
}

static int modprobe_path(void)
{
	return attempt_writable("/proc/sys/kernel/modprobe");
}

static int binfmt(void)
{
	return attempt_writable("/proc/sys/fs/binfmt_misc/register");
}

static int sysrq(void)
{
	return attempt_writable("/proc/sysrq-trigger");
}

static int uevent_helper(void)
{
	return attempt_writable("/sys/kernel/uevent_helper");
}

/* Reads a byte of it. */
static int readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char c;
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, &c, 1);
	if (n < 0)
		return errno;
	return n ? 0 : ENODATA;
}

static int kcore(void)
{
	return readable("/proc/kcore");
}

static int kmsg_file(void)
{
	return readable("/proc/kmsg");
}

/* ---- devices --------------------------------------------------------------------------------- */

static int dev_mem(void)
{
	return attempt_device(S_IFCHR, 1, 1);
}

static int dev_port(void)
{
	return attempt_device(S_IFCHR, 1, 4);
}

static int dev_kmsg(void)
{
	return attempt_device(S_IFCHR, 1, 11);
}

static int dev_loop_control(void)
{
	return attempt_device(S_IFCHR, 10, 237);
}

static int dev_loop(void)
{
	return attempt_device(S_IFBLK, 7, 0);
}

static int dev_sda(void)
{
	return attempt_device(S_IFBLK, 8, 0);
}

static int dev_disk(void)
{
	struct stat st;

	if (stat("/", &st))
		return errno;
	return attempt_device(S_IFBLK, (unsigned)(st.st_dev >> 8 & 0xfff),
			      (unsigned)(st.st_dev & 0xff));
}

static int dev_kvm(void)
{
	return attempt_device(S_IFCHR, 10, 232);
}

static int dev_fuse(void)
{
	return attempt_device(S_IFCHR, 10, 229);
}

static int dev_tun(void)
{
	return attempt_device(S_IFCHR, 10, 200);
}

static int dev_hwrng(void)
{
	return attempt_device(S_IFCHR, 10, 183);
}

static int dev_console(void)
{
	return attempt_device(S_IFCHR, 4, 1);
}

static int dev_null(void)
{
	return attempt_device(S_IFCHR, 1, 3);
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* After a call whose arguments are wrong: who is told so has the right to it. */
static int may(int wrong)
{
	return errno == wrong ? 0 : errno;
}

static int module_load(void)
{
	char image[64] = "no module";

	syscall(SYS_init_module, image, sizeof(image), "");
	return may(ENOEXEC);
}

static int module_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	syscall(SYS_finit_module, fd, "", 0);
	return may(ENOEXEC);
}

static int module_remove(void)
{
	syscall(SYS_delete_module, "no_such_module", O_NONBLOCK);
	return may(ENOENT);
}

static int kexec(void)
{
	/* flags that no kernel has */
	syscall(SYS_kexec_load, 0, 0, NULL, 1u << 31);
	return may(EINVAL);
}

static int reboot_host(void)
{
	/* ends nothing, neither here nor for the host */
	return attempt_errno(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
				     LINUX_REBOOT_CMD_CAD_ON, NULL));
}

static int bpf_program(void)
{
	static const struct bpf_insn code[] = { { 0xb7, 0, 0, 0, 0 }, { 0x95, 0, 0, 0, 0 } };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_KPROBE;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = 2;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	return attempt_errno(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int bpf_of_others(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr));
	return may(ENOENT);
}

/* Events of all processes of a processor. */
static int perf(void)
{
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
	return attempt_errno(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

static int kernel_log(void)
{
	char text[16];

	return attempt_errno(syscall(SYS_syslog, 3, text, sizeof(text)));
}

static int clock_set(void)
{
	struct timex t = { .modes = ADJ_TICK, .tick = 1 };

	/* a tick that is none */
	errno = 0;
	adjtimex(&t);
	return may(EINVAL);
}

static int io_ports(void)
{
	return attempt_errno(iopl(3));
}

static int swap_on(void)
{
	syscall(SYS_swapon, "/tmp", 0);
	return may(EISDIR);
}

static int accounting(void)
{
	syscall(SYS_acct, "/no/such/file");
	return may(ENOENT);
}

static int real_time(void)
{
	const struct sched_param p = { .sched_priority = 1 };

	return attempt_errno(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p));
}

static int fault_handler(void)
{
	return attempt_errno(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int ring(void)
{
	char params[120];

	memset(params, 0, sizeof(params));
	return attempt_errno(syscall(SYS_io_uring_setup, 4, params));
}

/* ---- namespaces ------------------------------------------------------------------------------ */

static int user_namespace(void)
{
	return attempt_errno(unshare(CLONE_NEWUSER));
}

/* The kernel takes 64 bits of unshare's argument, and 32 of clone's. */
static int user_namespace_high(void)
{
	return attempt_errno(syscall(SYS_unshare, 0x100000000ul | CLONE_NEWUSER));
}

static int clone_with(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int clone_user(void)
{
	return clone_with(CLONE_NEWUSER);
}

static int clone_user_high(void)
{
	return clone_with(0x100000000ul | CLONE_NEWUSER);
}

static int clone3_user(void)
{
	uint64_t args[11] = { CLONE_NEWUSER };
	long pid;

	args[4] = SIGCHLD;
	pid = syscall(NR_CLONE3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int mount_namespace(void)
{
	return attempt_errno(unshare(CLONE_NEWNS));
}

/* Another process' harmless call becomes unshare(CLONE_NEWUSER) once it is on its way. */
static int traced(void)
{
#ifdef __x86_64__
	struct user_regs_struct r;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
			_exit(EPERM);
		_exit(attempt_errno(syscall(SYS_getppid)) ? EPERM : 0);
	}
	waitpid(pid, &status, 0);
	while (WIFSTOPPED(status)) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
			return errno;
		if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, pid, 0, &r) ||
		    r.orig_rax != SYS_getppid || (long)r.rax != -ENOSYS)
			continue;
		r.orig_rax = SYS_unshare;
		r.rdi = CLONE_NEWUSER;
		ptrace(PTRACE_SETREGS, pid, 0, &r);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
#else
	return ENOSYS;
#endif
}

/* ---- other ways in --------------------------------------------------------------------------- */

static int by_x32(void)
{
#ifdef __x86_64__
	/* getpid */
	return attempt_errno(syscall(X32 | SYS_getpid));
#else
	return ENOSYS;
#endif
}

/* unshare(CLONE_NEWUSER) as i386's number 310; where int 0x80 is not served at all: a signal. */
static int by_int80(void)
{
#ifdef __x86_64__
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(310), "b"(CLONE_NEWUSER) : "memory");
	return r < 0 ? -r : 0;
#else
	return ENOSYS;
#endif
}

static int unknown_number(void)
{
	return attempt_errno(syscall(1023));
}

/* The next numbers after those of 6.18. */
static int next_numbers(void)
{
	for (long nr = 470; nr < 540; nr++) {
		long r = syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);

		if (r >= 0 || errno != ENOSYS)
			return r < 0 ? errno : 0;
	}
	return ENOSYS;
}

const struct attempt attempt_kernel[] = {
	{ "core-pattern", core_pattern },
	{ "modprobe-path", modprobe_path },
	{ "binfmt-register", binfmt },
	{ "sysrq-trigger", sysrq },
	{ "uevent-helper", uevent_helper },
	{ "read-kcore", kcore },
	{ "read-kmsg", kmsg_file },
	{ "dev-null", dev_null },
	{ "dev-mem", dev_mem },
	{ "dev-port", dev_port },
	{ "dev-kmsg", dev_kmsg },
	{ "dev-loop-control", dev_loop_control },
	{ "dev-loop", dev_loop },
	{ "dev-sda", dev_sda },
	{ "dev-disk", dev_disk },
	{ "dev-kvm", dev_kvm },
	{ "dev-fuse", dev_fuse },
	{ "dev-tun", dev_tun },
	{ "dev-hwrng", dev_hwrng },
	{ "dev-tty1", dev_console },
	{ "init-module", module_load },
	{ "finit-module", module_file },
	{ "delete-module", module_remove },
	{ "kexec", kexec },
	{ "reboot", reboot_host },
	{ "bpf-load", bpf_program },
	{ "bpf-others", bpf_of_others },
	{ "perf-events", perf },
	{ "syslog", kernel_log },
	{ "set-clock", clock_set },
	{ "iopl", io_ports },
	{ "swapon", swap_on },
	{ "acct", accounting },
	{ "real-time", real_time },
	{ "userfaultfd", fault_handler },
	{ "io-uring", ring },
	{ "unshare-user", user_namespace },
	{ "unshare-user-high-bits", user_namespace_high },
	{ "clone-user", clone_user },
	{ "clone-user-high-bits", clone_user_high },
	{ "clone3-user", clone3_user },
	{ "unshare-mount", mount_namespace },
	{ "traced-unshare", traced },
	{ "x32-getpid", by_x32 },
	{ "int80-unshare", by_int80 },
	{ "number-1023", unknown_number },
	{ "next-numbers", next_numbers },
	{ NULL, NULL },
};
