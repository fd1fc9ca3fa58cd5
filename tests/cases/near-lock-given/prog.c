#include "near.h"
int tree(void)
{
	int fd = NEED(open("file", O_CREAT | O_RDWR, 0600));

	NEED(flock(fd, LOCK_EX));
	give(fd);
	close(fd);
	return flock(NEED(open("file", O_RDWR)), LOCK_EX);
}

int outside(void)
{
	int at = listener(), fd;

	ready();
	fd = take(NEED(accept(at, NULL, NULL)));
	nap(LATE_S);
	return flock(fd, LOCK_UN);
}
