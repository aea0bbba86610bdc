/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-info: what is known of one container. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "inside.h"

static struct args a;
static struct {
	bool ips, pid, stats, state, raw;
	struct strings keys;
} o;

static const struct opt opts[] = {
	{ 'c', "config", "KEY", OPT_LIST, &o.keys, "show the value of a config key", NULL },
	{ 'i', "ips", NULL, OPT_FLAG, &o.ips, "show the IP addresses", NULL },
	{ 'p', "pid", NULL, OPT_FLAG, &o.pid, "show the process id of init", NULL },
	{ 'S', "stats", NULL, OPT_FLAG, &o.stats, "show what its processes use", NULL },
	{ 's', "state", NULL, OPT_FLAG, &o.state, "show the state", NULL },
	{ 'H', "no-humanize", NULL, OPT_FLAG, &o.raw, "bare values and plain numbers", NULL },
};
static const struct tool tool = {
	"ct-info", "NAME [OPTION...]", "Shows what is known of a container; without options everything but config keys.",
	opts, sizeof(opts) / sizeof(*opts), TOOL_NAME | TOOL_JSON,
};

struct facts {
	ct_container *c;
	int state;
	pid_t pid;			/* 0: does not run */
	struct addresses addresses;
	struct usage usage;
	bool has_usage;
};

static void free_facts(struct facts *f)
{
	free(f->addresses.v);
}

static void line(const char *name, const char *value)
{
	if (o.raw)
		printf("%s\n", value);
	else
		printf("%-16s%s\n", name, value);
}

static void number_line(const char *name, uint64_t value, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "%s", value, o.raw ? "" : unit);
	line(name, text);
}

static void size_line(const char *name, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	unsigned u = 0;
	char text[32];

	for (; v >= 1024 && u < 4 && !o.raw; u++)
		v /= 1024;
	if (o.raw)
		snprintf(text, sizeof(text), "%" PRIu64, bytes);
	else
		snprintf(text, sizeof(text), "%.*f %s", u ? 2 : 0, v, units[u]);
	line(name, text);
}

static void print_addresses(const struct addresses *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].family && strcmp(l->v[i].name, "lo"))
			line("IP:", l->v[i].text);
}

static void print_usage(const struct facts *f)
{
	char text[32];

	if (!f->has_usage)
		return;
	if (o.raw)
		snprintf(text, sizeof(text), "%" PRIu64, f->usage.cpu_us * 1000);
	else
		snprintf(text, sizeof(text), "%.2f seconds", (double)f->usage.cpu_us / 1e6);
	line("CPU use:", text);
	size_line("Memory use:", f->usage.ram);
	size_line("Swap use:", f->usage.swap);
	number_line("Processes:", f->usage.processes, "");
}

/* Values of several lines (lists) become several lines of the same name. */
static int print_key(ct_container *c, const char *key)
{
	ssize_t n = ct_get_config(c, key, NULL, 0);
	char *value, *rest, *entry;

	if (n < 0)
		return fail_container(&a, c);
	value = config_value(c, key);
	rest = value ? value : (char *)"";
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
	bool all = !(o.ips || o.pid || o.stats || o.state || o.keys.n);
	int err = 0;

	if (all)
		line("Name:", a.name);
	if (all || o.state)
		line("State:", ct_state_name(f->state));
	if (f->pid && (all || o.pid))
		number_line("PID:", (uint64_t)f->pid, "");
	if (all || o.ips)
		print_addresses(&f->addresses);
	if (all || o.stats)
		print_usage(f);
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

static void json_usage(struct json *j, const struct facts *f)
{
	if (!f->has_usage)
		return;
	json_open(j, "usage", '{');
	json_number(j, "processes", f->usage.processes);
	json_number(j, "cpu_us", (int64_t)f->usage.cpu_us);
	json_number(j, "ram", (int64_t)f->usage.ram);
	json_number(j, "swap", (int64_t)f->usage.swap);
	json_close(j, '}');
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
	json_addresses(&j, &f->addresses);
	json_usage(&j, f);
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

/* Reads what the options ask for; what cannot be read of a running container is said, but is no failure. */
static void look(struct facts *f)
{
	bool all = a.json || !(o.ips || o.pid || o.stats || o.state || o.keys.n);
	int pidfd, err = 0;

	f->pid = ct_init_pid(f->c);
	if (f->pid < 0)
		f->pid = 0;
	if (!f->pid)
		return;
	if (all || o.ips) {
		pidfd = ct_init_pidfd(f->c);
		err = pidfd < 0 ? pidfd : addresses_of(pidfd, &f->addresses);
		if (pidfd >= 0)
			close(pidfd);
		if (err < 0 && err != -ESRCH)
			fail(&a, "its addresses cannot be read: %s", strerror(-err));
	}
	if (all || o.stats) {
		err = usage_of(f->pid, &f->usage);
		f->has_usage = err == 0;
		if (err == -EXDEV && o.stats)
			fail(&a, "it shares the host's pid namespace: which processes are its own cannot be told");
	}
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	__attribute__((cleanup(free_facts))) struct facts f = { 0 };
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return err ? err : EXIT_OWN;
	if (o.keys.n || a.rcfile)
		err = load_config(&a, c, NULL, false);
	if (err)
		return err;
	f.c = c;
	f.state = ct_state(c);
	look(&f);
	err = a.json ? print_json(&f) : print_text(&f);
	if (!err && fflush(stdout))
		err = fail(&a, "cannot write: %s", strerror(errno));
	return err < 0 ? EXIT_OWN : err;
}
