/* When to look and when to speak, walked through without a clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "watch/policy.h"

#define MS NS_PER_MS
#define S NS_PER_S

/** A tree of one stuck parent and one stuck child; RUNS is the child's counter. */
static struct snapshot *two_stuck(uint64_t runs)
{
	struct snapshot *s = snapshot_new();
	struct err err = {0};

	s->root = 10;
	s->nprocs = s->ntasks = 2;
	s->procs = arena_array(s->arena, 2, sizeof *s->procs);
	s->tasks = arena_array(s->arena, 2, sizeof *s->tasks);
	for (int i = 0; i < 2; i++) {
		s->procs[i] = (struct process){.pid = 10 + i, .ppid = 9 + i, .vm = 10 + i, .comm = "x", .alarm_ns = NEVER_NS,
					       .readable = true, .tpgid = -1};
		s->procs[i].argv = arena_array(s->arena, 1, sizeof(char *));
		s->tasks[i] = (struct task){.tid = 10 + i, .pid = 10 + i, .comm = "x", .state = 'S', .call = "futex", .runs = 5,
					    .wait = {.op = WAIT_FUTEX, .timeout_ns = NEVER_NS}};
	}
	s->alarms_known = true;
	s->tasks[1].runs = runs;
	s->tasks[0].call = "wait4";
	s->tasks[0].wait = (struct wait){.op = WAIT_CHILD, .timeout_ns = NEVER_NS, .npids = 1};
	s->tasks[0].wait.pids = arena_array(s->arena, 1, sizeof(pid_t));
	s->tasks[0].wait.pids[0] = 11;
	s->procs[0].nkids = 1;
	s->procs[0].kids = arena_array(s->arena, 1, sizeof(pid_t));
	s->procs[0].kids[0] = 11;
	assert_int_equal(snapshot_index(s, &err), 0);
	return s;
}

static enum judgement judge(struct policy *p, int64_t now_ns, struct snapshot *s)
{
	struct prove_options opt = {.horizon_ns = 600 * S};
	struct proof *proof = prove(s, &opt);
	enum judgement j = policy_judge(p, now_ns, LOOK_FAST, s, proof, &s->root, 1);

	proof_free(proof);
	return j;
}

static void a_proof_needs_two_looks(void **state)
{
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 100 * MS, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 300 * MS, s), JUDGE_PROVEN);
	assert_int_equal(judge(&p, 11 * S, s), JUDGE_STANDS);
	snapshot_free(s);
}

static void who_moved_between_two_looks_begins_anew(void **state)
{
	struct policy p;
	struct snapshot *before = two_stuck(7), *after = two_stuck(8);

	(void)state;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, before), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 300 * MS, after), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 600 * MS, after), JUDGE_PROVEN);
	snapshot_free(before);
	snapshot_free(after);
}

static void what_was_told_is_withdrawn_when_it_moves(void **state)
{
	struct policy p;
	struct snapshot *before = two_stuck(7), *after = two_stuck(8);

	(void)state;
	policy_begin(&p, NULL);
	judge(&p, 10 * S, before);
	assert_int_equal(judge(&p, 11 * S, before), JUDGE_PROVEN);
	assert_int_equal(judge(&p, 12 * S, after), JUDGE_WITHDRAWN);
	assert_int_equal(judge(&p, 13 * S, after), JUDGE_PROVEN);
	snapshot_free(before);
	snapshot_free(after);
}

/** The child waits for whoever connects. */
static struct snapshot *child_accepts(bool private)
{
	struct snapshot *s = two_stuck(7);
	struct wait *w = &s->tasks[1].wait;

	s->objects = arena_array(s->arena, 1, sizeof *s->objects);
	s->objects[0] = (struct object){.name = "tcp", .type = "tcp", .kind = OBJECT_TCP, .peer = PEER_NONE, .listener = true, .private = private};
	s->nobjects = 1;
	*w = (struct wait){.op = WAIT_FDS, .why = "accept", .timeout_ns = NEVER_NS, .on = arena_array(s->arena, 1, sizeof *w->on), .non = 1};
	w->on[0] = (struct wait_target){.object = 0, .way = END_READ, .fd = 3};
	return s;
}

