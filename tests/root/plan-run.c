/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan-run plan|run CONFIG ARGV...: prints the plan of a start, or carries it out; both from the
 * same config and opts. */
#include <contain/contain.h>

#include <stdio.h>
#include <string.h>

#define TRACED_MS 120000 /* each of its system calls is looked at */

static int fail(ct_container *c)
{
	fprintf(stderr, "plan-run: %s\n", ct_last_error(c)->message);
	return 1;
}

int main(int argc, char **argv)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit ex = CT_EXIT_INIT;
	ct_container *c = NULL;
	ct_process *p = NULL;
	char *text = NULL;

	if (argc < 4 || ct_new(&c, NULL, NULL) || ct_load_config(c, argv[2]))
		return fail(c);
	o.argv = (const char *const *)(argv + 3);
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	o.timeout_ms = TRACED_MS;
	if (!strcmp(argv[1], "plan")) {
		if (ct_dump_plan(c, &o, CT_FORMAT_TEXT, &text))
			return fail(c);
		fputs(text, stdout);
		ct_free(text);
	} else {
		if (ct_start(c, &o, &p) || ct_process_wait(p, &ex, TRACED_MS))
			return fail(c);
		ct_process_unref(p);
	}
	ct_unref(c);
	return ex.code;
}
