/* One stack of two: each time that the interpreter's loop was entered, the Python frames that it runs take its place. */
#include <stdio.h>
#include <string.h>

#include "stacks/native.h"

static size_t count_loops(const struct native_frame *frames, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += frames[i].loop;
	return count;
}

static size_t count_entries(const struct python_frame *pf, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += pf[i].entry;
	return count;
}

/** Copy Python frames up to the one that the loop was entered for. @return how many. */
static size_t copy_group(struct frame *to, const struct python_frame *pf, const struct frame *python, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = python[i];
		if (pf[i].entry)
			return i + 1;
	}
	return n;
}

static const char *judge(struct arena *arena, const struct both_stacks *both)
{
	size_t loops = count_loops(both->frames, both->nnative), entries = count_entries(both->marks, both->npython);

	if (!both->python_whole && !both->python_cut)
		return "the Python stack is not whole, so the native one stands beside it";
	/* One that ends early has seen no more than there are. */
	if ((loops > entries && both->python_whole) || (loops < entries && both->native_whole))
		return arena_printf(arena,
				    "the interpreter was entered %zu times by its own account, %zu times by the native stack, which "
				    "stands beside",
				    entries, loops);
	return NULL;
}

struct frame *stacks_merge(struct arena *arena, const struct both_stacks *both, size_t *n, const char **why)
{
	size_t used = 0;
	struct frame *out;

	*n = 0;
	*why = judge(arena, both);
	if (*why)
		return NULL;
	out = arena_array(arena, both->nnative + both->npython + 1, sizeof *out);
	for (size_t i = 0; i < both->nnative; i++) {
		if (!both->frames[i].loop) {
			out[(*n)++] = both->native[i];
			continue;
		}

		size_t group = copy_group(out + *n, both->marks + used, both->python + used, both->npython - used);

		*n += group;
		used += group;
		if (both->python_cut && used == both->npython)
			return out; /* what comes now would stand between frames that are not shown */
	}
	/* Where the native stack ends early, what is left of the other one lies below it. */
	memcpy(out + *n, both->python + used, (both->npython - used) * sizeof *out);
	*n += both->npython - used;
	return out;
}
