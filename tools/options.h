/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines of the tools: one row per option; parsing and the usage text both come
 * from the rows. */
#ifndef CT_TOOLS_OPTIONS_H
#define CT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of our own; a payload's code is passed on, a signal is 128 + its number. */
enum { EXIT_OWN = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* Strings of a repeated option, borrowed from argv. */
struct strings {
	const char **v;
	size_t n;
};

enum opt_kind {
	OPT_FLAG,    /* bool *: becomes true */
	OPT_STRING,  /* const char **: the argument; "" when an optional one is missing */
	OPT_PATH,    /* const char **: the argument, made absolute */
	OPT_LIST,    /* struct strings *: the argument is added */
	OPT_NUMBER,  /* unsigned *: decimal */
	OPT_CALL,    /* call(row, argument): 0, or an exit code after an error message */
	OPT_IGNORED, /* accepted for LXC's sake: it is always so, or means nothing here */
	OPT_REFUSED, /* an option of LXC's tool that cannot be honoured; help is why */
};

struct opt {
	char letter;	  /* 0: none */
	const char *name; /* long name, never NULL */
	const char *arg;  /* NULL: takes none; "[WHAT]": optional */
	enum opt_kind kind;
	void *to;
	const char *help;
	int (*call)(const struct opt *row, const char *value);
};

#define TOOL_NAME 0x1u		/* takes a container's name, by -n or as first word */
#define TOOL_NAME_OPTIONAL 0x2u /* as TOOL_NAME, but it may be missing */
#define TOOL_COMMAND 0x4u	/* what follows the name is a command line */
#define TOOL_WORDS 0x8u		/* takes other words */
#define TOOL_JSON 0x10u		/* has --json */
#define TOOL_NO_RCFILE 0x20u	/* has no --rcfile, or a row of its own for it */
#define TOOL_NO_NAME_WORD 0x40u /* the name is only taken from -n */

struct tool {
	const char *name;  /* "ct-start" */
	const char *usage; /* what follows the name in the usage line */
	const char *what;  /* one sentence for --help */
	const struct opt *opts;
	size_t n_opts;
	unsigned flags;
};

/* What every tool takes, and the words that are no options. */
struct args {
	const struct tool *tool;
	const char *name; /* NULL: none */
	const char *dir;  /* -P, NULL: the default */
	const char *state_dir;
	const char *logfile;
	const char *loglevel;
	const char *rcfile;
	bool quiet, json;
	char **rest; /* n_rest words, then NULL */
	int n_rest;
};

/* Parses the command line into *a. Returns -1 to go on, or the exit code to end with (after --help,
 * or after an error message). a->rest is to be released with args_free(). */
int args_parse(struct args *a, const struct tool *tool, int argc, char **argv);
/* Releases what args_parse() took. */
void args_free(struct args *a);
#define CLEAN_ARGS __attribute__((cleanup(args_free)))
/* Releases a list (its strings are borrowed). */
void strings_free(struct strings *s);
#define CLEAN_STRINGS __attribute__((cleanup(strings_free)))
/* Adds a borrowed string. 0, or -ENOMEM. */
int strings_add(struct strings *s, const char *text);

/* The absolute path; itself if it is absolute, empty, or begins with a word and a colon
 * ("dir:/srv/x"). It is never freed. NULL: out of memory, or the working directory was removed. */
const char *absolute(const char *path);

/* Prints "tool: name: text" on standard error (not with -q) and returns EXIT_OWN. */
int fail(const struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same before, or without, a parsed command line. */
int fail_tool(const char *tool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Reads a decimal number up to max, nothing before or after it. 0, -EINVAL or -ERANGE; *out
 * untouched on failure. */
int number(const char *text, unsigned long max, unsigned long *out);

#endif
