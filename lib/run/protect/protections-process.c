/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): namespaces, capabilities, no_new_privs, filter, label. Of
 * init, as /proc tells. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/protect/protections.h"

/* ---- namespaces ------------------------------------------------------------------------------ */

/* In the order of their bits. */
static const struct {
	uint32_t bit;
	uint64_t clone;
	const char *file, *name;
} kinds[CT_NAMESPACES] = {
#define CT_NAMESPACE(bit, clone, name, alias, how) \
	[__builtin_ctz(CT_NS_##bit)] = { CT_NS_##bit, clone, "ns/" name, "namespace " name },
#include "shared/namespaces.def"
};

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The call that makes or joins it, as the plan has it. */
static const char *call_for(const struct ct_protect *t, uint64_t flag)
{
	const struct ct_plan *plan = t->p.plan;

	for (uint32_t i = 0; plan && i < plan->n_steps; i++) {
		const struct ct_step *s = &plan->steps[i];

		if (!(s->n[0] & flag))
			continue;
		if (s->op == CT_OP_CLONE)
			return "clone3";
		if (s->op == CT_OP_UNSHARE)
			return "unshare";
		if (s->op == CT_OP_SETNS)
			return "setns";
	}
	return "-";
}

/* One namespace: init's against the caller's and, for a shared one, against that of whom it is
 * shared with (-1: not known). */
static void one_namespace(struct ct_protect *t, int i, int self, const char *with, int other)
{
	bool own = ct_build_namespaces(t->p.spec) & kinds[i].bit, same_as_callers, as_wanted;
	const char *asked = own ? "own" : "the caller's", *got;
	const char *how = with || own ? call_for(t, kinds[i].clone) : "-";
	struct stat init, mine, theirs;

	if (with)
		asked = CT_SAY(t, "shared with %s", with);
	if (fstatat(self, kinds[i].file, &mine, 0) < 0) {
		ct_protections_add(&t->report, !own && !with, kinds[i].name, asked,
				   "this kernel has none", "-");
		return;
	}
	if (fstatat(t->proc, kinds[i].file, &init, 0) < 0) {
		got = CT_SAY(t, "cannot be told: %s", ct_errno_text(errno));
		ct_protections_add(&t->report, false, kinds[i].name, asked, got, how);
		return;
	}
	same_as_callers = same(&init, &mine);
	as_wanted = other >= 0 && fstat(other, &theirs) == 0 && same(&init, &theirs);
	if (with)
		got = same_as_callers ? "the caller's" : "neither the caller's nor that of now";
	else
		got = same_as_callers ? "the caller's" : "own";
	if (with && as_wanted)
		got = asked;
	ct_protections_add(&t->report,
			   with ? as_wanted || !same_as_callers : !own || !same_as_callers,
			   kinds[i].name, asked, got, how);
}

void ct_protect_namespaces(struct ct_protect *t)
{
	CT_CLEAN_PREPARED struct ct_prepared others = CT_PREPARED_INIT;
	CT_CLEAN_FD int self = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct ct_shares *shares = &t->p.spec->ns_share;
	ct_start_opts o = CT_START_OPTS_INIT;
	struct ct_err ignored;

	ct_err_clear(&ignored);
	o.flags = t->report.care == CT_CARE_KEEPER ? 0 : CT_START_DETACH;
	/* whoever it is shared with may have ended: then it can only be compared with
	 * the caller's */
	if (shares->n && ct_prepare(t->c, t->config, &others, &ignored) >= 0)
		ct_prepare_start(t->c, &o, &others, &ignored);
	for (int i = 0; i < CT_NAMESPACES; i++) {
		const char *with = NULL;

		for (uint32_t k = 0; k < shares->n; k++)
			if (shares->v[k].ns == kinds[i].bit)
				with = shares->v[k].with;
		one_namespace(t, i, self, with, others.share[i]);
	}
}

/* ---- capabilities ---------------------------------------------------------------------------- */

#define NAMES_MAX 1024

static void list_caps(uint64_t caps, const char *head, char buf[NAMES_MAX])
{
	size_t used = (size_t)snprintf(buf, NAMES_MAX, "%s", head);

	for (int i = 0; i < 64 && used < NAMES_MAX - 40; i++) {
		char *name = caps >> i & 1 ? cap_to_name(i) : NULL;

		if (caps >> i & 1)
			used += (size_t)snprintf(
				buf + used, NAMES_MAX - used, "%s%.30s", used ? " " : "",
				name ? (!strncmp(name, "cap_", 4) ? name + 4 : name) : "?");
		cap_free(name);
	}
}

/* "none", "all", "all but sys_module", or the names. */
static const char *cap_names(struct ct_protect *t, uint64_t caps)
{
	uint64_t all = ct_host_all_caps(&t->p.host), lacking = all & ~caps;
	char text[NAMES_MAX];

	if (!caps)
		return "none";
	if (!lacking)
		return "all";
	if (__builtin_popcountll(lacking) < __builtin_popcountll(caps) / 2)
		list_caps(lacking, "all but", text);
	else
		list_caps(caps, "", text);
	return CT_SAY(t, "%s", text);
}

static void add_caps(struct ct_protect *t)
{
	/* what the other sets may hold is the bounding set's matter: the payload can move its
	 * capabilities between them */
	static const struct {
		const char *field, *name, *asked, *how;
	} sets[] = {
		{ "CapBnd", "capabilities, bounding", NULL, "prctl PR_CAPBSET_DROP" },
		{ "CapPrm", "capabilities, permitted", "within the bounding set", "capset" },
		{ "CapEff", "capabilities, effective", "within the bounding set", "capset" },
		{ "CapInh", "capabilities, inheritable", "none to begin with", "capset" },
		{ "CapAmb", "capabilities, ambient", "none to begin with", "prctl PR_CAP_AMBIENT" },
	};
	uint64_t keep = 0, got;
	struct ct_err why;
	bool known;
	char text[32];

	ct_err_clear(&why);
	known = ct_build_caps(t->p.spec, &t->p.host, &keep, &why) >= 0;
	/* who asks may have less than who has started it; what the config keeps is
	 * what was asked */
	if (!known && t->p.spec->cap_keep != CT_CAP_MASK_UNSET)
		known = (keep = t->p.spec->cap_keep, true);
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		const char *asked = sets[i].asked;

		if (!asked)
			asked = known ? cap_names(t, keep) : why.reason;
		if (!ct_protect_field(t, sets[i].field, text, sizeof(text)) ||
		    ct_parse_hex(text, 16, &got) < 0)
			ct_protections_add(&t->report, false, sets[i].name, asked, "cannot be told",
					   sets[i].how);
		else
			ct_protections_add(&t->report, known && !(got & ~keep), sets[i].name, asked,
					   cap_names(t, got), sets[i].how);
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void add_no_new_privs(struct ct_protect *t)
{
	bool asked = t->p.spec->no_new_privs, got;
	char text[32];

	if (!ct_protect_field(t, "NoNewPrivs", text, sizeof(text))) {
		ct_protections_add(&t->report, !asked, "no_new_privs", asked ? "set" : "-",
				   "cannot be told", "-");
		return;
	}
	got = !strcmp(text, "1");
	ct_protections_add(&t->report, got || !asked, "no_new_privs", asked ? "set" : "-",
			   got ? "set" : "not set", got ? "prctl PR_SET_NO_NEW_PRIVS" : "-");
}

/* A filter more than those that are asked for came with the caller. */
static void add_seccomp(struct ct_protect *t)
{
	static const char *const modes[] = { "none", "strict", "filter" };
	const char *asked = t->p.spec->seccomp_profile;
	bool wanted = asked && strcmp(asked, "none") != 0;
	const char *how = "inherited, or set by the payload";
	char mode[32], n[32];
	uint32_t v;

	if (!asked)
		asked = "-";
	if (!ct_protect_field(t, "Seccomp", mode, sizeof(mode)) || ct_parse_u32(mode, &v) < 0 ||
	    v > 2) {
		ct_protections_add(&t->report, !wanted, "seccomp", asked, "cannot be told", "-");
		return;
	}
	if (wanted && v == 2)
		how = "seccomp SECCOMP_SET_MODE_FILTER";
	if (v == 2 && ct_protect_field(t, "Seccomp_filters", n, sizeof(n)))
		ct_protections_add(&t->report, true, "seccomp", asked,
				   CT_SAY(t, "filter, %s of them", n), how);
	else
		ct_protections_add(&t->report, !wanted || v == 2, "seccomp", asked, modes[v],
				   v ? how : "-");
}

/* The modules that label processes, each with the file of a process and the key that asks for a
 * label. The last has the file that is any other's. */
static const struct {
	const char *file, *key;
} modules[] = { { "attr/apparmor/current", "apparmor.profile" },
		{ "attr/current", "selinux.context" } };

/* Its first line; NULL: it has none, or *why. A kernel without such a module says EINVAL, one that
 * does not know the file ENOENT. */
static const char *label_in(struct ct_protect *t, const char *file, const char **why)
{
	const char *text = ct_protect_read(t, file, 4096, why);

	if (!text && (!strcmp(*why, ct_errno_text(EINVAL)) || !strcmp(*why, ct_errno_text(ENOENT))))
		*why = "";
	return text && *text && *text != '\n' ? CT_SAY(t, "%.*s", (int)strcspn(text, "\n"), text)
					      : NULL;
}

/* The label of who has made init: of this process, or of the supervisor. NULL: it has gone,
 * or cannot be read. */
static const char *starters_label(struct ct_protect *t, const char *file)
{
	CT_CLEAN_FD int dir = t->report.care == CT_CARE_SUPERVISOR ? ct_state_dir(t->c, NULL) : -1,
			fd = -1;
	struct ct_state_file st = { .supervisor = 0 };
	char path[80], label[4096] = "";

	if (t->report.care == CT_CARE_NOBODY || (t->report.care == CT_CARE_SUPERVISOR &&
						 (dir < 0 || ct_state_read(dir, &st, NULL) < 0)))
		return NULL;
	if (t->report.care == CT_CARE_SUPERVISOR)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)st.supervisor, file);
	else
		snprintf(path, sizeof(path), "/proc/thread-self/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* the number is the supervisor's still: what was opened is its */
	if (fd < 0 || (st.supervisor && ct_proc_start_time(st.supervisor) != st.supervisor_start) ||
	    ct_read_text(fd, label, sizeof(label)) <= 0)
		return NULL;
	return CT_SAY(t, "%.*s", (int)strcspn(label, "\n"), label);
}

static void compare_label(struct ct_protect *t, const char *file, const char *asked,
			  const char *got)
{
	const char *starter = starters_label(t, file), *how = CT_SAY(t, "/proc/INIT/%s", file);
	bool ok = ct_protect_label_ok(asked, starter, got);

	if (!ct_protect_names_label(asked)) {
		if (!starter)
			how = "not compared: who started it cannot be looked at";
		else
			how = strcmp(starter, got) ? CT_SAY(t, "who started it has %s", starter)
						   : "inherited";
	}
	ct_protections_add(&t->report, ok, "security label", asked ? asked : "unchanged", got, how);
}

static void add_label(struct ct_protect *t)
{
	const char *why = "", *wanted = NULL, *failed = "";

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		const char *asked = ct_protections_asked(&t->report, modules[i].key),
			   *got = label_in(t, modules[i].file, &why);

		if (got) {
			compare_label(t, modules[i].file, asked, got);
			return;
		}
		wanted = ct_protect_names_label(asked) ? asked : wanted;
		failed = *why ? why : failed;
	}
	if (*failed)
		ct_protections_add(&t->report, !wanted, "security label", wanted ? wanted : "-",
				   "not checked", failed);
	else
		ct_protections_add(&t->report, !wanted, "security label", wanted ? wanted : "-",
				   "none", "-");
}

void ct_protect_rights(struct ct_protect *t)
{
	add_caps(t);
	add_no_new_privs(t);
	add_seccomp(t);
	add_label(t);
}

/* Limits that somebody keeps by looking. */
void ct_protect_watched(struct ct_protect *t)
{
	static const struct {
		const char *key, *in_process, *detached;
	} rows[] = {
		{ "limit.time", "keeper", "supervisor" },
		{ "limit.output", "output pump and keeper (not programs attached)",
		  "supervisor: what the console prints; output pump and supervisor: what goes to "
		  "descriptors handed over (not programs attached)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *asked = ct_protections_asked(&t->report, rows[i].key);
		const char *how = t->report.care == CT_CARE_KEEPER ? rows[i].in_process
								   : rows[i].detached;

		if (!asked)
			continue;
		if (t->report.care == CT_CARE_NOBODY)
			ct_protections_add(&t->report, false, rows[i].key, asked, "not kept",
					   "the supervisor has been killed");
		else
			ct_protections_add(&t->report, true, rows[i].key, asked, "kept", how);
	}
}
