/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-monitor: prints what happens to containers, as it happens. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "out.h"
#include "quantity.h"

#define LIST_MS 1000 /* how often to look for new containers, and for ones that were started */

static struct args a;
static struct {
	bool quit;
	unsigned once;
	struct strings pressure;
} o;

static const struct opt opts[] = {
	{ 0, "pressure", "RESOURCE=STALL[/WINDOW]", OPT_LIST, &o.pressure,
	  "tell when cpu, memory or io stalls so long: memory=100ms/1s", NULL },
	{ 0, "once", "N", OPT_NUMBER, &o.once, "end after N events", NULL },
	{ 'Q', "quit", NULL, OPT_FLAG, &o.quit,
	  "accepted: there is no lxc-monitord that could be told to quit", NULL },
};
static const struct tool tool = {
	"ct-monitor",
	"[NAME] [OPTION...]",
	"Prints the changes of state and other events of the "
	"containers whose names match NAME, a regular "
	"expression (.*).",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME_OPTIONAL | TOOL_JSON | TOOL_NO_RCFILE,
};

/* to wait for the record of an end: stop hooks may take longer, and other containers have events */
#define RECORD_MS 5000

struct watched {
	char *name;
	ct_container *c;
	int fd;	     /* the handle's; -1: it cannot be watched */
	bool runs;   /* by the events printed so far */
	bool listed; /* in the list that is being read */
};

struct watch {
	ct_event_opts opts;
	regex_t names;
	struct watched *v;
	size_t n;
	bool begun; /* what was running before that is no event */
	unsigned printed;
};

static void free_watched(struct watched *w)
{
	free(w->name);
	ct_unref(w->c);
}

/* ---- pressure -------------------------------------------------------------------------------- */

static int bad_pressure(const char *text)
{
	return fail(&a,
		    "--pressure %s: expected cpu, memory or io, =STALL, and perhaps /WINDOW, "
		    "such as memory=100ms/1s",
		    text);
}

/* The member for the resource that the first n bytes of `text` name; NULL: none. */
static uint64_t *stall_of(ct_event_opts *eo, const char *text, size_t n)
{
	const struct {
		const char *name;
		uint64_t *to;
	} rows[] = {
		{ "cpu", &eo->cpu_stall_us },
		{ "memory", &eo->memory_stall_us },
		{ "io", &eo->io_stall_us },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strlen(rows[i].name) == n && !strncmp(rows[i].name, text, n))
			return rows[i].to;
	return NULL;
}

