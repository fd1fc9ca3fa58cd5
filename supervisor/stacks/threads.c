/* The Python frames of threads. */
#include <stdlib.h>

#include "stacks/state.h"

/** A state with frames, and whose they are. */
struct claim {
	const struct python_thread *state;
	struct thread_read *thread; /* NULL: not known */
	uint64_t place;             /* on the thread's stack; 0: not known */
};
typedef VEC(struct claim) claim_vec;

static claim_vec claims_of(struct process_read *p)
{
	claim_vec claims = {0};

	for (size_t i = 0; i < p->nstates; i++) {
		const struct python_thread *state = &p->states[i];

		if (state->frame)
			vec_push(&claims, (struct claim){state, thread_of_state(p, state), python_stack_place(p->py, state)});
	}
	return claims;
}

static const struct python_thread *state_of_number(const struct process_read *p, const struct thread_read *t)
{
	for (size_t i = 0; i < p->nstates; i++)
		if (p->states[i].tid == t->inner)
			return &p->states[i];
	return NULL;
}

/** Who runs code in another interpreter has that code's frames inside of its own: further down on the stack, and in a newer
 *  interpreter. */
static int innermost_first(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;

	if (a->place && b->place && a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return a->state->interpreter_id > b->state->interpreter_id ? -1 : a->state->interpreter_id < b->state->interpreter_id;
}

static void add_frames(struct process_read *p, struct thread_read *t, const struct python_thread *state,
		       struct python_frame *room)
{
	const char *why;

	t->npython += python_frames(p->py, state->frame, room + t->npython, PYTHON_MOST_FRAMES - t->npython, &why);
	if (why && !t->python_why)
		t->python_why = why;
	t->state = state; /* of several the outermost */
}

static void read_frames(struct process_read *p, struct thread_read *t, const claim_vec *claims, struct python_frame *room)
{
	bool left_out = false;

	t->npython = 0;
	t->python_why = NULL;
	t->state = state_of_number(p, t);
	for (size_t i = 0; i < claims->n; i++) {
		const struct claim *c = &claims->at[i];

		if (c->thread == t)
			add_frames(p, t, c->state, room);
		else if (!c->thread && c->state->tid == t->inner)
			t->python_why = "another interpreter has frames in a thread that can't be told";
		left_out |= !c->thread && c->state->tid == t->inner;
	}
	t->python_cut = t->npython == PYTHON_MOST_FRAMES && !left_out;
	t->python = arena_memdup(p->arena, room, t->npython * sizeof *room);
}

void read_python(struct process_read *p)
{
	struct python_frame *room;
	const char *cut;
	claim_vec claims;

	if (!p->py)
		return;
	p->nstates = python_threads(p->py, &p->states, &cut);
	claims = claims_of(p);
	if (claims.n)
		qsort(claims.at, claims.n, sizeof *claims.at, innermost_first);
	room = mem_grow(NULL, PYTHON_MOST_FRAMES, sizeof *room);
	for (size_t i = 0; i < p->nthreads; i++) {
		struct thread_read *t = &p->threads[i];

		if (t->settled)
			continue;
		read_frames(p, t, &claims, room);
		if (!t->state && cut)
			t->python_why = cut;
	}
	mem_free(room);
	vec_free(&claims);
}

pid_t find_gil_holder(struct process_read *p)
{
	long holder = p->py ? python_gil(p->py, p->states, p->nstates) : -1;
	const struct thread_read *t = holder >= 0 ? thread_of_state(p, &p->states[holder]) : NULL;

	/* Who runs has it for a moment only. */
	return t && (t->quality == STACK_EXACT || t->quality == STACK_PARTIAL) ? t->tid : 0;
}
