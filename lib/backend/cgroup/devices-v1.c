/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy for the devices controller of version 1, which has a default and exceptions from it
 * without order:
 *  - Default "deny": an access is allowed when one exception names the device and all of the access
 *    asked for. So each cell is written with all that it allows, and no cell may allow less than a
 *    wider one does: a hole in a wildcard cannot be expressed.
 *  - Default "allow": an access is denied when any exception names the device and some of the
 *    access. So no cell may deny less than a wider one does.
 * A policy that fits neither default is refused. Only what the policy allows counts, not the rules
 * that it was made of, nor their order.
 */
#include "backend/cgroup/devices.h"

#include <errno.h>

#include "backend/cgroup/devices-cells.h"
#include "model/type.h"

/* A policy as the kernel has it: the default, and for each type of device the exceptions, whose
 * access is in the cells' `allowed`. */
struct v1_list {
	bool allow;
	struct ct_dev_cells of[2];
};

/* The cell that has any minor number (step 0), or any major number (step 1), in place of the number
 * of `cell`. False: `cell` has it already. */
static bool widen(const struct ct_dev_list *l, const struct ct_dev_cell *cell, int step,
		  struct ct_dev_cell *out)
{
	*out = *cell;
	if (step == 0)
		out->minor = CT_DEV_ANY;
	else
		out->major = CT_DEV_ANY;
	if (out->major == cell->major && out->minor == cell->minor)
		return false;
	out->allowed = ct_dev_decide(l, out->type, out->major, out->minor);
	return true;
}

/* The access that an exception for a cell has when the default is `allow`. */
static uint8_t exception(const struct ct_dev_cell *cell, bool allow)
{
	if (allow)
		return (uint8_t)(CT_DEV_ALL & ~cell->allowed);
	return cell->allowed;
}

/* Whether exceptions from this default can express the policy. If not, `hole` becomes the cell that
 * cannot be expressed because of the wider cell `around`. */
static bool can_express(const struct ct_dev_list *l, const struct ct_dev_cells cells[2], bool allow,
			struct ct_dev_cell *hole, struct ct_dev_cell *around)
{
	for (int t = 0; t < 2; t++) {
		for (uint32_t i = 0; i < cells[t].n; i++) {
			*hole = cells[t].v[i];
			for (int step = 0; step < 2; step++) {
				if (widen(l, hole, step, around) &&
				    (exception(around, allow) & ~exception(hole, allow)))
					return false;
			}
		}
	}
	return true;
}

/* A rule's text in the arena; NULL without memory. */
static const char *text_of(const struct ct_dev_cell *cell, uint8_t access, struct ct_arena *a)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
	struct ct_dev_rule rule = { cell->type, true, access, cell->major, cell->minor };

	ct_dev_print(&rule, &b);
	if (ct_buf_error(&b))
		return NULL;
	return ct_arena_strdup(a, ct_buf_text(&b));
}

/* Records which part of the policy version 1 cannot express. */
static int refuse(const struct ct_dev_cell *hole, const struct ct_dev_cell *around, bool allow,
		  struct ct_arena *a, struct ct_err *e)
{
	uint8_t lost = (uint8_t)(exception(around, allow) & ~exception(hole, allow));
	const char *inner = text_of(hole, lost, a),
		   *outer = text_of(around, exception(around, allow), a);
	const char *verb = "deny", *opposite = "allow", *state = "allowed";

	if (allow) {
		verb = "allow";
		opposite = "deny";
		state = "denied";
	}
	if (!inner || !outer)
		return ct_oom(e);
	ct_err_object(e, inner);
	ct_err_hint(e,
		    "leave out \"%s %s\", or %s devices one by one instead of \"%s\"; "
		    "cgroup version 2 can do it",
		    verb, inner, opposite, outer);
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_DEVICES, "devices",
		       "cgroup version 1 cannot %s this while \"%s\" is %s", verb, outer, state);
}

/* Makes exceptions of the cells. Those that a wider exception includes are left out. */
static void make_exceptions(const struct ct_dev_list *l, bool allow, struct ct_dev_cells *cells)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < cells->n; i++) {
		struct ct_dev_cell cell = cells->v[i], wider;
		uint8_t access = exception(&cell, allow);
		bool is_included = !access;

		for (int step = 0; step < 2; step++)
			is_included |= widen(l, &cell, step, &wider) &&
				       exception(&wider, allow) == access;
		cell.allowed = access;
		if (!is_included)
			cells->v[n++] = cell;
	}
	cells->n = n;
}

/* Converts the policy. The result depends on nothing else, so that a later call for the policy that
 * was written before gives what the kernel has. */
