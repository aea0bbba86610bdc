/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases about where cgroups are: each is a process in a mount namespace of its own, which can go
 * into cgroups of its own. No function of cmocka's is used in a case. */
#ifndef CT_TEST_PLACES_HELP_H
#define CT_TEST_PLACES_HELP_H

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cgroup-help.h"

#define ELSEWHERE 77 /* exit code of a case that this host cannot have */

extern struct trees trees;	 /* as they are without the case's mounts */
extern char word[32];		 /* in the names of all cgroups of a case */
extern char own[40];		 /* last part of the caller's own cgroups in it */
extern char pattern[64];	 /* begins the names of the containers' cgroups */
extern char spare[PATH_MAX + 8]; /* a directory with a blank in its name, for mounts */
extern char told[2048];		 /* what the library has said */

/* In a case's process: cmocka's macros would go on with the other tests there. */
#define CHECK(what, ...)                                                             \
	do {                                                                         \
		if (!(what)) {                                                       \
			fprintf(stderr, "# %s:%d: %s: ", __func__, __LINE__, #what); \
			fprintf(stderr, __VA_ARGS__);                                \
			fputc('\n', stderr);                                         \
			_exit(1);                                                    \
		}                                                                    \
	} while (0)
#define WORKS(c, call) CHECK((call) >= 0, "%s", ct_last_error(c)->message)

/* ---- cgroups by hand ------------------------------------------------------------------------- */

/* Writes dir/file; reads its first line, "" when there is none. */
bool put(const char *dir, const char *file, const char *value);
void get(const char *dir, const char *file, char *buf, size_t size);
/* A directory in a hierarchy that processes can live in. */
void make_group(const char *dir, const char *name, char path[2048]);
/* Where the test itself is. */
void place_in(const struct tree *t, char dir[1024]);
/* The case's process goes into cgroups of its own, in every hierarchy. */
void enter_own(void);
/* The hierarchy of version 1 with this controller; that of version 2; NULL. */
const struct tree *tree_with(const char *controller);
const struct tree *tree_v2(void);
/* Paths of the container's cgroups, and how many of them are below the case's own. */
int find_groups(char *text, size_t size, int *below);

/* ---- containers ------------------------------------------------------------------------------ */

/* A handle whose cgroups have our word in their names, and whose log goes to `told`. */
ct_container *make(const char *name);
/* A payload that only waits. Where the host cannot have it, the case ends with ELSEWHERE. */
ct_process *start(ct_container *c, uint64_t flags);
/* Kills it, and closes the handle. */
void end(ct_container *c, ct_process *p);
/* The cgroups with our word in their names, but for the caller's own; their paths in
 * data, char[4096]. */
int words_left(void *data);

/* ---- the frame ------------------------------------------------------------------------------- */

/* Carries the function in *state out in a process of its own: a case. */
void in_child(void **state);
/* For cmocka: of each case, and of the group. */
int teardown(void **state);
int group_setup(void **state);
int group_teardown(void **state);

#define CASE(name)                                                         \
	{                                                                  \
#name, in_child, NULL, teardown, (void *)(uintptr_t)(name) \
	}

#endif
