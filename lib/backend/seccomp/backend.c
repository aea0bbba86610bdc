/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filters of system calls as a backend: the profile is read and compiled by the caller, and the
 * program, part of the message, is loaded by init in phase CONFINE. The journal keeps the program:
 * what attaches gets the filter that runs, whatever has become of the profile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/backend.h"
#include "backend/seccomp/actions.h"
#include "backend/seccomp/cache.h"
#include "backend/seccomp/keys.h"
#include "backend/seccomp/notify.h"
#include "backend/seccomp/ops.h"
#include "backend/seccomp/policy.h"
#include "backend/seccomp/record.h"
#include "base/fd.h"
#include "base/sys.h"
#include "plan/builder.h"
#include "shared/weak.h"

#define NAME "seccomp"
#define KEY "seccomp.profile"
#define NOTIFY "seccomp.notify"
#define KEYS "keyring.user"

struct seccomp_state {
	const struct ct_spec *spec;
	struct ct_filter_record record;
	bool attach;
	const char *bad; /* the key that is wrong when the policy cannot be made */
};

/* The profile's name; "none" where there is none. */
static const char *profile_of(const struct ct_spec *spec)
{
	return spec->seccomp_profile ? spec->seccomp_profile : "none";
}

static bool is_none(const struct ct_spec *spec)
{
	return strcmp(profile_of(spec), "none") == 0;
}

static bool wanted(const struct ct_spec *spec)
{
	return !is_none(spec) || spec->seccomp_notify.n || ct_filter_keeps_keys(spec);
}

bool ct_filter_keeps_keys(const struct ct_spec *spec)
{
	uint32_t other = ct_build_namespaces(spec);

	for (uint32_t i = 0; i < spec->ns_share.n; i++)
		other |= spec->ns_share.v[i].ns;
	return !spec->keyring_user && !(other & CT_NS_USER);
}

/* ---- the program ----------------------------------------------------------------------------- */

static int refuse_file(const char *path, int err, const char *call, const char *text,
		       struct ct_err *e)
{
	ct_err_object(e, path);
	ct_err_hint(e, "name a file with a policy of LXC's or Docker's form, default, or none");
	if (call)
		return ct_fail_sys(e, err, CT_ERR_FILTER, "start", call, "%s", text);
	return ct_fail(e, err, CT_ERR_FILTER, "start", "%s", text);
}

static int read_file(const char *path, struct ct_buf *text, struct ct_err *e)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse_file(path, -errno, "open", "the profile cannot be opened", e);
	if (!S_ISREG(st.st_mode))
		return refuse_file(path, -EINVAL, NULL, "the profile is no file", e);
	r = ct_buf_read_fd(text, fd, CT_FILTER_FILE_MAX);
	if (r < 0)
		return refuse_file(path, r, "read", "the profile cannot be read", e);
	return 0;
}

/* What a program is found by: the profile as a whole, and what else decides about it. The text of
 * our own, which is in no file, is empty, as that of a file may be. */
static int make_key(const struct ct_spec *spec, bool is_own, const struct ct_buf *text,
		    const struct ct_filter_facts *facts, struct ct_buf *key)
{
	for (uint32_t i = 0; i < spec->seccomp_notify.n; i++)
		ct_buf_printf(key, "%s ", spec->seccomp_notify.v[i].value);
	ct_buf_printf(key, "%d%d", is_none(spec), ct_filter_keeps_keys(spec));
	ct_buf_add(key, &is_own, sizeof(is_own));
	ct_buf_add(key, &facts->caps, sizeof(facts->caps));
	ct_buf_add(key, &facts->kernel_major, sizeof(facts->kernel_major));
	ct_buf_add(key, &facts->kernel_minor, sizeof(facts->kernel_minor));
	ct_buf_add(key, text->data, text->len);
	return ct_buf_error(key);
}

