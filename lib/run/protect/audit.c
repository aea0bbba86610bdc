/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct_audit(): what weakens a config on this host, in two forms, text and JSON. Nothing is changed,
 * and nothing is made. */
#include "run/protect/audit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/handle/container.h"

static const char *const severities[] = { [CT_SEVERITY_LOW] = "low",
					  [CT_SEVERITY_MEDIUM] = "medium",
					  [CT_SEVERITY_HIGH] = "high",
					  [CT_SEVERITY_CRITICAL] = "critical" };

const char *ct_run_severity(int severity)
{
	if (severity < CT_SEVERITY_LOW || severity > CT_SEVERITY_CRITICAL)
		return "?";
	return severities[severity];
}

/* ---- the two forms --------------------------------------------------------------------------- */

static const char *key_of(const struct ct_weakness *w)
{
	if (w->key)
		return w->key;
	return "";
}

static void print_mend(const struct ct_weakness *w, struct ct_buf *out)
{
	const char *key = key_of(w);

	ct_buf_str(out, ". Mend: ");
	switch (w->mend) {
	case CT_MEND_REMOVE:
		ct_buf_printf(out, "take out %s", key);
		if (*w->object)
			ct_buf_printf(out, " of %s", w->object);
		break;
	case CT_MEND_OPTION:
		ct_buf_printf(out, "add %s to the options of %s", w->value, key);
		break;
	case CT_MEND_FILE:
		ct_buf_str(out, w->value);
		break;
	case CT_MEND_ADD:
		ct_buf_printf(out, "add %s = %s", key, w->value);
		break;
	default:
		ct_buf_str(out, key);
		if (*w->value)
			ct_buf_printf(out, " = %s", w->value);
	}
	ct_buf_char(out, '\n');
}

static void print_text(const struct ct_weakness *w, struct ct_buf *out)
{
	ct_buf_printf(out, "%-8s  %s", severities[w->severity], w->name);
	if (w->at)
		ct_buf_printf(out, ", %s", w->at->key);
	if (w->at && w->at->file)
		ct_buf_printf(out, " (%s:%d)", w->at->file, w->at->line);
	if (*w->object) {
		ct_buf_char(out, ' ');
		ct_buf_quoted(out, w->object);
	}
	ct_buf_printf(out, ": %s", w->text);
	print_mend(w, out);
}

static void print_member(const char *name, const char *value, struct ct_buf *out)
{
	ct_buf_printf(out, ", \"%s\": ", name);
	ct_buf_json(out, value);
}

static void print_json(const struct ct_weakness *w, struct ct_buf *out)
{
	static const char *const mends[CT_MEND_N] = { "set", "add", "remove", "option", "file" };
	const char *from = "", *file = "";
	int line = 0;

	if (w->at) {
		from = w->at->key;
		line = w->at->line;
	}
	if (w->at && w->at->file)
		file = w->at->file;
	ct_buf_printf(out, "  {\"severity\": \"%s\", \"level\": %d", severities[w->severity],
		      w->severity);
	print_member("name", w->name, out);
	print_member("text", w->text, out);
	print_member("from", from, out);
	print_member("file", file, out);
	ct_buf_printf(out, ", \"line\": %d", line);
	print_member("object", w->object, out);
	print_member("mend", mends[w->mend], out);
	print_member("key", key_of(w), out);
	print_member("value", w->value, out);
	ct_buf_char(out, '}');
}

/* Prints those of at least that severity; returns their number. */
static int print(const struct ct_audit *a, int least, int format, struct ct_buf *out)
{
	bool json = format == CT_FORMAT_JSON;
	int n = 0;

	if (json)
		ct_buf_str(out, "{\"weaknesses\": [");
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->v[i].severity < least)
			continue;
		if (json && n)
			ct_buf_char(out, ',');
		if (json)
			ct_buf_char(out, '\n');
		if (json)
			print_json(&a->v[i], out);
		else
			print_text(&a->v[i], out);
		n++;
	}
	if (json)
		ct_buf_str(out, "\n]}\n");
	return n;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* The security modules that confine programs here. */
static uint32_t look_for_modules(void)
{
	uint32_t found = 0;

	if (access("/sys/module/apparmor/parameters/enabled", F_OK) == 0 &&
	    access("/proc/thread-self/attr/apparmor/current", F_OK) == 0)
		found |= CT_AUDIT_APPARMOR;
	if (access("/sys/fs/selinux/enforce", F_OK) == 0)
		found |= CT_AUDIT_SELINUX;
	return found;
}

/* The version of the hierarchy that restricts devices; 0: none, or it is not known. */
static int devices_by(struct ct_container *c)
{
	const struct ct_cg_tree *tree;
	struct ct_cgroups trees;

	if (ct_look_at_cgroups(c, &trees, NULL) < 0)
		return 0;
	tree = ct_cg_serving(&trees, CT_CG_DEVICES, 0);
	if (!tree)
		return 0;
	return tree->version;
}

int ct_run_audit(struct ct_container *c, const ct_start_opts *o, int least, int format,
		 struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_PREPARED struct ct_prepared p = CT_PREPARED_INIT;
	struct ct_audit a = { .opts = o, .lsm = look_for_modules() };
	int r = ct_refuse_unread(c, e), n = 0;

	if (r >= 0)
		r = ct_prepare(c, c->config, &p, e);
	if (r < 0)
		return r;
	ct_take_usual_filter(c, o, p.spec);
	a.arena = p.arena;
	a.spec = p.spec;
	a.host = &p.host;
	a.dir = c->path;
	a.at_version = devices_by(c);
	ct_audit_begin(&a);
	ct_audit_look(&a);
	n = print(&a, least, format, out);
	if (a.oom || ct_buf_error(out))
		return ct_oom(e);
	return n;
}
