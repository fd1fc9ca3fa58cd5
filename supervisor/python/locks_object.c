/* What is a lock, and which one. Layouts are those of Modules/_threadmodule.c (lockobject, rlockobject) and
 * Modules/_multiprocessing/semaphore.c (SemLockObject); they are the same in 3.8 to 3.15 but for what locks_find.c says.
 */
#include <string.h>

#include "python/locks.h"

bool lock_is_a(struct python *py, uint64_t obj, const char *module, const char *name)
{
	uint64_t base = py_base_named(py, py_type(py, obj), name);

	return base &&
	       py_string_is(py, py_dict_get(py, memory_u64(py->m, base + (uint64_t)py->o.tp_dict), "__module__"), module);
}

static enum lock_class class_of_name(const char *name)
{
	if (strcmp(name, "_thread.lock") == 0)
		return CLASS_LOCK;
	if (strcmp(name, "_thread.RLock") == 0)
		return CLASS_RLOCK;
	if (strcmp(name, "_multiprocessing.SemLock") == 0)
		return CLASS_SEMLOCK;
	return strcmp(name, "_queue.SimpleQueue") == 0 ? CLASS_QUEUE : CLASS_OTHER;
}

static enum lock_class class_by_bases(struct python *py, uint64_t obj)
{
	if (lock_is_a(py, obj, "multiprocessing.synchronize", "SemLock"))
		return CLASS_SHARED;
	if (lock_is_a(py, obj, "threading", "Condition") || lock_is_a(py, obj, "multiprocessing.synchronize", "Condition"))
		return CLASS_CONDITION;
	if (lock_is_a(py, obj, "threading", "Semaphore"))
		return CLASS_SEMAPHORE;
	return lock_is_a(py, obj, "contextlib", "_GeneratorContextManager") ? CLASS_MANAGER : CLASS_OTHER;
}

/** Many objects are looked at, of few types, and most are no locks. */
enum lock_class lock_class_of(struct python *py, uint64_t obj)
{
	uint64_t type = py_type(py, obj);
	struct py_type_class *known = &py->classes[type / 16 % ARRAY_SIZE(py->classes)];
	enum lock_class class;
	char name[64];

	if (!type || known->type == type)
		return type ? (enum lock_class)known->class : CLASS_OTHER;
	if (!py_name_of_type(py, type, name, sizeof name))
		return CLASS_OTHER;
	class = class_of_name(name);
	if (class == CLASS_OTHER)
		class = class_by_bases(py, obj);
	*known = (struct py_type_class){type, (int)class};
	return class;
}

enum lock_kind lock_kind_of(struct python *py, uint64_t lock)
{
	switch (lock_class_of(py, lock)) {
	case CLASS_LOCK:
		return LOCK_LOCK;
	case CLASS_RLOCK:
		return LOCK_RLOCK;
	case CLASS_SEMLOCK:
		return LOCK_SEMLOCK;
	default:
		return LOCK_NONE;
	}
}

uint64_t lock_beneath(struct python *py, uint64_t obj)
{
	for (int i = 0; i < 3; i++) {
		switch (lock_class_of(py, obj)) {
		case CLASS_LOCK:
		case CLASS_RLOCK:
		case CLASS_SEMLOCK:
		case CLASS_SEMAPHORE:
			return obj;
		case CLASS_SHARED:
			obj = py_attr(py, obj, "_semlock");
			break;
		case CLASS_CONDITION:
			obj = py_attr(py, obj, "_lock");
			break;
		default:
			return 0;
		}
	}
	return 0;
}

long lock_thread_of(const struct locking *l, uint64_t ident)
{
	for (size_t i = 0; ident && i < l->n; i++)
		if (l->threads[i].ident == ident)
			return (long)i;
	return -1;
}
