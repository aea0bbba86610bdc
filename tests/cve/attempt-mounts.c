/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts at file systems: what is mounted is made writable or uncovered, more is mounted, the
 * root is left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include "attempt.h"

#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSCONFIG 431
#define NR_FSMOUNT 432
#define NR_FSPICK 433
#define NR_MOUNT_SETATTR 442
#define NR_LISTMOUNT 458
#define TREE_CLONE 1u
#define CREATE_SUPER 6u
#define SEARCHED 200000 /* numbers of namespaces */

#ifndef NS_MNT_GET_NEXT
#define NS_MNT_GET_NEXT _IOR(0xb7, 11, uint64_t[2])
#define NS_MNT_GET_PREV _IOR(0xb7, 12, uint64_t[2])
#define NS_GET_MNTNS_ID _IOR(0xb7, 5, uint64_t)
#endif

/* ---- what is there already ------------------------------------------------------------------- */

static int remount(const char *where)
{
	return attempt_errno(mount(NULL, where, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int remount_root(void)
{
	return remount("/");
}

static int remount_sysctls(void)
{
	int err = remount("/proc/sys");

	return err ? err : attempt_writable("/proc/sys/kernel/core_pattern");
}

static int remount_sys(void)
{
	return remount("/sys");
}

static int remount_super(void)
{
	return attempt_errno(mount(NULL, "/sys", NULL, MS_REMOUNT, NULL));
}

/* From under what covers it. */
static int uncover(void)
{
	char c;
	int fd;

	if (umount2("/proc/timer_list", MNT_DETACH))
		return errno;
	fd = open("/proc/timer_list", O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, &c, 1) == 1 ? attempt_errno(fd) : EACCES;
}

static int setattr_sysctls(void)
{
	const uint64_t attr[4] = { 0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0 };

	return attempt_errno(
		syscall(NR_MOUNT_SETATTR, AT_FDCWD, "/proc/sys", 0, attr, sizeof(attr)));
}

/* ---- more file systems ----------------------------------------------------------------------- */

static int new_one(const char *type, const char *from, const char *options)
{
	char where[64];

	snprintf(where, sizeof(where), "/tmp/at.%s.%d", type, getpid());
	mkdir(where, 0700);
	if (mount(from, where, type, 0, options))
		return errno;
	umount2(where, MNT_DETACH);
	return 0;
}

static int new_tmpfs(void)
{
	return new_one("tmpfs", "none", "");
}

/* A new instance of proc has nothing covered. */
static int new_proc(void)
{
	if (mkdir("/tmp/proc", 0700) && errno != EEXIST)
		return errno;
	if (mount("proc", "/tmp/proc", "proc", 0, ""))
		return errno;
	return attempt_writable("/tmp/proc/sys/kernel/core_pattern");
}

static int new_sysfs(void)
{
	return new_one("sysfs", "sysfs", "");
}

static int new_devtmpfs(void)
{
	return new_one("devtmpfs", "none", "");
}

static int new_debugfs(void)
{
	return new_one("debugfs", "none", "");
}

static int new_tracefs(void)
{
	return new_one("tracefs", "none", "");
}

static int new_securityfs(void)
{
	return new_one("securityfs", "none", "");
}

static int new_bpffs(void)
{
	return new_one("bpf", "none", "");
}

static int new_mqueue(void)
{
	return new_one("mqueue", "none", "");
}

static int new_overlay(void)
{
	mkdir("/tmp/l", 0700);
	mkdir("/tmp/u", 0700);
	mkdir("/tmp/w", 0700);
	return new_one("overlay", "none", "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w");
}

/* Whether a file below dir, two levels deep, can be opened for writing and has that name. */
static int writable_below(const char *dir, const char *name, int depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];
	int found = 0;

	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		found = !strcmp(e->d_name, name) ? !attempt_writable(path)
						 : depth && writable_below(path, name, depth - 1);
	}
	if (d)
		closedir(d);
	return found;
}

static int agent_of(const char *controller)
{
	static const char where[] = "/tmp/group";

	mkdir(where, 0700);
	if (mount("cgroup", where, "cgroup", 0, controller))
		return errno;
	return writable_below(where, "release_agent", 2) ? 0 : EACCES;
}

/* CVE-2022-0492: any hierarchy's will do; the strangest errno is told. */
static int release_agent(void)
{
	static const char *const hierarchies[] = { "memory",  "pids", "cpu",   "devices",
						   "freezer", "rdma", "blkio", "none,name=own" };
	int err = 0;

	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		int r = agent_of(hierarchies[i]);

		if (!r)
			return 0;
		if (!err || r == EACCES)
			err = r;
	}
	return err;
}

