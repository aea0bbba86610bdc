/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies in JSON, as OCI's run-time specification (config-linux, "Seccomp") and Docker have them;
 * Docker's form adds archMap, name, includes and excludes, that of containers-common adds the names
 * of errnos. Whatever the facts, all of a text is checked.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "backend/seccomp/json-text.h"
#include "backend/seccomp/policy.h"
#include "base/near.h"
#include "base/num.h"
#include "base/origin.h"

#define N(table) (sizeof(table) / sizeof(*(table)))
#define NAME_MAX_LEN 64
#define ARGS_MAX 32	/* comparisons of one rule; more than six are alternatives */
#define ERRNO_MAX 4095	/* the kernel's MAX_ERRNO */
#define TRACE_MAX 65535 /* what a tracer can be told */

struct reader {
	const char *file;
	const struct ct_filter_facts *facts;
	struct ct_arena *arena;
	struct ct_filter_policy *out;
	struct ct_err *e;
	/* where the value that is read stands: "syscalls[3].args[0].op" */
	char path[200];
	size_t n_path;
	uint32_t line; /* the last that was known */
};

/* ---- places and faults ----------------------------------------------------------------------- */

/* Into a member or an item; what it returns is for leave(). */
__attribute__((format(printf, 3, 4))) static size_t enter(struct reader *r, struct json_object *v,
							  const char *fmt, ...)
{
	size_t before = r->n_path, room = sizeof(r->path) - before;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->path + before, room, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < room)
		r->n_path += (size_t)n;
	else if (n > 0)
		r->n_path = sizeof(r->path) - 1;
	if (ct_json_line(v))
		r->line = ct_json_line(v);
	return before;
}

static size_t enter_member(struct reader *r, struct json_object *v, const char *name)
{
	return enter(r, v, "%s%s", r->n_path ? "." : "", name);
}

static size_t enter_item(struct reader *r, struct json_object *v, size_t i)
{
	return enter(r, v, "[%zu]", i);
}

static void leave(struct reader *r, size_t before)
{
	r->n_path = before;
	r->path[before] = 0;
}

/* The value that was entered last is wrong. */
__attribute__((format(printf, 3, 4))) static int fault(struct reader *r, int err, const char *fmt,
						       ...)
{
	va_list ap;

	if (r->n_path)
		ct_err_object(r->e, r->path);
	va_start(ap, fmt);
	err = ct_json_fail(r->e, r->file, r->line, err, fmt, ap);
	va_end(ap);
	return err;
}

static int did_you_mean(struct reader *r, const struct ct_near *near, int err)
{
	if (near->best)
		ct_err_hint(r->e, "did you mean %s?", near->best);
	return err;
}

/* ---- members of objects ---------------------------------------------------------------------- */

/* A member that an object may have. */
struct member {
	const char *name;
	enum json_type type;
	bool required;
};

static const char *type_name(enum json_type type)
{
	static const char *const names[] = {
		[json_type_null] = "null",	   [json_type_boolean] = "true or false",
		[json_type_double] = "a fraction", [json_type_int] = "a number",
		[json_type_object] = "an object",  [json_type_array] = "a list",
		[json_type_string] = "a string",
	};

	return names[type];
}

/* Whether a value has the type that it must have; null has none. */
static int check_type(struct reader *r, struct json_object *v, enum json_type type)
{
	if (json_object_is_type(v, type))
		return 0;
	return fault(r, -EINVAL, "this is %s and should be %s", type_name(json_object_get_type(v)),
		     type_name(type));
}

/* The row of this name; NULL with a recorded fault. */
static const struct member *find_member(struct reader *r, const char *name,
					const struct member *rows, size_t n)
{
	struct ct_near near = { .name = name };

	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	for (size_t i = 0; i < n; i++)
		ct_near_try(&near, rows[i].name);
	did_you_mean(r, &near, fault(r, -EINVAL, "there is no such member here"));
	return NULL;
}

/* Takes an object apart: slot[i] is the member of row i, NULL when it is missing or null. */
static int members(struct reader *r, struct json_object *v, const struct member *rows, size_t n,
		   struct json_object **slot)
{
	struct json_object_iterator it = json_object_iter_begin(v), end = json_object_iter_end(v);
	int f;

