/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protections*.c share: the rows of ct_protections(), what was asked for against what is. */
#ifndef CT_RUN_PROTECT_PROTECTIONS_H
#define CT_RUN_PROTECT_PROTECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/protections.h"
#include "run/handle/container.h"

struct ct_protect {
	struct ct_container *c;
	struct ct_config *config; /* the container runs with it */
	/* its spec; host, backends and plan as for a start of now, as far as they can be made */
	struct ct_prepared p;
	/* why backends or plan could not be made; err 0: they could */
	struct ct_err no_backends, no_plan;
	struct ct_cgroups_held held; /* the container's cgroups as they are */
	struct ct_buf records;	     /* the journal of its start */
	pid_t pid;		     /* of init */
	/* init, and its directory in /proc, which never becomes another process's */
	int pidfd, proc;
	struct ct_buf status;	      /* its file there; empty: it cannot be read */
	struct ct_protections report; /* the table */
};

/* Text in the table's arena; NULL: no memory. */
#define CT_TEXT(t, ...) CT_ROW_TEXT(&(t)->report, __VA_ARGS__)

/* A file of init's directory in /proc, at most `max` bytes, in the arena. NULL when it cannot be
 * read, and *why says why. */
char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why);
/* The value of the line NAME in init's status. False, and buf is "", when there is none or it is
 * too long. */
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
 * the label of the process that has started the container; NULL: not known, and any will do. */
bool ct_protect_label_ok(const char *asked, const char *starter, const char *got);

#endif
