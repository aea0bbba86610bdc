/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-info: what is known of one container. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "out.h"
#include "counters.h"
#include "inside.h"
#include "quantity.h"

static struct args a;
static struct {
	bool ips, pid, stats, state, raw, protections;
	struct strings keys;
} o;

static const struct opt opts[] = {
	{ 'c', "config", "KEY", OPT_LIST, &o.keys, "show the value of a config key", NULL },
	{ 'i', "ips", NULL, OPT_FLAG, &o.ips, "show the IP addresses", NULL },
	{ 'p', "pid", NULL, OPT_FLAG, &o.pid, "show the process id of init", NULL },
	{ 'S', "stats", NULL, OPT_FLAG, &o.stats, "show what it uses, and the limits that are set",
	  NULL },
	{ 's', "state", NULL, OPT_FLAG, &o.state, "show the state", NULL },
	{ 0, "protections", NULL, OPT_FLAG, &o.protections,
	  "show what protects it: asked, got and how", NULL },
	{ 'H', "no-humanize", NULL, OPT_FLAG, &o.raw,
	  "plain numbers, and a value that is asked for alone without its name", NULL },
};
static const struct tool tool = {
	"ct-info",
	"NAME [OPTION...]",
	"Shows what is known of a container; without options everything but config keys.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_JSON,
};

struct facts {
	ct_container *c;
	int state;
	pid_t pid; /* 0: it is not running */
	struct addresses addresses;
	ct_usage usage;
	bool has_usage;
	ct_exit last;
	bool has_ended;	   /* and there is a record of it */
	char *protections; /* text or JSON, the library's */
	char filter[160];  /* "": it has none, or that cannot be told */
};

static void free_facts(struct facts *f)
{
	free(f->addresses.v);
	ct_free(f->protections);
}

/* True when nothing was asked for by an option. */
static bool wants_all(void)
{
	return !(o.ips || o.pid || o.stats || o.state || o.protections || o.keys.n);
}

/* As in LXC: with -H one value is printed alone, several with their names. */
static void line(const char *name, const char *value)
{
	if (o.raw && o.ips + o.pid + o.stats + o.state == 1)
		printf("%s\n", value);
	else
		printf("%-16s%s\n", name, value);
}

static void print_pid(pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	line("PID:", text);
}

static void print_addresses(const struct addresses *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].family && strcmp(l->v[i].name, "lo"))
			line("IP:", l->v[i].text);
}

/* Counters have their names with -H, too, because a host may lack some of them. */
static void counter_line(const char *name, uint64_t value, bool bytes)
{
	char text[32];

	if (value == CT_ABSENT)
		return;
	if (bytes)
		size_text(text, sizeof(text), value, o.raw);
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	printf("%-16s%s\n", name, text);
}

static void print_usage(const ct_usage *u)
{
	uint64_t io = CT_ABSENT;

	if (u->io_read != CT_ABSENT && u->io_written != CT_ABSENT)
		io = u->io_read + u->io_written;
	if (u->cpu_us != CT_ABSENT && o.raw)
		counter_line("CPU use:", u->cpu_us * 1000, false);
	else if (u->cpu_us != CT_ABSENT)
		printf("%-16s%.2f seconds\n", "CPU use:", (double)u->cpu_us / 1e6);
	counter_line("BlkIO use:", io, true);
	counter_line("Memory use:", u->memory, true);
	counter_line("Memory limit:", u->memory_limit, true);
	counter_line("KMem use:", u->memory_kernel, true);
	counter_line("Swap use:", u->swap, true);
	counter_line("Swap limit:", u->swap_limit, true);
	counter_line("Processes:", u->pids, false);
	counter_line("Process limit:", u->pids_limit, false);
}

/* Copies a column of a line whose columns have at least two spaces between them. */
static void copy_column(const char *text, unsigned column, char *out, size_t size)
{
	size_t n;

	for (;; text += n + strspn(text + n, " ")) {
		for (n = 0; text[n] && text[n] != '\n' && strncmp(text + n, "  ", 2) != 0;)
			n++;
		if (!column-- || !text[n] || text[n] == '\n')
			break;
	}
	snprintf(out, size, "%.*s", (int)n, text);
}

/* The filter of system calls: profile, rules, digest. Where the profile has changed since the start
 * only what runs is told of. */
static void read_filter(struct facts *f)
{
	char *text = NULL, *row;

	if (ct_protections(f->c, CT_FORMAT_TEXT, &text) < 0)
		return;
	row = strstr(text, " filter of calls");
	if (row && row > text)
		copy_column(row + 1, row[-1] == '!' ? 2 : 1, f->filter, sizeof(f->filter));
	ct_free(text);
}

/* How it has ended, when it was detached and has no process now. */
static void print_end(const ct_exit *x)
{
	char text[64];

	if (x->signal)
		snprintf(text, sizeof(text), "%s, signal %d", exit_reason(x->reason), x->signal);
	else
		snprintf(text, sizeof(text), "%s, code %d", exit_reason(x->reason), x->code);
	line("Last exit:", text);
}

