/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything that runs in a container has its filter, once: the first program, start hooks, what is
 * attached, each boot; whatever no_new_privs, the user namespace, the payload's user and the
 * options of the attach are. Read back from /proc, and by a call that the filter refuses. A caller
 * that has a filter itself is no reason to leave the container's out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "run.h"
#include "setup.h"

#define REFUSED 77 /* an errno that mkdir(2) does not have */
#define POLICY "2\ndenylist\n[all]\nmkdir errno 77\nmkdirat errno 77\n"
#define TELL "/bin/inside", "filter"

static char profile[PATH_MAX + 32], told[PATH_MAX + 32];

/* ---- the configs ----------------------------------------------------------------------------- */

enum { N_MAPS = 3, N_CONFIGS = 2 * N_MAPS * 2 };
/* No user namespace; one with others' ids; one with the host's. */
static const char *const maps[N_MAPS] = { NULL, "100000", "0" };

struct config {
	bool no_new_privs;
	const char *map, *uid;
	char name[64];
};

static struct config config_of(int i)
{
	struct config c = { i & 1, maps[i / 2 % N_MAPS], i / 2 / N_MAPS ? "1000" : "0", "" };

	snprintf(c.name, sizeof(c.name), "no_new_privs %d, map %s, uid %s", c.no_new_privs,
		 c.map ? c.map : "none", c.uid);
	return c;
}

static ct_container *make(const struct config *w, const char *name)
{
	ct_container *c = must_open(name);
	char map[2][32];

	if (box_config(c, "init.uid", w->uid, "init.gid", w->uid, "no_new_privs",
		       w->no_new_privs ? "1" : "0", "seccomp.profile", profile, NULL))
		fail();
	if (!w->map)
		return c;
	snprintf(map[0], sizeof(map[0]), "u 0 %s 65536", w->map);
	snprintf(map[1], sizeof(map[1]), "g 0 %s 65536", w->map);
	if (box_config(c, "idmap", map[0], "idmap", map[1], NULL))
		fail();
	return c;
}

static int setup(void **state)
{
	int fd;

	if (box_setup_bare(state) < 0)
		return -1;
	snprintf(profile, sizeof(profile), "%s/filter", box.root.base);
	snprintf(told, sizeof(told), "%s/var/told", box.root.path);
	fd = open(profile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, POLICY, strlen(POLICY)) != (ssize_t)strlen(POLICY))
		return -1;
	close(fd);
	return rootfs_copy(&box.root, getenv("CT_INSIDE"), "bin/inside", 0755);
}

static int teardown(void **state)
{
	unlink(profile);
	return box_teardown(state);
}

/* ---- start and attach ------------------------------------------------------------------------ */

enum { N_USERS = 4, N_CAPS = 3, N_ATTACHES = N_USERS * N_CAPS * 8 };

/* One combination of options; `text` says which. */
static ct_attach_opts options(int i, char *text, size_t size)
{
	static const char *const users[] = { "", "uid 0", "uid 1000", "user 1000:1000" };
	static const char *const caps[] = { NULL, "", "chown" };
	int user = i % N_USERS, cap = i / N_USERS % N_CAPS, rest = i / N_USERS / N_CAPS;
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;

	if (user == 1 || user == 2)
		o.flags |= CT_ATTACH_SET_UID | CT_ATTACH_SET_GID;
	if (user == 2)
		o.uid = o.gid = 1000;
	if (user == 3)
		o.user = "1000:1000";
	if (caps[cap])
		o.flags |= CT_ATTACH_SET_CAPS;
	o.caps = caps[cap];
	if (rest & 1)
		o.flags |= CT_ATTACH_NO_NEW_PRIVS;
	if (rest & 2)
		o.flags |= CT_ATTACH_CLEAR_ENV;
	if (rest & 4)
		o.namespaces = CT_NS_MNT | CT_NS_PID;
	snprintf(text, size, "%s, caps %s, flags %#llx, namespaces %#x", users[user],
		 caps[cap] ? caps[cap] : "as they are", (unsigned long long)o.flags, o.namespaces);
	return o;
}

static void expect(const char *who, const char *how, const char *said, int filters, bool nnp)
{
	char want[64];

	snprintf(want, sizeof(want), "%d %d %d %d\n", filters ? 2 : 0, filters, nnp,
		 filters ? REFUSED : EEXIST);
	if (strcmp(said, want) != 0)
		fail_msg("%s: %s: \"%s\", and not \"%s\"", who, how, said, want);
}

static void attach_all(ct_container *c, const struct config *w)
{
	char text[128], *out = NULL;
	ct_attach_opts o;

	for (int i = 0; i < N_ATTACHES; i++) {
		o = options(i, text, sizeof(text));
		if (box_attach(c, &o, ARGV(TELL), &out, NULL) < 0)
			fail_msg("%s: %s: %s", w->name, text, ct_last_error(c)->message);
		expect(w->name, text, out, 1,
		       w->no_new_privs || (o.flags & CT_ATTACH_NO_NEW_PRIVS));
		free(out);
	}
	/* the one way without, for who administers the container */
	o = (ct_attach_opts)CT_ATTACH_OPTS_INIT;
	o.flags = CT_ATTACH_ELEVATED;
	assert_ok(c, box_attach(c, &o, ARGV(TELL), &out, NULL));
	expect(w->name, "elevated", out, 0, false);
	free(out);
}

