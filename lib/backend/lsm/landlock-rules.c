/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/lsm/landlock-rules.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/num.h"
#include "base/sha256.h"
#include "shared/landlock.h"

static const char digits[] = "0123456789abcdef";

/* ---- what is asked for, and what there is ---------------------------------------------------- */

static int refuse(const struct ct_origin *at, const char *hint, struct ct_err *e)
{
	ct_err_origin(e, at);
	ct_err_hint(e, "%s", hint);
	return -EOPNOTSUPP;
}

static int check_there(const struct ct_spec *spec, const struct ct_host *host, struct ct_err *e)
{
	const char *why = "this kernel has no Landlock", *hint = "use a kernel with it";

	if (host->landlock > 0)
		return 0;
	if (host->landlock == -EOPNOTSUPP) {
		why = "Landlock was switched off when this kernel was booted";
		hint = "add landlock to lsm= on the kernel's command line";
	} else if (host->landlock == -EPERM) {
		why = "a seccomp filter on this process refuses Landlock's calls";
		hint = "let the filter of the service or engine around this process allow them";
	}
	return ct_fail_sys(e, refuse(ct_spec_landlock(spec), hint, e), CT_ERR_LANDLOCK, "start",
			   "landlock_create_ruleset", "%s", why);
}

/* The ABI that the config wants at least. */
static int check_least(const struct ct_spec *spec, uint32_t abi, struct ct_err *e)
{
	const struct ct_origin *at = ct_spec_origin(spec, "landlock.abi");

	if (abi >= spec->landlock_abi)
		return 0;
	if (at)
		return ct_fail(e,
			       refuse(at, "use a newer kernel, or set an older ABI that will do",
				      e),
			       CT_ERR_LANDLOCK, "start",
			       "ABI %u of Landlock is wanted, this kernel has %u",
			       spec->landlock_abi, abi);
	return ct_fail(
		e,
		refuse(ct_spec_landlock(spec),
		       "use a newer kernel, or set landlock.abi = 1 to start without: then any "
		       "file can be truncated that the payload's user may write to",
		       e),
		CT_ERR_LANDLOCK, "start",
		"the right truncate needs ABI %u of Landlock, this kernel has %u",
		CT_LL_ABI_TRUNCATE, abi);
}

/* Rights that a key asks for by being set. `bits`: of landlock.scope, or of what a key of ports
 * must not leave alone. */
static const struct asked {
	const char *key, *right;
	uint32_t abi;
	uint64_t bits;
} rows[] = {
	{ "landlock.tcp.bind", "bind_tcp", CT_LL_ABI_TCP, CT_LL_BIND_TCP },
	{ "landlock.tcp.connect", "connect_tcp", CT_LL_ABI_TCP, CT_LL_CONNECT_TCP },
	{ "landlock.ioctl", "ioctl_dev", CT_LL_ABI_IOCTL_DEV, 0 },
	{ "landlock.scope", "abstract-unix-sockets", CT_LL_ABI_SCOPE, CT_LL_ABSTRACT_UNIX },
	{ "landlock.scope", "signals", CT_LL_ABI_SCOPE, CT_LL_SIGNAL },
};

static bool is_asked(const struct ct_spec *spec, const struct asked *row)
{
	if (!ct_spec_origin(spec, row->key))
		return false;
	if (row->abi == CT_LL_ABI_SCOPE)
		return spec->landlock_scope & row->bits;
	return !(spec->landlock_free & row->bits);
}

static int check_rights(const struct ct_spec *spec, uint32_t abi, struct ct_err *e)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct ct_origin *at = ct_spec_origin(spec, rows[i].key);

		if (abi >= rows[i].abi || !is_asked(spec, &rows[i]))
			continue;
		return ct_fail(e,
			       refuse(at,
				      "use a newer kernel, or clear the key to start without it",
				      e),
			       CT_ERR_LANDLOCK, "start",
			       "the right %s needs ABI %u of Landlock, this kernel has %u",
			       rows[i].right, rows[i].abi, abi);
	}
	return 0;
}

