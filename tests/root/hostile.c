/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A root file system that lies: at every place where something is mounted, made or read stands a
 * link, a fifo, a device or a file that is exchanged while we look. Whatever comes of the start,
 * nothing outside is touched and nothing hangs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <limits.h>

#include "decoy.h"
#include "leak.h"
#include "plant.h"
#include "run.h"
#include "setup.h"

#define TOO_LONG_MS PATIENCE_MS
#define FLIPS 80 /* starts for each of the places */
#define LONG_FLIPS 167

static struct decoy decoy;

/* ---- what stands there ----------------------------------------------------------------------- */

/* A place below the rootfs, what of the decoy fits it, and the config that makes the
 * library go there. */
static const struct place {
	/* a value's leading + is the box's base directory */
	const char *path, *decoy, *key, *value;
} places[] = {
	{ "proc", "/proc", NULL, NULL },
	{ "sys", "/sys", NULL, NULL },
	{ "dev", "/dev", NULL, NULL },
	/* a /dev of our own is filled: what stands there has no part in it */
	{ "dev/null", "/null", NULL, NULL },
	{ "dev/full", "/full", NULL, NULL },
	{ "dev/tty", "/tty", NULL, NULL },
	{ "dev/fd", "/fd", NULL, NULL },
	{ "dev/stdin", "/stdin", NULL, NULL },
	{ "dev/ptmx", "/ptmx", NULL, NULL },
	{ "dev/pts", "/pts", NULL, NULL },
	{ "dev/shm", "/shm", NULL, NULL },
	{ "dev/mqueue", "/mqueue", NULL, NULL },
	{ "dev/console", "/console", NULL, NULL },
	/* paths that the config covers, and the source of the covers */
	{ "home", "/target", "mask.path", "/home" },
	{ "home", "/target", "mask.path", "/home/deep" },
	{ "home", "/target", "readonly.path", "/home" },
	{ "dev/null", "/null", "mask.path", "/proc/version" },
	{ "dev/pts", "/pts", "autodev", "0" },
	{ "dev/shm", "/shm", "autodev", "0" },
	{ "dev/mqueue", "/mqueue", "autodev", "0" },
	{ "dev/console", "/console", "autodev", "0" },
	{ "dev/null", "/null", "autodev", "0" },
	{ "dev/ptmx", "/ptmx", "autodev", "0" },
	{ "mnt/target", "/target", "mount.entry", "+/data mnt/target none bind 0 0" },
	{ "mnt/target", "/target", "mount.entry",
	  "+/data mnt/target/deep none bind,create=dir 0 0" },
	{ "mnt/target", "/target", "mount.entry",
	  "+/data/file mnt/target/file none bind,create=file 0 0" },
	{ "mnt/target", "/target", "mount.entry",
	  "tmpfs mnt/target/new/newer tmpfs create=dir 0 0" },
	{ "tmp", "/tmp", "mount.tmpfs", "/tmp" },
	{ "home", "/target", "init.cwd", "/home" },
};
#define N_PLACES (sizeof(places) / sizeof(places[0]))

struct hostile_case {
	const struct place *place;
	enum plant_shape shape;
	char name[128];
};

/* Sets the place's key. */
static void set_key(ct_container *c, const struct place *p)
{
	char value[2 * PATH_MAX];
	bool in_base = p->value && p->value[0] == '+';

	if (!p->key)
		return;
	snprintf(value, sizeof(value), "%s%s", in_base ? box.root.base : "", p->value + in_base);
	assert_ok(c, ct_set_config(c, p->key, value));
}

/* Makes the place a harmless directory again. */
static void heal(const struct place *p)
{
	rootfs_drop(&box.root, p->path);
	if (!strncmp(p->path, "dev/", 4))
		return;
	rootfs_mkdir(&box.root, p->path, 0755);
}

/* ---- the oracle ------------------------------------------------------------------------------ */

static struct leak *begin(void)
{
	struct leak *l = leak_take();

	assert_int_equal(decoy_arm(&decoy), 0);
	return l;
}

static void end(struct leak *before, long long began, const char *what)
{
	long long took = now_ms() - began;
	char text[4096];

	if (decoy_touched(&decoy, text, sizeof(text)))
		fail_msg("%s: the decoy was touched: %s", what, text);
	assert_untouched(before, 0);
	leak_free(before);
	if (took > TOO_LONG_MS)
		fail_msg("%s: took %lld ms", what, took);
}

