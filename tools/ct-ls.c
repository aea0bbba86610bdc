/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-ls: lists containers. */
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ask.h"
#include "common.h"
#include "out.h"
#include "inside.h"

static struct args a;
static struct {
	bool line, fancy, active, running, frozen, stopped, defined;
	const char *columns, *filter, *groups;
} o = { .columns = "NAME,STATE,AUTOSTART,GROUPS,IPV4,IPV6,UNPRIVILEGED" };

static int choose_columns(const struct opt *row, const char *value);

static const struct opt opts[] = {
	{ '1', "line", NULL, OPT_FLAG, &o.line, "one name a line", NULL },
	{ 'f', "fancy", NULL, OPT_FLAG, &o.fancy, "a table", NULL },
	{ 'F', "fancy-format", "COLUMNS", OPT_CALL, NULL,
	  "a table of these: NAME, STATE, PID, RAM, SWAP, AUTOSTART, GROUPS, INTERFACE, IPV4, "
	  "IPV6, UNPRIVILEGED",
	  choose_columns },
	{ 0, "active", NULL, OPT_FLAG, &o.active, "only what runs, frozen or not", NULL },
	{ 0, "running", NULL, OPT_FLAG, &o.running, "only what is RUNNING", NULL },
	{ 0, "frozen", NULL, OPT_FLAG, &o.frozen, "only what is FROZEN", NULL },
	{ 0, "stopped", NULL, OPT_FLAG, &o.stopped, "only what is STOPPED", NULL },
	{ 0, "defined", NULL, OPT_FLAG, &o.defined, "only what has a config", NULL },
	{ 0, "filter", "REGEX", OPT_STRING, &o.filter,
	  "only names that match (extended regular expression)", NULL },
	{ 'g', "groups", "GROUPS", OPT_STRING, &o.groups,
	  "only what is in all of these groups (a,b,...)", NULL },
	{ 0, "nesting", "[N]", OPT_REFUSED, NULL,
	  "containers in containers are not listed; run ct-ls inside", NULL },
};
static const struct tool tool = {
	"ct-ls",
	"[OPTION...]",
	"Lists the defined and the running containers.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_JSON,
};

struct row {
	char *name;
	ct_container *c;
	int state;	 /* < 0: not known, the supervisor does not answer */
	const char *why; /* ... with this error; "" */
	pid_t pid;	 /* 0: it is not running */
	bool defined;
	char *groups, *autostart;
	bool unprivileged;
	bool read_addresses, read_usage, has_usage;
	struct addresses addresses;
	ct_usage usage;
};

struct table {
	struct row *v;
	size_t n;
	struct ask *answers;
};

static void free_row(struct row *r)
{
	free(r->name);
	free(r->groups);
	free(r->autostart);
	free(r->addresses.v);
	ct_unref(r->c);
}

static void free_table(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free_row(&t->v[i]);
	free(t->v);
	free(t->answers);
}

/* ---- the cells of a row ---------------------------------------------------------------------- */

static const struct addresses *addresses(struct row *r)
{
	int pidfd;

	if (r->read_addresses || !r->pid)
		return &r->addresses;
	r->read_addresses = true;
	pidfd = ct_init_pidfd(r->c);
	if (pidfd >= 0) {
		addresses_of(pidfd, &r->addresses);
		close(pidfd);
	}
	return &r->addresses;
}

static const ct_usage *usage(struct row *r)
{
	if (!r->read_usage && r->pid)
		r->has_usage = use_of(r->c, r->pid, &r->usage) == 0;
	r->read_usage = true;
	if (r->has_usage)
		return &r->usage;
	return NULL;
}

static void put_name(struct row *r, FILE *out)
{
	fputs(r->name, out);
}

static void put_state(struct row *r, FILE *out)
{
	fputs(state_text(r->state), out);
}

static void put_pid(struct row *r, FILE *out)
{
	if (r->pid)
		fprintf(out, "%d", r->pid);
}

static void put_autostart(struct row *r, FILE *out)
{
	if (r->autostart)
		fputs(r->autostart, out);
	else if (r->defined)
		fputc('0', out);
}

static void put_groups(struct row *r, FILE *out)
{
	for (const char *p = r->groups; p && *p; p++) {
		if (*p == '\n' || *p == ' ')
			fputc(',', out);
		else
			fputc(*p, out);
	}
}

static void put_unprivileged(struct row *r, FILE *out)
{
	if (r->defined)
		fputs(r->unprivileged ? "true" : "false", out);
}

static void put_ram(struct row *r, FILE *out)
{
	const ct_usage *u = usage(r);

	if (u && u->memory != CT_ABSENT)
		fprintf(out, "%.2fMB", (double)u->memory / (1 << 20));
}

static void put_swap(struct row *r, FILE *out)
{
	const ct_usage *u = usage(r);

	if (u && u->swap != CT_ABSENT)
		fprintf(out, "%.2fMB", (double)u->swap / (1 << 20));
}

