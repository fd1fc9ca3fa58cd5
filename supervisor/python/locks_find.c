/* Which object a thread waits for. The futex word names it, exactly:
 *
 * Up to 3.12 a lock has a semaphore of its own (Python/thread_pthread.h), and the pointer in the object is the address of the
 * word. From 3.13 on a thread is parked (Python/parking_lot.c): the word lies in a `struct wait_entry` on the waiter's own
 * stack, behind the address that it is parked on, which lies inside of the object. Within 3.13 _thread.lock changed from the
 * one to the other, _thread.RLock with 3.14.
 */
#include <string.h>

#include "python/locks.h"

enum { MOST_STACK = 1 << 16, LEAST_ADDRESS = 1 << 16, WAIT_FRAMES = 5, PARKED_BIT = 2 /* _Py_HAS_PARKED, pycore_lock.h */ };

struct wanted {
	uint64_t word;
	struct python_lock *out;
};

static bool is_simple_queue(struct python *py, uint64_t obj)
{
	return lock_class_of(py, obj) == CLASS_QUEUE;
}

static const char *type_of(struct python *py, uint64_t obj)
{
	char name[96];

	return py_full_type_name(py, obj, name, sizeof name) ? arena_strdup(py->arena, name) : NULL;
}

static void found(struct python *py, struct python_lock *out, enum lock_kind kind, uint64_t lock, uint64_t shown)
{
	out->kind = kind;
	out->address = lock;
	out->type = type_of(py, shown);
	out->signal = is_simple_queue(py, lock);
	out->word = kind == LOCK_SEMLOCK ? memory_u64(py->m, lock + LOCK_WORD) : 0;
}

/** Is it the lock of which the semaphore is waited for? A stale slot can't lie: the word says. */
static bool is_wanted(struct python *py, uint64_t obj, void *who)
{
	const struct wanted *want = who;
	uint64_t lock = is_simple_queue(py, obj) ? obj : lock_beneath(py, obj);
	enum lock_kind kind;

	if (!lock || memory_u64(py->m, lock + LOCK_WORD) != want->word)
		return false;
	kind = lock == obj && is_simple_queue(py, obj) ? LOCK_LOCK : lock_kind_of(py, lock);
	if (kind == LOCK_NONE)
		return false;
	/* multiprocessing's classes are what the user knows; a Condition around a lock is not what is waited for. */
	found(py, want->out, kind, lock, kind == LOCK_SEMLOCK ? obj : lock);
	return true;
}

static bool find_by_word(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	struct wanted want = {w->at->call.word, out};
	struct py_frame f, outer;
	bool more = lock_first_frame(l->py, w->thread, &f);

	for (int i = 0; more && i < WAIT_FRAMES; i++, f = outer) {
		if (lock_each_value(l->py, &f, is_wanted, &want))
			return true;
		more = py_frame_outer(l->py, &f, &outer, NULL);
	}
	return false;
}

static bool find_parked(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	uint64_t obj = w->parked - LOCK_WORD;
	enum lock_kind kind = lock_kind_of(l->py, obj);

	if (is_simple_queue(l->py, obj)) /* simplequeueobject.has_threads_waiting, Modules/_queuemodule.c */
		kind = LOCK_LOCK;
	if (kind != LOCK_LOCK && kind != LOCK_RLOCK)
		return false;
	found(l->py, out, kind, obj, obj);
	return true;
}

/** An address is believed if the word before lies where a wait_entry must. */
uint64_t lock_parked(struct locking *l, const struct python_blocked *b)
{
	uint64_t word = b->call.word, at;

	if (l->py->minor < 13 || word <= b->stack_pointer || word - b->stack_pointer > MOST_STACK)
		return 0;
	at = memory_u64(l->py->m, word - sizeof(uint64_t));
	return at >= LEAST_ADDRESS ? at : 0;
}

void lock_find(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	if (w->parked && find_parked(l, w, out))
		return;
	if (find_by_word(l, w, out))
		return;
	if (w->parked && memory_u8(l->py->m, w->parked) & PARKED_BIT) {
		out->kind = LOCK_PARKED;
		out->address = w->parked;
	}
}
