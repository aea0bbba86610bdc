/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of filters that notify have in common. */
#ifndef CT_TEST_NOTIFY_HELP_H
#define CT_TEST_NOTIFY_HELP_H

#include <limits.h>

#include "box.h"

#define THREE "2\ndenylist\n[all]\nmknodat notify\nmknod notify\nmount notify\nconnect notify\n"
#define ALL "2\nallowlist notify\n"

/* A file for a profile, a path for a proxy's socket, and the program of asker.c. */
extern char profile[PATH_MAX + 32], proxy_path[108];
extern int asker;

/* For the group. */
int notify_setup(void **state);
int notify_teardown(void **state);

void put_profile(const char *text);
/* A handle with a profile of this text; with these calls in seccomp.notify. */
ct_container *handle(const char *text);
ct_container *named(const char *name, const char *calls);
/* Starts the asker, or attaches it. */
ct_process *ask(ct_container *c, uint64_t flags, const char *what);
ct_process *ask_inside(ct_container *c, uint64_t flags, const char *what);
/* Waits for its end: its exit code. */
int code_of(ct_process *p);
int listener(ct_process *p);
/* Waits for a request. */
ct_notify must_receive(int fd);

#endif
