/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tiny static program for the inside of a container: says what it was given, one JSON object a
 * line. It needs neither /proc nor a C library in the rootfs.
 *
 *   probe                  the report
 *   probe view             the report, and: death signal, mounts, what is in /dev, what may
 *                          be read and written
 *   probe fds              only the open descriptors
 *   probe exit N | signal N | sleep SECONDS | output BYTES | spin
 *   probe try-files F...   opens each for reading and for writing and says what came of it
 *   probe watch            until end of input: opens /proc/PID/exe of all it sees and reads their
 *                          maps; then says which files (device:inode) it met
 *
 * and what uses up a limit, or tries to get around it; each says in lines of text what came of it:
 *   probe hold N BYTES     N children (0: itself) touch so much memory, "ready", end
 *                          of input ends them
 *   probe tree N BYTES C   N children touch so much memory at once; says how many were
 *   killed; exits with C probe fill FILE BYTES writes a file; `probe map FILE BYTES` touches
 *   it as shared memory
 *   probe bomb             a fork bomb, for a minute at the most
 *   probe forks N C        children until N are there or none more can be had; says how
 *                          many; exits with C
 *   probe chains N         N processes that live on only in their children, for a
 *                          minute at the most
 *   probe spinners N       N children that spin
 *   probe burn MS          spins until it has used so much CPU time itself, then exits
 *   probe direct FILE r|w BYTES   O_DIRECT, 64 KiB at a time; says the microseconds that it took
 *   probe node b|c MAJ MIN ...    makes device nodes and opens them; `probe open
 *                                 FILE...` only opens
 *   probe write FILE=TEXT..       writes each and says what came of it
 *   probe mount TYPE DIR OPTS     mounts, and says what came of it
 *   probe agents DIR...    release agents and the like below DIR that can be opened for writing
 *   probe groups DIR N     makes N groups in DIR, "ready", waits; `probe deep DIR N` makes
 *                          them one in the other
 *   probe roots            where cgroup file systems are mounted
 *   probe refreeze DIR     writes "frozen" into DIR, either version, again and again, for a
 *                          minute at the most
 *   probe on-cgroups       descriptors of its own, or that init has, on a cgroup file system
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe-deeds.h"

extern char **environ;

static void quoted(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 32 || c > 126)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void strings(const char *key, char **v)
{
	int i;

	printf("{\"%s\": [", key);
	for (i = 0; v[i]; i++) {
		printf(i ? ", " : "");
		quoted(v[i]);
	}
	printf("]}\n");
}

static void fds(void)
{
	int fd, n = 0;

	printf("{\"fds\": [");
	for (fd = 0; fd < 65536; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%s%d", n++ ? ", " : "", fd);
	}
	printf("]}\n");
}

/* What stands behind each descriptor: type, device and inode, access mode. */
static void fd_objects(void)
{
	struct stat st;
	int fd, n = 0;

	printf("{\"fd_objects\": [");
	for (fd = 0; fd < 1024; fd++) {
		if (fstat(fd, &st))
			continue;
		printf("%s\"%d: %o %u:%u:%llu %x\"", n++ ? ", " : "", fd, st.st_mode & S_IFMT,
		       major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino,
		       (unsigned)fcntl(fd, F_GETFL));
	}
	printf("]}\n");
}

