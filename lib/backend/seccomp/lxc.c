/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of LXC's policy files. Line 1 is the version, line 2 the kind of list with the action
 * for calls that no rule names. Version 1 then has a number of an allowed call on each line,
 * version 2 rules:
 *
 *   [ARCHITECTURE]
 *   [try:] NAME [ACTION] [[INDEX,VALUE,OPERATOR[,MASK]]...]
 *   reject_force_umount
 *
 * Rules hold for all architectures that this machine runs, those of a section, too, if it is one of
 * them; else they are left out. "#" begins a comment. `try:` and comments behind a rule of version
 * 1 are ours. Sources: lxc.container.conf(5), LXC's examples and the forms that its reader takes.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include <seccomp.h>

#include "base/near.h"
#include "base/num.h"
#include "base/origin.h"
#include "backend/seccomp/policy.h"

#define LINE_MAX_BYTES 1024
#define NR_MAX 0x3fffffff /* above it is x32 */
#define ERRNO_MAX 4095	  /* what a system call can return */

struct reader {
	const char *text, *end; /* what is left of the file */
	const char *file;
	uint32_t line;
	struct ct_arena *arena;
	struct ct_filter_policy *p;
	struct ct_filter_action act; /* of rules that name none */
	bool skip;		     /* the section is for other machines */
	struct ct_err *e;
};

static int fail(const struct reader *r, int err, const char *object, const char *reason)
{
	struct ct_origin at = { NULL, r->file, (int)r->line };

	ct_err_origin(r->e, &at);
	ct_err_object(r->e, object);
	return ct_fail(r->e, err, CT_ERR_FILTER, "seccomp", "%s", reason);
}

static int refuse(const struct reader *r, const char *object, const char *reason)
{
	return fail(r, -EINVAL, object, reason);
}

/* For a name that no table has. */
static int refuse_name(const struct reader *r, const struct ct_near *near, const char *reason)
{
	if (near->best)
		ct_err_hint(r->e, "did you mean \"%s\"?", near->best);
	return refuse(r, near->name, reason);
}

/* The next line, without comment and blanks at its ends, in buf. 1; 0 at the end. */
static int next_line(struct reader *r, char *buf)
{
	const char *start = r->text, *stop, *hash;
	size_t n = (size_t)(r->end - start);

	if (!n)
		return 0;
	r->line++;
	stop = memchr(start, '\n', n);
	r->text = r->end;
	if (stop) {
		n = (size_t)(stop - start);
		r->text = stop + 1;
	}
	if (memchr(start, '\0', n))
		return refuse(r, NULL, "the line holds a zero byte");
	hash = memchr(start, '#', n);
	if (hash)
		n = (size_t)(hash - start);
	if (n >= LINE_MAX_BYTES)
		return refuse(r, NULL, "the line is longer than 1023 bytes");
	memcpy(buf, start, n);
	while (n && strchr(" \t\r", buf[n - 1]))
		n--;
	buf[n] = '\0';
	n = strspn(buf, " \t");
	memmove(buf, buf + n, strlen(buf + n) + 1);
	return 1;
}

/* The next line that is not empty. */
static int next_filled(struct reader *r, char *buf)
{
	int n;

	do
		n = next_line(r, buf);
	while (n == 1 && !*buf);
	return n;
}

