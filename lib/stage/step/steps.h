/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files that carry out steps. */
#ifndef CT_STAGE_STEP_STEPS_H
#define CT_STAGE_STEP_STEPS_H

#include "stage/stage.h"
#include "shared/user.h"
#include "stage/sys.h"

/* Every step function: 0, or -1 after report_error(). */
typedef int step_fn(struct stage *st, const struct ct_wire_step *s);

/* run.c: one step; 0 or -1 (reported). Skips a best-effort one whose input was skipped. */
int step_run(struct stage *st, uint32_t i);
/* Reports the current step's end, where steps are traced. Called by a step whose child carries out
 * the following ones. */
void step_done(struct stage *st);
/* launch.c: carries out init's steps from i on. Returns when one has failed, which is reported. */
void init_steps(struct stage *st, uint32_t i);
/* Descriptor of a slot, -1 for CT_SLOT_NONE and for an empty one. */
static inline int step_fd(const struct stage *st, int16_t slot)
{
	if (slot < 0)
		return -1;
	return st->slot[slot];
}

/* Puts fd into a slot; a descriptor that was in it is closed. */
void step_fill(struct stage *st, int16_t slot, int fd);
static inline int step_optional(const struct ct_wire_step *s)
{
	return s->flags & CT_SF_OPTIONAL;
}

/* report_error() with errno alone. */
static inline int step_fail(struct stage *st, int err, int sys, const char *object)
{
	return report_error(st, err, sys, object, NULL);
}

/* filter.c: the filter of a step, in memory that stays, and its flags, for seccomp(2). 0, or
 * -EINVAL or -ENOMEM, *sys the call. */
int filter_read(const struct stage *st, const struct ct_wire_step *s, struct k_sock_fprog *program,
		unsigned *flags, int *sys);
/* Loads it into this process. 0 or a negative errno, *sys the call. */
int filter_load(const struct stage *st, const struct ct_wire_step *s, int *sys);
#define FILTER_ANY 0xffffffffu
struct filter_call {
	uint32_t nr;
	uint32_t arg; /* the only first argument allowed, FILTER_ANY: any */
};
/* Loads a filter that allows n calls of this architecture (AUDIT_ARCH_*), and refuses all others
 * with EPERM. 0 or a negative errno. */
int filter_confine(uint32_t arch, const struct filter_call *calls, unsigned n);
/* landlock.c: carries out the plan's steps of Landlock in a process that is not init. 0 or a
 * negative errno, *sys the call. */
int landlock_confine(struct stage *st, int *sys);
/* Whether this process has loaded the rules. */
int landlock_is_loaded(void);
/* listener.c: the same, and sends the listener of its notifications: to the library, or where `to`
 * is not negative to the process at the other end of that socket. */
int listener_load(struct stage *st, const struct ct_wire_step *s, int to, int *sys);
/* proxy.c, in the launcher once it has cloned init: tells the process that hands requests on of
 * init, and closes the launcher's end of its socket. 0 or a negative errno. */
int proxy_tell(struct stage *st);
/* launch.c: opens the file of the process in a proc file system, by no link and across no mount,
 * and writes the value to it at once. The descriptor, the caller's to close, or a negative errno,
 * *sys the call; -EIO: the kernel took only a part of it. */
int proc_put(int proc, pid_t pid, const char *file, const char *value, unsigned flags, int *sys);
/* label.c: writes the label of the step lsm.label by a proc file system, and reads it back. 0 or a
 * negative errno, *sys the call; -EBADE: the kernel has another one. */
int label_write(struct stage *st, const struct ct_wire_step *s, int proc, int *sys);
/* The same of all labels of the phase CONFINE: the program's, or the reaper's. A step that fails
 * becomes the current one. */
int labels_write(struct stage *st, int proc, unsigned reaper, int *sys);
/* The descriptor of the proc file system of these; -1: there is no label. */
int labels_slot(const struct stage *st);
/* The current step, which is such a label, has failed. -1, reported. */
int label_failed(struct stage *st, int err, int sys);
/* What a step returns after its last call: -1 where that gave a negative errno, which is
 * reported, else 0. */
