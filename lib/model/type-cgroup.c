/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limit.*: portable limits of a cgroup, in units such as MiB and seconds. Each parser fills one
 * item of the spec; the cgroup backend converts it to the kernel's files. "try:" in front makes a
 * limit best effort, "max" is no limit.
 */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/num.h"

#define BLANKS " \t"
#define CPU_LAST 65535u	 /* more than any kernel has processors or memory nodes */
#define MAJOR_LAST 4095u /* the kernel's dev_t: 12 and 20 bits */
#define MINOR_LAST 1048575u
#define IOPS_LAST (UINT32_MAX - 1) /* the kernel counts them in 32 bits, all ones are "max" */

bool ct_cglimit_idle(const struct ct_cglimit_item *item)
{
	if (!strcmp(item->key, "limit.oom.group"))
		return !item->n;
	/* limit.memory.low protects memory: "max" protects all of it */
	return item->max && strcmp(item->key, "limit.memory.low");
}

/* A new item of an entry: `text` is the value without "try:". */
static struct ct_cglimit_item begin(const struct ct_entry *entry)
{
	struct ct_cglimit_item item = { .at = entry->at,
					.key = entry->key->name,
					.sub = entry->sub };

	item.text = ct_value_tried(entry->value, &item.tried);
	for (int i = 0; i < 4; i++)
		item.rate[i] = CT_RATE_UNSET;
	return item;
}

/* Whether both set the same thing, so that the later one counts alone. */
static bool same_place(const struct ct_cglimit_item *a, const struct ct_cglimit_item *b)
{
	if (strcmp(a->key, b->key) || strcmp(a->sub, b->sub) || !a->device != !b->device)
		return false;
	return !a->device || !strcmp(a->device, b->device);
}

/* Puts the item into the list `field`, NULL for none: in the place of an earlier one, or, when
 * `adds`, at the end. */
static int put(const struct ct_cglimit_item *item, bool adds, void *field, struct ct_spec *spec,
	       struct ct_err *e)
{
	struct ct_cglimits *list = field;
	struct ct_cglimit_item *place = NULL;

	if (!list)
		return 0;
	for (uint32_t i = 0; !adds && !place && i < list->n; i++)
		if (same_place(&list->v[i], item))
			place = &list->v[i];
	if (!place)
		place = CT_LIST_ADD(spec->arena, list);
	if (!place)
		return ct_oom(e);
	*place = *item;
	return 0;
}

/* Reads item->text with one of base/num.h's readers, checks the type's bounds and puts the item. */
static int put_number(const struct ct_entry *entry, struct ct_cglimit_item *item,
		      int (*reader)(const char *s, uint64_t *out), void *field,
		      struct ct_spec *spec, struct ct_err *e)
{
	const struct ct_type *type = entry->key->type;
	int r = 0;

	if (!item->max) {
		r = ct_value_number(entry, reader(item->text, &item->n), e);
		if (r == 0 && (item->n < type->min || item->n > type->max))
			r = ct_value_range(entry, e);
	}
	if (r < 0)
		return r;
	return put(item, false, field, spec, e);
}

static int parse_limit_size(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	item.max = !strcmp(item.text, "max");
	return put_number(entry, &item, ct_parse_size, field, spec, e);
}

const struct ct_type ct_type_limit_memory = {
	"size, or max", parse_limit_size,
	"a size such as 512M or 1 GiB, or max; with less than 64K nothing can even be executed",
	65536, INT64_MAX
};
const struct ct_type ct_type_limit_size = { "size, or max", parse_limit_size,
					    "a size such as 0, 512M or 1 GiB, or max", 0,
					    INT64_MAX };

/* limit.hugetlb.SIZE, where SIZE is written as in the kernel's names of files: the greatest unit, a
 * power of two below 1024. */
static int parse_hugetlb(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			 struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	size_t n = strspn(entry->sub, "0123456789");
	const char *unit = entry->sub + n;
	char digits[8] = "";
	uint32_t size = 0;

	if (n < sizeof(digits))
		memcpy(digits, entry->sub, n);
	if (*entry->sub == '0' || ct_parse_u32(digits, &size) < 0 || size & (size - 1) ||
	    size >= 1024 || (strcmp(unit, "KB") && strcmp(unit, "MB") && strcmp(unit, "GB"))) {
		ct_err_hint(e, "name it as the kernel does: 64KB, 2MB, 1GB; "
			       "/sys/kernel/mm/hugepages shows what there is");
		return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config",
			       "\"%s\" is not a size of huge pages", entry->sub);
	}
	item.key = "limit.hugetlb";
	item.max = !strcmp(item.text, "max");
	return put_number(entry, &item, ct_parse_size, field, spec, e);
}

