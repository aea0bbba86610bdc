/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tools share besides the command line: handles, logs, error lines, exit codes. */
#ifndef CT_TOOLS_COMMON_H
#define CT_TOOLS_COMMON_H

#include <stdio.h>

#include <contain/contain.h>

#include "json.h"
#include "options.h"

static inline void free_container(ct_container **c)
{
	ct_unref(*c);
}

static inline void free_process(ct_process **p)
{
	ct_process_unref(*p);
}

static inline void free_text(char **p)
{
	ct_free(*p);
}

#define CLEAN_CONTAINER __attribute__((cleanup(free_container)))
#define CLEAN_PROCESS __attribute__((cleanup(free_process)))
#define CLEAN_TEXT __attribute__((cleanup(free_text))) /* strings of the library */

/* Begins a tool: descriptors 0 to 2 are open from here on (on /dev/null when they were not); a
 * failed write to standard output makes the exit code. */
void tool_begin(void);

/* Makes the handle for a->name (NULL: anonymous) and sends its log where -o and -l say. Returns 0,
 * or the exit code after an error message. *out is the caller's. */
int open_container(const struct args *a, ct_container **out);
/* The exit code of a tool that ends before it has begun: err, or EXIT_OWN. */
static inline int exit_code(int err)
{
	if (err)
		return err;
	return EXIT_OWN;
}
/* CT_FORMAT_*, as --json says. */
static inline int format_of(const struct args *a)
{
	if (a->json)
		return CT_FORMAT_JSON;
	return CT_FORMAT_TEXT;
}
/* The words of the command line as a command; NULL: there are none. */
static inline const char *const *command_of(const struct args *a)
{
	if (!a->n_rest)
		return NULL;
	return (const char *const *)a->rest;
}

/* Reads the config: --rcfile when given, else the container's own; with `optional` a missing own
 * config is no failure. Then sets each "KEY=VALUE" of `defines` (may be NULL), and follows log.file
 * and log.level unless -o or -l was given. Returns 0, or the exit code after an error message. */
int load_config(const struct args *a, ct_container *c, const struct strings *defines,
		bool optional);
/* True for "/dev/null", which means no config. */
bool is_empty_config(const char *file);
/* Sets each "KEY=VALUE". Returns as load_config(). */
int define_all(const struct args *a, ct_container *c, const struct strings *defines);
/* Sets one key; returns as load_config(). NULL value: nothing to do. */
int define(const struct args *a, ct_container *c, const char *key, const char *value);

/* --share-net=WHOM and its like: rows of a table, and what sets their keys. Returns as
 * load_config(). */
struct shares {
	const char *net, *ipc, *uts, *pid;
};
/* clang-format off */
#define SHARE_ROWS(to) \
	{ 0, "share-net", "WHOM", OPT_STRING, &(to).net, \
	  "share the net namespace of a container or pid", NULL }, \
	{ 0, "share-ipc", "WHOM", OPT_STRING, &(to).ipc, "the same for ipc", NULL }, \
	{ 0, "share-uts", "WHOM", OPT_STRING, &(to).uts, "the same for uts", NULL }, \
	{ 0, "share-pid", "WHOM", OPT_STRING, &(to).pid, "the same for pid", NULL }
/* clang-format on */
int define_shares(const struct args *a, ct_container *c, const struct shares *s);

/* Prints the plan of a start as text, or as JSON with --json. Returns the exit code. */
int print_plan(const struct args *a, ct_container *c, const ct_start_opts *opts);

/* Prints the handle's last error, and returns the exit code for it: 126 or 127 when the program
 * could not be executed, else 125. */
int fail_container(const struct args *a, const ct_container *c);
/* The same for the error of ct_new() and ct_list(). */
int fail_error(const struct args *a, const ct_error *e);
/* Prints how a process ended unless it just exited, and returns the exit code for it. */
int report_exit(const struct args *a, const ct_exit *x);
/* "exited", "signalled", "time limit", ... for CT_EXIT_*. */
const char *exit_reason(int reason);
/* Writes a ct_exit as members of the open JSON object, without counters that are absent. */
void json_exit(struct json *j, const ct_exit *x);
/* Where and what state files are, as ct_list() takes it. */
ct_new_opts where_of(const struct args *a, const ct_error **error);

/* The value of a key, to be released with free(); NULL when it is not set. */
char *config_value(ct_container *c, const char *key);
/* True when the key is set or has a default. */
bool config_is_set(ct_container *c, const char *key);
/* True when the container is defined or running; else prints that there is none. */
bool is_known(const struct args *a, ct_container *c);
/* "RUNNING", ...; "unknown" for a negative errno: the supervisor does not answer. */
const char *state_text(int state);
/* True for a signal that was ignored when the tool began, and is to stay so: by nohup, or by a
 * shell for a job in the background. */
bool is_ignored(int sig);
/* Stops this process as ^Z does, also while the signal is blocked. Returns when it is continued,
 * and at once in an orphaned process group, which the kernel does not stop. */
void stop_self(void);
/* Signal by number, "TERM", "SIGTERM", "RTMIN+3"; -1 when there is none. */
int signal_number(const char *name);

#endif
