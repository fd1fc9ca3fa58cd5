/* Not read yet: rows that say so. */
#include "stacks/stacks.h"

struct stacks *stacks_new(void)
{
	return mem_alloc(1);
}

void stacks_free(struct stacks *st)
{
	mem_free(st);
}

struct process_stacks *stacks_read(struct stacks *st, struct arena *arena, const pid_t *pids, size_t n, const struct stacks_options *opt)
{
	(void)st, (void)pids, (void)opt;
	return arena_array(arena, n, sizeof(struct process_stacks));
}
