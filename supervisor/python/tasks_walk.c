/* All objects that CPython's garbage collector knows: three generations and what gc.freeze() set aside (pycore_gc.h). Each
 * object has a head of 16 bytes before it: next and previous, with flags in their two lowest bits. */
#include "python/tasks.h"

enum { GC_HEAD = 16, SHARE_FOR_TASKS = 4 /* a quarter: what is found has to be read, too */ };

static uint64_t plain(uint64_t link)
{
	return link & ~UINT64_C(3);
}

/** Does a list close around HEAD? */
static bool closes(struct memory *m, uint64_t head)
{
	uint64_t next = plain(memory_u64(m, head)), prev = plain(memory_u64(m, head + 8));

	return next && prev && plain(memory_u64(m, next + 8)) == head && plain(memory_u64(m, prev)) == head;
}

/* Up to 3.13 a pointer stands between the third generation and the frozen objects, 3.14 has them side by side; late releases of
 * 3.13 moved all of it by four bytes. So it is looked for: only a list's head closes. */
static uint64_t frozen_head(struct tasks *t, uint64_t oldest)
{
	uint64_t first = oldest + (uint64_t)t->py->o.gc_gen_size;

	for (uint64_t at = first; at <= first + 24; at += 4)
		if (closes(t->py->m, at))
			return at;
	return 0;
}

void tasks_keep(struct tasks *t, uint64_t obj, enum task_class class)
{
	struct coro one = {.at = obj, .class = class};

	if (class >= CLASS_ASYNCIO) {
		if (t->objects.n < TASKS_MOST)
			vec_push(&t->objects, (struct task_object){obj, class});
		else
			t->cut = "there are more tasks than are looked at";
		return;
	}
	one.state = py_gen_state(t->py, obj);
	if (one.state == PY_GEN_DONE || one.state == PY_GEN_UNKNOWN)
		return;
	if (t->coros.n < TASKS_MOST_GENERATORS)
		vec_push(&t->coros, one);
	else
		t->cut = "there are more generators than are looked at";
}

static bool may_go_on(struct tasks *t, size_t seen)
{
	if (seen > TASKS_MOST_OBJECTS)
		t->cut = "there are more objects than are looked at";
	else if (memory_left(t->py->m) < t->pages / SHARE_FOR_TASKS)
		t->cut = "too much memory was to be read";
	else
		return tasks_go_on(t);
	return false;
}

/** From its end on: tasks are newer than the modules and the data that a program began with, should it be cut. @return false: no
 * further list is to be read. */
static bool walk_list(struct tasks *t, uint64_t head, size_t *seen)
{
	struct python *py = t->py;
	size_t size = GC_HEAD + (size_t)py->o.ob_type + 8;
	uint64_t words[8], before = head;

	if (size > sizeof words)
		return false;
	for (uint64_t gc = plain(memory_u64(py->m, head + 8)); gc != head; gc = plain(words[1])) {
		uint64_t type;
		enum task_class class;

		if (!may_go_on(t, ++*seen))
			return false;
		if (!gc || !memory_read(py->m, gc, words, size) || plain(words[0]) != before) {
			t->cut = "a list of the garbage collector is torn";
			return true;
		}
		before = gc;
		type = words[size / 8 - 1];
		class = type ? task_class_of_type(t, type) : CLASS_OTHER;
		if (class != CLASS_OTHER)
			tasks_keep(t, gc + GC_HEAD, class);
	}
	return true;
}

static bool walk_interpreter(struct tasks *t, uint64_t interpreter, size_t *seen)
{
	uint64_t head = 0, frozen;

	for (int generation = 0; generation < 3; generation++) {
		head = py_gc_head(t->py, interpreter, generation);
		if (!head) {
			t->cut = t->py->free_threaded ? "a free-threaded build keeps no list of its objects"
						      : "the lists of the garbage collector were not found";
			return true;
		}
		if (!walk_list(t, head, seen))
			return false;
	}
	frozen = frozen_head(t, head);
	return !frozen || walk_list(t, frozen, seen);
}

void tasks_walk(struct tasks *t)
{
	size_t seen = 0;
	uint64_t is = 0;

	t->pages = memory_left(t->py->m);
	for (int i = 0; i < PY_MOST_INTERPRETERS && (is = py_next_interpreter(t->py, is)); i++) {
		if (!walk_interpreter(t, is, &seen) || !t->py->o.gc_in_interp)
			break; /* 3.8: one collector for all interpreters */
	}
}
