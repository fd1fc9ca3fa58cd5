/* prove: who could still move, who is stuck, and why. Pure functions of a snapshot: no clock, no /proc, no state.
 *
 * Every task gets `earliest`, the soonest moment at which it could run again, as a least fixpoint over the tasks that could wake
 * it. When no task of the tree has a seed of life, the answer is "never" for all of them, whatever the edges are: that is
 * *proven*. With a seed anywhere, what is stuck besides is *suspected* at most, for a live task may signal a stuck one or open its
 * files. The edges serve suspicion and explanation; a mistake in one costs a word, not a run. In doubt a task is live.
 */
#ifndef TRACEWRAP_PROVE_H
#define TRACEWRAP_PROVE_H

#include "model/model.h"

struct prove_options {
	int64_t horizon_ns;     /* a timeout later than this is no progress */
	bool without_service;   /* leave service threads out as readers of what they don't serve, and those that serve the runner alone
	                           (wait.serves) as wakers; costs ASSUME_SERVICE_THREADS */
};

struct fate { /* of one task, by its index in the snapshot */
	int64_t earliest_ns; /* 0: now; NEVER_NS: never */
	const char *reason;  /* why it may run by then; NULL when it can't */
	bool seed;           /* it has a seed of its own; otherwise somebody may wake it */
	bool stuck;          /* living, and can't run before the horizon */
	size_t *strong;      /* stuck tasks that it waits for by the object itself, for the explanation: indices, ascending; a list is
	                        shared by all who wait for the same, so it may name the task itself */
	size_t nstrong;
};

struct proof {
	struct arena *arena;
	struct fate *fates;
	size_t ntasks, nstuck, nliving;
	bool whole;      /* every living task is stuck: no seed in the tree */
	bool root_stuck; /* the command's main thread, or all of its threads when that has ended */
	unsigned assumptions;
	int64_t horizon_ns;
};

/** Take over what the stacks of S say of its waits: who alone can release a lock (an RLock, a pthread mutex), and whose end a join waits for.
 *  A task that ran between the two readings keeps what it had; so does one whose owner was inferred, for anybody may release a plain lock. */
void prove_owners(struct snapshot *s);

/** The thread that has the interpreter's lock which the thread of S, one of P's, waits for, as the lock itself tells; 0: it waits for another
 *  one, or who has it is not known. What moved while it was read tells, too: observe/known.c says why. */
pid_t prove_gil_holder(const struct process_stacks *p, const struct stack *s);
/** The library whose idle helper thread S is: all that it does when its timeout is over is to end, or (*AGAIN) to wait again. NULL: it is
 *  none. Static. */
const char *prove_idle(const struct stack *s, bool *again);

/** Mark the threads of S, by the stacks of its processes, that serve the runner alone while a test waits for something else. For a suspicion. */
void prove_serving(struct snapshot *s);

/** Never fails. The proof keeps no pointer into the snapshot; proof_free() it. */
struct proof *prove(const struct snapshot *s, const struct prove_options *opt);
void proof_free(struct proof *p);

/** What an assumption costs: how long a verdict that rests on it must have held before it is spoken. */
struct assumption_row {
	enum assumption bit;
	const char *name; /* as `--assume` has it */
	const char *text; /* one sentence without a full stop, e.g. "nobody outside the tree connects" */
	int64_t patience_ns;
	bool soft; /* never ground for a proof: the verdict is SUSPECTED */
};
enum { ASSUMPTIONS = 13 };

/** The rows in force for a run: the defaults, and what `--assume` has changed. */
struct assumptions {
	struct assumption_row rows[ASSUMPTIONS]; /* in the order of the bits */
};
const struct assumptions *assumptions_default(void);
/** NAME (LEN bytes) is good for a proof after PATIENCE_NS; NEVER_NS: never. @return 0; -ENOENT: no such name; -EPERM: it can't be taken for
 *  granted. */
int assumptions_set(struct assumptions *as, const char *name, size_t len, int64_t patience_ns);

/** Assumptions of BITS that keep a verdict at SUSPECTED. AS may be NULL: the defaults. */
unsigned prove_soft(const struct assumptions *as, unsigned bits);
/** How long a verdict must hold before it is spoken; what rests on outsiders' restraint waits longer. */
int64_t prove_patience_ns(const struct assumptions *as, unsigned bits);
/** BIT is one assumption. */
const char *assumption_text(enum assumption bit);

/** Kind, culprits, chain and evidence for the stuck set. FOCUS: the processes that the run waits for (the root; those that run a
 *  test). CERTAINTY is the caller's, who knows how long it held. onset_ns is when the last stuck task stopped moving.
 *  @return a finding, finding_free() it; NULL when nothing of FOCUS is stuck. */
struct finding *explain(const struct snapshot *s, const struct proof *p, const pid_t *focus, size_t nfocus,
                        enum certainty certainty);

struct stall_facts {
	int64_t quiet_ns; /* so long there was no progress; 0: it is the time given to the run, or to a test, that is over */
	bool busy;        /* the tree has wanted much of the processors meanwhile */
	pid_t busiest;    /* who has wanted the most of them, and is to be looked at first; 0: nobody any */
	bool churns;      /* the same processes and threads have come and gone meanwhile */
	bool test_late;   /* it is a test's time */
};
/** For a run that does not go on, or whose time is over, and that is not stuck: FINDING_STALL, FINDING_BUSY, or FINDING_BACKPRESSURE (a
 *  writer has waited for at least half of the quiet time, and whoever could read is live), with what each living task does in `blocked`
 *  and why it may move in `live`. Never NULL. */
struct finding *explain_stall(const struct snapshot *s, const struct proof *p, const struct stall_facts *how);

/** A cheap answer before a snapshot is made: could this wait, by itself, end before the horizon? Used by observe's callers to
 *  spare a look. @return the seed in words, NULL when only the graph can tell. */
const char *prove_seed_of_wait(const struct wait *w, int64_t horizon_ns);

#endif
