/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AppArmor: the payload, its start hooks and what attaches run under a profile. One that is loaded
 * is named; or one is generated, which is loaded in phase SETUP and removed with the container. A
 * caller that is confined itself stacks the profile on its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "backend/apparmor/host.h"
#include "backend/apparmor/profile.h"
#include "backend/backend.h"
#include "backend/cgroup/owner.h"
#include "backend/lsm/label.h"
#include "backend/lsm/record.h"
#include "base/caps.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/sys.h"
#include "plan/builder.h"
#include "shared/label.h"

#define NAME "apparmor"
#define LABEL_RECORD "apparmor.label"
#define KEY "apparmor.profile"
#define PARSER "/sbin/apparmor_parser"
#define LABEL_MAX 4096
#define PROFILES_MAX (4u << 20)

struct apparmor_state {
	const struct ct_spec *spec;
	const char *profile;  /* the name of one that is generated; else NULL */
	struct ct_buf policy; /* its text */
	char digest[17];      /* of that without its name: two starts of one config have the same */
	const char *label;    /* of the payload */
	const char *text;     /* what is written for it, without the verb */
	bool stack;	      /* it is stacked on what the caller has */
	bool attach, detached;
	int dir; /* of AppArmor's interface; -1: it is not there */
	int slot;
	const char *notice;
};

static bool is(const struct ct_spec *spec, const char *value)
{
	return spec->apparmor_profile && !strcmp(spec->apparmor_profile, value);
}

static bool wanted(const struct ct_spec *spec)
{
	const char *why;

	/* where there is no AppArmor everything is unconfined */
	if (is(spec, "unconfined"))
		return ct_aa_works(&why);
	if (spec->apparmor_raw.n)
		return true;
	return spec->apparmor_profile && *spec->apparmor_profile && !is(spec, "unchanged");
}

static int probe(const struct ct_host *host, const char **why)
{
	(void)host;
	return ct_aa_works(why);
}

/* ---- what there is --------------------------------------------------------------------------- */

/* The label of the calling thread; NULL: unconfined, or not to be told. */
static const char *own_label(struct ct_arena *arena)
{
	CT_CLEAN_FD int fd = open("/proc/thread-self/attr/apparmor/current", O_RDONLY | O_CLOEXEC);
	char text[LABEL_MAX] = "";

	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) <= 0)
		return NULL;
	text[ct_label_length(text)] = '\0';
	if (!strcmp(text, "unconfined"))
		return NULL;
	return ct_arena_strdup(arena, text);
}

/* The mode in which a profile is loaded, in mode[16]. 1, 0: it is not loaded, or a negative errno:
 * that cannot be told. */
static int find_profile(const struct apparmor_state *st, const char *name, char mode[16])
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = ct_buf_read_at(&text, st->dir, "profiles", PROFILES_MAX);

	if (r < 0)
		return r;
	for (const char *line = ct_buf_text(&text); *line; line += *line == '\n') {
		size_t n = ct_label_length(line), whole = strcspn(line, "\n");

		if (n == strlen(name) && !memcmp(line, name, n)) {
			snprintf(mode, 16, "%.*s", (int)(whole - n), line + n);
			return 1;
		}
		line += whole;
	}
	return 0;
}

static int fail(struct apparmor_state *st, int err, const char *key, const char *hint,
		const char *text, struct ct_err *e)
{
	const char *where = "start";

	if (st->attach)
		where = "attach";
	ct_err_origin(e, ct_spec_origin(st->spec, key));
	ct_err_object(e, st->spec->apparmor_profile);
	ct_err_hint(e, "%s", hint);
	return ct_fail(e, err, CT_ERR_LABEL, where, "%s", text);
}

