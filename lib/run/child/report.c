/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/child/keeper.h"
#include "run/child/notify.h"
#include "plan/trace.h"
#include "shared/rights.h"

/* How long to wait for the socket to close by the exec before it is checked in /proc whether that
 * has happened: a child that another thread has forked may hold a copy of the stage's end. */
#define CHECK_AFTER_MS 50

/* What may come with a record. */
union extra {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static void take_extra(struct msghdr *m, int *fd, pid_t *sender)
{
	struct ucred who;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(*fd)))
			memcpy(fd, CMSG_DATA(c), sizeof(*fd));
		if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(who))) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			*sender = who.pid;
		}
	}
}

/* Receives one record, the descriptor that came with it, and where the socket was asked for it who
 * has sent it. 1, 0 at the end, or negative errno. */
static int read_report(int sock, struct ct_report *r, int *fd, pid_t *sender)
{
	union extra room;
	struct iovec iov = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = room.space,
			    .msg_controllen = sizeof(room.space) };
	ssize_t n;

	/* ECONNRESET comes once, before the records: the stage has ended before it read its plan */
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	take_extra(&m, fd, sender);
	if (n != sizeof(*r))
		return -EPROTO;
	r->object[sizeof(r->object) - 1] = 0;
	r->kernel[sizeof(r->kernel) - 1] = 0;
	return 1;
}

