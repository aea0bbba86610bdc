/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protections*.c share: the rows of ct_protections(), what was asked for against what is. */
#ifndef CT_RUN_PROTECT_PROTECTIONS_H
#define CT_RUN_PROTECT_PROTECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "backend/protections.h"
#include "base/namespaces.h"
#include "run/handle/container.h"

/* A process of the container beside init, as it was looked at. */
struct ct_member {
	pid_t pid;
	/* its files in /proc; "": it cannot be read; limits NULL: nobody asks for it */
	const char *status, *cgroup, *limits;
	struct stat ns[CT_NAMESPACES]; /* st_ino 0: not known */
};

struct ct_others {
	struct ct_member *v;
	uint32_t n, cap;
	const char *why; /* they are not known; NULL: they are */
};

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
	struct ct_buf status; /* its file there; empty: it cannot be read */
	struct ct_others others;
	const char *program; /* status of a reaper's program, or of init */
	/* init is in a user namespace that the payload has made: its rights are none outside */
	bool deeper;
	ino_t user_ns;			   /* of init */
	const struct ct_limit_item *limit; /* that other processes are compared with */
	struct ct_protections report;	   /* the table */
};

/* What a row asks of each process. */
struct ct_bound {
	/* a line of its status: a number in hexadecimal digits, without other bits than `most`, not
	 * below `least`; NULL: `check` or `ns` */
	const char *field;
	uint64_t most, least;
	bool of_userns; /* only of those in init's own user namespace */
	/* true: it is weaker than asked for */
	bool (*check)(const struct ct_protect *t, const struct ct_member *m);
	/* the namespace of this kind, by its bit's number, is not this one */
	ino_t ns;
	int kind;
};

/* Text in the table's arena; NULL: no memory. */
#define CT_TEXT(t, ...) CT_ROW_TEXT(&(t)->report, __VA_ARGS__)

/* A file of init's directory in /proc, at most `max` bytes, in the arena. NULL when it cannot be
 * read, and *why says why. */
char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why);
/* The value of the line NAME in init's status. False, and buf is "", when there is none or it is
 * too long. */
bool ct_protect_field(const struct ct_protect *t, const char *name, char *buf, size_t size);
/* The same in any process's status. */
bool ct_status_field(const char *status, const char *name, char *buf, size_t size);
/* Finds t->others, t->program and t->deeper. Waits half a second at most. */
void ct_protect_find_others(struct ct_protect *t);
/* `got` of init, with what of it does not go for other processes, which makes *ok false. Arena's,
 * or `got`. */
const char *ct_protect_others(struct ct_protect *t, const char *got, const struct ct_bound *b,
			      bool *ok);
/* Whether the process is not as the bound says. */
bool ct_protect_is_weaker(const struct ct_protect *t, const struct ct_member *m,
			  const struct ct_bound *b);
/* Opens the file in /proc of the process that has made init: this one, or the supervisor. -1: it
 * has ended, or cannot be told. */
int ct_protect_open_of_starter(const struct ct_protect *t, const char *file);
/* Whether so many filters are no less than those of who started it, and one of the container's own
 * (`before` UINT32_MAX: not known). */
bool ct_protect_filters_ok(uint32_t mode, uint32_t filters, uint32_t before);
/* Whether the text of /proc/PID/cgroup has the group, or one below it. */
bool ct_protect_in_group(const char *text, const struct ct_cg_group *g);
/* The rows that tell which processes were looked at, and whether all are in the container's
 * cgroups. */
void ct_protect_told_others(struct ct_protect *t);
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
