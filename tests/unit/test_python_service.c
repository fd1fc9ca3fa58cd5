/* Helper threads, known by their whole stack. The real libraries are run in tests/pythons. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "python/python.h"

#define GATEWAY "/v/site-packages/execnet/gateway_base.py"

/* As xdist's controller had it (execnet 2.1.2, Python 3.11). */
static const struct python_frame receiver[] = {
	{.function = "Popen2IO.read", .file = GATEWAY, .line = 534},
	{.function = "Message.from_io", .file = GATEWAY, .line = 567},
	{.function = "BaseGateway._thread_receiver", .file = GATEWAY, .line = 1160},
	{.function = "Reply.run", .file = GATEWAY, .line = 341},
	{.function = "WorkerPool._perform_spawn", .file = GATEWAY, .line = 411},
};

static const char *name_of(const struct python_frame *frames, size_t n, bool wants_reads)
{
	bool reads = !wants_reads;
	const char *name = python_service(frames, n, &reads);

	assert_int_equal(reads, name && wants_reads);
	return name;
}

static void test_a_receiver(void **state)
{
	(void)state;
	assert_string_equal(name_of(receiver, ARRAY_SIZE(receiver), true), "execnet receiver");
}

/** Names without classes, as Python up to 3.10 has them; a thread of the standard library. */
static void test_a_tracker_of_old(void **state)
{
	static const struct python_frame frames[] = {
		{.function = "main", .file = "/usr/lib/python3.8/multiprocessing/resource_tracker.py"},
		{.function = "<module>", .file = "<string>"},
	};

	(void)state;
	assert_string_equal(name_of(frames, ARRAY_SIZE(frames), true), "multiprocessing resource tracker");
}

static void test_locks_wake_a_worker(void **state)
{
	static const struct python_frame frames[] = {
		{.function = "_worker", .file = "/usr/lib/python3.12/concurrent/futures/thread.py"},
		{.function = "Thread.run", .file = "/usr/lib/python3.12/threading.py"},
		{.function = "Thread._bootstrap_inner", .file = "/usr/lib/python3.12/threading.py"},
		{.function = "Thread._bootstrap", .file = "/usr/lib/python3.12/threading.py"},
	};

	(void)state;
	assert_string_equal(name_of(frames, ARRAY_SIZE(frames), false), "concurrent.futures thread without work");
}

static void test_one_at_work_is_none(void **state)
{
	struct python_frame frames[ARRAY_SIZE(receiver) + 1] = {{.function = "callback", .file = "/w/test_x.py"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(receiver); i++)
		frames[i + 1] = receiver[i];
	assert_null(name_of(frames, ARRAY_SIZE(frames), false));
}

static void test_one_that_the_user_called_is_none(void **state)
{
	struct python_frame frames[ARRAY_SIZE(receiver) + 1] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(receiver); i++)
		frames[i] = receiver[i];
	frames[ARRAY_SIZE(receiver)] = (struct python_frame){.function = "main", .file = "/w/tool.py"};
	assert_null(name_of(frames, ARRAY_SIZE(frames), false));
}

static void test_a_cut_stack_is_none(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 3; n++)
		assert_null(name_of(receiver, n, false));
}

/** In a forked child, whatever its parent was doing stands below: it is never left but by another thread's will. */
static void test_a_manager_anywhere(void **state)
{
	struct python_frame frames[] = {
		{.function = "Condition.wait", .file = "/usr/lib/python3.11/threading.py"},
		{.function = "Event.wait", .file = "/usr/lib/python3.11/threading.py"},
		{.function = "Server.serve_forever", .file = "/usr/lib/python3.11/multiprocessing/managers.py"},
		{.function = "test_managed", .file = "/w/test_x.py"},
	};

	(void)state;
	assert_string_equal(name_of(frames, ARRAY_SIZE(frames), false), "multiprocessing manager");
	assert_null(name_of(frames, 3, false)); /* cut */
	frames[2].file = "/w/managers.py";
	assert_null(name_of(frames, ARRAY_SIZE(frames), false));
	assert_null(name_of(frames + 1, 2, false));
}

static void test_other_files_of_that_name(void **state)
{
	static const struct python_frame frames[] = {
		{.function = "_worker", .file = "/w/thread.py"},
		{.function = "run", .file = "/usr/lib/python3.12/threading.py"},
	};
	static const struct python_frame unknown[] = {{.function = NULL, .file = NULL}, {.function = "run", .file = NULL}};

	(void)state;
	assert_null(name_of(frames, ARRAY_SIZE(frames), false));
	assert_null(name_of(unknown, ARRAY_SIZE(unknown), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_receiver),
		cmocka_unit_test(test_a_tracker_of_old),
		cmocka_unit_test(test_locks_wake_a_worker),
		cmocka_unit_test(test_one_at_work_is_none),
		cmocka_unit_test(test_one_that_the_user_called_is_none),
		cmocka_unit_test(test_a_cut_stack_is_none),
		cmocka_unit_test(test_a_manager_anywhere),
		cmocka_unit_test(test_other_files_of_that_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