/* What a payload that did start must not show: a mount whose root lies outside. */
static void check_mounts(const char *mountinfo)
{
	if (mountinfo && strstr(mountinfo, "/decoy"))
		fail_msg("a mount of the decoy is in the container:\n%s", mountinfo);
}

/* ---- static cases ---------------------------------------------------------------------------- */

static void try_case(void **state)
{
	static const char *const argv[] = { "/bin/cat", "/proc/self/mountinfo", NULL };
	const struct hostile_case *h = *state;
	char *out = NULL, why[1024] = "";
	struct leak *before;
	ct_container *c;
	long long began;
	int err;

	assert_int_equal(plant(&box.root, h->place->path, decoy.path, h->place->decoy, h->shape),
			 0);
	before = begin();
	c = must_open(NULL);
	set_key(c, h->place);
	began = now_ms();
	err = box_run(c, NULL, argv, &out, NULL);
	snprintf(why, sizeof(why), "%s", ct_last_error(c)->message);
	ct_unref(c);
	end(before, began, h->name);
	if (err && !why[0])
		fail_msg("refused without a word: %d", err);
	if (!err)
		check_mounts(out);
	else
		print_message("# %s: %s\n", h->name, why);
	/* our own mount points are real directories, or there is no start */
	if (!err && !strcmp(h->place->path, "proc"))
		fail_msg("started with /proc being %s", plant_names[h->shape]);
	free(out);
	heal(h->place);
}

/* ---- passwd and group ------------------------------------------------------------------------ */

enum table_shape {
	T_FIFO,
	T_SPARSE,
	T_ZERO,
	T_DECOY,
	T_DIR,
	T_MISSING,
	T_LONG_LINE,
	T_MANY_LINES,
	T_NUL,
	T_MAGIC,
	N_TABLE
};
static const char *const table_names[] = { "a fifo",
					   "10 GiB sparse",
					   "a link to /dev/zero",
					   "a link to the decoy",
					   "a directory",
					   "missing",
					   "one endless line",
					   "100000 lines",
					   "a NUL first",
					   "a link to /proc/self/mem" };

static void plant_table(const char *path, enum table_shape shape)
{
	char full[2 * PATH_MAX], to[2 * PATH_MAX], line[4096];
	int fd, i;

	rootfs_drop(&box.root, path);
	snprintf(full, sizeof(full), "%s/%s", box.root.path, path);
	memset(line, 'x', sizeof(line));
	snprintf(to, sizeof(to), "/proc/1/root%s/%s", decoy.path, path);
	switch (shape) {
	case T_FIFO:
		assert_int_equal(mkfifo(full, 0666), 0);
		break;
	case T_MANY_LINES:
		memset(line, '\n', sizeof(line));
		__attribute__((fallthrough));
	case T_NUL:
	case T_SPARSE:
	case T_LONG_LINE:
		fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		for (i = 0; shape == T_LONG_LINE && i < 2048; i++)
			assert_int_equal(write(fd, line, sizeof(line)), sizeof(line));
		for (i = 0; shape == T_MANY_LINES && i < 25; i++)
			assert_int_equal(write(fd, line, sizeof(line)), sizeof(line));
		if (shape == T_NUL)
			assert_int_equal(write(fd, "\0\n", 2), 2);
		if (shape == T_SPARSE)
			assert_int_equal(ftruncate(fd, 10ll << 30), 0);
		close(fd);
		break;
	case T_ZERO:
		assert_int_equal(symlink("/dev/zero", full), 0);
		break;
	case T_DECOY:
		assert_int_equal(symlink(to, full), 0);
		break;
	case T_MAGIC:
		assert_int_equal(symlink("/proc/self/mem", full), 0);
		break;
	case T_DIR:
		assert_int_equal(mkdir(full, 0755), 0);
		break;
	case T_MISSING:
	case N_TABLE:
		break;
	}
}

/* A program's HOME is looked for in the same tables: a lie is no failure, and no more
 * than another home. */
