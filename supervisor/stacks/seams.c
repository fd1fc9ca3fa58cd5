/* Not read yet. */
#include "stacks/state.h"

void stacks_native(struct process_read *p, struct thread_read *t)
{
	(void)p, (void)t;
}

void stacks_native_free(struct stacks *st)
{
	(void)st;
}

void stacks_locks(struct process_read *p)
{
	(void)p;
}

void stacks_locks_across(struct reading *r)
{
	(void)r;
}

void stacks_tasks(struct process_read *p)
{
	(void)p;
}
