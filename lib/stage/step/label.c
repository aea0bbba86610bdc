/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of security modules. The kernel takes them from the process that gets them alone, by a
 * file of its own directory in a proc file system that is attached nowhere. */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/label.h"

#define LABEL_MAX 4096

int label_write(struct stage *st, const struct ct_wire_step *s, int proc, int *sys)
{
	const char *text = step_str(st, s, 1), *asked = step_str(st, s, 2);
	char now[LABEL_MAX];
	SYS_CLOSEP int fd = -1;
	long n;

	if (!*asked)
		asked = text;
	*sys = SYS_fstatfs;
	if (sys_fs_magic(proc) != K_PROC_SUPER_MAGIC)
		return -ENOTDIR;
	fd = proc_put(proc, sys_getpid(), step_str(st, s, 0), text, O_RDWR, sys);
	if (fd < 0)
		return fd;
	*sys = SYS_pread64;
	n = sys4(SYS_pread64, fd, now, sizeof(now) - 1, 0);
	if (n < 0)
		return (int)n;
	now[n] = '\0';
	if (ct_label_holds(asked, now))
		return 0;
	return -EBADE;
}

int labels_write(struct stage *st, int proc, unsigned reaper, int *sys)
{
	for (uint32_t i = 0; i < st->n_steps; i++) {
		const struct ct_wire_step *s = &st->steps[i];
		int err = 0;

		if (s->op == CT_OP_LABEL && s->phase == CT_PHASE_CONFINE && s->n[0] == reaper)
			err = label_write(st, s, proc, sys);
		if (err) {
			st->current = (uint16_t)i;
			return err;
		}
	}
	return 0;
}

int labels_slot(const struct stage *st)
{
	for (uint32_t i = 0; i < st->n_steps; i++)
		if (st->steps[i].op == CT_OP_LABEL && st->steps[i].phase == CT_PHASE_CONFINE)
			return step_fd(st, st->steps[i].a);
	return -1;
}

static const char *label_text(int err, int sys)
{
	if (err == -EBADE)
		return "the kernel took the label but has another one now";
	if (sys == SYS_openat2)
		return "the kernel has no such file: is the security module there?";
	if (err == -ENOENT)
		return "the security module has no such profile";
	if (err == -EINVAL)
		return "the security module does not know this label";
	if (err == -EACCES || err == -EPERM)
		return "the security module does not allow this process the label";
	return NULL;
}

int label_failed(struct stage *st, int err, int sys)
{
	return report_error(st, err, sys, step_str(st, &st->steps[st->current], 1),
			    label_text(err, sys));
}

/* Of pid 1 where that is a reaper the step is part of run.reaper. */
int step_label(struct stage *st, const struct ct_wire_step *s)
{
	int sys, err = 0;

	if (!s->n[0])
		err = label_write(st, s, step_fd(st, s->a), &sys);
	if (!err)
		return 0;
	return label_failed(st, err, sys);
}