/* A profile that is named has to be loaded. */
static int check_named(struct apparmor_state *st, struct ct_arena *arena, struct ct_err *e)
{
	const char *name = st->spec->apparmor_profile;
	char mode[16] = "";
	int r;

	/* parts of a stack, and profiles of other namespaces, are for the kernel to find */
	if (strstr(name, CT_LABEL_STACK) || *name == ':')
		return 0;
	r = find_profile(st, name, mode);
	if (r == 0)
		return fail(st, -ENOENT, KEY,
			    "load it with apparmor_parser, or set apparmor.profile = generated",
			    "no profile of this name is loaded", e);
	/* root alone may read the list: else the kernel says it when the label is written */
	if (r < 0 || strstr(mode, "enforce") || strstr(mode, "kill"))
		return 0;
	st->notice = ct_arena_printf(arena, "the profile %s is loaded, but not enforced:%s", name,
				     mode);
	return 0;
}

static int check_generated(struct apparmor_state *st, const struct ct_host *host, struct ct_err *e)
{
	if (!(host->cap_permitted & CT_CAP_BIT(CAP_MAC_ADMIN)) || !host->initial_userns)
		return fail(st, -EPERM, KEY,
			    "start it as root of the host, or name a profile that is loaded",
			    "to load a profile takes CAP_MAC_ADMIN", e);
	if (access(PARSER, X_OK) < 0)
		return fail(st, -errno, KEY, "install it (the package apparmor)",
			    PARSER " is not there, which compiles profiles", e);
	return 0;
}

/* Without mediation of mounts a payload that may mount leads by every rule about paths. */
static int check_complete(struct apparmor_state *st, struct ct_err *e)
{
	if (st->spec->apparmor_incomplete ||
	    faccessat(st->dir, "features/mount/mask", F_OK, 0) == 0)
		return 0;
	return fail(st, -EOPNOTSUPP, KEY, "set apparmor.allow_incomplete = 1 to do without",
		    "this kernel's AppArmor knows no rules about mounts", e);
}

static int check_host(struct apparmor_state *st, const struct ct_backend_input *in,
		      struct ct_err *e)
{
	int r;

	if (is(st->spec, "unconfined"))
		return 0;
	r = check_complete(st, e);
	if (r < 0)
		return r;
	if (st->profile)
		return check_generated(st, in->host, e);
	return check_named(st, in->arena, e);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What tells the profile from those of other containers of the same name: in process the mark of
 * the owner, by which the next caller finds what a killed one has left; else where the state is. */
static const char *mark_of(const struct ct_backend_input *in)
{
	struct stat sb = { 0 };
	const char *mark = "";

	if (in->mark && *in->mark)
		return in->mark;
	/* one that is not there yet has no number: this moment has one */
	if (in->base && stat(in->base, &sb) < 0)
		sb.st_ino = ct_now_ns(CLOCK_MONOTONIC);
	if (in->base)
		mark = ct_arena_printf(in->arena, "-%llx.%llx", (unsigned long long)sb.st_dev,
				       (unsigned long long)sb.st_ino);
	return mark ? mark : "";
}

/* The text of a generated profile. 0 or -ENOMEM. */
static int make_policy(struct apparmor_state *st)
{
	CT_CLEAN_BUF struct ct_buf nameless = CT_BUF_INIT;
	uint8_t sha[CT_SHA256_BYTES];
	int r = ct_aa_profile(st->spec, "", &nameless);

	if (r < 0)
		return r;
	ct_sha256(nameless.data, nameless.len, sha);
	for (unsigned i = 0; i < (sizeof(st->digest) - 1) / 2; i++)
		snprintf(st->digest + 2 * i, 3, "%02x", sha[i]);
	return ct_aa_profile(st->spec, st->profile, &st->policy);
}

static int open_start(struct apparmor_state *st, const struct ct_backend_input *in,
		      struct ct_err *e)
{
	char name[CT_AA_NAME_MAX + 1];
	const char *own;

