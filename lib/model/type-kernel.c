/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that name a file of the kernel: sysctl.NAME, proc.NAME, cgroup.NAME. */
#include "model/type.h"

#include <errno.h>
#include <string.h>

#define SMALL "abcdefghijklmnopqrstuvwxyz0123456789_-"
#define LARGE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Whether a name is made of `letters`, with `dots` of several parts with single dots between them:
 * as a path it then stays below its directory. */
static bool is_plain_name(const char *s, const char *letters, bool dots)
{
	for (;;) {
		size_t n = strspn(s, letters);

		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		if (*s != '.' || !dots)
			return false;
		s++;
	}
}

/* Records that the key does not name a file below `what`. */
static int bad_name(const struct ct_entry *entry, const char *what, struct ct_err *e)
{
	return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config", "\"%s\" cannot be a file below %s",
		       entry->sub, what);
}

static int keep_pair(const struct ct_entry *entry, struct ct_pairs *list, struct ct_spec *spec,
		     struct ct_err *e)
{

	return CT_LIST_KEEP(spec, list, e,
			    (struct ct_pair_item){ entry->at, entry->sub, entry->value });
}

/* Whether a name is in the other form of sysctl(8), "net/ipv4/conf/eth0.1/forwarding", where a dot
 * stands for itself, and has no part that begins with a dot. */
static bool is_slashed_name(const char *s)
{
	for (;;) {
		size_t n = strspn(s, SMALL LARGE ".");

		if (!n || *s == '.' || (s[n] && s[n] != '/'))
			return false;
		s += n;
		if (!*s++)
			return true;
	}
}

static int parse_sysctl(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	bool slashed = strchr(entry->sub, '/'), good;
	struct ct_entry dotted = *entry;
	char *name;

	if (slashed)
		good = is_slashed_name(entry->sub);
	else
		good = is_plain_name(entry->sub, SMALL, true);
	if (!good) {
		ct_err_hint(e, "write the name with dots, as sysctl.net.ipv4.ip_forward, or with "
			       "slashes");
		return bad_name(entry, "/proc/sys", e);
	}
	if (!slashed || !field)
		return keep_pair(entry, field, spec, e);
	dotted.sub = name = ct_arena_strdup(spec->arena, entry->sub);
	if (!name)
		return ct_oom(e);
	for (char *p = name; (p = strpbrk(p, "./")); p++) {
		if (*p == '/')
			*p = '.';
		else
			*p = '/';
	}
	return keep_pair(&dotted, field, spec, e);
}

const struct ct_type ct_type_sysctl = { "text", parse_sysctl, "a text" };

static int parse_proc(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	if (!is_plain_name(entry->sub, SMALL, false)) {
		ct_err_hint(e, "name a file directly in /proc/PID, as proc.oom_score_adj");
		return bad_name(entry, "/proc/PID", e);
	}
	return keep_pair(entry, field, spec, e);
}

const struct ct_type ct_type_proc = { "text", parse_proc, "a text" };

/* Files of a cgroup that are no limits: they move or end processes, or only the library writes
 * them. */
static bool is_housekeeping(const char *file)
{
	static const char *const names[] = {
		"cgroup.procs",	 "cgroup.threads",	   "cgroup.kill",	   "cgroup.freeze",
		"cgroup.type",	 "cgroup.subtree_control", "cgroup.event_control", "tasks",
		"release_agent", "notify_on_release",	   "freezer.state",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(file, names[i]))
			return true;
	}
	return false;
}

static int parse_cgroup_file(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			     struct ct_err *e)
{
	struct ct_cgfiles *list = field;
	bool tried;
	const char *value = ct_value_tried(entry->value, &tried);

	/* "hugetlb.2MB.max" */
	if (!is_plain_name(entry->sub, SMALL LARGE, true))
		return bad_name(entry, "the container's cgroup", e);
	if (is_housekeeping(entry->sub))
		return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config",
			       "\"%s\" is not a limit: it is written by the library alone",
			       entry->sub);
	if (!*value)
		return ct_value_bad(entry, e);
	return CT_LIST_KEEP(spec, list, e,
			    (struct ct_cgfile_item){ entry->at, entry->sub, value, tried });
}

const struct ct_type ct_type_cgroup_file = { "list of texts", parse_cgroup_file,
					     "a text, perhaps after \"try:\"" };
