/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of ct_audit(), one row for each weakness. A row says how serious it is where root of
 * the container is root of the host, and where a user namespace keeps the two apart; the levels
 * are explained at CT_SEVERITY_* in the public header. Names are for programs, and stay.
 */
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "run/protect/audit.h"

#define LOW CT_SEVERITY_LOW
#define MEDIUM CT_SEVERITY_MEDIUM
#define HIGH CT_SEVERITY_HIGH
#define CRITICAL CT_SEVERITY_CRITICAL

#define SET CT_MEND_SET
#define ADD CT_MEND_ADD
#define REMOVE CT_MEND_REMOVE
#define OPTION CT_MEND_OPTION
#define FILE_ CT_MEND_FILE

#define BIT(name) CT_CAP_BIT(CAP_##name)
#define NAMED_CAPS (CT_CAP_BIT(CAP_LAST_CAP + 1) - 1)
/* a capability that counts only without a user namespace */
#define CAPS(name, severity, bits, text)                                                \
	{                                                                               \
		name, severity, 0, ct_look_cap, bits, NULL, text, SET, "cap.keep", NULL \
	}
/* ids of the host: the first, and how many */
#define IDS(first, count) ((uint64_t)(count) << 32 | (first))

static const struct ct_rule rules[] = {
	/* who root is */
	{ "userns-none", HIGH, MEDIUM, ct_look_no_userns, 0, NULL,
	  "there is no user namespace: root of the container is root of the host, and only "
	  "capabilities, the filter and the list of devices stand between",
	  ADD, "idmap", "u 0 100000 65536; g 0 100000 65536" },
	{ "idmap-root", CRITICAL, CRITICAL, ct_look_maps, IDS(0, 1), NULL,
	  "an id of the container is root of the host, or its group", REMOVE, "idmap", NULL },
	{ "idmap-system", HIGH, HIGH, ct_look_maps, IDS(1, 999), NULL,
	  "ids of the container are those of services of the host", REMOVE, "idmap", NULL },
	{ "idmap-caller", MEDIUM, MEDIUM, ct_look_maps, 0, "caller",
	  "an id of the container is that of the user who starts it: what belongs to that user "
	  "belongs to the payload, too",
	  REMOVE, "idmap", NULL },

	/* namespaces that are the host's */
	{ "ns-pid", CRITICAL, MEDIUM, ct_look_kept_ns, CT_NS_PID, NULL,
	  "the processes of the host are seen from inside, and root can end them", REMOVE, NULL,
	  NULL },
	{ "ns-net", HIGH, MEDIUM, ct_look_kept_ns, CT_NS_NET, NULL,
	  "the network of the host is the container's: its abstract sockets and what listens on "
	  "its loopback can be reached",
	  REMOVE, NULL, NULL },
	{ "ns-ipc", MEDIUM, MEDIUM, ct_look_kept_ns, CT_NS_IPC, NULL,
	  "shared memory and message queues of the host can be reached", REMOVE, NULL, NULL },
	{ "ns-cgroup", LOW, LOW, ct_look_kept_ns, CT_NS_CGROUP, NULL,
	  "the place of the container's groups on the host is seen, and a hierarchy that it mounts "
	  "begins at the host's top",
	  REMOVE, NULL, NULL },
	{ "ns-uts", LOW, LOW, ct_look_kept_ns, CT_NS_UTS, NULL, "the host name is the host's",
	  REMOVE, NULL, NULL },
	{ "ns-user-shared", MEDIUM, MEDIUM, ct_look_shared_ns, CT_NS_USER, NULL,
	  "root of the container has the rights of root in another one", REMOVE, NULL, NULL },
	{ "ns-pid-shared", HIGH, MEDIUM, ct_look_shared_ns, CT_NS_PID, NULL,
	  "processes are shared with others, who can end them and be looked into", REMOVE, NULL,
	  NULL },
	{ "ns-shared", LOW, LOW, ct_look_shared_ns,
	  CT_NS_NET | CT_NS_IPC | CT_NS_UTS | CT_NS_CGROUP, NULL,
	  "a namespace is shared with others, who need not be confined as this one is", REMOVE,
	  NULL, NULL },

	/* capabilities over the host */
	CAPS("cap-sys-admin", CRITICAL, BIT(SYS_ADMIN),
	     "CAP_SYS_ADMIN takes away what hides and protects /proc, and with it the host"),
	CAPS("cap-sys-module", CRITICAL, BIT(SYS_MODULE),
	     "CAP_SYS_MODULE loads code into the host's kernel"),
	CAPS("cap-sys-rawio", CRITICAL, BIT(SYS_RAWIO),
	     "CAP_SYS_RAWIO reaches the host's memory and devices"),
	CAPS("cap-dac-read-search", CRITICAL, BIT(DAC_READ_SEARCH),
	     "CAP_DAC_READ_SEARCH opens by its handle any file of a file system of which the "
	     "container has a part"),
	CAPS("cap-bpf", HIGH, BIT(BPF) | BIT(PERFMON),
	     "CAP_BPF and CAP_PERFMON look into other processes and the kernel"),
	{ "cap-sys-boot", HIGH, 0, ct_look_cap, BIT(SYS_BOOT), "kexec",
	  "CAP_SYS_BOOT loads another kernel for the host, or restarts it", SET, "cap.keep", NULL },
	CAPS("cap-mac", HIGH, BIT(MAC_ADMIN) | BIT(MAC_OVERRIDE),
	     "CAP_MAC_ADMIN and CAP_MAC_OVERRIDE change, or pass over, the rules of security "
	     "modules"),
	{ "cap-audit-control", HIGH, 0, ct_look_cap, BIT(AUDIT_CONTROL), "pid",
	  "CAP_AUDIT_CONTROL turns the host's audit off", SET, "cap.keep", NULL },
	CAPS("cap-sys-ptrace", MEDIUM, BIT(SYS_PTRACE),
	     "CAP_SYS_PTRACE looks into all processes that are seen, also into programs that are "
	     "attached"),
	CAPS("cap-net-admin", MEDIUM, BIT(NET_ADMIN),
	     "CAP_NET_ADMIN changes networks, and reaches much code of the kernel"),
	CAPS("cap-sys-time", MEDIUM, BIT(SYS_TIME), "CAP_SYS_TIME sets the host's clock"),
	CAPS("cap-syslog", MEDIUM, BIT(SYSLOG),
	     "CAP_SYSLOG reads the kernel's messages, with "
	     "addresses"),
	CAPS("cap-sys-resource", MEDIUM, BIT(SYS_RESOURCE),
	     "CAP_SYS_RESOURCE passes over quotas and resource limits"),
	CAPS("cap-checkpoint", MEDIUM, BIT(CHECKPOINT_RESTORE),
	     "CAP_CHECKPOINT_RESTORE chooses process ids and reads memory maps"),
	{ "cap-audit-read", MEDIUM, 0, ct_look_cap, BIT(AUDIT_READ), "net",
	  "CAP_AUDIT_READ reads the host's audit", SET, "cap.keep", NULL },
	CAPS("cap-sys-tty-config", MEDIUM, BIT(SYS_TTY_CONFIG),
	     "CAP_SYS_TTY_CONFIG changes terminals of the host that it gets hold of"),
	CAPS("cap-unknown", MEDIUM, ~NAMED_CAPS,
	     "a capability is kept that is younger than this library"),
	CAPS("cap-mknod", LOW, BIT(MKNOD),
	     "CAP_MKNOD makes device nodes in the root directory, where users of the host may find "
	     "them"),
	CAPS("cap-net-raw", LOW, BIT(NET_RAW), "CAP_NET_RAW sends forged packets"),
	CAPS("cap-sched", LOW, BIT(SYS_NICE) | BIT(IPC_LOCK),
	     "CAP_SYS_NICE and CAP_IPC_LOCK take the host's processors and memory"),
	CAPS("cap-power", LOW, BIT(WAKE_ALARM) | BIT(BLOCK_SUSPEND),
	     "CAP_WAKE_ALARM and CAP_BLOCK_SUSPEND keep the host awake"),
	CAPS("cap-files", LOW, BIT(LINUX_IMMUTABLE) | BIT(LEASE),
	     "CAP_LINUX_IMMUTABLE and CAP_LEASE hold up others who work with files that it has"),
	{ "cap-inheritable", LOW, LOW, ct_look_inheritable, 0, NULL,
	  "inheritable capabilities come back by programs whose files have them", REMOVE,
	  "cap.inheritable", NULL },

	/* filter, no_new_privs, labels, keys */
	{ "seccomp-none", HIGH, MEDIUM, ct_look_filter, 0, NULL,
	  "no filter of system calls: all code of the kernel is within reach", SET,
	  "seccomp.profile", "default" },
	{ "seccomp-denylist", MEDIUM, LOW, ct_look_denylist, 0, NULL,
	  "the filter refuses what it names and lets all else pass, also calls of later kernels",
	  SET, "seccomp.profile", "default" },
	{ "seccomp-calls", MEDIUM, LOW, ct_look_calls, 0,
	  "add_key bpf io_uring_setup kexec_load keyctl open_by_handle_at perf_event_open "
	  "request_key userfaultfd",
	  "the filter lets calls pass behind which many faults of the kernel were found", SET,
	  "seccomp.profile", "default" },
	{ "no-new-privs", MEDIUM, LOW, ct_look_privs, 0, NULL,
	  "set-user-ID programs and file capabilities of the root directory give rights beyond "
	  "those that a program has",
	  SET, "no_new_privs", "1" },
	{ "proxy-abstract", MEDIUM, MEDIUM, ct_look_value, 0, "unix:@*",
	  "anyone in this network namespace can take the name of an abstract socket, and answer "
	  "the calls in place of the proxy",
	  REMOVE, "seccomp.notify.proxy", NULL },
	{ "apparmor-unconfined", MEDIUM, LOW, ct_look_value, 0, "unconfined",
	  "the AppArmor profile of who starts it is taken off", SET, "apparmor.profile",
	  "unchanged" },
	{ "apparmor-nesting", MEDIUM, LOW, ct_look_value, 0, "1",
	  "the AppArmor profile lets containers run inside, with all mounts that they need", SET,
	  "apparmor.allow_nesting", "0" },
	{ "selinux-unconfined", MEDIUM, LOW, ct_look_value, 0, "*unconfined_t*",
	  "the SELinux domain is one that is not confined", SET, "selinux.context",
	  "system_u:system_r:container_t:s0" },
	{ "label-apparmor", LOW, 0, ct_look_label, CT_AUDIT_APPARMOR, "AppArmor",
	  "this host has a security module, and the container no label", SET, "apparmor.profile",
	  "generated" },
	{ "label-selinux", LOW, 0, ct_look_label, CT_AUDIT_SELINUX, "SELinux",
	  "this host has a security module, and the container no label", SET, "selinux.context",
	  "system_u:system_r:container_t:s0" },
	{ "keyring-shared", MEDIUM, LOW, ct_look_keyring, 0, NULL,
	  "the session keyring of who starts it, with the keys in it, is the payload's", SET,
	  "keyring.session", "1" },

	/* devices */
	{ "devices-all", CRITICAL, 0, ct_look_devices, 'a', NULL,
	  "all devices of the host may be opened, its disks and memory among them", SET,
	  "limit.devices", "default" },
	{ "devices-memory", CRITICAL, 0, ct_look_devices, 'c', NULL,
	  "the host's memory or ports may be opened as a device", SET, "limit.devices", "default" },
	{ "devices-block", HIGH, 0, ct_look_devices, 'b', NULL,
	  "block devices of the host may be opened", SET, "limit.devices", "default" },
	{ "autodev-off", LOW, 0, ct_look_value, 0, "0",
	  "/dev and its nodes are those of the root directory", SET, "autodev", "1" },

	/* /proc, /sys, cgroups */
	{ "proc-rw", CRITICAL, LOW, ct_look_auto, 0, "proc",
	  "nothing of /proc is hidden or read-only: /proc/sys/kernel/core_pattern names a program "
	  "that the host runs",
	  SET, "mount.auto", NULL },
	{ "sys-rw", CRITICAL, LOW, ct_look_auto, 0, "sys",
	  "nothing of /sys is hidden or read-only: it changes devices and the kernel of the host",
	  SET, "mount.auto", NULL },
	{ "shmounts", LOW, LOW, ct_look_auto, 0, "shmounts",
	  "mounts that the host makes later come into the container", SET, "mount.auto", NULL },
	{ "cgroup-full-rw", HIGH, LOW, ct_look_auto_cgroup, 1, NULL,
	  "groups of the host, beside and above the container's own, can be written to", SET,
	  "mount.auto", NULL },
	{ "cgroup-rw", LOW, 0, ct_look_auto_cgroup, 0, NULL,
	  "the container can make and change groups, which the kernel keeps memory for", SET,
	  "mount.auto", NULL },
	{ "cgroup-own-limits", MEDIUM, MEDIUM, ct_look_own_limits, 0, NULL,
	  "the payload may write to the group that carries its limits", SET,
	  "cgroup.dir.container.inner", "inner" },

	/* the root directory */
	{ "rootfs-host-rw", CRITICAL, HIGH, ct_look_host_root, 1, NULL,
	  "the root directory is the host's, and can be written to", SET, "rootfs.readonly", "1" },
	{ "rootfs-host", HIGH, LOW, ct_look_host_root, 0, NULL,
	  "the root directory is the host's, with all files that the payload's user may read",
	  REMOVE, "rootfs.path", NULL },
	{ "rootfs-reachable", MEDIUM, 0, ct_look_root_files, 0, NULL,
	  "users of the host can reach the root directory, and execute what the container's root "
	  "leaves there with a set-user-ID bit",
	  FILE_, "rootfs.path", NULL },
	{ "rootfs-others", HIGH, HIGH, ct_look_root_owner, 0, NULL,
	  "other users of the host may change the root directory, or put another in its place",
	  FILE_, "rootfs.path", NULL },

	/* mounts: those of places are below */
	{ "mount-master", CRITICAL, HIGH, ct_look_mount_file, 0, "master",
	  "who can speak with this socket gets the host to do anything", REMOVE, NULL, NULL },
	{ "mount-socket", MEDIUM, MEDIUM, ct_look_mount_file, S_IFSOCK, NULL,
	  "a program of the host listens on this socket", REMOVE, NULL, NULL },
	{ "mount-disk", HIGH, MEDIUM, ct_look_mount_file, S_IFBLK, NULL,
	  "a block device of the host is bound into the container", REMOVE, NULL, NULL },
	{ "mount-memory", CRITICAL, MEDIUM, ct_look_mount_file, S_IFCHR, NULL,
	  "the host's memory or ports are bound into the container", REMOVE, NULL, NULL },
	{ "mount-options", MEDIUM, LOW, ct_look_mount_options, 0, NULL,
	  "set-user-ID programs and device nodes in a directory of the host have their effect, and "
	  "the container can make more of them",
	  OPTION, NULL, NULL },
	{ "mount-shared", HIGH, LOW, ct_look_mount_shared, 0, NULL,
	  "what is mounted there in the container may be mounted on the host, too", REMOVE, NULL,
	  NULL },
	{ "mount-devtmpfs", CRITICAL, LOW, ct_look_mount_type, 0, "devtmpfs",
	  "it has the nodes of all devices of the host", REMOVE, NULL, NULL },
	{ "mount-kernel", CRITICAL, LOW, ct_look_mount_type, 1, "proc sysfs binfmt_misc configfs",
	  "a file system of the kernel's is mounted whole and writable, with what is hidden or "
	  "read-only by default",
	  OPTION, NULL, "ro" },
	{ "mount-debug", HIGH, LOW, ct_look_mount_type, 0,
	  "debugfs tracefs securityfs efivarfs bpf pstore",
	  "a file system of the kernel's that is the host's as a whole is mounted", REMOVE, NULL,
	  NULL },
	{ "mount-cgroup", HIGH, LOW, ct_look_mount_type, 1, "cgroup cgroup2",
	  "a hierarchy of cgroups is mounted writable; mount.auto gives the container's own part",
	  OPTION, NULL, "ro" },

	/* programs and files of the host */
	{ "config-others", CRITICAL, CRITICAL, ct_look_config_files, 0, NULL,
	  "other users of the host may change the config, and with it what is started with the "
	  "caller's rights",
	  FILE_, NULL, NULL },
	{ "hook-others", CRITICAL, CRITICAL, ct_look_hook_files, 0, NULL,
	  "other users of the host may change the hook's program, which runs with the caller's "
	  "rights",
	  FILE_, NULL, NULL },
	{ "hook-inside", CRITICAL, CRITICAL, ct_look_hook_inside, 0, NULL,
	  "the container may change the hook's program, which runs with the caller's rights",
	  REMOVE, NULL, NULL },
	{ "hook-host", LOW, LOW, ct_look_hooks, 0, NULL,
	  "a program of the host runs with the caller's rights, and is not confined", REMOVE, NULL,
	  NULL },

	/* what is handed over */
	{ "terminal-shared", MEDIUM, 0, ct_look_terminal, BIT(SYS_ADMIN), NULL,
	  "the payload has the caller's terminal; CAP_SYS_ADMIN could put input into it", SET,
	  "CT_START_PTY", "" },
	{ "directory-handed", HIGH, HIGH, ct_look_fds, 0, NULL,
	  "a directory of the host is handed over: by its \"..\" the payload leaves its root",
	  REMOVE, "keep_fds", NULL },
	{ "console-terminal", LOW, LOW, ct_look_value, 0, "/dev/*",
	  "what the payload prints goes to a terminal of the host, with its control characters",
	  REMOVE, "console.path", NULL },
	{ "environment-secret", LOW, LOW, ct_look_secret, 0, NULL,
	  "a secret in the environment is read by all programs of the container", REMOVE, NULL,
	  NULL },

	/* limits */
	{ "limit-memory", LOW, LOW, ct_look_limit, 0, NULL,
	  "the container may take all memory of the host", SET, "limit.memory", "1G" },
	{ "limit-pids", LOW, LOW, ct_look_limit, 0, NULL,
	  "the container may take all process ids of the host", SET, "limit.pids", "1000" },
	{ "limit-cpu", LOW, LOW, ct_look_limit, 0, NULL,
	  "the container may take all processors of the host", SET, "limit.cpu", "1" },
	{ "limit-tried", LOW, LOW, ct_look_tried, 0, NULL,
	  "the container starts also where this limit cannot be had", SET, NULL, NULL },
	{ "oom-protected", LOW, LOW, ct_look_negative, 0, NULL,
	  "when memory runs out the kernel kills others before it", REMOVE, "proc.oom_score_adj",
	  NULL },
	{ "nice-negative", LOW, LOW, ct_look_negative, 0, NULL,
	  "it goes before others of the host where processors are scarce", REMOVE, "init.nice",
	  NULL },
	{ "realtime", LOW, LOW, ct_look_prlimit, 0, "rtprio",
	  "its programs may run with real-time priority, before all others of the host", REMOVE,
	  "prlimit.rtprio", NULL },
	{ "outlives", LOW, LOW, ct_look_value, 0, "0",
	  "it lives on when its supervisor is killed, without the limits that that one keeps", SET,
	  "monitor.signal.pdeath", "SIGKILL" },
	{ "sysctl-routing", LOW, LOW, ct_look_sysctl, 0, "net.ipv[46].conf.*.accept_source_route",
	  "packets may name their own way", REMOVE, NULL, NULL },
	{ "sysctl-redirects", LOW, LOW, ct_look_sysctl, 0, "net.ipv[46].conf.*.accept_redirects",
	  "neighbours may change its routes", REMOVE, NULL, NULL },
};

