/* What a wait status of a seized task means. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "launch/trace.h"

#define STOP(sig, event) (W_STOPCODE(sig) | (event) << 16)

static void each_status(void **state)
{
	static const struct {
		int status;
		enum trace_what what;
		int signal;
	} rows[] = {
		{W_EXITCODE(3, 0), TRACE_ENDED, 0},
		{W_EXITCODE(0, SIGKILL), TRACE_ENDED, 0},
		{W_EXITCODE(0, SIGSEGV) | WCOREFLAG, TRACE_ENDED, 0},
		{STOP(SIGTERM, 0), TRACE_SIGNAL, SIGTERM},
		{STOP(SIGSTOP, 0), TRACE_SIGNAL, SIGSTOP}, /* on its way: the group stop comes after it was passed on */
		{STOP(SIGTRAP, 0), TRACE_SIGNAL, SIGTRAP}, /* somebody's own, no stop of ours */
		{STOP(SIGTRAP | 0x80, 0), TRACE_RETURNED, 0},
		{STOP(SIGSTOP, PTRACE_EVENT_STOP), TRACE_STOPPED, SIGSTOP},
		{STOP(SIGTSTP, PTRACE_EVENT_STOP), TRACE_STOPPED, SIGTSTP},
		{STOP(SIGTTIN, PTRACE_EVENT_STOP), TRACE_STOPPED, SIGTTIN},
		{STOP(SIGTTOU, PTRACE_EVENT_STOP), TRACE_STOPPED, SIGTTOU},
		{STOP(SIGTRAP, PTRACE_EVENT_STOP), TRACE_TRAP, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_FORK), TRACE_FORKED, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_VFORK), TRACE_FORKED, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_CLONE), TRACE_FORKED, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_EXEC), TRACE_EXECED, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_SECCOMP), TRACE_CALLS, 0},
		{STOP(SIGTRAP, PTRACE_EVENT_VFORK_DONE), TRACE_OTHER, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct trace_step s = trace_decode(rows[i].status);

		assert_int_equal(s.what, rows[i].what);
		assert_int_equal(s.signal, rows[i].signal);
	}
}

static void alarm_results(void **state)
{
	(void)state;
	assert_true(trapped_done(&(struct trapped){.kind = EVENT_ALARM}, 0));
	assert_true(trapped_done(&(struct trapped){.kind = EVENT_ALARM}, -EFAULT)); /* armed, only the old value was not told */
	assert_false(trapped_done(&(struct trapped){.kind = EVENT_ALARM}, -EINVAL));
	assert_false(trapped_done(&(struct trapped){.kind = EVENT_PDEATHSIG}, -EINVAL));
	assert_true(trapped_done(&(struct trapped){.kind = EVENT_BIND}, -EADDRINUSE)); /* that is worth telling */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_status), cmocka_unit_test(alarm_results)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
