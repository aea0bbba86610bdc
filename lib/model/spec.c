/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the config's entries to the typed spec. */
#include "model/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "model/check.h"
#include "model/config.h"
#include "model/type.h"

#define FSTAB_MAX (1u << 20) /* bytes in a mount.fstab file */

/* Copies the entries that are in effect into the spec's arena. */
static int copy_entries(struct ct_spec *s, const struct ct_config *cfg, struct ct_err *e)
{
	uint32_t n = ct_config_count(cfg);
	struct ct_entry *v = ct_arena_grow(s->arena, NULL, 0, (size_t)n + 1, sizeof(*v));

	if (!v)
		return ct_oom(e);
	for (uint32_t i = 0; i < n; i++) {
		const struct ct_entry *from = ct_config_entry(cfg, i);
		char *name = ct_arena_strdup(s->arena, from->name),
		     *value = ct_arena_strdup(s->arena, from->value);
		char *file = NULL;

		if (from->at.file)
			file = ct_arena_strdup(s->arena, from->at.file);
		if (!name || !value || (from->at.file && !file))
			return ct_oom(e);
		v[i] = (struct ct_entry){ from->key, name,	name + (from->sub - from->name),
					  value,     from->lxc, { name, file, from->at.line } };
		s->lxc |= from->lxc;
	}
	s->entries = v;
	s->n_entries = n;
	return 0;
}

/* Parses one entry into the field that its row names. */
static int parse_entry(struct ct_spec *s, const struct ct_entry *entry, struct ct_err *e)
{
	void *field = NULL;
	int r;

	if (entry->key->field != SIZE_MAX)
		field = (char *)s + entry->key->field;
	r = entry->key->type->parse(entry, field, s, e);
	if (r < 0)
		ct_err_origin(e, &entry->at);
	return r;
}

