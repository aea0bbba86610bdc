/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output. Of a container that prints to its starter's descriptors each boot has an output
 * pump, a child of the supervisor. What a pump or the console has counted over the limit ends the
 * container here. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stage/super/supervisor.h"

int sup_output_init(struct super *s)
{
	const struct stage *st = s->st;
	struct stat sb;
	int fd = -1, r;

	for (uint32_t i = 0; i < st->n_steps; i++)
		if (st->steps[i].op == CT_OP_OUTPUT_PUMP)
			fd = st->slot[st->steps[i].a];
	if (fd < 0)
		return 0;
	r = sys_fstat(fd, &sb);
	if (r)
		return r;
	if (sb.st_size < (off_t)sizeof(*s->told))
		return -EINVAL;
	s->told = mmap(NULL, sizeof(*s->told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->told != MAP_FAILED)
		return 0;
	s->told = NULL;
	return -errno;
}

void sup_output_pump(struct super *s, pid_t pid)
{
	/* output of too many boots is not read: ends the oldest pump; the new one is not waited for
	 * */
	if (s->n_pumps == SUP_PUMPS)
		kill(s->pump[0], SIGKILL);
	else
		s->pump[s->n_pumps++] = pid;
}

void sup_output_over(struct super *s)
{
	if (s->limit)
		return;
	s->limit = CT_EXIT_OUTPUT;
	/* the container may have ended before it could be killed */
	if (s->phase == SUP_PHASE_BOOT || s->phase == SUP_PHASE_RUN)
		sup_kill(s, 1);
	else if (s->verdict.reason != CT_EXIT_LOST)
		s->verdict.reason = CT_EXIT_OUTPUT;
}

/* init has ended: its pump, which sees the end of the socket, copies what is left. CT_OUTPUT_*. */
void sup_output_end(struct super *s, uint32_t how)
{
	if (s->told)
		__atomic_store_n(&s->told->ended, how, __ATOMIC_RELEASE);
	sup_close(&s->keep);
}

void sup_output_reap(struct super *s)
{
	uint32_t n = 0;
	int status;

	for (uint32_t i = 0; i < s->n_pumps; i++) {
		if (waitpid(s->pump[i], &status, WNOHANG) != s->pump[i]) {
			s->pump[n++] = s->pump[i];
			continue;
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == CT_PUMP_OVER)
			sup_output_over(s);
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != CT_PUMP_DONE)
			s->pump_broken = 1;
	}
	s->n_pumps = n;
}

void sup_output_judge(struct super *s)
{
	if (s->told)
		ct_output_told(s->told, s->pump_broken, &s->verdict);
}
