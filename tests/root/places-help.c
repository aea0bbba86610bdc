/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "places-help.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct trees trees;
char word[32], own[40], pattern[64], spare[PATH_MAX + 8], told[2048];

static char outside[32][512]; /* the test's own place in each hierarchy, "" at the top */

bool put(const char *dir, const char *file, const char *value)
{
	char path[4096];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "we");
	ok = f && fputs(value, f) >= 0;
	return f ? !fclose(f) && ok : false;
}

void get(const char *dir, const char *file, char *buf, size_t size)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	buf[0] = 0;
	if (f && !fgets(buf, (int)size, f))
		buf[0] = 0;
	if (f)
		fclose(f);
}

void make_group(const char *dir, const char *name, char path[2048])
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char value[256];

	snprintf(path, 2048, "%.1900s/%.100s", dir, name);
	CHECK(mkdir(path, 0755) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
	for (int i = 0; i < 2; i++) {
		get(dir, files[i], value, sizeof(value));
		if (value[0])
			put(path, files[i], value);
	}
}

void place_in(const struct tree *t, char dir[1024])
{
	snprintf(dir, 1024, "%s%s", t->mount, outside[t - trees.v]);
}

void enter_own(void)
{
	char dir[1024], path[2048], pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (int i = 0; i < trees.n; i++) {
		place_in(&trees.v[i], dir);
		make_group(dir, own, path);
		CHECK(put(path, "cgroup.procs", pid), "%s: %s", path, strerror(errno));
	}
}

const struct tree *tree_with(const char *controller)
{
	char list[64];

	snprintf(list, sizeof(list), ",%s,", controller);
	for (int i = 0; i < trees.n; i++)
		if (trees.v[i].version == 1 && strstr(trees.v[i].words, list))
			return &trees.v[i];
	return NULL;
}

const struct tree *tree_v2(void)
{
	for (int i = 0; i < trees.n; i++)
		if (trees.v[i].version == 2)
			return &trees.v[i];
	return NULL;
}

int find_groups(char *text, size_t size, int *below)
{
	char copy[16384], *path, *save = NULL;
	int n = 0;

	text[0] = 0;
	*below = 0;
	for (int i = 0; i < trees.n; i++)
		n += groups_below(trees.v[i].mount, pattern, 16, text, size);
	snprintf(copy, sizeof(copy), "%s", text);
	for (path = strtok_r(copy, " ", &save); path; path = strtok_r(NULL, " ", &save))
		*below += strstr(path, own) != NULL;
	return n;
}

static void on_log(void *data, int level, const char *line)
{
	size_t n = strlen(told);

	(void)data;
	(void)level;
	snprintf(told + n, sizeof(told) - n, "%s\n", line);
}

ct_container *make(const char *name)
{
	ct_container *c = box_handle(&box, name);
	char text[80];

	CHECK(c, "no handle");
	snprintf(text, sizeof(text), "%s%%n", pattern);
	WORKS(c, ct_set_config(c, "cgroup.pattern", text));
	told[0] = 0;
	ct_set_log(c, CT_LOG_NOTICE, on_log, NULL);
	return c;
}

ct_process *start(ct_container *c, uint64_t flags)
{
	ct_process *p = NULL;
	int r;

	r = box_start(c, flags, ARGV("/bin/sleep", "1000"), &p);
	if (r == -EOPNOTSUPP) {
		fprintf(stderr, "# elsewhere: %s\n", ct_last_error(c)->message);
		_exit(ELSEWHERE);
	}
	WORKS(c, r);
	return p;
}

void end(ct_container *c, ct_process *p)
{
	ct_process_kill(p, SIGKILL);
	CHECK(ct_process_wait(p, NULL, 60000) == 0, "%s", ct_process_last_error(p)->message);
	ct_process_unref(p);
	ct_unref(c);
}

int words_left(void *data)
{
	char *text = data;
	int n = 0;

	text[0] = 0;
	for (int i = 0; i < trees.n; i++) {
		char copy[16384] = "", *path, *save = NULL;

		groups_below(trees.v[i].mount, word, 16, copy, sizeof(copy));
		for (path = strtok_r(copy, " ", &save); path; path = strtok_r(NULL, " ", &save)) {
			const char *last = strrchr(path, '/') + 1;

			/* the caller's own stay */
			if (strcmp(last, own) && strlen(text) + strlen(path) + 2 < 4096)
				strcat(strcat(text, path), " "), n++;
		}
	}
	return n;
}

/* A case's process that was killed cannot say why: what the kernel knows of it. */
static void tell_death(void)
{
	static const char *const files[] = { "memory.limit_in_bytes", "memory.max_usage_in_bytes",
					     "memory.failcnt" };
	const struct tree *t = tree_with("memory");
	char log[65536], dir[1024], path[2048], value[256], *line, *save = NULL;
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);

	for (int i = 0; t && i < 3; i++) {
		place_in(t, dir);
		snprintf(path, sizeof(path), "%.1000s/%s", dir, own);
		get(path, files[i], value, sizeof(value));
		fprintf(stderr, "# %s: %s%s", files[i], value, *value ? "" : "\n");
	}
	log[n > 0 ? n : 0] = '\0';
	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, "oom") || strstr(line, "illed process"))
			fprintf(stderr, "# kernel: %.300s\n", line);
}

void in_child(void **state)
{
	void (*run)(void) = (void (*)(void))(uintptr_t)*state;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(300);
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(2);
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == ELSEWHERE)
		elsewhere_because("this host's hierarchies are others");
	if (WIFSIGNALED(status))
		tell_death();
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("the case's process ended with status %x", status);
}

int teardown(void **state)
{
	char text[4096], dir[1024], path[2048];
	int n = words_left(text);

	(void)state;
	if (n)
		print_error("# groups left: %.600s\n", text);
	for (int i = 0; i < trees.n; i++) {
		place_in(&trees.v[i], dir);
		snprintf(path, sizeof(path), "%s/%s", dir, own);
		group_drop(path);
	}
	if (n)
		groups_drop(word);
	return n;
}

int group_setup(void **state)
{
	if (box_setup_bare(state))
		return -1;
	trees_find(&trees);
	for (int i = 0; i < trees.n; i++) {
		char place[512];

		if (tree_place(&trees.v[i], getpid(), place, sizeof(place)) && strcmp(place, "/"))
			snprintf(outside[i], sizeof(outside[i]), "%s", place);
	}
	snprintf(word, sizeof(word), "places%d", (int)getpid());
	snprintf(own, sizeof(own), "%s.own", word);
	snprintf(pattern, sizeof(pattern), "%s.run.", word);
	snprintf(spare, sizeof(spare), "%s/m m", box.dir);
	return mkdir(spare, 0755);
}

int group_teardown(void **state)
{
	rmdir(spare);
	return box_teardown(state);
}
