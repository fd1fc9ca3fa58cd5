/* Waits without an object: running, ended, asleep, and what is not known. */
#include "prove/wait.h"

static bool is_run(const struct wait *w)
{
	return w->op == WAIT_RUN;
}

static void run_wakers(struct look *l, const struct wait *w)
{
	look_live(l, "%s", w->why && *w->why ? w->why : "runs");
}

const struct wait_class wait_run = {"run", is_run, run_wakers};

static bool is_dead(const struct wait *w)
{
	return w->op == WAIT_DEAD;
}

static void dead_wakers(struct look *l, const struct wait *w)
{
	(void)l, (void)w;
}

const struct wait_class wait_dead = {"dead", is_dead, dead_wakers};

static bool is_sleep(const struct wait *w)
{
	return w->op == WAIT_SLEEP;
}

/** Its timeout is that of every wait, see task_look(). A sleep without one is until the end of time. */
static void sleep_wakers(struct look *l, const struct wait *w)
{
	if (w->timeout_ns == NEVER_NS)
		look_assume(l, ASSUME_HORIZON);
}

const struct wait_class wait_sleep = {"sleep", is_sleep, sleep_wakers};

static bool is_anything(const struct wait *w)
{
	(void)w;
	return true;
}

static void unknown_wakers(struct look *l, const struct wait *w)
{
	look_live(l, "waits in a way that is not known (%d)", (int)w->op);
}

const struct wait_class wait_unknown = {"unknown", is_anything, unknown_wakers};