/* The strictest set of an ABI. */
static void handle(const struct ct_spec *spec, uint32_t abi, struct ct_ll_rules *out)
{
	out->fs = CT_LL_EXECUTE | CT_LL_WRITE_FILE | CT_LL_READ_FILE | CT_LL_READ_DIR | CT_LL_MAKE;
	if (abi >= CT_LL_ABI_REFER)
		out->fs |= CT_LL_REFER;
	if (abi >= CT_LL_ABI_TRUNCATE)
		out->fs |= CT_LL_TRUNCATE;
	if (abi >= CT_LL_ABI_IOCTL_DEV)
		out->fs |= CT_LL_IOCTL_DEV;
	if (abi >= CT_LL_ABI_TCP)
		out->net = (CT_LL_BIND_TCP | CT_LL_CONNECT_TCP) & ~spec->landlock_free;
	if (abi < CT_LL_ABI_SCOPE)
		return;
	out->scope = CT_LL_ABSTRACT_UNIX | CT_LL_SIGNAL;
	if (ct_spec_origin(spec, "landlock.scope"))
		out->scope = spec->landlock_scope;
}

static struct ct_ll_rule *rule_array(struct ct_arena *arena, uint32_t n)
{
	return ct_arena_alloc(arena, ((size_t)n + 1) * sizeof(struct ct_ll_rule));
}

int ct_ll_rules_make(const struct ct_spec *spec, const struct ct_host *host, struct ct_arena *arena,
		     struct ct_ll_rules *out, struct ct_err *e)
{
	const struct ct_ll_paths *paths = &spec->landlock_paths;
	const struct ct_ll_ports *ports = &spec->landlock_ports;
	int r = check_there(spec, host, e);

	*out = (struct ct_ll_rules){ 0 };
	if (r >= 0)
		r = check_least(spec, (uint32_t)host->landlock, e);
	if (r >= 0)
		r = check_rights(spec, (uint32_t)host->landlock, e);
	if (r < 0)
		return r;
	handle(spec, (uint32_t)host->landlock, out);
	out->v = rule_array(arena, paths->n + ports->n);
	if (!out->v)
		return ct_oom(e);
	for (uint32_t i = 0; i < paths->n; i++) {
		const struct ct_ll_path *p = &paths->v[i];

		out->v[out->n++] = (struct ct_ll_rule){ p->path, p->tried, p->access & out->fs, 0,
							&p->at };
	}
	for (uint32_t i = 0; i < ports->n; i++) {
		const struct ct_ll_port *p = &ports->v[i];

		if (p->access & out->net)
			out->v[out->n++] = (struct ct_ll_rule){ NULL, false, p->access, p->port,
								&p->at };
	}
	return 0;
}

/* ---- as text --------------------------------------------------------------------------------- */

int ct_ll_rules_text(struct ct_ll_rules *rules, struct ct_buf *out)
{
	size_t begin = out->len;
	uint8_t sha[CT_SHA256_BYTES];

	ct_buf_printf(out, "%llx %llx %llx", (unsigned long long)rules->fs,
		      (unsigned long long)rules->net, (unsigned long long)rules->scope);
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct ct_ll_rule *rule = &rules->v[i];

		ct_buf_printf(out, " %llx", (unsigned long long)rule->access);
		if (!rule->path) {
			ct_buf_printf(out, "=%llx", (unsigned long long)rule->port);
			continue;
		}
		ct_buf_char(out, rule->tried ? '?' : ':');
		for (const char *p = rule->path; *p; p++) {
			ct_buf_char(out, digits[(unsigned char)*p >> 4]);
			ct_buf_char(out, digits[(unsigned char)*p & 15]);
		}
	}
	if (ct_buf_error(out))
		return -ENOMEM;
	ct_sha256(out->data + begin, out->len - begin, sha);
	for (int i = 0; i < CT_LL_DIGEST; i++)
		rules->digest[i] = digits[sha[i / 2] >> (i & 1 ? 0 : 4) & 15];
	rules->digest[CT_LL_DIGEST] = '\0';
	return 0;
}

