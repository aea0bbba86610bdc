/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device policies: their syntax, where they come from, and that each form of them says the same:
 * the rules read from behind, the normal form, its text, the program of version 2 in a machine of
 * our own, and the writes of version 1 in a model of the kernel's controller that was written from
 * Documentation/admin-guide/cgroup-v1/devices.rst.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backend/cgroup/devices.h"
#include "model/device-rule.h"
#include "model/type.h"

#include "device-rules.h"

#define LISTS 10000
#define SEED UINT64_C(20240607)
#define N(a) (sizeof(a) / sizeof(*(a)))

static struct ct_arena *arena;
static struct ct_err err;

static int set_up(void **state)
{
	(void)state;
	arena = ct_arena_new();
	ct_err_clear(&err);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	ct_arena_free(arena);
	return 0;
}

/* ---- syntax ---------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	char type;
	unsigned access;
	int64_t major, minor;
	const char *path;
} good_rules[] = {
	{ "a", 'a', 7, -1, -1, NULL },
	{ "a *:* rwm", 'a', 7, -1, -1, NULL },
	{ "c 1:3 rwm", 'c', 7, 1, 3, NULL },
	{ "b *:* m", 'b', 4, -1, -1, NULL },
	{ "c 136:* rw", 'c', 3, 136, -1, NULL },
	{ "c *:7 wr", 'c', 3, -1, 7, NULL },
	{ " \tc\t4095:1048575  r ", 'c', 1, 4095, 1048575, NULL },
	{ "c 0:0 m", 'c', 4, 0, 0, NULL },
	{ "/dev/fuse rw", 0, 3, -1, -1, "/dev/fuse" },
	{ "/dev/my disk  m ", 0, 4, -1, -1, "/dev/my disk" },
};

static const char *const bad_rules[] = {
	"",
	" ",
	"x",
	"c",
	"cc 1:3 r",
	"c1:3 r",
	"c 1 r",
	"c 1: r",
	"c :3 r",
	"c 1:3",
	"c 1:3 ",
	"c 1:3 x",
	"c 1:3 rr",
	"c 1:3 rwmr",
	"c 1:3 r w",
	"c 1:3:4 r",
	"c -1:3 r",
	"c +1:3 r",
	"c 0x1:3 r",
	"c 1:3a r",
	"c **:1 r",
	"c 4096:0 r",
	"c 0:1048576 r",
	"c 4294967295:0 r",
	"c 18446744073709551617:0 r",
	"c 00000000000000000001:0 r",
	"a 1:3",
	"a rwm",
	"A",
	"try:c 1:3 rwm",
	"try:a",
	"/dev/fuse",
	"/dev/fuse rwx",
	"/dev/fuse ",
	"dev/fuse rw",
	"c 1:3 rwm c 1:5 rwm",
	"c 1:3 rwm\nc 1:5 rwm",
	"c 1:3 rwm\n",
};

static void test_syntax(void **state)
{
	struct ct_device_rule r;

	(void)state;
	for (size_t i = 0; i < N(good_rules); i++) {
		const char *wrong = ct_device_rule_read(good_rules[i].text, &r);

		if (wrong)
			fail_msg("\"%s\": %s", good_rules[i].text, wrong);
		assert_int_equal(r.type, good_rules[i].type);
		assert_int_equal(r.access, good_rules[i].access);
		assert_true(r.major == good_rules[i].major && r.minor == good_rules[i].minor);
		assert_int_equal(r.path_len, good_rules[i].path ? strlen(good_rules[i].path) : 0);
		assert_true(!good_rules[i].path ||
			    !strncmp(r.path, good_rules[i].path, r.path_len));
	}
	for (size_t i = 0; i < N(bad_rules); i++) {
		if (!ct_device_rule_read(bad_rules[i], &r))
			fail_msg("\"%s\" passes", bad_rules[i]);
	}
}

/* Parses a value as a row of the key table would. */
static int parse(const struct ct_type *type, const char *name, const char *value,
		 struct ct_spec *spec)
{
	struct ct_key key = { .name = name, .type = type };
	struct ct_entry entry = {
		.key = &key, .name = name, .sub = "", .value = value, .at = { name, "c", 3 }
	};
	int r, checked;

	ct_err_clear(&err);
	checked = type->parse(&entry, NULL, NULL, &err);
	ct_err_clear(&err);
	r = type->parse(&entry, spec, spec, &err);
	assert_int_equal(r, checked);
	assert_int_equal(r, err.err);
	assert_true(r == 0 || *err.message);
	return r;
}

