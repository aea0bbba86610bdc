/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-checkconfig: what this host and user can do, what of a config cannot be honoured here, and
 * what weakens it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "out.h"

#define EXIT_PROBLEMS 1
#define EXIT_WEAK 2

static struct args a;
static struct strings files;
static struct {
	int least, fail; /* CT_SEVERITY_*; fail 0: none */
} o = { CT_SEVERITY_LOW, 0 };

static int set_level(const struct opt *row, const char *value);

static const struct opt opts[] = {
	{ 'f', "rcfile", "FILE", OPT_LIST, &files, "check this config file", NULL },
	{ 0, "least", "LEVEL", OPT_CALL, &o.least,
	  "tell of weaknesses from low (all), medium, high or critical on", set_level },
	{ 0, "fail", "LEVEL", OPT_CALL, &o.fail,
	  "end with 2 when a config has a weakness of this level, or a more serious one",
	  set_level },
};
static const struct tool tool = {
	"ct-checkconfig",
	"[NAME|FILE...] [-n NAME]",
	"Without arguments tells what this host and this "
	"user can do; else names, by file and line, what "
	"a start with each config\nwould refuse, and lists what weakens it, most serious first.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME_OPTIONAL | TOOL_NO_NAME_WORD | TOOL_WORDS | TOOL_JSON | TOOL_NO_RCFILE,
};

static int preflight(struct json *j, int *problems)
{
	CLEAN_TEXT char *text = NULL;
	int n = ct_preflight(format_of(&a), &text);

	if (n < 0)
		return fail(&a, "this host cannot be looked at: %s", strerror(-n));
	*problems += n;
	if (a.json)
		json_raw(j, "host", text);
	else
		fputs(text, stdout);
	return 0;
}

static int set_level(const struct opt *row, const char *value)
{
	for (int i = CT_SEVERITY_LOW; i <= CT_SEVERITY_CRITICAL; i++) {
		if (strcmp(value, ct_severity_name(i)) != 0)
			continue;
		*(int *)row->to = i;
		return 0;
	}
	return fail_tool(tool.name, "--%s: \"%s\" is none of low, medium, high, critical",
			 row->name, value);
}

/* The options as a system is started: with a supervisor all keys have an effect. */
static ct_start_opts as_system(void)
{
	ct_start_opts so = CT_START_OPTS_INIT;

	so.flags = CT_START_DETACH;
	return so;
}

/* Counts those that are to make the exit code. */
static int count_weak(ct_container *c, int *weak)
{
	CLEAN_TEXT char *text = NULL;
	ct_start_opts so = as_system();
	int n = 0;

	if (o.fail)
		n = ct_audit(c, &so, o.fail, CT_FORMAT_TEXT, &text);
	if (n < 0)
		return fail_container(&a, c);
	*weak += n;
	return 0;
}

/* Prints what weakens one config. One that cannot be read has had its problems told. */
static int audit(struct json *j, const char *file, const char *label, int *weak)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_TEXT char *text = NULL;
	ct_start_opts so = as_system();
	int err = open_container(&a, &c), n;

	if (err)
		return err;
	if (ct_load_config(c, file) < 0)
		return 0;
	n = ct_audit(c, &so, o.least, format_of(&a), &text);
	if (n < 0)
		return 0;
	if (a.json) {
		json_raw(j, "audit", text);
	} else if (n) {
		printf("%s: weaknesses, most serious first: %d\n%s", label, n, text);
	} else {
		printf("%s: nothing weakens it\n", label);
	}
	return count_weak(c, weak);
}

/* Prints the problems of one config, each on a line, and then what weakens it; file NULL: the
 * container's own. */
static int check(struct json *j, const char *file, int *problems, int *weak)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_TEXT char *text = NULL;
	const char *kind = "file", *label = file;
	ct_start_opts so = as_system();
	int err = open_container(&a, &c), n;

	if (err)
		return err;
	if (!file) {
		kind = "name";
		label = a.name;
	}
	n = ct_check_file(c, file, &so, &text);
	if (n < 0)
		return fail_container(&a, c);
	*problems += n;
	if (a.json) {
		json_open(j, NULL, '{');
		json_string(j, kind, label);
		json_words(j, "problems", text, "\n");
	} else if (n) {
		printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	} else {
		printf("%s: nothing to object to\n", label);
	}
	err = audit(j, file, label, weak);
	if (a.json)
		json_close(j, '}');
	return err;
}

/* Whether a word is the name of a defined container, and not a file's. */
static bool is_name(const char *word)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	struct args named = a;
	char path[4096];
	const ct_error *e = NULL;
	ct_new_opts where;

	named.name = word;
	where = where_of(&named, &e);
	if (strchr(word, '/') || ct_new(&c, word, &where) < 0)
		return false;
	return (size_t)snprintf(path, sizeof(path), "%s/config", ct_path(c)) < sizeof(path) &&
	       access(path, F_OK) == 0;
}

static int check_word(struct json *j, const char *word, int *problems, int *weak)
{
	const char *before = a.name;
	int err;

	if (!is_name(word))
		return check(j, word, problems, weak);
	a.name = word;
	err = check(j, NULL, problems, weak);
	a.name = before;
	return err;
}

static int check_all(struct json *j, int *problems, int *weak)
{
	int err = 0;

	if (a.name)
		err = check(j, NULL, problems, weak);
	for (size_t i = 0; i < files.n && !err; i++)
		err = check(j, files.v[i], problems, weak);
	for (int i = 0; i < a.n_rest && !err; i++)
		err = check_word(j, a.rest[i], problems, weak);
	return err;
}

int main(int argc, char **argv)
{
	struct json j = { 0 };
	int err, problems = 0, weak = 0;

	tool_begin();
	j.out = stdout;
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (a.json)
		json_open(&j, NULL, '{');
	if (a.json || !(a.name || files.n || a.n_rest))
		err = preflight(&j, &problems);
	else
		err = 0;
	if (a.json && !err)
		json_open(&j, "configs", '[');
	if (!err)
		err = check_all(&j, &problems, &weak);
	if (a.json && !err) {
		json_close(&j, ']');
		json_close(&j, '}');
		err = json_end(&j);
	}
	if (err <= 0)
		err = out_flush(&a);
	if (err > 0)
		return err;
	if (err)
		return EXIT_OWN;
	if (problems)
		return EXIT_PROBLEMS;
	if (weak)
		return EXIT_WEAK;
	return 0;
}
