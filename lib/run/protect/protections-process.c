/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections() about init, from its files in /proc: namespaces, capabilities,
 * no_new_privs, filter, label. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/lsm/record.h"
#include "backend/seccomp/keys.h"
#include "backend/seccomp/ops.h"
#include "base/caps.h"
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

/* One namespace as it is asked for. */
struct asked {
	int kind;
	bool own;	  /* made new */
	const char *with; /* the container or process that it is shared with; NULL: none */
	int shared;	  /* descriptor of that one's namespace; -1: not known */
};

/* What the row says when both namespaces have been read, and whether it is as asked. */
static const char *compare_namespace(const struct asked *a, const struct stat *init,
				     const struct stat *caller, const char *shared_text, bool *ok)
{
	bool callers = same(init, caller);
	struct stat shared;

	*ok = (!a->with && !a->own) || !callers;
	if (a->with && a->shared >= 0 && fstat(a->shared, &shared) == 0 && same(init, &shared)) {
		*ok = true;
		return shared_text;
	}
	if (callers)
		return "the caller's";
	if (a->with)
		return "neither the caller's nor that of now";
	return "own";
}

static void add_namespace(struct ct_protect *t, int self, const struct asked *a)
{
	const char *file = kinds[a->kind].file, *name = kinds[a->kind].name;
	const char *asked = "the caller's", *how = "-", *got;
	struct stat init, caller;
	bool ok = false;

	if (a->own)
		asked = "own";
	if (a->with)
		asked = CT_TEXT(t, "shared with %s", a->with);
	if (fstatat(self, file, &caller, 0) < 0) {
		ct_protections_add(&t->report, !a->own && !a->with, name, asked,
				   "this kernel has none", "-");
		return;
	}
	if (a->with || a->own)
		how = call_for(t, kinds[a->kind].clone);
	if (fstatat(t->proc, file, &init, 0) < 0)
		got = CT_TEXT(t, "cannot be told: %s", ct_errno_text(errno));
	else
		got = compare_namespace(a, &init, &caller, asked, &ok);
	if (a->own || a->with)
		got = ct_protect_others(t, got,
					&(struct ct_bound){ .ns = caller.st_ino, .kind = a->kind },
					&ok);
	ct_protections_add(&t->report, ok, name, asked, got, how);
}

void ct_protect_namespaces(struct ct_protect *t)
{
	CT_CLEAN_PREPARED struct ct_prepared others = CT_PREPARED_INIT;
	CT_CLEAN_FD int self = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct ct_shares *shares = &t->p.spec->ns_share;
	uint32_t own = ct_build_namespaces(t->p.spec);
	ct_start_opts o = CT_START_OPTS_INIT;
	struct ct_err ignored;

	ct_err_clear(&ignored);
	if (t->report.care != CT_CARE_KEEPER)
		o.flags = CT_START_DETACH;
	/* opens the namespaces that are shared; where that fails, as when their container has
	 * ended, init's are compared with the caller's only */
	if (shares->n && ct_prepare(t->c, t->config, &others, &ignored) >= 0)
		ct_prepare_start(t->c, &o, &others, &ignored);
	for (int i = 0; i < CT_NAMESPACES; i++) {
		struct asked a = { i, own & kinds[i].bit, NULL, others.share[i] };

		for (uint32_t k = 0; k < shares->n; k++)
			if (shares->v[k].ns == kinds[i].bit)
				a.with = shares->v[k].with;
		add_namespace(t, self, &a);
	}
}

/* ---- capabilities ---------------------------------------------------------------------------- */

#define NAMES_MAX 1024

