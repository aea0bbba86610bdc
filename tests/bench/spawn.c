/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures a program as a whole process: vfork, exec, wait. The command's output goes to /dev/null.
 *   spawn COMMAND ARGUMENT..   ("@" in an argument becomes the number of the round, for
 *                              tools that want a name) */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MAX_ARGS 128

extern char **environ;

struct command {
	char **argv;
	unsigned round;
	posix_spawn_file_actions_t actions;
};

/* The arguments of this round; those with "@" in `text`. */
static void expand(const struct command *c, char *out[], char text[][4096])
{
	int i;

	for (i = 0; c->argv[i] && i < MAX_ARGS - 1; i++) {
		char *at = strchr(c->argv[i], '@');

		out[i] = c->argv[i];
		if (!at)
			continue;
		snprintf(text[i], sizeof(text[i]), "%.*s%u%s", (int)(at - c->argv[i]), c->argv[i],
			 c->round, at + 1);
		out[i] = text[i];
	}
	out[i] = NULL;
}

static uint64_t once(void *data)
{
	static char text[MAX_ARGS][4096];
	struct command *c = data;
	char *argv[MAX_ARGS];
	uint64_t begin;
	int status, r;
	pid_t pid;

	c->round++;
	expand(c, argv, text);
	begin = now_ns();
	r = posix_spawnp(&pid, argv[0], &c->actions, NULL, argv, environ);
	if (r)
		die("spawn: %s: %s", argv[0], strerror(r));
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		die("spawn: %s ended with status 0x%x", argv[0], status);
	return now_ns() - begin;
}

int main(int argc, char **argv)
{
	static struct command c;
	struct bench b = { once, NULL, &c };

	if (argc < 2 || argc > MAX_ARGS)
		die("usage: spawn COMMAND ARGUMENT..");
	c.argv = argv + 1;
	posix_spawn_file_actions_init(&c.actions);
	posix_spawn_file_actions_addopen(&c.actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_addopen(&c.actions, 1, "/dev/null", O_RDWR, 0);
	bench_serve(&b);
	return 0;
}
