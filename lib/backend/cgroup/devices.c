/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device policy: how it is built, what it allows, and its text. */
#include "backend/cgroup/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backend/cgroup/devices-cells.h"
#include "model/device-rule.h"
#include "model/type.h"

_Static_assert(CT_DEV_READ == 1 && CT_DEV_WRITE == 2 && CT_DEV_MKNOD == 4,
	       "the letters of device-rule.h");

/* ---- what a policy allows -------------------------------------------------------------------- */

static bool number_matches(int64_t rule, int64_t n)
{
	return rule == CT_DEV_ANY || rule == n;
}

static bool matches(const struct ct_dev_rule *r, char type, int64_t major, int64_t minor)
{
	return (r->type == 'a' || r->type == type) && number_matches(r->major, major) &&
	       number_matches(r->minor, minor);
}

uint8_t ct_dev_decide(const struct ct_dev_list *l, char type, int64_t major, int64_t minor)
{
	/* `open`: no rule has decided about it yet; the last one decides */
	unsigned open = CT_DEV_ALL, allowed = 0;

	for (uint32_t i = l->n; i > 0 && open; i--) {
		const struct ct_dev_rule *r = &l->v[i - 1];

		if (!matches(r, type, major, minor))
			continue;
		if (r->allow)
			allowed |= open & r->access;
		open &= ~(unsigned)r->access;
	}
	if (l->allow_rest)
		allowed |= open;
	return (uint8_t)allowed;
}

bool ct_dev_allowed(const struct ct_dev_list *l, char type, uint32_t major, uint32_t minor,
		    unsigned access)
{
	if (type != 'c' && type != 'b')
		return false;
	return !(access & ~(unsigned)ct_dev_decide(l, type, major, minor));
}

/* ---- building one ---------------------------------------------------------------------------- */

/* Whether every device that `inner` names is one of `outer`. */
static bool covers(const struct ct_dev_rule *outer, const struct ct_dev_rule *inner)
{
	return (outer->type == 'a' || outer->type == inner->type) &&
	       number_matches(outer->major, inner->major) &&
	       number_matches(outer->minor, inner->minor);
}

static bool numbers_meet(int64_t a, int64_t b)
{
	return a == CT_DEV_ANY || b == CT_DEV_ANY || a == b;
}

/* Whether two rules contradict each other for some access of some device. */
static bool disagree(const struct ct_dev_rule *a, const struct ct_dev_rule *b)
{
	return a->allow != b->allow && (a->access & b->access) &&
	       (a->type == b->type || a->type == 'a' || b->type == 'a') &&
	       numbers_meet(a->major, b->major) && numbers_meet(a->minor, b->minor);
}

/* Whether a rule changes nothing: it is what applies without a rule anyway, and none of the n rules
 * before it contradicts it. */
static bool is_idle(const struct ct_dev_list *l, const struct ct_dev_rule *r, uint32_t n)
{
	if (r->allow != l->allow_rest)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (disagree(&l->v[i], r))
			return false;
	}
	return true;
}