static void put_addresses(struct row *r, int family, FILE *out)
{
	const struct addresses *l = addresses(r);
	const char *comma = "";

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].family != family || (family && !strcmp(l->v[i].name, "lo")))
			continue;
		fputs(comma, out);
		if (family)
			fputs(l->v[i].text, out);
		else
			fputs(l->v[i].name, out);
		comma = ", ";
	}
}

static void put_interfaces(struct row *r, FILE *out)
{
	put_addresses(r, 0, out);
}

static void put_ipv4(struct row *r, FILE *out)
{
	put_addresses(r, AF_INET, out);
}

static void put_ipv6(struct row *r, FILE *out)
{
	put_addresses(r, AF_INET6, out);
}

static const struct column {
	const char *name;
	void (*put)(struct row *r, FILE *out);
} columns[] = {
	{ "NAME", put_name },
	{ "STATE", put_state },
	{ "PID", put_pid },
	{ "RAM", put_ram },
	{ "SWAP", put_swap },
	{ "AUTOSTART", put_autostart },
	{ "GROUPS", put_groups },
	{ "INTERFACE", put_interfaces },
	{ "IPV4", put_ipv4 },
	{ "IPV6", put_ipv6 },
	{ "UNPRIVILEGED", put_unprivileged },
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

/* Cell as text, "-" when it is empty; to be released with free(). NULL without memory. */
static char *cell(const struct column *col, struct row *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	col->put(r, f);
	if (ftell(f) == 0)
		fputc('-', f);
	fclose(f);
	return text;
}

static const struct column *find_column(const char *name, size_t n)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (strlen(columns[i].name) == n && !strncasecmp(columns[i].name, name, n))
			return &columns[i];
	return NULL;
}

static int choose_columns(const struct opt *row, const char *value)
{
	(void)row;
	o.fancy = true;
	o.columns = value;
	for (size_t n; *value; value += n + (value[n] != '\0')) {
		n = strcspn(value, ",");
		if (!find_column(value, n))
			return fail_tool("ct-ls", "-F: no column is called %.*s (see --help)",
					 (int)n, value);
	}
	return 0;
}

/* ---- which rows ------------------------------------------------------------------------------ */

static bool in_groups(const struct row *r, const char *wanted)
{
	for (size_t n; *wanted; wanted += n + (wanted[n] != '\0')) {
		bool found = false;

		n = strcspn(wanted, ",");
		for (const char *g = r->groups; n && g && *g; g += strspn(g, ", \n")) {
			size_t len = strcspn(g, ", \n");

			found = found || (len == n && !strncmp(g, wanted, n));
			g += len;
		}
		if (n && !found)
			return false;
	}
	return true;
}

static bool is_shown(const struct row *r)
{
	/* a supervisor that does not answer lives all the same */
	bool active = r->state < 0 || r->state == CT_STATE_RUNNING || r->state == CT_STATE_FROZEN;

	if (o.defined && !r->defined)
		return false;
	if (o.active && !active)
		return false;
	if ((o.running || o.frozen || o.stopped) && !((o.running && r->state == CT_STATE_RUNNING) ||
						      (o.frozen && r->state == CT_STATE_FROZEN) ||
						      (o.stopped && r->state == CT_STATE_STOPPED)))
		return false;
	return !o.groups || in_groups(r, o.groups);
}

static bool needs_config(void)
{
	return a.json || o.fancy || o.groups || o.defined;
}

/* Fills in what the config has of one. 0 or an exit code. */
static int fill_row(struct row *r)
{
	struct args one = a;
	char *idmap;
	int err;

	one.name = r->name;
	err = open_container(&one, &r->c);
	if (err)
		return err;
	if (needs_config() && ct_load_config(r->c, NULL) < 0) {
		r->defined = ct_last_error(r->c)->id != CT_ERR_NOT_DEFINED;
		if (r->defined) /* a config that cannot be read: listed all the same */
			fail_container(&one, r->c);
	} else if (needs_config()) {
		r->defined = true;
		r->groups = config_value(r->c, "group");
		r->autostart = config_value(r->c, "start.auto");
		idmap = config_value(r->c, "idmap");
		r->unprivileged = idmap != NULL;
		free(idmap);
	}
	return 0;
}

/* Asks all of them, and keeps those that are to be shown. */
static int ask_rows(struct table *t)
{
	size_t kept = 0;

	t->answers = calloc(t->n + 1, sizeof(*t->answers));
	for (size_t i = 0; t->answers && i < t->n; i++)
		t->answers[i].c = t->v[i].c;
	if (!t->answers || ask_all(t->answers, t->n, ASK_MS) < 0)
		return fail(&a, "out of memory");
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = &t->v[i];
		struct args one = a;

		r->state = t->answers[i].state;
		r->pid = t->answers[i].pid;
		r->why = t->answers[i].why;
		one.name = r->name;
		if (r->state < 0)
			fail(&one, "%s", r->why);
		if (t->answers[i].late)
			r->c = NULL; /* a thread still uses it */
		if (is_shown(r))
			t->v[kept++] = *r;
		else
			free_row(r);
	}
	t->n = kept;
	return 0;
}

