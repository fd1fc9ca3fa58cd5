/* What is done with the memory of a Python process, by fuzz_python.c and by record.c, which records what it touches; and the format of such
 * a record: the head, then its pages in the order of their addresses, each behind its address. */
#ifndef TRACEWRAP_FUZZ_WALK_H
#define TRACEWRAP_FUZZ_WALK_H

#include <string.h>

#include "python/tasks.h"

#define RECORD_MAGIC "pyimage1"

struct record_head {
	char magic[8];
	struct python_where where; /* its strings are those below */
	char file[64], literal[16];
	pid_t tids[64];
	uint64_t pages;
};
static struct python_where record_where(const struct record_head *h)
{
	struct python_where where = h->where;

	where.file = h->file;
	where.literal = *h->literal ? h->literal : NULL;
	where.tids = h->tids;
	return where;
}

struct record_page {
	uint64_t address;
	uint8_t bytes[MEMORY_PAGE];
};

/* Enough to go everywhere, few enough for some hundred runs a second. */
enum { WALK_OBJECTS = 50, WALK_ITEMS = 8, WALK_FRAMES = 8, WALK_THREADS = 5, WALK_WAITS = 8, WALK_NEWEST = 400 };

static void walk_text(const char *s)
{
	if (s && (strlen(s) > PY_TEXT || strchr(s, '\033') || strchr(s, '\n')))
		__builtin_trap();
}

static void walk_object(struct python *py, uint64_t obj, int depth)
{
	char text[256];
	int64_t number;
	double real;
	size_t items = 0, n = py_length(py, obj);

	(void)py_full_type_name(py, obj, text, sizeof text);
	walk_text(py_text(py, obj));
	(void)py_int(py, obj, &number);
	(void)py_float(py, obj, &real);
	(void)py_bytes(py, obj, text, sizeof text, &n);
	(void)py_attr_path(py, obj, "_parent_nursery._parent_task");
	(void)py_class_attr(py, obj, "__module__");
	(void)py_base_named(py, py_type(py, obj), "Task");
	(void)py_dict_get(py, obj, "name");
	for (struct py_iter it = py_iter(py, obj); items < WALK_ITEMS && py_next(py, &it); items++)
		if (depth > 0)
			walk_object(py, it.value ? it.value : it.key, depth - 1);
}

static void walk_frame(struct python *py, const struct py_frame *f)
{
	size_t live = py_stack_live(py, f), depth;

	walk_text(py_frame_function(py, f));
	walk_text(py_frame_file(py, f));
	if (py_frame_line(py, f) < 0)
		__builtin_trap();
	for (int i = 0; i < f->nlocals && i < WALK_ITEMS; i++)
		walk_object(py, py_local_at(py, f, i), 1);
	for (size_t i = 0; i < live && i < WALK_ITEMS; i++)
		walk_object(py, py_stack_at(py, f, i), 0);
	(void)py_stack_depth(py, f, &depth);
	(void)py_local(py, f, "self");
	(void)py_cell(py, py_local_at(py, f, 0));
	walk_object(py, py_frame_globals(py, f), 0);
}

static void walk_generator(struct python *py, uint64_t obj)
{
	struct py_frame f;

	if (!py_is_generator(py, obj))
		return;
	(void)py_gen_state(py, obj);
	walk_text(py_gen_name(py, obj));
	walk_object(py, py_gen_awaits(py, obj), 0);
	if (py_gen_frame(py, obj, &f))
		walk_frame(py, &f);
}

static void walk_heap(struct python *py, uint64_t interpreter)
{
	for (int generation = 0; generation < 3; generation++) {
		uint64_t head = py_gc_head(py, interpreter, generation), at = head;

		for (int i = 0; head && i < WALK_OBJECTS; i++) {
			at = memory_u64(py->m, at) & ~UINT64_C(3);
			if (!at || at == head)
				break;
			walk_object(py, at + 16, 0);
			walk_generator(py, at + 16);
		}
	}
}

static void walk_task(const struct async_task *task)
{
	walk_text(task->name);
	if (task->awaits && (strlen(task->awaits) > PY_TEXT + 32 || strchr(task->awaits, '\033')))
		__builtin_trap();
	if (task->nframes > PYTHON_MOST_FRAMES || task->fd < -1 || task->child < 0 || (task->nwaits_for && !task->waits_for))
		__builtin_trap();
	for (size_t i = 0; i < task->nframes; i++) {
		walk_text(task->frames[i].function);
		walk_text(task->frames[i].file);
	}
}

