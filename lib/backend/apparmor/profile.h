/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a generated profile. Pure. */
#ifndef CT_BACKEND_APPARMOR_PROFILE_H
#define CT_BACKEND_APPARMOR_PROFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/spec.h"

#define CT_AA_PREFIX "ct."
#define CT_AA_NAME_MAX 255

/* The name of the profile of a container: "ct.", its name, and `mark`, which tells it from others.
 * What AppArmor takes for a pattern or a namespace becomes '_'. */
void ct_aa_name(char buf[CT_AA_NAME_MAX + 1], const char *container, const char *mark);
/* Whether a name, of a record, is one of ours. */
bool ct_aa_is_ours(const char *name);
/* Appends the profile: -ENOMEM without memory. */
int ct_aa_profile(const struct ct_spec *spec, const char *name, struct ct_buf *out);

#endif
