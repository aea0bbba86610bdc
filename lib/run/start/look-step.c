/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks the steps of a plan before a start: one function for each kind of step that can be known
 * to fail. They are checked in the plan's order, as earlier steps change what later ones find:
 * behind a hook of the config, and below what is mounted by then, nothing is known, and what is not
 * known is no fault.
 */
#include "run/start/look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/child/report.h"
#include "shared/option.h"
#include "shared/words.h"

enum kind { UNKNOWN, DIRECTORY, OTHER };

struct walk {
	struct ct_prepared *p;
	const struct ct_plan *plan;
	bool hooks; /* a hook of the config has run by now and may have changed anything */
	bool ends;  /* the failure will be that of all the other steps, too */
	const char **covered; /* paths below the root where something is mounted by now */
	uint32_t n_covered;
	uint8_t *kind; /* of the mounts that are not attached yet, by slot */
	struct ct_report failure;
};

static void copy(char *out, size_t size, const char *text)
{
	out[0] = 0;
	if (text)
		snprintf(out, size, "%s", text);
}

/* Records how a step will fail: the system call, what it is called with, and the stage's own
 * reason; both may be NULL. Returns err. */
static int record(struct walk *w, int err, unsigned sys, const char *object, const char *why)
{
	w->failure.sys = (uint16_t)sys;
	copy(w->failure.object, sizeof(w->failure.object), object);
	copy(w->failure.kernel, sizeof(w->failure.kernel), why);
	return err;
}

static bool has_cap(const struct walk *w, int cap)
{
	return w->p->host.cap_permitted & UINT64_C(1) << cap;
}

/* Whether the slot is the root of the container. */
static bool is_root(const struct walk *w, int slot)
{
	return slot >= 0 && slot < w->plan->n_slots && !strcmp(w->plan->slot_name[slot], "root");
}

static enum kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return UNKNOWN;
	if (S_ISDIR(st.st_mode))
		return DIRECTORY;
	return OTHER;
}

static bool is_link(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

/* ---- below the root -------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* Whether the file of a descriptor is below something that is mounted on the root by then. */
static bool is_covered(const struct walk *w, int fd)
{
	char link[40], top[PATH_MAX], path[PATH_MAX];
	const char *rest;
	ssize_t n, m;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->p->rootfs);
	n = readlink(link, top, sizeof(top) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	m = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || m < 0)
		return true;
	top[n] = path[m] = 0;
	while (n > 0 && top[n - 1] == '/')
		top[--n] = 0;
	if (!is_below(path, top))
		return true;
	rest = path + n + strspn(path + n, "/");
	for (uint32_t i = 0; i < w->n_covered; i++)
		if (is_below(rest, w->covered[i]))
			return true;
	return false;
}

static int open_in(const struct walk *w, const char *path, uint64_t flags, uint64_t resolve)
{
	if (!*path)
		path = ".";
	return ct_openat2(w->p->rootfs, path, O_PATH | O_CLOEXEC | flags, 0,
			  resolve | RESOLVE_NO_MAGICLINKS);
}

/* Whether a look-up that fails now is certain to fail then: the part that is missing is not below
 * something that is mounted by then. */
static bool is_certain(const struct walk *w, const char *path, uint64_t resolve)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return true;
	memcpy(part, path, n + 1);
	for (;;) {
		CT_CLEAN_FD int fd = -1, link = -1;
		size_t end = n;

		while (n && part[n - 1] != '/')
			n--;
		part[n] = 0;
		fd = open_in(w, part, 0, RESOLVE_IN_ROOT);
		if (fd < 0 && n) {
			part[--n] = 0;
			continue;
		}
		if (fd < 0 || is_covered(w, fd))
			return false;
		/* the target of a broken link may be on a mount of then */
		memcpy(part, path, end);
		part[end] = 0;
		link = open_in(w, part, O_NOFOLLOW, RESOLVE_IN_ROOT);
		return !is_link(link) || !w->n_covered || (resolve & RESOLVE_NO_SYMLINKS);
	}
}

/* Opens a path as it will be below the container's root. A descriptor, the caller's; -ENODATA: it
 * is not known; else the negative errno that the look-up will fail with. */
