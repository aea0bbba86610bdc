/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config that a container runs with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/child/control.h"
#include "run/handle/container.h"

int ct_running_config(struct ct_container *c, struct ct_config **out, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1, fd = -1;
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	int r;

	pthread_mutex_lock(&c->lock);
	if (c->init && ct_process_in_process(c->init))
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
		return ct_fail_sys(e, -errno, CT_ERR_STATE, "attach", "openat",
				   "the running config cannot be read");
	if (fd < 0) {
		ct_err_hint(e, "start it first: ct_start() (ct-start)");
		return ct_ctl_not_running(e, "attach");
	}
	config = ct_config_new();
	r = -ENOMEM;
	if (config)
		r = ct_buf_read_fd(&text, fd, 16 << 20);
	if (r >= 0)
		r = ct_config_load_text(config, ct_buf_text(&text), text.len, "running config", e);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "attach", "read",
				   "the running config cannot be read");
	*out = config;
	config = NULL;
	return 0;
}

int ct_running_reaper(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	int r = ct_running_config(c, &config, e);

	if (r >= 0)
		r = ct_config_get(config, "init.reaper", &text, e);
	if (r < 0)
		return r;
	return !strcmp(ct_buf_text(&text), "1");
}

int ct_keep_running_config(struct ct_container *c, struct ct_config *config, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int dir = -1;
	struct ct_config *old = NULL;
	int r;

	pthread_mutex_lock(&c->lock);
	if (c->init && ct_process_in_process(c->init)) {
		old = c->running;
		c->running = config;
	}
	pthread_mutex_unlock(&c->lock);
	if (old) {
		ct_config_free(old);
		return 0;
	}
	r = dir = ct_state_dir(c, e);
	if (r >= 0)
		r = ct_config_print(config, false, &text);
	if (r >= 0)
		r = ct_write_file_at(dir, CT_STATE_CONFIG, ct_buf_text(&text), text.len, 0600);
	/* in process there is no state directory, and that of an ephemeral container is removed */
	if (r == -ENOENT || r == -ESRCH) {
		ct_err_clear(e);
		return ct_fail(e, -ESRCH, CT_ERR_STATE, "limits",
			       "the container has ended meanwhile");
	}
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "limits", "openat",
				   "the running config cannot be written");
	ct_config_free(config);
	return 0;
}
