/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminals: the console (or the payload's pseudo terminal) and the ttys of a detached system. All
 * from the container's own devpts, all bound by descriptor. */
#include <errno.h>
#include <string.h>

#include "plan/builder.h"

struct tty {
	const char *name; /* below /dev */
	const char *slot;
	uint64_t tag, index;
	const char *modes; /* NULL: the kernel's own */
	const struct ct_origin *at;
};

/* Binds the peer at /dev/NAME: in a /dev of the container's own on a new file, else on what the
 * root file system has there. */
static void bind_peer(struct ct_builder *b, const struct tty *t, int peer)
{
	struct ct_step *s;

	if (b->dev != CT_SLOT_NONE) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_TOUCH, t->at);
		s->b = (int16_t)b->dev;
		s->s[0] = t->name;
		s->n[0] = 0600;
	}
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_PTY_BIND, t->at);
	s->a = (int16_t)peer;
	if (!ct_build_in_dev(b, s, t->name))
		s->flags = CT_SF_CREATE_FILE;
}

/* A new pty: its peer is bound at /dev/NAME, its master is sent to the caller. Returns the peer's
 * slot. */
static int add_tty(struct ct_builder *b, const struct tty *t)
{
	int master = ct_plan_slot(b->plan, t->slot),
	    peer = ct_plan_slot(b->plan, ct_arena_printf(b->arena, "%s peer", t->slot));
	struct ct_step *s = ct_plan_add(b->plan, b->pts_phase, CT_OP_PTY_NEW, t->at);

	s->a = (int16_t)b->pts;
	s->o = (int16_t)master;
	s->p = (int16_t)peer;
	s->n[0] = b->req->rows;
	s->n[1] = b->req->cols;
	s->s[1] = t->modes;
	if (b->pts_phase == CT_PHASE_HOST) {
		s->n[2] = ct_build_outside(b->spec, false, 0);
		s->n[3] = ct_build_outside(b->spec, true, 0);
	}
	bind_peer(b, t, peer);
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_SEND_FD, t->at);
	s->a = (int16_t)master;
	s->n[0] = t->tag;
	s->n[1] = t->index;
	return peer;
}

/* tty.dir: the terminal is in that directory, and a link to it at its usual name. */
static void link_tty(struct ct_builder *b, const char *name, const char *to,
		     const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_SYMLINK, at);

	s->b = (int16_t)b->dev;
	s->s[0] = name;
	s->s[1] = to;
}

/* The path of a terminal below /dev: NAME, or DIR/NAME, to which it makes the link. NULL: no
 * memory. */
static const char *place(struct ct_builder *b, const char *name, const struct ct_origin *at)
{
	const char *dir = b->spec->tty_dir, *path;

	if (!dir || !*dir)
		return name;
	path = ct_arena_printf(b->arena, "%s/%s", dir, name);
	if (path)
		link_tty(b, name, path, at);
	return path;
}

/* The terminals of a system's logins. The payload gets their names in the variable that systemd
 * starts its logins by, as LXC has it; the container's own devpts numbers them from `first` on. */
static void add_ttys(struct ct_builder *b, uint32_t first)
{
	const struct ct_origin *at = ct_build_at(b, "tty.max");
	const char *names = "container_ttys=", *separator = "";

	for (uint32_t i = 1; i <= b->spec->tty_max && names; i++) {
		const char *name = ct_arena_printf(b->arena, "tty%u", i);
		struct tty t = { .slot = name, .tag = CT_FD_TAG_TTY, .index = i, .at = at };

		if (name)
			t.name = place(b, name, at);
		if (!t.name) {
			names = NULL;
			break;
		}
		add_tty(b, &t);
		names = ct_arena_printf(b->arena, "%s%spts/%u", names, separator, first + i - 1);
		separator = " ";
	}
	if (!names)
		b->plan->err = -ENOMEM;
	if (b->spec->tty_max)
		b->ttys = names;
}

/* Whether the container has a console. Beside stdio of the caller's it is best effort: only with a
 * /dev of the container's own. */
static bool has_console(const struct ct_builder *b)
{
	const char *path = b->spec->console_path;

	if (b->req->pty)
		return true;
	if (!b->req->detached || (path && !strcmp(path, "none")))
		return false;
	return !b->req->stdio_given || b->dev != CT_SLOT_NONE;
}

/* The console of a detached container, or the terminal of one in process. */
static void add_console(struct ct_builder *b)
{
	const char *key = "autodev";
	struct tty t = { .slot = "console", .tag = CT_FD_TAG_PTY, .modes = b->req->modes };
	struct ct_step *s;
	int peer;

	if (b->req->pty)
		key = "console.path";
	if (b->req->detached)
		t.tag = CT_FD_TAG_CONSOLE;
	t.at = ct_build_at(b, key);
	t.name = place(b, "console", t.at);
	peer = add_tty(b, &t);
	if (b->req->stdio_given)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_STDIO, t.at);
	s->a = (int16_t)peer;
	/* the child of a reaper makes it its controlling terminal itself */
	s->n[0] = !b->spec->init_reaper;
	b->own_tty = true;
}

int ct_build_tty(struct ct_builder *b)
{
	const char *dir = b->spec->tty_dir;
	bool console = has_console(b), has_dir = dir && *dir;
	struct ct_step *s;

	if (!console && !(b->req->detached && b->spec->tty_max))
		return 0;
	if (b->dev == CT_SLOT_NONE && has_dir) {
		ct_err_origin(b->err, ct_build_at(b, "tty.dir"));
		ct_err_hint(b->err, "set autodev = 1, or take tty.dir out: the terminals then "
				    "stand in the /dev of the root file system itself");
		return ct_fail(b->err, -EINVAL, CT_ERR_CONSOLE, "plan",
			       "a directory of terminals needs the container's own /dev");
	}
	if (b->dev == CT_SLOT_NONE)
		ct_build_pts(b, ct_build_at(b, "autodev"));
	if (has_dir) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_MKDIR, ct_build_at(b, "tty.dir"));
		s->b = (int16_t)b->dev;
		s->s[0] = dir;
		s->n[0] = 0755;
	}
	if (console)
		add_console(b);
	if (b->req->detached)
		add_ttys(b, console);
	return 0;
}
