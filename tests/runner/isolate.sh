#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the run's own mount namespace: puts the fresh directories in place, then goes on with
# the command given.
set -eu
# Trees that stand below /tmp are kept visible at their own place.
while read -r d; do
	[ -n "$d" ] || continue
	mkdir -p "$CT_TESTS_ISOLATED$d"
	mount --bind "$d" "$CT_TESTS_ISOLATED$d"
done <<<"$CT_TESTS_KEEP"
for d in /run/libcontain /var/lib/libcontain; do
	mount -t tmpfs -o mode=755 ct-tests "$d"
done
mount --rbind "$CT_TESTS_ISOLATED/tmp" /tmp
cd "$CT_TESTS_TOP"
unset CT_TESTS_TOP CT_TESTS_KEEP
# Names of the tests tell of their process: two runs shall not have the same ones.
[ -w /proc/sys/kernel/ns_last_pid ] &&
	echo $((1000 + (RANDOM * 32768 + RANDOM) % ($(cat /proc/sys/kernel/pid_max) - 2000))) \
		>/proc/sys/kernel/ns_last_pid || :
exec "$@"
