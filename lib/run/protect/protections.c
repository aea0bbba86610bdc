/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protects a running container: what the rows of the table are made from, and its two forms,
 * text and JSON. Nothing is changed. */
#include "run/protect/protections.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/handle/where.h"

#define ENDING_MS 1000
#define STATUS_MAX (2u << 20) /* a process may be in 65536 groups */

extern char **environ;

/* ---- what the rows are made from ------------------------------------------------------------- */

/* The process id of init in the procfs that is mounted here, by its pidfd; 0: it has ended, or
 * has none there. */
static pid_t pid_of(int pidfd)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;
	char path[64], digits[16] = "";
	const char *line;
	uint32_t pid = 0;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_buf_read_fd(&text, fd, 4096) < 0)
		return 0;
	line = strstr(ct_buf_text(&text), "\nPid:\t");
	if (line)
		snprintf(digits, sizeof(digits), "%.*s", (int)strspn(line + 6, "0123456789"),
			 line + 6);
	if (ct_parse_u32(digits, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

/* Opens init's directory in /proc, which is no other process's when init has not ended after the
 * open. */
static int open_init(struct ct_protect *t, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	char path[32];
	int r = t->pidfd = ct_run_init(t->c, NULL, e);

	if (r < 0)
		return r;
	t->pid = pid_of(t->pidfd);
	r = -ENOENT;
	if (t->pid > 0) {
		snprintf(path, sizeof(path), "/proc/%d", (int)t->pid);
		t->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = -errno;
	}
	if (ct_pidfd_ended(t->pidfd, 0))
		return ct_not_running_for(t->c, "protections", e);
	if (t->proc < 0) {
		ct_err_object(e, "/proc");
		ct_err_hint(e, "mount a procfs of this pid namespace on /proc");
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "protections", "open",
				   "the container's init cannot be looked at");
	}
	fd = openat(t->proc, "status", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && ct_buf_read_fd(&t->status, fd, STATUS_MAX) < 0)
		ct_buf_free(&t->status);
	return 0;
}

static void find_care(struct ct_protect *t)
{
	struct ct_process *init = ct_running_init(t->c);
	CT_CLEAN_FD int dir = -1;

	t->report.care = CT_CARE_NOBODY;
	if (init) {
		t->report.care = CT_CARE_KEEPER;
		ct_process_put(init);
		return;
	}
	dir = ct_state_dir(t->c, NULL);
	if (dir >= 0 && ct_state_alive(dir) > 0)
		t->report.care = CT_CARE_SUPERVISOR;
}

/* Cgroups and plan as a start would make them now. */
static void decide_again(struct ct_protect *t)
{
	static const char *const argv[] = { "/sbin/init", NULL };
	struct ct_prepared *p = &t->p;
	bool detached = t->report.care != CT_CARE_KEEPER;

	p->req = (struct ct_request){ .spec = p->spec,
				      .host = &p->host,
				      .name = t->c->name,
				      .argv = argv,
				      .detached = detached,
				      .notify = true,
				      .caller_env = (const char *const *)environ,
				      .rows = 24,
				      .cols = 80,
				      .rootfs_fd = -1,
				      .init_pidfd = -1 };
	(void)ct_open_backends(t->c, p, NULL, &t->no_backends);
	for (int i = 0; i < CT_NAMESPACES; i++)
		p->req.share_fd[i] = -1;
	p->spec->unsupported.n = 0;
	if (ct_build_start(&p->req, p->arena, &p->plan, &t->no_plan) < 0)
		p->plan = NULL;
}

static int begin(struct ct_protect *t, struct ct_err *e)
{
	int r = open_init(t, e);

	if (r >= 0)
		r = ct_running_config(t->c, &t->config, e);
	if (r >= 0)
		r = ct_prepare(t->c, t->config, &t->p, e);
	if (r >= 0)
		r = ct_made_of(t->c, &t->held, &t->records, e);
	if (r < 0)
		return r;
	t->report = (struct ct_protections){ .arena = t->p.arena,
					     .spec = t->p.spec,
					     .host = &t->p.host,
					     .running = &t->held,
					     .records = ct_buf_text(&t->records),
					     .not_opened = &t->no_backends };
	find_care(t);
	decide_again(t);
	return 0;
}

static void end(struct ct_protect *t)
{
	ct_cgroup_forget(&t->held);
	ct_buf_free(&t->records);
	ct_prepared_free(&t->p);
	ct_config_free(t->config);
	ct_buf_free(&t->status);
	ct_close(&t->proc);
	ct_close(&t->pidfd);
}

/* ---- the two forms --------------------------------------------------------------------------- */

static void print_json(const struct ct_protections *t, struct ct_buf *out)
{
	ct_buf_str(out, "{\"protections\": [");
	for (uint32_t i = 0; i < t->n; i++) {
		const struct ct_protection *r = &t->rows[i];
		const char *const cells[4] = { r->name, r->asked, r->got, r->how };
		static const char *const names[4] = { "name", "asked", "got", "how" };

		ct_buf_str(out, i ? ",\n  {" : "\n  {");
		for (int k = 0; k < 4; k++) {
			ct_buf_printf(out, "\"%s\": ", names[k]);
			ct_buf_json(out, cells[k]);
			ct_buf_str(out, ", ");
		}
		if (r->ok)
			ct_buf_str(out, "\"ok\": true}");
		else
			ct_buf_str(out, "\"ok\": false}");
	}
	ct_buf_str(out, "\n]}\n");
}

static void print_row(const struct ct_protection *r, const size_t width[3], struct ct_buf *out)
{
	ct_buf_str(out, r->ok ? "  " : "! ");
	ct_buf_printf(out, "%-*s  %-*s  %-*s  %s\n", (int)width[0], r->name, (int)width[1],
		      r->asked, (int)width[2], r->got, r->how);
}

/* A column is as wide as its texts, but a text longer than `widest` does not widen it and moves
 * the rest of its own line. */
static void print_text(const struct ct_protections *t, struct ct_buf *out)
{
	static const struct ct_protection head = { "protection", "asked", "got", "how", true };
	static const size_t widest[3] = { 32, 28, 36 };
	size_t width[3] = { 0, 5, 3 };

	for (uint32_t i = 0; i < t->n; i++) {
		const char *const cells[3] = { t->rows[i].name, t->rows[i].asked, t->rows[i].got };

		for (int k = 0; k < 3; k++) {
			size_t n = strlen(cells[k]);

			if (n > width[k] && n <= widest[k])
				width[k] = n;
		}
	}
	print_row(&head, width, out);
	for (uint32_t i = 0; i < t->n; i++)
		print_row(&t->rows[i], width, out);
}

/* Whether init has ended. One that is about to has no namespaces any more, and little in its files:
 * the end is waited for. */
static bool has_ended(const struct ct_protect *t)
{
	struct stat st;
	int ms = 0;

	if (fstatat(t->proc, "ns/mnt", &st, 0) < 0 && errno != EACCES && errno != EPERM)
		ms = ENDING_MS;
	return ct_pidfd_ended(t->pidfd, ms);
}

int ct_run_protections(struct ct_container *c, int format, struct ct_buf *out, struct ct_err *e)
{
	struct ct_protect t = {
		.c = c, .p = CT_PREPARED_INIT, .held = CT_CGROUPS_NONE, .pidfd = -1, .proc = -1
	};
	int r;

	ct_err_clear(&t.no_backends);
	ct_err_clear(&t.no_plan);
	r = begin(&t, e);
	if (r >= 0) {
		ct_protect_find_others(&t);
		ct_protect_namespaces(&t);
		ct_backends_protect(&t.p.backends, &t.report);
		ct_protect_watched(&t);
		ct_protect_rights(&t);
		ct_protect_ids(&t);
		ct_protect_told_others(&t);
		if (!ct_build_bare(t.p.spec))
			ct_protect_mounts(&t);
		/* the files of a process that has ended meanwhile were empty or gone */
		if (has_ended(&t))
			r = ct_not_running_for(t.c, "protections", e);
		else if (format == CT_FORMAT_JSON)
			print_json(&t.report, out);
		else
			print_text(&t.report, out);
	}
	if (r >= 0 && (t.report.oom || ct_buf_error(out)))
		r = ct_oom(e);
	end(&t);
	if (r < 0)
		return r;
	return 0;
}
