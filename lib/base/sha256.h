/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 (FIPS 180-4), to name a content in reports. */
#ifndef CT_SHA256_H
#define CT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define CT_SHA256_BYTES 32

/* The digest of n bytes. */
void ct_sha256(const void *data, size_t n, uint8_t out[CT_SHA256_BYTES]);

#endif
