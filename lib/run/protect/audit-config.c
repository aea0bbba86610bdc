/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of ct_audit() look at in the config alone. */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "base/caps.h"
#include "base/namespaces.h"
#include "plan/build.h"
#include "run/handle/container.h"
#include "run/protect/audit.h"

/* ---- namespaces and ids ---------------------------------------------------------------------- */

/* The ids of the host from r->n, as many as its upper half says; with the word "caller" those of
 * this process. */
static bool covers(const struct ct_audit *a, const struct ct_rule *r, const struct ct_idmap_item *m)
{
	uint32_t first = (uint32_t)r->n, count = (uint32_t)(r->n >> 32), end;

	if (r->word) {
		first = m->group ? a->host->gid : a->host->uid;
		count = 1;
		/* root has a rule of its own */
		if (!first)
			return false;
	}
	end = first + count - 1;
	return m->outside <= end && (m->outside >= first || first - m->outside < m->count);
}

void ct_look_maps(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->idmap.n; i++) {
		const struct ct_idmap_item *m = &a->spec->idmap.v[i];
		const char *kind = "u";

		if (!covers(a, r, m))
			continue;
		if (m->group)
			kind = "g";
		ct_audit_hit(a, r, &m->at,
			     ct_arena_printf(a->arena, "%s %u %u %u", kind, m->inside, m->outside,
					     m->count),
			     NULL);
	}
}

static bool is_shared(const struct ct_spec *s, uint32_t ns)
{
	for (uint32_t i = 0; i < s->ns_share.n; i++)
		if (s->ns_share.v[i].ns == ns)
			return true;
	return false;
}

/* Where it is said that the container has the caller's namespace; NULL: nowhere. */
static const struct ct_origin *kept_at(const struct ct_spec *s, uint32_t ns)
{
	if (s->ns_keep_set && (s->ns_keep & ns))
		return ct_spec_origin(s, "namespace.keep");
	for (uint32_t i = 0; ns == CT_NS_NET && i < s->net.n; i++)
		if (!strcmp(s->net.v[i].type, "none"))
			return &s->net.v[i].at;
	return ct_spec_origin(s, "namespace.clone");
}

/* The key and value that give it back: what is kept without it, or made with it. */
static void mend_kept(struct ct_audit *a, struct ct_rule *r, const struct ct_origin *at)
{
	const struct ct_spec *s = a->spec;
	bool keep = !strcmp(at->key, "namespace.keep");
	uint32_t list = s->ns_clone | (uint32_t)r->n;
	const char *text = "";

	r->mend = CT_MEND_SET;
	r->key = at->key;
	if (!strncmp(at->key, "net.", 4)) {
		r->value = "empty";
		return;
	}
	if (keep)
		list = s->ns_keep & ~(uint32_t)r->n;
	for (int i = 0; i < CT_NAMESPACES; i++)
		if (list & ct_namespaces[i].bit)
			text = ct_audit_more(a, text, ct_namespaces[i].name);
	r->value = text;
	if (text && !*text)
		r->mend = CT_MEND_REMOVE;
}

void ct_look_no_userns(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_origin *at = kept_at(a->spec, CT_NS_USER);
	struct ct_rule with = *r;
	uint8_t severity = r->plain;

	if (ct_build_userns(a->spec))
		return;
	/* one that is there already, the caller's own */
	if (a->apart)
		severity = r->mapped;
	/* idmap cannot be set beside such a list */
	with.n = CT_NS_USER;
	if (at)
		mend_kept(a, &with, at);
	ct_audit_hit_as(a, &with, severity, at, NULL, NULL);
}

