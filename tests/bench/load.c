/* load: the work whose cost under a supervisor tests/bench/bench.py prices.
 *
 *   load spawn N            start /bin/true N times by posix_spawn, one after the other
 *   load fork N             N children that end at once, one after the other
 *   load vfork N            the same by vfork
 *   load bind N             N TCP sockets, each bound to a free port of 127.0.0.1 and closed
 *   load getppid N          N system calls that do nothing
 *   load thread N           start and join N threads, one after the other
 *   load rw N               N reads of /dev/zero, N writes to /dev/null
 *   load crowd P T SECONDS  P processes of T threads each sleep; prints a line when all are there
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failed(const char *what, int error)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(error));
	return 1;
}

static int load_spawn(const long *n)
{
	char program[] = "/bin/true", *argv[] = { program, NULL };
	for (long i = 0; i < n[0]; i++) {
		pid_t pid;
		int status, rc = posix_spawn(&pid, program, NULL, NULL, argv, environ);
		if (rc)
			return failed("posix_spawn", rc);
		if (waitpid(pid, &status, 0) < 0 || status != 0)
			return failed("waitpid", errno);
	}
	return 0;
}

static int awaited(pid_t pid, const char *what)
{
	int status;
	if (pid < 0)
		return failed(what, errno);
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return failed("waitpid", errno);
	return 0;
}

static int load_fork(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		if (awaited(pid, "fork"))
			return 1;
	}
	return 0;
}

static pid_t vfork_once(void)
{
	pid_t pid = vfork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static int load_vfork(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		if (awaited(vfork_once(), "vfork"))
			return 1;
	return 0;
}

static int load_bind(const long *n)
{
	const struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (long i = 0; i < n[0]; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof here) < 0)
			return failed("bind", errno);
		close(fd);
	}
	return 0;
}

static int load_getppid(const long *n)
{
	for (long i = 0; i < n[0]; i++)
		syscall(SYS_getppid);
	return 0;
}

static void *end_at_once(void *arg)
{
	return arg;
}

static int load_thread(const long *n)
{
	for (long i = 0; i < n[0]; i++) {
		pthread_t thread;
		int rc = pthread_create(&thread, NULL, end_at_once, NULL);
		if (rc || (rc = pthread_join(thread, NULL)))
			return failed("thread", rc);
	}
	return 0;
}

static int load_rw(const long *n)
{
	char buf[64];
	int from = open("/dev/zero", O_RDONLY | O_CLOEXEC), to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (from < 0 || to < 0)
		return failed("open", errno);
	for (long i = 0; i < n[0]; i++)
		if (read(from, buf, sizeof buf) != sizeof buf || write(to, buf, sizeof buf) != sizeof buf)
			return failed("read and write", errno);
	return 0;
}

static void *sleep_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/** One process of the crowd; says through READY that all of its threads are there. */
static int crowd_member(long nthreads, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (long i = 1; i < nthreads; i++) {
		pthread_t thread;
		int rc = pthread_create(&thread, NULL, sleep_on, NULL);
		if (rc)
			return failed("pthread_create", rc);
	}
	if (write(ready, "", 1) != 1)
		return failed("write", errno);
	close(ready);
	sleep_on(NULL);
	return 0;
}

static int load_crowd(const long *n)
{
	int ready[2];
	pid_t *member = calloc((size_t)n[0], sizeof *member);
	if (!member || pipe(ready) < 0)
		return failed("crowd", errno);
	for (long i = 0; i < n[0]; i++) {
		member[i] = fork();
		if (member[i] == 0)
			_exit(crowd_member(n[1], ready[1]));
		if (member[i] < 0)
			return failed("fork", errno);
	}
	close(ready[1]);
	for (long i = 0; i < n[0]; i++) {
		char byte;
		if (read(ready[0], &byte, 1) != 1)
			return failed("a member of the crowd", ECHILD);
	}
	puts("ready");
	fflush(stdout);
	/* The end of this sleep is what keeps the crowd from being stuck for good. */
	nanosleep(&(struct timespec){ .tv_sec = n[2] }, NULL);
	for (long i = 0; i < n[0]; i++)
		kill(member[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	free(member);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int numbers;
		int (*run)(const long *n);
	} loads[] = {
		{ "spawn", 1, load_spawn },
		{ "fork", 1, load_fork },
		{ "vfork", 1, load_vfork },
		{ "bind", 1, load_bind },
		{ "getppid", 1, load_getppid },
		{ "thread", 1, load_thread },
		{ "rw", 1, load_rw },
		{ "crowd", 3, load_crowd },
	};
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
		long n[3] = { 0 };
		if (argc != 2 + loads[i].numbers || strcmp(argv[1], loads[i].name) != 0)
			continue;
		for (int k = 0; k < loads[i].numbers; k++)
			n[k] = strtol(argv[2 + k], NULL, 10);
		return loads[i].run(n);
	}
	fprintf(stderr, "usage: load spawn|fork|vfork|thread|bind|getppid|rw N, or load crowd PROCESSES THREADS SECONDS\n");
	return 2;
}
