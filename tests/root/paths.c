/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a config says of paths and of the kernel's values: mask.path and readonly.path, sysctl.*,
 * proc.*; and the keyrings of the user that the caller runs as.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

static int setup(void **state)
{
	const char *inside = getenv("CT_INSIDE");

	(void)state;
	if (box_open(&box, NULL) < 0 || !inside || rootfs_copy(&box.root, inside, "inside", 0755))
		return -1;
	if (rootfs_mkdir(&box.root, "data/sub", 0777) || rootfs_mkdir(&box.root, "srv/dir", 0755))
		return -1;
	return rootfs_file(&box.root, "data/sub/file", "data\n", 0666) ||
	       rootfs_file(&box.root, "srv/file", "secret\n", 0666) ||
	       rootfs_file(&box.root, "srv/dir/file", "secret\n", 0666) ||
	       rootfs_file(&box.root, "srv/seen", "seen\n", 0666) ||
	       rootfs_link(&box.root, "srv", "link");
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* One answer of "inside read" or "inside write". */
struct look {
	const char *what, *path, *answer;
};

/* A config, and what is to be seen in it. */
struct scene {
	const char *name;
	const char *keys[14];
	struct look looks[10];
	const char *rows[6]; /* of ct_protections(), all of them ok */
};

#define FROM_USERS "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536"

static const struct scene scenes[] = {
	{ "beside the usual ones",
	  { "mask.path", "/srv/file", "mask.path", "/srv//./dir", "mask.path", "/proc/version",
	    "mask.path", "/srv/none", "readonly.path", "/data/sub" },
	  { { "read", "/srv/file", "empty" },
	    { "write", "/srv/file", "errno 30" },
	    { "read", "/srv/dir", "empty" },
	    { "read", "/srv/dir/file", "errno 2" },
	    { "read", "/srv/seen", "data" },
	    { "read", "/proc/version", "empty" },
	    { "read", "/data/sub/file", "data" },
	    { "write", "/data/sub/file", "errno 30" },
	    { "read", "/proc/interrupts", "empty" },
	    { "write", "/proc/sys/vm/drop_caches", "errno 30" } },
	  { "/srv/file", "/srv/dir", "/srv/none", "/proc/version", "/data/sub", "/proc/kcore" } },
	{ "in a user namespace",
	  { FROM_USERS, "mask.path", "/srv/file", "mask.path", "/proc/version", "readonly.path",
	    "/data" },
	  { { "read", "/srv/file", "empty" },
	    { "read", "/srv/seen", "data" },
	    { "read", "/proc/version", "empty" },
	    { "write", "/data/sub/file", "errno 30" },
	    { "write", "/srv/seen", "opens" },
	    { "read", "/proc/interrupts", "empty" } },
	  { "/srv/file", "/proc/version", "/data" } },
	{ "instead of the usual ones",
	  { "mask.path", "/srv/file", "mask.path", "none", "mask.path", "/srv/dir", "readonly.path",
	    "none", "readonly.path", "/proc/bus" },
	  { { "read", "/srv/file", "data" },
	    { "read", "/srv/dir", "empty" },
	    { "read", "/proc/interrupts", "data" },
	    { "write", "/proc/sys/vm/drop_caches", "opens" } },
	  { "/srv/dir", "/proc/bus" } },
	{ "also where mount.auto hides nothing",
	  { "mount.auto", "proc:rw sys:rw", "mask.path", "/proc/version", "readonly.path",
	    "/proc/sys", "mask.path", "/sys/class" },
	  { { "read", "/proc/version", "empty" },
	    { "write", "/proc/sys/vm/drop_caches", "errno 30" },
	    { "read", "/proc/interrupts", "data" },
	    { "read", "/sys/class", "empty" },
	    { "read", "/sys/module", "data" } },
	  { "/proc/version", "/proc/sys", "/sys/class" } },
	{ "over mounts of the config",
	  { "mount.tmpfs", "/data", "mount.entry", "tmpfs data/sub tmpfs create=dir 0 0",
	    "readonly.path", "/data", "mount.entry", "/proc/uptime srv/seen none bind 0 0",
	    "mask.path", "/srv/dir" },
	  { { "write", "/data/new", "errno 2" },
	    { "read", "/data/sub", "empty" },
	    { "read", "/srv/dir", "empty" },
	    { "read", "/srv/seen", "data" } },
	  { "/data", "/srv/dir" } },
	{ "on a /proc of the config's own",
	  { "mount.auto", "sys:ro", "mount.entry", "proc proc proc create=dir 0 0", "mask.path",
	    "/proc/version", "readonly.path", "/proc/sys" },
	  { { "read", "/proc/version", "empty" },
	    { "write", "/proc/sys/vm/drop_caches", "errno 30" },
	    { "read", "/proc/interrupts", "data" } },
	  { "/proc/version", "/proc/sys" } },
	{ "with a /dev of the rootfs that lies about null",
	  { "autodev", "0", "mask.path", "/srv/file", "mask.path", "/proc/version" },
	  { { "read", "/srv/file", "empty" },
	    { "read", "/dev/null", "data" },
	    { "read", "/proc/version", "empty" },
	    { "read", "/proc/interrupts", "empty" } },
	  { "/srv/file", "/proc/version" } },
};
#define N_SCENES (sizeof(scenes) / sizeof(scenes[0]))

static void set_keys(ct_container *c, const char *const *keys, size_t n)
{
	for (size_t i = 0; i + 1 < n && keys[i]; i += 2)
		assert_ok(c, ct_set_config(c, keys[i], keys[i + 1]));
}

static int check(ct_container *c)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.argv = ARGV("/bin/true");
	return ct_check(c, &o);
}

