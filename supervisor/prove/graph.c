/* The graph of who may wake whom: sets of tasks as nodes, expanded when they are first waited for. */
#include <string.h>

#include "prove/world.h"

/** A thread beside the main one in a plain read of one pipe or socket without a timeout: taken to serve that object alone. */
static bool is_service(const struct task *t)
{
	const struct wait *w = &t->wait;

	return t->tid != t->pid && w->op == WAIT_FDS && w->non == 1 && w->on[0].way == END_READ && w->timeout_ns == NEVER_NS &&
	       w->why && strcmp(w->why, "read") == 0;
}

/* ---- sets of processes ---- */

static void groups_add(struct groups *gr, size_t number, size_t proc)
{
	while (gr->heads.n <= number)
		vec_push(&gr->heads, 0);
	vec_push(&gr->members, (struct member){proc, gr->heads.at[number]});
	gr->heads.at[number] = gr->members.n;
}

static void groups_free(struct groups *gr)
{
	vec_free(&gr->heads);
	vec_free(&gr->members);
}

static void group_by_keys(struct groups *gr, struct strmap *numbers, const char *const *keys, size_t n, size_t proc)
{
	for (size_t i = 0; i < n; i++) {
		size_t number = gr->heads.n;

		if (!strmap_get(numbers, keys[i], &number))
			strmap_put(numbers, keys[i], number);
		groups_add(gr, number, proc);
	}
}

static void group_process(struct graph *g, size_t proc)
{
	const struct process *p = &g->w.s->procs[proc];
	const struct process *tracer = p->tracer ? snapshot_process(g->w.s, p->tracer) : NULL;
	size_t number = g->maps.heads.n;

	if (!idmap_get(g->map_owners, (uint64_t)p->vm, &number))
		idmap_put(g->map_owners, (uint64_t)p->vm, number);
	groups_add(&g->maps, number, proc);
	group_by_keys(&g->mapped, g->shm_keys, p->shm, p->nshm, proc);
	group_by_keys(&g->locked, g->lock_keys, (const char *const *)p->locks, p->nlocks, proc);
	if (tracer)
		groups_add(&g->tracees, (size_t)(tracer - g->w.s->procs), proc);
}

static void lay_out(struct graph *g)
{
	const struct snapshot *s = g->w.s;
	const size_t sizes[NODE_KINDS] = {
		[NODE_TASK] = s->ntasks,
		[NODE_ANYONE] = 1,
		[NODE_DARK] = 1,
		[NODE_PROCESS] = s->nprocs,
		[NODE_MAP] = g->maps.heads.n,
		[NODE_KIN] = s->nprocs,
		[NODE_HELD] = s->nobjects * 2,
		[NODE_DRAIN] = s->nobjects * 2,
		[NODE_OFF_DUTY] = s->nprocs,
		[NODE_MAPPED] = g->mapped.heads.n,
		[NODE_LOCKED] = g->locked.heads.n,
	};

	for (size_t k = 0; k < NODE_KINDS; k++)
		g->first[k + 1] = g->first[k] + (node_t)sizes[k];
}

void graph_open(struct graph *g, const struct snapshot *s, const struct prove_options *opt, struct arena *arena)
{
	*g = (struct graph){
		.w = world_make(s, arena),
		.shm_keys = strmap_new(),
		.lock_keys = strmap_new(),
		.map_owners = idmap_new(),
	};
	for (size_t p = 0; p < s->nprocs; p++)
		group_process(g, p);
	lay_out(g);
	g->expanded = arena_array(arena, g->first[NODE_KINDS], sizeof *g->expanded);
	g->service = arena_array(arena, s->ntasks, sizeof *g->service);
	for (size_t t = 0; opt->without_service && t < s->ntasks; t++)
		g->any_service |= g->service[t] = is_service(&s->tasks[t]);
	for (size_t t = 0; opt->without_service && t < s->ntasks; t++)
		g->spares |= s->tasks[t].wait.serves != NULL;
}

void graph_close(struct graph *g)
{
	vec_free(&g->edges);
	groups_free(&g->mapped);
	groups_free(&g->locked);
	groups_free(&g->maps);
	groups_free(&g->tracees);
	strmap_free(g->shm_keys);
	strmap_free(g->lock_keys);
	idmap_free(g->map_owners);
}

node_t graph_node(const struct graph *g, enum node_kind kind, size_t number)
{
	must(g->first[kind] + number < g->first[kind + 1]);
	return g->first[kind] + (node_t)number;
}

