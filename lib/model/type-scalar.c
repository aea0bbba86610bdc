/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that are one number, and what all types share. */
#include "model/type.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#define SHOWN 80 /* bytes of a value that a message repeats */
#define PAGE 4096u
#define RING_AUTO (128u << 10)
#define RING_MAX (UINT64_C(1) << 30)

int ct_value_bad(const struct ct_entry *entry, struct ct_err *e)
{
	if (strstr(entry->value, " #"))
		ct_err_hint(e, "a comment needs a line of its own");
	return ct_fail(e, -EINVAL, CT_ERR_BAD_VALUE, "config", "\"%.*s\" is not %s", SHOWN,
		       entry->value, entry->key->type->form);
}

int ct_value_range(const struct ct_entry *entry, struct ct_err *e)
{
	return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config", "%.*s is out of range, it takes %s",
		       SHOWN, entry->value, entry->key->type->form);
}

int ct_value_number(const struct ct_entry *entry, int result, struct ct_err *e)
{
	if (result == 0)
		return 0;
	if (result == -ERANGE)
		return ct_value_range(entry, e);
	return ct_value_bad(entry, e);
}

int ct_value_fail(struct ct_err *e, const char *fmt, ...)
{
	char reason[sizeof(e->reason)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return ct_fail(e, -EINVAL, CT_ERR_BAD_VALUE, "config", "%s", reason);
}

bool ct_next_word(const char **s, const char *sep, struct ct_span *word)
{
	const char *p = *s + strspn(*s, sep);

	word->s = p;
	word->n = strcspn(p, sep);
	*s = p + word->n;
	return word->n > 0;
}

bool ct_span_is(struct ct_span span, const char *s)
{
	return strlen(s) == span.n && !memcmp(span.s, s, span.n);
}

const char *ct_span_after(struct ct_span span, const char *prefix)
{
	size_t n = strlen(prefix);

	if (span.n >= n && !memcmp(span.s, prefix, n))
		return span.s + n;
	return NULL;
}

const char *ct_value_tried(const char *value, bool *tried)
{
	bool is = !strncmp(value, "try:", 4);

	if (tried)
		*tried = is;
	if (is)
		return value + 4;
	return value;
}

bool ct_path_climbs(const char *path)
{
	struct ct_span part;

	while (ct_next_word(&path, "/", &part)) {
		if (ct_span_is(part, ".."))
			return true;
	}
	return false;
}

void *ct_list_room(struct ct_arena *a, void *v, uint32_t n, size_t element)
{
	if (n & (n - 1) || (n && n < 4))
		return v; /* sizes are 4, 8, 16, ... */
	return ct_arena_grow(a, v, n, n ? (size_t)n * 2 : 4, element);
}

static int parse_bool(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	int v;

	(void)spec;
	if (ct_parse_bool(entry->value, &v) < 0)
		return ct_value_bad(entry, e);
	if (field)
		*(bool *)field = v;
	return 0;
}

const struct ct_type ct_type_bool = { "bool", parse_bool, "0 or 1" };

/* A parsed number within its type's bounds. */
static int check_bounds(const struct ct_entry *entry, uint64_t v, struct ct_err *e)
{
	const struct ct_type *type = entry->key->type;

	if (v < type->min || v > type->max)
		return ct_value_range(entry, e);
	return 0;
}

static int parse_number(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	uint64_t v = 0;
	int r = ct_value_number(entry, ct_parse_u64(entry->value, &v), e);

	(void)spec;
	if (r == 0)
		r = check_bounds(entry, v, e);
	if (r == 0 && field)
		*(uint32_t *)field = (uint32_t)v;
	return r;
}

const struct ct_type ct_type_seconds = { "seconds", parse_number,
					 "a number of seconds from 0 to 86400", 0, 86400 };
const struct ct_type ct_type_tty_count = { "number", parse_number,
					   "a number of terminals from 0 to 64", 0, 64 };
const struct ct_type ct_type_pty_count = { "number", parse_number,
					   "a number of terminals from 0 to 1048576", 0, 1048576 };
const struct ct_type ct_type_hook_version = { "0 or 1", parse_number, "0 or 1", 0, 1 };
const struct ct_type ct_type_landlock_abi = { "ABI", parse_number, "a number from 1 to 7", 1, 7 };
const struct ct_type ct_type_vlan = { "VLAN number", parse_number, "a VLAN number from 0 to 4094",
				      0, 4094 };
const struct ct_type ct_type_mtu = { "bytes", parse_number, "a number of bytes from 68 to 65535",
				     68, 65535 };
const struct ct_type ct_type_queues = { "number", parse_number, "a number of queues from 1 to 4096",
					1, 4096 };

static int parse_size(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	uint64_t v = 0;
	int r = ct_value_number(entry, ct_parse_size(entry->value, &v), e);

	(void)spec;
	if (r == 0)
		r = check_bounds(entry, v, e);
	if (r == 0 && field)
		*(uint64_t *)field = v;
	return r;
}

const struct ct_type ct_type_size = { "size", parse_size,
				      "a size such as 500000, 64K or 1 GiB, at least 4096", 4096,
				      INT64_MAX };
const struct ct_type ct_type_output_size = { "size", parse_size,
					     "a size such as 500000, 64K or 1 GiB, above 0", 1,
					     INT64_MAX };

/* A size for a ring or a file that is rotated: rounded up to a power of two of at least a page. */
static int parse_ring_size(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			   struct ct_err *e)
{
	uint64_t v = RING_AUTO, rounded = PAGE;
	int r = 0;

	(void)spec;
	if (strcmp(entry->value, "auto"))
		r = ct_value_number(entry, ct_parse_size(entry->value, &v), e);
	if (r == 0)
		r = check_bounds(entry, v, e);
	if (r < 0)
		return r;
	while (v && rounded < v)
		rounded *= 2;
	if (!v)
		rounded = 0;
	if (field)
		*(uint64_t *)field = rounded;
	return 0;
}

const struct ct_type ct_type_ring_size = { "size or auto", parse_ring_size,
					   "\"auto\" or a size such as 128K, at most 1 GiB", 0,
					   RING_MAX };

static int parse_duration(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			  struct ct_err *e)
{
	uint64_t v = 0;
	int r = ct_value_number(entry, ct_parse_duration_us(entry->value, &v), e);

	(void)spec;
	if (r == 0)
		r = check_bounds(entry, v, e);
	if (r == 0 && field)
		*(uint64_t *)field = v;
	return r;
}

const struct ct_type ct_type_duration = { "duration", parse_duration,
					  "a time above 0 such as 1s, 250ms, 1.5s, 2m or 1h", 1,
					  INT64_MAX / 1000 };

static int parse_offset(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	int64_t v = 0;
	int r = ct_value_number(entry, ct_parse_offset_ns(entry->value, &v), e);

	(void)spec;
	if (r == 0 && field)
		*(int64_t *)field = v;
	return r;
}

const struct ct_type ct_type_offset = { "time offset", parse_offset,
					"a time such as 1h, -30m, 10s, 5ms, 7us or 9ns (up to 292 "
					"years)" };

static int parse_id(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		    struct ct_err *e)
{
	uint32_t v = 0;
	int r = ct_value_number(entry, ct_parse_id(entry->value, &v), e);

	(void)spec;
	if (r == 0 && field)
		*(uint32_t *)field = v;
	return r;
}

const struct ct_type ct_type_id = { "user or group number", parse_id,
				    "a number from 0 to 4294967294" };

static int parse_umask(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	uint32_t v = 0;
	int r = ct_value_number(entry, ct_parse_mode(entry->value, &v), e);

	(void)spec;
	if (r == 0)
		r = check_bounds(entry, v, e);
	if (r == 0 && field)
		*(uint32_t *)field = v;
	return r;
}

const struct ct_type ct_type_umask = { "octal mask", parse_umask,
				       "an octal mask such as 022, at most 0777", 0, 0777 };

static int parse_nice(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	int64_t v = 0;
	int r = ct_value_number(entry, ct_parse_i64(entry->value, &v), e);

	(void)spec;
	if (r == 0 && (v < -20 || v > 19))
		r = ct_value_range(entry, e);
	if (r == 0 && field)
		*(int32_t *)field = (int32_t)v;
	return r;
}

static int parse_order(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	int64_t v = 0;
	int r = ct_value_number(entry, ct_parse_i64(entry->value, &v), e);

	(void)spec;
	if (r == 0 && (v < INT32_MIN || v > INT32_MAX))
		r = ct_value_range(entry, e);
	if (r == 0 && field)
		*(int32_t *)field = (int32_t)v;
	return r;
}

const struct ct_type ct_type_order = { "order", parse_order,
				       "a number from -2147483648 to 2147483647" };
const struct ct_type ct_type_nice = { "nice value", parse_nice, "a number from -20 to 19" };

struct signal_name {
	const char *name;
	uint32_t nr;
};

#define SIGNAL(n)          \
	{                  \
#n, SIG##n \
	}
static const struct signal_name signals[] = {
	SIGNAL(HUP),  SIGNAL(INT),    SIGNAL(QUIT), SIGNAL(ILL),   SIGNAL(TRAP), SIGNAL(ABRT),
	SIGNAL(IOT),  SIGNAL(BUS),    SIGNAL(FPE),  SIGNAL(KILL),  SIGNAL(USR1), SIGNAL(SEGV),
	SIGNAL(USR2), SIGNAL(PIPE),   SIGNAL(ALRM), SIGNAL(TERM),  SIGNAL(CHLD), SIGNAL(CONT),
	SIGNAL(STOP), SIGNAL(TSTP),   SIGNAL(TTIN), SIGNAL(TTOU),  SIGNAL(URG),	 SIGNAL(XCPU),
	SIGNAL(XFSZ), SIGNAL(VTALRM), SIGNAL(PROF), SIGNAL(WINCH), SIGNAL(IO),	 SIGNAL(POLL),
	SIGNAL(PWR),  SIGNAL(SYS),
};
/* As programs in the container count them with glibc; the C library of this build may reserve more
 * or fewer. */
#define RT_FIRST 34u
#define RT_LAST 64u

/* The number of SIGRTMIN+n or SIGRTMAX-n (`name` without "SIG"); 0: it is another name. */
static uint32_t real_time_signal(const char *name)
{
	bool first = !strncasecmp(name, "RTMIN", 5), last = !strncasecmp(name, "RTMAX", 5);
	uint32_t n = 0;

	if (!first && !last)
		return 0;
	name += 5;
	if (*name && (*name != (first ? '+' : '-') || ct_parse_u32(name + 1, &n) < 0 ||
		      n > RT_LAST - RT_FIRST))
		return 0;
	if (first)
		return RT_FIRST + n;
	return RT_LAST - n;
}

static int parse_signal(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	const char *name = entry->value;
	uint32_t nr;
	uint64_t v;

	(void)spec;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	nr = real_time_signal(name);
	for (size_t i = 0; !nr && i < sizeof(signals) / sizeof(*signals); i++)
		if (!strcasecmp(name, signals[i].name))
			nr = signals[i].nr;
	if (!nr) {
		int r = ct_value_number(entry, ct_parse_u64(entry->value, &v), e);

		if (r == 0)
			r = check_bounds(entry, v, e);
		if (r < 0)
			return r;
		nr = (uint32_t)v;
	}
	if (field)
		*(uint32_t *)field = nr;
	return 0;
}

const struct ct_type ct_type_signal = { "signal", parse_signal,
					"a signal such as SIGPWR, SIGRTMIN+3 or a number from 1 to "
					"64",
					1, RT_LAST };
const struct ct_type ct_type_death_signal = { "signal", parse_signal,
					      "a signal such as SIGKILL, or 0 for none, or a "
					      "number to 64",
					      0, RT_LAST };
