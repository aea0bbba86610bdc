/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules of Landlock: a program is allowed what landlock.def says and nothing else. Alone, without a
 * namespace and without a right; attached; as a start hook; below a small init; at a later boot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define USER 64321
#define NO_NAMESPACES "mnt pid uts ipc net cgroup"

static const struct row {
	const char *name;
	int want, since, before;
} rows[] = {
#define DEED(name, want, since, before, ...) { #name, want, since, before },
#include "landlock.def"
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* What the deeds are done to. */
static char dir[64], prog[128], port[8], outside[16], name[32];

static int abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u);
}

static const char *in(const char *path)
{
	static char text[8][160];
	static unsigned n;
	char *buf = text[n++ % 8];

	snprintf(buf, sizeof(text[0]), "%s/%s", dir, path);
	return buf;
}

/* ---- the world ------------------------------------------------------------------------------- */

static int put(const char *path, const char *from, mode_t mode)
{
	char buf[65536];
	int to = open(in(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), fd = -1, r = 0;
	ssize_t n = 0;

	if (from)
		fd = open(from, O_RDONLY | O_CLOEXEC);
	if (to < 0 || (from && fd < 0))
		r = -1;
	while (fd >= 0 && r == 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		r = write(to, buf, (size_t)n) == n ? 0 : -1;
	close(to);
	close(fd);
	return r;
}

static int make_tree(void)
{
	static const char *const dirs[] = { "read",   "read/dir", "read/empty", "write", "both",
					    "both/a", "both/b",	  "exec",	"make",	 "none" };
	static const char *const files[] = { "read/file", "read/dir/file", "write/file",
					     "both/file", "exec/file",	   "both/a/x",
					     "make/stay", "none/file",	   "one",
					     "two" };
	static const char *const progs[] = { "read/prog", "both/prog", "exec/prog", "none/prog" };
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(in(dirs[i]), 0755) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (put(files[i], NULL, 0600) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(progs) / sizeof(*progs); i++)
		if (put(progs[i], in("deeds"), 0755) < 0)
			return -1;
	return symlink("../none/file", in("read/link")) | symlink("x", in("none/link"));
}

static int listens(int family, const void *at, size_t n, bool listening)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, at, (socklen_t)n) == 0 && (!listening || listen(fd, 64) == 0))
		return fd;
	close(fd);
	return -1;
}

static int listens_unix(const char *path, int is_abstract)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strncpy(un.sun_path + is_abstract, path, sizeof(un.sun_path) - 2);
	return listens(AF_UNIX, &un, offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1,
		       true);
}

