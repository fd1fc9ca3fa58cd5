/* Before the exec of a command that is to be traced or listened to: who does what when, and what if it can't be.
 *
 *   inner: seize (ptrace)  -> 'g'   command: load the filter -> errno or 0, with the listener's descriptor (notify)
 *   inner: start to listen -> 'g'   command: exec
 *
 * Both ends of the talk end with their process, so nobody waits for a dead one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "launch/trace.h"
#include "parse/parse.h"

enum { ABOVE_STANDARD = 3 };

int talk_open(int talk[2])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		talk[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, ABOVE_STANDARD);
		close(pair[i]);
	}
	return talk[0] < 0 || talk[1] < 0 ? -EMFILE : 0;
}

/** One number, and a descriptor with it unless FD is negative. @return false when the other one is gone. */
static bool send_number(int to, int number, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof fd)];
	} control = {0};
	struct iovec data = {&number, sizeof number};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof control.room;
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == sizeof number;
}

static bool receive_number(int from, int *number, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof *fd)];
	} control = {0};
	struct iovec data = {number, sizeof *number};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
	ssize_t n;

	*fd = -1;
	while ((n = recvmsg(from, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n != sizeof *number)
		return false;
	if (m.msg_controllen && control.head.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(&control.head), sizeof *fd);
	return true;
}

/* ---- in the command ---- */

void talk_command(const struct guard *g, const int talk[2])
{
	int number, nothing, listener = -1;

	close(talk[0]);
	if (!receive_number(talk[1], &number, &nothing))
		_exit(GUARD_EXIT_FAILED);

	int rc = filter_load(g->opt->trace, &listener);

	if (!send_number(talk[1], rc, listener) || rc || !receive_number(talk[1], &number, &nothing))
		_exit(GUARD_EXIT_FAILED);
	if (listener >= 0)
		close(listener);
	close(talk[1]);
}

/* ---- in the inner process ---- */

static pid_t tracer_of(pid_t pid)
{
	struct status_lines lines;
	char path[32];
	OWNED_TEXT status = {0};

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (sys_read_file(AT_FDCWD, path, &status, NULL) || parse_status(text_str(&status), status.n, &lines))
		return 0;
	return lines.tracer;
}

static _Noreturn void fail(const struct guard *g, pid_t command, enum guard_failure what, int error)
{
	atomic_store(&g->page->failed_by, tracer_of(command));
	atomic_store(&g->page->failed_at, what);
	guard_stage_set(g->page, STAGE_FAILED, -error);
	kill(command, SIGKILL);
	while (waitpid(command, NULL, __WALL) < 0 && errno == EINTR)
		; /* ECHILD: the tracer's thread was quicker */
	_exit(GUARD_EXIT_FAILED);
}

/** The outer process gets its copy of the listener now, while all is well; it looks at it only if we die. */
static int listen_to(const struct guard *g, int listener, struct heard *heard)
{
	if (listener < 0 || !send_number(g->handover[1], 0, listener))
		return -EPIPE;
	return listener_start(listener, g->page, heard);
}

void talk_inner(const struct guard *g, pid_t command, int talk, struct heard *heard, pid_t *tracer)
{
	int rc = 0, answer = -EPIPE, listener = -1;

	if (g->opt->trace == LAUNCH_PTRACE && (rc = tracer_start(command, g->page, heard, tracer)) < 0)
		fail(g, command, FAILED_SEIZE, rc);
	if (!send_number(talk, 0, -1) || !receive_number(talk, &answer, &listener))
		fail(g, command, FAILED_TALK, -ECHILD);
	if (answer)
		fail(g, command, FAILED_FILTER, answer);
	if (g->opt->trace == LAUNCH_NOTIFY && (rc = listen_to(g, listener, heard)) < 0)
		fail(g, command, FAILED_TALK, rc);
	guard_stage_running(g->page, command);
	if (!send_number(talk, 0, -1))
		fail(g, command, FAILED_TALK, -ECHILD);
	close(talk);
}

/* ---- in the outer process ---- */

static void name_of(pid_t pid, char *out, size_t size)
{
	char path[32];
	OWNED_TEXT comm = {0};

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	if (sys_read_file(AT_FDCWD, path, &comm, NULL) || !comm.n)
		snprintf(out, size, "process %d", (int)pid);
	else
		snprintf(out, size, "%.*s[%d]", (int)comm.n - 1, text_str(&comm), (int)pid);
	text_clean(out, strlen(out));
}

int talk_reason(const struct guard *g, int error, struct err *err)
{
	const char *mode = g->opt->trace == LAUNCH_PTRACE ? "ptrace" : "notify";
	const char *instead = "--mode=preload and --mode=proc work without";
	pid_t tracer = atomic_load(&g->page->failed_by);
	char name[64];

	errno = error;
	switch ((enum guard_failure)atomic_load(&g->page->failed_at)) {
	case FAILED_FORK:
		return err_set(err, -error, "fork: %m");
	case FAILED_SEIZE:
		if (!tracer)
			return err_set(err, -error, "--mode=ptrace: the system does not let us trace (PTRACE_SEIZE: %m); %s", instead);
		name_of(tracer, name, sizeof name);
		return err_set(err, -error, "--mode=ptrace: the command is traced by %s already, and one tracer is all that it can have; %s",
			       name, instead);
	case FAILED_FILTER:
		if (error == EBUSY)
			return err_set(err, -error, "--mode=notify: another program listens to our system calls already, and one listener "
						    "is all that there can be; %s", instead);
		errno = error;
		return err_set(err, -error, "--mode=%s: the system does not take the seccomp filter (%m); %s", mode, instead);
	case FAILED_TALK:
		break;
	}
	return err_set(err, -error, "--mode=%s: the command could not be prepared (%m); %s", mode, instead);
}

int talk_take_listener(const struct guard *g)
{
	int number, listener;

	/* never waits: the inner process is dead, so what it has sent is there */
	return g->handover[0] >= 0 && receive_number(g->handover[0], &number, &listener) ? listener : -1;
}
