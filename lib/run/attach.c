/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_attach(): another plan through the same code. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/container.h"
#include "run/control.h"

extern char **environ;

/* Which config the container runs with: this handle's own start, or what its starter left in the state directory. */
static int running_config(struct ct_container *c, struct ct_config **out, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1, fd = -1;
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	int r;

	pthread_mutex_lock(&c->lock);
	if (c->init && ct_process_running(c->init))
		config = ct_config_copy(c->running);
	pthread_mutex_unlock(&c->lock);
	if (config) {
		*out = config;
		config = NULL;
		return 0;
	}
	dir = ct_state_dir(c, e);
	if (dir < 0 && dir != -ENOENT)
		return dir;
	if (dir >= 0)
		fd = openat(dir, CT_STATE_CONFIG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (dir >= 0 && fd < 0 && errno != ENOENT)
		return ct_fail_sys(e, -errno, CT_ERR_STATE, "attach", "openat", "the running config cannot be read");
	if (fd < 0) {
		ct_err_hint(e, "start it first: ct_start() (ct-start)");
		return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, "attach", "the container does not run");
	}
	config = ct_config_new();
	r = config ? ct_buf_read_fd(&text, fd, 16 << 20) : -ENOMEM;
	if (r >= 0)
		r = ct_config_load_text(config, ct_buf_text(&text), text.len, "running config", e);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "attach", "read", "the running config cannot be read");
	*out = config;
	config = NULL;
	return 0;
}

/* "net_raw setuid" as bits. */
static int parse_caps(const char *names, uint64_t *out, struct ct_err *e)
{
	char word[64] = "cap_";
	cap_value_t v;

	*out = 0;
	for (const char *p = names + strspn(names, " "); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n > sizeof(word) - 5)
			return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "a capability's name is too long");
		memcpy(word + 4, p, n);
		word[4 + n] = 0;
		if (cap_from_name(strncmp(word + 4, "cap_", 4) ? word : word + 4, &v) < 0 || v > 63) {
			ct_err_object(e, word + 4);
			return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "there is no such capability");
		}
		*out |= UINT64_C(1) << v;
		p += n;
	}
	return 0;
}

static int check_opts(const ct_attach_opts *o, struct ct_err *e)
{
	if (o->user && (o->flags & (CT_ATTACH_SET_UID | CT_ATTACH_SET_GID | CT_ATTACH_SET_GROUPS)))
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "attach", "a user by name and ids by number exclude each other");
	if (o->user && !*o->user) {
		ct_err_hint(e, "give a name, UID, or UID:GID; NULL is the payload's own");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "the user is empty");
	}
	if ((o->flags & CT_ATTACH_KEEP_ENV) && (o->flags & CT_ATTACH_CLEAR_ENV))
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "attach", "to keep and to clear the environment exclude each other");
	if ((o->flags & CT_ATTACH_SET_GROUPS) && o->n_groups && !o->groups)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "n_groups without groups");
	if ((o->flags & CT_ATTACH_SET_CAPS) && !o->caps)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "CT_ATTACH_SET_CAPS without caps");
	if (o->cwd && *o->cwd != '/') {
		ct_err_object(e, o->cwd);
		ct_err_hint(e, "give the directory's whole path in the container");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "attach", "the working directory is not an absolute path");
	}
	return ct_check_descriptors(o->stdio, o->keep_fds, o->n_keep_fds, o->exec_fd, "attach", e);
}

static uint32_t joinable(const struct ct_spec *s)
{
	uint32_t ns = ct_build_namespaces(s);

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		ns |= s->ns_share.v[i].ns;
	return ns;
}

static int fill_request(const ct_attach_opts *o, struct ct_prepared *p, int pidfd, struct ct_err *e)
{
	uint32_t have = joinable(p->spec), want = o->namespaces ? o->namespaces & have : have;
	int r = 0;

	p->req = (struct ct_request){.spec = p->spec, .host = &p->host, .name = "", .argv = o->argv, .envp = o->envp,
				     .caller_env = (const char *const *)environ, .pty = o->flags & CT_ATTACH_PTY,
				     .clear_env = o->flags & CT_ATTACH_CLEAR_ENV, .keep_env = o->flags & CT_ATTACH_KEEP_ENV,
				     .no_new_privs = o->flags & CT_ATTACH_NO_NEW_PRIVS, .elevated = o->flags & CT_ATTACH_ELEVATED,
				     .rows = o->rows ? o->rows : 24, .cols = o->cols ? o->cols : 80,
				     .has_exec_fd = o->exec_fd > 0, .exec_fd = o->exec_fd, .keep_fds = o->keep_fds,
				     .n_keep_fds = (uint32_t)o->n_keep_fds, .init_pidfd = pidfd, .namespaces = want, .user = o->user,
				     .set_uid = o->flags & CT_ATTACH_SET_UID, .set_gid = o->flags & CT_ATTACH_SET_GID,
				     .set_groups = o->flags & CT_ATTACH_SET_GROUPS, .set_caps = o->flags & CT_ATTACH_SET_CAPS,
				     .uid = o->uid, .gid = o->gid, .groups = o->groups, .n_groups = (uint32_t)o->n_groups, .cwd = o->cwd};
	if (p->req.set_caps)
		r = parse_caps(o->caps, &p->req.caps, e);
	return r;
}

int ct_run_attach(struct ct_container *c, const ct_attach_opts *o, struct ct_process **out, struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	CT_CLEAN_FD int pidfd = -1;
	struct ct_child child = CT_CHILD_INIT;
	struct ct_spawn spawn = {.log = &c->log};
	int r = check_opts(o, e);

	if (r >= 0)
		r = pidfd = ct_run_init(c, NULL, e);
	if (r >= 0)
		r = running_config(c, &config, e);
	if (r >= 0)
		r = ct_need_image(c, e);
	if (r >= 0)
		r = ct_prepare(c, config, &p, e);
	if (r >= 0)
		r = fill_request(o, &p, pidfd, e);
	if (r >= 0)
		r = ct_build_attach(&p.req, p.arena, &p.plan, e);
	if (r < 0)
		return r;
	spawn.plan = p.plan;
	spawn.image = c->image;
	for (int i = 0; i < 3; i++)
		spawn.stdio[i] = o->stdio[i] == 0 ? i : o->stdio[i];
	r = ct_spawn(&spawn, &child, e);
	if (r < 0)
		return r;
	*out = ct_process_make(&child, -1, -1);
	if (!*out)
		return ct_oom(e);
	(*out)->attached = 1;
	return 0;
}
