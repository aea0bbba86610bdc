/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set-up of the supervisor, and its loop. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stage/super/supervisor.h"

uint64_t sup_now_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

uint64_t sup_now_ms(void)
{
	return sup_now_us() / 1000;
}

uint64_t sup_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

void sup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sup_watch(struct super *s, int fd, short events, enum sup_watch_is is, uint32_t index)
{
	if (fd < 0 || s->n_poll >= s->cap_poll)
		return;
	s->poll[s->n_poll] = (struct pollfd){ .fd = fd, .events = events };
	s->watch[s->n_poll] = (struct sup_watch){ .is = (uint16_t)is, .index = (uint16_t)index };
	s->n_poll++;
}

void sup_in_fork(struct super *s, int report)
{
	int sink = s->null; /* of reports */

	prctl(PR_SET_NAME, "ct-stage");
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		if (s->client[i].is != SUP_CLIENT_FREE)
			close(s->client[i].fd);
	}
	for (uint32_t i = 0; i <= s->n_ttys; i++) {
		sup_close(&s->tty[i].master);
		sup_close(&s->tty[i].peer);
		sup_close(&s->tty[i].stream);
	}
	sup_close(&s->listener);
	sup_close(&s->signals);
	sup_close(&s->keep);
	sup_close(&s->caller);
	sup_close(&s->pidfd);
	sup_close(&s->device.fd);
	sup_close(&s->log.fd);
	sup_close(&s->log.dir);
	sup_close(&s->alive);
	sup_close(&s->state_file);
	sup_close(&s->state_dir);
	/* the fork of hooks logs what they print; a launcher writes no log */
	if (report >= 0) {
		sup_close(&s->run_log);
		sink = report;
	}
	for (int i = 0; i < 3; i++) {
		if (sys3(SYS_dup3, s->before.stdio[i], i, 0) < 0)
			_exit(1);
		close(s->before.stdio[i]);
	}
	/* the same number as in a stage that was executed for one run */
	if (sys3(SYS_dup3, sink, CT_STAGE_REPORT_FD, O_CLOEXEC) < 0)
		_exit(1);
	sup_close(&report);
	sup_close(&s->null);
	s->st->report_fd = CT_STAGE_REPORT_FD;
	s->st->reported = 0;
	s->st->current = CT_STEP_NONE;
	umask(s->before.umask);
	prlimit(0, RLIMIT_NOFILE, &s->before.nofile, NULL);
	prctl(PR_SET_DUMPABLE, s->before.dumpable);
	sigprocmask(SIG_SETMASK, &s->before.mask, NULL);
}

/* A copy of fd above the stage's own numbers. */
static int high_copy(int fd)
{
	return sys_dup_min(fd, CT_STAGE_INPUT_FD);
}

/* /dev/null takes the place of the standard descriptors and of the two sockets; they move up. 0 or
 * a negative errno. */
static int move_descriptors(struct super *s)
{
	static const int numbers[] = { 0, 1, 2, CT_STAGE_KEEP_FD, CT_STAGE_REPORT_FD };
	int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY, 0);

	if (null < 0)
		return null;
	s->null = high_copy(null);
	close(null);
	if (s->null < 0)
		return s->null;
	s->caller = high_copy(s->st->report_fd);
	if (s->caller < 0)
		return s->caller;
	if (s->st->report_fd != CT_STAGE_REPORT_FD)
		close(s->st->report_fd);
	s->st->report_fd = s->caller;
	for (int i = 0; i < 3; i++) {
		s->before.stdio[i] = high_copy(i);
		if (s->before.stdio[i] == -EBADF)
			s->before.stdio[i] = high_copy(s->null);
		if (s->before.stdio[i] < 0)
			return s->before.stdio[i];
	}
	/* the keeper that started the supervisor is not the parent of its inits */
	s->st->keep_fd = -1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		int r = (int)sys3(SYS_dup3, s->null, numbers[i], O_CLOEXEC);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Raises the limit of open files, to have room for clients. Launchers get the caller's back. */
