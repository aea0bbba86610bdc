/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-wait: waits until a container is in one of some states. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "common.h"
#include "out.h"

static struct args a;
static struct {
	const char *states, *timeout;
	bool exit_status;
} o = { .states = "" };

static const struct opt opts[] = {
	{ 's', "state", "STATE|STATE", OPT_STRING, &o.states, "states to wait for", NULL },
	{ 't', "timeout", "SECONDS", OPT_STRING, &o.timeout,
	  "give up after so long; -1: never (default)", NULL },
	{ 0, "exit-status", NULL, OPT_FLAG, &o.exit_status,
	  "once it is STOPPED, exit as it has ended, and say why unless it just exited", NULL },
};
static const struct tool tool = {
	"ct-wait",
	"NAME -s STATE[|STATE...] [-t SECONDS] [--exit-status]",
	"Waits until the container is STOPPED, STARTING, RUNNING, STOPPING, ABORTING, FREEZING, "
	"FROZEN or THAWED.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_JSON,
};

/* FREEZING and THAWED are LXC's: they end as FROZEN and RUNNING. */
static const struct {
	const char *name;
	unsigned state;
} states[] = {
	{ "STOPPED", CT_STATE_STOPPED },   { "STARTING", CT_STATE_STARTING },
	{ "RUNNING", CT_STATE_RUNNING },   { "STOPPING", CT_STATE_STOPPING },
	{ "ABORTING", CT_STATE_ABORTING }, { "FREEZING", CT_STATE_FROZEN },
	{ "FROZEN", CT_STATE_FROZEN },	   { "THAWED", CT_STATE_RUNNING },
};

static int parse_states(const char *list, unsigned *mask)
{
	for (size_t n; list += strspn(list, "| ,"), *list; list += n) {
		unsigned found = 0;

		n = strcspn(list, "| ,");
		for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
			if (strlen(states[i].name) == n && !strncasecmp(list, states[i].name, n))
				found = states[i].state;
		if (!found)
			return fail(&a, "-s: no state is called %.*s (see --help)", (int)n, list);
		*mask |= found;
	}
	if (*mask)
		return 0;
	return fail(&a, "missing state, use -s STATE");
}

/* x: how it has ended, NULL when that is not known. */
static int print_state(int state, const ct_exit *x)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "name", a.name);
	json_string(&j, "state", ct_state_name(state));
	if (x) {
		json_open(&j, "last_exit", '{');
		json_exit(&j, x);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	if (json_end(&j) < 0)
		return out_flush(&a);
	return 0;
}

/* Reports the state that was reached. Returns the exit code. */
static int report(ct_container *c, int state)
{
	ct_exit x = CT_EXIT_INIT;
	bool ended = state == CT_STATE_STOPPED && ct_last_exit(c, &x) >= 0;
	int code = 0;

	if (a.json && ended)
		code = print_state(state, &x);
	else if (a.json)
		code = print_state(state, NULL);
	if (code || !o.exit_status || state != CT_STATE_STOPPED)
		return code;
	if (ended)
		return report_exit(&a, &x);
	return fail(&a, "how it has ended is not known");
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	unsigned long seconds = 0;
	unsigned mask = 0;
	int err, ms = -1;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	if (o.timeout && strcmp(o.timeout, "-1")) {
		if (number(o.timeout, INT_MAX / 1000, &seconds))
			return fail(&a, "-t %s: a number of seconds up to %d, or -1", o.timeout,
				    INT_MAX / 1000);
		ms = (int)seconds * 1000;
	}
	err = parse_states(o.states, &mask);
	if (!err)
		err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	err = ct_wait(c, mask, ms);
	if (err >= 0)
		return report(c, err);
	fail_container(&a, c);
	if (err == -ETIMEDOUT)
		return 1;
	return EXIT_OWN;
}
