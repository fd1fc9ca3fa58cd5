/* The witness: a process of the command's group that blocks every signal and never runs. What is pending for it went to the
 * group; the outer process alone can't tell that, since it gets the same siginfo for kill(PID) and kill(-GROUP). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/guard.h"

static _Noreturn void witness_main(const struct guard *g)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != g->outer)
		_exit(0);
	guard_let_go(-1, -1);
	close(STDERR_FILENO);
	guard_rename(g, "tw-witness");
	for (;;)
		pause();
}

int witness_start(struct witness *w, const struct guard *g)
{
	pid_t pid = fork();

	if (!pid)
		witness_main(g);
	w->pid = pid > 0 ? pid : 0;
	return pid > 0 ? 0 : -errno;
}

void witness_end(struct witness *w)
{
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	w->pid = 0;
}

/** The signals pending for the whole process: bit N - 1 is signal N (proc_pid_status(5)). */
static uint64_t witness_pending(const struct witness *w)
{
	char path[32];
	uint64_t mask = 0;
	OWNED_TEXT status = {0};

	if (w->pid <= 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)w->pid);
	if (!sys_read_file(AT_FDCWD, path, &status, NULL)) {
		const char *line = strstr(text_str(&status), "\nShdPnd:");

		if (line)
			mask = strtoull(line + strlen("\nShdPnd:"), NULL, 16);
	}
	return mask;
}

bool witness_saw(const struct witness *w, int sig)
{
	guard_barrier();
	return witness_pending(w) >> (sig - 1) & 1;
}

static void forget_pending(uint64_t mask)
{
	static const struct timespec at_once = {0};

	for (int sig = 1; sig <= 64; sig++) {
		sigset_t one;

		if (!(mask >> (sig - 1) & 1) || sig == SIGCHLD || sig == SIGKILL || sig == SIGSTOP)
			continue;
		sigemptyset(&one);
		if (!sigaddset(&one, sig)) /* refused for the two that libc keeps to itself */
			sigtimedwait(&one, NULL, &at_once);
	}
}

/** Order matters, simpler ones lose or double a signal: start the new witness, read the old one once more, take away our own
 *  copies of all that it saw, and again if the new one has seen something by then. */
uint64_t witness_renew(struct witness *w, const struct guard *g)
{
	uint64_t seen = 0;

	do {
		struct witness old = *w;

		if (witness_start(w, g) < 0)
			w->pid = 0;
		guard_barrier();

		uint64_t mask = witness_pending(&old);

		witness_end(&old);
		forget_pending(mask);
		seen |= mask;
	} while (witness_pending(w));
	return seen;
}