static void list_caps(uint64_t caps, const char *head, char buf[NAMES_MAX])
{
	size_t used = (size_t)snprintf(buf, NAMES_MAX, "%s", head);

	for (int i = 0; i < 64 && used < NAMES_MAX - 40; i++) {
		char name[CT_CAP_NAME_BYTES];

		if (!(caps >> i & 1))
			continue;
		used += (size_t)snprintf(buf + used, NAMES_MAX - used, "%s%s", used ? " " : "",
					 ct_cap_name((unsigned)i, name));
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
	return CT_TEXT(t, "%s", text);
}

/* A set as the config asks for it, and what a program of the container can make of it. */
struct cap_row {
	const char *field, *name, *key; /* key NULL: what the bounding set is comes from several */
	uint64_t set, most;
	const char *otherwise, *how; /* asked for without the key */
};

static void add_cap_row(struct ct_protect *t, const struct cap_row *row)
{
	const struct ct_bound bound = { row->field, row->most, 0, true, NULL, 0, 0 };
	const char *asked = row->otherwise, *names;
	uint64_t got;
	char text[32];
	bool ok;

	if (!row->key || ct_spec_origin(t->p.spec, row->key))
		asked = cap_names(t, row->set);
	if (!ct_protect_field(t, row->field, text, sizeof(text)) ||
	    ct_parse_hex(text, 16, &got) < 0) {
		ct_protections_add(&t->report, false, row->name, asked, "cannot be told", row->how);
		return;
	}
	names = cap_names(t, got);
	ok = t->deeper || !(got & ~row->most);
	if (t->deeper && names)
		names = CT_TEXT(t, "%s, in a user namespace of its own making", names);
	if (!t->deeper)
		names = ct_protect_others(t, names, &bound, &ok);
	ct_protections_add(&t->report, ok, row->name, asked, names, row->how);
}

static void add_caps(struct ct_protect *t)
{
	const struct ct_spec *spec = t->p.spec;
	struct ct_cap_sets sets = { .bounding = 0 };
	uint64_t most;

	/* refused: this caller has fewer capabilities than the one that started the container */
	if (ct_build_cap_sets(spec, &t->p.host, !spec->init_uid, &sets, NULL) < 0) {
		if (ct_build_caps(spec, &t->p.host, &sets.bounding, NULL) < 0)
			sets.bounding = spec->cap_keep & spec->cap_bounding;
		sets.permitted = spec->cap_permitted & sets.bounding;
		sets.effective = spec->cap_effective & sets.permitted;
		sets.inheritable = spec->cap_inheritable & sets.bounding;
		sets.ambient = spec->cap_ambient & sets.inheritable;
	}
	/* programs may move capabilities between the other sets. Within the bounding set root gets
	 * them by an exec, and who is not root by a program that has some; no_new_privs leaves what
	 * is permitted */
	most = sets.bounding;
	if (spec->no_new_privs)
		most &= sets.permitted;
	struct cap_row rows[] = {
		{ "CapBnd", "capabilities, bounding", NULL, sets.bounding, sets.bounding, NULL,
		  "prctl PR_CAPBSET_DROP" },
		{ "CapPrm", "capabilities, permitted", "cap.permitted", sets.permitted, most,
		  "within the bounding set", "capset" },
		{ "CapEff", "capabilities, effective", "cap.effective", sets.effective, most,
		  "within the bounding set", "capset" },
		{ "CapInh", "capabilities, inheritable", "cap.inheritable", sets.inheritable,
		  sets.bounding, "none to begin with", "capset" },
		{ "CapAmb", "capabilities, ambient", "cap.ambient", sets.ambient, most,
		  "none to begin with", "prctl PR_CAP_AMBIENT" },
	};
	if (ct_build_keeps_bounding(spec, &t->p.host)) {
		rows[0].key = "cap.bounding";
		rows[0].otherwise = "the caller's";
		rows[0].most = ~UINT64_C(0);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		add_cap_row(t, &rows[i]);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void add_no_new_privs(struct ct_protect *t)
{
	const struct ct_bound set = { .field = "NoNewPrivs", .most = 1, .least = 1 };
	const char *asked = "-", *got = "not set", *how = "-";
	bool wanted = t->p.spec->no_new_privs, is_set, ok;
	char text[32];

	if (wanted)
		asked = "set";
	if (!ct_protect_field(t, "NoNewPrivs", text, sizeof(text))) {
		ct_protections_add(&t->report, !wanted, "no_new_privs", asked, "cannot be told",
				   "-");
		return;
	}
	is_set = !strcmp(text, "1");
	if (is_set) {
		got = "set";
		how = "prctl PR_SET_NO_NEW_PRIVS";
	}
	ok = is_set || !wanted;
	if (is_set)
		got = ct_protect_others(t, got, &set, &ok);
	/* what was not asked for may be only init's: no complaint */
	ct_protections_add(&t->report, ok || !wanted, "no_new_privs", asked, got, how);
}

bool ct_protect_filters_ok(uint32_t mode, uint32_t filters, uint32_t before)
{
	return mode == 2 && (before == UINT32_MAX || filters > before);
}

/* How many filters init has inherited: those of this process when it started the container, or of
 * the supervisor. UINT32_MAX: not known. */
static uint32_t filters_before(struct ct_protect *t)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;
	uint32_t n = UINT32_MAX;
	char value[32];

	if (t->report.care == CT_CARE_KEEPER) {
		pthread_mutex_lock(&t->c->lock);
		n = t->c->filters_before;
		pthread_mutex_unlock(&t->c->lock);
		return n;
	}
	fd = ct_protect_open_of_starter(t, "status");
	if (fd < 0 || ct_buf_read_fd(&text, fd, 1u << 20) < 0 ||
	    !ct_status_field(ct_buf_text(&text), "Seccomp_filters", value, sizeof(value)) ||
	    ct_parse_u32(value, &n) < 0)
		return UINT32_MAX;
	return n;
}

/* The filters of the program: a reaper has another one. */
static void add_seccomp(struct ct_protect *t)
{
	const struct ct_bound filtered = { .field = "Seccomp", .most = 2, .least = 2 };
	static const char *const modes[] = { "none", "strict", "filter" };
	const char *asked = t->p.spec->seccomp_profile, *got, *how = "-";
	bool wanted = asked && strcmp(asked, "none") != 0;
	bool keys = !wanted && ct_filter_keeps_keys(t->p.spec), ok;
	uint32_t v, n = 0, before = filters_before(t);
	char mode[32], count[32];

	if (!asked)
		asked = "-";
	if (keys)
		asked = "none, but for keys (keyring.user)";
	wanted |= keys;
	ok = !wanted;
	if (!ct_status_field(t->program, "Seccomp", mode, sizeof(mode)) ||
	    ct_parse_u32(mode, &v) < 0 || v > 2) {
		ct_protections_add(&t->report, !wanted, "seccomp", asked, "cannot be told", "-");
		return;
	}
	got = modes[v];
	if (v)
		how = "inherited, or set by the payload";
	if (v == 2 && ct_status_field(t->program, "Seccomp_filters", count, sizeof(count)) &&
	    ct_parse_u32(count, &n) == 0)
		got = CT_TEXT(t, "filter, %u of them", n);
	if (n && before && before != UINT32_MAX)
		got = CT_TEXT(t, "filter, %u of them, %u inherited", n, before);
	/* a kernel before 5.10 does not count them */
	if (!n)
		before = UINT32_MAX;
	if (wanted) {
		ok = ct_protect_filters_ok(v, n, before);
		got = ct_protect_others(t, got, &filtered, &ok);
	}
	if (wanted && ok)
		how = "seccomp SECCOMP_SET_MODE_FILTER";
	ct_protections_add(&t->report, ok, "seccomp", asked, got, how);
}

/* Whether init has another user namespace than this process. */
static bool has_other_users(const struct ct_protect *t)
{
	struct stat init, caller;

	return fstatat(t->proc, "ns/user", &init, 0) == 0 &&
	       stat("/proc/thread-self/ns/user", &caller) == 0 && !same(&init, &caller);
}

/* The keyrings of a user belong to the user namespace. Which session keyring a process has is not
 * shown to others. */
static void add_keyrings(struct ct_protect *t)
{
	const char *asked = "out of reach", *got = "the host's", *how = "-";
	bool ok = true;
	char mode[32];

	if (t->p.spec->keyring_user)
		asked = "-";
	if (has_other_users(t)) {
		got = "those of a user namespace of its own";
		how = "clone3";
	} else if (ct_protect_field(t, "Seccomp", mode, sizeof(mode)) && !strcmp(mode, "2") &&
		   ct_filter_journal_refuses_keys(ct_buf_text(&t->records))) {
		got = "out of reach: the calls for keys are refused";
		how = "seccomp SECCOMP_SET_MODE_FILTER";
	} else {
		ok = t->p.spec->keyring_user;
	}
	ct_protections_add(&t->report, ok, "keyrings of the user", asked, got, how);
}

/* The modules that label processes, each with the file of a process and the key that asks for a
 * label. The last one's file also serves modules without a file of their own. */
static const struct {
	const char *file, *key;
	const char *record; /* the journal's name for the label that was given */
} modules[] = { { "attr/apparmor/current", "apparmor.profile", "apparmor.label" },
		{ "attr/current", "selinux.context", "selinux.label" } };

/* The label that a module was asked for: as the journal has it, for a generated one has a name of
 * its own, else as the config does. NULL: none. */
static const char *asked_label(struct ct_protect *t, size_t i)
{
	const char *asked = ct_protections_asked(&t->report, modules[i].key), *kept = NULL;

	if (ct_protect_names_label(asked))
		kept = ct_label_kept(ct_buf_text(&t->records), modules[i].record, t->report.arena);
	if (kept)
		return kept;
	return asked;
}

/* The label, the first line of the file. NULL: there is none; *why is then "", or why it cannot be
 * read. A kernel without such a module fails with EINVAL, one that does not know the file with
 * ENOENT. */
static const char *label_in(struct ct_protect *t, const char *file, const char **why)
{
	const char *text = ct_protect_read(t, file, 4096, why);

	if (!text && (!strcmp(*why, ct_errno_text(EINVAL)) || !strcmp(*why, ct_errno_text(ENOENT))))
		*why = "";
	if (!text || !*text || *text == '\n')
		return NULL;
	return CT_TEXT(t, "%.*s", (int)strcspn(text, "\n"), text);
}

int ct_protect_open_of_starter(const struct ct_protect *t, const char *file)
{
	CT_CLEAN_FD int dir = -1, fd = -1;
	struct ct_state_file st = { .supervisor = 0 };
	char path[80];

	if (t->report.care == CT_CARE_NOBODY)
		return -1;
	if (t->report.care == CT_CARE_KEEPER) {
		snprintf(path, sizeof(path), "/proc/thread-self/%s", file);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	dir = ct_state_dir(t->c, NULL);
	if (dir < 0 || ct_state_read(dir, &st, NULL) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)st.supervisor, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* only after the open is it certain that the process id had not been used again by then */
	if (fd < 0 || ct_proc_start_time(st.supervisor) != st.supervisor_start)
		return -1;
	return ct_take_fd(&fd);
}

/* The label of the process that has made init; NULL: it is not known. */
static const char *starters_label(struct ct_protect *t, const char *file)
{
	CT_CLEAN_FD int fd = ct_protect_open_of_starter(t, file);
	char label[4096] = "";

	if (fd < 0 || ct_read_text(fd, label, sizeof(label)) <= 0)
		return NULL;
	return CT_TEXT(t, "%.*s", (int)strcspn(label, "\n"), label);
}

static void compare_label(struct ct_protect *t, const char *file, const char *asked,
			  const char *got)
{
	const char *starter = starters_label(t, file), *how;
	bool ok = ct_protect_label_ok(asked, starter, got);

	if (ct_protect_names_label(asked))
		how = CT_TEXT(t, "/proc/INIT/%s", file);
	else if (!starter)
		how = "not compared: who started it cannot be looked at";
	else if (strcmp(starter, got) != 0)
		how = CT_TEXT(t, "who started it has %s", starter);
	else
		how = "inherited";
	if (!asked)
		asked = "unchanged";
	ct_protections_add(&t->report, ok, "security label", asked, got, how);
}

static void add_label(struct ct_protect *t)
{
	const char *why = "", *wanted = NULL, *failed = "";

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		const char *asked = asked_label(t, i), *got = label_in(t, modules[i].file, &why);

		if (got) {
			compare_label(t, modules[i].file, asked, got);
			return;
		}
		if (ct_protect_names_label(asked))
			wanted = asked;
		if (*why)
			failed = why;
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
	add_keyrings(t);
	add_label(t);
}

/* Limits that a process enforces, and not the kernel. */
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
		const char *how = rows[i].detached;

		if (!asked)
			continue;
		if (t->report.care == CT_CARE_KEEPER)
			how = rows[i].in_process;
		if (t->report.care == CT_CARE_NOBODY)
			ct_protections_add(&t->report, false, rows[i].key, asked, "not kept",
					   "the supervisor has been killed");
		else
			ct_protections_add(&t->report, true, rows[i].key, asked, "kept", how);
	}
}
