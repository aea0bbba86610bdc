/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's identity: host name, users and groups, capabilities, signals, directory. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "shared/weak.h"
#include "stage/step/steps.h"

/* Name of the host, in the new uts namespace. */
int step_hostname(struct stage *st, const struct ct_wire_step *s)
{
	const char *name = step_str(st, s, 0);
	int err = (int)sys2(SYS_sethostname, name, strlen(name));

	return step_result(st, err, SYS_sethostname, name);
}

/* NIS domain, in the new uts namespace. */
int step_domainname(struct stage *st, const struct ct_wire_step *s)
{
	const char *name = step_str(st, s, 0);
	int err = (int)sys2(SYS_setdomainname, name, strlen(name));

	return step_result(st, err, SYS_setdomainname, name);
}

/* A session keyring without the caller's keys. */
int step_keyring(struct stage *st, const struct ct_wire_step *s)
{
	int err = 0;

	if (!ct_weak(CT_WEAK_KEYRING))
		err = (int)sys2(SYS_keyctl, K_KEYCTL_JOIN_SESSION_KEYRING, NULL);
	if (err < 0 && step_optional(s))
		return 0;
	return step_result(st, err, SYS_keyctl, NULL);
}

/* Execution domain: a 32-bit uname, for instance. */
int step_personality(struct stage *st, const struct ct_wire_step *s)
{
	int err = (int)sys1(SYS_personality, s->n[0]);

	return step_result(st, err, SYS_personality, NULL);
}

/* A core scheduling cookie of its own, or that of a process. */
int step_sched_core(struct stage *st, const struct ct_wire_step *s)
{
	int err;

	if (s->n[0])
		err = sys_prctl(K_PR_SCHED_CORE, K_PR_SCHED_CORE_SHARE_FROM, s->n[0], 0);
	else
		err = sys_prctl(K_PR_SCHED_CORE, K_PR_SCHED_CORE_CREATE, 0,
				K_PR_SCHED_CORE_SCOPE_GROUP);
	if (err == -EINVAL || err == -ENODEV)
		return report_error(st, err, SYS_prctl, "PR_SCHED_CORE",
				    "this kernel or processor has no core scheduling");
	return step_result(st, err, SYS_prctl, "PR_SCHED_CORE");
}

/* ---- users and groups ------------------------------------------------------------------------ */

static const char *file_text(int err)
{
	switch (err) {
	case -EFBIG:
		return "it is larger than 1 MiB or has more than 65536 lines";
	case -EINVAL:
		return "it is not a regular text file";
	case -ESTALE:
		return "it was exchanged while it was read";
	}
	return NULL;
}

/* Whether an error comes from the host and cannot have been caused by the container. */
static int is_ours(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EIO;
}

/* The text of a file, "" when it does not exist; `tolerant`, which is set where the config names no
 * user: also when the container has made it unreadable. 0, or -1 when reported. */
static int read_file(struct stage *st, const char *path, int tolerant, char **text)
{
	static char nothing[1];
	int err = user_file_read(path, tolerant, text);

	if (!err)
		return 0;
	if (err != -ENOENT && (!tolerant || is_ours(err)))
		return report_error(st, err, SYS_openat2, path, file_text(err));
	nothing[0] = '\0';
	*text = nothing;
	return 0;
}

/* The groups: those given by the file for a name, the primary one first. An explicit
 * gid is alone. */
static int find_groups(struct stage *st, const struct ct_user_query *q, int tolerant)
{
	struct stage_user *u = &st->user;
	uint32_t most = STAGE_MAX_GROUPS;
	char *text;

	if (q->has_gid || !u->name[0])
		most = 1;
	u->groups = stage_alloc(most * sizeof(uint32_t));
	if (!u->groups)
		return step_fail(st, -ENOMEM, SYS_mmap, NULL);
	u->groups[0] = u->gid;
	u->n_groups = 1;
	if (most == 1)
		return 0;
	if (read_file(st, "etc/group", tolerant, &text) < 0)
		return -1;
	if (user_in_group(text, u, STAGE_MAX_GROUPS))
		return report_error(st, -E2BIG, 0, "etc/group", "the user is in too many groups");
	return 0;
}

