/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage's executable, as the library carries it. Generated into a file of its own
 * by the build. */
#ifndef CT_WIRE_IMAGE_H
#define CT_WIRE_IMAGE_H

#include <stddef.h>

extern const unsigned char ct_stage_image[];
extern const size_t ct_stage_image_size;

#endif