/* Four ports in a row: two that are free, two that are listened on. */
static int find_ports(void)
{
	for (int first = 20000 + getpid() % 20000, tries = 0; tries < 200; tries++, first += 4) {
		int fd[4];

		for (int i = 0; i < 4; i++) {
			struct sockaddr_in at = { .sin_family = AF_INET,
						  .sin_port = htons((uint16_t)(first + i)),
						  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

			fd[i] = listens(AF_INET, &at, sizeof(at), i >= 2);
		}
		close(fd[0]);
		close(fd[1]);
		snprintf(port, sizeof(port), "%d", first);
		if (fd[0] >= 0 && fd[1] >= 0 && fd[2] >= 0 && fd[3] >= 0)
			return 0;
		close(fd[2]);
		close(fd[3]);
	}
	return -1;
}

/* This process becomes an ordinary user's, as a program that he runs. */
static int become_user(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(USER, USER, USER) < 0 ||
	    setresuid(USER, USER, USER) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* The files and the sockets of the outside process, which is this one. */
static int make_world(void)
{
	snprintf(outside, sizeof(outside), "%d", (int)getpid());
	snprintf(name, sizeof(name), "ct-landlock-%d", (int)getpid());
	if (make_tree() < 0 || find_ports() < 0)
		return -1;
	return listens_unix(in("none/sock"), 0) < 0 || listens_unix(name, 1) < 0 ? -1 : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int wanted(const struct row *row)
{
	return abi() >= row->since ? row->want : row->before;
}

/* Holds the lines of a run to the table. The number of rows that differ. */
static int compare(const char *how, const char *text)
{
	int wrong = 0;

	for (size_t i = 0; i < ROWS; i++) {
		char want[80];
		size_t n = strcspn(text, "\n");

		snprintf(want, sizeof(want), "%s %d", rows[i].name, wanted(&rows[i]));
		if (strncmp(want, text, n) || strlen(want) != n) {
			fprintf(stderr, "%s: \"%.*s\", not \"%s\"\n", how, (int)n, text, want);
			wrong++;
		}
		text += n + !!text[n];
	}
	if (*text) {
		fprintf(stderr, "%s: more lines: %s\n", how, text);
		wrong++;
	}
	return wrong > 100 ? 100 : wrong;
}

static int compare_file(const char *how, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), wrong = 100;
	char *text = fd < 0 ? NULL : read_all(fd, PATIENCE_MS);

	if (text)
		wrong = compare(how, text);
	free(text);
	close(fd);
	return wrong;
}

static int set(ct_container *c, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int set(ct_container *c, const char *key, const char *format, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(value, sizeof(value), format, ap);
	va_end(ap);
	return box_config(c, key, value, NULL);
}

/* The rules of landlock.def, as far as this kernel's ABI goes. */
static int set_rules(ct_container *c)
{
	int r = set(c, "landlock.read", "%s %s %s /proc", in("read"), in("both"), in("one"));

	r |= set(c, "landlock.read", "/dev/null /dev/full try:%s", in("missing"));
	r |= set(c, "landlock.write", "'%s' \"%s\" /dev/null", in("write"), in("both"));
	r |= set(c, "landlock.execute", "%s", in("exec"));
	r |= set(c, "landlock.make", "%s %s", in("make"), in("both"));
	if (abi() < 3)
		r |= set(c, "landlock.abi", "1");
	if (abi() >= 4)
		r |= set(c, "landlock.tcp.bind", "%s", port) |
		     set(c, "landlock.tcp.connect", "%d", atoi(port) + 2);
	if (abi() >= 5)
		r |= set(c, "landlock.ioctl", "/dev/full");
	return r;
}

/* A handle without namespaces, of an ordinary user; NULL on failure. */
static ct_container *bare(void)
{
	ct_container *c = NULL;

	if (ct_new(&c, NULL, NULL) < 0)
		return NULL;
	if (box_config(c, "namespace.keep", NO_NAMESPACES, "no_new_privs", "1", "seccomp.profile",
		       "none", NULL))
		return ct_unref(c);
	return c;
}

/* Carries the body out as an ordinary user, in a directory of his. */
static void as_user(int (*body)(void *))
{
	const char *deeds = getenv("CT_DEEDS");
	char path[PATH_MAX];
	int wrong;

	if (!deeds)
		deeds = built("tests/root/deeds", path, sizeof(path));
	snprintf(dir, sizeof(dir), "/tmp/ct-landlock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	/* an ordinary user need not be able to read the build directory */
	assert_int_equal(put("deeds", deeds, 0755), 0);
	assert_int_equal(chown(dir, USER, USER), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(prog, sizeof(prog), "%s/exec/prog", dir);
	wrong = in_process_of_its_own(body, NULL);
	assert_int_equal(tree_remove(dir), 0);
	assert_int_equal(wrong, 0);
}

#define DEEDS(out) ARGV(prog, dir, port, outside, name, out)

/* ---- cases ----------------------------------------------------------------------------------- */

static int run_table(const char *how, ct_container *c)
{
	char *out = NULL;
	ct_exit ex;
	int wrong;

	if (box_run(c, NULL, DEEDS("-"), &out, &ex) < 0)
		return box_failed(c, how);
	wrong = compare(how, out);
	free(out);
	return wrong;
}

static int alone_body(void *data)
{
	ct_container *c;
	int wrong;

	(void)data;
	if (become_user() < 0 || make_world() < 0)
		return 101;
	c = bare();
	if (!c || set_rules(c))
		return 102;
	wrong = run_table("alone", c);
	ct_unref(c);
	return wrong;
}

static void alone(void **state)
{
	(void)state;
	assert_true(ROWS >= 60);
	as_user(alone_body);
}

/* Without rules each row whose errno comes from Landlock has another one: else it would show
 * nothing. */
static int unconfined_body(void *data)
{
	struct run_result r;
	const char *line;
	int wrong = 0;

	(void)data;
	if (become_user() < 0 || make_world() < 0)
		return 101;
	if (run_tool(DEEDS("-"), NULL, PATIENCE_MS, &r) || r.status)
		return 102;
	line = r.out;
	for (size_t i = 0; i < ROWS; i++) {
		const char *got = strchr(line, ' ');

		/* Yama may refuse to trace, whoever asks */
		if (!got || (rows[i].want == atoi(got) && rows[i].want && rows[i].want != ENOTTY &&
			     strncmp(line, "make_", 5) && strncmp(line, "trace ", 6))) {
			fprintf(stderr, "without rules: %.*s\n", (int)strcspn(line, "\n"), line);
			wrong++;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	run_free(&r);
	return wrong;
}

static void unconfined(void **state)
{
	(void)state;
	as_user(unconfined_body);
}

/* What attaches has the rules of the start, whatever the config says by now. */
static int attach_body(void *data)
{
	ct_process *p = NULL;
	char *out = NULL;
	ct_container *c;
	int wrong;

	(void)data;
	if (become_user() < 0 || make_world() < 0)
		return 101;
	c = bare();
	if (!c || set_rules(c))
		return 102;
	if (box_start(c, 0, ARGV(prog, "wait"), &p) < 0)
		return box_failed(c, "start");
	/* what is said of it: nothing is weaker than asked for */
	if (ct_protections(c, CT_FORMAT_TEXT, &out) < 0)
		return box_failed(c, "protections");
	wrong = !strstr(out, "\n  rules of Landlock ") || strstr(out, "\n!");
	if (wrong)
		fprintf(stderr, "%s", out);
	free(out);
	out = NULL;
	if (wrong || box_config(c, "landlock.read", "/", "landlock.write", "/", NULL))
		return 103;
	if (box_attach(c, NULL, DEEDS("-"), &out, NULL) < 0)
		return box_failed(c, "attach");
	wrong = compare("attach", out);
	free(out);
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
	ct_unref(c);
	return wrong;
}

static void attached(void **state)
{
	(void)state;
	as_user(attach_body);
}

static int hook_body(void *data)
{
	char out[160];
	ct_container *c;
	int wrong;

	(void)data;
	if (become_user() < 0 || make_world() < 0)
		return 101;
	snprintf(out, sizeof(out), "%s", in("both/out"));
	c = bare();
	if (!c || set_rules(c) || box_config(c, "hook.version", "1", NULL) ||
	    set(c, "hook.start", "%s %s %s %s %s %s", prog, dir, port, outside, name, out))
		return 102;
	wrong = run_table("behind a hook", c);
	if (!wrong)
		wrong = compare_file("hook", out);
	ct_unref(c);
	return wrong;
}

static void start_hook(void **state)
{
	(void)state;
	as_user(hook_body);
}

/* Starts by root, with a root of its own and a small init where there is a pid namespace. */
static int rooted_body(void *data)
{
	int ready[2], end[2], wrong = 0;
	ct_container *c = NULL;
	pid_t user;

	(void)data;
	if (pipe(ready) < 0 || pipe(end) < 0)
		return 101;
	user = fork();
	if (user == 0) {
		char c0 = 'x';

		close(end[1]);
		if (become_user() < 0 || make_world() < 0)
			_exit(1);
		dprintf(ready[1], "%s %s %s", port, outside, name);
		close(ready[1]);
		_exit(read(end[0], &c0, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(end[0]);
	{
		char *text = read_all(ready[0], PATIENCE_MS);

		if (!text || sscanf(text, "%7s %15s %31s", port, outside, name) != 3)
			return 102;
		free(text);
	}
	if (ct_new(&c, NULL, NULL) < 0 ||
	    box_config(c, "rootfs.path", "/", "namespace.keep", "net pid ipc", "init.uid", "64321",
		       "init.gid", "64321", "mount.auto", "", "seccomp.profile", "none", NULL) ||
	    set_rules(c))
		return 103;
	for (int i = 0; i < 2 && !wrong; i++) {
		/* CAP_SYS_ADMIN is kept until they are loaded, or there is no_new_privs */
		wrong = set(c, "no_new_privs", "%d", i);
		if (!wrong)
			wrong = run_table(i ? "no_new_privs" : "capability", c);
	}
	ct_unref(c);
	close(end[1]);
	waitpid(user, NULL, 0);
	return wrong;
}

static void rooted(void **state)
{
	(void)state;
	as_user(rooted_body);
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* What is asked for and what there is not. */
static const struct refusal {
	const char *key, *value;
	int abi; /* since which there is no reason; 0: always */
	int err;
	const char *word; /* of the message */
} refusals[] = {
	{ "landlock.abi", "2", 2, -EOPNOTSUPP, "ABI 2" },
	{ "landlock.abi", "3", 3, -EOPNOTSUPP, "ABI 3" },
	{ "landlock.abi", "4", 4, -EOPNOTSUPP, "ABI 4" },
	{ "landlock.abi", "6", 6, -EOPNOTSUPP, "ABI 6" },
	{ "landlock.abi", "7", 7, -EOPNOTSUPP, "ABI 7" },
	{ "landlock.tcp.bind", "80", 4, -EOPNOTSUPP, "bind_tcp needs ABI 4" },
	{ "landlock.tcp.bind", "none", 4, -EOPNOTSUPP, "bind_tcp needs ABI 4" },
	{ "landlock.tcp.bind", "any", 1, 0, "" },
	{ "landlock.tcp.connect", "80", 4, -EOPNOTSUPP, "connect_tcp needs ABI 4" },
	{ "landlock.ioctl", "/dev/null", 5, -EOPNOTSUPP, "ioctl_dev needs ABI 5" },
	{ "landlock.scope", "signals", 6, -EOPNOTSUPP, "signals needs ABI 6" },
	{ "landlock.scope", "abstract-unix-sockets", 6, -EOPNOTSUPP, "sockets needs ABI 6" },
	{ "landlock.scope", "none", 1, 0, "" },
	{ "no_new_privs", "0", 0, -EPERM, "no_new_privs" },
	{ "landlock.read", "/nowhere/at/all", 0, -ENOENT, "landlock.read" },
	{ "landlock.make", "/dev/null", 0, -ENOTDIR, "landlock.make" },
	{ "landlock.execute", "none", 0, -EACCES, "landlock.execute" },
	{ "rootfs.readonly", "1", 0, -EINVAL, "rootfs.readonly" },
	{ "mount.tmpfs", "tmp", 0, -EINVAL, "mount.tmpfs" },
	{ "hook.mount", "/bin/true", 0, -EINVAL, "hook.mount" },
};

static int refuses(const struct refusal *row)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = bare();
	char *out = NULL;
	int r, checked, wrong = 0;

	if (!c || set(c, "landlock.execute", "%s", in("exec")) ||
	    (abi() < 3 && strcmp(row->key, "landlock.abi") && set(c, "landlock.abi", "1")) ||
	    box_config(c, row->key, row->value, NULL))
		return 1;
	o.argv = ARGV(prog);
	checked = ct_check(c, &o);
	r = box_run(c, NULL, ARGV(prog), &out, NULL);
	if (checked != r) {
		fprintf(stderr, "%s = %s: %d by ct_check()\n", row->key, row->value, checked);
		wrong = 1;
	}
	if (r != (row->abi && abi() >= row->abi ? 0 : row->err) ||
	    (r && !strstr(ct_last_error(c)->message, row->word))) {
		fprintf(stderr, "%s = %s: %d: %s\n", row->key, row->value, r,
			ct_last_error(c)->message);
		wrong = 1;
	}
	free(out);
	ct_unref(c);
	return wrong;
}

static int refusals_body(void *data)
{
	int wrong = 0;

	(void)data;
	if (become_user() < 0 || make_world() < 0)
		return 101;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		wrong += refuses(&refusals[i]);
	return wrong;
}

static void refused(void **state)
{
	(void)state;
	as_user(refusals_body);
}

/* ---- below a small init, and at a later boot ------------------------------------------------- */

/* The rules of a busybox system: all may be read and executed but /secret. */
static void set_system_rules(ct_container *c)
{
	if (box_config(c, "landlock.execute", "/bin /sbin try:/usr try:/lib try:/lib64",
		       "landlock.read", "/bin /etc /proc /public /dev", "landlock.write",
		       "/dev /var/log", "landlock.make", "/var/log", NULL) ||
	    (abi() < 3 && set(c, "landlock.abi", "1")))
		fail();
}

static void put_files(void)
{
	assert_int_equal(rootfs_file(&box.root, "/secret", "s", 0644), 0);
	assert_int_equal(rootfs_file(&box.root, "/public", "p", 0644), 0);
	assert_int_equal(rootfs_mkdir(&box.root, "/var/log", 0777), 0);
}

/* The size of a file below the rootfs, 0 where there is none. */
static int size_of(const char *path)
{
	char full[2 * PATH_MAX];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", box.root.path, path);
	return stat(full, &st) < 0 ? 0 : (int)st.st_size;
}

#define HOOK                                                                                 \
	"/bin/sh -c 'cat /public >/var/log/hook-public; cat /secret >/var/log/hook-secret; " \
	"true'"

/* A start hook has the rules, whoever it runs as. */
static void expect_hook(void)
{
	assert_int_equal(size_of("var/log/hook-public"), 1);
	assert_int_equal(size_of("var/log/hook-secret"), 0);
	assert_int_equal(rootfs_drop(&box.root, "var/log/hook-public"), 0);
}

/* The kernel lets no process under rules reach one that is under none, as the small init is. */
static void small_init(void **state)
{
	static const char script[] =
		"cat /public; cat /secret 2>/dev/null && echo secret; [ $$ != 1 ] && echo child; "
		"cat /proc/1/environ 2>/dev/null && echo environ; "
		"readlink /proc/1/root 2>/dev/null && echo root; "
		"kill -9 1 2>/dev/null && echo killed; echo end";
	static const char *const uids[] = { "0", "1000" };

	(void)state;
	put_files();
	for (int i = 0; i < 4; i++) {
		char *out = NULL, want[64];

		box.c = must_open(NULL);
		set_system_rules(box.c);
		if (box_config(box.c, "init.reaper", "1", "init.uid", uids[i & 1], "no_new_privs",
			       i & 2 ? "1" : "0", "hook.version", "1", "hook.start", HOOK, NULL))
			fail();
		assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/sh", "-c", script), &out, NULL));
		/* without the scope of signals the kernel shields process 1 itself */
		snprintf(want, sizeof(want), "pchild\n%send\n", abi() < 6 ? "killed\n" : "");
		assert_string_equal(out, want);
		free(out);
		expect_hook();
		box.c = ct_unref(box.c);
	}
}

/* Every boot has them, and so has what attaches to it. */
static void later_boot(void **state)
{
	static const char script[] =
		"cat /public >>/var/log/public; cat /secret >>/var/log/secret; "
		"trap '/bin/busybox reboot -f' INT; echo x >>/var/log/boots; "
		"while :; do sleep 0.05; done";
	char *out = NULL;

	(void)state;
	put_files();
	box.c = must_open("landlock");
	set_system_rules(box.c);
	if (box_config(box.c, "signal.reboot", "SIGINT", "cap.drop", "sys_module", NULL))
		fail();
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sh", "-c", script)));
	assert_true(wait_until(has_booted, (void *)1));
	assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	assert_true(wait_until(has_booted, (void *)2));
	assert_int_equal(size_of("var/log/public"), 2);
	assert_int_equal(size_of("var/log/secret"), 0);
	assert_ok(box.c, ct_set_config(box.c, "landlock.read", "/"));
	assert_ok(box.c, box_attach(box.c, NULL, ARGV("/bin/sh", "-c", "cat /public; cat /secret"),
				    &out, NULL));
	assert_non_null(strstr(out, "cat: can't open '/secret': Permission denied"));
	assert_int_equal(*out, 'p');
	free(out);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	box.c = ct_unref(box.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),      cmocka_unit_test(unconfined),
		cmocka_unit_test(attached),   cmocka_unit_test(start_hook),
		cmocka_unit_test(rooted),     cmocka_unit_test(refused),
		cmocka_unit_test(small_init), cmocka_unit_test(later_boot),
	};

	return cmocka_run_group_tests(tests, box_setup_bare, box_teardown);
}