static void test_keys(void **state)
{
	const struct ct_type *allow = &ct_type_device_rule_allow, *deny = &ct_type_device_rule_deny;
	struct ct_spec spec = { .arena = arena };

	(void)state;
	assert_int_equal(parse(deny, "cgroup.devices.deny", "a", &spec), 0);
	assert_int_equal(parse(allow, "cgroup2.devices.allow", "/dev/fuse rw", &spec), 0);
	assert_int_equal(spec.devrules.n, 2);
	assert_false(spec.devrules.v[0].allow);
	assert_int_equal(spec.devrules.v[0].version, 1);
	assert_true(spec.devrules.v[1].allow);
	assert_int_equal(spec.devrules.v[1].version, 2);
	assert_string_equal(spec.devrules.v[1].text, "/dev/fuse rw");
	assert_int_equal(spec.devrules.v[1].at.line, 3);
	assert_int_equal(parse(allow, "cgroup2.devices.allow", "c 1:3 rwx", &spec), -EINVAL);
	assert_int_equal(err.id, CT_ERR_BAD_VALUE);
	assert_int_equal(parse(allow, "cgroup2.devices.allow", "try:c 1:3 rw", &spec), -EINVAL);
	assert_non_null(strstr(err.message, "limit.devices"));
	/* all devices for the kernel of version 1, 1:3 of both types for LXC with version 2 */
	assert_int_equal(parse(allow, "cgroup.devices.allow", "a 1:3 rwm", &spec), -EINVAL);
	assert_int_equal(parse(allow, "cgroup.devices.allow", "a *:* r", &spec), -EINVAL);
	assert_int_equal(spec.devrules.n, 2);
	assert_int_equal(parse(allow, "cgroup2.devices.allow", "a 1:3 rwm", &spec), 0);
	assert_int_equal(spec.devrules.n, 3);
}

static void test_preset_key(void **state)
{
	struct ct_spec spec = { .arena = arena };

	(void)state;
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "none", &spec), 0);
	assert_true(spec.devices_set && !spec.devices_tried);
	assert_string_equal(spec.devices_preset, "none");
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "try:default", &spec), 0);
	assert_true(spec.devices_set && spec.devices_tried);
	assert_string_equal(spec.devices_preset, "default");
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "all", &spec), 0);
	assert_false(spec.devices_tried);
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "try:", &spec), -EINVAL);
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "All", &spec), -EINVAL);
	assert_int_equal(parse(&ct_type_device_preset, "limit.devices", "default all", &spec),
			 -EINVAL);
	assert_string_equal(spec.devices_preset, "all");
}

/* ---- where a policy comes from --------------------------------------------------------------- */

#define USUAL                                                                               \
	"allow c *:* m\nallow b *:* m\nallow c 1:3 rwm\nallow c 1:5 rwm\nallow c 1:7 rwm\n" \
	"allow c 1:8 rwm\nallow c 1:9 rwm\n"                                                \
	"allow c 5:0 rwm\nallow c 5:1 rwm\nallow c 5:2 rwm\nallow c 136:* rwm\n"
#define NOTHING "deny a *:* rwm\n"
#define EVERYTHING "allow a *:* rwm\n"

static void expect_text(const struct ct_dev_list *l, const char *want)
{
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;

	ct_dev_print_list(l, &b);
	assert_string_equal(ct_buf_text(&b), want);
}

/* The policy of limit.devices (NULL: not set) and of rules: "1-" before the text denies by the
 * keys of version 1. */
