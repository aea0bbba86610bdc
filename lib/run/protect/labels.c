/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of security modules, against what was asked for. */
#include <string.h>

#include "run/protect/protections.h"
#include "shared/label.h"

/* AppArmor puts the mode behind a profile's name; SELinux's type is the third part of a context. */
static bool is_unconfined(const char *label)
{
	size_t n = strlen(label);

	return !strcmp(label, "unconfined") ||
	       (n > 13 && !strcmp(label + n - 13, " (unconfined)")) ||
	       strstr(label, ":unconfined_t");
}

bool ct_protect_names_label(const char *asked)
{
	static const char *const none[] = { "", "unchanged", "unconfined", "unconfined_t" };

	for (size_t i = 0; asked && i < sizeof(none) / sizeof(*none); i++)
		if (!strcmp(asked, none[i]))
			return false;
	return asked != NULL;
}

/* Whether `asked` names the label: a context or its type, or a profile that is enforced and not in
 * complain mode. */
static bool is_label(const char *asked, const char *got)
{
	static const char *const modes[] = { "", " (enforce)", " (kill)" };
	size_t n = strlen(asked);
	const char *type = got;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(got + ct_label_length(got), modes[i]) && ct_label_holds(asked, got))
			return true;
	for (int i = 0; type && i < 2; i++) {
		type = strchr(type, ':');
		if (type)
			type++;
	}
	return type && n && !strncmp(type, asked, n) && (!type[n] || type[n] == ':');
}

bool ct_protect_label_ok(const char *asked, const char *starter, const char *got)
{
	if (ct_protect_names_label(asked))
		return is_label(asked, got);
	if (asked && *asked && strcmp(asked, "unchanged") != 0)
		return true;
	return !starter || is_unconfined(starter) || !strcmp(starter, got);
}
