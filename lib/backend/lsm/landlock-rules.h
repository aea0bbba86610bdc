/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of Landlock that a payload runs under: what a spec and the kernel's ABI make, and the
 * text of the journal, by which an attach has the same. As text: the rights on files, the rights on
 * ports and the scopes that are handled, then each rule, with blanks between them; numbers and the
 * bytes of paths in hexadecimal digits.
 */
#ifndef CT_LANDLOCK_RULES_H
#define CT_LANDLOCK_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "host/host.h"
#include "model/spec.h"

#define CT_LL_DIGEST 16 /* hexadecimal digits of the text's SHA-256 that are kept */

struct ct_ll_rule {
	const char *path; /* NULL: a port */
	bool tried;
	uint64_t access, port;
	const struct ct_origin *at; /* NULL: read from a journal */
};

struct ct_ll_rules {
	uint64_t fs, net, scope; /* handled */
	struct ct_ll_rule *v;
	uint32_t n;
	char digest[CT_LL_DIGEST + 1];
};

/* All that an ABI offers, but for what the spec leaves alone. Memory is the arena's. 0 or a
 * negative errno, recorded: -EOPNOTSUPP where the host lacks what is asked for. */
int ct_ll_rules_make(const struct ct_spec *spec, const struct ct_host *host, struct ct_arena *arena,
		     struct ct_ll_rules *out, struct ct_err *e);
/* Appends the text, and fills in the digest. 0 or -ENOMEM. */
int ct_ll_rules_text(struct ct_ll_rules *rules, struct ct_buf *out);
/* Reads such a text, which is not trusted. 0, -ENODATA (it is none), -ENOMEM. */
int ct_ll_rules_read(const char *text, struct ct_arena *arena, struct ct_ll_rules *out);

#endif
