/* Running a program to its end, its output caught. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "project/room.h"

enum { OUTPUT_MOST = 4 << 20 };

bool program_find(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(out, size, "%s", name);
		return access(name, X_OK) == 0;
	}
	for (const char *at = path; at && *at;) {
		size_t n = strcspn(at, ":");

		if ((size_t)snprintf(out, size, "%.*s/%s", (int)n, at, name) < size && access(out, X_OK) == 0)
			return true;
		at += n + (at[n] == ':');
	}
	return false;
}

void program_result_free(struct program_result *r)
{
	text_free(&r->out);
	text_free(&r->errors);
}

static _Noreturn void become(const struct program *p, const int out[2], const int errors[2])
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(p->loud ? STDERR_FILENO : out[1], STDOUT_FILENO);
	if (!p->loud)
		dup2(errors[1], STDERR_FILENO);
	for (const char *const *e = p->env; e && *e; e++)
		putenv((char *)(uintptr_t)*e);
	if (p->folder && chdir(p->folder) < 0)
		_exit(126);
	execvp(p->argv[0], p->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/** Take what there is. @return false at the end of file. */
static bool take(int fd, struct text *to)
{
	char buf[8192];
	ssize_t n = read(fd, buf, sizeof buf);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && to->n < OUTPUT_MOST)
		text_addn(to, buf, (size_t)n);
	return n > 0;
}

static int left_ms(int64_t until_ns)
{
	int64_t left_ns = until_ns - sys_monotonic_ns();

	return left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MS) + 1;
}

/** What is still in a pipe whose writer has ended: others may have inherited it, and keep it open. */
static void drain(int fd, struct text *to)
{
	struct pollfd now = {.fd = fd, .events = POLLIN};

	while (fd >= 0 && poll(&now, 1, 0) > 0 && take(fd, to))
		;
}

/** Until the program has ended. @return false: the time is over. */
static bool catch_output(int out, int errors, int pidfd, int64_t until_ns, struct program_result *r)
{
	struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}, {.fd = errors, .events = POLLIN}};

	for (;;) {
		int ms = left_ms(until_ns);

		if (ms == 0)
			return false;
		if (poll(fds, ARRAY_SIZE(fds), ms) <= 0)
			continue;
		if (fds[1].revents && !take(out, &r->out))
			fds[1].fd = -1;
		if (fds[2].revents && !take(errors, &r->errors))
			fds[2].fd = -1;
		if (fds[0].revents)
			break;
	}
	drain(fds[1].fd, &r->out);
	drain(fds[2].fd, &r->errors);
	return true;
}

static int run(const struct program *p, struct program_result *r, struct err *err)
{
	int64_t until_ns = sys_monotonic_ns() + p->limit_ns;
	int out[2] = {-1, -1}, errors[2] = {-1, -1}, status;

	*r = (struct program_result){0};
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(err, -errno, "pipe: %m");
	OWNED_FD from_out = out[0];
	OWNED_FD to_out = out[1];

	if (pipe2(errors, O_CLOEXEC) < 0)
		return err_set(err, -errno, "pipe: %m");
	OWNED_FD from_errors = errors[0];
	OWNED_FD to_errors = errors[1];
	pid_t pid = fork();

	if (pid < 0)
		return err_set(err, -errno, "fork for %s: %m", p->argv[0]);
	if (pid == 0)
		become(p, out, errors);
	OWNED_FD pidfd = sys_pidfd_open(pid);

	close(fd_take(&to_out));
	close(fd_take(&to_errors));
	r->time_over = pidfd < 0 || !catch_output(from_out, from_errors, pidfd, until_ns, r);
	if (r->time_over)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "wait for %s: %m", p->argv[0]);
	r->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

/** Who ignores SIGCHLD can't wait for his children (wait(2), NOTES); somebody may have left it so. */
int program_run(const struct program *p, struct program_result *r, struct err *err)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, before;
	int rc;

	sigaction(SIGCHLD, &usual, &before);
	rc = run(p, r, err);
	sigaction(SIGCHLD, &before, NULL);
	return rc;
}
