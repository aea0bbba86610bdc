/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks a request to the supervisor. */
#include <errno.h>
#include <string.h>

#include "stage/super/supervisor.h"

#define ALL_STATES                                                                     \
	(CT_STATE_STOPPED | CT_STATE_STARTING | CT_STATE_RUNNING | CT_STATE_STOPPING | \
	 CT_STATE_FROZEN | CT_STATE_ABORTING)
#define NONE 0u

/* For each type of request the greatest arg0 and arg1. */
static const struct {
	uint64_t arg0, arg1;
	uint8_t known, arg0_needed;
} takes[] = {
	[CT_CTL_STATUS] = { NONE, NONE, 1, 0 },
	[CT_CTL_KILL] = { 64, NONE, 1, 0 },
	[CT_CTL_STOP] = { SUP_STOP_ALL, CT_CTL_FOREVER, 1, 0 },
	[CT_CTL_REBOOT] = { NONE, CT_CTL_FOREVER, 1, 0 },
	[CT_CTL_WAIT] = { ALL_STATES, CT_CTL_FOREVER, 1, 1 },
	[CT_CTL_CONSOLE] = { CT_CTL_TTY_FREE, NONE, 1, 0 },
	[CT_CTL_CONSOLE_LOG] = { 1, NONE, 1, 0 },
	[CT_CTL_RESIZE] = { CT_CTL_TTY_FREE, UINT32_MAX, 1, 0 },
};

int ctl_decode(const void *p, size_t n, struct ct_ctl_request *rq)
{
	struct ct_ctl_request r;

	if (n != sizeof(r))
		return -EBADMSG;
	memcpy(&r, p, sizeof(r));
	if (r.magic != CT_CTL_MAGIC)
		return -EBADMSG;
	if (r.type >= sizeof(takes) / sizeof(takes[0]) || !takes[r.type].known)
		return -EOPNOTSUPP;
	if (r.arg0 > takes[r.type].arg0 || r.arg1 > takes[r.type].arg1 ||
	    (takes[r.type].arg0_needed && !r.arg0))
		return -EINVAL;
	if (r.type == CT_CTL_STOP && (r.arg0 & CT_STOP_KILL) && (r.arg0 & CT_STOP_NO_KILL))
		return -EINVAL;
	*rq = r;
	return 0;
}