/* A process whose namespace is this one's, too. */
static bool is_callers(const struct ct_share_item *share)
{
	const char *name = ct_namespaces[__builtin_ctz(share->ns)].name;
	char path[64];
	struct stat theirs, mine;

	if (share->with[strspn(share->with, "0123456789")] || strlen(share->with) > 9)
		return false;
	snprintf(path, sizeof(path), "/proc/%s/ns/%s", share->with, name);
	if (stat(path, &theirs) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
	return stat(path, &mine) == 0 && mine.st_dev == theirs.st_dev &&
	       mine.st_ino == theirs.st_ino;
}

void ct_look_kept_ns(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_spec *s = a->spec;
	struct ct_rule with = *r;
	const struct ct_origin *at;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		if (s->ns_share.v[i].ns == r->n && is_callers(&s->ns_share.v[i])) {
			with.mend = CT_MEND_REMOVE;
			ct_audit_hit(a, &with, &s->ns_share.v[i].at, s->ns_share.v[i].with, NULL);
		}
	at = kept_at(s, (uint32_t)r->n);
	if ((a->own & r->n) || is_shared(s, (uint32_t)r->n) || !at)
		return;
	mend_kept(a, &with, at);
	ct_audit_hit(a, &with, at, NULL, NULL);
}

void ct_look_shared_ns(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->ns_share.n; i++) {
		const struct ct_share_item *share = &a->spec->ns_share.v[i];

		if ((share->ns & r->n) && !is_callers(share))
			ct_audit_hit(a, r, &share->at, share->with, NULL);
	}
}

/* ---- capabilities, filter -------------------------------------------------------------------- */

/* The names of a set, as a key takes them. */
static const char *names_of(struct ct_audit *a, uint64_t caps)
{
	const char *text = "";
	char name[CT_CAP_NAME_BYTES];

	for (unsigned i = 0; i < 64; i++)
		if (caps & CT_CAP_BIT(i))
			text = ct_audit_more(a, text,
					     ct_arena_strdup(a->arena, ct_cap_name(i, name)));
	if (!caps)
		return "none";
	return text;
}

/* By the key that the bounding set comes from: one more to drop, or the others to keep. */
static void hit_cap(struct ct_audit *a, const struct ct_rule *r, uint64_t caps, const char *object)
{
	const struct ct_spec *s = a->spec;
	struct ct_rule with = *r;

	with.mend = CT_MEND_SET;
	with.key = "cap.keep";
	if (s->cap_bounding != CT_CAP_MASK_UNSET)
		with.key = "cap.bounding";
	else if (s->cap_keep == CT_CAP_MASK_UNSET && s->cap_drop_set) {
		with.mend = CT_MEND_ADD;
		with.key = "cap.drop";
	}
	with.value = names_of(a, a->kept & ~caps);
	if (with.mend == CT_MEND_ADD)
		with.value = names_of(a, caps);
	ct_audit_hit(a, &with, ct_spec_origin(s, with.key), object, NULL);
}

/* Whether what the capability is for is kept from the container by other means: the word of its
 * row. The kernel takes orders about its audit in the first pid namespace only, and tells of it in
 * the first network namespace; reboot(2) in a pid namespace ends that; the default filter never
 * lets kexec_load(2) pass. */
static bool is_moot(const struct ct_audit *a, const char *word)
{
	if (!word)
		return false;
	if (!strcmp(word, "net"))
		return a->own & CT_NS_NET;
	if (!strcmp(word, "kexec"))
		return (a->own & CT_NS_PID) && a->filtered;
	return a->own & CT_NS_PID;
}

void ct_look_cap(struct ct_audit *a, const struct ct_rule *r)
{
	uint64_t caps = a->kept & r->n;

	if (caps && !is_moot(a, r->word))
		hit_cap(a, r, caps, names_of(a, caps));
}

void ct_look_inheritable(struct ct_audit *a, const struct ct_rule *r)
{
	uint64_t set = a->spec->cap_inheritable;

	if (set != CT_CAP_MASK_UNSET && set)
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), names_of(a, set), NULL);
}

void ct_look_filter(struct ct_audit *a, const struct ct_rule *r)
{
	const char *profile = a->spec->seccomp_profile;

	if (!profile || !strcmp(profile, "none"))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), NULL, NULL);
}

/* What the payload begins with is less than a program of the rootfs could have by its file. */
static bool can_rise(const struct ct_spec *s)
{
	return s->init_uid || s->cap_permitted != CT_CAP_MASK_UNSET ||
	       s->cap_effective != CT_CAP_MASK_UNSET;
}

