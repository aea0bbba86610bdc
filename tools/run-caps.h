/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities of ct-run's command line: asking for less never gives more. */
#ifndef CT_TOOLS_RUN_CAPS_H
#define CT_TOOLS_RUN_CAPS_H

#include "common.h"

struct run_caps {
	const char *keep; /* these and no others; NULL: what engines grant by default */
	struct strings add, drop;
};
/* clang-format off */
#define CAP_ROWS(to) \
	{ 0, "cap-keep", "CAPS", OPT_STRING, &(to).keep, \
	  "these capabilities only; none (cap.keep)", NULL }, \
	{ 0, "cap-add", "CAPS", OPT_LIST, &(to).add, "these besides; all", NULL }, \
	{ 0, "cap-drop", "CAPS", OPT_LIST, &(to).drop, \
	  "not these, of those there would be; all", NULL }
/* clang-format on */

/* Sets the keys. Returns as load_config(). */
int run_caps_apply(const struct args *a, ct_container *c, const struct run_caps *caps);

#endif
