/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of ct_audit(): what each finds, how serious it is with and without a user namespace,
 * and that what it names as the remedy is one: carried out, the weakness is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/seccomp/policy.h"
#include "model.h"
#include "run/protect/audit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

#define LIMITS "limit.memory = 1G\nlimit.pids = 100\nlimit.cpu = 1\n"
/* nothing to object to */
#define APART                                                  \
	"idmap = u 0 100000 65536\nidmap = g 0 100000 65536\n" \
	"seccomp.profile = default\n" LIMITS
/* nothing but that there is no user namespace, which is left out below */
#define PLAIN "seccomp.profile = default\nno_new_privs = 1\ncap.keep = chown\n" LIMITS

static const struct ct_host root_of_host = { .cap_permitted = ~UINT64_C(0),
					     .cap_bounding = ~UINT64_C(0),
					     .cap_last = 40,
					     .initial_userns = true };

/* ---- looking --------------------------------------------------------------------------------- */

struct looked {
	struct box b;
	struct ct_audit a;
};

static struct looked look_at(const char *text, const struct ct_host *host, uint32_t lsm,
			     const ct_start_opts *o)
{
	static const ct_start_opts none = CT_START_OPTS_INIT;
	struct looked l = { .b = box_of(text) };

	l.a = (struct ct_audit){ .arena = l.b.arena, .spec = l.b.spec, .host = host, .lsm = lsm };
	l.a.opts = o ? o : &none;
	ct_audit_begin(&l.a);
	ct_audit_look(&l.a);
	assert_false(l.a.oom);
	return l;
}

/* "name:severity" of each, but of `without`, divided by blanks. */
static const char *names(const struct ct_audit *a, const char *without, char *buf, size_t size)
{
	static const char *const levels[] = { "?", "low", "medium", "high", "critical" };
	size_t used = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < a->n; i++) {
		if (!strcmp(a->v[i].name, without))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s:%s", used ? " " : "",
					 a->v[i].name, levels[a->v[i].severity]);
		assert_true(used < size);
	}
	return buf;
}

static bool has(const struct ct_audit *a, const struct ct_weakness *w)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i].name, w->name) && !strcmp(a->v[i].object, w->object) &&
		    a->v[i].severity == w->severity)
			return true;
	return false;
}

/* ---- mending --------------------------------------------------------------------------------- */

/* "KEY = VALUE" lines, of a value that is several divided by "; ". */
static void add_lines(struct ct_buf *out, const char *key, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ";");

		ct_buf_printf(out, "%s = %.*s\n", key, (int)n, value);
		value += n;
		value += strspn(value, "; ");
	}
}

/* The lines of text, but for line `nr`; with `option` that line, with the option added. */
static void copy_lines(struct ct_buf *out, const char *text, int nr, const char *option)
{
	for (int i = 1; *text; i++) {
		size_t n = strcspn(text, "\n");

		if (i != nr) {
			ct_buf_printf(out, "%.*s\n", (int)n, text);
		} else if (option) {
			/* the options are the last word of the samples */
			ct_buf_printf(out, "%.*s,%s\n", (int)n, text, option);
		}
		text += n;
		text += *text == '\n';
	}
}

/* The config with the weakness mended, as its row says. False: it is not mended in the config. */
static bool mend(const char *text, const struct ct_weakness *w, struct ct_buf *out)
{
	switch (w->mend) {
	case CT_MEND_SET:
		ct_buf_printf(out, "%s%s =\n", text, w->key);
		add_lines(out, w->key, w->value);
		return strncmp(w->key, "CT_", 3);
	case CT_MEND_ADD:
		ct_buf_str(out, text);
		add_lines(out, w->key, w->value);
		return true;
	case CT_MEND_REMOVE:
		if (w->at)
			copy_lines(out, text, w->at->line, NULL);
		return w->at != NULL;
	case CT_MEND_OPTION:
		copy_lines(out, text, w->at->line, w->value);
		return true;
	default:
		return false;
	}
}

