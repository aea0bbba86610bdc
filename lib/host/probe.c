/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes what the kernel and this thread can do, by calls that cannot succeed: with an argument
 * that every kernel refuses at once, a call that exists fails with EINVAL, one that does not with
 * ENOSYS, and one behind a seccomp filter with EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <contain/contain.h>

#include "base/fd.h"
#include "base/namespaces.h"
#include "base/num.h"
#include "base/sys.h"
#include "host/host.h"
#include "host/look.h"
#include "shared/landlock.h"

/* Newer than the headers that this may be built with; unified numbers, the same on each
 * architecture we know. */
#define NR_STATMOUNT 457

/* The inode number of the initial user namespace, the same on all kernels (since 3.8). */
#define INIT_USER_NS "user:[4026531837]"
#define NS_DIR "/proc/thread-self/ns"
#define TTY_GROUP 5 /* on every distribution; terminals belong to it */

/* Arguments of a call that fails before it does anything. */
static const struct feature {
	uint32_t bit;
	size_t field;
	const char *name;
	long nr;
	long arg[5];
} features[] = {
	/* a size below the first version of the struct */
	{ CT_HOST_F_OPENAT2,
	  offsetof(struct ct_host, openat2),
	  "openat2",
	  SYS_openat2,
	  { -1, 0, 0, 0, 0 } },
	/* flags that do not exist, which the kernel checks before the rights */
	{ CT_HOST_F_MOUNT_API,
	  offsetof(struct ct_host, mount_api),
	  "open_tree, move_mount, fsopen",
	  SYS_open_tree,
	  { -1, 0, 0x7fffffff, 0, 0 } },
	{ CT_HOST_F_MOUNT_SETATTR,
	  offsetof(struct ct_host, mount_setattr),
	  "mount_setattr",
	  SYS_mount_setattr,
	  { -1, 0, 0x7fffffff, 0, 0 } },
	{ CT_HOST_F_CLONE3,
	  offsetof(struct ct_host, clone3),
	  "clone3",
	  SYS_clone3,
	  { 0, 0, 0, 0, 0 } },
	{ CT_HOST_F_PIDFD,
	  offsetof(struct ct_host, pidfd),
	  "pidfd_open",
	  SYS_pidfd_open,
	  { -1, 0, 0, 0, 0 } },
	{ CT_HOST_F_CLOSE_RANGE,
	  offsetof(struct ct_host, close_range),
	  "close_range",
	  SYS_close_range,
	  { 1, 0, 0x7fffffff, 0, 0 } },
};

/* Reads at most size - 1 bytes of a small file, terminates them and strips newlines at the end.
 * Returns the length or a negative errno (buf is then ""). */
ssize_t ct_host_read(const char *path, char *buf, size_t size)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	return ct_read_text(fd, buf, size);
}

/* Takes the digits at *s as a number and moves *s behind them. */
static int leading_number(const char **s, uint32_t *out)
{
	size_t n = strspn(*s, "0123456789");
	char digits[16];

	if (!n || n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, *s, n);
	digits[n] = '\0';
	*s += n;
	return ct_parse_u32(digits, out);
}

static int probe_kernel(struct ct_host *h, struct ct_err *e)
{
	struct utsname u;
	const char *s = u.release;

	if (uname(&u) < 0)
		return ct_fail(e, -errno, CT_ERR_KERNEL, "host", "uname");
	memcpy(h->kernel_release, u.release, sizeof(h->kernel_release));
	h->kernel_release[sizeof(h->kernel_release) - 1] = '\0';
	if (leading_number(&s, &h->kernel_major) < 0 || *s++ != '.' ||
	    leading_number(&s, &h->kernel_minor) < 0)
		return ct_fail(e, -ENOSYS, CT_ERR_KERNEL, "host",
			       "cannot read the kernel's version \"%s\"", h->kernel_release);
	return 0;
}

/* Rights of the calling thread: each thread has its own, and /proc/self has those of the first. */
static int probe_rights(struct ct_host *h, struct ct_err *e)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	h->uid = geteuid();
	h->gid = getegid();
	h->cap_bounding = 0;
	if (syscall(SYS_capget, &head, data) < 0)
		return ct_fail(e, -errno, CT_ERR_PRIVILEGE, "host", "capget");
	h->cap_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	for (unsigned i = 0; i < 64; i++) {
		int r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (r < 0)
			break;
		h->cap_last = i;
		if (r)
			h->cap_bounding |= UINT64_C(1) << i;
	}
	return 0;
}

/* Whether `dir`/`name` leads to the initial user namespace; without user namespaces
 * there is no other. */
static bool is_initial(struct ct_host *h, int dir, const char *name)
{
	char link[sizeof(INIT_USER_NS) + 16];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));

	if (n >= 0)
		h->namespaces |= CT_NS_USER;
	return n < 0 ||
	       ((size_t)n == strlen(INIT_USER_NS) && memcmp(link, INIT_USER_NS, (size_t)n) == 0);
}

/* Whether a group has a number in the caller's user namespace (user_namespaces(7), gid_map). */
static bool has_group(uint32_t gid)
{
	char text[4096], *rest = text, *word;
	uint32_t field[3] = { 0 };
	unsigned i = 0;

	/* lines of first, outside and count */
	if (ct_host_read("/proc/self/gid_map", text, sizeof(text)) < 0)
		return true;
	while ((word = strsep(&rest, " \n"))) {
		if (!*word)
			continue;
		if (ct_parse_u32(word, &field[i++ % 3]))
			return true;
		if (i % 3 == 0 && gid >= field[0] && gid - field[0] < field[2])
			return true;
	}
	return false;
}

