/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What starts ask of the filters. */
#ifndef CT_SECCOMP_OPS_H
#define CT_SECCOMP_OPS_H

#include <stdbool.h>

/* The profile of a program whose config names none; NULL in a build without filters. */
const char *ct_filter_usual(void);

/* Whether the filter that the journal of a start tells of refuses the calls for keys. */
bool ct_filter_journal_refuses_keys(const char *journal);

#endif
