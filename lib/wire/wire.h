/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages between the library and the stage. Host byte order, one machine, one version: the
 * stage is embedded in the library that talks to it. Both sides decode what they receive as
 * hostile.
 */
#ifndef CT_WIRE_H
#define CT_WIRE_H

#include <errno.h>
#include <stdint.h>

#include "shared/verdict.h"

/* Where programs are searched when the environment has no PATH. */
#define CT_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum ct_op {
	CT_OP_NONE = 0,
#define CT_STEP(op, ...) CT_OP_##op,
#include "steps.def"
	CT_OP_COUNT
};

/* Who carries out a phase. */
enum ct_actor { CT_ACTOR_CALLER, CT_ACTOR_LAUNCHER, CT_ACTOR_INIT, CT_ACTOR_SUPERVISOR };

/* Where a step stands, in the order of carrying out. */
enum ct_phase {
#define CT_PHASE(phase, ...) CT_PHASE_##phase,
#include "phases.def"
	CT_PHASE_COUNT
};

/* Sets of phases, for the rows of steps.def: without those in which init waits, or is set up. */
#define CT_AT(phase) (1u << CT_PHASE_##phase)
#define CT_BY_LAUNCHER (CT_AT(HOST) | CT_AT(SPAWN))
#define CT_BY_INIT                                                                           \
	(CT_AT(NEW) | CT_AT(ROOT) | CT_AT(DEV) | CT_AT(MOUNT) | CT_AT(MASK) | CT_AT(PIVOT) | \
	 CT_AT(IDENTITY))

#define CT_WIRE_MAGIC 0x74634c42u
#define CT_WIRE_VERSION 1u
#define CT_WIRE_MAX (16u << 20)	   /* bytes in one message */
#define CT_WIRE_PACKET (32u << 10) /* of one that may come as a packet in the report socket */
#define CT_WIRE_MAX_STEPS 32768u
#define CT_WIRE_SLOTS 10240 /* descriptors a plan can name */
#define CT_WIRE_INPUTS 512  /* those of them that the caller fills */

/* strings in one list; the kernel takes 6 MiB of them and of pointers to them */
#define CT_WIRE_STRINGS (1u << 20)

/* A slot number is >= 0 and < CT_WIRE_SLOTS; the first n_inputs slots are filled by the caller. */
#define CT_SLOT_NONE (-1)

/* Descriptors of a freshly executed stage: 0-2 the payload's stdio, 3 the report socket, 4 the
 * keeper's socket, 5.. the inputs. */
#define CT_STAGE_REPORT_FD 3
#define CT_STAGE_KEEP_FD 4
#define CT_STAGE_INPUT_FD 5

/* step flags */

/* best effort: skipped if the source or target is missing (the slot that it would fill stays empty;
 * a step with this flag whose input slot is empty is skipped, too) */
#define CT_SF_OPTIONAL 0x01u
#define CT_SF_CREATE_DIR 0x02u /* make the missing target, each missing component mode 0755 */
#define CT_SF_CREATE_FILE 0x04u
#define CT_SF_CREATE 0x08u /* directory or file, as the tree's root is */

/* our own mount point: RESOLVE_BENEATH|NO_SYMLINKS; else RESOLVE_IN_ROOT|NO_MAGICLINKS */
#define CT_SF_STRICT 0x10u
#define CT_SF_RECURSIVE 0x20u /* AT_RECURSIVE */
#define CT_SF_READ_BACK 0x40u /* WRITE: read the value back and compare */
#define CT_SF_ENV_PATH 0x80u  /* EXEC: program without '/' is searched in the environment's PATH */

struct ct_wire_step {
	uint16_t op;	    /* enum ct_op */
	uint8_t phase;	    /* enum ct_phase, never decreasing in a plan */
	uint8_t flags;	    /* CT_SF_* */
	int16_t a, b, o, p; /* slots */
	uint32_t pad;
	uint64_t n[4];
	uint32_t s[4]; /* offsets into the string pool; 0 is the empty string */
};

/* Mode of a message. */
#define CT_MODE_RUN 1u	     /* launch init, exit */
#define CT_MODE_SUPERVISE 2u /* become the supervisor, launch, stay */

/* run the steps, which are hooks on the host, exit: there is no container */
#define CT_MODE_HOOKS 3u

/* FILTER, n0: who gets the listener of a filter that notifies. */
#define CT_LISTENER_NONE 0u /* the kernel answers ENOSYS */
#define CT_LISTENER_CALLER 1u
#define CT_LISTENER_PROXY 2u /* the process of seccomp.proxy, by the socket in slot b */

