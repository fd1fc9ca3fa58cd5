/* Who waits for whom, as a small graph to be drawn: the ring, or the chain that ends where nothing can come any more, and beside it those
 * that are blocked by it. Private to report/. */
#ifndef TRACEWRAP_REPORT_GRAPH_H
#define TRACEWRAP_REPORT_GRAPH_H

#include "report/facts.h"

enum { GRAPH_RING_MOST = 8, GRAPH_SIDE_MOST = 6 };

struct graph_node {
	const struct blocked *b;         /* a task; NULL: an object, or several folded ones */
	const struct finding_object *o;  /* the object that a task waits on; NULL */
	size_t folded;                   /* so many tasks that there was no room for */
	size_t alike;                    /* of a task: so many more wait as it does */
	int to;                          /* the node that it waits for; -1: none */
	const char *edge[2];             /* what stands beside the arrow, in two short lines; "" */
};

struct graph {
	struct graph_node *nodes;
	size_t n;
	size_t nring; /* the first of them: the ring or chain, in its order; the others are blocked by it */
	bool closed;  /* a ring: the last waits for the first */
};

/** Of F, in ARENA. */
struct graph graph_of(const struct finding *f, struct arena *arena);

#endif
