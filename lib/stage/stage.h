/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stage: the static program that carries out a plan, step by step. No stdio, no malloc;
 * functions that can fail return a negative errno.
 */
#ifndef CT_STAGE_H
#define CT_STAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/namespaces.h"
#include "wire/wire.h"

#define STAGE_MAX_GROUPS 65536u /* NGROUPS_MAX */
#define STAGE_PROGRAMS 64	/* BPF programs of one kind in a cgroup: the kernel's maximum */
#define STAGE_NO_ID 0xffffffffu /* "no id" for the kernel; n0 of IDS: what LOOKUP_USER has found */

/* What LOOKUP_USER has found in the container's passwd and group. */
struct stage_user {
	int valid;
	uint32_t uid, gid;
	uint32_t n_groups;
	uint32_t *groups; /* owned by the stage's arena */
	char name[64];	  /* login name, "" when the user is a number without an entry */
	char home[256];	  /* "/" when there is none */
	char shell[256];  /* "/bin/sh" when there is none */
};

struct stage {
	/* The message, mapped read-only and checked by stage_decode(). */
	const struct ct_wire_head *head;
	const struct ct_wire_step *steps;
	uint32_t n_steps; /* without the supervisor's, or the hooks of mode HOOKS */
	uint32_t n_last;  /* these, at steps[n_steps ..] */
	const struct ct_wire_super *super; /* NULL in mode RUN */
	const char *pool;

	/* descriptor of a slot, -1 while it is empty */
	int slot[CT_WIRE_SLOTS];
	int report_fd;	  /* SOCK_SEQPACKET to the caller or the supervisor */
	int keep_fd;	  /* SOCK_SEQPACKET to the keeper or the supervisor; -1: there is neither */
	uint16_t current; /* step being carried out, CT_STEP_IN_LAUNCHER, CT_STEP_NONE */
	uint64_t began;	  /* its time by CLOCK_MONOTONIC, where steps are traced */
	/* an error of this process has been reported: later ones are consequences */
	int reported;

	/* Launcher: set by stage_launch() when it returns 0 in the launcher. */
	pid_t init_pid; /* as the launcher sees it */
	int init_pidfd; /* the launcher's own copy of what CT_REPORT_CLONED sends */

	/* Private to launch.c and the steps. */
	int in_init;	/* this process is init */
	int pdeath_set; /* the plan has set the parent death signal */
	uint32_t umask; /* of the payload: the caller's, or what the plan says */
	int own_tty;	/* stdio is a terminal that a step has made */
	int hold[2];	/* sockets of launcher and init, while a list of devices is lifted; -1 */
	/* the launcher's socket, or init's, for the hand-shake; -1 where there is none */
	int go_fd;
	int proc_fd; /* checked procfs of the host, -1 until needed */
	/* the caller's soft limit of open files, which the payload gets; 0: it was not changed */
	uint64_t nofile;
	/* in init: the last step that reads a slot; 0: none */
	uint16_t last_use[CT_WIRE_SLOTS];
	uint32_t n_keep; /* descriptors 3 .. 3 + n_keep - 1 stay open over exec */
	char *title;	 /* the memory of /proc/PID/cmdline */
	/* receives each line that a hook prints; NULL: lines are reported, where the caller wants
	 * it */
	void (*on_line)(void *data, const char *line);
	void *on_line_data;
	uint64_t user_us, system_us; /* CPU time of the set-up, with hooks */
	uint64_t outside_us;	     /* of these, before init was in its cgroup */
	struct stage_user user;
};

/* ---- decode.c: pure, also compiled for the host ---------------------------------------------- */

/* Checks all of a message and points *st into it (head, steps, n_steps, n_last, super, pool;
 * nothing else is touched). After it every offset, slot, count, list and op is safe to use. 0, or
 * -EBADMSG / -E2BIG / -EPROTO (magic or version). `msg` must be 8-byte aligned and stay. */
int stage_decode(const void *msg, size_t len, struct stage *st);
/* The fields of each step, by its op. */
extern const char *const stage_schemas[CT_OP_COUNT];
/* String i of a step (never NULL, "" when not set), and of any checked pool offset. */
static inline const char *step_str(const struct stage *st, const struct ct_wire_step *s, int i)
{
	return st->pool + s->s[i];
}

static inline const char *pool_str(const struct stage *st, uint32_t off)
{
	return st->pool + off;
}

/* First string of list i (0: s2+n2, 1: s3+n3); the others follow, each NUL-terminated. */
static inline const char *step_list(const struct stage *st, const struct ct_wire_step *s, int i)
{
	return st->pool + s->s[2 + i];
}

static inline uint32_t step_list_n(const struct ct_wire_step *s, int i)
{
	return (uint32_t)s->n[2 + i];
}

/* ---- launch.c -------------------------------------------------------------------------------- */

/*
 * Carries out the steps of HOST, SPAWN and ENTER in the calling process (the launcher) and clones
 * init, a child of the launcher's parent (CLONE_PARENT) with exit signal 0. Sends CT_REPORT_CLONED
 * with the pidfd. Returns 0 in the launcher (init_pid and init_pidfd set) or, after an error that
 * has been reported, -1. Never returns in init: that carries out the remaining phases and execs, or
 * reports and exits with 127. The calling process must exit afterwards, for its namespaces,
 * descriptors and limits have changed.
 */
