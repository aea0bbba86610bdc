/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Races: while containers start, or are removed, two names change places on the other core, one of
 * which leads to the host.
 */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROUNDS 2000
#define FEWER 300 /* of most of them, without --long */

/* What the flipper exchanges with a link to the host, and how a start goes there. */
struct race {
	const char *path;	 /* below the rootfs: a directory, while it is not the link */
	const char *inside;	 /* of the decoy; with a leading "/../" of the rootfs */
	const char *key, *value; /* a value's leading + is the base directory */
	const char *must_not;	 /* in the mount table of what starts */
	bool vanish;		 /* the link comes and goes */
	int ci;			 /* rounds without --long */
};

static const struct race target = { "mnt/target",  "/target",
				    "mount.entry", "+/data mnt/target none bind 0 0",
				    NULL,	   false,
				    ROUNDS };
static const struct race component = {
	"mnt", "", "mount.entry", "+/data mnt/target none bind,create=dir 0 0", NULL, false, FEWER
};
static const struct race proc = { "proc", "/proc", NULL, NULL, NULL, false, FEWER };
static const struct race proc_inside = { "proc", "/../run", NULL, NULL, " /run rw", false, ROUNDS };
static const struct race dev = { "dev", "/dev", NULL, NULL, NULL, false, FEWER };
static const struct race create_dir = { "mnt/new",     "/not-there-yet",
					"mount.entry", "+/data mnt/new none bind,create=dir 0 0",
					NULL,	       true,
					FEWER };
static const struct race create_file = {
	"mnt/new",     "/not-there-yet",
	"mount.entry", "+/data/file mnt/new none bind,create=file 0 0",
	NULL,	       true,
	ROUNDS
};
static const struct race create_deep = {
	"mnt/new", "/target", "mount.entry", "+/data mnt/new/a/b none bind,create=dir 0 0",
	NULL,	   true,      FEWER
};

/* The link beside the rootfs that the flipper puts into it. */
static void make_link(const struct race *r)
{
	char to[2 * PATH_MAX], link[2 * PATH_MAX];

	if (!strncmp(r->inside, "/../", 4))
		snprintf(to, sizeof(to), "%s", r->inside + 3);
	else
		snprintf(to, sizeof(to), "%s%s", decoy.path, r->inside);
	snprintf(link, sizeof(link), "%s/flip-side", box.root.base);
	unlink(link);
	assert_int_equal(symlink(to, link), 0);
}

static void one_start(const struct race *r, ct_container *c, int *started)
{
	char *out = NULL;

	if (box_run(c, NULL, ARGV("/bin/cat", "/proc/self/mountinfo"), &out, NULL) < 0)
		return;
	(*started)++;
	cve_check_mounts(out);
	if (r->must_not && strstr(out, r->must_not))
		escape("a mount lies where it does not belong:\n%s", out);
	free(out);
}

static void starts(const void *data)
{
	const struct race *r = data;
	char name[PATH_MAX], link[2 * PATH_MAX + 16], value[2 * PATH_MAX];
	int n = rounds(r->ci, ROUNDS), started = 0;
	ct_container *c = cve_quick();

	snprintf(link, sizeof(link), "%s/flip-side", box.root.base);
	make_link(r);
	snprintf(name, sizeof(name), "rootfs/%s", r->path);
	if (!r->vanish)
		assert_int_equal(rootfs_mkdir(&box.root, r->path, 0755), 0);
	if (r->key) {
		snprintf(value, sizeof(value), "%s%s", *r->value == '+' ? box.root.base : "",
			 r->value + (*r->value == '+'));
		assert_ok(c, ct_set_config(c, r->key, value));
	}
	flipper_start(r->vanish ? "flip-side" : name, r->vanish ? name : "flip-side", r->vanish);
	for (int i = 0; i < n; i++) {
		one_start(r, c, &started);
		if (i % 100 == 99)
			cve_check_decoy(r->path);
		if (!r->vanish)
			continue;
		/* what was made keeps the link away */
		flipper_hold();
		rootfs_drop(&box.root, r->path);
		make_link(r);
		flipper_go_on();
	}
	flipper_stop();
	print_message("# %d of %d started\n", started, n);
	assert_true(started > 0);
	ct_unref(c);
	rootfs_drop(&box.root, r->path);
	tree_remove(link);
	unlink(link);
	rootfs_mkdir(&box.root, strcmp(r->path, "mnt/new") ? r->path : "mnt", 0755);
}

/* ---- sources --------------------------------------------------------------------------------- */

