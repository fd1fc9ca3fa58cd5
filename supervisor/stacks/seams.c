/* Not read yet. */
#include "stacks/state.h"

void stacks_tasks(struct process_read *p)
{
	(void)p;
}
