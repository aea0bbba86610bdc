/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seccomp.profile = default keeps what its table promises (tests/unit/seccomp-default.table): the
 * verdict on each system call 0..1023, of x86-64, x32 and i386 (by int 0x80), as a program in a
 * container meets it, and on arguments. verdicts.c says how a verdict is told from what the kernel
 * itself answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "run.h"
#include "setup.h"

#define NUMBERS 1024
/* These two a filter is not asked about: they are the kernel's own way back from its probes, and
 * do nothing elsewhere. Linux 6.14 and 6.18. */
#define URETPROBE 335
#define UPROBE 336

/* With Docker's capabilities, and with all: columns of the table, too. */
static const struct {
	const char *name, *key, *value;
} configs[] = {
	{ "Docker's capabilities", "cap.keep",
	  "chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap "
	  "net_bind_service sys_chroot kill audit_write" },
	{ "all capabilities", "cap.drop", "none" },
};
#define N_CONFIGS 2

static char table[N_CONFIGS][NUMBERS][12]; /* "", when it is not in the file: ENOSYS */

static int setup(void **state)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return 0;
	if (box_setup_bare(state) < 0)
		return -1;
	return rootfs_copy(&box.root, getenv("CT_VERDICTS"), "bin/verdicts", 0755);
}

static int teardown(void **state)
{
	return box.root.path[0] ? box_teardown(state) : 0;
}

static void must_know_verdicts(void)
{
	if (!box.root.path[0])
		skip_because("this kernel has no notifications");
}

static void read_table(void)
{
	char path[4096], line[128], name[64], verdict[N_CONFIGS][12];
	unsigned nr, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/unit/seccomp-default.table", getenv("CT_SOURCE"));
	f = fopen(path, "re");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); n++) {
		assert_int_equal(sscanf(line, "%u %63s %11s %11s", &nr, name, verdict[0],
					verdict[1]),
				 4);
		assert_true(nr < NUMBERS);
		for (int k = 0; k < N_CONFIGS; k++)
			memcpy(table[k][nr], verdict[k], sizeof(verdict[k]));
	}
	fclose(f);
	assert_true(n > 300);
}

