/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left when a container goes: nothing of its own, everything of others, and a word on what
 * could not be removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <dirent.h>
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

static char *at(const char *path)
{
	static char buf[4][2 * PATH_MAX];
	static int n;
	char *p = buf[n++ % 4];

	snprintf(p, sizeof(buf[0]), "%s/%s", box.root.base, path);
	return p;
}

static int there(const char *path)
{
	return access(at(path), F_OK) == 0;
}

static void file(const char *path)
{
	int fd = open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* Entries of the container directory that begin with a dot. */
static int hidden(void)
{
	DIR *d = opendir(box.dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] == '.' && strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

/* A defined container with an empty rootfs of its own. */
static ct_container *define(const char *name)
{
	ct_create_opts o = CT_CREATE_OPTS_INIT;
	ct_container *c = box_handle(&box, name);

	assert_int_equal(mkdir(at("new-root"), 0755), 0);
	o.rootfs = at("new-root");
	assert_ok(c, ct_create(c, &o));
	return c;
}

/* ---- depth ----------------------------------------------------------------------------------- */

/* The payload nests directories; the remover has few descriptors. */
static void nested_by_the_payload(void **state)
{
	static const char nest[] = "cd /var; i=0; while [ $i -lt 1100 ]; do mkdir d && "
				   "cd d || exit 1; i=$((i+1)); done";
	struct rlimit few = { 64, 64 }, many;
	ct_container *c = box_handle(&box, "deep");
	char path[2 * PATH_MAX];
	ct_exit x = CT_EXIT_INIT;
	int r;

	(void)state;
	assert_ok(c, ct_create(c, NULL));
	snprintf(path, sizeof(path), "%s/deep/nest", box.dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/deep/nest var none bind 0 0", box.dir);
	assert_int_equal(box_config(c, "mount.entry", path, NULL), 0);
	assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", nest), NULL, &x));
	assert_int_equal(x.code, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &many), 0);
	few.rlim_max = many.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = ct_destroy(c, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
	assert_ok(c, r);
	assert_false(there("containers/deep"));
	assert_int_equal(hidden(), 0);
	ct_unref(c);
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static void mount_of_the_same_file_system(void **state)
{
	ct_container *c = define("held");

	(void)state;
	assert_int_equal(mkdir(at("dear"), 0755), 0);
	file("dear/file");
	assert_int_equal(mkdir(at("containers/held/rootfs/mnt"), 0755), 0);
	assert_int_equal(mount(at("dear"), at("containers/held/rootfs/mnt"), NULL, MS_BIND, NULL),
			 0);
	assert_refused(c, ct_destroy(c, 0), -EBUSY);
	assert_non_null(strstr(ct_last_error(c)->message, "held/rootfs/mnt"));
	assert_refused(c, ct_destroy(c, CT_DESTROY_FORCE), -EBUSY);
	assert_true(there("dear/file"));
	/* nothing was removed: it can be used as before */
	assert_true(there("containers/held/config"));
	assert_int_equal(umount(at("containers/held/rootfs/mnt")), 0);
	assert_ok(c, ct_destroy(c, 0));
	assert_true(there("dear/file"));
	assert_false(there("containers/held"));
	tree_remove(at("dear"));
	ct_unref(c);
}

/* A file can be a mount point, too; and what an earlier removal left is swept, by
 * whichever call comes first. */
static void leftovers_are_swept(void **state)
{
	ct_create_opts o = CT_CREATE_OPTS_INIT;
	ct_container *c = box_handle(&box, "left");
	char *names = NULL;

	(void)state;
	file("dear");
	for (int how = 0; how < 3; how++) {
		assert_int_equal(mkdir(at("containers/.new-left-77.gone"), 0755), 0);
		file("containers/.new-left-77.gone/other");
		file("containers/.new-left-77.gone/file");
		assert_int_equal(mkdir(at("containers/.new-left-78"), 0755), 0);
		assert_int_equal(mount(at("dear"), at("containers/.new-left-77.gone/file"), NULL,
				       MS_BIND, NULL),
				 0);
		assert_refused(c, ct_destroy(c, 0), -EBUSY);
		assert_non_null(strstr(ct_last_error(c)->message, ".new-left-77.gone/file"));
		assert_false(there("containers/.new-left-77.gone/other"));
		assert_int_equal(umount(at("containers/.new-left-77.gone/file")), 0);
		/* of others, or a file of the administrator's: not ours */
		assert_int_equal(mkdir(at("containers/.new-leftover"), 0755), 0);
		if (how == 0)
			assert_ok(c, ct_destroy(c, 0));
		else if (how == 1)
			assert_true(ct_list(&box.where, CT_LIST_DEFINED, &names) >= 0);
		else
			assert_ok(c, ct_create(c, &o));
		ct_free(names);
		names = NULL;
		assert_int_equal(hidden(), 1);
		assert_int_equal(rmdir(at("containers/.new-leftover")), 0);
	}
	assert_refused(c, ct_create(c, &o), -EEXIST);
	assert_ok(c, ct_destroy(c, 0));
	assert_refused(c, ct_destroy(c, 0), -ENOENT);
	unlink(at("dear"));
	ct_unref(c);
}

/* ---- whose the rootfs is --------------------------------------------------------------------- */

/* An unmanaged rootfs in the container's directory stays, and a container can be made
 * over it again. */
static void unmanaged_inside(void **state)
{
	ct_container *c = define("kept"), *other;

	(void)state;
	file("containers/kept/rootfs/file");
	file("containers/kept/other");
	assert_ok(c, ct_set_config(c, "rootfs.managed", "0"));
	assert_ok(c, ct_save_config(c, NULL));
	ct_unref(c);
	for (int again = 0; again < 2; again++) {
		/* a handle that has read nothing */
		other = box_handle(&box, "kept");
		assert_ok(other, ct_destroy(other, again ? CT_DESTROY_FORCE : 0));
		assert_true(there("containers/kept/rootfs/file"));
		assert_false(there("containers/kept/config"));
		assert_false(there("containers/kept/other"));
		assert_refused(other, ct_destroy(other, 0), -ENOENT);
		assert_true(there("containers/kept/rootfs/file"));
		assert_ok(other, ct_clear_config(other, "rootfs.path"));
		assert_int_equal(box_config(other, "rootfs.path", at("containers/kept/rootfs"),
					    "rootfs.managed", "0", NULL),
				 0);
		assert_ok(other, ct_create(other, NULL));
		ct_unref(other);
	}
	other = box_handle(&box, "kept");
	assert_ok(other, ct_load_config(other, NULL));
	assert_ok(other, ct_set_config(other, "rootfs.managed", "1"));
	assert_ok(other, ct_save_config(other, NULL));
	assert_ok(other, ct_destroy(other, 0));
	assert_false(there("containers/kept"));
	ct_unref(other);
}

/* A mistake elsewhere in the config does not cost the rootfs. */
static void unmanaged_and_broken(void **state)
{
	ct_container *c = define("broken");
	FILE *f;

	(void)state;
	file("containers/broken/rootfs/file");
	f = fopen(at("containers/broken/config"), "ae");
	assert_non_null(f);
	fprintf(f, "lxc.rootfs.managed = 0\nno.such.key = 1\n");
	fclose(f);
	assert_ok(c, ct_destroy(c, 0));
	assert_true(there("containers/broken/rootfs/file"));
	assert_false(there("containers/broken/config"));
	tree_remove(at("containers/broken"));
	ct_unref(c);
}

/* ---- ephemeral ------------------------------------------------------------------------------- */

static int gone(void *path)
{
	return !there(path);
}

static void ephemeral(const char *managed, int held)
{
	ct_container *c = box_handle(&box, "eph");
	char root[2 * PATH_MAX];
	ct_process *p = NULL;
	ct_exit x = CT_EXIT_INIT;
	int r;

	snprintf(root, sizeof(root), "%s/eph/own", box.dir);
	assert_ok(c, ct_create(c, NULL));
	assert_int_equal(rename(box.root.path, root), 0);
	assert_ok(c, ct_clear_config(c, "rootfs.path"));
	assert_int_equal(box_config(c, "rootfs.path", root, "ephemeral", "1", "rootfs.managed",
				    managed, NULL),
			 0);
	assert_ok(c, ct_save_config(c, NULL));
	if (held) {
		assert_int_equal(mkdir(at("dear"), 0755), 0);
		file("dear/file");
		assert_int_equal(mkdir(at("containers/eph/mnt"), 0755), 0);
		assert_int_equal(mount(at("dear"), at("containers/eph/mnt"), NULL, MS_BIND, NULL),
				 0);
	}
	p = must_start(c, CT_START_DETACH, ARGV("/bin/true"));
	r = ct_process_wait(p, &x, 30000);
	assert_int_equal(x.reason, CT_EXIT_EXITED);
	assert_int_equal(r, held);
	if (held)
		assert_non_null(strstr(ct_process_last_error(p)->message, "mnt"));
	ct_process_unref(p);
	assert_int_equal(wait_for(gone, (void *)(uintptr_t) "containers/eph/config", 10000), 1);
	ct_unref(c);
}

static void ephemeral_unmanaged(void **state)
{
	(void)state;
	ephemeral("0", 0);
	assert_true(there("containers/eph/own/bin"));
	assert_int_equal(rename(at("containers/eph/own"), box.root.path), 0);
	tree_remove(at("containers/eph"));
	assert_int_equal(hidden(), 0);
}

static void ephemeral_held(void **state)
{
	DIR *d;
	struct dirent *e;
	char path[600] = "", *names = NULL;

	(void)state;
	ephemeral("1", 1);
	assert_true(there("dear/file"));
	assert_int_equal(hidden(), 1);
	d = opendir(box.dir);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, ".new-eph-", 9))
			snprintf(path, sizeof(path), "containers/%s/mnt", e->d_name);
	closedir(d);
	assert_int_equal(umount(at(path)), 0);
	assert_true(ct_list(&box.where, CT_LIST_DEFINED, &names) >= 0);
	ct_free(names);
	assert_int_equal(hidden(), 0);
	assert_true(there("dear/file"));
	tree_remove(at("dear"));
}

/* ---- ct-create ------------------------------------------------------------------------------- */

static void write_template(void)
{
	FILE *f = fopen(at("template"), "we");

	assert_non_null(f);
	assert_int_equal(mkdir(at("dear"), 0755), 0);
	file("dear/file");
	fprintf(f,
		"#!/bin/sh\nfor a; do case $a in --rootfs=*) r=${a#--rootfs=};; esac; done\n"
		"mkdir -p $r/etc $r/srv/in && touch $r/etc/file && mount --bind %s $r/srv/in && "
		"exit 3\n",
		at("dear"));
	fclose(f);
	assert_int_equal(chmod(at("template"), 0755), 0);
}

/* A template that fails and leaves a mount of the same file system. */
static void failing_template(void **state)
{
	char create[PATH_MAX], dir[2 * PATH_MAX + 16], said[2 * PATH_MAX + 16];
	struct run_result r;

	(void)state;
	write_template();
	snprintf(dir, sizeof(dir), "--lxcpath=%s", box.dir);
	assert_int_equal(run_tool(ARGV(built("tools/ct-create", create, sizeof(create)), dir, "-n",
				       "failed", "-t", at("template")),
				  NULL, 60000, &r),
			 0);
	assert_int_not_equal(r.status, 0);
	assert_true(there("dear/file"));
	snprintf(said, sizeof(said), "rootfs/srv/in stays");
	if (!strstr(r.err, said) || !strstr(r.err, "/dear of "))
		fail_msg("%s", r.err);
	assert_int_equal(hidden(), 1);
	run_free(&r);
	assert_int_equal(run_tool(ARGV("/bin/sh", "-c", "umount $0/.new-failed-*/rootfs/srv/in",
				       box.dir),
				  NULL, 10000, &r),
			 0);
	assert_int_equal(r.status, 0);
	run_free(&r);
	/* the next one of this name takes away what stayed */
	assert_int_equal(run_tool(ARGV(create, dir, "-n", "failed", "-t", "/bin/false"), NULL,
				  60000, &r),
			 0);
	run_free(&r);
	assert_int_equal(hidden(), 0);
	assert_true(there("dear/file"));
	tree_remove(at("dear"));
	unlink(at("template"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_by_the_payload),
		cmocka_unit_test(mount_of_the_same_file_system),
		cmocka_unit_test(leftovers_are_swept),
		cmocka_unit_test(unmanaged_inside),
		cmocka_unit_test(unmanaged_and_broken),
		cmocka_unit_test(ephemeral_unmanaged),
		cmocka_unit_test(ephemeral_held),
		cmocka_unit_test(failing_template),
	};

	return cmocka_run_group_tests_name("removal", tests, box_setup_bare, box_teardown);
}
