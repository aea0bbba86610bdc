/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library, measured over its public header.
 *
 *   contain start PROFILE ROOTFS PROGRAM [RESIDENT-MIB]        start, run, reap; in process
 *   contain attach PROFILE ROOTFS PROGRAM                      run a program in a container that
 *                                                              waits; "pid" says its init
 *   contain detach PROFILE ROOTFS PROGRAM                      start with a supervisor (the stop is
 *                                                              not in the figure)
 *   contain plan PROFILE ROOTFS PROGRAM                        prints the plan
 *   contain filter PROFILE ROOTFS PROGRAM FILE                 writes the filter there that a
 *                                                              container runs under
 * Commands beside "run N": "alive N" keeps N containers that only wait, "pid", "supervisor"
 * (private KiB of one).
 */
#include <errno.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "job.h"

#define MAX_ALIVE 1024

struct bench_job {
	struct job job;
	ct_container *c;  /* used again for each round */
	ct_process *keep; /* attach: the container's payload */
	ct_container *alive[MAX_ALIVE];
	ct_process *alive_process[MAX_ALIVE];
	unsigned n_alive;
};

static uint64_t start_once(void *data)
{
	uint64_t begin = now_ns();
	struct bench_job *j = data;
	ct_process *p;

	job_run(j->c, j->job.program, 0, &p);
	job_reap(p);
	return now_ns() - begin;
}

static uint64_t attach_once(void *data)
{
	uint64_t begin = now_ns();
	struct bench_job *j = data;
	const char *const argv[] = { j->job.program, NULL };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p;

	o.argv = argv;
	ok(j->c, ct_attach(j->c, &o, &p));
	job_reap(p);
	return now_ns() - begin;
}

static uint64_t detach_once(void *data)
{
	uint64_t begin = now_ns(), end;
	struct bench_job *j = data;

	job_run(j->c, "/bin/pause", CT_START_DETACH, NULL);
	end = now_ns();
	ok(j->c, ct_stop(j->c, CT_STOP_KILL, 10000));
	return end - begin;
}

/* Private memory of the parent of a detached container's init, which is the supervisor. */
static void print_supervisor(struct bench_job *j)
{
	char path[64], line[256];
	long kib, sum = 0, parent = 0;
	FILE *f;

	job_run(j->c, "/bin/pause", CT_START_DETACH, NULL);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)ct_init_pid(j->c));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "PPid: %ld", &parent);
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", parent);
	f = fopen(path, "re");
	if (!f)
		die("contain: %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Clean: %ld", &kib) == 1 ||
		    sscanf(line, "Private_Dirty: %ld", &kib) == 1)
			sum += kib;
	fclose(f);
	ok(j->c, ct_stop(j->c, CT_STOP_KILL, 10000));
	printf("%ld", sum);
}

static void keep_alive(struct bench_job *j, long n)
{
	if (n < 0 || n > MAX_ALIVE)
		die("contain: at most %d containers", MAX_ALIVE);
	for (; j->n_alive < (unsigned)n; j->n_alive++) {
		j->alive[j->n_alive] = job_make(&j->job, NULL);
		job_run(j->alive[j->n_alive], "/bin/pause", 0, &j->alive_process[j->n_alive]);
	}
	for (; j->n_alive > (unsigned)n; j->n_alive--)
		job_kill(j->alive[j->n_alive - 1], j->alive_process[j->n_alive - 1]);
}

static void command(void *data, const char *word, long n)
{
	struct bench_job *j = data;

	if (strcmp(word, "alive") == 0)
		keep_alive(j, n);
	else if (strcmp(word, "pid") == 0)
		printf("%d", (int)ct_init_pid(j->c));
	else if (strcmp(word, "supervisor") == 0)
		print_supervisor(j);
	else
		die("contain: no such command: %s", word);
}

/* Memory that the process really has, in pages of the small kind: the worst case for whatever
 * copies page tables. */
static void *be_resident(long mib)
{
	size_t n = (size_t)mib << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("contain: %ld MiB: %s", mib, strerror(errno));
	madvise(p, n, MADV_NOHUGEPAGE);
	memset(p, 1, n);
	return p;
}

static void print_plan(struct bench_job *j)
{
	const char *const argv[] = { j->job.program, NULL };
	ct_start_opts o = CT_START_OPTS_INIT;
	char *text;

	o.argv = argv;
	ok(j->c, ct_dump_plan(j->c, &o, CT_FORMAT_TEXT, &text));
	printf("%s", text);
	ct_free(text);
}

/* The kernel's own copy of the newest filter of a payload. */
static void write_filter(struct bench_job *j, const char *file)
{
	static struct sock_filter code[BPF_MAXINSNS];
	ct_process *p;
	FILE *f;
	pid_t pid;
	long n;

	ok(j->c, ct_set_config(j->c, "init.reaper", "0"));
	job_run(j->c, "/bin/pause", 0, &p);
	pid = ct_init_pid(j->c);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    waitpid(pid, NULL, __WALL) != pid)
		die("contain: init cannot be traced: %s", strerror(errno));
	n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, code);
	if (n <= 0)
		die("contain: the kernel does not tell the filter: %s", strerror(errno));
	f = fopen(file, "we");
	if (!f || fwrite(code, sizeof(*code), (size_t)n, f) != (size_t)n || fclose(f))
		die("contain: %s: %s", file, strerror(errno));
	ptrace(PTRACE_DETACH, pid, 0, 0);
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, 10000);
	ct_process_unref(p);
}

int main(int argc, char **argv)
{
	static struct bench_job j;
	struct bench b = { start_once, command, &j };
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc < 5)
		die("usage: contain start|attach|detach|plan|filter PROFILE ROOTFS PROGRAM "
		    "[RESIDENT-MIB|FILE]");
	job_begin(&j.job, argv[2], argv[3], argv[4]);
	j.c = job_make(&j.job, strcmp(mode, "detach") ? NULL : "bench");
	if (argc > 5 && strcmp(mode, "filter") == 0) {
		write_filter(&j, argv[5]);
		ct_unref(j.c);
		job_end(&j.job);
		return 0;
	}
	if (argc > 5)
		be_resident(atol(argv[5]));
	if (strcmp(mode, "plan") == 0) {
		print_plan(&j);
	} else {
		if (strcmp(mode, "attach") == 0) {
			job_run(j.c, "/bin/pause", 0, &j.keep);
			b.once = attach_once;
		} else if (strcmp(mode, "detach") == 0) {
			b.once = detach_once;
		}
		bench_serve(&b);
	}
	keep_alive(&j, 0);
	ct_process_unref(j.keep);
	ct_unref(j.c);
	job_end(&j.job);
	return 0;
}
