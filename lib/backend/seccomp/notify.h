/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters whose calls wait for an answer from outside (seccomp_unotify(2)). */
#ifndef CT_SECCOMP_NOTIFY_H
#define CT_SECCOMP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a program of n bytes, as the journal keeps it, can notify. */
bool ct_filter_notifies(const void *program, size_t n);

#endif
