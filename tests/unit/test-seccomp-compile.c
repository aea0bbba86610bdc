/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that the compiler makes, run by an interpreter of classic BPF: our own policy call by
 * call, and random policies compared with what their rules say. The numbers are x86-64's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "backend/seccomp/calls.h"
#include "backend/seccomp/policy.h"
#include "base/fd.h"
#include "wire/wire.h"

#define X32 0x40000000u
#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* --- the interpreter --- */

/* What the kernel asks of a filter: known instructions, jumps forward and inside. */
static void check_program(const struct ct_buf *program)
{
	const struct sock_filter *f = (const struct sock_filter *)program->data;
	size_t n = program->len / sizeof(*f);

	assert_int_equal(program->len % sizeof(*f), 0);
	assert_true(n >= 1 && n <= BPF_MAXINSNS);
	assert_int_equal(BPF_CLASS(f[n - 1].code), BPF_RET);
	for (size_t i = 0; i < n; i++)
		switch (f[i].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(f[i].k % 4 == 0 && f[i].k < sizeof(struct seccomp_data));
			break;
		case BPF_LD | BPF_IMM:
		case BPF_ALU | BPF_AND | BPF_K:
		case BPF_RET | BPF_K:
			break;
		case BPF_JMP | BPF_JA:
			assert_true(f[i].k < n - i - 1);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			assert_true(f[i].jt < n - i - 1 && f[i].jf < n - i - 1);
			break;
		default:
			fail_msg("instruction %zu has the code %#x", i, f[i].code);
		}
}

static uint32_t jump(const struct sock_filter *f, bool holds)
{
	return holds ? f->jt : f->jf;
}

static uint32_t run(const struct ct_buf *program, const struct seccomp_data *data)
{
	const struct sock_filter *f = (const struct sock_filter *)program->data;
	uint32_t a = 0;

	for (;; f++)
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_LD | BPF_IMM:
			a = f->k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			f += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			f += jump(f, a == f->k);
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			f += jump(f, a > f->k);
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			f += jump(f, a >= f->k);
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			f += jump(f, a & f->k);
			break;
		default:
			return f->k;
		}
}

static uint32_t call(const struct ct_buf *program, uint32_t arch, uint32_t nr, uint64_t a0,
		     uint64_t a1)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { a0, a1 } };

	return run(program, &data);
}

/* --- our own policy --- */

#define CAP(name) (UINT64_C(1) << CAP_##name)
/* what Docker leaves */
static const uint64_t few = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) |
			    CAP(MKNOD) | CAP(NET_RAW) | CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) |
			    CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL) |
			    CAP(AUDIT_WRITE);

static struct ct_arena *arena;

static int new_arena(void **state)
{
	(void)state;
	arena = ct_arena_new();
	return arena ? 0 : -1;
}

static int free_arena(void **state)
{
	(void)state;
	ct_arena_free(arena);
	return 0;
}

static void make_default(uint64_t caps, struct ct_filter_policy *p, struct ct_buf *program)
{
	struct ct_filter_facts facts = { .caps = caps, .kernel_major = 6, .kernel_minor = 1 };
	struct ct_err e;

	ct_err_clear(&e);
	assert_int_equal(ct_filter_default(&facts, arena, p, &e), 0);
	if (ct_filter_compile(p, NULL, program, &e) < 0)
		fail_msg("%s", e.message);
	check_program(program);
}

static const char *short_name(uint32_t value)
{
	switch (value) {
	case SCMP_ACT_ALLOW:
		return "allow";
	case SCMP_ACT_ERRNO(EPERM):
		return "EPERM";
	case SCMP_ACT_ERRNO(ENOSYS):
		return "ENOSYS";
	default:
		return "?";
	}
}

static const char *name_of(const struct ct_filter_policy *p, int nr)
{
	struct ct_filter_call c;

	for (uint32_t i = 0; i < p->n_rules; i++)
		if (ct_filter_find(&p->rule[i], SCMP_ARCH_X86_64, &c) > 0 && c.nr == nr)
			return p->rule[i].name;
	return "-";
}

