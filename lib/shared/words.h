/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a step fails, in the same words whether the stage meets it or the library checks before. */
#ifndef CT_SHARED_WORDS_H
#define CT_SHARED_WORDS_H

#include <errno.h>
#include <sys/stat.h>

/* A limit of resources that may not be set. */
#define CT_WORDS_LIMIT                                                                \
	"raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace; " \
	"fs.nr_open bounds nofile"

/* A path below a directory that cannot be opened. no_links: none may be on the way; directory: it
 * must be one; at_link: the last component is a link. NULL: the errno says it. */
static inline const char *ct_target_words(int err, int no_links, int directory, int at_link)
{
	static const char *const loop[2][2] = {
		{ "target leads through a link of procfs, or through links without end",
		  "target is a symbolic link without end" },
		{ "target leads through a symbolic link", "target is a symbolic link" },
	};

	switch (err) {
	case -ELOOP:
		return loop[!!no_links][!!at_link];
	case -ENOTDIR:
		if (directory)
			return "target is not a directory, or leads through a file";
		return "target leads through what is not a directory";
	case -EXDEV:
		return "target leaves the directory that it must stay below";
	case -EAGAIN:
		return "target kept changing while it was looked up";
	}
	return 0;
}

/* Why a program that exists cannot be executed, by its mode. NULL: that is not the reason. */
static inline const char *ct_program_words(mode_t mode)
{
	if (S_ISDIR(mode))
		return "it is a directory";
	if (!S_ISREG(mode))
		return "it is not a regular file";
	if (!(mode & 0111))
		return "it is not executable";
	return 0;
}

#endif
