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

enum lock_kind lock_kind_of(struct python *py, uint64_t lock)
{
	char name[32];

	if (!py_type_name(py, lock, name, sizeof name))
		return LOCK_NONE;
	if (strcmp(name, "_thread.lock") == 0)
		return LOCK_LOCK;
	if (strcmp(name, "_thread.RLock") == 0)
		return LOCK_RLOCK;
	return strcmp(name, "_multiprocessing.SemLock") == 0 ? LOCK_SEMLOCK : LOCK_NONE;
}

/** Most objects that are looked at are no locks: the name of the class tells that without a walk through its bases. */
uint64_t lock_beneath(struct python *py, uint64_t obj)
{
	for (int i = 0; i < 2; i++) {
		if (lock_kind_of(py, obj) != LOCK_NONE)
			return obj;
		if (lock_is_a(py, obj, "multiprocessing.synchronize", "SemLock"))
			obj = py_attr(py, obj, "_semlock");
		else if (lock_is_a(py, obj, "threading", "Condition") ||
			 lock_is_a(py, obj, "multiprocessing.synchronize", "Condition"))
			obj = py_attr(py, obj, "_lock");
		else
			return lock_is_a(py, obj, "threading", "Semaphore") ? obj : 0;
	}
	return lock_kind_of(py, obj) != LOCK_NONE ? obj : 0;
}

long lock_thread_of(const struct locking *l, uint64_t ident)
{
	for (size_t i = 0; ident && i < l->n; i++)
		if (l->threads[i].ident == ident)
			return (long)i;
	return -1;
}