static void start_and_attach(void **state)
{
	(void)state;
	for (int i = 0; i < N_CONFIGS; i++) {
		struct config w = config_of(i);
		ct_container *c = make(&w, NULL);
		char *out = NULL;
		ct_process *p;

		assert_ok(c, box_run(c, NULL, ARGV(TELL), &out, NULL));
		expect(w.name, "start", out, 1, w.no_new_privs);
		free(out);
		p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		attach_all(c, &w);
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
		must_end(p);
		ct_unref(c);
	}
}

/* ---- hooks and boots ------------------------------------------------------------------------- */

/* Which line is wanted, and how often; from /var/told. */
struct lines {
	char want[64];
	int n;
};

/* The lines that are as they should be, when they are enough; -1: there is another. */
static int are_told(void *data)
{
	const struct lines *l = data;
	FILE *f = fopen(told, "re");
	char line[64];
	int n = 0;

	while (f && n >= 0 && fgets(line, sizeof(line), f)) {
		if (strchr(line, '\n') && strcmp(line, l->want) != 0) {
			print_error("\"%s\", and not \"%s\"\n", line, l->want);
			n = -1;
		} else {
			n++;
		}
	}
	if (f)
		fclose(f);
	return n < 0 || n >= l->n ? n : 0;
}

static void hooks_and_boots(void **state)
{
	(void)state;
	for (int i = 0; i < N_CONFIGS; i++) {
		struct config w = config_of(i);
		ct_container *c = make(&w, "filtered");
		struct lines l = { .n = 2 };
		int fd, boots = strcmp(w.uid, "0") ? 1 : 3;

		fd = open(told, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		assert_true(fd >= 0);
		assert_int_equal(fchmod(fd, 0666), 0);
		close(fd);
		snprintf(l.want, sizeof(l.want), "2 1 %d %d\n", w.no_new_privs, REFUSED);
		if (box_config(c, "signal.reboot", "SIGINT", "cap.keep", "sys_boot", "hook.start",
			       "/bin/sh -c \"/bin/inside filter >>/var/told\"", NULL))
			fail();
		assert_ok(c, box_detach(c, ARGV("/bin/sh", "-c",
						"trap 'reboot -f' INT; /bin/inside filter "
						">>/var/told; while :; do sleep 0.05; done")));
		/* who is not root has no capability to ask for another boot with */
		for (int boot = 1; boot <= boots; boot++, l.n += 2) {
			char *out = NULL;

			if (wait_until(are_told, &l) != l.n)
				fail_msg("%s, boot %d", w.name, boot);
			assert_ok(c, box_attach(c, NULL, ARGV(TELL), &out, NULL));
			expect(w.name, "attach to a boot", out, 1, w.no_new_privs);
			free(out);
			if (boot < boots)
				assert_ok(c, ct_reboot(c, PATIENCE_MS));
		}
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
		ct_unref(c);
	}
}

/* ---- a caller with a filter ------------------------------------------------------------------ */

/* A filter for this process: what is done with one call, all others are allowed. */
static int confine(long nr, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* 0 when start and attach have the filter above the caller's. */
static int filtered_caller(void *data)
{
	const struct config *w = data;
	ct_container *c = make(w, NULL);
	char want[64], *out[2] = { NULL, NULL };
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p;
	int bad = 0;

	snprintf(want, sizeof(want), "2 2 %d %d\n", w->no_new_privs, REFUSED);
	if (confine(SYS_mkdir, SECCOMP_RET_LOG))
		return 1;
	if (box_run(c, NULL, ARGV(TELL), &out[0], NULL) < 0)
		return box_failed(c, "start");
	o.argv = ARGV("/bin/sleep", "1000");
	if (ct_start(c, &o, &p) < 0)
		return box_failed(c, "second start");
	if (box_attach(c, NULL, ARGV(TELL), &out[1], NULL) < 0)
		return box_failed(c, "attach");
	for (int i = 0; i < 2; i++)
		if (strcmp(out[i], want) != 0)
			bad += printf("# %s: \"%s\", and not \"%s\"\n", w->name, out[i], want) > 0;
	ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
	ct_process_unref(p);
	ct_unref(c);
	free(out[0]);
	free(out[1]);
	return bad;
}

static void caller_with_a_filter(void **state)
{
	(void)state;
	for (int i = 0; i < N_CONFIGS; i++) {
		struct config w = config_of(i);

		assert_int_equal(in_process_of_its_own(filtered_caller, &w), 0);
	}
}

/* A caller that may load no filter starts nothing without one. */
static int caller_without_seccomp(void *data)
{
	struct config w = config_of(1);
	ct_container *c = make(&w, NULL);
	int r;

	(void)data;
	if (confine(SYS_seccomp, SECCOMP_RET_ERRNO | EPERM))
		return 1;
	r = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
	if (r != -EPERM)
		return printf("# %d: %s\n", r, ct_last_error(c)->message) > 0;
	ct_unref(c);
	return 0;
}

static void no_filter_no_start(void **state)
{
	(void)state;
	assert_int_equal(in_process_of_its_own(caller_without_seccomp, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_and_attach),
		cmocka_unit_test(hooks_and_boots),
		cmocka_unit_test(caller_with_a_filter),
		cmocka_unit_test(no_filter_no_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
