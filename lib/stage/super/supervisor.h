/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor of a detached container: one thread, one poll loop, no blocking call. Its files
 * share the struct below.
 */
#ifndef CT_STAGE_SUPER_SUPERVISOR_H
#define CT_STAGE_SUPER_SUPERVISOR_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <termios.h>

#include <contain/contain.h> /* its numbers: states, reasons, flags, levels of the log */

#include "stage/stage.h"
#include "stage/sys.h"

#define SUP_CLIENTS 64	/* connections at once */
#define SUP_WAITERS 48	/* of them, clients that wait for a state; the rest is for other requests */
#define SUP_SNAPSHOTS 4 /* copies of the ring buffer being sent */
#define SUP_CLIENT_MS 5000 /* for a whole request, and for taking its replies */
#define SUP_TERM_MS 60000  /* SIGTERM, or a stop without waiting: as long as lxc-stop waits */
#define SUP_LAST_MS 5000   /* from signal.stop, where that is not SIGKILL, to SIGKILL */
#define SUP_AGAIN_MS 100   /* from one SIGKILL to the next, of an init that may be frozen again */
#define SUP_REAP_MS 10000  /* for killed children to end */

/* for so long a client other than the starter, or the device, may hold the output up */
#define SUP_LAG_MS 2000

/* the starter's stream: room for all that a terminal holds, beyond what polls writable */
#define SUP_STREAM_SIZE (256 << 10)
#define SUP_RETRY_MS 1000 /* between two reads of a terminal that no process has open */
#define SUP_BRIEF_MS 1000 /* after a shorter boot there is a pause: */
#define SUP_PAUSE_MS 100  /* ... at first; each further one is twice as long */
#define SUP_PAUSE_MAX_MS 5000
#define SUP_PUMPS 8 /* pumps of earlier boots and this one that still have output */
#define SUP_NEVER UINT64_MAX
#define SUP_CHUNK 4096	 /* terminal bytes moved at once */
#define SUP_PACKET 16384 /* ring buffer bytes in one packet */

#define SUP_STOP_ALL (CT_STOP_NO_KILL | CT_STOP_KILL | CT_STOP_NO_WAIT)

enum sup_phase {
	SUP_PHASE_BOOT, /* the launcher's report socket is open */
	SUP_PHASE_RUN,	/* init has executed the payload */
	/* init has ended; stop hooks and then post-stop hooks run in a fork */
	SUP_PHASE_HOOKS,
	SUP_PHASE_PAUSE,  /* before the next boot, where the last ones were short */
	SUP_PHASE_OUTPUT, /* init and the hooks have ended; pumps still have output */
	SUP_PHASE_DONE	  /* all is done; the clients get their replies */
};

enum sup_client_is {
	SUP_CLIENT_FREE,
	SUP_CLIENT_ASKED,
	SUP_CLIENT_WAITING,
	SUP_CLIENT_SENDING,
};

struct sup_client {
	int fd;
	uint8_t is;		  /* enum sup_client_is */
	struct ct_ctl_request rq; /* from WAITING on */
	uint64_t deadline;	  /* SUP_NEVER: none */
	uint32_t boots;		  /* REBOOT: boots when it was asked for */
	char *data;		  /* CONSOLE_LOG: mapping being sent */
	size_t len, off;
};

struct sup_tty {
	int master;	 /* -1: there is none */
	int peer;	 /* kept open so that the master does not hang up */
	int stream;	 /* the supervisor's end of a client's stream, -1: there is no client */
	uint8_t in_full; /* the terminal does not take input: wait for POLLOUT on the master */
	uint8_t lagging; /* the client does not take output */
	/* the client is the starter, whose terminal this is: it loses no output */
	uint8_t starters;
	uint64_t lag_since;
	uint64_t retry_at; /* the master has hung up: it is not polled until then */
	/* rows << 16 | columns that a client gave, kept over a reboot; 0: none */
	uint32_t size;
};

struct sup_ring {
	char *data; /* mapping; NULL: none */
	size_t size, start, len;
};

struct sup_log {
	int fd, dir;
	int regular;
	uint64_t size, limit;
	const char *path;
	int rotate;
};

/* console.path */
struct sup_device {
	int fd;			   /* -1: there is none */
	uint8_t terminal, lagging; /* it does not take output */
	uint64_t lag_since;
	struct termios found; /* its mode before */
	char held[SUP_CHUNK]; /* what it has not taken yet */
	size_t at, end;
};

/* The stage's attributes before it became the supervisor, which launchers and hooks get. */
struct sup_before {
	sigset_t mask;
	mode_t umask;
	int dumpable;
	struct rlimit nofile;
	int stdio[3];
};

