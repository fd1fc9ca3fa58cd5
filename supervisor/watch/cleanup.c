/* Ending what is left of a run: step by step, only descendants, until none is left. */
#include <stdio.h>

#include "watch/run.h"

/* What a command leaves behind may end by itself in this time: helpers that clean up after their parent's end. */
#define SETTLE_NS (1 * NS_PER_S)
#define SETTLE_PAUSE_NS (10 * NS_PER_MS)
/* How often to ask whether anybody who is left can still move. */
#define HOPELESS_EVERY_NS (200 * NS_PER_MS)

static size_t count_living(const process_vec *tree)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++)
		n += tree->at[i].state != 'Z' && tree->at[i].state != 'X';
	return n;
}

/** The living descendants, ended ones reaped on the way. @return how many processes are left, zombies included. */
static size_t take_stock(struct run *r, process_vec *tree)
{
	struct err err = {0};

	run_step(r, sys_monotonic_ns());
	heard_drain(r);
	tree->n = 0;
	if (observe_tree(r->observe, tree, &err) < 0)
		return 0;
	return tree->n;
}

void cleanup_tree(struct run *r)
{
	struct ladder ladder;
	process_vec tree = {0};
	int hurried = r->interrupts;
	int64_t asked_ns = sys_monotonic_ns();
	bool hopeless = false;

	ladder_begin(&ladder, asked_ns, r->opt->grace_ns);
	for (;;) {
		size_t left = take_stock(r, &tree);
		int64_t now_ns = sys_monotonic_ns();

		if (r->interrupts > hurried)
			ladder_hurry(&ladder, now_ns);
		hurried = r->interrupts;
		if (ladder.rung == RUNG_GENTLE && now_ns - asked_ns >= HOPELESS_EVERY_NS) {
			hopeless = look_hopeless(r, now_ns + r->opt->grace_ns);
			asked_ns = sys_monotonic_ns();
		}

		/* Zombies are waited for as well: they are gone once their parent is, and then reaped by us. */
		enum ladder_step step = ladder_next(&ladder, now_ns, left, hopeless && count_living(&tree) == left);

		if (step == LADDER_END || step == LADDER_GIVE_UP) {
			if (step == LADDER_GIVE_UP)
				act_survivors(&tree, &r->log);
			break;
		}
		if (step == LADDER_GENTLE)
			act_gentle(&tree, &r->log);
		else if (step == LADDER_KILL)
			act_kill(&tree, &r->log);
		run_step(r, sys_monotonic_ns() + ladder_pause_ns(&ladder));
	}
	if (r->opt->no_reaper && r->opt->verbosity > SAY_HANGS)
		say_line(r, "orphans that nobody saw in time may be left (--reaper off)");
	vec_free(&tree);
}

void cleanup_strangers(struct run *r, int64_t limit_ns)
{
	process_vec tree = {0};
	struct err err = {0};
	int64_t until_ns = sys_monotonic_ns() + limit_ns;

	while (r->observe && sys_monotonic_ns() < until_ns) {
		tree.n = 0;
		if (observe_tree(r->observe, &tree, &err) < 0 || !count_living(&tree))
			break;
		act_kill(&tree, &r->log);
		run_step(r, sys_monotonic_ns() + SETTLE_PAUSE_NS);
	}
	vec_free(&tree);
}

void cleanup_leftovers(struct run *r)
{
	process_vec tree = {0};
	int64_t until_ns = sys_monotonic_ns() + SETTLE_NS;
	size_t left;

	while ((left = take_stock(r, &tree)) > 0) {
		int64_t now_ns = sys_monotonic_ns();

		if (now_ns >= until_ns || look_hopeless(r, until_ns))
			break;
		run_step(r, now_ns + SETTLE_PAUSE_NS);
	}
	if (left) {
		OWNED_TEXT names = {0};
		size_t living = count_living(&tree);

		for (size_t i = 0; i < tree.n && names.n < 120; i++) {
			char path[64];
			OWNED_TEXT comm = {0};

			snprintf(path, sizeof path, "/proc/%d/comm", tree.at[i].pid);
			if (sys_read_file(-1, path, &comm, NULL) != 0)
				continue;
			text_addf(&names, "%s%.*s[%d]", names.n ? ", " : "", (int)comm.n - 1, text_str(&comm), tree.at[i].pid);
		}
		leaks_left(r);
		cleanup_tree(r);
		if (r->opt->verbosity > SAY_HANGS && living && (r->interrupted || r->opt->leaks == LEAKS_IGNORE))
			say_line(r, "ended what outlived the command: %s%s", text_str(&names), names.n >= 120 ? " ..." : "");
	}
	vec_free(&tree);
}
