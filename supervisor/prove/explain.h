/* From the stuck set to kind, culprits and evidence. Private to prove/. */
#ifndef TRACEWRAP_PROVE_EXPLAIN_H
#define TRACEWRAP_PROVE_EXPLAIN_H

#include "prove/world.h"

struct leaf { /* an object under a wait, epoll sets opened up */
	int object, fd;
	unsigned way;
};

typedef VEC(size_t) tasks_vec; /* indices of tasks */
typedef VEC(pid_t) pids_vec;
typedef VEC(struct leaf) leaves_vec;

struct explaining {
	const struct snapshot *s;
	const struct proof *p;
	struct world w;
	struct arena *scratch;
	size_t *opened; /* of an object: the wait for which its set was opened last */
	size_t opening;

	tasks_vec reach; /* what the focus waits for, by strong edges, in reading order */
	bool *reached;	 /* of a task */
	enum role *roles;
	tasks_vec cause;
	bool *in_cause; /* of a task */
	enum role best; /* the best role in the cause */

	unsigned awaits; /* explain_awaits() */
	enum finding_kind kind;
	pids_vec culprits; /* ascending, each once */
	bool prompt;
};

/** U points to each stuck task in turn that T waits for by the object itself; a list may name T too, which is passed over. */
#define for_each_edge(u, p, t)                                                                                         \
	for (const size_t *u = (p)->fates[t].strong, *u##_end = u ? u + (p)->fates[t].nstrong : u; u != u##_end; u++)      \
		if (*u != (t))

/* explain_role.c */
enum role explain_role(struct explaining *x, size_t task);
void explain_leaves(struct explaining *x, const struct wait *w, leaves_vec *out);
/** Does another process than PROC hold one of ENDS of OBJECT, or may it? */
bool explain_held_elsewhere(const struct explaining *x, int object, unsigned ends, int proc);

/* explain_graph.c */
/** Fill reach, roles and cause. @return false when nothing of FOCUS is stuck. */
bool explain_cause(struct explaining *x, const pid_t *focus, size_t nfocus);

/* explain_names.c */
/** ASSUME_NOBODY_AWAITED when the cause rests on it, else 0. */
unsigned explain_awaits(struct explaining *x);

/* explain.c */
/** The same for the cause of what FOCUS waits for. */
unsigned explain_awaited(const struct snapshot *s, const struct proof *p, const pid_t *focus, size_t nfocus);

/* explain_kind.c */
void explain_kind(struct explaining *x);

/* explain_finding.c */
struct finding *explain_finding(struct explaining *x, enum certainty certainty);

#endif
