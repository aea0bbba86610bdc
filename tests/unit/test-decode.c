/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage's decoder: right messages, each way to be wrong, every byte changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message.h"

#define WHOLE 16 /* steps of message_whole(); the last is the exec */

static struct message m;
static struct stage st;

static int decode(void)
{
	message_encode(&m);
	memset(&st, 0, sizeof(st));
	return stage_decode(m.out, m.len, &st);
}

/* Encoded as it stands, then a header field is overwritten. */
static int decode_with(size_t field, uint32_t value)
{
	message_encode(&m);
	memcpy((char *)m.out + field, &value, sizeof(value));
	memset(&st, 0, sizeof(st));
	return stage_decode(m.out, m.len, &st);
}

static void test_good(void **state)
{
	(void)state;
	message_whole(&m);
	assert_int_equal(decode(), 0);
	assert_int_equal(st.n_steps, WHOLE);
	assert_int_equal(st.n_last, 0);
	assert_null(st.super);
	assert_string_equal(step_str(&st, &st.steps[3], 1), "0 100000 65536\n");
	assert_int_equal(step_list_n(&st.steps[WHOLE - 1], 0), 3);
	assert_string_equal(step_list(&st, &st.steps[WHOLE - 1], 0), "sh");
	assert_true(message_walk(&st) > 0);
}

static void test_good_super(void **state)
{
	(void)state;
	message_super(&m);
	assert_int_equal(decode(), 0);
	assert_int_equal(st.n_steps, WHOLE);
	assert_int_equal(st.n_last, 1);
	assert_string_equal(pool_str(&st, st.super->name), "box");
	message_walk(&st);
}

/* Steps after the end: a supervisor's alone, behind the exec, of the ops that may stand there. */
static void test_last_phases(void **state)
{
	static const struct {
		uint16_t op;
		uint8_t phase;
		int16_t slot;
		int want;
	} rows[] = { { CT_OP_CGROUP_REMOVE, CT_PHASE_END, 0, 0 },
		     { CT_OP_CGROUP_REMOVE, CT_PHASE_STOP, 0, -EBADMSG },
		     { CT_OP_CGROUP_REMOVE, CT_PHASE_END, 9, -EBADMSG },
		     { CT_OP_CGROUP_REMOVE, CT_PHASE_END, CT_SLOT_NONE, -EBADMSG },
		     { CT_OP_HOOK, CT_PHASE_STOP, CT_SLOT_NONE, 0 },
		     { CT_OP_WRITE, CT_PHASE_END, CT_SLOT_NONE, -EBADMSG },
		     { CT_OP_EXEC, CT_PHASE_END, CT_SLOT_NONE, -EBADMSG } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message_whole(&m);
		message_supervise(&m);
		message_step(&m, rows[i].phase, rows[i].op)->a = rows[i].slot;
		assert_int_equal(decode(), rows[i].want);
		if (!rows[i].want) {
			assert_int_equal(st.n_steps, WHOLE);
			assert_int_equal(st.n_last, 1);
		}
		/* in process there is nobody to carry it out */
		m.head.mode = CT_MODE_RUN;
		assert_int_equal(decode(), -EBADMSG);
	}
}

static const struct {
	size_t field;
	uint32_t value;
	int err;
} headers[] = {
	{ offsetof(struct ct_wire_head, magic), 0, -EPROTO },
	{ offsetof(struct ct_wire_head, version), CT_WIRE_VERSION + 1, -EPROTO },
	{ offsetof(struct ct_wire_head, total), 0, -EBADMSG },
	{ offsetof(struct ct_wire_head, total), 0xffffffffu, -EBADMSG },
	{ offsetof(struct ct_wire_head, mode), 0, -EBADMSG },
	{ offsetof(struct ct_wire_head, mode), 3, -EBADMSG },
	{ offsetof(struct ct_wire_head, mode), CT_MODE_SUPERVISE, -EBADMSG },
	{ offsetof(struct ct_wire_head, n_steps), 0, -EBADMSG },
	{ offsetof(struct ct_wire_head, n_steps), WHOLE + 1, -EBADMSG },
	{ offsetof(struct ct_wire_head, n_steps), CT_WIRE_MAX_STEPS + 1, -E2BIG },
	{ offsetof(struct ct_wire_head, n_steps), 0xffffffffu, -E2BIG },
	{ offsetof(struct ct_wire_head, n_inputs), 7, -E2BIG },
	{ offsetof(struct ct_wire_head, n_inputs), 0, -EBADMSG },
	{ offsetof(struct ct_wire_head, n_slots), CT_WIRE_SLOTS + 1, -E2BIG },
	{ offsetof(struct ct_wire_head, n_slots), 2, -EBADMSG },
	{ offsetof(struct ct_wire_head, pool), 0, -EBADMSG },
	{ offsetof(struct ct_wire_head, pool), 0xffffffffu, -EBADMSG },
	{ offsetof(struct ct_wire_head, super), sizeof(struct ct_wire_super), -EBADMSG },
};

