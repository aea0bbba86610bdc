/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who the payload is: its capabilities, and those it could inherit, its groups, its environment. */
#include "help.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#define KILL (1ull << 5)
#define NET_BIND (1ull << 10)

/* ---- inheritable capabilities ---------------------------------------------------------------- */

static const struct caps_row {
	const char *config[6];
	unsigned long long inheritable;
} caps_rows[] = {
	{ { NULL }, 0 },
	{ { "cap.keep", "chown kill", NULL }, 0 },
	{ { "cap.drop", "sys_admin", NULL }, 0 },
	{ { "cap.keep", "none", NULL }, 0 },
	{ { "cap.keep", "chown net_bind_service", "cap.ambient", "net_bind_service", NULL },
	  NET_BIND },
	{ { "cap.bounding", "chown kill", "cap.inheritable", "kill", NULL }, KILL },
	{ { "cap.bounding", "chown", "cap.permitted", "chown", "cap.effective", "chown" }, 0 },
};
#define N_CAPS_ROWS (sizeof(caps_rows) / sizeof(caps_rows[0]))

/* All that this process has is inheritable, and ambient. 0 or -1. */
static int inherit_all(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	for (int i = 0; i < 2; i++)
		data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &head, data))
		return -1;
	for (unsigned long cap = 0; cap < 64; cap++)
		if (data[cap / 32].permitted & 1u << cap % 32)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

static unsigned long long set_of(const char *status, const char *name)
{
	char buf[64];

	return strtoull(status_field(status, name, buf, sizeof(buf)), NULL, 16);
}

/* 0; 1: the payload has something that it should not. */
static int check_sets(const char *status, const struct caps_row *row, const char *user)
{
	unsigned long long inh = set_of(status, "CapInh"), amb = set_of(status, "CapAmb"),
			   eff = set_of(status, "CapEff"), bnd = set_of(status, "CapBnd");
	bool root = !strcmp(user, "0");

	if (inh == row->inheritable && !(amb & ~inh) && !(eff & ~(root ? bnd | inh : amb)))
		return 0;
	printf("# escape: %s=%s, user %s: inheritable %llx, ambient %llx, effective %llx\n",
	       row->config[0] ? row->config[0] : "-", row->config[0] ? row->config[1] : "-", user,
	       inh, amb, eff);
	return 1;
}

static int caps_case(const struct caps_row *row, const char *user, bool attach)
{
	static const char *const argv[] = { "/bin/cat", "/proc/self/status", NULL };
	ct_container *c = box_handle(&box, NULL);
	ct_process *p = NULL;
	char *status;
	int r;

	for (size_t i = 0; i < 6 && row->config[i]; i += 2)
		if (ct_set_config(c, row->config[i], row->config[i + 1]))
			return 2;
	if (box_config(c, "init.uid", user, "init.gid", user, NULL))
		return 2;
	if (attach) {
		p = waiting(c);
		status = said_attached(c, NULL, argv);
	} else {
		status = said(c, NULL, argv);
	}
	r = check_sets(status, row, user);
	free(status);
	let_go(c, p);
	return r;
}

static int inheritable_body(void *data)
{
	int r = 0;

	if (inherit_all())
		return 3;
	for (size_t i = 0; i < N_CAPS_ROWS && !r; i++)
		for (int user = 0; user < 2 && !r; user++)
			r = caps_case(&caps_rows[i], user ? "1000" : "0", data != NULL);
	return r;
}

static void inheritable(const void *data)
{
	int r = in_process_of_its_own(inheritable_body, (void *)(uintptr_t)data);

	if (r == 1)
		escape("capabilities are inherited");
	assert_int_equal(r, 0);
}

/* The ids and capabilities of a user without rights, or an escape. */
static void is_plain_user(char *report, const char *program)
{
	char uid[64], gid[64], eff[64];

	probe_get(report, "uid", uid, sizeof(uid));
	probe_get(report, "gid", gid, sizeof(gid));
	probe_get(report, "cap_effective", eff, sizeof(eff));
	if (strcmp(uid, "[1000, 1000, 1000]") || strcmp(gid, "[1000, 1000, 1000]") ||
	    strcmp(eff, "\"0000000000000000\""))
		escape("%s has uid %s, gid %s, capabilities %s", program, uid, gid, eff);
	free(report);
}

