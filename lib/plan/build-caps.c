/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's capabilities: which the container keeps, and the five sets that it begins with. */
#include <errno.h>
#include <linux/capability.h>

#include "base/caps.h"
#include "plan/builder.h"

#define CAP(name) CT_CAP_BIT(CAP_##name)

/* What container engines grant by default. */
#define DEFAULT_CAPS                                                                              \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) | CAP(NET_RAW) | \
	 CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |        \
	 CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE))

/* What cap.drop takes away from. On the host's network that is without net_admin: the shutdown of
 * an ordinary system would take the host's interfaces down. cap.keep can have it. */
static uint64_t full_set(const struct ct_spec *s, const struct ct_host *h)
{
	bool own = ct_build_namespaces(s) & CT_NS_NET;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		own |= s->ns_share.v[i].ns == CT_NS_NET;
	if (own)
		return ct_host_all_caps(h);
	return ct_host_all_caps(h) & ~CAP(NET_ADMIN);
}

uint64_t ct_build_available_caps(const struct ct_host *h, bool userns)
{
	if (userns)
		return ct_host_all_caps(h);
	return h->cap_bounding & h->cap_permitted;
}

/* Capabilities that one of the keys may name, and the key's set that has too many. */
static int check_within(const struct ct_spec *s, const char *key, uint64_t set, uint64_t whole,
			const char *reason, const char *hint, struct ct_err *e)
{
	uint64_t beyond = set & ~whole;
	char name[CT_CAP_NAME_BYTES];

	if (set == CT_CAP_MASK_UNSET || !beyond)
		return 0;
	ct_err_origin(e, ct_spec_origin(s, key));
	ct_err_object(e, ct_cap_name((unsigned)__builtin_ctzll(beyond), name));
	ct_err_hint(e, "%s", hint);
	return ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, "plan", "%s", reason);
}

#define LACKS "the caller itself does not have the capability"

int ct_build_caps(const struct ct_spec *s, const struct ct_host *h, uint64_t *keep,
		  struct ct_err *e)
{
	uint64_t have = ct_build_available_caps(h, ct_build_namespaces(s) & CT_NS_USER);
	int r;

	r = check_within(s, "cap.keep", s->cap_keep, have, LACKS,
			 "take it out of cap.keep, or give the caller this capability in its "
			 "bounding and permitted sets",
			 e);
	if (r >= 0)
		r = check_within(s, "cap.bounding", s->cap_bounding, have, LACKS,
				 "take it out of cap.bounding, or give the caller this capability "
				 "in its bounding and permitted sets",
				 e);
	if (r < 0)
		return r;
	*keep = DEFAULT_CAPS & have;
	if (s->cap_drop_set)
		*keep = full_set(s, h) & ~s->cap_drop & have;
	if (s->cap_keep != CT_CAP_MASK_UNSET)
		*keep = s->cap_keep;
	if (s->cap_bounding != CT_CAP_MASK_UNSET)
		*keep = s->cap_bounding;
	return 0;
}

/* Holds the sets that are asked for against what there is. 0 or a negative errno, recorded. */
static int check_sets(const struct ct_spec *s, const struct ct_host *h, uint64_t bounding,
		      struct ct_err *e)
{
	static const char not_kept[] = "the capability is not among those that the container keeps";
	static const char keep_it[] =
		"add it to cap.keep or cap.bounding, or take it out of cap.drop; without these "
		"keys a container keeps what engines grant by default";
	static const char give_it[] = "take it out, or give the caller this capability in its "
				      "bounding and permitted sets";
	uint64_t have = ct_build_available_caps(h, ct_build_namespaces(s) & CT_NS_USER);
	const struct {
		const char *key;
		uint64_t set, whole;
		const char *reason, *hint;
	} rows[] = {
		{ "cap.ambient", s->cap_ambient, bounding, not_kept, keep_it },
		{ "cap.inheritable", s->cap_inheritable, bounding, not_kept, keep_it },
		{ "cap.permitted", s->cap_permitted, have, LACKS, give_it },
		{ "cap.effective", s->cap_effective, have, LACKS, give_it },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && r >= 0; i++)
		r = check_within(s, rows[i].key, rows[i].set, rows[i].whole, rows[i].reason,
				 rows[i].hint, e);
	return r;
}

/* The key's set, or what follows from the others. */
static uint64_t set_or(uint64_t set, uint64_t otherwise)
{
	if (set == CT_CAP_MASK_UNSET)
		return otherwise;
	return set;
}

int ct_build_cap_sets(const struct ct_spec *s, const struct ct_host *h, bool root,
		      struct ct_cap_sets *out, struct ct_err *e)
{
	uint64_t follows;
	int r = ct_build_caps(s, h, &out->bounding, e);

	if (r >= 0)
		r = check_sets(s, h, out->bounding, e);
	if (r < 0)
		return r;
	out->ambient = set_or(s->cap_ambient, 0);
	out->inheritable = set_or(s->cap_inheritable, out->ambient);
	follows = out->ambient | set_or(s->cap_effective, 0);
	if (root)
		follows |= out->bounding;
	out->permitted = set_or(s->cap_permitted, follows);
	out->effective = set_or(s->cap_effective, out->permitted);
	return 0;
}

void ct_build_cap_rule(uint64_t bounding, uint64_t ambient, bool root, struct ct_cap_sets *out)
{
	*out = (struct ct_cap_sets){ bounding, ambient, ambient, ambient, ambient };
	if (root)
		out->permitted = out->effective = bounding;
}

const struct ct_origin *ct_build_bounding_at(struct ct_builder *b)
{
	if (b->spec->cap_drop_set)
		return ct_build_at(b, "cap.drop");
	if (b->spec->cap_bounding != CT_CAP_MASK_UNSET)
		return ct_build_at(b, "cap.bounding");
	return ct_build_at(b, "cap.keep");
}

const struct ct_origin *ct_build_caps_at(struct ct_builder *b)
{
	static const char *const keys[] = { "cap.permitted", "cap.effective", "cap.inheritable",
					    "cap.ambient" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (ct_spec_origin(b->spec, keys[i]))
			return ct_build_at(b, keys[i]);
	return ct_build_bounding_at(b);
}

bool ct_build_mounts_cgroups(const struct ct_spec *s, const struct ct_host *h)
{
	uint64_t keep;

	return !ct_build_userns(s) && (ct_build_namespaces(s) & CT_NS_CGROUP) &&
	       ct_build_caps(s, h, &keep, NULL) >= 0 && (keep & CAP(SYS_ADMIN));
}

bool ct_build_keeps_mknod(const struct ct_spec *s, const struct ct_host *h)
{
	uint64_t keep;

	/* capabilities that a start will refuse count as kept */
	return !ct_build_userns(s) && (ct_build_caps(s, h, &keep, NULL) < 0 || (keep & CAP(MKNOD)));
}
