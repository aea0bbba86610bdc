/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protections that a build for the tests (-Dweaknesses=true) can leave out. */
#ifndef CT_SHARED_WEAK_H
#define CT_SHARED_WEAK_H

enum ct_weak {
#define CT_WEAK(id, ...) CT_WEAK_##id,
#include "shared/weak.def"
	CT_WEAK_COUNT
};

#ifdef CT_WEAKNESSES
/* The weakness that $CT_WEAK names, an enum ct_weak; CT_WEAK_COUNT: none. */
extern enum ct_weak ct_weakness;
/* The environment of the stage: $CT_WEAK alone, which the payload does not get. */
extern const char *ct_weak_env[];

static inline int ct_weak(enum ct_weak w)
{
	return ct_weakness == w;
}

static inline const char *const *ct_weak_environment(void)
{
	return ct_weak_env;
}
#else
/* Whether this protection is to be left out: never. */
static inline int ct_weak(enum ct_weak w)
{
	(void)w;
	return 0;
}

static inline const char *const *ct_weak_environment(void)
{
	static const char *const none[] = { 0 };

	return none;
}
#endif

#endif
