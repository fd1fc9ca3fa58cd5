/* The descriptors that stand for something else: eventfd, timerfd, signalfd, pidfd. */
#include "prove/wait.h"

static void shared_wakers(struct look *l, int object)
{
	if (l->s->objects[object].outside)
		look_live(l, "%s is also held outside the tree", look_name(l, object));
	look_holders(l, object, END_BOTH, END_READ);
}

static void eventfd_wakers(struct look *l, int object, unsigned way)
{
	(void)way;
	shared_wakers(l, object);
}

const struct object_class object_eventfd = {OBJECT_EVENTFD, eventfd_wakers};

/** A disarmed one may be armed by any holder. */
static void timerfd_wakers(struct look *l, int object, unsigned way)
{
	(void)way;
	if (l->s->objects[object].armed)
		look_live(l, "%s is armed", look_name(l, object));
	shared_wakers(l, object);
}

const struct object_class object_timerfd = {OBJECT_TIMERFD, timerfd_wakers};

static void signalfd_wakers(struct look *l, int object, unsigned way)
{
	(void)way;
	if (l->s->objects[object].takes_alarm && ((!l->s->alarms_known && !l->p->alarm_heard) || l->p->alarm_ns != NEVER_NS))
		look_live(l, "it takes SIGALRM, and an alarm may be armed");
	if (l->s->objects[object].takes_alarm && l->p->alarm_heard)
		look_assume(l, ASSUME_ALARMS_HEARD);
	look_weak(l, NODE_ANYONE, 0);
	look_assume(l, ASSUME_NO_OUTSIDE_SIGNAL);
	shared_wakers(l, object);
}

const struct object_class object_signalfd = {OBJECT_SIGNALFD, signalfd_wakers};

/** Readable once the process has ended (pidfd_open(2)), a zombie too. */
static void pidfd_wakers(struct look *l, int object, unsigned way)
{
	pid_t pid = l->s->objects[object].pid;
	const struct process *p = pid > 0 ? snapshot_process(l->s, pid) : NULL;

	(void)way;
	if (!p)
		look_live(l, "it waits by pidfd for a process that is outside the tree or has ended");
	else if (world_has_ended(&l->g->w, p))
		look_live(l, "it waits by pidfd for %d, which has ended", pid);
	else
		look_process(l, p);
}

const struct object_class object_pidfd = {OBJECT_PIDFD, pidfd_wakers};
