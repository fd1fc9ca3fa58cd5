/* Where everybody stands, on the screen: the user's own line first, who holds which lock, async tasks; never wider than the screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/where.h"
#include "report_make.h"

#define PY(owner_, file_, line_, function_, source_)                                                                                       \
	{.kind = FRAME_PYTHON, .owner = (owner_), .file = (file_), .line = (line_), .function = (function_), .source = (source_)}

static struct frame left[] = {
	{.kind = FRAME_NATIVE, .owner = FRAME_LIBRARY, .function = "do_futex_wait", .file = "/lib/libc.so.6", .address = 16},
	PY(FRAME_LIBRARY, "/usr/lib/python3.11/threading.py", 327, "Condition.wait", "waiter.acquire()"),
	PY(FRAME_OWN, "/w/tests/test_abba.py", 22, "test_abba.<locals>.left", "with second:"),
	PY(FRAME_OWN, "/w/tests/conftest.py", 3, "outer", NULL),
};
static struct frame right[] = {PY(FRAME_OWN, "/w/tests/test_abba.py", 31, "test_abba.<locals>.right", "with first:")};

static struct finding *abba(void)
{
	struct snapshot *s = snap("100 futex argv=python3,-m,pytest\n101/100 futex\n");
	struct lock_owner owners[] = {{.pid = 100, .tid = 101, .at = &right[0]}, {.pid = 100, .tid = 100, .at = &left[2]}};
	struct stack threads[] = {
		{.tid = 100, .quality = STACK_EXACT, .frames = left, .nframes = ARRAY_SIZE(left), .service_fd = -1,
		 .lock = {.kind = LOCK_LOCK, .type = "_thread.lock", .address = 1, .owners = &owners[0], .nowners = 1}},
		{.tid = 101, .quality = STACK_EXACT, .frames = right, .nframes = ARRAY_SIZE(right), .service_fd = -1,
		 .lock = {.kind = LOCK_LOCK, .type = "_thread.lock", .address = 2, .owners = &owners[1], .nowners = 1}},
	};
	struct process_stacks p = {.python = "3.11.7", .threads = threads, .nthreads = 2};

	s->procs[0].stacks = stacks_copy(s->arena, &p);
	return make_finding(s);
}

static void screen(struct finding *f, unsigned width, const char *folder, struct text *out)
{
	struct run_report r = make_run(&f);
	struct text_style style = {.width = width, .folder = folder};

	report_screen(&r, f, &style, out);
}

static void assert_line(const struct text *t, const char *line)
{
	if (!strstr(text_str(t), line))
		fail_msg("no line \"%s\" in\n%s", line, text_str(t));
}

static void assert_narrow(const struct text *t, size_t width)
{
	const char *line = text_str(t);

	for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if ((size_t)(end - line) > width)
			fail_msg("wider than %zu: %.*s", width, (int)(end - line), line);
}

static void both_holders_are_named_with_their_lines(void **state)
{
	struct finding *f = abba();
	OWNED_TEXT out = {0};

	(void)state;
	screen(f, 80, "/w", &out);
	assert_line(&out, "The main thread and thread 101 of pytest[100] wait for each other: each holds");
	assert_line(&out, "waits for the Lock held by thread 101");
	assert_line(&out, "waits for the Lock held by the main thread");
	assert_line(&out, "\n      tests/test_abba.py:22 in left: with second:\n");
	assert_line(&out, "\n      tests/test_abba.py:31 in right: with first:\n");
	assert_line(&out, "\n      taken at tests/test_abba.py:31 in right (inferred from its `with`)\n");
	assert_line(&out, "\n      taken at tests/test_abba.py:22 in left (inferred from its `with`)\n");
	assert_narrow(&out, 80);
	finding_free(f);
}

static void narrow_screens_keep_the_end_of_a_path(void **state)
{
	struct finding *f = abba();
	OWNED_TEXT out = {0};

	(void)state;
	screen(f, 40, NULL, &out);
	assert_narrow(&out, 40);
	assert_line(&out, "\n      /w/tests/test_abba.py:22 in lef...\n");
	finding_free(f);
}

static const struct frame *place(struct frame *frames, size_t n)
{
	struct stack s = {.frames = frames, .nframes = n};

	return where_place(&s);
}

static void own_code_comes_first(void **state)
{
	struct frame runner[] = {PY(FRAME_RUNNER, "/p/_pytest/main.py", 1, "main", NULL)};
	struct frame native[] = {
		{.kind = FRAME_NATIVE, .owner = FRAME_LIBRARY, .function = "__libc_write", .file = "/lib/libc.so.6"},
		{.kind = FRAME_NATIVE, .owner = FRAME_OWN, .function = "work", .file = "/w/prog"},
	};

	(void)state;
	assert_int_equal(place(left, 4)->line, 22);
	assert_int_equal(place(left, 2)->line, 327); /* no own code: the library's, before what is native */
	assert_null(place(runner, 1));
	assert_string_equal(place(native, 2)->function, "work");
	assert_string_equal(place(native, 1)->function, "__libc_write");
	assert_null(where_place(NULL));
	{
		OWNED_TEXT out = {0};

		where_frame(&out, place(left, 2), "/w", 80);
		assert_string_equal(text_str(&out), "threading.py:327 in Condition.wait: waiter.acquire()");
	}
}

