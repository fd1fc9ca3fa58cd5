/* Who holds what, in the words of the model: what python_locks() says of each process, the C library's own locks, and
 * (locks_shared.c) semaphores that several processes have.
 */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "stacks/locks_state.h"

bool locks_futex(const struct thread_read *t, struct futex_call *out)
{
	const uint64_t *args = t->call.args;
	uint32_t command = (uint32_t)args[1] & FUTEX_CMD_MASK;

	if (!t->has_call || t->call.running || t->call.number != SYS_futex)
		return false;
	*out = (struct futex_call){.word = args[0], .op = (uint32_t)args[1], .value = (uint32_t)args[2]};
	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
}

struct stack *locks_stack(const struct process_read *p, size_t i)
{
	for (size_t k = 0; k < p->out->nthreads; k++)
		if (p->out->threads[k].tid == p->threads[i].tid)
			return &p->out->threads[k];
	return NULL;
}

/** The thread whose Python state is number STATE. One of a sub-interpreter may claim the tid of another's. */
static long index_of_state(const struct process_read *p, size_t state)
{
	for (size_t i = 0; i < p->nthreads; i++)
		if (p->threads[i].state == &p->states[state])
			return (long)i;
	for (size_t i = 0; i < p->nthreads; i++)
		if (p->states[state].tid && p->threads[i].inner == p->states[state].tid)
			return (long)i;
	return -1;
}

/** Frame number INDEX of the Python ones; without that, where the thread stands: the innermost of the user's own, or of
 *  Python's. */
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

bool locks_owner_of(const struct process_read *p, const struct python_holder *h, struct lock_owner *out)
{
	long thread = index_of_state(p, h->thread);
	const struct stack *s = thread < 0 ? NULL : locks_stack(p, (size_t)thread);

	if (!s || (!h->exact && (s->quality == STACK_MOVING || s->quality == STACK_NONE)))
		return false;

	long frame = p->threads[thread].state == &p->states[h->thread] ? h->frame : -1;

	*out = (struct lock_owner){.pid = p->pid, .tid = s->tid, .exact = h->exact, .at = frame_of(s, frame)};
	if (out->at && frame >= 0 && h->line > 0 && h->line != out->at->line) {
		struct frame *with = arena_memdup(p->arena, out->at, sizeof *with);

		with->line = h->line;
		with->source = NULL;
		out->at = with;
	}
	return true;
}

bool locks_knows_all(const struct process_read *p)
{
	for (size_t i = 0; i < p->nthreads; i++)
		if (!p->threads[i].state)
			return false;
	return true;
}

static void take(const struct process_read *p, const struct python_lock *from, struct lock_wait *to)
{
	struct lock_owner owner;

	*to = (struct lock_wait){
		.kind = from->kind,
		.type = from->type,
		.address = from->address,
		.signal = from->signal,
		.owner_gone = from->holder_gone && locks_knows_all(p),
	};
	for (size_t i = 0; i < from->nholders; i++)
		if (locks_owner_of(p, &from->holders[i], &owner))
			locks_add_owner(p->arena, to, owner);
	to->only_owners = from->only_holders && to->nowners > 0 && to->nowners == from->nholders;
}

/** Locks of the C library, whoever waits: Python or not. */
static void take_mutex(const struct process_read *p, const struct futex_call *call, struct lock_wait *to)
{
	struct futex_holder h;

	image_futex(p->memory, call, &h);
	if (h.kind == FUTEX_OTHER)
		return;
	for (size_t i = 0; i < p->nthreads; i++) {
		const struct stack *s = locks_stack(p, i);

		if (!s || (uint32_t)p->threads[i].inner != h.tid)
			continue;
		*to = (struct lock_wait){
			.kind = h.kind == FUTEX_JOIN ? LOCK_JOIN : LOCK_MUTEX, .address = call->word, .only_owners = h.only_it};
		locks_add_owner(p->arena, to,
				(struct lock_owner){.pid = p->pid, .tid = s->tid, .exact = true, .at = frame_of(s, -1)});
		return;
	}
	/* Nobody here: in memory that no other process shares, it was left behind by a fork. */
	if (h.kind == FUTEX_MUTEX && call->op & FUTEX_PRIVATE_FLAG)
		*to = (struct lock_wait){.kind = LOCK_MUTEX, .address = call->word, .owner_gone = true};
}

static void read_service(struct thread_read *t)
{
	bool reads = false;

	t->service_fd = -1;
	t->service = t->npython && !t->python_why ? python_service(t->python, t->npython, &reads) : NULL;
	if (t->service && reads && t->has_call && !t->call.running &&
	    (t->call.number == SYS_read || t->call.number == SYS_recvfrom))
		t->service_fd = (int)(uint32_t)t->call.args[0];
}

/** All threads of P once more, for a thread that ran may have taken what another waits for. */
void stacks_locks(struct process_read *p)
{
	struct python_blocked *blocked = arena_array(p->arena, p->nthreads + 1, sizeof *blocked);
	size_t *at = arena_array(p->arena, p->nthreads + 1, sizeof *at), n = 0;
	struct locks_read *keep = arena_alloc(p->arena, sizeof *keep);
	const struct python_lock *locks;

	for (size_t i = 0; i < p->nthreads; i++) {
		struct thread_read *t = &p->threads[i];

		read_service(t);
		if (!t->state || !locks_futex(t, &blocked[n].call))
			continue;
		blocked[n].thread = (size_t)(t->state - p->states);
		blocked[n].stack_pointer = t->call.stack_pointer;
		at[n++] = i;
	}
	if (!p->py)
		return;
	locks = python_locks(p->py, p->states, p->nstates, blocked, n);
	keep->of = arena_array(p->arena, p->nthreads + 1, sizeof *keep->of);
	for (size_t i = 0; i < n; i++)
		keep->of[at[i]] = locks[i];
	p->locks = keep;
}

static void tell(const struct process_read *p)
{
	const struct locks_read *keep = p->locks;

	for (size_t i = 0; i < p->nthreads; i++) {
		struct stack *s = locks_stack(p, i);
		struct futex_call call;

		if (!s || !locks_futex(&p->threads[i], &call))
			continue;
		if (keep)
			take(p, &keep->of[i], &s->lock);
		if (s->lock.kind == LOCK_NONE)
			take_mutex(p, &call, &s->lock);
	}
}

void stacks_locks_across(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->processes[i].memory)
			tell(&r->processes[i]);
	locks_join_processes(r);
}
