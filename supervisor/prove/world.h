/* The snapshot seen from its objects, and the graph of who may wake whom. Private to prove/.
 *
 * A node is a task or a set of tasks ("all tasks of the holders of the reading end of pipe 7"). Edges go from waker to woken. A
 * set is expanded once, when somebody first waits for it, so that a thousand processes which share twenty descriptors cost
 * their number of descriptors and not its square.
 */
#ifndef TRACEWRAP_PROVE_WORLD_H
#define TRACEWRAP_PROVE_WORLD_H

#include "prove/prove.h"

struct hold {
	int proc, fd; /* index of the process, number of the descriptor */
	unsigned ends;
};

struct world {
	const struct snapshot *s;
	struct arena *arena;
	size_t *hold_first; /* holds of object I: hold_first[I] .. hold_first[I + 1] */
	struct hold *holds; /* by object, then process */
	bool *dark;         /* of a process: it may hold any end of any object */
	bool any_dark;
	bool leak; /* descriptors are under way to a socket that is held outside the tree */
};

/** What ARENA holds lives as long as it does. */
struct world world_make(const struct snapshot *s, struct arena *arena);
/** Is there a process that has one of ENDS, or may have it? */
bool world_has_holder(const struct world *w, int object, unsigned ends);
/** The ENDs that process number PROC has of an object. */
unsigned world_ends_of(const struct world *w, int object, int proc);
/** No living task is left in process P. */
bool world_has_ended(const struct world *w, const struct process *p);

typedef uint32_t node_t;

enum node_kind {
	NODE_TASK,      /* one, by its index */
	NODE_ANYONE,    /* every task */
	NODE_DARK,      /* tasks of dark processes */
	NODE_PROCESS,   /* of one process, by its index */
	NODE_MAP,       /* of all processes with the memory map of this one */
	NODE_KIN,       /* of the children and the tracees of this process */
	NODE_HELD,      /* of the holders of an end: object * 2 + (0: reading, 1: writing) */
	NODE_DRAIN,     /* the same without service threads that read another object */
	NODE_OFF_DUTY,  /* of one process without service threads */
	NODE_MAPPED,    /* of who maps a shared page, by number of the key */
	NODE_LOCKED,    /* of who holds a lock, by number of the key */
	NODE_KINDS,
};

struct edge {
	node_t from, to;
	bool strong; /* by the object itself, see fate.strong */
};

struct member {
	size_t proc, next; /* index of a process; number of the next member + 1, 0: the last */
};

/** Processes in numbered sets: chains through `members`, which begin at heads[number] - 1. */
struct groups {
	VEC(size_t) heads;
	VEC(struct member) members;
};

struct graph {
	struct world w;
	node_t first[NODE_KINDS + 1]; /* node of KIND number I: first[KIND] + I */
	bool *expanded;
	bool *service; /* of a task: a service thread; all false unless they are to be left out */
	bool any_service;
	bool spares; /* some task that serves the runner alone is left out */
	VEC(struct edge) edges;
	struct strmap *shm_keys, *lock_keys; /* -> number of the set in mapped, locked */
	struct idmap *map_owners;	     /* pid of the owner of a memory map -> number of the set in maps */
	struct groups mapped, locked, maps;
	struct groups tracees; /* by the index of the tracer */
};

void graph_open(struct graph *g, const struct snapshot *s, const struct prove_options *opt, struct arena *arena);
void graph_close(struct graph *g);
node_t graph_node(const struct graph *g, enum node_kind kind, size_t number);
void graph_edge(struct graph *g, node_t from, node_t to, bool strong);
/** Number of the set of those who map KEY, or hold the lock KEY; false: nobody does. */
bool graph_mapped(const struct graph *g, const char *key, size_t *number);
bool graph_locked(const struct graph *g, const char *key, size_t *number);
/** Number of the set of P's memory map. */
size_t graph_map_of(const struct graph *g, const struct process *p);

#endif
