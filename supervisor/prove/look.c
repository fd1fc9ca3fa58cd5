/* Looking at one task: its wait by the row for it, then what may end any wait of its process. */
#include <stdio.h>
#include <string.h>

#include "prove/wait.h"

void look_live(struct look *l, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (l->live)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->live = arena_strdup(l->g->w.arena, text);
}

void look_timeout(struct look *l, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (ns < l->timeout_ns)
		l->timeout_ns = ns;
}

void look_assume(struct look *l, enum assumption bit)
{
	l->assume |= bit;
}

/** Edges into a live task change nothing: it moves now. */
static void look_edge(struct look *l, enum node_kind kind, size_t number, bool strong)
{
	if (!l->live)
		graph_edge(l->g, graph_node(l->g, kind, number), graph_node(l->g, NODE_TASK, l->task), strong);
}

void look_strong(struct look *l, enum node_kind kind, size_t number)
{
	look_edge(l, kind, number, true);
}

void look_weak(struct look *l, enum node_kind kind, size_t number)
{
	look_edge(l, kind, number, false);
}

void look_process(struct look *l, const struct process *p)
{
	look_strong(l, NODE_PROCESS, (size_t)(p - l->s->procs));
}

void look_holders(struct look *l, int object, unsigned ends, unsigned way)
{
	bool drain = l->g->any_service && way == END_WRITE;
	enum node_kind kind = drain ? NODE_DRAIN : NODE_HELD;

	if (drain)
		look_assume(l, ASSUME_SERVICE_THREADS);
	if (l->s->hidden_holders)
		look_assume(l, ASSUME_NO_HIDDEN_HOLDER);
	if (ends & END_READ)
		look_strong(l, kind, (size_t)object * 2);
	if (ends & END_WRITE)
		look_strong(l, kind, (size_t)object * 2 + 1);
	if (l->g->w.any_dark)
		look_strong(l, NODE_DARK, 0);
}

const char *look_name(const struct look *l, int object)
{
	const char *name = l->s->objects[object].name;

	return name ? name : object_kind_name(l->s->objects[object].kind);
}

unsigned look_new(struct look *l, int object, unsigned way)
{
	unsigned fresh = way & ~(unsigned)l->seen[object];

	if (!l->seen[object])
		vec_push(&l->touched, object);
	l->seen[object] |= (unsigned char)way;
	return fresh;
}

void look_end_of_idle(struct look *l, pid_t tid)
{
	const struct task *t = tid ? snapshot_task(l->s, tid) : NULL;

	if (l->t->wait.idle)
		return;
	if (!tid)
		look_timeout(l, l->idle_ns[l->t->proc]);
	else if (t && t->wait.idle && idle_ends(t->wait.idle))
		look_timeout(l, t->wait.timeout_ns);
}

bool look_leak(struct look *l)
{
	if (l->g->w.leak)
		look_live(l, "descriptors are under way to a socket that is held outside the tree");
	return l->g->w.leak;
}

void look_object(struct look *l, int object, unsigned way)
{
	const struct object_class *row;

	if (object < 0 || (size_t)object >= l->s->nobjects) {
		look_live(l, "it waits for something that is not known");
		return;
	}
	way = look_new(l, object, way ? way : END_BOTH); /* asked for nothing, poll(2) still tells errors and hang-ups */
	if (!way)
		return;
	row = object_class_of(l->s->objects[object].kind);
	if (!row)
		look_live(l, "nothing is known about who wakes it on %s", look_name(l, object));
	else if (!look_leak(l))
		row->wakers(l, object, way);
}

/** SIGALRM ends any wait unless it is ignored, handler or not: without one it ends the process. Timers survive exec. */
static void look_alarm(struct look *l, bool takes_alarm)
{
	if (l->p->alarm_use == ALARM_IGNORED && !takes_alarm)
		return;
	if (l->s->alarms_known || l->p->alarm_heard) {
		look_timeout(l, l->p->alarm_ns);
		if (l->p->alarm_heard)
			look_assume(l, ASSUME_ALARMS_HEARD);
	} else if (!l->s->begun_by_others && (l->p->alarm_use == ALARM_CAUGHT || takes_alarm)) {
		look_live(l, "it takes SIGALRM, and an alarm may be armed");
	} else {
		look_assume(l, ASSUME_NO_ALARM);
	}
}

/** The end of the thread that made it is a signal to it, whatever it waits for (PR_SET_PDEATHSIG(2const)). */
static void look_mourner(struct look *l)
{
	const struct process *parent = snapshot_process(l->s, l->p->ppid);

	if (parent)
		look_weak(l, NODE_PROCESS, (size_t)(parent - l->s->procs));
	else
		look_assume(l, ASSUME_NO_OUTSIDE_SIGNAL);
}