/* Directories of the host, the nearer ones first. A name without a slash may be anywhere. */
static const struct ct_place places[] = {
	{ "mount-root", "/", false, CRITICAL, HIGH, HIGH, MEDIUM,
	  "the whole of the host's files is bound into the container" },
	{ "mount-cgroup", "/sys/fs/cgroup", true, CRITICAL, MEDIUM, LOW, LOW,
	  "groups of the host are bound into the container" },
	{ "mount-proc", "/proc", true, CRITICAL, MEDIUM, HIGH, MEDIUM,
	  "the host's /proc, with its processes, is bound into the container" },
	{ "mount-sys", "/sys", true, CRITICAL, MEDIUM, MEDIUM, LOW,
	  "the host's /sys is bound into the container" },
	{ "mount-dev", "/dev", false, CRITICAL, MEDIUM, HIGH, MEDIUM,
	  "all devices of the host are bound into the container" },
	{ "mount-run", "/run", false, CRITICAL, HIGH, HIGH, HIGH,
	  "sockets and state of the host's services are bound into the container" },
	{ "mount-etc", "/etc", false, CRITICAL, HIGH, MEDIUM, LOW,
	  "the host's configuration is bound into the container" },
	{ "mount-boot", "/boot", true, CRITICAL, HIGH, LOW, LOW,
	  "the host's kernel is bound into the container" },
	{ "mount-programs", "/usr", true, CRITICAL, HIGH, 0, 0,
	  "programs that the host runs can be written to" },
	{ "mount-programs", "/bin", true, CRITICAL, HIGH, 0, 0,
	  "programs that the host runs can be written to" },
	{ "mount-programs", "/sbin", true, CRITICAL, HIGH, 0, 0,
	  "programs that the host runs can be written to" },
	{ "mount-programs", "/lib", true, CRITICAL, HIGH, 0, 0,
	  "programs that the host runs can be written to" },
	{ "mount-programs", "/lib64", true, CRITICAL, HIGH, 0, 0,
	  "programs that the host runs can be written to" },
	{ "mount-secrets", ".ssh", false, HIGH, HIGH, MEDIUM, MEDIUM,
	  "keys of a user of the host are bound into the container" },
	{ "mount-secrets", ".gnupg", false, HIGH, HIGH, MEDIUM, MEDIUM,
	  "keys of a user of the host are bound into the container" },
	{ "mount-secrets", ".aws", false, HIGH, HIGH, MEDIUM, MEDIUM,
	  "keys of a user of the host are bound into the container" },
	{ "mount-secrets", ".kube", false, HIGH, HIGH, MEDIUM, MEDIUM,
	  "keys of a user of the host are bound into the container" },
	{ "mount-homes", "/root", false, CRITICAL, HIGH, MEDIUM, MEDIUM,
	  "files of the host's users are bound into the container" },
	{ "mount-homes", "/home", false, HIGH, HIGH, MEDIUM, MEDIUM,
	  "files of the host's users are bound into the container" },
	{ "mount-var", "/var", false, CRITICAL, HIGH, MEDIUM, LOW,
	  "state of the host's services is bound into the container" },
	{ "mount-var", "/var/lib", false, CRITICAL, HIGH, MEDIUM, LOW,
	  "state of the host's services is bound into the container" },
	{ "mount-var", "/var/spool/cron", true, CRITICAL, HIGH, LOW, LOW,
	  "programs that the host runs at times are bound into the container" },
	{ "mount-tmp", "/tmp", false, MEDIUM, LOW, LOW, LOW,
	  "temporary files of the host's programs are bound into the container" },
};

const struct ct_rule *ct_audit_rules(uint32_t *n)
{
	*n = sizeof(rules) / sizeof(*rules);
	return rules;
}

const struct ct_place *ct_audit_places(uint32_t *n)
{
	*n = sizeof(places) / sizeof(*places);
	return places;
}

void ct_audit_look(struct ct_audit *a)
{
	struct ct_weakness *sorted;
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		rules[i].look(a, &rules[i]);
	ct_look_places(a, places, sizeof(places) / sizeof(*places));
	sorted = ct_arena_alloc(a->arena, (a->n + 1) * sizeof(*sorted));
	if (!sorted) {
		a->oom = true;
		return;
	}
	/* the order of the table stays within a level */
	for (int level = CT_SEVERITY_CRITICAL; level >= CT_SEVERITY_LOW; level--)
		for (uint32_t i = 0; i < a->n; i++)
			if (a->v[i].severity == level)
				sorted[n++] = a->v[i];
	a->v = sorted;
	a->cap = a->n;
}