static void check_mends(const char *text, const struct looked *l, const struct ct_host *host)
{
	for (uint32_t i = 0; i < l->a.n; i++) {
		CT_CLEAN_BUF struct ct_buf mended = CT_BUF_INIT;
		struct looked after;

		if (!mend(text, &l->a.v[i], &mended))
			continue;
		after = look_at(ct_buf_text(&mended), host, l->a.lsm, NULL);
		if (has(&after.a, &l->a.v[i]))
			fail_msg("%s is not mended by\n%sof\n%s", l->a.v[i].name,
				 ct_buf_text(&mended), text);
		free_box(&after.b);
	}
}

/* ---- configs --------------------------------------------------------------------------------- */

static const struct {
	const char *extra, *plain, *apart;
} samples[] = {
#include "audit-samples.def"
};

static int check_sample(size_t i, const char *config, const char *want)
{
	bool of_label = !strncmp(samples[i].extra, "apparmor.profile", 16);
	char text[4096], got[2048];
	struct looked l;
	int bad;

	if (!want)
		return 0;
	snprintf(text, sizeof(text), "%s%s\n", config, samples[i].extra);
	l = look_at(text, &root_of_host, CT_AUDIT_APPARMOR * of_label, NULL);
	names(&l.a, "userns-none", got, sizeof(got));
	bad = strcmp(got, want) != 0;
	if (bad)
		print_error("\"%s\": \"%s\", not \"%s\"\n", samples[i].extra, got, want);
	check_mends(text, &l, &root_of_host);
	free_box(&l.b);
	return bad;
}

static void each_sample(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < N(samples); i++) {
		bad += check_sample(i, PLAIN, samples[i].plain);
		bad += check_sample(i, APART, samples[i].apart);
	}
	assert_int_equal(bad, 0);
}

/* Nothing to find; and what there is without a user namespace. */
static void nothing_to_find(void **state)
{
	struct looked l = look_at(APART, &root_of_host, CT_AUDIT_APPARMOR | CT_AUDIT_SELINUX, NULL);
	struct ct_host inner = root_of_host;
	char got[1024];

	(void)state;
	assert_string_equal(names(&l.a, "", got, sizeof(got)), "");
	free_box(&l.b);
	l = look_at(PLAIN, &root_of_host, CT_AUDIT_SELINUX, NULL);
	assert_string_equal(names(&l.a, "", got, sizeof(got)),
			    "userns-none:high label-selinux:low");
	free_box(&l.b);
	/* the caller's own user namespace is between it and the host */
	inner.initial_userns = false;
	l = look_at(PLAIN "cap.keep = sys_admin\n", &inner, 0, NULL);
	assert_string_equal(names(&l.a, "", got, sizeof(got)), "userns-none:medium");
	free_box(&l.b);
	/* and with nothing set at all, without a filter */
	l = look_at("", &root_of_host, 0, NULL);
	assert_string_equal(names(&l.a, "", got, sizeof(got)),
			    "userns-none:high seccomp-none:high cap-mknod:low cap-net-raw:low "
			    "no-new-privs:low limit-memory:low limit-pids:low limit-cpu:low");
	check_mends("", &l, &root_of_host);
	free_box(&l.b);
}

/* What is in one set of samples for each row of both tables; but for those that need files. */
static void each_row_has_a_sample(void **state)
{
	static const char elsewhere[] =
		" userns-none idmap-caller label-selinux mount-socket mount-disk "
		"mount-shared mount-options "
		"rootfs-reachable rootfs-others config-others hook-others hook-inside "
		"terminal-shared directory-handed hook-host "
		"seccomp-denylist seccomp-calls mount-secrets cap-unknown ";
	uint32_t n_rules, n_places;
	const struct ct_rule *rules = ct_audit_rules(&n_rules);
	const struct ct_place *places = ct_audit_places(&n_places);

	(void)state;
	for (uint32_t i = 0; i < n_rules + n_places; i++) {
		const char *name = i < n_rules ? rules[i].name : places[i - n_rules].name;
		bool found = false;
		char word[64];

		snprintf(word, sizeof(word), " %s ", name);
		found = strstr(elsewhere, word);
		snprintf(word, sizeof(word), "%s:", name);
		for (size_t k = 0; k < N(samples) && !found; k++)
			found = (samples[k].plain && strstr(samples[k].plain, word)) ||
				(samples[k].apart && strstr(samples[k].apart, word));
		if (!found)
			fail_msg("no sample has %s", name);
	}
}

