/* What the wait status of a seized task means. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "launch/trace.h"

static bool stops(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

struct trace_step trace_decode(int status)
{
	if (!WIFSTOPPED(status))
		return (struct trace_step){.what = TRACE_ENDED};

	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case 0:
		if (sig == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD: a SIGTRAP that somebody sent looks otherwise */
			return (struct trace_step){.what = TRACE_RETURNED};
		return (struct trace_step){.what = TRACE_SIGNAL, .signal = sig};
	case PTRACE_EVENT_STOP:
		if (stops(sig))
			return (struct trace_step){.what = TRACE_STOPPED, .signal = sig};
		return (struct trace_step){.what = TRACE_TRAP};
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		return (struct trace_step){.what = TRACE_FORKED};
	case PTRACE_EVENT_EXEC:
		return (struct trace_step){.what = TRACE_EXECED};
	case PTRACE_EVENT_SECCOMP:
		return (struct trace_step){.what = TRACE_CALLS};
	default:
		return (struct trace_step){.what = TRACE_OTHER};
	}
}
