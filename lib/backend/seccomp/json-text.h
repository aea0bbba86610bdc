/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A JSON text as json-c reads it, and what json-c does not tell: members that stand twice, and the
 * line of each value. */
#ifndef CT_SECCOMP_JSON_TEXT_H
#define CT_SECCOMP_JSON_TEXT_H

#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/error.h"

#define CT_JSON_DEPTH_MAX 16
/* Each object or list costs json-c some hundred bytes, each value about fifty. */
#define CT_JSON_LISTS_MAX 65536u
#define CT_JSON_VALUES_MAX 262144u

/* Records a fault of a text, in a line of it (0: not known). Returns err. */
int ct_json_fail(struct ct_err *e, const char *file, uint32_t line, int err, const char *fmt,
		 va_list ap) __attribute__((format(printf, 5, 0)));
/* Reads the whole text, strictly: one object, UTF-8, no comments, no control characters. 0 with
 * *out for json_object_put(); -EINVAL, -E2BIG, -ENOMEM, recorded with the line. */
int ct_json_parse(const char *text, size_t len, const char *file, struct json_object **out,
		  struct ct_err *e);
/* The line that a value begins in; 0 for one that is not known: a null, or a fraction. */
uint32_t ct_json_line(const struct json_object *v);

#endif
