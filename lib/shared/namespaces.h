/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's flags of the kinds of namespaces, which older headers lack some of. */
#ifndef CT_SHARED_NAMESPACES_H
#define CT_SHARED_NAMESPACES_H

enum {
#define CT_NAMESPACE(bit, clone, name, alias, how) CT_CLONE_##bit = clone,
#include "shared/namespaces.def"
	CT_CLONE_ALL = 0
#define CT_NAMESPACE(bit, clone, name, alias, how) | clone
#include "shared/namespaces.def"
};

/* How many kinds there are. */
enum {
	CT_NAMESPACES = 0
#define CT_NAMESPACE(bit, clone, name, alias, how) +1
#include "shared/namespaces.def"
};

#endif