void ct_look_privs(struct ct_audit *a, const struct ct_rule *r)
{
	uint8_t severity = 0;

	if (a->no_privs)
		return;
	if (!a->apart)
		severity = CT_SEVERITY_LOW;
	if (can_rise(a->spec))
		severity = r->mapped;
	if (can_rise(a->spec) && !a->apart)
		severity = r->plain;
	ct_audit_hit_as(a, r, severity, ct_spec_origin(a->spec, r->key), NULL, NULL);
}

/* ---- limits and devices ---------------------------------------------------------------------- */

/* The files of either version that limit the same. */
static const struct {
	const char *key, *v1, *v2;
} limit_files[] = {
	{ "limit.memory", "memory.limit_in_bytes", "memory.max" },
	{ "limit.pids", "pids.max", "pids.max" },
	{ "limit.cpu", "cpu.cfs_quota_us", "cpu.max" },
};

static bool has_file(const struct ct_cgfiles *files, const char *name)
{
	bool limits = false;

	for (uint32_t i = 0; i < files->n; i++)
		if (!strcmp(files->v[i].file, name))
			limits = strncmp(files->v[i].value, "max", 3) && *files->v[i].value != '-';
	return limits;
}

void ct_look_limit(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_cglimits *l = &a->spec->cglimits;

	for (uint32_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].key, r->key) && !ct_cglimit_idle(&l->v[i]))
			return;
	for (size_t i = 0; i < sizeof(limit_files) / sizeof(*limit_files); i++)
		if (!strcmp(limit_files[i].key, r->key) &&
		    (has_file(&a->spec->cgroup1, limit_files[i].v1) ||
		     has_file(&a->spec->cgroup2, limit_files[i].v2)))
			return;
	ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), NULL, NULL);
}

void ct_look_tried(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_spec *s = a->spec;
	struct ct_rule with = *r;

	for (uint32_t i = 0; i < s->n_entries; i++) {
		const struct ct_entry *e = &s->entries[i];

		if (strncmp(e->value, "try:", 4) || !e->key->type->parse ||
		    (strncmp(e->name, "limit.", 6) && strncmp(e->name, "cgroup", 6)))
			continue;
		with.key = e->name;
		ct_audit_hit(a, &with, &e->at, e->value, e->value + 4);
	}
}

/* A device that nobody has a use for: what it may be, all may. */
#define NO_MAJOR 4000

/* Whether some block device can be read or written: one that a rule names, or a usual disk. */
static bool allows_blocks(const struct ct_dev_list *l)
{
	static const uint32_t disks[] = { 7, 8, 9, 65, 179, 202, 252, 253, 254, 259 };

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_dev_rule *d = &l->v[i];

		if (d->allow && d->type == 'b' && d->major >= 0 && d->minor >= 0 &&
		    (ct_dev_allowed(l, 'b', (uint32_t)d->major, (uint32_t)d->minor, CT_DEV_READ) ||
		     ct_dev_allowed(l, 'b', (uint32_t)d->major, (uint32_t)d->minor, CT_DEV_WRITE)))
			return true;
	}
	for (size_t i = 0; i < sizeof(disks) / sizeof(*disks); i++)
		if (ct_dev_allowed(l, 'b', disks[i], 1, CT_DEV_READ) ||
		    ct_dev_allowed(l, 'b', disks[i], 1, CT_DEV_WRITE))
			return true;
	return false;
}

/* /dev/mem, /dev/kmem, /dev/port. */
static bool allows_memory(const struct ct_dev_list *l)
{
	static const uint32_t minors[] = { 1, 2, 4 };

	for (size_t i = 0; i < sizeof(minors) / sizeof(*minors); i++)
		if (ct_dev_allowed(l, 'c', 1, minors[i], CT_DEV_READ) ||
		    ct_dev_allowed(l, 'c', 1, minors[i], CT_DEV_WRITE))
			return true;
	return false;
}

/* Whether the spec's list of devices allows what the row is about. What all allow is told as that
 * alone. */
