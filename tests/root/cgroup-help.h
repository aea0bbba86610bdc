/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of limits and cgroups share: the hierarchies of this host as they are mounted,
 * where a process is in them, and what of one test's cgroups is there. Nothing of the library. */
#ifndef CT_TEST_CGROUP_HELP_H
#define CT_TEST_CGROUP_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "run.h"
#include "setup.h"

#define MIB (1024ull * 1024)

/* One mounted hierarchy. */
struct tree {
	int version;
	char mount[256];
	/* of version 1: its controllers and name, as in /proc/PID/cgroup, with a comma
	 * at either end */
	char words[256];
};

struct trees {
	struct tree v[32];
	int n;
};

/* In a guest of the vm tier, where everything is slow: fewer rounds. */
static inline bool quick(void)
{
	return getenv("CT_QUICK") != NULL;
}

/* The hierarchies in /proc/self/mountinfo, each once. */
void trees_find(struct trees *t);
/* The line of /proc/PID/cgroup that belongs to the hierarchy: the path in it, or NULL. */
const char *tree_place(const struct tree *t, pid_t pid, char *buf, size_t size);
/* Directories below `dir` whose name contains `word` (NULL: any); paths of the first
 * ones into text. */
int groups_below(const char *dir, const char *word, int depth, char *text, size_t size);
/* Over all hierarchies. */
int groups_named(const char *word, char *text, size_t size);
/* Removes what a failed test has left, however deep: so that it fails alone. */
void group_drop(const char *path);
/* All cgroups with that word in their name. */
void groups_drop(const char *word);

/* For cmocka: none of the cgroups with that word in their name is there, after a while
 * at the latest. */
#define assert_no_groups(word)                                                                 \
	do {                                                                                   \
		char groups_[4096];                                                            \
		long long end_ = now_ms() + 10000;                                             \
		int n_;                                                                        \
		while ((n_ = groups_named(word, groups_, sizeof(groups_))) && now_ms() < end_) \
			sleep_ms(20);                                                          \
		if (n_)                                                                        \
			fail_msg("%d groups are left: %.2000s", n_, groups_);                  \
	} while (0)

/* Processes in a cgroup. */
int processes(const char *place, const struct tree *t);
/* A hierarchy in which the process has a cgroup of ours; false without. */
bool place_of(pid_t pid, const char *word, struct tree *t, char *place, size_t size);
/* Thaws its cgroups by hand, while the handle is busy. */
void thaw_by_hand(pid_t pid, const char *word);
/* A number out of a file of the container's cgroup under its version 2 or version 1 name; -1:
 * neither is there. `max` is INT64_MAX. */
long long group_number(ct_container *c, const char *v2, const char *v1);

/* What a container that cannot be had says: a reason to look elsewhere. Other failures fail. */
#define start_here(c, o, p)                                                 \
	do {                                                                \
		int r_ = ct_start(c, o, p);                                 \
		if (r_ == -EOPNOTSUPP)                                      \
			elsewhere_because("%s", ct_last_error(c)->message); \
		assert_ok(c, r_);                                           \
	} while (0)

/* A pipe with ends above 2, the second for the payload. */
int pipe_above(int fd[2]);

/* A payload that talks: it writes to `out`, and ends, when it wants to, at the end of `in`. */
struct talk {
	ct_process *p;
	int out, in;
	char text[8192];
};

/* It is under way, or no longer: talk_drop_all() ends those that are. */
void talk_note(const struct talk *t, bool on);
/* For teardown: ends what a failed test has left. */
void talk_drop_all(void);
/* Starts it; -EOPNOTSUPP and other errors are the caller's. */
int talk_try(ct_container *c, uint64_t flags, const char *const argv[], struct talk *t);
/* Starts it and waits until it has said "ready"; as start_here(). */
void talk_start(ct_container *c, uint64_t flags, const char *const argv[], struct talk *t);
/* Lets it go on to its end, and waits for that. */
ct_exit talk_end(struct talk *t);
/* case_setup() with box.word and box.pattern by this prefix, the pattern in the config; and its
 * end, at which cgroups with the word in their name count, too. */
int cgroup_case_setup(const char *prefix, const char *name);
int cgroup_case_teardown(void **state);

#endif
