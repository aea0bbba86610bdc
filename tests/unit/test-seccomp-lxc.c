/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LXC's policy files: what each form is read as, and each thing that can be wrong with its line.
 * Architectures are those of x86-64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "backend/seccomp/policy.h"
#include "base/fd.h"

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const char *const verdicts[] = { "allow", "log",	 "notify", "trace",
					"errno", "trap", "kill",   "kill_process" };
static const char *const ops[] = { "!=", "<", "<=", "==", ">=", ">", "&=" };

static void print_action(struct ct_buf *out, struct ct_filter_action a)
{
	ct_buf_str(out, verdicts[a.verdict]);
	if (a.data)
		ct_buf_printf(out, "(%u)", a.data);
}

/* "OTHERWISE [number of architectures]" and a line for each rule: "LINE NAME ACTION ARGS". */
static void print_policy(struct ct_buf *out, const struct ct_filter_policy *p)
{
	print_action(out, p->otherwise);
	ct_buf_printf(out, " %u%s\n", p->n_archs, p->notifies ? " notifies" : "");
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct ct_filter_rule *rule = &p->rule[i];

		ct_buf_printf(out, "%u %s%s%s ", rule->line, rule->numbered ? "#" : "",
			      rule->may_be_new ? "try:" : "", rule->name);
		print_action(out, rule->action);
		for (uint32_t k = 0; k < rule->n_args; k++) {
			const struct ct_filter_arg *a = &rule->arg[k];

			ct_buf_printf(out, " %u%s%" PRIx64, a->index, ops[a->op], a->value);
			if (a->op == CT_FILTER_MASKED_EQ)
				ct_buf_printf(out, "/%" PRIx64, a->mask);
		}
		ct_buf_char(out, '\n');
	}
}