const struct ct_type ct_type_hugetlb = { "size, or max", parse_hugetlb,
					 "a size such as 0, 512M or 1 GiB, or max", 0, INT64_MAX };

static int read_bool(const char *s, uint64_t *out)
{
	int v = 0, r = ct_parse_bool(s, &v);

	*out = (uint64_t)v;
	return r;
}

static int parse_limit_switch(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	return put_number(entry, &item, read_bool, field, spec, e);
}

const struct ct_type ct_type_limit_switch = { "bool", parse_limit_switch, "0 or 1", 0, 1 };

static int parse_limit_count(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			     struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	item.max = !strcmp(item.text, "max");
	return put_number(entry, &item, ct_parse_u64, field, spec, e);
}

/* the kernel's PID_MAX_LIMIT: it refuses more */
const struct ct_type ct_type_limit_count = { "number, or max", parse_limit_count,
					     "a number from 1 to 4194304, or max", 1, 4194304 };

static int parse_limit_weight(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	return put_number(entry, &item, ct_parse_u64, field, spec, e);
}

const struct ct_type ct_type_limit_weight = { "weight", parse_limit_weight,
					      "a weight from 1 to 10000", 1, 10000 };

/* Cores as millionths. A time without a unit is seconds with up to six decimals, and
 * comes as millionths. */
static int read_cores(const char *s, uint64_t *out)
{
	if (s[strspn(s, "0123456789.")])
		return -EINVAL;
	return ct_parse_duration_us(s, out);
}

static int parse_limit_cores(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			     struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	item.max = !strcmp(item.text, "max");
	return put_number(entry, &item, read_cores, field, spec, e);
}

const struct ct_type ct_type_limit_cores = {
	"number of cores, or max", parse_limit_cores,
	"a number of cores from 0.01 to 65536, such as 0.5 or 2, or max", 10000,
	UINT64_C(65536000000)
};

static int parse_limit_burst(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			     struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);

	return put_number(entry, &item, ct_parse_duration_us, field, spec, e);
}

const struct ct_type ct_type_limit_burst = { "duration", parse_limit_burst,
					     "a time from 0 on such as 20ms or 500us", 0,
					     INT64_MAX / 1000 };

static int parse_cpu_time(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			  struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	int r;

	item.max = !strcmp(item.text, "max");
	r = put_number(entry, &item, ct_parse_duration_us, NULL, spec, e);
	if (r == 0 && field) {
		*(uint64_t *)field = item.n;
		spec->limit_cputime_tried = item.tried;
	}
	return r;
}

const struct ct_type ct_type_cpu_time = { "duration, or max", parse_cpu_time,
					  "a time above 0 such as 90s, 1.5s, 2m or 1h, or max", 1,
					  INT64_MAX / 1000 };

/* A whole number out of a piece of a value, from `least` to `most`. -EINVAL, -ERANGE. */
static int span_number(struct ct_span word, uint64_t least, uint64_t most, uint64_t *out)
{
	char digits[24] = "";
	int r;

	if (word.n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, word.s, word.n);
	r = ct_parse_u64(digits, out);
	if (r < 0)
		return r;
	if (*out < least || *out > most)
		return -ERANGE;
	return 0;
}

/* "3" or "0-3". */
static int check_range(struct ct_span range)
{
	const char *dash = memchr(range.s, '-', range.n);
	uint64_t first = 0, last = 0;
	size_t n;
	int r;

	if (!dash)
		return span_number(range, 0, CPU_LAST, &first);
	n = (size_t)(dash - range.s);
	r = span_number((struct ct_span){ range.s, n }, 0, CPU_LAST, &first);
	if (r == 0)
		r = span_number((struct ct_span){ dash + 1, range.n - n - 1 }, 0, CPU_LAST, &last);
	if (r == 0 && last < first)
		r = -EINVAL;
	return r;
}

/* The n bytes at s without blanks at either end. */
static struct ct_span trimmed(const char *s, size_t n)
{
	size_t lead = strspn(s, BLANKS);

	if (lead >= n)
		lead = n;
	while (n > lead && strchr(BLANKS, s[n - 1]))
		n--;
	return (struct ct_span){ s + lead, n - lead };
}

