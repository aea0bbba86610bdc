/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What audit*.c share: the rules of ct_audit(), what each looks at, and what it has found. */
#ifndef CT_RUN_PROTECT_AUDIT_H
#define CT_RUN_PROTECT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <contain/contain.h>

#include "base/arena.h"
#include "host/host.h"
#include "model/spec.h"

/* How a weakness is mended; the words are those of the JSON. */
enum ct_mend {
	CT_MEND_SET,	/* the key gets the value, instead of what it has */
	CT_MEND_ADD,	/* one more value of a list */
	CT_MEND_REMOVE, /* this value is taken out */
	CT_MEND_OPTION, /* the value is added to the options of this mount */
	CT_MEND_FILE,	/* the value is a command for the file that the key names */
	CT_MEND_N
};

/* One weakness. Strings are the arena's, the spec's, or static. */
struct ct_weakness {
	int severity; /* CT_SEVERITY_* */
	const char *name, *text;
	const struct ct_origin *at; /* of what weakens; NULL: that a key is not set */
	const char *object;	    /* path, value, or "" */
	enum ct_mend mend;
	const char *key, *value; /* that mend it; value "" where there is none */
};

#define CT_AUDIT_APPARMOR 1u
#define CT_AUDIT_SELINUX 2u

/* A config as a start with these options would have it, with the host that it would run on. */
struct ct_audit {
	struct ct_arena *arena;
	const struct ct_spec *spec; /* with the filter of a start */
	const struct ct_host *host;
	const ct_start_opts *opts;
	const char *dir; /* of the container; NULL: it has none */
	uint32_t lsm;	 /* CT_AUDIT_*: modules that confine here */
	/* derived by ct_audit_begin(): */
	uint32_t own;	/* namespaces made new */
	bool apart;	/* root inside is not root of the host */
	uint64_t kept;	/* the bounding set */
	bool no_privs;	/* no_new_privs, by key or flag */
	bool filtered;	/* by the default filter */
	int at_version; /* of cgroups that would restrict devices */
	/* what has been found */
	struct ct_weakness *v;
	uint32_t n, cap;
	bool oom;
};

/* One row of the table. */
struct ct_rule {
	const char *name;
	/* CT_SEVERITY_* without and with a user namespace; 0: no weakness then */
	uint8_t plain, mapped;
	/* adds what it finds by ct_audit_hit() */
	void (*look)(struct ct_audit *a, const struct ct_rule *r);
	uint64_t n;	  /* for look: a number or bits */
	const char *word; /* for look */
	const char *text; /* a sentence without its stop */
	enum ct_mend mend;
	const char *key, *value; /* value NULL: look gives it */
};

/* A file or directory of the host that should not be bound into a container. */
struct ct_place {
	const char *name, *path;
	bool below; /* what is below it, too */
	/* writable: without and with a user namespace; read-only */
	uint8_t plain, mapped, read_plain, read_mapped;
	const char *text;
};

/* Fills what is derived from spec, host and opts. */
void ct_audit_begin(struct ct_audit *a);
/* Adds a weakness of this row, unless it is none here. `at`, `object` and `value` may be NULL:
 * nothing to tell; value: the row's. */
void ct_audit_hit(struct ct_audit *a, const struct ct_rule *r, const struct ct_origin *at,
		  const char *object, const char *value);
/* The same with a severity of its own, where the row's is not 0. */
void ct_audit_hit_as(struct ct_audit *a, const struct ct_rule *r, uint8_t severity,
		     const struct ct_origin *at, const char *object, const char *value);
/* Adds a weakness as it is. */
void ct_audit_add(struct ct_audit *a, const struct ct_weakness *w);
/* Looks by all rules; what is found is in a->v, most serious first. */
void ct_audit_look(struct ct_audit *a);
/* The rows, for those who count them. */
const struct ct_rule *ct_audit_rules(uint32_t *n);
const struct ct_place *ct_audit_places(uint32_t *n);