/* Hints for errors of steps. Of several rows that fit the first one counts. */
static const struct {
	uint16_t op;
	int err;
	const char *text;
	const char *key;   /* only for a step that comes from this key; NULL: from any */
	const char *label; /* only in a plan that gives the label of this key; NULL: in any */
} advices[] = {
	{ CT_OP_ATTACH, ENOENT,
	  "the target must exist: make it in the rootfs, or set "
	  "CT_MOUNT_CREATE (ct-run: add :create to the option)",
	  "ct_add_mount" },
	{ CT_OP_ATTACH, ENOENT,
	  "the target must exist: make it in the rootfs, or add create=dir or create=file" },
	{ CT_OP_ATTACH, ENOTDIR, "a directory goes on a directory, a file on a file" },
	{ CT_OP_ATTACH, EROFS,
	  "the target is missing and cannot be made: make it in the rootfs before" },
	{ CT_OP_ATTACH, ELOOP,
	  "the rootfs has a link where a directory must be; replace it by a real directory" },
	{ CT_OP_ATTACH, EISDIR, "a directory goes on a directory, a file on a file" },
	{ CT_OP_TREE_CLONE, ENOENT,
	  "the source must exist on the host; add optional to go on without it" },
	{ CT_OP_TREE_CLONE, EPERM, "cloning a tree of the host needs CAP_SYS_ADMIN there" },
	{ CT_OP_STACK, ENOENT, "make the directory on the host: mount hooks find the root there" },
	{ CT_OP_CLONE, EPERM,
	  "new namespaces need CAP_SYS_ADMIN; ct_preflight() (ct-checkconfig) "
	  "tells what is allowed" },
	{ CT_OP_CLONE, ENOSPC,
	  "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces" },
	{ CT_OP_FS_NEW, ENODEV, "this kernel does not have the file system" },
	{ CT_OP_FS_NEW, EPERM,
	  "a new instance must be allowed in this user namespace, and the "
	  "host's /proc or /sys fully visible" },
	{ CT_OP_FS_NEW, EINVAL,
	  "mend the file system's own options; its page in section 5 of the "
	  "manual, or mount(8), lists them" },
	{ CT_OP_FS_NEW, EACCES,
	  "the policy of a security module must let the caller mount it, and with "
	  "selinux.mount.context relabel it" },
	{ CT_OP_LANDLOCK_ALLOW, ENOENT, "the path must exist; try: in front of it leaves it out" },
	{ CT_OP_LANDLOCK_ALLOW, ENOTDIR,
	  "landlock.make names directories; what follows a file in a path is nowhere" },
	{ CT_OP_LANDLOCK_NEW, EMFILE, "prlimit.nofile is to leave a few descriptors for it" },
	{ CT_OP_LANDLOCK_ALLOW, EMFILE, "prlimit.nofile is to leave a few descriptors for it" },
	{ CT_OP_LANDLOCK_LOAD, EPERM, "without CAP_SYS_ADMIN it needs no_new_privs = 1" },
	{ CT_OP_LANDLOCK_LOAD, E2BIG,
	  "this process is under 16 rulesets already, and the kernel takes no more" },
	{ CT_OP_HOOK, ENOENT, "give the hook by the absolute path of a program that exists" },
	{ CT_OP_HOOK, EACCES, "the hook must be executable" },
	{ CT_OP_HOOK, ECANCELED,
	  "the hook itself failed: run it by hand with the LXC_* variables it gets" },
	{ CT_OP_HOOK, ETIMEDOUT,
	  "hook.timeout sets how long a hook may take; let it hand over what takes longer" },
	{ CT_OP_PROC_WRITE, EINVAL,
	  "the kernel does not take this value; proc(5) tells which it takes" },
	{ CT_OP_PROC_WRITE, ENOENT,
	  "proc.NAME names a file of /proc/PID, which this kernel does not have" },
	{ CT_OP_PROC_WRITE, EACCES,
	  "the caller may not set this for another process; "
	  "lowering often needs CAP_SYS_RESOURCE" },
	{ CT_OP_PROC_WRITE, EPERM,
	  "the caller may not set this for another process; "
	  "lowering often needs CAP_SYS_RESOURCE" },
	{ CT_OP_PRLIMIT, EPERM, "raising a hard limit needs CAP_SYS_RESOURCE" },
	{ CT_OP_ID_MAP, EPERM,
	  "writing this map needs CAP_SETUID and CAP_SETGID over the ids on the host" },
	{ CT_OP_WRITE, ENOENT, "this kernel or this namespace has no such setting" },
	{ CT_OP_WRITE, EINVAL,
	  "the kernel does not take this value: it is out of range or of another form" },
	{ CT_OP_WRITE, EACCES, "the container's user namespace may not write this setting" },
	{ CT_OP_MKNOD, EPERM, "making device nodes needs CAP_MKNOD in the first user namespace" },
	{ CT_OP_EXEC, ENOENT,
	  "give a program that the root file system has, by its path or in the "
	  "PATH of the container's environment" },
	{ CT_OP_EXEC, EPERM,
	  "with no_new_privs SELinux's policy must allow process2 nnp_transition for "
	  "selinux.context; or set no_new_privs = 0",
	  NULL, "selinux.context" },
	{ CT_OP_EXEC, EACCES,
	  "the file must be executable, an entrypoint of selinux.context by SELinux's policy, and "
	  "not mounted nosuid unless that allows process2 nosuid_transition",
	  NULL, "selinux.context" },
	{ CT_OP_EXEC, EACCES,
	  "the file must be executable for the container's user, on a mount without noexec" },
	{ CT_OP_EXEC, ENOEXEC,
	  "the file is not a program of this machine; a script needs #! in its first line" },
	{ CT_OP_CHDIR, ENOENT, "make the directory in the rootfs, or choose another" },
	{ CT_OP_SETNS, EPERM, "joining needs CAP_SYS_ADMIN over the namespace" },
	{ CT_OP_IDS, EINVAL, "the id is not mapped into the container: see idmap" },
	{ CT_OP_LOOKUP_USER, ENOENT,
	  "give a number, or add the user to the container's /etc/passwd" },
	{ CT_OP_LOOKUP_USER, EINVAL,
	  "give a name of the container's /etc/passwd, UID, or UID:GID" },
	{ CT_OP_LOOKUP_USER, ERANGE, "user and group numbers go from 0 to 4294967294" },
	{ CT_OP_PTY_NEW, EPERM,
	  "the device rules must allow a terminal: c 5:2 rw and c 136:* rw "
	  "(limit.devices = default does)" },
	{ CT_OP_CGROUP_ENTER, EPERM,
	  "real-time processes need a budget of the cpu controller; "
	  "the caller may not move processes into this group" },
	{ CT_OP_PTY_NEW, ENOENT, "the container has no /dev/pts of its own" },
};

/* Whether the plan gives the label of a key; NULL: no matter. */
static bool gives_label(const struct ct_plan *plan, const char *key)
{
	for (uint32_t i = 0; key && i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_LABEL && !strcmp(plan->steps[i].at->key, key))
			return true;
	return !key;
}

static const char *advice(const struct ct_plan *plan, const struct ct_step *s, int err)
{
	for (unsigned i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (s && advices[i].op == s->op && advices[i].err == err &&
		    (!advices[i].key || !strcmp(advices[i].key, s->at->key)) &&
		    gives_label(plan, advices[i].label))
			return advices[i].text;
	return NULL;
}

/* Of programs of the rootfs, where rules of Landlock decide what is executed. */
static const char *advice_on_rules(const struct ct_plan *plan, const struct ct_step *s, int err)
{
	if (!s || err != EACCES ||
	    (s->op != CT_OP_EXEC && (s->op != CT_OP_HOOK || s->phase != CT_PHASE_IDENTITY)))
		return NULL;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_LANDLOCK_LOAD)
			return "landlock.execute needs paths above the program, its interpreter "
			       "(#!) and its dynamic loader; and the file must be executable for "
			       "this user";
	return NULL;
}

