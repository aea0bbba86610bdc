/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mistakes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define ROOT "rootfs.path = %B/rootfs\n"

/* ---- what stands in the way, put there and taken away ---------------------------------------- */

static void put_not_executable(void)
{
	rootfs_file(&box.root, "bin/not-executable", "#!/bin/sh\n", 0644);
}

static void drop_not_executable(void)
{
	rootfs_drop(&box.root, "bin/not-executable");
}

static void put_bad_format(void)
{
	rootfs_file(&box.root, "bin/bad-format", "no program at all\n", 0755);
}

static void drop_bad_format(void)
{
	rootfs_drop(&box.root, "bin/bad-format");
}

static void put_no_interpreter(void)
{
	rootfs_file(&box.root, "bin/script", "#!/bin/no-such-shell\n", 0755);
}

static void drop_no_interpreter(void)
{
	rootfs_drop(&box.root, "bin/script");
}

static void put_proc_link(void)
{
	rootfs_drop(&box.root, "proc");
	rootfs_link(&box.root, "/tmp", "proc");
}

static void put_proc_file(void)
{
	rootfs_drop(&box.root, "proc");
	rootfs_file(&box.root, "proc", "", 0644);
}

static void heal_proc(void)
{
	rootfs_drop(&box.root, "proc");
	rootfs_mkdir(&box.root, "proc", 0755);
}

static void put_dev_link(void)
{
	rootfs_drop(&box.root, "dev");
	rootfs_link(&box.root, "../../../../dev", "dev");
}

static void heal_dev(void)
{
	rootfs_drop(&box.root, "dev");
	rootfs_mkdir(&box.root, "dev", 0755);
}

static void put_fifo_root(void)
{
	char path[PATH_MAX + 64];

	mkfifo(mistake_path("fifo", path, sizeof(path)), 0644);
}

static void drop_fifo_root(void)
{
	char path[PATH_MAX + 64];

	unlink(mistake_path("fifo", path, sizeof(path)));
}

static void put_link_root(void)
{
	char path[PATH_MAX + 64];

	if (symlink("rootfs", mistake_path("link", path, sizeof(path))))
		abort();
}

static void drop_link_root(void)
{
	char path[PATH_MAX + 64];

	unlink(mistake_path("link", path, sizeof(path)));
}

static void put_include_loop(void)
{
	mistake_write("loop.inc", "include = %B/loop.inc\n");
}

static void put_include_bad(void)
{
	mistake_write("loop.inc", "# first line\n\nuts.nmae = x\n");
}

static void put_fstab(void)
{
	mistake_write("loop.inc", "/etc etc none bind 0 0\nonly-one-word\n");
}

static void drop_include(void)
{
	char path[PATH_MAX + 64];

	unlink(mistake_path("loop.inc", path, sizeof(path)));
}

/* ---- calls ----------------------------------------------------------------------------------- */

static ct_container *anonymous(void)
{
	return box_handle(&box, NULL);
}

/* Runs one call on a new anonymous handle. */
#define CALL(name, expression)                                \
	static int name(void)                                 \
	{                                                     \
		ct_container *c = anonymous();                \
		int err = mistake_said(c, (int)(expression)); \
                                                              \
		ct_unref(c);                                  \
		return err;                                   \
	}

static int start_with(ct_container *c, const ct_start_opts *o)
{
	ct_process *p = NULL;
	int err = ct_start(c, o, &p);

	ct_process_unref(p);
	return err;
}

static int new_with(const char *name, const ct_new_opts *o)
{
	const ct_error *why = NULL;
	ct_new_opts opts = o ? *o : box.where;
	ct_container *c = NULL;
	int err;

	opts.error = &why;
	err = ct_new(&c, name, &opts);
	snprintf(mistake_text, sizeof(mistake_text), "%s", why ? why->message : "nothing said");
	ct_unref(c);
	return err;
}

#define OPTS(...) (&(ct_start_opts){ .size = sizeof(ct_start_opts), __VA_ARGS__ })