static void test_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		message_whole(&m);
		assert_int_equal(decode_with(headers[i].field, headers[i].value), headers[i].err);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	message_whole(&m);
	message_encode(&m);
	for (size_t len = 0; len < m.len; len++)
		assert_true(stage_decode(m.out, len, &st) < 0);
	assert_int_equal(stage_decode(m.out, m.len + 1, &st), -EBADMSG);
	assert_int_equal(stage_decode((char *)m.out + 1, m.len - 1, &st), -EBADMSG);
	assert_int_equal(stage_decode(m.out, CT_WIRE_MAX + 1u, &st), -E2BIG);
}

static void test_pool(void **state)
{
	(void)state;
	message_whole(&m);
	message_encode(&m);
	((char *)m.out)[m.len - 1] = 'x';
	assert_int_equal(stage_decode(m.out, m.len, &st), -EBADMSG);
	message_whole(&m);
	m.pool[0] = 'x';
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m);
	m.steps[0].s[3] = m.n_pool + 1;
	assert_int_equal(decode(), -EBADMSG);
	assert_int_equal(st.current, 0);
	message_whole(&m);
	m.steps[3].s[0] = 0xffffffffu;
	assert_int_equal(decode(), -EBADMSG);
	assert_int_equal(st.current, 3);
}

static void test_lists(void **state)
{
	(void)state;
	/* as many strings as there are bytes to the end is still fine, one more is not */
	message_whole(&m);
	m.steps[WHOLE - 1].n[3] = m.n_pool + 1 - m.steps[WHOLE - 1].s[3] - 11;
	assert_int_equal(decode(), 0);
	message_walk(&st);
	message_whole(&m);
	m.steps[WHOLE - 1].n[3] = m.n_pool + 1 - m.steps[WHOLE - 1].s[3];
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m);
	m.steps[WHOLE - 1].n[2] = CT_WIRE_STRINGS + 1u;
	assert_int_equal(decode(), -E2BIG);
	message_whole(&m);
	m.steps[WHOLE - 1].n[2] = UINT64_MAX;
	assert_int_equal(decode(), -E2BIG);
}

static void test_slots(void **state)
{
	static const struct {
		int step;
		size_t field;
		int16_t value;
	} rows[] = {
		{ 0, offsetof(struct ct_wire_step, o), 6 }, /* no such slot */
		{ 0, offsetof(struct ct_wire_step, o), -2 },
		{ 0, offsetof(struct ct_wire_step, o), -1 }, /* must be written */
		{ 0, offsetof(struct ct_wire_step, o), 1 },  /* an input */
		{ 0, offsetof(struct ct_wire_step, a), 3 },  /* read before it is written */
		{ 4, offsetof(struct ct_wire_step, a), -1 }, /* must be read */
		/* not used, and still no slot */
		{ 4, offsetof(struct ct_wire_step, b), INT16_MAX },
		{ 6, offsetof(struct ct_wire_step, b), INT16_MIN },
		{ 7, offsetof(struct ct_wire_step, p), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message_whole(&m);
		memcpy((char *)&m.steps[rows[i].step] + rows[i].field, &rows[i].value,
		       sizeof(int16_t));
		assert_int_equal(decode(), -EBADMSG);
		assert_int_equal(st.current, rows[i].step);
	}
	/* one that may be left out */
	message_whole(&m);
	m.steps[7].a = CT_SLOT_NONE;
	assert_int_equal(decode(), 0);
}

static void test_phases(void **state)
{
	(void)state;
	/* the launcher runs hooks for an init that waits, and nothing else; namespaces
	 * are sent early */
	for (int i = 0; i < 4; i++) {
		static const struct {
			uint8_t phase;
			uint16_t op;
			int err;
		} rows[] = { { CT_PHASE_READY, CT_OP_HOOK, 0 },
			     { CT_PHASE_READY, CT_OP_SETSID, -EBADMSG },
			     { CT_PHASE_NEW, CT_OP_NS_SEND, 0 },
			     { CT_PHASE_ROOT, CT_OP_NS_SEND, -EBADMSG } };

		message_init(&m, 0, 0);
		message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
		message_step(&m, rows[i].phase, rows[i].op);
		message_exec(&m);
		assert_int_equal(decode(), rows[i].err);
	}
}

static void test_order(void **state)
{
	(void)state;
	message_whole(&m); /* backwards */
	m.steps[5].phase = CT_PHASE_ROOT - 1;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m);
	m.steps[0].phase = 0;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m);
	m.steps[WHOLE - 1].phase = CT_PHASE_COUNT;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* no clone */
	m.steps[2].op = CT_OP_UNSHARE;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* two */
	m.steps[3].op = CT_OP_CLONE;
	m.steps[3].phase = CT_PHASE_SPAWN;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* a map for nobody */
	m.steps[3].phase = CT_PHASE_NEW;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* a pump for an init that is there already */
	m.steps[3].op = CT_OP_OUTPUT_PUMP;
	m.steps[3].a = 0;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* ... and in its place */
	m.steps[1].op = CT_OP_OUTPUT_PUMP;
	m.steps[1].phase = CT_PHASE_SPAWN;
	m.steps[1].a = 0;
	assert_int_equal(decode(), 0);
	message_whole(&m); /* something after the exec */
	message_step(&m, CT_PHASE_EXEC, CT_OP_SIGNALS);
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* no exec */
	m.head.n_steps--;
	assert_int_equal(decode(), -EBADMSG);
	assert_int_equal(st.current, CT_STEP_NONE);
}

