#include "near.h"
int tree(void)
{
	int fd[2];
	char byte;

	NEED(pipe(fd));
	give(fd[1]);
	return read(fd[0], &byte, 1) != 1;
}

static void *serve(void *at)
{
	int fd;

	fd = take(NEED(accept(*(int *)at, NULL, NULL)));
	nap(LATE_S);
	NEED(write(fd, "x", 1));
	pause();
	return NULL;
}

int outside(void)
{
	static int at;
	pthread_t thread;

	at = listener();
	if (pthread_create(&thread, NULL, serve, &at))
		return 1;
	ready();
	pthread_exit(NULL);
}