static const struct {
	const char *text, *policy;
} good[] = {
	/* the lists, by both names, with their default actions */
	{ "2\nallowlist\n", "kill 3\n" },
	{ "2\nwhitelist\n", "kill 3\n" },
	{ "2\ndenylist\n", "allow 3\n" },
	{ "2\nblacklist\n", "allow 3\n" },
	{ "2\nallowlist kill\nread\n", "kill 3\n3 read allow\n" },
	{ "2\nallowlist trap\nread\n", "trap 3\n3 read allow\n" },
	{ "2\nallowlist errno 22\nread\n", "errno(22) 3\n3 read allow\n" },
	{ "2\nallowlist errno 0\nread\n", "errno 3\n3 read allow\n" },
	{ "2\nallowlist log\nread\n", "log 3\n3 read allow\n" },
	{ "2\nallowlist notify\nread\n", "notify 3 notifies\n3 read allow\n" },
	{ "2\nallowlist trace\nread\n", "trace 3\n3 read allow\n" },
	{ "2\nallowlist allow\nread errno 1\n", "allow 3\n3 read errno(1)\n" },
	{ "2\ndenylist errno 5\nread\n", "errno(5) 3\n3 read kill\n" },
	{ "2\ndenylist\terrno  5 # why\nread\n", "errno(5) 3\n3 read kill\n" },
	/* actions of rules */
	{ "2\ndenylist\nmknod\nmknod kill\nmknod trap\nmknod allow\nmknod log\n",
	  "allow 3\n3 mknod kill\n4 mknod kill\n5 mknod trap\n6 mknod allow\n7 mknod log\n" },
	{ "2\ndenylist\nmknod errno 0\nmknod errno 1\nmknod errno 4095\n",
	  "allow 3\n3 mknod errno\n4 mknod errno(1)\n5 mknod errno(4095)\n" },
	{ "2\ndenylist\nmknod trace\nmknod trace 65535\nioctl notify\n",
	  "allow 3 notifies\n3 mknod trace\n4 mknod trace(65535)\n5 ioctl notify\n" },
	/* comments, blanks, ends of lines */
	{ "2\n# two\ndenylist\n", "allow 3\n" },
	{ "2\ndenylist\n# one\n  # two\n\n\nmknod # three\n\tmknod  kill\t#four\n#",
	  "allow 3\n7 mknod kill\n8 mknod kill\n" },
	{ "2\r\ndenylist\r\nmknod errno 1\r\n", "allow 3\n3 mknod errno(1)\n" },
	{ "2\ndenylist\nmknod", "allow 3\n3 mknod kill\n" },
	{ "\n2\n\ndenylist\n", "allow 3\n" },
	/* architectures: sections of others are read and left out, those of ours are for all */
	{ "2\ndenylist\nopen\n[x86]\nopen\n[X86_64]\nopen\n[x32]\nopen\n[all]\nopen\n",
	  "allow 3\n3 open kill\n5 open kill\n7 open kill\n9 open kill\n"
	  "11 open kill\n" },
	{ "2\ndenylist\n[ALL]\nopen\n[X86]\nopen\n[x86_64] # mine\nopen\n",
	  "allow 3\n4 open kill\n6 open kill\n8 open kill\n" },
	{ "2\ndenylist\n[arm]\nopen\n[ARM64]\nopen\n[ppc]\na\n[ppc64]\nb\n[ppc64le]\nc\n"
	  "[mips]\nd\n[mips64]\ne\n[mips64n32]\nf\n[mipsel]\ng\n[MIPSEL64]\nh\n"
	  "[mipsel64n32]\ni\n[s390]\nj\n[s390x]\nk\n[riscv64]\nl\n[all]\nread\n",
	  "allow 3\n32 read kill\n" },
	/* comparisons */
	{ "2\ndenylist\nioctl errno 1 [1,0x5412,SCMP_CMP_EQ]\n",
	  "allow 3\n3 ioctl errno(1) 1==5412\n" },
	{ "2\ndenylist\nioctl kill [0,1,SCMP_CMP_NE][1,2,SCMP_CMP_LT] [2,3,SCMP_CMP_LE]  "
	  "[3,4,SCMP_CMP_GE][4,5,SCMP_CMP_GT][5,6,SCMP_CMP_MASKED_EQ,7]\n",
	  "allow 3\n3 ioctl kill 0!=1 1<2 2<=3 3>=4 4>5 5&=6/7\n" },
	{ "2\ndenylist\nioctl kill [0,1,!=][1,2,<][2,3,<=][3,4,==][4,5,>=][5,6,>]\n"
	  "ioctl kill [0,0x10,&=,0XFF]\n",
	  "allow 3\n3 ioctl kill 0!=1 1<2 2<=3 3==4 4>=5 5>6\n4 ioctl kill 0&=10/ff\n" },
	{ "2\ndenylist\nioctl kill [ 0 , 010 , == ]\nioctl [0,18446744073709551615,==]\n"
	  "ioctl [0,0xFFFFFFFFFFFFFFFF,==]\nioctl [0,01777777777777777777777,==]\n",
	  "allow 3\n3 ioctl kill 0==8\n4 ioctl kill 0==ffffffffffffffff\n"
	  "5 ioctl kill 0==ffffffffffffffff\n6 ioctl kill 0==ffffffffffffffff\n" },
	/* a mask says nothing to the other operators */
	{ "2\ndenylist\nioctl kill [0,1,==,3]\n", "allow 3\n3 ioctl kill 0==1\n" },
	{ "2\ndenylist\nioctl[0,1,==]\nioctl notify[0,1,==]\n",
	  "allow 3 notifies\n3 ioctl kill 0==1\n4 ioctl notify 0==1\n" },
	/* words of their own */
	{ "2\ndenylist\nreject_force_umount\n", "allow 3\n3 umount2 errno(13) 1&=1/1\n" },
	{ "2\nallowlist\nreject_force_umount  # not recommended\n[x86]\nreject_force_umount",
	  "kill 3\n3 umount2 errno(13) 1&=1/1\n5 umount2 errno(13) 1&=1/1\n" },
	{ "2\ndenylist\ntry:brand_new errno 38\ntry: newer\n",
	  "allow 3\n3 try:brand_new errno(38)\n4 try:newer kill\n" },
	/* version 1 */
	{ "1\nallowlist\n0\n1\n435\n", "kill 1\n3 #0 allow\n4 #1 allow\n5 #435 allow\n" },
	{ "1\nwhitelist\n\n 7 # poll\n", "kill 1\n4 #7 allow\n" },
};

