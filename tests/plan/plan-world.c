/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans over a host made up here, without any right and without touching anything.
 *
 * A config's lines that begin with "#:" say what the start or attach asks for beyond the config:
 *   #: argv WORD...        #: env K=V         #: caller K=V
 *   #: name NAME           #: form json
 *   #: flag
 *   pty|clear_env|keep_env|execute|no_new_privs|elevated|detached|stdio_given|exec_fd|oom_protected
 *   #: size ROWS COLS      #: keep_fds N      #: attach NS-BITS (hex)
 *   #: user NAME  #: uid N  #: gid N  #: groups N...  #: caps HEX  #: cwd PATH
 *   #: bounding HEX        what init has left in its bounding set
 *   #: host FIELD VALUE    (uid, caps, cap_last, namespaces, kernel_major, kernel_minor,
 *                          initial_userns, no_tty_group, no_setgroups, sched_core, landlock)
 *   #: layout v1|v2|hybrid|nested|bare|.. the cgroup hierarchies of the host; without it cgroups
 *                          are not asked for
 *   #: join v1|v2          an attach joins a group
 *   #: scope               systemd could be asked for one, as an in-process start of root's does
 *                          when its own group will not do
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <contain/contain.h>

#include "backend/cgroup/state.h"
#include "model/config.h"
#include "plan/build.h"

#include "plan-world.h"

/* What the journal of the container has that an attach joins: a filter that allows all, a label,
 * and a few rules of Landlock. */
#define RUNNING                                          \
	"seccomp\t1 40b2a31e1a78576b 060000000000ff7f\n" \
	"apparmor.label\tct.web\n"                       \
	"landlock\tffff 3 3 c:2f757372 5?2f6f7074 2=1bb\n"
#define WORDS 32
#define FULL_CAPS 0x1ffffffffffull

/* Everything a directive can set; strings live in `text`. */
struct wish {
	struct ct_request req;
	struct ct_host host;
	const char *argv[WORDS], *env[WORDS], *caller[WORDS];
	uint32_t groups[WORDS];
	int keep[WORDS];
	bool attach, json, scope;
	struct ct_cgroups trees;
	struct ct_cgroup_state cgroup;
	struct ct_area area[CT_BACKENDS_MAX];
	struct ct_backend_set opened; /* without cgroups, whose state is above */
	struct ct_cg_join join[2];
	struct ct_running init; /* what runs already */
};

#define TOP "/sys/fs/cgroup"
#define V2_USUAL (CT_CG_CPU | CT_CG_CPUSET | CT_CG_MEMORY | CT_CG_IO | CT_CG_PIDS)
#define V2_ALL (V2_USUAL | CT_CG_HUGETLB | CT_CG_RDMA | CT_CG_MISC)

/* Layouts as hosts have them: systemd's pure and hybrid ones, the old one, one with little given
 * on, an ordinary user's without and with a group of its own, one with nothing mounted. */
