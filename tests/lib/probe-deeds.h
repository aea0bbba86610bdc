/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of probe.c that uses up limits, and tries to get around them. */
#ifndef CT_TEST_PROBE_DEEDS_H
#define CT_TEST_PROBE_DEEDS_H

/* Carries out the command argv[1], its words behind it: the exit code, -1 when it is none of these
 * or has too few words. */
int deed(int argc, char **argv);

#endif
