/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a program and reading what it says. */
#ifndef CT_TEST_RUN_H
#define CT_TEST_RUN_H

#include <stddef.h>
#include <sys/types.h>

/* The end of patience for what has to happen. Tests are judged by what happens, not by how
 * soon: a machine may be many times slower or busier than usual, so only what does not happen
 * at all uses it up. */
#define PATIENCE_MS 120000

struct run_result {
	int status; /* exit code, 128 + signal, or -1: did not end in time and was killed */
	char *out;  /* standard output, never NULL after run_tool() */
	char *err;  /* standard error */
};

/* Runs argv (searched in PATH) with `input` (may be NULL) as standard input; waits up to
 * timeout_ms. 0 or negative errno. */
int run_tool(const char *const argv[], const char *input, int timeout_ms, struct run_result *r);
void run_free(struct run_result *r);

/* Reads fd to its end, at most timeout_ms; NUL-terminated text, to be freed; NULL on
 * timeout or error. */
char *read_all(int fd, int timeout_ms);
/* A path made of the test's build directory: $CT_BUILD/NAME. In buf, returned. */
const char *built(const char *name, char *buf, size_t size);
/* Milliseconds of the monotonic clock. */
long long now_ms(void);
/* Sleeps: between two looks, never instead of one. */
void sleep_ms(int ms);
/* Waits until check(data) is not 0, for PATIENCE_MS at the longest; returns what it
 * returned last. */
int wait_until(int (*check)(void *data), void *data);
/* The same with an end of patience of the caller's own. */
int wait_for(int (*check)(void *data), void *data, int timeout_ms);
/* Reads fd until the text has `word` in it: 1; 0 when it ends before, when `text` is full, and
 * after timeout_ms. `text` goes on from what it holds. */
int read_until(int fd, const char *word, int timeout_ms, char *text, size_t size);
/* A time in which nothing must happen: for what there is no event to wait for. Never for what must
 * have happened at its end. */
void nothing_happens_for(int ms);
/* Rounds of a test: `ci` of them usually, `longer` with `tests/run --long`; a fifth of ci, at least
 * one, where each is slow: in guests and under sanitizers. */
int rounds(int ci, int longer);
/* How many times slower than usual this machine is, as far as whoever runs the tests knows:
 * CT_SLOW, else 1. For the few bounds on how long a call may take. */
int slowness(void);

/* Sleeps for less than that: where a moment between two events is looked for. */
void sleep_us(long us);
/* Writes text to a file that is there, as those of /proc; 0 or -1. */
int write_to(const char *path, const char *text);

/* Of a process; 0 when it has gone. */
pid_t parent_of(pid_t pid);

/* For wait_for(), in a subreaper: reaps orphans that came to us; true when none is left. data:
 * char[256], gets who still is. */
int no_orphans(void *data);

/* Prints the reason as the runner wants it, then skips the cmocka test. */
#define skip_because(...)                              \
	do {                                           \
		print_message("# skip: " __VA_ARGS__); \
		print_message("\n");                   \
		skip();                                \
	} while (0)

/* For what this layout of the host cannot have by its nature, and another one has: no skip, as long
 * as the test has passed somewhere in the same run (a guest of the vm tier). */
#define elsewhere_because(...) skip_because("elsewhere: " __VA_ARGS__)

#endif
