/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container may have from its caller: no descriptor, no directory, no memory, no lock. */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define LEAKS 50

static const char *secret(void)
{
	static char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/secret", decoy.path);
	return path;
}

static void check_reach(const char *what, const char *out)
{
	if (out && strstr(out, "reached"))
		escape("%s: the host was reached:\n%s", what, out);
}

/* ---- CVE-2024-21626 -------------------------------------------------------------------------- */

/* Descriptors of the host's directories that are not close-on-exec. */
static void leak_some(int fd[LEAKS])
{
	static const char *const what[] = { "/", "/etc", "/sys/fs/cgroup", "/etc/passwd", "/proc" };

	for (int i = 0; i < LEAKS; i++) {
		fd[i] = open(what[i % 5], i % 2 ? O_PATH : O_RDONLY);
		assert_true(fd[i] >= 0);
	}
}

static void close_all(int fd[LEAKS])
{
	for (int i = 0; i < LEAKS; i++)
		close(fd[i]);
}

/* The payload has three descriptors, and the host opens from none of them. */
static void descriptors(const void *attach)
{
	const char *const argv[] = { "/bin/intruder", "reach", secret(), NULL };
	ct_container *c = must_open(NULL);
	ct_process *init = NULL;
	int fd[LEAKS];
	char *out = NULL;

	leak_some(fd);
	if (attach) {
		init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		assert_ok(c, box_attach(c, NULL, argv, &out, NULL));
	} else {
		assert_ok(c, box_run(c, NULL, argv, &out, NULL));
	}
	close_all(fd);
	check_reach("descriptors", out);
	if (!strstr(out, "fds 3\n"))
		escape("there are other descriptors than three: %s", out);
	free(out);
	ct_process_unref(init);
	ct_unref(c);
}

/* Directories that lead out, if anything does. */
static int odd_directory(int i, char *path, size_t size)
{
	static const char *const named[] = { "/proc/1/cwd",	   "/proc/1/root",
					     "/proc/self/cwd",	   "/proc/self/root/..",
					     "/proc/1/root/../..", "/dev/fd/5",
					     "/link-to-6",	   "/link-to-cwd",
					     "/../../..",	   "/proc/self/fd/7/../../../.." };
	const int n = sizeof(named) / sizeof(*named);

	if (i < n)
		snprintf(path, size, "%s", named[i]);
	else
		snprintf(path, size, "/proc/self/fd/%d", i - n + 3);
	return i < n + 24;
}

/* A start or an attach in such a directory fails, or is in one of the container's. */
static void directories(const void *attach)
{
	const char *const argv[] = { "/bin/intruder", "reach", secret(), NULL };
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *init = NULL;
	char path[64], *out;
	int fd[LEAKS], refused = 0;

	assert_int_equal(rootfs_link(&box.root, "/proc/self/fd/6", "link-to-6"), 0);
	assert_int_equal(rootfs_link(&box.root, "proc/1/cwd", "link-to-cwd"), 0);
	leak_some(fd);
	if (attach)
		init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	for (int i = 0; odd_directory(i, path, sizeof(path)); i++) {
		int r;

		out = NULL;
		o.cwd = path;
		if (attach)
			r = box_attach(c, &o, argv, &out, NULL);
		else if ((r = ct_set_config(c, "init.cwd", path)) == 0)
			r = box_run(c, NULL, argv, &out, NULL);
		refused += r < 0;
		check_reach(path, out);
		free(out);
	}
	close_all(fd);
	assert_true(refused > 10);
	rootfs_drop(&box.root, "link-to-6");
	rootfs_drop(&box.root, "link-to-cwd");
	ct_process_unref(init);
	ct_unref(c);
}

/* The same with a directory of the host that the payload is given on purpose: its number in the
 * stage leads nowhere, whatever it is. */
