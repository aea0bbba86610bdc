/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the relations between keys. Each is one function; the table at the end has their
 * order. */
#include "model/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <contain/contain.h>

#include "base/caps.h"
#include "model/type.h"

#define IDMAP_MAX 340 /* lines the kernel takes for users, and for groups */

int ct_check_conflict(struct ct_err *e, const struct ct_origin *at, const char *fmt, ...)
{
	char reason[sizeof(e->reason)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	ct_err_origin(e, at);
	return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "config", "%s", reason);
}

static bool is_cap_set(uint64_t mask)
{
	return mask != CT_CAP_MASK_UNSET;
}

/* Keys that each say which capabilities are left. */
static int check_cap_ways(const struct ct_spec *s, struct ct_err *e)
{
	const char *key = "cap.drop", *other = "cap.keep";

	if (is_cap_set(s->cap_bounding)) {
		key = "cap.bounding";
		if (!is_cap_set(s->cap_keep))
			other = "cap.drop";
	}
	if (s->cap_drop_set + is_cap_set(s->cap_keep) + is_cap_set(s->cap_bounding) < 2)
		return 0;
	ct_err_hint(e, "clear one of them with an empty value");
	return ct_check_conflict(e, ct_spec_origin(s, key), "%s and %s exclude each other", key,
				 other);
}

/* Sets that the kernel does not take beside each other; those that are left depend on the host, and
 * are held against these when a plan is made. */
static int check_caps(const struct ct_spec *s, struct ct_err *e)
{
	const struct {
		const char *key, *within;
		uint64_t set, whole;
	} rows[] = {
		{ "cap.effective", "cap.permitted", s->cap_effective, s->cap_permitted },
		{ "cap.ambient", "cap.permitted", s->cap_ambient, s->cap_permitted },
		{ "cap.ambient", "cap.inheritable", s->cap_ambient, s->cap_inheritable },
	};
	int r = check_cap_ways(s, e);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && r >= 0; i++) {
		uint64_t beyond = rows[i].set & ~rows[i].whole;
		char name[CT_CAP_NAME_BYTES];

		if (!is_cap_set(rows[i].set) || !is_cap_set(rows[i].whole) || !beyond)
			continue;
		ct_cap_name((unsigned)__builtin_ctzll(beyond), name);
		ct_err_object(e, name);
		ct_err_hint(e, "add it to the one, or take it out of the other");
		r = ct_check_conflict(e, ct_spec_origin(s, rows[i].key),
				      "%s has a capability that %s lacks", rows[i].key,
				      rows[i].within);
	}
	return r;
}

/* The namespaces of namespace.share.*. */
static uint32_t shared_bits(const struct ct_spec *s)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		bits |= s->ns_share.v[i].ns;
	return bits;
}

static int check_share(const struct ct_spec *s, const struct ct_share_item *share, uint32_t seen,
		       struct ct_err *e)
{
	const char *name = ct_ns_name(share->ns);

	if (s->ns_clone & share->ns)
		return ct_check_conflict(e, &share->at,
					 "the %s namespace cannot be shared and "
					 "made anew (namespace.clone)",
					 name);
	if (s->ns_keep & share->ns)
		return ct_check_conflict(e, &share->at,
					 "the %s namespace cannot be shared and the "
					 "caller's (namespace.keep)",
					 name);
	if (seen & share->ns)
		return ct_check_conflict(e, &share->at, "the %s namespace is shared twice", name);
	return 0;
}

static int check_namespaces(const struct ct_spec *s, struct ct_err *e)
{
	uint32_t seen = 0;
	int r = 0;

	if (s->ns_clone_set && s->ns_keep_set) {
		ct_err_hint(e, "clear one of them with an empty value");
		return ct_check_conflict(e, ct_spec_origin(s, "namespace.clone"),
					 "namespace.clone and namespace.keep exclude each other");
	}
	for (uint32_t i = 0; i < s->ns_share.n && r >= 0; i++) {
		r = ct_err_go_on(e, check_share(s, &s->ns_share.v[i], seen, e));
		seen |= s->ns_share.v[i].ns;
	}
	return r;
}

/* Whether the container will have a namespace of its own of this kind. */
static bool has_own(const struct ct_spec *s, uint32_t bit)
{
	if ((shared_bits(s) | s->ns_keep) & bit)
		return false;
	if (s->ns_clone_set)
		return s->ns_clone & bit;
	if (bit == CT_NS_USER)
		return s->idmap.n > 0;
	for (uint32_t i = 0; bit == CT_NS_NET && i < s->net.n; i++) {
		if (!strcmp(s->net.v[i].type, "none"))
			return false;
	}
	return true;
}

