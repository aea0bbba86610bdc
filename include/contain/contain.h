/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * libcontain: run a command, or a whole system, inside a Linux container.
 *
 * One ownership sentence for the whole API: what comes back through an out-parameter is the
 * caller's (strings are released with ct_free(), handles with their unref); what comes back as a
 * return value belongs to the object.
 *
 * Every int call returns >= 0, or a negative errno; outputs are untouched on failure. Why it failed
 * is in the handle: ct_last_error(c)->message. Any number of threads may use different handles at
 * once; one handle is used by one thread at a time, except that ct_kill(), ct_stop() and
 * ct_process_kill() may be called while another thread waits or starts. A handle used in a forked
 * child fails with -ECHILD.
 *
 * Option structs begin with `size`; zero means the default; an unknown non-zero tail is -E2BIG and
 * an unknown flag bit is -EINVAL.
 */
#ifndef CONTAIN_CONTAIN_H
#define CONTAIN_CONTAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <contain/errors.h>
#include <contain/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CT_PUBLIC __attribute__((visibility("default")))
#else
#define CT_PUBLIC
#endif

/** A described, perhaps running, container. Opaque; ref-counted. */
typedef struct ct_container ct_container;
/** A process started by ct_start() or ct_attach(). Opaque; ref-counted. */
typedef struct ct_process ct_process;

/* ---- errors ---------------------------------------------------------------------------------- */

/** Why a thread's last call on a handle failed. Strings are never NULL ("" when there is nothing to
 *  say) and live in the handle until the same thread's next call on it. */
typedef struct ct_error {
	size_t size; /**< sizeof(ct_error) of the library that filled it */
	int err;     /**< negative errno, 0 when the last call succeeded */
	int id;	     /**< stable number, CT_ERR_* of <contain/errors.h> */
	int line;    /**< line in `file`, 0 when there is none */
	int step;    /**< index of the plan step that failed, -1 when none */
	/** the whole story in one line */
	const char *message;
	const char *where; /**< "config", "plan", "start", "stage", "payload", "supervisor", ... */
	/** plan step, such as "mount.attach" */
	const char *step_name;
	/** backend that refused: "cgroup1", "cgroup2", "systemd", or "cgroup" where
	 *  none of them has it */
	const char *backend;
	const char *key;  /**< config key that asked for it */
	const char *file; /**< file the key was read from */
	/** system call that failed */
	const char *syscall_name;
	const char *object; /**< path, program, name it failed on */
	const char *kernel; /**< the kernel's own text where it offers one */
	const char *hint;   /**< what to do about it */
	/** further faults that the same call has found, one a line: of a config file. Since 0.3 */
	const char *more;
} ct_error;

/** The last error of `c` that the calling thread has seen; never NULL, also for c == NULL.
 *  Other threads' calls do not change it. (A handle remembers 64 threads.) Since 0.1; the
 *  thread's own since 0.3. */
CT_PUBLIC const ct_error *ct_last_error(const ct_container *c);
/** A copy of an error, with its strings, in one piece of memory that is released with ct_free(); it
 *  outlives the handle.
 *  Errors: -EINVAL (no error, no place), -ENOMEM. Since 0.3. */
CT_PUBLIC int ct_error_copy(const ct_error *e, ct_error **out);
/** Stable name of an error number ("CT_ERR_UNKNOWN_KEY"), "CT_ERR_?" for one that does
 *  not exist. Since 0.1. */
CT_PUBLIC const char *ct_error_name(int id);
/** Version of the library that is running, "0.1.0". Since 0.1. */
CT_PUBLIC const char *ct_version(void);
/** Releases what an out-parameter handed over (strings). NULL is fine. Since 0.1. */
CT_PUBLIC void ct_free(void *p);

/* ---- log ------------------------------------------------------------------------------------- */

#define CT_LOG_ERROR 1
#define CT_LOG_WARN 2
#define CT_LOG_NOTICE 3
#define CT_LOG_INFO 4
#define CT_LOG_DEBUG 5
#define CT_LOG_TRACE 6

/** Receives one log line without newline. Called in the thread that makes the API call. */
typedef void (*ct_log_fn)(void *data, int level, const char *line);
/** Sends lines up to `level` (CT_LOG_*) of this handle to `fn`; NULL stops. The library prints
 *  nothing by itself. ERROR: why a call failed. INFO: that a container runs, and each line that a
 *  hook prints. DEBUG: each step of a start or attach by its name, with the time it took, in the
 *  order of the plan; TRACE: with all that it works on, but for the values of the environment.
 *  Without `fn` the lines go to the file that the config's log.file names, up to its log.level
 *  ("error" by default), one write each; it is opened for each line. To that file goes, also with
 *  `fn`, what happens to a detached container when the start is over: what its later boots and its
 *  stop hooks print, and why one has failed. ct_stop() tells `fn` the latter, too.
 *  Errors: -EINVAL (level). Since 0.1. */
CT_PUBLIC int ct_set_log(ct_container *c, int level, ct_log_fn fn, void *data);

/* ---- handle ---------------------------------------------------------------------------------- */

/** For ct_new() and ct_list(). */
typedef struct ct_new_opts {
	size_t size;
	uint64_t flags; /**< none defined */
	/** container directory; NULL: /var/lib/libcontain, or ~/.local/share/libcontain for a
	 *  user other than root */
	const char *dir;
	/** run-time state; NULL: /run/libcontain, or $XDG_RUNTIME_DIR/libcontain */
	const char *state_dir;
	/** when not NULL: set to a static description when the call fails */
	const ct_error **error;
} ct_new_opts;

/**
 * Makes a handle. Nothing on the host changes and nothing is read; ct_load_config(c, NULL) reads
 * the stored config.
 * @param name letters, digits and "._-", not starting with "." or "-", at most 255 bytes (63 before
 *             0.3); NULL: anonymous, nothing is ever stored
 * Errors: -EINVAL (name, flags, empty path), -E2BIG (unknown tail), -ENAMETOOLONG,
 * -ENOMEM. Since 0.1.
 */
CT_PUBLIC int ct_new(ct_container **out, const char *name, const ct_new_opts *opts);
/** One more owner; returns c. Since 0.1. */
CT_PUBLIC ct_container *ct_ref(ct_container *c);
/** One owner less; the last one releases the handle. An in-process container belongs to this handle
 *  and to the process handles that ct_start() and ct_open_process() gave for it: when the last of
 *  them all goes it is killed and reaped, if it still runs. A detached one lives on. Accepts NULL.
 *  Returns NULL. Since 0.1. */
