/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output: the pipes that the payload prints into, and the pump, a child of the keeper or of
 * the supervisor. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "stage/step/pump.h"
#include "stage/step/steps.h"

#define STDOUT 1
#define STDERR 2
#define PUMP_FDS (2 * PUMP_WAYS + 1) /* that a pump keeps: its ways, and the keeper's socket */

/* What a pump reports when it begins: an error of a system call, or 0. */
struct begun {
	int err, sys;
};

/* What the launcher makes for the pump. */
struct making {
	int n; /* ways */
	int from[PUMP_WAYS], write_to[PUMP_WAYS];
	int parent; /* whose child the pump is to be */
	int begun;  /* pipe for the pump's report; above all descriptors that it keeps */
	struct ct_wire_output *told;
};

/* Whether stdout and stderr are one stream, or one open file with one position: then one pipe
 * serves both, so that the order of the output stays. */
static int same_sink(void)
{
	const int pid = sys_getpid();
	struct stat out, err;

	if (sys_fstat(STDOUT, &out) || sys_fstat(STDERR, &err) || out.st_dev != err.st_dev ||
	    out.st_ino != err.st_ino)
		return 0;
	return !S_ISREG(out.st_mode) || sys5(SYS_kcmp, pid, pid, K_KCMP_FILE, STDOUT, STDERR) == 0;
}

