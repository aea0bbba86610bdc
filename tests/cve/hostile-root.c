/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile root process in containers of several kinds, with and without a user namespace, and
 * CAP_SYS_ADMIN: hostile-root.table says what of all that it attempts it can do in which, and
 * doc/HOSTILE-ROOT.md what that means. In none of them it gets at anything of the caller's process.
 */
#include "cve.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USUAL                                                                           \
	"chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap " \
	"net_bind_service sys_chroot kill audit_write"
/* so that pid 1 is not the one that attempts */
#define REAPER "init.reaper", "1"
#define KEYCTL_JOIN_SESSION 1
#define KEYCTL_UNLINK 9
#define SPEC_SESSION (-3L)
#define SPEC_USER (-4L)
#define SPEC_USER_SESSION (-5L)

enum { KINDS = 5, ROWS_MAX = 160, HEAD_MAX = 40 };

/* A column of the table. */
static const struct kind {
	int column;
	const char *name; /* NULL: a program; a system has a name, and no filter */
	const char *config[10];
} kinds[KINDS] = {
	{ 0, NULL, { NULL } },
	{ 1, NULL, { "cap.keep", USUAL " sys_admin", NULL } },
	{ 2, "system", { "cap.keep", USUAL " sys_admin", REAPER, NULL } },
	{ 3, "system", { "cap.drop", "wake_alarm", REAPER, NULL } },
	{ 4,
	  "system",
	  { "cap.drop", "wake_alarm", "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536",
	    REAPER, NULL } },
};

struct row {
	char name[40];
	char want[KINDS]; /* y, n, or ? where hosts differ */
};

static struct row rows[ROWS_MAX];
static int n_rows;
static char head[HEAD_MAX][256];
static int n_head;

static FILE *open_table(const char *mode)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/cve/hostile-root.table", getenv("CT_SOURCE"));
	f = fopen(path, mode);
	assert_non_null(f);
	return f;
}

static void read_table(void)
{
	FILE *f = open_table("re");
	char line[256];

	n_head = 0;
	for (n_rows = 0; fgets(line, sizeof(line), f);) {
		struct row *r = &rows[n_rows];
		char *w = r->want;

		if (line[0] == '#') {
			assert_true(n_head < HEAD_MAX);
			snprintf(head[n_head++], sizeof(head[0]), "%s", line);
			continue;
		}
		assert_true(n_rows < ROWS_MAX);
		assert_int_equal(sscanf(line, "%39s %c %c %c %c %c", r->name, &w[0], &w[1], &w[2],
					&w[3], &w[4]),
				 1 + KINDS);
		n_rows++;
	}
	fclose(f);
}

static void write_table(void)
{
	FILE *f = open_table("we");

	for (int i = 0; i < n_head; i++)
		fputs(head[i], f);
	for (int i = 0; i < n_rows; i++) {
		const char *w = rows[i].want;

		fprintf(f, "%-24s %c %c %c %c %c\n", rows[i].name, w[0], w[1], w[2], w[3], w[4]);
	}
	assert_int_equal(fclose(f), 0);
}

/* ---- what the caller has --------------------------------------------------------------------- */

struct callers {
	char touched[PATH_MAX + 64];
	pthread_t thread;
	atomic_bool stop;
	long key[3];
};

/* Opens a file beside the rootfs again and again: who watches the file system sees it. */
static void *touch(void *data)
{
	struct callers *c = data;

	while (!c->stop) {
		int fd = open(c->touched, O_RDONLY | O_CLOEXEC);

		close(fd);
		sleep_ms(5);
	}
	return NULL;
}

static const long rings[3] = { SPEC_SESSION, SPEC_USER, SPEC_USER_SESSION };