CT_PUBLIC ct_container *ct_unref(ct_container *c);
/** Name, "" for an anonymous container. Since 0.1. */
CT_PUBLIC const char *ct_name(const ct_container *c);
/** Directory the container is defined in (`<dir>/<name>`), "" for an anonymous one. Since 0.1. */
CT_PUBLIC const char *ct_path(const ct_container *c);

/* ---- configuration --------------------------------------------------------------------------- */

/**
 * Sets one key ("rootfs.path", with or without the "lxc." prefix). A list key appends; an empty
 * value clears. A change that has failed, by this call, ct_clear_config(), ct_load_config(),
 * ct_add_mount() or ct_set_rootfs_fd(), makes ct_start(), ct_check() and ct_dump_plan() fail with
 * its error (since 0.3), until ct_last_error() has been asked or the same key has been set: a typo
 * is never a container without its limit.
 * Errors: -ENOENT (unknown key), -EINVAL (value), -ERANGE (number), -EILSEQ (control character),
 * -ENOMEM. Since 0.1.
 */
CT_PUBLIC int ct_set_config(ct_container *c, const char *key, const char *value);
/**
 * Writes the key's value as ct_set_config() would take it, lists one entry a line, into buf (always
 * terminated when size > 0). Returns the full length without the NUL, as snprintf() does; 0 when
 * the key is not set and has no default.
 * Errors: -ENOENT (unknown key), -EINVAL. Since 0.1.
 */
CT_PUBLIC ssize_t ct_get_config(ct_container *c, const char *key, char *buf, size_t size);
/** Clears one key, a subtree ("net", "net.0", "hook") or, with NULL, everything, the mounts of
 *  ct_add_mount() and the directory of ct_set_rootfs_fd() too (these since 0.3). Errors:
 *  -ENOENT. Since 0.1. */
CT_PUBLIC int ct_clear_config(ct_container *c, const char *key);
/** All keys that begin with `prefix` (NULL: all), one a line, into buf; returns as ct_get_config().
 *  With a trailing ".*" a key takes a name in that place. Since 0.1. */
CT_PUBLIC ssize_t ct_list_keys(const char *prefix, char *buf, size_t size);

/** What is known of one key. Strings are static. */
typedef struct ct_key_info {
	size_t size;
	const char *name;
	const char *type; /**< "bool", "size", "path", "list of capabilities", ... */
	const char *dflt; /**< default as text, "" for none */
	const char *help; /**< one sentence */
	uint32_t flags;	  /**< CT_KEY_* */
} ct_key_info;

#define CT_KEY_LIST 1u	      /**< setting it appends */
#define CT_KEY_STORED_ONLY 2u /**< kept and saved; a start that would need it is refused */
#define CT_KEY_OURS 4u	      /**< not an LXC key */
/** Describes `key`. Errors: -ENOENT, -E2BIG. Since 0.1. */
CT_PUBLIC int ct_describe_key(const char *key, ct_key_info *out);

/** Reads a config file on top of what is set; NULL: the container's own. On an error nothing
 *  is changed, and all lines that are wrong are told: the first by the error, the others by
 *  its `more`. Errors:
 *  -ENOENT (file, key), -EINVAL, -ELOOP (include depth), -EFBIG, -EILSEQ, -EACCES and other open(2)
 *  errors. Since 0.1. */
CT_PUBLIC int ct_load_config(ct_container *c, const char *path);
/** Writes the config atomically, comments and includes kept; NULL: the container's own file (which
 *  ct_create() made).
 *  Errors: those of open(2), rename(2). Since 0.1. */
CT_PUBLIC int ct_save_config(ct_container *c, const char *path);

/* ---- descriptors first ----------------------------------------------------------------------- */

/** Uses the directory `fd` (any directory descriptor, O_PATH is enough; duplicated) as
 *  root file system instead of rootfs.path; -1 takes it back. Errors: -EBADF, -ENOTDIR,
 *  -EMFILE. Since 0.1. */
CT_PUBLIC int ct_set_rootfs_fd(ct_container *c, int fd);

/** Descriptor 0, in a member of an option struct where 0 itself means none or the caller's own:
 *  stdio, exec_fd, source_fd. (keep_fds and ct_set_rootfs_fd() take 0 as any other.) Since 0.3. */
#define CT_FD_ZERO (-1000)

#define CT_MOUNT_READONLY 0x01u
#define CT_MOUNT_NOSUID 0x02u
#define CT_MOUNT_NODEV 0x04u
#define CT_MOUNT_NOEXEC 0x08u
/** take the mounts below the source, too; flags then go for all of them */
#define CT_MOUNT_RECURSIVE 0x10u
#define CT_MOUNT_CREATE 0x20u	/**< make a missing target (directory or file, as the source is) */
#define CT_MOUNT_OPTIONAL 0x40u /**< skip when the source or target is missing */
#define CT_MOUNT_PRIVATE 0x100u
#define CT_MOUNT_SLAVE 0x200u
#define CT_MOUNT_SHARED 0x400u
#define CT_MOUNT_UNBINDABLE 0x800u

/** One mount for ct_add_mount(). */
typedef struct ct_mount {
	size_t size;
	/** > 0, CT_FD_ZERO: bind this file or directory (duplicated); else: use `source` */
	int source_fd;
	const char *source;  /**< path on the host to bind, or the source of `fstype` */
	const char *target;  /**< path in the container */
	const char *fstype;  /**< NULL: bind; else a file system such as "tmpfs" */
	const char *options; /**< file system's own options, "size=1m,mode=755" */
	uint64_t flags;	     /**< CT_MOUNT_* */
} ct_mount;

/** Adds a mount after those of the config. What is mounted is the descriptor's object, whatever
 *  happens to its path.
 *  Errors: -EINVAL, -E2BIG, -EBADF, -EMFILE, -ENOMEM. Since 0.1. */
CT_PUBLIC int ct_add_mount(ct_container *c, const ct_mount *mount);

/* ---- processes ------------------------------------------------------------------------------- */

#define CT_START_DETACH 0x1u /**< a supervisor keeps the container; the handle may go away */

/** new pseudo terminal as stdio and controlling terminal; see ct_process_pty(). With
 *  CT_START_DETACH: the console, as ct_console_open() gives it, from its first byte on */
#define CT_START_PTY 0x2u
#define CT_START_CLEAR_ENV 0x4u	    /**< only `envp`: no default and no config environment */
#define CT_START_EXECUTE 0x8u	    /**< argv NULL: use execute.cmd instead of init.cmd */
#define CT_START_NO_NEW_PRIVS 0x10u /**< set no_new_privs whatever the config says */

