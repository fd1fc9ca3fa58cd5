/* What the wait of a task is, in the vocabulary of roles. */
#include <string.h>

#include "prove/explain.h"

/** One object that is waited for, or the sets that it leads to; each set is opened once a wait. */
void explain_leaves(struct explaining *x, const struct wait *w, leaves_vec *out)
{
	leaves_vec todo = {0};

	x->opening++;
	for (size_t i = w->op == WAIT_FDS ? w->non : 0; i-- > 0;)
		vec_push(&todo, (struct leaf){w->on[i].object, w->on[i].fd, w->on[i].way});
	while (todo.n) {
		struct leaf leaf = todo.at[--todo.n];
		const struct object *o;

		if (leaf.object < 0 || (size_t)leaf.object >= x->s->nobjects)
			continue;
		o = &x->s->objects[leaf.object];
		if (o->kind != OBJECT_EPOLL) {
			vec_push(out, leaf);
			continue;
		}
		if (x->opened[leaf.object] == x->opening)
			continue;
		x->opened[leaf.object] = x->opening;
		for (size_t i = o->nwatch; i-- > 0;)
			vec_push(&todo, (struct leaf){o->watch[i].object, leaf.fd, o->watch[i].way});
	}
	vec_free(&todo);
}

bool explain_held_elsewhere(const struct explaining *x, int object, unsigned ends, int proc)
{
	for (size_t p = 0; x->w.any_dark && p < x->s->nprocs; p++)
		if (x->w.dark[p] && (int)p != proc)
			return true;
	if (object < 0 || (size_t)object >= x->s->nobjects)
		return false;
	for (size_t h = x->w.hold_first[object]; h < x->w.hold_first[object + 1]; h++)
		if (x->w.holds[h].proc != proc && x->w.holds[h].ends & ends)
			return true;
	return false;
}

static bool is_socket(const struct object *o)
{
	return o->kind == OBJECT_UNIX || o->kind == OBJECT_TCP || o->kind == OBJECT_UDP;
}

static enum role role_of_single(const struct explaining *x, const struct task *t, const struct leaf *leaf)
{
	const struct object *o = &x->s->objects[leaf->object];
	bool loop = t->wait.why && strncmp(t->wait.why, "epoll", 5) == 0;

	if (o->kind == OBJECT_PIPE)
		return leaf->way == END_WRITE ? ROLE_FULL : ROLE_EOF;
	if (o->kind == OBJECT_PTY)
		return leaf->way == END_WRITE ? ROLE_FULL : ROLE_TTY_READ;
	if (is_socket(o)) {
		if (leaf->way == END_WRITE)
			return ROLE_FULL;
		return loop && !explain_held_elsewhere(x, o->peer, END_BOTH, t->proc) ? ROLE_LOOP : ROLE_SOCKET;
	}
	if (o->kind == OBJECT_PIDFD)
		return ROLE_CHILD;
	return o->kind == OBJECT_SIGNALFD ? ROLE_SIGNAL : ROLE_LOOP;
}

static enum role role_of_many(const struct explaining *x, const struct task *t, const leaves_vec *leaves)
{
	size_t pidfds = 0;
	bool socket = false, pipe = false;

	for (size_t i = 0; i < leaves->n; i++) {
		int index = leaves->at[i].object;
		const struct object *o = &x->s->objects[index];

		pidfds += o->kind == OBJECT_PIDFD;
		if (is_socket(o) && o->peer >= 0 && !socket)
			socket = explain_held_elsewhere(x, o->peer, END_BOTH, t->proc);
		if (o->kind == OBJECT_PIPE && !pipe)
			pipe = explain_held_elsewhere(x, index, END_WRITE, t->proc);
	}
	if (pidfds)
		return pidfds == leaves->n ? ROLE_CHILD : ROLE_LOOP_CHILD;
	if (socket)
		return ROLE_LOOP_SOCKET;
	return pipe ? ROLE_LOOP_EOF : ROLE_LOOP;
}

static enum role role_of_fds(struct explaining *x, const struct task *t)
{
	leaves_vec leaves = {0};
	enum role role;

	explain_leaves(x, &t->wait, &leaves);
	role = leaves.n == 1 ? role_of_single(x, t, &leaves.at[0]) : role_of_many(x, t, &leaves);
	vec_free(&leaves);
	return role;
}

/** A private futex in a process that runs its parent's image, and nobody here to let go: it is the only thread, or the word in
 *  the lock names a thread of another process. The holder stayed behind in the parent when it forked. */
static bool is_fork_lock(const struct explaining *x, const struct task *t)
{
	const struct process *p = &x->s->procs[t->proc];
	const struct wait *w = &t->wait;
	const struct task *owner = w->owner_word ? snapshot_task(x->s, w->owner_word) : NULL;
	size_t living = 0;

	if (w->key || w->join || w->gil || !p->forked)
		return false;
	for (size_t i = p->first_task; i < p->first_task + p->ntasks; i++)
		living += x->s->tasks[i].wait.op != WAIT_DEAD;
	return living == 1 || (w->owner_word && (!owner || owner->pid != t->pid));
}

enum role explain_role(struct explaining *x, size_t task)
{
	const struct task *t = &x->s->tasks[task];

	if (t->wait.idle) /* nobody waits for it */
		return ROLE_OTHER;
	switch (t->wait.op) {
	case WAIT_FDS: return role_of_fds(x, t);
	case WAIT_FUTEX:
		if (is_fork_lock(x, t))
			return ROLE_FORK_LOCK;
		if (t->wait.gil) /* the wait of its holder is the better cause */
			return ROLE_GIL;
		return t->wait.join ? ROLE_JOIN : ROLE_LOCK;
	case WAIT_FLOCK: return ROLE_LOCK;
	case WAIT_STOPPED: return t->wait.tty ? ROLE_TTY : ROLE_STOPPED;
	case WAIT_SIGNAL: return ROLE_SIGNAL;
	case WAIT_CHILD:
	case WAIT_VFORK:
	case WAIT_TRACED: return ROLE_CHILD;
	case WAIT_RUN:
	case WAIT_SLEEP:
	case WAIT_DEAD: break;
	}
	return ROLE_OTHER;
}
