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

static const char *judge(struct arena *arena, size_t loops, size_t entries, bool native_whole, bool python_whole)
{
	if (!python_whole)
		return "the Python stack is not whole, so the native one stands beside it";
	if (native_whole ? loops != entries : loops > entries)
		return arena_printf(arena, "the interpreter was entered %zu times by its own account, %zu times by the native stack, which stands beside",
				    entries, loops);
	return NULL;
}

struct frame *stacks_merge(struct arena *arena, const struct native_frame *frames, const struct frame *native, size_t nnative,
			   const struct python_frame *pf, const struct frame *python, size_t npython, bool native_whole, bool python_whole,
			   size_t *n, const char **why)
{
	size_t loops = count_loops(frames, nnative), entries = count_entries(pf, npython), used = 0;
	struct frame *out;

	*n = 0;
	*why = judge(arena, loops, entries, native_whole, python_whole);
	if (*why)
		return NULL;
	out = arena_array(arena, nnative + npython + 1, sizeof *out);
	for (size_t i = 0; i < nnative; i++) {
		if (!frames[i].loop) {
			out[(*n)++] = native[i];
			continue;
		}

		size_t group = copy_group(out + *n, pf + used, python + used, npython - used);

		*n += group;
		used += group;
	}
	/* Where the native stack ends early, what is left of the other one lies below it. */
	memcpy(out + *n, python + used, (npython - used) * sizeof *out);
	*n += npython - used;
	return out;
}
