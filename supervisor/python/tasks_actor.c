/* The name of a tractor actor, where the process is one: tractor keeps it in a module of its own. */
#include <string.h>

#include "python/state.h"

/** sys.modules of an interpreter: `imports.modules` (pycore_interp.h). */
static uint64_t modules_of(struct python *py, uint64_t interpreter)
{
	uint64_t dict = memory_u64(py->m, interpreter + (uint64_t)py->o.is_modules);

	return py_is_kind(py, dict, PY_KIND_DICT) ? dict : 0;
}

/** What a module calls NAME. Its dict is the first field of a module object (PyModuleObject). */
static uint64_t module_value(struct python *py, uint64_t modules, const char *module, const char *name)
{
	uint64_t found = py_dict_get(py, modules, module), dict;

	if (!found || !py_is_type(py, found, "module"))
		return 0;
	dict = memory_u64(py->m, found + (uint64_t)py->o.ob_type + 8);
	return py_is_kind(py, dict, PY_KIND_DICT) ? py_dict_get(py, dict, name) : 0;
}

/** Actor.name; newer ones have a struct `_aid` with the name; all that have neither have (name, uuid) as `uid`. */
static const char *name_of(struct python *py, uint64_t actor)
{
	const char *name = py_text(py, py_attr(py, actor, "name"));

	if (!name)
		name = py_text(py, py_attr_path(py, actor, "_aid.name"));
	if (!name)
		name = py_text(py, py_item(py, py_attr(py, actor, "uid"), 0));
	return name;
}

const char *python_actor(struct python *py)
{
	/* tractor/_state.py up to 0.1.0a6 and in the trunk of 2025, tractor/runtime/_state.py afterwards. */
	static const char *const homes[] = {"tractor.runtime._state", "tractor._state"};
	uint64_t modules = modules_of(py, py_next_interpreter(py, 0));
	char class[64];

	for (size_t i = 0; modules && i < ARRAY_SIZE(homes); i++) {
		uint64_t actor = module_value(py, modules, homes[i], "_current_actor");

		if (actor && py_full_type_name(py, actor, class, sizeof class) && !strncmp(class, "tractor.", 8))
			return name_of(py, actor);
	}
	return NULL;
}
