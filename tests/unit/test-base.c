/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/base: arena, buffer, descriptors, system calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/fd.h"
#include "base/sys.h"

static void test_arena(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	unsigned char *last = NULL;

	(void)state;
	assert_non_null(a);
	for (size_t size = 0; size < 200000; size = size * 2 + 1) {
		unsigned char *p = ct_arena_alloc(a, size);

		assert_non_null(p);
		assert_true(p != last);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		last = p;
	}
	assert_null(ct_arena_alloc(a, SIZE_MAX));
	assert_null(ct_arena_alloc(a, SIZE_MAX / 2));
	assert_null(ct_arena_grow(a, NULL, 0, SIZE_MAX / 2, 16));
	ct_arena_free(NULL);
}

static void test_arena_strings(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	uint32_t numbers[3] = { 1, 2, 3 }, *grown;

	(void)state;
	assert_string_equal(ct_arena_strdup(a, "abc"), "abc");
	assert_string_equal(ct_arena_strdup(a, ""), "");
	assert_string_equal(ct_arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(ct_arena_strndup(a, "ab", 300), "ab");
	assert_string_equal(ct_arena_printf(a, "%s-%d", "x", 7), "x-7");
	grown = ct_arena_grow(a, numbers, 3, 6, sizeof(*numbers));
	assert_int_equal(grown[2], 3);
	assert_int_equal(grown[5], 0);
}

static void test_buf(void **state)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
	char *taken;

	(void)state;
	assert_string_equal(ct_buf_text(&b), "");
	taken = ct_buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	for (int i = 0; i < 1000; i++)
		ct_buf_printf(&b, "%d,", i);
	ct_buf_char(&b, 'x');
	ct_buf_add(&b, "y\0z", 3);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 4);
	assert_int_equal(b.data[b.len], 0);
	assert_int_equal(ct_buf_error(&b), 0);
	taken = ct_buf_take(&b);
	assert_memory_equal(taken, "0,1,2,", 6);
	assert_null(b.data);
	free(taken);
}

static void test_buf_out_of_memory(void **state)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	(void)state;
	ct_buf_str(&b, "kept");
	ct_buf_add(&b, "", SIZE_MAX / 2 + 1);
	assert_int_equal(ct_buf_error(&b), -ENOMEM);
	ct_buf_str(&b, "not added");
	assert_string_equal(ct_buf_text(&b), "kept");
	assert_null(ct_buf_take(&b));
}

struct quoting {
	const char *in, *json, *quoted;
};

static void test_quoting(void **state)
{
	static const struct quoting rows[] = {
		{ "", "\"\"", "\"\"" },
		{ "plain", "\"plain\"", "\"plain\"" },
		{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"", "\"a\\\"b\\\\c/d\"" },
		{ "\n\t\r\b\f", "\"\\n\\t\\r\\b\\f\"", "\"\\n\\t\\x0d\\x08\\x0c\"" },
		{ "\x01\x1b\x7f", "\"\\u0001\\u001b\\u007f\"", "\"\\x01\\x1b\\x7f\"" },
		{ "\xc3\xa9", "\"\xc3\xa9\"", "\"\\xc3\\xa9\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", "\"\\xf0\\x9f\\x98\\x80\"" },
		/* a byte alone, overlong, surrogate, above U+10FFFF, cut */
		{ "\xff"
		  "a",
		  "\"\xef\xbf\xbd"
		  "a\"",
		  "\"\\xffa\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\xc0\\xaf\"" },
		{ "\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		  "\"\\xe0\\x80\\x80\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		  "\"\\xed\\xa0\\x80\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		  "\"\\xf4\\x90\\x80\\x80\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\xe2\\x82\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CT_CLEAN_BUF struct ct_buf json = CT_BUF_INIT, quoted = CT_BUF_INIT;

		ct_buf_json(&json, rows[i].in);
		assert_string_equal(ct_buf_text(&json), rows[i].json);
		ct_buf_quoted(&quoted, rows[i].in);
		assert_string_equal(ct_buf_text(&quoted), rows[i].quoted);
	}
}

static void test_read_fd(void **state)
{
	char text[10000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t max = sizeof(text) - 1; max <= sizeof(text) + 1; max++) {
		CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
		CT_CLEAN_FD int fd = ct_memfd_create("test", 0);

		assert_true(fd >= 0);
		assert_int_equal(ct_write_all(fd, text, sizeof(text)), 0);
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(ct_buf_read_fd(&b, fd, max), max < sizeof(text) ? -EFBIG : 0);
		if (max >= sizeof(text)) {
			assert_int_equal(b.len, sizeof(text));
			assert_memory_equal(b.data, text, sizeof(text));
		}
	}
}

static void test_descriptors(void **state)
{
	int pair[2], copy, fd = ct_memfd_create("test", 0);

	(void)state;
	copy = ct_dup(fd);
	assert_true(copy > 2 && copy != fd);
	assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
	ct_close(&copy);
	assert_int_equal(copy, -1);
	ct_close(&copy);
	assert_int_equal(ct_take_fd(&fd) >= 0, 1);
	assert_int_equal(fd, -1);
	assert_int_equal(ct_dup(-1), -EBADF);
	/* no SIGPIPE: it would end this program */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(ct_write_all(pair[0], "x", 1), -EPIPE);
	close(pair[0]);
}

/* Contents of dir/name. */
static void check_file(int dir, const char *name, const char *want)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ct_buf_read_fd(&b, fd, 1000), 0);
	assert_string_equal(ct_buf_text(&b), want);
}

