/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "samples.h"

#include <stdio.h>
#include <string.h>

static const struct samples all_samples[] = {
	{ &ct_type_bool, { "0", "1", "yes", "off" }, { "2", "maybe", "-1", "TRUE " } },
	{ &ct_type_order,
	  { "0", "-5", "2147483647" },
	  { "2147483648", "-2147483649", "one", "0x1" } },
	{ &ct_type_seconds, { "0", "86400" }, { "86401", "1s" } },
	{ &ct_type_tty_count, { "0", "4", "64" }, { "65", "four" } },
	{ &ct_type_pty_count, { "0", "1048576" }, { "1048577", "-1" } },
	{ &ct_type_hook_version, { "0", "1" }, { "2", "yes" } },
	{ &ct_type_vlan, { "0", "4094" }, { "4095", "none" } },
	{ &ct_type_mtu, { "68", "1500", "65535" }, { "67", "65536" } },
	{ &ct_type_queues, { "1", "4096" }, { "0", "4097" } },
	{ &ct_type_size,
	  { "500000", "4096", "1 GiB" },
	  { "4095", "lots", "18446744073709551616" } },
	{ &ct_type_output_size, { "1", "64K" }, { "0", "1e6" } },
	{ &ct_type_ring_size, { "auto", "128K", "1", "1 GiB" }, { "1025M", "AUTO", "-1" } },
	{ &ct_type_duration,
	  { "1s", "250ms", "1.5s", "2m", "1" },
	  { "0", "0s", "1x", "s", "-1s" } },
	{ &ct_type_offset, { "1h", "-30m", "9ns", "0" }, { "1d", "1.5s", "9223372037s" } },
	{ &ct_type_id, { "0", "4294967294" }, { "4294967295", "root", "-1", "+1", "0x0", "1e3" } },
	{ &ct_type_signal,
	  { "SIGPWR", "TERM", "SIGRTMIN+3", "SIGRTMAX-2", "sigint", "64" },
	  { "0", "65", "SIGNONE", "SIGRTMIN+31", "RTMIN-1", "SIG" } },
	{ &ct_type_death_signal, { "SIGKILL", "0", "9" }, { "65", "none" } },
	{ &ct_type_text, { "anything", "a b\tc", "\"quoted\"", " blanks ", "'", "#1" }, { NULL } },
	{ &ct_type_arch, { "x86_64", "amd64", "i686", "riscv64" }, { "x86_65", "AMD64", "64" } },
	{ &ct_type_host_name,
	  { "web", "a.b-c_d" },
	  { "a b", "a/b", "x1234567890123456789012345678901234567890123456789012345678901234" } },
	{ &ct_type_path, { "/", "/a b/c", "/x/../y" }, { "a", "./a", "~/a" } },
	{ &ct_type_covers,
	  { "none", "/proc/acpi", "/a b/c", "//x/./y" },
	  { "proc/acpi", "/", "/.", "/a/../b", "None", "/a/.." } },
	{ &ct_type_unix,
	  { "unix:/run/proxy", "unix:@proxy" },
	  { "/run/proxy", "unix:", "unix:/", "unix:proxy", "tcp:/x",
	    "unix:/a123456789012345678901234567890123456789012345678901234567890123456789012345678"
	    "9012345678901234567890123456" } },
	{ &ct_type_filter, { "default", "none", "/etc/filter" }, { "filter", "Default" } },
	{ &ct_type_path_or_none, { "none", "/dev/tty7" }, { "tty7", "None" } },
	{ &ct_type_dev_dir, { "lxc", "a/b" }, { "/lxc", "../lxc", "a/../b" } },
	{ &ct_type_cgroup_dir,
	  { "a/b", "my group/%n", "a.slice", ".x" },
	  { "/a", "a/..", "a//b", "a/", "cgroup.x", "a*" } },
	{ &ct_type_cgroup_pattern,
	  { "ct.payload.%n", "a/%n", "%n", "%n/b" },
	  { "a", "%n%n", "/%n", "../%n", "%s", "cgroup.%n" } },
	{ &ct_type_cgroup_backend,
	  { "auto", "cgroup1", "v2", "systemd", "none" },
	  { "cgroup", "v3", "Auto", "try:v2" } },
	{ &ct_type_rootfs,
	  { "/srv/root", "dir:/srv/root", "/odd:name", "overlay:/lower:/upper", "zfs:pool/fs" },
	  { "root", "dir:root", "dir:", "floppy:/a", "zfs:",
	    ""
	    ":/a" } },
	{ &ct_type_log_level, { "trace", "WARN", "0", "8", "error" }, { "9", "loud", "-1" } },
	{ &ct_type_syslog, { "daemon", "local7" }, { "local8", "user" } },
	{ &ct_type_net_flags, { "up" }, { "down", "1" } },
	{ &ct_type_veth_mode, { "bridge", "router" }, { "nat" } },
	{ &ct_type_macvlan_mode, { "private", "vepa", "bridge", "passthru" }, { "Private" } },
	{ &ct_type_ipvlan_mode, { "l3", "l3s", "l2" }, { "l4" } },
	{ &ct_type_ipvlan_isolation, { "bridge", "private", "vepa" }, { "none" } },
	{ &ct_type_command,
	  { "/sbin/init", "/bin/sh -c 'echo \"a b\"'", "\"/a b\" c" },
	  { "init", "/bin/sh -c 'open", "''", " " } },
	{ &ct_type_hook,
	  { "/usr/bin/hook a b", "/bin/sh -c 'a | b > $c'" },
	  { "hook", "/bin/hook $HOME", "/bin/hook a; b", "/bin/hook > x", "/bin/a `b`",
	    "/bin/hook ~/x" } },
	{ &ct_type_names, { "onboot", "a b", "a,b" }, { " ", "," } },
	{ &ct_type_ids, { "1", "1,2", "3 4" }, { "a", "1,b", "4294967295", "," } },
	{ &ct_type_environment, { "A=1", "A=", "PATH", "A=b c=d" }, { "=1", "A B=1", "=" } },
	{ &ct_type_idmap,
	  { "u 0 100000 65536", "g 0 0 4294967295", "u\t5  6\t7" },
	  { "b 0 0 1", "u 0 0 0", "u 1 0 4294967295", "x 0 0 1", "u 0 0", "u 0 0 1 2" } },
	{ &ct_type_caps_or_none,
	  { "chown", "none", "none kill", "sys_time  mknod", "CAP_CHOWN", "41 Cap_62 1" },
	  { "sys_tim", "all", "cap_", "cap_63", "1000", "41x" } },
	{ &ct_type_limit,
	  { "1024", "unlimited", "1:2", "-1", "1:" },
	  { "2:1", "1k", "unlimited:1", "-2", ":1", "18446744073709551615" } },
	{ &ct_type_namespaces,
	  { "net", "mnt pid uts ipc user net cgroup time", "MOUNT network utsname" },
	  { "nett", "net,pid", " " } },
	{ &ct_type_share, { "1", "c2", "/var/lib/lxc/c3" }, { "a b", "a/b" } },
	{ &ct_type_sysctl, { "1", "1 2 3" }, { NULL } },
	{ &ct_type_proc, { "500" }, { NULL } },
	{ &ct_type_cgroup_file, { "a", "c 1:3 rwm", "max", "try:5" }, { "try:" } },
	{ &ct_type_limit_memory,
	  { "64K", "try:1 GiB", "max", "9223372036854775807" },
	  { "0", "65535", "8388608T", "512X", "-1", "try:" } },
	{ &ct_type_limit_size,
	  { "0", "1", "max", "try:max" },
	  { "9223372036854775808", "all", "1.5G", "MAX", "-1" } },
	{ &ct_type_limit_switch, { "0", "yes", "try:1" }, { "2", "max", "try:" } },
	{ &ct_type_limit_count,
	  { "1", "4194304", "max", "try:10" },
	  { "0", "4194305", "1K", "-1", "many" } },
	{ &ct_type_limit_cores,
	  { "0.01", "0.5", "2", "65536", "1.000001", "max" },
	  { "0", "0.009", "65537", ".5", "1.0000001", "1s" } },
	{ &ct_type_limit_weight, { "1", "100", "10000", "try:5" }, { "0", "10001", "max", "1.5" } },
	{ &ct_type_limit_burst, { "0", "20ms", "try:500us" }, { "max", "-1ms", "20x", "1ns" } },
	{ &ct_type_limit_cpus,
	  { "0", "0-3,5", "1 ,2-3", "0-65535", "try:1" },
	  { ",", "3-1", "0,,1", "a", "0-65536", "1 2" } },
	{ &ct_type_io_weight,
	  { "1", "10000", "8:0 200", "/dev/sda 5", "try:7" },
	  { "0", "8:0", "sda 5", "8:0 5 6", "max", "8:0 10001" } },
	{ &ct_type_io_max,
	  { "8:0 rbps=10M", "/srv rbps=1 wbps=max riops=100 wiops=50", "try:8:16 wiops=1" },
	  { "8:0", "8:0 rbps=0", "8:0 rbps=1 rbps=2", "8:0 rios=5", "8:0 riops=1K",
	    "0:5 rbps=1" } },
	{ &ct_type_hugetlb,
	  { "0", "1G", "max", "try:2M" },
	  { "1.5G", "all", "9223372036854775808" } },
	{ &ct_type_rdma,
	  { "mlx4_0 hca_handle=2 hca_object=2000", "a hca_handle=max", "try:a hca_object=0" },
	  { "mlx4_0", "a hca_handle=2147483648", "a hca_handle=1 hca_handle=2", "a hca=1",
	    "a/b hca_handle=1" } },
	{ &ct_type_misc,
	  { "sev 2", "sev_es max", "try:tdx 0" },
	  { "sev", "sev two", "sev 1 2", "a.b 1", "sev -1" } },
	{ &ct_type_cpu_time, { "90s", "1.5s", "1h", "try:5", "max" }, { "0", "soon", "-1s" } },
	{ &ct_type_device_rule_allow,
	  { "a", "c 1:3 rwm", "b *:* m", "/dev/fuse rw" },
	  { "c", "c 1:3", "d 1:3 r", "c 1:3 rwx", "c 4096:0 r" } },
	{ &ct_type_device_rule_deny,
	  { "a", "c 1:3 rwm", "b 8:* r" },
	  { "try:a", "/dev/fuse", "c 1:3 rr" } },
	{ &ct_type_device_preset,
	  { "default", "none", "all", "try:none" },
	  { "some", "Default", "try:" } },
	{ &ct_type_mount,
	  { "/srv/data data none bind,create=dir 0 0", "tmpfs run tmpfs rw,nosuid,mode=755,size=1m",
	    "proc proc proc", "/a\\040b /c none rbind,ro,optional,rslave", "x y none bind,relative",
	    "sysfs sys sysfs defaults,noatime 0 0" },
	  { "/a b", "/a / none bind", "/a ../b none bind", "/a b none bind,size=1m", "/a b none ro",
	    "/a b none bind 0 0 0" } },
	{ &ct_type_tmpfs,
	  { "/tmp", "tmp size=64m,mode=1777", "/run noexec,nr_inodes=10", "/x size=50%" },
	  { "/", "/tmp size=lots", "/tmp mode=999", "/tmp a b", "/tmp bind", "../x" } },
	{ &ct_type_fstab, { "/etc/fstab.web" }, { "fstab" } },
	{ &ct_type_mount_auto,
	  { "proc sys", "proc:mixed sys:ro cgroup:mixed", "cgroup-full:rw:force", "cgroup2:ro",
	    "shmounts:/run/x", "shmounts:/run/x:/dev/y" },
	  { "proc:ro", "dev", "cgroup:all", "shmounts:", "shmounts:x", " " } },
	{ &ct_type_rootfs_options,
	  { "ro", "nosuid,nodev,noatime", "idmap=container", "rslave,rw" },
	  { "size=1m", "create=dir", "optional", "slave,shared" } },
	{ &ct_type_net, { "empty", "none", "veth", "phys" }, { "bridge", "Veth" } },
	{ &ct_type_umask, { "022", "0", "0777", "27" }, { "1000", "8", "0x12", "-1", "a" } },
	{ &ct_type_nice, { "0", "-20", "19" }, { "20", "-21", "1.5", "x" } },
	{ &ct_type_net_name, { "eth0" }, { "a/b", "eth0:1", ".", "sixteen_letters_" } },
	{ &ct_type_net_link, { "br0", "eth+" }, { "+/", "a b" } },
	{ &ct_type_mac,
	  { "10:66:6a:01:02:03", "fe:xx:xx:XX:xx:xx" },
	  { "10:66:6a:01:02", "10-66-6a-01-02-03", "1g:66:6a:01:02:03" } },
	{ &ct_type_ipv4_address,
	  { "10.0.0.2/24", "10.0.0.2/24 10.0.0.255", "10.0.0.2" },
	  { "10.0.0/24", "10.0.0.2/33", "::1", "10.0.0.2/24 10.0.0.255 1.1.1.1",
	    "10.0.0.2/24 10.0.0.255/8" } },
	{ &ct_type_ipv6_address,
	  { "2001:db8::2/64", "fe80::1" },
	  { "2001:db8::2/129", "10.0.0.1", "x" } },
	{ &ct_type_ipv4_gateway, { "10.0.0.1", "auto", "dev" }, { "10.0.0.1/24", "none" } },
	{ &ct_type_ipv6_gateway, { "fe80::1", "auto", "dev" }, { "fe80::1/64", "10.0.0.1" } },
	{ &ct_type_ipv4_route, { "192.168.1.0/24" }, { "192.168.1.0", "192.168.1.0/a" } },
	{ &ct_type_ipv6_route, { "2001:db8::/32" }, { "2001:db8::" } },
	{ &ct_type_vlan_or_none, { "none", "7" }, { "4095", "all" } },
};

const struct samples *samples_of(const struct ct_type *type)
{
	for (size_t i = 0; i < sizeof(all_samples) / sizeof(*all_samples); i++) {
		if (all_samples[i].type == type)
			return &all_samples[i];
	}
	return NULL;
}

/* What may stand for the star at the end of a key. */
static const char *last_part(const struct ct_key *key)
{
	static const struct {
		const struct ct_type *type;
		const char *part;
	} parts[] = { { &ct_type_limit, "nofile" },
		      { &ct_type_share, "net" },
		      { &ct_type_proc, "oom_score_adj" },
		      { &ct_type_hugetlb, "2MB" } };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (key->type == parts[i].type)
			return parts[i].part;
	return "net.ipv4.ip_forward";
}

const char *sample_name(const struct ct_key *key)
{
	static char name[128];
	const char *star = strchr(key->name, '*');

	if (!star)
		return key->name;
	if (star[1])
		snprintf(name, sizeof(name), "%.*s0%s", (int)(star - key->name), key->name,
			 star + 1);
	else
		snprintf(name, sizeof(name), "%.*s%s", (int)(star - key->name), key->name,
			 last_part(key));
	return name;
}
