/* The proof: looks at every task, takes the fixpoint, and says who is stuck. */
#include <stdlib.h>

#include "prove/explain.h"
#include "prove/fixpoint.h"
#include "prove/wait.h"

/** What the parts of a proof share while it is made; it lies in an arena of its own. */
struct proving {
	struct graph g;
	struct proof *p;
	struct arena *scratch;
	int64_t *seeds_ns;
	const char **live; /* of a task: a reason, or NULL */
	unsigned *assume;
};

static void look_at_all(struct proving *pv)
{
	const struct snapshot *s = pv->g.w.s;
	struct look l;

	pv->seeds_ns = arena_array(pv->scratch, s->ntasks, sizeof *pv->seeds_ns);
	pv->live = arena_array(pv->scratch, s->ntasks, sizeof *pv->live);
	pv->assume = arena_array(pv->scratch, s->ntasks, sizeof *pv->assume);
	look_open(&l, &pv->g);
	for (size_t t = 0; t < s->ntasks; t++) {
		look_at(&l, t);
		pv->live[t] = l.live;
		pv->seeds_ns[t] = l.live ? 0 : l.timeout_ns;
		pv->assume[t] = l.assume;
	}
	look_close(&l);
}

static const char *reason_of(const struct proving *pv, const struct reach *r, size_t t)
{
	if (r->by[t] == NOBODY)
		return NULL;
	if (pv->seeds_ns[t] > r->earliest_ns[t])
		return arena_printf(pv->p->arena, "task %d may wake it", pv->g.w.s->tasks[r->by[t]].tid);
	if (pv->live[t])
		return arena_strdup(pv->p->arena, pv->live[t]);
	return arena_printf(pv->p->arena, "times out in %.1f s", (double)pv->seeds_ns[t] / (double)NS_PER_S);
}

static bool is_progress(const struct proof *p, int64_t at_ns)
{
	return at_ns != NEVER_NS && at_ns <= p->horizon_ns;
}

static void decide(struct proving *pv, const struct reach *r)
{
	const struct snapshot *s = pv->g.w.s;
	struct proof *p = pv->p;

	for (size_t t = 0; t < s->ntasks; t++) {
		struct fate *f = &p->fates[t];
		bool living = s->tasks[t].wait.op != WAIT_DEAD;

		f->earliest_ns = r->earliest_ns[t];
		f->stuck = living && !is_progress(p, f->earliest_ns);
		f->seed = living && is_progress(p, pv->seeds_ns[t]);
		f->reason = is_progress(p, f->earliest_ns) ? reason_of(pv, r, t) : NULL;
		p->nliving += living;
		p->nstuck += f->stuck;
		if (f->stuck && f->earliest_ns != NEVER_NS)
			p->assumptions |= ASSUME_HORIZON;
		if (f->stuck)
			p->assumptions |= pv->assume[t];
	}
}

/** A process without a task is one that was not seen whole: then somebody is left who may move. */
static bool all_seen(const struct snapshot *s)
{
	for (size_t i = 0; i < s->nprocs; i++)
		if (s->procs[i].ntasks == 0)
			return false;
	return true;
}

static bool root_is_stuck(const struct snapshot *s, const struct proof *p)
{
	const struct process *root = snapshot_process(s, s->root);
	const struct task *main = snapshot_task(s, s->root);
	bool any = false;

	if (!root)
		return false;
	if (main && main->wait.op != WAIT_DEAD)
		return p->fates[main - s->tasks].stuck;
	for (size_t t = root->first_task; t < root->first_task + root->ntasks; t++) {
		if (s->tasks[t].wait.op == WAIT_DEAD)
			continue;
		if (!p->fates[t].stuck)
			return false;
		any = true;
	}
	return any;
}

/* ---- edges for the explanation: sets of tasks spelled out, of stuck ones only ---- */

struct list {
	size_t *at, n;
};

struct spelling {
	struct proving *pv;
	struct adjacent in;
	struct strmap *known; /* the strong nodes of a task, as a text -> number of a list */
	VEC(struct list) lists;
	size_t *stamp; /* of a node: the list it was last put into, counted from 1 */
	VEC(size_t) found;
	VEC(node_t) todo;
};