/* The kernel's form of a list, "0-3,5"; blanks beside the commas are taken out. */
static int parse_limit_cpus(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	const char *s = item.text;
	char *out = NULL, *end;

	if (field) {
		out = ct_arena_alloc(spec->arena, strlen(s) + 1);
		if (!out)
			return ct_oom(e);
	}
	end = out;
	for (;; s++) {
		size_t n = strcspn(s, ",");
		struct ct_span range = trimmed(s, n);
		int r = ct_value_number(entry, check_range(range), e);

		if (r < 0)
			return r;
		s += n;
		if (out) {
			memcpy(end, range.s, range.n);
			end += range.n;
			*end++ = *s;
		}
		if (!*s)
			break;
	}
	if (out)
		item.text = out;
	return put(&item, false, field, spec, e);
}

const struct ct_type ct_type_limit_cpus = {
	"list of numbers and ranges", parse_limit_cpus,
	"a list of numbers up to 65535 and ranges such as 0-3,5"
};

/* MAJOR:MINOR or an absolute path. */
static int check_device(struct ct_span word, struct ct_err *e)
{
	const char *colon = memchr(word.s, ':', word.n);
	size_t n = colon ? (size_t)(colon - word.s) : 0;
	uint64_t number;

	if (*word.s == '/' && word.n < PATH_MAX)
		return 0;
	if (*word.s != '/' && colon &&
	    span_number((struct ct_span){ word.s, n }, 1, MAJOR_LAST, &number) == 0 &&
	    span_number((struct ct_span){ colon + 1, word.n - n - 1 }, 0, MINOR_LAST, &number) == 0)
		return 0;
	ct_err_hint(e, "write the device's MAJOR:MINOR, as 8:0, its path, as /dev/sda, or any path "
		       "that is on it");
	return ct_value_fail(e, "\"%.*s\" is not a device", ct_span_shown(word), word.s);
}

/* Keeps a copy of the device, when the item is to be kept. */
static int keep_device(struct ct_cglimit_item *item, struct ct_span word, const void *field,
		       struct ct_spec *spec, struct ct_err *e)
{
	if (!field)
		return 0;
	item->device = ct_arena_strndup(spec->arena, word.s, word.n);
	if (item->device)
		return 0;
	return ct_oom(e);
}

/* "WEIGHT" or "DEVICE WEIGHT". */
static int parse_io_weight(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			   struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	const char *s = item.text;
	struct ct_span first, second, more;
	int r;

	if (!ct_next_word(&s, BLANKS, &first))
		return ct_value_bad(entry, e);
	if (!ct_next_word(&s, BLANKS, &second)) {
		second = first;
		first.n = 0;
	}
	if (ct_next_word(&s, BLANKS, &more))
		return ct_value_bad(entry, e);
	r = ct_value_number(entry,
			    span_number(second, entry->key->type->min, entry->key->type->max,
					&item.n),
			    e);
	if (r == 0 && first.n)
		r = check_device(first, e);
	if (r == 0 && first.n)
		r = keep_device(&item, first, field, spec, e);
	if (r < 0)
		return r;
	return put(&item, false, field, spec, e);
}

const struct ct_type ct_type_io_weight = {
	"list of weights", parse_io_weight,
	"a weight from 1 to 10000, perhaps after a device, such as 200 or 8:0 200", 1, 10000
};

/* What a field of limit.io.max counts. */
struct rate_unit {
	int (*read)(const char *s, uint64_t *out);
	uint64_t most;
	const char *form, *range;
};
static const struct rate_unit rate_bytes = { ct_parse_size, INT64_MAX,
					     "size such as 10M for the bytes",
					     "9223372036854775807 bytes" };
static const struct rate_unit rate_requests = { ct_parse_u64, IOPS_LAST, "number of requests",
						"4294967294 requests" };

/* One field of limit.io.max, "rbps=10M", into rate[]. */
static int read_rate(struct ct_span word, uint64_t rate[4], struct ct_err *e)
{
	static const char *const names[4] = { "rbps=", "wbps=", "riops=", "wiops=" };
	static const struct rate_unit *const units[4] = { &rate_bytes, &rate_bytes, &rate_requests,
							  &rate_requests };
	int n = ct_span_shown(word), i = 0, r;
	char value[32] = "";
	const char *s = NULL;
	size_t len;

	while (i < 4 && !(s = ct_span_after(word, names[i])))
		i++;
	if (!s) {
		ct_err_hint(e, "rbps=, wbps=, riops= and wiops= are known, without blanks around "
			       "the \"=\"");
		return ct_value_fail(e, "\"%.*s\" is not a rate", n, word.s);
	}
	if (rate[i] != CT_RATE_UNSET)
		return ct_value_fail(e, "\"%.*s\" is there twice", (int)strlen(names[i]) - 1,
				     names[i]);
	len = word.n - strlen(names[i]);
	if (len < sizeof(value))
		memcpy(value, s, len);
	if (!strcmp(value, "max")) {
		rate[i] = CT_RATE_MAX;
		return 0;
	}
	r = units[i]->read(value, &rate[i]);
	if (r == -EINVAL)
		return ct_value_fail(e, "\"%.*s\" is not a %s a second, or max", n, word.s,
				     units[i]->form);
	if (r < 0 || !rate[i] || rate[i] > units[i]->most) {
		ct_err_hint(e, "0 would stop all of it; max is no limit");
		return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config",
			       "%.*s is out of range, it takes 1 to %s a second", n, word.s,
			       units[i]->range);
	}
	return 0;
}

