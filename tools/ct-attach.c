/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-attach: runs a program, or a shell, in a running container. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common.h"
#include "launch.h"
#include "shared/user.h"
#include "terminal.h"

static struct args a;
static struct {
	bool clear_env, keep_env;
	const char *elevated, *namespaces, *user, *group, *pty_log;
	struct strings set_vars, keep_vars;
} o;

static const struct opt opts[] = {
	{ 'u', "uid", "USER", OPT_STRING, &o.user,
	  "run as this user: a number, or a name known inside", NULL },
	{ 'g', "gid", "GID", OPT_STRING, &o.group, "run as this group", NULL },
	{ 'v', "set-var", "NAME=VALUE", OPT_LIST, &o.set_vars, "set a variable", NULL },
	{ 0, "keep-var", "NAME", OPT_LIST, &o.keep_vars, "hand over this variable of the caller",
	  NULL },
	{ 0, "clear-env", NULL, OPT_FLAG, &o.clear_env,
	  "only container=, and what -v and --keep-var give", NULL },
	{ 0, "keep-env", NULL, OPT_FLAG, &o.keep_env, "hand over the caller's whole environment",
	  NULL },
	{ 'e', "elevated-privileges", "[WHAT]", OPT_STRING, &o.elevated,
	  "lift confinement: CAP, CGROUP, LSM, joined by |; all when left out", NULL },
	{ 's', "namespaces", "LIST", OPT_STRING, &o.namespaces,
	  "join only these, e.g. NETWORK|PID; implies -e", NULL },
	{ 'L', "pty-log", "FILE", OPT_STRING, &o.pty_log, "append what the terminal prints to FILE",
	  NULL },
	{ 'f', "rcfile", "FILE", OPT_PATH, &a.rcfile,
	  "read FILE on top of what the running container says", NULL },
	{ 'a', "arch", "ARCH", OPT_REFUSED, NULL,
	  "the architecture is the container's own (key "
	  "\"arch\"); it cannot be changed for one program",
	  NULL },
	{ 'R', "remount-sys-proc", NULL, OPT_REFUSED, NULL,
	  "mounts are not changed on attach; join MOUNT, too, and the container's own /proc and "
	  "/sys are there",
	  NULL },
	{ 'c', "context", "CONTEXT", OPT_REFUSED, NULL, "this version applies no security labels",
	  NULL },
};
static const struct tool tool = {
	"ct-attach",
	"NAME [OPTION...] [-- COMMAND [ARGUMENT...]]",
	"Runs COMMAND, or the user's login shell, in a running container with the identity of its "
	"payload.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_COMMAND | TOOL_NO_RCFILE,
};

static const struct {
	const char *name, *other;
	uint32_t ns;
} namespaces[] = {
	{ "MOUNT", "mnt", CT_NS_MNT },	      { "PID", "pid", CT_NS_PID },
	{ "UTSNAME", "uts", CT_NS_UTS },      { "IPC", "ipc", CT_NS_IPC },
	{ "USER", "user", CT_NS_USER },	      { "NETWORK", "net", CT_NS_NET },
	{ "CGROUP", "cgroup", CT_NS_CGROUP }, { "TIME", "time", CT_NS_TIME },
};

/* One word of a list, without its separator; "" at the end. */
static const char *next_word(const char **list, char *word, size_t size)
{
	size_t n;

	*list += strspn(*list, "|, ");
	n = strcspn(*list, "|, ");
	snprintf(word, size, "%.*s", (int)n, *list);
	*list += n;
	return word;
}

static int parse_namespaces(const char *list, uint32_t *out)
{
	char word[32];

	while (*next_word(&list, word, sizeof(word))) {
		uint32_t found = 0;

		for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
			if (!strcasecmp(word, namespaces[i].name) ||
			    !strcasecmp(word, namespaces[i].other))
				found = namespaces[i].ns;
		if (!found)
			return fail(&a,
				    "-s: no namespace is called %s; there are MOUNT, PID, "
				    "UTSNAME, IPC, USER, NETWORK, "
				    "CGROUP, TIME",
				    word);
		*out |= found;
	}
	if (*out)
		return 0;
	return fail(&a, "-s: no namespace is named");
}

/* -e: this version confines by capabilities alone, so a list must have CAP. */
static int parse_elevated(const char *list, uint64_t *flags)
{
	char word[32];
	bool any = false, cap = false;

	while (*next_word(&list, word, sizeof(word))) {
		any = true;
		if (!strcasecmp(word, "CAP"))
			cap = true;
		else if (strcasecmp(word, "CGROUP") && strcasecmp(word, "LSM"))
			return fail(&a, "-e %s: there are CAP, CGROUP and LSM", word);
	}
	if (any && !cap)
		return fail(&a, "-e: this version confines by capabilities only; use -e or -eCAP");
	*flags |= CT_ATTACH_ELEVATED;
	return 0;
}

