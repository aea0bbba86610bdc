/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes of a container beside its init, for the rows of ct_protections(): what one of them
 * has more than was asked for is told in the row. They are those of init's pid namespace, so
 * programs that were attached are among them, with whatever namespaces and rights.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/protect/protections.h"

#define STATUS_MAX (2u << 20) /* a process may be in 65536 groups */
/* How long a process of ours may take over its set-up before it is told of as it is. */
#define SET_UP_MS 500

/* ---- one process ----------------------------------------------------------------------------- */

/* A process that is being set up for an attach, or by a reaper, still executes the stage. A payload
 * may call a program of its own so: it is only given time. */
static bool is_set_up(int dir)
{
	char link[64];
	ssize_t n = readlinkat(dir, "exe", link, sizeof(link) - 1);

	if (n <= 0)
		return false;
	link[n] = '\0';
	return !strncmp(link, "/memfd:ct-stage", 15);
}

static bool in_same(int dir, const char *file, const struct stat *want)
{
	struct stat st;

	return fstatat(dir, file, &st, 0) == 0 && st.st_dev == want->st_dev &&
	       st.st_ino == want->st_ino;
}

/* Whether the process ends, or has ended: it has no memory any more, and the kernel has taken it
 * out of its cgroups. Not so while another of its threads lives. */
static bool is_ending(int dir, const char *status)
{
	char link[64], threads[16] = "";
	uint32_t n = 0;

	if (ct_status_field(status, "Threads", threads, sizeof(threads)) &&
	    ct_parse_u32(threads, &n) == 0 && n > 1)
		return false;
	return readlinkat(dir, "exe", link, sizeof(link)) < 0 && errno != EACCES && errno != EPERM;
}

/* Fills *m; false: the process has ended. */
static bool read_member(struct ct_protect *t, int dir, struct ct_member *m)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char path[32];

	for (int i = 0; i < CT_NAMESPACES; i++) {
		snprintf(path, sizeof(path), "ns/%s", ct_namespaces[i].name);
		if (fstatat(dir, path, &m->ns[i], 0) < 0)
			m->ns[i].st_ino = 0;
	}
	if (ct_buf_read_at(&text, dir, "status", STATUS_MAX) < 0)
		return false;
	m->status = ct_arena_strdup(t->p.arena, ct_buf_text(&text));
	ct_buf_free(&text);
	if (ct_buf_read_at(&text, dir, "cgroup", STATUS_MAX) < 0)
		ct_buf_free(&text);
	m->cgroup = ct_arena_strdup(t->p.arena, ct_buf_text(&text));
	ct_buf_free(&text);
	if (t->p.spec->prlimit.n && ct_buf_read_at(&text, dir, "limits", STATUS_MAX) < 0)
		ct_buf_free(&text);
	if (t->p.spec->prlimit.n)
		m->limits = ct_arena_strdup(t->p.arena, ct_buf_text(&text));
	if (!m->status || !m->cgroup || (t->p.spec->prlimit.n && !m->limits)) {
		t->report.oom = true;
		return false;
	}
	return !is_ending(dir, m->status);
}

static void add_member(struct ct_protect *t, const struct ct_member *m)
{
	struct ct_others *o = &t->others;

	if (o->n == o->cap) {
		uint32_t cap = o->cap * 2 + 32;
		struct ct_member *v = ct_arena_grow(t->p.arena, o->v, o->n, cap, sizeof(*v));

		if (!v) {
			t->report.oom = true;
			return;
		}
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n++] = *m;
}

/* Takes in the process, when it is one of the container's. Waits for one that is being set up, no
 * longer than until `end`. */
