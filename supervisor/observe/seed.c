/* A cheap reason why nothing can be proven now: some task that runs, sleeps for a while, or waits for what is not known. */
#include <stdio.h>
#include <string.h>

#include "observe/state.h"

struct seed {
	const struct seen_process *p;
	const struct look *look; /* NULL: P is hidden */
	pid_t tid;
	const char *words;
	int64_t until_ns; /* 0: not known */
};

static const char *verb(const struct look *l)
{
	switch (l->op) {
	case WAIT_SLEEP:
		return "sleeps";
	case WAIT_FDS:
		return "waits for descriptors";
	case WAIT_FUTEX:
		return "waits for a lock";
	case WAIT_SIGNAL:
		return "waits for a signal";
	case WAIT_RUN:
	case WAIT_CHILD:
	case WAIT_VFORK:
	case WAIT_FLOCK:
	case WAIT_STOPPED:
	case WAIT_TRACED:
	case WAIT_DEAD:
		break;
	}
	return "waits";
}

/** False: T may be stuck, for all that it tells by itself. */
static bool seed_of_task(struct observe *ob, struct seen_process *p, struct seen_task *t, int64_t now_ns, int64_t horizon_ns,
			 struct seed *out)
{
	const struct look *l = &t->look;

	*out = (struct seed){.p = p, .look = l, .tid = t->tid, .words = "runs"};
	if (known_holder(p, t) || known_idle(t))
		return false;
	if (t->moved_ns == now_ns)
		return true;
	look_task(ob, p, t);
	if (!l->valid || l->op == WAIT_RUN) {
		out->words = l->why ? l->why : "runs";
		return true;
	}
	if (l->deadline_ns == NEVER_NS || l->deadline_ns - now_ns > horizon_ns)
		return false;
	out->words = verb(l);
	out->until_ns = l->deadline_ns > now_ns ? l->deadline_ns : now_ns;
	return true;
}

/** By its name when its task was looked at: exec may have changed the one that it was found by. */
static bool may_run_tests(const struct observe *ob, const struct seen_task *t)
{
	return t->tid == ob->opt.root || strncmp(t->look.comm, "py", 2) == 0;
}

bool observe_any_focus(struct observe *ob, int64_t now_ns, int64_t horizon_ns)
{
	struct seed seed;

	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];
		struct seen_task *main = p->tasks.n ? &p->tasks.at[0] : NULL; /* tids ascend */

		if (main && !seed_of_task(ob, p, main, now_ns, horizon_ns, &seed) && may_run_tests(ob, main))
			return true;
	}
	return false;
}

/** The better of two: without an end first, then the later end. */
static bool outlasts(const struct seed *a, const struct seed *b)
{
	return !b->words || (b->until_ns && (!a->until_ns || a->until_ns > b->until_ns));
}

static struct seed find_seed(struct observe *ob, int64_t now_ns, int64_t horizon_ns)
{
	struct seed best = {0}, one;

	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];

		if (p->tasks.n == 0)
			return (struct seed){.p = p, .tid = p->pid, .words = "is hidden"};
		for (size_t k = 0; k < p->tasks.n; k++) {
			if (seed_of_task(ob, p, &p->tasks.at[k], now_ns, horizon_ns, &one) && outlasts(&one, &best))
				best = one;
			if (best.words && !best.until_ns)
				return best; /* no need to look further */
		}
	}
	return best;
}

const char *observe_seed(struct observe *ob, int64_t now_ns, int64_t horizon_ns, int64_t *until_ns, char *buf, size_t size)
{
	struct seed seed = find_seed(ob, now_ns, horizon_ns);
	char comm[sizeof seed.p->stat.comm];

	*until_ns = seed.until_ns;
	if (!seed.words)
		return NULL;
	snprintf(comm, sizeof comm, "%s", seed.look && *seed.look->comm ? seed.look->comm : seed.p->stat.comm);
	text_clean(comm, strlen(comm));
	if (seed.until_ns)
		snprintf(buf, size, "%s[%d] %s, up to %.1f s", comm, seed.tid, seed.words,
			 (double)(seed.until_ns - now_ns) / (double)NS_PER_S);
	else
		snprintf(buf, size, "%s[%d] %s", comm, seed.tid, seed.words);
	return buf;
}