int step_result(struct stage *st, int err, int sys, const char *object);
/* The text that explains one errno of a call, where err is that one. NULL: the errno says it. */
static inline const char *text_for(int err, int explained, const char *text)
{
	if (err == explained)
		return text;
	return NULL;
}

/* launch.c: the payload's limits for the calling process. 0 or a negative errno, *bad the step. */
int limits_set(struct stage *st, uint32_t *bad);
/* devices.c, in the launcher once init has received its "go": waits until init asks for the list of
 * devices, and restores it. 0, or -1 when init must not continue; reported. */
int devices_hold(struct stage *st);
/* In init: closes its copies of the descriptors with which the launcher restores the list. */
void devices_close(struct stage *st);
/* identity.c: drops from the bounding set what is not to be kept. 0 or a negative errno. */
int caps_bound(uint64_t keep);
/* A change of identity may make the process dumpable (fs.suid_dumpable) and clears the death
 * signal: sets both as they were. 0 or a negative errno. */
int stay_private(struct stage *st);
/* defaults.c: restores the caller's inheritable and ambient capabilities, which the library raised
 * so that the stage keeps the permitted ones over its exec. 0 or a negative errno. */
int caps_restore(uint64_t inheritable, uint64_t ambient);
/* The capabilities of the calling process: permitted, effective, inheritable and ambient ones, as
 * in the step id.caps. 0 or a negative errno, *sys the call. */
int caps_set(const uint64_t sets[4], int *sys);
/* Those that the payload has in the end, by the last id.caps; NULL: the plan has none. */
const uint64_t *caps_of_payload(const struct stage *st);
/* Drops these from the calling process' permitted and effective ones. 0 or a negative errno. */
int caps_drop(uint64_t caps);

/* ---- path.c: below a descriptor -------------------------------------------------------------- */

struct path_error {
	int sys;	  /* system call that failed */
	const char *text; /* why, as a sentence; NULL: the errno says it */
};
/* An O_PATH descriptor of `path` below `under` (-1: below "/" of this process), resolved as the
 * step's flags say; `oflags` are added (O_DIRECTORY). Negative errno. */
int path_open(int under, const char *path, unsigned flags, uint64_t oflags, struct path_error *e);
/* Opens a regular file for reading, confined by K_RESOLVE_ flags, whatever stands there. The
 * caller's to close; -EINVAL: no regular file, -ESTALE: exchanged meanwhile, or another errno. */
int path_regular(int dir, const char *path, uint64_t resolve);
/* As path_open() of the directory that holds the last component, which goes to base[256].
 * CT_SF_CREATE_DIR: missing directories are made, 0755. -EINVAL when there is no last component. */
int path_parent(int under, const char *path, unsigned flags, char *base, struct path_error *e);
/* Where path_make() makes what is missing in a read-only root: another mount of the same file
 * system, whose descriptor it takes; -1: nowhere. */
void path_targets(int fd);
/* As path_open(), but a missing last component is made: a directory, or a file. Its missing
 * parents, too. A last component that is a link which leads nowhere is followed within the root,
 * and what it names is made. */
int path_make(int under, const char *path, unsigned flags, int directory, struct path_error *e);

/* ---- lookup.c -------------------------------------------------------------------------------- */

/* Searches the text of a passwd file. True when there is an entry; *u is filled then. */
int user_in_passwd(char *text, const struct ct_user_query *q, struct stage_user *u);
/* Adds the groups that name u->name to u->groups, which has room for `room`. 0 or -E2BIG. */
int user_in_group(char *text, struct stage_user *u, uint32_t room);
/* The file's whole text, terminated, as stage_alloc()ed memory in *text; 0, -ENOENT, -EFBIG,
 * -EINVAL (not a regular file, or a NUL in it), ... */
int user_file_read(const char *path, int own, char **text);

/* ---- steps ----------------------------------------------------------------------------------- */

#define CT_STEP(op, function, ...) step_fn function;
#define CT_SETUP_STEP(...)
#define CT_END_STEP(...)
#include "wire/steps.def"

#endif