static int compare_indices(const void *a, const void *b)
{
	const size_t *i = a, *k = b;

	return (*i > *k) - (*i < *k);
}

/** The stuck tasks among the nodes in `todo` and in the sets there, in ascending order. */
static struct list spell(struct spelling *sp)
{
	const struct graph *g = &sp->pv->g;
	struct list list;

	sp->found.n = 0;
	while (sp->todo.n) {
		node_t node = sp->todo.at[--sp->todo.n];

		if (sp->stamp[node] == sp->lists.n + 1)
			continue;
		sp->stamp[node] = sp->lists.n + 1;
		if (node < g->first[NODE_TASK + 1]) {
			if (sp->pv->p->fates[node].stuck)
				vec_push(&sp->found, node);
			continue;
		}
		for (size_t i = sp->in.first[node]; i < sp->in.first[node + 1]; i++)
			vec_push(&sp->todo, g->edges.at[sp->in.edges[i]].from);
	}
	if (sp->found.n)
		qsort(sp->found.at, sp->found.n, sizeof *sp->found.at, compare_indices);
	list.n = sp->found.n;
	list.at = arena_memdup(sp->pv->p->arena, sp->found.at, list.n * sizeof *list.at);
	return list;
}

/** Tasks that wait for the same sets share one list, so that a thousand writers of one pipe have one. */
static void spell_task(struct spelling *sp, size_t t, struct text *key)
{
	struct fate *f = &sp->pv->p->fates[t];
	size_t number;

	sp->todo.n = 0;
	key->n = 0;
	text_add(key, "");
	for (size_t i = sp->in.first[t]; i < sp->in.first[t + 1]; i++) {
		const struct edge *e = &sp->pv->g.edges.at[sp->in.edges[i]];

		if (!e->strong)
			continue;
		text_addf(key, "%x ", e->from);
		vec_push(&sp->todo, e->from);
	}
	if (!strmap_get(sp->known, text_str(key), &number)) {
		struct list list = spell(sp);

		number = sp->lists.n;
		strmap_put(sp->known, text_str(key), number);
		vec_push(&sp->lists, list);
	}
	f->strong = sp->lists.at[number].at;
	f->nstrong = sp->lists.at[number].n;
}

static void spell_edges(struct proving *pv)
{
	struct spelling sp = {.pv = pv, .in = adjacent_make(&pv->g, pv->scratch, true), .known = strmap_new()};
	OWNED_TEXT key = {0};

	sp.stamp = arena_array(pv->scratch, pv->g.first[NODE_KINDS], sizeof *sp.stamp);
	for (size_t t = 0; t < pv->p->ntasks; t++)
		if (pv->p->fates[t].stuck)
			spell_task(&sp, t, &key);
	strmap_free(sp.known);
	vec_free(&sp.lists);
	vec_free(&sp.found);
	vec_free(&sp.todo);
}

struct proof *prove(const struct snapshot *s, const struct prove_options *opt)
{
	struct arena *a = arena_new();
	struct proving pv = {.p = arena_alloc(a, sizeof *pv.p), .scratch = arena_new()};
	struct proof *p = pv.p;
	struct reach r;

	p->arena = a;
	p->ntasks = s->ntasks;
	p->horizon_ns = opt->horizon_ns;
	p->fates = arena_array(a, s->ntasks, sizeof *p->fates);
	graph_open(&pv.g, s, opt, pv.scratch);
	look_at_all(&pv);
	r = fixpoint(&pv.g, pv.seeds_ns, pv.scratch);
	decide(&pv, &r);
	p->whole = p->nliving > 0 && p->nstuck == p->nliving && all_seen(s);
	if (!p->whole)
		p->assumptions |= ASSUME_LIVE_INERT;
	if (pv.g.spares)
		p->assumptions |= ASSUME_SERVICE_THREADS;
	p->root_stuck = root_is_stuck(s, p);
	spell_edges(&pv);
	graph_close(&pv.g);
	arena_free(pv.scratch);
	/* whether a listener is more than one more thing to watch, only the cause can tell */
	if (p->root_stuck && p->assumptions & ASSUME_NO_OUTSIDE_CONNECT)
		p->assumptions |= explain_awaited(s, p, &s->root, 1);
	return p;
}

void proof_free(struct proof *p)
{
	if (p)
		arena_free(p->arena);
}