static void check_spec(const char *preset, const char *const *rules, int version, const char *want)
{
	struct ct_spec spec = { .arena = arena,
				.devices_preset = preset,
				.devices_set = preset != NULL };
	struct ct_dev_list l;

	for (; *rules; rules++) {
		struct ct_devrule_item *item = CT_LIST_ADD(arena, &spec.devrules);

		assert_non_null(item);
		*item = (struct ct_devrule_item){ { "k", NULL, 0 },
						  *rules + 2,
						  (*rules)[1] == '+',
						  (uint8_t)((*rules)[0] - '0') };
	}
	ct_err_clear(&err);
	if (ct_dev_from_spec(&spec, version, arena, &l, &err) < 0)
		fail_msg("%s", err.message);
	expect_text(&l, want);
}
#define RULES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void test_from_spec(void **state)
{
	(void)state;
	check_spec(NULL, RULES(), 1, NOTHING USUAL);
	check_spec("default", RULES(), 2, NOTHING USUAL);
	check_spec("none", RULES(), 2, NOTHING);
	check_spec("all", RULES(), 2, EVERYTHING);
	check_spec("none", RULES("2+c 10:229 rw"), 2, NOTHING "allow c 10:229 rw\n");
	check_spec("default", RULES("2+c 10:229 rw", "2-c 136:3 w"), 2,
		   NOTHING USUAL "allow c 10:229 rw\ndeny c 136:3 w\n");
	check_spec("default",
		   RULES("2-c 136:* rw", "2-c 1:* rw", "2-c 5:* rwm", "2-c *:* m", "2-b *:* m"), 2,
		   NOTHING);
	/* as LXC: all, then the rules */
	check_spec(NULL, RULES("1-a", "1+c 1:3 rw"), 1, NOTHING "allow c 1:3 rw\n");
	check_spec(NULL, RULES("1-b 7:* rwm"), 1, EVERYTHING "deny b 7:* rwm\n");
	check_spec(NULL, RULES("1-b 7:* rwm", "1+b 7:0 r"), 1,
		   EVERYTHING "deny b 7:* rwm\nallow b 7:0 r\n");
	/* only ever allowed: more than the usual */
	check_spec(NULL, RULES("2+c 10:229 rw"), 2, NOTHING USUAL "allow c 10:229 rw\n");
	check_spec(NULL, RULES("2+a"), 2, EVERYTHING);
	/* one version's rules serve both, but not beside the other's */
	check_spec(NULL, RULES("1-a", "1+c 1:3 rw"), 2, NOTHING "allow c 1:3 rw\n");
	check_spec(NULL, RULES("2-a", "2+c 1:3 rw"), 1, NOTHING "allow c 1:3 rw\n");
	check_spec(NULL, RULES("1-a", "2+c 1:7 rw", "1+c 1:3 rw"), 1, NOTHING "allow c 1:3 rw\n");
	check_spec(NULL, RULES("1-a", "2+c 10:229 rw"), 2, NOTHING USUAL "allow c 10:229 rw\n");
	check_spec(NULL, RULES("1-a", "1+c 1:3 rw", "1-a", "1+c 1:5 r"), 1,
		   NOTHING "allow c 1:5 r\n");
}

static void test_path(void **state)
{
	struct ct_dev_list l = { NULL, 0, false }, before;
	struct ct_spec spec = { .arena = arena };
	struct ct_devrule_item item = {
		{ "cgroup2.devices.allow", "my.conf", 12 }, "/nowhere/at all rw", true, 2
	};
	struct stat st;
	char want[64];

	(void)state;
	assert_int_equal(stat("/dev/null", &st), 0);
	snprintf(want, sizeof(want), NOTHING "allow c %u:%u rw\n", major(st.st_rdev),
		 minor(st.st_rdev));
	assert_int_equal(ct_dev_add(&l, true, "/dev/null rw", arena, &err), 0);
	expect_text(&l, want);
	assert_int_equal(ct_dev_add(&l, true, "/ rw", arena, &err), -EINVAL);
	assert_int_equal(err.id, CT_ERR_DEVICES);
	ct_err_clear(&err);
	spec.devrules = (struct ct_devrules){ &item, 1 };
	before = l;
	assert_int_equal(ct_dev_from_spec(&spec, 2, arena, &l, &err), -ENOENT);
	assert_int_equal(err.line, 12);
	assert_string_equal(err.object, "/nowhere/at all");
	assert_memory_equal(&before, &l, sizeof(l));
}

static void test_text(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"allow c 1:3 rwm\n",
		"deny a *:* rw\n",
		"deny c *:* rwm\n",
		"deny a\nallow /dev/null rw\n",
		"deny a\nallow\n",
		"deny a\nmaybe c 1:3 r\n",
		"deny a\nallow c 1:3 rwm x\n",
		"deny a\nallowc 1:3 r\n",
		"deny a\nallow c 1:99999999 r\n",
		"deny a\nallow c 1:3                                                        r\n",
	};
	struct ct_dev_list l = { NULL, 7, true };

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(ct_dev_parse_list(bad[i], arena, &l), -EINVAL);
		assert_int_equal(l.n, 7);
	}
	assert_int_equal(ct_dev_parse_list("deny a\nallow c 1:3 mr", arena, &l), 0);
	expect_text(&l, NOTHING "allow c 1:3 rm\n");
	assert_int_equal(ct_dev_parse_list(NOTHING USUAL, arena, &l), 0);
	expect_text(&l, NOTHING USUAL);
}

