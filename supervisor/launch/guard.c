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

static bool is_kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

static void close_one_by_one(const int *keep, size_t n)
{
	int_vec open_fds = {0};

	if (!sys_list_numbers(AT_FDCWD, "/proc/self/fd", &open_fds, NULL))
		for (size_t i = 0; i < open_fds.n; i++)
			if (open_fds.at[i] > 2 && !is_kept(open_fds.at[i], keep, n))
				close(open_fds.at[i]);
	vec_free(&open_fds);
}

/** What lies between the kept ones, from the lowest on. @return false: this kernel can't (before Linux 5.9). */
static bool close_ranges(const int *keep, size_t n)
{
	for (unsigned from = 3;;) {
		unsigned next = ~0U;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next == ~0U)
			return !close_range(from, ~0U, 0);
		if (next > from && close_range(from, next - 1, 0))
			return false;
		from = next + 1;
	}
}

/** Who keeps a copy of the command's descriptors delays an end of file, a SIGPIPE, the release of a lock. */
void guard_let_go(const int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		for (int fd = 0; fd <= 2; fd++)
			if (fd != null && (fd < 2 || fcntl(2, F_GETFD) < 0))
				dup2(null, fd);
	}
	if (!close_ranges(keep, n))
		close_one_by_one(keep, n);
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
