/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy as a BPF program for version 2. It does not go through the rules, but finds the
 * device's cell: an access costs one comparison for each major number and for each minor number of
 * the device's. The verifier's work is linear in the number of rules, however they overlap. There
 * are no loops and no backward jumps.
 */
#include "backend/cgroup/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/cgroup/devices-cells.h"
#include "base/fd.h"
#include "base/sys.h"

/* Registers. R0 is the program's answer, R1 the kernel's context. */
enum { R_ANSWER, R_CONTEXT, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR };

/* Jump offsets in place of targets that are not known yet; real offsets are never negative. */
enum { TO_ALLOW = -1, TO_DENY = -2, TO_REST = -3 };

#define NAME "ct_devices"
/* a jump reaches 32767 */
_Static_assert(CT_DEV_CELLS_MAX * 5 + 6 < 32767, "one type's part can be jumped across");

struct program {
	struct bpf_insn *v;
	uint32_t n;
};

static void emit(struct program *p, int code, int dst, int src, int off, int imm)
{
	p->v[p->n++] = (struct bpf_insn){ .code = (uint8_t)code,
					  .dst_reg = (uint8_t)(dst & 15),
					  .src_reg = (uint8_t)(src & 15),
					  .off = (int16_t)off,
					  .imm = imm };
}

static void emit_return(struct program *p, int answer)
{
	emit(p, BPF_ALU | BPF_MOV | BPF_K, R_ANSWER, 0, 0, answer);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Jumps, unless the register has the value, to a target that land() sets; returns its index. */
static uint32_t emit_unless(struct program *p, int reg, int64_t value)
{
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, (int32_t)value);
	return p->n - 1;
}

/* Lets the jump at `from` go to the next instruction. */
static void land(struct program *p, uint32_t from)
{
	p->v[from].off = (int16_t)(p->n - from - 1);
}

/* The answer of one cell. Any access that is not allowed is denied, also kinds of access that this
 * code does not know. */
static void emit_cell(struct program *p, const struct ct_dev_cell *cell)
{
	unsigned allowed = 0;

	if (cell->allowed & CT_DEV_READ)
		allowed |= BPF_DEVCG_ACC_READ;
	if (cell->allowed & CT_DEV_WRITE)
		allowed |= BPF_DEVCG_ACC_WRITE;
	if (cell->allowed & CT_DEV_MKNOD)
		allowed |= BPF_DEVCG_ACC_MKNOD;
	emit(p, BPF_JMP | BPF_JSET | BPF_K, R_ACCESS, 0, TO_DENY, (int)(0xffff & ~allowed));
	emit(p, BPF_JMP | BPF_JA, 0, 0, TO_ALLOW, 0);
}

/* The cells of the major number of cell i; returns the first cell behind them. */
static uint32_t emit_group(struct program *p, const struct ct_dev_cells *cells, uint32_t i)
{
	int64_t major = cells->v[i].major;
	bool any = major == CT_DEV_ANY, whole = false;
	uint32_t past = 0;

	if (!any)
		past = emit_unless(p, R_MAJOR, major);

	for (; i < cells->n && cells->v[i].major == major; i++) {
		whole = cells->v[i].minor == CT_DEV_ANY;
		if (whole) {
			emit_cell(p, &cells->v[i]);
		} else {
			uint32_t next = emit_unless(p, R_MINOR, cells->v[i].minor);

			emit_cell(p, &cells->v[i]);
			land(p, next);
		}
	}
	if (!whole)
		emit(p, BPF_JMP | BPF_JA, 0, 0, TO_REST, 0);
	if (!any)
		land(p, past);
	return i;
}

/* The part for one type of device. */
static void emit_type(struct program *p, const struct ct_dev_cells *cells, int type)
{
	uint32_t past = emit_unless(p, R_TYPE, type), start = p->n, rest, allow, i = 0;

	while (i < cells->n && cells->v[i].major != CT_DEV_ANY)
		i = emit_group(p, cells, i);
	rest = p->n;
	emit_group(p, cells, i);
	allow = p->n;
	emit_return(p, 1);
	emit_return(p, 0);
	for (i = start; i < allow; i++) {
		int off = p->v[i].off;
		uint32_t to = rest;

		if (off == TO_ALLOW)
			to = allow;
		if (off == TO_DENY)
			to = allow + 2;
		if (off < 0)
			p->v[i].off = (int16_t)(to - i - 1);
	}
	land(p, past);
}

