/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output of a container that prints to descriptors of its starter's: one output pump for
 * each boot (pump.h), which is our child. And the one place that says that the limit is passed,
 * whoever has counted. */
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
	int fd = -1;

	for (uint32_t i = 0; i < st->n_steps; i++)
		if (st->steps[i].op == CT_OP_OUTPUT_PUMP)
			fd = st->slot[st->steps[i].a];
	if (fd < 0)
		return 0;
	if (fstat(fd, &sb))
		return -errno;
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
	/* whoever has so many boots with nobody reading what they print */
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
	/* it may have said too much and gone before anybody could end it */
	if (s->phase == SUP_PHASE_BOOT || s->phase == SUP_PHASE_RUN)
		sup_kill(s, 1);
	else if (s->verdict.reason != CT_EXIT_LOST)
		s->verdict.reason = CT_EXIT_OUTPUT;
}

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
