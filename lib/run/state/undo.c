/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/state/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/state/state.h"

#define JOURNAL_MAX (256u << 10)

int ct_state_undo_begin(int dirfd, struct ct_undo *u, struct ct_err *e)
{
	u->file = openat(dirfd, CT_STATE_UNDO,
			 O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (u->file >= 0)
		return 0;
	return ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "openat",
			   "the groups cannot be written down");
}

/* 1; 0: there is none; or a negative errno. */
static int read_journal(int dirfd, struct ct_buf *text, struct ct_err *e)
{
	CT_CLEAN_FD int fd = openat(dirfd, CT_STATE_UNDO, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = ct_or_errno(fd);

	if (r >= 0)
		r = ct_buf_read_fd(text, fd, JOURNAL_MAX);
	if (r >= 0)
		return 1;
	if (r == -ENOENT)
		return 0;
	return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
			   "the record of the container's groups cannot be read");
}

int ct_state_undo(int dirfd, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = read_journal(dirfd, &text, e);

	if (r > 0)
		r = ct_undo_run(ct_buf_text(&text), text.len, e);
	if (r == 0 && unlinkat(dirfd, CT_STATE_UNDO, 0) < 0 && errno != ENOENT)
		r = ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "unlinkat",
				"the record of the container's groups cannot be removed");
	return r;
}

int ct_made_load(int dirfd, struct ct_cgroups_held *held, struct ct_buf *records, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf own = CT_BUF_INIT;
	int r;

	if (!records)
		records = &own;
	held->n = 0;
	r = read_journal(dirfd, records, e);
	if (r <= 0)
		return r;
	r = ct_cgroup_load(ct_buf_text(records), records->len, held);
	if (r >= 0)
		return 0;
	return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
			   "the record of the container's groups cannot be read");
}

int ct_groups_load(int dirfd, struct ct_cgroups_held *held, struct ct_err *e)
{
	return ct_made_load(dirfd, held, NULL, e);
}