CALL(unknown_key, ct_set_config(c, "no.such.key", "1"))
CALL(near_key, ct_set_config(c, "lxc.rootfs.paht", "/x"))
CALL(get_unknown, ct_get_config(c, "uts.nam", NULL, 0))
CALL(clear_unknown, ct_clear_config(c, "nett"))
CALL(newline_in_value, ct_set_config(c, "uts.name", "a\nlxc.rootfs.path = /"))
CALL(save_nowhere, ct_save_config(c, "/no/such/directory/config"))
CALL(load_nothing, ct_load_config(c, "/no/such/config"))
CALL(load_directory, ct_load_config(c, "/etc"))
CALL(load_own_of_anonymous, ct_load_config(c, NULL))
CALL(attach_stopped, ct_attach(c, &(ct_attach_opts)CT_ATTACH_OPTS_INIT, &(ct_process *){ NULL }))
CALL(kill_stopped, ct_kill(c, SIGTERM))
CALL(stop_stopped, ct_stop(c, 0, 100))
CALL(reboot_stopped, ct_reboot(c, 100))
CALL(console_stopped, ct_console_open(c, 0))
CALL(create_anonymous, ct_create(c, NULL))
CALL(destroy_anonymous, ct_destroy(c, 0))
CALL(detach_anonymous, start_with(c, OPTS(.flags = CT_START_DETACH)))
CALL(unknown_flag, start_with(c, OPTS(.flags = 1ull << 50)))
CALL(no_size, start_with(c, &(ct_start_opts){ .size = 0 }))
CALL(bad_stdio, start_with(c, OPTS(.argv = ARGV("/bin/true"), .stdio = { 0, 987, 0 })))
CALL(bad_keep, start_with(c, OPTS(.argv = ARGV("/bin/true"), .keep_fds = (const int[]){ 986 },
				  .n_keep_fds = 1)))
CALL(bad_exec_fd, start_with(c, OPTS(.argv = ARGV("true"), .exec_fd = 985)))
CALL(empty_argv, start_with(c, OPTS(.argv = (const char *const[]){ NULL })))
CALL(bad_env, start_with(c, OPTS(.argv = ARGV("/bin/true"), .envp = ARGV("NO_EQUALS_SIGN"))))
CALL(mount_no_target, ct_add_mount(c, &(ct_mount){ .size = sizeof(ct_mount), .source = "/etc" }))
CALL(mount_bad_flags, ct_add_mount(c, &(ct_mount){ .size = sizeof(ct_mount),
						   .source = "/etc",
						   .target = "/x",
						   .flags = 1ull << 33 }))
CALL(rootfs_fd_closed, ct_set_rootfs_fd(c, 983))
CALL(wait_bad_mask, ct_wait(c, 0x8000, 10))
CALL(log_bad_level, ct_set_log(c, 17, NULL, NULL))

static int struct_tail(void)
{
	struct {
		ct_start_opts o;
		uint64_t newer;
	} s = { CT_START_OPTS_INIT, 1 };
	ct_container *c = anonymous();
	int err;

	s.o.size = sizeof(s);
	err = mistake_said(c, start_with(c, &s.o));
	ct_unref(c);
	return err;
}

static int name_with_slash(void)
{
	return new_with("../escape", NULL);
}

static int name_with_dash(void)
{
	return new_with("-rf", NULL);
}

static int name_with_blank(void)
{
	return new_with("my container", NULL);
}

static int name_too_long(void)
{
	char name[257] = "";

	memset(name, 'a', 256);
	return new_with(name, NULL);
}

static int name_empty(void)
{
	return new_with("", NULL);
}

static int new_bad_flags(void)
{
	return new_with("web", &(ct_new_opts){ .size = sizeof(ct_new_opts), .flags = 4 });
}

static int start_twice(void)
{
	ct_container *c = anonymous();
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL, *q = NULL;
	int err;

	o.argv = ARGV("/bin/sleep", "100");
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	ct_start(c, &o, &p);
	err = mistake_said(c, ct_start(c, &o, &q));
	ct_process_unref(q);
	ct_process_unref(p);
	ct_unref(c);
	return err;
}

