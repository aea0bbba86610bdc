/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The run-time state of detached containers: <base>/<16 hex of the container
 * directory>/<name>/ with the files
 *   lock     OFD-locked by a call for as long as it starts, stops, clears or destroys
 *   alive    OFD-locked by the supervisor for its life; the caller opens and locks it and hands
 *            the descriptor over
 *   state    written by the supervisor, about itself and init; replaced atomically
 *   control  the supervisor's socket
 *   config   the config that runs
 *   undo     the journal: what the start has made and an undo takes back
 * The base is made 0700; one that is a link, not ours, or writable for others is
 * refused (CT_ERR_STATE).
 */
#ifndef CT_RUN_STATE_STATE_H
#define CT_RUN_STATE_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "shared/remove.h"
#include "shared/verdict.h"

#define CT_STATE_FILE "state"
#define CT_STATE_LOCK "lock"
#define CT_STATE_ALIVE "alive"
#define CT_STATE_CONTROL "control"
#define CT_STATE_CONFIG "config"
#define CT_STATE_UNDO "undo"
#define CT_STATE_FILE_MAX 4096 /* bytes of a state file */
#define CT_STATE_LOCK_MS 30000 /* usual patience for the lock */

/* A state file in memory. What the file lacks is 0, or an empty string. */
struct ct_state_file {
	char name[CT_NAME_SIZE];
	char boot_id[40];
	pid_t supervisor, init;		       /* as seen in the pid namespace of the supervisor */
	uint64_t supervisor_start, init_start; /* clock ticks since boot, /proc/PID/stat field 22 */
	uint32_t boots;
	uint32_t state;	 /* CT_STATE_* */
	uint32_t pdeath; /* 0: init survives its supervisor */
	uint32_t ephemeral;
	uint32_t program;	   /* a program, not a system */
	struct ct_verdict verdict; /* of the last init; reason 0: none yet */
	char error[256];	   /* why a later boot failed */
};

/* What there is of a container. */
enum ct_life {
	/* no state: never started, or cleared */
	CT_LIFE_NONE = 0,
	/* a supervisor lives (or a start is under way); its socket has the rest */
	CT_LIFE_SUPERVISED,
	/* no supervisor, but init survives (monitor.signal.pdeath = 0); *pidfd is set */
	CT_LIFE_ORPHAN,
	/* ended in order, *st has the verdict; stays until the next start or destroy */
	CT_LIFE_ENDED,
	CT_LIFE_LOST, /* the supervisor was killed; what it left has just been cleared */
	CT_LIFE_BUSY  /* no supervisor, but another call holds the lock: it starts or clears */
};

/* Default base for the calling user: /run/libcontain, or $XDG_RUNTIME_DIR/libcontain. -ENOENT: not
 * root and the variable is not set; -ENAMETOOLONG. */
int ct_state_default_base(char *buf, size_t size, struct ct_err *e);

/* Opens the state directory of `name` for the container directory `dir` (which need not exist);
 * with `create` makes what is missing. *dirfd is the caller's. -ENOENT: no such state (nothing is
 * recorded in e then); else CT_ERR_STATE. */
int ct_state_open(const char *base, const char *dir, const char *name, int create, int *dirfd,
		  struct ct_err *e);
/* Takes the lock, waiting up to timeout_ms (0: not at all). *lockfd is the caller's; closing it
 * unlocks. -EBUSY: held, the error names the process; -ESTALE: the directory was removed
 * meanwhile, open it again. */
int ct_state_lock(int dirfd, int timeout_ms, int *lockfd, struct ct_err *e);
/* Both of the above with `create`, repeated while the directory is being removed by others. */
int ct_state_enter(const char *base, const char *dir, const char *name, int timeout_ms, int *dirfd,
		   int *lockfd, struct ct_err *e);

/* For a start, under the lock: opens and locks "alive" for the supervisor. *fd is the caller's,
 * which closes it once the supervisor has it. -EBUSY: a supervisor lives. */
int ct_state_take_alive(int dirfd, int *fd, struct ct_err *e);
/* 1 when a supervisor (or a start in progress) holds "alive", 0 when not, or a negative errno. */
int ct_state_alive(int dirfd);

/* Parses the text of a state file: bounded, whatever it holds. -EINVAL on anything unexpected; *st
 * untouched then. Unknown keys are passed over, so that a later version's file can be read. */
int ct_state_parse(const char *text, size_t len, struct ct_state_file *st);
/* Reads "state". -ENOENT: there is none (not recorded in e); -EBADMSG: corrupt,
 * ct_state_clear() gets rid of it. */
int ct_state_read(int dirfd, struct ct_state_file *st, struct ct_err *e);

/*
 * Reads what there is and clears what a killed supervisor left: an init that must not survive is
 * killed (after pid, start time and boot id are verified through a pidfd), its files are removed;
 * after a reboot of the host only the files. lockfd is the caller's lock, or -1: then this takes
 * the lock if it is free, and clears nothing if it is held. Returns enum ct_life; st (may be NULL)
 * is filled for all but NONE and BUSY as far as known; *pidfd (may be NULL) is init's for ORPHAN,
 * the caller's to close, and -1 otherwise. A corrupt file counts as LOST. Errors: CT_ERR_STATE.
 */
int ct_state_sweep(int dirfd, int lockfd, struct ct_state_file *st, int *pidfd, struct ct_err *e);

/* A pidfd of the init that a state file names, the caller's to close. -ESRCH: it has ended, and its
 * pid may be another process' by now; or another errno. */
int ct_state_init(const struct ct_state_file *st);

/* Under the lock: removes "state", "control" and "config", for a new start in the same directory. 0
 * or negative errno. */
int ct_state_clear(int dirfd, struct ct_err *e);
/* Under the lock: removes all files, the directory `name` and, when it is empty then, its parent.
 * The lock file goes, too: close lockfd and dirfd afterwards. Missing files are fine. */
int ct_state_remove(int dirfd, const char *name, struct ct_err *e);

/* Names of the containers of `dir` that run (SUPERVISED, ORPHAN), sorted, one a line, appended to
 * out. Sweeps all of them. Returns their number. No state at all: 0. */
int ct_state_list(const char *base, const char *dir, struct ct_buf *out, struct ct_err *e);

#endif
