/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of "+RULE" (allow) and "-RULE" (deny): what becomes a policy keeps its meaning as
 * text and as a program. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/devices.h"
#include "model/device-rule.h"

#include "device-rules.h"
#include "must.h"

#define RULES_MAX 64

static void check_access(const struct ct_dev_list *l, const struct ct_dev_list *back,
			 const struct bpf_insn *v, uint32_t n, char type, uint32_t major,
			 uint32_t minor)
{
	const char *fault;

	for (unsigned access = 1; access < 8; access++) {
		unsigned asked = (access & 1 ? BPF_DEVCG_ACC_READ : 0u) |
				 (access & 2 ? BPF_DEVCG_ACC_WRITE : 0u) |
				 (access & 4 ? BPF_DEVCG_ACC_MKNOD : 0u);
		bool says = ct_dev_allowed(l, type, major, minor, access);

		MUST(says == ct_dev_allowed(back, type, major, minor, access));
		MUST(says == machine_run(v, n,
					 type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK,
					 asked, major, minor, &fault));
	}
}

/* The devices that rule i names, and where it crosses the next. */
static void check_around(const struct ct_dev_list *l, const struct ct_dev_list *back,
			 const struct bpf_insn *v, uint32_t n, uint32_t i)
{
	uint32_t major = l->v[i].major < 0 ? 77 : (uint32_t)l->v[i].major;
	uint32_t minor = l->v[(i + 1) % l->n].minor < 0 ? 77 : (uint32_t)l->v[(i + 1) % l->n].minor;

	for (uint32_t k = 0; k < 2; k++) {
		check_access(l, back, v, n, "cb"[k], major, minor);
		check_access(l, back, v, n, "cb"[k], major,
			     l -> v[i].minor < 0 ? 5 : (uint32_t)l->v[i].minor);
		check_access(l, back, v, n, "cb"[k], major, minor + 1);
		check_access(l, back, v, n, "cb"[k], major + 1, minor);
	}
}

/* Each device that a rule names, its neighbours, and where rules cross. */
static void check_list(const struct ct_dev_list *l, struct ct_arena *a)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_dev_list back;
	struct bpf_insn *v;
	struct ct_err e;
	uint32_t n;
	int r;

	ct_err_clear(&e);
	ct_dev_print_list(l, &text);
	MUST(ct_dev_parse_list(ct_buf_text(&text), a, &back) == 0);
	MUST(ct_dev_bpf(l, a, &v, &n, &e) == 0);
	r = ct_dev_v1_writes(l, NULL, a, &writes, &e);
	MUST(r == -EOPNOTSUPP ? e.err == r && *e.hint : r == 0 && writes.n > 0);
	for (uint32_t i = 0; i < l->n; i++) {
		check_around(l, &back, v, n, i);
	}
	check_access(l, &back, v, n, 'c', 3000, 3000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	char *text = strndup((const char *)data, size), *rest = NULL;
	struct ct_dev_list l = { NULL, 0, size % 2 };
	unsigned rules = 0;

	MUST(text && a);
	for (char *line = strtok_r(text, "\n", &rest); line && rules < RULES_MAX;
	     line = strtok_r(NULL, "\n", &rest), rules++) {
		struct ct_device_rule read;
		struct ct_err e;
		int r;

		if (*line != '+' && *line != '-')
			continue;
		/* no files of this machine */
		if (!ct_device_rule_read(line + 1, &read) && !read.type)
			continue;
		ct_err_clear(&e);
		r = ct_dev_add(&l, *line == '+', line + 1, a, &e);
		MUST(r == 0 || (r == -EINVAL && e.err == r && *e.message));
	}
	check_list(&l, a);
	free(text);
	return 0;
}