/* Each number that does not get ENOSYS whatever the capabilities are: number, name, verdict with
 * Docker's capabilities, and with all. CT_UPDATE=1 writes the table anew. */
static void test_default_native(void **state)
{
	CT_CLEAN_BUF struct ct_buf less = CT_BUF_INIT, more = CT_BUF_INIT, text = CT_BUF_INIT,
				   told = CT_BUF_INIT;
	struct ct_filter_policy p, q;
	char path[4096];
	int fd;

	(void)state;
	make_default(few, &p, &less);
	make_default(UINT64_MAX >> 1, &q, &more);
	for (uint32_t nr = 0; nr < 1024; nr++) {
		const char *a = short_name(call(&less, SCMP_ARCH_X86_64, nr, 0, 0));
		const char *b = short_name(call(&more, SCMP_ARCH_X86_64, nr, 0, 0));

		if (strcmp(a, "ENOSYS") != 0 || strcmp(b, "ENOSYS") != 0)
			ct_buf_printf(&text, "%u %s %s %s\n", nr, name_of(&q, (int)nr), a, b);
	}
	snprintf(path, sizeof(path), "%s/tests/unit/seccomp-default.table", getenv("CT_SOURCE"));
	if (getenv("CT_UPDATE")) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(ct_write_all(fd, text.data, text.len), 0);
		close(fd);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ct_buf_read_fd(&told, fd, 1 << 20), 0);
	close(fd);
	assert_string_equal(ct_buf_text(&text), ct_buf_text(&told));
}

/* No other architecture, and no x32, whatever the capabilities are. */
static void test_default_foreign(void **state)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, 0,
					  UINT32_MAX };
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_filter_policy p;

	(void)state;
	make_default(UINT64_MAX >> 1, &p, &program);
	for (uint32_t nr = 0; nr < 1024; nr++) {
		for (size_t i = 0; i < N_ROWS(archs); i++)
			assert_int_equal(call(&program, archs[i], nr, 0, 0),
					 SCMP_ACT_ERRNO(ENOSYS));
		assert_int_equal(call(&program, SCMP_ARCH_X86_64, nr | X32, 0, 0),
				 SCMP_ACT_ERRNO(ENOSYS));
		assert_int_equal(call(&program, SCMP_ARCH_X86_64, nr | 0x80000000u, 0, 0),
				 SCMP_ACT_ERRNO(ENOSYS));
	}
}

#define HIGH 0x5500000000ull /* what the kernel does not take of an int */

static const struct {
	uint32_t nr;
	uint64_t a0, a1;
	const char *few, *all;
} arguments[] = {
	{ SYS_ioctl, 0, TIOCSTI, "EPERM", "EPERM" },
	{ SYS_ioctl, 0, HIGH | TIOCSTI, "EPERM", "EPERM" },
	{ SYS_ioctl, 0, TIOCLINUX, "EPERM", "EPERM" },
	{ SYS_ioctl, 0, HIGH | TIOCLINUX, "EPERM", "EPERM" },
	{ SYS_ioctl, TIOCSTI, TIOCGWINSZ, "allow", "allow" },
	{ SYS_ioctl, 0, 0x10000 | TIOCSTI, "allow", "allow" },
	{ SYS_clone, 0x11, 0, "allow", "allow" },
	{ SYS_clone, 0x3d0f00, 0, "allow", "allow" }, /* a thread */
	{ SYS_clone, 0x10000000 | 0x11, 0, "EPERM", "allow" },
	{ SYS_clone, 0x20000, 0, "EPERM", "allow" },
	{ SYS_clone, 0x2000000, 0, "EPERM", "allow" },
	{ SYS_clone, 0x4000000, 0, "EPERM", "allow" },
	{ SYS_clone, 0x8000000, 0, "EPERM", "allow" },
	{ SYS_clone, 0x20000000, 0, "EPERM", "allow" },
	{ SYS_clone, HIGH | 0x40000000, 0, "EPERM", "allow" },
	{ SYS_clone, 0x7e020000, 0, "EPERM", "allow" },
	{ SYS_unshare, 0x600, 0, "allow", "allow" },
	{ SYS_unshare, 0x10000000, 0, "EPERM", "allow" },
	{ SYS_unshare, 0x10020600, 0, "EPERM", "allow" },
	{ SYS_unshare, 0x80, 0, "EPERM", "allow" },
	{ SYS_socket, 1, 1, "allow", "allow" },
	{ SYS_socket, 0x10000 | 40, 1, "allow", "allow" },
	{ SYS_socket, 40, 1, "EPERM", "EPERM" },
	{ SYS_socket, HIGH | 40, 1, "EPERM", "EPERM" },
	{ SYS_personality, 0, 0, "allow", "allow" },
	{ SYS_personality, 8, 0, "allow", "allow" },
	{ SYS_personality, 0x20000, 0, "allow", "allow" },
	{ SYS_personality, 0x20008, 0, "allow", "allow" },
	{ SYS_personality, 0xffffffff, 0, "allow", "allow" },
	{ SYS_personality, 0x40000, 0, "EPERM", "EPERM" },
	{ SYS_personality, UINT64_MAX, 0, "EPERM", "EPERM" },
};