static void directory_given(const void *attach)
{
	ct_container *c = must_open(NULL);
	ct_start_opts s = CT_START_OPTS_INIT;
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	int fd = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ct_process *init = NULL;
	char path[64], *out;

	assert_true(fd >= 0);
	s.keep_fds = a.keep_fds = &fd;
	s.n_keep_fds = a.n_keep_fds = 1;
	if (attach)
		init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	for (int i = 3; i < 40; i++) {
		int r;

		out = NULL;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		a.cwd = path;
		if (attach)
			r = box_attach(c, &a, ARGV("/bin/intruder", "cwd"), &out, NULL);
		else if ((r = ct_set_config(c, "init.cwd", path)) == 0)
			r = box_run(c, &s, ARGV("/bin/intruder", "cwd"), &out, NULL);
		if (r >= 0 && strncmp(out, "cwd /", 5) != 0)
			escape("%s: %s", path, out);
		free(out);
	}
	close(fd);
	ct_process_unref(init);
	ct_unref(c);
}

/* Programs below such a descriptor. The payload of the last start would be the host's /bin/true. */
static void programs(const void *data)
{
	ct_container *c = must_open(NULL);
	char path[128];
	int fd[LEAKS];

	(void)data;
	leak_some(fd);
	for (int i = 3; i < 40; i++)
		for (int k = 0; k < 2; k++) {
			const char *const argv[] = { path, NULL };

			snprintf(path, sizeof(path), "/proc/self/fd/%d%s", i,
				 k ? "/../../../../../../bin/true" : "/bin/true");
			if (box_run(c, NULL, argv, NULL, NULL) >= 0)
				escape("%s was executed", path);
		}
	close_all(fd);
	ct_unref(c);
}

/* ---- starts that fail ------------------------------------------------------------------------ */

static const struct failing {
	const char *key, *value;
	const char *program;
} failing[] = {
	{ "rootfs.path", "/nowhere/at/all", "/bin/true" },
	{ "mount.entry", "/etc not/there none bind 0 0", "/bin/true" },
	{ "mount.entry", "/not/there mnt none bind 0 0", "/bin/true" },
	{ "mount.entry", "none mnt nofilesystem defaults 0 0", "/bin/true" },
	{ "init.cwd", "/not/there", "/bin/true" },
	{ "hook.pre-start", "/bin/false", "/bin/true" },
	{ "hook.mount", "/bin/false", "/bin/true" },
	{ "hook.start", "/bin/false", "/bin/true" },
	{ "sysctl.kernel.nothing", "1", "/bin/true" },
	{ "proc.oom_score_adj", "5000", "/bin/true" },
	{ "namespace.share.pid", "999999999", "/bin/true" },
	{ "seccomp.profile", "/not/there", "/bin/true" },
	{ "uts.name", "fine", "/not/there" },
	{ "uts.name", "fine", "/etc/passwd" },
};

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void failed_starts(const void *data)
{
	(void)data;
	for (size_t i = 0; i < sizeof(failing) / sizeof(*failing); i++)
		for (int detached = 0; detached < 2; detached++) {
			const struct failing *f = &failing[i];
			int before = open_descriptors(), r;
			ct_container *c = detached ? cve_named("failing") : must_open(NULL);
			const char *const argv[] = { f->program, NULL };

			r = ct_set_config(c, f->key, f->value);
			if (!r && detached)
				r = box_detach(c, argv);
			else if (!r)
				r = box_run(c, NULL, argv, NULL, NULL);
			if (r >= 0)
				fail_msg("%s = %s started %s", f->key, f->value, f->program);
			ct_unref(c);
			if (open_descriptors() != before)
				escape("%s = %s left %d descriptors", f->key, f->value,
				       open_descriptors() - before);
		}
}

/* ---- memory and locks of the caller ---------------------------------------------------------- */

static const char canary[] = "the caller's own words: 4f1c";

