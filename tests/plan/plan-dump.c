/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-dump DIR: prints the plan of each DIR/NAME.conf (plan-world.c), as text and as JSON. Each is
 * a line "NAME FORM BYTES", the plan or the error that it gives, and a line feed. For golden.py.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan-world.h"

static int read_file(const char *path, struct ct_buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = ct_buf_read_fd(out, fd, 1 << 20);
	close(fd);
	return err;
}

static int print_plan(const char *conf, const struct ct_buf *text, const char *form)
{
	CT_CLEAN_BUF struct ct_buf plan = CT_BUF_INIT;
	int line = world_plan(ct_buf_text(text), text->len, conf, &plan);

	if (line) {
		fprintf(stderr, "%s: directive %d is unknown\n", conf, line);
		return 1;
	}
	printf("%.*s %s %zu\n%s\n", (int)(strlen(conf) - strlen(".conf")), conf, form, plan.len,
	       ct_buf_text(&plan));
	return 0;
}

static int print_both(const char *conf)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	if (read_file(conf, &text)) {
		fprintf(stderr, "%s cannot be read\n", conf);
		return 1;
	}
	if (print_plan(conf, &text, "text"))
		return 1;
	ct_buf_str(&text, "\n#: form json\n");
	return print_plan(conf, &text, "json");
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 5, ".conf");
}

int main(int argc, char **argv)
{
	struct dirent **list = NULL;
	int n, bad = 0;

	/* names in messages must not depend on where the tree stands */
	if (argc < 2 || chdir(argv[1]))
		return 2;
	n = scandir(".", &list, is_conf, alphasort);
	for (int i = 0; i < n; i++) {
		bad |= print_both(list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return n > 0 ? bad : 1;
}
