/* Writes a finding down: it copies what it needs, so that it outlives the snapshot. */
#include <string.h>

#include "prove/explain.h"
#include "prove/wait.h"

enum { LIVE_MOST = 6, LABEL_SIZE = 64 };

struct writing {
	struct explaining *x;
	struct finding *f;
	const char **labels; /* of a process, when it was asked for */
	int *numbers;	     /* of an object: index into finding.objects + 1 */
	VEC(int) objects;
};

static const char *label_of(struct writing *wr, int proc)
{
	char buf[LABEL_SIZE];

	if (!wr->labels[proc]) {
		process_label(&wr->x->s->procs[proc], buf, sizeof buf);
		wr->labels[proc] = arena_strdup(wr->f->arena, buf);
	}
	return wr->labels[proc];
}

static const char *copy(struct writing *wr, const char *s)
{
	return arena_strdup(wr->f->arena, s ? s : "");
}

/* ---- objects ---- */

static int number_object(struct writing *wr, int object)
{
	if (object < 0 || (size_t)object >= wr->x->s->nobjects)
		return -1;
	if (!wr->numbers[object]) {
		vec_push(&wr->objects, object);
		wr->numbers[object] = (int)wr->objects.n;
	}
	return wr->numbers[object] - 1;
}

static void list_objects(struct writing *wr, const struct wait *w)
{
	leaves_vec leaves = {0};

	for (size_t i = 0; w->op == WAIT_FDS && i < w->non; i++)
		number_object(wr, w->on[i].object);
	explain_leaves(wr->x, w, &leaves);
	for (size_t i = 0; i < leaves.n; i++) {
		number_object(wr, leaves.at[i].object);
		number_object(wr, wr->x->s->objects[leaves.at[i].object].peer);
	}
	vec_free(&leaves);
}

static void write_object(struct writing *wr, int index, struct finding_object *to)
{
	const struct world *w = &wr->x->w;
	const struct object *o = &w->s->objects[index];

	*to = (struct finding_object){
		.name = copy(wr, o->name),
		.type = copy(wr, o->type ? o->type : object_kind_name(o->kind)),
		.kind = o->kind,
		.named = o->named,
		.listener = o->listener,
		.outside = o->outside,
		.peer = o->peer >= 0 ? number_object(wr, o->peer) : o->peer,
	};
	to->holders = arena_array(wr->f->arena, w->hold_first[index + 1] - w->hold_first[index], sizeof *to->holders);
	for (size_t h = w->hold_first[index]; h < w->hold_first[index + 1]; h++) {
		const struct hold *hold = &w->holds[h];

		to->holders[to->nholders++] = (struct object_holder){
			.pid = w->s->procs[hold->proc].pid,
			.label = label_of(wr, hold->proc),
			.fd = hold->fd,
			.ends = hold->ends,
		};
	}
}

/** The list may grow while it is written: a peer brings its object. */
static void write_objects(struct writing *wr)
{
	for (size_t i = 0; i < wr->objects.n; i++)
		number_object(wr, wr->x->s->objects[wr->objects.at[i]].peer);
	wr->f->nobjects = wr->objects.n;
	wr->f->objects = arena_array(wr->f->arena, wr->objects.n, sizeof *wr->f->objects);
	for (size_t i = 0; i < wr->f->nobjects; i++)
		write_object(wr, wr->objects.at[i], &wr->f->objects[i]);
}

/* ---- blocked tasks ---- */

/** Tasks of a process lie together and lists are in the order of tasks, so that equal pids follow each other. */
static void write_edges(struct writing *wr, size_t task, struct blocked *b)
{
	const struct explaining *x = wr->x;

	size_t most = x->p->fates[task].nstrong < FINDING_EDGES ? x->p->fates[task].nstrong : FINDING_EDGES;

	b->waits_for = arena_array(wr->f->arena, most, sizeof *b->waits_for);
	b->waits_for_pids = arena_array(wr->f->arena, most, sizeof *b->waits_for_pids);
	for_each_edge(u, x->p, task)
	{
		const struct task *t = &x->s->tasks[*u];
		bool again = b->nwaits_for_pids && b->waits_for_pids[b->nwaits_for_pids - 1] == t->pid;

		b->nwaits_for_all++;
		if (b->nwaits_for < most)
			b->waits_for[b->nwaits_for++] = t->tid;
		if (!again && b->nwaits_for_pids < most)
			b->waits_for_pids[b->nwaits_for_pids++] = t->pid;
	}
}

