/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of an ephemeral container. What is in it was the payload's to shape:
 * everything by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/remove.h"

/* All but the rootfs, where it is. Without a config it is no container any more. */
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

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	/* what is locked is nobody's leavings */
	sys2(SYS_flock, dir, LOCK_EX | LOCK_NB);
	ct_hidden_name(gone, s->name, (unsigned)sys_getpid(), 1);
	r = (int)sys4(SYS_renameat, home, s->name, home, gone);
	return r < 0 ? r : ct_remove(home, gone, NULL, left);
}

void sup_remove_home(struct super *s)
{
	int home = s->w->home < 0 ? -1 : s->st->slot[s->w->home], r;
	struct ct_left left = { 0 };

	if (home < 0 || s->name[0] == '.' || strchr(s->name, '/'))
		return;
	r = s->w->flags & CT_SUPER_KEEP_ROOTFS ? remove_around(s, home, &left)
					       : remove_whole(s, home, &left);
	if (r >= 0)
		return;
	s->left = 1;
	str_cut(s->error, sizeof(s->error),
		left.mount ? "of its directory stays what is at and in a mount: "
			   : "of its directory stays: errno ");
	if (!left.mount) {
		str_add_u64(s->error, sizeof(s->error), (uint64_t)-r);
		str_add(s->error, sizeof(s->error), " at ");
	}
	str_add(s->error, sizeof(s->error), left.err ? left.path : s->name);
	sup_clean_text(s->error);
}
