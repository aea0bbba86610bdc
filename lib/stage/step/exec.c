/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end: descriptors to keep, and the program. */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/words.h"

#define KEEP_FIRST 3

/* ---- descriptors ----------------------------------------------------------------------------- */

/* Moves a descriptor of ours out of the way of those to keep. 0 or a negative errno. */
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

/* The listed slots become 3, 4, ... and stay open; what of ours lies there moves up first. */
int step_fds(struct stage *st, const struct ct_wire_step *s)
{
	uint32_t n = step_list_n(s, 0);
	int min = KEEP_FIRST + (int)n, err, *copy;

	if (!n)
		return 0;
	copy = stage_alloc(n * sizeof(*copy));
	err = copy ? copy_kept(st, s, copy, min) : -ENOMEM;
	for (uint32_t i = 0; !err && i < st->head->n_slots; i++)
		err = move_up(&st->slot[i], min);
	if (!err)
		err = move_up(&st->report_fd, min);
	if (!err)
		err = move_up(&st->keep_fd, min);
	for (uint32_t i = 0; !err && i < n; i++) {
		err = (int)sys3(SYS_dup3, copy[i], KEEP_FIRST + (int)i, 0);
		err = err > 0 ? 0 : err;
		sys_close(copy[i]);
	}
	st->n_keep = n;
	return err ? report_error(st, err, SYS_dup3, NULL,
				  err == -EMFILE ? "the limit of open files is too low" : NULL)
		   : 0;
}

/* Where the descriptors are kept that stay for the steps to come: our two sockets, then the slots
 * that these steps read. Their number. */
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

/* They become at, at + 1, ..., close-on-exec. 0 or a negative errno. */
static int place_last(int **last, int n, int at)
{
	int err = 0;

	/* whoever stands in another's place goes first */
	for (int i = 0; !err && i < n; i++)
		if (*last[i] != at + i)
			err = move_up(last[i], at + n);
	for (int i = 0; err >= 0 && i < n; i++) {
		if (*last[i] < 0) {
			sys_close(at + i);
		} else if (*last[i] != at + i) {
			err = (int)sys3(SYS_dup3, *last[i], at + i, O_CLOEXEC);
			*last[i] = err < 0 ? *last[i] : at + i;
		}
	}
	return err < 0 ? err : 0;
}

/* Closes all but the standard ones, those to keep, and what the steps to come need. */
int step_close(struct stage *st, const struct ct_wire_step *s)
{
	int **last = stage_alloc((st->head->n_slots + 2) * sizeof(*last));
	int at = KEEP_FIRST + (int)st->n_keep, n = last ? list_last(st, last) : 0;
	int err = last ? place_last(last, n, at) : -ENOMEM;

	(void)s;
	if (err)
		return step_fail(st, err, SYS_dup3, NULL);
	err = sys_close_range((unsigned)(at + n), ~0u, 0);
	return err ? step_fail(st, err, SYS_close_range, NULL) : 0;
}

/* ---- the words ------------------------------------------------------------------------------- */

