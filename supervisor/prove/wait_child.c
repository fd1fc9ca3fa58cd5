/* Waits for a process: wait4 and waitid, vfork, a tracer. */
#include "prove/wait.h"

static bool is_child(const struct wait *w)
{
	return w->op == WAIT_CHILD;
}

/** With `any` another thread may make a child, and a tracer's wait ends by its tracees as well (ptrace(2)). */
static void child_wakers(struct look *l, const struct wait *w)
{
	if (w->npids == 0)
		look_live(l, "it waits for a child that is not there");
	for (size_t i = 0; i < w->npids && !l->live; i++) {
		const struct process *kid = snapshot_process(l->s, w->pids[i]);

		if (!kid)
			look_live(l, "nothing is known of child %d", w->pids[i]);
		else if (world_has_ended(&l->g->w, kid))
			look_live(l, "child %d has ended", w->pids[i]);
		else
			look_process(l, kid);
	}
	look_weak(l, NODE_KIN, (size_t)(l->p - l->s->procs));
	if (w->any)
		look_weak(l, NODE_MAP, graph_map_of(l->g, l->p));
}

const struct wait_class wait_child = {"child", is_child, child_wakers};

static bool is_vfork(const struct wait *w)
{
	return w->op == WAIT_VFORK;
}

static void vfork_wakers(struct look *l, const struct wait *w)
{
	bool any = false;

	(void)w;
	for (size_t i = 0; i < l->p->nkids; i++) {
		const struct process *kid = snapshot_process(l->s, l->p->kids[i]);

		if (!kid || world_has_ended(&l->g->w, kid))
			continue;
		any = true;
		look_process(l, kid);
	}
	if (!any)
		look_live(l, "vfork without a child");
}

const struct wait_class wait_vfork = {"vfork", is_vfork, vfork_wakers};

static bool is_traced(const struct wait *w)
{
	return w->op == WAIT_TRACED;
}

static void traced_wakers(struct look *l, const struct wait *w)
{
	const struct process *tracer = snapshot_process(l->s, w->tracer);

	if (!tracer || world_has_ended(&l->g->w, tracer))
		look_live(l, "it is traced from outside the tree");
	else
		look_process(l, tracer);
}

const struct wait_class wait_traced = {"traced", is_traced, traced_wakers};
