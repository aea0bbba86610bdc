/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups in which whoever comes is stopped at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "base/fd.h"
#include "base/num.h"

#define PATH_SIZE 4096
#define LEVELS 64 /* of groups that are looked through one by one */

/* The file by which each version freezes, and the word that thaws. */
static const struct {
	const char *own, *file, *thaw; /* own: "1" where this very group was frozen */
} words[] = {
	[1] = { "freezer.self_freezing", "freezer.state", "THAWED" },
	[2] = { "cgroup.freeze", "cgroup.freeze", "0" },
};

static int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Takes the last component off. False: there is none. */
static bool up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* Whether a group is frozen, by its own or one above. */
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

	/* version 2 says "frozen" only when the last process has stopped, version 1 at once, also
	 * those below. What the top has not, no one above it has. */
	for (int i = 0; version == 2 && i < LEVELS && ct_cg_read(dir, file, text, sizeof(text)) > 0;
	     i++) {
		if (!strcmp(text, "1"))
			return true;
		memmove(file + 3, file, strlen(file) + 1);
		memcpy(file, "../", 3);
	}
	return is_frozen(version, dir);
}

/* Goes up from path to the group that was frozen itself: 1, path is its. 0: there is
 * none that can be seen. */
static int find_frozen(int version, char *path)
{
	do {
		CT_CLEAN_FD int dir = open_dir(path);
		char text[8];
		ssize_t n = dir < 0 ? dir : ct_cg_read(dir, words[version].own, text, sizeof(text));

		/* the top of all cannot be frozen, and above a mount there is no group */
		if (n < 0)
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
	/* what is not there yet begins as the one that it is made in */
	while ((dir = open_dir(at)) == -ENOENT && up(at))
		;
	if (dir < 0 || !ct_cg_freezes(version, dir))
		return 0;
	snprintf(which, size, "%s", at);
	/* else by one above that cannot be seen */
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
