/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-help.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void trees_find(struct trees *t)
{
	char line[2048], mount[256], type[64], super[256];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	t->n = 0;
	while (f && fgets(line, sizeof(line), f) && t->n < 32) {
		const char *dash = strstr(line, " - ");
		struct tree *x = &t->v[t->n];
		bool known = false;

		if (!dash || sscanf(line, "%*s %*s %*s / %255s", mount) != 1 ||
		    sscanf(dash, " - %63s %*s %255s", type, super) != 2)
			continue;
		if (strcmp(type, "cgroup") && strcmp(type, "cgroup2"))
			continue;
		x->version = type[6] ? 2 : 1;
		snprintf(x->mount, sizeof(x->mount), "%s", mount);
		snprintf(x->words, sizeof(x->words), ",%.250s,", x->version == 1 ? super : "");
		for (int i = 0; i < t->n; i++)
			known |= !strcmp(t->v[i].words, x->words) && t->v[i].version == x->version;
		t->n += !known;
	}
	if (f)
		fclose(f);
}

const char *tree_place(const struct tree *t, pid_t pid, char *buf, size_t size)
{
	char path[64], line[2048], word[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "re");
	buf[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
		size_t n = second ? strcspn(first + 1, ",:") : 0;

		if (!second)
			continue;
		second[strcspn(second, "\n")] = 0;
		snprintf(word, sizeof(word), ",%.*s,", (int)n, first + 1);
		if (t->version == 2 ? n == 0 : n && strstr(t->words, word)) {
			snprintf(buf, size, "%s", second + 1);
			break;
		}
	}
	if (f)
		fclose(f);
	return buf[0] ? buf : NULL;
}

int groups_below(const char *dir, const char *word, int depth, char *text, size_t size)
{
	char path[2048];
	struct dirent *e;
	DIR *d = depth ? opendir(dir) : NULL;
	int n = 0;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path))
			continue;
		if (!word || strstr(e->d_name, word)) {
			n++;
			if (text && strlen(text) + strlen(path) + 2 < size)
				strcat(strcat(text, path), " ");
		}
		n += groups_below(path, word, depth - 1, text, size);
	}
	if (d)
		closedir(d);
	return n;
}

int groups_named(const char *word, char *text, size_t size)
{
	struct trees t;
	int n = 0;

	trees_find(&t);
	if (text && size)
		text[0] = 0;
	for (int i = 0; i < t.n; i++)
		n += groups_below(t.v[i].mount, word, 8, text, size);
	return n;
}

void group_drop(const char *path)
{
	int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), depth = 0, fuel = 100000;
	char name[4096], *last;
	struct dirent *e;
	ssize_t n;
	DIR *d;

	if (chdir(path))
		fuel = 0;
	while (fuel-- > 0) {
		d = opendir(".");
		while (d && (e = readdir(d)) && (e->d_type != DT_DIR || e->d_name[0] == '.'))
			;
		snprintf(name, sizeof(name), "%s", d && e ? e->d_name : "");
		if (d)
			closedir(d);
		if (name[0]) {
			depth++;
			if (chdir(name))
				break;
			continue;
		}
		n = depth ? readlink("/proc/self/cwd", name, sizeof(name) - 1) : -1;
		if (n < 0)
			break;
		name[n] = 0;
		last = strrchr(name, '/');
		depth--;
		if (chdir("..") || rmdir(last + 1))
			break;
	}
	if (fchdir(home) || close(home))
		abort();
	rmdir(path);
}

void groups_drop(const char *word)
{
	char text[16384], *path, *save = NULL;

	groups_named(word, text, sizeof(text));
	for (path = strtok_r(text, " ", &save); path; path = strtok_r(NULL, " ", &save))
		group_drop(path);
}