/* A sentence without its stop, a remedy, and a name that no other row has. */
static void rows_are_whole(void **state)
{
	uint32_t n;
	const struct ct_rule *r = ct_audit_rules(&n);

	(void)state;
	assert_true(n > 60);
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(r[i].text);

		assert_true(len > 10 && r[i].text[len - 1] != '.');
		assert_true(r[i].plain || r[i].mapped);
		/* a user namespace makes nothing worse */
		if (r[i].plain)
			assert_true(r[i].mapped <= r[i].plain);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(r[i].name, r[k].name);
	}
}

/* ---- the caller ------------------------------------------------------------------------------ */

static void callers_ids(void **state)
{
	struct ct_host user = root_of_host;
	struct looked l;
	char got[1024], text[1024];

	(void)state;
	user.uid = user.gid = 100005;
	l = look_at(APART, &user, 0, NULL);
	assert_string_equal(names(&l.a, "", got, sizeof(got)),
			    "idmap-caller:medium idmap-caller:medium");
	assert_string_equal(l.a.v[1].object, "g 0 100000 65536");
	free_box(&l.b);
	user.uid = user.gid = 165536;
	l = look_at(APART, &user, 0, NULL);
	assert_string_equal(names(&l.a, "", got, sizeof(got)), "");
	free_box(&l.b);
	/* a namespace that is shared with this process is kept */
	snprintf(text, sizeof(text), "%snamespace.share.ipc = %d\n", PLAIN, (int)getpid());
	l = look_at(text, &root_of_host, 0, NULL);
	assert_string_equal(names(&l.a, "userns-none", got, sizeof(got)), "ns-ipc:medium");
	check_mends(text, &l, &root_of_host);
	free_box(&l.b);
	/* a capability without a name */
	user = root_of_host;
	user.cap_last = 45;
	l = look_at(PLAIN "cap.keep = 44\n", &user, 0, NULL);
	assert_string_equal(names(&l.a, "userns-none", got, sizeof(got)), "cap-unknown:medium");
	assert_string_equal(l.a.v[1].object, "cap_44");
	check_mends(PLAIN "cap.keep = 44\n", &l, &user);
	free_box(&l.b);
}

/* The flag of a start counts as the key does. */
static void options_count(void **state)
{
	static const char text[] = APART "init.uid = 5\n";
	ct_start_opts o = CT_START_OPTS_INIT;
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), keep[2] = { 2, dir };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct looked l;
	char got[1024];

	(void)state;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	l = look_at(text, &root_of_host, 0, &o);
	assert_string_equal(names(&l.a, "", got, sizeof(got)), "no-new-privs:low");
	free_box(&l.b);
	o.flags = CT_START_NO_NEW_PRIVS;
	o.keep_fds = keep;
	o.n_keep_fds = 2;
	l = look_at(text, &root_of_host, 0, &o);
	assert_string_equal(names(&l.a, "", got, sizeof(got)), "directory-handed:high");
	assert_string_equal(l.a.v[0].object, "keep_fds[1]");
	free_box(&l.b);
	o.n_keep_fds = 0;
	o.stdio[1] = master;
	assert_true(dir >= 0 && master >= 0);
	l = look_at(PLAIN, &root_of_host, 0, &o);
	assert_string_equal(names(&l.a, "userns-none", got, sizeof(got)), "terminal-shared:medium");
	free_box(&l.b);
	l = look_at(PLAIN "cap.keep = sys_admin\nseccomp.profile = none\n", &root_of_host, 0, &o);
	assert_non_null(strstr(names(&l.a, "", got, sizeof(got)), "terminal-shared:high"));
	free_box(&l.b);
	o.flags |= CT_START_PTY;
	l = look_at(PLAIN, &root_of_host, 0, &o);
	assert_string_equal(names(&l.a, "userns-none", got, sizeof(got)), "");
	free_box(&l.b);
	close(dir);
	close(master);
}

/* ---- files ----------------------------------------------------------------------------------- */

static char base[256];

