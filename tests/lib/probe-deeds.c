/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-deeds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what uses up a limit -------------------------------------------------------------------- */

#define MINUTE_US 60000000ull

static unsigned long long now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (unsigned long long)t.tv_sec * 1000000u + (unsigned long long)t.tv_nsec / 1000u;
}

static unsigned long number(const char *s)
{
	return strtoul(s, NULL, 10);
}

static void say(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

static int touch(unsigned long bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long i;

	if (p == MAP_FAILED)
		return -1;
	for (i = 0; i < bytes; i += 4096)
		p[i] = (char)(i >> 12 | 1);
	return 0;
}

/* Children that touch memory, tell of it by a byte, and wait for the end of the pipe `go`. Returns
 * how many there are. */
static unsigned long eaters(unsigned long n, unsigned long bytes, int told, const int go[2])
{
	unsigned long i;
	char c = '.';

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid)
			continue;
		close(go[1]);
		if (touch(bytes) || write(told, &c, 1) < 0)
			_exit(1);
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	return i;
}

static int hold(char **v)
{
	unsigned long n = number(v[0]), bytes = number(v[1]), there, i;
	int told[2], go[2];
	char c;

	if (pipe(told) || pipe(go))
		return 1;
	if (!n && touch(bytes))
		return 1;
	there = eaters(n, bytes, told[1], go);
	for (i = 0; i < there; i++)
		(void)!read(told[0], &c, 1);
	say("ready");
	(void)!read(0, &c, 1);
	close(go[0]);
	close(go[1]);
	while (wait(NULL) > 0)
		;
	return there != n;
}

/* All at once, and none goes before all have what they want or are killed. */
static int tree(char **v)
{
	unsigned long n = number(v[0]), killed = 0;
	int told[2], go[2], status, flags = 0;
	char c;

	if (pipe(told) || pipe(go))
		return 99;
	n = eaters(n, number(v[1]), told[1], go);
	close(told[1]);
	close(go[0]);
	/* the end of `told`: whoever lives has said so and keeps it open */
	for (unsigned long seen = 0; seen + killed < n;) {
		struct pollfd p = { .fd = told[0], .events = POLLIN };

		if (poll(&p, 1, 10) > 0 && read(told[0], &c, 1) > 0)
			seen++;
		while (waitpid(-1, &status, WNOHANG) > 0)
			killed++, flags |= WIFSIGNALED(status) ? WTERMSIG(status) : 128;
		if (killed)
			break;
	}
	close(go[1]);
	while (wait(&status) > 0)
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	printf("killed %lu of %lu, signal %d\n", killed, n, flags);
	return (int)number(v[2]);
}

