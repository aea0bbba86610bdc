/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of values that rows of the key table name, and what their parsers share. */
#ifndef CT_TYPE_H
#define CT_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/config.h"
#include "model/key.h"
#include "model/spec.h"

/* type-scalar.c */
extern const struct ct_type ct_type_bool, ct_type_order, ct_type_seconds, ct_type_tty_count,
	ct_type_pty_count, ct_type_hook_version, ct_type_vlan, ct_type_mtu, ct_type_queues,
	ct_type_size, ct_type_output_size, ct_type_ring_size, ct_type_duration, ct_type_offset,
	ct_type_id, ct_type_umask, ct_type_nice, ct_type_signal, ct_type_death_signal;
/* type-text.c */
extern const struct ct_type ct_type_text, ct_type_arch, ct_type_host_name, ct_type_path,
	ct_type_path_or_none, ct_type_filter, ct_type_unix, ct_type_dev_dir, ct_type_cgroup_dir,
	ct_type_cgroup_pattern, ct_type_cgroup_backend, ct_type_rootfs, ct_type_log_level,
	ct_type_syslog, ct_type_include, ct_type_net_flags, ct_type_veth_mode, ct_type_macvlan_mode,
	ct_type_ipvlan_mode, ct_type_ipvlan_isolation;
/* type-list.c */
extern const struct ct_type ct_type_command, ct_type_hook, ct_type_names, ct_type_ids,
	ct_type_environment;
/* type-ident.c */
extern const struct ct_type ct_type_idmap, ct_type_caps_or_none, ct_type_limit, ct_type_namespaces,
	ct_type_share;
/* type-kernel.c */
extern const struct ct_type ct_type_sysctl, ct_type_proc, ct_type_cgroup_file;
/* type-cgroup.c */
extern const struct ct_type ct_type_limit_memory, ct_type_limit_size, ct_type_limit_switch,
	ct_type_limit_count, ct_type_limit_cores, ct_type_limit_weight, ct_type_limit_burst,
	ct_type_limit_cpus, ct_type_io_weight, ct_type_io_max, ct_type_hugetlb, ct_type_rdma,
	ct_type_misc, ct_type_cpu_time;
/* type-devices.c */
extern const struct ct_type ct_type_device_rule_allow, ct_type_device_rule_deny,
	ct_type_device_preset;
/* type-mount.c */
extern const struct ct_type ct_type_mount, ct_type_tmpfs, ct_type_fstab, ct_type_mount_auto,
	ct_type_rootfs_options, ct_type_covers;
/* type-net.c */
extern const struct ct_type ct_type_net, ct_type_net_name, ct_type_net_link, ct_type_mac,
	ct_type_ipv4_address, ct_type_ipv6_address, ct_type_ipv4_gateway, ct_type_ipv6_gateway,
	ct_type_ipv4_route, ct_type_ipv6_route, ct_type_vlan_or_none;

/* Records that the value does not have its type's form; returns -EINVAL. */
int ct_value_bad(const struct ct_entry *entry, struct ct_err *e);
/* Records that a number is out of its type's range; returns -ERANGE. */
int ct_value_range(const struct ct_entry *entry, struct ct_err *e);
/* The same for a result of base/num.h, 0 stays 0. */
int ct_value_number(const struct ct_entry *entry, int result, struct ct_err *e);
/* Records any other reason; returns -EINVAL. */
int ct_value_fail(struct ct_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A piece of a value, not terminated. */
struct ct_span {
	const char *s;
	size_t n;
};
/* Next word of *s, words are divided by any of the characters in `sep`; false at the end. */
bool ct_next_word(const char **s, const char *sep, struct ct_span *word);
/* How much of a span a message shows. */
static inline int ct_span_shown(struct ct_span span)
{
	if (span.n < 80)
		return (int)span.n;
	return 80;
}
/* Whether the span is exactly the string. */
bool ct_span_is(struct ct_span span, const char *s);
/* The rest behind `prefix` when the span begins with it, else NULL. */
const char *ct_span_after(struct ct_span span, const char *prefix);
/* The value without "try:" in front; *tried, unless NULL: it had it, and is best effort. */
const char *ct_value_tried(const char *value, bool *tried);
/* Whether a '/'-divided path has ".." as a component. */
bool ct_path_climbs(const char *path);

/* Room for one more element behind the n of v: v itself or a bigger copy; NULL without memory. */
void *ct_list_room(struct ct_arena *a, void *v, uint32_t n, size_t element);
/* Pointer to a new zeroed element at the end of a list {v, n}; NULL without memory. */
#define CT_LIST_ADD(arena, list)                                                      \
	((list)->v = ct_list_room((arena), (list)->v, (list)->n, sizeof(*(list)->v)), \
	 (list)->v ? &(list)->v[(list)->n++] : NULL)

/* Appends an element, which comes last, to a list {v, n} of the spec; a list of NULL: the value is
 * only checked. 0 or -ENOMEM, recorded. */
#define CT_LIST_KEEP(spec, list, e, ...) \
	((list) ? CT_LIST_PUT((spec)->arena, list, e, __VA_ARGS__) : 0)
#define CT_LIST_PUT(arena, list, e, ...) \
	(CT_LIST_ADD(arena, list) ? ((list)->v[(list)->n - 1] = __VA_ARGS__, 0) : ct_oom(e))

/* Splits a command line into words: blanks divide, '...' and "..." hold together, nothing else is
 * special. *bare gets the first character outside quotes that a shell would have interpreted, 0 for
 * none; it may be NULL. -EINVAL: a quote is not closed or there is no word, -ENOMEM. */
int ct_split_words(struct ct_arena *a, const char *s, struct ct_words *out, char *bare);

/* The names and bits of namespaces: "mnt", "mount" -> CT_NS_MNT; 0 when there is none
 * of that name. */
uint32_t ct_ns_bit(struct ct_span name);
/* The short name of one CT_NS_* bit. */
const char *ct_ns_name(uint32_t bit);

/* The name of a level, CT_LOG_*, as logs and hooks show it ("WARN"). */
const char *ct_log_level_name(uint32_t level);

/* The flags that a mount's options ask for. */
struct ct_mount_flags {
	uint64_t set, clear;  /* MOUNT_ATTR_*, disjoint but for the access time field */
	uint64_t propagation; /* MS_* */
	bool propagation_recursive;
};
/* Takes one option that every mount knows ("nosuid", "rslave", "defaults"): 1 when it was one, 0
 * when it is none, -EINVAL for a second propagation. */
int ct_mount_flag(struct ct_span option, struct ct_mount_flags *flags);
/* Checks that a path stays below the root and is not the root: 0 or -EINVAL, recorded. */
int ct_mount_target(const char *target, struct ct_err *e);
/* Parses one line in fstab's form. Strings of *m belong to `a`; the target keeps its leading slash
 * when it has one. 0 or a negative errno, recorded. */
int ct_mount_parse(const char *line, struct ct_arena *a, struct ct_mount_item *m, struct ct_err *e);

#endif
