/* Private to python/: the pieces of locks.c. */
#ifndef TRACEWRAP_PYTHON_LOCKS_H
#define TRACEWRAP_PYTHON_LOCKS_H

#include "python/state.h"

/** A `with` block that a thread is in. */
struct lock_hold {
	uint64_t lock; /* what lock_beneath() makes of the object in the `with` */
	size_t thread;
	long frame;
	int line;      /* of the `with`; 0: not known */
	bool doubtful; /* the function calls release() by hand somewhere */
};
typedef VEC(struct lock_hold) lock_holds;

/** What python_locks() works on. */
struct locking {
	struct python *py;
	const struct python_thread *threads;
	size_t n;
	lock_holds holds;
};

/** Where a thread waits. */
struct lock_waiter {
	const struct python_blocked *at;
	const struct python_thread *thread;
	uint64_t parked; /* 3.13 on: the address that it is parked on; 0: it is not */
};

/* ---- locks_object.c: what is a lock ---- */

/** Where the words of _thread.lock, _thread.RLock and _multiprocessing.SemLock lie. */
enum { LOCK_WORD = 16, RLOCK_OWNER = 24, SEMLOCK_LAST = 24, SEMLOCK_COUNT = 32, SEMLOCK_MOST = 36, SEMLOCK_KIND = 40 };

/** What is looked for among objects: locks, and what has one beneath. */
enum lock_class {
	CLASS_OTHER,
	CLASS_LOCK,      /* _thread.lock */
	CLASS_RLOCK,     /* _thread.RLock */
	CLASS_SEMLOCK,   /* _multiprocessing.SemLock */
	CLASS_QUEUE,     /* _queue.SimpleQueue */
	CLASS_SHARED,    /* multiprocessing.synchronize.SemLock and what is derived of it */
	CLASS_CONDITION, /* threading's, multiprocessing's */
	CLASS_SEMAPHORE, /* threading's */
	CLASS_MANAGER,   /* what a @contextmanager function returns */
};
enum lock_class lock_class_of(struct python *py, uint64_t obj);
/** Is OBJ of the class MODULE.NAME or one derived of it? Classes made by Python code. */
bool lock_is_a(struct python *py, uint64_t obj, const char *module, const char *name);
/** The lock that OBJ stands for: itself, or what is beneath threading.Condition and multiprocessing's classes. A
 *  threading.Semaphore is one, though nobody waits for it by its address. 0: OBJ is none of these. */
uint64_t lock_beneath(struct python *py, uint64_t obj);
/** LOCK_LOCK, LOCK_RLOCK, LOCK_SEMLOCK by the type of a lock; LOCK_NONE: another type. */
enum lock_kind lock_kind_of(struct python *py, uint64_t lock);
/** The state of the thread that calls itself IDENT; -1: none. */
long lock_thread_of(const struct locking *l, uint64_t ident);

/* ---- locks_frames.c ---- */

/** The innermost frame of a thread that has code. */
bool lock_first_frame(struct python *py, const struct python_thread *t, struct py_frame *out);
/** With each value that the frame has in hand, live or stale: variables without their cells, then the value stack, objects
 *  behind bound builtin methods too. Until SEEN says true. */
typedef bool lock_seen(struct python *py, uint64_t obj, void *who);
bool lock_each_value(struct python *py, const struct py_frame *f, lock_seen *seen, void *who);
/** All `with` blocks of all threads. */
void lock_find_holds(struct locking *l);

/* ---- locks_find.c ---- */

/** The address that a thread is parked on; 0: none. */
uint64_t lock_parked(struct locking *l, const struct python_blocked *b);
/** Which lock W waits for: kind, type, address and word. LOCK_NONE: none that is known. */
void lock_find(struct locking *l, const struct lock_waiter *w, struct python_lock *out);

/* ---- locks_join.c ---- */

/** Does W wait for the end of a thread? OUT says what it was taken for until now; its address becomes that of the Thread
 *  where it is known. @return the ident of that thread, 0: no. */
uint64_t lock_joined(struct locking *l, const struct lock_waiter *w, struct python_lock *out);

/* ---- locks_name.c ---- */

/** In the user's words: the outermost object of the library that W waits through ("queue.Queue"). It becomes the type of
 *  OUT, and whether that is a signal. @return the object; 0: nothing is known but the lock. */
uint64_t lock_name(struct locking *l, const struct lock_waiter *w, struct python_lock *out);
/** Is OBJ the lock under which a module is imported? *OWNER: the ident of the thread that does. */
bool lock_of_import(struct python *py, uint64_t obj, int64_t *owner);

#endif
