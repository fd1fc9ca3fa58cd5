/* Threads that serve the test runner alone, and let nobody of the tests go on. */
#include "prove/prove.h"

#include <string.h>

static bool lies_in(const struct frame *f, const char *folder)
{
	return f->kind == FRAME_PYTHON && f->file && strstr(f->file, folder);
}

/** S waits in code that pytest has called, and nothing of the runner's transport is in between: what it waits for is the test's own. */
static bool waits_in_test(const struct stack *s)
{
	for (size_t i = 0; i < s->nframes; i++) {
		if (lies_in(&s->frames[i], "/execnet/") || lies_in(&s->frames[i], "/xdist/"))
			return false;
		if (lies_in(&s->frames[i], "/_pytest/"))
			return true;
	}
	return false;
}

/** It has not run since its stack was read. */
static bool is_of_now(const struct task *t, const struct stack *s)
{
	return t && t->runs && t->runs == s->runs && s->quality == STACK_EXACT;
}

/** The one execnet receiver of P, by which an xdist worker hears its controller; NULL: there is none, or more, one of which may be a
 *  test's. What it hears it puts into queues of xdist's worker, xdist/remote.py: WorkerInteractor.handle_command(). */
static struct task *only_receiver(struct snapshot *s, const struct process *p)
{
	struct task *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->stacks->nthreads; i++) {
		const struct stack *stack = &p->stacks->threads[i];
		const struct task *t = snapshot_task(s, stack->tid);

		if (!stack->service || strcmp(stack->service, "execnet receiver") != 0)
			continue;
		n++;
		if (is_of_now(t, stack) && t->pid == p->pid && t->tid != p->pid)
			found = &s->tasks[t - s->tasks];
	}
	return n == 1 ? found : NULL;
}

void prove_serving(struct snapshot *s)
{
	for (size_t i = 0; i < s->nprocs; i++) {
		const struct process *p = &s->procs[i];
		const struct stack *main = stacks_of_thread(p->stacks, p->pid);
		struct task *receiver = main && p->test ? only_receiver(s, p) : NULL;

		if (receiver && is_of_now(snapshot_task(s, p->pid), main) && waits_in_test(main))
			receiver->wait.serves = "execnet receiver";
	}
}
