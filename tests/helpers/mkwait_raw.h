/* mkwait: system calls that C libraries make rarely, and what becomes of a wait when another thread takes away what it stands on.
 * For mkwait.c alone. */
#ifndef MKWAIT_RAW_H
#define MKWAIT_RAW_H

#include <linux/futex.h>
#include <sys/msg.h>
#include <sys/uio.h>

#include "mkwait.h"

static void recvmmsg_timeout(void)
{
	struct timespec limit = {.tv_sec = LONG_S};
	char room[8];
	struct iovec data = {room, sizeof room};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &data, .msg_iovlen = 1}};
	int fd[2];

	make_pair(fd);
	ready(0);
	recvmmsg(fd[0], &m, 1, 0, &limit);
}

static void ppoll_timeout(void)
{
	struct timespec limit = {.tv_sec = LONG_S};
	struct pollfd set = {.events = POLLIN};
	int fd[2];

	make_pipe(fd);
	set.fd = fd[0];
	ready(0);
	syscall(SYS_ppoll, &set, 1, &limit, NULL, 8);
}

static void old_select_timeout(void)
{
	struct timeval limit = {.tv_sec = LONG_S};
	fd_set set;
	int fd[2];

	make_pipe(fd);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	ready(0);
	syscall(SYS_select, fd[0] + 1, &set, NULL, NULL, &limit);
}

static void epoll2_timeout(void)
{
	struct timespec limit = {.tv_sec = LONG_S};
	struct epoll_event event = {.events = EPOLLIN};
	int fd[2], epoll = need(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");

	make_pipe(fd);
	need(epoll_ctl(epoll, EPOLL_CTL_ADD, fd[0], &event), "epoll_ctl");
	ready(0);
	if (syscall(SYS_epoll_pwait2, epoll, &event, 1, &limit, NULL, 0) < 0)
		_exit(1);
}

/** FUTEX_WAIT takes a duration; glibc's locks use the form with a moment. */
static void futex_duration(void)
{
	static uint32_t word = 1;
	struct timespec limit = {.tv_sec = LONG_S};

	ready(0);
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &limit, NULL, 0);
}

static void futex_requeue(void)
{
	static uint32_t word = 1, other;

	ready(0);
	syscall(SYS_futex, &word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, NULL, &other, 0);
}

static void raw_sleep(void)
{
	struct timespec t = {.tv_sec = LONG_S};

	ready(0);
	syscall(SYS_nanosleep, &t, NULL);
}

static void sleep_by_cpu(void)
{
	struct timespec t = {.tv_sec = LONG_S};

	ready(0);
	syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL);
}

/** A unix listener whose queue is full makes connect(2) wait. */
static void connect_wait(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = sizeof name.sun_family; /* bound to an abstract name that the kernel chooses */
	int listener = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	need(bind(listener, (struct sockaddr *)&name, size), "bind");
	need(listen(listener, 0), "listen");
	size = sizeof name;
	need(getsockname(listener, (struct sockaddr *)&name, &size), "getsockname");
	ready(0);
	for (;;)
		connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&name, size);
}

static void message_queue(void)
{
	int queue = need(msgget(IPC_PRIVATE, 0600), "msgget");
	struct {
		long type;
		char text[8];
	} m;
	pid_t pid = need(fork(), "fork");

	if (pid == 0) { /* removes it when the parent is gone */
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		signal(SIGUSR1, SIG_IGN);
		while (getppid() != 1 && kill(getppid(), 0) == 0 && usleep(50000) == 0)
			;
		msgctl(queue, IPC_RMID, NULL);
		_exit(0);
	}
	ready(pid);
	if (msgrcv(queue, &m, sizeof m.text, 0, 0) < 0)
		_exit(1);
}

static bool in_call(pid_t pid, pid_t tid, int call)
{
	char path[64], line[128] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof line, f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return *line && strncmp(line, "running", 7) != 0 && atoi(line) == call;
}

static void fifo_open(void)
{
	char path[64];

	snprintf(path, sizeof path, "/tmp/mkwait-fifo-%d", getpid());
	need(mkfifo(path, 0600), "mkfifo");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!in_call(getppid(), getppid(), SYS_openat))
			usleep(1000);
		unlink(path);
		for (;;)
			pause();
	}
	ready(0);
	close(open(path, O_RDONLY | O_CLOEXEC));
}

/* ---- the ground taken away ---- */

struct ground {
	struct timespec *limit;
	int fd;
};

static void *sleep_on_ground(void *arg)
{
	struct ground *g = arg;

	nanosleep(g->limit, NULL);
	return NULL;
}

static void *read_from_ground(void *arg)
{
	struct ground *g = arg;
	char c;

	recv(g->fd, &c, 1, 0);
	return NULL;
}

static pid_t only_other_thread(void)
{
	for (pid_t tid = getpid() + 1;; tid++)
		if (tid > getpid() + 100000)
			skip("thread");
		else if (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
			return tid;
}

/** The thread waits in CALL; then what its call points to goes. */
static void take_away(struct ground *g, void *(*run)(void *), int call)
{
	pthread_t thread;
	pid_t tid;

	pthread_create(&thread, NULL, run, g);
	tid = only_other_thread();
	while (!in_call(getpid(), tid, call))
		usleep(1000);
	if (g->limit)
		munmap(g->limit, 4096);
	else
		close(g->fd);
	ready(tid);
	pause();
}

/** nanosleep(2) was called with a limit that can't be read any more. */
static void unreadable_limit(void)
{
	struct ground g = {.limit = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};

	if (g.limit == MAP_FAILED)
		skip("mmap");
	g.limit->tv_sec = LONG_S;
	take_away(&g, sleep_on_ground, SYS_clock_nanosleep);
}

/** A socket with a timeout of its own, closed while a thread receives from it. */
static void closed_under_reader(void)
{
	struct timeval limit = {.tv_sec = LONG_S};
	struct ground g = {0};
	int fd[2];

	make_pair(fd);
	need(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
	g.fd = fd[0];
	take_away(&g, read_from_ground, SYS_recvfrom);
}

#endif
