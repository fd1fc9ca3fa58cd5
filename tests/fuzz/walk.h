/* What is done with the memory of a Python process, by fuzz_python.c and by record.c, which records what it touches; and the format of such a
 * record: the head, then its pages in the order of their addresses, each behind its address. */
#ifndef TRACEWRAP_FUZZ_WALK_H
#define TRACEWRAP_FUZZ_WALK_H

#include <string.h>

#include "python/state.h"

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
enum { WALK_OBJECTS = 50, WALK_ITEMS = 8, WALK_FRAMES = 8, WALK_THREADS = 5 };

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

static void walk_python(struct memory *m, const struct python_where *where)
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
		for (size_t i = 0; i < n && i < WALK_THREADS; i++)
			walk_thread(py, &threads[i]);
		walk_heap(py, py_next_interpreter(py, 0));
	} else if (!why) {
		__builtin_trap();
	}
	arena_free(arena);
}

#endif