static void test_default_arguments(void **state)
{
	CT_CLEAN_BUF struct ct_buf less = CT_BUF_INIT, more = CT_BUF_INIT;
	struct ct_filter_policy p;

	(void)state;
	make_default(few, &p, &less);
	make_default(UINT64_MAX >> 1, &p, &more);
	for (size_t i = 0; i < N_ROWS(arguments); i++) {
		const char *a = short_name(call(&less, SCMP_ARCH_X86_64, arguments[i].nr,
						arguments[i].a0, arguments[i].a1));
		const char *b = short_name(call(&more, SCMP_ARCH_X86_64, arguments[i].nr,
						arguments[i].a0, arguments[i].a1));

		if (strcmp(a, arguments[i].few) || strcmp(b, arguments[i].all))
			fail_msg("row %zu: %s %s", i, a, b);
	}
}

/* Names in our tables are names that libseccomp or our own table knows, each once. */
static void test_default_names(void **state)
{
	struct ct_filter_facts facts = { .kernel_major = 6 };
	struct ct_filter_policy p;
	struct ct_filter_call c;

	(void)state;
	assert_int_equal(ct_filter_default(&facts, arena, &p, NULL), 0);
	assert_true(p.n_rules > 400);
	for (uint32_t i = 0; i < p.n_rules; i++) {
		if (ct_filter_find(&p.rule[i], SCMP_ARCH_X86_64, &c) == -ENOENT)
			fail_msg("%s", p.rule[i].name);
		for (uint32_t k = 0; k < i; k++)
			if (!p.rule[i].n_args && !p.rule[k].n_args &&
			    !strcmp(p.rule[i].name, p.rule[k].name))
				fail_msg("%s twice", p.rule[i].name);
	}
}

static bool supports_seccomp(void)
{
	uint32_t value = SCMP_ACT_ERRNO(0);

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &value) == 0;
}

/* In a child under the filter: the first check that fails, 0 for none. */
static int under_filter(const struct ct_buf *program)
{
	struct sock_fprog prog = {
		.len = (unsigned short)(program->len / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)program->data,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return 1;
	if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(1000) != -1 || errno != ENOSYS)
		return 3;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 4;
	if (syscall(SYS_unshare, 0x10000000) != -1 || errno != EPERM)
		return 5;
	if (syscall(SYS_ioctl, 0, HIGH | TIOCSTI, "x") != -1 || errno != EPERM)
		return 6;
	if (syscall(SYS_getpid) <= 0 || syscall(SYS_unshare, 0) != 0)
		return 7;
	return 0;
}

