/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules of Landlock. A text of a journal is refused, or is what its rules are written as again.
 * The lines of a config ("KEY=VALUE", with or without "landlock." in front) that are accepted give
 * rules within what each ABI knows, or a record; and they are read back the same.
 */
#include <errno.h>
#include <string.h>

#include "backend/lsm/landlock-rules.h"
#include "model/config.h"
#include "shared/landlock.h"

#include "must.h"

#define FS (CT_LL_OF_FILES | CT_LL_READ_DIR | CT_LL_MAKE | CT_LL_REFER)

static void check_rules(const struct ct_ll_rules *rules)
{
	MUST(rules->fs && !(rules->fs & ~FS));
	MUST(!(rules->net & ~(CT_LL_BIND_TCP | CT_LL_CONNECT_TCP)));
	MUST(!(rules->scope & ~(CT_LL_ABSTRACT_UNIX | CT_LL_SIGNAL)));
	MUST(rules->n <= 2 * CT_LL_RULES_MAX);
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct ct_ll_rule *rule = &rules->v[i];

		MUST(rule->access && !(rule->access & ~(rule->path ? rules->fs : rules->net)));
		MUST(!rule->path || (*rule->path == '/' && strlen(rule->path) < 4096));
		MUST(rule->port <= UINT16_MAX && (!rule->path || !rule->port));
	}
}

static void check_journal(const char *text, struct ct_arena *a)
{
	CT_CLEAN_BUF struct ct_buf again = CT_BUF_INIT;
	struct ct_ll_rules rules;
	int r = ct_ll_rules_read(text, a, &rules);

	MUST(r == 0 || r == -ENODATA);
	if (r < 0)
		return;
	check_rules(&rules);
	MUST(ct_ll_rules_text(&rules, &again) == 0 && !strcmp(ct_buf_text(&again), text));
}

static void check_abi(const struct ct_spec *spec, int abi, struct ct_arena *a)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_host host = { .landlock = abi };
	struct ct_ll_rules rules, back;
	struct ct_err e;
	int r;

	ct_err_clear(&e);
	r = ct_ll_rules_make(spec, &host, a, &rules, &e);
	if (r < 0) {
		MUST(r == -EOPNOTSUPP && e.err == r && e.id == CT_ERR_LANDLOCK && *e.message);
		return;
	}
	MUST(abi >= (int)spec->landlock_abi);
	check_rules(&rules);
	MUST(ct_ll_rules_text(&rules, &text) == 0);
	MUST(ct_ll_rules_read(ct_buf_text(&text), a, &back) == 0);
	MUST(back.n == rules.n && !strcmp(back.digest, rules.digest));
	check_journal(ct_buf_text(&text), a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	char *text = strndup((const char *)data, size), *rest = NULL;
	struct ct_spec *spec;
	struct ct_err e;

	MUST(c && a && text);
	check_journal(text, a);
	ct_err_clear(&e);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char key[64], *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		/* no files of this machine, and nothing else */
		snprintf(key, sizeof(key), "%s%s", strncmp(line, "landlock.", 9) ? "landlock." : "",
			 line);
		ct_config_set(c, key, value, &e);
	}
	ct_err_clear(&e);
	spec = ct_spec_read(c, a, &e);
	MUST(spec || (e.err < 0 && *e.message));
	for (int abi = 1; spec && ct_spec_landlock(spec) && abi <= 8; abi++)
		check_abi(spec, abi, a);
	free(text);
	return 0;
}
