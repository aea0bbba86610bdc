/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount.* and rootfs.options. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>

#include "base/num.h"

#define BLANKS " \t"
#define SHM_TARGET "/dev/.lxc-mounts"

/* Adds the mount that `line` (fstab's form) describes; checks only when list is NULL. */
static int add_mount(const struct ct_entry *entry, const char *line, struct ct_mount_item item,
		     struct ct_mounts *list, struct ct_spec *spec, struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *own = NULL;
	struct ct_arena *a;
	int r;

	if (list)
		a = spec->arena;
	else
		a = own = ct_arena_new();
	if (!a)
		return ct_oom(e);
	item.at = entry->at;
	item.source_fd = -1;
	r = ct_mount_parse(line, a, &item, e);
	if (r < 0)
		return r;
	return CT_LIST_KEEP(spec, list, e, item);
}

static int parse_mount(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	return add_mount(entry, entry->value, (struct ct_mount_item){ 0 }, field, spec, e);
}

const struct ct_type ct_type_mount = {
	"list of fstab lines", parse_mount,
	"a line as in fstab(5), such as /srv/data data none bind,create=dir"
};

/* Checks the values of size= and mode=. */
static int check_tmpfs_option(struct ct_span option, struct ct_err *e)
{
	const char *size = ct_span_after(option, "size="), *mode = ct_span_after(option, "mode=");
	char number[32] = "";
	uint64_t bytes;
	uint32_t bits;
	size_t n;

	if (!size && !mode)
		return 0;
	n = option.n - strlen("size=");
	if (n >= sizeof(number))
		return ct_value_fail(e, "\"%.*s\" is too long", (int)option.n, option.s);
	memcpy(number, size ? size : mode, n);
	if (mode && ct_parse_mode(number, &bits) < 0)
		return ct_value_fail(e, "\"%s\" is not an octal mode such as 1777", number);
	if (mode)
		return 0;
	if (n && number[n - 1] == '%')
		number[n - 1] = 0;
	if (ct_parse_size(number, &bytes) < 0)
		return ct_value_fail(e, "\"%s\" is not a size such as 64m", number);
	return 0;
}

/* "TARGET [OPTIONS]" */
static int parse_tmpfs(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_mount_item item = { .create = CT_CREATE_DIR,
				      .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	const char *s = entry->value, *list;
	struct ct_span target, options, option;
	char *line;

	if (!a)
		return ct_oom(e);
	if (!ct_next_word(&s, BLANKS, &target))
		return ct_value_bad(entry, e);
	if (!ct_next_word(&s, BLANKS, &options))
		options = (struct ct_span){ "defaults", strlen("defaults") };
	if (s[strspn(s, BLANKS)])
		return ct_value_bad(entry, e);
	line = ct_arena_printf(a, "tmpfs %.*s tmpfs %.*s", (int)target.n, target.s, (int)options.n,
			       options.s);
	list = ct_arena_strndup(a, options.s, options.n);
	if (!line || !list)
		return ct_oom(e);
	while (ct_next_word(&list, ",", &option)) {
		int r = check_tmpfs_option(option, e);

		if (r < 0)
			return r;
		if (ct_span_is(option, "bind") || ct_span_is(option, "rbind") ||
		    ct_span_is(option, "move"))
			return ct_value_fail(e, "\"%.*s\" is not for a tmpfs", (int)option.n,
					     option.s);
	}
	return add_mount(entry, line, item, field, spec, e);
}

const struct ct_type ct_type_tmpfs = {
	"list of targets", parse_tmpfs,
	"a target and perhaps options, such as /tmp size=64m,mode=1777"
};

/* An absolute path of the container, or "none", which takes back what is covered by default and by
 * earlier values. */
static int parse_covers(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	struct ct_covers *list = field;
	int r;

	if (!strcmp(entry->value, "none")) {
		if (list)
			*list = (struct ct_covers){ .none = true };
		return 0;
	}
	if (*entry->value != '/')
		return ct_value_bad(entry, e);
	if (strlen(entry->value) >= PATH_MAX)
		return ct_value_range(entry, e);
	r = ct_mount_target(entry->value, e);
	if (r < 0)
		return r;
	return CT_LIST_KEEP(spec, list, e, (struct ct_str_item){ entry->at, entry->value });
}

const struct ct_type ct_type_covers = {
	"list of paths", parse_covers, "\"none\" or an absolute path without \"..\" other than /"
};

/* Only the path: the file is read with the spec. */
static int parse_fstab(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	struct ct_strs *list = field;

	if (*entry->value != '/' || strlen(entry->value) >= PATH_MAX)
		return ct_value_bad(entry, e);
	return CT_LIST_KEEP(spec, list, e, (struct ct_str_item){ entry->at, entry->value });
}

const struct ct_type ct_type_fstab = { "path", parse_fstab,
				       "an absolute path of less than 4096 bytes" };

struct auto_row {
	const char *name;
	size_t field; /* of struct ct_mount_auto */
	uint8_t mode;
};

#define AUTO(name, field, mode)                                   \
	{                                                         \
		name, offsetof(struct ct_mount_auto, field), mode \
	}
static const struct auto_row auto_rows[] = {
	AUTO("proc", proc, CT_AUTO_MIXED),     AUTO("proc:mixed", proc, CT_AUTO_MIXED),
	AUTO("proc:rw", proc, CT_AUTO_RW),     AUTO("sys", sys, CT_AUTO_MIXED),
	AUTO("sys:mixed", sys, CT_AUTO_MIXED), AUTO("sys:ro", sys, CT_AUTO_RO),
	AUTO("sys:rw", sys, CT_AUTO_RW),
};

struct cgroup_word {
	const char *name;
	uint8_t value;
};

/* cgroup, cgroup-full or cgroup2, perhaps :ro, :mixed or :rw, perhaps :force. False when
 * it is none of them. */
static bool read_cgroup_word(struct ct_span word, struct ct_mount_auto *to)
{
	static const struct cgroup_word kinds[] = {
		{ "cgroup-full", CT_AUTO_CGROUP_FULL },
		{ "cgroup2", CT_AUTO_CGROUP2 },
		{ "cgroup", CT_AUTO_CGROUP },
	};
	static const struct cgroup_word modes[] = {
		{ "", CT_AUTO_NO },
		{ ":ro", CT_AUTO_RO },
		{ ":mixed", CT_AUTO_MIXED },
		{ ":rw", CT_AUTO_RW },
	};
	size_t force = strlen(":force");

	to->cgroup_force = word.n > force && !memcmp(word.s + word.n - force, ":force", force);
	if (to->cgroup_force)
		word.n -= force;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct ct_span mode = { .s = ct_span_after(word, kinds[i].name) };

		if (!mode.s)
			continue;
		mode.n = word.n - strlen(kinds[i].name);
		for (size_t j = 0; j < sizeof(modes) / sizeof(*modes); j++) {
			if (!ct_span_is(mode, modes[j].name))
				continue;
			to->cgroup_kind = kinds[i].value;
			to->cgroup_mode = modes[j].value;
			return true;
		}
	}
	return false;
}

