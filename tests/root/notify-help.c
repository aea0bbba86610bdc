/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

char profile[PATH_MAX + 32], proxy_path[108];
int asker;

void put_profile(const char *text)
{
	int fd = open(profile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

int notify_setup(void **state)
{
	if (box_setup_bare(state))
		return -1;
	snprintf(profile, sizeof(profile), "%s/filter", box.root.base);
	if (snprintf(proxy_path, sizeof(proxy_path), "%s/proxy", box.root.base) >=
	    (int)sizeof(proxy_path))
		return -1;
	asker = open(getenv("CT_ASKER"), O_RDONLY | O_CLOEXEC);
	return asker < 0;
}

int notify_teardown(void **state)
{
	unlink(profile);
	close(asker);
	return box_teardown(state);
}

ct_container *handle(const char *text)
{
	ct_container *c = must_open(NULL);

	put_profile(text);
	assert_ok(c, ct_set_config(c, "seccomp.profile", profile));
	return c;
}

/* Starts the asker. */
ct_process *ask(ct_container *c, uint64_t flags, const char *what)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	o.flags = flags;
	o.argv = ARGV("asker", what);
	o.exec_fd = asker;
	o.stdio[0] = -1;
	assert_ok(c, ct_start(c, &o, &p));
	return p;
}

ct_process *ask_inside(ct_container *c, uint64_t flags, const char *what)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;

	o.flags = flags;
	o.argv = ARGV("asker", what);
	o.exec_fd = asker;
	o.stdio[0] = -1;
	assert_ok(c, ct_attach(c, &o, &p));
	return p;
}

int code_of(ct_process *p)
{
	ct_exit x = must_end(p);

	assert_int_equal(x.reason, CT_EXIT_EXITED);
	return x.code;
}

int listener(ct_process *p)
{
	int fd = ct_process_notify_fd(p);

	assert_true(fd >= 0);
	return fd;
}

/* Waits for a request. */
ct_notify must_receive(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	ct_notify n = CT_NOTIFY_INIT;

	assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	assert_true(look.revents & POLLIN);
	assert_int_equal(ct_notify_receive(fd, &n), 0);
	assert_int_equal(n.size, sizeof(n));
	return n;
}

ct_container *named(const char *name, const char *calls)
{
	ct_container *c = must_open(name);

	assert_ok(c, ct_set_config(c, "seccomp.notify", calls));
	return c;
}
