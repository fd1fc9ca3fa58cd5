/* Calls with arguments that are refused, one line each: what came of it. The same with a library in between. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NOWHERE(type) ((type)(uintptr_t)nowhere)
#define SHOW(call)                                                                                                                     \
	do {                                                                                                                           \
		errno = 77;                                                                                                            \
		long rc = (long)(call);                                                                                                \
		printf("%s: %ld %d\n", #call, rc, errno);                                                                              \
	} while (0)

static volatile uintptr_t nowhere = UINTPTR_MAX, nothing;
static char *words[] = {NULL, NULL};

static void images(void)
{
	char *const *none = NOWHERE(char *const *);

	SHOW(execve("/no/such", words, environ));
	SHOW(execve("/", words, environ));
	SHOW(execve("/etc/passwd", words, environ));
	SHOW(execve("", words, environ));
	SHOW(execve(NOWHERE(char *), words, environ));
	SHOW(execve((char *)nothing, words, environ));
	SHOW(execve("/bin/true", none, environ));
	SHOW(execve("/bin/true", words, none));
	SHOW(execv("/no/such", words));
	SHOW(execvp("no-such-program", words));
	SHOW(execvp("", words));
	SHOW(execvpe("no-such-program", words, environ));
	SHOW(execl("/no/such", "a", "b", NULL));
	SHOW(execle("/no/such", "a", "b", NULL, environ));
	SHOW(execlp("no-such-program", "a", "b", NULL));
	SHOW(fexecve(-1, words, environ));
	SHOW(fexecve(99, words, environ));
	SHOW(fexecve(0, (char **)nothing, environ));
	SHOW(execveat(-1, "true", words, environ, 0));
	SHOW(execveat(AT_FDCWD, "/bin/true", words, environ, 0x4000000));
	SHOW(execveat(AT_FDCWD, NOWHERE(char *), words, environ, 0));
}

static void spawns(void)
{
	pid_t pid = 0;

	SHOW(posix_spawn(&pid, "/no/such", NULL, NULL, words, environ));
	SHOW(posix_spawn(NULL, "/no/such", NULL, NULL, words, environ));
	SHOW(posix_spawn(&pid, NOWHERE(char *), NULL, NULL, words, environ));
	SHOW(posix_spawn(&pid, "/bin/true", NULL, NULL, words, NOWHERE(char **)));
	SHOW(posix_spawnp(&pid, "no-such-program", NULL, NULL, words, environ));
	SHOW(system("exit 3"));
	SHOW(system("no-such-program 2>&-"));
	SHOW(system("kill -9 $$"));
	SHOW(system(""));
	SHOW(system("-x"));
	SHOW(system((char *)nothing));
	SHOW(popen("true", "x"));
	SHOW(popen("true", "rw"));
	SHOW(popen("true", ""));
}

static void sockets(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/no/such/folder/socket"};
	const struct sockaddr *a = (const struct sockaddr *)&in, *u = (const struct sockaddr *)&un;
	int s = socket(AF_INET, SOCK_STREAM, 0), l = socket(AF_UNIX, SOCK_DGRAM, 0);

	SHOW(bind(-1, a, sizeof in));
	SHOW(bind(-1, NOWHERE(struct sockaddr *), sizeof in));
	SHOW(bind(0, NOWHERE(struct sockaddr *), sizeof in));
	SHOW(bind(s, a, sizeof in));
	SHOW(bind(s, a, 3));
	SHOW(bind(s, a, 0));
	SHOW(bind(s, a, (socklen_t)-1));
	SHOW(bind(s, a, 5000));
	SHOW(bind(s, NOWHERE(struct sockaddr *), sizeof in));
	SHOW(bind(s, NOWHERE(struct sockaddr *), 0));
	SHOW(bind(s, (struct sockaddr *)nothing, sizeof in));
	SHOW(bind(l, u, sizeof un));
	SHOW(bind(l, u, 2)); /* a name of the kernel's choice */
	SHOW(bind(l, u, 2));
	SHOW(bind(l, a, sizeof in));
	SHOW(listen(-1, 5));
	SHOW(listen(0, 5));
	SHOW(listen(l, 5));
	SHOW(listen(s, -1));
}

static void timers(void)
{
	struct itimerval set = {.it_value = {.tv_sec = 500}, .it_interval = {.tv_usec = 1}};
	struct itimerval odd = {.it_value = {.tv_usec = 1000000}};
	struct sigevent event = {.sigev_notify = 99};
	timer_t timer = NULL;

	SHOW(setitimer(ITIMER_REAL, &odd, NULL));
	SHOW(setitimer(ITIMER_REAL, NOWHERE(struct itimerval *), NULL));
	SHOW(setitimer(ITIMER_REAL, &set, NOWHERE(struct itimerval *)));
	SHOW(setitimer((__itimer_which_t)9, &set, NULL));
	SHOW(setitimer(ITIMER_REAL, NULL, NULL));
	SHOW(alarm(100));
	SHOW(alarm(0));
	SHOW(ualarm(2000000, 0));
	SHOW(alarm(0));
	SHOW(timer_create(999, NULL, &timer));
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	SHOW(prctl(-5, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_PDEATHSIG, 500, 0, 0, 0));
	SHOW(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

static void variables(void)
{
	static char set[] = "X=1", gone[] = "X";

	SHOW(setenv((char *)nothing, "a", 1));
	SHOW(setenv("", "a", 1));
	SHOW(setenv("a=b", "a", 1));
	SHOW(unsetenv((char *)nothing));
	SHOW(unsetenv(""));
	SHOW(unsetenv("a=b"));
	SHOW(putenv(set));
	SHOW(putenv(gone));
	SHOW(setenv("PYTEST_CURRENT_TEST", "a (call)", 1));
	SHOW(setenv("PYTEST_CURRENT_TEST", "b (call)", 0));
	SHOW(unsetenv("PYTEST_CURRENT_TEST"));
	SHOW(clearenv());
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	images();
	spawns();
	sockets();
	timers();
	variables();
	return 0;
}
