/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/child/keeper.h"
#include "run/child/rawcall.h"
#include "run/child/report.h"
#include "plan/trace.h"

#define PAGE 4096
#define CHECK_MS 100	       /* how often to check whether a keeper was killed */
#define DROP_MS 3000	       /* for a start that is taken back to end */
#define EXEC_STACK (12 * 1024) /* of the process that execs: room for the descriptor table */

/* Everything that must live as long as the keeper, at the end of its mapping. */
struct mapping {
	struct ct_keeper keeper;
	char number[12];
	const char *argv[5];
	int inputs[CT_WIRE_INPUTS];
};

static struct mapping *mapping_of(struct ct_keeper *k)
{
	return (struct mapping *)((char *)k - offsetof(struct mapping, keeper));
}

static char *base_of(struct ct_keeper *k)
{
	return (char *)(mapping_of(k) + 1) - CT_KEEPER_MAPPING;
}

/*
 * The mapping of a keeper that has ended, for the next one of this process: to make, touch and
 * unmap a new one takes longer than a hundred system calls. An atomic pointer, because a lock could
 * be held by another thread at the moment of a fork; the child has a copy of the memory.
 */
static struct ct_keeper *spare;

static void free_mapping(struct ct_keeper *k)
{
	struct ct_keeper *none = NULL;

	if (!__atomic_compare_exchange_n(&spare, &none, k, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		munmap(base_of(k), CT_KEEPER_MAPPING);
}

/* Guard page, stack of the execing process, stack of the keeper, struct. */
static struct ct_keeper *make_mapping(struct ct_err *e)
{
	char *base = mmap(NULL, CT_KEEPER_MAPPING, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED || mprotect(base, PAGE, PROT_NONE) < 0) {
		if (base != MAP_FAILED)
			munmap(base, CT_KEEPER_MAPPING);
		ct_oom(e);
		return NULL;
	}
	return &((struct mapping *)(base + CT_KEEPER_MAPPING) - 1)->keeper;
}

static struct ct_keeper *new_mapping(struct ct_err *e)
{
	struct ct_keeper *k = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQ_REL);

	if (!k)
		k = make_mapping(e);
	if (!k)
		return NULL;
	memset(mapping_of(k), 0, offsetof(struct mapping, inputs));
	k->stack = base_of(k) + PAGE + EXEC_STACK;
	return k;
}

/* Puts the message into a file, which becomes the stage's last input. */
static int write_message(const struct ct_buf *message, struct ct_err *e)
{
	CT_CLEAN_FD int fd = ct_memfd_create("ct-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd;

	if (r >= 0)
		r = ct_write_all(fd, message->data, message->len);
	if (r >= 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STAGE, "start", "memfd_create",
				   "the message for the stage cannot be made");
	return ct_take_fd(&fd);
}

static uint32_t message_flags(const struct ct_spawn *s)
{
	const struct ct_wire_super *super = NULL;
	uint32_t flags = 0;

	if (s->super)
		super = &s->super->wire;
	if (s->trace)
		flags |= CT_WIRE_TRACE;
	if (ct_said_wanted(s->log, s->plan, super))
		flags |= CT_WIRE_SAY;
	return flags;
}

/* Where the filter may end the program, its process id tells in the kernel's log by which call.
 * Only now: a socket that has asked and sends would get a name. */
static void ask_sender(const struct ct_spawn *s, int sock)
{
	const int on = 1;

	if (s->plan->filter_kills && !s->super)
		(void)setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

/* Leaves the plan for the stage, which does not exist yet: as a packet in the socket of its reports
 * if it fits into one, which is half the work for the kernel, else in a file, *fd. */
static int send_message(const struct ct_spawn *s, int sock, int *fd, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf message = CT_BUF_INIT;
	int r = ct_plan_encode(s->plan, s->super, message_flags(s), &message, e);

	if (r < 0)
		return r;
	if (message.len <= CT_WIRE_PACKET &&
	    send(sock, message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    (ssize_t)message.len) {
		ask_sender(s, sock);
		return 0;
	}
	*fd = write_message(&message, e);
	if (*fd < 0)
		return *fd;
	ask_sender(s, sock);
	return 0;
}

/* The payload's three descriptors; /dev/null, opened to *null, for each that is -1 or not open. */
static int choose_stdio(const struct ct_spawn *s, int stdio[3], int *null, struct ct_err *e)
{
	for (int i = 0; i < 3; i++) {
		stdio[i] = s->stdio[i];
		if (stdio[i] >= 0 && fcntl(stdio[i], F_GETFD) >= 0)
			continue;
		if (*null < 0)
			*null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (*null < 0)
			return ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "open",
					   "/dev/null cannot be opened");
		stdio[i] = *null;
	}
	return 0;
}

/* Fills in the keeper's arguments. */
static void prepare(struct ct_keeper *k, const struct ct_spawn *s, const int stdio[3], int report,
		    int message, int leash)
{
	struct mapping *m = mapping_of(k);
	int message_fd = CT_STAGE_REPORT_FD;

	k->caller = getpid();
	k->supervise = !!s->super;
	k->report = report;
	k->message = message;
	k->image = s->image;
	k->leash = leash;
	memcpy(k->stdio, stdio, sizeof(k->stdio));
	k->n_inputs = s->plan->n_inputs;
	memcpy(m->inputs, s->plan->input_fd, (size_t)k->n_inputs * sizeof(int));
	k->inputs = m->inputs;
	/* behind the inputs */
	if (message >= 0)
		message_fd = CT_STAGE_INPUT_FD + k->n_inputs;
	snprintf(m->number, sizeof(m->number), "%d", message_fd);
	m->argv[0] = "ct-stage";
	m->argv[1] = m->number;
	k->argv = m->argv;
	k->output = s->output;
	k->limit_time_ns = s->limit_time_us * 1000;
	k->limit_cpu_us = s->limit_cputime_us;
	k->cpu_fd = s->cpu_fd;
	k->thaw_fd = s->thaw_fd;
	k->cpus = 1;
	if (s->limit_cputime_us)
		k->cpus = sysconf(_SC_NPROCESSORS_ONLN);
}

/* Clones with every signal blocked, also those of the C library: the keeper keeps them so. */
static long clone_keeper(struct ct_keeper *k)
{
	unsigned long all = ~0ul, old;
	void *stack = (void *)((uintptr_t)mapping_of(k) & ~UINT64_C(15));
	long pid;

	RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	pid = ct_raw_clone(CLONE_VM, stack, ct_keeper_main, k);
	RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
	return pid;
}

void ct_child_reap(struct ct_child *c, struct ct_keeper *verdict)
{
	int r;

	if (!c->keeper)
		return;
	/* another thread that waits with __WALL may reap the keeper first (ECHILD): then it has
	 * ended, too */
	do
		r = waitpid(c->keeper_pid, NULL, __WALL);
	while (r < 0 && errno == EINTR);
	if (verdict)
		*verdict = *c->keeper;
	/* a keeper was killed before the stage was executed: the process that executes it may still
	 * have its stack in the mapping, which therefore stays */
	if (__atomic_load_n(&c->keeper->state, __ATOMIC_ACQUIRE) != CT_KEEPER_STARTING)
		free_mapping(c->keeper);
	c->keeper = NULL;
}

static long wait_for_change(const struct ct_keeper *k, int state, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	return RAW4(SYS_futex, &k->state, FUTEX_WAIT, state, &t);
}

/* Whether the keeper has ended. We have not reaped it, so its pid is its own. */
static int has_ended(const struct ct_child *c)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)c->keeper_pid, &si, WEXITED | WNOWAIT | WNOHANG | __WALL) < 0 ||
	       si.si_pid;
}

