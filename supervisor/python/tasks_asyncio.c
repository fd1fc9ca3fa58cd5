/* asyncio's tasks: those of C (_asyncio.Task), of which the layout is known or found, and those of Python
 * (asyncio.tasks.Task). */
#include <string.h>

#include "python/tasks.h"

enum { DEBUG_WORDS = 13, LEAST_COROUTINE = 64, MOST_COROUTINE = 256 };

/* The block that asyncio describes itself with from 3.14 on (Modules/_asynciomodule.c, struct _Py_AsyncioModuleDebugOffsets). */
struct asyncio_block {
	uint64_t task_size, task_name, awaited_by, is_task, awaited_by_is_set, task_coro, task_node;
	uint64_t interpreter_size, interpreter_head, thread_size, running_loop, running_task, thread_head;
};

static bool read_block(struct tasks *t, struct asyncio_block *b)
{
	_Static_assert(sizeof *b == DEBUG_WORDS * 8, "as in memory");
	if (!t->py->at.asyncio || !memory_read(t->py->m, t->py->at.asyncio, b, sizeof *b))
		return false;
	return b->task_size >= LEAST_COROUTINE && b->task_size <= 4096 && b->task_coro < b->task_size &&
	       b->task_name < b->task_size && b->task_node < b->task_size && b->interpreter_head < b->interpreter_size &&
	       b->interpreter_size < 1 << 24 && b->thread_head < b->thread_size && b->thread_size < 1 << 20;
}

/* An intrusive list: each node lies inside a task, the head in the interpreter's or thread's state (pycore_llist.h: next,
 * previous). */
static bool read_list(struct tasks *t, uint64_t head, uint64_t node_at)
{
	uint64_t before = head, pair[2];

	for (uint64_t node = memory_u64(t->py->m, head); node && node != head; node = pair[0]) {
		enum task_class class = task_class_of(t, node - node_at);

		if (!memory_read(t->py->m, node, pair, sizeof pair) || pair[1] != before || class != CLASS_ASYNCIO ||
		    t->objects.n >= TASKS_MOST)
			return false;
		vec_push(&t->objects, (struct task_object){node - node_at, class});
		before = node;
	}
	return true;
}

void asyncio_lists(struct tasks *t)
{
	struct asyncio_block b;
	struct python_thread *threads;
	const char *why;
	bool whole = true;
	uint64_t is = 0;
	size_t n;

	if (t->py->minor < 14 || !read_block(t, &b))
		return;
	t->task_coro = (int)b.task_coro;
	for (int i = 0; i < PY_MOST_INTERPRETERS && (is = py_next_interpreter(t->py, is)); i++)
		whole &= read_list(t, is + b.interpreter_head, b.task_node);
	n = python_threads(t->py, &threads, &why);
	for (size_t i = 0; i < n; i++)
		whole &= read_list(t, threads[i].state + b.thread_head, b.task_node);
	if (!whole)
		t->cut = "a list of asyncio's tasks is torn, or too long";
}

/** Is AT where TASK has its coroutine? Before it lies what it waits for, behind it the name: a str, or the number that is to be
 * one. */
static bool coroutine_fits(struct tasks *t, uint64_t task, int at)
{
	struct python *py = t->py;
	uint64_t name = memory_u64(py->m, task + (uint64_t)at + 8), waiter = memory_u64(py->m, task + (uint64_t)at - 8);
	char type[8];

	if (!py_is_generator(py, memory_u64(py->m, task + (uint64_t)at)))
		return false;
	if (!py_is_kind(py, name, PY_KIND_STR) && !py_is_kind(py, name, PY_KIND_INT))
		return false;
	return !waiter || py_type_name(py, waiter, type, sizeof type);
}

/* Where the interpreter does not say it: seen in 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0 (TaskObj,
 * Modules/_asynciomodule.c). A task that has let go of its coroutine shows nothing; the next one will. */
static void find_coroutine(struct tasks *t, uint64_t task)
{
	static const int known[] = {112, 152, 160, 136, 136, 120};
	int minor = t->py->minor, here = minor >= 8 && minor <= 13 ? known[minor - 8] : 0;

	if (here && !memory_u64(t->py->m, task + (uint64_t)here))
		return;
	if (here && coroutine_fits(t, task, here))
		t->task_coro = here;
	for (int at = LEAST_COROUTINE; at < MOST_COROUTINE && !t->task_coro; at += 8)
		if (coroutine_fits(t, task, at))
			t->task_coro = at;
}

uint64_t asyncio_coro(struct tasks *t, uint64_t task)
{
	bool of_c = task_class_of(t, task) == CLASS_ASYNCIO;
	uint64_t coro;

	if (of_c && !t->task_coro)
		find_coroutine(t, task);
	if (of_c)
		coro = t->task_coro ? memory_u64(t->py->m, task + (uint64_t)t->task_coro) : 0;
	else
		coro = py_attr(t->py, task, "_coro");
	return py_is_generator(t->py, coro) && py_gen_state(t->py, coro) != PY_GEN_DONE ? coro : 0;
}

uint64_t asyncio_waiter(struct tasks *t, uint64_t task)
{
	uint64_t waiter;

	if (task_class_of(t, task) == CLASS_PY_ASYNCIO)
		waiter = py_attr(t->py, task, "_fut_waiter");
	else
		waiter = t->task_coro ? memory_u64(t->py->m, task + (uint64_t)t->task_coro - 8) : 0;
	return py_is_none(t->py, waiter) ? 0 : waiter;
}

const char *asyncio_name(struct tasks *t, uint64_t task)
{
	uint64_t name;
	const char *text;
	int64_t number;

	if (task_class_of(t, task) == CLASS_PY_ASYNCIO)
		name = py_attr(t->py, task, "_name");
	else
		name = t->task_coro ? memory_u64(t->py->m, task + (uint64_t)t->task_coro + 8) : 0;
	/* From 3.12 on the name is made when it is asked for. */
	if (!py_is_kind(t->py, name, PY_KIND_STR) && py_int(t->py, name, &number))
		return arena_printf(t->py->arena, "Task-%lld", (long long)number);
	text = py_text(t->py, name);
	return text ? text : "";
}