/* "shmounts:HOST[:TARGET]" behind its colon. */
static int take_shmounts(const char *s, size_t n, struct ct_mount_auto *to, struct ct_spec *spec,
			 struct ct_err *e)
{
	const char *colon = memchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : n;

	if (!host || *s != '/' || (colon && host + 1 == n)) {
		ct_err_hint(
			e, "shmounts:/path/on/the/host or shmounts:/path/on/the/host:/path/inside");
		return ct_value_fail(e, "shmounts needs an absolute path on the host");
	}
	if (!to)
		return 0;
	to->shm_host = ct_arena_strndup(spec->arena, s, host);
	to->shm_target = colon ? ct_arena_strndup(spec->arena, colon + 1, n - host - 1)
			       : ct_arena_strdup(spec->arena, SHM_TARGET);
	if (to->shm_host && to->shm_target)
		return 0;
	return ct_oom(e);
}

/* One word of mount.auto. */
static int take_auto(struct ct_span word, struct ct_mount_auto *to, struct ct_spec *spec,
		     struct ct_err *e)
{
	const char *rest = ct_span_after(word, "shmounts:");
	struct ct_mount_auto ignored, *cgroup = to;

	for (size_t i = 0; i < sizeof(auto_rows) / sizeof(*auto_rows); i++) {
		if (!ct_span_is(word, auto_rows[i].name))
			continue;
		if (to)
			*((uint8_t *)to + auto_rows[i].field) = auto_rows[i].mode;
		return 0;
	}
	if (rest)
		return take_shmounts(rest, word.n - (size_t)(rest - word.s), to, spec, e);
	if (!cgroup)
		cgroup = &ignored;
	if (!read_cgroup_word(word, cgroup)) {
		ct_err_hint(e, "proc, proc:mixed, proc:rw, sys, sys:ro, sys:mixed, sys:rw, "
			       "cgroup[-full|2][:ro|:mixed|:rw]"
			       "[:force] and shmounts:HOST[:TARGET] are known");
		return ct_value_fail(e, "\"%.*s\" is nothing that can be mounted automatically",
				     ct_span_shown(word), word.s);
	}
	if (!to)
		return 0;
	to->cgroup = ct_arena_strndup(spec->arena, word.s, word.n);
	if (to->cgroup)
		return 0;
	return ct_oom(e);
}

static int parse_mount_auto(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_span word;

	if (!s[strspn(s, BLANKS)])
		return ct_value_bad(entry, e);
	while (ct_next_word(&s, BLANKS, &word)) {
		int r = take_auto(word, field, spec, e);

		if (r < 0)
			return r;
	}
	return 0;
}

const struct ct_type ct_type_mount_auto = { "list of file systems", parse_mount_auto,
					    "a list such as proc:mixed sys:ro cgroup:mixed" };

static int parse_rootfs_options(const struct ct_entry *entry, void *field, struct ct_spec *spec,
				struct ct_err *e)
{
	struct ct_rootfs_opts *to = field;
	struct ct_mount_flags flags = { 0 };
	const char *s = entry->value, *idmap = NULL;
	struct ct_span option, map = { NULL, 0 };

	while (ct_next_word(&s, ",", &option)) {
		int r = ct_mount_flag(option, &flags);

		if (r < 0)
			return ct_value_fail(e, "\"%.*s\" is a second kind of propagation",
					     (int)option.n, option.s);
		if (r > 0)
			continue;
		idmap = ct_span_after(option, "idmap=");
		if (!idmap) {
			ct_err_hint(e, "ro, rw, nosuid, nodev, noexec, noatime, private, slave, "
				       "... and idmap= are known");
			return ct_value_fail(e, "\"%.*s\" is not an option for the root directory",
					     ct_span_shown(option), option.s);
		}
		map = (struct ct_span){ idmap, option.n - strlen("idmap=") };
	}
	if (!to)
		return 0;
	*to = (struct ct_rootfs_opts){ flags.set, flags.clear, flags.propagation,
				       flags.propagation_recursive, NULL };
	if (!map.s)
		return 0;
	to->idmap = ct_arena_strndup(spec->arena, map.s, map.n);
	if (to->idmap)
		return 0;
	return ct_oom(e);
}

const struct ct_type ct_type_rootfs_options = { "mount options", parse_rootfs_options,
						"a list of mount options" };