/* Waits for the keeper's end; 0 when the time is up. The state of a keeper that was killed does not
 * change. */
static int ended_by(const struct ct_child *c, int64_t until)
{
	for (;;) {
		int state = __atomic_load_n(&c->keeper->state, __ATOMIC_ACQUIRE);

		if (state >= CT_KEEPER_FAILED || has_ended(c))
			return 1;
		if (ct_now_ms() >= until)
			return 0;
		wait_for_change(c->keeper, state, CHECK_MS);
	}
}

void ct_spawn_settle(const struct ct_child *c)
{
	while (__atomic_load_n(&c->keeper->state, __ATOMIC_ACQUIRE) == CT_KEEPER_STARTING &&
	       !has_ended(c))
		wait_for_change(c->keeper, CT_KEEPER_STARTING, CHECK_MS);
}

/* Sends a CT_LEASH_*. That a keeper has ended is no error. */
static void tell_keeper(const struct ct_child *c, char word)
{
	if (c->leash >= 0)
		(void)!send(c->leash, &word, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ct_child_kill(const struct ct_child *c)
{
	if (c->pidfd < 0 || ct_pidfd_send_signal(c->pidfd, SIGKILL) == -EPERM)
		tell_keeper(c, CT_LEASH_END);
}

void ct_child_end(const struct ct_child *c)
{
	tell_keeper(c, CT_LEASH_END);
}

static void close_leash(struct ct_child *c)
{
	int fd;

	if (c->leash_lock)
		pthread_mutex_lock(c->leash_lock);
	fd = ct_take_fd(&c->leash);
	if (c->leash_lock)
		pthread_mutex_unlock(c->leash_lock);
	ct_close(&fd);
}

/* The keeper reaps its children, which would come to a caller that is a subreaper. A keeper that
 * does not end, because init cannot be killed, is left: it ends with init. */
void ct_child_drop(struct ct_child *c, struct ct_keeper *verdict)
{
	int64_t until = ct_now_ms() + DROP_MS;

	ct_close(&c->report);
	ct_child_end(c);
	if (c->keeper && !ended_by(c, until))
		c->keeper = NULL;
	ct_child_reap(c, verdict);
	ct_close(&c->pidfd);
	ct_close(&c->pty);
	ct_close(&c->notify);
	close_leash(c);
	ct_close(&c->end);
}

/* The stage's socket closed before a report of success or failure. */
static int explain_silence(const struct ct_spawn *s, const struct ct_keeper *k, struct ct_err *e)
{
	if (k->spawn_err) {
		ct_err_syscall(e, k->spawn_call);
		return ct_fail(e, k->spawn_err, CT_ERR_STAGE, "start",
			       "the stage cannot be executed");
	}
	ct_err_hint(e, "look at the kernel log for out of memory, and whether somebody kills "
		       "processes");
	if (k->have_status && WIFSIGNALED(k->status))
		return ct_fail(e, -ECHILD, CT_ERR_STAGE, "stage",
			       "init was killed by signal %d during set-up", WTERMSIG(k->status));
	return ct_fail(e, -ECHILD, CT_ERR_STAGE, "stage",
		       "the %s ended during set-up without a word",
		       s->super ? "supervisor" : "stage");
}

int ct_spawn(const struct ct_spawn *s, struct ct_child *out, struct ct_err *e)
{
	CT_CLEAN_FD int message = -1, null = -1, mine = -1, theirs = -1, leash = -1, hand = -1;
	struct ct_child child = CT_CHILD_INIT;
	int pair[2], stdio[3], r;

	r = choose_stdio(s, stdio, &null, e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "socketpair",
				   "no socket for the stage's reports");
	mine = pair[0];
	theirs = pair[1];
	r = send_message(s, mine, &message, e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "socketpair",
				   "no socket for the keeper");
	hand = pair[0];
	leash = pair[1];
	child.keeper = new_mapping(e);
	if (!child.keeper)
		return -ENOMEM;
	prepare(child.keeper, s, stdio, theirs, message, leash);
	child.keeper_pid = (pid_t)clone_keeper(child.keeper);
	if (child.keeper_pid < 0) {
		free_mapping(child.keeper);
		ct_err_syscall(e, "clone");
		return ct_fail(e, child.keeper_pid, CT_ERR_STAGE, "start",
			       "no process for the keeper");
	}
	child.leash = ct_take_fd(&hand);
	child.report = ct_take_fd(&mine);
	if (s->output)
		child.end = ct_pidfd_open(child.keeper_pid);
	if (s->output && child.end < 0) {
		r = child.end;
		ct_child_drop(&child, NULL);
		return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "start", "pidfd_open",
				   "no descriptor for the end of the output");
	}
	*out = child;
	return 0;
}

/* Whether the keeper could not begin, without which no limit is kept. The stage may have been
 * quicker. */
static int keeper_failed(const struct ct_child *c)
{
	ct_spawn_settle(c);
	return __atomic_load_n(&c->keeper->state, __ATOMIC_ACQUIRE) == CT_KEEPER_FAILED;
}

int ct_spawn_follow(const struct ct_spawn *s, struct ct_child *c, int64_t until_ms,
		    struct ct_err *e)
{
	struct ct_keeper verdict = { 0 };
	int r = ct_follow(s, c, until_ms, e);

	if (r == -EINPROGRESS)
		return r;
	if (!r && keeper_failed(c)) {
		ct_child_kill(c);
		r = 1;
	}
	if (r) {
		ct_child_drop(c, &verdict);
		if (r < 0)
			return r;
		return explain_silence(s, &verdict, e);
	}
	ct_close(&c->report);
	if (s->plan->hooks) {
		ct_child_drop(c, NULL);
		return 0;
	}
	if (s->super)
		ct_log(s->log, CT_LOG_INFO, "it runs: the supervisor is process %d",
		       (int)c->supervisor);
	else
		ct_log(s->log, CT_LOG_INFO, "it runs: init is process %d", (int)c->pid);
	if (s->super) {
		tell_keeper(c, CT_LEASH_DONE);
		ct_child_reap(c, NULL);
		close_leash(c);
	}
	return 0;
}
