/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every public call begins and ends with: a clean record, the forked-handle check, the size of
 * option structs; the record goes into the handle at the end. */
#ifndef CT_API_CALL_H
#define CT_API_CALL_H

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "run/handle/container.h"

/* An error without a call that failed: all strings are there. */
#define CT_STATIC_ERROR(number, name, text, place, help)                                        \
	{                                                                                       \
		.size = sizeof(ct_error), .err = (number), .id = (name), .step = -1,            \
		.message = (text), .where = (place), .step_name = "", .backend = "", .key = "", \
		.file = "", .syscall_name = "", .object = "", .kernel = "", .hint = (help),     \
		.more = ""                                                                      \
	}
/* What there is to say of no error, of no handle, and of one that was forked. */
extern const ct_error ct_no_error, ct_no_handle, ct_forked;

/* What the calling thread was told last of a handle; never NULL. */
const ct_error *ct_last_of(struct ct_records *errors);
/* Ends a call: the record becomes the thread's, in the handle. Returns r. */
int ct_done(struct ct_container *c, const struct ct_err *e, int r);
/* The same for a call that changes the config: one that fails makes the next start fail, unless
 * somebody asks why. `key`: that was set; NULL: it was no key. */
int ct_done_change(struct ct_container *c, const struct ct_err *e, const char *key, int r);
/* -EINVAL without a handle, -ECHILD in a forked child. */
int ct_check_handle(const struct ct_container *c, struct ct_err *e);
/* Copies an option struct of the caller's (any version of it) into ours: too short is -EINVAL, an
 * unknown tail that is not zero -E2BIG, an unknown flag -EINVAL. in NULL: dst keeps its defaults.
 * `flags` NULL: the struct has none. */
int ct_take_opts(void *dst, size_t dst_size, const void *in, size_t min_size, const uint64_t *flags,
		 uint64_t known, struct ct_err *e);

/* Reads a config file into `config`; *path NULL: the container's own, whose path it becomes, in
 * *own, the caller's to free. 0 or a negative errno, recorded. */
int ct_load_into(struct ct_container *c, struct ct_config *config, const char **path, char **own,
		 struct ct_err *e);

/* Forgets the mounts of ct_add_mount(). */
void ct_drop_mounts(struct ct_container *c);

#define CT_RECORD(e)     \
	struct ct_err e; \
	ct_err_clear(&e)
/* Begins a call on c: 0, or the error that is to be returned. */
#define BEGIN(c, e)   \
	CT_RECORD(e); \
	int r = ct_check_handle(c, &e)

#endif
