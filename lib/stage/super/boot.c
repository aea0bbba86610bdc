/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a launcher to a running init, once per boot. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/rights.h"

#define KEEP_RECORDS 1024

static _Noreturn void be_launcher(struct super *s, int report, int keep, pid_t parent)
{
	sup_in_fork(s, report);
	s->st->keep_fd = CT_STAGE_KEEP_FD;
	if (sys3(SYS_dup3, keep, CT_STAGE_KEEP_FD, O_CLOEXEC) < 0)
		_exit(1);
	close(keep);
	/* a boot must not go on without its supervisor, which may have ended before the prctl */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(stage_launch(s->st) != 0);
}

/* 0 or a negative errno. */
static int new_pair(int pair[2])
{
	return (int)sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

int sup_boot(struct super *s)
{
	pid_t parent = getpid();
	int pair[2], keep[2], r;

	s->phase = SUP_PHASE_BOOT;
	sup_close(&s->keep);
	sup_close_namespaces(s);
	s->ended = 0;
	memset(&s->exec, 0, sizeof(s->exec));
	s->payload_told = 0;
	s->exec_next = 0;
	s->killed = 0;
	s->signals_asked = 0;
	s->kill_at = SUP_NEVER;
	s->init = 0;
	r = new_pair(pair);
	if (r)
		return r;
	r = new_pair(keep);
	if (r) {
		close_pair(pair);
		return r;
	}
	if (s->told)
		__atomic_store_n(&s->told->ended, CT_OUTPUT_ENDED, __ATOMIC_RELEASE);
	s->launcher = sys_fork();
	if (s->launcher < 0) {
		r = s->launcher;
		s->launcher = 0;
		close_pair(pair);
		close_pair(keep);
		return r;
	}
	if (s->launcher == 0) {
		close(pair[0]);
		close(keep[0]);
		be_launcher(s, pair[1], keep[1], parent);
	}
	close(pair[1]);
	close(keep[1]);
	s->report = pair[0];
	s->keep = keep[0];
	return 0;
}

/* Receives the records of launcher, init and pump. After the exec they come from inside the
 * container: their number is bounded, and of their content only numbers are used. */
void sup_take_keep(struct super *s)
{
	struct ct_keep k;

	for (int i = 0; i < KEEP_RECORDS && s->keep >= 0; i++) {
		ssize_t n = recv(s->keep, &k, sizeof(k), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (n == 0) {
			sup_close(&s->keep);
			return;
		}
		if (n != sizeof(k))
			continue;
		if (k.type == CT_KEEP_EXEC && !s->exec.type) {
			s->exec = k;
		} else if (k.type == CT_KEEP_STATUS) {
			s->payload = k.num;
			s->payload_told = 1;
		}
		/* only the launcher sends it, before there is an init */
		if (k.type == CT_KEEP_PUMP && s->init <= 0 && s->told && k.num > 0)
			sup_output_pump(s, k.num);
		if (k.type == CT_KEEP_PROXY && s->init <= 0 && s->proxy <= 0)
			s->proxy = k.num;
		if (k.type == CT_KEEP_OUTPUT && s->told)
			sup_output_over(s);
	}
}

/* Receives one record, its descriptor in *fd or -1. 1; 0 at the end; -EAGAIN. A packet of another
 * size counts as the end. */
static int take_record(int sock, struct ct_report *r, int *fd)
{
	union ct_rights room;
	struct iovec iov = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	*fd = -1;
	ct_rights_room(&m, &room);
	do {
		n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n < 0)
		return 0;
	*fd = ct_rights_take(&m);
	if (n != sizeof(*r)) {
		sup_close(fd);
		return 0;
	}
	r->object[sizeof(r->object) - 1] = 0;
	r->kernel[sizeof(r->kernel) - 1] = 0;
	return 1;
}

/* Sends a record to the library, which receives those of the first boot only. 0 or a negative
 * errno. */
static int relay(struct super *s, struct ct_report *r, int fd)
{
	if (s->caller < 0)
		return 0;
	s->st->report_fd = s->caller;
	return report_send(s->st, r, fd);
}

/* Keeps the error of a later boot, which no caller waits for: for the log and the state file. */
static void keep_error(struct super *s, const struct ct_report *r)
{
	if (s->caller >= 0 || s->error[0])
		return;
	str_cut(s->error, sizeof(s->error), "boot failed: step ");
	str_add_u64(s->error, sizeof(s->error), r->step);
	str_add(s->error, sizeof(s->error), " errno ");
	str_add_u64(s->error, sizeof(s->error), (uint64_t)r->err);
	str_add(s->error, sizeof(s->error), " ");
	str_add(s->error, sizeof(s->error), r->object);
	str_add(s->error, sizeof(s->error), " ");
	str_add(s->error, sizeof(s->error), r->kernel);
	sup_clean_text(s->error);
	sup_log(s, CT_LOG_ERROR, s->error);
}

/* Logs warnings, and what hooks print, of a later boot. */
static void log_record(struct super *s, const struct ct_report *r)
{
	if (s->caller >= 0)
		return;
	if (r->type == CT_REPORT_WARN)
		sup_log(s, CT_LOG_WARN, r->object);
	else if (r->type == CT_REPORT_SAID && r->step < s->st->n_steps)
		sup_log_hook(s, CT_LOG_INFO, &s->st->steps[r->step], ": ", r->object);
}

/* Reports why this boot cannot go on, and ends it. */
static void refuse_boot(struct super *s, int err, int sys, const char *object, const char *why)
{
	struct ct_report r = { .type = CT_REPORT_ERROR,
			       .step = CT_STEP_IN_LAUNCHER,
			       .sys = (uint16_t)sys,
			       .err = -err };

	str_cut(r.object, sizeof(r.object), object);
	str_cut(r.kernel, sizeof(r.kernel), why);
	if (!s->error_relayed) {
		keep_error(s, &r);
		s->error_relayed = !relay(s, &r, -1);
	}
	sup_abort_boot(s);
}

static void on_cloned(struct super *s, struct ct_report *r, int *fd)
{
	int err;

	if (*fd < 0 || r->num <= 0 || s->init > 0) {
		refuse_boot(s, -EPROTO, SYS_recvmsg, "init",
			    "the launcher's report makes no sense");
		return;
	}
	sup_take_keep(s);
	s->init = s->ended = r->num;
	s->pidfd = *fd;
	*fd = -1;
	/* first: a process that finds the supervisor killed must find init in the state file */
	s->init_start = sup_start_time(s->init);
	if (!s->init_start) {
		refuse_boot(s, -EIO, SYS_read, "/proc/PID/stat",
			    "init's start time cannot be read");
		return;
	}
	err = sup_write_state(s);
	/* a container that has run before goes on without the file: to end it would help nobody */
	if (err && !s->boots) {
		refuse_boot(s, err, SYS_write, "state", "the state file cannot be written");
		return;
	}
	err = relay(s, r, s->pidfd);
	if (err)
		refuse_boot(s, err, SYS_sendmsg, "init", "the starter cannot be told of it");
}

/* A descriptor from init. *fd is -1 where it was taken over. */
static void on_descriptor(struct super *s, struct ct_report *r, int *fd)
{
	switch (r->num) {
	case CT_FD_TAG_CONSOLE:
		sup_tty_new(s, 0, *fd);
		*fd = -1;
		break;
	case CT_FD_TAG_TTY:
		sup_tty_new(s, (uint32_t)r->err, *fd);
		*fd = -1;
		break;
	case CT_FD_TAG_NS:
		if (*fd >= 0 && r->err >= 0 && r->err < STAGE_NS && s->ns[r->err] < 0) {
			s->ns[r->err] = *fd;
			*fd = -1;
		}
		break;
	default:
		relay(s, r, *fd);
	}
}

static void on_record(struct super *s, struct ct_report *r, int fd)
{
	switch (r->type) {
	case CT_REPORT_CLONED:
		on_cloned(s, r, &fd);
		break;
	case CT_REPORT_FD:
		on_descriptor(s, r, &fd);
		break;
	case CT_REPORT_EXEC_NEXT:
		s->exec_next = 1;
		sup_take_keep(s);
		s->cpu_before += ct_since(s->exec.user_us + s->exec.system_us, s->exec.outside_us);
		s->exec_us = sup_now_us() - ct_age_ns(r->at_ns, sup_real_ns()) / 1000;
		relay(s, r, -1);
		break;
	case CT_REPORT_ERROR:
		s->failed = 1;
		s->error_relayed = 1;
		keep_error(s, r);
		relay(s, r, -1);
		break;
	case CT_REPORT_WARN:
	case CT_REPORT_STEP:
	case CT_REPORT_SAID:
		log_record(s, r);
		relay(s, r, -1);
		break;
	}
	sup_close(&fd);
}

/* init runs. Where the starter cannot be told, or the state file not be written, a first boot
 * fails. 0 or -1. */
static int on_ready(struct super *s)
{
	struct ct_report r = { .type = CT_REPORT_SUPERVISOR,
			       .step = CT_STEP_NONE,
			       .num = getpid() };
	int err, first = s->boots == 0;

	s->phase = SUP_PHASE_RUN;
	s->reboot_until = 0;
	s->verdict.reason = CT_EXIT_NONE;
	s->boots++;
	if (s->stop_asked)
		err = sup_set_state(s, CT_STATE_STOPPING);
	else
		err = sup_set_state(s, CT_STATE_RUNNING);
	if (err && first) {
		refuse_boot(s, err, SYS_write, "state", "the state file cannot be written");
	} else {
		err = relay(s, &r, -1);
		if (err && first)
			refuse_boot(s, err, SYS_sendmsg, "supervisor",
				    "the starter cannot be told of it");
	}
	if (err && first) {
		s->boots = 0;
		s->phase = SUP_PHASE_BOOT;
		return -1;
	}
	/* one limit for all boots: else a reboot would be a way around it */
	if (first && s->w->limit_time_us)
		s->time_at = s->now + s->w->limit_time_us / 1000 + !!(s->w->limit_time_us % 1000);
	if (s->w->limit_cputime_us && s->cpu_at == SUP_NEVER)
		s->cpu_at = s->now;
	sup_close(&s->caller);
	return 0;
}

/* This boot has ended before init executed the payload. */
static void on_failed(struct super *s)
{
	struct ct_report r = { .type = CT_REPORT_ERROR,
			       .step = CT_STEP_IN_LAUNCHER,
			       .sys = SYS_execve,
			       .err = ECHILD };

	s->failed = 1;
	sup_reap_all(s);
	if (!s->error_relayed) {
		str_cut(r.kernel, sizeof(r.kernel), "the stage was killed before the program ran");
		if (s->stop_asked)
			str_cut(r.kernel, sizeof(r.kernel), "stopped before the program ran");
		keep_error(s, &r);
		relay(s, &r, -1);
	}
	if (s->boots) {
		s->verdict.reason = CT_EXIT_REBOOT;
		if (s->stop_asked)
			s->verdict.reason = CT_EXIT_STOPPED;
		if (s->limit)
			s->verdict.reason = s->limit;
	}
	sup_begin_end(s);
}

/* Receives the reports of launcher and init. Their end is the exec's success, where it was
 * announced. */
void sup_on_report(struct super *s)
{
	struct ct_report r;
	int fd, n;

	while ((n = take_record(s->report, &r, &fd)) == 1)
		on_record(s, &r, fd);
	if (n == -EAGAIN)
		return;
	sup_close(&s->report);
	if (!s->exec_next || s->failed || s->init <= 0 || on_ready(s))
		on_failed(s);
}

void sup_on_lost_launcher(struct super *s)
{
	/* reports that were sent before */
	sup_on_report(s);
	if (s->report < 0)
		return;
	sup_close(&s->report);
	on_failed(s);
}

void sup_kill_launcher(const struct super *s)
{
	if (s->launcher <= 0)
		return;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill(s->launcher, SIGKILL);
}

void sup_abort_boot(struct super *s)
{
	s->failed = 1;
	sup_kill_launcher(s);
	if (s->pidfd >= 0)
		sys4(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
}

/* Without init there is nothing to serve: what handed requests on has ended, or does now. */
static void end_proxy(struct super *s)
{
	if (s->proxy <= 0)
		return;
	kill(s->proxy, SIGKILL);
	while (waitpid(s->proxy, NULL, __WALL) < 0 && errno == EINTR)
		;
	s->proxy = 0;
}

void sup_on_init(struct super *s)
{
	uint32_t how = CT_OUTPUT_ENDED;
	struct rusage ru;
	int status = 0;
	pid_t r;

	memset(&ru, 0, sizeof(ru));
	r = wait4(s->init, &status, __WALL | WNOHANG, &ru);
	if (r == 0)
		return;
	s->init = 0;
	sup_take_keep(s);
	end_proxy(s);
	if (r > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		how = CT_OUTPUT_KILLED;
	sup_output_end(s, how);
	/* before the verdict: its last output may have passed limit.output */
	sup_ttys_close(s, 0);
	sup_close(&s->pidfd);
	sup_judge(s, status, &ru, r < 0);
	if (s->verdict.reason != CT_EXIT_REBOOT) {
		sup_begin_end(s);
		return;
	}
	sup_begin_again(s);
}

void sup_boot_again(struct super *s)
{
	sup_groups_renew(s);
	if (sup_boot(s)) {
		str_cut(s->error, sizeof(s->error), "boot failed: no process for the launcher");
		s->failed = 1;
		sup_begin_end(s);
	}
}
