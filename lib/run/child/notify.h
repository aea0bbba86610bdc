/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests of a filter that notifies (seccomp_unotify(2)), by its listener: a call waits in the
 * kernel until it is answered. All functions work on the descriptor alone, which may be in another
 * process than the one that started the container.
 */
#ifndef CT_RUN_CHILD_NOTIFY_H
#define CT_RUN_CHILD_NOTIFY_H

#include <stdint.h>

#include <contain/contain.h>

/* Takes one request; never blocks, as long as nobody else takes requests from this listener
 * meanwhile. 0; -EAGAIN: none waits; -EPIPE: no process has the filter any more; or another
 * negative errno of poll(2) or ioctl(2). The caller has checked n->size. */
int ct_notify_take(int fd, ct_notify *n);
/* Answers a request: value, or a negative errno `error`, or SECCOMP_USER_NOTIF_FLAG_CONTINUE. 0;
 * -ENOENT: it is over; -EINPROGRESS: it is answered already. */
int ct_notify_answer(int fd, uint64_t id, int64_t value, int32_t error, uint32_t flags);
/* 0: the request still waits for its answer. -ENOENT: it does not. */
int ct_notify_still(int fd, uint64_t id);
/* Puts a copy of the descriptor `source` into the process of a request; flags: CT_NOTIFY_ADD_*. Its
 * number there, or a negative errno. */
int ct_notify_hand(int fd, const ct_notify *n, int source, unsigned flags);

/* notify-memory.c. Bytes read, as many as there are, or a negative errno; then buf is zero. */
ssize_t ct_notify_peek(int fd, const ct_notify *n, uint64_t at, void *buf, size_t len);
/* A text that ends within len bytes, its length; or a negative errno, then buf is "". */
ssize_t ct_notify_peek_text(int fd, const ct_notify *n, uint64_t at, char *buf, size_t len);
/* Bytes written or a negative errno. */
ssize_t ct_notify_poke(int fd, const ct_notify *n, uint64_t at, const void *buf, size_t len);
/* Lets the request that waits, if one does, go on as if it were not filtered. */
void ct_notify_pass(int fd);

#endif
