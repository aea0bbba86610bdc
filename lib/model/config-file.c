/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Config files and what they include. */
#include "model/document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "model/type.h"

#define FILE_MAX (1u << 20)   /* bytes in one file */
#define FILES_MAX 1024	      /* files in one load */
#define TOTAL_MAX (16u << 20) /* bytes in all of them */
#define DEPTH_MAX 16
#define BLANKS " \t\r\v\f"

/* One load: the file that is being read, and what was read so far. */
struct reader {
	struct ct_config *c;
	struct ct_err *e;
	const char *file; /* the config's copy of its name */
	int line;
	int depth;
	int files;
	size_t bytes;
};

static int read_include(struct reader *r, struct ct_item **place);

/* Records a failure in the line that is being read. */
static int line_fail(struct reader *r, int err, int id, const char *reason)
{
	struct ct_origin at = { NULL, r->file, r->line };

	ct_err_origin(r->e, &at);
	return ct_fail(r->e, err, id, "config", "%s", reason);
}

/* Records that a system call on a file failed, or that it passes a limit. */
static int file_fail(struct reader *r, int err, const char *call, const char *path,
		     const char *reason)
{
	struct ct_origin at = { "include", r->file, r->line };

	if (err == -ENOMEM)
		return ct_oom(r->e);
	if (r->file)
		ct_err_origin(r->e, &at);
	ct_err_object(r->e, path);
	ct_err_syscall(r->e, call);
	return ct_fail(r->e, err, CT_ERR_CONFIG_FILE, "config", "%s", reason);
}

/* Cuts off blanks around a text, in place. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	s[n] = 0;
	return s;
}

/* Cuts off one pair of quotes around the whole value, in place. */
static char *unquote(char *s)
{
	size_t n = strlen(s);

	if (n > 1 && (*s == '"' || *s == '\'') && s[n - 1] == *s) {
		s[n - 1] = 0;
		s++;
	}
	return s;
}

/* Where an include is read from: a relative one is relative to the file that has it. */
static void include_path(const struct reader *r, const char *value, struct ct_buf *out)
{
	const char *slash = NULL;

	if (*value != '/' && r->file)
		slash = strrchr(r->file, '/');
	if (slash)
		ct_buf_add(out, r->file, (size_t)(slash - r->file) + 1);
	ct_buf_str(out, value);
}

/* Replaces the item of a relative include by one with the absolute path, so that the config can be
 * saved in any directory. */
static int make_absolute(struct reader *r, struct ct_item **item, const char *path)
{
	struct ct_entry entry = (*item)->entry;
	CT_CLEAN_BUF struct ct_buf whole = CT_BUF_INIT;
	struct ct_item *new = NULL;

	if (*entry.value == '/')
		return 0;
	if (*path != '/') {
		char *here = getcwd(NULL, 0);

		if (!here)
			return file_fail(r, -errno, "getcwd", path, "");
		ct_buf_printf(&whole, "%s/", here);
		free(here);
	}
	ct_buf_str(&whole, path);
	entry.value = ct_buf_text(&whole);
	if (!ct_buf_error(&whole))
		new = ct_item_new(CT_ITEM_INCLUDE, &entry, NULL);
	if (!new)
		return ct_oom(r->e);
	ct_item_free(*item);
	*item = new;
	return 0;
}

/* A line "key = value"; `line` is modified, `text` is the same line as it was. */
static int read_setting(struct reader *r, char *line, const char *text, struct ct_items *out)
{
	char *equals = strchr(line, '='), *key, *value;
	struct ct_item *item = NULL;
	int ret;

	if (!equals) {
		ct_err_hint(r->e, "write key = value; a comment starts with #");
		ct_err_object(r->e, text);
		return line_fail(r, -EINVAL, CT_ERR_SYNTAX, "the line has no \"=\"");
	}
	*equals = 0;
	key = trim(line);
	value = unquote(trim(equals + 1));
	if (!*key)
		return line_fail(r, -EINVAL, CT_ERR_SYNTAX, "the line has no key before \"=\"");
	ret = ct_item_make(key, value, text, r->file, r->line, &item, r->e);
	if (ret == 0 && item->kind == CT_ITEM_INCLUDE)
		ret = read_include(r, &item);
	if (ret < 0) {
		ct_item_free(item);
		return ret;
	}
	if (ct_items_add(out, item) < 0)
		return ct_oom(r->e);
	return 0;
}

/* Parses a line, which is modified; `text` is the same line as it was. */
static int parse_line(struct reader *r, char *line, const char *text, struct ct_items *out)
{
	struct ct_entry nothing = { .name = NULL };
	const char *start = line + strspn(line, BLANKS);

	if (*start && *start != '#')
		return read_setting(r, line, text, out);
	if (ct_items_add(out, ct_item_new(CT_ITEM_TEXT, &nothing, text)) < 0)
		return ct_oom(r->e);
	return 0;
}