static void try_home(ct_container *c, const char *what)
{
	static const char *const home[] = { "/bin/sh", "-c", "echo $HOME", NULL };
	ct_attach_opts by_number = CT_ATTACH_OPTS_INIT;

	by_number.flags = CT_ATTACH_SET_UID | CT_ATTACH_SET_GID;
	by_number.uid = by_number.gid = 1000;
	for (int i = 0; i < 2; i++) {
		struct leak *before = begin();
		long long began = now_ms();
		ct_container *d = i ? box_handle(&box, NULL) : NULL;
		char *out = NULL;

		if (i) {
			assert_int_equal(box_config(d, "init.uid", "1000", "init.gid", "1000",
						    NULL),
					 0);
			assert_ok(d, box_run(d, NULL, home, &out, NULL));
		} else {
			assert_ok(c, box_attach(c, &by_number, home, &out, NULL));
		}
		ct_unref(d);
		end(before, began, what);
		if (!out || *out != '/' || strstr(out, decoy.path))
			fail_msg("HOME is %s with %s", out ? out : "nothing", what);
		free(out);
	}
}

/* Attaches by user name, and as the login shell's owner, while the tables lie. */
static void try_tables(void **state)
{
	static const char *const init[] = { "/bin/sleep", "1000", NULL };
	static const char *const id[] = { "/bin/probe", NULL };
	enum table_shape shape = (enum table_shape)(uintptr_t)*state;
	ct_attach_opts by_name = CT_ATTACH_OPTS_INIT, shell = CT_ATTACH_OPTS_INIT;
	ct_container *c = box_handle(&box, NULL);
	ct_process *p = NULL;
	struct leak *before;
	int which, err;
	char *out;

	p = must_start(c, 0, init);
	by_name.user = "tester";
	for (which = 0; which < 3; which++) {
		long long began = now_ms();
		char uid[64];

		if (which != 1)
			plant_table("etc/passwd", shape);
		if (which != 0)
			plant_table("etc/group", shape);
		before = begin();
		out = NULL;
		err = box_attach(c, &by_name, id, &out, NULL);
		end(before, began, table_names[shape]);
		/* who cannot be found is not entered as; nobody becomes root by a decoy's row */
		if (!err &&
		    strcmp(probe_get(out, "uid", uid, sizeof(uid)), "[1000, 1000, 1000]") != 0)
			fail_msg("entered as %s", uid);
		free(out);
		out = NULL;
		before = begin();
		began = now_ms();
		err = box_attach(c, &shell, NULL, &out, NULL);
		end(before, began, table_names[shape]);
		free(out);
		try_home(c, table_names[shape]);
		rootfs_drop(&box.root, "etc/passwd");
		rootfs_drop(&box.root, "etc/group");
		rootfs_file(&box.root, "etc/passwd",
			    "root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/home:/bin/sh\n",
			    0644);
		rootfs_file(&box.root, "etc/group", "root:x:0:\ntester:x:1000:\n", 0644);
	}
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- single ones ----------------------------------------------------------------------------- */

/* The rootfs itself is a link, a file, a fifo, missing. */
static void rootfs_itself(void **state)
{
	static const char *const argv[] = { "/bin/true", NULL };
	char path[2 * PATH_MAX];
	struct leak *before;
	ct_container *c;
	int i;

	(void)state;
	snprintf(path, sizeof(path), "%s/odd", box.root.base);
	for (i = 0; i < 4; i++) {
		c = box_handle(&box, NULL);
		unlink(path);
		if (i == 0)
			assert_int_equal(symlink(decoy.path, path), 0);
		if (i == 1)
			assert_int_equal(mkfifo(path, 0666), 0);
		if (i == 2)
			assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
		assert_ok(c, ct_set_config(c, "rootfs.path", path));
		before = begin();
		assert_true(box_run(c, NULL, argv, NULL, NULL) < 0);
		end(before, now_ms(), "rootfs itself");
		assert_true(ct_last_error(c)->message[0]);
		ct_unref(c);
	}
	unlink(path);
}

/* A script whose interpreter is the one who executes it: the old way to the runtime's
 * own binary. */
static void interpreter_is_us(void **state)
{
	static const char *const targets[] = { "#!/proc/self/exe\n", "#!/proc/1/exe\n",
					       "#!/proc/self/fd/3\n", "#!/dev/fd/4\n" };
	static const char *const argv[] = { "/bin/trap", NULL };
	struct leak *before;
	ct_container *c;
	ct_exit ex;
	char *out;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(rootfs_file(&box.root, "bin/trap", targets[i], 0755), 0);
		before = begin();
		c = box_handle(&box, NULL);
		ex = (ct_exit)CT_EXIT_INIT;
		out = NULL;
		err = box_run(c, NULL, argv, &out, &ex);
		ct_unref(c);
		end(before, now_ms(), targets[i]);
		assert_true(err || ex.code != 0);
		free(out);
	}
	rootfs_drop(&box.root, "bin/trap");
}

