/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/seccomp/calls.h"

/* The kernel's structs may be longer than those that this was built with: it reads and writes so
 * many bytes as it says. What is behind the known part is zero. */
#define ROOM 512

union request {
	struct seccomp_notif known;
	char room[ROOM];
};

union answer {
	struct seccomp_notif_resp known;
	char room[ROOM];
};

/* Whether the kernel's structs fit. Of a kernel that does not say it (a filter on this process may
 * refuse the call) they are the first ones. */
static int check_room(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return 0;
	if (sizes.seccomp_notif > ROOM || sizes.seccomp_notif_resp > ROOM)
		return -EOVERFLOW;
	return 0;
}

/* Whether a request waits: 0, -EAGAIN, -EPIPE or the errno of poll(2). */
static int look(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (p.revents & POLLNVAL)
		return -EBADF;
	if (p.revents & POLLIN)
		return 0;
	return p.revents & (POLLHUP | POLLERR) ? -EPIPE : -EAGAIN;
}

/* Takes a request that waits. ENOENT: it is over before it was taken, so there may be another. */
static int take(int fd, union request *r)
{
	int err = check_room();

	while (err == 0) {
		memset(r, 0, sizeof(*r));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, r) == 0)
			return 0;
		if (errno == ENOTCONN)
			return -EPIPE;
		if (errno != ENOENT && errno != EINTR)
			return -errno;
		err = look(fd);
	}
	return err;
}

int ct_notify_take(int fd, ct_notify *n)
{
	size_t size = n->size;
	ct_notify all;
	union request r;
	int err = look(fd);

	if (err == 0)
		err = take(fd, &r);
	if (err < 0)
		return err;
	memset(&all, 0, sizeof(all));
	all.size = size;
	all.id = r.known.id;
	all.pid = (int)r.known.pid;
	all.nr = r.known.data.nr;
	all.arch = r.known.data.arch;
	all.flags = r.known.flags;
	all.ip = r.known.data.instruction_pointer;
	for (int i = 0; i < 6; i++)
		all.args[i] = r.known.data.args[i];
	ct_filter_call_name(all.arch, all.nr, all.call, sizeof(all.call));
	memset(n, 0, size);
	memcpy(n, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

/* An ioctl(2) of a listener that is not restarted by itself. */
static int control(int fd, unsigned long request, void *arg)
{
	int r;

	do
		r = ioctl(fd, request, arg);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int ct_notify_answer(int fd, uint64_t id, int64_t value, int32_t error, uint32_t flags)
{
	union answer a;

	memset(&a, 0, sizeof(a));
	a.known.id = id;
	a.known.val = value;
	a.known.error = error;
	a.known.flags = flags;
	return control(fd, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

int ct_notify_still(int fd, uint64_t id)
{
	return control(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

int ct_notify_hand(int fd, const ct_notify *n, int source, unsigned flags)
{
	struct seccomp_notif_addfd add = { .id = n->id, .srcfd = (uint32_t)source };
	int r, answered;

	if (flags & CT_NOTIFY_ADD_CLOEXEC)
		add.newfd_flags = O_CLOEXEC;
	if (flags & CT_NOTIFY_ADD_ANSWER)
		add.flags = SECCOMP_ADDFD_FLAG_SEND;
	r = control(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	if (r != -EINVAL || !add.flags)
		return r;
	/* before Linux 5.14: by two calls */
	add.flags = 0;
	r = control(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	answered = r < 0 ? r : ct_notify_answer(fd, n->id, r, 0, 0);
	return answered < 0 ? answered : r;
}

void ct_notify_pass(int fd)
{
	union request r;

	if (look(fd) == 0 && take(fd, &r) == 0)
		(void)ct_notify_answer(fd, r.known.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}
