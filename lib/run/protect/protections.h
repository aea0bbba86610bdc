/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of protections*.c: a table of what was asked, what there is, and how it came to be. */
#ifndef CT_RUN_PROTECT_PROTECTIONS_H
#define CT_RUN_PROTECT_PROTECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/protections.h"
#include "run/handle/container.h"

struct ct_protect {
	struct ct_container *c;
	/* the running one */
	struct ct_config *config;
	/* spec and host; groups and plan made anew, as far as that can be done today */
	struct ct_prepared p;
	/* why they could not: err 0, they could */
	struct ct_err no_groups, no_plan;
	/* the groups as they are */
	struct ct_cgroups_held held;
	struct ct_buf records; /* the journal of its start */
	pid_t pid;	       /* of init */
	/* init, and its directory in /proc, which can become no other process' */
	int pidfd, proc;
	struct ct_buf status; /* its file there; empty: it cannot be read */
	/* the table */
	struct ct_protections report;
};

#define CT_SAY(t, ...) CT_ROW_TEXT(&(t)->report, __VA_ARGS__)

/* A file of init's directory in /proc, at most `max` bytes, in the arena. NULL, and *why a
 * sentence, when it cannot be read. */
char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why);
/* What stands behind NAME and a colon in init's status, into buf, which is "" when it is not
 * there or too long. */
bool ct_protect_field(const struct ct_protect *t, const char *name, char *buf, size_t size);
/* The rows, area by area. */
void ct_protect_namespaces(struct ct_protect *t);
void ct_protect_watched(struct ct_protect *t);
void ct_protect_rights(struct ct_protect *t);
void ct_protect_ids(struct ct_protect *t);
void ct_protect_mounts(struct ct_protect *t);

/* Whether a value of apparmor.profile or selinux.context (NULL: not set) is the name of a label,
 * which the process must have then. */
bool ct_protect_names_label(const char *asked);
/* Whether the label `got` is no weaker than what was asked for. Where no label was named that is
 * the one of who started it (NULL: it is not known, and there is nothing to compare with). Pure. */
bool ct_protect_label_ok(const char *asked, const char *starter, const char *got);

#endif
