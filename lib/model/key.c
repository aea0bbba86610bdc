/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key table, and how a name finds its row. */
#include "model/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "model/spec.h"
#include "model/type.h"

#define AT(field) offsetof(struct ct_spec, field)
#define NOWHERE SIZE_MAX
#define HOOK(when) offsetof(struct ct_spec, hook[CT_HOOK_##when])

#define LIST CT_KF_LIST
#define STORED CT_KF_STORED
#define HARMLESS (CT_KF_STORED | CT_KF_HARMLESS)
#define SUPERVISED CT_KF_SUPERVISED
#define OURS CT_KF_OURS
#define ANY CT_KF_ANY
#define NO "0|no|false|off"

/* A row with a "*" comes behind the rows that name one of its keys. */
const struct ct_key ct_keys[] = {
	/* program */
	{ "arch", &ct_type_arch, 0, NULL, AT(personality),
	  "Architecture that uname(2) tells the container" },
	{ "init.cmd", &ct_type_command, 0, "/sbin/init", AT(init_cmd),
	  "Program to start as init, and its arguments; '...' and \"...\" hold words together" },
	{ "init.cwd", &ct_type_path, 0, NULL, AT(init_cwd),
	  "Working directory of init, inside the container" },
	{ "init.uid", &ct_type_id, 0, "0", AT(init_uid),
	  "User that init runs as, inside the container; its HOME is that of passwd there" },
	{ "init.gid", &ct_type_id, 0, "0", AT(init_gid),
	  "Group that init runs as, inside the container" },
	{ "init.groups", &ct_type_ids, LIST, NULL, AT(init_groups),
	  "Further groups of init, divided by commas; the primary group is one, too, unless it is "
	  "0" },
	{ "init.reaper", &ct_type_bool, OURS, NULL, AT(init_reaper),
	  "Whether a small init is pid 1, hands signals on, reaps, and ends as the program does; "
	  "by default for programs, not for systems" },
	{ "init.umask", &ct_type_umask, OURS, NULL, AT(init_umask),
	  "File mode creation mask of the payload, octal; by default the caller's" },
	{ "init.nice", &ct_type_nice, OURS, "0", AT(init_nice),
	  "Nice value of the payload, from -20 to 19" },
	{ "execute.cmd", &ct_type_command, 0, NULL, AT(execute_cmd),
	  "Program that ct-execute runs when it is given none" },
	{ "environment", &ct_type_environment, LIST, NULL, AT(environment),
	  "Variable for the payload: NAME=VALUE, or NAME to hand on the caller's" },
	{ "environment.runtime", &ct_type_environment, LIST, NULL, AT(environment),
	  "Variable for the payload only" },
	{ "environment.hooks", &ct_type_environment, LIST, NULL, AT(environment_hooks),
	  "Variable for the hooks only" },
	{ "no_new_privs", &ct_type_bool, 0, "0", AT(no_new_privs),
	  "Whether set-user-ID bits and file capabilities lose their effect" },
	{ "keyring.session", &ct_type_bool, 0, "1", AT(keyring_session),
	  "Whether the payload gets a session keyring of its own" },
	{ "keyring.user", &ct_type_bool, OURS, "1", AT(keyring_user),
	  "Whether the payload may use keys, also those of its user, who without a user namespace "
	  "of its own is one of the host's; without a profile of its own a program may not, a "
	  "system may" },
	{ "sched.core", &ct_type_bool, 0, "0", AT(sched_core),
	  "Whether nothing else may share a core with the container" },
	{ "cap.drop", &ct_type_caps_or_none, LIST, NULL, AT(cap_drop),
	  "Capabilities to take away from the full set; none for none of it" },
	{ "cap.keep", &ct_type_caps_or_none, LIST, NULL, AT(cap_keep),
	  "The only capabilities to leave; none for none at all" },
	{ "cap.ambient", &ct_type_caps_or_none, LIST | OURS, NULL, AT(cap_ambient),
	  "Capabilities in force also for programs of a user who is not root; they are among those "
	  "left, and inheritable, too" },
	{ "cap.bounding", &ct_type_caps_or_none, LIST | OURS, NULL, AT(cap_bounding),
	  "The bounding set, instead of cap.keep or cap.drop; the other sets follow from it where "
	  "they are not given" },
	{ "cap.permitted", &ct_type_caps_or_none, LIST | OURS, NULL, AT(cap_permitted),
	  "The permitted set until the program is executed; then, as in capabilities(7), root has "
	  "the bounding set, or with no_new_privs what it has of this one" },
	{ "cap.effective", &ct_type_caps_or_none, LIST | OURS, NULL, AT(cap_effective),
	  "The effective set until the program is executed; by default the permitted one" },
	{ "cap.inheritable", &ct_type_caps_or_none, LIST | OURS, NULL, AT(cap_inheritable),
	  "The inheritable set; by default the ambient one" },
	{ "prlimit.*", &ct_type_limit, ANY, NULL, AT(prlimit),
	  "Resource limit, named as in setrlimit(2) without RLIMIT_" },
	{ "sysctl.*", &ct_type_sysctl, ANY, NULL, AT(sysctl),
	  "Kernel parameter of one of the container's namespaces" },
	{ "proc.*", &ct_type_proc, ANY, NULL, AT(proc),
	  "File of /proc/PID to write for init: oom_score_adj, oom_adj, coredump_filter, "
	  "timerslack_ns or loginuid" },
	{ "signal.halt", &ct_type_signal, 0, NULL, AT(signal_halt),
	  "Signal that asks init to power off; by default SIGPWR" },
	{ "signal.reboot", &ct_type_signal, 0, NULL, AT(signal_reboot),
	  "Signal that asks init to reboot; by default SIGINT" },
	{ "signal.stop", &ct_type_signal, 0, NULL, AT(signal_stop),
	  "Signal that ends init by force; by default SIGKILL" },
	{ "monitor.signal.pdeath", &ct_type_death_signal, SUPERVISED, "SIGKILL", AT(pdeath),
	  "Signal for init when the supervisor dies; 0 lets the container live", "SIGKILL|KILL|9" },
	{ "monitor.unshare", &ct_type_bool, STORED, "0", NOWHERE,
	  "Whether hooks on the host get a mount namespace", NO },

	/* namespaces */
	{ "uts.name", &ct_type_host_name, 0, NULL, AT(uts_name),
	  "Host name inside; by default the first 64 bytes of the container's name" },
	{ "uts.domain", &ct_type_host_name, OURS, NULL, AT(uts_domain), "NIS domain name inside" },
	{ "namespace.clone", &ct_type_namespaces, LIST, NULL, AT(ns_clone),
	  "The only namespaces to make anew" },
	{ "namespace.keep", &ct_type_namespaces, LIST, NULL, AT(ns_keep),
	  "Namespaces to share with the caller" },
	{ "namespace.share.*", &ct_type_share, ANY, NULL, AT(ns_share),
	  "Process or container whose namespace to join" },
	{ "time.offset.boot", &ct_type_offset, 0, NULL, AT(time_boot_ns),
	  "Offset of the boot-time clock" },
	{ "time.offset.monotonic", &ct_type_offset, 0, NULL, AT(time_monotonic_ns),
	  "Offset of the monotonic clock" },
	{ "idmap", &ct_type_idmap, LIST, NULL, AT(idmap),
	  "Users (u) or groups (g): first inside, first outside, how many; "
	  "makes a user namespace" },

	/* files */
	{ "rootfs.path", &ct_type_rootfs, 0, NULL, AT(rootfs_path),
	  "Directory that becomes the container's root" },
	{ "rootfs.mount", &ct_type_path, 0, NULL, AT(rootfs_mount),
	  "Accepted for LXC's sake: no mount point on the host is needed" },
	{ "rootfs.options", &ct_type_rootfs_options, 0, NULL, AT(rootfs_options),
	  "Mount options of the root" },
	{ "rootfs.managed", &ct_type_bool, 0, "1", AT(rootfs_managed),
	  "Whether destroying the container removes a root in its directory, too (0: it stays)" },
	{ "rootfs.readonly", &ct_type_bool, OURS, "0", AT(rootfs_readonly),
	  "Whether the root is mounted read-only" },
	{ "mount.fstab", &ct_type_fstab, 0, NULL, AT(mount_fstab),
	  "File with further mounts, in the form of fstab(5)" },
	{ "mount.entry", &ct_type_mount, LIST, NULL, AT(mounts),
	  "Mount in the form of fstab(5); create=dir, create=file, optional and relative are "
	  "known, too" },
	{ "mount.auto", &ct_type_mount_auto, LIST, NULL, AT(mount_auto),
	  "Kernel file systems: proc[:mixed|:rw], sys[:ro|:mixed|:rw], cgroup..., "
	  "shmounts:HOST[:TARGET]" },
	{ "mount.tmpfs", &ct_type_tmpfs, LIST | OURS, NULL, AT(mounts),
	  "Fresh tmpfs: its target and options such as size=64m" },
	{ "mask.path", &ct_type_covers, LIST | OURS, NULL, AT(mask_path),
	  "Path to hide from the container, beside those of mount.auto; none for none of these" },
	{ "readonly.path", &ct_type_covers, LIST | OURS, NULL, AT(readonly_path),
	  "Path to make read-only with all below it, beside those of mount.auto; none for none of "
	  "these" },
	{ "autodev", &ct_type_bool, 0, "1", AT(autodev),
	  "Whether /dev is a fresh tmpfs with the usual nodes" },
	{ "autodev.tmpfs.size", &ct_type_size, 0, "500000", AT(autodev_size),
	  "Size of that tmpfs" },

	/* terminals */
	{ "tty.max", &ct_type_tty_count, SUPERVISED, "0", AT(tty_max),
	  "Number of terminals /dev/ttyN; $container_ttys tells the payload of them", "0" },
	{ "tty.dir", &ct_type_dev_dir, 0, NULL, AT(tty_dir),
	  "Directory below /dev for console and terminals" },
	{ "pty.max", &ct_type_pty_count, 0, "1024", AT(pty_max),
	  "Number of pseudo terminals in the container's own /dev/pts" },
	{ "console.path", &ct_type_path_or_none, SUPERVISED, NULL, AT(console_path),
	  "Terminal or file of the host that gets the console, too, or none", "none" },
	{ "console.logfile", &ct_type_path, SUPERVISED, NULL, AT(console_logfile),
	  "File on the host that gets all console output" },
	{ "console.size", &ct_type_ring_size, SUPERVISED, NULL, AT(console_size),
	  "Greatest size of that file; auto is 128 KiB" },
	{ "console.rotate", &ct_type_bool, SUPERVISED, "0", AT(console_rotate),
	  "Whether the file is moved to FILE.1 when it is full", NO },
	{ "console.buffer.size", &ct_type_ring_size, SUPERVISED, NULL, AT(console_buffer_size),
	  "Size of the ring buffer for console output; auto is 128 KiB" },

	/* network */
	{ "net.*.type", &ct_type_net, 0, NULL, AT(net),
	  "Kind of network: empty, none, veth, macvlan, ipvlan, vlan or phys" },
	{ "net.*.flags", &ct_type_net_flags, STORED, NULL, NOWHERE, "up brings the interface up" },
	{ "net.*.link", &ct_type_net_link, STORED, NULL, NOWHERE, "Interface on the host" },
	{ "net.*.name", &ct_type_net_name, STORED, NULL, NOWHERE, "Name of the interface inside" },
	{ "net.*.mtu", &ct_type_mtu, STORED, NULL, NOWHERE, "Greatest size of a packet" },
	{ "net.*.hwaddr", &ct_type_mac, STORED, NULL, NOWHERE,
	  "Hardware address; each x becomes random" },
	{ "net.*.l2proxy", &ct_type_bool, STORED, "0", NOWHERE,
	  "Whether the host answers for the addresses inside", NO },
	{ "net.*.ipv4.address", &ct_type_ipv4_address, LIST | STORED, NULL, NOWHERE,
	  "Address with prefix length" },
	{ "net.*.ipv4.gateway", &ct_type_ipv4_gateway, STORED, NULL, NOWHERE,
	  "Gateway, auto for the link's address, or dev" },
	{ "net.*.ipv6.address", &ct_type_ipv6_address, LIST | STORED, NULL, NOWHERE,
	  "Address with prefix length" },
	{ "net.*.ipv6.gateway", &ct_type_ipv6_gateway, STORED, NULL, NOWHERE,
	  "Gateway, auto for the link's address, or dev" },
	{ "net.*.script.up", &ct_type_text, STORED, NULL, NOWHERE,
	  "Program to run on the host when the network is made" },
	{ "net.*.script.down", &ct_type_text, STORED, NULL, NOWHERE,
	  "Program to run on the host before it is removed" },
	{ "net.*.veth.mode", &ct_type_veth_mode, STORED, "bridge", NOWHERE,
	  "How the host's end is used", "bridge" },
	{ "net.*.veth.pair", &ct_type_net_name, STORED, NULL, NOWHERE, "Name of the host's end" },
	{ "net.*.veth.ipv4.route", &ct_type_ipv4_route, LIST | STORED, NULL, NOWHERE,
	  "Network that the host routes inside" },
	{ "net.*.veth.ipv6.route", &ct_type_ipv6_route, LIST | STORED, NULL, NOWHERE,
	  "Network that the host routes inside" },
	{ "net.*.veth.vlan.id", &ct_type_vlan_or_none, STORED, NULL, NOWHERE,
	  "Untagged VLAN of the bridge port" },
	{ "net.*.veth.vlan.tagged.id", &ct_type_vlan, LIST | STORED, NULL, NOWHERE,
	  "Tagged VLAN of the bridge port" },
	{ "net.*.veth.n_rxqueues", &ct_type_queues, STORED, NULL, NOWHERE,
	  "Number of receive queues" },
	{ "net.*.veth.n_txqueues", &ct_type_queues, STORED, NULL, NOWHERE,
	  "Number of transmit queues" },
	{ "net.*.macvlan.mode", &ct_type_macvlan_mode, STORED, "private", NOWHERE,
	  "Who may talk to whom", "private" },
	{ "net.*.ipvlan.mode", &ct_type_ipvlan_mode, STORED, "l3", NOWHERE, "Layer to work on",
	  "l3" },
	{ "net.*.ipvlan.isolation", &ct_type_ipvlan_isolation, STORED, "bridge", NOWHERE,
	  "Who may talk to whom", "bridge" },
	{ "net.*.vlan.id", &ct_type_vlan, STORED, NULL, NOWHERE, "VLAN of the interface" },

	/* control groups */
	{ "cgroup.backend", &ct_type_cgroup_backend, OURS, "auto", AT(cgroup_backend),
	  "Who makes the cgroup: auto takes what the host has, none makes none; "
	  "v1 and v2 are short for cgroup1 and cgroup2" },
	{ "cgroup.pattern", &ct_type_cgroup_pattern, OURS, "ct.payload.%n", AT(cgroup_pattern),
	  "Name of the container's cgroup, with %n for the container's name; "
	  "in LXC a key of the whole system" },
	{ "cgroup.dir", &ct_type_cgroup_dir, 0, NULL, AT(cgroup_dir),
	  "Directory that the container's cgroup is made in" },
	{ "cgroup.dir.container", &ct_type_cgroup_dir, 0, NULL, AT(cgroup_dir_container),
	  "The payload's cgroup itself, which carries the limits" },
	{ "cgroup.dir.container.inner", &ct_type_cgroup_dir, 0, NULL, AT(cgroup_dir_inner),
	  "Directory below cgroup.dir.container that the payload sees as its root, so that it "
	  "cannot change its limits" },
	{ "cgroup.dir.monitor", &ct_type_cgroup_dir, SUPERVISED, NULL, AT(cgroup_dir_monitor),
	  "The supervisor's cgroup itself; needs cgroup.dir.container" },
	{ "cgroup.dir.monitor.pivot", &ct_type_cgroup_dir, STORED, NULL, NOWHERE,
	  "Cgroup that the supervisor goes to at the end, so that its own can be removed; "
	  "here the next call removes that" },
	{ "cgroup.relative", &ct_type_bool, 0, "0", AT(cgroup_relative),
	  "Whether to stay below the caller's own cgroup; unset: in process, where it can" },
	{ "cgroup.devices.allow", &ct_type_device_rule_allow, LIST, NULL, AT(devrules),
	  "Device that the container may use where version 1 is in charge of devices, such as c "
	  "1:3 rwm; a for all" },
	{ "cgroup.devices.deny", &ct_type_device_rule_deny, LIST, NULL, AT(devrules),
	  "Device that the container may not use where version 1 is in charge of devices; "
	  "a for all" },
	{ "cgroup2.devices.allow", &ct_type_device_rule_allow, LIST, NULL, AT(devrules),
	  "Device that the container may use where version 2 is in charge of devices, such as c "
	  "1:3 rwm; a for all" },
	{ "cgroup2.devices.deny", &ct_type_device_rule_deny, LIST, NULL, AT(devrules),
	  "Device that the container may not use where version 2 is in charge of devices; "
	  "a for all" },
	{ "cgroup.*", &ct_type_cgroup_file, LIST | ANY, NULL, AT(cgroup1),
	  "File of a version 1 controller and its value" },
	{ "cgroup2.*", &ct_type_cgroup_file, LIST | ANY, NULL, AT(cgroup2),
	  "File of the unified hierarchy and its value" },

	/* what the container may use, the same for either version of cgroups */
	{ "limit.memory", &ct_type_limit_memory, OURS, NULL, AT(cglimits),
	  "Greatest use of memory, page cache included; without limit.swap there is no swap on top "
	  "of it" },
	{ "limit.memory.high", &ct_type_limit_memory, OURS, NULL, AT(cglimits),
	  "Use of memory above which the container is slowed down and its memory reclaimed "
	  "(version 2)" },
	{ "limit.memory.low", &ct_type_limit_size, OURS, NULL, AT(cglimits),
	  "Use of memory up to which the host reclaims elsewhere first; "
	  "on version 1 the soft limit" },
	{ "limit.swap", &ct_type_limit_size, OURS, NULL, AT(cglimits),
	  "Greatest use of swap, on top of limit.memory" },
	{ "limit.oom.group", &ct_type_limit_switch, OURS, NULL, AT(cglimits),
	  "Whether all processes are killed together when limit.memory is reached (version 2)" },
	{ "limit.pids", &ct_type_limit_count, OURS, NULL, AT(cglimits),
	  "Greatest number of processes and threads" },
	{ "limit.cpu", &ct_type_limit_cores, OURS, NULL, AT(cglimits),
	  "CPU time per time, in cores: 0.5 is half a core, 2 are two" },
	{ "limit.cpu.weight", &ct_type_limit_weight, OURS, NULL, AT(cglimits),
	  "Share of the CPU beside other groups when it is scarce; 100 is everyone's" },
	{ "limit.cpu.burst", &ct_type_limit_burst, OURS, NULL, AT(cglimits),
	  "CPU time left over from earlier periods of 100ms that one may use on top of limit.cpu, "
	  "such as 20ms" },
	{ "limit.cpuset.cpus", &ct_type_limit_cpus, OURS, NULL, AT(cglimits),
	  "The only processors to run on, such as 0-3,5" },
	{ "limit.cpuset.mems", &ct_type_limit_cpus, OURS, NULL, AT(cglimits),
	  "The only memory nodes to use, such as 0-1" },
	{ "limit.io.weight", &ct_type_io_weight, LIST | OURS, NULL, AT(cglimits),
	  "Share of block devices beside other groups, 100 is everyone's; "
	  "or a DEVICE, as in limit.io.max, and the share of that one" },
	{ "limit.io.max", &ct_type_io_max, LIST | OURS, NULL, AT(cglimits),
	  "Device (MAJOR:MINOR, or a path on it) with bytes a second, rbps= and wbps=, or requests "
	  "a second, riops= and wiops=" },
	{ "limit.hugetlb.*", &ct_type_hugetlb, ANY | OURS, NULL, AT(cglimits),
	  "Greatest use of huge pages of the size NAME, as the kernel writes it: 2MB, 1GB" },
	{ "limit.rdma", &ct_type_rdma, LIST | OURS, NULL, AT(cglimits),
	  "RDMA device with hca_handle= and hca_object=, such as mlx4_0 hca_handle=2 "
	  "hca_object=2000" },
	{ "limit.misc", &ct_type_misc, LIST | OURS, NULL, AT(cglimits),
	  "Resource of the misc controller and how much of it, such as sev 2" },
	{ "limit.devices", &ct_type_device_preset, OURS, NULL, AT(devices_preset),
	  "Devices that the container may use before its rules: default, none, or all" },

	/* security modules */
	{ "apparmor.profile", &ct_type_text, STORED, "unchanged", NOWHERE,
	  "AppArmor profile, or generated, unchanged, unconfined", "unchanged|unconfined" },
	{ "apparmor.allow_incomplete", &ct_type_bool, HARMLESS, "0", NOWHERE,
	  "Whether a kernel without mount rules is enough" },
	{ "apparmor.allow_nesting", &ct_type_bool, STORED, "0", NOWHERE,
	  "Whether containers may run inside", NO },
	{ "apparmor.raw", &ct_type_text, LIST | STORED, NULL, NOWHERE,
	  "Line for the generated profile" },
	{ "selinux.context", &ct_type_text, STORED, NULL, NOWHERE, "SELinux context of the payload",
	  "unconfined_t" },
	{ "selinux.context.keyring", &ct_type_text, STORED, NULL, NOWHERE,
	  "SELinux context of its keyring" },
	{ "seccomp.profile", &ct_type_filter, 0, NULL, AT(seccomp_profile),
	  "Filter of system calls: a file of LXC's or Docker's form, default, or none. By default "
	  "it is default for ct-run, ct-execute and anonymous containers, else none" },
	{ "seccomp.allow_nesting", &ct_type_bool, HARMLESS, "0", NOWHERE,
	  "Whether a filter is put on top of the caller's" },
	{ "seccomp.notify", &ct_type_names, LIST | OURS, NULL, AT(seccomp_notify),
	  "System calls that wait for an answer of the caller or of the proxy, whatever the "
	  "profile says about them" },
	{ "seccomp.notify.proxy", &ct_type_unix, 0, NULL, AT(seccomp_proxy),
	  "Socket of a program that answers them by LXC's protocol, unix:/path; ENOSYS while it is "
	  "away" },
	{ "seccomp.notify.cookie", &ct_type_text, 0, NULL, AT(seccomp_cookie),
	  "Text that the proxy gets with each of them" },

	/* hooks */
	{ "hook.version", &ct_type_hook_version, 0, "0", AT(hook_version),
	  "Whether hooks get arguments (0) or variables (1)" },
	{ "hook.timeout", &ct_type_duration, OURS, "60s", AT(hook_timeout_us),
	  "Time after which a hook is killed, and has failed" },
	{ "hook.pre-start", &ct_type_hook, LIST, NULL, HOOK(PRE_START),
	  "Program to run on the host, before anything is made" },
	{ "hook.pre-mount", &ct_type_hook, LIST, NULL, HOOK(PRE_MOUNT),
	  "Program to run in the mount namespace, before the root" },
	{ "hook.mount", &ct_type_hook, LIST, NULL, HOOK(MOUNT),
	  "Program to run when all is mounted" },
	{ "hook.autodev", &ct_type_hook, LIST, NULL, HOOK(AUTODEV),
	  "Program to run when /dev is filled" },
	{ "hook.start-host", &ct_type_hook, LIST, NULL, HOOK(START_HOST),
	  "Program to run on the host, just before init" },
	{ "hook.start", &ct_type_hook, LIST, NULL, HOOK(START),
	  "Program to run inside, just before init, with its rights" },
	{ "hook.stop", &ct_type_hook, LIST | SUPERVISED, NULL, HOOK(STOP),
	  "Program to run on the host when init has ended" },
	{ "hook.post-stop", &ct_type_hook, LIST | SUPERVISED, NULL, HOOK(POST_STOP),
	  "Program to run on the host when all is cleared" },
	{ "hook.clone", &ct_type_hook, LIST | HARMLESS, NULL, HOOK(CLONE),
	  "Program to run when the container is copied" },
	{ "hook.destroy", &ct_type_hook, LIST, NULL, HOOK(DESTROY),
	  "Program to run when the container is destroyed" },

	/* the container as a whole */
	{ "limit.time", &ct_type_duration, OURS, NULL, AT(limit_time_us),
	  "Time after which the payload is killed" },
	{ "limit.output", &ct_type_output_size, OURS, NULL, AT(limit_output),
	  "Bytes on stdout, stderr or the console after which the payload is killed" },
	{ "limit.cputime", &ct_type_cpu_time, OURS, NULL, AT(limit_cputime_us),
	  "CPU time, of all processes together, after which the payload is killed" },
	{ "ephemeral", &ct_type_bool, SUPERVISED, "0", AT(ephemeral),
	  "Whether the container is destroyed when it stops", NO },
	{ "start.auto", &ct_type_bool, HARMLESS, "0", AT(start_auto),
	  "Whether to start it with the host" },
	{ "start.delay", &ct_type_seconds, HARMLESS, "0", AT(start_delay),
	  "Seconds to wait before the next one is started" },
	{ "start.order", &ct_type_order, HARMLESS, "0", AT(start_order),
	  "Place in the order of starting, lower first" },
	{ "group", &ct_type_names, LIST, NULL, AT(group), "Groups that the container belongs to" },
	{ "log.level", &ct_type_log_level, 0, "error", AT(log_level), "How much to log" },
	{ "log.file", &ct_type_path, 0, NULL, AT(log_file), "File to log to" },
	{ "log.syslog", &ct_type_syslog, HARMLESS, NULL, AT(log_syslog),
	  "Facility of syslog to log to" },
	{ "include", &ct_type_include, LIST, NULL, NOWHERE,
	  "File to read in this place, or directory whose *.conf are read in the order of their "
	  "names" },
};

