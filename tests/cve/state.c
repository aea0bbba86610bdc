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

/* Starts a container with this state directory; calls `look`, which may be NULL, while it runs. 0
 * or the error. */
static int start_with(const char *state_dir, void (*look)(void))
{
	struct box other = box;
	ct_process *p = NULL;
	ct_container *c;
	int r;

	other.where.state_dir = state_dir;
	c = box_handle(&other, "stated");
	assert_non_null(c);
	assert_int_equal(box_config(c, "console.buffer.size", "4K", "limit.pids", "try:50", NULL),
			 0);
	r = box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p);
	if (r < 0)
		assert_true(ct_last_error(c)->message[0]);
	print_message("# %s\n", r < 0 ? ct_last_error(c)->message : "it started");
	if (r == 0 && look)
		look();
	if (r == 0)
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, p);
	return r;
}

static void refused_as(const char *what)
{
	if (start_with(base, NULL) == 0)
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

static char place[2 * PATH_MAX];

/* Where the files of this place's containers are: their directory has a name of its own. */
static void find_place(void)
{
	struct run_result r;

	assert_int_equal(run_tool(ARGV("find", base, "-mindepth", "1", "-maxdepth", "1"), NULL,
				  PATIENCE_MS, &r),
			 0);
	assert_true(r.out[0] == '/');
	snprintf(place, sizeof(place), "%.*s", (int)strcspn(r.out, "\n"), r.out);
	run_free(&r);
}

/* The directory is ours, and what is in it was planted: links to the decoy. */
static void planted(const void *data)
{
	static const char *const files[] = {
		"lock", "state", "control", "alive", "undo", "config"
	};
	char dir[3 * PATH_MAX], path[4 * PATH_MAX], to[PATH_MAX + 32];

	(void)data;
	assert_int_equal(mkdir(base, 0700), 0);
	assert_int_equal(start_with(base, find_place), 0);
	snprintf(dir, sizeof(dir), "%s/stated", place);
	snprintf(to, sizeof(to), "%s/planted-target", decoy.path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		mkdir(base, 0700);
		mkdir(place, 0700);
		mkdir(dir, 0700);
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
		assert_int_equal(symlink(to, path), 0);
		start_with(base, NULL);
		cve_check_decoy(files[i]);
		unlink(path);
	}
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

static void look_below(void)
{
	looked = loose = 0;
	assert_int_equal(nftw(base, look_at, 32, FTW_PHYS), 0);
}

/* Nothing of it is for others, whatever umask the caller has. */
static void modes(const void *data)
{
	mode_t before = umask(0);
	int r = start_with(base, look_below);

	(void)data;
	umask(before);
	tree_remove(base);
	assert_int_equal(r, 0);
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