/* Keys that would change something of the host when the namespace is not the container's own. */
static int check_needs(const struct ct_spec *s, struct ct_err *e)
{
	static const struct {
		const char *key;
		uint32_t bit;
	} needs[] = {
		{ "uts.name", CT_NS_UTS },
		{ "uts.domain", CT_NS_UTS },
		{ "time.offset.boot", CT_NS_TIME },
		{ "time.offset.monotonic", CT_NS_TIME },
		{ "idmap", CT_NS_USER },
	};

	int r = 0;

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs) && r >= 0; i++) {
		const struct ct_origin *at = ct_spec_origin(s, needs[i].key);

		if (!at || has_own(s, needs[i].bit))
			continue;
		ct_err_hint(e, "take %s out of namespace.keep, or add it to namespace.clone",
			    ct_ns_name(needs[i].bit));
		r = ct_err_go_on(e, ct_check_conflict(e, at,
						      "it needs the container's own %s namespace",
						      ct_ns_name(needs[i].bit)));
	}
	return r;
}

static bool ranges_meet(uint32_t a, uint32_t b, uint32_t n_a, uint32_t n_b)
{
	if (a < b)
		return b - a < n_a;
	return a - b < n_b;
}

static const char *kind_of(const struct ct_idmap_item *m)
{
	if (m->group)
		return "g";
	return "u";
}

/* The kernel refuses maps that overlap on either side. */
static int check_idmap_overlap(const struct ct_spec *s, struct ct_err *e)
{
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *a = &s->idmap.v[i];

		for (uint32_t j = 0; j < i; j++) {
			const struct ct_idmap_item *b = &s->idmap.v[j];
			bool inside = ranges_meet(a->inside, b->inside, a->count, b->count);

			if (a->group != b->group ||
			    (!inside && !ranges_meet(a->outside, b->outside, a->count, b->count)))
				continue;
			ct_err_hint(e,
				    "each id, inside and on the host, may stand in one range only");
			return ct_check_conflict(e, &a->at, "%s %u %u %u overlaps %s %u %u %u %s",
						 kind_of(a), a->inside, a->outside, a->count,
						 kind_of(b), b->inside, b->outside, b->count,
						 inside ? "inside the container" : "on the host");
		}
	}
	return 0;
}

static int check_idmap_kinds(const struct ct_spec *s, struct ct_err *e)
{
	uint32_t groups = 0;

	for (uint32_t i = 0; i < s->idmap.n; i++)
		groups += s->idmap.v[i].group;
	if (!s->idmap.n)
		return 0;
	if (groups == s->idmap.n) {
		ct_err_hint(e, "add a line \"u 0 100000 65536\"");
		return ct_check_conflict(e, &s->idmap.v[0].at,
					 "groups are mapped but users are not");
	}
	if (!groups) {
		ct_err_hint(e, "add a line \"g 0 100000 65536\"");
		return ct_check_conflict(e, &s->idmap.v[0].at,
					 "users are mapped but groups are not");
	}
	if (groups > IDMAP_MAX || s->idmap.n - groups > IDMAP_MAX) {
		ct_err_origin(e, &s->idmap.v[0].at);
		return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config",
			       "the kernel takes at most %d maps", IDMAP_MAX);
	}
	return 0;
}

static bool is_mapped(const struct ct_spec *s, bool group, uint32_t id)
{
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group == group && id >= m->inside && id - m->inside < m->count)
			return true;
	}
	return !s->idmap.n;
}

static int unmapped(struct ct_err *e, const struct ct_origin *at, const char *what, uint32_t id)
{
	ct_err_hint(e, "add a range to idmap, or choose an id that it maps");
	return ct_err_go_on(e,
			    ct_check_conflict(e, at, "init runs as %s %u, which idmap does not map",
					      what, id));
}

/* Where the key was set, else the first map: at its default it is idmap that lacks the id. */
static const struct ct_origin *id_origin(const struct ct_spec *s, const char *key)
{
	const struct ct_origin *at = ct_spec_origin(s, key);

	if (at)
		return at;
	return ct_spec_origin(s, "idmap");
}

/* The ids that init runs with must be mapped. */
static int check_ids(const struct ct_spec *s, struct ct_err *e)
{
	int r = 0;

	if (!is_mapped(s, false, s->init_uid))
		r = unmapped(e, id_origin(s, "init.uid"), "user", s->init_uid);
	if (r >= 0 && !is_mapped(s, true, s->init_gid))
		r = unmapped(e, id_origin(s, "init.gid"), "group", s->init_gid);
	for (uint32_t i = 0; i < s->init_groups.n && r >= 0; i++) {
		if (!is_mapped(s, true, s->init_groups.v[i].id))
			r = unmapped(e, &s->init_groups.v[i].at, "group", s->init_groups.v[i].id);
	}
	return r;
}

struct sysctl_home {
	const char *name; /* one that ends in a dot stands for all that begin with it */
	uint32_t ns;
};

