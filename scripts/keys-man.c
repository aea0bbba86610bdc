/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints ct.container.conf(5) from the key table. Built and run while the library is
 * built; no part of it. */
#include <stdio.h>
#include <string.h>

#include "model/key.h"
#include "model/type.h"

/* Text for roff: "-" is a minus and what would begin a request or an escape does not. */
static void put(const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
}

static void put_key(const struct ct_key *key)
{
	fputs(".TP\n.B ", stdout);
	/* "*" is N between dots, NAME at the end */
	for (const char *p = key->name; *p; p++) {
		char one[2] = { *p, 0 };

		if (*p == '*')
			fputs(p[1] ? "N" : "NAME", stdout);
		else
			put(one);
	}
	fputs("\n", stdout);
	put(key->help);
	fputs(".\n.br\nTakes: ", stdout);
	put(key->type->name);
	if (key->flags & CT_KF_LIST && strncmp(key->type->name, "list", 4))
		fputs("; setting it again adds", stdout);
	fputs(".\n", stdout);
	if (key->dflt) {
		fputs("Default: ", stdout);
		put(key->dflt);
		fputs(".\n", stdout);
	}
	if (key->flags & CT_KF_OURS)
		fputs("Not an LXC key.\n", stdout);
	if (key->flags & CT_KF_HARMLESS)
		fputs("Kept and saved; a start does without it.\n", stdout);
	else if (key->flags & CT_KF_STORED)
		fputs("Kept and saved; this version refuses a start that would need it.\n", stdout);
}

static const char intro[] =
	".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
	".\\\" Generated from the key table.\n"
	".TH CT.CONTAINER.CONF 5 \"\" libcontain \"File formats\"\n"
	".SH NAME\n"
	"ct.container.conf \\- configuration of a container\n"
	".SH DESCRIPTION\n"
	"A container is described by keys with values, in a file with one\n"
	".IR \"key \" = \" value\"\n"
	"a line. Keys and values are those of LXC, so a container of LXC can be used as it is; "
	"the prefix\n"
	".B lxc.\n"
	"may be left out. Keys that LXC does not have are written without it: "
	"LXC passes over such lines.\n"
	".PP\n"
	"A line that begins with # is a comment; there is none behind a value. "
	"One pair of quotes around a value is\n"
	"taken off. An empty value clears a key, or a group of keys\n"
	".RB ( \"hook =\" ,\n"
	".BR \"net.0 =\" ).\n"
	"Where a key holds one value the last line counts, where it holds a list each line adds. "
	"The order of lines does\n"
	"not matter otherwise. What cannot be read, an unknown key among it, is an error that "
	"names file and line.\n"
	".PP\n"
	"Sizes are bytes, or have a unit: K, KB, KiB and so on up to T, all powers of 1024. "
	"Times have one of d, h, m, s, ms\n"
	"and us; without it they are seconds.\n"
	".PP\n"
	"A limit that the host cannot keep is an error. Where a start may do without it, write\n"
	".B try:\n"
	"in front of the value, as in\n"
	".BR \"limit.memory = try:1G\" ;\n"
	"so it is with the keys\n"
	".B limit.*\n"
	"but limit.time and limit.output, and with the files of cgroups. Where a limit takes\n"
	".BR max ,\n"
	"that is none, as if the key were not there. The keys limit.* mean the same with either "
	"version of cgroups; cgroup.* and cgroup2.* are\n"
	"files of one version, written as they are.\n"
	".PP\n"
	".B include\n"
	"names a file, or a directory whose files *.conf are read in the order of their names; "
	"relative to the file that\n"
	"has it. A directory that is written with a slash at its end may be missing. "
	"Files may be 1 MiB long and go 16 deep.\n"
	".PP\n"
	"Hooks are executed directly, with an absolute path. A shell is used where the value asks "
	"for one:\n"
	".BR \"hook.mount = /bin/sh -c '...'\" .\n"
	".SH KEYS\n"
	"N stands for the number of a network, NAME for a name.\n";

int main(void)
{
	fputs(intro, stdout);
	for (uint32_t i = 0; i < ct_n_keys; i++)
		put_key(&ct_keys[i]);
	fputs(".SH SEE ALSO\n.BR ct\\-start (1),\n.BR ct\\-config (1),\n.BR ct\\-checkconfig (1)\n",
	      stdout);
	return ferror(stdout) || fflush(stdout);
}
