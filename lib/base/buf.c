/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "shared/utf8.h"

void ct_buf_free(struct ct_buf *b)
{
	free(b->data);
	*b = CT_BUF_INIT;
}

/* Makes room for n more bytes and the NUL. 0 or -ENOMEM, which stays the buffer's error. */
static int reserve(struct ct_buf *b, size_t n)
{
	size_t need, cap;
	char *p;

	if (b->err)
		return b->err;
	if (n > SIZE_MAX / 2 || b->len > SIZE_MAX / 2 - 1)
		return b->err = -ENOMEM;
	need = b->len + n + 1;
	if (need <= b->cap)
		return 0;
	cap = b->cap;
	if (!cap)
		cap = 64;
	while (cap < need)
		cap *= 2;
	p = realloc(b->data, cap);
	if (!p)
		return b->err = -ENOMEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

void ct_buf_add(struct ct_buf *b, const void *p, size_t n)
{
	if (reserve(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = 0;
}

void ct_buf_str(struct ct_buf *b, const char *s)
{
	ct_buf_add(b, s, strlen(s));
}

void ct_buf_char(struct ct_buf *b, char c)
{
	ct_buf_add(b, &c, 1);
}

void ct_buf_vprintf(struct ct_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0) {
		if (!b->err)
			b->err = -ENOMEM;
		return;
	}
	if (reserve(b, (size_t)n))
		return;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void ct_buf_printf(struct ct_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ct_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void ct_buf_json(struct ct_buf *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

	ct_buf_char(b, '"');
	while (*p) {
		const char *escape = strchr(from, *p);
		size_t n = ct_utf8_length(p, SIZE_MAX);

		if (escape) {
			ct_buf_char(b, '\\');
			ct_buf_char(b, to[escape - from]);
		} else if (!n) {
			ct_buf_str(b, "\xef\xbf\xbd");
			n = 1;
		} else if (*p < 0x20 || *p == 0x7f) {
			ct_buf_printf(b, "\\u%04x", *p);
		} else {
			ct_buf_add(b, p, n);
		}
		p += n;
	}
	ct_buf_char(b, '"');
}

void ct_buf_quoted(struct ct_buf *b, const char *s)
{
	ct_buf_char(b, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n')
			ct_buf_str(b, "\\n");
		else if (c == '\t')
			ct_buf_str(b, "\\t");
		else if (c == '"' || c == '\\')
			ct_buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			ct_buf_printf(b, "\\x%02x", c);
		else
			ct_buf_char(b, (char)c);
	}
	ct_buf_char(b, '"');
}

int ct_buf_error(const struct ct_buf *b)
{
	return b->err;
}

const char *ct_buf_text(const struct ct_buf *b)
{
	if (b->data)
		return b->data;
	return "";
}

char *ct_buf_take(struct ct_buf *b)
{
	char *p;

	if (!b->data)
		reserve(b, 0);
	if (b->err) {
		ct_buf_free(b);
		return NULL;
	}
	p = b->data;
	p[b->len] = 0;
	*b = CT_BUF_INIT;
	return p;
}

int ct_buf_read_fd(struct ct_buf *b, int fd, size_t max)
{
	size_t got = 0;

	for (;;) {
		size_t want = 4096;
		ssize_t n;

		/* one byte more than allowed tells "too big" from "just full" */
		if (max - got < want)
			want = max - got + 1;
		if (reserve(b, want))
			return b->err;
		n = read(fd, b->data + b->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b->data[b->len + (size_t)n] = 0;
		if (!n)
			return 0;
		b->len += (size_t)n;
		got += (size_t)n;
		if (got > max)
			return -EFBIG;
	}
}

int ct_buf_read_at(struct ct_buf *b, int dirfd, const char *path, size_t max)
{
	CT_CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return ct_buf_read_fd(b, fd, max);
}
