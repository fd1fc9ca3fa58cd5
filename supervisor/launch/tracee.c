/* The tasks that are traced, by tid. */
#include <stdlib.h>

#include "launch/trace.h"

struct tracees {
	struct idmap *by_tid;
	VEC(struct tracee) list;
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
	free(all->list.at[i].call);
	idmap_del(all->by_tid, (uint64_t)tid);
	all->list.at[i] = all->list.at[--all->list.n];
	if (i < all->list.n)
		idmap_put(all->by_tid, (uint64_t)all->list.at[i].tid, i);
}
