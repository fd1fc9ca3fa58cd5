/* When to look and when to speak: see policy.h. */
#include <string.h>

#include "watch/policy.h"

#define PASS_LEAST_NS (50 * NS_PER_MS)
#define PASS_MOST_NS (500 * NS_PER_MS)
/* Passes, and looks that are repeated while nothing new is seen, may each cost one part in this many of a core. */
#define COST_SHARE 400

/* The whole tree stands still for so long before a look is worth its price. */
#define SETTLE_NS (150 * NS_PER_MS)
#define FAST_GAP_NS (250 * NS_PER_MS)
/* More threads than that do not wait for one interpreter. */
enum { RESTLESS_MOST = 64 };
#define SLOW_GAP_NS (500 * NS_PER_MS)
#define GAP_MOST_NS (5 * NS_PER_S)
/* However dear a look is: what keeps a tree of a thousand processes from being proven may be over by then. */
#define GAP_DEAR_NS (20 * NS_PER_S)
/* A seed whose end is not known is looked at again after so long; without a move nothing new is to be expected. */
#define SEED_AGAIN_NS (1 * NS_PER_S)

void policy_begin(struct policy *p, const struct assumptions *assume)
{
	*p = (struct policy){.assume = assume, .stacks_gap_ns = FAST_GAP_NS, .fast_gap_ns = FAST_GAP_NS, .slow_gap_ns = SLOW_GAP_NS};
}

static bool moved_since_look(const struct policy *p, const struct observe_pass *pass)
{
	return pass->changed || pass->still_since_ns > p->looked_ns;
}

/** However rare slow looks have become: another one stands still now than at the last one. */
static bool slow_is_due(const struct policy *p, const struct observe_pass *pass, int64_t now_ns)
{
	if (pass->focus_still_since_ns == NEVER_NS)
		return false;
	if (now_ns >= p->slow_at_ns)
		return true;
	return pass->focus_still_since_ns + FOCUS_STILL_NS > p->slow_looked_ns && now_ns >= p->slow_paid_ns;
}

enum look policy_look(const struct policy *p, const struct observe_pass *pass, int64_t now_ns)
{
	bool still = now_ns - pass->still_since_ns >= SETTLE_NS;
	bool moved = moved_since_look(p, pass);

	/* A verdict that was told as proven stands until somebody moves. */
	if (p->told_proven && !moved)
		return LOOK_NOT;
	if (still && (moved || (now_ns >= p->seed_until_ns && now_ns >= p->fast_at_ns)))
		return LOOK_FAST;
	return slow_is_due(p, pass, now_ns) ? LOOK_SLOW : LOOK_NOT;
}

bool policy_look_stacks(const struct policy *p, const struct observe_pass *pass, int64_t now_ns)
{
	return pass->restless && pass->restless <= RESTLESS_MOST && now_ns - pass->rest_still_since_ns >= SETTLE_NS &&
	       now_ns >= p->stacks_at_ns;
}

/** What a look of that price must be followed by. */
static int64_t fair_gap_ns(int64_t cost_ns)
{
	return cost_ns * COST_SHARE > GAP_DEAR_NS ? GAP_DEAR_NS : cost_ns * COST_SHARE;
}

static void back_off(int64_t *gap_ns, int64_t cost_ns)
{
	int64_t longer_ns = *gap_ns * 3 / 2 > GAP_MOST_NS ? GAP_MOST_NS : *gap_ns * 3 / 2;
	int64_t fair_ns = fair_gap_ns(cost_ns);

	*gap_ns = longer_ns > fair_ns ? longer_ns : fair_ns;
}

void policy_saw_stacks(struct policy *p, int64_t now_ns, int64_t cpu_ns)
{
	p->stacks_at_ns = now_ns + (p->stacks_gap_ns > cpu_ns * COST_SHARE ? p->stacks_gap_ns : cpu_ns * COST_SHARE);
	back_off(&p->stacks_gap_ns, cpu_ns);
}

void policy_look_cost(struct policy *p, int64_t cpu_ns)
{
	p->cost_ns = cpu_ns;
}

