/* Who is in an `async with` of a lock of asyncio. The lock itself does not know, and anybody may release it: so this goes into
 * the words for the reader, and is no edge that a proof could rest on. */
#include <string.h>

#include "python/tasks.h"

enum { MOST_BLOCKS = 64, MOST_HOLDS = 1 << 16, MOST_NAMED = 3 };

static bool is_aexit(struct python *py, uint64_t function)
{
	return py_is_type(py, function, "function") &&
	       py_string_is(py, memory_u64(py->m, function + (uint64_t)py->o.fu_name), "__aexit__");
}

/* A block keeps the bound __aexit__ on the value stack; from 3.14 on the function, and its object in the next slot
 * (LOAD_SPECIAL). */
static uint64_t block_at(struct python *py, const struct py_frame *f, size_t i, size_t live)
{
	uint64_t obj = py_stack_at(py, f, i);

	if (py_is_type(py, obj, "method"))
		return is_aexit(py, memory_u64(py->m, obj + (uint64_t)py->o.me_func))
			       ? memory_u64(py->m, obj + (uint64_t)py->o.me_self)
			       : 0;
	return py->minor >= 14 && i + 1 < live && is_aexit(py, obj) ? py_stack_at(py, f, i + 1) : 0;
}

/** A Condition is its lock's. */
static uint64_t lock_of(struct python *py, uint64_t obj)
{
	uint64_t lock = py_attr(py, obj, "_lock");

	return lock && !py_is_none(py, lock) ? lock : obj;
}

/** Condition.wait() has given its lock back, whatever block it is in. */
static uint64_t given_back(struct python *py, const struct py_frame *f)
{
	return py_frame_is(py, f, "/asyncio/locks.py", "wait") ? lock_of(py, py_local(py, f, "self")) : 0;
}

static void note_blocks(struct tasks *t, uint64_t task, const struct py_frame *f)
{
	size_t live = py_stack_live(t->py, f);

	for (size_t i = 0; i < live && i < MOST_BLOCKS; i++) {
		uint64_t obj = block_at(t->py, f, i, live);

		if (obj && t->holds.n < MOST_HOLDS)
			vec_push(&t->holds, (struct async_hold){lock_of(t->py, obj), task});
	}
}

static void drop_holds(struct tasks *t, size_t from, uint64_t lock)
{
	for (size_t i = from; lock && i < t->holds.n; i++)
		if (t->holds.at[i].lock == lock)
			t->holds.at[i].lock = 0;
}

static void note_task(struct tasks *t, uint64_t task)
{
	uint64_t gen = asyncio_coro(t, task);
	size_t first = t->holds.n;
	struct py_frame f;

	for (int i = 0; i < PYTHON_MOST_FRAMES && py_is_generator(t->py, gen) && py_gen_frame(t->py, gen, &f); i++) {
		if (py_gen_state(t->py, gen) == PY_GEN_SUSPENDED)
			note_blocks(t, task, &f);
		drop_holds(t, first, given_back(t->py, &f));
		gen = gen_delegates(t->py, gen);
	}
}

static void find_holds(struct tasks *t)
{
	if (t->holds_known)
		return;
	t->holds_known = true;
	for (size_t i = 0; i < t->objects.n && tasks_go_on(t); i++)
		if (t->objects.at[i].class != CLASS_TRIO)
			note_task(t, t->objects.at[i].at);
}

const char *asyncio_lock_words(struct tasks *t, const char *awaits, uint64_t lock, uint64_t waiter)
{
	OWNED_TEXT text = {0};
	size_t named = 0;

	find_holds(t);
	text_add(&text, awaits);
	for (size_t i = 0; lock && i < t->holds.n && named < MOST_NAMED; i++) {
		if (t->holds.at[i].lock != lock || t->holds.at[i].task == waiter)
			continue;
		text_addf(&text, "%s Task '%s'", named++ ? "," : "; in a block of it:", asyncio_name(t, t->holds.at[i].task));
	}
	return named ? arena_strdup(t->py->arena, text_str(&text)) : awaits;
}
