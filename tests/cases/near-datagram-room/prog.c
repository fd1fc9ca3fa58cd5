#include "near.h"
static struct sockaddr_un there = {.sun_family = AF_UNIX, .sun_path = "queue"};

int tree(void)
{
	int fd[2], size = 4096;

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	NEED(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	while (sendto(fd[0], much(), 1000, MSG_DONTWAIT, (struct sockaddr *)&there, sizeof there) > 0)
		;
	return send(fd[0], "x", 1, 0) != 1;
}

int outside(void)
{
	static char data[4000];
	int fd = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
	struct pollfd poll_fd = {fd, POLLIN, 0};

	NEED(bind(fd, (struct sockaddr *)&there, sizeof there));
	ready();
	NEED(poll(&poll_fd, 1, -1));
	nap(LATE_S);
	while (recv(fd, data, sizeof data, MSG_DONTWAIT) > 0)
		;
	nap(1);
	return 0;
}
