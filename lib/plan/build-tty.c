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

/* The peer at /dev/NAME: in a /dev of the container's own on a new file, else on what the root
 * file system has there. */
static void stand(struct ct_builder *b, const struct tty *t, int peer)
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
	s->flags = ct_build_in_dev(b, s, t->name) ? 0 : CT_SF_CREATE_FILE;
}

/* A new pty whose peer stands at /dev/NAME and whose master goes to the caller.
 * Returns the peer's slot. */
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
	stand(b, t, peer);
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_SEND_FD, t->at);
	s->a = (int16_t)master;
	s->n[0] = t->tag;
	s->n[1] = t->index;
	return peer;
}

/* tty.dir: the terminal stands in the directory, a link to it where programs look. */
static void link_tty(struct ct_builder *b, const char *name, const char *to,
		     const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_SYMLINK, at);

	s->b = (int16_t)b->dev;
	s->s[0] = name;
	s->s[1] = to;
}

/* Where a terminal stands below /dev: NAME, or DIR/NAME with a link. */
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

/* The payload is told of them in the variable that systemd starts its logins by, as LXC does: a
 * devpts that is theirs alone numbers them from `first` on. */
static void add_ttys(struct ct_builder *b, uint32_t first)
{
	const struct ct_origin *at = ct_build_at(b, "tty.max");
	const char *told = "container_ttys=";

	for (uint32_t i = 1; i <= b->spec->tty_max; i++) {
		const char *name = ct_arena_printf(b->arena, "tty%u", i);
		struct tty t = { .name = name ? place(b, name, at) : "",
				 .slot = name ? name : "",
				 .tag = CT_FD_TAG_TTY,
				 .index = i,
				 .at = at };

		add_tty(b, &t);
		told = told ? ct_arena_printf(b->arena, "%s%spts/%u", told, i > 1 ? " " : "",
					      first + i - 1)
			    : NULL;
	}
	if (!told)
		b->plan->err = -ENOMEM;
	b->ttys = b->spec->tty_max ? told : NULL;
}

int ct_build_tty(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	bool none = sp->console_path && !strcmp(sp->console_path, "none");
	/* with descriptors of the caller's as stdio it is a convenience: done without where there
	 * is no place for it */
	bool spare = b->req->stdio_given && b->dev == CT_SLOT_NONE;
	bool console = b->req->pty || (b->req->detached && !none && !spare);
	const struct ct_origin *at = ct_build_at(b, b->req->pty ? "console.path" : "autodev");
	struct ct_step *s;

	if (!console && !(b->req->detached && sp->tty_max))
		return 0;
	if (b->dev == CT_SLOT_NONE && sp->tty_dir && *sp->tty_dir) {
		ct_err_origin(b->err, ct_build_at(b, "tty.dir"));
		ct_err_hint(b->err, "set autodev = 1, or take tty.dir out: the terminals then "
				    "stand in the /dev of the root file system itself");
		return ct_fail(b->err, -EINVAL, CT_ERR_CONSOLE, "plan",
			       "a directory of terminals needs the container's own /dev");
	}
	if (b->dev == CT_SLOT_NONE)
		ct_build_pts(b, ct_build_at(b, "autodev"));
	if (sp->tty_dir && *sp->tty_dir) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_MKDIR, ct_build_at(b, "tty.dir"));
		s->b = (int16_t)b->dev;
		s->s[0] = sp->tty_dir;
		s->n[0] = 0755;
	}
	if (console) {
		struct tty t = { .name = place(b, "console", at),
				 .slot = "console",
				 .tag = b->req->detached ? CT_FD_TAG_CONSOLE : CT_FD_TAG_PTY,
				 .modes = b->req->modes,
				 .at = at };
		int peer = add_tty(b, &t);

		if (!b->req->stdio_given) {
			s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_STDIO, at);
			s->a = (int16_t)peer;
			/* of a reaper's child, which takes it for itself */
			s->n[0] = !sp->init_reaper;
			b->own_tty = true;
		}
	}
	if (b->req->detached)
		add_ttys(b, console);
	return 0;
}