/* Of a system, which has no filter: that would take no_new_privs, or a right, to load. */
static ct_container *of_user(const char *name, const char *nnp)
{
	ct_container *c = box_handle(&box, name);

	if (!c || box_config(c, "init.uid", "1000", "init.gid", "1000", "no_new_privs", nnp, NULL))
		give_up("the config is not taken");
	return c;
}

/* A user gets nothing by a setuid and setgid program, or one with file capabilities. */
static void gains_nothing(const void *data)
{
	static const char *const programs[] = { "/bin/probe-setuid", "/bin/probe-caps" };
	/* version 2, effective, chown permitted */
	static const unsigned char all[20] = { 1, 0, 0, 2, 1 };
	char path[2 * PATH_MAX];

	(void)data;
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_PROBE"), "bin/probe-setuid", 06755), 0);
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_PROBE"), "bin/probe-caps", 0755), 0);
	snprintf(path, sizeof(path), "%s/bin/probe-caps", box.root.path);
	if (syscall(SYS_setxattr, path, "security.capability", all, sizeof(all), 0))
		print_message("# no file capabilities here\n");
	for (int i = 0; i < 2; i++) {
		const char *const argv[] = { programs[i], NULL };
		ct_container *c = of_user("plain", "1");
		ct_process *p;

		is_plain_user(said(c, NULL, argv), programs[i]);
		p = waiting(c);
		is_plain_user(said_attached(c, NULL, argv), programs[i]);
		let_go(c, p);
	}
	rootfs_drop(&box.root, "bin/probe-setuid");
	rootfs_drop(&box.root, "bin/probe-caps");
}

/* Neither the program of a user nor what becomes root by itself has more than was kept. */
static void user_has_none(const void *data)
{
	ct_container *c = of_user("plain", "0");
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p;

	(void)data;
	is_plain_user(said(c, NULL, ARGV("/bin/probe")), "a start");
	p = waiting(c);
	is_plain_user(said_attached(c, NULL, ARGV("/bin/probe")), "an attach");
	let_go(c, p);
	/* by the flags of an attach to what runs as root */
	c = must_open(NULL);
	p = waiting(c);
	o.flags = CT_ATTACH_SET_UID | CT_ATTACH_SET_GID;
	o.uid = o.gid = 1000;
	is_plain_user(said_attached(c, &o, ARGV("/bin/probe")), "an attach as a user");
	o.flags = 0;
	o.user = "1000:1000";
	is_plain_user(said_attached(c, &o, ARGV("/bin/probe")), "an attach as a user by number");
	let_go(c, p);
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* A file that all but a group may read, and one that the group alone may. A caller in that group
 * starts a payload that has no groups, or others: what the caller may is of no account. */
static int groups_body(void *data)
{
	static const char script[] = "cat /srv/of-group 2>/dev/null && echo group; "
				     "grep ^Groups: /proc/self/status";
	const gid_t mine[] = { 4242, 4243 };
	ct_container *c = of_user("plain", "0");
	ct_process *p;
	int bad = 0;

	(void)data;
	if (setgroups(2, mine))
		return 3;
	p = waiting(c);
	for (int i = 0; i < 2; i++) {
		const char *const argv[] = { "/bin/sh", "-c", script, NULL };
		char *text = i ? said_attached(c, NULL, argv) : NULL;

		if (!i) {
			ct_container *d = of_user("second", "0");

			text = said(d, NULL, argv);
			ct_unref(d);
		}
		if (strstr(text, "group") || strstr(text, "424")) {
			printf("# escape: %s\n", text);
			bad = 1;
		}
		free(text);
	}
	let_go(c, p);
	return bad;
}

static void callers_groups(const void *data)
{
	char path[2 * PATH_MAX];
	int r;

	assert_int_equal(rootfs_file(&box.root, "srv/of-group", "secret\n", 0640), 0);
	snprintf(path, sizeof(path), "%s/srv/of-group", box.root.path);
	assert_int_equal(chown(path, 0, 4242), 0);
	r = in_process_of_its_own(groups_body, (void *)(uintptr_t)data);
	rootfs_drop(&box.root, "srv");
	if (r == 1)
		escape("the payload has the caller's groups");
	assert_int_equal(r, 0);
}

/* A program that changes its group does not get out of the payload's: with no_new_privs it
 * changes nothing, and who is looked up by name has the group in the list, too. (Busybox would give
 * the group up by itself.) */
static void negative_groups(const void *data)
{
	static const char *const argv[] = { "/bin/setgid", "try-files", "/srv/not-for-group",
					    NULL };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	char path[2 * PATH_MAX], *text;
	ct_container *c = of_user("plain", "1");
	ct_process *p;

	(void)data;
	assert_int_equal(rootfs_file(&box.root, "srv/not-for-group", "secret\n", 0604), 0);
	snprintf(path, sizeof(path), "%s/srv/not-for-group", box.root.path);
	assert_int_equal(chown(path, 0, 1000), 0);
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_PROBE"), "bin/setgid", 0755), 0);
	snprintf(path, sizeof(path), "%s/bin/setgid", box.root.path);
	assert_int_equal(chown(path, 0, 50) | chmod(path, 02755), 0);
	text = said(c, NULL, argv);
	if (strstr(text, "read data"))
		escape("a member of the group reads what is kept from it: %s", text);
	free(text);
	ct_unref(c);
	c = must_open(NULL);
	p = waiting(c);
	o.user = "tester";
	text = said_attached(c, &o, argv);
	if (strstr(text, "read data"))
		escape("a user who was looked up leaves his group: %s", text);
	free(text);
	let_go(c, p);
	rootfs_drop(&box.root, "srv");
	rootfs_drop(&box.root, "bin/setgid");
}

/* ---- environment ----------------------------------------------------------------------------- */

#define ENVIRONS "cat /proc/[0-9]*/environ | tr '\\0' '\\n'"

/* Neither the caller's environment nor that of another container of this caller's is inside. */
static void environment(const void *data)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *text, *found;

	(void)data;
	o.envp = ARGV("OTHERS=canary-others");
	free(said(c, &o, ARGV("/bin/true")));
	ct_unref(c);
	c = must_open(NULL);
	p = waiting(c);
	a.envp = ARGV("FIRST=canary-first");
	free(said_attached(c, &a, ARGV("/bin/true")));
	text = said_attached(c, NULL, ARGV("/bin/sh", "-c", ENVIRONS));
	assert_non_null(text);
	found = strstr(text, "canary");
	if (found)
		escape("somebody else's environment is inside: %s", found);
	assert_non_null(strstr(text, "PATH="));
	free(text);
	let_go(c, p);
}

