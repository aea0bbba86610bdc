/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-create: defines a container and fills its root file system. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"
#include "create.h"

#define HOST_NAME_BYTES 64 /* what the kernel takes of a name */

static struct args a;
static struct {
	const char *config, *template, *bdev, *dir;
} o;

#define ONLY_DIRECTORIES "this version stores root file systems in directories only"

static const struct opt opts[] = {
	{ 't', "template", "TEMPLATE", OPT_STRING, &o.template,
	  "busybox, debian, tar, dir, none, or the path of a template program", NULL },
	{ 'f', "config", "FILE", OPT_STRING, &o.config, "begin with this config file", NULL },
	{ 'B', "bdev", "STORE", OPT_STRING, &o.bdev, "backing store: dir (default)", NULL },
	{ 0, "dir", "PATH", OPT_PATH, &o.dir,
	  "build the root file system at PATH, or with -t none use what is there", NULL },
	{ 0, "lvname", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "vgname", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "thinpool", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "rbdname", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "rbdpool", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "rbduser", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "zfsroot", "NAME", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "fstype", "TYPE", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
	{ 0, "fssize", "SIZE", OPT_REFUSED, NULL, ONLY_DIRECTORIES, NULL },
};
static const struct tool tool = {
	"ct-create",
	"NAME -t TEMPLATE [OPTION...] [-- TEMPLATE-OPTION...]",
	"Defines a container. -t tar -- FILE unpacks a tarball, -t dir -- PATH copies a folder, -t "
	"none takes the config as it\n"
	"is; template options follow --, try -t busybox -- --help.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_COMMAND | TOOL_NO_RCFILE,
};

/* ---- templates ------------------------------------------------------------------------------- */

/* The one word after "--" that tar and dir take, as an absolute path; to be released
 * with free(). */
static char *source_path(void)
{
	char *path;

	if (a.n_rest != 1) {
		fail(&a, "-t %s wants one path: ct-create -n %s -t %s -- PATH", o.template, a.name,
		     o.template);
		return NULL;
	}
	path = realpath(a.rest[0], NULL);
	if (!path)
		fail(&a, "%s: %s", a.rest[0], strerror(errno));
	return path;
}

static int unpack_tar(const struct partial *p)
{
	char *file = source_path();
	char *argv[] = { (char *)"tar",
			 (char *)"--extract",
			 (char *)"--numeric-owner",
			 (char *)"--preserve-permissions",
			 (char *)"--acls",
			 (char *)"--xattrs",
			 (char *)"--xattrs-include=*",
			 (char *)"--force-local",
			 (char *)"--directory",
			 (char *)p->rootfs,
			 (char *)"--file",
			 file,
			 NULL };
	int err = EXIT_OWN;

	if (file)
		err = run_filler(&a, p, "tar", argv);
	free(file);
	return err;
}

static int copy_dir(const struct partial *p)
{
	char *dir = source_path(), *inside = NULL;
	char *argv[] = { (char *)"cp",
			 (char *)"--archive",
			 (char *)"--one-file-system",
			 (char *)"--reflink=auto",
			 (char *)"--",
			 NULL,
			 (char *)p->rootfs,
			 NULL };
	struct stat st;
	int err = EXIT_OWN;

	if (dir && (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)))
		err = fail(&a, "%s: not a directory", dir);
	else if (dir && asprintf(&inside, "%s/.", dir) < 0)
		err = fail(&a, "out of memory");
	else if (dir) {
		argv[5] = inside;
		err = run_filler(&a, p, "cp", argv);
	}
	free(inside);
	free(dir);
	return err;
}

/* Finds the template program: by its path; in $CT_TEMPLATE_PATH; next to this tool (a build that is
 * not installed); or where it is installed. */
static int find_template(char *path, size_t size)
{
	const char *env = getenv("CT_TEMPLATE_PATH");
	char self[PATH_MAX] = "";

	if (strchr(o.template, '/')) {
		snprintf(path, size, "%s", o.template);
		if (access(path, X_OK))
			return fail(&a, "template %s: %s", path, strerror(errno));
		return 0;
	}
	if (env && *env) {
		snprintf(path, size, "%s/ct-%s", env, o.template);
		if (!access(path, X_OK))
			return 0;
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 && strrchr(self, '/')) {
		*strrchr(self, '/') = '\0';
		snprintf(path, size, "%s/templates/ct-%s", self, o.template);
		if (!access(path, X_OK))
			return 0;
	}
	snprintf(path, size, "%s/ct-%s", CT_TEMPLATE_DIR, o.template);
	if (!access(path, X_OK))
		return 0;
	return fail(&a,
		    "-t %s: there is no such template in %s (there are busybox, debian, tar, "
		    "dir and none)",
		    o.template, CT_TEMPLATE_DIR);
}

