/* Between fork and exec of the command: put back what the guards changed, and nothing else. */
#include <errno.h>
#include <unistd.h>

#include "launch/trace.h"

int command_exec_code(int error)
{
	return error == ENOENT ? GUARD_EXIT_NOT_FOUND : GUARD_EXIT_CANNOT_EXEC;
}

/** A shell without job control starts `cmd &` with SIGINT ignored, and exec keeps that: Python then never raises
 *  KeyboardInterrupt, and no clean-up by SIGINT would work. */
static void sigint_give_back(void)
{
	struct sigaction now;

	if (!sigaction(SIGINT, NULL, &now) && now.sa_handler == SIG_IGN)
		signal(SIGINT, SIG_DFL);
}

void command_exec(const struct guard *g, const int talk[2])
{
	if (g->opt->trace)
		talk_command(g, talk);
	guard_stage_running(g->page, getpid());
	sigaction(SIGCHLD, &g->start_chld, NULL);
	if (!g->opt->keep_sigint)
		sigint_give_back();
	sigprocmask(SIG_SETMASK, &g->start_mask, NULL);
	if (g->opt->env)
		environ = g->opt->env;
	execvp(g->opt->argv[0], g->opt->argv);

	int error = errno;

	atomic_store(&g->page->exec_errno, error);
	_exit(command_exec_code(error));
}