static void write_blocked(struct writing *wr, size_t task)
{
	const struct explaining *x = wr->x;
	const struct task *t = &x->s->tasks[task];
	struct blocked *b = &wr->f->blocked[wr->f->nblocked++];
	bool on_fd = t->wait.op == WAIT_FDS && t->wait.non > 0;

	*b = (struct blocked){
		.pid = t->pid,
		.tid = t->tid,
		.comm = copy(wr, t->comm),
		.label = label_of(wr, t->proc),
		.call = copy(wr, t->call),
		.role = x->roles[task],
		.cause = x->in_cause[task],
		.fd = on_fd ? t->wait.on[0].fd : -1,
		.object = on_fd ? number_object(wr, t->wait.on[0].object) : -1,
		.timeout_ns = t->wait.timeout_ns,
		.moved_ns = t->moved_ns,
	};
	memcpy(b->args, t->args, sizeof b->args);
	write_edges(wr, task, b);
	list_objects(wr, &t->wait);
	if (t->moved_ns > wr->f->onset_ns && !t->wait.idle) /* an idle helper may tick */
		wr->f->onset_ns = t->moved_ns;
}

static void write_all_blocked(struct writing *wr)
{
	const struct explaining *x = wr->x;

	wr->f->blocked = arena_array(wr->f->arena, x->reach.n + x->p->nstuck, sizeof *wr->f->blocked);
	for (size_t i = 0; i < x->reach.n; i++)
		write_blocked(wr, x->reach.at[i]);
	for (size_t t = 0; t < x->p->ntasks; t++)
		if (x->p->fates[t].stuck && !x->reached[t])
			write_blocked(wr, t);
}

/** Each process once, in the order of `blocked`. */
static void write_stacks(struct writing *wr)
{
	const struct snapshot *s = wr->x->s;
	struct finding *f = wr->f;
	struct idmap *done = idmap_new();

	f->stacks = arena_array(f->arena, s->nprocs, sizeof *f->stacks);
	for (size_t i = 0; i < f->nblocked; i++) {
		const struct process *p = snapshot_process(s, f->blocked[i].pid);

		if (!p || !p->stacks || idmap_get(done, (uint64_t)p->pid, NULL))
			continue;
		idmap_put(done, (uint64_t)p->pid, i);
		f->stacks[f->nstacks++] = (struct finding_stacks){p->pid, stacks_copy(f->arena, p->stacks)};
	}
	idmap_free(done);
}

/** How well a task shows the guilt of its process: in the cause by the best role, in the cause, its main thread, any. */
static size_t fit_of(const struct explaining *x, const struct blocked *b)
{
	if (b->cause)
		return b->role == x->best ? 4 : 3;
	return b->tid == b->pid ? 2 : 1;
}

/** Of each culprit the tasks that fit best. */
static void mark_culprits(struct writing *wr)
{
	const struct explaining *x = wr->x;
	struct idmap *best = idmap_new();
	size_t most;

	for (size_t i = 0; i < x->culprits.n; i++)
		idmap_put(best, (uint64_t)x->culprits.at[i], 0);
	for (size_t i = 0; i < wr->f->nblocked; i++) {
		const struct blocked *b = &wr->f->blocked[i];

		if (idmap_get(best, (uint64_t)b->pid, &most) && fit_of(x, b) > most)
			idmap_put(best, (uint64_t)b->pid, fit_of(x, b));
	}
	for (size_t i = 0; i < wr->f->nblocked; i++) {
		struct blocked *b = &wr->f->blocked[i];

		b->culprit = idmap_get(best, (uint64_t)b->pid, &most) && fit_of(x, b) == most;
	}
	idmap_free(best);
}

/* ---- the test, and who is live ---- */

