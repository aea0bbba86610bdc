/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container over a busybox rootfs for the root tests, over the public API only. */
#ifndef CT_TEST_BOX_H
#define CT_TEST_BOX_H

#include <contain/contain.h>

#include "rootfs.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct box {
	struct rootfs root;
	char dir[PATH_MAX], state[PATH_MAX]; /* container and state directory of this box */
	ct_new_opts where;
	ct_container *c;
	char word[32], pattern[64]; /* by box_word() */
};

/* Rootfs, directories and a handle (name NULL: anonymous) with rootfs.path set. 0 or
 * negative errno. */
int box_open(struct box *b, const char *name);
/* The same in a mount namespace of our own, and without a handle: for tests whose
 * cases each make theirs. */
int box_open_bare(struct box *b);
/* Stops what runs, lets go of the handle, removes the files. */
void box_close(struct box *b);
/* Another handle of the same container. NULL on failure. */
ct_container *box_handle(const struct box *b, const char *name);

/* One "key = value" after the other, NULL at the end; stops at the first error and prints it. */
int box_config(ct_container *c, ...) __attribute__((sentinel));

/* A word for the names of what this process makes, and a cgroup.pattern with it. */
void box_word(struct box *b, const char *prefix);

/* Starts argv without standard descriptors; detached, with the console for them; attaches it
 * without. p may be NULL when the start is detached. */
int box_start(ct_container *c, uint64_t flags, const char *const argv[], ct_process **p);
int box_detach(ct_container *c, const char *const argv[]);
int box_enter(ct_container *c, const char *const argv[], ct_process **p);

/* Starts argv with its output and errors going to a pipe, reads all, waits. *out (freed by the
 * caller) and *ex may be NULL. opts gives the rest and may be NULL. */
int box_run(ct_container *c, const ct_start_opts *opts, const char *const argv[], char **out,
	    ct_exit *ex);
/* The same by ct_attach(). */
int box_attach(ct_container *c, const ct_attach_opts *opts, const char *const argv[], char **out,
	       ct_exit *ex);
/* How often an init has begun that says so, "echo x >>/var/log/boots", once it can be asked
 * to end or to reboot. */
int box_boots(const struct box *b);
/* Value of `key` in a probe's report: text in buf, "" when it is not there. */
const char *probe_get(const char *report, const char *key, char *buf, size_t size);

/* 0 when the report has that value; else says who has another, and how they came by
 * it, and returns 1. */
int probe_expect(const char *report, const char *who, const char *how, const char *key,
		 const char *want);
/* Says what the handle's last call failed of. Returns 1. For children of a test, which
 * have no cmocka. */
int box_failed(ct_container *c, const char *what);

/* The probe's report by an attach to a container that only waits; 1 and box_failed() without. */
int box_attach_probe(ct_container *c, char **out);

/* For cmocka: the call succeeds, or the test fails with the container's own message. */
#define assert_ok(c, call)                                                                \
	do {                                                                              \
		long long ok_ = (long long)(call);                                        \
		if (ok_ < 0)                                                              \
			fail_msg("%s = %lld: %s", #call, ok_, ct_last_error(c)->message); \
	} while (0)
/* ... fails with this error, and says why. */
#define assert_refused(c, call, want)                                                          \
	do {                                                                                   \
		long long r_ = (long long)(call);                                              \
		if (r_ != (want))                                                              \
			fail_msg("%s = %lld, not %d (%s)", #call, r_, (int)(want),             \
				 ct_last_error(c)->message);                                   \
		if (!ct_last_error(c)->message[0] || ct_last_error(c)->err != (want))          \
			fail_msg("%s: no message, or error %d", #call, ct_last_error(c)->err); \
	} while (0)

#endif
