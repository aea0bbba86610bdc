/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of protections*.c: a table of what was asked, what there is, and how it came to be. */
#ifndef CT_RUN_PROTECT_PROTECTIONS_H
#define CT_RUN_PROTECT_PROTECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/cgroup/state.h"
#include "run/handle/container.h"

/* All strings are the arena's, without control characters, and bounded. */
struct ct_protect_row {
	const char *name, *asked, *got, *how;
	bool ok;			/* got is no weaker than asked */
};

enum ct_protect_care {
	CT_CARE_KEEPER,			/* in process */
	CT_CARE_SUPERVISOR,
	CT_CARE_NOBODY			/* the supervisor has been killed */
};

struct ct_protect {
	struct ct_container *c;
	struct ct_config *config;	/* the running one */
	struct ct_prepared p;		/* spec and host; groups and plan made anew, as far as that can be done today */
	struct ct_err no_groups, no_plan;	/* why they could not: err 0, they could */
	struct ct_cgroups_held held;		/* the groups as they are */
	enum ct_protect_care care;
	pid_t pid;			/* of init */
	int pidfd, proc;		/* init, and its directory in /proc, which can become no other process' */
	struct ct_buf status;		/* its file there; empty: it cannot be read */
	struct ct_protect_row *rows;
	uint32_t n, cap;
	bool oom;
};

/* Text in the table's arena. */
#define CT_SAY(t, ...) ct_arena_printf((t)->p.arena, __VA_ARGS__)

/* Adds a row. The texts are copied, control characters taken out, and cut; a NULL among them is that there was no memory. */
void ct_protect_add(struct ct_protect *t, bool ok, const char *name, const char *asked, const char *got, const char *how);
/* A file of init's directory in /proc, at most `max` bytes, in the arena. NULL, and *why a sentence, when it cannot be read. */
char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why);
/* What stands behind NAME and a colon in init's status, into buf, which is "" when it is not there or too long. */
bool ct_protect_field(const struct ct_protect *t, const char *name, char *buf, size_t size);
/* The value of a key as written last; NULL: not set. */
const char *ct_protect_asked(const struct ct_protect *t, const char *key);
/* "memory" and version 1 or 2 to a sentence that says why no group serves it; `only` 1 or 2: of that version, 0: of either. */
const char *ct_protect_lack(struct ct_protect *t, uint32_t bit, int only);

/* The rows, area by area. */
void ct_protect_namespaces(struct ct_protect *t);
void ct_protect_limits(struct ct_protect *t);
void ct_protect_devices(struct ct_protect *t);
void ct_protect_rights(struct ct_protect *t);
void ct_protect_ids(struct ct_protect *t);
void ct_protect_mounts(struct ct_protect *t);

/* Whether what is read back from a group's file is weaker than what was to be written there. Pure. */
bool ct_protect_weaker(const char *file, const char *wanted, const char *got);

/* Whether a value of apparmor.profile or selinux.context (NULL: not set) is the name of a label, which the process must have then. */
bool ct_protect_names_label(const char *asked);
/* Whether the label `got` is no weaker than what was asked for. Where no label was named that is the one of who started it (NULL: it is not
 * known, and there is nothing to compare with). Pure. */
bool ct_protect_label_ok(const char *asked, const char *starter, const char *got);

#endif
