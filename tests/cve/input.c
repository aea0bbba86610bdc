/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is read: values with control characters, words that look like options, lists that are empty,
 * files without end, and settings that lie in the rootfs.
 */
#include "help.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024l * 1024)

/* ---- control characters ---------------------------------------------------------------------- */

/* The names of all keys, with something for what a "*" stands for. */
static char *keys(void)
{
	ssize_t n = ct_list_keys(NULL, NULL, 0);
	char *text = malloc((size_t)n + 1);

	assert_non_null(text);
	assert_int_equal(ct_list_keys(NULL, text, (size_t)n + 1), n);
	return text;
}

static void key_name(const char *listed, char *buf, size_t size)
{
	size_t n = 0;

	for (; *listed && n < size - 1; listed++)
		buf[n++] = *listed == '*' ? '0' : *listed;
	buf[n] = '\0';
}

/* Every key refuses them; or a config that is written with it and read again is the same, without
 * a line more. */
static void control_in_values(const void *data)
{
	static const char *const bad[] = {
		"a\nlxc.init.uid = 0", "a\rb", "a\001", "\n", "a\n", "a\x7f",
		"a\033]0;x\007",       "1\n1"
	};
	char *all = keys(), name[128], *save = NULL;
	int n = 0;

	(void)data;
	for (char *k = strtok_r(all, "\n", &save); k; k = strtok_r(NULL, "\n", &save), n++) {
		ct_container *c = must_open(NULL);

		key_name(k, name, sizeof(name));
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (ct_set_config(c, name, bad[i]) == 0)
				escape("%s takes a control character (%zu)", name, i);
		ct_unref(c);
	}
	free(all);
	assert_true(n > 100);
}

/* In the names of keys, and of containers. */
static void control_in_names(const void *data)
{
	static const char *const bad_keys[] = { "init.uid\n",	"environment = X\ninit.uid",
						"net.0\n.type", "prlimit.\nnofile",
						"sysctl.a\nb",	"proc.a\nb",
						"cgroup2.a\nb" };
	static const char *const bad_names[] = { "a\nb", "a/b",	     "../x", "..",     ".",
						 "",	 "-x",	     ".x",   "a\033b", "a b",
						 "a:b",	 "\xc3\xa4", "a\tb" };
	ct_container *c = must_open(NULL), *d = NULL;

	(void)data;
	for (size_t i = 0; i < sizeof(bad_keys) / sizeof(bad_keys[0]); i++)
		if (ct_set_config(c, bad_keys[i], "1") == 0)
			escape("key %zu with a control character is taken", i);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		if (ct_new(&d, bad_names[i], &box.where) == 0)
			escape("container name %zu is taken", i);
	ct_unref(c);
}

/* What a start is given may have them: it is handed over as it is, and is nowhere a line of its
 * own. */
static void control_in_words(const void *data)
{
	static const char *const told[] = { "/bin/sh", "-c",
					    "printf %s \"$EVIL\" | wc -l; id -u; "
					    "env | grep -c ^init.uid; echo \"$0\" | wc -l",
					    "a\ninit.uid = 0", NULL };
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open(NULL);
	char *out = NULL, *plan = NULL;
	int r;

	(void)data;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", NULL), 0);
	o.envp = ARGV("EVIL=x\ninit.uid = 0\nlxc.cap.keep = sys_admin");
	o.argv = told;
	r = box_run(c, &o, told, &out, NULL);
	/* two ends of lines in the variable, and the line that env prints of it */
	if (r == 0 && strcmp(out, "2\n1000\n1\n2\n"))
		escape("words were taken for settings: %s", out);
	free(out);
	if (ct_dump_plan(c, &o, CT_FORMAT_TEXT, &plan) == 0 && strstr(plan, "\ninit.uid"))
		escape("a word makes a line of the plan: %s", plan);
	ct_free(plan);
	ct_unref(c);
}

static char logged[65536];

