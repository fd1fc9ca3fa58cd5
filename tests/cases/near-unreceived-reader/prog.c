#include "near.h"
/* The parent holds the reading end as well, and only waits. */
int tree(void)
{
	int fd[2];
	pid_t child;

	NEED(pipe(fd));
	child = NEED(fork());
	if (child == 0) {
		close(fd[0]);
		return write(fd[1], much(), MUCH) != MUCH;
	}
	close(fd[1]);
	give(fd[0]);
	return ends(child);
}

int outside(void)
{
	static char data[65536];
	int at = listener(), fd;
	int from;

	ready();
	from = NEED(accept(at, NULL, NULL));
	nap(LATE_S);
	fd = take(from);
	while (read(fd, data, sizeof data) > 0)
		;
	return 0;
}
