/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that a profile is in: read as a whole, replaced as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "learn.h"
#include "out.h"

#define FILE_MAX (1 << 20) /* what the library reads of a profile */
#define BUFFER (1 << 16)   /* a profile is shorter */

static bool is_stdout(const char *file)
{
	return !strcmp(file, "-");
}

/* Reads a file, and ends its text by a zero byte, of which there is no other. 0 or -errno. */
static int read_text(const char *file, char text[FILE_MAX + 1])
{
	FILE *in = fopen(file, "re");
	int err = 0;
	size_t n;

	if (!in)
		return -errno;
	n = fread(text, 1, FILE_MAX + 1, in);
	if (ferror(in))
		err = -EIO;
	else if (n > FILE_MAX)
		err = -EFBIG;
	else
		text[n] = '\0';
	fclose(in);
	if (!err && strlen(text) < n)
		return -EILSEQ;
	return err;
}

static int load(const struct args *a, const char *file, char *text, struct learn_profile *p)
{
	struct learn_text t = { .at = text };
	int err = read_text(file, text);

	if (err == -ENOENT)
		return 0;
	if (!err)
		err = learn_read(p, &t);
	if (err == -EINVAL && t.why)
		return fail(a,
			    "%s:%u: %s. Only a profile of ct-learn's can be merged; learn into "
			    "another file, and put the two together by hand",
			    file, t.line, t.why);
	if (err)
		return fail(a, "%s cannot be read: %s", file, strerror(-err));
	return 0;
}

int learn_load(const struct args *a, const char *file, struct learn_profile *p)
{
	char *text;
	int err;

	if (is_stdout(file))
		return fail(a, "--merge needs a file to merge with: use --profile FILE");
	text = malloc(FILE_MAX + 1);
	if (!text)
		return fail(a, "out of memory");
	err = load(a, file, text, p);
	free(text);
	return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Whether the file is, or would be, a regular one, which is replaced; and with which mode. */
static bool is_replaced(const char *file, mode_t *mode)
{
	struct stat st;

	if (stat(file, &st) == 0) {
		*mode = st.st_mode & 07777;
		return S_ISREG(st.st_mode);
	}
	*mode = umask(0);
	umask(*mode);
	*mode = 0666 & ~*mode;
	return errno == ENOENT;
}

static bool is_directory(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The file that symbolic links lead to, the caller's; NULL with errno. */
static char *real_name(const char *file)
{
	char *real = realpath(file, NULL);

	if (!real && errno == ENOENT)
		real = strdup(file);
	return real;
}

/* Whether there can be a new file beside one. 0 or a negative errno. */
static int check_place(const char *file)
{
	char *real = real_name(file);
	int err = 0;

	if (!real || access(dirname(real), W_OK | X_OK) < 0)
		err = -errno;
	free(real);
	return err;
}

int learn_check_file(const struct args *a, const char *file)
{
	mode_t mode;
	int err = 0;

	if (is_stdout(file))
		return 0;
	if (is_replaced(file, &mode))
		err = check_place(file);
	else if (access(file, W_OK) < 0)
		err = -errno;
	else if (is_directory(file))
		err = -EISDIR;
	if (err)
		return fail(a, "%s cannot be written: %s", file, strerror(-err));
	return 0;
}

/* Writes the profile into an open file, and closes it. 0 or a negative errno. */
static int write_into(int fd, struct learn_profile *p)
{
	FILE *out = fdopen(fd, "w");
	int err;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	setvbuf(out, NULL, _IOFBF, BUFFER); /* one write, and errno is that of the failure */
	err = learn_write(p, out);
	if (!err && fflush(out))
		err = -errno;
	if (!err && ferror(out))
		err = -EIO;
	/* not every kind of file can be synchronized */
	if (!err && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

/* Puts a new file in place of one. 0 or a negative errno; then nothing has changed. */
static int replace(const char *real, mode_t mode, struct learn_profile *p)
{
	char *made = NULL, *copy = strdup(real);
	int fd, err;

	if (!copy)
		return -ENOMEM;
	err = asprintf(&made, "%s/.ct-learn.XXXXXX", dirname(copy));
	free(copy);
	if (err < 0)
		return -ENOMEM;
	fd = mkostemp(made, O_CLOEXEC);
	err = 0;
	if (fd < 0 || fchmod(fd, mode) < 0)
		err = -errno;
	if (fd >= 0 && err)
		close(fd);
	else if (fd >= 0)
		err = write_into(fd, p);
	if (!err && rename(made, real) < 0)
		err = -errno;
	if (fd >= 0 && err)
		unlink(made);
	free(made);
	return err;
}

/* A ^C in the middle would leave a file that is half made. 0 or a negative errno. */
static int replace_whole(const char *file, mode_t mode, struct learn_profile *p)
{
	sigset_t all, before;
	char *real = real_name(file);
	int err;

	if (!real)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	err = replace(real, mode, p);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(real);
	return err;
}

int learn_save(const struct args *a, const char *file, struct learn_profile *p)
{
	mode_t mode;
	int fd, err;

	if (is_stdout(file)) {
		if (learn_write(p, stdout) < 0)
			return fail(a, "out of memory");
		return out_flush(a);
	}
	if (is_replaced(file, &mode)) {
		err = replace_whole(file, mode, p);
		if (err)
			return fail(a, "%s cannot be written, and is as it was: %s", file,
				    strerror(-err));
		return 0;
	}
	fd = open(file, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	err = -errno;
	if (fd >= 0)
		err = write_into(fd, p);
	if (err)
		return fail(a, "%s cannot be written: %s", file, strerror(-err));
	return 0;
}
