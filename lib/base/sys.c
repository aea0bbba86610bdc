/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/num.h"

/* From 424 on a system call has the same number on every architecture; these are newer than the C
 * library's headers may be. */
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_PIDFD_OPEN 434
#define NR_OPENAT2 437

int ct_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	int r;

	/* EAGAIN: something was renamed or mounted while ".." was resolved; openat2(2) asks to try
	 * again */
	for (int i = 0; i < 128; i++) {
		r = ct_or_errno(syscall(NR_OPENAT2, dirfd, path, &how, sizeof(how)));
		if (r != -EAGAIN && r != -EINTR)
			break;
	}
	return r;
}

/* The kernel's struct statx, which some C libraries do not declare. */
struct statx_head {
	uint32_t mask;
	uint32_t upto_mount[35];
	uint64_t mount;
	uint64_t spare[13];
};

#define STATX_MOUNT 0x1000u /* STATX_MNT_ID */

int ct_statx_mount(int dirfd, const char *path, int flags, uint64_t *id)
{
	struct statx_head st;
	int r = ct_or_errno(syscall(SYS_statx, dirfd, path, flags, STATX_MOUNT, &st));

	if (r < 0)
		return r;
	if (!(st.mask & STATX_MOUNT))
		return -EOPNOTSUPP;
	*id = st.mount;
	return 0;
}

int ct_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	return ct_or_errno(
		syscall(SYS_renameat2, from_dir, from, to_dir, to, 1 /* RENAME_NOREPLACE */));
}

int ct_sched_core_get(pid_t pid, uint64_t *cookie)
{
	return ct_or_errno(syscall(SYS_prctl, 62 /* PR_SCHED_CORE */, 0 /* PR_SCHED_CORE_GET */,
				   pid, 0, cookie));
}

int ct_pidfd_open(pid_t pid)
{
	return ct_or_errno(syscall(NR_PIDFD_OPEN, pid, 0));
}

int ct_pidfd_send_signal(int pidfd, int sig)
{
	return ct_or_errno(syscall(NR_PIDFD_SEND_SIGNAL, pidfd, sig, NULL, 0));
}

int ct_pidfd_queue_signal(int pidfd, int sig, int code)
{
	siginfo_t si = { .si_signo = sig, .si_code = code };

	return ct_or_errno(syscall(NR_PIDFD_SEND_SIGNAL, pidfd, sig, &si, 0));
}

int ct_memfd_create(const char *name, unsigned flags)
{
	return ct_or_errno(syscall(SYS_memfd_create, name, flags));
}

struct name {
	unsigned nr;
	const char *name;
};

#define NAME(n)             \
	{                   \
		SYS_##n, #n \
	}
