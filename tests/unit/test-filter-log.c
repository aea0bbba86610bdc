/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system call of a filter's verdict, out of texts of the kernel's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/seccomp/policy.h"
#include "run/child/filter-log.h"

#define HEAD "<5>[ 5288.441887] audit: type=1326 audit("
#define WHEN "1796131637.194:121): auid=4294967295 uid=0 gid=0 ses=4294967295"
#define TAIL \
	" comm=\"mkdir\" exe=\"/bin/busybox\" sig=31 arch=c000003e syscall=83 compat=0 code=0x0"
#define WHEN_MS 1796131637194

static const struct {
	const char *log;
	int found;
	const char *call;
} rows[] = {
	{ HEAD WHEN " pid=77" TAIL "\n", 1, "mkdir" },
	{ HEAD WHEN " pid=77" TAIL, 1, "mkdir" },
	{ "<6>[1.0] other\n" HEAD WHEN " pid=77" TAIL "\n<6>[2.0] other\n", 1, "mkdir" },
	/* of another process, an earlier one of this number, one that was only logged */
	{ HEAD WHEN " pid=78" TAIL "\n", 0, "" },
	{ HEAD WHEN " pid=777" TAIL "\n", 0, "" },
	{ HEAD "1796131637.193:121): auid=0 pid=77" TAIL "\n", 0, "" },
	{ HEAD WHEN " pid=77 sig=0 arch=c000003e syscall=83\n", 0, "" },
	/* the newest counts; another architecture */
	{ HEAD WHEN " pid=77 sig=31 arch=c000003e syscall=41\n" HEAD WHEN " pid=77" TAIL, 1,
	  "mkdir" },
	{ HEAD WHEN " pid=77 sig=31 arch=40000003 syscall=39\n", 1, "mkdir" },
	/* no such call; another kind of record; cut off; numbers that are none */
	{ HEAD WHEN " pid=77 sig=31 arch=c000003e syscall=5000\n", 1, "" },
	{ "audit: type=1300 audit(" WHEN " pid=77" TAIL "\n", 0, "" },
	{ "7.194:121): pid=77" TAIL "\n", 0, "" },
	{ HEAD WHEN " pid=77 sig=31 arch=c000003e\n syscall=83\n", 0, "" },
	{ HEAD WHEN " pid=77 sig=31 arch=c000003e syscall=-1\n", 0, "" },
	{ HEAD WHEN " pid=77 sig=31 arch=c000003e syscall=99999999999999999999999\n", 0, "" },
	{ HEAD "soon): pid=77" TAIL "\n", 0, "" },
	{ HEAD, 0, "" },
	{ "", 0, "" },
	{ "\n\n\n", 0, "" },
};

static void texts(void **state)
{
	char call[32];

	(void)state;
	if (!ct_filter_native())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(call, 0, sizeof(call));
		if (ct_filter_log_find(rows[i].log, 77, WHEN_MS, call, sizeof(call)) !=
		    rows[i].found)
			fail_msg("row %zu: found is not %d", i, rows[i].found);
		assert_string_equal(call, rows[i].call);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts) };

	return cmocka_run_group_tests_name("filter-log", tests, NULL, NULL);
}