bool graph_mapped(const struct graph *g, const char *key, size_t *number)
{
	return strmap_get(g->shm_keys, key, number);
}

bool graph_locked(const struct graph *g, const char *key, size_t *number)
{
	return strmap_get(g->lock_keys, key, number);
}

size_t graph_map_of(const struct graph *g, const struct process *p)
{
	size_t number;

	must(idmap_get(g->map_owners, (uint64_t)p->vm, &number));
	return number;
}

/* ---- expansion: one function a kind of set; each adds edges from the members to the set ---- */

static void add(struct graph *g, node_t set, enum node_kind kind, size_t number)
{
	graph_edge(g, graph_node(g, kind, number), set, true);
}

static void expand_tasks(struct graph *g, node_t set, const struct process *p, bool off_duty)
{
	for (size_t i = p->first_task; i < p->first_task + p->ntasks; i++)
		if ((!off_duty || !g->service[i]) && !(g->spares && g->w.s->tasks[i].wait.serves))
			add(g, set, NODE_TASK, i);
}

static void expand_group(struct graph *g, node_t set, const struct groups *gr, size_t number)
{
	size_t next = number < gr->heads.n ? gr->heads.at[number] : 0;

	for (; next; next = gr->members.at[next - 1].next)
		add(g, set, NODE_PROCESS, gr->members.at[next - 1].proc);
}

static void expand_dark(struct graph *g, node_t set)
{
	for (size_t p = 0; p < g->w.s->nprocs; p++)
		if (g->w.dark[p])
			add(g, set, NODE_PROCESS, p);
}

static void expand_kin(struct graph *g, node_t set, size_t number)
{
	const struct snapshot *s = g->w.s;
	const struct process *parent = &s->procs[number];

	for (size_t i = 0; i < parent->nkids; i++) {
		const struct process *kid = snapshot_process(s, parent->kids[i]);

		if (kid)
			add(g, set, NODE_PROCESS, (size_t)(kid - s->procs));
	}
	expand_group(g, set, &g->tracees, number);
}

static void expand_holders(struct graph *g, node_t set, size_t number, bool drain)
{
	const struct world *w = &g->w;
	size_t object = number / 2;
	unsigned end = number % 2 ? END_WRITE : END_READ;
	int last = -1;

	for (size_t h = w->hold_first[object]; h < w->hold_first[object + 1]; h++) {
		const struct hold *hold = &w->holds[h];
		const struct process *p = &w->s->procs[hold->proc];

		if (!(hold->ends & end) || hold->proc == last)
			continue;
		last = hold->proc;
		add(g, set, drain ? NODE_OFF_DUTY : NODE_PROCESS, (size_t)hold->proc);
		for (size_t t = p->first_task; drain && t < p->first_task + p->ntasks; t++)
			if (g->service[t] && w->s->tasks[t].wait.on[0].object == (int)object)
				add(g, set, NODE_TASK, t);
	}
}

static void expand(struct graph *g, node_t set)
{
	const struct snapshot *s = g->w.s;
	size_t kind = 0;

	while (set >= g->first[kind + 1])
		kind++;

	size_t number = set - g->first[kind];

	switch ((enum node_kind)kind) {
	case NODE_ANYONE:
		for (size_t t = 0; t < s->ntasks; t++)
			add(g, set, NODE_TASK, t);
		break;
	case NODE_DARK: expand_dark(g, set); break;
	case NODE_PROCESS: expand_tasks(g, set, &s->procs[number], false); break;
	case NODE_OFF_DUTY: expand_tasks(g, set, &s->procs[number], true); break;
	case NODE_MAP: expand_group(g, set, &g->maps, number); break;
	case NODE_KIN: expand_kin(g, set, number); break;
	case NODE_HELD: expand_holders(g, set, number, false); break;
	case NODE_DRAIN: expand_holders(g, set, number, true); break;
	case NODE_MAPPED: expand_group(g, set, &g->mapped, number); break;
	case NODE_LOCKED: expand_group(g, set, &g->locked, number); break;
	case NODE_TASK:
	case NODE_KINDS: break;
	}
}

/** The depth of the recursion over expand() is three: holders, process, task. */
void graph_edge(struct graph *g, node_t from, node_t to, bool strong)
{
	vec_push(&g->edges, (struct edge){from, to, strong});
	if (!g->expanded[from]) {
		g->expanded[from] = true;
		expand(g, from);
	}
}