/** a small init is pid 1 and the program its child, as init.reaper = 1. The default for
 *  CT_START_EXECUTE and for anonymous containers with argv or exec_fd. Since 0.3 */
#define CT_START_REAPER 0x20u

/** the program is pid 1, as init.reaper = 0; not both. Since 0.3 */
#define CT_START_NO_REAPER 0x40u

/** return when the start is under way; see ct_process_started(). Since 0.3 */
#define CT_START_NOWAIT 0x80u

/** the caller answers the calls that the filter notifies of, and not the proxy that the config may
 *  name (seccomp.notify.proxy): ct_process_notify_fd(). Not with CT_START_DETACH. For a moment the
 *  start takes one thread more, which limit.pids counts. Since 0.3 */
#define CT_START_NOTIFY 0x100u

/** How to start. */
typedef struct ct_start_opts {
	size_t size;
	uint64_t flags;		 /**< CT_START_* */
	const char *const *argv; /**< NULL-terminated; NULL: init.cmd (default /sbin/init) */
	/** "K=V", NULL-terminated; added to, or replacing by name, the configured */
	const char *const *envp;
	/** 0: the caller's own of the same number; -1: /dev/null; > 0: this descriptor (borrowed),
	 *  CT_FD_ZERO: descriptor 0. With CT_START_DETACH three zeros mean the console, and {
	 *  CT_FD_ZERO, 0, 0 } the caller's own */
	int stdio[3];
	/** > 0, CT_FD_ZERO: execute this descriptor, argv[0] is then only a name (borrowed) */
	int exec_fd;
	const int *keep_fds; /**< handed over as 3, 4, ... in this order (borrowed) */
	size_t n_keep_fds;
	uint16_t rows, cols; /**< window size for CT_START_PTY; 0: 24 x 80 */
	uint32_t reserved;
	/** the program is executed within so many milliseconds, and what hooks may take, or the
	 *  start fails with -ETIMEDOUT; 0: 10 seconds. Since 0.3 */
	uint32_t timeout_ms;
	/** a terminal whose modes (stty(1)) the one of CT_START_PTY begins with; 0: the
	 *  kernel's own. Since 0.3 */
	int modes_fd;
} ct_start_opts;

#define CT_NS_MNT 0x01u
#define CT_NS_PID 0x02u
#define CT_NS_UTS 0x04u
#define CT_NS_IPC 0x08u
#define CT_NS_USER 0x10u
#define CT_NS_NET 0x20u
#define CT_NS_CGROUP 0x40u
#define CT_NS_TIME 0x80u
#define CT_NS_ALL 0xffu

/** as CT_START_PTY. The terminal is one of the container's; where that has none to give (no devpts,
 *  or no number left in it), one of the host's, and the log says so (since 0.3) */
#define CT_ATTACH_PTY 0x1u
#define CT_ATTACH_SET_UID 0x2u	  /**< use `uid` */
#define CT_ATTACH_SET_GID 0x4u	  /**< use `gid` */
#define CT_ATTACH_SET_GROUPS 0x8u /**< use `groups` (an empty list means none) */
/** use `caps`: no other will be had, root has them, and another user, too (ambient, since 0.3);
 *  otherwise the sets of the container's payload */
#define CT_ATTACH_SET_CAPS 0x10u
#define CT_ATTACH_NO_NEW_PRIVS 0x20u
#define CT_ATTACH_CLEAR_ENV 0x40u /**< only `envp` */
#define CT_ATTACH_KEEP_ENV 0x80u  /**< the caller's environment, then `envp` */
#define CT_ATTACH_ELEVATED 0x100u /**< all capabilities of the caller, no no_new_privs */
#define CT_ATTACH_NOWAIT 0x200u	  /**< as CT_START_NOWAIT. Since 0.3 */

/** as CT_START_NOTIFY; what attaches has a listener of its own, and without this flag none: the
 *  kernel answers ENOSYS. Since 0.3 */
#define CT_ATTACH_NOTIFY 0x400u

/** How to enter. */
typedef struct ct_attach_opts {
	size_t size;
	uint64_t flags; /**< CT_ATTACH_* */
	/** NULL: login shell of the user, from the container's passwd, else /bin/sh */
	const char *const *argv;
	const char *const *envp;
	int stdio[3]; /**< as in ct_start_opts */
	int exec_fd;
	const int *keep_fds;
	size_t n_keep_fds;
	uint16_t rows, cols;
	uint32_t namespaces; /**< CT_NS_* to join; 0: all that the container has */
	uint32_t uid, gid;   /**< in the container; only with their flags */
	const uint32_t *groups;
	size_t n_groups;
	/** name or "uid[:gid]", looked up in the container's passwd; not with SET_UID */
	const char *user;
	const char *cwd; /**< NULL: "/" */
	/** names, or (since 0.3) numbers, separated by spaces; "" for none */
	const char *caps;
	uint32_t timeout_ms; /**< as in ct_start_opts. Since 0.3 */
	int modes_fd;	     /**< as in ct_start_opts. Since 0.3 */
} ct_attach_opts;

#define CT_EXIT_NONE 0	   /**< still running */
#define CT_EXIT_EXITED 1   /**< `code` is its exit code */
#define CT_EXIT_SIGNALED 2 /**< `signal` killed it */
#define CT_EXIT_TIME 3	   /**< limit.time was up */
#define CT_EXIT_OUTPUT 4   /**< limit.output was passed */
#define CT_EXIT_STOPPED 5  /**< ended by ct_stop(), ct_kill() or ct_process_kill() */
#define CT_EXIT_REBOOT 6   /**< the system inside asked for a reboot (only seen in process) */
#define CT_EXIT_HALT 7	   /**< the system inside powered itself off */

/** status unknown: taken by someone else, or the supervisor was killed */
#define CT_EXIT_LOST 8

/** a process of the container was killed because limit.memory was reached */
#define CT_EXIT_MEMORY 9
#define CT_EXIT_PIDS 10	   /**< a process was refused because limit.pids was reached */
#define CT_EXIT_CPUTIME 11 /**< limit.cputime was used up */

/** `signal` is SIGSYS: it made a system call for which its filter (seccomp.profile) ends a process.
 *  A call that is only refused is no reason. Since 0.3 */
#define CT_EXIT_FILTER 12

/** A figure that the host or the container's layout does not offer. */
#define CT_ABSENT (~(uint64_t)0)

