/* policy: when to look and when to speak. Pure: the time comes in as an argument.
 *
 * A fast look follows when the whole tree has stood still for a moment; it alone can lead to a proof. A slow look follows when the
 * command itself, or a process that may be running a test, has stood still for long while others move; it can lead to a suspicion. A
 * verdict is spoken when two looks, apart by what its assumptions cost, saw the same tasks stuck in the same calls with the same counters.
 */
#ifndef TRACEWRAP_POLICY_H
#define TRACEWRAP_POLICY_H

#include "model/model.h"
#include "observe/observe.h"
#include "prove/prove.h"

enum look { LOOK_NOT, LOOK_FAST, LOOK_SLOW };

enum judgement {
	JUDGE_NOTHING,   /* nobody that the run waits for is stuck */
	JUDGE_WAIT,      /* stuck, to be seen once more */
	JUDGE_PROVEN,    /* speak now (once) */
	JUDGE_SUSPECTED, /* speak now (once) */
	JUDGE_WITHDRAWN, /* what was told is no longer true */
	JUDGE_STANDS,    /* was told, still true */
};

struct policy {
	const struct assumptions *assume; /* kept by reference */
	int64_t fast_at_ns, slow_at_ns; /* not before */
	int64_t fast_gap_ns, slow_gap_ns;
	int64_t slow_looked_ns, slow_paid_ns; /* the last one, or one that was spared; not before its price is earned */
	int64_t stacks_at_ns, stacks_gap_ns; /* the same for stacks of who moves all the time */
	int64_t cost_ns;       /* CPU time of the last look */
	int64_t looked_ns;     /* the last look that came to an end */
	int64_t seed_until_ns; /* a seed was seen that lasts until then, unless something moves */
	uint64_t key;          /* of the set under watch (all that is stuck, or what the focus waits for), 0: none */
	bool provable;         /* that set would be a proof, not a suspicion */
	int64_t since_ns;      /* first seen */
	int64_t held_ns;       /* as far as is known, it has stood still since */
	bool told, told_proven;
	uint64_t told_key; /* of what the focus waited for */
};

/** ASSUME: what each assumption costs, kept by reference; NULL: the defaults. */
void policy_begin(struct policy *p, const struct assumptions *assume);
enum look policy_look(const struct policy *p, const struct observe_pass *pass, int64_t now_ns);
/** Is it time to read the stacks of those who move all the time? Nobody else does. */
bool policy_look_stacks(const struct policy *p, const struct observe_pass *pass, int64_t now_ns);
/** They were read, or there were none to read. */
void policy_saw_stacks(struct policy *p, int64_t now_ns, int64_t cpu_ns);
/** What the last look cost, CPU time: looks at a large tree are repeated less often. To be told before the look is judged. */
void policy_look_cost(struct policy *p, int64_t cpu_ns);
/** A fast look ended early: nothing can be proven before UNTIL_NS (0: not known until when). */
void policy_saw_seed(struct policy *p, int64_t now_ns, int64_t until_ns);
/** A slow look was spared: nobody whom the run waits for can be stuck. */
void policy_nobody_waits(struct policy *p, int64_t now_ns);
/** A snapshot was thrown away, for the set of tasks changed meanwhile. */
void policy_lost_snapshot(struct policy *p, int64_t now_ns);
/** Judge one look. FOCUS: the processes that the run waits for (the command, and who runs a test): a verdict is about them.
 *  LOOK says which kind of look it was. */
enum judgement policy_judge(struct policy *p, int64_t now_ns, enum look look, const struct snapshot *s, const struct proof *proof,
                            const pid_t *focus, size_t nfocus);
/** What was to be told has turned out not to stand: it was not. */
void policy_take_back(struct policy *p);
/** After the clocks stood still (the command was stopped): forget what was being watched, keep what was told. */
void policy_pause(struct policy *p);
/** How long to wait between two passes over the counters: what a pass costs (CPU time) decides. */
int64_t policy_pass_period_ns(int64_t pass_cost_ns);

#endif