static int open_inside(const struct walk *w, const char *path, uint64_t flags, uint64_t resolve)
{
	int fd;

	path += strspn(path, "/");
	if (w->hooks || w->p->rootfs < 0)
		return -ENODATA;
	for (uint32_t i = 0; i < w->n_covered; i++)
		if (is_below(path, w->covered[i]))
			return -ENODATA;
	fd = open_in(w, path, flags, resolve);
	if (fd < 0 && is_certain(w, path, resolve))
		return fd;
	if (fd >= 0 && !is_covered(w, fd))
		return fd;
	ct_close(&fd);
	return -ENODATA;
}

/* Records how the look-up of a path below the root will fail. Returns err. */
static int record_path(struct walk *w, int err, const char *path, uint64_t flags, uint64_t resolve)
{
	CT_CLEAN_FD int fd = open_in(w, path + strspn(path, "/"), O_NOFOLLOW, resolve);

	return record(w, err, SYS_openat2, path,
		      ct_target_words(err, !!(resolve & RESOLVE_NO_SYMLINKS),
				      !!(flags & O_DIRECTORY), is_link(fd)));
}

/* A program below the root: 0 or how an exec of it will fail, -ENODATA: it is not known. */
static int check_program(struct walk *w, const char *path)
{
	CT_CLEAN_FD int fd = open_inside(w, path, 0, RESOLVE_IN_ROOT);
	const char *why;
	struct stat st;

	if (fd == -ENODATA)
		return -ENODATA;
	if (fd < 0)
		return record(w, fd, SYS_execve, path, NULL);
	if (fstat(fd, &st) < 0)
		return -ENODATA;
	why = ct_program_words(st.st_mode);
	if (why)
		return record(w, -EACCES, SYS_execve, path, why);
	return 0;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static int check_clone(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	int r;

	if (!has_cap(w, CAP_SYS_ADMIN) && s->phase == CT_PHASE_HOST) {
		w->ends = true;
		return record(w, -EPERM, SYS_open_tree, s->s[0], NULL);
	}
	if (!s->s[0] || !*s->s[0]) {
		if (s->a >= 0 && s->a < w->plan->n_inputs && w->plan->input_fd[s->a] >= 0)
			w->kind[s->o] = (uint8_t)kind_of(w->plan->input_fd[s->a]);
		return 0;
	}
	if (s->a == CT_SLOT_NONE && s->phase == CT_PHASE_HOST)
		r = fd = ct_openat2(AT_FDCWD, s->s[0], O_PATH | O_CLOEXEC, 0, 0);
	else if (is_root(w, s->a))
		r = fd = open_inside(w, s->s[0], 0, RESOLVE_IN_ROOT);
	else
		return 0;
	if (fd >= 0)
		w->kind[s->o] = (uint8_t)kind_of(fd);
	if (r >= 0 || r == -ENODATA || w->hooks || (r == -ENOENT && (s->flags & CT_SF_OPTIONAL)))
		return 0;
	return record(w, r, SYS_open_tree, s->s[0], NULL);
}

/* Sets one option; a negative errno when the file system refuses it. */
static int set_option(int fs, char *option)
{
	char *value = strchr(option, '=');
	unsigned command = FSCONFIG_SET_FLAG;

	if (value) {
		*value++ = 0;
		command = FSCONFIG_SET_STRING;
	}
	if (*option && syscall(SYS_fsconfig, fs, command, option, value, 0) < 0)
		return -errno;
	return 0;
}

/* Tries the options of a file system, which is not made. 0 or a negative errno, -ENODATA: it is not
 * known. */
static int check_options(int fs, const char *options)
{
	char *copied = strdup(options), *opt = copied;
	int r = 0;

	if (!copied)
		return -ENODATA;
	while (opt && r == 0) {
		char *rest = ct_next_option(opt);

		r = set_option(fs, opt);
		opt = rest;
	}
	free(copied);
	return r;
}

/* Takes the kernel's message about the options, as the stage does. It begins with its severity,
 * such as "e ". */
static void read_message(struct walk *w, int fs)
{
	char line[256];
	const char *text = line;
	ssize_t n = read(fs, line, sizeof(line) - 1);

	if (n < 3)
		return;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	if (line[1] == ' ')
		text += 2;
	snprintf(w->failure.kernel, sizeof(w->failure.kernel), "%.*s",
		 (int)sizeof(w->failure.kernel) - 1, text);
}

/* 1 when a file has the text, 0 when not, -1: it cannot be read. */
static int has_text(const char *path, const char *text)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	CT_CLEAN_BUF struct ct_buf buf = CT_BUF_INIT;

	if (fd < 0 || ct_buf_read_fd(&buf, fd, 64 << 20) < 0)
		return -1;
	return strstr(ct_buf_text(&buf), text) != NULL;
}

