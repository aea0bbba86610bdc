/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines in fstab's form. Options are compared whole, between their commas. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

#define BLANKS " \t"

struct flag_row {
	const char *name;
	uint64_t set, clear;
};

/* An access time mode replaces the whole field, which the kernel wants cleared first. */
static const struct flag_row flag_rows[] = {
	{ "defaults", 0, 0 },
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "norelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
};

static const struct flag_row propagation_rows[] = {
	{ "private", MS_PRIVATE, 0 },	    { "rprivate", MS_PRIVATE, 1 },
	{ "slave", MS_SLAVE, 0 },	    { "rslave", MS_SLAVE, 1 },
	{ "shared", MS_SHARED, 0 },	    { "rshared", MS_SHARED, 1 },
	{ "unbindable", MS_UNBINDABLE, 0 }, { "runbindable", MS_UNBINDABLE, 1 },
};

int ct_mount_flag(struct ct_span option, struct ct_mount_flags *flags)
{
	for (size_t i = 0; i < sizeof(flag_rows) / sizeof(*flag_rows); i++) {
		const struct flag_row *row = &flag_rows[i];
		uint64_t both = row->set | row->clear;

		if (!ct_span_is(option, row->name))
			continue;
		flags->set = (flags->set & ~both) | row->set;
		flags->clear = (flags->clear & ~both) | row->clear;
		return 1;
	}
	for (size_t i = 0; i < sizeof(propagation_rows) / sizeof(*propagation_rows); i++) {
		if (!ct_span_is(option, propagation_rows[i].name))
			continue;
		if (flags->propagation)
			return -EINVAL;
		flags->propagation = propagation_rows[i].set;
		flags->propagation_recursive = propagation_rows[i].clear;
		return 1;
	}
	return 0;
}

/* Takes an option that the library itself honours: 1 when it is one, 0 when not, negative errno. */
static int take_own_option(struct ct_span option, struct ct_arena *a, struct ct_mount_item *m,
			   struct ct_err *e)
{
	const char *rest;

	if (ct_span_is(option, "bind") || ct_span_is(option, "rbind")) {
		m->bind = true;
		m->recursive = *option.s == 'r';
	} else if (ct_span_is(option, "move")) {
		m->move = true;
	} else if (ct_span_is(option, "_netdev") || ct_span_after(option, "x-") ||
		   ct_span_after(option, "X-")) {
		/* for other readers of the line: mount(8), systemd */
	} else if (ct_span_is(option, "optional") || ct_span_is(option, "nofail")) {
		m->optional = true;
	} else if (ct_span_is(option, "relative")) {
		m->relative = true;
	} else if (ct_span_is(option, "create=dir")) {
		m->create = CT_CREATE_DIR;
	} else if (ct_span_is(option, "create=file")) {
		m->create = CT_CREATE_FILE;
	} else if (ct_span_after(option, "create=") || ct_span_is(option, "create")) {
		ct_err_hint(e, "write create=dir or create=file");
		return ct_value_fail(e, "\"%.*s\" is not an option", (int)option.n, option.s);
	} else if (ct_span_is(option, "remount")) {
		ct_err_hint(e, "give the flags to the entry that makes the mount");
		return ct_value_fail(
			e, "a mount cannot be changed by a second entry with \"remount\"");
	} else if ((rest = ct_span_after(option, "idmap="))) {
		m->idmap = ct_arena_strndup(a, rest, option.n - (size_t)(rest - option.s));
		if (!m->idmap)
			return ct_oom(e);
	} else {
		return 0;
	}
	return 1;
}

/* The list of options. Unknown ones are handed to the file system. */
static int parse_options(const char *s, struct ct_arena *a, struct ct_mount_item *m,
			 struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf data = CT_BUF_INIT;
	struct ct_mount_flags flags = { .set = m->attr_set };
	struct ct_span option;

	while (ct_next_word(&s, ",", &option)) {
		int r = ct_mount_flag(option, &flags);

		if (r < 0)
			return ct_value_fail(e, "\"%.*s\" is a second kind of propagation",
					     (int)option.n, option.s);
		if (r == 0)
			r = take_own_option(option, a, m, e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (data.len)
			ct_buf_char(&data, ',');
		ct_buf_add(&data, option.s, option.n);
	}
	m->attr_set = flags.set;
	m->attr_clear = flags.clear;
	m->propagation = flags.propagation;
	m->propagation_recursive = flags.propagation_recursive;
	if (ct_buf_error(&data))
		return ct_oom(e);
	if (data.len) {
		m->data = ct_arena_strdup(a, data.data);
		if (!m->data)
			return ct_oom(e);
	}
	return 0;
}

/* Decodes fstab's form of blanks and backslashes, \040, \011, \012, \134, in place. */
static void decode_octal(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		bool is_code = *s == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
			       s[2] <= '7' && s[3] >= '0' && s[3] <= '7';

		*to = *s;
		if (is_code) {
			*to = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		}
	}
	*to = 0;
}

