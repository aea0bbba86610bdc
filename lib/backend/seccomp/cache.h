/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiled programs, for the whole process: compiling a policy takes milliseconds, and most
 * containers have the same. Found by the whole of what a program depends on: the policy's text and
 * the facts. For any thread, also of a process that was forked while another thread was in here.
 */
#ifndef CT_SECCOMP_CACHE_H
#define CT_SECCOMP_CACHE_H

#include <stddef.h>

#include "base/buf.h"

#define CT_FILTER_CACHE_ENTRIES 16
#define CT_FILTER_CACHE_BYTES (1u << 20) /* keys and programs together */

/* Appends the program that was kept under this key. 1: it has; 0: there is none; -ENOMEM. */
int ct_filter_cached(const char *key, size_t n_key, struct ct_buf *program);
/* Keeps a copy; what was not used for longest makes room. One that is too big, or for which there
 * is no memory, is not kept. */
void ct_filter_keep(const char *key, size_t n_key, const void *program, size_t n);

#endif
