/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a new backend takes: one file and one row. The one below makes a file for each container
 * named "keeper", as a step of phase setup; it is killed at each point between two actions, and
 * what the journal tells of is taken back: nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "base/fd.h"
#include "model/config.h"
#include "plan/builder.h"

static char top[] = "/tmp/test-backend-XXXXXX";
static int killed_at; /* point at which the process dies; 0: never */

/* One of the points between two actions. */
static void point(int nr)
{
	if (nr == killed_at)
		raise(SIGKILL);
}

/* ---- the backend ----------------------------------------------------------------------------- */

struct file_state {
	const struct ct_request *req;
	const char *path;
	bool refuses;
	int closed;
};

static bool file_wanted(const struct ct_spec *spec)
{
	return spec->log_level != CT_LOG_TRACE;
}

static int file_probe(const struct ct_host *host, const char **why)
{
	*why = "this kernel is too old for files";
	return host->kernel_major >= 2;
}

/* For who joins: the file that the start has made, by its journal. */
static int find_made(struct file_state *st, const struct ct_backend_input *in, struct ct_err *e)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;
	int r = ct_undo_read(in->records, strlen(in->records), "file", &records);

	if (r < 0 || !records.n || records.v[records.n - 1].before)
		return ct_fail(e, r < 0 ? r : -ENOENT, CT_ERR_STATE, "attach",
			       "no file of its start");
	st->path = ct_arena_strdup(in->arena, records.v[records.n - 1].text);
	return st->path ? 0 : ct_oom(e);
}

static int file_open(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct file_state *st = state;

	st->req = in->req;
	if (in->attach)
		return find_made(st, in, e);
	st->path = ct_arena_printf(in->arena, "%s/of-%s", top, in->req->name);
	if (!st->path)
		return ct_oom(e);
	if (!strcmp(in->req->name, "refused"))
		return ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, "start", "no file for that one");
	return 0;
}

static int file_plan(void *state, struct ct_builder *b)
{
	struct file_state *st = state;
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_TOUCH,
					ct_build_at(b, "log.level"));

	s->s[0] = st->path;
	s->n[0] = 0600;
	return 0;
}

static int file_setup(void *state, const struct ct_setup *context, const struct ct_step *s,
		      struct ct_err *e)
{
	struct file_state *st = state;
	int fd, r;

	point(1);
	r = ct_undo_before(context->undo, "file", s->s[0], e);
	point(2);
	if (r < 0)
		return r;
	fd = open(s->s[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)s->n[0]);
	point(3);
	if (fd < 0)
		return ct_fail_sys(e, -errno, CT_ERR_STEP, "start", "open",
				   "the file cannot be made");
	close(fd);
	r = ct_undo_after(context->undo, "file", s->s[0], e);
	point(4);
	if (st->refuses)
		return ct_fail(e, -EIO, CT_ERR_STEP, "start",
			       "it fails after it has made its file");
	return r;
}

static int file_undo(const struct ct_undo_record *records, uint32_t n, struct ct_err *e)
{
	for (uint32_t i = n; i-- > 0;) {
		if (strncmp(records[i].text, top, strlen(top)))
			continue;
		point(5);
		if (unlink(records[i].text) < 0 && errno != ENOENT)
			return ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "unlink",
					   "the file cannot be removed");
		point(6);
	}
	return 0;
}

static void file_protect(const void *state, struct ct_protections *r)
{
	const struct file_state *st = state;
	bool there = access(st->path, F_OK) == 0;

	ct_protections_add(r, there, "file", "one", there ? st->path : "none", "a file of its own");
}

static void file_close(void *state)
{
	((struct file_state *)state)->closed++;
}

static const struct ct_backend backend_file = {
	.name = "file",
	.state = sizeof(struct file_state),
	.wanted = file_wanted,
	.probe = file_probe,
	.open = file_open,
	.plan = file_plan,
	.setup = file_setup,
	.undo = file_undo,
	.protect = file_protect,
	.close = file_close,
};

/* Instead of list.c. */
const struct ct_backend *const ct_backends[] = { &backend_file, NULL };