static int parse_pressure(ct_event_opts *eo, const char *text)
{
	const char *eq = strchr(text, '='), *rest;
	uint64_t window = 1000000, *to;
	char stall[32];
	size_t n;

	if (!eq)
		return bad_pressure(text);
	to = stall_of(eo, text, (size_t)(eq - text));
	n = strcspn(eq + 1, "/");
	if (!to || n >= sizeof(stall))
		return bad_pressure(text);
	memcpy(stall, eq + 1, n);
	stall[n] = '\0';
	rest = eq + 1 + n;
	if (parse_time(stall, to) < 0)
		return bad_pressure(text);
	if (*rest && parse_time(rest + 1, &window) < 0)
		return bad_pressure(text);
	if (window < 500000 || window > 10000000)
		return fail(&a, "--pressure %s: a window is 500ms to 10s long", text);
	if (*to > window)
		return fail(&a, "--pressure %s: the stall is longer than the window", text);
	if (eo->window_us && eo->window_us != window)
		return fail(&a, "--pressure %s: all windows must be the same", text);
	eo->window_us = window;
	return 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

static const struct event_name {
	const char *name;  /* in JSON, and with capital letters in the text */
	const char *state; /* the change of state it is, in LXC's words; NULL: none */
} event_names[] = {
	[CT_EVENT_STARTED] = { "started", "RUNNING" },
	[CT_EVENT_EXITED] = { "exited", "STOPPED" },
	[CT_EVENT_OOM] = { "oom", NULL },
	[CT_EVENT_OOM_KILL] = { "oom_kill", NULL },
	[CT_EVENT_MEMORY_HIGH] = { "memory_high", NULL },
	[CT_EVENT_PIDS_LIMIT] = { "pids_limit", NULL },
	[CT_EVENT_FROZEN] = { "frozen", "FROZEN" },
	[CT_EVENT_THAWED] = { "thawed", "THAWED" },
	[CT_EVENT_EMPTY] = { "empty", NULL },
	[CT_EVENT_PRESSURE] = { "pressure", NULL },
};
static const char *const resources[] = { NULL, "cpu", "memory", "io" };

static const char *resource_name(const ct_event *e)
{
	if (e->resource > 0 && e->resource <= CT_RESOURCE_IO)
		return resources[e->resource];
	return NULL;
}

/* How it has ended, if there is a record of it. The event comes with the end of init, the record
 * when its supervisor has cleaned up. */
static bool ended_how(const struct watched *it, const ct_event *e, ct_exit *x)
{
	*x = (ct_exit)CT_EXIT_INIT;
	return e->type == CT_EVENT_EXITED && ct_wait(it->c, CT_STATE_STOPPED, RECORD_MS) >= 0 &&
	       ct_last_exit(it->c, x) == 0;
}

static void print_json(const struct watched *it, const struct event_name *known, const ct_event *e)
{
	uint64_t count = e->count;
	ct_exit x;
	struct json j = { .out = stdout };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_open(&j, NULL, '{');
	json_number(&j, "time_ms", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	json_string(&j, "name", it->name);
	json_string(&j, "event", known->name);
	if (known->state)
		json_string(&j, "state", known->state);
	if (resource_name(e))
		json_string(&j, "resource", resource_name(e));
	if (ended_how(it, e, &x)) {
		json_string(&j, "reason", exit_reason(x.reason));
		json_number(&j, "code", x.code);
	}
	if (!count)
		count = 1;
	json_number(&j, "count", (int64_t)count);
	json_close(&j, '}');
	fputc('\n', stdout);
}

static void print_text(const struct watched *it, const struct event_name *known, const ct_event *e)
{
	const char *name = it->name;
	ct_exit x;

	if (ended_how(it, e, &x))
		printf("'%s' exited with status [%d]\n", name, x.code);
	if (known->state) {
		printf("'%s' changed state to [%s]\n", name, known->state);
		return;
	}
	printf("'%s' had event [", name);
	for (const char *p = known->name; *p; p++)
		putchar(toupper((unsigned char)*p));
	putchar(']');
	if (resource_name(e))
		printf(" %s", resource_name(e));
	if (e->count > 1)
		printf(" %llu times", (unsigned long long)e->count);
	putchar('\n');
}

static int print_event(struct watch *w, struct watched *it, const ct_event *e)
{
	static const struct event_name unknown = { "unknown", NULL };
	const struct event_name *name = &unknown;

	if (e->type > 0 && (size_t)e->type < sizeof(event_names) / sizeof(*event_names))
		name = &event_names[e->type];
	if (e->type == CT_EVENT_STARTED)
		it->runs = true;
	else if (e->type == CT_EVENT_EXITED)
		it->runs = false;
	if (a.json)
		print_json(it, name, e);
	else
		print_text(it, name, e);
	w->printed++;
	return out_flush(&a);
}

static bool is_done(const struct watch *w)
{
	return o.once && w->printed >= o.once;
}

/* Prints why a container cannot be watched; it is passed over from then on. With --pressure that
 * ends the tool: the thresholds may be the reason, and events would be waited for in vain. Returns
 * 0, or the exit code. */
static int give_up(struct watched *it, int err)
{
	struct args one = a;
	int code;

	one.name = it->name;
	code = fail_container(&one, it->c);
	it->fd = -1;
	if (o.pressure.n && err != -ESRCH)
		return code;
	return 0;
}

/* Prints the events of one container. Returns 0, or the exit code after an error message. */
static int drain(struct watch *w, struct watched *it)
{
	int err = 0, more = it->fd >= 0;

	while (more && !err && !is_done(w)) {
		ct_event e = CT_EVENT_INIT;

		more = ct_next_event(it->c, &e);
		if (more < 0)
			return give_up(it, more);
		if (more)
			err = print_event(w, it, &e);
	}
	return err;
}

/* ---- the containers -------------------------------------------------------------------------- */

/* Begins to watch one. That it is running is an event if it was not in the first list. */
static int add(struct watch *w, const char *name)
{
	struct watched *v = reallocarray(w->v, w->n + 1, sizeof(*v)), *it;
	struct args one = a;
	int err;

	if (!v)
		return fail(&a, "out of memory");
	w->v = v;
	it = &v[w->n];
	*it = (struct watched){ .name = strdup(name), .fd = -1, .listed = true };
	if (!it->name)
		return fail(&a, "out of memory");
	one.name = name;
	err = open_container(&one, &it->c);
	if (err) {
		free_watched(it);
		return err;
	}
	w->n++;
	it->fd = ct_event_fd(it->c, &w->opts);
	if (it->fd < 0)
		return give_up(it, it->fd);
	if (w->begun)
		err = drain(w, it);
	if (err || it->runs || ct_init_pid(it->c) <= 0)
		return err;
	if (!w->begun || is_done(w)) {
		it->runs = true;
		return 0;
	}
	return print_event(w, it,
			   &(ct_event){ sizeof(ct_event), CT_EVENT_STARTED, CT_RESOURCE_NONE, 1 });
}

static struct watched *find(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i].name, name))
			return &w->v[i];
	return NULL;
}

