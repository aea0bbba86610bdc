/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security contexts of SELinux as texts. */
#ifndef CT_MODEL_CONTEXT_H
#define CT_MODEL_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text has the form of a context. */
bool ct_context_formed(const char *s);
/* Whether a value names a context at all: NULL and "unconfined_t", as LXC has it, do not. */
bool ct_context_given(const char *context);
/* The type of a context, its third part; returns its length, 0 where there is none. */
size_t ct_context_type(const char *context, const char **type);

#endif
