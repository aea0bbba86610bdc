/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places of a hostile rootfs where something is mounted, made or read, and sources of mounts. */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "plant.h"

/* ---- a place, and what stands there ---------------------------------------------------------- */

struct site {
	const char *path, *inside; /* below the rootfs; what of the decoy fits it */
	const char *entry;	   /* mount.entry, behind the base directory; NULL: none */
	bool bare_dev;		   /* without a /dev of our own */
	bool strict;		   /* nothing but a directory is taken */
};

/* Makes the place a harmless directory again. */
static void heal(const struct site *s)
{
	rootfs_drop(&box.root, s->path);
	if (strncmp(s->path, "dev/", 4) != 0)
		rootfs_mkdir(&box.root, s->path, 0755);
}

/* One start with what stands there now. */
static void try_site(const struct site *s, const char *what)
{
	char value[3 * PATH_MAX], *out = NULL;
	ct_container *c = must_open(NULL);
	int r;

	if (s->bare_dev)
		assert_ok(c, ct_set_config(c, "autodev", "0"));
	if (s->entry) {
		snprintf(value, sizeof(value), "%s%s", box.root.base, s->entry);
		assert_ok(c, ct_set_config(c, "mount.entry", value));
	}
	r = box_run(c, NULL, ARGV("/bin/cat", "/proc/self/mountinfo"), &out, NULL);
	if (r < 0 && !ct_last_error(c)->message[0])
		fail_msg("%s is %s: refused without a word", s->path, what);
	if (r >= 0)
		cve_check_mounts(out);
	if (r >= 0 && s->strict)
		escape("started while %s is %s", s->path, what);
	free(out);
	ct_unref(c);
	cve_check_decoy(what);
}

/* Every shape at each of the sites, which end with one without a path. */
static void sites(const void *data)
{
	const struct site *s;

	for (s = data; s->path; s++) {
		for (int shape = 0; shape < PLANT_SHAPES; shape++) {
			assert_int_equal(plant(&box.root, s->path, decoy.path, s->inside,
					       (enum plant_shape)shape),
					 0);
			try_site(s, plant_names[shape]);
		}
		if (s->strict) {
			assert_int_equal(rootfs_drop(&box.root, s->path), 0);
			assert_int_equal(rootfs_link(&box.root, "/run", s->path), 0);
			try_site(s, "a link within the rootfs");
		}
		heal(s);
	}
}

static const struct site mount_target[] = {
	{ "mnt", "", "/data mnt/target none bind 0 0", false, false },
	{ "mnt/target", "/target", "/data mnt/target none bind 0 0", false, false },
	{ "mnt/target", "/target", "/data mnt/target/deep none bind,create=dir 0 0", false, false },
	{ "mnt/target", "/target", "/data mnt/target/a/b/c none bind,create=dir 0 0", false,
	  false },
	{ "mnt/target", "/target", "/data/file mnt/target/new none bind,create=file 0 0", false,
	  false },
	{ "mnt/target", "/target", "/data/file mnt/target none bind,create=file 0 0", false,
	  false },
	{ NULL, NULL, NULL, false, false },
};
static const struct site proc[] = { { "proc", "/proc", NULL, false, true },
				    { NULL, NULL, NULL, false, false } };
static const struct site sys[] = { { "sys", "/sys", NULL, false, true },
				   { NULL, NULL, NULL, false, false } };
static const struct site dev[] = { { "dev", "", NULL, false, true },
				   { "dev", "/dev", NULL, true, false },
				   { NULL, NULL, NULL, false, false } };
static const struct site dev_parts[] = {
	{ "dev/pts", "/pts", NULL, true, false },
	{ "dev/shm", "/shm", NULL, true, false },
	{ "dev/mqueue", "/mqueue", NULL, true, false },
	{ "dev/null", "/null", NULL, true, false },
	{ "dev/console", "/console", NULL, true, false },
	{ "dev/ptmx", "/ptmx", NULL, true, false },
	{ "dev/fd", "/dev", NULL, true, false },
	{ NULL, NULL, NULL, false, false },
};

/* ---- CVE-2026-87766 -------------------------------------------------------------------------- */

