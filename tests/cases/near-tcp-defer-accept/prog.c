#include "near.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

int tree(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int at = NEED(socket(AF_INET, SOCK_STREAM, 0)), seconds = 4;
	socklen_t size = sizeof a;
	pid_t child;
	char byte;

	NEED(bind(at, (struct sockaddr *)&a, size));
	NEED(listen(at, 1));
	NEED(getsockname(at, (struct sockaddr *)&a, &size));
	NEED(setsockopt(at, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds));
	child = NEED(fork());
	if (child == 0) {
		int to = NEED(socket(AF_INET, SOCK_STREAM, 0));

		close(at);
		NEED(connect(to, (struct sockaddr *)&a, sizeof a));
		return read(to, &byte, 1) != 1;
	}
	NEED(write(NEED(accept(at, NULL, NULL)), "x", 1));
	return ends(child);
}

int outside(void)
{
	return 0;
}
