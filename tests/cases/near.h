/* What the near-* cases are made of. Each is one program: plain it is of the tree, with the word "outside" it is started before the run. */
#ifndef NEAR_H
#define NEAR_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LATE_S = 6, MUCH = 1 << 20 };

#define NEED(x) \
	({ \
		__typeof__(x) rc_ = (x); \
		if ((long)rc_ == -1) { \
			fprintf(stderr, "line %d: %s: %m\n", __LINE__, #x); \
			_exit(9); \
		} \
		rc_; \
	})

int tree(void);
int outside(void);

static inline void nap(double s)
{
	struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

	while (nanosleep(&t, &t) < 0)
		;
}

static inline void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* A small file that appears whole. */
static inline void save(const char *name, const char *text)
{
	int fd = NEED(open("new", O_CREAT | O_WRONLY | O_TRUNC, 0666));

	NEED(write(fd, text, strlen(text)));
	close(fd);
	NEED(rename("new", name));
}

static inline void load(const char *name, char *buf, size_t size)
{
	int fd;

	while ((fd = open(name, O_RDONLY)) < 0)
		nap(0.05);
	buf[NEED(read(fd, buf, size - 1))] = '\0';
	close(fd);
}

static inline int listener(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));

	NEED(bind(fd, (struct sockaddr *)&a, sizeof a));
	NEED(listen(fd, 5));
	return fd;
}

static inline int dial(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));

	NEED(connect(fd, (struct sockaddr *)&a, sizeof a));
	return fd;
}

/* Send FD to the program outside, and hang up. */
static inline void give(int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof fd)] = {0};
	struct iovec data = {&byte, 1};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	int to = dial();

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	NEED(sendmsg(to, &m, 0));
	close(to);
}

static inline int take(int from)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {&byte, 1};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	int fd;

	NEED(recvmsg(from, &m, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

static inline void *map(int fd)
{
	return NEED(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static inline int ends(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0));
	return status != 0;
}

static inline const char *much(void)
{
	static char data[MUCH];

	return data;
}

static inline void nothing(int sig)
{
	(void)sig;
}

/* From now on SIG is held back, until wait_for(). */
static inline void expect(int sig)
{
	struct sigaction act = {.sa_handler = nothing};
	sigset_t set;

	NEED(sigaction(sig, &act, NULL));
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static inline int wait_for(int sig)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	sigdelset(&set, sig);
	sigsuspend(&set);
	return 0;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc < 2)
		return tree();
	NEED(-(outside() != 0));
	pause(); /* an outsider lives on */
	return 0;
}

#endif
