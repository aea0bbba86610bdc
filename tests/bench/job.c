/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See job.h. */
#include "job.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* "default" asks for nothing special. None but "filtered" loads a filter, as neither the bare
 * program nor earlier versions do. */
static const struct {
	const char *profile, *key, *value;
} settings[] = {
	{ "small", "namespace.clone", "mnt pid uts ipc" },
	{ "small", "autodev", "0" },
	{ "small", "mount.auto", "proc:rw" },
	{ "limits", "limit.memory", "64M" },
	{ "limits", "limit.pids", "20" },
	{ "limits", "limit.cpu", "0.5" },
	/* no group at all: its devices are not restricted either */
	{ "none", "cgroup.backend", "none" },
	{ "none", "limit.devices", "all" },
	{ "filtered", "seccomp.profile", "default" },
	{ "default", NULL, NULL },
};

ct_container *job_make(const struct job *j, const char *name)
{
	bool known = false;
	ct_container *c;

	if (ct_new(&c, name, &j->where) < 0)
		die("contain: ct_new failed");
	ok(c, ct_set_config(c, "rootfs.path", j->rootfs));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].profile, j->profile))
			continue;
		known = true;
		if (settings[i].key)
			ok(c, ct_set_config(c, settings[i].key, settings[i].value));
	}
	if (strcmp(j->profile, "filtered") != 0) {
		ok(c, ct_set_config(c, "seccomp.profile", "none"));
		ok(c, ct_set_config(c, "keyring.user", "1"));
	}
	if (!known)
		die("contain: unknown profile %s", j->profile);
	return c;
}

void job_run(ct_container *c, const char *program, uint64_t flags, ct_process **out)
{
	const char *const argv[] = { program, NULL };
	ct_start_opts o = CT_START_OPTS_INIT;

	o.argv = argv;
	o.flags = flags;
	ok(c, ct_start(c, &o, out));
}

void job_reap(ct_process *p)
{
	ct_exit ex = CT_EXIT_INIT;

	if (ct_process_wait(p, &ex, 30000) < 0 || ex.reason != CT_EXIT_EXITED || ex.code)
		die("contain: the program ended with reason %d, code %d", ex.reason, ex.code);
	ct_process_unref(p);
}

void job_kill(ct_container *c, ct_process *p)
{
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, 10000);
	ct_process_unref(p);
	ct_unref(c);
}

void job_begin(struct job *j, const char *profile, const char *rootfs, const char *program)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(j->base, sizeof(j->base), "%s/ct-bench.XXXXXX", tmp ? tmp : "/tmp");
	j->profile = profile;
	j->rootfs = rootfs;
	j->program = program;
	if (!mkdtemp(j->base))
		die("contain: %s: %s", j->base, strerror(errno));
	snprintf(j->dir, sizeof(j->dir), "%s/containers", j->base);
	snprintf(j->state, sizeof(j->state), "%s/state", j->base);
	if (mkdir(j->dir, 0755) < 0 || mkdir(j->state, 0700) < 0)
		die("contain: %s: %s", j->base, strerror(errno));
	j->where = (ct_new_opts){ .size = sizeof(j->where), .dir = j->dir, .state_dir = j->state };
}

void job_end(const struct job *j)
{
	rmdir(j->dir);
	rmdir(j->state);
	rmdir(j->base);
}
