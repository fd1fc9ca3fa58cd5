/* What outer, witness and inner process have in common. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/guard.h"

enum guard_stage guard_stage(const struct guard_page *page, int *value)
{
	uint64_t word = atomic_load(&page->stage);

	*value = (int)(uint32_t)word;
	return (enum guard_stage)(word >> 32);
}

static uint64_t stage_word(enum guard_stage stage, int value)
{
	return (uint64_t)stage << 32 | (uint32_t)value;
}

void guard_stage_set(struct guard_page *page, enum guard_stage stage, int value)
{
	atomic_store(&page->stage, stage_word(stage, value));
}

void guard_stage_running(struct guard_page *page, pid_t command)
{
	uint64_t starting = stage_word(STAGE_STARTING, 0);

	atomic_store(&page->command, command);
	atomic_compare_exchange_strong(&page->stage, &starting, stage_word(STAGE_RUNNING, 0));
}

void guard_barrier(void)
{
	/* kill(2) of a group holds the lock of the task list for reading from the first member to the last. This setpgid
	 * changes nothing (for a session leader it fails), but takes the same lock for writing (kernel/sys.c). */
	if (setpgid(0, getpgrp()) < 0)
		return;
}

/** Who keeps a copy of the command's descriptors delays an end of file, a SIGPIPE, the release of a lock. */
static bool close_between(int from, unsigned to)
{
	return from > 2 && (unsigned)from <= to ? !close_range((unsigned)from, to, 0) : true;
}

void guard_let_go(int keep, int keep_too)
{
	int low = keep < keep_too ? keep : keep_too, high = keep < keep_too ? keep_too : keep;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		for (int fd = 0; fd <= 2; fd++)
			if (fd != null && (fd < 2 || fcntl(2, F_GETFD) < 0))
				dup2(null, fd);
	}
	if (low < 3)
		low = 2;
	if (high < 3)
		high = 2;
	if (close_between(high + 1, ~0U) && close_between(low + 1, (unsigned)high - 1) && close_between(3, (unsigned)low - 1))
		return;

	int_vec open_fds = {0}; /* before Linux 5.9 */

	if (!sys_list_numbers(AT_FDCWD, "/proc/self/fd", &open_fds, NULL))
		for (size_t i = 0; i < open_fds.n; i++)
			if (open_fds.at[i] > 2 && open_fds.at[i] != keep && open_fds.at[i] != keep_too)
				close(open_fds.at[i]);
	vec_free(&open_fds);
}

/** By name only the outer process is to be found: a signal by name (pkill -f, killall) then comes to one of us and is not taken
 *  for one to the group; a SIGKILL by name leaves the inner one, which ends the tree. */
void guard_rename(const struct guard *g, const char *name)
{
	prctl(PR_SET_NAME, name);
	if (!g->args)
		return;

	size_t n = strlen(name);

	memset(g->args, 0, g->args_size);
	memcpy(g->args, name, n < g->args_size ? n : g->args_size - 1);
}

int guard_wait_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return W_EXITCODE(info->si_status, 0);
	case CLD_DUMPED:
		return W_EXITCODE(0, info->si_status) | WCOREFLAG;
	case CLD_STOPPED:
	case CLD_TRAPPED:
		return W_STOPCODE(info->si_status);
	default:
		return W_EXITCODE(0, info->si_status);
	}
}

int guard_signal_wait(const sigset_t *set, siginfo_t *info, int64_t wait_ns)
{
	struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
	/* around a stop both calls may return 0 or EINTR (signal(7)): nothing came then */
	int sig = wait_ns < 0 ? sigwaitinfo(set, info) : sigtimedwait(set, info, &wait);

	return sig > 0 ? sig : 0;
}
