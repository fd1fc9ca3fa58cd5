#include "near.h"
#include <mqueue.h>

int tree(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	char name[40];
	mqd_t q;

	snprintf(name, sizeof name, "/near-%d", getpid());
	q = NEED(mq_open(name, O_CREAT | O_RDWR, 0600, NULL));
	expect(SIGUSR1);
	NEED(mq_notify(q, &e));
	save("name", name);
	wait_for(SIGUSR1);
	return mq_unlink(name);
}

int outside(void)
{
	char name[40];

	ready();
	load("name", name, sizeof name);
	nap(LATE_S);
	return mq_send(NEED(mq_open(name, O_WRONLY)), "x", 1, 0);
}
