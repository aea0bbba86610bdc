/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mistakes people make, and the message each of them gets, against the golden file mistakes.txt
 * (CT_UPDATE=1 writes it anew; read each difference with the eyes of who gets it). None of them
 * leaves anything behind. The rows are in mistakes-table.c.
 */
#include "mistakes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"

char mistake_text[4096];
static char foretold[4096];

static const char *golden_path;
static char *golden;

/* ---- helpers of the rows --------------------------------------------------------------------- */

const char *mistake_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", box.root.base, name);
	return buf;
}

int mistake_said(const ct_container *c, int err)
{
	const ct_error *e = ct_last_error(c);

	snprintf(mistake_text, sizeof(mistake_text), "%s", e->message);
	if (err != e->err)
		snprintf(mistake_text, sizeof(mistake_text),
			 "returned %d, but the error says %d: %s", err, e->err, e->message);
	return err;
}

/* Copies text with every %B replaced by the box's directory. */
static void expand(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + PATH_MAX < size; text++) {
		if (text[0] == '%' && text[1] == 'B') {
			n += (size_t)snprintf(out + n, size - n, "%s", box.root.base);
			text++;
		} else {
			out[n++] = *text;
		}
	}
	out[n] = 0;
}

/* The reverse, so that golden texts do not depend on where the box stands; pids become PID. */
static void contract(char *text)
{
	const char *base = box.root.base;
	char *at;

	while ((at = strstr(text, base))) {
		memcpy(at, "%B", 2);
		memmove(at + 2, at + strlen(base), strlen(at + strlen(base)) + 1);
	}
}

int mistake_write(const char *name, const char *text)
{
	char path[PATH_MAX + 64], full[32768];
	int fd;

	expand(text, full, sizeof(full));
	fd = open(mistake_path(name, path, sizeof(path)), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		  0644);
	if (fd < 0 || write(fd, full, strlen(full)) < 0)
		return -errno;
	close(fd);
	return 0;
}

/* ---- one mistake ----------------------------------------------------------------------------- */

/* What is told of the config before the start: one fault, "" for none. Returns whether it is what a
 * start says of key and reason. */
static int foretell(ct_container *c, const char *const *argv, const struct mistake *m)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	const ct_error *e;
	char *all = NULL;
	int first, n;

	o.argv = argv;
	first = ct_check(c, &o);
	e = ct_last_error(c);
	snprintf(foretold, sizeof(foretold), "%s", first ? e->message : "");
	n = ct_check_all(c, &o, &all);
	if (m->unseen ? n != 0
		      : n != 1 || strncmp(all, foretold, strlen(foretold)) ||
				strcmp(all + strlen(foretold), "\n")) {
		printf("# a check tells %d faults:\n# %s\n", n, all ? all : "");
		ct_free(all);
		return 0;
	}
	ct_free(all);
	return 1;
}

/* Loads the row's config; looks at it and starts it when the row says so. The error,
 * mistake_text filled. */
static int by_config(const struct mistake *m, int *told)
{
	static const char *const usual[] = { "/bin/true", NULL };
	const char *const *argv = m->argv ? m->argv : usual;
	char path[PATH_MAX + 64];
	ct_container *c = NULL;
	int err;

	if (mistake_write("config", m->config) || ct_new(&c, NULL, &box.where))
		return 0;
	err = mistake_said(c, ct_load_config(c, mistake_path("config", path, sizeof(path))));
	if (m->start && err)
		snprintf(mistake_text, sizeof(mistake_text), "the config does not even load: %s",
			 ct_last_error(c)->message);
	if (m->start && !err) {
		*told = foretell(c, argv, m);
		err = mistake_said(c, box_run(c, NULL, argv, NULL, NULL));
		if (*told && !m->unseen && strcmp(foretold, mistake_text)) {
			printf("# before: %s\n", foretold);
			*told = 0;
		}
	}
	ct_unref(c);
	unlink(path);
	return err;
}

/* A remedy is a hint, or, where a value or an argument is wrong, the form it must have. */
static bool has_remedy(const struct mistake *m)
{
	static const char *const forms[] = { " is not ",
					     "it takes ",
					     "exclude each other",
					     " has only ",
					     " at most ",
					     " must ",
					     " needs ",
					     " has \"..\"",
					     "unknown flag ",
					     "an unknown flag",
					     "unknown namespace",
					     "does not begin with",
					     "there is no such",
					     "there is no log level",
					     " is above ",
					     "; a config is a file",
					     "no such key",
					     "control character",
					     "an anonymous container ",
					     "uses what it does not know",
					     "NAME=VALUE" };
	size_t i;

	if (m->no_hint || strstr(mistake_text, "Hint: "))
		return true;
	for (i = 0; !m->start && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strstr(mistake_text, forms[i]))
			return true;
	}
	return false;
}

