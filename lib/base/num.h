/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsers of numbers. All take the whole string or fail with -EINVAL, and with -ERANGE when it is
 * out of range. No leading blank, sign or base prefix, unless said. *out is set on success only. */
#ifndef CT_BASE_NUM_H
#define CT_BASE_NUM_H

#include <stdint.h>

/* Decimal digits only. */
int ct_parse_u64(const char *s, uint64_t *out);
int ct_parse_u32(const char *s, uint32_t *out);
/* Optional leading '-'. */
int ct_parse_i64(const char *s, int64_t *out);
/* 0..2^32-2: 2^32-1 is "no id" for the kernel. */
int ct_parse_id(const char *s, uint32_t *out);
/* Octal digits, at most 07777. */
int ct_parse_mode(const char *s, uint32_t *out);
/* The hexadecimal digits at the beginning of s, at most max of them. Anything may follow. */
int ct_parse_hex(const char *s, unsigned max, uint64_t *out);
/* 0 or 1; also yes/no, true/false, on/off. */
int ct_parse_bool(const char *s, int *out);
/* Bytes with an optional unit: B, K KB KiB, M MB MiB, G GB GiB, T TB TiB, all powers of 1024; any
 * case; one blank before the unit is fine. */
int ct_parse_size(const char *s, uint64_t *out);
/* Microseconds from "1s", "250ms", "1.5s", "2m", "1h", "3d", "10us"; a bare number is seconds. */
int ct_parse_duration_us(const char *s, uint64_t *out);
/* Nanoseconds, signed, units h m s ms us ns, bare number seconds (time.offset). */
int ct_parse_offset_ns(const char *s, int64_t *out);

#endif
