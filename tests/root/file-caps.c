/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <contain/contain.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "box.h"

/* What a start without a user gives: root inside, and none of the caller's sets. */
static int check_root(const char *out)
{
	return probe_expect(out, "file capabilities", "start", "uid", "[0, 0, 0]") +
	       probe_expect(out, "file capabilities", "start", "gid", "[0, 0, 0]") +
	       probe_expect(out, "file capabilities", "start", "groups", "[]") +
	       probe_expect(out, "file capabilities", "start", "cap_ambient",
			    "\"0000000000000000\"") +
	       probe_expect(out, "file capabilities", "start", "cap_inheritable",
			    "\"0000000000000000\"") +
	       probe_expect(out, "file capabilities", "start", "cap_effective",
			    "\"00000000a80425fb\"");
}

/* A user of the container has none of them, neither at a start nor at an attach. */
static int check_user(ct_container *c)
{
	char *out = NULL;
	int bad = 0;

	if (ct_set_config(c, "init.uid", "1000") < 0 ||
	    box_run(c, NULL, ARGV("/bin/probe"), &out, NULL) < 0)
		return box_failed(c, "start as user");
	bad += probe_expect(out, "file capabilities", "user", "uid", "[1000, 1000, 1000]") +
	       probe_expect(out, "file capabilities", "user", "cap_permitted",
			    "\"0000000000000000\"");
	free(out);
	out = NULL;
	if (box_attach_probe(c, &out))
		return 1;
	bad += probe_expect(out, "file capabilities", "attach", "uid", "[1000, 1000, 1000]") +
	       probe_expect(out, "file capabilities", "attach", "cap_ambient",
			    "\"0000000000000000\"");
	free(out);
	return bad;
}

/* For the test "inherit": executed as user 1000, by a copy that has file capabilities: ROOTFS DIR
 * STATE. Exits with 0 when all is well. */
int main(int argc, char **argv)
{
	ct_new_opts where = CT_NEW_OPTS_INIT;
	ct_container *c = NULL;
	char *out = NULL, hook[PATH_MAX];
	int bad = 0, i;

	if (argc != 4 || geteuid() != 1000)
		return 1;
	where.dir = argv[2];
	where.state_dir = argv[3];
	if (ct_new(&c, NULL, &where) < 0)
		return 1;
	snprintf(hook, sizeof(hook), "/bin/sh -c \"grep ^Cap /proc/self/status > %s/hook\"",
		 argv[2]);
	if (box_config(c, "rootfs.path", argv[1], "hook.pre-start", hook, NULL))
		return box_failed(c, "config");
	if (box_run(c, NULL, ARGV("/bin/probe"), &out, NULL) < 0)
		return box_failed(c, "start with file capabilities");
	bad += check_root(out);
	free(out);
	/* what the set-up has made belongs to root */
	if (box_run(c, NULL, ARGV("/bin/stat", "-c", "%u:%g", "/dev", "/dev/null", "/dev/shm"),
		    &out, NULL) < 0)
		return box_failed(c, "stat");
	bad += strcmp(out, "0:0\n0:0\n0:0\n") ? printf("# /dev belongs to %s\n", out) : 0;
	free(out);
	out = NULL;
	/* the caller's own sets are as before */
	for (i = 0; i < 41; i++)
		bad += prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) > 0
			       ? printf("# ambient %d\n", i)
			       : 0;
	bad += check_user(c);
	ct_unref(c);
	return bad ? 1 : 0;
}