static int read_text(const char *text, size_t len, struct ct_arena *arena,
		     struct ct_filter_policy *p, struct ct_err *e)
{
	ct_err_clear(e);
	return ct_filter_read_lxc(text, len, "p", arena, p, e);
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(good); i++) {
		CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
		CT_CLEAN_BUF struct ct_buf out = CT_BUF_INIT;
		struct ct_filter_policy p;
		struct ct_err e;

		if (read_text(good[i].text, strlen(good[i].text), arena, &p, &e) < 0)
			fail_msg("row %zu: %s", i, e.message);
		assert_int_equal(p.foreign.verdict, CT_FILTER_KILL_THREAD);
		assert_int_equal(p.arch[0], seccomp_arch_native());
		print_policy(&out, &p);
		if (strcmp(ct_buf_text(&out), good[i].policy) != 0)
			fail_msg("row %zu is:\n%s", i, ct_buf_text(&out));
	}
}

#define ARG_FORM "a comparison has the form [INDEX,VALUE,OPERATOR] or [INDEX,VALUE,OPERATOR,MASK]"
#define VERSION_HINT \
	". Hint: the first line of a policy is 1 or 2; that of a profile in JSON begins with \"{\""

static const struct {
	const char *text, *message;
} bad[] = {
	{ "", "p: this is no policy of a known version" VERSION_HINT },
	{ "#\n\n", "p:2: this is no policy of a known version" VERSION_HINT },
	{ "3\n", "p:1: \"3\": this is no policy of a known version" VERSION_HINT },
	{ "2 denylist\n",
	  "p:1: \"2 denylist\": this is no policy of a known version" VERSION_HINT },
	{ "2", "p:1: the policy ends before its second line" },
	{ "2\n\n", "p:2: the policy ends before its second line" },
	{ "2\nallowlst\n", "p:2: \"allowlst\": the line must be allowlist or denylist. "
			   "Hint: did you mean \"allowlist\"?" },
	{ "2\nread\n", "p:2: \"read\": the line must be allowlist or denylist" },
	{ "2\nallowlist debug\n", "p:2: \"debug\": a policy cannot be debugged" },
	{ "2\nallowlist erno 1\n", "p:2: \"erno\": unknown action. Hint: did you mean \"errno\"?" },
	{ "2\nallowlist errno\n", "p:2: \"errno\": the action needs a number" },
	{ "2\nallowlist kill 7\n", "p:2: \"7\": nothing may follow the action" },
	{ "2\nallowlist errno 1 [0,1,==]\n", "p:2: \"[0,1,==]\": nothing may follow the action" },
	/* version 1 */
	{ "1\ndenylist\n", "p:2: \"denylist\": a policy of version 1 is an allowlist without an "
			   "action" },
	{ "1\nallowlist trap\n", "p:2: \"allowlist\": a policy of version 1 is an allowlist "
				 "without an action" },
	{ "1\nallowlist\nread\n",
	  "p:3: \"read\": a rule of version 1 is the number of a system call" },
	{ "1\nallowlist\n0\n-1\n",
	  "p:4: \"-1\": a rule of version 1 is the number of a system call" },
	{ "1\nallowlist\n1073741824\n",
	  "p:3: \"1073741824\": a rule of version 1 is the number of a system call" },
	{ "1\nallowlist\n00000000000000000000000000000000000000000000000000000000000000000\n",
	  "p:3: \"00000000000000000000000000000000000000000000000000000000000000000\": "
	  "a rule of version 1 is the number of a system call" },
	{ "1\nallowlist\n1 2\n",
	  "p:3: \"1 2\": a rule of version 1 is the number of a system call" },
	{ "1\nallowlist\n[all]\n",
	  "p:3: \"[all]\": a rule of version 1 is the number of a system call" },
	/* names and actions of rules */
	{ "2\ndenylist\n\nRead\n", "p:4: \"Read\": a rule begins with the name of a system call" },
	{ "2\ndenylist\ntry:\n", "p:3: a rule begins with the name of a system call" },
	{ "2\ndenylist\nre-ad kill\n",
	  "p:3: \"re-ad kill\": a rule begins with the name of a system call" },
	{ "2\ndenylist\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	  "p:3: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": "
	  "a rule begins with the name of a system call" },
	{ "2\ndenylist\nread\nread kil\n",
	  "p:4: \"kil\": unknown action. Hint: did you mean \"kill\"?" },
	{ "2\ndenylist\nread xyzzy\n", "p:3: \"xyzzy\": unknown action" },
	{ "2\ndenylist\nread errno\n", "p:3: \"errno\": the action needs a number" },
	{ "2\ndenylist\nread errno [0,1,==]\n", "p:3: \"errno\": the action needs a number" },
	{ "2\ndenylist\nread errno x\n",
	  "p:3: \"x\": not a number that this action takes. Hint: a number of 0 to 4095" },
	{ "2\ndenylist\nread errno -1\n",
	  "p:3: \"-1\": not a number that this action takes. Hint: a number of 0 to 4095" },
	{ "2\ndenylist\nread errno 4096\n",
	  "p:3: \"4096\": not a number that this action takes. Hint: a number of 0 to 4095" },
	{ "2\ndenylist\nread trace 65536\n",
	  "p:3: \"65536\": not a number that this action takes. Hint: a number of 0 to 65535" },
	{ "2\ndenylist\nread kill 1\n",
	  "p:3: \"1\": only comparisons in brackets may follow here" },
	{ "2\ndenylist\nreject_force_umount kill\n",
	  "p:3: \"kill\": nothing may follow reject_force_umount" },
	/* sections */
	{ "2\ndenylist\n[x87]\n",
	  "p:3: \"x87\": unknown architecture. Hint: did you mean \"x86\"?" },
	{ "2\ndenylist\n[x86\n", "p:3: \"[x86\": a section has the form [ARCHITECTURE]" },
	{ "2\ndenylist\n[x86] read\n",
	  "p:3: \"[x86] read\": a section has the form [ARCHITECTURE]" },
	{ "2\ndenylist\n[]\n", "p:3: unknown architecture" },
	/* sections of other machines are read, too */
	{ "2\ndenylist\n[arm]\nread kil\n",
	  "p:4: \"kil\": unknown action. Hint: did you mean \"kill\"?" },
	/* comparisons */
	{ "2\ndenylist\nread kill [0,1,==\n", "p:3: \"[0,1,==\": the bracket is not closed" },
	{ "2\ndenylist\nread kill [0,1]\n", "p:3: \"0\": " ARG_FORM },
	{ "2\ndenylist\nread kill []\n", "p:3: " ARG_FORM },
	{ "2\ndenylist\nread kill [0,1,==,2,3]\n", "p:3: \"0\": " ARG_FORM },
	{ "2\ndenylist\nread kill [0,1,==] x\n",
	  "p:3: \"x\": only comparisons in brackets may follow here" },
	{ "2\ndenylist\nread kill [6,1,==]\n",
	  "p:3: \"6\": system calls have the arguments 0 to 5" },
	{ "2\ndenylist\nread kill [-1,1,==]\n",
	  "p:3: \"-1\": system calls have the arguments 0 to 5" },
	{ "2\ndenylist\nread kill [0,,==]\n", "p:3: not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,0x,==]\n", "p:3: \"0x\": not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,08,==]\n", "p:3: \"08\": not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,12f,==]\n", "p:3: \"12f\": not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,18446744073709551616,==]\n",
	  "p:3: \"18446744073709551616\": not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,0x10000000000000000,==]\n",
	  "p:3: \"0x10000000000000000\": not a value of 64 bits" },
	{ "2\ndenylist\nread kill [0,1,=]\n", "p:3: \"=\": unknown operator" },
	{ "2\ndenylist\nread kill [0,1,SCMP_CMP_EG]\n",
	  "p:3: \"SCMP_CMP_EG\": unknown operator. Hint: did you mean \"SCMP_CMP_EQ\"?" },
	{ "2\ndenylist\nread kill [0,1,&=]\n",
	  "p:3: \"&=\": this operator needs a mask behind it" },
	{ "2\ndenylist\nread kill [0,1,&=,z]\n", "p:3: \"z\": not a mask of 64 bits" },
	{ "2\ndenylist\nread kill [0,1,==][0,1,==][0,1,==][0,1,==][0,1,==][0,1,==][0,1,==]\n",
	  "p:3: \"[0,1,==]\": a rule has at most 6 comparisons" },
};