const uint32_t ct_n_keys = sizeof(ct_keys) / sizeof(*ct_keys);

/* "lxc." in front is not part of a name. */
static const char *without_prefix(const char *name)
{
	if (strncmp(name, "lxc.", 4))
		return name;
	return name + 4;
}

/* Length of the number at s as a "*" in the middle takes it (no leading zeros), 0 for none. */
static size_t number_len(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (n > 1 && *s == '0')
		return 0;
	return n;
}

/* Whether `name` is a name of the row; for `group`, what such a name has before one of its dots.
 * *sub gets the part that the row's "*" stands for. */
static bool matches(const char *row, const char *name, bool group, const char **sub)
{
	while (*row) {
		if (group && !*name && *row == '.')
			return true;
		if (row[0] == '*' && !row[1]) {
			*sub = name;
			return !group && *name;
		}
		if (*row == '*') {
			size_t n = number_len(name);

			*sub = name;
			if (!n)
				return false;
			name += n;
			row++;
			continue;
		}
		if (*row++ != *name++)
			return false;
	}
	return !group && !*name;
}

const struct ct_key *ct_key_find(const char *name, const char **sub)
{
	name = without_prefix(name);
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const char *free_part = "";

		if (matches(ct_keys[i].name, name, false, &free_part)) {
			*sub = free_part;
			return &ct_keys[i];
		}
	}
	return NULL;
}