/* The kernel takes the program, and does what it says. */
static void test_default_kernel(void **state)
{
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_filter_policy p;
	int status;
	pid_t pid;

	(void)state;
	if (!supports_seccomp())
		skip();
	make_default(few, &p, &program);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(under_filter(&program));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- random policies --- */

static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* Calls with their numbers on the three architectures. */
static const struct {
	const char *name;
	uint32_t nr[3];
} pool[] = {
	{ "read", { 0, 3, X32 | 0 } },	      { "ioctl", { 16, 54, X32 | 514 } },
	{ "clone", { 56, 120, X32 | 56 } },   { "openat2", { 437, 437, X32 | 437 } },
	{ "mseal", { 462, 462, X32 | 462 } }, { "file_setattr", { 469, 469, X32 | 469 } },
	{ "socket", { 41, 359, X32 | 41 } },  { "execve", { 59, 11, X32 | 520 } },
};
static const uint32_t tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
static const uint32_t in_kernel[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X86_64 };

static uint64_t rnd_value(void)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		5,
		7,
		8,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x100000001,
		0x200000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		UINT64_MAX,
	};

	return values[rnd(N_ROWS(values))];
}

static struct ct_filter_action rnd_action(void)
{
	struct ct_filter_action a = { .verdict = (uint8_t)rnd(CT_FILTER_KILL_PROCESS + 1) };

	if (a.verdict == CT_FILTER_TRACE || a.verdict == CT_FILTER_ERRNO)
		a.data = (uint16_t)rnd(4);
	return a;
}

static void rnd_policy(struct ct_filter_policy *p)
{
	uint32_t n = 1 + rnd(12);

	*p = (struct ct_filter_policy){ .otherwise = rnd_action(), .foreign = rnd_action() };
	assert_true(ct_filter_add_arch(p, SCMP_ARCH_X86_64));
	for (uint32_t i = 1; i < 3; i++)
		if (rnd(2))
			assert_true(ct_filter_add_arch(p, tokens[i]));
	for (uint32_t i = 0; i < n; i++) {
		struct ct_filter_rule rule = {
			.name = pool[rnd(N_ROWS(pool))].name,
			.action = rnd_action(),
			.n_args = (uint8_t)rnd(4),
		};

		for (uint32_t k = 0; k < rule.n_args; k++) {
			struct ct_filter_arg *a = &rule.arg[k];

			*a = (struct ct_filter_arg){ .index = (uint8_t)rnd(3),
						     .op = (uint8_t)rnd(8),
						     .value = rnd_value() };
			if (a->op == CT_FILTER_ANY_OF)
				a->mask = rnd_value();
			if (a->op == CT_FILTER_MASKED_EQ) {
				a->mask = rnd_value();
				a->value &= a->mask | (rnd(8) ? 0 : UINT64_MAX);
			}
		}
		assert_non_null(ct_filter_add(p, arena, &rule));
	}
}

static bool holds(const struct ct_filter_arg *a, uint64_t v)
{
	switch (a->op) {
	case CT_FILTER_NE:
		return v != a->value;
	case CT_FILTER_LT:
		return v < a->value;
	case CT_FILTER_LE:
		return v <= a->value;
	case CT_FILTER_EQ:
		return v == a->value;
	case CT_FILTER_GE:
		return v >= a->value;
	case CT_FILTER_GT:
		return v > a->value;
	case CT_FILTER_ANY_OF:
		return v & a->mask;
	default:
		return (v & a->mask) == a->value;
	}
}

/* What a filter returns, by the kernel's numbers: not from the library's table. */
static uint32_t value_of(struct ct_filter_action a)
{
	static const uint32_t base[] = { SECCOMP_RET_ALLOW,	  SECCOMP_RET_LOG,
					 SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
					 SECCOMP_RET_ERRNO,	  SECCOMP_RET_TRAP,
					 SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS };

	return base[a.verdict] | a.data;
}

static bool lists(const struct ct_filter_policy *p, uint32_t token)
{
	for (uint32_t i = 0; i < p->n_archs; i++)
		if (p->arch[i] == token)
			return true;
	return false;
}

/* What policy.h says: of the first rule without comparisons and of all whose comparisons hold, the
 * strictest. `hidden`: arguments cannot be seen, and any of them may be. */