static const struct sysctl_home sysctl_homes[] = {
	{ "net.", CT_NS_NET },
	{ "fs.mqueue.", CT_NS_IPC },
	{ "kernel.msgmax", CT_NS_IPC },
	{ "kernel.msgmnb", CT_NS_IPC },
	{ "kernel.msgmni", CT_NS_IPC },
	{ "kernel.msg_next_id", CT_NS_IPC },
	{ "kernel.auto_msgmni", CT_NS_IPC },
	{ "kernel.sem", CT_NS_IPC },
	{ "kernel.sem_next_id", CT_NS_IPC },
	{ "kernel.shmall", CT_NS_IPC },
	{ "kernel.shmmax", CT_NS_IPC },
	{ "kernel.shmmni", CT_NS_IPC },
	{ "kernel.shm_next_id", CT_NS_IPC },
	{ "kernel.shm_rmid_forced", CT_NS_IPC },
	{ "kernel.hostname", CT_NS_UTS },
	{ "kernel.domainname", CT_NS_UTS },
	{ "user.", CT_NS_USER },
};

static bool is_at_home(const char *name, const char *home)
{
	size_t n = strlen(home);

	if (home[n - 1] == '.')
		return !strncmp(name, home, n);
	return !strcmp(name, home);
}

/* The namespace that a kernel parameter belongs to, 0: the whole host. */
static uint32_t sysctl_ns(const char *name)
{
	for (size_t i = 0; i < sizeof(sysctl_homes) / sizeof(*sysctl_homes); i++)
		if (is_at_home(name, sysctl_homes[i].name))
			return sysctl_homes[i].ns;
	return 0;
}

/* For a hint: what else it takes to give a container a namespace of its own. */
static const char *also_needed(uint32_t ns)
{
	if (ns == CT_NS_NET)
		return ", and net.N.type other than none";
	if (ns == CT_NS_USER)
		return ", and set idmap";
	return "";
}

static int check_sysctl(const struct ct_spec *s, const struct ct_pair_item *item, struct ct_err *e)
{
	uint32_t ns = sysctl_ns(item->name);

	if (!ns) {
		ct_err_hint(e, "set it on the host with sysctl(8)");
		return ct_check_conflict(e, &item->at,
					 "the parameter belongs to no namespace: "
					 "setting it would change the whole host");
	}
	if (has_own(s, ns))
		return 0;
	ct_err_hint(e, "leave %s out of namespace.keep and namespace.share%s", ct_ns_name(ns),
		    also_needed(ns));
	return ct_check_conflict(e, &item->at,
				 "the parameter needs the container's own %s namespace",
				 ct_ns_name(ns));
}

static int check_sysctls(const struct ct_spec *s, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; i < s->sysctl.n && r >= 0; i++)
		r = ct_err_go_on(e, check_sysctl(s, &s->sysctl.v[i], e));
	return r;
}

/* Files of /proc/PID whose value is the process's alone and outlives an exec. */
static const char *const proc_files[] = { "oom_score_adj", "oom_adj", "coredump_filter",
					  "timerslack_ns", "loginuid" };
/* What others are for. autogroup is the session's, which is the caller's when init is set up. */
static const struct {
	const char *file, *key;
} proc_keys[] = {
	{ "uid_map", "idmap" },
	{ "gid_map", "idmap" },
	{ "setgroups", "idmap" },
	{ "timens_offsets", "time.offset.boot or time.offset.monotonic" },
	{ "limits", "prlimit.*" },
	{ "autogroup", "init.nice" },
	{ "cgroup", "cgroup.dir" },
};

static int check_proc(const struct ct_pair_item *item, struct ct_err *e)
{
	const char *key = NULL;

	for (size_t i = 0; i < sizeof(proc_files) / sizeof(*proc_files); i++)
		if (!strcmp(item->name, proc_files[i]))
			return 0;
	for (size_t i = 0; i < sizeof(proc_keys) / sizeof(*proc_keys); i++)
		if (!strcmp(item->name, proc_keys[i].file))
			key = proc_keys[i].key;
	if (key)
		ct_err_hint(e, "set %s", key);
	else
		ct_err_hint(e, "oom_score_adj, oom_adj, coredump_filter, timerslack_ns and "
			       "loginuid can be set");
	return ct_check_conflict(e, &item->at,
				 "the file's value is not one that a process keeps for itself");
}

static int check_procs(const struct ct_spec *s, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; i < s->proc.n && r >= 0; i++)
		r = ct_err_go_on(e, check_proc(&s->proc.v[i], e));
	return r;
}

/* Type none, the host's network, excludes networks of the container's own. */
static int check_networks(const struct ct_spec *s, struct ct_err *e)
{
	for (uint32_t i = 0; s->net.n > 1 && i < s->net.n; i++) {
		if (!strcmp(s->net.v[i].type, "none"))
			return ct_check_conflict(e, &s->net.v[i].at,
						 "type none goes not together with other networks");
	}
	return 0;
}

int ct_spec_check(const struct ct_spec *s, struct ct_err *e)
{
	static int (*const checks[])(const struct ct_spec *s, struct ct_err *e) = {
		check_caps, check_namespaces, check_needs, check_idmap_kinds, check_idmap_overlap,
		check_ids,  check_sysctls,    check_procs, check_networks,    ct_spec_check_cgroup,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		int r = checks[i](s, e);

		if (r < 0 && !ct_err_next(e))
			return r;
	}
	return 0;
}
