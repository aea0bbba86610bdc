/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protections-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run.h"

ct_process *start(ct_container *c, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p;

	o.argv = argv;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	assert_ok(c, ct_start(c, &o, &p));
	return p;
}

void end(ct_container *c, ct_process *p)
{
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
	ct_unref(c);
}
