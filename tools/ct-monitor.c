/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-monitor: prints what happens to containers, as it happens. */
#include <errno.h>
#include <poll.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "out.h"
#include "quantity.h"

#define LOOK_MS 1000 /* how often to look for new containers, and for ones that were started */

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

/* for the record of an end: hooks that take longer do not hold up what others have to say */
#define RECORD_MS 5000

struct watched {
	char *name;
	ct_container *c;
	int fd;	     /* the handle's; -1: it cannot be watched */
	bool runs;   /* as far as we have told */
	bool listed; /* in the list that is being read */
};

struct watch {
	ct_event_opts opts;
	regex_t names;
	struct watched *v;
	size_t n;
	bool begun; /* what runs when we begin is no news */
	unsigned told;
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

static int parse_pressure(ct_event_opts *eo, const char *text)
{
	static const char *const names[] = { "cpu", "memory", "io" };
	uint64_t *const to[] = { &eo->cpu_stall_us, &eo->memory_stall_us, &eo->io_stall_us };
	const char *eq = strchr(text, '='), *slash = eq ? strchr(eq, '/') : NULL;
	uint64_t window = 1000000;
	char stall[32];
	size_t n;
	int i;

	if (!eq)
		return bad_pressure(text);
	for (i = 0; i < 3 && (strlen(names[i]) != (size_t)(eq - text) ||
			      strncmp(names[i], text, (size_t)(eq - text)));
	     i++)
		;
	n = slash ? (size_t)(slash - eq - 1) : strlen(eq + 1);
	if (i == 3 || n >= sizeof(stall))
		return bad_pressure(text);
	memcpy(stall, eq + 1, n);
	stall[n] = '\0';
	if (parse_time(stall, to[i]) < 0)
		return bad_pressure(text);
	if (slash && parse_time(slash + 1, &window) < 0)
		return bad_pressure(text);
	if (window < 500000 || window > 10000000)
		return fail(&a, "--pressure %s: a window is 500ms to 10s long", text);
	if (*to[i] > window)
		return fail(&a, "--pressure %s: the stall is longer than the window", text);
	if (eo->window_us && eo->window_us != window)
		return fail(&a, "--pressure %s: all windows must be the same", text);
	eo->window_us = window;
	return 0;
}

/* ---- telling --------------------------------------------------------------------------------- */

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

/* How it has ended, when that is on record: not of one that leaves nothing behind. The event comes
 * with the end of init, the record when its supervisor has cleared up. */
static bool ended_how(const struct watched *it, const ct_event *e, ct_exit *x)
{
	*x = (ct_exit)CT_EXIT_INIT;
	return e->type == CT_EVENT_EXITED && ct_wait(it->c, CT_STATE_STOPPED, RECORD_MS) >= 0 &&
	       ct_last_exit(it->c, x) == 0;
}

static void tell_json(const struct watched *it, const struct event_name *known, const ct_event *e)
{
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
	json_number(&j, "count", e->count ? (int64_t)e->count : 1);
	json_close(&j, '}');
	fputc('\n', stdout);
}

static void tell_text(const struct watched *it, const struct event_name *known, const ct_event *e)
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
		putchar(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	putchar(']');
	if (resource_name(e))
		printf(" %s", resource_name(e));
	if (e->count > 1)
		printf(" %llu times", (unsigned long long)e->count);
	putchar('\n');
}

static int tell(struct watch *w, struct watched *it, const ct_event *e)
{
	static const struct event_name unknown = { "unknown", NULL };
	bool known = e->type > 0 && (size_t)e->type < sizeof(event_names) / sizeof(*event_names);

	if (e->type == CT_EVENT_STARTED)
		it->runs = true;
	else if (e->type == CT_EVENT_EXITED)
		it->runs = false;
	(a.json ? tell_json : tell_text)(it, known ? &event_names[e->type] : &unknown, e);
	w->told++;
	return out_flush(&a);
}

static bool is_done(const struct watch *w)
{
	return o.once && w->told >= o.once;
}

/* Says why one cannot be watched, once: it is passed over from then on. But who asked for
 * thresholds is not to wait in vain. Returns 0, or the exit code. */
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

/* Tells what one container has to say. Returns 0, or the exit code after saying why not. */
static int drain(struct watch *w, struct watched *it)
{
	int err = 0, more = it->fd >= 0;

	while (more && !err && !is_done(w)) {
		ct_event e = CT_EVENT_INIT;

		more = ct_next_event(it->c, &e);
		if (more < 0)
			return give_up(it, more);
		if (more)
			err = tell(w, it, &e);
	}
	return err;
}

/* ---- who there is ---------------------------------------------------------------------------- */

/* Begins to watch one. What runs already is news when it has come since we began. */
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
	one.name = name;
	err = it->name ? open_container(&one, &it->c) : fail(&a, "out of memory");
	if (err) {
		free_watched(it);
		return err;
	}
	w->n++;
	it->fd = ct_event_fd(it->c, &w->opts);
	if (it->fd < 0)
		return give_up(it, it->fd);
	err = w->begun ? drain(w, it) : 0;
	if (err || it->runs || ct_init_pid(it->c) <= 0)
		return err;
	if (!w->begun || is_done(w)) {
		it->runs = true;
		return 0;
	}
	return tell(w, it, &(ct_event){ sizeof(ct_event), CT_EVENT_STARTED, CT_RESOURCE_NONE, 1 });
}

static struct watched *find(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i].name, name))
			return &w->v[i];
	return NULL;
}

/* Lets go of what is neither defined nor runs any more and has nothing left to say. */
static void forget(struct watch *w)
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

/* Reads the list, tells what the containers known so far have to say, and begins with new ones. */
static int look(struct watch *w)
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
		struct watched *it = *name ? find(w, name) : NULL;

		if (it)
			it->listed = true;
		else if (*name && !regexec(&w->names, name, 0, NULL, 0))
			err = add(w, name);
	}
	if (!err && !is_done(w))
		forget(w);
	w->begun = true;
	return err;
}

/* Waits until someone has something to say, or until `until`, and tells it. */
static int listen_until(struct watch *w, int64_t until)
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
		int64_t next = clock_ms() + LOOK_MS;

		err = look(w);
		if (!err)
			err = listen_until(w, next);
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
	const char *regex;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	regex = a.name ? a.name : ".*";
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
