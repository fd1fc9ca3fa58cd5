#include "near.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

int tree(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int at = NEED(socket(AF_INET, SOCK_STREAM, 0)), fd[2], to, ms = 5000, why;
	socklen_t size = sizeof a;
	pid_t child;
	char byte;

	NEED(bind(at, (struct sockaddr *)&a, size));
	NEED(listen(at, 1));
	NEED(getsockname(at, (struct sockaddr *)&a, &size));
	NEED(pipe(fd));
	child = NEED(fork());
	if (child == 0) {
		close(fd[1]);
		NEED(connect(NEED(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&a, sizeof a));
		return read(fd[0], &byte, 1) != 0;
	}
	close(fd[0]);
	to = NEED(accept(at, NULL, NULL));
	NEED(setsockopt(to, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms));
	while (write(to, much(), MUCH) > 0)
		;
	why = errno;
	close(fd[1]);
	return ends(child) || why != ETIMEDOUT;
}

int outside(void)
{
	return 0;
}
