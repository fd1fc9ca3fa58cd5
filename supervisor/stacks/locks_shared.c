/* Semaphores of multiprocessing: several processes, each with an object of its own, wait for one word in shared memory. Whose it is, only all
 * of their objects together can say.
 */
#include <string.h>

#include "parse/parse.h"
#include "stacks/locks_state.h"

const char *locks_shared(struct arena *arena, const char *maps, size_t len, uint64_t word)
{
	struct cursor c = {maps, len};
	struct mapping m;

	while (parse_next_mapping(&c, &m)) {
		if (word < m.start || word >= m.end)
			continue;
		return m.shared ? arena_printf(arena, "%s:%llu+%#llx", m.device, (unsigned long long)m.inode,
					       (unsigned long long)(word - m.start + m.offset))
				: NULL;
	}
	return NULL;
}

/** All objects of semaphores that a process has. */
struct objects {
	struct python_semlock *at;
	const char **shared; /* of each; NULL: private */
	size_t n;
};

static bool is_semlock_wait(const struct stack *s)
{
	return s->lock.kind == LOCK_SEMLOCK;
}

/** Addresses of the objects that are waited for, in any process. */
static uint64_t *hints_of(struct arena *arena, const struct lock_process *all, size_t n, size_t *nhints)
{
	size_t most = 0;
	uint64_t *hints;

	for (size_t i = 0; i < n; i++)
		most += all[i].stacks->nthreads;
	hints = arena_array(arena, most + 1, sizeof *hints);
	*nhints = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i].stacks->nthreads; k++)
			if (is_semlock_wait(&all[i].stacks->threads[k]))
				hints[(*nhints)++] = all[i].stacks->threads[k].lock.address;
	return hints;
}

static struct objects objects_of(struct arena *arena, const struct lock_process *p, const uint64_t *hints, size_t nhints)
{
	struct objects o = {0};

	if (!p->python)
		return o;
	o.n = python_semlocks(p->python, p->states, p->nstates, hints, nhints, &o.at);
	o.shared = arena_array(arena, o.n + 1, sizeof *o.shared);
	for (size_t i = 0; i < o.n; i++)
		o.shared[i] = locks_shared(arena, p->maps, p->maps_len, o.at[i].word);
	return o;
}

/** What the objects of one semaphore claim. */
struct claims {
	struct arena *arena;
	struct lock_wait *to;
	size_t n;       /* that have it, as they say */
	bool recursive, gone;
};

/** Its object says that this process took it and has not given it back. That is the lock's own word; its frame, where a `with` shows it. */
static void claim(struct claims *c, const struct lock_process *p, const struct python_semlock *s)
{
	struct python_holder h = {.thread = (size_t)s->thread, .frame = -1, .exact = true};
	struct lock_owner owner;

	c->n++;
	c->recursive = s->recursive;
	for (size_t i = 0; i < s->nholders; i++)
		if (s->holders[i].thread == h.thread)
			h.frame = s->holders[i].frame;
	if (s->thread >= 0 && locks_owner_of(p, &h, &owner))
		locks_add_owner(c->arena, c->to, owner);
	else
		c->gone = true;
}

static void withs(struct claims *c, const struct lock_process *p, const struct python_semlock *s)
{
	struct lock_owner owner;

	for (size_t i = 0; i < s->nholders; i++)
		if (locks_owner_of(p, &s->holders[i], &owner))
			locks_add_owner(c->arena, c->to, owner);
}

/** Two that both say they have the only one: one of them gave it away by other means (another process released it, or a plain fork copied
 *  the object), and nothing tells which. */
static void conclude(struct claims *c)
{
	if (c->n > 1)
		for (size_t i = 0; i < c->to->nowners; i++)
			c->to->owners[i].exact = false;
	c->to->only_owners = c->n == 1 && c->recursive && c->to->nowners == 1;
	c->to->owner_gone = c->n == 1 && c->gone;
}

static bool is_same(const struct lock_process *p, const char *shared, const struct lock_process *other, const char *its)
{
	return shared ? its && strcmp(shared, its) == 0 : p == other && !its;
}

/** WORD: of the semaphore that the thread of P waits for. */
static void join(struct arena *arena, const struct lock_process *all, const struct objects *objects, size_t n, const struct lock_process *p,
		 uint64_t word, struct lock_wait *to)
{
	struct claims c = {.arena = arena, .to = to};

	to->shared = locks_shared(arena, p->maps, p->maps_len, word);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < objects[i].n; k++) {
			const struct python_semlock *s = &objects[i].at[k];

			if (!is_same(p, to->shared, &all[i], objects[i].shared[k]) || (!to->shared && s->word != word))
				continue;
			if (!s->single)
				withs(&c, &all[i], s);
			else if (s->count > 0)
				claim(&c, &all[i], s);
		}
	}
	conclude(&c);
}

void locks_join_processes(struct arena *arena, const struct lock_process *all, const struct lock_words *words, size_t n)
{
	struct objects *objects;
	size_t nhints;
	const uint64_t *hints = hints_of(arena, all, n, &nhints);

	if (!nhints)
		return;
	objects = arena_array(arena, n, sizeof *objects);
	for (size_t i = 0; i < n; i++)
		objects[i] = objects_of(arena, &all[i], hints, nhints);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i].stacks->nthreads; k++)
			if (is_semlock_wait(&all[i].stacks->threads[k]))
				join(arena, all, objects, n, &all[i], words[i].at[k], &all[i].stacks->threads[k].lock);
}
