/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See floor-steps.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "floor-steps.h"

#define ATTR_QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* What engines grant: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
 * net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap */
#define CAPS_DEFAULT 0xa80425fbu

long floor_must(long r, const char *what)
{
	if (r < 0) {
		perror(what);
		_exit(1);
	}
	return r;
}

static int resolve(int under, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, under, path, &how, sizeof(how));
}

static int clone_tree(int dir, const char *path, unsigned flags)
{
	return (int)must(
		syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static void set_attr(int fd, uint64_t set, uint64_t propagation, unsigned flags)
{
	struct mount_attr attr = { .attr_set = set, .propagation = propagation };

	must(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)));
}

/* A new detached file system; options are "key\0value\0key\0value\0" with an empty key
 * at the end. */
static int new_fs(const char *type, const char *options, unsigned attr)
{
	int fs = (int)must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)), fd;

	must(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", type, 0));
	while (*options) {
		const char *value = options + strlen(options) + 1;

		must(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options, value, 0));
		options = value + strlen(value) + 1;
	}
	must(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	fd = (int)must(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attr));
	close(fs);
	return fd;
}

static void attach_fd(int tree, int target)
{
	must(syscall(SYS_move_mount, tree, "", target, "",
		     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static void attach(int tree, int under, const char *at)
{
	int target = (int)must(resolve(under, at, O_PATH));

	attach_fd(tree, target);
	close(target);
}

int floor_tree(const char *rootfs)
{
	int dir = (int)must(open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int tree = clone_tree(dir, "", AT_EMPTY_PATH | AT_RECURSIVE);

	set_attr(tree, 0, MS_SLAVE, AT_RECURSIVE);
	close(dir);
	return tree;
}

void floor_loopback(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	must(ioctl(s, SIOCSIFFLAGS, &req));
	close(s);
}

void floor_private(void)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	must(syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)));
}

int floor_mask_source(bool stack)
{
	int fd = new_fs("tmpfs", "mode\000755\0size\0004k\0nr_inodes\0004\0", ATTR_QUIET);

	close((int)must(
		openat(fd, "file", O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0)));
	must(mkdirat(fd, "dir", 0));
	set_attr(fd, MOUNT_ATTR_RDONLY, 0, 0);
	if (stack)
		floor_stack(fd);
	return fd;
}

void floor_stack(int tree)
{
	must(syscall(SYS_move_mount, tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
}

static void dev_fs(int dev, const char *name, const char *type, const char *options, unsigned attr)
{
	int fd = new_fs(type, options, attr);

	must(mkdirat(dev, name, 0755));
	attach(fd, dev, name);
	close(fd);
}

void floor_dev(int tree)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = { { "null", 1, 3 },	  { "zero", 1, 5 },    { "full", 1, 7 },
		      { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } };
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
						{ "/proc/self/fd/0", "stdin" },
						{ "/proc/self/fd/1", "stdout" },
						{ "/proc/self/fd/2", "stderr" },
						{ "pts/ptmx", "ptmx" } };
	int dev = new_fs("tmpfs", "mode\000755\0size\000500000\0",
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);

	attach(dev, tree, "dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		must(mknodat(dev, nodes[i].name, S_IFCHR | 0666,
			     makedev(nodes[i].major, nodes[i].minor)));
		must(fchmodat(dev, nodes[i].name, 0666, 0));
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		must(symlinkat(links[i][0], dev, links[i][1]));
	dev_fs(dev, "pts", "devpts", "ptmxmode\0000666\0mode\0000620\0gid\0005\0max\0001024\0",
	       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	dev_fs(dev, "shm", "tmpfs", "mode\0001777\0", ATTR_QUIET);
	dev_fs(dev, "mqueue", "mqueue", "", ATTR_QUIET);
	close(dev);
}

void floor_proc(int tree)
{
	int fd = new_fs("proc", "", ATTR_QUIET);

	attach(fd, tree, "proc");
	close(fd);
}

void floor_sys(int tree)
{
	int fd = new_fs("sysfs", "", ATTR_QUIET | MOUNT_ATTR_RDONLY);

	attach(fd, tree, "sys");
	close(fd);
}

/* The file or directory of the mask over a path; a path that is not there is fine. */
static void mask_path(int tree, int mask, const char *path)
{
	int target = resolve(tree, path, O_PATH), with;
	struct stat st;

	if (target < 0)
		return;
	must(fstat(target, &st));
	with = clone_tree(mask, S_ISDIR(st.st_mode) ? "dir" : "file", 0);
	attach_fd(with, target);
	close(with);
	close(target);
}

static void readonly_path(int tree, const char *path)
{
	int target = resolve(tree, path, O_PATH), copy;

	if (target < 0)
		return;
	copy = clone_tree(target, "", AT_EMPTY_PATH);
	set_attr(copy, MOUNT_ATTR_RDONLY, 0, 0);
	attach_fd(copy, target);
	close(copy);
	close(target);
}

void floor_read_profile(struct floor_profile *h, const char *file)
{
	FILE *f = fopen(file, "re");
	char *line, *save;

	if (!f || !fread(h->text, 1, sizeof(h->text) - 1, f))
		die("floor: %s cannot be read", file);
	fclose(f);
	for (line = strtok_r(h->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strcmp(line, "stack"))
			h->stack = true;
		else if (!strcmp(line, "whole"))
			h->whole = true;
		else if (!strncmp(line, "filter ", 7))
			h->filter = line + 7;
		else if (!strncmp(line, "mask ", 5) && h->n_mask < 128)
			h->mask[h->n_mask++] = line + 5;
		else if (!strncmp(line, "readonly ", 9) && h->n_readonly < 128)
			h->readonly[h->n_readonly++] = line + 9;
		else if (!floor_groups_line(&h->groups, line))
			die("floor: what is \"%s\"?", line);
	}
}

void floor_protect(int tree, int mask, const struct floor_profile *h)
{
	for (int i = 0; i < h->n_readonly; i++)
		readonly_path(tree, h->readonly[i]);
	for (int i = 0; i < h->n_mask; i++)
		mask_path(tree, mask, h->mask[i]);
	close(mask);
}

void floor_pivot(int tree, bool stacked)
{
	must(fchdir(tree));
	must(syscall(SYS_pivot_root, ".", "."));
	for (int i = 0; i <= stacked; i++)
		must(umount2(".", MNT_DETACH));
	must(chdir("/"));
	close(tree);
}

void floor_identity(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { CAPS_DEFAULT, CAPS_DEFAULT, 0 }, { 0, 0, 0 } };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	uint64_t none = 0;

	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	must(setgroups(0, NULL));
	for (int i = 0; i <= CAP_CHECKPOINT_RESTORE; i++)
		if (i >= 32 || !(CAPS_DEFAULT & 1u << i))
			must(prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
	must(setresgid(0, 0, 0));
	must(setresuid(0, 0, 0));
	must(syscall(SYS_capset, &head, data));
	for (int i = 1; i < 65; i++)
		sigaction(i, &dfl, NULL);
	must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)));
	must(syscall(SYS_close_range, 3, ~0u, 0));
}