/* Next field, decoded, "" at the end; NULL without memory. */
static char *take_field(const char **s, struct ct_arena *a)
{
	struct ct_span word;
	char *field;

	ct_next_word(s, BLANKS, &word);
	field = ct_arena_strndup(a, word.s, word.n);
	if (field)
		decode_octal(field);
	return field;
}

/* Fails for a field that cannot be a path. */
static int check_field(const char *s, struct ct_err *e)
{
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return ct_fail(e, -EILSEQ, CT_ERR_CONTROL_CHARACTER, "config",
				       "\"%s\" has a control character", s);
	}
	if (strlen(s) < PATH_MAX)
		return 0;
	return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config", "a path is longer than 4095 bytes");
}

/* The two numbers at the end (dump and pass) are checked and not used. */
static int check_rest(const char *s, struct ct_err *e)
{
	struct ct_span word;

	for (int i = 0; ct_next_word(&s, BLANKS, &word); i++) {
		if (i == 2 || word.n != 1 || *word.s < '0' || *word.s > '9') {
			ct_err_hint(e, "blanks within a field are written as \\040");
			return ct_value_fail(e, "\"%.*s\" is too much behind the options",
					     (int)word.n, word.s);
		}
	}
	return 0;
}

int ct_mount_target(const char *target, struct ct_err *e)
{
	const char *s = target;
	struct ct_span part;

	if (ct_path_climbs(target))
		return ct_value_fail(e, "the target \"%s\" has \"..\" in it", target);
	while (ct_next_word(&s, "/", &part)) {
		if (!ct_span_is(part, "."))
			return 0;
	}
	return ct_value_fail(e, "the target \"%s\" is the root itself", target);
}

/* Checks the relations between the fields of an entry. */
static int check_entry(const struct ct_mount_item *m, struct ct_err *e)
{
	if (m->bind && m->move)
		return ct_value_fail(e, "bind and move exclude each other");
	if ((m->bind || m->move) && m->data) {
		ct_err_hint(e, "they belong to the mount that the source is on");
		return ct_value_fail(e, "\"%s\": a bind mount has no options of a file system",
				     m->data);
	}
	if ((m->bind || m->move) && !m->relative && *m->source != '/') {
		ct_err_hint(e, "add \"relative\" to take it from the container's root");
		return ct_value_fail(e, "the source \"%s\" is not an absolute path", m->source);
	}
	if (!m->bind && m->relative)
		return ct_value_fail(e, "relative needs bind or rbind");
	if (!m->bind && m->idmap)
		return ct_value_fail(e, "idmap= needs bind or rbind");
	if (!m->bind && !m->move && !strcmp(m->fstype, "none")) {
		ct_err_hint(e, "add bind or rbind to the options");
		return ct_value_fail(e, "the type none says nothing about what to mount");
	}
	return 0;
}

int ct_mount_parse(const char *line, struct ct_arena *a, struct ct_mount_item *m, struct ct_err *e)
{
	char *source = take_field(&line, a), *target = take_field(&line, a),
	     *fstype = take_field(&line, a);
	char *options = take_field(&line, a);
	int r;

	if (!source || !target || !fstype || !options)
		return ct_oom(e);
	if (!*fstype) {
		ct_err_hint(e, "SOURCE TARGET TYPE OPTIONS, as in fstab(5): /srv/data data none "
			       "bind,create=dir");
		return ct_value_fail(e, "a mount needs a source, a target and a type");
	}
	m->source = source;
	m->target = target;
	m->fstype = fstype;
	r = check_field(source, e);
	if (r == 0)
		r = check_field(target, e);
	if (r == 0)
		r = parse_options(options, a, m, e);
	if (r == 0)
		r = check_rest(line, e);
	if (r == 0)
		r = ct_mount_target(target, e);
	if (r == 0)
		r = check_entry(m, e);
	if (m->bind || m->move)
		m->fstype = NULL;
	return r;
}
