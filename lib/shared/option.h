/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of a file system in one string, as the stage passes them to the kernel and the
 * library checks them before. */
#ifndef CT_SHARED_OPTION_H
#define CT_SHARED_OPTION_H

/* "key=value" or "flag", ended by a comma or the end of the string. A backslash and the character
 * after it belong to the option, and stay in it, as file systems expect it. Cuts the option off and
 * returns the rest, NULL at the end. */
static inline char *ct_next_option(char *opt)
{
	char *p = opt;

	for (; *p && *p != ','; p++)
		if (*p == '\\' && p[1])
			p++;
	if (!*p)
		return (char *)0;
	*p = '\0';
	return p + 1;
}

#endif
