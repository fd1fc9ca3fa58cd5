/* mkwait: situations in which a task waits on descriptors. For mkwait.c alone. */
#ifndef MKWAIT_FDS_H
#define MKWAIT_FDS_H

#include "mkwait.h"

/* ---- pipes, sockets, terminals ---- */

static void pipe_full(void)
{
	int fd[2];

	make_pipe(fd);
	ready(0);
	fill(fd[1]);
}

static void pipe_eof(void) /* the other one holds the writing end alone */
{
	int fd[2];

	make_pipe(fd);

	pid_t pid = start_idle();

	close(fd[1]);
	ready(pid);
	read_one(fd[0]);
}

static void stdin_read(void)
{
	ready(0);
	read_one(0);
}

static void fifo(bool keep_name)
{
	char path[64];

	snprintf(path, sizeof path, "/tmp/mkwait-fifo-%d", getpid());
	need(mkfifo(path, 0600), "mkfifo");

	int fd = need(open(path, O_RDWR | O_CLOEXEC), "open");

	if (!keep_name)
		unlink(path);
	ready(0);
	read_one(fd);
}

static void fifo_named(void)
{
	fifo(true);
}

static void fifo_deleted(void)
{
	fifo(false);
}

static void splice_full(void)
{
	int from[2], to[2];

	make_pipe(from);
	make_pipe(to);
	ready(0);
	for (;;) {
		if (write(from[1], "x", 1) < 0 || splice(from[0], NULL, to[1], NULL, 1, 0) < 0)
			_exit(1);
	}
}

static void socketpair_full(void)
{
	int fd[2];

	make_pair(fd);
	ready(0);
	fill(fd[0]);
}

static void unix_recv(void)
{
	int fd[2];

	make_pair(fd);
	ready(0);
	read_one(fd[0]);
}

static void unix_gone(void) /* the peer is closed; a datagram socket waits on */
{
	int fd[2];

	need(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd), "socketpair");
	close(fd[1]);
	ready(0);
	read_one(fd[0]);
}

/** A listener and a client that it has not accepted. */
static int connect_to_listener(int domain, int *listener)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *name = domain == AF_UNIX ? (void *)&local : (void *)&inet;
	socklen_t size = domain == AF_UNIX ? sizeof(sa_family_t) : sizeof inet; /* an abstract name by itself: unix(7) */
	int fd = need(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	*listener = need(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	need(bind(*listener, name, size), "bind");
	need(listen(*listener, 4), "listen");
	size = domain == AF_UNIX ? sizeof local : sizeof inet;
	need(getsockname(*listener, name, &size), "getsockname");
	need(connect(fd, name, size), "connect");
	return fd;
}

static void accepted(int fd[2])
{
	int listener;

	fd[0] = connect_to_listener(AF_INET, &listener);
	fd[1] = need(accept(listener, NULL, NULL), "accept");
	close(listener);
}

static void tcp_recv(void)
{
	int fd[2];

	accepted(fd);
	ready(0);
	read_one(fd[0]);
}

static void tcp_full(void)
{
	int fd[2];

	accepted(fd);
	ready(0);
	fill(fd[0]);
}

static void tcp_unaccepted(void)
{
	int listener, fd = connect_to_listener(AF_INET, &listener);

	ready(0);
	read_one(fd);
}

static void unix_unaccepted(void)
{
	int listener, fd = connect_to_listener(AF_UNIX, &listener);

	ready(0);
	read_one(fd);
}

static void tcp_accept(void)
{
	int listener, fd = connect_to_listener(AF_INET, &listener);

	close(need(accept(listener, NULL, NULL), "accept"));
	close(fd);
	ready(0);
	accept(listener, NULL, NULL);
}

static void socket_with_timeout(int option, bool writes)
{
	int fd[2];
	struct timeval t = {.tv_sec = LONG_S};

	make_pair(fd);
	need(setsockopt(fd[0], SOL_SOCKET, option, &t, sizeof t), "setsockopt");
	ready(0);
	if (writes)
		fill(fd[0]);
	read_one(fd[0]);
}

static void rcvtimeo(void)
{
	socket_with_timeout(SO_RCVTIMEO, false);
}

static void sndtimeo(void)
{
	socket_with_timeout(SO_SNDTIMEO, true);
}

static int open_terminal(int *master)
{
	char name[64];
	struct termios mode;

	*master = need(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
	need(unlockpt(*master), "unlockpt");
	if (ptsname_r(*master, name, sizeof name))
		skip("ptsname");

	int fd = need(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), name);

	need(tcgetattr(fd, &mode), "tcgetattr");
	cfmakeraw(&mode);
	need(tcsetattr(fd, TCSANOW, &mode), "tcsetattr");
	return fd;
}

static void pty_read(void)
{
	int master, fd = open_terminal(&master);

	ready(0);
	read_one(fd);
}

/** The same by the name that is each process's own. */
static int open_own_terminal(void)
{
	int master, slave = open_terminal(&master), fd;

	setsid();
	need(ioctl(slave, TIOCSCTTY, 0), "TIOCSCTTY");
	fd = need(open("/dev/tty", O_RDWR | O_CLOEXEC), "/dev/tty");
	close(slave);
	return fd;
}

static void tty_read(void)
{
	int fd = open_own_terminal();

	ready(0);
	read_one(fd);
}

static void pty_full(void)
{
	int master, fd = open_terminal(&master);

	ready(0);
	fill(fd);
}

static void terminal_timer(int fd, cc_t least)
{
	struct termios mode;

	need(tcgetattr(fd, &mode), "tcgetattr");
	mode.c_cc[VMIN] = least;
	mode.c_cc[VTIME] = 250;
	need(tcsetattr(fd, TCSANOW, &mode), "tcsetattr");
	ready(0);
	read_one(fd);
}

static void vtime(void)
{
	int master;

	terminal_timer(open_terminal(&master), 0);
}

static void tty_vtime(void)
{
	terminal_timer(open_own_terminal(), 0);
}

static void vtime_vmin(void) /* the clock starts with the first byte: that it has not come can't be known */
{
	int master;

	terminal_timer(open_terminal(&master), 1);
}

/* ---- poll, select, epoll ---- */

/** Stopped and continued once it waits. */
static void stop_and_continue(int ms)
{
	int ends[2];
	pid_t self = getpid();

	make_pipe(ends);
	if (fork() == 0) {
		char state = 0, path[32];
		FILE *f;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof path, "/proc/%d/stat", (int)self);
		while (state != 'S' && (f = fopen(path, "r"))) {
			if (fscanf(f, "%*d %*s %c", &state) != 1)
				state = 0;
			fclose(f);
		}
		kill(self, SIGSTOP);
		kill(self, SIGCONT);
		printf("ready %d %d\n", self, getpid());
		fflush(stdout);
		pause();
	}
	poll(&(struct pollfd){ends[0], POLLIN, 0}, 1, ms);
}

