/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-golden DIR [NAME]: makes the plan of each DIR/NAME.conf (plan-world.c) and compares it with DIR/NAME.plan. With CT_UPDATE=1 it
 * writes the golden files instead.
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

/* Prints the first line that differs. */
static void print_difference(const char *golden, const char *now)
{
	int nr = 1;

	while (*golden && *now && !strncmp(golden, now, strcspn(golden, "\n") + 1)) {
		now += strcspn(golden, "\n") + (golden[strcspn(golden, "\n")] == '\n');
		golden += strcspn(golden, "\n") + (golden[strcspn(golden, "\n")] == '\n');
		nr++;
	}
	printf("# line %d: golden: %.*s\n", nr, (int)strcspn(golden, "\n"), golden);
	printf("# line %d:    now: %.*s\n", nr, (int)strcspn(now, "\n"), now);
}

/* 0 when the plan is as its golden file says. */
static int one(const char *conf)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, golden = CT_BUF_INIT, now = CT_BUF_INIT;
	char path[300];
	int line, fd;

	if (read_file(conf, &text)) {
		printf("# %s cannot be read\n", conf);
		return 1;
	}
	line = world_plan(ct_buf_text(&text), text.len, conf, &now);
	if (line) {
		printf("# %s: directive %d is unknown\n", conf, line);
		return 1;
	}
	snprintf(path, sizeof(path), "%.*s.plan", (int)(strlen(conf) - strlen(".conf")), conf);
	if (getenv("CT_UPDATE")) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, ct_buf_text(&now), now.len) < 0)
			return 1;
		close(fd);
		return 0;
	}
	if (read_file(path, &golden)) {
		printf("# %s is missing\n", path);
		return 1;
	}
	if (!strcmp(ct_buf_text(&golden), ct_buf_text(&now)))
		return 0;
	print_difference(ct_buf_text(&golden), ct_buf_text(&now));
	return 1;
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 5, ".conf");
}

int main(int argc, char **argv)
{
	struct dirent **list = NULL;
	int i, n, bad = 0, failed;

	/* names in messages must not depend on where the tree stands */
	if (argc < 2 || chdir(argv[1]))
		return 2;
	n = scandir(".", &list, is_conf, alphasort);
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		fflush(stdout);
		failed = argc > 2 && strcmp(argv[2], list[i]->d_name) != 0 ? 0 : one(list[i]->d_name);
		printf("%sok %d - %.*s\n", failed ? "not " : "", i + 1, (int)strlen(list[i]->d_name) - 5, list[i]->d_name);
		bad += failed;
		free(list[i]);
	}
	free(list);
	return bad ? 1 : 0;
}
