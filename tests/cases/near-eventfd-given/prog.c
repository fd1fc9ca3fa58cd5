#include "near.h"
int tree(void)
{
	int event = NEED(eventfd(0, 0)), set = NEED(epoll_create1(0));
	struct epoll_event e = {.events = EPOLLIN};

	NEED(epoll_ctl(set, EPOLL_CTL_ADD, event, &e));
	give(event);
	return epoll_wait(set, &e, 1, -1) != 1;
}

int outside(void)
{
	int at = listener(), event;

	ready();
	event = take(NEED(accept(at, NULL, NULL)));
	nap(LATE_S);
	return eventfd_write(event, 1);
}
