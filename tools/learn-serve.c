/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lets each call go on that a listener tells of, and notes which it was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include "learn.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

#define NUMBERS 8192 /* those of all architectures are below, without x32's bit */
#define X32_BIT 0x40000000u
#define ARCHS_MAX 4 /* that one machine runs */

struct learn_seen {
	struct learn_profile *p;
	struct {
		bool used;
		unsigned arch;
		/* by number: 0: not seen; 1: seen, and no capability goes with it; else 1 more than
		 * learn_cap_row() */
		uint8_t row[NUMBERS];
	} of[ARCHS_MAX];
	bool failed; /* memory was missing: a call may be missing */
};

struct learn_seen *learn_seen_new(struct learn_profile *p)
{
	struct learn_seen *s = calloc(1, sizeof(*s));

	if (s)
		s->p = p;
	return s;
}

bool learn_seen_failed(const struct learn_seen *s)
{
	return s->failed;
}

/* The numbers of an architecture; NULL: this kernel has more of them than any machine runs. */
static uint8_t *rows_of(struct learn_seen *s, unsigned arch)
{
	for (size_t i = 0; i < ARCHS_MAX; i++) {
		if (s->of[i].used && s->of[i].arch != arch)
			continue;
		s->of[i].used = true;
		s->of[i].arch = arch;
		return s->of[i].row;
	}
	return NULL;
}

static void note(struct learn_seen *s, const ct_notify *call, int fd)
{
	unsigned nr = (unsigned)call->nr & ~X32_BIT;
	int arch = learn_arch_of(call->arch, call->nr);
	uint8_t *row = NULL;

	if (arch >= 0)
		row = rows_of(s, (unsigned)arch);
	if (!row)
		return;
	if (nr >= NUMBERS || !*call->call) {
		learn_add_unnamed(s->p, (unsigned)arch, call->nr);
		return;
	}
	if (!row[nr]) {
		if (learn_add(s->p, (unsigned)arch, call->call, strlen(call->call)) < 0)
			s->failed = true;
		row[nr] = (uint8_t)(1 + learn_cap_row(call->call));
	}
	if (row[nr] > 1)
		learn_cap_use(s->p, row[nr] - 1u, call, fd);
}

void learn_hurry(int fd)
{
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int learn_serve(struct learn_seen *s, int fd, unsigned most)
{
	ct_notify call = CT_NOTIFY_INIT;

	for (unsigned i = 0; i < most; i++) {
		int err = ct_notify_receive(fd, &call);

		if (err == -EAGAIN)
			return 0;
		if (err < 0)
			return err;
		note(s, &call, fd);
		ct_notify_continue(fd, &call); /* it may have been killed meanwhile */
	}
	return 0;
}