struct super {
	struct stage *st;
	const struct ct_wire_super *w;
	const char *name;
	struct sup_before before;
	int state_dir, alive; /* input slots */
	int state_file;	      /* the present one; -1: none yet */
	int null;
	int signals, listener;
	uint64_t listen_at; /* out of descriptors: no client is accepted until then */
	uint64_t now;	    /* milliseconds, read once a turn */

	enum sup_phase phase;
	uint32_t state; /* as last written */
	int caller;	/* library's report socket, -1 once the first boot is over */
	int pid_ns;	/* 1: init has a pid namespace of its own, and may call reboot(2) */
	uint64_t self_start;

	/* this boot */
	int report; /* launcher's report socket, -1 when closed */
	int keep;   /* socket on which launcher, init and pump report, -1 when closed */
	/* what init had used when it executed; type 0: not reported */
	struct ct_keep exec;
	/* wait status of a reaper's child */
	int payload, payload_told;
	pid_t launcher; /* 0: gone */
	pid_t init;
	uint64_t init_start; /* /proc/PID/stat's */
	int pidfd;
	uint64_t exec_us; /* when it executed */
	int exec_next, failed, error_relayed;
	uint32_t boots;

	/* requests and limits */
	int stop_asked, killed, terminated;
	uint64_t stop_until;	/* a stop without waiting clients counts until then; SUP_NEVER */
	uint64_t kill_at;	/* when to kill init; SUP_NEVER */
	int kill_hard;		/* ... by SIGKILL instead of signal.stop */
	uint64_t signals_asked; /* bit n - 1: a client has sent signal n */
	uint64_t reboot_until;	/* 0: no reboot was asked for */
	uint64_t time_at;	/* end of limit.time; SUP_NEVER */
	uint64_t cpu_at;	/* next check of limit.cputime; SUP_NEVER */
	/* CPU time of set-ups that the cgroup has counted: init was in it by then */
	uint64_t cpu_before;
	int32_t limit;	 /* CT_EXIT_TIME, _OUTPUT or _CPUTIME when that one was passed */
	int interrupted; /* ^C on the console ended the program */
	uint64_t output; /* console bytes */
	struct ct_wire_output *told; /* shared with the pumps; NULL: there is none */
	pid_t pump[SUP_PUMPS];
	uint32_t n_pumps;
	pid_t proxy;	 /* the process that hands requests on to seccomp.notify.proxy; 0: none */
	int pump_broken; /* a pump was killed, or has failed */

	int again;	   /* the stop hooks are of a reboot: the next boot follows */
	uint64_t pause_ms; /* before the next boot; 0: none */
	uint64_t boot_at;  /* PAUSE: when it is over */

	pid_t hooks; /* 0: none run */
	int post;    /* the post-stop hooks run, or have run */
	int removed; /* phase END has removed all that it names */
	int hooks_why;
	pid_t ended; /* the init that has ended, for the stop hooks; 0: there was none */
	/* its namespaces, open until the end of the stop hooks, where there are any; -1 */
	int ns[STAGE_NS];
	int run_log; /* log.file, for what happens after the starter has gone; -1: none */
	/* why a later boot or a stop hook failed, or what of the directory could not be removed */
	char error[240];
	int left; /* an ephemeral container's directory could not be removed */
	struct ct_verdict verdict;

	struct sup_client client[SUP_CLIENTS];
	struct sup_tty *tty; /* n_ttys + 1; 0 is the console */
	uint32_t n_ttys;
	struct sup_device device;
	char held[SUP_CHUNK]; /* what the starter's stream has not taken yet */
	size_t held_at, held_end;
	struct sup_ring ring;
	struct sup_log log;

	struct pollfd *poll;
	struct sup_watch *watch; /* what each of them is */
	uint32_t n_poll, cap_poll;
};

enum sup_watch_is {
	SUP_WATCH_SIGNALS,
	SUP_WATCH_CALLER,
	SUP_WATCH_REPORT,
	SUP_WATCH_KEEP,
	SUP_WATCH_INIT,
	SUP_WATCH_LISTENER,
	SUP_WATCH_CLIENT,
	SUP_WATCH_MASTER,
	SUP_WATCH_STREAM,
	SUP_WATCH_DEVICE,
};
struct sup_watch {
	uint16_t is, index;
};

/* ---- supervisor.c ---------------------------------------------------------------------------- */

/* Milliseconds and microseconds of the monotonic clock. */
uint64_t sup_now_ms(void);
uint64_t sup_now_us(void);
/* Nanoseconds of the clock that reports are stamped with. */
uint64_t sup_real_ns(void);
/* Polls fd in the next turn. */
void sup_watch(struct super *s, int fd, short events, enum sup_watch_is is, uint32_t index);
/* Closes *fd if it is open and makes it -1. */
void sup_close(int *fd);
/* In a fork: closes the supervisor's descriptors, and sets its attributes as the stage had them
 * before. report: the fork's report socket; -1: the fork is for hooks. */
