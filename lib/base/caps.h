/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and numbers of capabilities, also of those that this library has no name for. */
#ifndef CT_BASE_CAPS_H
#define CT_BASE_CAPS_H

#include <stddef.h>
#include <stdint.h>

#define CT_CAP_NAME_BYTES 32
#define CT_CAP_BIT(n) (UINT64_C(1) << (n))

/* "net_admin"; of a capability without a name its number, "cap_41". */
const char *ct_cap_name(unsigned cap, char buf[CT_CAP_NAME_BYTES]);
/* The number of the capability that is called by the n bytes of `word`: its name, or its number
 * below 63, with or without "cap_", in any case. -1: there is none. */
int ct_cap_number(const char *word, size_t n);

#endif