static int compile(struct seccomp_state *st, bool is_own, const struct ct_filter_facts *facts,
		   const struct ct_buf *text, struct ct_arena *arena, struct ct_err *e)
{
	/* all calls of all of the machine's architectures, so that no other leads by */
	static const char all[] = "2\ndenylist\n";
	const char *profile = profile_of(st->spec);
	struct ct_filter_policy policy;
	int r;

	if (is_own)
		r = ct_filter_default(facts, arena, &policy, e);
	else if (is_none(st->spec))
		r = ct_filter_read_lxc(all, sizeof(all) - 1, profile, arena, &policy, e);
	else
		r = ct_filter_read(ct_buf_text(text), text->len, profile, facts, arena, &policy, e);
	if (r < 0)
		return r;
	st->bad = KEYS;
	if (ct_filter_keeps_keys(st->spec))
		r = ct_filter_refuse_keys(&policy, is_none(st->spec), arena, e);
	if (r < 0)
		return r;
	st->bad = NOTIFY;
	r = ct_filter_notify(&policy, &st->spec->seccomp_notify, arena, e);
	if (r < 0)
		return r;
	st->bad = KEY;
	r = ct_filter_compile(&policy, profile, &st->record.program, e);
	if (r >= 0 && ct_filter_record_make(&st->record, policy.n_rules) < 0)
		r = ct_oom(e);
	return r;
}

static int open_start(struct seccomp_state *st, const struct ct_backend_input *in, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_BUF struct ct_buf key = CT_BUF_INIT;
	struct ct_filter_record *record = &st->record;
	struct ct_filter_facts facts = { .kernel_major = in->host->kernel_major,
					 .kernel_minor = in->host->kernel_minor };
	bool is_own = strcmp(profile_of(st->spec), "default") == 0;
	int r = ct_build_caps(st->spec, in->host, &facts.caps, e);

	if (r >= 0 && !is_own && !is_none(st->spec))
		r = read_file(st->spec->seccomp_profile, &text, e);
	if (r < 0)
		return r;
	if (make_key(st->spec, is_own, &text, &facts, &key) < 0)
		return ct_oom(e);
	r = ct_filter_cached(ct_buf_text(&key), key.len, &record->text);
	if (r > 0 && ct_filter_record_read(record, ct_buf_text(&record->text)) >= 0)
		return 0;
	if (r != 0)
		return ct_oom(e);
	r = compile(st, is_own, &facts, &text, in->arena, e);
	if (r >= 0)
		ct_filter_keep(ct_buf_text(&key), key.len, record->text.data, record->text.len);
	return r;
}

/* ---- the record ------------------------------------------------------------------------------ */

/* What the journal of a start says of its filter. 0, -ENODATA, -ENOMEM. */
static int read_journal(const char *journal, struct ct_filter_record *out)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;
	int r = ct_undo_read(journal, strlen(journal), NAME, &records);

	if (r < 0)
		return r == -ENOMEM ? r : -ENODATA;
	if (!records.n)
		return -ENODATA;
	ct_buf_str(&out->text, records.v[records.n - 1].text);
	if (ct_buf_error(&out->text))
		return -ENOMEM;
	return ct_filter_record_read(out, ct_buf_text(&out->text));
}

/* The program of what runs, from the journal of its start. */
static int open_attach(struct seccomp_state *st, const struct ct_backend_input *in,
		       struct ct_err *e)
{
	int r = read_journal(in->records, &st->record);

	if (r >= 0)
		return 0;
	if (r == -ENOMEM)
		return ct_oom(e);
	ct_err_hint(e, "stop the container and start it again");
	return ct_fail(e, -ENODATA, CT_ERR_STATE, "attach",
		       "the filter that the container runs under is not known any more");
}

static int setup_seccomp_keep(void *state, const struct ct_setup *context, const struct ct_step *s,
			      struct ct_err *e)
{
	struct seccomp_state *st = state;

	(void)s;
	return ct_undo_after(context->undo, NAME, ct_buf_text(&st->record.text), e);
}

bool ct_filter_journal_refuses_keys(const char *journal)
{
	struct ct_filter_record runs = CT_FILTER_RECORD_INIT;
	bool refused = read_journal(journal, &runs) >= 0 &&
		       ct_filter_refuses_keys(runs.program.data, runs.program.len);

	ct_filter_record_free(&runs);
	return refused;
}

/* ---- the backend ----------------------------------------------------------------------------- */

static int open_state(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct seccomp_state *st = state;
	int r;

	st->record = (struct ct_filter_record)CT_FILTER_RECORD_INIT;
	st->spec = in->req->spec;
	st->attach = in->attach;
	st->bad = is_none(st->spec) && ct_filter_keeps_keys(st->spec) ? KEYS : KEY;
	/* what is lifted for an attach (CT_ATTACH_ELEVATED) is the filter, too */
	if (in->attach && (in->req->elevated || ct_weak(CT_WEAK_FILTER_ATTACH)))
		return 0;
	r = in->attach ? open_attach(st, in, e) : open_start(st, in, e);
	if (r < 0)
		ct_err_origin(e, ct_spec_origin(st->spec, st->bad));
	return r;
}