static int more_descriptors(struct super *s)
{
	struct rlimit want;

	if (prlimit(0, RLIMIT_NOFILE, NULL, &s->before.nofile))
		return -errno;
	want = s->before.nofile;
	if (want.rlim_cur < 1024)
		want.rlim_cur = u64_min(want.rlim_max, 1024);
	prlimit(0, RLIMIT_NOFILE, &want, NULL);
	return 0;
}

static int own_signals(struct super *s)
{
	sigset_t set;

	/* the caller may ignore SIGCHLD: then the kernel would reap the children */
	signal_default(SIGCHLD);
	sigfillset(&set);
	if (sigprocmask(SIG_SETMASK, &set, &s->before.mask))
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return -errno;
	return 0;
}

static int become(struct super *s)
{
	struct timeval patience = { .tv_sec = 5 };
	int r;

	r = own_signals(s);
	if (r)
		return r;
	s->before.dumpable = prctl(PR_GET_DUMPABLE);
	if (prctl(PR_SET_DUMPABLE, 0))
		return -errno;
	prctl(PR_SET_NAME, "ct-supervisor");
	s->before.umask = umask(077);
	setsid();
	if (chdir("/"))
		return -errno;
	r = more_descriptors(s);
	if (!r)
		r = move_descriptors(s);
	if (r)
		return r;
	/* a caller that does not read its reports must not block the supervisor */
	setsockopt(s->caller, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return 0;
}

static int find_pid_ns(const struct stage *st)
{
	for (uint32_t i = 0; i < st->n_steps; i++) {
		if (st->steps[i].op == CT_OP_CLONE)
			return !!(st->steps[i].n[0] & CT_CLONE_PID);
	}
	return 0;
}

static int prepare(struct super *s, struct stage *st)
{
	const struct ct_wire_super *w = st->super;
	size_t n;
	int r;

	s->st = st;
	s->w = w;
	s->state_file = s->report = s->keep = s->pidfd = s->signals = s->listener = s->caller =
		s->null = s->hooks_why = s->run_log = -1;
	memset(s->ns, 0xff, sizeof(s->ns));
	s->log.fd = s->log.dir = s->device.fd = -1;
	s->stop_until = s->kill_at = s->time_at = s->cpu_at = SUP_NEVER;
	if (!w || w->n_ttys >= CT_WIRE_SLOTS || w->state_dir < 0 || w->alive < 0)
		return -EINVAL;
	s->name = pool_str(st, w->name);
	s->state_dir = st->slot[w->state_dir];
	s->alive = st->slot[w->alive];
	if (s->state_dir < 0 || s->alive < 0)
		return -EINVAL;
	/* not for the launchers, which get copies of all slots */
	st->slot[w->state_dir] = st->slot[w->alive] = -1;
	if (w->log >= 0) {
		s->run_log = st->slot[w->log];
		st->slot[w->log] = -1;
	}
	s->n_ttys = w->n_ttys;
	n = s->n_ttys + 1;
	s->cap_poll = (uint32_t)(9 + SUP_CLIENTS + 2 * n);
	s->tty = stage_alloc(n * sizeof(*s->tty));
	s->poll = stage_alloc(s->cap_poll * sizeof(*s->poll));
	s->watch = stage_alloc(s->cap_poll * sizeof(*s->watch));
	if (!s->tty || !s->poll || !s->watch)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->tty[i].master = s->tty[i].peer = s->tty[i].stream = -1;
	s->pid_ns = find_pid_ns(st);
	s->self_start = sup_start_time(getpid());
	r = sup_output_init(s);
	if (r)
		return r;
	return sup_console_init(s);
}

static void on_signals(struct super *s)
{
	struct signalfd_siginfo info[8];
	int status;
	ssize_t n;

	while ((n = read(s->signals, info, sizeof(info))) > 0) {
		for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++) {
			if (info[i].ssi_signo != SIGTERM)
				continue;
			if (s->phase == SUP_PHASE_BOOT || s->terminated) {
				sup_kill(s, 1);
				continue;
			}
			s->terminated = 1;
			s->kill_at = u64_min(s->kill_at, s->now + SUP_TERM_MS);
			s->stop_until = SUP_NEVER;
			sup_halt(s);
		}
	}
	if (s->launcher > 0 && waitpid(s->launcher, &status, WNOHANG) == s->launcher) {
		s->launcher = 0;
		if (status && s->report >= 0)
			sup_on_lost_launcher(s);
	}
	if (s->hooks > 0)
		sup_on_hooks(s);
	sup_output_reap(s);
	if (s->phase == SUP_PHASE_OUTPUT)
		sup_finish(s);
}

