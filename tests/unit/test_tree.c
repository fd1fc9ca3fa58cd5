/* What events add up to: who is heard, which test ran when, who bound what. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tree/tree.h"

enum { ROOT = 100 };
#define S NS_PER_S

static struct tree *begin(void)
{
	return tree_new(ROOT, NULL);
}

static void shim(struct tree *t, struct event ev)
{
	ev.text = ev.text ? ev.text : "";
	ev.source = FROM_SHIM;
	tree_event(t, &ev);
}

static void exec_said(struct tree *t, pid_t pid, uint64_t id, const char *file)
{
	shim(t, (struct event){.kind = EVENT_EXEC, .pid = pid, .id = id, .text = file});
}

static void start(struct tree *t, pid_t pid, uint64_t token, const char *file, uint64_t image)
{
	shim(t, (struct event){.kind = EVENT_START, .pid = pid, .token = token, .text = file, .image = image});
}

static void fork_said(struct tree *t, pid_t pid, pid_t child)
{
	shim(t, (struct event){.kind = EVENT_FORK, .pid = pid, .tid = pid, .child = child});
}

static void born_said(struct tree *t, pid_t pid, pid_t child)
{
	shim(t, (struct event){.kind = EVENT_FORK, .pid = pid, .tid = child, .child = child});
}

static void alarm_said(struct tree *t, pid_t pid, int64_t at_ns, int64_t value_ns, int64_t interval_ns)
{
	shim(t, (struct event){.kind = EVENT_ALARM, .pid = pid, .at_ns = at_ns, .value_ns = value_ns, .interval_ns = interval_ns});
}

static void root_runs(struct tree *t)
{
	exec_said(t, 0, 1, "pytest"); /* the launch announces the command as pid 0 */
	start(t, ROOT, 1, "/usr/bin/pytest", 0x7000);
}

static void assert_heard(const struct tree *t, pid_t pid, uint64_t image, int64_t now_ns, int64_t want_ns)
{
	int64_t until_ns;

	assert_true(tree_alarm(t, pid, image, now_ns, &until_ns));
	assert_int_equal(until_ns, want_ns);
}

static void assert_not_heard(const struct tree *t, pid_t pid, uint64_t image)
{
	int64_t until_ns;

	assert_false(tree_alarm(t, pid, image, 0, &until_ns));
	assert_int_equal(until_ns, NEVER_NS);
}

/* ---- who is heard ---- */

static void command_is_heard_from_its_start(void **state)
{
	struct tree *t = begin();

	(void)state;
	exec_said(t, 0, 1, "pytest");
	assert_not_heard(t, ROOT, 0x7000); /* it may not load the library at all */
	start(t, ROOT, 1, "/usr/bin/pytest", 0x7000);
	assert_heard(t, ROOT, 0x7000, 0, NEVER_NS);
	assert_not_heard(t, ROOT, 0x7ff0); /* an exec past the library has made another image */
	assert_not_heard(t, 4711, 0x7000);
	tree_free(t);
}

static void fork_is_heard_and_clears_alarms(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	alarm_said(t, ROOT, 1 * S, 8 * S, 0);
	fork_said(t, ROOT, 101);
	born_said(t, ROOT, 101);
	assert_heard(t, ROOT, 0x7000, 2 * S, 9 * S);
	assert_heard(t, 101, 0x7000, 2 * S, NEVER_NS);
	tree_free(t);
}

static void both_sides_of_a_fork_come_in_any_order(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	born_said(t, ROOT, 101);
	alarm_said(t, 101, 0, 5 * S, 0);
	fork_said(t, ROOT, 101); /* the same fork */
	assert_heard(t, 101, 0x7000, 1 * S, 5 * S);
	alarm_said(t, 102, 0, 5 * S, 0);
	fork_said(t, ROOT, 102); /* its child spoke first */
	assert_heard(t, 102, 0x7000, 1 * S, 5 * S);
	tree_free(t);
}

