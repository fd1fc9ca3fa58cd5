/* Semaphores of multiprocessing: each process has an object of its own, which says who of its threads took it. */
#include "python/locks.h"

enum { MOST_SEMLOCKS = 4096, SEMLOCK_RECURSIVE = 0 /* RECURSIVE_MUTEX, Modules/_multiprocessing/semaphore.c */ };

struct gathering {
	VEC(uint64_t) found;
	VEC(uint64_t) globals; /* dicts that were gone through */
};

static bool is_among(const uint64_t *all, size_t n, uint64_t one)
{
	for (size_t i = 0; i < n; i++)
		if (all[i] == one)
			return true;
	return false;
}

static bool gather(struct python *py, uint64_t obj, void *who)
{
	struct gathering *g = who;
	uint64_t lock = lock_beneath(py, obj);

	if (lock && lock_kind_of(py, lock) == LOCK_SEMLOCK && g->found.n < MOST_SEMLOCKS &&
	    !is_among(g->found.at, g->found.n, lock))
		vec_push(&g->found, lock);
	return false;
}

static void gather_globals(struct python *py, const struct py_frame *f, struct gathering *g)
{
	uint64_t dict = py_frame_globals(py, f);
	struct py_iter it;

	if (!dict || is_among(g->globals.at, g->globals.n, dict))
		return;
	vec_push(&g->globals, dict);
	it = py_iter(py, dict);
	while (py_next(py, &it))
		gather(py, it.value, g);
}

static void gather_thread(struct python *py, const struct python_thread *t, struct gathering *g)
{
	struct py_frame f, outer;
	bool more = lock_first_frame(py, t, &f);

	for (int i = 0; more && i < PYTHON_MOST_FRAMES; i++, f = outer) {
		lock_each_value(py, &f, gather, g);
		gather_globals(py, &f, g);
		more = py_frame_outer(py, &f, &outer, NULL);
	}
}

static void add_withs(const struct locking *l, struct python_semlock *s)
{
	s->holders = arena_array(l->py->arena, l->holds.n ? l->holds.n : 1, sizeof *s->holders);
	for (size_t i = 0; i < l->holds.n; i++) {
		const struct lock_hold *h = &l->holds.at[i];
		bool seen = false;

		for (size_t k = 0; k < s->nholders; k++)
			seen |= s->holders[k].thread == h->thread;
		if (h->lock == s->object && !h->doubtful && !seen)
			s->holders[s->nholders++] = (struct python_holder){h->thread, h->frame, h->line, false};
	}
}

static struct python_semlock tell(const struct locking *l, uint64_t object)
{
	struct memory *m = l->py->m;
	struct python_semlock s = {.object = object, .word = memory_u64(m, object + LOCK_WORD)};

	s.count = (int32_t)memory_u32(m, object + SEMLOCK_COUNT);
	s.single = memory_u32(m, object + SEMLOCK_MOST) == 1;
	s.recursive = memory_u32(m, object + SEMLOCK_KIND) == SEMLOCK_RECURSIVE;
	s.thread = lock_thread_of(l, memory_u64(m, object + SEMLOCK_LAST));
	add_withs(l, &s);
	return s;
}

size_t python_semlocks(struct python *py, const struct python_thread *threads, size_t n, const uint64_t *hints, size_t nhints,
		       struct python_semlock **out)
{
	struct locking l = {.py = py, .threads = threads, .n = n};
	struct gathering g = {0};
	size_t all;

	for (size_t i = 0; i < nhints; i++)
		gather(py, hints[i], &g);
	lock_find_holds(&l);
	for (size_t i = 0; i < l.holds.n; i++)
		gather(py, l.holds.at[i].lock, &g);
	for (size_t i = 0; i < n && i < PYTHON_MOST_THREADS; i++)
		gather_thread(py, &threads[i], &g);
	all = g.found.n;
	*out = arena_array(py->arena, all ? all : 1, sizeof **out);
	for (size_t i = 0; i < all; i++)
		(*out)[i] = tell(&l, g.found.at[i]);
	vec_free(&g.found);
	vec_free(&g.globals);
	vec_free(&l.holds);
	return all;
}
