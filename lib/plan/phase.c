/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of the phases, in one table: what each is called, who carries it out, in which namespaces. */
#include "plan/phase.h"

const struct ct_phase_row ct_phases[CT_PHASE_COUNT] = {
	[CT_PHASE_SETUP] = {"setup", "caller", "the caller's"},
	[CT_PHASE_HOST] = {"host", "launcher", "the caller's"},
	[CT_PHASE_SPAWN] = {"spawn", "launcher", "the caller's, then those joined or unshared"},
	[CT_PHASE_ENTER] = {"enter", "launcher", "the caller's, while init waits"},
	[CT_PHASE_NEW] = {"new", "init", "the container's, host files still in sight"},
	[CT_PHASE_ROOT] = {"root", "init", "the container's, host files still in sight"},
	[CT_PHASE_DEV] = {"dev", "init", "the container's, host files still in sight"},
	[CT_PHASE_MOUNT] = {"mount", "init", "the container's, host files still in sight"},
	[CT_PHASE_MASK] = {"mask", "init", "the container's, host files still in sight"},
	[CT_PHASE_PIVOT] = {"pivot", "init", "the container's"},
	[CT_PHASE_IDENTITY] = {"identity", "init", "the container's"},
	[CT_PHASE_READY] = {"ready", "launcher", "the caller's, while init, set up, waits"},
	[CT_PHASE_EXEC] = {"exec", "init", "the container's"},
};

const char *ct_phase_name(unsigned phase)
{
	return phase < CT_PHASE_COUNT && ct_phases[phase].name ? ct_phases[phase].name : "?";
}
