/* Who holds what, in the words of the model: what python_locks() says of each process, the C library's own locks, and semaphores that
 * several processes have.
 */
#include <linux/futex.h>

#include "parse/parse.h"
#include "stacks/locks.h"
#include "stacks/locks_state.h"

bool locks_futex(const uint64_t args[6], struct futex_call *out)
{
	uint32_t command = (uint32_t)args[1] & FUTEX_CMD_MASK;

	*out = (struct futex_call){.word = args[0], .op = (uint32_t)args[1], .value = (uint32_t)args[2]};
	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
}

/** The thread whose Python state is STATE; -1: it is no thread of the process, or of another state's. */
static long thread_of_state(const struct lock_process *p, size_t state)
{
	for (size_t i = 0; i < p->stacks->nthreads; i++)
		if (p->threads[i].python == (long)state)
			return (long)i;
	/* A state of a sub-interpreter may claim the tid of another's. */
	for (size_t i = 0; i < p->stacks->nthreads; i++)
		if (p->states[state].tid && p->threads[i].inner == p->states[state].tid)
			return (long)i;
	return -1;
}

/** Frame number INDEX of the Python ones; without that, where the thread stands: the innermost of the user's own, or of Python's. */
static const struct frame *frame_of(const struct stack *s, long index)
{
	const struct frame *stands = NULL;
	long seen = 0;

	for (size_t i = 0; i < s->nframes; i++) {
		const struct frame *f = &s->frames[i];

		if (f->kind != FRAME_PYTHON)
			continue;
		if (seen++ == index)
			return f;
		if (!stands || (stands->owner != FRAME_OWN && f->owner == FRAME_OWN))
			stands = f;
	}
	return stands;
}

void locks_add_owner(struct arena *arena, struct lock_wait *l, struct lock_owner owner)
{
	struct lock_owner *all;

	for (size_t i = 0; i < l->nowners; i++)
		if (l->owners[i].tid == owner.tid)
			return;
	all = arena_array(arena, l->nowners + 1, sizeof *all);
	for (size_t i = 0; i < l->nowners; i++)
		all[i] = l->owners[i];
	all[l->nowners++] = owner;
	l->owners = all;
}

bool locks_owner_of(const struct lock_process *p, const struct python_holder *h, struct lock_owner *out)
{
	long thread = thread_of_state(p, h->thread);

	if (thread < 0)
		return false;

	const struct stack *s = &p->stacks->threads[thread];
	long frame = p->threads[thread].python == (long)h->thread ? h->frame : -1;

	*out = (struct lock_owner){.pid = p->pid, .tid = s->tid, .exact = h->exact, .at = frame_of(s, frame)};
	return true;
}

static void take(struct arena *arena, const struct lock_process *p, const struct python_lock *from, struct lock_wait *to)
{
	struct lock_owner owner;

	to->kind = from->kind;
	to->type = from->type ? arena_strdup(arena, from->type) : NULL;
	to->address = from->address;
	to->owner_gone = from->holder_gone;
	for (size_t i = 0; i < from->nholders; i++)
		if (locks_owner_of(p, &from->holders[i], &owner))
			locks_add_owner(arena, to, owner);
	to->only_owners = from->only_holders && to->nowners == from->nholders;
}

/** Locks of the C library, whoever waits: Python or not. */
static void take_mutex(struct arena *arena, const struct lock_process *p, const struct lock_thread *t, struct lock_wait *to)
{
	struct futex_holder h;

	image_futex(p->memory, &t->call, &h);
	if (h.kind == FUTEX_OTHER)
		return;
	for (size_t i = 0; i < p->stacks->nthreads; i++) {
		const struct stack *s = &p->stacks->threads[i];

		if ((uint32_t)p->threads[i].inner != h.tid)
			continue;
		locks_add_owner(arena, to, (struct lock_owner){.pid = p->pid, .tid = s->tid, .exact = true, .at = frame_of(s, -1)});
		to->kind = h.kind == FUTEX_JOIN ? LOCK_JOIN : LOCK_MUTEX;
		to->address = t->call.word;
		to->only_owners = h.only_it;
		return;
	}
	/* Nobody here: in memory that no other process shares it was left behind by a fork. */
	if (h.kind == FUTEX_MUTEX && t->call.op & FUTEX_PRIVATE_FLAG) {
		to->kind = LOCK_MUTEX;
		to->address = t->call.word;
		to->owner_gone = true;
	}
}

static void of_python(struct arena *arena, const struct lock_process *p, struct lock_words *words)
{
	struct python_blocked *blocked = arena_array(arena, p->stacks->nthreads + 1, sizeof *blocked);
	size_t *at = arena_array(arena, p->stacks->nthreads + 1, sizeof *at), n = 0;
	const struct python_lock *locks;

	for (size_t i = 0; i < p->stacks->nthreads; i++) {
		const struct lock_thread *t = &p->threads[i];

		if (!t->in_futex || t->python < 0)
			continue;
		at[n] = i;
		blocked[n++] = (struct python_blocked){(size_t)t->python, t->stack_pointer, t->call};
	}
	locks = python_locks(p->python, p->states, p->nstates, blocked, n);
	for (size_t i = 0; i < n; i++) {
		take(arena, p, &locks[i], &p->stacks->threads[at[i]].lock);
		words->at[at[i]] = locks[i].word;
	}
}

static struct lock_words of_process(struct arena *arena, const struct lock_process *p)
{
	struct lock_words words = {.at = arena_array(arena, p->stacks->nthreads + 1, sizeof *words.at)};

	if (p->python)
		of_python(arena, p, &words);
	for (size_t i = 0; i < p->stacks->nthreads; i++)
		if (p->threads[i].in_futex && p->stacks->threads[i].lock.kind == LOCK_NONE)
			take_mutex(arena, p, &p->threads[i], &p->stacks->threads[i].lock);
	return words;
}

void stacks_locks(struct arena *arena, const struct lock_process *all, size_t n)
{
	struct lock_words *words = arena_array(arena, n + 1, sizeof *words);

	for (size_t i = 0; i < n; i++)
		if (all[i].stacks->nthreads)
			words[i] = of_process(arena, &all[i]);
	locks_join_processes(arena, all, words, n);
}