static void who_waits_for_anybody_is_suspected_unless_in_private(void **state)
{
	struct policy p;
	struct snapshot *open = child_accepts(false), *private = child_accepts(true);
	struct assumptions bold = *assumptions_default();

	(void)state;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, open), JUDGE_WAIT);
	assert_int_equal(judge(&p, 11 * S, open), JUDGE_WAIT);
	assert_int_equal(judge(&p, 12 * S, open), JUDGE_SUSPECTED);
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, private), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 300 * MS, private), JUDGE_PROVEN);
	assert_int_equal(assumptions_set(&bold, "listener", 8, 3 * S), 0);
	policy_begin(&p, &bold);
	assert_int_equal(judge(&p, 10 * S, open), JUDGE_WAIT);
	assert_int_equal(judge(&p, 12 * S, open), JUDGE_WAIT);
	assert_int_equal(judge(&p, 13 * S, open), JUDGE_PROVEN);
	snapshot_free(open);
	snapshot_free(private);
}

static void unheard_alarms_are_only_suspected_and_later(void **state)
{
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->alarms_known = false;
	s->procs[0].alarm_use = s->procs[1].alarm_use = ALARM_MAYBE;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 11 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 12 * S + MS, s), JUDGE_SUSPECTED);
	assert_int_equal(judge(&p, 20 * S, s), JUDGE_STANDS);
	s->alarms_known = true; /* now they can be heard: the same set becomes a proof, after its own patience */
	assert_int_equal(judge(&p, 21 * S, s), JUDGE_STANDS);
	assert_int_equal(judge(&p, 22 * S, s), JUDGE_PROVEN);
	snapshot_free(s);
}

static void a_suspicion_counts_what_the_passes_saw(void **state)
{
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->alarms_known = false;
	s->procs[0].alarm_use = s->procs[1].alarm_use = ALARM_MAYBE;
	s->tasks[0].moved_ns = 8 * S;
	s->tasks[1].moved_ns = 8 * S + 500 * MS;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 200 * MS, s), JUDGE_WAIT); /* seen twice, but not for long enough */
	assert_int_equal(judge(&p, 10 * S + 450 * MS, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 500 * MS, s), JUDGE_SUSPECTED);
	snapshot_free(s);
}

static void a_live_child_means_nothing_is_said(void **state)
{
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->tasks[1].wait = (struct wait){.op = WAIT_SLEEP, .timeout_ns = 8 * S};
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, s), JUDGE_NOTHING);
	assert_int_equal(judge(&p, 15 * S, s), JUDGE_NOTHING);
	snapshot_free(s);
}

static void looks_follow_stillness(void **state)
{
	struct policy p;
	struct observe_pass pass = {.still_since_ns = 10 * S, .focus_still_since_ns = NEVER_NS};

	(void)state;
	policy_begin(&p, NULL);
	assert_int_equal(policy_look(&p, &pass, 10 * S + 50 * MS), LOOK_NOT);
	assert_int_equal(policy_look(&p, &pass, 10 * S + 200 * MS), LOOK_FAST);
	pass.focus_still_since_ns = 10 * S;
	pass.still_since_ns = 12 * S; /* others move, the command waits: rarely, and for a suspicion only */
	assert_int_equal(policy_look(&p, &pass, 12 * S + 10 * MS), LOOK_SLOW);
	pass.focus_still_since_ns = NEVER_NS;
	assert_int_equal(policy_look(&p, &pass, 12 * S + 10 * MS), LOOK_NOT);
}