/* Takes from the rules the access that `last` decides, and removes rules without an effect. */
static void overrule(struct ct_dev_list *l, const struct ct_dev_rule *last)
{
	bool changed = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		struct ct_dev_rule r = l->v[i];

		if (covers(last, &r) && (r.access & last->access)) {
			changed = true;
			r.access &= (uint8_t)~last->access;
		}
		if (r.access)
			l->v[n++] = r;
	}
	l->n = n;
	if (!changed)
		return;
	n = 0;
	for (uint32_t i = 0; i < l->n; i++) {
		if (!is_idle(l, &l->v[i], n))
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

/* Appends a rule, and removes those that have no effect any more, as far as that is cheap to find
 * out. 0 or -ENOMEM. */
static int apply(struct ct_dev_list *l, struct ct_dev_rule rule, struct ct_arena *a)
{
	struct ct_dev_rule *v;

	if (rule.type == 'a' && rule.major == CT_DEV_ANY && rule.minor == CT_DEV_ANY &&
	    rule.access == CT_DEV_ALL) {
		l->n = 0;
		l->allow_rest = rule.allow;
		return 0;
	}
	/* before any change, so that without memory the policy stays as it is */
	v = ct_list_room(a, l->v, l->n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	overrule(l, &rule);
	if (!is_idle(l, &rule, l->n))
		l->v[l->n++] = rule;
	return 0;
}

/* Type and numbers for a rule that names a device node in the host's file system. */
static int look_up(const struct ct_device_rule *text, struct ct_dev_rule *rule, struct ct_arena *a,
		   struct ct_err *e)
{
	const char *path = ct_arena_strndup(a, text->path, text->path_len);
	struct stat st;

	if (!path)
		return ct_oom(e);
	if (stat(path, &st) < 0) {
		int err = -errno;

		ct_err_object(e, path);
		ct_err_hint(e, "the device must exist on the host, or be named by its numbers, as "
			       "\"c 10:229 rw\"");
		return ct_fail_sys(e, err, CT_ERR_DEVICES, "config", "stat",
				   "the device cannot be looked up");
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		ct_err_object(e, path);
		return ct_fail(e, -EINVAL, CT_ERR_DEVICES, "config", "this is not a device");
	}
	rule->type = 'b';
	if (S_ISCHR(st.st_mode))
		rule->type = 'c';
	rule->major = major(st.st_rdev);
	rule->minor = minor(st.st_rdev);
	return 0;
}

/* Changes the elements of the list, so that an earlier copy of the struct is not the earlier
 * policy. A path that does not exist is the errno of stat(2), recorded. */
int ct_dev_add(struct ct_dev_list *l, bool allow, const char *text, struct ct_arena *a,
	       struct ct_err *e)
{
	struct ct_device_rule read;
	const char *wrong = ct_device_rule_read(text, &read);
	struct ct_dev_rule rule;
	int r;

	if (wrong)
		return ct_fail(e, -EINVAL, CT_ERR_DEVICES, "config",
			       "\"%.80s\" is not a device rule: %s", text, wrong);
	rule = (struct ct_dev_rule){ read.type, allow, read.access, read.major, read.minor };
	if (!rule.type) {
		r = look_up(&read, &rule, a, e);
		if (r < 0)
			return r;
	}
	if (apply(l, rule, a) < 0)
		return ct_oom(e);
	return 0;
}

/* The devices that programs expect in any container. Any node may be made: to open it is what is
 * restricted. */
static const struct ct_dev_rule usual[] = {
	{ 'c', true, CT_DEV_MKNOD, CT_DEV_ANY, CT_DEV_ANY },
	{ 'b', true, CT_DEV_MKNOD, CT_DEV_ANY, CT_DEV_ANY },
	{ 'c', true, CT_DEV_ALL, 1, 3 },	    /* null */
	{ 'c', true, CT_DEV_ALL, 1, 5 },	    /* zero */
	{ 'c', true, CT_DEV_ALL, 1, 7 },	    /* full */
	{ 'c', true, CT_DEV_ALL, 1, 8 },	    /* random */
	{ 'c', true, CT_DEV_ALL, 1, 9 },	    /* urandom */
	{ 'c', true, CT_DEV_ALL, 5, 0 },	    /* tty */
	{ 'c', true, CT_DEV_ALL, 5, 1 },	    /* console */
	{ 'c', true, CT_DEV_ALL, 5, 2 },	    /* ptmx */
	{ 'c', true, CT_DEV_ALL, 136, CT_DEV_ANY }, /* pts */
};

/* The policy before the first rule. */
static int start_from(const char *preset, struct ct_arena *a, struct ct_dev_list *l,
		      struct ct_err *e)
{
	*l = (struct ct_dev_list){ NULL, 0, !strcmp(preset, "all") };
	if (strcmp(preset, "default") != 0)
		return 0;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (apply(l, usual[i], a) < 0)
			return ct_oom(e);
	}
	return 0;
}

/* The version whose rules count for this one. */
static int rules_for(const struct ct_devrules *rules, int version)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		if (rules->v[i].version == version)
			return version;
	}
	return 3 - version;
}

