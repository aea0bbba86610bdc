/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the stage that carry out steps. */
#ifndef CT_STAGE_STEP_STEPS_H
#define CT_STAGE_STEP_STEPS_H

#include "stage/stage.h"
#include "stage/sys.h"

/* Every step function: 0, or -1 after report_error(). */
typedef int step_fn(struct stage *st, const struct ct_wire_step *s);

/* run.c: one step; 0 or -1 (reported). Skips an optional one whose input was skipped. */
int step_run(struct stage *st, uint32_t i);
/* The current step is done: tells so where it is asked for. By a step that goes on in a child. */
void step_done(struct stage *st);
/* launch.c: carries out init's steps from i on. Returns when one has failed, which is reported. */
void init_steps(struct stage *st, uint32_t i);
/* Descriptor of a slot, -1 for CT_SLOT_NONE and for an empty one. */
static inline int step_fd(const struct stage *st, int16_t slot)
{
	return slot < 0 ? -1 : st->slot[slot];
}

/* Puts fd into a slot, whatever was in it is closed. */
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

/* filter.c: loads the filter in descriptor fd into this process. 0 or a negative errno, *sys the
 * call. */
int filter_load(int fd, uint64_t flags, int *sys);
/* launch.c: the payload's limits for the calling process. 0 or a negative errno, *bad the step. */
int limits_set(struct stage *st, uint32_t *bad);
/* devices.c, in the launcher once init has been let go: waits until init wants the list of
 * devices back, and puts it back. 0, or -1 when init must not go on; reported. */
int devices_hold(struct stage *st);
/* In init: what is the launcher's for it. */
void devices_forget(struct stage *st);
/* identity.c: takes from the bounding set what is not to be kept. 0 or a negative errno. */
int caps_bound(uint64_t keep);
/* A change of identity makes the process dumpable again where the administrator wishes it, and
 * forgets the death signal: both as they were. 0 or a negative errno. */
int stay_private(struct stage *st);
/* defaults.c: gives the inheritable and ambient capabilities of the caller back, which were
 * raised so that the exec of the stage keeps those permitted. 0 or a negative errno. */
int caps_restore(uint64_t inheritable, uint64_t ambient);
/* The capabilities of the calling process: permitted and effective for root, ambient ones for
 * whoever it is. 0 or a negative errno, *sys the call. */
int caps_set(uint64_t permitted, uint64_t ambient, int *sys);

/* ---- path.c: below a descriptor -------------------------------------------------------------- */

struct path_error {
	int sys;	  /* system call that failed */
	const char *text; /* why, as a sentence; NULL: the errno says it all */
};
/* An O_PATH descriptor of `path` below `under` (-1: below "/" of this process), resolved as the
 * step's flags say; `oflags` are added (O_DIRECTORY). Negative errno. */
int path_open(int under, const char *path, unsigned flags, uint64_t oflags, struct path_error *e);
/* As path_open() of the directory that holds the last component, which goes to base[256].
 * CT_SF_CREATE_DIR: missing directories are made, 0755. -EINVAL when there is no last component. */
int path_parent(int under, const char *path, unsigned flags, char *base, struct path_error *e);
/* Where path_make() makes what is missing in a read-only tree: another mount of the same tree,
 * taken over; -1: nowhere. */
void path_targets(int fd);
/* As path_open(), but a missing last component is made: a directory, or a file. Its missing
 * parents, too. A last component that is a link which leads nowhere is followed within the root,
 * and what it names is made. */
int path_make(int under, const char *path, unsigned flags, int directory, struct path_error *e);

/* ---- lookup.c -------------------------------------------------------------------------------- */

/* What to look for. */
struct user_query {
	int by_name, has_gid;
	const char *name;
	uint32_t uid, gid;
};
/* "name", "uid" or "uid:gid"; digits are a number, never a name. 0, -EINVAL or -ERANGE. */
int user_query_parse(const char *spec, struct user_query *q);
/* Looks in the text of a passwd file. True when there is an entry; *u is filled then. */
int user_in_passwd(char *text, const struct user_query *q, struct stage_user *u);
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
