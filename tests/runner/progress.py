# SPDX-License-Identifier: LGPL-2.1-or-later
"""
When a test program has to be ended: not when it has taken long, which a slow or busy machine makes
it do, but when it gets nowhere. Output is progress. Without output it may use processor time, up to
its limit: who spins has used that up soon. Who waits and uses nearly none is ended after QUIET
seconds. The last resort is a total of many times the limit.
"""
import os
import time

import sentinel

TICKS = os.sysconf("SC_CLK_TCK")
QUIET = 120         # seconds without output in which a program must have used
SHARE = 0.01        # ... this part of a processor
LAST_RESORT = 20    # times the limit


def cpu_below(pid):
    """Seconds of processor time that the process, all below it and all of them that
    have ended have used."""
    total = 0
    for p in [pid, *sentinel.below(pid)]:
        fields = sentinel.read(f"/proc/{p}/stat").rpartition(")")[2].split()
        total += sum(int(n) for n in fields[11:15])
    return total / TICKS


class Progress:
    """Of one program with a limit in seconds: of processor time between two pieces of output."""

    def __init__(self, pid, limit, slow):
        self.pid, self.limit, self.quiet = pid, limit, max(QUIET * slow, limit / 4)
        self.began = time.monotonic()
        # of the output, and the time used when it last grew
        self.size, self.heard_cpu = 0, 0.0
        self.window_at, self.window_cpu = self.began, 0.0

    def verdict(self, size):
        """Looks once, with this much output so far: "" or why it has to end."""
        now, cpu = time.monotonic(), cpu_below(self.pid)
        if size > self.size:
            self.size, self.heard_cpu = size, cpu
            self.window_at, self.window_cpu = now, cpu
        if cpu - self.window_cpu >= self.quiet * SHARE:
            self.window_at, self.window_cpu = now, cpu
        if now - self.window_at > self.quiet:
            return f"no progress: no output and no processor time used for {self.quiet:.0f} s"
        if cpu - self.heard_cpu > self.limit:
            return f"no progress: no output in {self.limit:.0f} s of processor time"
        if now - self.began > self.limit * LAST_RESORT:
            return f"took more than {self.limit * LAST_RESORT:.0f} s"
        return ""
