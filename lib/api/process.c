/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public functions for processes. */
#include <errno.h>
#include <sys/ioctl.h>

#include "api/call.h"
#include "run/child/control.h"
#include "run/start/launch.h"

/* Ends a call: the record becomes the thread's, in the handle. Returns r. */
static int done(ct_process *p, const struct ct_err *e, int r)
{
	if (!p || p->owner != getpid())
		return r;
	/* a wait that succeeds may have a record, too: of what went wrong behind the end */
	if (r >= 0 && !e->err)
		e = NULL;
	ct_records_set(&p->errors, e);
	return r;
}

static int check(const ct_process *p, struct ct_err *e)
{
	if (!p)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "call", "no process");
	if (p->owner != getpid())
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "call",
			       "the handle belongs to the process that this one was forked from");
	return 0;
}

CT_PUBLIC ct_process *ct_process_ref(ct_process *p)
{
	if (!p)
		return NULL;
	return ct_process_get(p);
}

CT_PUBLIC ct_process *ct_process_unref(ct_process *p)
{
	ct_process_put(p);
	return NULL;
}

CT_PUBLIC pid_t ct_process_pid(const ct_process *p)
{
	if (!p)
		return -EINVAL;
	if (ct_process_starting(p))
		return -EINPROGRESS;
	return p->child.pid;
}

CT_PUBLIC int ct_process_pidfd(const ct_process *p)
{
	if (!p)
		return -EINVAL;
	if (ct_process_starting(p))
		return -EINPROGRESS;
	return p->child.pidfd;
}

CT_PUBLIC int ct_process_notify_fd(const ct_process *p)
{
	if (!p)
		return -EINVAL;
	if (ct_process_starting(p))
		return -EINPROGRESS;
	if (p->child.notify < 0)
		return -ENOENT;
	return p->child.notify;
}

CT_PUBLIC int ct_process_start_fd(const ct_process *p)
{
	if (!p)
		return -EINVAL;
	if (ct_process_starting(p) && p->launch->poll >= 0)
		return p->launch->poll;
	return -ESRCH;
}

CT_PUBLIC int ct_process_started(ct_process *p, int timeout_ms)
{
	CT_RECORD(e);
	int r = check(p, &e);

	if (r >= 0)
		r = ct_launch_follow(p, timeout_ms, &e);
	return done(p, &e, r);
}

CT_PUBLIC int ct_process_end_fd(const ct_process *p)
{
	if (!p)
		return -EINVAL;
	return ct_process_ends(p);
}

CT_PUBLIC int ct_process_wait(ct_process *p, ct_exit *out, int timeout_ms)
{
	CT_RECORD(e);
	int r = check(p, &e);

	if (r >= 0)
		r = ct_process_await(p, out, timeout_ms, &e);
	return done(p, &e, r);
}

CT_PUBLIC int ct_process_kill(ct_process *p, int sig)
{
	CT_RECORD(e);
	int r = check(p, &e);

	if (r >= 0)
		r = ct_process_signal(p, sig, &e);
	return done(p, &e, r);
}

CT_PUBLIC int ct_process_pty(const ct_process *p)
{
	if (p && p->child.pty >= 0)
		return p->child.pty;
	return -ENOTTY;
}

CT_PUBLIC int ct_process_resize(ct_process *p, unsigned rows, unsigned cols)
{
	CT_RECORD(e);
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
	int r = check(p, &e);

	if (r >= 0 && (rows > 0xffff || cols > 0xffff))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "resize",
			    "no terminal has %u rows and %u columns", rows, cols);
	if (r >= 0 && p->child.pty < 0)
		r = ct_fail(&e, -ENOTTY, CT_ERR_CONSOLE, "resize",
			    "the process was started without a terminal");
	if (r >= 0 && p->state >= 0)
		return done(p, &e, ct_ctl_resize(p->state, 0, rows, cols, &e));
	if (r >= 0 && ioctl(p->child.pty, TIOCSWINSZ, &size) < 0)
		r = ct_fail_sys(&e, -errno, CT_ERR_CONSOLE, "resize", "ioctl",
				"the terminal cannot be resized");
	return done(p, &e, r);
}

CT_PUBLIC const ct_error *ct_process_last_error(const ct_process *p)
{
	if (!p)
		return &ct_no_handle;
	if (p->owner == getpid())
		return ct_last_of(&((struct ct_process *)(uintptr_t)p)->errors);
	return &ct_forked;
}
