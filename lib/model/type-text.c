/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that are one text: names, paths, words. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/personality.h>

#include <contain/contain.h>

#include "base/num.h"

/* Stores a copy of the text in the field; NULL: the value is only checked. */
static int keep(const char *s, void *field, struct ct_spec *spec, struct ct_err *e)
{
	if (!field)
		return 0;
	*(const char **)field = ct_arena_strdup(spec->arena, s);
	if (*(const char **)field)
		return 0;
	return ct_oom(e);
}

static int parse_text(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_text = { "text", parse_text, "a text" };

#define LABEL_BYTES 4000 /* the kernel takes less than a page, with a verb before it */

static int parse_label(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	if (strlen(entry->value) > LABEL_BYTES)
		return ct_value_range(entry, e);
	if (!*entry->value)
		return ct_value_bad(entry, e);
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_label = { "label", parse_label, "a name of at most 4000 bytes" };

static int parse_host_name(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			   struct ct_err *e)
{
	if (strlen(entry->value) > CT_HOST_NAME_BYTES)
		return ct_value_range(entry, e);
	if (entry->value[strcspn(entry->value, " \t/")])
		return ct_value_bad(entry, e);
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_host_name = {
	"host name", parse_host_name, "a name of at most 64 bytes without blanks and slashes"
};

/* A path that fits into a system call. */
static int check_path(const struct ct_entry *entry, const char *path, bool absolute,
		      struct ct_err *e)
{
	if (strlen(path) >= PATH_MAX)
		return ct_value_range(entry, e);
	if (*path && (*path == '/') == absolute)
		return 0;
	return ct_value_bad(entry, e);
}

static int parse_path(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	int r = check_path(entry, entry->value, true, e);

	if (r < 0)
		return r;
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_path = { "path", parse_path,
				      "an absolute path of less than 4096 bytes" };

static int parse_path_or_none(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	if (!strcmp(entry->value, "none"))
		return keep(entry->value, field, spec, e);
	return parse_path(entry, field, spec, e);
}

const struct ct_type ct_type_path_or_none = { "path or none", parse_path_or_none,
					      "\"none\" or an absolute path" };

static int parse_filter(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	if (!strcmp(entry->value, "default"))
		return keep(entry->value, field, spec, e);
	return parse_path_or_none(entry, field, spec, e);
}

const struct ct_type ct_type_filter = { "filter", parse_filter,
					"\"default\", \"none\" or an absolute path" };

#define SOCKET_PATH_MAX 107 /* of sun_path, with its end */

static int parse_unix(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	const char *path = entry->value + 5;

	if (strncmp(entry->value, "unix:", 5) != 0 || (*path != '/' && *path != '@') || !path[1])
		return ct_value_bad(entry, e);
	if (strlen(path) > SOCKET_PATH_MAX) {
		ct_err_hint(e, "the path of a socket has at most %d bytes", SOCKET_PATH_MAX);
		return ct_value_bad(entry, e);
	}
	return keep(path, field, spec, e);
}

const struct ct_type ct_type_unix = { "socket", parse_unix, "unix:/PATH, or unix:@NAME" };

static int parse_below(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	int r = check_path(entry, entry->value, false, e);

	if (r == 0 && ct_path_climbs(entry->value))
		r = ct_value_bad(entry, e);
	if (r < 0)
		return r;
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_dev_dir = { "directory below /dev", parse_below,
					 "a directory below /dev such as lxc, without leading "
					 "slash and without \"..\"" };

/* Whether a text is a relative path of directories for cgroups: without parts that are empty, "."
 * or "..", have control characters, or begin as the kernel's own files do. A "*" at the end marks
 * temporary names of the library's. */
static bool is_cgroup_path(const char *s)
{
	for (;;) {
		struct ct_span part = { s, strcspn(s, "/") };

		if (!part.n || part.n > NAME_MAX || ct_span_is(part, ".") || ct_span_is(part, ".."))
			return false;
		if (ct_span_after(part, "cgroup.") || part.s[part.n - 1] == '*')
			return false;
		for (size_t i = 0; i < part.n; i++) {
			if ((unsigned char)part.s[i] < ' ' || part.s[i] == 0x7f)
				return false;
		}
		if (!s[part.n])
			return true;
		s += part.n + 1;
	}
}

static int parse_cgroup_dir(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	int r = check_path(entry, entry->value, false, e);

	if (r == 0 && !is_cgroup_path(entry->value))
		r = ct_value_bad(entry, e);
	if (r < 0)
		return r;
	return keep(entry->value, field, spec, e);
}

const struct ct_type ct_type_cgroup_dir = {
	"directory", parse_cgroup_dir,
	"a path such as web/first: relative, without empty parts, \".\" and \"..\", parts that "
	"begin with \"cgroup.\" or end in \"*\""
};

/* %n stands for the container's name and nothing else has a "%". */
static int parse_cgroup_pattern(const struct ct_entry *entry, void *field, struct ct_spec *spec,
				struct ct_err *e)
{
	const char *percent = strchr(entry->value, '%');

	if (!percent || percent[1] != 'n' || strchr(percent + 1, '%'))
		return ct_value_bad(entry, e);
	return parse_cgroup_dir(entry, field, spec, e);
}

const struct ct_type ct_type_cgroup_pattern = {
	"path with %n", parse_cgroup_pattern,
	"a relative path with one %n in it, such as ct.payload.%n"
};

struct backend_name {
	const char *name;
	uint8_t backend;
};

static int parse_cgroup_backend(const struct ct_entry *entry, void *field, struct ct_spec *spec,
				struct ct_err *e)
{
	static const struct backend_name names[] = {
		{ "auto", CT_CGB_AUTO },       { "cgroup1", CT_CGB_V1 }, { "cgroup2", CT_CGB_V2 },
		{ "systemd", CT_CGB_SYSTEMD }, { "none", CT_CGB_NONE },	 { "v1", CT_CGB_V1 },
		{ "v2", CT_CGB_V2 },
	};

	(void)spec;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(entry->value, names[i].name))
			continue;
		if (field)
			*(uint8_t *)field = names[i].backend;
		return 0;
	}
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_cgroup_backend = {
	"cgroup backend", parse_cgroup_backend,
	"auto, cgroup1 (or v1), cgroup2 (or v2), systemd or none"
};

static int parse_include(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			 struct ct_err *e)
{
	(void)field;
	(void)spec;
	if (strlen(entry->value) < PATH_MAX)
		return 0;
	return ct_value_range(entry, e);
}

const struct ct_type ct_type_include = { "file or directory", parse_include,
					 "the path of a file or directory, of less than 4096 "
					 "bytes" };

/* [BACKEND:]PATH. A path may have a colon itself: an absolute path has no backend in front. */
static int parse_rootfs(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	static const char *const backends[] = { "dir", "overlay", "overlayfs", "btrfs", "lvm",
						"zfs", "loop",	  "nbd",       "rbd" };
	const char *colon = strchr(entry->value, ':'), *backend = NULL;
	struct ct_span name;
	int r;

	if (*entry->value == '/' || !colon) {
		r = check_path(entry, entry->value, true, e);
		if (r < 0)
			return r;
		return keep(entry->value, field, spec, e);
	}
	name = (struct ct_span){ entry->value, (size_t)(colon - entry->value) };
	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++) {
		if (ct_span_is(name, backends[i]))
			backend = backends[i];
	}
	if (!backend) {
		ct_err_hint(
			e, "dir, overlay, overlayfs, btrfs, lvm, zfs, loop, nbd and rbd are known");
		return ct_value_fail(e, "\"%.*s\" is not a kind of storage", (int)name.n, name.s);
	}
	if (!strcmp(backend, "dir")) {
		r = check_path(entry, colon + 1, true, e);
		if (r < 0)
			return r;
		return keep(colon + 1, field, spec, e);
	}
	if (!colon[1])
		return ct_value_bad(entry, e);
	if (field)
		spec->rootfs_backend = backend;
	return keep(colon + 1, field, spec, e);
}

const struct ct_type ct_type_rootfs = {
	"path", parse_rootfs, "the absolute path of a directory, perhaps after \"dir:\""
};

static int parse_arch(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	static const char *const narrow[] = { "linux32", "x86",	   "i386",    "i486",	 "i586",
					      "i686",	 "athlon", "x32",     "arm",	 "armel",
					      "armhf",	 "armv6l", "armv7l",  "armv8l",	 "mips",
					      "mipsel",	 "ppc",	   "powerpc", "riscv32", "s390",
					      NULL };
	static const char *const wide[] = { "linux64",	"x86_64",  "amd64",	  "aarch64",
					    "arm64",	"loong64", "loongarch64", "mips64",
					    "mips64el", "ppc64",   "powerpc64",	  "ppc64el",
					    "ppc64le",	"riscv64", "s390x",	  "sparc64",
					    NULL };

	(void)spec;
	for (int i = 0; i < 2; i++) {
		for (const char *const *p = i ? wide : narrow; *p; p++) {
			if (strcmp(entry->value, *p))
				continue;
			if (field)
				*(unsigned long *)field = i ? PER_LINUX : PER_LINUX32;
			return 0;
		}
	}
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_arch = { "architecture", parse_arch,
				      "an architecture such as x86_64, amd64, i686, arm64, armhf "
				      "or riscv64" };

struct level_name {
	const char *name;
	uint32_t level;
};

const char *ct_log_level_name(uint32_t level)
{
	static const char *const names[] = { "ERROR", "ERROR", "WARN", "NOTICE",
					     "INFO",  "DEBUG", "TRACE" };

	return names[level <= CT_LOG_TRACE ? level : 0];
}

static int parse_log_level(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			   struct ct_err *e)
{
	/* in the order of LXC's numbers; the levels from "error" on are one here */
	static const struct level_name levels[] = {
		{ "trace", CT_LOG_TRACE },   { "debug", CT_LOG_DEBUG }, { "info", CT_LOG_INFO },
		{ "notice", CT_LOG_NOTICE }, { "warn", CT_LOG_WARN },	{ "error", CT_LOG_ERROR },
		{ "crit", CT_LOG_ERROR },    { "alert", CT_LOG_ERROR }, { "fatal", CT_LOG_ERROR },
	};
	uint32_t nr = UINT32_MAX;

	(void)spec;
	ct_parse_u32(entry->value, &nr);
	for (uint32_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (i != nr && strcasecmp(entry->value, levels[i].name))
			continue;
		if (field)
			*(uint32_t *)field = levels[i].level;
		return 0;
	}
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_log_level = { "log level", parse_log_level,
					   "a level: trace, debug, info, notice, warn, error, "
					   "crit, alert, fatal or 0 to 8" };

static int parse_word(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	for (const char *const *p = entry->key->type->words; *p; p++) {
		if (!strcmp(entry->value, *p))
			return keep(*p, field, spec, e);
	}
	return ct_value_bad(entry, e);
}

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
const struct ct_type ct_type_syslog = { "syslog facility", parse_word,
					"a facility: daemon or local0 to local7",
					.words = WORDS("daemon", "local0", "local1", "local2",
						       "local3", "local4", "local5", "local6",
						       "local7") };
const struct ct_type ct_type_net_flags = { "up", parse_word, "\"up\"", .words = WORDS("up") };
const struct ct_type ct_type_veth_mode = { "bridge or router", parse_word, "bridge or router",
					   .words = WORDS("bridge", "router") };
const struct ct_type ct_type_macvlan_mode = {
	"macvlan mode", parse_word, "private, vepa, bridge or passthru",
	.words = WORDS("private", "vepa", "bridge", "passthru")
};
const struct ct_type ct_type_ipvlan_mode = { "ipvlan mode", parse_word, "l3, l3s or l2",
					     .words = WORDS("l3", "l3s", "l2") };
const struct ct_type ct_type_ipvlan_isolation = { "ipvlan isolation", parse_word,
						  "bridge, private or vepa",
						  .words = WORDS("bridge", "private", "vepa") };