/** The thread that made it may be an idle helper, which ends when its time is over, with nobody to wake it. */
static void look_bereft(struct look *l)
{
	const struct process *parent = snapshot_process(l->s, l->p->ppid);

	if (parent && !l->s->begun_by_others)
		look_timeout(l, l->bereft_ns[parent - l->s->procs]);
}

static void look_signals(struct look *l)
{
	const struct wait *w = &l->t->wait;

	if (l->p->mourns)
		look_mourner(l);
	if (l->p->mourns || !l->p->deaths_heard)
		look_bereft(l);
	if (w->op != WAIT_STOPPED && w->op != WAIT_TRACED) {
		if (l->p->catches_chld) /* the end of a child is a signal to this process */
			look_weak(l, NODE_KIN, (size_t)(l->p - l->s->procs));
		look_alarm(l, w->op == WAIT_SIGNAL && w->takes_alarm);
	}
	if (l->p->posix_timers)
		look_live(l, "its process has POSIX timers");
	if (l->p->file_signals)
		look_live(l, "one of its process's files may send a signal");
}

static void look_reset(struct look *l, size_t task)
{
	for (size_t i = 0; i < l->touched.n; i++)
		l->seen[l->touched.at[i]] = 0;
	l->touched.n = 0;
	l->task = task;
	l->t = &l->s->tasks[task];
	l->p = &l->s->procs[l->t->proc];
	l->live = NULL;
	l->timeout_ns = NEVER_NS;
	l->assume = 0;
}

void look_at(struct look *l, size_t task)
{
	look_reset(l, task);
	if (l->t->wait.op == WAIT_DEAD)
		return;
	if (!l->t->wait.idle || l->all_idle[l->t->proc])
		look_timeout(l, l->t->wait.timeout_ns);
	else
		look_assume(l, ASSUME_IDLE_WORKERS);
	wait_class_of(&l->t->wait)->wakers(l, &l->t->wait);
	if (!l->live)
		look_signals(l);
}

/** Idle threads only end, but their end is what a join waits for, a plain lock perhaps (Thread.join() of CPython up to 3.12), and
 *  that of the last one is the end of the process. */
static void find_idle(struct look *l)
{
	const struct snapshot *s = l->s;

	l->idle_ns = arena_array(l->g->w.arena, s->nprocs, sizeof *l->idle_ns);
	l->bereft_ns = arena_array(l->g->w.arena, s->nprocs, sizeof *l->bereft_ns);
	l->all_idle = arena_array(l->g->w.arena, s->nprocs, sizeof *l->all_idle);
	for (size_t i = 0; i < s->nprocs; i++) {
		l->idle_ns[i] = l->bereft_ns[i] = NEVER_NS;
		l->all_idle[i] = true;
	}
	for (size_t i = 0; i < s->ntasks; i++) {
		const struct task *t = &s->tasks[i];
		bool ends = t->wait.idle && idle_ends(t->wait.idle);

		l->all_idle[t->proc] = l->all_idle[t->proc] && (t->wait.op == WAIT_DEAD || ends);
		if (ends && t->wait.has_kids && t->wait.timeout_ns < l->bereft_ns[t->proc])
			l->bereft_ns[t->proc] = t->wait.timeout_ns;
		for (size_t p = 0; ends && p < s->nprocs; p++)
			if (s->procs[p].vm == s->procs[t->proc].vm && t->wait.timeout_ns < l->idle_ns[p])
				l->idle_ns[p] = t->wait.timeout_ns;
	}
}

void look_open(struct look *l, struct graph *g)
{
	*l = (struct look){.g = g, .s = g->w.s};
	l->seen = arena_array(g->w.arena, l->s->nobjects, sizeof *l->seen);
	find_idle(l);
}

void look_close(struct look *l)
{
	vec_free(&l->touched);
}

const char *prove_seed_of_wait(const struct wait *w, int64_t horizon_ns)
{
	if (w->op == WAIT_DEAD)
		return NULL;
	if (w->op == WAIT_RUN)
		return w->why && *w->why ? w->why : "runs";
	if (w->timeout_ns <= horizon_ns && !w->idle)
		return "its wait has a timeout";
	if (w->op == WAIT_CHILD && w->npids == 0)
		return "it waits for a child that is not there";
	if (w->op == WAIT_FUTEX && !w->join && w->key && w->outside)
		return "shared memory is in reach outside the tree";
	for (size_t i = 0; w->op == WAIT_FDS && i < w->non; i++)
		if (w->on[i].object < 0)
			return "a descriptor was closed meanwhile";
	return wait_class_of(w) == &wait_unknown ? "it waits in a way that is not known" : NULL;
}