/* What the table calls a verdict. */
static const char *word(const char *said)
{
	static const struct {
		const char *said, *word;
	} words[] = {
		{ "allow", "allow" },
		{ "errno 1", "EPERM" },
		{ "errno 38", "ENOSYS" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(said, words[i].said))
			return words[i].word;
	return said;
}

static const char *promised(int config, const char *abi, unsigned nr)
{
	if (strcmp(abi, "x86_64") != 0 || !table[config][nr][0])
		return "ENOSYS";
	return table[config][nr];
}

/* What the program says below the profile; the caller frees it. */
static char *run(int config, const char *profile, const char *keys, const char *const argv[])
{
	ct_container *c = must_open(NULL);
	ct_exit ex = CT_EXIT_INIT;
	char *out = NULL;

	assert_ok(c, ct_set_config(c, configs[config].key, configs[config].value));
	assert_ok(c, ct_set_config(c, "seccomp.profile", profile));
	assert_ok(c, ct_set_config(c, "keyring.user", keys));
	assert_ok(c, box_run(c, NULL, argv, &out, &ex));
	if (ex.reason != CT_EXIT_EXITED || ex.code)
		fail_msg("%s: it ended with reason %d, code %d: %s", configs[config].name,
			 ex.reason, ex.code, out);
	ct_unref(c);
	return out;
}

static void all_numbers(void **state)
{
	(void)state;
	must_know_verdicts();
	read_table();
	for (int k = 0; k < N_CONFIGS; k++) {
		char *out = run(k, "default", "0", ARGV("/bin/verdicts")), *save = NULL;
		unsigned nr, n = 0, wrong = 0;
		char abi[8], said[32];

		for (char *line = strtok_r(out, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save), n++) {
			assert_int_equal(sscanf(line, "%7[^:]:%u %31[^\n]", abi, &nr, said), 3);
			assert_true(nr < NUMBERS);
			if (!strcmp(abi, "x86_64") && (nr == URETPROBE || nr == UPROBE))
				continue;
			if (!strcmp(word(said), promised(k, abi, nr)))
				continue;
			wrong++;
			print_error("%s: %s %u: %s, promised: %s\n", configs[k].name, abi, nr, said,
				    promised(k, abi, nr));
		}
		assert_int_equal(n, 3 * NUMBERS);
		assert_int_equal(wrong, 0);
		free(out);
	}
}

/* The calls for keys by the numbers of each way into the kernel. */
static bool is_for_keys(const char *abi, unsigned nr)
{
	if (!strcmp(abi, "i386"))
		return nr >= 286 && nr <= 288;
	return nr >= 248 && nr <= 250;
}

/* Without a profile the calls for keys are refused, by each way, and no other. */
static void keys_alone(void **state)
{
	char *out, *save = NULL;
	unsigned nr, n = 0;
	char abi[8], said[32];

	(void)state;
	must_know_verdicts();
	out = run(0, "none", "0", ARGV("/bin/verdicts"));
	for (char *line = strtok_r(out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		assert_int_equal(sscanf(line, "%7[^:]:%u %31[^\n]", abi, &nr, said), 3);
		if (!strcmp(abi, "x86_64") && (nr == URETPROBE || nr == UPROBE))
			continue;
		if (strcmp(said, is_for_keys(abi, nr) ? "errno 1" : "allow") != 0)
			fail_msg("%s:%u: %s", abi, nr, said);
	}
	assert_int_equal(n, 3 * NUMBERS);
	free(out);
}

/* Without a filter all is allowed: what is refused above is refused by the filter. */
static void no_filter(void **state)
{
	char *out, *save = NULL;
	unsigned nr, n = 0;
	char abi[8], said[32];

	(void)state;
	must_know_verdicts();
	out = run(0, "none", "1", ARGV("/bin/verdicts"));
	for (char *line = strtok_r(out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		assert_int_equal(sscanf(line, "%7[^:]:%u %31[^\n]", abi, &nr, said), 3);
		if (strcmp(abi, "x86_64") != 0 || (nr != URETPROBE && nr != UPROBE))
			assert_string_equal(said, "allow");
	}
	assert_int_equal(n, 3 * NUMBERS);
	free(out);
}

/* Calls with arguments, each with and without bits that the kernel does not take of an int, and
 * what is said to them. 0x55 stands in the upper half. */
static const struct {
	const char *probe, *verdict[N_CONFIGS];
} arguments[] = {
	/* ioctl: TIOCSTI, TIOCLINUX, others */
	{ "x86_64:16:0:5412", { "EPERM", "EPERM" } },
	{ "x86_64:16:0:5500005412", { "EPERM", "EPERM" } },
	{ "x86_64:16:0:ffffffff00005412", { "EPERM", "EPERM" } },
	{ "x86_64:16:0:541c", { "EPERM", "EPERM" } },
	{ "x86_64:16:0:550000541c", { "EPERM", "EPERM" } },
	{ "x86_64:16:5412:5413", { "allow", "allow" } },
	{ "x86_64:16:0:15412", { "allow", "allow" } },
	/* socket: AF_VSOCK, AF_UNIX, more than 16 bits */
	{ "x86_64:41:28:1:0", { "EPERM", "EPERM" } },
	{ "x86_64:41:5500000028:1:0", { "EPERM", "EPERM" } },
	{ "x86_64:41:8000000000000028:1:0", { "EPERM", "EPERM" } },
	{ "x86_64:41:1:1:0", { "allow", "allow" } },
	{ "x86_64:41:10028:1:0", { "allow", "allow" } },
	/* clone: a fork, a thread, each namespace */
	{ "x86_64:56:11", { "allow", "allow" } },
	{ "x86_64:56:3d0f00", { "allow", "allow" } },
	{ "x86_64:56:20011", { "EPERM", "allow" } },
	{ "x86_64:56:2000011", { "EPERM", "allow" } },
	{ "x86_64:56:4000011", { "EPERM", "allow" } },
	{ "x86_64:56:8000011", { "EPERM", "allow" } },
	{ "x86_64:56:10000011", { "EPERM", "allow" } },
	{ "x86_64:56:20000011", { "EPERM", "allow" } },
	{ "x86_64:56:40000011", { "EPERM", "allow" } },
	{ "x86_64:56:7e020011", { "EPERM", "allow" } },
	{ "x86_64:56:5510000011", { "EPERM", "allow" } },
	{ "x86_64:56:8000000010000011", { "EPERM", "allow" } },
	/* the time namespace's flag is a signal for clone */
	{ "x86_64:56:80", { "allow", "allow" } },
	/* clone3 hides its flags in memory */
	{ "x86_64:435:0:58", { "ENOSYS", "allow" } },
	/* unshare: file system, each namespace */
	{ "x86_64:272:200", { "allow", "allow" } },
	{ "x86_64:272:80", { "EPERM", "allow" } },
	{ "x86_64:272:20000", { "EPERM", "allow" } },
	{ "x86_64:272:2000000", { "EPERM", "allow" } },
	{ "x86_64:272:4000000", { "EPERM", "allow" } },
	{ "x86_64:272:8000000", { "EPERM", "allow" } },
	{ "x86_64:272:10000000", { "EPERM", "allow" } },
	{ "x86_64:272:20000000", { "EPERM", "allow" } },
	{ "x86_64:272:40000000", { "EPERM", "allow" } },
	{ "x86_64:272:5510000200", { "EPERM", "allow" } },
	/* personality: the five, their neighbours, and what the kernel would cut off */
	{ "x86_64:135:0", { "allow", "allow" } },
	{ "x86_64:135:8", { "allow", "allow" } },
	{ "x86_64:135:20000", { "allow", "allow" } },
	{ "x86_64:135:20008", { "allow", "allow" } },
	{ "x86_64:135:ffffffff", { "allow", "allow" } },
	{ "x86_64:135:40000", { "EPERM", "EPERM" } },
	{ "x86_64:135:400008", { "EPERM", "EPERM" } },
	{ "x86_64:135:1", { "EPERM", "EPERM" } },
	{ "x86_64:135:5500000008", { "EPERM", "EPERM" } },
	{ "x86_64:135:ffffffffffffffff", { "EPERM", "EPERM" } },
	/* another architecture gets nothing by arguments either */
	{ "x32:41:1:1:0", { "ENOSYS", "ENOSYS" } },
	{ "i386:54:0:5413", { "ENOSYS", "ENOSYS" } },
	{ "i386:136:0", { "ENOSYS", "ENOSYS" } },
};
#define N_ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

static void of_arguments(void **state)
{
	const char *argv[N_ARGUMENTS + 2] = { "/bin/verdicts" };

	(void)state;
	must_know_verdicts();
	for (size_t i = 0; i < N_ARGUMENTS; i++)
		argv[i + 1] = arguments[i].probe;
	for (int k = 0; k < N_CONFIGS; k++) {
		char *out = run(k, "default", "0", argv), *save = NULL, *line = out;
		size_t i = 0;

		for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			const char *said = strchr(line, ' ');

			assert_true(i < N_ARGUMENTS && said);
			if (strcmp(word(said + 1), arguments[i].verdict[k]) != 0)
				fail_msg("%s: %s, promised: %s", configs[k].name, line,
					 arguments[i].verdict[k]);
			i++;
		}
		assert_int_equal(i, N_ARGUMENTS);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_numbers),
		cmocka_unit_test(no_filter),
		cmocka_unit_test(keys_alone),
		cmocka_unit_test(of_arguments),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
