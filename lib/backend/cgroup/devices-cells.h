/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device policy without order, from which both versions' forms are made. A cell is one device, or
 * all devices of a major or a minor number that have no cells of their own. A device's narrowest
 * cell alone decides what is allowed.
 */
#ifndef CT_BACKEND_CGROUP_DEVICES_CELLS_H
#define CT_BACKEND_CGROUP_DEVICES_CELLS_H

#include "backend/cgroup/devices.h"

#define CT_DEV_ALL (CT_DEV_READ | CT_DEV_WRITE | CT_DEV_MKNOD)
/* so that a program stays far below what the kernel's verifier takes */
#define CT_DEV_RULES_MAX 4000u
#define CT_DEV_CELLS_MAX 6500u /* of one type; a jump of a program reaches across all of them */

struct ct_dev_cell {
	int64_t major, minor; /* or CT_DEV_ANY */
	char type;	      /* 'c' or 'b' */
	uint8_t allowed;      /* CT_DEV_* */
};
struct ct_dev_cells {
	struct ct_dev_cell *v;
	uint32_t n;
};

/* The access (CT_DEV_*) that the policy allows to a device. CT_DEV_ANY stands for a number that no
 * rule names. */
uint8_t ct_dev_decide(const struct ct_dev_list *l, char type, int64_t major, int64_t minor);
/* The cells of one type, sorted by major number and then by minor number, CT_DEV_ANY behind the
 * others: the last one is that of all devices. They belong to the arena. -E2BIG for too many rules,
 * or -ENOMEM, recorded. */
int ct_dev_cells(const struct ct_dev_list *l, char type, struct ct_arena *a,
		 struct ct_dev_cells *out, struct ct_err *e);

#endif
