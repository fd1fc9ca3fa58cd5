/* The history of processes as it comes of what is told and what is seen: every order of arrival gives each process once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tree/tree.h"

enum { ROOT = 100 };
#define MS NS_PER_MS

struct both {
	struct history *h;
	struct tree *t;
};

static struct both begin(size_t most)
{
	struct history *h = history_new(most);

	return (struct both){h, tree_new(ROOT, h)};
}

static void end(struct both *b)
{
	tree_free(b->t);
	history_free(b->h);
}

static void tell(struct both *b, enum event_source source, struct event ev)
{
	ev.source = source;
	ev.text = ev.text ? ev.text : "";
	tree_event(b->t, &ev);
}

static void fork_by(struct both *b, enum event_source source, pid_t pid, pid_t child, int64_t at_ms)
{
	tell(b, source, (struct event){.kind = EVENT_FORK, .pid = pid, .tid = pid, .child = child, .at_ns = at_ms * MS});
}

static void born(struct both *b, pid_t pid, pid_t child, int64_t at_ms)
{
	tell(b, FROM_SHIM, (struct event){.kind = EVENT_FORK, .pid = pid, .tid = child, .child = child, .at_ns = at_ms * MS});
}

static void start(struct both *b, pid_t pid, const char *file, int64_t at_ms)
{
	tell(b, FROM_SHIM, (struct event){.kind = EVENT_START, .pid = pid, .token = NO_TOKEN, .text = file, .at_ns = at_ms * MS});
}

static void announce(struct both *b, pid_t pid, const char *file, int64_t at_ms)
{
	tell(b, FROM_SHIM, (struct event){.kind = EVENT_EXEC, .pid = pid, .id = 5, .text = file, .at_ns = at_ms * MS});
}

static void exec_by(struct both *b, enum event_source source, pid_t pid, const char *file, int64_t at_ms)
{
	tell(b, source, (struct event){.kind = EVENT_EXEC, .pid = pid, .text = file, .at_ns = at_ms * MS});
}

static void exit_by(struct both *b, enum event_source source, pid_t pid, int status, int64_t at_ms)
{
	tell(b, source, (struct event){.kind = EVENT_EXIT, .pid = pid, .status = status, .exact = source != FROM_SHIM, .at_ns = at_ms * MS});
}

static struct process_row *see(struct both *b, pid_t pid, uint64_t ticks, int64_t started_ms, bool *is_new)
{
	bool ignored;

	return history_row(b->h, pid, ticks, started_ms * MS, ROOT, is_new ? is_new : &ignored);
}

static void assert_row(const struct both *b, size_t i, pid_t pid, pid_t ppid, int64_t from_ms, int64_t to_ms, enum exit_kind exit,
		       int value)
{
	const struct process_row *row = history_at(b->h, i);

	assert_int_equal(row->pid, pid);
	assert_int_equal(row->ppid, ppid);
	assert_int_equal(row->started_ns, from_ms * MS);
	assert_int_equal(row->ended_ns, to_ms < 0 ? NEVER_NS : to_ms * MS);
	assert_int_equal(row->exit, exit);
	assert_int_equal(row->exit_value, value);
}

/** The notes of one kind that are there, all others taken away, too. */
static int notes(struct both *b, enum event_kind kind)
{
	struct history_note note;
	int n = 0;

	history_settle(b->h);
	while (history_next_note(b->h, &note))
		n += note.kind == kind;
	return n;
}

/* ---- one fork, told by all ---- */

static void a_fork_is_one_in_every_order(void **state)
{
	static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 0, 2, 1}, {2, 1, 3, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct both b = begin(10);

		for (int k = 0; k < 4; k++) {
			switch (orders[i][k]) {
			case 0:
				fork_by(&b, FROM_SHIM, ROOT, 200, 12);
				break;
			case 1:
				born(&b, ROOT, 200, 11);
				break;
			case 2:
				fork_by(&b, FROM_CONNECTOR, ROOT, 200, 10);
				break;
			default:
				fork_by(&b, FROM_TRACER, ROOT, 200, 13);
			}
		}
		assert_int_equal(history_count(b.h), 1);
		assert_row(&b, 0, 200, ROOT, 10, -1, EXIT_UNKNOWN, 0);
		assert_int_equal(notes(&b, EVENT_FORK), 1);
		end(&b);
	}
}

