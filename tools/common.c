/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void tool_begin(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_OWN);
	if (out_begin() < 0)
		_exit(EXIT_OWN);
}

/* ---- log ------------------------------------------------------------------------------------- */

static const char *const log_names[] = {
	NULL, "ERROR", "WARN", "NOTICE", "INFO", "DEBUG", "TRACE"
};

/* LXC's names and numbers (0 TRACE .. 8 FATAL) as CT_LOG_*; -1 when it is none of them. */
static int log_level(const char *text)
{
	static const int by_number[] = { CT_LOG_TRACE,	CT_LOG_DEBUG, CT_LOG_INFO,
					 CT_LOG_NOTICE, CT_LOG_WARN,  CT_LOG_ERROR,
					 CT_LOG_ERROR,	CT_LOG_ERROR, CT_LOG_ERROR };
	static const char *const severe[] = { "CRIT", "ALERT", "FATAL" };
	unsigned long n;

	if (!number(text, 8, &n))
		return by_number[n];
	for (int i = CT_LOG_ERROR; i <= CT_LOG_TRACE; i++)
		if (!strcasecmp(text, log_names[i]))
			return i;
	for (int i = 0; i < 3; i++)
		if (!strcasecmp(text, severe[i]))
			return CT_LOG_ERROR;
	return -1;
}

static void write_log(void *data, int level, const char *line)
{
	FILE *out = data;
	const char *name = "?";

	if (level >= CT_LOG_ERROR && level <= CT_LOG_TRACE)
		name = log_names[level];
	fprintf(out, "%-6s %s\n", name, line);
	fflush(out);
}

/* Sends the log of c to a file (NULL: standard error). The stream stays open until the
 * tool ends. */
static int start_log(const struct args *a, ct_container *c, const char *file, const char *level)
{
	int n = CT_LOG_INFO;
	FILE *out = stderr;

	if (level)
		n = log_level(level);
	if (n < 0)
		return fail(a,
			    "--logpriority %s: no such level; there are ERROR, WARN, NOTICE, "
			    "INFO, DEBUG, TRACE",
			    level);
	if (file)
		out = fopen(file, "ae");
	if (!out)
		return fail(a, "cannot write the log %s: %s", file, strerror(errno));
	if (ct_set_log(c, n, write_log, out) < 0)
		return fail_container(a, c);
	return 0;
}

/* ---- handles --------------------------------------------------------------------------------- */

ct_new_opts where_of(const struct args *a, const ct_error **error)
{
	ct_new_opts o = CT_NEW_OPTS_INIT;

	o.dir = a->dir;
	o.state_dir = a->state_dir;
	o.error = error;
	return o;
}

int open_container(const struct args *a, ct_container **out)
{
	const ct_error *e = NULL;
	ct_new_opts where = where_of(a, &e);
	ct_container *c;
	int err;

	if (ct_new(&c, a->name, &where) < 0)
		return fail_error(a, e);
	if (a->logfile || a->loglevel) {
		err = start_log(a, c, a->logfile, a->loglevel);
		if (err) {
			ct_unref(c);
			return err;
		}
	}
	*out = c;
	return 0;
}

int define(const struct args *a, ct_container *c, const char *key, const char *value)
{
	if (value && ct_set_config(c, key, value) < 0)
		return fail_container(a, c);
	return 0;
}

int define_all(const struct args *a, ct_container *c, const struct strings *defines)
{
	for (size_t i = 0; defines && i < defines->n; i++) {
		const char *text = defines->v[i], *value;
		size_t n = strcspn(text, "=");
		char key[256];
		int err;

		if (!n || n >= sizeof(key) || !text[n])
			return fail(a, "-s %s: expected KEY=VALUE", text);
		value = text + n + 1;
		memcpy(key, text, n);
		while (n && key[n - 1] == ' ')
			n--;
		key[n] = '\0';
		err = define(a, c, key, value + strspn(value, " "));
		if (err)
			return err;
	}
	return 0;
}

int define_shares(const struct args *a, ct_container *c, const struct shares *s)
{
	int err = define(a, c, "namespace.share.net", s->net);

	if (!err)
		err = define(a, c, "namespace.share.ipc", s->ipc);
	if (!err)
		err = define(a, c, "namespace.share.uts", s->uts);
	if (err)
		return err;
	return define(a, c, "namespace.share.pid", s->pid);
}