/* Header | steps | supervisor part (when supervise) | string pool. All offsets from the start
 * of the string pool. */
struct ct_wire_head {
	uint32_t magic, version;
	uint32_t total; /* bytes of the whole message */
	uint32_t mode;
	uint32_t n_steps;
	uint32_t n_inputs;
	uint32_t n_slots;
	uint32_t pool;	/* bytes of the string pool; its first and last byte are NUL */
	uint32_t super; /* bytes of the supervisor part: 0 or sizeof(struct ct_wire_super) */
	uint32_t flags; /* CT_WIRE_* */
};
#define CT_WIRE_TRACE 0x1u /* report each step that is done, and how long it took */
#define CT_WIRE_SAY 0x2u   /* report what hooks print */

/* One of the container's cgroups, as the supervisor needs it. */
#define CT_WIRE_GROUPS 24
struct ct_wire_group {
	int16_t dir; /* input slot of its directory */
	uint8_t version;
	/* 1: the supervisor's own, which it enters and which the next call removes */
	uint8_t monitor;
	/* CT_CG_* */
	uint32_t controllers;
	uint32_t path; /* absolute; pool offset */
	uint32_t keep; /* bytes of it that stay when it is removed */
	int16_t inner; /* input slot of the payload's directory below it; CT_SLOT_NONE: itself */
	int16_t pad;
};

/* What a supervisor needs beyond the steps. Slots are input slots. Strings are pool offsets. */
struct ct_wire_super {
	uint32_t name; /* container name */
	/* pdeath 0: init survives the supervisor */
	uint32_t signal_halt, signal_stop, signal_reboot, pdeath;
	int16_t state_dir;   /* directory to write "state" into and bind "control" in */
	int16_t alive;	     /* locked file, held open for life */
	int16_t console_log; /* console.logfile, opened append; CT_SLOT_NONE */
	/* a client that is connected already, its request sent; CT_SLOT_NONE */
	int16_t watch;
	uint32_t console_log_path; /* for rotation, relative to console_log_dir */
	int16_t console_log_dir;
	/* the directory that has the container's own, which goes with an ephemeral
	 * one; CT_SLOT_NONE */
	int16_t home;
	uint64_t console_log_size; /* 0: unlimited */
	uint64_t console_buffer;   /* ring buffer bytes, 0: none */
	uint32_t console_rotate;
	uint32_t n_ttys;
	uint64_t limit_time_us; /* 0: none */
	uint64_t limit_output;	/* 0: none */
	uint32_t flags;		/* CT_SUPER_* */
	uint32_t cpus;		/* processors that are online */
	int16_t console;	/* a stream that is the console's first client; CT_SLOT_NONE */
	int16_t console_device; /* console.path; CT_SLOT_NONE */
	/* log.file, opened append, for messages after the starter has ended; CT_SLOT_NONE */
	int16_t log;
	uint16_t log_level; /* CT_LOG_*, up to which */
	/* 0: none */
	uint64_t limit_cputime_us;
	/* the rootfs of CT_SUPER_KEEP_ROOTFS */
	uint64_t keep_dev, keep_ino;
	uint32_t n_groups;
	int32_t utc_offset; /* seconds that local time is ahead by, for the log */
	struct ct_wire_group group[CT_WIRE_GROUPS];
	uint8_t boot_id[40]; /* as in /proc/sys/kernel/random/boot_id, NUL-terminated */
};

/* no state stays after the end */
#define CT_SUPER_EPHEMERAL 0x1u

/* pid 1 is a reaper: it reports the status of the program, its child */
#define CT_SUPER_REAPER 0x4u

/* keep_dev, keep_ino stay when the container's directory is removed */
#define CT_SUPER_KEEP_ROOTFS 0x8u

/* the journal tells of more than phase END takes back: the next call does it */
#define CT_SUPER_KEEP_UNDO 0x20u

/* hook.version 0: a stop hook gets the namespaces as arguments, too */
#define CT_SUPER_HOOK_ARGS 0x10u

/* a program, not a system: ^C on the console ends it even where the kernel shields pid 1 */
#define CT_SUPER_PROGRAM 0x2u

/* The code of a queued signal that tells a reaper to stop its child, for SIGSTOP would stop the
 * reaper alone; and the signal, a real-time one, since these are queued. */
#define CT_SI_STOP (-0x63)
#define CT_STOP_SIGNAL 64

/*
 * limit.output: the counters of the output pump, over all boots of the container, in memory (a
 * memfd, one of the inputs) that it shares with the process that ends the container. No process of
 * the container has it.
 */
