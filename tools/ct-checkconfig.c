/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-checkconfig: what this host and user can do, and what of a config cannot be honoured here. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "out.h"

#define EXIT_PROBLEMS 1

static struct args a;
static struct strings files;

static const struct opt opts[] = {
	{ 'f', "rcfile", "FILE", OPT_LIST, &files, "check this config file", NULL },
};
static const struct tool tool = {
	"ct-checkconfig",
	"[FILE...] [-n NAME]",
	"Without arguments tells what this host and this "
	"user can do; else names, by file and line, what "
	"a start with each config\nwould refuse.",
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

/* Prints the problems of one config, each on a line; file NULL: the container's own. */
static int check(struct json *j, const char *file, int *problems)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_TEXT char *text = NULL;
	const char *kind = "file", *label = file;
	ct_start_opts so = CT_START_OPTS_INIT;
	int err = open_container(&a, &c), n;

	if (err)
		return err;
	if (!file) {
		kind = "name";
		label = a.name;
	}
	/* as a system is started: with a supervisor all keys have an effect */
	so.flags = CT_START_DETACH;
	n = ct_check_file(c, file, &so, &text);
	if (n < 0)
		return fail_container(&a, c);
	*problems += n;
	if (a.json) {
		json_open(j, NULL, '{');
		json_string(j, kind, label);
		json_words(j, "problems", text, "\n");
		json_close(j, '}');
	} else if (n) {
		printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	} else {
		printf("%s: nothing to object to\n", label);
	}
	return 0;
}

static int check_all(struct json *j, int *problems)
{
	int err = 0;

	if (a.name)
		err = check(j, NULL, problems);
	for (size_t i = 0; i < files.n && !err; i++)
		err = check(j, files.v[i], problems);
	for (int i = 0; i < a.n_rest && !err; i++)
		err = check(j, a.rest[i], problems);
	return err;
}

int main(int argc, char **argv)
{
	struct json j = { 0 };
	int err, problems = 0;

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
		err = check_all(&j, &problems);
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
	return 0;
}
