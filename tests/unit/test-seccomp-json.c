/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies in JSON: what each member does, every fault with its place, the conditions of Docker's
 * form, and the profile of containers-common where it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "backend/seccomp/policy.h"

#define N(a) (sizeof(a) / sizeof(*(a)))
#define DOCKER_PROFILE "/usr/share/containers/seccomp.json"
#define CAP(name) (UINT64_C(1) << CAP_##name)

static struct ct_arena *arena;
static struct ct_err err;
static struct ct_filter_policy policy;
static const struct ct_filter_facts plain = { CAP(CHOWN) | CAP(SYS_CHROOT), 5, 10 };

static int set_up(void **state)
{
	(void)state;
	arena = ct_arena_new();
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	ct_arena_free(arena);
	return 0;
}

/* Reads a text of its own size, so that a read past the end is seen. */
static int read_text(const char *text, size_t len, const struct ct_filter_facts *facts)
{
	char *copy = malloc(len ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, len);
	ct_err_clear(&err);
	r = ct_filter_read_json(copy, len, "p.json", facts, arena, &policy, &err);
	free(copy);
	assert_int_equal(r, err.err);
	return r;
}

static void read_good(const char *text)
{
	if (read_text(text, strlen(text), &plain))
		fail_msg("%s\n%s", text, err.message);
}

/* ---- the policy as text ---------------------------------------------------------------------- */

static const char *const verdicts[] = {
	[CT_FILTER_ALLOW] = "allow",
	[CT_FILTER_LOG] = "log",
	[CT_FILTER_NOTIFY] = "notify",
	[CT_FILTER_TRACE] = "trace",
	[CT_FILTER_ERRNO] = "errno",
	[CT_FILTER_TRAP] = "trap",
	[CT_FILTER_KILL_THREAD] = "kill-thread",
	[CT_FILTER_KILL_PROCESS] = "kill-process",
};

static const char *const ops[] = {
	[CT_FILTER_NE] = "!=", [CT_FILTER_LT] = "<",  [CT_FILTER_LE] = "<=",
	[CT_FILTER_EQ] = "==", [CT_FILTER_GE] = ">=", [CT_FILTER_GT] = ">",
};

static void put_action(struct ct_buf *b, struct ct_filter_action a)
{
	ct_buf_str(b, verdicts[a.verdict]);
	if (a.data)
		ct_buf_printf(b, " %u", a.data);
}

/* "errno 1; allow 4:read(a1 == 5, (a2 & 0xf) == 2); ..." */
static void put_policy(struct ct_buf *b, const struct ct_filter_policy *p)
{
	put_action(b, p->otherwise);
	if (p->flags)
		ct_buf_printf(b, " flags %#x", p->flags);
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct ct_filter_rule *r = &p->rule[i];

		ct_buf_str(b, "; ");
		put_action(b, r->action);
		ct_buf_printf(b, " %u:%s", r->line, r->name);
		for (uint32_t k = 0; k < r->n_args; k++) {
			const struct ct_filter_arg *a = &r->arg[k];

			ct_buf_str(b, k ? ", " : "(");
			if (a->op == CT_FILTER_MASKED_EQ)
				ct_buf_printf(b, "(a%u & %#llx) == %llu", a->index,
					      (unsigned long long)a->mask,
					      (unsigned long long)a->value);
			else
				ct_buf_printf(b, "a%u %s %llu", a->index, ops[a->op],
					      (unsigned long long)a->value);
		}
		ct_buf_str(b, r->n_args ? ")" : "");
		assert_true(r->may_be_new);
	}
	assert_int_equal(ct_buf_error(b), 0);
}

static void expect(const char *text, const char *as)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	read_good(text);
	put_policy(&b, &policy);
	if (strcmp(ct_buf_text(&b), as))
		fail_msg("%s\ngives  %s\nand not %s", text, ct_buf_text(&b), as);
}

/* ---- what is good ---------------------------------------------------------------------------- */

#define D "\"defaultAction\": "
#define TOP(rest) "{" D "\"SCMP_ACT_ERRNO\"" rest "}"
#define RULES(rest) TOP(", \"syscalls\": [" rest "]")
#define RULE(rest) RULES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"" rest "}")
#define ARG(rest) RULE(", \"args\": [{" rest "}]")

