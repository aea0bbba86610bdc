/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher, which carries out the phases HOST, SPAWN and ENTER, and its hand-shake with init.
 * Init waits while the launcher carries out ENTER, and again, with only the exec left, while it
 * carries out READY. A plan without steps in these phases has no hand-shake.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "shared/weak.h"
#include "stage/step/steps.h"
#include "shared/words.h"

#define GO 'g'
#define READY 'r'

/* ---- procfs of the host, held by descriptor -------------------------------------------------- */

/* /proc must be a procfs of this process's pid namespace. 0 or a negative errno with *why. */
static int check_proc(int fd, const char **why)
{
	char self[24], mine[24] = "";
	long n;

	*why = "/proc is not a proc file system";
	if (sys_fs_magic(fd) != K_PROC_SUPER_MAGIC)
		return -EINVAL;
	*why = "/proc belongs to another pid namespace";
	n = sys4(SYS_readlinkat, fd, "self", self, sizeof(self) - 1);
	if (n < 0)
		return (int)n;
	self[n] = '\0';
	str_add_u64(mine, sizeof(mine), (uint64_t)sys_getpid());
	if (strcmp(self, mine) != 0)
		return -EXDEV;
	return 0;
}

static int needs_proc(const struct stage *st)
{
	for (uint32_t i = 0; i < st->n_steps && st->steps[i].phase <= CT_PHASE_NEW; i++)
		if (st->steps[i].op == CT_OP_ID_MAP || st->steps[i].op == CT_OP_PROC_WRITE ||
		    st->steps[i].op == CT_OP_TIME_OFFSET || st->steps[i].op == CT_OP_NS_SEND)
			return 1;
	return 0;
}

/* Called before the launcher joins a namespace, from when on /proc may be the container's. */
static int open_proc(struct stage *st)
{
	const char *why = NULL;
	int fd, err;

	if (!needs_proc(st))
		return 0;
	fd = sys_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return report_error(st, fd, SYS_openat, "/proc", NULL);
	err = check_proc(fd, &why);
	if (err)
		return report_error(st, err, SYS_openat, "/proc", why);
	st->proc_fd = fd;
	return 0;
}

static void close_proc(struct stage *st)
{
	sys_close(st->proc_fd);
	st->proc_fd = -1;
}

