/* Does the cause itself wait for whoever comes to an address? Then somebody outside the tree may be just who is waited for, and there is no
 * proof. A loop of a victim that watches a listener among other things is none of that: its way on is the cause's to open. */
#include "prove/explain.h"

/** T waits, alone or among other things, at a name that somebody outside the tree can reach. */
static bool is_reachable(struct explaining *x, size_t t)
{
	leaves_vec leaves = {0};
	bool found = false;

	explain_leaves(x, &x->s->tasks[t].wait, &leaves);
	for (size_t i = 0; i < leaves.n && !found; i++) {
		const struct object *o = &x->s->objects[leaves.at[i].object];

		found = (o->listener || o->datagram) && !o->private;
	}
	vec_free(&leaves);
	return found;
}

/** What such a one lacks is in the hands of the processes that the wait names: room, the terminal, a signal to go on. */
static bool is_resource(enum role role)
{
	return role == ROLE_FULL || role == ROLE_TTY || role == ROLE_STOPPED || role == ROLE_FORK_LOCK;
}

/** U is one of those for whom T waits to let go of a lock. Who holds the lock on a file is known: with other processes to wait for as well,
 *  its listener is but one more thing. Behind a futex there may be work that is to come, from any thread that has it. */
static bool may_let_go(const struct explaining *x, size_t t, size_t u)
{
	enum role role = x->roles[u];

	return x->s->tasks[t].wait.op == WAIT_FUTEX || role == ROLE_SOCKET || role == ROLE_LOOP || role == ROLE_OTHER;
}

static bool *list_reachable(struct explaining *x)
{
	bool *reachable = arena_array(x->scratch, x->s->ntasks, sizeof *reachable);

	for (size_t i = 0; i < x->cause.n; i++)
		reachable[x->cause.at[i]] = is_reachable(x, x->cause.at[i]);
	return reachable;
}

static bool lock_awaits(const struct explaining *x, size_t t, const bool *reachable)
{
	for_each_edge(u, x->p, t)
		if (reachable[*u] && may_let_go(x, t, *u))
			return true;
	return false;
}

/** Those whose wait gives the cause its kind decide, for a resource and for a lock; a message, or an end, may come of whatever anybody of
 *  the cause is sent. */
static bool cause_awaits(struct explaining *x)
{
	const bool *reachable = list_reachable(x);

	for (size_t i = 0; i < x->cause.n; i++) {
		size_t t = x->cause.at[i];
		bool defines = x->roles[t] == x->best;

		if (reachable[t] && (defines || !(is_resource(x->best) || x->best == ROLE_LOCK)))
			return true;
		if (defines && x->best == ROLE_LOCK && lock_awaits(x, t, reachable))
			return true;
	}
	return false;
}

unsigned explain_awaits(struct explaining *x)
{
	return x->p->assumptions & ASSUME_NO_OUTSIDE_CONNECT && cause_awaits(x) ? ASSUME_NOBODY_AWAITED : 0;
}