/** The topmost test on the line from PID up to the command: forked children carry stale copies of an older one. */
static const struct process *test_above(const struct snapshot *s, pid_t pid)
{
	const struct process *found = NULL, *p = snapshot_process(s, pid);

	for (size_t steps = 0; p && steps <= s->nprocs; steps++) {
		if (p->test)
			found = p;
		p = snapshot_process(s, p->ppid);
	}
	return found;
}

static void write_test(struct writing *wr)
{
	const struct snapshot *s = wr->x->s;
	const struct process *p = NULL;

	for (size_t i = 0; i < wr->x->culprits.n && !p; i++)
		p = test_above(s, wr->x->culprits.at[i]);
	for (size_t i = 0; i < s->nprocs && !p; i++)
		p = s->procs[i].test ? &s->procs[i] : NULL;
	if (!p)
		return;
	wr->f->test = copy(wr, p->test);
	wr->f->phase = p->phase ? copy(wr, p->phase) : NULL;
}

static const char *live_reason(struct writing *wr, size_t task)
{
	const struct task *t = &wr->x->s->tasks[task];
	const struct fate *fate = &wr->x->p->fates[task];
	const char *label = label_of(wr, t->proc);
	double s = (double)fate->earliest_ns / (double)NS_PER_S;

	if (fate->earliest_ns > 0 && t->wait.op == WAIT_SLEEP)
		return arena_printf(wr->f->arena, "%s[%d] sleeps, up to %.1f s", label, t->pid, s);
	if (fate->earliest_ns > 0)
		return arena_printf(wr->f->arena, "%s[%d] waits in %s, up to %.1f s", label, t->pid,
				    t->call && *t->call ? t->call : wait_class_of(&t->wait)->name, s);
	return arena_printf(wr->f->arena, "%s[%d]: %s", label, t->pid, fate->reason);
}

/** Seeds only: whom they may wake follows from them. One line a process and reason. */
static void write_live(struct writing *wr)
{
	const struct explaining *x = wr->x;
	struct finding *f = wr->f;

	f->live = arena_array(f->arena, LIVE_MOST, sizeof *f->live);
	for (size_t t = 0; t < x->p->ntasks && f->nlive < LIVE_MOST; t++) {
		if (!x->p->fates[t].seed)
			continue;
		const char *reason = live_reason(wr, t);
		bool again = false;

		for (size_t i = 0; i < f->nlive; i++)
			again |= strcmp(f->live[i], reason) == 0;
		if (!again)
			f->live[f->nlive++] = reason;
	}
	for (size_t p = 0; p < x->s->nprocs && f->nlive < LIVE_MOST; p++)
		if (x->s->procs[p].ntasks == 0)
			f->live[f->nlive++] = arena_printf(f->arena, "%s[%d]: none of its tasks was seen", label_of(wr, (int)p),
							   x->s->procs[p].pid);
}

struct finding *explain_finding(struct explaining *x, enum certainty certainty)
{
	struct arena *a = arena_new();
	struct writing wr = {.x = x, .f = arena_alloc(a, sizeof *wr.f)};
	struct finding *f = wr.f;

	*f = (struct finding){
		.arena = a,
		.kind = x->kind,
		.certainty = certainty,
		.prompt_or_stdin = x->prompt,
		.detected_ns = x->s->taken_ns,
		.root = x->s->root,
		.culprits = arena_memdup(a, x->culprits.at, x->culprits.n * sizeof *x->culprits.at),
		.nculprits = x->culprits.n,
		.assumptions = (x->p->assumptions & ~(unsigned)ASSUME_NOBODY_AWAITED) | x->awaits,
		.horizon_ns = x->p->horizon_ns,
		.nstuck = x->p->nstuck,
		.ntasks = x->p->nliving,
	};
	wr.labels = arena_array(x->scratch, x->s->nprocs, sizeof *wr.labels);
	wr.numbers = arena_array(x->scratch, x->s->nobjects, sizeof *wr.numbers);
	write_all_blocked(&wr);
	write_stacks(&wr);
	if (f->onset_ns == 0)
		f->onset_ns = x->s->taken_ns;
	mark_culprits(&wr);
	write_objects(&wr);
	write_test(&wr);
	if (!x->p->whole)
		write_live(&wr);
	vec_free(&wr.objects);
	return f;
}
