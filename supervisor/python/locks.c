/* Who waits for which lock, and who has it. Exact where the lock itself names its owner; else by the `with` block that somebody
 * is in, which explains but proves nothing: any thread may release a plain lock.
 */
#include "python/locks.h"

/* struct _gil_runtime_state (internal/pycore_gil.h, 3.12 to 3.15) with pthread types of glibc on x86-64. */
enum { GIL_SIZE = 208 };

static void add_holder(struct python_lock *out, struct arena *arena, struct python_holder holder)
{
	struct python_holder *all;

	for (size_t i = 0; i < out->nholders; i++)
		if (out->holders[i].thread == holder.thread)
			return;
	all = arena_array(arena, out->nholders + 1, sizeof *all);
	for (size_t i = 0; i < out->nholders; i++)
		all[i] = out->holders[i];
	all[out->nholders++] = holder;
	out->holders = all;
}

/** The innermost frame of THREAD that is in a `with` of LOCK. */
static long frame_of_hold(const struct locking *l, uint64_t lock, size_t thread)
{
	for (size_t i = 0; i < l->holds.n; i++)
		if (l->holds.at[i].lock == lock && l->holds.at[i].thread == thread)
			return l->holds.at[i].frame;
	return -1;
}

/** The lock names who has it. LOCK: its object, for the frame. */
static void exact_holder(struct locking *l, struct python_lock *out, uint64_t ident, uint64_t lock)
{
	long thread = lock_thread_of(l, ident);

	if (!ident)
		return;
	if (thread < 0) {
		out->holder_gone = true;
		return;
	}
	out->only_holders = true;
	add_holder(out, l->py->arena, (struct python_holder){(size_t)thread, frame_of_hold(l, lock, (size_t)thread), 0, true});
}

/** By `with` blocks, of the waiter itself as well: a second `with` of a plain lock never ends. Only one can have such a
 *  lock: of two, one at least let go of it by other means, and nothing tells which. */
static void inferred_holders(struct locking *l, struct python_lock *out, uint64_t lock, bool many)
{
	for (size_t i = 0; i < l->holds.n; i++) {
		const struct lock_hold *h = &l->holds.at[i];

		if (h->lock == lock && !h->doubtful)
			add_holder(out, l->py->arena, (struct python_holder){h->thread, h->frame, h->line, false});
	}
	if (!many && out->nholders > 1)
		out->nholders = 0;
}

/** The struct that the thread's word lies in, when it waits for a GIL: up to 3.11 there is one, in _PyRuntime, where nothing
 *  else is a futex; then each interpreter points to its own. */
static bool waits_for_gil(struct python *py, uint64_t word, uint64_t *holder)
{
	uint64_t gil, is = 0;

	if (py->o.is_gil < 0) {
		*holder = memory_u64(py->m, py->at.runtime + (uint64_t)py->o.rt_tstate_current);
		return word >= py->at.runtime && word - py->at.runtime < (uint64_t)py->o.rt_size;
	}
	for (int i = 0; i < PY_MOST_INTERPRETERS && (is = py_next_interpreter(py, is)); i++) {
		gil = memory_u64(py->m, is + (uint64_t)py->o.is_gil);
		if (!gil || word < gil || word - gil >= GIL_SIZE)
			continue;
		*holder = memory_u32(py->m, gil + (uint64_t)py->o.gil_locked)
				  ? memory_u64(py->m, gil + (uint64_t)py->o.gil_holder)
				  : 0;
		return true;
	}
	return false;
}

static bool take_gil(struct locking *l, const struct python_blocked *b, struct python_lock *out)
{
	uint64_t holder = 0;

	if (!waits_for_gil(l->py, b->call.word, &holder))
		return false;
	out->kind = LOCK_GIL;
	for (size_t i = 0; holder && i < l->n; i++) {
		if (l->threads[i].state == holder && i != b->thread) {
			add_holder(out, l->py->arena, (struct python_holder){.thread = i, .frame = -1, .exact = true});
			out->only_holders = true;
		}
	}
	return true;
}

static void find_holders(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	uint64_t lock = out->address, named;
	int64_t owner;

	if (out->kind == LOCK_RLOCK)
		exact_holder(l, out, memory_u64(l->py->m, lock + RLOCK_OWNER), lock);
	if (out->kind != LOCK_LOCK && out->kind != LOCK_SEMLOCK)
		return;
	named = lock_name(l, w, out);
	if (out->kind == LOCK_LOCK)
		inferred_holders(l, out, lock, false);
	if (out->kind != LOCK_LOCK || !named)
		return;
	out->address = named;
	if (lock_of_import(l->py, named, &owner)) {
		exact_holder(l, out, (uint64_t)owner, 0);
		out->only_holders = false; /* of the lock that it waits for inside, nothing says so */
		return;
	}
	inferred_holders(l, out, named, true);
}

static void one_wait(struct locking *l, const struct python_blocked *b, struct python_lock *out)
{
	struct lock_waiter w = {.at = b, .thread = &l->threads[b->thread]};
	uint64_t ident;

	if (take_gil(l, b, out))
		return;
	w.parked = lock_parked(l, b);
	lock_find(l, &w, out);
	ident = lock_joined(l, &w, out);
	if (!ident) {
		find_holders(l, &w, out);
		return;
	}
	out->kind = LOCK_JOIN;
	out->type = "threading.Thread";
	exact_holder(l, out, ident, 0);
}

struct python_lock *python_locks(struct python *py, const struct python_thread *threads, size_t n,
				 const struct python_blocked *blocked, size_t nblocked)
{
	struct locking l = {.py = py, .threads = threads, .n = n};
	struct python_lock *out = arena_array(py->arena, nblocked ? nblocked : 1, sizeof *out);

	if (nblocked)
		lock_find_holds(&l);
	for (size_t i = 0; i < nblocked; i++)
		if (blocked[i].thread < n)
			one_wait(&l, &blocked[i], &out[i]);
	vec_free(&l.holds);
	return out;
}
