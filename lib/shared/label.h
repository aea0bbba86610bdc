/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of security modules, as the kernel prints them. */
#ifndef CT_SHARED_LABEL_H
#define CT_SHARED_LABEL_H

#include <stddef.h>

/* Between the parts of a stacked label. */
#define CT_LABEL_STACK "//&"

/* The length of the label in a text of the kernel's: up to the end of the line, without the mode
 * that AppArmor puts behind a profile, as in "web (enforce)". */
size_t ct_label_length(const char *text);
/* Whether the label in a text of the kernel's confines as the one asked for does: it is the same,
 * or a stack that has all its parts. An empty label is nobody's. */
int ct_label_holds(const char *asked, const char *text);

#endif
