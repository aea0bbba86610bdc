/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroups that are frozen, so that a process that enters them stops at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define PATH_SIZE 4096
#define LEVELS 64 /* of cgroups that are checked one by one */

/* The file by which each version freezes, and what is written to thaw. */
static const struct {
	/* own: it has "1" when the cgroup itself was frozen, not only one above it */
	const char *own, *file, *thaw;
} words[] = {
	[1] = { "freezer.self_freezing", "freezer.state", "THAWED" },
	[2] = { "cgroup.freeze", "cgroup.freeze", "0" },
};

static int open_dir(const char *path)
{
	return ct_or_errno(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Cuts off the last component. False: there is none. */
static bool up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* Whether a cgroup is frozen, by itself or by one above. */
static bool is_frozen(int version, int dir)
{
	char text[32];

	if (version == 2)
		return ct_cg_keyed(dir, "cgroup.events", "frozen", 0) == 1;
	return ct_cg_read(dir, "freezer.state", text, sizeof(text)) > 0 && strcmp(text, "THAWED");
}

bool ct_cg_freezes(int version, int dir)
{
	char file[3 * LEVELS + 16] = "cgroup.freeze", text[8];

	/* version 2's cgroup.events reports "frozen" only when the last process has stopped, so
	 * cgroup.freeze is read here and in all cgroups above, up to the top, which has no such
	 * file. Version 1's freezer.state changes at once, also in those below. */
	for (int i = 0; version == 2 && i < LEVELS && ct_cg_read(dir, file, text, sizeof(text)) > 0;
	     i++) {
		if (!strcmp(text, "1"))
			return true;
		memmove(file + 3, file, strlen(file) + 1);
		memcpy(file, "../", 3);
	}
	return is_frozen(version, dir);
}

/* Goes up from path to the cgroup that was frozen itself. 1: path is its path; 0: none can be
 * seen. */
static int find_frozen(int version, char *path)
{
	do {
		CT_CLEAN_FD int dir = open_dir(path);
		char text[8];

		/* the top cannot be frozen, and what is above a mount is no cgroup */
		if (dir < 0 || ct_cg_read(dir, words[version].own, text, sizeof(text)) < 0)
			return 0;
		if (!strcmp(text, "1"))
			return 1;
	} while (up(path));
	return 0;
}

int ct_cg_frozen_at(int version, const char *path, char *which, size_t size)
{
	CT_CLEAN_FD int dir = -1;
	char at[PATH_SIZE];

	if ((size_t)snprintf(at, sizeof(at), "%s", path) >= sizeof(at))
		return 0;
	/* a cgroup that does not exist yet begins in the state of the one that it is made in */
	while ((dir = open_dir(at)) == -ENOENT && up(at))
		;
	if (dir < 0 || !ct_cg_freezes(version, dir))
		return 0;
	snprintf(which, size, "%s", at);
	/* otherwise the frozen one is out of sight: `which` stays the path itself */
	if (find_frozen(version, at))
		snprintf(which, size, "%s", at);
	return 1;
}

int ct_cg_refuse_frozen(int version, const char *path, const char *where, struct ct_err *e)
{
	char which[PATH_SIZE];

	if (!ct_cg_frozen_at(version, path, which, sizeof(which)))
		return 0;
	ct_err_object(e, which);
	ct_err_hint(e, "thaw it first: echo %s > %s/%s", words[version].thaw, which,
		    words[version].file);
	return ct_fail(
		e, -EBUSY, CT_ERR_CGROUP, where,
		"the cgroup is frozen, and whoever is put into it or below it stops at once");
}
