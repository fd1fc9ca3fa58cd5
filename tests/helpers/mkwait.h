/* mkwait: what all situations are made of. For mkwait.c alone. */
#ifndef MKWAIT_H
#define MKWAIT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LONG_S = 100 }; /* timeouts that no test outlives */

_Noreturn static void skip(const char *what)
{
	printf("skip %s: %s\n", what, strerror(errno));
	exit(0);
}

static int need(int rc, const char *what)
{
	if (rc < 0)
		skip(what);
	return rc;
}

/** A second process, 0: none. */
static void ready(pid_t other)
{
	printf("ready %d %d\n", getpid(), other);
	fflush(stdout);
}

static void make_pipe(int fd[2])
{
	need(pipe2(fd, O_CLOEXEC), "pipe");
}

static inline void make_pair(int fd[2])
{
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), "socketpair");
}

static void read_one(int fd)
{
	char c;

	if (read(fd, &c, 1) < 0)
		perror("read");
}

_Noreturn static inline void fill(int fd)
{
	static char data[65536];

	for (;;)
		if (write(fd, data, sizeof data) < 0)
			_exit(1);
}

/** Ends with its parent, so that a killed one leaves nothing. */
static pid_t start_idle(void)
{
	pid_t pid = need(fork(), "fork");

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static inline int idle_pidfd(pid_t *pid)
{
	*pid = start_idle();
	return need((int)syscall(SYS_pidfd_open, *pid, 0), "pidfd_open");
}

/** Leaves FD under way from one end of a pair to the other. */
static inline void send_descriptor(int fd)
{
	int pair[2];
	char room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {(char[]){'x'}, 1};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	make_pair(pair);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	need((int)sendmsg(pair[0], &m, 0), "sendmsg");
}

#endif
