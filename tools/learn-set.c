/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a profile holds: calls by architecture and name. */
#include "learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <linux/audit.h>

#define X32_BIT 0x40000000

/* The sections that LXC's reader knows. */
const struct learn_arch learn_archs[] = {
	{ "x86_64", "SCMP_ARCH_X86_64", "x86_64", AUDIT_ARCH_X86_64 },
	{ "x86", "SCMP_ARCH_X86", "i686", AUDIT_ARCH_I386 },
	{ "x32", "SCMP_ARCH_X32", NULL, 0 },
	{ "arm64", "SCMP_ARCH_AARCH64", "aarch64", AUDIT_ARCH_AARCH64 },
	{ "arm", "SCMP_ARCH_ARM", "armv7l", AUDIT_ARCH_ARM },
	{ "ppc64le", "SCMP_ARCH_PPC64LE", "ppc64le", AUDIT_ARCH_PPC64LE },
	{ "ppc64", "SCMP_ARCH_PPC64", "ppc64", AUDIT_ARCH_PPC64 },
	{ "ppc", "SCMP_ARCH_PPC", "ppc", AUDIT_ARCH_PPC },
	{ "riscv64", "SCMP_ARCH_RISCV64", "riscv64", AUDIT_ARCH_RISCV64 },
	{ "s390x", "SCMP_ARCH_S390X", "s390x", AUDIT_ARCH_S390X },
	{ "s390", "SCMP_ARCH_S390", NULL, AUDIT_ARCH_S390 },
	{ "mips", "SCMP_ARCH_MIPS", NULL, AUDIT_ARCH_MIPS },
	{ "mipsel", "SCMP_ARCH_MIPSEL", NULL, AUDIT_ARCH_MIPSEL },
	{ "mips64", "SCMP_ARCH_MIPS64", NULL, AUDIT_ARCH_MIPS64 },
	{ "mipsel64", "SCMP_ARCH_MIPSEL64", NULL, AUDIT_ARCH_MIPSEL64 },
	{ "mips64n32", "SCMP_ARCH_MIPS64N32", NULL, AUDIT_ARCH_MIPS64N32 },
	{ "mipsel64n32", "SCMP_ARCH_MIPSEL64N32", NULL, AUDIT_ARCH_MIPSEL64N32 },
};
#define N_ARCHS (sizeof(learn_archs) / sizeof(*learn_archs))
const size_t learn_n_archs = N_ARCHS;

static int arch_by_section(const char *section)
{
	for (size_t i = 0; i < N_ARCHS; i++)
		if (!strcmp(learn_archs[i].section, section))
			return (int)i;
	return -1;
}

int learn_arch_of(uint32_t token, int nr)
{
	if (token == AUDIT_ARCH_X86_64 && nr & X32_BIT)
		return arch_by_section("x32");
	for (size_t i = 0; i < N_ARCHS; i++)
		if (learn_archs[i].token == token)
			return (int)i;
	return -1;
}

