/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start, attach, stop, and the other calls for running or defined containers. */
#include <errno.h>
#include <stdlib.h>

#include "api/call.h"
#include "base/fd.h"
#include "run/child/control.h"

#define START_FLAGS                                                                       \
	(CT_START_DETACH | CT_START_PTY | CT_START_CLEAR_ENV | CT_START_EXECUTE |         \
	 CT_START_NO_NEW_PRIVS | CT_START_REAPER | CT_START_NO_REAPER | CT_START_NOWAIT | \
	 CT_START_NOTIFY)
#define ATTACH_FLAGS                                                                              \
	(CT_ATTACH_PTY | CT_ATTACH_SET_UID | CT_ATTACH_SET_GID | CT_ATTACH_SET_GROUPS |           \
	 CT_ATTACH_SET_CAPS | CT_ATTACH_NO_NEW_PRIVS | CT_ATTACH_CLEAR_ENV | CT_ATTACH_KEEP_ENV | \
	 CT_ATTACH_ELEVATED | CT_ATTACH_NOWAIT | CT_ATTACH_NOTIFY)

static int take_start_opts(const ct_start_opts *in, ct_start_opts *o, struct ct_err *e)
{
	int r;

	*o = (ct_start_opts)CT_START_OPTS_INIT;
	r = ct_take_opts(o, sizeof(*o), in, offsetof(ct_start_opts, envp), &o->flags, START_FLAGS,
			 e);
	if (r >= 0 && (o->flags & CT_START_REAPER) && (o->flags & CT_START_NO_REAPER))
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "call",
			       "CT_START_REAPER and CT_START_NO_REAPER exclude each other");
	return r;
}

CT_PUBLIC int ct_start(ct_container *c, const ct_start_opts *opts, ct_process **out)
{
	ct_process *p = NULL, **wanted = NULL;
	ct_start_opts o;
	BEGIN(c, e);

	if (out)
		wanted = &p;
	if (r >= 0)
		r = take_start_opts(opts, &o, &e);
	if (r >= 0)
		r = ct_run_start(c, &o, wanted, &e);
	if (r >= 0 && out)
		*out = p;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_attach(ct_container *c, const ct_attach_opts *opts, ct_process **out)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;
	BEGIN(c, e);

	if (r >= 0 && !out)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "attach", "no place for the process");
	if (r >= 0)
		r = ct_take_opts(&o, sizeof(o), opts, offsetof(ct_attach_opts, envp), &o.flags,
				 ATTACH_FLAGS, &e);
	if (r >= 0 && (o.namespaces & ~CT_NS_ALL))
		r = ct_fail(&e, -EINVAL, CT_ERR_FLAGS, "attach", "unknown namespace 0x%x",
			    o.namespaces & ~CT_NS_ALL);
	if (r >= 0)
		r = ct_run_attach(c, &o, &p, &e);
	if (r >= 0)
		*out = p;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_state(ct_container *c)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_state(c, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC const char *ct_state_name(int state)
{
	static const struct {
		unsigned state;
		const char *name;
	} rows[] = { { CT_STATE_STOPPED, "STOPPED" }, { CT_STATE_STARTING, "STARTING" },
		     { CT_STATE_RUNNING, "RUNNING" }, { CT_STATE_STOPPING, "STOPPING" },
		     { CT_STATE_FROZEN, "FROZEN" },   { CT_STATE_ABORTING, "ABORTING" } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].state == (unsigned)state)
			return rows[i].name;
	return "UNKNOWN";
}