/* A number that is all of s. */
static bool digits(const char *s, unsigned base, uint64_t *out)
{
	static const char known[] = "0123456789abcdef0123456789ABCDEF";
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		const char *at = strchr(known, *s);
		unsigned d = 16;

		if (at)
			d = (unsigned)(at - known) % 16;
		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

/* An unsigned number as C writes it: decimal, octal or hexadecimal. */
static bool number(const char *s, uint64_t *out)
{
	if (s[0] != '0')
		return digits(s, 10, out);
	if (s[1] == 'x' || s[1] == 'X')
		return digits(s + 2, 16, out);
	return digits(s, 8, out);
}

/* Actions by name. `most`: the largest number that may follow, `need`: that it must. */
static const struct action {
	const char *name;
	uint8_t verdict;
	bool need;
	uint16_t most;
} actions[] = {
	{ "allow", CT_FILTER_ALLOW, false, 0 },
	{ "errno", CT_FILTER_ERRNO, true, ERRNO_MAX },
	{ "kill", CT_FILTER_KILL_THREAD, false, 0 },
	{ "log", CT_FILTER_LOG, false, 0 },
	{ "notify", CT_FILTER_NOTIFY, false, 0 },
	{ "trace", CT_FILTER_TRACE, false, UINT16_MAX },
	{ "trap", CT_FILTER_TRAP, false, 0 },
};

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct action *find_action(const struct reader *r, const char *name)
{
	struct ct_near near = { .name = name };

	for (size_t i = 0; i < N_ROWS(actions); i++) {
		if (!strcmp(name, actions[i].name))
			return &actions[i];
		ct_near_try(&near, actions[i].name);
	}
	refuse_name(r, &near, "unknown action");
	return NULL;
}

/* An action with its number, from the words at *rest; `act` stays as it is when there is none. */
static int read_action(const struct reader *r, char **rest, struct ct_filter_action *act)
{
	char name[LINE_MAX_BYTES], *start = *rest;
	const struct action *a;
	uint64_t data = 0;
	size_t n = strcspn(start, " \t[");

	if (!n)
		return 0;
	memcpy(name, start, n);
	name[n] = '\0';
	*rest = start + n + strspn(start + n, " \t");
	a = find_action(r, name);
	if (!a)
		return -EINVAL;
	n = strcspn(*rest, " \t[");
	if (n && a->most) {
		memcpy(name, *rest, n);
		name[n] = '\0';
		*rest += n + strspn(*rest + n, " \t");
		if (ct_parse_u64(name, &data) < 0 || data > a->most) {
			ct_err_hint(r->e, "a number of 0 to %u", a->most);
			return refuse(r, name, "not a number that this action takes");
		}
	} else if (a->need) {
		return refuse(r, name, "the action needs a number");
	}
	*act = (struct ct_filter_action){ a->verdict, (uint16_t)data };
	return 0;
}

static const struct {
	const char *name, *sign;
	uint8_t op;
} ops[] = {
	{ "SCMP_CMP_NE", "!=", CT_FILTER_NE },
	{ "SCMP_CMP_LT", "<", CT_FILTER_LT },
	{ "SCMP_CMP_LE", "<=", CT_FILTER_LE },
	{ "SCMP_CMP_EQ", "==", CT_FILTER_EQ },
	{ "SCMP_CMP_GE", ">=", CT_FILTER_GE },
	{ "SCMP_CMP_GT", ">", CT_FILTER_GT },
	{ "SCMP_CMP_MASKED_EQ", "&=", CT_FILTER_MASKED_EQ },
};

static int read_op(const struct reader *r, const char *s, uint8_t *op)
{
	struct ct_near near = { .name = s };

	for (size_t i = 0; i < N_ROWS(ops); i++) {
		if (!strcmp(s, ops[i].name) || !strcmp(s, ops[i].sign)) {
			*op = ops[i].op;
			return 0;
		}
		ct_near_try(&near, ops[i].name);
	}
	return refuse_name(r, &near, "unknown operator");
}

/* Cuts the next field off a comparison, at its comma; NULL when there is none. */
static char *field(char **rest)
{
	char *start = *rest, *end;

	if (!start)
		return NULL;
	start += strspn(start, " \t");
	end = strchrnul(start, ',');
	*rest = NULL;
	if (*end)
		*rest = end + 1;
	while (end > start && strchr(" \t", end[-1]))
		end--;
	*end = '\0';
	return start;
}

/* What stands between the brackets. */
static int read_arg(const struct reader *r, char *s, struct ct_filter_arg *out)
{
	char *index = field(&s), *value = field(&s), *op = field(&s), *mask = field(&s);
	uint64_t i;
	int n;

	if (!op || s)
		return refuse(r, index,
			      "a comparison has the form [INDEX,VALUE,OPERATOR] or "
			      "[INDEX,VALUE,OPERATOR,MASK]");
	if (!number(index, &i) || i >= CT_FILTER_ARGS)
		return refuse(r, index, "system calls have the arguments 0 to 5");
	out->index = (uint8_t)i;
	if (!number(value, &out->value))
		return refuse(r, value, "not a value of 64 bits");
	n = read_op(r, op, &out->op);
	if (n < 0)
		return n;
	if (mask && !number(mask, &out->mask))
		return refuse(r, mask, "not a mask of 64 bits");
	if (!mask && out->op == CT_FILTER_MASKED_EQ)
		return refuse(r, op, "this operator needs a mask behind it");
	return 0;
}

/* All comparisons of a rule. */
static int read_args(const struct reader *r, char *s, struct ct_filter_rule *rule)
{
	while (*s) {
		char *close = strchr(s, ']');
		int n;

		if (*s != '[')
			return refuse(r, s, "only comparisons in brackets may follow here");
		if (!close)
			return refuse(r, s, "the bracket is not closed");
		if (rule->n_args == CT_FILTER_ARGS)
			return refuse(r, s, "a rule has at most 6 comparisons");
		*close = '\0';
		n = read_arg(r, s + 1, &rule->arg[rule->n_args]);
		if (n < 0)
			return n;
		rule->n_args++;
		s = close + 1 + strspn(close + 1, " \t");
	}
	return 0;
}

static int add(const struct reader *r, struct ct_filter_rule *rule)
{
	rule->line = r->line;
	if (r->skip || ct_filter_add(r->p, r->arena, rule))
		return 0;
	if (r->p->n_rules < CT_FILTER_RULES_MAX)
		return ct_oom(r->e);
	return fail(r, -E2BIG, NULL, "the policy has more than 8192 rules");
}

static int add_reject_force_umount(const struct reader *r, const char *rest)
{
	struct ct_filter_rule rule = {
		.name = "umount2",
		.action = { CT_FILTER_ERRNO, EACCES },
		.n_args = 1,
		.arg = { { .index = 1,
			   .op = CT_FILTER_MASKED_EQ,
			   .value = MNT_FORCE,
			   .mask = MNT_FORCE } },
	};

	if (*rest)
		return refuse(r, rest, "nothing may follow reject_force_umount");
	return add(r, &rule);
}

static int read_rule(const struct reader *r, char *line)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	struct ct_filter_rule rule = { .action = r->act };
	char name[CT_NEAR_MAX + 1];
	char *rest;
	size_t len;
	int n;

	if (!strncmp(line, "try:", 4)) {
		rule.may_be_new = true;
		line += 4 + strspn(line + 4, " \t");
	}
	len = strcspn(line, " \t[");
	if (!len || len > CT_NEAR_MAX || strspn(line, letters) < len)
		return refuse(r, line, "a rule begins with the name of a system call");
	memcpy(name, line, len);
	name[len] = '\0';
	rest = line + len + strspn(line + len, " \t");
	if (!strcmp(name, "reject_force_umount"))
		return add_reject_force_umount(r, rest);
	n = read_action(r, &rest, &rule.action);
	if (n < 0)
		return n;
	n = read_args(r, rest, &rule);
	if (n < 0)
		return n;
	rule.name = name;
	return add(r, &rule);
}

