/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One function for each kind of step that can be known to fail. The order is the plan's, so that
 * what an earlier step changes is taken into account: behind a hook of the config, and below what
 * is mounted by then, nothing is known, and what is not known is no fault.
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
	/* one of the config's has run by now: what there was before may be otherwise */
	bool hooks;
	bool ends;	      /* what was met will meet all the others, too */
	const char **covered; /* below the root, where something is mounted by now */
	uint32_t n_covered;
	uint8_t *kind; /* of the trees, by slot */
	struct ct_report met;
};

/* Keeps what a step will meet: the system call, what it is called with, and the stage's own
 * reason. Returns err. */
static int meet(struct walk *w, int err, unsigned sys, const char *object, const char *why)
{
	w->met.sys = (uint16_t)sys;
	snprintf(w->met.object, sizeof(w->met.object), "%s", object ? object : "");
	snprintf(w->met.kernel, sizeof(w->met.kernel), "%s", why ? why : "");
	return err;
}

static bool has_cap(const struct walk *w, int cap)
{
	return w->p->host.cap_permitted & UINT64_C(1) << cap;
}

/* Whether the slot is the root's tree. */
static bool is_root(const struct walk *w, int slot)
{
	return slot >= 0 && slot < w->plan->n_slots && !strcmp(w->plan->slot_name[slot], "root");
}

static enum kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return UNKNOWN;
	return S_ISDIR(st.st_mode) ? DIRECTORY : OTHER;
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

/* Whether what a descriptor in the root is lies below something that is mounted by then. */
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
	return ct_openat2(w->p->rootfs, *path ? path : ".", O_PATH | O_CLOEXEC | flags, 0,
			  resolve | RESOLVE_NO_MAGICLINKS);
}

/* Whether it is certain that the look-up of a path fails: what is missing of it is not where
 * something else will be. */
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
		/* a link that leads nowhere may lead somewhere then */
		memcpy(part, path, end);
		part[end] = 0;
		link = open_in(w, part, O_NOFOLLOW, RESOLVE_IN_ROOT);
		return !is_link(link) || !w->n_covered || (resolve & RESOLVE_NO_SYMLINKS);
	}
}

/* Looks a path up as it will be below the container's root. A descriptor, the caller's; -ENODATA:
 * nobody knows; else the negative errno that the look-up will end with. */
static int inside(const struct walk *w, const char *path, uint64_t flags, uint64_t resolve)
{
	int fd;

	path += strspn(path, "/");
	if (w->hooks || w->p->rootfs < 0)
		return -ENODATA;
	for (uint32_t i = 0; i < w->n_covered; i++)
		if (is_below(path, w->covered[i]))
			return -ENODATA;
	fd = open_in(w, path, flags, resolve);
	if (fd < 0)
		return is_certain(w, path, resolve) ? fd : -ENODATA;
	if (!is_covered(w, fd))
		return fd;
	ct_close(&fd);
	return -ENODATA;
}

/* Keeps what the look-up of a path below the root will end with. Returns err. */
static int meet_path(struct walk *w, int err, const char *path, uint64_t flags, uint64_t resolve)
{
	CT_CLEAN_FD int fd = open_in(w, path + strspn(path, "/"), O_NOFOLLOW, resolve);

	return meet(w, err, SYS_openat2, path,
		    ct_target_words(err, !!(resolve & RESOLVE_NO_SYMLINKS), !!(flags & O_DIRECTORY),
				    is_link(fd)));
}

