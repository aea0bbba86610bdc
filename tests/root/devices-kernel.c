/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device policies in the real kernel: lists made at random, put into a group of our own by the
 * writes of version 1 and as a program of version 2, and tried by a child in that group with
 * open(2) and mknod(2). The program's replacement, its life after its loader, and its neighbours.
 * Only children of ours enter the groups; both are removed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdbool.h>

#include "backend/cgroup/devices.h"

#include "device-rules.h"
#include "leak.h"
#include "run.h"

#define LISTS 300
#define SEED UINT64_C(711)
#define N(a) (sizeof(a) / sizeof(*(a)))

/* A group of ours in one hierarchy. */
struct group {
	int version, fd; /* fd -1: there is none, `why` says why */
	char dir[PATH_MAX];
	char why[128];
};

static struct group one, two;
static char nodes[] = "/tmp/ct-test-dev-XXXXXX";
static int nodes_fd = -1;
static struct ct_arena *arena;
static struct ct_err err;

/* ---- what is tried --------------------------------------------------------------------------- */

/* Existing devices, whose opening changes nothing; each is opened to read, to write
 * and for both. */
static const struct {
	char type;
	unsigned major, minor;
} devices[] = {
	{ 'c', 1, 3 }, { 'c', 1, 5 }, { 'c', 1, 7 }, { 'c', 1, 8 }, { 'c', 1, 9 }, { 'c', 5, 0 },
	{ 'c', 5, 2 }, { 'b', 7, 0 }, { 'b', 7, 2 }, { 'b', 7, 3 }, { 'b', 7, 5 }, { 'b', 7, 7 },
};
/* Numbers that nodes are made of. */
static const unsigned node_majors[] = { 1, 5, 7, 99 }, node_minors[] = { 0, 2, 3, 5, 7, 9 };
/* Numbers in rules. */
static const int majors[] = { 1, 5, 7, -1 }, minors[] = { 0, 2, 3, 5, 7, -1 };
static const struct rule_stock stock = { majors, minors };

#define OPENS (N(devices) * 3)
#define NODES (2 * N(node_majors) * N(node_minors))
#define PROBES (OPENS + NODES)

struct probe {
	char type;
	unsigned major, minor, access;
};

static struct probe probe_at(size_t i)
{
	if (i < OPENS)
		return (struct probe){ devices[i / 3].type, devices[i / 3].major,
				       devices[i / 3].minor, (unsigned)(i % 3) + 1 };
	i -= OPENS;
	return (struct probe){ "cb"[i % 2], node_majors[i / 2 % N(node_majors)],
			       node_minors[i / 2 / N(node_majors)], CT_DEV_MKNOD };
}

static bool exists(const struct probe *p)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u", p->type == 'c' ? "char" : "block",
		 p->major, p->minor);
	return access(path, F_OK) == 0;
}

static const char *node_name(const struct probe *p, char *buf, size_t size)
{
	snprintf(buf, size, "%c-%u-%u", p->type, p->major, p->minor);
	return buf;
}

static int make_node(const char *name, const struct probe *p)
{
	return mknodat(nodes_fd, name, 0600 | (p->type == 'c' ? S_IFCHR : S_IFBLK),
		       makedev(p->major, p->minor)) < 0
		       ? -errno
		       : 0;
}

/* '+': allowed, '-': EPERM, '.': not tried. */
static char try_one(size_t i)
{
	static const int modes[] = { 0, O_RDONLY, O_WRONLY, O_RDWR };
	struct probe p = probe_at(i);
	char name[48];
	int r;

	if (p.access == CT_DEV_MKNOD) {
		snprintf(name, sizeof(name), "new-%d", (int)getpid());
		r = make_node(name, &p);
		unlinkat(nodes_fd, name, 0);
		if (r == -EPERM)
			return '-';
		return r == 0 ? '+' : '.';
	}
	if (!exists(&p))
		return '.';
	r = openat(nodes_fd, node_name(&p, name, sizeof(name)),
		   modes[p.access] | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r >= 0)
		close(r);
	/* whatever the driver says: it has been asked */
	return r < 0 && errno == EPERM ? '-' : '+';
}