/* Maps the page of counters that the pump shares with the library. 0 or a negative errno. */
static int map_told(struct making *m, int fd)
{
	struct stat sb;
	int err = sys_fstat(fd, &sb);

	if (err)
		return err;
	if (sb.st_size < (off_t)sizeof(*m->told))
		return -EINVAL;
	m->told = mmap(NULL, sizeof(*m->told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->told == MAP_FAILED)
		return -errno;
	return 0;
}

/* Makes the payload's pipes. Their mode lets any user open them anew as /dev/stdout: programs
 * change their user, and an id map may not map the owner. Other processes cannot reach them, for
 * they have no name. 0 or a negative errno. */
static int make_pipes(struct making *m)
{
	int pair[2], err;

	for (int i = 0; i < m->n; i++) {
		err = (int)sys2(SYS_pipe2, pair, O_CLOEXEC);
		if (err)
			return err;
		m->from[i] = pair[0];
		m->write_to[i] = pair[1];
		err = (int)sys3(SYS_fcntl, pair[0], F_SETFL, O_NONBLOCK);
		if (!err)
			err = (int)sys2(SYS_fchmod, pair[1], 0666);
		if (err)
			return err;
	}
	return 0;
}

static struct begun failing(long err, int sys)
{
	return (struct begun){ (int)err, sys };
}

/* The pump has no capability and no way to get one, cannot be inspected by others, and ends with
 * its parent. */
static struct begun give_up_rights(const struct making *m)
{
	struct k_cap_header head = { K_CAP_VERSION_3, 0 };
	struct k_cap_data none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	long err;

	sys_prctl(K_PR_CAP_AMBIENT, K_PR_CAP_AMBIENT_CLEAR_ALL, 0, 0);
	err = sys2(SYS_capset, &head, none);
	if (err)
		return failing(err, SYS_capset);
	err = sys_prctl(K_PR_SET_NO_NEW_PRIVS, 1, 0, 0);
	if (!err)
		err = sys_prctl(K_PR_SET_DUMPABLE, 0, 0, 0);
	if (!err)
		err = sys_prctl(K_PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	if (err)
		return failing(err, SYS_prctl);
	if (sys0(SYS_getppid) != m->parent)
		return failing(-ESRCH, SYS_getppid);
	return failing(0, 0);
}

/* The n descriptors become 0, 1, ...; all others but `kept`, which is above them, are closed. */
static struct begun place(int *const *fd, int n, int kept)
{
	long err;

	for (int i = 0; i < n; i++) {
		err = sys_dup_min(*fd[i], n);
		if (err < 0)
			return failing(err, SYS_fcntl);
		*fd[i] = (int)err;
	}
	for (int i = 0; i < n; i++) {
		err = sys3(SYS_dup3, *fd[i], i, O_CLOEXEC);
		if (err < 0)
			return failing(err, SYS_dup3);
		*fd[i] = i;
	}
	err = sys_close_range((unsigned)n, (unsigned)kept - 1, 0);
	if (!err)
		err = sys_close_range((unsigned)kept + 1, ~0u, 0);
	return failing(err, SYS_close_range);
}

static _Noreturn void be_pump(struct stage *st, const struct making *m, uint64_t limit)
{
	static STAGE_LARGE char buf[PUMP_WAYS][PUMP_BYTES];
	static struct pump p;
	int *fd[PUMP_FDS], n = 0;
	uint64_t all_but_alarm = ~(1ull << (SIGALRM - 1));
	struct begun begun;

	p = (struct pump){
		.told = m->told, .limit = limit, .keeper = st->keep_fd, .n = (uint32_t)m->n
	};
	for (int i = 0; i < m->n; i++) {
		p.way[i] = (struct pump_way){ .from = m->from[i], .to = STDOUT + i, .buf = buf[i] };
		fd[n++] = &p.way[i].from;
		fd[n++] = &p.way[i].to;
	}
	if (p.keeper >= 0)
		fd[n++] = &p.keeper;
	sys_prctl(K_PR_SET_NAME, (unsigned long)"ct-output", 0, 0);
	sys0(SYS_setsid);
	sys1(SYS_chdir, "/");
	begun = place(fd, n, m->begun);
	if (!begun.err)
		begun = give_up_rights(m);
	sys3(SYS_write, m->begun, &begun, sizeof(begun));
	sys_close(m->begun);
	if (begun.err)
		sys_exit(1);
	sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &all_but_alarm, NULL, sizeof(all_but_alarm));
	sys_exit(pump_run(&p));
}

/* Waits for the pump's report: without a pump that works the start must fail. 0 or a negative
 * errno, with the call in *sys. */
static int has_begun(int fd, int *sys)
{
	struct begun begun = { 0, 0 };
	long n;

	do
		n = sys3(SYS_read, fd, &begun, sizeof(begun));
	while (n == -EINTR);
	*sys = SYS_read;
	if (n < 0)
		return (int)n;
	if (n != (long)sizeof(begun))
		return -ECHILD;
	*sys = begun.sys;
	return begun.err;
}

/* Starts the pump and tells its parent, the keeper or supervisor, of it, before there is an init. 0
 * or a negative errno, with the call in *sys. */
static int start_pump(struct stage *st, struct making *m, uint64_t limit, int *sys)
{
	struct k_clone_args args = { .flags = K_CLONE_PARENT };
	struct ct_keep told = { .type = CT_KEEP_PUMP };
	long pid;

	m->parent = (int)sys0(SYS_getppid);
	*sys = SYS_clone3;
	pid = sys2(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		be_pump(st, m, limit);
	if (pid < 0)
		return (int)pid;
	told.num = (int32_t)pid;
	*sys = SYS_sendmsg;
	return keep_send(st, &told, -1);
}

static int start_and_wait(struct stage *st, struct making *m, uint64_t limit, int *sys)
{
	int pair[2], err;

	*sys = SYS_pipe2;
	err = (int)sys2(SYS_pipe2, pair, O_CLOEXEC);
	if (err)
		return err;
	*sys = SYS_fcntl;
	m->begun = sys_dup_min(pair[1], PUMP_FDS + 1);
	sys_close(pair[1]);
	err = m->begun;
	if (m->begun >= 0)
		err = start_pump(st, m, limit, sys);
	sys_close(m->begun);
	if (!err)
		err = has_begun(pair[0], sys);
	sys_close(pair[0]);
	return err;
}

/* Replaces the payload's stdout and stderr by one pipe or two to the pump, which gets the original
 * descriptors. */
int step_output_pump(struct stage *st, const struct ct_wire_step *s)
{
	struct making m = {
		.n = same_sink() ? 1 : 2, .from = { -1, -1 }, .write_to = { -1, -1 }, .begun = -1
	};
	int sys = SYS_mmap, err = map_told(&m, step_fd(st, s->a));

	if (err)
		return step_fail(st, err, sys, NULL);
	sys = SYS_pipe2;
	err = make_pipes(&m);
	if (!err)
		err = start_and_wait(st, &m, s->n[0], &sys);
	/* init needs none of it */
	munmap(m.told, sizeof(*m.told));
	if (!err && (sys3(SYS_dup3, m.write_to[0], STDOUT, 0) < 0 ||
		     sys3(SYS_dup3, m.write_to[m.n - 1], STDERR, 0) < 0)) {
		sys = SYS_dup3;
		err = -EBADF;
	}
	for (int i = 0; i < PUMP_WAYS; i++) {
		sys_close(m.from[i]);
		sys_close(m.write_to[i]);
	}
	return step_result(st, err, sys, NULL);
}
