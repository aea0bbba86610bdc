/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an op to the function that carries it out: one row each. */
#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "stage/steps.h"

static step_fn *const table[CT_OP_COUNT] = {
	[CT_OP_UNSHARE] = step_unshare,
	[CT_OP_SETNS] = step_setns,
	[CT_OP_SCHED] = step_sched,
	[CT_OP_TIME_OFFSET] = step_time_offset,
	[CT_OP_CLONE] = step_clone,
	[CT_OP_CGROUP_ENTER] = step_cgroup_enter,
	[CT_OP_CGROUP_LIFT] = step_cgroup_lift,
	[CT_OP_CGROUP_HOLD] = step_cgroup_hold,
	[CT_OP_ID_MAP] = step_id_map,
	[CT_OP_PROC_WRITE] = step_proc_write,
	[CT_OP_PRLIMIT] = step_prlimit,
	[CT_OP_NS_SEND] = step_ns_send,
	[CT_OP_LOOPBACK] = step_loopback,
	[CT_OP_SETSID] = step_setsid,
	[CT_OP_PROPAGATION] = step_propagation,
	[CT_OP_TREE_CLONE] = step_tree_clone,
	[CT_OP_FS_NEW] = step_fs_new,
	[CT_OP_SETATTR] = step_setattr,
	[CT_OP_ATTACH] = step_attach,
	[CT_OP_TARGETS] = step_targets,
	[CT_OP_STACK] = step_stack,
	[CT_OP_MASK] = step_mask,
	[CT_OP_READONLY] = step_readonly,
	[CT_OP_PIVOT] = step_pivot,
	[CT_OP_OPEN] = step_open,
	[CT_OP_MKDIR] = step_mkdir,
	[CT_OP_MKNOD] = step_mknod,
	[CT_OP_SYMLINK] = step_symlink,
	[CT_OP_TOUCH] = step_touch,
	[CT_OP_BOOT_ID] = step_boot_id,
	[CT_OP_WRITE] = step_write,
	[CT_OP_PTY_NEW] = step_pty_new,
	[CT_OP_PTY_BIND] = step_pty_bind,
	[CT_OP_SEND_FD] = step_send_fd,
	[CT_OP_STDIO] = step_stdio,
	[CT_OP_HOSTNAME] = step_hostname,
	[CT_OP_DOMAINNAME] = step_domainname,
	[CT_OP_KEYRING] = step_keyring,
	[CT_OP_DEFAULTS] = step_defaults,
	[CT_OP_PERSONALITY] = step_personality,
	[CT_OP_SCHED_CORE] = step_sched_core,
	[CT_OP_LOOKUP_USER] = step_lookup_user,
	[CT_OP_GROUPS] = step_groups,
	[CT_OP_BOUNDING] = step_bounding,
	[CT_OP_IDS] = step_ids,
	[CT_OP_CAPS] = step_caps,
	[CT_OP_NO_NEW_PRIVS] = step_no_new_privs,
	[CT_OP_PDEATHSIG] = step_pdeathsig,
	[CT_OP_UMASK] = step_umask,
	[CT_OP_SIGNALS] = step_signals,
	[CT_OP_CHDIR] = step_chdir,
	[CT_OP_HOOK] = step_hook,
	[CT_OP_FDS] = step_fds,
	[CT_OP_EXEC] = step_exec,
	[CT_OP_OUTPUT_PUMP] = step_output_pump,
};
/* A row for every row of steps.def but the caller's own: whoever adds one there comes by here. */
_Static_assert(CT_OP_CGROUP_SCOPE == 56 && CT_OP_COUNT == 62, "the table of steps has a row missing");

/* Puts fd into a slot; what was in it is closed. */
void step_fill(struct stage *st, int16_t slot, int fd)
{
	sys_close(st->slot[slot]);
	st->slot[slot] = fd;
}

static int empty(const struct stage *st, int16_t slot)
{
	return slot >= 0 && st->slot[slot] < 0;
}

static int run_traced(struct stage *st, const struct ct_wire_step *s)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	int err = table[s->op](st, s);

	if (!err)
		report_step(st, clock_ns(CLOCK_MONOTONIC) - began);
	return err;
}

/* Carries out step i. 0, or -1 when it failed and was reported. */
int step_run(struct stage *st, uint32_t i)
{
	const struct ct_wire_step *s = &st->steps[i];

	st->current = (uint16_t)i;
	/* of a terminal's two sources one is enough */
	if (s->op != CT_OP_PTY_NEW && (empty(st, s->a) || empty(st, s->b)))
		return step_optional(s) ? 0 : report_error(st, -ENOENT, 0, NULL, "what it works on was skipped by a step before");
	return st->head->flags & CT_WIRE_TRACE ? run_traced(st, s) : table[s->op](st, s);
}
