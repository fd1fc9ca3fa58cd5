/* What counts as left behind: each kind beside what comes near it and is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "leaks/leaks.h"

#define S NS_PER_S
#define TEST "t.py::test_a"

static finding_vec found;

static const struct finding *only(const struct leaks_input *in)
{
	leaks_find(in, &found);
	assert_int_equal(found.n, 1);
	return found.at[0];
}

static void none(const struct leaks_input *in)
{
	leaks_find(in, &found);
	assert_int_equal(found.n, 0);
}

static int forget(void **state)
{
	(void)state;
	for (size_t i = 0; i < found.n; i++)
		finding_free(found.at[i]);
	vec_free(&found);
	return 0;
}

static struct left_process process(pid_t pid, pid_t parent, const char *label, const char *test)
{
	return (struct left_process){{pid, label, "", S}, parent, 'S', test};
}

/* ---- processes and listeners ---- */

static void a_process_with_its_family(void **state)
{
	struct left_process rows[] = {process(11, 10, "worker", NULL), process(10, 1, "daemon", TEST), process(12, 11, "worker", TEST)};
	struct leaks_input in = {.now_ns = 9 * S, .processes = rows, .nprocesses = 3};
	const struct finding *f = only(&in);

	(void)state;
	assert_int_equal(f->kind, FINDING_LEAKED_PROCESS);
	assert_int_equal(f->certainty, PROVEN);
	assert_string_equal(f->test, TEST);
	assert_int_equal(f->nculprits, 3);
	assert_int_equal(f->culprits[0], 10);
	assert_int_equal(f->onset_ns, S);
}

static void alike_are_one_and_others_are_not(void **state)
{
	struct left_process rows[] = {process(10, 1, "a", TEST), process(11, 1, "a", TEST), process(12, 1, "a", "t.py::test_b"),
				      process(13, 1, "b", TEST), process(14, 1, "a", NULL)};
	struct leaks_input in = {.processes = rows, .nprocesses = 5};

	(void)state;
	leaks_find(&in, &found);
	assert_int_equal(found.n, 4);
	assert_int_equal(found.at[0]->nculprits, 2);
	assert_null(found.at[3]->test);
}

static void one_that_has_ended_is_none(void **state)
{
	struct left_process rows[] = {process(10, 1, "a", TEST)};
	struct leaks_input in = {.processes = rows, .nprocesses = 1};

	(void)state;
	none(&(struct leaks_input){0}); /* what pytest ended, or what ended within the second */
	rows[0].state = 'Z';
	none(&in);
}

static void a_listener_and_its_worker(void **state)
{
	struct left_process rows[] = {process(10, 1, "daemon", TEST), process(11, 10, "daemon", TEST)};
	struct left_listener sockets[] = {{{"tcp", "127.0.0.1:80"}, 10, false}, {{"tcp", "127.0.0.1:80"}, 11, false},
					  {{"unix", "/run/x"}, 11, false}};
	struct leaks_input in = {.processes = rows, .nprocesses = 2, .listeners = sockets, .nlisteners = 3};
	const struct finding *f = only(&in);

	(void)state;
	assert_int_equal(f->kind, FINDING_LEAKED_LISTENER);
	assert_int_equal(f->leak.nthings, 2);
	assert_int_equal(f->nculprits, 2);
}

static void a_listener_that_we_were_given(void **state)
{
	struct left_process rows[] = {process(10, 1, "daemon", TEST)};
	struct left_listener sockets[] = {{{"tcp", "127.0.0.1:80"}, 10, true}};
	struct leaks_input in = {.processes = rows, .nprocesses = 1, .listeners = sockets, .nlisteners = 1};

	(void)state;
	assert_int_equal(only(&in)->kind, FINDING_LEAKED_PROCESS);
}

/* ---- zombies ---- */

static void zombies_of_one_parent(void **state)
{
	struct left_zombie rows[] = {{{21, "a", "", S}, {20, "pytest", "", 0}, S, 4 * S, false, TEST},
				     {{22, "b", "", S}, {20, "pytest", "", 0}, 2 * S, 4 * S, false, TEST}};
	struct leaks_input in = {.now_ns = 5 * S, .zombies = rows, .nzombies = 2};
	const struct finding *f = only(&in);

	(void)state;
	assert_int_equal(f->kind, FINDING_ZOMBIE);
	assert_int_equal(f->nculprits, 2);
	assert_int_equal(f->leak.parent.pid, 20);
}

static void zombies_that_are_waited_for_or_new(void **state)
{
	struct left_zombie rows[] = {{{21, "a", "", S}, {20, "pytest", "", 0}, S, 4 * S, true, TEST},
				     {{22, "b", "", S}, {20, "pytest", "", 0}, S, S + ZOMBIE_NS - 1, false, TEST}};
	struct leaks_input in = {.zombies = rows, .nzombies = 2};

	(void)state;
	none(&in);
}

/* ---- files ---- */

static void files_left(void **state)
{
	struct left_file sockets[] = {{.name = "/run/a", .there = true, .made = true, .test = TEST},
				      {.name = "/run/b", .there = true, .made = true, .test = TEST}};
	struct left_file shm[] = {{.name = "/dev/shm/a", .there = true, .made = true, .maker = 7}};
	struct leaks_input in = {.sockets = sockets, .nsockets = 2, .shm = shm, .nshm = 1};

	(void)state;
	leaks_find(&in, &found);
	assert_int_equal(found.n, 2);
	assert_int_equal(found.at[0]->kind, FINDING_STALE_SOCKET);
	assert_int_equal(found.at[0]->leak.nthings, 2);
	assert_int_equal(found.at[1]->kind, FINDING_LEAKED_SHM);
	assert_int_equal(found.at[1]->culprits[0], 7);
	assert_null(found.at[1]->test);
}

