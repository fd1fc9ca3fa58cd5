/* mkwait: waits that end by what no descriptor, argument or clock of the process shows: signals that files send, work that the kernel was
 * given. For mkwait.c alone. */
#ifndef MKWAIT_NEAR_H
#define MKWAIT_NEAR_H

#include <linux/aio_abi.h>
#include <mqueue.h>
#include <netinet/tcp.h>

#include "mkwait.h"

static void owned_pipe(bool async)
{
	int fd[2];

	make_pipe(fd);
	need(fcntl(fd[0], F_SETOWN, getpid()), "F_SETOWN");
	need(fcntl(fd[0], F_SETFL, async ? O_ASYNC : 0), "F_SETFL");
	ready(0);
	pause();
}

static void async(void)
{
	owned_pipe(true);
}

static void owned(void) /* a pipe has no urgent data: without O_ASYNC it tells nobody */
{
	owned_pipe(false);
}

static int made_file(char *path)
{
	int fd = need(mkstemp(path), "mkstemp");

	unlink(path);
	return fd;
}

static void lease(void)
{
	char path[] = "/tmp/mkwaitXXXXXX";
	int fd = made_file(path);

	need(fcntl(fd, F_SETLEASE, F_WRLCK), "F_SETLEASE");
	ready(0);
	pause();
}

static void hold_queue(bool told)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	char name[40];
	mqd_t q;

	snprintf(name, sizeof name, "/mkwait-%d", getpid());
	q = need(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), "mq_open");
	mq_unlink(name);
	if (told)
		need(mq_notify(q, &e), "mq_notify");
	ready(0);
	pause();
}

static void queue_told(void)
{
	hold_queue(true);
}

static void queue_held(void)
{
	hold_queue(false);
}

static void hold_folder(bool told)
{
	int fd = need(open("/tmp", O_RDONLY | O_DIRECTORY), "open");

	if (told)
		need(fcntl(fd, F_NOTIFY, DN_RENAME), "F_NOTIFY");
	ready(0);
	pause();
}

static void folder_told(void)
{
	hold_folder(true);
}

static void folder_held(void)
{
	hold_folder(false);
}

static void on_urgent(int sig)
{
	(void)sig;
}

static void hold_socket(bool told)
{
	int fd[2];

	make_pair(fd);
	signal(SIGURG, on_urgent);
	if (told)
		need(fcntl(fd[0], F_SETOWN, getpid()), "F_SETOWN");
	ready(0);
	pause();
}

static void urgent_told(void)
{
	hold_socket(true);
}

static void urgent_held(void)
{
	hold_socket(false);
}

static void aio(void)
{
	int event = need(eventfd(0, EFD_CLOEXEC), "eventfd"), fd[2];
	struct iocb work = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN, .aio_flags = IOCB_FLAG_RESFD}, *list = &work;
	aio_context_t context = 0;
	eventfd_t count;

	make_pipe(fd);
	need((int)syscall(SYS_io_setup, 1, &context), "io_setup");
	work.aio_fildes = (unsigned)fd[0];
	work.aio_resfd = (unsigned)event;
	need((int)syscall(SYS_io_submit, context, 1, &list), "io_submit");
	ready(0);
	eventfd_read(event, &count);
}

static int loopback(struct sockaddr_in *a)
{
	int fd = need(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	socklen_t size = sizeof *a;

	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	need(bind(fd, (struct sockaddr *)a, size), "bind");
	need(listen(fd, 1), "listen");
	need(getsockname(fd, (struct sockaddr *)a, &size), "getsockname");
	return fd;
}

static int connected(const struct sockaddr_in *a)
{
	int fd = need(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	need(connect(fd, (const struct sockaddr *)a, sizeof *a), "connect");
	return fd;
}

static void tcp_user_timeout(void)
{
	unsigned ms = LONG_S * 1000;
	struct sockaddr_in a;
	int listener = loopback(&a), fd = connected(&a);

	need(accept(listener, NULL, NULL), "accept");
	need(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms), "TCP_USER_TIMEOUT");
	ready(0);
	fill(fd);
}

static void tcp_deferred(void)
{
	int seconds = LONG_S;
	struct sockaddr_in a;
	int listener = loopback(&a);

	need(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds), "TCP_DEFER_ACCEPT");
	connected(&a);
	ready(0);
	need(accept(listener, NULL, NULL), "accept");
}

#endif
