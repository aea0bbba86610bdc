/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See floor-groups.h. */
#include "floor-groups.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor-steps.h"

bool floor_groups_line(struct floor_groups *g, char *line)
{
	char *save = line, *word = strsep(&save, " "), *first = strsep(&save, " ");
	struct floor_device d;

	if (!save)
		return false;
	if (!strcmp(word, "group") && g->n < FLOOR_GROUPS) {
		g->v[g->n].version = atoi(first);
		g->v[g->n++].path = save;
	} else if ((!strcmp(word, "set") || !strcmp(word, "try")) && g->n && g->n_writes < 64) {
		g->writes[g->n_writes++] = (struct floor_write){ g->n - 1, *word == 't', first,
								 save };
	} else if (!strcmp(word, "device") && g->n_devices < 64 &&
		   sscanf(save, "%d %d %d", &d.major, &d.minor, &d.access) == 3) {
		d.type = *first == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
		g->devices[g->n_devices++] = d;
	} else {
		return false;
	}
	return true;
}

/* ---- devices of version 2 -------------------------------------------------------------------- */

#define INSN(op, dst_, src_, off_, imm_)                                                    \
	(struct bpf_insn)                                                                   \
	{                                                                                   \
		.code = (op), .dst_reg = (dst_), .src_reg = (src_), .off = (int16_t)(off_), \
		.imm = (imm_)                                                               \
	}
#define LOAD(dst, field) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, dst, 1, offsetof(struct bpf_cgroup_dev_ctx, field), 0)

enum { TYPE = 2, ACCESS, MAJOR, MINOR };

static int answer(struct bpf_insn *v, int n, int is)
{
	v[n++] = INSN(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, is);
	v[n++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return n;
}

/* All devices of one type, each compared in turn. Returns the number of instructions then. */
static int assemble_type(const struct floor_groups *g, int type, struct bpf_insn *v, int n)
{
	int begin = n++;

	for (const struct floor_device *d = g->devices; d < g->devices + g->n_devices; d++) {
		int past = 3 + (d->major >= 0) + (d->minor >= 0); /* this one's instructions */

		if (d->type != type)
			continue;
		if (d->major >= 0)
			v[n++] = INSN(BPF_JMP32 | BPF_JNE | BPF_K, MAJOR, 0, --past, d->major);
		if (d->minor >= 0)
			v[n++] = INSN(BPF_JMP32 | BPF_JNE | BPF_K, MINOR, 0, --past, d->minor);
		v[n++] = INSN(BPF_JMP | BPF_JSET | BPF_K, ACCESS, 0, --past, 0xffff & ~d->access);
		n = answer(v, n, 1);
	}
	n = answer(v, n, 0);
	v[begin] = INSN(BPF_JMP32 | BPF_JNE | BPF_K, TYPE, 0, n - begin - 1, type);
	return n;
}

/* Returns the number of instructions. */
static int assemble(const struct floor_groups *g, struct bpf_insn *v)
{
	int n = 0;

	v[n++] = LOAD(TYPE, access_type);
	v[n++] = INSN(BPF_ALU | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
	v[n++] = INSN(BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	v[n++] = INSN(BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	v[n++] = LOAD(MAJOR, major);
	v[n++] = LOAD(MINOR, minor);
	n = assemble_type(g, BPF_DEVCG_DEV_CHAR, v, n);
	n = assemble_type(g, BPF_DEVCG_DEV_BLOCK, v, n);
	return answer(v, n, 0);
}

static void restrict_devices(const struct floor_groups *g, int dir)
{
	static const char licence[] = "LGPL-2.1-or-later";
	struct bpf_insn v[64 * 5 + 16];
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)v;
	attr.insn_cnt = (uint32_t)assemble(g, v);
	attr.license = (uint64_t)(uintptr_t)licence;
	fd = must(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)));
	close((int)fd);
}

/* ---- directories and files ------------------------------------------------------------------- */

static const char *path_of(const struct floor_groups *g, int i, int number, char buf[512])
{
	snprintf(buf, 512, "%s.%d", g->v[i].path, number);
	return buf;
}

static void put(int dir, const char *file, const char *value, bool if_there)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && if_there)
		return;
	must(fd);
	must(write(fd, value, strlen(value)));
	close(fd);
}

void floor_groups_make(const struct floor_groups *g, int number, int fd[FLOOR_GROUPS])
{
	char path[512];

	for (int i = 0; i < g->n; i++) {
		must(mkdir(path_of(g, i, number, path), 0755));
		fd[i] = (int)must(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
		if (g->v[i].version == 2 && g->n_devices)
			restrict_devices(g, fd[i]);
	}
	for (int i = 0; i < g->n_writes; i++)
		put(fd[g->writes[i].group], g->writes[i].file, g->writes[i].value,
		    g->writes[i].if_there);
}

int floor_groups_into(const struct floor_groups *g, const int fd[FLOOR_GROUPS])
{
	for (int i = 0; i < g->n; i++)
		if (g->v[i].version == 2)
			return fd[i];
	return -1;
}

void floor_groups_enter(const struct floor_groups *g, const int fd[FLOOR_GROUPS])
{
	for (int i = 0; i < g->n; i++)
		if (g->v[i].version == 1)
			put(fd[i], "cgroup.procs", "0", false);
}

void floor_groups_close(const struct floor_groups *g, const int fd[FLOOR_GROUPS])
{
	for (int i = 0; i < g->n; i++)
		close(fd[i]);
}

void floor_groups_remove(const struct floor_groups *g, int number)
{
	char path[512];

	for (int i = 0; i < g->n; i++)
		must(rmdir(path_of(g, i, number, path)));
}
