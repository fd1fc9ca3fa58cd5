/* The words for what a task awaits: which function of a library it was called by. Chains made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "python/tasks.h"

static bool in_library(const struct link *link, const void *of)
{
	return !strcmp(link->file, of);
}

/** The public function of FUNCTIONS, innermost first, of which those that begin with '+' are the library's. */
static const char *public_of(const char *const *functions, size_t n, size_t from)
{
	struct chain c = {0};
	const struct link *found;
	const char *function;

	for (size_t i = n; i-- > 0;) {
		bool library = functions[i][0] == '+';

		vec_push(&c.links, (struct link){.function = functions[i] + library, .file = library ? "library" : "own"});
	}
	found = public_link(&c, from, in_library, "library");
	function = found ? found->function : NULL;
	chain_free(&c);
	return function;
}
#define PUBLIC_OF(from, ...)                                                                                                   \
	public_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), from)

static void finds_what_the_program_called(void **state)
{
	(void)state;
	assert_string_equal(PUBLIC_OF(0, "+Event.wait", "main"), "Event.wait");
	assert_string_equal(PUBLIC_OF(0, "+BaseTransport._wait", "+Process.wait", "main"), "Process.wait");
	assert_string_equal(
		PUBLIC_OF(0, "+StreamReader._wait_for_data", "+StreamReader.readuntil", "+StreamReader.readline", "main"),
		"StreamReader.readline");
	assert_string_equal(PUBLIC_OF(0, "+Event.wait", "+Queue.join", "main"), "Queue.join");
	assert_string_equal(PUBLIC_OF(0, "+Condition.wait", "+Condition.wait_for", "+Barrier._block", "+Barrier.wait", "main"),
			    "Barrier.wait");
	/* what it was called with, not what it was called by */
	assert_string_equal(PUBLIC_OF(0, "+Lock.acquire", "+_ContextManagerMixin.__aenter__", "main"), "Lock.acquire");
	assert_string_equal(PUBLIC_OF(0, "+Event.wait", "+wait_for", "main"), "Event.wait");
	assert_string_equal(PUBLIC_OF(0, "+TaskGroup._aexit", "+TaskGroup.__aexit__", "main"), "TaskGroup.__aexit__");
}

static void knows_where_the_library_ends(void **state)
{
	(void)state;
	assert_null(PUBLIC_OF(0, "main"));
	assert_null(PUBLIC_OF(0, "inner", "+Event.wait", "main"));
	assert_null(PUBLIC_OF(3, "+Event.wait", "main"));
	assert_string_equal(PUBLIC_OF(0, "+_wait", "_mine", "+Event.wait"), "_wait");
	assert_string_equal(PUBLIC_OF(1, "+Future.__await__", "+sleep", "main"), "sleep");
	assert_string_equal(PUBLIC_OF(0, "+_only"), "_only");
	assert_string_equal(PUBLIC_OF(0, "+StreamReader.read", "+Process._read_stream"), "StreamReader.read");
}

static void takes_a_name_apart(void **state)
{
	(void)state;
	assert_string_equal(own_name("Event.wait"), "wait");
	assert_string_equal(own_name("sleep"), "sleep");
	assert_string_equal(own_name("f.<locals>.g"), "g");
	assert_string_equal(own_name(""), "");
}

static void keeps_each_edge_once(void **state)
{
	uint64_t edges[TASKS_MOST_EDGES];
	struct async_task task = {.waits_for = edges};

	(void)state;
	add_edge(&task, 0);
	assert_int_equal(task.nwaits_for, 0);
	for (uint64_t i = 0; i < 2 * TASKS_MOST_EDGES; i++)
		add_edge(&task, 16 + i / 2);
	assert_int_equal(task.nwaits_for, TASKS_MOST_EDGES);
	add_edge(&task, 7);
	assert_int_equal(task.nwaits_for, TASKS_MOST_EDGES);
	assert_int_equal(edges[1], 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_program_called),
		cmocka_unit_test(knows_where_the_library_ends),
		cmocka_unit_test(takes_a_name_apart),
		cmocka_unit_test(keeps_each_edge_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
