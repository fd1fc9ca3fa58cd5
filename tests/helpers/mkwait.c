/* mkwait NAME makes one real situation in which a task waits, prints "ready PID..." and waits until it is killed. With a
 * kernel or rights that lack it, it prints "skip REASON". The first PID is the process that waits; others are named beside
 * each. */
#include "mkwait.h"
#include "mkwait_fds.h"
#include "mkwait_near.h"
#include "mkwait_raw.h"

/* ---- locks ---- */

static void futex_private(void)
{
	sem_t s;

	sem_init(&s, 0, 0);
	ready(0);
	sem_wait(&s);
}

static void futex_timeout(void)
{
	struct timespec until;
	sem_t s;

	sem_init(&s, 0, 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LONG_S;
	ready(0);
	sem_timedwait(&s, &until);
}

static void shared_semaphore(int fd, int flags)
{
	sem_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (s == MAP_FAILED)
		skip("mmap");
	sem_init(s, 1, 0);

	pid_t pid = start_idle(); /* maps it, too */

	ready(pid);
	sem_wait(s);
}

static void futex_shared(void)
{
	shared_semaphore(-1, MAP_ANONYMOUS);
}

static void futex_named(void)
{
	char path[64];

	snprintf(path, sizeof path, "/dev/shm/mkwait-%d", getpid());

	int fd = need(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), path);

	need(ftruncate(fd, 4096), "ftruncate");
	shared_semaphore(fd, 0);
}

struct shared {
	pthread_mutex_t lock;
	sem_t locked;
};

static void *hold_lock(void *arg)
{
	struct shared *s = arg;

	pthread_mutex_lock(&s->lock);
	sem_post(&s->locked);
	for (;;)
		pause();
	return NULL;
}

/** Waits for a lock that another thread, the second number, holds. */
static void wait_mutex(pthread_mutexattr_t *attr)
{
	struct shared s;
	pthread_t thread;

	pthread_mutex_init(&s.lock, attr);
	sem_init(&s.locked, 0, 0);
	pthread_create(&thread, NULL, hold_lock, &s);
	sem_wait(&s.locked);
	ready(s.lock.__data.__owner);
	pthread_mutex_lock(&s.lock);
}

static void mutex_owner(void)
{
	wait_mutex(NULL);
}

static void mutex_pi(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	wait_mutex(&attr);
}

static void join_thread(void)
{
	struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;

	sem_init(&s.locked, 0, 0);
	pthread_create(&thread, NULL, hold_lock, &s);
	sem_wait(&s.locked);
	ready(s.lock.__data.__owner);
	pthread_join(thread, NULL);
}

static int lock_file(void)
{
	char path[] = "/tmp/mkwait-lock-XXXXXX";
	int fd = need(mkostemp(path, O_CLOEXEC), "mkostemp");

	unlink(path);
	return fd;
}

static int reopen(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return need(open(path, O_RDWR | O_CLOEXEC), path);
}

static void flock_wait(void)
{
	int fd = lock_file(), other = reopen(fd);

	need(flock(fd, LOCK_EX), "flock");
	ready(0);
	flock(other, LOCK_EX);
}

static void fcntl_lock(void) /* the other one holds it */
{
	int fd = lock_file(), told[2];
	struct flock l = {.l_type = F_WRLCK};
	pid_t pid;

	make_pipe(told);
	pid = need(fork(), "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fd, F_SETLK, &l);
		if (write(told[1], "x", 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	read_one(told[0]);
	ready(pid);
	fcntl(fd, F_SETLKW, &l);
}

/* ---- children ---- */

static void wait_one(void)
{
	pid_t pid = start_idle();

	start_idle();
	ready(pid);
	waitpid(pid, NULL, 0);
}

static void wait_any(void)
{
	pid_t pid = start_idle();

	ready(pid);
	wait(NULL);
}

static void wait_group(void) /* the other one alone is in the group */
{
	pid_t pid = start_idle();

	start_idle();
	need(setpgid(pid, pid), "setpgid");
	ready(pid);
	waitpid(-pid, NULL, 0);
}

static void waitid_pidfd(void)
{
	pid_t pid;
	int fd = idle_pidfd(&pid);
	siginfo_t info;

	start_idle();
	ready(pid);
	waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
}

static void vfork_wait(void)
{
	ready(0);

	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0L);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void clone_files(void) /* the other one shares the descriptors */
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0L);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ready(need(pid, "clone"));
	pause();
}

static int idle_for_ever(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

static void clone_vm(void) /* the other one shares the memory */
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = need(clone(idle_for_ever, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL), "clone");

	ready(pid);
	pause();
}

static void exec_child(void) /* the other one is a fork that has called exec */
{
	int fd[2];
	pid_t pid;

	make_pipe(fd);
	pid = need(fork(), "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sleep", "sleep", "100", (char *)NULL);
		_exit(1);
	}
	close(fd[1]);
	read_one(fd[0]); /* closed by exec */
	ready(pid);
	pause();
}

