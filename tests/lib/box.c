/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"

#define BOX_TIMEOUT_MS PATIENCE_MS

int box_open(struct box *b, const char *name)
{
	int err;

	memset(b, 0, sizeof(*b));
	err = rootfs_make(&b->root);
	if (err)
		return err;
	snprintf(b->dir, sizeof(b->dir), "%s/containers", b->root.base);
	snprintf(b->state, sizeof(b->state), "%s/state", b->root.base);
	if (mkdir(b->dir, 0755) || mkdir(b->state, 0700))
		return -errno;
	b->where = (ct_new_opts)CT_NEW_OPTS_INIT;
	b->where.dir = b->dir;
	b->where.state_dir = b->state;
	b->c = box_handle(b, name);
	return b->c ? 0 : -EINVAL;
}

int box_open_bare(struct box *b)
{
	int r = leak_own_mounts();

	if (r == 0)
		r = box_open(b, NULL);
	b->c = r == 0 ? ct_unref(b->c) : NULL;
	return r;
}

ct_container *box_handle(const struct box *b, const char *name)
{
	ct_new_opts where = b->where;
	const ct_error *why = NULL;
	ct_container *c = NULL;
	int err;

	where.error = &why;
	err = ct_new(&c, name, &where);
	if (err) {
		fprintf(stderr, "ct_new(%s): %d %s\n", name ? name : "NULL", err,
			why ? why->message : "");
		return NULL;
	}
	if (box_config(c, "rootfs.path", b->root.path, NULL))
		return ct_unref(c);
	return c;
}

void box_close(struct box *b)
{
	if (b->c && ct_name(b->c)[0] && ct_state(b->c) != CT_STATE_STOPPED)
		ct_stop(b->c, CT_STOP_KILL, PATIENCE_MS);
	b->c = ct_unref(b->c);
	rootfs_remove(&b->root);
}

int box_config(ct_container *c, ...)
{
	const char *key, *value;
	va_list ap;
	int err = 0;

	va_start(ap, c);
	while (!err && (key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		err = ct_set_config(c, key, value);
		if (err)
			fprintf(stderr, "%s = %s: %s\n", key, value, ct_last_error(c)->message);
	}
	va_end(ap);
	return err;
}

void box_word(struct box *b, const char *prefix)
{
	snprintf(b->word, sizeof(b->word), "%.16s%d.", prefix, (int)getpid());
	snprintf(b->pattern, sizeof(b->pattern), "ct.%s%%n", b->word);
}

int box_start(ct_container *c, uint64_t flags, const char *const argv[], ct_process **p)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.flags = flags;
	o.argv = argv;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	return ct_start(c, &o, p);
}

int box_detach(ct_container *c, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.flags = CT_START_DETACH;
	o.argv = argv;
	return ct_start(c, &o, NULL);
}

int box_enter(ct_container *c, const char *const argv[], ct_process **p)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;

	o.argv = argv;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	return ct_attach(c, &o, p);
}

/* Reads what comes out of the pipe, waits for the process and lets it go. */
static int collect(ct_process *p, int fd, char **out, ct_exit *ex)
{
	ct_exit verdict = CT_EXIT_INIT;
	char *text = read_all(fd, BOX_TIMEOUT_MS);
	int err;

	if (!text)
		ct_process_kill(p, 9);
	err = ct_process_wait(p, &verdict, BOX_TIMEOUT_MS);
	if (ex)
		*ex = verdict;
	if (out)
		*out = text;
	else
		free(text);
	ct_process_unref(p);
	if (err)
		return err;
	return text ? 0 : -ETIMEDOUT;
}

/* A pipe for what the program writes: *out, and the end for reading, or a negative errno. Neither
 * is 0-2, which mean something else in stdio[]. */
static int open_pipe(int stdio[3], int *out)
{
	int low[2], fd[2];

	if (pipe2(low, O_CLOEXEC))
		return -errno;
	for (int i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		close(low[i]);
	}
	if (!stdio[0])
		stdio[0] = -1;
	stdio[1] = stdio[2] = *out = fd[1];
	return fd[0] < 0 || fd[1] < 0 ? -EMFILE : fd[0];
}

/* Closes the pipe, once all is read when the call that was given it succeeded. */
static int close_pipe(int in, int out, int err, ct_process *p, char **text, ct_exit *ex)
{
	close(out);
	if (!err)
		err = collect(p, in, text, ex);
	close(in);
	return err;
}

int box_run(ct_container *c, const ct_start_opts *opts, const char *const argv[], char **out,
	    ct_exit *ex)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	int in, theirs, err;

	if (opts)
		o = *opts;
	o.argv = argv;
	in = open_pipe(o.stdio, &theirs);
	if (in < 0)
		return in;
	err = ct_start(c, &o, &p);
	return close_pipe(in, theirs, err, p, out, ex);
}

int box_attach(ct_container *c, const ct_attach_opts *opts, const char *const argv[], char **out,
	       ct_exit *ex)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;
	int in, theirs, err;

	if (opts)
		o = *opts;
	o.argv = argv;
	in = open_pipe(o.stdio, &theirs);
	if (in < 0)
		return in;
	err = ct_attach(c, &o, &p);
	return close_pipe(in, theirs, err, p, out, ex);
}

const char *probe_get(const char *report, const char *key, char *buf, size_t size)
{
	char start[128];
	const char *line, *end;

	buf[0] = 0;
	snprintf(start, sizeof(start), "{\"%s\": ", key);
	for (line = report; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!strncmp(line, start, strlen(start))) {
			line += strlen(start);
			snprintf(buf, size, "%.*s", (int)(end - line - 1), line);
			break;
		}
	}
	return buf;
}

int box_boots(const struct box *b)
{
	char path[2 * PATH_MAX], text[256];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/var/log/boots", b->root.path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	return n < 0 ? 0 : (int)n / 2;
}

int probe_expect(const char *report, const char *who, const char *how, const char *key,
		 const char *want)
{
	char got[256];

	if (!strcmp(probe_get(report, key, got, sizeof(got)), want))
		return 0;
	printf("# %s, %s: %s is %s, not %s\n", who, how, key, got, want);
	return 1;
}

int box_failed(ct_container *c, const char *what)
{
	printf("# %s: %s\n", what, ct_last_error(c)->message);
	return 1;
}

int box_attach_probe(ct_container *c, char **out)
{
	ct_process *init = NULL;
	int r;

	if (box_start(c, 0, ARGV("/bin/sleep", "1000"), &init) < 0)
		return box_failed(c, "start");
	r = box_attach(c, NULL, ARGV("/bin/probe"), out, NULL);
	if (r < 0)
		box_failed(c, "attach");
	ct_process_unref(init);
	return r < 0;
}
