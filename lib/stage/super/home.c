/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removes the directory of an ephemeral container. Its content is hostile: all is done by
 * descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/remove.h"

/* Removes all but the rootfs. The config goes first: without it the directory is no container. */
static int remove_around(const struct super *s, int home, struct ct_left *left)
{
	const struct ct_spare keep = { s->w->keep_dev, s->w->keep_ino };
	SYS_CLOSEP int dir = sys_openat(home, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (dir >= 0)
		sys3(SYS_unlinkat, dir, "config", 0);
	return ct_remove(home, s->name, &keep, left);
}

static int remove_whole(const struct super *s, int home, struct ct_left *left)
{
	SYS_CLOSEP int dir = sys_openat(home, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	char gone[256];
	int r;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	/* a sweep leaves locked directories alone */
	sys2(SYS_flock, dir, LOCK_EX | LOCK_NB);
	ct_hidden_name(gone, s->name, (unsigned)sys_getpid(), 1);
	r = (int)sys4(SYS_renameat, home, s->name, home, gone);
	if (r < 0)
		return r;
	return ct_remove(home, gone, NULL, left);
}

void sup_remove_home(struct super *s)
{
	struct ct_left left = { 0 };
	int home, r;

	if (s->w->home < 0 || s->name[0] == '.' || strchr(s->name, '/'))
		return;
	home = s->st->slot[s->w->home];
	if (home < 0)
		return;
	if (s->w->flags & CT_SUPER_KEEP_ROOTFS)
		r = remove_around(s, home, &left);
	else
		r = remove_whole(s, home, &left);
	if (r >= 0)
		return;
	s->left = 1;
	if (left.mount) {
		str_cut(s->error, sizeof(s->error),
			"of its directory stays what is at and in a mount: ");
	} else {
		str_cut(s->error, sizeof(s->error), "of its directory stays: errno ");
		str_add_u64(s->error, sizeof(s->error), (uint64_t)-r);
		str_add(s->error, sizeof(s->error), " at ");
	}
	str_add(s->error, sizeof(s->error), left.err ? left.path : s->name);
	sup_clean_text(s->error);
}