/* A program below the root: 0 or what an exec of it will meet, -ENODATA: nobody knows. */
static int program(struct walk *w, const char *path)
{
	CT_CLEAN_FD int fd = inside(w, path, 0, RESOLVE_IN_ROOT);
	struct stat st;

	if (fd < 0)
		return fd == -ENODATA ? fd : meet(w, fd, SYS_execve, path, NULL);
	if (fstat(fd, &st) < 0)
		return -ENODATA;
	return ct_program_words(st.st_mode)
		       ? meet(w, -EACCES, SYS_execve, path, ct_program_words(st.st_mode))
		       : 0;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static int look_clone(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	int r;

	if (!has_cap(w, CAP_SYS_ADMIN) && s->phase == CT_PHASE_HOST) {
		w->ends = true;
		return meet(w, -EPERM, SYS_open_tree, s->s[0], NULL);
	}
	if (!s->s[0] || !*s->s[0]) {
		if (s->a >= 0 && s->a < w->plan->n_inputs && w->plan->input_fd[s->a] >= 0)
			w->kind[s->o] = (uint8_t)kind_of(w->plan->input_fd[s->a]);
		return 0;
	}
	if (s->a == CT_SLOT_NONE && s->phase == CT_PHASE_HOST)
		r = fd = ct_openat2(AT_FDCWD, s->s[0], O_PATH | O_CLOEXEC, 0, 0);
	else
		r = fd = is_root(w, s->a) ? inside(w, s->s[0], 0, RESOLVE_IN_ROOT) : -ENODATA;
	if (fd >= 0)
		w->kind[s->o] = (uint8_t)kind_of(fd);
	if (r >= 0 || r == -ENODATA || w->hooks || (r == -ENOENT && (s->flags & CT_SF_OPTIONAL)))
		return 0;
	return meet(w, r, SYS_open_tree, s->s[0], NULL);
}

/* The options of a file system that is not made. 0 or a negative errno, -ENODATA: nobody knows. */
static int look_options(int fs, const char *options)
{
	char *copy = strdup(options), *opt = copy;
	int r = copy ? 0 : -ENODATA;

	while (opt && r == 0) {
		char *rest = ct_next_option(opt), *eq = strchr(opt, '=');

		if (eq)
			*eq++ = 0;
		if (*opt && syscall(SYS_fsconfig, fs, eq ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
				    opt, eq, 0) < 0)
			r = -errno;
		opt = rest;
	}
	free(copy);
	return r;
}

/* What the file system says of it, as the stage hands it on. */
static void hear(struct walk *w, int fs)
{
	char line[256];
	ssize_t n = read(fs, line, sizeof(line) - 1);

	if (n < 3)
		return;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	snprintf(w->met.kernel, sizeof(w->met.kernel), "%.*s", (int)sizeof(w->met.kernel) - 1,
		 line[1] == ' ' ? line + 2 : line);
}

/* Whether a file has the text. -1: it cannot be read. */
static int has_text(const char *path, const char *text)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	CT_CLEAN_BUF struct ct_buf buf = CT_BUF_INIT;

	if (fd < 0 || ct_buf_read_fd(&buf, fd, 64 << 20) < 0)
		return -1;
	return strstr(ct_buf_text(&buf), text) != NULL;
}

/* Whether the kernel has the file system by now. To ask it for one that it does not have may
 * load a module, which would be no look any more: -ENODATA then, and -ENODEV when there is no
 * such module either. */
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
	return has_text(path, word) == 0 ? -ENODEV : -ENODATA;
}

static int look_fs(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fs = -1;
	int r;

	w->kind[s->o] = DIRECTORY;
	if (!s->at->key[0] || !has_cap(w, CAP_SYS_ADMIN))
		return 0;
	r = find_fs(s->s[0]);
	fs = r == 0 ? (int)syscall(SYS_fsopen, s->s[0], FSOPEN_CLOEXEC) : -1;
	if (r == -ENODEV || (r == 0 && fs < 0 && errno == ENODEV))
		return meet(w, -ENODEV, SYS_fsopen, s->s[0], "this kernel has no such file system");
	if (fs < 0)
		return 0;
	r = s->s[1] ? look_options(fs, s->s[1]) : 0;
	if (r != -EINVAL)
		return 0;
	meet(w, r, SYS_fsconfig, s->s[0], NULL);
	hear(w, fs);
	return r;
}

static void cover(struct walk *w, const char *path)
{
	const char **v = ct_arena_grow(w->p->arena, w->covered, w->n_covered, w->n_covered + 1,
				       sizeof(*v));

	if (!v)
		return;
	w->covered = v;
	w->covered[w->n_covered++] = path + strspn(path, "/");
}

static int look_target(struct walk *w, const struct ct_step *s, int fd)
{
	enum kind what = s->a >= 0 ? w->kind[s->a] : UNKNOWN, onto = kind_of(fd);
	struct stat top, at;

	if (!(s->flags & CT_SF_STRICT) && fstat(fd, &at) == 0 && fstat(w->p->rootfs, &top) == 0 &&
	    at.st_dev == top.st_dev && at.st_ino == top.st_ino)
		return meet(w, -EBUSY, SYS_openat2, s->s[0], "target is the root itself");
	if (what == UNKNOWN || onto == UNKNOWN || what == onto)
		return 0;
	return onto == DIRECTORY ? meet(w, -EISDIR, SYS_move_mount, s->s[0],
					"target is a directory, the source is not")
				 : meet(w, -ENOTDIR, SYS_move_mount, s->s[0],
					"target is not a directory, the source is");
}

