/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Profiles of system calls that were learned: collected, written and read again. A profile is an
 * allow-list without arguments, one list of names for each architecture.
 */
#ifndef CT_TOOLS_LEARN_H
#define CT_TOOLS_LEARN_H

#include <contain/contain.h>

#include "common.h"

#define LEARN_ARCHS 24	   /* rows of the table of architectures at most */
#define LEARN_RUNS_KEPT 16 /* runs that a header tells of; older ones are only counted */
#define LEARN_UNNAMED_MAX 64

enum learn_form { LEARN_ANY, LEARN_LXC, LEARN_OCI };
/* What happens to a call that is not in the profile. */
enum learn_deny { LEARN_ERRNO, LEARN_KILL, LEARN_LOG };

struct learn_call {
	unsigned arch; /* row of learn_archs */
	char name[40];
};

struct learn_unnamed {
	unsigned arch;
	int nr;
};

struct learn_profile {
	enum learn_form form;
	enum learn_deny deny;
	unsigned deny_errno; /* of LEARN_ERRNO */
	struct learn_call *call;
	size_t n_calls, room;
	/* numbers that no table of names has */
	struct learn_unnamed unnamed[LEARN_UNNAMED_MAX];
	size_t n_unnamed;
	uint64_t caps;		    /* by row of the table of capabilities */
	unsigned runs;		    /* all that are merged */
	char *run[LEARN_RUNS_KEPT]; /* "when, where: command", oldest first */
	size_t n_runs;
};

/* An architecture by its names: section of LXC's policies, OCI's profiles. */
struct learn_arch {
	const char *section, *oci, *machine; /* uname's; NULL: none has it as its own */
	uint32_t token;			     /* AUDIT_ARCH_* */
};
extern const struct learn_arch learn_archs[];
extern const size_t learn_n_archs;

/* Row of the architecture of a call; x32's calls have x86_64's. -1: it has none. */
int learn_arch_of(uint32_t token, int nr);
/* Row of this machine's; -1: it has none. */
int learn_arch_native(void);

/* Whether an architecture has a call. */
bool learn_has_arch(const struct learn_profile *p, unsigned arch);
/* Whether a list of words, divided by blanks, has this one. */
bool learn_has_word(const char *list, const char *word);
/* Adds a call by its name of n bytes, once. 0, -ENOMEM, or -EINVAL: it is no name. */
int learn_add(struct learn_profile *p, unsigned arch, const char *name, size_t n);
/* Notes a call without a name, once, as long as there is room. */
void learn_add_unnamed(struct learn_profile *p, unsigned arch, int nr);
/* Adds a run to those that the header tells of; text is copied. 0 or -ENOMEM. */
int learn_add_run(struct learn_profile *p, const char *text, size_t n);
/* Adds what cannot be seen and what a start under the profile needs, for each architecture that has
 * calls and for this machine's own. 0 or -ENOMEM. */
int learn_add_always(struct learn_profile *p);
/* Writes the policy to learn under: these calls are allowed, all others are notified. */
void learn_write_filter(FILE *out);
void learn_free(struct learn_profile *p);
#define CLEAN_PROFILE __attribute__((cleanup(learn_free)))

/* The first line of a header. */
#define LEARN_MARK "learned by ct-learn: only what the runs have used is allowed"

/* Where in a text a reader is. */
struct learn_text {
	const char *at;
	unsigned line;
	const char *why; /* what is wrong, in words; NULL: nothing */
};

/* Reads a profile that learn_write() has written, in either form, into an empty one. 0; or -errno:
 * -EINVAL with t->why and t->line: it is not one of ours. */
int learn_read(struct learn_profile *p, struct learn_text *t);
/* A line of the header, without the "# " of a policy. 0 or -errno. */
int learn_read_header(struct learn_profile *p, struct learn_text *t, const char *text, size_t n);
/* A whole text in JSON. 0 or -errno. */
int learn_read_oci(struct learn_profile *p, struct learn_text *t);
/* Writes a profile in its form; the calls are sorted. What could not be written is for the caller
 * to find. 0 or -ENOMEM. */
int learn_write(struct learn_profile *p, FILE *out);

/* "errno N", "kill", "log": as --deny and the second line of a policy have it. 0 or -EINVAL. */
int learn_read_deny(struct learn_profile *p, const char *text);
/* The same as OCI names it, without the number. 0 or -EINVAL. */
int learn_read_action(struct learn_profile *p, const char *oci);

/* Row + 1 of the table of capabilities for a call that may need one, 0: none. */
unsigned learn_cap_row(const char *name);
/* Notes the capability if the call needs it and the process has it. */
void learn_cap_use(struct learn_profile *p, unsigned row, const ct_notify *call, int fd);
/* Name of a bit of `caps`, NULL behind the last; and the bit of a name, -1 when there is none. */
const char *learn_cap_name(unsigned bit);
int learn_cap_bit(const char *name, size_t n);

/* The file of a profile; "-" is standard output. All return 0, or an exit code after an error
 * message. */
/* Reads what is there, for merging; a file that is missing is an empty profile. */
int learn_load(const struct args *a, const char *file, struct learn_profile *p);
/* Whether the file can be written: before a run, which may take long. */
int learn_check_file(const struct args *a, const char *file);
/* Replaces the file by a new one, as a whole: on failure it is as it was. */
int learn_save(const struct args *a, const char *file, struct learn_profile *p);

/* What has been seen of one run, by number. */
struct learn_seen;
struct learn_seen *learn_seen_new(struct learn_profile *p);
/* Whether memory was missing, so that a call may be missing, too. */
bool learn_seen_failed(const struct learn_seen *s);
/* Has a call that waits wake this process at once, on the same processor: fewer calls are
 * interrupted by signals meanwhile. Linux before 6.6 cannot, which is no failure. */
void learn_hurry(int fd);
/* Answers up to `most` notifications that wait in a listener, all by "continue", and notes their
 * calls. 0, or a negative errno: no
 * process is under the filter any more (-EPIPE), or it fails. */
int learn_serve(struct learn_seen *s, int fd, unsigned most);

#endif