static void check_masked(const char *out)
{
	char got[128];

	if (strstr(probe_get(out, "/proc/kcore", got, sizeof(got)), "read data") ||
	    strstr(probe_get(out, "/proc/keys", got, sizeof(got)), "read data") ||
	    strstr(probe_get(out, "/proc/timer_list", got, sizeof(got)), "read data"))
		fail_msg("a masked file can be read:\n%s", out);
	if (strstr(probe_get(out, "/proc/sysrq-trigger", got, sizeof(got)), "write opens"))
		fail_msg("sysrq-trigger can be written:\n%s", out);
}

/* With /dev from a hostile directory, what masks /proc is still ours: the masked files read as
 * nothing and cannot be written. */
static void masks_not_from_rootfs(void **state)
{
	static const char *const argv[] = { "/bin/probe",  "try-files",
					    "/proc/kcore", "/proc/sysrq-trigger",
					    "/proc/keys",  "/proc/timer_list",
					    NULL };
	char dev[2 * PATH_MAX], entry[3 * PATH_MAX], null[2 * PATH_MAX + 16];
	ct_container *c;
	char *out = NULL;
	struct leak *before;
	int shape;

	(void)state;
	snprintf(dev, sizeof(dev), "%s/hostile-dev", box.root.base);
	snprintf(null, sizeof(null), "%s/null", dev);
	snprintf(entry, sizeof(entry), "%s dev none bind 0 0", dev);
	assert_int_equal(mkdir(dev, 0755), 0);
	for (shape = 0; shape < 3; shape++) {
		unlink(null);
		if (shape == 0)
			assert_int_equal(symlink("/proc/sysrq-trigger", null), 0);
		if (shape == 1)
			assert_int_equal(mknod(null, S_IFREG | 0666, 0), 0);
		before = begin();
		c = box_handle(&box, NULL);
		assert_int_equal(box_config(c, "autodev", "0", "mount.entry", entry, NULL), 0);
		if (box_run(c, NULL, argv, &out, NULL))
			fail_msg("%s", ct_last_error(c)->message);
		ct_unref(c);
		end(before, now_ms(), "masks");
		check_masked(out);
		free(out);
	}
	unlink(null);
	rmdir(dev);
}