/** How a process ended and what it used. */
typedef struct ct_exit {
	size_t size;
	int reason;	  /**< CT_EXIT_* */
	int code;	  /**< exit code; for a signal 128 + signal */
	int signal;	  /**< signal number, 0 for none */
	int core;	  /**< 1 when core was dumped */
	uint64_t wall_us; /**< from just before exec to the end, microseconds */
	/** CPU time of the process and its waited-for children from the exec on, microseconds */
	uint64_t user_us;
	uint64_t system_us;
	uint64_t max_rss; /**< bytes, of the largest process */
	/* Since 0.2: use of the whole tree of processes, by its cgroup; CT_ABSENT
	 * where there was none. */
	uint64_t cpu_us;      /**< CPU time from the exec on, microseconds */
	uint64_t memory_peak; /**< bytes */
	uint64_t io_read;     /**< bytes read from block devices */
	uint64_t io_written;  /**< bytes written to them */
	/** most processes and threads at once, a small init not among them */
	uint64_t pids_peak;
	uint64_t oom_kills;    /**< processes killed for want of memory */
	uint64_t pids_refused; /**< processes refused because limit.pids was reached. Since 0.3 */
	/* Since 0.3: what limit.output lets through and did not arrive; see ct_process_wait(). */
	/** why: a negative errno of the descriptor that did not take it (-EPIPE,
	 *  -ENOSPC), -ETIMEDOUT: nobody read it after the end, -ECHILD: who counts was
	 *  killed; 0: all has arrived */
	int output_error;
	uint64_t output_lost; /**< bytes that the process has written and that did not arrive */
	/** Of CT_EXIT_FILTER the name of the system call, such as "mkdir". "" where it is not
	 *  known: of a detached container, in a pid namespace that is not the first, and where the
	 *  kernel's log does not tell it or may not be read (syslog(2)). Since 0.3 */
	char filter_call[32];
} ct_exit;

/**
 * Starts the container. Returns once the payload has been executed (not merely forked), within
 * opts->timeout_ms; with CT_START_NOWAIT as soon as the start is under way, and then it blocks
 * for about a millisecond. ct_stop(), ct_kill() and ct_process_kill() from another thread call a
 * start off: -ECANCELED.
 * @param out  the payload; may be NULL for CT_START_DETACH
 * Not detached, the container lives in this process' care: it ends when this process ends. A handle
 * can be started again after its process has ended.
 * Errors: -EBUSY (is already running), -EINVAL, -E2BIG, -EPERM, -ENOENT / -EACCES / -ENOEXEC
 * (program), -EOPNOTSUPP (a key that cannot be honoured), -ENOSYS (kernel), -ECHILD (forked
 * handle, or the stage was killed), -ETIMEDOUT, -ECANCELED, and what the failing step's system
 * call returned. Since 0.1.
 */
CT_PUBLIC int ct_start(ct_container *c, const ct_start_opts *opts, ct_process **out);
/** Runs a program in a running container with the payload's identity, in the same cgroups. Errors:
 *  -ESRCH (not running), -EBUSY (frozen: it could not begin; or a hook of its start runs, for which
 *  its list of devices is lifted), else as ct_start().
 *  Since 0.1. */
CT_PUBLIC int ct_attach(ct_container *c, const ct_attach_opts *opts, ct_process **out);

/** Of a start or attach with NOWAIT: a descriptor (borrowed) that polls readable when
 *  ct_process_started() may have more to say; valid until that returns anything but -EINPROGRESS.
 *  Errors: -ESRCH (not under way). Since 0.3. */
CT_PUBLIC int ct_process_start_fd(const ct_process *p);
/** Goes on with a start under way for up to timeout_ms (0: looks only, -1: until it is over). 0:
 *  the program is executed. The deadline of a start is kept here: who never asks again leaves it as
 *  it is. Releasing p calls it off.
 *  Errors: -EINPROGRESS (not yet), else as ct_start(): it has failed, and nothing of it
 *  is left. Since 0.3. */
CT_PUBLIC int ct_process_started(ct_process *p, int timeout_ms);
/** One more owner; returns p. Since 0.1. */
CT_PUBLIC ct_process *ct_process_ref(ct_process *p);
/** One owner less. A program of ct_attach() that still runs is killed and reaped with its last
 *  owner; the init of an in-process container when its container's handle is released, too. Accepts
 *  NULL, returns NULL. Since 0.1. */
CT_PUBLIC ct_process *ct_process_unref(ct_process *p);
/** Process id in the caller's pid namespace; of a detached container's first init. Where a program
 *  has a small init as pid 1 (init.reaper) it is that one's, to which signals can be sent all the
 *  same. -EINPROGRESS while it is started. Since 0.1. */
CT_PUBLIC pid_t ct_process_pid(const ct_process *p);
/** Descriptor (borrowed) that polls readable when the process has ended; of a detached container's
 *  first init, while ct_process_wait() waits through reboots. Since 0.1. */
CT_PUBLIC int ct_process_pidfd(const ct_process *p);
/** Descriptor (borrowed) that polls readable when ct_process_wait(p, &x, 0) has the verdict: for an
 *  event loop, which would turn in circles where ct_process_pidfd() is readable and output still
 *  waits to be read (limit.output). Of a detached container, its last end: reboots do not make it
 *  readable. Errors: -EINVAL. Since 0.3. */
CT_PUBLIC int ct_process_end_fd(const ct_process *p);
/** Waits up to timeout_ms (-1: for ever, 0: look only). `out` may be NULL. Can be repeated;
 *  the verdict stays.
 *
 *  With limit.output a process of the library's own passes on and counts what the payload prints to
 *  its stdout and stderr, be the caller waiting, stopped or busy (programs of ct_attach() are not
 *  counted). The payload blocks on a full pipe and gets EPIPE from a closed one as it would
 *  without. The end is when the payload has ended and its output has been passed on; until then
 *  -ETIMEDOUT, and the message tells how many bytes still wait to be read. This call neither writes
 *  nor blocks on that. What nobody takes for 10 seconds after the payload's end (1 second after one
 *  that was killed, by a limit or by anybody) is given up, and told in output_error and
 *  output_lost; so is what a descriptor refused.
 *  Returns 1 when it has ended and something stays of an ephemeral container's directory:
 *  ct_process_last_error() tells what, and the next ct_destroy(), ct_create() or
 *  ct_list() tries again.
 *  Errors: -ETIMEDOUT (not ended, or output waits), -E2BIG, -EINTR never. Since 0.1. */
CT_PUBLIC int ct_process_wait(ct_process *p, ct_exit *out, int timeout_ms);
/** Sends a signal to init; a small init (init.reaper) hands it on to the program. SIGKILL ends all.
 *  Errors: -ESRCH (ended),
 *  -EINVAL, -EPERM. Since 0.1. */
