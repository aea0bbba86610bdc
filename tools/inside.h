/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be seen of a running container from outside: its addresses, and what it uses. */
#ifndef CT_TOOLS_INSIDE_H
#define CT_TOOLS_INSIDE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <contain/contain.h>

struct address {
	char name[IF_NAMESIZE];
	/* AF_INET, AF_INET6; 0: an interface without addresses so far */
	int family;
	char text[INET6_ADDRSTRLEN]; /* "" for family 0 */
};

struct addresses {
	struct address *v;
	size_t n;
};

/* Interfaces and global addresses in the network namespace of the process that `pidfd` names, read
 * by a child that enters it. 0 or a negative errno; out->v is to be released with free(). */
int addresses_of(int pidfd, struct addresses *out);

/* What a running container uses: the counters of its cgroups. If these lack its memory, CPU time or
 * number of processes (for a user without delegated cgroups), the sum over the processes in the pid
 * namespace of `init` takes their place: proportional set sizes, without nested namespaces. 0 or a
 * negative errno; -EXDEV: there are no cgroups, and it shares our pid namespace. */
int use_of(ct_container *c, pid_t init, ct_usage *out);

#endif
