/* Locks: futexes, private and shared, and locks on files. */
#include <string.h>

#include "prove/wait.h"

static bool is_futex(const struct wait *w)
{
	return w->op == WAIT_FUTEX;
}

static void join_wakers(struct look *l, pid_t tid)
{
	const struct task *t = snapshot_task(l->s, tid);

	if (!t || t->wait.op == WAIT_DEAD)
		look_live(l, "it joins a thread that has ended");
	else
		look_strong(l, NODE_TASK, (size_t)(t - l->s->tasks));
	look_end_of_idle(l, tid);
}

/** Whoever maps the page may wake, by whatever address. */
static void shared_futex_wakers(struct look *l, const struct wait *w)
{
	size_t number;

	look_leak(l);
	if (w->outside)
		look_live(l, "shared memory is in reach outside the tree");
	if (w->named) {
		look_weak(l, NODE_ANYONE, 0);
		look_assume(l, w->random ? ASSUME_NO_RANDOM_OPEN : ASSUME_NO_SHM_OPEN);
	}
	if (graph_mapped(l->g, w->key, &number))
		look_strong(l, NODE_MAPPED, number);
	else
		look_live(l, "nobody known maps the shared memory of its lock");
	if (l->g->w.any_dark)
		look_strong(l, NODE_DARK, 0);
	if (l->s->hidden_holders)
		look_assume(l, ASSUME_NO_HIDDEN_HOLDER);
}

/** The threads of the memory map, or the owner alone where the lock itself names one of them. */
static void private_futex_wakers(struct look *l, const struct wait *w)
{
	const struct task *owner = w->owner ? snapshot_task(l->s, w->owner) : NULL;
	bool known = owner && l->s->procs[owner->proc].vm == l->p->vm;

	if (known)
		look_strong(l, NODE_TASK, (size_t)(owner - l->s->tasks));
	else
		look_strong(l, NODE_MAP, graph_map_of(l->g, l->p));
	look_end_of_idle(l, known ? w->owner : 0);
}

/** Its timeout, 5 ms, ends nothing: it asks the holder to let go and waits on (take_gil() in CPython's Python/ceval_gil.c, 3.8 to 3.14).
 *  Who has the lock releases it; nobody else can. */
static void gil_wakers(struct look *l, const struct wait *w)
{
	const struct task *owner = w->owner ? snapshot_task(l->s, w->owner) : NULL;

	if (!owner || owner->wait.op == WAIT_DEAD || owner == l->t || l->s->procs[owner->proc].vm != l->p->vm)
		look_live(l, "it waits for the interpreter's lock, and who holds it is not known");
	else
		look_strong(l, NODE_TASK, (size_t)(owner - l->s->tasks));
}

static void futex_wakers(struct look *l, const struct wait *w)
{
	if (w->gil)
		gil_wakers(l, w);
	else if (w->join)
		join_wakers(l, w->join);
	else if (w->key)
		shared_futex_wakers(l, w);
	else
		private_futex_wakers(l, w);
}

const struct wait_class wait_futex = {"futex", is_futex, futex_wakers};

static bool is_flock(const struct wait *w)
{
	return w->op == WAIT_FLOCK;
}

/** The kernel's table names who took the lock, perhaps long gone; fdinfo names who holds the open file. The table counts only
 *  where fdinfo is silent, and anybody in it who is not of the tree may let go. */
static void table_wakers(struct look *l, const char *key)
{
	bool any = false;

	for (size_t i = 0; i < l->s->nlocks; i++) {
		const struct process *p;

		if (strcmp(l->s->locks[i].key, key) != 0)
			continue;
		p = snapshot_process(l->s, l->s->locks[i].pid);
		if (!p) {
			look_live(l, "the lock is held outside the tree");
			return;
		}
		any = true;
		look_process(l, p);
	}
	if (!any && !l->g->w.any_dark)
		look_live(l, "the lock is held outside the tree");
}

static void flock_wakers(struct look *l, const struct wait *w)
{
	size_t number;

	look_leak(l);
	if (!w->key)
		look_live(l, "the file of its lock is not known");
	else if (w->outside) /* beside the locks that the tree shows, of another kind (flock(2), fcntl_locking(2)) or range maybe */
		look_live(l, "the file is also locked outside the tree");
	else if (graph_locked(l->g, w->key, &number))
		look_strong(l, NODE_LOCKED, number);
	else
		table_wakers(l, w->key);
	if (l->g->w.any_dark)
		look_strong(l, NODE_DARK, 0);
}

const struct wait_class wait_flock = {"flock", is_flock, flock_wakers};