struct ct_wire_output {
	uint64_t taken;	    /* bytes read from the payload; may pass the limit */
	uint64_t delivered; /* bytes that a sink has taken; never more than the limit */
	uint64_t lost;	    /* bytes within the limit that no sink has taken, or will */
	uint64_t waiting;   /* bytes in the pump's buffers, once the payload has ended */
	/* negative errno of the first sink that failed; -ETIMEDOUT: it was not read */
	int32_t error;
	uint32_t over;	/* 1: the payload has passed the limit */
	uint32_t ended; /* CT_OUTPUT_*, set by the process that ends the container */
	uint32_t pad;
};
/* Adds to a verdict what has become of the output. `broken`: the pump was killed, and what it had
 * read and not delivered is lost. */
static inline void ct_output_told(const struct ct_wire_output *told, int broken,
				  struct ct_verdict *v)
{
	uint64_t taken, gone;

	v->output_error = __atomic_load_n(&told->error, __ATOMIC_ACQUIRE);
	v->output_lost = __atomic_load_n(&told->lost, __ATOMIC_RELAXED);
	if (!broken)
		return;
	taken = __atomic_load_n(&told->taken, __ATOMIC_RELAXED);
	gone = __atomic_load_n(&told->delivered, __ATOMIC_RELAXED) + v->output_lost;
	v->output_lost += ct_since(taken, gone);
	v->output_error = -ECHILD;
}
enum { CT_OUTPUT_ENDED = 0, CT_OUTPUT_KILLED, CT_OUTPUT_NOW };
/* How long a sink may stand still after the payload's end until the rest is given up: of one that
 * has ended by itself, and of one that was killed. CT_OUTPUT_NOW: not at all. */
#define CT_OUTPUT_GRACE_MS 10000
#define CT_OUTPUT_KILLED_MS 1000
/* The pump's exit codes. */
#define CT_PUMP_DONE 0
#define CT_PUMP_OVER 3

/* Reports: fixed-size records on a SOCK_SEQPACKET socket, stage to library. */
enum ct_report_type {
	CT_REPORT_CLONED = 1, /* num: init's pid as the launcher sees it; carries its pidfd */
	CT_REPORT_FD,	      /* num: tag, err: index; carries the descriptor */
	CT_REPORT_EXEC_NEXT,  /* all steps done but the exec itself */
	CT_REPORT_ERROR,      /* step, err, sys, object, kernel */
	CT_REPORT_SUPERVISOR, /* num: supervisor's pid; its socket listens, state is written */
	CT_REPORT_WARN,	      /* object: text for the log */
	CT_REPORT_DONE,	      /* all hooks of CT_MODE_HOOKS have ended well */
	/* step: it is done; at_ns: nanoseconds that it took. Sent with CT_WIRE_TRACE, lost when the
	 * socket is full */
	CT_REPORT_STEP,
	/* step: a hook; object: a line that it has printed. With CT_WIRE_SAY; lost likewise */
	CT_REPORT_SAID
};
#define CT_TERMINAL_CHARS 19 /* control characters of a terminal: the kernel's NCCS */
#define CT_FD_TAG_PTY 1	     /* master of the payload's terminal */
#define CT_FD_TAG_TTY 2	     /* master of tty `index` (supervisor keeps these) */
#define CT_FD_TAG_CONSOLE 3  /* master of /dev/console */

/* namespace `index` of the stage's table (supervisor keeps these for stop hooks) */
#define CT_FD_TAG_NS 4
#define CT_FD_TAG_NOTIFY 5 /* the listener of the filter: who serves its notifications */

/*
 * What the keeper of an in-process container, or the supervisor of a detached one, receives:
 * fixed-size records on a SOCK_SEQPACKET socket of its own. Limits of time are kept by these alone:
 * they do not depend on a caller that reads the reports.
 */
enum ct_keep_type {
	/* num: init's pid as the launcher sees it; carries its pidfd; by the launcher */
	CT_KEEP_INIT = 1,
	CT_KEEP_PUMP, /* num: pid of the process that passes the output on; by the launcher */
	/* just before the exec, by init: at_ns, and the CPU time that init has used so far */
	CT_KEEP_EXEC,
	/* num: wait(2) status of the payload, by a reaper that is pid 1: from inside
	 * the container */
	CT_KEEP_STATUS,
	/* the payload has passed limit.output; by the pump */
	CT_KEEP_OUTPUT,
	/* init is cloned next; by the launcher, which is not to be killed between this and
	 * CT_KEEP_INIT */
	CT_KEEP_CLONE,
	/* num: pid of the process that hands requests on to the proxy; by the launcher */
	CT_KEEP_PROXY
};
struct ct_keep {
	uint32_t type;
	int32_t num;
	uint64_t at_ns; /* by CLOCK_REALTIME, the one clock that a time namespace leaves alone */
	uint64_t user_us, system_us;
	uint64_t outside_us; /* of these, before init was in its cgroup of version 1 */
};
/* Whether a reaper can have reported this wait(2) status of its child: it is one, and the reaper's
 * own, `init`, is an exit with the code that follows from it. */