/* The report has the line "PATH: ANSWER". */
static void expect_line(const struct scene *s, const char *report, const struct look *l)
{
	char line[256];

	snprintf(line, sizeof(line), "%s: %s\n", l->path, l->answer);
	if (!report || !strstr(report, line))
		fail_msg("%s: no %s in: %s", s->name, line, report ? report : "nothing");
}

static void look_inside(const struct scene *s, ct_container *c, const struct look *l)
{
	char *out = NULL;

	assert_ok(c, box_attach(c, NULL, ARGV("/inside", l->what, l->path), &out, NULL));
	expect_line(s, out, l);
	free(out);
}

/* The path's line in the table, which begins with a blank when it is as asked. */
static void expect_row(const struct scene *s, const char *table, const char *path)
{
	char name[128];
	const char *row;

	snprintf(name, sizeof(name), "\n  %s ", path);
	row = strstr(table, name);
	if (!row)
		fail_msg("%s: no row of %s that is as asked in\n%s", s->name, path, table);
}

static void covers(void **state)
{
	const struct scene *s = *state;
	ct_container *c = must_open(NULL);
	char *table = NULL;
	ct_process *p;

	rootfs_drop(&box.root, "dev/null");
	assert_int_equal(rootfs_file(&box.root, "dev/null", "not null\n", 0666), 0);
	set_keys(c, s->keys, sizeof(s->keys) / sizeof(s->keys[0]));
	assert_ok(c, check(c));
	p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	for (size_t i = 0; i < 10 && s->looks[i].what; i++)
		look_inside(s, c, &s->looks[i]);
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &table));
	for (size_t i = 0; i < 6 && s->rows[i]; i++)
		expect_row(s, table, s->rows[i]);
	ct_free(table);
	ct_process_unref(p);
	ct_unref(c);
}

/* A link on the way is an error, of the check as of the start; so are mounts that nobody would
 * see. */
static void covers_refused(void **state)
{
	static const struct {
		const char *key, *value, *mount;
	} rows[] = {
		{ "mask.path", "/link/file", NULL },
		{ "mask.path", "/link", NULL },
		{ "readonly.path", "/link/dir", NULL },
		{ "mask.path", "/srv/file/below", NULL },
		{ "mask.path", "/srv/dir", "tmpfs srv/dir tmpfs defaults 0 0" },
		{ "mask.path", "/srv", "tmpfs srv/dir tmpfs defaults 0 0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ct_container *c = must_open(NULL);
		const char *key = rows[i].mount ? "mount.entry" : rows[i].key;
		char text[512];
		int err;

		assert_ok(c, ct_set_config(c, rows[i].key, rows[i].value));
		if (rows[i].mount)
			assert_ok(c, ct_set_config(c, "mount.entry", rows[i].mount));
		err = check(c);
		if (err >= 0 || strcmp(ct_last_error(c)->key, key) != 0)
			fail_msg("check of %s: %d, %s", rows[i].value, err,
				 ct_last_error(c)->message);
		snprintf(text, sizeof(text), "%s", ct_last_error(c)->message);
		assert_int_equal(box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), err);
		assert_string_equal(ct_last_error(c)->message, text);
		ct_unref(c);
	}
}

