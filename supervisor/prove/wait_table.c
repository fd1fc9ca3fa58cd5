/* The tables of waits and of objects. The order matters only for the last wait: it matches everything. */
#include "prove/wait.h"

static const struct wait_class *const waits[] = {
	&wait_run,    &wait_dead,  &wait_sleep, &wait_fds,    &wait_child,   &wait_vfork,
	&wait_traced, &wait_futex, &wait_flock, &wait_signal, &wait_stopped, &wait_unknown,
};

static const struct object_class *const objects[] = {
	&object_pipe,	 &object_unix,	   &object_tcp,	  &object_udp,	 &object_pty,
	&object_eventfd,  &object_timerfd, &object_signalfd, &object_pidfd, &object_epoll,
};

const struct wait_class *wait_class_of(const struct wait *w)
{
	size_t i = 0;

	while (!waits[i]->matches(w))
		i++;
	return waits[i];
}

const struct object_class *object_class_of(enum object_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i]->kind == kind)
			return objects[i];
	return NULL;
}
