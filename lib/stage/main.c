/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stage, executed from a sealed memfd. Its descriptors: 0-2 the payload's, 3 the report socket,
 * 4 the keeper's socket, 5.. the inputs, and last the message's file. argv[1] is the number of that
 * file; where it is 3, the message is the first packet of the report socket. argv[2] and argv[3]
 * are optional: the caller's inheritable and ambient capabilities.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "shared/weak.h"
#include "stage/step/steps.h"

/* Whether the message is sealed: after the check it must not change, nor shrink under the mapping.
 * */
static int is_sealed(int fd)
{
	const int need = 0x2 | 0x4 | 0x8; /* F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE */
	long seals = sys3(SYS_fcntl, fd, 1034 /* F_GET_SEALS */, 0);

	return seals >= 0 && (seals & need) == need;
}

#define PAGE 4096u

/* What is reported when the stage cannot begin. */
struct trouble {
	int sys; /* system call, 0: none */
	const char *why;
};

/* Receives the first packet of the report socket into *msg, memory of the program itself: a mapping
 * would be one more for each fork to copy. Its size, or a negative errno with *t. */
static ssize_t receive_message(struct stage *st, int sock, void **msg, struct trouble *t)
{
	static STAGE_LARGE char memory[CT_WIRE_PACKET + PAGE];

	/* from the beginning of a page on, so that a reaper can give all of it back */
	*msg = st->packet = memory + (-(uintptr_t)memory & (PAGE - 1));
	*t = (struct trouble){ SYS_recvfrom, "the plan's message is not in the socket" };
	return sys_call(SYS_recvfrom, sock, (long)*msg, CT_WIRE_PACKET, MSG_DONTWAIT, 0, 0);
}

/* A sealed file, mapped. Its size, or a negative errno with *t. */
static ssize_t map_message(int fd, void **msg, struct trouble *t)
{
	struct stat sb;
	int err;

	*t = (struct trouble){ SYS_fcntl, "the plan's message is not a sealed memfd" };
	if (!is_sealed(fd))
		return -EBADMSG;
	*t = (struct trouble){ SYS_fstat, "the plan's message is too large or too small" };
	err = sys_fstat(fd, &sb);
	if (err)
		return err;
	if (sb.st_size < (off_t)sizeof(struct ct_wire_head) || sb.st_size > (off_t)CT_WIRE_MAX)
		return -EBADMSG;
	*msg = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	*t = (struct trouble){ SYS_mmap, "the plan's message cannot be mapped" };
	if (*msg == MAP_FAILED)
		return -errno;
	return (ssize_t)sb.st_size;
}

/* Takes and checks the message. 0 or a negative errno with *t. */
static int read_message(struct stage *st, int fd, struct trouble *t)
{
	void *msg = NULL;
	ssize_t size;

	if (fd == CT_STAGE_REPORT_FD)
		size = receive_message(st, fd, &msg, t);
	else
		size = map_message(fd, &msg, t);
	if (size < 0)
		return (int)size;
	*t = (struct trouble){ 0, "the plan's message cannot be understood" };
	return stage_decode(msg, (size_t)size, st);
}

/* Fills the slots of the inputs. All descriptors above the standard ones become close-on-exec;
 * those above the inputs are closed. 0 or a negative errno. */
static int take_descriptors(struct stage *st)
{
	unsigned end = CT_STAGE_INPUT_FD + st->head->n_inputs;
	int err;

	memset(st->slot, 0xff, st->head->n_slots * sizeof(st->slot[0]));
	for (uint32_t i = 0; i < st->head->n_inputs; i++)
		st->slot[i] = CT_STAGE_INPUT_FD + (int)i;
	err = sys_close_range(CT_STAGE_REPORT_FD, end - 1, K_CLOSE_RANGE_CLOEXEC);
	if (err || ct_weak(CT_WEAK_DESCRIPTORS))
		return err;
	return sys_close_range(end, ~0u, 0);
}

/* Restores the caller's inheritable and ambient capabilities. 0 or a negative errno. */
static int take_caps(const char *inheritable, const char *ambient)
{
	uint64_t inh, amb;
	int err = str_u64(inheritable, UINT64_MAX, &inh);

	if (!err)
		err = str_u64(ambient, UINT64_MAX, &amb);
	if (err)
		return err;
	return caps_restore(inh, amb);
}

/* Takes arguments, message and descriptors. 0 or a negative errno with *t. */
static int begin(struct stage *st, int argc, char **argv, struct trouble *t)
{
	uint64_t fd;
	int err;

	*t = (struct trouble){ 0, "the stage was not called by its library" };
	if (argc != 2 && argc != 4)
		return -EINVAL;
	st->title = argv[0];
	err = str_u64(argv[1], CT_STAGE_INPUT_FD + CT_WIRE_INPUTS, &fd);
	if (err)
		return err;
	if (argc == 4) {
		*t = (struct trouble){ SYS_capset,
				       "the caller's capabilities cannot be given back" };
		err = take_caps(argv[2], argv[3]);
		if (err)
			return err;
	}
	err = read_message(st, (int)fd, t);
	if (err)
		return err;
	*t = (struct trouble){ SYS_close_range, "the stage's descriptors cannot be taken" };
	return take_descriptors(st);
}

int main(int argc, char **argv)
{
	static struct stage stage; /* its only copy */
	struct stage *st = &stage;
	struct trouble t = { SYS_prctl, "the stage could be looked at by others" };
	int err = sys_prctl(K_PR_SET_DUMPABLE, ct_weak(CT_WEAK_DUMPABLE), 0, 0);

	signals_block();
	signal_default(SIGCHLD);
	st->umask = (uint32_t)sys1(SYS_umask, 0);
	st->report_fd = CT_STAGE_REPORT_FD;
	st->keep_fd = CT_STAGE_KEEP_FD;
	st->init_pidfd = -1;
	st->current = CT_STEP_NONE;
	if (!err)
		err = begin(st, argc, argv, &t);
	if (err) {
		report_error(st, err, t.sys, NULL, t.why);
		sys_exit(127);
	}
	switch (st->head->mode) {
	case CT_MODE_SUPERVISE:
		signals_reset();
		supervise(st);
	case CT_MODE_HOOKS:
		err = stage_hooks(st);
		break;
	default:
		err = stage_launch(st);
	}
	if (err < 0)
		sys_exit(127);
	sys_exit(0);
}