/* What every message must have: one line, a remedy; about a config: key, file and line. */
static const char *lacking(const struct mistake *m)
{
	if (!mistake_text[0])
		return "no message";
	if (strchr(mistake_text, '\n'))
		return "more than one line";
	if (m->config && m->key && !strstr(mistake_text, m->key))
		return "the key is not named";
	if (m->config && m->key && !strstr(mistake_text, "config:"))
		return "file and line are not named";
	return has_remedy(m) ? NULL : "no remedy";
}

/* The golden text of a name, "" when there is none. */
static const char *golden_of(const char *name, char *buf, size_t size)
{
	char head[256];
	const char *at;

	buf[0] = 0;
	snprintf(head, sizeof(head), "== %s\n", name);
	at = golden ? strstr(golden, head) : NULL;
	if (at)
		snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(head), "\n"),
			 at + strlen(head));
	return buf;
}

static int try_one(const struct mistake *m, FILE *update)
{
	struct leak *before = leak_take();
	char leaks[4096], want[4096];
	const char *what;
	int err, bad = 0, told = 1;

	mistake_text[0] = 0;
	if (m->prepare)
		m->prepare();
	err = m->call ? m->call() : by_config(m, &told);
	if (m->restore)
		m->restore();
	contract(mistake_text);
	bad = !told;
	if (err >= 0) {
		printf("# it was no mistake: %d %s\n", err, mistake_text);
		bad = 1;
	}
	what = lacking(m);
	if (what) {
		printf("# %s: %s\n", what, mistake_text);
		bad = 1;
	}
	if (update) {
		fprintf(update, "== %s\n%s\n", m->name, mistake_text);
	} else if (strcmp(golden_of(m->name, want, sizeof(want)), mistake_text) != 0) {
		printf("# golden: %s\n#    now: %s\n", want, mistake_text);
		bad = 1;
	}
	if (leak_compare(before, LEAK_NO_RSS, leaks, sizeof(leaks))) {
		printf("# left behind: %s\n", leaks);
		bad = 1;
	}
	leak_free(before);
	return bad;
}

/* What the container directory and the state directory of the box hold. */
static int files_left(void)
{
	const char *const dirs[] = { box.dir, box.state };
	struct dirent *e;
	int i, n = 0;

	for (i = 0; i < 2; i++) {
		DIR *d = opendir(dirs[i]);

		while (d && (e = readdir(d))) {
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			printf("# left: %s/%s\n", dirs[i], e->d_name);
			n++;
		}
		if (d)
			closedir(d);
	}
	return n;
}

int main(void)
{
	static const char *const argv[] = { "/bin/true", NULL };
	const char *source = getenv("CT_SOURCE");
	FILE *update = NULL;
	char path[PATH_MAX];
	size_t i;
	int fd, bad = 0, failed;

	snprintf(path, sizeof(path), "%s/tests/root/mistakes.txt", source ? source : ".");
	golden_path = path;
	fd = open(golden_path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		golden = read_all(fd, 1000);
		close(fd);
	}
	/* so that there is a capability which the caller itself has not */
	prctl(PR_CAPBSET_DROP, 24 /* CAP_SYS_RESOURCE */, 0, 0, 0);
	if (leak_own_mounts() || box_open(&box, NULL) || box_run(box.c, NULL, argv, NULL, NULL)) {
		printf("Bail out! no box: %s\n", ct_last_error(box.c)->message);
		return 1;
	}
	box.c = ct_unref(box.c);
	if (getenv("CT_UPDATE"))
		update = fopen(golden_path, "we");
	printf("1..%zu\n", n_mistakes + 1);
	for (i = 0; i < n_mistakes; i++) {
		fflush(stdout);
		failed = try_one(&mistakes[i], update);
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1, mistakes[i].name);
		bad += failed;
	}
	failed = files_left();
	printf("%sok %zu - no files left\n", failed ? "not " : "", n_mistakes + 1);
	if (update)
		fclose(update);
	free(golden);
	box_close(&box);
	return bad || failed;
}
