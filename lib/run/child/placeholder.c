/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/placeholder.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/child/rawcall.h"

int ct_placeholder_begin(struct ct_placeholder *p, struct ct_err *e)
{
	unsigned long all = ~0ul, old;
	void *memory = mmap(NULL, CT_PLACEHOLDER_MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ct_placeholder_task *task;
	int pair[2];
	long pid;

	if (memory == MAP_FAILED)
		return ct_oom(e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		munmap(memory, CT_PLACEHOLDER_MEMORY);
		return ct_fail_sys(e, -errno, CT_ERR_CGROUP, "cgroup", "socketpair",
				   "no leash for the scope's process");
	}
	task = (struct ct_placeholder_task *)((char *)memory + CT_PLACEHOLDER_MEMORY) - 1;
	*task = (struct ct_placeholder_task){ getpid(), pair[1] };
	RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	pid = ct_raw_clone(CLONE_VM, (void *)((uintptr_t)task & ~UINT64_C(15)), ct_placeholder_main,
			   task);
	RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		munmap(memory, CT_PLACEHOLDER_MEMORY);
		ct_err_syscall(e, "clone");
		return ct_fail(e, (int)pid, CT_ERR_CGROUP, "cgroup", "no process for the scope");
	}
	*p = (struct ct_placeholder){ (pid_t)pid, pair[0], memory, NULL };
	return 0;
}

void ct_placeholder_end(struct ct_placeholder *p)
{
	if (!p->pid)
		return;
	close(p->leash);
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	munmap(p->memory, CT_PLACEHOLDER_MEMORY);
	if (p->group)
		rmdir(p->group);
	free(p->group);
	*p = CT_PLACEHOLDER_INIT;
}