/* A payload that makes the path later has it, and the table says so. */
static void covers_missed(void **state)
{
	ct_container *c = must_open(NULL);
	char *table = NULL;
	ct_process *p;

	(void)state;
	assert_ok(c, ct_set_config(c, "mask.path", "/srv/later"));
	p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/touch", "/srv/later"), NULL, NULL));
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &table));
	if (!strstr(table, "\n! /srv/later "))
		fail_msg("the table does not tell of /srv/later:\n%s", table);
	ct_free(table);
	rootfs_drop(&box.root, "srv/later");
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- values of the kernel -------------------------------------------------------------------- */

/* Keys that nobody may set, or not in a container that shares the namespace. None of them gets as
 * far as a process. */
static const struct {
	const char *key, *value;
	const char *keep; /* namespace.keep; NULL: all are new */
} refusals[] = {
	/* of the host */
	{ "sysctl.kernel.core_pattern", "|/x", NULL },
	{ "sysctl.kernel.modprobe", "/x", NULL },
	{ "sysctl.kernel.hotplug", "/x", NULL },
	{ "sysctl.kernel.sysrq", "1", NULL },
	{ "sysctl.kernel.panic", "1", NULL },
	{ "sysctl.kernel.randomize_va_space", "0", NULL },
	{ "sysctl.kernel.yama.ptrace_scope", "0", NULL },
	{ "sysctl.kernel.ns_last_pid", "1", NULL },
	{ "sysctl.kernel.pid_max", "400", NULL },
	{ "sysctl.kernel.msg", "1", NULL },
	{ "sysctl.kernel.shm_rmid_forced.x", "1", NULL },
	{ "sysctl.kernel.hostname.x", "a", NULL },
	{ "sysctl.vm.overcommit_memory", "1", NULL },
	{ "sysctl.fs.file-max", "1", NULL },
	{ "sysctl.fs.suid_dumpable", "2", NULL },
	{ "sysctl.fs.mqueue", "2", NULL },
	{ "sysctl.dev.tty.legacy_tiocsti", "1", NULL },
	{ "sysctl.netx.core.somaxconn", "1", NULL },
	{ "sysctl.net", "1", NULL },
	{ "sysctl.user.max_user_namespaces", "1", NULL },
	/* below net., but of the host: not to be seen in another network */
	{ "sysctl.net.core.bpf_jit_enable", "0", NULL },
	{ "sysctl.net.ipv4.tcp_mem", "1 2 3", NULL },
	/* of a namespace that is the caller's */
	{ "sysctl.net.core.somaxconn", "100", "net" },
	{ "sysctl.net.ipv4.ip_forward", "1", "net" },
	{ "sysctl.net/ipv4/conf/all/forwarding", "1", "net" },
	{ "sysctl.kernel.shmmax", "4096", "ipc" },
	{ "sysctl.kernel.msgmax", "4096", "ipc" },
	{ "sysctl.kernel.sem", "1 2 3 4", "ipc" },
	{ "sysctl.fs.mqueue.msg_max", "5", "ipc" },
	{ "sysctl.kernel.hostname", "a", "uts" },
	{ "sysctl.kernel.domainname", "a", "uts" },
	/* names that lead elsewhere */
	{ "sysctl.net/../kernel/core_pattern", "|/x", NULL },
	{ "sysctl./net/core/somaxconn", "1", NULL },
	{ "sysctl.net//core/somaxconn", "1", NULL },
	{ "sysctl.net/./core/somaxconn", "1", NULL },
	{ "sysctl.net..core", "1", NULL },
	{ "sysctl..net.core", "1", NULL },
	{ "sysctl.net.core.", "1", NULL },
	{ "sysctl.net.core.somaxconn,kernel.core_pattern", "1", NULL },
	{ "sysctl.net.core.somaxconn+kernel.core_pattern", "1", NULL },
	{ "sysctl.net.core.somaxconn;x", "1", NULL },
	{ "sysctl.net.core.somaxconn x", "1", NULL },
	{ "sysctl.net.core.somaxconn\n", "1", NULL },
	/* values that are more than one */
	{ "sysctl.net.core.somaxconn", "100\nkernel.core_pattern=|/x", NULL },
	{ "sysctl.net.core.somaxconn", "100+kernel.core_pattern=|/x", NULL },
	{ "sysctl.net.core.somaxconn", "100,kernel.core_pattern=|/x", NULL },
	{ "sysctl.net.core.somaxconn", "100;kernel.core_pattern=|/x", NULL },
	{ "sysctl.net.core.somaxconn", "100 = 5", NULL },
	{ "sysctl.net.core.somaxconn", "../../kernel/core_pattern", NULL },
	/* files of the process that are no values of its own */
	{ "proc.mem", "x", NULL },
	{ "proc.uid_map", "0 0 1", NULL },
	{ "proc.gid_map", "0 0 1", NULL },
	{ "proc.projid_map", "0 0 1", NULL },
	{ "proc.setgroups", "deny", NULL },
	{ "proc.timens_offsets", "boottime 1 0", NULL },
	{ "proc.autogroup", "5", NULL },
	{ "proc.clear_refs", "1", NULL },
	{ "proc.comm", "x", NULL },
	{ "proc.sched", "0", NULL },
	{ "proc.limits", "x", NULL },
	{ "proc.attr/current", "x", NULL },
	{ "proc.attr", "x", NULL },
	{ "proc.root", "x", NULL },
	{ "proc.fd/0", "x", NULL },
	{ "proc...", "x", NULL },
	{ "proc.../sys/kernel/core_pattern", "|/x", NULL },
	{ "proc.oom_score_adj", "1\n2", NULL },
	{ "proc.oom_score_adj", "1 2", NULL },
	{ "proc.oom_score_adj", "5000", NULL },
};