/* A policy that is changed again and again does not grow. */
static void test_short(void **state)
{
	struct ct_dev_list l;

	(void)state;
	assert_int_equal(ct_dev_parse_list(NOTHING USUAL, arena, &l), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(ct_dev_add(&l, true, "c 10:229 rw", arena, &err), 0);
		assert_int_equal(ct_dev_add(&l, false, "c 10:229 rw", arena, &err), 0);
		assert_int_equal(ct_dev_add(&l, false, "b 8:0 rw", arena, &err), 0);
	}
	expect_text(&l, NOTHING USUAL);
	assert_int_equal(ct_dev_add(&l, false, "a *:* rw", arena, &err), 0);
	assert_int_equal(ct_dev_add(&l, false, "b *:* m", arena, &err), 0);
	assert_int_equal(ct_dev_add(&l, false, "c 1:* m", arena, &err), 0);
	expect_text(&l, NOTHING "allow c *:* m\nallow c 5:0 m\nallow c 5:1 m\nallow c 5:2 m\n"
				"allow c 136:* m\ndeny c 1:* m\n");
}

/* ---- the rules read from behind -------------------------------------------------------------- */

#define RULE_BYTES 48
#define RULES_MAX 16

/* A list as somebody wrote it. */
struct written {
	unsigned n;
	bool allow[RULES_MAX];
	char text[RULES_MAX][RULE_BYTES];
};

/* A number of a rule: "*" is -1. */
static long number(const char **s)
{
	char *end;
	long v;

	if (**s == '*') {
		(*s)++;
		return -1;
	}
	v = strtol(*s, &end, 10);
	*s = end;
	return v;
}

/* Whether a rule's text speaks of one access to one device. */
static bool speaks_of(const char *text, char type, long major, long minor, char access)
{
	long ma, mi;

	if (text[0] != 'a' && text[0] != type)
		return false;
	if (!text[1])
		return true;
	text += 1 + strspn(text + 1, " \t");
	ma = number(&text);
	text++;
	mi = number(&text);
	return (ma < 0 || ma == major) && (mi < 0 || mi == minor) && strchr(text, access);
}

/* The answer, bit by bit. */
static bool reference(const struct written *w, bool rest, char type, long major, long minor,
		      unsigned access)
{
	for (unsigned bit = 0; bit < 3; bit++) {
		bool ok = rest;

		if (!(access & 1u << bit))
			continue;
		for (unsigned i = w->n; i-- > 0;) {
			if (speaks_of(w->text[i], type, major, minor, "rwm"[bit])) {
				ok = w->allow[i];
				break;
			}
		}
		if (!ok)
			return false;
	}
	return true;
}

/* ---- the kernel's controller of version 1 ---------------------------------------------------- */

struct exception {
	char type;
	long major, minor;
	unsigned access;
};

struct controller {
	bool allow;
	unsigned n;
	struct exception v[256];
};

/* 1, 2 and 4, as the kernel has them; 8: there is no such access. */
static unsigned access_bit(char c)
{
	static const char letters[] = "rwm";
	const char *at = strchr(letters, c);

	return at ? 1u << (at - letters) : 8;
}

/* A write to devices.allow or devices.deny; false: the kernel says EINVAL. */
static bool controller_write(struct controller *c, bool allow, const char *s)
{
	struct exception ex = { s[0], 0, 0, 0 };
	unsigned i;

	if (*s == 'a') {
		c->allow = allow;
		c->n = 0;
		return true;
	}
	if ((*s != 'b' && *s != 'c') || s[1] != ' ')
		return false;
	s += 2;
	ex.major = number(&s);
	if (*s++ != ':')
		return false;
	ex.minor = number(&s);
	if (*s++ != ' ')
		return false;
	for (; *s; s++)
		ex.access |= access_bit(*s);
	for (i = 0; i < c->n; i++) {
		if (c->v[i].type == ex.type && c->v[i].major == ex.major &&
		    c->v[i].minor == ex.minor)
			break;
	}
	if (c->allow == allow) {
		/* what is so anyway: an exception of just these devices goes */
		if (i < c->n)
			c->v[i].access &= ~ex.access;
		return true;
	}
	if (i == c->n)
		c->v[c->n++] = (struct exception){ ex.type, ex.major, ex.minor, 0 };
	c->v[i].access |= ex.access;
	return c->n < N(c->v) && ex.access < 8 && ex.access;
}

/* Denied by default: one exception must hold all of the access. Allowed by default: none
 * may hold any of it. */
static bool controller_allows(const struct controller *c, char type, long major, long minor,
			      unsigned access)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct exception *ex = &c->v[i];

		if (ex->type != type || (ex->major >= 0 && ex->major != major) ||
		    (ex->minor >= 0 && ex->minor != minor))
			continue;
		if (c->allow ? (access & ex->access) != 0 : !(access & ~ex->access))
			return !c->allow;
	}
	return c->allow;
}

/* ---- all together ---------------------------------------------------------------------------- */

