/* Private to stacks/locks*.c. */
#ifndef TRACEWRAP_STACKS_LOCKS_STATE_H
#define TRACEWRAP_STACKS_LOCKS_STATE_H

#include "stacks/state.h"

/** What is kept of a process's locks from its own reading to when all are joined: of each thread, as in process_read. */
struct locks_read {
	struct python_lock *of;
};

/** Arguments of a futex(2) that waits, for a lock or something else. @return false: it is in none. */
bool locks_futex(const struct thread_read *t, struct futex_call *out);
/** The stack that became of thread I of P; NULL: it is gone. */
struct stack *locks_stack(const struct process_read *p, size_t i);
/** Each thread once. */
void locks_add_owner(struct arena *arena, struct lock_wait *l, struct lock_owner owner);
/** @return false: it is no thread of the process, or nobody can say, for it ran while it was read. */
bool locks_owner_of(const struct process_read *p, const struct python_holder *h, struct lock_owner *out);

/** Is each of its threads one whose ident Python knows? Else one that it does not know may be the owner that a lock names. */
bool locks_knows_all(const struct process_read *p);

/** Owners of what threads wait for as LOCK_SEMLOCK. */
void locks_join_processes(struct reading *r);
/** "MAJ:MIN:INODE+OFFSET" of the shared mapping that WORD lies in; NULL: it is private. */
const char *locks_shared(const struct process_read *p, uint64_t word);

#endif
