/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-rules.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

uint64_t dice_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned dice(uint64_t *state, unsigned n)
{
	return (unsigned)((dice_next(state) >> 16) % n);
}

/* One of the stock's numbers as text. */
static void random_number(uint64_t *seed, const int *of, char *buf, size_t size)
{
	unsigned n = 0;

	while (of[n] >= 0)
		n++;
	n = dice(seed, n + 1);
	if (of[n] < 0)
		snprintf(buf, size, "*");
	else
		snprintf(buf, size, "%d", of[n]);
}

void random_rule(uint64_t *seed, const struct rule_stock *stock, char *buf, size_t size)
{
	static const char *const access[] = { "r",  "w",  "m",	 "rw",	"wr",  "rm",
					      "mr", "wm", "rwm", "mwr", "rwm", "rwm" };
	const char *gap = dice(seed, 8) ? " " : " \t ", *bits = access[dice(seed, 12)];
	char type = "ccccccbbba"[dice(seed, 10)], major[16], minor[16];

	if (!dice(seed, 30)) {
		snprintf(buf, size, "%s", dice(seed, 2) ? "a" : "a *:* rwm");
		return;
	}
	random_number(seed, stock->majors, major, sizeof(major));
	random_number(seed, stock->minors, minor, sizeof(minor));
	snprintf(buf, size, "%c%s%s:%s%s%s", type, gap, major, minor, gap, bits);
}

/* ---- a machine for device programs ----------------------------------------------------------- */

struct machine {
	uint64_t r[11];
	unsigned set;	   /* bit n: r[n] has a value */
	const char *fault; /* what the kernel would not have allowed */
};

static bool machine_has(struct machine *m, unsigned reg)
{
	if (reg < 10 && (m->set & 1u << reg))
		return true;
	m->fault = "a register without a value is read";
	return false;
}

static void machine_alu(struct machine *m, const struct bpf_insn *i)
{
	uint32_t by = (uint32_t)i->imm, *r, v;

	if (i->code & BPF_X) {
		if (!machine_has(m, i->src_reg))
			return;
		by = (uint32_t)m->r[i->src_reg];
	}
	if ((i->code & 0xf0) != BPF_MOV && !machine_has(m, i->dst_reg))
		return;
	v = (uint32_t)m->r[i->dst_reg];
	r = &v;
	switch (i->code & 0xf0) {
	case BPF_MOV:
		*r = by;
		break;
	case BPF_AND:
		*r &= by;
		break;
	case BPF_RSH:
		*r >>= by & 31;
		break;
	default:
		m->fault = "an unknown operation";
		return;
	}
	m->r[i->dst_reg] = v;
	m->set |= 1u << i->dst_reg;
}

/* Whether a conditional jump is taken. */
static bool machine_jumps(struct machine *m, const struct bpf_insn *i)
{
	if (!machine_has(m, i->dst_reg))
		return false;
	switch (i->code) {
	case BPF_JMP32 | BPF_JNE | BPF_K:
		return (uint32_t)m->r[i->dst_reg] != (uint32_t)i->imm;
	case BPF_JMP | BPF_JSET | BPF_K:
		return (m->r[i->dst_reg] & (uint64_t)(int64_t)i->imm) != 0;
	default:
		m->fault = "an unknown jump";
		return false;
	}
}

static void machine_load(struct machine *m, const struct bpf_insn *i,
			 const struct bpf_cgroup_dev_ctx *ctx)
{
	uint32_t v;

	if (i->code != (BPF_LDX | BPF_MEM | BPF_W) || i->src_reg != 1 || i->off < 0 ||
	    (size_t)i->off > sizeof(*ctx) - 4 || i->off % 4) {
		m->fault = "an unknown load";
		return;
	}
	memcpy(&v, (const char *)ctx + i->off, 4);
	m->r[i->dst_reg] = v;
	m->set |= 1u << i->dst_reg;
}

int machine_run(const struct bpf_insn *v, uint32_t n, unsigned type, unsigned access,
		uint32_t major, uint32_t minor, const char **fault)
{
	struct bpf_cgroup_dev_ctx ctx = { access << 16 | type, major, minor };
	struct machine m = { { 0 }, 0, NULL };
	uint32_t pc = 0;

	while (pc < n && !m.fault) {
		const struct bpf_insn *i = &v[pc++];
		unsigned class = i->code & 7;
		bool jump = false;

		if (i->code == (BPF_JMP | BPF_EXIT)) {
			*fault = "no answer, or one that is neither 0 nor 1";
			return (m.set & 1) && m.r[0] <= 1 ? (int)m.r[0] : -1;
		}
		if (class == BPF_LDX)
			machine_load(&m, i, &ctx);
		else if (class == BPF_ALU)
			machine_alu(&m, i);
		else
			jump = i->code == (BPF_JMP | BPF_JA) || machine_jumps(&m, i);
		if (jump && i->off < 0)
			m.fault = "a jump backward";
		if (jump && !m.fault)
			pc += (uint32_t)i->off;
	}
	*fault = m.fault ? m.fault : "it runs past its end";
	return -1;
}
