/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys, files and lines belong to the model; the record of an error, below it, prints them. */
#ifndef CT_ORIGIN_H
#define CT_ORIGIN_H

#include "base/origin.h"

#endif
