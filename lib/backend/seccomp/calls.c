/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and numbers of system calls. What is newer than libseccomp has a row here; since Linux 5.1
 * a new call has the same number on all architectures, but for an offset on some. Source: the
 * kernel's tables (arch/x86/entry/syscalls and scripts/syscall.tbl, Linux 6.18).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <seccomp.h>

#include "base/near.h"
#include "base/num.h"
#include "backend/seccomp/calls.h"

static const struct {
	const char *name;
	int nr;
} late[] = {
	{ "cachestat", 451 },	      { "fchmodat2", 452 },	   { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },	      { "futex_wait", 455 },	   { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },	   { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },	   { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },
};

bool ct_filter_is_about(const struct ct_filter_rule *rule, const char *name, int native)
{
	uint32_t nr;

	if (!rule->numbered)
		return strcmp(rule->name, name) == 0;
	return ct_parse_u32(rule->name, &nr) == 0 && (int)nr == native;
}

#define X32_BIT 0x40000000

/* Architectures that do not count from 0. */
static const struct {
	uint32_t arch;
	int first;
} bases[] = {
	{ SCMP_ARCH_X32, X32_BIT },	 { SCMP_ARCH_MIPS, 4000 },
	{ SCMP_ARCH_MIPSEL, 4000 },	 { SCMP_ARCH_MIPS64, 5000 },
	{ SCMP_ARCH_MIPSEL64, 5000 },	 { SCMP_ARCH_MIPS64N32, 6000 },
	{ SCMP_ARCH_MIPSEL64N32, 6000 },
};

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define NUMBERS_OF_ONE 500 /* one architecture's, from the first on, as libseccomp knows them */

static int base_of(uint32_t arch)
{
	for (size_t i = 0; i < N_ROWS(bases); i++)
		if (bases[i].arch == arch)
			return bases[i].first;
	return 0;
}

static int find_late(const char *name, uint32_t arch, struct ct_filter_call *out)
{
	for (size_t i = 0; i < N_ROWS(late); i++) {
		if (strcmp(name, late[i].name) != 0)
			continue;
		*out = (struct ct_filter_call){ .nr = base_of(arch) + late[i].nr };
		return 1;
	}
	return -ENOENT;
}

static int find_number(const char *digits, uint32_t arch, struct ct_filter_call *out)
{
	uint32_t nr;

	if (ct_parse_u32(digits, &nr) < 0 || nr > INT32_MAX)
		return -ENOENT;
	*out = (struct ct_filter_call){ .nr = (int)nr };
	return arch == seccomp_arch_native();
}

/* The number of its own that a call has beside socketcall or ipc, -1 when it has none: libseccomp
 * tells it only by number. */
static int own_number(const char *name, uint32_t arch)
{
	int base = base_of(arch);

	for (int nr = base; nr < base + NUMBERS_OF_ONE; nr++) {
		char *known = seccomp_syscall_resolve_num_arch(arch, nr);
		bool same = known && !strcmp(known, name);

		free(known);
		if (same)
			return nr;
	}
	return -1;
}

/* The call that a rule names, on an architecture. */
int ct_filter_find(const struct ct_filter_rule *rule, uint32_t arch, struct ct_filter_call *out)
{
	int here, through;

	if (rule->numbered)
		return find_number(rule->name, arch, out);
	here = seccomp_syscall_resolve_name_arch(arch, rule->name);
	if (here == __NR_SCMP_ERROR)
		return find_late(rule->name, arch, out);
	*out = (struct ct_filter_call){ .nr = here };
	if (here >= 0)
		return 1;
	/* -101 .. -120 are the calls 1 .. 20 of socketcall, -201 .. -224 those of ipc */
	through = seccomp_syscall_resolve_name_rewrite(arch, rule->name);
	if (through < 0)
		return 0;
	out->nr = own_number(rule->name, arch);
	out->through = (uint32_t)through;
	out->which = (uint32_t)-here % 100;
	return 1;
}

/* Numbers of all architectures are below, but those of x32, whose names are x86_64's. */
#define NUMBERS_END 7000

/* The known name that is nearest to a wrong one. */
const char *ct_filter_near(const char *name, char *buf, size_t size)
{
	struct ct_near near = { .name = name };

	*buf = '\0';
	for (size_t i = 0; i < N_ROWS(late); i++) {
		ct_near_try(&near, late[i].name);
		if (near.best == late[i].name)
			memccpy(buf, near.best, '\0', size);
	}
	for (int nr = 0; nr < NUMBERS_END; nr++) {
		char *known = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), nr);

		if (!known)
			continue;
		ct_near_try(&near, known);
		if (near.best == known) {
			memccpy(buf, known, '\0', size);
			near.best = buf;
		}
		free(known);
	}
	buf[size - 1] = '\0';
	return near.best ? buf : NULL;
}

/* The architecture that the kernel means by its name and a number. */
static uint32_t arch_of(uint32_t arch, int nr)
{
	if (arch == SCMP_ARCH_X86_64 && (nr & X32_BIT))
		return SCMP_ARCH_X32;
	return arch;
}

/* The name of a call by its number. */
void ct_filter_call_name(uint32_t arch, int nr, char *buf, size_t size)
{
	uint32_t own = arch_of(arch, nr);
	char *known = seccomp_syscall_resolve_num_arch(own, nr);
	const char *name = known;

	for (size_t i = 0; !name && i < N_ROWS(late); i++)
		if (base_of(own) + late[i].nr == nr)
			name = late[i].name;
	memset(buf, 0, size);
	if (name)
		memccpy(buf, name, '\0', size - 1);
	free(known);
}

/* Whether arguments have 32 bits: MIPS' n32 counts as a 64-bit architecture otherwise. */
bool ct_filter_is_32(uint32_t arch)
{
	return !(arch & __AUDIT_ARCH_64BIT) || (arch & __AUDIT_ARCH_CONVENTION_MIPS64_N32);
}
