/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which capabilities a program uses, as far as its calls and their arguments tell. That a call
 * would have been refused without is not known here: this is a hint (capabilities(7)).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "learn.h"

#define FIRST_FREE_PORT 1024 /* by default, in each network namespace */

/* The thread that makes a call, by its /proc/PID/status. */
struct caller {
	uint64_t effective;
	uint64_t id[2][4]; /* user and group: real, effective, saved, of files */
};

struct use {
	const ct_notify *call;
	int fd;
	struct caller caller;
	bool known; /* caller is */
};

/* Reads n numbers behind the name of a line. False: it is not there. */
static bool read_line(const char *text, const char *name, unsigned base, uint64_t *to, int n)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = strstr(text, name), *digit;

	if (!p)
		return false;
	p += strlen(name);
	for (int i = 0; i < n; i++) {
		to[i] = 0;
		p += strspn(p, " \t");
		for (; *p && (digit = strchr(digits, *p)); p++)
			to[i] = to[i] * base + (uint64_t)(digit - digits);
	}
	return true;
}

/* Reads who makes the call, once. False: it is gone. */
static bool know_caller(struct use *u)
{
	struct caller *c = &u->caller;
	char path[64], text[4096];
	ssize_t n;
	int fd;

	if (u->known)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/status", u->call->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	u->known = read_line(text, "\nUid:", 10, c->id[0], 4) &&
		   read_line(text, "\nGid:", 10, c->id[1], 4) &&
		   read_line(text, "\nCapEff:", 16, &c->effective, 1);
	return u->known;
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* The kernel takes 32 bits of what is an int or an id. */
static unsigned arg(struct use *u, int i)
{
	return (unsigned)u->call->args[i];
}

static bool always(struct use *u)
{
	(void)u;
	return true;
}

static bool is_device(unsigned mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

static bool makes_device(struct use *u)
{
	return is_device(arg(u, 1));
}

static bool makes_device_at(struct use *u)
{
	return is_device(arg(u, 2));
}

static bool makes_namespace(struct use *u)
{
	const unsigned all = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			     CLONE_NEWPID | CLONE_NEWNET;

	return arg(u, 0) & all && !(arg(u, 0) & CLONE_NEWUSER);
}

/* Whether one of the first n arguments is an id that the process has not. */
static bool takes_id(struct use *u, int kind, int n)
{
	for (int i = 0; i < n && know_caller(u); i++) {
		const uint64_t *has = u->caller.id[kind];
		unsigned id = arg(u, i);

		if (id != UINT32_MAX && id != has[0] && id != has[1] && id != has[2])
			return true;
	}
	return false;
}

static bool takes_uid(struct use *u)
{
	return takes_id(u, 0, 1);
}

static bool takes_uids(struct use *u)
{
	return takes_id(u, 0, 2);
}

static bool takes_three_uids(struct use *u)
{
	return takes_id(u, 0, 3);
}

static bool takes_gid(struct use *u)
{
	return takes_id(u, 1, 1);
}

static bool takes_gids(struct use *u)
{
	return takes_id(u, 1, 2);
}

static bool takes_three_gids(struct use *u)
{
	return takes_id(u, 1, 3);
}

/* Gives a file to another user or group than the process' own. */
static bool gives_file(struct use *u, int first)
{
	unsigned uid = arg(u, first), gid = arg(u, first + 1);

	return know_caller(u) && ((uid != UINT32_MAX && uid != u->caller.id[0][3]) ||
				  (gid != UINT32_MAX && gid != u->caller.id[1][3]));
}

static bool gives_file_1(struct use *u)
{
	return gives_file(u, 1);
}

static bool gives_file_2(struct use *u)
{
	return gives_file(u, 2);
}

static bool binds_low_port(struct use *u)
{
	struct sockaddr_in in = { 0 };
	unsigned port;

	if (arg(u, 2) < sizeof(in) ||
	    ct_notify_read(u->fd, u->call, u->call->args[1], &in, sizeof(in)) != sizeof(in))
		return false;
	port = ntohs(in.sin_port); /* at the same place for IPv6 */
	return (in.sin_family == AF_INET || in.sin_family == AF_INET6) && port &&
	       port < FIRST_FREE_PORT;
}

static bool opens_raw_socket(struct use *u)
{
	unsigned domain = arg(u, 0), type = arg(u, 1) & 0xf;

	return domain == AF_PACKET ||
	       ((domain == AF_INET || domain == AF_INET6) && type == SOCK_RAW);
}

static bool sets_network(struct use *u)
{
	static const unsigned requests[] = { SIOCSIFFLAGS, SIOCSIFADDR,	  SIOCSIFNETMASK,
					     SIOCSIFMTU,   SIOCSIFHWADDR, SIOCADDRT,
					     SIOCDELRT,	   SIOCSIFNAME,	  TUNSETIFF };

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		if (arg(u, 1) == requests[i])
			return true;
	return false;
}

static bool sets_bounds(struct use *u)
{
	return arg(u, 0) == PR_CAPBSET_DROP || arg(u, 0) == PR_SET_SECUREBITS;
}

/* A nice value below the normal one; that an old one was still lower is not looked at. */
static bool hurries(struct use *u)
{
	return (int)arg(u, 2) < 0;
}

static bool is_real_time(struct use *u)
{
	int policy = (int)arg(u, 1) & ~SCHED_RESET_ON_FORK;

	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool sets_file_caps(struct use *u)
{
	char name[64];

	return ct_notify_read_string(u->fd, u->call, u->call->args[1], name, sizeof(name)) > 0 &&
	       !strcmp(name, "security.capability");
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
	const char *name; /* as in a config */
	int bit;	  /* CAP_* */
} caps[] = {
	{ "chown", CAP_CHOWN },
	{ "dac_read_search", CAP_DAC_READ_SEARCH },
	{ "setgid", CAP_SETGID },
	{ "setuid", CAP_SETUID },
	{ "setpcap", CAP_SETPCAP },
	{ "net_bind_service", CAP_NET_BIND_SERVICE },
	{ "net_admin", CAP_NET_ADMIN },
	{ "net_raw", CAP_NET_RAW },
	{ "sys_module", CAP_SYS_MODULE },
	{ "sys_rawio", CAP_SYS_RAWIO },
	{ "sys_chroot", CAP_SYS_CHROOT },
	{ "sys_pacct", CAP_SYS_PACCT },
	{ "sys_admin", CAP_SYS_ADMIN },
	{ "sys_boot", CAP_SYS_BOOT },
	{ "sys_nice", CAP_SYS_NICE },
	{ "sys_time", CAP_SYS_TIME },
	{ "sys_tty_config", CAP_SYS_TTY_CONFIG },
	{ "mknod", CAP_MKNOD },
	{ "setfcap", CAP_SETFCAP },
	{ "syslog", CAP_SYSLOG },
};
#define N_CAPS (sizeof(caps) / sizeof(*caps))

static const struct {
	int bit; /* CAP_* */
	const char *calls;
	bool (*needs)(struct use *u);
} rows[] = {
	{ CAP_CHOWN, "chown lchown fchown chown32 lchown32 fchown32", gives_file_1 },
	{ CAP_CHOWN, "fchownat", gives_file_2 },
	{ CAP_DAC_READ_SEARCH, "open_by_handle_at", always },
	{ CAP_SETUID, "setuid setuid32 setfsuid setfsuid32", takes_uid },
	{ CAP_SETUID, "setreuid setreuid32", takes_uids },
	{ CAP_SETUID, "setresuid setresuid32", takes_three_uids },
	{ CAP_SETGID, "setgid setgid32 setfsgid setfsgid32", takes_gid },
	{ CAP_SETGID, "setregid setregid32", takes_gids },
	{ CAP_SETGID, "setresgid setresgid32", takes_three_gids },
	{ CAP_SETGID, "setgroups setgroups32", always },
	{ CAP_SETPCAP, "prctl", sets_bounds },
	{ CAP_SETFCAP, "setxattr lsetxattr fsetxattr", sets_file_caps },
	{ CAP_NET_BIND_SERVICE, "bind", binds_low_port },
	{ CAP_NET_RAW, "socket", opens_raw_socket },
	{ CAP_NET_ADMIN, "ioctl", sets_network },
	{ CAP_MKNOD, "mknod", makes_device },
	{ CAP_MKNOD, "mknodat", makes_device_at },
	{ CAP_SYS_ADMIN,
	  "mount umount umount2 pivot_root move_mount fsopen fsmount fspick "
	  "mount_setattr swapon swapoff sethostname setdomainname quotactl setns "
	  "fanotify_init",
	  always },
	{ CAP_SYS_ADMIN, "clone unshare", makes_namespace },
	{ CAP_SYS_BOOT, "reboot kexec_load kexec_file_load", always },
	{ CAP_SYS_CHROOT, "chroot", always },
	{ CAP_SYS_MODULE, "init_module finit_module delete_module", always },
	{ CAP_SYS_NICE, "setpriority", hurries },
	{ CAP_SYS_NICE, "sched_setscheduler", is_real_time },
	{ CAP_SYS_PACCT, "acct", always },
	{ CAP_SYS_RAWIO, "iopl ioperm", always },
	{ CAP_SYS_TIME, "settimeofday clock_settime clock_settime64 stime", always },
	{ CAP_SYS_TTY_CONFIG, "vhangup", always },
	{ CAP_SYSLOG, "syslog", always },
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

unsigned learn_cap_row(const char *name)
{
	for (unsigned i = 0; i < N_ROWS; i++)
		if (learn_has_word(rows[i].calls, name))
			return i + 1;
	return 0;
}

const char *learn_cap_name(unsigned bit)
{
	if (bit < N_CAPS)
		return caps[bit].name;
	return NULL;
}

int learn_cap_bit(const char *name, size_t n)
{
	for (size_t i = 0; i < N_CAPS; i++)
		if (!strncmp(caps[i].name, name, n) && !caps[i].name[n])
			return (int)i;
	return -1;
}

/* Place of a capability in the table. */
static int place_of(int cap)
{
	for (size_t i = 0; i < N_CAPS; i++)
		if (caps[i].bit == cap)
			return (int)i;
	return -1;
}

void learn_cap_use(struct learn_profile *p, unsigned row, const ct_notify *call, int fd)
{
	int cap = rows[row - 1].bit, place = place_of(cap);
	struct use u = { .call = call, .fd = fd };

	if (place < 0 || p->caps >> place & 1 || !rows[row - 1].needs(&u))
		return;
	/* that it was this thread is only certain if it still waits */
	if (know_caller(&u) && u.caller.effective >> cap & 1 && ct_notify_valid(fd, call) >= 0)
		p->caps |= UINT64_C(1) << place;
}
