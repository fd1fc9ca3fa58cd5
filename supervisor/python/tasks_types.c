/* Which objects are coroutines and which are tasks: asked for every object of a process, so each type is looked at once. */
#include <string.h>

#include "python/tasks.h"

enum { FIRST_TYPES = 1024 };

static struct type_slot *slot_of(struct tasks *t, uint64_t type)
{
	size_t i = (type >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (t->ntypes - 1);

	while (t->types[i].type && t->types[i].type != type)
		i = (i + 1) & (t->ntypes - 1);
	return &t->types[i];
}

static void make_room(struct tasks *t)
{
	struct type_slot *old = t->types;
	size_t n = t->ntypes;

	if (old && t->types_used + 1 <= n / 4 * 3)
		return;
	t->ntypes = n ? n * 2 : FIRST_TYPES;
	t->types = mem_alloc(t->ntypes * sizeof *t->types);
	for (size_t i = 0; i < n; i++)
		if (old[i].type)
			*slot_of(t, old[i].type) = old[i];
	mem_free(old);
}

static void remember(struct tasks *t, uint64_t type, enum task_class class)
{
	struct type_slot *slot;

	make_room(t);
	slot = slot_of(t, type);
	if (!slot->type)
		t->types_used++;
	*slot = (struct type_slot){type, class};
}

/** By its address, where the interpreter's file tells that; else by its name, which another may have, but then not a frame as
 * these do. */
static bool is_the_type(uint64_t type, uint64_t known, const char *name, const char *wanted)
{
	return known ? type == known : !strcmp(name, wanted);
}

/** By the type itself; objects are of it, or of one derived from it. */
static enum task_class class_by_name(struct tasks *t, uint64_t type)
{
	struct python *py = t->py;
	char name[64];
	uint64_t module;

	if (!py_name_of_type(py, type, name, sizeof name))
		return CLASS_OTHER;
	if (is_the_type(type, py->at.coro_type, name, "coroutine"))
		return CLASS_COROUTINE;
	if (is_the_type(type, py->at.async_gen_type, name, "async_generator"))
		return CLASS_ASYNC_GENERATOR;
	if (is_the_type(type, py->at.gen_type, name, "generator"))
		return CLASS_GENERATOR;
	if (!strcmp(name, "_asyncio.Task"))
		return CLASS_ASYNCIO;
	if (strcmp(name, "Task") != 0)
		return CLASS_OTHER;
	module = py_dict_get(py, memory_u64(py->m, type + (uint64_t)py->o.tp_dict), "__module__");
	if (py_string_is(py, module, "asyncio.tasks"))
		return CLASS_PY_ASYNCIO;
	/* It is made in trio._core._run, and made to say trio.lowlevel (trio/_util.py, fixup_module_metadata()). */
	return py_string_is(py, module, "trio.lowlevel") || py_string_is(py, module, "trio._core._run") ? CLASS_TRIO
													: CLASS_OTHER;
}

/* A class of the program's own derives from a task's: tp_base, which stands before tp_dict (cpython/object.h, all versions), is
 * the one whose layout it has. */
static enum task_class class_of_type(struct tasks *t, uint64_t type)
{
	uint64_t seen[PY_MOST_BASES];
	enum task_class class = CLASS_OTHER;
	size_t n = 0;

	for (; type && n < PY_MOST_BASES; type = memory_u64(t->py->m, type + (uint64_t)t->py->o.tp_dict - 8)) {
		struct type_slot *known = slot_of(t, type);

		if (known->type) {
			class = known->class;
			break;
		}
		seen[n++] = type;
		class = class_by_name(t, type);
		if (class != CLASS_OTHER)
			break;
	}
	for (size_t i = 0; i < n; i++)
		remember(t, seen[i], class);
	return class;
}

enum task_class task_class_of_type(struct tasks *t, uint64_t type)
{
	struct type_slot *known;

	make_room(t);
	known = slot_of(t, type);
	return known->type ? known->class : class_of_type(t, type);
}

enum task_class task_class_of(struct tasks *t, uint64_t obj)
{
	uint64_t type = py_type(t->py, obj);

	return type ? task_class_of_type(t, type) : CLASS_OTHER;
}

bool task_is_asyncio(struct tasks *t, uint64_t obj)
{
	enum task_class class = task_class_of(t, obj);

	return class == CLASS_ASYNCIO || class == CLASS_PY_ASYNCIO;
}
