/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/namespaces.h"

#include <contain/contain.h>

const struct ct_namespace ct_namespaces[CT_NAMESPACES] = {
#define CT_NAMESPACE(kind, flag, text, other, how)                               \
	[__builtin_ctz(CT_NS_##kind)] = {                                        \
		.bit = CT_NS_##kind, .clone = flag, .name = text, .alias = other \
	},
#include "shared/namespaces.def"
};
