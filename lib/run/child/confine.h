/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tasks in the caller's memory (keeper, placeholder) may still do once they have begun.
 * The caller can write all that they read, their stacks too, and may be under an attacker's control
 * or have dropped its privileges by then: so they keep no capability but the one to end init, and a
 * system call filter allows only the calls that they need, on the descriptors that they have.
 */
#ifndef CT_RUN_CHILD_CONFINE_H
#define CT_RUN_CHILD_CONFINE_H

/* All descriptors of the keeper. The place of one that is missing is filled. */
enum {
	CT_KEEPER_FD_SOCK,    /* records from the stage */
	CT_KEEPER_FD_LEASH,   /* CT_LEASH_* from the caller; closes with the caller's exec or end */
	CT_KEEPER_FD_OWNER,   /* pidfd of the caller */
	CT_KEEPER_FD_SIGNALS, /* signalfd: SIGCHLD */
	CT_KEEPER_FD_CPU,
	CT_KEEPER_FD_THAW,
	CT_KEEPER_FD_LAUNCHER, /* pidfd */
	CT_KEEPER_FD_INIT,     /* pidfd, received */
	CT_KEEPER_FDS
};

/* Each confines the calling task, for good. 0, or a negative errno with the name of the system call
 * in *call. Raw calls only. */
int ct_confine_keeper(const char **call);
int ct_confine_placeholder(const char **call);

#endif
