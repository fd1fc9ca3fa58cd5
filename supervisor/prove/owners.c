/* What locks tell of themselves narrows who could wake a waiter. */
#include "prove/prove.h"

/** Only the owner may release these: an RLock by its documentation, a mutex by POSIX (pthread_mutex_unlock(3p)). */
static bool binds_its_owner(enum lock_kind kind)
{
	return kind == LOCK_RLOCK || kind == LOCK_MUTEX;
}

/** The one exact owner, a thread of the waiter's process; 0: there is none. */
static pid_t owner_of(const struct task *t, const struct lock_wait *l)
{
	if (l->nowners != 1 || !l->owners[0].exact || l->owners[0].pid != t->pid || l->owners[0].tid == t->tid)
		return 0;
	return l->owners[0].tid;
}

static void take_owner(struct task *t, const struct stack *stack)
{
	pid_t owner;

	if (t->wait.op != WAIT_FUTEX || t->wait.key || stack->quality == STACK_NONE || stack->quality == STACK_MOVING)
		return;
	if (!t->runs || stack->runs != t->runs)
		return;
	owner = owner_of(t, &stack->lock);
	if (owner && binds_its_owner(stack->lock.kind))
		t->wait.owner = owner;
	else if (owner && stack->lock.kind == LOCK_JOIN)
		t->wait.join = owner;
}

void prove_owners(struct snapshot *s)
{
	for (size_t i = 0; i < s->ntasks; i++) {
		struct task *t = &s->tasks[i];
		const struct stack *stack = stacks_of_thread(s->procs[t->proc].stacks, t->tid);

		if (stack)
			take_owner(t, stack);
	}
}