/* Files of policy inside the rootfs change nothing. */
static void policy_in_rootfs(void **state)
{
	static const char *const names[] = { "config",
					     "config.json",
					     ".containerenv",
					     "lxc.conf",
					     "etc/ld.so.preload",
					     "etc/nsswitch.conf",
					     "etc/lxc/default.conf",
					     "etc/environment" };
	static const char *const argv[] = { "/bin/probe", NULL };
	ct_container *c = box_handle(&box, NULL);
	char *first = NULL, *second = NULL, a[4096], b[4096];
	size_t i;

	(void)state;
	assert_int_equal(box_run(c, NULL, argv, &first, NULL), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(rootfs_file(&box.root, names[i],
					     "lxc.environment = EVIL=1\nlxc.cap.keep = sys_admin\n",
					     0644),
				 0);
	assert_int_equal(box_run(c, NULL, argv, &second, NULL), 0);
	for (i = 0; i < 2; i++) {
		const char *key = i ? "env" : "cap_effective";

		assert_string_equal(probe_get(first, key, a, sizeof(a)),
				    probe_get(second, key, b, sizeof(b)));
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		rootfs_drop(&box.root, names[i]);
	free(first);
	free(second);
	ct_unref(c);
}

/* ---- the flipper ----------------------------------------------------------------------------- */

struct flipper {
	pthread_t thread;
	char a[2 * PATH_MAX], b[2 * PATH_MAX];
	atomic_bool stop;
	unsigned long flips;
};

static void *flip(void *data)
{
	struct flipper *f = data;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(1, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu); /* the other core, where there is one */
	while (!f->stop) {
		if (renameat2(AT_FDCWD, f->a, AT_FDCWD, f->b, RENAME_EXCHANGE) == 0)
			f->flips++;
	}
	return NULL;
}

/* Starts again and again while a directory and a link to the decoy change places. */
static void try_flipper(void **state)
{
	static const char *const argv[] = { "/bin/cat", "/proc/self/mountinfo", NULL };
	const struct place *p = *state;
	struct flipper f = { .flips = 0 };
	char to[2 * PATH_MAX];
	int i, started = 0, starts = rounds(FLIPS, LONG_FLIPS);
	ct_container *c;
	struct leak *before;
	long long began;
	char *out;

	heal(p);
	snprintf(f.a, sizeof(f.a), "%s/%s", box.root.path, p->path);
	snprintf(f.b, sizeof(f.b), "%s/flip-side", box.root.path);
	snprintf(to, sizeof(to), "../../../../../../../../..%s%s", decoy.path, p->decoy);
	unlink(f.b);
	assert_int_equal(symlink(to, f.b), 0);
	before = begin();
	c = box_handle(&box, NULL);
	set_key(c, p);
	assert_int_equal(pthread_create(&f.thread, NULL, flip, &f), 0);
	for (i = 0; i < starts; i++) {
		out = NULL;
		began = now_ms();
		if (box_run(c, NULL, argv, &out, NULL) == 0) {
			started++;
			check_mounts(out);
		}
		free(out);
		if (now_ms() - began > TOO_LONG_MS)
			fail_msg("start %d took %lld ms", i, now_ms() - began);
	}
	f.stop = true;
	pthread_join(f.thread, NULL);
	print_message("# %s: %d of %d started, %lu flips\n", p->path, started, starts, f.flips);
	ct_unref(c);
	end(before, now_ms(), "flipper");
	unlink(f.b);
	tree_remove(f.b);
	heal(p);
}

/* ---- the program ----------------------------------------------------------------------------- */

static int group_setup(void **state)
{
	char path[2 * PATH_MAX];
	int fd;

	if (box_setup_used(state) || decoy_make(&decoy, box.root.base))
		return -1;
	snprintf(path, sizeof(path), "%s/data", box.root.base);
	if (mkdir(path, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/data/file", box.root.base);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	close(fd);
	/* the stage's descriptor stays for as long as a handle is open: it is there before
	 * and after each case */
	box.c = box_handle(&box, NULL);
	return box.c ? box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL) : -1;
}

static int group_teardown(void **state)
{
	decoy_close(&decoy);
	return box_teardown(state);
}

/* Places where a flipper is at work. */
static const struct {
	const char *name, *path, *key;
} flipped[] = {
	{ "flipper at /proc", "proc", NULL },
	{ "flipper at /dev", "dev", NULL },
	{ "flipper at a mount target", "mnt/target", "mount.entry" },
	{ "flipper at a hidden path", "home", "mask.path" },
	{ "flipper at a read-only path", "home", "readonly.path" },
};

/* The first row of that path and key. */
static const struct place *place_of(const char *path, const char *key)
{
	const struct place *p = places;

	while (strcmp(p->path, path) || strcmp(p->key ? p->key : "", key ? key : ""))
		p++;
	return p;
}

static void add(struct CMUnitTest *t, const char *name, CMUnitTestFunction fn, const void *state)
{
	t->name = name;
	t->test_func = fn;
	t->initial_state = (void *)(uintptr_t)state;
}

int main(void)
{
	static struct hostile_case cases[N_PLACES * PLANT_SHAPES];
	static struct CMUnitTest tests[N_PLACES * PLANT_SHAPES + N_TABLE + 16];
	size_t n = 0, i, shape;

	for (i = 0; i < N_PLACES; i++) {
		for (shape = 0; shape < PLANT_SHAPES; shape++) {
			struct hostile_case *h = &cases[n];

			h->place = &places[i];
			h->shape = (enum plant_shape)shape;
			snprintf(h->name, sizeof(h->name), "%s is %s%s%s", h->place->path,
				 plant_names[shape], h->place->key ? ", " : "",
				 h->place->key ? h->place->value : "");
			add(&tests[n++], h->name, try_case, h);
		}
	}
	for (i = 0; i < N_TABLE; i++)
		add(&tests[n++], table_names[i], try_tables, (void *)i);
	add(&tests[n++], "the rootfs itself", rootfs_itself, NULL);
	add(&tests[n++], "the interpreter is us", interpreter_is_us, NULL);
	add(&tests[n++], "masks are not from the rootfs", masks_not_from_rootfs, NULL);
	add(&tests[n++], "policy in the rootfs", policy_in_rootfs, NULL);
	for (i = 0; i < sizeof(flipped) / sizeof(flipped[0]); i++)
		add(&tests[n++], flipped[i].name, try_flipper,
		    place_of(flipped[i].path, flipped[i].key));
	return _cmocka_run_group_tests("hostile", tests, n, group_setup, group_teardown);
}
