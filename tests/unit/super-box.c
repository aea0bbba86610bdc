/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "super-box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "stage/stage.h"

#define FIRST_FD 100 /* above all that the test has open */

static struct super_box *playing; /* in the supervisor and its children: what is played */

/* ---- the launcher's and init's parts --------------------------------------------------------- */

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static void exit_0(int sig)
{
	(void)sig;
	_exit(0);
}

static void exit_5(int sig)
{
	_exit(sig == 37 ? 5 : 6);
}

static _Noreturn void echo(int tty)
{
	char c;

	while (read(tty, &c, 1) == 1) {
		char out[2] = { '>', c };

		playing->shared->echoes++;
		if (write(tty, out, 2) != 2)
			break;
	}
	_exit(3);
}

static _Noreturn void init(enum play play, int arg, int tty)
{
	static const char block[1000] = "x";
	struct ct_keep told = { .type = CT_KEEP_STATUS, .num = playing->status };
	void (*on_pwr)(int) = SIG_IGN;

	signals_default();
	if (play != PLAY_FORGET && playing->w.pdeath)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (play == PLAY_HALT_ON_PWR)
		on_pwr = exit_0;
	if (play == PLAY_RTMIN_3)
		on_pwr = exit_5;
	signal(SIGPWR, on_pwr);
	signal(SIGTERM, SIG_IGN);
	if (play == PLAY_RTMIN_3) {
		struct sigaction a = { .sa_handler = exit_5 };

		sigaction(37, &a, NULL);
	}
	switch (play) {
	case PLAY_EXIT:
		pause_ms(20);
		if (playing->status && send(CT_STAGE_KEEP_FD, &told, sizeof(told), 0) < 0)
			_exit(97);
		_exit(arg);
	case PLAY_DIE:
		pause_ms(20);
		kill(getpid(), arg);
		break;
	case PLAY_ECHO:
		echo(tty);
	case PLAY_FLOOD:
		while (write(tty, block, sizeof(block)) > 0)
			;
		break;
	default:
		break;
	}
	for (;;)
		pause();
}

static int new_tty(struct stage *st, int tag, int index)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), peer;
	struct termios t;

	if (master < 0 || unlockpt(master))
		_exit(99);
	peer = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(peer, &t);
	cfmakeraw(&t);
	tcsetattr(peer, TCSANOW, &t);
	if (report_fd(st, tag, index, master))
		_exit(99);
	close(master);
	return peer;
}

static void say(struct stage *st, uint32_t type, int num, int fd)
{
	struct ct_report r = { .type = type, .num = num };

	if (report_send(st, &r, fd))
		_exit(98);
}

int stage_launch(struct stage *st)
{
	int boot = playing->shared->boots++, at = boot < PLAY_BOOTS ? boot : PLAY_BOOTS - 1;
	enum play play = playing->play[at];
	int pidfd = -1, tty = -1;
	struct clone_args args = { .flags = CLONE_PARENT | CLONE_PIDFD,
				   .pidfd = (uintptr_t)&pidfd };
	long pid;

	playing->shared->launcher = getpid();
	st->current = 7;
	if (play == PLAY_FAIL)
		return report_error(st, -ENOENT, SYS_openat, "/nowhere", "a reason");
	if (play == PLAY_LOST)
		raise(SIGKILL);
	while (play == PLAY_STUCK)
		pause_ms(1000);
	if (playing->console)
		tty = new_tty(st, CT_FD_TAG_CONSOLE, 0);
	for (int i = 1; i <= playing->ttys; i++)
		new_tty(st, CT_FD_TAG_TTY, i);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		if (play != PLAY_FORGET) {
			/* as the real one waits for its launcher's word */
			pause_ms(5);
			say(st, CT_REPORT_EXEC_NEXT, 0, -1);
			/* as the exec does */
			close(st->report_fd);
		}
		init(play, playing->arg[at], tty);
	}
	playing->shared->init = (pid_t)pid;
	if (play == PLAY_FORGET)
		raise(SIGKILL);
	say(st, CT_REPORT_CLONED, (int)pid, pidfd);
	return 0;
}

int stage_hook(struct stage *st, const struct ct_wire_step *s, const struct stage_more *more,
	       char *why, size_t n_why, int *sys)
{
	const char *const *extra = more->env;

	(void)st;
	*sys = 0;
	if (s->op != CT_OP_HOOK ||
	    (strcmp(extra[0], "LXC_TARGET=stop") && strcmp(extra[0], "LXC_TARGET=reboot")))
		_exit(97);
	if (!strcmp(extra[0], "LXC_TARGET=reboot"))
		playing->shared->again++;
	else
		playing->shared->hooks++;
	pause_ms(20);
	if (!playing->shared->hook_fails)
		return 0;
	str_cut(why, n_why, "exit code 3: its last words");
	return -ECHILD;
}

/* ---- the box --------------------------------------------------------------------------------- */

void super_new(struct super_box *b)
{
	memset(b, 0, sizeof(*b));
	ct_err_clear(&b->e);
	strcpy(b->base, "/tmp/ct-test-super-XXXXXX");
	assert_non_null(mkdtemp(b->base));
	b->dirfd = b->report = b->stream = -1;
	b->w.pdeath = SIGKILL;
	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(b->shared != MAP_FAILED);
}