/* The form of a message is "FILE:LINE: ..."; nothing is given of a text that is wrong. */
static void check_bad(const char *text, size_t len, int err, const char *message)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_filter_policy p = { .n_rules = 4711 };
	struct ct_err e;

	if (read_text(text, len, arena, &p, &e) != err || e.err != err)
		fail_msg("\"%s\" is read, or gives %s", text, e.message);
	assert_string_equal(e.message, message);
	assert_int_equal(e.id, CT_ERR_FILTER);
	assert_int_equal(p.n_rules, 4711);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(bad); i++)
		check_bad(bad[i].text, strlen(bad[i].text), -EINVAL, bad[i].message);
	check_bad("2\ndenylist\nre\0ad\n", 17, -EINVAL, "p:3: the line holds a zero byte");
}

/* Lengths: of a line, of the file, of the list of rules. */
static void test_large(void **state)
{
	static char text[CT_FILTER_FILE_MAX + 1];
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf many = CT_BUF_INIT;
	struct ct_filter_policy p;
	struct ct_err e;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "2\ndenylist\n", 11);
	check_bad(text, 11 + 1024, -EINVAL, "p:3: the line is longer than 1023 bytes");
	assert_int_equal(read_text(text, 11 + 1023, arena, &p, &e), 0);
	memset(text + 11, '\n', sizeof(text) - 11);
	assert_int_equal(read_text(text, CT_FILTER_FILE_MAX, arena, &p, &e), 0);
	check_bad(text, sizeof(text), -E2BIG, "p: the policy is larger than 1 MiB");
	ct_buf_str(&many, "2\ndenylist\n");
	for (unsigned i = 0; i < CT_FILTER_RULES_MAX; i++)
		ct_buf_str(&many, "read\n");
	assert_int_equal(read_text(many.data, many.len, arena, &p, &e), 0);
	assert_int_equal(p.n_rules, CT_FILTER_RULES_MAX);
	assert_int_equal(p.rule[CT_FILTER_RULES_MAX - 1].line, CT_FILTER_RULES_MAX + 2);
	ct_buf_str(&many, "read\n");
	check_bad(many.data, many.len, -E2BIG, "p:8195: the policy has more than 8192 rules");
}