static void watch_all(struct super *s)
{
	s->n_poll = 0;
	sup_watch(s, s->signals, POLLIN, SUP_WATCH_SIGNALS, 0);
	/* the library only closes it */
	sup_watch(s, s->caller, 0, SUP_WATCH_CALLER, 0);
	sup_watch(s, s->report, POLLIN, SUP_WATCH_REPORT, 0);
	sup_watch(s, s->keep, POLLIN, SUP_WATCH_KEEP, 0);
	if (s->report < 0 && s->phase == SUP_PHASE_RUN)
		sup_watch(s, s->pidfd, POLLIN, SUP_WATCH_INIT, 0);
	if (s->now >= s->listen_at)
		sup_watch(s, s->listener, POLLIN, SUP_WATCH_LISTENER, 0);
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		const struct sup_client *c = &s->client[i];

		if (c->is == SUP_CLIENT_SENDING)
			sup_watch(s, c->fd, POLLOUT, SUP_WATCH_CLIENT, i);
		else if (c->is != SUP_CLIENT_FREE)
			sup_watch(s, c->fd, POLLIN, SUP_WATCH_CLIENT, i);
	}
	sup_tty_watch(s);
}

static int next_timeout(const struct super *s)
{
	uint64_t at = SUP_NEVER;

	if (s->phase == SUP_PHASE_RUN)
		at = u64_min(u64_min(u64_min(s->time_at, s->cpu_at), s->kill_at), s->stop_until);
	if (s->phase == SUP_PHASE_PAUSE)
		at = u64_min(s->boot_at, s->time_at);
	if (s->reboot_until)
		at = u64_min(at, s->reboot_until);
	if (s->listen_at > s->now)
		at = u64_min(at, s->listen_at);
	for (uint32_t i = 0; i < SUP_CLIENTS; i++) {
		if (s->client[i].is != SUP_CLIENT_FREE)
			at = u64_min(at, s->client[i].deadline);
	}
	if (sup_device_held(s))
		at = u64_min(at, s->device.lag_since + SUP_LAG_MS);
	for (uint32_t i = 0; i <= s->n_ttys; i++) {
		if (s->tty[i].retry_at > s->now)
			at = u64_min(at, s->tty[i].retry_at);
		if (s->tty[i].lagging && !s->tty[i].starters &&
		    s->tty[i].lag_since + SUP_LAG_MS > s->now)
			at = u64_min(at, s->tty[i].lag_since + SUP_LAG_MS);
	}
	if (at == SUP_NEVER)
		return -1;
	if (at <= s->now)
		return 0;
	return (int)u64_min(at - s->now, 3600000);
}

/* The pause between two boots: a limit or a stop ends the container, else its end is the next boot.
 * */
static void pause_timer(struct super *s)
{
	if (s->now >= s->time_at)
		s->limit = CT_EXIT_TIME;
	if (s->limit) {
		s->verdict.reason = s->limit;
		sup_begin_end(s);
		return;
	}
	if (s->now < s->boot_at)
		return;
	if (s->stop_asked) {
		s->verdict.reason = CT_EXIT_STOPPED;
		sup_begin_end(s);
		return;
	}
	sup_boot_again(s);
}

