/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/shared/keyed.c, lib/shared/figure.c and the tables over them: the texts by table, whole
 * groups by trees of files as the kernel has them. What the library and the stage say of the same
 * groups is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/usage.h"
#include "usage-texts.h"
#include "shared/figure.h"
#include "shared/keyed.h"
#include "shared/verdict.h"

#define ABSENT CT_ABSENT
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
#define TEXT(s) s, sizeof(s) - 1

struct text_case {
	enum ct_keyed_how how;
	const char *text;
	size_t n;
	const char *key;
	uint64_t value;
};

static const struct text_case text_cases[] = {
	{ CT_KEYED_NUMBER, TEXT("0\n"), "", 0 },
	{ CT_KEYED_NUMBER, TEXT("4403200\n"), "", 4403200 },
	{ CT_KEYED_NUMBER, TEXT("4403200"), "", 4403200 },
	{ CT_KEYED_NUMBER, TEXT("007\n"), "", 7 },
	{ CT_KEYED_NUMBER, TEXT("max\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT(""), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("12\n\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("12\n13\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("12 \n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT(" 12\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("-1\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("+1\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("0x10\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("1\0002\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("12\0"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("1\xb2\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("18446744073709551614\n"), "", UINT64_MAX - 1 },
	{ CT_KEYED_NUMBER, TEXT("18446744073709551615\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("18446744073709551616\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("99999999999999999999999999\n"), "", ABSENT },
	/* no limit: pages of 4, 16 and 64 KiB; then what is one */
	{ CT_KEYED_NUMBER, TEXT("9223372036854771712\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("9223372036854759424\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("9223372036854710272\n"), "", ABSENT },
	{ CT_KEYED_NUMBER, TEXT("9223372036854771711\n"), "", UINT64_C(9223372036854771711) },
	{ CT_KEYED_NUMBER, TEXT("9223372036854775808\n"), "", UINT64_C(9223372036854775808) },
	{ CT_KEYED_NUMBER, TEXT("9223372036853727232\n"), "", UINT64_C(9223372036853727232) },

	{ CT_KEYED_LINE, TEXT(V2_MEMORY_EVENTS), "high", 4 },
	{ CT_KEYED_LINE, TEXT(V2_MEMORY_EVENTS), "oom", 2 },
	{ CT_KEYED_LINE, TEXT(V2_MEMORY_EVENTS), "oom_kill", 1 },
	{ CT_KEYED_LINE, TEXT(V2_MEMORY_EVENTS), "oom_", ABSENT },
	{ CT_KEYED_LINE, TEXT(V2_MEMORY_EVENTS), "", ABSENT },
	{ CT_KEYED_LINE, TEXT(V1_MEMORY_STAT), "rss", 258048 },
	{ CT_KEYED_LINE, TEXT(V1_MEMORY_STAT), "total_rss", 274432 },
	{ CT_KEYED_LINE, TEXT("oom 1\noom_kill 2"), "oom_kill", 2 },
	{ CT_KEYED_LINE, TEXT("oom_kill 1\noom_kill 2\n"), "oom_kill", 1 },
	{ CT_KEYED_LINE, TEXT("oom_kill x\noom_kill 2\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill\noom_kill 2\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill  2\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill\t2\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill 2 3\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill 18446744073709551616\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("oom_kill 2\0\n"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("a\0oom_kill 3\noom_kill 2\n"), "oom_kill", 2 },
	{ CT_KEYED_LINE, TEXT("oom_kil"), "oom_kill", ABSENT },
	{ CT_KEYED_LINE, TEXT("\n\n\noom_kill 5\n"), "oom_kill", 5 },

	{ CT_KEYED_LINES, TEXT("slab 1\nkernel_stack 2\npagetables 4\n"),
	  "slab kernel_stack pagetables", 7 },
	{ CT_KEYED_LINES, TEXT("slab 1\nslab 8\npagetables 4\n"), "slab kernel_stack pagetables",
	  5 },
	{ CT_KEYED_LINES, TEXT("slab 1\npagetables -4\n"), "slab kernel_stack pagetables", ABSENT },
	{ CT_KEYED_LINES, TEXT("anon 1\n"), "slab kernel_stack pagetables", ABSENT },
	{ CT_KEYED_LINES, TEXT("slab 18446744073709551615\n"), "slab kernel_stack", ABSENT },
	{ CT_KEYED_LINES, TEXT("slab 18446744073709551614\nkernel_stack 2\n"), "slab kernel_stack",
	  ABSENT },

	{ CT_KEYED_DEVICES, TEXT(V2_IO_STAT), "rbytes", 90430464 + 28672 },
	{ CT_KEYED_DEVICES, TEXT(V2_IO_STAT), "wios", 353 },
	{ CT_KEYED_DEVICES, TEXT(V2_IO_STAT), "bytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT(""), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("252:0 "), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("rbytes=5 wbytes=6\n"), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("(unknown) rbytes=5 wbytes=6\n8:0 rbytes=1"), "rbytes", 6 },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=1 rbytes=2\n"), "rbytes", 1 },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=1\n8:16 rbytes=x\n"), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes\n"), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=\n"), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=1=2\n"), "rbytes", ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=18446744073709551614\n8:1 rbytes=1\n"), "rbytes",
	  ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=18446744073709551614\n8:1 rbytes=9\n"), "rbytes",
	  ABSENT },
	{ CT_KEYED_DEVICES, TEXT("8:0 rbytes=18446744073709551613\n8:1 rbytes=1\n"), "rbytes",
	  UINT64_MAX - 1 },

	{ CT_KEYED_OPERATION, TEXT(V1_BLKIO_BYTES), "Read", 4194304 + 4096 },
	{ CT_KEYED_OPERATION, TEXT(V1_BLKIO_BYTES), "Write", 524288 },
	{ CT_KEYED_OPERATION, TEXT(V1_BLKIO_BYTES), "Total", 4718592 + 4096 },
	{ CT_KEYED_OPERATION, TEXT("Total 0\n"), "Read", ABSENT },
	{ CT_KEYED_OPERATION, TEXT("Total 0\n"), "Total", ABSENT },
	{ CT_KEYED_OPERATION, TEXT("(unknown) Read 5\n8:0 Read 6"), "Read", 11 },
	{ CT_KEYED_OPERATION, TEXT("8:0 Readahead 5\n"), "Read", ABSENT },
	{ CT_KEYED_OPERATION, TEXT("8:0 Read 5 6\n"), "Read", ABSENT },

	{ CT_KEYED_TOKEN, TEXT(V2_CPU_PRESSURE), "some total", 55822 },
	{ CT_KEYED_TOKEN, TEXT(V2_CPU_PRESSURE), "full total", 55715 },
	{ CT_KEYED_HUNDREDTHS, TEXT(V2_CPU_PRESSURE), "some avg10", 9876 },
	{ CT_KEYED_HUNDREDTHS, TEXT(V2_CPU_PRESSURE), "some avg300", 5 },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=1.2 total=1\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=1.234\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=1\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=.50\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=1.-1\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=184467440737095516.00\n"), "some avg10", ABSENT },
	{ CT_KEYED_HUNDREDTHS, TEXT("some avg10=18446744073709551615.00\n"), "some avg10", ABSENT },
	{ CT_KEYED_TOKEN, TEXT("something total=3\nsome total=4\nsome total=5\n"), "some total",
	  4 },
	{ CT_KEYED_TOKEN, TEXT("some avg10=0.00 tot"), "some total", ABSENT },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		/* of its own size, so that a read past its end is seen */
		char *copy = malloc(c->n ? c->n : 1);
		uint64_t got;

		assert_non_null(copy);
		memcpy(copy, c->text, c->n);
		got = ct_keyed_in(c->how, copy, c->n, c->key);
		free(copy);
		if (got != c->value)
			fail_msg("case %zu: \"%s\" in \"%s\": %llu instead of %llu", i, c->key,
				 c->text, (unsigned long long)got, (unsigned long long)c->value);
	}
}

/* A text in pieces of whole lines says what it says at once. */
static void test_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		struct ct_keyed k = { .key = c->key, .how = (uint8_t)c->how };

		for (size_t at = 0; at < c->n;) {
			const char *end = memchr(c->text + at, '\n', c->n - at);
			size_t n = end ? (size_t)(end + 1 - c->text) - at : c->n - at;

			ct_keyed_feed(&k, c->text + at, n);
			at += n;
		}
		assert_int_equal(ct_keyed_value(&k), c->value);
	}
}

/* Cut anywhere, a text gives the whole, less or nothing, but never reads on. */
static void test_truncated(void **state)
{
	static const char text[] = V2_IO_STAT;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n + 1);
		uint64_t v;

		assert_non_null(copy);
		memcpy(copy, text, n);
		copy = realloc(copy, n ? n : 1);
		v = ct_usage_io(copy, n, "rbytes");
		assert_true(v == ABSENT || v <= 90430464 + 28672);
		assert_true(ct_keyed_whole(copy, n) <= n);
		free(copy);
	}
	assert_int_equal(ct_keyed_whole(TEXT("a\nb")), 2);
	assert_int_equal(ct_keyed_whole(TEXT("ab")), 0);
}

