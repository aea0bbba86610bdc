/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/caps.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#define PREFIX "cap_"
#define LAST 62 /* a mask of 64 ones stands for "not set" */

#define CAP(n, text) [CAP_##n] = text
static const char *const names[] = {
	CAP(CHOWN, "chown"),
	CAP(DAC_OVERRIDE, "dac_override"),
	CAP(DAC_READ_SEARCH, "dac_read_search"),
	CAP(FOWNER, "fowner"),
	CAP(FSETID, "fsetid"),
	CAP(KILL, "kill"),
	CAP(SETGID, "setgid"),
	CAP(SETUID, "setuid"),
	CAP(SETPCAP, "setpcap"),
	CAP(LINUX_IMMUTABLE, "linux_immutable"),
	CAP(NET_BIND_SERVICE, "net_bind_service"),
	CAP(NET_BROADCAST, "net_broadcast"),
	CAP(NET_ADMIN, "net_admin"),
	CAP(NET_RAW, "net_raw"),
	CAP(IPC_LOCK, "ipc_lock"),
	CAP(IPC_OWNER, "ipc_owner"),
	CAP(SYS_MODULE, "sys_module"),
	CAP(SYS_RAWIO, "sys_rawio"),
	CAP(SYS_CHROOT, "sys_chroot"),
	CAP(SYS_PTRACE, "sys_ptrace"),
	CAP(SYS_PACCT, "sys_pacct"),
	CAP(SYS_ADMIN, "sys_admin"),
	CAP(SYS_BOOT, "sys_boot"),
	CAP(SYS_NICE, "sys_nice"),
	CAP(SYS_RESOURCE, "sys_resource"),
	CAP(SYS_TIME, "sys_time"),
	CAP(SYS_TTY_CONFIG, "sys_tty_config"),
	CAP(MKNOD, "mknod"),
	CAP(LEASE, "lease"),
	CAP(AUDIT_WRITE, "audit_write"),
	CAP(AUDIT_CONTROL, "audit_control"),
	CAP(SETFCAP, "setfcap"),
	CAP(MAC_OVERRIDE, "mac_override"),
	CAP(MAC_ADMIN, "mac_admin"),
	CAP(SYSLOG, "syslog"),
	CAP(WAKE_ALARM, "wake_alarm"),
	CAP(BLOCK_SUSPEND, "block_suspend"),
	CAP(AUDIT_READ, "audit_read"),
	CAP(PERFMON, "perfmon"),
	CAP(BPF, "bpf"),
	CAP(CHECKPOINT_RESTORE, "checkpoint_restore"),
};
#define NAMES (sizeof(names) / sizeof(*names))

const char *ct_cap_name(unsigned cap, char buf[CT_CAP_NAME_BYTES])
{
	if (cap < NAMES && names[cap])
		snprintf(buf, CT_CAP_NAME_BYTES, "%s", names[cap]);
	else
		snprintf(buf, CT_CAP_NAME_BYTES, PREFIX "%u", cap);
	return buf;
}

int ct_cap_number(const char *word, size_t n)
{
	char digits[4] = "";
	uint32_t v;

	if (n > strlen(PREFIX) && !strncasecmp(word, PREFIX, strlen(PREFIX))) {
		word += strlen(PREFIX);
		n -= strlen(PREFIX);
	}
	for (size_t i = 0; i < NAMES; i++)
		if (names[i] && strlen(names[i]) == n && !strncasecmp(names[i], word, n))
			return (int)i;
	if (n >= sizeof(digits))
		return -1;
	memcpy(digits, word, n);
	if (ct_parse_u32(digits, &v) < 0 || v > LAST)
		return -1;
	return (int)v;
}
