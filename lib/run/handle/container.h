/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ct_container is, and the functions behind the public calls. */
#ifndef CT_RUN_HANDLE_CONTAINER_H
#define CT_RUN_HANDLE_CONTAINER_H

#include <pthread.h>

#include <contain/contain.h>

#include "backend/backend.h"
#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/owner.h"
#include "base/arena.h"
#include "base/error.h"
#include "host/host.h"
#include "model/config.h"
#include "model/spec.h"
#include "plan/build.h"
#include "model/log.h"
#include "run/child/process.h"
#include "base/records.h"
#include "run/state/state.h"

/* A mount of ct_add_mount(): strings and descriptor are the container's. */
struct ct_extra_mount {
	int fd; /* -1: by path */
	char *source, *target, *fstype, *options;
	uint64_t flags;
};

struct ct_dev_program;
struct ct_events;

struct ct_container {
	unsigned refs; /* atomic */
	pid_t owner;
	char name[CT_NAME_SIZE];
	char *dir, *base; /* container directory; state base, NULL for an anonymous one without */
	char *path;	  /* <dir>/<name>; NULL: anonymous */
	struct ct_config *config;
	char *config_file; /* last file loaded, for hooks; NULL: none */
	int rootfs_fd;
	struct ct_extra_mount *mounts;
	uint32_t n_mounts;
	int image;	     /* borrowed sealed stage; -1 until the first start */
	struct ct_host host; /* probed by the first call that needs it */
	int host_known;
	/* the host's cgroup hierarchies as last probed; strings in trees_arena. Under the lock */
	struct ct_cgroups trees;
	struct ct_arena *trees_arena;
	struct ct_dev_program *program; /* of the last start's list of devices; atomic */
	char process[CT_OWNER_PROCESS]; /* the mark of its cgroups; "": not needed yet */
	int swept;			/* cgroups that killed callers left have been removed */
	struct ct_log log;
	/* guards init and running; never held while waiting or cloning */
	pthread_mutex_t lock;
	struct ct_process *init;     /* in-process container that is started, runs or ran last */
	struct ct_process *starting; /* detached start that is under way, or was */
	struct ct_config *running;   /* the config it was started with */
	/* how many filters of system calls who started it had then; UINT32_MAX: not known */
	uint32_t filters_before;
	struct ct_events *events; /* events.c; NULL until ct_event_fd() */
	struct ct_records errors;
};

/* ---- request.c: from the handle's config to a request for a plan ----------------------------- */

/* A prepared start or attach: everything that must exist until the plan has been carried out. */
struct ct_prepared {
	struct ct_arena *arena;
	struct ct_spec *spec;
	struct ct_host host;
	struct ct_request req;
	struct ct_backend_set backends;
	struct ct_plan *plan;
	int rootfs; /* opened root directory, -1 */
	int output; /* struct ct_wire_output's memory, for the plan; -1 */
	int share[CT_NAMESPACES];
};
#define CT_PREPARED_INIT       \
	((struct ct_prepared){ \
		.rootfs = -1, .output = -1, .share = { -1, -1, -1, -1, -1, -1, -1, -1 } })
void ct_prepared_free(struct ct_prepared *p);
#define CT_CLEAN_PREPARED __attribute__((cleanup(ct_prepared_free)))

/* The descriptor that a member of an option struct names; -1: none (0 or below). */
static inline int ct_given_fd(int fd)
{
	if (fd == CT_FD_ZERO)
		return 0;
	if (fd <= 0)
		return -1;
	return fd;
}

/* Checks the descriptors of option structs: open, and not more than can be passed on. */
int ct_check_descriptors(const int stdio[3], const int *keep, size_t n_keep, int exec_fd,
			 const char *where, struct ct_err *e);
/* The modes of the terminal `given` (a member of an option struct) as the plan has them, in the
 * arena; NULL for none. 0, or -ENOTTY and others, recorded. */
int ct_terminal_modes(int given, struct ct_arena *arena, const char **out, const char *where,
		      struct ct_err *e);
/* Reads config into a spec (with the handle's descriptors and mounts) and probes the host. */
int ct_prepare(struct ct_container *c, const struct ct_config *config, struct ct_prepared *p,
	       struct ct_err *e);
/* Fails, recorded, when an earlier call has failed and nobody has asked why: the config may lack
 * what that call was to set. */
int ct_refuse_unread(struct ct_container *c, struct ct_err *e);
/* Programs have a filter where the config says nothing of one. */
void ct_take_usual_filter(const struct ct_container *c, const ct_start_opts *o, struct ct_spec *s);
/* The cgroup hierarchies of the host, and the caller's cgroups in them: probed again only if that
 * has changed since the handle's last probe. Strings of *out live as long as the handle. 0 or an
 * error of ct_cgroups_probe(). */
int ct_look_at_cgroups(struct ct_container *c, struct ct_cgroups *out, struct ct_err *e);
/* Opens the backends for a start of p->req, which has spec, host, name and `detached`. Changes
 * nothing on the host. */
int ct_open_backends(struct ct_container *c, struct ct_prepared *p, const char *mark,
		     struct ct_err *e);
/* Opens the root directory and the namespaces to share, and fills p->req for a start. Where e
 * collects faults, without what failed. */
int ct_prepare_start(struct ct_container *c, const ct_start_opts *o, struct ct_prepared *p,
		     struct ct_err *e);
/* Checks beforehand the paths, programs and privileges on the host that the plan needs. Where e
 * collects faults all of them are found, and a plan is only made of a config without any; else it
 * stops at the first. 0 or a negative errno. */
int ct_look_ahead(struct ct_container *c, const ct_start_opts *o, struct ct_err *e);