static void test_interface(void **state)
{
	ct_pressure p;

	(void)state;
	assert_int_equal(ct_usage_number(TEXT("4096\n")), 4096);
	assert_int_equal(ct_usage_number(NULL, 0), ABSENT);
	assert_int_equal(ct_usage_keyed(TEXT(V2_CPU_STAT), "usage_usec"), 23702);
	assert_int_equal(ct_usage_keyed(NULL, 0, "usage_usec"), ABSENT);
	assert_int_equal(ct_usage_io(TEXT(V2_IO_STAT), "wbytes"), 3145728);
	assert_int_equal(ct_usage_blkio(TEXT(V1_BLKIO_BYTES), "Write"), 524288);
	ct_usage_pressure(TEXT(V2_CPU_PRESSURE), &p);
	assert_int_equal(p.some_avg10, 9876);
	assert_int_equal(p.some_avg60, 1234);
	assert_int_equal(p.some_avg300, 5);
	assert_int_equal(p.some_total_us, 55822);
	assert_int_equal(p.full_avg10, 0);
	assert_int_equal(p.full_total_us, 55715);
	/* before 5.13 */
	ct_usage_pressure(TEXT("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"), &p);
	assert_int_equal(p.some_total_us, 1);
	assert_int_equal(p.full_avg300, ABSENT);
	assert_int_equal(p.full_total_us, ABSENT);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(ct_keyed_populated(TEXT("populated 1\nfrozen 0\n")), 1);
	assert_int_equal(ct_keyed_frozen(TEXT("populated 1\nfrozen 0\n")), 0);
	assert_int_equal(ct_keyed_frozen(TEXT("populated 0\nfrozen 1")), 1);
	assert_int_equal(ct_keyed_frozen(TEXT("populated 0\n")), -1);
	assert_int_equal(ct_keyed_populated(TEXT("populated 2\n")), -1);
	assert_int_equal(ct_keyed_populated(NULL, 0), -1);
	assert_int_equal(ct_keyed_freezer(TEXT("THAWED\n")), CT_KEYED_THAWED);
	assert_int_equal(ct_keyed_freezer(TEXT("FREEZING\n")), CT_KEYED_FREEZING);
	assert_int_equal(ct_keyed_freezer(TEXT("FROZEN")), CT_KEYED_FROZEN);
	assert_int_equal(ct_keyed_freezer(TEXT("FROZ\n")), -1);
	assert_int_equal(ct_keyed_freezer(TEXT("FROZEN \n")), -1);
	assert_int_equal(ct_keyed_freezer(TEXT("\n")), -1);
	assert_int_equal(ct_keyed_freezer(NULL, 0), -1);
}