/* A start hook and what is attached: the same. */
static void environment_of_hooks(const void *data)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *text, *found;

	(void)data;
	assert_int_equal(rootfs_file(&box.root, "bin/hook", "#!/bin/sh\nenv >/tmp/env\n", 0755), 0);
	assert_int_equal(box_config(c, "hook.start", "/bin/hook", "environment", "MINE=1", NULL),
			 0);
	p = waiting(c);
	text = said_attached(c, NULL, ARGV("/bin/sh", "-c", "cat /tmp/env; " ENVIRONS));
	assert_non_null(text);
	found = strstr(text, "canary");
	if (found)
		escape("the caller's environment is inside: %s", found);
	assert_non_null(strstr(text, "LXC_"));
	free(text);
	let_go(c, p);
	rootfs_drop(&box.root, "bin/hook");
	rootfs_drop(&box.root, "tmp/env");
}

int main(void)
{
	static const char attached[] = "attached";
	static const struct cve_case cases[] = {
		{ "cve-2022-29162-inheritable-start", inheritable, NULL },
		{ "cve-2025-27612-inheritable-attach", inheritable, attached },
		{ "cve-2018-10856-user-has-none", user_has_none, NULL },
		{ "setuid-program-gains-nothing", gains_nothing, NULL },
		{ "cve-2022-2990-callers-groups", callers_groups, NULL },
		{ "cve-2022-2989-negative-groups", negative_groups, NULL },
		{ "cve-2020-14370-environment", environment, NULL },
		{ "cve-2021-3602-environment-of-hooks", environment_of_hooks, NULL },
	};

	if (setenv("CT_CVE_SECRET", "canary-caller", 1))
		return 2;
	return cve_main("credentials", cases, sizeof(cases) / sizeof(*cases));
}
