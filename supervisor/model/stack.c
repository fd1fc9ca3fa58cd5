/* Stacks as values: copies, and who is who. */
#include "base/base.h"
#include "model/stack.h"

static const char *copy_text(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static struct frame copy_frame(struct arena *a, const struct frame *f)
{
	struct frame copy = *f;

	copy.function = copy_text(a, f->function);
	copy.file = copy_text(a, f->file);
	copy.source = copy_text(a, f->source);
	return copy;
}

static struct frame *copy_frames(struct arena *a, const struct frame *frames, size_t n)
{
	struct frame *copy = arena_array(a, n, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		copy[i] = copy_frame(a, &frames[i]);
	return copy;
}

static struct lock_wait copy_lock(struct arena *a, const struct lock_wait *l)
{
	struct lock_wait copy = *l;

	copy.type = copy_text(a, l->type);
	copy.shared = copy_text(a, l->shared);
	copy.owners = arena_array(a, l->nowners, sizeof *copy.owners);
	for (size_t i = 0; i < l->nowners; i++) {
		copy.owners[i] = l->owners[i];
		if (l->owners[i].at) {
			struct frame *at = arena_alloc(a, sizeof *at);

			*at = copy_frame(a, l->owners[i].at);
			copy.owners[i].at = at;
		}
	}
	return copy;
}

static struct stack copy_stack(struct arena *a, const struct stack *s)
{
	struct stack copy = *s;

	copy.why = copy_text(a, s->why);
	copy.frames = copy_frames(a, s->frames, s->nframes);
	copy.native = copy_frames(a, s->native, s->nnative);
	copy.lock = copy_lock(a, &s->lock);
	copy.service = copy_text(a, s->service);
	return copy;
}

static struct async_task copy_task(struct arena *a, const struct async_task *t)
{
	struct async_task copy = *t;

	copy.library = copy_text(a, t->library);
	copy.name = copy_text(a, t->name);
	copy.awaits = copy_text(a, t->awaits);
	copy.frames = copy_frames(a, t->frames, t->nframes);
	copy.waits_for = arena_memdup(a, t->waits_for, t->nwaits_for * sizeof *t->waits_for);
	return copy;
}

struct process_stacks *stacks_copy(struct arena *arena, const struct process_stacks *p)
{
	struct process_stacks *copy;

	if (!p)
		return NULL;
	copy = arena_memdup(arena, p, sizeof *p);
	copy->python = copy_text(arena, p->python);
	copy->why = copy_text(arena, p->why);
	copy->actor = copy_text(arena, p->actor);
	copy->tasks_cut = copy_text(arena, p->tasks_cut);
	copy->threads = arena_array(arena, p->nthreads, sizeof *copy->threads);
	for (size_t i = 0; i < p->nthreads; i++)
		copy->threads[i] = copy_stack(arena, &p->threads[i]);
	copy->tasks = arena_array(arena, p->ntasks, sizeof *copy->tasks);
	for (size_t i = 0; i < p->ntasks; i++)
		copy->tasks[i] = copy_task(arena, &p->tasks[i]);
	return copy;
}

const struct stack *stacks_of_thread(const struct process_stacks *p, pid_t tid)
{
	for (size_t i = 0; p && i < p->nthreads; i++)
		if (p->threads[i].tid == tid)
			return &p->threads[i];
	return NULL;
}
