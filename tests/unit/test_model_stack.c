/* Stacks as values: written, read and copied whole; and what they hand to the prover. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

static struct frame frames[] = {
	{.kind = FRAME_PYTHON, .owner = FRAME_OWN, .function = "Gr\xc3\xbc\xc3\x9f" "e.rufe", .file = "/w/test_x.py", .line = 12, .source = "lock.acquire()"},
	{.kind = FRAME_NATIVE, .owner = FRAME_GLUE, .function = NULL, .file = "/lib/x.so", .address = 0x7f00000000001234},
	{.kind = FRAME_PYTHON, .owner = FRAME_RUNNER, .function = "main", .file = "/p/_pytest/main.py", .line = 3},
};
static struct lock_owner owners[] = {
	{.pid = 100, .tid = 102, .exact = true, .at = &frames[0]},
	{.pid = 101, .tid = 101, .at = NULL},
};
static struct stack threads[] = {
	{.tid = 100, .runs = UINT64_MAX, .quality = STACK_EXACT, .frames = frames, .nframes = 3, .service_fd = -1,
	 .lock = {.kind = LOCK_RLOCK, .type = "_thread.RLock", .address = UINT64_MAX, .shared = "0:1:2+0x10", .owners = owners, .nowners = 2}},
	{.tid = 102, .quality = STACK_PARTIAL, .why = "no \"unwind\" table", .native = &frames[1], .nnative = 1, .service = "execnet receiver",
	 .service_fd = 0},
	{.tid = 103, .quality = STACK_NONE, .why = "gone", .service_fd = -1},
};
static uint64_t ids[] = {2, UINT64_MAX - 1};
static struct async_task tasks[] = {
	{.library = "trio", .name = "a", .id = 1, .parent = 2, .state = ASYNC_CREATED, .frames = frames, .nframes = 1, .awaits = "Event.wait",
	 .waits_for = ids, .nwaits_for = 2, .fd = 7, .fd_writes = true, .child = 9},
	{.library = "", .name = "", .id = 2, .state = ASYNC_RUNNING, .fd = -1},
};
static const struct process_stacks all = {
	.python = "3.11.7", .why = NULL, .actor = "registry", .gil_holder = 102, .free_threaded = true, .threads = threads, .nthreads = 3,
	.tasks = tasks, .ntasks = 2, .tasks_cut = "more than 3 million objects",
};

static void assert_same(const struct process_stacks *a, const struct process_stacks *b)
{
	OWNED_TEXT first = {0}, second = {0};

	stacks_write(&first, 100, a);
	stacks_write(&second, 100, b);
	assert_string_equal(text_str(&first), text_str(&second));
}

static void written_and_read_again(void **state)
{
	struct snapshot *s = snap("100 pause\n102/100 pause\n101 pause parent=100\n"), *again;
	struct err err = {0};
	OWNED_TEXT t = {0};

	(void)state;
	s->procs[0].stacks = stacks_copy(s->arena, &all);
	snapshot_write(s, &t);
	if (snapshot_read(t.at, t.n, &again, &err))
		fail_msg("%s", err.text);
	assert_same(again->procs[0].stacks, &all);
	assert_null(again->procs[1].stacks);
	assert_true(again->procs[0].stacks->threads[0].runs == UINT64_MAX);
	assert_int_equal(again->procs[0].stacks->threads[1].service_fd, 0);
	assert_int_equal(again->procs[0].stacks->threads[2].service_fd, -1);
	assert_int_equal(again->procs[0].stacks->tasks[1].fd, -1);
	assert_true(again->procs[0].stacks->tasks[0].waits_for[1] == UINT64_MAX - 1);
	snapshot_free(again);
	snapshot_free(s);
}

/** The copy lives on when all that it was made of is gone. */
static void copied_whole(void **state)
{
	struct arena *first = arena_new(), *second = arena_new();
	struct process_stacks *once = stacks_copy(first, &all), *twice = stacks_copy(second, once);

	(void)state;
	arena_free(first);
	assert_same(twice, &all);
	assert_ptr_not_equal(twice->threads[0].lock.owners[0].at, &frames[0]);
	assert_null(stacks_copy(second, NULL));
	assert_ptr_equal(stacks_of_thread(twice, 102), &twice->threads[1]);
	assert_null(stacks_of_thread(twice, 104));
	assert_null(stacks_of_thread(NULL, 102));
	arena_free(second);
}