/* 0 when the kernel has the file system by now, -ENODATA when a module for it would have to be
 * loaded, which a check must not cause, -ENODEV when there is no such module. */
static int find_fs(const char *type)
{
	char word[256], path[256];
	struct utsname un;

	snprintf(word, sizeof(word), "\t%.200s\n", type);
	if (has_text("/proc/filesystems", word) != 0)
		return 0;
	if (access("/proc/modules", F_OK) < 0)
		return -ENODEV;
	if (uname(&un) < 0)
		return -ENODATA;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias", un.release);
	snprintf(word, sizeof(word), "alias fs-%.200s ", type);
	if (has_text(path, word) == 0)
		return -ENODEV;
	return -ENODATA;
}

static int check_fs(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fs = -1;
	int r;

	w->kind[s->o] = DIRECTORY;
	if (!s->at->key[0] || !has_cap(w, CAP_SYS_ADMIN))
		return 0;
	r = find_fs(s->s[0]);
	if (r == -ENODATA)
		return 0;
	if (r == 0) {
		fs = (int)syscall(SYS_fsopen, s->s[0], FSOPEN_CLOEXEC);
		if (fs < 0)
			r = -errno;
	}
	if (r == -ENODEV)
		return record(w, r, SYS_fsopen, s->s[0], "this kernel has no such file system");
	if (fs < 0 || !s->s[1] || check_options(fs, s->s[1]) != -EINVAL)
		return 0;
	record(w, -EINVAL, SYS_fsconfig, s->s[0], NULL);
	read_message(w, fs);
	return -EINVAL;
}

/* Something is mounted at `path` from now on. */
static void cover(struct walk *w, const char *path)
{
	const char **v = ct_arena_grow(w->p->arena, w->covered, w->n_covered, w->n_covered + 1,
				       sizeof(*v));

	if (!v)
		return;
	w->covered = v;
	w->covered[w->n_covered++] = path + strspn(path, "/");
}

static int check_target(struct walk *w, const struct ct_step *s, int fd)
{
	enum kind what = UNKNOWN, onto = kind_of(fd);
	struct stat top, at;

	if (s->a >= 0)
		what = w->kind[s->a];
	if (!(s->flags & CT_SF_STRICT) && fstat(fd, &at) == 0 && fstat(w->p->rootfs, &top) == 0 &&
	    at.st_dev == top.st_dev && at.st_ino == top.st_ino)
		return record(w, -EBUSY, SYS_openat2, s->s[0], "target is the root itself");
	if (what == UNKNOWN || onto == UNKNOWN || what == onto)
		return 0;
	if (onto == DIRECTORY)
		return record(w, -EISDIR, SYS_move_mount, s->s[0],
			      "target is a directory, the source is not");
	return record(w, -ENOTDIR, SYS_move_mount, s->s[0],
		      "target is not a directory, the source is");
}

static int check_attach(struct walk *w, const struct ct_step *s)
{
	const unsigned missing_is_fine = CT_SF_OPTIONAL | CT_SF_CREATE | CT_SF_CREATE_DIR |
					 CT_SF_CREATE_FILE;
	uint64_t resolve = RESOLVE_IN_ROOT;
	CT_CLEAN_FD int fd = -1;
	int r;

	if (!is_root(w, s->b))
		return 0;
	if (s->flags & CT_SF_STRICT)
		resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	r = fd = open_inside(w, s->s[0], 0, resolve);
	cover(w, s->s[0]);
	if (fd >= 0)
		return check_target(w, s, fd);
	if (r == -ENODATA || (r == -ENOENT && (s->flags & missing_is_fine)))
		return 0;
	return record_path(w, r, s->s[0], 0, resolve);
}

/* mount.mask and mount.readonly: what does not exist needs no cover. */
static int check_cover(struct walk *w, const struct ct_step *s)
{
	uint64_t resolve = RESOLVE_IN_ROOT;
	CT_CLEAN_FD int fd = -1;

	if (!is_root(w, s->b))
		return 0;
	if (s->flags & CT_SF_STRICT)
		resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	fd = open_inside(w, s->s[0], 0, resolve);
	if (fd >= 0 || fd == -ENODATA || fd == -ENOENT)
		return 0;
	return record_path(w, fd, s->s[0], 0, resolve);
}