/* The payload's user, from the container's passwd and group. 0, or -1 when reported. */
static int look_up(struct stage *st, const struct ct_wire_step *s)
{
	const char *spec = step_str(st, s, 0);
	struct stage_user *u = &st->user;
	int tolerant = !*spec || step_optional(s), err = 0, found;
	struct ct_user_query q;
	char *text;

	/* without a spec: root */
	memset(&q, 0, sizeof(q));
	if (*spec)
		err = ct_user_parse(spec, &q);
	if (err)
		return report_error(st, err, 0, spec,
				    "a user is a name, or a number, or number:number");
	memset(u, 0, sizeof(*u));
	str_cut(u->home, sizeof(u->home), "/");
	str_cut(u->shell, sizeof(u->shell), "/bin/sh");
	if (read_file(st, "etc/passwd", tolerant, &text) < 0)
		return -1;
	found = user_in_passwd(text, &q, u);
	if (!found && q.by_name)
		return report_error(st, -ENOENT, 0, spec,
				    "the container's /etc/passwd has no such user");
	if (!found)
		u->uid = q.uid;
	if (q.has_gid)
		u->gid = q.gid;
	u->valid = 1;
	return find_groups(st, &q, tolerant);
}

static int is_root(void)
{
	return sys0(SYS_geteuid) == 0 && sys0(SYS_getegid) == 0;
}

/* The container's files are read as root of the container, without the caller's groups, and with no
 * effective capability beyond those that the step names. 0 or a negative errno. */
static int read_as_payload(struct stage *st, uint64_t keep, struct k_cap_data *own)
{
	struct k_cap_header head = { .version = K_CAP_VERSION_3 };
	struct k_cap_data data[2];
	int err = (int)sys2(SYS_capget, &head, own);

	if (!err && !ct_weak(CT_WEAK_GROUPS))
		err = (int)sys2(SYS_setgroups, 0, NULL);
	if (err && err != -EPERM)
		return err;
	/* since the exec they are the effective ones */
	if (!is_root()) {
		sys1(SYS_setfsgid, 0);
		sys1(SYS_setfsuid, 0);
	}
	for (int i = 0; i < 2; i++) {
		data[i] = own[i];
		data[i].effective = own[i].permitted & (uint32_t)(keep >> 32 * i);
	}
	err = (int)sys2(SYS_capset, &head, data);
	if (err)
		return err;
	return stay_private(st);
}

/* Restores what read_as_payload() has changed. 0 or a negative errno. */
static int read_as_before(struct stage *st, const struct k_cap_data *own)
{
	struct k_cap_header head = { .version = K_CAP_VERSION_3 };
	int err;

	if (!is_root()) {
		sys1(SYS_setfsuid, sys0(SYS_geteuid));
		sys1(SYS_setfsgid, sys0(SYS_getegid));
	}
	err = (int)sys2(SYS_capset, &head, own);
	if (err)
		return err;
	return stay_private(st);
}

/* Looks the payload's user up, with the payload's rights. */
int step_lookup_user(struct stage *st, const struct ct_wire_step *s)
{
	struct k_cap_data own[2];
	int err = read_as_payload(st, s->n[1], own), r;

	if (err)
		return step_fail(st, err, SYS_capset, NULL);
	r = look_up(st, s);
	err = read_as_before(st, own);
	if (err && r == 0)
		return step_fail(st, err, SYS_capset, NULL);
	return r;
}

/* The numbers of the list. 0 or a negative errno; *bad is the string that is not one. */
static int parse_groups(const struct stage *st, const struct ct_wire_step *s, uint32_t *out,
			const char **bad)
{
	const char *p = step_list(st, s, 0);

	for (uint32_t i = 0; i < step_list_n(s, 0); i++) {
		int err = ct_user_number(p, strlen(p), &out[i]);

		if (err) {
			*bad = p;
			return err;
		}
		p += strlen(p) + 1;
	}
	return 0;
}

/* Supplementary groups. A plan has this step also for an empty list: the caller's groups never
 * stay. */
