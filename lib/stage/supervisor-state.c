/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the supervisor keeps in its state directory, and what it reads from /proc. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>	/* renameat */
#include <string.h>
#include <unistd.h>

#include "stage/supervisor.h"

#define STATE_TEXT 1536

static void line_u64(char *text, const char *key, uint64_t v)
{
	str_add(text, STATE_TEXT, key);
	str_add(text, STATE_TEXT, " ");
	str_add_u64(text, STATE_TEXT, v);
	str_add(text, STATE_TEXT, "\n");
}

static void line_pair(char *text, const char *key, uint64_t a, uint64_t b)
{
	str_add(text, STATE_TEXT, key);
	str_add(text, STATE_TEXT, " ");
	str_add_u64(text, STATE_TEXT, a);
	str_add(text, STATE_TEXT, " ");
	str_add_u64(text, STATE_TEXT, b);
	str_add(text, STATE_TEXT, "\n");
}

static void line_str(char *text, const char *key, const char *value)
{
	str_add(text, STATE_TEXT, key);
	str_add(text, STATE_TEXT, " ");
	str_add(text, STATE_TEXT, value);
	str_add(text, STATE_TEXT, "\n");
}

static void line_verdict(char *text, const struct sup_verdict *v)
{
	const uint64_t n[] = { (uint64_t)v->reason, (uint64_t)v->code, (uint64_t)v->signal, (uint64_t)v->core,
			       v->wall_us, v->user_us, v->system_us, v->max_rss };

	str_add(text, STATE_TEXT, "verdict");
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		str_add(text, STATE_TEXT, " ");
		str_add_u64(text, STATE_TEXT, n[i]);
	}
	str_add(text, STATE_TEXT, "\n");
}

static void state_text(const struct super *s, char *text)
{
	text[0] = 0;
	str_add(text, STATE_TEXT, "libcontain-state 1\n");
	line_str(text, "name", s->name);
	line_str(text, "boot_id", (const char *)s->w->boot_id);
	line_pair(text, "supervisor", (uint64_t)getpid(), s->self_start);
	if (s->init > 0)
		line_pair(text, "init", (uint64_t)s->init, s->init_start);
	line_u64(text, "boots", s->boots);
	line_u64(text, "pdeath", s->w->pdeath);
	line_u64(text, "ephemeral", !!(s->w->flags & CT_SUPER_EPHEMERAL));
	if (s->verdict.reason)
		line_verdict(text, &s->verdict);
	if (s->error[0])
		line_str(text, "error", s->error);
	/* last, so that a file cut short is seen to be */
	line_u64(text, "state", s->state);
}

/* See supervisor.h. */
int sup_write_state(struct super *s)
{
	char text[STATE_TEXT];
	int fd, r;

	state_text(s, text);
	unlinkat(s->state_dir, ".state.new", 0);
	fd = openat(s->state_dir, ".state.new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	close(fd);
	if (!r && renameat(s->state_dir, ".state.new", s->state_dir, "state"))
		r = -errno;
	if (r)
		unlinkat(s->state_dir, ".state.new", 0);
	return r;
}

/* See supervisor.h. */
int sup_set_state(struct super *s, uint32_t state)
{
	int r;

	s->state = state;
	r = sup_write_state(s);
	sup_tell_waiters(s);
	return r;
}

/* The lock of the calls, taken for removing everything: -1 when a call has it, who then clears instead. */
static int try_lock(const struct super *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(s->state_dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Removes the directory itself when nothing is in it any more: by the name that it has now. */
static void remove_empty(int dir)
{
	char link[64] = "/proc/self/fd/", path[4096], *base;
	ssize_t n;
	int up;

	str_add_u64(link, sizeof(link), (uint64_t)dir);
	n = readlink(link, path, sizeof(path) - 1);
	up = n > 0 ? openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (up < 0)
		return;
	path[n] = '\0';
	base = strrchr(path, '/');
	if (base)
		unlinkat(up, base + 1, AT_REMOVEDIR);
	close(up);
}

/* See supervisor.h. */
void sup_remove_files(struct super *s, int all)
{
	static const char *const files[] = { "state", ".state.new", "config", "alive", "lock" };
	int lock, parent;

	unlinkat(s->state_dir, "control", 0);
	if (!all || s->name[0] == '.' || strchr(s->name, '/'))
		return;
	lock = try_lock(s);
	if (lock < 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(s->state_dir, files[i], 0);
	parent = openat(s->state_dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		unlinkat(parent, s->name, AT_REMOVEDIR);
		remove_empty(parent);
		close(parent);
	}
	close(lock);
}

/* Reads /proc/PID/FILE into buf, NUL-terminated. Bytes or negative errno. */
static ssize_t read_proc(pid_t pid, const char *file, char *buf, size_t n)
{
	char path[64] = "/proc/";
	ssize_t r;
	int fd;

	str_add_u64(path, sizeof(path), (uint64_t)pid);
	str_add(path, sizeof(path), "/");
	str_add(path, sizeof(path), file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = read_full(fd, buf, n - 1);
	close(fd);
	if (r >= 0)
		buf[r] = 0;
	return r;
}

/* See supervisor.h. */
uint64_t sup_start_time(pid_t pid)
{
	char buf[1024], *p, *end;
	uint64_t v = 0;

	if (read_proc(pid, "stat", buf, sizeof(buf)) < 0)
		return 0;
	p = strrchr(buf, ')');
	/* the state after it is field 3; the start is field 22 */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return 0;
	end = strchr(++p, ' ');
	if (end)
		*end = 0;
	return str_u64(p, UINT64_MAX, &v) ? 0 : v;
}

/* The mask behind `field` in /proc/PID/status. */
static uint64_t signal_mask(pid_t pid, const char *field)
{
	char buf[4096], *p;
	uint64_t v = 0;

	if (read_proc(pid, "status", buf, sizeof(buf)) < 0)
		return 0;
	p = strstr(buf, field);
	if (!p)
		return 0;
	for (p += strlen(field); *p && *p != '\n'; p++) {
		if (*p >= '0' && *p <= '9')
			v = v << 4 | (uint64_t)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			v = v << 4 | (uint64_t)(*p - 'a' + 10);
		else
			return 0;
	}
	return v;
}

/* See supervisor.h. */
uint64_t sup_caught(pid_t pid)
{
	return signal_mask(pid, "\nSigCgt:\t");
}

/* See supervisor.h. */
uint64_t sup_ignored(pid_t pid)
{
	return signal_mask(pid, "\nSigIgn:\t");
}