/* "DEVICE rbps=10M wbps=max riops=100 wiops=50". */
static int parse_io_max(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	const char *s = item.text;
	struct ct_span device, word;
	int r, n = 0;

	if (!ct_next_word(&s, BLANKS, &device))
		return ct_value_bad(entry, e);
	r = check_device(device, e);
	for (; r == 0 && ct_next_word(&s, BLANKS, &word); n++)
		r = read_rate(word, item.rate, e);
	if (r == 0 && !n)
		r = ct_value_bad(entry, e);
	if (r == 0)
		r = keep_device(&item, device, field, spec, e);
	if (r < 0)
		return r;
	return put(&item, true, field, spec, e);
}

const struct ct_type ct_type_io_max = {
	"list of devices and rates", parse_io_max,
	"a device and its rates, such as 8:0 rbps=10M wbps=max riops=100 wiops=50"
};

/* The words of a value with single blanks between them; NULL without memory. */
static char *single_blanks(struct ct_arena *a, const char *s)
{
	char *out = ct_arena_alloc(a, strlen(s) + 1), *p = out;
	struct ct_span word;

	while (out && ct_next_word(&s, BLANKS, &word)) {
		if (p > out)
			*p++ = ' ';
		memcpy(p, word.s, word.n);
		p += word.n;
	}
	return out;
}

/* A name as the kernel's drivers choose them. */
static bool is_resource(struct ct_span word)
{
	for (size_t i = 0; i < word.n; i++) {
		char c = word.s[i];

		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", c))
			return false;
	}
	return word.n <= NAME_MAX;
}

static int put_words(struct ct_cglimit_item *item, void *field, struct ct_spec *spec,
		     struct ct_err *e)
{
	if (field) {
		item->text = single_blanks(spec->arena, item->text);
		if (!item->text)
			return ct_oom(e);
	}
	return put(item, true, field, spec, e);
}

/* "mlx4_0 hca_handle=2 hca_object=2000", either with max. The kernel counts them as int. */
static int parse_rdma(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	static const char *const names[2] = { "hca_handle=", "hca_object=" };
	struct ct_cglimit_item item = begin(entry);
	const char *s = item.text;
	bool seen[2] = { false, false };
	struct ct_span word;
	uint64_t number;

	if (!ct_next_word(&s, BLANKS, &word) || !is_resource(word))
		return ct_value_bad(entry, e);
	while (ct_next_word(&s, BLANKS, &word)) {
		int i = !ct_span_after(word, names[0]), r = 0;
		struct ct_span rest = { .s = ct_span_after(word, names[i]) };

		if (!rest.s || seen[i])
			return ct_value_bad(entry, e);
		rest.n = word.n - strlen(names[i]);
		seen[i] = true;
		if (!ct_span_is(rest, "max"))
			r = ct_value_number(entry, span_number(rest, 0, INT32_MAX, &number), e);
		if (r < 0)
			return r;
	}
	if (seen[0] || seen[1])
		return put_words(&item, field, spec, e);
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_rdma = {
	"list of devices and numbers", parse_rdma,
	"an RDMA device with hca_handle= or hca_object=, once each, and a number up to 2147483647 "
	"or max"
};

/* "NAME COUNT". */
static int parse_misc(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	struct ct_cglimit_item item = begin(entry);
	const char *s = item.text;
	struct ct_span name, count, more;
	int r = 0;

	if (!ct_next_word(&s, BLANKS, &name) || !is_resource(name) ||
	    !ct_next_word(&s, BLANKS, &count) || ct_next_word(&s, BLANKS, &more))
		return ct_value_bad(entry, e);
	item.max = ct_span_is(count, "max");
	if (!item.max)
		r = ct_value_number(entry, span_number(count, 0, INT64_MAX, &item.n), e);
	if (r < 0)
		return r;
	return put_words(&item, field, spec, e);
}

const struct ct_type ct_type_misc = {
	"list of resources and numbers", parse_misc,
	"a resource of the misc controller and a number or max, such as sev 2"
};