static void capabilities(void)
{
	struct {
		unsigned version;
		int pid;
	} head = { 0x20080522, 0 };
	struct {
		unsigned e, p, i;
	} data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	unsigned long long bounding = 0, ambient = 0;
	unsigned long cap;

	syscall(SYS_capget, &head, data);
	for (cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bounding |= 1ull << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= 1ull << cap;
	}
	printf("{\"cap_inheritable\": \"%08x%08x\"}\n", data[1].i, data[0].i);
	printf("{\"cap_permitted\": \"%08x%08x\"}\n", data[1].p, data[0].p);
	printf("{\"cap_effective\": \"%08x%08x\"}\n", data[1].e, data[0].e);
	printf("{\"cap_bounding\": \"%016llx\"}\n{\"cap_ambient\": \"%016llx\"}\n", bounding,
	       ambient);
	printf("{\"no_new_privs\": %d}\n{\"securebits\": %d}\n{\"dumpable\": %d}\n",
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS, 0, 0, 0, 0),
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void signals(void)
{
	unsigned long long mask = 0;
	struct sigaction sa;
	int sig, n = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
	printf("{\"blocked\": \"%016llx\"}\n{\"ignored\": [", mask);
	for (sig = 1; sig <= 64; sig++) {
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
			printf("%s%d", n++ ? ", " : "", sig);
	}
	sigset_t pending;

	sigpending(&pending);
	for (n = 0, sig = 1; sig < 32; sig++)
		n += sigismember(&pending, sig);
	printf("]}\n{\"pending\": %d}\n", n);
}

static void ids(void)
{
	uid_t u[3] = { 0, 0, 0 };
	gid_t g[3] = { 0, 0, 0 }, groups[256];
	int i, n = getgroups(256, groups);
	mode_t mask = umask(0);

	umask(mask);
	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	printf("{\"uid\": [%u, %u, %u]}\n{\"gid\": [%u, %u, %u]}\n{\"groups\": [", u[0], u[1], u[2],
	       g[0], g[1], g[2]);
	for (i = 0; i < n; i++)
		printf("%s%u", i ? ", " : "", groups[i]);
	printf("]}\n{\"umask\": \"%03o\"}\n", (unsigned)mask);
	printf("{\"pid\": %d}\n{\"ppid\": %d}\n{\"session\": %d}\n{\"group\": %d}\n", getpid(),
	       getppid(), getsid(0), getpgrp());
}

static void links(void)
{
	static const char *const ns[] = { "mnt",  "pid", "uts",	   "ipc",
					  "user", "net", "cgroup", "time" };
	char path[64], target[4096];
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", ns[i]);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		printf("{\"ns_%s\": \"%s\"}\n", ns[i], target);
	}
	n = readlink("/proc/self/exe", target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	printf("{\"exe\": ");
	quoted(target);
	printf("}\n{\"proc\": %s}\n", access("/proc/self/status", R_OK) ? "false" : "true");
}

/* The first line of a file of /proc/self. */
static void proc_line(const char *key, const char *file)
{
	char line[128] = "";
	FILE *f = fopen(file, "re");

	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = 0;
	if (f)
		fclose(f);
	printf("{\"%s\": \"%s\"}\n", key, line);
}

/* What a process has from its parent without asking for it. */
static void inherited(void)
{
	struct rlimit r;
	int i;

	printf("{\"session_keyring\": %ld}\n",
	       syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0));
	printf("{\"personality\": %d}\n{\"policy\": %d}\n{\"nice\": %d}\n", personality(0xffffffff),
	       (int)syscall(SYS_sched_getscheduler, 0), getpriority(PRIO_PROCESS, 0));
	printf("{\"ioprio\": %ld}\n{\"timerslack\": %d}\n{\"thp_disabled\": %d}\n",
	       syscall(SYS_ioprio_get, 1, 0), prctl(PR_GET_TIMERSLACK),
	       prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("{\"memory_merge\": %d}\n", prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0));
	proc_line("oom_score_adj", "/proc/self/oom_score_adj");
	proc_line("coredump_filter", "/proc/self/coredump_filter");
	for (i = 0; i < 16; i++) {
		getrlimit(i, &r);
		printf("{\"limit_%d\": \"%lld %lld\"}\n", i, (long long)r.rlim_cur,
		       (long long)r.rlim_max);
	}
}

