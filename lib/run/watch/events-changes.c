/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has changed since the poll before: counters, the freezer, whether processes are left; and
 * what is reported when a run has ended. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "run/watch/events.h"
#include "shared/figure.h"

/* ---- counters -------------------------------------------------------------------------------- */

#define ROW(field, version, controller, file, how, key) \
	CT_FIGURE(struct ct_ev_counts, field, version, CT_CG_##controller, file, how, key, 1)
static const struct ct_figure rows[] = {
	ROW(kills, 1, MEMORY, "memory.oom_control", TREE, "oom_kill"),
	ROW(refused, 1, PIDS, "pids.events", TREE, "max"),
	ROW(high, 2, MEMORY, "memory.events", LINE, "high"),
	ROW(oom, 2, MEMORY, "memory.events", LINE, "oom"),
	ROW(kills, 2, MEMORY, "memory.events", LINE, "oom_kill"),
	ROW(refused, 2, PIDS, "pids.events", TREE, "max"),
};
#undef ROW

static void read_counts(const struct ct_cgroups_held *h, struct ct_ev_counts *out)
{
	struct ct_figures s = { rows, sizeof(rows) / sizeof(*rows), ~(uint32_t)0, out };

	memset(out, 0xff, sizeof(*out));
	for (uint8_t version = 1; version <= 2; version++)
		for (uint32_t i = 0; i < h->n; i++)
			if (h->v[i].version == version)
				ct_figures_add(&s, version, h->v[i].controllers, h->v[i].fd);
}

/* How many more than before; 0 also for a sum over cgroups below of which one was removed. */
static uint64_t more_than(uint64_t *seen, uint64_t now)
{
	uint64_t n;

	if (now == CT_ABSENT)
		return 0;
	n = ct_since(now, *seen);
	*seen = now;
	return n;
}

/* Reads version 1's eventfd. The removal of the cgroup counts as one, too, but not at once: what a
 * single one stands for only the verdict can tell. */
static uint64_t take_oom(struct ct_ev_run *run)
{
	const struct ct_cg_group *g = ct_cg_group_of(&run->groups, CT_CG_MEMORY);
	uint64_t n = 0;

	if (run->oom < 0 || read(run->oom, &n, sizeof(n)) != sizeof(n))
		return 0;
	if (g && faccessat(g->fd, "memory.oom_control", F_OK, 0) == 0)
		return n;
	run->oom_unsure = n == 1;
	return n - 1;
}

static void read_memory_and_pids(struct ct_ev_run *run, struct ct_ev_changes *n)
{
	struct ct_ev_counts now;

	read_counts(&run->groups, &now);
	n->high = more_than(&run->seen.high, now.high);
	n->refused = more_than(&run->seen.refused, now.refused);
	n->oom = more_than(&run->seen.oom, now.oom);
	n->kills = more_than(&run->seen.kills, now.kills);
	if (run->oom < 0)
		return;
	n->oom += take_oom(run);
	run->kill_due = !n->kills && (run->kill_due || n->oom);
	n->again |= run->kill_due;
}

static void read_freezer(struct ct_ev_run *run, struct ct_ev_changes *n)
{
	const struct ct_cg_group *g = ct_cg_group_of(&run->groups, CT_CG_FREEZER);
	bool frozen = g && ct_cg_version_of(g->version)->frozen(g) == 1;
	char state[32];

	if (frozen && !run->frozen)
		n->freezer = CT_EVENT_FROZEN;
	if (!frozen && run->frozen)
		n->freezer = CT_EVENT_THAWED;
	run->frozen = frozen;
	/* version 1 notifies of the write, not of the state that it leads to */
	if (g && g->version == 1 && ct_cg_read(g->fd, "freezer.state", state, sizeof(state)) > 0)
		n->again |= !strcmp(state, "FREEZING");
}

/* Reports that no process is left, but not between two boots, when there is none, either. */
static void read_empty(struct ct_ev_run *run, const struct ct_state_file *st,
		       struct ct_ev_changes *n)
{
	const struct ct_cg_group *g = ct_cg_whole(&run->groups);

	if (!g || run->empty ||
	    (st && (!st->verdict.reason || st->verdict.reason == CT_EXIT_REBOOT)) ||
	    ct_cg_version_of(g->version)->populated(g))
		return;
	n->empty = run->empty = true;
}

void ct_ev_read_changes(struct ct_events *ev, const struct ct_state_file *st,
			struct ct_ev_changes *n)
{
	for (int i = 0; i < CT_EV_RESOURCES; i++)
		n->pressure[i] = ct_ev_pressed(ev, i);
	read_memory_and_pids(&ev->run, n);
	read_freezer(&ev->run, n);
	read_empty(&ev->run, st, n);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The cgroups are removed with the container. What could no longer be read there is in the verdict:
 * `kills` (or CT_ABSENT) and `reason`. A detached container that is not defined leaves no verdict:
 * a late poll misses what happened in its last moment, but not the end. */
static void add_from_verdict(struct ct_ev_run *run, uint64_t kills, int reason,
			     struct ct_ev_changes *n)
{
	if (kills == CT_ABSENT && reason == CT_EXIT_MEMORY && !run->seen.kills)
		kills = 1;
	n->kills += more_than(&run->seen.kills, kills);
	if (reason == CT_EXIT_PIDS && !run->seen.refused)
		n->refused += more_than(&run->seen.refused, 1);
}

/* The verdict of an in-process run, if a call has waited for it. 0; or -EBUSY: a thread is just
 * making it final, and until then the pidfd keeps the descriptor readable. */
static int add_from_process(struct ct_ev_run *run, struct ct_ev_changes *n)
{
	struct ct_process *p = run->p;

	if (pthread_mutex_trylock(&p->lock))
		return -EBUSY;
	if (ct_process_done(p))
		add_from_verdict(run, p->verdict.tree.oom_kills, p->verdict.reason, n);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

/* Processes that shared the cgroup with an init without a pid namespace may still be in it. By the
 * list of processes, as with version 1: newer kernels set the flag of version 2 after the end. */
static void read_empty_at_end(struct ct_ev_run *run, struct ct_ev_changes *n)
{
	const struct ct_cg_group *g = ct_cg_whole(&run->groups);

	if (!g || run->empty || ct_cg_version_of(1)->populated(g))
		return;
	n->empty = run->empty = true;
}

int ct_ev_end_run(struct ct_events *ev, const struct ct_state_file *st, struct ct_ev_changes *n)
{
	struct ct_ev_run *run = &ev->run;

	if (run->kind == CT_EV_IN_PROCESS && add_from_process(run, n) < 0)
		return -EBUSY;
	if (st)
		add_from_verdict(run, CT_ABSENT, st->verdict.reason, n);
	if (run->oom_unsure && n->kills && !n->oom)
		n->oom = 1;
	read_empty_at_end(run, n);
	n->exited = true;
	n->again = false;
	ev->past[run->kind] = run->id;
	ct_ev_release(ev);
	return 0;
}