/* Removes containers that are neither defined nor running any more. Their events are printed. */
static void remove_unlisted(struct watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].listed)
			w->v[kept++] = w->v[i];
		else
			free_watched(&w->v[i]);
	}
	w->n = kept;
}

/* Reads the list, prints the events of the containers known so far, begins to watch new ones. */
static int read_list(struct watch *w)
{
	CLEAN_TEXT char *names = NULL;
	const ct_error *e = NULL;
	ct_new_opts where = where_of(&a, &e);
	char *rest, *name;
	int err = 0;

	if (ct_list(&where, CT_LIST_DEFINED | CT_LIST_RUNNING, &names) < 0)
		return fail_error(&a, e);
	for (size_t i = 0; i < w->n && !err; i++) {
		w->v[i].listed = false;
		err = drain(w, &w->v[i]);
	}
	rest = names;
	while (!err && !is_done(w) && (name = strsep(&rest, "\n"))) {
		struct watched *it = find(w, name);

		if (it)
			it->listed = true;
		else if (*name && !regexec(&w->names, name, 0, NULL, 0))
			err = add(w, name);
	}
	if (!err && !is_done(w))
		remove_unlisted(w);
	w->begun = true;
	return err;
}

/* Prints events as they come, until `until`. */
static int watch_until(struct watch *w, int64_t until)
{
	struct pollfd *p = calloc(w->n + 1, sizeof(*p));
	int64_t left;
	int err = 0;

	if (!p)
		return fail(&a, "out of memory");
	for (size_t i = 0; i < w->n; i++)
		p[i] = (struct pollfd){ w->v[i].fd, POLLIN, 0 };
	while (!err && !is_done(w) && (left = until - clock_ms()) > 0) {
		int n = poll(p, w->n, (int)left);

		if (n < 0 && errno != EINTR)
			err = fail(&a, "cannot wait: %s", strerror(errno));
		for (size_t i = 0; i < w->n && n > 0 && !err; i++)
			if (p[i].revents)
				err = drain(w, &w->v[i]);
	}
	free(p);
	return err;
}

static int monitor(struct watch *w, const char *regex)
{
	char text[1024];
	int err = 0;

	if ((size_t)snprintf(text, sizeof(text), "^(%s)$", regex) >= sizeof(text) ||
	    regcomp(&w->names, text, REG_EXTENDED | REG_NOSUB))
		return fail(&a, "-n %s: not a regular expression", regex);
	while (!err && !is_done(w)) {
		int64_t next = clock_ms() + LIST_MS;

		err = read_list(w);
		if (!err)
			err = watch_until(w, next);
	}
	for (size_t i = 0; i < w->n; i++)
		free_watched(&w->v[i]);
	free(w->v);
	regfree(&w->names);
	return err;
}

int main(int argc, char **argv)
{
	struct watch w = { .opts = CT_EVENT_OPTS_INIT };
	const char *regex = ".*";
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (a.name)
		regex = a.name;
	a.name = NULL;
	if (o.quit) {
		fail(&a, "-Q is needless: there is no monitord that could quit");
		return 0;
	}
	for (size_t i = 0; i < o.pressure.n; i++) {
		err = parse_pressure(&w.opts, o.pressure.v[i]);
		if (err)
			return err;
	}
	return monitor(&w, regex);
}