/* Calls a template as LXC does: --path is the directory with the config that it adds to. */
static int run_template(const struct partial *p)
{
	char program[PATH_MAX + 64], path[PATH_MAX + 64], name[300], rootfs[PATH_MAX + 128],
		what[256];
	char **argv = calloc((size_t)a.n_rest + 5, sizeof(*argv));
	int err, n = 0;

	if (!argv)
		return fail(&a, "out of memory");
	err = find_template(program, sizeof(program));
	if (!err) {
		snprintf(path, sizeof(path), "--path=%s", p->path);
		snprintf(name, sizeof(name), "--name=%s", a.name);
		snprintf(rootfs, sizeof(rootfs), "--rootfs=%s", p->rootfs);
		snprintf(what, sizeof(what), "template %s", o.template);
		argv[n++] = program;
		argv[n++] = path;
		argv[n++] = name;
		argv[n++] = rootfs;
		for (int i = 0; i < a.n_rest; i++)
			argv[n++] = a.rest[i];
		err = run_filler(&a, p, what, argv);
	}
	free(argv);
	return err;
}

static int fill(const struct partial *p)
{
	if (!strcmp(o.template, "tar"))
		return unpack_tar(p);
	if (!strcmp(o.template, "dir"))
		return copy_dir(p);
	return run_template(p);
}

/* ---- creation -------------------------------------------------------------------------------- */

static int check_args(void)
{
	if (!o.template || !*o.template)
		return fail(&a, "missing template, use -t busybox, debian, tar, dir, none or the "
				"path of one");
	if (o.bdev && strcmp(o.bdev, "dir") && strcmp(o.bdev, "best"))
		return fail(&a, "-B %s: " ONLY_DIRECTORIES, o.bdev);
	if (!strcmp(o.template, "none") && a.n_rest)
		return fail(&a, "-t none takes no template options");
	return 0;
}

/* -f, or the installation's default; NULL without either. */
static const char *first_config(void)
{
	if (o.config)
		return o.config;
	if (access(CT_DEFAULT_CONFIG, R_OK) == 0)
		return CT_DEFAULT_CONFIG;
	return NULL;
}

/* The config before the template's part: -f, else the installation's default, and what a
 * container should not lack. */
static int base_config(ct_container *c)
{
	const char *file = first_config();
	char host[HOST_NAME_BYTES + 1];

	snprintf(host, sizeof(host), "%.*s", HOST_NAME_BYTES, a.name);
	if (file && !is_empty_config(file) && ct_load_config(c, file) < 0)
		return fail_container(&a, c);
	if (!config_is_set(c, "uts.name") && ct_set_config(c, "uts.name", host) < 0)
		return fail_container(&a, c);
	if (!config_is_set(c, "net.0.type") && ct_set_config(c, "net.0.type", "empty") < 0)
		return fail_container(&a, c);
	return 0;
}

/* Opens the tree's own init, its links followed within the tree. A descriptor, or -1. */
static int open_init(const char *rootfs)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd, root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, "sbin/init", &how, sizeof(how));
	close(root);
	return fd;
}

/* Whether the tree's init is a program of this name, whatever links lead to it. */
static bool has_init(const char *rootfs, const char *program)
{
	char self[64], path[PATH_MAX] = "";
	const char *name;
	int fd = open_init(rootfs);

	if (fd < 0)
		return false;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (readlink(self, path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	close(fd);
	name = strrchr(path, '/');
	return name && !strcmp(name + 1, program);
}

/* Whether the value of a key has this word. */
static int has_word(ct_container *c, const char *key, const char *word)
{
	char text[4096] = "", *save = NULL, *w;

	if (ct_get_config(c, key, text, sizeof(text)) < 0)
		return 0;
	for (w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save))
		if (!strcmp(w, word))
			return 1;
	return 0;
}

/* Inits by the file that /sbin/init is, and the capability that each needs: systemd to mount, the
 * others for reboot(2), without which they stay when they have ended all else. */
static const struct {
	const char *file, *name, *cap, *without, *more;
} inits[] = {
	{ "systemd", "systemd", "sys_admin", "does not boot",
	  " 'mount.auto=proc:mixed sys:mixed cgroup:rw'" },
	{ "init", "sysvinit", "sys_boot", "can neither halt nor reboot", "" },
	{ "runit-init", "runit", "sys_boot", "can neither halt nor reboot", "" },
	{ "openrc-init", "openrc-init", "sys_boot", "can neither halt nor reboot", "" },
	{ "busybox", "busybox", "sys_boot", "can neither halt nor reboot", "" },
};

/* Whether the config leaves the container a capability that is not among the default ones. */
static bool keeps(ct_container *c, const char *cap)
{
	if (config_is_set(c, "cap.keep"))
		return has_word(c, "cap.keep", cap);
	if (config_is_set(c, "cap.bounding"))
		return has_word(c, "cap.bounding", cap);
	return config_is_set(c, "cap.drop") && !has_word(c, "cap.drop", cap);
}

/* Warns if the tree's init lacks a capability by this config. What a root file system holds must
 * not give the container privileges, so the config is left to the user. */
static void warn_of_init(ct_container *c, const char *rootfs)
{
	if (!has_word(c, "init.cmd", "/sbin/init"))
		return;
	for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]); i++)
		if (has_init(rootfs, inits[i].file) && !keeps(c, inits[i].cap))
			fail(&a,
			     "its init is %s, which %s without the capability %s; what is missing: "
			     "ct-config %s 'cap.drop=mac_admin mac_override sys_time sys_module "
			     "sys_rawio'%s",
			     inits[i].name, inits[i].without, inits[i].cap, a.name, inits[i].more);
}