/* Either form is found by its first character. */
static void test_form(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	static const struct ct_filter_facts facts = { .kernel_major = 6 };
	static const char lxc[] = "\n2\ndenylist\n", json[] = " \n\t{";
	struct ct_filter_policy p;
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_filter_read(lxc, strlen(lxc), "p", &facts, arena, &p, &e), 0);
	assert_true(ct_filter_read(json, strlen(json), "p", &facts, arena, &p, &e) < 0);
	assert_null(strstr(e.message, "no policy of a known version"));
	ct_err_clear(&e);
	assert_int_equal(ct_filter_read(" \n", 2, "p", &facts, arena, &p, &e), -EINVAL);
	assert_non_null(strstr(e.message, "no policy of a known version"));
}

/* LXC's own policy, where the package is installed, reads and compiles. */
static void test_common(void **state)
{
	int fd = open("/usr/share/lxc/config/common.seccomp", O_RDONLY | O_CLOEXEC);
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, program = CT_BUF_INIT;
	struct ct_filter_policy p;
	struct ct_err e;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(ct_buf_read_fd(&text, fd, 1 << 20), 0);
	close(fd);
	assert_int_equal(read_text(text.data, text.len, arena, &p, &e), 0);
	assert_int_equal(p.otherwise.verdict, CT_FILTER_ALLOW);
	assert_true(p.n_rules >= 6);
	if (ct_filter_compile(&p, "p", &program, &e) < 0)
		fail_msg("%s", e.message);
	assert_true(program.len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_large),  cmocka_unit_test(test_form),
		cmocka_unit_test(test_common),
	};

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