	memset(slot, 0, n * sizeof(*slot));
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *name = json_object_iter_peek_name(&it);
		struct json_object *value = json_object_iter_peek_value(&it);
		size_t before = enter_member(r, value, name);
		const struct member *row = find_member(r, name, rows, n);

		if (!row)
			return -EINVAL;
		if (value) {
			f = check_type(r, value, row->type);
			if (f < 0)
				return f;
		}
		slot[row - rows] = value;
		leave(r, before);
	}
	for (size_t i = 0; i < n; i++) {
		if (rows[i].required && !slot[i]) {
			r->line = ct_json_line(v);
			return fault(r, -EINVAL, "the member %s is missing", rows[i].name);
		}
	}
	return 0;
}

/* Calls `read` for each item of a list, all of one type. `v` may be NULL: an empty list. */
static int items(struct reader *r, struct json_object *v, const char *name, enum json_type type,
		 int (*read)(struct reader *r, struct json_object *item, void *to), void *to)
{
	size_t n = v ? json_object_array_length(v) : 0, outer;
	int f;

	if (!v)
		return 0;
	outer = enter_member(r, v, name);
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		size_t before = enter_item(r, item, i);

		f = check_type(r, item, type);
		if (f == 0)
			f = read(r, item, to);
		if (f < 0)
			return f;
		leave(r, before);
	}
	leave(r, outer);
	return 0;
}

/* A number from 0 to max. */
static int number(struct reader *r, struct json_object *v, const char *name, uint64_t max,
		  uint64_t *out)
{
	size_t before = enter_member(r, v, name);
	uint64_t value = json_object_get_uint64(v);

	if (json_object_get_int64(v) < 0)
		return fault(r, -EINVAL, "a number should not be negative here");
	if (value > max)
		return fault(r, -EINVAL, "%llu is more than %llu", (unsigned long long)value,
			     (unsigned long long)max);
	leave(r, before);
	*out = value;
	return 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

struct word {
	const char *name;
	uint8_t value;
};

/* The value of one of the words, which are `what`. */
static int find_word(struct reader *r, struct json_object *v, const struct word *words, size_t n,
		     const char *what, uint8_t *out)
{
	const char *name = json_object_get_string(v);
	struct ct_near near = { .name = name };

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i].name, name)) {
			*out = words[i].value;
			return 0;
		}
	}
	for (size_t i = 0; i < n; i++)
		ct_near_try(&near, words[i].name);
	return did_you_mean(r, &near, fault(r, -EINVAL, "%.80s is no %s", name, what));
}

/* Whether a string is a name of such characters and of a length that any name has. */
static bool is_name(const char *s, const char *letters)
{
	size_t n = strlen(s);

	return n > 0 && n <= NAME_MAX_LEN && strspn(s, letters) == n;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---- architectures --------------------------------------------------------------------------- */

#define ARCH_PREFIX "SCMP_ARCH_"

/* By libseccomp's name ("x86_64"), 0 when it knows none. */
static uint32_t arch_of(const char *name)
{
	return seccomp_arch_resolve_name(name);
}

/* Only for hints: libseccomp decides. */
static const char *const arch_names[] = {
	"SCMP_ARCH_NATIVE",    "SCMP_ARCH_X86",	    "SCMP_ARCH_X86_64",	  "SCMP_ARCH_X32",
	"SCMP_ARCH_ARM",       "SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",	  "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PPC",       "SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",
	"SCMP_ARCH_S390X",     "SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",
};

/* SCMP_ARCH_*; *out is 0 for one that libseccomp does not know. */
static int read_arch(struct reader *r, struct json_object *v, uint32_t *out)
{
	const char *name = json_object_get_string(v);
	char lower[NAME_MAX_LEN + 1] = "";
	size_t n = strlen(ARCH_PREFIX);

	*out = 0;
	if (!is_name(name, UPPER DIGITS "_") || strncmp(name, ARCH_PREFIX, n))
		return fault(r, -EINVAL,
			     "%.80s is no architecture: such names begin with " ARCH_PREFIX, name);
	if (!strcmp(name, ARCH_PREFIX "NATIVE")) {
		*out = seccomp_arch_native();
		return 0;
	}
	for (size_t i = 0; name[n + i]; i++) {
		lower[i] = name[n + i];
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] - 'A' + 'a');
	}
	*out = arch_of(lower);
	return 0;
}