static int look_attach(struct walk *w, const struct ct_step *s)
{
	uint64_t resolve = s->flags & CT_SF_STRICT ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
						   : RESOLVE_IN_ROOT;
	CT_CLEAN_FD int fd = -1;
	int r;

	if (!is_root(w, s->b))
		return 0;
	r = fd = inside(w, s->s[0], 0, resolve);
	cover(w, s->s[0]);
	if (fd >= 0)
		return look_target(w, s, fd);
	if (r == -ENODATA || (r == -ENOENT && (s->flags & (CT_SF_OPTIONAL | CT_SF_CREATE |
							   CT_SF_CREATE_DIR | CT_SF_CREATE_FILE))))
		return 0;
	return meet_path(w, r, s->s[0], 0, resolve);
}

/* Where mount hooks find the root. */
static int look_stack(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;

	if (w->hooks || !s->s[0] || !*s->s[0])
		return 0;
	fd = open(s->s[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? meet(w, -errno, SYS_openat, s->s[0], NULL) : 0;
}

/* ---- values of the kernel -------------------------------------------------------------------- */

static bool is_numbers(const char *s)
{
	return *s && !s[strspn(s, "0123456789- \t\n")];
}

/* Of the host's own namespaces, where the container's may have others. */
static int look_sysctl(struct walk *w, const struct ct_step *s)
{
	char path[PATH_MAX], now[256];
	CT_CLEAN_FD int fd = -1;

	snprintf(path, sizeof(path), "/proc/%s", s->s[0]);
	if (access(path, F_OK) < 0 && errno == ENOENT && !strstr(path, "/conf/") &&
	    !strstr(path, "/neigh/"))
		return meet(w, -ENOENT, SYS_openat2, s->s[0], NULL);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, now, sizeof(now)) <= 0 || !is_numbers(now) ||
	    is_numbers(s->s[1]))
		return 0;
	return meet(w, -EINVAL, SYS_write, s->s[0], NULL);
}

static int look_proc(struct walk *w, const struct ct_step *s)
{
	char path[PATH_MAX];
	int64_t v;

	snprintf(path, sizeof(path), "/proc/self/%s", s->s[0]);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return meet(w, -ENOENT, SYS_openat2, s->s[0], NULL);
	if (strcmp(s->s[0], "oom_score_adj"))
		return 0;
	return ct_parse_i64(s->s[1], &v) < 0 || v < -1000 || v > 1000
		       ? meet(w, -EINVAL, SYS_write, s->s[0], NULL)
		       : 0;
}

static int look_limit(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	uint64_t most = 0;
	struct rlimit now;
	char text[32];

	if (!has_cap(w, CAP_SYS_RESOURCE) && getrlimit((int)s->n[0], &now) == 0 &&
	    s->n[2] > now.rlim_max)
		return meet(w, -EPERM, SYS_prlimit64, s->s[0], CT_WORDS_LIMIT);
	if (s->n[0] != RLIMIT_NOFILE)
		return 0;
	fd = open("/proc/sys/fs/nr_open", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) <= 0 || ct_parse_u64(text, &most) < 0 ||
	    s->n[2] <= most)
		return 0;
	return meet(w, -EPERM, SYS_prlimit64, s->s[0], CT_WORDS_LIMIT);
}

/* The next line of an identity map: first inside, first outside, how many. The rest,
 * NULL at the end. */
static const char *next_map(const char *p, uint64_t v[3])
{
	for (int i = 0; i < 3; i++) {
		char digits[24];
		size_t n;

		p += strspn(p, " \n");
		n = strcspn(p, " \n");
		snprintf(digits, sizeof(digits), "%.*s", n < sizeof(digits) ? (int)n : 0, p);
		if (ct_parse_u64(digits, &v[i]) < 0)
			return NULL;
		p += n;
	}
	return p;
}

/* Whether the caller's own user namespace has all ids of the range. */
static bool is_ours(const char *maps, uint64_t first, uint64_t count)
{
	uint64_t v[3];

	for (const char *p = next_map(maps, v); p; p = next_map(p, v))
		if (first >= v[0] && first + count <= v[0] + v[2])
			return true;
	return false;
}

static int look_map(struct walk *w, const struct ct_step *s)
{
	bool group = s->s[0][0] == 'g', right = has_cap(w, group ? CAP_SETGID : CAP_SETUID);
	char path[64], maps[4096];
	CT_CLEAN_FD int fd = -1;
	uint64_t v[3];

	snprintf(path, sizeof(path), "/proc/self/%s", s->s[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, maps, sizeof(maps)) <= 0)
		return 0;
	for (const char *p = next_map(s->s[1], v); p; p = next_map(p, v)) {
		bool own = v[2] == 1 && v[1] == (group ? w->p->host.gid : w->p->host.uid);

		if (!is_ours(maps, v[1], v[2]) || !(right || own))
			return meet(w, -EPERM, SYS_write, s->s[0], NULL);
	}
	return 0;
}