static const struct {
	const char *name;
	struct ct_cg_tree v[10];
} layouts[] = {
	{ "v2", { { 2, V2_ALL, "unified", TOP, "/user.slice/session-1.scope" } } },
	{ "nested", { { 2, CT_CG_MEMORY | CT_CG_PIDS, "unified", TOP, "" } } },
	{ "hybrid",
	  { { 1, CT_CG_CPU | CT_CG_CPUACCT, "cpu,cpuacct", TOP "/cpu,cpuacct", "" },
	    { 1, CT_CG_CPUSET, "cpuset", TOP "/cpuset", "" },
	    { 1, CT_CG_MEMORY, "memory", TOP "/memory", "/user.slice" },
	    { 1, CT_CG_DEVICES, "devices", TOP "/devices", "" },
	    { 1, CT_CG_FREEZER, "freezer", TOP "/freezer", "" },
	    { 1, CT_CG_IO, "blkio", TOP "/blkio", "" },
	    { 1, CT_CG_PIDS, "pids", TOP "/pids", "" },
	    { 1, 0, "name=systemd", TOP "/systemd", "/user.slice" },
	    { 2, CT_CG_HUGETLB, "unified", TOP "/unified", "" } } },
	{ "v1",
	  { { 1, CT_CG_CPU | CT_CG_CPUACCT, "cpu,cpuacct", TOP "/cpu,cpuacct", "" },
	    { 1, CT_CG_CPUSET, "cpuset", TOP "/cpuset", "" },
	    { 1, CT_CG_MEMORY, "memory", TOP "/memory", "" },
	    { 1, CT_CG_DEVICES, "devices", TOP "/devices", "" },
	    { 1, CT_CG_FREEZER, "freezer", TOP "/freezer", "" },
	    { 1, CT_CG_IO, "blkio", TOP "/blkio", "" },
	    { 1, CT_CG_PIDS, "pids", TOP "/pids", "" } } },
	{ "user",
	  { { 2, V2_ALL, "unified", TOP, "/user.slice/session-1.scope", .top_closed = true,
	      .self_closed = true } } },
	{ "service",
	  { { 2, V2_ALL, "unified", TOP, "/system.slice/ci.service", .self_gives = 0 } } },
	{ "given",
	  { { 2, V2_ALL, "unified", TOP, "/system.slice/ci.service",
	      .self_gives = CT_CG_MEMORY | CT_CG_PIDS } } },
	{ "granted",
	  { { 2, V2_ALL, "unified", TOP, "/system.slice/ci.service/main",
	      .granted = "/system.slice/ci.service",
	      .granted_gives = CT_CG_MEMORY | CT_CG_PIDS } } },
	{ "threaded",
	  { { 2, V2_ALL, "unified", TOP, "/system.slice/ci.service", .self_gives = CT_CG_PIDS,
	      .self_bars = true } } },
	{ "outside", { { 2, V2_ALL, "unified", TOP, NULL } } },
	{ "service-v1",
	  { { 1, CT_CG_MEMORY, "memory", TOP "/memory", "/system.slice/ci.service" },
	    { 1, CT_CG_DEVICES, "devices", TOP "/devices", "/system.slice/ci.service" },
	    { 1, CT_CG_FREEZER, "freezer", TOP "/freezer", "" },
	    { 1, CT_CG_PIDS, "pids", TOP "/pids", "/system.slice/ci.service" } } },
	{ "closed-devices",
	  { { 1, CT_CG_DEVICES, "devices", TOP "/devices", "/system.slice/ci.service",
	      .self_narrow = true },
	    { 1, CT_CG_FREEZER, "freezer", TOP "/freezer", "/a b" } } },
	{ "delegated",
	  { { 2, V2_ALL, "unified", TOP, "/user.slice/app.slice/run.scope",
	      .top_closed = true } } },
	{ "bare", { { 0, 0, NULL, NULL, NULL } } },
};

static int set_layout(struct wish *w, const char *name)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (strcmp(layouts[i].name, name))
			continue;
		w->host.cgroups = &w->trees;
		for (w->trees.n = 0; layouts[i].v[w->trees.n].version; w->trees.n++)
			w->trees.v[w->trees.n] = layouts[i].v[w->trees.n];
		return 0;
	}
	return -1;
}

static const struct ct_host usual_host = {
	.kernel_major = 6,
	.kernel_minor = 1,
	.kernel_release = "6.1.0-test",
	.cap_permitted = FULL_CAPS,
	.cap_bounding = FULL_CAPS,
	.cap_last = 40,
	.namespaces = CT_NS_ALL,
	.initial_userns = true,
	.openat2 = true,
	.mount_api = true,
	.mount_setattr = true,
	.clone3 = true,
	.pidfd = true,
	.close_range = true,
	.sched_core = true,
	.landlock = 7,
	.boot_id = "00000000-0000-4000-8000-000000000000",
};

static uint64_t number(const char *s, int base)
{
	return s ? strtoull(s, NULL, base) : 0;
}

/* Splits at blanks; NULL-terminated. */
static uint32_t words(char *s, const char **v)
{
	uint32_t n = 0;
	char *save = NULL, *w;

	for (w = strtok_r(s, " ", &save); w && n < WORDS - 1; w = strtok_r(NULL, " ", &save))
		v[n++] = w;
	v[n] = NULL;
	return n;
}

static int set_flag(struct ct_request *r, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} rows[] = {
		{ "pty", &r->pty },
		{ "clear_env", &r->clear_env },
		{ "keep_env", &r->keep_env },
		{ "execute", &r->execute },
		{ "no_new_privs", &r->no_new_privs },
		{ "elevated", &r->elevated },
		{ "detached", &r->detached },
		{ "oom_protected", &r->oom_protected },
		{ "stdio_given", &r->stdio_given },
		{ "reaper", &r->reaper },
		{ "no_reaper", &r->no_reaper },
		{ "exec_fd", &r->has_exec_fd },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].name, name)) {
			*rows[i].flag = true;
			return 0;
		}
	}
	return -1;
}

