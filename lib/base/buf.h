/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A growing byte string, always NUL-terminated. Once memory has run out its error stays, so it is
 * enough to check ct_buf_error() at the end. */
#ifndef CT_BASE_BUF_H
#define CT_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct ct_buf {
	char *data; /* NULL while empty */
	size_t len, cap;
	int err; /* 0 or -ENOMEM */
};
#define CT_BUF_INIT ((struct ct_buf){ 0, 0, 0, 0 })

/* Releases the storage; the buffer is empty and usable again. */
void ct_buf_free(struct ct_buf *b);
#define CT_CLEAN_BUF __attribute__((cleanup(ct_buf_free)))
/* Append n bytes, a string, one character, formatted text. Without memory the buffer stays as it is
 * and its error is set. */
void ct_buf_add(struct ct_buf *b, const void *p, size_t n);
void ct_buf_str(struct ct_buf *b, const char *s);
void ct_buf_char(struct ct_buf *b, char c);
void ct_buf_printf(struct ct_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ct_buf_vprintf(struct ct_buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/* s as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD. */
void ct_buf_json(struct ct_buf *b, const char *s);
/* s in double quotes with \n \t \" \\ \xNN. */
void ct_buf_quoted(struct ct_buf *b, const char *s);
/* 0 or -ENOMEM. */
int ct_buf_error(const struct ct_buf *b);
/* Text ("" when empty). Belongs to the buffer. */
const char *ct_buf_text(const struct ct_buf *b);
/* Takes the storage out of the buffer, which is empty then; free(3) it. NULL: out of memory. */
char *ct_buf_take(struct ct_buf *b);
/* Reads the whole descriptor, at most max bytes (-EFBIG). 0 or a negative errno. */
int ct_buf_read_fd(struct ct_buf *b, int fd, size_t max);
/* The same for a file, relative to dirfd as in openat(2). */
int ct_buf_read_at(struct ct_buf *b, int dirfd, const char *path, size_t max);

#endif
