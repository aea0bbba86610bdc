/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/origin.h"

/* A text that is being written. What does not fit is left out, and finish() ends the text in
 * "...". */
struct out {
	char *buf;
	size_t len, size;
	int cut;
};

static void put(struct out *o, const char *s, size_t n)
{
	if (o->cut)
		return;
	if (n >= o->size - o->len) {
		o->cut = 1;
		n = o->size - o->len - 1;
	}
	memcpy(o->buf + o->len, s, n);
	o->len += n;
}

static void puts_clean(struct out *o, const char *s)
{
	/* file names and texts of the kernel may hold anything; control characters are escaped, so
	 * that a message is one line and does not move a terminal's cursor */
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		int c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
		char hex[8];

		if (*p >= 0x20 && *p != 0x7f && !c1) {
			put(o, (const char *)p, 1);
			continue;
		}
		put(o, hex, (size_t)snprintf(hex, sizeof(hex), "\\x%02x", *p));
		if (c1)
			p++, put(o, hex, (size_t)snprintf(hex, sizeof(hex), "\\x%02x", *p));
	}
}

/* Ends the text; one that was cut ends in "..." and not within a UTF-8 character. */
static void finish(struct out *o)
{
	size_t n = o->len;

	if (o->cut && o->size > 8) {
		n = o->size - 4;
		while (n && ((unsigned char)o->buf[n] & 0xc0) == 0x80)
			n--;
		memcpy(o->buf + n, "...", 3);
		n += 3;
	}
	o->buf[n] = 0;
}

/* Copies into a field of the record, as far as it fits. */
static void keep(char *field, size_t size, const char *s)
{
	struct out o = { field, 0, size, 0 };

	put(&o, s, strlen(s));
	finish(&o);
}
#define KEEP(field, s) keep(field, sizeof(field), s)

/* KEY (FILE:LINE): */
static void put_origin(struct out *o, const struct ct_err *e)
{
	bool both = *e->key && *e->file;
	char line[16] = "";

	if (*e->file && e->line > 0)
		snprintf(line, sizeof(line), ":%d", e->line);
	puts_clean(o, e->key);
	if (both)
		puts_clean(o, " (");
	puts_clean(o, e->file);
	puts_clean(o, line);
	if (both)
		puts_clean(o, ")");
	if (*e->key || *e->file)
		puts_clean(o, ": ");
}

/* Makes the message of the parts; error.h describes its form. */
static void build(struct ct_err *e)
{
	struct out o = { e->message, 0, sizeof(e->message), 0 };
	const char *step = e->step_name;

	if (!*step)
		step = e->syscall_name;
	put_origin(&o, e);
	puts_clean(&o, step);
	if (*step && *e->object)
		puts_clean(&o, " ");
	if (*e->object) {
		puts_clean(&o, "\"");
		puts_clean(&o, e->object);
		puts_clean(&o, "\"");
	}
	if (*step || *e->object)
		puts_clean(&o, ": ");
	puts_clean(&o, e->reason);
	if (e->err < 0 && *e->syscall_name && *e->reason)
		puts_clean(&o, ": ");
	if (e->err < 0 && (*e->syscall_name || !*e->reason))
		puts_clean(&o, ct_errno_text(-e->err));
	if (*e->kernel) {
		puts_clean(&o, " (");
		puts_clean(&o, e->kernel);
		puts_clean(&o, ")");
	}
	if (*e->hint) {
		if (!o.len || o.buf[o.len - 1] != '.')
			puts_clean(&o, ".");
		puts_clean(&o, " Hint: ");
		puts_clean(&o, e->hint);
	}
	finish(&o);
}

/* Called when a part of the record has changed: one that holds a failure has a message. */
static void rebuild(struct ct_err *e)
{
	if (e->err)
		build(e);
}

void ct_err_clear(struct ct_err *e)
{
	if (!e)
		return;
	*e = (struct ct_err){ .step = -1 };
}

void ct_err_reset(struct ct_err *e)
{
	if (e)
		*e = (struct ct_err){ .step = -1, .all = e->all };
}

/* Whether a fault of the same line, or with the same text, has been collected: several checks may
 * meet one mistake. */
static bool is_collected(const struct ct_faults *all, const struct ct_err *e)
{
	char head[512];
	struct out o = { head, 0, sizeof(head), 0 };
	const char *text = e->message;

	if (e->line > 0) {
		put_origin(&o, e);
		finish(&o);
		text = head;
	}
	for (const char *p = ct_buf_text(&all->text); *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, text, strlen(text)))
			return true;
	return false;
}

/* Whether the fault names a key whose value was taken out, and may only follow from that. */
static bool is_derived(const struct ct_faults *all, const struct ct_err *e)
{
	char key[sizeof(e->key)];
	size_t n;

	for (const char *p = ct_buf_text(&all->keys); all->derived && *p; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		snprintf(key, sizeof(key), "%.*s", (int)n, p);
		if (!strcmp(e->key, key) || strstr(e->reason, key) || strstr(e->hint, key))
			return true;
	}
	return false;
}

