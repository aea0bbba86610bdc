/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Only in a build with -Dweaknesses=true: reads which weakness there is to be. */
#include "shared/weak.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define CT_WEAK(id, name, ...) name,
#include "shared/weak.def"
};

enum ct_weak ct_weakness = CT_WEAK_COUNT;
const char *ct_weak_env[] = { NULL, NULL };

/* An unknown name ends the program: a test that asks for it must not pass for another reason. */
__attribute__((constructor)) static void choose(void)
{
	static char variable[64] = "CT_WEAK=";
	const size_t at = strlen(variable);
	const char *name = secure_getenv("CT_WEAK");

	if (!name || !*name)
		return;
	for (int i = 0; i < CT_WEAK_COUNT; i++)
		if (!strcmp(name, names[i]))
			ct_weakness = (enum ct_weak)i;
	if (ct_weakness == CT_WEAK_COUNT)
		__builtin_trap();
	memcpy(variable + at, name, strnlen(name, sizeof(variable) - at - 1));
	ct_weak_env[0] = variable;
}
