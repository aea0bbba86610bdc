/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file: text, "libcontain-state 1", then on each line a key and its values. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/state/state.h"

#define HEAD "libcontain-state 1"
#define COUNT(v) ((int)(sizeof(v) / sizeof((v)[0])))
/* more than the lines of the verdict have */
#define MAX_WORDS (int)(sizeof(struct ct_verdict) / sizeof(uint64_t))

/* One line taken apart; the words point into the reader's copy. */
struct line {
	char *key, *rest; /* rest: all after the key, not taken apart */
	char *word[MAX_WORDS];
	int n;
};

static int take_string(const char *from, char *to, size_t size)
{
	size_t n = strlen(from);

	if (n >= size)
		return -EINVAL;
	memcpy(to, from, n + 1);
	return 0;
}

static int take_u64(const char *word, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (ct_parse_u64(word, &v) || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int take_u32(const struct line *l, uint64_t max, uint32_t *out)
{
	uint64_t v;

	if (l->n != 1 || take_u64(l->word[0], max, &v))
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

static int take_process(const struct line *l, pid_t *pid, uint64_t *start)
{
	uint64_t p, s;

	if (l->n != 2 || take_u64(l->word[0], INT_MAX, &p) ||
	    take_u64(l->word[1], UINT64_MAX, &s) || p == 0)
		return -EINVAL;
	*pid = (pid_t)p;
	*start = s;
	return 0;
}

static int take_verdict(const struct line *l, struct ct_state_file *st)
{
	int32_t *const small[] = {
#define CT_STATUS(field) &st->verdict.field,
#include "shared/verdict.def"
	};
	uint64_t *const big[] = {
#define CT_USED(field) &st->verdict.field,
#include "shared/verdict.def"
	};
	uint64_t v;

	if (l->n != COUNT(small) + COUNT(big))
		return -EINVAL;
	for (int i = 0; i < COUNT(small); i++) {
		if (take_u64(l->word[i], 255, &v))
			return -EINVAL;
		*small[i] = (int32_t)v;
	}
	for (int i = 0; i < COUNT(big); i++) {
		if (take_u64(l->word[COUNT(small) + i], UINT64_MAX, big[i]))
			return -EINVAL;
	}
	return 0;
}

static int take_use(const struct line *l, struct ct_state_file *st)
{
	uint64_t *const use[] = {
#define CT_COUNTER(field) &st->verdict.tree.field,
#include "shared/verdict.def"
	};

	if (l->n != COUNT(use))
		return -EINVAL;
	for (int i = 0; i < COUNT(use); i++) {
		if (take_u64(l->word[i], UINT64_MAX, use[i]))
			return -EINVAL;
	}
	return 0;
}

/* One bit of CT_STATE_*. */
static int take_state(const struct line *l, struct ct_state_file *st)
{
	uint32_t v;

	if (take_u32(l, CT_STATE_ABORTING, &v) || !v || (v & (v - 1)))
		return -EINVAL;
	st->state = v;
	return 0;
}

static int take_name(const struct line *l, struct ct_state_file *st)
{
	return take_string(l->rest, st->name, sizeof(st->name));
}

static int take_boot_id(const struct line *l, struct ct_state_file *st)
{
	return take_string(l->rest, st->boot_id, sizeof(st->boot_id));
}

static int take_error(const struct line *l, struct ct_state_file *st)
{
	return take_string(l->rest, st->error, sizeof(st->error));
}

static int take_supervisor(const struct line *l, struct ct_state_file *st)
{
	return take_process(l, &st->supervisor, &st->supervisor_start);
}

static int take_init(const struct line *l, struct ct_state_file *st)
{
	return take_process(l, &st->init, &st->init_start);
}

static int take_boots(const struct line *l, struct ct_state_file *st)
{
	return take_u32(l, UINT32_MAX, &st->boots);
}

static int take_pdeath(const struct line *l, struct ct_state_file *st)
{
	return take_u32(l, 64, &st->pdeath);
}

static int take_ephemeral(const struct line *l, struct ct_state_file *st)
{
	return take_u32(l, 1, &st->ephemeral);
}

static int take_program(const struct line *l, struct ct_state_file *st)
{
	return take_u32(l, 1, &st->program);
}

static const struct {
	const char *key;
	int text; /* the value is one string, blanks and all */
	int (*take)(const struct line *l, struct ct_state_file *st);
} keys[] = {
	{ "name", 1, take_name },
	{ "boot_id", 1, take_boot_id },
	{ "supervisor", 0, take_supervisor },
	{ "init", 0, take_init },
	{ "boots", 0, take_boots },
	{ "pdeath", 0, take_pdeath },
	{ "ephemeral", 0, take_ephemeral },
	{ "program", 0, take_program },
	{ "verdict", 0, take_verdict },
	{ "use", 0, take_use },
	{ "error", 1, take_error },
	{ "state", 0, take_state },
};

static int take_line(struct line *l, struct ct_state_file *st)
{
	char *p = l->rest, *word;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(l->key, keys[i].key))
			break;
	}
	/* a key of a later version */
	if (i == sizeof(keys) / sizeof(keys[0]))
		return 0;
	while (!keys[i].text && (word = strsep(&p, " ")) != NULL) {
		if (l->n == MAX_WORDS || !*word)
			return -EINVAL;
		l->word[l->n++] = word;
	}
	return keys[i].take(l, st);
}

int ct_state_parse(const char *text, size_t len, struct ct_state_file *st)
{
	struct ct_state_file new = { 0 };
	char copy[CT_STATE_FILE_MAX + 1], *p = copy, *at;

	memset(&new.verdict.tree, 0xff, sizeof(new.verdict.tree)); /* CT_ABSENT */
	if (len == 0 || len > CT_STATE_FILE_MAX || memchr(text, 0, len) || text[len - 1] != '\n')
		return -EINVAL;
	memcpy(copy, text, len - 1);
	copy[len - 1] = 0;
	at = strsep(&p, "\n");
	if (strcmp(at, HEAD))
		return -EINVAL;
	while ((at = strsep(&p, "\n")) != NULL) {
		struct line l = { .key = strsep(&at, " "), .rest = at };

		if (!l.rest || !*l.key)
			return -EINVAL;
		for (const char *c = l.rest; *c; c++) {
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return -EINVAL;
		}
		if (new.state || take_line(&l, &new))
			return -EINVAL;
	}
	/* the state is the last line: without it the file was cut short */
	if (!new.state || !new.supervisor || !new.boot_id[0])
		return -EINVAL;
	*st = new;
	return 0;
}

int ct_state_read(int dirfd, struct ct_state_file *st, struct ct_err *e)
{
	CT_CLEAN_FD int fd = openat(dirfd, CT_STATE_FILE,
				    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0) {
		ct_err_syscall(e, "openat");
		ct_err_object(e, CT_STATE_FILE);
		return ct_fail(e, -errno, CT_ERR_STATE, "state", "the state file cannot be read");
	}
	r = ct_buf_read_fd(&text, fd, CT_STATE_FILE_MAX);
	if (!r)
		r = ct_state_parse(ct_buf_text(&text), text.len, st);
	if (r == -ENOMEM)
		return ct_oom(e);
	if (!r)
		return 0;
	ct_err_object(e, CT_STATE_FILE);
	ct_err_hint(e, "ct-ls or the next start clears it");
	return ct_fail(e, -EBADMSG, CT_ERR_STATE, "state",
		       "the state file is not one of this library's");
}