static int id_of(const struct ct_step *s, int err)
{
	if (s->op == CT_OP_TREE_CLONE && err == -ENOENT)
		return CT_ERR_SOURCE;
	switch (s->op) {
	case CT_OP_CLOSE:
	case CT_OP_REAPER:
	case CT_OP_READY:
	case CT_OP_EXEC:
		return CT_ERR_EXEC;
	case CT_OP_HOOK:
		return CT_ERR_HOOK;
	case CT_OP_LANDLOCK_NEW:
	case CT_OP_LANDLOCK_ALLOW:
	case CT_OP_LANDLOCK_PORT:
	case CT_OP_LANDLOCK_LOAD:
		return CT_ERR_LANDLOCK;
	default:
		return CT_ERR_STEP;
	}
}

int ct_report_fault(const struct ct_plan *plan, uint32_t step, const struct ct_report *r,
		    struct ct_err *e)
{
	const struct ct_step *s = NULL;
	int err = -EIO, id = CT_ERR_STAGE;
	const char *hint;
	char number[32];

	if (r->err > 0 && r->err < 4096)
		err = -r->err;
	if (step < plan->n_steps) {
		s = &plan->steps[step];
		id = id_of(s, err);
		ct_err_step(e, (int)step, ct_op_name(s->op));
	}
	if (s && s->at->key[0])
		ct_err_origin(e, s->at);
	if (r->object[0])
		ct_err_object(e, r->object);
	else if (s && s->s[0] && *s->s[0])
		ct_err_object(e, s->s[0]);
	ct_err_syscall(e, ct_syscall_name(r->sys, number, sizeof(number)));
	if (r->kernel[0])
		ct_err_kernel(e, r->kernel);
	hint = advice_on_rules(plan, s, -err);
	if (!hint)
		hint = advice(plan, s, -err);
	if (hint)
		ct_err_hint(e, "%s", hint);
	return ct_fail(e, err, id, "stage", "%s", "");
}

