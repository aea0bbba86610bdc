/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foreground.h"

#include <errno.h>
#include <string.h>

#include "launch.h"

int write_pidfile(const struct args *a, const char *file, pid_t pid)
{
	FILE *f;
	bool ok;

	if (!file)
		return 0;
	f = fopen(file, "we");
	ok = f && fprintf(f, "%d\n", pid) > 0;
	if (f && fclose(f))
		ok = false;
	if (ok)
		return 0;
	return fail(a, "%s cannot be written: %s", file, strerror(errno));
}

void plan_foreground(ct_start_opts *so)
{
	so->flags |= CT_START_DETACH;
	if (terminal_here())
		so->flags |= CT_START_PTY;
	else
		so->stdio[0] = so->stdio[1] = so->stdio[2] = -1; /* not the console */
}

int run_foreground(const struct args *a, ct_container *c, ct_start_opts *so, struct session *s,
		   const char *pidfile, ct_exit *x)
{
	CLEAN_PROCESS ct_process *p = NULL;
	int err, code;

	s->pty = terminal_here();
	s->container = c;
	err = session_begin(s);
	if (err < 0)
		return fail(a, "the terminal cannot be used: %s", strerror(-err));
	memcpy(so->stdio, s->stdio, sizeof(so->stdio));
	so->rows = s->rows;
	so->cols = s->cols;
	so->modes_fd = s->modes_fd;
	so->flags |= CT_START_DETACH;
	if (s->pty)
		so->flags |= CT_START_PTY;
	code = launch_start(a, c, so, &p);
	if (code) {
		session_end(s);
		return code;
	}
	code = write_pidfile(a, pidfile, ct_process_pid(p));
	if (!code)
		err = session_run(s, p, x);
	session_end(s);
	if (err < 0)
		code = fail(a, "this terminal is lost for it, it is ended: %s", strerror(-err));
	if (code)
		ct_stop(c, CT_STOP_KILL, 0);
	/* something stays of an ephemeral container: then the exit code is not 0 */
	else if (ct_process_wait(p, NULL, 0) > 0 &&
		 fail(a, "%s", ct_process_last_error(p)->message) && !x->code)
		code = EXIT_OWN;
	return code;
}