static int not_defined(void)
{
	ct_container *c = box_handle(&box, "never-made");
	int err = mistake_said(c, ct_load_config(c, NULL));

	ct_unref(c);
	return err;
}

static int destroy_not_defined(void)
{
	ct_container *c = box_handle(&box, "never-made");
	int err = mistake_said(c, ct_destroy(c, 0));

	ct_unref(c);
	return err;
}

static int create_twice(void)
{
	ct_container *c = box_handle(&box, "twice"), *d = box_handle(&box, "twice");
	int err = ct_create(c, NULL);

	if (!err)
		err = mistake_said(d, ct_create(d, NULL));
	ct_destroy(c, 0);
	ct_unref(c);
	ct_unref(d);
	return err;
}

/* Attaches to a running container with what `o` says. */
static int attach_with(const ct_attach_opts *o)
{
	ct_container *c = anonymous();
	ct_process *p = NULL, *q = NULL;
	int err;

	ct_set_config(c, "cap.keep", "chown setuid setgid");
	err = box_start(c, 0, ARGV("/bin/sleep", "100"), &p);
	if (!err)
		err = mistake_said(c, ct_attach(c, o, &q));
	ct_process_unref(q);
	ct_process_unref(p);
	ct_unref(c);
	return err;
}

#define ATTACH(...)                                         \
	(&(ct_attach_opts){ .size = sizeof(ct_attach_opts), \
			    .argv = ARGV("/bin/true"),      \
			    .stdio = { -1, -1, -1 },        \
			    __VA_ARGS__ })
static int attach_no_user(void)
{
	return attach_with(ATTACH(.user = "nobody-here"));
}

static int attach_bad_user(void)
{
	return attach_with(ATTACH(.user = "4294967295"));
}

static int attach_no_program(void)
{
	return attach_with(&(ct_attach_opts){ .size = sizeof(ct_attach_opts),
					      .argv = ARGV("/bin/nothing"),
					      .stdio = { -1, -1, -1 } });
}
static int attach_more_caps(void)
{
	return attach_with(ATTACH(.flags = CT_ATTACH_SET_CAPS, .caps = "sys_admin"));
}

static int attach_unknown_cap(void)
{
	return attach_with(ATTACH(.flags = CT_ATTACH_SET_CAPS, .caps = "sys_amdin"));
}

static int attach_no_cwd(void)
{
	return attach_with(ATTACH(.cwd = "/no/such/place"));
}

static int attach_relative_cwd(void)
{
	return attach_with(ATTACH(.cwd = "tmp"));
}

static int attach_bad_ns(void)
{
	return attach_with(ATTACH(.namespaces = 0x100));
}

static int attach_two_users(void)
{
	return attach_with(ATTACH(.flags = CT_ATTACH_SET_UID, .uid = 1, .user = "tester"));
}

/* A call on a container that runs without limits. */
static int call_running(int (*call)(ct_container *c))
{
	ct_container *c = anonymous();
	ct_process *p = NULL;
	int err;

	err = box_start(c, 0, ARGV("/bin/sleep", "100"), &p);
	if (!err)
		err = mistake_said(c, call(c));
	ct_process_unref(p);
	ct_unref(c);
	return err;
}

static int set_limit(ct_container *c, const char *key, const char *value)
{
	return ct_set_limits(c, &key, &value, 1);
}

CALL(freeze_stopped, ct_freeze(c, 100))
CALL(kill_all_stopped, ct_kill_all(c, SIGKILL))
CALL(kill_all_signal, ct_kill_all(c, 4711))
CALL(stats_stopped, ct_stats(c, &(ct_usage)CT_USAGE_INIT))
CALL(stats_no_size, ct_stats(c, &(ct_usage){ .size = 0 }))
CALL(cgroup_get_path, ct_cgroup_get(c, "../memory.max", NULL, 0))
CALL(cgroup_set_nothing, ct_cgroup_set(c, "memory.max", NULL))
CALL(limits_stopped, set_limit(c, "limit.pids", "50"))
CALL(limits_null, set_limit(c, "limit.pids", NULL))