static void exec_of_the_child_comes_before_its_fork(void **state)
{
	struct both b = begin(10);

	(void)state;
	start(&b, 200, "/bin/true", 15);
	fork_by(&b, FROM_SHIM, ROOT, 200, 11);
	assert_int_equal(history_count(b.h), 1);
	assert_row(&b, 0, 200, ROOT, 11, -1, EXIT_UNKNOWN, 0);
	assert_string_equal(history_at(b.h, 0)->cmdline, "/bin/true");
	end(&b);
}

static void words_of_a_dead_child_are_its_own(void **state)
{
	struct both b = begin(10);

	(void)state;
	fork_by(&b, FROM_CONNECTOR, ROOT, 200, 10);
	exit_by(&b, FROM_CONNECTOR, 200, W_EXITCODE(3, 0), 14);
	born(&b, ROOT, 200, 11);
	start(&b, 200, "/bin/true", 13);
	fork_by(&b, FROM_SHIM, ROOT, 200, 16); /* the parent slept, and comes last */
	exit_by(&b, FROM_SHIM, 200, 0, 13);
	assert_int_equal(history_count(b.h), 1);
	assert_row(&b, 0, 200, ROOT, 10, 14, EXIT_CODE, 3);
	assert_null(history_living(b.h, 200));
	assert_string_equal(history_at(b.h, 0)->cmdline, "/bin/true");
	end(&b);
}

static void a_number_comes_again(void **state)
{
	struct both b = begin(10);

	(void)state;
	fork_by(&b, FROM_SHIM, ROOT, 200, 10);
	born(&b, ROOT, 200, 10);
	fork_by(&b, FROM_SHIM, ROOT, 200, 500); /* nobody has told of the end of the first */
	born(&b, ROOT, 200, 501);
	assert_int_equal(history_count(b.h), 2);
	assert_row(&b, 0, 200, ROOT, 10, 500, EXIT_UNKNOWN, 0);
	exit_by(&b, FROM_TRACER, 200, SIGKILL, 600);
	assert_row(&b, 1, 200, ROOT, 500, 600, EXIT_SIGNAL, SIGKILL);
	start(&b, 200, "/bin/true", 700); /* a row that has ended is never revived */
	assert_int_equal(history_count(b.h), 3);
	assert_row(&b, 1, 200, ROOT, 500, 600, EXIT_SIGNAL, SIGKILL);
	assert_row(&b, 2, 200, 0, 700, -1, EXIT_UNKNOWN, 0);
	end(&b);
}

/* ---- seen, too ---- */

static void what_was_told_of_is_seen(void **state)
{
	struct both b = begin(10);
	bool is_new;

	(void)state;
	fork_by(&b, FROM_SHIM, ROOT, 200, 105);
	see(&b, 200, 10, 100, &is_new); /* cut to the tick */
	assert_false(is_new);
	assert_int_equal(history_at(b.h, 0)->start_ticks, 10);
	see(&b, 200, 10, 100, &is_new);
	assert_false(is_new);
	exit_by(&b, FROM_CONNECTOR, 200, 0, 300);
	see(&b, 200, 10, 100, &is_new); /* a zombie is seen still */
	assert_false(is_new);
	see(&b, 200, 31, 310, &is_new);
	assert_true(is_new);
	assert_int_equal(history_count(b.h), 2);
	assert_row(&b, 0, 200, ROOT, 105, 300, EXIT_CODE, 0);
	end(&b);
}