/* ---- a start --------------------------------------------------------------------------------- */

struct start {
	struct ct_arena *arena;
	struct ct_host host;
	struct ct_request req;
	struct ct_backend_set set;
	struct ct_plan *plan;
	struct ct_undo undo;
	struct ct_log log;
	struct ct_err err;
};

static void start_free(struct start *s)
{
	ct_backends_close(&s->set);
	ct_undo_free(&s->undo);
	ct_arena_free(s->arena);
}

/* Up to the plan; the journal also in `journal`, NULL: in memory alone. */
static int prepare(struct start *s, const char *name, const char *config, const char *journal)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	struct ct_builder b;
	int r;

	*s = (struct start){ .arena = ct_arena_new(), .undo = CT_UNDO_INIT };
	ct_err_clear(&s->err);
	assert_non_null(c);
	assert_int_equal(ct_config_load_text(c, config, strlen(config), "config", &s->err), 0);
	s->host.kernel_major = 6;
	s->req = (struct ct_request){ .name = name,
				      .host = &s->host,
				      .spec = ct_spec_read(c, s->arena, &s->err) };
	assert_non_null(s->req.spec);
	if (journal)
		s->undo.file = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	r = ct_backends_open(&s->set,
			     &(struct ct_backend_input){ .req = &s->req,
							 .host = &s->host,
							 .arena = s->arena,
							 .mark = "" },
			     &s->err);
	if (r < 0)
		return r;
	assert_int_equal(ct_builder_init(&b, &s->req, s->arena, &s->err), 0);
	ct_build_area_inputs(&b);
	assert_int_equal(ct_build_areas(&b), 0);
	assert_int_equal(ct_plan_freeze(b.plan, &s->err), 0);
	s->plan = b.plan;
	return 0;
}

static int set_up(struct start *s)
{
	struct ct_setup context = { .plan = s->plan, .undo = &s->undo, .log = &s->log };

	return ct_backends_setup(&s->set, &context, &s->err);
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return access(path, F_OK) == 0;
}

static void takes_part(void **state)
{
	struct ct_protections r;
	struct start s;

	(void)state;
	assert_int_equal(prepare(&s, "web", "", NULL), 0);
	assert_int_equal(s.plan->n_setup, 1);
	assert_int_equal(set_up(&s), 0);
	assert_true(is_there("of-web"));
	r = (struct ct_protections){ .arena = s.arena, .spec = s.req.spec };
	ct_backends_protect(&s.set, &r);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.rows[0].name, "file");
	assert_true(r.rows[0].ok);
	assert_int_equal(ct_undo_all(&s.undo, &s.err), 0);
	assert_false(is_there("of-web"));
	ct_backends_protect(&s.set, &r);
	assert_false(r.rows[1].ok);
	start_free(&s);
}

static void is_not_asked_for(void **state)
{
	struct start s;

	(void)state;
	assert_int_equal(prepare(&s, "web", "log.level = trace\n", NULL), 0);
	assert_int_equal(s.set.n, 0);
	assert_int_equal(s.plan->n_setup, 0);
	start_free(&s);
}

static void cannot_be_had(void **state)
{
	struct start s = { .arena = NULL };
	struct ct_backend_input in;

	(void)state;
	assert_int_equal(prepare(&s, "refused", "", NULL), -EPERM);
	assert_int_equal(s.err.id, CT_ERR_PRIVILEGE);
	ct_err_clear(&s.err);
	ct_backends_close(&s.set);
	s.host.kernel_major = 1;
	in = (struct ct_backend_input){
		.req = &s.req, .host = &s.host, .arena = s.arena, .mark = ""
	};
	assert_int_equal(ct_backends_open(&s.set, &in, &s.err), -EOPNOTSUPP);
	assert_string_equal(s.err.backend, "file");
	assert_non_null(strstr(s.err.message, "too old for files"));
	start_free(&s);
}

