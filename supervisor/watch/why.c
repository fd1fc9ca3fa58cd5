/* `tracewrap why PID`: the verdict on a tree that others have begun. Nothing is changed, nobody is signalled. */
#include <errno.h>

#include "watch/sight.h"

/* How long to look at a tree that gives no verdict: what is only suspected takes two seconds. */
#define LOOK_LIMIT_NS (8 * NS_PER_S)
/* A tree of which two looks so far apart have seen somebody who may move is alive. */
#define ALIVE_AFTER_NS (1 * NS_PER_S)
#define LOOK_AGAIN_NS (500 * NS_PER_MS)
enum { LAST_TRIES = 20 };

struct asking {
	struct run r;
	struct why *out;
	int64_t began_ns, looked_ns, alive_since_ns; /* 0: the last look did not say so */
};

static void keep(struct asking *a, struct sight *sight, struct finding *f)
{
	snapshot_free(a->out->snapshot);
	proof_free(a->out->proof);
	finding_free(a->out->finding);
	a->out->snapshot = sight->snapshot;
	a->out->proof = sight->proof;
	a->out->finding = f;
	sight->snapshot = NULL;
	sight->proof = NULL;
}

/** Is PID an ancestor of the root, whose parent is PARENT? Init is. */
static bool is_above(pid_t pid, pid_t parent)
{
	struct process_facts f;

	for (int steps = 0; parent > 1 && steps < 1000; steps++) {
		if (parent == pid)
			return true;
		if (!observe_facts(parent, &f))
			return false;
		parent = f.parent;
	}
	return pid == 1;
}

/** A daemon is its parent's child no more, but that of whoever takes orphans above. One that holds what the tree waits for, and began after
 *  it, is taken for a part of it: that can only put a proof off. @return whether there was one. */
static bool take_in_orphans(struct asking *a, const struct snapshot *s)
{
	const struct process *root = snapshot_process(s, s->root);
	const pid_t *pids;
	size_t n = observe_strangers(a->r.observe, &pids), taken = 0;
	struct process_facts f;

	for (size_t i = 0; root && i < n; i++) {
		if (!observe_facts(pids[i], &f) || f.start_ticks < root->start_ticks || !is_above(f.parent, root->ppid))
			continue;
		observe_add(a->r.observe, f.pid, sys_monotonic_ns());
		taken++;
	}
	return taken > 0;
}

/** @return true: there is a verdict. */
static bool judge(struct asking *a, struct sight *sight, enum look kind, int64_t now_ns)
{
	enum judgement j = policy_judge(&a->r.policy, now_ns, kind, sight->snapshot, sight->proof, sight->focus.at, sight->focus.n);
	struct finding *f;

	if ((j == JUDGE_NOTHING || j == JUDGE_WITHDRAWN) && take_in_orphans(a, sight->snapshot)) {
		a->alive_since_ns = 0;
		return false;
	}
	if (j == JUDGE_NOTHING || j == JUDGE_WITHDRAWN) {
		if (!a->alive_since_ns)
			a->alive_since_ns = now_ns;
		keep(a, sight, NULL);
		return now_ns - a->alive_since_ns >= ALIVE_AFTER_NS;
	}
	a->alive_since_ns = 0;
	if (j != JUDGE_PROVEN && j != JUDGE_SUSPECTED)
		return false;
	f = sight_find(&a->r, sight, j == JUDGE_PROVEN ? PROVEN : SUSPECTED);
	if (!f) {
		policy_take_back(&a->r.policy);
		return false;
	}
	keep(a, sight, f);
	return true;
}

static bool take_look(struct asking *a, enum look kind, int64_t now_ns)
{
	struct sight sight = {0};
	bool done = false;

	a->looked_ns = now_ns;
	if (sight_take(&a->r, &sight, now_ns, a->r.opt->horizon_ns, false)) {
		policy_lost_snapshot(&a->r.policy, now_ns);
	} else {
		if (!sight.proof->whole)
			sight_widen(&a->r, &sight);
		done = judge(a, &sight, kind, now_ns);
	}
	sight_free(&sight);
	return done;
}

/** A tree that never stands still for a look, or that a known timer spares one: how is it now? */
static int last_look(struct asking *a)
{
	int rc = OBSERVE_MOVED;

	for (int i = 0; i < LAST_TRIES && rc == OBSERVE_MOVED; i++) {
		struct sight sight = {0};

		rc = sight_take(&a->r, &sight, sys_monotonic_ns(), a->r.opt->horizon_ns, true);
		if (rc == 0)
			keep(a, &sight, NULL);
		sight_free(&sight);
	}
	return rc;
}

static enum look which_look(struct asking *a, int64_t now_ns)
{
	enum look kind = policy_look(&a->r.policy, &a->r.pass, now_ns);

	if (look_may_be_still(&a->r, kind, now_ns))
		return LOOK_FAST;
	/* Here each look is worth its price: what moves all the time is seen to by the second. */
	return kind != LOOK_NOT || now_ns - a->looked_ns >= LOOK_AGAIN_NS ? LOOK_SLOW : LOOK_NOT;
}

static int ask(struct asking *a, struct err *err)
{
	int64_t now_ns = a->began_ns;

	while (now_ns - a->began_ns < LOOK_LIMIT_NS) {
		int rc = observe_pass(a->r.observe, now_ns, NULL, &a->r.pass, err);

		if (rc < 0)
			return rc;
		if (a->r.pass.nprocs == 0)
			return err_set(err, -ESRCH, "it has ended");

		enum look kind = which_look(a, now_ns);

		if (kind != LOOK_NOT && take_look(a, kind, now_ns))
			return 0;
		sys_sleep_ns(policy_pass_period_ns(0));
		now_ns = sys_monotonic_ns();
	}
	if (last_look(a) == 0)
		return 0;
	a->out->unsteady = true;
	return 0;
}

int watch_why(pid_t pid, const struct watch_options *opt, struct why *out, struct err *err)
{
	struct asking a = {.r = {.opt = opt}, .out = out, .began_ns = sys_monotonic_ns(), .looked_ns = sys_monotonic_ns()};
	struct observe_options how = {.supervisor = getpid(), .root = pid, .from_outside = true, .timers_before = ""};
	int rc = observe_open(&how, &a.r.observe, err);

	*out = (struct why){0};
	if (rc)
		return rc;
	policy_begin(&a.r.policy, opt->assume);
	rc = ask(&a, err);
	observe_close(a.r.observe);
	stacks_close(&a.r);
	return rc;
}

void why_free(struct why *w)
{
	snapshot_free(w->snapshot);
	proof_free(w->proof);
	finding_free(w->finding);
	*w = (struct why){0};
}
