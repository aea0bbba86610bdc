/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Targets of mounts in read-only roots and behind links that lead nowhere; thousands of mounts,
 * arguments and variables; descriptor 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

static char *inside(char *buf, size_t size, const char *path)
{
	snprintf(buf, size, "%s/%s", box.root.path, path);
	return buf;
}

/* ---- read-only roots ------------------------------------------------------------------------- */

static void read_only(void **state)
{
	const char *const keys[][2] = { { "rootfs.readonly", "1" }, { "rootfs.options", "ro" } };
	char path[PATH_MAX + 64], *out = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		ct_container *c = box_handle(&box, NULL);

		assert_int_equal(box_config(c, keys[i][0], keys[i][1], "mount.entry",
					    "none new/deep/dir tmpfs size=64k,create=dir 0 0",
					    "mount.entry",
					    "/etc/hostname new/file none "
					    "bind,create=file 0 0",
					    "mount.entry",
					    "none new/deep/dir/in tmpfs size=64k,create=dir 0 0",
					    NULL),
				 0);
		assert_ok(c, box_run(c, NULL,
				     ARGV("/bin/sh", "-c",
					  "touch /new/deep/dir/x && touch "
					  "/new/deep/dir/in/y && test -s /new/file && "
					  "echo mounted; touch /new/z 2>/dev/null || echo "
					  "closed; touch /etc/z 2>/dev/null || echo "
					  "closed; mkdir /new/deep/other 2>/dev/null || "
					  "echo closed"),
				     &out, NULL));
		assert_string_equal(out, "mounted\nclosed\nclosed\nclosed\n");
		free(out);
		out = NULL;
		ct_unref(c);
		assert_int_equal(access(inside(path, sizeof(path), "new/deep/dir"), F_OK), 0);
		rootfs_drop(&box.root, "new");
	}
}

/* A mount below the rootfs is read-only, too, and stays it while a target is made in it; one that
 * is read-only of its own is never written to. */
