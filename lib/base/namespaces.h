/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of namespaces, for the library. */
#ifndef CT_BASE_NAMESPACES_H
#define CT_BASE_NAMESPACES_H

#include <stdint.h>

#include "shared/namespaces.h"

struct ct_namespace {
	uint32_t bit;		  /* CT_NS_* */
	uint64_t clone;		  /* CLONE_NEW* */
	const char *name, *alias; /* alias may be the name */
};

/* In the order of their bits. */
extern const struct ct_namespace ct_namespaces[CT_NAMESPACES];

#endif
