/* What stands behind a future of asyncio that is no task: told by the functions that asyncio has put on its list of callbacks. */
#include <string.h>

#include "python/tasks.h"

/* A future of C begins with its loop and its first callback (FutureObj_HEAD, Modules/_asynciomodule.c); the latter is given
 * out, checked to be a function, by its name. */
enum { CALLBACK = 8, MOST_FUNCTION = 256, MOST_CELLS = 8 };

static uint64_t first_field(const struct python *py, uint64_t obj)
{
	return obj + (uint64_t)py->o.ob_type + 8;
}

uint64_t asyncio_loop_of(struct python *py, uint64_t future)
{
	uint64_t loop = py_attr(py, future, "_loop");

	if (!loop && py_base_named(py, py_type(py, future), "_asyncio.Future"))
		loop = memory_u64(py->m, first_field(py, future));
	return loop;
}

static uint64_t first_callback(struct python *py, uint64_t future)
{
	uint64_t callback;

	if (py_base_named(py, py_type(py, future), "_asyncio.Future"))
		callback = memory_u64(py->m, first_field(py, future) + CALLBACK);
	else
		callback = py_item(py, py_item(py, py_attr(py, future, "_callbacks"), 0), 0); /* (callback, context) */
	return py_is_type(py, callback, "function") ? callback : 0;
}

/** A word of a function object that FITS; where it has which is not in the table of offsets. 0: none. */
static uint64_t word_of(struct python *py, uint64_t function, bool (*fits)(struct python *, uint64_t))
{
	for (uint64_t at = first_field(py, function); at < function + MOST_FUNCTION; at += 8) {
		uint64_t word = memory_u64(py->m, at);

		if (word && fits(py, word))
			return word;
	}
	return 0;
}

static bool is_closure(struct python *py, uint64_t word)
{
	return py_is_kind(py, word, PY_KIND_TUPLE) && py_is_type(py, py_item(py, word, 0), "cell");
}

static bool is_code(struct python *py, uint64_t word)
{
	return py_type(py, word) == py->code_type;
}

/** What FUNCTION closes over as NAME: its code names free variables last, in the closure's order (co_localsplusnames, before
 * 3.11 in a tuple of their own). */
static uint64_t closed_over(struct python *py, uint64_t function, const char *name)
{
	uint64_t closure = word_of(py, function, is_closure), code = word_of(py, function, is_code);
	uint64_t names = code ? memory_u64(py->m, code + (uint64_t)(py->minor >= 11 ? py->o.co_varnames : py->o.co_nfree)) : 0;
	size_t n = py_length(py, closure), all = py_length(py, names);

	for (size_t i = 0; i < n && i < MOST_CELLS && n <= all; i++)
		if (py_string_is(py, py_item(py, names, all - n + i), name))
			return py_cell(py, py_item(py, closure, i));
	return 0;
}

const char *asyncio_future_words(struct tasks *t, uint64_t future, uint64_t *task)
{
	struct python *py = t->py;
	uint64_t callback = first_callback(py, future),
		 name = callback ? memory_u64(py->m, callback + (uint64_t)py->o.fu_name) : 0;

	*task = 0;
	if (py_string_is(py, name, "_call_check_cancel"))
		return "concurrent.futures.Future";          /* wrap_future(): of an executor, or of another thread's loop */
	if (!py_string_is(py, name, "_outer_done_callback")) /* of shield() */
		return "Future";
	*task = closed_over(py, callback, "inner");
	if (task_is_asyncio(t, *task))
		return arena_printf(py->arena, "shield of Task '%s'", asyncio_name(t, *task));
	*task = 0;
	return "Future";
}
