/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every public call begins and ends with: an empty record, the check of the handle and of the
 * size of option structs, and at the end the record for the handle. */
#ifndef CT_API_CALL_H
#define CT_API_CALL_H

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "run/handle/container.h"

/* A static error, for where there is no handle with a record. */
#define CT_STATIC_ERROR(number, name, text, place, help)                                        \
	{                                                                                       \
		.size = sizeof(ct_error), .err = (number), .id = (name), .step = -1,            \
		.message = (text), .where = (place), .step_name = "", .backend = "", .key = "", \
		.file = "", .syscall_name = "", .object = "", .kernel = "", .hint = (help),     \
		.more = ""                                                                      \
	}
/* The errors of a handle without a failure, of no handle, and of a handle in a forked child. */
extern const ct_error ct_no_error, ct_no_handle, ct_forked;

/* The error of the calling thread's last call on a handle; never NULL. */
const ct_error *ct_last_of(struct ct_records *errors);
/* Ends a call: the record becomes the thread's, in the handle. Returns r. */
int ct_done(struct ct_container *c, const struct ct_err *e, int r);
/* The same for a call that changes the config. One that fails makes the next start fail, too,
 * unless the error is read before. `key`: the key that was to be set; NULL: it was another
 * change. */
int ct_done_change(struct ct_container *c, const struct ct_err *e, const char *key, int r);
/* -EINVAL without a handle, -ECHILD in a forked child. */
int ct_check_handle(const struct ct_container *c, struct ct_err *e);
/* Copies an option struct of the caller's, which may be that of an older or newer header. Too short
 * is -EINVAL, an unknown member that is not zero -E2BIG, an unknown flag -EINVAL. in NULL: dst
 * keeps its defaults. flags NULL: the struct has none. */
int ct_take_opts(void *dst, size_t dst_size, const void *in, size_t min_size, const uint64_t *flags,
		 uint64_t known, struct ct_err *e);

/* Reads a config file into `config`. With *path NULL it is the container's own: *path and *own
 * become its path, and *own is the caller's to free. 0 or a negative errno, recorded. */
int ct_load_into(struct ct_container *c, struct ct_config *config, const char **path, char **own,
		 struct ct_err *e);

/* Releases the mounts of ct_add_mount(). */
void ct_drop_mounts(struct ct_container *c);

/* Declares an empty record. */
#define CT_RECORD(e)     \
	struct ct_err e; \
	ct_err_clear(&e)
/* Begins a call on c: declares the record, and r: 0 or the errno of the check of the handle. */
#define BEGIN(c, e)   \
	CT_RECORD(e); \
	int r = ct_check_handle(c, &e)

#endif
