/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/user.h"
#include "terminal.h"

int sandbox_add_mount(const struct opt *row, const char *value)
{
	struct sandbox *box = row->to;

	if (run_mounts_add(&box->mounts, row->name, value) < 0)
		return fail(box->args, "out of memory");
	return 0;
}

/* A variable that is named without a value, and that the tool does not have, is left out. */
int sandbox_add_variable(const struct opt *row, const char *text)
{
	struct sandbox *box = row->to;
	const char *value;
	char *whole;

	if (!strchr(text, '=')) {
		value = getenv(text);
		if (!value)
			return 0;
		if (asprintf(&whole, "%s=%s", text, value) < 0)
			return fail(box->args, "out of memory");
		text = whole;
	}
	if (strings_add(&box->env, text) < 0)
		return fail(box->args, "out of memory");
	return 0;
}

int sandbox_keep_fd(const struct opt *row, const char *value)
{
	struct sandbox *box = row->to;
	unsigned long fd;

	if (number(value, INT_MAX, &fd) || fcntl((int)fd, F_GETFD) < 0)
		return fail(box->args, "--%s %s: no such open descriptor", row->name, value);
	if (box->n_keep == SANDBOX_KEEP_MAX)
		return fail(box->args, "--%s: at most %d of them", row->name, SANDBOX_KEEP_MAX);
	box->keep[box->n_keep++] = (int)fd;
	return 0;
}

/* ---- from options to keys -------------------------------------------------------------------- */

static const char *const own_by_default[] = { "mnt", "pid", "uts", "ipc", "net", "cgroup" };
static const char *const on_request[] = { "user", "time" };
#define N_OWN (sizeof(own_by_default) / sizeof(*own_by_default))
#define N_REQUEST (sizeof(on_request) / sizeof(*on_request))

static bool named(const struct strings *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcasecmp(list->v[i], name))
			return true;
	return false;
}

static int known_namespaces(const struct sandbox *box, const struct strings *list,
			    const char *option)
{
	for (size_t i = 0; i < list->n; i++) {
		bool found = false;

		for (size_t k = 0; k < N_OWN; k++)
			found = found || !strcasecmp(list->v[i], own_by_default[k]);
		for (size_t k = 0; k < N_REQUEST; k++)
			found = found || !strcasecmp(list->v[i], on_request[k]);
		if (!found)
			return fail(box->args,
				    "--%s %s: there are mnt, pid, uts, ipc, net, cgroup, user, "
				    "time",
				    option, list->v[i]);
	}
	return 0;
}

static void add_word(char *text, size_t size, const char *word)
{
	size_t n = strlen(text);

	if (n)
		snprintf(text + n, size - n, " %s", word);
	else
		snprintf(text, size, "%s", word);
}

static int set_namespaces(ct_container *c, const struct sandbox *box)
{
	char text[128] = "";
	int err = known_namespaces(box, &box->share, "share");

	if (!err)
		err = known_namespaces(box, &box->unshare, "unshare");
	if (err || !(box->share.n || box->unshare.n))
		return err;
	if (named(&box->share, "mnt"))
		return fail(box->args, "--share mnt: a sandbox always has mounts of its own");
	for (size_t i = 0; i < N_OWN; i++)
		if (!named(&box->share, own_by_default[i]))
			add_word(text, sizeof(text), own_by_default[i]);
	for (size_t i = 0; i < N_REQUEST; i++)
		if (named(&box->unshare, on_request[i]))
			add_word(text, sizeof(text), on_request[i]);
	return define(box->args, c, "namespace.clone", text);
}

static int set_net(ct_container *c, const struct sandbox *box)
{
	if (!box->net)
		return 0;
	if (!strcmp(box->net, "empty"))
		return define(box->args, c, "net.0.type", "empty");
	if (!strcmp(box->net, "host"))
		return define(box->args, c, "net.0.type", "none");
	if (!strcmp(box->net, "none"))
		return fail(box->args,
			    "--net none: say \"empty\" for no network, or \"host\" for the "
			    "host's (LXC calls that none)");
	return fail(box->args, "--net %s: there are \"empty\" and \"host\"", box->net);
}

static int set_user(ct_container *c, const struct sandbox *box)
{
	struct ct_user_query q;
	char id[16];
	int err;

	if (!box->user)
		return 0;
	if (ct_user_parse(box->user, &q) || q.by_name)
		return fail(box->args,
			    "--user %s: expected UID or UID:GID, numbers from 0 to 4294967294",
			    box->user);
	snprintf(id, sizeof(id), "%u", q.uid);
	err = define(box->args, c, "init.uid", id);
	if (err)
		return err;
	if (q.has_gid)
		snprintf(id, sizeof(id), "%u", q.gid);
	return define(box->args, c, "init.gid", id);
}

int sandbox_check(const struct sandbox *box)
{
	if (box->pty && box->no_pty)
		return fail(box->args, "--pty and --no-pty exclude each other");
	return 0;
}

int sandbox_apply(ct_container *c, const struct sandbox *box)
{
	const struct args *a = box->args;
	int err = define(a, c, "rootfs.path", box->rootfs);

	if (!err && box->readonly)
		err = define(a, c, "rootfs.readonly", "1");
	if (!err)
		err = define(a, c, "limit.time", box->time);
	if (!err)
		err = define(a, c, "limit.output", box->output);
	if (!err)
		err = run_limits_apply(a, c, &box->limits);
	if (!err)
		err = define(a, c, "init.cwd", box->cwd);
	if (!err)
		err = define(a, c, "uts.name", box->hostname);
	if (!err)
		err = run_caps_apply(a, c, &box->caps);
	if (!err)
		err = set_net(c, box);
	if (!err)
		err = set_user(c, box);
	if (!err)
		err = set_namespaces(c, box);
	if (!err)
		err = define_all(a, c, &box->defines);
	if (err)
		return err;
	return run_mounts_apply(a, c, &box->mounts);
}

void sandbox_start(ct_container *c, const struct sandbox *box, ct_start_opts *so)
{
	so->envp = box->env.v;
	so->keep_fds = box->keep;
	so->n_keep_fds = box->n_keep;
	if (box->clear_env)
		so->flags |= CT_START_CLEAR_ENV;
	if (!box->new_privs)
		so->flags |= CT_START_NO_NEW_PRIVS;
	if (box->pty || (!box->no_pty && terminal_here() && !config_is_set(c, "limit.output")))
		so->flags |= CT_START_PTY;
}