/* Where a new mount of version 2 begins at the payload's own group there is no cgroup.kill, freeze
 * or procs of the host's root group above it. */
static int cgroup2_outside(void)
{
	struct stat st;

	mkdir("/tmp/two", 0700);
	if (mount("none", "/tmp/two", "cgroup2", 0, ""))
		return errno;
	/* the root of the hierarchy alone has no cgroup.type */
	if (stat("/tmp/two/cgroup.type", &st) == 0)
		return EACCES;
	return attempt_writable("/tmp/two/cgroup.procs");
}

/* The host's disk, by its number: /proc/self/mountinfo tells that of the root. */
static int block_device(void)
{
	struct stat st;
	int err;

	if (stat("/", &st))
		return errno;
	if (!major(st.st_dev))
		st.st_dev = makedev(8, 0);
	if (mknod("/tmp/disk", S_IFBLK | 0600, st.st_dev))
		return errno;
	err = new_one("ext4", "/tmp/disk", "ro,noload");
	unlink("/tmp/disk");
	return err;
}

static int fs_open(void)
{
	int fd = (int)syscall(NR_FSOPEN, "proc", 1);

	if (fd < 0)
		return errno;
	if (syscall(NR_FSCONFIG, fd, CREATE_SUPER, NULL, NULL, 0))
		return errno;
	return attempt_errno(syscall(NR_FSMOUNT, fd, 1, 0));
}

static int fs_pick(void)
{
	return attempt_errno(syscall(NR_FSPICK, AT_FDCWD, "/", 1));
}

static int tree_clone(void)
{
	return attempt_errno(syscall(NR_OPEN_TREE, AT_FDCWD, "/", TREE_CLONE));
}

static int move_proc(void)
{
	mkdir("/tmp/move", 0700);
	if (mount("none", "/tmp/move", "tmpfs", 0, ""))
		return errno;
	return attempt_errno(syscall(NR_MOVE_MOUNT, AT_FDCWD, "/tmp/move", AT_FDCWD, "/proc", 0));
}

/* ---- the root is left ------------------------------------------------------------------------ */

/* Whether "/" of somebody is another directory than ours. */
static int other_root(const char *path)
{
	struct stat ours, theirs;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || stat("/", &ours) || fstat(fd, &theirs))
		return errno;
	return ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev ? 0 : EXDEV;
}

static int root_of_init(void)
{
	return other_root("/proc/1/root");
}

/* chroot into a directory while the cwd stays outside of it, then up: ends at the mount
 * namespace's root. */
static int chroot_up(void)
{
	mkdir("/tmp/jail", 0700);
	if (chroot("/tmp/jail"))
		return errno;
	for (int i = 0; i < 64; i++)
		if (chdir(".."))
			return errno;
	if (chroot("."))
		return errno;
	return access("/tmp/jail", F_OK) ? 0 : EXDEV;
}

/* What the root lies on: the old root would be below it. */
static int unmount_root(void)
{
	if (umount2("/", MNT_DETACH))
		return errno;
	return other_root("/");
}

static int pivot(void)
{
	mkdir("/tmp/new", 0700);
	if (mount("none", "/tmp/new", "tmpfs", 0, "") || mkdir("/tmp/new/old", 0700))
		return errno;
	if (syscall(SYS_pivot_root, "/tmp/new", "/tmp/new/old"))
		return errno;
	/* only the container's own root is there */
	return access("/old/tmp/new", F_OK) ? 0 : EXDEV;
}