/* One line without its end. */
static int read_line(struct reader *r, const char *s, size_t n, struct ct_items *out)
{
	char *text, *copy;
	int ret;

	if (memchr(s, 0, n))
		return line_fail(r, -EILSEQ, CT_ERR_CONTROL_CHARACTER, "the line has a NUL byte");
	text = strndup(s, n);
	copy = strndup(s, n);
	if (text && copy)
		ret = parse_line(r, copy, text, out);
	else
		ret = ct_oom(r->e);
	free(text);
	free(copy);
	return ret;
}

/* All lines of a text. */
static int read_text(struct reader *r, const char *text, size_t len, struct ct_items *out)
{
	r->bytes += len;
	if (r->bytes > TOTAL_MAX)
		return line_fail(r, -EFBIG, CT_ERR_CONFIG_FILE,
				 "included files come to more than 16 MiB");
	for (r->line = 1; len; r->line++) {
		const char *end = memchr(text, '\n', len);
		size_t n = len;
		int ret;

		if (end)
			n = (size_t)(end - text);
		ret = read_line(r, text, n, out);
		if (ret < 0 && !ct_err_next(r->e))
			return ret;
		n += end != NULL;
		text += n;
		len -= n;
	}
	return 0;
}

/* Opens dirfd/name, a file or a directory: anything else could make the open or the read wait.
 * `path` names it in messages. Descriptor or negative errno, recorded. */
static int open_config(struct reader *r, int dirfd, const char *name, const char *path,
		       struct stat *st)
{
	CT_CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		fd = -errno;
		if (fd == -ENOENT)
			ct_err_hint(r->e, "make the file, or mend its path");
		else
			ct_err_hint(r->e, "the caller must be able to read it");
		return file_fail(r, ct_take_fd(&fd), "open", path, "");
	}
	if (fstat(fd, st) < 0)
		return file_fail(r, -errno, "fstat", path, "");
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return file_fail(r, -EINVAL, NULL, path, "neither a file nor a directory");
	return ct_take_fd(&fd);
}

/* Reads an open file; origins are in it meanwhile, and then in the including one again. */
static int read_open_file(struct reader *r, int fd, const char *path, struct ct_items *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	const char *file = r->file;
	int line = r->line, ret = ct_buf_read_fd(&text, fd, FILE_MAX);

	if (ret == -EFBIG)
		return file_fail(r, ret, NULL, path, "the file is bigger than 1 MiB");
	if (ret < 0)
		return file_fail(r, ret, "read", path, "");
	if (++r->files > FILES_MAX)
		return line_fail(r, -ELOOP, CT_ERR_INCLUDE_DEPTH,
				 "more than 1024 files are included");
	r->file = ct_config_file_name(r->c, path);
	if (r->file)
		ret = read_text(r, ct_buf_text(&text), text.len, out);
	else
		ret = ct_oom(r->e);
	r->file = file;
	r->line = line;
	return ret;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **v;
	size_t n;
};

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

/* The "*.conf" of a directory, sorted by bytes. Takes the descriptor. */
static int list_directory(int fd, struct names *out)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	int ret = 0;

	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (ret == 0 && (errno = 0, de = readdir(dir))) {
		size_t n = strlen(de->d_name);
		char **v;

		if (*de->d_name == '.' || n < 6 || strcmp(de->d_name + n - 5, ".conf"))
			continue;
		v = realloc(out->v, (out->n + 1) * sizeof(char *));
		if (v)
			out->v = v;
		if (!v || !(v[out->n] = strdup(de->d_name)))
			ret = -ENOMEM;
		else
			out->n++;
	}
	if (ret == 0)
		ret = -errno;
	closedir(dir);
	if (out->n)
		qsort(out->v, out->n, sizeof(char *), compare_names);
	return ret;
}

/* Reads dirfd/name, of the directory `dir`; one that is a directory itself is passed over. */
static int read_drop_in(struct reader *r, int dirfd, const char *dir, const char *name,
			struct ct_items *out)
{
	CT_CLEAN_BUF struct ct_buf path = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;
	size_t n = strlen(dir);
	struct stat st;

	ct_buf_str(&path, dir);
	if (!n || dir[n - 1] != '/')
		ct_buf_char(&path, '/');
	ct_buf_str(&path, name);
	if (ct_buf_error(&path))
		return ct_oom(r->e);
	fd = open_config(r, dirfd, name, ct_buf_text(&path), &st);
	if (fd < 0)
		return fd;
	if (S_ISDIR(st.st_mode))
		return 0;
	return read_open_file(r, fd, ct_buf_text(&path), out);
}

