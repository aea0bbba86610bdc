/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-caps.h"

#include <ctype.h>
#include <string.h>

#define SIZE 2048
#define BLANKS ", \t"

/* The library's default for cap.keep; a test compares them. */
static const char by_default[] = "chown dac_override fsetid fowner mknod net_raw setgid setuid "
				 "setfcap setpcap net_bind_service sys_chroot "
				 "kill audit_write";

/* Whether a list of words has this one. */
static bool has(const char *list, const char *word, size_t n)
{
	for (const char *p = list; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == n && !strncmp(p, word, n))
			return true;
	return false;
}

/* Adds a word to a list that has room for all capabilities, unless it is in it. */
static void add(char list[SIZE], const char *word, size_t n)
{
	size_t len = strlen(list);

	if (has(list, word, n) || len + n + 2 >= SIZE)
		return;
	if (len)
		list[len++] = ' ';
	snprintf(list + len, SIZE - len, "%.*s", (int)n, word);
}

/* Adds the words of one list to another, without those in `less`. */
static void add_all_but(char list[SIZE], const char *words, const char *less)
{
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (!has(less, p, strcspn(p, " ")))
			add(list, p, strcspn(p, " "));
}

/* The words of an option, "CAP_NET_RAW,chown", as the library calls them. Returns whether
 * "all" is among them. */
static bool read_words(const char *text, char list[SIZE])
{
	bool all = false;

	for (const char *p = text + strspn(text, BLANKS); *p; p += strspn(p, BLANKS)) {
		size_t n = strcspn(p, BLANKS);
		char word[64];

		if (n > 4 && !strncasecmp(p, "cap_", 4)) {
			p += 4;
			n -= 4;
		}
		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		for (char *w = word; *w; w++)
			*w = (char)tolower((unsigned char)*w);
		if (!strcmp(word, "all"))
			all = true;
		else
			add(list, word, strlen(word));
		p += n;
	}
	return all;
}

static bool read_each(const struct strings *texts, char list[SIZE])
{
	bool all = false;

	for (size_t i = 0; i < texts->n; i++)
		all |= read_words(texts->v[i], list);
	return all;
}

/* Has the library check the names: an unknown one in --cap-drop would have no effect otherwise. */
static int check_names(const struct args *a, ct_container *c, const char *key, const char *list)
{
	if (*list && (define(a, c, key, list) || ct_clear_config(c, key) < 0))
		return EXIT_OWN;
	return 0;
}

/* Sets a list of capabilities, which may be empty. */
static int define_list(const struct args *a, ct_container *c, const char *key, const char *list)
{
	if (!*list)
		list = "none";
	return define(a, c, key, list);
}

int run_caps_apply(const struct args *a, ct_container *c, const struct run_caps *caps)
{
	const char *keep = by_default;
	char more[SIZE] = "", less[SIZE] = "", base[SIZE] = "", list[SIZE] = "";
	bool all = read_each(&caps->add, more), nothing = read_each(&caps->drop, less);

	if (!caps->keep && !caps->add.n && !caps->drop.n)
		return 0;
	if (ct_clear_config(c, "cap.drop") < 0 || ct_clear_config(c, "cap.keep") < 0 ||
	    check_names(a, c, "cap.drop", less) || check_names(a, c, "cap.keep", more))
		return EXIT_OWN;
	/* all that the caller has, but for --cap-drop */
	if (all && !nothing)
		return define_list(a, c, "cap.drop", less);
	if (caps->keep)
		keep = caps->keep;
	read_words(keep, base);
	if (!nothing && !has(base, "none", 4))
		add_all_but(list, base, less);
	add_all_but(list, more, less);
	return define_list(a, c, "cap.keep", list);
}