/* Parents of what is to be made lead to where the old root was, or is. */
static void old_root_in_links(const void *data)
{
	static const char *const to[] = {
		"/oldroot",	   "/proc/1/root",   "/..",	  "../../../../../../../../../..",
		"/proc/self/root", "/proc/self/cwd", "/old_root", "/.pivot_root"
	};
	char link[64], entry[2 * PATH_MAX];

	(void)data;
	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		const struct site here = { "mnt/a", "", entry, false, false };

		snprintf(link, sizeof(link), "%s", to[i]);
		snprintf(entry, sizeof(entry), "/data mnt/a%s/new none bind,create=dir 0 0",
			 decoy.path);
		assert_int_equal(rootfs_link(&box.root, link, "mnt/a"), 0);
		try_site(&here, link);
	}
	rootfs_drop(&box.root, "mnt/a");
	/* what was made within the rootfs */
	rootfs_drop(&box.root, "tmp");
	rootfs_mkdir(&box.root, "tmp", 01777);
}

/* The payload does not find the old root under, over, or behind its own. */
static void old_root_gone(const void *data)
{
	static const char *const more[] = { "default", "user namespace" };
	char secret[PATH_MAX + 16];
	const char *const argv[] = { "/bin/intruder", "reach", secret, NULL };

	(void)data;
	snprintf(secret, sizeof(secret), "%s/secret", decoy.path);
	for (int i = 0; i < 2; i++) {
		ct_container *c = must_open(NULL);
		char *out = NULL;

		assert_ok(c, ct_set_config(c, "cap.drop", "none"));
		if (i)
			assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
						    "g 0 100000 65536", NULL),
					 0);
		assert_ok(c, box_run(c, NULL, argv, &out, NULL));
		if (strstr(out, "reached"))
			escape("%s: the host was reached: %s", more[i], out);
		free(out);
		ct_unref(c);
	}
}

/* ---- files that runtimes write --------------------------------------------------------------- */

static const char *const generated[] = {
	"etc/hosts",	     "etc/hostname",	   "etc/resolv.conf", "etc/mtab",
	"etc/machine-id",    "etc/localtime",	   "etc/passwd",      "etc/group",
	"run/.containerenv", ".dockerenv",	   "run/secrets",     "var/log/boots",
	".krun_config.json", "etc/crypto-policies"
};

/* Links to the decoy in their places stay, and nothing is written through them. */
static void generated_files(const void *data)
{
	char to[PATH_MAX + 64], full[2 * PATH_MAX];
	const size_t n = sizeof(generated) / sizeof(*generated);
	ct_container *c = cve_named("generated");
	struct stat st;

	(void)data;
	for (size_t i = 0; i < n; i++) {
		snprintf(to, sizeof(to), "%s/%s", decoy.path, i % 2 ? "secret" : "etc/new");
		assert_int_equal(rootfs_link(&box.root, to, generated[i]), 0);
	}
	assert_int_equal(box_config(c, "uts.name", "named", NULL), 0);
	assert_ok(c, box_detach(c, ARGV("/bin/sleep", "1000")));
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	for (size_t i = 0; i < n; i++) {
		snprintf(full, sizeof(full), "%s/%s", box.root.path, generated[i]);
		if (lstat(full, &st) || !S_ISLNK(st.st_mode))
			escape("%s was replaced", generated[i]);
		rootfs_drop(&box.root, generated[i]);
	}
	ct_unref(c);
}

/* A working directory that is a link is one of the container's, or none. */
static void workdir(const void *data)
{
	const struct site site = { "home", "/target", NULL, false, false };

	(void)data;
	for (int shape = 0; shape < PLANT_SHAPES; shape++) {
		ct_container *c = must_open(NULL);
		char *out = NULL;

		assert_int_equal(plant(&box.root, "home", decoy.path, "/target",
				       (enum plant_shape)shape),
				 0);
		assert_ok(c, ct_set_config(c, "init.cwd", "/home"));
		if (box_run(c, NULL, ARGV("/bin/probe"), &out, NULL) >= 0)
			escape("started in /home, which is %s", plant_names[shape]);
		free(out);
		ct_unref(c);
		cve_check_decoy(plant_names[shape]);
	}
	heal(&site);
}

/* ---- the rootfs, and names ------------------------------------------------------------------- */

static void rootfs_is_a_link(const void *data)
{
	static const char *const tails[] = { "", "/", "//", "/." };
	char link[PATH_MAX], path[PATH_MAX + 8];

	(void)data;
	snprintf(link, sizeof(link), "%s/link", box.root.base);
	assert_int_equal(symlink("rootfs", link), 0);
	for (int i = 0; i < 3; i++) {
		ct_container *c = must_open(NULL);

		snprintf(path, sizeof(path), "%s%s", link, tails[i]);
		assert_ok(c, ct_set_config(c, "rootfs.path", path));
		if (box_run(c, NULL, ARGV("/bin/true"), NULL, NULL) >= 0)
			escape("rootfs.path = %s, a link, was taken", path);
		ct_unref(c);
	}
	unlink(link);
}