	if (st->spec->apparmor_raw.n && !is(st->spec, "generated"))
		return fail(st, -EINVAL, "apparmor.raw", "set apparmor.profile = generated",
			    "lines for a generated profile, and none is generated", e);
	st->text = st->spec->apparmor_profile;
	if (is(st->spec, "generated")) {
		ct_aa_name(name, in->req->name, mark_of(in));
		st->profile = st->text = ct_arena_strdup(in->arena, name);
	}
	if (!st->text || (st->profile && make_policy(st) < 0))
		return ct_oom(e);
	own = own_label(in->arena);
	st->stack = own && !is(st->spec, "unconfined");
	st->label = st->text;
	if (st->stack)
		st->label = ct_arena_printf(in->arena, "%s" CT_LABEL_STACK "%s", own, st->text);
	if (!st->label)
		return ct_oom(e);
	if (st->dir < 0)
		return 0;
	return check_host(st, in, e);
}

/* The label of what runs, from the journal of its start. */
static int open_attach(struct apparmor_state *st, const struct ct_backend_input *in,
		       struct ct_err *e)
{
	st->label = st->text = ct_label_kept(in->records, LABEL_RECORD, in->arena);
	if (!st->label)
		return fail(st, -ENODATA, KEY, "stop the container and start it again",
			    "the label that the container runs under is not known any more", e);
	st->stack = own_label(in->arena) && !is(st->spec, "unconfined");
	return 0;
}

static int open_state(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct apparmor_state *st = state;

	st->spec = in->req->spec;
	st->attach = in->attach;
	st->detached = in->req->detached;
	st->policy = (struct ct_buf)CT_BUF_INIT;
	st->slot = CT_SLOT_NONE;
	st->dir = -1;
	/* what is lifted for an attach (CT_ATTACH_ELEVATED) is the profile, too */
	if (in->attach && in->req->elevated)
		return 0;
	if (in->attach)
		return open_attach(st, in, e);
	st->dir = ct_aa_open();
	return open_start(st, in, e);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static void inputs(void *state, struct ct_builder *b)
{
	struct apparmor_state *st = state;

	if (st->profile && st->detached)
		st->slot = ct_plan_input(b->plan, "apparmor", st->dir);
}

static void plan_profile(struct apparmor_state *st, struct ct_builder *b,
			 const struct ct_origin *at)
{
	struct ct_step *s;

	if (st->profile) {
		s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_APPARMOR_LOAD, at);
		s->s[0] = st->profile;
		s->s[1] = PARSER;
		s->s[2] = st->digest;
	}
	ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_APPARMOR_KEEP, at)->s[0] = st->label;
	if (st->slot == CT_SLOT_NONE)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_END, CT_OP_APPARMOR_REMOVE, at);
	s->a = (int16_t)st->slot;
	s->s[0] = st->profile;
}

static int plan(void *state, struct ct_builder *b)
{
	struct apparmor_state *st = state;
	const struct ct_origin *at = ct_build_at(b, KEY);
	struct ct_label label = { .file = "attr/apparmor/exec", .reads = st->text, .at = at };
	struct ct_label now = { .file = "attr/apparmor/current", .reads = st->text, .at = at };
	const char *verb = "exec", *at_once = "changeprofile";

	if (!st->label)
		return 0;
	if (!st->attach)
		plan_profile(st, b, at);
	if (st->stack)
		verb = at_once = "stack";
	label.text = ct_arena_printf(b->arena, "%s %s", verb, st->text);
	now.text = ct_arena_printf(b->arena, "%s %s", at_once, st->text);
	if (!label.text || !now.text)
		return ct_oom(b->err);
	ct_label_plan(b, CT_PHASE_CONFINE, &label);
	ct_label_plan_reaper(b, &now);
	return 0;
}

/* ---- loading and removing -------------------------------------------------------------------- */

/* The path of a descriptor, short, for the parser prints it twice in front of each error. That of
 * the process is not there when its first thread has ended. */