static char *host_value(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return buf;
}

/* Values of the host that the rows above would change. */
static const char *const watched[] = { "core_pattern", "modprobe", "hostname", "domainname",
				       "shmmax",       "msgmax",   "sem",      "sysrq" };
#define N_WATCHED (sizeof(watched) / sizeof(watched[0]))

static void refused_values(void **state)
{
	char before[N_WATCHED][512], now[512], path[128];

	(void)state;
	for (size_t i = 0; i < N_WATCHED; i++) {
		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", watched[i]);
		host_value(path, before[i], sizeof(before[i]));
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		ct_container *c = must_open(NULL);
		int err;

		if (refusals[i].keep)
			assert_ok(c, ct_set_config(c, "namespace.keep", refusals[i].keep));
		err = ct_set_config(c, refusals[i].key, refusals[i].value);
		if (err >= 0)
			err = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		if (err >= 0)
			fail_msg("%s = %s is taken", refusals[i].key, refusals[i].value);
		if (strncmp(ct_last_error(c)->message, refusals[i].key, 5) != 0)
			fail_msg("%s = %s: the key is not named: %s", refusals[i].key,
				 refusals[i].value, ct_last_error(c)->message);
		ct_unref(c);
	}
	for (size_t i = 0; i < N_WATCHED; i++) {
		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", watched[i]);
		assert_string_equal(host_value(path, now, sizeof(now)), before[i]);
	}
}