/* ---- trees ----------------------------------------------------------------------------------- */

static char top[64];

static int make_top(void **state)
{
	(void)state;
	strcpy(top, "/tmp/ct-test-usage-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int remove_top(void **state)
{
	(void)state;
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A directory below the top, "" for the top, made if it is not there; as it is handed in. */
static int group(const char *path)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", top, path);
	mkdir(full, 0700);
	fd = open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void put_bytes(int dir, const char *name, const void *text, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

struct file {
	const char *name, *text;
};

static void put_all(int dir, const struct file *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_bytes(dir, v[i].name, v[i].text, strlen(v[i].text));
}

static void put(int dir, const char *name, const char *text)
{
	put_bytes(dir, name, text, strlen(text));
}

/* The same in a group that is made for it. */
static void put_in(const char *path, const char *name, const char *text)
{
	int fd = group(path);

	put(fd, name, text);
	close(fd);
}

static const struct file v2_files[] = {
	{ "memory.current", "8388608\n" },
	{ "memory.peak", "9437184\n" },
	{ "memory.max", "67108864\n" },
	{ "memory.stat", V2_MEMORY_STAT },
	{ "memory.swap.current", "12288\n" },
	{ "memory.swap.max", "1048576\n" },
	{ "memory.events", V2_MEMORY_EVENTS },
	{ "memory.events.local", "oom_kill 0\n" },
	{ "cpu.stat", V2_CPU_STAT },
	{ "io.stat", V2_IO_STAT },
	{ "pids.current", "3\n" },
	{ "pids.peak", "7\n" },
	{ "pids.max", "32\n" },
	{ "pids.events", "max 5\n" },
	{ "pids.events.local", "max 1\n" },
	{ "cpu.pressure", V2_CPU_PRESSURE },
	{ "memory.pressure", "some avg10=0.01 avg60=0.02 avg300=0.03 total=4\n"
			     "full avg10=0.05 avg60=0.06 avg300=0.07 total=8\n" },
	{ "io.pressure", "some avg10=1.00 avg60=2.00 avg300=3.00 total=9\n"
			 "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" },
};

static const struct file v1_files[] = {
	{ "memory.usage_in_bytes", "4403200\n" },
	{ "memory.max_usage_in_bytes", "5403200\n" },
	{ "memory.limit_in_bytes", "67108864\n" },
	{ "memory.memsw.usage_in_bytes", "4407296\n" },
	{ "memory.memsw.limit_in_bytes", "68157440\n" },
	{ "memory.kmem.usage_in_bytes", "512000\n" },
	{ "memory.failcnt", "6\n" },
	{ "memory.stat", V1_MEMORY_STAT },
	{ "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n" },
	{ "cpuacct.usage", "54004583\n" },
	{ "cpuacct.usage_user", "12000000\n" },
	{ "cpuacct.usage_sys", "52000000\n" },
	{ "cpu.stat", V1_CPU_STAT },
	{ "blkio.throttle.io_service_bytes_recursive", V1_BLKIO_BYTES },
	{ "blkio.throttle.io_serviced_recursive", V1_BLKIO_REQUESTS },
	{ "pids.current", "2\n" },
	{ "pids.max", "max\n" },
	{ "pids.peak", "4\n" },
	{ "pids.events", "max 9\n" },
};

#define ALL (CT_CG_CPU | CT_CG_CPUACCT | CT_CG_MEMORY | CT_CG_IO | CT_CG_PIDS)

/* What the figures of a struct must be; all others are absent. */
struct want {
	size_t offset;
	uint64_t value;
};
#define WANT(field, value)                       \
	{                                        \
		offsetof(ct_usage, field), value \
	}

static void check(const ct_usage *got, const struct want *v, size_t n)
{
	ct_usage all;

	memset(&all, 0xff, sizeof(all));
	for (size_t i = 0; i < n; i++)
		memcpy((char *)&all + v[i].offset, &v[i].value, sizeof(v[i].value));
	for (size_t at = sizeof(size_t); at < sizeof(all); at += sizeof(uint64_t)) {
		uint64_t a, b;

		memcpy(&a, (const char *)got + at, sizeof(a));
		memcpy(&b, (const char *)&all + at, sizeof(b));
		if (a != b)
			fail_msg("figure at %zu: %llu instead of %llu", at, (unsigned long long)a,
				 (unsigned long long)b);
	}
	assert_int_equal(got->size, sizeof(all));
}

/* Reads it both ways: the shared counters agree, and no descriptor stays. */
static void read_usage(const struct ct_cg_place *v, uint32_t n, ct_usage *out)
{
	struct ct_counters c;
	int before = dup(2), after;

	close(before);
	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	ct_usage_read(v, n, out);
	ct_counters_read(v, n, &c);
	assert_int_equal(ct_counters_cpu_us(v, n), c.cpu_us);
#define CT_COUNTER(field) assert_int_equal(out->field, c.field);
#include "shared/verdict.def"
	after = dup(2);
	close(after);
	assert_int_equal(before, after);
}

static const struct want v2_wants[] = {
	WANT(memory, 8388608),
	WANT(memory_peak, 9437184),
	WANT(memory_limit, 67108864),
	WANT(memory_anon, 1060864),
	WANT(memory_file, 6225920),
	WANT(memory_kernel, 1101824),
	WANT(swap, 12288),
	WANT(swap_limit, 1048576),
	WANT(memory_high_events, 4),
	WANT(memory_max_events, 3),
	WANT(oom_events, 2),
	WANT(oom_kills, 1),
	WANT(cpu_us, 23702),
	WANT(cpu_user_us, 1200),
	WANT(cpu_system_us, 22502),
	WANT(cpu_periods, 11),
	WANT(cpu_throttled_periods, 7),
	WANT(cpu_throttled_us, 550123),
	WANT(io_read, 90459136),
	WANT(io_written, 3145728),
	WANT(io_reads, 299 + 22),
	WANT(io_writes, 353),
	WANT(pids, 3),
	WANT(pids_peak, 7),
	WANT(pids_limit, 32),
	WANT(pids_refused, 5),
	WANT(cpu_pressure.some_avg10, 9876),
	WANT(cpu_pressure.some_avg60, 1234),
	WANT(cpu_pressure.some_avg300, 5),
	WANT(cpu_pressure.some_total_us, 55822),
	WANT(cpu_pressure.full_avg10, 0),
	WANT(cpu_pressure.full_avg60, 0),
	WANT(cpu_pressure.full_avg300, 0),
	WANT(cpu_pressure.full_total_us, 55715),
	WANT(memory_pressure.some_avg10, 1),
	WANT(memory_pressure.some_avg60, 2),
	WANT(memory_pressure.some_avg300, 3),
	WANT(memory_pressure.some_total_us, 4),
	WANT(memory_pressure.full_avg10, 5),
	WANT(memory_pressure.full_avg60, 6),
	WANT(memory_pressure.full_avg300, 7),
	WANT(memory_pressure.full_total_us, 8),
	WANT(io_pressure.some_avg10, 100),
	WANT(io_pressure.some_avg60, 200),
	WANT(io_pressure.some_avg300, 300),
	WANT(io_pressure.some_total_us, 9),
	WANT(io_pressure.full_avg10, 0),
	WANT(io_pressure.full_avg60, 0),
	WANT(io_pressure.full_avg300, 0),
	WANT(io_pressure.full_total_us, 0),
};

static void test_v2(void **state)
{
	struct ct_cg_place place = { 2, ALL & ~CT_CG_CPUACCT, group("two") };
	ct_usage u;

	(void)state;
	put_all(place.fd, v2_files, COUNT(v2_files));
	/* not counted twice: pids.events.local is there */
	put_in("two/sub", "pids.events", "max 100\n");
	read_usage(&place, 1, &u);
	check(&u, v2_wants, COUNT(v2_wants));
	close(place.fd);
}

/* A group that was just made, and a kernel of 5.14: no peaks, no "kernel", events where the
 * process is, no pressure. */
static void test_v2_old(void **state)
{
	static const struct want wants[] = {
		WANT(memory, 0),
		WANT(memory_kernel, 49152 + 20480 + 4096),
		WANT(memory_anon, 0),
		WANT(memory_file, 0),
		WANT(oom_kills, 0),
		WANT(oom_events, 0),
		WANT(memory_high_events, 0),
		WANT(memory_max_events, 0),
		WANT(cpu_us, 0),
		WANT(cpu_user_us, 0),
		WANT(cpu_system_us, 0),
		WANT(io_read, 0),
		WANT(io_written, 0),
		WANT(io_reads, 0),
		WANT(io_writes, 0),
		WANT(pids, 0),
		WANT(pids_refused, 12),
	};
	struct ct_cg_place place = { 2, ALL, group("old") };
	ct_usage u;

	(void)state;
	put(place.fd, "memory.current", "0\n");
	put(place.fd, "memory.max", "max\n");
	put(place.fd, "memory.swap.max", "max\n");
	put(place.fd, "memory.stat", V2_MEMORY_STAT_5_14);
	put(place.fd, "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
	put(place.fd, "cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
	put(place.fd, "io.stat", "");
	put(place.fd, "pids.current", "0\n");
	put(place.fd, "pids.max", "max\n");
	put(place.fd, "pids.events", "max 0\n");
	put_in("old/sub", "pids.events", "max 2\n");
	put_in("old/sub/deeper", "pids.events", "max 10\n");
	put_in("old/sub/deeper", "memory.events", "oom_kill 10\n");
	read_usage(&place, 1, &u);
	check(&u, wants, COUNT(wants));
	close(place.fd);
}

static const struct want v1_wants[] = {
	WANT(memory, 4403200),
	WANT(memory_peak, 5403200),
	WANT(memory_limit, 67108864),
	WANT(memory_anon, 274432),
	WANT(memory_file, 3059712),
	WANT(memory_kernel, 512000),
	WANT(swap, 8192),
	WANT(swap_limit, 1048576),
	WANT(memory_max_events, 6),
	WANT(oom_kills, 3),
	WANT(cpu_us, 54004),
	WANT(cpu_user_us, 12000),
	WANT(cpu_system_us, 52000),
	WANT(cpu_periods, 4),
	WANT(cpu_throttled_periods, 2),
	WANT(cpu_throttled_us, 61234),
	WANT(io_read, 4198400),
	WANT(io_written, 524288),
	WANT(io_reads, 65),
	WANT(io_writes, 8),
	WANT(pids, 2),
	WANT(pids_peak, 4),
	WANT(pids_refused, 9),
};

static void test_v1(void **state)
{
	struct ct_cg_place place = { 1, ALL, group("one") };
	ct_usage u;

	(void)state;
	put_all(place.fd, v1_files, COUNT(v1_files));
	read_usage(&place, 1, &u);
	check(&u, v1_wants, COUNT(v1_wants));
	/* memory without a limit has none for swap either */
	put(place.fd, "memory.limit_in_bytes", "9223372036854771712\n");
	read_usage(&place, 1, &u);
	assert_int_equal(u.memory_limit, ABSENT);
	assert_int_equal(u.swap_limit, ABSENT);
	put(place.fd, "memory.limit_in_bytes", "67108864\n");
	put(place.fd, "memory.memsw.limit_in_bytes", "9223372036854771712\n");
	read_usage(&place, 1, &u);
	assert_int_equal(u.swap_limit, ABSENT);
	put(place.fd, "memory.memsw.limit_in_bytes", "4096\n");
	read_usage(&place, 1, &u);
	assert_int_equal(u.swap_limit, 0);
	/* without a throttling limit it is the scheduler that counts, if at all */
	put(place.fd, "blkio.throttle.io_service_bytes_recursive", "Total 0\n");
	read_usage(&place, 1, &u);
	assert_int_equal(u.io_read, ABSENT);
	put(place.fd, "blkio.bfq.io_service_bytes_recursive",
	    "8:0 Read 5\n8:0 Write 6\nTotal 11\n");
	put(place.fd, "blkio.throttle.io_serviced_recursive", "Total 0\n");
	put(place.fd, "blkio.bfq.io_serviced_recursive", "8:0 Read 7\n8:0 Write 8\nTotal 15\n");
	read_usage(&place, 1, &u);
	assert_int_equal(u.io_read, 5);
	assert_int_equal(u.io_written, 6);
	assert_int_equal(u.io_reads, 7);
	assert_int_equal(u.io_writes, 8);
	close(place.fd);
}

static void check_hybrid(const ct_usage *u)
{
	assert_int_equal(u->memory, 4403200);
	assert_int_equal(u->pids, 2);
	assert_int_equal(u->cpu_us, 54004);
	assert_int_equal(u->cpu_user_us, 12000);
	assert_int_equal(u->cpu_periods, 4);
	assert_int_equal(u->io_read, ABSENT);
	assert_int_equal(u->oom_events, ABSENT);
	assert_int_equal(u->cpu_pressure.some_total_us, 55822);
	assert_int_equal(u->io_pressure.some_avg10, 100);
}

/* Each of version 1's hierarchies is a place of its own; version 2 has what no controller needs. */
static void test_hybrid(void **state)
{
	struct ct_cg_place place[] = {
		{ 2, CT_CG_CORE, group("unified") },	{ 1, CT_CG_MEMORY, group("memory") },
		{ 1, CT_CG_PIDS, group("pids") },	{ 1, CT_CG_CPU, group("cpu") },
		{ 1, CT_CG_CPUACCT, group("cpuacct") }, { 1, CT_CG_FREEZER, group("freezer") },
	};
	ct_usage u;

	(void)state;
	/* what a place does not serve is not looked for there, present or not */
	for (size_t i = 0; i < COUNT(place); i++)
		put_all(place[i].fd, place[i].version == 1 ? v1_files : v2_files,
			place[i].version == 1 ? COUNT(v1_files) : COUNT(v2_files));
	read_usage(place, COUNT(place), &u);
	check_hybrid(&u);
	/* version 1's place says nothing: nothing is said */
	unlinkat(place[4].fd, "cpuacct.usage", 0);
	read_usage(place, COUNT(place), &u);
	assert_int_equal(u.cpu_us, ABSENT);
	assert_int_equal(u.cpu_user_us, 12000);
	/* no such place: version 2 counts */
	place[4].controllers = CT_CG_NET_CLS;
	read_usage(place, COUNT(place), &u);
	assert_int_equal(u.cpu_us, 23702);
	assert_int_equal(u.cpu_user_us, 1200);
	assert_int_equal(u.cpu_periods, 4);
	/* version 2 has io */
	place[0].controllers |= CT_CG_IO;
	read_usage(place, COUNT(place), &u);
	assert_int_equal(u.io_read, 90459136);
	assert_int_equal(u.memory_peak, 5403200);
	for (size_t i = 0; i < COUNT(place); i++)
		close(place[i].fd);
}

static void test_nothing(void **state)
{
	struct ct_cg_place place[] = {
		{ 1, ALL, -1 }, { 2, ALL, -1 }, { 3, ALL, -1 }, { 2, ~0u, group("empty") }
	};
	ct_usage u;

	(void)state;
	read_usage(NULL, 0, &u);
	check(&u, NULL, 0);
	read_usage(place, COUNT(place), &u);
	check(&u, NULL, 0);
	/* names that are no files */
	mkdirat(place[3].fd, "memory.current", 0700);
	assert_int_equal(symlinkat("/proc/self/stat", place[3].fd, "cpu.stat"), 0);
	put(place[3].fd, "memory.max", "");
	put_bytes(place[3].fd, "pids.current", "5\0\n", 3);
	read_usage(&place[3], 1, &u);
	check(&u, NULL, 0);
	close(place[3].fd);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_oom_below(void **state)
{
	struct ct_cg_place place = { 1, CT_CG_MEMORY, group("oom") };
	char path[256] = "oom";
	ct_usage u;

	(void)state;
	put(place.fd, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	/* each level down to the twelfth has one */
	for (int i = 0; i < 12; i++) {
		strcat(path, "/g");
		put_in(path, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	}
	/* another beside the first, one without the file, one that is a link */
	close(group("oom/none"));
	put_in("oom/h", "memory.oom_control", "oom_kill 100\n");
	assert_int_equal(symlinkat("h", place.fd, "link"), 0);
	read_usage(&place, 1, &u);
	assert_int_equal(u.oom_kills, 1 + CT_FIGURE_DEPTH + 100);
	close(place.fd);
}

static void test_many_below(void **state)
{
	struct ct_cg_place place = { 1, CT_CG_PIDS, group("many") };
	ct_usage u;

	(void)state;
	put(place.fd, "pids.events", "max 0\n");
	for (int i = 0; i < CT_FIGURE_GROUPS + 50; i++) {
		char path[32];

		snprintf(path, sizeof(path), "many/%d", i);
		put_in(path, "pids.events", "max 1\n");
	}
	read_usage(&place, 1, &u);
	assert_int_equal(u.pids_refused, CT_FIGURE_GROUPS);
	close(place.fd);
}

/* More devices than fit into one reading, and more than are read at all. */
static void test_many_devices(void **state)
{
	struct ct_cg_place place = { 2, CT_CG_IO, group("devices") };
	static char text[200000];
	ct_usage u;

	(void)state;
	for (int lines = 1; lines <= 4096; lines *= 4) {
		size_t n = 0;

		for (int i = 0; i < lines; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%d:%d rbytes=1 wbytes=1000 rios=1 wios=1\n",
					      100 + i / 999, i % 999);
		put_bytes(place.fd, "io.stat", text, n);
		read_usage(&place, 1, &u);
		if (n < 65536) {
			assert_int_equal(u.io_read, lines);
		} else {
			assert_in_range(u.io_read, 65536 / 50, lines - 1);
		}
		assert_int_equal(u.io_written, u.io_read * 1000);
	}
	/* a buffer without the end of a line */
	memset(text, '1', sizeof(text));
	memcpy(text + 20000, "\n8:0 rbytes=5 \n", 15);
	put_bytes(place.fd, "io.stat", text, 30000);
	read_usage(&place, 1, &u);
	assert_int_equal(u.io_read, 0);
	close(place.fd);
}

static const struct {
	int reason;
	uint64_t cpu_us, pids_peak, oom_kills, pids_refused;
	int reaper, want;
	uint64_t want_cpu_us, want_peak;
} verdicts[] = {
	{ CT_EXIT_EXITED, 150, 3, 0, 0, 0, CT_EXIT_EXITED, 50, 3 },
	{ CT_EXIT_EXITED, 100, 3, 0, 0, 1, CT_EXIT_EXITED, 0, 2 },
	{ CT_EXIT_EXITED, 99, 1, 0, 0, 1, CT_EXIT_EXITED, 0, 1 },
	{ CT_EXIT_SIGNALED, CT_ABSENT, CT_ABSENT, CT_ABSENT, CT_ABSENT, 1, CT_EXIT_SIGNALED,
	  CT_ABSENT, CT_ABSENT },
	{ CT_EXIT_SIGNALED, 101, 2, 1, 1, 0, CT_EXIT_MEMORY, 1, 2 },
	{ CT_EXIT_EXITED, 101, 2, 1, CT_ABSENT, 0, CT_EXIT_MEMORY, 1, 2 },
	{ CT_EXIT_EXITED, 101, 2, CT_ABSENT, 1, 0, CT_EXIT_PIDS, 1, 2 },
	{ CT_EXIT_STOPPED, 101, 2, 1, 1, 0, CT_EXIT_STOPPED, 1, 2 },
	{ CT_EXIT_TIME, 101, 2, 1, 1, 0, CT_EXIT_TIME, 1, 2 },
	{ CT_EXIT_LOST, 101, 2, 1, 1, 0, CT_EXIT_LOST, 1, 2 },
};

/* What the counters add to a verdict, and which reasons give way to a limit. */
static void test_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct ct_counters c = { .cpu_us = verdicts[i].cpu_us,
					 .pids_peak = verdicts[i].pids_peak,
					 .oom_kills = verdicts[i].oom_kills,
					 .pids_refused = verdicts[i].pids_refused,
					 .memory_peak = 77 };
		struct ct_verdict v = { .reason = verdicts[i].reason, .code = 5 };

		ct_verdict_add(&v, &c, 100, verdicts[i].reaper);
		if (v.reason != verdicts[i].want || v.tree.cpu_us != verdicts[i].want_cpu_us ||
		    v.tree.pids_peak != verdicts[i].want_peak)
			fail_msg("row %zu: reason %d, %llu us, peak %llu", i, v.reason,
				 (unsigned long long)v.tree.cpu_us,
				 (unsigned long long)v.tree.pids_peak);
		assert_int_equal(v.code, 5);
		assert_int_equal(v.tree.memory_peak, 77);
		assert_true(v.tree.oom_kills == verdicts[i].oom_kills &&
			    v.tree.pids_refused == verdicts[i].pids_refused);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test_setup_teardown(test_v2, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_v2_old, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_v1, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_hybrid, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_nothing, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_oom_below, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_many_below, make_top, remove_top),
		cmocka_unit_test_setup_teardown(test_many_devices, make_top, remove_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