const char *ct_key_in_group(const char *name)
{
	const char *sub;

	name = without_prefix(name);
	for (uint32_t i = 0; *name && i < ct_n_keys; i++) {
		if (matches(ct_keys[i].name, name, true, &sub))
			return ct_keys[i].name;
	}
	return NULL;
}

struct renamed {
	const char *old, *now;
};

/* A name that ends in a dot stands for all that begin with it. */
static const struct renamed renamed[] = {
	{ "rootfs", "rootfs.path" },
	{ "rootfs.backend", "rootfs.path, as rootfs.path = BACKEND:PATH" },
	{ "utsname", "uts.name" },
	{ "id_map", "idmap" },
	{ "pts", "pty.max" },
	{ "tty", "tty.max" },
	{ "devttydir", "tty.dir" },
	{ "console", "console.path" },
	{ "mount", "mount.fstab" },
	{ "aa_profile", "apparmor.profile" },
	{ "aa_allow_incomplete", "apparmor.allow_incomplete" },
	{ "se_context", "selinux.context" },
	{ "seccomp", "seccomp.profile" },
	{ "haltsignal", "signal.halt" },
	{ "rebootsignal", "signal.reboot" },
	{ "stopsignal", "signal.stop" },
	{ "syslog", "log.syslog" },
	{ "loglevel", "log.level" },
	{ "logfile", "log.file" },
	{ "init_cmd", "init.cmd" },
	{ "init_uid", "init.uid" },
	{ "init_gid", "init.gid" },
	{ "limit.nofile", "prlimit.*" },
	{ "limit.nproc", "prlimit.*" },
	{ "limit.core", "prlimit.*" },
	{ "limit.memlock", "prlimit.*" },
	{ "limit.stack", "prlimit.*" },
	{ "limit.as", "prlimit.*" },
	{ "limit.memory.swap", "limit.swap" },
	{ "limit.memory.max", "limit.memory" },
	{ "limit.memory.min", "limit.memory.low" },
	{ "limit.memory.reservation", "limit.memory.low" },
	{ "limit.memswap", "limit.swap, which counts swap alone" },
	{ "limit.memory.memsw", "limit.swap, which counts swap alone" },
	{ "limit.memory.oom.group", "limit.oom.group" },
	{ "limit.cpus", "limit.cpu, or limit.cpuset.cpus" },
	{ "limit.cpu.max", "limit.cpu" },
	{ "limit.cpu.shares", "limit.cpu.weight" },
	{ "limit.cpu.cpus", "limit.cpuset.cpus" },
	{ "limit.cpu.time", "limit.cputime" },
	{ "limit.pids.max", "limit.pids" },
	{ "network.", "net.N.*, with a number N for each network" },
	{ "network", "net.N.*, with a number N for each network" },
	{ "kmsg", "nothing in its place: /dev/kmsg is never the host's" },
	{ "pivotdir", "nothing in its place: the old root is put nowhere" },
	{ "hostname", "uts.name" },
	{ "memory.", "cgroup2.memory.*" },
	{ "pids.", "cgroup2.pids.*" },
	{ "cpu.", "cgroup2.cpu.*" },
};

