/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault SCENARIO fail|kill                      fails each system call once, or kills the process
 * there fault SCENARIO fail|kill ROLE CALL N [ERRNO] only that one, and tells all of it
 * fault SCENARIO calls                          the calls in their order
 *
 * Each time the call that is looked at must say why it failed, in time, and leave nothing behind:
 * no process, mount, descriptor, state file or change of the rootfs. When it succeeds all the same,
 * the payload must see exactly what it sees without a failure: the same capabilities, ids, mounts,
 * masks and descriptors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "inject.h"
#include "leak.h"
#include "regs.h"
#include "run.h"
#include "scenario.h"

#define LIMIT_MS PATIENCE_MS
#define FEW 20 /* findings told for each role */
#define SLOW_MS 1000
#define STEPS 256

/* What an undisturbed run looks like. */
struct base {
	char view[VIEW_SIZE];
	char left[1024];    /* files it leaves in the state directory, and groups */
	char cleared[1024]; /* ... and scenario_clear() */
	char *mounts;
	unsigned long long rootfs;
	struct inject_call calls[INJECT_CALLS];
	unsigned n_calls;
};

struct fault {
	struct arena arena;
	struct base base;
	enum inject_how how;
	int verbose;
	int tests; /* TAP lines so far */
	unsigned done, errors, same, missed, bad;
	unsigned char step[STEPS]; /* steps that failed at least once */
};

/* ---- looking at the host --------------------------------------------------------------------- */

static void list_below(const char *path, const char *name, char *out, size_t size)
{
	char full[PATH_MAX];
	struct dirent **list = NULL;
	int i, n;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	n = scandir(full, &list, NULL, alphasort);
	for (i = 0; i < n; i++) {
		size_t len = strlen(out);

		if (list[i]->d_type != DT_DIR)
			snprintf(out + len, size - len, "%s ", list[i]->d_name);
		else if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, ".."))
			list_below(full, list[i]->d_name, out, size);
		free(list[i]);
	}
	free(list);
}

/* The container's groups at the tops of the hierarchies; of one that is not detached leak.h looks
 * for them, by the caller's mark. */
static void find_groups(const struct fault *f, glob_t *found)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "/sys/fs/cgroup/ct.payload.%s*", f->arena.name);
	glob(pattern, 0, NULL, found);
	snprintf(pattern, sizeof(pattern), "/sys/fs/cgroup/*/ct.payload.%s*", f->arena.name);
	glob(pattern, GLOB_APPEND, NULL, found);
}

/* Names of all files in the state directory, and the groups; empty directories of it may stay. */
static const char *left(struct fault *f, char *buf, size_t size)
{
	glob_t groups = { 0 };

	buf[0] = 0;
	list_below(f->arena.box.state, ".", buf, size);
	find_groups(f, &groups);
	for (size_t i = 0; i < groups.gl_pathc; i++)
		snprintf(buf + strlen(buf), size - strlen(buf), "%s ", groups.gl_pathv[i]);
	globfree(&groups);
	return buf;
}

/* Whether a group is gone; processes that were killed may still be on their way out of it. */
static int is_removed(void *path)
{
	return rmdir(path) == 0 || errno != EBUSY;
}

static void clean_up(struct fault *f)
{
	glob_t groups = { 0 };

	tree_remove(f->arena.box.state);
	mkdir(f->arena.box.state, 0700);
	find_groups(f, &groups);
	for (size_t i = 0; i < groups.gl_pathc; i++)
		wait_until(is_removed, groups.gl_pathv[i]);
	globfree(&groups);
}

/* Without the last word of each line: a file system's own options belong to all who
 * have it mounted. */
static char *mount_table(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *text = read_all(fd, 1000), *in, *out, *end;

	close(fd);
	for (in = out = text; in && *in; in = end) {
		size_t n;

		end = strchrnul(in, '\n');
		for (n = (size_t)(end - in); n && in[n - 1] != ' '; n--)
			;
		memmove(out, in, n);
		out += n;
		*out++ = '\n';
		end += *end == '\n';
	}
	if (text)
		*out = 0;
	return text;
}

/* Is this line, of n bytes, one of the table? */
static int has_line(const char *table, const char *line, size_t n)
{
	for (const char *at = table; *at; at = strchrnul(at, '\n'), at += *at == '\n')
		if (!strncmp(at, line, n) && (at[n] == '\n' || !at[n]))
			return 1;
	return 0;
}

/* Mounts that are new. Those that are gone count only while their directory is there: somebody else
 * on the machine who removes a directory takes the copy of his mount with it. */
