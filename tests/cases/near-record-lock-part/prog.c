#include "near.h"
static void lock(int fd, off_t at)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = at, .l_len = 1};

	NEED(fcntl(fd, F_SETLKW, &l));
}

int tree(void)
{
	int fd = NEED(open("file", O_RDWR));
	pid_t child;

	lock(fd, 0);
	child = NEED(fork());
	if (child == 0) {
		lock(fd, 100);
		return 0;
	}
	return ends(child);
}

int outside(void)
{
	int fd = NEED(open("file", O_CREAT | O_RDWR, 0600));

	lock(fd, 100);
	ready();
	nap(LATE_S + 1);
	return close(fd);
}