static void what_was_told_of_and_is_over_is_seen(void **state)
{
	struct both b = begin(10);
	bool is_new;

	(void)state;
	fork_by(&b, FROM_CONNECTOR, ROOT, 200, 105);
	exit_by(&b, FROM_CONNECTOR, 200, 0, 300);
	see(&b, 200, 10, 100, &is_new); /* the zombie, for the first time */
	assert_false(is_new);
	fork_by(&b, FROM_CONNECTOR, ROOT, 201, 105);
	see(&b, 201, 99, 990, &is_new); /* long after: the end of the first was not told */
	assert_true(is_new);
	assert_row(&b, 1, 201, ROOT, 105, 105, EXIT_UNKNOWN, 0);
	fork_by(&b, FROM_CONNECTOR, ROOT, 202, 105);
	exit_by(&b, FROM_CONNECTOR, 202, 0, 106);
	see(&b, 202, 11, 110, &is_new); /* began behind that end: the number's next owner */
	assert_true(is_new);
	end(&b);
}

static void what_was_seen_is_told_of(void **state)
{
	struct both b = begin(10);
	struct process_row *row;

	(void)state;
	row = see(&b, 200, 10, 100, NULL);
	history_read(b.h, row, "sleep\0" "5", 8, 0x7000, 110 * MS);
	fork_by(&b, FROM_SHIM, ROOT, 200, 104);
	announce(&b, 200, "sleep", 105);
	start(&b, 200, "/bin/sleep", 107); /* the sampler has read its words since then: they say more */
	assert_int_equal(history_count(b.h), 1);
	assert_memory_equal(history_at(b.h, 0)->cmdline, "sleep\0" "5", 8);
	announce(&b, 200, "true", 200);
	start(&b, 200, "/bin/true", 203); /* and they are of another image now */
	assert_string_equal(history_at(b.h, 0)->cmdline, "/bin/true");
	end(&b);
}

static void exact_ends_win(void **state)
{
	struct both b = begin(10);

	(void)state;
	see(&b, 200, 10, 100, NULL);
	history_gone(b.h, 200, 300 * MS);
	assert_row(&b, 0, 200, ROOT, 100, 300, EXIT_UNKNOWN, 0);
	exit_by(&b, FROM_CONNECTOR, 200, SIGTERM, 280);
	assert_row(&b, 0, 200, ROOT, 100, 280, EXIT_SIGNAL, SIGTERM);
	assert_int_equal(notes(&b, EVENT_EXIT), 1); /* with what was told in time */
	exit_by(&b, FROM_TRACER, 200, 0, 290); /* once is enough */
	assert_row(&b, 0, 200, ROOT, 100, 280, EXIT_SIGNAL, SIGTERM);

	see(&b, 201, 10, 100, NULL);
	exit_by(&b, FROM_SHIM, 201, 7, 200); /* its own word: it lives still, and may stick in a handler */
	assert_non_null(history_living(b.h, 201));
	history_gone(b.h, 201, 300 * MS);
	assert_row(&b, 1, 201, ROOT, 100, 200, EXIT_CODE, 7);
	exit_by(&b, FROM_CONNECTOR, 201, SIGKILL, 250); /* it did not come so far */
	assert_row(&b, 1, 201, ROOT, 100, 250, EXIT_SIGNAL, SIGKILL);
	exit_by(&b, FROM_SHIM, 202, 7, 200); /* of nobody that is known */
	assert_int_equal(history_count(b.h), 2);
	end(&b);
}

/** A pass that began before such an end, and found it, dates it back to its own beginning. */
static void a_word_after_the_end_that_was_seen(void **state)
{
	struct both b = begin(10);

	(void)state;
	see(&b, 200, 10, 100, NULL);
	history_gone(b.h, 200, 300 * MS);
	start(&b, 200, "/bin/true", 303);
	exit_by(&b, FROM_SHIM, 200, 7, 305);
	assert_row(&b, 0, 200, ROOT, 100, 305, EXIT_CODE, 7);
	assert_int_equal(history_count(b.h), 1);
	exit_by(&b, FROM_SHIM, 200, 8, 9000); /* of another one, whose beginning nobody told */
	assert_row(&b, 0, 200, ROOT, 100, 305, EXIT_CODE, 7);
	end(&b);
}

