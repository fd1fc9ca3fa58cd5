/* Whose end is waited for: Thread.join(), and the interpreter itself at its end (threading._shutdown). */
#include "python/locks.h"

/* ThreadHandle of Modules/_threadmodule.c from 3.13 on: thread_is_exiting (an event that the joiner is parked on), and the
 * ident. Read from memory of 3.13.0, 3.13.18, 3.14.10 and 3.15.2; the ident is checked. */
enum { HANDLE = 16, HANDLE_IDENT = 32, HANDLE_EVENT = 57, JOIN_FRAMES = 3 };

/** Up to 3.12: the thread releases its _tstate_lock at its end. */
static uint64_t by_state_lock(struct python *py, uint64_t thread, uint64_t lock)
{
	int64_t ident;

	if (!lock || py_attr(py, thread, "_tstate_lock") != lock || !py_int(py, py_attr(py, thread, "_ident"), &ident))
		return 0;
	return (uint64_t)ident;
}

static uint64_t by_handle(struct python *py, uint64_t thread, uint64_t parked)
{
	uint64_t obj = py_attr(py, thread, py->minor == 13 ? "_handle" : "_os_thread_handle");
	uint64_t handle = obj ? memory_u64(py->m, obj + HANDLE) : 0;

	if (!handle || handle + HANDLE_EVENT != parked)
		return 0;
	return memory_u64(py->m, handle + HANDLE_IDENT);
}

static uint64_t by_thread(struct python *py, uint64_t thread, const struct lock_waiter *w, struct python_lock *out)
{
	uint64_t ident = py->minor >= 13 ? by_handle(py, thread, w->parked) : by_state_lock(py, thread, out->address);

	if (ident)
		out->address = thread;
	return ident;
}

/** Up to 3.12 the interpreter joins what is left: it has locks in hand, not Thread objects. */
static uint64_t by_shutdown(struct python *py, const struct py_frame *f, const struct lock_waiter *w, struct python_lock *out)
{
	struct py_iter it = py_iter(py, py_dict_get(py, py_frame_globals(py, f), "_active"));

	while (py_next(py, &it)) {
		uint64_t ident = by_thread(py, it.value, w, out);

		if (ident)
			return ident;
	}
	return 0;
}

/** The handle without a Thread object: of _thread.start_joinable_thread(), and when the interpreter joins what is left. A
 *  word that is the ident of a thread here, where a handle has it, is no accident. */
static uint64_t by_event(struct locking *l, const struct lock_waiter *w, const struct python_lock *out)
{
	uint64_t ident = out->kind == LOCK_PARKED ? memory_u64(l->py->m, w->parked - HANDLE_EVENT + HANDLE_IDENT) : 0;

	return lock_thread_of(l, ident) >= 0 ? ident : 0;
}

uint64_t lock_joined(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	struct py_frame f, outer;
	bool more = lock_first_frame(l->py, w->thread, &f);

	for (int i = 0; more && i < JOIN_FRAMES; i++, f = outer) {
		uint64_t ident = 0;

		if (py_frame_is(l->py, &f, "/threading.py", "join") ||
		    py_frame_is(l->py, &f, "/threading.py", "_wait_for_tstate_lock"))
			ident = by_thread(l->py, py_local(l->py, &f, "self"), w, out);
		else if (py_frame_is(l->py, &f, "/threading.py", "_shutdown"))
			ident = by_shutdown(l->py, &f, w, out);
		if (ident)
			return ident;
		more = py_frame_outer(l->py, &f, &outer, NULL);
	}
	return by_event(l, w, out);
}