static bool allows(struct ct_audit *a, const struct ct_spec *s, uint64_t what)
{
	struct ct_dev_list l;
	bool all;

	if (ct_dev_from_spec(s, a->at_version, a->arena, &l, NULL) < 0)
		return false;
	all = ct_dev_allowed(&l, 'b', NO_MAJOR, 1, CT_DEV_READ | CT_DEV_WRITE) ||
	      ct_dev_allowed(&l, 'c', NO_MAJOR, 1, CT_DEV_READ | CT_DEV_WRITE);
	if (what == 'b')
		return !all && allows_blocks(&l);
	if (what == 'c')
		return !all && allows_memory(&l);
	return all;
}

/* The rule without which it would not be allowed; NULL: it is not a single one. */
static const struct ct_origin *allowed_by(struct ct_audit *a, uint64_t what)
{
	const struct ct_devrules *rules = &a->spec->devrules;

	for (uint32_t i = rules->n; i > 0; i--) {
		struct ct_spec without = *a->spec;
		struct ct_devrule_item *v;

		v = ct_arena_grow(a->arena, rules->v, rules->n, rules->n, sizeof(*v));
		if (!v) {
			a->oom = true;
			return NULL;
		}
		memmove(&v[i - 1], &v[i], (rules->n - i) * sizeof(*v));
		without.devrules.v = v;
		without.devrules.n--;
		if (rules->v[i - 1].allow && !allows(a, &without, what))
			return &rules->v[i - 1].at;
	}
	return NULL;
}

void ct_look_devices(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_origin *at;
	struct ct_rule with = *r;

	if (!allows(a, a->spec, r->n))
		return;
	at = allowed_by(a, r->n);
	if (at) {
		with.mend = CT_MEND_REMOVE;
		with.key = NULL;
		with.value = "";
	} else {
		at = ct_spec_origin(a->spec, "limit.devices");
	}
	ct_audit_hit(a, &with, at, NULL, NULL);
}

/* ---- mount.auto ------------------------------------------------------------------------------ */

/* mount.auto with the rest as it is, but for /proc and /sys covered as by default, with `cgroup` as
 * the word for cgroups, and without what the host mounts later. */
static const char *usual_auto(struct ct_audit *a, const char *cgroup)
{
	static const char *const proc[] = { "", "proc", "proc:mixed", "proc:mixed" };
	static const char *const sys[] = { "", "sys:ro", "sys:mixed", "sys:mixed" };
	const struct ct_mount_auto *m = &a->spec->mount_auto;
	const char *text = ct_audit_more(a, proc[m->proc], sys[m->sys]);

	if (cgroup)
		text = ct_audit_more(a, text, cgroup);
	if (text && *text)
		return text;
	return "proc:mixed sys:ro";
}

/* r->word: the file system of which nothing is covered, or the mounts of the host. */
void ct_look_auto(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_mount_auto *m = &a->spec->mount_auto;
	bool proc = !strcmp(r->word, "proc") && m->proc == CT_AUTO_RW,
	     sys = !strcmp(r->word, "sys") && m->sys == CT_AUTO_RW,
	     shm = !strcmp(r->word, "shmounts") && m->shm_host;

	if (a->spec->mount_auto_set && (proc || sys || shm))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, "mount.auto"), NULL,
			     usual_auto(a, m->cgroup));
}

/* Groups above the container's own (r->n 1), or its own, that can be written to. */
void ct_look_auto_cgroup(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_mount_auto *m = &a->spec->mount_auto;
	bool full = m->cgroup_kind == CT_AUTO_CGROUP_FULL && m->cgroup_mode != CT_AUTO_MIXED;

	if (!m->cgroup_kind || m->cgroup_mode == CT_AUTO_RO || full != (r->n == 1))
		return;
	ct_audit_hit(a, r, ct_spec_origin(a->spec, "mount.auto"), m->cgroup,
		     usual_auto(a, "cgroup:ro"));
}

/* The payload's group is the one that carries its limits, and it may write to it. */
void ct_look_own_limits(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_mount_auto *m = &a->spec->mount_auto;

	if (a->spec->cgroup_dir_container && !a->spec->cgroup_dir_inner && m->cgroup_kind &&
	    m->cgroup_mode != CT_AUTO_RO)
		ct_audit_hit(a, r, ct_spec_origin(a->spec, "cgroup.dir.container"),
			     a->spec->cgroup_dir_container, NULL);
}

