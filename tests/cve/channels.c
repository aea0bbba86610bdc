/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two sandboxes of one rootfs that is mounted read-only, one of which would tell the other a bit:
 * by names, locks, events, keys, the kernel's log. That the bit would be heard is seen where both
 * are in one container that nothing is taken from.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../root/cgroup-help.h"

struct channel {
	const char *name, *inode;
	bool seldom; /* not every kernel has it: the test of the test may be silent */
	bool mapped; /* also between two user namespaces */
};

enum kind { OPEN, USUAL, MAPPED_A, MAPPED_B };

static char word[32];

static ct_container *sandbox(enum kind kind)
{
	ct_container *c = must_open(NULL);

	assert_int_equal(box_config(c, "rootfs.readonly", "1", "mount.tmpfs", "/tmp", NULL), 0);
	if (kind == OPEN)
		assert_int_equal(box_config(c, "cap.drop", "wake_alarm", "seccomp.profile", "none",
					    "mount.auto", "proc:rw sys:rw", "limit.devices", "all",
					    NULL),
				 0);
	if (kind == MAPPED_A || kind == MAPPED_B)
		assert_int_equal(
			box_config(c, "idmap",
				   kind == MAPPED_A ? "u 0 100000 1000" : "u 0 200000 1000",
				   "idmap",
				   kind == MAPPED_A ? "g 0 100000 1000" : "g 0 200000 1000", NULL),
			0);
	return c;
}

/* The word goes out in one and is listened for in the other, or by an attach where `to` is NULL.
 * Whether it was heard. */
static bool heard(const struct channel *ch, ct_container *from, ct_container *to)
{
	const char *inode = ch->inode;
	struct talk t;
	char *out;
	bool r;

	talk_start(from, 0, ARGV("/bin/channel", "send", ch->name, word, inode), &t);
	if (to)
		out = said(to, NULL, ARGV("/bin/channel", "receive", ch->name, word, inode));
	else
		out = said_attached(from, NULL,
				    ARGV("/bin/channel", "receive", ch->name, word, inode));
	r = !strncmp(out, "heard", 5);
	if (!r && strncmp(out, "silent", 6))
		fail_msg("%s: the listener says %s", ch->name, out);
	print_message("# %s: sender: %.*s, listener: %.*s\n", ch->name, (int)strcspn(t.text, "\n"),
		      t.text, (int)strcspn(out, "\n"), out);
	free(out);
	close(t.in);
	t.in = -1;
	ct_process_wait(t.p, NULL, PATIENCE_MS);
	close(t.out);
	talk_note(&t, false);
	ct_process_unref(t.p);
	return r;
}

static bool between(const struct channel *ch, enum kind a, enum kind b)
{
	ct_container *from = sandbox(a), *to = sandbox(b);
	bool r = heard(ch, from, to);

	ct_unref(from);
	ct_unref(to);
	return r;
}

static void next_word(void)
{
	static unsigned n;

	snprintf(word, sizeof(word), "w%d",
		 1000000 + (int)(getpid() % 100000) * 100 + (int)(n++ % 100));
}

static void silent(const void *data)
{
	const struct channel *ch = data;
	ct_container *c = sandbox(OPEN);
	bool seen;

	next_word();
	seen = heard(ch, c, NULL);
	ct_unref(c);
	if (!seen && !ch->seldom)
		fail_msg("%s: nothing is heard within one container either", ch->name);
	next_word();
	if (between(ch, USUAL, USUAL))
		escape("%s carries a bit from one sandbox to another", ch->name);
	next_word();
	if (ch->mapped && between(ch, MAPPED_A, MAPPED_B))
		escape("%s carries a bit from one user namespace to another", ch->name);
}

/* What doc/HOSTILE-ROOT.md names as a channel: two sandboxes that see the same inode. */
static void known(const void *data)
{
	static const struct channel locks[] = { { "flock", "/bin/busybox", false, false },
						{ "posix-lock", "/bin/busybox", false, false },
						{ "inotify", "/bin/busybox", false, false },
						/* device nodes of the host */
						{ "flock", NULL, false, true } };

	bool carried;

	(void)data;
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		next_word();
		if (locks[i].mapped)
			carried = between(&locks[i], MAPPED_A, MAPPED_B);
		else
			carried = between(&locks[i], USUAL, USUAL);
		if (!carried)
			fail_msg("%s over one inode carries no bit: it is documented as a channel",
				 locks[i].name);
	}
}

static const struct channel all[] = {
	{ "abstract", NULL, false, true },     { "abstract-list", NULL, false, true },
	{ "tcp", NULL, false, true },	       { "vsock", NULL, true, false },
	{ "sysv-shm", NULL, false, true },     { "sysv-sem", NULL, false, true },
	{ "sysv-msg", NULL, false, true },     { "posix-mq", NULL, false, true },
	{ "mqueue-files", NULL, true, true },  { "dev-shm", NULL, false, true },
	{ "dev", NULL, false, true },	       { "hostname", NULL, false, true },
	{ "key-user", NULL, true, true },      { "key-persistent", NULL, true, true },
	{ "key-list", NULL, true, true },      { "flock", NULL, false, false },
	{ "posix-lock", NULL, false, false },  { "lock-list", NULL, false, true },
	{ "inotify", NULL, false, false },     { "dnotify", NULL, false, true },
	{ "process-list", NULL, false, true }, { "kernel-log", NULL, false, true },
	{ "terminals", NULL, false, true },
};

int main(void)
{
	static const struct cve_case cases[] = {
		{ "channel-abstract-socket", silent, &all[0] },
		{ "channel-abstract-list", silent, &all[1] },
		{ "channel-loopback", silent, &all[2] },
		{ "channel-vsock", silent, &all[3] },
		{ "channel-sysv-memory", silent, &all[4] },
		{ "channel-sysv-semaphores", silent, &all[5] },
		{ "channel-sysv-messages", silent, &all[6] },
		{ "channel-posix-queue", silent, &all[7] },
		{ "channel-queue-files", silent, &all[8] },
		{ "channel-dev-shm", silent, &all[9] },
		{ "channel-dev-files", silent, &all[10] },
		{ "channel-host-name", silent, &all[11] },
		{ "channel-user-keyring", silent, &all[12] },
		{ "channel-persistent-keyring", silent, &all[13] },
		{ "channel-key-list", silent, &all[14] },
		{ "channel-flock", silent, &all[15] },
		{ "channel-record-lock", silent, &all[16] },
		{ "channel-lock-list", silent, &all[17] },
		{ "channel-inotify", silent, &all[18] },
		{ "channel-dnotify", silent, &all[19] },
		{ "channel-process-list", silent, &all[20] },
		{ "channel-kernel-log", silent, &all[21] },
		{ "channel-terminal-numbers", silent, &all[22] },
		{ "channels-of-one-inode", known, NULL },
	};

	return cve_main("channels", cases, sizeof(cases) / sizeof(*cases));
}