static const char *env_value(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* The environment given, and the looked-up user's HOME where it has none. */
static const char **make_env(struct stage *st, const struct ct_wire_step *s)
{
	const char **env = str_vector(step_list(st, s, 1), step_list_n(s, 1), 1);
	char *home;

	if (!env || !st->user.valid || env_value(env, "HOME"))
		return env;
	home = stage_alloc(sizeof(st->user.home) + 8);
	if (home)
		env[step_list_n(s, 1)] = str_add(str_add(home, sizeof(st->user.home) + 8, "HOME="),
						 sizeof(st->user.home) + 8, st->user.home);
	return home ? env : NULL;
}

/* A login shell's name for itself: "-sh". */
static const char *login_name(const char *shell)
{
	const char *base = strrchr(shell, '/');
	char *name = stage_alloc(strlen(shell) + 2);

	return name ? str_add(str_add(name, strlen(shell) + 2, "-"), strlen(shell) + 2,
			      base ? base + 1 : shell)
		    : NULL;
}

/* ---- why not --------------------------------------------------------------------------------- */

/* The first bytes of a regular file; their number, or 0. */
static size_t peek(const char *path, char *buf, size_t n)
{
	struct stat sb;
	SYS_CLOSEP int fd = sys_openat2(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
					K_RESOLVE_NO_MAGICLINKS);
	ssize_t got;

	if (fd < 0 || sys_fstat(fd, &sb) || !S_ISREG(sb.st_mode))
		return 0;
	got = read_full(fd, buf, n - 1);
	got = got < 0 ? 0 : got;
	buf[got] = '\0';
	return (size_t)got;
}

static int is_there(const char *path)
{
	return sys3(SYS_faccessat, AT_FDCWD, path, 0 /* F_OK */) == 0;
}

/* "its interpreter /bin/x is missing", from a script's first line. */
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

/* Why a program that is there could not be executed. NULL: the errno says it. */
static const char *exec_text(const char *path, int by_fd, int err, char *text, size_t n)
{
	char first[128];
	size_t got;
	struct stat sb;
	SYS_CLOSEP int fd = -1;

	if (by_fd && err != -E2BIG)
		return err == -ENOENT ? "a script cannot be executed by its descriptor, or its "
					"interpreter is missing"
				      : NULL;
	if (err == -E2BIG)
		return "arguments and environment are longer than the kernel takes: 128 KiB each, "
		       "a quarter of the stack limit in all";
	if (err == -ENOENT) {
		if (!is_there(path))
			return NULL;
		got = peek(path, first, sizeof(first));
		if (got > 2 && first[0] == '#' && first[1] == '!')
			return script_text(first, text, n);
		return got ? "its interpreter (the dynamic loader) is missing" : NULL;
	}
	if (err != -EACCES)
		return NULL;
	fd = sys_openat(AT_FDCWD, path, O_PATH, 0);
	if (fd < 0 || sys_fstat(fd, &sb))
		return "a directory on the way to it may not be searched by this user";
	if (ct_program_words(sb.st_mode))
		return ct_program_words(sb.st_mode);
	return sys3(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */) == 0
		       ? "it lies on a file system mounted noexec, or its interpreter may not be "
			 "executed"
		       : "this user may not execute it";
}

/* ---- the program ----------------------------------------------------------------------------- */

struct exec {
	unsigned flags;
	const char *path; /* as given */
	const char *const *argv, *const *env;
	char full[4096]; /* what is worth a report */
};

/* Each directory of PATH in turn. Returns a negative errno; x->full is the one that was
 * there but would not go. */
__attribute__((noinline)) static int exec_search(struct exec *x)
{
	const char *p = env_value(x->env, "PATH");
	int result = -ENOENT;
	char full[4096];

	for (p = p ? p : CT_DEFAULT_PATH; p; p = *p ? p + 1 : NULL) {
		size_t len = strcspn(p, ":");
		int err;

		if (len + strlen(x->path) + 2 < sizeof(full)) {
			memcpy(full, p, len);
			full[len] = '\0';
			str_add(str_add(full, sizeof(full), len ? "/" : ""), sizeof(full), x->path);
			err = (int)sys3(SYS_execve, full, x->argv, x->env);
			if (result == -ENOENT && !is_there(x->full) &&
			    (is_there(full) || err == -EACCES)) {
				str_cut(x->full, sizeof(x->full), full);
				result = err;
			}
			if (err != -ENOENT && err != -ENOTDIR && err != -EACCES) {
				str_cut(x->full, sizeof(x->full), full);
				return err;
			}
		}
		p += len;
	}
	return result;
}

/* Returns only when it did not work: a negative errno. */
static int exec_path(struct exec *x)
{
	str_cut(x->full, sizeof(x->full), x->path);
	if (!strchr(x->path, '/') && (x->flags & CT_SF_ENV_PATH)) {
		x->full[0] = '\0';
		return exec_search(x);
	}
	return (int)sys3(SYS_execve, x->path, x->argv, x->env);
}

/* Fills path and argv. 0 or a negative errno. */
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
	if (!argv[0])
		argv[0] = *x->path ? login_name(x->path) : "program";
	return argv[0] ? 0 : -ENOMEM;
}

/* All is done but the exec: the keeper's limits of time begin, and so the caller learns of it. */
int step_ready(struct stage *st, const struct ct_wire_step *s)
{
	int err = report_exec_next(st);

	(void)s;
	return err ? step_fail(st, err, SYS_sendmsg, NULL) : 0;
}

/* The last step. Returns only when the program could not be executed: -1, reported. */
int step_exec(struct stage *st, const struct ct_wire_step *s)
{
	char text[sizeof(((struct ct_report *)NULL)->kernel)];
	struct exec x = { .flags = s->flags };
	int fd = step_fd(st, s->a), err = exec_words(st, s, &x);

	if (err)
		return report_error(st, err, SYS_execve, NULL,
				    err == -EINVAL
					    ? "no program, and no user whose shell it could be"
					    : NULL);
	signals_unblock();
	if (fd >= 0)
		err = (int)sys5(SYS_execveat, fd, "", x.argv, x.env, AT_EMPTY_PATH);
	else
		err = exec_path(&x);
	signals_block();
	if (fd >= 0 || !x.full[0])
		str_cut(x.full, sizeof(x.full), x.path);
	return report_error(st, err, fd >= 0 ? SYS_execveat : SYS_execve, x.full,
			    exec_text(x.full, fd >= 0, err, text, sizeof(text)));
}