static void test_write_file(void **state)
{
	char path[] = "/tmp/ct-test-base.XXXXXX", name[300];
	CT_CLEAN_FD int dir = -1;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ct_write_file_at(dir, "file", "one", 3, 0600), 0);
	check_file(dir, "file", "one");
	assert_int_equal(fstatat(dir, "file", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	/* what a killed writer left, even as a link to elsewhere, is not followed */
	assert_int_equal(symlinkat("file", dir, ".file.tmp"), 0);
	assert_int_equal(ct_write_file_at(dir, "file", "two", 3, 0600), 0);
	check_file(dir, "file", "two");
	assert_int_equal(faccessat(dir, ".file.tmp", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(ct_write_file_at(dir, name, "", 0, 0600), -ENAMETOOLONG);
	assert_int_equal(ct_write_file_at(dir, "no/where", "", 0, 0600), -ENOENT);
	assert_int_equal(mkdirat(dir, "taken", 0700), 0);
	assert_int_equal(ct_write_file_at(dir, "taken", "", 0, 0600), -EISDIR);
	assert_int_equal(faccessat(dir, ".taken.tmp", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	unlinkat(dir, "file", 0);
	unlinkat(dir, "taken", AT_REMOVEDIR);
	assert_int_equal(rmdir(path), 0);
}

static void test_openat2(void **state)
{
	CT_CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	(void)state;
	fd = ct_openat2(root, "../../etc/passwd", O_RDONLY, 0, RESOLVE_IN_ROOT);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ct_openat2(root, "../etc", O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
	assert_int_equal(ct_openat2(root, "nothing/there", O_RDONLY, 0, 0), -ENOENT);
}

static void test_syscall_names(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(ct_syscall_name(SYS_openat2, buf, sizeof(buf)), "openat2");
	assert_string_equal(ct_syscall_name(SYS_mkdirat, buf, sizeof(buf)), "mkdirat");
	assert_string_equal(ct_syscall_name(SYS_clone3, buf, sizeof(buf)), "clone3");
	assert_string_equal(ct_syscall_name(SYS_move_mount, buf, sizeof(buf)), "move_mount");
	assert_string_equal(ct_syscall_name(SYS_fsconfig, buf, sizeof(buf)), "fsconfig");
	assert_string_equal(ct_syscall_name(SYS_mount_setattr, buf, sizeof(buf)), "mount_setattr");
	assert_string_equal(ct_syscall_name(SYS_close_range, buf, sizeof(buf)), "close_range");
	assert_string_equal(ct_syscall_name(SYS_execveat, buf, sizeof(buf)), "execveat");
	assert_string_equal(ct_syscall_name(SYS_setresuid, buf, sizeof(buf)), "setresuid");
	assert_string_equal(ct_syscall_name(99999, buf, sizeof(buf)), "syscall 99999");
}

static void test_pidfd(void **state)
{
	CT_CLEAN_FD int fd = ct_pidfd_open(getpid());

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ct_pidfd_send_signal(fd, 0), 0);
	assert_int_equal(ct_pidfd_send_signal(fd, 1000), -EINVAL);
	assert_int_equal(ct_pidfd_open(-1), -EINVAL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Signals that come all the time neither shorten a wait nor count as an end. */
static void test_pidfd_ended(void **state)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm }, before;
	CT_CLEAN_FD int fd = -1;
	int hold[2];
	pid_t child;
	int64_t t;

	(void)state;
	assert_int_equal(pipe(hold), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char c;

		close(hold[1]);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(hold[0]);
	fd = ct_pidfd_open(child);
	assert_true(fd >= 0);
	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(ct_pidfd_ended(fd, 0), 0);
	t = ct_now_ms();
	assert_int_equal(ct_pidfd_ended(fd, 50), 0);
	assert_true(ct_now_ms() - t >= 49);
	close(hold[1]);
	assert_int_equal(ct_pidfd_ended(fd, -1), 1);
	assert_int_equal(ct_pidfd_ended(fd, 0), 1);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static int cap_of(const char *word)
{
	return ct_cap_number(word, strlen(word));
}

/* Each capability is found by the name that it is shown by, and by its number. */
static void test_cap_names(void **state)
{
	static const char *const none[] = { "",	  "cap_", "cap", "63",	"cap_63",	 "00000041",
					    "-1", "+1",	  " 1",	 "4 1", "cap_cap_chown", "all" };
	char name[CT_CAP_NAME_BYTES], number[CT_CAP_NAME_BYTES];

	(void)state;
	for (unsigned cap = 0; cap < 63; cap++) {
		assert_int_equal(cap_of(ct_cap_name(cap, name)), cap);
		snprintf(number, sizeof(number), "%u", cap);
		assert_int_equal(cap_of(number), cap);
		snprintf(number, sizeof(number), "Cap_%u", cap);
		assert_int_equal(cap_of(number), cap);
	}
	assert_string_equal(ct_cap_name(0, name), "chown");
	assert_string_equal(ct_cap_name(40, name), "checkpoint_restore");
	assert_string_equal(ct_cap_name(41, name), "cap_41");
	assert_int_equal(cap_of("CAP_Sys_Admin"), 21);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(cap_of(none[i]), -1);
	/* the word ends where it is said to */
	assert_int_equal(ct_cap_number("kill9", 4), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),	    cmocka_unit_test(test_arena_strings),
		cmocka_unit_test(test_buf),	    cmocka_unit_test(test_buf_out_of_memory),
		cmocka_unit_test(test_quoting),	    cmocka_unit_test(test_read_fd),
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_write_file),
		cmocka_unit_test(test_openat2),	    cmocka_unit_test(test_syscall_names),
		cmocka_unit_test(test_pidfd),	    cmocka_unit_test(test_pidfd_ended),
		cmocka_unit_test(test_cap_names),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
