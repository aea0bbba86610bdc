/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes that a process inherits from its parent, and that a payload gets at their defaults. */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"

#define TIMER_SLACK_NS 50000 /* the kernel's default */
#define NICE_ZERO 20	     /* the system call getpriority(2) returns 20 - nice */

/* "-5" as a number; 0 or a negative errno. */
static int parse_nice(const char *s, int32_t *nice)
{
	uint64_t v = 0;
	int err = str_u64(s + (*s == '-'), 20, &v);

	*nice = (int32_t)v;
	if (*s == '-')
		*nice = -*nice;
	return err;
}

/* SCHED_OTHER with this nice value, nothing reset on fork, no clamps, the default slice. 0
 * or a negative errno. */
static int set_sched(int32_t nice)
{
	struct k_sched_attr attr = { .size = sizeof(attr),
				     .flags = K_SCHED_FLAG_UTIL_CLAMP,
				     .nice = nice,
				     .util_min = ~0u,
				     .util_max = ~0u };
	int err = (int)sys3(SYS_sched_setattr, 0, &attr, 0);

	if (err != -EOPNOTSUPP && err != -EINVAL && err != -E2BIG)
		return err;
	/* a kernel without clamps */
	attr.size = K_SCHED_ATTR_SIZE_VER0;
	attr.flags = 0;
	attr.util_min = attr.util_max = 0;
	return (int)sys3(SYS_sched_setattr, 0, &attr, 0);
}

static int is_refused(int err)
{
	return err == -EPERM || err == -EACCES;
}

/* How the payload is scheduled. A lower nice value, and leaving SCHED_IDLE, need CAP_SYS_NICE: a
 * best-effort step keeps the caller's then, which is never better than the default. */
int step_sched(struct stage *st, const struct ct_wire_step *s)
{
	const char *text = step_str(st, s, 0);
	int32_t nice = 0;
	int err = parse_nice(text, &nice);

	if (err)
		return report_error(st, err, 0, text, "a nice value is a number from -20 to 19");
	err = set_sched(nice);
	if (err && step_optional(s))
		err = set_sched(NICE_ZERO - (int32_t)sys2(SYS_getpriority, 0, 0));
	if (is_refused(err) && !step_optional(s))
		return report_error(st, err, SYS_sched_setattr, text, "it needs CAP_SYS_NICE");
	if (err && !is_refused(err))
		return step_fail(st, err, SYS_sched_setattr, text);
	/* setting it, even to none, makes a record that each fork and exit has to look after */
	if (sys2(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0) != 0)
		sys3(SYS_ioprio_set, 1, 0, 0);
	err = sys_prctl(K_PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0);
	return step_result(st, err, SYS_prctl, "PR_SET_TIMERSLACK");
}

/* Clears the secure bits, with some of which a change of user drops no capability; enables huge
 * pages as the host has them; disables merging of the memory with that of other processes. */
int step_defaults(struct stage *st, const struct ct_wire_step *s)
{
	int err = sys_prctl(K_PR_GET_SECUREBITS, 0, 0, 0);

	(void)s;
	if (err > 0)
		err = sys_prctl(K_PR_SET_SECUREBITS, 0, 0, 0);
	if (err < 0)
		return report_error(st, err, SYS_prctl, "PR_SET_SECUREBITS",
				    "the caller's secure bits are locked, or clearing them needs "
				    "CAP_SETPCAP: start it without them");
	if (sys_prctl(K_PR_GET_THP_DISABLE, 0, 0, 0) > 0)
		sys_prctl(K_PR_SET_THP_DISABLE, 0, 0, 0);
	if (sys_prctl(K_PR_GET_MEMORY_MERGE, 0, 0, 0) > 0)
		sys_prctl(K_PR_SET_MEMORY_MERGE, 0, 0, 0);
	return 0;
}

/* The umask that the payload begins with. */
int step_umask(struct stage *st, const struct ct_wire_step *s)
{
	st->umask = (uint32_t)s->n[0];
	return 0;
}

/* Restores the caller's inheritable and ambient capabilities, which the library raised so that the
 * stage keeps the permitted ones over its exec. 0 or a negative errno. */
int caps_restore(uint64_t inheritable, uint64_t ambient)
{
	struct k_cap_header head = { .version = K_CAP_VERSION_3 };
	struct k_cap_data data[2];
	int err = (int)sys2(SYS_capget, &head, data);

	for (unsigned long cap = 0; cap < 64; cap++)
		if (!(ambient & (uint64_t)1 << cap))
			sys_prctl(K_PR_CAP_AMBIENT, K_PR_CAP_AMBIENT_LOWER, cap, 0);
	for (int i = 0; i < 2; i++)
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	if (err)
		return err;
	return (int)sys2(SYS_capset, &head, data);
}
