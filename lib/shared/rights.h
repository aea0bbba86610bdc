/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One descriptor that goes along with a message (SCM_RIGHTS). */
#ifndef CT_SHARED_RIGHTS_H
#define CT_SHARED_RIGHTS_H

#include <string.h>
#include <sys/socket.h>

union ct_rights {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

/* For a message that is received: room for a descriptor. */
static inline void ct_rights_room(struct msghdr *m, union ct_rights *room)
{
	m->msg_control = room->space;
	m->msg_controllen = sizeof(room->space);
}

/* For a message that is sent: fd, unless it is negative. */
static inline void ct_rights_add(struct msghdr *m, union ct_rights *room, int fd)
{
	if (fd < 0)
		return;
	memset(room, 0, sizeof(*room));
	room->head.cmsg_len = CMSG_LEN(sizeof(int));
	room->head.cmsg_level = SOL_SOCKET;
	room->head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&room->head), &fd, sizeof(int));
	ct_rights_room(m, room);
}

/* The descriptor that came along, the caller's; -1: none. */
static inline int ct_rights_take(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

#endif
