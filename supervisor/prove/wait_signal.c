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

const struct wait_class wait_signal = {"signal", is_signal, signal_wakers};

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
