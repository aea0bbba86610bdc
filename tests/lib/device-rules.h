/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the tests of device policies: rules made at random, and a machine for the programs made of
 * them. Needs nothing of the library. */
#ifndef CT_TEST_DEVICE_RULES_H
#define CT_TEST_DEVICE_RULES_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* ---- at random ------------------------------------------------------------------------------- */

/* The next of a row of numbers that depends on the first *state only (splitmix64). */
uint64_t dice_next(uint64_t *state);
/* 0 .. n-1 */
unsigned dice(uint64_t *state, unsigned n);

/* What rules are made of; the numbers end in -1, which stands for "*". */
struct rule_stock {
	const int *majors, *minors;
};

/* A rule in buf, in any of the ways it may be written. */
void random_rule(uint64_t *seed, const struct rule_stock *stock, char *buf, size_t size);

/* ---- a machine for device programs ----------------------------------------------------------- */

/* The program's answer for an access (bits BPF_DEVCG_ACC_*): 0 or 1; -1: it did what the kernel
 * would refuse, *fault says what. */
int machine_run(const struct bpf_insn *v, uint32_t n, unsigned type, unsigned access,
		uint32_t major, uint32_t minor, const char **fault);

#endif