static int time_live(ct_container *c)
{
	return set_limit(c, "limit.time", "5s");
}

static int unknown_live(ct_container *c)
{
	return set_limit(c, "limit.pid", "5");
}

static int pids_live(ct_container *c)
{
	return set_limit(c, "limit.pids", "50");
}

static int missing_live(ct_container *c)
{
	return (int)ct_cgroup_get(c, "no.such.file", NULL, 0);
}

static int rule_live(ct_container *c)
{
	return ct_cgroup_set(c, "devices.allow", "");
}

static int limits_time(void)
{
	return call_running(time_live);
}

static int limits_unknown(void)
{
	return call_running(unknown_live);
}

static int limits_without(void)
{
	return call_running(pids_live);
}

static int cgroup_get_missing(void)
{
	return call_running(missing_live);
}

static int cgroup_set_no_rule(void)
{
	return call_running(rule_live);
}

/* The same mistake as an ordinary user: starts a container in a child that gave up its rights. */
static int as_user(const char *config)
{
	int fd[2], status = 0;
	ct_container *c;
	pid_t pid;
	char *text;

	if (pipe2(fd, O_CLOEXEC))
		return 0;
	chmod(box.state, 0777);
	mistake_write("config", config);
	pid = fork();
	if (pid == 0) {
		char path[PATH_MAX + 64];

		if (setgid(64321) || setuid(64321) || ct_new(&c, NULL, &box.where))
			_exit(1);
		status = ct_load_config(c, mistake_path("config", path, sizeof(path)));
		if (!status)
			status = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		dprintf(fd[1], "%s", ct_last_error(c)->message);
		ct_unref(c);
		_exit(status < 0 ? 2 : 0);
	}
	close(fd[1]);
	text = read_all(fd[0], PATIENCE_MS);
	close(fd[0]);
	waitpid(pid, &status, 0);
	snprintf(mistake_text, sizeof(mistake_text), "%s", text ? text : "it hung");
	free(text);
	chmod(box.state, 0700);
	mistake_write("config", "");
	return WIFEXITED(status) && WEXITSTATUS(status) == 2 ? -EPERM : 0;
}

static int user_without_rights(void)
{
	return as_user(ROOT);
}

