/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The preflight report: the table of what is probed, and its two formats. It changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include <contain/contain.h>

#include "base/fd.h"
#include "host/host.h"
#include "host/look.h"

#define MAX_FILE (4u << 20)

static const struct ct_look looks[] = {
	{ "kernel", "version", true, ct_look_kernel, 0 },
	{ "kernel", "openat2", true, ct_look_feature, CT_HOST_F_OPENAT2 },
	{ "kernel", "mount api", true, ct_look_feature, CT_HOST_F_MOUNT_API },
	{ "kernel", "mount_setattr", true, ct_look_feature, CT_HOST_F_MOUNT_SETATTR },
	{ "kernel", "clone3", true, ct_look_feature, CT_HOST_F_CLONE3 },
	{ "kernel", "pidfd", true, ct_look_feature, CT_HOST_F_PIDFD },
	{ "kernel", "close_range", true, ct_look_feature, CT_HOST_F_CLOSE_RANGE },
	{ "kernel", "programs in memory", true, ct_look_memfd, 0 },
	{ "kernel", "statmount", false, ct_look_extra, CT_EXTRA_STATMOUNT },
	{ "kernel", "exit status by pidfd", false, ct_look_extra, CT_EXTRA_PIDFD_INFO },
	{ "kernel", "clone of a detached tree", false, ct_look_extra, CT_EXTRA_DETACHED },
	{ "kernel", "core scheduling", false, ct_look_extra, CT_EXTRA_SCHED_CORE },

/* first those that every container has, then the others */
#define NEEDED(...) __VA_ARGS__,
#define OPTIONAL(...)
#define CT_NAMESPACE(bit, clone, name, alias, how) \
	how({ "namespaces", name, true, ct_look_namespace, CT_NS_##bit })
#include "shared/namespaces.def"
#undef NEEDED
#undef OPTIONAL
#define NEEDED(...)
#define OPTIONAL(...) __VA_ARGS__,
#define CT_NAMESPACE(bit, clone, name, alias, how) \
	how({ "namespaces", name, false, ct_look_namespace, CT_NS_##bit })
#include "shared/namespaces.def"
#undef NEEDED
#undef OPTIONAL

	{ "rights", "privilege", true, ct_look_rights, 0 },
	{ "rights", "capabilities", false, ct_look_bounding, 0 },
	{ "rights", "user namespaces", false, ct_look_userns, 0 },
	{ "rights", "own /proc in them", false, ct_look_proc_whole, 0 },
	{ "rights", "subuid range", false, ct_look_subid, 'u' },
	{ "rights", "subgid range", false, ct_look_subid, 'g' },
	{ "rights", "newuidmap", false, ct_look_idmap_tool, 'u' },
	{ "rights", "newgidmap", false, ct_look_idmap_tool, 'g' },

	{ "directories", "state", true, ct_look_directory, CT_DIR_STATE },
	{ "directories", "containers", false, ct_look_directory, CT_DIR_CONTAINERS },

	{ "file systems", "proc", true, ct_look_filesystem, CT_FS_PROC },
	{ "file systems", "sysfs", true, ct_look_filesystem, CT_FS_SYSFS },
	{ "file systems", "tmpfs", true, ct_look_filesystem, CT_FS_TMPFS },
	{ "file systems", "devpts", true, ct_look_filesystem, CT_FS_DEVPTS },
	{ "file systems", "mqueue", false, ct_look_filesystem, CT_FS_MQUEUE },
	{ "file systems", "overlay", false, ct_look_filesystem, CT_FS_OVERLAY },
	{ "file systems", "fuse", false, ct_look_filesystem, CT_FS_FUSE },
	{ "network", "veth", false, ct_look_veth, 0 },

	{ "cgroups", "layout", false, ct_look_cgroup_layout, 0 },
	{ "cgroups", "controllers", false, ct_look_cgroup_controllers, 0 },
	{ "cgroups", "groups", false, ct_look_cgroup_groups, 0 },
	{ "cgroups", "own group", false, ct_look_cgroup_own, 0 },
	{ "cgroups", "limit.memory", false, ct_look_cgroup_limit, CT_LIMIT_MEMORY },
	{ "cgroups", "limit.swap", false, ct_look_cgroup_limit, CT_LIMIT_SWAP },
	{ "cgroups", "limit.pids", false, ct_look_cgroup_limit, CT_LIMIT_PIDS },
	{ "cgroups", "limit.cpu", false, ct_look_cgroup_limit, CT_LIMIT_CPU },
	{ "cgroups", "limit.cpuset", false, ct_look_cgroup_limit, CT_LIMIT_CPUSET },
	{ "cgroups", "limit.io.max", false, ct_look_cgroup_limit, CT_LIMIT_IO_MAX },
	{ "cgroups", "limit.io.weight", false, ct_look_cgroup_limit, CT_LIMIT_IO_WEIGHT },
	{ "cgroups", "limit.hugetlb", false, ct_look_cgroup_limit, CT_LIMIT_HUGETLB },
	{ "cgroups", "limit.rdma", false, ct_look_cgroup_limit, CT_LIMIT_RDMA },
	{ "cgroups", "limit.misc", false, ct_look_cgroup_limit, CT_LIMIT_MISC },
	{ "cgroups", "limit.devices", false, ct_look_cgroup_limit, CT_LIMIT_DEVICES },
	{ "cgroups", "limit.cputime", false, ct_look_cgroup_limit, CT_LIMIT_CPUTIME },
	{ "cgroups", "freeze", false, ct_look_cgroup_limit, CT_LIMIT_FREEZE },
	{ "cgroups", "kill of a whole tree", false, ct_look_cgroup_limit, CT_LIMIT_KILL },

	{ "security", "modules", false, ct_look_lsm, 0 },
	{ "security", "landlock", false, ct_look_landlock, 0 },
	{ "security", "seccomp", false, ct_look_seccomp, 0 },
};
#define N_LOOKS (sizeof(looks) / sizeof(looks[0]))

static void facts_free(struct ct_look_facts *f)
{
	ct_buf_free(&f->mountinfo);
	ct_buf_free(&f->filesystems);
	ct_buf_free(&f->modules);
	ct_arena_free(f->arena);
}

/* Adds the kernel's list of modules called `list` ("modules.dep") to f->modules. */
static void read_modules(struct ct_look_facts *f, const char *list)
{
	CT_CLEAN_BUF struct ct_buf path = CT_BUF_INIT, text = CT_BUF_INIT;

	ct_buf_printf(&path, "/lib/modules/%s/%s", f->host.kernel_release, list);
	ct_look_slurp(ct_buf_text(&path), MAX_FILE, &text);
	ct_buf_str(&f->modules, ct_buf_text(&text));
}

static int facts_read(struct ct_look_facts *f)
{
	int r;

	ct_err_clear(&f->err);
	f->probe_err = ct_host_probe(&f->host, &f->err);
	ct_look_slurp("/proc/self/mountinfo", MAX_FILE, &f->mountinfo);
	ct_look_slurp("/proc/filesystems", MAX_FILE, &f->filesystems);
	r = ct_look_cgroups(f);
	if (r < 0 || !f->host.kernel_release[0])
		return r;
	/* those built in, and those that are loaded when they are needed */
	read_modules(f, "modules.builtin");
	read_modules(f, "modules.dep");
	return 0;
}

static const char *state_word(const struct ct_look *l, const struct ct_look_item *it)
{
	switch (it->state) {
	case CT_LOOK_YES:
		return "yes";
	case CT_LOOK_NO:
		if (l->needed)
			return "MISSING";
		return "no";
	default:
		return "-";
	}
}

static void print_text(const struct ct_look *l, const struct ct_look_item *it, bool new_group,
		       struct ct_buf *out)
{
	if (new_group)
		ct_buf_printf(out, "\n%s\n", l->group);
	ct_buf_printf(out, "  %-7s  ", state_word(l, it));
	if (it->value.len || it->reason.len)
		ct_buf_printf(out, "%-24s ", l->name);
	else
		ct_buf_str(out, l->name);
	ct_buf_str(out, ct_buf_text(&it->value));
	if (it->value.len && it->reason.len)
		ct_buf_str(out, ": ");
	ct_buf_str(out, ct_buf_text(&it->reason));
	if (it->hint.len)
		ct_buf_printf(out, ". Hint: %s", ct_buf_text(&it->hint));
	ct_buf_char(out, '\n');
}

static void print_json(const struct ct_look *l, const struct ct_look_item *it, bool first,
		       struct ct_buf *out)
{
	static const char *const states[] = { "yes", "no", "info" };
	const struct {
		const char *name, *text;
	} fields[] = {
		{ "name", l->name },
		{ "state", states[it->state] },
		{ "value", ct_buf_text(&it->value) },
		{ "reason", ct_buf_text(&it->reason) },
		{ "hint", ct_buf_text(&it->hint) },
	};

	if (!first)
		ct_buf_char(out, ',');
	ct_buf_str(out, "\n    {\"group\": ");
	ct_buf_json(out, l->group);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		ct_buf_printf(out, ", \"%s\": ", fields[i].name);
		ct_buf_json(out, fields[i].text);
	}
	ct_buf_printf(out, ", \"needed\": %s}", l->needed ? "true" : "false");
}

/* Probes row i and adds it to `out`. Returns 1 when it is required and missing. */
static int one_row(const struct ct_look_facts *f, size_t i, int format, struct ct_buf *out)
{
	const struct ct_look *l = &looks[i];
	struct ct_look_item it = { CT_LOOK_YES, CT_BUF_INIT, CT_BUF_INIT, CT_BUF_INIT };
	int missing;

	l->look(f, l->arg, &it);
	if (format == CT_FORMAT_JSON)
		print_json(l, &it, i == 0, out);
	else
		print_text(l, &it, i == 0 || strcmp(l->group, looks[i - 1].group) != 0, out);
	missing = l->needed && it.state == CT_LOOK_NO;
	ct_buf_free(&it.value);
	ct_buf_free(&it.reason);
	ct_buf_free(&it.hint);
	return missing;
}

int ct_host_report(int format, struct ct_buf *out)
{
	__attribute__((cleanup(facts_free))) struct ct_look_facts f = { 0 };
	CT_CLEAN_BUF struct ct_buf rows = CT_BUF_INIT;
	int missing = 0;

	if (format != CT_FORMAT_TEXT && format != CT_FORMAT_JSON)
		return -EINVAL;
	if (facts_read(&f) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < N_LOOKS; i++)
		missing += one_row(&f, i, format, &rows);
	if (format == CT_FORMAT_JSON)
		ct_buf_printf(out, "{\n  \"missing\": %d,\n  \"items\": [%s\n  ]\n}\n", missing,
			      ct_buf_text(&rows));
	else if (missing == 1)
		ct_buf_printf(out, "1 thing that a default container needs is missing.\n%s",
			      ct_buf_text(&rows));
	else if (missing)
		ct_buf_printf(out, "%d things that a default container needs are missing.\n%s",
			      missing, ct_buf_text(&rows));
	else
		ct_buf_printf(out, "A default container can run here.\n%s", ct_buf_text(&rows));
	if (ct_buf_error(&rows) || ct_buf_error(out))
		return -ENOMEM;
	return missing;
}
