/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiler. libseccomp makes the part of a program that tells architectures and calls apart. A
 * call whose rules compare arguments gets a placeholder there, an action that no rule has, and is
 * decided in a block of ours behind that part: each placeholder becomes a jump to its block. Calls
 * newer than libseccomp, on architectures other than this machine's, are met in front of all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/fd.h"
#include "base/origin.h"
#include "base/sys.h"
#include "backend/seccomp/calls.h"
#include "backend/seccomp/compare.h"

#define TRACE_DATA 65536 /* so many actions TRACE there are: of them come the placeholders */
#define INSTRUCTION sizeof(struct sock_filter)
#define LATE_LENGTH 5 /* instructions in front for each late call of another architecture */

static const char too_long[] = "the policy makes a filter of more than 4096 instructions";

/* One rule on one architecture. */
struct entry {
	struct ct_filter_call call;
	uint32_t rule;
};

/* A call that libseccomp does not decide. */
struct open_call {
	uint32_t first;	   /* instruction of its block, from the first block on */
	uint32_t mark;	   /* its placeholder, an action; 0: it is late */
	uint32_t arch, nr; /* as the kernel has them */
};

struct compiler {
	const struct ct_filter_policy *p;
	const char *file;
	struct ct_err *e;
	struct entry *entry;	/* of one architecture */
	struct open_call *open; /* of all */
	uint32_t n_open, cap_open, n_late;
	struct ct_arena *arena;
	uint8_t *taken; /* by TRACE's data: in use */
	uint32_t next;
	struct ct_buf blocks;
};

static int refuse(const struct compiler *c, const struct ct_filter_rule *rule, int err,
		  const char *reason)
{
	struct ct_origin at = { NULL, c->file, 0 };

	if (rule) {
		at.line = (int)rule->line;
		ct_err_object(c->e, rule->name);
	}
	if (c->file)
		ct_err_origin(c->e, &at);
	return ct_fail(c->e, err, CT_ERR_FILTER, "seccomp", "%s", reason);
}

/* What libseccomp answered, which is -ENOMEM or nothing that a policy should lead to. */
static int refuse_lib(const struct compiler *c, const struct ct_filter_rule *rule, int err)
{
	if (err == -ENOMEM)
		return ct_oom(c->e);
	return refuse(c, rule, err, "libseccomp refuses the policy");
}

/* A name that no architecture of the policy has is wrong. */
static int check_name(const struct compiler *c, const struct ct_filter_rule *rule)
{
	struct ct_filter_call call;
	char near[64];
	int known = -ENOENT;

	for (uint32_t i = 0; i < c->p->n_archs; i++) {
		int n = ct_filter_find(rule, c->p->arch[i], &call);

		if (n > 0)
			return 0;
		if (n == 0)
			known = 0;
	}
	if (known == 0)
		return refuse(c, rule, -EINVAL, "no architecture of the policy has this call");
	if (ct_filter_near(rule->name, near, sizeof(near)))
		ct_err_hint(c->e, "did you mean \"%s\"?", near);
	return refuse(c, rule, -EINVAL, "unknown system call");
}

/* Actions that this kernel has not. One that does not answer has them all, for its answer decides
 * when the filter is put on. */
static int check_action(const struct compiler *c, const struct ct_filter_rule *rule,
			struct ct_filter_action action)
{
	uint32_t value;

	action.data = 0;
	value = ct_filter_return(action);
	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &value) || errno != EOPNOTSUPP)
		return 0;
	return refuse(c, rule, -EOPNOTSUPP, "this kernel does not have the action");
}

static int check(const struct compiler *c)
{
	uint32_t checked = 0; /* actions, as bits */
	int n = 0;

	if (!c->p->n_archs)
		return refuse(c, NULL, -EINVAL, "the policy lists no architecture");
	n = check_action(c, NULL, c->p->otherwise);
	if (n == 0)
		n = check_action(c, NULL, c->p->foreign);
	for (uint32_t i = 0; n == 0 && i < c->p->n_rules; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[i];
		uint32_t bit = 1u << rule->action.verdict;

		if (!rule->may_be_new)
			n = check_name(c, rule);
		if (n == 0 && !(checked & bit))
			n = check_action(c, rule, rule->action);
		checked |= bit;
	}
	return n;
}

static void take(struct compiler *c, struct ct_filter_action a)
{
	if (a.verdict == CT_FILTER_TRACE)
		c->taken[a.data] = 1;
}