/* -ENOMEM recorded, too. */
int ct_dev_bpf(const struct ct_dev_list *l, struct ct_arena *a, struct bpf_insn **insns,
	       uint32_t *n, struct ct_err *e)
{
	struct ct_dev_cells c, b;
	struct program p = { NULL, 0 };
	int r = ct_dev_cells(l, 'c', a, &c, e);

	if (r == 0)
		r = ct_dev_cells(l, 'b', a, &b, e);
	if (r < 0)
		return r;
	/* a cell has at most four instructions, and one for the jump to the cells of all majors */
	p.v = ct_arena_alloc(a, ((size_t)c.n + b.n) * 5 * sizeof(*p.v) + 32 * sizeof(*p.v));
	if (!p.v)
		return ct_oom(e);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_TYPE, R_CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(&p, BPF_ALU | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
	emit(&p, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	emit(&p, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_MAJOR, R_CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_MINOR, R_CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	emit_type(&p, &c, BPF_DEVCG_DEV_CHAR);
	emit_type(&p, &b, BPF_DEVCG_DEV_BLOCK);
	emit_return(&p, 0);
	*insns = p.v;
	*n = p.n;
	return 0;
}

/* ---- into the kernel ------------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attr)
{
	return ct_or_errno(syscall(SYS_bpf, command, attr, sizeof(*attr)));
}

/* The program's descriptor, or a negative errno. */
static int load(const struct bpf_insn *insns, uint32_t n)
{
	/* the program calls no function of the kernel that is for GPL programs only */
	static const char licence[] = "LGPL-2.1-or-later";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uint64_t)(uintptr_t)licence;
	memcpy(attr.prog_name, NAME, sizeof(NAME));
	return bpf(BPF_PROG_LOAD, &attr);
}

/* The id of a descriptor's program that bears our name; 0: it is none. */
static uint32_t id_of_ours(int fd)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	memset(&info, 0, sizeof(info));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0 || info.type != BPF_PROG_TYPE_CGROUP_DEVICE ||
	    strcmp(info.name, NAME))
		return 0;
	return info.id;
}

int ct_dev_programs(int dirfd)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dirfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return r;
	return (int)attr.query.prog_cnt;
}

#define GROUP_PROGRAMS 64 /* the kernel takes no more in one cgroup */

/* Finds our program in the cgroup: *out is its descriptor, -1 when there is none. 0 or a negative
 * errno; -ENOENT: a program was removed meanwhile, and another may be in its place. *call is the
 * call that failed. */
static int find_ours(int dirfd, int *out, const char **call)
{
	uint32_t ids[GROUP_PROGRAMS];
	union bpf_attr attr;
	uint32_t n;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dirfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = GROUP_PROGRAMS;
	*call = "bpf BPF_PROG_QUERY";
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return r;
	n = attr.query.prog_cnt;
	if (n > GROUP_PROGRAMS)
		n = GROUP_PROGRAMS;
	*out = -1;
	*call = "bpf BPF_PROG_GET_FD_BY_ID";
	for (uint32_t i = 0; i < n; i++) {
		CT_CLEAN_FD int fd = -1;

		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		if (fd < 0)
			return fd;
		if (id_of_ours(fd)) {
			*out = ct_take_fd(&fd);
			return 0;
		}
	}
	return 0;
}

/* Attaches the program beside those of others. `old` (-1: none) is replaced in the same step. */
static int attach(int dirfd, int fd, int old)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dirfd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

static const char no_rights[] = "device rules on cgroup version 2 need CAP_NET_ADMIN and CAP_BPF "
				"(or CAP_SYS_ADMIN) on the host itself, "
				"whatever kernel.unprivileged_bpf_disabled says";
static const char no_call[] = "this kernel has no bpf() system call (CONFIG_BPF_SYSCALL)";
static const char no_type[] = "this kernel has no device programs for cgroups (CONFIG_CGROUP_BPF)";
static const char no_leave[] =
	"a security module of this host does not let this process load device programs";
static const char no_luck[] = "the kernel refuses to load a device program";

/* The sentence for an errno of load(). */
static const char *why_not(int r)
{
	switch (r) {
	case -EPERM:
		return no_rights;
	case -EACCES:
		return no_leave;
	case -ENOSYS:
		return no_call;
	case -EINVAL:
		return no_type;
	default:
		return no_luck;
	}
}

/* Records that the program could not be loaded. */
static int load_failed(int r, struct ct_err *e)
{
	const char *why = why_not(r);

	if (why != no_luck)
		ct_err_hint(e, "%s", why);
	return ct_fail_sys(e, r, CT_ERR_DEVICES, "devices", "bpf BPF_PROG_LOAD",
			   "the device program cannot be loaded");
}

