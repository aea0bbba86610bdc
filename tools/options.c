/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <contain/contain.h>

/* Rows of one tool and the common ones, as getopt_long() wants them. */
#define MAX_ROWS 96
struct rows {
	const struct opt *row[MAX_ROWS];
	struct option longs[MAX_ROWS + 1];
	char shorts[2 + 3 * MAX_ROWS + 1];
	int n;
};

/* The common options that end the tool at once. */
struct asked {
	bool help, usage, version;
};

void strings_free(struct strings *s)
{
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

int strings_add(struct strings *s, const char *text)
{
	const char **v = reallocarray(s->v, s->n + 2, sizeof(*v));

	if (!v)
		return -ENOMEM;
	s->v = v;
	v[s->n++] = text;
	v[s->n] = NULL;
	return 0;
}

void args_free(struct args *a)
{
	free(a->rest);
	a->rest = NULL;
}

int number(const char *text, unsigned long max, unsigned long *out)
{
	unsigned long value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned long digit = (unsigned long)(*text - '0');

		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (value > (ULONG_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

static void __attribute__((format(printf, 3, 0)))
print_error(const char *tool, const char *name, const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", tool);
	if (name && *name)
		fprintf(stderr, "%s: ", name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int fail(const struct args *a, const char *fmt, ...)
{
	va_list ap;

	if (a->quiet)
		return EXIT_OWN;
	va_start(ap, fmt);
	print_error(a->tool->name, a->name, fmt, ap);
	va_end(ap);
	return EXIT_OWN;
}

int fail_tool(const char *tool, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(tool, NULL, fmt, ap);
	va_end(ap);
	return EXIT_OWN;
}

/* ---- usage, from the rows -------------------------------------------------------------------- */

/* What getopt_long(3) needs to know of an option's argument. */
static int argument_of(const struct opt *o)
{
	if (!o->arg)
		return no_argument;
	if (o->arg[0] == '[')
		return optional_argument;
	return required_argument;
}

static void print_row(const struct opt *o)
{
	int has = argument_of(o), n;
	char left[80];

	if (has == optional_argument)
		n = snprintf(left, sizeof(left), "--%s[=%.*s]", o->name, (int)strlen(o->arg) - 2,
			     o->arg + 1);
	else if (has == required_argument)
		n = snprintf(left, sizeof(left), "--%s=%s", o->name, o->arg);
	else
		n = snprintf(left, sizeof(left), "--%s", o->name);
	if (o->letter)
		printf("  -%c, ", o->letter);
	else
		printf("      ");
	if (n < 26)
		printf("%-26s%s\n", left, o->help);
	else
		printf("%s\n                                %s\n", left, o->help);
}

static void print_rows(const struct opt *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind != OPT_REFUSED && rows[i].help)
			print_row(&rows[i]);
}

static int print_help(const struct tool *t, const struct opt *common, size_t n_common)
{
	printf("Usage: %s %s\n\n%s\n", t->name, t->usage, t->what);
	if (t->n_opts)
		printf("\nOptions:\n");
	print_rows(t->opts, t->n_opts);
	printf("\nCommon options:\n");
	print_rows(common, n_common);
	return 0;
}

static int print_usage(const struct tool *t, const struct rows *r)
{
	printf("Usage: %s", t->name);
	for (int i = 0; i < r->n; i++) {
		const struct opt *o = r->row[i];
		bool has = argument_of(o) == required_argument;

		if (o->kind == OPT_REFUSED || !o->help)
			continue;
		if (o->letter && has)
			printf(" [-%c %s]", o->letter, o->arg);
		else if (o->letter)
			printf(" [-%c]", o->letter);
		else if (has)
			printf(" [--%s=%s]", o->name, o->arg);
		else
			printf(" [--%s]", o->name);
	}
	printf("\n       %s %s\n", t->name, t->usage);
	return 0;
}

/* ---- parsing --------------------------------------------------------------------------------- */

static bool add_row(struct rows *r, const struct opt *o, size_t *len)
{
	int has = argument_of(o);

	if (r->n == MAX_ROWS)
		return false;
	r->longs[r->n] = (struct option){ o->name, has, NULL, 256 + r->n };
	r->row[r->n++] = o;
	if (!o->letter)
		return true;
	r->shorts[(*len)++] = o->letter;
	for (int i = 0; i < has; i++)
		r->shorts[(*len)++] = ':';
	return true;
}

static bool build_rows(struct rows *r, const struct tool *t, const struct opt *common,
		       size_t n_common)
{
	size_t len = 0;
	bool ok = true;

	*r = (struct rows){ 0 };
	r->shorts[len++] = '-'; /* words are returned in their place, as option 1 */
	r->shorts[len++] = ':'; /* errors are returned, and we print them */
	for (size_t i = 0; i < t->n_opts; i++)
		ok = ok && add_row(r, &t->opts[i], &len);
	for (size_t i = 0; i < n_common; i++)
		ok = ok && add_row(r, &common[i], &len);
	return ok;
}

static const struct opt *find_row(const struct rows *r, int code)
{
	if (code >= 256)
		return r->row[code - 256];
	for (int i = 0; i < r->n; i++)
		if (r->row[i]->letter == code)
			return r->row[i];
	return NULL;
}

const char *absolute(const char *path)
{
	size_t word = strcspn(path, ":/");
	char *here, *whole = NULL;

	if (!*path || *path == '/' || path[word] == ':')
		return path;
	here = getcwd(NULL, 0);
	if (!here)
		return NULL;
	/* not "//PATH" below the root */
	if (!strcmp(here, "/"))
		*here = '\0';
	if (asprintf(&whole, "%s/%s", here, path) < 0)
		whole = NULL;
	free(here);
	return whole;
}

static int take(const struct args *a, const struct opt *o, const char *value)
{
	unsigned long n;
	int err;

	/* an optional argument that is missing */
	if (!value)
		value = "";
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return -1;
	case OPT_STRING:
		*(const char **)o->to = value;
		return -1;
	case OPT_PATH:
		value = absolute(value);
		if (!value)
			return fail(a,
				    "--%s: the path of the working directory cannot be found "
				    "out: %s",
				    o->name, strerror(errno));
		*(const char **)o->to = value;
		return -1;
	case OPT_LIST:
		if (strings_add(o->to, value) < 0)
			return fail(a, "out of memory");
		return -1;
	case OPT_NUMBER:
		err = number(value, UINT_MAX, &n);
		if (err == -ERANGE)
			return fail(a, "--%s %s: the number is too large", o->name, value);
		if (err < 0)
			return fail(a, "--%s %s: not a decimal number", o->name, value);
		*(unsigned *)o->to = (unsigned)n;
		return -1;
	case OPT_CALL:
		err = o->call(o, value);
		if (!err)
			return -1;
		return err;
	case OPT_IGNORED:
		return -1;
	case OPT_REFUSED:
		return fail(a, "--%s: %s", o->name, o->help);
	}
	return -1;
}

/* A word is the name, if the tool takes one and it is still missing, else one of the others. True:
 * the command begins here. */
static bool take_word(struct args *a, bool *name_was_word, char *word)
{
	unsigned f = a->tool->flags;

	if (!a->name && (f & (TOOL_NAME | TOOL_NAME_OPTIONAL)) && !(f & TOOL_NO_NAME_WORD)) {
		a->name = word;
		*name_was_word = true;
		return false;
	}
	if (f & TOOL_COMMAND)
		return true;
	a->rest[a->n_rest++] = word;
	return false;
}

static int bad_option(const struct args *a, int code, char **argv)
{
	const char *word = argv[optind - 1];
	bool is_long = !strncmp(word, "--", 2);

	if (code == ':' && is_long)
		return fail(a, "option %s wants an argument", word);
	if (code == ':')
		return fail(a, "option -%c wants an argument", optopt);
	if (is_long)
		return fail(a, "option %s is not known here (see --help)", word);
	return fail(a, "option -%c is not known here (see --help)", optopt);
}

static int parse_loop(struct args *a, const struct rows *r, int argc, char **argv)
{
	bool name_was_word = false;
	int code;

	opterr = 0;
	while ((code = getopt_long(argc, argv, r->shorts, r->longs, NULL)) != -1) {
		const struct opt *o;
		const char *before = a->name;
		int err;

		if (code == 1) {
			if (!take_word(a, &name_was_word, optarg))
				continue;
			optind--;
			break;
		}
		if (code == '?' && optopt == '?') /* LXC's -? */
			code = 'h';
		o = find_row(r, code);
		if (!o || code == '?' || code == ':')
			return bad_option(a, code, argv);
		err = take(a, o, optarg);
		if (err >= 0)
			return err;
		/* with -n after it the first word was not the name */
		if (a->name != before && name_was_word) {
			a->rest[a->n_rest++] = (char *)before;
			name_was_word = false;
		}
	}
	for (; optind < argc; optind++)
		if ((a->tool->flags & TOOL_COMMAND) || take_word(a, &name_was_word, argv[optind]))
			a->rest[a->n_rest++] = argv[optind];
	return -1;
}

static int check_words(const struct args *a)
{
	unsigned f = a->tool->flags;

	if ((f & TOOL_NAME) && !a->name)
		return fail(a, "missing container name, use -n NAME");
	if (a->n_rest && !(f & (TOOL_COMMAND | TOOL_WORDS)))
		return fail(a, "\"%s\" is one word too many (see --help)", a->rest[0]);
	return -1;
}

#define N_COMMON 11

/* Fills in the rows that tools have in common. Returns their number. */
static size_t common_rows(struct args *a, struct asked *asked, struct opt common[N_COMMON])
{
	unsigned flags = a->tool->flags;
	/* clang-format off */
	const struct {
		unsigned with, without;		/* flags of the tools that have it; 0: all */
		struct opt row;
	} rows[N_COMMON] = {
		{ TOOL_NAME | TOOL_NAME_OPTIONAL, 0,
		  { 'n', "name", "NAME", OPT_STRING, &a->name, "name of the container", NULL } },
		{ 0, 0, { 'P', "lxcpath", "DIR", OPT_PATH, &a->dir, "container directory", NULL } },
		{ 0, 0,
		  { 0, "state-dir", "DIR", OPT_PATH, &a->state_dir,
		    "directory of run-time state", NULL } },
		{ 0, 0,
		  { 'o', "logfile", "FILE", OPT_STRING, &a->logfile,
		    "append the log to FILE", NULL } },
		{ 0, 0, { 'l', "logpriority", "LEVEL", OPT_STRING, &a->loglevel,
			  "log up to LEVEL (ERROR, WARN, NOTICE, INFO, DEBUG, TRACE)", NULL } },
		{ 0, 0,
		  { 'q', "quiet", NULL, OPT_FLAG, &a->quiet,
		    "say nothing on standard error", NULL } },
		{ 0, TOOL_NO_RCFILE, { 0, "rcfile", "FILE", OPT_PATH, &a->rcfile,
				       "read FILE instead of the container's config", NULL } },
		{ TOOL_JSON, 0, { 0, "json", NULL, OPT_FLAG, &a->json, "print JSON", NULL } },
		{ 0, 0, { 'h', "help", NULL, OPT_FLAG, &asked->help, "print this text", NULL } },
		{ 0, 0,
		  { 0, "usage", NULL, OPT_FLAG, &asked->usage, "print a short usage line", NULL } },
		{ 0, 0,
		  { 0, "version", NULL, OPT_FLAG, &asked->version, "print the version", NULL } },
	};
	/* clang-format on */
	size_t n = 0;

	for (size_t i = 0; i < N_COMMON; i++)
		if ((!rows[i].with || (flags & rows[i].with)) && !(flags & rows[i].without))
			common[n++] = rows[i].row;
	return n;
}

int args_parse(struct args *a, const struct tool *tool, int argc, char **argv)
{
	struct asked asked = { 0 };
	struct opt common[N_COMMON];
	struct rows rows;
	size_t n;
	int err;

	*a = (struct args){ .tool = tool };
	n = common_rows(a, &asked, common);
	a->rest = calloc((size_t)argc + 2, sizeof(*a->rest));
	if (!a->rest || !build_rows(&rows, tool, common, n))
		return fail(a, "out of memory");
	err = parse_loop(a, &rows, argc, argv);
	if (asked.help)
		return print_help(tool, common, n);
	if (asked.usage)
		return print_usage(tool, &rows);
	if (asked.version && printf("%s\n", ct_version()) < 0)
		return EXIT_OWN;
	if (asked.version)
		return 0;
	if (err >= 0)
		return err;
	return check_words(a);
}