int proc_put(int proc, pid_t pid, const char *file, const char *value, unsigned flags, int *sys)
{
	char path[128] = "";
	int fd;
	long n;

	str_add_u64(path, sizeof(path), (uint64_t)pid);
	str_add(str_add(path, sizeof(path), "/"), sizeof(path), file);
	*sys = SYS_openat2;
	fd = sys_openat2(proc, path, flags | O_NOCTTY, 0,
			 K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	*sys = SYS_write;
	n = sys3(SYS_write, fd, value, strlen(value));
	if (n == (long)strlen(value))
		return fd;
	sys_close(fd);
	if (n >= 0)
		return -EIO;
	return (int)n;
}

/* Writes `value` to /proc/PID/FILE in one write(2). best_effort: a missing capability is no
 * failure. */
static int proc_write(struct stage *st, pid_t pid, const char *file, const char *value,
		      int best_effort)
{
	int sys;
	SYS_CLOSEP int fd = proc_put(st->proc_fd, pid, file, value, O_WRONLY, &sys);

	if (fd >= 0)
		return 0;
	if (best_effort && sys == SYS_write && (fd == -EACCES || fd == -EPERM))
		return 0;
	return report_error(st, fd, sys, file,
			    text_for(fd, -EIO, "the kernel took only a part of it"));
}

/* ---- steps of the launcher ------------------------------------------------------------------- */

/* A new namespace for the launcher, before it clones. */
int step_unshare(struct stage *st, const struct ct_wire_step *s)
{
	int err = (int)sys1(SYS_unshare, s->n[0]);

	return step_result(st, err, SYS_unshare, NULL);
}

/* Joins the namespaces of a pidfd, or the one of a namespace descriptor. */
int step_setns(struct stage *st, const struct ct_wire_step *s)
{
	int err = (int)sys2(SYS_setns, step_fd(st, s->a), s->n[0]);

	return step_result(st, err, SYS_setns, NULL);
}

/* Sets a clock of the time namespace that was just unshared. */
int step_time_offset(struct stage *st, const struct ct_wire_step *s)
{
	return proc_write(st, sys_getpid(), "timens_offsets", step_str(st, s, 0), 0);
}

/* Writes init's uid_map or gid_map. */
int step_id_map(struct stage *st, const struct ct_wire_step *s)
{
	return proc_write(st, st->init_pid, step_str(st, s, 0), step_str(st, s, 1), 0);
}

/* Writes a file of init's directory in /proc. */
int step_proc_write(struct stage *st, const struct ct_wire_step *s)
{
	return proc_write(st, st->init_pid, step_str(st, s, 0), step_str(st, s, 1),
			  step_optional(s));
}

/* Whether a list of processes, such as cgroup.procs, has this one. */
static int lists_pid(int fd, pid_t pid)
{
	char buf[512];
	uint64_t number = 0;
	long n;

	while ((n = sys3(SYS_read, fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				number = number * 10 + (uint64_t)(buf[i] - '0');
				continue;
			}
			if (number == (uint64_t)pid)
				return 1;
			number = 0;
		}
	}
	return 0;
}

/* Moves init, which waits, into a cgroup of version 1, and checks that it is there. */
int step_cgroup_enter(struct stage *st, const struct ct_wire_step *s)
{
	SYS_CLOSEP int fd = sys_openat(step_fd(st, s->a), "cgroup.procs", O_RDWR | O_NOCTTY, 0);
	char pid[24] = "";
	long n;

	if (fd < 0)
		return step_fail(st, fd, SYS_openat, "cgroup.procs");
	str_add_u64(pid, sizeof(pid), (uint64_t)st->init_pid);
	n = sys3(SYS_write, fd, pid, strlen(pid));
	if (n < 0)
		return report_error(st, (int)n, SYS_write, "cgroup.procs",
				    text_for((int)n, -ENOSPC,
					     "cpuset.cpus and cpuset.mems of the group must not be "
					     "empty"));
	if (sys3(SYS_lseek, fd, 0, SEEK_SET) < 0 || !lists_pid(fd, st->init_pid))
		return report_error(st, -EIO, SYS_read, "cgroup.procs",
				    "init is not in the group although the kernel took it");
	return 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

#define RESOURCE_NOFILE 7
#define ENOUGH_FILES 1024

struct limit {
	uint64_t soft, hard;
};

static int set_limit(pid_t pid, uint64_t resource, const struct limit *want, struct limit *old)
{
	return (int)sys4(SYS_prlimit64, pid, resource, want, old);
}

static int fail_limit(struct stage *st, const struct ct_wire_step *s, int err)
{
	return report_error(st, err, SYS_prlimit64, step_str(st, s, 0),
			    text_for(err, -EPERM, CT_WORDS_LIMIT));
}

/* Whether a best-effort limit stays as it is: lower, because this process lacks the capability to
 * raise it. */
static int may_stay(const struct ct_wire_step *s, int err)
{
	return step_optional(s) && err == -EPERM;
}

/* Raises a limit of init, which may need the launcher's rights. It is not lowered here, for the
 * payload's limit must not bound init's own work; step_limits() does that. */
int step_prlimit(struct stage *st, const struct ct_wire_step *s)
{
	struct limit want = { s->n[1], s->n[2] }, now;
	int err = set_limit(st->init_pid, s->n[0], NULL, &now);

	if (err)
		return fail_limit(st, s, err);
	want.soft = u64_max(want.soft, now.soft);
	want.hard = u64_max(want.hard, now.hard);
	err = set_limit(st->init_pid, s->n[0], &want, NULL);
	if (err && !may_stay(s, err))
		return fail_limit(st, s, err);
	return 0;
}

/* Sets the payload's limits for this process, which becomes the payload or a hook. 0 or a negative
 * errno, *bad the step. */
int limits_set(struct stage *st, uint32_t *bad)
{
	struct limit now;
	int err = 0;

	if (st->nofile && set_limit(0, RESOURCE_NOFILE, NULL, &now) == 0) {
		now.soft = st->nofile;
		set_limit(0, RESOURCE_NOFILE, &now, NULL);
	}
	for (uint32_t i = 0; !err && i < st->n_steps; i++) {
		const struct ct_wire_step *s = &st->steps[i];
		struct limit want = { s->n[1], s->n[2] };

		if (s->op != CT_OP_PRLIMIT)
			continue;
		*bad = i;
		err = set_limit(0, s->n[0], &want, NULL);
		if (may_stay(s, err) && set_limit(0, s->n[0], NULL, &now) == 0) {
			want.hard = now.hard;
			want.soft = u64_min(want.soft, now.hard);
			err = set_limit(0, s->n[0], &want, NULL);
		}
	}
	return err;
}

/* Sets the payload's limits. The CPU time of the set-up is read here and not just before the exec,
 * when a filter would have to allow getrusage(2). */
int step_limits(struct stage *st, const struct ct_wire_step *s)
{
	uint32_t bad = 0;
	int err = limits_set(st, &bad);

	(void)s;
	usage_note(st);
	if (!err)
		return 0;
	st->current = (uint16_t)bad;
	return fail_limit(st, &st->steps[bad], err);
}

/* Raises the soft limit of open files to the hard one, where it is too low for the plan. The
 * payload gets the old one back. */
static void want_files(struct stage *st)
{
	struct limit now;

	if (set_limit(0, RESOURCE_NOFILE, NULL, &now) ||
	    (now.soft >= ENOUGH_FILES && now.soft >= st->head->n_slots + 64) ||
	    now.soft >= now.hard)
		return;
	st->nofile = now.soft;
	now.soft = now.hard;
	set_limit(0, RESOURCE_NOFILE, &now, NULL);
}

/* ---- more steps of the launcher, and of init ------------------------------------------------- */

/* A session of its own. */
int step_setsid(struct stage *st, const struct ct_wire_step *s)
{
	long err = 0;

	(void)s;
	if (!ct_weak(CT_WEAK_SESSION))
		err = sys0(SYS_setsid);
	return step_result(st, (int)err, SYS_setsid, NULL);
}

/* Brings "lo" of the network namespace up. */
int step_loopback(struct stage *st, const struct ct_wire_step *s)
{
	struct {
		char name[16];
		short flags;
		char rest[22];
	} req = { .name = "lo" };
	SYS_CLOSEP int fd = (int)sys3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	(void)s;
	/* a kernel without IPv4: the ioctls belong to no protocol */
	if (fd == -EAFNOSUPPORT)
		fd = (int)sys3(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return step_fail(st, fd, SYS_socket, "lo");
	err = (int)sys3(SYS_ioctl, fd, K_SIOCGIFFLAGS, &req);
	if (err == 0 && !(req.flags & K_IFF_UP)) {
		req.flags = (short)(req.flags | K_IFF_UP);
		err = (int)sys3(SYS_ioctl, fd, K_SIOCSIFFLAGS, &req);
	}
	return step_result(st, err, SYS_ioctl, "lo");
}

/* Sends init's namespaces to the supervisor, for the stop hooks: after init's end they could not be
 * found any more. Init needs no capability to open its own. */
int step_ns_send(struct stage *st, const struct ct_wire_step *s)
{
	for (int i = 0; i < STAGE_NS; i++) {
		SYS_CLOSEP int fd = -1;
		char path[32] = "self/ns/";
		int err;

		if (!(s->n[0] & stage_ns[i].flag))
			continue;
		fd = sys_openat(st->proc_fd, str_add(path, sizeof(path), stage_ns[i].name),
				O_RDONLY, 0);
		if (fd < 0)
			return step_fail(st, fd, SYS_openat, stage_ns[i].name);
		err = report_fd(st, CT_FD_TAG_NS, i, fd);
		if (err)
			return step_fail(st, err, SYS_sendmsg, stage_ns[i].name);
	}
	close_proc(st);
	return 0;
}

/* ---- init ------------------------------------------------------------------------------------ */

/* Ends this process with its parent. A parent that has ended before holds no end of the report
 * socket; a living one sends nothing there, so any result but -EAGAIN means its end (-ECONNRESET
 * when it left reports unread). */
static void die_with_parent(struct stage *st)
{
	int err = sys_prctl(K_PR_SET_PDEATHSIG, SIGKILL, 0, 0), sys = SYS_prctl;
	char c;

	if (!err) {
		sys = SYS_recvfrom;
		err = (int)sys_call(SYS_recvfrom, st->report_fd, (long)&c, 1,
				    MSG_PEEK | MSG_DONTWAIT, 0, 0);
	}
	if (sys == SYS_recvfrom && err == -EAGAIN)
		return;
	if (!err)
		err = -ECHILD;
	report_error(st, err, sys, NULL, "it could not be tied to the life of its parent");
	sys_exit(127);
}

static void note_use(struct stage *st, int16_t slot, uint32_t i)
{
	if (slot >= 0)
		st->last_use[slot] = (uint16_t)i;
}

static void close_slot(struct stage *st, uint32_t slot)
{
	sys_close(st->slot[slot]);
	st->slot[slot] = -1;
}

/* Whether the launcher carries the step out. */
static int is_launchers(const struct ct_wire_step *s)
{
	static const uint8_t actors[CT_PHASE_COUNT] = {
#define CT_PHASE(phase, actor, ...) [CT_PHASE_##phase] = CT_ACTOR_##actor,
#include "wire/phases.def"
	};

	return actors[s->phase] == CT_ACTOR_LAUNCHER;
}

/* Init holds no descriptor longer than its steps need it, for the container may have processes that
 * can inspect it. Notes the last use of each slot, and closes those that no step reads. */
static void close_unused(struct stage *st, uint32_t from)
{
	st->last_use = stage_alloc(st->head->n_slots * sizeof(*st->last_use));
	if (!st->last_use) {
		report_error(st, -ENOMEM, SYS_mmap, NULL, NULL);
		sys_exit(127);
	}
	for (uint32_t i = from; i < st->n_steps; i++) {
		const struct ct_wire_step *s = &st->steps[i];
		const char *p = step_list(st, s, 0);

		if (is_launchers(s))
			continue;
		note_use(st, s->a, i);
		note_use(st, s->b, i);
		for (uint32_t k = 0; s->op == CT_OP_FDS && k < step_list_n(s, 0); k++) {
			uint64_t slot;

			if (!str_u64(p, CT_WIRE_SLOTS - 1, &slot))
				note_use(st, (int16_t)slot, i);
			p += strlen(p) + 1;
		}
	}
	for (uint32_t i = 0; i < st->head->n_slots; i++)
		if (!st->last_use[i])
			close_slot(st, i);
}

/* Closes, after step i, its slots that no later step reads. */
static void close_used(struct stage *st, uint32_t i)
{
	const int16_t slots[] = { st->steps[i].a, st->steps[i].b, st->steps[i].o, st->steps[i].p };

	for (int k = 0; k < 4; k++)
		if (slots[k] >= 0 && st->last_use[slots[k]] <= i)
			close_slot(st, (uint32_t)slots[k]);
}

static int has_phase(const struct stage *st, uint32_t from, unsigned phase)
{
	for (uint32_t i = from; i < st->n_steps; i++)
		if (st->steps[i].phase == phase)
			return 1;
	return 0;
}

static int has_op(const struct stage *st, uint32_t from, unsigned op)
{
	for (uint32_t i = from; i < st->n_steps; i++)
		if (st->steps[i].op == op)
			return 1;
	return 0;
}

static void end_hand_shake(struct stage *st)
{
	sys_close(st->go_fd);
	st->go_fd = -1;
}

/* Waits until the launcher has carried out ENTER, or READY. A launcher that failed has reported
 * why; of one that was killed the caller sees the end of the report socket. */
static void wait_for_go(struct stage *st)
{
	char c = 0;
	ssize_t n = read_full(st->go_fd, &c, 1);

	if (n < 0 && n != -ECONNRESET)
		report_error(st, (int)n, SYS_read, "init", "it could not wait for its launcher");
	if (n != 1 || c != GO)
		sys_exit(127);
}

/* Tells the launcher that it may carry out READY, and waits for that. */
static void send_ready(struct stage *st)
{
	static const char ready = READY;
	int err;

	if (st->go_fd < 0)
		return;
	err = write_all(st->go_fd, &ready, 1);
	if (err) {
		/* a launcher that has ended has reported why */
		if (err != -EPIPE)
			report_error(st, err, SYS_write, "init",
				     "its launcher cannot be told that it is set up");
		sys_exit(127);
	}
	wait_for_go(st);
	end_hand_shake(st);
}

void init_steps(struct stage *st, uint32_t i)
{
	for (; i < st->n_steps; i++) {
		if (st->steps[i].phase == CT_PHASE_READY)
			send_ready(st);
		if (is_launchers(&st->steps[i]))
			continue;
		if (step_run(st, i) < 0)
			return;
		/* a filter loaded in CONFINE need not allow close(2): the exec closes the rest */
		if (st->steps[i].phase < CT_PHASE_CONFINE)
			close_used(st, i);
	}
}

/* All that init does, up to the exec. */
_Noreturn static void run_init(struct stage *st)
{
	uint32_t i = st->current + 1u;

	st->in_init = 1;
	die_with_parent(st);
	if (!has_op(st, i, CT_OP_NS_SEND))
		close_proc(st);
	devices_close(st);
	close_unused(st, i);
	if (st->go_fd >= 0)
		wait_for_go(st);
	if (has_phase(st, i, CT_PHASE_ENTER))
		usage_note_outside(st);
	if (!has_phase(st, i, CT_PHASE_READY))
		end_hand_shake(st);
	init_steps(st, i);
	sys_exit(127);
}

/* Why a clone into a cgroup failed. NULL: the errno says it. */
static const char *clone_text(const struct ct_wire_step *s, int err)
{
	if (s->a < 0)
		return NULL;
	if (err == -EBUSY)
		return "the cgroup gives controllers on to groups below: it takes no process "
		       "itself";
	if (err == -EAGAIN)
		return "the cgroup's limit of processes, or one of the host, is reached";
	return text_for(err, -EACCES, "the cgroup may not be entered by this user");
}

/* Clones init. Where there is a hand-shake, st->go_fd is then its socket in each of the two. */
int step_clone(struct stage *st, const struct ct_wire_step *s)
{
	struct k_clone_args args;
	int pair[2] = { -1, -1 }, pidfd = -1, err;
	long pid;

	/* in a trace, the launcher's report of this step must come before init's of its first */
	if (has_phase(st, st->current, CT_PHASE_ENTER) ||
	    has_phase(st, st->current, CT_PHASE_READY) || (st->head->flags & CT_WIRE_TRACE) ||
	    has_op(st, 0, CT_OP_PROXY)) {
		err = (int)sys4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
		if (err)
			return step_fail(st, err, SYS_socketpair, NULL);
	}
	memset(&args, 0, sizeof(args));
	args.flags = s->n[0] | K_CLONE_PARENT | K_CLONE_PIDFD;
	args.pidfd = (uintptr_t)&pidfd;
	if (s->a >= 0) {
		args.flags |= K_CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)step_fd(st, s->a);
	}
	err = keep_send(st, &(struct ct_keep){ .type = CT_KEEP_CLONE }, -1);
	if (err)
		return step_fail(st, err, SYS_sendmsg, NULL);
	pid = sys2(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		sys_close(pair[1]);
		st->go_fd = pair[0];
		run_init(st);
	}
	sys_close(pair[0]);
	if (pid < 0) {
		sys_close(pair[1]);
		return report_error(st, (int)pid, SYS_clone3, NULL, clone_text(s, (int)pid));
	}
	sys_close(st->hold[1]);
	st->hold[1] = -1;
	st->go_fd = pair[1];
	st->init_pid = (pid_t)pid;
	st->init_pidfd = pidfd;
	err = keep_send(st, &(struct ct_keep){ .type = CT_KEEP_INIT, .num = st->init_pid }, pidfd);
	if (!err)
		err = report_num(st, CT_REPORT_CLONED, st->init_pid, pidfd);
	if (!err)
		err = proxy_tell(st);
	return step_result(st, err, SYS_sendmsg, NULL);
}

/* ---- the launcher ---------------------------------------------------------------------------- */

/* The launcher has failed: kills init, which must not go on without it. */
static int abandon(struct stage *st)
{
	if (st->init_pidfd >= 0)
		sys4(SYS_pidfd_send_signal, st->init_pidfd, SIGKILL, NULL, 0);
	end_hand_shake(st);
	return -1;
}

static int run_phases(struct stage *st, unsigned first, unsigned last)
{
	for (uint32_t i = 0; i < st->n_steps && st->steps[i].phase <= last; i++)
		if (st->steps[i].phase >= first && step_run(st, i) < 0)
			return -1;
	st->current = CT_STEP_IN_LAUNCHER;
	return 0;
}

/* Tells init, which waits, that it may go on. 0, or -1 when reported. */
static int send_go(struct stage *st)
{
	static const char go = GO;
	int err;

	if (st->go_fd < 0)
		return 0;
	err = write_all(st->go_fd, &go, 1);
	if (err == -EPIPE)
		return report_error(st, -ECHILD, SYS_write, "init", "it has ended");
	if (err)
		return report_error(st, err, SYS_write, "init", "it could not be let go");
	return 0;
}

/* Waits until init has come to READY. An init that failed has reported why; the caller takes the
 * first report, and not the one made here. */
static int wait_for_ready(struct stage *st)
{
	char c = 0;
	ssize_t n = read_full(st->go_fd, &c, 1);
	int err = -ECHILD;

	if (n == 1 && c == READY)
		return 0;
	if (n < 0 && n != -ECONNRESET)
		err = (int)n;
	return report_error(st, err, SYS_read, "init", "it has ended before it was set up");
}

int stage_launch(struct stage *st)
{
	st->current = CT_STEP_IN_LAUNCHER;
	st->init_pidfd = -1;
	st->proc_fd = -1;
	st->go_fd = -1;
	st->hold[0] = st->hold[1] = -1;
	st->nofile = 0;
	die_with_parent(st);
	want_files(st);
	if (open_proc(st) < 0)
		return -1;
	if (run_phases(st, 0, CT_PHASE_ENTER) < 0 || send_go(st) < 0 || devices_hold(st) < 0)
		return abandon(st);
	if (has_phase(st, 0, CT_PHASE_READY) &&
	    (wait_for_ready(st) < 0 || run_phases(st, CT_PHASE_READY, CT_PHASE_READY) < 0 ||
	     send_go(st) < 0))
		return abandon(st);
	end_hand_shake(st);
	return 0;
}

int stage_hooks(struct stage *st)
{
	st->current = CT_STEP_IN_LAUNCHER;
	die_with_parent(st);
	for (uint32_t i = 0; i < st->head->n_steps; i++)
		if (step_run(st, i) < 0)
			return -1;
	return report_num(st, CT_REPORT_DONE, 0, -1);
}