static void who_newly_stands_still_is_looked_at_though_looks_are_rare(void **state)
{
	struct policy p;
	struct observe_pass pass = {.still_since_ns = 30 * S, .focus_still_since_ns = 10 * S};
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->tasks[1].call = "clock_nanosleep";
	s->tasks[1].wait = (struct wait){.op = WAIT_SLEEP, .timeout_ns = 100 * S};
	policy_begin(&p, NULL);
	policy_look_cost(&p, 1 * MS);
	for (int64_t at_ns = 20 * S; at_ns < 30 * S; at_ns = p.slow_at_ns)
		assert_int_equal(judge(&p, at_ns, s), JUDGE_NOTHING);
	assert_int_equal(judge(&p, 30 * S, s), JUDGE_NOTHING);
	assert_int_equal(policy_look(&p, &pass, 31 * S), LOOK_NOT); /* the next one is seconds away */
	pass.focus_still_since_ns = 29 * S;
	assert_int_equal(policy_look(&p, &pass, 30 * S + 390 * MS), LOOK_NOT); /* and the last one not yet earned */
	assert_int_equal(policy_look(&p, &pass, 30 * S + 510 * MS), LOOK_SLOW);
	snapshot_free(s);
}

static void a_known_timer_spares_looks_until_it_ends_or_somebody_moves(void **state)
{
	struct policy p;
	struct observe_pass pass = {.still_since_ns = 10 * S, .focus_still_since_ns = NEVER_NS};

	(void)state;
	policy_begin(&p, NULL);
	policy_saw_seed(&p, 11 * S, 40 * S);
	assert_int_equal(policy_look(&p, &pass, 39 * S), LOOK_NOT);
	assert_int_equal(policy_look(&p, &pass, 40 * S), LOOK_FAST);
	pass.still_since_ns = 20 * S;
	assert_int_equal(policy_look(&p, &pass, 20 * S + 200 * MS), LOOK_FAST);
}

static void a_dear_look_is_repeated_when_the_last_alarm_is_over(void **state)
{
	struct policy p;
	struct observe_pass pass = {.still_since_ns = 9 * S, .focus_still_since_ns = 10 * S};
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->procs[0].alarm_use = s->procs[1].alarm_use = ALARM_MAYBE;
	s->procs[1].alarm_ns = 3 * S;
	policy_begin(&p, NULL);
	policy_look_cost(&p, 30 * MS); /* by its price alone the third were 12 s behind the second */
	assert_int_equal(judge(&p, 10 * S, s), JUDGE_NOTHING);
	assert_int_equal(policy_look(&p, &pass, 10 * S + 250 * MS), LOOK_FAST);
	s->procs[1].alarm_ns = 2750 * MS;
	assert_int_equal(judge(&p, 10 * S + 250 * MS, s), JUDGE_NOTHING);
	assert_int_equal(policy_look(&p, &pass, 13 * S), LOOK_NOT);
	assert_int_equal(policy_look(&p, &pass, 13 * S + 150 * MS), LOOK_FAST);
	snapshot_free(s);
}

static void stacks_are_read_when_nobody_else_moves(void **state)
{
	struct policy p;
	struct observe_pass pass = {.still_since_ns = 20 * S, .focus_still_since_ns = 20 * S, .restless = 2, .rest_still_since_ns = 10 * S};

	(void)state;
	policy_begin(&p, NULL);
	assert_false(policy_look_stacks(&p, &pass, 10 * S + 100 * MS)); /* somebody did, just now */
	assert_true(policy_look_stacks(&p, &pass, 10 * S + 200 * MS));
	policy_saw_stacks(&p, 11 * S, 1 * MS); /* and again after what that has cost, four hundred times */
	assert_false(policy_look_stacks(&p, &pass, 11 * S + 350 * MS));
	assert_true(policy_look_stacks(&p, &pass, 11 * S + 400 * MS));
	pass.restless = 0;
	assert_false(policy_look_stacks(&p, &pass, 20 * S));
	pass.restless = 1000;
	assert_false(policy_look_stacks(&p, &pass, 20 * S));
}