static int set_host(struct ct_host *h, const char *field, const char *value)
{
	uint64_t n = number(value, 0);

	if (!strcmp(field, "uid"))
		h->uid = h->gid = (uint32_t)n;
	else if (!strcmp(field, "caps"))
		h->cap_permitted = h->cap_bounding = n;
	else if (!strcmp(field, "cap_last"))
		h->cap_last = (uint32_t)n;
	else if (!strcmp(field, "namespaces"))
		h->namespaces = (uint32_t)n;
	else if (!strcmp(field, "kernel_major"))
		h->kernel_major = (uint32_t)n;
	else if (!strcmp(field, "kernel_minor"))
		h->kernel_minor = (uint32_t)n;
	else if (!strcmp(field, "initial_userns"))
		h->initial_userns = n;
	else if (!strcmp(field, "no_tty_group"))
		h->no_tty_group = n;
	else if (!strcmp(field, "no_setgroups"))
		h->no_setgroups = n;
	else if (!strcmp(field, "sched_core"))
		h->sched_core = n;
	else if (!strcmp(field, "landlock"))
		h->landlock = (int)n;
	else
		return -1;
	return 0;
}

static void join_hierarchy(struct wish *w, bool v2)
{
	w->join[w->cgroup.n_join++] = (struct ct_cg_join){ v2 ? 2 : 1, -1,
							   v2 ? "unified" : "memory" };
	w->cgroup.join = w->join;
}

/* What an attach alone asks for. */
static int directive_attach(struct wish *w, const char *key, const char **v, uint32_t n)
{
	struct ct_request *r = &w->req;
	uint32_t i;

	if (!strcmp(key, "attach")) {
		w->attach = true;
		r->namespaces = (uint32_t)number(v[0], 16);
	} else if (!strcmp(key, "user")) {
		r->user = v[0];
	} else if (!strcmp(key, "uid")) {
		r->set_uid = true;
		r->uid = (uint32_t)number(v[0], 10);
	} else if (!strcmp(key, "gid")) {
		r->set_gid = true;
		r->gid = (uint32_t)number(v[0], 10);
	} else if (!strcmp(key, "groups")) {
		r->set_groups = true;
		for (i = 0; i < n; i++)
			w->groups[i] = (uint32_t)number(v[i], 10);
		r->n_groups = n;
	} else if (!strcmp(key, "caps")) {
		r->set_caps = true;
		r->caps = number(v[0], 16);
	} else if (!strcmp(key, "bounding")) {
		w->init = (struct ct_running){ .pid = 1, .cap_bounding = number(v[0], 16) };
		r->running = &w->init;
	} else if (!strcmp(key, "cwd")) {
		r->cwd = v[0];
	} else if (!strcmp(key, "join") && n == 1) {
		join_hierarchy(w, !strcmp(v[0], "v2"));
	} else {
		return -1;
	}
	return 0;
}

/* Terminals and descriptors, and what the host is like. */
static int directive_world(struct wish *w, const char *key, const char **v, uint32_t n)
{
	if (!strcmp(key, "size")) {
		w->req.rows = (unsigned)number(v[0], 10);
		w->req.cols = (unsigned)number(v[1], 10);
	} else if (!strcmp(key, "modes")) {
		w->req.modes = v[0];
	} else if (!strcmp(key, "keep_fds")) {
		w->req.n_keep_fds = (uint32_t)number(v[0], 10);
	} else if (!strcmp(key, "layout") && n == 1) {
		return set_layout(w, v[0]);
	} else if (!strcmp(key, "host") && n == 2) {
		return set_host(&w->host, v[0], v[1]);
	} else {
		return directive_attach(w, key, v, n);
	}
	return 0;
}

static int directive(struct wish *w, char *line)
{
	const char *v[WORDS];
	uint32_t n = words(line, v), i;
	const char *key = n ? v[0] : "";

	for (i = 0; i < n; i++)
		v[i] = v[i + 1];
	n -= n > 0;
	if (!strcmp(key, "argv")) {
		memcpy(w->argv, v, sizeof(v));
		w->req.argv = w->argv;
	} else if (!strcmp(key, "env")) {
		memcpy(w->env, v, sizeof(v));
		w->req.envp = w->env;
	} else if (!strcmp(key, "caller")) {
		memcpy(w->caller, v, sizeof(v));
	} else if (!strcmp(key, "name")) {
		w->req.name = v[0];
	} else if (!strcmp(key, "form")) {
		w->json = true;
	} else if (!strcmp(key, "scope")) {
		w->scope = true;
	} else if (!strcmp(key, "flag")) {
		return set_flag(&w->req, v[0] ? v[0] : "");
	} else {
		return directive_world(w, key, v, n);
	}
	return 0;
}