/* The numbers of random rules, and one more that no rule names. */
static const int majors[] = { 1, 5, 7, -1 }, minors[] = { 0, 3, 5, -1 };
static const struct rule_stock stock = { majors, minors };
static const long all_majors[] = { 1, 5, 7, 9 }, all_minors[] = { 0, 3, 5, 99 };
#define SIDE 4

/* What a policy gives, asked for each device: access bits. */
struct answers {
	unsigned of[2][SIDE][SIDE];
};

/* Whether exceptions from a default could say it: tried with all exceptions at once that do not say
 * too much. A number that no rule names stands for thousands, so an exception for it has "*". */
static bool could_say(const struct answers *want, bool allow)
{
	struct answers got = { { { { 0 } } } };
	int all = SIDE, other = SIDE - 1;

	for (int p = 0; p < 2 * (all + 1) * (all + 1); p++) {
		int t = p % 2, x = p / 2 % (all + 1), y = p / 2 / (all + 1);
		unsigned bits = 7;

		if (x == other || y == other)
			continue;
		for (int i = 0; i < SIDE * SIDE; i++) {
			if ((x == all || x == i % SIDE) && (y == all || y == i / SIDE))
				bits &= allow ? ~want->of[t][i % SIDE][i / SIDE]
					      : want->of[t][i % SIDE][i / SIDE];
		}
		for (int i = 0; i < SIDE * SIDE; i++) {
			if ((x == all || x == i % SIDE) && (y == all || y == i / SIDE))
				got.of[t][i % SIDE][i / SIDE] |= bits;
		}
	}
	for (int i = 0; i < 2 * SIDE * SIDE; i++) {
		unsigned has = want->of[i % 2][i / 2 % SIDE][i / 2 / SIDE],
			 g = got.of[i % 2][i / 2 % SIDE][i / 2 / SIDE];

		if ((allow ? 7 & ~g : g) != has)
			return false;
	}
	return true;
}

static void fail_list(const struct written *w, bool rest, uint64_t seed, const char *what)
{
	print_message("seed %llu, rest %s\n", (unsigned long long)seed,
		      rest ? "allowed" : "denied");
	for (unsigned i = 0; i < w->n; i++)
		print_message("  %s %s\n", w->allow[i] ? "allow" : "deny", w->text[i]);
	fail_msg("seed %llu: %s", (unsigned long long)seed, what);
}

static unsigned bpf_access(unsigned access)
{
	return (access & 1 ? BPF_DEVCG_ACC_READ : 0u) | (access & 2 ? BPF_DEVCG_ACC_WRITE : 0u) |
	       (access & 4 ? BPF_DEVCG_ACC_MKNOD : 0u);
}

/* One access to one device, in every form. NULL: all agree. */
static const char *compare(const struct written *w, bool rest, const struct ct_dev_list *l,
			   const struct bpf_insn *v, uint32_t n, const struct controller *c,
			   char type, long major, long minor, unsigned access)
{
	bool says = ct_dev_allowed(l, type, (uint32_t)major, (uint32_t)minor, access);
	const char *fault;
	int r;

	if (says != reference(w, rest, type, major, minor, access))
		return "the normal form is not the rules";
	if (c && says != controller_allows(c, type, major, minor, access))
		return "version 1 is not the normal form";
	r = machine_run(v, n, type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK,
			bpf_access(access), (uint32_t)major, (uint32_t)minor, &fault);
	if (r < 0)
		return fault;
	return r == says ? NULL : "the program is not the normal form";
}

/* The kernel's list after the writes; NULL: it has been refused. */
static struct controller *make_controller(const struct ct_dev_list *l, struct ct_arena *a)
{
	static const struct ct_origin at = { "limit.devices", NULL, 0 };
	struct controller *c = ct_arena_alloc(a, sizeof(*c));
	struct ct_cg_writes writes = { NULL, 0 };
	int r;

	c->allow = true;
	ct_err_clear(&err);
	r = ct_dev_v1_writes(l, &at, a, &writes, &err);
	if (r == -EOPNOTSUPP) {
		assert_true(err.id == CT_ERR_DEVICES && *err.hint && *err.object &&
			    !strcmp(err.key, at.key) && !writes.n);
		return NULL;
	}
	assert_int_equal(r, 0);
	for (uint32_t i = 0; i < writes.n; i++) {
		bool allow = !strcmp(writes.v[i].file, "devices.allow");

		assert_true(allow || !strcmp(writes.v[i].file, "devices.deny"));
		assert_true(writes.v[i].at == &at && !writes.v[i].optional);
		/* the rule of the rest first and once, then exceptions only */
		assert_int_equal(*writes.v[i].value == 'a', i == 0);
		assert_true(i == 0 || allow != c->allow);
		assert_true(controller_write(c, allow, writes.v[i].value));
	}
	return c;
}