void sup_in_fork(struct super *s, int report);

/* ---- log.c ----------------------------------------------------------------------------------- */

/* A line for log.file, CT_LOG_*. */
void sup_log(struct super *s, unsigned level, const char *text);
/* A line about a hook: "hook stop PROGRAM", `what`, text. */
void sup_log_hook(struct super *s, unsigned level, const struct ct_wire_step *hook,
		  const char *what, const char *text);

/* ---- boot.c ---------------------------------------------------------------------------------- */

/* Starts a launcher. 0, or a negative errno when there is no process for it. */
int sup_boot(struct super *s);
/* Receives the records of launcher, init and pump that a keeper would receive. */
void sup_take_keep(struct super *s);
/* Receives the reports of launcher and init. */
void sup_on_report(struct super *s);
/* The launcher has failed or was killed: ends an init that was not reported yet. */
void sup_on_lost_launcher(struct super *s);
/* init's pidfd is readable: takes the verdict; boots again, or begins the end. */
void sup_on_init(struct super *s);
/* This boot cannot go on: kills its processes. The end of its report socket does the rest. */
void sup_abort_boot(struct super *s);

/* ---- end.c ----------------------------------------------------------------------------------- */

/* Asks init to end: by signal.halt, else by one of the usual signals that it handles. */
void sup_halt(struct super *s);
/* Ends init: by signal.stop, and later SIGKILL; `hard`: by SIGKILL at once. */
void sup_kill(struct super *s, int hard);
/* Fills s->verdict for an init that has ended. `gone`: its status is not available. */
void sup_judge(struct super *s, int status, const struct rusage *ru, int gone);
/* The container has ended for good, or has not started: stop hooks, then the end. */
void sup_begin_end(struct super *s);
/* The container reboots: stop hooks, a pause where its boots are short, the next boot. */
void sup_begin_again(struct super *s);
/* The pause is over. */
void sup_boot_again(struct super *s);
/* Hooks and pumps have ended: removes what the container had, and tells the clients. Waits first
 * where a pump still has output. */
void sup_finish(struct super *s);
/* Closes the namespaces of an init that has ended. */
void sup_close_namespaces(struct super *s);
/* The hooks' fork has ended. */
void sup_on_hooks(struct super *s);
/* Kills every process whose number stands in the file. */
void sup_kill_listed(int fd);
/* Kills the launcher, if there is one. Its children, as a hook, become this process's own then, to
 * be reaped here and not by the starter. */
void sup_kill_launcher(const struct super *s);
/* Kills and reaps all children, also those whose pids are not noted. */
void sup_reap_all(struct super *s);

/* ---- output.c -------------------------------------------------------------------------------- */

/* Maps the page that is shared with the pumps, where there are to be any. 0 or a negative errno. */
int sup_output_init(struct super *s);
/* The launcher has made a pump. */
void sup_output_pump(struct super *s, pid_t pid);
/* limit.output is passed, as a pump or the console has counted. */
void sup_output_over(struct super *s);
/* Init has ended: its pump copies what is left. CT_OUTPUT_*. */
void sup_output_end(struct super *s, uint32_t how);
/* Reaps the pumps that have ended. */
void sup_output_reap(struct super *s);
/* Adds the counters of the output to the verdict. */
void sup_output_judge(struct super *s);

/* ---- state.c --------------------------------------------------------------------------------- */

/* Sets the state, writes the state file, and answers the clients that wait for the state. 0 or a
 * negative errno. */
int sup_set_state(struct super *s, uint32_t state);
/* Writes the state file, with s->state. 0 or a negative errno. */
int sup_write_state(struct super *s);
/* Replaces control characters, for a state file has one line for each value. */
void sup_clean_text(char *text);
/* Removes the socket and, `all`, the directory with its other files, unless a call holds the lock.
 * */
void sup_remove_files(struct super *s, int all);
/* Start time of a process, 0 when it cannot be read; the signals that it catches, and those that it
 * ignores, 0 likewise. */
uint64_t sup_start_time(pid_t pid);
uint64_t sup_caught(pid_t pid);
uint64_t sup_ignored(pid_t pid);

/* ---- control.c ------------------------------------------------------------------------------- */

/* Takes the stream that the starter made, the console's first client. It gets all output, and the
 * program waits for it to read as it would for a terminal. */
void sup_take_console(struct super *s);
/* Takes the connection that the starter made before there was a listener. No other client is told
 * of the container's end earlier. */