/* Parses the default of every row. */
static int read_defaults(struct ct_spec *s, struct ct_err *e)
{
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const struct ct_key *key = &ct_keys[i];
		struct ct_entry entry = { key,	     key->name, "",
					  key->dflt, false,	{ key->name, NULL, 0 } };
		int r = 0;

		if (key->dflt && key->field != SIZE_MAX)
			r = parse_entry(s, &entry, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether the value is one that its key lists as asking for nothing. */
static bool is_idle(const struct ct_entry *entry)
{
	const char *idle = entry->key->idle;
	struct ct_span word;

	while (idle && ct_next_word(&idle, "|", &word)) {
		if (ct_span_is(word, entry->value))
			return true;
	}
	return false;
}

static int add_str(struct ct_spec *s, struct ct_strs *list, const struct ct_origin *at,
		   const char *value, struct ct_err *e)
{
	struct ct_str_item *item = CT_LIST_ADD(s->arena, list);

	if (!item)
		return ct_oom(e);
	*item = (struct ct_str_item){ *at, value };
	return 0;
}

/* Adds a key or value that a start cannot honour. */
static int add_unsupported(struct ct_spec *s, const struct ct_origin *at, const char *value,
			   struct ct_err *e)
{
	return add_str(s, &s->unsupported, at, value, e);
}

static const struct ct_net_item *find_net(const struct ct_spec *s, const struct ct_entry *entry)
{
	for (uint32_t i = 0; i < s->net.n; i++) {
		const char *key = s->net.v[i].at.key;
		size_t n = strlen(key) - strlen("type"); /* "net.3." */

		if (!strncmp(entry->name, key, n))
			return &s->net.v[i];
	}
	return NULL;
}

/* A net.N.* key. Those of a network of type empty or none have no effect. */
static int read_net_key(struct ct_spec *s, const struct ct_entry *entry, struct ct_err *e)
{
	const struct ct_net_item *net = find_net(s, entry);

	if (!net) {
		int n = (int)strcspn(entry->sub, ".");

		ct_err_origin(e, &entry->at);
		ct_err_hint(e, "set net.%.*s.type", n, entry->sub);
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "config", "network %.*s has no type", n,
			       entry->sub);
	}
	if (!strcmp(net->type, "empty") || !strcmp(net->type, "none"))
		return 0;
	if (is_idle(entry))
		return 0;
	return add_unsupported(s, &entry->at, entry->value, e);
}

/* Collects the keys that no start can honour yet, and those that only a detached one can. */
static int read_unsupported(struct ct_spec *s, struct ct_err *e)
{
	for (uint32_t i = 0; i < s->n_entries; i++) {
		const struct ct_entry *entry = &s->entries[i];
		int r = 0;

		if (!strncmp(entry->name, "net.", 4))
			r = read_net_key(s, entry, e);
		else if ((entry->key->flags & (CT_KF_STORED | CT_KF_HARMLESS)) == CT_KF_STORED &&
			 !is_idle(entry))
			r = add_unsupported(s, &entry->at, entry->value, e);
		else if ((entry->key->flags & CT_KF_SUPERVISED) && !is_idle(entry))
			r = add_str(s, &s->supervised, &entry->at, entry->value, e);
		if (r < 0 && !ct_err_next(e))
			return r;
	}
	if (s->rootfs_backend)
		return add_unsupported(s, ct_spec_origin(s, "rootfs.path"), s->rootfs_backend, e);
	if (s->rootfs_options.idmap)
		return add_unsupported(s, ct_spec_origin(s, "rootfs.options"),
				       s->rootfs_options.idmap, e);
	return 0;
}

/* A path without empty components and "."; its type has refused "..". NULL: no memory. */
static char *clean_path(struct ct_arena *a, const char *path)
{
	char *out = ct_arena_alloc(a, strlen(path) + 1), *p = out;
	struct ct_span part;

	while (out && ct_next_word(&path, "/", &part)) {
		if (ct_span_is(part, "."))
			continue;
		if (p > out)
			*p++ = '/';
		memcpy(p, part.s, part.n);
		p += part.n;
	}
	return out;
}

/* Targets become relative to the root. As in LXC, an absolute one may begin with the root's
 * own path on the host. */
static int clean_targets(struct ct_spec *s, struct ct_err *e)
{
	const char *root = "";
	size_t n;

	if (s->rootfs_path)
		root = clean_path(s->arena, s->rootfs_path);
	if (!root)
		return ct_oom(e);
	n = strlen(root);
	for (uint32_t i = 0; i < s->mounts.n; i++) {
		struct ct_mount_item *m = &s->mounts.v[i];
		bool absolute = *m->target == '/';

		m->target = clean_path(s->arena, m->target);
		if (!m->target)
			return ct_oom(e);
		if (absolute && n && !strncmp(m->target, root, n) && m->target[n] == '/')
			m->target += n + 1;
		if (m->idmap) {
			int r = add_unsupported(s, &m->at, m->idmap, e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Paths of mask.path and readonly.path become relative to the root. */
static int clean_covers(struct ct_spec *s, struct ct_err *e)
{
	struct ct_covers *const lists[] = { &s->mask_path, &s->readonly_path };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (uint32_t k = 0; k < lists[i]->n; k++) {
			lists[i]->v[k].value = clean_path(s->arena, lists[i]->v[k].value);
			if (!lists[i]->v[k].value)
				return ct_oom(e);
		}
	return 0;
}

/* Lines of a fstab file; comments and blank ones are passed over. `text` is modified. */
static int read_fstab_text(struct ct_spec *s, const struct ct_origin *from, char *text,
			   struct ct_mounts *out, struct ct_err *e)
{
	struct ct_origin at = { from->key, NULL, 0 };

	while (text) {
		char *line = text, *end = strchr(text, '\n');
		struct ct_mount_item *item;
		int r;

		text = NULL;
		if (end) {
			text = end + 1;
			*end = 0;
		}
		at.line++;
		line += strspn(line, " \t\r");
		if (!*line || *line == '#')
			continue;
		at.file = from->file;
		item = CT_LIST_ADD(s->arena, out);
		if (!item)
			return ct_oom(e);
		*item = (struct ct_mount_item){ .at = at, .source_fd = -1 };
		r = ct_mount_parse(line, s->arena, item, e);
		if (r < 0) {
			ct_err_origin(e, &at);
			out->n--;
		}
		if (r < 0 && !ct_err_next(e))
			return r;
	}
	return 0;
}

/* One mount.fstab file. */
static int read_fstab(struct ct_spec *s, const struct ct_str_item *file, struct ct_mounts *out,
		      struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = open(file->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct ct_origin inside = { file->at.key, file->value, 0 };
	const char *call = "open", *reason = "";
	struct stat st;
	int r = 0;

	if (fd < 0)
		r = -errno;
	if (r == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		r = -EINVAL;
		call = NULL;
		reason = "not a file";
	}
	if (r == 0) {
		call = "read";
		r = ct_buf_read_fd(&text, fd, FSTAB_MAX);
	}
	if (r == 0 && text.len && strlen(text.data) != text.len) {
		r = -EILSEQ;
		call = NULL;
		reason = "the file has a NUL byte";
	}
	if (r == -ENOMEM)
		return ct_oom(e);
	if (r < 0) {
		ct_err_origin(e, &file->at);
		ct_err_object(e, file->value);
		ct_err_syscall(e, call);
		ct_err_hint(e, "mount.fstab names a file in fstab(5)'s form, at most 1 MiB");
		return ct_fail(e, r, CT_ERR_CONFIG_FILE, "config", "%s", reason);
	}
	if (text.len)
		return read_fstab_text(s, &inside, text.data, out, e);
	return 0;
}

/* The mounts of fstab files come before those of the config. */
static int read_fstabs(struct ct_spec *s, struct ct_err *e)
{
	struct ct_mounts all = { NULL, 0 };

	for (uint32_t i = 0; i < s->mount_fstab.n; i++) {
		int r = read_fstab(s, &s->mount_fstab.v[i], &all, e);

		if (r < 0 && !ct_err_next(e))
			return r;
	}
	for (uint32_t i = 0; all.n && i < s->mounts.n; i++) {
		struct ct_mount_item *item = CT_LIST_ADD(s->arena, &all);

		if (!item)
			return ct_oom(e);
		*item = s->mounts.v[i];
	}
	if (all.n)
		s->mounts = all;
	return 0;
}

/* Notes which keys were set, for fields whose value does not show it. */
static void note_set(struct ct_spec *s)
{
	s->arch_set = ct_spec_origin(s, "arch");
	s->init_reaper_set = ct_spec_origin(s, "init.reaper");
	s->init_umask_set = ct_spec_origin(s, "init.umask");
	s->init_nice_set = ct_spec_origin(s, "init.nice");
	s->keyring_set = ct_spec_origin(s, "keyring.session");
	s->keyring_user_set = ct_spec_origin(s, "keyring.user");
	s->cap_drop_set = ct_spec_origin(s, "cap.drop");
	s->pdeath_set = ct_spec_origin(s, "monitor.signal.pdeath");
	s->ns_clone_set = ct_spec_origin(s, "namespace.clone");
	s->ns_keep_set = ct_spec_origin(s, "namespace.keep");
	s->time_boot_set = ct_spec_origin(s, "time.offset.boot");
	s->time_monotonic_set = ct_spec_origin(s, "time.offset.monotonic");
	s->mount_auto_set = ct_spec_origin(s, "mount.auto");
	s->devices_set = ct_spec_origin(s, "limit.devices");
	s->cgroup_backend_set = ct_spec_origin(s, "cgroup.backend");
}

static struct ct_spec *new_spec(const struct ct_config *cfg, struct ct_arena *arena)
{
	struct ct_spec *s = ct_arena_alloc(arena, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = arena;
	s->config = cfg;
	s->rootfs_fd = -1;
	s->cap_keep = s->cap_ambient = s->cap_bounding = CT_CAP_MASK_UNSET;
	s->cap_permitted = s->cap_effective = s->cap_inheritable = CT_CAP_MASK_UNSET;
	return s;
}

/* Every entry by its key's type. Where faults are collected, the entries without one go to
 * `good`, *n_good of them. */
static int parse_entries(struct ct_spec *s, struct ct_entry *good, uint32_t *n_good,
			 struct ct_err *e)
{
	for (uint32_t i = 0; i < s->n_entries; i++) {
		int r = parse_entry(s, &s->entries[i], e);

		if (r == 0 && good)
			good[(*n_good)++] = s->entries[i];
		if (r < 0 && !ct_err_next(e))
			return r;
	}
	return 0;
}

/* Fills the spec with defaults and entries. An entry with a fault may have left half a value in a
 * field: then *s becomes a new spec, of the entries without one. */
static int fill(struct ct_spec **s, struct ct_err *e)
{
	struct ct_spec *first = *s, *clean;
	bool collects = e && e->all;
	struct ct_entry *good = NULL;
	uint32_t n_good = 0;
	int r;

	if (collects) {
		good = ct_arena_grow(first->arena, NULL, 0, (size_t)first->n_entries + 1,
				     sizeof(*good));
		if (!good)
			return ct_oom(e);
	}
	r = read_defaults(first, e);
	if (r == 0)
		r = parse_entries(first, good, &n_good, e);
	if (r < 0 || !collects || n_good == first->n_entries)
		return r;
	clean = new_spec(first->config, first->arena);
	if (!clean)
		return ct_oom(e);
	clean->entries = good;
	clean->n_entries = n_good;
	clean->lxc = first->lxc;
	*s = clean;
	r = read_defaults(clean, e);
	if (r < 0)
		return r;
	return parse_entries(clean, NULL, NULL, e);
}

struct ct_spec *ct_spec_read(const struct ct_config *cfg, struct ct_arena *arena, struct ct_err *e)
{
	struct ct_spec *s = new_spec(cfg, arena);

	if (!s) {
		ct_oom(e);
		return NULL;
	}
	if (copy_entries(s, cfg, e) < 0 || fill(&s, e) < 0)
		return NULL;
	note_set(s);
	if (read_fstabs(s, e) < 0 || clean_targets(s, e) < 0 || clean_covers(s, e) < 0 ||
	    read_unsupported(s, e) < 0)
		return NULL;
	/* from here on relations between values, and with the host, are checked */
	if (e && e->all)
		e->all->derived = true;
	if (ct_spec_check(s, e) == 0)
		return s;
	return NULL;
}

const struct ct_origin *ct_spec_origin(const struct ct_spec *s, const char *key)
{
	for (uint32_t i = s->n_entries; i > 0; i--) {
		if (!strcmp(s->entries[i - 1].name, key))
			return &s->entries[i - 1].at;
	}
	return NULL;
}

const struct ct_cmd_item *ct_spec_hooks_inside(const struct ct_spec *s)
{
	static const enum ct_hook_when when[] = { CT_HOOK_PRE_MOUNT, CT_HOOK_MOUNT,
						  CT_HOOK_AUTODEV };

	for (size_t i = 0; i < sizeof(when) / sizeof(*when); i++)
		if (s->hook[when[i]].n)
			return &s->hook[when[i]].v[0];
	return NULL;
}