static void inputs(void *state, struct ct_builder *b)
{
	struct seccomp_state *st = state;

	if (!st->record.program.len)
		return;
	if (!b->filtered)
		b->filtered = KEY;
	b->plan->filter_kills = ct_filter_kills(st->record.program.data, st->record.program.len);
	b->filter_arch = ct_filter_native();
	b->filter_shared = ct_filter_allows_init(st->record.program.data, st->record.program.len,
						 b->filter_arch);
}

/* Calls that nobody would answer. */
static int refuse_unserved(struct ct_builder *b)
{
	ct_err_origin(b->err, ct_build_at(b, NOTIFY));
	ct_err_hint(b->err, "start it with CT_START_NOTIFY and answer them, or name a program that "
			    "does: seccomp.notify.proxy");
	return ct_fail(b->err, -EINVAL, CT_ERR_FILTER, "plan", "nobody would answer these calls");
}

/* Who gets the listener of the filter, CT_LISTENER_*. */
static uint64_t who_serves(const struct seccomp_state *st, const struct ct_builder *b)
{
	if (!ct_filter_notifies(st->record.program.data, st->record.program.len))
		return CT_LISTENER_NONE;
	if (b->req->notify)
		return CT_LISTENER_CALLER;
	return b->spec->seccomp_proxy ? CT_LISTENER_PROXY : CT_LISTENER_NONE;
}

/* The key that there is a filter by. */
static const struct ct_origin *filter_at(const struct seccomp_state *st, struct ct_builder *b)
{
	if (is_none(st->spec) && ct_filter_keeps_keys(st->spec))
		return ct_build_at(b, KEYS);
	return ct_build_at(b, KEY);
}

/* The process that hands requests on to the proxy: first of all, with the caller's rights and in
 * the caller's namespaces. The slot of its socket. */
static int add_proxy(struct ct_builder *b)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_PROXY,
					ct_build_at(b, "seccomp.notify.proxy"));
	int slot = ct_plan_slot(b->plan, "requests");

	s->s[0] = b->spec->seccomp_proxy;
	s->s[1] = b->spec->seccomp_cookie;
	s->o = (int16_t)slot;
	return slot;
}

static int plan(void *state, struct ct_builder *b)
{
	struct seccomp_state *st = state;
	struct ct_step *load, *keep;
	uint64_t server;
	int proxy = CT_SLOT_NONE;

	if (!st->record.program.len)
		return 0;
	server = who_serves(st, b);
	if (!st->attach && b->spec->seccomp_notify.n && server == CT_LISTENER_NONE)
		return refuse_unserved(b);
	if (server == CT_LISTENER_PROXY)
		proxy = add_proxy(b);
	if (server != CT_LISTENER_NONE)
		b->filter_shared = false;
	if (!st->attach) {
		keep = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_SECCOMP_KEEP, filter_at(st, b));
		keep->s[0] = profile_of(st->spec);
		keep->n[0] = st->record.rules;
		keep->s[1] = st->record.digest;
	}
	load = ct_plan_add(b->plan, CT_PHASE_CONFINE, CT_OP_FILTER, filter_at(st, b));
	load->s[3] = ct_filter_record_hex(&st->record);
	load->b = (int16_t)proxy;
	load->n[0] = server;
	return 0;
}

/* The filter of a start now against that which runs. */
static void protect(const void *state, struct ct_protections *r)
{
	const struct seccomp_state *st = state;
	struct ct_filter_record runs = CT_FILTER_RECORD_INIT;
	const char *got = "not known";
	bool ok = read_journal(r->records, &runs) >= 0;

	if (ok)
		got = CT_ROW_TEXT(r, "%u rules, digest %s", runs.rules, runs.digest);
	ct_protections_add(r, ok && !strcmp(runs.digest, st->record.digest), "filter of calls",
			   CT_ROW_TEXT(r, "%s, %u rules, digest %s", profile_of(st->spec),
				       st->record.rules, st->record.digest),
			   got, "seccomp SECCOMP_SET_MODE_FILTER");
	ct_filter_record_free(&runs);
}

static void close_state(void *state)
{
	struct seccomp_state *st = state;

	ct_filter_record_free(&st->record);
}

const struct ct_backend ct_backend_seccomp = {
	.name = NAME,
	.state = sizeof(struct seccomp_state),
	.wanted = wanted,
	.open = open_state,
	.inputs = inputs,
	.plan = plan,
	.setup = setup_seccomp_keep,
	.protect = protect,
	.close = close_state,
};
