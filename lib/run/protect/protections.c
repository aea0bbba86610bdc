/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protects a running container: the table, its two forms, and what all its rows look at.
 * Nothing is changed. */
#include "run/protect/protections.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/handle/where.h"

#define STATUS_MAX (2u << 20) /* a process may be in 65536 groups */

extern char **environ;

/* ---- rows ------------------------------------------------------------------------------------ */

/* ---- what the rows look at ------------------------------------------------------------------- */

/* Init as this procfs numbers it: the descriptor itself says so, whoever has told the
 * number before. */
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
	return ct_parse_u32(digits, &pid) < 0 ? 0 : (pid_t)pid;
}

/* Init's directory in /proc. Opened while init lives, it is never another process'. */
static int open_init(struct ct_protect *t, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	char path[32];
	pid_t pid;
	int r = t->pidfd = ct_run_init(t->c, NULL, e);

	if (r < 0)
		return r;
	t->pid = pid = pid_of(t->pidfd);
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	t->proc = pid > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	r = t->proc < 0 && pid > 0 ? -errno : -ENOENT;
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

static void look_who_cares(struct ct_protect *t)
{
	struct ct_process *init = ct_running_init(t->c);
	CT_CLEAN_FD int dir = init ? -1 : ct_state_dir(t->c, NULL);

	t->report.care = CT_CARE_NOBODY;
	if (init)
		t->report.care = CT_CARE_KEEPER;
	else if (dir >= 0 && ct_state_alive(dir) > 0)
		t->report.care = CT_CARE_SUPERVISOR;
	ct_process_put(init);
}

/* Groups and plan as a start would make them today. */
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
				      .caller_env = (const char *const *)environ,
				      .rows = 24,
				      .cols = 80,
				      .rootfs_fd = -1,
				      .init_pidfd = -1 };
	(void)ct_open_backends(t->c, p, NULL, &t->no_groups);
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
					     .not_opened = &t->no_groups };
	look_who_cares(t);
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
		ct_buf_printf(out, "\"ok\": %s}", r->ok ? "true" : "false");
	}
	ct_buf_str(out, "\n]}\n");
}

/* A column is as wide as its texts, but a long one only pushes its own line's rest to the right. */
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
	for (uint32_t i = 0; i <= t->n; i++) {
		const struct ct_protection *r = i ? &t->rows[i - 1] : &head;

		ct_buf_printf(out, "%s%-*s  %-*s  %-*s  %s\n", r->ok ? "  " : "! ", (int)width[0],
			      r->name, (int)width[1], r->asked, (int)width[2], r->got, r->how);
	}
}

int ct_run_protections(struct ct_container *c, int format, struct ct_buf *out, struct ct_err *e)
{
	struct ct_protect t = {
		.c = c, .p = CT_PREPARED_INIT, .held = CT_CGROUPS_NONE, .pidfd = -1, .proc = -1
	};
	int r;

	ct_err_clear(&t.no_groups);
	ct_err_clear(&t.no_plan);
	r = begin(&t, e);
	if (r >= 0) {
		ct_protect_namespaces(&t);
		ct_backends_protect(&t.p.backends, &t.report);
		ct_protect_watched(&t);
		ct_protect_rights(&t);
		ct_protect_ids(&t);
		ct_protect_mounts(&t);
		/* what was read of one that has ended meanwhile says nothing */
		if (ct_pidfd_ended(t.pidfd, 0))
			r = ct_not_running_for(t.c, "protections", e);
		else if (format == CT_FORMAT_JSON)
			print_json(&t.report, out);
		else
			print_text(&t.report, out);
	}
	if (r >= 0 && (t.report.oom || ct_buf_error(out)))
		r = ct_oom(e);
	end(&t);
	return r < 0 ? r : 0;
}