static uint32_t evaluate(const struct ct_filter_policy *p, uint32_t arch, const char *name,
			 const uint64_t *args, bool hidden)
{
	struct ct_filter_action best = p->otherwise;
	bool found = false, always = false;

	if (!lists(p, tokens[arch]))
		return value_of(p->foreign);
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct ct_filter_rule *rule = &p->rule[i];
		bool good = !rule->n_args ? !always : true;

		if (strcmp(rule->name, name) != 0)
			continue;
		always |= !rule->n_args;
		for (uint32_t k = 0; k < rule->n_args && !hidden; k++) {
			uint64_t v = args[rule->arg[k].index];

			if (arch)
				v = (uint32_t)v;
			good &= holds(&rule->arg[k], v);
		}
		if (good && (!found || rule->action.verdict > best.verdict))
			best = rule->action;
		found |= good;
	}
	if (hidden && !always && p->otherwise.verdict > best.verdict)
		best = p->otherwise;
	return value_of(best);
}

static void print_policy(const struct ct_filter_policy *p)
{
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct ct_filter_rule *rule = &p->rule[i];

		print_message("%s: %#x", rule->name, value_of(rule->action));
		for (uint32_t k = 0; k < rule->n_args; k++)
			print_message(" [%u op %u %#" PRIx64 " %#" PRIx64 "]", rule->arg[k].index,
				      rule->arg[k].op, rule->arg[k].value, rule->arg[k].mask);
		print_message("\n");
	}
}

static void compare(const struct ct_filter_policy *p, const struct ct_buf *program, uint32_t arch,
		    size_t which, unsigned round)
{
	struct seccomp_data d = { .nr = (int)pool[which].nr[arch], .arch = in_kernel[arch] };
	bool hidden = arch == 1 && !strcmp(pool[which].name, "socket") && rnd(2);
	uint64_t args[6];
	uint32_t is, should;

	for (size_t i = 0; i < 6; i++)
		args[i] = d.args[i] = rnd_value();
	if (hidden) {
		d.nr = 102; /* socketcall(SYS_SOCKET, ...) */
		d.args[0] = 1;
	}
	is = run(program, &d);
	should = evaluate(p, arch, pool[which].name, args, hidden);
	if (is == should)
		return;
	print_policy(p);
	fail_msg("policy %u: %s on %u%s, %#" PRIx64 " %#" PRIx64 " %#" PRIx64
		 ": %#x instead of %#x, otherwise %#x",
		 round, pool[which].name, arch, hidden ? " hidden" : "", args[0], args[1], args[2],
		 is, should, value_of(p->otherwise));
}

/* Calls that the pool does not have. */
static void compare_others(const struct ct_filter_policy *p, const struct ct_buf *program)
{
	static const uint32_t nrs[] = { 1, 57, 63, 200, 470, 999, 0x3fffffff };

	for (size_t i = 0; i < N_ROWS(nrs); i++) {
		assert_int_equal(call(program, SCMP_ARCH_X86_64, nrs[i], 0, 0),
				 value_of(p->otherwise));
		assert_int_equal(call(program, SCMP_ARCH_ARM, nrs[i], 0, 0), value_of(p->foreign));
		assert_int_equal(call(program, SCMP_ARCH_X86, nrs[i], 0, 0),
				 value_of(lists(p, SCMP_ARCH_X86) ? p->otherwise : p->foreign));
	}
}

static void test_random(void **state)
{
	(void)state;
	seed = 20250917;
	for (unsigned round = 0; round < 10000; round++) {
		CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
		struct ct_filter_policy p;
		struct ct_err e;

		ct_arena_free(arena);
		arena = ct_arena_new();
		assert_non_null(arena);
		rnd_policy(&p);
		ct_err_clear(&e);
		if (ct_filter_compile(&p, "p", &program, &e) < 0) {
			print_policy(&p);
			fail_msg("policy %u: %s", round, e.message);
		}
		check_program(&program);
		compare_others(&p, &program);
		for (unsigned i = 0; i < 200; i++)
			compare(&p, &program, rnd(3), rnd(N_ROWS(pool)), round);
	}
}

