/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The five sets of capabilities that a payload has, read from its /proc/self/status: for root and
 * another user, on the host's ids and mapped, with and without no_new_privs and a filter, by start,
 * attach, start hook and each boot; against what capabilities(7) makes of the sets of the config.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define BIT(n) (UINT64_C(1) << (n))
#define CHOWN BIT(0)
#define KILL BIT(5)
#define NET_BIND BIT(10)
#define PTRACE BIT(19)
#define SYS_BOOT BIT(22)
#define USUAL UINT64_C(0xa80425fb)
#define ALL (~UINT64_C(0)) /* that there are */
#define NOT_GIVEN BIT(63)

#define ENGINE_LIST                                                                          \
	"CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID " \
	"CAP_SETUID CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL "   \
	"CAP_AUDIT_WRITE"

enum { BOUNDING, PERMITTED, EFFECTIVE, INHERITABLE, AMBIENT, SETS };

struct sets {
	uint64_t v[SETS];
};

static const char *const fields[SETS] = { "CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb" };

/* ---- the table ------------------------------------------------------------------------------- */

/* A config, and the sets that it gives; those that are not given follow from the others. */
static const struct row {
	const char *name;
	const char *config[12];
	uint64_t given[SETS];
} rows[] = {
	{ "nothing said", { NULL }, { USUAL, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.keep",
	  { "cap.keep", "chown CAP_5 10" },
	  { CHOWN | KILL | NET_BIND, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.keep none",
	  { "cap.keep", "none" },
	  { 0, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.drop",
	  { "cap.drop", "chown" },
	  { ALL & ~CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.drop, of what no kernel has yet",
	  { "cap.drop", "cap_62 0" },
	  { ALL & ~CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.ambient",
	  { "cap.ambient", "net_bind_service kill" },
	  { USUAL, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NET_BIND | KILL } },
	{ "cap.ambient and cap.keep",
	  { "cap.keep", "net_bind_service chown", "cap.ambient", "net_bind_service" },
	  { NET_BIND | CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NET_BIND } },
	{ "cap.ambient and cap.drop",
	  { "cap.drop", "chown", "cap.ambient", "net_bind_service" },
	  { ALL & ~CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NET_BIND } },
	{ "Docker's, for root",
	  { "cap.bounding", ENGINE_LIST, "cap.permitted", ENGINE_LIST, "cap.effective", ENGINE_LIST,
	    "cap.inheritable", "none", "cap.ambient", "none" },
	  { USUAL, USUAL, USUAL, 0, 0 } },
	{ "podman's, for a user",
	  { "cap.bounding", ENGINE_LIST, "cap.permitted", "none", "cap.effective", "none",
	    "cap.inheritable", "none", "cap.ambient", "none" },
	  { USUAL, 0, 0, 0, 0 } },
	{ "an older engine's, inheritable",
	  { "cap.bounding", ENGINE_LIST, "cap.permitted", ENGINE_LIST, "cap.effective", ENGINE_LIST,
	    "cap.inheritable", ENGINE_LIST },
	  { USUAL, USUAL, USUAL, USUAL, 0 } },
	{ "an engine's, all five",
	  { "cap.bounding", "net_bind_service", "cap.permitted", "net_bind_service",
	    "cap.effective", "net_bind_service", "cap.inheritable", "net_bind_service",
	    "cap.ambient", "net_bind_service" },
	  { NET_BIND, NET_BIND, NET_BIND, NET_BIND, NET_BIND } },
	{ "five that differ",
	  { "cap.bounding", "chown kill net_bind_service", "cap.permitted", "chown kill",
	    "cap.effective", "chown", "cap.inheritable", "kill net_bind_service", "cap.ambient",
	    "kill" },
	  { CHOWN | KILL | NET_BIND, CHOWN | KILL, CHOWN, KILL | NET_BIND, KILL } },
	{ "cap.permitted alone",
	  { "cap.permitted", "chown" },
	  { USUAL, CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.permitted beyond the bounding set",
	  { "cap.bounding", "kill", "cap.permitted", "chown" },
	  { KILL, CHOWN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.effective alone",
	  { "cap.effective", "chown" },
	  { USUAL, NOT_GIVEN, CHOWN, NOT_GIVEN, NOT_GIVEN } },
	{ "cap.inheritable alone",
	  { "cap.inheritable", "chown" },
	  { USUAL, NOT_GIVEN, NOT_GIVEN, CHOWN, NOT_GIVEN } },
};

/* Who the payload is, and where. */
struct who {
	bool user, mapped, nnp, filter;
};

enum { WHOS = 16 };

static struct who who_of(unsigned i)
{
	return (struct who){ i & 1, i & 2, i & 4, i & 8 };
}

/* ---- what is expected ------------------------------------------------------------------------ */

static uint64_t there_are(void)
{
	uint64_t all = 0;

	for (unsigned long cap = 0; cap < 63 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		all |= BIT(cap);
	return all;
}

/* That a container of this caller can have. */
static uint64_t available(const struct who *w)
{
	uint64_t own = 0;

	if (w->mapped)
		return there_are();
	for (unsigned long cap = 0; cap < 63; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			own |= BIT(cap);
	return own;
}

static uint64_t or (uint64_t given, uint64_t otherwise)
{
	return given == NOT_GIVEN ? otherwise : given;
}

/* The sets before the program is executed. */
static struct sets asked(const struct row *r, const struct who *w)
{
	struct sets s;

	s.v[BOUNDING] = r->given[BOUNDING] & available(w);
	s.v[AMBIENT] = or (r->given[AMBIENT], 0);
	s.v[INHERITABLE] = or (r->given[INHERITABLE], s.v[AMBIENT]);
	s.v[PERMITTED] = s.v[AMBIENT] | or (r->given[EFFECTIVE], 0);
	if (!w->user)
		s.v[PERMITTED] |= s.v[BOUNDING];
	s.v[PERMITTED] = or (r->given[PERMITTED], s.v[PERMITTED]);
	s.v[EFFECTIVE] = or (r->given[EFFECTIVE], s.v[PERMITTED]);
	return s;
}

/* The sets after it, by capabilities(7), "Transformation of capabilities during execve()", of a
 * file without capabilities. */
static struct sets executed(struct sets s, bool root, bool nnp)
{
	uint64_t gained = 0;

	if (root)
		gained = s.v[INHERITABLE] | s.v[BOUNDING];
	if (nnp)
		gained &= s.v[PERMITTED];
	s.v[PERMITTED] = s.v[EFFECTIVE] = gained | s.v[AMBIENT];
	return s;
}

/* ---- what is there --------------------------------------------------------------------------- */

#define TELL "/bin/grep", "^Cap", "/proc/self/status"
#define TELL_ALL TELL, "/proc/1/status"

static struct sets read_sets(const char *report, const char *file)
{
	struct sets s;

	for (int i = 0; i < SETS; i++) {
		char field[64];
		const char *at;

		snprintf(field, sizeof(field), "%s%s:\t", file, fields[i]);
		at = strstr(report, field);
		s.v[i] = at ? strtoull(at + strlen(field), NULL, 16) : NOT_GIVEN;
	}
	return s;
}

static void compare(const struct row *r, const struct who *w, const char *how, struct sets want,
		    struct sets got)
{
	for (int i = 0; i < SETS; i++)
		if (got.v[i] != want.v[i])
			fail_msg("%s, %s%s%s%s: %s of %s is %016llx, not %016llx", r->name,
				 w->user ? "user" : "root", w->mapped ? ", mapped" : "",
				 w->nnp ? ", no_new_privs" : "", w->filter ? ", filter" : "",
				 fields[i], how, (unsigned long long)got.v[i],
				 (unsigned long long)want.v[i]);
}

static ct_container *make(const struct row *r, const struct who *w, const char *name)
{
	ct_container *c = must_open(name);

	for (size_t i = 0; r->config[i]; i += 2)
		assert_ok(c, ct_set_config(c, r->config[i], r->config[i + 1]));
	if (w->user)
		assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", NULL), 0);
	if (w->mapped)
		assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	if (w->nnp)
		assert_ok(c, ct_set_config(c, "no_new_privs", "1"));
	if (w->filter)
		assert_ok(c, ct_set_config(c, "seccomp.profile", "default"));
	return c;
}

static char *read_inside(const char *path)
{
	char full[PATH_MAX + 64], *text;
	int fd;

	snprintf(full, sizeof(full), "%s/%s", box.root.path, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = read_all(fd, PATIENCE_MS);
	close(fd);
	return text;
}

/* A start hook runs as root where the payload's user could become root, and then cannot trace. */
static struct sets of_hook(const struct row *r, const struct who *w)
{
	struct sets s = asked(r, w);

	if (!w->user || w->nnp)
		return executed(s, !w->user, w->nnp);
	s.v[BOUNDING] &= ~PTRACE;
	s.v[PERMITTED] = s.v[EFFECTIVE] = s.v[BOUNDING];
	s.v[INHERITABLE] = s.v[AMBIENT] = 0;
	return s;
}

static void started(const struct row *r, const struct who *w)
{
	ct_container *c = make(r, w, NULL);
	struct sets want = asked(r, w);
	char *out = NULL, *hook;

	rootfs_drop(&box.root, "tmp/hook");
	assert_ok(c, ct_set_config(c, "hook.start",
				   "/bin/sh -c \"grep ^Cap /proc/self/status > /tmp/hook\""));
	assert_ok(c, box_run(c, NULL, ARGV(TELL_ALL), &out, NULL));
	hook = read_inside("tmp/hook");
	assert_non_null(hook);
	/* pid 1 has executed nothing, and has no more than the program began with */
	compare(r, w, "pid 1", want, read_sets(out, "/proc/1/status:"));
	want = executed(want, !w->user, w->nnp);
	compare(r, w, "the program", want, read_sets(out, "/proc/self/status:"));
	compare(r, w, "the start hook", of_hook(r, w), read_sets(hook, ""));
	free(hook);
	free(out);
	ct_unref(c);
	/* what it executes in its turn */
	c = make(r, w, NULL);
	out = NULL;
	assert_ok(c, ct_set_config(c, "init.reaper", "0"));
	assert_ok(c,
		  box_run(c, NULL, ARGV("/bin/sh", "-c", "\"$@\" & wait", "sh", TELL), &out, NULL));
	compare(r, w, "a program's program", executed(want, !w->user, w->nnp), read_sets(out, ""));
	free(out);
	ct_unref(c);
}

static void attached(const struct row *r, const struct who *w)
{
	ct_container *c = make(r, w, NULL);
	ct_process *init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	static const char *const users[] = { NULL, "root", "tester" };

	for (size_t i = 0; i < 3; i++) {
		struct who as = *w;
		struct sets want;
		char *out = NULL;

		o.user = users[i];
		if (i)
			as.user = i == 2;
		want = executed(asked(r, &as), !as.user, w->nnp);
		assert_ok(c, box_attach(c, &o, ARGV(TELL), &out, NULL));
		compare(r, w, i ? users[i] : "the program attached", want, read_sets(out, ""));
		free(out);
	}
	ct_process_unref(init);
	ct_unref(c);
}

static void try_row(void **state)
{
	const struct row *r = *state;

	for (unsigned i = 0; i < WHOS; i++) {
		const struct who w = who_of(i);

		started(r, &w);
		attached(r, &w);
	}
}

/* ---- an attach that asks for its own --------------------------------------------------------- */

static const struct attach_row {
	const char *name;
	uint64_t flags;
	const char *user, *caps;
	uint32_t uid;
	int refused;
	struct sets sets;
} attach_rows[] = {
	{ "root asks", CT_ATTACH_SET_CAPS, NULL, "kill", 0, 0, { { KILL, KILL, KILL, 0, 0 } } },
	{ "a number asks",
	  CT_ATTACH_SET_CAPS | CT_ATTACH_SET_UID,
	  NULL,
	  "cap_5 10",
	  1000,
	  0,
	  { { KILL | NET_BIND, KILL | NET_BIND, KILL | NET_BIND, KILL | NET_BIND,
	      KILL | NET_BIND } } },
	{ "a name asks",
	  CT_ATTACH_SET_CAPS,
	  "tester",
	  "CAP_KILL",
	  0,
	  0,
	  { { KILL, KILL, KILL, KILL, KILL } } },
	{ "root by name asks",
	  CT_ATTACH_SET_CAPS,
	  "root",
	  "kill",
	  0,
	  0,
	  { { KILL, KILL, KILL, 0, 0 } } },
	{ "for none", CT_ATTACH_SET_CAPS, "tester", "", 0, 0, { { 0, 0, 0, 0, 0 } } },
	{ "for too much", CT_ATTACH_SET_CAPS, "tester", "chown", 0, -EPERM, { { 0 } } },
	{ "for a stranger", CT_ATTACH_SET_CAPS, NULL, "cap_63", 0, -EINVAL, { { 0 } } },
	{ "root elevated",
	  CT_ATTACH_ELEVATED,
	  NULL,
	  NULL,
	  0,
	  0,
	  { { ALL, ALL, ALL, NET_BIND, NET_BIND } } },
	{ "a name elevated",
	  CT_ATTACH_ELEVATED,
	  "tester",
	  NULL,
	  0,
	  0,
	  { { ALL, NET_BIND, NET_BIND, NET_BIND, NET_BIND } } },
	{ "a name elevated asks",
	  CT_ATTACH_ELEVATED | CT_ATTACH_SET_CAPS,
	  "tester",
	  "chown",
	  0,
	  0,
	  { { CHOWN, CHOWN, CHOWN, CHOWN, CHOWN } } },
};

static void attach_asks(void **state)
{
	static const struct row r = { "asked for by an attach",
				      { "cap.keep", "kill net_bind_service", "cap.ambient",
					"net_bind_service" },
				      { 0 } };
	const struct attach_row *a = *state;

	for (unsigned i = 0; i < WHOS; i++) {
		struct who w = who_of(i);
		ct_container *c;
		ct_process *init;
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		struct sets want = a->sets;
		char *out = NULL;
		int r_;

		if (w.user)
			continue;
		c = make(&r, &w, NULL);
		init = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		o.flags = a->flags;
		o.user = a->user;
		o.uid = a->uid;
		o.caps = a->caps;
		for (int k = 0; k < SETS; k++)
			want.v[k] &= available(&w);
		r_ = box_attach(c, &o, ARGV(TELL), &out, NULL);
		if (r_ != a->refused)
			fail_msg("%s: %d: %s", a->name, r_, ct_last_error(c)->message);
		if (!a->refused)
			compare(&r, &w, a->name, want, read_sets(out, ""));
		free(out);
		ct_process_unref(init);
		ct_unref(c);
	}
}

/* ---- each boot ------------------------------------------------------------------------------- */

struct boots {
	int n;
	struct sets got[4];
};

/* The reports of the boots so far, each ended by a line "end". */
static struct boots read_boots(void)
{
	char *text = read_inside("tmp/told"), *at = text, *end;
	struct boots b = { 0, { { { 0 } } } };

	while (at && b.n < 4 && (end = strstr(at, "end\n"))) {
		*end = 0;
		b.got[b.n++] = read_sets(at, "");
		at = end + 4;
	}
	free(text);
	return b;
}

static int told(void *n)
{
	return read_boots().n >= (int)(intptr_t)n;
}

/* An init that is no root reboots by the capability that is ambient. */
static void each_boot(void **state)
{
	static const struct row r = {
		"each boot",
		{ "cap.keep", "kill chown sys_boot", "cap.ambient", "sys_boot" },
		{ KILL | CHOWN | SYS_BOOT, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, SYS_BOOT }
	};

	(void)state;
	for (unsigned i = 0; i < WHOS; i++) {
		const struct who w = who_of(i);
		ct_container *c = make(&r, &w, "boots");
		struct sets want = executed(asked(&r, &w), !w.user, w.nnp);
		ct_process *p;
		struct boots b;

		rootfs_drop(&box.root, "tmp/told");
		assert_int_equal(box_config(c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
					    "init.reaper", "0", NULL),
				 0);
		p = must_start(
			c, CT_START_DETACH,
			ARGV("/bin/sh", "-c",
			     "trap 'exit 0' TERM; trap 'reboot -f' INT; "
			     "grep ^Cap /proc/self/status >>/tmp/told; echo end >>/tmp/told; "
			     "while :; do sleep 0.02; done"));
		assert_int_equal(wait_until(told, (void *)1), 1);
		assert_ok(c, ct_reboot(c, PATIENCE_MS));
		assert_int_equal(wait_until(told, (void *)2), 1);
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
		b = read_boots();
		compare(&r, &w, "the first boot", want, b.got[0]);
		compare(&r, &w, "the second boot", want, b.got[1]);
		ct_process_unref(p);
		ct_unref(c);
	}
}

/* ---- what cannot be -------------------------------------------------------------------------- */

static const struct refusal {
	const char *config[6];
	int err, id;
	const char *key, *object;
} refusals[] = {
	{ { "cap.ambient", "net_admin" }, -EPERM, CT_ERR_PRIVILEGE, "cap.ambient", "net_admin" },
	{ { "cap.keep", "kill", "cap.ambient", "kill chown" },
	  -EPERM,
	  CT_ERR_PRIVILEGE,
	  "cap.ambient",
	  "chown" },
	{ { "cap.drop", "kill", "cap.inheritable", "kill" },
	  -EPERM,
	  CT_ERR_PRIVILEGE,
	  "cap.inheritable",
	  "kill" },
	{ { "cap.bounding", "cap_62" }, -EPERM, CT_ERR_PRIVILEGE, "cap.bounding", "cap_62" },
	{ { "cap.permitted", "62" }, -EPERM, CT_ERR_PRIVILEGE, "cap.permitted", "cap_62" },
	{ { "cap.effective", "62" }, -EPERM, CT_ERR_PRIVILEGE, "cap.effective", "cap_62" },
	{ { "cap.permitted", "kill", "cap.effective", "chown" },
	  -EINVAL,
	  CT_ERR_CONFLICT,
	  "cap.effective",
	  "chown" },
	{ { "cap.permitted", "kill", "cap.ambient", "chown" },
	  -EINVAL,
	  CT_ERR_CONFLICT,
	  "cap.ambient",
	  "chown" },
	{ { "cap.inheritable", "kill", "cap.ambient", "chown" },
	  -EINVAL,
	  CT_ERR_CONFLICT,
	  "cap.ambient",
	  "chown" },
	{ { "cap.keep", "kill", "cap.bounding", "kill" },
	  -EINVAL,
	  CT_ERR_CONFLICT,
	  "cap.bounding",
	  "" },
	{ { "cap.drop", "kill", "cap.bounding", "kill" },
	  -EINVAL,
	  CT_ERR_CONFLICT,
	  "cap.bounding",
	  "" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *f = &refusals[i];
		ct_container *c = must_open(NULL);
		ct_start_opts o = CT_START_OPTS_INIT;
		const ct_error *e;

		for (size_t k = 0; f->config[k]; k += 2)
			assert_ok(c, ct_set_config(c, f->config[k], f->config[k + 1]));
		o.argv = ARGV("/bin/true");
		assert_refused(c, ct_check(c, &o), f->err);
		assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), f->err);
		e = ct_last_error(c);
		if (e->id != f->id || strcmp(e->key, f->key) != 0 ||
		    strcmp(e->object, f->object) != 0 || !e->hint[0])
			fail_msg("row %zu: %d, %s, %s: %s", i, e->id, e->key, e->object,
				 e->message);
		ct_unref(c);
	}
}

int main(void)
{
	enum {
		N = sizeof(rows) / sizeof(rows[0]),
		A = sizeof(attach_rows) / sizeof(attach_rows[0])
	};
	const struct CMUnitTest single[] = { cmocka_unit_test(each_boot),
					     cmocka_unit_test(refused) };
	static struct CMUnitTest tests[N + A + 2];

	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, try_row, NULL, NULL,
						(void *)&rows[i] };
	for (size_t i = 0; i < A; i++)
		tests[N + i] = (struct CMUnitTest){ attach_rows[i].name, attach_asks, NULL, NULL,
						    (void *)&attach_rows[i] };
	memcpy(tests + N + A, single, sizeof(single));
	return _cmocka_run_group_tests("capabilities", tests, N + A + 2, box_setup, box_teardown);
}