int step_groups(struct stage *st, const struct ct_wire_step *s)
{
	uint32_t n = step_list_n(s, 0), *gids = NULL;
	const char *bad = NULL;
	int err = 0;

	if (n == 1 && !strcmp(step_list(st, s, 0), "@")) {
		if (!st->user.valid)
			return report_error(st, -EINVAL, 0, "@", "no user was looked up");
		n = st->user.n_groups;
		gids = st->user.groups;
	} else if (n) {
		gids = stage_alloc(n * sizeof(*gids));
		err = -ENOMEM;
		if (gids)
			err = parse_groups(st, s, gids, &bad);
	}
	if (err)
		return report_error(st, err, SYS_setgroups, bad, NULL);
	if (!ct_weak(CT_WEAK_GROUPS))
		err = (int)sys2(SYS_setgroups, n, gids);
	if (err && !(err == -EPERM && step_optional(s)))
		return step_fail(st, err, SYS_setgroups, NULL);
	return 0;
}

/* A change of identity may make the process dumpable (fs.suid_dumpable) and clears the death
 * signal: sets both as they were. 0 or a negative errno. */
int stay_private(struct stage *st)
{
	int err = sys_prctl(K_PR_SET_DUMPABLE, ct_weak(CT_WEAK_DUMPABLE), 0, 0);

	if (!err && st->in_init && !st->pdeath_set)
		err = sys_prctl(K_PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	return err;
}

/* User and group, all three of each. Capabilities stay permitted until CAPS. */
int step_ids(struct stage *st, const struct ct_wire_step *s)
{
	uint64_t uid = s->n[0], gid = s->n[1];
	int err;

	if ((uid >= STAGE_NO_ID || gid >= STAGE_NO_ID) && !st->user.valid)
		return report_error(st, -EINVAL, 0, NULL, "no user was looked up");
	if (uid >= STAGE_NO_ID)
		uid = st->user.uid;
	if (gid >= STAGE_NO_ID)
		gid = st->user.gid;
	/* the container's own terminal belongs to its user, as after a login */
	if (st->own_tty && s->phase >= CT_PHASE_IDENTITY)
		sys3(SYS_fchown, 0, uid, -1);
	err = sys_prctl(K_PR_SET_KEEPCAPS, 1, 0, 0);
	if (err)
		return step_fail(st, err, SYS_prctl, "PR_SET_KEEPCAPS");
	err = (int)sys3(SYS_setresgid, gid, gid, gid);
	if (err)
		return report_error(st, err, SYS_setresgid, NULL,
				    text_for(err, -EINVAL, "the id map does not map this group"));
	err = (int)sys3(SYS_setresuid, uid, uid, uid);
	if (err)
		return report_error(st, err, SYS_setresuid, NULL,
				    text_for(err, -EINVAL, "the id map does not map this user"));
	sys_prctl(K_PR_SET_KEEPCAPS, 0, 0, 0);
	err = stay_private(st);
	return step_result(st, err, SYS_prctl, NULL);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* Drops every capability that is not to be kept from the bounding set, also those newer than this
 * program. 0 or a negative errno. */
int caps_bound(uint64_t keep)
{
	for (unsigned long cap = 0; cap < 64 && !ct_weak(CT_WEAK_BOUNDING); cap++) {
		int err;

		if (keep & (uint64_t)1 << cap)
			continue;
		err = sys_prctl(K_PR_CAPBSET_DROP, cap, 0, 0);
		if (err == -EINVAL)
			break;
		/* EPERM does not matter where the set lacks the capability already */
		if (err && sys_prctl(K_PR_CAPBSET_READ, cap, 0, 0) == 1)
			return err;
	}
	return 0;
}

/* The bounding set of the payload. */
int step_bounding(struct stage *st, const struct ct_wire_step *s)
{
	int err = caps_bound(s->n[0]);

	if (!err)
		return 0;
	return report_error(st, err, SYS_prctl, NULL,
			    "dropping from the bounding set needs CAP_SETPCAP");
}

int caps_set(const uint64_t sets[4], int *sys)
{
	struct k_cap_header head = { .version = K_CAP_VERSION_3 };
	struct k_cap_data data[2];
	int err;

	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(sets[0] >> 32 * i);
		data[i].effective = (uint32_t)(sets[1] >> 32 * i);
		data[i].inheritable = (uint32_t)(sets[2] >> 32 * i);
		/* not the one that a filter is loaded with, which is not in the bounding set */
		if (ct_weak(CT_WEAK_INHERITABLE))
			data[i].inheritable = data[i].permitted & ~(i ? 0 : 1u << 21);
	}
	sys_prctl(K_PR_CAP_AMBIENT, K_PR_CAP_AMBIENT_CLEAR_ALL, 0, 0);
	*sys = SYS_capset;
	err = (int)sys2(SYS_capset, &head, data);
	for (unsigned long cap = 0; !err && cap < 64; cap++) {
		if (!(sets[3] & (uint64_t)1 << cap))
			continue;
		*sys = SYS_prctl;
		err = sys_prctl(K_PR_CAP_AMBIENT, K_PR_CAP_AMBIENT_RAISE, cap, 0);
	}
	return err;
}

/* Drops a few. */
int caps_drop(uint64_t caps)
{
	struct k_cap_header head = { .version = K_CAP_VERSION_3 };
	struct k_cap_data data[2];
	int err = (int)sys2(SYS_capget, &head, data);

	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= ~(uint32_t)(caps >> 32 * i);
		data[i].effective &= ~(uint32_t)(caps >> 32 * i);
	}
	return (int)sys2(SYS_capset, &head, data);
}

