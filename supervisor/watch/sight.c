/* One look at a tree: a snapshot, its proof, and the finding that comes of it. */
#include <string.h>

#include "watch/sight.h"

/* ---- whom the run waits for ---- */

static bool has_test_above(const struct snapshot *s, const struct process *p)
{
	for (size_t depth = 0; depth < s->nprocs; depth++) {
		p = snapshot_process(s, p->ppid);
		if (!p)
			return false;
		if (p->test)
			return true;
	}
	return false;
}

/** The command itself, and the topmost process of each line that runs a test: forked children carry stale copies of its name. */
static void find_focus(const struct snapshot *s, pid_vec *out)
{
	vec_push(out, s->root);
	for (size_t i = 0; i < s->nprocs; i++)
		if (s->procs[i].test && s->procs[i].pid != s->root && !has_test_above(s, &s->procs[i]))
			vec_push(out, s->procs[i].pid);
}

static bool main_thread_stuck(const struct snapshot *s, const struct proof *proof, pid_t pid)
{
	const struct task *t = snapshot_task(s, pid);

	return t && proof->fates[t - s->tasks].stuck;
}

static bool focus_stuck(const struct snapshot *s, const struct proof *proof, const pid_vec *focus)
{
	if (proof->root_stuck)
		return true;
	for (size_t i = 0; i < focus->n; i++)
		if (main_thread_stuck(s, proof, focus->at[i]))
			return true;
	return false;
}

/* ---- one look: a snapshot and what follows from it ---- */

void sight_free(struct sight *sight)
{
	snapshot_free(sight->snapshot);
	proof_free(sight->proof);
	vec_free(&sight->focus);
	*sight = (struct sight){0};
}

void sight_prove(struct sight *sight, int64_t horizon_ns, bool without_service)
{
	sight->proven_by = (struct prove_options){.horizon_ns = horizon_ns, .without_service = without_service};
	proof_free(sight->proof);
	sight->proof = prove(sight->snapshot, &sight->proven_by);
}

/** Whose the alarms of the machine are, nobody tells who was not there when they were armed: with one that could be the tree's none
 *  is known. */
static void doubt_alarms(struct snapshot *s)
{
	for (size_t i = 0; i < s->nprocs; i++) {
		if (s->procs[i].alarm_ns == NEVER_NS)
			continue;
		s->alarms_known = false;
		s->procs[i].alarm_ns = NEVER_NS;
	}
}

int sight_take(struct run *r, struct sight *sight, int64_t now_ns, int64_t horizon_ns, bool tests)
{
	struct err err = {0};
	int rc = observe_snapshot(r->observe, now_ns, &sight->snapshot, &err);

	if (rc)
		return rc;
	if (r->launch) {
		heard_drain(r);
		heard_alarms(r, sight->snapshot, now_ns);
	} else {
		doubt_alarms(sight->snapshot);
	}
	sight_prove(sight, horizon_ns, false);
	if (tests)
		observe_tests(r->observe, sight->snapshot);
	find_focus(sight->snapshot, &sight->focus);
	return 0;
}

/** Short of a proof, the tests that are under way count as well: one of them may be stuck while the command is not. A local deadlock
 *  may be hidden by a thread that serves one descriptor and could, for all that /proc tells, read any. */
void sight_widen(struct run *r, struct sight *sight)
{
	observe_tests(r->observe, sight->snapshot);
	sight->focus.n = 0;
	find_focus(sight->snapshot, &sight->focus);
	if (focus_stuck(sight->snapshot, sight->proof, &sight->focus))
		return;
	stacks_look_tests(r, sight->snapshot);
	prove_serving(sight->snapshot);
	sight_prove(sight, r->opt->horizon_ns, true);
}

static bool waits_for_human(const struct snapshot *s, const struct wait *w)
{
	for (size_t i = 0; w->op == WAIT_FDS && i < w->non; i++) {
		const struct object *o = w->on[i].object >= 0 ? &s->objects[w->on[i].object] : NULL;

		if (!o || o->kind != OBJECT_PTY || !(w->on[i].way & END_READ) || strncmp(o->name, "/dev/", 5) != 0)
			continue;
		if (o->outside || o->peer < 0 || s->objects[o->peer].outside)
			return true;
	}
	return false;
}

bool sight_prompts(const struct sight *sight)
{
	for (size_t i = 0; i < sight->snapshot->ntasks; i++)
		if (waits_for_human(sight->snapshot, &sight->snapshot->tasks[i].wait))
			return true;
	return false;
}

/* ---- findings ---- */

bool sight_provable(const struct run *r, const struct sight *sight)
{
	const struct proof *p = sight->proof;

	return p->whole && p->root_stuck && !prove_soft(r->opt->assume, p->assumptions);
}

/** The report is about the command when that is stuck, else about the tests that are. */
static void find_stuck(const struct sight *sight, pid_vec *out)
{
	out->n = 0;
	if (sight->proof->root_stuck)
		vec_push(out, sight->snapshot->root);
	for (size_t i = 0; i < sight->focus.n && !sight->proof->root_stuck; i++)
		if (main_thread_stuck(sight->snapshot, sight->proof, sight->focus.at[i]))
			vec_push(out, sight->focus.at[i]);
}

struct finding *sight_find(struct run *r, struct sight *sight, enum certainty certainty)
{
	struct snapshot *s = sight->snapshot;
	pid_vec stuck = {0};
	struct finding *f;

	observe_tests(r->observe, s);
	find_stuck(sight, &stuck);
	f = explain(s, sight->proof, stuck.at, stuck.n, certainty);
	/* once more, with what their own memory tells of locks and stacks */
	if (f && stacks_look(r, s, f)) {
		prove_owners(s);
		sight_prove(sight, sight->proven_by.horizon_ns, sight->proven_by.without_service);
		find_stuck(sight, &stuck);
		finding_free(f);
		f = certainty == PROVEN && !sight_provable(r, sight) ? NULL : explain(s, sight->proof, stuck.at, stuck.n, certainty);
	}
	vec_free(&stuck);
	if (f)
		f->detected_ns = sys_monotonic_ns();
	return f;
}