/* Architectures by the names of their sections, and what else runs on a machine of each, as LXC
 * has it. */
static const struct arch {
	const char *name, *large;
	uint32_t token;
	uint32_t also[2];
} archs[] = {
	{ "all", "ALL", 0, { 0 } },
	{ "x86", "X86", SCMP_ARCH_X86, { 0 } },
	{ "x32", "X32", SCMP_ARCH_X32, { 0 } },
	{ "x86_64", "X86_64", SCMP_ARCH_X86_64, { SCMP_ARCH_X86, SCMP_ARCH_X32 } },
	{ "arm", "ARM", SCMP_ARCH_ARM, { 0 } },
	{ "arm64", "ARM64", SCMP_ARCH_AARCH64, { SCMP_ARCH_ARM } },
	{ "ppc", "PPC", SCMP_ARCH_PPC, { 0 } },
	{ "ppc64", "PPC64", SCMP_ARCH_PPC64, { SCMP_ARCH_PPC } },
	{ "ppc64le", "PPC64LE", SCMP_ARCH_PPC64LE, { 0 } },
	{ "mips", "MIPS", SCMP_ARCH_MIPS, { 0 } },
	{ "mips64", "MIPS64", SCMP_ARCH_MIPS64, { SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32 } },
	{ "mips64n32", "MIPS64N32", SCMP_ARCH_MIPS64N32, { 0 } },
	{ "mipsel", "MIPSEL", SCMP_ARCH_MIPSEL, { 0 } },
	{ "mipsel64", "MIPSEL64", SCMP_ARCH_MIPSEL64, { SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32 } },
	{ "mipsel64n32", "MIPSEL64N32", SCMP_ARCH_MIPSEL64N32, { 0 } },
	{ "s390", "S390", SCMP_ARCH_S390, { 0 } },
	{ "s390x", "S390X", SCMP_ARCH_S390X, { 0 } },
	{ "riscv64", "RISCV64", SCMP_ARCH_RISCV64, { 0 } },
};

/* This machine's, and with `all` those that it also runs. */
static void add_archs(struct ct_filter_policy *p, bool all)
{
	uint32_t native = seccomp_arch_native();

	ct_filter_add_arch(p, native);
	for (size_t i = 0; all && i < N_ROWS(archs); i++) {
		const struct arch *a = &archs[i];

		for (size_t k = 0; a->token == native && k < N_ROWS(a->also); k++)
			if (a->also[k])
				ct_filter_add_arch(p, a->also[k]);
	}
}

static bool has_arch(const struct ct_filter_policy *p, uint32_t token)
{
	for (uint32_t i = 0; i < p->n_archs; i++)
		if (p->arch[i] == token)
			return true;
	return false;
}

