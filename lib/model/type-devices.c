/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices a container may use: devices.allow, devices.deny, limit.devices. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/num.h"
#include "model/device-rule.h"

#define BLANK " \t"
#define ALL_ACCESS 7u

/* "*" or a number up to max. */
static bool read_number(struct ct_span s, uint64_t max, int64_t *out)
{
	char digits[16];
	uint64_t v;

	if (ct_span_is(s, "*")) {
		*out = -1;
		return true;
	}
	if (!s.n || s.n >= sizeof(digits))
		return false;
	memcpy(digits, s.s, s.n);
	digits[s.n] = 0;
	if (ct_parse_u64(digits, &v) < 0 || v > max)
		return false;
	*out = (int64_t)v;
	return true;
}

/* "MAJOR:MINOR". */
static bool read_numbers(struct ct_span word, struct ct_device_rule *rule)
{
	const char *colon = memchr(word.s, ':', word.n);
	struct ct_span major, minor;

	if (!colon)
		return false;
	major = (struct ct_span){ word.s, (size_t)(colon - word.s) };
	minor = (struct ct_span){ colon + 1, word.n - major.n - 1 };
	return read_number(major, CT_DEVICE_MAJOR_MAX, &rule->major) &&
	       read_number(minor, CT_DEVICE_MINOR_MAX, &rule->minor);
}

/* Some of r, w and m, none of them twice. */
static bool read_access(struct ct_span word, uint8_t *out)
{
	static const char letters[] = "rwm";
	unsigned access = 0;

	for (size_t i = 0; i < word.n; i++) {
		const char *p = memchr(letters, word.s[i], 3);
		unsigned bit;

		if (!p)
			return false;
		bit = 1u << (p - letters);
		if (access & bit)
			return false;
		access |= bit;
	}
	*out = (uint8_t)access;
	return access != 0;
}

static const char bad_access[] = "the access is some of the letters r, w and m, none of them twice";

/* "PATH ACCESS": the access is the last word, so that a path may have blanks. */
static const char *read_path(const char *text, struct ct_device_rule *rule)
{
	size_t n = strlen(text), path;
	struct ct_span word;

	while (n && strchr(BLANK, text[n - 1]))
		n--;
	path = n;
	while (path && !strchr(BLANK, text[path - 1]))
		path--;
	word = (struct ct_span){ text + path, n - path };
	while (path && strchr(BLANK, text[path - 1]))
		path--;
	if (!path)
		return "after the path comes the access, as in \"/dev/fuse rw\"";
	if (!read_access(word, &rule->access))
		return bad_access;
	if (path >= PATH_MAX)
		return "the path is longer than 4095 bytes";
	rule->path = text;
	rule->path_len = path;
	return NULL;
}

const char *ct_device_rule_read(const char *text, struct ct_device_rule *out)
{
	struct ct_device_rule rule = { 0, ALL_ACCESS, -1, -1, NULL, 0 };
	struct ct_span word;
	const char *s = text, *wrong;

	if (!ct_next_word(&s, BLANK, &word))
		return "there is no rule";
	if (*word.s == '/') {
		wrong = read_path(word.s, &rule);
		if (!wrong)
			*out = rule;
		return wrong;
	}
	if (ct_span_after(word, "try:"))
		return "\"try:\" is not for single rules; limit.devices takes it for all of them";
	if (word.n != 1 || !strchr("abc", *word.s))
		return "a rule begins with c, b, a or an absolute path";
	rule.type = *word.s;
	if (!ct_next_word(&s, BLANK, &word)) {
		if (rule.type != 'a')
			return "after the type come the numbers, as in \"c 1:3 rwm\"";
		*out = rule;
		return NULL;
	}
	if (!read_numbers(word, &rule))
		return "the numbers are MAJOR:MINOR, up to 4095:1048575, or * for any";
	if (!ct_next_word(&s, BLANK, &word) || !read_access(word, &rule.access))
		return bad_access;
	/* published configs have comments behind a rule, which the kernel ignores with version 1 */
	if (ct_next_word(&s, BLANK, &word) && *word.s != '#')
		return "there is more behind the access; a second rule needs a line of its own";
	*out = rule;
	return NULL;
}

/* Checks a rule and appends it to the spec's. */
static int parse_rule(const struct ct_entry *entry, bool allow, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	uint8_t version = strncmp(entry->name, "cgroup2.", 8) ? 1 : 2;
	struct ct_device_rule rule;
	const char *wrong = ct_device_rule_read(entry->value, &rule);
	struct ct_devrules *list = field ? &spec->devrules : NULL;

	if (wrong)
		return ct_value_fail(e, "\"%.80s\" is not a device rule: %s", entry->value, wrong);
	/* the kernel takes it for "a" with version 1, LXC reads all of it with version 2 */
	if (version == 1 && rule.type == 'a' &&
	    (rule.major >= 0 || rule.minor >= 0 || rule.access != ALL_ACCESS)) {
		ct_err_hint(e, "write \"a\" for all devices, or one rule beginning with c and one "
			       "beginning with b");
		return ct_value_fail(e,
				     "\"%.80s\" would mean every device here, whatever follows "
				     "the \"a\"",
				     entry->value);
	}
	return CT_LIST_KEEP(spec, list, e,
			    (struct ct_devrule_item){ entry->at, entry->value, allow, version });
}

static int parse_allow(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	return parse_rule(entry, true, field, spec, e);
}

static int parse_deny(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	return parse_rule(entry, false, field, spec, e);
}

#define RULE_FORM "a device rule such as \"c 1:3 rwm\", \"b *:* m\", \"a\" or \"/dev/fuse rw\""

const struct ct_type ct_type_device_rule_allow = { "list of device rules", parse_allow, RULE_FORM };
const struct ct_type ct_type_device_rule_deny = { "list of device rules", parse_deny, RULE_FORM };

static const char *const presets[] = { "default", "none", "all", NULL };

static int parse_preset(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	bool tried = !strncmp(entry->value, "try:", 4);
	const char *word = entry->value + (tried ? 4 : 0);

	for (const char *const *p = presets; *p; p++) {
		if (strcmp(word, *p))
			continue;
		if (field) {
			spec->devices_preset = *p;
			spec->devices_set = true;
			spec->devices_tried = tried;
		}
		return 0;
	}
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_device_preset = { "devices", parse_preset,
					       "\"default\", \"none\" or \"all\", perhaps after "
					       "\"try:\"",
					       .words = presets };