static int mounts_changed(const char *before, const char *now)
{
	const char *line, *end;
	char where[PATH_MAX];

	for (line = now; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!has_line(before, line, (size_t)(end - line)))
			return 1;
	}
	for (line = before; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!has_line(now, line, (size_t)(end - line)) &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", where) == 1 && !access(where, F_OK))
			return 1;
	}
	return 0;
}

/* ---- findings -------------------------------------------------------------------------------- */

static const char *shown(const struct inject_call *c, const struct inject_outcome *o, int err,
			 char *buf, size_t size)
{
	snprintf(buf, size, "%s %s %u%s%s (%#llx, %#llx, %#llx)", inject_role_name(c->role),
		 inject_call_name(c->nr), c->occurrence, err ? " " : "",
		 err ? strerrorname_np(err) : "", (unsigned long long)o->args[0],
		 (unsigned long long)o->args[1], (unsigned long long)o->args[2]);
	return buf;
}

static void finding(struct fault *f, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void finding(struct fault *f, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (f->bad++ >= FEW && !f->verbose)
		return;
	printf("# %s: ", where);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* The first line in which two texts differ. */
static void print_difference(const char *want, const char *got)
{
	const char *a = want, *b = got;

	while (*a && *b) {
		size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");

		if (na != nb || memcmp(a, b, na))
			break;
		a += na + !!a[na];
		b += nb + !!b[nb];
	}
	printf("#   without: %.*s\n#   with:    %.*s\n", (int)strcspn(a, "\n"), a,
	       (int)strcspn(b, "\n"), b);
}

/* What holds whatever was injected. */
static void judge_host(struct fault *f, const char *where, const struct inject_outcome *o)
{
	char *mounts = mount_table();

	if (o->hung)
		finding(f, where, "hung: %s", o->text);
	if (o->crash)
		finding(f, where, "%s crashed: %s %s", inject_role_name(o->crash_role),
			strsignal(o->crash), o->text);
	if (o->n_left)
		finding(f, where, "%u processes were left: %s", o->n_left, o->text);
	if (!mounts || mounts_changed(f->base.mounts, mounts))
		finding(f, where, "the mount table has changed");
	if (tree_digest(f->arena.box.root.path) != f->base.rootfs)
		finding(f, where, "the rootfs has changed");
	free(mounts);
}

static void judge_worker(struct fault *f, const char *where, const struct inject_outcome *o)
{
	const struct report *r = f->arena.report;

	if (o->hung)
		return;
	if (WIFSIGNALED(o->worker))
		finding(f, where, "the caller was killed by %s", strsignal(WTERMSIG(o->worker)));
	else if (!r->done || WEXITSTATUS(o->worker))
		finding(f, where, "the caller ended with %d", WEXITSTATUS(o->worker));
	if (r->wrong[0])
		finding(f, where, "%s (ret %d %s)", r->wrong, r->ret, r->message);
	if (r->leak[0])
		finding(f, where, "the caller was touched (ret %d):\n%s", r->ret, r->leak);
}

/* An error must say what failed. */
static void judge_error(struct fault *f, const char *where)
{
	const struct report *r = f->arena.report;
	char files[1024];

	f->errors++;
	if (r->step >= 0 && r->step < STEPS)
		f->step[r->step] = 1;
	if (!r->message[0] || strstr(r->message, "Success"))
		finding(f, where, "ret %d, and the message is \"%s\"", r->ret, r->message);
	else if (r->err != r->ret)
		finding(f, where, "ret %d, but the error is %d: %s", r->ret, r->err, r->message);
	else if (!r->step_name[0] && !r->call_name[0] && !expect_plain(r->where))
		finding(f, where, "ret %d, neither step nor system call (%s): %s", r->ret, r->where,
			r->message);
	if (f->arena.scenario->what == WHAT_START && *left(f, files, sizeof(files)))
		finding(f, where, "left behind: %s(%s)", files, r->message);
}

/* row: NULL, or what may differ. Of a payload that was killed only the beginning is there. */
static void judge_view(struct fault *f, const char *where, const struct expect_row *row, int whole)
{
	const struct report *r = f->arena.report;
	size_t n = strlen(r->view);

	/* the reader ends the last line, wherever it was broken off */
	if (!whole && n && r->view[n - 1] == '\n')
		n--;
	if (whole ? expect_same_view(row, f->base.view, r->view)
		  : !strncmp(r->view, f->base.view, n))
		return;
	finding(f, where, "the payload runs with something else than planned");
	if (f->bad <= FEW || f->verbose)
		print_difference(f->base.view, r->view);
}

/* What the next call does, without a failure. */
static void clear_now(struct fault *f)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(scenario_clear(&f->arena));
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	if (f->arena.report->wrong[0])
		finding(f, "the next call", "%s", f->arena.report->wrong);
}

/* What an undisturbed run does not leave either, or at least not when the next call has been. */
static void judge_left(struct fault *f, const char *where, const struct expect_row *row)
{
	char now[1024];

	if (!strcmp(left(f, now, sizeof(now)), f->base.left))
		return;
	if (!row || !(row->flags & EXPECT_FILES))
		finding(f, where, "left: %s, not %s", now, f->base.left);
	clear_now(f);
	if (strcmp(left(f, now, sizeof(now)), f->base.cleared))
		finding(f, where, "the next start and stop did not clear: %s", now);
}

static void judge_fail(struct fault *f, const struct inject_order *order,
		       const struct inject_outcome *o, const char *where)
{
	const struct report *r = f->arena.report;
	const struct expect_row *row = expect_tolerated(f->arena.scenario->name, &order->call, o);

	judge_worker(f, where, o);
	if (!r->done || o->hung)
		return;
	if (r->ret < 0) {
		judge_error(f, where);
		if (f->arena.scenario->what != WHAT_START)
			judge_left(f, where, row);
		return;
	}
	f->same++;
	if (o->hit && !row && order->err != EINTR)
		finding(f, where, "went unnoticed");
	if (row && (row->flags & EXPECT_TOLD) && r->verdict.output_error) {
		judge_left(f, where, row);
		return;
	}
	judge_view(f, where, row, 1);
	if (f->arena.scenario->what != WHAT_STOP &&
	    !(row && (row->flags & EXPECT_LOST) && r->verdict.reason == CT_EXIT_LOST) &&
	    (r->verdict.reason != CT_EXIT_EXITED || r->verdict.code))
		finding(f, where, "the verdict is reason %d code %d", r->verdict.reason,
			r->verdict.code);
	judge_left(f, where, row);
}

static void judge_kill(struct fault *f, const struct inject_order *order,
		       const struct inject_outcome *o, const char *where)
{
	const struct report *r = f->arena.report;
	char files[1024];

	if (order->call.role != INJECT_CALLER)
		judge_worker(f, where, o);
	else if (r->wrong[0])
		finding(f, where, "%s", r->wrong);
	if (r->done && r->ret < 0) {
		f->errors++;
		if (!r->message[0] || strstr(r->message, "Success"))
			finding(f, where, "ret %d, and the message is \"%s\"", r->ret, r->message);
	} else if (r->done) {
		f->same++;
		judge_view(f, where, NULL, 0);
	}
	if (order->after && (!WIFEXITED(o->after) || WEXITSTATUS(o->after)))
		finding(f, where, "what comes after ended with %#x", o->after);
	if (order->after && strcmp(left(f, files, sizeof(files)), f->base.cleared))
		finding(f, where, "left: %s, not %s", files, f->base.cleared);
}

/* ---- one run --------------------------------------------------------------------------------- */

static struct inject_order new_order(struct fault *f)
{
	const struct scenario *s = f->arena.scenario;

	return (struct inject_order){ .how = f->how,
				      .ages = s->ages,
				      .supervised = { s->supervised[0], s->supervised[1] },
				      .limit_ms = LIMIT_MS,
				      .work = scenario_work,
				      .data = &f->arena,
				      .after = f->how == INJECT_KILL && s->detached ? scenario_clear
										    : NULL };
}

static void show(const struct fault *f, const struct inject_outcome *o)
{
	const struct report *r = f->arena.report;

	printf("# hit %d, ret %d, where %s, step %d %s, call %s\n# message: %s\n", o->hit, r->ret,
	       r->where, r->step, r->step_name, r->call_name, r->message);
	printf("# waited %d, reason %d, code %d, signal %d\n# %s\n", r->waited, r->verdict.reason,
	       r->verdict.code, r->verdict.signal, o->text);
	if (f->verbose > 2)
		printf("%s", r->view);
}

static int one(struct fault *f, const struct inject_call *call, int err)
{
	struct inject_order order = new_order(f);
	struct inject_outcome o = { 0 };
	long long began = now_ms();
	char where[256];
	int r;

	order.call = *call;
	order.err = err;
	memset(f->arena.report, 0, sizeof(*f->arena.report));
	r = inject_run(&order, &o);
	if (r) {
		finding(f, "inject_run", "%s", strerror(-r));
		return r;
	}
	shown(call, &o, err, where, sizeof(where));
	if (f->verbose && now_ms() - began > SLOW_MS)
		printf("# %s: took %lld ms\n", where, now_ms() - began);
	f->done++;
	f->missed += !o.hit;
	judge_host(f, where, &o);
	if (f->how == INJECT_FAIL)
		judge_fail(f, &order, &o, where);
	else
		judge_kill(f, &order, &o, where);
	if (f->verbose > 1)
		show(f, &o);
	clean_up(f);
	return 0;
}

/* Counts, and takes what an undisturbed run looks like. */
static int undisturbed(struct fault *f)
{
	struct inject_order order = new_order(f);
	struct inject_outcome o = { .calls = f->base.calls };
	const struct report *r = f->arena.report;
	int err;

	order.how = INJECT_COUNT;
	order.after = NULL;
	memset(f->arena.report, 0, sizeof(*f->arena.report));
	err = inject_run(&order, &o);
	if (err) {
		printf("# no tracing: %s\n", strerror(-err));
		return -1;
	}
	if (o.hung || o.crash || o.n_left || !r->done || r->ret || r->wrong[0] || r->leak[0] ||
	    (f->arena.scenario->what != WHAT_STOP &&
	     (!r->view[0] || r->waited || r->verdict.code))) {
		printf("# without a failure: ret %d %s, done %d, reason %d, code %d, %s %s %s\n",
		       r->ret, r->message, r->done, r->verdict.reason, r->verdict.code, r->wrong,
		       r->leak, o.text);
		return -1;
	}
	f->base.n_calls = o.n_calls;
	left(f, f->base.left, sizeof(f->base.left));
	return 0;
}

/* ---- TAP ------------------------------------------------------------------------------------- */

static void result(struct fault *f, int good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void result(struct fault *f, int good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++f->tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static int get_base(struct fault *f)
{
	char before[VIEW_SIZE];

	f->base.mounts = mount_table();
	f->base.rootfs = tree_digest(f->arena.box.root.path);
	if (undisturbed(f))
		return -1;
	memcpy(before, f->arena.report->view, sizeof(before));
	clean_up(f);
	if (undisturbed(f))
		return -1;
	memcpy(f->base.view, f->arena.report->view, sizeof(f->base.view));
	clean_up(f);
	if (strcmp(before, f->base.view)) {
		printf("# two undisturbed runs differ\n");
		print_difference(before, f->base.view);
		return -1;
	}
	if (f->arena.scenario->detached) {
		clear_now(f);
		left(f, f->base.cleared, sizeof(f->base.cleared));
		clean_up(f);
	}
	return 0;
}

/* In the midst of a row of rt_sigaction a kill finds what it finds at the row's ends. */
static int is_same_again(const struct fault *f, unsigned i)
{
	const struct inject_call *c = f->base.calls;

	return f->how == INJECT_KILL && i > 0 && i + 1 < f->base.n_calls &&
	       c[i].nr == inject_call_number("rt_sigaction") && c[i - 1].nr == c[i].nr &&
	       c[i + 1].nr == c[i].nr;
}

/* Usually a call fails with the likely one of its errnos, and every second call is a place for a
 * kill; `tests/run --long` leaves nothing out. The first calls of all kinds are never left out. */
static int is_for_long(const struct fault *f, const struct inject_call *c, unsigned nth)
{
	if (getenv("CT_LONG") || getenv("CT_ALL"))
		return 0;
	if (f->how == INJECT_KILL)
		return c->occurrence && c->occurrence % 2;
	return nth > 0;
}

static void one_role(struct fault *f, enum inject_role role)
{
	static const int once[] = { 0, 0 };
	unsigned n = 0;

	f->done = f->errors = f->same = f->missed = f->bad = 0;
	for (unsigned i = 0; i < f->base.n_calls; i++) {
		const struct inject_call *c = &f->base.calls[i];
		const int *err = f->how == INJECT_FAIL ? expect_errnos(inject_call_name(c->nr))
						       : once;

		if (c->role != role || is_same_again(f, i))
			continue;
		n++;
		unsigned nth = 0;

		do {
			if (is_for_long(f, c, nth++))
				continue;
			if (f->how == INJECT_KILL ||
			    expect_possible(role, inject_call_name(c->nr), c->args, *err))
				one(f, c, *err);
		} while (*err && *++err);
	}
	result(f, !f->bad && n,
	       "%s: %u calls, %u runs, %u errors, %u went on, %u not reached, %u findings",
	       inject_role_name(role), n, f->done, f->errors, f->same, f->missed, f->bad);
}

/* What the supervisor does at the end fails no start: what it cannot do stays in the journal. */
static int is_of_the_end(const char *phase)
{
	return !strcmp(phase, "stop") || !strcmp(phase, "end");
}

/* Every step of a start's plan must have failed once and been named as the one that did. */
static void all_steps(struct fault *f)
{
	char *plan = scenario_plan(&f->arena), *line, *end;
	unsigned n = 0, named = 0;
	char op[64], phase[32];
	int step;

	f->bad = 0;
	for (line = plan; line && (line = strstr(line, "{\"step\":")); line = end) {
		end = line + 8;
		if (sscanf(line,
			   "{\"step\":%d,\"phase\":\"%31[^\"]\",\"actor\":\"%*[^\"]\","
			   "\"op\":\"%63[^\"]",
			   &step, phase, op) != 3 ||
		    step >= STEPS || is_of_the_end(phase))
			continue;
		n++;
		named += f->step[step];
		if (!f->step[step] && expect_step_fails(op))
			finding(f, op, "step %d never failed", step);
	}
	ct_free(plan);
	result(f, n && !f->bad, "steps: %u of %u failed and were named", named, n);
}

/* ---- the program ----------------------------------------------------------------------------- */

static int setup(struct fault *f, const char *scenario)
{
	f->arena.scenario = scenario_find(scenario);
	if (!f->arena.scenario) {
		fprintf(stderr, "fault: there is no scenario %s\n", scenario);
		return -1;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	f->arena.report = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->arena.report == MAP_FAILED || leak_own_mounts() || box_open(&f->arena.box, NULL)) {
		fprintf(stderr, "fault: no rootfs, or no mount namespace of our own\n");
		return -1;
	}
	f->arena.box.c = ct_unref(f->arena.box.c);
	snprintf(f->arena.name, sizeof(f->arena.name), "fault-%d", (int)getpid());
	return get_base(f);
}

static int all_roles(struct fault *f)
{
	int steps = f->how == INJECT_FAIL && f->arena.scenario->what == WHAT_START, n = steps;

	for (int role = 0; role < INJECT_ROLES; role++)
		n += !!(f->arena.scenario->roles & 1u << role);
	printf("1..%d\n", n);
	for (int role = 0; role < INJECT_ROLES; role++)
		if (f->arena.scenario->roles & 1u << role)
			one_role(f, (enum inject_role)role);
	if (steps)
		all_steps(f);
	return 0;
}

static int errno_number(const char *name)
{
	for (int i = 1; i < 134; i++)
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			return i;
	return EIO;
}

static int only(struct fault *f, char **argv)
{
	struct inject_call call = { INJECT_CALLER, inject_call_number(argv[1]),
				    (unsigned)atoi(argv[2]) };
	int role = 0;

	while (role < INJECT_ROLES - 1 && strcmp(argv[0], inject_role_name((enum inject_role)role)))
		role++;
	call.role = (enum inject_role)role;
	f->verbose = getenv("CT_VIEW") ? 3 : 2;
	one(f, &call, f->how == INJECT_FAIL ? errno_number(argv[3] ? argv[3] : "EIO") : 0);
	return !!f->bad;
}

static int print_calls(const struct fault *f)
{
	for (unsigned i = 0; i < f->base.n_calls; i++)
		printf("%s %s %u\n", inject_role_name(f->base.calls[i].role),
		       inject_call_name(f->base.calls[i].nr), f->base.calls[i].occurrence);
	return 0;
}

int main(int argc, char **argv)
{
	static struct fault f;
	int r;

	if (argc < 3 || (argc > 3 && argc < 6)) {
		fprintf(stderr, "usage: fault SCENARIO fail|kill|calls [ROLE CALL N [ERRNO]]\n");
		return 125;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0 || !regs_known()) {
		printf("1..0 # skip: %s\n",
		       regs_known() ? "needs root"
				    : "nobody has described this processor's registers in "
				      "tests/fault/regs.h");
		return 0;
	}
	f.verbose = !!getenv("CT_ALL");
	f.how = !strcmp(argv[2], "kill") ? INJECT_KILL : INJECT_FAIL;
	r = setup(&f, argv[1]);
	if (!r && !strcmp(argv[2], "calls"))
		r = print_calls(&f);
	else if (!r)
		r = argc > 3 ? only(&f, argv + 3) : all_roles(&f);
	if (f.arena.box.root.base[0])
		rootfs_remove(&f.arena.box.root);
	return r ? 1 : 0;
}