static void look_at(struct ct_protect *t, int proc, const char *name, const struct stat *pid_ns,
		    int64_t end)
{
	CT_CLEAN_FD int dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ct_member m = { .status = NULL };
	uint32_t pid;
	int ms = 1;

	if (dir < 0 || ct_parse_u32(name, &pid) < 0 || (pid_t)pid == t->pid ||
	    !in_same(dir, "ns/pid", pid_ns))
		return;
	while (is_set_up(dir) && ct_now_ms() < end)
		ms = ct_back_off(ms);
	m.pid = (pid_t)pid;
	if (read_member(t, dir, &m))
		add_member(t, &m);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* The process id of a reaper's program, its first child; 0: there is none. */
static pid_t program_of(const struct ct_protect *t)
{
	CT_CLEAN_FD int fd = -1;
	char path[64], list[64];
	uint32_t pid = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "task/%d/children", (int)t->pid);
	fd = openat(t->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, list, sizeof(list) - 1);
	if (n <= 0)
		return 0;
	list[n] = '\0';
	list[strcspn(list, " ")] = '\0';
	if (ct_parse_u32(list, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

static void find_program(struct ct_protect *t)
{
	pid_t pid = 0;

	t->program = ct_buf_text(&t->status);
	if (t->p.spec->init_reaper)
		pid = program_of(t);
	for (uint32_t i = 0; i < t->others.n; i++)
		if (pid > 0 && t->others.v[i].pid == pid)
			t->program = t->others.v[i].status;
}

/* Whether init lives in a user namespace that its payload has made below its own. */
static bool is_deeper(const struct ct_protect *t)
{
	CT_CLEAN_FD int fd = openat(t->proc, "ns/user", O_RDONLY | O_CLOEXEC);
	int depth = 0, want = 0;
	struct stat mine, st;

	if (ct_build_namespaces(t->p.spec) & CT_NS_USER)
		want = 1;
	else if (ct_build_userns(t->p.spec))
		return false;
	if (fd < 0 || stat("/proc/thread-self/ns/user", &mine) < 0)
		return false;
	for (; depth < 33 && fstat(fd, &st) == 0; depth++) {
		int parent;

		if (st.st_dev == mine.st_dev && st.st_ino == mine.st_ino)
			return depth > want;
		parent = ioctl(fd, NS_GET_PARENT);
		if (parent < 0)
			return false;
		ct_close(&fd);
		fd = parent;
	}
	return false;
}

void ct_protect_find_others(struct ct_protect *t)
{
	CT_CLEAN_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t end = ct_now_ms() + SET_UP_MS;
	struct stat pid_ns;
	DIR *d = NULL;

	t->deeper = is_deeper(t);
	if (fstatat(t->proc, "ns/user", &pid_ns, 0) == 0)
		t->user_ns = pid_ns.st_ino;
	t->others = (struct ct_others){ .why = NULL };
	if (!(ct_build_namespaces(t->p.spec) & CT_NS_PID))
		t->others.why = "it has no pid namespace of its own, which would tell them";
	else if (fstatat(t->proc, "ns/pid", &pid_ns, 0) < 0 || proc < 0)
		t->others.why = ct_errno_text(errno);
	if (!t->others.why) {
		d = fdopendir(proc);
		if (!d)
			t->others.why = ct_errno_text(errno);
	}
	if (d) {
		proc = -1;
		for (struct dirent *e = readdir(d); e; e = readdir(d))
			if (*e->d_name >= '1' && *e->d_name <= '9')
				look_at(t, dirfd(d), e->d_name, &pid_ns, end);
		closedir(d);
	}
	find_program(t);
}

bool ct_protect_is_weaker(const struct ct_protect *t, const struct ct_member *m,
			  const struct ct_bound *b)
{
	char text[64];
	uint64_t v = 0;
	bool there;

	/* rights in a user namespace of its own making are none over what is outside of it */
	if (b->of_userns && m->ns[__builtin_ctz(CT_NS_USER)].st_ino != t->user_ns)
		return false;
	if (b->check)
		return b->check(t, m);
	if (b->ns)
		return m->ns[b->kind].st_ino == b->ns;
	there = ct_status_field(m->status, b->field, text, sizeof(text));
	if (!there || ct_parse_hex(text, 16, &v) < 0)
		return true;
	return (v & ~b->most) || v < b->least;
}

const char *ct_protect_others(struct ct_protect *t, const char *got, const struct ct_bound *b,
			      bool *ok)
{
	uint32_t n = 0;
	pid_t first = 0;

	for (uint32_t i = 0; i < t->others.n; i++) {
		if (!ct_protect_is_weaker(t, &t->others.v[i], b))
			continue;
		if (!n++)
			first = t->others.v[i].pid;
	}
	if (!n || !got)
		return got;
	*ok = false;
	if (n == 1)
		return CT_TEXT(t, "%s; NOT SO process %d", got, (int)first);
	return CT_TEXT(t, "%s; NOT SO %u processes, one of them %d", got, n, (int)first);
}

/* Whether the n bytes at `list` have each word of the other list; both are divided by commas. */
static bool has_words(const char *list, size_t n, const char *words)
{
	for (; *words; words += strcspn(words, ","), words += *words == ',') {
		size_t len = strcspn(words, ","), at = 0;

		while (at < n && (strncmp(list + at, words, len) ||
				  (at + len < n && list[at + len] != ','))) {
			at += strcspn(list + at, ",:");
			at++;
		}
		if (at >= n)
			return false;
	}
	return true;
}

/* Whether a path, up to the end of its line, has these components. */
static bool has_components(const char *path, const char *name)
{
	size_t n = strlen(name);

	while (*path == '/') {
		path++;
		if (!strncmp(path, name, n) && strchr("/\n", path[n]))
			return true;
		path += strcspn(path, "/\n");
	}
	return false;
}

bool ct_protect_in_group(const char *text, const struct ct_cg_group *g)
{
	const char *name = g->path + g->keep;

	/* one that existed before is known by its last part */
	if (!*name)
		name = strrchr(g->path, '/');
	if (!name)
		return false;
	name += *name == '/';
	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		const char *list = strchr(line, ':'), *path = NULL;
		size_t n;

		end = line + strcspn(line, "\n");
		if (list)
			path = strchr(++list, ':');
		if (!path || path > end)
			continue;
		n = (size_t)(path - list);
		if (g->version == 2 && n)
			continue;
		if (g->version == 1 && (!n || !has_words(list, n, g->tree)))
			continue;
		if (has_components(path + 1, name))
			return true;
	}
	return false;
}

static bool is_outside(const struct ct_protect *t, const struct ct_member *m)
{
	for (uint32_t i = 0; i < t->held.n; i++)
		if (!ct_protect_in_group(m->cgroup, &t->held.v[i]))
			return true;
	return false;
}

static void told_groups(struct ct_protect *t)
{
	const struct ct_bound inside = { .check = is_outside };
	struct ct_member init = { .pid = t->pid };
	const char *why = "", *got = "all of them";
	bool ok = true;

	if (!t->held.n)
		return;
	init.cgroup = ct_protect_read(t, "cgroup", STATUS_MAX, &why);
	if (!init.cgroup) {
		ct_protections_add(&t->report, false, "in its cgroups", "all processes",
				   "cannot be told", why);
		return;
	}
	if (is_outside(t, &init)) {
		ok = false;
		got = "NOT init";
	}
	got = ct_protect_others(t, got, &inside, &ok);
	ct_protections_add(&t->report, ok, "in its cgroups", "all processes", got,
			   "CLONE_INTO_CGROUP, cgroup.procs");
}

void ct_protect_told_others(struct ct_protect *t)
{
	const char *got = CT_TEXT(t, "init and %u others", t->others.n);
	bool asked = ct_build_namespaces(t->p.spec) & CT_NS_PID;

	if (!t->others.why)
		ct_protections_add(&t->report, true, "processes", "all", got,
				   "those of its pid namespace");
	else if (asked)
		ct_protections_add(&t->report, false, "processes", "all", "init alone",
				   t->others.why);
	else
		ct_protections_add(&t->report, true, "processes", "-", "init alone", t->others.why);
	told_groups(t);
}
