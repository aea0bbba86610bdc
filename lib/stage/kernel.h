/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stage needs of the kernel's interface, so that it builds with a C library that has
 * no kernel headers. */
#ifndef CT_STAGE_KERNEL_H
#define CT_STAGE_KERNEL_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>

/* These have one number on all architectures. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#ifndef O_PATH
#define O_PATH 010000000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_NO_AUTOMOUNT
#define AT_NO_AUTOMOUNT 0x800
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

struct k_open_how {
	uint64_t flags, mode, resolve;
};
#define K_RESOLVE_NO_XDEV 0x01
#define K_RESOLVE_NO_MAGICLINKS 0x02
#define K_RESOLVE_NO_SYMLINKS 0x04
#define K_RESOLVE_BENEATH 0x08
#define K_RESOLVE_IN_ROOT 0x10

#define K_OPEN_TREE_CLONE 1
#define K_OPEN_TREE_CLOEXEC O_CLOEXEC
#define K_MOVE_MOUNT_F_EMPTY_PATH 0x04
#define K_MOVE_MOUNT_T_EMPTY_PATH 0x40
#define K_FSOPEN_CLOEXEC 1
#define K_FSMOUNT_CLOEXEC 1
#define K_FSCONFIG_SET_FLAG 0
#define K_FSCONFIG_SET_STRING 1
#define K_FSCONFIG_CMD_CREATE 6
#define K_MOUNT_ATTR_RDONLY 0x1
#define K_MNT_DETACH 2

struct k_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

/* The fields of struct statx that are used; the kernel fixes its size. */
struct k_statx {
	uint32_t mask;
	uint32_t skipped[7];
	uint64_t ino;
	uint64_t skipped2[13];
	uint64_t mnt_id;
	uint64_t rest[13];
};
#define K_STATX_INO 0x100
#define K_STATX_MNT_ID 0x1000

#define K_CLOSE_RANGE_CLOEXEC 4

struct k_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};
/* The beginnings of bpf(2)'s union: of BPF_PROG_ATTACH and DETACH, of QUERY, of GET_FD_BY_ID. */
struct k_bpf_attach {
	uint32_t target_fd, bpf_fd, type, flags, replace_fd;
};
struct k_bpf_query {
	uint32_t target_fd, type, query_flags, attach_flags;
	uint64_t prog_ids __attribute__((aligned(8)));
	uint32_t prog_cnt, pad;
};
struct k_bpf_id {
	uint32_t id, next_id, open_flags;
};
#define K_BPF_PROG_ATTACH 8
#define K_BPF_PROG_DETACH 9
#define K_BPF_PROG_GET_FD_BY_ID 13
#define K_BPF_PROG_QUERY 16
#define K_BPF_CGROUP_DEVICE 6
#define K_BPF_F_ALLOW_MULTI 2

#define K_CLONE_PIDFD 0x1000
#define K_CLONE_PARENT 0x8000
#define K_CLONE_INTO_CGROUP 0x200000000ull

#define K_PROC_SUPER_MAGIC 0x9fa0
#define K_DEVPTS_SUPER_MAGIC 0x1cd1
#define K_PTMX_MAJOR 5
#define K_PTMX_MINOR 2

struct k_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};
#define K_TCSETS 0x5402
#define K_TIOCSCTTY 0x540e
#define K_TIOCSWINSZ 0x5414
#define K_TIOCSPTLCK 0x40045431
#define K_TIOCGPTPEER 0x5441

#define K_PR_SET_PDEATHSIG 1
#define K_PR_SET_DUMPABLE 4
#define K_PR_SET_KEEPCAPS 8
#define K_PR_SET_NAME 15
#define K_PR_CAPBSET_READ 23
#define K_PR_CAPBSET_DROP 24
#define K_PR_SET_NO_NEW_PRIVS 38
#define K_PR_GET_NO_NEW_PRIVS 39
#define K_PR_CAP_AMBIENT 47
#define K_PR_CAP_AMBIENT_RAISE 2
#define K_PR_CAP_AMBIENT_LOWER 3
#define K_PR_CAP_AMBIENT_CLEAR_ALL 4
#define K_PR_GET_SECUREBITS 27
#define K_PR_SET_SECUREBITS 28
#define K_PR_SET_TIMERSLACK 29
#define K_PR_SET_THP_DISABLE 41
#define K_PR_GET_THP_DISABLE 42
#define K_PR_SET_MEMORY_MERGE 67
#define K_PR_GET_MEMORY_MERGE 68
#define K_PR_SCHED_CORE 62
#define K_PR_SCHED_CORE_CREATE 1
#define K_PR_SCHED_CORE_SHARE_FROM 3
#define K_PR_SCHED_CORE_SCOPE_GROUP 1

struct k_landlock_path {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

#define K_KEYCTL_JOIN_SESSION_KEYRING 1

#define K_CAP_VERSION_3 0x20080522u
struct k_cap_header {
	uint32_t version;
	int pid;
};
struct k_cap_data {
	uint32_t effective, permitted, inheritable;
};

#define K_SCHED_ATTR_SIZE_VER0 48
#define K_SCHED_FLAG_UTIL_CLAMP 0x60
struct k_sched_attr {
	uint32_t size, policy; /* policy 0: SCHED_OTHER */
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

#define K_NSIG 64
/* As large as the kernel's struct sigaction on any architecture. All zero is the default action. */
struct k_sigaction {
	unsigned long word[8];
};

#define K_SO_PEERPIDFD 77
#define K_KCMP_FILE 0

#define K_P_PIDFD 3
#define K_WEXITED 4
#define K_WALL 0x40000000

#define K_IFF_UP 1
#define K_SIOCGIFFLAGS 0x8913
#define K_SIOCSIFFLAGS 0x8914

#define K_FUTEX_WAIT 0
#define K_FUTEX_WAKE 1

/* linux/seccomp.h, linux/filter.h */
#define K_SECCOMP_SET_MODE_FILTER 1
#define K_SECCOMP_GET_NOTIF_SIZES 3
struct k_notif_sizes {
	uint16_t notif, resp, data;
};
/* The first versions; later ones are longer, by the sizes that the kernel tells. */
struct k_notif {
	uint64_t id;
	uint32_t pid, flags;
	uint8_t data[64];
};
struct k_notif_resp {
	uint64_t id;
	int64_t val;
	int32_t error;
	uint32_t flags;
};
#define K_NOTIF_RECV 0xc0502100
#define K_NOTIF_SEND 0xc0182101
#define K_NOTIF_ID_VALID 0x40082102
#define K_NOTIF_CONTINUE 1u
#define K_SECCOMP_FLAG_NEW_LISTENER 0x8u
#define K_SECCOMP_FLAG_WAIT_KILLABLE 0x20u /* since 5.19 */
#define K_FILTER_BYTES 8		   /* of one instruction */
#define K_FILTER_LOAD 0x20		   /* a word of struct seccomp_data */
#define K_FILTER_INDEX 0x07		   /* to the index register */
#define K_FILTER_SKIP_UNLESS 0x15	   /* BPF_JEQ: jump by jt where it equals k, else by jf */
#define K_FILTER_RETURN 0x06
#define K_FILTER_AT_NR 0 /* offsets in struct seccomp_data */
#define K_FILTER_AT_ARCH 4
#define K_FILTER_AT_ARG0 16 /* its low half, on little-endian machines */
#define K_FILTER_ALLOW 0x7fff0000u
#define K_FILTER_ERRNO 0x00050000u
struct k_sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct k_sock_fprog {
	unsigned short len;
	void *filter;
};

#endif