static void timers(struct super *s)
{
	sup_client_timers(s);
	if (s->reboot_until && s->now >= s->reboot_until)
		s->reboot_until = 0;
	if (s->phase == SUP_PHASE_PAUSE)
		pause_timer(s);
	if (s->phase != SUP_PHASE_RUN)
		return;
	if (s->now >= s->time_at) {
		s->time_at = SUP_NEVER;
		s->limit = CT_EXIT_TIME;
		sup_kill(s, 1);
	}
	if (s->now >= s->cpu_at && sup_cputime_up(s)) {
		s->cpu_at = SUP_NEVER;
		s->limit = CT_EXIT_CPUTIME;
		sup_kill(s, 1);
	}
	if (s->now >= s->kill_at) {
		s->kill_at = SUP_NEVER;
		sup_kill(s, s->kill_hard);
	}
	if (s->now >= s->stop_until) {
		s->stop_until = SUP_NEVER;
		s->stop_asked = 0;
		sup_set_state(s, CT_STATE_RUNNING);
	}
}

static void dispatch(struct super *s, const struct sup_watch *w, short events)
{
	switch (w->is) {
	case SUP_WATCH_SIGNALS:
		on_signals(s);
		break;
	case SUP_WATCH_CALLER:
		sup_close(&s->caller);
		sup_abort_boot(s);
		break;
	case SUP_WATCH_REPORT:
		if (s->report >= 0)
			sup_on_report(s);
		break;
	case SUP_WATCH_KEEP:
		sup_take_keep(s);
		break;
	case SUP_WATCH_INIT:
		if (s->pidfd >= 0 && s->report < 0)
			sup_on_init(s);
		break;
	case SUP_WATCH_LISTENER:
		sup_on_listener(s);
		break;
	case SUP_WATCH_CLIENT:
		sup_on_client(s, w->index, events);
		break;
	case SUP_WATCH_MASTER:
		sup_on_master(s, w->index, events);
		break;
	case SUP_WATCH_STREAM:
		sup_on_stream(s, w->index, events);
		break;
	case SUP_WATCH_DEVICE:
		sup_on_device(s, events);
		break;
	}
}

static void loop(struct super *s)
{
	while (s->phase != SUP_PHASE_DONE) {
		int n;

		s->now = sup_now_ms();
		watch_all(s);
		n = poll(s->poll, s->n_poll, next_timeout(s));
		s->now = sup_now_ms();
		for (uint32_t i = 0; n > 0 && i < s->n_poll && s->phase != SUP_PHASE_DONE; i++) {
			if (s->poll[i].revents)
				dispatch(s, &s->watch[i], s->poll[i].revents);
		}
		if (s->phase != SUP_PHASE_DONE)
			timers(s);
	}
}

_Noreturn void supervise(struct stage *st)
{
	struct super s;
	int r;

	memset(&s, 0, sizeof(s));
	st->current = CT_STEP_IN_LAUNCHER;
	r = prepare(&s, st);
	if (!r)
		r = become(&s);
	if (!r)
		r = sup_groups_enter(&s);
	if (r) {
		report_error(st, r, 0, NULL, "the supervisor cannot be set up");
		_exit(1);
	}
	s.now = sup_now_ms();
	sup_take_watch(&s);
	sup_take_console(&s);
	r = sup_listen(&s);
	if (!r)
		r = sup_set_state(&s, CT_STATE_STARTING);
	if (r)
		report_error(st, r, 0, "state directory",
			     "its socket or its state file cannot be made");
	else if ((r = sup_boot(&s)) != 0)
		report_error(st, r, 0, NULL, "no process for the launcher");
	if (r) {
		sup_remove_files(&s, 0);
		unlinkat(s.state_dir, "state", 0);
		_exit(1);
	}
	loop(&s);
	_exit(s.failed && s.boots == 0);
}