static void take_line(void *data, int level, const char *line)
{
	size_t n = strlen(logged);

	(void)data;
	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s\n", line);
	for (const unsigned char *p = (const unsigned char *)line; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*(char *)data = 1;
}

/* A hook of the rootfs prints what would control a terminal, or look like another line. */
static void control_in_log(const void *data)
{
	static const char hook[] = "#!/bin/sh\nprintf 'evil\\033[2J\\007\\r\\nfake line\\001\\n'\n";
	ct_container *c = must_open(NULL);
	char bad = 0;

	(void)data;
	logged[0] = '\0';
	assert_int_equal(rootfs_file(&box.root, "bin/hook", hook, 0755), 0);
	assert_ok(c, ct_set_config(c, "hook.start", "/bin/hook"));
	assert_ok(c, ct_set_log(c, CT_LOG_TRACE, take_line, &bad));
	assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_non_null(strstr(logged, "fake line"));
	if (bad || strstr(logged, "\nfake line"))
		escape("a hook controls the log: %s", logged);
	ct_unref(c);
	rootfs_drop(&box.root, "bin/hook");
}

/* ---- words that look like options ------------------------------------------------------------ */

static void dashes(const void *data)
{
	static const char *const names[] = { "-x", "--help", "-rf", "-" };
	char tool[PATH_MAX], rootfs[2 * PATH_MAX], *out;
	ct_container *c = NULL;
	struct run_result r;

	(void)data;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(ct_new(&c, names[i], &box.where), -EINVAL);
	/* a program's words are its own: of a call, and of a tool, with a root that is called so */
	c = must_open(NULL);
	out = said(c, NULL, ARGV("/bin/echo", "--privileged", "-u", "0", "--"));
	assert_string_equal(out, "--privileged -u 0 --\n");
	free(out);
	ct_unref(c);
	snprintf(rootfs, sizeof(rootfs), "%s/-rootfs", box.root.base);
	assert_int_equal(rename(box.root.path, rootfs), 0);
	for (int i = 0; i < 2; i++) {
		int err = run_tool(ARGV(built("tools/ct-run", tool, sizeof(tool)), "--state-dir",
					box.state, "--rootfs", rootfs, "--", "/bin/echo",
					i ? "--rootfs=/" : "--keep-cap=all"),
				   NULL, PATIENCE_MS, &r);

		if (err || r.status)
			print_message("# %s\n", err ? "no tool" : r.err);
		if (!err && (r.status || strcmp(r.out, i ? "--rootfs=/\n" : "--keep-cap=all\n"))) {
			rename(rootfs, box.root.path);
			escape("ct-run takes a word behind -- for its own: %s%s", r.out, r.err);
		}
		run_free(&r);
	}
	assert_int_equal(rename(rootfs, box.root.path), 0);
}

/* ---- settings in the rootfs ------------------------------------------------------------------ */

static const char *const settings[] = { ".nspawn",
					"rootfs.nspawn",
					"config.json",
					"config",
					"lxc.conf",
					".containerenv",
					".dockerenv",
					"etc/libcontain/config",
					"etc/lxc/default.conf",
					"etc/ld.so.preload",
					"etc/nsswitch.conf",
					"etc/environment",
					"etc/security/limits.conf",
					"etc/hostname",
					"run/.containerenv",
					"usr/lib/libcontain/config",
					"etc/subuid",
					"etc/login.defs" };

static char *report_without_noise(ct_container *c)
{
	char *report = said(c, NULL, ARGV("/bin/probe"));
	static const char *const noisy[] = { "{\"ns_", "{\"fd_objects", "{\"session_keyring",
					     "{\"exe" };
	char *to = report;

	for (char *line = report; *line;) {
		size_t n = strcspn(line, "\n");
		bool keep = true;

		n += line[n] == '\n';
		for (size_t i = 0; i < sizeof(noisy) / sizeof(noisy[0]); i++)
			keep &= strncmp(line, noisy[i], strlen(noisy[i])) != 0;
		if (keep) {
			memmove(to, line, n);
			to += n;
		}
		line += n;
	}
	*to = '\0';
	return report;
}

static void settings_of_image(const void *data)
{
	static const char text[] = "[Exec]\nPrivateUsers=no\nCapability=all\n"
				   "lxc.cap.keep = sys_admin\ninit.uid = 7\nlxc.uts.name = evil\n"
				   "{\"process\": {\"user\": {\"uid\": 7}}}\nEVIL=1\n";
	ct_container *c = must_open(NULL);
	char *before = report_without_noise(c), *after;

	(void)data;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		assert_int_equal(rootfs_file(&box.root, settings[i], text, 0755), 0);
	after = report_without_noise(c);
	if (strcmp(before, after))
		escape("files of the rootfs change what the payload is:\n%.400s", after);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		rootfs_drop(&box.root, settings[i]);
	free(before);
	free(after);
	ct_unref(c);
}

/* ---- empty lists ----------------------------------------------------------------------------- */

/* Nothing allowed is nothing, and not all. */
static void empty_lists(const void *data)
{
	static const char filter[] = "2\nallowlist\n";
	static const char json[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": []}";
	const char *const texts[] = { filter, json };
	char path[PATH_MAX + 16], caps[64], *out;
	ct_container *c = must_open(NULL);

	(void)data;
	assert_int_equal(box_config(c, "cap.keep", "none", "limit.devices", "none", NULL), 0);
	out = said(c, NULL, ARGV("/bin/probe"));
	if (strcmp(probe_get(out, "cap_bounding", caps, sizeof(caps)), "\"0000000000000000\""))
		escape("no capability kept: %s", caps);
	free(out);
	none_can(c, NAMES("dev-null", "dev-kmsg"));
	snprintf(path, sizeof(path), "%s/empty-filter", box.root.base);
	for (int i = 0; i < 2; i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ct_exit ex = CT_EXIT_INIT;

		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		close(fd);
		c = must_open(NULL);
		out = NULL;
		if (ct_set_config(c, "seccomp.profile", path) == 0 &&
		    box_run(c, NULL, ARGV("/bin/echo", "ran"), &out, &ex) == 0 &&
		    (ex.code == 0 || (out && strstr(out, "ran"))))
			escape("a filter that allows nothing lets a program run (%d)", i);
		free(out);
		ct_unref(c);
	}
	unlink(path);
}

/* "" and an empty list are nothing; NULL and no flag are the payload's. */
static void null_is_not_empty(const void *data)
{
	ct_attach_opts none = CT_ATTACH_OPTS_INIT;
	ct_container *c = must_open(NULL);
	char *out, got[64];
	ct_process *p;

	(void)data;
	assert_ok(c, ct_set_config(c, "init.groups", "7 8"));
	p = waiting(c);
	out = said_attached(c, NULL, ARGV("/bin/probe"));
	assert_string_equal(probe_get(out, "groups", got, sizeof(got)), "[7, 8]");
	free(out);
	none.flags = CT_ATTACH_SET_CAPS | CT_ATTACH_SET_GROUPS;
	none.caps = "";
	out = said_attached(c, &none, ARGV("/bin/probe"));
	if (strcmp(probe_get(out, "cap_effective", got, sizeof(got)), "\"0000000000000000\""))
		escape("no capabilities: %s", got);
	if (strcmp(probe_get(out, "groups", got, sizeof(got)), "[]"))
		escape("no groups: %s", got);
	free(out);
	let_go(c, p);
}

/* ---- without end ----------------------------------------------------------------------------- */

enum endless { SPARSE, FIFO, ZERO, LONG_LINE, MANY_LINES, N_ENDLESS };

static void make_endless(const char *path, enum endless what)
{
	char block[8192];
	int fd;

	if (what == FIFO) {
		assert_int_equal(mkfifo(path, 0666), 0);
		return;
	}
	if (what == ZERO) {
		assert_int_equal(symlink("/dev/zero", path), 0);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	memset(block, what == LONG_LINE ? 'x' : '\n', sizeof(block));
	for (int i = 0; what != SPARSE && i < 2048; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	if (what == SPARSE)
		assert_int_equal(ftruncate(fd, 10ll << 30), 0);
	close(fd);
}

/* The most that the children of this process had at once, KiB. */
static long grown(long before)
{
	return leak_rss_kib() - before;
}

/* An attach by name comes back soon, as an error or as who he is, and costs no memory. */
static void endless_table(const void *data)
{
	const char *which = data;
	char path[2 * PATH_MAX];
	ct_container *c = must_open(NULL);
	ct_process *p = waiting(c);

	snprintf(path, sizeof(path), "%s/%s", box.root.path, which);
	for (enum endless e = 0; e < N_ENDLESS; e++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		long long begin = now_ms();
		char *out = NULL;
		long rss;

		rootfs_drop(&box.root, which);
		make_endless(path, e);
		rss = leak_rss_kib();
		o.user = "tester";
		if (box_attach(c, &o, ARGV("/bin/id", "-u"), &out, NULL) == 0 &&
		    strcmp(out, "1000\n"))
			escape("%s (%d): he is %s", which, e, out);
		if (now_ms() - begin > 5000 * slowness() || grown(rss) > 4096)
			escape("%s (%d): %lld ms, %ld KiB", which, e, now_ms() - begin, grown(rss));
		free(out);
	}
	let_go(c, p);
	rootfs_drop(&box.root, which);
}

/* A config, the file of its mounts, and a filter: refused soon. */
static void endless_config(const void *data)
{
	static const char *const keys_of[] = { NULL, "mount.fstab", "seccomp.profile", "include" };
	char path[PATH_MAX + 16];

	(void)data;
	snprintf(path, sizeof(path), "%s/endless", box.root.base);
	for (int i = 0; i < 4 * N_ENDLESS; i++) {
		const char *key = keys_of[i / N_ENDLESS];
		enum endless e = (enum endless)(i % N_ENDLESS);
		ct_container *c = must_open(NULL);
		long long begin = now_ms();
		long rss = leak_rss_kib();
		int r;

		unlink(path);
		make_endless(path, e);
		r = key ? ct_set_config(c, key, path) : ct_load_config(c, path);
		if (key && r == 0)
			r = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
		if (now_ms() - begin > 5000 * slowness() || grown(rss) > 8192)
			escape("%s (%d): %lld ms, %ld KiB", key ? key : "a config", e,
			       now_ms() - begin, grown(rss));
		if (r == 0 && (e == SPARSE || e == LONG_LINE || e == FIFO))
			escape("%s (%d) is taken", key ? key : "a config", e);
		ct_unref(c);
	}
	unlink(path);
}

/* A payload that prints without end to somebody who reads slowly. */
static void endless_output(const void *data)
{
	long long mib = rounds(64, 1024), limit = mib / 2;
	char bytes[32], most[32], block[65536];
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open(NULL);
	ct_exit ex = CT_EXIT_INIT;
	long rss, got = 0;
	ct_process *p;
	int fd[2];
	ssize_t n;

	(void)data;
	snprintf(bytes, sizeof(bytes), "%lld", mib * MIB);
	snprintf(most, sizeof(most), "%lldM", limit);
	assert_ok(c, ct_set_config(c, "limit.output", most));
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	o.argv = ARGV("/bin/probe", "output", bytes);
	o.stdio[0] = o.stdio[2] = -1;
	o.stdio[1] = fd[1];
	assert_ok(c, ct_start(c, &o, &p));
	close(fd[1]);
	rss = leak_rss_kib();
	while ((n = read(fd[0], block, sizeof(block))) > 0)
		got += n;
	close(fd[0]);
	assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
	if (grown(rss) > 4096 || got > limit * MIB + 2 * MIB)
		escape("%ld bytes came, %ld KiB", got, grown(rss));
	assert_int_equal(ex.reason, CT_EXIT_OUTPUT);
	let_go(c, p);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2026-23953-control-in-values", control_in_values, NULL },
		{ "cve-2026-23953-control-in-names", control_in_names, NULL },
		{ "cve-2026-23953-control-in-words", control_in_words, NULL },
		{ "control-in-log", control_in_log, NULL },
		{ "cve-2026-48755-dashes", dashes, NULL },
		{ "cve-2026-40226-settings-of-image", settings_of_image, NULL },
		{ "empty-lists", empty_lists, NULL },
		{ "null-is-not-empty", null_is_not_empty, NULL },
		{ "endless-passwd", endless_table, "etc/passwd" },
		{ "cve-2026-47262-endless-group", endless_table, "etc/group" },
		{ "cve-2026-41648-endless-config", endless_config, NULL },
		{ "cve-2022-1708-endless-output", endless_output, NULL },
	};

	return cve_main("input", cases, sizeof(cases) / sizeof(*cases));
}
