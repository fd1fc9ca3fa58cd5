/* Who holds what: holders of each object, and the processes that may hold anything. */
#include "prove/world.h"

static bool is_object(const struct snapshot *s, int object)
{
	return object >= 0 && (size_t)object < s->nobjects;
}

static void list_holds(struct world *w)
{
	const struct snapshot *s = w->s;
	size_t total = 0;

	w->hold_first = arena_array(w->arena, s->nobjects + 2, sizeof *w->hold_first);
	for (size_t p = 0; p < s->nprocs; p++) {
		for (size_t i = 0; i < s->procs[p].nfds; i++) {
			if (!is_object(s, s->procs[p].fds[i].object))
				continue;
			w->hold_first[s->procs[p].fds[i].object + 2]++;
			total++;
		}
	}
	for (size_t o = 2; o < s->nobjects + 2; o++)
		w->hold_first[o] += w->hold_first[o - 1];
	w->holds = arena_array(w->arena, total, sizeof *w->holds);
	/* hold_first[o + 1] is where the next one of object o goes; in the end it is where those of o + 1 begin */
	for (size_t p = 0; p < s->nprocs; p++) {
		for (size_t i = 0; i < s->procs[p].nfds; i++) {
			const struct held_fd *f = &s->procs[p].fds[i];

			if (is_object(s, f->object))
				w->holds[w->hold_first[f->object + 1]++] = (struct hold){(int)p, f->fd, f->ends};
		}
	}
}

/** A process whose table could not be read may hold anything, and so may whoever can receive descriptors that are under way:
 *  which files those are, nothing tells (`scm_fds`, proc_pid_fdinfo(5), is a bare number). */
static void find_dark(struct world *w)
{
	const struct snapshot *s = w->s;

	w->dark = arena_array(w->arena, s->nprocs, sizeof *w->dark);
	for (size_t p = 0; p < s->nprocs; p++)
		w->any_dark |= w->dark[p] = !s->procs[p].readable;
	for (size_t i = 0; i < s->ninflight; i++) {
		int o = s->inflight[i];

		if (!is_object(s, o)) {
			w->leak = true;
			continue;
		}
		w->leak |= s->objects[o].outside != 0 || w->hold_first[o] == w->hold_first[o + 1];
		for (size_t h = w->hold_first[o]; h < w->hold_first[o + 1]; h++)
			w->any_dark |= w->dark[w->holds[h].proc] = true;
	}
}

struct world world_make(const struct snapshot *s, struct arena *arena)
{
	struct world w = {.s = s, .arena = arena};

	list_holds(&w);
	find_dark(&w);
	return w;
}

bool world_has_holder(const struct world *w, int object, unsigned ends)
{
	if (w->any_dark)
		return true;
	for (size_t h = w->hold_first[object]; h < w->hold_first[object + 1]; h++)
		if (w->holds[h].ends & ends)
			return true;
	return false;
}

unsigned world_ends_of(const struct world *w, int object, int proc)
{
	size_t low = w->hold_first[object], end = w->hold_first[object + 1], high = end;
	unsigned ends = 0;

	while (low < high) { /* the first of that process or later: holds of an object are in the order of the processes */
		size_t middle = low + (high - low) / 2;

		if (w->holds[middle].proc < proc)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < end && w->holds[low].proc == proc; low++)
		ends |= w->holds[low].ends;
	return ends;
}

bool world_has_ended(const struct world *w, const struct process *p)
{
	for (size_t i = 0; i < p->ntasks; i++)
		if (w->s->tasks[p->first_task + i].wait.op != WAIT_DEAD)
			return false;
	return true;
}
