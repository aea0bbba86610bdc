/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-allow.h"

#include <string.h>

/* One path or port for each option; a path may have blanks. */
static int define_each(const struct args *a, ct_container *c, const char *key,
		       const struct strings *values, bool paths)
{
	char text[4200];
	int err = 0;

	for (size_t i = 0; i < values->n && !err; i++) {
		char quote = strchr(values->v[i], '"') ? '\'' : '"';

		if (strlen(values->v[i]) >= sizeof(text) - 3)
			return fail(a, "%s: the path is too long", key);
		if (paths && strcmp(values->v[i], "none") != 0)
			snprintf(text, sizeof(text), "%c%s%c", quote, values->v[i], quote);
		else
			snprintf(text, sizeof(text), "%s", values->v[i]);
		err = define(a, c, key, text);
	}
	return err;
}

int run_allow_apply(const struct args *a, ct_container *c, const struct run_allow *allow)
{
	const struct {
		const char *key;
		const struct strings *values;
		bool paths;
	} rows[] = {
		{ "landlock.read", &allow->read, true },
		{ "landlock.write", &allow->write, true },
		{ "landlock.execute", &allow->execute, true },
		{ "landlock.make", &allow->make, true },
		{ "landlock.ioctl", &allow->ioctl, true },
		{ "landlock.tcp.bind", &allow->bind, false },
		{ "landlock.tcp.connect", &allow->connect, false },
	};
	int err = 0;

	if (allow->bare)
		err = define(a, c, "namespace.keep", "mnt pid uts ipc net cgroup");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && !err; i++)
		err = define_each(a, c, rows[i].key, rows[i].values, rows[i].paths);
	return err;
}
