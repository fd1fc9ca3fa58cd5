/* What the stacks of tasks tell beyond their system calls: a thread that wants the interpreter's lock again and again, and an idle helper
 * thread of a library. Each such word is good for as long as one counter stands still.
 *
 * The interpreter's lock: a thread was seen to wait for it, and another one to hold it, both behind the moment at which the holder's
 * counter was read. While that has not moved, the holder has not let go, and who waits can't have got out of its wait: it does nothing
 * but to wake every 5 ms and ask for the lock (take_gil() in CPython's Python/ceval_gil.c, 3.8 to 3.14).
 */
#include "observe/state.h"

/* So many passes in a row that saw it move: 200 wakes a second are in every one. */
enum { RESTLESS_PASSES = 6 };
/* A timeout of CPython's is 5 ms; sys.setswitchinterval() may have made it longer. */
#define SHORT_NS (100 * NS_PER_MS)

static struct seen_task *task_in(struct seen_process *p, pid_t tid)
{
	for (size_t i = 0; p && i < p->tasks.n; i++)
		if (p->tasks.at[i].tid == tid)
			return &p->tasks.at[i];
	return NULL;
}

const struct seen_task *known_holder(struct seen_process *p, const struct seen_task *t)
{
	const struct seen_task *holder = t->gil_holder ? task_in(p, t->gil_holder) : NULL;

	return holder && holder->known && !holder->refused && holder->runs == t->known_runs ? holder : NULL;
}

const char *known_idle(const struct seen_task *t)
{
	return t->idle && t->known && t->runs == t->known_runs ? t->idle : NULL;
}

bool known_ticks(const struct seen_task *t)
{
	return t->idle_again && t->streak <= 1;
}

bool known_restless(const struct seen_task *t)
{
	return t->streak >= RESTLESS_PASSES;
}

void observe_know_gil(struct observe *ob, pid_t pid, pid_t tid, pid_t holder)
{
	struct seen_process *p = table_find(ob, pid);
	struct seen_task *t = task_in(p, tid), *h = task_in(p, holder);

	if (!t || !h || t == h || !h->known || h->refused)
		return;
	t->idle = NULL;
	t->gil_holder = holder;
	t->known_runs = h->runs;
}

void observe_know_idle(struct observe *ob, pid_t pid, pid_t tid, uint64_t runs, const char *idle, bool again)
{
	struct seen_task *t = task_in(table_find(ob, pid), tid);

	if (!t || !t->known || t->refused || t->runs != runs || !t->look.valid)
		return;
	t->gil_holder = 0;
	if (!t->idle_again || t->idle != idle)
		t->ticks_since_ns = t->look.asleep_ns;
	t->idle = idle;
	t->idle_again = again;
	t->known_runs = runs;
}

/** It wakes all the time, and sleeps on a lock for moments. */
static bool may_want_gil(struct observe *ob, struct seen_process *p, struct seen_task *t, int64_t now_ns)
{
	if (!known_restless(t))
		return false;
	look_task(ob, p, t);
	return t->look.valid && t->look.op == WAIT_FUTEX && t->look.deadline_ns != NEVER_NS &&
	       t->look.deadline_ns - now_ns < SHORT_NS;
}

void observe_know_nothing(struct observe *ob, pid_t pid, pid_t tid)
{
	struct seen_task *t = task_in(table_find(ob, pid), tid);

	if (!t)
		return;
	t->answered_runs = t->runs;
	t->idle_again = false;
}

/** A wait for a lock that ends by itself; a block whose stack has said nothing is not asked again. */
static bool may_be_idle(const struct seen_task *t)
{
	return t->look.valid && t->look.op == WAIT_FUTEX && t->answered_runs != t->runs;
}

/** @return false: T is a seed that its stack can't take away. */
static bool ask(struct observe *ob, struct seen_process *p, struct seen_task *t, int64_t now_ns, int64_t horizon_ns, task_id_vec *out)
{
	bool moves = t->moved_ns == now_ns;

	if (known_holder(p, t) || known_idle(t))
		return true;
	if (!moves)
		look_task(ob, p, t);
	if (!moves && t->look.valid && t->look.op != WAIT_RUN &&
	    (t->look.deadline_ns == NEVER_NS || t->look.deadline_ns - now_ns > horizon_ns))
		return true;
	if (moves ? !may_want_gil(ob, p, t, now_ns) : !may_be_idle(t))
		return false;
	vec_push(out, (struct task_id){p->pid, t->tid});
	return true;
}

void observe_unclear(struct observe *ob, int64_t now_ns, int64_t horizon_ns, task_id_vec *out)
{
	out->n = 0;
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];
		bool all = p->tasks.n > 0;

		for (size_t k = 0; all && k < p->tasks.n; k++)
			all = ask(ob, p, &p->tasks.at[k], now_ns, horizon_ns, out);
		if (!all) {
			out->n = 0;
			return;
		}
	}
}