static void try_all(char out[PROBES + 1])
{
	for (size_t i = 0; i < PROBES; i++)
		out[i] = try_one(i);
	out[PROBES] = 0;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void write_at(int dirfd, const char *file, const char *value)
{
	int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail_msg("%s: %s: %s", file, value, strerror(errno));
	close(fd);
}

/* A child in the group that waits for a byte on *go before `work`. */
static pid_t child_in(const struct group *g, int *go, void (*work)(int out), int out)
{
	char pid[16], byte;
	int p[2];
	pid_t child;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(p[1]);
		if (read(p[0], &byte, 1) == 1)
			work(out);
		_exit(0);
	}
	close(p[0]);
	snprintf(pid, sizeof(pid), "%d", (int)child);
	write_at(g->fd, "cgroup.procs", pid);
	*go = p[1];
	return child;
}

static void try_and_tell(int out)
{
	char found[PROBES + 1];

	try_all(found);
	if (write(out, found, PROBES) != PROBES)
		_exit(1);
}

/* What a child in the group finds. */
static void look(const struct group *g, char found[PROBES + 1])
{
	int p[2], go, status;
	pid_t child;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	child = child_in(g, &go, try_and_tell, p[1]);
	close(p[1]);
	assert_int_equal(write(go, "", 1), 1);
	close(go);
	assert_int_equal(read(p[0], found, PROBES), PROBES);
	close(p[0]);
	found[PROBES] = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The mount point of the hierarchy in buf. */
static bool find_mount(int version, char *buf, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	bool found = false;
	struct mntent *m;

	while (f && !found && (m = getmntent(f))) {
		found = version == 2 ? !strcmp(m->mnt_type, "cgroup2")
				     : !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "devices");
		if (found)
			snprintf(buf, size, "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return found;
}

static void open_group(struct group *g, int version)
{
	const char *why = NULL;
	char mount[PATH_MAX - 64];

	g->version = version;
	g->fd = -1;
	*g->dir = 0;
	if (!find_mount(version, mount, sizeof(mount))) {
		snprintf(g->why, sizeof(g->why), "no %s is mounted",
			 version == 2 ? "cgroup2" : "devices controller of version 1");
		return;
	}
	if (version == 2 && !ct_dev_bpf_usable(&why)) {
		snprintf(g->why, sizeof(g->why), "%s", why);
		return;
	}
	snprintf(g->dir, sizeof(g->dir), "%s/ct-test-dev-%d", mount, (int)getpid());
	if (mkdir(g->dir, 0755) < 0) {
		snprintf(g->why, sizeof(g->why), "no group can be made: %s", strerror(errno));
		*g->dir = 0;
		return;
	}
	g->fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int gone(void *data)
{
	const char *dir = data;

	return rmdir(dir) == 0;
}

static bool close_group(struct group *g)
{
	char below[PATH_MAX + 8];

	/* of a test that has failed */
	snprintf(below, sizeof(below), "%s/below", g->dir);
	if (*g->dir)
		rmdir(below);
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	return !*g->dir || wait_until(gone, g->dir);
}

static void fresh_group(struct group *g)
{
	int version = g->version;

	assert_true(close_group(g));
	open_group(g, version);
	assert_true(g->fd >= 0);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static int clear_nodes(void)
{
	char name[48];

	for (size_t i = 0; i < OPENS; i++) {
		struct probe p = probe_at(i);

		unlinkat(nodes_fd, node_name(&p, name, sizeof(name)), 0);
	}
	close(nodes_fd);
	return rmdir(nodes);
}

static int set_up(void **state)
{
	char name[48];

	(void)state;
	arena = ct_arena_new();
	if (!arena || !mkdtemp(nodes))
		return -1;
	nodes_fd = open(nodes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < OPENS; i += 3) {
		struct probe p = probe_at(i);

		make_node(node_name(&p, name, sizeof(name)), &p);
	}
	open_group(&one, 1);
	open_group(&two, 2);
	return 0;
}

static int tear_down(void **state)
{
	bool first = close_group(&one), second = close_group(&two);

	(void)state;
	ct_arena_free(arena);
	return clear_nodes() == 0 && first && second ? 0 : -1;
}

/* Skips without the group, and where something else than our rules says no. */
#define need(g)                                                                                 \
	do {                                                                                    \
		char free_[PROBES + 1];                                                         \
		if ((g)->fd < 0)                                                                \
			elsewhere_because("%s", (g)->why);                                      \
		try_all(free_);                                                                 \
		if (strchr(free_, '-') || !strchr(free_, '+'))                                  \
			skip_because("this process itself may not open or make these devices"); \
	} while (0)

/* ---- lists ----------------------------------------------------------------------------------- */

/* A policy at random; its rules as they were written go to `text`. */
static void random_list(uint64_t *seed, struct ct_arena *a, struct ct_dev_list *l,
			struct ct_buf *text)
{
	struct ct_spec spec = { .arena = a,
				.devices_preset = (const char *[]){ "default", "none",
								    "all" }[dice(seed, 3)],
				.devices_set = true };
	unsigned n = dice(seed, dice(seed, 3) ? 5 : 14);

	ct_buf_printf(text, "%s", spec.devices_preset);
	for (unsigned i = 0; i < n; i++) {
		struct ct_devrule_item *item = ct_arena_grow(a, spec.devrules.v, i, i + 1,
							     sizeof(*item));
		bool allow = dice(seed, 4) ? *spec.devices_preset != 'a'
					   : *spec.devices_preset == 'a';
		char *rule = ct_arena_alloc(a, 48);

		assert_true(item && rule);
		random_rule(seed, &stock, rule, 48);
		item[i] = (struct ct_devrule_item){ { "k", NULL, 0 }, rule, allow, 2 };
		spec.devrules = (struct ct_devrules){ item, i + 1 };
		ct_buf_printf(text, "\n  %s %s", allow ? "allow" : "deny", rule);
	}
	ct_err_clear(&err);
	if (ct_dev_from_spec(&spec, 2, a, l, &err) < 0)
		fail_msg("%s\n%s", ct_buf_text(text), err.message);
}

/* Puts the policy into the group; false: its version cannot say it. */
static bool enforce(const struct group *g, const struct ct_dev_list *l, struct ct_arena *a)
{
	struct ct_cg_writes writes = { NULL, 0 };
	int r;

	ct_err_clear(&err);
	r = g->version == 2 ? ct_dev_attach(g->fd, l, NULL, &err)
			    : ct_dev_v1_writes(l, NULL, a, &writes, &err);
	if (r == -EOPNOTSUPP && g->version == 1)
		return false;
	if (r < 0)
		fail_msg("%s", err.message);
	for (uint32_t i = 0; i < writes.n; i++)
		write_at(g->fd, writes.v[i].file, writes.v[i].value);
	return true;
}

/* Whether the kernel says to all that is tried what the policy says. */
static void check(const struct group *g, const struct ct_dev_list *l, const char *text)
{
	char found[PROBES + 1];

	look(g, found);
	for (size_t i = 0; i < PROBES; i++) {
		struct probe p = probe_at(i);
		bool want = ct_dev_allowed(l, p.type, p.major, p.minor, p.access);

		if (found[i] != '.' && found[i] != (want ? '+' : '-'))
			fail_msg("version %d, %c %u:%u, access %u: the kernel says %c, the policy "
				 "%d\n%s",
				 g->version, p.type, p.major, p.minor, p.access, found[i], want,
				 text);
	}
}

static void check_lists(const struct group *g)
{
	unsigned done = 0, refused = 0;

	for (uint64_t seed = SEED; done < LISTS; seed++) {
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
		struct ct_dev_list l;
		uint64_t dices = seed;

		ct_buf_printf(&text, "seed %llu: ", (unsigned long long)seed);
		random_list(&dices, a, &l, &text);
		if (!enforce(g, &l, a)) {
			refused++;
			continue;
		}
		check(g, &l, ct_buf_text(&text));
		done++;
	}
	print_message("# %u lists, %u more cannot be said in version %d\n", done, refused,
		      g->version);
}

static void test_version_1(void **state)
{
	struct leak *before;

	(void)state;
	need(&one);
	before = leak_take();
	check_lists(&one);
	assert_untouched(before, LEAK_NO_RSS);
	leak_free(before);
}

/* From policy to policy in a group that has another below it, so that it cannot begin anew. */
static void test_version_1_changes(void **state)
{
	struct ct_dev_list from, l;
	uint64_t dices = SEED;
	unsigned done = 0;
	char below[PATH_MAX + 8];

	(void)state;
	need(&one);
	fresh_group(&one);
	assert_int_equal(ct_dev_parse_list("deny a", arena, &from), 0);
	assert_true(enforce(&one, &from, arena));
	snprintf(below, sizeof(below), "%s/below", one.dir);
	assert_int_equal(mkdir(below, 0755), 0);
	while (done < LISTS / 4) {
		CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
		struct ct_cg_writes writes = { NULL, 0 };

		random_list(&dices, arena, &l, &text);
		ct_err_clear(&err);
		if (ct_dev_v1_change(&from, &l, NULL, arena, &writes, &err) < 0 ||
		    (writes.n && *writes.v[0].value == 'a'))
			continue;
		for (uint32_t i = 0; i < writes.n; i++)
			write_at(one.fd, writes.v[i].file, writes.v[i].value);
		check(&one, &l, ct_buf_text(&text));
		from = l;
		done++;
	}
	assert_int_equal(rmdir(below), 0);
}

static void test_version_2(void **state)
{
	struct leak *before;

	(void)state;
	need(&two);
	before = leak_take();
	check_lists(&two);
	assert_untouched(before, LEAK_NO_RSS);
	leak_free(before);
}

/* ---- the program's life ---------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* How many device programs the group has itself; negative when the kernel does not say. */
static int programs(const struct group *g)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)g->fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	return bpf(BPF_PROG_QUERY, &attr) < 0 ? -errno : (int)attr.query.prog_cnt;
}

static struct ct_dev_list policy(const char *text)
{
	struct ct_dev_list l;

	assert_int_equal(ct_dev_parse_list(text, arena, &l), 0);
	return l;
}

static void test_stays(void **state)
{
	struct ct_dev_list l = policy("deny a\nallow c 1:3 rw\nallow b *:* m");
	int status;
	pid_t child;

	(void)state;
	need(&two);
	fresh_group(&two);
	child = fork();
	if (!child)
		_exit(ct_dev_attach(two.fd, &l, NULL, NULL) < 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(programs(&two), 1);
	check(&two, &l, "after its loader has gone");
}

/* Somebody else's program, which denies c 1:5 whatever it is asked for. */
static void attach_other(const struct group *g)
{
	static const struct bpf_insn insns[] = {
		{ BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0 },
		{ BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 1 },
		{ BPF_JMP | BPF_JNE | BPF_K, 2, 0, 1, 5 },
		{ BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = N(insns);
	attr.license = (uint64_t)(uintptr_t) "LGPL-2.1-or-later";
	memcpy(attr.prog_name, "other", 6);
	fd = bpf(BPF_PROG_LOAD, &attr);
	assert_true(fd >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)g->fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	assert_int_equal(bpf(BPF_PROG_ATTACH, &attr), 0);
	close(fd);
}

static void test_neighbour(void **state)
{
	struct ct_dev_list all = policy("allow a"), both = policy("allow a\ndeny a *:5 rwm"),
			   less = policy("deny a\nallow c *:* r");
	struct ct_dev_list less_both = policy("deny a\nallow c *:* r\ndeny a *:5 rwm");

	(void)state;
	need(&two);
	fresh_group(&two);
	attach_other(&two);
	assert_int_equal(ct_dev_attach(two.fd, &all, NULL, &err), 0);
	assert_int_equal(programs(&two), 2);
	check(&two, &both, "beside another's program");
	assert_int_equal(ct_dev_attach(two.fd, &less, NULL, &err), 0);
	assert_int_equal(programs(&two), 2);
	check(&two, &less_both, "replaced beside another's program");
}

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* Ends in a message when 1:3 was ever closed, 1:5 ever open, or there was ever not one program. */
static void hammer(int out)
{
	static const struct probe null = { 'c', 1, 3, 1 }, zero = { 'c', 1, 5, 1 };
	char found[64] = "", a[48], b[48];
	unsigned long rounds = 0;
	int n = 1;

	signal(SIGTERM, on_term);
	node_name(&null, a, sizeof(a));
	node_name(&zero, b, sizeof(b));
	while (!stop && !*found) {
		int fd = openat(nodes_fd, a, O_RDWR | O_CLOEXEC),
		    none = openat(nodes_fd, b, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || none >= 0)
			snprintf(found, sizeof(found), "1:3 is %s, 1:5 is %s",
				 fd < 0 ? "closed" : "open", none < 0 ? "closed" : "open");
		close(fd);
		close(none);
		n = programs(&two);
		if (n != 1)
			snprintf(found, sizeof(found), "there are %d programs", n);
		rounds++;
	}
	if (!*found)
		snprintf(found, sizeof(found), "%lu rounds", rounds);
	if (write(out, found, strlen(found)) < 0)
		_exit(1);
}

static void test_replace_under_load(void **state)
{
	struct ct_dev_list a = policy("deny a\nallow c 1:3 rw\nallow c 1:7 rw"),
			   b = policy("deny a\nallow c 1:3 rw\nallow c 1:8 r");
	int p[2], go, replaced = 0;
	pid_t child;
	char *said;

	(void)state;
	need(&two);
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &a, NULL, &err), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	child = child_in(&two, &go, hammer, p[1]);
	close(p[1]);
	assert_int_equal(write(go, "", 1), 1);
	close(go);
	for (long long end = now_ms() + 1000; now_ms() < end; replaced++)
		assert_int_equal(ct_dev_attach(two.fd, replaced % 2 ? &a : &b, NULL, &err), 0);
	kill(child, SIGTERM);
	said = read_all(p[0], PATIENCE_MS);
	close(p[0]);
	waitpid(child, NULL, 0);
	assert_non_null(said);
	if (!strstr(said, "rounds"))
		fail_msg("%s", said);
	print_message("# replaced %d times during %s\n", replaced, said);
	free(said);
	assert_int_equal(programs(&two), 1);
}

/* Several that replace at once. */
static void test_together(void **state)
{
	struct ct_dev_list l = policy("deny a\nallow c 1:3 rw");
	int status, bad = 0;

	(void)state;
	need(&two);
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &l, NULL, &err), 0);
	for (int i = 0; i < 4; i++) {
		pid_t child = fork();

		for (int k = 0; !child && k < 100; k++) {
			ct_err_clear(&err);
			if (ct_dev_attach(two.fd, &l, NULL, &err) < 0) {
				fprintf(stderr, "%s\n", err.message);
				_exit(1);
			}
		}
		if (!child)
			_exit(0);
	}
	while (wait(&status) > 0)
		bad += status != 0;
	assert_int_equal(bad, 0);
	assert_int_equal(programs(&two), 1);
	check(&two, &l, "after four at once");
}

/* The id of the cgroup's only program: another one for each that is loaded. */
static uint32_t id_in(const struct group *g)
{
	uint32_t ids[8] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)g->fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = 8;
	assert_int_equal(bpf(BPF_PROG_QUERY, &attr), 0);
	assert_int_equal(attr.query.prog_cnt, 1);
	return ids[0];
}

/* The first descriptor that is one of a program; -1: there is none. */
static int kept_fd(void)
{
	char path[32], link[64] = "";

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, "bpf-prog"))
			return fd;
	}
	return -1;
}

