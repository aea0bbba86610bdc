/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the state directory, and what is read from /proc. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/ask.h"

#define STATE_TEXT 2048 /* the same for all state files */
#define LOCK_TRIES 100
#define LOCK_PAUSE_MS 5

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

static void line_numbers(char *text, const char *key, const uint64_t *n, size_t count)
{
	str_add(text, STATE_TEXT, key);
	for (size_t i = 0; i < count; i++) {
		str_add(text, STATE_TEXT, " ");
		str_add_u64(text, STATE_TEXT, n[i]);
	}
	str_add(text, STATE_TEXT, "\n");
}

static void line_verdict(char *text, const struct ct_verdict *v)
{
	const uint64_t own[] = {
#define CT_STATUS(field) (uint64_t) v->field,
#define CT_USED(field) v->field,
#include "shared/verdict.def"
	};
	const uint64_t use[] = {
#define CT_COUNTER(field) v->tree.field,
#include "shared/verdict.def"
	};

	line_numbers(text, "verdict", own, sizeof(own) / sizeof(own[0]));
	line_numbers(text, "use", use, sizeof(use) / sizeof(use[0]));
}

/* All state files have one length, so that a later one fits in the place of an earlier one. */
static void pad(char *text)
{
	size_t n = strlen(text), end = STATE_TEXT - sizeof("\nstate 32\n");

	if (n + 6 > end)
		return;
	memcpy(text + n, "pad ", 4);
	for (n += 4; n < end; n++)
		text[n] = '.';
	memcpy(text + n, "\n", 2);
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
	line_u64(text, "program", !!(s->w->flags & (CT_SUPER_PROGRAM | CT_SUPER_REAPER)));
	if (s->verdict.reason)
		line_verdict(text, &s->verdict);
	if (s->error[0])
		line_str(text, "error", s->error);
	pad(text);
	/* last: without this line a reader knows that the file was cut short */
	line_u64(text, "state", s->state);
}

void sup_clean_text(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* A new file in the place of the old one. 0 or a negative errno. */
static int replace_state(struct super *s, const char *text)
{
	int fd, r;

	unlinkat(s->state_dir, ".state.new", 0);
	fd = sys_openat(s->state_dir, ".state.new", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	r = write_all(fd, text, strlen(text));
	if (!r)
		r = (int)sys4(SYS_renameat, s->state_dir, ".state.new", s->state_dir, "state");
	if (r) {
		unlinkat(s->state_dir, ".state.new", 0);
		close(fd);
		return r;
	}
	sup_close(&s->state_file);
	s->state_file = fd;
	return 0;
}

/* Writes over the old file, which works without space in the file system and without a further
 * descriptor. 0, or -1. */
static int overwrite_state(const struct super *s, const char *text)
{
	size_t n = strlen(text);

	if (s->state_file < 0 || pwrite(s->state_file, text, n, 0) != (ssize_t)n)
		return -1;
	return 0;
}

int sup_write_state(struct super *s)
{
	char text[STATE_TEXT];
	int r;

	state_text(s, text);
	r = replace_state(s, text);
	if (!r || !overwrite_state(s, text))
		return 0;
	/* in the replies to clients, and in the next file that can be written */
	if (!s->error[0]) {
		str_cut(s->error, sizeof(s->error), "the state file could not be written: errno ");
		str_add_u64(s->error, sizeof(s->error), (uint64_t)-r);
	}
	return r;
}

int sup_set_state(struct super *s, uint32_t state)
{
	int r;

	s->state = state;
	r = sup_write_state(s);
	sup_tell_waiters(s);
	return r;
}

/* Takes the lock that the library's calls take, to remove everything. A call that holds it may have
 * seen this process alive, and so will not clear up: waits for it for a moment. -1: it is still
 * held; the next call clears up. */
static int take_lock(const struct super *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = sys_openat(s->state_dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	for (int i = 0; fd >= 0 && sys3(SYS_fcntl, fd, F_OFD_SETLK, &lock); i++) {
		if (i == LOCK_TRIES) {
			close(fd);
			return -1;
		}
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return fd;
}

/* Removes a directory, by the name that it has now, where it is empty. */
static void remove_empty(int dir)
{
	char link[64] = "/proc/self/fd/", path[4096], *base;
	ssize_t n;
	int up;

	str_add_u64(link, sizeof(link), (uint64_t)dir);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	up = sys_openat(dir, "..", O_PATH | O_DIRECTORY, 0);
	if (up < 0)
		return;
	path[n] = '\0';
	base = strrchr(path, '/');
	if (base)
		unlinkat(up, base + 1, AT_REMOVEDIR);
	close(up);
}

void sup_remove_files(struct super *s, int all)
{
	static const char *const files[] = { "state", ".state.new", "config", "alive", "lock" };
	int lock, parent;

	unlinkat(s->state_dir, "control", 0);
	if (!all || s->name[0] == '.' || strchr(s->name, '/'))
		return;
	lock = take_lock(s);
	if (lock < 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(s->state_dir, files[i], 0);
	parent = sys_openat(s->state_dir, "..", O_PATH | O_DIRECTORY, 0);
	if (parent >= 0) {
		unlinkat(parent, s->name, AT_REMOVEDIR);
		remove_empty(parent);
		close(parent);
	}
	close(lock);
}

uint64_t sup_start_time(pid_t pid)
{
	uint64_t start = 0;
	char state;

	if (ct_proc_stat(pid, &state, &start))
		return 0;
	return start;
}

/* A mask of signals in /proc/PID/status; 0 when it cannot be read. */
static uint64_t signals_of(pid_t pid, const char *key)
{
	uint64_t mask = 0;

	if (ct_proc_signals(pid, key, &mask))
		return 0;
	return mask;
}

uint64_t sup_caught(pid_t pid)
{
	return signals_of(pid, "SigCgt");
}

uint64_t sup_ignored(pid_t pid)
{
	return signals_of(pid, "SigIgn");
}