/* A list with one word more, divided by blanks; "" is no word. NULL: no memory, as a->oom says. */
const char *ct_audit_more(struct ct_audit *a, const char *list, const char *word);
/* The value of a key as it was set last; NULL: it is not set. */
const char *ct_audit_asked(const struct ct_audit *a, const char *key);
/* The place of the host that a mount brings in, without links; NULL: none, or it is not there. */
const char *ct_audit_source(const struct ct_audit *a, const struct ct_mount_item *m);
/* Whether a mount is to be read-only. */
bool ct_audit_readonly(const struct ct_mount_item *m);

/* ---- what rows look at: the config ----------------------------------------------------------- */

/* Each adds what it finds. */
void ct_look_no_userns(struct ct_audit *a, const struct ct_rule *r);
void ct_look_maps(struct ct_audit *a, const struct ct_rule *r);
void ct_look_kept_ns(struct ct_audit *a, const struct ct_rule *r);
void ct_look_shared_ns(struct ct_audit *a, const struct ct_rule *r);
void ct_look_cap(struct ct_audit *a, const struct ct_rule *r);
void ct_look_inheritable(struct ct_audit *a, const struct ct_rule *r);
void ct_look_filter(struct ct_audit *a, const struct ct_rule *r);
/* a file's: what is not named passes; calls of r->word pass */
void ct_look_denylist(struct ct_audit *a, const struct ct_rule *r);
void ct_look_calls(struct ct_audit *a, const struct ct_rule *r);
void ct_look_privs(struct ct_audit *a, const struct ct_rule *r);
void ct_look_limit(struct ct_audit *a, const struct ct_rule *r);
void ct_look_tried(struct ct_audit *a, const struct ct_rule *r);
void ct_look_devices(struct ct_audit *a, const struct ct_rule *r);
void ct_look_auto(struct ct_audit *a, const struct ct_rule *r);
void ct_look_auto_cgroup(struct ct_audit *a, const struct ct_rule *r);
void ct_look_own_limits(struct ct_audit *a, const struct ct_rule *r);
/* the key has a value that fits the pattern r->word */
void ct_look_value(struct ct_audit *a, const struct ct_rule *r);
/* the key's number is negative */
void ct_look_negative(struct ct_audit *a, const struct ct_rule *r);
void ct_look_sysctl(struct ct_audit *a, const struct ct_rule *r);
void ct_look_secret(struct ct_audit *a, const struct ct_rule *r);
void ct_look_keyring(struct ct_audit *a, const struct ct_rule *r);
/* a limit of this name that is not 0 */
void ct_look_prlimit(struct ct_audit *a, const struct ct_rule *r);
void ct_look_label(struct ct_audit *a, const struct ct_rule *r);
void ct_look_terminal(struct ct_audit *a, const struct ct_rule *r);
void ct_look_fds(struct ct_audit *a, const struct ct_rule *r);

/* ---- mounts, and files of the host ----------------------------------------------------------- */

/* Each adds what it finds. */
void ct_look_mount_options(struct ct_audit *a, const struct ct_rule *r);
void ct_look_mount_type(struct ct_audit *a, const struct ct_rule *r);
void ct_look_mount_file(struct ct_audit *a, const struct ct_rule *r);
void ct_look_mount_shared(struct ct_audit *a, const struct ct_rule *r);
/* by the table of places */
void ct_look_places(struct ct_audit *a, const struct ct_place *places, uint32_t n);
void ct_look_host_root(struct ct_audit *a, const struct ct_rule *r);
void ct_look_root_files(struct ct_audit *a, const struct ct_rule *r);
void ct_look_root_owner(struct ct_audit *a, const struct ct_rule *r);
void ct_look_hooks(struct ct_audit *a, const struct ct_rule *r);
void ct_look_hook_files(struct ct_audit *a, const struct ct_rule *r);
void ct_look_hook_inside(struct ct_audit *a, const struct ct_rule *r);
void ct_look_config_files(struct ct_audit *a, const struct ct_rule *r);

#endif
