/* The kind of a finding and its culprits, from the roles in the cause. */
#include <stdlib.h>

#include "prove/explain.h"

static void blame(struct explaining *x, pid_t pid)
{
	vec_push(&x->culprits, pid);
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

static void sort_culprits(struct explaining *x)
{
	size_t kept = 0;

	if (x->culprits.n)
		qsort(x->culprits.at, x->culprits.n, sizeof *x->culprits.at, compare_pids);
	for (size_t i = 0; i < x->culprits.n; i++)
		if (kept == 0 || x->culprits.at[kept - 1] != x->culprits.at[i])
			x->culprits.at[kept++] = x->culprits.at[i];
	x->culprits.n = kept;
}

/** Those of the cause whose role is the best, or all of them. */
static void blame_cause(struct explaining *x, bool all)
{
	for (size_t i = 0; i < x->cause.n; i++) {
		size_t t = x->cause.at[i];

		if (all || x->roles[t] == x->best)
			blame(x, x->s->tasks[t].pid);
	}
}

/* ---- end of file ---- */

/** Task T waits for process PID to end and for nothing else, by wait4 or on pidfds alone. */
static bool task_waits_for_end(struct explaining *x, size_t t, pid_t pid)
{
	const struct wait *w = &x->s->tasks[t].wait;
	leaves_vec leaves = {0};
	bool waits = false;

	for (size_t i = 0; w->op == WAIT_CHILD && i < w->npids; i++)
		waits |= w->pids[i] == pid;
	if (w->op == WAIT_FDS && x->roles[t] == ROLE_CHILD)
		explain_leaves(x, w, &leaves);
	for (size_t i = 0; i < leaves.n; i++)
		waits |= x->s->objects[leaves.at[i].object].pid == pid;
	vec_free(&leaves);
	return waits;
}

static bool waits_for_child(struct explaining *x, const struct process *p, pid_t pid)
{
	for (size_t t = p->first_task; t < p->first_task + p->ntasks; t++)
		if (task_waits_for_end(x, t, pid))
			return true;
	return false;
}

/** Blame those who hold the writing end of PIPE, but for process ONLY_NOT. */
static void blame_holders(struct explaining *x, int pipe, int only_not)
{
	for (size_t h = x->w.hold_first[pipe]; h < x->w.hold_first[pipe + 1]; h++)
		if (x->w.holds[h].ends & END_WRITE && x->w.holds[h].proc != only_not)
			blame(x, x->s->procs[x->w.holds[h].proc].pid);
}

/** Whoever keeps the end of PIPE from the reader. With a second reader that is every holder, and a third says nothing new: so a
 *  crowd that reads one pipe costs its number. SPARED: of an object the first reader's process + 1, or -1. */
static void blame_writers(struct explaining *x, int pipe, int reader, int *spared)
{
	if (spared[pipe] == 0) {
		blame_holders(x, pipe, reader);
		spared[pipe] = reader + 1;
	} else if (spared[pipe] > 0 && spared[pipe] != reader + 1) {
		blame_holders(x, pipe, -1);
		spared[pipe] = -1;
	}
}

static bool has_other_writer(const struct explaining *x, int pipe, int proc)
{
	for (size_t h = x->w.hold_first[pipe]; h < x->w.hold_first[pipe + 1]; h++)
		if (x->w.holds[h].ends & END_WRITE && x->w.holds[h].proc != proc)
			return true;
	return false;
}

/** A read of descriptor 0, and all who could feed it wait for the reader to end: it may be a prompt. */
static bool is_prompt(struct explaining *x, const struct leaf *leaf, const struct task *reader)
{
	if (leaf->fd != 0 || !has_other_writer(x, leaf->object, reader->proc))
		return false;
	for (size_t h = x->w.hold_first[leaf->object]; h < x->w.hold_first[leaf->object + 1]; h++) {
		const struct hold *hold = &x->w.holds[h];

		if (hold->ends & END_WRITE && hold->proc != reader->proc &&
		    !waits_for_child(x, &x->s->procs[hold->proc], reader->pid))
			return false;
	}
	return true;
}

/** Blame for one reader. A loop's own pipe to itself is how it is woken; any other reader that alone holds the writing end
 *  keeps the end away from itself. @return it may be a prompt. */
static bool explain_reader(struct explaining *x, const struct task *t, int *spared)
{
	leaves_vec leaves = {0};
	bool prompt = false;

	explain_leaves(x, &t->wait, &leaves);
	for (size_t k = 0; k < leaves.n; k++) {
		const struct leaf *leaf = &leaves.at[k];

		if (x->s->objects[leaf->object].kind != OBJECT_PIPE || !(leaf->way & END_READ))
			continue;
		if (has_other_writer(x, leaf->object, t->proc))
			blame_writers(x, leaf->object, t->proc, spared);
		else if (leaves.n == 1)
			blame(x, t->pid);
		prompt |= is_prompt(x, leaf, t);
	}
	vec_free(&leaves);
	return prompt;
}

static void explain_eof(struct explaining *x)
{
	int *spared = arena_array(x->scratch, x->s->nobjects, sizeof *spared);
	size_t members = 0;
	pid_t prompt = 0;

	for (size_t i = 0; i < x->cause.n; i++) {
		const struct task *t = &x->s->tasks[x->cause.at[i]];

		if (x->roles[x->cause.at[i]] != x->best)
			continue;
		members++;
		if (explain_reader(x, t, spared))
			prompt = t->pid;
	}
	x->kind = FINDING_PIPE_EOF;
	if (!prompt || members != 1)
		return;
	x->kind = FINDING_TTY;
	x->prompt = true;
	x->culprits.n = 0;
	blame(x, prompt);
}

/* ---- sockets ---- */

static bool waits_over_socket(const struct explaining *x, size_t t)
{
	return x->roles[t] == ROLE_SOCKET || x->roles[t] == ROLE_LOOP_SOCKET;
}

/** Who waits over a socket for one of them may owe the message: that can't be known, so all are named. */
static void explain_socket(struct explaining *x)
{
	bool *ring = arena_array(x->scratch, x->s->ntasks, sizeof *ring);
	bool more = true;

	for (size_t i = 0; i < x->cause.n; i++)
		ring[x->cause.at[i]] = x->roles[x->cause.at[i]] == x->best;
	while (more) {
		more = false;
		for (size_t i = x->reach.n; i-- > 0;) { /* backwards: those who wait were reached before whom they wait for */
			size_t t = x->reach.at[i];

			if (ring[t] || !waits_over_socket(x, t))
				continue;
			for_each_edge(u, x->p, t)
				ring[t] |= ring[*u];
			more |= ring[t];
		}
	}
	for (size_t i = 0; i < x->reach.n; i++)
		if (ring[x->reach.at[i]])
			blame(x, x->s->tasks[x->reach.at[i]].pid);
	x->kind = FINDING_SOCKET;
}

/* ---- the others ---- */

/** When all wait for locks of one process it is that process, else those who wait for locks and not those in wait4. */
static void explain_lock(struct explaining *x)
{
	bool all_futex = true;

	for (size_t i = 0; i < x->cause.n; i++)
		all_futex &= x->s->tasks[x->cause.at[i]].wait.op == WAIT_FUTEX;
	blame_cause(x, all_futex);
	x->kind = FINDING_LOCK;
}

/** Roles of those outside the cause who wait for it, as bits. */
static unsigned roles_into_cause(const struct explaining *x)
{
	unsigned roles = 0;

	for (size_t i = 0; i < x->reach.n; i++) {
		size_t t = x->reach.at[i];

		if (x->in_cause[t])
			continue;
		for_each_edge(u, x->p, t)
			if (x->in_cause[*u])
				roles |= 1u << x->roles[t];
	}
	return roles;
}

/** Nobody of the cause will ever read what these write. */
static void explain_unread(struct explaining *x)
{
	x->culprits.n = 0;
	for (size_t i = 0; i < x->reach.n; i++) {
		size_t t = x->reach.at[i];
		bool into = false;

		for_each_edge(u, x->p, t)
			into |= x->in_cause[*u];
		if (into && x->roles[t] == ROLE_FULL)
			blame(x, x->s->tasks[t].pid);
	}
	x->kind = FINDING_PIPE_FULL;
}

/** A sink that says nothing by itself has its kind from the edge by which it is reached. */
static void explain_sink(struct explaining *x)
{
	unsigned via = roles_into_cause(x);

	blame_cause(x, true);
	x->kind = FINDING_DEADLOCK;
	if ((x->best == ROLE_CHILD || x->best == ROLE_LOOP_CHILD) && x->cause.n > 1)
		return;
	if (via & 1u << ROLE_FULL)
		explain_unread(x);
	else if (via & (1u << ROLE_EOF | 1u << ROLE_LOOP_EOF))
		x->kind = FINDING_PIPE_EOF;
	else if (via & (1u << ROLE_SOCKET | 1u << ROLE_LOOP_SOCKET))
		x->kind = FINDING_SOCKET;
	else if (via & 1u << ROLE_LOCK)
		x->kind = FINDING_LOCK;
	else if (via & (1u << ROLE_CHILD | 1u << ROLE_LOOP_CHILD))
		x->kind = FINDING_CHILD_WAIT;
}

static void explain_members(struct explaining *x, enum finding_kind kind)
{
	blame_cause(x, false);
	x->kind = kind;
}

void explain_kind(struct explaining *x)
{
	switch (x->best) {
	case ROLE_FULL: explain_members(x, FINDING_PIPE_FULL); break;
	case ROLE_TTY:
	case ROLE_TTY_READ: explain_members(x, FINDING_TTY); break;
	case ROLE_STOPPED: explain_members(x, FINDING_STOPPED); break;
	case ROLE_FORK_LOCK: explain_members(x, FINDING_FORK_LOCK); break;
	case ROLE_LOCK:
	case ROLE_JOIN:
	case ROLE_GIL: explain_lock(x); break;
	case ROLE_EOF:
	case ROLE_LOOP_EOF: explain_eof(x); break;
	case ROLE_SOCKET:
	case ROLE_LOOP_SOCKET: explain_socket(x); break;
	case ROLE_SIGNAL:
	case ROLE_CHILD:
	case ROLE_LOOP_CHILD:
	case ROLE_LOOP:
	case ROLE_OTHER:
	case ROLE_COUNT: explain_sink(x); break;
	}
	sort_culprits(x);
}