int processes(const char *place, const struct tree *t)
{
	char path[1024], line[64];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s/cgroup.procs", t->mount, place);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

bool place_of(pid_t pid, const char *word, struct tree *t, char *place, size_t size)
{
	struct trees all;

	trees_find(&all);
	for (int i = 0; i < all.n; i++) {
		if (tree_place(&all.v[i], pid, place, size) && strstr(place, word)) {
			*t = all.v[i];
			return true;
		}
	}
	return false;
}

void thaw_by_hand(pid_t pid, const char *word)
{
	char place[512], path[1024];
	struct trees t;

	trees_find(&t);
	for (int i = 0; i < t.n; i++) {
		FILE *f;

		if (!tree_place(&t.v[i], pid, place, sizeof(place)) || !strstr(place, word))
			continue;
		snprintf(path, sizeof(path), "%s%s/%s", t.v[i].mount, place,
			 t.v[i].version == 2 ? "cgroup.freeze" : "freezer.state");
		f = fopen(path, "r+e");
		if (f) {
			fputs(t.v[i].version == 2 ? "0" : "THAWED", f);
			fclose(f);
		}
	}
}

long long group_number(ct_container *c, const char *v2, const char *v1)
{
	char text[256];

	if ((!v2 || ct_cgroup_get(c, v2, text, sizeof(text)) < 0) &&
	    (!v1 || ct_cgroup_get(c, v1, text, sizeof(text)) < 0))
		return -1;
	return strcmp(text, "max") ? strtoll(text, NULL, 10) : INT64_MAX;
}

int pipe_above(int fd[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC))
		return -1;
	for (int i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		close(low[i]);
	}
	return 0;
}

/* Of those that are under way: process and descriptors, so that a test that fails leaves none. */
static struct {
	ct_process *p;
	int out, in;
} talking[8];

void talk_note(const struct talk *t, bool on)
{
	for (int i = 0; i < 8; i++) {
		if (talking[i].p != (on ? NULL : t->p))
			continue;
		talking[i].p = on ? ct_process_ref(t->p) : NULL;
		talking[i].out = t->out;
		talking[i].in = t->in;
		if (!on)
			ct_process_unref(t->p);
		return;
	}
}

void talk_drop_all(void)
{
	for (int i = 0; i < 8; i++) {
		if (!talking[i].p)
			continue;
		ct_process_kill(talking[i].p, 9);
		ct_process_wait(talking[i].p, NULL, PATIENCE_MS);
		/* the test's own, and ours */
		ct_process_unref(talking[i].p);
		ct_process_unref(talking[i].p);
		talking[i].p = NULL;
		close(talking[i].out);
		close(talking[i].in);
	}
}

int talk_try(ct_container *c, uint64_t flags, const char *const argv[], struct talk *t)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int out[2], in[2], r;

	memset(t, 0, sizeof(*t));
	t->out = t->in = -1;
	if (pipe_above(out) || pipe_above(in))
		return -EMFILE;
	o.flags = flags;
	o.argv = argv;
	o.stdio[0] = in[0];
	o.stdio[1] = o.stdio[2] = out[1];
	r = ct_start(c, &o, &t->p);
	close(out[1]);
	close(in[0]);
	t->out = out[0];
	t->in = in[1];
	if (r < 0) {
		close(t->out);
		close(t->in);
	} else {
		talk_note(t, true);
	}
	return r;
}

void talk_start(ct_container *c, uint64_t flags, const char *const argv[], struct talk *t)
{
	int r = talk_try(c, flags, argv, t);

	if (r == -EOPNOTSUPP)
		elsewhere_because("%s", ct_last_error(c)->message);
	assert_ok(c, r);
	if (!read_until(t->out, "ready", PATIENCE_MS, t->text, sizeof(t->text)))
		fail_msg("the payload is not ready: %s", t->text);
}

ct_exit talk_end(struct talk *t)
{
	ct_exit ex = CT_EXIT_INIT;
	int r;

	close(t->in);
	t->in = -1;
	r = ct_process_wait(t->p, &ex, PATIENCE_MS);
	close(t->out);
	t->out = -1;
	for (int i = 0; i < 8; i++)
		if (talking[i].p == t->p)
			talking[i].in = talking[i].out = -1;
	if (r)
		fail_msg("the payload does not end: %s", ct_process_last_error(t->p)->message);
	talk_note(t, false);
	t->p = ct_process_unref(t->p);
	return ex;
}

int cgroup_case_setup(const char *prefix, const char *name)
{
	void *state = (void *)(uintptr_t)name;

	box_word(&box, prefix);
	return case_setup(&state) || box_config(box.c, "cgroup.pattern", box.pattern, NULL);
}

int cgroup_case_teardown(void **state)
{
	char text[4096];
	int n, left;

	case_stop();
	talk_drop_all();
	n = case_teardown(state);
	left = groups_named(box.word, text, sizeof(text));
	if (left) {
		print_error("# groups left: %.600s\n", text);
		groups_drop(box.word);
	}
	return n + left;
}
