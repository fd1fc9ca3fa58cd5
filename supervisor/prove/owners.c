/* What locks tell of themselves narrows who could wake a waiter. */
#include "prove/wait.h"

#include <string.h>

/** Only the owner may release these: an RLock by its documentation, a mutex by POSIX (pthread_mutex_unlock(3p)). */
static bool binds_its_owner(enum lock_kind kind)
{
	return kind == LOCK_RLOCK || kind == LOCK_MUTEX;
}

pid_t prove_gil_holder(const struct process_stacks *p, const struct stack *s)
{
	const struct lock_wait *l = &s->lock;

	if (p->free_threaded || l->kind != LOCK_GIL || l->nowners != 1 || !l->owners[0].exact || !l->only_owners)
		return 0;
	return l->owners[0].tid == s->tid ? 0 : l->owners[0].tid;
}

/* Threads of libraries whose wait for work has a timeout, after which the thread takes itself off the list of the idle and returns: that is
 * all; or looks at a flag that only another thread sets, and waits again. Named as python/service.c knows them, by their stack.
 * trio/_core/_thread_cache.py, WorkerThread._work: 10 s. multiprocessing/managers.py, Server.serve_forever (3.6 to 3.14): `while not
 * stop_event.is_set(): stop_event.wait(1)`. Pools that wait without a timeout (concurrent.futures, anyio) need no row. */
static const struct {
	const char *service;
	bool again;
} idle_waits[] = {{"trio thread without work", false}, {"multiprocessing manager", true}};

bool idle_ends(const char *idle)
{
	for (size_t i = 0; i < sizeof idle_waits / sizeof *idle_waits; i++)
		if (strcmp(idle, idle_waits[i].service) == 0)
			return !idle_waits[i].again;
	return true;
}

const char *prove_idle(const struct stack *s, bool *again)
{
	*again = false;
	if (s->quality != STACK_EXACT || !s->service)
		return NULL;
	for (size_t i = 0; i < sizeof idle_waits / sizeof *idle_waits; i++) {
		if (strcmp(s->service, idle_waits[i].service) != 0)
			continue;
		*again = idle_waits[i].again;
		return idle_waits[i].service;
	}
	return NULL;
}

/** The one exact owner, a thread of the waiter's process; 0: there is none. */
static pid_t owner_of(const struct task *t, const struct lock_wait *l)
{
	if (!l->only_owners || l->nowners != 1 || !l->owners[0].exact || l->owners[0].pid != t->pid || l->owners[0].tid == t->tid)
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
