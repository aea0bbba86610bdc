/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The leak oracle of the calling process: everything of it that a library could change without
 * being asked, taken before and compared after. What the run as a whole leaves on the host is
 * tests/runner/leaks.py's part.
 */
#ifndef CT_TEST_LEAK_H
#define CT_TEST_LEAK_H

#include <stddef.h>
#include <sys/types.h>

#define LEAK_NO_RSS 0x1u    /* the test itself holds more memory than before */
#define LEAK_NO_FDS 0x2u    /* the test itself holds more descriptors than before */
#define LEAK_NO_MOUNTS 0x4u /* the mount table is shared with others */

struct leak;

/* Takes the state of this process and thread. Never NULL: without memory the process aborts.
 * Free with leak_free(). */
struct leak *leak_take(void);
void leak_free(struct leak *l);
/* Compares with the state now; differences go as text into buf. Waits for children and threads that
 * are about to be gone. Returns their number. */
int leak_compare(const struct leak *before, unsigned flags, char *buf, size_t size);
/* The end of a case: compares, prints the differences, frees `before`. Returns their number. */
int leak_end(struct leak *before, unsigned flags);
/* A mount namespace of our own, all private, so that the table changes by our doing alone. 0
 * or negative errno. */
int leak_own_mounts(void);
/* The groups a process is in, as /proc/PID/cgroup has them; to be freed, NULL when they cannot be
 * told. Without the line of version 2's top: on a host of version 1 alone it appears when anybody
 * mounts that hierarchy for the first time. */
char *leak_places(pid_t pid);
/* Memory of its own now, swapped out or not, KiB. Pages of files come and go as the
 * machine has room. */
long leak_rss_kib(void);

/* For cmocka tests: fails with the differences. */
#define assert_untouched(before, flags)                                          \
	do {                                                                     \
		char leak_text_[8192];                                           \
		if (leak_compare(before, flags, leak_text_, sizeof(leak_text_))) \
			fail_msg("the caller was touched:\n%s", leak_text_);     \
	} while (0)

#endif
