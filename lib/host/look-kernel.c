/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the report: kernel, namespaces, file systems, security. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <contain/contain.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "host/look.h"

/* Whether the kernel is supported. */
void ct_look_kernel(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *hint = NULL;

	(void)arg;
	ct_buf_str(&it->value, f->host.kernel_release);
	if (f->err.hint[0])
		hint = f->err.hint;
	if (f->probe_err < 0)
		ct_look_no(it, hint, "%s", f->err.reason);
	else if (!ct_host_at_least(&f->host, CT_HOST_KERNEL_MAJOR, CT_HOST_KERNEL_MINOR))
		ct_look_no(it, "update the kernel", "Linux %d.%d or newer is needed",
			   CT_HOST_KERNEL_MAJOR, CT_HOST_KERNEL_MINOR);
}

/* arg: CT_NS_*. */
void ct_look_namespace(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *why = "the kernel was built without it";

	if (f->host.namespaces & arg)
		return;
	if (f->probe_err < 0)
		why = "could not be looked at";
	ct_look_no(it, "use a kernel with it", "%s", why);
}

/* arg: CT_HOST_F_*. */
void ct_look_feature(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *name = "";

	if (ct_host_feature(&f->host, (uint32_t)arg, &name))
		return;
	if (f->probe_err < 0)
		ct_look_no(it, NULL, "could not be looked at");
	else if (f->host.filtered & arg)
		ct_look_no(it,
			   "let the filter of the service or engine around this process allow it",
			   "a seccomp filter on this process refuses %s", name);
	else
		ct_look_no(it, "use a kernel with it", "the kernel lacks %s", name);
}

/* arg: CT_EXTRA_*. */
void ct_look_extra(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const struct {
		bool there;
		const char *reason, *hint;
	} extras[] = {
		[CT_EXTRA_STATMOUNT] = { f->host.statmount, "the kernel lacks it",
					 "Linux 6.8 has it; without it the mount table is read as "
					 "text" },
		[CT_EXTRA_PIDFD_INFO] = { f->host.pidfd_info, "the kernel lacks it",
					  "Linux 6.15 has it; without it a status that another "
					  "waiter took is lost" },
		[CT_EXTRA_DETACHED] = { f->host.tree_of_detached, "the kernel lacks it",
					"Linux 6.15 has it; without it each such mount is made "
					"anew" },
		[CT_EXTRA_SCHED_CORE] = { f->host.sched_core,
					  "not built in, or the processors have no sibling threads",
					  "sched.core cannot be used" },
	};

	if (!extras[arg].there)
		ct_look_no(it, extras[arg].hint, "%s", extras[arg].reason);
}

/* The stage is executed from a memfd. */
void ct_look_memfd(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	/* by a call, not by the sysctl: that of a pid namespace above applies, too */
	CT_CLEAN_FD int fd = ct_memfd_create("ct-look", MFD_CLOEXEC | CT_MFD_EXEC);

	(void)f, (void)arg;
	if (fd == -EACCES)
		ct_look_no(it,
			   "set sysctl vm.memfd_noexec to 0 or 1, in this pid namespace and in "
			   "those above it",
			   "vm.memfd_noexec is 2: no program can be executed from memory");
}

/* Whether the kernel's own module lists name `module` ("overlay"). */
static bool has_module(const struct ct_look_facts *f, const char *module)
{
	const char *text = ct_buf_text(&f->modules), *s = text;
	size_t n = strlen(module);

	while ((s = strstr(s, module))) {
		if (s > text && s[-1] == '/' && strncmp(s + n, ".ko", 3) == 0)
			return true;
		s += n;
	}
	return false;
}

/* Whether /proc/filesystems names `fs`. */
static bool has_filesystem(const struct ct_look_facts *f, const char *fs)
{
	const char *s = ct_buf_text(&f->filesystems), *line;
	size_t n;

	while ((line = ct_look_line(&s, &n)))
		if (ct_look_word(line, n, "\t ", fs))
			return true;
	return false;
}

/* arg: CT_FS_*. */
void ct_look_filesystem(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	static const char *const names[CT_FS_N] = {
		[CT_FS_PROC] = "proc",	   [CT_FS_SYSFS] = "sysfs",   [CT_FS_TMPFS] = "tmpfs",
		[CT_FS_DEVPTS] = "devpts", [CT_FS_MQUEUE] = "mqueue", [CT_FS_OVERLAY] = "overlay",
		[CT_FS_FUSE] = "fuse",
	};

	if (has_filesystem(f, names[arg]))
		return;
	if (has_module(f, names[arg]))
		ct_buf_str(&it->value, "as a module, not loaded");
	else if (!f->filesystems.len)
		ct_look_no(it, "mount a procfs on /proc", "/proc/filesystems cannot be read");
	else
		ct_look_no(it, "use a kernel with it", "the kernel has no such file system");
}

/* The kernel lists no types of network devices, so this goes by its modules. */
void ct_look_veth(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	(void)arg;
	if (access("/sys/module/veth", F_OK) == 0 || has_module(f, "veth"))
		return;
	if (f->modules.len) {
		ct_look_no(it, "use a kernel with it", "the kernel has no veth devices");
		return;
	}
	it->state = CT_LOOK_INFO;
	ct_buf_str(&it->value, "cannot be told: no module list for this kernel under /lib/modules");
}

/* The security modules that are active. */
void ct_look_lsm(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	char text[256], on[8];

	(void)arg;
	it->state = CT_LOOK_INFO;
	if (ct_host_read("/sys/kernel/security/lsm", text, sizeof(text)) > 0) {
		ct_buf_str(&it->value, text);
		return;
	}
	if (ct_host_read("/sys/module/apparmor/parameters/enabled", on, sizeof(on)) > 0 &&
	    on[0] == 'Y')
		ct_buf_str(&it->value, "apparmor ");
	if (has_filesystem(f, "selinuxfs"))
		ct_buf_str(&it->value, "selinux ");
	if (it->value.len)
		ct_buf_str(&it->value, "(from other traces; ");
	else
		ct_buf_str(&it->value, "none seen (");
	ct_buf_str(&it->value, "securityfs is not mounted on /sys/kernel/security)");
}

/* Landlock and its version. */
void ct_look_landlock(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	int version = ct_landlock_abi();

	(void)f, (void)arg;
	if (version > 0)
		ct_buf_printf(&it->value, "version %d", version);
	else if (version == -EOPNOTSUPP)
		ct_look_no(it, "add landlock to lsm= on the kernel's command line",
			   "built in, but switched off at boot");
	else if (version == -EPERM)
		ct_look_no(it, NULL, "a seccomp filter on this process refuses it");
	else
		ct_look_no(it, "use a kernel with it", "the kernel lacks it");
}

/* The actions that a filter can have. */
void ct_look_seccomp(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	char text[256];

	(void)f, (void)arg;
	if (ct_host_read("/proc/sys/kernel/seccomp/actions_avail", text, sizeof(text)) > 0)
		ct_buf_str(&it->value, text);
	else
		ct_look_no(it, "use a kernel with it", "the kernel has no seccomp filters");
}
