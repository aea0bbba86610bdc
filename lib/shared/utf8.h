/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is UTF-8, for text that comes from elsewhere. Shared by the library and the tools. */
#ifndef CT_SHARED_UTF8_H
#define CT_SHARED_UTF8_H

#include <stddef.h>

/* Length of the sequence that begins with this byte; 0: none does. */
static inline size_t ct_utf8_begins(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	if (first < 0xf5)
		return 4;
	return 0;
}

/* Length of the sequence at s, of which n bytes may be read (SIZE_MAX: up to a zero byte). 0: there
 * is none; overlong forms, surrogates and what is above U+10FFFF are none. */
static inline size_t ct_utf8_length(const unsigned char *s, size_t n)
{
	size_t len = ct_utf8_begins(s[0]);

	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
		return 0;
	if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

#endif
