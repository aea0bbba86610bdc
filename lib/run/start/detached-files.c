/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a detached start holds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/handle/container.h"
#include "run/start/detached.h"
#include "run/state/undo.h"

void ct_detached_close(struct ct_detached *d)
{
	ct_close(&d->alive);
	ct_close(&d->log);
	ct_close(&d->log_dir);
	ct_close(&d->device);
	ct_close(&d->run_log);
	ct_close(&d->home);
	ct_close(&d->watch);
	ct_close(&d->watched);
	ct_close(&d->console);
	ct_close(&d->consoled);
	ct_placeholder_end(&d->holder);
	ct_undo_free(&d->undo);
	ct_close(&d->lock);
	ct_close(&d->dir);
}

void ct_detached_undo(struct ct_detached *d, const char *name)
{
	ct_placeholder_end(&d->holder);
	if (d->dir < 0)
		return;
	ct_state_undo(d->dir, NULL);
	ct_state_remove(d->dir, name, NULL);
}

int ct_detached_open_log(const struct ct_spec *s, struct ct_detached *d, bool make,
			 const char **name, struct ct_err *e)
{
	const char *path = s->console_logfile;
	int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	char dir[4096];

	if (!path)
		return 0;
	if (make)
		flags |= O_CREAT;
	*name = ct_parent(dir, sizeof(dir), path);
	d->log_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->log_dir >= 0)
		d->log = openat(d->log_dir, *name, flags, 0640);
	if (d->log >= 0)
		return 0;
	ct_err_origin(e, ct_spec_origin(s, "console.logfile"));
	ct_err_object(e, path);
	return ct_fail_sys(e, -errno, CT_ERR_CONSOLE, "start", "openat",
			   "the console's log cannot be opened");
}

/* As in LXC a file that does not exist is made. */
int ct_detached_open_device(const struct ct_spec *s, struct ct_detached *d, bool make,
			    struct ct_err *e)
{
	const char *path = s->console_path;
	int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	if (!path || !strcmp(path, "none"))
		return 0;
	if (make)
		flags |= O_CREAT;
	d->device = open(path, flags, 0600);
	if (d->device >= 0)
		return 0;
	ct_err_origin(e, ct_spec_origin(s, "console.path"));
	ct_err_object(e, path);
	ct_err_hint(e, "name a terminal of the host, a file, or none");
	return ct_fail_sys(e, -errno, CT_ERR_CONSOLE, "start", "open",
			   "what is to be the console cannot be opened");
}
