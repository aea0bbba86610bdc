/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public functions for requests of a filter that notifies. They have no handle. */
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "run/child/notify.h"

/* Whether it is a request that ct_notify_receive() has filled. */
static int is_request(const ct_notify *n)
{
	return n && n->size >= offsetof(ct_notify, nr);
}

CT_PUBLIC int ct_notify_receive(int fd, ct_notify *n)
{
	if (!is_request(n) || n->size > 4096)
		return -EINVAL;
	return ct_notify_take(fd, n);
}

CT_PUBLIC int ct_notify_valid(int fd, const ct_notify *n)
{
	if (!is_request(n))
		return -EINVAL;
	return ct_notify_still(fd, n->id);
}

CT_PUBLIC ssize_t ct_notify_read(int fd, const ct_notify *n, uint64_t addr, void *buf, size_t len)
{
	if (!is_request(n) || (len && !buf) || len > SSIZE_MAX)
		return -EINVAL;
	return ct_notify_peek(fd, n, addr, buf, len);
}

CT_PUBLIC ssize_t ct_notify_read_string(int fd, const ct_notify *n, uint64_t addr, char *buf,
					size_t len)
{
	if (!is_request(n) || !buf || !len || len > SSIZE_MAX)
		return -EINVAL;
	return ct_notify_peek_text(fd, n, addr, buf, len);
}

CT_PUBLIC ssize_t ct_notify_write(int fd, const ct_notify *n, uint64_t addr, const void *buf,
				  size_t len)
{
	if (!is_request(n) || (len && !buf) || len > SSIZE_MAX)
		return -EINVAL;
	return ct_notify_poke(fd, n, addr, buf, len);
}

CT_PUBLIC int ct_notify_add_fd(int fd, const ct_notify *n, int source_fd, unsigned flags)
{
	if (!is_request(n) || (flags & ~(CT_NOTIFY_ADD_CLOEXEC | CT_NOTIFY_ADD_ANSWER)))
		return -EINVAL;
	if (source_fd < 0)
		return -EBADF;
	return ct_notify_hand(fd, n, source_fd, flags);
}

CT_PUBLIC int ct_notify_continue(int fd, const ct_notify *n)
{
	if (!is_request(n))
		return -EINVAL;
	return ct_notify_answer(fd, n->id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

CT_PUBLIC int ct_notify_error(int fd, const ct_notify *n, int error)
{
	if (!is_request(n) || error <= 0 || error > 4095)
		return -EINVAL;
	return ct_notify_answer(fd, n->id, 0, -error, 0);
}

CT_PUBLIC int ct_notify_return(int fd, const ct_notify *n, int64_t value)
{
	if (!is_request(n))
		return -EINVAL;
	return ct_notify_answer(fd, n->id, value, 0, 0);
}
