/* From a task's own coroutine to the innermost one that it awaits. */
#include <stdlib.h>
#include <string.h>

#include "python/tasks.h"

enum { MOST_WRAPPERS = 4 };

/* Awaitables of C that pass on to the object in their first field (Objects/genobject.c, Objects/iterobject.c). */
static bool wraps(struct python *py, uint64_t obj)
{
	static const char *const names[] = {"async_generator_asend", "async_generator_athrow", "coroutine_wrapper",
					    "anext_awaitable"};
	char name[64];

	if (!py_type_name(py, obj, name, sizeof name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

uint64_t gen_delegates(struct python *py, uint64_t gen)
{
	uint64_t obj = py_gen_awaits(py, gen);

	for (int i = 0; i < MOST_WRAPPERS && obj && !py_is_generator(py, obj) && wraps(py, obj); i++)
		obj = memory_u64(py->m, obj + (uint64_t)py->o.ob_type + 8);
	return obj;
}

struct coro *tasks_coro(struct tasks *t, uint64_t at)
{
	size_t low = 0, high = t->coros.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->coros.at[mid].at == at)
			return &t->coros.at[mid];
		if (t->coros.at[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/** Of those that run: whose frame is this? They are few: a thread runs one chain of them. */
static struct coro *running_at(struct tasks *t, uint64_t frame, const size_t *running, size_t n)
{
	for (size_t i = 0; frame && i < n; i++) {
		struct coro *c = &t->coros.at[running[i]];
		struct py_frame f;

		if (py_gen_frame(t->py, c->at, &f) && f.address == frame)
			return c;
	}
	return NULL;
}

/* One that runs has no such object on its stack; what it awaits was called by it. */
static void link_running(struct tasks *t)
{
	enum { MOST_RUNNING = 200 };
	size_t running[MOST_RUNNING], n = 0;

	for (size_t i = 0; i < t->coros.n && n < MOST_RUNNING; i++)
		if (t->coros.at[i].state == PY_GEN_RUNNING)
			running[n++] = i;
	for (size_t i = 0; i < n; i++) {
		struct coro *inner = &t->coros.at[running[i]], *caller;
		struct py_frame f, outer;

		if (inner->class == CLASS_GENERATOR || !py_gen_frame(t->py, inner->at, &f) ||
		    !py_frame_outer(t->py, &f, &outer, NULL))
			continue;
		caller = running_at(t, outer.address, running, n);
		if (caller && caller != inner) {
			caller->next = inner->at;
			inner->taken = true;
		}
	}
}

void tasks_link(struct tasks *t)
{
	for (size_t i = 0; i < t->coros.n && tasks_go_on(t); i++) {
		struct coro *c = &t->coros.at[i], *next;
		uint64_t to = gen_delegates(t->py, c->at);

		c->next = py_is_generator(t->py, to) ? to : 0;
		next = c->next ? tasks_coro(t, c->next) : NULL;
		if (next && next != c)
			next->taken = true;
	}
	link_running(t);
}

static void push_link(struct tasks *t, struct chain *c, uint64_t gen, const struct py_frame *f)
{
	const char *function = t->py->minor < 11 ? py_gen_name(t->py, gen) : NULL;
	const char *file = py_frame_file(t->py, f);

	if (!function)
		function = py_frame_function(t->py, f);
	t->frames++;
	vec_push(&c->links,
		 (struct link){.gen = gen, .frame = *f, .function = function ? function : "", .file = file ? file : ""});
}

void chain_follow(struct tasks *t, uint64_t gen, struct chain *c)
{
	*c = (struct chain){.running = py_gen_state(t->py, gen) == PY_GEN_RUNNING};
	while (py_is_generator(t->py, gen) && c->links.n < PYTHON_MOST_FRAMES && t->frames < TASKS_MOST_FRAMES) {
		struct coro *known = tasks_coro(t, gen);
		struct py_frame f;

		if (!py_gen_frame(t->py, gen, &f))
			break;
		push_link(t, c, gen, &f);
		gen = known && known->state == PY_GEN_RUNNING ? known->next : gen_delegates(t->py, gen);
	}
	c->end = gen;
}

void chain_free(struct chain *c)
{
	vec_free(&c->links);
}

const struct link *chain_inner(const struct chain *c, size_t i)
{
	return i < c->links.n ? &c->links.at[c->links.n - 1 - i] : NULL;
}

void chain_show(struct tasks *t, const struct chain *c, struct async_task *out)
{
	out->nframes = c->links.n;
	out->frames = arena_array(t->py->arena, c->links.n, sizeof *out->frames);
	for (size_t i = 0; i < c->links.n; i++) {
		const struct link *link = chain_inner(c, i);

		out->frames[i] = (struct frame){.kind = FRAME_PYTHON,
						.function = *link->function ? link->function : NULL,
						.file = *link->file ? link->file : NULL,
						.line = py_frame_line(t->py, &link->frame)};
	}
}