static void async_tasks_and_reasons(void **state)
{
	struct snapshot *s = snap("100 read(pipe1) r:pipe1 w:pipe1 argv=python3,a.py\n");
	struct frame loop[] = {PY(FRAME_LIBRARY, "/usr/lib/python3.12/selectors.py", 468, "select", NULL), PY(FRAME_OWN, "/w/a.py", 90, "<module>", "asyncio.run(main())")};
	struct frame inner[] = {PY(FRAME_OWN, "/w/a.py", 12, "main", "await fut")}, library[] = {PY(FRAME_LIBRARY, "/l/x.py", 1, "x", NULL)};
	struct stack thread = {.tid = 100, .quality = STACK_EXACT, .frames = loop, .nframes = 2, .service_fd = -1};
	struct async_task tasks[] = {
		{.library = "asyncio", .name = "Task-1", .id = 1, .frames = inner, .nframes = 1, .awaits = "Future", .fd = -1},
		{.library = "asyncio", .name = "beside", .id = 2, .frames = library, .nframes = 1, .fd = -1},
		{.library = "", .name = "", .id = 3, .frames = inner, .nframes = 1, .fd = -1},
		{.library = "trio", .name = "a", .id = 4, .frames = inner, .nframes = 1, .fd = -1},
		{.library = "trio", .name = "b", .id = 5, .frames = inner, .nframes = 1, .fd = -1},
		{.library = "trio", .name = "c", .id = 6, .frames = inner, .nframes = 1, .fd = -1, .awaits = "x"},
		{.library = "trio", .name = "d", .id = 7, .frames = inner, .nframes = 1, .fd = -1, .awaits = "y"},
		{.library = "trio", .name = "e", .id = 8, .frames = inner, .nframes = 1, .fd = -1, .awaits = "y"},
	};
	struct process_stacks p = {.python = "3.12.1", .threads = &thread, .nthreads = 1, .tasks = tasks, .ntasks = ARRAY_SIZE(tasks), .actor = "registry",
				   .why = "a reason"};
	OWNED_TEXT out = {0};
	struct finding *f;

	(void)state;
	s->procs[0].stacks = stacks_copy(s->arena, &p);
	f = make_finding(s);
	screen(f, 80, "/w/", &out);
	assert_line(&out, "\n      a.py:90 in <module>: asyncio.run(main())\n");
	assert_line(&out, "\n      (a reason)\n");
	assert_line(&out, "\n      actor 'registry'\n");
	assert_line(&out, "\n      task Task-1 at a.py:12 in main awaits Future: await fut\n");
	assert_line(&out, "\n      2 tasks at a.py:12 in main: await fut\n");
	assert_line(&out, "\n      task c at a.py:12 in main awaits x: await fut\n");
	assert_line(&out, "\n      and 2 more tasks (report.json has all)\n");
	assert_null(strstr(text_str(&out), "beside"));
	finding_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_holders_are_named_with_their_lines),
		cmocka_unit_test(narrow_screens_keep_the_end_of_a_path),
		cmocka_unit_test(own_code_comes_first),
		cmocka_unit_test(async_tasks_and_reasons),
	};

	return cmocka_run_group_tests_name("report: where", tests, NULL, NULL);
}