int stage_launch(struct stage *st);
/* Carries out a plan of hooks (CT_MODE_HOOKS). 0, or -1 when one failed and was reported. */
int stage_hooks(struct stage *st);

/* A kind of namespace: its CLONE_NEW flag, its name in /proc/PID/ns, the variable that tells a stop
 * hook its path. */
#define STAGE_NS CT_NAMESPACES
struct stage_ns {
	uint64_t flag;
	const char *name, *variable;
};
extern const struct stage_ns stage_ns[STAGE_NS];

/* ---- supervisor.c ---------------------------------------------------------------------------- */

/* Mode SUPERVISE: becomes the supervisor. st is decoded, its input slots are filled, report_fd is
 * the library's socket. */
_Noreturn void supervise(struct stage *st);

/* ---- hook.c ---------------------------------------------------------------------------------- */

/* What a hook gets behind the arguments and the environment of its step: NULL-terminated; NULL for
 * nothing. */
struct stage_more {
	const char *const *argv, *const *env;
};
/*
 * Runs the program of a HOOK step, with its arguments, its environment and `more`; empty input,
 * output to a pipe that is read, no other descriptor, default signals, a session of its own, the
 * caller's directory. Waits n0 ms (0: for ever), then kills it. 0, or a negative errno with the
 * reason ("exit code 3: last line of stderr") in `why`. *sys is the number of the system call that
 * failed (or wait4). Blocks; the supervisor calls it in a fork.
 */
int stage_hook(struct stage *st, const struct ct_wire_step *s, const struct stage_more *more,
	       char *why, size_t n_why, int *sys);

/* ---- report.c -------------------------------------------------------------------------------- */

/* Each sends one record on st->report_fd; 0 or a negative errno. fd >= 0 goes along by
 * SCM_RIGHTS. */
int report_send(struct stage *st, struct ct_report *r, int fd);
/* CT_REPORT_ERROR for st->current: err is a negative errno; object and kernel may be NULL. Only the
 * first of a process is sent. Returns -1. */
int report_error(struct stage *st, int err, int sys, const char *object, const char *kernel);
/* CT_REPORT_FD */
int report_fd(struct stage *st, int tag, int index, int fd);
/* A record of a type that has only a number, and perhaps a descriptor (-1: none). */
int report_num(struct stage *st, uint32_t type, int num, int fd);
int report_exec_next(struct stage *st);
/* Adds to st->user_us and st->system_us what this process and its children have used: once in each
 * process that sets up. */
void usage_note(struct stage *st);
/* Notes what init has used, when it learns that it is in its cgroup. */
void usage_note_outside(struct stage *st);
/* One record for the keeper or supervisor, with fd when it is >= 0. 0, also where there is neither,
 * or a negative errno. */
int keep_send(struct stage *st, const struct ct_keep *k, int fd);
/* A packet of one number, with fd. 0 or a negative errno. */
int send_number(int sock, int32_t num, int fd);
void report_step(struct stage *st, uint64_t took_ns);
/* CT_REPORT_SAID, where the caller wants it. */
void report_said(struct stage *st, const char *line);
/* CT_REPORT_WARN */
void report_warn(struct stage *st, const char *text);

/* ---- util.c ---------------------------------------------------------------------------------- */

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
	if (a < b)
		return a;
	return b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
	if (a > b)
		return a;
	return b;
}

/* Nanoseconds of a clock, CLOCK_*. */
uint64_t clock_ns(int clock);
/* Milliseconds of the monotonic clock. */
int64_t clock_ms(void);
/* Zeroed memory that lives as long as the process; NULL without memory. */
void *stage_alloc(size_t n);
/* Copies src into dst[n], always terminated, cut with "..." when it does not fit. */
void str_cut(char *dst, size_t n, const char *src);
/* Appends to the string in dst[n], cut silently. Returns dst. */
char *str_add(char *dst, size_t n, const char *src);
char *str_add_u64(char *dst, size_t n, uint64_t v);
/* Whole string of decimal digits up to max: 0 and *out, or -EINVAL / -ERANGE (*out untouched). */
int str_u64(const char *s, uint64_t max, uint64_t *out);
/* True when s begins with prefix. */
int str_begins(const char *s, const char *prefix);
/* NULL-terminated array of the n strings that follow each other at `first`, with room for `more`
 * before the NULL (left NULL). From stage_alloc(); NULL without memory. */
const char **str_vector(const char *first, uint32_t n, uint32_t more);
/* Writes all of it; 0 or negative errno. EINTR is retried. */
int write_all(int fd, const void *p, size_t n);
/* Reads up to n bytes until end of file. Bytes read or negative errno. EINTR is retried. */
ssize_t read_full(int fd, void *p, size_t n);
/* One signal to its default action; then all of them. The mask stays. */
void signal_default(int sig);
void signals_reset(void);
/* signals_reset(), then none blocked. */
void signals_default(void);
void signals_unblock(void);
/* Blocks every signal. */
void signals_block(void);

#endif