CT_PUBLIC int ct_process_kill(ct_process *p, int sig);
/** Master of its pseudo terminal (borrowed), or -ENOTTY. Of a detached container it is the
 *  console's stream, which stays over reboots. Since 0.1. */
CT_PUBLIC int ct_process_pty(const ct_process *p);
/** New window size for its terminal. Errors: -ENOTTY, -EINVAL, -ESRCH. Since 0.1. */
CT_PUBLIC int ct_process_resize(ct_process *p, unsigned rows, unsigned cols);
/** The calling thread's last error of a ct_process_* call; never NULL. Since 0.1. */
CT_PUBLIC const ct_error *ct_process_last_error(const ct_process *p);

/* ---- notifications of a filter --------------------------------------------------------------- */

/** Listener of the filter (seccomp.profile) of a start with CT_START_NOTIFY, or an attach with
 *  CT_ATTACH_NOTIFY: a descriptor (borrowed) that polls readable when a call waits for an answer,
 *  and POLLHUP when no process has the filter any more (before Linux 6.11 one that has ended has it
 *  until its parent has waited for it). It lives as long as p; a duplicate of it may be served by
 *  another process. When all of them are closed the kernel answers ENOSYS. Calls
 *  that the library itself makes after the filter is loaded, up to the exec, are let through by it.
 *  Does not block.
 *  Errors: -EINPROGRESS (the program is not executed yet), -ENOENT (the filter notifies of nothing,
 *  or the flag was not given), -EINVAL. Since 0.3. */
CT_PUBLIC int ct_process_notify_fd(const ct_process *p);

/** A call that waits for an answer. All but `size` is filled by ct_notify_receive(). Since 0.3. */
typedef struct ct_notify {
	size_t size;
	uint64_t id; /**< of the request */
	int pid;     /**< the thread that makes the call, as the receiver sees it; 0: it does not */
	int nr;	     /**< the call's number on `arch` */
	uint32_t arch;	  /**< AUDIT_ARCH_* of linux/audit.h */
	uint32_t flags;	  /**< of the kernel; 0 so far */
	uint64_t ip;	  /**< instruction pointer */
	uint64_t args[6]; /**< its arguments; memory they point at can change at any time */
	char call[40];	  /**< its name; "" when none is known */
} ct_notify;

/*
 * The functions below take the listener's descriptor and no handle: they can be called in any
 * process that has it, and by any thread, though by one at a time for ct_notify_receive(). None
 * blocks. A request is over when its process has been killed, or a signal has interrupted the call;
 * that is -ENOENT.
 */

/** Takes a request. Errors: -EAGAIN (none waits), -EPIPE (no process has the filter any more),
 *  -EINVAL (n->size is not set: begin with CT_NOTIFY_INIT), -EBADF, -ENOTTY (no listener),
 *  -EOVERFLOW (the kernel's requests are longer than this library knows), -ENOMEM. Since 0.3. */
CT_PUBLIC int ct_notify_receive(int fd, ct_notify *n);
/** 0: the request still waits for its answer. What was learned about its process by its pid before
 *  this call, was learned about that process and no later one of the same number.
 *  Errors: -ENOENT (it is over), -EINVAL, -EBADF, -ENOTTY. Since 0.3. */
CT_PUBLIC int ct_notify_valid(int fd, const ct_notify *n);
/** Reads memory of the process that waits. All that names it is a number, which may be another
 *  process's by now: so the request is looked at after the read, and nothing is given out when it
 *  is over. What was read may change as soon as it is read: another thread of the process can write
 *  there.
 *  @param addr  where, in the process; mostly one of n->args
 *  @param len   bytes of `buf`
 *  Returns the bytes read, less than len where memory ends; the rest of buf is zero.
 *  Errors: -ENOENT (the request is over), -EFAULT (no memory there), -EPERM (the caller may not
 *  trace the process), -ESRCH (it is not in the caller's pid namespace), -EINVAL, -EBADF, -ENOTTY.
 *  Since 0.3. */
CT_PUBLIC ssize_t ct_notify_read(int fd, const ct_notify *n, uint64_t addr, void *buf, size_t len);
/** The same for a text, such as a path. Returns its length; buf holds it, terminated, or "" on
 *  failure. Errors: -ENAMETOOLONG (it does not end within len bytes), else as ct_notify_read().
 *  Since 0.3. */
CT_PUBLIC ssize_t ct_notify_read_string(int fd, const ct_notify *n, uint64_t addr, char *buf,
					size_t len);
/** Writes to memory of the process that waits, which is held before the request is looked at: no
 *  other process is written to. Also to memory that the process itself can only read, if it is its
 *  own. Needs /proc. Returns the bytes written.
 *  Errors: -EXDEV (/proc is not of the caller's pid namespace, or is missing), -EACCES, else as
 *  ct_notify_read(). Since 0.3. */
CT_PUBLIC ssize_t ct_notify_write(int fd, const ct_notify *n, uint64_t addr, const void *buf,
				  size_t len);

#define CT_NOTIFY_ADD_CLOEXEC 0x1u /**< close-on-exec in the process */

/** the call returns the new descriptor: the request is answered. In one step with Linux 5.14 and
 *  later; before that the process may keep the descriptor although the call was interrupted */
#define CT_NOTIFY_ADD_ANSWER 0x2u

/** Gives the process that waits a descriptor, the lowest number that is free. Waits for the moment
 *  that the kernel takes to put it there.
 *  @param source_fd  borrowed; the process gets the same open file
 *  Returns its number in the process. Errors: -ENOENT (the request is over), -EINPROGRESS (it is
 *  answered), -EBADF, -EMFILE (the process has no number free), -EINVAL, -ENOTTY. Since 0.3. */
CT_PUBLIC int ct_notify_add_fd(int fd, const ct_notify *n, int source_fd, unsigned flags);
/** Lets the call go on as if it were not filtered. It reads its arguments in memory anew, and
 *  another thread may have changed them: no decision about what is safe can be made this way.
 *  Errors: -ENOENT (the request is over), -EINPROGRESS (it is answered already), -EINVAL, -EBADF,
 *  -ENOTTY. Since 0.3. */
CT_PUBLIC int ct_notify_continue(int fd, const ct_notify *n);
/** Makes the call fail. @param error  an errno, 1 to 4095. Errors: as ct_notify_continue().
 *  Since 0.3. */
CT_PUBLIC int ct_notify_error(int fd, const ct_notify *n, int error);
/** Makes the call return a value, without being carried out. Errors: as ct_notify_continue().
 *  Since 0.3. */
