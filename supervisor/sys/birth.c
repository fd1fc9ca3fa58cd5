/* When a process began, more exactly than /proc has it.
 *
 * Field 22 of proc_pid_stat(5) counts ticks of 10 ms, on the clock of the time namespace that its *reader* is in
 * (time_namespaces(7); timens_add_boottime_ns() in do_task_stat(), fs/proc/array.c). So a child of ours reads it with clocks
 * that are so and so far ahead: where the number becomes the next one, there the process began. Nobody is touched. The child
 * needs CAP_SYS_ADMIN and CAP_SYS_TIME, its own where we have them, else those of a new user namespace; where neither can be
 * had (by seccomp, in most containers) the tick is all that is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"

enum { EXACT_NS = 20 * 1000, LIMIT_MS = 1000 };

/* ---- the child: system calls alone, for we may have threads ---- */

/** Go on in a new time namespace. Only who is not in one yet may set its clocks, and only one that nobody is in. */
static bool enter(int64_t ahead_ns)
{
	char text[64];
	int n = snprintf(text, sizeof text, "boottime 0 %lld\n", (long long)ahead_ns);

	if (unshare(CLONE_NEWTIME) < 0 && (unshare(CLONE_NEWUSER) < 0 || unshare(CLONE_NEWTIME) < 0))
		return false;

	OWNED_FD offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	OWNED_FD ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

	return offsets >= 0 && ns >= 0 && write(offsets, text, (size_t)n) == n && setns(ns, CLONE_NEWTIME) == 0;
}

/** @return in which tick PID began, by clocks that are ahead; 0: not known. */
static uint64_t tick_ahead(pid_t pid, int64_t ahead_ns)
{
	return enter(ahead_ns) ? sys_process_start(pid, NULL) : 0;
}

/** How far ahead the clocks have to be for the next tick: more than *LOW, and *HIGH is enough. */
static bool search(pid_t pid, uint64_t tick, int64_t tick_ns, int64_t *low, int64_t *high)
{
	*low = 0;
	*high = tick_ns;
	if (tick_ahead(pid, *low) != tick || tick_ahead(pid, *high) != tick + 1)
		return false; /* we are in a time namespace of our own, or it has ended */
	while (*high - *low > EXACT_NS) {
		int64_t middle = *low + (*high - *low) / 2;
		uint64_t is = tick_ahead(pid, middle);

		if (is != tick && is != tick + 1)
			return false;
		if (is == tick)
			*low = middle;
		else
			*high = middle;
	}
	return true;
}

static _Noreturn void child(int out, pid_t pid, uint64_t tick, int64_t tick_ns)
{
	int64_t found[2];

	if (search(pid, tick, tick_ns, &found[0], &found[1]))
		(void)!write(out, found, sizeof found);
	_exit(0);
}

/* ---- */

/** @return false: it has told nothing, and is gone or will be. */
static bool hear(int fd, int64_t found[2])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, LIMIT_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 && read(fd, found, 2 * sizeof *found) == 2 * (ssize_t)sizeof *found;
}

bool sys_birth(pid_t pid, uint64_t start_ticks, int64_t *from_ns, int64_t *to_ns)
{
	int64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK), found[2];
	int ends[2], pidfd = -1;

	*from_ns = (int64_t)start_ticks * tick_ns;
	*to_ns = *from_ns + tick_ns;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;

	OWNED_FD in = ends[0], out = ends[1];
	/* without a signal at its end: those who wait for children do not see it (__WCLONE in wait(2)) */
	long helper = syscall(SYS_clone, CLONE_PIDFD, NULL, &pidfd, NULL, 0);

	if (helper < 0)
		return false;
	if (helper == 0)
		child(out, pid, start_ticks, tick_ns);
	fd_closep(&out);

	OWNED_FD held = pidfd;
	bool exact = hear(in, found);

	if (!exact)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
	while (waitpid((pid_t)helper, NULL, __WALL) < 0 && errno == EINTR)
		; /* the thread that traces may have done it */
	if (exact) {
		*from_ns += tick_ns - found[1];
		*to_ns -= found[0];
	}
	return exact;
}