static int make_files(void **state)
{
	static const char *const dirs[] = { "", "/root", "/root/bin", "/open", "/.ssh", "/data" };
	static const char *const files[] = { "/hook", "/open/hook", "/root/bin/hook",
					     "/data/hook" };
	char path[512];
	int fd;

	(void)state;
	snprintf(base, sizeof(base), "/tmp/ct-audit-%d", (int)getpid());
	for (size_t i = 0; i < N(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", base, dirs[i]);
		if (mkdir(path, 0755) < 0)
			return -1;
	}
	for (size_t i = 0; i < N(files); i++) {
		snprintf(path, sizeof(path), "%s%s", base, files[i]);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names_[] = {
		"/hook", "/open/hook", "/root/bin/hook", "/data/hook", "/socket", "/root/bin",
		"/root", "/open",      "/.ssh",		 "/data",      ""
	};
	char path[512];

	(void)state;
	for (size_t i = 0; i < N(names_); i++) {
		snprintf(path, sizeof(path), "%s%s", base, names_[i]);
		remove(path);
	}
	return 0;
}

/* What is found of a config in which @ is the directory of the files. */
static void expect_of(const char *form, const char *want)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_host host = root_of_host;
	char got[1024];
	struct looked l;

	host.uid = geteuid();
	host.gid = getegid();
	for (; *form; form++)
		if (*form == '@')
			ct_buf_str(&text, base);
		else
			ct_buf_char(&text, *form);
	l = look_at(ct_buf_text(&text), &host, 0, NULL);
	if (strcmp(names(&l.a, "userns-none", got, sizeof(got)), want))
		fail_msg("%s\n%s, not %s", ct_buf_text(&text), got, want);
	check_mends(ct_buf_text(&text), &l, &host);
	free_box(&l.b);
}

static void set_mode(const char *name, mode_t mode)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", base, name);
	assert_int_equal(chmod(path, mode), 0);
}

static void hooks_and_roots(void **state)
{
	(void)state;
	expect_of(APART "hook.pre-start = @/hook\n", "hook-host:low");
	set_mode("/hook", 0757);
	expect_of(APART "hook.pre-start = @/hook\n", "hook-others:critical hook-host:low");
	set_mode("/hook", 0755);
	/* who may write to its directory may put another in its place, unless it is sticky */
	set_mode("/open", 0777);
	expect_of(APART "hook.stop = @/open/hook a\n", "hook-others:critical hook-host:low");
	/* so for a script that is given to a program */
	expect_of(APART "hook.stop = /bin/sh @/open/hook\n", "hook-others:critical hook-host:low");
	set_mode("/open", 01777);
	expect_of(APART "hook.stop = /bin/sh @/open/hook\n", "hook-host:low");
	expect_of(APART "rootfs.path = @/root\nhook.post-stop = /bin/sh @/root/bin/hook\n",
		  "hook-inside:critical hook-host:low");
	expect_of(APART "hook.stop = @/open/hook a\n", "hook-host:low");
	/* a start hook is the container's own */
	expect_of(APART "hook.start = @/open/hook\n", "");
	expect_of(APART "rootfs.path = @/root\nhook.post-stop = @/root/bin/hook\n",
		  "hook-inside:critical hook-host:low");
	expect_of(APART "rootfs.path = @/root\nhook.pre-start = @/data/hook\n"
			"mount.entry = @/data data none bind,nosuid,nodev\n",
		  "hook-inside:critical hook-host:low");
	expect_of(APART "rootfs.path = @/root\nhook.pre-start = @/data/hook\n"
			"mount.entry = @/data data none bind,ro\n",
		  "hook-host:low");
	/* set-user-ID files of the container's root are within reach; where it is none, not */
	expect_of(PLAIN "rootfs.path = @/root\n", "rootfs-reachable:medium");
	expect_of(APART "rootfs.path = @/root\n", "");
	expect_of(PLAIN "rootfs.path = @/root\nrootfs.readonly = 1\n", "");
	set_mode("", 0700);
	expect_of(PLAIN "rootfs.path = @/root\n", "");
	set_mode("/root", 0777);
	expect_of(PLAIN "rootfs.path = @/root\n", "rootfs-others:high");
	expect_of(APART "rootfs.path = @/root\n", "rootfs-others:high");
	set_mode("/root", 0755);
	set_mode("", 0755);
}

