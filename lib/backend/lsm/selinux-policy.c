/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to the loaded policy. Only such functions of libselinux are called as keep nothing
 * between two calls: any thread of any program may ask. So the numbers of classes and permissions
 * are read here, and what is refused is not written to a log.
 */
#include <errno.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/lsm/selinux-policy.h"
#include "base/fd.h"
#include "base/num.h"
#include "model/context.h"

#include <fcntl.h>

#define TOP "/sys/fs/selinux"
#define CLASSES TOP "/class/"
#define FULL "process"

static void free_text(char **s)
{
	free(*s);
}
#define CLEAN_TEXT __attribute__((cleanup(free_text))) char *

int ct_selinux_usable(const struct ct_host *host, const char **why)
{
	if (host->selinux)
		return 1;
	*why = "SELinux is not switched on here, or its file system is not mounted on " TOP;
	return 0;
}

/* The number in a file of the policy. 0 or a negative errno. */
static int read_number(const char *path, uint32_t *out)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32];
	int r;

	if (fd < 0)
		return -errno;
	r = (int)ct_read_text(fd, text, sizeof(text));
	if (r < 0)
		return r;
	return ct_parse_u32(text, out);
}

/* The numbers of a class and of one of its permissions, as a bit. 0; -ENOENT: the policy does not
 * define it; or another negative errno. */
static int find(const char *class, const char *permission, security_class_t *nr,
		access_vector_t *bit)
{
	char path[160];
	uint32_t v;
	int r;

	snprintf(path, sizeof(path), CLASSES "%s/index", class);
	r = read_number(path, &v);
	if (r < 0)
		return r;
	*nr = (security_class_t)v;
	snprintf(path, sizeof(path), CLASSES "%s/perms/%s", class, permission);
	r = read_number(path, &v);
	if (r < 0)
		return r;
	if (v < 1 || v > 32)
		return -EPROTO;
	*bit = (access_vector_t)1 << (v - 1);
	return 0;
}

/* Whether the policy allows it. 1, 0 or a negative errno. What it does not define is allowed or
 * refused as it says. */
static int allows(const char *from, const char *to, const char *class, const char *permission)
{
	struct av_decision got;
	security_class_t nr;
	access_vector_t bit;
	int r = find(class, permission, &nr, &bit);

	if (r == -ENOENT) {
		r = security_deny_unknown();
		if (r < 0)
			return -errno;
		return !r;
	}
	if (r < 0)
		return r;
	if (security_compute_av_flags_raw(from, to, nr, bit, &got) < 0)
		return -errno;
	return (got.allowed & bit) || (got.flags & SELINUX_AVD_FLAGS_PERMISSIVE);
}

static int cannot_ask(int err, const char *call, struct ct_err *e)
{
	return ct_fail_sys(e, err, CT_ERR_LABEL, "selinux", call, "SELinux could not be asked");
}

/* 0, or a negative errno, recorded with the rule that is missing. */
static int must_allow(const char *from, const char *to, const char *class, const char *permission,
		      struct ct_err *e)
{
	int r = allows(from, to, class, permission);
	const char *source, *target;
	size_t n, k;

	if (r > 0)
		return 0;
	if (r < 0)
		return cannot_ask(r, "security_compute_av", e);
	n = ct_context_type(from, &source);
	k = ct_context_type(to, &target);
	ct_err_object(e, to);
	ct_err_hint(e, "the policy needs: allow %.*s %.*s:%s %s;", (int)n, source, (int)k, target,
		    class, permission);
	return ct_fail(e, -EACCES, CT_ERR_LABEL, "selinux",
		       "SELinux does not allow this process (%.120s) %s { %s } for it", from, class,
		       permission);
}

static int refuse_context(const struct ct_selinux_ask *ask, int err, struct ct_err *e)
{
	ct_err_object(e, ask->context);
	if (err != -EINVAL)
		return cannot_ask(err, "security_canonicalize_context", e);
	ct_err_hint(e, "name user, role and type, and the range where it has levels, as the policy "
		       "has them: seinfo(1), ls -Z, ps -Z");
	return ct_fail(e, -EINVAL, CT_ERR_LABEL, "selinux",
		       "the loaded policy of SELinux has no such context");
}

/* The context as the kernel prints it, in the arena. 0 or a negative errno, recorded. */
static int canonical(const struct ct_selinux_ask *ask, struct ct_arena *arena, const char **out,
		     struct ct_err *e)
{
	CLEAN_TEXT text = NULL;

	/* without a policy every context is a good one */
	if (access(CLASSES FULL "/index", F_OK) < 0) {
		ct_err_hint(e, "load a policy: load_policy(8)");
		return ct_fail(e, -EOPNOTSUPP, CT_ERR_LABEL, "selinux",
			       "SELinux has no policy yet");
	}
	if (security_canonicalize_context_raw(ask->context, &text) < 0)
		return refuse_context(ask, -errno, e);
	*out = ct_arena_strdup(arena, text);
	if (*out)
		return 0;
	return ct_oom(e);
}

int ct_selinux_ask(const struct ct_selinux_ask *ask, struct ct_arena *arena, const char **out,
		   struct ct_err *e)
{
	CLEAN_TEXT own = NULL;
	int r = canonical(ask, arena, out, e), enforced;

	if (r < 0)
		return r;
	enforced = security_getenforce();
	if (enforced < 0)
		return cannot_ask(-errno, "security_getenforce", e);
	if (!enforced)
		return 0;
	if (getcon_raw(&own) < 0)
		return cannot_ask(-errno, "getcon", e);
	if (ask->own)
		r = must_allow(own, own, "process", ask->own, e);
	/* from a domain to itself there is no transition to be allowed */
	if (r < 0 || (!strcmp(ask->permission, "transition") && !strcmp(own, *out)))
		return r;
	return must_allow(own, *out, ask->class, ask->permission, e);
}