bool ct_err_next(struct ct_err *e)
{
	struct ct_faults *all;

	if (!e || !e->all || !e->err || e->err == -ENOMEM)
		return false;
	all = e->all;
	if (!is_collected(all, e) && !is_derived(all, e)) {
		if (!all->n)
			all->first = *e;
		if (all->n++ < CT_FAULTS_MAX)
			ct_buf_printf(&all->text, "%s\n", e->message);
		if (!all->derived && *e->key)
			ct_buf_printf(&all->keys, "%s\n", e->key);
	}
	ct_err_reset(e);
	return true;
}

int ct_err_go_on(struct ct_err *e, int r)
{
	if (r < 0 && ct_err_next(e))
		return 0;
	return r;
}

void ct_faults_free(struct ct_faults *all)
{
	ct_buf_free(&all->text);
	ct_buf_free(&all->keys);
}

int ct_err_collected(struct ct_err *e)
{
	if (!e || !e->all || !e->all->n)
		return 0;
	*e = e->all->first; /* its `all` is the same */
	return e->err;
}

const char *ct_err_more(const struct ct_err *e)
{
	const char *first;

	if (!e->all)
		return "";
	first = strchr(ct_buf_text(&e->all->text), '\n');
	if (!first)
		return "";
	return first + 1;
}

/* The hint for a limit of the caller's own. It replaces the hint of the place that met the limit;
 * NULL: none does. */
static const char *limit_hint(int err)
{
	static const struct {
		int err;
		const char *hint;
	} rows[] = {
		{ -EMFILE, "raise the caller's limit of open files (RLIMIT_NOFILE, ulimit -n), or "
			   "close some" },
		{ -ENFILE,
		  "the host has no more open files to give: see fs.file-max, and who holds them" },
		{ -EFBIG, "raise the caller's limit of file sizes (RLIMIT_FSIZE, ulimit -f)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].err == err)
			return rows[i].hint;
	return NULL;
}

__attribute__((format(printf, 5, 0))) static int
record(struct ct_err *e, int err, int id, const char *where, const char *fmt, va_list ap)
{
	struct out o;
	int n;

	e->err = err;
	e->id = id;
	KEEP(e->where, where);
	/* EFBIG without a system call is a limit of this library, not RLIMIT_FSIZE */
	if (limit_hint(err) && *e->syscall_name)
		KEEP(e->hint, limit_hint(err));
	n = vsnprintf(e->reason, sizeof(e->reason), fmt, ap);
	if (n >= (int)sizeof(e->reason)) {
		o = (struct out){ e->reason, sizeof(e->reason) - 1, sizeof(e->reason), 1 };
		finish(&o);
	}
	build(e);
	return err;
}

int ct_fail(struct ct_err *e, int err, int id, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->err)
		return err;
	va_start(ap, fmt);
	record(e, err, id, where, fmt, ap);
	va_end(ap);
	return err;
}

int ct_fail_sys(struct ct_err *e, int err, int id, const char *where, const char *call,
		const char *fmt, ...)
{
	va_list ap;

	if (!e || e->err)
		return err;
	KEEP(e->syscall_name, call);
	va_start(ap, fmt);
	record(e, err, id, where, fmt, ap);
	va_end(ap);
	return err;
}

void ct_err_origin(struct ct_err *e, const struct ct_origin *at)
{
	if (!e || !at)
		return;
	if (at->key)
		KEEP(e->key, at->key);
	*e->file = '\0';
	if (at->file)
		KEEP(e->file, at->file);
	e->line = at->line;
	rebuild(e);
}

void ct_err_object(struct ct_err *e, const char *object)
{
	if (!e || !object)
		return;
	KEEP(e->object, object);
	rebuild(e);
}

void ct_err_syscall(struct ct_err *e, const char *name)
{
	if (!e || !name)
		return;
	KEEP(e->syscall_name, name);
	rebuild(e);
}

void ct_err_step(struct ct_err *e, int step, const char *name)
{
	if (!e || !name)
		return;
	e->step = step;
	KEEP(e->step_name, name);
	rebuild(e);
}

/* The message does not have it. The first one that is set stays: it is nearest to the failure. */
void ct_err_backend(struct ct_err *e, const char *name)
{
	if (e && name && !*e->backend)
		KEEP(e->backend, name);
}

void ct_err_kernel(struct ct_err *e, const char *text)
{
	if (!e || !text)
		return;
	KEEP(e->kernel, text);
	rebuild(e);
}

void ct_err_hint(struct ct_err *e, const char *fmt, ...)
{
	char hint[sizeof(e->hint) + 4];
	va_list ap;

	if (!e || !fmt || (*e->syscall_name && limit_hint(e->err)))
		return;
	va_start(ap, fmt);
	vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	KEEP(e->hint, hint);
	rebuild(e);
}

int ct_oom(struct ct_err *e)
{
	return ct_fail(e, -ENOMEM, CT_ERR_MEMORY, "memory", "out of memory");
}