static const struct name names[] = {
	/* namespaces and processes */
	NAME(clone),
	NAME(unshare),
	NAME(setns),
	NAME(execve),
	NAME(execveat),
	NAME(wait4),
	NAME(waitid),
	NAME(exit_group),
	NAME(kill),
	NAME(tgkill),
	NAME(getpid),
	NAME(getppid),
	NAME(gettid),
	NAME(setsid),
	NAME(getsid),
	NAME(setpgid),
	NAME(prlimit64),
	NAME(getrusage),
	NAME(sched_setattr),
	NAME(ioprio_get),
	NAME(ioprio_set),
	NAME(personality),
	NAME(prctl),
	NAME(seccomp),
	NAME(bpf),
	NAME(ptrace),
	/* identity */
	NAME(capget),
	NAME(capset),
	NAME(setuid),
	NAME(setgid),
	NAME(setreuid),
	NAME(setregid),
	NAME(setresuid),
	NAME(setresgid),
	NAME(setfsuid),
	NAME(setfsgid),
	NAME(getgroups),
	NAME(setgroups),
	NAME(getuid),
	NAME(getgid),
	NAME(geteuid),
	NAME(getegid),
	NAME(add_key),
	NAME(request_key),
	NAME(keyctl),
	NAME(sethostname),
	NAME(setdomainname),
	NAME(uname),
	/* mounts and the root */
	NAME(mount),
	NAME(umount2),
	NAME(pivot_root),
	NAME(chroot),
	NAME(chdir),
	NAME(fchdir),
	NAME(getcwd),
	NAME(statfs),
	NAME(fstatfs),
	/* files and descriptors */
	NAME(openat),
	NAME(close),
	NAME(read),
	NAME(write),
	NAME(pread64),
	NAME(pwrite64),
	NAME(readv),
	NAME(writev),
	NAME(lseek),
	NAME(fstat),
	NAME(statx),
	NAME(mkdirat),
	NAME(mknodat),
	NAME(symlinkat),
	NAME(linkat),
	NAME(unlinkat),
	NAME(renameat2),
	NAME(readlinkat),
	NAME(faccessat),
	NAME(fchmod),
	NAME(fchmodat),
	NAME(fchown),
	NAME(fchownat),
	NAME(utimensat),
	NAME(ftruncate),
	NAME(fsync),
	NAME(getdents64),
	NAME(umask),
	NAME(dup),
	NAME(dup3),
	NAME(pipe2),
	NAME(fcntl),
	NAME(ioctl),
	NAME(flock),
	NAME(getxattr),
	NAME(setxattr),
	NAME(fsetxattr),
	NAME(memfd_create),
	NAME(copy_file_range),
	NAME(sendfile),
	NAME(splice),
	NAME(mmap),
	NAME(munmap),
	NAME(mprotect),
	NAME(brk),
	/* signals, sockets, waiting */
	NAME(rt_sigaction),
	NAME(rt_sigprocmask),
	NAME(rt_sigtimedwait),
	NAME(sigaltstack),
	NAME(socket),
	NAME(socketpair),
	NAME(bind),
	NAME(connect),
	NAME(listen),
	NAME(accept4),
	NAME(sendmsg),
	NAME(recvmsg),
	NAME(sendto),
	NAME(recvfrom),
	NAME(shutdown),
	NAME(getsockopt),
	NAME(setsockopt),
	NAME(ppoll),
	NAME(pselect6),
	NAME(epoll_create1),
	NAME(epoll_ctl),
	NAME(epoll_pwait),
	NAME(eventfd2),
	NAME(signalfd4),
	NAME(timerfd_create),
	NAME(timerfd_settime),
	NAME(clock_gettime),
	NAME(clock_nanosleep),
	NAME(nanosleep),
	NAME(getrandom),
	NAME(futex),
	NAME(set_tid_address),
	NAME(set_robust_list),
	/* the same number everywhere */
	{ NR_PIDFD_SEND_SIGNAL, "pidfd_send_signal" },
	{ 428, "open_tree" },
	{ 429, "move_mount" },
	{ 430, "fsopen" },
	{ 431, "fsconfig" },
	{ 432, "fsmount" },
	{ 433, "fspick" },
	{ NR_PIDFD_OPEN, "pidfd_open" },
	{ 435, "clone3" },
	{ 436, "close_range" },
	{ NR_OPENAT2, "openat2" },
	{ 438, "pidfd_getfd" },
	{ 439, "faccessat2" },
	{ 442, "mount_setattr" },
	{ 444, "landlock_create_ruleset" },
	{ 445, "landlock_add_rule" },
	{ 446, "landlock_restrict_self" },
	{ 452, "fchmodat2" },
	{ 457, "statmount" },
	{ 458, "listmount" },
	{ 467, "open_tree_attr" },
};

const char *ct_syscall_name(unsigned nr, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].nr == nr)
			return names[i].name;
	}
	snprintf(buf, size, "syscall %u", nr);
	return buf;
}

uint64_t ct_proc_start_time(pid_t pid)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char path[40], *p, *word = NULL;
	uint64_t v;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (ct_buf_read_at(&text, AT_FDCWD, path, 4096) < 0 || !text.len)
		return 0;
	/* the name may hold anything; behind it are the fields from 3, the state, on */
	p = strrchr(text.data, ')');
	for (int field = 2; p && field <= 22; field++)
		word = strsep(&p, " ");
	if (word && !ct_parse_u64(word, &v))
		return v;
	return 0;
}

uint64_t ct_now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t ct_now_ms(void)
{
	return (int64_t)(ct_now_ns(CLOCK_MONOTONIC) / 1000000);
}

int ct_poll_ms(int64_t left, int most)
{
	if (left <= 0)
		return 0;
	if (left > most)
		return most;
	return (int)left;
}

int ct_back_off(int ms)
{
	poll(NULL, 0, ms);
	return ct_next_pause(ms, 32);
}
