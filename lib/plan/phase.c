/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/phase.h"

static const char *const actors[] = {
	[CT_ACTOR_CALLER] = "caller",
	[CT_ACTOR_LAUNCHER] = "launcher",
	[CT_ACTOR_INIT] = "init",
	[CT_ACTOR_SUPERVISOR] = "supervisor",
};

static const struct {
	const char *name;
	enum ct_actor actor;
} phases[CT_PHASE_COUNT] = {
#define CT_PHASE(phase, actor, name) [CT_PHASE_##phase] = { name, CT_ACTOR_##actor },
#include "wire/phases.def"
};

const char *ct_phase_name(unsigned phase)
{
	return phase < CT_PHASE_COUNT ? phases[phase].name : "?";
}

const char *ct_phase_actor(unsigned phase)
{
	return phase < CT_PHASE_COUNT ? actors[phases[phase].actor] : "?";
}
