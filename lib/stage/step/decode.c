/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks the whole message as hostile input. The rest of the stage trusts every offset, slot,
 * count, list and op of a message that passed. No system calls: it is also compiled for the host,
 * where it is tested and fuzzed.
 */
#include <errno.h>
#include <string.h>

#include "stage/stage.h"

/* Bytes of lists that are read in one message. Lists may overlap, so the size of the pool does not
 * bound them. */
#define LIST_BUDGET (64u << 20)

/* A plan without one of these would leave the stage's descriptors to its program, or report
 * nothing. */
#define CT_END(op) (1u << (CT_OP_##op - CT_OP_FDS))
#define ALL_ENDS (CT_END(CLOSE) | CT_END(LIMITS) | CT_END(READY) | CT_END(EXEC))
#define NAMESPACE_FLAGS CT_CLONE_ALL
#define ALL_FLAGS                                                                              \
	(CT_SF_OPTIONAL | CT_SF_CREATE_DIR | CT_SF_CREATE_FILE | CT_SF_CREATE | CT_SF_STRICT | \
	 CT_SF_RECURSIVE | CT_SF_READ_BACK | CT_SF_ENV_PATH)

struct decoder {
	const struct ct_wire_head *head;
	const char *pool;
	uint32_t list_budget;
	unsigned clones;
	uint16_t end;			     /* the last of those from CT_OP_FDS on */
	uint32_t ends;			     /* all of them, as CT_END() */
	uint8_t phase;			     /* of the step before */
	unsigned char filled[CT_WIRE_SLOTS]; /* inputs, and what a step before has written */
};

const char *const stage_schemas[CT_OP_COUNT] = {
#define CT_STEP(op, function, phases, name, schema, calls) [CT_OP_##op] = schema,
#include "wire/steps.def"
};

/* The phases that a step may stand in. */
static const uint32_t phases_of[CT_OP_COUNT] = {
#define CT_STEP(op, function, phases, name, schema, calls) [CT_OP_##op] = phases,
#include "wire/steps.def"
};

/* Bounds of a step's number, where not every 64-bit value makes sense. */
struct bound {
	uint8_t op, i;
	uint64_t max;
};
static const struct bound bounds[] = {
	{ CT_OP_UNSHARE, 0, NAMESPACE_FLAGS },
	{ CT_OP_SETNS, 0, NAMESPACE_FLAGS },
	{ CT_OP_CLONE, 0, NAMESPACE_FLAGS },
	{ CT_OP_NS_SEND, 0, NAMESPACE_FLAGS },
	{ CT_OP_CGROUP_LIFT, 0, 2 },
	{ CT_OP_PRLIMIT, 0, 63 },
	{ CT_OP_MKDIR, 0, 07777 },
	{ CT_OP_MKNOD, 0, 0177777 },
	{ CT_OP_MKNOD, 1, 0xfff },
	{ CT_OP_MKNOD, 2, 0xfffff },
	{ CT_OP_TOUCH, 0, 07777 },
	{ CT_OP_PTY_NEW, 0, 0xffff },
	{ CT_OP_PTY_NEW, 1, 0xffff },
	{ CT_OP_PTY_NEW, 2, STAGE_NO_ID - 1 },
	{ CT_OP_PTY_NEW, 3, STAGE_NO_ID - 1 },
	{ CT_OP_SEND_FD, 0, 0x7fffffff },
	{ CT_OP_SEND_FD, 1, 0x7fffffff },
	{ CT_OP_STDIO, 0, 1 },
	{ CT_OP_LOOKUP_USER, 0, 1 },
	{ CT_OP_PDEATHSIG, 0, 64 },
	{ CT_OP_UMASK, 0, 0777 },
	{ CT_OP_SCHED_CORE, 0, 0x7fffffff },
	{ CT_OP_HOOK, 0, 0x7fffffff },
	{ CT_OP_LABEL, 0, 1 },
	{ CT_OP_REAPER, 0, 1 },
};

static int check_slot(const struct decoder *d, int16_t slot)
{
	if (slot == CT_SLOT_NONE)
		return 0;
	if (slot < 0 || (uint32_t)slot >= d->head->n_slots)
		return -EBADMSG;
	return 0;
}

/* A slot that is read: filled by now, or CT_SLOT_NONE where the schema says it may be. */
static int check_read(const struct decoder *d, int16_t slot, int optional)
{
	if (slot == CT_SLOT_NONE && optional)
		return 0;
	if (slot == CT_SLOT_NONE || !d->filled[slot])
		return -EBADMSG;
	return 0;
}

/* A slot that is written: not one of the caller's. */
static int check_written(struct decoder *d, int16_t slot)
{
	if (slot == CT_SLOT_NONE || (uint32_t)slot < d->head->n_inputs)
		return -EBADMSG;
	d->filled[slot] = 1;
	return 0;
}