/* Whether the process has the words in its memory. */
static bool has_words(pid_t pid)
{
	static char block[1 << 16];
	char path[64], line[512];
	unsigned long from, to;
	bool found = false;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(maps && mem >= 0);
	while (!found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx r", &from, &to) != 2 || strstr(line, "[v"))
			continue;
		for (; from < to && !found; from += sizeof(block) - sizeof(canary)) {
			ssize_t n = pread(mem, block, sizeof(block), (off_t)from);

			found = n > 0 && memmem(block, (size_t)n, canary, sizeof(canary) - 1);
		}
	}
	fclose(maps);
	close(mem);
	memset(block, 0, sizeof(block));
	return found;
}

/* What stays of a detached container, its supervisor, has nothing of its caller. */
static void memory(const void *data)
{
	char lock[2 * PATH_MAX], *words = strdup(canary);
	ct_container *c = cve_named("stays");
	int fd, again, other[LEAKS];
	pid_t init, supervisor;

	(void)data;
	snprintf(lock, sizeof(lock), "%s/lock", box.root.base);
	fd = open(lock, O_RDWR | O_CREAT, 0600);
	assert_true(words && fd >= 0 && flock(fd, LOCK_EX) == 0);
	leak_some(other);
	assert_true(has_words(getpid()));
	assert_ok(c, box_detach(c, ARGV("/bin/sleep", "1000")));
	close_all(other);
	close(fd);
	init = ct_init_pid(c);
	supervisor = parent_of(init);
	assert_true(init > 0 && supervisor > 1 && supervisor != getpid());
	for (int i = 0; i < 2; i++)
		if (has_words(i ? init : supervisor))
			escape("the caller's memory is in the %s", i ? "payload" : "supervisor");
	again = open(lock, O_RDWR | O_CLOEXEC);
	if (flock(again, LOCK_EX | LOCK_NB))
		escape("the caller's lock is still held");
	close(again);
	unlink(lock);
	free(words);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(c);
}

/* ---- CVE-2024-27297 -------------------------------------------------------------------------- */

/* Nothing of the container writes once its end was told. */
static void outputs(const void *data)
{
	static const char script[] = "(while :; do echo x; done) >/output & "
				     "(setsid sh -c 'while :; do echo y; done' >/output2 &) & "
				     "while ! test -s /output -a -s /output2; do :; done";
	ct_container *c = must_open(NULL);
	char path[2][2 * PATH_MAX];
	struct stat before[2], after;

	(void)data;
	snprintf(path[0], sizeof(path[0]), "%s/output", box.root.path);
	snprintf(path[1], sizeof(path[1]), "%s/output2", box.root.path);
	must_end(must_start(c, 0, ARGV("/bin/sh", "-c", script)));
	for (int i = 0; i < 2; i++)
		assert_int_equal(stat(path[i], &before[i]), 0);
	nothing_happens_for(100);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stat(path[i], &after), 0);
		if (after.st_size != before[i].st_size)
			escape("a process still writes to %s", path[i]);
		unlink(path[i]);
	}
	ct_unref(c);
}

/* A socket with an abstract name of the host is not to be found. */
static void abstract_socket(const void *data)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ct-cve-%d", (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *const argv[] = { "/bin/intruder", "abstract", un.sun_path + 1, NULL };
	ct_container *c = must_open(NULL);
	char *out = NULL;

	(void)data;
	assert_int_equal(bind(fd, (struct sockaddr *)&un,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_ok(c, box_run(c, NULL, argv, &out, NULL));
	if (strcmp(out, "abstract: Connection refused\n") != 0)
		escape("an abstract socket of the host: %s", out);
	free(out);
	close(fd);
	ct_unref(c);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2024-21626-descriptors-start", descriptors, NULL },
		{ "cve-2024-21626-descriptors-attach", descriptors, "" },
		{ "cve-2024-21626-cwd-start", directories, NULL },
		{ "cve-2024-21626-cwd-attach", directories, "" },
		{ "cve-2024-21626-cwd-given-start", directory_given, NULL },
		{ "cve-2024-21626-cwd-given-attach", directory_given, "" },
		{ "cve-2024-21626-program", programs, NULL },
		{ "runc-5007-failed-starts", failed_starts, NULL },
		{ "lxc-3254-caller-memory", memory, NULL },
		{ "cve-2024-27297-outputs-after-the-end", outputs, NULL },
		{ "cve-2024-27297-abstract-socket", abstract_socket, NULL },
	};

	return cve_main("descriptors", cases, sizeof(cases) / sizeof(*cases));
}