/* The preset without limit.devices. LXC begins with all devices, which its configs deny first; a
 * config without a deny rule means an allow list, and adds to "default". */
static const char *preset_of(const struct ct_spec *s, int version)
{
	if (s->devices_set)
		return s->devices_preset;
	for (uint32_t i = 0; i < s->devrules.n; i++) {
		if (s->devrules.v[i].version == version && !s->devrules.v[i].allow)
			return "all";
	}
	return "default";
}

const char *ct_dev_preset(const struct ct_spec *s, int version)
{
	return preset_of(s, rules_for(&s->devrules, version));
}

int ct_dev_from_spec(const struct ct_spec *s, int version, struct ct_arena *a,
		     struct ct_dev_list *out, struct ct_err *e)
{
	int from = rules_for(&s->devrules, version), r;
	struct ct_dev_list l;

	r = start_from(preset_of(s, from), a, &l, e);
	for (uint32_t i = 0; i < s->devrules.n && r == 0; i++) {
		const struct ct_devrule_item *item = &s->devrules.v[i];

		if (item->version != from)
			continue;
		r = ct_dev_add(&l, item->allow, item->text, a, e);
		if (r < 0)
			ct_err_origin(e, &item->at);
	}
	if (r == 0)
		*out = l;
	return r;
}

/* ---- cells ----------------------------------------------------------------------------------- */

static int compare_number(int64_t a, int64_t b)
{
	/* CT_DEV_ANY is -1: unsigned, it is the greatest */
	return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
}

static int compare_cells(const void *a, const void *b)
{
	const struct ct_dev_cell *x = a, *y = b;
	int r = compare_number(x->major, y->major);

	if (r)
		return r;
	return compare_number(x->minor, y->minor);
}

/* Sorts them and removes duplicates. */
static void sort_cells(struct ct_dev_cells *c)
{
	uint32_t n = 0;

	qsort(c->v, c->n, sizeof(*c->v), compare_cells);
	for (uint32_t i = 0; i < c->n; i++) {
		if (!n || compare_cells(&c->v[n - 1], &c->v[i]) != 0)
			c->v[n++] = c->v[i];
	}
	c->n = n;
}

/* Adds the cells that are in both an "any minor of this major" and an "any major with this
 * minor". */
static int cross_cells(struct ct_dev_cells *c, struct ct_arena *a, struct ct_err *e)
{
	uint32_t n = c->n, rows = 0, columns = 0;
	struct ct_dev_cell *v;

	for (uint32_t i = 0; i < n; i++) {
		rows += c->v[i].minor == CT_DEV_ANY && c->v[i].major != CT_DEV_ANY;
		columns += c->v[i].major == CT_DEV_ANY && c->v[i].minor != CT_DEV_ANY;
	}
	if (!rows || !columns)
		return 0;
	if ((uint64_t)rows * columns + n > CT_DEV_CELLS_MAX)
		return ct_fail(e, -E2BIG, CT_ERR_DEVICES, "devices",
			       "too many rules for any minor number of one major cross rules for "
			       "any major number");
	v = ct_arena_grow(a, c->v, n, n + rows * columns, sizeof(*v));
	if (!v)
		return ct_oom(e);
	c->v = v;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < n; k++) {
			if (v[i].minor == CT_DEV_ANY && v[i].major != CT_DEV_ANY &&
			    v[k].major == CT_DEV_ANY && v[k].minor != CT_DEV_ANY)
				v[c->n++] = (struct ct_dev_cell){ v[i].major, v[k].minor, v[i].type,
								  0 };
		}
	}
	sort_cells(c);
	return 0;
}