/* A list of strings: all of them end before the pool does. */
static int check_list(struct decoder *d, uint32_t offset, uint64_t count)
{
	const char *p = d->pool + offset, *end = d->pool + d->head->pool;

	if (count > CT_WIRE_STRINGS)
		return -E2BIG;
	for (; count; count--) {
		const char *nul;

		if (p >= end)
			return -EBADMSG;
		nul = memchr(p, '\0', (size_t)(end - p));
		if (!nul)
			return -EBADMSG;
		if ((size_t)(nul + 1 - p) > d->list_budget)
			return -E2BIG;
		d->list_budget -= (uint32_t)(nul + 1 - p);
		p = nul + 1;
	}
	return 0;
}

/* One field of the schema ("a", "s0", "l1", ...), optional or not. */
static int check_field(struct decoder *d, const struct ct_wire_step *s, char kind, unsigned i,
		       int optional)
{
	switch (kind) {
	case 'a':
		return check_read(d, s->a, optional);
	case 'b':
		return check_read(d, s->b, optional);
	case 'o':
		return check_written(d, s->o);
	case 'p':
		return check_written(d, s->p);
	case 'l':
	case 'e':
		return check_list(d, s->s[2 + i], s->n[2 + i]);
	default:
		return 0;
	}
}

/* All fields that the op's schema names. */
static int check_schema(struct decoder *d, const struct ct_wire_step *s)
{
	for (const char *p = stage_schemas[s->op]; *p;) {
		char kind = *p++;
		unsigned i = 0;
		int err;

		if (*p >= '0' && *p <= '3')
			i = (unsigned)(*p - '0');
		p += strcspn(p, " ?|");
		err = check_field(d, s, kind, i & 1, *p == '?' || *p == '|');
		if (err)
			return err;
		p += strspn(p, " ?|");
	}
	return 0;
}

/* The bound of namespace flags is a mask. */
static int is_within(const struct bound *b, uint64_t number)
{
	if (b->max == NAMESPACE_FLAGS)
		return !(number & ~b->max);
	return number <= b->max;
}

static int check_numbers(const struct ct_wire_step *s)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct bound *b = &bounds[i];

		if (b->op == s->op && !is_within(b, s->n[b->i]))
			return -EBADMSG;
	}
	if (s->op == CT_OP_IDS)
		for (int i = 0; i < 2; i++)
			if (s->n[i] > STAGE_NO_ID && s->n[i] != UINT64_MAX)
				return -EBADMSG;
	return 0;
}

/* The steps that end a start: none twice, in the order of their rows. The exec is the last. */
static int check_end(struct decoder *d, const struct ct_wire_step *s)
{
	if (s->phase > CT_PHASE_EXEC)
		return 0;
	if (d->end == CT_OP_EXEC)
		return -EBADMSG;
	if (s->op < CT_OP_FDS)
		return 0;
	if (s->op <= d->end)
		return -EBADMSG;
	d->end = s->op;
	d->ends |= 1u << (s->op - CT_OP_FDS);
	return 0;
}

/* Phases come in their order; one clone is the last step of the launcher's phases before init's. */
static int check_order(struct decoder *d, const struct ct_wire_step *s)
{
	if (s->phase < d->phase || s->phase >= CT_PHASE_COUNT)
		return -EBADMSG;
	if ((d->clones > 0) != (s->phase > CT_PHASE_SPAWN))
		return -EBADMSG;
	/* steps of the phase SETUP are the caller's */
	if (!(phases_of[s->op] & ~CT_AT(SETUP) & 1u << s->phase))
		return -EBADMSG;
	d->phase = s->phase;
	d->clones += s->op == CT_OP_CLONE;
	return check_end(d, s);
}

/* Checks that are the same for every op: its number, its slots, its strings' offsets. */
static int check_common(const struct decoder *d, const struct ct_wire_step *s)
{
	if (s->op == CT_OP_NONE || s->op >= CT_OP_COUNT || (s->flags & ~ALL_FLAGS))
		return -EBADMSG;
	if (check_slot(d, s->a) || check_slot(d, s->b) || check_slot(d, s->o) ||
	    check_slot(d, s->p))
		return -EBADMSG;
	for (int i = 0; i < 4; i++)
		if (s->s[i] >= d->head->pool)
			return -EBADMSG;
	return 0;
}

static int check_step(struct decoder *d, const struct ct_wire_step *s)
{
	int err = check_common(d, s);

	if (!err)
		err = check_order(d, s);
	if (!err)
		err = check_schema(d, s);
	if (!err)
		err = check_numbers(s);
	return err;
}

/* A step of mode HOOKS, where there is no container: a hook in any phase. */
static int check_lone_hook(struct decoder *d, const struct ct_wire_step *s)
{
	int err;

	if (s->op != CT_OP_HOOK)
		return -EBADMSG;
	err = check_common(d, s);
	if (!err)
		err = check_schema(d, s);
	if (!err)
		err = check_numbers(s);
	return err;
}

