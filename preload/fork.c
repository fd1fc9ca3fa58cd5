/* fork and kin: both sides tell. vfork can't be wrapped in C (its frame would be gone when the parent returns); the child's exec
 * tells of it. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include "preload/shim.h"

void stay_in_space(void)
{
	if (sys(SYS_getppid) != 0)
		return;
	shim.elsewhere = true;
	shim.ring = NULL;
}

bool own_number(pid_t pid)
{
	return pid == shim.pid || sys(SYS_getppid) == shim.pid;
}

bool other_space(pid_t pid)
{
	char link[16];
	long n = sys(SYS_readlink, "/proc/self", link, sizeof link), seen = 0;

	for (long i = 0; i < n; i++)
		seen = seen * 10 + (link[i] - '0');
	return seen != pid;
}

/** After a call that may have returned twice. PARENT: who made it. */
void forked(pid_t parent, pid_t pid)
{
	if (pid < 0 || !telling())
		return;
	if (pid) {
		TELL(WIRE_FORK, .fd = -1, .value = pid);
		return;
	}
	if (parent != shim.pid)
		return;
	shim.pid = (pid_t)sys(SYS_getpid);
	stay_in_space();
	TELL(WIRE_BORN, .fd = -1, .value = parent);
}

EXPORT pid_t fork(void)
{
	pid_t parent = (pid_t)sys(SYS_getpid);
	pid_t pid = NEXT(fork) ? NEXT(fork)() : libc_result(-ENOSYS);

	forked(parent, pid);
	return pid;
}

EXPORT pid_t _Fork(void)
{
	pid_t parent = (pid_t)sys(SYS_getpid);
	/* unlike fork(3) without handlers, and so without a loss when libc has none: glibc 2.34, musl 1.2.2 */
	pid_t pid = NEXT(_Fork) ? NEXT(_Fork)() : libc_result(sys(SYS_clone, SIGCHLD));

	forked(parent, pid);
	return pid;
}

EXPORT int forkpty(int *master, char *name, const struct termios *termios, const struct winsize *size)
{
	pid_t parent = (pid_t)sys(SYS_getpid);
	int pid = NEXT(forkpty) ? NEXT(forkpty)(master, name, termios, size) : libc_result(-ENOSYS);

	forked(parent, pid);
	return pid;
}

/** Returns in the child of its own fork alone. */
EXPORT int daemon(int keep_dir, int keep_streams)
{
	pid_t parent = (pid_t)sys(SYS_getpid);
	int rc = NEXT(daemon) ? NEXT(daemon)(keep_dir, keep_streams) : libc_result(-ENOSYS);

	if ((pid_t)sys(SYS_getpid) != parent) {
		int *error = __errno_location(), before = *error;

		forked(parent, 0);
		*error = before;
	}
	return rc;
}