/* Policies of many numbers: in their programs conditional jumps do not reach everywhere. */
static void test_many(void **state)
{
	enum { NUMBERS = 1024 };
	static uint32_t want[2][NUMBERS]; /* with the first argument 0, and 7 */

	(void)state;
	seed = 470;
	for (unsigned round = 0; round < 300; round++) {
		struct ct_filter_policy p = { .otherwise = rnd_action(), .foreign = rnd_action() };
		CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
		uint32_t step = 1 + rnd(8), alike = rnd(2);

		ct_arena_free(arena);
		arena = ct_arena_new();
		assert_true(arena && ct_filter_add_arch(&p, SCMP_ARCH_X86_64));
		for (uint32_t nr = 0; nr < NUMBERS; nr++)
			want[0][nr] = want[1][nr] = value_of(p.otherwise);
		for (uint32_t nr = rnd(3); nr < NUMBERS; nr += 1 + rnd(step)) {
			char digits[16];
			struct ct_filter_rule rule = { .name = digits,
						       .action = rnd_action(),
						       .numbered = true,
						       .n_args = !rnd(4) };

			if (rule.action.verdict == CT_FILTER_ERRNO && !alike)
				rule.action.data = (uint16_t)rnd(300);
			rule.arg[0] = (struct ct_filter_arg){ .op = CT_FILTER_EQ, .value = 7 };
			snprintf(digits, sizeof(digits), "%u", nr);
			assert_non_null(ct_filter_add(&p, arena, &rule));
			want[1][nr] = value_of(rule.action);
			if (!rule.n_args)
				want[0][nr] = want[1][nr];
		}
		assert_int_equal(ct_filter_compile(&p, "p", &program, NULL), 0);
		check_program(&program);
		for (uint32_t nr = 0; nr < NUMBERS; nr++)
			for (uint32_t k = 0; k < 2; k++)
				assert_int_equal(call(&program, SCMP_ARCH_X86_64, nr, 7 * k, 0),
						 want[k][nr]);
	}
}

/* --- what is refused --- */

static void check_refused(const struct ct_filter_policy *p, int err, const char *message)
{
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_err e;

	ct_err_clear(&e);
	assert_int_equal(ct_filter_compile(p, "p", &program, &e), err);
	assert_string_equal(e.message, message);
	assert_int_equal(e.id, CT_ERR_FILTER);
	assert_int_equal(program.len, 0);
}

