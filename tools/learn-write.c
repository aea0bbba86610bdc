/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes a profile as a policy of LXC's version 2, or in JSON as OCI has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

static int by_arch(const void *a, const void *b)
{
	const struct learn_call *x = a, *y = b;

	if (x->arch != y->arch)
		return (int)x->arch - (int)y->arch;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	const struct learn_call *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What is known of the runs, one fact a line. NULL without memory. */
static char *make_header(const struct learn_profile *p)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *name;

	if (!out)
		return NULL;
	fprintf(out, "%s\nruns: %u\n", LEARN_MARK, p->runs);
	for (size_t i = 0; i < p->n_runs; i++)
		fprintf(out, "run: %s\n", p->run[i]);
	if (p->caps)
		fputs("capabilities:", out);
	for (unsigned bit = 0; (name = learn_cap_name(bit)); bit++)
		if (p->caps >> bit & 1)
			fprintf(out, " %s", name);
	if (p->caps)
		fputc('\n', out);
	for (size_t i = 0; i < p->n_unnamed; i++)
		fprintf(out, "unnamed: %s %d\n", learn_archs[p->unnamed[i].arch].section,
			p->unnamed[i].nr);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static const struct {
	const char *lxc, *oci;
} denies[] = {
	[LEARN_ERRNO] = { "errno", "SCMP_ACT_ERRNO" },
	[LEARN_KILL] = { "kill", "SCMP_ACT_KILL" },
	[LEARN_LOG] = { "log", "SCMP_ACT_LOG" },
};

/* LXC wants the version on the first line, and the list on the second: no comment before them. */
static void write_lxc(const struct learn_profile *p, const char *header, FILE *out)
{
	unsigned arch = LEARN_ARCHS;

	fprintf(out, "2\nallowlist %s", denies[p->deny].lxc);
	if (p->deny == LEARN_ERRNO)
		fprintf(out, " %u", p->deny_errno);
	fputc('\n', out);
	while (*header) {
		size_t n = strcspn(header, "\n");

		fprintf(out, "# %.*s\n", (int)n, header);
		header += n + (header[n] != '\0');
	}
	for (size_t i = 0; i < p->n_calls; i++) {
		if (p->call[i].arch != arch)
			fprintf(out, "[%s]\n", learn_archs[p->call[i].arch].section);
		arch = p->call[i].arch;
		fprintf(out, "%s\n", p->call[i].name);
	}
}

/* A name stands once, of whichever architecture: the form has one list for all. */
static void write_names(const struct learn_profile *p, FILE *out)
{
	const char *comma = "";

	fputs("\t\t\t\"names\": [", out);
	for (size_t i = 0; i < p->n_calls; i++) {
		if (i && !by_name(&p->call[i], &p->call[i - 1]))
			continue;
		fprintf(out, "%s\n\t\t\t\t\"%s\"", comma, p->call[i].name);
		comma = ",";
	}
	fputs("\n\t\t\t],\n", out);
}

static void write_archs(const struct learn_profile *p, FILE *out)
{
	const char *comma = "";

	fputs("\t\"architectures\": [", out);
	for (unsigned arch = 0; arch < learn_n_archs; arch++) {
		if (!learn_has_arch(p, arch))
			continue;
		fprintf(out, "%s\n\t\t\"%s\"", comma, learn_archs[arch].oci);
		comma = ",";
	}
	fputs("\n\t],\n", out);
}

static void write_oci(const struct learn_profile *p, const char *header, FILE *out)
{
	struct json comment = { .out = out };

	fputs("{\n\t\"comment\": ", out);
	json_string(&comment, NULL, header);
	fprintf(out, ",\n\t\"defaultAction\": \"%s\",\n", denies[p->deny].oci);
	if (p->deny == LEARN_ERRNO)
		fprintf(out, "\t\"defaultErrnoRet\": %u,\n", p->deny_errno);
	write_archs(p, out);
	fputs("\t\"syscalls\": [\n\t\t{\n", out);
	write_names(p, out);
	fputs("\t\t\t\"action\": \"SCMP_ACT_ALLOW\"\n\t\t}\n\t]\n}\n", out);
}

int learn_write(struct learn_profile *p, FILE *out)
{
	char *header = make_header(p);

	if (!header)
		return -ENOMEM;
	if (p->form == LEARN_OCI) {
		qsort(p->call, p->n_calls, sizeof(*p->call), by_name);
		write_oci(p, header, out);
	} else {
		qsort(p->call, p->n_calls, sizeof(*p->call), by_arch);
		write_lxc(p, header, out);
	}
	free(header);
	return 0;
}

int learn_read_deny(struct learn_profile *p, const char *text)
{
	for (size_t i = 0; i < sizeof(denies) / sizeof(*denies); i++) {
		size_t n = strlen(denies[i].lxc);
		unsigned long nr = 0;

		if (strncmp(text, denies[i].lxc, n) != 0)
			continue;
		if (i == LEARN_ERRNO && (text[n] != ' ' || number(text + n + 1, 4095, &nr) < 0))
			return -EINVAL;
		if (i != LEARN_ERRNO && text[n])
			return -EINVAL;
		p->deny = (enum learn_deny)i;
		p->deny_errno = (unsigned)nr;
		return 0;
	}
	return -EINVAL;
}

int learn_read_action(struct learn_profile *p, const char *oci)
{
	for (size_t i = 0; i < sizeof(denies) / sizeof(*denies); i++) {
		if (strcmp(oci, denies[i].oci) != 0)
			continue;
		p->deny = (enum learn_deny)i;
		return 0;
	}
	return -EINVAL;
}
