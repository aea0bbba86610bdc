/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sealed memfd that the stage is executed from: made by the first handle that starts something,
 * shared by all handles, closed with the last one. */
#ifndef CT_RUN_HANDLE_IMAGE_H
#define CT_RUN_HANDLE_IMAGE_H

#include "base/error.h"

/* One more user. The descriptor is borrowed until ct_image_put(). Negative errno on failure. */
int ct_image_get(struct ct_err *e);
/* Whether the descriptor is still the image: a caller may have closed all descriptors that it does
 * not know. */
int ct_image_valid(int fd);
/* One user less. */
void ct_image_put(void);

#endif
