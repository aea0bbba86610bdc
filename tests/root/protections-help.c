/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protections-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run.h"

void end(ct_container *c, ct_process *p)
{
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
	ct_unref(c);
}