const char *ct_key_renamed(const char *name)
{
	name = without_prefix(name);
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++) {
		const char *old = renamed[i].old;
		size_t n = strlen(old);

		if (!strcmp(name, old) || (old[n - 1] == '.' && !strncmp(name, old, n)))
			return renamed[i].now;
	}
	return NULL;
}

/* `name` in the form of `row`, to be compared with it: a number between dots becomes "*". Where the
 * row ends in "*" and has N dots, all behind the name's Nth dot becomes one "*", too. False when it
 * is too long. */
static bool as_row(const char *name, const char *row, char out[CT_NEAR_MAX + 1])
{
	size_t n = strlen(row), used = 0;
	bool open_end = n > 1 && row[n - 1] == '*';
	int dots = 0;

	for (const char *p = row; *p; p++)
		dots += *p == '.';
	for (const char *p = name; *p; p++) {
		size_t digits = 0;

		if (p > name && p[-1] == '.')
			digits = strspn(p, "0123456789");
		if (used == CT_NEAR_MAX)
			return false;
		if (digits && (p[digits] == '.' || !p[digits])) {
			out[used++] = '*';
			p += digits - 1;
			continue;
		}
		out[used++] = *p;
		if (open_end && *p == '.' && --dots == 0) {
			if (used == CT_NEAR_MAX)
				return false;
			out[used++] = '*';
			break;
		}
	}
	out[used] = 0;
	return true;
}

const char *ct_key_suggest(const char *name)
{
	unsigned best = UINT32_MAX;
	const char *found = NULL;

	name = without_prefix(name);
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		char like[CT_NEAR_MAX + 1];
		unsigned d;

		if (!as_row(name, ct_keys[i].name, like))
			return NULL;
		/* of two that are as near the one without a "*" is preferred */
		d = ct_near_distance(like, ct_keys[i].name) + !!strchr(ct_keys[i].name, '*');
		if (d < best && ct_near_enough(like, d)) {
			best = d;
			found = ct_keys[i].name;
		}
	}
	return found;
}