/* An architecture more. */
static int add_arch(struct reader *r, struct json_object *v, void *unused)
{
	const char *name = json_object_get_string(v);
	struct ct_near near = { .name = name };
	uint32_t arch;
	int f = read_arch(r, v, &arch);

	(void)unused;
	if (f < 0)
		return f;
	if (!arch) {
		for (size_t i = 0; i < N(arch_names); i++)
			ct_near_try(&near, arch_names[i]);
		return did_you_mean(r, &near,
				    fault(r, -EINVAL, "libseccomp knows no architecture %.80s",
					  name));
	}
	if (!ct_filter_add_arch(r->out, arch))
		return fault(r, -E2BIG, "a policy has at most %zu architectures", N(r->out->arch));
	return 0;
}

/* One that is not this machine's: its name may be newer than libseccomp. */
static int check_arch(struct reader *r, struct json_object *v, void *unused)
{
	uint32_t arch;

	(void)unused;
	return read_arch(r, v, &arch);
}

/* One row of archMap. Of those for this machine's architecture the first counts. */
static int read_arch_row(struct reader *r, struct json_object *v, void *to)
{
	enum { ARCH, SUB, END };
	static const struct member rows[] = {
		[ARCH] = { "architecture", json_type_string, true },
		[SUB] = { "subArchitectures", json_type_array, false },
	};
	struct json_object *slot[END];
	bool *found = to, mine;
	size_t before;
	uint32_t arch;
	int f = members(r, v, rows, END, slot);

	if (f < 0)
		return f;
	before = enter_member(r, slot[ARCH], rows[ARCH].name);
	f = read_arch(r, slot[ARCH], &arch);
	if (f < 0)
		return f;
	leave(r, before);
	mine = arch == seccomp_arch_native() && !*found;
	*found |= mine;
	return items(r, slot[SUB], rows[SUB].name, json_type_string, mine ? add_arch : check_arch,
		     NULL);
}

/* ---- when a rule counts ---------------------------------------------------------------------- */

/* What the conditions of an includes or excludes come to; what is not asked for is "all", and is
 * not "any". */
struct when {
	bool any_cap, all_caps, arch_asked, arch_matches, kernel_asked, kernel_reached;
};

static int read_cap(struct reader *r, struct json_object *v, void *to)
{
	const char *name = json_object_get_string(v);
	struct when *w = to;
	cap_value_t cap;
	bool kept;

	if (!is_name(name, UPPER "_") || strncmp(name, "CAP_", 4) ||
	    cap_from_name(name, &cap) < 0 || cap < 0 || cap > 63) {
		ct_err_hint(r->e, "capabilities(7) has their names, such as CAP_SYS_ADMIN");
		return fault(r, -EINVAL, "%.80s is no capability", name);
	}
	kept = r->facts->caps >> cap & 1;
	w->any_cap |= kept;
	w->all_caps &= kept;
	return 0;
}

/* Docker's names are libseccomp's but for two. One that libseccomp does not know is that of some
 * other machine. */
static int read_when_arch(struct reader *r, struct json_object *v, void *to)
{
	static const struct {
		const char *docker, *other;
	} names[] = {
		{ "amd64", "x86_64" },
		{ "arm64", "aarch64" },
		{ "x86", "386" },
	};
	const char *name = json_object_get_string(v);
	struct when *w = to;

	if (!is_name(name, LOWER DIGITS "_"))
		return fault(r, -EINVAL, "%.80s is no architecture", name);
	for (size_t i = 0; i < N(names); i++) {
		if (!strcmp(names[i].other, name)) {
			ct_err_hint(r->e, "%s is meant here by %s", name, names[i].docker);
			return fault(r, -EINVAL, "%s is no name of an architecture here", name);
		}
	}
	w->arch_asked = true;
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(names[i].docker, name))
			name = names[i].other;
	w->arch_matches |= arch_of(name) == seccomp_arch_native();
	return 0;
}

