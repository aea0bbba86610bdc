/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the stage that carry out steps. */
#ifndef CT_STAGE_STEPS_H
#define CT_STAGE_STEPS_H

#include "stage/stage.h"
#include "stage/sys.h"

/* Every step function: 0, or -1 after report_error(). */
typedef int step_fn(struct stage *st, const struct ct_wire_step *s);

/* run.c: one step; 0 or -1 (reported). Skips an optional one whose input was skipped. */
int step_run(struct stage *st, uint32_t i);
/* Descriptor of a slot, -1 for CT_SLOT_NONE and for an empty one. */
static inline int step_fd(const struct stage *st, int16_t slot) { return slot < 0 ? -1 : st->slot[slot]; }
/* Puts fd into a slot, whatever was in it is closed. */
void step_fill(struct stage *st, int16_t slot, int fd);
static inline int step_optional(const struct ct_wire_step *s) { return s->flags & CT_SF_OPTIONAL; }
/* report_error() with errno alone. */
static inline int step_fail(struct stage *st, int err, int sys, const char *object)
{
	return report_error(st, err, sys, object, NULL);
}

/* launch.c: the payload's limits, just before the exec. 0, or -1 when reported. */
int limits_apply(struct stage *st);

/* ---- path.c: below a descriptor ------------------------------------------------------------------------------------------ */

struct path_error {
	int sys;		/* system call that failed */
	const char *text;	/* why, as a sentence; NULL: the errno says it all */
};
/* An O_PATH descriptor of `path` below `under` (-1: below "/" of this process), resolved as the step's flags say; `oflags` are
 * added (O_DIRECTORY). Negative errno. */
int path_open(int under, const char *path, unsigned flags, uint64_t oflags, struct path_error *e);
/* As path_open() of the directory that holds the last component, which goes to base[256]. CT_SF_CREATE_DIR: missing
 * directories are made, 0755. -EINVAL when there is no last component. */
int path_parent(int under, const char *path, unsigned flags, char *base, struct path_error *e);
/* As path_open(), but a missing last component is made: a directory, or a file. Its missing parents, too. */
int path_make(int under, const char *path, unsigned flags, int directory, struct path_error *e);

/* ---- lookup.c ---------------------------------------------------------------------------------------------------------------- */

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
/* The file's whole text, terminated, as stage_alloc()ed memory in *text; 0, -ENOENT, -EFBIG, -EINVAL (not a regular file, or
 * a NUL in it), ... */
int user_file_read(const char *path, char **text);

/* ---- steps ------------------------------------------------------------------------------------------------------------------- */

/* launch.c */
step_fn step_unshare, step_setns, step_time_offset, step_clone, step_cgroup_enter, step_id_map, step_proc_write, step_prlimit, step_setsid,
	step_loopback;
/* step-mount.c */
step_fn step_propagation, step_tree_clone, step_fs_new, step_setattr, step_attach, step_stack, step_mask, step_readonly,
	step_pivot;
/* step-file.c */
step_fn step_open, step_mkdir, step_mknod, step_symlink, step_touch, step_write;
/* step-tty.c */
step_fn step_pty_new, step_pty_bind, step_send_fd, step_stdio;
/* step-identity.c */
step_fn step_hostname, step_domainname, step_keyring, step_personality, step_sched_core, step_lookup_user, step_groups,
	step_bounding, step_ids, step_caps, step_no_new_privs, step_pdeathsig, step_signals, step_chdir;
/* step-exec.c */
step_fn step_hook, step_fds, step_exec;

#endif
