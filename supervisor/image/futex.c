/* Waits inside the C library: what a futex word belongs to, by the bytes around it. glibc alone; other libraries' words are
 * not known. */
#include <linux/futex.h>

#include "image/image.h"

/* struct __pthread_mutex_s of x86-64 and aarch64: bits/struct_mutex.h. The kinds: nptl/pthreadP.h. */
struct mutex_words {
	uint32_t lock, count, owner, users, kind;
};
enum {
	KIND_RECURSIVE = 1,
	KIND_ERRORCHECK = 2,
	KIND_LAST = 3, /* adaptive */
	KIND_ROBUST = 16,
	KIND_PSHARED = 128,
	KIND_ELISION = 256 | 512, /* asked for, ruled out */
	MOST_USERS = 1 << 20,
};
/* lll_lock (sysdeps/nptl/lowlevellock.h): 2 is "taken, and somebody waits". */
enum { LOCK_CONTENDED = 2 };

static bool is_sane(const struct mutex_words *m)
{
	uint32_t type = m->kind & KIND_LAST;

	if (m->kind & ~(uint32_t)(KIND_LAST | KIND_ROBUST | KIND_PSHARED | KIND_ELISION))
		return false;
	if (!m->owner || m->owner > FUTEX_TID_MASK || m->users == 0 || m->users > MOST_USERS)
		return false;
	/* Recursive ones are counted, from one up; robust ones have a one there. */
	return type == KIND_RECURSIVE || m->kind & KIND_ROBUST ? m->count > 0 : m->count == 0;
}

static void find_mutex(struct memory *mem, const struct futex_call *call, struct futex_holder *out)
{
	struct mutex_words m;
	uint32_t type;

	if (!memory_read(mem, call->word, &m, sizeof m) || !is_sane(&m) || m.lock != call->value)
		return;
	if (m.kind & KIND_ROBUST ? (m.lock & FUTEX_TID_MASK) != m.owner : m.lock != LOCK_CONTENDED)
		return;
	type = m.kind & KIND_LAST;
	out->kind = FUTEX_MUTEX;
	out->tid = m.owner;
	out->only_it = m.kind & KIND_ROBUST || type == KIND_RECURSIVE || type == KIND_ERRORCHECK;
}

/** A PI mutex: the kernel itself lets nobody but the owner unlock it (futex(2), FUTEX_UNLOCK_PI: EPERM). */
static void find_pi(uint32_t word, struct futex_holder *out)
{
	if (!(word & FUTEX_TID_MASK))
		return;
	out->kind = FUTEX_MUTEX;
	out->tid = word & FUTEX_TID_MASK;
	out->only_it = true;
}

void image_futex(struct memory *m, const struct futex_call *call, struct futex_holder *out)
{
	uint32_t command = call->op & FUTEX_CMD_MASK, word;

	*out = (struct futex_holder){.kind = FUTEX_OTHER};
	if (!memory_read(m, call->word, &word, sizeof word))
		return;
	if (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2) {
		find_pi(word, out);
	} else if (call->op == (FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME) && word == call->value && word > LOCK_CONTENDED) {
		/* pthread_join waits on the tid that the kernel clears at the thread's end (nptl/pthread_join_common.c);
		 * never private, for that wake is not (kernel/fork.c, mm_release). */
		*out = (struct futex_holder){.kind = FUTEX_JOIN, .tid = word, .only_it = true};
	} else if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) {
		find_mutex(m, call, out);
	}
}