/* A source that was opened as a descriptor, while its name is exchanged with a link to the host. */
static void source(const void *data)
{
	char path[2 * PATH_MAX], link[2 * PATH_MAX];
	int n = rounds(FEWER, ROUNDS), fd;

	(void)data;
	snprintf(path, sizeof(path), "%s/mnt/volume", box.root.path);
	snprintf(link, sizeof(link), "%s/flip-side", box.root.base);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(symlink(decoy.path, link), 0);
	flipper_start("rootfs/mnt/volume", "flip-side", false);
	for (int i = 0; i < n; i++) {
		ct_container *c = cve_quick();
		ct_mount m = CT_MOUNT_INIT;
		char *out = NULL;

		/* the caller's own look: a directory, and not through a link */
		do
			fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		while (fd < 0 && (errno == ELOOP || errno == ENOTDIR));
		assert_true(fd >= 0);
		m.source_fd = fd;
		m.target = "/home";
		assert_ok(c, ct_add_mount(c, &m));
		assert_ok(c,
			  box_run(c, NULL, ARGV("/bin/cat", "/proc/self/mountinfo"), &out, NULL));
		cve_check_mounts(out);
		free(out);
		close(fd);
		ct_unref(c);
	}
	flipper_stop();
	tree_remove(path);
	unlink(path);
	tree_remove(link);
	unlink(link);
}

/* ---- removal --------------------------------------------------------------------------------- */

/* A container with a rootfs of its own, in which there is a directory for the flipper. */
static ct_container *define(const char *name)
{
	char root[2 * PATH_MAX], path[3 * PATH_MAX];
	ct_create_opts o = CT_CREATE_OPTS_INIT;
	ct_container *c = must_open(name);

	snprintf(root, sizeof(root), "%s/new-root", box.root.base);
	assert_int_equal(mkdir(root, 0755), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%d", root, i);
		assert_int_equal(mkdir(path, 0755), 0);
		snprintf(path, sizeof(path), "%s/%d/target", root, i);
		if (i < 3)
			assert_int_equal(symlink(decoy.path, path), 0);
		else
			assert_int_equal(mkdir(path, 0755), 0);
	}
	o.rootfs = root;
	assert_ok(c, ct_create(c, &o));
	return c;
}

/* Containers are removed whose trees have links to the host, one of which comes and goes. */
static void removal(const void *data)
{
	int n = rounds(FEWER, ROUNDS);
	char link[2 * PATH_MAX], place[PATH_MAX];

	(void)data;
	snprintf(link, sizeof(link), "%s/flip-side", box.root.base);
	assert_int_equal(symlink(decoy.path, link), 0);
	snprintf(place, sizeof(place), "containers/goes/rootfs/3/target");
	/* the first one is there for the flipper to begin with */
	for (int i = 0; i < n; i++) {
		ct_container *c = define("goes");

		if (i == 0)
			flipper_start(place, "flip-side", false);
		/* what changes places meanwhile may stay: the next call tries again */
		if (ct_destroy(c, 0) < 0)
			ct_destroy(c, 0);
		ct_unref(c);
		if (i % 100 == 0)
			cve_check_decoy("a tree was removed");
		flipper_hold();
		tree_remove(link);
		unlink(link);
		assert_int_equal(symlink(decoy.path, link), 0);
		flipper_go_on();
	}
	flipper_stop();
	tree_remove(link);
	unlink(link);
}

/* ---- terminals ------------------------------------------------------------------------------- */

/* Terminals are opened while the rootfs' /dev/pts is exchanged with a directory of links to the
 * host. */
static void console(const void *data)
{
	char evil[2 * PATH_MAX], to[2 * PATH_MAX], path[3 * PATH_MAX];
	ct_start_opts o = CT_START_OPTS_INIT;
	int n = rounds(FEWER, ROUNDS), started = 0;
	ct_container *c = cve_quick();

	(void)data;
	snprintf(evil, sizeof(evil), "%s/flip-side", box.root.base);
	snprintf(to, sizeof(to), "%s/console", decoy.path);
	assert_int_equal(mkdir(evil, 0755), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%d", evil, i);
		assert_int_equal(symlink(to, path), 0);
	}
	assert_int_equal(rootfs_mkdir(&box.root, "dev/pts", 0755), 0);
	assert_ok(c, ct_set_config(c, "autodev", "0"));
	o.flags = CT_START_PTY;
	o.argv = ARGV("/bin/stty", "-a");
	flipper_start("rootfs/dev/pts", "flip-side", false);
	for (int i = 0; i < n; i++) {
		ct_process *p = NULL;
		ct_exit ex;

		if (ct_start(c, &o, &p) < 0)
			continue;
		ex = must_end(p);
		started++;
		if (ex.code)
			escape("what it has is no terminal");
	}
	flipper_stop();
	print_message("# %d of %d started\n", started, n);
	assert_true(started > 0);
	ct_unref(c);
	rootfs_drop(&box.root, "dev/pts");
	tree_remove(evil);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2015-1335-component-race", starts, &component },
		{ "cve-2019-19921-proc-race", starts, &proc },
		{ "cve-2021-25741-source-race", source, NULL },
		{ "cve-2021-30465-target-race", starts, &target },
		{ "cve-2023-27561-proc-link-inside-race", starts, &proc_inside },
		{ "cve-2024-23652-removal-race", removal, NULL },
		{ "cve-2024-45310-create-directory-race", starts, &create_dir },
		{ "cve-2024-45310-create-file-race", starts, &create_file },
		{ "cve-2024-45310-create-parents-race", starts, &create_deep },
		{ "cve-2025-52565-console-race", console, NULL },
		{ "cve-2026-41579-dev-race", starts, &dev },
	};

	return cve_main("races", cases, sizeof(cases) / sizeof(*cases));
}
