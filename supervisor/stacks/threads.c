/* The Python frames of threads. */
#include "stacks/state.h"

enum { MOST_CLAIMS = 8 };

/** The thread states that say they are T's and have frames: of a sub-interpreter's no one knows, for it keeps the tid of whoever made it. */
static size_t claims_of(const struct process_read *p, const struct thread_read *t, const struct python_thread *out[MOST_CLAIMS])
{
	size_t n = 0;

	for (size_t i = 0; i < p->nstates && n < MOST_CLAIMS; i++)
		if (p->states[i].tid == t->inner && p->states[i].frame)
			out[n++] = &p->states[i];
	return n;
}

/** Is there a thread that no state claims? Then one of several claims on another may be its. */
static bool somebody_is_unclaimed(const struct process_read *p)
{
	for (size_t i = 0; i < p->nthreads; i++) {
		bool claimed = false;

		for (size_t k = 0; k < p->nstates && !claimed; k++)
			claimed = p->states[k].tid == p->threads[i].inner;
		if (!claimed)
			return true;
	}
	return false;
}

static const struct python_thread *any_state(const struct process_read *p, const struct thread_read *t)
{
	for (size_t i = 0; i < p->nstates; i++)
		if (p->states[i].tid == t->inner)
			return &p->states[i];
	return NULL;
}

/** Frames of one state behind those that T has already. */
static void add_frames(struct process_read *p, struct thread_read *t, const struct python_thread *state, struct python_frame *room)
{
	const char *why;

	t->npython += python_frames(p->py, state->frame, room + t->npython, PYTHON_MOST_FRAMES - t->npython, &why);
	if (why && !t->python_why)
		t->python_why = why;
}

static void read_frames(struct process_read *p, struct thread_read *t, struct python_frame *room)
{
	const struct python_thread *claims[MOST_CLAIMS];
	size_t n = claims_of(p, t, claims);

	t->python = NULL;
	t->npython = 0;
	t->python_why = NULL;
	t->state = n ? claims[n - 1] : any_state(p, t); /* the main interpreter is the oldest, and comes last */
	if (n > 1 && somebody_is_unclaimed(p)) {
		t->python_why = "two interpreters have a thread of this number: the frames of one of them are left out";
		n = 0;
		add_frames(p, t, t->state, room);
	}
	/* All of them are its: who runs code in another interpreter has that code's frames inside of its own. */
	for (size_t i = 0; i < n; i++)
		add_frames(p, t, claims[i], room);
	t->python = arena_memdup(p->arena, room, t->npython * sizeof *room);
}

void read_python(struct process_read *p)
{
	struct python_frame *room;
	const char *cut;

	if (!p->py)
		return;
	p->nstates = python_threads(p->py, &p->states, &cut);
	room = mem_grow(NULL, PYTHON_MOST_FRAMES, sizeof *room);
	for (size_t i = 0; i < p->nthreads; i++) {
		struct thread_read *t = &p->threads[i];

		if (t->settled)
			continue;
		read_frames(p, t, room);
		if (!t->state && cut)
			t->python_why = cut;
	}
	mem_free(room);
}

pid_t find_gil_holder(struct process_read *p)
{
	long holder = p->py ? python_gil(p->py, p->states, p->nstates) : -1;
	const struct thread_read *t = holder >= 0 ? thread_by_inner(p, p->states[holder].tid) : NULL;

	/* Who runs has it for a moment only. */
	return t && (t->quality == STACK_EXACT || t->quality == STACK_PARTIAL) ? t->tid : 0;
}