static int convert(const struct ct_dev_list *l, const struct ct_origin *at, struct ct_arena *a,
		   struct v1_list *out, struct ct_err *e)
{
	struct ct_dev_cell hole, around, other[2];
	int r = 0;

	for (int t = 0; t < 2 && r == 0; t++)
		r = ct_dev_cells(l, "cb"[t], a, &out -> of[t], e);
	out->allow = l->allow_rest;
	if (r == 0 && !can_express(l, out->of, out->allow, &hole, &around)) {
		out->allow = !out->allow;
		if (!can_express(l, out->of, out->allow, &other[0], &other[1]))
			r = refuse(&hole, &around, !out->allow, a, e);
	}
	if (r < 0) {
		ct_err_origin(e, at);
		return r;
	}
	for (int t = 0; t < 2; t++)
		make_exceptions(l, out->allow, &out->of[t]);
	return 0;
}

/* ---- writes ---------------------------------------------------------------------------------- */

/* Appends one write. */
static int put(struct ct_cg_writes *out, bool allow, const char *value, const struct ct_origin *at,
	       struct ct_arena *a)
{
	struct ct_cg_write *w = NULL;

	if (value)
		w = CT_LIST_ADD(a, out);
	if (!w)
		return -ENOMEM;
	*w = (struct ct_cg_write){ .at = at, .file = "devices.deny", .value = value };
	if (allow)
		w->file = "devices.allow";
	return 0;
}

/* The default, then the exceptions. */
static int put_all(const struct v1_list *to, const struct ct_origin *at, struct ct_arena *a,
		   struct ct_cg_writes *out)
{
	int r = put(out, to->allow, "a", at, a);

	for (int t = 0; t < 2; t++) {
		for (uint32_t i = 0; i < to->of[t].n && r == 0; i++) {
			const struct ct_dev_cell *cell = &to->of[t].v[i];

			r = put(out, !to->allow, text_of(cell, cell->allowed, a), at, a);
		}
	}
	return r;
}

/* The access in the exception for exactly this cell; 0: there is none. */
static uint8_t access_in(const struct ct_dev_cells *list, const struct ct_dev_cell *cell)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->v[i].major == cell->major && list->v[i].minor == cell->minor)
			return list->v[i].allowed;
	}
	return 0;
}

/* What the exceptions of `from` have more than those of `to`, written to devices.allow or
 * devices.deny. */
static int put_difference(const struct v1_list *from, const struct v1_list *to, bool allow,
			  const struct ct_origin *at, struct ct_arena *a, struct ct_cg_writes *out)
{
	int r = 0;

	for (int t = 0; t < 2; t++) {
		for (uint32_t i = 0; i < from->of[t].n && r == 0; i++) {
			const struct ct_dev_cell *cell = &from->of[t].v[i];
			uint8_t more = (uint8_t)(cell->allowed & ~access_in(&to->of[t], cell));

			if (more)
				r = put(out, allow, text_of(cell, more, a), at, a);
		}
	}
	return r;
}

/* -ENOMEM, and -E2BIG for too many rules, are recorded, too. The kernel accepts the first write
 * only while the cgroup has none below it, and copies the list to those that are made later. */
int ct_dev_v1_writes(const struct ct_dev_list *l, const struct ct_origin *at, struct ct_arena *a,
		     struct ct_cg_writes *out, struct ct_err *e)
{
	struct ct_cg_writes writes = *out;
	struct v1_list to;
	int r = convert(l, at, a, &to, e);

	if (r < 0)
		return r;
	if (put_all(&to, at, a, &writes) < 0)
		return ct_oom(e);
	*out = writes;
	return 0;
}

int ct_dev_v1_change(const struct ct_dev_list *from, const struct ct_dev_list *l,
		     const struct ct_origin *at, struct ct_arena *a, struct ct_cg_writes *out,
		     struct ct_err *e)
{
	struct ct_cg_writes writes = *out;
	struct v1_list was, to;
	/* with the default "deny" a new exception allows, and a removed one denies; with "allow" it
	 * is the other way round */
	const struct v1_list *allows = &to, *denies = &was;
	int r = convert(from, at, a, &was, e);

	if (r == 0)
		r = convert(l, at, a, &to, e);
	if (r < 0)
		return r;
	if (to.allow) {
		allows = &was;
		denies = &to;
	}
	if (was.allow != to.allow) {
		r = put_all(&to, at, a, &writes);
	} else {
		/* first what is allowed from now on, so that what both policies allow is never
		 * denied */
		r = put_difference(allows, denies, true, at, a, &writes);
		if (r == 0)
			r = put_difference(denies, allows, false, at, a, &writes);
	}
	if (r < 0)
		return ct_oom(e);
	*out = writes;
	return 0;
}