int learn_arch_native(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return -1;
	for (size_t i = 0; i < N_ARCHS; i++)
		if (learn_archs[i].machine && !strcmp(learn_archs[i].machine, u.machine))
			return (int)i;
	return -1;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool has_call(const struct learn_profile *p, unsigned arch, const char *name, size_t n)
{
	for (size_t i = 0; i < p->n_calls; i++) {
		const struct learn_call *c = &p->call[i];

		if (c->arch == arch && !strncmp(c->name, name, n) && !c->name[n])
			return true;
	}
	return false;
}

bool learn_has_arch(const struct learn_profile *p, unsigned arch)
{
	for (size_t i = 0; i < p->n_calls; i++)
		if (p->call[i].arch == arch)
			return true;
	return false;
}

int learn_add(struct learn_profile *p, unsigned arch, const char *name, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	struct learn_call *c;

	if (!n || n >= sizeof(c->name) || strspn(name, letters) < n)
		return -EINVAL;
	if (has_call(p, arch, name, n))
		return 0;
	if (p->n_calls == p->room) {
		size_t room = 2 * p->room + 256;

		c = reallocarray(p->call, room, sizeof(*c));
		if (!c)
			return -ENOMEM;
		p->call = c;
		p->room = room;
	}
	c = &p->call[p->n_calls++];
	*c = (struct learn_call){ .arch = arch };
	memcpy(c->name, name, n);
	return 0;
}

void learn_add_unnamed(struct learn_profile *p, unsigned arch, int nr)
{
	for (size_t i = 0; i < p->n_unnamed; i++)
		if (p->unnamed[i].arch == arch && p->unnamed[i].nr == nr)
			return;
	if (p->n_unnamed < LEARN_UNNAMED_MAX)
		p->unnamed[p->n_unnamed++] = (struct learn_unnamed){ arch, nr };
}

int learn_add_run(struct learn_profile *p, const char *text, size_t n)
{
	char *copy = strndup(text, n);

	if (!copy)
		return -ENOMEM;
	if (p->n_runs == LEARN_RUNS_KEPT) {
		free(p->run[0]);
		memmove(p->run, p->run + 1, sizeof(*p->run) * --p->n_runs);
	}
	p->run[p->n_runs++] = copy;
	return 0;
}

void learn_free(struct learn_profile *p)
{
	for (size_t i = 0; i < p->n_runs; i++)
		free(p->run[i]);
	free(p->call);
	*p = (struct learn_profile){ 0 };
}

/* ---- what is always there -------------------------------------------------------------------- */

/* For which architectures a call is needed, and whether it is seen. */
enum { OWN, OWN_SEEN, ANY };

/* Calls that each profile allows. A filter to learn under lets them pass, too, but for OWN_SEEN:
 * it does not see them, or they cannot wait for an answer, or they need not. `on`: the only
 * sections that have it, NULL: all. */
static const struct {
	const char *name, *on;
	int whose;
} always[] = {
	/* between the load of the filter and the program; faccessat while it is looked for */
	{ "execve", NULL, OWN },
	{ "execveat", NULL, OWN },
	{ "faccessat", NULL, OWN },
	{ "mmap", "x86_64 arm64 riscv64 ppc64le ppc64 ppc s390x mips mipsel mips64 mipsel64", OWN },
	{ "mmap2", "x86 arm", OWN },
	{ "rt_sigprocmask", NULL, OWN },
	{ "sendmsg", NULL, OWN },
	/* there, too, without no_new_privs: the capability that loading needs is dropped */
	{ "capset", NULL, OWN },
	{ "geteuid", NULL, OWN },
	{ "prctl", NULL, OWN_SEEN },
	/* made for a program by the kernel, at its end, or behind a handler of signals, where an
	 * answer that a signal interrupts would be an error */
	{ "exit", NULL, ANY },
	{ "exit_group", NULL, ANY },
	{ "restart_syscall", NULL, ANY },
	{ "rt_sigreturn", NULL, ANY },
	{ "sigreturn", "x86 arm ppc s390 s390x mips mipsel", ANY },
	/* vdso(7): calls only where the machine's clock is one that programs cannot read */
	{ "clock_getres", NULL, ANY },
	{ "clock_gettime", NULL, ANY },
	{ "clock_gettime64", "x86 arm ppc mips mipsel", ANY },
	{ "getcpu", NULL, ANY },
	{ "gettimeofday", NULL, ANY },
	{ "time", "x86_64 x86", ANY },
};

bool learn_has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == n && !strncmp(p, word, n))
			return true;
	return false;
}

/* Whether row i of `always` is for this architecture. */
static bool is_always(size_t i, size_t arch)
{
	const char *section = learn_archs[arch].section;

	if (always[i].whose != ANY && (int)arch != learn_arch_native())
		return false;
	return !always[i].on || learn_has_word(always[i].on, section);
}

int learn_add_always(struct learn_profile *p)
{
	for (size_t arch = 0; arch < N_ARCHS; arch++) {
		if ((int)arch != learn_arch_native() && !learn_has_arch(p, (unsigned)arch))
			continue;
		for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
			if (is_always(i, arch) && learn_add(p, (unsigned)arch, always[i].name,
							    strlen(always[i].name)) < 0)
				return -ENOMEM;
	}
	return 0;
}

void learn_write_filter(FILE *out)
{
	fputs("2\nallowlist notify\n", out);
	for (size_t arch = 0; arch < N_ARCHS; arch++) {
		fprintf(out, "[%s]\n", learn_archs[arch].section);
		for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
			if (is_always(i, arch) && always[i].whose != OWN_SEEN)
				fprintf(out, "%s\n", always[i].name);
	}
}