int print_plan(const struct args *a, ct_container *c, const ct_start_opts *opts)
{
	CLEAN_TEXT char *text = NULL;

	if (ct_dump_plan(c, opts, format_of(a), &text) < 0)
		return fail_container(a, c);
	fputs(text, stdout);
	if (*text && text[strlen(text) - 1] != '\n')
		putchar('\n');
	return out_flush(a);
}

bool is_empty_config(const char *file)
{
	return file && !strcmp(file, "/dev/null");
}

int load_config(const struct args *a, ct_container *c, const struct strings *defines, bool optional)
{
	int err = 0;

	if (!is_empty_config(a->rcfile))
		err = ct_load_config(c, a->rcfile);
	if (err < 0 && !(optional && !a->rcfile && ct_last_error(c)->id == CT_ERR_NOT_DEFINED))
		return fail_container(a, c);
	return define_all(a, c, defines);
}

char *config_value(ct_container *c, const char *key)
{
	ssize_t n = ct_get_config(c, key, NULL, 0);
	char *buf;

	if (n <= 0)
		return NULL;
	buf = malloc((size_t)n + 1);
	if (buf && ct_get_config(c, key, buf, (size_t)n + 1) == n)
		return buf;
	free(buf);
	return NULL;
}

bool config_is_set(ct_container *c, const char *key)
{
	return ct_get_config(c, key, NULL, 0) > 0;
}

bool is_known(const struct args *a, ct_container *c)
{
	char path[4096];
	int state = ct_state(c);

	if (state < 0) {
		fail_container(a, c);
		return false;
	}
	if (state != CT_STATE_STOPPED)
		return true;
	if ((size_t)snprintf(path, sizeof(path), "%s/config", ct_path(c)) < sizeof(path) &&
	    !access(path, F_OK))
		return true;
	fail(a, "no such container is defined in %.*s and none runs",
	     (int)(strlen(ct_path(c)) - strlen(ct_name(c))), ct_path(c));
	return false;
}

/* ---- errors and ends ------------------------------------------------------------------------- */

/* Prints further faults of the same call, one a line. */
static void print_more(const struct args *a, const char *more)
{
	while (*more) {
		int n = (int)strcspn(more, "\n");

		fail(a, "%.*s", n, more);
		more += n;
		more += *more == '\n';
	}
}

int fail_error(const struct args *a, const ct_error *e)
{
	const char *text = "the library gave no reason";
	size_t n = 0;

	if (e && *e->message)
		text = e->message;
	if (a->name)
		n = strlen(a->name);
	if (n && *text == '"' && !strncmp(text + 1, a->name, n) &&
	    !strncmp(text + 1 + n, "\": ", 3))
		text += n + 4; /* the line begins with the name anyhow */
	fail(a, "%s", text);
	if (e)
		print_more(a, e->more);
	if (!e || e->id != CT_ERR_EXEC)
		return EXIT_OWN;
	if (e->err == -ENOENT)
		return EXIT_NOT_FOUND;
	return EXIT_NOT_EXECUTABLE;
}

int fail_container(const struct args *a, const ct_container *c)
{
	return fail_error(a, ct_last_error(c));
}

static const char *const reasons[] = {
	[CT_EXIT_NONE] = "running",	   [CT_EXIT_EXITED] = "exited",
	[CT_EXIT_SIGNALED] = "signalled",  [CT_EXIT_TIME] = "time limit",
	[CT_EXIT_OUTPUT] = "output limit", [CT_EXIT_STOPPED] = "stopped",
	[CT_EXIT_REBOOT] = "reboot",	   [CT_EXIT_HALT] = "halt",
	[CT_EXIT_LOST] = "lost",	   [CT_EXIT_MEMORY] = "memory",
	[CT_EXIT_PIDS] = "pids",	   [CT_EXIT_CPUTIME] = "cputime",
	[CT_EXIT_FILTER] = "filter",
};

const char *exit_reason(int reason)
{
	if (reason >= 0 && (size_t)reason < sizeof(reasons) / sizeof(*reasons))
		return reasons[reason];
	return "?";
}

/* Prints that output within limit.output was lost, but not if its reader has gone (-EPIPE). Returns
 * the exit code. */
static int report_lost(const struct args *a, const ct_exit *x, int code)
{
	const char *why = strerror(-x->output_error);

	if (!x->output_error || x->output_error == -EPIPE)
		return code;
	if (x->output_error == -ECHILD)
		why = "the process that counts it was killed";
	fail(a, "%llu bytes of its output are lost: %s", (unsigned long long)x->output_lost, why);
	if (!code)
		return EXIT_OWN;
	return code;
}