/* ---- signals, sleep ---- */

static void pause_plain(void)
{
	ready(0);
	pause();
}

static void on_signal(int sig)
{
	(void)sig;
}

static void pause_caught(void)
{
	signal(SIGALRM, on_signal);
	signal(SIGCHLD, on_signal);
	ready(0);
	pause();
}

static void pause_ignored(void)
{
	signal(SIGALRM, SIG_IGN);
	ready(0);
	pause();
}

static void wait_signal(int sig, const struct timespec *limit)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ready(0);
	sigtimedwait(&set, NULL, limit);
}

static void sigtimedwait_timeout(void)
{
	wait_signal(SIGUSR1, &(struct timespec){.tv_sec = LONG_S});
}

static void sigwait_alarm(void)
{
	wait_signal(SIGALRM, NULL);
}

static void sleep_long(void)
{
	struct timespec t = {.tv_sec = LONG_S};

	ready(0);
	nanosleep(&t, NULL);
}

static void sleep_until(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += LONG_S;
	ready(0);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void stopped(void)
{
	ready(0);
	raise(SIGSTOP);
}

static void alarm_pause(void)
{
	alarm(LONG_S);
	ready(0);
	pause();
}

static void posix_timer(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t t;

	need(timer_create(CLOCK_MONOTONIC, &e, &t), "timer_create");
	ready(0);
	pause();
}

static void spin(void)
{
	ready(0);
	for (volatile unsigned long n = 0;; n++)
		;
}

/* ---- odd ones ---- */

struct survivor {
	pthread_t leader;
	int fd[2];
};

static void *read_alone(void *arg)
{
	struct survivor *s = arg;

	pthread_join(s->leader, NULL);
	ready((pid_t)syscall(SYS_gettid));
	read_one(s->fd[0]);
	return NULL;
}

static void dead_leader(void) /* the other number is the thread that lives */
{
	struct survivor *s = calloc(1, sizeof *s); /* the leader's stack may go */
	pthread_t thread;

	if (!s)
		skip("calloc");
	s->leader = pthread_self();
	make_pipe(s->fd);
	pthread_create(&thread, NULL, read_alone, s);
	pthread_exit(NULL);
}

static void scm_rights(void)
{
	int fd[2];

	make_pipe(fd);
	send_descriptor(fd[1]);
	close(fd[1]);
	ready(0);
	read_one(fd[0]);
}

static void io_uring(void)
{
	struct io_uring_params params = {0};
	int fd[2];

	make_pipe(fd);
	need((int)syscall(SYS_io_uring_setup, 1, &params), "io_uring_setup");
	ready(0);
	read_one(fd[0]);
}

static void *read_own(void *arg)
{
	int fd = *(int *)arg;

	if (unshare(CLONE_FILES) < 0)
		skip("unshare");
	ready((pid_t)syscall(SYS_gettid));
	read_one(fd);
	return NULL;
}

static void own_files(void) /* the other number is a thread with descriptors of its own */
{
	pthread_t thread;
	int fd[2];

	make_pipe(fd);
	pthread_create(&thread, NULL, read_own, &fd[0]);
	for (;;)
		pause();
}

static void not_dumpable(void)
{
	int fd[2];

	make_pipe(fd);
	prctl(PR_SET_DUMPABLE, 0);
	ready(0);
	read_one(fd[0]);
}

static void odd_name(void)
{
	prctl(PR_SET_NAME, "a) S 1 (\n");
	ready(0);
	pause();
}

static void current_test(const char *value)
{
	setenv("PYTEST_CURRENT_TEST", value, 1);
	ready(start_idle());
	pause();
}

static void test_name(void)
{
	current_test("tests/test_a.py::test_b[x (y) z] (call)");
}

static void test_odd(void) /* not one of pytest's */
{
	current_test("tests/test_a.py (call)");
}

static void hold_many(void) /* a hundred threads */
{
	pthread_t thread;
	struct shared *s = calloc(100, sizeof *s);

	for (int i = 0; s && i < 100; i++) {
		pthread_mutex_init(&s[i].lock, NULL);
		sem_init(&s[i].locked, 0, 0);
		if (pthread_create(&thread, NULL, hold_lock, &s[i]))
			skip("pthread_create");
		sem_wait(&s[i].locked);
	}
	ready(0);
	pause();
}

static const struct {
	const char *name;
	void (*run)(void);
} situations[] = {
	{"async", async}, {"owned", owned}, {"lease", lease}, {"queue-told", queue_told}, {"queue-held", queue_held},
	{"folder-told", folder_told}, {"folder-held", folder_held}, {"urgent-told", urgent_told}, {"urgent-held", urgent_held},
	{"aio", aio}, {"tcp-user-timeout", tcp_user_timeout}, {"tcp-deferred", tcp_deferred},
	{"pipe-full", pipe_full}, {"pipe-eof", pipe_eof}, {"stdin-read", stdin_read}, {"fifo", fifo_named},
	{"fifo-deleted", fifo_deleted}, {"splice-full", splice_full}, {"socketpair-full", socketpair_full},
	{"unix-recv", unix_recv}, {"unix-gone", unix_gone}, {"unix-unaccepted", unix_unaccepted}, {"tcp-recv", tcp_recv},
	{"tcp-full", tcp_full}, {"tcp-unaccepted", tcp_unaccepted}, {"tcp-accept", tcp_accept}, {"rcvtimeo", rcvtimeo},
	{"sndtimeo", sndtimeo}, {"pty-read", pty_read}, {"pty-full", pty_full}, {"vtime", vtime}, {"vtime-vmin", vtime_vmin},
	{"poll-again", poll_again}, {"poll-again-timeout", poll_again_timeout}, {"tty-read", tty_read}, {"tty-vtime", tty_vtime},
	{"epoll", epoll}, {"epoll-timeout", epoll_timeout}, {"epoll-nested", epoll_nested}, {"epoll-pidfd", epoll_pidfd},
	{"epoll-eventfd", epoll_eventfd}, {"epoll-closed", epoll_closed}, {"poll", poll_forever},
	{"poll-timeout", poll_timeout}, {"select", select_forever}, {"select-timeout", select_timeout},
	{"eventfd", event_fd}, {"timerfd-armed", timerfd_armed}, {"timerfd-disarmed", timerfd_disarmed},
	{"signalfd-alarm", signalfd_alarm}, {"signalfd", signalfd_usr1}, {"inotify", inotify},
	{"futex-private", futex_private}, {"futex-timeout", futex_timeout}, {"futex-shared", futex_shared},
	{"futex-named", futex_named}, {"mutex-owner", mutex_owner}, {"mutex-pi", mutex_pi}, {"join", join_thread},
	{"flock", flock_wait}, {"fcntl-lock", fcntl_lock}, {"wait4", wait_one}, {"wait-any", wait_any},
	{"wait-group", wait_group}, {"waitid-pidfd", waitid_pidfd}, {"vfork", vfork_wait}, {"clone-vm", clone_vm},
	{"clone-files", clone_files}, {"exec-child", exec_child}, {"pause", pause_plain}, {"pause-caught", pause_caught},
	{"pause-ignored", pause_ignored}, {"sigtimedwait", sigtimedwait_timeout}, {"sigwait-alarm", sigwait_alarm},
	{"sleep", sleep_long}, {"clock-sleep", sleep_until}, {"stopped", stopped}, {"alarm-pause", alarm_pause},
	{"posix-timer", posix_timer}, {"spin", spin}, {"dead-leader", dead_leader}, {"scm-rights", scm_rights},
	{"io-uring", io_uring}, {"own-files", own_files}, {"not-dumpable", not_dumpable}, {"odd-name", odd_name},
	{"recvmmsg-timeout", recvmmsg_timeout}, {"ppoll-timeout", ppoll_timeout}, {"old-select-timeout", old_select_timeout},
	{"epoll2-timeout", epoll2_timeout}, {"futex-duration", futex_duration}, {"futex-requeue", futex_requeue},
	{"cpu-sleep", sleep_by_cpu}, {"raw-sleep", raw_sleep}, {"connect", connect_wait}, {"message-queue", message_queue}, {"fifo-open", fifo_open},
	{"unreadable-limit", unreadable_limit}, {"closed-under-reader", closed_under_reader},
	{"test-name", test_name}, {"test-odd", test_odd}, {"many-threads", hold_many},
};

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; argc == 2 && i < sizeof situations / sizeof *situations; i++) {
		if (strcmp(argv[1], situations[i].name) == 0) {
			situations[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: mkwait NAME, one of:\n");
	for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
		fprintf(stderr, "  %s\n", situations[i].name);
	return 2;
}
