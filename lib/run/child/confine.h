/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tasks in the caller's memory (keeper, placeholder) may still do once they have begun.
 * The caller can write all that they read, their stacks too, and may be under somebody else's
 * control or have given up its rights by then: so they keep no capability but the one to end init,
 * and a system call filter that leaves what they are there for, on the descriptors they have.
 */
#ifndef CT_RUN_CHILD_CONFINE_H
#define CT_RUN_CHILD_CONFINE_H

/* The keeper's descriptors, all that it has. Where there is none the place is filled. */
enum {
	CT_KEEPER_FD_SOCK,    /* what the stage tells it */
	CT_KEEPER_FD_LEASH,   /* the caller's words; closes with the caller's exec or end */
	CT_KEEPER_FD_OWNER,   /* pidfd of the caller */
	CT_KEEPER_FD_SIGNALS, /* signalfd: SIGCHLD */
	CT_KEEPER_FD_CPU,
	CT_KEEPER_FD_THAW,
	CT_KEEPER_FD_LAUNCHER, /* pidfd */
	CT_KEEPER_FD_INIT,     /* pidfd, received */
	CT_KEEPER_FDS
};

/* Each drops what is not needed, for good. 0, or a negative errno with the name of the call in
 * *call. Raw calls only. */
int ct_confine_keeper(const char **call);
int ct_confine_placeholder(const char **call);

#endif