void policy_saw_seed(struct policy *p, int64_t now_ns, int64_t until_ns)
{
	p->looked_ns = now_ns;
	p->seed_until_ns = until_ns > now_ns ? until_ns : now_ns + SEED_AGAIN_NS;
}

void policy_nobody_waits(struct policy *p, int64_t now_ns)
{
	p->slow_at_ns = now_ns + p->slow_gap_ns;
	p->slow_looked_ns = now_ns;
	p->key = 0;
}

void policy_lost_snapshot(struct policy *p, int64_t now_ns)
{
	p->slow_at_ns = now_ns + p->slow_gap_ns;
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	for (const unsigned char *c = data, *end = c + size; c < end; c++)
		hash = (hash ^ *c) * UINT64_C(0x100000001b3);
	return hash;
}

/** Mark the stuck tasks that the processes of FOCUS wait for, directly or not. @return whether there are any. */
static bool mark_reach(const struct snapshot *s, const struct proof *proof, const pid_t *focus, size_t nfocus, bool *mark)
{
	VEC(size_t) todo = {0};

	for (size_t i = 0; i < nfocus; i++) {
		const struct process *proc = snapshot_process(s, focus[i]);
		const struct task *t = proc ? snapshot_task(s, focus[i]) : NULL;

		if (t && proof->fates[t - s->tasks].stuck)
			vec_push(&todo, (size_t)(t - s->tasks));
		else if (proc && focus[i] == s->root && proof->root_stuck) /* its main thread has ended */
			for (size_t k = 0; k < proc->ntasks; k++)
				if (proof->fates[proc->first_task + k].stuck)
					vec_push(&todo, proc->first_task + k);
	}

	bool any = todo.n > 0;

	while (todo.n) {
		size_t i = todo.at[--todo.n];

		if (mark[i])
			continue;
		mark[i] = true;
		for (size_t k = 0; k < proof->fates[i].nstrong; k++)
			if (proof->fates[proof->fates[i].strong[k]].stuck)
				vec_push(&todo, proof->fates[i].strong[k]);
	}
	vec_free(&todo);
	return any;
}

/** FNV-1a over who is stuck, in which call with which arguments, and how often it had run: equal keys mean that nobody moved.
 *  A proof is about all tasks, a suspicion about those that the focus waits for; *MOVED_NS is when the last of them moved, 0: not known.
 *  0: the focus is not stuck. */
static uint64_t stuck_key(const struct snapshot *s, const struct proof *proof, const pid_t *focus, size_t nfocus, bool all, int64_t *moved_ns)
{
	bool *mark = mem_alloc(proof->ntasks * sizeof *mark);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	bool any = mark_reach(s, proof, focus, nfocus, mark), known = true;

	*moved_ns = 0;
	for (size_t i = 0; i < proof->ntasks; i++) {
		const struct task *t = &s->tasks[i];

		if (!(all ? proof->fates[i].stuck : mark[i]))
			continue;
		hash = hash_bytes(hash, &t->tid, sizeof t->tid);
		if (t->wait.idle) /* it may have waited several times, and each look has asked its stack: whom it had woken would have moved */
			continue;
		hash = hash_bytes(hash, &t->runs, sizeof t->runs);
		hash = hash_bytes(hash, &t->wait.op, sizeof t->wait.op);
		hash = hash_bytes(hash, t->args, sizeof t->args);
		hash = hash_bytes(hash, t->call, strlen(t->call));
		known &= t->moved_ns > 0;
		if (t->moved_ns > *moved_ns)
			*moved_ns = t->moved_ns;
	}
	if (!known)
		*moved_ns = 0;
	mem_free(mark);
	return !any ? 0 : hash ? hash : 1;
}

/** When all that may move by itself will have done so: somebody's alarm, a timeout. 0: not known. */
static int64_t seeds_over_ns(const struct proof *proof, int64_t now_ns)
{
	int64_t last_ns = 0;

	for (size_t i = 0; i < proof->ntasks; i++) {
		const struct fate *f = &proof->fates[i];

		if (!f->seed || f->stuck)
			continue;
		if (f->earliest_ns <= 0)
			return 0;
		if (f->earliest_ns > last_ns)
			last_ns = f->earliest_ns;
	}
	return last_ns ? now_ns + last_ns : 0;
}

