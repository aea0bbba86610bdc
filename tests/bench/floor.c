/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor: what the kernel asks for a container, without a library around it. A bare program that
 * makes the same namespaces and the same mounts by the same system calls as the library's plan of
 * the same profile (`run --plan` shows both), executes the program and reaps it. It checks nothing,
 * reports nothing and protects its caller from nothing.
 *
 * PROFILE is a file with what the plan says, one a line: "whole" for a container with /dev and
 * /sys, a network and a cgroup namespace; of /proc and /sys "mask PATH", "readonly PATH", and
 * "stack" when the source of the masks must be mounted; "filter FILE" for a filter of system calls;
 * and the control groups (floor-groups.h).
 *
 *   floor start PROFILE ROOTFS PROGRAM one container each round
 *   floor attach PID PROGRAM           one process in the namespaces of PID each round, from a fork
 *   floor once PROFILE ROOTFS PROGRAM  one container as a whole process, no commands read
 *   floor enter PID PROGRAM            one process in the namespaces of PID as a whole process
 *   floor filter FILE PROGRAM          no container: fork, the filter in FILE ("-": none), exec
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "floor-steps.h"

#define NS_SMALL (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)
#define NS_DEFAULT (NS_SMALL | CLONE_NEWNET | CLONE_NEWCGROUP)

struct job {
	uint64_t namespaces;
	struct floor_profile profile;
	const char *rootfs, *program;
	int pidfd; /* attach */
	struct sock_fprog filter;
	pid_t alive[1024]; /* containers that stay */
	int n_alive;
};

static void load_filter(const struct sock_fprog *filter)
{
	if (!filter->len)
		return;
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter));
}

/* Up to the moment when the program could be executed. */
static void prepare(const struct job *j, int tree, const int groups[FLOOR_GROUPS])
{
	const struct floor_profile *p = &j->profile;
	int mask = -1;

	floor_groups_enter(&p->groups, groups);
	/* the maker's group becomes its root */
	if (p->groups.n && (j->namespaces & CLONE_NEWCGROUP))
		must(unshare(CLONE_NEWCGROUP));
	must(setsid());
	if (j->namespaces & CLONE_NEWNET)
		floor_loopback();
	floor_private();
	if (p->whole)
		mask = floor_mask_source(p->stack);
	floor_stack(tree);
	if (p->whole)
		floor_dev(tree);
	floor_proc(tree);
	if (p->whole) {
		floor_sys(tree);
		floor_protect(tree, mask, p);
	}
	floor_pivot(tree, p->stack);
	floor_identity();
	load_filter(&j->filter);
}

/* `number` distinguishes its groups from those of others. */
static pid_t spawn(const struct job *j, const char *program, int number)
{
	const char *const argv[] = { program, NULL }, *const envp[] = { "PATH=/bin", NULL };
	const struct floor_groups *g = &j->profile.groups;
	int pidfd = -1, tree = floor_tree(j->rootfs), groups[FLOOR_GROUPS], into;
	struct clone_args args = {
		.flags = (g->n ? j->namespaces & ~(uint64_t)CLONE_NEWCGROUP : j->namespaces) |
			 CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	floor_groups_make(g, number, groups);
	into = floor_groups_into(g, groups);
	if (into >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)into;
	}
	pid = must(syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0) {
		prepare(j, tree, groups);
		execve(program, (char *const *)argv, (char *const *)envp);
		_exit(127);
	}
	floor_groups_close(g, groups);
	close(tree);
	close(pidfd);
	return (pid_t)pid;
}

static void reap(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("floor: the child ended with status 0x%x", status);
}

static uint64_t start_once(void *data)
{
	uint64_t begin = now_ns();
	struct job *j = data;

	reap(spawn(j, j->program, 0));
	floor_groups_remove(&j->profile.groups, 0);
	return now_ns() - begin;
}