/* Memory, and which values of TRACE are the policy's own. */
static int prepare(struct compiler *c)
{
	c->entry = ct_arena_alloc(c->arena, (c->p->n_rules + 1) * sizeof(*c->entry));
	c->taken = ct_arena_alloc(c->arena, TRACE_DATA);
	if (!c->entry || !c->taken)
		return ct_oom(c->e);
	take(c, c->p->otherwise);
	take(c, c->p->foreign);
	for (uint32_t i = 0; i < c->p->n_rules; i++)
		take(c, c->p->rule[i].action);
	return 0;
}

/* One more call that libseccomp does not decide; its block begins here. */
static struct open_call *new_open(struct compiler *c)
{
	struct open_call *o;

	if (c->n_open == c->cap_open) {
		uint32_t room = 2 * c->cap_open + 64;

		o = ct_arena_grow(c->arena, c->open, c->n_open, room, sizeof(*o));
		if (!o)
			return NULL;
		c->open = o;
		c->cap_open = room;
	}
	o = &c->open[c->n_open++];
	o->first = (uint32_t)(c->blocks.len / INSTRUCTION);
	return o;
}

/* By call, then by place in the policy. */
static int by_call(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->call.late != y->call.late)
		return x->call.late - y->call.late;
	if (x->call.nr != y->call.nr)
		return (x->call.nr > y->call.nr) - (x->call.nr < y->call.nr);
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* The entries of one architecture. */
static uint32_t list_entries(const struct compiler *c, uint32_t arch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->p->n_rules; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[i];
		struct entry *entry = &c->entry[n];

		if (rule->arch && rule->arch != arch)
			continue;
		if (ct_filter_find(rule, arch, &entry->call) <= 0)
			continue;
		entry->call.late &= arch != seccomp_arch_native();
		entry->rule = i;
		n++;
	}
	qsort(c->entry, n, sizeof(*c->entry), by_call);
	return n;
}

/* The rules of one call on one architecture, the strictest first, as they are decided. */
struct decision {
	const struct ct_filter_rule **rule;
	uint32_t n;
	bool always; /* the last one holds for all arguments */
};

static void insert(struct decision *d, const struct ct_filter_rule *rule)
{
	uint32_t i = d->n++;

	for (; i && d->rule[i - 1]->action.verdict < rule->action.verdict; i--)
		d->rule[i] = d->rule[i - 1];
	d->rule[i] = rule;
}

/* Puts them in order. What stands behind a rule that always holds is left out. */
static void decide(const struct compiler *c, const struct entry *entry, uint32_t n,
		   struct decision *d)
{
	d->n = 0;
	d->always = false;
	for (uint32_t i = 0; i < n; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[entry[i].rule];

		if (!rule->n_args && d->always)
			continue;
		d->always |= !rule->n_args;
		insert(d, rule);
	}
	for (uint32_t i = 0; i < d->n; i++)
		if (!d->rule[i]->n_args)
			d->n = i + 1;
}

/* The block of a call. Through socketcall and ipc its arguments cannot be seen. */
static void emit_block(struct compiler *c, const struct decision *d,
		       const struct ct_filter_call *call, uint32_t arch)
{
	struct ct_filter_action strict = d->rule[0]->action;

	if (!d->always && c->p->otherwise.verdict > strict.verdict)
		strict = c->p->otherwise;
	if (call->through) {
		ct_filter_emit(&c->blocks, BPF_LD | BPF_W | BPF_ABS,
			       offsetof(struct seccomp_data, nr), 0, 0);
		ct_filter_emit(&c->blocks, BPF_JMP | BPF_JEQ | BPF_K, call->through, 0, 1);
		ct_filter_emit(&c->blocks, BPF_RET | BPF_K, ct_filter_return(strict), 0, 0);
	}
	for (uint32_t i = 0; i < d->n; i++)
		ct_filter_emit_rule(&c->blocks, d->rule[i], ct_filter_is_32(arch));
	if (!d->always)
		ct_filter_emit(&c->blocks, BPF_RET | BPF_K, ct_filter_return(c->p->otherwise), 0,
			       0);
}

/* An action for libseccomp that no rule has. */
static uint32_t new_mark(struct compiler *c)
{
	while (c->next < TRACE_DATA && c->taken[c->next])
		c->next++;
	if (c->next == TRACE_DATA)
		return 0;
	return SCMP_ACT_TRACE(c->next++);
}