void sup_take_watch(struct super *s);
/* Binds and listens. 0 or negative errno. */
int sup_listen(struct super *s);
void sup_on_listener(struct super *s);
void sup_on_client(struct super *s, uint32_t index, short events);
/* The state or the boot changed: answers those who wait for it. */
void sup_tell_waiters(struct super *s);
/* Deadlines that have passed. */
void sup_client_timers(struct super *s);
/* Disconnects a client. */
void sup_drop_client(struct super *s, struct sup_client *c);

/* ---- console.c ------------------------------------------------------------------------------- */

/* Takes the log, the device and the ring buffer. 0 or a negative errno, of memory only. */
int sup_console_init(struct super *s);
/* Takes a master over; the number is that of the tty. */
void sup_tty_new(struct super *s, uint32_t number, int master);
/* What was typed on tty `t`: ends the program on ^C, where the kernel discards the signal. */
void sup_interrupt(struct super *s, const struct sup_tty *t, const char *typed, size_t n);
/* Takes the device of console.path (-1: none); closes it with its mode restored. */
void sup_device_init(struct sup_device *d, int fd);
void sup_device_close(struct sup_device *d);
/* Size of its window, rows << 16 | columns; 0: it has none. */
uint32_t sup_device_size(const struct sup_device *d);
/* 1 when it can take the next output, or is to lose it; 0 to leave that in the terminal. */
int sup_device_can_take(struct super *s, int closing);
void sup_device_add(struct sup_device *d, const char *p, size_t n);
/* Whether the console is not read because of the device. */
int sup_device_held(const struct super *s);
void sup_device_watch(struct super *s);
void sup_on_device(struct super *s, short events);
/* Closes all masters after the last output was taken. Clients stay connected for the next boot;
 * for_good: they are disconnected. */
void sup_ttys_close(struct super *s, int for_good);
void sup_tty_watch(struct super *s);
void sup_on_master(struct super *s, uint32_t number, short events);
void sup_on_stream(struct super *s, uint32_t number, short events);
/* A stream to the terminal in *fd, which is the caller's to close. 0, -ENOTTY, -EBUSY, or another
 * negative errno. */
int sup_tty_open(struct super *s, uint64_t number, uint32_t *got, int *fd);
int sup_tty_resize(struct super *s, uint64_t number, uint64_t size);
/* A copy of the ring buffer in *data (mapping, NULL when empty). 0, -ENODATA: there is
 * none, -ENOMEM. */
int sup_ring_copy(struct super *s, char **data, size_t *len, int clear);

/* ---- console-log.c --------------------------------------------------------------------------- */

/* Appends to ring and log. */
void sup_ring_add(struct sup_ring *r, const char *p, size_t n);
void sup_log_open(struct sup_log *l);
void sup_log_add(struct sup_log *l, const char *p, size_t n);

/* ---- control-decode.c: pure, also compiled for the host -------------------------------------- */

/* Checks a request of n bytes and copies it to *rq. 0, -EBADMSG (size, magic), -EOPNOTSUPP (type),
 * -EINVAL (arguments). */
int ctl_decode(const void *p, size_t n, struct ct_ctl_request *rq);

/* ---- groups.c -------------------------------------------------------------------------------- */

/* What the container's processes have used. */
void sup_groups_usage(const struct super *s, struct ct_counters *c);
/* 1: limit.cputime is used up; else s->cpu_at is when to check again. */
int sup_cputime_up(struct super *s);
/* Moves the supervisor into its own cgroups. 0 or a negative errno. */
int sup_groups_enter(const struct super *s);
/* Thaws the cgroups: a frozen process receives no signal. */
void sup_groups_thaw(const struct super *s);
/* Kills all processes of the cgroups, for one of them may freeze init. */
void sup_groups_kill(const struct super *s);
/* Makes the payload's cgroups for the next boot what they were at the first: without cgroups below,
 * and without enabled controllers. */
void sup_groups_renew(const struct super *s);
/* Thaws the cgroups and kills the processes that are left in them. */
void sup_groups_end(const struct super *s);

/* ---- steps of phase END ---------------------------------------------------------------------- */

/* Removes what one step of phase END names. 0: it is gone; a negative errno: not yet. It is called
 * again until the time for it is over; what is left then is the journal's. */
typedef int end_fn(const struct super *s, const struct ct_wire_step *step);
#define CT_STEP(...)
#define CT_SETUP_STEP(...)
#define CT_END_STEP(op, function, ...) end_fn function;
#include "wire/steps.def"

/* ---- home.c ---------------------------------------------------------------------------------- */

/* Removes an ephemeral container's directory. What cannot be removed stays under a name that no
 * container can have, and s->error says so. */
void sup_remove_home(struct super *s);

#endif
