/* sight: one look at a tree: a snapshot and what follows from it. Private to the room. */
#ifndef TRACEWRAP_SIGHT_H
#define TRACEWRAP_SIGHT_H

#include "watch/run.h"

typedef VEC(pid_t) pid_vec;

struct sight {
	struct snapshot *snapshot;
	struct proof *proof;
	struct prove_options proven_by;
	pid_vec focus;
};

void sight_free(struct sight *sight);
void sight_prove(struct sight *sight, int64_t horizon_ns, bool without_service);
/** TESTS: with the tests that are under way. @return 0, OBSERVE_MOVED, -errno. */
int sight_take(struct run *r, struct sight *sight, int64_t now_ns, int64_t horizon_ns, bool tests);
/** Short of a proof, look for somebody who is stuck beside live ones. */
void sight_widen(struct run *r, struct sight *sight);
/** Explain what is stuck, with what the stacks tell. Finding_free() it. @return NULL: nothing that the run waits for is stuck; or it is, and
 *  with the stacks there is no proof where CERTAINTY wants one. */
struct finding *sight_find(struct run *r, struct sight *sight, enum certainty certainty);
/** Does somebody wait to read from a terminal whose other side is outside the tree? */
bool sight_prompts(const struct sight *sight);
/** Could the verdict be a proof, as far as one look goes? */
bool sight_provable(const struct run *r, const struct sight *sight);

#endif