static void callers_begin(struct callers *c)
{
	int fd;

	snprintf(c->touched, sizeof(c->touched), "%s/touched-by-the-caller", box.root.base);
	fd = open(c->touched, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	c->stop = false;
	for (int i = 0; i < 3; i++)
		c->key[i] = syscall(SYS_add_key, "user", "ct-cve-key", "canary", 6L, rings[i]);
	assert_int_equal(pthread_create(&c->thread, NULL, touch, c), 0);
}

static void callers_end(struct callers *c)
{
	c->stop = true;
	pthread_join(c->thread, NULL);
	for (int i = 0; i < 3; i++)
		if (c->key[i] >= 0)
			syscall(SYS_keyctl, KEYCTL_UNLINK, c->key[i], rings[i]);
	unlink(c->touched);
}

/* ---- what the payload can do ----------------------------------------------------------------- */

/* 'y', 'n', or 0: the attempt is not in the report. */
static char outcome(const char *report, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = report; *line; line = strchrnul(line, '\n') + 1) {
		if (!strncmp(line, name, n) && !strncmp(line + n, ": ", 2))
			return !strncmp(line + n + 2, "done\n", 5) ? 'y' : 'n';
		if (!strchr(line, '\n'))
			break;
	}
	return 0;
}

static char *attempts(const struct kind *k)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open(k->name);
	char outside[PATH_MAX + 16], *out = NULL;
	int dirs[20];

	snprintf(outside, sizeof(outside), "%s/outside", box.root.base);
	mkdir(outside, 0700);
	for (size_t i = 0; k->config[i]; i += 2)
		assert_ok(c, ct_set_config(c, k->config[i], k->config[i + 1]));
	assert_ok(c, ct_set_config(c, "mount.tmpfs", "/tmp"));
	for (int i = 0; i < 20; i++)
		dirs[i] = open(i % 2 ? outside : "/", O_RDONLY | O_DIRECTORY);
	o.stdio[0] = -1;
	o.envp = ARGV("CT_ATTEMPT=inside");
	assert_ok(c, box_run(c, &o, ARGV("/bin/attempt", "all"), &out, NULL));
	for (int i = 0; i < 20; i++)
		close(dirs[i]);
	ct_unref(c);
	return out;
}

/* CT_UPDATE=1: the column anew, with rows for new attempts; what hosts differ in stays. */
static void update(const struct kind *k, char *report)
{
	char *save = NULL;

	for (char *line = strtok_r(report, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strstr(line, ": ");
		int i = 0;

		assert_non_null(colon);
		*colon = '\0';
		while (i < n_rows && strcmp(rows[i].name, line))
			i++;
		assert_true(i < ROWS_MAX);
		if (i == n_rows) {
			memset(rows[i].want, '-', KINDS);
			snprintf(rows[n_rows++].name, sizeof(rows[0].name), "%s", line);
		}
		if (rows[i].want[k->column] != '?')
			rows[i].want[k->column] = strcmp(colon + 2, "done") ? 'n' : 'y';
	}
	write_table();
}

/* The table holds, and all that was attempted stands in it. */
static void compare(const struct kind *k, char *report)
{
	int wrong = 0, lines = 0;

	for (int i = 0; i < n_rows; i++) {
		char is = outcome(report, rows[i].name), want = rows[i].want[k->column];

		if (is && (want == '?' || want == is))
			continue;
		print_message("# %s: '%c', and the table says '%c'\n", rows[i].name, is ? is : '-',
			      want);
		wrong++;
	}
	for (char *p = report; *p; p = strchrnul(p, '\n'), p += *p == '\n')
		lines++;
	if (wrong || lines != n_rows)
		fputs(report, stdout);
	if (lines != n_rows)
		fail_msg("%d attempts, and %d in the table", lines, n_rows);
	if (wrong)
		escape("%d attempts end otherwise than hostile-root.table says", wrong);
}

static void of_kind(const void *data)
{
	struct callers callers;
	char *report;

	read_table();
	callers_begin(&callers);
	report = attempts(data);
	callers_end(&callers);
	if (getenv("CT_UPDATE"))
		update(data, report);
	else
		compare(data, report);
	free(report);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "hostile-root-program", of_kind, &kinds[0] },
		{ "hostile-root-program-sys-admin", of_kind, &kinds[1] },
		{ "hostile-root-system-sys-admin", of_kind, &kinds[2] },
		{ "hostile-root-system-all-capabilities", of_kind, &kinds[3] },
		{ "hostile-root-mapped-all-capabilities", of_kind, &kinds[4] },
	};

	/* what nobody inside may find */
	if (setenv("CT_CVE_SECRET", "CT_CVE_SECRET", 1))
		return 2;
	/* with keys of its own, which go with it */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, NULL) < 0)
		printf("# there are no keyrings here\n");
	return cve_main("hostile-root", cases, sizeof(cases) / sizeof(*cases));
}
