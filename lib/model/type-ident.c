/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity of the payload: identity maps, capabilities, resource limits, namespaces. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include <contain/contain.h>

#include "base/caps.h"
#include "base/namespaces.h"
#include "base/num.h"

#define BLANKS " \t"

/* A number out of a span, as ct_parse_u32(). */
static int span_number(struct ct_span word, uint32_t *out)
{
	char number[24] = "";

	if (word.n < sizeof(number))
		memcpy(number, word.s, word.n);
	return ct_parse_u32(number, out);
}

/* "u INSIDE OUTSIDE COUNT" or "g ...". The id 2^32-1 is no id, so no range may reach it. */
static int parse_idmap(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_idmaps *list = field;
	uint32_t number[3] = { 0 };
	struct ct_span kind, word;

	if (!ct_next_word(&s, BLANKS, &kind))
		return ct_value_bad(entry, e);
	if (ct_span_is(kind, "b")) {
		ct_err_hint(e, "write one line with u and one with g");
		return ct_value_bad(entry, e);
	}
	if (!ct_span_is(kind, "u") && !ct_span_is(kind, "g"))
		return ct_value_bad(entry, e);
	for (int i = 0; i < 3; i++) {
		int r = ct_next_word(&s, BLANKS, &word) ? span_number(word, &number[i]) : -EINVAL;

		if (r < 0)
			return ct_value_number(entry, r, e);
	}
	if (ct_next_word(&s, BLANKS, &word))
		return ct_value_bad(entry, e);
	if (!number[2] || number[0] > UINT32_MAX - number[2] || number[1] > UINT32_MAX - number[2])
		return ct_value_range(entry, e);
	return CT_LIST_KEEP(spec, list, e,
			    (struct ct_idmap_item){ entry->at, *kind.s == 'g', number[0], number[1],
						    number[2] });
}

const struct ct_type ct_type_idmap = {
	"list of identity maps", parse_idmap,
	"a map such as u 0 100000 65536: u or g, first inside, first outside, how many (all below "
	"4294967295)"
};

static int parse_caps(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	uint64_t mask = field ? *(uint64_t *)field : 0;
	const char *s = entry->value;
	struct ct_span word;

	(void)spec;
	if (!s[strspn(s, BLANKS)])
		return ct_value_bad(entry, e);
	if (mask == CT_CAP_MASK_UNSET)
		mask = 0;
	while (ct_next_word(&s, BLANKS, &word)) {
		int nr = ct_cap_number(word.s, word.n);

		if (nr < 0 && ct_span_is(word, "none")) {
			mask = 0;
			continue;
		}
		if (nr < 0) {
			ct_err_hint(e, "capabilities(7) lists them; write them as net_admin, "
				       "sys_time, ..., one without a name as cap_41");
			return ct_value_fail(e, "\"%.*s\" is not a capability", ct_span_shown(word),
					     word.s);
		}
		mask |= CT_CAP_BIT(nr);
	}
	if (field)
		*(uint64_t *)field = mask;
	return 0;
}

const struct ct_type ct_type_caps_or_none = {
	"list of capabilities, or none", parse_caps,
	"a list of capabilities such as chown kill, or none"
};

struct limit_name {
	const char *name;
	int resource;
};