static int check_super(const struct decoder *d, const struct ct_wire_super *u)
{
	const int16_t slots[] = { u->state_dir,	      u->alive,		 u->console_log,
				  u->console_log_dir, u->home,		 u->watch,
				  u->console,	      u->console_device, u->log };

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i] != CT_SLOT_NONE &&
		    (slots[i] < 0 || (uint32_t)slots[i] >= d->head->n_inputs))
			return -EBADMSG;
	if (u->name >= d->head->pool || u->console_log_path >= d->head->pool ||
	    u->n_groups > CT_WIRE_GROUPS)
		return -EBADMSG;
	for (uint32_t i = 0; i < u->n_groups; i++) {
		const struct ct_wire_group *g = &u->group[i];

		if (g->inner != CT_SLOT_NONE &&
		    (g->inner < 0 || (uint32_t)g->inner >= d->head->n_inputs))
			return -EBADMSG;
		if (g->dir < 0 || (uint32_t)g->dir >= d->head->n_inputs ||
		    g->path >= d->head->pool || g->version < 1 || g->version > 2)
			return -EBADMSG;
	}
	if (u->signal_halt > 64 || u->signal_stop > 64 || u->signal_reboot > 64 || u->pdeath > 64)
		return -EBADMSG;
	if (u->n_ttys > CT_WIRE_SLOTS)
		return -EBADMSG;
	if (!memchr(u->boot_id, '\0', sizeof(u->boot_id)))
		return -EBADMSG;
	return 0;
}

/* The header, and that the parts fill the message exactly. */
static int check_head(const struct ct_wire_head *h, size_t len)
{
	uint64_t want, super = 0;

	if (h->magic != CT_WIRE_MAGIC || h->version != CT_WIRE_VERSION)
		return -EPROTO;
	if (h->n_steps > CT_WIRE_MAX_STEPS || h->n_slots > CT_WIRE_SLOTS ||
	    h->n_inputs > h->n_slots || h->n_inputs > CT_WIRE_INPUTS)
		return -E2BIG;
	if (h->mode < CT_MODE_RUN || h->mode > CT_MODE_HOOKS)
		return -EBADMSG;
	if (h->mode == CT_MODE_SUPERVISE)
		super = sizeof(struct ct_wire_super);
	if (h->super != super)
		return -EBADMSG;
	want = sizeof(*h) + (uint64_t)h->n_steps * sizeof(struct ct_wire_step) + h->super + h->pool;
	if (!h->pool || want != len || h->total != len)
		return -EBADMSG;
	return 0;
}

static int check_steps(struct decoder *d, struct stage *st)
{
	for (uint32_t i = 0; i < d->head->n_steps; i++) {
		int err;

		st->current = (uint16_t)i;
		if (d->head->mode == CT_MODE_HOOKS)
			err = check_lone_hook(d, &st->steps[i]);
		else
			err = check_step(d, &st->steps[i]);
		if (err)
			return err;
	}
	st->current = CT_STEP_NONE;
	if (d->head->mode == CT_MODE_HOOKS)
		return 0;
	/* nobody else carries them out */
	if (d->phase > CT_PHASE_EXEC && !st->super)
		return -EBADMSG;
	if (d->clones != 1 || (d->ends & ALL_ENDS) != ALL_ENDS)
		return -EBADMSG;
	return 0;
}

/* Checks a whole message and points *st into it. 0, -EPROTO (another magic or version), -E2BIG or
 * -EBADMSG; st->current is then the step that is wrong, or CT_STEP_NONE. */
int stage_decode(const void *msg, size_t len, struct stage *st)
{
	struct decoder d;
	int err;

	st->current = CT_STEP_NONE;
	if (len < sizeof(struct ct_wire_head) || (uintptr_t)msg % 8)
		return -EBADMSG;
	if (len > CT_WIRE_MAX)
		return -E2BIG;
	memset(&d, 0, offsetof(struct decoder, filled));
	d.head = msg;
	err = check_head(d.head, len);
	if (err)
		return err;
	memset(d.filled, 0, d.head->n_slots);
	st->head = d.head;
	st->steps = (const void *)(d.head + 1);
	st->super = NULL;
	if (d.head->super)
		st->super = (const void *)(st->steps + d.head->n_steps);
	st->pool = (const char *)(st->steps + d.head->n_steps) + d.head->super;
	if (st->pool[0] || st->pool[d.head->pool - 1])
		return -EBADMSG;
	d.pool = st->pool;
	d.list_budget = LIST_BUDGET;
	memset(d.filled, 1, d.head->n_inputs);
	if (st->super) {
		err = check_super(&d, st->super);
		if (err)
			return err;
	}
	err = check_steps(&d, st);
	if (err)
		return err;
	/* the phases are in their order: those of the supervisor come last */
	for (st->n_steps = d.head->n_steps; st->n_steps > 0; st->n_steps--)
		if (d.head->mode != CT_MODE_HOOKS &&
		    st->steps[st->n_steps - 1].phase <= CT_PHASE_EXEC)
			break;
	st->n_last = d.head->n_steps - st->n_steps;
	return 0;
}
