/* The least fixpoint over the graph of wakers. Private to prove/. */
#ifndef TRACEWRAP_PROVE_FIXPOINT_H
#define TRACEWRAP_PROVE_FIXPOINT_H

#include "prove/world.h"

#define NOBODY UINT32_MAX

/** Edges by node: edges[first[node]] .. edges[first[node + 1]] are numbers of edges. */
struct adjacent {
	size_t *first, *edges;
};
struct adjacent adjacent_make(const struct graph *g, struct arena *arena, bool incoming);

struct reach { /* all by node; tasks come first, by their index */
	int64_t *earliest_ns;
	node_t *by; /* the task that may wake it, itself for a seed, NOBODY */
	node_t *stack;
};
/** SEEDS_NS: of each task the moment at which it moves by itself, NEVER_NS for none. */
struct reach fixpoint(const struct graph *g, const int64_t *seeds_ns, struct arena *arena);

#endif