const uint64_t *caps_of_payload(const struct stage *st)
{
	const uint64_t *sets = NULL;

	for (uint32_t i = 0; i < st->n_steps; i++)
		if (st->steps[i].op == CT_OP_CAPS)
			sets = st->steps[i].n;
	return sets;
}

/* The capabilities of the payload. */
int step_caps(struct stage *st, const struct ct_wire_step *s)
{
	int sys, err = caps_set(s->n, &sys);

	if (!err)
		return 0;
	if (sys == SYS_prctl)
		return step_fail(st, err, sys, "PR_CAP_AMBIENT_RAISE");
	return report_error(st, err, sys, NULL,
			    text_for(err, -EPERM,
				     "a capability asked for is not among those this process has"));
}

/* Those of a payload whose user was looked up, and is not root. No call asks for the user: a filter
 * may be loaded already. */
int step_user_caps(struct stage *st, const struct ct_wire_step *s)
{
	if (!st->user.valid)
		return report_error(st, -EINVAL, 0, NULL, "no user was looked up");
	if (st->user.uid == 0)
		return 0;
	return step_caps(st, s);
}

/* From here on no setuid program and no file capability gives the payload a privilege. */
int step_no_new_privs(struct stage *st, const struct ct_wire_step *s)
{
	int err = 0;

	(void)s;
	if (!ct_weak(CT_WEAK_NO_NEW_PRIVS))
		err = sys_prctl(K_PR_SET_NO_NEW_PRIVS, 1, 0, 0);
	return step_result(st, err, SYS_prctl, NULL);
}

/* ---- the process ----------------------------------------------------------------------------- */

/* What the payload gets when its parent dies. 0: nothing. */
int step_pdeathsig(struct stage *st, const struct ct_wire_step *s)
{
	int err = sys_prctl(K_PR_SET_PDEATHSIG, s->n[0], 0, 0);

	if (s->phase >= CT_PHASE_IDENTITY)
		st->pdeath_set = 1;
	return step_result(st, err, SYS_prctl, NULL);
}

/* Default actions for all signals, and the umask. run.exec unblocks the signals. */
int step_signals(struct stage *st, const struct ct_wire_step *s)
{
	(void)s;
	signals_reset();
	sys1(SYS_umask, st->umask);
	return 0;
}

/* The payload's directory: resolved without links of procfs. getcwd(2) then shows whether it is
 * below the root. */
int step_chdir(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = step_str(st, s, 0);
	struct path_error e;
	SYS_CLOSEP int fd = -1;
	char cwd[4096];
	long n;

	if (ct_weak(CT_WEAK_CWD))
		return step_result(st, (int)sys1(SYS_chdir, path), SYS_chdir, path);
	fd = path_open(-1, path, 0, O_DIRECTORY, &e);
	if (fd < 0)
		return report_error(st, fd, e.sys, path, e.text);
	n = sys1(SYS_fchdir, fd);
	if (n)
		return step_fail(st, (int)n, SYS_fchdir, path);
	n = sys2(SYS_getcwd, cwd, sizeof(cwd));
	if (n < 0)
		return step_fail(st, (int)n, SYS_getcwd, path);
	if (cwd[0] != '/')
		return report_error(st, -ENOENT, SYS_getcwd, path,
				    "it lies outside of the container's root");
	return 0;
}