static void refused(const char *from, const char *to, const char *words)
{
	struct snapshot *s = snap("100 pause\n"), *again = NULL;
	struct err err = {0};
	OWNED_TEXT t = {0}, bad = {0};
	const char *at;

	s->procs[0].stacks = stacks_copy(s->arena, &all);
	snapshot_write(s, &t);
	at = strstr(t.at, from);
	assert_non_null(at);
	text_addn(&bad, t.at, (size_t)(at - t.at));
	text_add(&bad, to);
	text_add(&bad, at + strlen(from));
	assert_int_not_equal(snapshot_read(bad.at, bad.n, &again, &err), 0);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
	snapshot_free(s);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	refused("\"kind\":\"RLock\"", "\"kind\":\"padlock\"", "stacks.item.lock.kind: is no kind of lock");
	refused("\"0xffffffffffffffff\"", "\"0xgg\"", "is no address");
	refused("\"line\":12", "\"line\":-12", "out of range");
	refused("\"threads\":[", "\"threads\":[1,", "is no object");
	refused("\"fd\":7", "\"fd\":\"seven\"", "is no number");
}

/* ---- what the prover takes over ---- */

static struct snapshot *with_lock(enum lock_kind kind, bool exact, uint64_t runs, enum stack_quality quality)
{
	struct snapshot *s = snap("100 futex\n101/100 futex\n102/100 sleep(1)\n");
	struct lock_owner owner = {.pid = 100, .tid = 101, .exact = exact};
	struct stack stack = {.tid = 100, .runs = runs, .quality = quality, .lock = {.kind = kind, .owners = &owner, .nowners = 1, .only_owners = quality != STACK_NONE}};
	struct process_stacks p = {.threads = &stack, .nthreads = 1};

	s->tasks[0].runs = 7;
	s->procs[0].stacks = stacks_copy(s->arena, &p);
	prove_owners(s);
	return s;
}

static void assert_taken(pid_t owner, pid_t join, enum lock_kind kind, bool exact, uint64_t runs, enum stack_quality quality)
{
	struct snapshot *s = with_lock(kind, exact, runs, quality);

	assert_int_equal(s->tasks[0].wait.owner, owner);
	assert_int_equal(s->tasks[0].wait.join, join);
	snapshot_free(s);
}

static void only_what_is_sure_is_taken(void **state)
{
	(void)state;
	assert_taken(101, 0, LOCK_RLOCK, true, 7, STACK_EXACT);
	assert_taken(101, 0, LOCK_MUTEX, true, 7, STACK_PARTIAL);
	assert_taken(0, 101, LOCK_JOIN, true, 7, STACK_EXACT);
	assert_taken(0, 0, LOCK_LOCK, true, 7, STACK_EXACT); /* anybody may release it */
	assert_taken(0, 0, LOCK_RLOCK, false, 7, STACK_EXACT);
	assert_taken(0, 0, LOCK_RLOCK, true, 8, STACK_EXACT); /* it has run since */
	assert_taken(0, 0, LOCK_RLOCK, true, 7, STACK_MOVING);
	assert_taken(0, 0, LOCK_MUTEX, true, 7, STACK_NONE); /* without `only_owners` others may let go as well */
}

/** Thread 102 will run, and can't release what 101 holds. */
static void a_ring_of_owners_is_stuck_beside_a_live_thread(void **state)
{
	struct snapshot *s = with_lock(LOCK_RLOCK, true, 7, STACK_EXACT);
	struct prove_options opt = {.horizon_ns = 100 * NS_PER_S};
	struct proof *p;

	(void)state;
	s->tasks[1].wait.owner = 100;
	p = prove(s, &opt);
	assert_true(p->fates[0].stuck);
	assert_true(p->fates[1].stuck);
	assert_false(p->whole);
	proof_free(p);
	s->tasks[0].wait.owner = 0;
	p = prove(s, &opt);
	assert_false(p->fates[0].stuck);
	proof_free(p);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_again),
		cmocka_unit_test(copied_whole),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(only_what_is_sure_is_taken),
		cmocka_unit_test(a_ring_of_owners_is_stuck_beside_a_live_thread),
	};

	return cmocka_run_group_tests_name("model: stacks", tests, NULL, NULL);
}
