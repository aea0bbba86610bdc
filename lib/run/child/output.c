/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

int ct_output_begin(struct ct_output *o, int *fd, struct ct_err *e)
{
	CT_CLEAN_FD int page = ct_memfd_create("ct-output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	static const struct ct_wire_output nothing;
	void *told;
	int r;

	if (page < 0)
		return ct_fail_sys(e, page, CT_ERR_DESCRIPTOR, "start", "memfd_create",
				   "no memory for the figures of limit.output");
	r = ct_write_at(page, &nothing, sizeof(nothing), 0);
	if (r == 0 && fcntl(page, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		r = -errno;
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "start", "write",
				   "no memory for the figures of limit.output");
	told = mmap(NULL, sizeof(*o->told), PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	if (told == MAP_FAILED)
		return ct_fail_sys(e, -errno, CT_ERR_DESCRIPTOR, "start", "mmap",
				   "no memory for the figures of limit.output");
	o->told = told;
	*fd = ct_take_fd(&page);
	return 0;
}

uint64_t ct_output_waiting(const struct ct_output *o)
{
	if (!o->told)
		return 0;
	return __atomic_load_n(&o->told->waiting, __ATOMIC_RELAXED);
}

void ct_output_judge(const struct ct_output *o, int lost, struct ct_verdict *v)
{
	if (o->told)
		ct_output_told(o->told, lost, v);
}

void ct_output_end(struct ct_output *o)
{
	if (o->told)
		munmap(o->told, sizeof(*o->told));
	o->told = NULL;
}
