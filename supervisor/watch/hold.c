/* --on-hang stop: a tree that hangs for good is kept as it is, stopped, until somebody continues or ends it. Its writes are cut short by that,
 * as by any look that stops; the verdict is on disk by then. */
#include "watch/run.h"

static size_t each(struct run *r, size_t (*deed)(const process_vec *, struct act_log *))
{
	process_vec tree = {0};
	struct err err = {0};
	size_t n = observe_tree(r->observe, &tree, &err) < 0 ? 0 : deed(&tree, &r->log);

	vec_free(&tree);
	return n;
}

static size_t let_go(const process_vec *tree, struct act_log *log)
{
	act_continue(tree, log);
	return tree->n;
}

void hold_begin(struct run *r)
{
	pid_t tracewrap = getppid(), culprit = r->finding && r->finding->nculprits ? r->finding->culprits[0] : launch_command(r->launch);

	launch_hold(r->launch);
	r->held = true;

	size_t n = each(r, act_stop);

	say_line(r, "stopped %zu processes, and waiting. Look: gdb -p %d, py-spy dump --pid %d", n, culprit, launch_command(r->launch));
	say_line(r, "let them go on: kill -CONT %d. End them: Ctrl-C, or kill %d", tracewrap, tracewrap);
}

void hold_end(struct run *r)
{
	if (!r->held)
		return;
	r->held = false;
	each(r, let_go);
	say_line(r, "the run goes on");
}
