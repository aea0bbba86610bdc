/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attempts of attempt.c, by what they try to reach. */
#ifndef CT_TEST_ATTEMPT_H
#define CT_TEST_ATTEMPT_H

/* One thing that a hostile process tries. 0: it can be done; an errno: it cannot. Whatever it
 * opens it does not change: a file of the kernel is opened for writing, not written. */
struct attempt {
	const char *name;
	int (*try)(void);
};

/* Each ends with a row without a name. */
extern const struct attempt attempt_mounts[], attempt_kernel[], attempt_reach[], attempt_terminal[];

/* The errno of a call that returned this, 0 when it succeeded. */
int attempt_errno(long result);
/* Whether the file can be opened for writing. */
int attempt_writable(const char *path);
/* Makes a device node in /dev and opens it for reading. */
int attempt_device(unsigned type, unsigned major, unsigned minor);

#endif
