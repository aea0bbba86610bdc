/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What starts ask of the filters. */
#ifndef CT_SECCOMP_OPS_H
#define CT_SECCOMP_OPS_H

/* The profile of a program whose config names none; NULL in a build without filters. */
const char *ct_filter_usual(void);

#endif