/* One step in a phase of a plan that has nothing else. */
static int decode_in(uint8_t phase, uint16_t op)
{
	struct ct_wire_step *s;

	message_init(&m, 2, 4);
	message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
	message_exec(&m);
	s = message_insert(&m, phase, op);
	s->a = 0;
	s->b = 1;
	s->o = 2;
	s->p = 3;
	return decode();
}

/* Who carries out what: a step in the phase of another actor is refused. */
static void test_actors(void **state)
{
	static const struct {
		uint16_t op;
		uint8_t phase;
		int err;
	} rows[] = {
		{ CT_OP_TREE_CLONE, CT_PHASE_HOST, 0 },
		{ CT_OP_TREE_CLONE, CT_PHASE_MOUNT, 0 },
		{ CT_OP_TREE_CLONE, CT_PHASE_ENTER, -EBADMSG },
		{ CT_OP_OPEN, CT_PHASE_SPAWN, 0 },
		{ CT_OP_OPEN, CT_PHASE_MOUNT, -EBADMSG },
		{ CT_OP_PIVOT, CT_PHASE_PIVOT, 0 },
		{ CT_OP_PIVOT, CT_PHASE_HOST, -EBADMSG },
		{ CT_OP_MASK, CT_PHASE_MASK, 0 },
		{ CT_OP_MASK, CT_PHASE_SPAWN, -EBADMSG },
		{ CT_OP_MASK, CT_PHASE_READY, -EBADMSG },
		{ CT_OP_CAPS, CT_PHASE_IDENTITY, 0 },
		{ CT_OP_CAPS, CT_PHASE_MASK, -EBADMSG },
		{ CT_OP_CAPS, CT_PHASE_HOST, -EBADMSG },
		{ CT_OP_CGROUP_REMOVE, CT_PHASE_EXEC, -EBADMSG },
		{ CT_OP_CGROUP_REMOVE, CT_PHASE_SETUP, -EBADMSG },
		{ CT_OP_HOOK, CT_PHASE_CONFINE, -EBADMSG },
		{ CT_OP_CGROUP_ENTER, CT_PHASE_ENTER, 0 },
		{ CT_OP_CGROUP_ENTER, CT_PHASE_NEW, -EBADMSG },
		{ CT_OP_PRLIMIT, CT_PHASE_ENTER, 0 },
		{ CT_OP_PRLIMIT, CT_PHASE_NEW, -EBADMSG },
		{ CT_OP_CGROUP_MAKE, CT_PHASE_HOST, -EBADMSG },
		{ CT_OP_CGROUP_MAKE, CT_PHASE_SETUP, -EBADMSG },
		{ CT_OP_CGROUP_DEVICES, CT_PHASE_NEW, -EBADMSG },
		{ CT_OP_HOOK, CT_PHASE_READY, 0 },
		{ CT_OP_HOOK, CT_PHASE_EXEC, -EBADMSG },
		{ CT_OP_SIGNALS, CT_PHASE_CLOSE, 0 },
		{ CT_OP_SIGNALS, CT_PHASE_CONFINE, -EBADMSG },
		{ CT_OP_CAPS, CT_PHASE_CONFINE, 0 },
		{ CT_OP_SIGNALS, CT_PHASE_EXEC, -EBADMSG },
		{ CT_OP_FDS, CT_PHASE_EXEC, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(decode_in(rows[i].phase, rows[i].op), rows[i].err);
}

/* How a plan ends: all that it must have, once, in its order. */
static void test_end(void **state)
{
	enum { CLOSE = WHOLE - 4, LIMITS, READY, EXEC };

	(void)state;
	for (int i = CLOSE; i <= EXEC; i++) { /* another in the place of each */
		message_whole(&m);
		m.steps[i].op = i == READY ? CT_OP_EXEC : CT_OP_READY;
		if (i < READY)
			m.steps[i].op = CT_OP_SIGNALS;
		assert_int_equal(decode(), -EBADMSG);
	}
	message_whole(&m); /* a small init's child sees to the rest */
	m.steps[LIMITS].op = CT_OP_REAPER;
	m.steps[READY] = m.steps[LIMITS];
	m.steps[READY].op = CT_OP_LIMITS;
	m.head.n_steps = READY + 1;
	message_text(&m, CT_PHASE_EXEC, CT_OP_READY, "");
	message_text(&m, CT_PHASE_EXEC, CT_OP_EXEC, "sh");
	assert_int_equal(decode(), 0);
	m.steps[READY].op = CT_OP_REAPER; /* limits of the small init itself */
	m.steps[LIMITS].op = CT_OP_LIMITS;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m); /* descriptors to keep that are closed by then */
	m.steps[CLOSE].op = CT_OP_FDS;
	m.steps[CLOSE - 1].op = CT_OP_CLOSE;
	assert_int_equal(decode(), -EBADMSG);
}

static void test_values(void **state)
{
	static const struct {
		uint16_t op;
		int i;
		uint64_t good, bad;
	} rows[] = {
		{ CT_OP_PDEATHSIG, 0, 64, 65 },
		{ CT_OP_PRLIMIT, 0, 63, 64 },
		{ CT_OP_IDS, 0, UINT64_MAX, UINT64_MAX - 1 },
		{ CT_OP_IDS, 1, STAGE_NO_ID, 1ull << 32 },
		{ CT_OP_UNSHARE, 0, 0x20000, 0x20001 },
		{ CT_OP_NS_SEND, 0, 0x7e020080, 0x7e020081 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message_init(&m, 0, 0);
		message_step(&m, CT_PHASE_SPAWN, CT_OP_CLONE);
		message_step(&m, rows[i].op == CT_OP_PRLIMIT ? CT_PHASE_ENTER : CT_PHASE_NEW,
			     rows[i].op);
		m.steps[1].n[rows[i].i] = rows[i].good;
		message_exec(&m);
		assert_int_equal(decode(), 0);
		m.steps[1].n[rows[i].i] = rows[i].bad;
		assert_int_equal(decode(), -EBADMSG);
		assert_int_equal(st.current, 1);
	}
	message_whole(&m);
	m.steps[0].op = CT_OP_COUNT;
	assert_int_equal(decode(), -EBADMSG);
	message_whole(&m);
	m.steps[0].op = CT_OP_NONE;
	assert_int_equal(decode(), -EBADMSG);
}

static void test_super(void **state)
{
	(void)state;
	message_super(&m);
	m.super.state_dir = 2; /* not an input */
	assert_int_equal(decode(), -EBADMSG);
	message_super(&m);
	m.super.alive = -2;
	assert_int_equal(decode(), -EBADMSG);
	message_super(&m);
	m.super.name = m.n_pool + 1;
	assert_int_equal(decode(), -EBADMSG);
	message_super(&m);
	memset(m.super.boot_id, 'x', sizeof(m.super.boot_id));
	assert_int_equal(decode(), -EBADMSG);
	message_super(&m);
	m.super.signal_halt = 65;
	assert_int_equal(decode(), -EBADMSG);
	message_super(&m);
	m.super.n_ttys = 0xffffffffu;
	assert_int_equal(decode(), -EBADMSG);
}

/* Each byte of a right message changed in several ways: refused, or good and then safe to walk. The
 * message has exactly its size, so that a sanitizer sees a step too far. */
static void test_every_byte(void **state)
{
	static const unsigned char with[] = { 0x01, 0x80, 0xff, 0x7f, 0x10 };

	(void)state;
	message_super(&m);
	message_encode(&m);
	for (size_t i = 0; i < m.len; i++)
		for (size_t k = 0; k < sizeof(with); k++) {
			unsigned char *copy = malloc(m.len);

			assert_non_null(copy);
			memcpy(copy, m.out, m.len);
			copy[i] ^= with[k];
			if (stage_decode(copy, m.len, &st) == 0)
				message_walk(&st);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	    cmocka_unit_test(test_good_super),
		cmocka_unit_test(test_last_phases), cmocka_unit_test(test_header),
		cmocka_unit_test(test_sizes),	    cmocka_unit_test(test_pool),
		cmocka_unit_test(test_lists),	    cmocka_unit_test(test_slots),
		cmocka_unit_test(test_order),	    cmocka_unit_test(test_phases),
		cmocka_unit_test(test_values),	    cmocka_unit_test(test_super),
		cmocka_unit_test(test_actors),	    cmocka_unit_test(test_end),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
