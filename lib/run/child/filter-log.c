/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/filter-log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/seccomp/calls.h"
#include "base/num.h"
#include "base/sys.h"

#define LAST_BYTES 65536 /* of the log that are read */
#define TRIES 10	 /* the kernel's own thread writes the record */
#define PAUSE_MS 5
#define COARSE_MS 20		   /* by which the time of a record may be behind */
#define READ_ALL 3		   /* SYSLOG_ACTION_READ_ALL */
#define FIRST_NAMESPACE 0xEFFFFFFC /* the inode of the initial pid namespace, PROC_PID_INIT_INO */
#define RECORD "type=1326 audit("  /* AUDIT_SECCOMP */

static int in_first_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_NAMESPACE;
}

/* The number behind " name=" in a record. 1: it is there. */
static int number(const char *record, const char *name, unsigned base, uint64_t *out)
{
	char digits[24] = "", key[16];
	const char *at;
	size_t n;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(record, key);
	if (!at)
		return 0;
	at += strlen(key);
	n = strspn(at, "0123456789abcdef");
	if (!n || n >= sizeof(digits))
		return 0;
	memcpy(digits, at, n);
	if (base == 16)
		return ct_parse_hex(digits, 16, out) == 0;
	return ct_parse_u64(digits, out) == 0;
}

/* The time of a record, in milliseconds since 1970: "1796131637.194:121)". */
static uint64_t time_of(const char *text)
{
	char seconds[24] = "", parts[4] = "";
	size_t n = strspn(text, "0123456789");
	uint64_t s, ms;

	if (n >= sizeof(seconds) || text[n] != '.')
		return 0;
	memcpy(seconds, text, n);
	memcpy(parts, text + n + 1, strnlen(text + n + 1, 3));
	if (ct_parse_u64(seconds, &s) < 0 || ct_parse_u64(parts, &ms) < 0)
		return 0;
	return s * 1000 + ms;
}

int ct_filter_log_find(const char *log, pid_t pid, uint64_t since_real_ms, char *call, size_t size)
{
	int found = 0;

	for (const char *line = log; line; line = strchr(line, '\n')) {
		char record[512] = "";
		uint64_t of, sig, arch, nr;
		const char *at;

		line += *line == '\n';
		memcpy(record, line, strnlen(line, sizeof(record) - 1));
		record[strcspn(record, "\n")] = 0;
		at = strstr(record, RECORD);
		if (!at || time_of(at + strlen(RECORD)) < since_real_ms)
			continue;
		if (!number(at, "pid", 10, &of) || !number(at, "sig", 10, &sig) ||
		    !number(at, "arch", 16, &arch) || !number(at, "syscall", 10, &nr))
			continue;
		if (of != (uint64_t)pid || sig != SIGSYS || nr > INT32_MAX)
			continue;
		ct_filter_call_name((uint32_t)arch, (int)nr, call, size);
		found = 1;
	}
	return found;
}

void ct_filter_log_call(pid_t pid, uint64_t since_ns, char *call, size_t size)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	uint64_t age_ms = (ct_now_ns(CLOCK_MONOTONIC) - since_ns) / 1000000;
	uint64_t since = ct_now_ns(CLOCK_REALTIME) / 1000000 - age_ms;
	char *log;

	*call = 0;
	if (pid <= 0 || !in_first_namespace())
		return;
	log = malloc(LAST_BYTES + 1);
	for (int i = 0; log && i < TRIES; i++) {
		int n = klogctl(READ_ALL, log, LAST_BYTES);

		if (n < 0)
			break;
		log[n] = 0;
		if (ct_filter_log_find(log, pid, since - COARSE_MS, call, size))
			break;
		nanosleep(&pause, NULL);
	}
	free(log);
}
