/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-cgroup: reads and writes the cgroup files of a running container, and changes its limits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "out.h"

static struct args a;
static const struct tool tool = {
	"ct-cgroup",
	"NAME FILE [VALUE]\n       ct-cgroup NAME limit.KEY=VALUE...",
	"Prints or sets a cgroup file of a running container, or changes its limits, all of them "
	"or none.",
	NULL,
	0,
	TOOL_NAME | TOOL_WORDS | TOOL_JSON,
};

/* ---- files ----------------------------------------------------------------------------------- */

/* Text of the file, to be released with free(); NULL after an error message. Read again if it has
 * grown meanwhile. */
static char *read_file(ct_container *c, const char *file)
{
	char *buf = NULL;
	size_t size = 4096;

	for (int i = 0; i < 8; i++) {
		char *more = realloc(buf, size);
		ssize_t n;

		if (!more)
			break;
		buf = more;
		n = ct_cgroup_get(c, file, buf, size);
		if (n >= 0 && (size_t)n < size)
			return buf;
		if (n < 0) {
			fail_container(&a, c);
			free(buf);
			return NULL;
		}
		size = (size_t)n + 4096;
	}
	free(buf);
	fail(&a, "%s: out of memory", file);
	return NULL;
}

static int print_file(ct_container *c, const char *file)
{
	struct json j = { .out = stdout };
	char *text = read_file(c, file);
	size_t n;

	if (!text)
		return EXIT_OWN;
	n = strlen(text);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	if (a.json) {
		json_open(&j, NULL, '{');
		json_string(&j, "name", a.name);
		json_string(&j, "file", file);
		json_string(&j, "value", text);
		json_close(&j, '}');
		fputc('\n', stdout);
	} else if (n) {
		puts(text);
	}
	free(text);
	return out_flush(&a);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static bool is_limit(const char *word)
{
	return !strncmp(word, "limit.", 6) || !strncmp(word, "lxc.limit.", 10);
}

/* Divides the words at their first "=", in place. */
static int set_limits(ct_container *c)
{
	CLEAN_STRINGS struct strings keys = { 0 }, values = { 0 };

	for (int i = 0; i < a.n_rest; i++) {
		char *eq = strchr(a.rest[i], '=');

		if (!is_limit(a.rest[i]) || !eq)
			return fail(&a,
				    "%s: expected limit.KEY=VALUE (ct-info --protections shows "
				    "the limits there are)",
				    a.rest[i]);
		*eq = '\0';
		if (strings_add(&keys, a.rest[i]) < 0 || strings_add(&values, eq + 1) < 0)
			return fail(&a, "out of memory");
	}
	if (ct_set_limits(c, keys.v, values.v, keys.n) < 0)
		return fail_container(&a, c);
	return 0;
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (!a.n_rest)
		return fail(&a,
			    "missing file, such as memory.max, or limit, such as limit.memory=64M");
	if (!is_limit(a.rest[0]) && a.n_rest > 2)
		return fail(&a, "\"%s\" is one word too many (see --help)", a.rest[2]);
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	if (is_limit(a.rest[0]))
		return set_limits(c);
	if (a.n_rest == 1)
		return print_file(c, a.rest[0]);
	if (ct_cgroup_set(c, a.rest[0], a.rest[1]) < 0)
		return fail_container(&a, c);
	return 0;
}
