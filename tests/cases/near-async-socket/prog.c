#include "near.h"
int tree(void)
{
	int fd = dial();

	expect(SIGIO);
	NEED(fcntl(fd, F_SETOWN, getpid()));
	NEED(fcntl(fd, F_SETFL, O_ASYNC));
	return wait_for(SIGIO);
}

int outside(void)
{
	int at = listener(), fd;

	ready();
	fd = NEED(accept(at, NULL, NULL));
	nap(LATE_S);
	NEED(write(fd, "x", 1));
	nap(0.5);
	return 0;
}
