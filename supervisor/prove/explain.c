/* Why the stuck set is stuck: kind, culprits, chain and evidence. */
#include "prove/explain.h"

static struct explaining explain_open(const struct snapshot *s, const struct proof *p)
{
	struct arena *scratch = arena_new();
	struct explaining x = {.s = s, .p = p, .w = world_make(s, scratch), .scratch = scratch};

	must(p->ntasks == s->ntasks);
	x.opened = arena_array(scratch, s->nobjects, sizeof *x.opened);
	return x;
}

static void explain_close(struct explaining *x)
{
	vec_free(&x->reach);
	vec_free(&x->cause);
	vec_free(&x->culprits);
	arena_free(x->scratch);
}

struct finding *explain(const struct snapshot *s, const struct proof *p, const pid_t *focus, size_t nfocus,
			enum certainty certainty)
{
	struct explaining x = explain_open(s, p);
	struct finding *f = NULL;

	if (explain_cause(&x, focus, nfocus)) {
		x.awaits = explain_awaits(&x);
		explain_kind(&x);
		f = explain_finding(&x, certainty);
	}
	explain_close(&x);
	return f;
}

unsigned explain_awaited(const struct snapshot *s, const struct proof *p, const pid_t *focus, size_t nfocus)
{
	struct explaining x = explain_open(s, p);
	unsigned bits = explain_cause(&x, focus, nfocus) ? explain_awaits(&x) : 0;

	explain_close(&x);
	return bits;
}

/** A writer that has waited for long, though somebody is left who could read. */
static bool find_backpressure(struct explaining *x, const struct stall_facts *how)
{
	for (size_t i = 0; i < x->reach.n; i++) {
		const struct task *t = &x->s->tasks[x->reach.at[i]];

		if (x->roles[x->reach.at[i]] != ROLE_FULL || !t->moved_ns || x->s->taken_ns - t->moved_ns < how->quiet_ns / 2)
			continue;
		vec_push(&x->culprits, t->pid);
		x->best = ROLE_FULL;
		x->in_cause[x->reach.at[i]] = true;
	}
	return x->culprits.n > 0;
}

struct finding *explain_stall(const struct snapshot *s, const struct proof *p, const struct stall_facts *how)
{
	struct explaining x = explain_open(s, p);
	struct finding *f;

	x.kind = FINDING_STALL;
	x.best = ROLE_OTHER;
	x.reached = arena_array(x.scratch, s->ntasks, sizeof *x.reached);
	x.roles = arena_array(x.scratch, s->ntasks, sizeof *x.roles);
	x.in_cause = arena_array(x.scratch, s->ntasks, sizeof *x.in_cause);
	for (size_t t = 0; t < s->ntasks; t++) {
		if (s->tasks[t].wait.op == WAIT_DEAD)
			continue;
		x.roles[t] = explain_role(&x, t);
		x.reached[t] = true;
		vec_push(&x.reach, t);
	}
	if (how->busy)
		x.kind = FINDING_BUSY;
	else if (how->quiet_ns && find_backpressure(&x, how))
		x.kind = FINDING_BACKPRESSURE;
	if (x.culprits.n == 0 && how->busiest && snapshot_process(s, how->busiest))
		vec_push(&x.culprits, how->busiest);
	f = explain_finding(&x, SUSPECTED);
	f->quiet_ns = how->quiet_ns;
	f->churns = how->churns;
	f->test_late = how->test_late;
	explain_close(&x);
	return f;
}