/* A number of at most `max` at *s, which `end` follows (' ' stands for the end of the text, too):
 * *s goes behind that. */
static bool take_number(const char **s, const char *end, uint64_t max, uint64_t *out, char *which)
{
	unsigned n = (unsigned)strspn(*s, digits);

	if (!n || n > 16 || ct_parse_hex(*s, n, out) < 0 || *out > max)
		return false;
	*which = (*s)[n];
	*s += n + !!(*s)[n];
	return strchr(end, *which ? *which : ' ');
}

/* An absolute path at *s. NULL: there is none, or no memory (*r). */
static const char *take_path(const char **s, struct ct_arena *arena, int *r)
{
	size_t n = strspn(*s, digits);
	char *path;

	*r = -ENODATA;
	if (!n || n % 2 || n / 2 >= PATH_MAX || ((*s)[n] && (*s)[n] != ' '))
		return NULL;
	path = ct_arena_alloc(arena, n / 2 + 1);
	if (!path) {
		*r = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < n; i += 2) {
		uint64_t byte = 0;

		if (ct_parse_hex(*s + i, 2, &byte) < 0 || !byte)
			return NULL;
		path[i / 2] = (char)byte;
	}
	*s += n + !!(*s)[n];
	return *path == '/' ? path : NULL;
}

static int take_rule(const char **s, struct ct_arena *arena, const struct ct_ll_rules *rules,
		     struct ct_ll_rule *out)
{
	char which;
	int r;

	*out = (struct ct_ll_rule){ .path = NULL };
	if (!take_number(s, "?:=", rules->fs | rules->net, &out->access, &which))
		return -ENODATA;
	if (which == '=') {
		if (!out->access || out->access & ~rules->net)
			return -ENODATA;
		return take_number(s, " ", UINT16_MAX, &out->port, &which) ? 0 : -ENODATA;
	}
	out->tried = which == '?';
	out->path = take_path(s, arena, &r);
	if (!out->path)
		return r;
	return !out->access || out->access & ~rules->fs ? -ENODATA : 0;
}

int ct_ll_rules_read(const char *text, struct ct_arena *arena, struct ct_ll_rules *out)
{
	CT_CLEAN_BUF struct ct_buf again = CT_BUF_INIT;
	const uint64_t fs = CT_LL_OF_FILES | CT_LL_READ_DIR | CT_LL_MAKE | CT_LL_REFER;
	const char *s = text;
	uint32_t room = 0;
	char which;
	int r = 0;

	*out = (struct ct_ll_rules){ 0 };
	if (!take_number(&s, " ", fs, &out->fs, &which) || !out->fs ||
	    !take_number(&s, " ", CT_LL_BIND_TCP | CT_LL_CONNECT_TCP, &out->net, &which) ||
	    !take_number(&s, " ", CT_LL_ABSTRACT_UNIX | CT_LL_SIGNAL, &out->scope, &which))
		return -ENODATA;
	for (const char *p = s; *p; p++)
		room += *p == ' ';
	if (room >= 2 * CT_LL_RULES_MAX)
		return -ENODATA;
	out->v = rule_array(arena, room + 1);
	if (!out->v)
		return -ENOMEM;
	while (*s && r == 0 && out->n <= room)
		r = take_rule(&s, arena, out, &out->v[out->n++]);
	if (r == 0 && *s)
		r = -ENODATA;
	if (r == 0)
		r = ct_ll_rules_text(out, &again);
	/* there is one way to write them */
	if (r == 0 && strcmp(ct_buf_text(&again), text) != 0)
		r = -ENODATA;
	return r;
}