static int look_sched(struct walk *w, const struct ct_step *s)
{
	struct rlimit most = { 0, 0 };
	int64_t nice;

	if ((s->flags & CT_SF_OPTIONAL) || has_cap(w, CAP_SYS_NICE) ||
	    ct_parse_i64(s->s[0], &nice) < 0 || nice >= getpriority(PRIO_PROCESS, 0))
		return 0;
	getrlimit(RLIMIT_NICE, &most);
	return 20 - nice > (int64_t)most.rlim_cur
		       ? meet(w, -EPERM, SYS_sched_setattr, s->s[0], "it needs CAP_SYS_NICE")
		       : 0;
}

/* ---- programs -------------------------------------------------------------------------------- */

static int look_hook(struct walk *w, const struct ct_step *s)
{
	const char *path = s->n_list[0] ? s->list[0][0] : "";
	struct stat st;
	bool known = s->phase != CT_PHASE_IDENTITY && !w->hooks;
	int r = 0;

	if (s->phase == CT_PHASE_IDENTITY)
		r = program(w, path);
	else if (known && stat(path, &st) < 0)
		r = -errno;
	else if (known && (!S_ISREG(st.st_mode) || access(path, X_OK) < 0))
		r = -EACCES;
	/* one that does not run changes nothing */
	w->hooks |= r >= 0 || r == -ENODATA;
	return r < 0 && r != -ENODATA ? meet(w, r, SYS_execve, path, NULL) : 0;
}

static int look_cwd(struct walk *w, const struct ct_step *s)
{
	CT_CLEAN_FD int fd = -1;
	int r = fd = inside(w, s->s[0], O_DIRECTORY, RESOLVE_IN_ROOT);

	if (r >= 0 || r == -ENODATA)
		return 0;
	return meet_path(w, r, s->s[0], O_DIRECTORY, RESOLVE_IN_ROOT);
}

/* In the PATH of the program's environment. As program(): the one that is there but will
 * not go is told of. */
static int search(struct walk *w, const struct ct_step *s)
{
	const char *dirs = NULL;
	int result = meet(w, -ENOENT, SYS_execve, s->s[0], NULL), r;
	struct ct_report first = w->met;

	for (uint32_t i = 0; i < s->n_list[1]; i++)
		if (!strncmp(s->list[1][i], "PATH=", 5))
			dirs = s->list[1][i] + 5;
	for (const char *p = dirs; p && *p; p += strcspn(p, ":"), p += *p == ':') {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(p, ":"), p, s->s[0]);
		r = program(w, path);
		if (r >= 0 || r == -ENODATA)
			return r;
		if (r == -EACCES && result == -ENOENT) {
			result = r;
			first = w->met;
		}
	}
	w->met = first;
	return dirs ? result : -ENODATA;
}

static int look_exec(struct walk *w, const struct ct_step *s)
{
	int r;

	if (s->a != CT_SLOT_NONE || !s->s[0])
		return 0;
	r = strchr(s->s[0], '/') ? program(w, s->s[0]) : search(w, s);
	return r == -ENODATA ? 0 : r;
}

static const struct {
	uint16_t op;
	int (*look)(struct walk *w, const struct ct_step *s);
} looks[] = {
	{ CT_OP_TREE_CLONE, look_clone }, { CT_OP_FS_NEW, look_fs },
	{ CT_OP_ATTACH, look_attach },	  { CT_OP_STACK, look_stack },
	{ CT_OP_WRITE, look_sysctl },	  { CT_OP_PROC_WRITE, look_proc },
	{ CT_OP_PRLIMIT, look_limit },	  { CT_OP_ID_MAP, look_map },
	{ CT_OP_SCHED, look_sched },	  { CT_OP_HOOK, look_hook },
	{ CT_OP_CHDIR, look_cwd },	  { CT_OP_EXEC, look_exec },
};

/* 0 or what the step will fail with. */
static int look_at(struct walk *w, const struct ct_step *s)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
		if (looks[i].op == s->op)
			return looks[i].look(w, s);
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
		int r = look_at(&w, &plan->steps[i]);

		if (r >= 0)
			continue;
		w.met.err = -r;
		ct_report_fault(plan, i, &w.met, e);
		if (!ct_err_next(e))
			return false;
	}
	return true;
}
