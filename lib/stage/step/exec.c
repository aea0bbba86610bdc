/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last steps: the descriptors that the program keeps, and its exec. */
#include <errno.h>
#include <string.h>

#include "shared/weak.h"
#include "stage/step/steps.h"
#include "shared/words.h"

#define KEEP_FIRST 3

/* ---- descriptors ----------------------------------------------------------------------------- */

/* Moves a descriptor below `min` to a number that the kept ones do not need. 0 or a negative
 * errno. */
static int move_up(int *fd, int min)
{
	int up;

	if (*fd < 0 || *fd >= min)
		return 0;
	up = sys_dup_min(*fd, min);
	if (up < 0)
		return up;
	sys_close(*fd);
	*fd = up;
	return 0;
}

/* Copies of the listed slots' descriptors, all of them at `min` or above. 0 or a negative errno. */
static int copy_kept(struct stage *st, const struct ct_wire_step *s, int *copy, int min)
{
	const char *p = step_list(st, s, 0);

	for (uint32_t i = 0; i < step_list_n(s, 0); i++) {
		uint64_t slot;

		if (str_u64(p, st->head->n_slots - 1, &slot) || st->slot[slot] < 0)
			return -EBADF;
		copy[i] = sys_dup_min(st->slot[slot], min);
		if (copy[i] < 0)
			return copy[i];
		p += strlen(p) + 1;
	}
	return 0;
}

/* The listed slots become 3, 4, ... and stay open; the stage's own descriptors of these numbers
 * move up first. */
int step_fds(struct stage *st, const struct ct_wire_step *s)
{
	uint32_t n = step_list_n(s, 0);
	int min = KEEP_FIRST + (int)n, err = -ENOMEM, *copy;

	if (!n)
		return 0;
	copy = stage_alloc(n * sizeof(*copy));
	if (copy)
		err = copy_kept(st, s, copy, min);
	for (uint32_t i = 0; !err && i < st->head->n_slots; i++)
		err = move_up(&st->slot[i], min);
	if (!err)
		err = move_up(&st->report_fd, min);
	if (!err)
		err = move_up(&st->keep_fd, min);
	for (uint32_t i = 0; err >= 0 && i < n; i++) {
		err = (int)sys3(SYS_dup3, copy[i], KEEP_FIRST + (int)i, 0);
		sys_close(copy[i]);
	}
	st->n_keep = n;
	if (err >= 0)
		return 0;
	return report_error(st, err, SYS_dup3, NULL,
			    text_for(err, -EMFILE, "the limit of open files is too low"));
}

/* Pointers to the descriptors that later steps need: the report and the keeper's socket, then the
 * slots that these steps read. Their number. */
static int list_last(struct stage *st, int **last)
{
	int n = 0;

	last[n++] = &st->report_fd;
	last[n++] = &st->keep_fd;
	for (uint32_t i = 0; i < st->head->n_slots; i++)
		if (st->slot[i] >= 0 && st->last_use[i] > st->current)
			last[n++] = &st->slot[i];
	return n;
}

/* The n descriptors of list_last() become at, at + 1, ..., close-on-exec. 0 or a negative errno. */
static int place_last(int **last, int n, int at)
{
	int err = 0;

	/* first away from all numbers that are to be filled */
	for (int i = 0; !err && i < n; i++)
		if (*last[i] != at + i)
			err = move_up(last[i], at + n);
	for (int i = 0; err >= 0 && i < n; i++) {
		if (*last[i] < 0) {
			sys_close(at + i);
		} else if (*last[i] != at + i) {
			err = (int)sys3(SYS_dup3, *last[i], at + i, O_CLOEXEC);
			if (err >= 0)
				*last[i] = at + i;
		}
	}
	if (err < 0)
		return err;
	return 0;
}

/* Closes all descriptors but the standard ones, the kept ones, and those that later steps need. */
int step_close(struct stage *st, const struct ct_wire_step *s)
{
	int **last = stage_alloc((st->head->n_slots + 2) * sizeof(*last));
	int at = KEEP_FIRST + (int)st->n_keep, n = 0, err = -ENOMEM;

	(void)s;
	if (last) {
		n = list_last(st, last);
		err = place_last(last, n, at);
	}
	if (err)
		return step_fail(st, err, SYS_dup3, NULL);
	if (!ct_weak(CT_WEAK_DESCRIPTORS))
		err = sys_close_range((unsigned)(at + n), ~0u, 0);
	return step_result(st, err, SYS_close_range, NULL);
}

