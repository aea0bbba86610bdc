/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64

static pid_t first;

__attribute__((constructor)) static void begin(void)
{
	first = getpid();
}

void give_up(const char *why)
{
	/* cmocka would go on with the other cases in a child */
	if (getpid() != first) {
		printf("# %s\n", why);
		fflush(stdout);
		_exit(4);
	}
	fail_msg("%s", why);
}

static void must(ct_container *c, int r)
{
	if (r < 0)
		give_up(ct_last_error(c)->message);
}

char *said(ct_container *c, const ct_start_opts *opts, const char *const argv[])
{
	char *out = NULL;

	must(c, box_run(c, opts, argv, &out, NULL));
	return out;
}

char *said_attached(ct_container *c, const ct_attach_opts *opts, const char *const argv[])
{
	char *out = NULL;

	must(c, box_attach(c, opts, argv, &out, NULL));
	return out;
}

ct_process *waiting(ct_container *c)
{
	ct_process *p = NULL;

	must(c, box_start(c, 0, ARGV("/bin/sleep", "1000"), &p));
	return p;
}

void let_go(ct_container *c, ct_process *p)
{
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- attempts -------------------------------------------------------------------------------- */

static void words(const char *argv[WORDS_MAX], const char *const names[])
{
	int n = 0;

	argv[n++] = "/bin/attempt";
	for (int i = 0; names[i]; i++) {
		assert_true(n < WORDS_MAX - 1);
		argv[n++] = names[i];
	}
	argv[n] = NULL;
}

char *attempted(ct_container *c, const char *const names[], int tty)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	const char *argv[WORDS_MAX];

	words(argv, names);
	o.envp = ARGV("CT_ATTEMPT=inside");
	o.stdio[0] = tty;
	return said(c, &o, argv);
}

char *attempted_attached(ct_container *c, const char *const names[], int tty)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	const char *argv[WORDS_MAX];

	words(argv, names);
	o.envp = ARGV("CT_ATTEMPT=inside");
	o.stdio[0] = tty;
	return said_attached(c, &o, argv);
}

int outcome(const char *report, const char *name)
{
	size_t n = strlen(name);
	const char *line = report;
	int err;

	while (*line && (strncmp(line, name, n) || strncmp(line + n, ": ", 2))) {
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	if (!*line)
		give_up("an attempt is not in the report");
	line += n + 2;
	if (!strncmp(line, "done\n", 5))
		return 0;
	return sscanf(line, "errno %d", &err) == 1 ? err : -1;
}

void none_done(const char *report, const char *how, const char *const names[])
{
	for (int i = 0; names[i]; i++)
		if (outcome(report, names[i]) == 0)
			escape("%s can be done by %s", names[i], how);
}

void none_can(ct_container *c, const char *const names[])
{
	char *report = attempted(c, names, -1);
	ct_process *p;

	none_done(report, "a start", names);
	free(report);
	p = waiting(c);
	report = attempted_attached(c, names, -1);
	none_done(report, "an attach", names);
	free(report);
	let_go(c, p);
}

void all_can(const char *const names[])
{
	ct_container *c = must_open(NULL);
	char *report;

	assert_int_equal(box_config(c, "cap.drop", "wake_alarm", "seccomp.profile", "none",
				    "limit.devices", "all", NULL),
			 0);
	report = attempted(c, names, -1);
	for (int i = 0; names[i]; i++)
		if (outcome(report, names[i]))
			fail_msg("%s cannot be done at all: %s", names[i], report);
	free(report);
	ct_unref(c);
}

const char *status_field(const char *text, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	buf[0] = '\0';
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) || strncmp(line + n, ":\t", 2))
			continue;
		line += n + 2;
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\n"), line);
		break;
	}
	return buf;
}
