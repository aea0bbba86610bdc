/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be seen of a running container from outside: its addresses, and what its processes use. */
#ifndef CT_TOOLS_INSIDE_H
#define CT_TOOLS_INSIDE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct address {
	char name[IF_NAMESIZE];
	int family;			/* AF_INET, AF_INET6; 0: an interface without addresses so far */
	char text[INET6_ADDRSTRLEN];	/* "" for family 0 */
};

struct addresses {
	struct address *v;
	size_t n;
};

/* Interfaces and global addresses in the network namespace of the process that `pidfd` names, read by a child that
 * enters it. 0 or a negative errno; out->v is to be released with free(). */
int addresses_of(int pidfd, struct addresses *out);

struct usage {
	unsigned processes;
	uint64_t cpu_us;	/* of what lives and what was waited for */
	uint64_t ram, swap;	/* proportional set size, bytes */
};

/* Sums over the processes in the pid namespace of `init` (nested namespaces not counted). 0 or a negative errno. */
int usage_of(pid_t init, struct usage *out);

#endif