/* "4.8" */
static int read_kernel(struct reader *r, struct json_object *v, struct when *w)
{
	const char *text = json_object_get_string(v), *dot = strchr(text, '.');
	char first[16] = "";
	uint32_t major, minor;

	if (dot && dot - text < (ptrdiff_t)sizeof(first))
		memcpy(first, text, (size_t)(dot - text));
	if (!dot || ct_parse_u32(first, &major) < 0 || ct_parse_u32(dot + 1, &minor) < 0)
		return fault(r, -EINVAL, "%.80s is no kernel's version such as 4.8", text);
	w->kernel_asked = true;
	w->kernel_reached = r->facts->kernel_major > major ||
			    (r->facts->kernel_major == major && r->facts->kernel_minor >= minor);
	return 0;
}

/* `v`: includes or excludes, NULL for none. */
static int read_when(struct reader *r, struct json_object *v, const char *name, struct when *w)
{
	enum { CAPS, ARCHES, KERNEL, END };
	static const struct member rows[] = {
		[CAPS] = { "caps", json_type_array, false },
		[ARCHES] = { "arches", json_type_array, false },
		[KERNEL] = { "minKernel", json_type_string, false },
	};
	struct json_object *slot[END];
	size_t outer, before;
	int f;

	*w = (struct when){ .all_caps = true };
	if (!v)
		return 0;
	outer = enter_member(r, v, name);
	f = members(r, v, rows, END, slot);
	if (f == 0)
		f = items(r, slot[CAPS], rows[CAPS].name, json_type_string, read_cap, w);
	if (f == 0)
		f = items(r, slot[ARCHES], rows[ARCHES].name, json_type_string, read_when_arch, w);
	if (f == 0 && slot[KERNEL] && *json_object_get_string(slot[KERNEL])) {
		before = enter_member(r, slot[KERNEL], rows[KERNEL].name);
		f = read_kernel(r, slot[KERNEL], w);
		if (f == 0)
			leave(r, before);
	}
	if (f == 0)
		leave(r, outer);
	return f;
}

static bool counts(const struct when *includes, const struct when *excludes)
{
	return !excludes->any_cap && !excludes->arch_matches && !excludes->kernel_reached &&
	       includes->all_caps && (!includes->arch_asked || includes->arch_matches) &&
	       (!includes->kernel_asked || includes->kernel_reached);
}

/* ---- actions --------------------------------------------------------------------------------- */

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", CT_FILTER_ALLOW },
	{ "SCMP_ACT_ERRNO", CT_FILTER_ERRNO },
	{ "SCMP_ACT_KILL", CT_FILTER_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", CT_FILTER_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", CT_FILTER_KILL_THREAD },
	{ "SCMP_ACT_LOG", CT_FILTER_LOG },
	{ "SCMP_ACT_NOTIFY", CT_FILTER_NOTIFY },
	{ "SCMP_ACT_TRACE", CT_FILTER_TRACE },
	{ "SCMP_ACT_TRAP", CT_FILTER_TRAP },
};

/* The errno by its name, or as decimal digits in a string. */
static int read_errno_name(struct reader *r, struct json_object *v, const char *member,
			   uint64_t max, uint64_t *out)
{
	size_t before = enter_member(r, v, member);
	const char *name = json_object_get_string(v);
	uint32_t value;

	if (ct_errno_number(name) >= 0) {
		*out = (uint64_t)ct_errno_number(name);
	} else if (ct_parse_u32(name, &value) == 0 && value <= max) {
		*out = value;
	} else {
		return fault(r, -EINVAL, "%.80s is no errno", name);
	}
	leave(r, before);
	return 0;
}

/* An action, and the errno that belongs to it: by its name, which is the same on all machines, or
 * else by its number. v[]: the three values, of which those of the errno may be NULL. */
