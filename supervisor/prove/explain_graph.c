/* The cause inside the stuck set: from where the run waits, along the strong edges, to a cycle or a sink. */
#include "prove/explain.h"

/** Depth first, so that a chain reads as a chain: each task at most once, with the edge that it stands on. */
static void walk(struct explaining *x, size_t start)
{
	struct step {
		size_t task, edge;
	};
	VEC(struct step) path = {0};

	if (x->reached[start])
		return;
	x->reached[start] = true;
	vec_push(&x->reach, start);
	vec_push(&path, (struct step){start, 0});
	while (path.n) {
		struct step *top = &path.at[path.n - 1];
		const struct fate *f = &x->p->fates[top->task];

		while (top->edge < f->nstrong && x->reached[f->strong[top->edge]])
			top->edge++;
		if (top->edge == f->nstrong) {
			path.n--;
			continue;
		}
		size_t next = f->strong[top->edge++];

		x->reached[next] = true;
		vec_push(&x->reach, next);
		vec_push(&path, (struct step){next, 0});
	}
	vec_free(&path);
}

/** From the main threads of the focus; where none of them is stuck, from its other threads. */
static void walk_from_focus(struct explaining *x, const pid_t *focus, size_t nfocus)
{
	for (size_t i = 0; i < nfocus; i++) {
		const struct task *t = snapshot_task(x->s, focus[i]);

		if (t && x->p->fates[t - x->s->tasks].stuck)
			walk(x, (size_t)(t - x->s->tasks));
	}
	if (x->reach.n)
		return;
	for (size_t i = 0; i < nfocus; i++) {
		const struct process *p = snapshot_process(x->s, focus[i]);

		for (size_t t = p ? p->first_task : 0; p && t < p->first_task + p->ntasks; t++)
			if (x->p->fates[t].stuck)
				walk(x, t);
	}
}

/* ---- strong components: Tarjan's algorithm with a stack of its own ---- */

struct component {
	size_t size;
	pid_t least; /* tid */
	enum role best;
	bool bottom; /* no edge leads out */
};

struct tarjan {
	struct explaining *x;
	size_t *index, *low, *edge, *component; /* of a task; index 0: not visited; component counts from 1 */
	tasks_vec path, open;
	VEC(struct component) found;
	size_t next;
};

static void enter(struct tarjan *ta, size_t t)
{
	ta->index[t] = ta->low[t] = ++ta->next;
	vec_push(&ta->open, t);
	vec_push(&ta->path, t);
}

/** T is the first of its component: all that is open above it belongs to it. */
static void close_component(struct tarjan *ta, size_t t)
{
	struct component c = {.best = ROLE_COUNT, .bottom = true, .least = ta->x->s->tasks[t].tid};
	size_t u;

	do {
		u = ta->open.at[--ta->open.n];
		ta->component[u] = ta->found.n + 1;
		c.size++;
		if (ta->x->s->tasks[u].tid < c.least)
			c.least = ta->x->s->tasks[u].tid;
		if (ta->x->roles[u] < c.best)
			c.best = ta->x->roles[u];
	} while (u != t);
	vec_push(&ta->found, c);
}

static void visit(struct tarjan *ta, size_t start)
{
	const struct proof *p = ta->x->p;

	enter(ta, start);
	while (ta->path.n) {
		size_t t = ta->path.at[ta->path.n - 1];

		if (ta->edge[t] < p->fates[t].nstrong) {
			size_t u = p->fates[t].strong[ta->edge[t]++];

			if (!ta->index[u])
				enter(ta, u);
			else if (!ta->component[u] && ta->index[u] < ta->low[t])
				ta->low[t] = ta->index[u];
			continue;
		}
		ta->path.n--;
		if (ta->path.n) {
			size_t up = ta->path.at[ta->path.n - 1];

			if (ta->low[t] < ta->low[up])
				ta->low[up] = ta->low[t];
		}
		if (ta->low[t] == ta->index[t])
			close_component(ta, t);
	}
}

static void find_components(struct tarjan *ta)
{
	struct explaining *x = ta->x;
	size_t n = x->s->ntasks;

	ta->index = arena_array(x->scratch, n, sizeof *ta->index);
	ta->low = arena_array(x->scratch, n, sizeof *ta->low);
	ta->edge = arena_array(x->scratch, n, sizeof *ta->edge);
	ta->component = arena_array(x->scratch, n, sizeof *ta->component);
	for (size_t i = 0; i < x->reach.n; i++)
		if (!ta->index[x->reach.at[i]])
			visit(ta, x->reach.at[i]);
	for (size_t i = 0; i < x->reach.n; i++) {
		size_t t = x->reach.at[i];

		for_each_edge(u, x->p, t)
			if (ta->component[*u] != ta->component[t])
				ta->found.at[ta->component[t] - 1].bottom = false;
	}
}

/** The resource wins over the wait, then the larger component, then the lowest tid. */
static bool is_better(const struct component *a, const struct component *b)
{
	if (a->best != b->best)
		return a->best < b->best;
	if (a->size != b->size)
		return a->size > b->size;
	return a->least < b->least;
}

static void choose_cause(struct explaining *x)
{
	struct tarjan ta = {.x = x};
	const struct component *best = NULL;
	size_t number;

	find_components(&ta);
	for (size_t i = 0; i < ta.found.n; i++)
		if (ta.found.at[i].bottom && (!best || is_better(&ta.found.at[i], best)))
			best = &ta.found.at[i];
	must(best); /* a finite graph has a component without a way out */
	number = (size_t)(best - ta.found.at) + 1;
	x->best = best->best;
	for (size_t i = 0; i < x->reach.n; i++) {
		size_t t = x->reach.at[i];

		if (ta.component[t] != number)
			continue;
		x->in_cause[t] = true;
		vec_push(&x->cause, t);
	}
	vec_free(&ta.path);
	vec_free(&ta.open);
	vec_free(&ta.found);
}

bool explain_cause(struct explaining *x, const pid_t *focus, size_t nfocus)
{
	x->reached = arena_array(x->scratch, x->s->ntasks, sizeof *x->reached);
	x->in_cause = arena_array(x->scratch, x->s->ntasks, sizeof *x->in_cause);
	x->roles = arena_array(x->scratch, x->s->ntasks, sizeof *x->roles);
	for (size_t t = 0; t < x->s->ntasks; t++)
		x->roles[t] = x->p->fates[t].stuck ? explain_role(x, t) : ROLE_OTHER;
	walk_from_focus(x, focus, nfocus);
	if (x->reach.n == 0)
		return false;
	choose_cause(x);
	return true;
}
