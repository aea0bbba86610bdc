/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of system calls that the payload runs under. */
#include <errno.h>
#include <string.h>

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

/* Of a hexadecimal digit, 0-9 or a-f. */
static unsigned digit(char c)
{
	return ((unsigned)c & 15) + 9 * ((unsigned)c >> 6 & 1);
}

int filter_read(const struct stage *st, const struct ct_wire_step *s, struct k_sock_fprog *program,
		unsigned *flags, int *sys)
{
	const char *hex = step_str(st, s, 3);
	size_t n = strlen(hex) / 2;
	unsigned char *at;

	*sys = SYS_mmap;
	if (!n || n % K_FILTER_BYTES || n / K_FILTER_BYTES > 4096)
		return -EINVAL;
	at = stage_alloc(n);
	if (!at)
		return -ENOMEM;
	program->len = (unsigned short)(n / K_FILTER_BYTES);
	program->filter = (void *)at;
	for (; n; n--, hex += 2)
		*at++ = (unsigned char)(digit(hex[0]) << 4 | digit(hex[1]));
	*flags = take_flags(program);
	return 0;
}

int filter_load(const struct stage *st, const struct ct_wire_step *s, int *sys)
{
	struct k_sock_fprog program;
	unsigned flags;
	int err = filter_read(st, s, &program, &flags, sys);

	if (err)
		return err;
	*sys = SYS_seccomp;
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
	int sys, err;

	if (s->n[0])
		err = listener_load(st, s, step_fd(st, s->b), &sys);
	else
		err = filter_load(st, s, &sys);
	if (!err)
		return 0;
	return report_error(st, err, sys, NULL, load_text(err, sys));
}