/* ---- single keys ----------------------------------------------------------------------------- */

/* The values of a list, or the last one of another key. */
void ct_look_value(struct ct_audit *a, const struct ct_rule *r)
{
	const char *value = ct_audit_asked(a, r->key);

	if (value && !fnmatch(r->word, value, 0))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), value, NULL);
}

void ct_look_keyring(struct ct_audit *a, const struct ct_rule *r)
{
	uint8_t severity = r->plain;

	/* the default filter refuses the calls that read keys; attached programs may have none */
	if (a->filtered)
		severity = r->mapped;
	if (!a->spec->keyring_session)
		ct_audit_hit_as(a, r, severity, ct_spec_origin(a->spec, r->key), NULL, NULL);
}

void ct_look_prlimit(struct ct_audit *a, const struct ct_rule *r)
{
	const struct ct_limits *l = &a->spec->prlimit;

	for (uint32_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, r->word) && l->v[i].hard)
			ct_audit_hit(a, r, &l->v[i].at, NULL, NULL);
}

void ct_look_negative(struct ct_audit *a, const struct ct_rule *r)
{
	const char *value = ct_audit_asked(a, r->key);

	if (value && *value == '-')
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), value, NULL);
}

void ct_look_sysctl(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->sysctl.n; i++) {
		const struct ct_pair_item *item = &a->spec->sysctl.v[i];

		if (!fnmatch(r->word, item->name, 0) && strcmp(item->value, "0") != 0)
			ct_audit_hit(a, r, &item->at, item->value, NULL);
	}
}

/* Whether a word of a variable's name, divided by "_", is one that secrets are called by. */
static bool is_secret(const char *name)
{
	static const char *const words[] = { "PASSWORD", "PASSWD",     "PASSPHRASE",  "SECRET",
					     "TOKEN",	 "CREDENTIAL", "CREDENTIALS", "APIKEY",
					     "PRIVKEY",	 "KEY",	       "PWD" };

	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "_");

		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			/* PWD alone is the working directory */
			if (strlen(words[i]) == n && !strncasecmp(p, words[i], n) &&
			    (strcmp(words[i], "PWD") || p != name))
				return true;
		p += n;
		p += *p == '_';
	}
	return false;
}

void ct_look_secret(struct ct_audit *a, const struct ct_rule *r)
{
	for (uint32_t i = 0; i < a->spec->environment.n; i++) {
		const struct ct_pair_item *item = &a->spec->environment.v[i];

		if (is_secret(item->name))
			ct_audit_hit(a, r, &item->at, item->name, NULL);
	}
}

/* Nothing was asked for, and the module r->word, r->n, is there. */
void ct_look_label(struct ct_audit *a, const struct ct_rule *r)
{
	const char *asked = ct_audit_asked(a, r->key);

	if ((a->lsm & r->n) && (!asked || !strcmp(asked, "unchanged")))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), r->word, NULL);
}

/* ---- what the options of a start hand over --------------------------------------------------- */

void ct_look_terminal(struct ct_audit *a, const struct ct_rule *r)
{
	if (a->opts->flags & (CT_START_PTY | CT_START_DETACH))
		return;
	for (int i = 0; i < 3; i++) {
		int fd = i;

		if (a->opts->stdio[i])
			fd = ct_given_fd(a->opts->stdio[i]);
		if (fd < 0 || !isatty(fd))
			continue;
		/* the default filter refuses TIOCSTI and TIOCLINUX */
		if ((a->kept & r->n) && !a->apart && !a->filtered)
			ct_audit_hit_as(a, r, CT_SEVERITY_HIGH, NULL, NULL, NULL);
		else
			ct_audit_hit(a, r, NULL, NULL, NULL);
		return;
	}
}

void ct_look_fds(struct ct_audit *a, const struct ct_rule *r)
{
	struct stat st;

	for (size_t i = 0; a->opts->keep_fds && i < a->opts->n_keep_fds; i++)
		if (fstat(a->opts->keep_fds[i], &st) == 0 && S_ISDIR(st.st_mode))
			ct_audit_hit(a, r, NULL, ct_arena_printf(a->arena, "keep_fds[%zu]", i),
				     NULL);
}