/* ---- arguments and environment --------------------------------------------------------------- */

static const char *env_value(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* The plan's environment; where that has no HOME, with the home of the user that was looked up.
 * NULL without memory. */
static const char **make_env(struct stage *st, const struct ct_wire_step *s)
{
	const char **env = str_vector(step_list(st, s, 1), step_list_n(s, 1), 1);
	const size_t size = sizeof(st->user.home) + 8;
	char *home;

	if (!env || !st->user.valid || env_value(env, "HOME"))
		return env;
	home = stage_alloc(size);
	if (!home)
		return NULL;
	env[step_list_n(s, 1)] = str_add(str_add(home, size, "HOME="), size, st->user.home);
	return env;
}

/* argv[0] of a login shell: "-sh". NULL without memory. */
static const char *login_name(const char *shell)
{
	const char *base = strrchr(shell, '/');
	const size_t size = strlen(shell) + 2;
	char *name = stage_alloc(size);

	if (!name)
		return NULL;
	str_add(name, size, "-");
	return str_add(name, size, base ? base + 1 : shell);
}

/* ---- why an exec failed ---------------------------------------------------------------------- */

/* The first bytes of a regular file, terminated; their number, or 0. */
static size_t read_first(const char *path, char *buf, size_t n)
{
	SYS_CLOSEP int fd = path_regular(AT_FDCWD, path, K_RESOLVE_NO_MAGICLINKS);
	ssize_t got;

	if (fd < 0)
		return 0;
	got = read_full(fd, buf, n - 1);
	if (got < 0)
		got = 0;
	buf[got] = '\0';
	return (size_t)got;
}

static int is_there(const char *path)
{
	return sys3(SYS_faccessat, AT_FDCWD, path, 0 /* F_OK */) == 0;
}

/* "its interpreter /bin/x is missing", from the first line of a script. */
static const char *script_text(const char *first, char *text, size_t n)
{
	char name[64] = "";
	size_t i = 0;

	for (first += 2; *first == ' ' || *first == '\t'; first++)
		;
	for (; (unsigned char)*first > ' ' && *first != 0x7f && i < sizeof(name) - 1; first++)
		name[i++] = *first;
	name[i] = '\0';
	*text = '\0';
	return str_add(str_add(str_add(text, n, "its interpreter "), n, name), n, " is missing");
}

/* -ENOENT of a program that is there: its interpreter is missing. NULL: the program is. */
static const char *missing_text(const char *path, char *text, size_t n)
{
	char first[128];
	size_t got;

	if (!is_there(path))
		return NULL;
	got = read_first(path, first, sizeof(first));
	if (got > 2 && first[0] == '#' && first[1] == '!')
		return script_text(first, text, n);
	if (!got)
		return NULL;
	return "its interpreter (the dynamic loader) is missing";
}

/* -EACCES of a program. */
static const char *refused_text(const char *path)
{
	SYS_CLOSEP int fd = sys_openat(AT_FDCWD, path, O_PATH, 0);
	struct stat sb;

	if (fd < 0 || sys_fstat(fd, &sb))
		return "a directory on the way to it may not be searched by this user";
	if (ct_program_words(sb.st_mode))
		return ct_program_words(sb.st_mode);
	if (sys3(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */) == 0)
		return "it lies on a file system mounted noexec, or its interpreter may not be "
		       "executed";
	return "this user may not execute it";
}

/* Why a program could not be executed. NULL: the errno says it. */
static const char *exec_text(const char *path, int by_fd, int err, char *text, size_t n)
{
	if (err == -E2BIG)
		return "arguments and environment are longer than the kernel takes: 128 KiB each, "
		       "a quarter of the stack limit in all";
	if (by_fd)
		return text_for(err, -ENOENT,
				"a script cannot be executed by its descriptor, or its "
				"interpreter is missing");
	if (err == -ENOENT)
		return missing_text(path, text, n);
	if (err == -EACCES)
		return refused_text(path);
	return NULL;
}

/* ---- the program ----------------------------------------------------------------------------- */

struct exec {
	unsigned flags;
	const char *path; /* as given */
	const char *const *argv, *const *env;
	char full[4096]; /* to be reported when the exec fails */
};

/* Whether the exec's result is to be reported instead of that of an earlier directory: the first
 * one in which the program is there, or that cannot be searched. */
static int is_worth_a_report(const struct exec *x, const char *full, int result, int err)
{
	return result == -ENOENT && !is_there(x->full) && (is_there(full) || err == -EACCES);
}

/* Tries each directory of PATH in turn. A negative errno; x->full is the path it belongs to. */
__attribute__((noinline)) static int exec_search(struct exec *x)
{
	const char *p = env_value(x->env, "PATH");
	int result = -ENOENT;
	char full[4096];

	if (!p)
		p = CT_DEFAULT_PATH;
	for (;; p++) {
		size_t len = strcspn(p, ":");
		int err;

		if (len + strlen(x->path) + 2 < sizeof(full)) {
			memcpy(full, p, len);
			full[len] = '\0';
			str_add(str_add(full, sizeof(full), len ? "/" : ""), sizeof(full), x->path);
			err = (int)sys3(SYS_execve, full, x->argv, x->env);
			if (is_worth_a_report(x, full, result, err)) {
				str_cut(x->full, sizeof(x->full), full);
				result = err;
			}
			if (err != -ENOENT && err != -ENOTDIR && err != -EACCES) {
				str_cut(x->full, sizeof(x->full), full);
				return err;
			}
		}
		p += len;
		if (!*p)
			return result;
	}
}

/* Returns only when it failed: a negative errno. */
static int exec_path(struct exec *x)
{
	str_cut(x->full, sizeof(x->full), x->path);
	if (!strchr(x->path, '/') && (x->flags & CT_SF_ENV_PATH)) {
		x->full[0] = '\0';
		return exec_search(x);
	}
	return (int)sys3(SYS_execve, x->path, x->argv, x->env);
}

/* Fills path, argv and environment. 0 or a negative errno. */
static int exec_words(struct stage *st, const struct ct_wire_step *s, struct exec *x)
{
	const char **argv = str_vector(step_list(st, s, 0), step_list_n(s, 0), 1);

	x->path = step_str(st, s, 0);
	x->argv = argv;
	x->env = make_env(st, s);
	if (!argv || !x->env)
		return -ENOMEM;
	if (!*x->path && s->a == CT_SLOT_NONE) {
		if (!st->user.valid)
			return -EINVAL;
		x->path = st->user.shell;
		if (!is_there(x->path))
			x->path = "/bin/sh";
	}
	if (!argv[0] && *x->path)
		argv[0] = login_name(x->path);
	else if (!argv[0])
		argv[0] = "program";
	if (!argv[0])
		return -ENOMEM;
	return 0;
}

/* Only the exec is left: starts the keeper's time limits, and tells the caller. */
int step_ready(struct stage *st, const struct ct_wire_step *s)
{
	int err = report_exec_next(st);

	(void)s;
	return step_result(st, err, SYS_sendmsg, NULL);
}

/* The last step. Returns only when the program could not be executed: -1, reported. */
int step_exec(struct stage *st, const struct ct_wire_step *s)
{
	char text[sizeof(((struct ct_report *)NULL)->kernel)];
	struct exec x = { .flags = s->flags };
	int fd = step_fd(st, s->a), sys = SYS_execve, err = exec_words(st, s, &x);

	if (err)
		return report_error(st, err, SYS_execve, NULL,
				    text_for(err, -EINVAL,
					     "no program, and no user whose shell it could be"));
	signals_unblock();
	if (fd >= 0) {
		sys = SYS_execveat;
		err = (int)sys5(SYS_execveat, fd, "", x.argv, x.env, AT_EMPTY_PATH);
	} else {
		err = exec_path(&x);
	}
	signals_block();
	if (fd >= 0 || !x.full[0])
		str_cut(x.full, sizeof(x.full), x.path);
	return report_error(st, err, sys, x.full,
			    exec_text(x.full, fd >= 0, err, text, sizeof(text)));
}