/* Whether the process still executes the stage. 0 also when it has ended. */
static int is_stage(pid_t pid)
{
	char path[40], link[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return errno != ENOENT;
	link[n] = 0;
	return !strncmp(link, "/memfd:ct-stage", 15);
}

/* Whether init has executed its program, or, if init is a reaper, its child has. */
static int has_executed(pid_t pid)
{
	CT_CLEAN_FD int fd = -1;
	char path[64], text[16] = "";
	uint32_t child = 0;

	if (!is_stage(pid))
		return 1;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	text[strcspn(text, " ")] = 0;
	return ct_parse_u32(text, &child) == 0 && child && !is_stage((pid_t)child);
}

static int unexpected(struct ct_err *e)
{
	return ct_fail(e, -EPROTO, CT_ERR_STAGE, "stage", "unexpected report");
}

/* Handles one record. 1: more will come, 0: the start is complete, negative: failed. */
static int take(const struct ct_report *r, int *fd, pid_t sender, const struct ct_spawn *s,
		struct ct_child *child, struct ct_err *e)
{
	switch (r->type) {
	case CT_REPORT_CLONED:
		ct_close(&child->pidfd);
		child->pid = r->num;
		child->pidfd = ct_take_fd(fd);
		return 1;
	case CT_REPORT_FD:
		if (r->num == CT_FD_TAG_PTY) {
			ct_close(&child->pty);
			child->pty = ct_take_fd(fd);
		}
		if (r->num == CT_FD_TAG_NOTIFY) {
			ct_close(&child->notify);
			child->notify = ct_take_fd(fd);
		}
		return 1;
	case CT_REPORT_EXEC_NEXT:
		child->exec_ns = ct_now_ns(CLOCK_MONOTONIC) -
				 ct_age_ns(r->at_ns, ct_now_ns(CLOCK_REALTIME));
		child->program = sender;
		return 1;
	case CT_REPORT_WARN:
		ct_log(s->log, CT_LOG_WARN, "%s", r->object);
		return 1;
	case CT_REPORT_DONE:
		if (!s->plan->hooks)
			return unexpected(e);
		return 0;
	case CT_REPORT_STEP:
		ct_trace_step(s->log, s->plan, s->plan->n_setup + r->step, r->at_ns);
		return 1;
	case CT_REPORT_SAID:
		ct_trace_said(s->log, s->plan, s->plan->n_setup + r->step, r->object);
		return 1;
	case CT_REPORT_SUPERVISOR:
		child->supervisor = r->num;
		if (!s->super)
			return unexpected(e);
		return 0;
	case CT_REPORT_ERROR:
		return ct_report_fault(s->plan, s->plan->n_setup + r->step, r, e);
	default:
		return ct_fail(e, -EPROTO, CT_ERR_STAGE, "stage", "report of unknown type %u",
			       r->type);
	}
}

/* Whether the program is being executed although the socket is still open: 0, or 1 when there is
 * something to read; -EAGAIN: not yet. An init that has failed and ended since the last poll cannot
 * be told from one that has executed its program: its report, if there is one, comes first. */
static int look_again(const struct ct_child *child, int check)
{
	struct pollfd p = { .fd = child->report, .events = POLLIN };
	int executed = check && child->pid > 0 && has_executed(child->pid);

	if (poll(&p, 1, 0) > 0)
		return 1;
	return executed ? 0 : -EAGAIN;
}

/* Waits for something to read: 1. 0 when the program turns out to be running although the socket is
 * still open; -EINPROGRESS when the time is up.
 *
 * Meanwhile init's own calls, up to the exec, are let through where its filter notifies of them. A
 * request is init's if the program was not executed after the request was seen: the exec closes the
 * socket before the program makes its first call. Where a reaper holds it for a little longer, the
 * look into /proc tells; the reaper's image, which is not dumpable until then, cannot be executed
 * by the program. */
static int wait_readable(const struct ct_spawn *s, const struct ct_child *child, int64_t until_ms)
{
	struct pollfd p[2] = { { .fd = child->report, .events = POLLIN },
			       { .fd = child->notify, .events = POLLIN } };
	int check = child->exec_ns && child->pidfd >= 0 && !s->super;
	int most = 1000;

	if (check)
		most = CHECK_AFTER_MS;
	for (;;) {
		int n = poll(p, 2, ct_poll_ms(until_ms - ct_now_ms(), most)), r = -EAGAIN;

		if ((n > 0 && p[0].revents) || (n < 0 && errno != EINTR))
			return 1;
		if (n > 0 || (n == 0 && check))
			r = look_again(child, check);
		if (r >= 0)
			return r;
		if (n > 0 && (p[1].revents & POLLIN))
			ct_notify_pass(child->notify);
		else if (n > 0)
			p[1].fd = -1;
		if (ct_now_ms() >= until_ms)
			return -EINPROGRESS;
	}
}

/* The socket has closed: 0 if that was by the exec. The stage reports the exec to the keeper before
 * it reports it to us: if a limit of time was reached in between, the program counts as executed.
 */
static int closed(const struct ct_spawn *s, struct ct_child *child)
{
	const struct ct_keeper *k = child->keeper;

	if (s->super || child->pidfd < 0)
		return 1;
	if (!child->exec_ns && __atomic_load_n(&k->timed_out, __ATOMIC_ACQUIRE))
		child->exec_ns = k->exec_ns;
	return !child->exec_ns;
}

/* Waits for the socket's close alone (POLLHUP), with which most starts end: that saves a wake-up
 * for each record, on a processor that the container could use. The records stay in the socket. */
static void wait_closed(const struct ct_child *child, int64_t until_ms)
{
	struct pollfd p = { .fd = child->report, .events = 0 };
	int64_t left = until_ms - ct_now_ms();

	if (left > 0)
		poll(&p, 1, ct_poll_ms(left, CHECK_AFTER_MS));
}

int ct_follow(const struct ct_spawn *s, struct ct_child *child, int64_t until_ms, struct ct_err *e)
{
	struct ct_report r;
	int n;

	if (!s->super && !s->trace && !s->notifies && !ct_said_wanted(s->log, s->plan, NULL))
		wait_closed(child, until_ms);
	for (;;) {
		CT_CLEAN_FD int fd = -1;
		pid_t sender = 0;

		n = wait_readable(s, child, until_ms);
		if (n <= 0)
			return n;
		n = read_report(child->report, &r, &fd, &sender);
		if (n < 0)
			return ct_fail_sys(e, n, CT_ERR_STAGE, "stage", "recvmsg",
					   "the stage's report cannot be read");
		if (n == 0)
			return closed(s, child);
		n = take(&r, &fd, sender, s, child, e);
		if (n <= 0)
			return n;
	}
}