/* Joins the namespaces, runs the program there, ends. */
_Noreturn static void enter(const struct job *j)
{
	const char *const argv[] = { j->program, NULL }, *const envp[] = { "PATH=/bin", NULL };
	int status = 0;
	pid_t pid;

	must(setns(j->pidfd, (int)j->namespaces));
	pid = fork();
	if (pid == 0) {
		must(setsid());
		must(chdir("/"));
		floor_identity();
		execve(j->program, (char *const *)argv, (char *const *)envp);
		_exit(127);
	}
	must(waitpid(pid, &status, 0));
	_exit(WEXITSTATUS(status));
}

static uint64_t attach_once(void *data)
{
	uint64_t begin = now_ns();
	pid_t pid = fork();

	if (pid == 0)
		enter(data);
	reap((pid_t)must(pid));
	return now_ns() - begin;
}

static uint64_t filter_once(void *data)
{
	const char *const envp[] = { "PATH=/bin", NULL };
	uint64_t begin = now_ns();
	struct job *j = data;
	const char *const argv[] = { j->program, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		load_filter(&j->filter);
		execve(j->program, (char *const *)argv, (char *const *)envp);
		_exit(127);
	}
	reap((pid_t)must(pid));
	return now_ns() - begin;
}

static void read_filter(struct sock_fprog *p, const char *file)
{
	static struct sock_filter code[BPF_MAXINSNS];
	int fd;

	if (!strcmp(file, "-"))
		return;
	fd = (int)must(open(file, O_RDONLY | O_CLOEXEC));
	p->len = (unsigned short)((size_t)must(read(fd, code, sizeof(code))) / sizeof(*code));
	p->filter = code;
	close(fd);
}

/* "alive N": keeps N containers that only wait. */
static void keep_alive(void *data, const char *word, long n)
{
	struct job *j = data;

	if (strcmp(word, "alive") || n < 0 || n > (long)(sizeof(j->alive) / sizeof(j->alive[0])))
		die("floor: no such command: %s %ld", word, n);
	for (; j->n_alive < n; j->n_alive++)
		j->alive[j->n_alive] = spawn(j, "/bin/pause", j->n_alive + 1);
	while (j->n_alive > n) {
		pid_t pid = j->alive[--j->n_alive];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		floor_groups_remove(&j->profile.groups, j->n_alive + 1);
	}
}

static void profile(struct job *j, const char *name)
{
	floor_read_profile(&j->profile, name);
	if (j->profile.filter)
		read_filter(&j->filter, j->profile.filter);
	j->namespaces = j->profile.whole ? NS_DEFAULT : NS_SMALL;
}

int main(int argc, char **argv)
{
	static struct job j;
	struct bench b = { start_once, keep_alive, &j };

	if (argc == 5 && (!strcmp(argv[1], "start") || !strcmp(argv[1], "once"))) {
		profile(&j, argv[2]);
		j.rootfs = argv[3];
		j.program = argv[4];
		if (!strcmp(argv[1], "once"))
			return start_once(&j) == 0;
	} else if (argc == 4 && !strcmp(argv[1], "filter")) {
		b.once = filter_once;
		read_filter(&j.filter, argv[2]);
		j.program = argv[3];
	} else if (argc == 4 && (!strcmp(argv[1], "attach") || !strcmp(argv[1], "enter"))) {
		b.once = attach_once;
		j.pidfd = (int)must(syscall(SYS_pidfd_open, atoi(argv[2]), 0));
		j.program = argv[3];
		j.namespaces = NS_DEFAULT;
		if (!strcmp(argv[1], "enter"))
			enter(&j);
	} else {
		die("floor: start PROFILE ROOTFS PROGRAM | once PROFILE ROOTFS PROGRAM | "
		    "attach|enter PID PROGRAM | filter FILE PROGRAM");
	}
	bench_serve(&b);
	keep_alive(&j, "alive", 0);
	return 0;
}