static void test_kept(void **state)
{
	struct ct_dev_list a = policy("deny a\nallow c 1:3 rw"),
			   b = policy("deny a\nallow c 1:5 rw");
	struct ct_dev_program *kept = NULL;
	uint32_t first;
	int fd;

	(void)state;
	need(&two);
	assert_int_equal(kept_fd(), -1);
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &a, &kept, &err), 0);
	assert_non_null(kept);
	first = id_in(&two);
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &a, &kept, &err), 0);
	assert_int_equal(id_in(&two), first);
	check(&two, &a, "by the program that was kept");
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &b, &kept, &err), 0);
	assert_int_not_equal(id_in(&two), first);
	check(&two, &b, "by another program than the one that was kept");
	/* closed by somebody who closes all, and what has the number now is not ours to close */
	fd = kept_fd();
	assert_true(fd > 2);
	assert_int_equal(dup2(nodes_fd, fd), fd);
	fresh_group(&two);
	assert_int_equal(ct_dev_attach(two.fd, &b, &kept, &err), 0);
	check(&two, &b, "when the descriptor was another file's");
	assert_true(fcntl(fd, F_GETFD) >= 0);
	close(fd);
	ct_dev_forget(kept);
	assert_int_equal(kept_fd(), -1);
}

static void test_wrong_place(void **state)
{
	struct ct_dev_list l = policy("allow a");
	struct leak *before;

	(void)state;
	need(&two);
	before = leak_take();
	ct_err_clear(&err);
	assert_int_equal(ct_dev_attach(nodes_fd, &l, NULL, &err), -EBADF);
	assert_int_equal(err.id, CT_ERR_DEVICES);
	assert_non_null(strstr(err.message, "version 2"));
	assert_untouched(before, LEAK_NO_RSS);
	leak_free(before);
}

