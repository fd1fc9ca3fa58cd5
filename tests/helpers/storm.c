/* storm: many processes that end at once, started in each way that there is. Every one of them writes its pid.
 *
 *   storm FILE fork|vfork|spawn|threads|double N [AT-A-TIME]
 *   storm FILE here            writes the pid, and no more
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int write_pid(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d\n", getpid());
	return write(fd, text, (size_t)len) == len ? 0 : 1;
}

static pid_t by_fork(int fd, char *file)
{
	(void)file;
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_pid(fd));
	return pid;
}

static pid_t by_vfork(int fd, char *file)
{
	char self[] = "/proc/self/exe", here[] = "here", *argv[] = { self, file, here, NULL };
	pid_t pid = vfork();
	(void)fd;
	if (pid == 0) {
		execv(self, argv);
		_exit(127);
	}
	return pid;
}

static pid_t by_spawn(int fd, char *file)
{
	char self[] = "/proc/self/exe", here[] = "here", *argv[] = { self, file, here, NULL };
	pid_t pid;
	(void)fd;
	errno = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	return errno ? -1 : pid;
}

/** The child ends at once, its own child may live on without it: nobody here waits for that one. */
static pid_t by_double_fork(int fd, char *file)
{
	pid_t pid = fork();
	(void)file;
	if (pid == 0) {
		pid_t second = fork();
		_exit(second < 0 || write_pid(fd));
	}
	return pid;
}

struct job {
	pid_t (*start)(int fd, char *file);
	int fd;
	char *file;
	long n, at_a_time;
	int failed;
};

static void *storm(void *arg)
{
	struct job *job = arg;
	pid_t pid[64];
	for (long done = 0; done < job->n && !job->failed;) {
		long now = job->n - done < job->at_a_time ? job->n - done : job->at_a_time;
		for (long i = 0; i < now; i++)
			pid[i] = job->start(job->fd, job->file);
		for (long i = 0; i < now; i++) {
			int status = 0;
			if (pid[i] < 0 || waitpid(pid[i], &status, 0) < 0 || status != 0)
				job->failed = 1;
		}
		done += now;
	}
	return NULL;
}

static int with_threads(struct job whole)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	struct job part[THREADS];
	int failed = 0;
	for (int i = 0; i < THREADS; i++) {
		part[i] = whole;
		part[i].n = whole.n / THREADS;
		if (pthread_create(&thread[i], NULL, storm, &part[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		failed |= part[i].failed;
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct job job = { .at_a_time = 32, .start = by_fork };
	if (argc < 3 || (job.fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) < 0)
		return 2;
	if (strcmp(argv[2], "here") == 0)
		return write_pid(job.fd);
	job.file = argv[1];
	job.n = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	if (argc > 4)
		job.at_a_time = strtol(argv[4], NULL, 10);
	if (job.n < 1 || job.at_a_time < 1 || job.at_a_time > 64)
		return 2;
	if (strcmp(argv[2], "vfork") == 0)
		job.start = by_vfork;
	else if (strcmp(argv[2], "spawn") == 0)
		job.start = by_spawn;
	else if (strcmp(argv[2], "double") == 0)
		job.start = by_double_fork;
	else if (strcmp(argv[2], "threads") == 0)
		return with_threads(job);
	storm(&job);
	return job.failed;
}
