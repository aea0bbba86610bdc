/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices a container may use: a list of rules, and how it is set in either version. */
#ifndef CT_BACKEND_CGROUP_DEVICES_H
#define CT_BACKEND_CGROUP_DEVICES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"
#include "backend/cgroup/plan.h"

#define CT_DEV_READ 1u
#define CT_DEV_WRITE 2u
#define CT_DEV_MKNOD 4u
#define CT_DEV_ANY (-1)

/* One rule. */
struct ct_dev_rule {
	char type; /* 'c', 'b', or 'a' for both */
	bool allow;
	uint8_t access;	      /* CT_DEV_* */
	int64_t major, minor; /* or CT_DEV_ANY */
};

struct ct_dev_program;

/* A policy. Of the rules that match the last one decides; where none does, `allow_rest`. */
struct ct_dev_list {
	struct ct_dev_rule *v;
	uint32_t n;
	bool allow_rest;
};

/* The policy that the spec asks for: limit.devices, then the rules of devices.allow and
 * devices.deny in their order (those of cgroup.devices.* for version 1, of cgroup2.devices.* for
 * version 2; where only one kind is given it serves both). */
int ct_dev_from_spec(const struct ct_spec *s, int version, struct ct_arena *a,
		     struct ct_dev_list *out, struct ct_err *e);
/* The preset that it begins with: limit.devices; without that "default", or "all" for a config that
 * denies devices as LXC's do. Static, or the spec's. */
const char *ct_dev_preset(const struct ct_spec *s, int version);
/* Applies one more rule, in LXC's syntax ("c 1:3 rwm", "a", "/dev/fuse rw"), to a policy. -EINVAL
 * recorded, -ENOMEM. */
int ct_dev_add(struct ct_dev_list *l, bool allow, const char *text, struct ct_arena *a,
	       struct ct_err *e);
/* Whether the policy allows all of `access` (CT_DEV_*). Every other form of it must give the same
 * answer. */
bool ct_dev_allowed(const struct ct_dev_list *l, char type, uint32_t major, uint32_t minor,
		    unsigned access);
/* A rule as text, "c 1:3 rwm", and a policy as one line a rule, "allow c 1:3 rwm". */
void ct_dev_print(const struct ct_dev_rule *r, struct ct_buf *out);
void ct_dev_print_list(const struct ct_dev_list *l, struct ct_buf *out);
/* The policy from that text. -EINVAL, -ENOMEM. */
int ct_dev_parse_list(const char *text, struct ct_arena *a, struct ct_dev_list *out);

/* Version 1: the writes to devices.deny and devices.allow, in their order, that make the kernel's
 * list the same as the policy. -EOPNOTSUPP for a policy that version 1 cannot express exactly,
 * recorded, with a remedy. */
int ct_dev_v1_writes(const struct ct_dev_list *l, const struct ct_origin *at, struct ct_arena *a,
		     struct ct_cg_writes *out, struct ct_err *e);
/* The same for a cgroup that has the policy `from` by such writes: only the difference, so that the
 * cgroup may be in use and have others below it. (The kernel passes on to those what is denied, but
 * not what is allowed: that must be written to them, too, afterwards.) When the default changes it
 * is all of the writes. Errors as above. */
int ct_dev_v1_change(const struct ct_dev_list *from, const struct ct_dev_list *l,
		     const struct ct_origin *at, struct ct_arena *a, struct ct_cg_writes *out,
		     struct ct_err *e);

/* Version 2: the BPF program. *insns belongs to the arena. -E2BIG: more rules than the kernel's
 * verifier accepts. */
int ct_dev_bpf(const struct ct_dev_list *l, struct ct_arena *a, struct bpf_insn **insns,
	       uint32_t *n, struct ct_err *e);
/* Loads the program and attaches it to the cgroup `dirfd`. An earlier program of ours is replaced
 * atomically. The program stays attached when this process ends. 0 or a negative errno,
 * recorded.
 *
 * The kernel's check of a program takes longer than all else that is done for a cgroup. So *kept,
 * which is NULL at first, holds the program and a descriptor of it for the next call, whichever
 * thread makes it. `kept` NULL: no descriptor stays open. */
int ct_dev_attach(int dirfd, const struct ct_dev_list *l, struct ct_dev_program **kept,
		  struct ct_err *e);
/* Closes and frees what is kept; NULL: nothing. */
void ct_dev_forget(struct ct_dev_program *p);
/* How many programs are attached to the cgroup, ours and others', or a negative errno. */
int ct_dev_programs(int dirfd);
/* Whether the kernel lets this process load such a program. *why (may be NULL) becomes a static
 * sentence. */
bool ct_dev_bpf_usable(const char **why);

#endif
