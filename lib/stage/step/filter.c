/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of system calls that the payload runs under. */
#include <errno.h>
#include <sys/mman.h>

#include "stage/step/steps.h"

/* The flags that stand behind a program, which is without them then. */
static unsigned int take_flags(struct k_sock_fprog *program)
{
	const struct k_sock_filter *last = program->filter;

	last += program->len - 1;
	if (last->code != CT_FILTER_FLAGS)
		return 0;
	program->len--;
	return last->k;
}

/* Loads the program in descriptor fd. It stays mapped: the exec takes the mapping away, and a
 * filter that forbids munmap(2) is no reason to fail. 0 or a negative errno, *sys the call. */
int filter_load(int fd, int *sys)
{
	struct k_sock_fprog program;
	unsigned int flags;
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
	program.len = (unsigned short)(st.st_size / K_FILTER_BYTES);
	program.filter = at;
	*sys = SYS_seccomp;
	flags = take_flags(&program);
	return (int)sys3(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* From here on the filter holds for this process. */
int step_filter(struct stage *st, const struct ct_wire_step *s)
{
	int sys, err = filter_load(step_fd(st, s->a), &sys);

	if (!err)
		return 0;
	if (err == -EACCES)
		return report_error(st, err, sys, NULL,
				    "without CAP_SYS_ADMIN a filter needs no_new_privs");
	return step_fail(st, err, sys, NULL);
}