/* Reads the files of a directory. */
static int read_directory(struct reader *r, int fd, const char *path, struct ct_items *out)
{
	__attribute__((cleanup(free_names))) struct names names = { NULL, 0 };
	int ret = ct_dup(fd);

	if (ret >= 0)
		ret = list_directory(ret, &names);
	if (ret < 0)
		return file_fail(r, ret, "readdir", path, "");
	for (size_t i = 0; i < names.n; i++) {
		ret = read_drop_in(r, fd, path, names.v[i], out);
		if (ret < 0 && !ct_err_next(r->e))
			return ret;
	}
	return 0;
}

/* A directory for drop-in files (written with a slash at its end) may be missing. */
static bool may_be_missing(const char *path)
{
	size_t n = strlen(path);

	return n && path[n - 1] == '/';
}

static int read_include(struct reader *r, struct ct_item **place)
{
	CT_CLEAN_BUF struct ct_buf buf = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;
	const char *path;
	struct ct_item *item;
	struct stat st;
	int ret;

	include_path(r, (*place)->entry.value, &buf);
	path = ct_buf_text(&buf);
	if (ct_buf_error(&buf))
		return ct_oom(r->e);
	ret = make_absolute(r, place, path);
	if (ret < 0)
		return ret;
	item = *place;
	if (may_be_missing(path) && stat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (r->depth == DEPTH_MAX) {
		ct_err_hint(r->e, "does a file include itself?");
		ret = ct_fail(r->e, -ELOOP, CT_ERR_INCLUDE_DEPTH, "config",
			      "include goes deeper than %d", DEPTH_MAX);
		ct_err_origin(r->e, &item->entry.at);
		return ret;
	}
	fd = open_config(r, AT_FDCWD, path, path, &st);
	if (fd < 0) {
		ct_err_origin(r->e, &item->entry.at);
		return fd;
	}
	r->depth++;
	if (S_ISDIR(st.st_mode))
		ret = read_directory(r, fd, path, &item->inside);
	else
		ret = read_open_file(r, fd, path, &item->inside);
	r->depth--;
	return ret;
}

int ct_config_include(struct ct_config *c, struct ct_item **item, struct ct_err *e)
{
	struct reader r = { .c = c, .e = e };

	return read_include(&r, item);
}

/* Puts the lines of a load behind those of the config; all or nothing. Empties `items`. */
static int take_items(struct ct_config *c, struct ct_items *items, struct ct_err *e)
{
	uint32_t before = c->items.n;
	int ret = 0;

	for (uint32_t i = 0; i < items->n; i++) {
		if (ct_items_add(&c->items, items->v[i]) < 0)
			ret = -ENOMEM;
	}
	items->n = 0;
	if (ret == 0)
		ret = ct_config_refresh(c);
	if (ret == 0)
		return 0;
	while (c->items.n > before)
		ct_item_free(c->items.v[--c->items.n]);
	return ct_oom(e);
}

/* The result of a load. Where faults are collected, one of them is an error, unless the good lines
 * are to be kept. */
static int end_reading(int r, struct ct_err *e)
{
	if (r < 0 || (e && e->all && e->all->keep_good))
		return r;
	return ct_err_collected(e);
}

int ct_config_load_text(struct ct_config *c, const char *text, size_t len, const char *name,
			struct ct_err *e)
{
	__attribute__((cleanup(ct_items_free))) struct ct_items items = { NULL, 0, 0 };
	struct reader r = { .c = c, .e = e, .files = 1 };
	int ret;

	if (len > FILE_MAX)
		return file_fail(&r, -EFBIG, NULL, name, "the file is bigger than 1 MiB");
	r.file = ct_config_file_name(c, name);
	if (!r.file)
		return ct_oom(e);
	ret = read_text(&r, text, len, &items);
	ret = end_reading(ret, e);
	if (ret < 0)
		return ret;
	return take_items(c, &items, e);
}

int ct_config_load(struct ct_config *c, const char *path, struct ct_err *e)
{
	__attribute__((cleanup(ct_items_free))) struct ct_items items = { NULL, 0, 0 };
	struct reader r = { .c = c, .e = e };
	struct stat st;
	CT_CLEAN_FD int fd = open_config(&r, AT_FDCWD, path, path, &st);
	int ret;

	if (fd < 0)
		return fd;
	if (S_ISDIR(st.st_mode))
		return file_fail(&r, -EISDIR, NULL, path, "a directory; a config is a file");
	ret = read_open_file(&r, fd, path, &items);
	ret = end_reading(ret, e);
	if (ret < 0)
		return ret;
	return take_items(c, &items, e);
}