/** When the set under watch has been seen twice, and has held for long enough. */
static int64_t ripe_ns(const struct policy *p, int64_t patience_ns)
{
	int64_t twice_ns = p->since_ns + prove_patience_ns(p->assume, 0), held_ns = p->held_ns + patience_ns;

	return twice_ns > held_ns ? twice_ns : held_ns;
}

static void schedule(struct policy *p, int64_t now_ns, enum look look, int64_t patience_ns, int64_t over_ns)
{
	if (p->key && !(p->told && (p->told_proven || !p->provable))) { /* be there when the patience ends, and now and then before */
		int64_t ripe = ripe_ns(p, patience_ns);

		p->fast_at_ns = ripe > now_ns && ripe < now_ns + SLOW_GAP_NS ? ripe : now_ns + SLOW_GAP_NS;
		p->slow_at_ns = p->fast_at_ns;
		p->fast_gap_ns = FAST_GAP_NS;
		p->slow_gap_ns = SLOW_GAP_NS;
		return;
	}
	if (look == LOOK_FAST) {
		p->fast_at_ns = now_ns + p->fast_gap_ns;
		if (over_ns && over_ns + SETTLE_NS < p->fast_at_ns) /* nobody need have moved, and then there is something new */
			p->fast_at_ns = over_ns + SETTLE_NS;
		back_off(&p->fast_gap_ns, p->cost_ns);
	}
	p->slow_at_ns = now_ns + p->slow_gap_ns;
	back_off(&p->slow_gap_ns, p->cost_ns);
}

enum judgement policy_judge(struct policy *p, int64_t now_ns, enum look look, const struct snapshot *s, const struct proof *proof,
                            const pid_t *focus, size_t nfocus)
{
	bool provable = proof->whole && proof->root_stuck && !prove_soft(p->assume, proof->assumptions);
	int64_t moved_ns, all_moved_ns;
	uint64_t reach = stuck_key(s, proof, focus, nfocus, false, &moved_ns);
	uint64_t key = provable ? stuck_key(s, proof, focus, nfocus, true, &all_moved_ns) : reach;
	bool withdrawn = p->told && p->told_key != reach;
	int64_t patience_ns = prove_patience_ns(p->assume, proof->assumptions);

	p->looked_ns = p->slow_looked_ns = now_ns;
	p->slow_paid_ns = now_ns + fair_gap_ns(p->cost_ns);
	p->seed_until_ns = 0;
	if (withdrawn)
		p->told = p->told_proven = false;
	if (key != p->key || provable != p->provable) {
		p->key = key;
		p->provable = provable;
		p->since_ns = p->held_ns = now_ns;
		/* A suspicion may count what the passes have seen; a proof counts its own looks alone. */
		if (!provable && moved_ns && moved_ns < now_ns)
			p->held_ns = moved_ns;
	}
	schedule(p, now_ns, look, patience_ns, seeds_over_ns(proof, now_ns));
	if (withdrawn)
		return JUDGE_WITHDRAWN;
	if (!key)
		return JUDGE_NOTHING;
	if (p->told && p->told_proven == provable)
		return JUDGE_STANDS;
	/* A proof that turned softer (a new task of no concern) has been told already; it is not taken back for that. */
	if (p->told_proven || now_ns < ripe_ns(p, patience_ns))
		return p->told ? JUDGE_STANDS : JUDGE_WAIT;
	p->told = true;
	p->told_proven = provable;
	p->told_key = reach;
	return provable ? JUDGE_PROVEN : JUDGE_SUSPECTED;
}

void policy_take_back(struct policy *p)
{
	p->told = p->told_proven = false;
	p->key = 0;
}

void policy_pause(struct policy *p)
{
	p->key = 0;
	p->fast_at_ns = p->slow_at_ns = p->seed_until_ns = 0;
	p->fast_gap_ns = FAST_GAP_NS;
	p->slow_gap_ns = SLOW_GAP_NS;
}

int64_t policy_pass_period_ns(int64_t pass_cost_ns)
{
	int64_t period = pass_cost_ns * COST_SHARE;

	return period < PASS_LEAST_NS ? PASS_LEAST_NS : period > PASS_MOST_NS ? PASS_MOST_NS : period;
}