/* The program's tasks are among the newest objects, which stand last in their list; all of a heap would be too much. */
static void walk_tasks(struct python *py, uint64_t interpreter)
{
	struct tasks t = {.py = py};
	struct async_task *tasks;
	size_t n;

	asyncio_lists(&t);
	for (int generation = 0; generation < 3; generation++) {
		uint64_t head = py_gc_head(py, interpreter, generation), at = head;

		for (int i = 0; head && i < WALK_NEWEST; i++) {
			enum task_class class;

			at = memory_u64(py->m, at + 8) & ~UINT64_C(3);
			if (!at || at == head)
				break;
			class = task_class_of(&t, at + 16);
			if (class != CLASS_OTHER)
				tasks_keep(&t, at + 16, class);
		}
	}
	n = tasks_show(&t, &tasks);
	for (size_t i = 0; i < n; i++)
		walk_task(&tasks[i]);
	walk_text(python_actor(py));
}

static void walk_thread(struct python *py, const struct python_thread *t)
{
	struct python_frame frames[PYTHON_MOST_FRAMES];
	const char *why = NULL;
	struct py_frame f;
	size_t n = python_frames(py, t->frame, frames, PYTHON_MOST_FRAMES, &why);

	if (n > PYTHON_MOST_FRAMES)
		__builtin_trap();
	for (size_t i = 0; i < n; i++) {
		walk_text(frames[i].function);
		walk_text(frames[i].file);
		if (i < WALK_FRAMES && py_frame_open(py, frames[i].address, &f))
			walk_frame(py, &f);
	}
}

/** Futex words that a wait of T could be about: of the locks that its first frame has in hand, of the runtime, of a parked thread. */
static size_t walk_words(struct python *py, const struct python_thread *t, uint64_t *words, size_t most)
{
	struct py_frame f;
	size_t n = 0;

	words[n++] = py->at.runtime + 8;
	words[n++] = t->frame + 64;
	if (!py_frame_open(py, t->frame, &f))
		return n;
	for (int i = 0; i < f.nlocals && n < most; i++)
		words[n++] = memory_u64(py->m, py_local_at(py, &f, i) + 16);
	for (size_t i = 0; i < py_stack_size(py, &f) && n < most; i++)
		words[n++] = memory_u64(py->m, py_stack_at(py, &f, i) + 16);
	return n;
}

static void walk_locks(struct python *py, const struct python_thread *threads, size_t n)
{
	struct python_blocked blocked[WALK_WAITS];
	struct python_semlock *semlocks;
	struct python_lock *locks;
	size_t nblocked = 0, nsemlocks;

	if (!n)
		return;
	for (size_t i = 0; i < n && nblocked < WALK_WAITS; i++) {
		uint64_t words[8];
		size_t nwords = walk_words(py, &threads[i], words, ARRAY_SIZE(words));

		for (size_t k = 0; k < nwords && nblocked < WALK_WAITS; k++)
			blocked[nblocked++] = (struct python_blocked){i, words[k] - 32, {.word = words[k], .op = 128}};
	}
	locks = python_locks(py, threads, n, blocked, nblocked);
	for (size_t i = 0; i < nblocked; i++)
		for (size_t k = 0; k < locks[i].nholders; k++)
			if (locks[i].holders[k].thread >= n || locks[i].holders[k].frame >= PYTHON_MOST_FRAMES)
				__builtin_trap();
	nsemlocks = python_semlocks(py, threads, n, &threads[0].frame, 1, &semlocks);
	for (size_t i = 0; i < nsemlocks; i++)
		if (semlocks[i].thread >= (long)n)
			__builtin_trap();
}

enum walk_part { WALK_STACKS = 1, WALK_LOCKS = 2, WALK_HEAP = 4, WALK_TASKS = 8, WALK_ALL = 15 };

static void walk_python(struct memory *m, const struct python_where *where, unsigned parts)
{
	struct arena *arena = arena_new();
	const char *why = NULL;
	struct python *py = python_open(m, arena, where, &why);
	struct python_thread *threads;
	size_t n;

	if (py) {
		n = python_threads(py, &threads, &why);
		if (n > PYTHON_MOST_THREADS || python_gil(py, threads, n) >= (long)n)
			__builtin_trap();
		for (size_t i = 0; parts & WALK_STACKS && i < n && i < WALK_THREADS; i++)
			walk_thread(py, &threads[i]);
		if (parts & WALK_LOCKS)
			walk_locks(py, threads, n);
		if (parts & WALK_HEAP)
			walk_heap(py, py_next_interpreter(py, 0));
		if (parts & WALK_TASKS)
			walk_tasks(py, py_next_interpreter(py, 0));
	} else if (!why) {
		__builtin_trap();
	}
	arena_free(arena);
}

#endif