static bool lives(void *who, const struct process_row *row)
{
	return row->pid == *(pid_t *)who;
}

static void nobody_has_told_of_its_end(void **state)
{
	struct both b = begin(10);
	pid_t living = 201;

	(void)state;
	fork_by(&b, FROM_SHIM, ROOT, 200, 10);
	fork_by(&b, FROM_SHIM, ROOT, 201, 10);
	history_sweep(b.h, 50 * MS, lives, &living);
	assert_row(&b, 0, 200, ROOT, 10, 50, EXIT_UNKNOWN, 0);
	assert_row(&b, 1, 201, ROOT, 10, -1, EXIT_UNKNOWN, 0);
	living = 0;
	history_sweep(b.h, 60 * MS, lives, &living);
	assert_row(&b, 1, 201, ROOT, 10, 60, EXIT_UNKNOWN, 0);
	end(&b);
}

/* ---- command lines ---- */

static void command_lines(void **state)
{
	struct both b = begin(10);
	struct process_row *row;

	(void)state;
	history_read(b.h, see(&b, ROOT, 1, 10, NULL), "make\0all", 9, 0x1000, 11 * MS);
	fork_by(&b, FROM_CONNECTOR, ROOT, 200, 20);
	assert_memory_equal(history_at(b.h, 1)->cmdline, "make\0all", 9); /* a fork runs what its parent runs */
	exec_by(&b, FROM_CONNECTOR, 200, "", 25); /* it was gone before anybody looked */
	assert_int_equal(history_at(b.h, 1)->cmdline_len, 0);
	exit_by(&b, FROM_CONNECTOR, 200, 0, 26);

	fork_by(&b, FROM_SHIM, ROOT, 201, 30);
	announce(&b, 201, "/bin/static", 31); /* which can't load the library, and tells nothing */
	exit_by(&b, FROM_CONNECTOR, 201, 0, 40);
	assert_string_equal(history_at(b.h, 2)->cmdline, "/bin/static");

	fork_by(&b, FROM_SHIM, ROOT, 202, 50);
	announce(&b, 202, "/no/such", 51);
	tell(&b, FROM_SHIM, (struct event){.kind = EVENT_EXEC_FAILED, .pid = 202, .token = 5, .at_ns = 52 * MS});
	exit_by(&b, FROM_CONNECTOR, 202, W_EXITCODE(127, 0), 53);
	assert_memory_equal(history_at(b.h, 3)->cmdline, "make\0all", 9);

	notes(&b, EVENT_EXEC);
	row = see(&b, 203, 6, 60, NULL);
	history_read(b.h, row, "make\0all", 9, 0x1000, 61 * MS);
	history_read(b.h, row, "cc\0-c", 6, 0x2000, 71 * MS); /* another image: it has executed something meanwhile */
	history_read(b.h, row, "title", 6, 0x2000, 81 * MS);   /* and has only changed its title here */
	assert_int_equal(notes(&b, EVENT_EXEC), 1);
	assert_string_equal(row->cmdline, "title");
	end(&b);
}

static void an_exec_is_one_whoever_tells(void **state)
{
	struct both b = begin(10);

	(void)state;
	fork_by(&b, FROM_SHIM, ROOT, 200, 10);
	announce(&b, 200, "a", 11);
	exec_by(&b, FROM_CONNECTOR, 200, "", 12);
	start(&b, 200, "/bin/a", 14);
	announce(&b, 200, "b", 21);
	start(&b, 200, "/bin/b", 24);
	exec_by(&b, FROM_CONNECTOR, 200, "", 22);
	announce(&b, 200, "c", 31);
	exec_by(&b, FROM_CONNECTOR, 200, "", 32); /* a static one: its image does not speak */
	announce(&b, 200, "d", 41);
	start(&b, 200, "/bin/d", 44);
	exec_by(&b, FROM_CONNECTOR, 200, "", 42);
	history_read(b.h, see(&b, 200, 1, 10, NULL), "d", 2, 0x2000, 50 * MS);
	assert_int_equal(notes(&b, EVENT_EXEC), 4);
	end(&b);
}