/* The architecture as the kernel has it in struct seccomp_data. */
static uint32_t kernel_arch(uint32_t arch)
{
	if (arch == SCMP_ARCH_X32)
		return SCMP_ARCH_X86_64;
	return arch;
}

/* A call that libseccomp does not decide: its block, and its placeholder in *mark. */
static int add_open(struct compiler *c, uint32_t arch, const struct ct_filter_call *call,
		    const struct decision *d, uint32_t *mark)
{
	struct open_call *o = new_open(c);

	if (!o)
		return ct_oom(c->e);
	emit_block(c, d, call, arch);
	if (c->blocks.len > BPF_MAXINSNS * INSTRUCTION)
		return refuse(c, d->rule[0], -E2BIG, too_long);
	o->arch = kernel_arch(arch);
	o->nr = (uint32_t)call->nr;
	if (call->late) {
		c->n_late++;
		return 0;
	}
	*mark = o->mark = new_mark(c);
	if (!*mark)
		return refuse(c, d->rule[0], -E2BIG, "no action is left for a placeholder");
	return 0;
}

/* One call on one architecture. */
static int add_call(struct compiler *c, scmp_filter_ctx filter, uint32_t arch,
		    const struct ct_filter_call *call, const struct decision *d)
{
	uint32_t otherwise = ct_filter_return(c->p->otherwise);
	uint32_t value = ct_filter_return(d->rule[0]->action);
	int n;

	if (call->late || d->rule[0]->n_args) {
		n = add_open(c, arch, call, d, &value);
		if (n < 0 || call->late)
			return n;
	}
	if (value == otherwise)
		return 0;
	n = seccomp_rule_add_array(filter, value, call->nr, 0, NULL);
	if (n < 0)
		return refuse_lib(c, d->rule[0], n);
	return 0;
}

/* All calls of one architecture. */
static int add_calls(struct compiler *c, scmp_filter_ctx filter, uint32_t arch)
{
	uint32_t n = list_entries(c, arch);
	struct decision d = { .n = 0 };

	d.rule = ct_arena_alloc(c->arena, (n + 1) * sizeof(*d.rule));
	if (!d.rule)
		return ct_oom(c->e);
	for (uint32_t i = 0, end; i < n; i = end) {
		int r;

		for (end = i + 1; end < n; end++)
			if (c->entry[end].call.nr != c->entry[i].call.nr ||
			    c->entry[end].call.late != c->entry[i].call.late)
				break;
		decide(c, &c->entry[i], end - i, &d);
		r = add_call(c, filter, arch, &c->entry[i].call, &d);
		if (r < 0)
			return r;
	}
	return 0;
}

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}
#define CLEAN_FILTER __attribute__((cleanup(release)))

/* A filter for one architecture. 0, with *out NULL when this machine cannot run it. */
static int new_filter(const struct compiler *c, uint32_t arch, scmp_filter_ctx *out)
{
	CLEAN_FILTER scmp_filter_ctx filter = seccomp_init(ct_filter_return(c->p->otherwise));
	int n;

	if (!filter)
		return ct_oom(c->e);
	n = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (n == 0)
		n = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				     ct_filter_return(c->p->foreign));
	/* a library that cannot do it takes longer to find a call */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (n == 0 && seccomp_arch_exist(filter, arch) != 0) {
		n = seccomp_arch_add(filter, arch);
		if (n == -EDOM) /* of the other byte order */
			return 0;
		if (n == 0)
			n = seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
	}
	if (n < 0)
		return refuse_lib(c, NULL, n);
	*out = filter;
	filter = NULL;
	return 0;
}

/* The filters of all architectures in one, and the blocks of their calls. */
static int build(struct compiler *c, scmp_filter_ctx *all)
{
	for (uint32_t i = 0; i < c->p->n_archs; i++) {
		CLEAN_FILTER scmp_filter_ctx one = NULL;
		int n = new_filter(c, c->p->arch[i], &one);

		if (n == 0 && one)
			n = add_calls(c, one, c->p->arch[i]);
		if (n < 0)
			return n;
		if (one && *all) {
			n = seccomp_merge(*all, one);
			if (n < 0)
				return refuse_lib(c, NULL, n);
		} else if (one) {
			*all = one;
		}
		one = NULL;
	}
	if (!*all)
		return refuse(c, NULL, -EINVAL,
			      "this machine has none of the policy's architectures");
	return 0;
}