CT_PUBLIC int ct_wait(ct_container *c, unsigned mask, int timeout_ms)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_wait(c, mask, timeout_ms, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC pid_t ct_init_pid(ct_container *c)
{
	pid_t pid = 0;
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_init(c, &pid, &e);
	if (r >= 0)
		ct_close(&r);
	if (pid > 0)
		r = pid;
	else if (r >= 0)
		r = -ESRCH;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_init_pidfd(ct_container *c)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_init(c, NULL, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_stop(ct_container *c, unsigned flags, int timeout_ms)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_stop(c, flags, timeout_ms, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_kill(ct_container *c, int sig)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_kill(c, sig, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_reboot(ct_container *c, int timeout_ms)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_reboot(c, timeout_ms, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_last_exit(ct_container *c, ct_exit *out)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_last_exit(c, out, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_open_process(ct_container *c, ct_process **out)
{
	ct_process *p = NULL;
	BEGIN(c, e);

	if (r >= 0 && !out)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "state", "no place for the process");
	if (r >= 0)
		r = ct_run_open_process(c, &p, &e);
	if (r >= 0)
		*out = p;
	return ct_done(c, &e, r);
}

/* The state directory of a running detached container, or a negative errno, recorded. */
static int supervised(ct_container *c, struct ct_err *e)
{
	int dir = ct_state_dir(c, e);

	if (dir == -ENOENT) {
		ct_err_object(e, c->name);
		ct_err_hint(e, "only a detached container has a console to connect to");
		return ct_ctl_not_running(e, "console");
	}
	return dir;
}

CT_PUBLIC int ct_console_open(ct_container *c, unsigned tty)
{
	CT_CLEAN_FD int dir = -1;
	int fd = -1;
	BEGIN(c, e);

	if (r >= 0)
		r = dir = supervised(c, &e);
	if (r >= 0)
		r = ct_ctl_console(dir, tty, &fd, NULL, &e);
	if (r >= 0)
		r = fd;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_console_resize(ct_container *c, unsigned tty, unsigned rows, unsigned cols)
{
	CT_CLEAN_FD int dir = -1;
	BEGIN(c, e);

	if (r >= 0)
		r = dir = supervised(c, &e);
	if (r >= 0)
		r = ct_ctl_resize(dir, tty, rows, cols, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_console_log(ct_container *c, unsigned flags, char **out, size_t *len)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int dir = -1;
	char *data = NULL;
	BEGIN(c, e);

	if (r >= 0 && (!out || !len || (flags & ~CT_CONSOLE_LOG_CLEAR)))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "console",
			    "no place for the text, or an unknown flag");
	if (r >= 0)
		r = dir = supervised(c, &e);
	if (r >= 0)
		r = ct_ctl_console_log(dir, flags & CT_CONSOLE_LOG_CLEAR, &text, &e);
	if (r >= 0) {
		*len = text.len;
		data = ct_buf_take(&text);
		r = 0;
		if (!data)
			r = ct_oom(&e);
	}
	if (r >= 0)
		*out = data;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_create(ct_container *c, const ct_create_opts *opts)
{
	ct_create_opts o = CT_CREATE_OPTS_INIT;
	BEGIN(c, e);

	if (r >= 0)
		r = ct_take_opts(&o, sizeof(o), opts, offsetof(ct_create_opts, rootfs), &o.flags, 0,
				 &e);
	if (r >= 0)
		r = ct_run_create(c, &o, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_destroy(ct_container *c, unsigned flags)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_run_destroy(c, flags, &e);
	return ct_done(c, &e, r);
}

/* Gives the text to the caller. 0 or -ENOMEM; *out is set on success only. */
static int give_text(struct ct_buf *text, char **out)
{
	char *s;

	if (ct_buf_error(text))
		return -ENOMEM;
	s = ct_buf_take(text);
	if (!s)
		return -ENOMEM;
	*out = s;
	return 0;
}

/* ct_list() has no handle that could have a record, so it has a static error for each kind of
 * failure. */
static const ct_error *list_error(int id)
{
	static const ct_error errors[] = {
		CT_STATIC_ERROR(-EACCES, CT_ERR_CONFIG_FILE,
				"the container directory cannot be read", "list", ""),
		CT_STATIC_ERROR(-EACCES, CT_ERR_STATE, "the state directory cannot be used", "list",
				""),
		CT_STATIC_ERROR(-ENOMEM, CT_ERR_MEMORY, "out of memory", "list", ""),
		CT_STATIC_ERROR(-EINVAL, CT_ERR_ARGUMENT,
				"no place for the names, or an unknown flag", "list", ""),
	};
	unsigned i = 0;

	while (i < sizeof(errors) / sizeof(*errors) - 1 && errors[i].id != id)
		i++;
	return &errors[i];
}

CT_PUBLIC int ct_list(const ct_new_opts *where, unsigned which, char **out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	ct_new_opts o = CT_NEW_OPTS_INIT;
	CT_RECORD(e);
	int r = ct_take_opts(&o, sizeof(o), where, offsetof(ct_new_opts, dir), &o.flags, 0, &e),
	    n = 0;

	if (r >= 0 && (!out || !which || (which & ~(CT_LIST_DEFINED | CT_LIST_RUNNING))))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "list",
			    "no place for the names, or an unknown flag");
	if (r >= 0)
		r = n = ct_run_list(&o, which, &text, &e);
	if (r >= 0)
		r = give_text(&text, out);
	if (r < 0 && o.error)
		*o.error = list_error(e.id);
	if (r < 0)
		return r;
	return n;
}

CT_PUBLIC int ct_check(ct_container *c, const ct_start_opts *opts)
{
	ct_start_opts o;
	BEGIN(c, e);

	if (r >= 0)
		r = take_start_opts(opts, &o, &e);
	if (r >= 0)
		r = ct_look_ahead(c, &o, &e);
	return ct_done(c, &e, r);
}

/* Checks a start, and adds to the faults that have been collected. Returns their number, with their
 * messages in *out, or a negative errno, recorded. */
static int check_for_all(struct ct_container *c, const ct_start_opts *o, char **out,
			 struct ct_err *e)
{
	int r = 0;

	/* a failure that ends the check is one of the faults */
	if (ct_look_ahead(c, o, e) < 0 && !ct_err_next(e))
		r = e->err;
	if (r >= 0 && (r = give_text(&e->all->text, out)) < 0)
		ct_oom(e);
	if (r < 0)
		return r;
	return (int)e->all->n;
}

static int take_check(const ct_start_opts *opts, ct_start_opts *o, char **out, struct ct_err *e)
{
	if (!out)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "check", "no place for the text");
	return take_start_opts(opts, o, e);
}

CT_PUBLIC int ct_check_all(ct_container *c, const ct_start_opts *opts, char **out)
{
	struct ct_faults faults = { .text = CT_BUF_INIT, .keys = CT_BUF_INIT };
	ct_start_opts o;
	BEGIN(c, e);

	if (r >= 0)
		r = take_check(opts, &o, out, &e);
	e.all = &faults;
	if (r >= 0)
		r = check_for_all(c, &o, out, &e);
	ct_faults_free(&faults);
	e.all = NULL;
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_check_file(ct_container *c, const char *path, const ct_start_opts *opts,
			    char **out)
{
	struct ct_faults faults = { .text = CT_BUF_INIT, .keys = CT_BUF_INIT, .keep_good = true };
	struct ct_config *before = NULL;
	ct_start_opts o;
	char *own = NULL;
	BEGIN(c, e);

	if (r >= 0)
		r = take_check(opts, &o, out, &e);
	if (r >= 0) {
		before = c->config;
		c->config = ct_config_copy(before);
		if (!c->config)
			r = ct_oom(&e);
	}
	e.all = &faults;
	if (r >= 0)
		r = ct_load_into(c, c->config, &path, &own, &e);
	if (r >= 0)
		r = check_for_all(c, &o, out, &e);
	if (before) {
		ct_config_free(c->config);
		c->config = before;
	}
	free(own);
	ct_faults_free(&faults);
	e.all = NULL;
	return ct_done(c, &e, r);
}

static int dump_plan(ct_container *c, const ct_start_opts *o, int format, struct ct_buf *text,
		     struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	int r = ct_prepare(c, c->config, &p, e);

	if (r >= 0)
		r = ct_prepare_start(c, o, &p, e);
	if (r >= 0)
		r = ct_build_start(&p.req, p.arena, &p.plan, e);
	if (r < 0)
		return r;
	if (format == CT_FORMAT_JSON)
		return ct_plan_json(p.plan, false, text);
	return ct_plan_text(p.plan, false, text);
}

CT_PUBLIC int ct_dump_plan(ct_container *c, const ct_start_opts *opts, int format, char **out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	ct_start_opts o;
	BEGIN(c, e);

	if (r >= 0 && (!out || (format != CT_FORMAT_TEXT && format != CT_FORMAT_JSON)))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "plan",
			    "no place for the text, or an unknown format");
	if (r >= 0)
		r = take_start_opts(opts, &o, &e);
	if (r >= 0)
		r = dump_plan(c, &o, format, &text, &e);
	if (r >= 0 && (r = give_text(&text, out)) < 0)
		ct_oom(&e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_audit(ct_container *c, const ct_start_opts *opts, int least, int format,
		       char **out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	ct_start_opts o;
	int n = 0;
	BEGIN(c, e);

	if (r >= 0 && (!out || (format != CT_FORMAT_TEXT && format != CT_FORMAT_JSON) ||
		       least < CT_SEVERITY_LOW || least > CT_SEVERITY_CRITICAL))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "audit",
			    "no place for the text, or an unknown format or severity");
	if (r >= 0)
		r = take_start_opts(opts, &o, &e);
	if (r >= 0)
		r = n = ct_run_audit(c, &o, least, format, &text, &e);
	if (r >= 0 && (r = give_text(&text, out)) < 0)
		ct_oom(&e);
	if (r >= 0)
		r = n;
	return ct_done(c, &e, r);
}

CT_PUBLIC const char *ct_severity_name(int severity)
{
	return ct_run_severity(severity);
}

CT_PUBLIC int ct_preflight(int format, char **out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int n, r;

	if (!out || (format != CT_FORMAT_TEXT && format != CT_FORMAT_JSON))
		return -EINVAL;
	n = ct_host_report(format, &text);
	r = give_text(&text, out);
	if (r < 0)
		return r;
	return n;
}
