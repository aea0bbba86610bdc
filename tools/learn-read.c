/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what learn-write.c has written as a policy of LXC's version 2. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

#define NOT_OURS "ct-learn has not written this"

static int refuse(struct learn_text *t, const char *why)
{
	t->why = why;
	return -EINVAL;
}

/* ---- the header ------------------------------------------------------------------------------ */

static int read_runs(struct learn_profile *p, const char *text, size_t n)
{
	char digits[16] = "";
	unsigned long runs;

	if (n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n);
	if (number(digits, 1000000000, &runs) < 0)
		return -EINVAL;
	p->runs = (unsigned)runs;
	return 0;
}

static int read_caps(struct learn_profile *p, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		size_t len = strcspn(text, " \n");
		int bit = learn_cap_bit(text, len);

		if (bit < 0)
			return -EINVAL;
		p->caps |= UINT64_C(1) << bit;
		text += len;
		text += text < end;
	}
	return 0;
}

static int arch_by(const char *name, size_t n)
{
	for (size_t i = 0; i < learn_n_archs; i++)
		if (!strncmp(learn_archs[i].section, name, n) && !learn_archs[i].section[n])
			return (int)i;
	return -1;
}

static int read_unnamed(struct learn_profile *p, const char *text, size_t n)
{
	size_t len = strcspn(text, " \n");
	char digits[16] = "";
	unsigned long nr;
	int arch = arch_by(text, len);

	if (arch < 0 || len + 1 >= n || n - len - 1 >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text + len + 1, n - len - 1);
	if (number(digits, INT32_MAX, &nr) < 0)
		return -EINVAL;
	learn_add_unnamed(p, (unsigned)arch, (int)nr);
	return 0;
}

int learn_read_header(struct learn_profile *p, struct learn_text *t, const char *text, size_t n)
{
	static const struct {
		const char *name;
		int (*read)(struct learn_profile *p, const char *text, size_t n);
	} facts[] = {
		{ "runs: ", read_runs },
		{ "run: ", learn_add_run },
		{ "capabilities: ", read_caps },
		{ "unnamed: ", read_unnamed },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		size_t len = strlen(facts[i].name);
		int err;

		if (n < len || strncmp(text, facts[i].name, len) != 0)
			continue;
		err = facts[i].read(p, text + len, n - len);
		if (err == -EINVAL)
			t->why = "this line of the header cannot be read";
		return err;
	}
	return 0; /* somebody's remark */
}

/* ---- the policy ------------------------------------------------------------------------------ */

/* The next line, without its newline; false at the end. */
static bool next_line(struct learn_text *t, const char **line, size_t *n)
{
	if (!*t->at)
		return false;
	t->line++;
	*line = t->at;
	*n = strcspn(t->at, "\n");
	t->at += *n + (t->at[*n] != '\0');
	return true;
}

/* The line that says what happens to other calls: "allowlist errno 1". */
static int read_list(struct learn_profile *p, struct learn_text *t)
{
	static const char kind[] = "allowlist ";
	char action[32] = "";
	const char *line;
	size_t n, len = strlen(kind);

	if (!next_line(t, &line, &n) || n < len || n - len >= sizeof(action) ||
	    strncmp(line, kind, len) != 0)
		return refuse(t, NOT_OURS);
	memcpy(action, line + len, n - len);
	if (learn_read_deny(p, action) < 0)
		return refuse(t, NOT_OURS);
	return 0;
}

static int read_rule(struct learn_profile *p, struct learn_text *t, int *arch, const char *line,
		     size_t n)
{
	int err;

	if (*line == '[' && line[n - 1] == ']') {
		*arch = arch_by(line + 1, n - 2);
		if (*arch < 0)
			return refuse(t, "there is no such architecture");
		return 0;
	}
	if (*arch < 0)
		return refuse(t, NOT_OURS ": a section is missing");
	err = learn_add(p, (unsigned)*arch, line, n);
	if (err == -EINVAL)
		return refuse(t, NOT_OURS ": its rules are names of calls alone");
	return err;
}

static int read_lxc(struct learn_profile *p, struct learn_text *t)
{
	const char *line;
	int arch = -1, err;
	size_t n;

	t->line = 0;
	if (!next_line(t, &line, &n) || n != 1 || *line != '2')
		return refuse(t, NOT_OURS);
	err = read_list(p, t);
	while (!err && next_line(t, &line, &n)) {
		if (n > 2 && !strncmp(line, "# ", 2))
			err = learn_read_header(p, t, line + 2, n - 2);
		else if (n && *line != '#')
			err = read_rule(p, t, &arch, line, n);
	}
	return err;
}

int learn_read(struct learn_profile *p, struct learn_text *t)
{
	t->line = 1;
	t->why = NULL;
	if (!strstr(t->at, LEARN_MARK))
		return refuse(t, NOT_OURS);
	p->form = LEARN_LXC;
	if (t->at[strspn(t->at, " \t\r\n")] != '{')
		return read_lxc(p, t);
	p->form = LEARN_OCI;
	return learn_read_oci(p, t);
}
