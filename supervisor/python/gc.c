/* The lists of the garbage collector: pycore_gc.h. */
#include "python/state.h"

enum { GENERATIONS = 3, PREVIOUS = 8, FLAGS = 3, SEARCH = 64 };

static uint64_t head_at(const struct python *py, uint64_t interpreter, int offset, int generation)
{
	uint64_t owner = py->o.gc_in_interp ? interpreter : py->at.runtime;

	return owner + (uint64_t)(int64_t)offset + (uint64_t)(generation * py->o.gc_gen_size);
}

/** Do the three lists close: does what follows each head point back to it? */
static bool closed(struct python *py, uint64_t interpreter, int offset)
{
	for (int i = 0; i < GENERATIONS; i++) {
		uint64_t head = head_at(py, interpreter, offset, i), next = memory_u64(py->m, head) & ~(uint64_t)FLAGS;

		if (!next || (memory_u64(py->m, next + PREVIOUS) & ~(uint64_t)FLAGS) != head)
			return false;
	}
	return true;
}

uint64_t py_gc_head(struct python *py, uint64_t interpreter, int generation)
{
	if (py->free_threaded || generation < 0 || generation >= GENERATIONS || !interpreter)
		return 0;
	if (closed(py, interpreter, py->o.gc_gen0))
		return head_at(py, interpreter, py->o.gc_gen0, generation);
	/* Patch releases have moved them by four bytes (3.13.0: 7424, 3.13.18: 7420). */
	for (int by = 4; by <= SEARCH; by += 4)
		for (int sign = -1; sign <= 1; sign += 2)
			if (closed(py, interpreter, py->o.gc_gen0 + sign * by)) {
				py->o.gc_gen0 += sign * by;
				return head_at(py, interpreter, py->o.gc_gen0, generation);
			}
	return 0;
}