/* The code after a limit, which ends a process by SIGKILL; also if the process has ended by itself
 * before, by SIGPIPE for instance. */
#define EXIT_LIMIT (128 + SIGKILL)

int report_exit(const struct args *a, const ct_exit *x)
{
	switch (x->reason) {
	case CT_EXIT_EXITED:
		return report_lost(a, x, x->code);
	case CT_EXIT_HALT:
	case CT_EXIT_REBOOT:
		return report_lost(a, x, 0);
	case CT_EXIT_TIME:
		fail(a, "ended after %.2f s: the time limit (limit.time) was up",
		     (double)x->wall_us / 1e6);
		return EXIT_LIMIT;
	case CT_EXIT_OUTPUT:
		fail(a, "ended: it wrote more than limit.output allows");
		return EXIT_LIMIT;
	case CT_EXIT_CPUTIME:
		fail(a, "ended: it used more CPU time than limit.cputime allows");
		return EXIT_LIMIT;
	case CT_EXIT_MEMORY:
		fail(a, "a process of it was killed: limit.memory was reached");
		return x->code; /* the first process may have gone on, and ended well */
	case CT_EXIT_PIDS:
		fail(a, "a process of it was refused: limit.pids was reached");
		return x->code;
	case CT_EXIT_FILTER:
		if (x->filter_call[0])
			fail(a, "killed: its filter (seccomp.profile) forbids the system call %s",
			     x->filter_call);
		else
			fail(a, "killed: it made a system call that its filter (seccomp.profile) "
				"forbids; the kernel's log (dmesg, \"type=1326\") may tell which");
		return x->code;
	case CT_EXIT_STOPPED:
	case CT_EXIT_SIGNALED:
		if (x->signal)
			fail(a, "%s signal %d (%s)%s",
			     x->reason == CT_EXIT_STOPPED ? "stopped by" : "killed by", x->signal,
			     strsignal(x->signal), x->core ? ", core dumped" : "");
		return x->code;
	default:
		return fail(a, "how it ended is not known: its status was taken by someone else");
	}
}

static void json_present(struct json *j, const char *key, uint64_t value)
{
	if (value != CT_ABSENT)
		json_number(j, key, (int64_t)value);
}

void json_exit(struct json *j, const ct_exit *x)
{
	json_string(j, "reason", exit_reason(x->reason));
	json_number(j, "code", x->code);
	json_number(j, "signal", x->signal);
	json_bool(j, "core", x->core);
	json_number(j, "wall_us", (int64_t)x->wall_us);
	json_number(j, "user_us", (int64_t)x->user_us);
	json_number(j, "system_us", (int64_t)x->system_us);
	json_number(j, "max_rss", (int64_t)x->max_rss);
	json_present(j, "cpu_us", x->cpu_us);
	json_present(j, "memory_peak", x->memory_peak);
	json_present(j, "io_read", x->io_read);
	json_present(j, "io_written", x->io_written);
	json_present(j, "pids_peak", x->pids_peak);
	json_present(j, "oom_kills", x->oom_kills);
	json_present(j, "pids_refused", x->pids_refused);
	if (x->filter_call[0])
		json_string(j, "filter_call", x->filter_call);
	if (x->output_error) {
		json_number(j, "output_error", x->output_error);
		json_number(j, "output_lost", (int64_t)x->output_lost);
	}
}

const char *state_text(int state)
{
	if (state < 0)
		return "unknown";
	return ct_state_name(state);
}

bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && !(sa.sa_flags & SA_SIGINFO) &&
	       sa.sa_handler == SIG_IGN;
}

int signal_number(const char *name)
{
	unsigned long n;

	if (!number(name, (unsigned long)SIGRTMAX, &n))
		return (int)n;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *abbrev = sigabbrev_np(i);

		if (abbrev && !strcasecmp(name, abbrev))
			return i;
	}
	if (!strcasecmp(name, "RTMIN"))
		return SIGRTMIN;
	if (!strcasecmp(name, "RTMAX"))
		return SIGRTMAX;
	if (!strncasecmp(name, "RTMIN+", 6) &&
	    !number(name + 6, (unsigned long)(SIGRTMAX - SIGRTMIN), &n))
		return SIGRTMIN + (int)n;
	if (!strncasecmp(name, "RTMAX-", 6) &&
	    !number(name + 6, (unsigned long)(SIGRTMAX - SIGRTMIN), &n))
		return SIGRTMAX - (int)n;
	return -1;
}

void stop_self(void)
{
	sigset_t tstp, before;

	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &tstp, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
