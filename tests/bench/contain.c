/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library, measured over its public header.
 *
 *   contain start PROFILE ROOTFS PROGRAM [RESIDENT-MIB]	start, run, reap; in process
 *   contain attach PROFILE ROOTFS PROGRAM			run a program in a container that waits; "pid" says its init
 *   contain detach PROFILE ROOTFS PROGRAM			start with a supervisor (the stop is not in the figure)
 *   contain plan PROFILE ROOTFS PROGRAM			prints the plan
 * Commands beside "run N": "alive N" keeps N containers that only wait, "pid", "supervisor" (private KiB of one).
 */
#include <contain/contain.h>

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define MAX_ALIVE 1024

struct job {
	const char *profile, *rootfs, *program;
	ct_new_opts where;
	ct_container *c;	/* used again for each round */
	ct_process *keep;	/* attach: the container's payload */
	ct_container *alive[MAX_ALIVE];
	ct_process *alive_process[MAX_ALIVE];
	int n_alive;
};

#define ok(c, call) ((call) < 0 ? die("contain: %s: %s", #call, ct_last_error(c)->message) : (void)0)

static ct_container *make(const struct job *j, const char *name)
{
	static const char *const small[][2] = {
		{ "namespace.clone", "mnt pid uts ipc" }, { "autodev", "0" }, { "mount.auto", "proc:rw" }, { NULL, NULL }
	};
	ct_container *c;

	if (ct_new(&c, name, &j->where) < 0)
		die("contain: ct_new failed");
	ok(c, ct_set_config(c, "rootfs.path", j->rootfs));
	if (strcmp(j->profile, "small") == 0)
		for (int i = 0; small[i][0]; i++)
			ok(c, ct_set_config(c, small[i][0], small[i][1]));
	else if (strcmp(j->profile, "default"))
		die("contain: unknown profile %s", j->profile);
	return c;
}

static void run(ct_container *c, const char *program, uint64_t flags, ct_process **out)
{
	const char *const argv[] = { program, NULL };
	ct_start_opts o = CT_START_OPTS_INIT;

	o.argv = argv;
	o.flags = flags;
	ok(c, ct_start(c, &o, out));
}

static void reap(ct_process *p)
{
	ct_exit ex = CT_EXIT_INIT;

	if (ct_process_wait(p, &ex, 30000) < 0 || ex.reason != CT_EXIT_EXITED || ex.code)
		die("contain: the program ended with reason %d, code %d", ex.reason, ex.code);
	ct_process_unref(p);
}

static uint64_t start_once(void *data)
{
	uint64_t begin = now_ns();
	struct job *j = data;
	ct_process *p;

	run(j->c, j->program, 0, &p);
	reap(p);
	return now_ns() - begin;
}

static uint64_t attach_once(void *data)
{
	uint64_t begin = now_ns();
	struct job *j = data;
	const char *const argv[] = { j->program, NULL };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p;

	o.argv = argv;
	ok(j->c, ct_attach(j->c, &o, &p));
	reap(p);
	return now_ns() - begin;
}

static uint64_t detach_once(void *data)
{
	uint64_t begin = now_ns(), end;
	struct job *j = data;

	run(j->c, "/bin/pause", CT_START_DETACH, NULL);
	end = now_ns();
	ok(j->c, ct_stop(j->c, CT_STOP_KILL, 10000));
	return end - begin;
}

/* Private memory of the parent of a detached container's init, which is the supervisor. */
static void print_supervisor(struct job *j)
{
	char path[64], line[256];
	long kib, sum = 0, parent = 0;
	FILE *f;

	run(j->c, "/bin/pause", CT_START_DETACH, NULL);
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
		if (sscanf(line, "Private_Clean: %ld", &kib) == 1 || sscanf(line, "Private_Dirty: %ld", &kib) == 1)
			sum += kib;
	fclose(f);
	ok(j->c, ct_stop(j->c, CT_STOP_KILL, 10000));
	printf("%ld", sum);
}

static void keep_alive(struct job *j, long n)
{
	if (n < 0 || n > MAX_ALIVE)
		die("contain: at most %d containers", MAX_ALIVE);
	for (; j->n_alive < n; j->n_alive++) {
		j->alive[j->n_alive] = make(j, NULL);
		run(j->alive[j->n_alive], "/bin/pause", 0, &j->alive_process[j->n_alive]);
	}
	while (j->n_alive > n) {
		j->n_alive--;
		ct_process_kill(j->alive_process[j->n_alive], 9);
		ct_process_wait(j->alive_process[j->n_alive], NULL, 10000);
		ct_process_unref(j->alive_process[j->n_alive]);
		ct_unref(j->alive[j->n_alive]);
	}
}

static void command(void *data, const char *word, long n)
{
	struct job *j = data;

	if (strcmp(word, "alive") == 0)
		keep_alive(j, n);
	else if (strcmp(word, "pid") == 0)
		printf("%d", (int)ct_init_pid(j->c));
	else if (strcmp(word, "supervisor") == 0)
		print_supervisor(j);
	else
		die("contain: no such command: %s", word);
}

/* Memory that the process really has, in pages of the small kind: the worst case for whatever copies page tables. */
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

static void print_plan(struct job *j)
{
	const char *const argv[] = { j->program, NULL };
	ct_start_opts o = CT_START_OPTS_INIT;
	char *text;

	o.argv = argv;
	ok(j->c, ct_dump_plan(j->c, &o, CT_FORMAT_TEXT, &text));
	printf("%s", text);
	ct_free(text);
}

/* Directories of our own, so that nothing of the machine's is looked at. */
static void own_directories(struct job *j, char *base)
{
	static char dir[512], state[512];

	if (!mkdtemp(base))
		die("contain: %s: %s", base, strerror(errno));
	snprintf(dir, sizeof(dir), "%s/containers", base);
	snprintf(state, sizeof(state), "%s/state", base);
	if (mkdir(dir, 0755) < 0 || mkdir(state, 0700) < 0)
		die("contain: %s: %s", base, strerror(errno));
	j->where.size = sizeof(j->where);
	j->where.dir = dir;
	j->where.state_dir = state;
}

static void remove_directories(const struct job *j, const char *base)
{
	rmdir(j->where.dir);
	rmdir(j->where.state_dir);
	rmdir(base);
}

int main(int argc, char **argv)
{
	static struct job j;
	struct bench b = { start_once, command, &j };
	const char *mode = argc > 1 ? argv[1] : "", *tmp = getenv("TMPDIR");
	char base[256];

	if (argc < 5)
		die("usage: contain start|attach|detach|plan PROFILE ROOTFS PROGRAM [RESIDENT-MIB]");
	snprintf(base, sizeof(base), "%s/ct-bench.XXXXXX", tmp ? tmp : "/tmp");
	j.profile = argv[2];
	j.rootfs = argv[3];
	j.program = argv[4];
	own_directories(&j, base);
	j.c = make(&j, strcmp(mode, "detach") ? NULL : "bench");
	if (argc > 5)
		be_resident(atol(argv[5]));
	if (strcmp(mode, "plan") == 0) {
		print_plan(&j);
	} else {
		if (strcmp(mode, "attach") == 0) {
			run(j.c, "/bin/pause", 0, &j.keep);
			b.once = attach_once;
		} else if (strcmp(mode, "detach") == 0) {
			b.once = detach_once;
		}
		bench_serve(&b);
	}
	keep_alive(&j, 0);
	ct_process_unref(j.keep);
	ct_unref(j.c);
	remove_directories(&j, base);
	return 0;
}
