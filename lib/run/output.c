/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

int ct_output_begin(struct ct_output *o, uint64_t limit, int stdio[3], int ends[2], struct ct_err *e)
{
	o->limit = limit;
	for (int i = 0; i < 2; i++) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0)
			return ct_fail_sys(e, -errno, CT_ERR_DESCRIPTOR, "start", "pipe2", "no pipe for limit.output");
		o->from[i] = pair[0];
		ends[i] = pair[1];
		if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
			return ct_fail_sys(e, -errno, CT_ERR_DESCRIPTOR, "start", "pipe2", "no pipe for limit.output");
		o->to[i] = stdio[i + 1] >= 0 ? ct_dup(stdio[i + 1]) : -1;
		/* one that is not open is /dev/null */
		if (stdio[i + 1] >= 0 && o->to[i] < 0 && o->to[i] != -EBADF)
			return ct_fail_sys(e, o->to[i], CT_ERR_DESCRIPTOR, "start", "fcntl", "no copy of the payload's output for limit.output");
		stdio[i + 1] = pair[1];
	}
	return 0;
}

int ct_output_pump(struct ct_output *o)
{
	char buf[16384];
	int over = 0;

	for (int i = 0; i < 2; i++) {
		ssize_t n;

		while (o->from[i] >= 0 && (n = read(o->from[i], buf, sizeof(buf))) != 0) {
			uint64_t room = o->limit > o->passed ? o->limit - o->passed : 0;
			size_t pass;

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				break;
			pass = (uint64_t)n > room ? (size_t)room : (size_t)n;
			over |= o->passed <= o->limit && (uint64_t)n > room;
			o->passed += (uint64_t)n;
			/* a sink that does not take it is the caller's business: the bytes are gone as with a closed pipe */
			if (pass && o->to[i] >= 0)
				ct_write_all(o->to[i], buf, pass);
		}
	}
	return over;
}

int ct_output_over(const struct ct_output *o)
{
	return o->limit && o->passed > o->limit;
}

void ct_output_end(struct ct_output *o)
{
	for (int i = 0; i < 2; i++) {
		ct_close(&o->from[i]);
		ct_close(&o->to[i]);
	}
}
