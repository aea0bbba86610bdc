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
} o;

static const struct opt opts[] = {
	{ 's', "state", "STATE|STATE", OPT_STRING, &o.states, "states to wait for", NULL },
	{ 't', "timeout", "SECONDS", OPT_STRING, &o.timeout, "give up after so long; -1: never (default)", NULL },
};
static const struct tool tool = {
	"ct-wait", "NAME -s STATE[|STATE...] [-t SECONDS]",
	"Waits until the container is STOPPED, STARTING, RUNNING, STOPPING, ABORTING, FREEZING, FROZEN or THAWED.",
	opts, sizeof(opts) / sizeof(*opts), TOOL_NAME | TOOL_JSON,
};

/* FREEZING and THAWED are LXC's; a container that was thawed is running. */
static const struct {
	const char *name;
	unsigned state;
} states[] = {
	{ "STOPPED", CT_STATE_STOPPED },   { "STARTING", CT_STATE_STARTING }, { "RUNNING", CT_STATE_RUNNING },
	{ "STOPPING", CT_STATE_STOPPING }, { "ABORTING", CT_STATE_ABORTING }, { "FREEZING", CT_STATE_FROZEN },
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
	return *mask ? 0 : fail(&a, "missing state, use -s STATE");
}

static int print_state(int state)
{
	struct json j = { .out = stdout };

	if (!a.json)
		return 0;
	json_open(&j, NULL, '{');
	json_string(&j, "name", a.name);
	json_string(&j, "state", ct_state_name(state));
	json_close(&j, '}');
	return json_end(&j) < 0 ? out_flush(&a) : 0;
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
			return fail(&a, "-t %s: a number of seconds up to %d, or -1", o.timeout, INT_MAX / 1000);
		ms = (int)seconds * 1000;
	}
	err = parse_states(o.states ? o.states : "", &mask);
	err = err ? err : open_container(&a, &c);
	if (err || !is_known(&a, c))
		return err ? err : EXIT_OWN;
	err = ct_wait(c, mask, ms);
	if (err >= 0)
		return print_state(err);
	fail_container(&a, c);
	return err == -ETIMEDOUT ? 1 : EXIT_OWN;
}
