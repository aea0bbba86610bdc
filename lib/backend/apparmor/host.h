/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of AppArmor needs libapparmor; none.c is the twin without it. */
#ifndef CT_BACKEND_APPARMOR_HOST_H
#define CT_BACKEND_APPARMOR_HOST_H

/* Whether AppArmor works on this host; 0: *why is a sentence. */
int ct_aa_works(const char **why);
/* Opens the directory of its interface, O_PATH. A descriptor, the caller's, or a negative errno. */
int ct_aa_open(void);
/* Removes a loaded profile. 0, also where there is none of that name, or a negative errno. */
int ct_aa_remove(const char *profile);

#endif