static void number_that_is_used_again(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	fork_said(t, ROOT, 101);
	born_said(t, ROOT, 101);
	alarm_said(t, 101, 0, 50 * S, 0);
	fork_said(t, ROOT, 101); /* nobody saw its end */
	born_said(t, ROOT, 101);
	assert_heard(t, 101, 0x7000, 1 * S, NEVER_NS);
	alarm_said(t, 101, 0, 50 * S, 0);
	tree_gone(t, 101, 2 * S);
	assert_not_heard(t, 101, 0x7000);
	fork_said(t, ROOT, 101);
	assert_heard(t, 101, 0x7000, 3 * S, NEVER_NS);
	tree_free(t);
}

static void exec_keeps_the_alarm(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	fork_said(t, ROOT, 101);
	alarm_said(t, 101, 0, 8 * S, 0);
	exec_said(t, 101, 2, "cat");
	assert_not_heard(t, 101, 0x7000);
	start(t, 101, 2, "/bin/cat", 0x7100);
	assert_heard(t, 101, 0x7100, 1 * S, 8 * S);
	tree_free(t);
}

static void failed_exec_changes_nothing(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	exec_said(t, ROOT, 2, "none");
	shim(t, (struct event){.kind = EVENT_EXEC_FAILED, .pid = ROOT, .token = 2});
	assert_heard(t, ROOT, 0x7000, 0, NEVER_NS);
	tree_free(t);
}

static void vfork_child_speaks_first(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	exec_said(t, 101, 2, "/usr/bin/python3");
	start(t, 101, 2, "/usr/bin/python3", 0x7100);
	assert_heard(t, 101, 0x7100, 0, NEVER_NS);
	tree_free(t);
}

static void spawned_child_is_heard(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	shim(t, (struct event){.kind = EVENT_SPAWN, .pid = ROOT, .id = 2, .text = "cat"});
	start(t, 101, 2, "/bin/cat", 0x7100);
	shim(t, (struct event){.kind = EVENT_SPAWNED, .pid = ROOT, .child = 101, .token = 2});
	assert_heard(t, 101, 0x7100, 0, NEVER_NS);
	shim(t, (struct event){.kind = EVENT_SPAWN, .pid = ROOT, .id = 3, .text = "cat"});
	shim(t, (struct event){.kind = EVENT_SPAWNED, .pid = ROOT, .child = 102, .token = 3});
	assert_not_heard(t, 102, 0x7200); /* it may be one that the library can't enter */
	start(t, 102, 3, "/bin/cat", 0x7200);
	assert_heard(t, 102, 0x7200, 0, NEVER_NS);
	tree_free(t);
}

/** A static program that was exec'ed passes the environment on: it may have set an alarm. */
static void image_between_that_is_not_heard(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	fork_said(t, ROOT, 101);
	exec_said(t, 101, 2, "/bin/busybox");
	start(t, 101, 2, "/usr/bin/python3", 0x7100); /* not what was announced */
	assert_not_heard(t, 101, 0x7100);
	fork_said(t, 101, 102); /* but its fork is: alarms are not inherited */
	assert_heard(t, 102, 0x7100, 0, NEVER_NS);

	fork_said(t, ROOT, 103);
	exec_said(t, 103, 3, "/bin/tool");
	start(t, 103, 3, "/bin/tool", 0x7300);
	start(t, 103, 3, "/bin/tool", 0x7400); /* the token for a second time */
	assert_not_heard(t, 103, 0x7400);

	exec_said(t, 104, 4, "/bin/static");
	start(t, 105, 4, "/bin/static", 0x7500); /* a child of the static one */
	assert_not_heard(t, 105, 0x7500);
	start(t, 106, NO_TOKEN, "/bin/x", 0x7600);
	assert_not_heard(t, 106, 0x7600);
	tree_free(t);
}

static void loss_makes_deaf(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	tree_lost(t);
	assert_not_heard(t, ROOT, 0x7000);
	exec_said(t, ROOT, 2, "x");
	start(t, ROOT, 2, "x", 0x7100); /* what was lost may have armed one */
	assert_not_heard(t, ROOT, 0x7100);
	exec_said(t, 101, 3, "y");
	start(t, 101, 3, "y", 0x7200);
	assert_not_heard(t, 101, 0x7200);
	fork_said(t, ROOT, 102);
	assert_heard(t, 102, 0x7100, 0, NEVER_NS);
	tree_free(t);
}