/* Reads the directives of a config; text is changed. 0, or the number of the line that is none. */
static int read_wish(char *text, struct wish *w)
{
	int nr = 0, i;
	char *line, *save = NULL;

	memset(w, 0, sizeof(*w));
	w->host = usual_host;
	w->req.host = &w->host;
	w->req.name = "";
	w->req.caller_env = w->caller;
	w->area[0] = (struct ct_area){ &w->cgroup, ct_cg_inputs, ct_cg_plan, ct_cg_mounts };
	w->req.areas = w->area;
	w->req.n_areas = 1;
	w->req.rootfs_fd = w->req.init_pidfd = w->req.exec_fd = -1;
	w->req.groups = w->groups;
	w->req.keep_fds = w->keep;
	for (i = 0; i < WORDS; i++)
		w->keep[i] = -1;
	for (i = 0; i < 8; i++)
		w->req.share_fd[i] = -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		nr++;
		if (!strncmp(line, "#: ", 3) && directive(w, line + 3))
			return nr;
	}
	return 0;
}

static void print_plan(const struct wish *w, const struct ct_plan *p, struct ct_buf *out)
{
	if (w->json)
		ct_plan_json(p, true, out);
	else
		ct_plan_text(p, true, out);
}

static int decide_groups(struct wish *w, struct ct_arena *arena, struct ct_err *e)
{
	struct ct_cg_ask ask = { .spec = w->req.spec,
				 .host = &w->host,
				 .name = w->req.name,
				 .mark = w->req.detached ? "" : "@mark",
				 .detached = w->req.detached,
				 .userns = ct_build_userns(w->req.spec),
				 .mounts = ct_build_mounts_cgroups(w->req.spec, &w->host),
				 .mknod = ct_build_keeps_mknod(w->req.spec, &w->host),
				 .scope = w->scope };

	return ct_cg_decide(&ask, arena, &w->cgroup.want, e);
}

/* All but cgroups, whose state the directives make: opened as for a start. */
static int open_backends(struct wish *w, struct ct_arena *arena, struct ct_err *e)
{
	const struct ct_backend_input in = { .req = &w->req,
					     .host = &w->host,
					     .arena = arena,
					     .attach = w->attach,
					     .mark = "",
					     .records = RUNNING };
	int r = 0;

	for (const struct ct_backend *const *b = ct_backends; *b && r >= 0; b++) {
		void *state;

		if (*b == &ct_backend_cgroup || ((*b)->wanted && !(*b)->wanted(w->req.spec)))
			continue;
		state = ct_arena_alloc(arena, (*b)->state);
		if (!state)
			abort();
		w->area[w->req.n_areas++] = (struct ct_area){ state, (*b)->inputs, (*b)->plan,
							      (*b)->mounts };
		w->opened.state[w->opened.n] = state;
		w->opened.v[w->opened.n++] = *b;
		r = (*b)->open(state, &in, e);
	}
	return r;
}

/* The plan of one config as text, or the error that it gives. */
static void make(const char *text, size_t len, const char *name, struct wish *w, struct ct_buf *out)
{
	struct ct_config *cfg = ct_config_new();
	struct ct_arena *arena = ct_arena_new();
	struct ct_plan *plan = NULL;
	struct ct_spec *spec;
	struct ct_err *e = calloc(1, sizeof(*e));
	int err;

	if (!cfg || !arena || !e)
		abort();
	ct_err_clear(e);
	err = ct_config_load_text(cfg, text, len, name, e);
	if (!err) {
		w->req.spec = spec = ct_spec_read(cfg, arena, e);
		err = spec ? 0 : e->err;
		if (spec && !w->attach)
			spec->init_reaper = ct_build_reaper(&w->req);
	}
	if (!err && w->host.cgroups)
		err = decide_groups(w, arena, e);
	if (!err)
		err = open_backends(w, arena, e);
	if (!err && w->attach)
		err = ct_build_attach(&w->req, arena, &plan, e);
	else if (!err)
		err = ct_build_start(&w->req, arena, &plan, e);
	if (err) {
		ct_buf_printf(out, "refused: error %d, errno %d\n%s\n", e->id, -e->err, e->message);
	} else {
		print_plan(w, plan, out);
		if (w->cgroup.want.elsewhere)
			ct_buf_printf(out, "said: %s\n", w->cgroup.want.elsewhere);
	}
	ct_backends_close(&w->opened);
	ct_config_free(cfg);
	ct_arena_free(arena);
	free(e);
}

/* See plan-world.h. */
int world_plan(const char *text, size_t len, const char *name, struct ct_buf *out)
{
	char *copy = strndup(text, len);
	struct wish w;
	int line = copy ? read_wish(copy, &w) : -1;

	if (!line)
		make(text, len, name, &w, out);
	free(copy);
	return line;
}