/* Records that the program could not be attached. */
static int attach_failed(int r, const char *call, struct ct_err *e)
{
	switch (r) {
	case -EPERM:
		ct_err_hint(e, "this needs CAP_NET_ADMIN on the host, and CAP_SYS_ADMIN where "
			       "rules are replaced; it fails, too, where a "
			       "group above has a program that was attached without "
			       "BPF_F_ALLOW_MULTI");
		break;
	case -EBADF:
		ct_err_hint(e, "the group must be one of cgroup version 2");
		break;
	case -EINVAL:
		ct_err_hint(e, "%s", no_type);
		break;
	case -E2BIG:
	case -ENOSPC:
		ct_err_hint(e, "the group has as many device programs as the kernel takes, %d",
			    GROUP_PROGRAMS);
		break;
	case -ENOENT:
	case -EBUSY:
		ct_err_hint(e, "someone else changes the programs of this group at the same time; "
			       "try again");
		break;
	default:
		break;
	}
	return ct_fail_sys(e, r, CT_ERR_DEVICES, "devices", call,
			   "the device program cannot be attached to the group");
}

/* ---- a program that is kept ------------------------------------------------------------------ */

struct ct_dev_program {
	int fd;
	uint32_t id; /* by which the descriptor is known again: a caller may have closed it */
	uint32_t n;
	struct bpf_insn insns[];
};

void ct_dev_forget(struct ct_dev_program *p)
{
	if (p && id_of_ours(p->fd) == p->id)
		close(p->fd);
	free(p);
}

/* The descriptor of what is kept, if it is this program; -1: it is not, and is not kept longer. */
static int take_kept(struct ct_dev_program **kept, const struct bpf_insn *insns, uint32_t n)
{
	struct ct_dev_program *p = __atomic_exchange_n(kept, NULL, __ATOMIC_ACQ_REL);
	int fd = -1;

	if (p && p->n == n && !memcmp(p->insns, insns, n * sizeof(*insns)) &&
	    id_of_ours(p->fd) == p->id) {
		fd = p->fd;
		free(p);
	} else {
		ct_dev_forget(p);
	}
	return fd;
}

/* Keeps a program; without memory, or when another is kept meanwhile, its descriptor is closed. */
static void keep(struct ct_dev_program **kept, int fd, const struct bpf_insn *insns, uint32_t n)
{
	struct ct_dev_program *p = malloc(sizeof(*p) + n * sizeof(*insns)), *none = NULL;

	if (p) {
		*p = (struct ct_dev_program){ .fd = fd, .id = id_of_ours(fd), .n = n };
		memcpy(p->insns, insns, n * sizeof(*insns));
		if (fd > 2 && p->id &&
		    __atomic_compare_exchange_n(kept, &none, p, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return;
	}
	free(p);
	close(fd);
}

#define TRIES 32 /* while other processes replace programs of the same cgroup */

int ct_dev_attach(int dirfd, const struct ct_dev_list *l, struct ct_dev_program **kept,
		  struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	CT_CLEAN_FD int fd = -1;
	struct bpf_insn *insns;
	const char *call = "bpf";
	uint32_t n;
	int r;

	if (!a)
		return ct_oom(e);
	r = ct_dev_bpf(l, a, &insns, &n, e);
	if (r < 0)
		return r;
	if (kept)
		fd = take_kept(kept, insns, n);
	if (fd < 0)
		fd = load(insns, n);
	if (fd < 0)
		return load_failed(fd, e);
	for (int i = 0; i < TRIES; i++) {
		CT_CLEAN_FD int old = -1;

		r = find_ours(dirfd, &old, &call);
		if (r == 0) {
			call = "bpf BPF_PROG_ATTACH";
			r = attach(dirfd, fd, old);
		}
		if (r != -ENOENT)
			break;
	}
	if (r < 0)
		return attach_failed(r, call, e);
	if (kept)
		keep(kept, ct_take_fd(&fd), insns, n);
	return 0;
}

bool ct_dev_bpf_usable(const char **why)
{
	CT_CLEAN_FD int fd = -1;
	struct bpf_insn v[2];
	struct program p = { v, 0 };

	emit_return(&p, 1);
	fd = load(v, p.n);
	if (why && fd < 0)
		*why = why_not(fd);
	else if (why)
		*why = "device programs can be loaded";
	return fd >= 0;
}