/* ---- alarms ---- */

static void alarms_expire_and_come_again(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	alarm_said(t, ROOT, 10 * S, 5 * S, 0);
	assert_heard(t, ROOT, 0x7000, 12 * S, 15 * S);
	assert_heard(t, ROOT, 0x7000, 15 * S + 1, 15 * S + 1); /* it may not have been acted upon */
	assert_heard(t, ROOT, 0x7000, 16 * S, NEVER_NS);
	alarm_said(t, ROOT, 20 * S, 1 * S, 2 * S);
	assert_heard(t, ROOT, 0x7000, 24 * S, 25 * S);
	alarm_said(t, ROOT, 26 * S, 0, 2 * S); /* disarmed */
	assert_heard(t, ROOT, 0x7000, 27 * S, NEVER_NS);
	tree_free(t);
}

static void filter_hears_all(void **state)
{
	struct tree *t = begin();

	(void)state;
	tree_hears_all(t);
	assert_heard(t, 4711, 0, 0, NEVER_NS);
	tree_event(t, &(struct event){.kind = EVENT_ALARM, .source = FROM_LISTENER, .pid = 4711, .value_ns = 3 * S, .text = ""});
	assert_heard(t, 4711, 0, 1 * S, 3 * S);
	tree_free(t);
}

/* ---- tests ---- */

static void test_said(struct tree *t, pid_t pid, int64_t at_ns, const char *value)
{
	shim(t, (struct event){.kind = EVENT_TEST, .pid = pid, .at_ns = at_ns, .text = value});
}

static void tests_have_times(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	assert_false(tree_test_running(t));
	test_said(t, ROOT, 1 * S, "t.py::a (setup)");
	test_said(t, ROOT, 2 * S, "t.py::a (call)");
	test_said(t, ROOT, 3 * S, "t.py::b[x y] (setup)");
	assert_true(tree_test_running(t));
	test_said(t, ROOT, 4 * S, "");
	assert_false(tree_test_running(t));
	fork_said(t, ROOT, 101);
	fork_said(t, 101, 102);
	assert_string_equal(tree_test_at(t, ROOT, 1 * S), "t.py::a");
	assert_string_equal(tree_test_at(t, 102, 2 * S + 1), "t.py::a");
	assert_string_equal(tree_test_at(t, 102, 3 * S), "t.py::b[x y]");
	assert_null(tree_test_at(t, 102, 4 * S));
	assert_null(tree_test_at(t, 102, 0));
	tree_gone(t, 101, 5 * S); /* its children still know it */
	assert_string_equal(tree_test_at(t, 102, 3 * S), "t.py::b[x y]");
	test_said(t, ROOT, 6 * S, "no test (call)");
	assert_null(tree_test_at(t, ROOT, 6 * S));
	tree_free(t);
}

static void child_of_vfork_tells_its_parent(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	test_said(t, ROOT, 1 * S, "t.py::a (call)");
	shim(t, (struct event){.kind = EVENT_EXEC, .pid = 101, .parent = ROOT, .id = 7, .at_ns = 2 * S, .text = "server"});
	start(t, 101, 7, "/bin/server", 0x7100);
	assert_string_equal(tree_test_at(t, 101, 3 * S), "t.py::a");
	tree_free(t);
}

static void two_tests_at_a_time_are_none(void **state)
{
	struct tree *t = begin();

	(void)state;
	tree_test_seen(t, 101, "t.py::a", 1 * S);
	tree_test_seen(t, 102, "t.py::b", 2 * S);
	tree_test_seen(t, 101, NULL, 3 * S);
	assert_string_equal(tree_test_anywhere(t, 1 * S), "t.py::a");
	assert_null(tree_test_anywhere(t, 2 * S));
	assert_string_equal(tree_test_anywhere(t, 3 * S), "t.py::b");
	tree_free(t);
}