/* mount.stack: the directory of the host at which hooks of the set-up find the root. */
static int check_stack(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;

	if (w->hooks || !s->s[0] || !*s->s[0])
		return 0;
	fd = open(s->s[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return record(w, -errno, SYS_openat, s->s[0], NULL);
	return 0;
}

/* ---- values of the kernel -------------------------------------------------------------------- */

static bool is_numbers(const char *s)
{
	return *s && !s[strspn(s, "0123456789- \t\n")];
}

/* By the sysctls of the host's namespaces: those of the container's may differ in interfaces. */
static int check_sysctl(struct walk *w, const struct ct_step *s)
{
	char path[PATH_MAX], now[256];
	CT_CLEAN_FD int fd = -1;

	snprintf(path, sizeof(path), "/proc/%s", s->s[0]);
	if (access(path, F_OK) < 0 && errno == ENOENT && !strstr(path, "/conf/") &&
	    !strstr(path, "/neigh/"))
		return record(w, -ENOENT, SYS_openat2, s->s[0], NULL);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, now, sizeof(now)) <= 0 || !is_numbers(now) ||
	    is_numbers(s->s[1]))
		return 0;
	return record(w, -EINVAL, SYS_write, s->s[0], NULL);
}

static int check_proc(struct walk *w, const struct ct_step *s)
{
	char path[PATH_MAX];
	int64_t v;

	snprintf(path, sizeof(path), "/proc/self/%s", s->s[0]);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return record(w, -ENOENT, SYS_openat2, s->s[0], NULL);
	if (strcmp(s->s[0], "oom_score_adj"))
		return 0;
	if (ct_parse_i64(s->s[1], &v) < 0 || v < -1000 || v > 1000)
		return record(w, -EINVAL, SYS_write, s->s[0], NULL);
	return 0;
}

static int check_limit(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	uint64_t most = 0;
	struct rlimit now;
	char text[32];

	if (!has_cap(w, CAP_SYS_RESOURCE) && getrlimit((int)s->n[0], &now) == 0 &&
	    s->n[2] > now.rlim_max)
		return record(w, -EPERM, SYS_prlimit64, s->s[0], CT_WORDS_LIMIT);
	if (s->n[0] != RLIMIT_NOFILE)
		return 0;
	fd = open("/proc/sys/fs/nr_open", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) <= 0 || ct_parse_u64(text, &most) < 0 ||
	    s->n[2] <= most)
		return 0;
	return record(w, -EPERM, SYS_prlimit64, s->s[0], CT_WORDS_LIMIT);
}

/* Reads a line of an identity map: first inside, first outside, how many. Returns what is behind
 * it, NULL at the end. */
static const char *next_map(const char *p, uint64_t v[3])
{
	for (int i = 0; i < 3; i++) {
		char digits[24];
		size_t n;

		p += strspn(p, " \n");
		n = strcspn(p, " \n");
		if (n >= sizeof(digits))
			return NULL;
		snprintf(digits, sizeof(digits), "%.*s", (int)n, p);
		if (ct_parse_u64(digits, &v[i]) < 0)
			return NULL;
		p += n;
	}
	return p;
}

/* Whether the caller's user namespace, whose map this is, has all ids of the range. */
static bool is_mapped(const char *maps, uint64_t first, uint64_t count)
{
	uint64_t v[3];

	for (const char *p = next_map(maps, v); p; p = next_map(p, v))
		if (first >= v[0] && first + count <= v[0] + v[2])
			return true;
	return false;
}

static int check_map(struct walk *w, const struct ct_step *s)
{
	uint64_t own = w->p->host.uid;
	bool right;
	char path[64], maps[4096];
	CT_CLEAN_FD int fd = -1;
	uint64_t v[3];

	snprintf(path, sizeof(path), "/proc/self/%s", s->s[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, maps, sizeof(maps)) <= 0)
		return 0;
	right = has_cap(w, CAP_SETUID);
	if (!strcmp(s->s[0], "gid_map")) {
		own = w->p->host.gid;
		right = has_cap(w, CAP_SETGID);
	}
	for (const char *p = next_map(s->s[1], v); p; p = next_map(p, v)) {
		bool allowed = right || (v[2] == 1 && v[1] == own);

		if (!allowed || !is_mapped(maps, v[1], v[2]))
			return record(w, -EPERM, SYS_write, s->s[0], NULL);
	}
	return 0;
}

