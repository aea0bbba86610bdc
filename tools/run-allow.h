/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of Landlock of ct-run's command line. */
#ifndef CT_TOOLS_RUN_ALLOW_H
#define CT_TOOLS_RUN_ALLOW_H

#include "common.h"

struct run_allow {
	struct strings read, write, execute, make, ioctl, bind, connect;
	bool bare; /* no namespaces */
};
/* clang-format off */
#define ALLOW_ROWS(to) \
	{ 0, "allow-read", "PATH", OPT_LIST, &(to).read, \
	  "read below PATH; with any of these what is not allowed is denied (landlock.read)", \
	  NULL }, \
	{ 0, "allow-write", "PATH", OPT_LIST, &(to).write, "write below PATH (landlock.write)", \
	  NULL }, \
	{ 0, "allow-execute", "PATH", OPT_LIST, &(to).execute, \
	  "execute and read below PATH (landlock.execute)", NULL }, \
	{ 0, "allow-make", "PATH", OPT_LIST, &(to).make, \
	  "make and remove files below PATH (landlock.make)", NULL }, \
	{ 0, "allow-ioctl", "PATH", OPT_LIST, &(to).ioctl, \
	  "control devices below PATH (landlock.ioctl)", NULL }, \
	{ 0, "allow-bind", "PORT", OPT_LIST, &(to).bind, \
	  "bind to a TCP port; any (landlock.tcp.bind)", NULL }, \
	{ 0, "allow-connect", "PORT", OPT_LIST, &(to).connect, \
	  "connect to a TCP port; any (landlock.tcp.connect)", NULL }, \
	{ 0, "no-namespaces", NULL, OPT_FLAG, &(to).bare, \
	  "confine it by these rules alone, on the host's own root (namespace.keep)", NULL }
/* clang-format on */

/* Sets the keys. Returns as load_config(). */
int run_allow_apply(const struct args *a, ct_container *c, const struct run_allow *allow);

#endif