/* ---- tests, storms ---- */

static void processes_have_the_test_that_made_them(void **state)
{
	struct both b = begin(10);

	(void)state;
	tell(&b, FROM_SHIM, (struct event){.kind = EVENT_TEST, .pid = ROOT, .text = "t.py::a (call)", .at_ns = 10 * MS});
	tell(&b, FROM_SHIM, (struct event){.kind = EVENT_TEST, .pid = ROOT, .text = "t.py::b (setup)", .at_ns = 20 * MS});
	fork_by(&b, FROM_CONNECTOR, ROOT, 200, 15); /* is heard later, and is of the first all the same */
	fork_by(&b, FROM_SHIM, ROOT, 201, 25);
	tell(&b, FROM_SHIM, (struct event){.kind = EVENT_START, .pid = 202, .parent = ROOT, .token = NO_TOKEN, .text = "/x", .at_ns = 26 * MS});
	fork_by(&b, FROM_CONNECTOR, 201, 203, 27); /* its grandchild */
	assert_string_equal(history_at(b.h, 0)->test, "t.py::a");
	assert_string_equal(history_at(b.h, 1)->test, "t.py::b");
	assert_string_equal(history_at(b.h, 2)->test, "t.py::b");
	assert_int_equal(history_at(b.h, 2)->ppid, ROOT);
	assert_string_equal(history_at(b.h, 3)->test, "t.py::b");
	assert_int_equal(notes(&b, EVENT_TEST), 2);
	end(&b);
}

static void a_storm_is_counted(void **state)
{
	struct both b = begin(2000);

	(void)state;
	for (pid_t i = 0; i < 1000; i++) {
		fork_by(&b, FROM_SHIM, ROOT, 1000 + i, i);
		born(&b, ROOT, 1000 + i, i);
		exit_by(&b, FROM_SHIM, 1000 + i, i % 7, i);
	}
	for (pid_t i = 0; i < 1000; i++) { /* the kernel's own words come in one go behind that */
		fork_by(&b, FROM_CONNECTOR, ROOT, 1000 + i, i);
		exit_by(&b, FROM_CONNECTOR, 1000 + i, W_EXITCODE(i % 7, 0), i + 1);
	}
	assert_int_equal(history_count(b.h), 1000);
	for (pid_t i = 0; i < 1000; i++)
		assert_row(&b, (size_t)i, 1000 + i, ROOT, i, i + 1, EXIT_CODE, i % 7);
	assert_int_equal(notes(&b, EVENT_EXIT), 1000);
	end(&b);

	b = begin(100);
	for (pid_t i = 0; i < 5000; i++) { /* numbers come again, and rows are dropped */
		fork_by(&b, FROM_TRACER, ROOT, 1000 + i % 50, 10 * i);
		exit_by(&b, FROM_TRACER, 1000 + i % 50, 0, 10 * i + 1);
		assert_true(history_count(b.h) <= 101);
	}
	assert_int_equal(history_count(b.h) + history_dropped(b.h), 5000);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fork_is_one_in_every_order),
		cmocka_unit_test(exec_of_the_child_comes_before_its_fork),
		cmocka_unit_test(words_of_a_dead_child_are_its_own),
		cmocka_unit_test(a_number_comes_again),
		cmocka_unit_test(what_was_told_of_is_seen),
		cmocka_unit_test(what_was_told_of_and_is_over_is_seen),
		cmocka_unit_test(what_was_seen_is_told_of),
		cmocka_unit_test(exact_ends_win),
		cmocka_unit_test(a_word_after_the_end_that_was_seen),
		cmocka_unit_test(nobody_has_told_of_its_end),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(an_exec_is_one_whoever_tells),
		cmocka_unit_test(processes_have_the_test_that_made_them),
		cmocka_unit_test(a_storm_is_counted),
	};

	return cmocka_run_group_tests_name("tree told", tests, NULL, NULL);
}