static const struct {
	const char *text, *as;
} good[] = {
	{ TOP(""), "errno 1" },
	{ " \t\r\n" TOP("") "\n\n ", "errno 1" },
	{ TOP(", \"syscalls\": null, \"flags\": null, \"archMap\": null"), "errno 1" },
	{ TOP(", \"syscalls\": []"), "errno 1" },
	{ TOP(", \"defaultErrnoRet\": 38"), "errno 38" },
	{ TOP(", \"defaultErrnoRet\": 0"), "errno" },
	{ TOP(", \"defaultErrnoRet\": 4095"), "errno 4095" },
	{ TOP(", \"defaultErrnoRet\": 1, \"defaultErrno\": \"ENOSYS\""), "errno 38" },
	{ TOP(", \"defaultErrno\": \"22\", \"defaultErrnoRet\": 1"), "errno 22" },
	{ TOP(", \"defaultErrno\": \"\", \"defaultErrnoRet\": 2"), "errno 2" },
	{ "{" D "\"SCMP_ACT_ALLOW\"}", "allow" },
	{ "{" D "\"SCMP_ACT_LOG\"}", "log" },
	{ "{" D "\"SCMP_ACT_NOTIFY\"}", "notify" },
	{ "{" D "\"SCMP_ACT_TRACE\"}", "trace 1" },
	{ "{" D "\"SCMP_ACT_TRACE\", \"defaultErrnoRet\": 65535}", "trace 65535" },
	{ "{" D "\"SCMP_ACT_TRAP\"}", "trap" },
	{ "{" D "\"SCMP_ACT_KILL\"}", "kill-thread" },
	{ "{" D "\"SCMP_ACT_KILL_THREAD\"}", "kill-thread" },
	{ "{" D "\"SCMP_ACT_KILL_PROCESS\"}", "kill-process" },
	{ "{\"\\u0064efaultAction\": \"SCMP_ACT_LO\\u0047\"}", "log" },
	{ TOP(", \"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_LOG\", "
	      "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\", \"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"], "
	      "\"listenerPath\": \"/x\", \"listenerMetadata\": \"\", \"comment\": \"\\u00e4{[\""),
	  "errno 1 flags 0x6" },
	{ TOP(", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"]"), "errno 1 flags 0x2" },
	{ TOP(", \"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\"]"), "errno 1" },
	{ RULE(""), "errno 1; allow 1:read" },
	{ RULES("{\"name\": \"read\", \"action\": \"SCMP_ACT_ALLOW\"}"), "errno 1; allow 1:read" },
	{ RULES("{\"name\": \"read\", \"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}"),
	  "errno 1; allow 1:read" },
	{ RULES("{\"name\": \"\", \"names\": [\"a\", \"b\"], \"action\": \"SCMP_ACT_ALLOW\"}"),
	  "errno 1; allow 1:a; allow 1:b" },
	{ TOP(",\n\"syscalls\": [\n{\"names\": [\n\"a\",\n\"_B2\"\n], "
	      "\"action\":\n\"SCMP_ACT_ALLOW\"}]"),
	  "errno 1; allow 4:a; allow 5:_B2" },
	{ RULES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\"}"),
	  "errno 1; errno 1 1:read" },
	{ RULES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38}"),
	  "errno 1; errno 38 1:read" },
	{ RULES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"EAGAIN\"}"),
	  "errno 1; errno 11 1:read" },
	{ RULES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 9}, "
		"{\"names\": [\"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}"),
	  "errno 1; trace 9 1:read; notify 1:write" },
	{ RULE(", \"args\": [], \"includes\": {}, \"excludes\": {}, \"comment\": \"why\""),
	  "errno 1; allow 1:read" },
	{ RULE(", \"args\": null, \"includes\": {\"caps\": null}, \"excludes\": null"),
	  "errno 1; allow 1:read" },
	{ ARG("\"index\": 0, \"value\": 5, \"op\": \"SCMP_CMP_EQ\""),
	  "errno 1; allow 1:read(a0 == 5)" },
	{ ARG("\"index\": 5, \"value\": 18446744073709551615, \"valueTwo\": 7, "
	      "\"op\": \"SCMP_CMP_NE\""),
	  "errno 1; allow 1:read(a5 != 18446744073709551615)" },
	{ ARG("\"index\": 1, \"value\": 9223372036854775807, \"op\": \"SCMP_CMP_LT\""),
	  "errno 1; allow 1:read(a1 < 9223372036854775807)" },
	{ ARG("\"index\": 1, \"value\": 9223372036854775808, \"op\": \"SCMP_CMP_LE\""),
	  "errno 1; allow 1:read(a1 <= 9223372036854775808)" },
	{ ARG("\"index\": 2, \"value\": 0, \"op\": \"SCMP_CMP_GE\""),
	  "errno 1; allow 1:read(a2 >= 0)" },
	{ ARG("\"index\": 2, \"value\": 0, \"op\": \"SCMP_CMP_GT\""),
	  "errno 1; allow 1:read(a2 > 0)" },
	{ ARG("\"index\": 3, \"value\": 255, \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\""),
	  "errno 1; allow 1:read((a3 & 0xff) == 3)" },
	{ ARG("\"index\": 3, \"value\": 255, \"op\": \"SCMP_CMP_MASKED_EQ\""),
	  "errno 1; allow 1:read((a3 & 0xff) == 0)" },
	{ ARG("\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}, "
	      "{\"index\": 1, \"value\": 2, \"op\": \"SCMP_CMP_EQ\""),
	  "errno 1; allow 1:read(a0 == 1, a1 == 2)" },
	/* an argument twice: alternatives */
	{ ARG("\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}, "
	      "{\"index\": 1, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}, "
	      "{\"index\": 0, \"value\": 3, \"op\": \"SCMP_CMP_EQ\""),
	  "errno 1; allow 1:read(a0 == 1); allow 1:read(a1 == 2); allow 1:read(a0 == 3)" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		expect(good[i].text, good[i].as);
		assert_int_equal(policy.notifies, !!strstr(good[i].as, "notify"));
		assert_int_equal(policy.foreign.verdict, CT_FILTER_KILL_THREAD);
		assert_int_equal(policy.n_archs, 1);
		assert_int_equal(policy.arch[0], seccomp_arch_native());
	}
}