static void config_files(void **state)
{
	ct_start_opts none = CT_START_OPTS_INIT;
	struct ct_host host = root_of_host;
	struct ct_config *config = ct_config_new();
	struct ct_audit a = { .host = &host, .opts = &none };
	struct ct_err e;
	char path[512], got[1024];
	FILE *f;

	(void)state;
	host.uid = geteuid();
	host.gid = getegid();
	ct_err_clear(&e);
	snprintf(path, sizeof(path), "%s/data/hook", base);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(APART, f) >= 0 && fclose(f) == 0);
	assert_int_equal(ct_config_load(config, path, &e), 0);
	for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
		struct ct_arena *arena = ct_arena_new();

		set_mode("/data/hook", open_to_all ? 0646 : 0644);
		a = (struct ct_audit){ .arena = arena, .host = &host, .opts = &none };
		a.spec = ct_spec_read(config, arena, &e);
		assert_non_null(a.spec);
		ct_audit_begin(&a);
		ct_audit_look(&a);
		assert_string_equal(names(&a, "", got, sizeof(got)),
				    open_to_all ? "config-others:critical" : "");
		if (open_to_all) {
			assert_string_equal(a.v[0].object, path);
			snprintf(got, sizeof(got), "chmod go-w %s", path);
			assert_string_equal(a.v[0].value, got);
		}
		ct_arena_free(arena);
	}
	set_mode("/data/hook", 0755);
	ct_config_free(config);
}

/* The file @/data/hook as a filter. */
static void filter_is(const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/hook", base);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* What a filter's file lets pass. */
static void filters_of_files(void **state)
{
	static const char config[] = APART "seccomp.profile = @/data/hook\n";

	(void)state;
	/* a build without libseccomp reads none */
	if (!ct_filter_native())
		skip();
	filter_is("2\ndenylist\nmount\n");
	expect_of(config, "seccomp-denylist:low seccomp-calls:low");
	filter_is("2\ndenylist\nadd_key\nbpf\nio_uring_setup\nkexec_load\nkeyctl\n"
		  "open_by_handle_at\nperf_event_open\nrequest_key\nuserfaultfd\n");
	expect_of(config, "seccomp-denylist:low");
	filter_is("2\nallowlist\nread\nwrite\nexecve\n");
	expect_of(config, "");
	filter_is("2\nallowlist\nread\nwrite\nexecve\nkeyctl\n");
	expect_of(config, "seccomp-calls:low");
	expect_of(PLAIN "seccomp.profile = @/data/hook\n", "seccomp-calls:medium");
	/* it is one of the files that decide what is started */
	set_mode("/data/hook", 0666);
	expect_of(config, "config-others:critical seccomp-calls:low");
	set_mode("/data/hook", 0755);
	filter_is("nonsense\n");
	expect_of(config, "");
}

static void kinds_of_files(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.90s/socket", base);
	assert_int_equal(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	expect_of(APART "mount.entry = @/socket run/s none bind,create=file\n",
		  "mount-socket:medium");
	expect_of(APART "mount.entry = @/.ssh root/.ssh none bind,ro\n", "mount-secrets:medium");
	expect_of(APART "mount.entry = @/.ssh root/.ssh none bind,nosuid,nodev\n",
		  "mount-secrets:high");
	expect_of(APART "mount.entry = @/data data none bind\n", "mount-options:low");
	expect_of(PLAIN "mount.entry = @/data data none bind,nodev\n", "mount-options:medium");
	expect_of(PLAIN "mount.entry = @/data data none bind,nodev,nosuid,shared\n",
		  "mount-shared:high");
	close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(nothing_to_find),
		cmocka_unit_test(each_sample),
		cmocka_unit_test(each_row_has_a_sample),
		cmocka_unit_test(callers_ids),
		cmocka_unit_test(options_count),
		cmocka_unit_test_setup_teardown(hooks_and_roots, make_files, remove_files),
		cmocka_unit_test_setup_teardown(config_files, make_files, remove_files),
		cmocka_unit_test_setup_teardown(filters_of_files, make_files, remove_files),
		cmocka_unit_test_setup_teardown(kinds_of_files, make_files, remove_files),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