/* What belongs to the container's own namespaces is set, and only there. */
static void own_values(void **state)
{
	static const char *const keys[] = { "sysctl.net.ipv4.ip_default_ttl",
					    "101",
					    "sysctl.net/ipv4/conf/lo/forwarding",
					    "1",
					    "sysctl.kernel.shmmax",
					    "65536",
					    "sysctl.kernel.msgmax",
					    "4242",
					    "sysctl.kernel.sem",
					    "11 12 13 14",
					    "sysctl.fs.mqueue.msg_max",
					    "7",
					    "proc.oom_score_adj",
					    "77" };
	static const char script[] = "cd /proc/sys; echo $(cat net/ipv4/ip_default_ttl "
				     "net/ipv4/conf/lo/forwarding kernel/shmmax kernel/msgmax "
				     "kernel/sem fs/mqueue/msg_max "
				     "/proc/self/oom_score_adj)";
	const char *const want = "101 1 65536 4242 11 12 13 14 7 77\n";
	char before[512], now[512], *out = NULL;

	(void)state;
	host_value("/proc/sys/kernel/msgmax", before, sizeof(before));
	for (int userns = 0; userns < 2; userns++) {
		ct_container *c = must_open(NULL);

		if (userns)
			assert_int_equal(box_config(c, FROM_USERS, NULL), 0);
		set_keys(c, keys, sizeof(keys) / sizeof(keys[0]) + 1);
		assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", script), &out, NULL));
		assert_string_equal(out, want);
		free(out);
		out = NULL;
		ct_unref(c);
	}
	assert_string_equal(host_value("/proc/sys/kernel/msgmax", now, sizeof(now)), before);
}

/* ---- devices --------------------------------------------------------------------------------- */

/* All that is in a /dev of our own: what may be there, with its number. */
static const char devices[] = "fd /proc/self/fd\n"
			      "full 1:7\n"
			      "mqueue dir\n"
			      "null 1:3\n"
			      "ptmx pts/ptmx\n"
			      "pts dir\n"
			      "random 1:8\n"
			      "shm dir\n"
			      "stderr /proc/self/fd/2\n"
			      "stdin /proc/self/fd/0\n"
			      "stdout /proc/self/fd/1\n"
			      "tty 5:0\n"
			      "urandom 1:9\n"
			      "zero 1:5\n";

/* By each way to make nodes: by init, and bound from the host, in a user namespace and where the
 * list of devices refuses to make them. */
static void device_nodes(void **state)
{
	static const char script[] =
		"cd /dev; for f in $(ls -A); do "
		"if [ -L $f ]; then echo $f $(readlink $f); "
		"elif [ -d $f ]; then echo $f dir; "
		"elif [ -c $f ]; then echo $f $(stat -c '%t:%T' $f); "
		"else echo $f other; fi; done; "
		"head -c 4 zero | wc -c; echo x >null && cat null; echo x >full || echo full";
	static const char *const ways[][5] = { { NULL },
					       { FROM_USERS },
					       { "limit.devices", "none", "cap.drop", "mknod" } };
	char want[1024];

	(void)state;
	snprintf(want, sizeof(want), "%s4\n", devices);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		ct_container *c = must_open(NULL);
		char *out = NULL;

		set_keys(c, ways[i], sizeof(ways[i]) / sizeof(ways[i][0]));
		assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", script), &out, NULL));
		/* without devices none of them can be opened */
		if (i < 2 && (strncmp(out, want, strlen(want)) != 0 || !strstr(out, "full\n")))
			fail_msg("way %zu: %s", i, out);
		if (i == 2 && strncmp(out, devices, strlen(devices)) != 0)
			fail_msg("way %zu: %s", i, out);
		free(out);
		ct_unref(c);
	}
}

/* ---- keyrings -------------------------------------------------------------------------------- */

#define KEYCTL_UNLINK 9
#define KEYCTL_SEARCH 10
#define USER_KEYRING (-4)
#define USER_SESSION_KEYRING (-5)
#define KEY_NAME "ct-test-user-key"

struct keys_row {
	const char *what, *container; /* its name; NULL: anonymous */
	const char *keys[8];
	bool reached; /* the test finds the caller's key when nothing keeps it from it */
	const char *row;
};