static void path_of(char path[80], int fd)
{
	int pid = (int)getpid(), thread = (int)syscall(SYS_gettid);

	if (pid == thread)
		snprintf(path, 80, "/proc/%d/fd/%d", pid, fd);
	else
		snprintf(path, 80, "/proc/%d/task/%d/fd/%d", pid, thread, fd);
}

/* The text goes to the parser by a descriptor. */
static int load(struct apparmor_state *st, const struct ct_setup *context, struct ct_err *e)
{
	CT_CLEAN_FD int fd = ct_memfd_create("profile", MFD_CLOEXEC);
	char path[80];
	const char *const argv[] = { PARSER, "--add", "--skip-cache", path, NULL };
	int r = fd;

	if (r >= 0)
		r = ct_write_all(fd, st->policy.data, st->policy.len);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_LABEL, "start", "memfd_create",
				   "there is no memory for the profile");
	path_of(path, fd);
	return context->run(context->run_arg, argv, e);
}

static int setup_apparmor_load(struct apparmor_state *st, const struct ct_setup *context,
			       struct ct_err *e)
{
	int r = ct_undo_before(context->undo, NAME, st->profile, e);

	if (r < 0)
		return r;
	r = load(st, context, e);
	if (r >= 0)
		return ct_undo_after(context->undo, NAME, st->profile, e);
	ct_err_hint(e, "look at apparmor.raw; the log has all that apparmor_parser said");
	return r;
}

static int setup_apparmor_keep(const struct ct_setup *context, const struct ct_step *s,
			       struct ct_err *e)
{
	return ct_label_keep(context->undo, LABEL_RECORD, s->s[0], e);
}

static int setup(void *state, const struct ct_setup *context, const struct ct_step *s,
		 struct ct_err *e)
{
	if (s->op == CT_OP_APPARMOR_LOAD)
		return setup_apparmor_load(state, context, e);
	return setup_apparmor_keep(context, s, e);
}

/* Removes the profiles; names that are none of ours are left. */
static int undo(const struct ct_undo_record *records, uint32_t n, struct ct_err *e)
{
	int first = 0;

	while (n-- > 0) {
		int r;

		if (!ct_aa_is_ours(records[n].text))
			continue;
		r = ct_aa_remove(records[n].text);
		if (r < 0 && !first) {
			ct_err_object(e, records[n].text);
			first = ct_fail_sys(e, r, CT_ERR_LABEL, NAME, "write",
					    "the profile cannot be removed");
		}
	}
	return first;
}

/* Removes the profiles of callers that were killed. */
static void sweep(void *state)
{
	const struct apparmor_state *st = state;
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_owner_cache cache = { 0 };
	char name[CT_AA_NAME_MAX + 1];

	if (!st->profile || st->dir < 0 ||
	    ct_buf_read_at(&text, st->dir, "profiles", PROFILES_MAX) < 0)
		return;
	for (const char *line = ct_buf_text(&text); *line; line += *line == '\n') {
		size_t n = ct_label_length(line);

		if (n <= CT_AA_NAME_MAX) {
			memcpy(name, line, n);
			name[n] = '\0';
			if (ct_aa_is_ours(name) && ct_owner_is_dead(name, &cache))
				ct_aa_remove(name);
		}
		line += strcspn(line, "\n");
	}
}

static const char *notice(const void *state)
{
	const struct apparmor_state *st = state;

	return st->notice;
}

static void close_state(void *state)
{
	struct apparmor_state *st = state;

	ct_close(&st->dir);
	ct_buf_free(&st->policy);
}

const struct ct_backend ct_backend_apparmor = {
	.name = NAME,
	.key = KEY,
	.state = sizeof(struct apparmor_state),
	.wanted = wanted,
	.probe = probe,
	.open = open_state,
	.inputs = inputs,
	.plan = plan,
	.setup = setup,
	.undo = undo,
	.sweep = sweep,
	.notice = notice,
	.close = close_state,
};