/* What the message would say of the strings, and of the slots that become_stage() fills. */
static void place_slots(struct super_box *b)
{
	b->w.name = 1;
	b->w.console_log_path = 5;
	b->w.state_dir = 0;
	b->w.alive = 1;
	b->w.home = b->w.watch = CT_SLOT_NONE;
	b->w.console = b->early ? 4 : CT_SLOT_NONE;
	b->w.console_log_dir = 2;
	b->w.console_log = b->log_path ? 3 : CT_SLOT_NONE;
	b->w.home = b->w.log = b->w.console_device = CT_SLOT_NONE;
	b->w.n_ttys = (uint32_t)b->ttys;
}

/* In the child: a stage as main() would leave it. */
static _Noreturn void become_stage(struct super_box *b, int alive, int report, int early)
{
	static const char pool[] = "\0box\0log";
	static struct ct_wire_step steps[8];
	static struct stage st;
	int fds[5] = { b->dirfd, alive, open(b->base, O_PATH | O_DIRECTORY | O_CLOEXEC), -1,
		       early };

	playing = b;
	if (b->log_path)
		fds[3] = openat(fds[2], b->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				0600);
	memset(st.slot, 0xff, sizeof(st.slot));
	for (int i = 0; i < 5; i++)
		st.slot[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + 1) : -1;
	dup2(report, FIRST_FD);
	for (int i = 3; i < FIRST_FD; i++)
		close(i);
	dup2(FIRST_FD, CT_STAGE_REPORT_FD);
	dup2(FIRST_FD, CT_STAGE_KEEP_FD);
	close(FIRST_FD);
	place_slots(b);
	steps[0].op = CT_OP_CLONE;
	steps[0].n[0] = b->pid_ns ? CLONE_NEWPID : 0;
	for (int i = 1; i <= b->hooks; i++)
		steps[i] = (struct ct_wire_step){ .op = CT_OP_HOOK, .phase = CT_PHASE_STOP };
	st.steps = steps;
	st.n_steps = 1;
	st.n_last = (uint32_t)b->hooks;
	st.super = &b->w;
	st.pool = pool;
	st.report_fd = CT_STAGE_REPORT_FD;
	st.init_pidfd = -1;
	st.keep_fd = CT_STAGE_KEEP_FD;
	signals_block();
	supervise(&st);
}

static void own_boot_id(struct super_box *b)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, b->w.boot_id, 36) == 36);
	close(fd);
}

void super_start(struct super_box *b)
{
	int lock = -1, alive = -1, pair[2], early[2] = { -1, -1 };

	own_boot_id(b);
	assert_int_equal(ct_state_enter(b->base, b->base, "box", 1000, &b->dirfd, &lock, &b->e), 0);
	assert_int_equal(ct_state_take_alive(b->dirfd, &alive, &b->e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (b->early)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, early), 0);
	fflush(NULL);
	b->pid = fork();
	assert_true(b->pid >= 0);
	if (b->pid == 0)
		become_stage(b, alive, pair[1], early[1]);
	close(pair[1]);
	if (b->early)
		close(early[1]);
	b->stream = early[0];
	close(alive);
	close(lock);
	b->report = pair[0];
}

int super_report(struct super_box *b, struct ct_report *r, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };
	ssize_t n = recvmsg(b->report, &m, MSG_CMSG_CLOEXEC);
	int got = -1;

	if (n <= 0)
		return 0;
	assert_int_equal(n, sizeof(*r));
	if (CMSG_FIRSTHDR(&m))
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	if (fd)
		*fd = got;
	else if (got >= 0)
		close(got);
	return (int)r->type;
}

void super_run(struct super_box *b)
{
	struct ct_report r;
	int seen = 0, type;

	super_start(b);
	while ((type = super_report(b, &r, NULL)) != 0) {
		if (type == CT_REPORT_ERROR)
			fail_msg("start failed: step %u errno %d %s %s", r.step, r.err, r.object,
				 r.kernel);
		if (type == CT_REPORT_SUPERVISOR)
			assert_int_equal(r.num, b->pid);
		seen |= 1 << type;
	}
	assert_int_equal(seen, 1 << CT_REPORT_CLONED | 1 << CT_REPORT_EXEC_NEXT |
				       1 << CT_REPORT_SUPERVISOR);
}

static int ended(void *data)
{
	struct super_box *b = data;
	int status;

	if (waitpid(b->pid, &status, WNOHANG) != b->pid)
		return 0;
	b->pid = 0;
	return status + 1;
}

int super_reap(struct super_box *b)
{
	return wait_until(ended, b) - 1;
}

int lives(pid_t pid)
{
	char path[64], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strstr(text, ") ") && !strstr(text, ") Z");
}

static int all_gone(void *data)
{
	struct super_box *b = data;

	return !lives(b->shared->init) && !lives(b->shared->launcher);
}

void super_free(struct super_box *b)
{
	const char *const argv[] = { "rm", "-rf", b->base, NULL };
	struct run_result r;

	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		super_reap(b);
	}
	assert_true(wait_until(all_gone, b));
	close(b->dirfd);
	close(b->report);
	munmap(b->shared, sizeof(*b->shared));
	assert_int_equal(run_tool(argv, NULL, 5000, &r), 0);
	run_free(&r);
}
