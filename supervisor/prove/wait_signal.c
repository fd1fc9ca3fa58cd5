/* Waits that only a signal ends: pause, sigsuspend, sigtimedwait, and being stopped. Any live task of the tree may send one;
 * that nobody outside does is an assumption. */
#include "prove/wait.h"

static bool is_signal(const struct wait *w)
{
	return w->op == WAIT_SIGNAL;
}

static void signal_wakers(struct look *l, const struct wait *w)
{
	(void)w;
	look_weak(l, NODE_ANYONE, 0);
	look_assume(l, ASSUME_NO_OUTSIDE_SIGNAL);
}

/** Who catches SIGCHLD and waits for signals waits for its children, for the explanation: so does the `wait` of dash(1). */
static void children_wakers(struct look *l, const struct wait *w)
{
	for (size_t i = 0; l->p->catches_chld && i < l->p->nkids; i++) {
		const struct process *kid = snapshot_process(l->s, l->p->kids[i]);

		if (kid && !world_has_ended(&l->g->w, kid))
			look_process(l, kid);
	}
	signal_wakers(l, w);
}

const struct wait_class wait_signal = {"signal", is_signal, children_wakers};

static bool is_stopped(const struct wait *w)
{
	return w->op == WAIT_STOPPED;
}

/** A stopped command is a human's doing, who will let it go on. */
static void stopped_wakers(struct look *l, const struct wait *w)
{
	if (l->t->pid == l->s->root)
		look_live(l, "the command was stopped by hand");
	signal_wakers(l, w);
}

const struct wait_class wait_stopped = {"stopped", is_stopped, stopped_wakers};
