/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/state/groups.h"
#include "run/state/state.h"

#define JOURNAL_MAX (256u << 10)

int ct_groups_journal(int dirfd, struct ct_err *e)
{
	int fd = openat(dirfd, CT_STATE_GROUPS, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "openat", "the groups cannot be written down");
}

int ct_groups_load(int dirfd, struct ct_cg_held *held, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dirfd, CT_STATE_GROUPS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, JOURNAL_MAX);

	held->n = 0;
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = ct_cg_load(ct_buf_text(&text), text.len, held);
	return r < 0 ? ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat", "the record of the container's groups cannot be read") : 0;
}

int ct_groups_clear(int dirfd, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	struct ct_err why;
	int r;

	ct_err_clear(&why);
	r = ct_groups_load(dirfd, &held, &why);
	if (r < 0 && r != -EINVAL) {
		if (e)
			*e = why;
		return r;
	}
	/* one that makes no sense has nothing to tell */
	r = r < 0 ? 0 : ct_cg_undo(&held, e);
	if (r == 0 && unlinkat(dirfd, CT_STATE_GROUPS, 0) < 0 && errno != ENOENT)
		r = ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "unlinkat", "the record of the container's groups cannot be removed");
	return r;
}
