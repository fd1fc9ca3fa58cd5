/* The global interpreter lock: who holds it. */
#include "python/state.h"

/** Main interpreter: the one that has id 0. */
static uint64_t main_interpreter(struct python *py)
{
	uint64_t interpreter = 0;

	for (int i = 0; i < PY_MOST_INTERPRETERS && (interpreter = py_next_interpreter(py, interpreter)); i++)
		if (memory_u64(py->m, interpreter + (uint64_t)py->o.is_id) == 0)
			return interpreter;
	return 0;
}

/** Thread state of the holder; 0: nobody. */
static uint64_t holder(struct python *py)
{
	/* Up to 3.11 the runtime's current thread state is set for exactly as long as its thread holds the lock (ceval.c). */
	if (py->o.is_gil < 0)
		return memory_u64(py->m, py->at.runtime + (uint64_t)py->o.rt_tstate_current);

	uint64_t interpreter = main_interpreter(py);
	uint64_t gil = interpreter ? memory_u64(py->m, interpreter + (uint64_t)py->o.is_gil) : 0;

	/* pycore_gil.h: locked is -1 before there is a lock, and last_holder stays when it is given back. */
	if (!gil || memory_u32(py->m, gil + (uint64_t)py->o.gil_locked) != 1)
		return 0;
	return memory_u64(py->m, gil + (uint64_t)py->o.gil_holder);
}

long python_gil(struct python *py, const struct python_thread *threads, size_t n)
{
	uint64_t state = holder(py);

	for (size_t i = 0; state && i < n; i++)
		if (threads[i].state == state)
			return (long)i;
	return -1;
}