static int ns_of_init(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (setns(fd, CLONE_NEWNS))
		return errno;
	return access("/tmp", F_OK) ? 0 : EXDEV;
}

/* Kernels since 6.12 go from one mount namespace to the next: whether in this direction one is
 * shown that is neither ours nor pid 1's, and can be entered. */
static int ns_next(unsigned long request)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct stat init, is;

	if (fd < 0 || stat("/proc/1/ns/mnt", &init))
		return errno;
	for (int i = 0; i < 64; i++) {
		uint64_t info[2] = { 16, 0 };

		fd = ioctl(fd, (int)request, info);
		if (fd < 0 || fstat(fd, &is))
			return errno;
		if (is.st_ino != init.st_ino)
			return attempt_errno(setns(fd, CLONE_NEWNS));
	}
	return ELOOP;
}

static int ns_after(void)
{
	return ns_next(NS_MNT_GET_NEXT);
}

static int ns_before(void)
{
	return ns_next(NS_MNT_GET_PREV);
}

/* listmount() of another namespace than ours: those that were made before it have lower numbers. */
static int list_mounts(void)
{
	static uint64_t ids[64];
	uint64_t own = 0, request[4] = { 32, UINT64_MAX, 0, 0 };
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC), err = ENOENT;

	if (fd < 0 || ioctl(fd, (int)NS_GET_MNTNS_ID, &own))
		return errno;
	for (uint64_t id = own > SEARCHED ? own - SEARCHED : 0; id < own; id++) {
		request[3] = id;
		if (id && syscall(NR_LISTMOUNT, request, ids, 64, 0) >= 0)
			return 0;
		if (id && errno != ENOENT)
			err = errno;
	}
	return err;
}

/* 2014: a handle of the file system's root directory, whose inode number everybody knows, opened
 * over the mount of the rootfs, which is of the same file system. */
static int file_handle(void)
{
	struct {
		unsigned bytes;
		int type;
		uint32_t f[4];
	} handle = { 8, 1, { 2, 0, 0, 0 } };
	struct stat ours, there;
	int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	fd = (int)syscall(SYS_open_by_handle_at, at, &handle, O_RDONLY);
	if (fd < 0)
		return errno;
	if (fstat(fd, &there) || fstat(at, &ours))
		return errno;
	return ours.st_ino == there.st_ino ? EXDEV : 0;
}

const struct attempt attempt_mounts[] = {
	{ "remount-root", remount_root },
	{ "remount-sysctls", remount_sysctls },
	{ "remount-sys", remount_sys },
	{ "remount-sys-super", remount_super },
	{ "setattr-sysctls", setattr_sysctls },
	{ "uncover-proc", uncover },
	{ "mount-tmpfs", new_tmpfs },
	{ "mount-proc", new_proc },
	{ "mount-sysfs", new_sysfs },
	{ "mount-devtmpfs", new_devtmpfs },
	{ "mount-debugfs", new_debugfs },
	{ "mount-tracefs", new_tracefs },
	{ "mount-securityfs", new_securityfs },
	{ "mount-bpffs", new_bpffs },
	{ "mount-mqueue", new_mqueue },
	{ "mount-overlay", new_overlay },
	{ "mount-disk", block_device },
	{ "release-agent", release_agent },
	{ "cgroup2-outside", cgroup2_outside },
	{ "fsopen", fs_open },
	{ "fspick", fs_pick },
	{ "open-tree", tree_clone },
	{ "move-mount", move_proc },
	{ "root-of-init", root_of_init },
	{ "chroot-up", chroot_up },
	{ "unmount-root", unmount_root },
	{ "pivot-root", pivot },
	{ "setns-init", ns_of_init },
	{ "next-mount-namespace", ns_after },
	{ "last-mount-namespace", ns_before },
	{ "listmount-host", list_mounts },
	{ "file-handle", file_handle },
	{ NULL, NULL },
};
