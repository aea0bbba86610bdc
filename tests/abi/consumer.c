/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program as others write them: against the installed header and library. */
#include <contain/contain.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
	ct_container *c = NULL;
	ct_new_opts opts = CT_NEW_OPTS_INIT;
	char value[64], *text = NULL;

	if (strcmp(ct_version(), CT_VERSION) != 0) {
		fprintf(stderr, "library %s, header %s\n", ct_version(), CT_VERSION);
		return 1;
	}
	if (ct_new(&c, NULL, &opts) || ct_set_config(c, "lxc.uts.name", "inside")) {
		fprintf(stderr, "%s\n", ct_last_error(c)->message);
		return 2;
	}
	if (ct_get_config(c, "uts.name", value, sizeof(value)) != 6 || strcmp(value, "inside") != 0)
		return 3;
	if (ct_set_config(c, "no.such.key", "x") >= 0 || ct_last_error(c)->id != CT_ERR_UNKNOWN_KEY)
		return 4;
	if (ct_preflight(CT_FORMAT_TEXT, &text) < 0 || !text || !*text)
		return 5;
	ct_free(text);
	if (ct_audit(c, NULL, CT_SEVERITY_HIGH, CT_FORMAT_TEXT, &text) < 1 || !text || !*text)
		return 6;
	ct_free(text);
	if (strcmp(ct_severity_name(CT_SEVERITY_HIGH), "high") != 0)
		return 7;
	ct_unref(c);
	puts(ct_version());
	return 0;
}