/* ---- architectures --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t arch;
} arches[] = {
	{ "X86", SCMP_ARCH_X86 },
	{ "X86_64", SCMP_ARCH_X86_64 },
	{ "X32", SCMP_ARCH_X32 },
	{ "ARM", SCMP_ARCH_ARM },
	{ "AARCH64", SCMP_ARCH_AARCH64 },
	{ "MIPS", SCMP_ARCH_MIPS },
	{ "MIPS64", SCMP_ARCH_MIPS64 },
	{ "MIPS64N32", SCMP_ARCH_MIPS64N32 },
	{ "MIPSEL", SCMP_ARCH_MIPSEL },
	{ "MIPSEL64", SCMP_ARCH_MIPSEL64 },
	{ "MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
	{ "PPC", SCMP_ARCH_PPC },
	{ "PPC64", SCMP_ARCH_PPC64 },
	{ "PPC64LE", SCMP_ARCH_PPC64LE },
	{ "S390", SCMP_ARCH_S390 },
	{ "S390X", SCMP_ARCH_S390X },
	{ "PARISC", SCMP_ARCH_PARISC },
	{ "PARISC64", SCMP_ARCH_PARISC64 },
	{ "RISCV64", SCMP_ARCH_RISCV64 },
};

static void test_arches(void **state)
{
	uint32_t native = seccomp_arch_native();

	(void)state;
	for (size_t i = 0; i < N(arches); i++) {
		CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
		bool mine = arches[i].arch == native;

		ct_buf_printf(&b, TOP(", \"architectures\": [\"SCMP_ARCH_%s\"]"), arches[i].name);
		read_good(ct_buf_text(&b));
		assert_int_equal(policy.arch[0], native);
		assert_int_equal(policy.n_archs, mine ? 1 : 2);
		assert_true(mine || policy.arch[1] == arches[i].arch);
	}
	read_good(TOP(", \"architectures\": [\"SCMP_ARCH_NATIVE\", \"SCMP_ARCH_NATIVE\"]"));
	assert_int_equal(policy.n_archs, 1);
}

#define ROW(a, sub) "{\"architecture\": \"SCMP_ARCH_" a "\", \"subArchitectures\": [" sub "]}"

/* Of archMap the first row for this machine counts; the others may name what is newer. */
static void test_arch_map(void **state)
{
	(void)state;
	read_good(TOP(", \"archMap\": [" ROW("NEWER", "\"SCMP_ARCH_NEWEST\"") ", " ROW(
		"NATIVE",
		"\"SCMP_ARCH_ARM\", \"SCMP_ARCH_S390\"") ", " ROW("NATIVE",
								  "\"SCMP_ARCH_PPC\"") "]"));
	assert_int_equal(policy.n_archs, 3);
	assert_int_equal(policy.arch[0], seccomp_arch_native());
	assert_int_equal(policy.arch[1], SCMP_ARCH_ARM);
	assert_int_equal(policy.arch[2], SCMP_ARCH_S390);
	read_good(TOP(", \"archMap\": [{\"architecture\": \"SCMP_ARCH_NATIVE\"}]"));
	assert_int_equal(policy.n_archs, 1);
	read_good(TOP(", \"archMap\": [{\"architecture\": \"SCMP_ARCH_NATIVE\", "
		      "\"subArchitectures\": null}], \"architectures\": []"));
	assert_int_equal(policy.n_archs, 1);
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* The facts: CAP_CHOWN and CAP_SYS_CHROOT, kernel 5.10, this machine, of which HERE is Docker's
 * name. */
#if defined(__x86_64__)
#define HERE "\"amd64\""
#elif defined(__aarch64__)
#define HERE "\"arm64\""
#else
#define HERE "\"other\""
#endif

static const struct {
	const char *when;
	bool counts;
} conditions[] = {
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\"]}", true },
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_SYS_CHROOT\"]}", true },
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_SYS_ADMIN\"]}", false },
	{ "\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", false },
	{ "\"includes\": {\"caps\": []}", true },
	{ "\"excludes\": {\"caps\": [\"CAP_CHOWN\"]}", false },
	{ "\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", false },
	{ "\"excludes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_SYS_ADMIN\"]}", false },
	{ "\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}", true },
	{ "\"excludes\": {\"caps\": [\"CAP_CHECKPOINT_RESTORE\", \"CAP_BPF\"]}", true },
	{ "\"includes\": {\"arches\": [" HERE "]}", true },
	{ "\"includes\": {\"arches\": [\"s390x\", " HERE "]}", true },
	{ "\"includes\": {\"arches\": [" HERE ", \"s390x\"]}", true },
	{ "\"includes\": {\"arches\": [\"s390x\", \"newer\"]}", false },
	{ "\"includes\": {\"arches\": [\"x32\", \"x86\", \"arm\"]}", false },
	{ "\"includes\": {\"arches\": []}", true },
	{ "\"excludes\": {\"arches\": [" HERE "]}", false },
	{ "\"excludes\": {\"arches\": [\"s390x\"]}", true },
	{ "\"includes\": {\"minKernel\": \"5.10\"}", true },
	{ "\"includes\": {\"minKernel\": \"5.9\"}", true },
	{ "\"includes\": {\"minKernel\": \"4.20\"}", true },
	{ "\"includes\": {\"minKernel\": \"5.11\"}", false },
	{ "\"includes\": {\"minKernel\": \"6.0\"}", false },
	{ "\"includes\": {\"minKernel\": \"\"}", true },
	{ "\"excludes\": {\"minKernel\": \"5.10\"}", false },
	{ "\"excludes\": {\"minKernel\": \"5.11\"}", true },
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\"], \"minKernel\": \"6.0\"}", false },
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\"]}, "
	  "\"excludes\": {\"caps\": [\"CAP_SYS_CHROOT\"]}",
	  false },
	{ "\"includes\": {\"caps\": [\"CAP_CHOWN\"]}, \"excludes\": {\"arches\": [\"ppc\"]}",
	  true },
};

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(conditions); i++) {
		CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

		ct_buf_printf(&b,
			      "{" D "\"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"read\", "
			      "\"action\": \"SCMP_ACT_NOTIFY\", %s}]}",
			      conditions[i].when);
		read_good(ct_buf_text(&b));
		if (policy.n_rules != conditions[i].counts ||
		    policy.notifies != conditions[i].counts)
			fail_msg("%s: %u rules", conditions[i].when, policy.n_rules);
	}
}