/* ---- start.c, attach.c, life.c, define.c: the public calls of the same name, errors
 * recorded in e */
int ct_run_start(struct ct_container *c, const ct_start_opts *o, struct ct_process **out,
		 struct ct_err *e);
int ct_run_attach(struct ct_container *c, const ct_attach_opts *o, struct ct_process **out,
		  struct ct_err *e);
int ct_run_state(struct ct_container *c, struct ct_err *e);
int ct_run_wait(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e);
int ct_run_stop(struct ct_container *c, unsigned flags, int timeout_ms, struct ct_err *e);
/* Ends it with its supervisor, also with one that does not answer. */
int ct_run_end(struct ct_container *c, struct ct_err *e);
int ct_run_kill(struct ct_container *c, int sig, struct ct_err *e);
int ct_run_reboot(struct ct_container *c, int timeout_ms, struct ct_err *e);
int ct_run_last_exit(struct ct_container *c, ct_exit *out, struct ct_err *e);
int ct_run_open_process(struct ct_container *c, struct ct_process **out, struct ct_err *e);
/* pidfd of init, the caller's to close, and its pid (may be NULL). -ESRCH. */
int ct_run_init(struct ct_container *c, pid_t *pid, struct ct_err *e);
/* The result of a call on a running container's cgroups: -ESRCH if it failed because the container
 * has ended meanwhile, else r. */
int ct_unless_ended(struct ct_container *c, int r, struct ct_err *e);
/* State directory of a detached container that runs, the caller's to close. -ESRCH, recorded. */
int ct_running_dir(struct ct_container *c, struct ct_err *e);
int ct_run_freeze(struct ct_container *c, int on, int timeout_ms, struct ct_err *e);
int ct_run_kill_all(struct ct_container *c, int sig, struct ct_err *e);
/* Thaws the container, so that it can be asked to end. No error if it is not frozen. */
void ct_run_thaw(struct ct_container *c);
/* 1: the container is frozen. */
int ct_run_frozen(struct ct_container *c);
ssize_t ct_run_cgroup_get(struct ct_container *c, const char *file, struct ct_buf *out,
			  struct ct_err *e);
int ct_run_cgroup_set(struct ct_container *c, const char *file, const char *value,
		      struct ct_err *e);
int ct_run_set_limits(struct ct_container *c, const char *const *keys, const char *const *values,
		      size_t n, struct ct_err *e);
int ct_run_stats(struct ct_container *c, ct_usage *out, struct ct_err *e);
int ct_run_protections(struct ct_container *c, int format, struct ct_buf *out, struct ct_err *e);
/* Returns how many weaknesses there are. */
int ct_run_audit(struct ct_container *c, const ct_start_opts *o, int least, int format,
		 struct ct_buf *out, struct ct_err *e);
/* "critical"; "?" for a number that is none. Static. */
const char *ct_run_severity(int severity);
int ct_run_event_fd(struct ct_container *c, const ct_event_opts *o, struct ct_err *e);
int ct_run_next_event(struct ct_container *c, ct_event *out, struct ct_err *e);
void ct_events_free(struct ct_events *ev);
int ct_run_create(struct ct_container *c, const ct_create_opts *o, struct ct_err *e);
/* Runs hook.destroy. 0 also when there is none. */
int ct_run_destroy_hooks(struct ct_container *c, struct ct_err *e);
int ct_run_destroy(struct ct_container *c, unsigned flags, struct ct_err *e);
int ct_run_list(const ct_new_opts *where, unsigned which, struct ct_buf *out, struct ct_err *e);

/* The config that a running container has: that of this handle's start, or what its starter left in
 * the state directory. *out is the caller's. */
int ct_running_config(struct ct_container *c, struct ct_config **out, struct ct_err *e);
/* 1: its init is a reaper; 0: it is not. -ESRCH and others, recorded. */
int ct_running_reaper(struct ct_container *c, struct ct_err *e);
/* Makes a changed config that of the running container; on success `config` is the container's. */
int ct_keep_running_config(struct ct_container *c, struct ct_config *config, struct ct_err *e);
/* Adds a device rule, allowed or denied, to a running container. */
int ct_run_devices_set(struct ct_container *c, int allow, const char *rule, struct ct_err *e);
/* The cgroups of a running container, copies of its owner's, for ct_cgroup_forget(). `n` is 0 for a
 * container without cgroups. -ESRCH: it is not running. */
int ct_groups_of(struct ct_container *c, struct ct_cgroups_held *held, struct ct_err *e);
/* The same, and the text of its journal, in which each backend finds what it has made. */
int ct_made_of(struct ct_container *c, struct ct_cgroups_held *held, struct ct_buf *records,
	       struct ct_err *e);
/* Makes sure that c->image can be executed. */
int ct_need_image(struct ct_container *c, struct ct_err *e);
/* Gives back what the handle has kept for its next start: the image, the device program. */
void ct_drop_kept(struct ct_container *c);
/* State directory of a named container: descriptor, the caller's; -ENOENT (nothing recorded)
 * when there is none. */
int ct_state_dir(struct ct_container *c, struct ct_err *e);
/* The init process of an in-process start, with a reference; NULL when there is none
 * or it has ended. */
struct ct_process *ct_running_init(struct ct_container *c);
/* This handle's start under way, with a reference; NULL when there is none. */
struct ct_process *ct_starting_init(struct ct_container *c);
/* Default container directory for the calling user. Freshly allocated; NULL without memory. */
char *ct_default_dir(void);
/* `<dir>/<name>`, or with `file` `<dir>/<name>/<file>`. Freshly allocated; NULL without memory. */
char *ct_container_path(const struct ct_container *c, const char *file);

#endif