static void what_did_not_stand_is_taken_back(void **state)
{
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	policy_begin(&p, NULL);
	judge(&p, 10 * S, s);
	assert_int_equal(judge(&p, 11 * S, s), JUDGE_PROVEN);
	policy_take_back(&p);
	assert_int_equal(judge(&p, 12 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 13 * S, s), JUDGE_PROVEN);
	snapshot_free(s);
}

static void assumptions_decide_when_and_whether(void **state)
{
	struct assumptions as = *assumptions_default();
	struct policy p;
	struct snapshot *s = two_stuck(7);

	(void)state;
	s->alarms_known = false;
	s->procs[0].alarm_use = s->procs[1].alarm_use = ALARM_MAYBE;
	assert_int_equal(assumptions_set(&as, "alarms", 6, 5 * S), 0);
	policy_begin(&p, &as);
	judge(&p, 10 * S, s);
	assert_int_equal(judge(&p, 14 * S, s), JUDGE_WAIT);
	assert_int_equal(judge(&p, 15 * S + MS, s), JUDGE_PROVEN);
	snapshot_free(s);
}

/** Its stack has been asked at each look, and whom it had woken in between would have moved. */
static void an_idle_helper_that_waits_again_holds_nothing_up(void **state)
{
	struct policy p;
	struct snapshot *before = two_stuck(7), *after = two_stuck(8);

	(void)state;
	before->tasks[1].wait.idle = after->tasks[1].wait.idle = "multiprocessing manager";
	before->tasks[1].wait.timeout_ns = after->tasks[1].wait.timeout_ns = 500 * MS;
	policy_begin(&p, NULL);
	assert_int_equal(judge(&p, 10 * S, before), JUDGE_WAIT);
	assert_int_equal(judge(&p, 10 * S + 600 * MS, after), JUDGE_WAIT);
	assert_int_equal(judge(&p, 11 * S + 100 * MS, before), JUDGE_PROVEN);
	after->tasks[1].wait.idle = NULL; /* it has done something else */
	assert_int_equal(judge(&p, 11 * S + 200 * MS, after), JUDGE_WITHDRAWN);
	after->tasks[0].runs++; /* somebody else has moved */
	after->tasks[1].wait.idle = "multiprocessing manager";
	assert_int_equal(judge(&p, 12 * S, after), JUDGE_WAIT);
	assert_int_equal(judge(&p, 12 * S + 600 * MS, before), JUDGE_WAIT);
	assert_int_equal(judge(&p, 13 * S + 300 * MS, after), JUDGE_WAIT);
	snapshot_free(before);
	snapshot_free(after);
}

static void passes_cost_a_share_of_a_core(void **state)
{
	(void)state;
	assert_int_equal(policy_pass_period_ns(10000), 50 * MS);
	assert_int_equal(policy_pass_period_ns(1 * MS), 400 * MS);
	assert_int_equal(policy_pass_period_ns(1 * S), 500 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_needs_two_looks),
		cmocka_unit_test(who_moved_between_two_looks_begins_anew),
		cmocka_unit_test(what_was_told_is_withdrawn_when_it_moves),
		cmocka_unit_test(who_waits_for_anybody_is_suspected_unless_in_private),
		cmocka_unit_test(unheard_alarms_are_only_suspected_and_later),
		cmocka_unit_test(a_suspicion_counts_what_the_passes_saw),
		cmocka_unit_test(a_live_child_means_nothing_is_said),
		cmocka_unit_test(looks_follow_stillness),
		cmocka_unit_test(who_newly_stands_still_is_looked_at_though_looks_are_rare),
		cmocka_unit_test(a_known_timer_spares_looks_until_it_ends_or_somebody_moves),
		cmocka_unit_test(a_dear_look_is_repeated_when_the_last_alarm_is_over),
		cmocka_unit_test(stacks_are_read_when_nobody_else_moves),
		cmocka_unit_test(what_did_not_stand_is_taken_back),
		cmocka_unit_test(assumptions_decide_when_and_whether),
		cmocka_unit_test(an_idle_helper_that_waits_again_holds_nothing_up),
		cmocka_unit_test(passes_cost_a_share_of_a_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
