/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy of system calls: what the readers of its three forms (LXC's files, the JSON of OCI and
 * Docker, our own default) make, and what the compiler turns into a filter. All memory belongs to
 * an arena. Sources: seccomp(2), seccomp_rule_add(3), lxc.container.conf(5), the OCI run-time
 * specification (config-linux, "Seccomp").
 */
#ifndef CT_SECCOMP_POLICY_H
#define CT_SECCOMP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* What is done with a call. `data` of ERRNO and TRACE: the errno, the message. */
enum ct_filter_verdict {
	CT_FILTER_ALLOW,
	CT_FILTER_LOG,
	CT_FILTER_NOTIFY,
	CT_FILTER_TRACE,
	CT_FILTER_ERRNO,
	CT_FILTER_TRAP,
	CT_FILTER_KILL_THREAD,
	CT_FILTER_KILL_PROCESS,
};

struct ct_filter_action {
	uint8_t verdict; /* enum ct_filter_verdict */
	uint16_t data;
};

enum ct_filter_op {
	CT_FILTER_NE,
	CT_FILTER_LT,
	CT_FILTER_LE,
	CT_FILTER_EQ,
	CT_FILTER_GE,
	CT_FILTER_GT,
	CT_FILTER_MASKED_EQ, /* (argument & mask) == value */
	CT_FILTER_ANY_OF,    /* (argument & mask) != 0; no policy file has it */
};

#define CT_FILTER_ARGS 6
struct ct_filter_arg {
	uint8_t index; /* 0 .. 5 */
	uint8_t op;    /* enum ct_filter_op */
	uint64_t value, mask;
};

/* One rule: all of its comparisons must hold. Of several rules for a call the first one without
 * comparisons counts, and all with comparisons that hold: of these the strictest verdict is given,
 * as ordered above, by the first rule that has it. No rule holds: `otherwise`. Architectures of 32
 * bits compare the lower 32 bits of an argument. */
struct ct_filter_rule {
	const char *name; /* of the call, as the kernel's tables have it */
	struct ct_filter_action action;
	uint8_t n_args;
	struct ct_filter_arg arg[CT_FILTER_ARGS];
	bool numbered;	 /* `name` is a number of this machine's architecture, in decimal digits */
	uint32_t line;	 /* of the file; 0: it has none */
	bool may_be_new; /* neither kernel nor libseccomp need to know the name */
};

struct ct_filter_policy {
	struct ct_filter_action otherwise; /* for calls that no rule names */
	/* for calls of an architecture that is not listed below */
	struct ct_filter_action foreign;
	uint32_t arch[16]; /* SCMP_ARCH_*, without doubles; the first is this machine's */
	uint32_t n_archs;
	struct ct_filter_rule *rule;
	uint32_t n_rules, cap_rules;
	bool notifies; /* some rule, or `otherwise`, is NOTIFY */
	uint8_t flags; /* of seccomp(2): SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW */
};

#define CT_FILTER_FILE_MAX (1u << 20) /* bytes of a policy file */
#define CT_FILTER_RULES_MAX 8192

/* What a JSON profile's includes and excludes are decided by. */
struct ct_filter_facts {
	uint64_t caps; /* that the payload keeps: 1 << CAP_* */
	unsigned kernel_major, kernel_minor;
};

/* Adds a rule, copied; its name is copied into the arena. NULL without memory or when there are
 * CT_FILTER_RULES_MAX. */
struct ct_filter_rule *ct_filter_add(struct ct_filter_policy *p, struct ct_arena *arena,
				     const struct ct_filter_rule *rule);
/* An architecture more, unless it is listed. False: the list is full. */
bool ct_filter_add_arch(struct ct_filter_policy *p, uint32_t arch);

/* Readers. `file` is what messages call the text. 0, or a negative errno with a record: what is
 * wrong, with its line, and a hint where one helps: -EINVAL, -E2BIG, -ENOMEM, -EOPNOTSUPP (a form
 * or action that this build or kernel has not). Nothing of a text that is wrong is used. */

/* LXC's version 1 and 2. */
int ct_filter_read_lxc(const char *text, size_t len, const char *file, struct ct_arena *arena,
		       struct ct_filter_policy *out, struct ct_err *e);
/* Docker's and OCI's JSON. */
int ct_filter_read_json(const char *text, size_t len, const char *file,
			const struct ct_filter_facts *facts, struct ct_arena *arena,
			struct ct_filter_policy *out, struct ct_err *e);
/* Either of them: a text whose first character that is no blank is "{" is JSON. */
int ct_filter_read(const char *text, size_t len, const char *file,
		   const struct ct_filter_facts *facts, struct ct_arena *arena,
		   struct ct_filter_policy *out, struct ct_err *e);
/* Our own default, for application containers. */
int ct_filter_default(const struct ct_filter_facts *facts, struct ct_arena *arena,
		      struct ct_filter_policy *out, struct ct_err *e);

/* AUDIT_ARCH_* of this machine. */
uint32_t ct_filter_native(void);

/* The compiler: appends the program, an array of struct sock_filter, to `out`, and the policy's
 * flags if it has any (CT_FILTER_FLAGS). 0 or a negative errno, recorded with the line of the rule
 * that is wrong. */
int ct_filter_compile(const struct ct_filter_policy *p, const char *file, struct ct_buf *out,
		      struct ct_err *e);

#endif
