/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile refuses what the container's mounts, capabilities and namespaces refuse already, by
 * another mechanism: the kernel's own knobs in /proc and /sys, wherever they are mounted from, and
 * mounts that would show them at another place. Rules that allow come first; those that deny win.
 */
#include "backend/apparmor/profile.h"

#include <stdio.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@"
#define FLAGS "rw, ro, nosuid, nodev, noexec, noatime, relatime, nodiratime, strictatime, silent"

void ct_aa_name(char buf[CT_AA_NAME_MAX + 1], const char *container, const char *mark)
{
	size_t n, keep = strlen(mark);

	snprintf(buf, CT_AA_NAME_MAX + 1, "%s%.*s", CT_AA_PREFIX, (int)(CT_AA_NAME_MAX / 2),
		 container);
	/* what stands behind an '@' is the mark's */
	for (char *p = buf + strlen(CT_AA_PREFIX); *p; p++)
		if (!strchr(NAME_CHARS, *p) || *p == '@')
			*p = '_';
	n = strlen(buf);
	if (n + keep <= CT_AA_NAME_MAX)
		memcpy(buf + n, mark, keep + 1);
}

bool ct_aa_is_ours(const char *name)
{
	size_t n = strlen(CT_AA_PREFIX);

	if (strncmp(name, CT_AA_PREFIX, n) != 0 || !name[n] || strlen(name) > CT_AA_NAME_MAX)
		return false;
	return !name[n + strspn(name + n, NAME_CHARS)];
}

/* What every container may do, as far as its capabilities go. */
static const char *const allowed[] = {
	"file,",
	"capability,",
	"network,",
	"unix,",
	"dbus,",
	"umount,",
	"pivot_root,",
	"signal (receive),",
	"ptrace (readby, tracedby),",
};

/* The kernel's own, wherever the file system is mounted. In /proc/sys the values of the container's
 * namespaces stay writable: kernel/hostname, domainname, shm*, msg*, sem*; fs/mqueue; net. */
static const char *const denied[] = {
	"/{,**/}sysrq-trigger rwklx,",
	"/{,**/}kcore rwklx,",
	"/proc/{mem,kmem,kmsg,keys,key-users,timer_list,timer_stats,sched_debug} rwklx,",
	"/proc/{acpi,asound,bus,dynamic_debug,fs,irq,mtrr,scsi}/** wklx,",
	"/proc/sys/[^fkn]** wklx,",
	"/proc/sys/fs/[^m]** wklx,",
	"/proc/sys/fs/m[^q]** wklx,",
	"/proc/sys/kernel/[^dhms]** wklx,",
	"/proc/sys/kernel/d[^o]** wklx,",
	"/proc/sys/kernel/h[^o]** wklx,",
	"/proc/sys/kernel/ho[^s]** wklx,",
	"/proc/sys/kernel/m[^s]** wklx,",
	"/proc/sys/kernel/s[^eh]** wklx,",
	"/proc/sys/kernel/se[^m]** wklx,",
	"/sys/firmware/** rwklx,",
	"/sys/kernel/{debug,security,tracing}/** rwklx,",
	"/sys/kernel/[^s]** wklx,",
	"/sys/kernel/s[^e]** wklx,",
	"/sys/[^cdfk]** wklx,",
	"/sys/fs/[^c]** wklx,",
	"/{,**/}release_agent wklx,",
};

/* Mounts that show neither /proc nor /sys at another place. The kernel looks at no other option of
 * a bind mount. */
static const char *const mounts[] = {
	"mount fstype=(tmpfs, ramfs, devpts, mqueue, hugetlbfs, overlay, fuse, fuse.*, fusectl),",
	"mount fstype=(cgroup, cgroup2),",
	"mount fstype=proc -> /proc/,",
	"mount fstype=sysfs -> /sys/,",
	"mount options=(make-private) -> /{,**},",
	"mount options=(make-rprivate) -> /{,**},",
	"mount options=(make-slave) -> /{,**},",
	"mount options=(make-rslave) -> /{,**},",
	"mount options=(make-shared) -> /{,**},",
	"mount options=(make-rshared) -> /{,**},",
	"mount options=(make-unbindable) -> /{,**},",
	"mount options=(make-runbindable) -> /{,**},",
	"mount options=(rw, bind) /{[^ps]**,p[^r]**,s[^y]**} -> /{,**},",
	"mount options=(rw, rbind) /{[^ps]**,p[^r]**,s[^y]**} -> /{,**},",
	"mount options=(rw, move) /{[^ps]**,p[^r]**,s[^y]**} -> /{,**},",
	"remount options in (bind, " FLAGS ") /{,[^ps]**,p[^r]**,s[^y]**},",
};

/* Inner containers have mounts of any kind. Their processes have this profile, too. */
static const char *const nested[] = {
	"mount,",
};

static void add_all(struct ct_buf *out, const char *what, const char *const *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ct_buf_printf(out, "  %s%s\n", what, rules[i]);
}
#define ADD(out, what, list) add_all(out, what, list, sizeof(list) / sizeof(*(list)))

int ct_aa_profile(const struct ct_spec *spec, const char *name, struct ct_buf *out)
{
	ct_buf_printf(out, "profile \"%s\" flags=(attach_disconnected,mediate_deleted) {\n", name);
	ADD(out, "", allowed);
	ct_buf_printf(out, "  signal peer=\"%s\",\n  ptrace peer=\"%s\",\n", name, name);
	ADD(out, "deny ", denied);
	if (spec->apparmor_nesting)
		ADD(out, "", nested);
	else
		ADD(out, "", mounts);
	for (uint32_t i = 0; i < spec->apparmor_raw.n; i++)
		ct_buf_printf(out, "  %s\n", spec->apparmor_raw.v[i].value);
	ct_buf_str(out, "}\n");
	return ct_buf_error(out);
}
