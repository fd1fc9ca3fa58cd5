/* Stacks that are read to see whether a tree can move at all: where nothing moves in it but threads that want the interpreter's lock, or
 * that wait for a lock with a timeout.
 */
#include "stacks/stacks.h"
#include "watch/run.h"

/* Reading one process takes about a millisecond. */
enum { ASKED_MOST = 64 };

/** @return false: its stack was not to be had this time, and may be the next. */
static bool take(struct run *r, const struct task_id *id, const struct process_stacks *p)
{
	const struct stack *s = stacks_of_thread(p, id->tid);
	bool again = false;
	const char *idle = s ? prove_idle(s, &again) : NULL;
	pid_t holder = s ? prove_gil_holder(p, s) : 0;

	if (holder)
		observe_know_gil(r->observe, id->pid, id->tid, holder);
	else if (idle)
		observe_know_idle(r->observe, id->pid, id->tid, s->runs, idle, again);
	else if (s && s->quality != STACK_MOVING)
		observe_know_nothing(r->observe, id->pid, id->tid);
	else
		return false;
	return true;
}

enum known known_ask(struct run *r, int64_t now_ns)
{
	static const struct stacks_options locks = {.locks = true};
	task_id_vec tasks = {0};
	struct arena *arena = arena_new();
	VEC(pid_t) pids = {0};

	observe_unclear(r->observe, now_ns, r->opt->horizon_ns, &tasks);
	for (size_t i = 0; i < tasks.n && tasks.n <= ASKED_MOST; i++)
		if (i == 0 || tasks.at[i].pid != tasks.at[i - 1].pid)
			vec_push(&pids, tasks.at[i].pid);
	if (pids.n && !r->stacks)
		r->stacks = stacks_new();

	struct process_stacks *rows = pids.n ? stacks_read(r->stacks, arena, pids.at, pids.n, &locks) : NULL;
	enum known known = rows ? KNOWN_ALL : KNOWN_NONE;
	size_t row = 0;

	for (size_t i = 0; rows && i < tasks.n; i++) {
		while (pids.at[row] != tasks.at[i].pid)
			row++;
		if (!take(r, &tasks.at[i], &rows[row]))
			known = KNOWN_SOME;
	}
	vec_free(&pids);
	vec_free(&tasks);
	arena_free(arena);
	return known;
}