static void read_only_below(void **state)
{
	ct_container *c = box_handle(&box, NULL);
	char path[PATH_MAX + 64], *out = NULL;

	(void)state;
	rootfs_mkdir(&box.root, "sub", 0755);
	inside(path, sizeof(path), "sub");
	assert_int_equal(mount("sub", path, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(box_config(c, "rootfs.readonly", "1", "mount.entry",
				    "none sub/made tmpfs size=64k,create=dir 0 0", NULL),
			 0);
	assert_ok(c, box_run(c, NULL,
			     ARGV("/bin/sh", "-c",
				  "touch /sub/made/x && echo made; "
				  "touch /sub/y 2>/dev/null || echo "
				  "closed"),
			     &out, NULL));
	assert_string_equal(out, "made\nclosed\n");
	free(out);
	ct_unref(c);
	assert_int_equal(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	c = box_handle(&box, NULL);
	assert_int_equal(box_config(c, "mount.entry",
				    "none sub/never tmpfs size=64k,create=dir 0 0",
				    "rootfs.readonly", "1", NULL),
			 0);
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -EROFS);
	ct_unref(c);
	assert_int_equal(access(inside(path, sizeof(path), "sub/never"), F_OK), -1);
	inside(path, sizeof(path), "sub");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	rootfs_drop(&box.root, "sub");
}

/* ---- links that lead nowhere ----------------------------------------------------------------- */

static const struct link {
	const char *text, *made; /* made: what is to be there afterwards, below the rootfs */
	const char *create;
	int err;
} links[] = {
	{ "../run/systemd/resolve/stub-resolv.conf", "run/systemd/resolve/stub-resolv.conf",
	  "create=file", 0 },
	{ "/run/absolute/conf", "run/absolute/conf", "create=file", 0 },
	{ "../../../../../../../../tmp-escape/conf", "tmp-escape/conf", "create=file", 0 },
	{ "/deep/dir", "deep/dir", "create=dir", 0 },
	{ "second", "etc/third", "create=file", 0 },
	{ "loop", NULL, "create=file", -ELOOP },
	{ "/proc/1/root/escape", NULL, "create=file", -ELOOP },
};

/* What the link leads to inside was made, and mounted on. */
static void check_made(const struct link *l, const char *out)
{
	char path[PATH_MAX + 64], entry[128];
	struct stat st;

	if (!l->made)
		return;
	snprintf(entry, sizeof(entry), " /%s ", l->made);
	assert_non_null(strstr(out, entry));
	assert_int_equal(lstat(inside(path, sizeof(path), l->made), &st), 0);
	assert_true(strcmp(l->create, "create=dir") ? S_ISREG(st.st_mode) : S_ISDIR(st.st_mode));
}

static void link_nowhere(void **state)
{
	const struct link *l = *state;
	ct_container *c = box_handle(&box, NULL);
	char path[PATH_MAX + 64], entry[128], outside[64] = "/tmp-escape", *out = NULL;
	struct stat st;
	int r;

	rootfs_drop(&box.root, "etc/nowhere");
	rootfs_link(&box.root, l->text, "etc/nowhere");
	rootfs_drop(&box.root, "etc/second");
	rootfs_link(&box.root, "third", "etc/second");
	rootfs_drop(&box.root, "etc/loop");
	rootfs_link(&box.root, "nowhere", "etc/loop");
	snprintf(entry, sizeof(entry),
		 !strcmp(l->create, "create=dir") ? "none etc/nowhere tmpfs size=64k,%s 0 0"
						  : "/etc/hostname etc/nowhere none bind,%s 0 "
						    "0",
		 l->create);
	assert_ok(c, ct_set_config(c, "mount.entry", entry));
	r = box_run(c, NULL, ARGV("/bin/cat", "/proc/self/mountinfo"), &out, NULL);
	if (l->err)
		assert_int_equal(r, l->err);
	else
		assert_ok(c, r);
	check_made(l, out);
	/* the link itself stays, and nothing was made outside */
	assert_int_equal(lstat(inside(path, sizeof(path), "etc/nowhere"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(access(outside, F_OK), -1);
	assert_int_equal(access("/escape", F_OK), -1);
	free(out);
	ct_unref(c);
	rootfs_drop(&box.root, "etc/nowhere");
	rootfs_drop(&box.root, "etc/second");
	rootfs_drop(&box.root, "etc/third");
	rootfs_drop(&box.root, "etc/loop");
}

/* On the way to a target such a link is refused: nobody asked for what is behind it. */
static void nowhere_on_the_way(void **state)
{
	ct_container *c = box_handle(&box, NULL);
	char path[PATH_MAX + 64];

	(void)state;
	rootfs_link(&box.root, "/not/there", "etc/nowhere");
	assert_int_equal(box_config(c, "mount.entry",
				    "none etc/nowhere/deep tmpfs size=64k,create=dir 0 0", NULL),
			 0);
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -ENOENT);
	assert_int_equal(access(inside(path, sizeof(path), "not"), F_OK), -1);
	rootfs_drop(&box.root, "etc/nowhere");
	ct_unref(c);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void many_mounts(void **state)
{
	enum { N = 4000 };
	ct_container *c = box_handle(&box, NULL);
	struct rlimit r;
	ct_mount m = CT_MOUNT_INIT;
	char target[64], *out = NULL;
	int i;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_max < N + 200)
		elsewhere_because("only %llu descriptors can be had",
				  (unsigned long long)r.rlim_max);
	rootfs_mkdir(&box.root, "many", 0755);
	for (i = 0; i < N; i++) {
		snprintf(target, sizeof(target), "/many/%d", i);
		m.source = "/etc";
		m.target = target;
		m.flags = CT_MOUNT_CREATE;
		assert_ok(c, ct_add_mount(c, &m));
	}
	assert_ok(c, box_run(c, NULL,
			     ARGV("/bin/sh", "-c",
				  "grep -c ' /many/' /proc/self/mountinfo; ulimit -n"),
			     &out, NULL));
	assert_int_equal(atoi(out), N);
	free(out);
	ct_unref(c);
	rootfs_drop(&box.root, "many");
}

/* A hundred thousand variables, and each of them again: the later ones count. */
static void many_variables(ct_container *c)
{
	enum { N = 100000 };
	const char **envp = calloc(N + 1, sizeof(*envp));
	ct_start_opts o = CT_START_OPTS_INIT;
	static char names[N][16];
	char *out = NULL, *at;
	long long begin;
	int i;

	for (i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "V%d=%d", i / 2, i % 2);
		envp[i] = names[i];
	}
	envp[i] = NULL;
	o.envp = envp;
	begin = now_ms();
	assert_ok(c, box_run(c, &o, ARGV("/bin/env"), &out, NULL));
	for (i = 0, at = out; (at = strstr(at, "\nV")); at++, i++)
		assert_true(at[strcspn(at + 1, "\n")] == '1');
	assert_int_equal(i, 50000);
	print_message("# %lld ms\n", now_ms() - begin);
	free(out);
	free(envp);
}

static void many_words(void **state)
{
	enum { N = 150000 };
	const char **argv = calloc(N + 4, sizeof(*argv));
	ct_container *c = box_handle(&box, NULL);
	char *out = NULL, *big;
	int i;

	(void)state;
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = "echo $#";
	for (i = 3; i < N + 3; i++)
		argv[i] = "x";
	assert_ok(c, box_run(c, NULL, argv, &out, NULL));
	assert_int_equal(atoi(out), N - 1);
	free(out);
	many_variables(c);
	/* more than the kernel takes is an error that says so */
	big = malloc(200000);
	memset(big, 'x', 199999);
	big[199999] = 0;
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true", big), NULL, NULL), -E2BIG);
	assert_non_null(strstr(ct_last_error(c)->message, "longer than the kernel takes"));
	free(big);
	free(argv);
	ct_unref(c);
}

/* The caller's descriptor 0 among those handed over. */
static void descriptor_zero(void **state)
{
	const int keep[] = { 0, 1, 0 };
	ct_container *c = box_handle(&box, NULL);
	ct_start_opts o = CT_START_OPTS_INIT;
	int pipe[2], saved = dup(0);
	char *out = NULL;

	(void)state;
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	assert_int_equal(write(pipe[1], "hello\nagain\n", 12), 12);
	close(pipe[1]);
	assert_int_equal(dup2(pipe[0], 0), 0);
	close(pipe[0]);
	o.keep_fds = keep;
	o.n_keep_fds = 3;
	o.stdio[0] = -1;
	assert_ok(c, box_run(c, &o, ARGV("/bin/sh", "-c", "read a <&3; read b <&5; echo $a $b"),
			     &out, NULL));
	dup2(saved, 0);
	close(saved);
	assert_string_equal(out, "hello again\n");
	free(out);
	ct_unref(c);
}

int main(void)
{
	enum { N = sizeof(links) / sizeof(links[0]) };
	const struct CMUnitTest single[] = {
		cmocka_unit_test(read_only),	      cmocka_unit_test(read_only_below),
		cmocka_unit_test(nowhere_on_the_way), cmocka_unit_test(many_mounts),
		cmocka_unit_test(many_words),	      cmocka_unit_test(descriptor_zero)
	};
	static struct CMUnitTest tests[N + 6];
	size_t i;

	for (i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ links[i].text, link_nowhere, NULL, NULL,
						(void *)&links[i] };
	memcpy(tests + N, single, sizeof(single));
	return _cmocka_run_group_tests("edges", tests, N + 6, box_setup, box_teardown);
}
