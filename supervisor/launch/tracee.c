/* The tasks that are traced, by tid. */
#include <stdlib.h>

#include "launch/trace.h"

struct tracees {
	struct idmap *by_tid;
	VEC(struct tracee) list;
	int_vec early; /* found by their first stop, and gone before the event of their parent */
};

struct tracees *tracees_new(void)
{
	struct tracees *all = mem_alloc(sizeof *all);

	all->by_tid = idmap_new();
	return all;
}

struct tracee *tracees_find(struct tracees *all, pid_t tid)
{
	size_t i;

	return idmap_get(all->by_tid, (uint64_t)tid, &i) ? &all->list.at[i] : NULL;
}

struct tracee *tracees_add(struct tracees *all, struct tracee t)
{
	idmap_put(all->by_tid, (uint64_t)t.tid, all->list.n);
	vec_push(&all->list, t);
	return &all->list.at[all->list.n - 1];
}

void tracees_drop(struct tracees *all, pid_t tid)
{
	size_t i;

	if (!idmap_get(all->by_tid, (uint64_t)tid, &i))
		return;
	if (all->list.at[i].by_stop)
		vec_push(&all->early, tid);
	free(all->list.at[i].call);
	idmap_del(all->by_tid, (uint64_t)tid);
	all->list.at[i] = all->list.at[--all->list.n];
	if (i < all->list.n)
		idmap_put(all->by_tid, (uint64_t)all->list.at[i].tid, i);
}

bool tracees_was_early(struct tracees *all, pid_t tid)
{
	for (size_t i = 0; i < all->early.n; i++)
		if (all->early.at[i] == tid) {
			all->early.at[i] = all->early.at[--all->early.n];
			return true;
		}
	return false;
}