static void poll_again(void)
{
	stop_and_continue(-1);
}

static void poll_again_timeout(void)
{
	stop_and_continue(LONG_S * 1000);
}

static int epoll_on(int fd, uint32_t events)
{
	struct epoll_event e = {.events = events};
	int ep = need(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");

	need(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
	return ep;
}

static void wait_epoll(int ep, int ms)
{
	struct epoll_event e;

	epoll_wait(ep, &e, 1, ms);
}

static void epoll(void)
{
	int fd[2];

	make_pipe(fd);
	ready(0);
	wait_epoll(epoll_on(fd[0], EPOLLIN), -1);
}

static void epoll_timeout(void)
{
	int fd[2];

	make_pipe(fd);
	ready(0);
	wait_epoll(epoll_on(fd[0], EPOLLIN), LONG_S * 1000);
}

static void epoll_nested(void)
{
	int fd[2];

	make_pipe(fd);
	ready(0);
	wait_epoll(epoll_on(epoll_on(fd[0], EPOLLIN), EPOLLIN), -1);
}

static void epoll_pidfd(void)
{
	pid_t pid;
	int fd = idle_pidfd(&pid);

	ready(pid);
	wait_epoll(epoll_on(fd, EPOLLIN), -1);
}

static void epoll_eventfd(void) /* one of several with the same inode; its number is another file's by now */
{
	int first = need(eventfd(0, EFD_CLOEXEC), "eventfd"), second = need(eventfd(0, EFD_CLOEXEC), "eventfd");
	int timer = need(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create"), ep = epoll_on(second, EPOLLIN);

	need(dup(second), "dup");
	need(dup2(first, second), "dup2");
	(void)timer;
	ready(0);
	wait_epoll(ep, -1);
}

static void epoll_closed(void) /* the target lives on in a message under way, under no number */
{
	int fd = need(eventfd(0, EFD_CLOEXEC), "eventfd"), ep = epoll_on(fd, EPOLLIN);

	send_descriptor(fd);
	close(fd);
	ready(0);
	wait_epoll(ep, -1);
}

static void poll_two(int ms)
{
	int a[2], b[2];

	make_pipe(a);
	make_pipe(b);
	fcntl(b[1], F_SETFL, O_NONBLOCK);
	while (write(b[1], "full", 4) > 0)
		;

	struct pollfd set[] = {{.fd = a[0], .events = POLLIN}, {.fd = -1}, {.fd = b[1], .events = POLLOUT}};

	ready(0);
	poll(set, 3, ms);
}

static void poll_forever(void)
{
	poll_two(-1);
}

static void poll_timeout(void)
{
	poll_two(LONG_S * 1000);
}

static void select_forever(void)
{
	int fd[2];
	fd_set set;

	make_pipe(fd);
	need(dup2(fd[0], 100), "dup2"); /* beyond the first word */
	FD_ZERO(&set);
	FD_SET(100, &set);
	ready(0);
	select(101, &set, NULL, NULL, NULL);
}

static void select_timeout(void)
{
	struct timeval t = {.tv_sec = LONG_S};

	ready(0);
	select(0, NULL, NULL, NULL, &t);
}

/* ---- events ---- */

static void event_fd(void)
{
	int fd = need(eventfd(0, EFD_CLOEXEC), "eventfd");
	uint64_t n;
	pid_t pid = start_idle(); /* holds it, too */

	ready(pid);
	if (read(fd, &n, sizeof n) < 0)
		_exit(1);
}

static void timer_fd(bool armed)
{
	struct itimerspec t = {.it_value.tv_sec = armed ? LONG_S : 0};
	int fd = need(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	uint64_t n;

	need(timerfd_settime(fd, 0, &t, NULL), "timerfd_settime");
	ready(0);
	if (read(fd, &n, sizeof n) < 0)
		_exit(1);
}

static void timerfd_armed(void)
{
	timer_fd(true);
}

static void timerfd_disarmed(void)
{
	timer_fd(false);
}

static void signal_fd(int sig)
{
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);

	int fd = need(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");

	ready(0);
	if (read(fd, &info, sizeof info) < 0)
		_exit(1);
}

static void signalfd_alarm(void)
{
	signal_fd(SIGALRM);
}

static void signalfd_usr1(void)
{
	signal_fd(SIGUSR1);
}

static void inotify(void)
{
	int fd = need(inotify_init1(IN_CLOEXEC), "inotify_init1");

	ready(0);
	read_one(fd);
}

#endif
