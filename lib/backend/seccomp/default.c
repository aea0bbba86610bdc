/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our own policy, for application containers: what they use is allowed, what the kernel keeps for
 * capabilities goes with the capabilities, what is known and not allowed gets EPERM. All else gets
 * ENOSYS: new calls, for which programs have a way without, and those that kernels have given up.
 * Which calls go with which capability is as in Docker's profile. Only this machine's own
 * architecture is served.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/capability.h>
#include <linux/sched.h>
#include <seccomp.h>

#include "backend/seccomp/ops.h"
#include "backend/seccomp/policy.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define NEVER (UINT64_C(1) << 63) /* no capability has this bit */

/* Names of calls by what allows them: no condition, or one of the capabilities. The rows of no
 * condition are in the order of their letters. */
static const struct {
	uint64_t caps;
	const char *names;
} sets[] = {
	{ 0, "accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset "
	     "chdir chmod chown clock_adjtime clock_getres clock_gettime clock_nanosleep close "
	     "close_range connect copy_file_range creat dup dup2 dup3" },
	{ 0, "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd "
	     "eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate "
	     "fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync "
	     "fgetxattr file_getattr file_setattr flistxattr flock fork fremovexattr fsetxattr "
	     "fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake "
	     "futimesat" },
	{ 0, "get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid "
	     "getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority "
	     "getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt "
	     "gettid gettimeofday getuid getxattr getxattrat" },
	{ 0, "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy "
	     "io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill "
	     "landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr "
	     "link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek "
	     "lsetxattr lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat" },
	{ 0, "madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat "
	     "mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify "
	     "mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv "
	     "msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat" },
	{ 0, "open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc "
	     "pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 "
	     "process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink "
	     "readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr "
	     "removexattrat rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction "
	     "rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
	     "rt_sigtimedwait rt_tgsigqueueinfo" },
	{ 0, "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
	     "sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity "
	     "sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl "
	     "semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list "
	     "set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid "
	     "setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid "
	     "setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
	     "signalfd4 socket socketpair splice stat statfs statmount statx symlink symlinkat "
	     "sync sync_file_range syncfs sysinfo" },
	{ 0, "tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime "
	     "timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate "
	     "umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write "
	     "writev" },
	/* architectures of 32 bits */
	{ 0, "_llseek _newselect chown32 clock_adjtime64 clock_getres_time64 clock_gettime64 "
	     "clock_nanosleep_time64 fadvise64_64 fchown32 fcntl64 fstat64 fstatat64 fstatfs64 "
	     "ftruncate64 futex_time64 getegid32 geteuid32 getgid32 getgroups32 getresgid32 "
	     "getresuid32 getuid32 io_pgetevents_time64 lchown32 lstat64 mmap2 "
	     "mq_timedreceive_time64 mq_timedsend_time64 ppoll_time64 pselect6_time64 readdir recv "
	     "recvmmsg_time64 rt_sigtimedwait_time64 sched_rr_get_interval_time64 "
	     "semtimedop_time64 send sendfile64 setfsgid32 setfsuid32 setgid32 setgroups32 "
	     "setregid32 setresgid32 setresuid32 setreuid32 setuid32 sigaction signal sigpending "
	     "sigprocmask sigreturn sigsuspend stat64 statfs64 timer_gettime64 timer_settime64 "
	     "timerfd_gettime64 timerfd_settime64 truncate64 ugetrlimit utimensat_time64 waitpid" },
	/* single architectures */
	{ 0, "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush riscv_flush_icache "
	     "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr set_tls sync_file_range2" },

	{ CAP(DAC_READ_SEARCH), "open_by_handle_at" },
	{ CAP(SYS_ADMIN), "fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree "
			  "open_tree_attr pivot_root umount umount2" },
	{ CAP(SYS_ADMIN), "lookup_dcookie quotactl quotactl_fd setdomainname sethostname setns" },
	{ CAP(SYS_ADMIN) | CAP(BPF), "bpf" },
	{ CAP(SYS_ADMIN) | CAP(PERFMON), "perf_event_open" },
	{ CAP(SYS_ADMIN) | CAP(SYSLOG), "syslog" },
	{ CAP(SYS_BOOT), "reboot" },
	{ CAP(SYS_CHROOT), "chroot" },
	{ CAP(SYS_MODULE), "delete_module finit_module init_module" },
	{ CAP(SYS_NICE), "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAP(SYS_PACCT), "acct" },
	{ CAP(SYS_PTRACE), "kcmp pidfd_getfd process_madvise" },
	{ CAP(SYS_RAWIO), "ioperm iopl" },
	{ CAP(SYS_TIME), "clock_settime clock_settime64 settimeofday stime" },
	{ CAP(SYS_TTY_CONFIG), "vhangup" },

	/* fanotify gives out files that others open, the caller too, on the rootfs's file system */
	{ NEVER, "add_key bdflush fanotify_init io_uring_enter io_uring_register io_uring_setup "
		 "kexec_file_load kexec_load keyctl migrate_pages move_pages oldfstat oldlstat "
		 "oldolduname oldstat olduname request_key sgetmask ssetmask swapoff swapon sysfs "
		 "userfaultfd ustat vm86 vm86old" },
};

/* Before Linux 4.8 a tracer could change a call after the filter had seen it. */
#define TRACING "ptrace process_vm_readv process_vm_writev"
#define TRACING_MAJOR 4
#define TRACING_MINOR 8

/* Flags of clone and unshare that make namespaces; the lowest byte of clone's is a signal. */
#define CLONE_NAMESPACES                                                                          \
	((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		    CLONE_NEWPID | CLONE_NEWNET))
#define UNSHARE_NAMESPACES (CLONE_NAMESPACES | 0x80u) /* CLONE_NEWTIME */

/* Arguments that are refused. The kernel takes 32 bits of them. */
static const struct {
	const char *name;
	uint8_t index;
	uint32_t value;
} refused[] = {
	{ "ioctl", 1, TIOCSTI },
	{ "ioctl", 1, TIOCLINUX },
	{ "socket", 0, AF_VSOCK },
};

/* Linux, Linux of 32 bits, the same with the old uname, and the question which it is. */
static const uint64_t personalities[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

struct maker {
	const struct ct_filter_facts *facts;
	struct ct_arena *arena;
	struct ct_filter_policy *p;
	bool full;
};

static void add(struct maker *m, struct ct_filter_rule rule)
{
	rule.may_be_new = true; /* most names are of some architectures only */
	m->full |= !ct_filter_add(m->p, m->arena, &rule);
}

static const struct ct_filter_action allow = { CT_FILTER_ALLOW, 0 };
static const struct ct_filter_action refuse = { CT_FILTER_ERRNO, EPERM };

static void add_names(struct maker *m, const char *names, struct ct_filter_action action)
{
	char name[40];

	while (*names) {
		size_t n = strcspn(names, " ");

		if (n < sizeof(name)) {
			memcpy(name, names, n);
			name[n] = '\0';
			add(m, (struct ct_filter_rule){ .name = name, .action = action });
		}
		names += n + strspn(names + n, " ");
	}
}

static bool has(const struct maker *m, uint64_t caps)
{
	return !caps || (m->facts->caps & caps & ~NEVER);
}

static void add_sets(struct maker *m)
{
	const struct ct_filter_facts *f = m->facts;
	bool new_kernel = f->kernel_major > TRACING_MAJOR ||
			  (f->kernel_major == TRACING_MAJOR && f->kernel_minor >= TRACING_MINOR);

	for (size_t i = 0; i < N_ROWS(sets); i++) {
		if (has(m, sets[i].caps))
			add_names(m, sets[i].names, allow);
		else
			add_names(m, sets[i].names, refuse);
	}
	if (new_kernel || has(m, CAP(SYS_PTRACE)))
		add_names(m, TRACING, allow);
	else
		add_names(m, TRACING, refuse);
}

static void add_compared(struct maker *m, const char *name, struct ct_filter_arg arg)
{
	add(m,
	    (struct ct_filter_rule){ .name = name, .action = refuse, .n_args = 1, .arg = { arg } });
}

static void add_arguments(struct maker *m)
{
	struct ct_filter_rule other = { .name = "personality", .action = refuse };

	for (size_t i = 0; i < N_ROWS(refused); i++)
		add_compared(m, refused[i].name,
			     (struct ct_filter_arg){ .index = refused[i].index,
						     .op = CT_FILTER_MASKED_EQ,
						     .value = refused[i].value,
						     .mask = UINT32_MAX });
	add_names(m, "personality", allow);
	for (size_t i = 0; i < N_ROWS(personalities); i++)
		other.arg[other.n_args++] = (struct ct_filter_arg){ .op = CT_FILTER_NE,
								    .value = personalities[i] };
	add(m, other);
}

/* Namespaces are made with CAP_SYS_ADMIN, or as nested user namespaces. The flags of clone3 are in
 * memory, where a filter cannot see them: C libraries take clone when it is missing. */
static void add_namespaces(struct maker *m)
{
	static const struct ct_filter_action missing = { CT_FILTER_ERRNO, ENOSYS };
	uint32_t native = seccomp_arch_native();
	uint8_t flags = native == SCMP_ARCH_S390X || native == SCMP_ARCH_S390;

	add_names(m, "clone unshare", allow);
	if (has(m, CAP(SYS_ADMIN))) {
		add_names(m, "clone3", allow);
		return;
	}
	add_names(m, "clone3", missing);
	add_compared(m, "clone",
		     (struct ct_filter_arg){
			     .index = flags, .op = CT_FILTER_ANY_OF, .mask = CLONE_NAMESPACES });
	add_compared(m, "unshare",
		     (struct ct_filter_arg){ .op = CT_FILTER_ANY_OF, .mask = UNSHARE_NAMESPACES });
}

/* libseccomp's numbers are the kernel's. */
uint32_t ct_filter_native(void)
{
	return seccomp_arch_native();
}

/* Our own. */
const char *ct_filter_usual(void)
{
	return "default";
}

/* Makes our own policy. */
int ct_filter_default(const struct ct_filter_facts *facts, struct ct_arena *arena,
		      struct ct_filter_policy *out, struct ct_err *e)
{
	struct ct_filter_policy p = {
		.otherwise = { CT_FILTER_ERRNO, ENOSYS },
		.foreign = { CT_FILTER_ERRNO, ENOSYS },
	};
	struct maker m = { .facts = facts, .arena = arena, .p = &p };

	ct_filter_add_arch(&p, seccomp_arch_native());
	add_sets(&m);
	add_arguments(&m);
	add_namespaces(&m);
	if (m.full)
		return ct_oom(e);
	*out = p;
	return 0;
}
