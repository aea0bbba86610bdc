/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l }, NULL);
}

void nothing_happens_for(int ms)
{
	sleep_ms(ms);
}

int rounds(int ci, int longer)
{
	int slow = getenv("CT_QUICK") || getenv("CT_SANITIZED");
	int n = getenv("CT_LONG") ? longer : ci;

	if (slow)
		n = getenv("CT_LONG") ? ci : ci / 5;
	return n > 0 ? n : 1;
}

pid_t parent_of(pid_t pid)
{
	char path[64], line[256];
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !parent && fgets(line, sizeof(line), f))
		sscanf(line, "PPid: %d", &parent);
	if (f)
		fclose(f);
	return parent;
}

int slowness(void)
{
	const char *slow = getenv("CT_SLOW");

	return slow && atoi(slow) > 1 ? atoi(slow) : 1;
}

int read_until(int fd, const char *word, int timeout_ms, char *text, size_t size)
{
	long long end = now_ms() + timeout_ms;
	size_t n = strlen(text);

	while (!strstr(text, word)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = end - now_ms();
		ssize_t got;

		if (left <= 0 || n + 1 >= size || poll(&p, 1, (int)left) <= 0)
			return 0;
		got = read(fd, text + n, size - n - 1);
		if (got <= 0)
			return 0;
		n += (size_t)got;
		text[n] = 0;
	}
	return 1;
}

int wait_until(int (*check)(void *data), void *data)
{
	return wait_for(check, data, PATIENCE_MS);
}

int wait_for(int (*check)(void *data), void *data, int timeout_ms)
{
	long long end = now_ms() + timeout_ms;
	int r;

	while (!(r = check(data)) && now_ms() < end)
		sleep_ms(5);
	return r;
}

const char *built(const char *name, char *buf, size_t size)
{
	const char *dir = getenv("CT_BUILD");

	snprintf(buf, size, "%s/%s", dir ? dir : ".", name);
	return buf;
}

char *read_all(int fd, int timeout_ms)
{
	size_t len = 0, cap = 4096;
	char *text = malloc(cap);
	long long end = now_ms() + timeout_ms, left;
	ssize_t n;

	while (text) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		left = end - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		n = read(fd, text + len, cap - len - 1);
		if (n <= 0) { /* a terminal's master says EIO when the other end is closed */
			text[len] = 0;
			return text;
		}
		len += (size_t)n;
		if (cap - len < 2) {
			char *more = realloc(text, cap *= 2);

			if (!more)
				break;
			text = more;
		}
	}
	free(text);
	return NULL;
}

/* The text of a temporary file descriptor, from its beginning. */
static char *text_of(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)(size > 0 ? size : 0) + 1);

	if (text && size > 0 && pread(fd, text, (size_t)size, 0) < 0)
		text[0] = 0;
	return text;
}

static void child_side(const char *const argv[], const int fd[3])
{
	int i;

	for (i = 0; i < 3; i++)
		dup2(fd[i], i);
	setpgid(0, 0);
	execvp(argv[0], (char *const *)(unsigned long)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int run_tool(const char *const argv[], const char *input, int timeout_ms, struct run_result *r)
{
	int fd[3] = { memfd_create("in", MFD_CLOEXEC), memfd_create("out", MFD_CLOEXEC),
		      memfd_create("err", MFD_CLOEXEC) };
	long long end = now_ms() + timeout_ms;
	int status = 0, i, pause = 1;
	pid_t pid, got = 0;

	memset(r, 0, sizeof(*r));
	if (fd[0] < 0 || fd[1] < 0 || fd[2] < 0)
		return -errno;
	if (input && (write(fd[0], input, strlen(input)) < 0 || lseek(fd[0], 0, SEEK_SET) < 0))
		return -errno;
	pid = fork();
	if (pid == 0)
		child_side(argv, fd);
	while (pid > 0 && !(got = waitpid(pid, &status, WNOHANG)) && now_ms() < end) {
		sleep_ms(pause);
		pause = pause < 20 ? pause + 1 : pause;
	}
	r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (pid > 0 && got == 0) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		r->status = -1;
	}
	r->out = text_of(fd[1]);
	r->err = text_of(fd[2]);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	return pid < 0 ? -EAGAIN : 0;
}

void run_free(struct run_result *r)
{
	free(r->out);
	free(r->err);
	memset(r, 0, sizeof(*r));
}

int no_orphans(void *data)
{
	char *text = data;
	FILE *f;

	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	f = fopen("/proc/thread-self/children", "re");
	text[0] = 0;
	if (f && !fgets(text, 256, f))
		text[0] = 0;
	if (f)
		fclose(f);
	return !text[0];
}

void sleep_us(long us)
{
	nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 },
		  NULL);
}

int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC),
	    err = fd < 0 || write(fd, text, strlen(text)) < 0;

	close(fd);
	return err ? -1 : 0;
}
