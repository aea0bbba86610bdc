/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times until which something is waited for. Timeouts are in milliseconds, a negative one is
 * without end. */
#ifndef CT_BASE_DEADLINE_H
#define CT_BASE_DEADLINE_H

#include <limits.h>
#include <stdint.h>

#include "base/sys.h"

#define CT_NEVER INT64_MAX /* the deadline of a wait without end */

/* The deadline of a timeout that begins now. */
static inline int64_t ct_deadline(int timeout_ms)
{
	if (timeout_ms < 0)
		return CT_NEVER;
	return ct_now_ms() + timeout_ms;
}

/* What is left, as poll(2) takes it: 0 when the deadline has passed, -1 for CT_NEVER. */
static inline int ct_left_ms(int64_t deadline)
{
	if (deadline == CT_NEVER)
		return -1;
	return ct_poll_ms(deadline - ct_now_ms(), INT_MAX);
}

/* The next pause of a loop that polls: twice as long, but at most `most`. */
static inline int ct_next_pause(int pause, int most)
{
	if (pause >= most / 2)
		return most;
	return pause * 2;
}

#endif