/* Values of several lines (lists) become several lines of the same name. */
static int print_key(ct_container *c, const char *key)
{
	ssize_t n = ct_get_config(c, key, NULL, 0);
	char *value, *rest, *entry;

	if (n < 0)
		return fail_container(&a, c);
	value = config_value(c, key);
	rest = value;
	if (!rest)
		rest = (char *)"";
	do {
		entry = strsep(&rest, "\n");
		if (o.raw && o.keys.n == 1)
			printf("%s\n", entry);
		else
			printf("%s = %s\n", key, entry);
	} while (rest && *rest);
	free(value);
	return 0;
}

static int print_text(struct facts *f)
{
	bool all = wants_all();
	int err = 0;

	if (all)
		line("Name:", a.name);
	if (all || o.state)
		line("State:", ct_state_name(f->state));
	if (f->pid && (all || o.pid))
		print_pid(f->pid);
	if (f->has_ended && (all || o.state))
		print_end(&f->last);
	if (all || o.ips)
		print_addresses(&f->addresses);
	if (f->has_usage && (all || o.stats))
		print_usage(&f->usage);
	if (all && *f->filter)
		line("Filter:", f->filter);
	if (f->protections)
		fputs(f->protections, stdout);
	for (size_t i = 0; i < o.keys.n && !err; i++)
		err = print_key(f->c, o.keys.v[i]);
	return err;
}

static void json_addresses(struct json *j, const struct addresses *l)
{
	json_open(j, "addresses", '[');
	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].family)
			continue;
		json_open(j, NULL, '{');
		json_string(j, "interface", l->v[i].name);
		json_string(j, "family", l->v[i].family == AF_INET ? "ipv4" : "ipv6");
		json_string(j, "address", l->v[i].text);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int print_json(struct facts *f)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "name", a.name);
	json_string(&j, "path", ct_path(f->c));
	json_string(&j, "state", ct_state_name(f->state));
	if (f->pid)
		json_number(&j, "pid", f->pid);
	if (f->has_ended) {
		json_open(&j, "last_exit", '{');
		json_string(&j, "reason", exit_reason(f->last.reason));
		json_number(&j, "code", f->last.code);
		json_number(&j, "signal", f->last.signal);
		json_number(&j, "wall_us", (long long)f->last.wall_us);
		json_close(&j, '}');
	}
	json_addresses(&j, &f->addresses);
	if (f->has_usage) {
		json_open(&j, "usage", '{');
		json_counters(&j, &f->usage);
		json_close(&j, '}');
	}
	if (*f->filter)
		json_string(&j, "filter", f->filter);
	if (f->protections)
		json_raw(&j, "protections", f->protections);
	if (o.keys.n)
		json_open(&j, "config", '{');
	for (size_t i = 0; i < o.keys.n; i++) {
		char *value = config_value(f->c, o.keys.v[i]);

		if (!value && ct_get_config(f->c, o.keys.v[i], NULL, 0) < 0)
			return fail_container(&a, f->c);
		json_string(&j, o.keys.v[i], value);
		free(value);
	}
	if (o.keys.n)
		json_close(&j, '}');
	json_close(&j, '}');
	return json_end(&j);
}

/* Reads what the options ask for. If something of a running container cannot be read, that is
 * printed, but no failure. */
static void read_facts(struct facts *f)
{
	bool all = a.json || wants_all();
	int pidfd, err = 0;

	f->pid = ct_init_pid(f->c);
	if (f->pid < 0)
		f->pid = 0;
	if (!f->pid) {
		f->has_ended = ct_last_exit(f->c, &f->last) == 0;
		return;
	}
	if (all || o.ips) {
		err = pidfd = ct_init_pidfd(f->c);
		if (pidfd >= 0) {
			err = addresses_of(pidfd, &f->addresses);
			close(pidfd);
		}
		if (err < 0 && err != -ESRCH)
			fail(&a, "its addresses cannot be read: %s", strerror(-err));
	}
	if (all)
		read_filter(f);
	if (all || o.stats) {
		err = use_of(f->c, f->pid, &f->usage);
		f->has_usage = err == 0;
		if (err == -EXDEV && o.stats)
			fail(&a, "it has no cgroup and shares the host's pid namespace: which "
				 "processes are its own cannot be told");
	}
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	__attribute__((cleanup(free_facts))) struct facts f = { .last = CT_EXIT_INIT };
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	if (o.keys.n || a.rcfile)
		err = load_config(&a, c, NULL, false);
	if (err)
		return err;
	f.c = c;
	f.state = ct_state(c);
	read_facts(&f);
	if (o.protections && ct_protections(c, format_of(&a), &f.protections) < 0)
		return fail_container(&a, c);
	if (a.json)
		err = print_json(&f);
	else
		err = print_text(&f);
	if (err <= 0)
		err = out_flush(&a);
	if (err < 0)
		return EXIT_OWN;
	return err;
}