/* All accesses to all devices of the stock. Returns what does not agree, NULL when all does. */
static const char *check_all(const struct written *w, bool rest, const struct ct_dev_list *l,
			     struct ct_arena *a, unsigned *refused)
{
	struct controller *c = make_controller(l, a);
	struct answers answers = { { { { 0 } } } };
	struct bpf_insn *v;
	uint32_t n;

	if (ct_dev_bpf(l, a, &v, &n, &err) < 0)
		return err.message;
	for (unsigned i = 0; i < 2 * SIDE * SIDE * 7; i++) {
		unsigned t = i % 2, x = i / 2 % SIDE, y = i / 2 / SIDE % SIDE,
			 access = i / 2 / SIDE / SIDE + 1;
		const char *wrong = compare(w, rest, l, v, n, c, "cb"[t], all_majors[x],
					    all_minors[y], access);

		if (wrong)
			return wrong;
		if (!(access & (access - 1)) && ct_dev_allowed(l, "cb"[t], (uint32_t)all_majors[x],
							       (uint32_t)all_minors[y], access))
			answers.of[t][x][y] |= access;
	}
	*refused += !c;
	if (!c && (could_say(&answers, true) || could_say(&answers, false)))
		return "refused, but version 1 could say it";
	return !!c == (could_say(&answers, true) || could_say(&answers, false))
		       ? NULL
		       : "not refused, but version 1 cannot say it";
}

/* What is wrong with a controller that should have the policy, NULL: nothing. With `both`, only too
 * little is wrong, of what that policy allows, too. */
static const char *check_controller(const struct controller *c, const struct ct_dev_list *l,
				    const struct ct_dev_list *both)
{
	for (unsigned i = 0; i < 2 * SIDE * SIDE * 7; i++) {
		long major = all_majors[i / 2 % SIDE], minor = all_minors[i / 2 / SIDE % SIDE];
		unsigned access = i / 2 / SIDE / SIDE + 1;
		bool got = controller_allows(c, "cb"[i % 2], major, minor, access);
		bool want = ct_dev_allowed(l, "cb"[i % 2], (uint32_t)major, (uint32_t)minor,
					   access);

		if (both && !got && want &&
		    ct_dev_allowed(both, "cb"[i % 2], (uint32_t)major, (uint32_t)minor, access))
			return "a change denies for a moment what both policies allow";
		if (!both && got != want)
			return "the changed list of version 1 is not the policy";
	}
	return NULL;
}

/* From one policy to another by the difference. */
static const char *check_change(const struct ct_dev_list *from, const struct ct_dev_list *l,
				struct ct_arena *a)
{
	struct controller *c = make_controller(from, a), *whole = make_controller(l, a);
	struct ct_cg_writes writes = { NULL, 0 };
	const char *wrong = NULL;
	int r;

	ct_err_clear(&err);
	r = ct_dev_v1_change(from, l, NULL, a, &writes, &err);
	if (!c || !whole)
		return r == -EOPNOTSUPP ? NULL : "a change that cannot be said is not refused";
	assert_int_equal(r, 0);
	if (c->allow == whole->allow && writes.n > c->n + whole->n)
		return "a change is more than all there is";
	for (uint32_t i = 0; i < writes.n && !wrong; i++) {
		if (c->allow == whole->allow && *writes.v[i].value == 'a')
			return "a change begins anew";
		assert_true(controller_write(c, !strcmp(writes.v[i].file, "devices.allow"),
					     writes.v[i].value));
		if (*writes.v[0].value != 'a')
			wrong = check_controller(c, l, from);
	}
	return wrong ? wrong : check_controller(c, l, NULL);
}

/* Its text gives the same list. */
static bool survives_text(const struct ct_dev_list *l, struct ct_arena *a)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, again = CT_BUF_INIT;
	struct ct_dev_list back;

	ct_dev_print_list(l, &text);
	if (ct_dev_parse_list(ct_buf_text(&text), a, &back) < 0)
		return false;
	ct_dev_print_list(&back, &again);
	return !strcmp(ct_buf_text(&text), ct_buf_text(&again));
}

static void copy_list(const struct ct_dev_list *l, struct ct_arena *a, struct ct_dev_list *out)
{
	*out = *l;
	out->v = ct_arena_grow(a, l->v, l->n, l->n + 1, sizeof(*l->v));
	assert_non_null(out->v);
}

/* Rules at random, also when half of them are there. */
static void random_list(struct written *w, uint64_t seed, uint64_t *dices, struct ct_arena *a,
			struct ct_dev_list *l, struct ct_dev_list *half)
{
	const bool rest = l->allow_rest;

