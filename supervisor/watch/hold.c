/* --on-hang stop: the tree is kept as the verdict found it, for somebody who wants to look at it. */
#include <signal.h>
#include <unistd.h>

#include "watch/run.h"

static void say_how_to_go_on(const struct run *r)
{
	int command = (int)launch_command(r->launch);
	int culprit = r->finding->nculprits ? (int)r->finding->culprits[0] : command;

	say_line(r, "stopped %zu processes (SIGSTOP); tracewrap waits", r->held.n);
	say_line(r, "look: gdb -p %d; py-spy dump --pid %d", culprit, culprit);
	say_line(r, "go on: kill -CONT %d, the rest follows", command);
	say_line(r, "end it: Ctrl-C, or kill %d (exit code %d)", (int)getppid(), EXIT_HANG);
}

void hold_tree(struct run *r)
{
	process_vec tree = {0};
	struct err err = {0};

	r->was_held = true;
	if (observe_tree(r->observe, &tree, &err) < 0) {
		say_line(r, "can't stop the tree: %s", err.text);
		return;
	}
	launch_hold(r->launch, true, EXIT_HANG); /* before the stop is seen, else it is taken for the user's */
	act_stop(&tree, launch_command(r->launch), &r->held, &r->log);
	vec_free(&tree);
	r->holding = true;
	say_how_to_go_on(r);
}

void hold_release(struct run *r)
{
	r->holding = false;
	act_continue(&r->held, &r->log);
	vec_free(&r->held);
	launch_hold(r->launch, false, 0);
	say_line(r, r->ended ? "the command has ended, the rest goes on" : "somebody has continued the command: the run goes on");
}

/** The ladder continues whom it signals; what the command does then is its answer to the end, no going on. */
bool hold_takes(struct run *r, int sig)
{
	if (sig != SIGINT && sig != SIGTERM && sig != SIGQUIT && sig != SIGHUP)
		return false;
	r->holding = false;
	r->hold_over = r->interrupted = true;
	return true;
}
