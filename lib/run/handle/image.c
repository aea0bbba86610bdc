/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/handle/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "shared/weak.h"
#include "wire/image.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/*
 * The only process-wide state, beside the cache of lib/backend/seccomp and the spare mapping of
 * lib/run/child/spawn.c: the number of users in the high half, descriptor + 1 in the low half. One
 * atomic word, because a lock could be held by another thread at the moment of a fork.
 */
static uint64_t shared;

static int fd_of(uint64_t v)
{
	return (int)(uint32_t)v - 1;
}

int ct_image_valid(int fd)
{
	struct stat st;

	return (ct_weak(CT_WEAK_UNSEALED) || fcntl(fd, F_GET_SEALS) == SEALS) &&
	       fstat(fd, &st) == 0 && st.st_size == (off_t)ct_stage_image_size;
}

/* A memfd that may be executed. Kernels before 6.3 do not have the flag, nor the sysctl that makes
 * it needed. */
static int new_memfd(void)
{
	int fd = ct_memfd_create("ct-stage", MFD_CLOEXEC | MFD_ALLOW_SEALING | CT_MFD_EXEC);

	if (fd == -EINVAL)
		fd = ct_memfd_create("ct-stage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int make_image(struct ct_err *e)
{
	CT_CLEAN_FD int fd = new_memfd();
	int r;

	if (fd < 0) {
		ct_err_syscall(e, "memfd_create");
		if (fd == -EACCES) {
			ct_err_hint(e, "set sysctl vm.memfd_noexec to 0 or 1, in this pid "
				       "namespace and in those above it");
			return ct_fail(e, fd, CT_ERR_STAGE, "start",
				       "vm.memfd_noexec is 2: no program can be executed from "
				       "memory");
		}
		return ct_fail(e, fd, CT_ERR_STAGE, "start", "the stage's image cannot be made");
	}
	r = ct_write_all(fd, ct_stage_image, ct_stage_image_size);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STAGE, "start", "write",
				   "the stage's image cannot be written");
	if (fchmod(fd, 0500) < 0 ||
	    (!ct_weak(CT_WEAK_UNSEALED) && fcntl(fd, F_ADD_SEALS, SEALS) < 0))
		return ct_fail_sys(e, -errno, CT_ERR_STAGE, "start", "fcntl",
				   "the stage's image cannot be sealed");
	if (fd > 2)
		return ct_take_fd(&fd);
	r = ct_dup(fd);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STAGE, "start", "fcntl",
				   "no descriptor for the stage's image");
	return r;
}

int ct_image_get(struct ct_err *e)
{
	uint64_t old = __atomic_load_n(&shared, __ATOMIC_ACQUIRE), next;
	int mine = -1;

	for (;;) {
		int current = fd_of(old);

		if (current >= 0 && ct_image_valid(current)) {
			next = old + (UINT64_C(1) << 32);
		} else {
			if (mine < 0)
				mine = make_image(e);
			if (mine < 0)
				return mine;
			next = ((old >> 32) + 1) << 32 | (uint32_t)(mine + 1);
		}
		if (__atomic_compare_exchange_n(&shared, &old, next, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			break;
	}
	if (mine >= 0 && fd_of(next) != mine)
		close(mine);
	return fd_of(next);
}

void ct_image_put(void)
{
	uint64_t old = __atomic_load_n(&shared, __ATOMIC_ACQUIRE), next;

	do {
		if (!(old >> 32))
			return;
		next = old - (UINT64_C(1) << 32);
		if (!(next >> 32))
			next = 0;
	} while (!__atomic_compare_exchange_n(&shared, &old, next, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	if (!next && fd_of(old) >= 0 && ct_image_valid(fd_of(old)))
		close(fd_of(old));
}