	for (unsigned i = 0; i < w->n; i++) {
		w->allow[i] = dice(dices, 4) ? !rest : rest;
		random_rule(dices, &stock, w->text[i], RULE_BYTES);
		ct_err_clear(&err);
		if (ct_dev_add(l, w->allow[i], w->text[i], a, &err) < 0)
			fail_list(w, rest, seed, err.message);
		if (i == w->n / 2)
			copy_list(l, a, half);
	}
}

static void test_random(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (uint64_t seed = SEED; seed < SEED + LISTS; seed++) {
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		uint64_t dices = seed * 7919;
		bool rest = dice(&dices, 2);
		struct ct_dev_list l = { NULL, 0, rest };
		struct written w = { .n = dice(&dices, dice(&dices, 2) ? 5 : RULES_MAX + 1) };
		struct ct_dev_list half = l;
		const char *wrong;

		random_list(&w, seed, &dices, a, &l, &half);
		wrong = check_change(&half, &l, a);
		if (!wrong)
			wrong = check_change(&l, &half, a);
		if (wrong)
			fail_list(&w, rest, seed, wrong);
		wrong = check_all(&w, rest, &l, a, &refused);
		if (wrong)
			fail_list(&w, rest, seed, wrong);
		if (!survives_text(&l, a))
			fail_list(&w, rest, seed, "its text is another list");
	}
	print_message("# %u of %u lists cannot be said in version 1\n", refused, LISTS);
	assert_true(refused > LISTS / 20 && refused < LISTS * 19 / 20);
}

/* ---- version 1 in words ---------------------------------------------------------------------- */

/* The writes as text; the error's message when it is refused. */
static const char *writes_of(const char *policy)
{
	static const struct ct_origin at = { "limit.devices", NULL, 0 };
	CT_CLEAN_BUF struct ct_buf b = CT_BUF_INIT;
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_dev_list l;

	assert_int_equal(ct_dev_parse_list(policy, arena, &l), 0);
	ct_err_clear(&err);
	if (ct_dev_v1_writes(&l, &at, arena, &writes, &err) < 0)
		return err.message;
	for (uint32_t i = 0; i < writes.n; i++)
		ct_buf_printf(&b, "%s%s%s", i ? ", " : "",
			      strcmp(writes.v[i].file, "devices.allow") ? "-" : "+",
			      writes.v[i].value);
	return ct_arena_strdup(arena, ct_buf_text(&b));
}