static int read_action(struct reader *r, struct json_object *const v[3],
		       const struct member rows[3], struct ct_filter_action *out)
{
	bool named = v[2] && *json_object_get_string(v[2]);
	size_t before = enter_member(r, v[0], rows[0].name);
	uint64_t data = EPERM, max = ERRNO_MAX;
	int f = find_word(r, v[0], actions, N(actions), "action", &out->verdict);

	if (f < 0)
		return f;
	leave(r, before);
	if (out->verdict != CT_FILTER_ERRNO && out->verdict != CT_FILTER_TRACE) {
		if (!v[1] && !named)
			return 0;
		enter_member(r, v[1] ? v[1] : v[2], rows[v[1] ? 1 : 2].name);
		return fault(r, -EINVAL, "%s gives no errno", json_object_get_string(v[0]));
	}
	if (out->verdict == CT_FILTER_TRACE)
		max = TRACE_MAX;
	if (v[1])
		f = number(r, v[1], rows[1].name, max, &data);
	if (f == 0 && named)
		f = read_errno_name(r, v[2], rows[2].name, max, &data);
	out->data = (uint16_t)data;
	return f;
}

/* ---- rules ----------------------------------------------------------------------------------- */

struct args {
	uint32_t n, seen; /* seen: 1 << index */
	bool twice;	  /* one index has several comparisons */
	struct ct_filter_arg v[ARGS_MAX];
};

static const struct word operators[] = {
	{ "SCMP_CMP_NE", CT_FILTER_NE },
	{ "SCMP_CMP_LT", CT_FILTER_LT },
	{ "SCMP_CMP_LE", CT_FILTER_LE },
	{ "SCMP_CMP_EQ", CT_FILTER_EQ },
	{ "SCMP_CMP_GE", CT_FILTER_GE },
	{ "SCMP_CMP_GT", CT_FILTER_GT },
	{ "SCMP_CMP_MASKED_EQ", CT_FILTER_MASKED_EQ },
};

/* Takes a comparison in; only one operator has two values, of which the mask comes first. */
static void add_arg(struct args *args, uint64_t index, uint8_t op, uint64_t value, uint64_t two)
{
	struct ct_filter_arg arg = { .index = (uint8_t)index, .op = op, .value = value };

	if (op == CT_FILTER_MASKED_EQ) {
		arg.mask = value;
		arg.value = two;
	}
	args->twice |= args->seen >> index & 1;
	args->seen |= 1u << index;
	args->v[args->n++] = arg;
}

static int read_arg(struct reader *r, struct json_object *v, void *to)
{
	enum { INDEX, VALUE, VALUE_TWO, OP, END };
	static const struct member rows[] = {
		[INDEX] = { "index", json_type_int, true },
		[VALUE] = { "value", json_type_int, true },
		[VALUE_TWO] = { "valueTwo", json_type_int, false },
		[OP] = { "op", json_type_string, true },
	};
	struct json_object *slot[END];
	uint64_t index, value, two = 0;
	struct args *args = to;
	size_t before;
	uint8_t op = 0;
	int f = members(r, v, rows, END, slot);

	if (f == 0)
		f = number(r, slot[INDEX], rows[INDEX].name, CT_FILTER_ARGS - 1, &index);
	if (f == 0)
		f = number(r, slot[VALUE], rows[VALUE].name, UINT64_MAX, &value);
	if (f == 0 && slot[VALUE_TWO])
		f = number(r, slot[VALUE_TWO], rows[VALUE_TWO].name, UINT64_MAX, &two);
	if (f < 0)
		return f;
	before = enter_member(r, slot[OP], rows[OP].name);
	f = find_word(r, slot[OP], operators, N(operators), "operator", &op);
	if (f < 0)
		return f;
	leave(r, before);
	if (args->n == ARGS_MAX)
		return fault(r, -E2BIG, "a rule has at most %d comparisons", ARGS_MAX);
	add_arg(args, index, op, value, two);
	return 0;
}

static int add_rule(struct reader *r, const struct ct_filter_rule *rule)
{
	if (ct_filter_add(r->out, r->arena, rule))
		return 0;
	if (r->out->n_rules >= CT_FILTER_RULES_MAX)
		return fault(r, -E2BIG, "a policy has at most %u rules", CT_FILTER_RULES_MAX);
	return ct_oom(r->e);
}

/* What all names of an entry of "syscalls" share. */
struct entry {
	struct ct_filter_action action;
	struct args args;
	bool counts;
	uint32_t n_names;
};