CT_PUBLIC int ct_notify_return(int fd, const ct_notify *n, int64_t value);

/* ---- life ------------------------------------------------------------------------------------ */

#define CT_STATE_STOPPED 0x01u
#define CT_STATE_STARTING 0x02u
#define CT_STATE_RUNNING 0x04u
#define CT_STATE_STOPPING 0x08u
#define CT_STATE_FROZEN 0x10u
#define CT_STATE_ABORTING 0x20u

/** State now (one CT_STATE_* bit), or a negative errno. Clears what a killed supervisor left.
 *  Waits some seconds at most: -ETIMEDOUT, with the process in the message, when the supervisor
 *  does not answer; -EPERM when the caller is in another user, mount or pid namespace than the
 *  supervisor, for such a one may be in a container; -EMFILE and the like when it cannot be
 *  looked at. Since 0.1. */
CT_PUBLIC int ct_state(ct_container *c);
/** "STOPPED", "RUNNING", ... Since 0.1. */
CT_PUBLIC const char *ct_state_name(int state);
/** Waits until the state is one of `mask`; returns it. Errors: -ETIMEDOUT, -EINVAL. Since 0.1. */
CT_PUBLIC int ct_wait(ct_container *c, unsigned mask, int timeout_ms);
/** Process id of the container's init in the caller's pid namespace, or -ESRCH. Since 0.1. */
CT_PUBLIC pid_t ct_init_pid(ct_container *c);
/** New close-on-exec pidfd of the container's init, the caller's to close, or -ESRCH. Since 0.1. */
CT_PUBLIC int ct_init_pidfd(ct_container *c);

#define CT_STOP_NO_KILL 0x1u /**< only ask; -ETIMEDOUT when it does not go */
#define CT_STOP_KILL 0x2u    /**< do not ask */
#define CT_STOP_NO_WAIT 0x4u /**< ask, return at once */
/** Asks init to end, waits up to timeout_ms, then sends signal.stop and waits for the end. It is
 *  asked by signal.halt; where that is not set, a program by SIGTERM and a system by the first of
 *  SIGRTMIN+3, SIGPWR and SIGTERM that its init catches, or blocks to read it. A supervisor that
 *  does not answer within a second (somebody has stopped it) is gone round. Errors: -ESRCH,
 *  -ETIMEDOUT, -EINVAL. Since 0.1. */
CT_PUBLIC int ct_stop(ct_container *c, unsigned flags, int timeout_ms);
/** Sends `sig` to init. Errors: -ESRCH, -EINVAL, -EPERM. Since 0.1. */
CT_PUBLIC int ct_kill(ct_container *c, int sig);
/** Sends signal.reboot to init and waits up to timeout_ms until the container has come back
 *  (0: does not wait). At a reboot the hooks of the end run with LXC_TARGET=reboot, then
 *  those of a start; boots of less than a second are followed by a pause of 0.1 s, then 0.2
 *  s, up to 5 s. Detached containers only. Errors: -ESRCH, -ETIMEDOUT, -EBUSY (frozen),
 *  -EOPNOTSUPP. Since 0.1. */
CT_PUBLIC int ct_reboot(ct_container *c, int timeout_ms);

/** How the last run of a defined, detached container has ended; `out` begins with CT_EXIT_INIT. The
 *  record stays until the next start or ct_destroy(); of an ephemeral container, and of one that is
 *  not defined, there is none. After its supervisor was killed CT_EXIT_LOST is told once, by the
 *  call that clears what it left. Does not block. Errors: -ENODATA (it runs, or nothing is
 *  recorded), -EINVAL (out->size). Since 0.3. */
CT_PUBLIC int ct_last_exit(ct_container *c, ct_exit *out);
/** A handle for the process of a detached container that runs, whoever has started it, the caller's
 *  to release with ct_process_unref(): its ct_process_wait() waits through reboots and tells the
 *  verdict. Of a container that this handle runs in process, another reference. Waits some seconds
 *  at most, for the supervisor. Errors: -ESRCH (no supervisor, or no init at this moment),
 *  -ETIMEDOUT, -EPERM, -EMFILE, -EAGAIN. Since 0.3. */
CT_PUBLIC int ct_open_process(ct_container *c, ct_process **out);

/** Opens the console (tty 0) or another tty of a detached container: a descriptor, the caller's to
 *  close, that speaks to the terminal, over reboots, until the container ends. Errors: -ESRCH,
 *  -EBUSY (someone else has it), -ENOTTY (no such tty). Since 0.1. */
CT_PUBLIC int ct_console_open(ct_container *c, unsigned tty);
/** Tells a console opened by ct_console_open() its window size. Errors: -ESRCH,
 *  -ENOTTY. Since 0.1. */
CT_PUBLIC int ct_console_resize(ct_container *c, unsigned tty, unsigned rows, unsigned cols);
#define CT_CONSOLE_LOG_CLEAR 0x1u
/** The console's ring buffer (console.buffer.size). `*len` bytes in `*out`. Errors: -ESRCH,
 *  -ENODATA (no buffer).
 *  Since 0.1. */
CT_PUBLIC int ct_console_log(ct_container *c, unsigned flags, char **out, size_t *len);

/* ---- cgroups: limits, freezing, figures, events ---------------------------------------------- */

/** Stops every process of the container where it is (cgroup freezer) and waits up to timeout_ms
 *  (-1: for ever) until all of them have. The container can be stopped and killed while it is
 *  frozen. Errors: -ESRCH, -ETIMEDOUT (thawed again then), -EOPNOTSUPP (the container has no cgroup
 *  that can freeze). Since 0.2. */
CT_PUBLIC int ct_freeze(ct_container *c, int timeout_ms);
/** Lets them go on. Errors: as ct_freeze(). Since 0.2. */
CT_PUBLIC int ct_unfreeze(ct_container *c, int timeout_ms);
/** Sends `sig` to every process of the container's cgroup. SIGKILL reaches all of them, also those
 *  that fork meanwhile or are frozen. Errors: -ESRCH, -EINVAL, -EPERM, -EOPNOTSUPP (no cgroup and
 *  no pid namespace). Since 0.2. */
CT_PUBLIC int ct_kill_all(ct_container *c, int sig);

/** Reads a cgroup file of the running container by its name, "memory.max", "pids.current", from the
 *  hierarchy that serves it; returns as ct_get_config(). Errors: -ESRCH, -EINVAL (name), -ENOENT
 *  (no such file, or no such controller here). Since 0.2. */