static void test_refused(void **state)
{
	static const struct {
		struct ct_filter_rule rule;
		const char *message;
	} rows[] = {
		{ { .name = "mkdri", .line = 7 },
		  "p:7: \"mkdri\": unknown system call. Hint: did you mean \"mkdir\"?" },
		{ { .name = "lsm_list_module", .line = 8 },
		  "p:8: \"lsm_list_module\": unknown system call. "
		  "Hint: did you mean \"lsm_list_modules\"?" },
		{ { .name = "xyzzy_plugh", .line = 9 },
		  "p:9: \"xyzzy_plugh\": unknown system call" },
		{ { .name = "cacheflush", .line = 10 },
		  "p:10: \"cacheflush\": no architecture of the policy has this call" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct ct_filter_policy p = { .otherwise = { CT_FILTER_ERRNO, 1 } };
		struct ct_filter_rule rule = rows[i].rule;
		CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;

		ct_filter_add_arch(&p, SCMP_ARCH_X86_64);
		assert_non_null(ct_filter_add(&p, arena, &rule));
		check_refused(&p, -EINVAL, rows[i].message);
		p.rule[0].may_be_new = true;
		assert_int_equal(ct_filter_compile(&p, "p", &program, NULL), 0);
	}
}

/* Flags stand behind the program, which is the same. */
static void test_flags(void **state)
{
	struct ct_filter_policy p = { .otherwise = { CT_FILTER_ERRNO, 1 },
				      .flags = SECCOMP_FILTER_FLAG_LOG };
	CT_CLEAN_BUF struct ct_buf with = CT_BUF_INIT, without = CT_BUF_INIT;
	struct sock_filter last;

	(void)state;
	ct_filter_add_arch(&p, SCMP_ARCH_X86_64);
	assert_int_equal(ct_filter_compile(&p, "p", &with, NULL), 0);
	p.flags = 0;
	assert_int_equal(ct_filter_compile(&p, "p", &without, NULL), 0);
	check_program(&without);
	assert_int_equal(with.len, without.len + sizeof(last));
	assert_memory_equal(with.data, without.data, without.len);
	memcpy(&last, with.data + without.len, sizeof(last));
	assert_int_equal(last.code, CT_FILTER_FLAGS);
	assert_int_equal(last.k, SECCOMP_FILTER_FLAG_LOG);
}

static void test_too_much(void **state)
{
	struct ct_filter_policy p = { .otherwise = { CT_FILTER_ERRNO, 1 } };
	struct ct_filter_rule rule = { .name = "read", .n_args = 6, .line = 3 };

	(void)state;
	check_refused(&p, -EINVAL, "p: the policy lists no architecture");
	ct_filter_add_arch(&p, SCMP_ARCH_X86_64);
	for (uint8_t i = 0; i < 6; i++)
		rule.arg[i] = (struct ct_filter_arg){ .index = i, .op = CT_FILTER_GT };
	for (uint32_t i = 0; i < 200; i++)
		assert_non_null(ct_filter_add(&p, arena, &rule));
	check_refused(&p, -E2BIG,
		      "p:3: \"read\": the policy makes a filter of more than 4096 instructions");
	while (p.n_rules < CT_FILTER_RULES_MAX)
		assert_non_null(ct_filter_add(&p, arena, &rule));
	assert_null(ct_filter_add(&p, arena, &rule));
	check_refused(&p, -E2BIG,
		      "p:3: \"read\": the policy makes a filter of more than 4096 instructions");
}

/* A number is this machine's alone; a name of another architecture of the policy is no error. */
static void test_numbers(void **state)
{
	static const struct ct_filter_rule rules[] = {
		{ .name = "39", .numbered = true },
		{ .name = "900", .numbered = true },
		{ .name = "socketcall" },
		{ .name = "mseal" },
	};
	struct ct_filter_policy p = { .otherwise = { CT_FILTER_ERRNO, 1 },
				      .foreign = { CT_FILTER_TRAP, 0 } };
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;

	(void)state;
	ct_filter_add_arch(&p, SCMP_ARCH_X86_64);
	ct_filter_add_arch(&p, SCMP_ARCH_X86);
	ct_filter_add_arch(&p, SCMP_ARCH_MIPS); /* of the other byte order: left out */
	for (size_t i = 0; i < N_ROWS(rules); i++)
		assert_non_null(ct_filter_add(&p, arena, &rules[i]));
	assert_int_equal(ct_filter_compile(&p, "p", &program, NULL), 0);
	check_program(&program);
	assert_int_equal(call(&program, SCMP_ARCH_X86_64, 39, 0, 0), SCMP_ACT_ALLOW);
	assert_int_equal(call(&program, SCMP_ARCH_X86_64, 900, 0, 0), SCMP_ACT_ALLOW);
	assert_int_equal(call(&program, SCMP_ARCH_X86_64, 462, 0, 0), SCMP_ACT_ALLOW);
	assert_int_equal(call(&program, SCMP_ARCH_X86_64, 102, 0, 0), SCMP_ACT_ERRNO(1));
	assert_int_equal(call(&program, SCMP_ARCH_X86, 39, 0, 0), SCMP_ACT_ERRNO(1));
	assert_int_equal(call(&program, SCMP_ARCH_X86, 900, 0, 0), SCMP_ACT_ERRNO(1));
	assert_int_equal(call(&program, SCMP_ARCH_X86, 102, 5, 0), SCMP_ACT_ALLOW);
	assert_int_equal(call(&program, SCMP_ARCH_X86, 462, 0, 0), SCMP_ACT_ALLOW);
	assert_int_equal(call(&program, SCMP_ARCH_MIPS, 4462, 0, 0), SCMP_ACT_TRAP);
	assert_int_equal(call(&program, SCMP_ARCH_X86_64, X32 | 39, 0, 0), SCMP_ACT_TRAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_default_native, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_default_foreign, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_default_arguments, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_default_names, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_default_kernel, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_random, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_many, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_refused, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_flags, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_too_much, new_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_numbers, new_arena, free_arena),
	};

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
