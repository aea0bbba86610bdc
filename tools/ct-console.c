/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-console: the console, or another tty, of a detached container; or what its console printed. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "out.h"
#include "terminal.h"

#define MAX_TTY 64

static struct args a;
static struct {
	const char *tty, *escape;
	bool show_log, clear_log;
} o = { .escape = "^a" };

static const struct opt opts[] = {
	{ 't', "tty", "NUMBER", OPT_STRING, &o.tty,
	  "0: the console; left out: the first free tty, else the console", NULL },
	{ 'e', "escape", "PREFIX", OPT_STRING, &o.escape,
	  "prefix that ends it together with q (^a); -1: none", NULL },
	{ 0, "show-log", NULL, OPT_FLAG, &o.show_log, "print the console's ring buffer and leave",
	  NULL },
	{ 0, "clear-log", NULL, OPT_FLAG, &o.clear_log, "empty the ring buffer (after --show-log)",
	  NULL },
};
static const struct tool tool = {
	"ct-console",
	"NAME [-t NUMBER] [-e PREFIX]",
	"Connects this terminal to a tty of a running container.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_NO_RCFILE,
};

struct console {
	ct_container *c;
	unsigned tty;
};

static int resize(struct session *s, unsigned rows, unsigned cols)
{
	struct console *con = s->data;

	return ct_console_resize(con->c, con->tty, rows, cols);
}

/* "^a", "a" or "-1" as a control character; 0: none; -1: none of these. */
static int parse_escape(const char *text)
{
	if (!strcmp(text, "-1"))
		return 0;
	if (*text == '^')
		text++;
	if (!isalpha((unsigned char)text[0]) || text[1])
		return -1;
	return toupper((unsigned char)text[0]) - '@';
}

/* Opens the tty of -t, or the first free one. Returns the descriptor or a negative errno. */
static int open_console(struct console *con)
{
	unsigned long n;
	int fd;

	if (o.tty) {
		if (number(o.tty, UINT_MAX - 1, &n))
			return -EINVAL;
		con->tty = (unsigned)n;
		return ct_console_open(con->c, con->tty);
	}
	for (con->tty = 1; con->tty <= MAX_TTY; con->tty++) {
		fd = ct_console_open(con->c, con->tty);
		if (fd >= 0 || (fd != -EBUSY && fd != -ENOTTY))
			return fd;
		if (fd == -ENOTTY)
			break;
	}
	if (con->tty > 1) /* all of them are taken */
		return -EBUSY;
	con->tty = 0;
	return ct_console_open(con->c, 0);
}

static int connect_terminal(ct_container *c, int escape)
{
	struct console con = { c, 0 };
	struct session s = { .pty = true, .escape = escape, .resize = resize, .data = &con };
	int fd = open_console(&con), err;

	if (fd == -EINVAL)
		return fail(&a, "-t %s: not the number of a tty", o.tty);
	if (fd < 0)
		return fail_container(&a, c);
	if (escape && !a.quiet)
		fprintf(stderr,
			"Connected to tty %u. Type <Ctrl+%c q> to leave, <Ctrl+%c Ctrl+%c> "
			"to send Ctrl+%c itself.\n",
			con.tty, tolower(escape + '@'), tolower(escape + '@'),
			tolower(escape + '@'), tolower(escape + '@'));
	err = session_begin(&s);
	if (err >= 0)
		err = session_console(&s, fd);
	session_end(&s);
	close(fd);
	if (!a.quiet)
		fputc('\n', stderr);
	if (err < 0)
		return fail(&a, "the terminal cannot be used: %s", strerror(-err));
	return 0;
}

static int print_log(ct_container *c)
{
	CLEAN_TEXT char *text = NULL;
	unsigned flags = 0;
	size_t len;

	if (o.clear_log)
		flags |= CT_CONSOLE_LOG_CLEAR;
	if (ct_console_log(c, flags, &text, &len) < 0)
		return fail_container(&a, c);
	if (o.show_log)
		out_as_it_is(text, len);
	return out_flush(&a);
}

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	int err, escape;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	escape = parse_escape(o.escape);
	if (escape < 0)
		return fail(&a, "-e %s: expected a letter, ^ and a letter, or -1", o.escape);
	err = open_container(&a, &c);
	if (err || !is_known(&a, c))
		return exit_code(err);
	if (o.show_log || o.clear_log)
		return print_log(c);
	return connect_terminal(c, escape);
}