static const struct keys_row keys_rows[] = {
	{ "a program", NULL, { NULL }, false, "\n  keyrings of the user " },
	{ "a program without a filter",
	  NULL,
	  { "seccomp.profile", "none" },
	  false,
	  "\n  keyrings of the user " },
	{ "a program that may",
	  NULL,
	  { "seccomp.profile", "none", "keyring.user", "1" },
	  true,
	  "\n  keyrings of the user " },
	{ "a system", "paths-keys", { NULL }, true, "\n  keyrings of the user " },
	{ "a system that may not",
	  "paths-keys",
	  { "keyring.user", "0" },
	  false,
	  "\n  keyrings of the user " },
	{ "a system with all capabilities that may not",
	  "paths-keys",
	  { "keyring.user", "0", "cap.drop", "sys_module" },
	  false,
	  "\n  keyrings of the user " },
	{ "a system in a user namespace of its own",
	  "paths-keys",
	  { FROM_USERS },
	  false,
	  "\n  keyrings of the user " },
	{ "a program in a user namespace of its own that may use keys",
	  NULL,
	  { FROM_USERS, "seccomp.profile", "none", "keyring.user", "1" },
	  false,
	  "\n  keyrings of the user " },
	{ "one in the caller's session keyring",
	  NULL,
	  { "keyring.session", "0", "seccomp.profile", "none" },
	  false,
	  "\n  keyrings of the user " },
};

static void check_keys(const struct keys_row *r, const char *how, const char *out)
{
	bool reached = out && (strstr(out, "search: ok") || strstr(out, "read: ok") ||
			       strstr(out, "request: ok"));

	if (!out || !strstr(out, "persistent: "))
		fail_msg("%s, %s: no answer: %s", r->what, how, out ? out : "nothing");
	if (reached != r->reached)
		fail_msg("%s, %s: the caller's key is %s: %s", r->what, how,
			 reached ? "reached" : "not reached", out);
}

/* Takes a key out of the user's keyrings, where the payload may have put one, too. */
static void unlink_key(const char *name)
{
	static const long rings[] = { USER_KEYRING, USER_SESSION_KEYRING };

	for (int i = 0; i < 2; i++) {
		long key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", name, 0);

		if (key >= 0)
			syscall(SYS_keyctl, KEYCTL_UNLINK, key, rings[i]);
	}
}

static void users_keyring(void **state)
{
	const struct keys_row *r = *state;
	long key = syscall(SYS_add_key, "user", KEY_NAME, "canary", 6L, USER_KEYRING);
	ct_container *c = must_open(r->container);
	char *out = NULL, *table = NULL;
	ct_process *p;

	if (key < 0) {
		ct_unref(c);
		skip_because("this kernel or place has no keyrings");
	}
	set_keys(c, r->keys, sizeof(r->keys) / sizeof(r->keys[0]));
	assert_ok(c, box_run(c, NULL, ARGV("/inside", "userkey", KEY_NAME), &out, NULL));
	check_keys(r, "start", out);
	free(out);
	out = NULL;
	p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	assert_ok(c, box_attach(c, NULL, ARGV("/inside", "userkey", KEY_NAME), &out, NULL));
	check_keys(r, "attach", out);
	free(out);
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &table));
	if (!strstr(table, r->row))
		fail_msg("%s: no%s in\n%s", r->what, r->row, table);
	if (!strstr(table, r->reached ? " the host's " : "keyrings of the user"))
		fail_msg("%s: the table does not tell of the host's keyrings:\n%s", r->what, table);
	ct_free(table);
	ct_process_unref(p);
	ct_unref(c);
	unlink_key(KEY_NAME);
	unlink_key("ct-test-from-inside");
}

int main(void)
{
	enum { KEYS = sizeof(keys_rows) / sizeof(keys_rows[0]) };
	static struct CMUnitTest tests[N_SCENES + KEYS + 5];
	size_t n = 0;

	for (size_t i = 0; i < N_SCENES; i++)
		tests[n++] = (struct CMUnitTest){ scenes[i].name, covers, NULL, NULL,
						  (void *)(uintptr_t)&scenes[i] };
	for (size_t i = 0; i < KEYS; i++)
		tests[n++] = (struct CMUnitTest){ keys_rows[i].what, users_keyring, NULL, NULL,
						  (void *)(uintptr_t)&keys_rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(covers_refused);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(covers_missed);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(refused_values);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(own_values);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(device_nodes);
	if (geteuid() != 0) {
		printf("# skip: needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("paths", tests, setup, box_teardown);
}