static int read_section(struct reader *r, char *line)
{
	char *name = line + 1, *close = strchr(line, ']');
	struct ct_near near = { .name = name };

	if (!close || close[1])
		return refuse(r, line, "a section has the form [ARCHITECTURE]");
	*close = '\0';
	for (size_t i = 0; i < N_ROWS(archs); i++) {
		const struct arch *a = &archs[i];

		if (!strcmp(name, a->name) || !strcmp(name, a->large)) {
			r->skip = a->token && !has_arch(r->p, a->token);
			return 0;
		}
		ct_near_try(&near, a->name);
	}
	return refuse_name(r, &near, "unknown architecture");
}

static int read_number(const struct reader *r, const char *line)
{
	struct ct_filter_rule rule = { .name = line, .action = r->act, .numbered = true };
	uint64_t nr;

	if (strlen(line) > CT_NEAR_MAX || ct_parse_u64(line, &nr) < 0 || nr > NR_MAX)
		return refuse(r, line, "a rule of version 1 is the number of a system call");
	return add(r, &rule);
}

/* The kinds of lists: what is done with calls that no rule names, and with those that one names
 * without an action. */
static const struct {
	const char *name;
	uint8_t otherwise, named;
} lists[] = {
	{ "allowlist", CT_FILTER_KILL_THREAD, CT_FILTER_ALLOW },
	{ "denylist", CT_FILTER_ALLOW, CT_FILTER_KILL_THREAD },
	{ "whitelist", CT_FILTER_KILL_THREAD, CT_FILTER_ALLOW },
	{ "blacklist", CT_FILTER_ALLOW, CT_FILTER_KILL_THREAD },
};

static int read_list(struct reader *r, char *line, bool v1)
{
	struct ct_near near = { .name = line };
	char *rest = line + strcspn(line, " \t");
	size_t i = 0;
	int n;

	if (*rest) {
		*rest++ = '\0';
		rest += strspn(rest, " \t");
	}
	while (i < N_ROWS(lists) && strcmp(line, lists[i].name) != 0)
		ct_near_try(&near, lists[i++].name);
	if (i == N_ROWS(lists))
		return refuse_name(r, &near, "the line must be allowlist or denylist");
	if (v1 && (lists[i].named != CT_FILTER_ALLOW || *rest))
		return refuse(r, line, "a policy of version 1 is an allowlist without an action");
	r->act.verdict = lists[i].named;
	r->p->otherwise.verdict = lists[i].otherwise;
	if (!strcmp(rest, "debug"))
		return refuse(r, rest, "a policy cannot be debugged");
	n = read_action(r, &rest, &r->p->otherwise);
	if (n < 0)
		return n;
	if (*rest)
		return refuse(r, rest, "nothing may follow the action");
	r->p->notifies |= r->p->otherwise.verdict == CT_FILTER_NOTIFY;
	return 0;
}

/* Version and list. */
static int read_head(struct reader *r, char *line, bool *v1)
{
	int n = next_filled(r, line);

	if (n < 0)
		return n;
	*v1 = !strcmp(line, "1");
	if (!n || (!*v1 && strcmp(line, "2") != 0)) {
		ct_err_hint(r->e, "the first line of a policy is 1 or 2; that of a profile in JSON "
				  "begins with \"{\"");
		return refuse(r, n ? line : NULL, "this is no policy of a known version");
	}
	n = next_filled(r, line);
	if (n < 0)
		return n;
	if (!n)
		return refuse(r, NULL, "the policy ends before its second line");
	add_archs(r->p, !*v1);
	return read_list(r, line, *v1);
}

/* Reads a policy in one of LXC's forms. */
int ct_filter_read_lxc(const char *text, size_t len, const char *file, struct ct_arena *arena,
		       struct ct_filter_policy *out, struct ct_err *e)
{
	struct ct_filter_policy p = { .foreign = { .verdict = CT_FILTER_KILL_THREAD } };
	struct reader r = {
		.text = text,
		.end = text + len,
		.file = file,
		.arena = arena,
		.p = &p,
		.e = e,
	};
	char line[LINE_MAX_BYTES];
	bool v1 = false;
	int n;

	if (len > CT_FILTER_FILE_MAX)
		return fail(&r, -E2BIG, NULL, "the policy is larger than 1 MiB");
	n = read_head(&r, line, &v1);
	while (n >= 0 && (n = next_filled(&r, line)) == 1) {
		if (v1)
			n = read_number(&r, line);
		else if (*line == '[')
			n = read_section(&r, line);
		else
			n = read_rule(&r, line);
	}
	if (n < 0)
		return n;
	*out = p;
	return 0;
}