static int parse_user(ct_attach_opts *ao)
{
	struct ct_user_query q;

	if (o.user && ct_user_parse(o.user, &q))
		return fail(&a,
			    "-u %s: a user is a name, or a number from 0 to 4294967294, or "
			    "UID:GID",
			    o.user);
	if (o.user && !q.by_name && !q.has_gid) {
		ao->uid = q.uid;
		ao->flags |= CT_ATTACH_SET_UID;
	} else {
		ao->user = o.user;
	}
	if (!o.group)
		return 0;
	if (ct_user_number(o.group, strlen(o.group), &ao->gid))
		return fail(&a, "-g %s: a group id is a number from 0 to 4294967294", o.group);
	ao->flags |= CT_ATTACH_SET_GID;
	return 0;
}

/* Sets the variables that the program gets; *env is to be released, its --keep-var strings are
 * those of environ. */
static int environment(ct_attach_opts *ao, struct strings *env)
{
	extern char **environ;
	int err = 0;

	if (o.clear_env && o.keep_env)
		return fail(&a, "--clear-env and --keep-env exclude each other");
	if (o.clear_env) {
		ao->flags |= CT_ATTACH_CLEAR_ENV;
		err = strings_add(env, "container=libcontain");
	}
	if (o.keep_env)
		ao->flags |= CT_ATTACH_KEEP_ENV;
	for (size_t i = 0; i < o.keep_vars.n && !err; i++) {
		size_t n = strlen(o.keep_vars.v[i]);

		for (char **e = environ; *e; e++)
			if (!strncmp(*e, o.keep_vars.v[i], n) && (*e)[n] == '=')
				err = strings_add(env, *e);
	}
	for (size_t i = 0; i < o.set_vars.n && !err; i++) {
		if (*o.set_vars.v[i] == '=' || !strchr(o.set_vars.v[i], '='))
			return fail(&a, "-v %s: expected NAME=VALUE", o.set_vars.v[i]);
		err = strings_add(env, o.set_vars.v[i]);
	}
	ao->envp = env->v;
	if (!err)
		return 0;
	return fail(&a, "out of memory");
}

static int attach_opts(ct_attach_opts *ao, struct strings *env)
{
	int err = 0;

	ao->argv = command_of(&a);
	if (o.elevated)
		err = parse_elevated(o.elevated, &ao->flags);
	if (!err && o.namespaces) {
		ao->flags |= CT_ATTACH_ELEVATED;
		err = parse_namespaces(o.namespaces, &ao->namespaces);
	}
	if (!err)
		err = parse_user(ao);
	if (err)
		return err;
	return environment(ao, env);
}

static int attach(ct_container *c, ct_attach_opts *ao)
{
	CLEAN_PROCESS ct_process *p = NULL;
	struct session s = { .pty = terminal_here() || o.pty_log };
	ct_exit x = CT_EXIT_INIT;
	int err;

	if (o.pty_log) {
		s.log_fd = open(o.pty_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
				0600);
		if (s.log_fd < 0)
			return fail(&a, "--pty-log %s: %s", o.pty_log, strerror(errno));
	}
	err = session_begin(&s);
	if (err < 0)
		return fail(&a, "the terminal cannot be used: %s", strerror(-err));
	memcpy(ao->stdio, s.stdio, sizeof(ao->stdio));
	ao->rows = s.rows;
	ao->cols = s.cols;
	ao->modes_fd = s.modes_fd;
	if (s.pty)
		ao->flags |= CT_ATTACH_PTY;
	err = launch_attach(&a, c, ao, &p);
	if (!err && session_run(&s, p, &x) < 0)
		err = fail(&a, "%s", ct_process_last_error(p)->message);
	session_end(&s);
	if (s.log_fd > 0)
		close(s.log_fd);
	if (err)
		return err;
	return session_code(&a, &s, &x);
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	CLEAN_STRINGS struct strings env = { 0 };
	ct_attach_opts ao = CT_ATTACH_OPTS_INIT;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = attach_opts(&ao, &env);
	if (!err)
		err = open_container(&a, &c);
	if (!err && a.rcfile)
		err = load_config(&a, c, NULL, false);
	if (!err && !is_known(&a, c))
		err = EXIT_OWN;
	if (err)
		return err;
	return attach(c, &ao);
}
