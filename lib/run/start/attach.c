/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_attach(): another plan through the same code. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/ops.h"
#include "base/caps.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "run/start/launch.h"
#include "run/handle/running.h"
#include "run/start/start.h"

extern char **environ;

/* The bits of a list of capabilities, such as "net_raw setuid". */
static int parse_caps(const char *names, uint64_t *out, struct ct_err *e)
{
	*out = 0;
	for (const char *p = names + strspn(names, " "); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		int cap = ct_cap_number(p, n);

		if (cap < 0) {
			char shown[64];

			snprintf(shown, sizeof(shown), "%.*s", (int)n, p);
			ct_err_object(e, shown);
			return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach",
				       "there is no such capability");
		}
		*out |= CT_CAP_BIT(cap);
		p += n;
	}
	return 0;
}

static int check_opts(const ct_attach_opts *o, struct ct_err *e)
{
	if (o->user && (o->flags & (CT_ATTACH_SET_UID | CT_ATTACH_SET_GID | CT_ATTACH_SET_GROUPS)))
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "attach",
			       "a user by name and ids by number exclude each other");
	if (o->user && !*o->user) {
		ct_err_hint(e, "give a name, UID, or UID:GID; NULL is the payload's own");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "the user is empty");
	}
	if ((o->flags & CT_ATTACH_KEEP_ENV) && (o->flags & CT_ATTACH_CLEAR_ENV))
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "attach",
			       "to keep and to clear the environment exclude each other");
	if ((o->flags & CT_ATTACH_SET_GROUPS) && o->n_groups && !o->groups)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "n_groups without groups");
	if ((o->flags & CT_ATTACH_SET_CAPS) && !o->caps)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach",
			       "CT_ATTACH_SET_CAPS without caps");
	if (o->cwd && *o->cwd != '/') {
		ct_err_object(e, o->cwd);
		ct_err_hint(e, "give the directory's whole path in the container");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach",
			       "the working directory is not an absolute path");
	}
	return ct_check_descriptors(o->stdio, o->keep_fds, o->n_keep_fds, o->exec_fd, "attach", e);
}

/* The container's namespaces that an attach can join. */
static uint32_t joinable(const struct ct_spec *s)
{
	uint32_t ns = ct_build_namespaces(s);

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		ns |= s->ns_share.v[i].ns;
	return ns;
}

static int fill_request(const ct_attach_opts *o, struct ct_prepared *p, int pidfd, struct ct_err *e)
{
	uint32_t want = joinable(p->spec);
	int r = 0;

	if (o->namespaces)
		want &= o->namespaces;
	p->req = (struct ct_request){ .spec = p->spec,
				      .host = &p->host,
				      .name = "",
				      .argv = o->argv,
				      .envp = o->envp,
				      .caller_env = (const char *const *)environ,
				      .pty = o->flags & CT_ATTACH_PTY,
				      .clear_env = o->flags & CT_ATTACH_CLEAR_ENV,
				      .keep_env = o->flags & CT_ATTACH_KEEP_ENV,
				      .no_new_privs = o->flags & CT_ATTACH_NO_NEW_PRIVS,
				      .elevated = o->flags & CT_ATTACH_ELEVATED,
				      .notify = o->flags & CT_ATTACH_NOTIFY,
				      .rows = 24,
				      .cols = 80,
				      .has_exec_fd = ct_given_fd(o->exec_fd) >= 0,
				      .exec_fd = ct_given_fd(o->exec_fd),
				      .keep_fds = o->keep_fds,
				      .n_keep_fds = (uint32_t)o->n_keep_fds,
				      .init_pidfd = pidfd,
				      .namespaces = want,
				      .user = o->user,
				      .set_uid = o->flags & CT_ATTACH_SET_UID,
				      .set_gid = o->flags & CT_ATTACH_SET_GID,
				      .set_groups = o->flags & CT_ATTACH_SET_GROUPS,
				      .set_caps = o->flags & CT_ATTACH_SET_CAPS,
				      .uid = o->uid,
				      .gid = o->gid,
				      .groups = o->groups,
				      .n_groups = (uint32_t)o->n_groups,
				      .cwd = o->cwd };
	if (o->rows)
		p->req.rows = o->rows;
	if (o->cols)
		p->req.cols = o->cols;
	if (p->req.pty)
		r = ct_terminal_modes(o->modes_fd, p->arena, &p->req.modes, "attach", e);
	if (r >= 0 && p->req.set_caps)
		r = parse_caps(o->caps, &p->req.caps, e);
	return r;
}

/* Opens the backends for a process that joins the container. */
static int open_backends(struct ct_container *c, struct ct_prepared *p,
			 struct ct_cgroups_held *held, pid_t init, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf records = CT_BUF_INIT;
	int r = ct_made_of(c, held, &records, e);
	struct ct_backend_input in = { .req = &p->req,
				       .host = &p->host,
				       .arena = p->arena,
				       .attach = true,
				       .running = held,
				       .records = ct_buf_text(&records),
				       .init = init };

	if (r >= 0 && ct_buf_error(&records))
		r = ct_oom(e);
	if (r < 0)
		return r;
	return ct_backends_open(&p->backends, &in, e);
}

/* The part of an attach that changes nothing on the host. l->into gets the pidfd of init. */
static int prepare_launch(struct ct_container *c, const ct_attach_opts *o, struct ct_launch *l,
			  struct ct_cgroups_held *held, struct ct_err *e)
{
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	struct ct_prepared *p = &l->prepared;
	struct ct_running running;
	pid_t pid = 0;
	int r = ct_run_init(c, &pid, e);

	l->into = r;
	if (r >= 0)
		r = ct_running_config(c, &config, e);
	if (r >= 0)
		r = ct_need_image(c, e);
	if (r >= 0)
		r = ct_prepare(c, config, p, e);
	if (r >= 0)
		r = fill_request(o, p, l->into, e);
	if (r >= 0)
		r = ct_running_read(pid, l->into, p->arena, &running, e);
	l->init = pid;
	if (r < 0)
		return r;
	p->req.running = &running;
	r = open_backends(c, p, held, pid, e);
	if (r >= 0)
		r = ct_build_attach(&p->req, p->arena, &p->plan, e);
	p->req.running = NULL;
	return r;
}

int ct_run_attach(struct ct_container *c, const ct_attach_opts *o, struct ct_process **out,
		  struct ct_err *e)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	struct ct_process *proc = NULL;
	struct ct_launch *l;
	int r = check_opts(o, e);

	if (r < 0)
		return r;
	l = ct_launch_new("attach", &c->log);
	if (!l)
		return ct_oom(e);
	proc = ct_process_new(l, &ct_launch_ops);
	if (!proc)
		return ct_oom(e);
	proc->attached = 1;
	r = prepare_launch(c, o, l, &held, e);
	if (r >= 0) {
		l->spawn.plan = l->prepared.plan;
		proc->filter_kills = l->prepared.plan->filter_kills;
		l->spawn.image = c->image;
		l->way_out = ct_cgroup_way_out(&held);
		ct_start_stdio(o->stdio, l->spawn.stdio);
		ct_launch_deadline(l, o->timeout_ms);
		r = ct_launch_begin(proc, !(o->flags & CT_ATTACH_NOWAIT), e);
	} else {
		r = ct_launch_fail(proc, r, e);
	}
	ct_cgroup_forget(&held);
	if (r < 0)
		ct_process_put(proc);
	else
		*out = proc;
	return r;
}