/* In a namespace that an ordinary user has made, supplementary groups cannot be dropped: a group
 * may be what refuses access to a file (user_namespaces(7)). */
static bool refuses_setgroups(void)
{
	char text[16];

	return ct_host_read("/proc/self/setgroups", text, sizeof(text)) >= 0 &&
	       !strncmp(text, "deny", 4);
}

static void probe_userns(struct ct_host *h, int dir, const char *name)
{
	h->initial_userns = is_initial(h, dir, name);
	h->no_tty_group = !h->initial_userns && !has_group(TTY_GROUP);
	h->no_setgroups = !h->initial_userns && refuses_setgroups();
}

static int probe_namespaces(struct ct_host *h, struct ct_err *e)
{
	CT_CLEAN_FD int dir = open(NS_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir < 0) {
		int r = -errno;

		ct_err_object(e, NS_DIR);
		ct_err_hint(e, "mount a procfs on /proc");
		return ct_fail_sys(e, r, CT_ERR_KERNEL, "host", "open",
				   "the namespaces of this process cannot be looked at");
	}
	for (int i = 0; i < CT_NAMESPACES; i++)
		if (fstatat(dir, ct_namespaces[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			h->namespaces |= ct_namespaces[i].bit;
	probe_userns(h, dir, "user");
	return 0;
}

static void probe_features(struct ct_host *h)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];
		const long *a = f->arg;
		bool there = syscall(f->nr, a[0], a[1], a[2], a[3], a[4]) < 0 && errno != ENOSYS &&
			     errno != EPERM;

		memcpy((char *)h + f->field, &there, sizeof(there));
		if (!there && errno == EPERM)
			h->filtered |= f->bit;
	}
}

int ct_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CT_LL_FLAG_VERSION);

	if (abi < 0)
		return -errno;
	return (int)abi;
}

/* Features that are used where available, and not required. */
static void probe_extras(struct ct_host *h)
{
	uint64_t cookie;

	h->statmount = syscall(NR_STATMOUNT, NULL, NULL, 0L, 0x7fffffffL) < 0 && errno == EINVAL;
	h->sched_core = ct_sched_core_get(0, &cookie) == 0;
	/* no call without a side effect tells these */
	h->tree_of_detached = ct_host_at_least(h, 6, 15);
	h->pidfd_info = ct_host_at_least(h, 6, 15);
	h->landlock = ct_landlock_abi();
	h->yama = access("/proc/sys/kernel/yama/ptrace_scope", F_OK) == 0;
	h->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* The id stays empty when it cannot be read: only a container with a state file needs it. */
static void read_boot_id(struct ct_host *h)
{
	ct_host_read("/proc/sys/kernel/random/boot_id", h->boot_id, sizeof(h->boot_id));
}

bool ct_host_at_least(const struct ct_host *h, uint32_t major, uint32_t minor)
{
	return h->kernel_major > major || (h->kernel_major == major && h->kernel_minor >= minor);
}

bool ct_host_feature(const struct ct_host *h, uint32_t feature, const char **name)
{
	bool there = false;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (features[i].bit != feature)
			continue;
		memcpy(&there, (const char *)h + features[i].field, sizeof(there));
		if (name)
			*name = features[i].name;
	}
	return there;
}

int ct_host_probe(struct ct_host *h, struct ct_err *e)
{
	struct ct_host found = { 0 };
	int r;

	if ((r = probe_kernel(&found, e)) < 0 || (r = probe_rights(&found, e)) < 0 ||
	    (r = probe_namespaces(&found, e)) < 0)
		return r;
	probe_features(&found);
	probe_extras(&found);
	read_boot_id(&found);
	*h = found;
	return 0;
}

int ct_host_refresh(struct ct_host *h, struct ct_err *e)
{
	/* all threads are in the same user namespace, and this path is shorter */
	probe_userns(h, AT_FDCWD, "/proc/self/ns/user");
	if (!h->boot_id[0])
		read_boot_id(h);
	return probe_rights(h, e);
}

int ct_host_check(const struct ct_host *h, struct ct_err *e)
{
	if (!ct_host_at_least(h, CT_HOST_KERNEL_MAJOR, CT_HOST_KERNEL_MINOR))
		return ct_fail(e, -ENOSYS, CT_ERR_KERNEL, "host",
			       "Linux %d.%d or newer is needed, this is %s", CT_HOST_KERNEL_MAJOR,
			       CT_HOST_KERNEL_MINOR, h->kernel_release);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (ct_host_feature(h, features[i].bit, NULL))
			continue;
		if (!(h->filtered & features[i].bit))
			return ct_fail(e, -ENOSYS, CT_ERR_KERNEL, "host", "the kernel lacks %s",
				       features[i].name);
		ct_fail(e, -EPERM, CT_ERR_KERNEL, "host",
			"a seccomp filter on this process refuses %s", features[i].name);
		ct_err_hint(e,
			    "let the filter of the service or engine around this process allow it");
		return -EPERM;
	}
	if (!(h->namespaces & CT_NS_MNT) || !(h->namespaces & CT_NS_PID))
		return ct_fail(e, -ENOSYS, CT_ERR_KERNEL, "host",
			       "the kernel was built without %s namespaces",
			       h->namespaces & CT_NS_MNT ? "pid" : "mount");
	if (!(h->cap_permitted & UINT64_C(1) << CAP_SYS_ADMIN) && !(h->namespaces & CT_NS_USER)) {
		ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, "host",
			"uid %u has no CAP_SYS_ADMIN, and the kernel has no user namespaces to "
			"gain it in",
			h->uid);
		ct_err_hint(e, "run it as root");
		return -EPERM;
	}
	return 0;
}