static void test_v1(void **state)
{
	(void)state;
	assert_string_equal(writes_of(NOTHING USUAL), "-a, +c 1:3 rwm, +c 1:5 rwm, +c 1:7 rwm, +c "
						      "1:8 rwm, +c 1:9 rwm, +c 5:0 rwm, +c 5:1 "
						      "rwm, +c 5:2 rwm, +c 136:* rwm, +c *:* m, +b "
						      "*:* m");
	assert_string_equal(writes_of("deny a"), "-a");
	assert_string_equal(writes_of("allow a"), "+a");
	assert_string_equal(writes_of("allow a\ndeny b *:* w\ndeny b 7:0 rw\n"),
			    "+a, -b 7:0 rw, -b *:* w");
	/* one exception must hold all that is asked for */
	assert_string_equal(writes_of("deny a\nallow c 1:* r\nallow c 1:3 w\n"),
			    "-a, +c 1:3 rw, +c 1:* r");
	assert_string_equal(writes_of("deny a\nallow c 1:* r\nallow c *:3 w\n"),
			    "-a, +c 1:3 rw, +c 1:* r, +c *:3 w");
	/* nothing that a wider one says */
	assert_string_equal(writes_of("deny a\nallow c *:3 rw\nallow c 1:3 r\n"), "-a, +c *:3 rw");
	assert_string_equal(writes_of("deny a\nallow b *:* rw\nallow b 1:* r\nallow b 1:3 w\n"),
			    "-a, +b *:* rw");
	/* the hole in the hole fills it, or the other default has words for it */
	assert_string_equal(writes_of("deny a\nallow c 1:* rw\ndeny c *:3 w\nallow c 1:3 w\n"),
			    "-a, +c 1:* rw");
	assert_string_equal(writes_of("deny a\nallow c *:* rwm\nallow b *:* rwm\ndeny b 8:* w\n"),
			    "+a, -b 8:* w");
	assert_string_equal(writes_of("deny a\nallow c 1:* rw\ndeny c 1:3 w\n"),
			    "limit.devices: \"c 1:3 w\": cgroup version 1 cannot deny this while "
			    "\"c 1:* rw\" is allowed. Hint: leave out "
			    "\"deny c 1:3 w\", or allow devices one by one instead of \"c 1:* "
			    "rw\"; cgroup version 2 can do it");
	assert_string_equal(writes_of("allow a\ndeny b 8:* rwm\nallow b 8:0 r\n"),
			    "limit.devices: \"b 8:0 r\": cgroup version 1 cannot allow this while "
			    "\"b 8:* rwm\" is denied. Hint: leave out "
			    "\"allow b 8:0 r\", or deny devices one by one instead of \"b 8:* "
			    "rwm\"; cgroup version 2 can do it");
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* n rules: major numbers i / per, minor numbers i % per. */
static struct ct_dev_list many(uint32_t n, uint32_t per, bool allow_rest)
{
	struct ct_dev_list l = { ct_arena_alloc(arena, (n + 1) * sizeof(*l.v)), n, allow_rest };

	for (uint32_t i = 0; i < n; i++)
		l.v[i] = (struct ct_dev_rule){ "cb"[i % 2], !allow_rest, (uint8_t)(i % 7 + 1),
					       i / per, i % per };
	return l;
}

static void test_bounds(void **state)
{
	struct ct_dev_list l = many(4000, 50, false);
	struct ct_cg_writes writes = { NULL, 0 };
	struct bpf_insn *v;
	const char *fault;
	uint32_t n;

	(void)state;
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), 0);
	assert_true(n < 30000);
	for (uint32_t i = 0; i < 4000; i++) {
		for (unsigned access = 1; access < 8; access++)
			assert_int_equal(machine_run(v, n,
						     i % 2 ? BPF_DEVCG_DEV_BLOCK
							   : BPF_DEVCG_DEV_CHAR,
						     bpf_access(access), i / 50, i % 50, &fault),
					 !(access & ~(i % 7 + 1)));
	}
	assert_int_equal(ct_dev_v1_writes(&l, NULL, arena, &writes, &err), 0);
	assert_int_equal(writes.n, 4001);
	l = many(4001, 50, false);
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), -E2BIG);
	assert_int_equal(err.id, CT_ERR_DEVICES);
	assert_int_equal(ct_dev_v1_writes(&l, NULL, arena, &writes, &err), -E2BIG);
	/* every row crosses every column */
	l = many(2000, 1, false);
	for (uint32_t i = 0; i < l.n; i++) {
		l.v[i].type = 'c';
		l.v[i].major = i % 2 ? CT_DEV_ANY : (int64_t)i;
		l.v[i].minor = i % 2 ? (int64_t)i : CT_DEV_ANY;
	}
	ct_err_clear(&err);
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), -E2BIG);
	assert_non_null(strstr(err.message, "cross"));
	l.n = 150;
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), 0);
}

/* What nobody asks for, and what no rule can name. */
static void test_odd(void **state)
{
	struct ct_dev_list l;
	struct bpf_insn *v;
	const char *fault;
	uint32_t n;

	(void)state;
	assert_int_equal(ct_dev_parse_list("allow a", arena, &l), 0);
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), 0);
	assert_true(ct_dev_allowed(&l, 'c', 4294967295u, 4294967295u, 7));
	assert_false(ct_dev_allowed(&l, 'c', 1, 3, 8));
	assert_false(ct_dev_allowed(&l, 'x', 1, 3, 1));
	assert_int_equal(machine_run(v, n, BPF_DEVCG_DEV_CHAR, 7, 4294967295u, 4294967295u, &fault),
			 1);
	assert_int_equal(machine_run(v, n, BPF_DEVCG_DEV_CHAR, 8, 1, 3, &fault), 0);
	assert_int_equal(machine_run(v, n, 4, 1, 1, 3, &fault), 0);
	assert_int_equal(ct_dev_parse_list("deny a\nallow c 1:3 rw", arena, &l), 0);
	assert_int_equal(ct_dev_bpf(&l, arena, &v, &n, &err), 0);
	assert_int_equal(machine_run(v, n, BPF_DEVCG_DEV_CHAR, 2, 1, 3, &fault), 1);
	assert_int_equal(machine_run(v, n, BPF_DEVCG_DEV_CHAR, 2, 4294967295u, 3, &fault), 0);
	/* access(2) with F_OK asks for nothing */
	assert_int_equal(machine_run(v, n, BPF_DEVCG_DEV_CHAR, 0, 9, 9, &fault), 1);
	assert_true(ct_dev_allowed(&l, 'c', 9, 9, 0));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_syntax), TEST(test_keys),   TEST(test_preset_key), TEST(test_from_spec),
		TEST(test_path),   TEST(test_text),   TEST(test_short),	     TEST(test_random),
		TEST(test_v1),	   TEST(test_bounds), TEST(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