static int fill_table(struct table *t, char *names)
{
	regex_t filter;
	char *name;
	int err = 0;

	if (o.filter && regcomp(&filter, o.filter, REG_EXTENDED | REG_NOSUB))
		return fail(&a, "--filter %s: not a regular expression", o.filter);
	while (!err && (name = strsep(&names, "\n"))) {
		struct row *v;

		if (!*name || (o.filter && regexec(&filter, name, 0, NULL, 0)))
			continue;
		v = reallocarray(t->v, t->n + 1, sizeof(*v));
		if (!v) {
			err = fail(&a, "out of memory");
			break;
		}
		t->v = v;
		v[t->n] = (struct row){ .name = strdup(name) };
		err = fill_row(&v[t->n++]);
	}
	if (o.filter)
		regfree(&filter);
	if (err)
		return err;
	return ask_rows(t);
}

/* ---- printing -------------------------------------------------------------------------------- */

static int print_fancy(struct table *t)
{
	const struct column *col[64];
	size_t n_col = 0, n, width[64];
	char **text;

	for (const char *p = o.columns; *p && n_col < 64; p += n + (p[n] != '\0')) {
		n = strcspn(p, ",");
		col[n_col++] = find_column(p, n);
	}
	text = calloc((t->n + 1) * n_col, sizeof(*text));
	if (!text)
		return fail(&a, "out of memory");
	for (size_t i = 0; i < n_col; i++) {
		text[i] = strdup(col[i]->name);
		width[i] = strlen(col[i]->name);
		for (size_t r = 0; r < t->n; r++) {
			char *s = text[(r + 1) * n_col + i] = cell(col[i], &t->v[r]);

			if (s && strlen(s) > width[i])
				width[i] = strlen(s);
		}
	}
	for (size_t i = 0; i < (t->n + 1) * n_col; i++) {
		const char *s = text[i];

		if (!s)
			s = "?";
		if (i % n_col == n_col - 1)
			printf("%s\n", s);
		else
			printf("%-*s ", (int)width[i % n_col], s);
		free(text[i]);
	}
	free(text);
	return 0;
}

static void json_cell(struct json *j, const char *key, const char *column, struct row *r,
		      const char *separators)
{
	char *text = cell(find_column(column, strlen(column)), r);
	const char *words = text;

	if (text && !strcmp(text, "-"))
		words = NULL;
	json_words(j, key, words, separators);
	free(text);
}

static int print_json(struct table *t)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = &t->v[i];
		const ct_usage *u = usage(r);

		json_open(&j, NULL, '{');
		json_string(&j, "name", r->name);
		json_string(&j, "state", state_text(r->state));
		if (r->state < 0)
			json_string(&j, "reason", r->why);
		if (r->pid)
			json_number(&j, "pid", r->pid);
		json_bool(&j, "defined", r->defined);
		json_bool(&j, "autostart", r->autostart && !strcmp(r->autostart, "1"));
		json_words(&j, "groups", r->groups, ", \n");
		json_bool(&j, "unprivileged", r->unprivileged);
		json_cell(&j, "interfaces", "INTERFACE", r, ", ");
		json_cell(&j, "ipv4", "IPV4", r, ", ");
		json_cell(&j, "ipv6", "IPV6", r, ", ");
		if (u && u->memory != CT_ABSENT)
			json_number(&j, "ram", (int64_t)u->memory);
		if (u && u->swap != CT_ABSENT)
			json_number(&j, "swap", (int64_t)u->swap);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	return json_end(&j);
}

/* Prints names in columns down the screen, as ls(1) does; one a line if it is no terminal. */
static void print_names(const struct table *t)
{
	struct winsize w = { 0 };
	size_t width = 1, per_line = 1, lines;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(t->v[i].name) + 2;

		if (n > width)
			width = n;
	}
	if (!o.line && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 &&
	    w.ws_col > width)
		per_line = w.ws_col / width;
	lines = (t->n + per_line - 1) / per_line;
	for (size_t l = 0; l < lines; l++) {
		for (size_t i = l; i < t->n; i += lines) {
			if (i + lines < t->n)
				printf("%-*s", (int)width, t->v[i].name);
			else
				fputs(t->v[i].name, stdout);
		}
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(free_table))) struct table t = { 0 };
	CLEAN_TEXT char *names = NULL;
	const ct_error *e = NULL;
	ct_new_opts where;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	where = where_of(&a, &e);
	if (ct_list(&where, CT_LIST_DEFINED | CT_LIST_RUNNING, &names) < 0)
		return fail_error(&a, e);
	err = fill_table(&t, names);
	if (err)
		return err;
	if (a.json)
		err = print_json(&t);
	else if (o.fancy)
		err = print_fancy(&t);
	else
		print_names(&t);
	if (err <= 0)
		err = out_flush(&a);
	if (err < 0)
		return EXIT_OWN;
	return err;
}
