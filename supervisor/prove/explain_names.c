/* Does the cause itself wait for whoever comes to an address? Then somebody outside the tree may be just who is waited for, and there is no
 * proof. A loop of a victim that watches a listener among other things is none of that: its way on is the cause's to open.
 *
 * Asked only where some stuck task watches a name that outsiders can reach. Then a private name is no better: who comes to it may be one of
 * the tree, on behalf of an outsider. */
#include "prove/explain.h"

/** T waits, alone or among other things, for whoever comes. */
static bool is_open(struct explaining *x, size_t t)
{
	leaves_vec leaves = {0};
	bool found = false;

	explain_leaves(x, &x->s->tasks[t].wait, &leaves);
	for (size_t i = 0; i < leaves.n && !found; i++)
		found = x->s->objects[leaves.at[i].object].listener || x->s->objects[leaves.at[i].object].datagram;
	vec_free(&leaves);
	return found;
}

static bool *list_open(struct explaining *x)
{
	bool *open = arena_array(x->scratch, x->s->ntasks, sizeof *open);

	for (size_t i = 0; i < x->cause.n; i++)
		open[x->cause.at[i]] = is_open(x, x->cause.at[i]);
	return open;
}

/** U is one of those for whom T waits to let go of a lock. Who holds the lock on a file is known: with other processes to wait for as well,
 *  its listener is but one more thing. Behind a futex there may be work that is to come, from any thread that has it. */
static bool may_let_go(const struct explaining *x, size_t t, size_t u)
{
	return x->s->tasks[t].wait.op == WAIT_FUTEX || x->roles[u] == ROLE_SOCKET || x->roles[u] == ROLE_LOOP;
}

static bool lock_awaits(const struct explaining *x, const bool *open)
{
	for (size_t i = 0; i < x->cause.n; i++) {
		size_t t = x->cause.at[i];

		if (x->roles[t] != ROLE_LOCK)
			continue;
		for_each_edge(u, x->p, t)
			if (open[*u] && may_let_go(x, t, *u))
				return true;
	}
	return false;
}

static bool any_open(const struct explaining *x, const bool *open)
{
	for (size_t i = 0; i < x->cause.n; i++)
		if (open[x->cause.at[i]])
			return true;
	return false;
}

/** Those whose wait gives the cause its kind decide. Room in a pipe is its readers' to make, and a lock its holders' to let go. A signal is
 *  anybody's to send. A message, or an end, may come of what anybody of the cause is sent. */
static bool cause_awaits(struct explaining *x)
{
	const bool *open = list_open(x);

	switch (x->best) {
	case ROLE_FULL:
	case ROLE_FORK_LOCK:
	case ROLE_TTY:
	case ROLE_STOPPED: return false;
	case ROLE_LOCK: return lock_awaits(x, open);
	case ROLE_SIGNAL: return true;
	case ROLE_EOF:
	case ROLE_TTY_READ:
	case ROLE_SOCKET:
	case ROLE_LOOP_SOCKET:
	case ROLE_LOOP_EOF:
	case ROLE_JOIN:
	case ROLE_GIL:
	case ROLE_CHILD:
	case ROLE_LOOP_CHILD:
	case ROLE_LOOP:
	case ROLE_OTHER:
	case ROLE_COUNT: break;
	}
	return any_open(x, open);
}

unsigned explain_awaits(struct explaining *x)
{
	return x->p->assumptions & ASSUME_NO_OUTSIDE_CONNECT && cause_awaits(x) ? ASSUME_NOBODY_AWAITED : 0;
}