static int check_sched(struct walk *w, const struct ct_step *s)
{
	struct rlimit most = { 0, 0 };
	int64_t nice;

	if ((s->flags & CT_SF_OPTIONAL) || has_cap(w, CAP_SYS_NICE) ||
	    ct_parse_i64(s->s[0], &nice) < 0 || nice >= getpriority(PRIO_PROCESS, 0))
		return 0;
	getrlimit(RLIMIT_NICE, &most);
	if (20 - nice > (int64_t)most.rlim_cur)
		return record(w, -EPERM, SYS_sched_setattr, s->s[0], "it needs CAP_SYS_NICE");
	return 0;
}

/* ---- programs -------------------------------------------------------------------------------- */

/* A hook that is a program of the host. */
static int check_host_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

static int check_hook(struct walk *w, const struct ct_step *s)
{
	const char *path = "";
	int r = 0;

	if (s->n_list[0])
		path = s->list[0][0];
	if (s->phase == CT_PHASE_IDENTITY)
		r = check_program(w, path);
	else if (!w->hooks)
		r = check_host_program(path);
	if (r < 0 && r != -ENODATA)
		return record(w, r, SYS_execve, path, NULL);
	w->hooks = true;
	return 0;
}

static int check_cwd(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	int r = fd = open_inside(w, s->s[0], O_DIRECTORY, RESOLVE_IN_ROOT);

	if (r >= 0 || r == -ENODATA)
		return 0;
	return record_path(w, r, s->s[0], O_DIRECTORY, RESOLVE_IN_ROOT);
}

static const char *path_of(const struct ct_step *s)
{
	const char *dirs = NULL;

	for (uint32_t i = 0; i < s->n_list[1]; i++)
		if (!strncmp(s->list[1][i], "PATH=", 5))
			dirs = s->list[1][i] + 5;
	return dirs;
}

/* As check_program(), in the PATH of the program's environment. Where there is none that can be
 * executed, the first that may not be is recorded. */
static int search(struct walk *w, const struct ct_step *s)
{
	const char *dirs = path_of(s);
	int result = record(w, -ENOENT, SYS_execve, s->s[0], NULL), r;
	struct ct_report first = w->failure;

	if (!dirs)
		return -ENODATA;
	for (const char *p = dirs; *p; p += strcspn(p, ":"), p += *p == ':') {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(p, ":"), p, s->s[0]);
		r = check_program(w, path);
		if (r >= 0 || r == -ENODATA)
			return r;
		if (r == -EACCES && result == -ENOENT) {
			result = r;
			first = w->failure;
		}
	}
	w->failure = first;
	return result;
}

static int check_exec(struct walk *w, const struct ct_step *s)
{
	int r;

	if (s->a != CT_SLOT_NONE || !s->s[0])
		return 0;
	if (strchr(s->s[0], '/'))
		r = check_program(w, s->s[0]);
	else
		r = search(w, s);
	if (r == -ENODATA)
		return 0;
	return r;
}

static const struct {
	uint16_t op;
	int (*check)(struct walk *w, const struct ct_step *s);
} checks[] = {
	{ CT_OP_TREE_CLONE, check_clone }, { CT_OP_FS_NEW, check_fs },
	{ CT_OP_ATTACH, check_attach },	   { CT_OP_STACK, check_stack },
	{ CT_OP_MASK, check_cover },	   { CT_OP_READONLY, check_cover },
	{ CT_OP_WRITE, check_sysctl },	   { CT_OP_PROC_WRITE, check_proc },
	{ CT_OP_PRLIMIT, check_limit },	   { CT_OP_ID_MAP, check_map },
	{ CT_OP_SCHED, check_sched },	   { CT_OP_HOOK, check_hook },
	{ CT_OP_CHDIR, check_cwd },	   { CT_OP_EXEC, check_exec },
};

/* 0 or the negative errno that the step will fail with, recorded. */
static int check_step(struct walk *w, const struct ct_step *s)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i].op == s->op)
			return checks[i].check(w, s);
	return 0;
}

bool ct_look_steps(struct ct_prepared *p, const struct ct_plan *plan, struct ct_err *e)
{
	struct walk w = { .p = p, .plan = plan };

	w.kind = ct_arena_alloc(p->arena, (size_t)plan->n_slots + 1);
	if (!w.kind) {
		ct_oom(e);
		return false;
	}
	for (uint32_t i = plan->n_setup; i < plan->n_steps && !w.ends; i++) {
		int r = check_step(&w, &plan->steps[i]);

		if (r >= 0)
			continue;
		w.failure.err = -r;
		ct_report_fault(plan, i, &w.failure, e);
		if (!ct_err_next(e))
			return false;
	}
	return true;
}