static int fill(char **v)
{
	static char block[65536];
	unsigned long want = number(v[1]), done = 0;
	int fd = open(v[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n = fd < 0 ? -1 : 0;

	memset(block, 'f', sizeof(block));
	while (done < want && (n = write(fd, block, sizeof(block))) > 0)
		done += (unsigned long)n;
	printf("wrote %lu%s%s\n", done, n < 0 ? ", " : "", n < 0 ? strerror(errno) : "");
	return n < 0;
}

static int map(char **v)
{
	unsigned long bytes = number(v[1]), i;
	int fd = open(v[0], O_RDWR | O_CREAT, 0644);
	char *p = fd < 0 || ftruncate(fd, (off_t)bytes)
			  ? MAP_FAILED
			  : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	for (i = 0; p != MAP_FAILED && i < bytes; i += 4096)
		p[i] = 1;
	printf("mapped %s\n", p == MAP_FAILED ? strerror(errno) : "all");
	return p == MAP_FAILED;
}

static int bomb(char **v)
{
	unsigned long long until = now_us(CLOCK_MONOTONIC) + MINUTE_US;

	(void)v;
	say("ready");
	while (now_us(CLOCK_MONOTONIC) < until)
		fork();
	return 0;
}

#define FORKS_MAX 4096

static int forks(char **v)
{
	static pid_t pid[FORKS_MAX];
	unsigned long want = number(v[0]), n, i;
	int err = 0;

	for (n = 0; n < want && n < FORKS_MAX; n++) {
		pid[n] = fork();
		if (pid[n] < 0) {
			err = errno;
			break;
		}
		if (pid[n] == 0) {
			pause();
			_exit(0);
		}
	}
	printf("forked %lu%s%s\n", n, err ? ", " : "", err ? strerror(err) : "");
	for (i = 0; i < n; i++)
		kill(pid[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return (int)number(v[1]);
}

static int chains(char **v)
{
	unsigned long long until = now_us(CLOCK_MONOTONIC) + MINUTE_US;
	unsigned long n = number(v[0]), i;

	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < n; i++) {
		if (fork())
			continue;
		setsid();
		while (now_us(CLOCK_MONOTONIC) < until) {
			if (fork() > 0)
				_exit(0);
		}
		_exit(0);
	}
	say("ready");
	pause();
	return 0;
}

static int spinners(char **v)
{
	unsigned long n = number(v[0]);

	while (n--) {
		if (fork() == 0)
			for (;;)
				;
	}
	say("ready");
	while (wait(NULL) > 0)
		;
	return 0;
}

static int burn(char **v)
{
	unsigned long long until = number(v[0]) * 1000ull;

	while (now_us(CLOCK_PROCESS_CPUTIME_ID) < until)
		;
	return 0;
}

static int direct(char **v)
{
	unsigned long want = number(v[2]), done = 0;
	int fd = open(v[0], O_RDWR | O_DIRECT);
	unsigned long long began = now_us(CLOCK_MONOTONIC);
	void *block = NULL;
	ssize_t n = 0;

	if (fd < 0 || posix_memalign(&block, 65536, 65536)) {
		printf("open: %s\n", strerror(errno));
		return 1;
	}
	memset(block, 'd', 65536);
	while (done < want &&
	       (n = *v[1] == 'r' ? read(fd, block, 65536) : write(fd, block, 65536)) > 0)
		done += (unsigned long)n;
	printf("%lu bytes in %llu us%s%s\n", done, now_us(CLOCK_MONOTONIC) - began,
	       n < 0 ? ", " : "", n < 0 ? strerror(errno) : "");
	return n < 0;
}

/* ---- what tries to get around it ------------------------------------------------------------- */

static int open_each(char **v)
{
	for (; *v; v++) {
		int fd = open(*v, O_RDWR | O_NONBLOCK | O_NOCTTY);

		printf("%s: %s\n", *v, fd >= 0 ? "opens" : strerror(errno));
		close(fd);
	}
	return 0;
}

static int nodes(char **v)
{
	for (; v[0] && v[1] && v[2]; v += 3) {
		const char *opened = "not tried";
		char path[64];
		int made, fd;

		snprintf(path, sizeof(path), "/tmp/%s-%s-%s", v[0], v[1], v[2]);
		unlink(path);
		made = mknod(path, (*v[0] == 'b' ? S_IFBLK : S_IFCHR) | 0600,
			     makedev(number(v[1]), number(v[2])))
			       ? errno
			       : 0;
		fd = made ? -1 : open(path, O_RDWR | O_NONBLOCK | O_NOCTTY);
		if (!made)
			opened = fd >= 0 ? "done" : strerror(errno);
		printf("%s %s:%s mknod %s, open %s\n", v[0], v[1], v[2],
		       made ? strerror(made) : "done", opened);
		close(fd);
	}
	return 0;
}

static int write_each(char **v)
{
	for (; *v; v++) {
		char *text = strchr(*v, '=');
		int fd;

		if (!text)
			return 1;
		*text++ = 0;
		fd = open(*v, O_WRONLY);
		if (fd < 0)
			printf("%s: open %s\n", *v, strerror(errno));
		else
			printf("%s: write %s\n", *v,
			       write(fd, text, strlen(text)) < 0 ? strerror(errno) : "done");
		close(fd);
	}
	return 0;
}

static int mount_one(char **v)
{
	int r = mount("none", v[1], v[0], 0, v[2] && *v[2] ? v[2] : NULL);

	printf("mount %s %s: %s\n", v[0], v[2] ? v[2] : "", r ? strerror(errno) : "done");
	return 0;
}

/* What has the host's kernel run a program, or lets somebody out: below dir, `depth` levels. */
static void agents_below(const char *dir, int depth)
{
	static const char *const names[] = { "release_agent", "notify_on_release", "devices.allow",
					     "cgroup.clone_children" };
	char path[1024];
	struct dirent *e;
	size_t i;
	DIR *d;
	int fd;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		fd = open(path, O_WRONLY);
		if (fd >= 0)
			printf("writable %s\n", path);
		else if (errno != ENOENT)
			printf("refused %s: %s\n", path, strerror(errno));
		close(fd);
	}
	d = depth ? opendir(dir) : NULL;
	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		agents_below(path, depth - 1);
	}
	if (d)
		closedir(d);
}

static int agents(char **v)
{
	for (; *v; v++)
		agents_below(*v, 3);
	return 0;
}

static int make_groups(char **v)
{
	unsigned long want = number(v[1]), n;
	char path[512];
	int err = 0;

	for (n = 0; n < want && !err; n++) {
		/* some deep, some broad */
		snprintf(path, sizeof(path), "%s/g%lu", v[0], n / 100);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/g%lu/h%lu", v[0], n / 100, n % 100);
		err = mkdir(path, 0755) ? errno : 0;
	}
	printf("made %lu%s%s\n", n - !!err, err ? ", " : "", err ? strerror(err) : "");
	say("ready");
	pause();
	return 0;
}

static int deep(char **v)
{
	unsigned long want = number(v[1]), n;

	if (chdir(v[0]))
		printf("%s: %s\n", v[0], strerror(errno));
	for (n = 0; n < want; n++) {
		if (mkdir("d", 0755) || chdir("d"))
			break;
	}
	printf("deep %lu%s%s\n", n, n < want ? ", " : "", n < want ? strerror(errno) : "");
	say("ready");
	pause();
	return 0;
}

static int roots(char **v)
{
	char line[4096], where[1024];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	(void)v;
	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, " - cgroup") && sscanf(line, "%*s %*s %*s %*s %1023s", where) == 1)
			printf("%s\n", where);
	}
	return 0;
}

