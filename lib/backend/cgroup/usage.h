/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of a container's cgroups, read from the files of either version. The texts are not
 * trusted: they are bounded, and a value that does not have its form is absent. */
#ifndef CT_BACKEND_CGROUP_USAGE_H
#define CT_BACKEND_CGROUP_USAGE_H

#include <contain/contain.h>

#include "host/cgroup.h"
#include "shared/figure.h"

/* Fills *out, but for its size; a counter that no cgroup has is CT_ABSENT. Never fails. Reads about
 * twenty files. In a hybrid layout a controller's counters are version 1's when a place serves it
 * there; what is absent there is not taken from another cgroup. */
void ct_usage_read(const struct ct_cg_place *v, uint32_t n, ct_usage *out);

/* Parsers, pure, for tests and fuzzing: n bytes of text, not terminated. */
/* "KEY VALUE" lines: the key's value, or CT_ABSENT. */
uint64_t ct_usage_keyed(const char *text, size_t n, const char *key);
/* io.stat, "MAJ:MIN rbytes=1 wbytes=2 ...": the sum of a field over all devices, CT_ABSENT when
 * there is no line with it. */
uint64_t ct_usage_io(const char *text, size_t n, const char *field);
/* blkio.throttle.io_service_bytes, "MAJ:MIN Read 123": the sum of an operation over all devices. */
uint64_t ct_usage_blkio(const char *text, size_t n, const char *operation);
/* A single number; "max" and what is no number are CT_ABSENT. Version 1's "no limit" (a multiple of
 * the page size close to 2^63) is CT_ABSENT, too. */
uint64_t ct_usage_number(const char *text, size_t n);
/* A pressure file. */
void ct_usage_pressure(const char *text, size_t n, ct_pressure *out);

#endif
