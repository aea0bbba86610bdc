/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of system calls that the payload runs under. */
#include <errno.h>
#include <string.h>
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

#define ALLOW                                         \
	{                                             \
		K_FILTER_RETURN, 0, 0, K_FILTER_ALLOW \
	}
#define REFUSE                                                \
	{                                                     \
		K_FILTER_RETURN, 0, 0, K_FILTER_ERRNO | EPERM \
	}
#define BEGIN_WORDS 5
#define CALL_WORDS 5
#define CALLS_MAX 16

/* Loads a list of calls. The kernel tries every number on a new filter, to remember those that are
 * always allowed, unless it uses the index register: that would take longer than all the calls. */
int filter_confine(uint32_t arch, const struct filter_call *calls, unsigned n)
{
	struct k_sock_filter f[BEGIN_WORDS + CALL_WORDS * CALLS_MAX + 1] = {
		{ K_FILTER_INDEX, 0, 0, 0 },
		{ K_FILTER_LOAD, 0, 0, K_FILTER_AT_ARCH },
		{ K_FILTER_SKIP_UNLESS, 1, 0, arch },
		REFUSE,
		{ K_FILTER_LOAD, 0, 0, K_FILTER_AT_NR },
	};
	struct k_sock_fprog program = { BEGIN_WORDS, f };

	if (n > CALLS_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < n; i++) {
		const struct k_sock_filter call[CALL_WORDS] = {
			{ K_FILTER_SKIP_UNLESS, 0, CALL_WORDS - 1, calls[i].nr },
			{ K_FILTER_LOAD, 0, 0, K_FILTER_AT_ARG0 },
			{ K_FILTER_SKIP_UNLESS, 0, 1, calls[i].arg },
			ALLOW,
			REFUSE,
		};
		const struct k_sock_filter any[] = {
			{ K_FILTER_SKIP_UNLESS, 0, 1, calls[i].nr },
			ALLOW,
		};

		if (calls[i].arg == FILTER_ANY) {
			memcpy(f + program.len, any, sizeof(any));
			program.len += sizeof(any) / sizeof(*any);
		} else {
			memcpy(f + program.len, call, sizeof(call));
			program.len += CALL_WORDS;
		}
	}
	f[program.len++] = (struct k_sock_filter)REFUSE;
	return (int)sys3(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, 0, &program);
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
