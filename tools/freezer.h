/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ct-freeze and ct-unfreeze share: a name, a timeout, one call. */
#ifndef CT_TOOLS_FREEZER_H
#define CT_TOOLS_FREEZER_H

#include "common.h"

/* main() of either. *timeout is the text of the tool's option, `act` the call, with a timeout (-1:
 * for ever). */
int freezer_main(int argc, char **argv, const struct tool *tool, const char *const *timeout,
		 int (*act)(ct_container *c, int timeout_ms));

#endif