/* --dir: moves the finished tree to its place, where at most an empty directory may be. */
static int place_at_dir(ct_container *c, const struct partial *p)
{
	char copy[PATH_MAX], *name, *abs, *path = NULL;
	const char *parent = copy;
	int err = 0, moved = 0;

	snprintf(copy, sizeof(copy), "%s", o.dir);
	while ((name = strrchr(copy, '/')) && name > copy && !name[1])
		*name = '\0';
	if (!name) {
		parent = ".";
		name = copy;
	} else {
		*name++ = '\0';
		if (!*parent)
			parent = "/";
	}
	abs = realpath(parent, NULL);
	if (!abs || asprintf(&path, "%s/%s", abs, name) < 0)
		err = fail(&a, "--dir %s: %s", o.dir, strerror(errno));
	else
		moved = rename(p->rootfs, path);
	if (moved < 0 && errno == EXDEV)
		err = fail(&a,
			   "--dir %s: it must be on the file system of the container directory %s",
			   o.dir, ct_path(c));
	else if (moved < 0)
		err = fail(&a, "--dir %s: %s", o.dir, strerror(errno));
	if (!err)
		err = define(&a, c, "rootfs.path", path);
	free(abs);
	free(path);
	return err;
}

static int create_filled(ct_container *c, struct partial *p)
{
	ct_create_opts co = CT_CREATE_OPTS_INIT;
	int err = fill(p);

	if (err)
		return err;
	if (ct_load_config(c, p->config) < 0)
		return fail_container(&a, c);
	warn_of_init(c, p->rootfs);
	if (!o.dir) {
		co.rootfs = p->rootfs;
		if (ct_create(c, &co) < 0)
			return fail_container(&a, c);
		return 0;
	}
	err = place_at_dir(c, p);
	if (err)
		return err;
	if (ct_create(c, NULL) == 0)
		return 0;
	err = fail_container(&a, c);
	if (rename(o.dir, p->rootfs) < 0) /* back, to be removed with the rest */
		fail(&a, "%s stays: %s", o.dir, strerror(errno));
	return err;
}

static int create_plain(ct_container *c)
{
	char *abs = NULL;
	int err;

	if (o.dir) {
		abs = realpath(o.dir, NULL);
		if (!abs)
			return fail(&a, "--dir %s: %s", o.dir, strerror(errno));
	}
	err = define(&a, c, "rootfs.path", abs);
	if (!err && abs)
		warn_of_init(c, abs);
	free(abs);
	if (err)
		return err;
	if (ct_create(c, NULL) < 0)
		return fail_container(&a, c);
	return 0;
}

static int create(ct_container *c)
{
	struct partial p;
	char dir[PATH_MAX];
	int err = base_config(c);

	if (err)
		return err;
	if (!strcmp(o.template, "none"))
		return create_plain(c);
	if ((size_t)snprintf(dir, sizeof(dir), "%s/config", ct_path(c)) >= sizeof(dir))
		return fail(&a, "%s: %s", ct_path(c), strerror(ENAMETOOLONG));
	if (!access(dir, F_OK))
		return fail(&a,
			    "a container of this name is defined already in %s; "
			    "use another name, or ct-destroy",
			    ct_path(c));
	snprintf(dir, sizeof(dir), "%.*s", (int)(strlen(ct_path(c)) - strlen(a.name) - 1),
		 ct_path(c));
	err = partial_make(&a, &p, dir, a.name);
	if (err)
		return err;
	err = create_filled(c, &p);
	partial_remove(&a, &p);
	return err;
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = check_args();
	if (!err)
		err = open_container(&a, &c);
	if (err)
		return err;
	return create(c);
}