/*
 * One name. Comparisons of one argument twice cannot stand in one rule of libseccomp; as OCI's
 * run-times do, each comparison then becomes a rule of its own, and one of them is enough.
 */
static int read_name(struct reader *r, struct json_object *v, void *to)
{
	struct entry *entry = to;
	const struct args *args = &entry->args;
	struct ct_filter_rule rule = {
		.name = json_object_get_string(v),
		.action = entry->action,
		.line = r->line,
		/* lists for many machines and kernels: that is what they are made for */
		.may_be_new = true,
	};
	int f = 0;

	if (!is_name(rule.name, LOWER UPPER DIGITS "_"))
		return fault(r, -EINVAL, "\"%.80s\" cannot be the name of a system call",
			     rule.name);
	entry->n_names++;
	if (!entry->counts)
		return 0;
	if (!args->twice) {
		rule.n_args = (uint8_t)args->n;
		memcpy(rule.arg, args->v, args->n * sizeof(*args->v));
		return add_rule(r, &rule);
	}
	rule.n_args = 1;
	for (uint32_t i = 0; f == 0 && i < args->n; i++) {
		rule.arg[0] = args->v[i];
		f = add_rule(r, &rule);
	}
	return f;
}

enum { ACTION, ERRNO_RET, ERRNO_NAME, NAMES, NAME, ARGS, INCLUDES, EXCLUDES, COMMENT, ENTRY_END };
static const struct member entry_rows[] = {
	[ACTION] = { "action", json_type_string, true },
	[ERRNO_RET] = { "errnoRet", json_type_int, false },
	[ERRNO_NAME] = { "errno", json_type_string, false },
	[NAMES] = { "names", json_type_array, false },
	[NAME] = { "name", json_type_string, false },
	[ARGS] = { "args", json_type_array, false },
	[INCLUDES] = { "includes", json_type_object, false },
	[EXCLUDES] = { "excludes", json_type_object, false },
	[COMMENT] = { "comment", json_type_string, false },
};

/* The names of an entry, by one of two members. */
static int read_names(struct reader *r, struct json_object *const slot[ENTRY_END],
		      struct entry *entry)
{
	bool one = slot[NAME] && *json_object_get_string(slot[NAME]);
	size_t before;
	int f;

	if (one && slot[NAMES] && json_object_array_length(slot[NAMES]))
		return fault(r, -EINVAL, "either name or names says which calls are meant");
	f = items(r, slot[NAMES], entry_rows[NAMES].name, json_type_string, read_name, entry);
	if (f == 0 && one) {
		before = enter_member(r, slot[NAME], entry_rows[NAME].name);
		f = read_name(r, slot[NAME], entry);
		if (f == 0)
			leave(r, before);
	}
	if (f == 0 && !entry->n_names)
		return fault(r, -EINVAL, "a rule needs names");
	return f;
}

static int read_entry(struct reader *r, struct json_object *v, void *unused)
{
	struct json_object *slot[ENTRY_END];
	struct when includes, excludes;
	struct entry entry = { .n_names = 0 };
	int f = members(r, v, entry_rows, ENTRY_END, slot);

	(void)unused;
	if (f == 0)
		f = read_action(r, &slot[ACTION], &entry_rows[ACTION], &entry.action);
	if (f == 0)
		f = items(r, slot[ARGS], entry_rows[ARGS].name, json_type_object, read_arg,
			  &entry.args);
	if (f == 0)
		f = read_when(r, slot[INCLUDES], entry_rows[INCLUDES].name, &includes);
	if (f == 0)
		f = read_when(r, slot[EXCLUDES], entry_rows[EXCLUDES].name, &excludes);
	if (f < 0)
		return f;
	entry.counts = counts(&includes, &excludes);
	r->line = ct_json_line(v);
	return read_names(r, slot, &entry);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Flags of seccomp(2). A process of one thread has no other that TSYNC would be for; how requests
 * wait is for who has the listener to say. */
static int read_flag(struct reader *r, struct json_object *v, void *unused)
{
	static const struct word flags[] = {
		{ "SECCOMP_FILTER_FLAG_TSYNC", 0 },
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0 },
	};
	uint8_t value = 0;
	int f = find_word(r, v, flags, N(flags), "flag of a filter", &value);

	(void)unused;
	r->out->flags |= value;
	return f;
}