/* As systemd does: the signal is blocked, and read from a descriptor. (Who waits for it by
 * sigwait(3) does not block it meanwhile.) Ends with 7 when it has come. */
static int reads_signal(char **v)
{
	struct signalfd_siginfo si;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, atoi(v[0]));
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	putchar('\n');
	fflush(stdout);
	return read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si) ? 7 : 1;
}

static int refreeze(char **v)
{
	unsigned long long until = now_us(CLOCK_MONOTONIC) + MINUTE_US;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.freeze", v[0]);
	if (access(path, F_OK))
		snprintf(path, sizeof(path), "%s/freezer.state", v[0]);
	fd = open(path, O_WRONLY);
	printf("refreeze %s\n", fd < 0 ? strerror(errno) : "begins");
	say("ready");
	while (fd >= 0 && now_us(CLOCK_MONOTONIC) < until)
		(void)!pwrite(fd, strstr(path, "state") ? "FROZEN" : "1",
			      strstr(path, "state") ? 6 : 1, 0);
	return 0;
}

static int on_cgroups(char **v)
{
	static const char *const whose[] = { "self", "1" };
	struct statfs fs;
	char path[64];
	int i, fd, n = 0;

	(void)v;
	for (i = 0; i < 2; i++) {
		for (fd = 0; fd < 1024; fd++) {
			snprintf(path, sizeof(path), "/proc/%s/fd/%d", whose[i], fd);
			if (statfs(path, &fs) == 0 &&
			    (fs.f_type == 0x27e0eb || fs.f_type == 0x63677270))
				n++, printf("%s is on a cgroup file system\n", path);
		}
	}
	printf("%d descriptors on cgroups\n", n);
	return 0;
}

static const struct {
	const char *name;
	int words;
	int (*run)(char **v);
} deeds[] = {
	{ "hold", 2, hold },
	{ "tree", 3, tree },
	{ "fill", 2, fill },
	{ "map", 2, map },
	{ "bomb", 0, bomb },
	{ "forks", 2, forks },
	{ "chains", 1, chains },
	{ "spinners", 1, spinners },
	{ "burn", 1, burn },
	{ "direct", 3, direct },
	{ "node", 3, nodes },
	{ "open", 1, open_each },
	{ "write", 1, write_each },
	{ "mount", 2, mount_one },
	{ "agents", 1, agents },
	{ "groups", 2, make_groups },
	{ "deep", 2, deep },
	{ "roots", 0, roots },
	{ "reads-signal", 1, reads_signal },
	{ "refreeze", 1, refreeze },
	{ "on-cgroups", 0, on_cgroups },
};

int deed(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (!strcmp(argv[1], deeds[i].name) && argc - 2 >= deeds[i].words)
			return deeds[i].run(argv + 2);
	}
	return -1;
}