int ct_dev_cells(const struct ct_dev_list *l, char type, struct ct_arena *a,
		 struct ct_dev_cells *out, struct ct_err *e)
{
	struct ct_dev_cells c = { NULL, 0 };
	int r;

	if (l->n > CT_DEV_RULES_MAX)
		return ct_fail(e, -E2BIG, CT_ERR_DEVICES, "devices",
			       "%u device rules are more than %u", l->n, CT_DEV_RULES_MAX);
	c.v = ct_arena_alloc(a, (l->n + 1) * sizeof(*c.v));
	if (!c.v)
		return ct_oom(e);
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].type == type || l->v[i].type == 'a')
			c.v[c.n++] = (struct ct_dev_cell){ l->v[i].major, l->v[i].minor, type, 0 };
	}
	c.v[c.n++] = (struct ct_dev_cell){ CT_DEV_ANY, CT_DEV_ANY, type, 0 };
	sort_cells(&c);
	r = cross_cells(&c, a, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < c.n; i++)
		c.v[i].allowed = ct_dev_decide(l, type, c.v[i].major, c.v[i].minor);
	*out = c;
	return 0;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void print_number(int64_t n, struct ct_buf *out)
{
	if (n == CT_DEV_ANY)
		ct_buf_char(out, '*');
	else
		ct_buf_printf(out, "%lld", (long long)n);
}

void ct_dev_print(const struct ct_dev_rule *r, struct ct_buf *out)
{
	ct_buf_char(out, r->type);
	ct_buf_char(out, ' ');
	print_number(r->major, out);
	ct_buf_char(out, ':');
	print_number(r->minor, out);
	ct_buf_char(out, ' ');
	for (unsigned i = 0; i < 3; i++) {
		if (r->access & 1u << i)
			ct_buf_char(out, "rwm"[i]);
	}
}

#define ALLOW "allow "
#define DENY "deny "

static void print_line(const struct ct_dev_rule *r, struct ct_buf *out)
{
	if (r->allow)
		ct_buf_str(out, ALLOW);
	else
		ct_buf_str(out, DENY);
	ct_dev_print(r, out);
	ct_buf_char(out, '\n');
}

/* The first line is the answer where no rule applies: "deny a *:* rwm". */
void ct_dev_print_list(const struct ct_dev_list *l, struct ct_buf *out)
{
	print_line(&(struct ct_dev_rule){ 'a', l->allow_rest, CT_DEV_ALL, CT_DEV_ANY, CT_DEV_ANY },
		   out);
	for (uint32_t i = 0; i < l->n; i++)
		print_line(&l->v[i], out);
}

/* Applies one line. */
static int parse_line(struct ct_span line, bool first, struct ct_arena *a, struct ct_dev_list *l)
{
	const char *rest = ct_span_after(line, ALLOW);
	bool allow = rest;
	struct ct_device_rule read;
	char text[48];
	size_t n;

	if (!rest)
		rest = ct_span_after(line, DENY);
	if (!rest)
		return -EINVAL;
	n = line.n - (size_t)(rest - line.s);
	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, rest, n);
	text[n] = 0;
	if (ct_device_rule_read(text, &read) || !read.type)
		return -EINVAL;
	if (first &&
	    (read.type != 'a' || read.major >= 0 || read.minor >= 0 || read.access != CT_DEV_ALL))
		return -EINVAL;
	return apply(l,
		     (struct ct_dev_rule){ read.type, allow, read.access, read.major, read.minor },
		     a);
}

int ct_dev_parse_list(const char *text, struct ct_arena *a, struct ct_dev_list *out)
{
	struct ct_dev_list l = { NULL, 0, false };
	struct ct_span line;
	bool first = true;
	int r;

	while (ct_next_word(&text, "\n", &line)) {
		r = parse_line(line, first, a, &l);
		if (r < 0)
			return r;
		first = false;
	}
	if (first)
		return -EINVAL;
	*out = l;
	return 0;
}
