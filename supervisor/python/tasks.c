/* All async tasks of a process: those of asyncio and trio, coroutines that no task runs, and async generators that rest at a
 * yield. */
#include <stdlib.h>
#include <string.h>

#include "python/tasks.h"

enum { STEPS_A_LOOK = 64 };

bool tasks_go_on(struct tasks *t)
{
	const struct python_tasks_limit *limit = t->limit;

	if (!t->over && t->steps++ % STEPS_A_LOOK == 0 && limit && limit->go_on && !limit->go_on(limit->who)) {
		t->over = true;
		t->cut = "it took too long";
	}
	return !t->over;
}

static enum async_state state_of(enum py_gen_state state)
{
	return state == PY_GEN_RUNNING ? ASYNC_RUNNING : state == PY_GEN_CREATED ? ASYNC_CREATED : ASYNC_SUSPENDED;
}

static uint64_t coro_of(struct tasks *t, const struct task_object *o)
{
	return o->class == CLASS_TRIO ? trio_coro(t, o->at) : asyncio_coro(t, o->at);
}

/** What could not be read to its end may say less than it should, in any part: it is left out. */
static void show(struct tasks *t, const struct async_task *task)
{
	if (!memory_spent(t->py->m))
		vec_push(&t->found, *task);
}

static void add_task(struct tasks *t, const struct task_object *o)
{
	struct async_task out = {.id = o->at, .fd = -1};
	uint64_t gen = coro_of(t, o);
	struct coro *known = tasks_coro(t, gen);
	struct chain c;

	if (!gen)
		return;
	if (known)
		known->taken = true;
	out.state = state_of(py_gen_state(t->py, gen));
	chain_follow(t, gen, &c);
	chain_show(t, &c, &out);
	if (o->class == CLASS_TRIO) {
		trio_task(t, o->at, &out);
		trio_waits(t, &c, &out);
	} else {
		out.library = "asyncio";
		out.name = asyncio_name(t, o->at);
		asyncio_waits(t, &c, asyncio_waiter(t, o->at), &out);
	}
	chain_free(&c);
	show(t, &out);
}

/* A coroutine that runs and is no task's is on the stack of its thread. */
static bool is_of_interest(const struct coro *c)
{
	if (c->taken)
		return false;
	if (c->class == CLASS_COROUTINE)
		return c->state != PY_GEN_RUNNING;
	return c->class == CLASS_ASYNC_GENERATOR && c->state == PY_GEN_SUSPENDED;
}

static void add_bare(struct tasks *t, const struct coro *bare)
{
	struct async_task out = {.library = "", .name = "", .id = bare->at, .fd = -1, .state = state_of(bare->state)};
	struct chain c;
	char type[64];

	chain_follow(t, bare->at, &c);
	chain_show(t, &c, &out);
	if (c.end && py_type_name(t->py, c.end, type, sizeof type) && *type)
		out.awaits = !strcmp(type, "_asyncio.FutureIter") ? "Future" : arena_strdup(t->py->arena, type);
	chain_free(&c);
	show(t, &out);
}

static int by_address(const void *a, const void *b)
{
	const struct coro *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int by_object(const void *a, const void *b)
{
	const struct task_object *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/** Both the collector and asyncio itself may list a task. */
static void put_in_order(struct tasks *t)
{
	size_t n = 0;

	if (t->coros.n)
		qsort(t->coros.at, t->coros.n, sizeof *t->coros.at, by_address);
	if (t->objects.n)
		qsort(t->objects.at, t->objects.n, sizeof *t->objects.at, by_object);
	for (size_t i = 0; i < t->objects.n; i++)
		if (!n || t->objects.at[i].at != t->objects.at[n - 1].at)
			t->objects.at[n++] = t->objects.at[i];
	t->objects.n = n;
}

/** May one more task be shown? */
static bool has_room(struct tasks *t)
{
	if (memory_spent(t->py->m))
		return false;
	if (t->found.n < TASKS_MOST && t->frames < TASKS_MOST_FRAMES)
		return tasks_go_on(t);
	t->cut = "there are more tasks than are looked at";
	return false;
}

static void add_all(struct tasks *t)
{
	for (size_t i = 0; i < t->objects.n && has_room(t); i++)
		add_task(t, &t->objects.at[i]);
	for (size_t i = 0; i < t->coros.n; i++) {
		if (!is_of_interest(&t->coros.at[i]))
			continue;
		if (!has_room(t))
			return;
		add_bare(t, &t->coros.at[i]);
	}
}

size_t tasks_show(struct tasks *t, struct async_task **out)
{
	size_t n;

	put_in_order(t);
	tasks_link(t);
	add_all(t);
	if (memory_spent(t->py->m))
		t->cut = "too much memory was to be read";
	n = t->found.n;
	*out = arena_memdup(t->py->arena, t->found.at, n * sizeof *t->found.at);
	vec_free(&t->coros);
	vec_free(&t->objects);
	vec_free(&t->watched);
	vec_free(&t->loops);
	vec_free(&t->holds);
	vec_free(&t->found);
	mem_free(t->types);
	return n;
}

size_t python_tasks(struct python *py, const struct python_tasks_limit *limit, struct async_task **out, const char **cut)
{
	struct tasks t = {.py = py, .limit = limit};
	size_t n;

	asyncio_lists(&t);
	tasks_walk(&t);
	n = tasks_show(&t, out);
	*cut = t.cut;
	return n;
}