CT_PUBLIC ssize_t ct_cgroup_get(ct_container *c, const char *file, char *buf, size_t size);
/** Writes one. `devices.allow` and `devices.deny` work on either version. Errors: as above, and
 *  what the kernel says to the value. On version 1 cpuset.cpus, cpuset.mems and
 *  cpu.cfs_quota_us bind the groups that the payload has made below: one that has all that the
 *  container has goes with it, another is left no more than the new value. An empty value is
 *  written as an empty line. Since 0.2. */
CT_PUBLIC int ct_cgroup_set(ct_container *c, const char *file, const char *value);
/**
 * Changes limits of the running container, all or nothing: keys[i] ("limit.memory") gets values[i];
 * an empty value takes the limit away. The stored config is not touched.
 * Errors: -ESRCH, -ENOENT (key), -EINVAL (value, or a key that cannot change while it runs),
 * -ERANGE, -EOPNOTSUPP (no controller here), -EBUSY (more is in use than the new limit allows),
 * -ETIMEDOUT (another call that changes them does not end), and what the kernel says. Since 0.2.
 */
CT_PUBLIC int ct_set_limits(ct_container *c, const char *const *keys, const char *const *values,
			    size_t n);

/** Part of ct_usage: pressure stall figures of one resource; CT_ABSENT where the kernel has none.
 *  Averages are hundredths of a percent over 10, 60 and 300 seconds, totals microseconds. */
typedef struct ct_pressure {
	uint64_t some_avg10, some_avg60, some_avg300, some_total_us;
	uint64_t full_avg10, full_avg60, full_avg300, full_total_us;
} ct_pressure;

/** What the container uses, one struct for either cgroup version. Every figure may be CT_ABSENT; so
 *  is a limit that is not set. A small init (init.reaper) is not counted among the pids. */
typedef struct ct_usage {
	size_t size;
	uint64_t memory; /**< bytes in use, page cache included */
	uint64_t memory_peak, memory_limit;
	uint64_t memory_anon, memory_file, memory_kernel;
	uint64_t swap, swap_limit;   /**< bytes of swap alone */
	uint64_t memory_high_events; /**< times it was slowed down at memory.high */
	uint64_t memory_max_events;  /**< times it was at its limit */
	uint64_t oom_events, oom_kills;
	/** of the groups, with what the set-up took before the exec: some hundred us */
	uint64_t cpu_us, cpu_user_us, cpu_system_us;
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_us;
	uint64_t io_read, io_written; /**< bytes */
	uint64_t io_reads, io_writes; /**< requests */
	uint64_t pids, pids_peak, pids_limit;
	uint64_t pids_refused; /**< processes refused at limit.pids */
	ct_pressure cpu_pressure, memory_pressure, io_pressure;
} ct_usage;

/** Reads the figures. Errors: -ESRCH, -EINVAL (size), -EOPNOTSUPP (no cgroup). Since 0.2. */
CT_PUBLIC int ct_stats(ct_container *c, ct_usage *out);

#define CT_EVENT_STARTED 1     /**< runs, also again after a reboot */
#define CT_EVENT_EXITED 2      /**< ended; nothing comes after it until it is started again */
#define CT_EVENT_OOM 3	       /**< limit.memory was reached and nothing could be reclaimed */
#define CT_EVENT_OOM_KILL 4    /**< a process was killed for it */
#define CT_EVENT_MEMORY_HIGH 5 /**< limit.memory.high was passed */
#define CT_EVENT_PIDS_LIMIT 6  /**< a process was refused at limit.pids */
#define CT_EVENT_FROZEN 7
#define CT_EVENT_THAWED 8
#define CT_EVENT_EMPTY 9     /**< the last process has left the cgroup */
#define CT_EVENT_PRESSURE 10 /**< a threshold of ct_event_opts was passed */

#define CT_RESOURCE_NONE 0
#define CT_RESOURCE_CPU 1
#define CT_RESOURCE_MEMORY 2
#define CT_RESOURCE_IO 3

/** For ct_event_fd(). A threshold is a stall time in microseconds within the window; 0: none. */
typedef struct ct_event_opts {
	size_t size;
	uint64_t flags;	    /**< none defined */
	uint64_t window_us; /**< 500000 to 10000000; 0: 1 second */
	uint64_t cpu_stall_us, memory_stall_us, io_stall_us;
} ct_event_opts;

/** One event. */
typedef struct ct_event {
	size_t size;
	int type;	/**< CT_EVENT_* */
	int resource;	/**< CT_RESOURCE_* of a pressure event */
	uint64_t count; /**< how many since the event before it */
} ct_event;

/** A descriptor (the handle's, one for each handle) that polls readable when ct_next_event() has
 *  something to say. No thread; an idle container costs nothing but about ten descriptors of the
 *  caller's. Asked again with opts, the thresholds are replaced. An in-process start on this handle
 *  after the call, and on cgroup version 1 a refused process, are noticed with the next call of
 *  ct_next_event(). Thresholds need Linux 6.1; without CAP_SYS_RESOURCE the kernel takes windows of
 *  2, 4, .. 10 seconds only.
 *  Errors: -EINVAL, -ERANGE (threshold above its window), -EMFILE, -ENOSPC (no inotify watches
 *  left), -EOPNOTSUPP (a threshold without pressure figures). Since 0.2. */
CT_PUBLIC int ct_event_fd(ct_container *c, const ct_event_opts *opts);
/** Takes the next event: 1, or 0 when there is none. Never waits. Errors: -EINVAL (ct_event_fd()
 *  was not called). Since 0.2. */
CT_PUBLIC int ct_next_event(ct_container *c, ct_event *out);

/** What protects a running container: each namespace, limit, capability set, mask, no_new_privs:
 *  asked, got, how. Asked is what it was started with. A row is about init, and says "NOT SO" with
 *  another process of the container's pid namespace that has more (since 0.3), also one that was
 *  attached. Text or JSON (CT_FORMAT_*). Waits for programs that are being attached, half a second
 *  at most. Errors: -ESRCH. Since 0.2. */
CT_PUBLIC int ct_protections(ct_container *c, int format, char **out);

/* ---- defined containers ---------------------------------------------------------------------- */

/** For ct_create(). */
typedef struct ct_create_opts {
	size_t size;
	uint64_t flags;
	/** directory on the same file system to move in as the container's rootfs, which then
	 *  belongs to it; NULL: the config's own rootfs.path stays */
	const char *rootfs;
} ct_create_opts;

