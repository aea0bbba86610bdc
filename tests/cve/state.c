/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories for state that somebody else has made first, and what others see of ours. */
#include "help.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[PATH_MAX + 16];

/* A container that is started with this state directory. 0 or the error. */
static int start_with(const char *state_dir)
{
	struct box other = box;
	ct_process *p = NULL;
	ct_container *c;
	int r;

	other.where.state_dir = state_dir;
	c = box_handle(&other, "stated");
	assert_non_null(c);
	r = box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p);
	if (r < 0)
		assert_true(ct_last_error(c)->message[0]);
	print_message("# %s\n", r < 0 ? ct_last_error(c)->message : "it started");
	if (r == 0)
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, p);
	return r;
}

static void refused_as(const char *what)
{
	if (start_with(base) == 0)
		escape("a state directory that %s is used", what);
}

static void of_another(const void *data)
{
	(void)data;
	assert_int_equal(mkdir(base, 0700), 0);
	assert_int_equal(chown(base, 12345, 12345), 0);
	refused_as("is another user's");
	tree_remove(base);
}

static void a_link(const void *data)
{
	char to[PATH_MAX + 32];

	(void)data;
	snprintf(to, sizeof(to), "%s/dir", decoy.path);
	assert_int_equal(symlink(to, base), 0);
	refused_as("is a link");
	unlink(base);
}

static void open_to_all(const void *data)
{
	static const mode_t modes[] = { 0777, 01777, 0770, 0702 };

	(void)data;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(mkdir(base, 0700), 0);
		assert_int_equal(chmod(base, modes[i]), 0);
		refused_as("others can write");
		tree_remove(base);
	}
}

/* The directory is ours, and what is in it was planted: links, and files of others. */
static void planted(const void *data)
{
	static const char *const files[] = {
		"lock", "state", "control", "alive", "undo", "config"
	};
	char dir[2 * PATH_MAX], path[3 * PATH_MAX], to[PATH_MAX + 32], *find;
	struct run_result r;

	(void)data;
	/* to see where its files are */
	assert_int_equal(mkdir(base, 0700), 0);
	assert_int_equal(start_with(base), 0);
	assert_int_equal(run_tool(ARGV("find", base, "-mindepth", "1", "-maxdepth", "1"), NULL,
				  PATIENCE_MS, &r),
			 0);
	find = r.out;
	find[strcspn(find, "\n")] = '\0';
	/* an empty place is removed with its last container: its name is the same again */
	if (!*find) {
		struct box other = box;
		ct_container *c;
		ct_process *p;

		run_free(&r);
		other.where.state_dir = base;
		c = box_handle(&other, "stated");
		assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
		assert_int_equal(run_tool(ARGV("find", base, "-mindepth", "1", "-maxdepth", "1"),
					  NULL, PATIENCE_MS, &r),
				 0);
		find = r.out;
		find[strcspn(find, "\n")] = '\0';
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
		let_go(c, p);
	}
	assert_true(*find);
	snprintf(dir, sizeof(dir), "%s/stated", find);
	snprintf(to, sizeof(to), "%s/planted-target", decoy.path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		mkdir(base, 0700);
		mkdir(find, 0700);
		mkdir(dir, 0700);
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
		assert_int_equal(symlink(to, path), 0);
		start_with(base);
		cve_check_decoy(files[i]);
		unlink(path);
	}
	run_free(&r);
	tree_remove(base);
}

static int looked, loose;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)f;
	if (type == FTW_SL)
		return 0;
	looked++;
	if (st->st_uid == geteuid() && !(st->st_mode & 077))
		return 0;
	print_message("# %s: mode %o, user %u\n", path, st->st_mode, st->st_uid);
	loose++;
	return 0;
}

/* Nothing of it is for others, whatever umask the caller has. */
static void modes(const void *data)
{
	mode_t before = umask(0);
	struct box other = box;
	ct_process *p = NULL;
	ct_container *c;

	(void)data;
	other.where.state_dir = base;
	c = box_handle(&other, "stated");
	assert_int_equal(box_config(c, "console.buffer.size", "4K", "limit.pids", "try:50", NULL),
			 0);
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	looked = loose = 0;
	assert_int_equal(nftw(base, look_at, 32, FTW_PHYS), 0);
	umask(before);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, p);
	tree_remove(base);
	assert_true(looked > 4);
	if (loose)
		escape("%d files of the state are not ours alone", loose);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2015-1331-state-of-another", of_another, NULL },
		{ "cve-2015-1331-state-is-link", a_link, NULL },
		{ "cve-2015-1331-state-open-to-all", open_to_all, NULL },
		{ "cve-2016-1581-planted-files", planted, NULL },
		{ "cve-2024-25621-modes", modes, NULL },
	};
	const char *tmp = getenv("TMPDIR");

	/* beside the box, which has a state directory already */
	snprintf(base, sizeof(base), "%s/cve-state.%d", tmp ? tmp : "/tmp", (int)getpid());
	return cve_main("state", cases, sizeof(cases) / sizeof(*cases));
}
