/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a process is asked to end, and what /proc has of it. Shared by the library and the stage. */
#ifndef CT_SHARED_ASK_H
#define CT_SHARED_ASK_H

#include <stdint.h>
#include <sys/types.h>

/* The mask behind "SigCgt" (signals it catches), "SigBlk" (blocks) or "SigIgn" (ignores) in
 * /proc/PID/status, which may be of any length. 0 or a negative errno. */
int ct_proc_signals(pid_t pid, const char *field, uint64_t *mask);

/* State letter and start time (clock ticks since boot) of /proc/PID/stat. 0; -ESRCH: there is no
 * such process; -EIO: not in the form of proc(5); or another errno. */
int ct_proc_stat(pid_t pid, char *state, uint64_t *start);

/* 1: it is exiting, which may take long for an init with many processes. By the flags in
 * /proc/PID/stat. */
int ct_proc_exiting(pid_t pid);

/* The signal that asks an init to end: `wanted` (signal.halt) where that is not 0; of a program
 * SIGTERM; of a system the first of SIGRTMIN+3 (systemd), SIGPWR and SIGTERM that it catches or
 * blocks, else SIGPWR: systemd blocks the signals that it reads from a signalfd. */
int ct_halt_signal(pid_t pid, unsigned wanted, int program);

#endif