static const struct limit_name limits[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

/* A number, or "unlimited" or "-1" for RLIM_INFINITY, whose number is refused. */
static int parse_one_limit(const char *s, size_t n, uint64_t *out)
{
	char number[24] = "";
	int r;

	if ((n == strlen("unlimited") && !memcmp(s, "unlimited", n)) ||
	    (n == 2 && !memcmp(s, "-1", n))) {
		*out = UINT64_MAX;
		return 0;
	}
	if (n < sizeof(number))
		memcpy(number, s, n);
	r = ct_parse_u64(number, out);
	if (r == 0 && *out == UINT64_MAX)
		return -ERANGE;
	return r;
}

static int parse_limit(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	const char *value = entry->value, *colon = strchr(value, ':');
	size_t n = colon ? (size_t)(colon - value) : strlen(value);
	struct ct_limit_item new = { .at = entry->at };
	struct ct_limits *list = field;
	int r;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (!strcmp(entry->sub, limits[i].name)) {
			new.name = limits[i].name;
			new.resource = limits[i].resource;
		}
	}
	if (!new.name) {
		ct_err_hint(e, "as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, "
			       "nofile, nproc, rss, rtprio, "
			       "rttime, sigpending and stack are known");
		return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config",
			       "there is no resource limit \"%s\"", entry->sub);
	}
	r = ct_value_number(entry, parse_one_limit(value, n, &new.soft), e);
	new.hard = new.soft;
	/* "500:" is both, as in LXC */
	if (r == 0 && colon && colon[1])
		r = ct_value_number(entry, parse_one_limit(colon + 1, strlen(colon + 1), &new.hard),
				    e);
	if (r < 0)
		return r;
	if (new.soft > new.hard)
		return ct_value_fail(e, "the soft limit is above the hard one in \"%s\"", value);
	return CT_LIST_KEEP(spec, list, e, new);
}

const struct ct_type ct_type_limit = {
	"soft[:hard]", parse_limit,
	"a number or unlimited, for both limits, or two of them as SOFT:HARD"
};

static bool is_name(const char *name, struct ct_span word)
{
	return strlen(name) == word.n && !strncasecmp(name, word.s, word.n);
}

uint32_t ct_ns_bit(struct ct_span name)
{
	for (int i = 0; i < CT_NAMESPACES; i++) {
		if (is_name(ct_namespaces[i].name, name) || is_name(ct_namespaces[i].alias, name))
			return ct_namespaces[i].bit;
	}
	return 0;
}

const char *ct_ns_name(uint32_t bit)
{
	for (int i = 0; i < CT_NAMESPACES; i++) {
		if (ct_namespaces[i].bit == bit)
			return ct_namespaces[i].name;
	}
	return "?";
}

/* Records that there is no such namespace. */
static int no_namespace(struct ct_span word, int err, int id, struct ct_err *e)
{
	ct_err_hint(e, "mnt, pid, uts, ipc, user, net, cgroup and time are known");
	return ct_fail(e, err, id, "config", "there is no namespace \"%.*s\"", ct_span_shown(word),
		       word.s);
}

static int parse_namespaces(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_span word;
	uint32_t bits = 0;

	(void)spec;
	if (!s[strspn(s, BLANKS)])
		return ct_value_bad(entry, e);
	while (ct_next_word(&s, BLANKS, &word)) {
		uint32_t bit = ct_ns_bit(word);

		if (!bit)
			return no_namespace(word, -EINVAL, CT_ERR_BAD_VALUE, e);
		bits |= bit;
	}
	if (field)
		*(uint32_t *)field |= bits;
	return 0;
}

const struct ct_type ct_type_namespaces = {
	"list of namespaces", parse_namespaces,
	"a list of namespaces: mnt pid uts ipc user net cgroup time"
};

/* namespace.share.NS = PID, container name or path of one. */
static int parse_share(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	struct ct_span name = { entry->sub, strlen(entry->sub) };
	uint32_t bit = ct_ns_bit(name);
	struct ct_shares *list = field;

	if (!bit)
		return no_namespace(name, -ENOENT, CT_ERR_UNKNOWN_KEY, e);
	if (strlen(entry->value) >= PATH_MAX)
		return ct_value_range(entry, e);
	if (*entry->value != '/' && entry->value[strcspn(entry->value, " \t/")])
		return ct_value_bad(entry, e);
	return CT_LIST_KEEP(spec, list, e, (struct ct_share_item){ entry->at, bit, entry->value });
}

const struct ct_type ct_type_share = {
	"process, container or path", parse_share,
	"a process number, a container's name or the absolute path of a container"
};
