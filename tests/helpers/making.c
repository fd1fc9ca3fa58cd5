/* One way of making a process or an image: making WAY. The new one is /bin/true, or ends by itself. Prints its pid (an exec's: its own). */
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

extern char **environ;

static char *const words[] = {(char *)(uintptr_t)"true", NULL};

static int waited(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	printf("%d\n", pid);
	return status != 0;
}

static int by_system(void)
{
	return system("/bin/true; true") != 0 || system("exit 3") != 3 << 8;
}

static int by_popen(void)
{
	char line[20] = "";
	FILE *f = popen("/bin/echo hello; /bin/true", "r");
	int bad = !f || !fgets(line, sizeof line, f) || strcmp(line, "hello\n");

	bad |= f && pclose(f) != 0;
	f = popen("read x; test \"$x\" = hello", "w");
	if (f)
		fputs("hello\n", f);
	return bad || !f || pclose(f) != 0;
}

static int by_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ) || waited(pid);
}

static int by_spawnp(void)
{
	pid_t pid;

	return posix_spawnp(&pid, "true", NULL, NULL, words, environ) || waited(pid);
}

static int by_spawn_failing(void)
{
	pid_t pid = -7;

	return posix_spawn(&pid, "/no/such/file", NULL, NULL, words, environ) == 0;
}

static int by_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		exit(0);
	return waited(pid);
}

static int by_fork_raw_exit(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return waited(pid);
}

static int by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/true", words);
		_exit(1);
	}
	return waited(pid);
}

static int by_forkpty(void)
{
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return waited(pid);
}

static int by_daemon(void)
{
	printf("%d\n", getpid());
	fflush(stdout);
	return daemon(0, 0);
}

/** As sandboxes do it: not by fork(3), and its child is the first of another pid namespace. */
static int by_other_space(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID, NULL, NULL, NULL, NULL);

	if (pid == 0) {
		struct itimerval off = {0};
		pid_t child = fork();

		if (child == 0)
			_exit(system("/bin/true"));
		waitpid(child, NULL, 0);
		setitimer(ITIMER_REAL, &off, NULL);
		_exit(system("/bin/true; sh -c true") | by_spawn() | by_vfork());
	}
	return waited(pid);
}

static int by_wordexp(void)
{
	wordexp_t out;
	int bad = wordexp("$(/bin/echo a b)", &out, 0) || out.we_wordc != 2;

	if (!bad)
		wordfree(&out);
	return bad;
}

static void *spawn_there(void *unused)
{
	return by_spawn() || by_system() ? NULL : unused;
}

static int by_thread(void)
{
	pthread_t threads[4];
	void *good = NULL;
	int bad = 0;

	for (size_t i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, spawn_there, threads))
			return 1;
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &good);
		bad |= !good;
	}
	return bad;
}

/* ---- the image of this process ---- */

static int execs(const char *way)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC), dir = open("/bin", O_DIRECTORY | O_CLOEXEC);

	printf("%d\n", getpid());
	fflush(stdout);
	if (!strcmp(way, "execl"))
		execl("/bin/true", "true", "a", NULL);
	if (!strcmp(way, "execlp"))
		execlp("true", "true", NULL);
	if (!strcmp(way, "execle"))
		execle("/bin/true", "true", "a", "b", "c", "d", "e", "f", "g", NULL, environ);
	if (!strcmp(way, "execv"))
		execv("/bin/true", words);
	if (!strcmp(way, "execvp"))
		execvp("true", words);
	if (!strcmp(way, "execve"))
		execve("/bin/true", words, environ);
	if (!strcmp(way, "execve-empty"))
		execve("/bin/true", words, (char *[]){NULL});
	if (!strcmp(way, "execve-null"))
		execve("/bin/true", words, NULL);
	if (!strcmp(way, "execvpe"))
		execvpe("true", words, environ);
	if (!strcmp(way, "fexecve"))
		fexecve(fd, words, environ);
	if (!strcmp(way, "execveat"))
		execveat(dir, "true", words, environ, 0);
	if (!strcmp(way, "execveat-fd"))
		execveat(fd, "", words, environ, AT_EMPTY_PATH);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*make)(void);
	} ways[] = {
		{"system", by_system}, {"popen", by_popen}, {"posix_spawn", by_spawn}, {"posix_spawnp", by_spawnp},
		{"posix_spawn-failing", by_spawn_failing}, {"fork", by_fork}, {"fork-_exit", by_fork_raw_exit}, {"vfork", by_vfork},
		{"forkpty", by_forkpty}, {"daemon", by_daemon}, {"wordexp", by_wordexp}, {"threads", by_thread}, {"other-space", by_other_space},
	};

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (!strcmp(argv[1], ways[i].name))
			return ways[i].make();
	return execs(argv[1]);
}