static void files_that_are_none(void **state)
{
	struct left_file rows[] = {
		{.name = "unlinked", .made = true},
		{.name = "a stranger's", .there = true},
		{.name = "in use", .there = true, .made = true, .in_use = true},
		{.name = "of one that we have ended", .there = true, .made = true, .by_ended = true},
		{.name = "in tmp_path", .there = true, .made = true, .kept = true},
	};
	struct leaks_input in = {.sockets = rows, .nsockets = ARRAY_SIZE(rows), .shm = rows, .nshm = ARRAY_SIZE(rows)};

	(void)state;
	none(&in);
}

/* ---- addresses ---- */

static const struct leak_process holder[] = {{30, "holder.py", "python holder.py", S}};

static void a_bind_that_failed(void **state)
{
	struct held_address rows[] = {{{"tcp", "127.0.0.1:1616"}, holder, 1, OWNER_EARLIER, false, true, TEST, 2 * S}};
	struct leaks_input in = {.failed = true, .binds_heard = true, .held = rows, .nheld = 1};
	const struct finding *f = only(&in);

	(void)state;
	assert_int_equal(f->kind, FINDING_PORT_HELD);
	assert_int_equal(f->certainty, PROVEN);
	assert_int_equal(f->leak.owner, OWNER_EARLIER);
	assert_int_equal(f->culprits[0], 30);
	forget(NULL);
	in.failed = false; /* a test that looks what happens then */
	none(&in);
	in.failed = true;
	rows[0].nwho = 0; /* nobody is known: nothing to say */
	none(&in);
}

static void a_holder_of_before(void **state)
{
	struct held_address rows[] = {{{"tcp", "127.0.0.1:1616"}, holder, 1, OWNER_OTHER, true, false, NULL, 0}};
	struct leaks_input in = {.failed = true, .held = rows, .nheld = 1};

	(void)state;
	assert_int_equal(only(&in)->certainty, SUSPECTED);
	forget(NULL);
	in.binds_heard = true; /* and none has failed */
	none(&in);
	in.binds_heard = in.failed = false;
	none(&in);
}

static void a_holder_inside(void **state)
{
	struct left_process left[] = {process(30, 1, "holder.py", NULL)};
	struct left_listener sockets[] = {{{"tcp", "127.0.0.1:1616"}, 30, false}};
	struct held_address rows[] = {{{"tcp", "127.0.0.1:1616"}, holder, 1, OWNER_RUN, false, false, NULL, 0}};
	struct leaks_input in = {.failed = true, .held = rows, .nheld = 1, .processes = left, .nprocesses = 1,
				 .listeners = sockets, .nlisteners = 1};

	(void)state;
	assert_int_equal(only(&in)->kind, FINDING_PORT_HELD);
	forget(NULL);
	in.failed = false;
	assert_int_equal(only(&in)->kind, FINDING_LEAKED_LISTENER);
}

/* ---- tests by sampling ---- */

static void tests_between_looks(void **state)
{
	struct leak_tests *t = leak_tests_new();

	(void)state;
	leak_tests_seen(t, 5, "a", 10);
	leak_tests_seen(t, 5, "a", 20);
	leak_tests_seen(t, 5, "b", 30);
	leak_tests_seen(t, 5, NULL, 40);
	leak_tests_seen(t, 5, "c", 50);
	assert_string_equal(leak_tests_at(t, 5, 10, 20), "a");
	assert_string_equal(leak_tests_at(t, 0, 12, 13), "a");
	assert_null(leak_tests_at(t, 5, 9, 11));
	assert_null(leak_tests_at(t, 5, 20, 21)); /* it may have ended by then */
	assert_null(leak_tests_at(t, 5, 25, 26));
	assert_string_equal(leak_tests_at(t, 5, 30, 30), "b");
	assert_null(leak_tests_at(t, 5, 35, 35));
	assert_null(leak_tests_at(t, 6, 12, 13));
	leak_tests_seen(t, 6, "d", 60);
	assert_null(leak_tests_at(t, 0, 12, 13)); /* two run tests: which of them? */
	leak_tests_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_process_with_its_family, forget),
		cmocka_unit_test_teardown(alike_are_one_and_others_are_not, forget),
		cmocka_unit_test_teardown(one_that_has_ended_is_none, forget),
		cmocka_unit_test_teardown(a_listener_and_its_worker, forget),
		cmocka_unit_test_teardown(a_listener_that_we_were_given, forget),
		cmocka_unit_test_teardown(zombies_of_one_parent, forget),
		cmocka_unit_test_teardown(zombies_that_are_waited_for_or_new, forget),
		cmocka_unit_test_teardown(files_left, forget),
		cmocka_unit_test_teardown(files_that_are_none, forget),
		cmocka_unit_test_teardown(a_bind_that_failed, forget),
		cmocka_unit_test_teardown(a_holder_of_before, forget),
		cmocka_unit_test_teardown(a_holder_inside, forget),
		cmocka_unit_test(tests_between_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