static void long_runs_forget_the_first(void **state)
{
	struct tree *t = begin();
	char name[32] = "t.py::x000000 (call)";

	(void)state;
	for (int i = 0; i < 100000; i++) {
		for (int k = 0, n = i; k < 6; k++, n /= 10)
			name[12 - k] = (char)('0' + n % 10);
		test_said(t, ROOT, i * S, name);
	}
	assert_string_equal(tree_test_at(t, ROOT, 99999 * S), "t.py::x099999");
	assert_string_equal(tree_test_at(t, ROOT, 95000 * S), "t.py::x095000");
	assert_null(tree_test_at(t, ROOT, 5 * S));
	tree_free(t);
}

/* ---- binds ---- */

static void binds_know_their_test(void **state)
{
	struct tree *t = begin();
	const struct tree_bind *b;

	(void)state;
	root_runs(t);
	test_said(t, ROOT, 1 * S, "t.py::a (call)");
	fork_said(t, ROOT, 101);
	shim(t, (struct event){.kind = EVENT_BIND, .pid = 101, .fd = 5, .at_ns = 2 * S, .text = "127.0.0.1:1616", .socket_type = 1});
	shim(t, (struct event){.kind = EVENT_LISTEN, .pid = 101, .fd = 5, .at_ns = 2 * S, .text = "127.0.0.1:1616"});
	shim(t, (struct event){.kind = EVENT_LISTEN, .pid = 101, .fd = 6, .at_ns = 3 * S, .text = "0.0.0.0:4000"});
	shim(t, (struct event){.kind = EVENT_BIND, .pid = ROOT, .fd = 7, .at_ns = 9 * S, .error = 98, .text = "127.0.0.1:1616"});
	assert_int_equal(tree_binds(t), 3);
	b = tree_bind_at(t, 0);
	assert_string_equal(b->address, "127.0.0.1:1616");
	assert_string_equal(b->test, "t.py::a");
	assert_int_equal(tree_bind_at(t, 1)->fd, 6);
	assert_int_equal(tree_bind_at(t, 2)->error, 98);
	tree_free(t);
}

static void storms_stay_small(void **state)
{
	struct tree *t = begin();
	int64_t until_ns;

	(void)state;
	root_runs(t);
	for (int i = 0; i < 200000; i++) {
		fork_said(t, ROOT, 1000 + i);
		shim(t, (struct event){.kind = EVENT_BIND, .pid = 1000 + i, .fd = 3, .text = "127.0.0.1:1"});
		tree_gone(t, 1000 + i, S);
	}
	assert_true(tree_binds(t) <= 4096);
	assert_heard(t, ROOT, 0x7000, 0, NEVER_NS);
	assert_false(tree_alarm(t, 1000, 0x7000, 0, &until_ns));
	fork_said(t, ROOT, 200999);
	assert_heard(t, 200999, 0x7000, 0, NEVER_NS);
	tree_free(t);
}

/* ---- the proc connector beside them ---- */

static void kernel(struct tree *t, enum event_kind kind, pid_t pid, pid_t child, int64_t at_ns)
{
	tree_event(t, &(struct event){.kind = kind, .source = FROM_CONNECTOR, .pid = pid, .tid = pid, .child = child, .at_ns = at_ns,
				      .exact = kind == EVENT_EXIT, .text = ""});
}

static void the_kernel_alone_makes_nobody_heard(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	kernel(t, EVENT_FORK, ROOT, 101, 1);
	assert_not_heard(t, 101, 0x7000);
	kernel(t, EVENT_EXEC, 101, 0, 2);
	assert_not_heard(t, 101, 0x7000);
	assert_heard(t, ROOT, 0x7000, 0, NEVER_NS);
	tree_free(t);
}