enum {
	TOP_ACTION,
	TOP_ERRNO_RET,
	TOP_ERRNO_NAME,
	TOP_ARCHES,
	TOP_ARCH_MAP,
	TOP_FLAGS,
	TOP_CALLS,
	TOP_PATH,
	TOP_METADATA,
	TOP_COMMENT,
	TOP_END
};
static const struct member top_rows[] = {
	[TOP_ACTION] = { "defaultAction", json_type_string, true },
	[TOP_ERRNO_RET] = { "defaultErrnoRet", json_type_int, false },
	[TOP_ERRNO_NAME] = { "defaultErrno", json_type_string, false },
	[TOP_ARCHES] = { "architectures", json_type_array, false },
	[TOP_ARCH_MAP] = { "archMap", json_type_array, false },
	[TOP_FLAGS] = { "flags", json_type_array, false },
	[TOP_CALLS] = { "syscalls", json_type_array, false },
	[TOP_PATH] = { "listenerPath", json_type_string, false },
	[TOP_METADATA] = { "listenerMetadata", json_type_string, false },
	[TOP_COMMENT] = { "comment", json_type_string, false },
};

/* What the run-times of OCI take from libseccomp: this machine's architecture is always one of the
 * filter's, and a call of one that is not ends the thread. */
static int read_arches(struct reader *r, struct json_object *const slot[TOP_END])
{
	bool found = false;
	int f;

	ct_filter_add_arch(r->out, seccomp_arch_native());
	r->out->foreign = (struct ct_filter_action){ CT_FILTER_KILL_THREAD, 0 };
	if (slot[TOP_ARCHES] && slot[TOP_ARCH_MAP] && json_object_array_length(slot[TOP_ARCHES]) &&
	    json_object_array_length(slot[TOP_ARCH_MAP]))
		return fault(r, -EINVAL,
			     "either architectures or archMap says for which a policy "
			     "is");
	f = items(r, slot[TOP_ARCHES], top_rows[TOP_ARCHES].name, json_type_string, add_arch, NULL);
	if (f < 0)
		return f;
	return items(r, slot[TOP_ARCH_MAP], top_rows[TOP_ARCH_MAP].name, json_type_object,
		     read_arch_row, &found);
}

static int read_top(struct reader *r, struct json_object *v)
{
	struct json_object *slot[TOP_END];
	int f = members(r, v, top_rows, TOP_END, slot);

	if (f == 0)
		f = read_action(r, &slot[TOP_ACTION], &top_rows[TOP_ACTION], &r->out->otherwise);
	if (f < 0)
		return f;
	r->out->notifies = r->out->otherwise.verdict == CT_FILTER_NOTIFY;
	r->line = ct_json_line(v);
	f = read_arches(r, slot);
	if (f == 0)
		f = items(r, slot[TOP_FLAGS], top_rows[TOP_FLAGS].name, json_type_string, read_flag,
			  NULL);
	if (f < 0)
		return f;
	return items(r, slot[TOP_CALLS], top_rows[TOP_CALLS].name, json_type_object, read_entry,
		     NULL);
}

int ct_filter_read_json(const char *text, size_t len, const char *file,
			const struct ct_filter_facts *facts, struct ct_arena *arena,
			struct ct_filter_policy *out, struct ct_err *e)
{
	struct reader r = { .file = file, .facts = facts, .arena = arena, .out = out, .e = e };
	struct json_object *v;
	int f;

	*out = (struct ct_filter_policy){ .n_rules = 0 };
	if (len > CT_FILTER_FILE_MAX)
		return fault(&r, -E2BIG, "a policy has at most %u bytes", CT_FILTER_FILE_MAX);
	f = ct_json_parse(text, len, file, &v, e);
	if (f < 0)
		return f;
	f = read_top(&r, v);
	json_object_put(v);
	if (f < 0)
		*out = (struct ct_filter_policy){ .n_rules = 0 };
	return f;
}
