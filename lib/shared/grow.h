/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that grows, without the C library's heap. */
#ifndef CT_SHARED_GROW_H
#define CT_SHARED_GROW_H

#include <stddef.h>
#include <sys/mman.h>

/* `size` bytes that begin with the `had` bytes of `old` (NULL: there are none yet), which is gone
 * then. For munmap(2). NULL: no memory; `old` stays. */
static inline void *ct_grow(void *old, size_t had, size_t size)
{
	void *more;

	if (old)
		more = mremap(old, had, size, MREMAP_MAYMOVE);
	else
		more = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (more == MAP_FAILED)
		return NULL;
	return more;
}

#endif
