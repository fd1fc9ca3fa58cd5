/* A worker of pytest-xdist that is stuck while others run: ended alone, so that its controller reports a crash with the test's name, starts
 * another worker and goes on.
 */
#include <string.h>

#include "watch/sight.h"

/* A stopped process can't fork, but it may have been about to. */
enum { STOP_ROUNDS = 5, KILL_ROUNDS = 50 };
#define KILL_PAUSE_NS (20 * NS_PER_MS)

/** execnet starts a worker with this program on its command line, and xdist writes its state over that when setproctitle is there
 *  (execnet/gateway_io.py popen_bootstrapline, xdist/remote.py). Its controller is its parent, and of the tree. */
static bool is_worker(const struct run *r, pid_t pid)
{
	struct process_facts f;

	if (pid == launch_command(r->launch) || !observe_facts(pid, &f))
		return false;
	if (!strstr(f.command, "exec(eval(sys.stdin.readline()))") && strncmp(f.command, "[pytest-xdist", 13) != 0)
		return false;
	return history_living(r->history, f.parent) != NULL;
}

static bool has_pid(const process_vec *v, pid_t pid)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].pid == pid)
			return true;
	return false;
}

/** PID and what is below it. Parents need not come before their children. */
static void subtree(const process_vec *tree, pid_t pid, process_vec *out)
{
	bool more = true;

	out->n = 0;
	for (size_t i = 0; i < tree->n; i++)
		if (tree->at[i].pid == pid)
			vec_push(out, tree->at[i]);
	while (more) {
		more = false;
		for (size_t i = 0; i < tree->n; i++) {
			if (has_pid(out, tree->at[i].pid) || !has_pid(out, tree->at[i].parent))
				continue;
			vec_push(out, tree->at[i]);
			more = true;
		}
	}
}

static bool any_left(const process_vec *v)
{
	char state;

	for (size_t i = 0; i < v->n; i++)
		if (sys_process_start(v->at[i].pid, &state) == v->at[i].start_ticks && state != 'Z' && state != 'X')
			return true;
	return false;
}

/** Nothing gentle: a worker that gets SIGINT ends the whole session (pytest takes it for the user's). All are stopped first, so that none
 *  is left that was being made. */
static bool end_subtree(struct run *r, pid_t pid)
{
	process_vec tree = {0}, below = {0}, stopped = {0};
	struct err err = {0};
	size_t before = 0;

	for (int i = 0; i < STOP_ROUNDS; i++) {
		tree.n = 0;
		if (observe_tree(r->observe, &tree, &err) < 0)
			break;
		subtree(&tree, pid, &below);
		if (below.n == before)
			break;
		before = below.n;
		stopped.n = 0;
		act_stop(&below, pid, &stopped, &r->log);
	}
	act_kill(&below, &r->log);
	for (int i = 0; i < KILL_ROUNDS && any_left(&below); i++)
		run_step(r, sys_monotonic_ns() + KILL_PAUSE_NS);

	bool ended = before > 0;

	vec_free(&tree);
	vec_free(&below);
	vec_free(&stopped);
	return ended;
}

bool worker_end(struct run *r, pid_t pid)
{
	if (!is_worker(r, pid))
		return false;
	if (r->finding) { /* on disk and told before anybody is signalled */
		files_write(r, OUTCOME_STALL, EXIT_HANG, false);
		if (!r->shown && r->opt->verbosity > SAY_HANGS)
			say_screen(r, OUTCOME_STALL);
	}
	say_line(r, "worker %d has stood still for %.0f s (--stall): ending it alone; its controller goes on", (int)pid,
		 (double)r->opt->stall_ns / (double)NS_PER_S);
	if (!end_subtree(r, pid))
		return false;
	r->worker_ended = true;
	if (r->finding)
		vec_push(&r->kept, r->finding);
	r->finding = NULL;
	r->shown = false;
	policy_take_back(&r->policy);
	return true;
}
