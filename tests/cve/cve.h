/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tests against published escapes: named cases, each of which stands in tests/cve/table.txt.
 * Around each of them lie the oracles: a decoy tree of the host that nothing may touch, and the
 * caller's mounts, descriptors and processes. With $CT_CVE_ONLY a program runs the cases that match
 * this pattern.
 */
#ifndef CT_TEST_CVE_H
#define CT_TEST_CVE_H

#include <stdbool.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decoy.h"
#include "leak.h"
#include "run.h"
#include "setup.h"

struct cve_case {
	const char *name;
	void (*body)(const void *data);
	const void *data;
};

/* Runs the cases in one box, whose rootfs each finds as box_open() has made it, if the one before
 * has passed and tidied. The program's exit code. */
int cve_main(const char *program, const struct cve_case *cases, size_t n);

/* The host tree that nothing may touch. */
extern struct decoy decoy;

/* What is left behind when the protection under test is missing: the case fails with these words.
 * tests/cve/weaknesses.c looks for "escape:". */
#define escape(...)                               \
	do {                                      \
		print_message("# escape: ");      \
		print_message(__VA_ARGS__);       \
		print_message("\n");              \
		fail_msg("escape: " __VA_ARGS__); \
	} while (0)
/* The decoy is as it was; it is watched on. For cases with several attempts. */
void cve_check_decoy(const char *what);
/* No mount of the container shows a part of the decoy. `mountinfo` may be NULL. */
void cve_check_mounts(const char *mountinfo);

/* ---- a race: two names that are exchanged without end by a thread on the other core ---------- */

/* Begins; a and b are names below the box's base directory. With `vanish` b comes and goes instead
 * of being exchanged with a. */
void flipper_start(const char *a, const char *b, bool vanish);
/* It stands still between two flips, until it goes on. */
void flipper_hold(void);
void flipper_go_on(void);
/* Ends it. It must have flipped at least once. A case that has failed need not. */
void flipper_stop(void);

/* A container that is to be started detached. What runs of it is stopped at the program's end, when
 * a case has failed, too. */
ct_container *cve_named(const char *name);
/* A container for many quick rounds: no namespaces but those that the race needs. */
ct_container *cve_quick(void);

#endif
