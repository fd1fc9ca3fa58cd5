/* Signals: to one process that can't be mistaken for another, and their names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "sys/sys.h"

static int signal_error(void)
{
	switch (errno) {
	case ESRCH:
		return SYS_GONE;
	case EPERM:
	case EACCES:
		return SYS_DENIED;
	}
	return -errno;
}

int sys_signal_process(pid_t pid, uint64_t start_ticks, int sig)
{
	if (pid <= 0)
		return -EINVAL;

	OWNED_FD fd = sys_pidfd_open(pid);
	/* before Linux 5.3 there is none, and a seccomp filter may refuse it: then pid and start time have to do */
	bool without = fd == -ENOSYS || fd == -EPERM;

	if (fd < 0 && !without)
		return fd == -ESRCH ? SYS_GONE : fd;
	/* behind the open: from here on the descriptor means one process, and this is whether it is the right one */
	if (sys_process_start(pid, NULL) != start_ticks || !start_ticks)
		return SYS_GONE;

	long rc = without ? kill(pid, sig) : syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);

	return rc < 0 ? signal_error() : 0;
}

const char *sys_signal_name(int sig, char buf[16])
{
	const char *name = sig > 0 && sig < SIGRTMIN ? sigabbrev_np(sig) : NULL;

	if (name)
		snprintf(buf, 16, "SIG%s", name);
	else if (sig == SIGRTMIN)
		snprintf(buf, 16, "SIGRTMIN");
	else if (sig > SIGRTMIN && sig <= SIGRTMAX)
		snprintf(buf, 16, "SIGRTMIN+%d", sig - SIGRTMIN);
	else
		snprintf(buf, 16, "signal %d", sig);
	return buf;
}