/* As many rules as there may be pass the kernel's verifier, also those that are meant
 * to tire it. */
static void test_most(void **state)
{
	struct ct_dev_list l = { ct_arena_alloc(arena, 4000 * sizeof(*l.v)), 4000, false };

	(void)state;
	need(&two);
	fresh_group(&two);
	for (int way = 0; way < 5; way++) {
		for (int i = 0; i < 4000; i++) {
			static const int per[] = { 1, 63, 4000 };
			int n = way < 3 ? per[way] : 44;
			bool column = way == 4 || (way == 3 && i % 2);

			l.v[i] = (struct ct_dev_rule){ "cb"[i / 40 % 2], true, (uint8_t)(i % 7 + 1),
						       column ? CT_DEV_ANY : i / n,
						       column ? i : i % n };
		}
		ct_err_clear(&err);
		if (ct_dev_attach(two.fd, &l, NULL, &err) < 0)
			fail_msg("way %d: %s", way, err.message);
		check(&two, &l, "4000 rules");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_1),   cmocka_unit_test(test_version_1_changes),
		cmocka_unit_test(test_version_2),   cmocka_unit_test(test_stays),
		cmocka_unit_test(test_neighbour),   cmocka_unit_test(test_replace_under_load),
		cmocka_unit_test(test_together),    cmocka_unit_test(test_kept),
		cmocka_unit_test(test_wrong_place), cmocka_unit_test(test_most),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