/* libseccomp's part. It can only be written to a file. */
static int export(const struct compiler *c, scmp_filter_ctx filter, struct ct_buf *out)
{
	CT_CLEAN_FD int fd = ct_memfd_create("seccomp", 0);
	int n;

	if (fd < 0)
		return ct_fail_sys(c->e, fd, CT_ERR_FILTER, "seccomp", "memfd_create",
				   "no memory file for the filter");
	n = seccomp_export_bpf(filter, fd);
	if (n == -ECANCELED)
		return ct_fail_sys(c->e, n, CT_ERR_FILTER, "seccomp", "write",
				   "libseccomp cannot write the filter to memory");
	if (n < 0)
		return refuse_lib(c, NULL, n);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ct_fail_sys(c->e, -errno, CT_ERR_FILTER, "seccomp", "lseek",
				   "the filter cannot be read back");
	n = ct_buf_read_fd(out, fd, 64 * BPF_MAXINSNS * INSTRUCTION);
	if (n < 0)
		return ct_fail_sys(c->e, n, CT_ERR_FILTER, "seccomp", "read",
				   "the filter cannot be read back");
	return 0;
}

/* In front of all: the late calls of other architectures. `blocks`: where these begin. */
static void emit_late(const struct compiler *c, uint32_t blocks, struct ct_buf *out)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < c->n_open; i++) {
		const struct open_call *o = &c->open[i];

		if (o->mark)
			continue;
		at += LATE_LENGTH;
		ct_filter_emit(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch),
			       0, 0);
		ct_filter_emit(out, BPF_JMP | BPF_JEQ | BPF_K, o->arch, 0, 3);
		ct_filter_emit(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0,
			       0);
		ct_filter_emit(out, BPF_JMP | BPF_JEQ | BPF_K, o->nr, 0, 1);
		ct_filter_emit(out, BPF_JMP | BPF_JA, blocks + o->first - at, 0, 0);
	}
}

/* Placeholders in libseccomp's part become jumps. */
static void patch(const struct compiler *c, struct sock_filter *code, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = code[i].k;

		if (code[i].code != (BPF_RET | BPF_K))
			continue;
		for (uint32_t o = 0; o < c->n_open; o++) {
			if (!c->open[o].mark || c->open[o].mark != k)
				continue;
			code[i] = (struct sock_filter){ .code = BPF_JMP | BPF_JA,
							.k = n - i - 1 + c->open[o].first };
			break;
		}
	}
}

static int assemble(const struct compiler *c, struct ct_buf *mine, struct ct_buf *out)
{
	uint32_t n = (uint32_t)(mine->len / INSTRUCTION), late = c->n_late * LATE_LENGTH;
	uint32_t all = late + n + (uint32_t)(c->blocks.len / INSTRUCTION);
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;

	if (all > BPF_MAXINSNS)
		return refuse(c, NULL, -E2BIG, too_long);
	patch(c, (struct sock_filter *)mine->data, n);
	emit_late(c, late + n, &program);
	ct_buf_add(&program, mine->data, mine->len);
	ct_buf_add(&program, c->blocks.data, c->blocks.len);
	if (ct_buf_error(&program) || ct_buf_error(&c->blocks))
		return ct_oom(c->e);
	ct_buf_add(out, program.data, program.len);
	if (ct_buf_error(out))
		return ct_oom(c->e);
	return 0;
}

static int compile(struct compiler *c, struct ct_buf *out)
{
	CLEAN_FILTER scmp_filter_ctx filter = NULL;
	CT_CLEAN_BUF struct ct_buf mine = CT_BUF_INIT;
	int n = prepare(c);

	if (n == 0)
		n = check(c);
	if (n == 0)
		n = build(c, &filter);
	if (n == 0)
		n = export(c, filter, &mine);
	if (n == 0)
		n = assemble(c, &mine, out);
	return n;
}

/* Makes a program of a policy. */
int ct_filter_compile(const struct ct_filter_policy *p, const char *file, struct ct_buf *out,
		      struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct compiler c = { .p = p, .file = file, .e = e, .arena = arena, .blocks = CT_BUF_INIT };
	int n;

	if (!arena)
		return ct_oom(e);
	n = compile(&c, out);
	ct_buf_free(&c.blocks);
	return n;
}
