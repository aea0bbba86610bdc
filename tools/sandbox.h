/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sandbox as a command line describes it: the options of ct-run that other tools have, too. */
#ifndef CT_TOOLS_SANDBOX_H
#define CT_TOOLS_SANDBOX_H

#include "common.h"
#include "run-caps.h"
#include "run-limits.h"
#include "run-mount.h"

#define SANDBOX_KEEP_MAX 64

struct sandbox {
	const struct args *args; /* set by the tool, for messages */
	const char *rootfs, *time, *output, *cwd, *user, *hostname, *net;
	bool readonly, clear_env, new_privs, pty, no_pty;
	struct strings defines, env, share, unshare;
	struct run_mounts mounts;
	struct run_limits limits;
	struct run_caps caps;
	int keep[SANDBOX_KEEP_MAX];
	size_t n_keep;
};

/* What rows of SANDBOX_ROWS call; row->to is the sandbox. */
int sandbox_add_mount(const struct opt *row, const char *value);
int sandbox_add_variable(const struct opt *row, const char *text);
int sandbox_keep_fd(const struct opt *row, const char *value);

/* LIMIT_ROWS() of `limits` and CAP_ROWS() of `caps` go with them. */
/* clang-format off */
#define SANDBOX_ROWS(to) \
	{ 'r', "rootfs", "DIR", OPT_PATH, &(to).rootfs, \
	  "root file system; / is the host's own", NULL }, \
	{ 0, "ro", NULL, OPT_FLAG, &(to).readonly, "read-only root file system", NULL }, \
	{ 0, "tmpfs", "PATH[:OPTIONS]", OPT_CALL, &(to), \
	  "empty writable directory (size=64m,mode=755,noexec)", sandbox_add_mount }, \
	{ 0, "bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, &(to), \
	  "file or directory of the host (ro,noexec,norec,create,...)", sandbox_add_mount }, \
	{ 'v', "volume", "SRC:DST[:OPTIONS]", OPT_CALL, &(to), \
	  "the same, and a missing DST is made", sandbox_add_mount }, \
	{ 0, "ro-bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, &(to), "the same, read-only", \
	  sandbox_add_mount }, \
	{ 0, "dev-bind", "SRC[:DST[:OPTIONS]]", OPT_CALL, &(to), \
	  "the same, device files work", sandbox_add_mount }, \
	{ 't', "time", "TIME", OPT_STRING, &(to).time, \
	  "wall clock limit: 1s, 500ms, 2m (limit.time)", NULL }, \
	{ 0, "output", "SIZE", OPT_STRING, &(to).output, \
	  "limit of what it prints, with units (limit.output)", NULL }, \
	{ 0, "cwd", "PATH", OPT_STRING, &(to).cwd, "working directory (init.cwd)", NULL }, \
	{ 'u', "user", "UID[:GID]", OPT_STRING, &(to).user, \
	  "numeric user and group; GID is UID when left out", NULL }, \
	{ 'e', "env", "NAME[=VALUE]", OPT_CALL, &(to), \
	  "set a variable; without a value, as it is here", sandbox_add_variable }, \
	{ 0, "clear-env", NULL, OPT_FLAG, &(to).clear_env, "no variables but those of --env", \
	  NULL }, \
	{ 0, "hostname", "NAME", OPT_STRING, &(to).hostname, "host name inside (uts.name)", \
	  NULL }, \
	{ 0, "net", "KIND", OPT_STRING, &(to).net, \
	  "empty: loopback only (default); host: the host's network", NULL }, \
	{ 0, "share", "NS", OPT_LIST, &(to).share, \
	  "keep this namespace of the host: pid, uts, ipc, net, cgroup", NULL }, \
	{ 0, "unshare", "NS", OPT_LIST, &(to).unshare, \
	  "make this one new, too: user, time", NULL }, \
	{ 0, "new-privs", NULL, OPT_FLAG, &(to).new_privs, \
	  "let setuid programs work (no_new_privs is on otherwise)", NULL }, \
	{ 0, "keep-fd", "N", OPT_CALL, &(to), \
	  "hand over descriptor N; they become 3, 4, ... in this order", sandbox_keep_fd }, \
	{ 0, "pty", NULL, OPT_FLAG, &(to).pty, \
	  "a pseudo terminal (default when standard input and output are terminals)", NULL }, \
	{ 0, "no-pty", NULL, OPT_FLAG, &(to).no_pty, "never a pseudo terminal", NULL }, \
	{ 's', "define", "KEY=VALUE", OPT_LIST, &(to).defines, "set a config key", NULL }
/* clang-format on */

/* Refuses options that exclude each other. Returns as load_config(). */
int sandbox_check(const struct sandbox *box);
/* Sets the keys of all these options; what --define has comes last. Returns as load_config(). */
int sandbox_apply(ct_container *c, const struct sandbox *box);
/* What they say of a start: variables, descriptors and flags. */
void sandbox_start(ct_container *c, const struct sandbox *box, ct_start_opts *so);

#endif
