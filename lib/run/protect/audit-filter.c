/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of ct_audit() look at in a filter of system calls that a file describes. One that
 * cannot be read is none of their business: no start takes it. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/seccomp/policy.h"
#include "base/fd.h"
#include "run/protect/audit.h"

static bool lets_pass(struct ct_filter_action action)
{
	return action.verdict == CT_FILTER_ALLOW || action.verdict == CT_FILTER_LOG;
}

/* Reads the profile, if it is a file's; false: it is none, or cannot be read. */
static bool read_policy(struct ct_audit *a, struct ct_filter_policy *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;
	const struct ct_filter_facts facts = { a->kept, a->host->kernel_major,
					       a->host->kernel_minor };
	const char *path = a->spec->seccomp_profile;
	struct stat st;

	if (!path || *path != '/')
		return false;
	fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    ct_buf_read_fd(&text, fd, CT_FILTER_FILE_MAX) < 0)
		return false;
	return ct_filter_read(ct_buf_text(&text), text.len, path, &facts, a->arena, out, NULL) >= 0;
}

/* Whether the call is let pass with any arguments. */
static bool passes(const struct ct_filter_policy *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_rules; i++)
		if (!p->rule[i].n_args && !strcmp(p->rule[i].name, name))
			return lets_pass(p->rule[i].action);
	return lets_pass(p->otherwise);
}

void ct_look_denylist(struct ct_audit *a, const struct ct_rule *r)
{
	struct ct_filter_policy p;

	if (read_policy(a, &p) && lets_pass(p.otherwise))
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), a->spec->seccomp_profile, NULL);
}

void ct_look_calls(struct ct_audit *a, const struct ct_rule *r)
{
	const char *found = "", *end;
	struct ct_filter_policy p;
	char name[32];

	if (!read_policy(a, &p))
		return;
	for (const char *w = r->word; *w; w = end + strspn(end, " ")) {
		size_t n = strcspn(w, " ");

		end = w + n;
		if (n >= sizeof(name))
			continue;
		memcpy(name, w, n);
		name[n] = '\0';
		if (passes(&p, name))
			found = ct_audit_more(a, found, ct_arena_strdup(a->arena, name));
	}
	if (found && *found)
		ct_audit_hit(a, r, ct_spec_origin(a->spec, r->key), found, NULL);
}
