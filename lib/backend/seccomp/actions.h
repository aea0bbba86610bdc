/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program of n bytes, an array of struct sock_filter, can have done with a call. */
#ifndef CT_SECCOMP_ACTIONS_H
#define CT_SECCOMP_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The call waits for an answer from outside. */
bool ct_filter_notifies(const void *program, size_t n);
/* The process ends, or gets SIGSYS, by which it ends. */
bool ct_filter_kills(const void *program, size_t n);
/* It allows each call that the small init makes (shared/init-calls.def), by its number and the
 * arguments that are known beforehand. */
bool ct_filter_allows_init(const void *program, size_t n, uint32_t arch);

#endif