/* An attach finds what the start has made, and nothing where it has made nothing. */
static void is_joined(void **state)
{
	struct ct_backend_set set = { .n = 0 };
	struct ct_backend_input in;
	char path[256];
	struct start s;

	(void)state;
	snprintf(path, sizeof(path), "%s/of-web", top);
	assert_int_equal(prepare(&s, "web", "", NULL), 0);
	in = (struct ct_backend_input){
		.req = &s.req, .host = &s.host, .arena = s.arena, .attach = true, .records = ""
	};
	assert_int_equal(ct_backends_open(&set, &in, &s.err), -ENOENT);
	ct_backends_close(&set);
	assert_int_equal(set_up(&s), 0);
	in.records = ct_buf_text(&s.undo.text);
	/* no supervisor takes this one back: it has no step in phase END */
	assert_true(ct_undo_names(&s.undo, "file"));
	assert_false(ct_undo_names(&s.undo, "fil"));
	assert_false(ct_undo_names(&s.undo, "cgroup"));
	assert_false(ct_plan_removes(s.plan, "file"));
	assert_int_equal(ct_backends_open(&set, &in, &s.err), 0);
	assert_string_equal(((struct file_state *)set.state[0])->path, path);
	ct_backends_close(&set);
	assert_int_equal(ct_undo_all(&s.undo, &s.err), 0);
	start_free(&s);
}

/* A step that fails: the record has step, key and backend, and what was made has gone. */
static void fails(void **state)
{
	struct start s;

	(void)state;
	assert_int_equal(prepare(&s, "web", "log.level = info\n", NULL), 0);
	((struct file_state *)s.set.state[0])->refuses = true;
	assert_int_equal(set_up(&s), -EIO);
	assert_string_equal(s.err.backend, "file");
	assert_string_equal(s.err.step_name, "file.new");
	assert_string_equal(s.err.key, "log.level");
	assert_false(is_there("of-web"));
	assert_int_equal(s.undo.text.len, 0);
	start_free(&s);
}

/* The whole of a start in a child that dies at a point, or that comes to its end. */
static int in_child(int at, const char *journal)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct start s;

		killed_at = at;
		if (prepare(&s, "web", "", journal) < 0 || set_up(&s) < 0)
			_exit(1);
		/* the end of a container whose supervisor lives */
		_exit(ct_undo_run(s.undo.text.data, s.undo.text.len, NULL) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void is_killed_anywhere(void **state)
{
	char journal[256], text[4096];
	struct ct_err e;

	(void)state;
	snprintf(journal, sizeof(journal), "%s/undo", top);
	ct_err_clear(&e);
	for (int at = 1; at <= 7; at++) {
		int status = in_child(at, journal), fd;
		ssize_t n;

		assert_int_equal(WIFSIGNALED(status), at < 7);
		assert_int_equal(is_there("of-web"), at >= 3 && at <= 5);
		fd = open(journal, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text));
		close(fd);
		assert_true(n >= 0);
		/* whoever comes next; and once more, since that one may be killed, too */
		assert_int_equal(ct_undo_run(text, (size_t)n, &e), 0);
		assert_int_equal(ct_undo_run(text, (size_t)n, &e), 0);
		assert_false(is_there("of-web"));
		unlink(journal);
	}
}

/* A journal is read as hostile. */
static void makes_no_sense(void **state)
{
	static const char *const texts[] = { "file",
					     "file\n",
					     "?\n",
					     "\tx\n",
					     "file\t",
					     "other\t/etc/passwd\n",
					     "file\t/etc/passwd\n",
					     "file\t/etc/passwd\nnothing\n" };
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(ct_undo_run(texts[i], strlen(texts[i]), &e), 0);
	assert_int_equal(ct_undo_run("file\t/a\0b\n", 10, &e), 0);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_part),	  cmocka_unit_test(is_not_asked_for),
		cmocka_unit_test(cannot_be_had),  cmocka_unit_test(is_joined),
		cmocka_unit_test(fails),	  cmocka_unit_test(is_killed_anywhere),
		cmocka_unit_test(makes_no_sense),
	};
	int failed;

	if (!mkdtemp(top))
		return 99;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(top);
	return failed;
}