/** Defines the container: makes its directory and config, all or nothing. Without opts->rootfs
 *  a directory of this name that has no config, as ct_destroy() leaves it with rootfs.managed
 *  = 0, gets one. Errors: -EEXIST, -EINVAL (anonymous), -EXDEV, and those of mkdir(2),
 *  rename(2). Since 0.1. */
CT_PUBLIC int ct_create(ct_container *c, const ct_create_opts *opts);
#define CT_DESTROY_FORCE 0x1u /**< stop it first */
/** Removes the container's directory, and its rootfs when that is in it; with rootfs.managed = 0
 *  the rootfs stays where it is. No mount is crossed, no link followed. hook.destroy runs first, on
 *  the host, and blocks for as long as it runs; one that fails keeps the container (since 0.3).
 *  What is left when a removal fails has a hidden name in the container directory; the next
 *  ct_destroy() or ct_create() of this name, or ct_list(), removes it. Errors: -EBUSY (runs, or a
 *  mount is in the directory: the message names it), -ENOENT, -ECANCELED and -ETIMEDOUT
 *  (hook.destroy), and those of unlink(2) with the path of the first file that stays. Since 0.1. */
CT_PUBLIC int ct_destroy(ct_container *c, unsigned flags);

#define CT_LIST_DEFINED 0x1u
#define CT_LIST_RUNNING 0x2u
/** Names of containers, sorted, one a line; `which` is CT_LIST_* (several: the union). Clears what
 *  killed supervisors left. Returns the number of names. Errors: -EINVAL, -EACCES. Since 0.1. */
CT_PUBLIC int ct_list(const ct_new_opts *where, unsigned which, char **out);

/* ---- what would happen, what can be done ----------------------------------------------------- */

#define CT_FORMAT_TEXT 0
#define CT_FORMAT_JSON 1
/** Checks everything that can be known without changing the host: values, files, programs,
 *  rights, kernel. `opts` may be NULL. Returns 0, or the first problem as ct_start() would
 *  report it. Since 0.1. */
CT_PUBLIC int ct_check(ct_container *c, const ct_start_opts *opts);
/** As ct_check(), all problems: newline-separated messages in *out; returns their number. What only
 *  follows from a value that is none is not told of. Since 0.1. */
CT_PUBLIC int ct_check_all(ct_container *c, const ct_start_opts *opts, char **out);
/** As ct_check_all(), of the handle with the config file `path` on top (NULL: the container's own):
 *  first what ct_load_config() would say of each of its lines, then what a start with all others
 *  would be refused for. The handle's config stays as it is; only one thread may use it meanwhile.
 *  `opts` may be NULL. Errors: -EINVAL (no place for the text, unknown flags, an anonymous
 *  container's own file), -ENOENT and those of open(2) (the file itself), -ENOMEM. Since 0.3. */
CT_PUBLIC int ct_check_file(ct_container *c, const char *path, const ct_start_opts *opts,
			    char **out);

/** The container can tire or disturb others, or lacks a hardening that costs nothing. */
#define CT_SEVERITY_LOW 1
/** It sees or disturbs what is not its own, or lacks a layer of protection. */
#define CT_SEVERITY_MEDIUM 2
/** It reads or changes what is the host's, or a single layer of protection is left. */
#define CT_SEVERITY_HIGH 3
/** A hostile container becomes the host or the caller by this alone. */
#define CT_SEVERITY_CRITICAL 4

/** What weakens a container of this config on this host, most serious first, of at least the
 *  severity `least` (CT_SEVERITY_*), as a start with `opts` (may be NULL) would have it: with what
 *  is the default for such a start, the caller's rights, and who may change the files and programs
 *  that it uses. Each has a name that stays, where it comes from, and the key that mends it. Text,
 *  one a line, or JSON (CT_FORMAT_*), in *out, which is the caller's. Returns their number; 0:
 *  there is none. What cannot be started is none of its business: ct_check_all(). Nothing is
 *  changed on the host; files are looked for, which may block where they are on a network's file
 *  system. Errors: -EINVAL (no place for the text, format, severity, flags; a value of the config),
 *  -E2BIG, -ENOENT (mount.fstab), -ENOMEM. Since 0.3. */
CT_PUBLIC int ct_audit(ct_container *c, const ct_start_opts *opts, int least, int format,
		       char **out);
/** "low", "medium", "high", "critical" for CT_SEVERITY_*, "?" for another number. Since 0.3. */
CT_PUBLIC const char *ct_severity_name(int severity);
/** The complete list of steps that ct_start() would carry out. Of the environment only the values
 *  are shown that are no secret (PATH, TERM, ..). Errors: as ct_check(). Since 0.1. */
CT_PUBLIC int ct_dump_plan(ct_container *c, const ct_start_opts *opts, int format, char **out);
/** What this host and this user can do, each "no" with its reason. Returns the number of things
 *  missing that a default container needs. Since 0.1. */
CT_PUBLIC int ct_preflight(int format, char **out);

/* ---- what the structs begin with: the size, and nothing set ---------------------------------- */

/* clang-format off */
#define CT_NEW_OPTS_INIT { sizeof(ct_new_opts), 0, NULL, NULL, NULL }
#define CT_KEY_INFO_INIT { sizeof(ct_key_info), NULL, NULL, NULL, NULL, 0 }
#define CT_MOUNT_INIT { sizeof(ct_mount), 0, NULL, NULL, NULL, NULL, 0 }
#define CT_START_OPTS_INIT \
	{ sizeof(ct_start_opts), 0, NULL, NULL, { 0, 0, 0 }, 0, NULL, 0, 0, 0, 0, 0, 0 }
#define CT_ATTACH_OPTS_INIT \
	{ sizeof(ct_attach_opts), 0, NULL, NULL, { 0, 0, 0 }, 0, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, \
	  NULL, NULL, NULL, 0, 0 }
#define CT_EXIT_INIT { sizeof(ct_exit), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "" }
#define CT_USAGE_INIT \
	{ sizeof(ct_usage), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	  0, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0, 0 }, \
	  { 0, 0, 0, 0, 0, 0, 0, 0 } }
#define CT_EVENT_OPTS_INIT { sizeof(ct_event_opts), 0, 0, 0, 0, 0 }
#define CT_EVENT_INIT { sizeof(ct_event), 0, 0, 0 }
#define CT_NOTIFY_INIT { sizeof(ct_notify), 0, 0, 0, 0, 0, 0, { 0, 0, 0, 0, 0, 0 }, { 0 } }
#define CT_CREATE_OPTS_INIT { sizeof(ct_create_opts), 0, NULL }
/* clang-format on */

#ifdef __cplusplus
}
#endif
#endif