static void the_kernel_tells_first(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	kernel(t, EVENT_FORK, ROOT, 101, 1);
	fork_said(t, ROOT, 101);
	alarm_said(t, 101, 0, 5 * S, 0);
	born_said(t, ROOT, 101);
	assert_heard(t, 101, 0x7000, 1 * S, 5 * S);
	kernel(t, EVENT_FORK, ROOT, 102, 1);
	born_said(t, ROOT, 102);
	alarm_said(t, 102, 0, 5 * S, 0);
	fork_said(t, ROOT, 102);
	assert_heard(t, 102, 0x7000, 1 * S, 5 * S);
	kernel(t, EVENT_FORK, ROOT, 105, 1);
	alarm_said(t, 105, 0, 5 * S, 0); /* and the child before its parent */
	fork_said(t, ROOT, 105);
	assert_heard(t, 105, 0x7000, 1 * S, 5 * S);
	kernel(t, EVENT_FORK, ROOT, 103, 1); /* vfork: the child's first word is its exec */
	exec_said(t, 103, 7, "tool");
	start(t, 103, 7, "/bin/tool", 0x7100);
	assert_heard(t, 103, 0x7100, 1 * S, NEVER_NS);
	shim(t, (struct event){.kind = EVENT_SPAWN, .pid = ROOT, .id = 9, .text = "tool"});
	kernel(t, EVENT_FORK, ROOT, 104, 1);
	start(t, 104, 9, "/bin/tool", 0x7200);
	shim(t, (struct event){.kind = EVENT_SPAWNED, .pid = ROOT, .child = 104, .token = 9});
	assert_heard(t, 104, 0x7200, 1 * S, NEVER_NS);
	tree_free(t);
}

static void the_kernel_tells_last(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	fork_said(t, ROOT, 101);
	alarm_said(t, 101, 0, 5 * S, 0);
	kernel(t, EVENT_FORK, ROOT, 101, 1);
	born_said(t, ROOT, 101);
	assert_heard(t, 101, 0x7000, 1 * S, 5 * S);
	exec_said(t, 103, 7, "tool");
	kernel(t, EVENT_FORK, ROOT, 103, 1);
	start(t, 103, 7, "/bin/tool", 0x7100);
	assert_heard(t, 103, 0x7100, 1 * S, NEVER_NS);
	kernel(t, EVENT_EXIT, 103, 0, 2);
	assert_not_heard(t, 103, 0x7100);
	kernel(t, EVENT_FORK, ROOT, 103, 3); /* the number again, for a program that is not listened to */
	assert_not_heard(t, 103, 0x7100);
	tree_free(t);
}

static void an_end_is_not_that_of_the_next_one(void **state)
{
	struct tree *t = begin();

	(void)state;
	root_runs(t);
	shim(t, (struct event){.kind = EVENT_FORK, .pid = ROOT, .tid = ROOT, .child = 101, .at_ns = 1 * S});
	shim(t, (struct event){.kind = EVENT_FORK, .pid = ROOT, .tid = ROOT, .child = 101, .at_ns = 5 * S});
	kernel(t, EVENT_EXIT, 101, 0, 3 * S); /* of the first, heard late */
	assert_heard(t, 101, 0x7000, 6 * S, NEVER_NS);
	kernel(t, EVENT_EXIT, 101, 0, 7 * S);
	assert_not_heard(t, 101, 0x7000);
	tree_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_alone_makes_nobody_heard),
		cmocka_unit_test(the_kernel_tells_first),
		cmocka_unit_test(the_kernel_tells_last),
		cmocka_unit_test(an_end_is_not_that_of_the_next_one),
		cmocka_unit_test(command_is_heard_from_its_start),
		cmocka_unit_test(fork_is_heard_and_clears_alarms),
		cmocka_unit_test(both_sides_of_a_fork_come_in_any_order),
		cmocka_unit_test(number_that_is_used_again),
		cmocka_unit_test(exec_keeps_the_alarm),
		cmocka_unit_test(failed_exec_changes_nothing),
		cmocka_unit_test(vfork_child_speaks_first),
		cmocka_unit_test(spawned_child_is_heard),
		cmocka_unit_test(image_between_that_is_not_heard),
		cmocka_unit_test(loss_makes_deaf),
		cmocka_unit_test(alarms_expire_and_come_again),
		cmocka_unit_test(filter_hears_all),
		cmocka_unit_test(tests_have_times),
		cmocka_unit_test(child_of_vfork_tells_its_parent),
		cmocka_unit_test(two_tests_at_a_time_are_none),
		cmocka_unit_test(long_runs_forget_the_first),
		cmocka_unit_test(binds_know_their_test),
		cmocka_unit_test(storms_stay_small),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
