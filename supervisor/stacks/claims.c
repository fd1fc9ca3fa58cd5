/* Whose is a thread state? Mostly it says so. But one of a sub-interpreter keeps the tid of the thread that made it, whoever runs
 * it (up to 3.12; _xxsubinterpreters): then what lies on the native stacks tells.
 */
#include "stacks/state.h"

enum { SCAN_BYTES = 256 << 10, PIECE = 4096, FRAMES_LOOKED_FOR = 8 };

/** Does another state with frames say that it is the same thread? */
static bool contested(const struct process_read *p, const struct python_thread *state)
{
	if (state->interpreter_id != 0)
		return true;
	for (size_t i = 0; i < p->nstates; i++) {
		const struct python_thread *other = &p->states[i];

		if (other != state && other->tid == state->tid && other->frame)
			return true;
	}
	return false;
}

/** The thread on whose stack ADDRESS lies: the one with the nearest stack pointer below it, in the same piece of memory. */
static struct thread_read *thread_of_address(struct process_read *p, uint64_t address)
{
	const struct mapping *m = address ? mapping_at(p, address) : NULL;
	struct thread_read *best = NULL;

	for (size_t i = 0; m && i < p->nthreads; i++) {
		struct thread_read *t = &p->threads[i];
		uint64_t sp = t->has_call ? t->call.stack_pointer : 0;

		if (sp >= m->start && sp <= address && (!best || sp > best->call.stack_pointer))
			best = t;
	}
	return best;
}

/** Is one of the addresses FRAMES on the used part of T's stack? */
static bool has_on_stack(struct process_read *p, const struct thread_read *t, const struct python_frame *frames, size_t n)
{
	const struct mapping *m = t->has_call ? mapping_at(p, t->call.stack_pointer) : NULL;
	uint64_t words[PIECE / 8], at = t->call.stack_pointer & ~UINT64_C(7), end;

	if (!m)
		return false;
	end = m->end - at > SCAN_BYTES ? at + SCAN_BYTES : m->end;
	while (at < end) {
		size_t size = end - at < PIECE ? (size_t)(end - at) : PIECE;

		if (!memory_read(p->memory, at, words, size))
			return false;
		for (size_t i = 0; i < size / 8; i++)
			for (size_t k = 0; k < n; k++)
				if (words[i] == frames[k].address)
					return true;
		at += size;
	}
	return false;
}

/** Up to 3.9 nothing leads from the state to a stack, but who runs a frame has its address there: the loop's own variable. */
static struct thread_read *thread_by_frames(struct process_read *p, const struct python_thread *state)
{
	struct python_frame frames[FRAMES_LOOKED_FOR];
	struct thread_read *found = NULL;
	const char *why;
	size_t n = python_frames(p->py, state->frame, frames, FRAMES_LOOKED_FOR, &why);

	for (size_t i = 0; i < p->nthreads; i++) {
		if (!has_on_stack(p, &p->threads[i], frames, n))
			continue;
		if (found) /* on two: a stale one in a dead slot. Nothing is sure then. */
			return NULL;
		found = &p->threads[i];
	}
	return found;
}

struct thread_read *thread_of_state(struct process_read *p, const struct python_thread *state)
{
	uint64_t place;

	if (!state->frame || !contested(p, state))
		return thread_by_inner(p, state->tid);
	place = python_stack_place(p->py, state);
	return place ? thread_of_address(p, place) : thread_by_frames(p, state);
}
