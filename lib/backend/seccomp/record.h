/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept of a filter: in the journal for attach, and for later starts in the cache. As text:
 * number of rules, digest, program, with blanks between them.
 */
#ifndef CT_SECCOMP_RECORD_H
#define CT_SECCOMP_RECORD_H

#include <stdint.h>

#include "base/buf.h"

#define CT_FILTER_DIGEST 16 /* hexadecimal digits of the program's SHA-256 that are kept */

struct ct_filter_record {
	struct ct_buf text;
	struct ct_buf program; /* struct sock_filter[] */
	uint32_t rules;	       /* of the policy */
	char digest[CT_FILTER_DIGEST + 1];
};
#define CT_FILTER_RECORD_INIT                   \
	{                                       \
		CT_BUF_INIT, CT_BUF_INIT, 0, "" \
	}

/* Fills in text and digest by program and number. 0 or -ENOMEM. */
int ct_filter_record_make(struct ct_filter_record *record, uint32_t rules);
/* Fills in all but the text, from a text that is not trusted. 0, -ENODATA (it is no such text),
 * -ENOMEM. */
int ct_filter_record_read(struct ct_filter_record *record, const char *text);
/* The program as hexadecimal digits: the end of the text. */
const char *ct_filter_record_hex(const struct ct_filter_record *record);
void ct_filter_record_free(struct ct_filter_record *record);

#endif
