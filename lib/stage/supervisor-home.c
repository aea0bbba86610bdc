/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of an ephemeral container. What is in it was the payload's to shape: everything by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "stage/supervisor.h"
#include "stage/sys.h"
#include "wire/dirent.h"

#define DEPTH 512	/* a descriptor and a few kilobytes of stack each */

static int remove_below(int dir, int depth);

/* One name of `dir`, whatever it is. 0 or a negative errno. */
static int remove_one(int dir, const char *name, int depth)
{
	SYS_CLOSEP int fd = -1;
	int r = (int)sys3(SYS_unlinkat, dir, name, 0);

	if (r == 0 || r == -ENOENT || (r != -EISDIR && r != -EPERM))
		return r == -ENOENT ? 0 : r;
	fd = sys_openat2(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
			 K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	r = depth < DEPTH ? remove_below(fd, depth + 1) : -ELOOP;
	return r < 0 ? r : (int)sys3(SYS_unlinkat, dir, name, AT_REMOVEDIR);
}

static int is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* All entries; a directory that shrinks while it is read is read again until nothing but the dots is left. */
static int remove_below(int dir, int depth)
{
	_Alignas(8) char buf[2048];
	int found = 1, r = 0;

	while (found && r >= 0) {
		long n = 0;

		found = 0;
		r = (int)sys3(SYS_lseek, dir, 0, SEEK_SET);
		while (r >= 0 && (n = sys3(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
			for (long at = 0; at < n && r >= 0;) {
				struct ct_dirent *e = (struct ct_dirent *)(buf + at);

				at += e->len;
				if (is_dots(e->name))
					continue;
				found = 1;
				r = remove_one(dir, e->name, depth);
			}
		r = n < 0 ? (int)n : r;
	}
	return r;
}

/* See supervisor.h. */
void sup_remove_home(struct super *s)
{
	int home = s->w->home < 0 ? -1 : s->st->slot[s->w->home];
	char gone[128] = ".new-";

	if (home < 0 || s->name[0] == '.' || strchr(s->name, '/'))
		return;
	str_add(gone, sizeof(gone), s->name);
	str_add(str_add_u64(str_add(gone, sizeof(gone), "-"), sizeof(gone), (uint64_t)sys_getpid()), sizeof(gone), ".gone");
	if (sys4(SYS_renameat, home, s->name, home, gone) == 0)
		remove_one(home, gone, 0);
}
