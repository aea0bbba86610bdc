/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the report: cgroups. They go by what is mounted, not by which directories exist. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/look.h"

#define BIT(n) (UINT64_C(1) << (n))
#define PATH_SIZE 4096

static const char *path_of(const struct ct_cg_tree *t, const char *dir, const char *file,
			   char buf[PATH_SIZE])
{
	return ct_look_path(t, dir, file, buf, PATH_SIZE);
}

/* The text of cgroup.controllers in a directory of version 2, "" when there is none. */
static void read_controllers(const struct ct_cg_tree *t, const char *dir, char *out, size_t size)
{
	char path[PATH_SIZE];

	ct_host_read(path_of(t, dir, "cgroup.controllers", path), out, size);
}

static uint32_t controller_bits(const char *words)
{
	uint32_t bits = 0;

	while (*words) {
		size_t n = strcspn(words, " ");

		bits |= ct_cg_bit(words, n);
		words += n + (words[n] == ' ');
	}
	return bits;
}

static const struct ct_cg_tree *find_v2(const struct ct_look_facts *f)
{
	for (uint32_t i = 0; i < f->cgroups.n; i++)
		if (f->cgroups.v[i].version == 2)
			return &f->cgroups.v[i];
	return NULL;
}

int ct_look_cgroups(struct ct_look_facts *f)
{
	f->arena = ct_arena_new();
	if (!f->arena)
		return -ENOMEM;
	/* hierarchies that cannot be read cannot be used: the report goes on without them */
	if (ct_cgroups_fill(ct_buf_text(&f->mountinfo), &f->cgroups, f->arena, NULL) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

/* v1, v2, or both side by side. */
void ct_look_cgroup_layout(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *layout = ct_cg_layout(&f->cgroups);
	const struct ct_cg_tree *two = find_v2(f);

	(void)arg;
	if (!f->cgroups.n)
		ct_look_no(it, "mount cgroup2 on /sys/fs/cgroup",
			   "no cgroup file system is mounted");
	else if (!two)
		ct_buf_str(&it->value, "v1");
	else if (!strcmp(layout, "hybrid"))
		ct_buf_printf(&it->value, "hybrid: v1 hierarchies, v2 on %s", two->mount);
	else if (!strcmp(two->mount, "/sys/fs/cgroup"))
		ct_buf_str(&it->value, "v2 (unified)");
	else
		ct_buf_printf(&it->value, "v2 on %s", two->mount);
}

/* Whether `controller` is bound to a mounted v1 hierarchy. */
static bool on_v1(const struct ct_look_facts *f, const char *controller)
{
	for (uint32_t i = 0; i < f->cgroups.n; i++) {
		const struct ct_cg_tree *t = &f->cgroups.v[i];

		if (t->version == 1 && ct_look_word(t->name, strlen(t->name), ",", controller))
			return true;
	}
	return false;
}

/* Adds a name to a list. The first one comes behind `head`. */
static void add_name(struct ct_buf *list, const char *head, const char *name)
{
	if (list->len)
		ct_buf_char(list, ' ');
	else
		ct_buf_str(list, head);
	ct_buf_str(list, name);
}

static void append(struct ct_buf *out, const struct ct_buf *list)
{
	if (!list->len)
		return;
	if (out->len)
		ct_buf_str(out, "; ");
	ct_buf_str(out, ct_buf_text(list));
}

/* Which controllers are in version 1, in version 2, in neither. */
void ct_look_cgroup_controllers(const struct ct_look_facts *f, uint64_t arg,
				struct ct_look_item *it)
{
	/* the kernel's own list (/proc/cgroups) leaves out what only v2 knows */
	static const char *const names[] = { "cpu",	   "cpuacct", "cpuset",	 "io",
					     "blkio",	   "memory",  "pids",	 "devices",
					     "freezer",	   "hugetlb", "net_cls", "net_prio",
					     "perf_event", "rdma",    "misc",	 "dmem" };
	CT_CLEAN_BUF struct ct_buf v1 = CT_BUF_INIT, v2 = CT_BUF_INIT, none = CT_BUF_INIT,
				   known = CT_BUF_INIT;
	const struct ct_cg_tree *two = find_v2(f);
	char on2[512] = "";

	(void)arg;
	if (two)
		read_controllers(two, "", on2, sizeof(on2));
	ct_look_slurp("/proc/cgroups", 64u << 10, &known);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (on_v1(f, names[i]))
			add_name(&v1, "v1: ", names[i]);
		else if (ct_look_word(on2, strlen(on2), " ", names[i]))
			add_name(&v2, "v2: ", names[i]);
		else if (ct_look_word(ct_buf_text(&known), known.len, "\t\n", names[i]))
			add_name(&none, "not mounted: ", names[i]);
	}
	append(&it->value, &v1);
	append(&it->value, &v2);
	append(&it->value, &none);
	if (!v1.len && !v2.len)
		ct_look_no(it, "mount cgroup2 on /sys/fs/cgroup", "no controller can be used");
}

/* ---- where this user may make cgroups -------------------------------------------------------- */

enum place { NOWHERE, AT_TOP, IN_OWN };

static bool may_write(const struct ct_cg_tree *t, const char *dir, const char *file)
{
	char path[PATH_SIZE];

	return faccessat(AT_FDCWD, path_of(t, dir, file, path), W_OK, AT_EACCESS) == 0;
}

/* Where cgroups can be made and processes can be moved into them. In version 2 the latter needs
 * write access to cgroup.procs of the common ancestor. */
static enum place place_in(const struct ct_cg_tree *t)
{
	if (may_write(t, "", "") && may_write(t, "", "cgroup.procs"))
		return AT_TOP;
	if (t->self && may_write(t, t->self, "") && may_write(t, t->self, "cgroup.procs"))
		return IN_OWN;
	return NOWHERE;
}

#define DELEGATE                                                                 \
	"run as root, or have a group delegated (systemd-run --user --scope -p " \
	"Delegate=yes) and set cgroup.relative = 1"

/* In which hierarchies this user may make cgroups. */
void ct_look_cgroup_groups(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	static const char *const heads[] = { "not in ", "in ", "below the own group in " };
	const char *hint = DELEGATE;
	struct ct_buf lists[3] = { CT_BUF_INIT, CT_BUF_INIT, CT_BUF_INIT };

	(void)arg;
	for (uint32_t i = 0; i < f->cgroups.n; i++) {
		enum place p = place_in(&f->cgroups.v[i]);

		add_name(&lists[p], heads[p], f->cgroups.v[i].name);
	}
	append(&it->value, &lists[AT_TOP]);
	append(&it->value, &lists[IN_OWN]);
	append(&it->value, &lists[NOWHERE]);
	if (!f->cgroups.n)
		hint = "mount cgroup2 on /sys/fs/cgroup";
	if (!lists[AT_TOP].len && !lists[IN_OWN].len)
		ct_look_no(it, hint, "uid %u may make no group", f->host.uid);
	for (int i = 0; i < 3; i++)
		ct_buf_free(&lists[i]);
}

/* Whether a cgroup of version 2 has processes, so that it cannot enable controllers. The top of the
 * hierarchy, which has no cgroup.type, may have both. */
static bool is_busy(const struct ct_cg_tree *t, const char *dir)
{
	char path[PATH_SIZE], first[32];

	return faccessat(AT_FDCWD, path_of(t, dir, "cgroup.type", path), F_OK, 0) == 0 &&
	       ct_host_read(path_of(t, dir, "cgroup.procs", path), first, sizeof(first)) > 0;
}

#define BUSY "busy: processes live in it, so it cannot give controllers on"
#define NOT_BUSY \
	"move them into a group below it, or start from a group that is delegated and empty"

/* Describes the caller's own cgroup; whether it is delegated to this user. */
static bool describe_own(const struct ct_look_facts *f, const struct ct_cg_tree *t,
			 const struct stat *dir, const struct stat *procs, struct ct_buf *out)
{
	char path[PATH_SIZE];
	uint32_t uid = f->host.uid, owner = dir->st_uid;

	if (owner == uid)
		owner = procs->st_uid;
	if (faccessat(AT_FDCWD, path_of(t, t->self, "cgroup.type", path), F_OK, 0) < 0)
		ct_buf_printf(out, "%s%s, the top of all groups", t->mount, t->self);
	else if (owner != uid)
		ct_buf_printf(out, "%s%s, not delegated to you: it belongs to user %u", t->mount,
			      t->self, owner);
	else
		ct_buf_printf(out, "%s%s, delegated to you", t->mount, t->self);
	return owner == uid;
}

/* The caller's own cgroup of version 2: its owner, and whether it could enable controllers. A
 * caller that may use the top does not need that. */
void ct_look_cgroup_own(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const struct ct_cg_tree *t = find_v2(f);
	struct stat dir, procs;
	char path[PATH_SIZE];
	bool mine;

	(void)arg;
	it->state = CT_LOOK_INFO;
	if (!t) {
		ct_buf_str(&it->value, "there is no version 2");
		return;
	}
	if (!t->self) {
		ct_buf_str(&it->value, "not below the mount of version 2");
		return;
	}
	if (stat(path_of(t, t->self, "", path), &dir) < 0 ||
	    stat(path_of(t, t->self, "cgroup.procs", path), &procs) < 0) {
		ct_look_no(it, "mount cgroup2 where this process can see it", "%s%s: %s", t->mount,
			   t->self, ct_errno_text(errno));
		return;
	}
	mine = describe_own(f, t, &dir, &procs, &it->value);
	if (!is_busy(t, t->self)) {
		if (mine && place_in(t) != AT_TOP)
			it->state = CT_LOOK_YES;
	} else if (!mine || place_in(t) == AT_TOP) {
		ct_buf_str(&it->value, "; " BUSY);
	} else {
		ct_look_no(it, NOT_BUSY, BUSY);
	}
}

/* ---- what can be limited --------------------------------------------------------------------- */

/* A key, or something else that cgroups are used for, and what it needs besides a controller. */
static const struct limit {
	uint32_t bit;
	bool two_first; /* version 2 is used where there is one */
	/* version 1: one of these files must exist */
	const char *file1, *other1;
	/* version 2: this file must exist */
	const char *file2;
	const char *lack, *remedy; /* the message when it does not */
} limits[] = {
	[CT_LIMIT_MEMORY] = { .bit = CT_CG_MEMORY },
	[CT_LIMIT_SWAP] = { .bit = CT_CG_MEMORY,
			    .file1 = "memory.memsw.limit_in_bytes",
			    .lack = "this kernel does not count swap",
			    .remedy = "boot with swapaccount=1, or leave limit.swap out" },
	[CT_LIMIT_PIDS] = { .bit = CT_CG_PIDS },
	[CT_LIMIT_CPU] = { .bit = CT_CG_CPU,
			   .file1 = "cpu.cfs_quota_us",
			   .lack = "this kernel has no quota of CPU time (CONFIG_CFS_BANDWIDTH)",
			   .remedy = "use limit.cpu.weight or limit.cpuset.cpus" },
	[CT_LIMIT_CPUSET] = { .bit = CT_CG_CPUSET },
	[CT_LIMIT_IO_MAX] = { .bit = CT_CG_IO,
			      .file1 = "blkio.throttle.read_bps_device",
			      .lack = "this kernel does not throttle block devices "
				      "(CONFIG_BLK_DEV_THROTTLING)",
			      .remedy = "leave limit.io.max out" },
	[CT_LIMIT_IO_WEIGHT] = { .bit = CT_CG_IO,
				 .file1 = "blkio.bfq.weight",
				 .other1 = "blkio.weight",
				 .lack = "no scheduler with weights is loaded",
				 .remedy = "load the module bfq and choose it for the device" },
	[CT_LIMIT_HUGETLB] = { .bit = CT_CG_HUGETLB },
	[CT_LIMIT_RDMA] = { .bit = CT_CG_RDMA },
	[CT_LIMIT_MISC] = { .bit = CT_CG_MISC },
	[CT_LIMIT_DEVICES] = { .bit = CT_CG_DEVICES },
	[CT_LIMIT_CPUTIME] = { .bit = CT_CG_CPUACCT, .two_first = true },
	[CT_LIMIT_FREEZE] = { .bit = CT_CG_FREEZER,
			      .two_first = true,
			      .file2 = "cgroup.freeze",
			      .lack = "this kernel cannot freeze a group of version 2",
			      .remedy = "use Linux 5.2 or newer" },
	[CT_LIMIT_KILL] = { .bit = CT_CG_FREEZER,
			    .two_first = true,
			    .file2 = "cgroup.kill",
			    .lack = "this kernel cannot kill a group at once",
			    .remedy = "use Linux 5.14 or newer" },
};

/* Whether cgroups have the file. The top may lack a file that those below have, so one of them is
 * checked, too. -1: there is none, so it is not known. */
static int has_file(const struct ct_cg_tree *t, const char *file)
{
	const char *own = t->self;
	char path[PATH_SIZE];
	struct dirent *d;
	int found = -1;
	DIR *dir;

	if (!own)
		own = "";
	if (faccessat(AT_FDCWD, path_of(t, own, file, path), F_OK, 0) == 0)
		return 1;
	dir = opendir(t->mount);
	while (dir && found < 0 && (d = readdir(dir))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", d->d_name, file);
		found = faccessat(dirfd(dir), path, F_OK, 0) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool lacks_files(const struct limit *l, const struct ct_cg_tree *t)
{
	if (t->version == 2)
		return l->file2 && has_file(t, l->file2) == 0;
	return l->file1 && has_file(t, l->file1) == 0 &&
	       (!l->other1 || has_file(t, l->other1) == 0);
}

/* Instead of a devices controller version 2 has BPF programs, which need rights on the host
 * itself. */
static bool lacks_bpf(const struct ct_look_facts *f, struct ct_look_item *it)
{
	uint64_t caps = f->host.cap_permitted;
	bool rights = (caps & BIT(CAP_SYS_ADMIN)) ||
		      ((caps & BIT(CAP_BPF)) && (caps & BIT(CAP_NET_ADMIN)));

	if (syscall(SYS_bpf, -1, NULL, 0) < 0 && errno == ENOSYS)
		ct_look_no(it,
			   "mount the devices controller of version 1, or set limit.devices = all",
			   "this kernel has no bpf()");
	else if (!rights || !f->host.initial_userns)
		ct_look_no(it,
			   "run as root; in a user namespace the payload has no rights over "
			   "devices anyway",
			   "a BPF program takes CAP_BPF and CAP_NET_ADMIN on the host itself");
	return it->state == CT_LOOK_NO;
}

static void no_place(const struct ct_look_facts *f, const struct ct_cg_tree *t,
		     struct ct_look_item *it)
{
	const char *hint = DELEGATE;
	int err = EACCES;

	if (!may_write(t, "", ""))
		err = errno;
	if (err == EROFS)
		hint = "have it mounted writable";
	ct_look_no(it, hint, "uid %u may make no group there (%s)", f->host.uid,
		   ct_errno_text(err));
}

/* Adds what carries it out. */
static void add_means(const struct limit *l, const struct ct_cg_tree *t, uint64_t arg,
		      struct ct_look_item *it)
{
	if (t->version == 2 && arg == CT_LIMIT_DEVICES)
		ct_buf_printf(&it->value, "BPF program on version 2 at %s", t->mount);
	else if (t->version == 2 && (l->bit & CT_CG_CORE))
		ct_buf_printf(&it->value, "version 2 at %s", t->mount);
	else
		ct_buf_printf(&it->value, "version %u %s at %s", t->version,
			      ct_cg_name(l->bit, t->version), t->mount);
	if (t->version == 1 && arg == CT_LIMIT_KILL)
		ct_buf_str(&it->value, ", process by process");
}

/* Whether the caller may use it in the hierarchy, and where. */
static void check_place(const struct ct_look_facts *f, const struct limit *l,
			const struct ct_cg_tree *t, struct ct_look_item *it)
{
	bool needs_controller = t->version == 2 && !(l->bit & CT_CG_CORE);
	enum place p = place_in(t);
	const char *dir = t->self;
	char words[512] = "";

	if (p == NOWHERE) {
		no_place(f, t, it);
		return;
	}
	if (p == AT_TOP)
		dir = "";
	if (p == IN_OWN && needs_controller)
		read_controllers(t, dir, words, sizeof(words));
	if (p == IN_OWN && needs_controller && !(l->bit & controller_bits(words)))
		ct_look_no(it,
			   "have it delegated, too: Delegate=yes in the unit, and the unit of "
			   "user@.service",
			   "the own group %s was not given this controller", dir);
	else if (needs_controller && is_busy(t, dir))
		ct_look_no(it, NOT_BUSY, "the group %s%s is " BUSY, t->mount, dir);
	else if (p == IN_OWN)
		ct_buf_str(&it->value, ", with cgroup.relative = 1");
}

/* arg: CT_LIMIT_*. */
void ct_look_cgroup_limit(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const struct limit *l = &limits[arg];
	const struct ct_cg_tree *t = NULL;

	if (l->two_first)
		t = ct_cg_serving(&f->cgroups, l->bit, 2);
	if (!t)
		t = ct_cg_serving(&f->cgroups, l->bit, 0);
	if (!t) {
		ct_look_no(it,
			   "mount cgroup2, or this controller of version 1; "
			   "the kernel's command line may have it disabled (cgroup_disable=)",
			   "no hierarchy has the %s controller here (layout %s)",
			   ct_cg_name(l->bit, 2), ct_cg_layout(&f->cgroups));
		return;
	}
	add_means(l, t, arg, it);
	if (lacks_files(l, t)) {
		ct_look_no(it, l->remedy, "%s", l->lack);
		return;
	}
	if (arg == CT_LIMIT_DEVICES && t->version == 2 && lacks_bpf(f, it))
		return;
	check_place(f, l, t, it);
}
