/* Semaphores of multiprocessing: several processes, each with an object of its own, wait for one word in shared memory. Whose
 * it is, only all of their objects together can say.
 */
#include <string.h>

#include "stacks/locks_state.h"

const char *locks_shared(const struct process_read *p, uint64_t word)
{
	const struct mapping *m = mapping_at(p, word);

	if (!m || !m->shared)
		return NULL;
	return arena_printf(p->arena, "%s:%llu+%#llx", m->device, (unsigned long long)m->inode,
			    (unsigned long long)(word - m->start + m->offset));
}

/** All objects of semaphores that a process has. */
struct objects {
	struct python_semlock *at;
	const char **shared; /* of each; NULL: private */
	size_t n;
};

/** The object that thread I of P waits for; NULL: it waits for no such thing. */
static const struct python_lock *semlock_of(const struct process_read *p, size_t i)
{
	const struct locks_read *keep = p->locks;

	return keep && keep->of[i].kind == LOCK_SEMLOCK ? &keep->of[i] : NULL;
}

/** Addresses of the objects that are waited for, in any process. */
static uint64_t *hints_of(const struct reading *r, size_t *nhints)
{
	size_t most = 0;
	uint64_t *hints;

	for (size_t i = 0; i < r->n; i++)
		most += r->processes[i].nthreads;
	hints = arena_array(r->arena, most + 1, sizeof *hints);
	*nhints = 0;
	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; k < r->processes[i].nthreads; k++) {
			const struct python_lock *l = semlock_of(&r->processes[i], k);

			if (l)
				hints[(*nhints)++] = l->address;
		}
	}
	return hints;
}

static struct objects objects_of(const struct process_read *p, const uint64_t *hints, size_t nhints)
{
	struct objects o = {0};

	if (!p->py)
		return o;
	o.n = python_semlocks(p->py, p->states, p->nstates, hints, nhints, &o.at);
	o.shared = arena_array(p->arena, o.n + 1, sizeof *o.shared);
	for (size_t i = 0; i < o.n; i++)
		o.shared[i] = locks_shared(p, o.at[i].word);
	return o;
}

/** What the objects of one semaphore claim. */
struct claims {
	struct arena *arena;
	struct lock_wait *to;
	size_t n; /* that have it, as they say */
	bool recursive, gone;
};

/** Its object says that this process took it and has not given it back. That is the lock's own word; its frame, where a
 *  `with` shows it. */
static void claim(struct claims *c, const struct process_read *p, const struct python_semlock *s)
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
		c->gone = s->thread < 0 && locks_knows_all(p);
}

static void withs(struct claims *c, const struct process_read *p, const struct python_semlock *s)
{
	struct lock_owner owner;

	for (size_t i = 0; i < s->nholders; i++)
		if (locks_owner_of(p, &s->holders[i], &owner))
			locks_add_owner(c->arena, c->to, owner);
}

/** Two that both say they have the only one: one of them gave it away by other means (another process released it, or a
 *  plain fork copied the object), and nothing tells which. */
static void conclude(struct claims *c)
{
	if (c->n > 1)
		for (size_t i = 0; i < c->to->nowners; i++)
			c->to->owners[i].exact = false;
	c->to->only_owners = c->n == 1 && c->recursive && c->to->nowners == 1;
	c->to->owner_gone = c->n == 1 && c->gone;
}

static bool is_same(const struct process_read *p, const char *shared, const struct process_read *other, const char *its)
{
	return shared ? its && strcmp(shared, its) == 0 : p == other && !its;
}

/** WORD: of the semaphore that a thread of P waits for. */
static void join(struct reading *r, const struct objects *objects, const struct process_read *p, uint64_t word,
		 struct lock_wait *to)
{
	struct claims c = {.arena = r->arena, .to = to};

	to->shared = locks_shared(p, word);
	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; k < objects[i].n; k++) {
			const struct python_semlock *s = &objects[i].at[k];

			if (!is_same(p, to->shared, &r->processes[i], objects[i].shared[k]) || (!to->shared && s->word != word))
				continue;
			if (!s->single)
				withs(&c, &r->processes[i], s);
			else if (s->count > 0)
				claim(&c, &r->processes[i], s);
		}
	}
	conclude(&c);
}

static void join_process(struct reading *r, const struct objects *objects, const struct process_read *p)
{
	for (size_t i = 0; i < p->nthreads; i++) {
		const struct python_lock *l = semlock_of(p, i);
		struct stack *s = l ? locks_stack(p, i) : NULL;

		if (s)
			join(r, objects, p, l->word, &s->lock);
	}
}

void locks_join_processes(struct reading *r)
{
	struct objects *objects;
	size_t nhints;
	const uint64_t *hints = hints_of(r, &nhints);

	if (!nhints)
		return;
	objects = arena_array(r->arena, r->n, sizeof *objects);
	for (size_t i = 0; i < r->n; i++)
		objects[i] = objects_of(&r->processes[i], hints, nhints);
	for (size_t i = 0; i < r->n; i++)
		join_process(r, objects, &r->processes[i]);
}
