/* Private to stacks/locks*.c. */
#ifndef TRACEWRAP_STACKS_LOCKS_STATE_H
#define TRACEWRAP_STACKS_LOCKS_STATE_H

#include "stacks/locks.h"

/** Of each thread of a process, the address of the semaphore that it waits for; 0: it waits for none. */
struct lock_words {
	uint64_t *at;
};

/** Each thread once. */
void locks_add_owner(struct arena *arena, struct lock_wait *l, struct lock_owner owner);
/** @return false: it is no thread of the process. */
bool locks_owner_of(const struct lock_process *p, const struct python_holder *h, struct lock_owner *out);

/** Owners of what threads wait for as LOCK_SEMLOCK. */
void locks_join_processes(struct arena *arena, const struct lock_process *all, const struct lock_words *words, size_t n);

/** "MAJ:MIN:INODE+OFFSET" of the shared mapping of MAPS that WORD lies in; NULL: it is private. */
const char *locks_shared(struct arena *arena, const char *maps, size_t len, uint64_t word);

#endif