static int user_foreign_map(void)
{
	return as_user(ROOT "idmap = u 0 0 1\nidmap = g 0 0 1\n");
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define LOAD(n, k, text)                            \
	{                                           \
		.name = n, .key = k, .config = text \
	}
#define START(n, k, text, ...)                                                  \
	{                                                                       \
		.name = n, .key = k, .config = text, .start = true, __VA_ARGS__ \
	}
#define API(n, fn, ...)                            \
	{                                          \
		.name = n, .call = fn, __VA_ARGS__ \
	}

const struct mistake mistakes[] = {
	/* words that are no keys, values that are none */
	LOAD("misspelt key", "uts.nmae", ROOT "uts.nmae = web\n"),
	LOAD("key of another program", "memory.limit", ROOT "memory.limit = 5\n"),
	LOAD("no equals sign", NULL, ROOT "\n\njust words\n"),
	LOAD("not a number", "tty.max", ROOT "tty.max = four\n"),
	LOAD("number out of range", "init.uid", ROOT "init.uid = 4294967295\n"),
	LOAD("negative number", "init.gid", ROOT "init.gid = -1\n"),
	LOAD("octal look", "init.uid", ROOT "init.uid = 0x10\n"),
	LOAD("not a boolean", "autodev", ROOT "autodev = maybe\n"),
	LOAD("unknown capability", "cap.drop", ROOT "cap.drop = sys_admin sys_amdin\n"),
	LOAD("unknown namespace", "namespace.clone", ROOT "namespace.clone = pid netz\n"),
	LOAD("unknown signal", "signal.halt", ROOT "signal.halt = SIGHALT\n"),
	LOAD("unknown limit", "prlimit.files", ROOT "prlimit.files = 5\n"),
	LOAD("soft limit above hard", "prlimit.nofile", ROOT "prlimit.nofile = 100:50\n"),
	LOAD("size without meaning", "autodev.tmpfs.size", ROOT "autodev.tmpfs.size = 5XB\n"),
	LOAD("time without meaning", "limit.time", ROOT "limit.time = soon\n"),
	LOAD("unknown architecture", "arch", ROOT "arch = vax\n"),
	LOAD("idmap of three words", "idmap", ROOT "idmap = u 0 100000\n"),
	LOAD("idmap of no kind", "idmap", ROOT "idmap = x 0 100000 1\n"),
	LOAD("mount entry too short", "mount.entry", ROOT "mount.entry = /etc\n"),
	LOAD("mount entry with unknown create", "mount.entry",
	     ROOT "mount.entry = /etc etc none bind,create=link 0 0\n"),
	LOAD("mount target with dots", "mount.entry",
	     ROOT "mount.entry = /etc ../etc none bind 0 0\n"),
	LOAD("host name with blanks", "uts.name", ROOT "uts.name = my web\n"),
	LOAD("host name too long", "uts.name",
	     ROOT
	     "uts.name = a123456789a123456789a123456789a123456789a123456789a123456789a12345\n"),
	LOAD("net without type", "net.0", ROOT "net.0.type = bridge\n"),
	LOAD("sysctl with dots", "sysctl", ROOT "sysctl.kernel/../vm = 1\n"),
	LOAD("unbalanced quote", "init.cmd", ROOT "init.cmd = /bin/sh -c \"exit 0\n"),
	LOAD("relative cwd", "init.cwd", ROOT "init.cwd = tmp\n"),
	LOAD("auto mount of no kind", "mount.auto", ROOT "mount.auto = porc\n"),
	LOAD("environment without name", "environment", ROOT "environment = =1\n"),
	/* files */
	LOAD("included file missing", "include", ROOT "include = %B/nothing\n"),
	{ .name = "include of itself",
	  .config = ROOT "include = %B/loop.inc\n",
	  .prepare = put_include_loop,
	  .restore = drop_include },
	{ .name = "mistake in an included file",
	  .config = ROOT "include = %B/loop.inc\n",
	  .prepare = put_include_bad,
	  .restore = drop_include },
	{ .name = "mistake in an fstab",
	  .config = ROOT "mount.fstab = %B/loop.inc\n",
	  .start = true,
	  .prepare = put_fstab,
	  .restore = drop_include },
	START("fstab missing", "mount.fstab", ROOT "mount.fstab = %B/nothing\n"),
	/* keys against each other */
	START("cap.drop and cap.keep", "cap.", ROOT "cap.keep = chown\ncap.drop = chown\n"),
	START("namespace.clone and keep", "namespace.",
	      ROOT "namespace.clone = pid\nnamespace.keep = net\n"),
	START("user namespace without maps", "namespace.clone",
	      ROOT "namespace.clone = user pid\n"),
	START("maps that overlap", "idmap",
	      ROOT "idmap = u 0 1000 10\nidmap = u 5 3000 10\nidmap = g 0 1000 10\n"),
	START("init's user not mapped", "init.uid",
	      ROOT "init.uid = 5000\nidmap = u 0 1000 10\nidmap = g 0 1000 10\n"),
	START("sysctl of the host", "sysctl.vm.swappiness", ROOT "sysctl.vm.swappiness = 1\n"),
	START("sysctl of a kept namespace", "sysctl.net.ipv4.ip_forward",
	      ROOT "namespace.keep = net\nsysctl.net.ipv4.ip_forward = 1\n"),
	START("variable that is not set", "environment",
	      ROOT "environment = CT_NOT_SET_ANYWHERE\n"),
	/* not yet */
	START("seccomp profile", "seccomp.profile", ROOT "seccomp.profile = /no/such/filter\n"),
	START("network by veth", "net.0.type", ROOT "net.0.type = veth\n"),
	START("overlay rootfs", "rootfs.path", "rootfs.path = overlay:/lower:/upper\n"),
	/* limits and groups: what every layout says in the same words; the others are in
	 * tests/plan/refused-cgroup-* */
	LOAD("no processes at all", "limit.pids", ROOT "limit.pids = 0\n"),
	LOAD("less memory than a page table", "limit.memory", ROOT "limit.memory = 4096\n"),
	LOAD("no processor time", "limit.cpu", ROOT "limit.cpu = 0\n"),
	LOAD("processors backwards", "limit.cpuset.cpus", ROOT "limit.cpuset.cpus = 3-1\n"),
	LOAD("rate of no device", "limit.io.max", ROOT "limit.io.max = sda rbps=1M\n"),
	LOAD("rate of no kind", "limit.io.max", ROOT "limit.io.max = 8:0 speed=1M\n"),
	LOAD("huge pages of an odd size", "limit.hugetlb", ROOT "limit.hugetlb.3MB = 6M\n"),
	LOAD("device rule of no type", "cgroup2.devices.allow",
	     ROOT "cgroup2.devices.allow = x 1:3 rw\n"),
	LOAD("group with dots", "cgroup.dir", ROOT "cgroup.dir = a/../b\n"),
	LOAD("group file of the library's own", "cgroup2.cgroup.procs",
	     ROOT "cgroup2.cgroup.procs = 1\n"),
	START("limit without a group", "limit.pids",
	      ROOT "cgroup.backend = none\nlimit.devices = all\nlimit.pids = 50\n"),
	START("burst of no limit", "limit.cpu.burst", ROOT "limit.cpu.burst = 5ms\n"),
	START("burst above the limit", "limit.cpu.burst",
	      ROOT "limit.cpu = 0.1\nlimit.cpu.burst = 50ms\n"),
	START("mark above the limit", "limit.memory.high",
	      ROOT "limit.memory = 32M\nlimit.memory.high = 64M\n"),
	START("one group and two", "cgroup.dir", ROOT "cgroup.dir = a\ncgroup.dir.container = b\n"),
	START("payload within the supervisor", "cgroup.dir.monitor",
	      ROOT "cgroup.dir.container = a/b\ncgroup.dir.monitor = a\n"),
	START("no such controller", "cgroup2.speed.max", ROOT "cgroup2.speed.max = 5\n"),
	/* the rootfs */
	START("no rootfs", NULL, "uts.name = web\n"),
	START("rootfs missing", "rootfs.path", "rootfs.path = %B/nothing\n"),
	START("rootfs is a file", "rootfs.path", "rootfs.path = /etc/passwd\n"),
	{ .name = "rootfs is a fifo",
	  .key = "rootfs.path",
	  .config = "rootfs.path = %B/fifo\n",
	  .start = true,
	  .prepare = put_fifo_root,
	  .restore = drop_fifo_root },
	{ .name = "rootfs is a link",
	  .key = "rootfs.path",
	  .config = "rootfs.path = %B/link\n",
	  .start = true,
	  .prepare = put_link_root,
	  .restore = drop_link_root },
	{ .name = "proc is a link",
	  .key = NULL,
	  .config = ROOT,
	  .start = true,
	  .prepare = put_proc_link,
	  .restore = heal_proc },
	{ .name = "proc is a file",
	  .key = NULL,
	  .config = ROOT,
	  .start = true,
	  .prepare = put_proc_file,
	  .restore = heal_proc },
	{ .name = "dev is a link",
	  .key = NULL,
	  .config = ROOT,
	  .start = true,
	  .prepare = put_dev_link,
	  .restore = heal_dev },
	/* mounts */
	START("mount source missing", "mount.entry",
	      ROOT "mount.entry = /no/such/source mnt none bind 0 0\n"),
	START("mount target missing", "mount.entry",
	      ROOT "mount.entry = /etc no/such/target none bind 0 0\n"),
	START("directory on a file", "mount.entry",
	      ROOT "mount.entry = /etc etc/passwd none bind 0 0\n"),
	START("file on a directory", "mount.entry",
	      ROOT "mount.entry = /etc/passwd mnt none bind 0 0\n"),
	START("unknown file system", "mount.entry",
	      ROOT "mount.entry = none mnt nosuchfs defaults 0 0\n"),
	START("unknown mount option", "mount.entry",
	      ROOT "mount.entry = none mnt tmpfs sizze=5 0 0\n"),
	START("bad mount option", "mount.entry",
	      ROOT "mount.entry = none mnt tmpfs size=lots 0 0\n"),
	/* the program and its surroundings */
	START("program missing", NULL, ROOT, .argv = ARGV("/bin/no-such-program")),
	START("program missing in PATH", NULL, ROOT, .argv = ARGV("no-such-program")),
	START("program is a directory", NULL, ROOT, .argv = ARGV("/etc")),
	{ .name = "program not executable",
	  .config = ROOT,
	  .start = true,
	  .argv = ARGV("/bin/not-executable"),
	  .prepare = put_not_executable,
	  .restore = drop_not_executable },
	{ .name = "program of no format",
	  .config = ROOT,
	  .start = true,
	  .argv = ARGV("/bin/bad-format"),
	  .unseen = "nothing of the rootfs is read",
	  .prepare = put_bad_format,
	  .restore = drop_bad_format },
	{ .name = "interpreter missing",
	  .config = ROOT,
	  .start = true,
	  .argv = ARGV("/bin/script"),
	  .unseen = "nothing of the rootfs is read",
	  .prepare = put_no_interpreter,
	  .restore = drop_no_interpreter },
	START("working directory missing", "init.cwd", ROOT "init.cwd = /no/such/place\n"),
	START("hook missing", "hook.pre-start", ROOT "hook.pre-start = /no/such/hook\n"),
	START("hook that fails", "hook.pre-start", ROOT "hook.pre-start = /bin/false\n",
	      .unseen = "only the hook knows"),
	START("capability that nobody has", "cap.keep", ROOT "cap.keep = sys_resource\n"),
	START("oom_score_adj out of range", "proc.oom_score_adj",
	      ROOT "proc.oom_score_adj = 5000\n"),
	START("no such file in proc", "proc.no_such_file", ROOT "proc.no_such_file = 1\n"),
	START("sysctl that is not there", "sysctl.net.ipv4.no_such",
	      ROOT "sysctl.net.ipv4.no_such = 1\n"),
	START("sysctl value refused", "sysctl.kernel.msgmax", ROOT "sysctl.kernel.msgmax = many\n"),
	START("hook not executable", "hook.pre-start", ROOT "hook.pre-start = /etc/passwd\n"),
	START("hook is a directory", "hook.start-host", ROOT "hook.start-host = /etc\n"),
	START("start hook missing in the rootfs", "hook.start",
	      ROOT "hook.start = /bin/no-such-hook\n"),
	START("mount hook of the rootfs", "hook.mount", ROOT "hook.mount = %B/rootfs/bin/true\n"),
	START("root shown nowhere", "rootfs.mount",
	      ROOT "rootfs.mount = %B/nowhere\nhook.mount = /bin/true\n"),
	START("files beyond the kernel's limit", "prlimit.nofile",
	      ROOT "prlimit.nofile = 2000000000\n"),
	START("sysctl of the ipc namespace that is shared", "sysctl.kernel.msgmax",
	      ROOT "namespace.keep = ipc\nsysctl.kernel.msgmax = 9\n"),
	START("host name of the caller", "uts.name", ROOT "namespace.keep = uts\nuts.name = web\n"),
	START("no mount namespace", "namespace.keep", ROOT "namespace.keep = mnt\n"),
	START("users mapped, groups not", "idmap", ROOT "idmap = u 0 1000 10\n"),
	START("root not mapped", "idmap",
	      ROOT "init.uid = 5\ninit.gid = 5\nidmap = u 5 1000 10\nidmap = g 5 1000 10\n"),
	START("mount with ids mapped", "mount.entry",
	      ROOT "mount.entry = /etc mnt none bind,idmap=container 0 0\n"),
	START("mount below what is hidden", "mount.entry",
	      ROOT "mount.entry = /etc proc/acpi/x none bind,create=dir 0 0\n"),
	START("mount through a file", "mount.entry",
	      ROOT "mount.entry = /etc etc/passwd/x none bind 0 0\n"),
	START("relative source missing", "mount.entry",
	      ROOT "mount.entry = no/such mnt none bind,relative 0 0\n"),
	START("label of a module", "selinux.context", ROOT "selinux.context = a:b:c\n"),
	START("log in a missing directory", "log.file", ROOT "log.file = %B/no/log\n"),
	START("a reaper without a pid namespace", "init.reaper",
	      ROOT "namespace.keep = pid\ninit.reaper = 1\n"),
	START("namespace of nobody", "namespace.share.net", ROOT "namespace.share.net = 4194303\n"),
	START("namespace of no container", "namespace.share.net",
	      ROOT "namespace.share.net = no-such-container\n"),
	/* calls */
	API("set: unknown key", unknown_key),
	API("set: near key", near_key),
	API("get: unknown key", get_unknown),
	API("clear: unknown key", clear_unknown),
	API("set: line break in a value", newline_in_value),
	API("save: no directory", save_nowhere),
	API("load: no file", load_nothing),
	API("load: a directory", load_directory),
	API("load: own file of an anonymous one", load_own_of_anonymous),
	API("load: not defined", not_defined),
	API("attach: stopped", attach_stopped),
	API("kill: stopped", kill_stopped),
	API("stop: stopped", stop_stopped),
	API("reboot: stopped", reboot_stopped),
	API("console: stopped", console_stopped),
	API("create: anonymous", create_anonymous),
	API("create: twice", create_twice),
	API("destroy: anonymous", destroy_anonymous),
	API("destroy: not defined", destroy_not_defined),
	API("start: detached and anonymous", detach_anonymous),
	API("start: is already running", start_twice),
	API("start: unknown flag", unknown_flag),
	API("start: no size", no_size),
	API("start: newer struct", struct_tail),
	API("start: bad stdio", bad_stdio),
	API("start: bad descriptor to keep", bad_keep),
	API("start: bad program descriptor", bad_exec_fd),
	API("start: empty argv", empty_argv),
	API("start: bad environment", bad_env),
	API("mount: no target", mount_no_target),
	API("mount: bad flags", mount_bad_flags),
	API("rootfs: bad descriptor", rootfs_fd_closed),
	API("wait: bad mask", wait_bad_mask),
	API("log: bad level", log_bad_level),
	API("new: name with a slash", name_with_slash),
	API("new: name like an option", name_with_dash),
	API("new: name with a blank", name_with_blank),
	API("new: name too long", name_too_long),
	API("new: empty name", name_empty),
	API("new: unknown flag", new_bad_flags),
	API("attach: no such user", attach_no_user),
	API("attach: no possible user", attach_bad_user),
	API("attach: no such program", attach_no_program),
	API("attach: more capabilities", attach_more_caps),
	API("attach: unknown capability", attach_unknown_cap),
	API("attach: no such directory", attach_no_cwd),
	API("attach: relative directory", attach_relative_cwd),
	API("attach: unknown namespace", attach_bad_ns),
	API("attach: two users", attach_two_users),
	API("freeze: stopped", freeze_stopped),
	API("kill all: stopped", kill_all_stopped),
	API("kill all: no such signal", kill_all_signal),
	API("stats: stopped", stats_stopped),
	API("stats: no size", stats_no_size),
	API("cgroup get: path", cgroup_get_path),
	API("cgroup set: no value", cgroup_set_nothing),
	API("limits: stopped", limits_stopped),
	API("limits: NULL", limits_null),
	API("limits: key that cannot change", limits_time),
	API("limits: unknown key", limits_unknown),
	API("limits: not limited before", limits_without),
	API("cgroup get: no such file", cgroup_get_missing),
	API("cgroup set: empty rule", cgroup_set_no_rule),
	/* rights */
	API("ordinary user without a map", user_without_rights),
	API("ordinary user with a foreign map", user_foreign_map),
};
const size_t n_mistakes = sizeof(mistakes) / sizeof(mistakes[0]);