static void names(const void *data)
{
	static char longest[400];
	const char *const bad[] = { "../x", "a/b", ".",	    "..",	"/",   "a\nb", "a\tb",
				    " ",    "",	   "x\x7f", "\xff\xfe", "-rf", longest };

	(void)data;
	memset(longest, 'n', sizeof(longest) - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ct_new_opts where = box.where;
		ct_container *c = NULL;

		if (ct_new(&c, bad[i], &where) >= 0)
			escape("\"%s\" is a name", bad[i]);
		assert_null(c);
	}
}

/* A start changes no owner, mode or time in the rootfs, whatever the map is. */
static void nothing_is_shifted(const void *data)
{
	static const char *const first[] = { "100000", "200000", "0" };
	unsigned long long before;

	(void)data;
	before = tree_digest(box.root.path);
	for (int i = 0; i < 3; i++) {
		char u[64], g[64];
		ct_container *c = must_open(NULL);

		snprintf(u, sizeof(u), "u 0 %s 65536", first[i]);
		snprintf(g, sizeof(g), "g 0 %s 65536", first[i]);
		assert_int_equal(box_config(c, "idmap", u, "idmap", g, NULL), 0);
		assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
		ct_unref(c);
		if (tree_digest(box.root.path) != before)
			escape("a start with %s changed the rootfs", u);
	}
}

/* ---- sources --------------------------------------------------------------------------------- */

/* What is mounted is the descriptor's object, whatever has taken its path. */
static void descriptor_source(const void *data)
{
	char path[2 * PATH_MAX], other[2 * PATH_MAX], file[2 * PATH_MAX + 8];
	ct_container *c = must_open(NULL);
	ct_mount m = CT_MOUNT_INIT;
	char *out = NULL;
	int fd;

	(void)data;
	snprintf(path, sizeof(path), "%s/volume", box.root.base);
	snprintf(other, sizeof(other), "%s/volume.old", box.root.base);
	snprintf(file, sizeof(file), "%s/own", path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mknod(file, S_IFREG | 0644, 0), 0);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	m.source_fd = fd;
	m.target = "/mnt";
	assert_ok(c, ct_add_mount(c, &m));
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_ok(c, box_run(c, NULL, ARGV("/bin/ls", "/mnt"), &out, NULL));
	if (strcmp(out, "own\n") != 0)
		escape("what is mounted is not the descriptor's: %s", out);
	free(out);
	close(fd);
	ct_unref(c);
	tree_remove(path);
	tree_remove(other);
}

/* Volumes over /proc and /sys change what the payload sees, and nothing of the host's. */
static void volumes_over_proc(const void *data)
{
	static const char *const targets[] = { "proc",		 "proc/sys", "sys",
					       "proc/self/attr", "proc/1",   "proc/sys/kernel",
					       "sys/fs/cgroup" };
	char value[2 * PATH_MAX];

	(void)data;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		ct_container *c = must_open(NULL);

		snprintf(value, sizeof(value), "%s/proc %s none bind 0 0", decoy.path, targets[i]);
		assert_int_equal(box_config(c, "mount.entry", value, "sysctl.kernel.msgmax", "9000",
					    "proc.oom_score_adj", "10", NULL),
				 0);
		box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		ct_unref(c);
		cve_check_decoy(targets[i]);
	}
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2015-1335-mount-target", sites, mount_target },
		{ "cve-2015-1340-nothing-is-shifted", nothing_is_shifted, NULL },
		{ "cve-2015-3630-volumes-over-proc", volumes_over_proc, NULL },
		{ "cve-2019-16884-proc-is-no-directory", sites, proc },
		{ "cve-2023-28642-sys-is-no-directory", sites, sys },
		{ "cve-2024-42472-descriptor-source", descriptor_source, NULL },
		{ "cve-2024-5154-generated-files", generated_files, NULL },
		{ "cve-2026-23954-rootfs-is-a-link", rootfs_is_a_link, NULL },
		{ "cve-2026-33711-names", names, NULL },
		{ "cve-2026-41579-dev-is-a-link", sites, dev },
		{ "cve-2026-47766-dev-parts", sites, dev_parts },
		{ "cve-2026-55686-workdir", workdir, NULL },
		{ "cve-2026-87766-old-root-in-links", old_root_in_links, NULL },
		{ "cve-2026-87766-old-root-gone", old_root_gone, NULL },
	};

	return cve_main("targets", cases, sizeof(cases) / sizeof(*cases));
}