static inline int ct_keep_fits(int payload, int init)
{
	int sig = payload & 0x7f, code = payload >> 8 & 0xff;

	if (payload & ~0xffff || (init & 0x7f))
		return 0;
	/* an exit; 0x80 is the core dump of a signal */
	if (!sig)
		return !(payload & 0x80) && (init >> 8 & 0xff) == code;
	return sig <= 64 && !code && (init >> 8 & 0xff) == 128 + sig;
}

#define CT_STEP_IN_LAUNCHER 0xfffeu /* report.step when no step was running: the launcher itself */
#define CT_STEP_NONE 0xffffu	    /* ... decoding */

struct ct_report {
	uint32_t type;
	uint16_t step;
	uint16_t sys; /* system call number */
	int32_t err;  /* positive errno */
	int32_t num;
	/* EXEC_NEXT: when, by CLOCK_REALTIME, the one clock that a time namespace leaves
	 * alone; STEP: how long */
	uint64_t at_ns;
	char object[192]; /* path, program or name; NUL-terminated, cut with "..." */
	char kernel[112]; /* fsopen's message, or the stage's own reason; NUL-terminated */
};

/* How long ago a record was written, given its at_ns and the clock's time now. 0 if that is more
 * than 10 s or negative: then the clock was set meanwhile. */
static inline uint64_t ct_age_ns(uint64_t at_ns, uint64_t real_now_ns)
{
	uint64_t age = real_now_ns - at_ns;

	if (!at_ns || age >= 10000000000u)
		return 0;
	return age;
}

/*
 * The supervisor's socket: SOCK_SEQPACKET, one request, its replies. The connection of a client
 * whose uid is neither 0 nor the supervisor's is closed at once, as is one on which no whole
 * request comes within 5 s. A client in another user, mount or pid namespace is refused: a reply of
 * type 0 with -EPERM, whose num is an enum ct_ctl_stranger.
 */
#define CT_CTL_MAGIC 0x6c744363u
enum ct_ctl_type {
	/* reply: state, pids, verdict when ended; carries init's pidfd when running */
	CT_CTL_STATUS = 1,
	CT_CTL_KILL,   /* arg0: signal */
	CT_CTL_STOP,   /* arg0: CT_STOP_* flags, arg1: timeout in ms; replies when done */
	CT_CTL_REBOOT, /* arg1: timeout in ms, 0: reply at once */
	/* arg0: state mask, arg1: timeout in ms (~0: none); replies when state is in mask */
	CT_CTL_WAIT,
	/* arg0: tty number, CT_CTL_TTY_FREE: first free from 1 on; reply: num is the
	 * number; carries a stream socket that speaks to the terminal, closing it
	 * gives the terminal back */
	CT_CTL_CONSOLE,
	/* arg0: 1 clear; reply followed by packets of the buffer, num bytes in all */
	CT_CTL_CONSOLE_LOG,
	CT_CTL_RESIZE /* arg0: tty number, arg1: rows << 16 | cols */
};
enum ct_ctl_stranger {
	CT_CTL_UNSEEN = 1, /* the supervisor may not read its namespaces */
	CT_CTL_OTHER_USER,
	CT_CTL_OTHER_MNT,
	CT_CTL_OTHER_PID
};
#define CT_CTL_TTY_FREE (~0ull)
#define CT_CTL_FOREVER (~0ull) /* arg1 */
struct ct_ctl_request {
	uint32_t magic, type;
	uint64_t arg0, arg1;
};
struct ct_ctl_reply {
	uint32_t magic, type;
	int32_t err;	/* 0 or negative errno */
	uint32_t state; /* CT_STATE_* */
	int32_t init_pid, supervisor_pid;
	uint32_t boots; /* how often init was started */
	/* WAIT for the end: 1 when something stays of an ephemeral container's directory */
	uint32_t num;
	struct ct_verdict verdict; /* of the last init */
};

#endif