static void rest(char **argv)
{
	char text[4096];
	struct rlimit r;
	int i;

	strings("argv", argv);
	strings("env", environ);
	printf("{\"cwd\": ");
	quoted(getcwd(text, sizeof(text)) ? text : "?");
	printf("}\n{\"hostname\": ");
	quoted(gethostname(text, sizeof(text)) ? "?" : text);
	printf("}\n{\"nofile\": [");
	getrlimit(RLIMIT_NOFILE, &r);
	printf("%llu, %llu]}\n", (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	for (i = 0; i < 3; i++)
		printf("{\"tty%d\": %s}\n", i, isatty(i) ? "true" : "false");
	i = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	printf("{\"controlling_tty\": %s}\n", i >= 0 ? "true" : "false");
}

static void try_files(char **files)
{
	for (; *files; files++) {
		char buf[16];
		int in = open(*files, O_RDONLY | O_NONBLOCK | O_NOCTTY),
		    got = in < 0 ? -1 : (int)read(in, buf, sizeof(buf));
		int got_err = errno, out = open(*files, O_WRONLY | O_NONBLOCK | O_NOCTTY),
		    out_err = errno;

		printf("{\"%s\": \"read %s, write %s\"}\n", *files,
		       got >= 0 ? (got ? "data" : "empty") : strerror(got_err),
		       out >= 0 ? "opens" : strerror(out_err));
		close(in);
		close(out);
	}
}

/* ---- view: what the payload sees, without numbers that differ from run to run ---------------- */

/* "shared:12" without its number. */
static void print_mount_word(const char *word)
{
	size_t n = strcspn(word, ":");

	if (!strncmp(word, "shared:", 7) || !strncmp(word, "master:", 7))
		printf("%.*s ", (int)n, word);
	else
		printf("%s ", word);
}

/* Mounts in their order, without ids and device numbers. */
static void mounts(void)
{
	char line[4096], *word, *rest;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int i, n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		printf("{\"mount_%d\": \"", n++);
		for (i = 0, rest = line; (word = strtok_r(rest, " \n", &rest)); i++) {
			if (i > 2)
				print_mount_word(word);
		}
		printf("\"}\n");
	}
	if (f)
		fclose(f);
}

static void device_nodes(void)
{
	struct dirent **list = NULL;
	int i, n = scandir("/dev", &list, NULL, alphasort);

	for (i = 0; i < n; i++) {
		char path[300], target[300] = "";
		struct stat st;

		snprintf(path, sizeof(path), "/dev/%s", list[i]->d_name);
		if (list[i]->d_name[0] == '.' || lstat(path, &st))
			continue;
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = 0;
		printf("{\"%s\": \"%o %u:%u %u:%u %s\"}\n", path, st.st_mode, st.st_uid, st.st_gid,
		       major(st.st_rdev), minor(st.st_rdev), target);
	}
}

static void view(void)
{
	static char *const files[] = { "/proc/kcore",
				       "/proc/keys",
				       "/proc/timer_list",
				       "/proc/sysrq-trigger",
				       "/proc/sys/kernel/core_pattern",
				       "/proc/sys/vm/overcommit_memory",
				       "/proc/irq/default_smp_affinity",
				       "/sys/kernel/uevent_helper",
				       "/sys/firmware/memmap",
				       "/dev/mem",
				       "/dev/kmsg",
				       NULL };
	int death = -1;

	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	printf("{\"death_signal\": %d}\n{\"keepcaps\": %d}\n", death,
	       prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	mounts();
	device_nodes();
	try_files((char **)(unsigned long)files);
}

/* ---- watch: the set of files met ------------------------------------------------------------- */

#define SEEN_MAX 1024
static struct {
	unsigned major, minor;
	unsigned long long ino;
	char how;
} seen[SEEN_MAX];
static int n_seen;
static unsigned long looks, mems;

static void see(unsigned maj, unsigned min, unsigned long long ino, char how)
{
	int i;

	for (i = 0; i < n_seen; i++) {
		if (seen[i].major == maj && seen[i].minor == min && seen[i].ino == ino &&
		    seen[i].how == how)
			return;
	}
	if (n_seen < SEEN_MAX) {
		seen[n_seen].major = maj;
		seen[n_seen].minor = min;
		seen[n_seen].ino = ino;
		seen[n_seen++].how = how;
	}
}

static void look_at(const char *pid)
{
	char path[64], line[1024];
	unsigned maj, min;
	unsigned long long ino;
	struct stat st;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		see(major(st.st_dev), minor(st.st_dev), st.st_ino, 'x');
	close(fd);
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	mems += fd >= 0;
	close(fd);
	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %x:%x %llu", &maj, &min, &ino) == 3 && ino)
			see(maj, min, ino, 'm');
	}
	if (f)
		fclose(f);
	looks++;
}

static int watch(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	struct dirent *e;
	pid_t self = getpid();
	char byte, mine[16];
	DIR *d = opendir("/proc");
	int i;

	snprintf(mine, sizeof(mine), "%d", self);
	if (!d)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		if (poll(&p, 1, 0) > 0 && read(0, &byte, 1) <= 0)
			break;
		rewinddir(d);
		while ((e = readdir(d))) {
			if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
			    strcmp(e->d_name, mine) != 0)
				look_at(e->d_name);
		}
	}
	for (i = 0; i < n_seen; i++)
		printf("%c %u:%u:%llu\n", seen[i].how, seen[i].major, seen[i].minor, seen[i].ino);
	printf("looks %lu mems %lu\n", looks, mems);
	return 0;
}

/* ---- simple ends ----------------------------------------------------------------------------- */

static int output(unsigned long bytes)
{
	static char block[4096];
	unsigned long n;

	memset(block, 'o', sizeof(block));
	while (bytes) {
		n = bytes < sizeof(block) ? bytes : sizeof(block);
		if (write(1, block, n) < 0)
			return 1;
		bytes -= n;
	}
	return 0;
}

static int command(const char *what, const char *arg)
{
	unsigned long n = strtoul(arg, NULL, 10);

	if (!strcmp(what, "exit"))
		return (int)n;
	if (!strcmp(what, "sleep"))
		sleep((unsigned)n);
	if (!strcmp(what, "output"))
		return output(n);
	if (!strcmp(what, "signal")) {
		signal((int)n, SIG_DFL);
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), (int)n);
	}
	while (!strcmp(what, "spin"))
		;
	return 0;
}

int main(int argc, char **argv)
{
	int r = deed(argc, argv);

	if (r >= 0)
		return r;
	if (argc > 1 && !strcmp(argv[1], "watch"))
		return watch();
	if (argc > 1 && !strcmp(argv[1], "fds")) {
		fds();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "try-files")) {
		try_files(argv + 2);
		return 0;
	}
	if (argc > 2 || (argc > 1 && !strcmp(argv[1], "spin")))
		return command(argv[1], argc > 2 ? argv[2] : "0");
	fds();
	fd_objects();
	capabilities();
	signals();
	ids();
	inherited();
	links();
	rest(argv);
	if (argc > 1 && !strcmp(argv[1], "view"))
		view();
	return 0;
}
