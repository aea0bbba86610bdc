/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of system calls that the payload runs under. */
#include <errno.h>
#include <sys/mman.h>

#include "stage/step/steps.h"

int filter_map(int fd, struct k_sock_fprog *program, int *sys)
{
	struct stat st;
	void *at;
	int err;

	*sys = SYS_fstat;
	err = sys_fstat(fd, &st);
	if (err)
		return err;
	if (st.st_size <= 0 || st.st_size % K_FILTER_BYTES || st.st_size / K_FILTER_BYTES > 4096)
		return -EINVAL;
	*sys = SYS_mmap;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	program->len = (unsigned short)(st.st_size / K_FILTER_BYTES);
	program->filter = at;
	return 0;
}

int filter_load(int fd, int *sys)
{
	struct k_sock_fprog program;
	int err = filter_map(fd, &program, sys);

	if (err)
		return err;
	*sys = SYS_seccomp;
	return (int)sys3(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* Why it could not be loaded. NULL: the errno says it. */
static const char *load_text(int err, int sys)
{
	if (err == -EACCES)
		return "without CAP_SYS_ADMIN a filter needs no_new_privs";
	if (err == -EBUSY && sys == SYS_seccomp)
		return "this process is under a filter with a listener already, and the kernel "
		       "takes no second one";
	if (err == -EAGAIN && sys == SYS_clone)
		return "a limit of processes leaves none for the thread that sends the listener";
	return NULL;
}

/* From here on the filter holds for this process. */
int step_filter(struct stage *st, const struct ct_wire_step *s)
{
	int fd = step_fd(st, s->a), sys, err;

	if (s->n[0])
		err = listener_load(st, fd, step_fd(st, s->b), &sys);
	else
		err = filter_load(fd, &sys);
	if (!err)
		return 0;
	return report_error(st, err, sys, NULL, load_text(err, sys));
}