/* ---- what is wrong --------------------------------------------------------------------------- */

#define DEEP "[[[[[[[[[[[[[[[[[[[["

static const struct {
	const char *text;
	int line;
	const char *message; /* behind "p.json:LINE: " */
} bad[] = {
	/* the text */
	{ "", 1, "a policy in JSON is one object" },
	{ "null", 1, "a policy in JSON is one object" },
	{ "\n[]", 2, "a policy in JSON is one object" },
	{ "\"x\"", 1, "a policy in JSON is one object" },
	{ "{", 1, "the text ends too early" },
	{ "{\n\n", 3, "the text ends too early" },
	{ "{\"a", 1, "the text ends too early" },
	{ "{" D "\"SCMP", 1, "the text ends too early" },
	{ "{}\n}", 2, "this is no JSON" },
	{ "{}\n{}", 2, "this is no JSON" },
	{ "{\n'a': 1}", 2, "a string in double quotes should be here" },
	{ "{\n\"a\": 'b'}", 2, "this is no JSON" },
	{ "{\na: 1}", 2, "the name of a member, in double quotes, should be here" },
	{ "{\"a\"\n1}", 2, "a colon should be here" },
	{ "{\"a\": 1\n\"b\": 2}", 2, "a comma or \"}\" should be here" },
	{ "{\"a\": [1\n2]}", 2, "a comma or \"]\" should be here" },
	{ "{\"a\": 1,\n}", 2, "this is no JSON" },
	{ "{\"a\": [1,\n]}", 2, "this is no JSON" },
	{ "{\n/* */}", 2, "the name of a member, in double quotes, should be here" },
	{ "{\"a\":\n/* */ 1}", 2, "this is no JSON" },
	{ "{\"a\": tru}", 1, "this is no value" },
	{ "{\"a\": True}", 1, "this is no value" },
	{ "{\"a\": nul}", 1, "this is no value" },
	{ "{\"a\": 01}", 1, "this is no number" },
	{ "{\"a\": +1}", 1, "this is no JSON" },
	{ "{\"a\": 1-}", 1, "this is no number" },
	{ "{\"a\": -}", 1, "this is no number" },
	{ "{\"a\":\n18446744073709551616}", 2, "a number has more than 64 bits" },
	{ "{\"a\": -9223372036854775809}", 1, "a number has more than 64 bits" },
	{ "{\"a\": 184467440737095516150000000000}", 1, "a number has more than 64 bits" },
	{ "{\"a\": \"\\x\"}", 1, "a string has an escape that is none" },
	{ "{\"a\": \"\xff\"}", 1, "the text is not UTF-8" },
	{ "{\"a\": \"\xc3\"}", 1, "the text is not UTF-8" },
	{ "{\"a\": \"b\tc\"}", 1, "a string has a control character" },
	{ "{\"a\": \"b\nc\"}", 1, "a string has a control character" },
	{ "{\"a\": \"b\\u0000c\"}", 1, "a string has a NUL character" },
	{ "{\"a\\u0000\": 1}", 1, "a string has a NUL character" },
	{ "{\"a\":\n" DEEP "1", 2, "objects and lists stand too deep in each other" },
	/* members twice */
	{ "{" D "\"SCMP_ACT_LOG\",\n" D "\"SCMP_ACT_LOG\"}", 2,
	  "the member \"defaultAction\" stands twice in one object" },
	{ "{\"a\": {\"b\": 1},\n\"a\": 2}", 2, "the member \"a\" stands twice in one object" },
	{ "{\"a\": 1, \"b\": 2,\n\"a\": 3,\n\"c\": 4}", 2,
	  "the member \"a\" stands twice in one object" },
	{ "{\"a\": 1,\n\"\\u0061\": 2}", 2, "the member \"\\u0061\" stands twice in one object" },
	{ "{\"a\": [{\"c\": 1}, {\"d\": 1,\n \"e\": {},\n \"d\": 1}]}", 3,
	  "the member \"d\" stands twice in one object" },
	{ "{\"a\": 1, \"b\": {\"a\": 1},\n\"b\": {\"a\": 2}}", 2,
	  "the member \"b\" stands twice in one object" },
	/* members */
	{ "{}", 1, "the member defaultAction is missing" },
	{ "\n{\"syscalls\": []}", 2, "the member defaultAction is missing" },
	{ "{" D "null}", 1, "the member defaultAction is missing" },
	{ TOP(",\n\"defaultaction\": \"SCMP_ACT_LOG\""), 2,
	  "\"defaultaction\": there is no such member here. Hint: did you mean defaultAction?" },
	{ TOP(",\n\"syscall\": []"), 2,
	  "\"syscall\": there is no such member here. Hint: did you mean syscalls?" },
	{ TOP(", \"x\": null"), 1, "\"x\": there is no such member here" },
	{ TOP(", \"syscalls\":\n{}"), 2, "\"syscalls\": this is an object and should be a list" },
	{ TOP(", \"syscalls\": [[]]"), 1,
	  "\"syscalls[0]\": this is a list and should be an object" },
	{ TOP(",\n\"syscalls\": [null]"), 2,
	  "\"syscalls[0]\": this is null and should be an object" },
	{ TOP(", \"comment\": 1"), 1, "\"comment\": this is a number and should be a string" },
	{ TOP(", \"comment\": false"), 1,
	  "\"comment\": this is true or false and should be a string" },
	{ TOP(", \"defaultErrnoRet\": 1.5"), 1,
	  "\"defaultErrnoRet\": this is a fraction and should be a number" },
	{ TOP(", \"defaultErrnoRet\": 1e1"), 1,
	  "\"defaultErrnoRet\": this is a fraction and should be a number" },
	{ TOP(", \"defaultErrnoRet\": NaN"), 1,
	  "\"defaultErrnoRet\": this is a fraction and should be a number" },
	{ TOP(", \"defaultErrnoRet\": \"1\""), 1,
	  "\"defaultErrnoRet\": this is a string and should be a number" },
	/* actions and errnos */
	{ "{" D "\"\"}", 1, "\"defaultAction\":  is no action" },
	{ "{" D "\"ALLOW\"}", 1, "\"defaultAction\": ALLOW is no action" },
	{ "{" D "\"SCMP_ACT_ALOW\"}", 1,
	  "\"defaultAction\": SCMP_ACT_ALOW is no action. Hint: did you mean SCMP_ACT_ALLOW?" },
	{ "{" D "\"SCMP_ACT_ERRNO(1)\"}", 1,
	  "\"defaultAction\": SCMP_ACT_ERRNO(1) is no action. Hint: did you mean "
	  "SCMP_ACT_ERRNO?" },
	{ TOP(", \"defaultErrnoRet\": 4096"), 1, "\"defaultErrnoRet\": 4096 is more than 4095" },
	{ TOP(", \"defaultErrnoRet\": 18446744073709551615"), 1,
	  "\"defaultErrnoRet\": 18446744073709551615 is more than 4095" },
	{ TOP(", \"defaultErrnoRet\": -1"), 1,
	  "\"defaultErrnoRet\": a number should not be negative here" },
	{ "{" D "\"SCMP_ACT_TRACE\", \"defaultErrnoRet\": 65536}", 1,
	  "\"defaultErrnoRet\": 65536 is more than 65535" },
	{ "{" D "\"SCMP_ACT_ALLOW\",\n\"defaultErrnoRet\": 1}", 2,
	  "\"defaultErrnoRet\": SCMP_ACT_ALLOW gives no errno" },
	{ "{" D "\"SCMP_ACT_KILL\",\n\"defaultErrno\": \"EPERM\"}", 2,
	  "\"defaultErrno\": SCMP_ACT_KILL gives no errno" },
	{ TOP(", \"defaultErrno\": \"eperm\""), 1, "\"defaultErrno\": eperm is no errno" },
	{ TOP(", \"defaultErrno\": \"4096\""), 1, "\"defaultErrno\": 4096 is no errno" },
	{ TOP(", \"defaultErrno\": \"-1\""), 1, "\"defaultErrno\": -1 is no errno" },
	/* architectures and flags */
	{ TOP(", \"architectures\": [\"X86\"]"), 1,
	  "\"architectures[0]\": X86 is no architecture: such names begin with SCMP_ARCH_" },
	{ TOP(", \"architectures\": [\"SCMP_ARCH_x86\"]"), 1,
	  "\"architectures[0]\": SCMP_ARCH_x86 is no architecture: such names begin with "
	  "SCMP_ARCH_" },
	{ TOP(", \"architectures\": [\n\"SCMP_ARCH_ARM\",\n\"SCMP_ARCH_X68\"]"), 3,
	  "\"architectures[1]\": libseccomp knows no architecture SCMP_ARCH_X68. Hint: did you "
	  "mean SCMP_ARCH_X86?" },
	{ TOP(", \"architectures\": [\"SCMP_ARCH_\"]"), 1,
	  "\"architectures[0]\": libseccomp knows no architecture SCMP_ARCH_. Hint: did you mean "
	  "SCMP_ARCH_X86?" },
	{ TOP(",\n\"archMap\": [{\"subArchitectures\": []}]"), 2,
	  "\"archMap[0]\": the member architecture is missing" },
	{ TOP(", \"archMap\": [{\"architecture\": \"amd64\"}]"), 1,
	  "\"archMap[0].architecture\": amd64 is no architecture: such names begin with "
	  "SCMP_ARCH_" },
	{ TOP(", \"archMap\": [" ROW("NATIVE", "\"SCMP_ARCH_NEWEST\"") "]"), 1,
	  "\"archMap[0].subArchitectures[0]\": libseccomp knows no architecture "
	  "SCMP_ARCH_NEWEST" },
	{ TOP(", \"archMap\": [" ROW("NEWEST", "\"arm\"") "]"), 1,
	  "\"archMap[0].subArchitectures[0]\": arm is no architecture: such names begin with "
	  "SCMP_ARCH_" },
	{ TOP(", \"archMap\": [{\"architecture\": \"SCMP_ARCH_ARM\", \"x\": 1}]"), 1,
	  "\"archMap[0].x\": there is no such member here" },
	{ TOP(",\n\"archMap\": [" ROW("ARM", "") "], \"architectures\": [\"SCMP_ARCH_ARM\"]"), 1,
	  "either architectures or archMap says for which a policy is" },
	{ "{\n" D
	  "\"SCMP_ACT_LOG\", \"architectures\": [\"SCMP_ARCH_ARM\"], \"archMap\": [" ROW("ARM",
											 "") "]}",
	  1, "either architectures or archMap says for which a policy is" },
	{ TOP(", \"flags\": [\"SECCOMP_FILTER_FLAG_TSYN\"]"), 1,
	  "\"flags[0]\": SECCOMP_FILTER_FLAG_TSYN is no flag of a filter. Hint: did you mean "
	  "SECCOMP_FILTER_FLAG_TSYNC?" },
	{ TOP(", \"flags\": [1]"), 1, "\"flags[0]\": this is a number and should be a string" },
	/* rules */
	{ RULES("\n{\"names\": [\"read\"]}"), 2, "\"syscalls[0]\": the member action is missing" },
	{ RULES("\n{\"action\": \"SCMP_ACT_ALLOW\"}"), 2, "\"syscalls[0]\": a rule needs names" },
	{ RULES("{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}"), 1,
	  "\"syscalls[0]\": a rule needs names" },
	{ RULE("}, {\"name\": \"a\", \"names\": [\"b\"], \"action\": \"SCMP_ACT_LOG\""), 1,
	  "\"syscalls[1]\": either name or names says which calls are meant" },
	{ RULE("}, {\"name\": \"a b\", \"action\": \"SCMP_ACT_LOG\""), 1,
	  "\"syscalls[1].name\": \"a b\" cannot be the name of a system call" },
	{ RULES("{\"names\": [\"a\",\n\"\"], \"action\": \"SCMP_ACT_LOG\"}"), 2,
	  "\"syscalls[0].names[1]\": \"\" cannot be the name of a system call" },
	{ RULES("{\"names\": [1], \"action\": \"SCMP_ACT_LOG\"}"), 1,
	  "\"syscalls[0].names[0]\": this is a number and should be a string" },
	{ RULES("{\"names\": \"read\", \"action\": \"SCMP_ACT_LOG\"}"), 1,
	  "\"syscalls[0].names\": this is a string and should be a list" },
	{ RULE(",\n\"arg\": []"), 2,
	  "\"syscalls[0].arg\": there is no such member here. Hint: did you mean args?" },
	{ RULE(",\n\"errnoRet\": 1"), 2,
	  "\"syscalls[0].errnoRet\": SCMP_ACT_ALLOW gives no errno" },
	{ RULES("{\"name\": \"read\", \"action\":\n\"SCMP_ACT_NOTIFI\"}"), 2,
	  "\"syscalls[0].action\": SCMP_ACT_NOTIFI is no action. Hint: did you mean "
	  "SCMP_ACT_NOTIFY?" },
	/* comparisons */
	{ ARG("\"value\": 1, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0]\": the member index is missing" },
	{ ARG("\"index\": 1, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0]\": the member value is missing" },
	{ ARG("\"index\": 1, \"value\": 1"), 1,
	  "\"syscalls[0].args[0]\": the member op is missing" },
	{ ARG("\"index\": 6, \"value\": 1, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0].index\": 6 is more than 5" },
	{ ARG("\"index\": -1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0].index\": a number should not be negative here" },
	{ ARG("\"index\": 1, \"value\": -1, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0].value\": a number should not be negative here" },
	{ ARG("\"index\": 1, \"value\": 1, \"valueTwo\": 0.5, \"op\": \"SCMP_CMP_EQ\""), 1,
	  "\"syscalls[0].args[0].valueTwo\": this is a fraction and should be a number" },
	{ ARG("\"index\": 1, \"value\": 1, \"op\":\n\"SCMP_CMP_MASK_EQ\""), 2,
	  "\"syscalls[0].args[0].op\": SCMP_CMP_MASK_EQ is no operator. Hint: did you mean "
	  "SCMP_CMP_MASKED_EQ?" },
	{ ARG("\"index\": 1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\", \"y\": 1"), 1,
	  "\"syscalls[0].args[0].y\": there is no such member here" },
	/* conditions */
	{ RULE(", \"includes\": {\"cap\": []}"), 1,
	  "\"syscalls[0].includes.cap\": there is no such member here. Hint: did you mean caps?" },
	{ RULE(", \"includes\": {\"caps\": [\n\"SYS_ADMIN\"]}"), 2,
	  "\"syscalls[0].includes.caps[0]\": SYS_ADMIN is no capability. Hint: capabilities(7) has "
	  "their names, such as CAP_SYS_ADMIN" },
	{ RULE(", \"excludes\": {\"caps\": [\"CAP_21\"]}"), 1,
	  "\"syscalls[0].excludes.caps[0]\": CAP_21 is no capability. Hint: capabilities(7) has "
	  "their names, such as CAP_SYS_ADMIN" },
	{ RULE(", \"excludes\": {\"caps\": [\"CAP_SYS_ADMIM\"]}"), 1,
	  "\"syscalls[0].excludes.caps[0]\": CAP_SYS_ADMIM is no capability. Hint: capabilities(7) "
	  "has their names, such as CAP_SYS_ADMIN" },
	{ RULE(", \"includes\": {\"arches\": [\"x86_64\"]}"), 1,
	  "\"syscalls[0].includes.arches[0]\": x86_64 is no name of an architecture here. Hint: "
	  "x86_64 is meant here by amd64" },
	{ RULE(", \"includes\": {\"arches\": [\"\"]}"), 1,
	  "\"syscalls[0].includes.arches[0]\":  is no architecture" },
	{ RULE(", \"excludes\": {\"minKernel\": \"5\"}"), 1,
	  "\"syscalls[0].excludes.minKernel\": 5 is no kernel's version such as 4.8" },
	{ RULE(", \"excludes\": {\"minKernel\": \"5.\"}"), 1,
	  "\"syscalls[0].excludes.minKernel\": 5. is no kernel's version such as 4.8" },
	{ RULE(", \"excludes\": {\"minKernel\": \"5.1.2\"}"), 1,
	  "\"syscalls[0].excludes.minKernel\": 5.1.2 is no kernel's version such as 4.8" },
	{ RULE(", \"excludes\": {\"minKernel\": 5.1}"), 1,
	  "\"syscalls[0].excludes.minKernel\": this is a fraction and should be a string" },
	/* what does not count is checked, too */
	{ RULE(", \"includes\": {\"arches\": [\"none\"]}}, {\"name\": \"\", \"args\": [{}], "
	       "\"action\": \"SCMP_ACT_LOG\""),
	  1, "\"syscalls[1].args[0]\": the member index is missing" },
};

static void test_bad(void **state)
{
	char want[1024];
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		int r = read_text(bad[i].text, strlen(bad[i].text), &plain);

		snprintf(want, sizeof(want), "p.json:%d: %s", bad[i].line, bad[i].message);
		if (r == -EINVAL && err.id == CT_ERR_FILTER && !strcmp(err.message, want) &&
		    !policy.n_rules && !policy.n_archs)
			continue;
		print_error("%s\ngives  %s\nand not %s\n", bad[i].text, err.message, want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* A text of `head`, n times `part` and `tail`. */
static int read_many(const char *head, const char *part, size_t n, const char *tail)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	ct_buf_str(&b, head);
	for (size_t i = 0; i < n; i++)
		ct_buf_str(&b, part);
	ct_buf_str(&b, tail);
	assert_int_equal(ct_buf_error(&b), 0);
	return read_text(b.data, b.len, &plain);
}

#define NAMES "{" D "\"SCMP_ACT_LOG\", \"syscalls\": [{\"action\": \"SCMP_ACT_TRAP\", \"names\": ["
#define AN_ARG "{\"index\": 1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}, "
#define ARGS_TAIL AN_ARG "{\"index\": 1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]}]}"

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(read_many(NAMES, "\"read\", ", 8191, "\"read\"]}]}"), 0);
	assert_int_equal(policy.n_rules, 8192);
	assert_int_equal(read_many(NAMES, "\"read\", ", 8192, "\"read\"]}]}"), -E2BIG);
	assert_string_equal(err.reason, "a policy has at most 8192 rules");
	assert_string_equal(err.object, "syscalls[0].names[8192]");
	assert_int_equal(policy.n_rules, 0);
	assert_int_equal(read_many(NAMES "\"read\"], \"args\": [", AN_ARG, 30, ARGS_TAIL), 0);
	assert_int_equal(policy.n_rules, 32);
	assert_int_equal(read_many(NAMES "\"read\"], \"args\": [", AN_ARG, 31, ARGS_TAIL), -E2BIG);
	assert_string_equal(err.reason, "a rule has at most 32 comparisons");
	/* of the text */
	assert_int_equal(read_many(TOP(""), " ", (1u << 20) - strlen(TOP("")), ""), 0);
	assert_int_equal(read_many(TOP(""), " ", (1u << 20) - strlen(TOP("")) + 1, ""), -E2BIG);
	assert_string_equal(err.reason, "a policy has at most 1048576 bytes");
	assert_int_equal(read_many("{\"a\": [", "[],", 65536, "[]]}"), -E2BIG);
	assert_int_equal(read_many("{\"a\": [", "1,", 262145, "1]}"), -E2BIG);
	assert_int_equal(read_many("{\"a\": [", "1,", 262143, "1]}"), -EINVAL);
	/* 16 levels */
	assert_int_equal(read_many("{\"a\": ", "[", 15, "]]]]]]]]]]]]]]]}"), -EINVAL);
	assert_string_equal(err.reason, "there is no such member here");
	assert_int_equal(read_many("{\"a\": ", "[", 16, "]]]]]]]]]]]]]]]]}"), -EINVAL);
	assert_string_equal(err.reason, "objects and lists stand too deep in each other");
	/* a name as long as the text, in a path and in a message */
	assert_int_equal(read_many("{\"", "x", 100000, "\": 1}"), -EINVAL);
	assert_int_equal(strlen(err.object), 199);
	assert_int_equal(read_many("{\"x\": 1, \"", "x", 100000, "\": 1, \"x\": 1}"), -EINVAL);
	assert_string_equal(err.reason, "the member \"x\" stands twice in one object");
	assert_int_equal(read_text("{}\0", 3, &plain), -EINVAL);
	assert_string_equal(err.message, "p.json:1: the text has a NUL character");
}

/* Without a record of the error all is the same. */
static void test_no_record(void **state)
{
	struct ct_filter_policy p;

	(void)state;
	assert_int_equal(ct_filter_read_json("{", 1, "f", &plain, arena, &p, NULL), -EINVAL);
	assert_int_equal(ct_filter_read_json("{}", 2, "f", &plain, arena, &p, NULL), -EINVAL);
	assert_int_equal(ct_filter_read_json("{\"x\": 1}", 8, "f", &plain, arena, &p, NULL),
			 -EINVAL);
}

/* A text that is good, and the same cut at each place: every part of it is refused. */
static void test_cut(void **state)
{
	const char *text = RULE(", \"args\": [{\"index\": 0, \"value\": 1, \"op\": "
				"\"SCMP_CMP_\\u0045Q\"}], \"includes\": {\"minKernel\": \"4.8\"}");

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(read_text(text, n, &plain), -EINVAL);
	assert_int_equal(read_text(text, strlen(text), &plain), 0);
}

/* ---- the profile of Docker and Podman -------------------------------------------------------- */

/* The names that an action is taken for without comparisons. */
static bool has(const char *name, uint8_t verdict, uint16_t data)
{
	for (uint32_t i = 0; i < policy.n_rules; i++) {
		const struct ct_filter_rule *r = &policy.rule[i];

		if (!strcmp(r->name, name) && r->action.verdict == verdict &&
		    r->action.data == data && !r->n_args)
			return true;
	}
	return false;
}

static void read_profile(const struct ct_filter_facts *facts, uint32_t rules)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT, program = CT_BUF_INIT;
	int fd = open(DOCKER_PROFILE, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ct_buf_read_fd(&b, fd, CT_FILTER_FILE_MAX), 0);
	close(fd);
	if (read_text(b.data, b.len, facts))
		fail_msg("%s", err.message);
	assert_int_equal(policy.otherwise.verdict, CT_FILTER_ERRNO);
	assert_int_equal(policy.otherwise.data, ENOSYS);
	assert_int_equal(policy.n_archs, 3);
	assert_false(policy.notifies);
	assert_int_equal(policy.n_rules, rules);
	assert_int_equal(ct_filter_compile(&policy, DOCKER_PROFILE, &program, &err), 0);
	assert_true(program.len > 0 && program.len / sizeof(struct sock_filter) <= BPF_MAXINSNS);
}

/* The numbers are those of version 0.50.1 (Debian 12), counted by a script of Python's json that
 * follows Docker's rules. */
static void test_profile(void **state)
{
	const struct ct_filter_facts none = { 0, 5, 10 },
				     docker = { CAP(CHOWN) | CAP(SYS_CHROOT) | CAP(AUDIT_WRITE), 5,
						10 },
				     all = { ~UINT64_C(0), 6, 1 };

	(void)state;
	if (access(DOCKER_PROFILE, R_OK) || seccomp_arch_native() != SCMP_ARCH_X86_64)
		skip();
	read_profile(&none, 437);
	assert_true(has("mount", CT_FILTER_ERRNO, EPERM) || has("bpf", CT_FILTER_ERRNO, EPERM));
	assert_true(has("chroot", CT_FILTER_ERRNO, EPERM));
	assert_true(has("arch_prctl", CT_FILTER_ALLOW, 0));
	assert_false(has("socket", CT_FILTER_ALLOW, 0));
	assert_false(has("arm_fadvise64_64", CT_FILTER_ALLOW, 0));
	read_profile(&docker, 434);
	assert_true(has("chroot", CT_FILTER_ALLOW, 0));
	assert_true(has("socket", CT_FILTER_ALLOW, 0));
	assert_false(has("bpf", CT_FILTER_ALLOW, 0));
	read_profile(&all, 434);
	assert_true(has("bpf", CT_FILTER_ALLOW, 0));
	assert_true(has("init_module", CT_FILTER_ALLOW, 0));
	assert_false(has("init_module", CT_FILTER_ERRNO, EPERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	  cmocka_unit_test(test_arches),
		cmocka_unit_test(test_arch_map),  cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_bad),	  cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_record), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_profile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
