/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a killed caller has left is cleared wherever it is, and nothing else, whatever its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "places-help.h"

static const struct {
	const char *key, *value; /* WORD stands for it */
} lefts[] = {
	{ "cgroup.relative", "1" },
	{ "cgroup.relative", "0" },
	{ "cgroup.dir", "WORD.d/a/b" },
	{ "cgroup.dir.container", "WORD.c/a/x" },
	{ "cgroup.pattern", "WORD.at@1.2.3.4.%n" },
	{ "cgroup.pattern", "WORD@%n" },
	{ "cgroup.dir", "WORD.d@1.2.3.4.5" },
};

static void configure_left(ct_container *c, unsigned i)
{
	char value[128];
	const char *rest = strncmp(lefts[i].value, "WORD", 4) ? NULL : lefts[i].value + 4;

	snprintf(value, sizeof(value), "%s%s", rest ? word : "", rest ? rest : lefts[i].value);
	WORKS(c, ct_set_config(c, lefts[i].key, value));
}

static int none_left(void *data)
{
	return words_left(data) == 0;
}

/* A caller that is killed with a container in it. */
static void leave(unsigned i)
{
	int tell[2];
	char text[4096], c;
	pid_t pid;

	CHECK(pipe(tell) == 0, "pipe");
	pid = fork();
	if (!pid) {
		ct_container *container = make(NULL);

		configure_left(container, i);
		start(container, 0);
		CHECK(write(tell[1], "x", 1) == 1, "write");
		for (;;)
			pause();
	}
	close(tell[1]);
	CHECK(read(tell[0], &c, 1) == 1, "the caller that is to be killed has not started");
	close(tell[0]);
	CHECK(words_left(text) > 0, "nothing was made");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Cleared by a look at what there is, and by the next start of that kind. */
static void killed(void)
{
	char text[4096], who[256], *names = NULL;

	enter_own();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (unsigned i = 0; i < sizeof(lefts) / sizeof(lefts[0]); i++) {
		leave(i);
		/* init has come to us, and is no more when it has been reaped */
		CHECK(wait_for(no_orphans, who, 60000), "%s", who);
		CHECK(words_left(text) > 0, "%s: cleared by nobody", lefts[i].value);
		CHECK(ct_list(&box.where, CT_LIST_RUNNING, &names) >= 0, "ct_list");
		ct_free(names);
		CHECK(wait_for(none_left, text, 20000), "%s: after a list: %s", lefts[i].value,
		      text);
		leave(i);
		CHECK(wait_for(no_orphans, who, 60000), "%s", who);
		ct_container *c = make(NULL);

		configure_left(c, i);
		end(c, start(c, 0));
		CHECK(wait_for(none_left, text, 20000), "%s: after a start: %s", lefts[i].value,
		      text);
	}
}

/* A name that looks like a dead owner's mark is only a name. */
static void mark_alike(char *buf, size_t size, const char *name)
{
	struct stat st;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	CHECK(stat("/proc/self/ns/pid", &st) == 0, "stat");
	snprintf(buf, size, "%s@%llx.%x.1.1.%%n", name, (unsigned long long)st.st_ino,
		 (unsigned)pid);
}

static void look_around(void)
{
	char *names = NULL;
	ct_container *c;

	CHECK(ct_list(&box.where, CT_LIST_RUNNING, &names) >= 0, "ct_list");
	ct_free(names);
	c = make(NULL);
	end(c, start(c, 0));
}

static void names_alike(void)
{
	char mark[128], name[64], path[2048], pid[16];
	const struct tree *t = tree_v2() ? tree_v2() : &trees.v[0];
	ct_container *c = make("5");
	ct_process *p;
	pid_t other;

	snprintf(name, sizeof(name), "%s.a", word);
	mark_alike(mark, sizeof(mark), name);
	WORKS(c, ct_set_config(c, "cgroup.pattern", mark));
	p = start(c, CT_START_DETACH);
	look_around();
	CHECK(ct_state(c) == CT_STATE_RUNNING, "the container's state is %s",
	      ct_state_name(ct_state(c)));
	WORKS(c, ct_stop(c, CT_STOP_KILL, 20000));
	ct_process_unref(p);
	ct_unref(c);

	/* a stranger's */
	snprintf(name, sizeof(name), "%s.b", word);
	mark_alike(mark, sizeof(mark), name);
	strcpy(strchr(mark, '%'), "5");
	make_group(t->mount, mark, path);
	other = fork();
	if (!other)
		for (;;)
			pause();
	snprintf(pid, sizeof(pid), "%d", (int)other);
	CHECK(put(path, "cgroup.procs", pid), "%s", strerror(errno));
	look_around();
	CHECK(waitpid(other, NULL, WNOHANG) == 0, "a stranger's process has been killed");
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	rmdir(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { CASE(killed), CASE(names_alike) };

	return cmocka_run_group_tests_name("cgroup-left", tests, group_setup, group_teardown);
}
