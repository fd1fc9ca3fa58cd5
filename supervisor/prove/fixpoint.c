/* The least fixpoint: the soonest moment at which each task could run again, from the seeds of life along the edges.
 *
 * All edges cost nothing, so the seeds are taken in the order of their moments and each spreads to whoever was not reached yet:
 * every edge is walked at most once.
 */
#include <stdlib.h>
#include <string.h>

#include "prove/fixpoint.h"

struct seed {
	int64_t at_ns;
	node_t node;
};

static int compare_seeds(const void *a, const void *b)
{
	const struct seed *s = a, *u = b;

	if (s->at_ns != u->at_ns)
		return s->at_ns < u->at_ns ? -1 : 1;
	return (s->node > u->node) - (s->node < u->node);
}

struct adjacent adjacent_make(const struct graph *g, struct arena *arena, bool incoming)
{
	size_t n = g->first[NODE_KINDS];
	struct adjacent a = {
		.first = arena_array(arena, n + 2, sizeof *a.first),
		.edges = arena_array(arena, g->edges.n, sizeof *a.edges),
	};

	for (size_t i = 0; i < g->edges.n; i++)
		a.first[(incoming ? g->edges.at[i].to : g->edges.at[i].from) + 2]++;
	for (size_t i = 2; i < n + 2; i++)
		a.first[i] += a.first[i - 1];
	for (size_t i = 0; i < g->edges.n; i++) {
		const struct edge *e = &g->edges.at[i];

		a.edges[a.first[(incoming ? e->to : e->from) + 1]++] = i;
	}
	return a;
}

/** Spread from SEED. `by` of a node is the task that the spreading went through last. */
static void spread(const struct graph *g, const struct adjacent *out, struct reach *r, const struct seed *seed)
{
	size_t top = 0;

	if (seed->at_ns >= r->earliest_ns[seed->node] && r->by[seed->node] != NOBODY)
		return;
	r->earliest_ns[seed->node] = seed->at_ns;
	r->by[seed->node] = seed->node;
	r->stack[top++] = seed->node;
	while (top) {
		node_t from = r->stack[--top];
		node_t by = from < g->first[NODE_TASK + 1] ? from : r->by[from];

		for (size_t i = out->first[from]; i < out->first[from + 1]; i++) {
			node_t to = g->edges.at[out->edges[i]].to;

			if (r->by[to] != NOBODY)
				continue;
			r->by[to] = by;
			r->earliest_ns[to] = seed->at_ns;
			r->stack[top++] = to;
		}
	}
}

struct reach fixpoint(const struct graph *g, const int64_t *seeds_ns, struct arena *arena)
{
	size_t nodes = g->first[NODE_KINDS], ntasks = g->w.s->ntasks, n = 0;
	struct adjacent out = adjacent_make(g, arena, false);
	struct seed *seeds = arena_array(arena, ntasks, sizeof *seeds);
	struct reach r = {
		.earliest_ns = arena_array(arena, nodes, sizeof *r.earliest_ns),
		.by = arena_array(arena, nodes, sizeof *r.by),
		.stack = arena_array(arena, nodes + 1, sizeof *r.stack),
	};

	for (size_t i = 0; i < nodes; i++) {
		r.earliest_ns[i] = NEVER_NS;
		r.by[i] = NOBODY;
	}
	for (size_t t = 0; t < ntasks; t++)
		if (seeds_ns[t] != NEVER_NS)
			seeds[n++] = (struct seed){seeds_ns[t], (node_t)t};
	if (n)
		qsort(seeds, n, sizeof *seeds, compare_seeds);
	for (size_t i = 0; i < n; i++)
		spread(g, &out, &r, &seeds[i]);
	return r;
}
